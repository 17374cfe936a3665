//! A release: decided again on the database's own rows, in the transaction that draws the
//! balances. Amendment and reversal state absolute figures; what they change stands in the ledger.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::draws::Drawing;
use super::draws::drawings;
use super::draws::move_draws;
use super::draws::serial_uses;
use super::facts;
use super::judge;
use super::judge::Presented;
use super::judge::Question;
use super::judge::sha256;
use super::outward::OutwardRecord;
use super::record::Actor;
use super::record::fitting;
use super::record::states_of;
use super::record::written;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::timeline;
use super::told;
use super::verify::at_own_post;
use super::verify::record;
use crate::domain::Quantity;
use crate::domain::declaration::Declaration;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage;
use crate::storage::Db;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::verifications::VerificationRow;
use crate::wire::release::DrawReply;
use crate::wire::release::ReleaseReply;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use serde::Serialize;
use uuid::Uuid;

/// What the trail says of a release, an amendment or a reversal.
#[derive(Serialize)]
struct ReleaseEntry<'a> {
    release: String,
    verification: String,
    version: i64,
    border_post: &'a str,
    reference: &'a str,
    actor: Actor,
    states: Vec<String>,
    content_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    draws: Vec<DrawReply>,
}

struct Release {
    verification: VerificationRow,
    presented: Presented,
    caller: Caller,
    once: Once,
}

impl Command for Release {
    fn once(&self) -> Option<&Once> {
        Some(&self.once)
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.declaration(&self.presented.declaration);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let again = decide_again(batch, &self.presented, &self.caller, None)?;
        let drawings = match again {
            Again::Clears { drawings, .. } => drawings,
            Again::Refused(refused) => return Ok(*refused),
        };
        let id = batch.ids.uuid(batch.now);
        let row = ReleaseRow {
            id: id.as_bytes().to_vec(),
            verification_id: self.verification.id.clone(),
            state: self.caller.state.to_string(),
            border_post: self.presented.declaration.border_post.to_string(),
            status: "released".to_owned(),
            version: 1,
            reference_kind: self.presented.declaration.reference.kind.as_str().to_owned(),
            reference: self.presented.declaration.reference.value.to_string(),
            content_sha256: self.presented.sha256.to_vec(),
            items: items(&self.presented.declaration)?,
            outward: outward(batch, &self.presented.declaration)?,
            states: states(batch, &self.presented.declaration)?,
            declaration: self.presented.json.clone(),
            caller: self.caller.key(),
            at_us: batch.now.as_microsecond(),
        };
        batch.insert_release(&row)?;
        let moves = move_draws(batch, &row, "release", &[], &drawings)?;
        storage::releases::insert_draws(batch.db, &moves)?;
        batch.insert_serials(&serial_uses(&row, &self.presented.declaration, &drawings))?;
        let act = Act {
            kind: "release",
            row: &row,
            declaration: &self.presented.declaration,
            caller: &self.caller,
            reason: None,
            outcome: Done::Created,
        };
        enter(batch, &act, &drawings)
    }
}

/// What a second look on the database's rows gives.
pub(super) enum Again {
    /// It clears, and this is what it draws.
    Clears { drawings: Vec<Drawing> },
    /// It does not: the reply says why, and it has been recorded.
    Refused(Box<Recorded>),
}

