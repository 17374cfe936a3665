//! Quantities held for goods that a carrier has announced: from lodging until the release takes them
//! over, the carrier withdraws, or the time for presentation ends.
use super::Caller;
use super::Error;
use super::announced::Kept;
use super::batch::Batch;
use super::draws::Draw;
use super::draws::Drawing;
use super::earlier;
use super::judge::Presented;
use super::record::Actor;
use super::recorder::Stop;
use super::release::uuid;
use super::timeline;
use crate::domain::Country;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::LicenceUse;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::storage;
use crate::storage::Db;
use crate::storage::preclearances::HeldRow;
use crate::storage::preclearances::PreclearanceRow;
use crate::wire::verification::ItemVerdict;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is held of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reserved {
    pub licence: Text,
    pub line: u32,
    pub quantity: Quantity,
}

/// Most lines listed in an audit entry; the ledger has all of them.
const LISTED_MAX: usize = 80;

#[derive(Serialize)]
struct LineRecord {
    licence: String,
    line: u32,
    quantity: String,
}

/// What the trail says of a reservation, and of the end of a pre-clearance.
#[derive(Serialize)]
struct ReservationEntry<'a> {
    preclearance: String,
    border_post: &'a str,
    reference: String,
    status: &'a str,
    reservation: &'a str,
    actor: Actor,
    states: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    held: Vec<LineRecord>,
}

/// What a pre-clearance holds, with the licences read into the batch.
pub(super) fn read(batch: &mut Batch<'_>, row: &PreclearanceRow) -> Result<Vec<Reserved>, Stop> {
    let reserved = held(batch.db, row)?;
    let mut numbers: Vec<Text> = reserved.iter().map(|held| held.licence.clone()).collect();
    numbers.dedup();
    batch.read_licences(&numbers)?;
    Ok(reserved)
}

/// What a pre-clearance holds.
pub(super) fn held(db: &mut Db, row: &PreclearanceRow) -> Result<Vec<Reserved>, Error> {
    if row.reservation != "held" {
        return Ok(Vec::new());
    }
    let broken = || Error::Internal("a reservation does not read".to_owned());
    let reserved = |held: HeldRow| {
        Some(Reserved {
            licence: held.licence.into(),
            line: u32::try_from(held.line).ok()?,
            quantity: Quantity::from_micros(held.reserved)?,
        })
    };
    let rows = storage::preclearances::held(db, &row.id)?;
    rows.into_iter().map(reserved).collect::<Option<_>>().ok_or_else(broken)
}

/// A pre-clearance with what it holds.
pub(super) type Holding = (PreclearanceRow, Vec<Reserved>);

/// What is held in a State under a declaration's reference.
#[derive(Default)]
pub(super) struct ForGoods {
    /// For its own goods, under whatever code: all that shares an item with it, for that item is released once.
    pub own: Vec<Holding>,
    /// For further items of it, with which its goods are one shipment.
    pub beside: Vec<Reserved>,
}

/// Asks for it.
pub(super) fn for_goods(
    db: &mut Db,
    presented: &Presented,
    state: Country,
) -> Result<ForGoods, Error> {
    let declaration = &presented.declaration;
    let reference = &declaration.reference;
    let named = (reference.kind.as_str(), reference.value.as_str());
    let mut found = ForGoods::default();
    for (row, content) in storage::preclearances::holding(db, state.as_str(), named)? {
        if !reference.is_same_use(content == presented.sha256()) {
            continue;
        }
        let announced = Kept::of(&row)?.told.items;
        let shares = |of: &ItemVerdict| declaration.items.iter().any(|i| i.number == of.item);
        let reserved = held(db, &row)?;
        if announced.iter().any(shares) {
            found.own.push((row, reserved));
        } else if is_part_of(db, &row, declaration)? {
            found.beside.extend(reserved);
        }
    }
    Ok(found)
}

/// Whether what was announced under a declaration's number can have been of it. When it was accepted is not known
/// before it is presented.
fn is_part_of(
    db: &mut Db,
    row: &PreclearanceRow,
    declaration: &Declaration,
) -> Result<bool, Error> {
    let Some(judged) = storage::verifications::read(db, uuid(&row.id)?)? else { return Ok(false) };
    let announced = Presented::read(judged.declaration, "")?.declaration;
    let declared = Declaration { accepted_at: None, ..declaration.clone() };
    Ok(!earlier::is_another(&announced, &declared))
}

/// The licences for one shipment that is not the declaration's own: more is held of them than for the goods, which is
/// left out already, and for further items of their declaration (`beside`).
pub(super) fn spoken_for(licences: &[LicenceFact], beside: &[Reserved]) -> Vec<Text> {
    let is_others = |held: &Held, drawn: &Drawn| {
        let own = beside.iter().filter(|of| of.licence == held.licence.number);
        let mut own = own.filter(|of| of.line == drawn.line);
        let own = own.try_fold(Quantity::ZERO, |sum, of| sum.plus(of.quantity));
        own.is_none_or(|own| drawn.reserved > own)
    };
    let found = licences.iter().filter_map(|fact| match &fact.lookup {
        Lookup::Held(held) => Some(held),
        Lookup::NotFound | Lookup::Unavailable => None,
    });
    found
        .filter(|held| held.licence.usage == LicenceUse::Single)
        .filter(|held| held.standing.drawn.iter().any(|drawn| is_others(held, drawn)))
        .map(|held| held.licence.number.clone())
        .collect()
}

