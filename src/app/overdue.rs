//! Goods that have left and do not arrive, and a receipt that is not confirmed in time (rule 112): it is put before one after the other of those who
//! can say what became of the goods, and in the end it stands on record that nobody could. Each step is an entry
//! of the trail that names both States. Nothing is decided by it: whoever is asked answers as at any other time.
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge;
use super::receipts;
use super::receipts::Taking;
use super::record::Actor;
use super::recorder::Stop;
use super::release::uuid;
use super::timeline::country;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::deadline::Deadline;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::rules::profile::Profile;
use crate::rules::timers::Place;
use crate::storage;
use crate::storage::Db;
use crate::storage::consignments::EventRow;
use crate::storage::receipts::ReceiptRow;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// Who is asked in one step, and in which words.
struct Turn {
    /// The receipt's step.
    step: &'static str,
    /// What the exporting State's authority is told.
    authority: Option<&'static str>,
    /// What the post of export is asked.
    post: Option<&'static str>,
    /// What the importing State's authority is told, unless it has answered.
    importing: Option<&'static str>,
}

/// Regulation (EU) 2025/41, article 26: the exporter, the customs office of export, the importing State,
/// the record.
const TURNS: [Turn; 4] = [
    Turn {
        step: "overdue",
        authority: Some(
            "no receipt has been confirmed in time: the exporter is to show that the goods were received",
        ),
        post: None,
        importing: Some(
            "goods have left for your State, and nobody has confirmed in time that they were received",
        ),
    },
    Turn {
        step: "exit_questioned",
        authority: None,
        post: Some("no receipt of these goods is confirmed: have they left as it was recorded?"),
        importing: None,
    },
    Turn {
        step: "importing_state_asked",
        authority: Some("there is still no receipt: the importing State is asked now"),
        post: None,
        importing: Some("were these goods received? The exporting State has no receipt of them"),
    },
    Turn {
        step: "failure_recorded",
        authority: Some("nobody has shown that the goods were received: that is now on record"),
        post: Some("nobody has shown that these goods were received: that is now on record"),
        importing: Some(
            "no receipt was given for goods that left for your State: that is now on record",
        ),
    },
];

#[derive(Serialize)]
struct OverdueEntry<'a> {
    receipt: String,
    release: String,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ucr: Option<&'a str>,
    step: &'a str,
    status: &'a str,
    result: &'a str,
    actor: Actor,
    states: [&'a str; 2],
}

/// Names what a step of the chain changes.
pub(super) fn claim(db: &mut Db, subject: &str, claims: &mut Claims) -> Result<(), Stop> {
    let Ok(id) = Uuid::parse_str(subject) else { return Ok(()) };
    claims.name("receipt", id.as_bytes());
    if let Some(row) = storage::receipts::read(db, id)? {
        claims.name("release", &row.release_id);
        if let Some(ucr) = &row.ucr {
            claims.name("consignment", ucr.as_bytes());
        }
    }
    Ok(())
}

/// Takes the next step; says when the one after it is due, where there is one.
pub(super) fn escalate(
    batch: &mut Batch<'_>,
    deadline: &Deadline,
    step: i64,
) -> Result<Option<Timestamp>, Stop> {
    let Some(turn) = usize::try_from(step).ok().and_then(|step| TURNS.get(step)) else {
        return Ok(None);
    };
    let id = Uuid::parse_str(&deadline.subject)
        .map_err(|error| Error::Internal(format!("a receipt's deadline: {error}")))?;
    let found = storage::receipts::read(batch.db, id)?;
    let open = |row: &ReceiptRow| !matches!(row.status.as_str(), "confirmed" | "withdrawn");
    let Some(mut row) = found.filter(open) else { return Ok(None) };
    let has_answered = row.status == "answered";
    if turn.step == "importing_state_asked" && row.status == "outstanding" {
        "requested".clone_into(&mut row.status);
    }
    row.escalation = step + 1;
    record(batch, &mut row, turn)?;
    let importing = country(&row.importing_state)?;
    for alert in told(deadline, turn, importing, has_answered) {
        batch.raise(&alert)?;
    }
    if row.escalation >= i64::try_from(TURNS.len()).unwrap_or_default() {
        return Ok(None);
    }
    let lists = Arc::clone(&batch.lists);
    let (state, post) = (deadline.state, deadline.post);
    let place = Profile::named(deadline.profile).map(|profile| Place {
        lists: &lists,
        state,
        post,
        profile,
    });
    Ok(place.map(|place| place.receipt_step_due(batch.now)))
}