/// Judges a declaration on the rows inside the transaction. `amended` is the release that it amends:
/// what that one draws now is given back first.
pub(super) fn decide_again(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    amended: Option<(Uuid, &[DrawRow])>,
) -> Result<Again, Stop> {
    let declaration = &presented.declaration;
    let numbers = declaration.licence_numbers();
    batch.read_licences(&numbers)?;
    let mut facts = Facts { data_age_ms: Some(0), ..Facts::default() };
    for number in numbers {
        let lookup = match batch.licence(&number) {
            Some(entry) => Lookup::Held(given_back(entry, amended.map(|(_, draws)| draws))),
            None => Lookup::NotFound,
        };
        facts.licences.push(LicenceFact { number, lookup });
    }
    let except = amended.map(|(id, _)| id);
    let (state, content) = (Some(caller.state), &presented.sha256);
    // A release asks the rows themselves, whatever is kept in memory.
    facts::history(batch.db, declaration, content, state, except, &mut facts)?;
    let lists = std::sync::Arc::clone(&batch.lists);
    let case = Case::new(declaration, &facts, &lists, batch.now);
    let verdict = crate::rules::evaluate(&case);
    if verdict.outcome == Outcome::Clear {
        return Ok(Again::Clears { drawings: drawings(&case)? });
    }
    refused(batch, presented, caller, &facts, verdict)
        .map(|recorded| Again::Refused(Box::new(recorded)))
}

/// A licence as it would stand without what a release draws now.
fn given_back(
    entry: &super::book::Entry,
    draws: Option<&[DrawRow]>,
) -> crate::domain::licence::Held {
    let mut held = entry.held.clone();
    let own = draws.unwrap_or_default().iter().filter(|draw| draw.licence_id == entry.id);
    let mut any = false;
    for draw in own {
        any = true;
        for drawn in
            held.standing.drawn.iter_mut().filter(|drawn| i64::from(drawn.line) == draw.line)
        {
            let own = Quantity::from_micros(draw.drawn).unwrap_or_default();
            drawn.consumed = drawn.consumed.saturating_minus(own);
        }
    }
    if any {
        held.standing.shipments = held.standing.shipments.saturating_sub(1);
    }
    held
}

fn refused(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    facts: &Facts,
    verdict: Verdict,
) -> Result<Recorded, Stop> {
    let lists = std::sync::Arc::clone(&batch.lists);
    let judged = judge::write_down(
        &Question {
            kind: "release_refused",
            id: batch.ids.uuid(batch.now),
            nonce: batch.ids.nonce(),
            now: batch.now,
            caller,
            presented,
            facts,
            lists: &lists,
        },
        verdict,
    )?;
    let reply = record(&judged, batch)?;
    Ok(Recorded { outcome: Done::Refused, reply, version: None })
}

/// What goods that may return are compared with.
pub(super) fn outward(batch: &Batch<'_>, declaration: &Declaration) -> Result<String, Error> {
    let no_facts = Facts::default();
    let released_on = Case::new(declaration, &no_facts, &batch.lists, batch.now).reference_date;
    judge::json(&OutwardRecord::of(declaration, released_on))
}

/// The States that a shipment concerns, by its declaration and by the licences that it quotes.
pub(super) fn states(batch: &Batch<'_>, declaration: &Declaration) -> Result<String, Error> {
    let numbers = declaration.licence_numbers();
    let quoted = numbers.iter().filter_map(|number| batch.licence(number));
    judge::json(&states_of(declaration, quoted.map(|entry| entry.held.licence.issuing_state)))
}

/// The item numbers of a declaration, as a release keeps them.
pub(super) fn items(declaration: &Declaration) -> Result<String, Error> {
    let numbers: Vec<u32> = declaration.items.iter().map(|item| item.number).collect();
    judge::json(&numbers)
}

/// A release, its amendment or its reversal.
pub(super) struct Act<'a> {
    /// `release`, `release_amendment`, `reversal`.
    pub kind: &'static str,
    /// The release as it stands after it.
    pub row: &'a ReleaseRow,
    /// The declaration on which it stands, or stood.
    pub declaration: &'a Declaration,
    /// Who acts.
    pub caller: &'a Caller,
    /// Why.
    pub reason: Option<&'a str>,
    /// What it did.
    pub outcome: Done,
}

