//! Receipts (Protocol, article 10(4)): one for each release for export to another State. What happens
//! to it is a step, and each step is an entry of the trail that both States may read.
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::journey::Released;
use super::journey::released;
use super::reconcile::reconciled;
use super::recorder::Stop;
use super::release::Act;
use super::release::timestamp;
use super::release::uuid;
use super::timeline::at_end_of;
use super::timeline::country;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::alert::About;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind as Due;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::rules::Case;
use crate::rules::case::Facts;
use crate::rules::receipt::Lot;
use crate::rules::receipt::Tally;
use crate::rules::receipt::compare;
use crate::storage;
use crate::storage::Db;
use crate::storage::receipts::ReceiptRow;
use crate::storage::receipts::StepRow;
use crate::wire::receipt::ReceiptReply;
use crate::wire::receipt::ReceiptStepReply;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use std::collections::HashMap;

/// A step as it is being taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taking<'a> {
    /// `released`, `left`, `arrived` and the like.
    pub step: &'static str,
    /// State of who acts.
    pub state: &'a str,
    /// Who.
    pub actor: &'a str,
    /// The proof.
    pub document: Option<&'a str>,
    /// In words.
    pub note: Option<&'a str>,
    /// The entry that records it.
    pub index: u64,
}

/// Writes a receipt as it stands after a step.
pub(super) fn step(
    batch: &mut Batch<'_>,
    row: &mut ReceiptRow,
    taking: &Taking<'_>,
) -> Result<(), Stop> {
    row.version += 1;
    if !storage::receipts::update(batch.db, row)? {
        let words = "another step of the receipt came in between".to_owned();
        return Err(Stop::Broken(storage::Error::Conflict(words)));
    }
    written(batch, row, taking)
}

fn written(batch: &mut Batch<'_>, row: &ReceiptRow, taking: &Taking<'_>) -> Result<(), Stop> {
    let (log_id, log_index) = batch.place(taking.index)?;
    let step = StepRow {
        receipt_id: row.id.clone(),
        version: row.version,
        step: taking.step.to_owned(),
        state: taking.state.to_owned(),
        result: row.result.clone(),
        document: taking.document.map(str::to_owned),
        note: taking.note.map(str::to_owned),
        actor: taking.actor.to_owned(),
        at_us: batch.now.as_microsecond(),
        log_id,
        log_index,
    };
    batch.insert_step(step)
}

/// To which other State goods are released for export.
fn importing(act: &Act<'_>) -> Option<Country> {
    let declaration = act.declaration;
    let to = declaration.country_of_import.filter(|to| to.as_str() != act.row.state);
    to.filter(|_| declaration.movement == Movement::Export && act.row.status == "released")
}

/// Names the receipt of a release, with the deadline that it has.
pub(super) fn claim(db: &mut Db, release: &[u8], claims: &mut Claims) -> Result<(), Stop> {
    if let Some(row) = of(db, release)? {
        claims.name("receipt", &row.id);
        claims.name("deadline", uuid(&row.id)?.to_string().as_bytes());
    }
    Ok(())
}

/// Opens the receipt of a release, and keeps it to what its amendment or reversal makes of that.
pub(super) fn follow(batch: &mut Batch<'_>, act: &Act<'_>, index: u64) -> Result<(), Stop> {
    let to = importing(act);
    let known = match act.kind {
        "release" => None,
        _ => of(batch.db, &act.row.id)?,
    };
    let actor = act.caller.key();
    let state = act.row.state.clone();
    let note = act.reason;
    let taking = |step| Taking { step, state: &state, actor: &actor, document: None, note, index };
    match (known, to) {
        (None, None) => Ok(()),
        (None, Some(to)) => {
            let row = opened(batch, act, to);
            batch.insert_receipt(row.clone())?;
            written(batch, &row, &taking("released"))
        }
        (Some(mut row), Some(to)) => {
            row.importing_state = to.to_string();
            row.ucr = act.declaration.consignment().map(ToString::to_string);
            let lot = Lot { left: &act.declaration.items, tally: tally(&row)? };
            compare(&lot).0.as_str().clone_into(&mut row.result);
            if row.status == "withdrawn" {
                "outstanding".clone_into(&mut row.status);
            }
            step(batch, &mut row, &taking("amended"))
        }
        (Some(mut row), None) => {
            "withdrawn".clone_into(&mut row.status);
            batch.settle_deadline(Due::Receipt, &uuid(&row.id)?.to_string())?;
            step(batch, &mut row, &taking("withdrawn"))
        }
    }
}

fn opened(batch: &Batch<'_>, act: &Act<'_>, to: Country) -> ReceiptRow {
    ReceiptRow {
        id: batch.ids.uuid(batch.now).as_bytes().to_vec(),
        release_id: act.row.id.clone(),
        exporting_state: act.row.state.clone(),
        importing_state: to.to_string(),
        border_post: act.row.border_post.clone(),
        ucr: act.declaration.consignment().map(ToString::to_string),
        reference: act.row.reference.clone(),
        status: "outstanding".to_owned(),
        result: "nothing".to_owned(),
        version: 1,
        tally: "{\"items\":{},\"strange\":[],\"closed\":false}".to_owned(),
        left_us: None,
        due_us: None,
        escalation: 0,
        released_us: act.row.at_us,
    }
}

/// What has arrived of a receipt's goods, as it is kept.
pub(super) fn tally(row: &ReceiptRow) -> Result<Tally, Error> {
    serde_json::from_str(&row.tally)
        .map_err(|error| Error::Internal(format!("a receipt's tally: {error}")))
}

