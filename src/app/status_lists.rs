//! The status lists of this State's credentials, made from the register when they are asked for and kept
//! for a moment. Everyone may ask: so each is made once at a time, however many ask, and whoever comes
//! meanwhile gets the one before, or waits.
use super::App;
use super::Error;
use super::credentials::standing;
use crate::clock::Clock;
use crate::credential::KeyError;
use crate::credential::Signer;
use crate::credential::status;
use crate::credential::status::ENTRIES;
use crate::credential::status::Times;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

/// How long a list that was made is given again.
const KEPT_S: i64 = 2;
/// Lists kept and made at once; those that share a place take turns.
const PLACES: usize = 64;

/// Lists as they were last made.
pub(super) struct StatusLists(Vec<Arc<Place>>);

impl Default for StatusLists {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Arc::default()).collect())
    }
}

/// Where a list is made and kept.
#[derive(Default)]
struct Place {
    /// Held by whoever makes it, also where the one that asked has gone.
    making: Arc<tokio::sync::Mutex<()>>,
    last: Mutex<Last>,
}

/// What came of the making.
#[derive(Default)]
struct Last {
    made: Option<(u64, Timestamp, String)>,
    /// How often a signature has failed.
    failures: u64,
}

impl Place {
    /// The list as it was made so many seconds ago at most.
    fn kept(&self, list: u64, now: Timestamp, within_s: i64) -> Option<String> {
        let last = self.last.lock();
        let (_, _, text) = last.made.as_ref().filter(|(of, at, _)| {
            let age_s = now.as_second().saturating_sub(at.as_second());
            *of == list && (0..within_s).contains(&age_s)
        })?;
        Some(text.clone())
    }

    /// A list: as it is kept, or made by the one whose turn it is. Meanwhile the one before serves, where it is
    /// no older than so many seconds.
    async fn get<F: Future<Output = Result<String, Error>>>(
        self: &Arc<Self>,
        list: u64,
        clock: &dyn Clock,
        before_s: i64,
        make: impl FnOnce(Turn) -> F,
    ) -> Result<String, Error> {
        let now = clock.now();
        if let Some(text) = self.kept(list, now, KEPT_S) {
            return Ok(text);
        }
        let failures = self.last.lock().failures;
        let held = if let Ok(held) = Arc::clone(&self.making).try_lock_owned() {
            held
        } else {
            if let Some(text) = self.kept(list, now, before_s) {
                return Ok(text);
            }
            let held = Arc::clone(&self.making).lock_owned().await;
            // What did not sign for the one before does not sign for all that have waited, one by one.
            if self.last.lock().failures != failures {
                return Err(Error::Unavailable("the authority's key does not sign now"));
            }
            held
        };
        let at = clock.now();
        if let Some(text) = self.kept(list, at, KEPT_S) {
            return Ok(text);
        }
        make(Turn { place: Arc::clone(self), list, at, _held: held }).await
    }
}

/// Whoever has it makes the list; nobody else does until it ends.
struct Turn {
    place: Arc<Place>,
    list: u64,
    at: Timestamp,
    _held: OwnedMutexGuard<()>,
}

impl Turn {
    fn end(self, signed: &Result<String, KeyError>) {
        let mut last = self.place.last.lock();
        match signed {
            Ok(text) => last.made = Some((self.list, self.at, text.clone())),
            Err(_) => last.failures += 1,
        }
    }
}

impl App {
    /// A status list, signed.
    pub async fn status_list(&self, list: u64) -> Result<String, Error> {
        let place = usize::try_from(list).ok().and_then(|list| list.checked_rem(PLACES));
        let place =
            place.and_then(|place| self.status_lists.0.get(place)).ok_or(Error::NotFound)?;
        let before_s = self.config.trust.status_ttl_s;
        place.get(list, self.clock.as_ref(), before_s, |turn| self.make_list(turn)).await
    }

