//! Alerts with their history as they stand, in the pages in which they are compared with the entries that
//! record them.
use super::Db;
use super::Result;
use super::alerts::AlertRow;
use super::alerts::EventRow;
use super::in_chunks;
use super::schema::alert;
use super::schema::alert_event;
use diesel::prelude::*;

/// Steps in the lives of alerts that name entries of a log, from one up to another: the entry's index, and the
/// alert where it is there.
pub fn steps(
    db: &mut Db,
    log_id: i64,
    from: i64,
    upto: i64,
) -> Result<Vec<(i64, Option<Vec<u8>>)>> {
    Ok(alert_event::table
        .left_join(alert::table)
        .filter(alert_event::log_id.eq(log_id))
        .filter(alert_event::log_index.ge(from).and(alert_event::log_index.lt(upto)))
        .select((alert_event::log_index, alert::id.nullable()))
        .load(db)?)
}

/// Alerts after one, in order.
pub fn page(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<AlertRow>> {
    Ok(alert::table
        .filter(alert::id.gt(after))
        .order(alert::id)
        .limit(limit)
        .select(AlertRow::as_select())
        .load(db)?)
}

/// A step's place among those of one alert: when, in which log, at which index.
pub type Place = (i64, i64, i64);

/// What happened to an alert after a step of it, in order.
pub fn history(db: &mut Db, alert: &[u8], after: Place, limit: i64) -> Result<Vec<EventRow>> {
    let (at, log, index) = after;
    let later_there = alert_event::log_id
        .gt(log)
        .or(alert_event::log_id.eq(log).and(alert_event::log_index.gt(index)));
    Ok(alert_event::table
        .filter(alert_event::alert_id.eq(alert).and(alert_event::at_us.ge(at)))
        .filter(alert_event::at_us.gt(at).or(alert_event::at_us.eq(at).and(later_there)))
        .order((alert_event::at_us, alert_event::log_id, alert_event::log_index))
        .limit(limit)
        .select(EventRow::as_select())
        .load(db)?)
}

/// Which of these alerts there are.
pub fn known(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    in_chunks(ids, |ids| alert::table.filter(alert::id.eq_any(ids)).select(alert::id).load(db))
}
