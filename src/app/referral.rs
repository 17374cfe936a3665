//! Goods referred or held: customs inform the authority, and the authority decides. Whatever it
//! decides or leaves undecided, only an officer releases.
use super::App;
use super::Caller;
use super::Error;
use super::alerts::enter_step;
use super::alerts::own;
use super::alerts::replied;
use super::batch::Batch;
use super::claims::Claims;
use super::raise::about;
use super::raise::addressee;
use super::recorder::Command;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Change;
use crate::domain::alert::Grounds;
use crate::domain::alert::Kind as AlertKind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Outcome;
use crate::domain::alert::Severity;
use crate::domain::alert::Status;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind;
use crate::rules::Code;
use crate::rules::timers::Place;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::wire::alert::Answer;
use crate::wire::verification::instant;
use uuid::Uuid;

/// What is due on an alert of customs.
const DUE: [Kind; 3] = [Kind::CustomsNotice, Kind::DecisionOnDoubt, Kind::DecisionOnBreach];
/// In which of them the authority decides.
const DECISIONS: [Kind; 2] = [Kind::DecisionOnDoubt, Kind::DecisionOnBreach];

/// The alert of customs on which something is due: a referral names the one that it follows.
pub(super) fn matter(row: &AlertRow) -> Result<Uuid, Error> {
    let own = uuid(&row.id)?;
    if row.kind != AlertKind::Referral.as_str() {
        return Ok(own);
    }
    Ok(about(&row.about)?.alert.unwrap_or(own))
}

/// A verdict that refers or holds: the authority is to be informed (rule 110).
pub(super) fn notice(batch: &mut Batch<'_>, id: Uuid, alert: &NewAlert) -> Result<(), Stop> {
    let lists = std::sync::Arc::clone(&batch.lists);
    let place = Place::on_day_of(&lists, alert.to.state(), alert.to.post(), batch.now);
    let Some(due) = place.notice_due(batch.now) else { return Ok(()) };
    batch.set_first_deadline(&Deadline {
        kind: Kind::CustomsNotice,
        subject: id.to_string(),
        due,
        state: alert.to.state(),
        post: alert.to.post(),
        profile: place.profile.id,
        about: About { alert: Some(id), ..alert.about.clone() },
        from: batch.now,
    })
}

/// An alert of customs is resolved: nothing is due on it any more. The authority learns of a refusal
/// and of a seizure where it has not been informed before.
pub(super) fn close(batch: &mut Batch<'_>, row: &AlertRow, outcome: Outcome) -> Result<(), Stop> {
    if row.kind == AlertKind::Referral.as_str() && row.severity != Severity::Inform.as_str() {
        let words = "a referral is answered by a decision".to_owned();
        return Err(Error::Stale(words).into());
    }
    let informed = settle(batch, row)?;
    super::stoppage::close(batch, row, outcome)?;
    let grave = matches!(outcome, Outcome::Refused | Outcome::Seized);
    let Addressee::Post(state, post) = addressee(row)? else { return Ok(()) };
    if !grave || informed || !is_of_goods(row) {
        return Ok(());
    }
    batch.raise(&NewAlert {
        kind: AlertKind::Referral,
        to: Addressee::Authority(state, Some(post)),
        severity: Severity::Inform,
        about: About { alert: Some(uuid(&row.id)?), ..about(&row.about)? },
        codes: codes(row)?,
        message: Some(format!("customs have resolved the matter: {}", outcome.as_str())),
    })?;
    Ok(())
}

/// Nothing is due on an alert any more; says whether the authority was to decide on it.
pub(super) fn settle(batch: &mut Batch<'_>, row: &AlertRow) -> Result<bool, Stop> {
    let subject = uuid(&row.id)?.to_string();
    let mut informed = false;
    for kind in DUE {
        let pending = batch.settle_deadline(kind, &subject)?;
        informed |= pending && kind != Kind::CustomsNotice;
    }
    Ok(informed)
}

