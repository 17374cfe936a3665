//! Section 3H, second half: what of an item is covered by which licence, and whether each firearm of
//! it is named.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::case::QuoteCase;
use super::serials::pieces;
use crate::domain::Quantity;
use crate::domain::goods::Movement;
use crate::domain::licence::Licence;
use crate::domain::licence::Line;
use crate::domain::serial::Serial;
use crate::domain::serial::SerialIndex;
use std::collections::HashSet;

/// 84 LICENCE_ALLOCATION_INCOMPLETE: where several licences of one kind cover an item (for transit, several of
/// one State), each quote says how much, and the shares add up to the item; where a licence has several
/// lines for the class, the quote says which; and no serial or alternative marking stands on two of the lines quoted. Nothing is
/// ever given to the first licence that fits. An export and an import licence cover the same goods on
/// two legs and are never added up, and one licence quoted without a quantity covers the whole item. Shares
/// that fall short are not reported where a quote was not found, since its share is unknown.
pub(super) fn allocation(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        for quote in &item.quotes {
            ambiguous_line(item, quote, findings);
        }
        for (quote, licence) in item.heads() {
            let mut alone = item.peers(licence);
            let single = (alone.next(), alone.next());
            if let (Some(only), None) = single {
                if only.quote.quantity.is_some_and(|share| share != item.item.quantity) {
                    shares(item, quote, licence, findings);
                }
                continue;
            }
            shares(item, quote, licence, findings);
            serials_on_two_lines(item, quote, licence, findings);
        }
    }
}

fn ambiguous_line(item: &ItemCase<'_>, quote: &QuoteCase<'_>, findings: &mut Findings) {
    let (Some(licence), None, None) = (quote.licence(), quote.line, quote.quote.line) else {
        return;
    };
    let fitting = licence.lines.iter().filter(|line| line.category == item.item.category).count();
    if fitting > 1 {
        let finding = findings.add(Code::LicenceAllocationIncomplete).on(item, quote);
        finding.declared("no line").licensed(format_args!("{fitting} lines")).says(format_args!(
            "{fitting} lines of {} are for this class of goods and none is named",
            licence.number
        ));
    }
}

fn shares<'a>(
    item: &ItemCase<'a>,
    first: &QuoteCase<'_>,
    of: &'a Licence,
    findings: &mut Findings,
) {
    let whole = item.item.quantity;
    let kind = of.kind.as_str();
    let (mut sum, mut count, mut open) = (Quantity::ZERO, 0_usize, None);
    for quote in item.peers(of) {
        count += 1;
        match quote.quote.quantity {
            Some(share) => sum = sum.plus(share).unwrap_or(Quantity::MAX),
            None => open = Some(quote),
        }
    }
    if let Some(open) = open {
        let finding = findings.add(Code::LicenceAllocationIncomplete).on(item, open);
        finding.licensed(whole).says(format_args!(
            "{count} {kind} licences cover the item and {} is quoted without its share of {whole}",
            open.quote.number
        ));
        return;
    }
    let unknown = item.quotes.iter().any(|quote| quote.held().is_none());
    if sum != whole && !(unknown && sum < whole) {
        let finding = findings.add(Code::LicenceAllocationIncomplete).on(item, first);
        finding.declared(sum).licensed(whole).says(format_args!(
            "the shares of the {kind} licences add up to {sum}, the item is {whole} {}",
            item.item.unit
        ));
    }
}

fn serials_on_two_lines<'a>(
    item: &ItemCase<'a>,
    first: &QuoteCase<'_>,
    of: &'a Licence,
    findings: &mut Findings,
) {
    let listed: Vec<SerialIndex<'_>> = item
        .peers(of)
        .filter_map(|quote| quote.line)
        .map(|line| SerialIndex::new(&line.serials))
        .collect();
    let marks = item.item.marks_of_identity();
    let twice = marks
        .iter()
        .enumerate()
        .find(|(_, serial)| listed.iter().filter(|list| list.contains(serial)).count() > 1);
    if let Some((index, serial)) = twice {
        let finding = findings.add(Code::LicenceAllocationIncomplete).on(item, first);
        finding.at(item.path(item.item.place_of_mark(index).0)).declared(serial).says(format_args!(
            "serial {serial} stands on two of the {} licence lines quoted; which one it draws is not stated",
            of.kind.as_str()
        ));
    }
}

