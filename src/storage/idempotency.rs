//! First replies by caller and key.
use super::Db;
use super::Result;
use super::schema::idempotency;
use diesel::prelude::*;

/// A first reply.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = idempotency, treat_none_as_default_value = false)]
pub struct FirstReply {
    /// Who asked.
    pub caller: String,
    /// Under which key.
    pub key: String,
    /// Digest of the request.
    pub request_sha256: Vec<u8>,
    /// `done`, `created` or `refused`.
    pub outcome: String,
    /// The reply.
    pub reply: String,
    /// When.
    pub at_us: i64,
}

/// Reads the first reply under a key.
pub fn read(db: &mut Db, caller: &str, key: &str) -> Result<Option<FirstReply>> {
    Ok(idempotency::table
        .find((caller, key))
        .select(FirstReply::as_select())
        .first(db)
        .optional()?)
}

/// Keeps first replies.
pub fn insert(db: &mut Db, rows: &[FirstReply]) -> Result<()> {
    for rows in rows.chunks(500) {
        diesel::insert_into(idempotency::table).values(rows).execute(db)?;
    }
    Ok(())
}
