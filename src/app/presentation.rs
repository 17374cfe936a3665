//! Presentation of announced goods: an officer scans the code, and what was lodged is judged again
//! with what the licences say now. What has changed since is told; what is held for the goods is theirs.
use super::App;
use super::Caller;
use super::Error;
use super::again::Own;
use super::announced;
use super::announced::shown;
use super::batch::Batch;
use super::claims::Claims;
use super::foreign::Recent;
use super::judge;
use super::judge::Judged;
use super::judge::Presented as Declared;
use super::judge::json;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::reservation;
use super::reservation::Act;
use super::reservation::End;
use super::reservation::ForGoods;
use super::reservation::Holding;
use super::reservation::Reserved;
use super::verify::at_post_of;
use super::verify::record;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::short_code::ShortCode;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage;
use crate::storage::Db;
use crate::storage::preclearances::PreclearanceRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::verifications::VerificationRow;
use crate::wire::FieldError;
use crate::wire::preclearance::AnnouncedReply;
use crate::wire::preclearance::Changes;
use crate::wire::preclearance::CodeReply;
use crate::wire::verification::Announced;
use crate::wire::verification::Verification;
use crate::wire::verification::instant;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// A verdict on announced goods on its way into the record.
struct Present {
    judged: Judged,
    row: PreclearanceRow,
    then: Then,
    once: Option<Once>,
}

/// What was found when the goods were announced.
struct Then {
    verdict: String,
    codes: BTreeSet<CodeReply>,
}

impl Command for Present {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        self.judged.claim(claims);
        Ok(announced::name(&self.row, claims)?)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::preclearances::read(batch.db, &self.row.id)?;
        let mut row = row.ok_or(Error::NotFound)?;
        may_be_presented(&row).map_err(|words| Error::Stale(words.to_owned()))?;
        if row.status == "lodged" && batch.now.as_microsecond() < row.expires_us {
            "presented".clone_into(&mut row.status);
            row.due_us = row.due_us.filter(|_| row.reservation == "held");
            row.changed_us = batch.now.as_microsecond();
            storage::preclearances::update(batch.db, &row)?;
        }
        let reply = record(&self.judged, batch)?;
        storage::preclearances::insert_presentation(batch.db, self.judged.id, &self.row.id)?;
        let announced = announced_reply(&row, &self.then, &self.judged)?;
        let reply = judge::with_field(&reply, "preclearance", json(&announced)?);
        Ok(Recorded { outcome: Done::Created, reply, version: None })
    }
}

fn may_be_presented(row: &PreclearanceRow) -> Result<(), &'static str> {
    match row.status.as_str() {
        "withdrawn" => Err("the carrier has withdrawn the pre-clearance"),
        "released" => Err("the goods announced under this code have been released"),
        _ => Ok(()),
    }
}

fn announced_reply(
    row: &PreclearanceRow,
    then: &Then,
    judged: &Judged,
) -> Result<AnnouncedReply, Error> {
    let now: BTreeSet<CodeReply> = judged
        .verdict
        .findings
        .iter()
        .map(|found| CodeReply { code: found.code.as_str().to_owned(), item: found.item })
        .collect();
    Ok(AnnouncedReply {
        id: uuid(&row.id)?.to_string(),
        code: shown(&row.code)?.to_string(),
        status: row.status.clone(),
        reservation: row.reservation.clone(),
        operator: row.operator.clone(),
        lodged_at: instant(timestamp(row.lodged_us)?),
        expires_at: instant(timestamp(row.expires_us)?),
        changes: Changes {
            verdict_then: then.verdict.clone(),
            verdict_now: judged.verdict.outcome.as_str().to_owned(),
            new: now.difference(&then.codes).cloned().collect(),
            gone: then.codes.difference(&now).cloned().collect(),
        },
    })
}

/// What was found when goods were announced, as it was recorded.
fn then(row: &VerificationRow) -> Result<Then, Error> {
    let reply: Verification = serde_json::from_str(&row.reply)
        .map_err(|error| Error::Internal(format!("a recorded verdict: {error}")))?;
    let findings = reply.findings.into_iter();
    let codes = findings.map(|found| CodeReply { code: found.code, item: found.item }).collect();
    Ok(Then { verdict: reply.verdict, codes })
}

