//! Section 3D, second half: what has gone for export under the importing State's licence.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::quantity::is_tolerated;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::goods::Movement;
use crate::domain::licence::LicenceUse;
use crate::domain::licence::Line;
use crate::domain::quantity::convert;

/// Goods that were released for export under an import licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoverFact {
    /// The licence's number.
    pub licence: Text,
    /// The line; `None` where its register could not say which, so that it may be each of them.
    pub line: Option<u32>,
    /// The unit in which they were counted.
    pub unit: Unit,
    /// How much.
    pub quantity: Quantity,
}

/// What the goods of a declaration add to what has gone under the import licences quoted, once they are released.
/// Each quote stands for its own share of the item, as when a licence is drawn upon (rule 84); all of it goes,
/// whatever the licence has left. A number of which nothing could be learned is taken for an import licence's, and
/// its share as it was declared.
pub fn of_goods(case: &Case<'_>) -> Vec<CoverFact> {
    let mut gone: Vec<CoverFact> = Vec::new();
    if case.declaration.movement != Movement::Export {
        return gone;
    }
    for item in &case.items {
        for quote in &item.quotes {
            if quote.licence().is_some_and(|licence| licence.kind != Movement::Import) {
                continue;
            }
            let measured =
                quote.line.and_then(|line| Some((line.unit, item.drawn_by(quote, line)?)));
            let (unit, quantity) = measured.unwrap_or_else(|| as_declared(item, quote));
            let line = quote.line.map(|line| line.line).or(quote.quote.line);
            let new = CoverFact { licence: quote.quote.number.clone(), line, unit, quantity };
            let same = gone
                .iter_mut()
                .find(|of| of.licence == new.licence && of.line == new.line && of.unit == new.unit);
            match same {
                Some(of) => of.quantity = of.quantity.plus(quantity).unwrap_or(Quantity::MAX),
                None => gone.push(new),
            }
        }
    }
    gone
}

/// A quote's share in pieces, or as it was declared where no pieces are counted.
fn as_declared(item: &ItemCase<'_>, quote: &QuoteCase<'_>) -> (Unit, Quantity) {
    let goods = item.item;
    let share = quote.quote.quantity.unwrap_or(goods.quantity);
    let pieces = convert(share, goods.unit, goods.content, Unit::C62);
    pieces.map_or((goods.unit, share), |pieces| (Unit::C62, pieces))
}

/// What has gone under a line, in its unit; or the unit of what cannot be restated in it. `None`: nothing has.
fn gone(case: &Case<'_>, number: &Text, line: &Line) -> Option<Result<Quantity, Unit>> {
    let under = |of: &&CoverFact| of.licence == *number && of.line.is_none_or(|of| of == line.line);
    case.facts.covered.iter().filter(under).fold(None, |sum, of| {
        let more = convert(of.quantity, of.unit, None, line.unit).ok_or(of.unit);
        let sum = sum.unwrap_or(Ok(Quantity::ZERO));
        Some(sum.and_then(|sum| Ok(sum.plus(more?).unwrap_or(Quantity::MAX))))
    })
}

/// The part of rule 37 that looks at other shipments: what has been released for export under an import licence's
/// line, by whichever export licences, and what goes now are together no more than the line authorises. Several
/// items against one line count together, an item that would go beyond it adds nothing for those after it, and one
/// that was released under this reference before is among what has gone. It is the share that each quote states
/// that counts, so that no exception is needed for an export licence that spans several import licences. Where
/// nothing has gone before, rule 80 has compared the same figures.
pub(super) fn exceeded(case: &Case<'_>, findings: &mut Findings) {
    if case.facts.covered.is_empty() || case.declaration.movement != Movement::Export {
        return;
    }
    let mut going: Vec<(&Line, Quantity)> = Vec::new();
    for item in case.items.iter().filter(|item| !case.is_released(item.item)) {
        for (quote, held) in item.licences_of(Movement::Import) {
            let line = quote.line.filter(|line| line.category == item.item.category);
            let share = line.and_then(|line| Some((line, item.drawn_by(quote, line)?)));
            let Some((line, share)) = share.filter(|_| held.licence.usage != LicenceUse::Open)
            else {
                continue;
            };
            let Some(gone) = gone(case, &quote.quote.number, line) else { continue };
            let before = going.iter().position(|(of, _)| std::ptr::eq(*of, line));
            let before = before.and_then(|place| going.get_mut(place));
            let earlier = before.as_ref().map(|(_, sum)| *sum).unwrap_or_default();
            let now = earlier.plus(share).unwrap_or(Quantity::MAX);
            if exceeds(case, &Going { item, quote, line, gone, earlier, share }, findings) {
                continue;
            }
            match before {
                Some((_, sum)) => *sum = now,
                None => going.push((line, now)),
            }
        }
    }
}

/// A share of an item that goes under a line.
struct Going<'c, 'a> {
    item: &'c ItemCase<'a>,
    quote: &'c QuoteCase<'a>,
    line: &'a Line,
    /// What has gone before.
    gone: Result<Quantity, Unit>,
    /// What goes with the items before it.
    earlier: Quantity,
    share: Quantity,
}

/// Whether a share goes beyond the line, or that cannot be told; says so.
fn exceeds(case: &Case<'_>, going: &Going<'_, '_>, findings: &mut Findings) -> bool {
    let Going { item, quote, line, earlier, share, .. } = going;
    let (authorised, unit, number) = (line.quantity, line.unit, &quote.quote.number);
    let gone = match going.gone {
        Ok(gone) => gone,
        Err(other) => {
            let finding = findings.add(Code::ExportImportLicenceMismatch).on(item, quote);
            finding.severity(Severity::Refer).declared(share).licensed(authorised);
            finding.remedy("Ask the importing State what is left of its licence").says(format_args!(
                "quantity: what has gone under line {} of {number} is counted in {other} and cannot be restated in {unit}",
                line.line
            ));
            return true;
        }
    };
    let used = gone.plus(*earlier).unwrap_or(Quantity::MAX);
    // Restated from pieces, each of many shipments may have added a little.
    let total = unit.settled(used.plus(*share).unwrap_or(Quantity::MAX), authorised);
    let is_offline = case.facts.offline.is_some();
    if total <= authorised || (!is_offline && is_tolerated(case, unit, total, authorised)) {
        return false;
    }
    let finding = findings.add(Code::ExportImportLicenceMismatch).on(item, quote);
    finding.severity(Severity::Refer).declared(total).licensed(authorised);
    let together = if earlier.is_zero() {
        String::new()
    } else {
        format!(" and {earlier} with the items before it")
    };
    finding.says(format_args!(
        "quantity: {gone} {unit} released already under line {} of {number}, {share} more{together}, {authorised} authorised",
        line.line
    ));
    let left = authorised.saturating_minus(used);
    finding.remedy(if left.is_zero() {
        "Quote a further import licence".to_owned()
    } else {
        format!("Declare at most {left} {unit}, or quote a further import licence")
    });
    true
}
