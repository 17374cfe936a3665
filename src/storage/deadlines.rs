//! What is due when.
use super::Db;
use super::Result;
use super::in_runs;
use super::schema::deadline;
use crate::domain::Timestamp;
use diesel::prelude::*;

/// A deadline as it stands.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = deadline, treat_none_as_default_value = false)]
pub struct DeadlineRow {
    /// What is due.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// When.
    pub due_us: i64,
    /// `pending`, `escalated` or `settled`.
    pub status: String,
    /// Of its escalation, from 0.
    pub step: i64,
    /// Whose law and calendar count.
    pub state: String,
    /// The post.
    pub border_post: Option<String>,
    /// The profile of law under which it was set.
    pub profile: String,
    /// What it is about, JSON.
    pub about: String,
    /// The event from which it counts.
    pub from_us: i64,
    /// When it was last changed.
    pub changed_us: i64,
}

/// Writes new deadlines of subjects that have none.
pub fn insert(db: &mut Db, rows: &[DeadlineRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(deadline::table).values(rows).execute(c));
    Ok(())
}

/// Sets a deadline, in the place of an earlier one of the same kind and subject.
pub fn put(db: &mut Db, row: &DeadlineRow) -> Result<()> {
    let own = deadline::kind.eq(&row.kind).and(deadline::subject.eq(&row.subject));
    diesel::delete(deadline::table.filter(own)).execute(db)?;
    diesel::insert_into(deadline::table).values(row).execute(db)?;
    Ok(())
}

/// Reads one that is to be changed, and keeps others from changing it until the transaction ends.
pub fn claim(db: &mut Db, kind: &str, subject: &str) -> Result<Option<DeadlineRow>> {
    if let Db::Postgres(c) = db {
        deadline::table.find((kind, subject)).select(deadline::kind).for_update().execute(c)?;
    }
    let row = deadline::table.find((kind, subject));
    Ok(row.select(DeadlineRow::as_select()).first(db).optional()?)
}

/// Those of a subject that have not come yet.
pub fn pending_of(db: &mut Db, subjects: &[&str]) -> Result<Vec<DeadlineRow>> {
    Ok(deadline::table
        .filter(deadline::subject.eq_any(subjects))
        .filter(deadline::status.eq("pending"))
        .order(deadline::due_us)
        .select(DeadlineRow::as_select())
        .load(db)?)
}

/// Those that are due, the longest overdue first.
pub fn due(db: &mut Db, now: Timestamp, limit: i64) -> Result<Vec<DeadlineRow>> {
    Ok(deadline::table
        .filter(deadline::status.eq("pending").and(deadline::due_us.le(now.as_microsecond())))
        .order((deadline::due_us, deadline::kind, deadline::subject))
        .limit(limit)
        .select(DeadlineRow::as_select())
        .load(db)?)
}

/// Ends a pending deadline; says whether there was one.
pub fn settle(db: &mut Db, kind: &str, subject: &str, now: Timestamp) -> Result<bool> {
    let settled = diesel::update(deadline::table.find((kind, subject)))
        .filter(deadline::status.eq("pending"))
        .set((deadline::status.eq("settled"), deadline::changed_us.eq(now.as_microsecond())))
        .execute(db)?;
    Ok(settled > 0)
}

/// Takes up again a deadline that had been settled; one that has been escalated stays so.
pub fn reopen(db: &mut Db, kind: &str, subject: &str, now: Timestamp) -> Result<()> {
    diesel::update(deadline::table.find((kind, subject)))
        .filter(deadline::status.eq("settled"))
        .set((deadline::status.eq("pending"), deadline::changed_us.eq(now.as_microsecond())))
        .execute(db)?;
    Ok(())
}

/// Pending ones, and those of them that are due.
pub fn counts(db: &mut Db, now: Timestamp) -> Result<(i64, i64)> {
    let pending = deadline::table.filter(deadline::status.eq("pending"));
    let all = pending.count().get_result(db)?;
    let due = deadline::due_us.le(now.as_microsecond());
    Ok((all, pending.filter(due).count().get_result(db)?))
}
