//! Alerts as they are read, and the work on them: taken note of, resolved, each by whom and when.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::raise::Step;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::stream::Cursor;
use super::told;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::alert::Change;
use crate::domain::alert::Kind;
use crate::domain::alert::Outcome;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::alerts::EventRow;
use crate::storage::alerts::Filter;
use crate::storage::alerts::Place;
use crate::storage::alerts::Whose;
use crate::storage::deadlines::DeadlineRow;
use crate::wire::alert::AddresseeReply;
use crate::wire::alert::AlertEvent;
use crate::wire::alert::AlertReply;
use crate::wire::alert::DueReply;
use crate::wire::alert::EventReply;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use serde::Serialize;
use uuid::Uuid;

/// Further looks told of one alert, the latest; the trail has all of them.
const LOOKS_MAX: i64 = 100;

/// What an officer or an authority asks for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// At which post.
    pub post: Option<Locode>,
    /// How heavy.
    pub severity: Option<Severity>,
    /// Standing how.
    pub status: Option<Status>,
    /// Of which kind.
    pub kind: Option<Kind>,
    /// Raised since.
    pub since: Option<Timestamp>,
    /// After which one.
    pub after: Option<Place>,
}

/// A page of alerts.
#[derive(Debug)]
pub struct AlertsPage {
    /// The alerts.
    pub alerts: Vec<AlertReply>,
    /// The place after which the next page starts.
    pub next: Option<Place>,
    /// The place from which a stream goes on from here.
    pub stream: String,
}

#[derive(Serialize)]
pub(super) struct StepEntry<'a> {
    alert: String,
    about: &'a serde_json::value::RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    border_post: Option<&'a str>,
    actor: Actor,
    states: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_sha256: Option<String>,
}

/// Writes a step of the work on an alert into the trail and into the alert's history.
pub(super) fn enter_step(
    batch: &mut Batch<'_>,
    row: &AlertRow,
    caller: &Caller,
    change: Change,
    outcome: Option<Outcome>,
    note: Option<&str>,
) -> Result<(), Stop> {
    let nonce = batch.ids.nonce();
    let about = serde_json::value::RawValue::from_string(row.about.clone())
        .map_err(|error| Error::Internal(format!("what an alert is about: {error}")))?;
    let entry = StepEntry {
        alert: uuid(&row.id)?.to_string(),
        about: &about,
        border_post: row.border_post.as_deref(),
        actor: Actor::new(caller, nonce),
        states: [&row.state],
        outcome: outcome.map(Outcome::as_str),
        note_sha256: note.map(|note| crate::audit::entry::salted(nonce, note.as_bytes())),
    };
    let index = batch.enter(&format!("alert_{}", change.as_str()), nonce, &entry)?;
    told::alert(batch, row, change, outcome)?;
    let by = Some(caller).filter(|caller| !caller.is_service());
    batch.happened(&row.id, &Step { change, outcome, note, by, index })
}

/// What is done with an alert.
#[derive(Debug, Clone, Copy)]
enum Work {
    Acknowledge,
    Resolve(Outcome),
}

struct WorkOn {
    id: Uuid,
    work: Work,
    note: Option<Text>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for WorkOn {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("alert", self.id.as_bytes());
        // What customs resolve, nothing is due on any more.
        claims.name("deadline", self.id.to_string().as_bytes());
        // No further look at the goods comes in between.
        let row = storage::alerts::read(db, self.id.as_bytes())?;
        claims.open_alert(row.and_then(|row| row.subject).as_deref());
        match self.work {
            Work::Resolve(Outcome::Seized) => super::stoppage::claim_goods(db, self.id, claims),
            Work::Resolve(_) | Work::Acknowledge => Ok(()),
        }
    }

    fn is_for_cut_off(&self) -> bool {
        true
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = own(batch.db, &self.caller, self.id)?;
        let note = self.note.as_deref();
        match (self.work, row.status.as_str(), row.outcome.as_deref()) {
            (Work::Acknowledge, "open", _) => {
                storage::alerts::put(batch.db, &row.id, Status::Acknowledged.as_str())?;
                enter_step(batch, &row, &self.caller, Change::Acknowledged, None, note)?;
            }
            // Who comes second gets what the first one did.
            (Work::Acknowledge, "acknowledged", _) => {}
            (Work::Resolve(outcome), "open" | "acknowledged", _) => {
                super::referral::close(batch, &row, outcome)?;
                storage::alerts::resolve(batch.db, &row.id, outcome.as_str())?;
                batch.closed(&row);
                enter_step(batch, &row, &self.caller, Change::Resolved, Some(outcome), note)?;
            }
            (Work::Resolve(outcome), _, Some(was)) if outcome.as_str() == was => {}
            (_, _, was) => {
                let was = was.unwrap_or("otherwise");
                return Err(Error::Stale(format!("the alert has been resolved as {was}")).into());
            }
        }
        replied(batch, self.id)
    }
}

