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
    /// The verification's identifier.
    pub fn verification(&self) -> Result<Uuid, Vec<FieldError>> {
        let mut reader = Reader::default();
        let root = At::Root("");
        let at = root.field("verification");
        let id = reader.word(&at, self.verification.as_deref(), identifier);
        let id = reader.required(&at, id);
        reader.finish(id)
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
        match (kept(self.declaration.as_deref(), "declaration"), reason(self.reason.as_deref())) {
            (Ok(declaration), Ok(reason)) => Ok((declaration, reason)),
            (declaration, reason) => {
                Err([declaration.err(), reason.err()].into_iter().flatten().flatten().collect())
            }
        }
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
    /// `released` or `reversed`.
    pub status: String,
    /// Counts from 1 with each amendment or reversal.
    pub version: i64,
    /// The declaration's reference.
    pub declaration: String,
    /// The post.
    pub border_post: String,
    /// What it draws.
    pub draws: Vec<DrawReply>,
    /// When it was made.
    pub released_at: String,
    /// When it was last changed.
    pub changed_at: String,
    /// Where the audit trail holds the last change.
    pub audit: AuditReference,
}
