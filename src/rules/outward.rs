//! The first movement of goods that now return, and whether the release that a declaration names is one.
use super::Case;
use super::Code;
use super::Findings;
use super::Severity;
use super::case::ItemCase;
use super::claims::is_personal_effects;
use crate::domain::Country;
use crate::domain::Date;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::Declaration;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::Movement;
use crate::domain::goods::folded_calibre;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;
use std::collections::HashSet;

/// The outward movement of goods that now return (rules 102 to 104).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outward {
    /// Day of the release.
    pub released_on: Date,
    /// Which way the goods moved.
    pub movement: Movement,
    /// Whether they were to move for a time; of what came in the licences say so too.
    pub is_temporary: bool,
    /// Whether they were let through as returning themselves.
    pub is_return: bool,
    /// Where they came from, where that is known.
    pub from: Option<Country>,
    /// Where they went.
    pub to: Option<Country>,
    /// Identifier of the consignee then.
    pub consignee: Option<Text>,
    /// Identifier of the exporter then.
    pub exporter: Option<Text>,
    /// The person who travelled.
    pub person: Option<Text>,
    /// What moved, class by class and kind by kind.
    pub goods: Vec<Moved>,
}

/// Most kinds of goods of a class that are kept apart; of what goes beyond, nobody knows later what it was.
const KINDS_MAX: usize = 200;

/// What goods are, as far as it was stated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kind {
    /// Maker.
    pub make: Option<Text>,
    /// Model.
    pub model: Option<Text>,
    /// Country of manufacture, by its code.
    pub country: Option<Text>,
    /// Calibre.
    pub calibre: Option<Text>,
}

impl Kind {
    fn of(item: &Item) -> Self {
        Self {
            make: item.make.clone(),
            model: item.model.clone(),
            country: item.manufactured_in.map(|country| country.as_str().into()),
            calibre: item.calibre.clone(),
        }
    }

    fn calibre(&self) -> Option<String> {
        self.calibre.as_ref().map(|calibre| folded_calibre(calibre))
    }
}

/// Goods of one class and kind that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The class.
    pub class: Category,
    /// What they are; `None` where that was not kept.
    pub kind: Option<Kind>,
    /// How many pieces.
    pub pieces: Quantity,
    /// Whether some were not declared in pieces, so that nothing can be counted against them.
    pub is_uncounted: bool,
    /// Serial numbers and alternative markings.
    pub marks: Vec<Serial>,
}

impl Moved {
    /// Nothing of a class.
    pub fn nothing(class: Category) -> Self {
        let (pieces, marks) = (Quantity::ZERO, Vec::new());
        Self { class, kind: None, pieces, is_uncounted: false, marks }
    }

    fn add(&mut self, further: Self) {
        self.pieces = self.pieces.plus(further.pieces).unwrap_or(Quantity::MAX);
        self.is_uncounted |= further.is_uncounted;
        self.marks.extend(further.marks);
    }

    /// Whether not every article is known by a mark.
    fn is_open(&self) -> bool {
        let marks = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        self.is_uncounted || !is_told_apart(self.class) || self.pieces > Quantity::whole(marks)
    }

    /// How far goods that have returned are described from these: alike, of one calibre, or otherwise.
    fn distance(&self, back: &Self) -> u8 {
        let calibre = |of: &Self| of.kind.as_ref().and_then(Kind::calibre);
        match (self.kind == back.kind, calibre(self) == calibre(back)) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// Takes away so many pieces, as far as there are, and says how many are left to be taken.
    fn less(&mut self, pieces: Quantity) -> Quantity {
        let left = pieces.saturating_minus(self.pieces);
        self.pieces = self.pieces.saturating_minus(pieces);
        left
    }
}

/// Whether single articles of a class are told apart by their marks; rounds and their components are used up.
pub(super) fn is_told_apart(class: Category) -> bool {
    matches!(class, Category::Firearm | Category::Part)
}

impl Outward {
    /// What a declaration lets through on a day, for a time or for good.
    pub fn of(declaration: &Declaration, released_on: Date, is_temporary: bool) -> Self {
        let temporary = declaration.temporary.as_ref();
        let mut outward = Self {
            released_on,
            movement: declaration.movement,
            is_temporary,
            from: declaration.country_of_export,
            to: declaration.country_of_import,
            consignee: declaration.consignee.as_ref().map(|party| party.id.clone()),
            is_return: temporary.is_some_and(|of| of.outward.is_some()),
            exporter: declaration.exporter.as_ref().map(|party| party.id.clone()),
            person: temporary.and_then(|of| of.person.clone()),
            goods: Vec::new(),
        };
        for item in &declaration.items {
            let pieces = convert(item.quantity, item.unit, item.content, Unit::C62);
            outward.add_goods(Moved {
                class: item.category,
                kind: Some(Kind::of(item)),
                pieces: pieces.unwrap_or_default(),
                is_uncounted: pieces.is_none(),
                marks: item.marks_of_identity().into_owned(),
            });
        }
        outward
    }

