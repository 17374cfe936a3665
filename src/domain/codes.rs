//! Code lists that do not change from day to day: the tariff codes of the 2022 nomenclature that
//! these goods can fall under, and unit codes that are known and yet count nothing here.
use super::Unit;
use super::goods::HsCode;

/// Every six-digit code of HS 2022 in chapter 93 and in the headings that these goods are otherwise
/// found under (propellants, caps, collections, antiques).
const HS_2022: &[u32] = &[
    360_100, 360_310, 360_320, 360_330, 360_340, 360_350, 360_360, 930_110, 930_120, 930_190,
    930_200, 930_310, 930_320, 930_330, 930_390, 930_400, 930_510, 930_520, 930_591, 930_599,
    930_621, 930_629, 930_630, 930_690, 930_700, 970_510, 970_521, 970_522, 970_529, 970_531,
    970_539, 970_610, 970_690,
];

/// Codes of older editions that the goods were found under, with what replaced them; 0 where several did.
const REPLACED: &[(u32, u32)] = &[
    (360_200, 0),
    (360_300, 0),
    (930_100, 0),
    (930_111, 930_110),
    (930_119, 930_110),
    (930_500, 0),
    (930_521, 930_520),
    (930_529, 930_520),
    (930_590, 0),
    (930_610, 930_630),
    (970_500, 0),
    (970_600, 0),
];

/// Codes of packages (Rec 21) and units withdrawn or often mistaken for counts (Rec 20).
const NO_COUNTS: &[&str] = &[
    "BX", "CS", "CR", "CT", "PK", "PX", "4A", "4B", "4C", "4D", "4F", "4G", "4H", "7B", "8A", "DR",
    "NE", "NF", "NG", "CQ", "CTG", "CTN", "E37", "M43", "NPR",
];

/// What the nomenclature in force says of a tariff code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tariff {
    /// It is one of its codes, or lies in a chapter that is not kept here.
    Usable,
    /// An older edition had it; by what it was replaced, where that is one code.
    Replaced(Option<u32>),
    /// No edition has had it.
    Unknown,
}

/// Looks a tariff code up, at six digits. Only chapter 93 and headings 3601, 3603, 9705 and 9706 are kept.
pub fn tariff(code: HsCode) -> Tariff {
    let six = code.six();
    if HS_2022.binary_search(&six).is_ok() {
        return Tariff::Usable;
    }
    if let Some((_, by)) = REPLACED.iter().find(|(old, _)| *old == six) {
        return Tariff::Replaced((*by != 0).then_some(*by));
    }
    let kept = six / 10_000 == 93 || matches!(code.heading(), 3601 | 3603 | 9705 | 9706);
    if kept { Tariff::Unknown } else { Tariff::Usable }
}

/// Whether a code is known at all: a unit of these goods, a package, or a unit that counts nothing here.
pub fn unit_is_known(unit: Unit) -> bool {
    unit.dimension().is_some() || NO_COUNTS.contains(&unit.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tariff_codes_are_sorted_and_chapter_93_has_eighteen() {
        assert!(HS_2022.is_sorted());
        assert_eq!(HS_2022.iter().filter(|six| **six / 10_000 == 93).count(), 18);
    }

    #[test]
    fn a_tariff_code_is_usable_replaced_or_unknown() {
        let tariff = |text| tariff(HsCode::parse(text).unwrap());
        assert_eq!(tariff("93033000"), Tariff::Usable);
        assert_eq!(tariff("930111"), Tariff::Replaced(Some(930_110)));
        assert_eq!(tariff("360300"), Tariff::Replaced(None));
        assert_eq!(tariff("930340"), Tariff::Unknown);
        assert_eq!(tariff("848180"), Tariff::Usable, "chapters that are not kept are not judged");
    }

    #[test]
    fn packages_are_known_and_still_count_nothing() {
        for code in ["C62", "MIL", "KGM", "BX", "CQ", "CTG", "7B"] {
            assert!(unit_is_known(Unit::parse(code).unwrap()), "{code}");
        }
        assert!(!unit_is_known(Unit::parse("ZZZ").unwrap()));
    }
}
