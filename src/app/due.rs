//! Time limits that acts set and settle: an exit after a release for export, a review after a
//! licence's issue.
use super::batch::Batch;
use super::receipts;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Timestamp;
use crate::domain::alert::About;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::rules::timers::Place;
use crate::storage;
use crate::storage::releases::ReleaseRow;
use jiff::ToSpan;
use std::sync::Arc;

/// Days after its exit by which a consignment that announced no day is missed at its destination: the
/// period of Regulation (EU) 2025/41, article 26, taken as a measure where the law has none.
const ARRIVAL_DAYS: i64 = 45;

/// What a time limit on a release is about.
pub(super) fn about(row: &ReleaseRow, declaration: &Declaration) -> Result<About, Stop> {
    Ok(About {
        release: Some(uuid(&row.id)?),
        verification: Some(uuid(&row.verification_id)?),
        ucr: declaration.ucr.as_ref().map(ToString::to_string),
        declaration: Some(row.reference.clone()),
        ..About::default()
    })
}

/// Goods are released for export: their exit is to be recorded (rule 114).
pub(super) fn released(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    declaration: &Declaration,
    state: Country,
) -> Result<(), Stop> {
    let (lists, post, at) =
        (Arc::clone(&batch.lists), declaration.border_post, timestamp(row.at_us)?);
    let place = Place::on_day_of(&lists, state, Some(post), at);
    let Some((due, _)) = place.exit_due(at) else { return Ok(()) };
    if declaration.movement != Movement::Export {
        return Ok(());
    }
    batch.set_first_deadline(&Deadline {
        kind: Kind::Exit,
        subject: uuid(&row.id)?.to_string(),
        due,
        state,
        post: Some(post),
        profile: place.profile.id,
        about: about(row, declaration)?,
        from: at,
    })
}

/// A release is undone: nothing is to leave under it.
pub(super) fn reversed(batch: &mut Batch<'_>, row: &ReleaseRow) -> Result<(), Stop> {
    let subject = uuid(&row.id)?.to_string();
    for kind in [Kind::Exit, Kind::PostShipmentCheck] {
        batch.settle_deadline(kind, &subject)?;
    }
    Ok(())
}

/// Goods have left: the authority checks after the shipment where its State has laid a period down
/// (rule 116).
pub(super) fn left(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    declaration: &Declaration,
    (state, at): (Country, Timestamp),
) -> Result<(), Stop> {
    let subject = uuid(&row.id)?.to_string();
    batch.settle_deadline(Kind::Exit, &subject)?;
    let (lists, post) = (Arc::clone(&batch.lists), declaration.border_post);
    let place = Place::on_day_of(&lists, state, Some(post), at);
    let deadline = |kind, due| {
        Ok::<_, Stop>(Deadline {
            kind,
            subject: subject.clone(),
            due,
            state,
            post: Some(post),
            profile: place.profile.id,
            about: about(row, declaration)?,
            from: at,
        })
    };
    if let Some(due) = place.post_shipment_check_due(at) {
        batch.set_deadline(&deadline(Kind::PostShipmentCheck, due)?)?;
    }
    if receipts::of(batch.db, &row.id)?.is_some_and(|receipt| !receipts::has_arrived(&receipt)) {
        let due = place.arrival_due(expected(declaration, place.day(at)));
        batch.set_deadline(&deadline(Kind::Arrival, due)?)?;
    }
    Ok(())
}

/// A release is amended whose goods have left: they may be expected on another day now.
pub(super) fn amended(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    declaration: &Declaration,
    state: Country,
) -> Result<(), Stop> {
    let subject = uuid(&row.id)?.to_string();
    let waits = storage::deadlines::claim(batch.db, Kind::Arrival.as_str(), &subject)?
        .is_some_and(|known| known.status == "pending");
    let exit = storage::crossings::exit_of(batch.db, &row.id)?.filter(|_| waits);
    let Some(exit) = exit else { return Ok(()) };
    let (lists, post) = (Arc::clone(&batch.lists), declaration.border_post);
    let at = timestamp(exit.happened_us)?;
    let place = Place::on_day_of(&lists, state, Some(post), at);
    batch.set_deadline(&Deadline {
        kind: Kind::Arrival,
        subject,
        due: place.arrival_due(expected(declaration, place.day(at))),
        state,
        post: Some(post),
        profile: place.profile.id,
        about: about(row, declaration)?,
        from: at,
    })
}

/// By which day goods that left on a day are expected where they go.
pub(super) fn expected(declaration: &Declaration, left_on: Date) -> Date {
    declaration.arrives_on.unwrap_or_else(|| left_on.saturating_add(ARRIVAL_DAYS.days()))
}

/// Goods of a release have arrived, all or in part.
pub(super) fn arrived(batch: &mut Batch<'_>, row: &ReleaseRow) -> Result<(), Stop> {
    batch.settle_deadline(Kind::Arrival, &uuid(&row.id)?.to_string())?;
    Ok(())
}

/// A licence is issued: it is to be reviewed for as long as it is in force (rule 116).
pub(super) fn issued(batch: &mut Batch<'_>, licence: &Licence) -> Result<(), Stop> {
    let lists = Arc::clone(&batch.lists);
    let state = licence.issuing_state;
    let midnight = licence.issued_on.to_datetime(jiff::civil::Time::midnight());
    let from = jiff::tz::TimeZone::UTC.to_timestamp(midnight).unwrap_or(batch.now);
    let place = Place::on_day_of(&lists, state, None, from);
    let Some(due) = place.review_due(licence.issued_on) else { return Ok(()) };
    batch.set_first_deadline(&Deadline {
        kind: Kind::Review,
        subject: licence.number.to_string(),
        due,
        state,
        post: None,
        profile: place.profile.id,
        about: About { licence: Some(licence.number.to_string()), ..About::default() },
        from,
    })
}
