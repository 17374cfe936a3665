//! Recorded verdicts.
use super::Db;
use super::Result;
use super::schema::verification;
use diesel::prelude::*;
use uuid::Uuid;

/// A verdict as it is kept.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = verification, treat_none_as_default_value = false)]
pub struct VerificationRow {
    /// UUID.
    pub id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `clear`, `refer` or `hold`.
    pub outcome: String,
    /// Who asked.
    pub caller: String,
    /// The declaration as received.
    pub declaration: String,
    /// What was looked up.
    pub facts: String,
    /// What was answered, but for the audit reference.
    pub reply: String,
    /// When.
    pub at_us: i64,
    /// The log.
    pub log_id: i64,
    /// The entry's index in it.
    pub log_index: i64,
}

/// Writes verdicts.
pub fn insert(db: &mut Db, rows: &[VerificationRow]) -> Result<()> {
    for rows in rows.chunks(500) {
        diesel::insert_into(verification::table).values(rows).execute(db)?;
    }
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: Uuid) -> Result<Option<VerificationRow>> {
    Ok(verification::table
        .find(id.as_bytes().to_vec())
        .select(VerificationRow::as_select())
        .first(db)
        .optional()?)
}

/// Reads the one that a log's entry records.
pub fn by_entry(db: &mut Db, log_id: i64, index: i64) -> Result<Option<VerificationRow>> {
    Ok(verification::table
        .filter(verification::log_id.eq(log_id).and(verification::log_index.eq(index)))
        .select(VerificationRow::as_select())
        .first(db)
        .optional()?)
}
