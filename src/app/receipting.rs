//! What the authorities do with a receipt: the exporting State asks, the importing State answers, the
//! exporting State confirms.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::history::Paged;
use super::history::cut;
use super::judge;
use super::receipts;
use super::receipts::Taking;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::uuid;
use super::timeline::invalid;
use crate::audit::entry::salted;
use crate::domain::deadline::Kind as Due;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::rules::receipt::Turnout;
use crate::storage;
use crate::storage::Db;
use crate::storage::consignments::EventRow;
use crate::storage::receipts::ReceiptRow;
use crate::wire::receipt::ReceiptReply;
use crate::wire::receipt::ReceiptStep;
use crate::wire::verification::AuditReference;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// Which receipts are asked for.
pub use crate::storage::receipts::Asked;

/// What an authority does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// The exporting State asks whether the goods were received.
    Request,
    /// The importing State answers.
    Answer,
    /// The exporting State takes note of the receipt and closes the matter.
    Confirmation,
}

impl Asking {
    fn step(self) -> &'static str {
        match self {
            Self::Request => "requested",
            Self::Answer => "answered",
            Self::Confirmation => "confirmed",
        }
    }

    fn entry(self) -> &'static str {
        match self {
            Self::Request => "receipt_requested",
            Self::Answer => "receipt_answered",
            Self::Confirmation => "receipt_confirmed",
        }
    }

    fn event(self) -> EventKind {
        match self {
            Self::Request => EventKind::ReceiptRequested,
            Self::Answer => EventKind::ReceiptAnswered,
            Self::Confirmation => EventKind::ReceiptConfirmed,
        }
    }
}

#[derive(Serialize)]
struct ReceiptEntry<'a> {
    receipt: String,
    release: String,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ucr: Option<&'a str>,
    status: &'a str,
    result: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_sha256: Option<String>,
    actor: Actor,
    states: [&'a str; 2],
}

struct Step {
    id: Uuid,
    asking: Asking,
    step: ReceiptStep,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Step {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("receipt", self.id.as_bytes());
        if let Some(row) = storage::receipts::read(db, self.id)? {
            claims.name("release", &row.release_id);
            if let Some(ucr) = &row.ucr {
                claims.name("consignment", ucr.as_bytes());
            }
        }
        claims.name("deadline", self.id.to_string().as_bytes());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::receipts::read(batch.db, self.id)?;
        let mut row = row.filter(|row| is_party(&self.caller, row)).ok_or(Error::NotFound)?;
        self.must_be_ours(&row)?;
        match row.status.as_str() {
            "withdrawn" => {
                return Err(Error::Stale("the release has been reversed".to_owned()).into());
            }
            "confirmed" => {
                return Err(Error::Stale("the receipt has been confirmed".to_owned()).into());
            }
            _ => {}
        }
        match self.asking {
            Asking::Request => request(&mut row),
            Asking::Answer => self.answer(&mut row)?,
            Asking::Confirmation => self.confirm(&mut row)?,
        }
        let index = self.enter(batch, &row)?;
        let (actor, state) = (self.caller.key(), self.caller.state.to_string());
        receipts::step(
            batch,
            &mut row,
            &Taking {
                step: self.asking.step(),
                state: &state,
                actor: &actor,
                document: self.step.document.as_deref(),
                note: self.step.note.as_deref(),
                index,
            },
        )?;
        if self.asking == Asking::Confirmation {
            batch.settle_deadline(Due::Receipt, &self.id.to_string())?;
        }
        let states = vec![row.exporting_state.clone(), row.importing_state.clone()];
        batch.mark(self.event(batch, &row, &states)?, index)?;
        batch.tell(Event {
            kind: self.asking.event(),
            states,
            key: row.ucr.clone().unwrap_or_else(|| row.reference.clone()),
            data: json!({
                "receipt": self.id.to_string(),
                "release": uuid(&row.release_id)?.to_string(),
                "declaration": row.reference,
                "ucr": row.ucr,
                "status": row.status,
                "result": row.result,
            }),
        })?;
        let mut reply = receipts::reply(&row, batch.now)?;
        reply.audit = Some(AuditReference { log: batch.log().0.to_owned(), index });
        Ok(Recorded { outcome: Done::Done, reply: judge::json(&reply)?, version: None })
    }
}

impl Step {
    fn must_be_ours(&self, row: &ReceiptRow) -> Result<(), Error> {
        let state = self.caller.state.as_str();
        match self.asking {
            Asking::Answer if row.importing_state != state => {
                Err(Error::Forbidden("the importing State answers"))
            }
            Asking::Request | Asking::Confirmation if row.exporting_state != state => {
                Err(Error::Forbidden("the exporting State asks and confirms"))
            }
            Asking::Request | Asking::Answer | Asking::Confirmation => Ok(()),
        }
    }

