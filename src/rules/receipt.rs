//! Rule 113: what arrives is compared with what left, item by item and firearm by firearm. Arrivals
//! in parts add up; nothing counts as short before the last of them.
use crate::domain::Country;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Unit;
use crate::domain::declaration::Item;
use crate::domain::goods::Category;
use crate::domain::goods::folded_calibre;
use crate::domain::party::names_agree;
use crate::domain::quantity::convert;
use crate::domain::serial::Serial;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

mod turnout;
pub use turnout::Compared;
pub use turnout::Turnout;
pub use turnout::compare;

/// Goods that an officer found on arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The item of the export declaration against which they are stated.
    pub item: Option<u32>,
    /// Class of the goods.
    pub category: Category,
    /// Maker.
    pub make: Option<Text>,
    /// Model.
    pub model: Option<Text>,
    /// Calibre.
    pub calibre: Option<Text>,
    /// Country of manufacture.
    pub manufactured_in: Option<Country>,
    /// How much.
    pub quantity: Quantity,
    /// In what.
    pub unit: Unit,
    /// What one group holds, where the unit counts groups.
    pub content: Option<(Quantity, Unit)>,
    /// Serials as read on the firearms, or the alternative markings that stand in for them.
    pub serials: Vec<Serial>,
}

/// What has arrived of one item, in the unit in which it left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// How much.
    pub quantity: Quantity,
    /// Serials that left and have arrived.
    pub serials: Vec<Serial>,
    /// Serials that have arrived and never left.
    pub unknown: Vec<Serial>,
}

/// Why goods found belong to nothing that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing like them left.
    NotShipped,
    /// They are stated against an item of another class.
    WrongCategory,
    /// Their unit does not measure what left.
    UnitNotConvertible,
    /// These firearms have arrived before.
    ArrivedTwice,
}

impl Reason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotShipped => "not_shipped",
            Self::WrongCategory => "wrong_category",
            Self::UnitNotConvertible => "unit_not_convertible",
            Self::ArrivedTwice => "arrived_twice",
        }
    }
}

/// Goods that arrived and belong to nothing that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strange {
    /// Class of the goods.
    pub category: Category,
    /// How much.
    pub quantity: Quantity,
    /// In what.
    pub unit: Unit,
    /// Their serials.
    pub serials: Vec<Serial>,
    /// Why.
    pub reason: Reason,
}

/// Everything that has arrived of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By item.
    pub items: BTreeMap<u32, Arrived>,
    /// Beside them.
    pub strange: Vec<Strange>,
    /// Whether nothing more is expected.
    pub closed: bool,
}

/// A release with what has arrived of it.
#[derive(Debug)]
pub struct Lot<'a> {
    /// What left.
    pub left: &'a [Item],
    /// What has arrived.
    pub tally: Tally,
}

/// A place in a list of lots: the lot and its item.
type Place = (usize, usize);

