//! Rows of releases that a batch has decided and not written yet: one statement writes several of them.
//! Whoever could read one of them has all of them written first.
use super::batch::Batch;
use super::facts;
use super::recorder::Command;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::serials::EVERY_STATE;
use super::territory::Territory;
use crate::cache::past::Trace;
use crate::domain::declaration::Declaration;
use crate::domain::serial::look_of;
use crate::storage;
use crate::storage::Db;
use crate::storage::covers::ReleaseCoverRow;
use crate::storage::overrides::VersionRow;
use crate::storage::receipts::ReceiptRow;
use crate::storage::receipts::StepRow;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::serials::SerialUse;
use std::collections::HashSet;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct ReleaseRows {
    /// Whether rows wait for the batch's end; otherwise each is written at once.
    waits: bool,
    /// References of the releases that wait.
    names: HashSet<String>,
    /// What the serials of the firearms that wait look like.
    looks: HashSet<u64>,
    releases: Vec<ReleaseRow>,
    draws: Vec<DrawRow>,
    covers: Vec<ReleaseCoverRow>,
    serials: Vec<SerialUse>,
    /// What shares a border with the States of those.
    territories: Vec<Territory>,
    receipts: Vec<ReceiptRow>,
    steps: Vec<StepRow>,
    versions: Vec<VersionRow>,
}

impl ReleaseRows {
    /// Writes what waits, in the order in which rows refer to one another.
    pub fn write(&mut self, db: &mut Db) -> storage::Result<()> {
        storage::releases::insert(db, &std::mem::take(&mut self.releases))?;
        storage::releases::insert_draws(db, &std::mem::take(&mut self.draws))?;
        storage::covers::insert(db, &std::mem::take(&mut self.covers))?;
        let serials = std::mem::take(&mut self.serials);
        let is_one = |own: &str, other: &str| {
            let of = self.territories.iter().find(|of| of.state().as_str() == own);
            of.map_or(own == other, |of| of.includes(other))
        };
        storage::serials::insert(db, &serials, is_one)?;
        storage::receipts::insert(db, &std::mem::take(&mut self.receipts))?;
        storage::receipts::insert_steps(db, &std::mem::take(&mut self.steps))?;
        storage::overrides::insert_versions(db, &std::mem::take(&mut self.versions))?;
        self.names.clear();
        self.looks.clear();
        self.territories.clear();
        Ok(())
    }

    /// Whether a row that waits is of a declaration's reference or of one of its firearms.
    fn concern(&self, declaration: &Declaration) -> bool {
        if self.names.is_empty() {
            return false;
        }
        let mut firearms = declaration.items.iter().flat_map(facts::firearms);
        self.names.contains(declaration.reference.value.as_str())
            || firearms.any(|firearm| self.looks.contains(&firearm.serial.look()))
    }
}

impl Batch<'_> {
    /// Has a command decide: one that knows nothing of rows that are held back finds all of them written.
    pub(super) fn decided(&mut self, command: &dyn Command) -> Result<Recorded, Stop> {
        self.hold_back(command.holds_back())?;
        command.decide(self)
    }

    /// Has rows of releases wait from here on, or writes all that waits and each further one at once.
    fn hold_back(&mut self, waits: bool) -> Result<(), Stop> {
        self.releases.waits = waits;
        if !waits {
            self.listeners = None;
            self.releases.write(self.db)?;
            self.raised.write(self.db)?;
        }
        Ok(())
    }

    /// Writes what waits, where the facts of a declaration could be found in it.
    pub(super) fn let_be_seen(&mut self, declaration: &Declaration) -> Result<(), Stop> {
        if self.releases.concern(declaration) {
            self.releases.write(self.db)?;
        }
        Ok(())
    }

    fn written_unless_held(&mut self) -> Result<(), Stop> {
        if !self.releases.waits {
            self.releases.write(self.db)?;
        }
        Ok(())
    }

    /// Writes a release; it is a past that others must know of.
    pub(super) fn insert_release(&mut self, row: &ReleaseRow) -> Result<(), Stop> {
        self.note(Trace::Reference(&row.reference_kind, &row.reference));
        self.releases.names.insert(row.reference.clone());
        self.releases.releases.push(row.clone());
        self.written_unless_held()
    }

    /// Writes what a release draws.
    pub(super) fn insert_draws(&mut self, rows: Vec<DrawRow>) -> Result<(), Stop> {
        self.releases.draws.extend(rows);
        self.written_unless_held()
    }

    /// Writes what a release lets go under import licences.
    pub(super) fn insert_covers(&mut self, rows: Vec<ReleaseCoverRow>) -> Result<(), Stop> {
        self.releases.covers.extend(rows);
        self.written_unless_held()
    }

    /// Writes the firearms that a release moves; they are a past as well. What a firearm did before is
    /// settled by what it does now, so no two moves of one wait together.
    pub(super) fn insert_serials(&mut self, rows: Vec<SerialUse>) -> Result<(), Stop> {
        for row in rows {
            self.note(Trace::Firearm(EVERY_STATE, &row.serial));
            let look = look_of(&row.serial);
            if !self.releases.looks.insert(look) {
                self.releases.write(self.db)?;
                self.releases.looks.insert(look);
            }
            if self.releases.territories.iter().all(|of| of.state().as_str() != row.state) {
                let state = super::timeline::country(&row.state)?;
                let territory = Territory::new(state, &self.lists, self.now);
                self.releases.territories.push(territory);
            }
            self.releases.serials.push(row);
        }
        self.written_unless_held()
    }

    /// Opens a receipt.
    pub(super) fn insert_receipt(&mut self, row: ReceiptRow) -> Result<(), Stop> {
        self.releases.receipts.push(row);
        self.written_unless_held()
    }

    /// Writes a step of a receipt.
    pub(super) fn insert_step(&mut self, row: StepRow) -> Result<(), Stop> {
        self.releases.steps.push(row);
        self.written_unless_held()
    }

    /// Writes a state in which a release stands.
    pub(super) fn insert_version(&mut self, row: VersionRow) -> Result<(), Stop> {
        self.releases.versions.push(row);
        self.written_unless_held()
    }
}
