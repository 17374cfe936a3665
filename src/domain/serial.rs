//! Serial numbers: compared by what is stamped, suspected by what looks alike.
use super::Text;
use super::number::is_seen;
use serde::Deserialize;
use serde::Serialize;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// Longest serial number read.
pub const SERIAL_CHARS_MAX: usize = 40;

/// Words that stand where a number should, in the form in which numbers are compared.
const NO_NUMBER: [&str; 34] = [
    "NONE",
    "NA",
    "NIL",
    "NULL",
    "NO",
    "NOT",
    "NOTAVAILABLE",
    "NOTAPPLICABLE",
    "NOTKNOWN",
    "UNKNOWN",
    "UNMARKED",
    "UNNUMBERED",
    "UNSERIALIZED",
    "UNSERIALISED",
    "UNREADABLE",
    "ILLEGIBLE",
    "NOSERIAL",
    "NOSERIALNUMBER",
    "NOSN",
    "NONUMBER",
    "NOMARK",
    "NOMARKS",
    "NOMARKING",
    "NOMARKINGS",
    "WITHOUT",
    "MISSING",
    "TBD",
    "TBA",
    "SANS",
    "AUCUN",
    "NEANT",
    "OHNE",
    "KEINE",
    "NINGUNO",
];

/// What an alternative marking can do in a serial number's place (article 8(1)(a): simple geometric symbols
/// with a code).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// A symbol with a code: it tells the firearm from others and names the country that made it.
    Origin,
    /// Letters and digits: it tells the firearm from others.
    Number,
    /// Neither: words, a number alone, symbols without a code.
    Nothing,
}

/// A serial number as declared, with the form in which two of them are compared. Leading zeros
/// count: they are stamped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(Text);

impl Serial {
    /// Keeps the number in the form in which it is compared: Unicode NFKC, capitals, without
    /// separators. A geometric symbol is part of an alternative marking (article 8(1)(a)): △12 is not □12.
    /// `None` where nothing is left, as of a dash that stands for no number.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let normal: Text = if plain { Text::new(text) } else { normal(text).into() };
        (!normal.is_empty()).then_some(Self(normal))
    }

    /// An alternative marking, which stands in for a serial number and is compared like one; where it is
    /// made of other signs alone, sign by sign.
    pub fn of_marking(marking: &Text) -> Self {
        Self::parse(marking).unwrap_or_else(|| Self(marking.clone()))
    }

    /// Whether its words say that there is no number, as `NONE` or `N/A` do.
    pub fn says_none(&self) -> bool {
        // Nearly every number ends in a digit, and none of these words does.
        !self.0.ends_with(|c: char| c.is_ascii_digit()) && NO_NUMBER.contains(&self.as_str())
    }

    /// What it can do in a serial number's place.
    pub fn marking(&self) -> Marking {
        let has = |sort: fn(char) -> bool| self.0.chars().any(sort);
        let code = has(char::is_alphanumeric);
        if code && has(is_symbol) {
            Marking::Origin
        } else if code && has(char::is_alphabetic) && has(char::is_numeric) {
            Marking::Number
        } else {
            Marking::Nothing
        }
    }

    /// A serial number or marking as it was stored, which is the form in which it is compared. It has been
    /// read before: reading it again could refuse it, or make another of it.
    pub fn stored(text: &str) -> Self {
        Self(Text::new(text))
    }

    /// The form in which two numbers are compared.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether two different numbers look the same to a tired reader: O/0, I/1, B/8, S/5. They are
    /// suspect, never equal.
    pub fn resembles(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self != other
            && self.0.bytes().map(looked).eq(other.0.bytes().map(looked))
    }

    /// A number that all serials of one look share, for an index.
    pub fn look(&self) -> u64 {
        look_of(self.as_str())
    }

    /// The one form that all serials of one look share, for a database.
    pub fn folded(&self) -> String {
        // One plain sign stands for another, which leaves every longer one as it is.
        String::from_utf8(self.0.bytes().map(looked).collect()).unwrap_or_default()
    }
}

