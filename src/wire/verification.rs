//! Verdicts as they are answered.
use super::field::FieldError;
use super::field::kept;
use crate::domain::Timestamp;
use crate::rules::Finding;
use crate::rules::Verdict;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// `POST /v1/verifications`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationRequest {
    /// The declaration presented; or, in its place, the pre-clearance under which goods are presented.
    pub declaration: Option<super::declaration::Declaration>,
    /// The short code or the identifier of a pre-clearance: what was lodged is judged again.
    pub preclearance: Option<String>,
    /// The number that customs have given since, with a pre-clearance only.
    pub reference: Option<super::declaration::Reference>,
    /// When customs accepted the declaration, with a pre-clearance only.
    pub accepted_at: Option<String>,
}

/// The same request with the declaration kept byte for byte, which is what the record holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerificationBody {
    declaration: Option<Box<RawValue>>,
    preclearance: Option<String>,
    reference: Option<super::declaration::Reference>,
    accepted_at: Option<String>,
}

/// What is to be verified.
#[derive(Debug, Clone)]
pub enum Presented {
    /// A declaration, as sent.
    Declared(String),
    /// Goods that a carrier has announced.
    Announced(Announced),
}

/// Announced goods as they are presented.
#[derive(Debug, Clone)]
pub struct Announced {
    /// The short code or the identifier.
    pub preclearance: String,
    reference: Option<super::declaration::Reference>,
    accepted_at: Option<String>,
}

impl Announced {
    /// The declaration as lodged, with what customs have added since.
    pub fn completed(&self, lodged: &str) -> Result<String, Vec<FieldError>> {
        if self.reference.is_none() && self.accepted_at.is_none() {
            return Ok(lodged.to_owned());
        }
        let broken = |error: serde_json::Error| {
            vec![FieldError::new("/preclearance", "not_json", error.to_string())]
        };
        let mut declaration: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(lodged).map_err(broken)?;
        if let Some(reference) = &self.reference {
            let reference = serde_json::to_value(reference).map_err(broken)?;
            declaration.insert("reference".to_owned(), reference);
        }
        if let Some(at) = &self.accepted_at {
            declaration.insert("accepted_at".to_owned(), at.as_str().into());
        }
        serde_json::to_string(&declaration).map_err(broken)
    }
}

impl VerificationBody {
    /// The declaration as sent.
    pub fn declaration(&self) -> Result<String, Vec<FieldError>> {
        kept(self.declaration.as_deref(), "declaration")
    }

    /// The declaration or the pre-clearance: one of the two.
    pub fn presented(self) -> Result<Presented, Vec<FieldError>> {
        let declaration = self.declaration();
        let Self { preclearance, reference, accepted_at, .. } = self;
        let Some(preclearance) = preclearance else {
            let added =
                [("reference", reference.is_some()), ("accepted_at", accepted_at.is_some())];
            let mut errors: Vec<FieldError> = added
                .iter()
                .filter(|(_, is_there)| *is_there)
                .map(|(name, _)| {
                    let detail = "stands in the declaration, or beside a pre-clearance";
                    FieldError::new(format!("/{name}"), "only_with_preclearance", detail)
                })
                .collect();
            errors.extend(declaration.as_ref().err().into_iter().flatten().cloned());
            return if errors.is_empty() {
                declaration.map(Presented::Declared)
            } else {
                Err(errors)
            };
        };
        if declaration.is_ok() {
            let detail = "a declaration or a pre-clearance, not both";
            return Err(vec![FieldError::new("/preclearance", "not_both", detail)]);
        }
        Ok(Presented::Announced(Announced { preclearance, reference, accepted_at }))
    }
}

/// What stands for a declaration in a body that can hold nothing else: whoever reads it as one has read
/// the whole body, which then needs not be gone through twice.
pub fn only_declaration(body: &str) -> Option<&str> {
    const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
    let inside = body.trim_matches(SPACE).strip_prefix('{')?.strip_suffix('}')?;
    let value = inside.trim_start_matches(SPACE).strip_prefix("\"declaration\"")?;
    let value = value.trim_start_matches(SPACE).strip_prefix(':')?.trim_matches(SPACE);
    (value.starts_with('{') && value.ends_with('}')).then_some(value)
}

/// The verdict on one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemVerdict {
    /// Its number.
    pub item: u32,
    /// `clear`, `refer` or `hold`.
    pub verdict: String,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingReply {
    /// Stable code, see RULES.md.
    pub code: String,
    /// `inform`, `refer` or `block`.
    pub severity: String,
    /// The item's number, where it concerns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// JSON Pointer into the declaration.
    pub path: String,
    /// The licence compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence_version: Option<u32>,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What was declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// What the licence or the law has instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licensed: Option<String>,
    /// The reason in words.
    pub message: String,
    /// The legal source.
    pub legal_basis: String,
    /// What to do.
    pub remedy: String,
    /// `declarant`, `officer`, `authority` or `nobody`.
    pub remedy_by: String,
}

