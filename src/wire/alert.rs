//! Alerts on the wire.
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// `POST /v1/alerts/{id}/acknowledgement`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AcknowledgementRequest {
    /// In the officer's words.
    pub note: Option<String>,
}

/// An alert as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlertReply {
    /// Its number.
    pub id: i64,
    /// The post.
    pub border_post: String,
    /// `refer` or `hold`.
    pub verdict: String,
    /// The verification that raised it.
    pub verification: String,
    /// The declaration's reference.
    pub declaration: String,
    /// The codes found, the heaviest first.
    pub codes: Vec<String>,
    /// `open` or `acknowledged`.
    pub status: String,
    /// When.
    pub raised_at: String,
    /// When it was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// In whose words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
