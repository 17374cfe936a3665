//! Licences kept in memory. A release never asks here. What is kept is trusted only while the
//! feed of changes is heard; how long ago that was is the age stated in every answer.
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::licence::Held;
use lru::LruCache;
use parking_lot::Mutex;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Shards, so that threads seldom wait for each other.
const SHARDS: usize = 16;

/// Licences of a shard that are weighed to estimate the rest.
const SAMPLE: usize = 32;

/// One shard: licences, and a count of the changes announced to it.
struct Shard {
    licences: LruCache<Text, Arc<Held>>,
    changes: u64,
}

/// Hot licences.
pub struct Cache {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    heard_us: AtomicI64,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Proof of when a read began; what was read is only kept where nothing changed since.
#[derive(Debug, Clone, Copy)]
pub struct Ticket(u64);

impl Cache {
    /// A cache of at most so many licences.
    pub fn new(licences_max: NonZeroUsize) -> Self {
        let each =
            NonZeroUsize::new(licences_max.get().div_ceil(SHARDS)).unwrap_or(NonZeroUsize::MIN);
        let shard = |_| Mutex::new(Shard { licences: LruCache::new(each), changes: 0 });
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            hasher: RandomState::new(),
            heard_us: AtomicI64::new(i64::MIN),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder of a division by the number of shards"
    )]
    fn shard(&self, number: &str) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(number);
        let shard = usize::try_from(hash % 16).unwrap_or_default();
        &self.shards[shard % self.shards.len()]
    }

    /// A licence, where it is kept.
    pub fn get(&self, number: &str) -> Option<Arc<Held>> {
        let found = self.shard(number).lock().licences.get(number).cloned();
        let count = if found.is_some() { &self.hits } else { &self.misses };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// To be taken before a licence is read from the database.
    pub fn ticket(&self, number: &str) -> Ticket {
        Ticket(self.shard(number).lock().changes)
    }

    /// Keeps what was read, unless its shard has heard of a change since the ticket was taken.
    pub fn keep(&self, ticket: Ticket, held: Arc<Held>) {
        let mut shard = self.shard(&held.licence.number).lock();
        if shard.changes == ticket.0 {
            shard.licences.put(held.licence.number.clone(), held);
        }
    }

    /// Replaces a licence that has just been changed, where it is kept.
    pub fn replace(&self, held: Arc<Held>) {
        let mut shard = self.shard(&held.licence.number).lock();
        shard.changes += 1;
        if let Some(kept) = shard.licences.peek_mut(held.licence.number.as_str()) {
            *kept = held;
        }
    }

    /// Forgets a licence that has changed elsewhere.
    pub fn forget(&self, number: &str) {
        let mut shard = self.shard(number).lock();
        shard.changes += 1;
        shard.licences.pop(number);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.changes += 1;
            shard.licences.clear();
        }
    }

    /// The feed of changes was heard, and everything up to now is known.
    pub fn heard(&self, now: Timestamp) {
        self.heard_us.fetch_max(now.as_microsecond(), Ordering::SeqCst);
    }

    /// How long ago the feed was last heard; `None` where it never was.
    pub fn age_ms(&self, now: Timestamp) -> Option<u64> {
        let heard_us = self.heard_us.load(Ordering::SeqCst);
        if heard_us == i64::MIN {
            return None;
        }
        let age_us = now.as_microsecond().saturating_sub(heard_us).max(0);
        u64::try_from(age_us / 1000).ok()
    }

    /// Memory of the licences kept, estimated from their number and a sample.
    pub fn bytes(&self) -> u64 {
        let mut bytes = 0;
        for shard in &self.shards {
            let shard = shard.lock();
            let sample: u64 =
                shard.licences.iter().take(SAMPLE).map(|(_, held)| held.bytes()).sum();
            let sampled = u64::try_from(shard.licences.len().min(SAMPLE)).unwrap_or(1).max(1);
            bytes += sample / sampled * u64::try_from(shard.licences.len()).unwrap_or(0);
        }
        bytes
    }

    /// Licences kept, look-ups answered from memory, look-ups that were not.
    pub fn counts(&self) -> (u64, u64, u64) {
        let kept: usize = self.shards.iter().map(|shard| shard.lock().licences.len()).sum();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (u64::try_from(kept).unwrap_or(u64::MAX), count(&self.hits), count(&self.misses))
    }
}
