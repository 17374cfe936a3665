//! What this service has cosigned of others' logs, and what witnesses have cosigned of its own.
use super::Db;
use super::Error;
use super::Result;
use super::on;
use super::witness_schema::cosignature;
use super::witness_schema::witnessed;
use diesel::prelude::*;

/// A cosignature of a checkpoint of a log here.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = cosignature)]
pub struct CosignatureRow {
    /// The log.
    pub log_id: i64,
    /// The checkpoint's size.
    pub size: i64,
    /// The witness's verifier key.
    pub witness: String,
    /// The cosignature's line.
    pub line: String,
    /// When it was received.
    pub at_us: i64,
}

/// How far a log of others was cosigned: size and checkpoint.
pub fn seen(db: &mut Db, origin: &str) -> Result<Option<(u64, String)>> {
    let row: Option<(i64, String)> = witnessed::table
        .find(origin)
        .select((witnessed::size, witnessed::note))
        .first(db)
        .optional()?;
    let read = |(size, note)| {
        let size = u64::try_from(size);
        size.map(|size| (size, note)).map_err(|_e| Error::Corrupt("a witnessed size".to_owned()))
    };
    row.map(read).transpose()
}

/// Writes down how far a log of others is cosigned.
pub fn see(db: &mut Db, origin: &str, size: u64, note: &str, at_us: i64) -> Result<()> {
    let size = i64::try_from(size).map_err(|_e| Error::Bug("a size beyond bounds".to_owned()))?;
    let row = (
        witnessed::origin.eq(origin),
        witnessed::size.eq(size),
        witnessed::note.eq(note),
        witnessed::at_us.eq(at_us),
    );
    let change = (witnessed::size.eq(size), witnessed::note.eq(note), witnessed::at_us.eq(at_us));
    on!(&mut *db, c => diesel::insert_into(witnessed::table)
        .values(row)
        .on_conflict(witnessed::origin)
        .do_update()
        .set(change)
        .execute(c))?;
    Ok(())
}

/// Keeps a cosignature; one that is there already stays.
pub fn keep(db: &mut Db, row: &CosignatureRow) -> Result<()> {
    on!(&mut *db, c => diesel::insert_into(cosignature::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The size that a witness has cosigned last of a log here.
pub fn cosigned(db: &mut Db, log_id: i64, witness: &str) -> Result<u64> {
    let last: Option<i64> = cosignature::table
        .filter(cosignature::log_id.eq(log_id))
        .filter(cosignature::witness.eq(witness))
        .select(diesel::dsl::max(cosignature::size))
        .first(db)?;
    u64::try_from(last.unwrap_or_default())
        .map_err(|_e| Error::Corrupt("a cosigned size".to_owned()))
}

/// The latest cosignatures of a log here, by size from the largest.
pub fn latest(db: &mut Db, log_id: i64, limit: i64) -> Result<Vec<CosignatureRow>> {
    Ok(cosignature::table
        .filter(cosignature::log_id.eq(log_id))
        .order((cosignature::size.desc(), cosignature::witness))
        .limit(limit)
        .select(CosignatureRow::as_select())
        .load(db)?)
}