impl From<&Finding> for FindingReply {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code.as_str().to_owned(),
            severity: finding.severity.as_str().to_owned(),
            item: finding.item,
            path: finding.path.clone(),
            licence: finding.licence.as_ref().map(ToString::to_string),
            licence_version: finding.licence_version,
            line: finding.line,
            declared: finding.declared.clone(),
            licensed: finding.licensed.clone(),
            message: finding.message.clone(),
            legal_basis: finding.legal_basis.clone().into_owned(),
            remedy: finding.remedy.clone().into_owned(),
            remedy_by: finding.remedy_by.as_str().to_owned(),
        }
    }
}

/// A licence version on which the verdict rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LicenceVersion {
    /// Its number.
    pub number: String,
    /// Its version.
    pub version: u32,
}

/// How fresh the data were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsOf {
    /// Age of the licence data in milliseconds; absent where it could not be told.
    pub data_age_ms: Option<u64>,
    /// The licence versions that were read.
    pub licences: Vec<LicenceVersion>,
    /// What the post rested on, where it was cut off from the register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineReply>,
}

/// The snapshot on which a post that is cut off judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfflineReply {
    /// The post.
    pub border_post: String,
    /// When its snapshot was taken.
    pub taken_at: String,
    /// When it ends.
    pub ends_at: String,
}

/// Where the audit trail holds the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditReference {
    /// The log's origin.
    pub log: String,
    /// The entry's index.
    pub index: u64,
}

/// The reply to a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// Its identifier; a release quotes it.
    pub id: String,
    /// `clear`, `refer` or `hold`.
    pub verdict: String,
    /// The declaration's reference.
    pub declaration: String,
    /// The day of acceptance in the post's time zone.
    pub reference_date: String,
    /// The verdict per item.
    pub items: Vec<ItemVerdict>,
    /// All reasons.
    pub findings: Vec<FindingReply>,
    /// How fresh the data were.
    pub as_of: AsOf,
    /// The rules applied.
    pub ruleset: String,
    /// The profile of law applied.
    pub profile: String,
    /// The edition of the reference lists.
    pub lists: String,
    /// When.
    pub evaluated_at: String,
    /// Where the audit trail holds the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReference>,
    /// The pre-clearance under which the goods are presented, and what has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preclearance: Option<super::preclearance::AnnouncedReply>,
}

impl Verification {
    /// The reply before it has been recorded.
    pub fn new(
        id: String,
        declaration: &str,
        verdict: &Verdict,
        as_of: AsOf,
        lists: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            verdict: verdict.outcome.as_str().to_owned(),
            declaration: declaration.to_owned(),
            reference_date: verdict.reference_date.to_string(),
            items: verdict
                .items
                .iter()
                .map(|(item, outcome)| ItemVerdict {
                    item: *item,
                    verdict: outcome.as_str().to_owned(),
                })
                .collect(),
            findings: verdict.findings.iter().map(FindingReply::from).collect(),
            as_of,
            ruleset: crate::rules::RULESET.to_owned(),
            profile: verdict.profile.to_owned(),
            lists: lists.to_owned(),
            evaluated_at: instant(now),
            audit: None,
            preclearance: None,
        }
    }
}

/// A time on the wire: UTC, to the millisecond.
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::declaration::Declaration;

    #[test]
    fn a_body_with_a_declaration_alone_is_read_in_one_go() {
        for body in
            ["{\"declaration\":{\"ucr\":\"}\"}}", " {\n\"declaration\" :\t{\"ucr\":\"}\"} }\r\n"]
        {
            let declaration = only_declaration(body).unwrap();
            let whole: VerificationBody = serde_json::from_str(body).unwrap();
            assert_eq!(declaration, whole.declaration().unwrap());
            serde_json::from_str::<Declaration>(declaration).unwrap();
        }
    }

    #[test]
    fn what_stands_beside_a_declaration_never_reads_as_one() {
        for body in [
            "{\"declaration\":{},\"declaration\":{}}",
            "{\"declaration\":{},\"other\":{}}",
            "{\"declaration\":{}}}",
            "{\"declaration\":{}} {}",
            "{\"declaration\":{},}",
            "{\"declaration\":{}//\n}",
            "{\"declaration\":null}",
            "{\"declaratiom\":{}}",
            "{\"declaration\"{}}",
            "[\"declaration\":{}]",
        ] {
            let read = only_declaration(body).map(serde_json::from_str::<Declaration>);
            assert!(!matches!(read, Some(Ok(_))), "{body}");
        }
    }
}
