//! A piece of a post's log as it comes back, read whole before anything is written: every entry in its place, and
//! beside each verdict and release what its digests promise.
use crate::app::Error;
use crate::app::draws::Drawing;
use crate::app::draws::digest;
use crate::app::judge::Presented;
use crate::app::replay::digests;
use crate::app::replay::nonce;
use crate::app::replay::records_verdict;
use crate::app::replay::text;
use crate::audit::Hash;
use crate::audit::entry::ENTRY_BYTES_MAX;
use crate::audit::entry::salted;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::storage::verifications::VerificationRow;
use crate::wire::FieldError;
use crate::wire::post::RETURN_ENTRIES_MAX;
use crate::wire::post::ReturnRequest;
use crate::wire::post::ReturnedDraw;
use crate::wire::post::ReturnedVerdict;
use serde_json::Value;
use std::collections::HashSet;
use uuid::Uuid;

/// A piece that reads.
pub struct Piece {
    /// The post's log.
    pub log: String,
    /// The index of the first entry.
    pub from: u64,
    /// The entries.
    pub entries: Vec<Entry>,
    /// The checkpoints.
    pub checkpoints: Vec<String>,
}

/// An entry of a post's log.
pub struct Entry {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its leaf.
    pub leaf: Hash,
    /// Its kind.
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// Its members.
    pub body: Value,
    /// What is kept beside it.
    pub beside: Beside,
}

/// What is kept beside an entry.
pub enum Beside {
    /// Nothing.
    Nothing,
    /// Of a verdict.
    Verdict(Box<Verdict>),
    /// Of a release: who made it, and what it draws.
    Release { id: Uuid, verification: Uuid, caller: String, draws: Vec<Drawing> },
}

/// What is kept beside a verdict.
pub struct Verdict {
    /// The row.
    pub row: VerificationRow,
    /// The declaration.
    pub presented: Presented,
}

fn fault(path: String, code: &str, words: impl Into<String>) -> FieldError {
    FieldError::new(path, code, words)
}

impl Piece {
    /// Reads a return.
    pub fn read(sent: ReturnRequest) -> Result<Self, Error> {
        let invalid = |error: FieldError| Error::Invalid(vec![error]);
        let count = sent.entries.len();
        if count == 0 || count > RETURN_ENTRIES_MAX {
            let words = format!("1 to {RETURN_ENTRIES_MAX} entries, these are {count}");
            return Err(invalid(fault("/entries".to_owned(), "out_of_range", words)));
        }
        let log = sent.log_name().map_err(Error::Invalid)?;
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for (place, index) in (0..count).zip(sent.from..) {
            entries.push(entry(&sent, place, index).map_err(invalid)?);
        }
        beside_nothing(&sent, &entries).map_or(Ok(()), |error| Err(invalid(error)))?;
        Ok(Self { log, from: sent.from, entries, checkpoints: sent.checkpoints })
    }
}

/// The first record that belongs to no entry here.
fn beside_nothing(sent: &ReturnRequest, entries: &[Entry]) -> Option<FieldError> {
    let beside = |index: u64| {
        let place = usize::try_from(index.checked_sub(sent.from)?).ok()?;
        entries.get(place).map(|entry| &entry.beside)
    };
    let words = "it belongs to no such entry here";
    let verdict =
        sent.verdicts.iter().position(|of| !matches!(beside(of.index), Some(Beside::Verdict(_))));
    let release = sent
        .releases
        .iter()
        .position(|of| !matches!(beside(of.index), Some(Beside::Release { .. })));
    let of_verdict = verdict.map(|place| format!("/verdicts/{place}"));
    let path = of_verdict.or_else(|| release.map(|place| format!("/releases/{place}")))?;
    Some(fault(path, "beside_nothing", words))
}

fn entry(sent: &ReturnRequest, place: usize, index: u64) -> Result<Entry, FieldError> {
    let path = format!("/entries/{place}");
    let bad = |code: &str, words: String| fault(path.clone(), code, words);
    let bytes = sent.entries.get(place).cloned().unwrap_or_default().into_bytes();
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(bad("too_long", format!("more than {ENTRY_BYTES_MAX} bytes")));
    }
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|error| bad("not_json", error.to_string()))?;
    let at: Timestamp = text(&body, "at")
        .parse()
        .map_err(|_e| bad("not_an_entry", "it does not say when".to_owned()))?;
    let kind = text(&body, "kind").to_owned();
    if kind.is_empty() || nonce(text(&body, "nonce")).is_none() {
        return Err(bad("not_an_entry", "it says neither what it is nor its nonce".to_owned()));
    }
    let beside = if records_verdict(&body) {
        Beside::Verdict(Box::new(verdict(sent, index, &body, at)?))
    } else if kind == "release" {
        release(sent, index, &body, &path)?
    } else {
        Beside::Nothing
    };
    Ok(Entry { leaf: tlog_tiles::record_hash(&bytes), bytes, kind, at, body, beside })
}

