//! The number that a customs office gives a declaration: MRN, UCR or a national one.
use super::Text;

/// Longest declaration reference or UCR.
pub const REFERENCE_CHARS_MAX: usize = 35;

/// Which numbering a declaration reference follows; it decides which checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// Movement reference number of the Union and common transit (18 characters).
    Mrn,
    /// Unique consignment reference (WCO).
    Ucr,
    /// Another State's own numbering.
    National,
}

impl ReferenceKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mrn => "mrn",
            Self::Ucr => "ucr",
            Self::National => "national",
        }
    }
}

/// A declaration's reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its numbering.
    pub kind: ReferenceKind,
    /// The number in the form in which it is compared.
    pub value: Text,
}

impl Reference {
    /// A reference as it was declared. An MRN is that MRN also where it was declared as a national number.
    pub fn new(kind: ReferenceKind, value: Text) -> Self {
        let is_mrn = kind == ReferenceKind::National
            && mrn_flow(&value).is_some()
            && mrn_check_digit_agrees(&value);
        Self { kind: if is_mrn { ReferenceKind::Mrn } else { kind }, value }
    }

    /// Whether what stands under this reference already is the same use of it: a UCR may cover many
    /// shipments, told apart by content alone.
    pub fn is_same_use(&self, same_content: bool) -> bool {
        self.kind != ReferenceKind::Ucr || same_content
    }
}

/// The movement that an MRN's seventeenth character stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MrnFlow {
    /// `A`-`E`: export and exit.
    Export,
    /// `J`-`M`: transit.
    Transit,
    /// `R`-`W`: import and entry.
    Import,
    /// An older number, which carries no letter of procedure.
    Unstated,
}

/// Years from here on are of the last century: movement reference numbers are given since the nineties.
const CENTURY_FROM: u8 = 90;
/// First year all of whose numbers have a letter of procedure; those of the year before may have one, or anything.
const LETTERS_FROM: u8 = 25;

/// What a syntactically sound MRN says; `None` where the 18 characters do not have its form.
///
/// The procedure letter is only read in numbers of 2025 and later: both structures were given in 2024, and a letter
/// there need not be one of procedure.
pub fn mrn_flow(mrn: &str) -> Option<MrnFlow> {
    let chars: &[u8; 18] = mrn.as_bytes().try_into().ok()?;
    let [y1, y2, c1, c2, .., letter, digit] = chars;
    let sound = [y1, y2, digit].iter().all(|c| c.is_ascii_digit())
        && [c1, c2].iter().all(|c| c.is_ascii_uppercase())
        && chars.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if !sound {
        return None;
    }
    let year: u8 = mrn.get(..2)?.parse().ok()?;
    match letter {
        _ if !(LETTERS_FROM..CENTURY_FROM).contains(&year) => Some(MrnFlow::Unstated),
        b'A'..=b'E' => Some(MrnFlow::Export),
        b'J'..=b'M' => Some(MrnFlow::Transit),
        b'R'..=b'W' => Some(MrnFlow::Import),
        _ => None,
    }
}

/// The check digit that the first 17 characters ask for (ISO 6346: weights 2^i from the left,
/// letters from A = 10 without 11, 22 and 33, sum mod 11, and 10 becomes 0).
pub fn mrn_check_digit(mrn: &str) -> Option<u8> {
    let bytes = mrn.as_bytes().get(..17)?;
    let mut sum: u32 = 0;
    for (i, c) in bytes.iter().enumerate() {
        let value = match c {
            b'0'..=b'9' => u32::from(c - b'0'),
            b'A' => 10,
            b'B'..=b'K' => u32::from(c - b'B') + 12,
            b'L'..=b'U' => u32::from(c - b'L') + 23,
            b'V'..=b'Z' => u32::from(c - b'V') + 34,
            _ => return None,
        };
        sum += value << i;
    }
    u8::try_from(sum % 11 % 10).ok()
}

/// Whether the last character is the digit that the others ask for.
pub fn mrn_check_digit_agrees(mrn: &str) -> bool {
    let digit = mrn.as_bytes().get(17).map(|c| c.wrapping_sub(b'0'));
    mrn_check_digit(mrn).is_some_and(|want| digit == Some(want))
}

