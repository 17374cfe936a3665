//! Pre-clearances: what a carrier sends, and what it may be told of the verdict.
use super::field::FieldError;
use super::field::kept;
use super::verification::AuditReference;
use super::verification::ItemVerdict;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

mod told;

pub use super::qr::png as qr_png;
pub use super::qr::svg as qr_svg;
pub use told::Told;
pub use told::told;
pub use told::told_outcome;

/// `POST /v1/preclearances`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PreclearanceRequest {
    /// The declaration. Before customs have given a number, `reference` may be left out where `ucr` is
    /// stated; `accepted_at` may be left out until the goods are presented.
    pub declaration: Option<super::declaration::Declaration>,
    /// Whether the quantities are to be held until the goods are presented.
    pub reserve: bool,
}

/// The same request with the declaration kept as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PreclearanceBody {
    declaration: Option<Box<RawValue>>,
    reserve: bool,
}

impl PreclearanceBody {
    /// The declaration under a reference, and whether to reserve.
    pub fn parts(&self) -> Result<(String, bool), Vec<FieldError>> {
        let sent = kept(self.declaration.as_deref(), "declaration")?;
        Ok((under_ucr(&sent).unwrap_or(sent), self.reserve))
    }
}

/// A declaration that states a UCR and no reference, with the UCR as its reference.
fn under_ucr(sent: &str) -> Option<String> {
    let mut declaration: serde_json::Map<String, Value> = serde_json::from_str(sent).ok()?;
    if declaration.get("reference").is_some_and(|reference| !reference.is_null()) {
        return None;
    }
    let ucr = declaration.get("ucr")?.as_str()?;
    let reference = serde_json::json!({"type": "ucr", "value": ucr});
    declaration.insert("reference".to_owned(), reference);
    serde_json::to_string(&declaration).ok()
}

/// `POST /v1/preclearances/{id}/withdrawal`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// Why.
    pub reason: Option<String>,
}

/// A reason, as far as a carrier may know it: never what a licence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldFinding {
    /// Stable code.
    pub code: String,
    /// `refer` or `block`.
    pub severity: String,
    /// The item's number, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// JSON Pointer into the declaration.
    pub path: String,
    /// The licence, as the declaration quotes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// What stands at the path in the declaration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// What is wrong, in general.
    pub message: String,
    /// The legal source.
    pub legal_basis: String,
    /// What to do.
    pub remedy: String,
    /// `declarant`, `officer`, `authority` or `nobody`.
    pub remedy_by: String,
}

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReservationReply {
    /// `none`, `held`, `taken_over` (by the release), `lapsed` or `withdrawn`.
    pub status: String,
    /// Why nothing was held although it was asked for: `not_clear`, `not_authorised`, `nothing_to_hold`,
    /// `already_held`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The code to be scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QrReply {
    /// The picture, SVG.
    pub svg: String,
    /// The picture, a `data:` address of a PNG.
    pub png: String,
}

/// A pre-clearance as its carrier sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreclearanceReply {
    /// Its identifier.
    pub id: String,
    /// The short code under which the goods are presented.
    pub code: String,
    /// `lodged`, `presented`, `released`, `lapsed` or `withdrawn`.
    pub status: String,
    /// `clear`, `refer` or `hold`, as judged when it was lodged.
    pub verdict: String,
    /// The declaration's reference.
    pub declaration: String,
    /// The post.
    pub border_post: String,
    /// The verdict per item.
    pub items: Vec<ItemVerdict>,
    /// All reasons that a carrier can do something about, or must reckon with.
    pub findings: Vec<ToldFinding>,
    /// What is held.
    pub reservation: ReservationReply,
    /// When.
    pub lodged_at: String,
    /// When the time for presentation ends.
    pub expires_at: String,
    /// When it last changed.
    pub changed_at: String,
    /// The code to be scanned; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr: Option<QrReply>,
    /// Where the audit trail holds the last change; only in replies to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReference>,
}

/// What has changed since goods were announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// The verdict when they were announced.
    pub verdict_then: String,
    /// The verdict now.
    pub verdict_now: String,
    /// Codes that were not found then.
    pub new: Vec<CodeReply>,
    /// Codes that are no longer found.
    pub gone: Vec<CodeReply>,
}

/// A code found, or no longer found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct CodeReply {
    /// The code.
    pub code: String,
    /// The item's number, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
}

/// The pre-clearance under which goods are presented, as an officer sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AnnouncedReply {
    /// Its identifier.
    pub id: String,
    /// Its short code.
    pub code: String,
    /// `presented`, or `lapsed` where the goods come too late.
    pub status: String,
    /// What is held: `none`, `held`, `taken_over`, `lapsed`.
    pub reservation: String,
    /// The carrier that announced the goods.
    pub operator: String,
    /// When.
    pub lodged_at: String,
    /// When the time for presentation ends.
    pub expires_at: String,
    /// What has changed since.
    pub changes: Changes,
}
