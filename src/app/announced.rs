//! Announced goods and their carrier: reading, withdrawing, and what lapses when nobody comes.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::history::Paged;
use super::history::cut;
use super::judge;
use super::judge::json;
use super::notice;
use super::preclear::carrier;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::reservation;
use super::reservation::Act;
use super::reservation::End;
use crate::domain::Text;
use crate::domain::event::EventKind;
use crate::domain::short_code::ShortCode;
use crate::storage;
use crate::storage::Db;
use crate::storage::preclearances::PreclearanceRow;
use crate::wire::preclearance::PreclearanceReply;
use crate::wire::preclearance::QrReply;
use crate::wire::preclearance::ReservationReply;
use crate::wire::preclearance::Told;
use crate::wire::preclearance::qr_png;
use crate::wire::preclearance::qr_svg;
use crate::wire::verification::instant;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// Pre-clearances freed at one turn of the worker; the next turn goes on.
const LAPSES_MAX: i64 = 500;

/// What is kept of a pre-clearance beside its columns.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The declaration's reference as lodged.
    pub declaration: String,
    /// `mrn`, `ucr` or `national`.
    pub reference_kind: String,
    /// What its events belong to.
    pub consignment: String,
    /// The consignment's reference, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    /// The carrier declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The States that it concerns.
    pub states: Vec<String>,
    /// What the carrier was told.
    pub told: Told,
}

impl Kept {
    /// Reads it.
    pub(super) fn of(row: &PreclearanceRow) -> Result<Self, Error> {
        serde_json::from_str(&row.kept)
            .map_err(|error| Error::Internal(format!("a kept pre-clearance: {error}")))
    }
}

/// A code as it is shown.
pub(super) fn shown(code: &str) -> Result<ShortCode, Error> {
    ShortCode::parse(code).ok_or_else(|| Error::Internal("a stored code does not read".to_owned()))
}

/// A pre-clearance as its carrier sees it.
pub(super) fn reply(row: &PreclearanceRow, with_qr: bool) -> Result<PreclearanceReply, Error> {
    let Kept { declaration, told, .. } = Kept::of(row)?;
    let unpictured = |errors| Error::Internal(format!("a code cannot be drawn: {errors:?}"));
    let qr = if with_qr {
        let png = STANDARD.encode(qr_png(&row.code).map_err(unpictured)?);
        let svg = qr_svg(&row.code).map_err(unpictured)?;
        Some(QrReply { svg, png: format!("data:image/png;base64,{png}") })
    } else {
        None
    };
    Ok(PreclearanceReply {
        id: uuid(&row.id)?.to_string(),
        code: shown(&row.code)?.to_string(),
        status: row.status.clone(),
        verdict: told.verdict,
        declaration,
        border_post: row.border_post.clone(),
        items: told.items,
        findings: told.findings,
        reservation: ReservationReply { status: row.reservation.clone(), reason: told.not_held },
        lodged_at: instant(timestamp(row.lodged_us)?),
        expires_at: instant(timestamp(row.expires_us)?),
        changed_at: instant(timestamp(row.changed_us)?),
        qr,
        audit: None,
    })
}

/// Names a pre-clearance with its declaration's reference, under which others may end it too.
pub(super) fn name(row: &PreclearanceRow, claims: &mut Claims) -> Result<(), Error> {
    let kept = Kept::of(row)?;
    claims.name("preclearance", &row.id);
    claims.name(&kept.reference_kind, kept.declaration.as_bytes());
    Ok(())
}

/// Names a pre-clearance with the licences of which it holds something.
pub(super) fn claim(db: &mut Db, id: &[u8], claims: &mut Claims) -> Result<(), Stop> {
    if let Some(row) = storage::preclearances::read(db, id)? {
        name(&row, claims)?;
    }
    for held in storage::preclearances::held(db, id)? {
        claims.licence(&Text::from(held.licence));
    }
    Ok(())
}

fn is_of(caller: &Caller, row: &PreclearanceRow) -> bool {
    row.issuer == caller.issuer.as_str()
        && caller.operator.as_deref().is_some_and(|operator| operator == row.operator)
}

