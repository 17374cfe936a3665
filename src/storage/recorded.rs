//! Releases and what belongs to them as they stand in the register, in the pages in which they are compared
//! with the entries that record them.
use super::Db;
use super::Result;
use super::in_chunks;
use super::overrides::OverrideRow;
use super::overrides::VersionRow;
use super::post_schema::allowance;
use super::post_schema::allowance_line;
use super::releases::DrawRow;
use super::releases::ReleaseRow;
use super::schema::preclearance;
use super::schema::preclearance_draw;
use super::schema::release;
use super::schema::release_draw;
use super::schema::release_override;
use super::schema::release_version;
use super::schema::serial_use;
use super::serials::SerialUse;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::HashMap;

/// States in which releases stood, of these releases and versions.
pub fn versions(db: &mut Db, ids: &[Vec<u8>], versions: &[i64]) -> Result<Vec<VersionRow>> {
    in_chunks(ids, |ids| {
        release_version::table
            .filter(release_version::release_id.eq_any(ids))
            .filter(release_version::version.eq_any(versions))
            .select(VersionRow::as_select())
            .load(db)
    })
}

/// A state in which a release stood, in short.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = release_version)]
pub struct ShortVersion {
    /// The release.
    pub release_id: Vec<u8>,
    /// Its version.
    pub version: i64,
    /// What happened.
    pub change: String,
    /// How it stood then.
    pub status: String,
    /// What it drew then, JSON.
    pub draws: String,
    /// When.
    pub at_us: i64,
    /// The log of the entry that records it.
    pub log_id: i64,
    /// That entry's index.
    pub log_index: i64,
}

/// Every state in which these releases stood, in order.
pub fn histories(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<ShortVersion>> {
    in_chunks(ids, |ids| {
        release_version::table
            .filter(release_version::release_id.eq_any(ids))
            .order((release_version::release_id, release_version::version))
            .select(ShortVersion::as_select())
            .load(db)
    })
}

/// These releases as they stand.
pub fn releases(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<ReleaseRow>> {
    in_chunks(ids, |ids| {
        release::table.filter(release::id.eq_any(ids)).select(ReleaseRow::as_select()).load(db)
    })
}

/// What these releases draw.
pub fn draws(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<DrawRow>> {
    in_chunks(ids, |ids| {
        release_draw::table
            .filter(release_draw::release_id.eq_any(ids))
            .select(DrawRow::as_select())
            .load(db)
    })
}

/// The firearms that these releases move.
pub fn firearms(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<SerialUse>> {
    in_chunks(ids, |ids| {
        serial_use::table
            .filter(serial_use::release_id.eq_any(ids))
            .select(SerialUse::as_select())
            .load(db)
    })
}

/// Firearms moved, after a row: the row and what it says.
pub fn moved(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, SerialUse)>> {
    Ok(serial_use::table
        .filter(serial_use::id.gt(after))
        .order(serial_use::id)
        .limit(limit)
        .select((serial_use::id, SerialUse::as_select()))
        .load(db)?)
}

/// The overrides of these releases.
pub fn overrides(db: &mut Db, ids: &[Vec<u8>]) -> Result<Vec<OverrideRow>> {
    in_chunks(ids, |ids| {
        release_override::table
            .filter(release_override::release_id.eq_any(ids))
            .select(OverrideRow::as_select())
            .load(db)
    })
}

/// Releases after one, in order: which, where it stands, and its version.
pub fn page(db: &mut Db, after: &[u8], limit: i64) -> Result<Vec<(Vec<u8>, String, i64)>> {
    Ok(release::table
        .filter(release::id.gt(after))
        .order(release::id)
        .limit(limit)
        .select((release::id, release::status, release::version))
        .load(db)?)
}

/// Quantities in millionths by line.
pub type Sums = HashMap<i64, i64>;

/// What all releases together draw of a licence, by line, and how many draw of it.
pub fn drawn_of(db: &mut Db, licence_id: i64) -> Result<(Sums, i64)> {
    let of = release_draw::table.filter(release_draw::licence_id.eq(licence_id));
    let sums: Vec<(i64, i64)> = of
        .group_by(release_draw::line)
        .select((release_draw::line, sql::<BigInt>("CAST(SUM(drawn) AS BIGINT)")))
        .load(db)?;
    if sums.is_empty() {
        return Ok((Sums::new(), 0));
    }
    let releases: i64 =
        of.select(sql::<BigInt>("COUNT(DISTINCT release_draw.release_id)")).first(db)?;
    Ok((sums.into_iter().collect(), releases))
}

/// What is held of a licence for goods that were announced, by line.
pub fn held_of(db: &mut Db, licence_id: i64) -> Result<Sums> {
    let held =
        preclearance::table.filter(preclearance::reservation.eq("held")).select(preclearance::id);
    let sums: Vec<(i64, i64)> = preclearance_draw::table
        .filter(preclearance_draw::licence_id.eq(licence_id))
        .filter(preclearance_draw::preclearance_id.eq_any(held))
        .group_by(preclearance_draw::line)
        .select((preclearance_draw::line, sql::<BigInt>("CAST(SUM(reserved) AS BIGINT)")))
        .load(db)?;
    Ok(sums.into_iter().collect())
}

/// What posts have not drawn yet of what was set aside of a licence, by line, of allowances that stand so.
pub fn set_aside_of(db: &mut Db, licence_id: i64, statuses: &[&str]) -> Result<Sums> {
    let so = allowance::table
        .filter(allowance::licence_id.eq(licence_id))
        .filter(allowance::status.eq_any(statuses))
        .select(allowance::id);
    let sums: Vec<(i64, i64)> = allowance_line::table
        .filter(allowance_line::allowance_id.eq_any(so))
        .group_by(allowance_line::line)
        .select((allowance_line::line, sql::<BigInt>("CAST(SUM(quantity - drawn) AS BIGINT)")))
        .load(db)?;
    Ok(sums.into_iter().collect())
}
