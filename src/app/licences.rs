//! Licences: issued, amended and moved from status to status by the authority of their State. What
//! was consumed stays consumed, and every version is kept.
use super::App;
use super::Caller;
use super::Error;
use super::amendment::Amend;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
pub use super::decision::Decision;
use super::judge::json;
use super::record::Actor;
use super::record::states_named;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::told;
use crate::audit::entry::salted;
use crate::domain::Text;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::Standing;
use crate::domain::number;
use crate::rules::issuing::issued_in_vain;
use crate::storage;
use crate::storage::Db;
use crate::storage::licence_entries::LicenceEntryRow;
use crate::storage::licence_versions::LicenceVersion;
use crate::storage::licences::LedgerRow;
use crate::storage::licences::LineRow;
use crate::storage::licences::NewLicence;
use crate::wire;
use crate::wire::FieldError;
use crate::wire::licence::LicenceReply;
use serde::Serialize;
use std::sync::Arc;

/// A document with what it reads as.
#[derive(Debug, Clone)]
pub struct Document {
    body: String,
    licence: Licence,
}

impl Document {
    /// Reads a document as it was sent.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_named(bytes, &mut None)
    }

    /// The same; gives the number where that could be read, also of one that cannot be used.
    pub fn parse_named(bytes: &[u8], number: &mut Option<String>) -> Result<Self, Error> {
        let words = |sent: wire::licence::Licence| {
            number.clone_from(&sent.number);
            sent.read_new("").map(|licence| (sent, licence))
        };
        let (sent, licence) = wire::field::read(bytes, words).map_err(Error::Invalid)?;
        Self::of(&sent, licence)
    }

    /// Reads a document; version numbers are given when it is recorded.
    pub fn read(sent: &wire::licence::Licence, prefix: &str) -> Result<Self, Error> {
        Self::of(sent, sent.read_new(prefix).map_err(Error::Invalid)?)
    }

    fn of(sent: &wire::licence::Licence, licence: Licence) -> Result<Self, Error> {
        // The document names itself as it is asked for.
        let number = Some(licence.number.to_string());
        let body = if sent.number == number {
            json(sent)?
        } else {
            json(&wire::licence::Licence { number, ..sent.clone() })?
        };
        Ok(Self { body, licence })
    }

    /// What it reads as.
    pub fn licence(&self) -> &Licence {
        &self.licence
    }

    pub(super) fn version(mut self, version: u32) -> (Arc<str>, Arc<Licence>) {
        self.licence.version = version;
        (Arc::from(self.body), Arc::new(self.licence))
    }
}

/// What the trail says of a licence's change.
#[derive(Serialize)]
struct LicenceEntry<'a> {
    licence: &'a str,
    version: u32,
    change: &'static str,
    status: &'static str,
    actor: Actor,
    states: Vec<String>,
    document_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Who changes a licence, how it is found in the history, and why.
pub(super) struct Change<'a> {
    pub caller: &'a Caller,
    pub change: &'static str,
    pub reason: Option<&'a str>,
}

pub(super) struct Issue {
    pub document: Document,
    pub caller: Caller,
    pub once: Option<Once>,
    /// Whether a licence that stands in the same words is left as it is (import).
    pub same_is_done: bool,
}

impl Command for Issue {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.new_licence(&self.document.licence.number);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let number = self.document.licence.number.clone();
        batch.read_licences(std::slice::from_ref(&number))?;
        if let Some(entry) = batch.licence(&number) {
            if self.same_is_done && entry.body.as_ref() == self.document.body {
                return Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None });
            }
            return Err(Error::Stale(format!("licence {number} is in the register already")).into());
        }
        must_be_issuable(batch, &self.document.licence)?;
        let entry = insert(batch, self.document.clone(), &self.caller)?;
        let change = Change { caller: &self.caller, change: "issue", reason: None };
        enter(batch, entry, &change, Done::Created)
    }
}

/// Refuses a licence that no border would take as one of the State that it needs (rule 16).
pub(super) fn must_be_issuable(batch: &Batch<'_>, licence: &Licence) -> Result<(), Error> {
    let Some(state) = issued_in_vain(licence, &batch.lists) else { return Ok(()) };
    let (kind, issuer) = (licence.kind.as_str(), licence.issuing_state);
    let detail = format!("{issuer} cannot issue an {kind} licence of {state}");
    Err(Error::Invalid(vec![FieldError::new("/issuing_state", "may_not_issue", detail)]))
}

