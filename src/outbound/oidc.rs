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
}

/// What a code became.
#[derive(Deserialize)]
pub struct Tokens {
    /// For this service.
    pub access_token: String,
    /// Who signed in, when and for which sign-in.
    pub id_token: String,
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
        for address in [&found.authorization_endpoint, &found.token_endpoint] {
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
