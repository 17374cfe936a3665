//! The second look: a declaration judged on the database's own rows, inside the transaction that
//! draws or holds the balances.
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::cut_off;
use super::draws::Goes;
use super::facts;
use super::foreign;
use super::judge;
use super::judge::Judged;
use super::judge::Presented;
use super::judge::Question;
use super::recorder::Done;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::reservation;
use super::reservation::Reserved;
use super::territory::Territory;
use super::verify::record;
use crate::domain::Country;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::licence::Held;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage::releases::DrawRow;
use std::sync::Arc;
use uuid::Uuid;

/// What the same shipment has drawn or holds already: it is given back before it is judged again.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Own<'a> {
    /// The release that is being amended, with what it draws.
    pub amended: Option<(Uuid, &'a [DrawRow])>,
    /// What is held for the goods.
    pub reserved: &'a [Reserved],
    /// When the pre-clearance under which they are presented had lapsed.
    pub lapsed: Option<Timestamp>,
}

/// What a second look on the database's rows gives.
pub(super) enum Again {
    /// It clears: what goes with it.
    Clears(Goes),
    /// It does not: the reply says why, and it has been recorded.
    Refused(Box<Recorded>),
}

/// The facts of a declaration as the rows have them.
pub(super) fn facts_on_rows(
    batch: &mut Batch<'_>,
    presented: &Presented,
    state: Country,
    own: Own<'_>,
) -> Result<Facts, Stop> {
    let declaration = &presented.declaration;
    let numbers = declaration.licence_numbers();
    batch.read_licences(&numbers)?;
    let mut facts = Facts { data_age_ms: Some(0), lapsed: own.lapsed, ..Facts::default() };
    for number in numbers {
        let lookup = match batch.licence(&number) {
            Some(entry) => Lookup::Held(given_back(entry, own)),
            None => Lookup::NotFound,
        };
        facts.licences.push(LicenceFact { number, lookup });
    }
    facts.spoken_for = spoken_for(batch, presented, state, &facts)?;
    batch.let_be_seen(declaration)?;
    look_back(batch, presented, state, own, &mut facts)?;
    facts.covered = batch.covered(declaration, own.amended.map(|(id, _)| id))?;
    cut_off::look(batch.db, batch.trust, declaration, &presented.sha256(), &mut facts)?;
    foreign::apply(&mut facts, &presented.foreign, batch.now);
    cut_off::finish(batch.trust, &mut facts, batch.now);
    let (trust, credentials) = (batch.trust, &declaration.credentials);
    facts.credentials = trust.facts(batch.db, credentials, &facts.licences, batch.now)?;
    Ok(facts)
}

/// The licences whose one shipment is held for others; nearly always none is, and nothing more is asked.
fn spoken_for(
    batch: &mut Batch<'_>,
    presented: &Presented,
    state: Country,
    facts: &Facts,
) -> Result<Vec<Text>, Stop> {
    let held = reservation::spoken_for(&facts.licences, &[]);
    if held.is_empty() {
        return Ok(held);
    }
    let beside = reservation::for_goods(batch.db, presented, state)?.beside;
    Ok(reservation::spoken_for(&facts.licences, &beside))
}

/// What the rows say of the reference and of the firearms. Where nobody else writes into this database,
/// what was never noted was never written: there is no row to ask for.
fn look_back(
    batch: &mut Batch<'_>,
    presented: &Presented,
    state: Country,
    own: Own<'_>,
    facts: &mut Facts,
) -> Result<(), Stop> {
    let declaration = &presented.declaration;
    let never = !batch.db.is_shared()
        && !batch.trust.is_cut_off()
        && !facts::has_history(batch.past, declaration);
    if never && !cfg!(debug_assertions) {
        facts.history_available = true;
        return Ok(());
    }
    let except = own.amended.map(|(id, _)| id);
    let content = presented.sha256();
    let before = never.then(|| facts.clone());
    let territory = Territory::new(state, &batch.lists, batch.now);
    facts::history(batch.db, declaration, &content, Some(&territory), except, facts)?;
    // A build for tests asks all the same, and insists that there was nothing to be known.
    debug_assert!(
        before.is_none_or(|before| *facts == Facts { history_available: true, ..before }),
        "what `facts::history` asks is noted in `Past` before it is committed"
    );
    Ok(())
}

/// Judges a declaration on the rows inside the transaction.
pub(super) fn decide_again(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    own: Own<'_>,
) -> Result<Again, Stop> {
    let facts = facts_on_rows(batch, presented, caller.state, own)?;
    let lists = Arc::clone(&batch.lists);
    let case = Case::new(&presented.declaration, &facts, &lists, batch.now);
    let verdict = crate::rules::evaluate(&case);
    if verdict.outcome == Outcome::Clear {
        let goes = Goes::of(&case)?;
        if !facts.foreign.is_empty() {
            rests_on_others(batch, presented, caller, &facts, verdict)?;
        }
        return Ok(Again::Clears(goes));
    }
    refused(batch, presented, caller, &facts, verdict)
        .map(|recorded| Again::Refused(Box::new(recorded)))
}

/// A licence as it would stand without what the same shipment has drawn or holds.
fn given_back(entry: &super::book::Entry, own: Own<'_>) -> Held {
    let mut held = entry.held.clone();
    let draws = own.amended.map(|(_, draws)| draws).unwrap_or_default();
    let mut any = false;
    for draw in draws.iter().filter(|draw| draw.licence_id == entry.id) {
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
    reservation::leave_out(&mut held, own.reserved);
    held
}

/// Records that a release is refused: the reply is the verdict.
pub(super) fn refused(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    facts: &Facts,
    verdict: Verdict,
) -> Result<Recorded, Stop> {
    let reply = judged(batch, "release_refused", presented, caller, facts, verdict)?;
    Ok(Recorded { outcome: Done::Refused, reply, version: None })
}

/// Records a judgement made on the rows; gives the verdict as it is answered.
pub(super) fn judged(
    batch: &mut Batch<'_>,
    kind: &'static str,
    presented: &Presented,
    caller: &Caller,
    facts: &Facts,
    verdict: Verdict,
) -> Result<String, Stop> {
    let mut judged = written_down(batch, kind, presented, caller, facts, verdict)?;
    if kind == "release_review" {
        // It is part of the release, and the consignment's timeline has that.
        judged.happening = None;
    }
    record(&judged, batch)
}

fn written_down(
    batch: &mut Batch<'_>,
    kind: &'static str,
    presented: &Presented,
    caller: &Caller,
    facts: &Facts,
    verdict: Verdict,
) -> Result<Judged, Error> {
    let lists = Arc::clone(&batch.lists);
    let question = Question {
        kind,
        preclearance: None,
        state: caller.state,
        id: batch.ids.uuid(batch.now),
        nonce: batch.ids.nonce(),
        now: batch.now,
        caller,
        presented,
        facts,
        lists: &lists,
    };
    judge::write_down(&question, verdict)
}

/// Records what a release that clears rests on beyond this database: what other States' registers have
/// said just before, so that its verdict can be derived again too.
fn rests_on_others(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    facts: &Facts,
    verdict: Verdict,
) -> Result<(), Stop> {
    let mut judged = written_down(batch, "release_basis", presented, caller, facts, verdict)?;
    // It is part of the release, and the consignment's timeline has that.
    judged.happening = None;
    record(&judged, batch)?;
    Ok(())
}
