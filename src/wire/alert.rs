//! Alerts on the wire.
use super::field::At;
use super::field::FieldError;
use super::field::Reader;
use super::field::TEXT_CHARS_MAX;
use super::verification::AuditReference;
use crate::domain::Invalid;
use crate::domain::Text;
use crate::domain::alert::Grounds;
use crate::domain::alert::Outcome;
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

/// `POST /v1/alerts/{id}/resolution`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ResolutionRequest {
    /// `released_after_check`, `refused`, `seized` or `false_alert`.
    pub outcome: Option<String>,
    /// In the officer's words.
    pub note: Option<String>,
}

/// `POST /v1/alerts/{id}/referral`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReferralRequest {
    /// `doubt` or `non_compliance`; without it what the alert's severity says: a hold is not compliant.
    pub grounds: Option<String>,
    /// In the officer's words.
    pub note: Option<String>,
}

/// `POST /v1/alerts/{id}/decision`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerRequest {
    /// `release_advised`, `refuse` or `extend`.
    pub decision: Option<String>,
    /// Why, in the authority's words.
    pub reason: Option<String>,
}

/// `POST /v1/verifications/{id}/stoppage`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoppageRequest {
    /// `hold`, or `refer` to the authority as well.
    pub measure: Option<String>,
    /// Why, in the officer's words.
    pub reason: Option<String>,
}

/// What an officer does with goods that clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// They stay.
    Hold,
    /// They stay, and the authority decides.
    Refer,
}

impl Measure {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Refer => "refer",
        }
    }
}

/// How an alert may be resolved by those who work on it; the authority's advice is another act.
const OUTCOMES: [Outcome; 4] =
    [Outcome::ReleasedAfterCheck, Outcome::Refused, Outcome::Seized, Outcome::FalseAlert];

/// What an authority answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It has no objection to a release.
    ReleaseAdvised,
    /// The movement is refused.
    Refuse,
    /// It takes the longer period.
    Extend,
}

/// A word of a closed list.
fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, Invalid> {
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    known.ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Invalid::new("unknown_word", format!("{text:?} is none of {}", words.join(", ")))
    })
}

impl ResolutionRequest {
    /// The outcome and the note.
    pub fn parts(&self) -> Result<(Outcome, Option<Text>), Vec<FieldError>> {
        let mut reader = Reader::default();
        let root = At::Root("");
        let (at, words) =
            (root.field("outcome"), OUTCOMES.map(|outcome| (outcome.as_str(), outcome)));
        let outcome = reader.word(&at, self.outcome.as_deref(), |text| one_of(text, &words));
        let outcome = reader.required(&at, outcome);
        let note = reader.text(&root.field("note"), self.note.as_deref(), TEXT_CHARS_MAX);
        reader.finish(outcome.map(|outcome| (outcome, note)))
    }
}

impl StoppageRequest {
    /// The measure and the reason.
    pub fn parts(&self) -> Result<(Measure, Text), Vec<FieldError>> {
        let mut reader = Reader::default();
        let root = At::Root("");
        let (at, words) =
            (root.field("measure"), [Measure::Hold, Measure::Refer].map(|one| (one.as_str(), one)));
        let measure = reader.word(&at, self.measure.as_deref(), |text| one_of(text, &words));
        let measure = reader.required(&at, measure);
        let at = root.field("reason");
        let reason = reader.text(&at, self.reason.as_deref(), TEXT_CHARS_MAX);
        let reason = reader.required(&at, reason);
        reader.finish(measure.zip(reason))
    }
}

impl ReferralRequest {
    /// The grounds and the note.
    pub fn parts(&self) -> Result<(Option<Grounds>, Option<Text>), Vec<FieldError>> {
        let mut reader = Reader::default();
        let root = At::Root("");
        let words: Vec<(&str, Grounds)> =
            Grounds::ALL.iter().map(|grounds| (grounds.as_str(), *grounds)).collect();
        let at = root.field("grounds");
        let grounds = reader.word(&at, self.grounds.as_deref(), |text| one_of(text, &words));
        let note = reader.text(&root.field("note"), self.note.as_deref(), TEXT_CHARS_MAX);
        reader.finish(Some((grounds, note)))
    }
}

