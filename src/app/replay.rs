//! Deriving a past verdict again from its record: same declaration, same facts, same licence
//! versions, same lists, same instant must give the same reply.
use super::Error;
use super::book;
use super::facts_record::FactsRecord;
use super::judge;
use super::judge::Presented;
use super::release::timestamp;
use super::release::uuid;
use crate::audit::entry::salted;
use crate::domain::licence::Licence;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use crate::storage::verifications::VerificationRow;
use serde_json::Value;
use std::sync::Arc;

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The verification's identifier.
    pub verification: String,
    /// The verdict in the record.
    pub recorded: String,
    /// The verdict derived again.
    pub derived: String,
    /// The ruleset in the record.
    pub ruleset: String,
    /// Where they differ, in words; empty where they agree.
    pub differences: Vec<String>,
}

impl Replayed {
    /// Whether the record and the replay agree to the byte.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Replays the verdict that an entry of a log records. `None`: the entry records no verdict.
pub fn replay(
    db: &mut Db,
    log_id: i64,
    index: u64,
    entry: &[u8],
) -> Result<Option<Replayed>, Error> {
    let entry: Value = serde_json::from_slice(entry)
        .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
    if !records_verdict(&entry) {
        return Ok(None);
    }
    let row = row(db, log_id, index)?
        .ok_or_else(|| Error::Internal(format!("the record of entry {index} is gone")))?;
    let mut differences = digests(&entry, &row)?;
    let derived = derive(db, &entry, &row)?;
    compare(&row.reply, &derived, &mut differences);
    let verdict: Value =
        serde_json::from_str(&derived).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some(Replayed {
        verification: uuid(&row.id)?.to_string(),
        recorded: text(&entry, "verdict").to_owned(),
        derived: text(&verdict, "verdict").to_owned(),
        ruleset: text(&entry, "ruleset").to_owned(),
        differences,
    }))
}

/// How what is kept beside an entry differs from its digests. `None`: nothing is kept beside it.
pub fn kept_beside(
    db: &mut Db,
    log_id: i64,
    index: u64,
    entry: &Value,
) -> Result<Option<Vec<String>>, Error> {
    if !records_verdict(entry) {
        return Ok(None);
    }
    Ok(Some(match row(db, log_id, index)? {
        Some(row) => digests(entry, &row)?,
        None => vec!["the record that it names is gone".to_owned()],
    }))
}

pub(super) fn records_verdict(entry: &Value) -> bool {
    matches!(
        text(entry, "kind"),
        "verification"
            | "preclearance"
            | "release_refused"
            | "override_judged"
            | "release_basis"
            | "release_review"
    )
}

fn row(db: &mut Db, log_id: i64, index: u64) -> Result<Option<VerificationRow>, Error> {
    let index = i64::try_from(index).map_err(|_e| Error::NotFound)?;
    Ok(storage::verifications::by_entry(db, log_id, index)?)
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether what stands beside the log is what the entry was made of.
pub(super) fn digests(entry: &Value, row: &VerificationRow) -> Result<Vec<String>, Error> {
    let nonce = nonce(text(entry, "nonce"))
        .ok_or_else(|| Error::Internal("an entry's nonce".to_owned()))?;
    let kept = [
        ("declaration_sha256", row.declaration.as_str()),
        ("facts_sha256", row.facts.as_str()),
        ("reply_sha256", row.reply.as_str()),
    ];
    let differs = kept
        .into_iter()
        .filter(|(field, kept)| salted(nonce, kept.as_bytes()) != text(entry, field));
    Ok(differs.map(|(field, _)| format!("{field} is not the digest of what is kept")).collect())
}

pub(super) fn nonce(hex: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 32).map(u128::to_be_bytes)
}

fn derive(db: &mut Db, entry: &Value, row: &VerificationRow) -> Result<String, Error> {
    let presented = Presented::read(row.declaration.clone(), "/declaration").map_err(|error| {
        Error::Internal(format!("the recorded declaration does not read: {error}"))
    })?;
    let record: FactsRecord = serde_json::from_str(&row.facts)
        .map_err(|error| Error::Internal(format!("recorded facts: {error}")))?;
    let facts = record.facts(|number, version| document(db, number, version))?;
    let lists = lists_of(db, text(entry, "lists"))?;
    let now = timestamp(row.at_us)?;
    let verdict = judge::evaluate(&presented, &facts, &lists, now);
    judge::reply(uuid(&row.id)?, &presented, &facts, &lists, &verdict, now)
}

/// What a version of a licence says.
pub(super) fn document(db: &mut Db, number: &str, version: u32) -> Result<Arc<Licence>, Error> {
    let body = storage::licence_versions::body_of_version(db, number, version)?
        .ok_or_else(|| Error::Internal(format!("licence {number} version {version} is gone")))?;
    Ok(Arc::new(book::licence_of(number, version, &body)?))
}

/// The lists of an edition.
pub fn lists_of(db: &mut Db, edition: &str) -> Result<Lists, Error> {
    let body = storage::lists::read(db, edition)?
        .ok_or_else(|| Error::Internal(format!("edition {edition} of the lists is gone")))?;
    super::lists::read(&body)
        .map_err(|error| Error::Internal(format!("edition {edition} of the lists: {error}")))
}

fn compare(recorded: &str, derived: &str, differences: &mut Vec<String>) {
    if recorded == derived {
        return;
    }
    let parse = |json: &str| {
        serde_json::from_str::<serde_json::Map<String, Value>>(json).unwrap_or_default()
    };
    let (recorded, derived) = (parse(recorded), parse(derived));
    let before = differences.len();
    for (field, value) in &recorded {
        if derived.get(field) != Some(value) {
            let now = derived.get(field).map(ToString::to_string).unwrap_or_default();
            differences.push(format!("{field}: recorded {value}, derived {now}"));
        }
    }
    if differences.len() == before {
        differences.push("the replies differ in their writing".to_owned());
    }
}
