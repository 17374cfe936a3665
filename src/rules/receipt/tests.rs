//! What arrives against what left.
use super::*;
use crate::rules::Severity;

fn serial(text: &str) -> Serial {
    Serial::parse(text).unwrap()
}

fn unit(code: &str) -> Unit {
    Unit::parse(code).unwrap()
}

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

fn item(number: u32, category: Category, amount: &str, code: &str, serials: &[&str]) -> Item {
    Item {
        number,
        category,
        hs: None,
        description: None,
        make: Some("Verney-Carron".into()),
        model: None,
        calibre: None,
        manufactured_in: None,
        quantity: quantity(amount),
        unit: unit(code),
        content: None,
        serials: serials.iter().map(|text| serial(text)).collect(),
        alternative_markings: Vec::new(),
        licences: Vec::new(),
        exemption: None,
        control: None,
        manufacture_year: None,
        antique: false,
        deactivation: None,
        part: None,
        from_government_stock: false,
        marks: Vec::new(),
        lots: Vec::new(),
    }
}

fn found(category: Category, amount: &str, code: &str, serials: &[&str]) -> Found {
    Found {
        item: None,
        category,
        make: None,
        model: None,
        calibre: None,
        manufactured_in: None,
        quantity: quantity(amount),
        unit: unit(code),
        content: None,
        serials: serials.iter().map(|text| serial(text)).collect(),
    }
}

fn rifles() -> Item {
    item(1, Category::Firearm, "2", "C62", &["VC1", "VC2"])
}

/// The same two rifles, marked in another way.
fn marked_otherwise() -> Item {
    Item {
        serials: Vec::new(), alternative_markings: vec!["VC 1".into(), "△◇".into()], ..rifles()
    }
}

fn rounds() -> Item {
    item(2, Category::Ammunition, "5", "MIL", &[])
}

/// Lets goods arrive in parts; gives the turnout after the last of them, which closes the receipt.
fn after(left: &[Item], parts: &[&[Found]]) -> (Turnout, Vec<Compared>, Tally) {
    let mut lots = [Lot { left, tally: Tally::default() }];
    for part in parts {
        take(&mut lots, part);
    }
    lots[0].tally.closed = true;
    let (turnout, items) = compare(&lots[0]);
    let [lot] = lots;
    (turnout, items, lot.tally)
}

#[test]
fn parts_add_up_whatever_unit_they_are_counted_in() {
    let left = [rifles(), rounds()];
    let mut lots = [Lot { left: &left, tally: Tally::default() }];
    assert_eq!(compare(&lots[0]).0, Turnout::Nothing);
    take(&mut lots, &[found(Category::Ammunition, "2000", "C62", &[])]);
    assert_eq!(compare(&lots[0]).0, Turnout::Partial);
    take(&mut lots, &[found(Category::Firearm, "1", "EA", &["VC2"])]);
    take(&mut lots, &[found(Category::Ammunition, "3", "MIL", &[])]);
    let (turnout, items) = compare(&lots[0]);
    assert_eq!(turnout, Turnout::Partial);
    assert_eq!(items[0].missing, [serial("VC1")]);
    assert_eq!(items[1].turnout, Turnout::Complete);
    take(&mut lots, &[found(Category::Firearm, "1", "C62", &["vc-1"])]);
    assert_eq!(compare(&lots[0]).0, Turnout::Complete);
}

#[test]
fn what_is_missing_is_short_only_once_nothing_more_is_expected() {
    let left = [rounds()];
    let (turnout, items, _) = after(&left, &[&[found(Category::Ammunition, "4999", "C62", &[])]]);
    assert_eq!((turnout, items[0].turnout), (Turnout::Short, Turnout::Short));
    assert_eq!(items[0].arrived.to_string(), "4.999");
    assert_eq!(after(&left, &[]).0, Turnout::Short);
}

#[test]
fn one_round_more_is_a_surplus() {
    let left = [rounds()];
    let (turnout, ..) = after(&left, &[&[found(Category::Ammunition, "5001", "C62", &[])]]);
    assert_eq!((turnout, turnout.severity()), (Turnout::Surplus, Some(Severity::Block)));
    let twice = found(Category::Ammunition, "5", "MIL", &[]);
    assert_eq!(
        after(&left, &[std::slice::from_ref(&twice), std::slice::from_ref(&twice)]).0,
        Turnout::Surplus
    );
}

#[test]
fn another_firearm_in_the_place_of_one_that_left_is_told() {
    let (turnout, items, _) =
        after(&[rifles()], &[&[found(Category::Firearm, "2", "C62", &["VC1", "XX9"])]]);
    assert_eq!((turnout, turnout.severity()), (Turnout::Differs, Some(Severity::Refer)));
    assert_eq!(
        (&items[0].missing, &items[0].unknown),
        (&vec![serial("VC2")], &vec![serial("XX9")])
    );
    let (turnout, items, _) =
        after(&[rifles()], &[&[found(Category::Firearm, "3", "C62", &["VC1", "VC2", "XX9"])]]);
    assert_eq!((turnout, items[0].arrived.to_string().as_str()), (Turnout::Surplus, "3"));
}

