//! Exact decimal quantities and the UN/ECE Recommendation 20 units that count or weigh goods.
use super::Invalid;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;

/// A quantity in millionths of its unit: sixteen digits, six of them decimals, as customs data
/// elements allow. Never negative, never a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

/// As a packed licence keeps it: whole units as even numbers, for nearly all are, and millionths as odd
/// ones.
impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let micros = self.0.unsigned_abs();
        let units = micros / MICROS.unsigned_abs();
        let is_whole = units * MICROS.unsigned_abs() == micros;
        serializer.serialize_u64(if is_whole { units << 1 } else { (micros << 1) | 1 })
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = u64::deserialize(deserializer)?;
        let number = i64::try_from(packed >> 1).map_err(D::Error::custom)?;
        let micros = if packed & 1 == 1 { Some(number) } else { number.checked_mul(MICROS) };
        micros.map(Self).ok_or_else(|| D::Error::custom("a quantity beyond all bounds"))
    }
}

/// Millionths in one.
const MICROS: i64 = 1_000_000;
/// Digits before the decimal point.
const INTEGER_DIGITS_MAX: usize = 10;
/// Digits after the decimal point.
const DECIMALS_MAX: usize = 6;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// More than any field of a customs declaration can state.
    pub const MAX: Self = Self(i64::MAX);

    /// Reads a plain decimal such as `12` or `0.250`: no sign, no exponent, no leading zeros.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = |detail: &str| Invalid::new("not_a_quantity", format!("{text:?} {detail}"));
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(decimals) {
            return Err(bad("is not a plain decimal such as \"12\" or \"0.250\""));
        }
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(bad("has leading zeros"));
        }
        if whole.len() > INTEGER_DIGITS_MAX || decimals.len() > DECIMALS_MAX {
            return Err(bad("has more than 10 digits before or 6 after the point"));
        }
        // Sixteen digits at most, which an i64 holds.
        let number = |digits: &str| {
            digits.bytes().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'))
        };
        let missing = u32::try_from(DECIMALS_MAX - decimals.len()).unwrap_or_default();
        Ok(Self(number(whole) * MICROS + number(decimals) * 10_i64.pow(missing)))
    }

    /// So many millionths, as the database keeps them.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (micros >= 0).then_some(Self(micros))
    }

    /// So many whole units.
    pub fn whole(units: u32) -> Self {
        Self(i64::from(units) * MICROS)
    }

    /// Whole units, a fraction left out.
    pub fn floor(self) -> usize {
        usize::try_from(self.0 / MICROS).unwrap_or(usize::MAX)
    }

    /// In millionths of the unit.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The number of whole units, where there is no fraction.
    pub fn as_count(self) -> Option<i64> {
        (self.0 % MICROS == 0).then_some(self.0 / MICROS)
    }

    /// Whether there is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or nothing where it leaves what customs data can state.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// What is left after taking `other`; nothing where there is not that much.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::from_micros)
    }

    /// What is left after taking `other`, at least zero.
    pub fn saturating_minus(self, other: Self) -> Self {
        self.minus(other).unwrap_or_default()
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, micros) = (self.0 / MICROS, self.0 % MICROS);
        if micros == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{micros:06}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Articles, pieces, rounds: convertible by counting.
    Count,
    /// Mass.
    Mass,
    /// Counts groups whose content the declaration must state (`SET`, `NMP`, `10`).
    Group,
}

/// A Rec 20 code in use for these goods, or one that is not known here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit([u8; 3]);

