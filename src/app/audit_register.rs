//! The register against the trail: what it says of a licence, of what is left of it and of the reference
//! lists is what entries record, and so is what it says of releases. A database that somebody has written
//! into says something else.
mod acts;
mod cases;
mod covers;
mod goods;
mod movements;
mod orphans;
mod releases;
mod steps;

use super::Error;
use super::book;
use super::cut_off;
use super::replay::nonce;
use super::replay::text;
use crate::audit::entry::salted;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::stands::Stands;
use acts::Acts;
use movements::Movements;
use releases::Beside;
use serde_json::Value;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::ops::ControlFlow;
use steps::Steps;

/// Licences looked at at a time.
const PAGE: i64 = 200;

pub(super) use acts::Counted;
pub(super) use orphans::Walked;

/// What the register holds of what some entries record.
#[derive(Default)]
pub(super) struct Kept {
    releases: Beside,
    steps: Steps,
    acts: Acts,
}

impl Kept {
    /// Reads it, of a log's entries from one up to another.
    pub fn read<'a>(
        db: &mut Db,
        (log_id, from, upto): (i64, u64, u64),
        entries: impl Iterator<Item = &'a Value> + Clone,
    ) -> Result<Self, Error> {
        Ok(Self {
            releases: Beside::read(db, entries.clone())?,
            steps: Steps::read(db, log_id, (from, upto))?,
            acts: Acts::read(db, entries)?,
        })
    }

    /// How that differs from an entry in a place.
    pub fn differs(
        &self,
        db: &mut Db,
        place: (i64, u64),
        entry: &Value,
    ) -> Result<Option<String>, Error> {
        if let Some(found) = self.releases.differs(place, entry)? {
            return Ok(Some(found));
        }
        match self.acts.differs(entry)? {
            None => self.steps.missing(db, place, entry),
            found => Ok(found),
        }
    }
}

