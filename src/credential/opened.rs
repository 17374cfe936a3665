//! A credential in whichever envelope, taken apart and not yet believed.
use super::Algorithm;
use super::Claims;
use super::KeyError;
use super::Malformed;
use super::PublicKey;
use super::Signer;
use super::cose;
use super::cose::Cose;
use super::jws;
use super::jws::Jws;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The two envelopes.
#[derive(Debug, Clone)]
enum Envelope {
    Jws(Jws),
    Paper(Box<Cose>),
}

/// A credential taken apart: what it says counts for nothing until its signature was verified.
#[derive(Debug, Clone)]
pub struct Opened {
    envelope: Envelope,
    claims: Claims,
}

impl Opened {
    /// Takes a credential apart, whichever envelope it comes in.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.starts_with(cose::MARK) {
            let cose = cose::open(text)?;
            let claims = Claims::from_cbor(&cose.payload)?;
            return Ok(Self { envelope: Envelope::Paper(Box::new(cose)), claims });
        }
        let jws = jws::open_licence(text)?;
        let claims = Claims::from_json(&jws.payload)?;
        Ok(Self { envelope: Envelope::Jws(jws), claims })
    }

    /// What it claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that it names.
    pub fn kid(&self) -> &[u8] {
        match &self.envelope {
            Envelope::Jws(jws) => &jws.kid,
            Envelope::Paper(cose) => &cose.kid,
        }
    }

    /// The same as it is published.
    pub fn kid_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.kid())
    }

    /// How it says that it is signed.
    pub fn algorithm(&self) -> Algorithm {
        match &self.envelope {
            Envelope::Jws(jws) => jws.algorithm,
            Envelope::Paper(cose) => cose.algorithm,
        }
    }

    /// `jws` or `paper`.
    pub fn form(&self) -> &'static str {
        match self.envelope {
            Envelope::Jws(_) => "jws",
            Envelope::Paper(_) => "paper",
        }
    }

    /// Whether a key has signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        match &self.envelope {
            Envelope::Jws(jws) => jws.is_signed_by(key),
            Envelope::Paper(cose) => cose.is_signed_by(key),
        }
    }
}

/// Signs claims for files and for the API.
pub fn sign_jws(claims: &Claims, signer: &dyn Signer) -> Result<String, KeyError> {
    let payload = claims.to_json().map_err(|error| KeyError::Unusable(error.0))?;
    jws::sign(jws::LICENCE, &payload, signer)
}

/// Signs claims for paper.
pub fn sign_paper(claims: &Claims, signer: &dyn Signer) -> Result<String, KeyError> {
    cose::sign(&claims.to_cbor().map_err(|error| KeyError::Unusable(error.0))?, signer)
}

#[cfg(test)]
mod tests;
