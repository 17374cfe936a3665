//! Licences and their balances as they stand in the register, to be compared with what is recorded of them.
use super::Db;
use super::Result;
use super::schema::licence;
use super::schema::licence_line;
use super::schema::licence_version;
use diesel::prelude::*;

/// A licence as it stands in the register.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = licence)]
pub struct Stands {
    /// Row number.
    pub id: i64,
    /// The authority's number.
    pub number: String,
    /// The present version.
    pub version: i64,
    /// Where it stands.
    pub status: String,
    /// How many shipments it has had.
    pub shipments: i64,
    /// The document.
    pub body: String,
}

/// A line's balance, in millionths.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Balance {
    /// The line.
    pub line: i64,
    /// Authorised.
    pub authorised: i64,
    /// Held.
    pub reserved: i64,
    /// Drawn.
    pub consumed: i64,
}

/// Licences after a row, in the order of their rows.
pub fn stand(db: &mut Db, after: i64, limit: i64) -> Result<Vec<Stands>> {
    Ok(licence::table
        .filter(licence::id.gt(after))
        .order(licence::id)
        .limit(limit)
        .select(Stands::as_select())
        .load(db)?)
}

/// A licence's last version, and where the licence stood with it.
pub fn last_version(db: &mut Db, id: i64) -> Result<Option<(i64, String)>> {
    Ok(licence_version::table
        .filter(licence_version::licence_id.eq(id))
        .order(licence_version::version.desc())
        .select((licence_version::version, licence_version::status))
        .first(db)
        .optional()?)
}

/// Where a licence stood with a version.
pub fn status_of_version(db: &mut Db, number: &str, version: u32) -> Result<Option<String>> {
    let of = licence::table.filter(licence::number.eq(number)).select(licence::id);
    let Some(id) = of.first::<i64>(db).optional()? else { return Ok(None) };
    Ok(licence_version::table
        .find((id, i64::from(version)))
        .select(licence_version::status)
        .first(db)
        .optional()?)
}

/// A licence's balances, by line.
pub fn balances(db: &mut Db, id: i64) -> Result<Vec<Balance>> {
    Ok(licence_line::table
        .filter(licence_line::licence_id.eq(id))
        .order(licence_line::line)
        .select((
            licence_line::line,
            licence_line::authorised,
            licence_line::reserved,
            licence_line::consumed,
        ))
        .load(db)?)
}
