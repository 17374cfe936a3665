//! Signing keys and what is verified with them: two algorithms, one identifier in every notation,
//! and one small trait behind which a key may lie in a file, in the environment or in a token of
//! hardware. Credentials and the log's checkpoints are signed through it.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::EncodedPoint;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::signature::Verifier as _;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

/// Bytes of an identifier: the first of the key's RFC 7638 thumbprint.
pub const KID_BYTES: usize = 8;

/// Why something does not read as what it should be, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

pub(crate) fn malformed(what: impl Into<String>) -> Malformed {
    Malformed(what.into())
}

/// A key that does not sign, in words that hold nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// What is asked of it cannot be done with it.
    #[error("{0}")]
    Unusable(String),
    /// Where it lies does not answer, or not rightly; later it may.
    #[error("{0}")]
    Unavailable(String),
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA over P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::EdDsa, Self::Es256];

    /// The name in JOSE.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }

    /// The number in COSE.
    pub fn cose(self) -> i64 {
        match self {
            Self::EdDsa => -8,
            Self::Es256 => -7,
        }
    }
}

/// Signs, wherever the key may lie.
pub trait Signer: Send + Sync {
    /// What others verify with.
    fn public(&self) -> &PublicKey;
    /// Signs a message: 64 bytes, as JOSE and COSE both write them.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Point {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// What is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: Point,
    kid: [u8; KID_BYTES],
}

/// A public key as it is published (RFC 7517, RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// `OKP` or `EC`.
    pub kty: String,
    /// `Ed25519` or `P-256`.
    pub crv: String,
    /// The first coordinate.
    pub x: String,
    /// The second one, of `P-256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The key's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `EdDSA` or `ES256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
}

impl PublicKey {
    fn new(point: Point) -> Self {
        let mut key = Self { point, kid: [0; KID_BYTES] };
        // The members in the order of RFC 7638.
        let jwk = key.jwk();
        let members = match &jwk.y {
            None => format!(r#"{{"crv":"{}","kty":"{}","x":"{}"}}"#, jwk.crv, jwk.kty, jwk.x),
            Some(y) => {
                format!(r#"{{"crv":"{}","kty":"{}","x":"{}","y":"{y}"}}"#, jwk.crv, jwk.kty, jwk.x)
            }
        };
        for (to, from) in key.kid.iter_mut().zip(Sha256::digest(members)) {
            *to = from;
        }
        key
    }

    /// An Ed25519 key from its 32 bytes.
    pub fn ed25519(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = bytes.try_into().map_err(|_e| malformed("an Ed25519 key has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_e| malformed("not a point of Ed25519"))?;
        // Under a point of small order one signature fits many messages.
        if key.is_weak() {
            return Err(malformed("a weak point of Ed25519"));
        }
        Ok(Self::new(Point::Ed25519(key)))
    }

    /// A P-256 key from its two coordinates.
    pub fn p256(x: &[u8], y: &[u8]) -> Result<Self, Malformed> {
        if x.len() != 32 || y.len() != 32 {
            return Err(malformed("a coordinate of P-256 has 32 bytes"));
        }
        let mut sec1 = vec![4];
        sec1.extend_from_slice(x);
        sec1.extend_from_slice(y);
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&sec1)
            .map_err(|_e| malformed("not a point of P-256"))?;
        Ok(Self::new(Point::P256(key)))
    }

    /// Reads a published key; one for another purpose or of another kind is none of ours.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, Malformed> {
        let decoded = |text: &str| {
            URL_SAFE_NO_PAD.decode(text).map_err(|_e| malformed("a coordinate is not base64url"))
        };
        let key = match (jwk.kty.as_str(), jwk.crv.as_str(), &jwk.y) {
            ("OKP", "Ed25519", None) => Self::ed25519(&decoded(&jwk.x)?)?,
            ("EC", "P-256", Some(y)) => Self::p256(&decoded(&jwk.x)?, &decoded(y)?)?,
            _ => return Err(malformed(format!("{} {} is no key of ours", jwk.kty, jwk.crv))),
        };
        let algorithm = jwk.alg.as_deref().is_none_or(|alg| alg == key.algorithm().as_str());
        let purpose = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        if !algorithm || !purpose {
            return Err(malformed("a key for something else"));
        }
        // The identifier follows from the key, so that nobody can publish one key as another.
        if jwk.kid.as_deref().is_some_and(|kid| kid != key.kid()) {
            return Err(malformed(format!("the key is {}, not {:?}", key.kid(), jwk.kid)));
        }
        Ok(key)
    }

    /// How it is published.
    pub fn jwk(&self) -> Jwk {
        let (kty, crv, x, y) = match &self.point {
            Point::Ed25519(key) => ("OKP", "Ed25519", URL_SAFE_NO_PAD.encode(key.as_bytes()), None),
            Point::P256(key) => {
                let point: EncodedPoint = key.to_encoded_point(false);
                let text = |bytes: Option<&p256::FieldBytes>| {
                    URL_SAFE_NO_PAD.encode(bytes.map(AsRef::<[u8]>::as_ref).unwrap_or_default())
                };
                ("EC", "P-256", text(point.x()), Some(text(point.y())))
            }
        };
        Jwk {
            kty: kty.to_owned(),
            crv: crv.to_owned(),
            x,
            y,
            kid: Some(self.kid()),
            alg: Some(self.algorithm().as_str().to_owned()),
            usage: Some("sig".to_owned()),
        }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match self.point {
            Point::Ed25519(_) => Algorithm::EdDsa,
            Point::P256(_) => Algorithm::Es256,
        }
    }

    /// The 32 bytes of an Ed25519 key.
    pub fn ed25519_bytes(&self) -> Option<[u8; 32]> {
        match &self.point {
            Point::Ed25519(key) => Some(key.to_bytes()),
            Point::P256(_) => None,
        }
    }

    /// The identifier as JOSE writes it.
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.kid)
    }

