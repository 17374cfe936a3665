//! Places by UN/LOCODE.
use super::Country;
use super::Invalid;
use serde::Deserialize;
use serde::Serialize;

/// Two letters of a country and three of `A-Z2-9` (0 and 1 never occur).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Locode([u8; 5]);

impl Locode {
    /// A place that no list holds, for a document that has not named one yet.
    pub const UNKNOWN: Self = Self(*b"XX999");

    /// Reads five characters such as `FRLEH`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let bad = || {
            Invalid::new(
                "not_a_locode",
                format!("{text:?} is not a UN/LOCODE: two letters, then three of A-Z and 2-9"),
            )
        };
        let code: [u8; 5] = text.as_bytes().try_into().map_err(|_e| bad())?;
        let [a, b, rest @ ..] = code;
        let place = |c: u8| c.is_ascii_uppercase() || (b'2'..=b'9').contains(&c);
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && rest.into_iter().all(place) {
            Ok(Self(code))
        } else {
            Err(bad())
        }
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The country whose list of places holds this one.
    pub fn country(&self) -> Option<Country> {
        self.as_str().get(..2).and_then(|code| Country::parse(code).ok())
    }
}

impl std::fmt::Display for Locode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::fmt::Debug for Locode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_locode() {
        let post = Locode::parse("FRLEH").unwrap();
        assert_eq!((post.as_str(), post.country().unwrap().as_str()), ("FRLEH", "FR"));
        assert!(Locode::parse("USN29").is_ok());
        for bad in ["", "FRLE", "FRLEHX", "FRL0H", "FRL1H", "frleh", "F1LEH", "FRLÉ"] {
            assert_eq!(Locode::parse(bad).unwrap_err().code, "not_a_locode", "{bad}");
        }
    }
}
