//! Alerts against their histories, and those against the entries that they name: an alert says what was raised
//! and what further looks have found, and stands as the work on it has left it.
use super::Error;
use super::first;
use super::goods;
use super::goods::Goods;
use super::goods::Held;
use super::nonce;
use super::orphans::Walked;
use super::steps;
use super::steps::Look;
use super::steps::Rests;
use super::text;
use crate::app::cases::request;
use crate::app::raise;
use crate::app::raise::CODES_MAX;
use crate::app::release::uuid;
use crate::audit::entry::salted;
use crate::domain::alert::About;
use crate::domain::alert::Kind;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::alerts::EventRow;
use serde_json::Value;
use std::collections::BTreeMap;

/// Alerts, or steps of one, looked at at a time.
const PAGE: i64 = 200;

/// The first alert that is not what the entries say that its history names.
pub(super) fn fault(
    db: &mut Db,
    walked: &[Walked],
    is_post: bool,
) -> Result<Option<String>, Error> {
    let mut after = Vec::new();
    loop {
        let done = storage::snapshot(db, |db| {
            let page = storage::cases::page(db, &after, PAGE)?;
            let ids: Vec<Vec<u8>> = page.iter().map(|row| row.id.clone()).collect();
            let mut held = Held::read(db, &ids)?;
            for row in &page {
                after.clone_from(&row.id);
                if let Some(words) = alert_fault(db, walked, row, &mut held)? {
                    return Ok(Some(Some(format!("alert {}: {words}", uuid(&row.id)?))));
                }
            }
            Ok::<_, Error>(page.is_empty().then_some(None))
        })?;
        match done {
            // A post that is cut off has the stoppages of its State without the cases.
            Some(None) if is_post => return Ok(None),
            Some(None) => return goods::orphan(db),
            Some(found) => return Ok(found),
            None => {}
        }
    }
}

fn alert_fault(
    db: &mut Db,
    walked: &[Walked],
    row: &AlertRow,
    held: &mut Held,
) -> Result<Option<String>, Error> {
    let mut case = Case::default();
    let mut after = (i64::MIN, i64::MIN, i64::MIN);
    loop {
        let page = storage::cases::history(db, &row.id, after, PAGE)?;
        for event in &page {
            after = (event.at_us, event.log_id, event.log_index);
            if let Some(words) = case.take(db, walked, row, event)? {
                let (change, index) = (&event.change, event.log_index);
                return Ok(Some(format!("its step ({change}) of entry {index} {words}")));
            }
        }
        if i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE) {
            break;
        }
    }
    if let Some(field) = case.differs(row)? {
        return Ok(Some(format!("{field} is not what its history says")));
    }
    if case.lacks {
        return Ok(None);
    }
    if let Some(resolved) = &case.resolved {
        case.goods.closed(db, row, resolved)?;
    }
    Ok(case.goods.differs(row, held))
}

/// What further looks at the goods have found, which weighs as the heaviest of them does.
#[derive(Debug, Default)]
struct Found {
    severity: Option<Severity>,
    codes: Vec<String>,
    /// What the last look in each log was about: in which order looks of several nodes came is not recorded.
    about: BTreeMap<i64, About>,
}

/// The life of an alert, as far as its steps have been read.
#[derive(Default)]
struct Case {
    raised: Option<EventRow>,
    /// The entry that raised it.
    entry: Option<Value>,
    looks: u64,
    found: Found,
    is_worked_on: bool,
    resolved: Option<EventRow>,
    goods: Goods,
    /// Whether a step rests on what can be read no more.
    lacks: bool,
}

impl Case {
    /// Takes a step; says how it is not what its entry records.
    fn take(
        &mut self,
        db: &mut Db,
        walked: &[Walked],
        row: &AlertRow,
        event: &EventRow,
    ) -> Result<Option<String>, Error> {
        let place = (event.log_id, event.log_index);
        match steps::rests_on(db, place)? {
            Some(rests) => {
                if let Some(field) = steps::differs(event, &rests)? {
                    return Ok(Some(format!("is not what that records: {field}")));
                }
                if let Some(words) = self.rests(db, row, event, rests)? {
                    return Ok(Some(words.to_owned()));
                }
            }
            None if may_be_gone(db, walked, place)? => self.lacks = true,
            None => return Ok(Some("names an entry that is in no log".to_owned())),
        }
        let again = match event.change.as_str() {
            "raised" => self.raised.replace(event.clone()).is_some(),
            "resolved" => self.resolved.replace(event.clone()).is_some(),
            "seen_again" => {
                self.looks += 1;
                false
            }
            _ => {
                self.is_worked_on = true;
                false
            }
        };
        Ok(again.then(|| "happened once before".to_owned()))
    }

