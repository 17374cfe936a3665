//! Who may come in: a token of a trusted issuer, checked claim by claim, and the caller that it
//! makes. The State and the roles come from configuration, never from what anyone can write.
use super::Caller;
use super::Error;
use super::Role;
use crate::clock::Clock;
use crate::config;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::Timestamp;
use crate::domain::number;
use crate::outbound;
use crate::outbound::keys::IssuerKeys;
use crate::outbound::keys::Source;
use base64::Engine;
use jsonwebtoken::Algorithm;
use jsonwebtoken::Validation;
use lru::LruCache;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// Longest token.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Most posts of one officer.
const POSTS_MAX: usize = 100;
/// Shards of the tokens kept.
const SHARDS: usize = 16;

/// Why nobody came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessError {
    /// The token is not one that opens this door; the reason is for the log and for integrators.
    Invalid(&'static str),
    /// The issuer's keys are not known and cannot be read now.
    Unavailable,
}

struct Issuer {
    name: String,
    state: Country,
    roles: Vec<Role>,
    audience: String,
    keys: IssuerKeys,
}

/// A token that was found good.
struct Known {
    caller: Arc<Caller>,
    issuer: usize,
    generation: u64,
    expires_s: i64,
}

/// Tokens found good, by their digest.
type Shard = Mutex<LruCache<[u8; 32], Known>>;

/// The trusted issuers, and the tokens found good so far.
pub struct Access {
    issuers: Vec<Issuer>,
    known: Box<[Shard]>,
    clock: Arc<dyn Clock>,
    leeway_s: i64,
    life_s_max: i64,
    cool_down_s: u64,
}

