//! Another State's licensing authority as it is known here: its keys, published or pinned, and its status
//! lists, each with the time of its making. What was last read is kept in files, so that a post that
//! starts without a network still knows it, and knows how old it is.
use super::fetch;
use crate::config;
use crate::credential::KeySet;
use crate::credential::status;
use crate::credential::status::LIST_CHARS_MAX;
use crate::credential::status::StatusList;
use crate::domain::Country;
use crate::domain::Timestamp;
use lru::LruCache;
use parking_lot::Mutex;
use parking_lot::RwLock;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

/// Largest key set read.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// A status list as it is known.
#[derive(Debug, Clone)]
struct Known {
    list: Option<Arc<StatusList>>,
    tried: Timestamp,
}

/// Another State's authority.
pub struct Authority {
    /// The State for which it issues.
    pub state: Country,
    /// Its `iss`.
    pub issuer: String,
    source: Source,
    client: reqwest::Client,
    saved: PathBuf,
    keys: RwLock<Arc<KeySet>>,
    lists: Mutex<LruCache<String, Known>>,
    tried_us: AtomicI64,
    one_at_a_time: tokio::sync::Mutex<()>,
}

enum Source {
    Url(String),
    File(PathBuf),
}

impl Authority {
    /// An authority from its settings, with what was saved of it.
    pub fn new(
        settings: &config::Authority,
        data_dir: &Path,
        lists_max: usize,
    ) -> Result<Self, String> {
        let state = Country::parse(&settings.state).map_err(|invalid| invalid.detail)?;
        let client = match &settings.ca_file {
            Some(file) => super::client_trusting(file)?,
            None => super::client().map_err(|error| error.to_string())?,
        };
        let saved = data_dir.join("trust").join(&settings.state);
        let source = match (&settings.jwks_file, &settings.jwks_url) {
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(url)) => Source::Url(url.clone()),
            (None, None) => return Err(format!("{}: no keys are named", settings.issuer)),
        };
        let file = match &source {
            Source::File(file) => file.clone(),
            Source::Url(_) => saved.join("jwks.json"),
        };
        // A pinned list must be there; what is published may be read later.
        let keys = match (std::fs::read(&file), &source) {
            (Ok(json), _) => {
                KeySet::read(&json).map_err(|error| format!("{}: {error}", file.display()))?
            }
            (Err(error), Source::File(_)) => return Err(format!("{}: {error}", file.display())),
            (Err(_), Source::Url(_)) => KeySet::default(),
        };
        let lists_max = NonZeroUsize::new(lists_max).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            state,
            issuer: settings.issuer.trim_end_matches('/').to_owned(),
            source,
            client,
            saved,
            keys: RwLock::new(Arc::new(keys)),
            lists: Mutex::new(LruCache::new(lists_max)),
            tried_us: AtomicI64::new(i64::MIN),
            one_at_a_time: tokio::sync::Mutex::new(()),
        })
    }

    /// Its keys as they are known now.
    pub fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.read())
    }

    /// `pinned` where its keys come from a file, else `published`.
    pub fn source(&self) -> &'static str {
        match self.source {
            Source::Url(_) => "published",
            Source::File(_) => "pinned",
        }
    }

    /// Whether an address is the authority's own.
    pub fn owns(&self, uri: &str) -> bool {
        let inside = uri.strip_prefix(self.issuer.as_str());
        inside.is_some_and(|rest| rest.starts_with('/')) && !uri.contains("..")
    }

    /// A status list as it is known; one that is dated in the future tells nothing.
    pub fn list(&self, uri: &str, now: Timestamp) -> Option<Arc<StatusList>> {
        let list = self.lists.lock().get(uri).and_then(|known| known.list.clone());
        list.filter(|list| !list.is_ahead(now.as_second()))
    }

    /// Reads the keys again, unless that was tried less than a cool-down ago.
    pub async fn refresh_keys(&self, now: Timestamp, cool_down_s: u64) {
        let _turn = self.one_at_a_time.lock().await;
        if !is_due(self.tried_us.load(Ordering::SeqCst), now, cool_down_s) {
            return;
        }
        self.tried_us.store(now.as_microsecond(), Ordering::SeqCst);
        let json = match &self.source {
            Source::Url(url) => fetch(&self.client, url, KEY_SET_BYTES_MAX).await,
            Source::File(file) => std::fs::read(file).map_err(|error| error.to_string()),
        };
        let read = json.and_then(|json| {
            KeySet::read(&json).map(|keys| (json, keys)).map_err(|error| error.to_string())
        });
        match read {
            Ok((json, keys)) => {
                if matches!(self.source, Source::Url(_)) {
                    self.save("jwks.json", &json);
                }
                // What a key has signed that is no longer published is no longer believed.
                for (_, known) in self.lists.lock().iter_mut() {
                    known.list.take_if(|list| keys.get(&list.kid).is_none());
                }
                *self.keys.write() = Arc::new(keys);
            }
            Err(error) => {
                tracing::warn!(authority = self.issuer, %error, "an authority's keys cannot be read");
            }
        }
    }

    /// Reads a status list again where it is older than it says is worth it, unless that was tried less
    /// than a cool-down ago.
    pub async fn refresh_list(&self, uri: &str, now: Timestamp, cool_down_s: u64) {
        if !self.owns(uri) {
            return;
        }
        let _turn = self.one_at_a_time.lock().await;
        let known = self.lists.lock().get(uri).cloned().unwrap_or_else(|| self.saved_list(uri));
        let now_s = now.as_second();
        let fresh = known
            .list
            .as_ref()
            .is_some_and(|list| !list.is_ahead(now_s) && now_s.saturating_sub(list.iat) < list.ttl);
        if fresh || !is_due(known.tried.as_microsecond(), now, cool_down_s) {
            self.lists.lock().put(uri.to_owned(), known);
            return;
        }
        let read = fetch(&self.client, uri, LIST_CHARS_MAX).await.and_then(|text| {
            let text = String::from_utf8(text).map_err(|error| error.to_string())?;
            let keys = self.keys();
            let list = status::read(uri, &text, |kid| keys.get(kid));
            list.map(|list| (text, list)).map_err(|error| error.to_string())
        });
        let list = match read {
            Ok((_, list)) if list.is_ahead(now_s) => {
                tracing::warn!(
                    authority = self.issuer,
                    uri,
                    "a status list is dated in the future"
                );
                known.list
            }
            // An older list than the one that is known is a step back, unless that one was of the future.
            Ok((text, list))
                if known
                    .list
                    .as_ref()
                    .is_none_or(|old| old.is_ahead(now_s) || old.iat <= list.iat) =>
            {
                self.save(&file_of(uri), text.as_bytes());
                Some(Arc::new(list))
            }
            Ok(_) => {
                tracing::warn!(authority = self.issuer, uri, "a status list went back in time");
                known.list
            }
            Err(error) => {
                tracing::warn!(authority = self.issuer, uri, %error, "a status list cannot be read");
                known.list
            }
        };
        self.lists.lock().put(uri.to_owned(), Known { list, tried: now });
    }

    /// Every list that is known, for those who refresh them.
    pub fn known_lists(&self) -> Vec<String> {
        self.lists.lock().iter().map(|(uri, _)| uri.clone()).collect()
    }

    fn saved_list(&self, uri: &str) -> Known {
        let list = std::fs::read_to_string(self.saved.join(file_of(uri))).ok().and_then(|text| {
            let keys = self.keys();
            status::read(uri, &text, |kid| keys.get(kid)).ok()
        });
        Known { list: list.map(Arc::new), tried: Timestamp::UNIX_EPOCH }
    }

    fn save(&self, name: &str, bytes: &[u8]) {
        let (file, beside) = (self.saved.join(name), self.saved.join(format!("{name}.new")));
        let written = std::fs::create_dir_all(&self.saved)
            .and_then(|()| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, &file));
        if let Err(error) = written {
            tracing::warn!(authority = self.issuer, %error, "what was read cannot be saved");
        }
    }
}

