//! A log's step on a server: its size, its tiles and its checkpoint in one statement, which is parsed
//! once. The size moves only from what its owner believes it to be, and without that nothing is
//! written.
use super::Append;
use super::signed;
use crate::storage::Result;
use diesel::PgConnection;
use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::query_builder::QueryFragment;
use diesel::query_builder::QueryId;
use diesel::sql_types::Array;
use diesel::sql_types::BigInt;
use diesel::sql_types::Binary;
use diesel::sql_types::Text;

struct Step<'a> {
    log_id: i64,
    owner: &'a str,
    from: i64,
    to: i64,
    note: &'a str,
    levels: Vec<i64>,
    tiles: Vec<i64>,
    hashes: Vec<&'a [u8]>,
}

impl QueryId for Step<'_> {
    type QueryId = Step<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<PgConnection> for Step<'_> {}

impl QueryFragment<Pg> for Step<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH moved AS (UPDATE log SET size = ");
        out.push_bind_param::<BigInt, _>(&self.to)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(&self.log_id)?;
        out.push_sql(" AND size = ");
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(" AND owner = ");
        out.push_bind_param::<Text, _>(self.owner)?;
        out.push_sql(
            " RETURNING id, size), noted AS (INSERT INTO checkpoint (log_id, size, note) SELECT id, size, ",
        );
        out.push_bind_param::<Text, _>(self.note)?;
        out.push_sql(
            " FROM moved) INSERT INTO log_tile (log_id, level, tile, hashes) \
             SELECT moved.id, t.level, t.tile, t.hashes FROM moved, unnest(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.levels)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.tiles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.hashes)?;
        out.push_sql(
            ") AS t (level, tile, hashes) \
             ON CONFLICT (log_id, level, tile) DO UPDATE SET hashes = excluded.hashes",
        );
        Ok(())
    }
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
