//! Webhooks: each State's authority says where its systems want to be told, and of what.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use crate::audit::entry::salted;
use crate::storage;
use crate::storage::Db;
use crate::storage::outbox::DeliveryRow;
use crate::storage::webhooks::KeyRow;
use crate::storage::webhooks::WebhookRow;
use crate::wire::FieldError;
use crate::wire::verification::instant;
use crate::wire::webhook::DeadLetterReply;
use crate::wire::webhook::From;
use crate::wire::webhook::KeyReply;
use crate::wire::webhook::KeysReply;
use crate::wire::webhook::ReplayReply;
use crate::wire::webhook::Wanted;
use crate::wire::webhook::WebhookReply;
use serde::Serialize;
use uuid::Uuid;

/// Most events that one request puts on their way again.
const REPLAYED_MAX: usize = 10_000;

/// What the trail says of a webhook's change.
#[derive(Serialize)]
struct WebhookEntry<'a> {
    webhook: String,
    version: i64,
    change: &'static str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    states: [&'a str; 1],
    url_sha256: String,
    events: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<usize>,
}

/// Writes a webhook's change into the trail.
pub(super) fn enter(
    batch: &mut Batch<'_>,
    row: &WebhookRow,
    change: &'static str,
    caller: Option<&Caller>,
    replayed: Option<usize>,
) -> Result<(), Stop> {
    let nonce = batch.ids.nonce();
    let entry = WebhookEntry {
        webhook: uuid(&row.id)?.to_string(),
        version: row.version,
        change,
        status: &row.status,
        actor: caller.map(|caller| Actor::new(caller, nonce)),
        states: [&row.state],
        // A URL may hold a secret of the receiver's.
        url_sha256: salted(nonce, row.url.as_bytes()),
        events: &row.events,
        reason: row.reason.as_deref(),
        replayed,
    };
    batch.enter("webhook", nonce, &entry)?;
    Ok(())
}

/// What is done with a webhook.
enum Act {
    Make { wanted: Wanted, most: usize },
    Change(Wanted),
    Delete,
    Replay(From),
}

struct Manage {
    id: Option<Uuid>,
    act: Act,
    /// The version that the caller has seen, where it names one.
    if_match: Option<u32>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Manage {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("webhooks of", self.caller.state.as_str().as_bytes());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let (id, wanted) = match (&self.act, self.id) {
            (Act::Make { wanted, most }, _) => return self.make(batch, wanted, *most),
            (Act::Change(wanted), Some(id)) => (id, Some(wanted)),
            (Act::Delete, Some(id)) => (id, None),
            (Act::Replay(from), Some(id)) => return self.replay(batch, id, *from),
            (_, None) => return Err(Error::NotFound.into()),
        };
        let mut row = self.own(batch, id)?;
        Error::unless_seen("webhook", row.version, self.if_match)?;
        row.version += 1;
        row.changed_us = batch.now.as_microsecond();
        let change = if let Some(wanted) = wanted {
            apply(&mut row, wanted)?;
            "changed"
        } else {
            "deleted".clone_into(&mut row.status);
            "deleted"
        };
        storage::webhooks::replace(batch.db, &row)?;
        enter(batch, &row, change, Some(&self.caller), None)?;
        recorded(&row, Done::Done)
    }
}

impl Manage {
    fn make(&self, batch: &mut Batch<'_>, wanted: &Wanted, most: usize) -> Result<Recorded, Stop> {
        let state = self.caller.state.as_str();
        if storage::webhooks::of_state(batch.db, state)?.len() >= most {
            let words = format!("{state} has {most} webhooks, and may not have more");
            return Err(Error::Stale(words).into());
        }
        let now_us = batch.now.as_microsecond();
        let mut row = WebhookRow {
            id: batch.ids.uuid(batch.now).as_bytes().to_vec(),
            state: state.to_owned(),
            url: String::new(),
            events: String::new(),
            description: None,
            status: String::new(),
            reason: None,
            version: 1,
            actor: self.caller.key(),
            created_us: now_us,
            changed_us: now_us,
        };
        apply(&mut row, wanted)?;
        storage::webhooks::insert(batch.db, &row)?;
        enter(batch, &row, "made", Some(&self.caller), None)?;
        recorded(&row, Done::Created)
    }

