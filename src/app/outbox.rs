//! Events put on their way in the transaction that makes them true: one row for each webhook that
//! wants to be told. What is rolled back is not told, and what is committed is not forgotten.
use super::App;
use super::Error;
use super::batch::Batch;
use super::recorder::Stop;
use crate::clock::Ids;
use crate::domain::Timestamp;
use crate::domain::event::Event;
use crate::storage;
use crate::storage::outbox::NewDelivery;
use crate::storage::webhooks::WebhookRow;
use crate::wire::verification::instant;
use serde::Serialize;
use serde_json::value::RawValue;

/// A webhook in use and the kinds of events that it wants; none are all.
pub(super) type Listener = (WebhookRow, Vec<String>);

impl Batch<'_> {
    /// Tells the systems of States of something, once the batch is durable and only then.
    pub fn tell(&mut self, event: Event<impl Serialize>) -> Result<(), Stop> {
        if self.listeners()?.is_empty() {
            return Ok(());
        }
        let Event { kind, states, key, data } = event;
        let data = serde_json::value::to_raw_value(&data)
            .map_err(|error| Error::Internal(format!("event {}: {error}", kind.as_str())))?;
        self.events.push(Event { kind, states, key, data });
        Ok(())
    }

    /// Who wants to be told of anything. What a batch has read of it holds until a command that may
    /// change it.
    fn listeners(&mut self) -> storage::Result<&[Listener]> {
        let known = match self.listeners.take() {
            Some(known) => known,
            None => storage::webhooks::active(self.db)?
                .into_iter()
                .map(|row| match serde_json::from_str(&row.events) {
                    Ok(kinds) => Ok((row, kinds)),
                    Err(error) => {
                        Err(storage::Error::Corrupt(format!("a webhook's events: {error}")))
                    }
                })
                .collect::<storage::Result<_>>()?,
        };
        Ok(self.listeners.insert(known))
    }

    /// Writes what was told for those who want to be told of it; says whether there was anyone.
    pub(super) fn write_events(&mut self) -> storage::Result<bool> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(false);
        }
        let (ids, now) = (self.ids, self.now);
        let rows = deliveries(ids, now, &events, self.listeners()?);
        storage::outbox::insert(self.db, &rows)?;
        Ok(!rows.is_empty())
    }
}

/// What a receiver is sent: Standard Webhooks' three members and, beside them, what it belongs to.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    key: &'a str,
    data: &'a RawValue,
}

/// One row for each event and each webhook that wants to be told of it.
fn deliveries(
    ids: &dyn Ids,
    now: Timestamp,
    events: &[Event<Box<RawValue>>],
    listeners: &[Listener],
) -> Vec<NewDelivery> {
    let mut rows = Vec::new();
    for event in events {
        let (kind, mut written) = (event.kind.as_str(), None);
        for (webhook, kinds) in listeners {
            let wanted = kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind);
            if !wanted || !event.states.contains(&webhook.state) {
                continue;
            }
            let (id, body) = written.get_or_insert_with(|| (ids.uuid(now), body(event, now)));
            rows.push(NewDelivery {
                webhook_id: webhook.id.clone(),
                event_id: id.as_bytes().to_vec(),
                kind: kind.to_owned(),
                ordering_key: event.key.clone(),
                body: body.clone(),
                at_us: now.as_microsecond(),
                queued_us: now.as_microsecond(),
                status: "waiting",
                next_us: now.as_microsecond(),
            });
        }
    }
    rows
}

fn body(event: &Event<Box<RawValue>>, now: Timestamp) -> String {
    let payload = Payload {
        kind: event.kind.as_str(),
        timestamp: instant(now),
        key: &event.key,
        data: &event.data,
    };
    // Text and numbers only: nothing in it can fail to be written.
    serde_json::to_string(&payload).unwrap_or_default()
}

impl App {
    /// How many events are on their way to webhooks in use.
    pub async fn waiting_events(&self) -> Result<i64, Error> {
        let waiting = self.readers.read(storage::outbox::waiting).await?;
        Ok(waiting.into_iter().map(|(_, count)| count).sum())
    }

    /// Comes back once events have been written at this node.
    pub async fn events_written(&self) {
        self.events.notified().await;
    }
}
