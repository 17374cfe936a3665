//! Signing in by OpenID Connect: the code flow with PKCE, state and nonce. What the issuer and the
//! browser must bring back together is sealed in a cookie of the browser that set out, so that
//! nobody can finish a sign-in that another has begun.
use super::Purpose;
use super::SignIn;
use crate::app::Access;
use crate::app::Error;
use crate::app::access::AccessError;
use crate::config;
use crate::domain::Timestamp;
use crate::outbound::oidc::Provider;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use sha2::Digest;
use sha2::Sha256;

/// How long somebody may take to sign in.
pub const FLOW_S: i64 = 600;

/// An issuer that signs people in, as configured.
pub(super) struct Way {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    secret: Option<String>,
    scope: String,
    redirect: String,
    pub provider: Provider,
}

/// Somebody who has signed in.
pub struct SignedIn {
    /// The token, which `Access` takes.
    pub token: String,
    /// The cookie by which the session goes on, where the issuer allows it.
    pub renewal: Option<String>,
    /// Where its owner was going.
    pub next: String,
}

/// A sign-in on its way.
#[derive(Serialize, Deserialize)]
struct Flow {
    way: usize,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    began_s: i64,
}

impl Way {
    pub fn open(public_url: &str, settings: &config::SignIn) -> Result<Self, Error> {
        let failed = |what: String| Error::Internal(format!("{}: {what}", settings.issuer));
        let secret = match &settings.client_secret_file {
            None => None,
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .map_err(|error| failed(format!("{}: {error}", file.display())))?
                    .trim()
                    .to_owned(),
            ),
        };
        Ok(Self {
            name: settings.name.clone(),
            issuer: settings.issuer.clone(),
            client_id: settings.client_id.clone(),
            secret,
            scope: settings.scope.clone(),
            redirect: format!("{}/console/sign-in/return", public_url.trim_end_matches('/')),
            provider: Provider::new(&settings.issuer, settings.ca_file.as_deref())
                .map_err(failed)?,
        })
    }

    /// As whom this service speaks to the issuer, where it was given a secret.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        self.secret.as_deref().map(|secret| (self.client_id.as_str(), secret))
    }
}

fn away(way: &Way, cause: &str) -> Error {
    tracing::error!(issuer = way.issuer, cause, "nobody can be signed in");
    Error::Unavailable("the issuer that signs you in does not answer as it should")
}

impl SignIn {
    /// The names of the ways to sign in.
    pub fn ways(&self) -> Vec<&str> {
        self.ways.iter().map(|way| way.name.as_str()).collect()
    }

    /// Begins a sign-in: where to go, and what the browser keeps until it is back.
    pub async fn begin(
        &self,
        number: usize,
        next: &str,
        now: Timestamp,
    ) -> Result<(String, String), Error> {
        let way = self.ways.get(number).ok_or(Error::NotFound)?;
        let endpoints = way.provider.endpoints().await.map_err(|cause| away(way, &cause))?;
        let random = || URL_SAFE_NO_PAD.encode([self.ids.nonce(), self.ids.nonce()].concat());
        let flow = Flow {
            way: number,
            state: random(),
            nonce: random(),
            verifier: random(),
            next: next.to_owned(),
            began_s: now.as_second(),
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", &way.client_id),
            ("redirect_uri", &way.redirect),
            ("scope", &way.scope),
            ("state", &flow.state),
            ("nonce", &flow.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let url = reqwest::Url::parse_with_params(&endpoints.authorization_endpoint, parameters)
            .map_err(|error| away(way, &error.to_string()))?;
        let flow = serde_json::to_vec(&flow).map_err(|error| Error::Internal(error.to_string()))?;
        let sealed = self.sealer.seal(Purpose::Flow, &flow, self.ids.as_ref())?;
        Ok((url.into(), sealed))
    }

    /// Ends a sign-in.
    pub async fn finish(
        &self,
        access: &Access,
        sealed: &str,
        (state, code): (&str, &str),
        now: Timestamp,
    ) -> Result<SignedIn, Error> {
        let other = Error::Forbidden("this sign-in was not begun in this browser, or too long ago");
        let flow = self.sealer.open_sealed(Purpose::Flow, sealed);
        let flow = flow.and_then(|flow| serde_json::from_slice::<Flow>(&flow).ok());
        let fresh = |flow: &Flow| (0..=FLOW_S).contains(&(now.as_second() - flow.began_s));
        let Some(flow) = flow.filter(|flow| fresh(flow) && flow.state == state) else {
            return Err(other);
        };
        let way = self.ways.get(flow.way).ok_or(Error::NotFound)?;
        let endpoints = way.provider.endpoints().await.map_err(|cause| away(way, &cause))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &way.redirect),
            ("client_id", &way.client_id),
            ("code_verifier", &flow.verifier),
        ];
        let tokens = way.provider.exchange(&endpoints, &form, way.credentials()).await;
        let tokens = tokens.map_err(|cause| away(way, &cause))?;
        let refused = |cause: AccessError| {
            tracing::warn!(issuer = way.issuer, ?cause, "a token of a sign-in is not taken");
            Error::Forbidden("the issuer's tokens are not such as this service takes")
        };
        let claims = access.identity(&way.issuer, &tokens.id_token).await.map_err(refused)?;
        let caller = access.authenticate(&tokens.access_token).await.map_err(refused)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let meant = |value: &Value| value.as_str() == Some(way.client_id.as_str());
        let audience = claims.get("aud");
        let for_us = audience.is_some_and(|audience| {
            meant(audience) || audience.as_array().is_some_and(|all| all.iter().any(meant))
        });
        let lasts =
            claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp > now.as_second());
        let same_person =
            caller.issuer.as_str() == way.issuer && text("sub") == Some(caller.subject.as_str());
        if !for_us || !lasts || !same_person || text("nonce") != Some(flow.nonce.as_str()) {
            return Err(refused(AccessError::Invalid("the identity token is not of this sign-in")));
        }
        let (began_s, key) = (now.as_second(), caller.key());
        let renewal = self.sealed_renewal(way, &key, tokens.refresh_token, began_s);
        Ok(SignedIn { token: tokens.access_token, renewal, next: flow.next })
    }
}
