//! Posts that may be cut off: their logs as this database knows them, and at such a post the snapshot
//! that it rests on.
use super::Db;
use super::Result;
use super::in_runs;
use super::post_schema::cut_off;
use super::post_schema::cut_off_reference;
use super::post_schema::post_log;
use crate::domain::Timestamp;
use diesel::prelude::*;

/// A post's log.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = post_log, treat_none_as_default_value = false)]
pub struct PostLogRow {
    /// Its origin.
    pub log: String,
    /// What its checkpoints are verified with.
    pub verifier_key: String,
    /// The post.
    pub border_post: String,
    /// The post's State.
    pub state: String,
    /// The log here, once anything of it has joined.
    pub log_id: Option<i64>,
    /// How many of its entries have joined.
    pub joined: i64,
    /// The last snapshot that it was given.
    pub snapshot: Vec<u8>,
    /// The end of that.
    pub expires_us: i64,
    /// When it last changed.
    pub changed_us: i64,
}

/// A reference that was released before a post was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = cut_off_reference)]
pub struct ReferenceRow {
    /// Its numbering.
    pub kind: String,
    /// Its value.
    pub reference: String,
    /// The release, JSON.
    pub body: String,
}

/// Reads a post's log.
pub fn log(db: &mut Db, origin: &str) -> Result<Option<PostLogRow>> {
    Ok(post_log::table.find(origin).select(PostLogRow::as_select()).first(db).optional()?)
}

/// Whether a log here is one of a post that was cut off, and has joined.
pub fn joined(db: &mut Db, log_id: i64) -> Result<bool> {
    let of = post_log::table.filter(post_log::log_id.eq(log_id));
    Ok(of.select(post_log::log).first::<String>(db).optional()?.is_some())
}

/// The logs of a post.
pub fn logs(db: &mut Db, post: &str) -> Result<Vec<PostLogRow>> {
    Ok(post_log::table
        .filter(post_log::border_post.eq(post))
        .order(post_log::log)
        .select(PostLogRow::as_select())
        .load(db)?)
}

/// Writes a post's log.
pub fn put(db: &mut Db, row: &PostLogRow) -> Result<()> {
    diesel::delete(post_log::table.find(&row.log)).execute(db)?;
    diesel::insert_into(post_log::table).values(row).execute(db)?;
    Ok(())
}

/// Opens a place for a post's log beside the logs of the nodes; nobody writes it but what has come from
/// the post.
pub fn open_log(db: &mut Db, row: &PostLogRow, owner: &str, now: Timestamp) -> Result<i64> {
    Ok(super::log::insert(db, (&row.log, &row.verifier_key), owner, None, now)?.id)
}

/// The snapshot that this post rests on, JSON.
pub fn snapshot(db: &mut Db) -> Result<Option<String>> {
    Ok(cut_off::table.find(1).select(cut_off::body).first(db).optional()?)
}

/// Puts another one, with its references, in its place.
pub fn put_snapshot(db: &mut Db, body: &str, references: &[ReferenceRow]) -> Result<()> {
    diesel::delete(cut_off::table).execute(db)?;
    diesel::delete(cut_off_reference::table).execute(db)?;
    diesel::insert_into(cut_off::table)
        .values((cut_off::id.eq(1), cut_off::body.eq(body)))
        .execute(db)?;
    in_runs!(db, references, (c, rows) => diesel::insert_into(cut_off_reference::table).values(rows).execute(c));
    Ok(())
}

/// Writes what has become of it.
pub fn change_snapshot(db: &mut Db, body: &str) -> Result<()> {
    diesel::update(cut_off::table.find(1)).set(cut_off::body.eq(body)).execute(db)?;
    Ok(())
}

/// What was released under a reference before the snapshot was taken, JSON.
pub fn released_before(db: &mut Db, kind: &str, reference: &str) -> Result<Vec<String>> {
    Ok(cut_off_reference::table
        .filter(cut_off_reference::reference.eq(reference))
        .filter(cut_off_reference::kind.eq(kind))
        .order(cut_off_reference::row)
        .select(cut_off_reference::body)
        .load(db)?)
}
