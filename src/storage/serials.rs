//! Firearms that releases have moved.
use super::Db;
use super::ROWS;
use super::Result;
use super::in_runs;
use super::on;
use super::schema::serial_use;
use diesel::prelude::*;

/// A firearm moved by a release.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = serial_use, treat_none_as_default_value = false)]
pub struct SerialUse {
    /// The serial or alternative marking, in the form in which it is compared.
    pub serial: String,
    /// Maker, folded; empty where it was not declared.
    pub make: String,
    /// Model, the same.
    pub model: String,
    /// Country of manufacture, the same.
    pub country: String,
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
    /// The release by which it has come back.
    pub settled_by: Option<Vec<u8>>,
}

/// What has moved over the border of the States that are asked for, under serials that look like these, which are in
/// the form that all of one look share. Whether it was the same firearm is for the caller to tell.
pub fn moved(
    db: &mut Db,
    looks: &[String],
    is_ours: impl Fn(&str) -> bool,
) -> Result<Vec<SerialUse>> {
    let over_border = serial_use::table.order(serial_use::id);
    let mut found: Vec<SerialUse> = Vec::new();
    match db {
        // A list of any length would be another statement each time; one serial is prepared once.
        Db::Sqlite(c) => {
            for look in looks {
                let one = over_border.filter(serial_use::folded.eq(look));
                found.extend(one.select(SerialUse::as_select()).load::<SerialUse>(c)?);
            }
        }
        Db::Postgres(c) => {
            for looks in looks.chunks(ROWS) {
                let some = over_border.filter(serial_use::folded.eq_any(looks));
                found.extend(some.select(SerialUse::as_select()).load::<SerialUse>(c)?);
            }
        }
    }
    found.retain(|moved| is_ours(&moved.state));
    Ok(found)
}

/// Writes what releases move, no firearm twice, and settles what exactly these firearms did the opposite way before
/// over the same border, by State the one and the other: goods that only pass settle nothing.
pub fn insert(db: &mut Db, rows: &[SerialUse], is_one: impl Fn(&str, &str) -> bool) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(serial_use::table).values(rows).execute(c));
    for row in rows {
        let opposite = match row.movement.as_str() {
            "export" => "import",
            "import" => "export",
            _ => continue,
        };
        let open: Vec<(i64, String)> = on!(&mut *db, c => serial_use::table
            .filter(serial_use::serial.eq(&row.serial).and(serial_use::movement.eq(opposite)))
            .filter(serial_use::make.eq(&row.make).and(serial_use::model.eq(&row.model)))
            .filter(serial_use::country.eq(&row.country).and(serial_use::settled_by.is_null()))
            .select((serial_use::id, serial_use::state))
            .load(c))?;
        for (id, _) in open.iter().filter(|(_, state)| is_one(&row.state, state)) {
            on!(&mut *db, c => diesel::update(serial_use::table.find(id))
                .set(serial_use::settled_by.eq(&row.release_id))
                .execute(c))?;
        }
    }
    Ok(())
}

/// Forgets what a release moved, and what it settled, once it is undone.
pub fn remove(db: &mut Db, release_id: &[u8]) -> Result<()> {
    diesel::delete(serial_use::table.filter(serial_use::release_id.eq(release_id))).execute(db)?;
    diesel::update(serial_use::table.filter(serial_use::settled_by.eq(release_id)))
        .set(serial_use::settled_by.eq(None::<Vec<u8>>))
        .execute(db)?;
    Ok(())
}

/// Every firearm ever moved, in pages: the row and the serial.
pub fn firearms(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    Ok(serial_use::table
        .filter(serial_use::id.gt(after))
        .order(serial_use::id)
        .limit(limit)
        .select((serial_use::id, serial_use::serial))
        .load(db)?)
}