/// Whether a case of customs is of goods that they hold back.
pub(super) fn is_of_goods(row: &AlertRow) -> bool {
    [AlertKind::Mismatch, AlertKind::Stoppage].iter().any(|kind| kind.as_str() == row.kind)
}

/// The codes of a stored alert that the catalogue knows.
fn codes(row: &AlertRow) -> Result<Vec<&'static str>, Error> {
    let codes: Vec<String> = serde_json::from_str(&row.codes)
        .map_err(|error| Error::Internal(format!("an alert's codes: {error}")))?;
    Ok(codes.iter().filter_map(|code| Code::parse(code)).map(Code::as_str).collect())
}

struct Refer {
    id: Uuid,
    grounds: Option<Grounds>,
    note: Option<Text>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Refer {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("alert", self.id.as_bytes());
        claims.name("deadline", self.id.to_string().as_bytes());
        let row = storage::alerts::read(db, self.id.as_bytes())?;
        claims.open_alert(row.and_then(|row| row.subject).as_deref());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = own(batch.db, &self.caller, self.id)?;
        let Addressee::Post(state, post) = addressee(&row)? else {
            return Err(Error::NotFound.into());
        };
        if row.status == Status::Resolved.as_str() {
            return Err(Error::Stale("the alert has been resolved".to_owned()).into());
        }
        let events = storage::alerts::events_of(batch.db, std::slice::from_ref(&row.id))?;
        if events.iter().any(|event| event.change == Change::Referred.as_str()) {
            return replied(batch, self.id);
        }
        let by_severity = if row.severity == Severity::Hold.as_str() {
            Grounds::NonCompliance
        } else {
            Grounds::Doubt
        };
        let grounds = self.grounds.unwrap_or(by_severity);
        let subject = self.id.to_string();
        batch.settle_deadline(Kind::CustomsNotice, &subject)?;
        let about = About { alert: Some(self.id), ..about(&row.about)? };
        let lists = std::sync::Arc::clone(&batch.lists);
        let place = Place::on_day_of(&lists, state, Some(post), batch.now);
        if let Some(due) = place.decision_due(batch.now, false) {
            let kind = match grounds {
                Grounds::Doubt => Kind::DecisionOnDoubt,
                Grounds::NonCompliance => Kind::DecisionOnBreach,
            };
            let (profile, from, about) = (place.profile.id, batch.now, about.clone());
            let post = Some(post);
            batch.set_deadline(&Deadline {
                kind,
                subject,
                due,
                state,
                post,
                profile,
                about,
                from,
            })?;
        }
        storage::alerts::put(batch.db, &row.id, Status::Acknowledged.as_str())?;
        let note = self.note.as_deref();
        enter_step(batch, &row, &self.caller, Change::Referred, None, note)?;
        batch.raise(&NewAlert {
            kind: AlertKind::Referral,
            to: Addressee::Authority(state, Some(post)),
            severity: Severity::parse(&row.severity)
                .filter(|severity| *severity != Severity::Inform)
                .unwrap_or(Severity::Refer),
            about,
            codes: codes(&row)?,
            message: Some(format!("customs ask for a decision: {}", grounds.as_str())),
        })?;
        replied(batch, self.id)
    }
}

/// Refers an alert that this batch has raised.
pub(super) fn refer_new(
    batch: &mut Batch<'_>,
    id: Uuid,
    (grounds, note): (Option<Grounds>, Option<Text>),
    caller: &Caller,
) -> Result<(), Stop> {
    batch.write_raised()?;
    Refer { id, grounds, note, caller: caller.clone(), once: None }.decide(batch).map(drop)
}