/// A pre-clearance as it is presented: its row, and what it was judged on.
type Lodged = (PreclearanceRow, VerificationRow);

/// Finds a pre-clearance by its code or identifier.
fn find(db: &mut Db, named: &str) -> Result<Option<Lodged>, Error> {
    let row = match (Uuid::parse_str(named), ShortCode::parse(named)) {
        (Ok(id), _) => storage::preclearances::read(db, id.as_bytes())?,
        (Err(_), Some(code)) => storage::preclearances::by_code(db, code.as_str())?,
        (Err(_), None) => None,
    };
    let Some(row) = row else { return Ok(None) };
    let judged = storage::verifications::read(db, uuid(&row.id)?)?
        .ok_or_else(|| Error::Internal("what a pre-clearance was judged on is gone".to_owned()))?;
    Ok(Some((row, judged)))
}

impl App {
    /// Verifies announced goods that are presented at the caller's post.
    pub async fn verify_announced(
        &self,
        caller: &Caller,
        announced: Announced,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let named = announced.preclearance.clone();
        if Uuid::parse_str(&named).is_err() && ShortCode::parse(&named).is_none() {
            let detail = format!("{named:?} is neither a code nor an identifier: a sign is wrong");
            return Err(Error::Invalid(vec![FieldError::new(
                "/preclearance",
                "not_a_code",
                detail,
            )]));
        }
        let found = self.readers.read(move |db| find(db, &named)).await?;
        let found = found.filter(|(row, _)| row.state == caller.state.as_str());
        let (row, judged) = found.ok_or(Error::NotFound)?;
        if let Err(words) = may_be_presented(&row) {
            return self.refused(words.to_owned(), once).await;
        }
        let declaration = announced.completed(&judged.declaration).map_err(Error::Invalid)?;
        let presented = Declared::read(declaration, "")?;
        at_post_of(caller, &presented.declaration)?;
        let presented = Arc::new(self.with_registers(presented, Recent::Kept).await?);
        let now = self.clock.now();
        let mut facts = self.facts(&presented, caller.state, now).await;
        let (state, under) = (caller.state, Some(row.id.clone()));
        self.leave_out_own(&mut facts, &presented, state, under).await;
        facts.lapsed = lapsed(&row, now)?;
        let then = then(&judged)?;
        let judged = self.judge_now(caller, &presented, &facts, Some(uuid(&row.id)?), now)?;
        self.recorder.submit(Box::new(Present { judged, row, then, once })).await
    }
}

impl App {
    /// Leaves out of the facts what is held for the goods themselves: under the code that was scanned, and
    /// under every other one of the same declaration. Where that cannot be asked, not all is known of them, and
    /// a person decides.
    pub(super) async fn leave_out_own(
        &self,
        facts: &mut Facts,
        presented: &Arc<Declared>,
        state: Country,
        under: Option<Vec<u8>>,
    ) {
        let is_held = |fact: &LicenceFact| matches!(&fact.lookup, Lookup::Held(held) if reservation::any_is_held(held));
        if !facts.licences.iter().any(is_held) {
            return;
        }
        let presented = Arc::clone(presented);
        let question = move |db: &mut Db| {
            let ForGoods { own: mut holdings, beside } =
                reservation::for_goods(db, &presented, state)?;
            let named = under.filter(|id| holdings.iter().all(|(row, _)| row.id != *id));
            if let Some(id) = named
                && let Some(row) = storage::preclearances::read(db, &id)?
            {
                let reserved = reservation::held(db, &row)?;
                holdings.push((row, reserved));
            }
            Ok::<_, Error>((reservation::all_of(&holdings), beside))
        };
        // On the heap, for few requests come here and all would have to make room for it.
        let (reserved, beside) = match Box::pin(self.readers.read(question)).await {
            Ok(reserved) => reserved,
            Err(error) => {
                tracing::error!(%error, "what is held for a declaration's goods cannot be read");
                facts.history_available = false;
                return;
            }
        };
        for fact in &mut facts.licences {
            if let Lookup::Held(held) = &mut fact.lookup {
                reservation::leave_out(held, &reserved);
            }
        }
        facts.spoken_for = reservation::spoken_for(&facts.licences, &beside);
    }
}

