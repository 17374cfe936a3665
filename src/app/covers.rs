//! What has been released for export under import licences: counted with each release, whichever register keeps
//! the licence, and moved with every correction of one. Only goods that leave are counted; what is announced, or
//! what arrives, is counted elsewhere or not at all.
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::recorder::Stop;
use crate::audit::entry::salted;
use crate::cache::past::Past;
use crate::cache::past::Trace;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::rules::cover::CoverFact;
use crate::storage;
use crate::storage::Db;
use crate::storage::covers::CoverRow;
use crate::storage::covers::ReleaseCoverRow;
use crate::storage::releases::ReleaseRow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most that one release counts for a line, in millionths: as much as any line can authorise, so that the sum of
/// all of them stays within what the database can hold.
const MOST: i64 = 10_000_000_000_000_000;

/// A line of a licence, and the unit in which something has gone under it.
type Key = (Text, i64, String);

/// What a batch knows of it, and by how much it has changed it.
#[derive(Debug, Default)]
pub(super) struct Covers {
    read: BTreeSet<Text>,
    sums: BTreeMap<Key, i64>,
    changed: BTreeMap<Key, i64>,
    /// What releases of the batch have let go, until their entries say so.
    gone: BTreeMap<Vec<u8>, Vec<ReleaseCoverRow>>,
}

impl Covers {
    fn change(&mut self, key: Key, by: i64) {
        if self.read.contains(&key.0) {
            *self.sums.entry(key.clone()).or_default() += by;
        }
        *self.changed.entry(key).or_default() += by;
    }

    /// Writes what has changed, in the order of the licences, which is the same at every node.
    pub(super) fn write(&mut self, db: &mut Db) -> storage::Result<()> {
        let changed = std::mem::take(&mut self.changed).into_iter().filter(|(_, by)| *by != 0);
        let rows: Vec<CoverRow> = changed.map(row).collect();
        storage::covers::add(db, &rows)
    }
}

fn row(((licence, line, unit), quantity): (Key, i64)) -> CoverRow {
    CoverRow { licence: licence.to_string(), line, unit, quantity }
}

fn fact(row: &CoverRow) -> Result<CoverFact, Error> {
    let line = u32::try_from(row.line).ok();
    let read = line.zip(Unit::parse(&row.unit).ok()).zip(Quantity::from_micros(row.quantity));
    let ((line, unit), quantity) = read.ok_or_else(|| {
        Error::Internal(format!("what has gone under {} does not read", row.licence))
    })?;
    let licence = row.licence.as_str().into();
    Ok(CoverFact { licence, line: Some(line).filter(|line| *line > 0), unit, quantity })
}

fn facts(rows: &[CoverRow]) -> Result<Vec<CoverFact>, Error> {
    rows.iter().filter(|row| row.quantity != 0).map(fact).collect()
}

/// Whether anything may have gone for export under a licence that a declaration for export quotes.
pub(super) fn perhaps(past: &Past, declaration: &Declaration) -> bool {
    let mut quotes = declaration.items.iter().flat_map(|item| &item.licences);
    declaration.movement == Movement::Export
        && quotes.any(|quote| past.perhaps(Trace::Cover(&quote.number)))
}

/// What has gone under the licences that a declaration for export quotes.
pub(super) fn read(db: &mut Db, declaration: &Declaration) -> Result<Vec<CoverFact>, Error> {
    if declaration.movement != Movement::Export {
        return Ok(Vec::new());
    }
    let numbers = declaration.licence_numbers();
    facts(&storage::covers::read(db, &super::book::as_strs(&numbers))?)
}

/// Names the licences under which a release has let goods go, so that their count is moved at one node at a time.
pub(super) fn claim(db: &mut Db, release_id: &[u8], claims: &mut Claims) -> Result<(), Stop> {
    for row in storage::covers::of_release(db, release_id)? {
        claims.new_licence(&row.licence.into());
    }
    Ok(())
}

