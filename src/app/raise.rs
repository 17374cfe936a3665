//! Raising alerts and setting deadlines within a batch. An alert has the place in the log of the
//! entry that raised it, and so has each step in its life: that order is the order of commits in
//! one log, which is what streams follow.
use super::Caller;
use super::Error;
use super::audit_log::log_index;
use super::batch::Batch;
use super::cases::Subject;
use super::judge::json;
use super::record::Actor;
use super::recorder::Stop;
use super::told;
use crate::audit::entry::salted;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Change;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Outcome;
use crate::domain::alert::Status;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::alerts::EventRow;
use crate::storage::deadlines::DeadlineRow;
use serde::Serialize;
use uuid::Uuid;

/// Most codes listed of an alert.
pub(super) const CODES_MAX: usize = 40;

/// What a batch has raised, to be written with it.
#[derive(Debug, Default)]
pub struct Raised {
    alerts: Vec<AlertRow>,
    events: Vec<EventRow>,
    deadlines: Vec<DeadlineRow>,
    /// Events of consignments.
    pub(super) timeline: Vec<crate::storage::consignments::EventRow>,
    /// Whether there was anything for streams.
    pub any: bool,
}

impl Raised {
    /// Writes what waits.
    pub fn write(&mut self, db: &mut Db) -> storage::Result<()> {
        self.any |= !self.events.is_empty();
        storage::alerts::insert(db, &self.alerts, &self.events)?;
        storage::deadlines::insert(db, &self.deadlines)?;
        storage::consignments::insert(db, &std::mem::take(&mut self.timeline))?;
        (self.alerts, self.events, self.deadlines) = (Vec::new(), Vec::new(), Vec::new());
        Ok(())
    }
}

/// An addressee as the trail names one.
#[derive(Serialize)]
struct AddresseeEntry<'a> {
    state: &'a str,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    border_post: Option<&'a str>,
}

#[derive(Serialize)]
struct RaisedEntry<'a> {
    alert: String,
    about: &'a crate::domain::alert::About,
    alert_kind: &'static str,
    severity: &'static str,
    to: AddresseeEntry<'a>,
    states: [&'a str; 1],
    codes: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_sha256: Option<String>,
    /// Of nothing where it says nothing in words.
    message_sha256: String,
    /// By what it is found again.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_sha256: Option<String>,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What happened.
    pub change: Change,
    /// How it was resolved.
    pub outcome: Option<Outcome>,
    /// In words.
    pub note: Option<&'a str>,
    /// Who; nobody where the service did it.
    pub by: Option<&'a Caller>,
    /// The entry that records it.
    pub index: u64,
}