/// The number that all serials of one look share, of one in the form in which it is compared (FNV-1a over what it looks like).
pub fn look_of(serial: &str) -> u64 {
    serial
        .bytes()
        .map(looked)
        .fold(0xcbf2_9ce4_8422_2325, |hash, c| (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3))
}

/// One sign for all those that are mistaken for each other.
fn looked(c: u8) -> u8 {
    match c {
        b'O' => b'0',
        b'I' => b'1',
        b'B' => b'8',
        b'S' => b'5',
        other => other,
    }
}

impl std::fmt::Display for Serial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn normal(text: &str) -> String {
    // Plain letters and digits have no other form.
    if text.is_ascii() {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        return kept.map(|c| c.to_ascii_uppercase()).collect();
    }
    let kept = text.nfkc().filter(|c| c.is_alphanumeric() && is_seen(*c) || is_symbol(*c));
    kept.flat_map(char::to_uppercase).collect()
}

fn is_symbol(c: char) -> bool {
    matches!(c, '\u{25a0}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}')
}

/// Serials to be asked for many times: a short list is searched, a long one is hashed once.
#[derive(Debug)]
pub struct SerialIndex<'a> {
    list: &'a [Serial],
    hashed: Option<HashSet<&'a Serial>>,
}

/// Longest list that is searched as it stands.
const SEARCHED_MAX: usize = 16;

impl<'a> SerialIndex<'a> {
    /// Makes a list ready to be asked.
    pub fn new(list: &'a [Serial]) -> Self {
        Self { list, hashed: (!Self::is_short(list)).then(|| list.iter().collect()) }
    }

    /// Whether a list is searched as it stands, so that nothing is gained by keeping its index.
    pub fn is_short(list: &[Serial]) -> bool {
        list.len() <= SEARCHED_MAX
    }

    /// Whether a serial is on the list.
    pub fn contains(&self, serial: &Serial) -> bool {
        match &self.hashed {
            Some(hashed) => hashed.contains(serial),
            None => self.list.contains(serial),
        }
    }
}

/// What identifies one firearm in the world: a serial alone is not unique (rule 95).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FirearmKey {
    /// Manufacturer, folded as a name is compared; empty where it is not known.
    pub make: String,
    /// Model, the same.
    pub model: String,
    /// Country of manufacture, the same.
    pub country: String,
    /// Serial number, or the alternative marking that stands in for it.
    pub serial: Serial,
}

impl FirearmKey {
    /// Whether two descriptions may be of one firearm: the serial agrees, and nothing that both state
    /// differs. Who leaves a model out has not made another firearm of it.
    pub fn may_be(&self, other: &Self) -> bool {
        self.serial == other.serial && self.is_described_as(other)
    }

    /// Whether the serial may be a misreading of another firearm's that nothing else tells from it.
    pub fn looks_like(&self, other: &Self) -> bool {
        self.serial.resembles(&other.serial) && self.is_described_as(other)
    }

    fn is_described_as(&self, other: &Self) -> bool {
        let agree = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
        agree(&self.make, &other.make)
            && agree(&self.model, &other.model)
            && agree(&self.country, &other.country)
    }
}

