//! What an authority sets aside for a post that may be cut off: quantities that leave the balance of its
//! licence, and firearms that nobody else releases meanwhile. Nothing comes back by a timer: the post brings it
//! back, or the authority says what has become of it.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::batch::Batch;
use super::claims::Claims;
use super::draws::Draw;
use super::history::Paged;
use super::history::cut;
use super::judge::json;
use super::record::Actor;
use super::record::fitting;
use super::record::states_named;
use super::record::written;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Locode;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::storage;
use crate::storage::Db;
use crate::storage::allowances::AllowanceLineRow;
use crate::storage::allowances::AllowanceRow;
use crate::wire::post::AllowanceLineReply;
use crate::wire::post::AllowanceReply;
use crate::wire::verification::instant;
use serde::Serialize;
use uuid::Uuid;

/// Room for the lines listed in an audit entry; the ledger has all of them.
const LINES_BYTES_MAX: usize = 8 * 1024;
/// Bytes of one line there.
const LINE_BYTES: usize = 80;

#[derive(Serialize)]
struct LineEntry {
    line: i64,
    quantity: String,
    drawn: String,
}

/// What the trail says of an allowance.
#[derive(Serialize)]
struct AllowanceEntry<'a> {
    allowance: String,
    border_post: &'a str,
    licence: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    actor: Actor,
    states: Vec<String>,
    lines: Vec<LineEntry>,
}

/// Writes what has become of an allowance into the trail; `caller` is nobody where a post's return did it.
pub(super) fn enter(
    batch: &mut Batch<'_>,
    kind: &str,
    row: &AllowanceRow,
    caller: Option<&Caller>,
) -> Result<(), Stop> {
    let nonce = batch.ids.nonce();
    let entry = batch.licence(&row.licence);
    let states = entry.map(|entry| states_named(&entry.held.licence)).unwrap_or_default();
    let lines = storage::allowances::lines(batch.db, &row.id)?;
    let listed = fitting(lines.iter(), LINES_BYTES_MAX, |_| LINE_BYTES);
    let body = AllowanceEntry {
        allowance: uuid(&row.id)?.to_string(),
        border_post: &row.border_post,
        licence: &row.licence,
        status: &row.status,
        log: row.log.as_deref().filter(|log| written(log) < LINES_BYTES_MAX / 4),
        reason: row.reason.as_deref(),
        actor: match caller {
            Some(caller) => Actor::new(caller, nonce),
            None => Actor::service(&row.state, nonce),
        },
        states,
        lines: listed
            .map(|line| LineEntry {
                line: line.line,
                quantity: figure(line.quantity).to_string(),
                drawn: figure(line.drawn).to_string(),
            })
            .collect(),
    };
    batch.enter(kind, nonce, &body)?;
    Ok(())
}

/// A stored figure.
pub(super) fn figure(micros: i64) -> Quantity {
    Quantity::from_micros(micros).unwrap_or_default()
}

/// What is left of an allowance's line.
pub(super) fn left(line: &AllowanceLineRow) -> Quantity {
    figure(line.quantity).saturating_minus(figure(line.drawn))
}

/// How an authority ends an allowance itself.
enum End {
    /// No post was given it: it comes back.
    Withdrawn,
    /// The post will not come back: what it did not return counts as used up.
    Lost(Text),
}

