//! Goods seen to leave or enter a State.
use super::Db;
use super::Result;
use super::in_chunks;
use super::journey_schema::crossing;
use diesel::prelude::*;

/// One crossing.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = crossing, treat_none_as_default_value = false)]
pub struct CrossingRow {
    /// UUID.
    pub id: Vec<u8>,
    /// `exit` or `entry`.
    pub direction: String,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// The consignment's reference.
    pub ucr: Option<String>,
    /// The release whose goods left.
    pub release_id: Option<Vec<u8>>,
    /// In what.
    pub vehicle: Option<String>,
    /// Seals, a JSON list.
    pub seals: String,
    /// When it took place.
    pub happened_us: i64,
    /// Who recorded it.
    pub caller: String,
    /// When.
    pub at_us: i64,
}

/// Writes one.
pub fn insert(db: &mut Db, row: &CrossingRow) -> Result<()> {
    diesel::insert_into(crossing::table).values(row).execute(db)?;
    Ok(())
}

/// These crossings.
pub fn some(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<CrossingRow>> {
    in_chunks(ids, |ids| {
        crossing::table.filter(crossing::id.eq_any(ids)).select(CrossingRow::as_select()).load(db)
    })
}

/// All crossings, a page after one: which way, which, and when it was recorded.
pub fn page(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<(String, Vec<u8>, i64)>> {
    Ok(crossing::table
        .filter(crossing::id.gt(after))
        .order(crossing::id)
        .limit(limit)
        .select((crossing::direction, crossing::id, crossing::at_us))
        .load(db)?)
}

/// The exit of a release's goods.
pub fn exit_of(db: &mut Db, release_id: &[u8]) -> Result<Option<CrossingRow>> {
    Ok(crossing::table
        .filter(crossing::release_id.eq(release_id))
        .select(CrossingRow::as_select())
        .first(db)
        .optional()?)
}

/// The latest crossings of a consignment, in the order in which they took place.
pub fn of_ucr(db: &mut Db, ucr: &str, limit: i64) -> Result<Vec<CrossingRow>> {
    let mut rows: Vec<CrossingRow> = crossing::table
        .filter(crossing::ucr.eq(ucr))
        .order((crossing::at_us.desc(), crossing::id.desc()))
        .limit(limit)
        .select(CrossingRow::as_select())
        .load(db)?;
    rows.sort_by(|a, b| (a.happened_us, a.at_us, &a.id).cmp(&(b.happened_us, b.at_us, &b.id)));
    Ok(rows)
}
