//! One attempt to tell a receiver of an event, after Standard Webhooks: signed with Ed25519 (`v1a`), no
//! redirects, no addresses but those that may be reached, a limit on time and on what is read.
use super::addresses::Reach;
use crate::config;
use crate::domain::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use reqwest::StatusCode;
use reqwest::header;
use std::time::Duration;

/// Most that is read of a receiver's reply, so that its connection can serve the next event.
const REPLY_BYTES_MAX: usize = 16 * 1024;
/// Longest that a receiver may ask us to wait.
const RETRY_AFTER_S_MAX: u64 = 24 * 3600;
/// Longest note of what an attempt came to.
const ANSWER_CHARS_MAX: usize = 200;

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver has it.
    Delivered(u16),
    /// Not now; wait for so many seconds at least, where the receiver says so.
    Failed {
        /// In words.
        answer: String,
        /// How long to wait.
        retry_after_s: Option<u64>,
    },
    /// The receiver wants no more events, ever (410).
    Gone,
}

/// Who sends events.
pub struct Sender {
    client: reqwest::Client,
    reach: Reach,
    key: SigningKey,
}

impl Sender {
    /// A sender as the settings say.
    pub fn new(settings: &config::Webhooks, key: SigningKey) -> Result<Self, String> {
        let reach = Reach::new(&settings.networks)?;
        let time = Duration::from_millis(settings.timeout_ms);
        // A proxy would resolve names for itself, and the check of addresses would be of no use.
        let builder = super::builder()
            .no_proxy()
            .https_only(true)
            .dns_resolver(std::sync::Arc::new(reach.clone()))
            .connect_timeout(time)
            .timeout(time);
        let builder = if settings.ca_file.as_os_str().is_empty() {
            builder
        } else {
            super::trusting(builder, &settings.ca_file)?
        };
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, reach, key })
    }

    /// Which URLs may be told.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The public half of the key, base64.
    pub fn public_key(&self) -> String {
        STANDARD.encode(self.key.verifying_key().as_bytes())
    }

    /// The signature of an event that is sent at an instant.
    pub fn signature(&self, id: &str, now: Timestamp, body: &str) -> String {
        let signed = format!("{id}.{}.{body}", now.as_second());
        format!("v1a,{}", STANDARD.encode(self.key.sign(signed.as_bytes()).to_bytes()))
    }

    /// Tries to tell a receiver.
    pub async fn send(&self, url: &str, id: &str, body: &str, now: Timestamp) -> Attempt {
        let failed = |answer: &str| Attempt::Failed {
            answer: answer.chars().take(ANSWER_CHARS_MAX).collect(),
            retry_after_s: None,
        };
        // The settings may have changed since the URL was entered.
        let url = match self.reach.admits_url(url) {
            Ok(url) => url,
            Err(why) => return failed(why),
        };
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", self.signature(id, now, body))
            .body(body.to_owned());
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => return failed(&words(&error)),
        };
        let status = response.status();
        let retry_after_s = retry_after(response.headers(), now);
        // The status is the receiver's word; what follows is only read so that the connection stays.
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > REPLY_BYTES_MAX {
                break;
            }
        }
        if status.is_success() {
            Attempt::Delivered(status.as_u16())
        } else if status == StatusCode::GONE {
            Attempt::Gone
        } else {
            Attempt::Failed { answer: format!("status {}", status.as_u16()), retry_after_s }
        }
    }
}

/// How long a receiver asks us to wait: seconds, or a date.
fn retry_after(headers: &header::HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse::<u64>().ok().or_else(|| {
        let until = httpdate::parse_http_date(text).ok()?;
        let until = until.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
        u64::try_from(now.as_second()).ok().map(|now| until.saturating_sub(now))
    })?;
    Some(seconds.min(RETRY_AFTER_S_MAX))
}

/// What went wrong, down to its cause, without the URL, which may hold the receiver's own secrets.
pub(super) fn words(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "time-out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "no answer"
    };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut last = None;
    while let Some(error) = cause {
        last = Some(error.to_string());
        cause = error.source();
    }
    last.map_or_else(|| kind.to_owned(), |last| format!("{kind}: {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_ask_for_seconds_or_name_a_date() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let asked = |value: &str| {
            let mut headers = header::HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Wed, 25 Nov 2026 12:01:00 GMT"), Some(60));
        assert_eq!(asked("Wed, 25 Nov 2026 11:00:00 GMT"), Some(0));
        assert_eq!(asked("99999999"), Some(RETRY_AFTER_S_MAX));
        assert_eq!((asked("soon"), asked("-5")), (None, None));
    }
}