/// Says from which lines of an item that is split more is drawn than they list of the firearms declared (93). Firearms
/// whose marks are not declared may be any, and shares that do not add up are another finding (84).
pub(super) fn shares_listed<'a>(
    item: &ItemCase<'a>,
    of: &'a Licence,
    marks: &[Serial],
    findings: &mut Findings,
) {
    let mut lines: Vec<(&QuoteCase<'a>, &'a Line, i64)> = Vec::new();
    for quote in item.peers(of) {
        let (Some(line), Some(_), Some(share)) =
            (quote.line, quote.quote.quantity, pieces(item, quote))
        else {
            return;
        };
        match lines.iter_mut().find(|(_, known, _)| std::ptr::eq(*known, line)) {
            Some((.., sum)) => *sum = sum.saturating_add(share),
            None => lines.push((quote, line, share)),
        }
    }
    let drawn = lines.iter().fold(0_i64, |sum, (.., share)| sum.saturating_add(*share));
    let all = item.pieces().and_then(Quantity::as_count);
    let (Some(all), Ok(marked)) = (all.filter(|all| *all == drawn), i64::try_from(marks.len()))
    else {
        return;
    };
    lines.retain(|(_, line, _)| !line.serials.is_empty());
    let short: Vec<(&QuoteCase<'a>, i64, i64)> = lines
        .into_iter()
        .filter_map(|(quote, line, share)| {
            let list = SerialIndex::new(&line.serials);
            let listed = marks.iter().filter(|mark| list.contains(mark)).count();
            let listed = i64::try_from(listed).unwrap_or(i64::MAX);
            (share > listed).then_some((quote, share, listed))
        })
        .collect();
    let lacking: i64 = short.iter().map(|(_, share, listed)| share - listed).sum();
    if lacking <= (all - marked).max(0) {
        return;
    }
    for (quote, share, listed) in short {
        let finding = findings.add(Code::SerialNotOnLicence).on(item, quote);
        finding.declared(share).licensed(listed).says(format_args!(
            "{share} are drawn from {}, which lists {listed} of the serials declared",
            quote.quote.number
        ));
    }
}

/// 85 SERIAL_COUNT_MISMATCH: as many firearms are declared as serials or alternative markings are listed, each
/// serial counted once. A difference is referred; it holds the goods at export where the profile wants
/// every marking stated before shipment. A list without any entry is a missing marking (90), and a list
/// that only fits because a serial stands in it twice is a duplicate (94); neither is reported a second
/// time here. A list that is too short fires rule 90 as well, because some firearm then has no marking
/// stated. Firearms whose unit counts no pieces are found by rule 82. Parts, ammunition, antiques and deactivated firearms are not counted.
pub(super) fn serial_count(case: &Case<'_>, findings: &mut Findings) {
    for item in &case.items {
        let goods = item.item;
        let listed = goods.serials.len() + goods.alternative_markings.len();
        if listed == 0 || !item.is_live_firearm() {
            continue;
        }
        let Some(pieces) = item.pieces() else { continue };
        if pieces.as_count() == i64::try_from(listed).ok() {
            continue;
        }
        let distinct = goods.serials.iter().collect::<HashSet<&Serial>>().len()
            + goods.alternative_markings.len();
        let finding = findings.add(Code::SerialCountMismatch).on_item(item, "serials");
        finding.declared(distinct).licensed(pieces).says(format_args!(
            "{pieces} firearms declared, {distinct} different serials or markings listed"
        ));
        if case.profile.serials_before_shipment && case.declaration.movement == Movement::Export {
            finding.severity(Severity::Block);
        }
    }
}
