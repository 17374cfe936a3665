//! Credentials as they are asked for, given and checked.
use super::field::FieldError;
use crate::domain::declaration::CREDENTIAL_CHARS_MAX;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A credential of a licence, in both envelopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CredentialReply {
    /// The licence's number.
    pub licence: String,
    /// The version of its document.
    pub version: u32,
    /// When it was first issued.
    pub issued_at: String,
    /// The authority that signs, an address under which its keys are published.
    pub issuer: String,
    /// The key that has signed this copy.
    pub key: String,
    /// `EdDSA` or `ES256`.
    pub algorithm: String,
    /// The status list.
    pub status_list: String,
    /// Its place there.
    pub status_index: u64,
    /// For files and for the API: a compact JWS.
    pub jws: String,
    /// For paper: the text of the QR code; none where the licence has no room in one.
    pub paper: Option<String>,
}

/// `POST /v1/credentials/verify`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CredentialCheckRequest {
    /// A JWS, or what was scanned from paper (`PV1:...`).
    pub credential: Option<String>,
}

impl CredentialCheckRequest {
    /// The credential, which must be there and no longer than is read.
    pub fn text(self) -> Result<String, Vec<FieldError>> {
        let refused = |code, detail: String| vec![FieldError::new("/credential", code, detail)];
        let text = self.credential.unwrap_or_default();
        if text.trim().is_empty() {
            return Err(refused("required", "this field is required".to_owned()));
        }
        if text.len() > CREDENTIAL_CHARS_MAX {
            let detail = format!("longer than {CREDENTIAL_CHARS_MAX} characters");
            return Err(refused("too_long", detail));
        }
        if !has_form(&text) {
            return Err(refused("not_a_credential", FORM.to_owned()));
        }
        Ok(text)
    }
}

/// What a credential looks like.
pub(in crate::wire) const FORM: &str = "a JWS of three parts, or PV1: and what follows on paper";

/// Whether a text may be a credential at all; whether it is one, its check says.
pub(in crate::wire) fn has_form(text: &str) -> bool {
    let text = text.trim();
    let is_paper = text.starts_with("PV1:");
    text.bytes().all(|c| c.is_ascii_graphic() || (is_paper && c == b' '))
        && (is_paper || text.split('.').count() == 3)
}

/// The key that a credential names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedByReply {
    /// Its identifier.
    pub id: String,
    /// `EdDSA` or `ES256`.
    pub algorithm: String,
    /// The State whose authority has it; none where the signature is not that key's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `own`, `pinned` or `published`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_from: Option<String>,
}

/// What the status list says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedReply {
    /// `valid`, `invalid`, `suspended`, `amended` or `unknown`.
    pub standing: String,
    /// As of when.
    pub as_of: String,
    /// How old that is.
    pub age_s: i64,
}

/// What a check of a credential has shown.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CredentialCheckReply {
    /// `authentic`, `failed`, or `unverified` where it cannot be told.
    pub result: String,
    /// A stable word for why: `authentic`, `unreadable`, `signature`, `another_state`, `another_licence`, `issuer_unknown`,
    /// `key_unknown`, `revoked`, `suspended`, `amended`, `expired`, `status_unknown`,
    /// `status_elsewhere`, `status_stale`.
    pub code: String,
    /// Why, in words.
    pub detail: String,
    /// `jws` or `paper`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The authority that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The key that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<SignedByReply>,
    /// What the status list says, and how old it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ListedReply>,
    /// The number of the licence that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The version of the licence; only where the signature is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The licence as it was issued; only where the signature is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// When it was checked.
    pub checked_at: String,
    /// What it does not say.
    pub balance: String,
}

impl CredentialCheckReply {
    /// What no credential says.
    pub const BALANCE: &str = "not told: a credential does not say what is left of a licence; only the register that holds it knows";
}
