//! What is set aside for posts that may be cut off: quantities and firearms.
use super::Db;
use super::ROWS;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::post_schema::allowance;
use super::post_schema::allowance_line;
use super::post_schema::allowance_serial;
use diesel::prelude::*;

/// An allowance as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = allowance, treat_none_as_default_value = false)]
pub struct AllowanceRow {
    /// UUID.
    pub id: Vec<u8>,
    /// The post.
    pub border_post: String,
    /// Whose licence it is.
    pub state: String,
    /// The licence's row.
    pub licence_id: i64,
    /// The licence.
    pub licence: String,
    /// `set_aside`, `out`, `returned`, `withdrawn` or `lost`.
    pub status: String,
    /// The post's log that it was handed out to.
    pub log: Option<String>,
    /// Why it is lost.
    pub reason: Option<String>,
    /// Who set it aside.
    pub actor: String,
    /// When.
    pub at_us: i64,
    /// When it last changed.
    pub changed_us: i64,
}

/// What is set aside of a line.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = allowance_line)]
pub struct AllowanceLineRow {
    /// The allowance.
    pub allowance_id: Vec<u8>,
    /// The line.
    pub line: i64,
    /// How much, in millionths.
    pub quantity: i64,
    /// How much of it the post has drawn, as far as is known.
    pub drawn: i64,
}

/// A firearm that is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = allowance_serial, treat_none_as_default_value = false)]
pub struct AllowanceSerialRow {
    /// The allowance.
    pub allowance_id: Vec<u8>,
    /// The post.
    pub border_post: String,
    /// The post's log.
    pub log: Option<String>,
    /// The licence.
    pub licence: String,
    /// The line.
    pub line: i64,
    /// The serial, in the form in which it is compared.
    pub serial: String,
}

/// Where nothing has come back yet.
const OPEN: [&str; 2] = ["set_aside", "out"];

/// Writes an allowance.
pub fn insert(
    db: &mut Db,
    row: &AllowanceRow,
    lines: &[AllowanceLineRow],
    serials: &[AllowanceSerialRow],
) -> Result<()> {
    diesel::insert_into(allowance::table).values(row).execute(db)?;
    in_runs!(db, lines, (c, rows) => diesel::insert_into(allowance_line::table).values(rows).execute(c));
    insert_serials(db, serials)
}

/// Writes firearms that are set aside.
pub fn insert_serials(db: &mut Db, serials: &[AllowanceSerialRow]) -> Result<()> {
    in_runs!(db, serials, (c, rows) => diesel::insert_into(allowance_serial::table).values(rows).execute(c));
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: &[u8]) -> Result<Option<AllowanceRow>> {
    Ok(allowance::table
        .filter(allowance::id.eq(id))
        .select(AllowanceRow::as_select())
        .first(db)
        .optional()?)
}

/// A page of a post's, of the licences of one State or of all.
pub fn page(
    db: &mut Db,
    post: &str,
    state: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, AllowanceRow)>> {
    let of_post = allowance::table
        .filter(allowance::border_post.eq(post))
        .filter(allowance::number.gt(after))
        .order(allowance::number)
        .limit(limit)
        .select((allowance::number, AllowanceRow::as_select()));
    Ok(match state {
        Some(state) => of_post.filter(allowance::state.eq(state)).load(db)?,
        None => of_post.load(db)?,
    })
}

/// A post's that nothing has come back of yet, in the order of their making.
pub fn open_at(db: &mut Db, post: &str) -> Result<Vec<AllowanceRow>> {
    Ok(allowance::table
        .filter(allowance::border_post.eq(post))
        .filter(allowance::status.eq_any(OPEN))
        .order(allowance::number)
        .select(AllowanceRow::as_select())
        .load(db)?)
}