/// Code, dimension, and the factor to one article, or to one hundredth of a microgram.
const UNITS: &[([u8; 3], Dimension, i128)] = &[
    (*b"C62", Dimension::Count, 1),
    (*b"EA ", Dimension::Count, 1),
    (*b"H87", Dimension::Count, 1),
    (*b"NAR", Dimension::Count, 1),
    (*b"PR ", Dimension::Count, 2),
    (*b"DZN", Dimension::Count, 12),
    (*b"CEN", Dimension::Count, 100),
    (*b"GRO", Dimension::Count, 144),
    (*b"MIL", Dimension::Count, 1000),
    (*b"T3 ", Dimension::Count, 1000),
    (*b"GRM", Dimension::Mass, 100_000_000),
    (*b"KGM", Dimension::Mass, 100_000_000_000),
    (*b"TNE", Dimension::Mass, 100_000_000_000_000),
    (*b"LBR", Dimension::Mass, 45_359_237_000),
    (*b"ONZ", Dimension::Mass, 2_834_952_000),
    (*b"GRN", Dimension::Mass, 6_479_891),
    (*b"SET", Dimension::Group, 1),
    (*b"NMP", Dimension::Group, 1),
    (*b"10 ", Dimension::Group, 1),
];

impl Unit {
    /// Pieces, the default unit of firearms.
    pub const C62: Self = Self(*b"C62");

