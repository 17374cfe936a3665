//! Going on without signing in again: what an issuer has given for that is sealed in a cookie of its own,
//! which no script reads, and turned into a new token shortly before the old one ends. Issuers give
//! each only once, so that requests that come together, or late, share one answer.
use super::Purpose;
use super::SignIn;
use super::oidc::Way;
use crate::app::Access;
use crate::domain::Timestamp;
use crate::outbound::oidc::Refreshed;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// How long before its end a token is renewed.
const BEFORE_S: i64 = 180;
/// How long an answer is shared.
const SHARED_S: i64 = 120;
/// How soon an issuer that was away is asked again.
const AGAIN_S: i64 = 10;
/// Answers shared at once.
const SHARED_MAX: usize = 10_000;
/// Longest thing that is kept for it: a browser keeps 4096 bytes of a cookie.
const REFRESH_BYTES_MAX: usize = 2_600;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    issuer: String,
    refresh: String,
    /// Whose session it is.
    caller: String,
    /// When its owner signed in.
    began_s: i64,
}

/// What an issuer has answered.
#[derive(Clone)]
enum Outcome {
    /// The new token, and the cookie for the next time.
    Renewed(String, Option<String>),
    /// It is not renewed any more.
    Refused,
    /// The issuer did not answer as it should.
    Away,
}

struct Attempt {
    began_s: i64,
    cell: Arc<OnceCell<Outcome>>,
}

/// Answers of the last minutes, by the digest of what was exchanged.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<[u8; 32], Attempt>>);

impl Attempts {
    /// The attempt under way or made; a new one where there is none that may be shared.
    fn of(&self, digest: [u8; 32], now_s: i64) -> Option<Arc<OnceCell<Outcome>>> {
        let mut attempts = self.0.lock();
        attempts.retain(|_, attempt| now_s.saturating_sub(attempt.began_s) < SHARED_S);
        let is_over = |attempt: &Attempt| {
            matches!(attempt.cell.get(), Some(Outcome::Away))
                && now_s.saturating_sub(attempt.began_s) >= AGAIN_S
        };
        if let Some(attempt) = attempts.get(&digest).filter(|attempt| !is_over(attempt)) {
            return Some(Arc::clone(&attempt.cell));
        }
        if attempts.len() >= SHARED_MAX {
            return None;
        }
        let cell = Arc::new(OnceCell::new());
        attempts.insert(digest, Attempt { began_s: now_s, cell: Arc::clone(&cell) });
        Some(cell)
    }
}

/// What has become of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It goes on as it is.
    AsItIs,
    /// It goes on with this token; and the cookie for the next time, if there is one.
    Renewed(String, Option<String>),
    /// It goes on to its end, and not further.
    Over,
}

/// Whose a token says that it is and when it ends, for words: whether it is good is for `Access` to say.
#[derive(Deserialize)]
struct Says {
    iss: String,
    sub: String,
    exp: i64,
}

fn says(token: &str) -> Option<Says> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

impl SignIn {
    /// Seals what the issuer has given for going on; nothing where it has given none, or one that no
    /// cookie holds.
    pub(super) fn sealed_renewal(
        &self,
        way: &Way,
        caller: &str,
        refresh: Option<String>,
        began_s: i64,
    ) -> Option<String> {
        let refresh = refresh?;
        if refresh.len() > REFRESH_BYTES_MAX {
            tracing::info!(issuer = way.issuer, "a refresh token is too long for a cookie");
            return None;
        }
        let (issuer, caller) = (way.issuer.clone(), caller.to_owned());
        let sealed = serde_json::to_vec(&Sealed { issuer, refresh, caller, began_s }).ok()?;
        self.sealer.seal(Purpose::Renewal, &sealed, self.ids.as_ref()).ok()
    }

    /// Renews a session that is about to end, or has ended.
    pub async fn renew(
        &self,
        access: &Access,
        token: Option<&str>,
        cookie: &str,
        now: Timestamp,
    ) -> Renewal {
        let said = token.and_then(says);
        let now_s = now.as_second();
        if said.as_ref().is_some_and(|said| said.exp.saturating_sub(now_s) > BEFORE_S) {
            return Renewal::AsItIs;
        }
        let Some(sealed) = self.opened(cookie) else { return Renewal::Over };
        // Only the session that it was given for goes on by it.
        let same = |said: &Says| format!("{}#{}", said.iss, said.sub) == sealed.caller;
        let Some(way) = self.ways.iter().find(|way| way.issuer == sealed.issuer) else {
            return Renewal::Over;
        };
        let is_too_long = now_s.saturating_sub(sealed.began_s) >= self.session_s_max;
        if is_too_long || !said.as_ref().is_none_or(same) {
            return Renewal::Over;
        }
        let digest: [u8; 32] = Sha256::digest(sealed.refresh.as_bytes()).into();
        let Some(cell) = self.attempts.of(digest, now_s) else { return Renewal::AsItIs };
        match cell.get_or_init(|| self.exchange(access, way, &sealed)).await.clone() {
            Outcome::Renewed(token, next) => Renewal::Renewed(token, next),
            Outcome::Refused => Renewal::Over,
            Outcome::Away => Renewal::AsItIs,
        }
    }

    fn opened(&self, cookie: &str) -> Option<Sealed> {
        let sealed = self.sealer.open_sealed(Purpose::Renewal, cookie)?;
        serde_json::from_slice(&sealed).ok()
    }

    async fn exchange(&self, access: &Access, way: &Way, sealed: &Sealed) -> Outcome {
        let away = |cause: &str| {
            tracing::warn!(issuer = way.issuer, cause, "a session cannot be renewed now");
            Outcome::Away
        };
        let endpoints = match way.provider.endpoints().await {
            Ok(endpoints) => endpoints,
            Err(cause) => return away(&cause),
        };
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &sealed.refresh),
            ("client_id", &way.client_id),
        ];
        let tokens = match way.provider.refresh(&endpoints, &form, way.credentials()).await {
            Refreshed::Given(tokens) => tokens,
            Refreshed::Refused => return Outcome::Refused,
            Refreshed::Away(cause) => return away(&cause),
        };
        let caller = match access.authenticate(&tokens.access_token).await {
            Ok(caller) => caller,
            Err(cause) => {
                tracing::warn!(issuer = way.issuer, ?cause, "a renewed token is not taken");
                return Outcome::Refused;
            }
        };
        if caller.issuer.as_str() != way.issuer || caller.key() != sealed.caller {
            tracing::warn!(issuer = way.issuer, "a renewed token is another's");
            return Outcome::Refused;
        }
        // An issuer that gives no new one lets the old one serve again.
        let refresh = tokens.refresh_token.unwrap_or_else(|| sealed.refresh.clone());
        let next = self.sealed_renewal(way, &sealed.caller, Some(refresh), sealed.began_s);
        Outcome::Renewed(tokens.access_token, next)
    }

    /// Tells the issuer that nobody goes on by it any more, where it wants to be told.
    pub async fn revoke(&self, cookie: &str) {
        let Some(sealed) = self.opened(cookie) else { return };
        let Some(way) = self.ways.iter().find(|way| way.issuer == sealed.issuer) else { return };
        let form = [("token", sealed.refresh.as_str()), ("client_id", &way.client_id)];
        if let Err(cause) = way.provider.revoke(&form, way.credentials()).await {
            tracing::warn!(issuer = way.issuer, cause, "a refresh token is not revoked");
        }
    }
}