impl Access {
    /// Takes up the configured issuers, with the keys that are at hand.
    pub fn new(config: &config::Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let client =
            outbound::client().map_err(|error| Error::Internal(format!("no client: {error}")))?;
        let mut issuers = Vec::new();
        for (index, issuer) in config.access.issuers.iter().enumerate() {
            let saved = config.node.data_dir.join(format!("issuer-{index}.jwks"));
            let unknown = |invalid: crate::domain::Invalid| Error::Internal(invalid.detail);
            issuers.push(Issuer {
                name: issuer.issuer.clone(),
                state: Country::parse(&issuer.state).map_err(unknown)?,
                roles: issuer.roles.iter().filter_map(|role| Role::parse(role)).collect(),
                audience: issuer.audience.clone(),
                keys: keys(issuer, saved, &client)?,
            });
        }
        let each = NonZeroUsize::new(config.access.tokens_max.div_ceil(SHARDS))
            .unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            issuers,
            known: (0..SHARDS).map(|_| Mutex::new(LruCache::new(each))).collect(),
            clock,
            leeway_s: config.access.leeway_s,
            life_s_max: config.access.token_life_s_max,
            cool_down_s: config.access.keys_cool_down_s,
        })
    }

    /// Reads every issuer's keys again.
    pub async fn refresh(&self) {
        for issuer in &self.issuers {
            issuer.keys.refresh(self.clock.now(), self.cool_down_s).await;
        }
    }

    /// The caller that a token makes.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Caller>, AccessError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(AccessError::Invalid("the token is too long"));
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(caller) = self.known(&digest) {
            return Ok(caller);
        }
        let (index, issuer) = self.issuer(token)?;
        // Read before the keys, so that a rotation meanwhile makes the token be checked again.
        let generation = issuer.keys.generation();
        let claims = self.claims(issuer, token).await?;
        let (caller, expires_s) = self.caller(issuer, &claims).map_err(AccessError::Invalid)?;
        let caller = Arc::new(caller);
        let known = Known { caller: Arc::clone(&caller), issuer: index, generation, expires_s };
        self.shard(&digest).lock().put(digest, known);
        Ok(caller)
    }

    /// The claims of an identity token of an issuer; only its signature and its issuer are checked.
    pub async fn identity(&self, name: &str, token: &str) -> Result<Value, AccessError> {
        let (_, issuer) = self.issuer(token)?;
        if issuer.name != name {
            return Err(AccessError::Invalid("the identity token is of another issuer"));
        }
        self.claims(issuer, token).await
    }

    /// The claims of a token that its issuer has signed, whose keys are read again for one unknown.
    async fn claims(&self, issuer: &Issuer, token: &str) -> Result<Value, AccessError> {
        let claims = match signed(issuer, token) {
            Err(Unsigned::UnknownKey) => {
                issuer.keys.refresh(self.clock.now(), self.cool_down_s).await;
                signed(issuer, token)
            }
            other => other,
        };
        claims.map_err(|unsigned| match unsigned {
            Unsigned::Invalid(reason) => AccessError::Invalid(reason),
            Unsigned::UnknownKey if issuer.keys.current().is_none() => AccessError::Unavailable,
            Unsigned::UnknownKey => AccessError::Invalid("the token names an unknown key"),
        })
    }

    /// When a token ends that was found good and is still remembered.
    pub fn ends(&self, token: &str) -> Option<Timestamp> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let expires_s = self.shard(&digest).lock().peek(&digest)?.expires_s;
        Timestamp::from_second(expires_s).ok()
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder of a division by the number of shards"
    )]
    fn shard(&self, digest: &[u8; 32]) -> &Shard {
        let [first, ..] = digest;
        &self.known[usize::from(*first) % self.known.len()]
    }

    fn known(&self, digest: &[u8; 32]) -> Option<Arc<Caller>> {
        let mut shard = self.shard(digest).lock();
        let known = shard.get(digest)?;
        let generation = self.issuers.get(known.issuer)?.keys.generation();
        if known.generation == generation && self.clock.now().as_second() < known.expires_s {
            return Some(Arc::clone(&known.caller));
        }
        shard.pop(digest);
        None
    }

    /// The issuer that a token names; nothing else of it is believed before its signature is.
    fn issuer(&self, token: &str) -> Result<(usize, &Issuer), AccessError> {
        let malformed = AccessError::Invalid("the token is not a signed JWT");
        let mut parts = token.split('.');
        let payload = parts.nth(1).ok_or(malformed)?;
        if parts.count() != 1 {
            return Err(malformed);
        }
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_e| malformed)?;
        let payload: Value = serde_json::from_slice(&payload).map_err(|_e| malformed)?;
        let named = payload
            .get("iss")
            .and_then(Value::as_str)
            .ok_or(AccessError::Invalid("the token names no issuer"))?;
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.name == named);
        found.ok_or(AccessError::Invalid("the token's issuer is not trusted here"))
    }

    /// Checks every claim; gives the caller and the second at which the token ends.
    fn caller(&self, issuer: &Issuer, claims: &Value) -> Result<(Caller, i64), &'static str> {
        let text = |name| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let time = |name| claims.get(name).and_then(Value::as_i64);
        let now = self.clock.now().as_second();
        let exp = time("exp").ok_or("exp is missing or not a time")?;
        let nbf = time("nbf").ok_or("nbf is missing or not a time")?;
        let iat = if claims.get("iat").is_none() { Some(nbf) } else { time("iat") };
        let iat = iat.ok_or("iat is not a time")?;
        if now >= exp.saturating_add(self.leeway_s) {
            return Err("the token has expired");
        }
        if nbf.max(iat) > now.saturating_add(self.leeway_s) {
            return Err("the token is not valid yet");
        }
        if exp.saturating_sub(nbf.min(iat)) > self.life_s_max {
            return Err("the token lives too long");
        }
        let audience = claims.get("aud").ok_or("aud is missing")?;
        let meant = |value: &Value| value.as_str() == Some(issuer.audience.as_str());
        if !meant(audience) && !audience.as_array().is_some_and(|several| several.iter().any(meant))
        {
            return Err("the token is meant for another audience");
        }
        let role = text("role").and_then(Role::parse).ok_or("role is missing or unknown")?;
        if !issuer.roles.contains(&role) {
            return Err("the issuer may not give this role");
        }
        let caller = Caller {
            issuer: issuer.name.as_str().into(),
            subject: text("sub")
                .filter(|sub| sub.len() <= 255)
                .ok_or("sub is missing or too long")?
                .into(),
            state: issuer.state,
            role,
            posts: posts(claims, role, issuer.state)?,
            operator: text("operator")
                .map(number::plain)
                .transpose()
                .map_err(|_e| "operator is no operator's number")?,
        };
        if role == Role::Carrier && caller.operator.is_none() {
            return Err("operator is missing");
        }
        Ok((caller, exp))
    }
}

