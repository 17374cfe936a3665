//! Licences kept in memory. A release never asks here. What is kept is trusted only while the
//! feed of changes is heard; how long ago that was is the age stated in every answer.
pub mod past;

use crate::domain::Timestamp;
use crate::domain::licence::Held;
use lru::LruCache;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Shards, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Memory of a kept licence beside its packed form: a node of the list (key, pointer and length,
/// two links) and its place in the table, which is seven eighths full at most.
const NODE_BYTES: usize = 48 + 24;

/// A licence and where it stands, packed: millions of them fit into a machine, and unpacking one
/// takes about as long as hashing its number a few times.
type Packed = Box<[u8]>;

/// One shard: licences by the hash of their number, and a count of the changes announced to it.
struct Shard {
    licences: LruCache<u64, Packed>,
    changes: u64,
    bytes: usize,
}

impl Shard {
    fn put(&mut self, key: u64, packed: Packed) {
        self.bytes += packed.len() + NODE_BYTES;
        if let Some((_, gone)) = self.licences.push(key, packed) {
            self.bytes = self.bytes.saturating_sub(gone.len() + NODE_BYTES);
        }
    }

    fn pop(&mut self, key: u64) {
        if let Some(gone) = self.licences.pop(&key) {
            self.bytes = self.bytes.saturating_sub(gone.len() + NODE_BYTES);
        }
    }
}

/// Hot licences.
pub struct Cache {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    known: Mutex<Known>,
    heard: Mutex<Option<(Timestamp, Instant)>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What is known of the counts of changes, where other nodes change licences too.
#[derive(Default)]
struct Known {
    /// Counts under which this node itself has changed licences, until they are heard of.
    own: BTreeSet<i64>,
    /// Every change up to this count has been heard of.
    heard: i64,
}

/// Proof of when a read began; what was read is only kept where nothing changed since.
#[derive(Debug, Clone, Copy)]
pub struct Ticket(u64);

impl Cache {
    /// A cache of at most so many licences.
    pub fn new(licences_max: NonZeroUsize) -> Self {
        let each =
            NonZeroUsize::new(licences_max.get().div_ceil(SHARDS)).unwrap_or(NonZeroUsize::MIN);
        let shard = |_| Mutex::new(Shard { licences: LruCache::new(each), changes: 0, bytes: 0 });
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            hasher: RandomState::new(),
            known: Mutex::new(Known::default()),
            heard: Mutex::new(None),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder of a division by the number of shards"
    )]
    fn shard(&self, number: &str) -> (u64, &Mutex<Shard>) {
        let key = self.hasher.hash_one(number);
        let shard = usize::try_from(key % 16).unwrap_or_default();
        (key, &self.shards[shard % self.shards.len()])
    }

    /// A licence, where it is kept. Two numbers of one hash take each other's place; the number in the
    /// licence tells them apart.
    pub fn get(&self, number: &str) -> Option<Held> {
        let (key, shard) = self.shard(number);
        let found = shard.lock().licences.get(&key).and_then(|packed| unpack(packed));
        let found = found.filter(|held| held.licence.number.as_str() == number);
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// To be taken before a licence is read from the database.
    pub fn ticket(&self, number: &str) -> Ticket {
        Ticket(self.shard(number).1.lock().changes)
    }

    /// Keeps what was read, unless its shard has heard of a change since the ticket was taken.
    pub fn keep(&self, ticket: Ticket, held: &Held) {
        let (key, shard) = self.shard(&held.licence.number);
        let Some(packed) = pack(held) else { return };
        let mut shard = shard.lock();
        if shard.changes == ticket.0 {
            shard.put(key, packed);
        }
    }

    /// Replaces a licence that has just been changed, where it is kept.
    pub fn replace(&self, held: &Held) {
        let (key, shard) = self.shard(&held.licence.number);
        let packed = pack(held);
        let mut shard = shard.lock();
        shard.changes += 1;
        match packed {
            Some(packed) if shard.licences.contains(&key) => shard.put(key, packed),
            Some(_) | None => shard.pop(key),
        }
    }

    /// Forgets a licence that has changed elsewhere.
    pub fn forget(&self, number: &str) {
        let (key, shard) = self.shard(number);
        let mut shard = shard.lock();
        shard.changes += 1;
        shard.pop(key);
    }

    /// Takes in what this node's own writer has changed under a count. Where a later count has been
    /// heard of already, another node may have changed the same licences since: they are read again.
    pub fn publish(&self, sequence: i64, changed: &[Held]) {
        let mut known = self.known.lock();
        if sequence <= known.heard {
            for held in changed {
                self.forget(&held.licence.number);
            }
            return;
        }
        known.own.insert(sequence);
        for held in changed {
            self.replace(held);
        }
    }

    /// Forgets licences that have changed, each under a count, unless it is known how they stand then.
    pub fn hear(&self, changes: &[(i64, String)]) {
        let mut known = self.known.lock();
        for (sequence, number) in changes {
            if !known.own.contains(sequence) {
                self.forget(number);
            }
        }
        if let Some((last, _)) = changes.last() {
            known.heard = *last;
            known.own = known.own.split_off(&(last + 1));
        }
    }

    /// More has changed, up to a count, than can be named: forgets everything.
    pub fn hear_all(&self, upto: i64) {
        let mut known = self.known.lock();
        *known = Known { own: BTreeSet::new(), heard: upto };
        self.clear();
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.changes += 1;
            shard.licences.clear();
            shard.bytes = 0;
        }
    }

    /// The feed of changes was heard, and everything up to now is known.
    pub fn heard(&self, now: Timestamp) {
        *self.heard.lock() = Some((now, Instant::now()));
    }

    /// How long ago the feed was last heard; `None` where it never was. The machine's clock may be set back
    /// or have been ahead for a moment: what has passed by the one that only runs counts as well.
    pub fn age_ms(&self, now: Timestamp) -> Option<u64> {
        let (heard, ran_since) = (*self.heard.lock())?;
        let passed_us = now.as_microsecond().saturating_sub(heard.as_microsecond()).max(0);
        let passed_ms = u64::try_from(passed_us / 1000).ok()?;
        let ran_ms = u64::try_from(ran_since.elapsed().as_millis()).ok()?;
        Some(passed_ms.max(ran_ms))
    }

    /// Memory of the licences kept.
    pub fn bytes(&self) -> u64 {
        let bytes: usize = self.shards.iter().map(|shard| shard.lock().bytes).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Licences kept, look-ups answered from memory, look-ups that were not.
    pub fn counts(&self) -> (u64, u64, u64) {
        let kept: usize = self.shards.iter().map(|shard| shard.lock().licences.len()).sum();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (u64::try_from(kept).unwrap_or(u64::MAX), count(&self.hits), count(&self.misses))
    }
}

/// What cannot be packed is not kept, and what cannot be unpacked is read again.
fn pack(held: &Held) -> Option<Packed> {
    postcard::to_allocvec(held).ok().map(Vec::into_boxed_slice)
}

fn unpack(packed: &[u8]) -> Option<Held> {
    postcard::from_bytes(packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::licence::Standing;
    use crate::domain::licence::Status;
    use std::sync::Arc;

    fn held(number: &str, shipments: u32) -> Held {
        let document = crate::demo::licences("2026-11-23".parse().unwrap()).remove(0);
        let sent: crate::wire::licence::Licence = serde_json::from_value(document).unwrap();
        let mut licence = sent.read(1, "").unwrap();
        licence.number = number.into();
        let standing =
            Standing { status: Status::Active, shipments, decisions: 0, drawn: Box::default() };
        Held { licence: Arc::new(licence), standing }
    }

    #[test]
    fn a_licence_comes_out_as_it_was_put_in() {
        let cache = Cache::new(NonZeroUsize::MIN);
        let held = held("FR-EXP-1", 3);
        cache.keep(cache.ticket("FR-EXP-1"), &held);
        assert_eq!(cache.get("FR-EXP-1"), Some(held));
        assert_eq!(cache.get("FR-EXP-2"), None);
        assert_eq!(cache.counts(), (1, 1, 1));
    }

    #[test]
    fn every_day_comes_out_as_it_was_put_in() {
        let mut packed = held("FR-EXP-1", 0);
        for day in ["0001-01-01", "1999-12-31", "2024-02-29", "9999-12-31"] {
            let licence = Arc::make_mut(&mut packed.licence);
            licence.valid_from = day.parse().unwrap();
            licence.valid_until = Some(licence.valid_from).filter(|_| day != "1999-12-31");
            assert_eq!(unpack(&pack(&packed).unwrap()), Some(packed.clone()));
        }
    }

    #[test]
    fn a_clock_that_was_ahead_for_a_moment_hides_no_age() {
        let cache = Cache::new(NonZeroUsize::MIN);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(cache.age_ms(now), None);
        let ahead = Timestamp::from_second(3600).unwrap();
        cache.heard(ahead);
        std::thread::sleep(std::time::Duration::from_millis(3));
        assert!(cache.age_ms(now).is_some_and(|age_ms| (3..60_000).contains(&age_ms)));
        // By the clock that people read, as far as that says more.
        assert_eq!(cache.age_ms(Timestamp::from_second(3700).unwrap()), Some(100_000));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let cache = Cache::new(NonZeroUsize::MIN);
        let ticket = cache.ticket("FR-EXP-1");
        cache.replace(&held("FR-EXP-1", 1));
        cache.keep(ticket, &held("FR-EXP-1", 0));
        assert_eq!(cache.get("FR-EXP-1"), None);
        cache.keep(cache.ticket("FR-EXP-1"), &held("FR-EXP-1", 1));
        cache.replace(&held("FR-EXP-1", 2));
        assert_eq!(cache.get("FR-EXP-1").unwrap().standing.shipments, 2);
    }

    #[test]
    fn a_change_of_another_node_is_forgotten_and_one_s_own_is_kept() {
        let cache = Cache::new(NonZeroUsize::MIN);
        cache.keep(cache.ticket("FR-EXP-1"), &held("FR-EXP-1", 0));
        cache.publish(7, &[held("FR-EXP-1", 1)]);
        cache.hear(&[(7, "FR-EXP-1".to_owned())]);
        assert_eq!(cache.get("FR-EXP-1").unwrap().standing.shipments, 1);
        cache.hear(&[(8, "FR-EXP-1".to_owned())]);
        assert_eq!(cache.get("FR-EXP-1"), None);
        assert!(cache.known.lock().own.is_empty());
    }

    #[test]
    fn an_own_change_that_comes_in_late_never_hides_a_later_one_of_another_node() {
        let cache = Cache::new(NonZeroUsize::MIN);
        // Own change 7 is committed, then another node's 8, which is heard of first and read again.
        cache.hear(&[(8, "FR-EXP-1".to_owned())]);
        cache.keep(cache.ticket("FR-EXP-1"), &held("FR-EXP-1", 2));
        cache.publish(7, &[held("FR-EXP-1", 1)]);
        assert_eq!(cache.get("FR-EXP-1"), None);
        // After another database has been taken up, its own counts hold.
        cache.hear_all(3);
        cache.keep(cache.ticket("FR-EXP-1"), &held("FR-EXP-1", 2));
        cache.publish(4, &[held("FR-EXP-1", 3)]);
        assert_eq!(cache.get("FR-EXP-1").unwrap().standing.shipments, 3);
    }

    #[test]
    fn memory_is_counted_to_the_last_byte() {
        let cache = Cache::new(NonZeroUsize::new(SHARDS).unwrap());
        for n in 0..200 {
            let number = format!("FR-EXP-{n}");
            cache.keep(cache.ticket(&number), &held(&number, n));
        }
        let (kept, _, _) = cache.counts();
        assert!(kept <= 16);
        let least = u64::try_from(NODE_BYTES).unwrap() * kept;
        assert!(cache.bytes() > least && cache.bytes() < 4000 * kept, "{}", cache.bytes());
        for n in 0..200 {
            cache.forget(&format!("FR-EXP-{n}"));
        }
        assert_eq!(cache.bytes(), 0);
    }
}
