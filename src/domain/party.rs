//! Who ships, receives, carries and declares.
use super::Text;
use serde::Deserialize;
use serde::Serialize;

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

/// Whether two trading names agree once case, accents' composition and punctuation are set aside.
pub fn names_agree(a: &str, b: &str) -> bool {
    a == b || folded(a).eq(folded(b))
}

/// A number that all names share that agree, for an index (FNV-1a over the folded name).
pub fn name_index(name: &str) -> u64 {
    let step = |hash: u64, c: u32| (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    if name.is_ascii() {
        let folded = name.bytes().filter(u8::is_ascii_alphanumeric);
        return folded.map(|c| u32::from(c.to_ascii_lowercase())).fold(start, step);
    }
    folded(name).map(u32::from).fold(start, step)
}

fn folded(name: &str) -> impl Iterator<Item = char> + '_ {
    use unicode_normalization::UnicodeNormalization;
    name.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
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
}
