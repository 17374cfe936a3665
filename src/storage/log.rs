//! Audit logs: entries, tiles and checkpoints. A log's size moves only from what its owner
//! believes it to be.
mod at_once;

use super::Db;
use super::Error;
use super::Result;
use super::insert_all;
use super::kept;
use super::packed::Packed;
use super::packed::unpack;
use super::schema::checkpoint;
use super::schema::lists;
use super::schema::log;
use super::schema::log_entry;
use super::schema::log_tile;
use crate::audit::tree::TileWrite;
use crate::domain::Timestamp;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sql_types::Binary;
use diesel::sql_types::Text;

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = log)]
pub struct LogRow {
    /// Row number.
    pub id: i64,
    /// Its name.
    pub origin: String,
    /// What its checkpoints are verified with.
    pub verifier_key: String,
    /// Entries.
    pub size: i64,
    /// The process that may move it.
    pub owner: String,
    /// The logs that it was opened beside and how far they went, JSON.
    pub gap: Option<String>,
}

/// An entry in its place.
#[derive(Debug, Insertable)]
#[diesel(table_name = log_entry, treat_none_as_default_value = false)]
struct EntryRow {
    entry: i64,
    body: Vec<u8>,
}

/// A batch of entries with all that goes with it.
#[derive(Debug)]
pub struct Append<'a> {
    /// The log.
    pub log_id: i64,
    /// The process that moves it.
    pub owner: &'a str,
    /// The size that its owner believes it to have.
    pub from: u64,
    /// The size that it has with the batch.
    pub to: u64,
    /// The entries, in order.
    pub entries: Vec<Packed>,
    /// The tiles that change.
    pub tiles: &'a [TileWrite],
    /// The signed checkpoint of the new size.
    pub note: &'a str,
}

fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_e| beyond_all_bounds())
}

fn beyond_all_bounds() -> Error {
    Error::Bug("a log beyond all bounds".to_owned())
}

/// Entries that a log may have, and logs that a database may have: both fit into one number, by which rows
/// lie in the order of their log. A tree of such numbers is filled to the last page and has no index beside it.
const ENTRIES_MAX: i64 = 1 << 40;
const LOGS_MAX: i64 = 1 << 23;

/// The number of an entry over all logs.
pub fn entry_number(log_id: i64, index: i64) -> Result<i64> {
    if (0..LOGS_MAX).contains(&log_id) && (0..ENTRIES_MAX).contains(&index) {
        return Ok(log_id * ENTRIES_MAX + index);
    }
    Err(beyond_all_bounds())
}

/// The log and the index of a number.
pub(super) fn entry_of(number: i64) -> (i64, i64) {
    (number.div_euclid(ENTRIES_MAX), number.rem_euclid(ENTRIES_MAX))
}

/// The numbers of a log's entries from one index up to another.
pub(super) fn numbers(log_id: i64, from: i64, to: i64) -> Result<std::ops::Range<i64>> {
    let first = entry_number(log_id, from)?;
    Ok(first..first + (to.min(ENTRIES_MAX) - from).max(0))
}

/// Finds a log by name and keeps it as it is until the transaction ends, or opens it; one opened
/// beside others keeps how far those go.
///
/// A node whose database was lost and restored from a copy takes a new name: its log begins with
/// this.
pub fn open(
    db: &mut Db,
    origin: &str,
    verifier_key: &str,
    owner: &str,
    now: Timestamp,
) -> Result<LogRow> {
    if let Some(found) = locked(db, origin)? {
        return Ok(found);
    }
    let held: Vec<_> = all(db)?
        .into_iter()
        .map(|log| serde_json::json!({"log": log.origin, "size": log.size}))
        .collect();
    let gap = (!held.is_empty()).then(|| serde_json::Value::from(held).to_string());
    insert(db, (origin, verifier_key), owner, gap, now)
}

/// Opens a log under a name that is not taken, with the key of its checkpoints.
pub fn insert(
    db: &mut Db,
    (origin, verifier_key): (&str, &str),
    owner: &str,
    gap: Option<String>,
    now: Timestamp,
) -> Result<LogRow> {
    diesel::insert_into(log::table)
        .values((
            log::origin.eq(origin),
            log::verifier_key.eq(verifier_key),
            log::size.eq(0),
            log::owner.eq(owner),
            log::gap.eq(gap),
            log::opened_us.eq(now.as_microsecond()),
        ))
        .execute(db)?;
    Ok(log::table.filter(log::origin.eq(origin)).select(LogRow::as_select()).first(db)?)
}

/// Every log.
pub fn all(db: &mut Db) -> Result<Vec<LogRow>> {
    Ok(log::table.order(log::id).select(LogRow::as_select()).load(db)?)
}

