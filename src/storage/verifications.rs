//! Recorded verdicts.
use super::Db;
use super::Result;
use super::db::STREAMED_FROM;
use super::in_runs;
use super::log::entry_number;
use super::log::entry_of;
use super::on;
use super::packed::Dictionary;
use super::packed::Packed;
use super::packed::unpack_values;
use super::schema::log;
use super::schema::verification;
use diesel::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

/// A verdict.
#[derive(Debug, Clone)]
pub struct VerificationRow {
    /// UUID.
    pub id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `clear`, `refer` or `hold`.
    pub outcome: String,
    /// Who asked.
    pub caller: String,
    /// The declaration as received.
    pub declaration: String,
    /// What was looked up.
    pub facts: String,
    /// What was answered, but for the audit reference.
    pub reply: String,
    /// When.
    pub at_us: i64,
}

/// The same as it is kept, its documents packed.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = verification, treat_none_as_default_value = false)]
pub struct PackedRow {
    /// UUID.
    pub id: Vec<u8>,
    /// State of the post.
    pub state: String,
    /// The post.
    pub border_post: String,
    /// `clear`, `refer` or `hold`.
    pub outcome: String,
    /// Who asked.
    pub caller: String,
    /// [`documents`].
    pub record: Vec<u8>,
    /// When.
    pub at_us: i64,
}

/// Packs what is kept of a verdict: the declaration as received, what was looked up, and what was
/// answered.
pub fn documents(declaration: &str, facts: &str, reply: &str) -> Result<Vec<u8>> {
    let Packed(record) = Packed::values(&(declaration, facts, reply), Dictionary::Record)?;
    Ok(record)
}

fn unpacked(id: &[u8], record: &[u8]) -> Result<(String, String, String)> {
    let what = || match Uuid::from_slice(id) {
        Ok(id) => format!("the record of verification {id}"),
        Err(_) => "the record of a verification".to_owned(),
    };
    unpack_values(record, &what)
}

impl VerificationRow {
    /// Packs it.
    pub fn packed(&self) -> Result<PackedRow> {
        Ok(PackedRow {
            id: self.id.clone(),
            state: self.state.clone(),
            border_post: self.border_post.clone(),
            outcome: self.outcome.clone(),
            caller: self.caller.clone(),
            record: documents(&self.declaration, &self.facts, &self.reply)?,
            at_us: self.at_us,
        })
    }
}

impl PackedRow {
    fn unpacked(self) -> Result<VerificationRow> {
        let (declaration, facts, reply) = unpacked(&self.id, &self.record)?;
        let Self { id, state, border_post, outcome, caller, at_us, .. } = self;
        Ok(VerificationRow {
            id,
            state,
            border_post,
            outcome,
            caller,
            declaration,
            facts,
            reply,
            at_us,
        })
    }
}

/// A verdict with the entry that records it.
#[derive(Debug, Clone)]
pub struct EnteredRow {
    /// The verdict.
    pub row: Arc<PackedRow>,
    /// The number of the entry that records it.
    pub entry: i64,
}

type Entry = diesel::dsl::Eq<verification::entry, i64>;

impl Insertable<verification::table> for EnteredRow {
    type Values = <(Entry, PackedRow) as Insertable<verification::table>>::Values;

    fn values(self) -> Self::Values {
        (verification::entry.eq(self.entry), Arc::unwrap_or_clone(self.row)).values()
    }
}

impl<'a> Insertable<verification::table> for &'a EnteredRow {
    type Values = <(Entry, &'a PackedRow) as Insertable<verification::table>>::Values;

    fn values(self) -> Self::Values {
        (verification::entry.eq(self.entry), self.row.as_ref()).values()
    }
}

/// The same in one piece: a stream takes no row that is made of two.
#[derive(Insertable)]
#[diesel(table_name = verification, treat_none_as_default_value = false)]
struct WholeRow<'a> {
    entry: i64,
    id: &'a [u8],
    state: &'a str,
    border_post: &'a str,
    outcome: &'a str,
    caller: &'a str,
    record: &'a [u8],
    at_us: i64,
}

impl EnteredRow {
    fn whole(&self) -> WholeRow<'_> {
        let row = self.row.as_ref();
        WholeRow {
            entry: self.entry,
            id: &row.id,
            state: &row.state,
            border_post: &row.border_post,
            outcome: &row.outcome,
            caller: &row.caller,
            record: &row.record,
            at_us: row.at_us,
        }
    }
}

