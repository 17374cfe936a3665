//! Where time, identifiers and randomness come from. Everything that needs them takes one of
//! these, so that a test can fix them and a replay gives the same bytes.
use crate::domain::Timestamp;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// The time of day.
pub trait Clock: Send + Sync {
    /// The present instant, in whole microseconds: what is kept of it is all that there is, so that a
    /// replay judges at the very same instant.
    fn now(&self) -> Timestamp;
}

/// Fresh identifiers and random bytes.
pub trait Ids: Send + Sync {
    /// A new identifier that sorts by time (UUID version 7).
    fn uuid(&self, now: Timestamp) -> Uuid;
    /// Sixteen bytes that nobody can guess.
    fn nonce(&self) -> [u8; 16];
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

/// The machine's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let [a, b, c, d, e, f, g, h, i, j, ..] = self.nonce();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j])
            .into_uuid()
    }

    fn nonce(&self) -> [u8; 16] {
        RANDOM.with_borrow_mut(|random| {
            if random.is_empty() {
                fill(random);
            }
            random.pop().unwrap_or_else(one)
        })
    }
}

/// Nonces asked of the kernel at once: a call for each would take as long as the rest of a request's
/// identifiers together.
const NONCES: usize = 64;

thread_local! {
    /// What this thread has left; each is handed out once.
    static RANDOM: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

fn fill(random: &mut Vec<[u8; 16]>) {
    let mut bytes = [0; 16 * NONCES];
    kernel(&mut bytes);
    random.extend(bytes.as_chunks().0);
}

fn one() -> [u8; 16] {
    let mut bytes = [0; 16];
    kernel(&mut bytes);
    bytes
}

fn kernel(bytes: &mut [u8]) {
    // The kernel's generator fails only before it is seeded, at boot; nothing safe can be recorded
    // without it, so the caller's thread stops here rather than go on predictable.
    #[expect(clippy::expect_used, reason = "no audit entry may carry a nonce that can be guessed")]
    getrandom::fill(bytes).expect("the kernel's random generator answers");
}

/// A clock that stands still until it is set, for tests and replays.
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<std::sync::atomic::AtomicI64>);

impl FixedClock {
    /// A clock that shows this instant.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(now.as_microsecond().into()))
    }

    /// Moves the clock to another instant.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// Identifiers that count upwards, for tests.
#[derive(Debug, Default)]
pub struct FixedIds(AtomicU64);

impl Ids for FixedIds {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let [_, _, _, _, _, _, a, b, c, d, e, f, g, h, i, j] = self.nonce();
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j])
            .into_uuid()
    }

    fn nonce(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_what_is_kept_of_it() {
        for _ in 0..100 {
            let now = SystemClock.now();
            assert_eq!(Timestamp::from_microsecond(now.as_microsecond()).unwrap(), now);
        }
    }

    #[test]
    fn no_nonce_is_handed_out_twice_by_whatever_thread() {
        let many = || (0..5 * NONCES).map(|_| SystemIds.nonce()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(many)).collect();
        let nonces: Vec<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).chain(many()).collect();
        let distinct: std::collections::HashSet<_> = nonces.iter().collect();
        assert_eq!(distinct.len(), nonces.len());
        assert!(!nonces.contains(&[0; 16]));
    }
}
