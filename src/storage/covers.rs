//! What has been released for export under import licences, whichever register keeps them.
use super::Db;
use super::ROWS;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::journey_schema::cover;
use super::journey_schema::release_cover;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;

/// What has gone under a line, altogether; or by how much that changes.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = cover, treat_none_as_default_value = false)]
pub struct CoverRow {
    /// The licence's number.
    pub licence: String,
    /// The line; 0 where it was not known.
    pub line: i64,
    /// The unit.
    pub unit: String,
    /// How much, in millionths.
    pub quantity: i64,
}

/// What one release has let go under a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Insertable, Queryable, Selectable)]
#[diesel(table_name = release_cover, treat_none_as_default_value = false)]
pub struct ReleaseCoverRow {
    /// The release.
    pub release_id: Vec<u8>,
    /// The licence's number.
    pub licence: String,
    /// The line; 0 where it was not known.
    pub line: i64,
    /// The unit.
    pub unit: String,
    /// How much, in millionths.
    pub quantity: i64,
}

/// What has gone under licences.
pub fn read(db: &mut Db, numbers: &[&str]) -> Result<Vec<CoverRow>> {
    let mut found = Vec::new();
    match db {
        // A list of any length would be another statement each time; one number is prepared once.
        Db::Sqlite(c) => {
            for number in numbers {
                let one = cover::table.filter(cover::licence.eq(number));
                found.extend(one.select(CoverRow::as_select()).load::<CoverRow>(c)?);
            }
        }
        Db::Postgres(c) => {
            for numbers in numbers.chunks(ROWS) {
                let some = cover::table.filter(cover::licence.eq_any(numbers));
                found.extend(some.select(CoverRow::as_select()).load::<CoverRow>(c)?);
            }
        }
    }
    Ok(found)
}

/// Adds to what has gone, or takes from it where a quantity is negative. Rows come in one order at every
/// node, no line twice.
pub fn add(db: &mut Db, changes: &[CoverRow]) -> Result<()> {
    in_runs!(db, changes, (c, rows) => diesel::insert_into(cover::table)
        .values(rows)
        .on_conflict((cover::licence, cover::line, cover::unit))
        .do_update()
        .set(cover::quantity.eq(cover::quantity + excluded(cover::quantity)))
        .execute(c));
    Ok(())
}

/// Forgets what has gone, and takes these for it: at a post that is cut off, which knows what its register knew.
pub fn put_all(db: &mut Db, rows: &[CoverRow]) -> Result<()> {
    diesel::delete(cover::table).execute(db)?;
    add(db, rows)
}

/// Writes what releases have let go.
pub fn insert(db: &mut Db, rows: &[ReleaseCoverRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(release_cover::table).values(rows).execute(c));
    Ok(())
}

/// What one release has let go.
pub fn of_release(db: &mut Db, release_id: &[u8]) -> Result<Vec<ReleaseCoverRow>> {
    Ok(release_cover::table
        .filter(release_cover::release_id.eq(release_id))
        .select(ReleaseCoverRow::as_select())
        .load(db)?)
}

/// Forgets what a release has let go, once it is undone or corrected.
pub fn remove(db: &mut Db, release_id: &[u8]) -> Result<()> {
    diesel::delete(release_cover::table.filter(release_cover::release_id.eq(release_id)))
        .execute(db)?;
    Ok(())
}

/// Every licence under which anything has ever gone, in pages.
pub fn numbers(db: &mut Db, after: &str, limit: i64) -> Result<Vec<String>> {
    Ok(cover::table
        .filter(cover::licence.gt(after))
        .order(cover::licence)
        .limit(limit)
        .select(cover::licence)
        .distinct()
        .load(db)?)
}

/// Every licence under which a release lets anything go, in pages.
pub fn numbers_of_releases(db: &mut Db, after: &str, limit: i64) -> Result<Vec<String>> {
    Ok(release_cover::table
        .filter(release_cover::licence.gt(after))
        .order(release_cover::licence)
        .limit(limit)
        .select(release_cover::licence)
        .distinct()
        .load(db)?)
}

/// What releases together have let go under licences.
pub fn sums(db: &mut Db, numbers: &[&str]) -> Result<Vec<CoverRow>> {
    in_chunks(numbers, |numbers| {
        release_cover::table
            .filter(release_cover::licence.eq_any(numbers))
            .group_by((release_cover::licence, release_cover::line, release_cover::unit))
            .select((
                release_cover::licence,
                release_cover::line,
                release_cover::unit,
                sql::<BigInt>("CAST(SUM(quantity) AS BIGINT)"),
            ))
            .load(db)
    })
}

/// What each of some releases has let go.
pub fn of_releases(db: &mut Db, releases: &[Vec<u8>]) -> Result<Vec<ReleaseCoverRow>> {
    in_chunks(releases, |releases| {
        release_cover::table
            .filter(release_cover::release_id.eq_any(releases))
            .select(ReleaseCoverRow::as_select())
            .load(db)
    })
}
