//! What is shipped: classes of the Protocol, tariff codes, purposes.
use super::Invalid;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;
use unicode_normalization::UnicodeNormalization;

/// The Protocol's classes of goods (article 3), complete ammunition apart from its components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    /// Article 3(a).
    Firearm,
    /// Article 3(b): a part or component.
    Part,
    /// Article 3(c): a complete round.
    Ammunition,
    /// Article 3(c): case, primer, propellant, bullet.
    AmmunitionComponent,
}

impl Category {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firearm => "firearm",
            Self::Part => "part",
            Self::Ammunition => "ammunition",
            Self::AmmunitionComponent => "ammunition_component",
        }
    }
}

/// A Harmonized System code of six to ten digits; States only share the first six.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HsCode {
    six: u32,
    digits: u8,
    rest: u16,
}

/// Codes of six digits.
const SIX: u64 = 1_000_000;

/// As a packed licence keeps it: an even number where there are six digits, and an odd one that holds
/// the others too.
impl Serialize for HsCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (six, more) = (u64::from(self.six), u64::from(self.digits.saturating_sub(6)));
        let longer = (u64::from(self.rest) * 5 + more) * SIX + six;
        serializer.serialize_u64(if more == 0 { six << 1 } else { (longer << 1) | 1 })
    }
}

impl<'de> Deserialize<'de> for HsCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = u64::deserialize(deserializer)?;
        let (six, others) = ((packed >> 1) % SIX, (packed >> 1) / SIX);
        Ok(Self {
            six: u32::try_from(six).map_err(D::Error::custom)?,
            digits: u8::try_from(6 + others % 5).map_err(D::Error::custom)?,
            rest: u16::try_from(others / 5).map_err(D::Error::custom)?,
        })
    }
}

impl HsCode {
    /// Reads 6 to 10 digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = || {
            Invalid::new(
                "not_a_tariff_code",
                format!("{text:?} is not an HS code of 6 to 10 digits"),
            )
        };
        if !(6..=10).contains(&text.len()) || !text.bytes().all(|c| c.is_ascii_digit()) {
            return Err(bad());
        }
        let (six, rest) = text.split_at_checked(6).ok_or_else(bad)?;
        Ok(Self {
            six: six.parse().map_err(|_e| bad())?,
            digits: u8::try_from(text.len()).map_err(|_e| bad())?,
            rest: if rest.is_empty() { 0 } else { rest.parse().map_err(|_e| bad())? },
        })
    }

    /// The first six digits as a number, the part that every State shares.
    pub fn six(self) -> u32 {
        self.six
    }

    /// The heading: the first four digits.
    pub fn heading(self) -> u32 {
        self.six / 100
    }
}

impl std::fmt::Display for HsCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.six)?;
        match self.digits.saturating_sub(6) {
            0 => Ok(()),
            width => write!(f, "{:0width$}", self.rest, width = usize::from(width)),
        }
    }
}

impl std::fmt::Debug for HsCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The purposes of a temporary movement (article 10.6), with the one that Union law adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// Hunting.
    Hunting,
    /// Sport shooting.
    SportShooting,
    /// Evaluation.
    Evaluation,
    /// Exhibition without sale.
    Exhibition,
    /// Repair.
    Repair,
    /// Historical re-enactment (Regulation (EU) 2025/41 only).
    HistoricalReenactment,
}

impl Purpose {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hunting => "hunting",
            Self::SportShooting => "sport_shooting",
            Self::Evaluation => "evaluation",
            Self::Exhibition => "exhibition",
            Self::Repair => "repair",
            Self::HistoricalReenactment => "historical_reenactment",
        }
    }
}

/// The kinds of essential part that article 3(b) names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PartKind {
    /// Barrel.
    Barrel,
    /// Frame or receiver.
    FrameOrReceiver,
    /// Slide or cylinder.
    SlideOrCylinder,
    /// Bolt or breech block.
    BoltOrBreechBlock,
    /// Sound suppressor.
    Suppressor,
    /// Another part that is essential to the firearm's operation.
    Other,
}

/// How goods move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Rec 19 code 1.
    Sea,
    /// Rec 19 code 2.
    Rail,
    /// Rec 19 code 3.
    Road,
    /// Rec 19 code 4.
    Air,
    /// Rec 19 code 5.
    Post,
    /// Rec 19 code 8.
    InlandWater,
}

/// Which way a consignment crosses the post's border; a licence is of one of these kinds too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Movement {
    /// Out of the post's State.
    Export,
    /// Into the post's State.
    Import,
    /// Across it.
    Transit,
}

impl Movement {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Import => "import",
            Self::Transit => "transit",
        }
    }
}

