//! Goods that are stopped in a case of customs, and the firearms of it, against the steps of the case by which
//! they came to be so.
use super::Error;
use super::steps::Look;
use crate::app::facts;
use crate::app::judge::Presented;
use crate::app::raise::about;
use crate::app::referral;
use crate::app::release::uuid;
use crate::app::stoppage::altered_of;
use crate::app::stoppage::row_of;
use crate::app::stoppage::stoppage;
use crate::domain::alert::Outcome;
use crate::domain::alert::Severity;
use crate::domain::declaration::Declaration;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::alerts::EventRow;
use crate::storage::stoppages::StoppageRow;
use crate::storage::trails::STOPPED;
use crate::storage::trails::SerialEventRow;
use std::collections::HashMap;
use uuid::Uuid;

/// Stoppages looked at at a time.
const PAGE: i64 = 500;

/// What the register holds of the goods of some cases.
#[derive(Default)]
pub(super) struct Held {
    stoppages: HashMap<Vec<u8>, StoppageRow>,
    firearms: HashMap<Vec<u8>, Vec<SerialEventRow>>,
}

impl Held {
    pub fn read(db: &mut Db, cases: &[Vec<u8>]) -> Result<Self, Error> {
        let mut held = Self::default();
        for row in storage::stoppages::of_cases(db, cases)? {
            held.stoppages.insert(row.alert_id.clone(), row);
        }
        for row in storage::trails::of_subjects(db, cases)? {
            held.firearms.entry(row.subject.clone()).or_default().push(row);
        }
        Ok(held)
    }
}

/// What the steps of a case make of its goods.
#[derive(Default)]
pub(super) struct Goods {
    stoppage: Option<StoppageRow>,
    firearms: Vec<SerialEventRow>,
    /// Whether what was declared can be read no more.
    lacks: bool,
}

/// What was declared of the goods that a case is about. `None`: it is not there to be read any more.
fn declared(db: &mut Db, verification: Option<Uuid>) -> Result<Option<Declaration>, Error> {
    let Some(id) = verification else { return Ok(None) };
    let kept = storage::verifications::read(db, id)?;
    let read = kept.map(|kept| Presented::read(kept.declaration, ""));
    Ok(read.and_then(Result::ok).map(|presented| presented.declaration))
}

impl Goods {
    /// An officer stops the goods.
    pub fn stopped(&mut self, db: &mut Db, row: &AlertRow, event: &EventRow) -> Result<(), Error> {
        let Some(declaration) = declared(db, about(&row.about)?.verification)? else {
            self.lacks = true;
            return Ok(());
        };
        let case = (row.id.as_slice(), row.state.as_str());
        self.stoppage = Some(stoppage(case, &declaration, &row.severity, event.at_us));
        let firearms = declaration.items.iter().flat_map(facts::articles);
        for firearm in firearms {
            let case = (case.0, case.1, row.border_post.as_deref());
            self.firearms.push(row_of(case, STOPPED, None, firearm, event.at_us)?);
        }
        Ok(())
    }

    /// A look has found firearms with an altered marking.
    pub fn seen(&mut self, row: &AlertRow, event: &EventRow, look: &Look) -> Result<(), Error> {
        let case = (row.id.as_slice(), row.state.as_str(), row.border_post.as_deref());
        for firearm in altered_of(&look.declaration, &look.altered) {
            self.firearms.push(row_of(case, STOPPED, None, firearm, event.at_us)?);
        }
        Ok(())
    }

    /// The case is closed.
    pub fn closed(&mut self, db: &mut Db, row: &AlertRow, event: &EventRow) -> Result<(), Error> {
        let outcome = event.outcome.as_deref().and_then(Outcome::parse);
        match outcome {
            Some(Outcome::ReleasedAfterCheck | Outcome::FalseAlert) => {
                if let Some(stoppage) = &mut self.stoppage {
                    stoppage.lifted_us = Some(event.at_us);
                }
                Ok(())
            }
            Some(Outcome::Seized) if referral::is_of_goods(row) => self.seized(db, row, event),
            _ => Ok(()),
        }
    }

    fn seized(&mut self, db: &mut Db, row: &AlertRow, event: &EventRow) -> Result<(), Error> {
        let Some(verification) = about(&row.about)?.verification else { return Ok(()) };
        let Some(declaration) = declared(db, Some(verification))? else {
            self.lacks = true;
            return Ok(());
        };
        let (case, hold) = ((row.id.as_slice(), row.state.as_str()), Severity::Hold.as_str());
        self.stoppage = Some(stoppage(case, &declaration, hold, event.at_us));
        let reference = Some(&declaration.reference.value);
        for firearm in declaration.items.iter().flat_map(facts::firearms) {
            let case = (case.0, case.1, row.border_post.as_deref());
            self.firearms.push(row_of(case, "seized", reference, firearm, event.at_us)?);
        }
        Ok(())
    }

    /// How the register differs from that.
    pub fn differs(mut self, row: &AlertRow, held: &mut Held) -> Option<String> {
        let stands = held.stoppages.remove(&row.id);
        let mut firearms = held.firearms.remove(&row.id).unwrap_or_default();
        if self.lacks {
            return None;
        }
        match (&stands, &self.stoppage) {
            (None, Some(_)) => return Some("the stoppage of its goods is gone".to_owned()),
            (Some(_), None) => return Some("no step of it stops its goods".to_owned()),
            (stands, stopped) if stands != stopped => {
                return Some("the stoppage of its goods is not what its steps record".to_owned());
            }
            _ => {}
        }
        firearms.sort_unstable();
        self.firearms.sort_unstable();
        let other = |all: &[SerialEventRow], of: &SerialEventRow| {
            all.iter().filter(|row| *row == of).count()
        };
        if let Some(gone) =
            self.firearms.iter().find(|of| other(&firearms, of) != other(&self.firearms, of))
        {
            let SerialEventRow { serial, kind, .. } = gone;
            return Some(format!("that firearm {serial} was {kind} is not as its steps record it"));
        }
        let added = firearms.iter().find(|of| other(&self.firearms, of) == 0)?;
        let SerialEventRow { serial, kind, .. } = added;
        Some(format!("no step of it records that firearm {serial} was {kind}"))
    }
}

/// The first stoppage that is of no case.
pub(super) fn orphan(db: &mut Db) -> Result<Option<String>, Error> {
    let mut after = Vec::new();
    loop {
        let page = storage::stoppages::page(db, &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(None) };
        after.clone_from(&last.alert_id);
        let cases: Vec<Vec<u8>> = page.iter().map(|row| row.alert_id.clone()).collect();
        let known = storage::cases::known(db, &cases)?;
        if let Some(row) = page.iter().find(|row| !known.contains(&row.alert_id)) {
            let (case, reference) = (uuid(&row.alert_id)?, &row.reference);
            let words =
                format!("the stoppage of {reference} is of a case that is not there: {case}");
            return Ok(Some(words));
        }
    }
}
