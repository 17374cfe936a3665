//! What a release draws, and which firearms it moves.
use super::Error;
use super::batch::Batch;
use super::facts;
use super::judge::json;
use super::recorder::Stop;
use crate::audit::entry::salted;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::Declaration;
use crate::domain::licence::Held;
use crate::domain::licence::Line;
use crate::rules::Case;
use crate::rules::case::PriorUse;
use crate::rules::cover;
use crate::rules::cover::CoverFact;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::serials::SerialUse;
use crate::wire::licence::BalanceReply;
use crate::wire::post::ReturnedDraw;
use crate::wire::release::BeyondReply;
use crate::wire::release::DrawReply;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// A movement of a line's balance: absolute figures, what was drawn or held before and is now.
#[derive(Debug, Default)]
pub struct Draw<'a> {
    /// The licence.
    pub licence: &'a str,
    /// The line.
    pub line: u32,
    /// What happens: `release`, `release_amendment`, `reversal`, `reservation`, `allowance` and what
    /// becomes of them.
    pub kind: &'static str,
    /// What the release drew before.
    pub give_back: Quantity,
    /// What it draws now.
    pub take: Quantity,
    /// What was held before.
    pub free: Quantity,
    /// What is held now.
    pub hold: Quantity,
    /// The release.
    pub release_id: Option<&'a [u8]>,
    /// The pre-clearance.
    pub preclearance_id: Option<&'a [u8]>,
    /// The allowance.
    pub allowance_id: Option<&'a [u8]>,
}

/// What goes with goods that are released.
pub(super) struct Goes {
    /// What they draw.
    pub drawings: Vec<Drawing>,
    /// Releases of the same declaration, beside which they draw it.
    pub beside: Vec<PriorUse>,
    /// What they add to what has gone under import licences.
    pub covers: Vec<CoverFact>,
}

impl Goes {
    /// Of a declaration that clears.
    pub fn of(case: &Case<'_>) -> Result<Self, Error> {
        let beside = case.facts.prior_uses.clone();
        Ok(Self { drawings: drawings(case)?, beside, covers: cover::of_goods(case) })
    }
}

pub(super) fn moved(figure: Quantity, less: Quantity, more: Quantity) -> Option<Quantity> {
    figure.minus(less)?.plus(more)
}

/// What one line is drawn by, over an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// The item.
    pub item: u32,
    /// The licence.
    pub licence: Text,
    /// The line.
    pub line: u32,
    /// How much.
    pub quantity: Quantity,
}

impl Drawing {
    /// It on the wire, in the line's unit and with the balance that is left.
    pub(super) fn reply(&self, unit: Unit, balance: impl Into<BalanceReply>) -> DrawReply {
        DrawReply {
            item: self.item,
            licence: self.licence.to_string(),
            line: self.line,
            quantity: self.quantity.to_string(),
            unit: unit.to_string(),
            balance: balance.into(),
        }
    }
}

/// The digest of all that a release draws, in whatever order it stands: an entry has room for some of it only.
pub(super) fn digest(nonce: [u8; 16], drawings: &[Drawing]) -> Result<String, Error> {
    let plain = |drawing: &Drawing| ReturnedDraw {
        item: drawing.item,
        licence: drawing.licence.to_string(),
        line: drawing.line,
        quantity: drawing.quantity.to_string(),
    };
    digest_of(nonce, drawings.iter().map(plain).collect())
}

/// The same of draws as they are kept.
pub(super) fn digest_of(nonce: [u8; 16], mut draws: Vec<ReturnedDraw>) -> Result<String, Error> {
    draws.sort_unstable_by(|a, b| (a.item, &a.licence, a.line).cmp(&(b.item, &b.licence, b.line)));
    Ok(salted(nonce, json(&draws)?.as_bytes()))
}