/// A page of them.
pub fn page(db: &mut Db, after: i64, limit: i64) -> Result<Vec<LogRow>> {
    let rows = log::table.filter(log::id.gt(after)).order(log::id).limit(limit);
    Ok(rows.select(LogRow::as_select()).load(db)?)
}

/// A log by name, kept as it is until the transaction ends: a batch whose commit is still on its way
/// is waited for.
pub fn locked(db: &mut Db, origin: &str) -> Result<Option<LogRow>> {
    if let Db::Postgres(c) = db {
        let row = log::table.filter(log::origin.eq(origin)).select(log::id);
        row.for_update().execute(c)?;
    }
    by_origin(db, origin)
}

/// Makes a process the owner of a log: one that had it before finds that out with its next batch, and
/// decides nothing any more.
pub fn own(db: &mut Db, log_id: i64, owner: &str) -> Result<()> {
    diesel::update(log::table.find(log_id)).set(log::owner.eq(owner)).execute(db)?;
    Ok(())
}

/// A log by name.
pub fn by_origin(db: &mut Db, origin: &str) -> Result<Option<LogRow>> {
    Ok(log::table
        .filter(log::origin.eq(origin))
        .select(LogRow::as_select())
        .first(db)
        .optional()?)
}

/// Insists that a log is as its owner left it, and keeps it so until the transaction ends. Another
/// owner is the end of this one; another size under this owner is a batch whose commit was answered
/// by an error and stands after all. On a server it gives the edition of the lists in force, in the same answer.
pub fn claim(db: &mut Db, log_id: i64, owner: &str, size: u64) -> Result<Option<String>> {
    let row = log::table.find(log_id);
    let found: Option<(String, i64, Option<String>)> = match db {
        Db::Sqlite(c) => {
            let found: Option<(String, i64)> =
                row.select((log::owner, log::size)).first(c).optional()?;
            found.map(|(owner, size)| (owner, size, None))
        }
        Db::Postgres(c) => {
            let lists = lists::table.order(lists::id.desc()).select(lists::edition).limit(1);
            let columns = (log::owner, log::size, lists.single_value());
            row.select(columns).for_update().first(c).optional()?
        }
    };
    let (now, at, lists) = found.ok_or_else(|| Error::Fenced(format!("log {log_id} is gone")))?;
    if now != owner {
        return Err(Error::Fenced(format!("log {log_id} was taken over by another process")));
    }
    if at != signed(size)? {
        return Err(Error::Conflict(format!("log {log_id} is of size {at}, not {size}")));
    }
    Ok(lists)
}

/// Appends a batch.
pub fn append(db: &mut Db, append: Append<'_>) -> Result<()> {
    let (from, to) = (signed(append.from)?, signed(append.to)?);
    let moved = match db {
        Db::Sqlite(c) => move_to(c, &append, from, to)?,
        Db::Postgres(c) => at_once::move_to(c, &append, from, to)?,
    };
    if !moved {
        return Err(Error::Conflict(format!("log {} is no longer of size {from}", append.log_id)));
    }
    // So that the last one has a number, and with it all of them.
    entry_number(append.log_id, to)?;
    let numbered = append.entries.into_iter().zip(entry_number(append.log_id, from)?..);
    let rows: Vec<EntryRow> =
        numbered.map(|(Packed(body), entry)| EntryRow { entry, body }).collect();
    insert_all!(db, log_entry::table, &rows);
    Ok(())
}

kept! {
    [Sqlite] Move {
        "UPDATE log SET size = " to: i64 as BigInt,
        " WHERE id = " log_id: i64 as BigInt,
        " AND size = " from: i64 as BigInt,
        " AND owner = " owner: &'a str as Text,
    } ""
}

kept! {
    [Sqlite] PutTile {
        "INSERT INTO log_tile (log_id, level, tile, hashes) VALUES (" log_id: i64 as BigInt,
        ", " level: i64 as BigInt,
        ", " tile: i64 as BigInt,
        ", " hashes: &'a [u8] as Binary,
    } ") ON CONFLICT (log_id, level, tile) DO UPDATE SET hashes = excluded.hashes"
}

/// Moves a log's size where it is as believed, with its tiles and its checkpoint.
fn move_to(
    c: &mut diesel::SqliteConnection,
    append: &Append<'_>,
    from: i64,
    to: i64,
) -> Result<bool> {
    let &Append { log_id, owner, tiles, note, .. } = append;
    if (Move { to, log_id, from, owner }).execute(c)? != 1 {
        return Ok(false);
    }
    for TileWrite { level, index, bytes } in tiles {
        let (level, tile) = (i64::from(*level), signed(*index)?);
        PutTile { log_id, level, tile, hashes: bytes }.execute(c)?;
    }
    diesel::insert_into(checkpoint::table)
        .values((checkpoint::log_id.eq(log_id), checkpoint::size.eq(to), checkpoint::note.eq(note)))
        .execute(c)?;
    Ok(true)
}

