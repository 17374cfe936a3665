//! The code under which goods announced ahead are presented: read aloud, typed or scanned, so it has
//! no signs that look alike and finds out a slip; and drawn at random, so that nobody guesses one.

/// Crockford's alphabet: no I, L, O or U.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Signs drawn at random: 55 bits.
const DRAWN: usize = 11;
/// Signs in all, the last of which checks the others.
const CHARS: usize = DRAWN + 1;

/// A short code, written in three groups of four.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShortCode(String);

impl ShortCode {
    /// A code from random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let mut values: Vec<u8> = bytes.iter().take(DRAWN).map(|byte| byte % 32).collect();
        values.push(times_two(checked(&values)));
        Self(values.into_iter().map(sign).collect())
    }

    /// Reads a code as people write it: in either case, with or without hyphens and spaces, with the
    /// signs that look alike taken for those that are meant.
    pub fn parse(text: &str) -> Option<Self> {
        let mut values = Vec::with_capacity(CHARS);
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            values.push(value(c)?);
            if values.len() > CHARS {
                return None;
            }
        }
        let sound = values.len() == CHARS && checked(&values) == 0;
        sound.then(|| Self(values.into_iter().map(sign).collect()))
    }

    /// The signs alone, as they are kept and stand in a QR code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ShortCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, c) in self.0.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

fn sign(value: u8) -> char {
    SIGNS.get(usize::from(value)).map_or('0', |sign| char::from(*sign))
}

fn value(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    SIGNS.iter().zip(0..).find(|(sign, _)| char::from(**sign) == c).map(|(_, value)| value)
}

/// The signs as coefficients of a polynomial over the field of 32 elements, taken at a primitive
/// element: a whole code gives 0. One wrong sign, or two that changed places, never do.
fn checked(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| times_two(sum) ^ value)
}

/// Multiplication by that element, modulo x^5 + x^2 + 1.
fn times_two(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0b10_0000 == 0 { doubled } else { doubled ^ 0b10_0101 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> ShortCode {
        ShortCode::from_random([7, 31, 0, 200, 93, 14, 1, 1, 255, 64, 128, 0, 0, 0, 0, 0])
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = code();
        let shown = code.to_string();
        assert_eq!((shown.len(), shown.matches('-').count()), (14, 2), "{shown}");
        for text in [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), code.0.clone()] {
            assert_eq!(ShortCode::parse(&text), Some(code.clone()), "{text}");
        }
        let typed = code.0.replace('0', "o").replace('1', "l");
        assert_eq!(ShortCode::parse(&typed), Some(code));
    }

    #[test]
    fn one_wrong_sign_is_always_found() {
        let code = code().0;
        for place in 0..CHARS {
            for other in SIGNS.iter().map(|sign| char::from(*sign)) {
                let slip: String = code
                    .chars()
                    .enumerate()
                    .map(|(i, c)| if i == place { other } else { c })
                    .collect();
                assert_eq!(ShortCode::parse(&slip).is_some(), slip == code, "{slip}");
            }
        }
    }

    #[test]
    fn two_signs_that_changed_places_are_always_found() {
        let code: Vec<char> = code().0.chars().collect();
        for a in 0..CHARS {
            for b in 0..CHARS {
                let mut swapped = code.clone();
                swapped.swap(a, b);
                let text: String = swapped.iter().collect();
                assert_eq!(ShortCode::parse(&text).is_some(), swapped == code, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "0", "0000-0000-000", "0000-0000-00001", "UUUU-UUUU-UUUU", "é"] {
            assert_eq!(ShortCode::parse(text), None, "{text}");
        }
    }
}
