//! Licences, their lines' balances and the ledger.
use super::Db;
use super::Error;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::schema::ledger;
use super::schema::licence;
use super::schema::licence_line;
use crate::domain::Quantity;
use crate::domain::licence::Drawn;
use crate::domain::licence::Standing;
use crate::domain::licence::Status;
use diesel::prelude::*;
use diesel::sql_types::Array;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;
use std::collections::BTreeSet;
use std::collections::HashMap;

/// A licence as it stands.
#[derive(Debug, Clone)]
pub struct LicenceRow {
    /// Row number.
    pub id: i64,
    /// The authority's number.
    pub number: String,
    /// The present version.
    pub version: u32,
    /// Where it stands and what has been drawn.
    pub standing: Standing,
    /// The document, JSON.
    pub body: String,
}

/// A movement of a balance.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = ledger, treat_none_as_default_value = false)]
pub struct LedgerRow {
    /// The licence's row.
    pub licence_id: i64,
    /// The line.
    pub line: i64,
    /// What happened.
    pub kind: String,
    /// Authorised after it, in millionths.
    pub authorised: i64,
    /// Reserved after it.
    pub reserved: i64,
    /// Consumed after it.
    pub consumed: i64,
    /// By how much consumption moved.
    pub consumed_change: i64,
    /// The release that moved it.
    pub release_id: Option<Vec<u8>>,
    /// When.
    pub at_us: i64,
    /// By how much what is held moved.
    pub reserved_change: i64,
    /// The pre-clearance for which it is held.
    pub preclearance_id: Option<Vec<u8>>,
    /// The allowance of a post as which it is held.
    pub allowance_id: Option<Vec<u8>>,
}

/// A new licence's searchable columns.
#[derive(Debug, Insertable)]
#[diesel(table_name = licence, treat_none_as_default_value = false)]
pub struct NewLicence<'a> {
    /// The authority's number.
    pub number: &'a str,
    /// Issuing State.
    pub issuing_state: &'a str,
    /// From.
    pub country_of_export: &'a str,
    /// To.
    pub country_of_import: &'a str,
    /// Where it stands.
    pub status: &'a str,
    /// 1.
    pub version: i64,
    /// The document.
    pub body: &'a str,
}

/// Column order of [`read`].
type Columns = (i64, String, String, i64, i64, i64, String);

/// Reads licences by number, with their balances; numbers that do not exist are left out.
pub fn read(db: &mut Db, numbers: &[&str]) -> Result<Vec<LicenceRow>> {
    let columns = (
        licence::id,
        licence::number,
        licence::status,
        licence::version,
        licence::document_version,
        licence::shipments,
        licence::body,
    );
    let rows: Vec<Columns> = match db {
        _ if numbers.is_empty() => return Ok(Vec::new()),
        // A list of any length would be another statement each time; one number is prepared once.
        Db::Sqlite(c) => {
            let mut rows = Vec::new();
            for number in numbers.iter().collect::<BTreeSet<_>>() {
                let row = licence::table.filter(licence::number.eq(*number)).select(columns);
                rows.extend(row.get_result::<Columns>(c).optional()?);
            }
            rows
        }
        Db::Postgres(c) => licence::table
            .filter(licence::number.eq_any(numbers))
            .order(licence::number)
            .select(columns)
            .load(c)?,
    };
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    let lines = lines(db, &ids)?;
    rows.into_iter().map(|row| whole(row, &lines)).collect()
}

/// A licence's row, a line, what is reserved and consumed of it.
type Line = (i64, i64, i64, i64);

/// The balances of licences, in the order of their rows and lines.
fn lines(db: &mut Db, licences: &[i64]) -> Result<Vec<Line>> {
    let columns = (
        licence_line::licence_id,
        licence_line::line,
        licence_line::reserved,
        licence_line::consumed,
    );
    match db {
        _ if licences.is_empty() => Ok(Vec::new()),
        Db::Sqlite(c) => {
            let mut lines = Vec::new();
            for id in licences.iter().collect::<BTreeSet<_>>() {
                let own = licence_line::table.filter(licence_line::licence_id.eq(id));
                lines.extend(own.order(licence_line::line).select(columns).load::<Line>(c)?);
            }
            Ok(lines)
        }
        Db::Postgres(c) => Ok(licence_line::table
            .filter(licence_line::licence_id.eq_any(licences))
            .order((licence_line::licence_id, licence_line::line))
            .select(columns)
            .load(c)?),
    }
}

