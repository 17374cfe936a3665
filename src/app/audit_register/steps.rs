//! Steps in the lives of alerts against the entries that record them: each such entry has its step, and a step
//! says what its entry does.
use super::Error;
use super::at_us;
use super::first;
use super::nonce;
use super::text;
use crate::app::Caller;
use crate::app::cases;
use crate::app::cases::Subject;
use crate::app::judge::Presented;
use crate::app::raise::CODES_MAX;
use crate::app::release::uuid;
use crate::app::replay;
use crate::app::timeline::country;
use crate::audit::entry::salted;
use crate::domain::alert::About;
use crate::domain::declaration::Declaration;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::EventRow;
use crate::storage::verifications::VerificationRow;
use crate::wire::verification::Verification;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// By how much the time at which a verdict's alert was raised may differ from its entry's, which was made before it
/// waited for the writer; the clock may have been set meanwhile.
const WAITED_US: i64 = 600_000_000;

/// The step that an entry records by itself, where that is what it is for.
fn step_of(kind: &str) -> Option<&str> {
    match kind {
        "alert_raised" | "goods_stopped" => Some("raised"),
        _ => kind
            .strip_prefix("alert_")
            .filter(|step| matches!(*step, "acknowledged" | "referred" | "extended" | "resolved")),
    }
}

/// The log and the index of the entry beside which a verdict is kept that an entry puts before a post.
fn verdict_at(db: &mut Db, place: (i64, i64), entry: &Value) -> Result<Option<(i64, i64)>, Error> {
    let kind = text(entry, "kind");
    if kind != "post_entry" {
        // Goods that are only announced are put before nobody.
        return Ok(Some(place).filter(|_| replay::records_verdict(entry) && kind != "preclearance"));
    }
    // Whose verdict could not be derived again was put before its post as it was derived.
    if entry.get("derived").and_then(Value::as_bool) != Some(true) {
        return Ok(None);
    }
    let log = storage::log::by_origin(db, text(entry, "log"))?;
    let index = entry.get("index").and_then(Value::as_i64).unwrap_or_default();
    Ok(log.map(|log| (log.id, index)))
}

/// The steps in the lives of alerts that name some entries of a log.
#[derive(Debug, Default)]
pub(in crate::app) struct Steps(HashMap<u64, bool>);

impl Steps {
    /// Reads which entries from one up to another steps name, and of which of them the alert is there.
    pub(in crate::app) fn read(
        db: &mut Db,
        log_id: i64,
        (from, upto): (u64, u64),
    ) -> Result<Self, Error> {
        let signed = |index: u64| i64::try_from(index).unwrap_or(i64::MAX);
        let rows = storage::cases::steps(db, log_id, signed(from), signed(upto))?;
        let known = |(index, alert): (i64, Option<Vec<u8>>)| {
            (u64::try_from(index).unwrap_or_default(), alert.is_some())
        };
        Ok(Self(rows.into_iter().map(known).collect()))
    }

    /// What is missing of the alert that an entry raises or takes further.
    pub(in crate::app) fn missing(
        &self,
        db: &mut Db,
        (log_id, index): (i64, u64),
        entry: &Value,
    ) -> Result<Option<String>, Error> {
        match self.0.get(&index) {
            Some(true) => return Ok(None),
            Some(false) => {
                return Ok(Some("the alert whose step it records is gone".to_owned()));
            }
            None => {}
        }
        let kind = text(entry, "kind");
        if step_of(kind).is_some() {
            let alert = text(entry, "alert");
            return Ok(Some(format!("the step of alert {alert} that it records is gone")));
        }
        let own = (log_id, i64::try_from(index).unwrap_or(i64::MAX));
        let puts = match verdict_at(db, own, entry)? {
            Some(place) if place == own => text(entry, "verdict") != "clear",
            Some((log_id, index)) => storage::verifications::by_entry(db, log_id, index)?
                .is_some_and(|kept| kept.outcome != "clear"),
            None => false,
        };
        Ok(puts.then(|| {
            "the step of an alert by which its verdict was put before the post is gone".to_owned()
        }))
    }
}

/// A verdict as it is put before its post.
pub(super) struct Look {
    pub state: String,
    pub border_post: String,
    pub severity: String,
    /// Each once, in order.
    pub codes: Vec<String>,
    pub about: About,
    pub subject: Subject,
    pub declaration: Declaration,
    /// The items on which an altered marking was seen.
    pub altered: Vec<Option<u32>>,
}

/// What a step rests on: its entry, and where that puts a verdict before the post, the verdict.
pub(super) struct Rests {
    pub entry: Value,
    pub look: Option<Look>,
}