/// Folds a make or a model as every name is folded, so that what rule 73 takes for one maker is one here.
pub fn folded_name(name: &str) -> String {
    if name.is_ascii() { normal(name) } else { super::party::folded(name).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(text: &str) -> Serial {
        Serial::parse(text).unwrap()
    }

    #[test]
    fn separators_case_and_width_do_not_matter_but_zeros_do() {
        assert_eq!(serial("vc-000 101"), serial("VC000101"));
        assert_eq!(serial("ＶＣ000101"), serial("VC000101"));
        assert_ne!(serial("VC00101"), serial("VC000101"));
        assert_eq!(serial("VC000101\u{3164}"), serial("VC000101"), "nobody sees a filler");
        assert_eq!(Serial::parse(" - "), None);
    }

    #[test]
    fn what_is_left_out_makes_no_other_firearm_and_what_differs_does() {
        let key = |make: &str, model: &str, country: &str, number: &str| FirearmKey {
            make: make.to_owned(),
            model: model.to_owned(),
            country: country.to_owned(),
            serial: serial(number),
        };
        let rifle = key("VERNEYCARRON", "IMPACT", "FR", "VC1");
        assert!(rifle.may_be(&key("VERNEYCARRON", "", "FR", "VC1")));
        assert!(rifle.may_be(&key("", "", "", "VC1")));
        for other in [
            key("BLASER", "IMPACT", "FR", "VC1"),
            key("VERNEYCARRON", "SX", "FR", "VC1"),
            key("VERNEYCARRON", "IMPACT", "DE", "VC1"),
            key("VERNEYCARRON", "IMPACT", "FR", "VC01"),
        ] {
            assert!(!rifle.may_be(&other), "{other:?}");
        }
    }

    #[test]
    fn the_symbols_of_a_marking_are_compared_sign_by_sign() {
        assert_eq!(serial("△ 12"), serial("△12"));
        assert_ne!(serial("△12"), serial("□12"));
        assert_ne!(serial("△12"), serial("12"));
        assert_eq!(Serial::of_marking(&"FR 17-0001".into()), serial("FR170001"));
        assert_eq!(Serial::of_marking(&"△◇".into()), Serial::of_marking(&"△◇".into()));
        assert_ne!(Serial::of_marking(&"△◇".into()), Serial::of_marking(&"◇△".into()));
    }

    #[test]
    fn a_marking_is_a_symbol_with_a_code_or_letters_with_digits() {
        let of = |text: &str| Serial::of_marking(&text.into()).marking();
        for whole in ["▲17-0001", "△ A", "□Ⅻ7"] {
            assert_eq!(of(whole), Marking::Origin, "{whole}");
        }
        for number in ["FR 17-0001", "VC000101"] {
            assert_eq!(of(number), Marking::Number, "{number}");
        }
        for nothing in ["-", "?", "...", "none", "N/A", "no marking", "123", "△◇", "unmarked"] {
            assert_eq!(of(nothing), Marking::Nothing, "{nothing}");
        }
    }

    #[test]
    fn words_may_say_that_there_is_no_number() {
        for none in ["NONE", "n/a", "Un-marked", "no serial"] {
            assert!(serial(none).says_none(), "{none}");
        }
        for number in ["NONESUCH", "NA1", "AB", "VC000101"] {
            assert!(!serial(number).says_none(), "{number}");
        }
    }

    #[test]
    fn symbols_may_be_read_off_and_dashes_may_not() {
        assert_eq!(serial("△◇"), Serial::of_marking(&"△◇".into()));
        for nothing in ["-", "—", "?", "…", "─"] {
            assert_eq!(Serial::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_was_stored_comes_back_as_it_was() {
        // The last one's capital bears an accent that a second reading would leave out.
        for text in ["VC-000 101", "△◇", "- -", "17 △", "A\u{390}7"] {
            let marking = Serial::of_marking(&text.into());
            assert_eq!(Serial::stored(marking.as_str()), marking, "{text}");
        }
    }

    #[test]
    fn lookalikes_resemble_but_are_not_equal() {
        let stamped = serial("VC000101");
        let misread = serial("VCO00IO1");
        assert_ne!(misread, stamped);
        assert!(misread.resembles(&stamped));
        assert_eq!(misread.look(), stamped.look());
        assert_eq!((misread.folded(), stamped.folded()), ("VC000101".into(), "VC000101".into()));
        assert_eq!(serial("△BIS").folded(), "△815");
        assert!(!stamped.resembles(&stamped));
        assert!(!serial("VC000102").resembles(&stamped));
        assert!(!serial("VC0000101").resembles(&stamped));
    }
}
