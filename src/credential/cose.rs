//! The envelope for paper: COSE_Sign1 (RFC 9052) around CWT claims, zlib, base45 (RFC 9285) behind a
//! mark, so that the whole fits into a QR code's alphanumeric mode: the method of the EU's digital
//! COVID certificates.
use super::Algorithm;
use super::CREDENTIAL_CHARS_MAX;
use super::KeyError;
use super::Malformed;
use super::PublicKey;
use super::Signer;
use super::malformed;
use super::zlib;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coset::CoseSign1;
use coset::CoseSign1Builder;
use coset::HeaderBuilder;
use coset::RegisteredLabelWithPrivate;
use coset::TaggedCborSerializable;
use coset::iana;

/// What stands before it, so that a scanner knows what it sees.
pub const MARK: &str = "PV1:";
/// Most characters that the largest QR code holds in alphanumeric mode (version 40-L).
pub const PAPER_CHARS_MAX: usize = 4296;
/// Largest COSE message that is unpacked.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// A COSE message whose signature has not been looked at yet.
#[derive(Debug, Clone)]
pub struct Cose {
    /// How it says that it is signed.
    pub algorithm: Algorithm,
    /// By which key.
    pub kid: Vec<u8>,
    /// What it says.
    pub payload: Vec<u8>,
    message: CoseSign1,
}

/// Signs a payload; gives the text for a QR code.
pub fn sign(payload: &[u8], signer: &dyn Signer) -> Result<String, KeyError> {
    let key = signer.public();
    let algorithm = match key.algorithm() {
        Algorithm::EdDsa => iana::Algorithm::EdDSA,
        Algorithm::Es256 => iana::Algorithm::ES256,
    };
    let header = HeaderBuilder::new().algorithm(algorithm).key_id(key.kid().into_bytes()).build();
    let message = CoseSign1Builder::new()
        .protected(header)
        .payload(payload.to_vec())
        .try_create_signature(&[], |signed| signer.sign(signed))?
        .build();
    let bytes = message.to_tagged_vec().map_err(|error| KeyError::Unusable(error.to_string()))?;
    let packed = zlib::pack(&bytes).map_err(|error| KeyError::Unusable(error.to_string()))?;
    let text = format!("{MARK}{}", base45::encode(packed));
    if text.len() > PAPER_CHARS_MAX {
        return Err(KeyError::Unusable(format!(
            "{} characters, and a QR code holds {PAPER_CHARS_MAX}: too large for paper",
            text.len()
        )));
    }
    Ok(text)
}

/// Takes one apart. Of two spellings of the same message only the plain one is read, so that no byte
/// can be altered unnoticed.
pub fn open(text: &str) -> Result<Cose, Malformed> {
    if text.len() > CREDENTIAL_CHARS_MAX {
        return Err(malformed(format!("longer than {CREDENTIAL_CHARS_MAX} characters")));
    }
    let encoded =
        text.strip_prefix(MARK).ok_or_else(|| malformed("it does not begin with PV1:"))?;
    let packed = base45::decode(encoded).map_err(|_e| malformed("not base45"))?;
    if base45::encode(&packed) != encoded {
        return Err(malformed("not base45 as it is written"));
    }
    // One level of compression, said in one way.
    if packed.get(..2) != Some(&[0x78, 0xda]) {
        return Err(malformed("not zlib of the highest level"));
    }
    let bytes = zlib::unpack(&packed, MESSAGE_BYTES_MAX)?;
    let message = CoseSign1::from_tagged_slice(&bytes)
        .map_err(|error| malformed(format!("not COSE_Sign1: {error}")))?;
    if message.clone().to_tagged_vec().ok().as_deref() != Some(&bytes) {
        return Err(malformed("not COSE_Sign1 as it is written"));
    }
    let header = &message.protected.header;
    let is_plain = message.unprotected.is_empty()
        && header.crit.is_empty()
        && header.rest.is_empty()
        && header.content_type.is_none()
        && header.iv.is_empty()
        && header.partial_iv.is_empty()
        && header.counter_signatures.is_empty();
    if !is_plain {
        return Err(malformed("headers that are not ours"));
    }
    let algorithm = match &header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) => Algorithm::EdDsa,
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256)) => Algorithm::Es256,
        _ => return Err(malformed("its algorithm is not EdDSA or ES256")),
    };
    // The identifier's text, as a key set has it: other libraries look it up as it stands.
    let kid = URL_SAFE_NO_PAD.decode(&header.key_id);
    let kid = kid.map_err(|_e| malformed("the key's identifier is not base64url"))?;
    let payload = message.payload.clone().ok_or_else(|| malformed("no payload"))?;
    Ok(Cose { algorithm, kid, payload, message })
}

impl Cose {
    /// Whether it was signed with a key, in the way that it says.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let verify = |signature: &[u8], signed: &[u8]| {
            if key.verify(signed, signature) { Ok(()) } else { Err(()) }
        };
        key.algorithm() == self.algorithm
            && key.kid_bytes() == self.kid
            && self.message.verify_signature(&[], verify).is_ok()
    }
}
