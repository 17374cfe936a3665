//! How a release turned out on arrival, item by item and over all.
use super::Arrived;
use super::Lot;
use super::Tally;
use crate::domain::Quantity;
use crate::domain::Unit;
use crate::domain::declaration::Item;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;
use crate::rules::Severity;
use std::collections::HashSet;

/// How an item, or all of a release, turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turnout {
    /// Nothing has arrived.
    Nothing,
    /// All of it has.
    Complete,
    /// Some of it, and more is expected.
    Partial,
    /// Less than left, and nothing more is expected.
    Short,
    /// As many as left, but not the same firearms, or not shown to be the same.
    Differs,
    /// More than left.
    Surplus,
}

impl Turnout {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Short => "short",
            Self::Differs => "differs",
            Self::Surplus => "surplus",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        const ALL: [Turnout; 6] = [
            Turnout::Nothing,
            Turnout::Complete,
            Turnout::Partial,
            Turnout::Short,
            Turnout::Differs,
            Turnout::Surplus,
        ];
        ALL.into_iter().find(|turnout| turnout.as_str() == text)
    }

    /// What it weighs as a mismatch (113): a surplus is a sign of fraud.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Nothing | Self::Complete | Self::Partial => None,
            Self::Short | Self::Differs => Some(Severity::Refer),
            Self::Surplus => Some(Severity::Block),
        }
    }
}

/// One item compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its number on the export declaration.
    pub item: u32,
    /// How much left.
    pub left: Quantity,
    /// How much has arrived.
    pub arrived: Quantity,
    /// In what.
    pub unit: Unit,
    /// How it turned out.
    pub turnout: Turnout,
    /// Serials that left and have not arrived.
    pub missing: Vec<Serial>,
    /// Serials that arrived and never left.
    pub unknown: Vec<Serial>,
    /// Firearms of which no serial was read on arrival.
    pub unread: u32,
}

/// Compares a lot item by item; gives the turnout over all.
pub fn compare(lot: &Lot<'_>) -> (Turnout, Vec<Compared>) {
    let items: Vec<Compared> = lot.left.iter().map(|item| compared(item, &lot.tally)).collect();
    let worst = items.iter().map(|item| item.turnout).max().unwrap_or(Turnout::Nothing);
    let all = |turnout| items.iter().all(|item| item.turnout == turnout);
    let over_all = if !lot.tally.strange.is_empty() {
        Turnout::Surplus
    } else if all(Turnout::Nothing) || all(Turnout::Complete) || worst > Turnout::Partial {
        worst
    } else {
        // Some items have come and others have not.
        Turnout::Partial
    };
    (over_all, items)
}

fn compared(item: &Item, tally: &Tally) -> Compared {
    let nothing = Arrived::default();
    let arrived = tally.items.get(&item.number).unwrap_or(&nothing);
    let here: HashSet<&Serial> = arrived.serials.iter().collect();
    let marks = item.marks_of_identity();
    let missing: Vec<Serial> = marks.iter().filter(|mark| !here.contains(mark)).cloned().collect();
    let quantity = item.unit.settled(arrived.quantity, item.quantity);
    let pieces = convert(quantity, item.unit, item.content, Unit::C62);
    let read = arrived.serials.len() + arrived.unknown.len();
    // Where nobody can tell how many have arrived, nothing shows that they are those that left.
    let pieces = pieces.map_or(marks.len(), Quantity::floor);
    let unread =
        if marks.is_empty() || quantity.is_zero() { 0 } else { pieces.saturating_sub(read) };
    let turnout = if quantity > item.quantity {
        Turnout::Surplus
    } else if !arrived.unknown.is_empty() || unread > 0 {
        Turnout::Differs
    } else if quantity == item.quantity {
        Turnout::Complete
    } else if tally.closed {
        Turnout::Short
    } else if quantity.is_zero() {
        Turnout::Nothing
    } else {
        Turnout::Partial
    };
    Compared {
        item: item.number,
        left: item.quantity,
        arrived: quantity,
        unit: item.unit,
        turnout,
        missing,
        unknown: arrived.unknown.clone(),
        unread: u32::try_from(unread).unwrap_or(u32::MAX),
    }
}
