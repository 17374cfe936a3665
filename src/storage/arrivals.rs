//! What importing posts have found.
use super::Db;
use super::Result;
use super::journey_schema::arrival;
use diesel::prelude::*;

/// One arrival.
#[derive(Debug, Clone, PartialEq, Eq, Insertable)]
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
