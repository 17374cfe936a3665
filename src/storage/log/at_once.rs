//! A log's step on a server: its size, its tiles and its checkpoint in one statement, which is parsed
//! once. The size moves only from what its owner believes it to be, and without that nothing is
//! written.
use super::Append;
use super::signed;
use crate::storage::Result;
use crate::storage::kept;
use diesel::PgConnection;
use diesel::RunQueryDsl;
use diesel::sql_types::Array;
use diesel::sql_types::BigInt;
use diesel::sql_types::Binary;
use diesel::sql_types::Text;

kept! {
    [Pg] Step {
        "WITH moved AS (UPDATE log SET size = " to: i64 as BigInt,
        " WHERE id = " log_id: i64 as BigInt,
        " AND size = " from: i64 as BigInt,
        " AND owner = " owner: &'a str as Text,
        " RETURNING id, size), noted AS (INSERT INTO checkpoint (log_id, size, note) SELECT id, size, " note: &'a str as Text,
        " FROM moved) INSERT INTO log_tile (log_id, level, tile, hashes) \
         SELECT moved.id, t.level, t.tile, t.hashes FROM moved, unnest(" levels: Vec<i64> as Array<BigInt>,
        ", " tiles: Vec<i64> as Array<BigInt>,
        ", " hashes: Vec<&'a [u8]> as Array<Binary>,
    } ") AS t (level, tile, hashes) \
       ON CONFLICT (log_id, level, tile) DO UPDATE SET hashes = excluded.hashes"
}

/// Moves a log's size where it is as believed; says whether it was.
pub(super) fn move_to(
    c: &mut PgConnection,
    append: &Append<'_>,
    from: i64,
    to: i64,
) -> Result<bool> {
    let tiles = append.tiles.iter().map(|tile| signed(tile.index)).collect::<Result<_>>()?;
    let step = Step {
        log_id: append.log_id,
        owner: append.owner,
        from,
        to,
        note: append.note,
        levels: append.tiles.iter().map(|tile| i64::from(tile.level)).collect(),
        tiles,
        hashes: append.tiles.iter().map(|tile| tile.bytes.as_slice()).collect(),
    };
    // A log that grows changes a tile at least.
    Ok(step.execute(c)? > 0)
}
