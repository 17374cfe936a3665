//! OpenID Connect, as far as a sign-in needs it: what an issuer says of itself, and a code turned
//! into tokens.
use super::Unread;
use super::client;
use super::client_trusting;
use super::read_up_to;
use serde::Deserialize;
use std::path::Path;

/// Largest answer of an issuer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Where an issuer signs people in.
#[derive(Debug, Clone, Deserialize)]
pub struct Endpoints {
    /// As it names itself.
    pub issuer: String,
    /// Where people go.
    pub authorization_endpoint: String,
    /// Where codes become tokens.
    pub token_endpoint: String,
    /// Where it is told that a token is of no use any more (RFC 7009).
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
}

/// What a code became.
#[derive(Deserialize)]
pub struct Tokens {
    /// For this service.
    pub access_token: String,
    /// Who signed in, when and for which sign-in.
    pub id_token: String,
    /// By which more tokens are had without a sign-in, where it gives one.
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// What comes of going on without a sign-in.
#[derive(Deserialize)]
pub struct FreshTokens {
    /// For this service.
    pub access_token: String,
    /// For the next time; without it the same one serves again.
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// What an issuer says to a refresh token.
pub enum Refreshed {
    /// New tokens.
    Given(FreshTokens),
    /// It is good for nothing any more.
    Refused,
    /// It does not answer as it should.
    Away(String),
}

/// An issuer that signs people in.
pub struct Provider {
    issuer: String,
    client: reqwest::Client,
}

impl Provider {
    /// An issuer by its `iss`, with the authority that vouches for it where no public one does.
    pub fn new(issuer: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let client = match ca_file {
            Some(file) => client_trusting(file)?,
            None => client().map_err(|error| error.to_string())?,
        };
        Ok(Self { issuer: issuer.to_owned(), client })
    }

    /// What it says of itself; refused where that is not said by itself, or may be changed on its way.
    pub async fn endpoints(&self) -> Result<Endpoints, String> {
        let address =
            format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let bytes = answered(self.client.get(address)).await?;
        let found: Endpoints =
            serde_json::from_slice(&bytes).map_err(|error| format!("discovery: {error}"))?;
        if found.issuer != self.issuer {
            return Err(format!("discovery names the issuer {:?}", found.issuer));
        }
        let all = [&found.authorization_endpoint, &found.token_endpoint];
        for address in all.into_iter().chain(&found.revocation_endpoint) {
            if !is_private(address) {
                return Err(format!("{address}: neither https nor on this machine"));
            }
        }
        Ok(found)
    }

    /// Turns a code into tokens.
    pub async fn exchange(
        &self,
        endpoints: &Endpoints,
        form: &[(&str, &str)],
        secret: Option<(&str, &str)>,
    ) -> Result<Tokens, String> {
        let mut request = self.client.post(&endpoints.token_endpoint).form(form);
        if let Some((id, secret)) = secret {
            request = request.basic_auth(id, Some(secret));
        }
        let bytes = answered(request).await?;
        serde_json::from_slice(&bytes).map_err(|error| format!("the tokens: {error}"))
    }
}

impl Provider {
    /// Turns a refresh token into tokens.
    pub async fn refresh(
        &self,
        endpoints: &Endpoints,
        form: &[(&str, &str)],
        secret: Option<(&str, &str)>,
    ) -> Refreshed {
        let mut request = self.client.post(&endpoints.token_endpoint).form(form);
        if let Some((id, secret)) = secret {
            request = request.basic_auth(id, Some(secret));
        }
        let response = match request.header("accept", "application/json").send().await {
            Ok(response) => response,
            Err(error) => return Refreshed::Away(error.without_url().to_string()),
        };
        // RFC 6749, 5.2: what is refused for good is 400, or 401 for the client itself.
        if matches!(response.status().as_u16(), 400 | 401) {
            return Refreshed::Refused;
        }
        if !response.status().is_success() {
            return Refreshed::Away(format!("it answers {}", response.status()));
        }
        match read_up_to(response, ANSWER_BYTES_MAX).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_or_else(
                |error| Refreshed::Away(format!("the tokens: {error}")),
                Refreshed::Given,
            ),
            Err(unread) => Refreshed::Away(unread.to_string()),
        }
    }

    /// Tells it that a token is of no use any more, where it wants to be told.
    pub async fn revoke(
        &self,
        form: &[(&str, &str)],
        secret: Option<(&str, &str)>,
    ) -> Result<(), String> {
        let Some(address) = self.endpoints().await?.revocation_endpoint else { return Ok(()) };
        let mut request = self.client.post(address).form(form);
        if let Some((id, secret)) = secret {
            request = request.basic_auth(id, Some(secret));
        }
        answered(request).await.map(drop)
    }
}

/// Whether nobody on the way can read or change what goes to an address.
pub fn is_private(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !host.is_empty() && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

async fn answered(request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let request = request.header("accept", "application/json");
    let response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    read_up_to(response, ANSWER_BYTES_MAX).await.map_err(|unread| match unread {
        Unread::Broken(error) => failed(error),
        Unread::TooLong(_) => unread.to_string(),
    })
}
