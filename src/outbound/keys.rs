//! Issuers' keys: read from where they are published, kept for when that cannot be reached, read
//! again when a token names an unknown one, but not more often than the cool-down allows.
use crate::domain::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::KeyAlgorithm;
use jsonwebtoken::jwk::PublicKeyUse;
use parking_lot::RwLock;
use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Largest key set read.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// Shortest RSA modulus.
const RSA_BITS_MIN: usize = 2048;
/// The member that names the issuer in a saved key set.
const SAVED_FOR: &str = "saved_for";

/// A key with the one algorithm that it may be used with.
pub struct Key {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// The keys of an issuer by `kid`.
pub struct KeySet {
    keys: HashMap<String, Key>,
    /// As it was published, to tell a change from the same again.
    published: Value,
}

impl KeySet {
    /// Reads a JWKS. Keys for other purposes or of other kinds are left out, so that an issuer may
    /// publish them beside ours; a `kid` that stands twice makes the whole set unusable, for nobody
    /// could say which key is meant.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let published: Value =
            serde_json::from_slice(json).map_err(|error| format!("not a key set: {error}"))?;
        let listed = published.get("keys").and_then(Value::as_array);
        let mut keys = HashMap::new();
        for listed in listed.ok_or("not a key set: no list of keys")? {
            let Ok(jwk) = serde_json::from_value::<Jwk>(listed.clone()) else { continue };
            let Some(algorithm) = algorithm(&jwk) else { continue };
            let kid = jwk.common.key_id.clone().ok_or("a key has no kid")?;
            let key = DecodingKey::from_jwk(&jwk).map_err(|error| format!("key {kid}: {error}"))?;
            if keys.insert(kid.clone(), Key { algorithm, key }).is_some() {
                return Err(format!("kid {kid} stands twice"));
            }
        }
        if keys.is_empty() {
            Err("no usable key (EdDSA, ES256 or RS256)".to_owned())
        } else {
            Ok(Self { keys, published })
        }
    }

    /// The same without the keys of other algorithms, where some are named.
    fn only(mut self, algorithms: &[Algorithm]) -> Result<Self, String> {
        if !algorithms.is_empty() {
            self.keys.retain(|_, key| algorithms.contains(&key.algorithm));
        }
        if self.keys.is_empty() {
            Err("no key of an algorithm that the settings allow".to_owned())
        } else {
            Ok(self)
        }
    }

    /// A key set saved for this issuer. One without a name was put there by the operator of a node
    /// that starts with no way to its issuer.
    fn saved_for(issuer: &str, json: &[u8]) -> Option<Self> {
        let mut set = Self::read(json).ok()?;
        let name = set.published.as_object_mut()?.remove(SAVED_FOR);
        name.is_none_or(|name| name == issuer).then_some(set)
    }

    /// A key by `kid`; without one, the only key there is.
    pub fn get(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.keys.get(kid),
            None if self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        }
    }
}

/// The one algorithm of a key, where it is one of ours and strong enough.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(rsa) if bits(&rsa.n) >= RSA_BITS_MIN => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::RSA(_)
        | AlgorithmParameters::OctetKey(_) => return None,
    };
    let purpose = jwk.common.public_key_use.as_ref();
    let signs = purpose.is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let agrees = jwk.common.key_algorithm.is_none_or(|is| is == named);
    (signs && agrees).then_some(algorithm)
}

/// Length of a number in base64url.
fn bits(number: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    let leading = significant.clone().next().map_or(0, |byte| byte.leading_zeros());
    (significant.count() * 8).saturating_sub(usize::try_from(leading).unwrap_or_default())
}

/// Where an issuer's keys are published.
#[derive(Debug, Clone)]
pub enum Source {
    /// At an address.
    Url(String),
    /// In a file.
    File(PathBuf),
}