/// Whether anything is held of a licence, for whomever.
pub(super) fn any_is_held(of: &Held) -> bool {
    of.standing.drawn.iter().any(|drawn| !drawn.reserved.is_zero())
}

/// Everything that is held, one after the other.
pub(super) fn all_of(holdings: &[Holding]) -> Vec<Reserved> {
    holdings.iter().flat_map(|(_, reserved)| reserved.iter().cloned()).collect()
}

/// A licence as it stands without what is held for the goods themselves.
pub(super) fn leave_out(held: &mut Held, reserved: &[Reserved]) {
    for own in reserved.iter().filter(|own| own.licence == held.licence.number) {
        for drawn in held.standing.drawn.iter_mut().filter(|drawn| drawn.line == own.line) {
            drawn.reserved = drawn.reserved.saturating_minus(own.quantity);
        }
    }
}

/// Holds what a declaration would draw; gives the rows that say so.
pub(super) fn hold(
    batch: &mut Batch<'_>,
    id: &[u8],
    drawings: &[Drawing],
) -> Result<Vec<HeldRow>, Stop> {
    let mut lines: BTreeMap<(&Text, u32), Quantity> = BTreeMap::new();
    for drawing in drawings {
        let sum = lines.entry((&drawing.licence, drawing.line)).or_default();
        *sum = sum
            .plus(drawing.quantity)
            .ok_or_else(|| Error::Internal("a quantity beyond all bounds".to_owned()))?;
    }
    let mut rows = Vec::with_capacity(lines.len());
    for ((licence, line), quantity) in lines.into_iter().filter(|(_, sum)| !sum.is_zero()) {
        batch.draw(&Draw {
            licence,
            line,
            kind: "reservation",
            hold: quantity,
            preclearance_id: Some(id),
            ..Draw::default()
        })?;
        let entry = batch.licence(licence);
        let entry = entry.ok_or_else(|| Error::Internal("a licence left the batch".to_owned()))?;
        rows.push(HeldRow {
            licence: licence.to_string(),
            licence_id: entry.id,
            line: i64::from(line),
            reserved: quantity.micros(),
        });
    }
    Ok(rows)
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The release takes it over.
    TakenOver,
    /// The time for presentation has ended.
    Lapsed,
    /// The carrier withdraws.
    Withdrawn,
}

impl End {
    fn ledger(self) -> &'static str {
        match self {
            Self::TakenOver => "reservation_taken_over",
            Self::Lapsed => "reservation_lapsed",
            Self::Withdrawn => "reservation_withdrawn",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::TakenOver => "taken_over",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Gives back what is held; the row says so once it is written.
pub(super) fn give_back(
    batch: &mut Batch<'_>,
    row: &mut PreclearanceRow,
    reserved: &[Reserved],
    end: End,
    release_id: Option<&[u8]>,
) -> Result<(), Stop> {
    for held in reserved {
        batch.draw(&Draw {
            licence: &held.licence,
            line: held.line,
            kind: end.ledger(),
            free: held.quantity,
            release_id,
            preclearance_id: Some(&row.id),
            ..Draw::default()
        })?;
    }
    if row.reservation == "held" {
        end.as_str().clone_into(&mut row.reservation);
    }
    row.due_us = None;
    row.changed_us = batch.now.as_microsecond();
    Ok(())
}

/// Who ends or makes a reservation, and why.
pub(super) struct Act<'a> {
    pub kind: &'static str,
    pub caller: Option<&'a Caller>,
    pub reason: Option<&'a str>,
}

/// Writes what became of a pre-clearance or of what it holds into the trail; gives the entry's index.
pub(super) fn enter(
    batch: &mut Batch<'_>,
    row: &PreclearanceRow,
    act: &Act<'_>,
    held: impl IntoIterator<Item = Reserved>,
) -> Result<u64, Stop> {
    let nonce = batch.ids.nonce();
    let actor = match act.caller {
        Some(caller) => Actor::new(caller, nonce),
        None => Actor::service(&row.state, nonce),
    };
    let line = |held: Reserved| LineRecord {
        licence: held.licence.to_string(),
        line: held.line,
        quantity: held.quantity.to_string(),
    };
    let kept = Kept::of(row)?;
    let happening = timeline::preclearance(act.kind, row, &kept, batch.now)?;
    let entry = ReservationEntry {
        preclearance: uuid(&row.id)?.to_string(),
        border_post: &row.border_post,
        reference: kept.declaration,
        status: &row.status,
        reservation: &row.reservation,
        actor,
        states: kept.states,
        reason: act.reason,
        held: held.into_iter().take(LISTED_MAX).map(line).collect(),
    };
    let index = batch.enter(act.kind, nonce, &entry)?;
    batch.mark(happening, index)?;
    Ok(index)
}
