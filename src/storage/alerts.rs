//! Mismatches put before customs.
use super::Db;
use super::ROWS;
use super::Result;
use super::on;
use super::schema::alert;
use crate::domain::Timestamp;
use diesel::prelude::*;

/// A new alert.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = alert, treat_none_as_default_value = false)]
pub struct NewAlert {
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `refer` or `hold`.
    pub outcome: String,
    /// The verification.
    pub verification_id: Vec<u8>,
    /// The declaration's reference.
    pub reference: String,
    /// Codes, a JSON list.
    pub codes: String,
    /// `open`.
    pub status: &'static str,
    /// When.
    pub raised_us: i64,
}

/// An alert as it stands.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = alert)]
pub struct AlertRow {
    /// Row number.
    pub id: i64,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `refer` or `hold`.
    pub outcome: String,
    /// The verification.
    pub verification_id: Vec<u8>,
    /// The declaration's reference.
    pub reference: String,
    /// Codes, a JSON list.
    pub codes: String,
    /// `open` or `acknowledged`.
    pub status: String,
    /// When it was raised.
    pub raised_us: i64,
    /// When it was acknowledged.
    pub acknowledged_us: Option<i64>,
    /// By whom.
    pub acknowledged_by: Option<String>,
    /// In whose words.
    pub note: Option<String>,
}

/// Raises alerts.
pub fn insert(db: &mut Db, rows: &[NewAlert]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        on!(&mut *db, c => diesel::insert_into(alert::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// A page of the alerts of some posts of a State.
pub fn page(
    db: &mut Db,
    state: &str,
    posts: &[String],
    status: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<AlertRow>> {
    let mut query = alert::table
        .filter(alert::state.eq(state).and(alert::id.gt(after)))
        .filter(alert::border_post.eq_any(posts))
        .into_boxed();
    if let Some(status) = status {
        query = query.filter(alert::status.eq(status));
    }
    Ok(query.order(alert::id).limit(limit).select(AlertRow::as_select()).load(db)?)
}

/// Reads one.
pub fn read(db: &mut Db, id: i64) -> Result<Option<AlertRow>> {
    Ok(alert::table.find(id).select(AlertRow::as_select()).first(db).optional()?)
}

/// Takes note of an open alert.
pub fn acknowledge(
    db: &mut Db,
    id: i64,
    by: &str,
    note: Option<&str>,
    at: Timestamp,
) -> Result<()> {
    diesel::update(alert::table.find(id).filter(alert::status.eq("open")))
        .set((
            alert::status.eq("acknowledged"),
            alert::acknowledged_us.eq(at.as_microsecond()),
            alert::acknowledged_by.eq(by),
            alert::note.eq(note),
        ))
        .execute(db)?;
    Ok(())
}