/// The keys of one issuer, as they are known now.
pub struct IssuerKeys {
    issuer: String,
    source: Source,
    saved: PathBuf,
    client: reqwest::Client,
    algorithms: Vec<Algorithm>,
    current: RwLock<Option<Arc<KeySet>>>,
    generation: AtomicU64,
    tried_us: AtomicI64,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl IssuerKeys {
    /// Starts with a file's keys, or with those saved when the issuer was last reached; of these
    /// algorithms, or of all where none is named.
    pub fn new(
        issuer: &str,
        source: Source,
        saved: PathBuf,
        client: reqwest::Client,
        algorithms: Vec<Algorithm>,
    ) -> Self {
        let current = match &source {
            Source::File(file) => read(file).ok().and_then(|json| KeySet::read(&json).ok()),
            Source::Url(_) => read(&saved).ok().and_then(|json| KeySet::saved_for(issuer, &json)),
        };
        let current = current.and_then(|keys| keys.only(&algorithms).ok()).map(Arc::new);
        Self {
            issuer: issuer.to_owned(),
            source,
            saved,
            client,
            algorithms,
            current: RwLock::new(current),
            generation: AtomicU64::new(0),
            tried_us: AtomicI64::new(i64::MIN),
            one_at_a_time: tokio::sync::Mutex::new(()),
        }
    }

    /// The keys known now.
    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.current.read().clone()
    }

    /// Counts the changes of the keys.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Reads the keys again, unless that was tried less than a cool-down ago. Callers that come while
    /// it is being done wait for that one reading.
    pub async fn refresh(&self, now: Timestamp, cool_down_s: u64) {
        let cool_down_us = i64::try_from(cool_down_s).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let _turn = self.one_at_a_time.lock().await;
        let tried_us = self.tried_us.load(Ordering::SeqCst);
        if now.as_microsecond().saturating_sub(tried_us) < cool_down_us {
            return;
        }
        self.tried_us.store(now.as_microsecond(), Ordering::SeqCst);
        match self.fetch().await {
            Ok(json) => self.adopt(&json),
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "an issuer's keys cannot be read");
            }
        }
    }

    fn adopt(&self, json: &[u8]) {
        let keys = match KeySet::read(json).and_then(|keys| keys.only(&self.algorithms)) {
            Ok(keys) => keys,
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, "an issuer's keys are unusable");
                return;
            }
        };
        // The same again leaves the tokens that were found good as they are.
        if self.current().is_some_and(|current| current.published == keys.published) {
            return;
        }
        if matches!(self.source, Source::Url(_))
            && let Err(error) = save(&self.saved, &self.issuer, &keys.published)
        {
            tracing::warn!(issuer = self.issuer, %error, "an issuer's keys cannot be saved");
        }
        *self.current.write() = Some(Arc::new(keys));
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let url = match &self.source {
            Source::File(file) => return read(file),
            Source::Url(url) => url,
        };
        super::fetch(&self.client, url, KEY_SET_BYTES_MAX).await
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let open = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let mut json = Vec::new();
    let limit = u64::try_from(KEY_SET_BYTES_MAX).unwrap_or(u64::MAX);
    let read = open.take(limit.saturating_add(1)).read_to_end(&mut json);
    match read.map_err(|error| error.to_string())? {
        bytes if bytes > KEY_SET_BYTES_MAX => Err(format!("more than {KEY_SET_BYTES_MAX} bytes")),
        _ => Ok(json),
    }
}

/// Puts the keys in place at once, so that a crash leaves the old ones or the new ones; with the
/// issuer's name, so that another order of the issuers in the settings hands no State's keys to
/// another.
fn save(file: &Path, issuer: &str, published: &Value) -> std::io::Result<()> {
    let mut named = published.clone();
    if let Some(members) = named.as_object_mut() {
        members.insert(SAVED_FOR.to_owned(), issuer.into());
    }
    let beside = file.with_extension("new");
    std::fs::write(&beside, named.to_string())?;
    std::fs::rename(beside, file)
}

#[cfg(test)]
mod tests;
