//! Asking a witness to cosign a checkpoint (C2SP tlog-witness).
use super::read_up_to;
use crate::config::Cosigner;
use reqwest::StatusCode;
use std::time::Duration;

/// Longest answer read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A witness that is asked.
pub struct Remote {
    /// Its verifier key.
    pub key: String,
    url: String,
    client: reqwest::Client,
    timeout: Duration,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Lines of cosignatures.
    Cosigned(String),
    /// It has seen another size.
    Seen(u64),
    /// It refuses, or is not there; why.
    No(String),
}

impl Remote {
    /// A witness from its settings.
    pub fn new(settings: &Cosigner, timeout_ms: u64) -> Result<Self, String> {
        let client = match &settings.ca_file {
            Some(file) => super::client_trusting(file)?,
            None => super::client().map_err(|error| error.to_string())?,
        };
        Ok(Self {
            key: settings.key.clone(),
            url: format!("{}/add-checkpoint", settings.url.trim_end_matches('/')),
            client,
            timeout: Duration::from_millis(timeout_ms),
        })
    }

    /// Asks it.
    pub async fn add(&self, body: String) -> Answer {
        let asked = tokio::time::timeout(self.timeout, self.ask(body)).await;
        asked
            .unwrap_or_else(|_| Ok(Answer::No("no answer in time".to_owned())))
            .unwrap_or_else(Answer::No)
    }

    async fn ask(&self, body: String) -> Result<Answer, String> {
        let sent = self.client.post(&self.url).body(body).send().await;
        let response = sent.map_err(|error| error.to_string())?;
        let status = response.status();
        let bytes =
            read_up_to(response, ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        Ok(match status {
            StatusCode::OK => Answer::Cosigned(text),
            StatusCode::CONFLICT => match text.trim().parse() {
                Ok(size) => Answer::Seen(size),
                Err(_) => Answer::No("it has seen another tree of this size".to_owned()),
            },
            status => Answer::No(format!("status {status}")),
        })
    }
}
