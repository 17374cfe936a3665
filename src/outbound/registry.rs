//! The registers of other States: asked for a licence with a signed request, believed only in a signed
//! reply to that very request. A register that fails again and again is left alone for a while.
use super::Unread;
use super::read_up_to;
use crate::config;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::number;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signature;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Largest reply: a licence with all that it may hold.
const REPLY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Failures in a row after which a register is left alone, and for how long; then one request tries it.
const FAILURES_MAX: u32 = 5;
const LEFT_ALONE_US: i64 = 5_000_000;
/// Life of the token of a request.
const TOKEN_LIFE_S: i64 = 60;
/// What the signed replies are, so that no other signature of the key can be taken for one.
pub const REPLY_TYPE: &str = "passavant-register+jws";

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// It does not answer, not in time, or not as agreed.
    Unreachable(String),
    /// It failed so often that it was not asked.
    LeftAlone,
    /// What came back is not signed by its key, or is no answer to what was asked.
    NotBelieved(&'static str),
}

/// Whether a register may be asked: closed, open until an instant, or half open.
#[derive(Debug, Default)]
struct Breaker {
    failures: u32,
    open_until_us: i64,
}

/// The register of another State.
pub struct Register {
    /// The State.
    pub state: Country,
    /// What its licences' numbers begin with.
    pub prefixes: Vec<String>,
    /// How long a licence that it has shown may be shown again.
    pub cache_ms: u64,
    url: String,
    issuer: String,
    audience: String,
    key: VerifyingKey,
    client: reqwest::Client,
    breaker: Mutex<Breaker>,
    asked: AtomicU64,
    failed: AtomicU64,
}

impl Register {
    /// A register as the settings say.
    pub fn new(settings: &config::Register) -> Result<Self, String> {
        let failed = |words: String| format!("the register of {}: {words}", settings.state);
        let state = Country::parse(&settings.state).map_err(|error| failed(error.detail))?;
        let text = settings.key.strip_prefix("whpk_").unwrap_or(&settings.key);
        let bytes = STANDARD.decode(text).map_err(|error| failed(error.to_string()))?;
        let bytes: [u8; 32] =
            bytes.try_into().map_err(|_e| failed("its key has not 32 bytes".to_owned()))?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|error| failed(error.to_string()))?;
        let time = Duration::from_millis(settings.timeout_ms);
        let builder = super::builder().no_proxy().connect_timeout(time).timeout(time);
        let builder = match &settings.ca_file {
            Some(file) => super::trusting(builder, file).map_err(failed)?,
            None => builder,
        };
        let client = builder.build().map_err(|error| failed(error.to_string()))?;
        let prefixes = match settings.prefixes.as_slice() {
            [] => vec![format!("{state}-")],
            prefixes => prefixes.iter().map(|prefix| number::folded(prefix)).collect(),
        };
        Ok(Self {
            state,
            prefixes,
            cache_ms: settings.cache_ms,
            url: settings.url.trim_end_matches('/').to_owned(),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            key,
            client,
            breaker: Mutex::default(),
            asked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// Requests made, and those that failed.
    pub fn counts(&self) -> (u64, u64) {
        (self.asked.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// Asks for a licence; gives what the register has signed.
    pub async fn ask(
        &self,
        own: &SigningKey,
        number: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Value, Silence> {
        if !self.may_ask(now) {
            return Err(Silence::LeftAlone);
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.exchange(own, number, nonce, now).await;
        let mut breaker = self.breaker.lock();
        if let Err(silence) = &answer {
            self.failed.fetch_add(1, Ordering::Relaxed);
            breaker.failures = breaker.failures.saturating_add(1);
            if breaker.failures >= FAILURES_MAX {
                breaker.open_until_us = now.as_microsecond().saturating_add(LEFT_ALONE_US);
            }
            tracing::warn!(state = self.state.as_str(), ?silence, "a register gives no answer");
        } else {
            *breaker = Breaker::default();
        }
        answer
    }

    /// Whether it may be asked now. After it was left alone, one request tries it and the others go on
    /// leaving it alone until that one has come back.
    fn may_ask(&self, now: Timestamp) -> bool {
        let mut breaker = self.breaker.lock();
        if breaker.failures < FAILURES_MAX {
            return true;
        }
        let now_us = now.as_microsecond();
        let may = now_us >= breaker.open_until_us;
        if may {
            breaker.open_until_us = now_us.saturating_add(LEFT_ALONE_US);
        }
        may
    }

    async fn exchange(
        &self,
        own: &SigningKey,
        number: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Value, Silence> {
        let failed = |error: &reqwest::Error| Silence::Unreachable(super::webhook::words(error));
        let mut url = reqwest::Url::parse(&format!("{}/v1/registry/licences", self.url))
            .map_err(|error| Silence::Unreachable(error.to_string()))?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(number);
        }
        url.query_pairs_mut().append_pair("nonce", nonce);
        let token = self.token(own, now);
        let sent = self.client.get(url).bearer_auth(token).send().await;
        let response = sent.map_err(|error| failed(&error))?;
        if response.status() != StatusCode::OK {
            return Err(Silence::Unreachable(format!("status {}", response.status().as_u16())));
        }
        let bytes = read_up_to(response, REPLY_BYTES_MAX).await.map_err(|unread| match unread {
            Unread::Broken(error) => failed(&error),
            Unread::TooLong(_) => Silence::NotBelieved("it is too long"),
        })?;
        let jws = String::from_utf8(bytes).map_err(|_e| Silence::NotBelieved("it is not text"))?;
        verified(&jws, &self.key).map_err(Silence::NotBelieved)
    }

    /// This service's own token for a request.
    fn token(&self, own: &SigningKey, now: Timestamp) -> String {
        let at = now.as_second();
        let claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": "register", "role": "register",
            "iat": at, "nbf": at, "exp": at + TOKEN_LIFE_S,
        });
        signed(own, "at+jwt", &claims)
    }
}

/// Signs something, as a compact JWS of a type.
pub fn signed(key: &SigningKey, kind: &str, claims: &Value) -> String {
    let head = json!({"alg": "EdDSA", "typ": kind, "kid": kid(key)});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signing = format!("{}.{}", part(&head), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signing.as_bytes()).to_bytes());
    format!("{signing}.{signature}")
}

/// The key set in which others find the public half of a key.
pub fn key_set(key: &SigningKey) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid(key), "x": x}]})
}