    fn add_goods(&mut self, goods: Moved) {
        let mut kinds = 0_usize;
        for known in self.goods.iter_mut().filter(|known| known.class == goods.class) {
            if known.kind == goods.kind {
                return known.add(goods);
            }
            kinds = kinds.saturating_add(1);
        }
        if goods.kind.is_some() && kinds >= KINDS_MAX {
            return self.add_goods(Moved { kind: None, ..goods });
        }
        self.goods.push(goods);
    }

    /// Takes away what a return has brought back of movements, the earliest first: the articles that bear its marks,
    /// and of what bears none first what is described alike.
    pub fn take(trips: &mut [&mut Self], back: &Self) {
        for back in &back.goods {
            let mut marks: HashSet<&Serial> = back.marks.iter().collect();
            let mut pieces = back.pieces;
            let goods = trips.iter_mut().flat_map(|trip| trip.goods.iter_mut());
            let mut out: Vec<&mut Moved> = goods.filter(|out| out.class == back.class).collect();
            out.sort_by_cached_key(|out| out.distance(back));
            for out in &mut out {
                out.is_uncounted |= back.is_uncounted;
                let marked = out.marks.len();
                out.marks.retain(|mark| !marks.remove(mark));
                let came = u32::try_from(marked.saturating_sub(out.marks.len()));
                let came = Quantity::whole(came.unwrap_or(u32::MAX)).min(pieces);
                pieces = pieces.saturating_minus(came.saturating_minus(out.less(came)));
            }
            for out in out {
                pieces = out.less(pieces);
            }
        }
    }

    /// Whether both are the same person's, between the same ends.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        let ends = |of: &Self| (of.from, of.to);
        self.exporter == other.exporter
            && self.person == other.person
            && ends(self) == ends(other)
            && self.consignee == other.consignee
    }

    /// Whether firearms or parts are still out; rounds may have been used.
    pub fn is_awaited(&self) -> bool {
        let mut lasting = self.goods.iter().filter(|out| is_told_apart(out.class));
        lasting.any(|out| !out.marks.is_empty() || !out.pieces.is_zero())
    }

    /// Whether an article that bears the same mark is among both.
    pub fn shares_marks(&self, other: &Self) -> bool {
        self.alike(other).any(|(a, b)| a.marks.iter().any(|mark| b.marks.contains(mark)))
    }

    /// Whether some of both may be the same goods: an article bears the same mark, or some of a class bear none.
    pub fn may_share(&self, other: &Self) -> bool {
        self.shares_marks(other) || self.alike(other).any(|(a, b)| a.is_open() || b.is_open())
    }

    /// Goods of both that are of one class.
    fn alike<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Moved, &'a Moved)> {
        let of_class = |a: &'a Moved| other.goods.iter().filter(move |b| a.class == b.class);
        self.goods.iter().flat_map(move |a| of_class(a).map(move |b| (a, b)))
    }

    /// Whether goods can return from it by a movement: it went the other way and brought nothing back
    /// itself. What came in for good does not leave again as a return.
    pub fn is_first_movement_of(&self, back: Movement) -> bool {
        let opposite = match back {
            Movement::Import => self.movement == Movement::Export,
            Movement::Export => self.movement == Movement::Import && self.is_temporary,
            Movement::Transit => false,
        };
        opposite && !self.is_return
    }

    /// Adds what a further release under the same reference let through, where it was the same person's between the same ends.
    pub fn add(&mut self, further: Self) {
        if !self.is_of_the_same(&further) {
            return;
        }
        self.released_on = self.released_on.min(further.released_on);
        for goods in further.goods {
            self.add_goods(goods);
        }
    }

    /// What it is, where it is no first movement.
    fn described(&self) -> &'static str {
        match (self.is_return, self.movement, self.is_temporary) {
            (true, ..) => "itself a return",
            (_, Movement::Export, _) => "an export",
            (_, Movement::Import, true) => "a temporary import",
            (_, Movement::Import, false) => "an import for good",
            (_, Movement::Transit, _) => "a transit",
        }
    }
}

