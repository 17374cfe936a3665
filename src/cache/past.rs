//! What has never been released. Nearly every declaration is of a reference and of firearms that the
//! register has never seen released, and to know that needs no database: a Bloom filter over all that
//! it has seen answers "never" for certain, and "perhaps" where the database is to be asked. Bits are
//! only ever set, first of all by the writer, before it commits: who reads never waits.
use crate::domain::serial::look_of;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::hash::RandomState;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Words of the filter, 16 MiB: with ten million entries it says "perhaps" in vain to one of two hundred.
const WORDS: usize = 1 << 21;
/// Bits of an entry.
const PROBES: u32 = 4;

/// The filter.
pub struct Past {
    words: Box<[AtomicU64]>,
    hasher: RandomState,
    /// Counts how often nothing that was read could be relied upon any more.
    doubts: AtomicU64,
    /// Up to which of these everything has been read since.
    complete: AtomicU64,
    known: AtomicU64,
    asked: AtomicU64,
}

/// Proof of when the reading of all that was released began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading(u64);

/// Something that may have been released, or on which an alert may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace<'a> {
    /// A declaration's reference: its numbering and its value.
    Reference(&'a str, &'a str),
    /// A firearm, by its serial in the form in which it is compared, over a State's border. One whose serial
    /// only looks like it leaves the same trace.
    Firearm(&'a str, &'a str),
    /// What an alert was raised on, by the subject under which it is found again.
    Case(&'a [u8]),
    /// An import licence under which goods were released for export.
    Cover(&'a str),
}

impl Hash for Trace<'_> {
    fn hash<H: Hasher>(&self, to: &mut H) {
        match self {
            Self::Reference(kind, value) => (0_u8, kind, value).hash(to),
            Self::Firearm(state, serial) => (1_u8, state, look_of(serial)).hash(to),
            Self::Case(subject) => (2_u8, subject).hash(to),
            Self::Cover(number) => (3_u8, number).hash(to),
        }
    }
}

impl Default for Past {
    fn default() -> Self {
        Self::new()
    }
}

impl Past {
    /// Knows nothing yet, so that it says "perhaps" to everything.
    pub fn new() -> Self {
        Self {
            words: (0..WORDS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            doubts: AtomicU64::new(1),
            complete: AtomicU64::new(0),
            known: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        }
    }

    /// Takes note of something that is released.
    pub fn note(&self, trace: Trace<'_>) {
        for (word, bit) in self.places(trace) {
            word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// To be taken before all that was released is read.
    pub fn begin(&self) -> Reading {
        Reading(self.doubts.load(Ordering::SeqCst))
    }

    /// Everything that was released before the reading began has been noted, and what follows is; unless
    /// there was cause for doubt meanwhile.
    pub fn complete(&self, reading: Reading) {
        self.complete.fetch_max(reading.0, Ordering::SeqCst);
    }

    /// Something may have been released that is not noted.
    pub fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether everything that was released is noted.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::SeqCst) == self.doubts.load(Ordering::SeqCst)
    }

    /// Counts a declaration of which it was known that nothing was released, or not.
    pub fn count(&self, was_known: bool) {
        let count = if was_known { &self.known } else { &self.asked };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of which it was known, and how many of which it was not.
    pub fn counts(&self) -> (u64, u64) {
        (self.known.load(Ordering::Relaxed), self.asked.load(Ordering::Relaxed))
    }

    /// Whether it may have been released. `false` is certain.
    pub fn perhaps(&self, trace: Trace<'_>) -> bool {
        !self.is_complete()
            || self.places(trace).all(|(word, bit)| word.load(Ordering::SeqCst) & bit != 0)
    }

    /// The words and bits of an entry, by double hashing.
    fn places(&self, trace: Trace<'_>) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let hash = self.hasher.hash_one(trace);
        let step = hash.rotate_left(32) | 1;
        (0..u64::from(PROBES)).filter_map(move |probe| {
            let place = hash.wrapping_add(probe.wrapping_mul(step));
            let word = usize::try_from(place >> 6).unwrap_or_default() % WORDS;
            Some((self.words.get(word)?, 1 << (place & 63)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_it_is_complete_everything_is_possible() {
        let past = Past::new();
        assert!(past.perhaps(Trace::Reference("mrn", "1")));
        past.complete(past.begin());
        assert!(!past.perhaps(Trace::Reference("mrn", "1")));
    }

    #[test]
    fn after_a_doubt_everything_is_possible_until_all_is_read_again() {
        let past = Past::new();
        let early = past.begin();
        past.doubt();
        past.complete(early);
        assert!(past.perhaps(Trace::Reference("mrn", "1")), "it began before the doubt");
        past.complete(past.begin());
        assert!(!past.perhaps(Trace::Reference("mrn", "1")));
        past.doubt();
        assert!(past.perhaps(Trace::Reference("mrn", "1")) && !past.is_complete());
        past.complete(past.begin());
        past.complete(early);
        assert!(past.is_complete());
    }

    #[test]
    fn what_was_noted_is_never_denied_and_little_else_is_taken_for_it() {
        let past = Past::new();
        past.complete(past.begin());
        let name = |n: u32| format!("26FR{n:012}");
        for n in 0..100_000 {
            past.note(Trace::Reference("mrn", &name(n)));
        }
        assert!((0..100_000).all(|n| past.perhaps(Trace::Reference("mrn", &name(n)))));
        let others = (0..100_000).filter(|n| past.perhaps(Trace::Firearm("FR", &name(*n))));
        let in_vain = others.count();
        assert!(in_vain < 100, "{in_vain}");
        past.note(Trace::Firearm("FR", "VC000101"));
        assert!(past.perhaps(Trace::Firearm("FR", "VCOOO1OI")), "it may be a misreading");
        assert!(!past.perhaps(Trace::Firearm("DE", "VC000101")));
    }
}
