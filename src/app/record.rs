//! What is written down of an act: the body of its audit entry, and the facts beside it that a
//! replay needs. Entries carry no personal data but as salted digests.
use super::Caller;
use super::Error;
pub(super) use super::concerned::issuing_states;
pub(super) use super::concerned::states_named;
pub(super) use super::concerned::states_of;
use super::facts::report_fact;
use super::facts::report_record;
use super::outward::OutwardRecord;
use crate::audit::entry::salted;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::declaration::Declaration;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::Standing;
use crate::domain::licence::Status;
use crate::domain::serial::Serial;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::rules::case::LicenceFact;
use crate::rules::case::Lookup;
use crate::rules::case::PriorUse;
use crate::rules::case::SerialFact;
use serde::Deserialize;
use serde::Serialize;
use std::sync::Arc;

/// Most licences and findings listed in an audit entry; the digests cover all of them.
const LISTED_MAX: usize = 80;
/// Room for the licences listed in an entry: with the rest of it they fit a leaf, whatever they are
/// called.
const LICENCES_BYTES_MAX: usize = 5 * 1024;

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
            licences: listed(of.facts),
            ruleset: crate::rules::RULESET,
            profile: of.verdict.profile,
            lists: of.lists,
            reference_date: of.verdict.reference_date.to_string(),
            data_age_ms: of.facts.data_age_ms,
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

/// The licences that an entry has room for.
fn listed(facts: &Facts) -> Vec<LicenceRecord> {
    let versions = licence_versions(facts).take(LISTED_MAX);
    fitting(versions, LICENCES_BYTES_MAX, |(number, _)| written(number) + 40)
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

/// What was looked up, as a replay reads it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsRecord {
    data_age_ms: Option<u64>,
    history_available: bool,
    licences: Vec<LicenceFactRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prior_uses: Vec<(u32, String, i64, bool)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    serials: Vec<SerialFactRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outward: Option<OutwardRecord>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    announced: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reported: Vec<super::facts::ReportRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lapsed_us: Option<i64>,
}

/// Line, reserved and consumed, in millionths.
type DrawnRecord = (u32, i64, i64);

/// One quoted number and the register's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LicenceFactRecord {
    number: String,
    /// Version, status, shipments and (line, reserved, consumed); nothing where it was not found.
    held: Option<(u32, String, u32, Vec<DrawnRecord>)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unavailable: bool,
}

/// What the register knew of a serial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SerialFactRecord {
    item: u32,
    serial: String,
    licence: String,
    line: u32,
    movement: String,
    settled: bool,
}

impl FactsRecord {
    /// Writes facts down.
    pub fn new(facts: &Facts) -> Self {
        Self {
            data_age_ms: facts.data_age_ms,
            history_available: facts.history_available,
            licences: facts.licences.iter().map(licence_record).collect(),
            prior_uses: facts
                .prior_uses
                .iter()
                .map(|prior| {
                    (
                        prior.item,
                        prior.release.to_string(),
                        prior.at.as_microsecond(),
                        prior.same_content,
                    )
                })
                .collect(),
            serials: facts
                .serials
                .iter()
                .map(|fact| SerialFactRecord {
                    item: fact.item,
                    serial: fact.serial.to_string(),
                    licence: fact.licence.to_string(),
                    line: fact.line,
                    movement: fact.movement.as_str().to_owned(),
                    settled: fact.settled,
                })
                .collect(),
            outward: facts.outward.as_ref().map(OutwardRecord::from_outward),
            announced: facts.is_announced,
            reported: facts.reported.iter().map(report_record).collect(),
            lapsed_us: facts.lapsed.map(Timestamp::as_microsecond),
        }
    }

    /// Reads facts back; `licence` gives the content of a licence version.
    pub fn facts(
        self,
        mut licence: impl FnMut(&str, u32) -> Result<Arc<Licence>, Error>,
    ) -> Result<Facts, Error> {
        let broken = |what: &str| Error::Internal(format!("recorded facts do not read: {what}"));
        let mut licences = Vec::with_capacity(self.licences.len());
        for record in self.licences {
            let lookup = match record.held {
                None if record.unavailable => Lookup::Unavailable,
                None => Lookup::NotFound,
                Some((version, status, shipments, drawn)) => Lookup::Held(Held {
                    licence: licence(&record.number, version)?,
                    standing: standing(&status, shipments, drawn)
                        .ok_or_else(|| broken("a standing"))?,
                }),
            };
            licences.push(LicenceFact { number: record.number.into(), lookup });
        }
        let prior_uses = self.prior_uses.into_iter().map(prior_use).collect::<Option<_>>();
        let serials = self.serials.into_iter().map(serial_fact).collect::<Option<_>>();
        let reported = self.reported.into_iter().map(report_fact).collect::<Option<_>>();
        let outward = match self.outward {
            Some(record) => Some(record.outward().ok_or_else(|| broken("the outward movement"))?),
            None => None,
        };
        Ok(Facts {
            licences,
            data_age_ms: self.data_age_ms,
            prior_uses: prior_uses.ok_or_else(|| broken("earlier releases"))?,
            serials: serials.ok_or_else(|| broken("serials"))?,
            outward,
            reported: reported.ok_or_else(|| broken("reports"))?,
            history_available: self.history_available,
            is_announced: self.announced,
            lapsed: self.lapsed_us.and_then(|at_us| Timestamp::from_microsecond(at_us).ok()),
        })
    }
}

fn licence_record(fact: &LicenceFact) -> LicenceFactRecord {
    let (held, unavailable) = match &fact.lookup {
        Lookup::Held(held) => {
            let standing = &held.standing;
            let drawn = standing.drawn.iter();
            let drawn = drawn
                .map(|drawn| (drawn.line, drawn.reserved.micros(), drawn.consumed.micros()))
                .collect();
            let status = standing.status.as_str().to_owned();
            (Some((held.licence.version, status, standing.shipments, drawn)), false)
        }
        Lookup::NotFound => (None, false),
        Lookup::Unavailable => (None, true),
    };
    LicenceFactRecord { number: fact.number.to_string(), held, unavailable }
}

fn standing(status: &str, shipments: u32, drawn: Vec<DrawnRecord>) -> Option<Standing> {
    let drawn = drawn.into_iter().map(|(line, reserved, consumed)| {
        let reserved = Quantity::from_micros(reserved)?;
        Some(Drawn { line, reserved, consumed: Quantity::from_micros(consumed)? })
    });
    Some(Standing {
        status: Status::parse(status)?,
        shipments,
        drawn: drawn.collect::<Option<_>>()?,
    })
}

fn prior_use((item, release, at_us, same_content): (u32, String, i64, bool)) -> Option<PriorUse> {
    Some(PriorUse {
        item,
        release: release.into(),
        at: Timestamp::from_microsecond(at_us).ok()?,
        same_content,
    })
}

fn serial_fact(record: SerialFactRecord) -> Option<SerialFact> {
    use crate::domain::goods::Movement;
    Some(SerialFact {
        item: record.item,
        serial: Serial::parse(&record.serial)?,
        licence: record.licence.into(),
        line: record.line,
        movement: [Movement::Export, Movement::Import, Movement::Transit]
            .into_iter()
            .find(|movement| movement.as_str() == record.movement)?,
        settled: record.settled,
    })
}
