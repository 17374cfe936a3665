//! What a batch decides on is locked before it decides, always in one order, so that nodes that
//! share a database wait for each other and never in a circle. The embedded database has one writer
//! and needs none of this.
use super::Db;
use super::Result;
use super::schema::licence;
use diesel::prelude::*;
use diesel::sql_types::Array;
use diesel::sql_types::Integer;

/// Number under which the service's advisory locks stand, so that they meet no other program's.
const SPACE: i32 = 0x5041_5353;
/// Locks of one batch at most: what is not a row (a reference, a firearm, a key) is locked by the
/// remainder of its hash. Three nodes fit a server with its usual room for locks.
const BUCKETS: u64 = 2048;

/// Locks everything that a batch names, and then its licences. The order is the same at every node.
pub fn take(db: &mut Db, names: &[u64], licences: &[&str]) -> Result<()> {
    let Db::Postgres(c) = db else { return Ok(()) };
    let mut buckets: Vec<i32> =
        names.iter().map(|name| i32::try_from(name % BUCKETS).unwrap_or_default()).collect();
    buckets.sort_unstable();
    buckets.dedup();
    if !buckets.is_empty() {
        // Rows of `unnest` come in the order of the list.
        diesel::sql_query("SELECT pg_advisory_xact_lock($1, b) FROM unnest($2) AS b")
            .bind::<Integer, _>(SPACE)
            .bind::<Array<Integer>, _>(&buckets)
            .execute(c)?;
    }
    if !licences.is_empty() {
        licence::table
            .filter(licence::number.eq_any(licences))
            .order(licence::number)
            .select(licence::id)
            .for_update()
            .execute(c)?;
    }
    Ok(())
}

/// Locks licences that a command turned out to need beyond what it named. It does not wait, for
/// that could be a circle: a lock that another holds is a conflict, and the batch begins again.
pub fn take_late(db: &mut Db, licences: &[&str]) -> Result<()> {
    let Db::Postgres(c) = db else { return Ok(()) };
    licence::table
        .filter(licence::number.eq_any(licences))
        .order(licence::number)
        .select(licence::id)
        .for_update()
        .no_wait()
        .execute(c)?;
    Ok(())
}
