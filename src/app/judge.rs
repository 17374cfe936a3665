//! One judgement: the facts put together, the rules run, and what is written down of it. A
//! verification judges on the cache before it is recorded, a release on the database's rows inside
//! the writer's transaction; both come through here.
use super::Caller;
use super::Error;
use super::audit_log::Leaf;
use super::cases;
use super::cases::Subject;
use super::claims::Claims;
use super::facts_record::FactsRecord;
use super::record::Judgement;
use super::record::JudgementOf;
use super::record::issuing_states;
use super::record::licence_versions;
use super::timeline;
use super::told;
use crate::audit::entry::seal;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::Unit;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::declaration::Declaration;
use crate::domain::event::Event;
use crate::domain::lists::Lists;
use crate::domain::quantity::convert;
use crate::domain::reference::ReferenceKind;
use crate::domain::serial::FirearmKey;
use crate::rules;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::consignments::EventRow;
use crate::storage::verifications::PackedRow;
use crate::wire::verification::AsOf;
use crate::wire::verification::LicenceVersion;
use crate::wire::verification::OfflineReply;
use crate::wire::verification::Verification;
use crate::wire::verification::instant;
use std::fmt::Display;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::OnceLock;
use uuid::Uuid;

/// A declaration as it came and as it reads.
#[derive(Debug, Clone)]
pub struct Presented {
    /// As received: these bytes are kept.
    pub json: String,
    /// As read.
    pub declaration: Declaration,
    /// Its reference as it was sent, for the reply.
    declared: String,
    /// What its content is told by, where that is not the bytes.
    content: Option<String>,
    /// The digest of that, once somebody has asked for it.
    sha256: OnceLock<[u8; 32]>,
    /// What other States' registers have said of the licences that it quotes.
    pub foreign: Arc<[super::foreign::Foreign]>,
}

impl Presented {
    /// Reads a declaration that stands in a request under a pointer.
    pub fn read(json: String, prefix: &str) -> Result<Self, Error> {
        let words = |sent: crate::wire::declaration::Declaration| {
            sent.read("").map(|declaration| (sent, declaration))
        };
        let (mut sent, declaration) = crate::wire::field::read(json.as_bytes(), words)
            .map_err(|errors| Error::Invalid(under(prefix, errors)))?;
        // A UCR stands for many shipments, told apart by content alone: there the same declaration must
        // not count as another one because it is spaced or ordered otherwise.
        let declared = sent.reference.as_mut().and_then(|reference| reference.value.take());
        let content = match declaration.reference.kind {
            ReferenceKind::Ucr => Some(content(sent, &declaration)?),
            ReferenceKind::Mrn | ReferenceKind::National => None,
        };
        let (sha256, foreign) = (OnceLock::new(), Arc::default());
        let declared = declared.unwrap_or_default();
        Ok(Self { json, declaration, declared, content, sha256, foreign })
    }

    /// Digest of the content, by which the register knows it again.
    pub fn sha256(&self) -> [u8; 32] {
        let content = self.content.as_ref().unwrap_or(&self.json);
        *self.sha256.get_or_init(|| sha256(content.as_bytes()))
    }
}

/// A declaration's content, whatever the dress of its numbers and of its instant: what is counted is counted in pieces.
fn content(
    mut sent: crate::wire::declaration::Declaration,
    read: &Declaration,
) -> Result<String, Error> {
    if let Some(reference) = &mut sent.reference {
        reference.value = Some(read.reference.value.to_string());
    }
    sent.ucr = read.ucr.as_ref().map(ToString::to_string);
    sent.accepted_at = read.accepted_at.map(|(at, _)| instant(at));
    for (sent, item) in sent.items.iter_mut().zip(&read.items) {
        let in_pieces = |quantity| convert(quantity, item.unit, item.content, Unit::C62);
        let said = |quantity| in_pieces(quantity).unwrap_or(quantity).to_string();
        if in_pieces(item.quantity).is_some() {
            (sent.unit, sent.content) = (Some(Unit::C62.to_string()), None);
        }
        sent.quantity = Some(said(item.quantity));
        for (sent, quote) in sent.licences.iter_mut().zip(&item.licences) {
            sent.quantity = quote.quantity.map(said);
        }
    }
    json(&sent)
}