/// The reply to work on an alert: how it stands in this batch.
pub(super) fn replied(batch: &mut Batch<'_>, id: Uuid) -> Result<Recorded, Stop> {
    batch.write_raised()?;
    let row = storage::alerts::read(batch.db, id.as_bytes())?.ok_or(Error::NotFound)?;
    let shown = with_history(batch.db, row)?;
    Ok(Recorded { outcome: Done::Done, reply: json(&shown)?, version: None })
}

/// An alert that is the caller's to see; another's is not there.
pub(super) fn own(db: &mut Db, caller: &Caller, id: Uuid) -> Result<AlertRow, Error> {
    let row = storage::alerts::read(db, id.as_bytes())?;
    row.filter(|row| sees(caller, row)).ok_or(Error::NotFound)
}

/// Whether an alert is a caller's to see: an officer's at the posts in the token, an authority's of
/// its State.
pub(super) fn sees(caller: &Caller, row: &AlertRow) -> bool {
    if row.state != caller.state.as_str() || row.addressee != caller.role.as_str() {
        return false;
    }
    let post = row.border_post.as_deref();
    match caller.role {
        Role::Officer => caller.posts.iter().any(|own| Some(own.as_str()) == post),
        Role::Authority => true,
        Role::Carrier | Role::Auditor | Role::Admin | Role::Register => false,
    }
}

/// Alerts as they are shown: with the last acknowledgement and the resolution, and what is due.
pub(super) fn shown(db: &mut Db, rows: &[AlertRow]) -> Result<Vec<AlertReply>, Error> {
    let ids: Vec<Vec<u8>> = rows.iter().map(|row| row.id.clone()).collect();
    let events = storage::alerts::events_of(db, &ids)?;
    let subjects: Vec<String> = rows
        .iter()
        .map(|row| super::referral::matter(row).map(|id| id.to_string()))
        .collect::<Result<_, _>>()?;
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let due = storage::deadlines::pending_of(db, &subjects)?;
    rows.iter().map(|row| reply(row, &events, &due)).collect()
}

fn with_history(db: &mut Db, row: AlertRow) -> Result<AlertReply, Error> {
    let mut events = storage::alerts::events_of(db, std::slice::from_ref(&row.id))?;
    events.extend(storage::alerts::looks_of(db, &row.id, LOOKS_MAX)?);
    events.sort_by_key(|event| (event.at_us, event.log_id, event.log_index));
    let origins: Vec<(i64, String)> =
        storage::log::all(db)?.into_iter().map(|log| (log.id, log.origin)).collect();
    let mut history = Vec::with_capacity(events.len());
    for event in events {
        let origin = origins.iter().find(|(id, _)| *id == event.log_id);
        let log = origin.map(|(_, origin)| origin.clone()).unwrap_or_default();
        let index = u64::try_from(event.log_index).unwrap_or_default();
        history.push(EventReply {
            change: event.change,
            at: instant(timestamp(event.at_us)?),
            by: event.actor,
            outcome: event.outcome,
            note: event.note,
            audit: AuditReference { log, index },
        });
    }
    let reason = reason(db, &row)?;
    let mut shown = shown(db, &[row])?.pop().ok_or(Error::NotFound)?;
    (shown.history, shown.reason) = (Some(history), reason);
    Ok(shown)
}

/// What an officer said on stopping the goods, or on putting the matter before the authority.
fn reason(db: &mut Db, row: &AlertRow) -> Result<Option<String>, Error> {
    let matter = super::referral::matter(row)?.as_bytes().to_vec();
    let events = storage::alerts::events_of(db, &[matter])?;
    let said = |change: Change| {
        let of = |event: &&EventRow| event.change == change.as_str() && event.note.is_some();
        events.iter().rfind(of).and_then(|event| event.note.clone())
    };
    let referred = (row.kind == Kind::Referral.as_str()).then(|| said(Change::Referred)).flatten();
    Ok(referred.or_else(|| said(Change::Raised)))
}

