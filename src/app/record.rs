//! What is written down of an act: the body of its audit entry, and the facts beside it that a
//! replay needs. Entries carry no personal data but as salted digests.
use super::Caller;
use super::batch::Batch;
pub(super) use super::concerned::issuing_states;
pub(super) use super::concerned::states_named;
pub(super) use super::concerned::states_of;
use crate::audit::entry::salted;
use crate::domain::Text;
use crate::domain::declaration::Declaration;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::rules::case::Lookup;
use serde::Serialize;

/// Most licences and findings listed in an audit entry; the digests cover all of them.
const LISTED_MAX: usize = 80;
/// Room for the licences listed in an entry: with the rest of it they fit a leaf, whatever they are
/// called.
const LICENCES_BYTES_MAX: usize = 5 * 1024;

/// The same in the entry of a release, beside what it draws.
const BASIS_BYTES_MAX: usize = 2 * 1024;

/// The first of a list that fit into so many bytes.
pub(super) fn fitting<T>(
    list: impl Iterator<Item = T>,
    bytes_max: usize,
    bytes: impl Fn(&T) -> usize,
) -> impl Iterator<Item = T> {
    list.scan(bytes_max, move |left, item| {
        *left = left.checked_sub(bytes(&item))?;
        Some(item)
    })
}

/// At most so many bytes a text has in an entry, escapes included.
pub(super) fn written(text: &str) -> usize {
    2 * text.len()
}

/// Who acted: the State and role in plain, the person as a salted digest.
#[derive(Debug, Clone, Serialize)]
pub struct Actor {
    state: String,
    role: &'static str,
    subject_sha256: String,
}

impl Actor {
    /// A caller as the trail names one.
    pub fn new(caller: &Caller, nonce: [u8; 16]) -> Self {
        Self {
            state: caller.state.to_string(),
            role: caller.role.as_str(),
            subject_sha256: salted(nonce, caller.key().as_bytes()),
        }
    }

    /// The service itself, where a period has ended and nobody acted.
    pub fn service(state: &str, nonce: [u8; 16]) -> Self {
        Self { state: state.to_owned(), role: "service", subject_sha256: salted(nonce, b"service") }
    }
}

/// A declaration's reference.
#[derive(Debug, Clone, Serialize)]
pub struct ReferenceRecord<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
}

/// A licence version on which something rests.
#[derive(Debug, Clone, Serialize)]
pub struct LicenceRecord {
    number: String,
    version: u32,
}

/// A finding, in short.
#[derive(Debug, Clone, Serialize)]
pub struct FindingRecord {
    code: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<u32>,
}

/// What an audit entry says of a judgement: of a verification, or of what a release rested on.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement<'a> {
    verification: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preclearance: Option<String>,
    reference: ReferenceRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ucr: Option<&'a str>,
    movement: &'static str,
    border_post: &'a str,
    actor: Actor,
    states: Vec<String>,
    declaration_sha256: String,
    facts_sha256: String,
    reply_sha256: String,
    licences: Vec<LicenceRecord>,
    ruleset: &'static str,
    profile: &'static str,
    lists: &'a str,
    reference_date: String,
    data_age_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_of: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<FindingRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings_total: Option<usize>,
}

/// Everything that a judgement's entry is made of.
#[derive(Debug, Clone, Copy)]
pub struct JudgementOf<'a> {
    /// The verification's identifier.
    pub id: uuid::Uuid,
    /// The pre-clearance under which the goods are presented.
    pub preclearance: Option<uuid::Uuid>,
    /// The declaration, read.
    pub declaration: &'a Declaration,
    /// The declaration as received.
    pub declaration_json: &'a str,
    /// The facts as recorded.
    pub facts_json: &'a str,
    /// The reply, but for its audit reference.
    pub reply_json: &'a str,
    /// The facts.
    pub facts: &'a Facts,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The edition of the lists.
    pub lists: &'a str,
    /// Who asked.
    pub caller: &'a Caller,
    /// The entry's nonce, which salts the digests.
    pub nonce: [u8; 16],
}

impl<'a> Judgement<'a> {
    /// The body of the entry.
    pub fn new(of: &JudgementOf<'a>) -> Self {
        let declaration = of.declaration;
        let findings = &of.verdict.findings;
        Self {
            verification: of.id.to_string(),
            preclearance: of.preclearance.map(|id| id.to_string()),
            reference: ReferenceRecord {
                kind: declaration.reference.kind.as_str(),
                value: declaration.reference.value.as_str(),
            },
            ucr: declaration.ucr.as_deref(),
            movement: declaration.movement.as_str(),
            border_post: declaration.border_post.as_str(),
            actor: Actor::new(of.caller, of.nonce),
            states: states_of(declaration, issuing_states(of.facts)),
            declaration_sha256: salted(of.nonce, of.declaration_json.as_bytes()),
            facts_sha256: salted(of.nonce, of.facts_json.as_bytes()),
            reply_sha256: salted(of.nonce, of.reply_json.as_bytes()),
            licences: listed(licence_versions(of.facts), LICENCES_BYTES_MAX),
            ruleset: crate::rules::RULESET,
            profile: of.verdict.profile,
            lists: of.lists,
            reference_date: of.verdict.reference_date.to_string(),
            data_age_ms: of.facts.data_age_ms,
            snapshot_of: of.facts.offline.as_ref().map(|offline| offline.as_of.to_string()),
            verdict: of.verdict.outcome.as_str(),
            findings: findings
                .iter()
                .take(LISTED_MAX)
                .map(|finding| FindingRecord {
                    code: finding.code.as_str(),
                    severity: finding.severity.as_str(),
                    item: finding.item,
                })
                .collect(),
            findings_total: (!findings.is_empty()).then_some(findings.len()),
        }
    }
}

/// What a release was itself decided on: its verification may have seen other versions and lists.
#[derive(Debug, Serialize)]
pub(super) struct Basis {
    licences: Vec<LicenceRecord>,
    ruleset: &'static str,
    lists: String,
}

impl Basis {
    /// The versions in force of the licences that a declaration quotes, and what judges them.
    pub fn of(batch: &Batch<'_>, declaration: &Declaration) -> Self {
        let numbers = declaration.licence_numbers();
        let quoted = numbers.iter().filter_map(|number| batch.licence(number));
        let versions = quoted.map(|entry| (&entry.held.licence.number, entry.held.licence.version));
        Self {
            licences: listed(versions, BASIS_BYTES_MAX),
            ruleset: crate::rules::RULESET,
            lists: batch.lists.edition.to_string(),
        }
    }
}

/// The licences that an entry has room for.
fn listed<'a>(
    versions: impl Iterator<Item = (&'a Text, u32)>,
    bytes_max: usize,
) -> Vec<LicenceRecord> {
    fitting(versions.take(LISTED_MAX), bytes_max, |(number, _)| written(number) + 40)
        .map(|(number, version)| LicenceRecord { number: number.to_string(), version })
        .collect()
}

/// The licence versions that facts hold.
pub fn licence_versions(facts: &Facts) -> impl Iterator<Item = (&Text, u32)> {
    facts.licences.iter().filter_map(|fact| match &fact.lookup {
        Lookup::Held(held) => Some((&fact.number, held.licence.version)),
        Lookup::NotFound | Lookup::Unavailable => None,
    })
}
