//! Receipts on the wire: what the exporting State asks, the importing State answers, and the
//! exporting State confirms (Protocol, article 10(4)).
use super::arrival::Reconciled;
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::TEXT_CHARS_MAX;
use super::field::one_of;
use super::verification::AuditReference;
use crate::domain::Text;
use crate::rules::receipt::Turnout;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest number of a document.
const DOCUMENT_CHARS_MAX: usize = 100;

const RECEIVED: &[(&str, Turnout)] = &[
    ("nothing", Turnout::Nothing),
    ("partial", Turnout::Partial),
    ("complete", Turnout::Complete),
    ("short", Turnout::Short),
    ("differs", Turnout::Differs),
    ("surplus", Turnout::Surplus),
];

/// `POST /v1/receipts/{id}/request` and `/answer` and `/confirmation`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptStepRequest {
    /// In an answer, how the goods were received; without it, as the arrivals have it.
    pub received: Option<String>,
    /// The number of the customs import document or other proof.
    pub document: Option<String>,
    /// In the authority's words.
    pub note: Option<String>,
}

/// A step as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptStep {
    /// How the goods were received.
    pub received: Option<Turnout>,
    /// The proof.
    pub document: Option<Text>,
    /// In words.
    pub note: Option<Text>,
}

impl ReceiptStepRequest {
    /// Reads it; only an answer says how the goods were received, and a request proves nothing.
    pub fn read(
        &self,
        is_answer: bool,
        takes_document: bool,
    ) -> Result<ReceiptStep, Vec<FieldError>> {
        let mut r = Reader::default();
        let root = At::Root("");
        let received = r
            .word(&root.field("received"), self.received.as_deref(), |text| one_of(text, RECEIVED));
        if received.is_some() && !is_answer {
            let words = "the importing State says how the goods were received";
            r.error(&root.field("received"), "not_yours", words);
        }
        let document = self.document.as_deref();
        let document = r.text(&root.field("document"), document, DOCUMENT_CHARS_MAX);
        if document.is_some() && !takes_document {
            r.error(&root.field("document"), "not_here", "a request has no proof to show");
        }
        let note = r.text(&root.field("note"), self.note.as_deref(), TEXT_CHARS_MAX);
        r.finish(Some(ReceiptStep { received, document, note }))
    }
}

/// A step in a receipt's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptStepReply {
    /// `released`, `amended`, `left`, `arrived`, `requested`, `answered`, `confirmed`, `withdrawn`; once it is
    /// overdue `overdue`, `exit_questioned`, `importing_state_asked`, `failure_recorded`.
    pub step: String,
    /// When.
    pub at: String,
    /// State of who acted.
    pub state: String,
    /// How it stood after the step.
    pub result: String,
    /// The proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the audit trail holds the record.
    pub audit: AuditReference,
}

/// A receipt as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceiptReply {
    /// Its identifier.
    pub id: String,
    /// The release for export.
    pub release: String,
    /// The export declaration's reference.
    pub declaration: String,
    /// The consignment's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// The State that let the goods out.
    pub exporting_state: String,
    /// The State that is to receive them.
    pub importing_state: String,
    /// The post of export.
    pub border_post: String,
    /// `outstanding`, `requested`, `answered`, `confirmed`, or `withdrawn` with its release.
    pub status: String,
    /// `nothing`, `partial`, `complete`, `short`, `differs` or `surplus`.
    pub result: String,
    /// Counts from 1 with each step.
    pub version: i64,
    /// When the goods were released.
    pub released_at: String,
    /// When they left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<String>,
    /// The end of the period within which the receipt is to be proven, where the law has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<String>,
    /// Whether that period has ended without a confirmation.
    pub overdue: bool,
    /// What has arrived, item by item; where one receipt is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconciled: Option<Reconciled>,
    /// What happened to it, in order; where one receipt is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<ReceiptStepReply>>,
    /// Where the audit trail holds the step that was just taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReference>,
}