/// The identifier that an entry states.
fn id(body: &Value, field: &str, path: &str) -> Result<Uuid, FieldError> {
    Uuid::parse_str(text(body, field))
        .map_err(|_e| fault(path.to_owned(), "not_an_entry", format!("{field} is no identifier")))
}

/// Whether somebody is the one whom an entry names by a digest.
fn is_actor(body: &Value, caller: &str) -> bool {
    let actor = body.get("actor").map(|actor| text(actor, "subject_sha256")).unwrap_or_default();
    nonce(text(body, "nonce")).is_some_and(|nonce| salted(nonce, caller.as_bytes()) == actor)
}

fn verdict(
    sent: &ReturnRequest,
    index: u64,
    body: &Value,
    at: Timestamp,
) -> Result<Verdict, FieldError> {
    let found = sent.verdicts.iter().position(|of| of.index == index);
    let place = found.ok_or_else(|| {
        fault("/verdicts".to_owned(), "required", format!("entry {index} records a verdict"))
    })?;
    let path = format!("/verdicts/{place}");
    let kept = sent.verdicts.get(place).cloned().unwrap_or_default();
    if !is_actor(body, &kept.caller) {
        let words = format!("it is not whom entry {index} names");
        return Err(fault(format!("{path}/caller"), "digest_differs", words));
    }
    let ReturnedVerdict { caller, declaration, facts, reply, .. } = kept;
    let actor = body.get("actor").map(|actor| text(actor, "state")).unwrap_or_default();
    let row = VerificationRow {
        id: id(body, "verification", &path)?.as_bytes().to_vec(),
        state: actor.to_owned(),
        border_post: text(body, "border_post").to_owned(),
        outcome: text(body, "verdict").to_owned(),
        caller,
        declaration,
        facts,
        reply,
        at_us: at.as_microsecond(),
    };
    let differs = digests(body, &row)
        .map_err(|error| fault(path.clone(), "not_an_entry", error.to_string()))?;
    if let Some(difference) = differs.first() {
        return Err(fault(path, "digest_differs", format!("entry {index}: {difference}")));
    }
    let presented = Presented::read(row.declaration.clone(), "/declaration").map_err(|error| {
        fault(format!("{path}/declaration"), "not_a_declaration", error.to_string())
    })?;
    Ok(Verdict { row, presented })
}

fn release(sent: &ReturnRequest, index: u64, body: &Value, at: &str) -> Result<Beside, FieldError> {
    let found = sent.releases.iter().position(|of| of.index == index);
    let place = found.ok_or_else(|| {
        fault("/releases".to_owned(), "required", format!("entry {index} records a release"))
    })?;
    let path = format!("/releases/{place}");
    let kept = sent.releases.get(place).cloned().unwrap_or_default();
    if !is_actor(body, &kept.caller) {
        let words = format!("it is not whom entry {index} names");
        return Err(fault(format!("{path}/caller"), "digest_differs", words));
    }
    let draws = draws(kept.draws, &format!("{path}/draws"))?;
    let all = digest_of_draws(body, &draws)
        .map_err(|error| fault(format!("{path}/draws"), "not_an_entry", error.to_string()))?;
    if all.as_deref() != Some(text(body, "draws_sha256"))
        || body.get("draws_total").and_then(Value::as_u64) != u64::try_from(draws.len()).ok()
    {
        let words = format!("entry {index} is a digest of other draws");
        return Err(fault(format!("{path}/draws"), "digest_differs", words));
    }
    Ok(Beside::Release {
        id: id(body, "release", at)?,
        verification: id(body, "verification", at)?,
        caller: kept.caller,
        draws,
    })
}

fn digest_of_draws(body: &Value, draws: &[Drawing]) -> Result<Option<String>, Error> {
    nonce(text(body, "nonce")).map(|nonce| digest(nonce, draws)).transpose()
}

/// What a release draws, each line once an item.
fn draws(sent: Vec<ReturnedDraw>, path: &str) -> Result<Vec<Drawing>, FieldError> {
    let (mut seen, mut draws) = (HashSet::new(), Vec::with_capacity(sent.len()));
    for (place, draw) in sent.into_iter().enumerate() {
        let ReturnedDraw { item, licence, line, quantity } = draw;
        let quantity = Quantity::parse(&quantity).map_err(|error| {
            fault(format!("{path}/{place}/quantity"), "not_a_quantity", error.detail)
        })?;
        let licence = Text::from(licence);
        if !seen.insert((item, licence.clone(), line)) {
            let words = format!("line {line} of {licence} stands twice for item {item}");
            return Err(fault(format!("{path}/{place}"), "duplicate", words));
        }
        draws.push(Drawing { item, licence, line, quantity });
    }
    Ok(draws)
}
