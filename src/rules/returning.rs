//! Rule 103: whether the goods that return are the goods that went out.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::goods::Calibres;
use super::goods::calibres;
use super::outward::Kind;
use super::outward::Moved;
use super::outward::is_told_apart;
use super::questions::Further;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::lists::Lists;
use crate::domain::party::names_agree;
use crate::domain::serial::Serial;
use crate::domain::serial::SerialIndex;
use std::collections::HashSet;

/// 103 TEMPORARY_GOODS_DIFFER: what returns is what went out, class by class. A serial number or an alternative marking that
/// did not go out holds its item, and so do more pieces than went out, of firearms, parts, rounds or components of
/// ammunition, and more rounds of a calibre than went out of it; fewer rounds may return, since they are used. The
/// same number on other goods makes them no return: a calibre or a country of manufacture that differs from what went out under it (for
/// goods without marks, from all that went out) holds the item, and another make or model, whose names are only advisory (73), is
/// referred. Marks that went out and are missing are referred. So is what
/// cannot be compared: a particular that only one of the two movements states, goods of which the register does not know what
/// went out, firearms and parts that bear no mark, goods that are or were not declared in pieces, and
/// goods whose first movement the register does not know. What went out is what all releases of the same person
/// under the reference let through, less what has returned before.
pub(super) fn goods_differ(case: &Case<'_>, findings: &mut Findings) {
    let Some(outward) = case.first_movement() else {
        if case.facts.outward.is_none() {
            unknown_outward(case, findings);
        }
        return;
    };
    for class in CLASSES {
        let out: Vec<&Moved> = outward.goods.iter().filter(|out| out.class == class).collect();
        let items = case.items.iter().filter(|item| item.item.category == class);
        let items: Vec<&ItemCase<'_>> = items.collect();
        strange(&items, &out, findings);
        others(case, &items, &out, findings);
        missing(&items, &out, findings);
        surplus(case, (class, &items), &out, findings);
    }
}

const CLASSES: [Category; 4] =
    [Category::Firearm, Category::Part, Category::Ammunition, Category::AmmunitionComponent];

/// Goods of a class, in words.
fn named(class: Category) -> &'static str {
    match class {
        Category::Firearm => "firearms",
        Category::Part => "parts",
        Category::Ammunition => "rounds",
        Category::AmmunitionComponent => "components of ammunition",
    }
}

/// Marks that did not go out.
fn strange(items: &[&ItemCase<'_>], out: &[&Moved], findings: &mut Findings) {
    let known: HashSet<&Serial> = out.iter().flat_map(|out| &out.marks).collect();
    for item in items {
        let marks = item.item.marks_of_identity();
        let mut extra = marks.iter().enumerate().filter(|(_, mark)| !known.contains(mark));
        let Some((index, mark)) = extra.next() else { continue };
        let more = Further(extra.count());
        let (list, _) = item.item.place_of_mark(index);
        let finding = findings.add(Code::TemporaryGoodsDiffer).on_item(item, list);
        finding.declared(mark).licensed(format_args!("{} marks", known.len()));
        finding.says(format_args!("{mark} did not go out{more}"));
    }
}

/// Goods that bear a mark which went out, or none, and are described as others than went out.
fn others(case: &Case<'_>, items: &[&ItemCase<'_>], out: &[&Moved], findings: &mut Findings) {
    let known: Vec<SerialIndex<'_>> = out.iter().map(|out| SerialIndex::new(&out.marks)).collect();
    for item in items {
        let compared = out.iter().map(|out| difference(item.item, out.kind.as_ref(), case.lists));
        let compared: Vec<Option<Difference>> = compared.collect();
        let weight = |of: &&Option<Difference>| of.as_ref().map(|of| of.severity);
        // Two firearms may bear one number: it is the one that is described most alike.
        let nearest = |mark: Option<&Serial>| {
            let bearing =
                known.iter().zip(&compared).filter(|(of, _)| mark.is_none_or(|m| of.contains(m)));
            bearing.map(|(_, difference)| difference).min_by_key(weight)
        };
        let marks = item.item.marks_of_identity();
        let furthest = if marks.is_empty() {
            nearest(None)
        } else {
            marks.iter().filter_map(|mark| nearest(Some(mark))).max_by_key(weight)
        };
        if let Some(Some(difference)) = furthest {
            difference.say(item, findings);
        }
    }
}

