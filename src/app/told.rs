//! What the systems of States are told of verdicts, releases and licences: numbers and words, never
//! a person's data, and only to States that the thing concerns.
use super::Error;
use super::batch::Batch;
use super::judge::Question;
use super::record::issuing_states;
use super::record::states_named;
use super::recorder::Stop;
use super::release::Act;
use crate::domain::alert::About;
use crate::domain::alert::Change;
use crate::domain::alert::Outcome as End;
use crate::domain::declaration::Declaration;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::domain::licence::Held;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::storage::alerts::AlertRow;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// What the events of a shipment have in common: its UCR or, where it has none, its reference.
pub(super) fn consignment(declaration: &Declaration) -> String {
    declaration.ucr.as_ref().unwrap_or(&declaration.reference.value).to_string()
}

/// A verdict that needs a person, for the State of the post and for those that issued the licences
/// quoted; nothing of one that clears.
pub(super) fn verdict(question: &Question<'_>, verdict: &Verdict) -> Option<Event<Value>> {
    let kind = match verdict.outcome {
        Outcome::Clear => return None,
        Outcome::Refer => EventKind::VerdictRefer,
        Outcome::Hold => EventKind::VerdictHold,
    };
    let declaration = &question.presented.declaration;
    let mut states = vec![question.caller.state.to_string()];
    states.extend(issuing_states(question.facts).map(|state| state.to_string()));
    states.sort_unstable();
    states.dedup();
    let mut codes: Vec<&str> =
        verdict.findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.dedup();
    let data = json!({
        "verification": question.id.to_string(),
        "act": question.kind,
        "verdict": verdict.outcome.as_str(),
        "border_post": declaration.border_post.as_str(),
        "declaration": declaration.reference.value.as_str(),
        "ucr": declaration.ucr.as_deref(),
        "codes": codes,
    });
    Some(Event { kind, states, key: consignment(declaration), data })
}

#[derive(Serialize)]
struct ReleaseTold<'a> {
    release: String,
    verification: String,
    version: i64,
    status: &'a str,
    border_post: &'a str,
    declaration: &'a str,
    ucr: Option<&'a str>,
}

/// A release, its amendment or its reversal, for every State that the shipment concerns.
pub(super) fn release(
    batch: &mut Batch<'_>,
    act: &Act<'_>,
    states: Vec<String>,
) -> Result<(), Stop> {
    let (kind, row) = (release_kind(act.kind), act.row);
    let ucr = act.declaration.ucr.as_deref();
    let key = consignment(act.declaration);
    let data = ReleaseTold {
        release: super::release::uuid(&row.id)?.to_string(),
        verification: super::release::uuid(&row.verification_id)?.to_string(),
        version: row.version,
        status: &row.status,
        border_post: &row.border_post,
        declaration: &row.reference,
        ucr,
    };
    batch.tell(Event { kind, states, key, data })
}

/// The event of an act upon a release, by its word in the trail.
fn release_kind(act: &str) -> EventKind {
    match act {
        "release_amendment" => EventKind::ReleaseAmended,
        "reversal" => EventKind::ReleaseReversed,
        "override_requested" => EventKind::OverrideRequested,
        "override_confirmed" => EventKind::OverrideConfirmed,
        "override_expired" => EventKind::OverrideRefused,
        _ => EventKind::ReleaseMade,
    }
}

#[derive(Serialize)]
struct LicenceTold<'a> {
    licence: &'a str,
    version: u32,
    status: &'static str,
    issuing_state: &'a str,
}

/// A licence's change, for every State that it names.
pub(super) fn licence(batch: &mut Batch<'_>, change: &str, held: &Held) -> Result<(), Stop> {
    let licence = &held.licence;
    batch.tell(Event {
        kind: licence_kind(change),
        states: states_named(licence),
        key: licence.number.to_string(),
        data: LicenceTold {
            licence: &licence.number,
            version: licence.version,
            status: held.standing.status.as_str(),
            issuing_state: licence.issuing_state.as_str(),
        },
    })
}

/// The event of a licence's change, by its word in the history.
fn licence_kind(change: &str) -> EventKind {
    match change {
        "issue" => EventKind::LicenceIssued,
        "suspension" => EventKind::LicenceSuspended,
        "reinstatement" => EventKind::LicenceReinstated,
        "revocation" => EventKind::LicenceRevoked,
        "annulment" => EventKind::LicenceAnnulled,
        "surrender" => EventKind::LicenceSurrendered,
        _ => EventKind::LicenceAmended,
    }
}

/// A step in an alert's life, for the State whose it is.
pub(super) fn alert(
    batch: &mut Batch<'_>,
    row: &AlertRow,
    change: Change,
    outcome: Option<End>,
) -> Result<(), Stop> {
    let kind = match change {
        // A further look is told as the verdict that it is: `cases` tells nothing of it here.
        Change::Raised | Change::SeenAgain => EventKind::AlertRaised,
        Change::Acknowledged => EventKind::AlertAcknowledged,
        Change::Referred | Change::Extended => EventKind::AlertReferred,
        Change::Resolved => EventKind::AlertResolved,
    };
    let about: About = serde_json::from_str(&row.about)
        .map_err(|error| Error::Internal(format!("what an alert is about: {error}")))?;
    let id = super::release::uuid(&row.id)?.to_string();
    let key = row.ucr.clone().or_else(|| about.declaration.clone()).unwrap_or_else(|| id.clone());
    let data = json!({
        "alert": id,
        "change": change.as_str(),
        "kind": row.kind,
        "severity": row.severity,
        "to": row.addressee,
        "border_post": row.border_post,
        "about": about,
        "outcome": outcome.map(End::as_str),
    });
    batch.tell(Event { kind, states: vec![row.state.clone()], key, data })
}