struct Decide {
    id: Uuid,
    answer: Answer,
    reason: Text,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Decide {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("alert", self.id.as_bytes());
        if let Some(row) = storage::alerts::read(db, self.id.as_bytes())? {
            claims.name("deadline", matter(&row)?.to_string().as_bytes());
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = own(batch.db, &self.caller, self.id)?;
        let (Addressee::Authority(state, Some(post)), "referral", "refer" | "hold") =
            (addressee(&row)?, row.kind.as_str(), row.severity.as_str())
        else {
            return Err(Error::Stale("this alert asks for no decision".to_owned()).into());
        };
        if row.status == Status::Resolved.as_str() {
            let was = row.outcome.as_deref().unwrap_or("otherwise");
            return Err(Error::Stale(format!("it has been decided: {was}")).into());
        }
        let matter = matter(&row)?.to_string();
        let reason = Some(self.reason.as_str());
        let (severity, code, words) = match self.answer {
            Answer::Extend => {
                let due = extend(batch, &matter)?;
                storage::alerts::put(batch.db, &row.id, Status::Acknowledged.as_str())?;
                enter_step(batch, &row, &self.caller, Change::Extended, None, reason)?;
                let words =
                    format!("the authority takes the longer period, until {}", instant(due));
                (Severity::Inform, "AUTHORITY_EXTENDS", words)
            }
            Answer::ReleaseAdvised | Answer::Refuse => {
                let outcome = if self.answer == Answer::Refuse {
                    Outcome::Refused
                } else {
                    Outcome::ReleaseAdvised
                };
                for kind in DECISIONS {
                    batch.settle_deadline(kind, &matter)?;
                }
                storage::alerts::resolve(batch.db, &row.id, outcome.as_str())?;
                enter_step(batch, &row, &self.caller, Change::Resolved, Some(outcome), reason)?;
                advice(outcome)
            }
        };
        batch.raise(&NewAlert {
            kind: AlertKind::Decision,
            to: Addressee::Post(state, post),
            severity,
            about: about(&row.about)?,
            codes: vec![code],
            message: Some(words),
        })?;
        replied(batch, self.id)
    }
}

/// What the post is told of a decision.
fn advice(outcome: Outcome) -> (Severity, &'static str, String) {
    if outcome == Outcome::Refused {
        let words = "the authority refuses the movement".to_owned();
        return (Severity::Hold, "AUTHORITY_REFUSES", words);
    }
    let words = "the authority has no objection; an officer decides on the release".to_owned();
    (Severity::Refer, "AUTHORITY_ADVISES_RELEASE", words)
}

/// Moves a pending decision to the end of the longer period; it is taken once.
fn extend(batch: &mut Batch<'_>, matter: &str) -> Result<Timestamp, Stop> {
    let stale = |words: &str| Stop::from(Error::Stale(words.to_owned()));
    let pending = storage::deadlines::pending_of(batch.db, &[matter])?;
    let kinds = DECISIONS.map(Kind::as_str);
    let row = pending.into_iter().find(|row| kinds.contains(&row.kind.as_str()));
    let row = row.ok_or_else(|| stale("no period runs that could be extended"))?;
    let deadline = super::deadlines::read_back(&row)?;
    let lists = std::sync::Arc::clone(&batch.lists);
    let place = Place::on_day_of(&lists, deadline.state, deadline.post, deadline.from);
    let due = place.decision_due(deadline.from, true);
    let due = due.ok_or_else(|| stale("the law knows no longer period here"))?;
    if due <= timestamp(row.due_us)? {
        return Err(stale("the longer period has been taken already"));
    }
    batch.set_deadline(&Deadline { due, ..deadline })?;
    Ok(due)
}

impl App {
    /// Customs inform the authority of what an alert is about and ask for its decision.
    pub async fn refer(
        &self,
        caller: &Caller,
        id: Uuid,
        (grounds, note): (Option<Grounds>, Option<Text>),
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let caller = caller.clone();
        self.recorder.submit(Box::new(Refer { id, grounds, note, caller, once })).await
    }

    /// The authority decides on a referral, or takes the longer period.
    pub async fn answer(
        &self,
        caller: &Caller,
        id: Uuid,
        (answer, reason): (Answer, Text),
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let caller = caller.clone();
        self.recorder.submit(Box::new(Decide { id, answer, reason, caller, once })).await
    }
}