/// Adds goods found to the lots to which they belong: a firearm by its serial or alternative marking, everything else to
/// the items like it that still miss something, the first first.
pub fn take(lots: &mut [Lot<'_>], found: &[Found]) {
    let mut expected: HashMap<Serial, Vec<Place>> = HashMap::new();
    for (lot, goods) in lots.iter().enumerate() {
        for (index, item) in goods.left.iter().enumerate() {
            for mark in item.marks_of_identity().iter() {
                expected.entry(mark.clone()).or_default().push((lot, index));
            }
        }
    }
    let mut here = Here::default();
    for (number, lot) in lots.iter().enumerate() {
        for (index, item) in lot.left.iter().enumerate() {
            let Some(arrived) = lot.tally.items.get(&item.number) else { continue };
            let place = |serial: &Serial| ((number, index), serial.clone());
            here.known.extend(arrived.serials.iter().map(place));
            here.all.extend(arrived.serials.iter().chain(&arrived.unknown).cloned());
        }
        here.all.extend(lot.tally.strange.iter().flat_map(|strange| strange.serials.clone()));
    }
    for goods in found {
        let strangers = take_serials(lots, goods, &expected, &mut here);
        take_rest(lots, goods, strangers);
    }
}

/// Firearms that have arrived.
#[derive(Default)]
struct Here {
    /// Those that left, each at its place.
    known: HashSet<(Place, Serial)>,
    /// All serials read.
    all: HashSet<Serial>,
}

/// Firearms whose serials left go to their items. Gives the serials that belong to none.
fn take_serials(
    lots: &mut [Lot<'_>],
    goods: &Found,
    expected: &HashMap<Serial, Vec<Place>>,
    here: &mut Here,
) -> Vec<Serial> {
    let one = Quantity::whole(1);
    let mut strangers = Vec::new();
    for serial in &goods.serials {
        let places = expected.get(serial).map(Vec::as_slice).unwrap_or_default();
        let place = places.iter().find(|place| {
            item_at(lots, **place).is_some_and(|item| is_like(item, goods))
                && !here.known.contains(&(**place, serial.clone()))
        });
        let is_new = here.all.insert(serial.clone());
        let taken = place.and_then(|place| Some((place, add(lots, *place, one, Unit::C62, None)?)));
        match taken {
            Some((place, arrived)) => {
                arrived.serials.push(serial.clone());
                here.known.insert((*place, serial.clone()));
            }
            None if is_new => strangers.push(serial.clone()),
            None => {
                let serials = vec![serial.clone()];
                strange(lots, goods, (one, Unit::C62), serials, Reason::ArrivedTwice);
            }
        }
    }
    strangers
}

/// What is not known by its serial goes to the items like it that miss something; what is left over
/// to the last of them, where it is a surplus.
fn take_rest(lots: &mut [Lot<'_>], goods: &Found, strangers: Vec<Serial>) {
    let whole = |count: usize| Quantity::whole(u32::try_from(count).unwrap_or(u32::MAX));
    let mut rest = if goods.serials.is_empty() {
        (goods.quantity, goods.unit, goods.content)
    } else {
        let pieces = convert(goods.quantity, goods.unit, goods.content, Unit::C62);
        let unnamed = pieces.unwrap_or_default().saturating_minus(whole(goods.serials.len()));
        (unnamed.plus(whole(strangers.len())).unwrap_or(Quantity::MAX), Unit::C62, None)
    };
    let mut strangers = strangers;
    let places = places_like(lots, goods);
    let mut last = None;
    for place in &places {
        if rest.0.is_zero() {
            return;
        }
        let Some(item) = item_at(lots, *place) else { continue };
        let (unit, content, quantity) = (item.unit, item.content, item.quantity);
        let Some(offered) = convert(rest.0, rest.1, rest.2, unit) else { continue };
        last = Some(*place);
        let missing = quantity.saturating_minus(arrived_at(lots, *place));
        let taken = offered.min(missing);
        if taken.is_zero() {
            continue;
        }
        // Half a piece more, since restating pieces is not exact in every unit.
        let nearly = taken.plus(unit.rounding()).unwrap_or(taken);
        let count = convert(nearly, unit, content, Unit::C62).map_or(0, Quantity::floor);
        if let Some(arrived) = add(lots, *place, taken, unit, content) {
            arrived.unknown.extend(strangers.drain(..count.min(strangers.len())));
        }
        let beyond = unit.settled(offered.saturating_minus(taken), Quantity::ZERO);
        rest = (beyond, unit, content);
    }
    if rest.0.is_zero() {
        return;
    }
    let added = last.and_then(|place| add(lots, place, rest.0, rest.1, rest.2));
    if let Some(arrived) = added {
        arrived.unknown.append(&mut strangers);
        return;
    }
    let other = |item: &Item| Some(item.number) == goods.item && item.category != goods.category;
    let reason = if lots.iter().flat_map(|lot| lot.left).any(other) {
        Reason::WrongCategory
    } else if places.is_empty() {
        Reason::NotShipped
    } else {
        Reason::UnitNotConvertible
    };
    strange(lots, goods, (rest.0, rest.1), strangers, reason);
}

fn strange(
    lots: &mut [Lot<'_>],
    goods: &Found,
    (quantity, unit): (Quantity, Unit),
    serials: Vec<Serial>,
    reason: Reason,
) {
    if let Some(lot) = lots.first_mut() {
        let category = goods.category;
        lot.tally.strange.push(Strange { category, quantity, unit, serials, reason });
    }
}

fn item_at<'a>(lots: &[Lot<'a>], (lot, index): Place) -> Option<&'a Item> {
    lots.get(lot).and_then(|lot| lot.left.get(index))
}

fn arrived_at(lots: &[Lot<'_>], place: Place) -> Quantity {
    let arrived =
        item_at(lots, place).and_then(|item| lots.get(place.0)?.tally.items.get(&item.number));
    arrived.map(|arrived| arrived.quantity).unwrap_or_default()
}

/// Adds so much to what has arrived of an item; nothing where the units do not convert.
fn add<'l>(
    lots: &'l mut [Lot<'_>],
    place: Place,
    quantity: Quantity,
    unit: Unit,
    content: Option<(Quantity, Unit)>,
) -> Option<&'l mut Arrived> {
    let item = item_at(lots, place)?;
    let added = convert(quantity, unit, content, item.unit)?;
    let arrived = lots.get_mut(place.0)?.tally.items.entry(item.number).or_default();
    arrived.quantity = arrived.quantity.plus(added).unwrap_or(Quantity::MAX);
    Some(arrived)
}

fn places_like(lots: &[Lot<'_>], goods: &Found) -> Vec<Place> {
    let of = |(lot, of): (usize, &Lot<'_>)| {
        let items = of.left.iter().enumerate().filter(|(_, item)| is_like(item, goods));
        items.map(|(index, _)| (lot, index)).collect::<Vec<_>>()
    };
    lots.iter().enumerate().flat_map(of).collect()
}

/// Whether goods found may be of an item: of its class and, where both say so, of its number, maker,
/// model, calibre and country of manufacture.
fn is_like(item: &Item, goods: &Found) -> bool {
    let agree = |a: &Option<Text>, b: &Option<Text>| match (a, b) {
        (Some(a), Some(b)) => names_agree(a, b),
        _ => true,
    };
    let calibre = match (&item.calibre, &goods.calibre) {
        (Some(a), Some(b)) => folded_calibre(a) == folded_calibre(b),
        _ => true,
    };
    let made_in = item.manufactured_in.zip(goods.manufactured_in);
    item.category == goods.category
        && goods.item.is_none_or(|number| number == item.number)
        && agree(&item.make, &goods.make)
        && agree(&item.model, &goods.model)
        && calibre
        && made_in.is_none_or(|(item, goods)| item == goods)
}

#[cfg(test)]
mod tests;
