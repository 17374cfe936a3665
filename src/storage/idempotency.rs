//! First replies by caller and key. Keys are whatever clients make up, mostly random: rows stand in the
//! order of their making, and what is sorted by the key is kept small, for each reply falls elsewhere in it.
use super::Db;
use super::Result;
use super::in_runs;
use super::schema::idempotency;
use diesel::prelude::*;

/// A first reply.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = idempotency, treat_none_as_default_value = false)]
pub struct FirstReply {
    /// The first bytes of the digest, as a number.
    pub place: i64,
    /// Digest of who asked and under which key.
    pub digest: Vec<u8>,
    /// Digest of the request.
    pub request_sha256: Vec<u8>,
    /// `done`, `created` or `refused`; or why nothing was done.
    pub outcome: String,
    /// The reply.
    pub reply: String,
    /// When.
    pub at_us: i64,
}

/// Where the reply to a digest stands among those sorted by it.
pub fn place(digest: &[u8; 32]) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// Reads the first replies under digests of callers and keys.
pub fn read(db: &mut Db, asked: &[[u8; 32]]) -> Result<Vec<FirstReply>> {
    let mut found = Vec::new();
    match db {
        // Each by a statement that is kept: one over a list is parsed anew for every length of it.
        Db::Sqlite(c) => {
            for digest in asked {
                let row = idempotency::table
                    .filter(idempotency::place.eq(place(digest)))
                    .filter(idempotency::digest.eq(digest.as_slice()))
                    .select(FirstReply::as_select());
                found.extend(row.get_result::<FirstReply>(c).optional()?);
            }
        }
        Db::Postgres(_) if asked.is_empty() => {}
        Db::Postgres(c) => {
            let digests: Vec<&[u8]> = asked.iter().map(<[u8; 32]>::as_slice).collect();
            let rows = idempotency::table.filter(idempotency::digest.eq_any(digests));
            found.extend(rows.select(FirstReply::as_select()).load::<FirstReply>(c)?);
        }
    }
    Ok(found)
}

/// Keeps first replies.
pub fn insert(db: &mut Db, rows: &[FirstReply]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(idempotency::table).values(rows).execute(c));
    Ok(())
}
