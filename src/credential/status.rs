//! Which licences still stand: a Token Status List (draft-ietf-oauth-status-list) as a signed JWT. It
//! says of each whether it stands, and of none what it is or what is left of it.
use super::KeyError;
use super::Malformed;
use super::PublicKey;
use super::Signer;
use super::jws;
use super::malformed;
use super::zlib;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;

/// Entries of one list.
pub const ENTRIES: u64 = 1 << 17;
/// Bits of an entry in the lists that we publish.
const BITS: u8 = 2;
/// Largest list of others that is unpacked.
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many seconds a list may be dated ahead of our clock, which another one may be ahead of.
pub const AHEAD_S_MAX: i64 = 300;
/// Longest list that is read.
pub const LIST_CHARS_MAX: usize = 4 * 1024 * 1024;

/// Where a licence stands, as far as a list tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It stands.
    Valid,
    /// It is revoked, annulled, surrendered or superseded.
    Invalid,
    /// It is suspended.
    Suspended,
    /// It stands, and says something else by now: another version has been issued.
    Amended,
    /// A value that we do not know.
    Other(u8),
}

impl Standing {
    /// The value in a list.
    pub fn value(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Suspended => 2,
            Self::Amended => 3,
            Self::Other(value) => value,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Suspended => "suspended",
            Self::Amended => "amended",
            Self::Other(_) => "unknown",
        }
    }

    fn of(value: u8) -> Self {
        match value {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            3 => Self::Amended,
            other => Self::Other(other),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    sub: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    status_list: Packed,
}

#[derive(Serialize, Deserialize)]
struct Packed {
    bits: u8,
    lst: String,
}

/// A list that was read and whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    /// The key that signed it.
    pub kid: Vec<u8>,
    /// When it was made.
    pub iat: i64,
    /// When it is no longer to be used.
    pub exp: i64,
    /// After how many seconds a newer one is worth asking for.
    pub ttl: i64,
    bits: u8,
    bytes: Vec<u8>,
}

/// When a list is made and how long it serves.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// When it is made.
    pub iat: i64,
    /// For how many seconds it serves.
    pub life_s: i64,
    /// After how many seconds a newer one is worth asking for.
    pub ttl_s: i64,
}

/// Signs the list of a URI from the entries that do not simply stand.
pub fn sign(
    uri: &str,
    entries: &[(u64, Standing)],
    times: Times,
    signer: &dyn Signer,
) -> Result<String, KeyError> {
    let mut bytes = vec![0_u8; usize::try_from(ENTRIES * u64::from(BITS) / 8).unwrap_or_default()];
    for (idx, standing) in entries {
        let (byte, shift) = place(*idx, BITS);
        let Some(byte) = bytes.get_mut(byte).filter(|_| *idx < ENTRIES) else { continue };
        *byte |= (standing.value() & 0b11) << shift;
    }
    let words = |error: Malformed| KeyError::Unusable(error.0);
    let lst = URL_SAFE_NO_PAD.encode(zlib::pack(&bytes).map_err(words)?);
    let document = Document {
        sub: uri.to_owned(),
        iat: times.iat,
        exp: times.iat.saturating_add(times.life_s),
        ttl: Some(times.ttl_s),
        status_list: Packed { bits: BITS, lst },
    };
    let payload =
        serde_json::to_vec(&document).map_err(|error| KeyError::Unusable(error.to_string()))?;
    jws::sign(jws::STATUS_LIST, &payload, signer)
}

/// Reads a list that must be the one of a URI, signed by one of the keys.
pub fn read<'a>(
    uri: &str,
    text: &str,
    key: impl FnOnce(&[u8]) -> Option<&'a PublicKey>,
) -> Result<StatusList, Malformed> {
    let opened = jws::open(jws::STATUS_LIST, text.trim_end(), LIST_CHARS_MAX)?;
    let key = key(&opened.kid).ok_or_else(|| malformed("the list's key is not known"))?;
    if !opened.is_signed_by(key) {
        return Err(malformed("the list's signature does not verify"));
    }
    let document: Document = serde_json::from_slice(&opened.payload)
        .map_err(|error| malformed(format!("the list: {error}")))?;
    if document.sub != uri {
        return Err(malformed(format!("it is the list {:?}, not {uri:?}", document.sub)));
    }
    let bits = document.status_list.bits;
    if ![1, 2, 4, 8].contains(&bits) {
        return Err(malformed(format!("an entry of {bits} bits")));
    }
    let packed = URL_SAFE_NO_PAD
        .decode(&document.status_list.lst)
        .map_err(|_e| malformed("the list is not base64url"))?;
    Ok(StatusList {
        kid: opened.kid,
        iat: document.iat,
        exp: document.exp,
        ttl: document.ttl.unwrap_or_default().max(0),
        bits,
        bytes: zlib::unpack(&packed, LIST_BYTES_MAX)?,
    })
}

