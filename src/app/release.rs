//! A release: decided again on the database's own rows, in the transaction that draws the
//! balances. Amendment and reversal state absolute figures; what they change stands in the ledger.
use super::App;
use super::Caller;
use super::Error;
use super::again::Again;
use super::again::decide_again;
use super::batch::Batch;
use super::cases;
use super::claims::Claims;
use super::draws::Drawing;
use super::draws::Goes;
use super::draws::move_draws;
use super::draws::serial_uses;
use super::facts;
use super::foreign::Recent;
use super::judge;
use super::judge::Presented;
use super::outward::OutwardRecord;
use super::overriding;
use super::overriding::Asked;
use super::overriding::Look;
use super::presentation;
use super::receipts;
use super::record::Actor;
use super::record::Basis;
use super::record::fitting;
use super::record::states_of;
use super::record::written;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release_history as history;
use super::timeline;
use super::told;
use super::verify::at_post_of;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::alert::Outcome as End;
use crate::domain::declaration::Declaration;
use crate::rules::Case;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::Db;
use crate::storage::releases::ReleaseRow;
use crate::wire::release::DrawReply;
use crate::wire::release::OverrideReply;
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
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    against: Option<&'a [String]>,
    draws: Vec<DrawReply>,
    draws_total: usize,
    draws_sha256: String,
    row_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    covers_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    override_sha256: Option<String>,
    #[serde(flatten)]
    decided_on: Option<Basis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined: Option<&'a Joined>,
}

/// Where a release was recorded that a post made while it was cut off.
#[derive(Debug, Serialize)]
pub(super) struct Joined {
    /// The post's log.
    pub log: String,
    /// Its entry there.
    pub index: u64,
    /// When.
    pub released_at: String,
}

struct Release {
    verification: Uuid,
    /// The pre-clearance under which the goods were presented.
    preclearance: Option<Vec<u8>>,
    presented: Presented,
    /// Why it is to be released although it does not clear.
    against: Option<Text>,
    /// How long such a release waits for its confirmation, in seconds.
    confirm_within_s: i64,
    caller: Caller,
    once: Once,
}

impl Command for Release {
    fn once(&self) -> Option<&Once> {
        Some(&self.once)
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.declaration(&self.presented.declaration);
        claims.case(cases::goods(self.caller.state, &self.presented));
        super::foreign::claim(&self.presented.foreign, claims);
        super::returns::claim(db, &self.presented.declaration, claims)?;
        presentation::claim(db, self.preclearance.as_deref(), claims)
    }

    fn is_for_cut_off(&self) -> bool {
        // Whoever releases against the advice needs the register behind it.
        self.against.is_none()
    }

    fn holds_back(&self) -> bool {
        // Of what was announced, of journeys, of goods that return and of parts more is read than is compared with
        // what the batch holds back.
        let declaration = &self.presented.declaration;
        self.against.is_none()
            && self.preclearance.is_none()
            && declaration.temporary.is_none()
            && !facts::may_be_on_its_way(declaration)
            && super::linked::consignment(declaration).is_none()
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let (under, state) = (self.preclearance.as_deref(), self.caller.state);
        let held = presentation::read(batch, under, &self.presented, state)?;
        let own = held.own();
        let Goes { drawings, beside, covers } = match &self.against {
            None => match decide_again(batch, &self.presented, &self.caller, own)? {
                Again::Clears(goes) => goes,
                Again::Refused(refused) => return Ok(*refused),
            },
            Some(reason) => match overriding::look(batch, &self.presented, &self.caller, own)? {
                Look::Clears(goes) => goes,
                Look::Never(refused) => return Ok(*refused),
                Look::Against(codes, facts) => {
                    let row = self.row(batch, "pending")?;
                    let due = batch.now.as_microsecond() + self.confirm_within_s * 1_000_000;
                    let asked = Asked { reason, codes: &codes, facts: &facts, due_us: due };
                    return overriding::ask(batch, &row, &self.presented, &self.caller, &asked);
                }
            },
        };
        let row = self.row(batch, "released")?;
        batch.insert_release(&row)?;
        held.take_over(batch, &row.id, &self.caller)?;
        let moves = move_draws(batch, &row, "release", &[], (&drawings, &beside))?;
        batch.insert_draws(moves)?;
        batch.cover(&row, &covers)?;
        batch.insert_serials(serial_uses(&row, &self.presented.declaration, &drawings))?;
        super::due::released(batch, &row, &self.presented.declaration, self.caller.state)?;
        let act = Act {
            kind: "release",
            row: &row,
            declaration: &self.presented.declaration,
            caller: &self.caller,
            reason: None,
            outcome: Done::Created,
            against: None,
            joined: None,
        };
        let recorded = enter(batch, &act, &drawings)?;
        let goods = cases::goods(self.caller.state, &self.presented);
        cases::end(batch, &goods, &self.caller, End::ReleasedAfterCheck)?;
        Ok(recorded)
    }
}

impl Release {
    fn row(&self, batch: &mut Batch<'_>, status: &str) -> Result<ReleaseRow, Error> {
        let (id, of) = (batch.ids.uuid(batch.now), self.verification.as_bytes());
        let row = first_row(batch, &self.presented, &self.caller, of, (id, batch.now))?;
        Ok(ReleaseRow { status: status.to_owned(), ..row })
    }
}

