//! The envelope for files and for the API: a compact JWS (RFC 7515) with the three header members that it
//! needs and no others.
use super::Algorithm;
use super::CREDENTIAL_CHARS_MAX;
use super::KeyError;
use super::Malformed;
use super::PublicKey;
use super::Signer;
use super::malformed;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;

/// `typ` of a licence.
pub const LICENCE: &str = "licence+jwt";
/// `typ` of a status list.
pub const STATUS_LIST: &str = "statuslist+jwt";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// A JWS whose signature has not been looked at yet.
#[derive(Debug, Clone)]
pub struct Jws {
    /// How it says that it is signed.
    pub algorithm: Algorithm,
    /// By which key.
    pub kid: Vec<u8>,
    /// What it says.
    pub payload: Vec<u8>,
    signed: String,
    signature: Vec<u8>,
}

/// Signs a payload.
pub fn sign(typ: &str, payload: &[u8], signer: &dyn Signer) -> Result<String, KeyError> {
    let key = signer.public();
    let header =
        Header { alg: key.algorithm().as_str().to_owned(), kid: key.kid(), typ: typ.to_owned() };
    let header =
        serde_json::to_vec(&header).map_err(|error| KeyError::Unusable(error.to_string()))?;
    let mut text =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer.sign(text.as_bytes())?;
    text.push('.');
    text.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(text)
}

/// Takes one apart. Members that could mean another key, another algorithm or another way to read it
/// (`jwk`, `jku`, `x5c`, `crit`, `b64`, ...) make it unreadable.
pub fn open(typ: &str, text: &str, chars_max: usize) -> Result<Jws, Malformed> {
    if text.len() > chars_max {
        return Err(malformed(format!("longer than {chars_max} characters")));
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("not a JWS: three parts"));
    };
    let decoded = |part: &str, what: &str| {
        URL_SAFE_NO_PAD.decode(part).map_err(|_e| malformed(format!("{what} is not base64url")))
    };
    let head: Header = serde_json::from_slice(&decoded(header, "the header")?)
        .map_err(|error| malformed(format!("the header: {error}")))?;
    if head.typ != typ {
        return Err(malformed(format!("it is {:?}, not {typ:?}", head.typ)));
    }
    let algorithm = Algorithm::parse(&head.alg)
        .ok_or_else(|| malformed(format!("algorithm {:?} is not EdDSA or ES256", head.alg)))?;
    Ok(Jws {
        algorithm,
        kid: decoded(&head.kid, "the key's identifier")?,
        payload: decoded(payload, "the payload")?,
        signed: format!("{header}.{payload}"),
        signature: decoded(signature, "the signature")?,
    })
}

/// The same for a licence.
pub fn open_licence(text: &str) -> Result<Jws, Malformed> {
    open(LICENCE, text, CREDENTIAL_CHARS_MAX)
}

impl Jws {
    /// Whether it was signed with a key, in the way that it says.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.algorithm() == self.algorithm
            && key.kid_bytes() == self.kid
            && key.verify(self.signed.as_bytes(), &self.signature)
    }
}