fn reply(row: &AlertRow, events: &[EventRow], due: &[DeadlineRow]) -> Result<AlertReply, Error> {
    let broken =
        |error: serde_json::Error| Error::Internal(format!("an alert does not read: {error}"));
    let id = uuid(&row.id)?.to_string();
    let last = |change: Change| {
        events.iter().rfind(|event| event.alert_id == row.id && event.change == change.as_str())
    };
    let (taken, done) = (last(Change::Acknowledged), last(Change::Resolved));
    let at = |event: Option<&EventRow>| {
        event.map(|event| timestamp(event.at_us).map(instant)).transpose()
    };
    let matter = super::referral::matter(row)?.to_string();
    let due = due.iter().filter(|due| due.subject == matter);
    let due = due.map(|due| {
        Ok(DueReply { kind: due.kind.clone(), due_at: instant(timestamp(due.due_us)?) })
    });
    Ok(AlertReply {
        due: due.collect::<Result<_, Error>>()?,
        id,
        kind: row.kind.clone(),
        severity: row.severity.clone(),
        addressee: AddresseeReply { state: row.state.clone(), role: row.addressee.clone() },
        border_post: row.border_post.clone(),
        about: serde_json::from_str(&row.about).map_err(broken)?,
        codes: serde_json::from_str(&row.codes).map_err(broken)?,
        message: row.message.clone(),
        status: row.status.clone(),
        outcome: row.outcome.clone(),
        raised_at: instant(timestamp(row.raised_us)?),
        acknowledged_at: at(taken)?,
        acknowledged_by: taken.and_then(|event| event.actor.clone()),
        note: taken.and_then(|event| event.note.clone()),
        resolved_at: at(done)?,
        resolved_by: done.and_then(|event| event.actor.clone()),
        resolution_note: done.and_then(|event| event.note.clone()),
        reason: None,
        history: None,
    })
}

/// What a stream says of a step: of one that leaves the alert where it stood, whether somebody worked on it.
pub(super) fn told(event: &EventRow, row: &AlertRow, worked_on: bool) -> Result<String, Error> {
    let status = match Change::parse(&event.change) {
        Some(Change::Raised) => Status::Open,
        Some(Change::SeenAgain) if !worked_on => Status::Open,
        Some(Change::Resolved) => Status::Resolved,
        Some(Change::SeenAgain | Change::Acknowledged | Change::Referred | Change::Extended)
        | None => Status::Acknowledged,
    };
    json(&AlertEvent {
        change: event.change.clone(),
        at: instant(timestamp(event.at_us)?),
        by: event.actor.clone(),
        step_note: event.note.clone(),
        alert: AlertReply {
            status: status.as_str().to_owned(),
            outcome: event.outcome.clone(),
            ..reply(row, &[], &[])?
        },
    })
}

impl App {
    /// A page of the alerts that are the caller's to see, oldest first.
    pub async fn alerts(
        &self,
        caller: &Caller,
        query: Query,
        limit: u16,
    ) -> Result<AlertsPage, Error> {
        let filter = Filter {
            state: caller.state.to_string(),
            whose: match caller.role {
                Role::Authority => Whose::Authority,
                Role::Officer | Role::Carrier | Role::Auditor | Role::Admin | Role::Register => {
                    Whose::Posts(caller.posts.iter().map(ToString::to_string).collect())
                }
            },
            post: query.post.map(|post| post.to_string()),
            severity: query.severity.map(Severity::as_str),
            status: query.status.map(Status::as_str),
            kind: query.kind.map(Kind::as_str),
            since_us: query.since.map(Timestamp::as_microsecond),
            after: query.after,
        };
        let read = move |db: &mut Db| {
            // Before the page: what happens after this comes in the stream.
            let stream = Cursor::now(db)?.to_string();
            let mut rows = storage::alerts::page(db, &filter, i64::from(limit) + 1)?;
            let more = rows.len() > usize::from(limit);
            rows.truncate(usize::from(limit));
            let last = rows.last().map(|row| (row.raised_us, row.log_id, row.log_index));
            Ok(AlertsPage { alerts: shown(db, &rows)?, next: last.filter(|_| more), stream })
        };
        self.readers.read(read).await
    }

    /// An alert with its history.
    pub async fn alert(&self, caller: &Caller, id: Uuid) -> Result<AlertReply, Error> {
        let caller = caller.clone();
        let read = move |db: &mut Db| {
            let row = own(db, &caller, id)?;
            with_history(db, row)
        };
        self.readers.read(read).await
    }

    /// Takes note of an alert.
    pub async fn acknowledge(
        &self,
        caller: &Caller,
        id: Uuid,
        note: Option<Text>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let (work, caller) = (Work::Acknowledge, caller.clone());
        self.recorder.submit(Box::new(WorkOn { id, work, note, caller, once })).await
    }

    /// Resolves an alert.
    pub async fn resolve(
        &self,
        caller: &Caller,
        id: Uuid,
        (outcome, note): (Outcome, Option<Text>),
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let (work, caller) = (Work::Resolve(outcome), caller.clone());
        self.recorder.submit(Box::new(WorkOn { id, work, note, caller, once })).await
    }
}