/// A release as it is first written: of a verification's declaration, by an officer, at an instant.
pub(super) fn first_row(
    batch: &Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    verification: &[u8],
    (id, at): (Uuid, Timestamp),
) -> Result<ReleaseRow, Error> {
    let declaration = &presented.declaration;
    Ok(ReleaseRow {
        id: id.as_bytes().to_vec(),
        verification_id: verification.to_vec(),
        state: caller.state.to_string(),
        border_post: declaration.border_post.to_string(),
        status: "released".to_owned(),
        version: 1,
        reference_kind: declaration.reference.kind.as_str().to_owned(),
        reference: declaration.reference.value.to_string(),
        content_sha256: presented.sha256().to_vec(),
        items: items(declaration)?,
        outward: outward(batch, declaration)?,
        states: states(batch, declaration)?,
        declaration: presented.json.clone(),
        caller: caller.key(),
        at_us: at.as_microsecond(),
    })
}

/// What goods that may return are compared with.
pub(super) fn outward(batch: &Batch<'_>, declaration: &Declaration) -> Result<String, Error> {
    let no_facts = Facts::default();
    let released_on = Case::new(declaration, &no_facts, &batch.lists, batch.now).reference_date;
    judge::json(&OutwardRecord::of(
        declaration,
        released_on,
        super::outward::is_for_a_time(batch, declaration),
    ))
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
    /// Where it is a release against the advice.
    pub against: Option<&'a OverrideReply>,
    /// Where it was made at a post that was cut off.
    pub joined: Option<&'a Joined>,
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
        draws.push(drawing.reply(line.unit, entry.held.balance(line)));
    }
    let (id, verification) = (uuid(&row.id)?, uuid(&row.verification_id)?);
    // What is undone, or has expired, was not judged again.
    let is_judged = !matches!(kind, "reversal" | "override_expired");
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
        against: act.against.map(|against| against.codes.as_slice()),
        draws: fitting(draws.iter(), DRAWS_BYTES_MAX, |draw| written(&draw.licence) + DRAW_BYTES)
            .cloned()
            .collect(),
        draws_total: draws.len(),
        draws_sha256: super::draws::digest(nonce, drawings)?,
        row_sha256: history::digest(nonce, row)?,
        covers_sha256: batch.covers_sha256(nonce, &row.id)?,
        override_sha256: history::override_sha256(batch, nonce, act)?,
        decided_on: is_judged.then(|| Basis::of(batch, act.declaration)),
        joined: act.joined,
    };
    let index = batch.enter(kind, nonce, &body)?;
    told::release(batch, act, body.states)?;
    batch.mark(timeline::release(act, batch.now)?, index)?;
    receipts::follow(batch, act, index)?;
    super::returns::follow_return(batch, act)?;
    history::write(batch, act, &draws, index)?;
    let waits = match kind {
        // Also what nobody has confirmed is taken back.
        "reversal" => storage::overrides::read(batch.db, &row.id)?
            .is_some_and(|against| against.confirmed_us.is_none()),
        _ => act.against.is_some_and(|against| against.confirmed_at.is_none()),
    };
    let reply = ReleaseReply {
        id: id.to_string(),
        verification: verification.to_string(),
        status: row.status.clone(),
        version: row.version,
        declaration: row.reference.clone(),
        border_post: row.border_post.clone(),
        draws,
        released_at: released_at(row, waits)?,
        changed_at: instant(batch.now),
        audit: AuditReference { log: batch.log().0.to_owned(), index },
        against: act.against.cloned(),
    };
    let version = u32::try_from(row.version).ok();
    Ok(Recorded { outcome, reply: judge::json(&reply)?, version })
}

/// When goods were released, unless that waits, or has waited, for a second officer.
pub(super) fn released_at(row: &ReleaseRow, waits: bool) -> Result<Option<String>, Error> {
    if waits { Ok(None) } else { Ok(Some(instant(timestamp(row.at_us)?))) }
}

/// Room for the draws listed in an audit entry; their own digest covers all of them.
const DRAWS_BYTES_MAX: usize = 8 * 1024;
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
        against: Option<Text>,
        once: Once,
    ) -> Result<Recorded, Error> {
        let found = move |db: &mut Db| {
            let Some(row) = storage::verifications::read(db, verification)? else {
                return Ok(None);
            };
            let announced = storage::preclearances::around(db, verification.as_bytes())?;
            Ok::<_, storage::Error>(Some((row, announced)))
        };
        let found = self.readers.read(found).await?;
        let found = found.filter(|(row, _)| row.state == caller.state.as_str());
        let Some((row, (preclearance, is_announced))) = found else {
            return self.first_reply(Some(&once)).await?.ok_or(Error::NotFound);
        };
        if is_announced {
            let words = "the goods have only been announced: verify them under their code";
            return self.refused(words.to_owned(), Some(once)).await;
        }
        let presented = Presented::read(row.declaration, "/declaration").map_err(|error| {
            Error::Internal(format!("a recorded declaration does not read: {error}"))
        })?;
        at_post_of(caller, &presented.declaration)?;
        let presented = self.with_registers(presented, Recent::Now).await?;
        self.recorder
            .submit(Box::new(Release {
                verification,
                preclearance,
                presented,
                against,
                confirm_within_s: i64::from(self.config.release.confirm_within_s),
                caller: caller.clone(),
                once,
            }))
            .await
    }
}