/// How the goods of an item differ from goods that went out.
struct Difference {
    severity: Severity,
    field: &'static str,
    now: Option<String>,
    then: Option<String>,
}

impl Difference {
    fn say(&self, item: &ItemCase<'_>, findings: &mut Findings) {
        let field = self.field;
        let finding = findings.add(Code::TemporaryGoodsDiffer).on_item(item, field);
        finding.severity(self.severity);
        if let Some(now) = &self.now {
            finding.declared(now);
        }
        if let Some(then) = &self.then {
            finding.licensed(then);
        }
        match (&self.now, &self.then) {
            (Some(now), Some(then)) => {
                finding.says(format_args!("{field} {now} declared, {then} went out"))
            }
            (Some(now), None) => finding
                .says(format_args!("{field} {now} declared, and not stated of what went out")),
            (None, Some(then)) => {
                finding.says(format_args!("{field} {then} went out, and none is declared"))
            }
            (None, None) => finding.says("the register does not know what it was that went out"),
        };
    }
}

/// The worst difference between an item and goods that went out.
fn difference(item: &Item, kind: Option<&Kind>, lists: &Lists) -> Option<Difference> {
    let Some(kind) = kind else {
        let (severity, field) = (Severity::Refer, "");
        return Some(Difference { severity, field, now: None, then: None });
    };
    let names = |a: &Option<Text>, b: &Option<Text>| match (a, b) {
        (Some(a), Some(b)) => (!names_agree(a, b)).then_some(Severity::Refer),
        (a, b) => one_sided(a.is_some(), b.is_some()),
    };
    let calibre = match (&item.calibre, &kind.calibre) {
        (Some(a), Some(b)) => match calibres(a, b, lists) {
            Calibres::Same => None,
            Calibres::Different => Some(Severity::Block),
            Calibres::Unmapped => Some(Severity::Refer),
        },
        (a, b) => one_sided(a.is_some(), b.is_some()),
    };
    let country = match (&item.manufactured_in, &kind.country) {
        (Some(a), Some(b)) => (a.as_str() != b.as_str()).then_some(Severity::Block),
        (a, b) => one_sided(a.is_some(), b.is_some()),
    };
    let text = |of: &Option<Text>| of.as_ref().map(ToString::to_string);
    let fields = [
        (names(&item.model, &kind.model), "model"),
        (names(&item.make, &kind.make), "make"),
        (country, "country_of_manufacture"),
        (calibre, "calibre"),
    ];
    let differing = fields.into_iter().filter_map(|(how, field)| Some((how?, field)));
    let (severity, field) = differing.max_by_key(|(severity, _)| *severity)?;
    let (now, then) = match field {
        "model" => (text(&item.model), text(&kind.model)),
        "make" => (text(&item.make), text(&kind.make)),
        "calibre" => (text(&item.calibre), text(&kind.calibre)),
        _ => (item.manufactured_in.map(|of| of.to_string()), text(&kind.country)),
    };
    Some(Difference { severity, field, now, then })
}

/// What one movement states and the other leaves open cannot be compared.
fn one_sided(now: bool, then: bool) -> Option<Severity> {
    (now != then).then_some(Severity::Refer)
}