fn kid(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()).chars().take(16).collect()
}

/// What a register has signed, if it has.
fn verified(jws: &str, key: &VerifyingKey) -> Result<Value, &'static str> {
    let (signing, signature) = jws.trim().rsplit_once('.').ok_or("it is not signed")?;
    let (head, claims) = signing.split_once('.').ok_or("it is not signed")?;
    let read = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    let head = read(head).ok_or("its head does not read")?;
    if head.get("alg") != Some(&json!("EdDSA")) || head.get("typ") != Some(&json!(REPLY_TYPE)) {
        return Err("it is not a register's reply");
    }
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_e| "its signature does not read")?;
    let signature =
        Signature::from_slice(&signature).map_err(|_e| "its signature does not read")?;
    key.verify_strict(signing.as_bytes(), &signature)
        .map_err(|_e| "its signature is not that of the register's key")?;
    read(claims).ok_or("it does not read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register() -> Register {
        let key = SigningKey::from_bytes(&[7; 32]);
        let settings = config::Register {
            state: "KE".to_owned(),
            url: "https://register.example".to_owned(),
            prefixes: Vec::new(),
            issuer: "https://customs.example/register".to_owned(),
            audience: "passavant".to_owned(),
            key: format!("whpk_{}", STANDARD.encode(key.verifying_key().as_bytes())),
            ca_file: None,
            timeout_ms: 100,
            cache_ms: 3000,
        };
        Register::new(&settings).unwrap()
    }

    #[test]
    fn only_what_its_key_has_signed_as_a_reply_is_believed() {
        let (key, other) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let claims = json!({"sub": "KE-IMP-1"});
        let verified = |jws: &str| verified(jws, &key.verifying_key());
        assert_eq!(verified(&signed(&key, REPLY_TYPE, &claims)), Ok(claims.clone()));
        assert!(verified(&signed(&other, REPLY_TYPE, &claims)).unwrap_err().contains("key"));
        assert!(verified(&signed(&key, "at+jwt", &claims)).is_err(), "another thing it signed");
        let jws = signed(&key, REPLY_TYPE, &claims);
        let (head, rest) = jws.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(json!({"sub": "KE-IMP-2"}).to_string());
        assert!(verified(&format!("{head}.{forged}.{signature}")).is_err());
        for bad in ["", ".", "..", "a.b.c", "{}"] {
            assert!(verified(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn after_failures_in_a_row_it_is_left_alone_and_then_tried_once() {
        let register = register();
        let at = |us: i64| Timestamp::from_microsecond(us).unwrap();
        *register.breaker.lock() = Breaker { failures: FAILURES_MAX - 1, open_until_us: 0 };
        assert!(register.may_ask(at(1)) && register.may_ask(at(1)), "not often enough yet");
        *register.breaker.lock() = Breaker { failures: FAILURES_MAX, open_until_us: LEFT_ALONE_US };
        assert!(!register.may_ask(at(LEFT_ALONE_US - 1)));
        assert!(register.may_ask(at(LEFT_ALONE_US)), "one tries");
        assert!(!register.may_ask(at(LEFT_ALONE_US)), "and the others wait for it");
    }

    #[tokio::test]
    async fn a_register_that_is_not_there_gives_no_answer() {
        let mut register = register();
        register.url = "http://127.0.0.1:9".to_owned();
        let (own, now) = (SigningKey::from_bytes(&[1; 32]), Timestamp::from_second(1).unwrap());
        for _ in 0..FAILURES_MAX {
            let silence = register.ask(&own, "KE-IMP-1", "n", now).await.unwrap_err();
            assert!(matches!(silence, Silence::Unreachable(_)), "{silence:?}");
        }
        assert_eq!(register.ask(&own, "KE-IMP-1", "n", now).await, Err(Silence::LeftAlone));
        assert_eq!(register.counts(), (5, 5));
    }
}
