//! Exits, entries, arrivals and reports of firearms against the entries that record them, and the rows of which
//! no entry tells. Where an entry was walked, its row was found; so there are as many rows as entries, or
//! somebody has added one.
use super::Error;
use super::at_us;
use super::first;
use super::nonce;
use super::text;
use crate::app::release::timestamp;
use crate::app::release::uuid;
use crate::app::serials;
use crate::audit::entry::salted;
use crate::storage;
use crate::storage::Db;
use crate::storage::arrivals::ArrivalRow;
use crate::storage::crossings::CrossingRow;
use crate::storage::trails::REPORTS;
use crate::storage::trails::SerialEventRow;
use crate::wire::verification::instant;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows, or entries, looked at at a time.
const PAGE: i64 = 500;
/// Rows for whose entries the logs are searched at a time, where there are more rows than entries.
const SOUGHT: usize = 100_000;

/// Which act an entry records, and its identifier.
fn act(entry: &Value) -> Option<(&'static str, Vec<u8>)> {
    let (what, field) = match text(entry, "kind") {
        "exit" => ("exit", "crossing"),
        "entry" => ("entry", "crossing"),
        "arrival" => ("arrival", "arrival"),
        "serial_report" => ("report", "report"),
        _ => return None,
    };
    let id = Uuid::parse_str(text(entry, field)).unwrap_or_default();
    Some((what, id.as_bytes().to_vec()))
}

/// What the register holds of the acts that some entries record.
#[derive(Debug, Default)]
pub(in crate::app) struct Acts {
    crossings: HashMap<Vec<u8>, CrossingRow>,
    arrivals: HashMap<Vec<u8>, ArrivalRow>,
    firearms: HashMap<Vec<u8>, Vec<SerialEventRow>>,
}

impl Acts {
    /// Reads it.
    pub(in crate::app) fn read<'a>(
        db: &mut Db,
        entries: impl Iterator<Item = &'a Value>,
    ) -> Result<Self, Error> {
        let ids: Vec<Vec<u8>> = entries.filter_map(act).map(|(_, id)| id).collect();
        let mut acts = Self::default();
        for row in storage::crossings::some(db, &ids)? {
            acts.crossings.insert(row.id.clone(), row);
        }
        for row in storage::arrivals::some(db, &ids)? {
            acts.arrivals.insert(row.id.clone(), row);
        }
        for row in storage::trails::of_subjects(db, &ids)? {
            acts.firearms.entry(row.subject.clone()).or_default().push(row);
        }
        Ok(acts)
    }

    /// How what the register holds of an act differs from the entry that records it.
    pub(in crate::app) fn differs(&self, entry: &Value) -> Result<Option<String>, Error> {
        let Some((what, id)) = act(entry) else { return Ok(None) };
        let Some(nonce) = nonce(text(entry, "nonce")) else {
            return Ok(Some("its nonce does not read".to_owned()));
        };
        let firearms = self.firearms.get(&id).map(Vec::as_slice).unwrap_or_default();
        let of = Of { entry, nonce, what };
        let field = match what {
            "arrival" => self.arrivals.get(&id).map(|row| of.arrival(row, firearms)),
            "report" => Some(Ok(of.report(&id, firearms))),
            _ => self.crossings.get(&id).map(|row| of.crossing(row)),
        };
        let name = format!("{what} {}", uuid(&id)?);
        Ok(match field.transpose()? {
            None => Some(format!("{name}, which it records, is gone")),
            Some(found) => found.map(|field| format!("{field} of {name} is not what it records")),
        })
    }
}

/// An entry that records an act.
struct Of<'a> {
    entry: &'a Value,
    nonce: [u8; 16],
    what: &'static str,
}

/// The first field that does not fit.
type Field = Result<Option<&'static str>, Error>;