    /// Reads two or three capital letters or digits; whether the code is one of the units in use
    /// for these goods is a question of its own (rules 6 and 82).
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let sound = (1..=3).contains(&text.len())
            && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let mut code = [b' '; 3];
        for (slot, c) in code.iter_mut().zip(text.bytes()) {
            *slot = c;
        }
        sound.then_some(Self(code)).ok_or_else(|| {
            Invalid::new(
                "not_a_unit_code",
                format!("{text:?} is not a UN/ECE Rec 20 code of up to three capitals or digits"),
            )
        })
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end()
    }

    fn entry(self) -> Option<(Dimension, i128)> {
        UNITS
            .iter()
            .find(|(code, ..)| *code == self.0)
            .map(|(_, dimension, factor)| (*dimension, *factor))
    }

    /// What restating pieces in it may have added where millionths of it are no whole pieces (`DZN`, `GRO`): less
    /// than half a piece. Goods that are counted go whole, so that a difference no larger is none.
    pub fn rounding(self) -> Quantity {
        match &self.0 {
            b"DZN" => Quantity(MICROS / (2 * 12)),
            b"GRO" => Quantity(MICROS / (2 * 144)),
            _ => Quantity::ZERO,
        }
    }

    /// A sum of restated quantities, where it is another one but for that.
    pub fn settled(self, sum: Quantity, whole: Quantity) -> Quantity {
        let differs = sum.saturating_minus(whole).max(whole.saturating_minus(sum));
        if differs <= self.rounding() { whole } else { sum }
    }

    /// What it measures; `None` for a code that is not a unit of these goods (`CTG` content gram,
    /// `CQ` cartridge as a unit, package codes such as `BX`).
    pub fn dimension(self) -> Option<Dimension> {
        self.entry().map(|(dimension, _)| dimension)
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Restates a quantity in another unit, rounded **up** to the millionth, so that a balance is
/// never drawn by less than what moved. `content` is what one group holds, where the declared
/// unit counts groups. `None`: the units do not measure the same thing.
pub fn convert(
    quantity: Quantity,
    from: Unit,
    content: Option<(Quantity, Unit)>,
    to: Unit,
) -> Option<Quantity> {
    if from == to {
        return Some(quantity);
    }
    let (to_dimension, to_factor) = to.entry()?;
    let (from_dimension, from_factor) = from.entry()?;
    if from_dimension == Dimension::Group {
        let (held, held_unit) = content?;
        if held_unit.dimension()? == Dimension::Group {
            return None;
        }
        let total = i128::from(quantity.0) * i128::from(held.0);
        let total = Quantity(i64::try_from(div_up(total, i128::from(MICROS))).ok()?);
        return convert(total, held_unit, None, to);
    }
    if from_dimension != to_dimension {
        return None;
    }
    let restated = div_up(i128::from(quantity.0) * from_factor, to_factor);
    i64::try_from(restated).ok().map(Quantity)
}

fn div_up(value: i128, by: i128) -> i128 {
    (value + by - 1) / by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_are_packed_into_few_bytes_and_every_quantity_comes_out_as_it_was() {
        let read = |text: &str| Quantity::parse(text).unwrap();
        for (quantity, bytes) in [
            (Quantity::ZERO, 1),
            (read("50"), 1),
            (read("1000000"), 3),
            (read("0.25"), 3),
            (read("0.000001"), 1),
            (read("9999999999.999999"), 8),
            (Quantity::MAX, 10),
        ] {
            let packed = postcard::to_allocvec(&quantity).unwrap();
            assert_eq!(postcard::from_bytes::<Quantity>(&packed), Ok(quantity));
            assert_eq!(packed.len(), bytes, "{quantity}");
        }
    }

    fn q(text: &str) -> Quantity {
        Quantity::parse(text).unwrap()
    }

    fn to(text: &str, from: &str, unit: &str) -> Option<String> {
        convert(q(text), Unit::parse(from).unwrap(), None, Unit::parse(unit).unwrap())
            .map(|q| q.to_string())
    }

    #[test]
    fn reads_and_writes_plain_decimals() {
        for (text, shown) in [
            ("12", "12"),
            ("0.250", "0.25"),
            ("0", "0"),
            ("9999999999.999999", "9999999999.999999"),
        ] {
            assert_eq!(q(text).to_string(), shown);
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "01",
            "1,5",
            "1.0000001",
            "99999999999",
            " 1",
            "١",
        ] {
            assert_eq!(Quantity::parse(bad).unwrap_err().code, "not_a_quantity", "{bad}");
        }
    }

    #[test]
    fn thousands_dozens_and_grosses_are_not_one() {
        for (from, pieces) in [
            ("MIL", "5000"),
            ("T3", "5000"),
            ("CEN", "500"),
            ("DZN", "60"),
            ("GRO", "720"),
            ("PR", "10"),
            ("EA", "5"),
        ] {
            assert_eq!(to("5", from, "C62").as_deref(), Some(pieces), "{from}");
        }
    }

    #[test]
    fn only_units_that_do_not_divide_into_millionths_are_rounded() {
        let rounding = |unit: &str| Unit::parse(unit).unwrap().rounding().to_string();
        for unit in ["C62", "PR", "CEN", "MIL", "KGM", "LBR", "SET"] {
            assert_eq!(rounding(unit), "0", "{unit}");
        }
        // Half a piece is a 24th of a dozen, and a 288th of a gross.
        assert_eq!(rounding("DZN"), "0.041666");
        assert_eq!(rounding("GRO"), "0.003472");
    }

    #[test]
    fn mass_converts_exactly_and_rounds_up_only_below_a_millionth() {
        assert_eq!(to("1", "LBR", "GRM").as_deref(), Some("453.59237"));
        assert_eq!(to("1", "ONZ", "GRM").as_deref(), Some("28.34952"));
        assert_eq!(to("1", "TNE", "KGM").as_deref(), Some("1000"));
        assert_eq!(to("1", "GRN", "KGM").as_deref(), Some("0.000065"));
        assert_eq!(to("1000000", "GRN", "KGM").as_deref(), Some("64.79891"));
    }

    #[test]
    fn count_and_mass_and_packages_never_convert() {
        for (from, unit) in [
            ("KGM", "C62"),
            ("C62", "KGM"),
            ("CTG", "C62"),
            ("CQ", "C62"),
            ("BX", "C62"),
            ("SET", "C62"),
            ("NPR", "C62"),
        ] {
            assert_eq!(to("5", from, unit), None, "{from} to {unit}");
        }
    }

    #[test]
    fn groups_convert_by_their_declared_content() {
        let content = Some((q("25"), Unit::C62));
        assert_eq!(
            convert(q("4"), Unit::parse("NMP").unwrap(), content, Unit::C62),
            Some(q("100"))
        );
    }
}