/// The keys of an issuer, read as its settings say.
fn keys(
    issuer: &config::Issuer,
    saved: PathBuf,
    client: &reqwest::Client,
) -> Result<IssuerKeys, Error> {
    let failed = |what: String| Error::Internal(format!("issuer {}: {what}", issuer.issuer));
    let source = match (&issuer.jwks_file, &issuer.jwks_url) {
        (Some(file), _) => Source::File(file.clone()),
        (None, Some(url)) => Source::Url(url.clone()),
        (None, None) => return Err(failed("it publishes no keys".to_owned())),
    };
    let client = match &issuer.ca_file {
        None => client.clone(),
        Some(file) => outbound::client_trusting(file).map_err(failed)?,
    };
    let named = issuer.algorithms.iter().map(|name| name.parse::<Algorithm>());
    let algorithms = named.collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))?;
    Ok(IssuerKeys::new(&issuer.issuer, source, saved, client, algorithms))
}

/// Why a token's claims are not believed.
enum Unsigned {
    Invalid(&'static str),
    UnknownKey,
}

/// The claims of a token once its signature is that of the key that it names.
fn signed(issuer: &Issuer, token: &str) -> Result<Value, Unsigned> {
    let header = jsonwebtoken::decode_header(token)
        .map_err(|_e| Unsigned::Invalid("the token's head does not read"))?;
    let typ = header.typ.as_deref().unwrap_or_default();
    if !["at+jwt", "jwt", "application/at+jwt"].iter().any(|good| good.eq_ignore_ascii_case(typ)) {
        return Err(Unsigned::Invalid("the token's typ is neither at+jwt nor JWT"));
    }
    let keys = issuer.keys.current().ok_or(Unsigned::UnknownKey)?;
    let key = keys.get(header.kid.as_deref()).ok_or(Unsigned::UnknownKey)?;
    if header.alg != key.algorithm {
        return Err(Unsigned::Invalid("the token's algorithm is not its key's"));
    }
    if header.crit.is_some() {
        return Err(Unsigned::Invalid("the token has critical extensions"));
    }
    // Only the signature: times are checked against this service's own clock.
    let mut validation = Validation::new(key.algorithm);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Value>(token, &key.key, &validation);
    decoded
        .map(|data| data.claims)
        .map_err(|_e| Unsigned::Invalid("the token's signature is not its issuer's"))
}

/// An officer's posts, all of them of the issuer's State.
fn posts(claims: &Value, role: Role, state: Country) -> Result<Box<[Locode]>, &'static str> {
    let Some(listed) = claims.get("posts") else {
        return if role == Role::Officer { Err("posts is missing") } else { Ok(Box::default()) };
    };
    let listed = listed.as_array().ok_or("posts is not a list")?;
    if listed.len() > POSTS_MAX || (listed.is_empty() && role == Role::Officer) {
        return Err("posts is empty or too long");
    }
    let own = |post: &Value| {
        let post = Locode::parse(post.as_str()?).ok()?;
        (post.country() == Some(state)).then_some(post)
    };
    listed
        .iter()
        .map(own)
        .collect::<Option<_>>()
        .ok_or("posts holds one that is not of the issuer's State")
}

#[cfg(test)]
mod tests;
