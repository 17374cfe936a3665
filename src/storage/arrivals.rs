//! What importing posts have found.
use super::Db;
use super::Result;
use super::in_chunks;
use super::journey_schema::arrival;
use diesel::prelude::*;

/// One arrival.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = arrival, treat_none_as_default_value = false)]
pub struct ArrivalRow {
    /// UUID.
    pub id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// The consignment's reference.
    pub ucr: Option<String>,
    /// The export declaration's reference.
    pub reference: Option<String>,
    /// As received.
    pub request: String,
    /// How it turned out over all, or `unknown`.
    pub result: String,
    /// When it took place.
    pub happened_us: i64,
    /// Who recorded it.
    pub caller: String,
    /// When.
    pub at_us: i64,
}

/// Writes one.
pub fn insert(db: &mut Db, row: &ArrivalRow) -> Result<()> {
    diesel::insert_into(arrival::table).values(row).execute(db)?;
    Ok(())
}

/// These arrivals.
pub fn some(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<ArrivalRow>> {
    in_chunks(ids, |ids| {
        arrival::table.filter(arrival::id.eq_any(ids)).select(ArrivalRow::as_select()).load(db)
    })
}

/// Which of these arrivals there are.
pub fn known(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    in_chunks(ids, |ids| {
        arrival::table.filter(arrival::id.eq_any(ids)).select(arrival::id).load(db)
    })
}

/// All arrivals, a page after one: that they are one, which, and when it was recorded.
pub fn page(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<(String, Vec<u8>, i64)>> {
    let rows: Vec<(Vec<u8>, i64)> = arrival::table
        .filter(arrival::id.gt(after))
        .order(arrival::id)
        .limit(limit)
        .select((arrival::id, arrival::at_us))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, at_us)| ("arrival".to_owned(), id, at_us)).collect())
}