    /// What the posts have recorded is what the State answers; where they have recorded nothing, it
    /// answers by its papers.
    fn answer(&self, row: &mut ReceiptRow) -> Result<(), Error> {
        let recorded = Turnout::parse(&row.result).filter(|_| receipts::has_arrived(row));
        let received = match (self.step.received, recorded) {
            (Some(said), Some(recorded)) if said != recorded => {
                let words = format!("the arrivals recorded say {}", recorded.as_str());
                return Err(invalid("/received", "disagrees_with_arrivals", words));
            }
            (Some(said), _) => said,
            (None, Some(recorded)) => recorded,
            (None, None) => {
                let words = "no arrival is recorded: say how the goods were received";
                return Err(invalid("/received", "required", words));
            }
        };
        received.as_str().clone_into(&mut row.result);
        "answered".clone_into(&mut row.status);
        Ok(())
    }

    fn confirm(&self, row: &mut ReceiptRow) -> Result<(), Error> {
        if row.status != "answered" && self.step.document.is_none() {
            let words = "the importing State has not answered; without its answer, name the proof";
            return Err(Error::Stale(words.to_owned()));
        }
        "confirmed".clone_into(&mut row.status);
        Ok(())
    }

    fn enter(&self, batch: &mut Batch<'_>, row: &ReceiptRow) -> Result<u64, Stop> {
        let nonce = batch.ids.nonce();
        let entry = ReceiptEntry {
            receipt: self.id.to_string(),
            release: uuid(&row.release_id)?.to_string(),
            reference: &row.reference,
            ucr: row.ucr.as_deref(),
            status: &row.status,
            result: &row.result,
            document: self.step.document.as_deref(),
            note_sha256: self.step.note.as_ref().map(|note| salted(nonce, note.as_bytes())),
            actor: Actor::new(&self.caller, nonce),
            states: [&row.exporting_state, &row.importing_state],
        };
        batch.enter(self.asking.entry(), nonce, &entry)
    }

    fn event(
        &self,
        batch: &Batch<'_>,
        row: &ReceiptRow,
        states: &[String],
    ) -> Result<Option<EventRow>, Error> {
        let Some(ucr) = row.ucr.clone() else { return Ok(None) };
        Ok(Some(EventRow {
            ucr,
            kind: self.asking.entry().to_owned(),
            state: self.caller.state.to_string(),
            outcome: Some(row.result.clone()),
            reference: Some(row.reference.clone()),
            subject: row.id.clone(),
            states: judge::json(&states)?,
            detail: "{}".to_owned(),
            happened_us: batch.now.as_microsecond(),
            at_us: batch.now.as_microsecond(),
            ..EventRow::default()
        }))
    }
}

/// A final answer stands while it is asked for again; one that left something open does not.
fn request(row: &mut ReceiptRow) {
    if row.status != "answered" || matches!(row.result.as_str(), "partial" | "nothing") {
        "requested".clone_into(&mut row.status);
    }
}

fn is_party(caller: &Caller, row: &ReceiptRow) -> bool {
    let state = caller.state.as_str();
    row.exporting_state == state || row.importing_state == state
}

impl App {
    /// Asks for a receipt, answers or confirms it.
    pub async fn receipt_step(
        &self,
        caller: &Caller,
        id: Uuid,
        asking: Asking,
        step: ReceiptStep,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let caller = caller.clone();
        self.recorder.submit(Box::new(Step { id, asking, step, caller, once })).await
    }

    /// A page of the receipts to which the caller's State is party.
    pub async fn receipts(
        &self,
        caller: &Caller,
        mut asked: Asked,
        overdue: bool,
        after: i64,
        limit: u16,
    ) -> Result<Paged<ReceiptReply>, Error> {
        let now = self.clock.now();
        asked.overdue_at_us = overdue.then(|| now.as_microsecond());
        let (state, most) = (caller.state, i64::from(limit) + 1);
        let page =
            move |db: &mut Db| storage::receipts::page(db, state.as_str(), &asked, after, most);
        let (rows, next) = cut(self.readers.read(page).await?, limit, |(row, _)| *row);
        let replies = rows.iter().map(|(_, row)| receipts::reply(row, now));
        Ok((replies.collect::<Result<_, _>>()?, next))
    }

    /// A receipt with what has arrived and what happened to it.
    pub async fn receipt(&self, caller: &Caller, id: Uuid) -> Result<ReceiptReply, Error> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.readers
            .read(move |db| {
                let row = storage::receipts::read(db, id)?;
                let row = row.filter(|row| is_party(&caller, row)).ok_or(Error::NotFound)?;
                receipts::detailed(db, &row, now)
            })
            .await
    }
}