fn under(prefix: &str, errors: Vec<crate::wire::FieldError>) -> Vec<crate::wire::FieldError> {
    errors
        .into_iter()
        .map(|error| crate::wire::FieldError { path: format!("{prefix}{}", error.path), ..error })
        .collect()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// A judgement, ready to be written down.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Its identifier.
    pub id: Uuid,
    /// The verdict.
    pub verdict: Verdict,
    /// The audit entry.
    pub entry: Leaf,
    /// The reply, but for the audit reference.
    pub reply: String,
    /// The row, but for the entry's place in the log.
    pub row: Arc<PackedRow>,
    /// What it puts before its post, unless it clears, and on what goods.
    pub alert: Option<(Subject, NewAlert)>,
    /// The firearms on which an altered marking was seen.
    pub altered: Vec<FirearmKey>,
    /// What States are told of it, unless it clears.
    pub event: Option<Event<serde_json::Value>>,
    /// What the consignment's timeline says of it.
    pub happening: Option<EventRow>,
}

impl Judged {
    /// Names what it will put before its post.
    pub fn claim(&self, claims: &mut Claims) {
        if let Some((subject, _)) = &self.alert {
            claims.case(*subject);
        }
    }
}

/// What a judgement is made of.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `verification`, `preclearance`, or `release_refused` for a release that no longer clears.
    pub kind: &'static str,
    /// The pre-clearance under which the goods are presented.
    pub preclearance: Option<Uuid>,
    /// The State whose border is crossed.
    pub state: Country,
    /// Its identifier.
    pub id: Uuid,
    /// The entry's nonce.
    pub nonce: [u8; 16],
    /// The instant.
    pub now: Timestamp,
    /// Who asks.
    pub caller: &'a Caller,
    /// The declaration.
    pub presented: &'a Presented,
    /// What was looked up.
    pub facts: &'a Facts,
    /// The lists in force.
    pub lists: &'a Lists,
}

/// Judges, and writes the judgement down.
pub fn judge(question: &Question<'_>) -> Result<Judged, Error> {
    let verdict = evaluate(question.presented, question.facts, question.lists, question.now);
    write_down(question, verdict)
}

/// Judges only.
pub fn evaluate(presented: &Presented, facts: &Facts, lists: &Lists, now: Timestamp) -> Verdict {
    rules::evaluate(&Case::new(&presented.declaration, facts, lists, now))
}

/// Writes a verdict down.
pub fn write_down(question: &Question<'_>, verdict: Verdict) -> Result<Judged, Error> {
    let Question { id, nonce, now, caller, presented, facts, lists, kind, .. } = *question;
    let declaration = &presented.declaration;
    let reply = reply(id, presented, facts, lists, &verdict, now)?;
    let facts_json = json(&FactsRecord::new(facts))?;
    let judgement = Judgement::new(&JudgementOf {
        id,
        preclearance: question.preclearance,
        declaration,
        declaration_json: &presented.json,
        facts_json: &facts_json,
        reply_json: &reply,
        facts,
        verdict: &verdict,
        lists: &lists.edition,
        caller,
        nonce,
    });
    let entry = seal(kind, now, nonce, &judgement)
        .map_err(|error| Error::Internal(format!("the audit entry is too large: {error:?}")))?;
    let row = PackedRow {
        id: id.as_bytes().to_vec(),
        state: question.state.to_string(),
        border_post: declaration.border_post.to_string(),
        outcome: verdict.outcome.as_str().to_owned(),
        caller: caller.key(),
        record: storage::verifications::documents(&presented.json, &facts_json, &reply)?,
        at_us: now.as_microsecond(),
    };
    let (alert, event, happening) = consequences(question, &verdict)?;
    let altered = super::stoppage::altered(declaration, &verdict);
    Ok(Judged {
        id,
        verdict,
        entry: Leaf::new(&entry)?,
        reply,
        row: Arc::new(row),
        alert,
        altered,
        event,
        happening,
    })
}

