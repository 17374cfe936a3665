//! Releases, their amendments and reversals.
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::identifier;
use super::field::kept;
use super::field::reason;
use super::licence::BalanceReply;
use super::verification::AuditReference;
use crate::domain::Text;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

/// `POST /v1/releases`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The verification to release on.
    pub verification: Option<String>,
    /// Why it is to be released although it does not clear; a second officer confirms.
    #[serde(rename = "override")]
    pub against: Option<OverrideRequest>,
}

/// A release against the advice.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverrideRequest {
    /// Why.
    pub reason: Option<String>,
}

/// `POST /v1/releases/{id}/confirmation`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// In the second officer's words.
    pub note: Option<String>,
}

/// `POST /v1/releases/{id}/reversal`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReversalRequest {
    /// Why: the declaration was invalidated, the goods did not leave.
    pub reason: Option<String>,
}

/// `POST /v1/releases/{id}/amendment`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AmendmentRequest {
    /// Why.
    pub reason: Option<String>,
    /// The whole declaration as it should have been: absolute figures.
    pub declaration: Option<super::declaration::Declaration>,
}

impl ReleaseRequest {
    /// The verification's identifier, and why it is to be released although it does not clear.
    pub fn parts(&self) -> Result<(Uuid, Option<Text>), Vec<FieldError>> {
        both(self.verification(), self.reason())
    }

    fn verification(&self) -> Result<Uuid, Vec<FieldError>> {
        let mut reader = Reader::default();
        let root = At::Root("");
        let at = root.field("verification");
        let id = reader.word(&at, self.verification.as_deref(), identifier);
        let id = reader.required(&at, id);
        reader.finish(id)
    }

    fn reason(&self) -> Result<Option<Text>, Vec<FieldError>> {
        let under =
            |error: FieldError| FieldError { path: format!("/override{}", error.path), ..error };
        let read = |against: &OverrideRequest| {
            reason(against.reason.as_deref())
                .map_err(|errors| errors.into_iter().map(under).collect::<Vec<_>>())
        };
        self.against.as_ref().map(read).transpose()
    }
}

/// An amendment with the declaration kept byte for byte.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmendmentBody {
    reason: Option<String>,
    declaration: Option<Box<RawValue>>,
}

impl AmendmentBody {
    /// The declaration as sent, and the reason.
    pub fn parts(&self) -> Result<(String, Text), Vec<FieldError>> {
        both(kept(self.declaration.as_deref(), "declaration"), reason(self.reason.as_deref()))
    }
}

/// Two readings, or the errors of both.
fn both<A, B>(
    one: Result<A, Vec<FieldError>>,
    other: Result<B, Vec<FieldError>>,
) -> Result<(A, B), Vec<FieldError>> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (one, other) => Err([one.err(), other.err()].into_iter().flatten().flatten().collect()),
    }
}

/// What a release draws from a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrawReply {
    /// The item.
    pub item: u32,
    /// The licence.
    pub licence: String,
    /// Its line.
    pub line: u32,
    /// How much, in the line's unit.
    pub quantity: String,
    /// The line's unit.
    pub unit: String,
    /// The line's balance after it.
    pub balance: BalanceReply,
}

/// A release as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseReply {
    /// Its identifier.
    pub id: String,
    /// The verification that it followed.
    pub verification: String,
    /// `released` or `reversed`; of an override `pending` until it is confirmed, or `expired`.
    pub status: String,
    /// Counts from 1 with each change.
    pub version: i64,
    /// The declaration's reference.
    pub declaration: String,
    /// The post.
    pub border_post: String,
    /// What it draws.
    pub draws: Vec<DrawReply>,
    /// When the goods were released; left out where nobody has confirmed the override that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<String>,
    /// When it was last changed.
    pub changed_at: String,
    /// Where the audit trail holds the last change.
    pub audit: AuditReference,
    /// Where it is a release against the advice.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub against: Option<OverrideReply>,
}

/// A release against the advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideReply {
    /// Why.
    pub reason: String,
    /// The codes that it answers for, the heaviest first.
    pub codes: Vec<String>,
    /// Until when a second officer may confirm it.
    pub confirm_by: String,
    /// When it was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<String>,
    /// What left without a licence that covers it.
    pub beyond: Vec<BeyondReply>,
}

/// Goods that no licence covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeyondReply {
    /// The item.
    pub item: u32,
    /// The licence that does not suffice, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How much.
    pub quantity: String,
    /// In which unit.
    pub unit: String,
}

/// What a release drew from a line at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DrewReply {
    /// The item.
    pub item: u32,
    /// The licence.
    pub licence: String,
    /// Its line.
    pub line: u32,
    /// How much, in the line's unit.
    pub quantity: String,
    /// The line's unit.
    pub unit: String,
}

/// A state in which a release stood.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReleaseVersionReply {
    /// Counts from 1.
    pub version: i64,
    /// `release`, `release_amendment`, `reversal`, `override_requested`, `override_confirmed`, `override_expired`.
    pub change: String,
    /// How it stood then.
    pub status: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it drew then.
    pub draws: Vec<DrewReply>,
    /// The declaration, where the change altered it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub declaration: Option<Box<RawValue>>,
    /// When.
    pub at: String,
}

/// `GET /v1/releases/{id}`: a release as it stands, and as it stood before.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReleaseHistory {
    /// Its identifier.
    pub id: String,
    /// The verification that it followed.
    pub verification: String,
    /// `released`, `reversed`, `pending` or `expired`.
    pub status: String,
    /// Counts from 1 with each change.
    pub version: i64,
    /// The declaration's reference.
    pub declaration: String,
    /// The post.
    pub border_post: String,
    /// When the goods were released; left out where nobody has confirmed the override that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<String>,
    /// Where it is a release against the advice.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub against: Option<OverrideReply>,
    /// Every state in which it stood, in order.
    pub history: Vec<ReleaseVersionReply>,
}