/// Marks that went out and are not declared.
fn missing(items: &[&ItemCase<'_>], out: &[&Moved], findings: &mut Findings) {
    let back: Vec<_> = items.iter().map(|item| item.item.marks_of_identity()).collect();
    let back: HashSet<&Serial> = back.iter().flat_map(|marks| marks.iter()).collect();
    let mut missing = out.iter().flat_map(|out| &out.marks).filter(|mark| !back.contains(mark));
    if let Some(mark) = missing.next() {
        let more = Further(missing.count());
        let finding = findings.add(Code::TemporaryGoodsDiffer).at("/items");
        finding.severity(Severity::Refer).licensed(mark);
        finding.says(format_args!("{mark} went out and is not declared{more}"));
    }
}

/// More than went out, and what cannot be counted or told apart.
fn surplus(
    case: &Case<'_>,
    (class, items): (Category, &[&ItemCase<'_>]),
    out: &[&Moved],
    findings: &mut Findings,
) {
    let (what, mut total) = (named(class), Quantity::ZERO);
    let is_uncounted = out.iter().any(|out| out.is_uncounted);
    let all = sum(out.iter().map(|out| out.pieces));
    for (index, item) in items.iter().enumerate() {
        let Some(pieces) = item.pieces().filter(|_| !is_uncounted) else {
            let finding = findings.add(Code::TemporaryGoodsDiffer).on_item(item, "unit");
            finding.severity(Severity::Refer).declared(item.item.unit).says(format_args!(
                "{what} in {} cannot be compared with what went out",
                item.item.unit
            ));
            continue;
        };
        total = total.plus(pieces).unwrap_or(Quantity::MAX);
        let marks = u32::try_from(item.item.marks_of_identity().len()).unwrap_or(u32::MAX);
        let (sum, limit) = if total > all || is_told_apart(class) {
            (total, all)
        } else {
            of_calibre(case.lists, items.get(..=index).unwrap_or_default(), out)
        };
        if sum > limit {
            let finding = findings.add(Code::TemporaryGoodsDiffer).on_item(item, "quantity");
            finding
                .declared(sum)
                .licensed(limit)
                .says(format_args!("{sum} {what} return, {limit} went out"));
        } else if is_told_apart(class) && pieces > Quantity::whole(marks) {
            let finding = findings.add(Code::TemporaryGoodsDiffer).on_item(item, "serials");
            finding.severity(Severity::Refer).declared(marks).licensed(pieces).says(format_args!(
                "{pieces} {what} with {marks} marks cannot be told from others than those that went out"
            ));
        }
    }
}

/// How many pieces of the last item's calibre return up to it, and how many may have gone out.
fn of_calibre(lists: &Lists, items: &[&ItemCase<'_>], out: &[&Moved]) -> (Quantity, Quantity) {
    let own = items.last().and_then(|item| item.item.calibre.as_ref());
    let related = |other: Option<&Text>| match (own, other) {
        (Some(own), Some(other)) => calibres(own, other, lists),
        (None, None) => Calibres::Same,
        (Some(_), None) | (None, Some(_)) => Calibres::Unmapped,
    };
    let back = items.iter().filter(|item| related(item.item.calibre.as_ref()) == Calibres::Same);
    let out = out.iter().filter(|out| {
        let kind = out.kind.as_ref();
        related(kind.and_then(|kind| kind.calibre.as_ref())) != Calibres::Different
    });
    (sum(back.filter_map(|item| item.pieces())), sum(out.map(|out| out.pieces)))
}

fn sum(figures: impl Iterator<Item = Quantity>) -> Quantity {
    figures.fold(Quantity::ZERO, |sum, of| sum.plus(of).unwrap_or(Quantity::MAX))
}

fn unknown_outward(case: &Case<'_>, findings: &mut Findings) {
    let named =
        case.declaration.temporary.as_ref().and_then(|temporary| temporary.outward.as_ref());
    if let Some(reference) = named {
        let finding = findings.add(Code::TemporaryGoodsDiffer).at("/temporary/outward_reference");
        finding.severity(Severity::Refer).declared(reference).says(format_args!(
            "no release under {reference} is known, so that the goods cannot be compared with it"
        ));
    }
}
