//! An issuer on this machine, for the sample service and for trials: it mints tokens with a key of
//! its own and publishes that key in a file.
use super::key_file;
use crate::domain::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// What a token says.
#[derive(Debug, Clone, Serialize)]
pub struct Claims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// For whom it is meant.
    pub aud: &'a str,
    /// Who it is about.
    pub sub: &'a str,
    /// The one role.
    pub role: &'a str,
    /// Border posts of an officer.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub posts: &'a [String],
    /// The operator's number of a carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<&'a str>,
}

#[derive(Serialize)]
struct Timed<'a> {
    #[serde(flatten)]
    claims: &'a Claims<'a>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// The issuer.
pub struct LocalIssuer {
    kid: String,
    key: EncodingKey,
    public: String,
}

impl LocalIssuer {
    /// Reads the key from its file, or makes it of the seed where there is none yet.
    pub fn open(file: &Path, seed: &[u8; 32]) -> Result<Self, String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("the issuer's key {}: {error}", file.display());
        if !file.exists() {
            key_file::write(file, &URL_SAFE_NO_PAD.encode(seed)).map_err(|error| failed(&error))?;
        }
        let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| failed(&error))?;
        let seed: [u8; 32] = seed.try_into().map_err(|_e| failed(&"not 32 bytes"))?;
        Self::from_seed(&seed).map_err(|error| failed(&error))
    }

    /// An issuer with a given key.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, String> {
        let signing = SigningKey::from_bytes(seed);
        let public = URL_SAFE_NO_PAD.encode(signing.verifying_key().as_bytes());
        let der = signing.to_pkcs8_der().map_err(|error| error.to_string())?;
        let kid = public.chars().take(16).collect();
        Ok(Self { kid, key: EncodingKey::from_ed_der(der.as_bytes()), public })
    }

    /// The key set to publish.
    pub fn jwks(&self) -> String {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.public});
        json!({"keys": [key]}).to_string()
    }

    /// Mints a token that lives so many seconds.
    pub fn mint(&self, claims: &Claims<'_>, now: Timestamp, life_s: i64) -> Result<String, String> {
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let now = now.as_second();
        let timed = Timed { claims, iat: now, nbf: now, exp: now.saturating_add(life_s) };
        jsonwebtoken::encode(&header, &timed, &self.key).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::keys::KeySet;
    use jsonwebtoken::Validation;
    use serde_json::Value;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    fn minted(issuer: &LocalIssuer) -> String {
        let claims = Claims {
            iss: "https://localhost/fr",
            aud: "passavant",
            sub: "officer-1",
            role: "officer",
            posts: &["FRLEH".to_owned()],
            operator: None,
        };
        issuer.mint(&claims, Timestamp::from_second(1_790_000_000).unwrap(), 900).unwrap()
    }

    #[test]
    fn its_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("issuer.key");
        let first = LocalIssuer::open(&file, &[1; 32]).unwrap();
        let again = LocalIssuer::open(&file, &[2; 32]).unwrap();
        assert_eq!(first.jwks(), again.jwks(), "the second seed is not needed");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_that_does_not_read_is_refused_by_name() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("issuer.key");
        for bad in ["", "!", "AAAA"] {
            std::fs::write(&file, bad).unwrap();
            let refused = LocalIssuer::open(&file, &[1; 32]).err().unwrap();
            assert!(refused.contains("issuer.key"), "{refused}");
        }
    }

    #[test]
    fn its_tokens_are_those_of_the_key_that_it_publishes() {
        let issuer = LocalIssuer::from_seed(&[1; 32]).unwrap();
        let token = minted(&issuer);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::EdDSA));
        let keys = KeySet::read(issuer.jwks().as_bytes()).unwrap();
        let key = keys.get(header.kid.as_deref()).unwrap();
        let mut validation = Validation::new(key.algorithm);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let claims = jsonwebtoken::decode::<Value>(&token, &key.key, &validation).unwrap().claims;
        assert_eq!(
            claims,
            json!({"iss": "https://localhost/fr", "aud": "passavant", "sub": "officer-1", "role": "officer",
                "posts": ["FRLEH"], "iat": 1_790_000_000, "nbf": 1_790_000_000, "exp": 1_790_000_900})
        );
    }
}
