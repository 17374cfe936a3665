//! When what an entry is about was last touched: retention counts from a record's latest event.
use super::Db;
use super::ROWS;
use super::Result;
use super::journey_schema::consignment_event;
use super::journey_schema::receipt;
use super::journey_schema::receipt_step;
use super::schema::alert;
use super::schema::alert_event;
use super::schema::ledger;
use super::schema::licence;
use super::schema::licence_version;
use super::schema::preclearance;
use super::schema::release;
use super::schema::release_version;
use diesel::dsl::max;
use diesel::prelude::*;

/// Releases under one reference that are looked at.
const RELEASES_MAX: i64 = 1_000;

/// The latest change of a licence, or movement of its balances.
pub fn of_licence(db: &mut Db, number: &str) -> Result<Option<i64>> {
    let Some(id) = licence::table
        .filter(licence::number.eq(number))
        .select(licence::id)
        .first::<i64>(db)
        .optional()?
    else {
        return Ok(None);
    };
    let changed: Option<i64> = licence_version::table
        .filter(licence_version::licence_id.eq(id))
        .select(max(licence_version::at_us))
        .first(db)?;
    let moved: Option<i64> =
        ledger::table.filter(ledger::licence_id.eq(id)).select(max(ledger::at_us)).first(db)?;
    Ok(changed.max(moved))
}

/// The latest event of a consignment, or of an alert about it.
pub fn of_consignment(db: &mut Db, ucr: &str) -> Result<Option<i64>> {
    let happened: Option<i64> = consignment_event::table
        .filter(consignment_event::ucr.eq(ucr))
        .select(max(consignment_event::at_us))
        .first(db)?;
    let worked: Option<i64> = alert_event::table
        .inner_join(alert::table)
        .filter(alert::ucr.eq(ucr))
        .select(max(alert_event::at_us))
        .first(db)?;
    Ok(happened.max(worked))
}

/// The latest work on an alert.
pub fn of_alert(db: &mut Db, id: &[u8]) -> Result<Option<i64>> {
    Ok(alert_event::table
        .filter(alert_event::alert_id.eq(id))
        .select(max(alert_event::at_us))
        .first(db)?)
}

/// The latest work on the alert that an entry raised by itself, or took further.
pub fn of_raised(db: &mut Db, (log_id, log_index): (i64, i64)) -> Result<Option<i64>> {
    let of: Option<Vec<u8>> = alert_event::table
        .find((log_id, log_index))
        .select(alert_event::alert_id)
        .first(db)
        .optional()?;
    of.map_or(Ok(None), |id| of_alert(db, &id))
}

/// The latest change of a pre-clearance.
pub fn of_preclearance(db: &mut Db, id: &[u8]) -> Result<Option<i64>> {
    Ok(preclearance::table
        .filter(preclearance::id.eq(id))
        .select(max(preclearance::changed_us))
        .first(db)?)
}

/// The latest change of releases, or step of their receipts.
pub fn of_releases(db: &mut Db, ids: &[Vec<u8>]) -> Result<Option<i64>> {
    let mut latest = None;
    for ids in ids.chunks(ROWS) {
        let changed: Option<i64> = release_version::table
            .filter(release_version::release_id.eq_any(ids))
            .select(max(release_version::at_us))
            .first(db)?;
        let receipts: Vec<Vec<u8>> =
            receipt::table.filter(receipt::release_id.eq_any(ids)).select(receipt::id).load(db)?;
        let stepped: Option<i64> = receipt_step::table
            .filter(receipt_step::receipt_id.eq_any(receipts))
            .select(max(receipt_step::at_us))
            .first(db)?;
        latest = latest.max(changed).max(stepped);
    }
    Ok(latest)
}

/// The releases under a declaration's reference.
pub fn releases_under(db: &mut Db, reference: &str) -> Result<Vec<Vec<u8>>> {
    Ok(release::table
        .filter(release::reference.eq(reference))
        .limit(RELEASES_MAX)
        .select(release::id)
        .load(db)?)
}

/// The consignment that a release belongs to, where its receipt says.
pub fn consignments_of(db: &mut Db, releases: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut ucrs = Vec::new();
    for ids in releases.chunks(ROWS) {
        let found: Vec<Option<String>> =
            receipt::table.filter(receipt::release_id.eq_any(ids)).select(receipt::ucr).load(db)?;
        ucrs.extend(found.into_iter().flatten());
    }
    Ok(ucrs)
}
