//! First replies by caller and key.
use super::Db;
use super::Result;
use super::in_runs;
use super::schema::idempotency;
use diesel::prelude::*;
use std::collections::BTreeSet;

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

/// Reads the first replies under keys of callers.
pub fn read(db: &mut Db, asked: &[(&str, &str)]) -> Result<Vec<FirstReply>> {
    if let Db::Sqlite(c) = db {
        // Each by a statement that is kept: one over a list is parsed anew for every length of it.
        let mut found = Vec::new();
        for key in asked {
            let row = idempotency::table.find(*key).select(FirstReply::as_select());
            found.extend(row.get_result::<FirstReply>(c).optional()?);
        }
        return Ok(found);
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (callers, keys): (BTreeSet<&str>, BTreeSet<&str>) = asked.iter().copied().unzip();
    let found: Vec<FirstReply> = idempotency::table
        .filter(idempotency::caller.eq_any(callers))
        .filter(idempotency::key.eq_any(keys))
        .select(FirstReply::as_select())
        .load(db)?;
    let was_asked = |row: &FirstReply| asked.contains(&(row.caller.as_str(), row.key.as_str()));
    Ok(found.into_iter().filter(was_asked).collect())
}

/// Keeps first replies.
pub fn insert(db: &mut Db, rows: &[FirstReply]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(idempotency::table).values(rows).execute(c));
    Ok(())
}