/// Goods have left, and nothing of them was recorded where they were to arrive.
pub(super) fn not_arrived(batch: &mut Batch<'_>, deadline: &Deadline) -> Result<(), Stop> {
    let Some(release) = deadline.about.release else { return Ok(()) };
    let open = |row: &ReceiptRow| {
        !matches!(row.status.as_str(), "confirmed" | "withdrawn") && !receipts::has_arrived(row)
    };
    let Some(row) = receipts::of(batch.db, release.as_bytes())?.filter(open) else { return Ok(()) };
    let (home, importing) = (deadline.state, country(&row.importing_state)?);
    let post = deadline.post.map(|post| Addressee::Post(home, post));
    let authorities =
        [Addressee::Authority(home, deadline.post), Addressee::Authority(importing, None)];
    for to in post.into_iter().chain(authorities) {
        batch.raise(&NewAlert {
            kind: Kind::Consignment,
            to,
            severity: Severity::Refer,
            about: deadline.about.clone(),
            codes: vec!["NOT_ARRIVED"],
            message: Some(format!(
                "the goods left for {importing}, and none has arrived there in time"
            )),
        })?;
    }
    Ok(())
}

fn told(deadline: &Deadline, turn: &Turn, importing: Country, has_answered: bool) -> Vec<NewAlert> {
    let home = deadline.state;
    let post = turn.post.zip(deadline.post);
    let sides = [
        turn.authority.map(|words| (Addressee::Authority(home, deadline.post), words)),
        post.map(|(words, post)| (Addressee::Post(home, post), words)),
        turn.importing
            .filter(|_| !has_answered)
            .map(|words| (Addressee::Authority(importing, None), words)),
    ];
    let alert = |(to, words): (Addressee, &str)| NewAlert {
        kind: Kind::ReceiptOverdue,
        to,
        severity: Severity::Refer,
        about: deadline.about.clone(),
        codes: vec!["RECEIPT_CONFIRMATION_OVERDUE"],
        message: Some(words.to_owned()),
    };
    sides.into_iter().flatten().map(alert).collect()
}

/// The step in the trail, in the receipt's life, in the consignment's timeline, and for both States' systems.
fn record(batch: &mut Batch<'_>, row: &mut ReceiptRow, turn: &Turn) -> Result<(), Stop> {
    let service = Caller::service(country(&row.exporting_state)?);
    let (nonce, release) = (batch.ids.nonce(), uuid(&row.release_id)?.to_string());
    let id = uuid(&row.id)?.to_string();
    let entry = OverdueEntry {
        receipt: id.clone(),
        release: release.clone(),
        reference: &row.reference,
        ucr: row.ucr.as_deref(),
        step: turn.step,
        status: &row.status,
        result: &row.result,
        actor: Actor::new(&service, nonce),
        states: [&row.exporting_state, &row.importing_state],
    };
    let index = batch.enter("receipt_overdue", nonce, &entry)?;
    let (state, actor) = (row.exporting_state.clone(), service.key());
    let (document, note) = (None, None);
    let taking = Taking { step: turn.step, state: &state, actor: &actor, document, note, index };
    receipts::step(batch, row, &taking)?;
    let states = vec![row.exporting_state.clone(), row.importing_state.clone()];
    let event = row.ucr.clone().map(|ucr| {
        Ok::<_, Error>(EventRow {
            ucr,
            kind: "receipt_overdue".to_owned(),
            state,
            outcome: Some(row.result.clone()),
            reference: Some(row.reference.clone()),
            subject: row.id.clone(),
            states: judge::json(&states)?,
            detail: json!({"step": turn.step}).to_string(),
            happened_us: batch.now.as_microsecond(),
            at_us: batch.now.as_microsecond(),
            ..EventRow::default()
        })
    });
    batch.mark(event.transpose()?, index)?;
    batch.tell(Event {
        kind: EventKind::ReceiptOverdue,
        states,
        key: row.ucr.clone().unwrap_or_else(|| row.reference.clone()),
        data: json!({
            "receipt": id,
            "release": release,
            "declaration": row.reference,
            "ucr": row.ucr,
            "step": turn.step,
            "status": row.status,
            "result": row.result,
        }),
    })
}