/// Writes verdicts.
pub fn insert(db: &mut Db, rows: &[EnteredRow]) -> Result<()> {
    match db {
        Db::Postgres(c) if rows.len() >= STREAMED_FROM => {
            let rows: Vec<WholeRow<'_>> = rows.iter().map(EnteredRow::whole).collect();
            diesel::copy_from(verification::table).from_insertable(&rows).execute(c)?;
        }
        Db::Sqlite(_) | Db::Postgres(_) => in_runs!(db, rows, (c, rows) => {
            diesel::insert_into(verification::table).values(rows).execute(c)
        }),
    }
    Ok(())
}

/// Reads one.
pub fn read(db: &mut Db, id: Uuid) -> Result<Option<VerificationRow>> {
    let row = verification::table.filter(verification::id.eq(id.as_bytes().to_vec()));
    let row: Option<PackedRow> =
        on!(db, c => row.select(PackedRow::as_select()).get_result(c)).optional()?;
    row.map(PackedRow::unpacked).transpose()
}

/// Reads the one that a log's entry records.
pub fn by_entry(db: &mut Db, log_id: i64, index: i64) -> Result<Option<VerificationRow>> {
    let row: Option<PackedRow> = verification::table
        .find(entry_number(log_id, index)?)
        .select(PackedRow::as_select())
        .first(db)
        .optional()?;
    row.map(PackedRow::unpacked).transpose()
}

/// How far back verdicts are looked through for a text in their declaration, over all posts.
const LOOKED_THROUGH: i64 = 20_000;
/// Verdicts that are unpacked at a time.
const LOOKED_AT: i64 = 500;

/// The latest verdicts of posts of a State whose declaration has a text in it, the latest first: identifier
/// and declaration. What was referred, held or released has an index of its own; what was only cleared is
/// rarely asked for, and an index of it would cost every verdict.
pub fn with_text(
    db: &mut Db,
    (state, posts): (&str, &[String]),
    text: &str,
    limit: i64,
) -> Result<Vec<(Vec<u8>, String)>> {
    let oldest: Option<Vec<u8>> = verification::table
        .order(verification::id.desc())
        .offset(LOOKED_THROUGH)
        .select(verification::id)
        .first(db)
        .optional()?;
    let (oldest, text) = (oldest.unwrap_or_default(), text.to_ascii_lowercase());
    let (mut found, mut before) = (Vec::new(), vec![u8::MAX; 16]);
    loop {
        let page: Vec<(Vec<u8>, Vec<u8>)> = verification::table
            .filter(verification::id.gt(&oldest).and(verification::id.lt(&before)))
            .filter(verification::state.eq(state))
            .filter(verification::border_post.eq_any(posts))
            .order(verification::id.desc())
            .limit(LOOKED_AT)
            .select((verification::id, verification::record))
            .load(db)?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        before.clone_from(last);
        for (id, record) in page {
            let (declaration, ..) = unpacked(&id, &record)?;
            if declaration.to_ascii_lowercase().contains(&text) {
                found.push((id, declaration));
            }
            if i64::try_from(found.len()).is_ok_and(|count| count == limit) {
                return Ok(found);
            }
        }
    }
}

/// The log and the index of the entry that records one.
pub fn place(db: &mut Db, id: Uuid) -> Result<Option<(i64, i64)>> {
    let entry: Option<i64> = verification::table
        .filter(verification::id.eq(id.as_bytes().to_vec()))
        .select(verification::entry)
        .first(db)
        .optional()?;
    Ok(entry.map(entry_of))
}

/// Reads one with the log and the index of the entry that records it.
pub fn entered(db: &mut Db, id: Uuid) -> Result<Option<(VerificationRow, String, i64)>> {
    let Some(row) = read(db, id)? else { return Ok(None) };
    let entry: i64 = verification::table
        .filter(verification::id.eq(id.as_bytes().to_vec()))
        .select(verification::entry)
        .first(db)?;
    let (log_id, index) = entry_of(entry);
    let origin = log::table.find(log_id).select(log::origin).first(db)?;
    Ok(Some((row, origin, index)))
}