/// Folds a calibre's name for comparison: case, spaces and punctuation set aside, but a decimal
/// point between digits stays (5.7 is not 57), `×` and `*` are `x`, and a closing `mm` says nothing after a decimal or
/// a length. Of a single whole number both stay, for they are all that says what it counts: `.40` is of an inch,
/// `40 mm` is a grenade, `20` may be a gauge.
pub fn folded_calibre(name: &str) -> String {
    // Plain letters, digits and signs have no other form.
    if name.is_ascii() {
        return folded(name.chars().map(|c| c.to_ascii_uppercase()), name.len());
    }
    folded(name.nfkc().flat_map(char::to_uppercase), name.len())
}

fn folded(name: impl Iterator<Item = char>, length: usize) -> String {
    let mut folded = String::with_capacity(length);
    let mut point = false;
    let mut leads = false;
    for c in name {
        let digit_before = folded.ends_with(|c: char| c.is_ascii_digit());
        match c {
            '.' | ',' => {
                leads |= folded.is_empty();
                point = digit_before;
            }
            '×' | '*' => folded.push('X'),
            c if c.is_alphanumeric() => {
                if point && c.is_ascii_digit() {
                    folded.push('.');
                }
                point = false;
                folded.push(c);
            }
            _ => point = false,
        }
    }
    let bare = folded.strip_suffix("MM").unwrap_or(&folded);
    if bare.bytes().all(|c| c.is_ascii_digit()) {
        if leads {
            folded.insert(0, '.');
        }
    } else if bare.ends_with(|c: char| c.is_ascii_digit()) {
        folded.truncate(bare.len());
    }
    folded
}

/// Whether one folded name is of a gauge of shotgun and the other of its cartridges of one chamber length:
/// `12 gauge` and `12/70`.
pub fn is_chambering_of(gauge: &str, cartridge: &str) -> bool {
    let number = ["GAUGE", "GA", "BORE"].iter().find_map(|word| gauge.strip_suffix(word));
    let length = number.and_then(|number| cartridge.strip_prefix(number));
    length.is_some_and(|length| {
        let length = length.strip_prefix('X').unwrap_or(length);
        length.len() == 2 && length.bytes().all(|c| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tariff_code_comes_out_of_its_packing_as_it_was() {
        for text in ["930330", "010121", "0101210", "93033000", "999999999", "9999999999"] {
            let code = HsCode::parse(text).unwrap();
            let packed = postcard::to_allocvec(&code).unwrap();
            assert_eq!(postcard::from_bytes::<HsCode>(&packed), Ok(code));
            assert!(text.len() > 6 || packed.len() <= 3, "{text}: {} bytes", packed.len());
        }
    }

    #[test]
    fn calibres_fold_to_what_they_measure() {
        for (name, folded) in [
            ("7.62x51mm", "7.62X51"),
            ("7,62 × 51 mm", "7.62X51"),
            (".308 Win.", "308WIN"),
            (".30-06", ".3006"),
            ("30-06 Springfield", "3006SPRINGFIELD"),
            (".40", ".40"),
            ("40 mm", "40MM"),
            (".410 bore", "410BORE"),
            ("7,62 mm", "7.62"),
            ("mm", "MM"),
            ("5.7x28", "5.7X28"),
            ("9 mm Luger", "9MMLUGER"),
            ("12", "12"),
        ] {
            assert_eq!(folded_calibre(name), folded, "{name}");
        }
        assert_ne!(folded_calibre("5.7x28"), folded_calibre("57x28"));
        let chambers = |a, b| is_chambering_of(&folded_calibre(a), &folded_calibre(b));
        assert!(chambers("12 gauge", "12/70") && chambers("12 bore", "12 x 76"));
        for (a, b) in
            [("16 gauge", "12/70"), ("12/70", "12/76"), ("20 ga", "20x102mm"), ("12", "12/70")]
        {
            assert!(!chambers(a, b), "{a} {b}");
        }
    }

    #[test]
    fn tariff_codes_share_six_digits() {
        let cn = HsCode::parse("93033000").unwrap();
        assert_eq!((cn.six(), cn.heading(), cn.to_string().as_str()), (930_330, 9303, "93033000"));
        assert_eq!(HsCode::parse("930330").unwrap().to_string(), "930330");
        assert_eq!(HsCode::parse("0101210005").unwrap().to_string(), "0101210005");
        for bad in ["", "93033", "93033X", "93033000000", "9303.30"] {
            assert_eq!(HsCode::parse(bad).unwrap_err().code, "not_a_tariff_code", "{bad}");
        }
    }
}
