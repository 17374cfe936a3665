//! The versions of licences: each change, and the document where it altered that.
use super::Db;
use super::Result;
use super::schema::licence;
use super::schema::licence_version;
use crate::domain::Timestamp;
use crate::domain::licence::Status;
use diesel::prelude::*;

/// A licence to be written: a new one, or the next version of one.
#[derive(Debug)]
pub struct LicenceVersion<'a> {
    /// The version's number.
    pub version: u32,
    /// Where it stands with it.
    pub status: Status,
    /// What happened: `issue`, `amendment`, `suspension` and so on.
    pub change: &'static str,
    /// Why, in the authority's words.
    pub reason: Option<&'a str>,
    /// The document, where it changes.
    pub body: Option<&'a str>,
    /// Who did it.
    pub actor: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Writes a version into the history.
pub fn insert_version(db: &mut Db, id: i64, version: &LicenceVersion<'_>) -> Result<()> {
    diesel::insert_into(licence_version::table)
        .values((
            licence_version::licence_id.eq(id),
            licence_version::version.eq(i64::from(version.version)),
            licence_version::status.eq(version.status.as_str()),
            licence_version::change.eq(version.change),
            licence_version::reason.eq(version.reason),
            licence_version::body.eq(version.body),
            licence_version::actor.eq(version.actor),
            licence_version::at_us.eq(version.at.as_microsecond()),
        ))
        .execute(db)?;
    Ok(())
}

/// Makes a version the present one.
pub fn update(db: &mut Db, id: i64, version: &LicenceVersion<'_>) -> Result<()> {
    diesel::update(licence::table.find(id))
        .set((
            licence::status.eq(version.status.as_str()),
            licence::version.eq(i64::from(version.version)),
        ))
        .execute(db)?;
    if let Some(body) = version.body {
        let document =
            (licence::body.eq(body), licence::document_version.eq(i64::from(version.version)));
        diesel::update(licence::table.find(id)).set(document).execute(db)?;
    }
    insert_version(db, id, version)
}

/// Notes how many decisions have been taken on a licence since its document last changed, where that is not
/// told by the versions written here.
pub fn put_decisions(db: &mut Db, id: i64, version: u32, decisions: u32) -> Result<()> {
    let document = i64::from(version.saturating_sub(decisions).max(1));
    diesel::update(licence::table.find(id))
        .set(licence::document_version.eq(document))
        .execute(db)?;
    Ok(())
}

/// The document of a licence as a version had it: the latest one written at or before it.
pub fn body_of_version(db: &mut Db, number: &str, version: u32) -> Result<Option<String>> {
    let id: Option<i64> = licence::table
        .filter(licence::number.eq(number))
        .select(licence::id)
        .first(db)
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    let body: Option<Option<String>> = licence_version::table
        .filter(licence_version::licence_id.eq(id))
        .filter(licence_version::version.le(i64::from(version)))
        .filter(licence_version::body.is_not_null())
        .order(licence_version::version.desc())
        .select(licence_version::body)
        .first(db)
        .optional()?;
    Ok(body.flatten())
}

/// A version in a licence's history.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = licence_version)]
pub struct VersionRow {
    /// Its number.
    pub version: i64,
    /// Where the licence stood after it.
    pub status: String,
    /// What happened.
    pub change: String,
    /// Why.
    pub reason: Option<String>,
    /// The document, where the change altered it.
    pub body: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at_us: i64,
}

/// Versions of a licence after one, in order.
pub fn versions(db: &mut Db, id: i64, after: i64, limit: i64) -> Result<Vec<VersionRow>> {
    Ok(licence_version::table
        .filter(licence_version::licence_id.eq(id).and(licence_version::version.gt(after)))
        .order(licence_version::version)
        .limit(limit)
        .select(VersionRow::as_select())
        .load(db)?)
}