fn whole(
    (id, number, status, version, document_version, shipments, body): Columns,
    lines: &[Line],
) -> Result<LicenceRow> {
    let corrupt = |what: &str| Error::Corrupt(format!("licence {number}: {what}"));
    let status = Status::parse(&status).ok_or_else(|| corrupt("status"))?;
    let from = lines.partition_point(|(licence, ..)| *licence < id);
    let own = lines.get(from..).unwrap_or_default().iter().take_while(|(of, ..)| *of == id);
    let drawn = own
        .map(|&(_, line, reserved, consumed)| {
            Some(Drawn {
                line: u32::try_from(line).ok()?,
                reserved: Quantity::from_micros(reserved)?,
                consumed: Quantity::from_micros(consumed)?,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| corrupt("a balance"))?;
    let decisions = u32::try_from(version - document_version)
        .map_err(|_e| corrupt("the version of its document"))?;
    let version = u32::try_from(version).map_err(|_e| corrupt("version"))?;
    let shipments = u32::try_from(shipments).map_err(|_e| corrupt("shipments"))?;
    let standing = Standing { status, shipments, decisions, drawn };
    Ok(LicenceRow { id, number, version, standing, body })
}

/// The numbers of licences.
pub fn numbers(db: &mut Db, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let numbers = in_chunks(ids, |ids| {
        let known = licence::table.filter(licence::id.eq_any(ids));
        known.select((licence::id, licence::number)).load(db)
    })?;
    Ok(numbers.into_iter().collect())
}

/// The number of a licence's row.
pub fn number(db: &mut Db, id: i64) -> Result<String> {
    Ok(licence::table.find(id).select(licence::number).first(db)?)
}

/// Inserts a licence; gives its row number.
pub fn insert(db: &mut Db, new: &NewLicence<'_>) -> Result<i64> {
    Ok(diesel::insert_into(licence::table).values(new).returning(licence::id).get_result(db)?)
}

/// Writes how often licences have been drawn upon.
pub fn update_shipments(db: &mut Db, shipments: &[(i64, u32)]) -> Result<()> {
    if shipments.is_empty() {
        return Ok(());
    }
    match db {
        Db::Sqlite(c) => {
            for (id, shipments) in shipments {
                diesel::update(licence::table.find(id))
                    .set(licence::shipments.eq(i64::from(*shipments)))
                    .execute(c)?;
            }
        }
        Db::Postgres(c) => {
            let (ids, counts): (Vec<i64>, Vec<i64>) =
                shipments.iter().map(|(id, count)| (*id, i64::from(*count))).unzip();
            diesel::sql_query(
                "UPDATE licence SET shipments = n.shipments \
                 FROM unnest($1, $2) AS n (id, shipments) \
                 WHERE licence.id = n.id AND licence.shipments <> n.shipments",
            )
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<BigInt>, _>(counts)
            .execute(c)?;
        }
    }
    Ok(())
}

/// A line's balance as it is written.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = licence_line, treat_none_as_default_value = false)]
pub struct LineRow {
    licence_id: i64,
    line: i64,
    authorised: i64,
    reserved: i64,
    consumed: i64,
}

impl LineRow {
    /// What is authorised and drawn of a line.
    pub fn new(licence_id: i64, drawn: Drawn, authorised: Quantity) -> Self {
        Self {
            licence_id,
            line: i64::from(drawn.line),
            authorised: authorised.micros(),
            reserved: drawn.reserved.micros(),
            consumed: drawn.consumed.micros(),
        }
    }
}

/// Writes lines' balances, whether or not the lines are new; here too by statements that are kept.
pub fn put_lines(db: &mut Db, rows: &[LineRow]) -> Result<()> {
    if let Db::Sqlite(c) = db {
        for row in rows {
            let line = licence_line::table.find((row.licence_id, row.line));
            let balance = (
                licence_line::authorised.eq(row.authorised),
                licence_line::reserved.eq(row.reserved),
                licence_line::consumed.eq(row.consumed),
            );
            if diesel::update(line).set(balance).execute(c)? == 0 {
                diesel::insert_into(licence_line::table).values(row).execute(c)?;
            }
        }
        return Ok(());
    }
    in_runs!(db, rows, (c, rows) => diesel::insert_into(licence_line::table)
        .values(rows)
        .on_conflict((licence_line::licence_id, licence_line::line))
        .do_update()
        .set((
            licence_line::authorised.eq(excluded(licence_line::authorised)),
            licence_line::reserved.eq(excluded(licence_line::reserved)),
            licence_line::consumed.eq(excluded(licence_line::consumed)),
        ))
        .execute(c));
    Ok(())
}

/// Removes lines that an amendment no longer has.
pub fn remove_lines_except(db: &mut Db, id: i64, lines: &[i64]) -> Result<()> {
    diesel::delete(
        licence_line::table
            .filter(licence_line::licence_id.eq(id))
            .filter(licence_line::line.ne_all(lines)),
    )
    .execute(db)?;
    Ok(())
}

/// Writes movements into the ledger.
pub fn insert_ledger(db: &mut Db, rows: &[LedgerRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(ledger::table).values(rows).execute(c));
    Ok(())
}

/// Reads the ledger of a licence after a row, with the rows' numbers.
pub fn ledger(db: &mut Db, id: i64, after: i64, limit: i64) -> Result<Vec<(i64, LedgerRow)>> {
    Ok(ledger::table
        .filter(ledger::licence_id.eq(id).and(ledger::id.gt(after)))
        .order(ledger::id)
        .limit(limit)
        .select((ledger::id, LedgerRow::as_select()))
        .load(db)?)
}

/// A page of licences of a State, by row number.
pub fn page(db: &mut Db, state: &str, after: i64, limit: i64) -> Result<Vec<(i64, String)>> {
    Ok(licence::table
        .filter(licence::id.gt(after))
        .filter(licence::issuing_state.eq(state))
        .order(licence::id)
        .limit(limit)
        .select((licence::id, licence::number))
        .load(db)?)
}
