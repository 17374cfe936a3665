//! Which entries of which logs record versions of licences.
use super::Db;
use super::Result;
use super::in_runs;
use super::schema::licence;
use super::schema::licence_entry;
use diesel::prelude::*;

/// Which entry records a version of a licence.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = licence_entry, treat_none_as_default_value = false)]
pub struct LicenceEntryRow {
    /// The licence's row.
    pub licence_id: i64,
    /// The version.
    pub version: i64,
    /// The log.
    pub log_id: i64,
    /// The entry's index in it.
    pub log_index: i64,
}

/// Writes which entries record versions of licences.
pub fn insert(db: &mut Db, rows: &[LicenceEntryRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(licence_entry::table).values(rows).execute(c));
    Ok(())
}

/// The entry that records a version of a licence: its log and index.
pub fn of(db: &mut Db, number: &str, version: u32) -> Result<Option<(i64, i64)>> {
    Ok(licence_entry::table
        .inner_join(licence::table)
        .filter(licence::number.eq(number))
        .filter(licence_entry::version.eq(i64::from(version)))
        .select((licence_entry::log_id, licence_entry::log_index))
        .first(db)
        .optional()?)
}
