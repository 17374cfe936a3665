//! The register as a post calls it that returns.
use super::read_up_to;
use crate::config;
use reqwest::StatusCode;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Longest answer read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// How long the register may take over one piece.
const PIECE_WITHIN: Duration = Duration::from_mins(2);

/// The register.
pub struct Register {
    url: String,
    token: String,
    client: reqwest::Client,
}

/// What it says of a piece.
#[derive(Debug, Clone, Deserialize)]
pub struct Joined {
    /// How many entries have joined.
    pub joined: u64,
    /// Releases among those that were new.
    pub releases: u64,
    /// How many of them do not fit.
    pub conflicts: u64,
    /// Allowances that came back.
    pub returned: Vec<String>,
}

#[derive(Deserialize)]
struct Post {
    logs: Vec<PostLog>,
}

#[derive(Deserialize)]
struct PostLog {
    log: String,
    joined: u64,
}

impl Register {
    /// The register at an address; over https, or over http on this machine.
    pub fn new(url: &str, token: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        if !config::check::is_private_to_read(url) {
            return Err(format!("{url}: https (http only on loopback)"));
        }
        let client = match ca_file {
            Some(file) => super::client_trusting(file)?,
            None => super::client().map_err(|error| error.to_string())?,
        };
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, token: token.to_owned(), client })
    }

    /// How many entries of a post's log have joined.
    pub async fn joined(&self, post: &str, log: &str) -> Result<u64, String> {
        let request = self.client.get(format!("{}/v1/posts/{post}", self.url));
        let answer: Post = self.answer(request).await?;
        let found = answer.logs.into_iter().find(|of| of.log == log);
        let found = found.ok_or_else(|| format!("the register has given no snapshot to {log}"))?;
        Ok(found.joined)
    }

    /// Brings a piece back.
    pub async fn bring_back(&self, post: &str, piece: &str) -> Result<Joined, String> {
        let request = self.client.post(format!("{}/v1/posts/{post}/returns", self.url));
        let request = request.header("content-type", "application/json");
        self.answer(request.body(piece.to_owned()).timeout(PIECE_WITHIN)).await
    }

    async fn answer<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, String> {
        let sent = request.bearer_auth(&self.token).send().await;
        let response = sent.map_err(|error| error.to_string())?;
        let status = response.status();
        let bytes =
            read_up_to(response, ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
        if status != StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|error| error.to_string())
    }
}
