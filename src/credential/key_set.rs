//! The keys of an issuing authority as it publishes them, or as a post without a network has pinned them.
use super::Malformed;
use super::PublicKey;
use super::malformed;
use crate::signing::Jwk;
use serde_json::Value;
use serde_json::json;

/// Most keys of one authority.
pub const KEYS_MAX: usize = 100;

/// Public keys by identifier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// A set of these keys.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self { keys }
    }

    /// Reads a JWKS (RFC 7517). Keys of other kinds are left out, so that an authority may publish them
    /// beside ours; an identifier that stands twice makes the set unusable.
    pub fn read(json: &[u8]) -> Result<Self, Malformed> {
        let set: Value = serde_json::from_slice(json)
            .map_err(|error| malformed(format!("not a key set: {error}")))?;
        let listed = set.get("keys").and_then(Value::as_array);
        let listed = listed.ok_or_else(|| malformed("not a key set: no list of keys"))?;
        if listed.len() > KEYS_MAX {
            return Err(malformed(format!("{} keys, at most {KEYS_MAX}", listed.len())));
        }
        let mut keys: Vec<PublicKey> = Vec::new();
        for jwk in listed {
            let Ok(jwk) = serde_json::from_value::<Jwk>(jwk.clone()) else { continue };
            let Ok(key) = PublicKey::from_jwk(&jwk) else { continue };
            if keys.iter().any(|known| known.kid_bytes() == key.kid_bytes()) {
                return Err(malformed(format!("key {} stands twice", key.kid())));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(malformed("no usable key (EdDSA, ES256)"));
        }
        Ok(Self { keys })
    }

    /// As it is published.
    pub fn jwks(&self) -> Value {
        json!({"keys": self.keys.iter().map(PublicKey::jwk).collect::<Vec<_>>()})
    }

    /// A key by its identifier.
    pub fn get(&self, kid: &[u8]) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.kid_bytes() == kid)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Algorithm;
    use crate::credential::Signer;
    use crate::signing::SoftKey;

    fn key(seed: u8) -> PublicKey {
        SoftKey::new(Algorithm::EdDsa, &[seed; 32]).unwrap().public().clone()
    }

    #[test]
    fn a_set_reads_back_and_leaves_out_what_is_not_ours() {
        let set = KeySet::new(vec![key(1), key(2)]);
        let mut published = set.jwks();
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"});
        published["keys"].as_array_mut().unwrap().push(rsa);
        assert_eq!(KeySet::read(published.to_string().as_bytes()).unwrap(), set);
        assert_eq!(set.get(key(2).kid_bytes()), Some(&key(2)));
        assert_eq!(set.get(key(3).kid_bytes()), None);
    }

    #[test]
    fn a_set_in_which_a_key_stands_twice_is_refused() {
        let twice = KeySet::new(vec![key(1), key(1)]).jwks().to_string();
        assert!(KeySet::read(twice.as_bytes()).unwrap_err().0.contains("twice"));
        for bad in ["", "[]", "{}", r#"{"keys": []}"#, r#"{"keys": [1]}"#] {
            assert!(KeySet::read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
