//! What has gone into archive files: which entries of which log, and the files' digests.
use super::Db;
use super::Error;
use super::Result;
use super::log::numbers;
use super::schema::archive;
use super::schema::log_entry;
use super::schema::verification;
use diesel::prelude::*;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = archive, treat_none_as_default_value = false)]
pub struct ArchiveRow {
    /// The log.
    pub log_id: i64,
    /// The first entry in it.
    pub first_index: i64,
    /// The first entry that is not.
    pub upto_index: i64,
    /// The file's digest.
    pub sha256: Vec<u8>,
    /// Its name.
    pub file: String,
    /// When it was made.
    pub at_us: i64,
}

/// The first entry of a log whose body is still in the database.
pub fn upto(db: &mut Db, log_id: i64) -> Result<u64> {
    let last: Option<i64> = archive::table
        .filter(archive::log_id.eq(log_id))
        .select(diesel::dsl::max(archive::upto_index))
        .first(db)?;
    u64::try_from(last.unwrap_or_default())
        .map_err(|_e| Error::Corrupt("an archive's end is negative".to_owned()))
}

/// The files of a log, in order.
pub fn all(db: &mut Db, log_id: i64) -> Result<Vec<ArchiveRow>> {
    Ok(archive::table
        .filter(archive::log_id.eq(log_id))
        .order(archive::first_index)
        .select(ArchiveRow::as_select())
        .load(db)?)
}

/// Notes a file, and removes the entries in it with the records beside them.
pub fn put_away(db: &mut Db, row: &ArchiveRow) -> Result<()> {
    diesel::insert_into(archive::table).values(row).execute(db)?;
    let entries = numbers(row.log_id, row.first_index, row.upto_index)?;
    diesel::delete(
        verification::table
            .filter(verification::entry.ge(entries.start).and(verification::entry.lt(entries.end))),
    )
    .execute(db)?;
    diesel::delete(
        log_entry::table
            .filter(log_entry::entry.ge(entries.start).and(log_entry::entry.lt(entries.end))),
    )
    .execute(db)?;
    Ok(())
}