impl Of<'_> {
    fn plain(&self, field: &str) -> Option<&str> {
        self.entry.get(field).and_then(Value::as_str)
    }

    fn at(&self, pointer: &str) -> &str {
        self.entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a field holds the digest; entries from before it was recorded do not.
    fn is(&self, field: &str, digest: &str) -> bool {
        self.plain(field).is_none_or(|recorded| recorded == digest)
    }

    fn is_by(&self, caller: &str) -> bool {
        salted(self.nonce, caller.as_bytes()) == self.at("/actor/subject_sha256")
    }

    fn crossing(&self, row: &CrossingRow) -> Field {
        let release = row.release_id.as_deref().map(uuid).transpose()?.map(|id| id.to_string());
        let seals: Vec<String> = serde_json::from_str(&row.seals).unwrap_or_default();
        let counted = self.entry.get("seals").and_then(Value::as_u64);
        Ok(first(&[
            ("direction", row.direction == self.what),
            ("state", row.state == self.at("/actor/state")),
            ("border_post", Some(row.border_post.as_str()) == self.plain("border_post")),
            ("ucr", row.ucr.as_deref() == self.plain("ucr")),
            ("release_id", release.as_deref() == self.plain("release")),
            ("vehicle", row.vehicle.as_deref() == self.plain("vehicle")),
            ("seals", counted == u64::try_from(seals.len()).ok()),
            ("seals", self.is("seals_sha256", &salted(self.nonce, row.seals.as_bytes()))),
            ("happened_us", instant(timestamp(row.happened_us)?) == self.at("/happened_at")),
            ("caller", self.is_by(&row.caller)),
            ("at_us", Some(row.at_us) == at_us(self.entry)),
        ]))
    }

    fn arrival(&self, row: &ArrivalRow, firearms: &[SerialEventRow]) -> Field {
        let request = salted(self.nonce, row.request.as_bytes());
        let digest = serials::digest(self.nonce, firearms)?;
        Ok(first(&[
            ("state", row.state == self.at("/actor/state")),
            ("border_post", Some(row.border_post.as_str()) == self.plain("border_post")),
            ("ucr", row.ucr.as_deref() == self.plain("ucr")),
            ("reference", row.reference.as_deref() == self.plain("reference")),
            ("request", Some(request.as_str()) == self.plain("content_sha256")),
            ("result", Some(row.result.as_str()) == self.plain("result")),
            ("happened_us", instant(timestamp(row.happened_us)?) == self.at("/happened_at")),
            ("caller", self.is_by(&row.caller)),
            ("at_us", Some(row.at_us) == at_us(self.entry)),
            ("what serial_event holds", self.is("firearms_sha256", &digest)),
        ]))
    }

    fn report(&self, id: &[u8], firearms: &[SerialEventRow]) -> Option<&'static str> {
        let [row] = firearms else { return Some("what serial_event holds") };
        let states: Value = serde_json::from_str(&row.states).unwrap_or_default();
        let at = at_us(self.entry);
        first(&[
            ("subject", row.subject == id),
            ("kind", Some(row.kind.as_str()) == self.plain("what")),
            ("serial", Some(row.serial.as_str()) == self.plain("serial")),
            ("make", Some(row.make.as_str()) == self.plain("make")),
            ("model", Some(row.model.as_str()) == self.plain("model")),
            ("country", Some(row.country.as_str()) == self.plain("country_of_manufacture")),
            ("state", row.state == self.at("/actor/state")),
            ("border_post", row.border_post.as_deref() == self.plain("border_post")),
            ("reference", row.reference.as_deref() == self.plain("reference")),
            ("states", self.entry.get("states") == Some(&states)),
            ("happened_us", Some(row.happened_us) == at),
            ("at_us", Some(row.at_us) == at),
        ])
    }
}

/// How many acts entries record that no archive may hold the entries of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) struct Counted {
    /// From when on: what was recorded before may be in an archive.
    from_us: i64,
    acts: u64,
}

impl Counted {
    /// None yet.
    pub(in crate::app) fn new(db: &mut Db) -> Result<Self, Error> {
        Ok(Self { from_us: kept_from(db)?, acts: 0 })
    }

    /// Counts an entry.
    pub(in crate::app) fn add(&mut self, entry: &Value) {
        let counts = act(entry).is_some() && at_us(entry).is_some_and(|at| at >= self.from_us);
        self.acts += u64::from(counts);
    }
}