    /// The identifier as COSE writes it.
    pub fn kid_bytes(&self) -> &[u8] {
        &self.kid
    }

    /// Whether a signature is this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.point {
            Point::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Point::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

/// A key that lies in this process's memory.
pub struct SoftKey {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl std::fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftKey({})", self.public.kid())
    }
}

impl SoftKey {
    /// A key from its 32 secret bytes.
    pub fn new(algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let unusable = |_| KeyError::Unusable("these bytes make no key".to_owned());
        let (secret, public) = match algorithm {
            Algorithm::EdDsa => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                let public = PublicKey::new(Point::Ed25519(key.verifying_key()));
                (Secret::Ed25519(key), public)
            }
            Algorithm::Es256 => {
                let key = p256::ecdsa::SigningKey::from_slice(seed).map_err(unusable)?;
                let public = PublicKey::new(Point::P256(*key.verifying_key()));
                (Secret::P256(key), public)
            }
        };
        Ok(Self { secret, public })
    }
}

impl Signer for SoftKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Unusable("the key does not sign".to_owned());
        Ok(match &self.secret {
            Secret::Ed25519(key) => key.try_sign(message).map_err(failed)?.to_bytes().to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.try_sign(message).map_err(failed)?;
                signature.to_bytes().to_vec()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_was_published_under_its_thumbprint() {
        for algorithm in Algorithm::ALL {
            let key = SoftKey::new(algorithm, &[7; 32]).unwrap();
            let jwk = key.public().jwk();
            assert_eq!(&PublicKey::from_jwk(&jwk).unwrap(), key.public());
            let renamed = Jwk { kid: Some("AAAAAAAAAAA".to_owned()), ..jwk.clone() };
            assert!(PublicKey::from_jwk(&renamed).is_err());
            let other = Jwk { alg: Some("RS256".to_owned()), ..jwk.clone() };
            assert!(PublicKey::from_jwk(&other).is_err());
            assert!(PublicKey::from_jwk(&Jwk { usage: Some("enc".to_owned()), ..jwk }).is_err());
        }
    }

    /// RFC 8037, appendix A.3.
    #[test]
    fn the_identifier_is_the_head_of_the_thumbprint() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let key = PublicKey::ed25519(&URL_SAFE_NO_PAD.decode(x).unwrap()).unwrap();
        let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        let bytes = URL_SAFE_NO_PAD.decode(thumbprint).unwrap();
        assert_eq!(key.kid_bytes(), &bytes[..KID_BYTES]);
    }

    #[test]
    fn points_that_sign_everything_are_no_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for weak in [[0; 32], identity] {
            assert!(PublicKey::ed25519(&weak).is_err());
        }
        assert!(PublicKey::p256(&[0; 32], &[0; 32]).is_err());
    }
}
