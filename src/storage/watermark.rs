//! The watermark: it counts every change of a licence.
use super::Db;
use super::ROWS;
use super::Result;
use super::schema::licence;
use super::schema::watermark;
use diesel::prelude::*;

/// The name under which nodes tell each other at once that licences have changed.
pub const CHANNEL: &str = "passavant_licences";

/// Marks licences with the next count and gives it; no licences, no count. Nodes wait for each other here until the one before
/// has committed, so that whoever has heard of a count has heard of every count below it; a batch
/// comes here last. `at_once`: what changed is more than a balance, and the others are told now.
pub fn mark(db: &mut Db, licences: &[i64], at_once: bool) -> Result<Option<i64>> {
    if licences.is_empty() {
        return Ok(None);
    }
    let sequence: i64 = diesel::update(watermark::table)
        .set(watermark::sequence.eq(watermark::sequence + 1))
        .returning(watermark::sequence)
        .get_result(db)?;
    for licences in licences.chunks(ROWS) {
        diesel::update(licence::table.filter(licence::id.eq_any(licences)))
            .set(licence::sequence.eq(sequence))
            .execute(db)?;
    }
    if at_once && let Db::Postgres(c) = db {
        diesel::sql_query(format!("NOTIFY {CHANNEL}")).execute(c)?;
    }
    Ok(Some(sequence))
}

/// Where it stands.
pub fn read(db: &mut Db) -> Result<i64> {
    Ok(watermark::table.select(watermark::sequence).first(db)?)
}

/// Licences changed since a count, at most `limit`, each with the count of its last change.
pub fn changed_since(db: &mut Db, sequence: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    Ok(licence::table
        .filter(licence::sequence.gt(sequence))
        .order(licence::sequence)
        .limit(limit)
        .select((licence::sequence, licence::number))
        .load(db)?)
}