/// What a declaration that clears draws: every quote of a licence that this border draws upon, in
/// the unit of its line. An import licence shown at export is drawn when the goods arrive. What was
/// cleared within a measurement tolerance draws no more than there is.
pub(super) fn drawings(case: &Case<'_>) -> Result<Vec<Drawing>, Error> {
    let mut drawings: Vec<Drawing> = Vec::new();
    for item in &case.items {
        for quote in &item.quotes {
            let Some(held) = quote.held().filter(|held| case.draws(&held.licence)) else {
                continue;
            };
            let broken = || {
                Error::Internal(format!("item {} clears without a licence line", item.item.number))
            };
            let line = quote.line.ok_or_else(broken)?;
            let (licence, number) = (&quote.quote.number, item.item.number);
            let left = left(case, &drawings, held, line).ok_or_else(broken)?;
            let quantity = item.drawn_by(quote, line).ok_or_else(broken)?.min(left);
            let (licence, line) = (licence.clone(), line.line);
            add(&mut drawings, Drawing { item: number, licence, line, quantity })?;
        }
    }
    Ok(drawings)
}

/// What is left of a line once so much has been drawn.
fn left(case: &Case<'_>, drawings: &[Drawing], held: &Held, line: &Line) -> Option<Quantity> {
    if case.has_had_its_shipment(held) || case.is_spoken_for(held) {
        return Some(Quantity::ZERO);
    }
    let licence = &held.licence.number;
    let drawn = drawings
        .iter()
        .filter(|drawing| drawing.licence == *licence && drawing.line == line.line)
        .try_fold(Quantity::ZERO, |drawn, drawing| drawn.plus(drawing.quantity))?;
    // Further items of the shipment that has closed a licence draw it too.
    let balance = held.balance(line);
    let used = balance.consumed.plus(balance.reserved)?.plus(drawn)?;
    Some(line.quantity.saturating_minus(used))
}

fn add(drawings: &mut Vec<Drawing>, new: Drawing) -> Result<(), Error> {
    let same = drawings
        .iter_mut()
        .find(|d| d.item == new.item && d.licence == new.licence && d.line == new.line);
    match same {
        Some(drawing) => drawing.quantity = sum(drawing.quantity, new.quantity)?,
        None => drawings.push(new),
    }
    Ok(())
}

/// What a release against the advice draws: as much as the lines quoted have left, and never more. The
/// rest leaves without a licence that covers it, and is told.
pub(super) fn drawings_as_far_as_they_go(
    case: &Case<'_>,
) -> Result<(Vec<Drawing>, Vec<BeyondReply>), Error> {
    let (mut drawings, mut beyond) = (Vec::new(), Vec::new());
    for item in &case.items {
        let (number, mut is_quoted) = (item.item.number, item.is_exempted());
        for quote in &item.quotes {
            // What another State's register keeps cannot be drawn upon from here.
            let is_ours = case.foreign(&quote.quote.number).is_none();
            let held = quote.held().filter(|held| is_ours && case.draws(&held.licence));
            let Some(held) = held else { continue };
            let line = quote.line.filter(|line| line.category == item.item.category);
            let share = line.and_then(|line| Some((line, item.drawn_by(quote, line)?)));
            let Some((line, share)) = share else { continue };
            is_quoted = true;
            let left = left(case, &drawings, held, line).unwrap_or_default();
            let licence = quote.quote.number.clone();
            if share > left {
                beyond.push(BeyondReply {
                    item: number,
                    licence: Some(licence.to_string()),
                    line: Some(line.line),
                    quantity: share.saturating_minus(left).to_string(),
                    unit: line.unit.to_string(),
                });
            }
            // A shipment that is held for others is not used up by what draws nothing.
            if case.is_spoken_for(held) {
                continue;
            }
            let quantity = share.min(left);
            add(&mut drawings, Drawing { item: number, licence, line: line.line, quantity })?;
        }
        if !is_quoted {
            beyond.push(BeyondReply {
                item: number,
                licence: None,
                line: None,
                quantity: item.item.quantity.to_string(),
                unit: item.item.unit.to_string(),
            });
        }
    }
    Ok((drawings, beyond))
}