fn is_due(tried_us: i64, now: Timestamp, cool_down_s: u64) -> bool {
    let cool_down_us = i64::try_from(cool_down_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    now.as_microsecond().saturating_sub(tried_us) >= cool_down_us
}

/// The name of the file in which a list is saved.
fn file_of(uri: &str) -> String {
    use base64::Engine;
    use sha2::Digest;
    let digest = sha2::Sha256::digest(uri.as_bytes());
    format!("{}.jwt", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::status::Times;
    use crate::signing::Algorithm;
    use crate::signing::Signer;
    use crate::signing::SoftKey;
    use std::io::Read;
    use std::io::Write;
    use std::net::TcpListener;
    use tempfile::TempDir;

    const NOW_S: i64 = 1_800_000_000;
    const DAY_S: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn key(seed: u8) -> SoftKey {
        SoftKey::new(Algorithm::EdDsa, &[seed; 32]).unwrap()
    }

    /// An authority whose one list is whatever is put there, and whose keys stand in a file.
    struct There {
        says: Arc<Mutex<String>>,
        issuer: String,
        dir: TempDir,
    }

    impl There {
        fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let issuer = format!("http://{}", listener.local_addr().unwrap());
            let says: Arc<Mutex<String>> = Arc::default();
            let said = Arc::clone(&says);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let _ = stream.read(&mut [0; 4096]);
                    let body = said.lock().clone();
                    let length = body.len();
                    let _ = write!(
                        stream,
                        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                    );
                }
            });
            let there = Self { says, issuer, dir: TempDir::new().unwrap() };
            there.publishes(&[1]);
            there
        }

        fn publishes(&self, seeds: &[u8]) {
            let keys = seeds.iter().map(|seed| key(*seed).public().clone()).collect();
            std::fs::write(self.file(), KeySet::new(keys).jwks().to_string()).unwrap();
        }

        fn file(&self) -> PathBuf {
            self.dir.path().join("keys.jwks")
        }

        fn uri(&self) -> String {
            format!("{}/lists/0", self.issuer)
        }

        /// From here on its list is one of that instant.
        fn dates(&self, iat: i64) {
            let times = Times { iat, life_s: 400 * DAY_S, ttl_s: 300 };
            *self.says.lock() = status::sign(&self.uri(), &[], times, &key(1)).unwrap();
        }

        /// The authority as it is known here from a start on.
        fn known(&self) -> Authority {
            let settings = config::Authority {
                state: "KE".to_owned(),
                issuer: self.issuer.clone(),
                jwks_url: None,
                jwks_file: Some(self.file()),
                ca_file: None,
            };
            Authority::new(&settings, self.dir.path(), 10).unwrap()
        }

        /// The date of the list that serves after it was asked for at an instant.
        async fn serves(&self, authority: &Authority, now: i64) -> Option<i64> {
            authority.refresh_list(&self.uri(), at(now), 0).await;
            authority.list(&self.uri(), at(now)).map(|list| list.iat)
        }
    }

    #[tokio::test]
    async fn a_list_of_the_future_is_not_taken_and_keeps_no_other_one_out() {
        let there = There::new();
        let authority = there.known();
        there.dates(NOW_S + status::AHEAD_S_MAX + 1);
        assert_eq!(there.serves(&authority, NOW_S).await, None);
        there.dates(NOW_S + status::AHEAD_S_MAX);
        let little = NOW_S + status::AHEAD_S_MAX;
        assert_eq!(there.serves(&authority, NOW_S).await, Some(little), "clocks differ");
        // One that a clock set wrong had taken for good, and that outlived a start.
        there.dates(NOW_S + 300 * DAY_S);
        assert!(there.serves(&authority, NOW_S + 300 * DAY_S).await.is_some());
        let authority = there.known();
        there.dates(NOW_S + DAY_S);
        let first = there.serves(&authority, NOW_S).await;
        assert_eq!(first, None, "what is kept is of the future, and so is what is there");
        there.dates(NOW_S);
        assert_eq!(there.serves(&authority, NOW_S).await, Some(NOW_S));
        there.dates(NOW_S - 1);
        assert_eq!(there.serves(&authority, NOW_S + 300).await, Some(NOW_S), "a step back");
    }

    #[tokio::test]
    async fn a_list_goes_with_the_key_that_signed_it() {
        let there = There::new();
        let authority = there.known();
        there.dates(NOW_S);
        assert_eq!(there.serves(&authority, NOW_S).await, Some(NOW_S));
        there.publishes(&[1, 2]);
        authority.refresh_keys(at(NOW_S), 0).await;
        assert!(authority.list(&there.uri(), at(NOW_S)).is_some(), "its key is there still");
        there.publishes(&[2]);
        authority.refresh_keys(at(NOW_S), 0).await;
        assert!(authority.list(&there.uri(), at(NOW_S)).is_none());
    }
}
