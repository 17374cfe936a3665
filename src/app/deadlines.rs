//! Deadlines that have passed: each is escalated once, whichever node comes first, as alerts to those
//! who can do something about it. Nothing is released by it.
use super::App;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::overdue;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use crate::domain::Country;
use crate::domain::Locode;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind as AlertKind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind;
use crate::rules::profile::Profile;
use crate::rules::timers::Place;
use crate::storage;
use crate::storage::Db;
use crate::storage::deadlines::DeadlineRow;
use parking_lot::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Deadlines escalated at one look; where there are more, the next look follows at once.
const ESCALATED_MAX: i64 = 100;

/// Counts of what is open and due, as last read.
#[derive(Debug, Default)]
pub struct Pending {
    /// Alerts that are not resolved, by State and post.
    pub alerts: Mutex<Vec<AtPost>>,
    /// Deadlines that are pending.
    pub deadlines: AtomicU64,
    /// Those of them that have passed and are not escalated yet.
    pub overdue: AtomicU64,
    /// Deadlines escalated by this node since it started.
    pub escalated: AtomicU64,
}

/// So many of something at a post of a State; at no post, where it is the authority's matter alone.
pub type AtPost = (String, Option<String>, u64);

struct Escalate {
    kind: String,
    subject: String,
}

impl Command for Escalate {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("deadline", self.subject.as_bytes());
        if self.kind == Kind::Receipt.as_str() {
            overdue::claim(db, &self.subject, claims)?;
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let none = Recorded { outcome: Done::Done, reply: String::new(), version: None };
        let row = storage::deadlines::claim(batch.db, &self.kind, &self.subject)?;
        let now_us = batch.now.as_microsecond();
        // Another node may have been faster, or what was due has been done meanwhile.
        let Some(row) = row.filter(|row| row.status == "pending" && row.due_us <= now_us) else {
            return Ok(none);
        };
        let deadline = match read_back(&row) {
            Ok(deadline) => deadline,
            // It must not stand in the way of the others for ever.
            Err(error) => {
                tracing::error!(%error, "a deadline does not read");
                let status = "unreadable".to_owned();
                storage::deadlines::put(batch.db, &DeadlineRow { status, ..row })?;
                return Ok(none);
            }
        };
        if deadline.kind == Kind::Review && !in_force(batch.db, &deadline)? {
            batch.settle_deadline(Kind::Review, &deadline.subject)?;
            return Ok(none);
        }
        let step = row.step + 1;
        let next = match deadline.kind {
            Kind::Receipt => overdue::escalate(batch, &deadline, row.step)?,
            Kind::Arrival => {
                overdue::not_arrived(batch, &deadline)?;
                None
            }
            Kind::CustomsNotice
            | Kind::DecisionOnDoubt
            | Kind::DecisionOnBreach
            | Kind::Return
            | Kind::Exit
            | Kind::PostShipmentCheck
            | Kind::Review => {
                for alert in told(&deadline, row.step) {
                    batch.raise(&alert)?;
                }
                next_step(batch, &deadline, step)
            }
        };
        let (status, due_us) = match next {
            Some(due) => ("pending", due.as_microsecond()),
            None => ("escalated", row.due_us),
        };
        let row =
            DeadlineRow { status: status.to_owned(), due_us, step, changed_us: now_us, ..row };
        storage::deadlines::put(batch.db, &row)?;
        Ok(Recorded { reply: "escalated".to_owned(), ..none })
    }
}

/// A stored deadline.
pub(super) fn read_back(row: &DeadlineRow) -> Result<Deadline, Error> {
    let broken = |what: &str| Error::Internal(format!("a deadline's {what}: {}", row.subject));
    let kind = Kind::parse(&row.kind).ok_or_else(|| broken("kind"))?;
    let profile = Profile::named(&row.profile).ok_or_else(|| broken("profile"))?;
    let post = row.border_post.as_deref().map(Locode::parse).transpose();
    Ok(Deadline {
        kind,
        subject: row.subject.clone(),
        due: timestamp(row.due_us)?,
        state: Country::parse(&row.state).map_err(|_e| broken("State"))?,
        post: post.map_err(|_e| broken("post"))?,
        profile: profile.id,
        about: super::raise::about(&row.about)?,
        from: timestamp(row.from_us)?,
    })
}

/// Whether the licence that is to be reviewed is still in force.
fn in_force(db: &mut Db, deadline: &Deadline) -> Result<bool, Stop> {
    let Some(number) = deadline.about.licence.as_deref() else { return Ok(true) };
    let found = storage::licences::read(db, &[number])?;
    let alive = |status: &str| matches!(status, "active" | "suspended");
    Ok(found.iter().any(|row| alive(row.standing.status.as_str())))
}

/// When a deadline that has passed comes up again: an exit that is not recorded, once more.
fn next_step(
    batch: &Batch<'_>,
    deadline: &Deadline,
    step: i64,
) -> Option<crate::domain::Timestamp> {
    if deadline.kind != Kind::Exit || step > 1 {
        return None;
    }
    let place = Place {
        lists: &batch.lists,
        state: deadline.state,
        post: deadline.post,
        profile: Profile::named(deadline.profile)?,
    };
    place.exit_due(deadline.from).map(|(_, last)| last).filter(|last| *last > deadline.due)
}