impl<'a> Case<'a> {
    /// The first movement of the goods, where the register knows the release that they name and it is one.
    pub fn first_movement(&self) -> Option<&'a Outward> {
        let back = self.declaration.movement;
        let is_one = |of: &&Outward| {
            of.is_first_movement_of(back) && !leaves_elsewhere(self.declaration, of)
        };
        self.facts.outward.as_ref().filter(is_one)
    }
}

/// Whether goods that came in for a time leave for another State than that from which they came.
fn leaves_elsewhere(declaration: &Declaration, outward: &Outward) -> bool {
    declaration.movement == Movement::Export
        && matches!((declaration.country_of_import, outward.from), (Some(now), Some(then)) if now != then)
}

/// 10 LICENCE_REFERENCE_MISSING and 103 TEMPORARY_GOODS_DIFFER: the release that a declaration names as the first
/// movement of its goods is one: goods that enter went out by an export, goods that leave came in by a
/// temporary import under no licence that is for good, and neither was a return itself, so that no movement covers another of the same kind
/// and none is used up twice. Goods that leave go back to the State from which they came; to another one they are
/// exported anew. A release that is none is referred (103). An item that quotes no licence and claims
/// an exemption for such a return is held (10), since the register knows that nothing covers it; accompanied
/// personal effects go by a route of their own. Goods that enter come from the State to which they went, or are referred (103), and
/// so are those of which the register does not know where they came from or went. A reference of which the register knows nothing is left to
/// the next rule and to rule 79.
pub(super) fn first_movement(case: &Case<'_>, findings: &mut Findings) {
    let Some(outward) = &case.facts.outward else { return };
    let named = case.declaration.temporary.as_ref().and_then(|of| of.outward.as_deref());
    let (named, back) = (named.unwrap_or_default(), case.declaration.movement.as_str());
    let what = if outward.is_first_movement_of(case.declaration.movement) {
        other_end(case.declaration, outward, findings);
        if case.first_movement().is_some() {
            return;
        }
        "of goods from another State"
    } else {
        let what = outward.described();
        let finding = findings.add(Code::TemporaryGoodsDiffer).at("/temporary/outward_reference");
        finding.severity(Severity::Refer).declared(named).says(format_args!(
            "the release under {named} is {what} and no first movement of goods declared for {back}"
        ));
        what
    };
    for item in case.items.iter().filter(|item| rests_on_return(case, item)) {
        let finding = findings.add(Code::LicenceReferenceMissing).on_item(item, "exemption");
        if let Some(exemption) = &item.item.exemption {
            finding.declared(exemption);
        }
        finding.says(format_args!(
            "item {} quotes no licence, and the exemption is claimed for a return: the release under {named} is {what}",
            item.item.number
        ));
    }
}

/// Where goods return to, or from, is where they came from, or went.
fn other_end(declaration: &Declaration, outward: &Outward, findings: &mut Findings) {
    let (then, now, path) = match declaration.movement {
        Movement::Export => (outward.from, declaration.country_of_import, "/country_of_import"),
        Movement::Import => (outward.to, declaration.country_of_export, "/country_of_export"),
        Movement::Transit => return,
    };
    if then.is_some() && (now == then || now.is_none()) {
        return;
    }
    let finding = findings.add(Code::TemporaryGoodsDiffer).at(path);
    finding.severity(Severity::Refer);
    if let Some(now) = now {
        finding.declared(now);
    }
    match (declaration.movement, then, now) {
        (Movement::Export, Some(then), Some(now)) => finding
            .licensed(then)
            .says(format_args!("the goods came in from {then} and leave for {now}")),
        (_, Some(then), Some(now)) => finding
            .licensed(then)
            .says(format_args!("the goods went out to {then} and come from {now}")),
        _ => finding.says("the register does not know where the goods came from, or went"),
    };
}

/// Whether only its being a return could excuse the licence that an item does not quote.
fn rests_on_return(case: &Case<'_>, item: &ItemCase<'_>) -> bool {
    item.is_exempted()
        && case.declaration.scope.is_none()
        && !item.is_claimed_outside()
        && case.is_controlled(item.item)
        && !is_personal_effects(case, item)
}
