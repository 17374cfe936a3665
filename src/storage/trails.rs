//! The trail of single firearms beside what releases have moved: the licences that list them, the
//! arrivals at which they were read, and reports; and which releases let goods return.
use super::Db;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::journey_schema::goods_return;
use super::journey_schema::licence_serial;
use super::journey_schema::serial_event;
use super::schema::serial_use;
use super::serials::SerialUse;
use diesel::prelude::*;

/// A firearm that a licence lists.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = licence_serial, treat_none_as_default_value = false)]
pub struct LicensedRow {
    /// The serial, in the form in which it is compared.
    pub serial: String,
    /// Maker, folded; empty where it is not stated.
    pub make: String,
    /// Model, the same.
    pub model: String,
    /// Country of manufacture, the same.
    pub country: String,
    /// The licence's row.
    pub licence_id: i64,
    /// The line.
    pub line: i64,
}

/// Something recorded of a firearm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Insertable, Queryable, Selectable)]
#[diesel(table_name = serial_event, treat_none_as_default_value = false)]
pub struct SerialEventRow {
    /// The serial, in the form in which it is compared.
    pub serial: String,
    /// Maker, folded; empty where it is not stated.
    pub make: String,
    /// Model, the same.
    pub model: String,
    /// Country of manufacture, the same.
    pub country: String,
    /// `arrived`, `lost`, `stolen`, `seized`, `found`, `stopped`.
    pub kind: String,
    /// State of who recorded it.
    pub state: String,
    /// The post, where it was at one.
    pub border_post: Option<String>,
    /// The arrival or the report.
    pub subject: Vec<u8>,
    /// The States that it concerns, a JSON list.
    pub states: String,
    /// The consignment's reference, or the case's.
    pub reference: Option<String>,
    /// When it took place.
    pub happened_us: i64,
    /// When it was recorded.
    pub at_us: i64,
}

/// What reports there are.
pub const REPORTS: [&str; 4] = ["lost", "stolen", "seized", "found"];
/// That the firearm is of goods in a case of customs, whose alert is the subject.
pub const STOPPED: &str = "stopped";
/// What counts at a border.
const STANDING: [&str; 5] = ["lost", "stolen", "seized", "found", STOPPED];

/// Puts the firearms that a licence lists in the place of those that it listed before.
pub fn license(db: &mut Db, licence_id: i64, rows: &[LicensedRow]) -> Result<()> {
    diesel::delete(licence_serial::table.filter(licence_serial::licence_id.eq(licence_id)))
        .execute(db)?;
    in_runs!(db, rows, (c, rows) => diesel::insert_into(licence_serial::table).values(rows).execute(c));
    Ok(())
}

/// The licences that list a serial.
pub fn licensed(db: &mut Db, serial: &str, limit: i64) -> Result<Vec<LicensedRow>> {
    Ok(licence_serial::table
        .filter(licence_serial::serial.eq(serial))
        .order(licence_serial::row)
        .limit(limit)
        .select(LicensedRow::as_select())
        .load(db)?)
}

/// What has moved under a serial over any State's border.
pub fn moved(db: &mut Db, serial: &str, limit: i64) -> Result<Vec<SerialUse>> {
    Ok(serial_use::table
        .filter(serial_use::serial.eq(serial))
        .order(serial_use::id)
        .limit(limit)
        .select(SerialUse::as_select())
        .load(db)?)
}

/// Writes what was recorded of firearms.
pub fn insert(db: &mut Db, rows: &[SerialEventRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(serial_event::table).values(rows).execute(c));
    Ok(())
}

/// What was recorded under a serial, but for cases of customs, which are their own business.
pub fn events(db: &mut Db, serial: &str, limit: i64) -> Result<Vec<SerialEventRow>> {
    Ok(serial_event::table
        .filter(serial_event::serial.eq(serial).and(serial_event::kind.ne(STOPPED)))
        .order(serial_event::row)
        .limit(limit)
        .select(SerialEventRow::as_select())
        .load(db)?)
}

/// What was reported of firearms with serials that look like these, which are in the form that all of one look share, and
/// the cases in which they stopped, in order.
pub fn reports(db: &mut Db, looks: &[String]) -> Result<Vec<SerialEventRow>> {
    in_chunks(looks, |looks| {
        serial_event::table
            .filter(serial_event::folded.eq_any(looks))
            .filter(serial_event::kind.eq_any(STANDING))
            .order(serial_event::row)
            .select(SerialEventRow::as_select())
            .load(db)
    })
}

/// What was recorded of firearms with some cases, arrivals or reports.
pub fn of_subjects(db: &mut Db, subjects: &[Vec<u8>]) -> Result<Vec<SerialEventRow>> {
    in_chunks(subjects, |subjects| {
        serial_event::table
            .filter(serial_event::subject.eq_any(subjects))
            .order(serial_event::row)
            .select(SerialEventRow::as_select())
            .load(db)
    })
}

/// Everything recorded of firearms, in pages: the row and what it says.
pub fn page(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, SerialEventRow)>> {
    Ok(serial_event::table
        .filter(serial_event::row.gt(after))
        .order(serial_event::row)
        .limit(limit)
        .select((serial_event::row, SerialEventRow::as_select()))
        .load(db)?)
}

/// Every firearm ever reported, in pages: the row and the serial.
pub fn reported(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    Ok(serial_event::table
        .filter(serial_event::row.gt(after).and(serial_event::kind.eq_any(STANDING)))
        .order(serial_event::row)
        .limit(limit)
        .select((serial_event::row, serial_event::serial))
        .load(db)?)
}

/// Takes note that a release lets goods return, or no longer does.
pub fn put_return(db: &mut Db, release_id: &[u8], outward: Option<(&str, &str)>) -> Result<()> {
    diesel::delete(goods_return::table.filter(goods_return::release_id.eq(release_id)))
        .execute(db)?;
    if let Some((reference, state)) = outward {
        diesel::insert_into(goods_return::table)
            .values((
                goods_return::release_id.eq(release_id),
                goods_return::outward.eq(reference),
                goods_return::state.eq(state),
            ))
            .execute(db)?;
    }
    Ok(())
}

/// The first movement to which a release lets goods return.
pub fn return_of(db: &mut Db, release_id: &[u8]) -> Result<Option<String>> {
    Ok(goods_return::table
        .filter(goods_return::release_id.eq(release_id))
        .select(goods_return::outward)
        .first(db)
        .optional()?)
}

/// The releases by which goods of a first movement have returned over the border of some States.
pub fn returns(db: &mut Db, reference: &str, states: &[&str]) -> Result<Vec<Vec<u8>>> {
    Ok(goods_return::table
        .filter(goods_return::outward.eq(reference).and(goods_return::state.eq_any(states)))
        .select(goods_return::release_id)
        .load(db)?)
}