/// From when on no entry has been archived in any log.
fn kept_from(db: &mut Db) -> Result<i64, Error> {
    let mut from = i64::MIN;
    for log in storage::log::all(db)? {
        let upto = storage::archive::upto(db, log.id)?;
        if upto == 0 {
            continue;
        }
        // Where nothing is left of it, what it held is known by no time.
        let body = storage::log::entry(db, log.id, upto)?.unwrap_or_default();
        let entry: Value = serde_json::from_slice(&body).unwrap_or_default();
        from = from.max(at_us(&entry).unwrap_or(i64::MAX));
    }
    Ok(from)
}

/// A row of an act: what it is, its identifier, and when it was recorded.
type Row = (String, Vec<u8>, i64);

/// What is said of one.
type Say<'a> = dyn FnMut(&mut Db, Row) -> Result<Option<String>, Error> + 'a;

/// Looks at every row of an act, page by page; gives what is said of one.
fn rows(db: &mut Db, look: &mut Say<'_>) -> Result<Option<String>, Error> {
    for page in [storage::crossings::page, storage::arrivals::page] {
        let mut after = Vec::new();
        loop {
            let rows = page(db, &after, PAGE)?;
            let Some((_, last, _)) = rows.last() else { break };
            after.clone_from(last);
            for row in rows {
                if let Some(words) = look(db, row)? {
                    return Ok(Some(words));
                }
            }
        }
    }
    let mut after = 0;
    loop {
        let page = storage::trails::page(db, after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        after = *last;
        let subjects: Vec<Vec<u8>> = page.iter().map(|(_, row)| row.subject.clone()).collect();
        let cases = storage::cases::known(db, &subjects)?;
        let arrivals = storage::arrivals::known(db, &subjects)?;
        for (_, SerialEventRow { serial, kind, subject, at_us, .. }) in page {
            // What belongs to these was compared with them.
            if cases.contains(&subject) || arrivals.contains(&subject) {
                continue;
            }
            if !REPORTS.contains(&kind.as_str()) {
                let words = format!("firearm {serial}: that it was {kind}");
                return Ok(Some(format!("{words} is of no case and no arrival")));
            }
            if let Some(words) = look(db, ("report".to_owned(), subject, at_us))? {
                return Ok(Some(words));
            }
        }
    }
}

/// The first row of an act that no entry records, where entries record so many.
pub(super) fn fault(db: &mut Db, counted: &[Counted]) -> Result<Option<String>, Error> {
    let from_us = counted.iter().map(|of| of.from_us).max().unwrap_or(i64::MIN);
    let acts: u64 = counted.iter().map(|of| of.acts).sum();
    let mut there = 0;
    let found = rows(db, &mut |_, (.., at_us)| {
        there += u64::from(at_us >= from_us);
        Ok(None)
    })?;
    if found.is_some() || (there == acts && counted.iter().all(|of| of.from_us == from_us)) {
        return Ok(found);
    }
    // Also what has been recorded since the logs were walked is found by its entry.
    let from_us = kept_from(db)?;
    let mut sought: HashMap<Vec<u8>, String> = HashMap::new();
    let found = rows(db, &mut |db, (what, id, at_us)| {
        if at_us >= from_us {
            sought.insert(id, what);
        }
        if sought.len() < SOUGHT { Ok(None) } else { unrecorded(db, std::mem::take(&mut sought)) }
    })?;
    if found.is_some() {
        return Ok(found);
    }
    unrecorded(db, sought)
}

/// The first of some rows of which no entry of any log tells.
fn unrecorded(db: &mut Db, mut sought: HashMap<Vec<u8>, String>) -> Result<Option<String>, Error> {
    for log in storage::log::all(db)? {
        let mut from = storage::archive::upto(db, log.id)?;
        while !sought.is_empty() {
            let page = storage::log::entries(db, log.id, from, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            from = u64::try_from(*last).unwrap_or_default() + 1;
            for (_, body) in &page {
                let entry: Value = serde_json::from_slice(body).unwrap_or_default();
                if let Some((_, id)) = act(&entry) {
                    sought.remove(&id);
                }
            }
        }
    }
    let row = sought.into_iter().min();
    row.map(|(id, what)| Ok(format!("no entry records {what} {}", uuid(&id)?))).transpose()
}
