//! Issuers' keys: read from where they are published, kept for when that cannot be reached, read
//! again when a token names an unknown one, but not more often than the cool-down allows.
use crate::domain::Timestamp;
use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::jwk::KeyAlgorithm;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Largest key set read.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// Shortest RSA modulus, in bytes.
const RSA_BYTES_MIN: usize = 256;

/// A key with the one algorithm that it may be used with.
pub struct Key {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// The keys of an issuer by `kid`.
#[derive(Default)]
pub struct KeySet(HashMap<String, Key>);

impl KeySet {
    /// Reads a JWKS. Keys for other purposes or of other kinds are left out; a `kid` that stands
    /// twice makes the whole set unusable, for nobody could say which key is meant.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let set: JwkSet =
            serde_json::from_slice(json).map_err(|error| format!("not a key set: {error}"))?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let Some(algorithm) = algorithm(jwk) else { continue };
            let kid = jwk.common.key_id.clone().ok_or("a key has no kid")?;
            let key = DecodingKey::from_jwk(jwk).map_err(|error| format!("key {kid}: {error}"))?;
            if keys.insert(kid.clone(), Key { algorithm, key }).is_some() {
                return Err(format!("kid {kid} stands twice"));
            }
        }
        if keys.is_empty() {
            Err("no usable key (EdDSA, ES256 or RS256)".to_owned())
        } else {
            Ok(Self(keys))
        }
    }

    /// A key by `kid`; without one, the only key there is.
    pub fn get(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.0.get(kid),
            None if self.0.len() == 1 => self.0.values().next(),
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
        AlgorithmParameters::RSA(rsa) if modulus_bytes(&rsa.n) >= RSA_BYTES_MIN => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::RSA(_)
        | AlgorithmParameters::OctetKey(_) => return None,
    };
    let signs = jwk
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|is| *is == jsonwebtoken::jwk::PublicKeyUse::Signature);
    let agrees = jwk.common.key_algorithm.is_none_or(|is| is == named);
    (signs && agrees).then_some(algorithm)
}

fn modulus_bytes(modulus: &str) -> usize {
    use base64::Engine;
    let bytes =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    bytes.iter().skip_while(|byte| **byte == 0).count()
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
    source: Source,
    saved: PathBuf,
    client: reqwest::Client,
    current: RwLock<Option<Arc<KeySet>>>,
    generation: AtomicU64,
    tried_us: AtomicI64,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl IssuerKeys {
    /// Starts with a file's keys, or with those saved when the issuer was last reached.
    pub fn new(source: Source, saved: PathBuf, client: reqwest::Client) -> Self {
        let start = match &source {
            Source::File(file) => file,
            Source::Url(_) => &saved,
        };
        let current =
            std::fs::read(start).ok().and_then(|json| KeySet::read(&json).ok()).map(Arc::new);
        Self {
            source,
            saved,
            client,
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
                tracing::warn!(source = ?self.source, %error, "an issuer's keys cannot be read");
            }
        }
    }

    fn adopt(&self, json: &[u8]) {
        match KeySet::read(json) {
            Ok(keys) => {
                *self.current.write() = Some(Arc::new(keys));
                self.generation.fetch_add(1, Ordering::SeqCst);
                if matches!(self.source, Source::Url(_))
                    && let Err(error) = save(&self.saved, json)
                {
                    tracing::warn!(%error, "an issuer's keys cannot be saved");
                }
            }
            Err(error) => {
                tracing::warn!(source = ?self.source, %error, "an issuer's keys are unusable");
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        match &self.source {
            Source::File(file) => std::fs::read(file).map_err(|error| error.to_string()),
            Source::Url(url) => {
                let sent =
                    self.client.get(url).send().await.and_then(reqwest::Response::error_for_status);
                let mut response = sent.map_err(|error| error.to_string())?;
                let mut json = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(|error| error.to_string())? {
                    json.extend_from_slice(&chunk);
                    if json.len() > KEY_SET_BYTES_MAX {
                        return Err(format!("more than {KEY_SET_BYTES_MAX} bytes"));
                    }
                }
                Ok(json)
            }
        }
    }
}

/// Puts the keys in place at once, so that a crash leaves the old ones or the new ones.
fn save(file: &Path, json: &[u8]) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    std::fs::write(&beside, json)?;
    std::fs::rename(beside, file)
}
