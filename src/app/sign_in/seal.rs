//! Sealing what a browser keeps for us: it can neither be read there nor changed, and what was
//! sealed for one purpose does not open for another.
use crate::app::Error;
use crate::clock::Ids;
use crate::outbound::key_file;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead;
use ring::hmac;
use std::path::Path;

const NONCE_BYTES: usize = 12;

/// For what something is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A token that is a session.
    Session,
    /// A sign-in on its way to the issuer and back.
    Flow,
    /// What a session goes on by.
    Renewal,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Session => b"passavant session",
            Self::Flow => b"passavant sign-in",
            Self::Renewal => b"passavant renewal",
        }
    }
}

/// Seals and opens.
pub struct Sealer {
    key: aead::LessSafeKey,
    marks: hmac::Key,
}

impl Sealer {
    /// Reads the key from its file, or makes it where there is none yet.
    pub fn open(file: &Path, ids: &dyn Ids) -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Internal(format!("the console's key {}: {error}", file.display()))
        };
        if !file.exists() {
            let seed = [ids.nonce(), ids.nonce()].concat();
            key_file::write(file, &URL_SAFE_NO_PAD.encode(seed)).map_err(|error| failed(&error))?;
        }
        let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| failed(&error))?;
        let seed: [u8; 32] =
            seed.try_into().map_err(|_e| failed(&"it is not 32 bytes in base64url"))?;
        Self::from_seed(&seed)
    }

    /// A sealer of a key: one key is derived for each of its two jobs.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Error> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, seed);
        let derive = |label: &[u8]| hmac::sign(&master, label);
        let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, derive(b"seal").as_ref())
            .map_err(|error| Error::Internal(format!("the console's key: {error}")))?;
        Ok(Self {
            key: aead::LessSafeKey::new(key),
            marks: hmac::Key::new(hmac::HMAC_SHA256, derive(b"mark").as_ref()),
        })
    }

    /// Seals some bytes.
    pub fn seal(&self, purpose: Purpose, plain: &[u8], ids: &dyn Ids) -> Result<String, Error> {
        let random = ids.nonce();
        let nonce: [u8; NONCE_BYTES] =
            random.first_chunk().copied().ok_or_else(|| Error::Internal("a nonce".to_owned()))?;
        let mut bytes = plain.to_vec();
        let aad = aead::Aad::from(purpose.label());
        self.key
            .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aad, &mut bytes)
            .map_err(|error| Error::Internal(format!("sealing: {error}")))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat()))
    }

    /// Opens what was sealed for this purpose under this key; nothing for anything else.
    pub fn open_sealed(&self, purpose: Purpose, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_BYTES>()?;
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let plain = self.key.open_in_place(nonce, aead::Aad::from(purpose.label()), sealed).ok()?;
        Some(plain.to_vec())
    }

    /// Whether a mark is the one that this key makes of a text.
    pub fn is_mark(&self, text: &str, mark: &str) -> bool {
        let mark = URL_SAFE_NO_PAD.decode(mark).unwrap_or_default();
        hmac::verify(&self.marks, text.as_bytes(), &mark).is_ok()
    }

    /// A mark of a text that only this key makes.
    pub fn mark(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.marks, text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemIds;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_sealed_opens_for_its_purpose_alone() {
        let sealer = Sealer::from_seed(&[1; 32]).unwrap();
        let sealed = sealer.seal(Purpose::Session, b"a token", &SystemIds).unwrap();
        assert_eq!(sealer.open_sealed(Purpose::Session, &sealed).unwrap(), b"a token");
        assert_eq!(sealer.open_sealed(Purpose::Flow, &sealed), None);
        assert_eq!(sealer.open_sealed(Purpose::Renewal, &sealed), None);
        assert!(!sealed.contains("token"));
        let again = sealer.seal(Purpose::Session, b"a token", &SystemIds).unwrap();
        assert_ne!(sealed, again, "nobody can tell that two sessions are the same");
    }

    #[test]
    fn what_was_changed_or_sealed_by_another_key_does_not_open() {
        let sealer = Sealer::from_seed(&[1; 32]).unwrap();
        let sealed = sealer.seal(Purpose::Session, b"a token", &SystemIds).unwrap();
        let other = Sealer::from_seed(&[2; 32]).unwrap();
        assert_eq!(other.open_sealed(Purpose::Session, &sealed), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(sealer.open_sealed(Purpose::Session, &changed), None, "byte {at}");
            bytes[at] ^= 1;
        }
        for short in ["", "AAAA", "!"] {
            assert_eq!(sealer.open_sealed(Purpose::Session, short), None);
        }
    }

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("console.key");
        let first = Sealer::open(&file, &SystemIds).unwrap();
        let again = Sealer::open(&file, &SystemIds).unwrap();
        assert_eq!(first.mark("a"), again.mark("a"));
        assert!(first.is_mark("a", &again.mark("a")));
        assert!(!first.is_mark("a", &first.mark("b")));
        assert!(!first.is_mark("a", ""));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "short").unwrap();
        let refused = Sealer::open(&file, &SystemIds).err().unwrap().to_string();
        assert!(refused.contains("console.key"), "{refused}");
    }
}