/// The receipt of a release, where it has one.
pub(super) fn of(db: &mut Db, release: &[u8]) -> Result<Option<ReceiptRow>, Error> {
    Ok(storage::receipts::of_releases(db, &[release.to_vec()])?.pop())
}

/// Whether the importing State has said, by its posts or by its papers, that goods have come; or the
/// exporting State has taken a proof of it.
pub(super) fn is_answered(row: &ReceiptRow) -> bool {
    let is_said = matches!(row.status.as_str(), "answered" | "confirmed");
    (is_said && row.result != "nothing") || has_arrived(row)
}

/// Whether anything of the goods was recorded as arrived, or that nothing more will.
pub(super) fn has_arrived(row: &ReceiptRow) -> bool {
    tally(row)
        .is_ok_and(|tally| tally.closed || !tally.items.is_empty() || !tally.strange.is_empty())
}

/// Goods have left: from here runs the period for the proof of their receipt, where the law of the
/// exporting State has one.
pub(super) fn left(
    batch: &mut Batch<'_>,
    release: &Released,
    at: Timestamp,
    actor: &str,
    index: u64,
) -> Result<(), Stop> {
    batch.settle_deadline(Due::Exit, &uuid(&release.row.id)?.to_string())?;
    let Some(mut row) = of(batch.db, &release.row.id)? else { return Ok(()) };
    row.left_us = Some(at.as_microsecond());
    let period = period(batch, release, at)?;
    row.due_us = period.map(|(due, _)| due.as_microsecond());
    let state = row.exporting_state.clone();
    let (document, note) = (None, None);
    step(batch, &mut row, &Taking { step: "left", state: &state, actor, document, note, index })?;
    let Some((due, profile)) = period.filter(|_| row.status != "confirmed") else { return Ok(()) };
    let deadline = Deadline {
        kind: Due::Receipt,
        subject: uuid(&row.id)?.to_string(),
        due,
        state: country(&row.exporting_state)?,
        post: Some(release.declaration.border_post),
        profile,
        about: about(&row)?,
        from: at,
    };
    batch.set_deadline(&deadline)
}

/// The end of the period, and the profile of law that gives it: the one of the day of acceptance.
fn period(
    batch: &Batch<'_>,
    of: &Released,
    exit: Timestamp,
) -> Result<Option<(Timestamp, &'static str)>, Error> {
    let lists = std::sync::Arc::clone(&batch.lists);
    let facts = Facts::default();
    let case = Case::new(&of.declaration, &facts, &lists, timestamp(of.row.at_us)?);
    let Some(days) = case.profile.receipt_days else { return Ok(None) };
    let zone = case.post.map_or(jiff::tz::TimeZone::UTC, |post| post.zone.clone());
    let from = zone.to_datetime(exit).date();
    let last = lists.holidays.days_after(country(&of.row.state)?, from, days);
    Ok(Some((at_end_of(last, &zone)?, case.profile.id)))
}

/// What an alert or a deadline of a receipt is about.
pub(super) fn about(row: &ReceiptRow) -> Result<About, Error> {
    Ok(About {
        receipt: Some(uuid(&row.id)?),
        release: Some(uuid(&row.release_id)?),
        ucr: row.ucr.clone(),
        declaration: Some(row.reference.clone()),
        ..About::default()
    })
}

/// A receipt on the wire.
pub(super) fn reply(row: &ReceiptRow, now: Timestamp) -> Result<ReceiptReply, Error> {
    let closed = matches!(row.status.as_str(), "confirmed" | "withdrawn");
    let at = |at_us: i64| timestamp(at_us).map(instant);
    Ok(ReceiptReply {
        id: uuid(&row.id)?.to_string(),
        release: uuid(&row.release_id)?.to_string(),
        declaration: row.reference.clone(),
        ucr: row.ucr.clone(),
        exporting_state: row.exporting_state.clone(),
        importing_state: row.importing_state.clone(),
        border_post: row.border_post.clone(),
        status: row.status.clone(),
        result: row.result.clone(),
        version: row.version,
        released_at: at(row.released_us)?,
        left_at: row.left_us.map(at).transpose()?,
        due_at: row.due_us.map(at).transpose()?,
        overdue: !closed && row.due_us.is_some_and(|due| due < now.as_microsecond()),
        reconciled: None,
        steps: None,
        audit: None,
    })
}

/// A receipt with what has arrived and what happened to it.
pub(super) fn detailed(
    db: &mut Db,
    row: &ReceiptRow,
    now: Timestamp,
) -> Result<ReceiptReply, Error> {
    let release = storage::releases::read(db, uuid(&row.release_id)?)?;
    let release = release.ok_or_else(|| Error::Internal("a receipt's release".to_owned()))?;
    let declaration: Declaration = released(&release)?;
    let lot = Lot { left: &declaration.items, tally: tally(row)? };
    let logs: HashMap<i64, String> =
        storage::log::all(db)?.into_iter().map(|log| (log.id, log.origin)).collect();
    let steps = storage::receipts::steps(db, std::slice::from_ref(&row.id))?;
    Ok(ReceiptReply {
        reconciled: Some(reconciled(row, &lot)?),
        steps: Some(
            steps.into_iter().map(|step| step_reply(step, &logs)).collect::<Result<_, _>>()?,
        ),
        ..reply(row, now)?
    })
}

fn step_reply(row: StepRow, logs: &HashMap<i64, String>) -> Result<ReceiptStepReply, Error> {
    Ok(ReceiptStepReply {
        step: row.step,
        at: instant(timestamp(row.at_us)?),
        state: row.state,
        result: row.result,
        document: row.document,
        note: row.note,
        audit: AuditReference {
            log: logs.get(&row.log_id).cloned().unwrap_or_default(),
            index: u64::try_from(row.log_index).unwrap_or_default(),
        },
    })
}