/// Writes the act into the trail and gives the reply.
pub(super) fn enter(
    batch: &mut Batch<'_>,
    act: &Act<'_>,
    drawings: &[Drawing],
) -> Result<Recorded, Stop> {
    let Act { kind, row, caller, reason, outcome, .. } = *act;
    let nonce = batch.ids.nonce();
    let mut draws = Vec::with_capacity(drawings.len());
    for drawing in drawings {
        let entry = batch.licence(&drawing.licence);
        let line = entry.and_then(|entry| Some((entry, entry.held.licence.line(drawing.line)?)));
        let (entry, line) =
            line.ok_or_else(|| Error::Internal("a drawn line left the batch".to_owned()))?;
        draws.push(DrawReply {
            item: drawing.item,
            licence: drawing.licence.to_string(),
            line: drawing.line,
            quantity: drawing.quantity.to_string(),
            unit: line.unit.to_string(),
            balance: entry.held.balance(line).into(),
        });
    }
    let (id, verification) = (uuid(&row.id)?, uuid(&row.verification_id)?);
    let body = ReleaseEntry {
        release: id.to_string(),
        verification: verification.to_string(),
        version: row.version,
        border_post: &row.border_post,
        reference: &row.reference,
        actor: Actor::new(caller, nonce),
        states: serde_json::from_str(&row.states)
            .map_err(|error| Error::Internal(format!("a release's States: {error}")))?,
        content_sha256: crate::audit::entry::salted(nonce, row.declaration.as_bytes()),
        reason,
        draws: fitting(draws.iter(), DRAWS_BYTES_MAX, |draw| written(&draw.licence) + DRAW_BYTES)
            .cloned()
            .collect(),
    };
    let index = batch.enter(kind, nonce, &body)?;
    told::release(batch, told::release_kind(kind), row, body.states)?;
    batch.mark(timeline::release(act, batch.now)?, index)?;
    let reply = ReleaseReply {
        id: id.to_string(),
        verification: verification.to_string(),
        status: row.status.clone(),
        version: row.version,
        declaration: row.reference.clone(),
        border_post: row.border_post.clone(),
        draws,
        released_at: instant(timestamp(row.at_us)?),
        changed_at: instant(batch.now),
        audit: AuditReference { log: batch.log().0.to_owned(), index },
    };
    let version = u32::try_from(row.version).ok();
    Ok(Recorded { outcome, reply: judge::json(&reply)?, version })
}

/// Room for the draws listed in an audit entry; the declaration's digest covers all of them.
const DRAWS_BYTES_MAX: usize = 10 * 1024;
/// Bytes of one draw there, its licence's number left out.
const DRAW_BYTES: usize = 260;

pub(super) fn uuid(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes)
        .map_err(|error| Error::Internal(format!("a stored identifier: {error}")))
}

pub(super) fn timestamp(at_us: i64) -> Result<crate::domain::Timestamp, Error> {
    crate::domain::Timestamp::from_microsecond(at_us)
        .map_err(|error| Error::Internal(format!("a stored time: {error}")))
}

impl App {
    /// Releases what a verification has judged.
    pub async fn release(
        &self,
        caller: &Caller,
        verification: Uuid,
        once: Once,
    ) -> Result<Recorded, Error> {
        let found =
            self.readers.read(move |db| storage::verifications::read(db, verification)).await?;
        let row = found.filter(|row| row.state == caller.state.as_str()).ok_or(Error::NotFound)?;
        let presented =
            Presented::read(row.declaration.clone(), "/declaration").map_err(|error| {
                Error::Internal(format!("a recorded declaration does not read: {error}"))
            })?;
        at_own_post(caller, &presented.declaration)?;
        self.recorder
            .submit(Box::new(Release {
                verification: row,
                presented,
                caller: caller.clone(),
                once,
            }))
            .await
    }
}

/// Digest of a request, for its idempotency key.
pub fn request_digest(route: &str, body: &[u8]) -> [u8; 32] {
    let mut bytes = route.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(body);
    sha256(&bytes)
}