/// Moves every balance from what the release drew before to what it draws now, and counts it as a
/// shipment of each licence that it newly draws, or no longer does, unless another release of the same
/// declaration draws it (`beside`): that is one shipment.
pub(super) fn move_draws(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    kind: &'static str,
    before: &[(Text, DrawRow)],
    (after, beside): (&[Drawing], &[PriorUse]),
) -> Result<Vec<DrawRow>, Stop> {
    let mut moves: BTreeMap<(Text, u32), (Quantity, Quantity)> = BTreeMap::new();
    for (licence, draw) in before {
        let line =
            u32::try_from(draw.line).map_err(|_e| Error::Internal("a line's number".to_owned()))?;
        let (give_back, _) = moves.entry((licence.clone(), line)).or_default();
        *give_back = sum(*give_back, Quantity::from_micros(draw.drawn).unwrap_or_default())?;
    }
    for drawing in after {
        let (_, take) = moves.entry((drawing.licence.clone(), drawing.line)).or_default();
        *take = sum(*take, drawing.quantity)?;
    }
    for ((licence, line), (give_back, take)) in moves {
        batch.draw(&Draw {
            licence: &licence,
            line,
            kind,
            give_back,
            take,
            release_id: Some(&row.id),
            ..Draw::default()
        })?;
    }
    let old: BTreeSet<&Text> = before.iter().map(|(licence, _)| licence).collect();
    let new: BTreeSet<&Text> = after.iter().map(|drawing| &drawing.licence).collect();
    let same = beside.iter().filter(|prior| !prior.is_another);
    let counted: BTreeSet<&Text> = same.flat_map(|prior| &prior.licences).collect();
    for number in new.symmetric_difference(&old).filter(|number| !counted.contains(*number)) {
        batch.count_shipment(number, new.contains(number));
    }
    let draw_row = |drawing: &Drawing| {
        let entry = batch.licence(&drawing.licence)?;
        Some(DrawRow {
            release_id: row.id.clone(),
            item: i64::from(drawing.item),
            licence_id: entry.id,
            line: i64::from(drawing.line),
            drawn: drawing.quantity.micros(),
        })
    };
    let rows = after.iter().map(draw_row).collect::<Option<_>>();
    Ok(rows.ok_or_else(|| Error::Internal("a licence left the batch".to_owned()))?)
}

fn sum(a: Quantity, b: Quantity) -> Result<Quantity, Error> {
    a.plus(b).ok_or_else(|| Error::Internal("a quantity beyond all bounds".to_owned()))
}

/// The firearms that a release moves, under the first line that its item draws or quotes.
pub(super) fn serial_uses(
    row: &ReleaseRow,
    declaration: &Declaration,
    drawings: &[Drawing],
) -> Vec<SerialUse> {
    let mut uses = Vec::new();
    for item in &declaration.items {
        let drawn = drawings.iter().find(|drawing| drawing.item == item.number);
        let drawn = drawn.map(|drawing| (&drawing.licence, drawing.line));
        let quoted =
            item.licences.first().map(|quote| (&quote.number, quote.line.unwrap_or_default()));
        let under =
            drawn.or(quoted).map(|(licence, line)| (licence.to_string(), line)).unwrap_or_default();
        uses.extend(facts::firearms(item).into_iter().map(|firearm| SerialUse {
            serial: firearm.serial.to_string(),
            make: firearm.make,
            model: firearm.model,
            country: firearm.country,
            state: row.state.clone(),
            movement: declaration.movement.as_str().to_owned(),
            licence: under.0.clone(),
            line: i64::from(under.1),
            release_id: row.id.clone(),
            item: i64::from(item.number),
            settled_by: None,
        }));
    }
    uses
}
