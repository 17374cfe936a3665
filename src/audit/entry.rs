//! Leaves: the bytes of an entry exactly as stored, with a nonce that keeps others from confirming
//! guesses about trade against the published hashes.
use crate::domain::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

/// Largest entry.
pub const ENTRY_BYTES_MAX: usize = 16 * 1024;

/// An entry that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealError {
    /// It is larger than a leaf may be.
    TooLarge(usize),
    /// Its body does not serialise.
    Body(String),
}

#[derive(Serialize)]
struct Sealed<'a, T> {
    v: u8,
    kind: &'a str,
    at: String,
    nonce: String,
    #[serde(flatten)]
    body: &'a T,
}

/// The bytes of an entry: from here on they are never serialised again.
pub fn seal(
    kind: &str,
    at: Timestamp,
    nonce: [u8; 16],
    body: &impl Serialize,
) -> Result<Vec<u8>, SealError> {
    let sealed = Sealed { v: 1, kind, at: format!("{at:.6}"), nonce: hex(&nonce), body };
    let bytes = serde_json::to_vec(&sealed).map_err(|error| SealError::Body(error.to_string()))?;
    if bytes.len() > ENTRY_BYTES_MAX {
        return Err(SealError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// The digest of personal or commercial data under an entry's nonce: it can be checked by whoever
/// holds the plain value and the entry, and says nothing to anyone else. Base64url, unpadded.
pub fn salted(nonce: [u8; 16], bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(nonce);
    hash.update(bytes);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Body {
        text: String,
    }

    #[test]
    fn an_entry_is_its_head_then_its_body() {
        let body = Body { text: "x".to_owned() };
        let bytes = seal("verification", Timestamp::UNIX_EPOCH, [0xab; 16], &body).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            format!(
                "{{\"v\":1,\"kind\":\"verification\",\"at\":\"1970-01-01T00:00:00.000000Z\",\"nonce\":\"{}\",\"text\":\"x\"}}",
                "ab".repeat(16)
            )
        );
    }

    #[test]
    fn an_entry_beyond_sixteen_kibibytes_is_refused() {
        let body = Body { text: "x".repeat(ENTRY_BYTES_MAX) };
        assert!(matches!(
            seal("x", Timestamp::UNIX_EPOCH, [0; 16], &body),
            Err(SealError::TooLarge(_))
        ));
    }

    #[test]
    fn the_same_value_has_another_digest_under_another_nonce() {
        assert_ne!(salted([0; 16], b"officer"), salted([1; 16], b"officer"));
        assert_eq!(salted([0; 16], b"officer").len(), 43);
    }
}