/// A licence's that nothing has come back of yet.
pub fn open_on(db: &mut Db, licence_id: i64) -> Result<Vec<AllowanceRow>> {
    Ok(allowance::table
        .filter(allowance::licence_id.eq(licence_id))
        .filter(allowance::status.eq_any(OPEN))
        .order(allowance::number)
        .select(AllowanceRow::as_select())
        .load(db)?)
}

/// Those that a post's log was handed and has not given up, in the order of their making.
pub fn of_log(db: &mut Db, log: &str) -> Result<Vec<AllowanceRow>> {
    Ok(allowance::table
        .filter(allowance::log.eq(log))
        .filter(allowance::status.eq_any(["out", "lost"]))
        .order(allowance::number)
        .select(AllowanceRow::as_select())
        .load(db)?)
}

/// The lines of one.
pub fn lines(db: &mut Db, id: &[u8]) -> Result<Vec<AllowanceLineRow>> {
    Ok(allowance_line::table
        .filter(allowance_line::allowance_id.eq(id))
        .order(allowance_line::line)
        .select(AllowanceLineRow::as_select())
        .load(db)?)
}

/// Writes where one stands.
pub fn update(db: &mut Db, row: &AllowanceRow) -> Result<()> {
    diesel::update(allowance::table.filter(allowance::id.eq(&row.id)))
        .set((
            allowance::status.eq(&row.status),
            allowance::log.eq(&row.log),
            allowance::reason.eq(&row.reason),
            allowance::changed_us.eq(row.changed_us),
        ))
        .execute(db)?;
    diesel::update(allowance_serial::table.filter(allowance_serial::allowance_id.eq(&row.id)))
        .set(allowance_serial::log.eq(&row.log))
        .execute(db)?;
    Ok(())
}

/// Writes how much of a line is drawn.
pub fn update_drawn(db: &mut Db, row: &AllowanceLineRow) -> Result<()> {
    diesel::update(allowance_line::table.find((&row.allowance_id, row.line)))
        .set(allowance_line::drawn.eq(row.drawn))
        .execute(db)?;
    Ok(())
}

/// The firearms of one.
pub fn serials(db: &mut Db, id: &[u8]) -> Result<Vec<AllowanceSerialRow>> {
    Ok(allowance_serial::table
        .filter(allowance_serial::allowance_id.eq(id))
        .order(allowance_serial::row)
        .select(AllowanceSerialRow::as_select())
        .load(db)?)
}

/// What is set aside of firearms with these serials.
pub fn set_aside(db: &mut Db, serials: &[String]) -> Result<Vec<AllowanceSerialRow>> {
    in_chunks(serials, |serials| {
        allowance_serial::table
            .filter(allowance_serial::serial.eq_any(serials))
            .order(allowance_serial::row)
            .select(AllowanceSerialRow::as_select())
            .load(db)
    })
}

/// The firearms of an allowance are not set aside any more.
pub fn free_serials(db: &mut Db, id: &[u8]) -> Result<()> {
    let of = allowance_serial::table.filter(allowance_serial::allowance_id.eq(id));
    diesel::delete(of).execute(db)?;
    Ok(())
}

/// Firearms that a post has released are not set aside for it any more.
pub fn free_released(db: &mut Db, log: &str, serials: &[String]) -> Result<()> {
    for serials in serials.chunks(ROWS) {
        let of = allowance_serial::table
            .filter(allowance_serial::serial.eq_any(serials))
            .filter(allowance_serial::log.eq(log));
        diesel::delete(of).execute(db)?;
    }
    Ok(())
}

/// Nothing is set aside any more: a post takes another snapshot.
pub fn free_all_serials(db: &mut Db) -> Result<()> {
    diesel::delete(allowance_serial::table).execute(db)?;
    Ok(())
}

/// Every firearm set aside, in pages: the row and the serial.
pub fn firearms(db: &mut Db, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    Ok(allowance_serial::table
        .filter(allowance_serial::row.gt(after))
        .order(allowance_serial::row)
        .limit(limit)
        .select((allowance_serial::row, allowance_serial::serial))
        .load(db)?)
}