#[test]
fn firearms_whose_serials_were_not_read_are_not_shown_to_be_the_same() {
    let (turnout, items, _) = after(&[rifles()], &[&[found(Category::Firearm, "2", "C62", &[])]]);
    assert_eq!((turnout, items[0].unread), (Turnout::Differs, 2));
    let (turnout, items, _) =
        after(&[rifles()], &[&[found(Category::Firearm, "2", "C62", &["VC1"])]]);
    assert_eq!((turnout, items[0].unread), (Turnout::Differs, 1));
}

#[test]
fn a_firearm_does_not_arrive_twice() {
    let one = [found(Category::Firearm, "1", "C62", &["VC1"])];
    let (turnout, _, tally) = after(&[rifles()], &[&one, &one]);
    assert_eq!(turnout, Turnout::Surplus);
    assert_eq!(tally.strange[0].reason, Reason::ArrivedTwice);
}

#[test]
fn goods_of_another_class_or_make_or_measure_never_left() {
    let strange = |goods: Found| {
        let (turnout, _, tally) = after(&[rifles(), rounds()], &[&[goods]]);
        assert_eq!(turnout, Turnout::Surplus);
        tally.strange[0].reason
    };
    assert_eq!(strange(found(Category::Part, "1", "C62", &[])), Reason::NotShipped);
    let other = Found { item: Some(1), ..found(Category::Ammunition, "1", "C62", &[]) };
    assert_eq!(strange(other), Reason::WrongCategory);
    let mass = found(Category::Ammunition, "1", "KGM", &[]);
    assert_eq!(strange(mass), Reason::UnitNotConvertible);
    let make =
        Found { make: Some("Blaser".into()), ..found(Category::Firearm, "1", "C62", &["VC1"]) };
    assert_eq!(strange(make), Reason::NotShipped);
}

#[test]
fn several_releases_fill_one_after_the_other() {
    let (first, second) = ([rounds()], [rounds()]);
    let mut lots = [
        Lot { left: &first, tally: Tally::default() },
        Lot { left: &second, tally: Tally::default() },
    ];
    take(&mut lots, &[found(Category::Ammunition, "7000", "C62", &[])]);
    assert_eq!((compare(&lots[0]).0, compare(&lots[1]).0), (Turnout::Complete, Turnout::Partial));
    take(&mut lots, &[found(Category::Ammunition, "3001", "C62", &[])]);
    assert_eq!((compare(&lots[0]).0, compare(&lots[1]).0), (Turnout::Complete, Turnout::Surplus));
}

#[test]
fn a_tally_is_kept_and_read_back_as_it_was() {
    let goods = found(Category::Firearm, "3", "C62", &["VC1", "XX9", "VC1"]);
    let (.., tally) = after(&[rifles()], &[&[goods]]);
    let kept = serde_json::to_string(&tally).unwrap();
    assert_eq!(serde_json::from_str::<Tally>(&kept).unwrap(), tally);
}

#[test]
fn an_alternative_marking_is_what_a_serial_is() {
    let left = [marked_otherwise()];
    let mut both = found(Category::Firearm, "2", "C62", &["VC1"]);
    both.serials.push(Serial::of_marking(&"△◇".into()));
    let (turnout, items, _) = after(&left, &[&[both]]);
    assert_eq!(turnout, Turnout::Complete, "{items:?}");
    let (turnout, items, _) =
        after(&left, &[&[found(Category::Firearm, "2", "C62", &["VC1", "VC9"])]]);
    assert_eq!(turnout, Turnout::Differs, "a swapped firearm");
    assert_eq!((items[0].missing.len(), items[0].unknown.clone()), (1, vec![serial("VC9")]));
    let (turnout, items, _) = after(&left, &[&[found(Category::Firearm, "2", "C62", &[])]]);
    assert_eq!((turnout, items[0].unread), (Turnout::Differs, 2), "nobody has read them");
}

#[test]
fn firearms_that_were_not_counted_in_pieces_are_not_complete_unread() {
    let sets = item(1, Category::Firearm, "2", "SET", &["VC1", "VC2"]);
    let (turnout, items, _) = after(&[sets], &[&[found(Category::Firearm, "2", "SET", &[])]]);
    assert_eq!((turnout, items[0].unread), (Turnout::Differs, 2), "{items:?}");
}

#[test]
fn the_last_piece_of_a_dozen_is_no_surplus() {
    let dozen = [item(1, Category::Ammunition, "1", "DZN", &[])];
    let pieces = |many: &str| [found(Category::Ammunition, many, "C62", &[])];
    let singly: Vec<_> = std::iter::repeat_with(|| pieces("1")).take(12).collect();
    let of = |waves: &[[Found; 1]]| {
        let waves: Vec<&[Found]> = waves.iter().map(<[Found; 1]>::as_slice).collect();
        after(&dozen, &waves).0
    };
    assert_eq!(of(&singly), Turnout::Complete);
    assert_eq!(of(&singly[1..]), Turnout::Short);
    assert_eq!(of(&[pieces("5"), pieces("7")]), Turnout::Complete);
    assert_eq!(of(&[pieces("6"), pieces("7")]), Turnout::Surplus);
    let marked = [item(1, Category::Firearm, "0.25", "DZN", &["VC1", "VC2", "VC3"])];
    let read = [found(Category::Firearm, "3", "C62", &["VC1", "VC2", "VC3"])];
    let (turnout, items, _) = after(&marked, &[&read]);
    assert_eq!((turnout, items[0].arrived), (Turnout::Complete, quantity("0.25")));
}
