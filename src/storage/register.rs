//! Looking for licences, and for what has drawn on one.
use super::Db;
use super::Result;
use super::schema::licence;
use super::schema::release;
use super::schema::release_draw;
use diesel::prelude::*;

diesel::define_sql_function! {
    /// Small letters.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// Which licences of a State.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The State.
    pub state: String,
    /// What their numbers, names or serials hold; empty for all.
    pub text: String,
    /// Standing how.
    pub status: Option<&'static str>,
    /// The row before the page.
    pub after: i64,
    /// Rows at most.
    pub limit: i64,
    /// Among how many of the latest the documents are looked through; numbers are among all.
    pub searched_max: i64,
}

/// Licences by number, by row number.
pub fn search(db: &mut Db, sought: &Sought) -> Result<Vec<(i64, String)>> {
    let own = licence::table.filter(licence::issuing_state.eq(&sought.state));
    let mut query = own.filter(licence::id.gt(sought.after)).into_boxed();
    if let Some(status) = sought.status {
        query = query.filter(licence::status.eq(status));
    }
    if !sought.text.is_empty() {
        let before: Option<i64> = own
            .order(licence::id.desc())
            .offset(sought.searched_max)
            .select(licence::id)
            .first(db)
            .optional()?;
        let pattern = format!("%{}%", literal(&sought.text.to_lowercase()));
        let by_number = lower(licence::number).like(pattern.clone()).escape('\\');
        let by_document = lower(licence::body).like(pattern).escape('\\');
        let recent = licence::id.gt(before.unwrap_or_default());
        query = query.filter(by_number.or(recent.and(by_document)));
    }
    let query = query.order(licence::id).limit(sought.limit);
    Ok(query.select((licence::id, licence::number)).load(db)?)
}

/// Text that stands for itself in a pattern.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What a release draws from a licence.
#[derive(Debug, Clone, Queryable)]
pub struct UseRow {
    /// The release.
    pub release_id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// How the release stands.
    pub status: String,
    /// The declaration's reference.
    pub reference: String,
    /// When it was made.
    pub at_us: i64,
    /// The item.
    pub item: i64,
    /// The licence's line.
    pub line: i64,
    /// How much, millionths.
    pub drawn: i64,
}

/// What has drawn on a licence and stands, the latest first.
pub fn uses(db: &mut Db, licence_id: i64, limit: i64) -> Result<Vec<UseRow>> {
    Ok(release_draw::table
        .inner_join(release::table.on(release::id.eq(release_draw::release_id)))
        .filter(release_draw::licence_id.eq(licence_id))
        .order((release::at_us.desc(), release_draw::item, release_draw::line))
        .limit(limit)
        .select((
            release::id,
            release::state,
            release::border_post,
            release::status,
            release::reference,
            release::at_us,
            release_draw::item,
            release_draw::line,
            release_draw::drawn,
        ))
        .load(db)?)
}
