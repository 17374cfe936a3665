//! Webhooks on the wire.
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::TEXT_CHARS_MAX;
use super::field::instant;
use crate::domain::Invalid;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest URL.
pub const URL_CHARS_MAX: usize = 500;

/// `POST /v1/webhooks` and `PUT /v1/webhooks/{id}`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where events are sent: https, to a public address unless the service's settings name its network.
    pub url: Option<String>,
    /// The kinds of events wanted, such as `release.made`; without any, all.
    pub events: Vec<String>,
    /// In your words.
    pub description: Option<String>,
    /// `false` disables it; what waits then stays, and what happens meanwhile is not told.
    pub enabled: Option<bool>,
}

/// What is wanted of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where events are sent.
    pub url: Text,
    /// The kinds wanted; none for all.
    pub events: Vec<EventKind>,
    /// In its owner's words.
    pub description: Option<Text>,
    /// Whether it is in use.
    pub enabled: bool,
}

impl WebhookRequest {
    /// Reads it; where the URL leads is judged elsewhere.
    pub fn read(&self) -> Result<Wanted, Vec<FieldError>> {
        let (mut r, root) = (Reader::default(), At::Root(""));
        let url = r.text(&root.field("url"), self.url.as_deref(), URL_CHARS_MAX);
        let url = r.required(&root.field("url"), url);
        let mut events: Vec<EventKind> =
            r.list(&root.field("events"), &self.events, EventKind::ALL.len(), |r, at, text| {
                r.word(at, Some(text), kind)
            });
        events.sort_unstable();
        events.dedup();
        let description =
            r.text(&root.field("description"), self.description.as_deref(), TEXT_CHARS_MAX);
        let enabled = self.enabled.unwrap_or(true);
        r.finish(url.map(|url| Wanted { url, events, description, enabled }))
    }
}

fn kind(text: &str) -> Result<EventKind, Invalid> {
    super::field::one_of(text, &EventKind::ALL)
}

/// A webhook as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookReply {
    /// Its identifier.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// The kinds wanted; none for all.
    pub events: Vec<String>,
    /// In your words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `active`, `disabled` or `deleted`.
    pub status: String,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Counts from 1 with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub changed_at: String,
}

/// `POST /v1/webhooks/{id}/replay`: from one event on, or from one instant on.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReplayRequest {
    /// The first event to be told again, by its `webhook-id`.
    pub from_event: Option<String>,
    /// Or the instant from which on events are told again.
    pub since: Option<String>,
}

/// From where events are told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// From this event on.
    Event(uuid::Uuid),
    /// From this instant on.
    Instant(Timestamp),
}

impl ReplayRequest {
    /// Reads it: one of the two.
    pub fn read(&self) -> Result<From, Vec<FieldError>> {
        let (mut r, root) = (Reader::default(), At::Root(""));
        let event = r.word(&root.field("from_event"), self.from_event.as_deref(), |text| {
            text.parse().map(From::Event).map_err(|_e| {
                Invalid::new("not_an_event", format!("{text:?} is not the identifier of an event"))
            })
        });
        let since = r.word(&root.field("since"), self.since.as_deref(), |text| {
            instant(text).map(|(at, _)| From::Instant(at))
        });
        if self.from_event.is_some() == self.since.is_some() {
            r.error(&root.field("from_event"), "one_of_two", "either from_event or since");
        }
        r.finish(event.or(since))
    }
}

/// What is told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReplayReply {
    /// How many events.
    pub replayed: usize,
    /// The first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// The last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Whether there are more after it: ask again from the last one on.
    pub more: bool,
}

/// An event that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetterReply {
    /// The event.
    pub event: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it belongs to.
    pub key: String,
    /// When it happened.
    pub at: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What the last attempt came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// When it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_up_at: Option<String>,
}

/// A key with which a node signs or has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyReply {
    /// The public half of an Ed25519 key: `whpk_` and base64.
    pub key: String,
    /// The node.
    pub node: String,
    /// Since when it signs.
    pub from: String,
    /// Since when it signs no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// `GET /v1/webhooks/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeysReply {
    /// Every key, the latest first.
    pub keys: Vec<KeyReply>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(request: &WebhookRequest) -> Vec<String> {
        request.read().unwrap_err().into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn a_webhook_is_read_with_every_fault() {
        let request = WebhookRequest {
            events: vec!["release.made".to_owned(), "releases".to_owned()],
            description: Some(" ".to_owned()),
            ..WebhookRequest::default()
        };
        assert_eq!(faults(&request), ["/url", "/events/1", "/description"]);
        let url = Some("https://receiver.example/".to_owned());
        let events = vec!["release.made".to_owned(), "release.made".to_owned()];
        let wanted = WebhookRequest { url, events, ..WebhookRequest::default() }.read().unwrap();
        assert_eq!((wanted.events, wanted.enabled), (vec![EventKind::ReleaseMade], true));
    }

    #[test]
    fn a_replay_is_from_an_event_or_from_an_instant() {
        let read = |event: Option<&str>, since: Option<&str>| {
            let request = ReplayRequest {
                from_event: event.map(str::to_owned),
                since: since.map(str::to_owned),
            };
            request.read()
        };
        let id = "019a0000-0000-7000-8000-000000000000";
        assert_eq!(read(Some(id), None), Ok(From::Event(id.parse().unwrap())));
        assert!(matches!(read(None, Some("2026-11-25T00:00:00Z")), Ok(From::Instant(_))));
        for (event, since) in [
            (None, None),
            (Some(id), Some("2026-11-25T00:00:00Z")),
            (Some("1"), None),
            (None, Some("now")),
        ] {
            assert!(read(event, since).is_err(), "{event:?} {since:?}");
        }
    }
}