struct Finish {
    post: Locode,
    id: Uuid,
    end: End,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Finish {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("post", self.post.as_str().as_bytes());
        if let Some(row) = storage::allowances::read(db, self.id.as_bytes())? {
            claims.licence(&row.licence.into());
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::allowances::read(batch.db, self.id.as_bytes())?;
        let mut row = row
            .filter(|row| row.border_post == self.post.as_str())
            .filter(|row| row.state == self.caller.state.as_str())
            .ok_or(Error::NotFound)?;
        let stale = |words: String| Err(Error::Stale(words).into());
        let kind = match (&self.end, row.status.as_str()) {
            (End::Withdrawn, "set_aside") => "allowance_withdrawn",
            (End::Withdrawn, "out") => {
                return stale(format!("{} was given it: it has to return", row.border_post));
            }
            (End::Lost(_), "out") => "allowance_lost",
            (_, status) => return stale(format!("the allowance is {status}")),
        };
        if let End::Lost(reason) = &self.end {
            let log = row.log.as_deref().unwrap_or_default();
            let ends = storage::posts::log(batch.db, log)?.map_or(0, |log| log.expires_us);
            if ends > batch.now.as_microsecond() {
                let ends = instant(timestamp(ends)?);
                return stale(format!("the post may release on it until {ends}"));
            }
            row.reason = Some(reason.to_string());
        }
        batch.read_licences(&[row.licence.as_str().into()])?;
        give_back(batch, &mut row, kind)?;
        enter(batch, kind, &row, Some(&self.caller))?;
        done(batch.db, &row, Done::Done)
    }
}

/// Moves what is left of an allowance to where it belongs: back into the balance, or to what is used up. What
/// has been found that was lost comes back as well.
pub(super) fn give_back(
    batch: &mut Batch<'_>,
    row: &mut AllowanceRow,
    kind: &'static str,
) -> Result<(), Stop> {
    let was_lost = row.status == "lost";
    let is_lost = kind == "allowance_lost";
    for line in storage::allowances::lines(batch.db, &row.id)? {
        let left = left(&line);
        if left.is_zero() {
            continue;
        }
        let number =
            u32::try_from(line.line).map_err(|_e| Error::Internal("a line's number".to_owned()))?;
        batch.draw(&Draw {
            licence: &row.licence,
            line: number,
            kind,
            give_back: if was_lost { left } else { Quantity::ZERO },
            free: if was_lost { Quantity::ZERO } else { left },
            take: if is_lost { left } else { Quantity::ZERO },
            allowance_id: Some(&row.id),
            ..Draw::default()
        })?;
    }
    kind.trim_start_matches("allowance_").clone_into(&mut row.status);
    row.changed_us = batch.now.as_microsecond();
    storage::allowances::update(batch.db, row)?;
    // What is lost may be anywhere: its firearms stay set aside.
    if !is_lost {
        storage::allowances::free_serials(batch.db, &row.id)?;
    }
    Ok(())
}

/// The reply to what was done.
pub(super) fn done(db: &mut Db, row: &AllowanceRow, outcome: Done) -> Result<Recorded, Stop> {
    Ok(Recorded { outcome, reply: json(&reply(db, row)?)?, version: None })
}

fn reply(db: &mut Db, row: &AllowanceRow) -> Result<AllowanceReply, Error> {
    let serials = storage::allowances::serials(db, &row.id)?;
    let lines = storage::allowances::lines(db, &row.id)?;
    let of = |line: i64| serials.iter().filter(move |of| of.line == line);
    Ok(AllowanceReply {
        id: uuid(&row.id)?.to_string(),
        border_post: row.border_post.clone(),
        licence: row.licence.clone(),
        status: row.status.clone(),
        log: row.log.clone(),
        reason: row.reason.clone(),
        lines: lines
            .iter()
            .map(|line| AllowanceLineReply {
                line: u32::try_from(line.line).unwrap_or_default(),
                quantity: figure(line.quantity).to_string(),
                drawn: figure(line.drawn).to_string(),
                serials: of(line.line).map(|of| of.serial.clone()).collect(),
            })
            .collect(),
        set_aside_at: instant(timestamp(row.at_us)?),
        changed_at: instant(timestamp(row.changed_us)?),
    })
}

/// A post by its code in a path.
pub(super) fn post_of(text: &str) -> Result<Locode, Error> {
    Locode::parse(text).map_err(|_e| Error::NotFound)
}

impl App {
    /// Takes back what no post has been given yet.
    pub async fn withdraw_allowance(
        &self,
        caller: &Caller,
        post: &str,
        id: Uuid,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let (post, caller) = (post_of(post)?, caller.clone());
        let command = Finish { post, id, end: End::Withdrawn, caller, once };
        self.recorder.submit(Box::new(command)).await
    }

    /// Declares that a post will not bring back what it was given: all of it counts as used up.
    pub async fn lose_allowance(
        &self,
        caller: &Caller,
        post: &str,
        id: Uuid,
        reason: Text,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let (post, caller) = (post_of(post)?, caller.clone());
        let command = Finish { post, id, end: End::Lost(reason), caller, once };
        self.recorder.submit(Box::new(command)).await
    }

    /// A page of what is or was set aside for a post: for its officers, and for the authorities whose licences
    /// they are.
    pub async fn allowances(
        &self,
        caller: &Caller,
        post: &str,
        after: i64,
        limit: u16,
    ) -> Result<Paged<AllowanceReply>, Error> {
        let post = post_of(post)?;
        let state = match caller.role {
            Role::Officer if caller.works_at(post) => None,
            Role::Authority => Some(caller.state.to_string()),
            Role::Officer | Role::Carrier | Role::Auditor | Role::Admin | Role::Register => {
                return Ok((Vec::new(), None));
            }
        };
        let page = move |db: &mut Db| {
            let most = i64::from(limit) + 1;
            let rows = storage::allowances::page(db, post.as_str(), state.as_deref(), after, most)?;
            let (rows, next) = cut(rows, limit, |(number, _)| *number);
            let replies: Vec<AllowanceReply> =
                rows.iter().map(|(_, row)| reply(db, row)).collect::<Result<_, Error>>()?;
            Ok::<_, Error>((replies, next))
        };
        self.readers.read(page).await
    }
}
