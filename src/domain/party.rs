//! Who ships, receives, carries and declares.
use super::Text;
use super::number::is_seen;
use serde::Deserialize;
use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

/// A trader or authority. The identifier decides who it is; the name only advises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// EORI, tax or registry number, in the form in which it is compared.
    pub id: Text,
    /// Trading name.
    pub name: Text,
}

/// Largest identifier read: EORI has 17 characters, national numbers up to 35.
pub const ID_CHARS_MAX: usize = 35;

impl Party {
    /// Whether the identifier has the shape of an operator's number: an assigned country and 1 to
    /// 33 printable characters (EORI takes 15; other States' numbers are longer). No registry is asked.
    pub fn id_is_plausible(&self) -> bool {
        let id = self.id.as_str();
        let country = id.get(..2).and_then(|code| super::Country::parse(code).ok());
        let rest = id.get(2..).unwrap_or_default();
        country.is_some_and(super::Country::is_assigned)
            && !rest.is_empty()
            && id.len() <= ID_CHARS_MAX
            && rest.bytes().all(|c| c.is_ascii_graphic())
    }
}

/// Whether two names agree once case, accents, strokes and punctuation are set aside.
pub fn names_agree(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if a.is_ascii() && b.is_ascii() { plain(a).eq(plain(b)) } else { folded(a).eq(folded(b)) }
}

/// A number that all names share that agree, for an index (FNV-1a over the folded name).
pub fn name_index(name: &str) -> u64 {
    let step = |hash: u64, c: u32| (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    if name.is_ascii() {
        return plain(name).map(u32::from).fold(start, step);
    }
    folded(name).map(u32::from).fold(start, step)
}

/// The one form in which names of traders, makers and models are compared: capitals and digits without accents,
/// strokes and punctuation, so that `Česká` is `CESKA` and `Weiß` is `WEISS`. Small letters come first, since
/// some that differ share their capital (σ and ς) and others have none of one letter (ß).
pub(super) fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    let seen = name.nfkd().filter(|c| c.is_alphanumeric() && is_seen(*c));
    seen.flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(unstroked)
}

/// The same of plain letters, which have no other form.
fn plain(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase())
}

/// Letters that Unicode takes apart no further, as they are written without their strokes and ligatures.
fn unstroked(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'Ø' => ('O', None),
        'Ł' => ('L', None),
        'Đ' | 'Ð' => ('D', None),
        'Ħ' => ('H', None),
        'Æ' => ('A', Some('E')),
        'Œ' => ('O', Some('E')),
        'Þ' => ('T', Some('H')),
        other => (other, None),
    };
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(id: &str) -> Party {
        Party { id: id.into(), name: "Trader".into() }
    }

    #[test]
    fn an_operator_number_names_its_country() {
        for good in ["FR12345678901234", "KE0051234567", "KE-KWS-001", "XI123456789000"] {
            assert!(party(good).id_is_plausible(), "{good}");
        }
        for bad in
            ["", "FR", "fr123", "ZZ123", "12345", "FR 123", "FR12345678901234567890123456789012345"]
        {
            assert!(!party(bad).id_is_plausible(), "{bad}");
        }
    }

    #[test]
    fn names_agree_without_case_accents_and_punctuation() {
        assert!(names_agree("Armurerie du Rhône S.A.", "ARMURERIE DU RHONE SA"));
        assert!(!names_agree("Armurerie du Rhône", "Armurerie du Rhin"));
        assert_eq!(name_index("Armurerie du Rhône S.A."), name_index("ARMURERIE DU RHONE SA"));
    }

    #[test]
    fn capitals_of_every_script_and_letters_with_strokes_are_the_same_name() {
        for (a, b) in [
            ("Weiß Waffen GmbH", "WEISS WAFFEN GMBH"),
            ("WEIẞ", "weiss"),
            ("Όπλα Αθήνας", "ΟΠΛΑ ΑΘΗΝΑΣ"),
            ("Gdański Łowca", "GDANSKI LOWCA"),
            ("Sørensen Våben", "SORENSEN VABEN"),
            ("Đurđević", "DURDEVIC"),
            ("Ægir Œuvre", "AEGIR OEUVRE"),
            ("Kılıç İhracat", "KILIC IHRACAT"),
            ("Česká zbrojovka", "CESKÁ ZBROJOVKA"),
            ("Оружие", "ОРУЖИЕ"),
        ] {
            assert!(names_agree(a, b), "{a} {b}");
            assert_eq!(name_index(a), name_index(b), "{a} {b}");
        }
        assert!(!names_agree("Łowca", "Rowca"));
    }
}
