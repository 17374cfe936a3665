//! Countries by ISO 3166-1 alpha-2.
use super::Invalid;
use serde::Deserialize;
use serde::Serialize;
use std::sync::LazyLock;

/// Two capital letters. Whether the code is assigned to a State is a question of its own, since
/// an old licence may carry a code that has been withdrawn: rule 6 asks it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Country([u8; 2]);

/// In one step, for the rules look a dozen States up for every declaration.
impl std::hash::Hash for Country {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // The golden ratio spreads two letters over all bits.
        state.write_u64(u64::from(u16::from_be_bytes(self.0)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
}

/// Codes that customs use beside ISO 3166-1: Kosovo, Northern Ireland, Ceuta and Melilla.
const CUSTOMS_CODES: [&str; 4] = ["XK", "XI", "XC", "XL"];

/// Serbia as customs tariffs write it, and as everybody else does: one State under one code, so that neither an
/// embargo nor a licence misses it.
const SERBIA: (&str, [u8; 2]) = ("XS", *b"RS");

/// Codes withdrawn from ISO 3166-1 of States that made arms still in use.
const WITHDRAWN: [&str; 10] = ["AN", "BU", "CS", "DD", "FX", "SU", "TP", "VD", "YU", "ZR"];

/// Codes reserved in ISO 3166-1 that are often meant for another, with that other.
const RESERVED: [(&str, &str); 2] = [("EL", "GR"), ("UK", "GB")];

/// The 44 States and territories without a coast (rule 61 needs more than being one of them).
const LANDLOCKED: &str = "AD AF AM AT AZ BI BF BO BT BW BY CF CH CZ ET HU KG KZ LA LI LS LU MD MK ML MN MW NE NP PY RS RW SK SM SS SZ TD TJ TM UG UZ VA ZM ZW";

/// Every pair of letters, and whether it is assigned: the rules ask that of each country they see.
static ASSIGNED: LazyLock<[bool; 26 * 26]> = LazyLock::new(|| {
    let mut assigned = [false; 26 * 26];
    let codes = rust_iso3166::ALL.iter().map(|country| country.alpha2);
    for country in codes.chain(CUSTOMS_CODES).filter_map(|code| Country::parse(code).ok()) {
        if let Some(slot) = assigned.get_mut(country.place()) {
            *slot = true;
        }
    }
    assigned
});

impl Country {
    /// Reads two capital letters. The customs code of Serbia is read as its code in ISO 3166-1.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.as_bytes() {
            _ if text == SERBIA.0 => Ok(Self(SERBIA.1)),
            &[a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(Invalid::new(
                "not_a_country_code",
                format!("{text:?} is not two capital letters (ISO 3166-1 alpha-2)"),
            )),
        }
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether ISO 3166-1 or customs practice assigns the code today.
    pub fn is_assigned(self) -> bool {
        ASSIGNED.get(self.place()).copied().unwrap_or_default()
    }

    /// Its place among all pairs of letters.
    fn place(self) -> usize {
        let [first, second] = self.0.map(|letter| usize::from(letter.saturating_sub(b'A')));
        first * 26 + second
    }

    /// Whether the code was assigned once and has been withdrawn: an old firearm may have been made there.
    pub fn is_withdrawn(self) -> bool {
        WITHDRAWN.contains(&self.as_str())
    }

    /// The code that is probably meant by a reserved one: `EL` is Greece in VAT numbers only.
    pub fn meant(self) -> Option<&'static str> {
        RESERVED.iter().find(|(code, _)| *code == self.as_str()).map(|(_, meant)| *meant)
    }

    /// Whether the State has no coast of its own.
    pub fn is_landlocked(self) -> bool {
        LANDLOCKED.split(' ').any(|code| code == self.as_str())
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_capital_letters_only() {
        assert!(Country::parse("FR").is_ok());
        for bad in ["", "F", "fr", "FRA", "F1", "ÉÉ"] {
            assert_eq!(Country::parse(bad).unwrap_err().code, "not_a_country_code", "{bad}");
        }
    }

    #[test]
    fn knows_assigned_customs_and_withdrawn_codes() {
        for good in ["FR", "KE", "XK", "XI", "SZ", "MK"] {
            assert!(Country::parse(good).unwrap().is_assigned(), "{good}");
        }
        for bad in ["EL", "UK", "SU", "YU", "ZZ", "QQ"] {
            assert!(!Country::parse(bad).unwrap().is_assigned(), "{bad}");
        }
    }

    #[test]
    fn serbia_is_one_state() {
        assert_eq!(Country::parse("XS"), Country::parse("RS"));
    }

    #[test]
    fn knows_who_has_no_coast() {
        assert!(Country::parse("UG").unwrap().is_landlocked());
        assert!(!Country::parse("KE").unwrap().is_landlocked());
        assert_eq!(LANDLOCKED.split(' ').count(), 44);
    }
}
