//! Consignments on the wire: exits and entries as posts record them, and the timeline.
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::identifier;
use super::field::instant;
use super::verification::AuditReference;
use crate::domain::Locode;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::consignment::SEALS_MAX;
use crate::domain::reference::REFERENCE_CHARS_MAX;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest vehicle registration or seal number.
const MARK_CHARS_MAX: usize = 100;

/// `POST /v1/exits`: goods have left. Either the release whose goods left, or, where goods leave a
/// State that has not released them, the consignment.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExitRequest {
    /// The release whose goods left.
    pub release: Option<String>,
    /// The consignment's reference (UCR), where no release is named.
    pub ucr: Option<String>,
    /// The post where they left.
    pub border_post: Option<String>,
    /// When.
    pub exited_at: Option<String>,
    /// In what: registration, IMO number, flight.
    pub vehicle: Option<String>,
    /// Seals.
    pub seals: Vec<String>,
}

/// `POST /v1/entries`: goods have entered a State on their way.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EntryRequest {
    /// The consignment's reference (UCR).
    pub ucr: Option<String>,
    /// The post where they entered.
    pub border_post: Option<String>,
    /// When.
    pub entered_at: Option<String>,
    /// In what.
    pub vehicle: Option<String>,
    /// Seals.
    pub seals: Vec<String>,
}

/// Whose goods crossed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of a release.
    Release(Uuid),
    /// Those of a consignment.
    Consignment(Text),
}

/// A crossing as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// Whose goods.
    pub whose: Whose,
    /// The post.
    pub post: Locode,
    /// When.
    pub at: Timestamp,
    /// In what.
    pub vehicle: Option<Text>,
    /// Seals.
    pub seals: Vec<Text>,
}

impl ExitRequest {
    /// Reads it.
    pub fn read(&self) -> Result<Crossing, Vec<FieldError>> {
        let mut r = Reader::default();
        let root = At::Root("");
        let release = r.word(&root.field("release"), self.release.as_deref(), identifier);
        let ucr = r.number(&root.field("ucr"), self.ucr.as_deref(), REFERENCE_CHARS_MAX);
        let whose = match (release, ucr) {
            (Some(_), Some(_)) => {
                r.error(&root.field("ucr"), "one_of_two", "name the release or the UCR, not both");
                None
            }
            (Some(release), None) => Some(Whose::Release(release)),
            (None, ucr) => r.required(&root.field("release"), ucr.map(Whose::Consignment)),
        };
        let rest = (self.border_post.as_deref(), "exited_at", self.exited_at.as_deref());
        crossing(r, whose, rest, self.vehicle.as_deref(), &self.seals)
    }
}

impl EntryRequest {
    /// Reads it.
    pub fn read(&self) -> Result<Crossing, Vec<FieldError>> {
        let mut r = Reader::default();
        let root = At::Root("");
        let ucr = r.number(&root.field("ucr"), self.ucr.as_deref(), REFERENCE_CHARS_MAX);
        let whose = r.required(&root.field("ucr"), ucr).map(Whose::Consignment);
        let rest = (self.border_post.as_deref(), "entered_at", self.entered_at.as_deref());
        crossing(r, whose, rest, self.vehicle.as_deref(), &self.seals)
    }
}

fn crossing(
    mut r: Reader,
    whose: Option<Whose>,
    (post, name, at): (Option<&str>, &str, Option<&str>),
    vehicle: Option<&str>,
    seals: &[String],
) -> Result<Crossing, Vec<FieldError>> {
    let root = At::Root("");
    let post = r.word(&root.field("border_post"), post, Locode::parse);
    let post = r.required(&root.field("border_post"), post);
    let at = r.word(&root.field(name), at, instant);
    let at = r.required(&root.field(name), at);
    let vehicle = r.text(&root.field("vehicle"), vehicle, MARK_CHARS_MAX);
    let seals = r.list(&root.field("seals"), seals, SEALS_MAX, |r, at, seal| {
        r.text(at, Some(seal), MARK_CHARS_MAX)
    });
    let read = whose.zip(post).zip(at);
    r.finish(read.map(|((whose, post), (at, _))| Crossing { whose, post, at, vehicle, seals }))
}

/// Something about a consignment that is not as it was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JourneyFinding {
    /// `ROUTE_DEVIATION`, `TRANSHIPMENT_UNDECLARED`, `NOT_ARRIVED`.
    pub code: String,
    /// `inform`, `refer` or `block`.
    pub severity: String,
    /// The reason in words.
    pub message: String,
    /// The object that it concerns: a crossing or a release.
    pub subject: String,
}

/// A crossing as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CrossingReply {
    /// Its identifier.
    pub id: String,
    /// `exit` or `entry`.
    pub direction: String,
    /// The release whose goods left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The consignment's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// The post.
    pub border_post: String,
    /// When they crossed.
    pub at: String,
    /// In what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vehicle: Option<String>,
    /// Seals.
    pub seals: Vec<String>,
    /// Whether any release of the consignment is known here, as far as the State is named by its papers.
    pub known: bool,
    /// What this crossing shows that is not as it was declared.
    pub findings: Vec<JourneyFinding>,
    /// When it was recorded.
    pub recorded_at: String,
    /// Where the audit trail holds the record.
    pub audit: AuditReference,
}

/// One event of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
pub struct EventReply {
    /// `verdict`, `release`, `release_amendment`, `reversal`, `exit`, `entry` and the like.
    pub kind: String,
    /// When it took place.
    pub at: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// State of who acted.
    pub state: String,
    /// The post, where it happened at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border_post: Option<String>,
    /// `export`, `import` or `transit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<String>,
    /// A verdict, or how an arrival or a receipt turned out; to a carrier, the verdict of what it may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The declaration's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
    /// The object: verification, release, crossing, arrival, receipt.
    pub id: String,
    /// Particulars: codes found, what the carrier is told where that is another verdict, vehicle, seals; a carrier is not
    /// shown them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub detail: Option<serde_json::Value>,
    /// Where the audit trail holds the record.
    pub audit: AuditReference,
}

/// `GET /v1/consignments/{ucr}`: one shipment over every post.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConsignmentReply {
    /// The consignment's reference.
    pub ucr: String,
    /// The day on which it was first seen; with the reference, its key.
    pub first_seen: String,
    /// How far it has come: `declared`, `released`, `left`, `on_the_way`, `arrived`, `received`.
    pub stage: String,
    /// From, as declared at release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_export: Option<String>,
    /// States between the two, as declared.
    pub route: Vec<String>,
    /// To, as declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_of_import: Option<String>,
    /// Every event that concerns the caller, in the order in which they took place.
    pub events: Vec<EventReply>,
    /// What is not as it was declared; a carrier is not shown it.
    pub findings: Vec<JourneyFinding>,
    /// First days of earlier consignments under the same reference: `?first_seen=` opens one.
    pub earlier: Vec<String>,
    /// Whether older events are left out because there are too many.
    pub truncated: bool,
}
