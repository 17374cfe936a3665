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
    /// The number as declared.
    pub value: Text,
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

/// What a syntactically sound MRN says; `None` where the 18 characters do not have its form.
///
/// The procedure letter is only read in numbers of 2024 and later, and for 2024 only where it is one.
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
        _ if year < 24 => Some(MrnFlow::Unstated),
        b'A'..=b'E' => Some(MrnFlow::Export),
        b'J'..=b'M' => Some(MrnFlow::Transit),
        b'R'..=b'W' => Some(MrnFlow::Import),
        _ if year == 24 => Some(MrnFlow::Unstated),
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
