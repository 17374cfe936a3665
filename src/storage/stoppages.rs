//! Goods that officers have stopped although they cleared.
use super::Db;
use super::Result;
use super::in_chunks;
use super::journey_schema::stoppage;
use super::on;
use crate::domain::Timestamp;
use diesel::prelude::*;

/// A stoppage.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = stoppage, treat_none_as_default_value = false)]
pub struct StoppageRow {
    /// The case in which it ends.
    pub alert_id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// What numbers the reference.
    pub reference_kind: String,
    /// The declaration's reference.
    pub reference: String,
    /// The consignment's reference, where it has one.
    pub ucr: Option<String>,
    /// `hold` or `refer`.
    pub severity: String,
    /// Since when.
    pub at_us: i64,
    /// Until when; it stands without.
    pub lifted_us: Option<i64>,
}

/// Writes one.
pub fn insert(db: &mut Db, row: &StoppageRow) -> Result<()> {
    diesel::insert_into(stoppage::table).values(row).execute(db)?;
    Ok(())
}

/// Writes one in the place of an earlier one of the same case.
pub fn put(db: &mut Db, row: &StoppageRow) -> Result<()> {
    diesel::delete(stoppage::table.find(&row.alert_id)).execute(db)?;
    insert(db, row)
}

/// Those that stand under a reference in a State, the first one first.
pub fn standing(
    db: &mut Db,
    state: &str,
    reference: &str,
    kind: Option<&str>,
) -> Result<Vec<StoppageRow>> {
    let rows: Vec<StoppageRow> = on!(db, c => stoppage::table
        .filter(stoppage::reference.eq(reference).and(stoppage::state.eq(state)))
        .filter(stoppage::lifted_us.is_null())
        .order(stoppage::at_us)
        .select(StoppageRow::as_select())
        .load(c))?;
    Ok(rows.into_iter().filter(|row| kind.is_none_or(|kind| row.reference_kind == kind)).collect())
}

/// Those that stand under a consignment's reference in a State, the first one first.
pub fn of_consignment(db: &mut Db, state: &str, ucr: &str) -> Result<Vec<StoppageRow>> {
    Ok(stoppage::table
        .filter(stoppage::ucr.eq(ucr).and(stoppage::state.eq(state)))
        .filter(stoppage::lifted_us.is_null())
        .order(stoppage::at_us)
        .select(StoppageRow::as_select())
        .load(db)?)
}

/// Lifts the one of a case, if there is one.
pub fn lift(db: &mut Db, alert_id: &[u8], now: Timestamp) -> Result<()> {
    diesel::update(stoppage::table.filter(stoppage::alert_id.eq(alert_id)))
        .set(stoppage::lifted_us.eq(now.as_microsecond()))
        .execute(db)?;
    Ok(())
}

/// All that ever stood, a page after a case.
pub fn page(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<StoppageRow>> {
    Ok(stoppage::table
        .filter(stoppage::alert_id.gt(after))
        .order(stoppage::alert_id)
        .limit(limit)
        .select(StoppageRow::as_select())
        .load(db)?)
}

/// Those of some cases.
pub fn of_cases(db: &mut Db, alerts: &[Vec<u8>]) -> Result<Vec<StoppageRow>> {
    in_chunks(alerts, |alerts| {
        stoppage::table
            .filter(stoppage::alert_id.eq_any(alerts))
            .select(StoppageRow::as_select())
            .load(db)
    })
}

/// Those that stand in a State.
pub fn standing_in(db: &mut Db, state: &str, limit: i64) -> Result<Vec<StoppageRow>> {
    Ok(stoppage::table
        .filter(stoppage::state.eq(state).and(stoppage::lifted_us.is_null()))
        .order(stoppage::at_us)
        .limit(limit)
        .select(StoppageRow::as_select())
        .load(db)?)
}

/// Forgets all of them: a post takes another snapshot.
pub fn forget(db: &mut Db) -> Result<()> {
    diesel::delete(stoppage::table).execute(db)?;
    Ok(())
}