    async fn make_list(&self, turn: Turn) -> Result<String, Error> {
        let list = turn.list;
        let from = list.checked_mul(ENTRIES).ok_or(Error::NotFound)?;
        let upto = from.checked_add(ENTRIES).ok_or(Error::NotFound)?;
        let read = move |db: &mut Db| {
            // The first list is there before the first credential is.
            if list > 0 && storage::credentials::count(db)? <= from {
                return Ok(None);
            }
            storage::credentials::fallen(db, from, upto).map(Some)
        };
        let fallen = self.readers.read(read).await?.ok_or(Error::NotFound)?;
        let entries: Vec<_> = fallen.iter().map(|one| (one.place - from, standing(one))).collect();
        let settings = &self.config.trust;
        let times = Times {
            iat: turn.at.as_second(),
            life_s: settings.status_life_s,
            ttl_s: settings.status_ttl_s,
        };
        let uri = self.trust.list_uri(list);
        // The turn ends with the signature, not with the patience of the one that asked for it.
        let sign = move |signer: &dyn Signer| {
            let signed = status::sign(&uri, &entries, times, signer);
            turn.end(&signed);
            signed
        };
        self.trust.sign(sign).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use tokio::sync::Semaphore;

    /// A place with a list of ten seconds ago, and a key that signs when it is let.
    struct Made {
        place: Arc<Place>,
        clock: FixedClock,
        signatures: AtomicUsize,
        let_sign: Semaphore,
        signs: bool,
    }

    impl Made {
        fn new(signs: bool) -> Arc<Self> {
            let clock = FixedClock::at(Timestamp::from_second(1_800_000_000).unwrap());
            let (place, signatures) = (Arc::new(Place::default()), AtomicUsize::new(0));
            let ago = Timestamp::from_second(1_799_999_990).unwrap();
            place.last.lock().made = Some((0, ago, "before".to_owned()));
            Arc::new(Self { place, clock, signatures, let_sign: Semaphore::new(0), signs })
        }

        async fn get(&self, before_s: i64) -> Result<String, Error> {
            let make = async |turn: Turn| {
                self.signatures.fetch_add(1, Ordering::SeqCst);
                self.let_sign.acquire().await.unwrap().forget();
                let unavailable = || KeyError::Unavailable("it hangs".to_owned());
                let signed = self.signs.then(|| "new".to_owned()).ok_or_else(unavailable);
                turn.end(&signed);
                signed.map_err(|_e| Error::Unavailable("it hangs"))
            };
            self.place.get(0, &self.clock, before_s, make).await
        }

        /// Has so many ask at once; lets them all come to wait.
        #[expect(clippy::disallowed_methods, reason = "a test waits for its tasks itself")]
        async fn ask(
            self: &Arc<Self>,
            count: usize,
        ) -> Vec<tokio::task::JoinHandle<Result<String, Error>>> {
            let one = |made: Arc<Self>| tokio::spawn(async move { made.get(0).await });
            let asking = (0..count).map(|_| one(Arc::clone(self))).collect();
            for _ in 0..count {
                tokio::task::yield_now().await;
            }
            asking
        }
    }

    #[tokio::test]
    async fn a_list_is_made_once_however_many_ask() {
        let made = Made::new(true);
        let asking = made.ask(50).await;
        assert_eq!(made.get(300).await.unwrap(), "before", "which serves meanwhile");
        made.let_sign.add_permits(50);
        for one in asking {
            assert_eq!(one.await.unwrap().unwrap(), "new");
        }
        assert_eq!(made.signatures.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_key_that_does_not_sign_is_asked_once_for_all_that_wait() {
        let made = Made::new(false);
        let asking = made.ask(50).await;
        made.let_sign.add_permits(50);
        for one in asking {
            assert!(matches!(one.await.unwrap(), Err(Error::Unavailable(_))));
        }
        assert_eq!(made.signatures.load(Ordering::SeqCst), 1);
        made.get(0).await.unwrap_err();
        assert_eq!(made.signatures.load(Ordering::SeqCst), 2, "who comes later may try again");
    }
}