/// What a verdict puts before officers, tells States, and says in the consignment's timeline.
type Consequences =
    (Option<(Subject, NewAlert)>, Option<Event<serde_json::Value>>, Option<EventRow>);

/// What follows from a verdict.
pub(super) fn consequences(
    question: &Question<'_>,
    verdict: &Verdict,
) -> Result<Consequences, Error> {
    let Question { id, now, caller, presented, facts, kind, .. } = *question;
    // Goods that are only announced are not held yet, and a carrier mends its own papers.
    if kind == "preclearance" {
        return Ok((None, None, None));
    }
    let declaration = &presented.declaration;
    let alert = alert(id, caller, declaration, verdict)
        .map(|alert| (cases::goods(caller.state, presented), alert));
    let event = told::verdict(question, verdict);
    let issuing = issuing_states(facts);
    let happening = timeline::verdict(kind, id, caller, declaration, issuing, verdict, now)?;
    Ok((alert, event, happening))
}

/// The reply to a judgement, but for its place in the audit trail.
pub fn reply(
    id: Uuid,
    presented: &Presented,
    facts: &Facts,
    lists: &Lists,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<String, Error> {
    json(&Verification::new(
        id.to_string(),
        &presented.declared,
        verdict,
        as_of(facts),
        &lists.edition,
        now,
    ))
}

/// A reply with its place in the audit trail.
pub fn with_audit(reply: &str, origin: &str, index: u64) -> String {
    let origin = serde_json::Value::from(origin);
    with_field(reply, "audit", format_args!("{{\"log\":{origin},\"index\":{index}}}"))
}

/// Room for a field that is added: what most of them take.
const FIELD_BYTES: usize = 128;

/// A reply with one field more, whose value is JSON.
pub fn with_field(reply: &str, name: &str, value: impl Display) -> String {
    let open = reply.strip_suffix('}').unwrap_or(reply);
    let mut whole = String::with_capacity(open.len() + FIELD_BYTES);
    whole.push_str(open);
    // A text takes whatever is written to it.
    let _ = write!(whole, ",\"{name}\":{value}}}");
    whole
}

/// Serialises what cannot fail to serialise but for a bug.
pub fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

fn as_of(facts: &Facts) -> AsOf {
    AsOf {
        data_age_ms: facts.data_age_ms,
        licences: licence_versions(facts)
            .map(|(number, version)| LicenceVersion { number: number.to_string(), version })
            .collect(),
        offline: facts.offline.as_ref().map(|offline| OfflineReply {
            border_post: offline.post.to_string(),
            taken_at: instant(offline.as_of),
            ends_at: instant(offline.until),
        }),
    }
}

/// What a verdict that does not clear puts before the officers of its post.
fn alert(
    id: Uuid,
    caller: &Caller,
    declaration: &Declaration,
    verdict: &Verdict,
) -> Option<NewAlert> {
    let severity = match verdict.outcome {
        Outcome::Clear => return None,
        Outcome::Refer => Severity::Refer,
        Outcome::Hold => Severity::Hold,
    };
    let mut codes = Vec::new();
    for code in verdict.findings.iter().map(|finding| finding.code.as_str()) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Some(NewAlert {
        kind: Kind::Mismatch,
        to: Addressee::Post(caller.state, declaration.border_post),
        severity,
        about: About {
            verification: Some(id),
            ucr: declaration.ucr.as_ref().map(ToString::to_string),
            declaration: Some(declaration.reference.value.to_string()),
            ..About::default()
        },
        codes,
        message: None,
    })
}