impl AnswerRequest {
    /// The answer and the reason.
    pub fn parts(&self) -> Result<(Answer, Text), Vec<FieldError>> {
        let words = [
            ("release_advised", Answer::ReleaseAdvised),
            ("refuse", Answer::Refuse),
            ("extend", Answer::Extend),
        ];
        let mut reader = Reader::default();
        let root = At::Root("");
        let at = root.field("decision");
        let answer = reader.word(&at, self.decision.as_deref(), |text| one_of(text, &words));
        let answer = reader.required(&at, answer);
        let at = root.field("reason");
        let reason = reader.text(&at, self.reason.as_deref(), TEXT_CHARS_MAX);
        let reason = reader.required(&at, reason);
        reader.finish(answer.zip(reason))
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddresseeReply {
    /// The State.
    pub state: String,
    /// `officer` of the post, or `authority` of the State.
    pub role: String,
}

/// What an alert is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AboutReply {
    /// A verification; of a mismatch that was seen again, the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
    /// A release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// A pre-clearance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preclearance: Option<String>,
    /// A webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// A receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// The alert from which this one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// A licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// A consignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// A declaration's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
}

/// What is due on an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueReply {
    /// What: `customs_notice`, `decision_on_doubt`, `decision_on_breach`.
    pub kind: String,
    /// By when.
    pub due_at: String,
}

/// A step in an alert's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventReply {
    /// `raised`, `seen_again`, `acknowledged`, `referred`, `extended` or `resolved`.
    pub change: String,
    /// When.
    pub at: String,
    /// Who: issuer and subject; nobody where the service did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// In whose words; of a further look, the codes that it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the audit trail holds it.
    pub audit: AuditReference,
}

/// What a stream tells: a step, and the alert as it stood after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertEvent {
    /// `raised`, `seen_again`, `acknowledged`, `referred`, `extended` or `resolved`.
    pub change: String,
    /// When.
    pub at: String,
    /// Who: issuer and subject; nobody where the service did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In whose words.
    #[serde(rename = "change_note", skip_serializing_if = "Option::is_none")]
    pub step_note: Option<String>,
    /// The alert.
    pub alert: AlertReply,
}

/// An alert as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertReply {
    /// Its identifier.
    pub id: String,
    /// What kind: `mismatch`, `reservation`, `override`, `consignment`, `receipt_overdue`,
    /// `receipt_mismatch`, `overstay`, `annulled_after_release`, `probing`, `delivery_failed`,
    /// `post_return`, `deadline`, `referral`, `decision`, `stoppage`.
    pub kind: String,
    /// `inform`, `refer` or `hold`; a mismatch weighs as its verdict does.
    pub severity: String,
    /// Who is told.
    pub addressee: AddresseeReply,
    /// The post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub border_post: Option<String>,
    /// What it is about.
    #[serde(flatten)]
    pub about: AboutReply,
    /// The codes found, those of the heaviest verdict first.
    pub codes: Vec<String>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `open`, `acknowledged` or `resolved`.
    pub status: String,
    /// How it was resolved: `released_after_check`, `refused`, `seized`, `false_alert`, or
    /// `release_advised` by the authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// When.
    pub raised_at: String,
    /// When it was acknowledged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<String>,
    /// By whom: issuer and subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// In whose words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<String>,
    /// By whom: issuer and subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// In whose words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_note: Option<String>,
    /// Why, in the words of the officer who stopped the goods or referred the matter to the authority; only where
    /// one alert is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is due on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub due: Vec<DueReply>,
    /// What happened to it, oldest first, of further looks the latest 100; only where one alert is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<EventReply>>,
}