/// Reads it. `None`: it is not there to be read any more.
pub(super) fn rests_on(db: &mut Db, place: (i64, i64)) -> Result<Option<Rests>, Error> {
    let (log_id, index) = place;
    let body = storage::log::entry(db, log_id, u64::try_from(index).unwrap_or(u64::MAX))?;
    let Some(body) = body else { return Ok(None) };
    let entry: Value = serde_json::from_slice(&body).unwrap_or_default();
    if step_of(text(&entry, "kind")).is_some() {
        return Ok(Some(Rests { entry, look: None }));
    }
    let Some((log_id, index)) = verdict_at(db, place, &entry)? else {
        return Ok(Some(Rests { entry, look: None }));
    };
    // With a post's entries their records may have been put away.
    let Some(kept) = storage::verifications::by_entry(db, log_id, index)? else { return Ok(None) };
    Ok(look(kept)?.map(|look| Rests { entry, look: Some(look) }))
}

/// A verdict, from what is kept of it beside the log. `None`: it does not read as it did.
fn look(kept: VerificationRow) -> Result<Option<Look>, Error> {
    let Ok(presented) = Presented::read(kept.declaration, "") else { return Ok(None) };
    let Ok(reply) = serde_json::from_str::<Verification>(&kept.reply) else { return Ok(None) };
    let (mut codes, mut altered) = (Vec::new(), Vec::new());
    for finding in reply.findings {
        if finding.code == crate::rules::Code::MarkingAltered.as_str() {
            altered.push(finding.item);
        }
        if !codes.contains(&finding.code) {
            codes.push(finding.code);
        }
    }
    let subject = cases::goods(country(&kept.state)?, &presented);
    let declaration = presented.declaration;
    let about = About {
        verification: Some(uuid(&kept.id)?),
        ucr: declaration.ucr.as_ref().map(ToString::to_string),
        declaration: Some(declaration.reference.value.to_string()),
        ..About::default()
    };
    let (state, border_post, severity) = (kept.state, kept.border_post, kept.outcome);
    Ok(Some(Look { state, border_post, severity, codes, about, subject, declaration, altered }))
}

/// The first field of a step that is not what its entry records.
pub(super) fn differs(event: &EventRow, rests: &Rests) -> Result<Option<&'static str>, Error> {
    let Rests { entry, look } = rests;
    if let Some(look) = look {
        let cut = look.codes.get(..CODES_MAX).unwrap_or(&look.codes);
        let note = (event.change == "seen_again").then(|| cut.join(", "));
        let at = at_us(entry).unwrap_or_default();
        return Ok(first(&[
            ("change", matches!(event.change.as_str(), "raised" | "seen_again")),
            ("outcome", event.outcome.is_none()),
            ("note", event.note == note),
            ("actor", event.actor.is_none()),
            ("at_us", event.at_us.abs_diff(at) <= WAITED_US.unsigned_abs()),
        ]));
    }
    // One by which a post's verdict was put before it that was derived otherwise here.
    if text(entry, "kind") == "post_entry" && entry.get("derived").is_some() {
        return Ok(first(&[
            ("change", matches!(event.change.as_str(), "raised" | "seen_again")),
            ("actor", event.actor.is_none()),
            ("at_us", Some(event.at_us) == at_us(entry)),
        ]));
    }
    let Some(step) = step_of(text(entry, "kind")) else { return Ok(Some("log_index")) };
    let Some(nonce) = nonce(text(entry, "nonce")) else { return Ok(Some("nonce")) };
    let digest = |said: &String| salted(nonce, said.as_bytes());
    let recorded = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let by = recorded(entry.pointer("/actor/subject_sha256"));
    let actor = match (&event.actor, entry.pointer("/actor/state").and_then(Value::as_str)) {
        (Some(actor), _) => by == Some(digest(actor)),
        (None, Some(state)) => by == Some(digest(&Caller::service(country(state)?).key())),
        (None, None) => by.is_none(),
    };
    Ok(first(&[
        (
            "alert_id",
            text(entry, "alert")
                .parse::<Uuid>()
                .is_ok_and(|id| id.as_bytes() == event.alert_id.as_slice()),
        ),
        ("change", event.change == step),
        ("outcome", event.outcome == recorded(entry.get("outcome"))),
        ("note", event.note.as_ref().map(digest) == recorded(entry.get("note_sha256"))),
        ("actor", actor),
        ("at_us", Some(event.at_us) == at_us(entry)),
    ]))
}