    fn replay(&self, batch: &mut Batch<'_>, id: Uuid, from: From) -> Result<Recorded, Stop> {
        let row = self.own(batch, id)?;
        let from = match from {
            From::Instant(at) => storage::outbox::From::Time(at.as_microsecond()),
            From::Event(event) => {
                let found = storage::outbox::row_of(batch.db, &row.id, event.as_bytes())?;
                storage::outbox::From::Row(found.ok_or_else(|| {
                    Error::Invalid(vec![FieldError::new(
                        "/from_event",
                        "not_an_event",
                        "no such event of this webhook is kept",
                    )])
                })?)
            }
        };
        let most = i64::try_from(REPLAYED_MAX).unwrap_or(i64::MAX);
        let now_us = batch.now.as_microsecond();
        let mut events = storage::outbox::replay(batch.db, &row.id, from, now_us, most)?;
        let more = events.len() == REPLAYED_MAX;
        let told = |event: Option<(i64, Vec<u8>)>| {
            event.map(|(_, id)| uuid(&id).map(|id| id.to_string())).transpose()
        };
        let replayed = events.len();
        let (last, first) = (told(events.pop())?, told(events.into_iter().next())?);
        enter(batch, &row, "replayed", Some(&self.caller), Some(replayed))?;
        let first = first.or_else(|| last.clone());
        let reply = json(&ReplayReply { replayed, first, last, more })?;
        Ok(Recorded { outcome: Done::Done, reply, version: None })
    }

    /// A webhook of the caller's State; any other is not there.
    fn own(&self, batch: &mut Batch<'_>, id: Uuid) -> Result<WebhookRow, Stop> {
        let row = storage::webhooks::read(batch.db, id.as_bytes())?;
        let row = row.filter(|row| row.state == self.caller.state.as_str());
        Ok(row.ok_or(Error::NotFound)?)
    }
}

fn apply(row: &mut WebhookRow, wanted: &Wanted) -> Result<(), Error> {
    let kinds: Vec<&str> = wanted.events.iter().map(|kind| kind.as_str()).collect();
    row.url = wanted.url.to_string();
    row.events = json(&kinds)?;
    row.description = wanted.description.as_ref().map(ToString::to_string);
    if wanted.enabled { "active" } else { "disabled" }.clone_into(&mut row.status);
    row.reason = (!wanted.enabled).then(|| "by its owner".to_owned());
    Ok(())
}

fn recorded(row: &WebhookRow, outcome: Done) -> Result<Recorded, Stop> {
    let version = u32::try_from(row.version).ok();
    Ok(Recorded { outcome, reply: json(&reply(row)?)?, version })
}

fn reply(row: &WebhookRow) -> Result<WebhookReply, Error> {
    Ok(WebhookReply {
        id: uuid(&row.id)?.to_string(),
        url: row.url.clone(),
        events: serde_json::from_str(&row.events)
            .map_err(|error| Error::Internal(format!("a webhook's events: {error}")))?,
        description: row.description.clone(),
        status: row.status.clone(),
        reason: row.reason.clone(),
        version: row.version,
        created_at: instant(timestamp(row.created_us)?),
        changed_at: instant(timestamp(row.changed_us)?),
    })
}

fn dead_letter(row: &DeliveryRow) -> Result<DeadLetterReply, Error> {
    Ok(DeadLetterReply {
        event: uuid(&row.event_id)?.to_string(),
        kind: row.kind.clone(),
        key: row.ordering_key.clone(),
        at: instant(timestamp(row.at_us)?),
        attempts: row.attempts,
        answer: row.answer.clone(),
        given_up_at: row.ended_us.map(timestamp).transpose()?.map(instant),
    })
}

fn key(row: &KeyRow) -> Result<KeyReply, Error> {
    Ok(KeyReply {
        key: format!("whpk_{}", row.public_key),
        node: row.node.clone(),
        from: instant(timestamp(row.from_us)?),
        until: row.until_us.map(timestamp).transpose()?.map(instant),
    })
}

