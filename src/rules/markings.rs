//! Section 3I, first half: the marks that firearms bear and the lots of ammunition.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::goods::Calibres;
use super::goods::calibres;
use crate::domain::Quantity;
use crate::domain::declaration::Item;
use crate::domain::declaration::Lot;
use crate::domain::declaration::Mark;
use crate::domain::declaration::Seen;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::licence::Line;
use crate::domain::party::names_agree;
use crate::domain::serial::Marking;
use crate::domain::serial::Serial;
use crate::domain::serial::SerialIndex;
use std::collections::HashSet;

/// 90 MARKING_MISSING: every firearm has its maker, its country of manufacture and a serial number stated, or an
/// alternative marking; there are as many as firearms. An alternative marking is a simple geometric symbol with a
/// code, which names the country by itself, or at least letters with digits, which name neither country nor
/// maker; a number alone, symbols alone and words, such as `none` or `unmarked`, mark nothing, as a serial or otherwise. Licence and papers count
/// together: what the declaration leaves out of maker and country, a quoted line says of the serials that it lists. The duty is on
/// firearms alone: parts, components and ammunition are never found here, nor are proven antiques and
/// deactivated firearms. A temporary movement is no excuse: the Protocol only waives the import mark (91) for
/// it. More serials than firearms is a list that does not fit (85), not a missing mark.
pub(super) fn marking(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        if !item.is_live_firearm() {
            continue;
        }
        let goods = item.item;
        let (stated, alternative) = marked(goods);
        // What is not counted in pieces (82) is one firearm at least.
        let all = item.pieces().and_then(Quantity::as_count).unwrap_or(1);
        let short = stated < all;
        let maker = alternative < all
            && goods.make.is_none()
            && !is_licensed(item, |line| line.make.is_some());
        let country = alternative < all
            && goods.manufactured_in.is_none()
            && !is_licensed(item, |line| line.manufactured_in.is_some());
        if !(short || maker || country) {
            continue;
        }
        let missing: Vec<&str> = [
            (maker, "the maker"),
            (country, "the country of manufacture"),
            (short, "a serial number or alternative marking for each firearm"),
        ]
        .into_iter()
        .filter_map(|(is_missing, name)| is_missing.then_some(name))
        .collect();
        let field = match (short, maker) {
            (true, _) if !goods.alternative_markings.is_empty() => "alternative_markings",
            (true, _) => "serials",
            (false, true) => "make",
            (false, false) => "country_of_manufacture",
        };
        let finding = findings.add(Code::MarkingMissing).on_item(item, field);
        finding.declared(format_args!("{stated} marked")).licensed(format_args!("{all} firearms"));
        finding.says(format_args!(
            "{all} firearms, {stated} with a marking stated; not stated: {}",
            missing.join(", ")
        ));
    }
}

/// How many of an item's firearms have a marking stated, and how many one that names their country.
fn marked(goods: &Item) -> (i64, i64) {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let serials = number(goods.serials.iter().filter(|serial| !serial.says_none()).count());
    let (mut stated, mut named) = (serials, 0);
    for marking in &goods.alternative_markings {
        match Serial::of_marking(marking).marking() {
            Marking::Origin => (stated, named) = (stated + 1, named + 1),
            Marking::Number => stated += 1,
            Marking::Nothing => {}
        }
    }
    (stated, named)
}

/// Whether quoted lines that list its firearms, each of them, say something of it.
fn is_licensed(item: &ItemCase<'_>, says: impl Fn(&Line) -> bool) -> bool {
    let lines = item.quotes.iter().filter_map(|quote| quote.line);
    let listed: Vec<SerialIndex<'_>> = lines
        .filter(|line| line.category == item.item.category && says(line))
        .map(|line| SerialIndex::new(&line.serials))
        .collect();
    let marks = item.item.marks_of_identity();
    !marks.is_empty() && marks.iter().all(|mark| listed.iter().any(|list| list.contains(mark)))
}

/// 91 IMPORT_MARK_MISSING: at import each firearm bears the importing country's mark. The year belongs to it
/// where possible, so that its absence is no finding; another country's mark from an earlier import does
/// not count. Where the law lets the mark follow release without delay, its absence is made known as a task.
/// Not asked of temporary imports or of goods that return, nor of parts and ammunition, nor at export and in
/// transit. Whether an import is temporary its licences say; only where none is quoted does the declaration, and
/// that goods return counts where the register knows their first movement.
pub(super) fn import_mark(case: &Case<'_>, findings: &mut Findings) {
    let declaration = case.declaration;
    let importing = declaration.country_of_import.or(case.state);
    let (Movement::Import, Some(country)) = (declaration.movement, importing) else { return };
    for item in &case.items {
        let mut licences = item.licences_of(Movement::Import).map(|(_, held)| &held.licence);
        let comes_for_good = match licences.next() {
            None => declaration.temporary.is_none(),
            Some(first) => {
                case.first_movement().is_none()
                    && !(first.is_temporary() && licences.all(|licence| licence.is_temporary()))
            }
        };
        if !item.is_live_firearm() || !comes_for_good {
            continue;
        }
        let Some(first) = unmarked(item, |mark| mark.import_country == Some(country)) else {
            continue;
        };
        let finding = findings.add(Code::ImportMarkMissing).on_item(item, "marks");
        finding.declared(&first).licensed(format_args!("mark of {country}"));
        if case.profile.import_mark_after_release {
            finding.severity(Severity::Inform).remedy("Apply the mark without delay after release");
        }
        finding.says(format_args!("{first} is not stated to bear the import mark of {country}"));
    }
}

