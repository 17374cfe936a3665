//! The watermark: it counts every change of a licence.
use super::Db;
use super::Result;
use super::schema::licence;
use super::schema::watermark;
use diesel::prelude::*;

/// Moves it by one and gives the new count.
pub fn advance(db: &mut Db) -> Result<i64> {
    Ok(diesel::update(watermark::table)
        .set(watermark::sequence.eq(watermark::sequence + 1))
        .returning(watermark::sequence)
        .get_result(db)?)
}

/// Where it stands.
pub fn read(db: &mut Db) -> Result<i64> {
    Ok(watermark::table.select(watermark::sequence).first(db)?)
}

/// Numbers of licences changed since a count, at most `limit`.
pub fn changed_since(db: &mut Db, sequence: i64, limit: i64) -> Result<Vec<String>> {
    Ok(licence::table
        .filter(licence::sequence.gt(sequence))
        .order(licence::sequence)
        .limit(limit)
        .select(licence::number)
        .load(db)?)
}