/// Whether a text has the form of a UCR: one digit of the year, a country, an operator, a hyphen
/// and the trader's own reference, 35 characters at most, without `/` and `:`.
pub fn ucr_is_sound(ucr: &str) -> bool {
    let mut chars = ucr.bytes();
    let year = chars.next().is_some_and(|c| c.is_ascii_digit());
    let country = chars.by_ref().take(2).filter(u8::is_ascii_uppercase).count() == 2;
    let rest = ucr.get(3..).unwrap_or_default();
    year && country
        && ucr.len() <= REFERENCE_CHARS_MAX
        && rest
            .split_once('-')
            .is_some_and(|(operator, own)| !operator.is_empty() && !own.is_empty())
        && rest.bytes().all(|c| c.is_ascii_graphic() && c != b'/' && c != b':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors(of: &str) -> Vec<(String, Value)> {
        let vectors = include_str!("../../tests/data/mrn_vectors.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let list = vectors[of].as_array().unwrap();
        list.iter().map(|v| (v[0].as_str().unwrap().to_owned(), v.clone())).collect()
    }

    #[test]
    fn sound_numbers_old_and_new_are_read_and_their_digit_agrees() {
        for of in ["valid_published", "generated", "remainder10"] {
            for (mrn, _) in vectors(of) {
                assert!(mrn_flow(&mrn).is_some(), "{mrn}");
                assert!(mrn_check_digit_agrees(&mrn), "{mrn}");
            }
        }
    }

    #[test]
    fn an_mrn_is_no_national_number_of_its_own() {
        let kind = |kind, value: &str| Reference::new(kind, value.into()).kind;
        assert_eq!(kind(ReferenceKind::National, "26FR000410123456A4"), ReferenceKind::Mrn);
        assert_eq!(kind(ReferenceKind::National, "26FR000410123456A5"), ReferenceKind::National);
        assert_eq!(kind(ReferenceKind::Ucr, "26FR000410123456A4"), ReferenceKind::Ucr);
    }

    #[test]
    fn a_remainder_of_ten_asks_for_zero() {
        for (mrn, vector) in vectors("remainder10") {
            assert_eq!(vector[1].as_u64().unwrap() % 11, 10, "{mrn}");
            assert_eq!(mrn_check_digit(&mrn), Some(0), "{mrn}");
        }
        for (mrn, vector) in vectors("generated") {
            assert_eq!(mrn_check_digit(&mrn).map(u64::from), vector[3].as_u64(), "{mrn}");
        }
    }

    #[test]
    fn published_specimens_with_a_wrong_digit_are_found_out() {
        for (mrn, _) in vectors("invalid_published") {
            assert!(!mrn_check_digit_agrees(&mrn), "{mrn}");
        }
    }

    #[test]
    fn the_letter_tells_the_procedure_from_2025_on() {
        let flow = |mrn: &str| mrn_flow(mrn);
        assert_eq!(flow("26FR000410123456A4"), Some(MrnFlow::Export));
        assert_eq!(flow("26TR340123009876J6"), Some(MrnFlow::Transit));
        assert_eq!(flow("26GB0000601001EBR1"), Some(MrnFlow::Import));
        assert_eq!(flow("24GB0000601001EBR1"), Some(MrnFlow::Unstated));
        assert_eq!(flow("24CZ57000023VY9V39"), Some(MrnFlow::Unstated));
        assert_eq!(flow("21CZ57000023VY9A39"), Some(MrnFlow::Unstated));
        assert_eq!(flow("99IT9876AB88901209"), Some(MrnFlow::Unstated));
        assert_eq!(flow("26FR000410123456Q4"), None);
    }

    #[test]
    fn what_is_no_mrn_is_refused() {
        for bad in [
            "",
            "26FR000410123456A",
            "26FR000410123456A44",
            "26fr000410123456a4",
            "26FR000410123456A ",
            "26FR00041012345/A4",
            "2XFR000410123456A4",
            "26F1000410123456A4",
            "26FR000410123456AX",
            "26FR00041012345ÉA4",
        ] {
            assert_eq!(mrn_flow(bad), None, "{bad}");
            assert!(!mrn_check_digit_agrees(bad) || bad.len() != 18, "{bad}");
        }
    }

    #[test]
    fn a_ucr_has_year_country_operator_and_reference() {
        for good in ["6FR12345678901234-ABC1", "6GB123456789012-A", "0KE1-2-3"] {
            assert!(ucr_is_sound(good), "{good}");
        }
        for bad in [
            "",
            "6FR12345678901234ABC1",
            "FR12345678901234-ABC1",
            "6fr12345678901234-ABC1",
            "6FR-ABC1",
            "6FR123-",
            "6FR123-A/B",
            "6FR123-A:B",
            "6FR123-A B",
            "6FR12345678901234-ABC1-ABC1-ABC1-ABC1",
        ] {
            assert!(!ucr_is_sound(bad), "{bad}");
        }
    }
}