impl StatusList {
    /// Whether it is dated in the future: nothing tells then how old what it says is.
    pub fn is_ahead(&self, now_s: i64) -> bool {
        self.iat > now_s.saturating_add(AHEAD_S_MAX)
    }

    /// Where an entry stands; nothing beyond the list's end.
    pub fn get(&self, idx: u64) -> Option<Standing> {
        let (byte, shift) = place(idx, self.bits);
        let mask = u8::MAX >> (8 - self.bits);
        self.bytes.get(byte).map(|byte| Standing::of(byte >> shift & mask))
    }
}

/// The byte of an entry, and by how many bits it is shifted there: the first entry is in the lowest bits.
fn place(idx: u64, bits: u8) -> (usize, u8) {
    let per_byte = u64::from(8 / bits.max(1));
    let byte = usize::try_from(idx / per_byte).unwrap_or(usize::MAX);
    (byte, u8::try_from(idx % per_byte).unwrap_or_default() * bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Algorithm;
    use crate::signing::SoftKey;
    use std::sync::LazyLock;

    const URI: &str = "https://customs.example/v1/status-lists/0";
    const TIMES: Times = Times { iat: 1_800_000_000, life_s: 86_400, ttl_s: 300 };

    static SIGNER: LazyLock<SoftKey> =
        LazyLock::new(|| SoftKey::new(Algorithm::Es256, &[3; 32]).unwrap());

    fn signer() -> &'static SoftKey {
        &SIGNER
    }

    #[test]
    fn a_list_says_of_each_entry_where_it_stands() {
        let entries = [
            (0, Standing::Suspended),
            (1, Standing::Invalid),
            (5, Standing::Amended),
            (ENTRIES - 1, Standing::Invalid),
        ];
        let text = sign(URI, &entries, TIMES, signer()).unwrap();
        let list = read(URI, &text, |_| Some(signer().public()));
        let list = list.unwrap();
        for (idx, standing) in entries {
            assert_eq!(list.get(idx), Some(standing));
        }
        assert_eq!(list.get(2), Some(Standing::Valid));
        assert_eq!(list.get(ENTRIES), None, "beyond its end it says nothing");
        assert_eq!((list.iat, list.exp, list.ttl), (1_800_000_000, 1_800_086_400, 300));
    }

    /// The example of the draft: sixteen entries of one bit.
    #[test]
    fn entries_are_packed_as_the_draft_packs_them() {
        let list =
            StatusList { kid: vec![], iat: 0, exp: 0, ttl: 0, bits: 1, bytes: vec![0xb9, 0xa3] };
        let values: Vec<u8> = (0..16).map(|idx| list.get(idx).unwrap().value()).collect();
        assert_eq!(values, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]);
        let list = StatusList {
            kid: vec![],
            iat: 0,
            exp: 0,
            ttl: 0,
            bits: 2,
            bytes: vec![0xc9, 0x44, 0xf9],
        };
        let values: Vec<u8> = (0..12).map(|idx| list.get(idx).unwrap().value()).collect();
        assert_eq!(values, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn another_list_another_key_or_another_kind_of_token_is_refused() {
        let text = sign(URI, &[], TIMES, signer()).unwrap();
        let other = "https://customs.example/v1/status-lists/1";
        assert!(read(other, &text, |_| Some(signer().public())).unwrap_err().0.contains("not"));
        assert!(read(URI, &text, |_| None).is_err());
        let forged = SoftKey::new(Algorithm::Es256, &[4; 32]).unwrap();
        let forged = sign(URI, &[], TIMES, &forged).unwrap();
        assert!(
            read(URI, &forged, |_| Some(signer().public())).unwrap_err().0.contains("signature")
        );
        let licence = jws::sign(jws::LICENCE, b"{}", signer()).unwrap();
        assert!(read(URI, &licence, |_| Some(signer().public())).is_err());
    }
}