/// A stored tile, as wide as it is now.
pub fn tile(db: &mut Db, log_id: i64, level: u8, index: u64) -> Result<Option<Vec<u8>>> {
    Ok(log_tile::table
        .find((log_id, i64::from(level), signed(index)?))
        .select(log_tile::hashes)
        .first(db)
        .optional()?)
}

/// Entries from an index on, in order.
pub fn entries(db: &mut Db, log_id: i64, from: u64, limit: i64) -> Result<Vec<(i64, Vec<u8>)>> {
    let numbers = numbers(log_id, signed(from)?, ENTRIES_MAX)?;
    let packed: Vec<(i64, Vec<u8>)> = log_entry::table
        .filter(log_entry::entry.ge(numbers.start).and(log_entry::entry.lt(numbers.end)))
        .order(log_entry::entry)
        .limit(limit)
        .select((log_entry::entry, log_entry::body))
        .load(db)?;
    let read = packed.into_iter().map(|(number, body)| {
        let (log_id, index) = entry_of(number);
        Ok((index, unpacked(log_id, index, &body)?))
    });
    read.collect()
}

/// One entry.
pub fn entry(db: &mut Db, log_id: i64, index: u64) -> Result<Option<Vec<u8>>> {
    let index = signed(index)?;
    let packed: Option<Vec<u8>> = log_entry::table
        .find(entry_number(log_id, index)?)
        .select(log_entry::body)
        .first(db)
        .optional()?;
    packed.map(|body| unpacked(log_id, index, &body)).transpose()
}

fn unpacked(log_id: i64, index: i64, body: &[u8]) -> Result<Vec<u8>> {
    unpack(body, &|| format!("entry {index} of log {log_id}"))
}

/// The latest checkpoint: its size and note.
pub fn latest_checkpoint(db: &mut Db, log_id: i64) -> Result<Option<(i64, String)>> {
    Ok(checkpoint::table
        .filter(checkpoint::log_id.eq(log_id))
        .order(checkpoint::size.desc())
        .select((checkpoint::size, checkpoint::note))
        .first(db)
        .optional()?)
}

/// The checkpoint of a size.
pub fn checkpoint_of(db: &mut Db, log_id: i64, size: u64) -> Result<Option<String>> {
    Ok(checkpoint::table
        .find((log_id, signed(size)?))
        .select(checkpoint::note)
        .first(db)
        .optional()?)
}

/// Checkpoints of sizes in a range, in order.
pub fn checkpoints(db: &mut Db, log_id: i64, above: u64, upto: u64) -> Result<Vec<(i64, String)>> {
    Ok(checkpoint::table
        .filter(checkpoint::log_id.eq(log_id))
        .filter(checkpoint::size.gt(signed(above)?).and(checkpoint::size.le(signed(upto)?)))
        .order(checkpoint::size)
        .select((checkpoint::size, checkpoint::note))
        .load(db)?)
}

/// Tiles that stand beyond what a tree of a size has: there must be none.
pub fn count_tiles(db: &mut Db, log_id: i64) -> Result<i64> {
    Ok(log_tile::table.filter(log_tile::log_id.eq(log_id)).count().get_result(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_the_log_and_the_index() {
        for place in [(0, 0), (1, 0), (1, 255), (7, ENTRIES_MAX - 1), (LOGS_MAX - 1, 3)] {
            assert_eq!(entry_of(entry_number(place.0, place.1).unwrap()), place);
        }
        let last = entry_number(1, ENTRIES_MAX - 1).unwrap();
        assert_eq!(last + 1, entry_number(2, 0).unwrap(), "logs lie one behind the other");
        for (log_id, index) in [(-1, 0), (1, -1), (LOGS_MAX, 0), (1, ENTRIES_MAX)] {
            assert!(matches!(entry_number(log_id, index), Err(Error::Bug(_))));
        }
    }

    #[test]
    fn the_numbers_of_some_entries_are_no_others() {
        let first = entry_number(3, 10).unwrap();
        assert_eq!(numbers(3, 10, 14).unwrap(), first..first + 4);
        assert!(numbers(3, 10, 10).unwrap().is_empty() && numbers(3, 10, 9).unwrap().is_empty());
        let rest = numbers(3, 10, ENTRIES_MAX).unwrap();
        assert_eq!(rest, first..entry_number(4, 0).unwrap());
    }
}