/// 92 GOVERNMENT_STOCK_MARK_MISSING: each firearm that leaves government stocks for civilian use for good bears a
/// mark of the State whose stocks it left; any State's mark will do, since the transfer may have been another's
/// and earlier. Firearms that do not come from such stocks, and parts and ammunition that do, need none.
pub(super) fn stock_mark(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        if !item.item.from_government_stock || !item.is_live_firearm() {
            continue;
        }
        let Some(first) = unmarked(item, |mark| mark.stock_country.is_some()) else {
            continue;
        };
        findings
            .add(Code::GovernmentStockMarkMissing)
            .on_item(item, "marks")
            .declared(&first)
            .licensed("mark of the transferring State")
            .says(format_args!(
                "{first} comes from government stocks and is not stated to bear the transferring State's mark"
            ));
    }
}

/// The first firearm of an item without a mark of some sort; words where no serial names it.
fn unmarked(item: &ItemCase<'_>, sort: impl Fn(&Mark) -> bool) -> Option<String> {
    let goods = item.item;
    let marked: HashSet<&Serial> =
        goods.marks.iter().filter(|mark| sort(mark)).map(|mark| &mark.serial).collect();
    if let Some(serial) = goods.serials.iter().find(|serial| !marked.contains(serial)) {
        return Some(serial.to_string());
    }
    let alternative = goods
        .alternative_markings
        .iter()
        .find(|marking| !marked.contains(&Serial::of_marking(marking)));
    if let Some(marking) = alternative {
        return Some(marking.to_string());
    }
    let named = goods.serials.is_empty() && goods.alternative_markings.is_empty();
    named.then(|| "a firearm without a serial".to_owned())
}

/// 97 MARKING_ALTERED: an officer has seen that a marking was falsified, obliterated, removed or altered, on an
/// item or somewhere in the consignment. It holds the goods whatever their papers say, opens a case, and no
/// other observation (a transhipment, say) has that effect.
pub(super) fn marking_altered(case: &Case<'_>, findings: &mut Findings) {
    for (index, seen) in case.declaration.observations.iter().enumerate() {
        if seen.seen != Seen::MarkingAltered {
            continue;
        }
        let finding = findings.add(Code::MarkingAltered).at(format!("/observations/{index}"));
        if let Some(item) =
            seen.item.filter(|item| case.items.iter().any(|i| i.item.number == *item))
        {
            finding.item(item);
        }
        if let Some(note) = &seen.note {
            finding
                .declared(note)
                .says(format_args!("an officer has seen an altered marking: {note}"));
        }
    }
}

/// 99 AMMUNITION_LOT_MISSING and AMMUNITION_LOT_MISMATCH: complete ammunition states its lots, each with maker,
/// calibre and type, and these are the item's own calibre (by the same list of names as rule 74) and maker.
/// The Protocol does not ask for it, so that under it the finding only makes known; Union law does, and it is
/// referred. Components of ammunition have no lots here, and a calibre or maker that the item leaves open
/// is not contradicted by a lot that states it.
pub(super) fn lots(case: &Case<'_>, findings: &mut Findings) {
    for item in case.items.iter().filter(|item| item.item.category == Category::Ammunition) {
        if item.item.lots.is_empty() {
            let finding = findings.add(Code::AmmunitionLotMissing).on_item(item, "lots");
            finding.severity(case.profile.lot_severity);
        }
        for (index, lot) in item.item.lots.iter().enumerate() {
            incomplete_lot(case, item, index, lot, findings);
            different_lot(case, item, index, lot, findings);
        }
    }
}

fn incomplete_lot(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    index: usize,
    lot: &Lot,
    findings: &mut Findings,
) {
    let parts = [("maker", &lot.manufacturer), ("calibre", &lot.calibre), ("type", &lot.kind)];
    if let Some((name, _)) = parts.into_iter().find(|(_, part)| part.is_none()) {
        let finding = findings.add(Code::AmmunitionLotMissing).on_item(item, "lots");
        finding.at(item.path(&format!("lots/{index}"))).severity(case.profile.lot_severity);
        finding
            .declared(&lot.number)
            .says(format_args!("lot {} does not state its {name}", lot.number));
    }
}

fn different_lot(
    case: &Case<'_>,
    item: &ItemCase<'_>,
    index: usize,
    lot: &Lot,
    findings: &mut Findings,
) {
    let goods = item.item;
    let calibre = lot
        .calibre
        .as_ref()
        .zip(goods.calibre.as_ref())
        .filter(|(lot, item)| calibres(lot, item, case.lists) != Calibres::Same);
    let maker = lot
        .manufacturer
        .as_ref()
        .zip(goods.make.as_ref())
        .filter(|(lot, item)| !names_agree(lot, item));
    for (field, differing) in [("calibre", calibre), ("manufacturer", maker)] {
        if let Some((of_lot, of_item)) = differing {
            let finding = findings.add(Code::AmmunitionLotMismatch).on_item(item, "lots");
            finding.at(item.path(&format!("lots/{index}/{field}")));
            finding.severity(case.profile.lot_severity).declared(of_lot).licensed(of_item);
            finding.says(format_args!(
                "lot {} is of {field} {of_lot}, the item of {of_item}",
                lot.number
            ));
        }
    }
}