/// When a pre-clearance lapsed, where it has: also where the worker has not come by yet.
fn lapsed(row: &PreclearanceRow, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let is_over = row.status == "lodged" && row.expires_us <= now.as_microsecond();
    (is_over || row.status == "lapsed").then(|| timestamp(row.expires_us)).transpose()
}

/// Names the pre-clearance of announced goods with everything that it holds.
pub(super) fn claim(
    db: &mut Db,
    preclearance: Option<&[u8]>,
    claims: &mut Claims,
) -> Result<(), Stop> {
    preclearance.map_or(Ok(()), |id| announced::claim(db, id, claims))
}

/// Goods that are to be released: what is held for them, first under the code that was scanned.
pub(super) struct Presented {
    holdings: Vec<Holding>,
    reserved: Vec<Reserved>,
    lapsed: Option<Timestamp>,
}

/// Reads what is held for goods that are to be released, with the licences of which it is; refuses where
/// they have been released under their code before.
pub(super) fn read(
    batch: &mut Batch<'_>,
    preclearance: Option<&[u8]>,
    declared: &Declared,
    state: Country,
) -> Result<Presented, Stop> {
    let (mut holdings, mut over) = (Vec::new(), None);
    if let Some(id) = preclearance {
        let row = storage::preclearances::read(batch.db, id)?.ok_or(Error::NotFound)?;
        may_be_presented(&row).map_err(|words| Error::Stale(words.to_owned()))?;
        over = lapsed(&row, batch.now)?;
        let reserved = reservation::held(batch.db, &row)?;
        holdings.push((row, reserved));
    }
    // Nothing is asked where nothing is held at all, as nearly always.
    let numbers = declared.declaration.licence_numbers();
    let mut quoted = numbers.iter().filter_map(|number| batch.licence(number));
    if quoted.any(|entry| reservation::any_is_held(&entry.held)) {
        for other in reservation::for_goods(batch.db, declared, state)?.own {
            if holdings.iter().all(|(row, _)| row.id != other.0.id) {
                holdings.push(other);
            }
        }
    }
    let reserved = reservation::all_of(&holdings);
    let mut numbers: Vec<Text> = reserved.iter().map(|held| held.licence.clone()).collect();
    numbers.dedup();
    batch.read_licences(&numbers)?;
    Ok(Presented { holdings, reserved, lapsed: over })
}

impl Presented {
    /// What is the goods' own already.
    pub(super) fn own(&self) -> Own<'_> {
        Own { reserved: &self.reserved, lapsed: self.lapsed, ..Own::default() }
    }

    /// The release takes over what is held, under whatever code: all of it is given back, and the release
    /// draws what it needs in the same act.
    pub(super) fn take_over(
        self,
        batch: &mut Batch<'_>,
        release: &[u8],
        caller: &Caller,
    ) -> Result<(), Stop> {
        for (mut row, reserved) in self.holdings {
            "released".clone_into(&mut row.status);
            row.release_id = Some(release.to_vec());
            reservation::give_back(batch, &mut row, &reserved, End::TakenOver, Some(release))?;
            storage::preclearances::update(batch.db, &row)?;
            if !reserved.is_empty() {
                let act =
                    Act { kind: "reservation_taken_over", caller: Some(caller), reason: None };
                reservation::enter(batch, &row, &act, reserved)?;
            }
        }
        Ok(())
    }
}

/// After a reversal the goods stand where they stood when they were presented; what was held for them
/// has been given back with everything else.
pub(super) fn reopen(batch: &mut Batch<'_>, release: &ReleaseRow) -> Result<(), Stop> {
    for mut row in storage::preclearances::of_release(batch.db, &release.id)? {
        "presented".clone_into(&mut row.status);
        row.release_id = None;
        row.changed_us = batch.now.as_microsecond();
        storage::preclearances::update(batch.db, &row)?;
    }
    Ok(())
}
