//! What a release draws, and which firearms it moves.
use super::Error;
use super::batch::Batch;
use super::facts;
use super::recorder::Stop;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::rules::Case;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::serials::SerialUse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// A movement of a line's balance: absolute figures, what was drawn or held before and is now.
#[derive(Debug, Default)]
pub struct Draw<'a> {
    /// The licence.
    pub licence: &'a str,
    /// The line.
    pub line: u32,
    /// What happens: `release`, `release_amendment`, `reversal`, `reservation` and what becomes of it.
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
}

pub(super) fn moved(figure: Quantity, less: Quantity, more: Quantity) -> Option<Quantity> {
    figure.minus(less)?.plus(more)
}

/// What one line is drawn by, over an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drawing {
    pub item: u32,
    pub licence: Text,
    pub line: u32,
    pub quantity: Quantity,
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
            let same_line =
                |drawing: &&Drawing| drawing.licence == *licence && drawing.line == line.line;
            let drawn = drawings
                .iter()
                .filter(same_line)
                .try_fold(Quantity::ZERO, |drawn, drawing| drawn.plus(drawing.quantity));
            let left = held.balance(line).available.saturating_minus(drawn.ok_or_else(broken)?);
            let quantity = item.drawn_by(quote, line).ok_or_else(broken)?.min(left);
            let same = drawings
                .iter_mut()
                .find(|d| d.item == number && d.licence == *licence && d.line == line.line);
            if let Some(drawing) = same {
                drawing.quantity = sum(drawing.quantity, quantity)?;
            } else {
                drawings.push(Drawing {
                    item: number,
                    licence: licence.clone(),
                    line: line.line,
                    quantity,
                });
            }
        }
    }
    Ok(drawings)
}

/// Moves every balance from what the release drew before to what it draws now, and counts it as a
/// shipment of each licence that it newly draws, or no longer does.
pub(super) fn move_draws(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    kind: &'static str,
    before: &[(Text, DrawRow)],
    after: &[Drawing],
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
    for number in new.difference(&old) {
        batch.count_shipment(number, true);
    }
    for number in old.difference(&new) {
        batch.count_shipment(number, false);
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