/// The first field that does not fit.
fn first(fields: &[(&'static str, bool)]) -> Option<&'static str> {
    fields.iter().find(|(_, fits)| !fits).map(|(field, _)| *field)
}

/// When an entry was made, in microseconds.
fn at_us(entry: &Value) -> Option<i64> {
    text(entry, "at").parse().ok().map(Timestamp::as_microsecond)
}

/// Whether an entry records an act upon a release.
pub(super) fn is_of_release(entry: &Value) -> bool {
    releases::stands_after(text(entry, "kind")).is_some()
}

/// How what the register holds differs from an entry that records it or rests on it. `None`: it does not.
/// `editions` are those that have been looked at.
pub(super) fn differs(
    db: &mut Db,
    entry: &Value,
    editions: &mut BTreeSet<String>,
) -> Result<Option<String>, Error> {
    let named = match text(entry, "kind") {
        "licence" => return version(db, entry),
        "lists" => text(entry, "edition"),
        _ => text(entry, "lists"),
    };
    if named.is_empty() || !editions.insert(named.to_owned()) {
        return Ok(None);
    }
    edition(db, named)
}

/// A version of a licence.
fn version(db: &mut Db, entry: &Value) -> Result<Option<String>, Error> {
    let number = text(entry, "licence");
    let version = entry.get("version").and_then(Value::as_u64).unwrap_or_default();
    let name = format!("licence {number} version {version}");
    let version = u32::try_from(version).unwrap_or_default();
    let Some(status) = storage::stands::status_of_version(db, number, version)? else {
        return Ok(Some(format!("{name}, which it records, is gone")));
    };
    let recorded = text(entry, "status");
    if status != recorded {
        return Ok(Some(format!("{name} is {status} in the register and {recorded} in the entry")));
    }
    let body = storage::licence_versions::body_of_version(db, number, version)?.unwrap_or_default();
    let digest = nonce(text(entry, "nonce")).map(|nonce| salted(nonce, body.as_bytes()));
    let fits = digest.as_deref() == Some(text(entry, "document_sha256"));
    Ok((!fits).then(|| format!("document_sha256 is not the digest of {name}")))
}

/// An edition of the lists, which is named by what it says.
fn edition(db: &mut Db, edition: &str) -> Result<Option<String>, Error> {
    let Some(body) = storage::lists::read(db, edition)? else {
        return Ok(Some(format!("edition {edition} of the lists, which it records, is gone")));
    };
    let fits = crate::wire::lists::edition(body.as_bytes()) == edition;
    Ok((!fits).then(|| format!("edition {edition} of the lists stands in other words")))
}

/// The first licence, edition or release of the register that is not what the trail says of it; `walked` are
/// the logs that fit by themselves.
pub(super) fn fault(db: &mut Db, walked: &[Walked]) -> Result<Option<String>, Error> {
    for name in storage::lists::editions(db)? {
        if let Some(fault) = edition(db, &name)? {
            return Ok(Some(fault));
        }
    }
    // What a post that is cut off holds it has from its snapshot, which no entry of its log repeats.
    let is_post = cut_off::resting(db)?.is_some();
    let mut after = 0;
    loop {
        if let ControlFlow::Break(fault) = page(db, &mut after, is_post)? {
            match fault {
                None => break,
                fault => return Ok(fault),
            }
        }
    }
    if let Some(fault) = orphans::fault(db, walked)? {
        return Ok(Some(fault));
    }
    if let Some(fault) = cases::fault(db, walked, is_post)? {
        return Ok(Some(fault));
    }
    // What had gone before a post was cut off it has from its snapshot.
    if !is_post && let Some(fault) = covers::fault(db)? {
        return Ok(Some(fault));
    }
    let counted: Vec<Counted> = walked.iter().map(|of| of.acts).collect();
    acts::fault(db, &counted)
}

/// Looks at a page of licences as of one instant, for the service may be drawing upon them. What has moved them is
/// read before, however much it is, and only the rest then.
fn page(db: &mut Db, after: &mut i64, is_post: bool) -> Result<ControlFlow<Option<String>>, Error> {
    let mut read = HashMap::new();
    for licence in storage::stands::stand(db, *after, PAGE)? {
        let mut movements = Movements::new(is_post);
        if let Some(fault) = movements.read(db, licence.id, &licence.number)? {
            return Ok(ControlFlow::Break(Some(format!("licence {}: {fault}", licence.number))));
        }
        read.insert(licence.id, movements);
    }
    storage::snapshot(db, |db| {
        let page = storage::stands::stand(db, *after, PAGE)?;
        for licence in &page {
            *after = licence.id;
            let movements = read.remove(&licence.id).unwrap_or_else(|| Movements::new(is_post));
            if let Some(fault) = licence_fault(db, licence, movements, is_post)? {
                return Ok(ControlFlow::Break(Some(fault)));
            }
        }
        Ok(if page.is_empty() { ControlFlow::Break(None) } else { ControlFlow::Continue(()) })
    })
}

fn licence_fault(
    db: &mut Db,
    licence: &Stands,
    mut movements: Movements,
    is_post: bool,
) -> Result<Option<String>, Error> {
    let Stands { id, number, version, status, shipments, body } = licence;
    let fault = |words: String| Ok(Some(format!("licence {number}: {words}")));
    match storage::stands::last_version(db, *id)? {
        Some((last, stood)) if last == *version && stood == *status => {}
        last => {
            let (last, stood) = last.unwrap_or_default();
            return fault(format!(
                "it is {status} at version {version}, its last version is {last} and {stood}"
            ));
        }
    }
    let number_of = u32::try_from(*version).unwrap_or_default();
    if storage::licence_versions::body_of_version(db, number, number_of)?.as_ref() != Some(body) {
        return fault(format!("its document is not that of version {version}"));
    }
    if !is_post && !is_recorded(db, number, number_of)? {
        return fault(format!("no entry records its version {version}"));
    }
    let Ok(document) = book::licence_of(number, number_of, body) else {
        return fault("its document does not read".to_owned());
    };
    let stand = storage::stands::balances(db, *id)?;
    let mut lines: Vec<(i64, i64)> =
        document.lines.iter().map(|l| (i64::from(l.line), l.quantity.micros())).collect();
    lines.sort_unstable();
    if !stand.iter().map(|b| (b.line, b.authorised)).eq(lines) {
        return fault(
            "its balances are not of the lines and quantities of its document".to_owned(),
        );
    }
    let words = match movements.read(db, *id, number)? {
        None => movements.differ(db, *id, (&stand, *shipments))?,
        words => words,
    };
    Ok(words.map(|words| format!("licence {number}: {words}")))
}

/// Whether an entry records a version; of one that has been archived that is known by its place alone.
fn is_recorded(db: &mut Db, number: &str, version: u32) -> Result<bool, Error> {
    let Some((log_id, index)) = storage::licence_entries::of(db, number, version)? else {
        return Ok(false);
    };
    let index = u64::try_from(index).unwrap_or_default();
    if index < storage::archive::upto(db, log_id)? {
        return Ok(true);
    }
    let Some(body) = storage::log::entry(db, log_id, index)? else { return Ok(false) };
    let entry: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_of = entry.get("version").and_then(Value::as_u64) == Some(u64::from(version));
    Ok(is_of && text(&entry, "kind") == "licence" && text(&entry, "licence") == number)
}
