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

    /// A status list as it is known.
    pub fn list(&self, uri: &str) -> Option<Arc<StatusList>> {
        self.lists.lock().get(uri).and_then(|known| known.list.clone())
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
        let fresh = known
            .list
            .as_ref()
            .is_some_and(|list| now.as_second().saturating_sub(list.iat) < list.ttl);
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
            // An older list than the one that is known is a step back.
            Ok((text, list)) if known.list.as_ref().is_none_or(|old| old.iat <= list.iat) => {
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