impl Batch<'_> {
    /// What has gone under the licences that a declaration for export quotes, without what a release that is being
    /// amended has let go itself.
    pub(super) fn covered(
        &mut self,
        declaration: &Declaration,
        amended: Option<Uuid>,
    ) -> Result<Vec<CoverFact>, Stop> {
        if declaration.movement != Movement::Export {
            return Ok(Vec::new());
        }
        // Where nobody else writes into this database, what was never noted was never written.
        let never =
            !self.db.is_shared() && !self.trust.is_cut_off() && !perhaps(self.past, declaration);
        if never && !cfg!(debug_assertions) {
            return Ok(Vec::new());
        }
        let mut rows = self.covers_of(&declaration.licence_numbers())?;
        let own =
            amended.map(|id| storage::covers::of_release(self.db, id.as_bytes())).transpose()?;
        for own in own.iter().flatten() {
            let of = |row: &&mut CoverRow| {
                row.licence == own.licence && row.line == own.line && row.unit == own.unit
            };
            rows.iter_mut().filter(of).for_each(|row| row.quantity -= own.quantity);
        }
        debug_assert!(!never || rows.is_empty(), "what goes under a licence is noted in `Past`");
        Ok(facts(&rows)?)
    }

    /// What has gone under licences, as this batch leaves it.
    pub(super) fn covers_of(&mut self, numbers: &[Text]) -> Result<Vec<CoverRow>, Stop> {
        let new: Vec<&str> = numbers
            .iter()
            .filter(|number| !self.covers.read.contains(*number))
            .map(Text::as_str)
            .collect();
        for row in storage::covers::read(self.db, &new)? {
            let key = (Text::from(row.licence), row.line, row.unit);
            self.covers.sums.insert(key, row.quantity);
        }
        for number in new {
            self.covers.read.insert(number.into());
            let changed = self.covers.changed.iter().filter(|((of, ..), _)| of.as_str() == number);
            for (key, by) in changed {
                *self.covers.sums.entry(key.clone()).or_default() += by;
            }
        }
        let mut rows = Vec::new();
        for number in numbers {
            let first = (number.clone(), i64::MIN, String::new());
            let own = self.covers.sums.range(first..).take_while(|((of, ..), _)| of == number);
            rows.extend(own.map(|(key, sum)| row((key.clone(), *sum))));
        }
        Ok(rows)
    }

    /// Counts what a release lets go under import licences; that is a past that others must know of.
    pub(super) fn cover(&mut self, row: &ReleaseRow, gone: &[CoverFact]) -> Result<(), Stop> {
        let mut rows = Vec::with_capacity(gone.len());
        for of in gone.iter().filter(|of| !of.quantity.is_zero()) {
            self.note(Trace::Cover(&of.licence));
            let (line, unit) = (i64::from(of.line.unwrap_or_default()), of.unit.to_string());
            let quantity = of.quantity.micros().min(MOST);
            self.covers.change((of.licence.clone(), line, unit.clone()), quantity);
            let (release_id, licence) = (row.id.clone(), of.licence.to_string());
            rows.push(ReleaseCoverRow { release_id, licence, line, unit, quantity });
        }
        self.covers.gone.insert(row.id.clone(), rows.clone());
        self.insert_covers(rows)
    }

    /// The digest of what a release has been counted to let go, for the entry that records it.
    pub(super) fn covers_sha256(
        &mut self,
        nonce: [u8; 16],
        release: &[u8],
    ) -> Result<Option<String>, Error> {
        let gone = self.covers.gone.remove(release);
        gone.map(|rows| digest(nonce, rows)).transpose()
    }

    /// Takes back what a release had let go, before it is undone or set to other figures.
    pub(super) fn uncover(&mut self, row: &ReleaseRow) -> Result<(), Stop> {
        for of in storage::covers::of_release(self.db, &row.id)? {
            self.covers.change((of.licence.into(), of.line, of.unit), -of.quantity);
        }
        Ok(storage::covers::remove(self.db, &row.id)?)
    }
}

/// The digest of what a release lets go.
pub(super) fn digest(nonce: [u8; 16], mut rows: Vec<ReleaseCoverRow>) -> Result<String, Error> {
    rows.sort_unstable();
    let plain = rows.iter().map(|row| (&row.licence, row.line, &row.unit, row.quantity));
    let plain: Vec<_> = plain.collect();
    Ok(salted(nonce, json(&plain)?.as_bytes()))
}

/// What has gone, as it is written down: licence, line, unit, millionths.
pub(super) type CoverRecord = (String, Option<u32>, String, i64);

/// Writes it down.
pub(super) fn record(of: &CoverFact) -> CoverRecord {
    (of.licence.to_string(), of.line, of.unit.to_string(), of.quantity.micros())
}

/// Reads it back.
pub(super) fn recorded((licence, line, unit, micros): CoverRecord) -> Option<CoverFact> {
    let (unit, quantity) = (Unit::parse(&unit).ok()?, Quantity::from_micros(micros)?);
    Some(CoverFact { licence: licence.into(), line, unit, quantity })
}
