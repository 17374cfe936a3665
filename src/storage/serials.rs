//! Firearms that releases have moved.
use super::Db;
use super::ROWS;
use super::Result;
use super::on;
use super::schema::serial_use;
use diesel::prelude::*;

/// A firearm moved by a release.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = serial_use, treat_none_as_default_value = false)]
pub struct SerialUse {
    /// Maker, model, country of manufacture and serial, folded.
    pub firearm: String,
    /// The serial.
    pub serial: String,
    /// Whose border it crossed.
    pub state: String,
    /// Which way.
    pub movement: String,
    /// Under which licence.
    pub licence: String,
    /// Under which line.
    pub line: i64,
    /// By which release.
    pub release_id: Vec<u8>,
    /// As part of which item.
    pub item: i64,
    /// 1 once it has come back.
    pub settled: i64,
}

/// What has moved of these firearms over a State's border.
pub fn moved(db: &mut Db, firearms: &[String], state: &str) -> Result<Vec<SerialUse>> {
    let over_border = serial_use::table.filter(serial_use::state.eq(state)).order(serial_use::id);
    let mut found = Vec::new();
    match db {
        // A list of any length would be another statement each time; one firearm is prepared once.
        Db::Sqlite(c) => {
            for firearm in firearms {
                let one = over_border.filter(serial_use::firearm.eq(firearm));
                found.extend(one.select(SerialUse::as_select()).load::<SerialUse>(c)?);
            }
        }
        Db::Postgres(c) => {
            for firearms in firearms.chunks(ROWS) {
                let some = over_border.filter(serial_use::firearm.eq_any(firearms));
                found.extend(some.select(SerialUse::as_select()).load::<SerialUse>(c)?);
            }
        }
    }
    Ok(found)
}

/// Writes what a release moves, and settles what these firearms did the other way before.
pub fn insert(db: &mut Db, rows: &[SerialUse]) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        on!(&mut *db, c => diesel::insert_into(serial_use::table).values(rows).execute(c))?;
    }
    for row in rows {
        diesel::update(serial_use::table)
            .filter(serial_use::firearm.eq(&row.firearm).and(serial_use::state.eq(&row.state)))
            .filter(serial_use::movement.ne(&row.movement).and(serial_use::settled.eq(0)))
            .set(serial_use::settled.eq(1))
            .execute(db)?;
    }
    Ok(())
}

/// Forgets what a release moved, once it is undone.
pub fn remove(db: &mut Db, release_id: &[u8]) -> Result<()> {
    diesel::delete(serial_use::table.filter(serial_use::release_id.eq(release_id))).execute(db)?;
    Ok(())
}

/// Every firearm ever moved, in pages: the row, the State and the firearm.
pub fn firearms(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, String, String)>> {
    Ok(serial_use::table
        .filter(serial_use::id.gt(after))
        .order(serial_use::id)
        .limit(limit)
        .select((serial_use::id, serial_use::state, serial_use::firearm))
        .load(db)?)
}
