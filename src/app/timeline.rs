//! The timeline of a consignment is written with the acts themselves: each says what happened, to
//! which States that matters, and where the audit trail holds it.
use super::Caller;
use super::Error;
use super::announced::Kept;
use super::batch::Batch;
use super::judge::json;
use super::record::states_of;
use super::release::Act;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Timestamp;
use crate::domain::declaration::Declaration;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::storage::consignments::EventRow;
use crate::storage::preclearances::PreclearanceRow;
use crate::wire::FieldError;
use crate::wire::preclearance::told_outcome;
use serde::Serialize;
use uuid::Uuid;

/// Most codes of a verdict that its event names.
const CODES_MAX: usize = 40;

/// What a verdict's event says beside the verdict; what its carrier is told, where that is another one.
#[derive(Serialize)]
struct VerdictDetail<'a> {
    codes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<&'static str>,
}

/// The event of a verdict, where the declaration names a consignment.
pub(super) fn verdict(
    kind: &str,
    id: Uuid,
    caller: &Caller,
    declaration: &Declaration,
    issuing: impl Iterator<Item = Country>,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<Option<EventRow>, Error> {
    let Some(ucr) = declaration.consignment() else { return Ok(None) };
    let mut codes: Vec<&str> =
        verdict.findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.dedup();
    codes.truncate(CODES_MAX);
    let told = Some(told_outcome(verdict)).filter(|told| *told != verdict.outcome);
    let told = told.map(Outcome::as_str);
    let states = with_state(states_of(declaration, issuing), caller.state.as_str());
    let kind = if kind == "verification" { "verdict" } else { kind };
    Ok(Some(EventRow {
        ucr: ucr.to_string(),
        kind: kind.to_owned(),
        state: caller.state.to_string(),
        border_post: Some(declaration.border_post.to_string()),
        movement: Some(declaration.movement.as_str().to_owned()),
        outcome: Some(verdict.outcome.as_str().to_owned()),
        reference: Some(declaration.reference.value.to_string()),
        subject: id.as_bytes().to_vec(),
        states: json(&states)?,
        carrier: carrier(declaration),
        detail: json(&VerdictDetail { codes, told })?,
        happened_us: now.as_microsecond(),
        at_us: now.as_microsecond(),
        ..EventRow::default()
    }))
}

/// The event of a release, of its amendment or of its reversal.
pub(super) fn release(act: &Act<'_>, now: Timestamp) -> Result<Option<EventRow>, Error> {
    let Act { row, declaration, .. } = act;
    let Some(ucr) = declaration.consignment() else { return Ok(None) };
    Ok(Some(EventRow {
        ucr: ucr.to_string(),
        kind: act.kind.to_owned(),
        state: row.state.clone(),
        border_post: Some(row.border_post.clone()),
        movement: Some(declaration.movement.as_str().to_owned()),
        outcome: Some(row.status.clone()),
        reference: Some(row.reference.clone()),
        subject: row.id.clone(),
        states: json(&with_state(states_in(&row.states)?, &row.state))?,
        carrier: carrier(declaration),
        detail: "{}".to_owned(),
        // What a post did while it was cut off is told later than it was done.
        happened_us: act.joined.map_or(now.as_microsecond(), |_| row.at_us),
        at_us: now.as_microsecond(),
        ..EventRow::default()
    }))
}

/// What became of a pre-clearance: it was lodged, withdrawn, has lapsed, or a release took over what it
/// held.
pub(super) fn preclearance(
    kind: &str,
    row: &PreclearanceRow,
    kept: &Kept,
    now: Timestamp,
) -> Result<Option<EventRow>, Error> {
    let Some(ucr) = kept.ucr.clone() else { return Ok(None) };
    Ok(Some(EventRow {
        ucr,
        kind: kind.to_owned(),
        state: row.state.clone(),
        border_post: Some(row.border_post.clone()),
        outcome: Some(kept.told.verdict.clone()),
        reference: Some(kept.declaration.clone()),
        subject: row.id.clone(),
        states: json(&with_state(kept.states.clone(), &row.state))?,
        carrier: kept.carrier.clone(),
        detail: serde_json::json!({"reservation": row.reservation}).to_string(),
        happened_us: now.as_microsecond(),
        at_us: now.as_microsecond(),
        ..EventRow::default()
    }))
}

/// The carrier's number.
pub(super) fn carrier(declaration: &Declaration) -> Option<String> {
    declaration.carrier.as_ref().map(|carrier| carrier.party.id.to_string())
}

/// A list of States as it is kept.
pub(super) fn states_in(json: &str) -> Result<Vec<String>, Error> {
    serde_json::from_str(json).map_err(|error| Error::Internal(format!("stored States: {error}")))
}

/// The list with one more State, each once.
pub(super) fn with_state(mut states: Vec<String>, state: &str) -> Vec<String> {
    states.push(state.to_owned());
    states.sort_unstable();
    states.dedup();
    states
}

impl Batch<'_> {
    /// Puts an event into the timeline of its consignment, with its entry's place in the log.
    pub(super) fn mark(&mut self, event: Option<EventRow>, index: u64) -> Result<(), Error> {
        let Some(mut event) = event else { return Ok(()) };
        (event.log_id, event.log_index) = self.place(index)?;
        self.raised.timeline.push(event);
        Ok(())
    }
}

/// A State as it is kept.
pub(super) fn country(code: &str) -> Result<Country, Error> {
    Country::parse(code)
        .map_err(|error| Error::Internal(format!("a stored State: {}", error.detail)))
}

/// A field that the register contradicts.
pub(super) fn invalid(path: &str, code: &str, words: impl Into<String>) -> Error {
    Error::Invalid(vec![FieldError::new(path, code, words)])
}

/// The last instant of a day in a zone.
pub(super) fn at_end_of(day: Date, zone: &jiff::tz::TimeZone) -> Result<Timestamp, Error> {
    let next = day.tomorrow().map_err(|error| Error::Internal(error.to_string()))?;
    let next = zone.to_timestamp(next.at(0, 0, 0, 0));
    let next = next.map_err(|error| Error::Internal(error.to_string()))?;
    Timestamp::from_microsecond(next.as_microsecond() - 1)
        .map_err(|error| Error::Internal(error.to_string()))
}