    /// Takes what a step rests on; says how the alert is not the one that it is of.
    fn rests(
        &mut self,
        db: &mut Db,
        row: &AlertRow,
        event: &EventRow,
        rests: Rests,
    ) -> Result<Option<&'static str>, Error> {
        let Some(look) = rests.look else {
            let kind = text(&rests.entry, "kind");
            self.lacks |= kind == "post_entry";
            if kind == "goods_stopped" {
                self.goods.stopped(db, row, event)?;
            }
            if event.change == "raised" && kind != "post_entry" {
                self.entry = Some(rests.entry);
            }
            return Ok(None);
        };
        let subject = look.subject.as_slice();
        let is_of = row.subject.as_deref().is_none_or(|of| of == subject);
        let here = row.state == look.state && row.border_post.as_ref() == Some(&look.border_post);
        self.found.add(event.log_id, &look);
        self.goods.seen(row, event, &look)?;
        Ok((!is_of || !here).then_some("is of other goods than the alert"))
    }

    /// The first field of the alert that is not what its steps have made it.
    fn differs(&self, row: &AlertRow) -> Result<Option<&'static str>, Error> {
        let Some(raised) = &self.raised else { return Ok(Some("that it was raised")) };
        let (status, outcome) = match &self.resolved {
            Some(step) => ("resolved", step.outcome.as_ref()),
            None if self.is_worked_on => ("acknowledged", None),
            None => ("open", None),
        };
        let stands = first(&[
            ("log_index", (row.log_id, row.log_index) == (raised.log_id, raised.log_index)),
            ("raised_us", row.raised_us == raised.at_us),
            ("status", row.status == status),
            ("outcome", row.outcome.as_ref() == outcome),
            ("subject", row.status != "resolved" || row.subject.is_none()),
        ]);
        if stands.is_some() {
            return Ok(stands);
        }
        match &self.entry {
            Some(entry) => raised_otherwise(row, entry),
            None if self.lacks => Ok(None),
            None => self.found_otherwise(row),
        }
    }

    /// The first field of a verdict's alert that is not what all looks at the goods have found.
    fn found_otherwise(&self, row: &AlertRow) -> Result<Option<&'static str>, Error> {
        let codes: Vec<String> = serde_json::from_str(&row.codes).unwrap_or_default();
        let all = &self.found.codes;
        let cut = all.get(..CODES_MAX).unwrap_or(all);
        let mut each = codes.clone();
        each.sort_unstable();
        each.dedup();
        let among = each.len() == cut.len() && each.iter().all(|code| all.contains(code));
        let about = raise::about(&row.about)?;
        Ok(first(&[
            ("addressee", row.addressee == "officer"),
            ("kind", row.kind == Kind::Mismatch.as_str()),
            ("message", row.message.is_none()),
            ("severity", Severity::parse(&row.severity) == self.found.severity),
            (
                "codes",
                if self.looks == 0 { codes == cut } else { among && each.len() == codes.len() },
            ),
            ("about", self.found.about.values().any(|found| *found == about)),
            ("ucr", row.ucr == about.ucr),
            ("subject", row.status == "resolved" || row.subject.is_some()),
        ]))
    }
}

impl Found {
    fn add(&mut self, log_id: i64, look: &Look) {
        self.severity = self.severity.max(Severity::parse(&look.severity));
        for code in &look.codes {
            if !self.codes.contains(code) {
                self.codes.push(code.clone());
            }
        }
        self.about.insert(log_id, look.about.clone());
    }
}

/// The first field of an alert that is not what the entry says by which it was raised.
fn raised_otherwise(row: &AlertRow, entry: &Value) -> Result<Option<&'static str>, Error> {
    let Some(nonce) = nonce(text(entry, "nonce")) else { return Ok(Some("nonce")) };
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let to = entry.get("to").unwrap_or(&Value::Null);
    let recorded =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let about = raise::about(&row.about)?;
    // An alert that is resolved is not found again, and its entry alone says by what it was.
    let subject = row.subject.as_deref().map(|subject| salted(nonce, subject));
    let by_subject = match row.status.as_str() {
        "resolved" => true,
        // Entries from before this was recorded say of a request for a release alone by what it is found.
        _ if entry.get("message_sha256").is_none() => {
            let asked = about.release.map(|release| request(release.as_bytes()));
            row.subject.as_deref().is_none_or(|of| asked.is_some_and(|asked| asked == of))
        }
        _ => subject == recorded(entry, "subject_sha256"),
    };
    let said = salted(nonce, row.message.as_deref().unwrap_or_default().as_bytes());
    Ok(first(&[
        ("state", row.state == text(to, "state")),
        ("addressee", row.addressee == text(to, "role")),
        ("border_post", row.border_post == recorded(to, "border_post")),
        ("kind", row.kind == text(entry, "alert_kind")),
        ("severity", row.severity == text(entry, "severity")),
        ("about", read(&row.about).as_ref() == entry.get("about")),
        ("ucr", row.ucr == about.ucr),
        ("codes", read(&row.codes).as_ref() == entry.get("codes")),
        ("message", recorded(entry, "message_sha256").is_none_or(|digest| digest == said)),
        ("subject", by_subject),
    ]))
}

/// Whether an entry that is not there may have been put away, or is of a log that does not fit by itself.
fn may_be_gone(db: &mut Db, walked: &[Walked], (log_id, index): (i64, i64)) -> Result<bool, Error> {
    let Ok(index) = u64::try_from(index) else { return Ok(false) };
    if index < storage::archive::upto(db, log_id)? {
        return Ok(true);
    }
    let logs = storage::log::all(db)?;
    let Some(log) = logs.iter().find(|log| log.id == log_id) else { return Ok(false) };
    let is_there = u64::try_from(log.size).is_ok_and(|size| index < size);
    Ok(is_there && walked.iter().all(|of| of.log_id != log_id))
}