impl App {
    /// Makes a webhook of the caller's State.
    pub async fn make_webhook(
        &self,
        caller: &Caller,
        wanted: Wanted,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.leads_somewhere(&wanted)?;
        let act = Act::Make { wanted, most: self.config.webhooks.per_state_max };
        self.manage(None, act, caller, (None, once)).await
    }

    /// Sets a webhook to what is wanted of it now.
    pub async fn change_webhook(
        &self,
        caller: &Caller,
        id: Uuid,
        wanted: Wanted,
        if_match: Option<u32>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.leads_somewhere(&wanted)?;
        self.manage(Some(id), Act::Change(wanted), caller, (if_match, once)).await
    }

    /// Deletes a webhook and what still waits for it.
    pub async fn delete_webhook(
        &self,
        caller: &Caller,
        id: Uuid,
        if_match: Option<u32>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.manage(Some(id), Act::Delete, caller, (if_match, once)).await
    }

    /// Tells a receiver again what it was told before, or could not be.
    pub async fn replay_events(
        &self,
        caller: &Caller,
        id: Uuid,
        from: From,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.manage(Some(id), Act::Replay(from), caller, (None, once)).await
    }

    async fn manage(
        &self,
        id: Option<Uuid>,
        act: Act,
        caller: &Caller,
        (if_match, once): (Option<u32>, Option<Once>),
    ) -> Result<Recorded, Error> {
        let command = Manage { id, act, if_match, caller: caller.clone(), once };
        self.recorder.submit(Box::new(command)).await
    }

    fn leads_somewhere(&self, wanted: &Wanted) -> Result<(), Error> {
        let refused = |why| Error::Invalid(vec![FieldError::new("/url", "not_a_receiver", why)]);
        self.courier.sender.reach().admits_url(&wanted.url).map(drop).map_err(refused)
    }

    /// A page of the webhooks of the caller's State, and after which one the next begins.
    pub async fn webhooks(
        &self,
        caller: &Caller,
        after: Uuid,
        limit: u16,
    ) -> Result<(Vec<WebhookReply>, Option<Uuid>), Error> {
        let (state, most) = (caller.state, i64::from(limit) + 1);
        let page =
            move |db: &mut Db| storage::webhooks::page(db, state.as_str(), after.as_bytes(), most);
        let mut rows = self.readers.read(page).await?;
        let more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let last = rows.last().filter(|_| more).map(|row| uuid(&row.id)).transpose()?;
        Ok((rows.iter().map(reply).collect::<Result<_, _>>()?, last))
    }

    /// One of them.
    pub async fn webhook(&self, caller: &Caller, id: Uuid) -> Result<WebhookReply, Error> {
        reply(&self.own_webhook(caller, id).await?)
    }

    async fn own_webhook(&self, caller: &Caller, id: Uuid) -> Result<WebhookRow, Error> {
        let row = self.readers.read(move |db| storage::webhooks::read(db, id.as_bytes())).await?;
        row.filter(|row| row.state == caller.state.as_str()).ok_or(Error::NotFound)
    }

    /// A page of the events that could not be delivered, in their order.
    pub async fn dead_letters(
        &self,
        caller: &Caller,
        id: Uuid,
        after: i64,
        limit: u16,
    ) -> Result<(Vec<DeadLetterReply>, Option<i64>), Error> {
        let webhook = self.own_webhook(caller, id).await?.id;
        let most = i64::from(limit) + 1;
        let rows =
            self.readers.read(move |db| storage::outbox::dead(db, &webhook, after, most)).await?;
        let shown = rows.get(..usize::from(limit)).unwrap_or(&rows);
        let next = (rows.len() > shown.len()).then(|| shown.last().map(|row| row.id)).flatten();
        Ok((shown.iter().map(dead_letter).collect::<Result<_, _>>()?, next))
    }

    /// The keys with which events are signed.
    pub async fn webhook_keys(&self) -> Result<KeysReply, Error> {
        let rows = self.readers.read(storage::webhooks::keys).await?;
        Ok(KeysReply { keys: rows.iter().map(key).collect::<Result<_, _>>()? })
    }
}