struct Withdraw {
    id: Uuid,
    reason: Option<Text>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Withdraw {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claim(db, self.id.as_bytes(), claims)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::preclearances::read(batch.db, self.id.as_bytes())?;
        let mut row = row.filter(|row| is_of(&self.caller, row)).ok_or(Error::NotFound)?;
        if !matches!(row.status.as_str(), "lodged" | "presented") {
            let words =
                format!("the pre-clearance is {}, and can no longer be withdrawn", row.status);
            return Err(Error::Stale(words).into());
        }
        let reserved = reservation::read(batch, &row)?;
        "withdrawn".clone_into(&mut row.status);
        reservation::give_back(batch, &mut row, &reserved, End::Withdrawn, None)?;
        storage::preclearances::update(batch.db, &row)?;
        let act = Act {
            kind: "preclearance_withdrawn",
            caller: Some(&self.caller),
            reason: self.reason.as_deref(),
        };
        let index = reservation::enter(batch, &row, &act, reserved)?;
        let reply = judge::with_audit(&json(&reply(&row, false)?)?, batch.log().0, index);
        Ok(Recorded { outcome: Done::Done, reply, version: None })
    }
}

/// The end of the time for presentation. Whatever node comes first frees what is held; for the others
/// nothing is due any more.
struct Lapse {
    id: Vec<u8>,
}

impl Command for Lapse {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claim(db, &self.id, claims)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::preclearances::read(batch.db, &self.id)?;
        let now_us = batch.now.as_microsecond();
        let is_due = |row: &PreclearanceRow| row.due_us.is_some_and(|due_us| due_us <= now_us);
        let nothing = || Recorded { outcome: Done::Done, reply: String::new(), version: None };
        let Some(mut row) = row.filter(is_due) else { return Ok(nothing()) };
        let reserved = reservation::read(batch, &row)?;
        if row.status == "lodged" {
            "lapsed".clone_into(&mut row.status);
        }
        reservation::give_back(batch, &mut row, &reserved, End::Lapsed, None)?;
        storage::preclearances::update(batch.db, &row)?;
        let act = Act { kind: "preclearance_lapsed", caller: None, reason: None };
        if !reserved.is_empty() {
            notice::lapsed(batch, &row)?;
        }
        reservation::enter(batch, &row, &act, reserved)?;
        notice::tell(batch, EventKind::PreclearanceLapsed, &row)?;
        Ok(nothing())
    }
}

impl App {
    /// Frees what is held for goods that nobody has presented in time; says how many pre-clearances
    /// have lapsed.
    pub async fn lapse_due(&self) -> Result<usize, Error> {
        let now_us = self.clock.now().as_microsecond();
        let due = move |db: &mut Db| storage::preclearances::due(db, now_us, LAPSES_MAX);
        let due = self.readers.read(due).await?;
        let count = due.len();
        for id in due {
            self.recorder.submit(Box::new(Lapse { id })).await?;
        }
        Ok(count)
    }

    /// Withdraws what the carrier has lodged; what was held is available again.
    pub async fn withdraw(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: Option<Text>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        self.recorder.submit(Box::new(Withdraw { id, reason, caller: caller.clone(), once })).await
    }

    async fn own_preclearance(&self, caller: &Caller, id: Uuid) -> Result<PreclearanceRow, Error> {
        let read = move |db: &mut Db| storage::preclearances::read(db, id.as_bytes());
        let row = self.readers.read(read).await?;
        row.filter(|row| is_of(caller, row)).ok_or(Error::NotFound)
    }

    /// One of the carrier's own pre-clearances.
    pub async fn preclearance(
        &self,
        caller: &Caller,
        id: Uuid,
    ) -> Result<PreclearanceReply, Error> {
        reply(&self.own_preclearance(caller, id).await?, true)
    }

    /// The code of one of the carrier's own pre-clearances, as it stands in a QR code.
    pub async fn code(&self, caller: &Caller, id: Uuid) -> Result<String, Error> {
        Ok(self.own_preclearance(caller, id).await?.code)
    }

    /// A page of the carrier's own pre-clearances, in the order of lodging.
    pub async fn preclearances(
        &self,
        caller: &Caller,
        after: i64,
        limit: u16,
    ) -> Result<Paged<PreclearanceReply>, Error> {
        let (issuer, operator) = carrier(caller)?;
        let (issuer, operator) = (issuer.to_owned(), operator.to_owned());
        let most = i64::from(limit) + 1;
        let page =
            move |db: &mut Db| storage::preclearances::page(db, (&issuer, &operator), after, most);
        let (rows, next) = cut(self.readers.read(page).await?, limit, |(number, _)| *number);
        Ok((rows.iter().map(|(_, row)| reply(row, false)).collect::<Result<_, _>>()?, next))
    }
}