fn insert(batch: &mut Batch<'_>, document: Document, caller: &Caller) -> Result<book::Entry, Stop> {
    let (body, licence) = document.version(1);
    let status = licence.standing_after(None);
    let id = storage::licences::insert(
        batch.db,
        &NewLicence {
            number: &licence.number,
            issuing_state: licence.issuing_state.as_str(),
            country_of_export: licence.country_of_export.as_str(),
            country_of_import: licence.country_of_import.as_str(),
            status: status.as_str(),
            version: 1,
            body: &body,
        },
    )?;
    let version = LicenceVersion {
        version: 1,
        status,
        change: "issue",
        reason: None,
        body: Some(&body),
        actor: &caller.key(),
        at: batch.now,
    };
    storage::licence_versions::insert_version(batch.db, id, &version)?;
    let drawn: Box<[Drawn]> =
        licence.lines.iter().map(|line| Drawn { line: line.line, ..Drawn::default() }).collect();
    write_lines(batch, id, &licence, &drawn, "issue")?;
    super::due::issued(batch, &licence)?;
    let standing = Standing { status, shipments: 0, decisions: 0, drawn };
    Ok(book::Entry { id, held: Held { licence, standing }, body })
}

/// Writes every line's balance and what became of it into the ledger.
pub(super) fn write_lines(
    batch: &mut Batch<'_>,
    id: i64,
    licence: &Licence,
    drawn: &[Drawn],
    kind: &str,
) -> Result<(), Stop> {
    let lines = || licence.lines.iter().zip(drawn);
    let rows: Vec<LineRow> =
        lines().map(|(line, drawn)| LineRow::new(id, *drawn, line.quantity)).collect();
    storage::licences::put_lines(batch.db, &rows)?;
    for (line, drawn) in lines() {
        batch.ledger.push(LedgerRow {
            licence_id: id,
            line: i64::from(line.line),
            kind: kind.to_owned(),
            authorised: line.quantity.micros(),
            reserved: drawn.reserved.micros(),
            consumed: drawn.consumed.micros(),
            consumed_change: 0,
            release_id: None,
            at_us: batch.now.as_microsecond(),
            reserved_change: 0,
            preclearance_id: None,
            allowance_id: None,
        });
    }
    Ok(())
}

/// Writes a licence's change into the trail, puts it into the batch and gives the reply.
pub(super) fn enter(
    batch: &mut Batch<'_>,
    entry: book::Entry,
    change: &Change<'_>,
    outcome: Done,
) -> Result<Recorded, Stop> {
    let nonce = batch.ids.nonce();
    let held = &entry.held;
    let index = batch.enter(
        "licence",
        nonce,
        &LicenceEntry {
            licence: &held.licence.number,
            version: held.licence.version,
            change: change.change,
            status: held.standing.status.as_str(),
            actor: Actor::new(change.caller, nonce),
            states: states_named(&held.licence),
            document_sha256: salted(nonce, entry.body.as_bytes()),
            reason: change.reason,
        },
    )?;
    let (log_id, log_index) = batch.place(index)?;
    let version = i64::from(held.licence.version);
    let row = LicenceEntryRow { licence_id: entry.id, version, log_id, log_index };
    batch.licence_entries.push(row);
    if matches!(change.change, "issue" | "amendment") {
        super::serials::license(batch, &entry)?;
    }
    told::licence(batch, change.change, held)?;
    let document = book::document_of(&held.licence.number, &entry.body)?;
    let reply = json(&LicenceReply::new(document, held))?;
    let version = Some(held.licence.version);
    batch.put_licence(entry);
    Ok(Recorded { outcome, reply, version })
}

/// A licence of the caller's own State; any other is not there.
pub(super) fn own(
    batch: &mut Batch<'_>,
    number: &Text,
    caller: &Caller,
) -> Result<book::Entry, Stop> {
    batch.read_licences(std::slice::from_ref(number))?;
    let entry =
        batch.licence(number).filter(|entry| entry.held.licence.issuing_state == caller.state);
    Ok(entry.cloned().ok_or(Error::NotFound)?)
}

pub(super) fn matches_version(entry: &book::Entry, version: u32) -> Result<(), Error> {
    Error::unless_seen("licence", entry.held.licence.version.into(), Some(version))
}

impl App {
    /// Issues a licence of the caller's State.
    pub async fn issue(
        &self,
        caller: &Caller,
        document: Document,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        caller.must_issue(&document.licence)?;
        let command = Issue { document, caller: caller.clone(), once, same_is_done: false };
        self.recorder.submit(Box::new(command)).await
    }

    /// Amends a licence that the caller has seen at a version.
    pub async fn amend(
        &self,
        caller: &Caller,
        number: &str,
        document: Document,
        if_match: u32,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        if number::of_licence(number).ok().as_ref() != Some(&document.licence.number) {
            let detail = format!("the path names {number}");
            return Err(Error::Invalid(vec![FieldError::new(
                "/number",
                "another_licence",
                detail,
            )]));
        }
        let command = Amend { document, if_match, caller: caller.clone(), once };
        self.recorder.submit(Box::new(command)).await
    }

    /// Reads a licence: its own State's authority, and every officer whose State it names.
    pub async fn licence(&self, caller: &Caller, number: &str) -> Result<LicenceReply, Error> {
        let row = self.licence_row(number).await?;
        let licence = Arc::new(book::licence_of(number, row.version, &row.body)?);
        if !caller.may_read(&licence) {
            return Err(Error::NotFound);
        }
        let document = book::document_of(number, &row.body)?;
        Ok(LicenceReply::new(document, &Held { licence, standing: row.standing }))
    }
}