impl Batch<'_> {
    /// Writes what has been raised so far, for a command that reads it back.
    pub(super) fn write_raised(&mut self) -> Result<(), Stop> {
        Ok(self.raised.write(self.db)?)
    }

    /// Raises an alert, with an entry of its own in the trail; gives its identifier.
    pub fn raise(&mut self, alert: &NewAlert) -> Result<Uuid, Stop> {
        self.raise_as("alert_raised", alert, None, None)
    }

    /// The same where what ends the matter is to find the alert again.
    pub(super) fn raise_on(&mut self, subject: &Subject, alert: &NewAlert) -> Result<Uuid, Stop> {
        self.raise_as("alert_raised", alert, Some(subject), None)
    }

    /// The same where a person raises it, and says why.
    pub fn raise_by(&mut self, alert: &NewAlert, by: &Caller, note: &str) -> Result<Uuid, Stop> {
        self.raise_as("goods_stopped", alert, None, Some((by, note)))
    }

    fn raise_as(
        &mut self,
        entry_kind: &str,
        alert: &NewAlert,
        subject: Option<&Subject>,
        by: Option<(&Caller, &str)>,
    ) -> Result<Uuid, Stop> {
        let (id, nonce) = (self.ids.uuid(self.now), self.ids.nonce());
        let (state, post) = (alert.to.state(), alert.to.post());
        let entry = RaisedEntry {
            alert: id.to_string(),
            about: &alert.about,
            alert_kind: alert.kind.as_str(),
            severity: alert.severity.as_str(),
            to: AddresseeEntry {
                state: state.as_str(),
                role: alert.to.role(),
                border_post: post.as_ref().map(crate::domain::Locode::as_str),
            },
            states: [state.as_str()],
            codes: alert.codes.get(..CODES_MAX).unwrap_or(&alert.codes),
            actor: by.map(|(by, _)| Actor::new(by, nonce)),
            note_sha256: by.map(|(_, note)| salted(nonce, note.as_bytes())),
            message_sha256: salted(nonce, alert.message.as_deref().unwrap_or_default().as_bytes()),
            subject_sha256: subject.map(|subject| salted(nonce, subject)),
        };
        let index = self.enter(entry_kind, nonce, &entry)?;
        self.raise_with((id, index), alert, subject, by)?;
        Ok(id)
    }

    /// Raises an alert that an entry of the trail implies already: that of a verdict.
    pub(super) fn raise_at(
        &mut self,
        place: (Uuid, u64),
        subject: &Subject,
        alert: &NewAlert,
    ) -> Result<(), Stop> {
        self.raise_with(place, alert, Some(subject), None)
    }

    fn raise_with(
        &mut self,
        (id, index): (Uuid, u64),
        alert: &NewAlert,
        subject: Option<&Subject>,
        by: Option<(&Caller, &str)>,
    ) -> Result<(), Stop> {
        let (log_id, log_index) = self.place(index)?;
        let codes = alert.codes.get(..CODES_MAX).unwrap_or(&alert.codes);
        let row = AlertRow {
            id: id.as_bytes().to_vec(),
            state: alert.to.state().to_string(),
            addressee: alert.to.role().to_owned(),
            border_post: alert.to.post().map(|post| post.to_string()),
            kind: alert.kind.as_str().to_owned(),
            severity: alert.severity.as_str().to_owned(),
            about: json(&alert.about)?,
            ucr: alert.about.ucr.clone(),
            codes: json(&codes)?,
            message: alert.message.clone(),
            status: Status::Open.as_str().to_owned(),
            outcome: None,
            raised_us: self.now.as_microsecond(),
            log_id,
            log_index,
            subject: subject.map(|subject| subject.to_vec()),
        };
        told::alert(self, &row, Change::Raised, None)?;
        let id = row.id.clone();
        if let Some(subject) = subject {
            self.opened(subject, &row);
        }
        self.raised.alerts.push(row);
        let (by, note) = by.unzip();
        self.happened(&id, &Step { change: Change::Raised, outcome: None, note, by, index })
    }

    /// Adds a step to an alert's life.
    pub(super) fn happened(&mut self, alert: &[u8], step: &Step<'_>) -> Result<(), Stop> {
        let (log_id, log_index) = self.place(step.index)?;
        self.raised.events.push(EventRow {
            log_id,
            log_index,
            alert_id: alert.to_vec(),
            change: step.change.as_str().to_owned(),
            outcome: step.outcome.map(|outcome| outcome.as_str().to_owned()),
            note: step.note.map(str::to_owned),
            actor: step.by.map(Caller::key),
            at_us: self.now.as_microsecond(),
        });
        Ok(())
    }

    /// An entry's place in this node's log: the log's row and the index.
    pub(super) fn place(&self, index: u64) -> Result<(i64, i64), Error> {
        Ok((self.log().1, log_index(index)?))
    }

    /// Sets a deadline, in the place of an earlier one of the same kind and subject. Whoever sets,
    /// settles or escalates one claims its subject: `claims.name("deadline", subject)`.
    pub fn set_deadline(&mut self, deadline: &Deadline) -> Result<(), Stop> {
        let row = self.deadline_row(deadline)?;
        storage::deadlines::put(self.db, &row)?;
        Ok(())
    }

    /// Sets the deadline of a subject that is new with this batch; it is written with the batch.
    pub fn set_first_deadline(&mut self, deadline: &Deadline) -> Result<(), Stop> {
        let row = self.deadline_row(deadline)?;
        self.raised.deadlines.push(row);
        Ok(())
    }

    fn deadline_row(&self, deadline: &Deadline) -> Result<DeadlineRow, Error> {
        Ok(DeadlineRow {
            kind: deadline.kind.as_str().to_owned(),
            subject: deadline.subject.clone(),
            due_us: deadline.due.as_microsecond(),
            status: "pending".to_owned(),
            step: 0,
            state: deadline.state.to_string(),
            border_post: deadline.post.map(|post| post.to_string()),
            profile: deadline.profile.to_owned(),
            about: json(&deadline.about)?,
            from_us: deadline.from.as_microsecond(),
            changed_us: self.now.as_microsecond(),
        })
    }

    /// Ends a deadline whose matter is done; says whether one was pending.
    pub fn settle_deadline(&mut self, kind: Kind, subject: &str) -> Result<bool, Stop> {
        Ok(storage::deadlines::settle(self.db, kind.as_str(), subject, self.now)?)
    }
}

/// What a stored alert or deadline is about.
pub(super) fn about(text: &str) -> Result<About, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::Internal(format!("what an alert is about: {error}")))
}

/// Who a stored alert is for.
pub(super) fn addressee(row: &AlertRow) -> Result<Addressee, Error> {
    let broken = |invalid: crate::domain::Invalid| Error::Internal(invalid.detail);
    let state = crate::domain::Country::parse(&row.state).map_err(broken)?;
    let post = row.border_post.as_deref().map(crate::domain::Locode::parse);
    match (row.addressee.as_str(), post.transpose().map_err(broken)?) {
        ("officer", Some(post)) => Ok(Addressee::Post(state, post)),
        ("authority", post) => Ok(Addressee::Authority(state, post)),
        _ => Err(Error::Internal("an alert for nobody".to_owned())),
    }
}
