//! Receipts of goods that were released for export, and what happened to them.
use super::Db;
use super::Result;
use super::in_chunks;
use super::in_runs;
use super::journey_schema::receipt;
use super::journey_schema::receipt_step;
use diesel::prelude::*;
use uuid::Uuid;

/// A receipt as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = receipt, treat_none_as_default_value = false)]
pub struct ReceiptRow {
    /// UUID.
    pub id: Vec<u8>,
    /// The release for export.
    pub release_id: Vec<u8>,
    /// From.
    pub exporting_state: String,
    /// To.
    pub importing_state: String,
    /// The post of export.
    pub border_post: String,
    /// The consignment's reference.
    pub ucr: Option<String>,
    /// The export declaration's reference.
    pub reference: String,
    /// `outstanding`, `requested`, `answered`, `confirmed`, `withdrawn`.
    pub status: String,
    /// `nothing`, `partial`, `complete`, `short`, `differs`, `surplus`.
    pub result: String,
    /// Counts from 1 with each step.
    pub version: i64,
    /// What has arrived, JSON.
    pub tally: String,
    /// When the goods left.
    pub left_us: Option<i64>,
    /// The end of the period for the proof.
    pub due_us: Option<i64>,
    /// Steps taken since that ended.
    pub escalation: i64,
    /// When the goods were released.
    pub released_us: i64,
}

/// A step in a receipt's life.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = receipt_step, treat_none_as_default_value = false)]
pub struct StepRow {
    /// The receipt.
    pub receipt_id: Vec<u8>,
    /// The receipt's version after it.
    pub version: i64,
    /// `released`, `left`, `arrived` and the like.
    pub step: String,
    /// State of who acted.
    pub state: String,
    /// How the receipt stood after it.
    pub result: String,
    /// The proof.
    pub document: Option<String>,
    /// In words.
    pub note: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at_us: i64,
    /// The log.
    pub log_id: i64,
    /// The entry's index in it.
    pub log_index: i64,
}

/// Which receipts of a State are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Those that stand so.
    pub status: Option<String>,
    /// Those that turned out so.
    pub result: Option<String>,
    /// Those whose period had ended by then without a confirmation.
    pub overdue_at_us: Option<i64>,
    /// Those of a consignment.
    pub ucr: Option<String>,
}

/// Writes new ones.
pub fn insert(db: &mut Db, rows: &[ReceiptRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(receipt::table).values(rows).execute(c));
    Ok(())
}

/// Writes a receipt as it stands after a step, unless another step came in between.
pub fn update(db: &mut Db, row: &ReceiptRow) -> Result<bool> {
    let before = receipt::version.eq(row.version - 1);
    let changed = diesel::update(receipt::table.filter(receipt::id.eq(&row.id).and(before)))
        .set((
            receipt::importing_state.eq(&row.importing_state),
            receipt::ucr.eq(&row.ucr),
            receipt::status.eq(&row.status),
            receipt::result.eq(&row.result),
            receipt::version.eq(row.version),
            receipt::tally.eq(&row.tally),
            receipt::left_us.eq(row.left_us),
            receipt::due_us.eq(row.due_us),
            receipt::escalation.eq(row.escalation),
        ))
        .execute(db)?;
    Ok(changed == 1)
}

/// Writes steps.
pub fn insert_steps(db: &mut Db, rows: &[StepRow]) -> Result<()> {
    in_runs!(db, rows, (c, rows) => diesel::insert_into(receipt_step::table).values(rows).execute(c));
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: Uuid) -> Result<Option<ReceiptRow>> {
    Ok(receipt::table
        .filter(receipt::id.eq(id.as_bytes().to_vec()))
        .select(ReceiptRow::as_select())
        .first(db)
        .optional()?)
}

/// Those of releases.
pub fn of_releases(db: &mut Db, releases: &[Vec<u8>]) -> Result<Vec<ReceiptRow>> {
    in_chunks(releases, |releases| {
        receipt::table
            .filter(receipt::release_id.eq_any(releases))
            .order(receipt::row)
            .select(ReceiptRow::as_select())
            .load(db)
    })
}

/// A page of the receipts to which a State is party, with their row numbers.
pub fn page(
    db: &mut Db,
    state: &str,
    asked: &Asked,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, ReceiptRow)>> {
    let party = receipt::exporting_state.eq(state).or(receipt::importing_state.eq(state));
    let mut query = receipt::table.filter(receipt::row.gt(after).and(party)).into_boxed();
    if let Some(status) = &asked.status {
        query = query.filter(receipt::status.eq(status));
    }
    if let Some(result) = &asked.result {
        query = query.filter(receipt::result.eq(result));
    }
    if let Some(at_us) = asked.overdue_at_us {
        query = query
            .filter(receipt::due_us.lt(at_us))
            .filter(receipt::status.ne("confirmed").and(receipt::status.ne("withdrawn")));
    }
    if let Some(ucr) = &asked.ucr {
        query = query.filter(receipt::ucr.eq(ucr));
    }
    Ok(query
        .order(receipt::row)
        .limit(limit)
        .select((receipt::row, ReceiptRow::as_select()))
        .load(db)?)
}

/// The steps of receipts, in order.
pub fn steps(db: &mut Db, receipts: &[Vec<u8>]) -> Result<Vec<StepRow>> {
    in_chunks(receipts, |receipts| {
        receipt_step::table
            .filter(receipt_step::receipt_id.eq_any(receipts))
            .order((receipt_step::receipt_id, receipt_step::version))
            .select(StepRow::as_select())
            .load(db)
    })
}