/// How heavy a deadline that has passed is, its codes, and what is said of it.
type Said = (Severity, &'static [&'static str], &'static str);

fn said(deadline: &Deadline, step: i64) -> Option<Said> {
    let lapses = Profile::named(deadline.profile).is_some_and(|profile| profile.silence_lapses);
    Some(match deadline.kind {
        Kind::CustomsNotice => (
            Severity::Refer,
            &["CUSTOMS_NOTICE_DUE"],
            "the authority was to be informed of these goods by now",
        ),
        Kind::DecisionOnDoubt if lapses => (
            Severity::Refer,
            &["DECISION_LAPSED", "AUTHORITY_DECISION_DUE"],
            "the authority has not decided in time: under the law an officer may now release; nothing has been \
             released",
        ),
        Kind::DecisionOnDoubt => (
            Severity::Refer,
            &["AUTHORITY_DECISION_DUE"],
            "the authority has not decided in time; nothing has been released",
        ),
        Kind::DecisionOnBreach => (
            Severity::Hold,
            &["AUTHORITY_DECISION_DUE"],
            "the authority has not decided in time on goods that are not compliant: they stay held",
        ),
        // They concern another State too: `overdue`.
        Kind::Receipt | Kind::Arrival => return None,
        Kind::Return => (
            Severity::Refer,
            &["TEMPORARY_OVERSTAY"],
            "goods that were let through for a time have not come back over this border in time",
        ),
        Kind::Exit if step == 0 => (
            Severity::Refer,
            &["EXIT_NOT_CONFIRMED"],
            "released for export, and no exit is recorded",
        ),
        Kind::Exit => (
            Severity::Refer,
            &["EXIT_NOT_CONFIRMED"],
            "still no exit is recorded: the declaration is to be invalidated, and the release reversed",
        ),
        Kind::PostShipmentCheck => {
            (Severity::Inform, &["POST_SHIPMENT_CHECK_DUE"], "the check after this shipment is due")
        }
        Kind::Review => {
            (Severity::Inform, &["REVIEW_AFTER_2_YEARS"], "this licence is due to be reviewed")
        }
    })
}

/// Who is told what of a deadline that has passed.
fn told(deadline: &Deadline, step: i64) -> Vec<NewAlert> {
    let Some((severity, codes, words)) = said(deadline, step) else { return Vec::new() };
    let overstays = deadline.kind == Kind::Return;
    let kind = if overstays { AlertKind::Overstay } else { AlertKind::Deadline };
    let authority = Addressee::Authority(deadline.state, deadline.post);
    let post = deadline.post.map(|post| Addressee::Post(deadline.state, post));
    let to: Vec<Addressee> = match deadline.kind {
        Kind::PostShipmentCheck | Kind::Review => vec![authority],
        Kind::CustomsNotice
        | Kind::DecisionOnDoubt
        | Kind::DecisionOnBreach
        | Kind::Receipt
        | Kind::Arrival
        | Kind::Return
        | Kind::Exit => std::iter::once(authority).chain(post).collect(),
    };
    let alert = |to| NewAlert {
        kind,
        to,
        severity,
        about: deadline.about.clone(),
        codes: codes.to_vec(),
        message: Some(words.to_owned()),
    };
    to.into_iter().map(alert).collect()
}

impl App {
    /// Escalates what is due, the longest overdue first; says whether there may be more.
    pub async fn escalate_due(&self) -> Result<bool, Error> {
        // A post that is cut off escalates nothing: its authority hears of it when it returns.
        if self.trust.is_cut_off() {
            return Ok(false);
        }
        let now = self.clock.now();
        let due =
            self.readers.read(move |db| storage::deadlines::due(db, now, ESCALATED_MAX)).await?;
        let full = i64::try_from(due.len()).is_ok_and(|count| count == ESCALATED_MAX);
        let commands = due.into_iter().map(|row| {
            let command = Escalate { kind: row.kind, subject: row.subject };
            self.recorder.submit(Box::new(command))
        });
        let mut failed = None;
        for done in futures_util::future::join_all(commands).await {
            match done {
                Ok(recorded) => {
                    let escalated = u64::from(!recorded.reply.is_empty());
                    self.pending.escalated.fetch_add(escalated, Ordering::Relaxed);
                }
                Err(error) => failed = Some(error),
            }
        }
        // What failed comes up again at the next look, not at once.
        failed.map_or(Ok(full), Err)
    }

    /// Counts what is open and due, for the metrics.
    pub async fn count_pending(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let count = move |db: &mut Db| {
            let alerts = storage::alerts::count_unresolved(db)?;
            Ok::<_, Error>((alerts, storage::deadlines::counts(db, now)?))
        };
        let (alerts, (deadlines, overdue)) = self.readers.read(count).await?;
        let set = |gauge: &AtomicU64, value: i64| {
            gauge.store(u64::try_from(value).unwrap_or_default(), Ordering::Relaxed);
        };
        let alerts = alerts
            .into_iter()
            .map(|(state, post, count)| (state, post, u64::try_from(count).unwrap_or_default()));
        *self.pending.alerts.lock() = alerts.collect();
        set(&self.pending.deadlines, deadlines);
        set(&self.pending.overdue, overdue);
        Ok(())
    }
}
