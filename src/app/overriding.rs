//! Release against the advice (Implementing Regulation 2024/2145, article 8): one officer asks and says
//! why, another of the same post confirms. It answers for exactly the findings that were there when it
//! was asked for, draws what the licences have left, and the authorities that issued them are told of both acts.
use super::App;
use super::Caller;
use super::Error;
use super::again::Own;
use super::again::facts_on_rows;
use super::again::judged;
use super::again::refused;
use super::batch::Batch;
use super::cases;
use super::claims::Claims;
use super::draws::Drawing;
use super::draws::Goes;
use super::draws::drawings_as_far_as_they_go;
use super::draws::move_draws;
use super::draws::serial_uses;
use super::foreign::Foreign;
use super::foreign::Recent;
use super::judge::Presented;
use super::judge::json;
use super::notice;
use super::notice::OverrideStep;
use super::presentation;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::Act;
use super::release::enter;
use super::release::outward;
use super::release::timestamp;
use crate::domain::Text;
use crate::domain::alert::Outcome as End;
use crate::rules::Case;
use crate::rules::Code;
use crate::rules::Outcome;
use crate::rules::case::Facts;
use crate::rules::cover;
use crate::rules::overriding::overridden;
use crate::storage;
use crate::storage::Db;
use crate::storage::overrides::OverrideRow;
use crate::storage::releases::ReleaseRow;
use crate::wire::release::BeyondReply;
use crate::wire::release::OverrideReply;
use crate::wire::verification::instant;
use std::sync::Arc;
use uuid::Uuid;

/// Overrides that expire at one turn of the worker; the next turn goes on.
const EXPIRIES_MAX: i64 = 500;

/// What a look on the rows says of a release against the advice.
pub(super) enum Look {
    /// It clears, and nothing has to be overridden: what goes with it.
    Clears(Goes),
    /// There is what no override answers for; that is recorded.
    Never(Box<Recorded>),
    /// It would answer for these codes, on these facts; that is recorded.
    Against(Vec<Code>, Box<Facts>),
}

/// Judges goods that are to be released although they may not clear.
pub(super) fn look(
    batch: &mut Batch<'_>,
    presented: &Presented,
    caller: &Caller,
    own: Own<'_>,
) -> Result<Look, Stop> {
    let facts = facts_on_rows(batch, presented, caller.state, own)?;
    let lists = Arc::clone(&batch.lists);
    let case = Case::new(&presented.declaration, &facts, &lists, batch.now);
    let verdict = crate::rules::evaluate(&case);
    if verdict.outcome == Outcome::Clear {
        return Ok(Look::Clears(Goes::of(&case)?));
    }
    match overridden(&verdict.findings) {
        None => {
            let recorded = refused(batch, presented, caller, &facts, verdict)?;
            Ok(Look::Never(Box::new(recorded)))
        }
        Some(codes) => {
            judged(batch, "override_judged", presented, caller, &facts, verdict)?;
            Ok(Look::Against(codes, Box::new(facts)))
        }
    }
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub reason: &'a str,
    pub codes: &'a [Code],
    pub facts: &'a Facts,
    pub due_us: i64,
}

/// Writes down that an officer asks for a release against the advice; nothing is drawn, and the authorities
/// know of it while it can still be refused.
pub(super) fn ask(
    batch: &mut Batch<'_>,
    row: &ReleaseRow,
    presented: &Presented,
    caller: &Caller,
    asked: &Asked<'_>,
) -> Result<Recorded, Stop> {
    let codes: Vec<&str> = asked.codes.iter().map(|code| code.as_str()).collect();
    let against = OverrideRow {
        release_id: row.id.clone(),
        reason: asked.reason.to_owned(),
        codes: json(&codes)?,
        caller: caller.key(),
        due_us: asked.due_us,
        beyond: "[]".to_owned(),
        confirmed_by: None,
        confirmed_us: None,
    };
    batch.insert_release(row)?;
    storage::overrides::insert(batch.db, &against)?;
    let act = Act {
        kind: "override_requested",
        row,
        declaration: &presented.declaration,
        caller,
        reason: Some(asked.reason),
        outcome: Done::Created,
        against: Some(&reply(&against)?),
        joined: None,
    };
    let recorded = enter(batch, &act, &[])?;
    notice::overridden(batch, row, presented, asked.facts, (asked.codes, OverrideStep::Requested))?;
    Ok(recorded)
}

/// An override as it is answered.
pub(super) fn reply(row: &OverrideRow) -> Result<OverrideReply, Error> {
    let broken = |error: serde_json::Error| Error::Internal(format!("a kept override: {error}"));
    Ok(OverrideReply {
        reason: row.reason.clone(),
        codes: serde_json::from_str(&row.codes).map_err(broken)?,
        confirm_by: instant(timestamp(row.due_us)?),
        confirmed_at: row.confirmed_us.map(timestamp).transpose()?.map(instant),
        beyond: serde_json::from_str(&row.beyond).map_err(broken)?,
    })
}

struct Confirm {
    id: Uuid,
    note: Option<Text>,
    caller: Caller,
    /// What other States' registers have said just before.
    foreign: Arc<[Foreign]>,
    once: Once,
}

/// Names a release with everything that its declaration rests on.
fn claim(db: &mut Db, id: Uuid, claims: &mut Claims) -> Result<(), Stop> {
    claims.name("release", id.as_bytes());
    if let Some(row) = storage::releases::read(db, id)? {
        let presented = declared(&row)?;
        let state = super::timeline::country(&row.state)?;
        claims.case(cases::goods(state, &presented));
        claims.case(cases::request(&row.id));
        let declaration = presented.declaration;
        claims.declaration(&declaration);
        super::returns::claim(db, &declaration, claims)?;
        let announced = storage::preclearances::of_verification(db, &row.verification_id)?;
        presentation::claim(db, announced.as_deref(), claims)?;
    }
    Ok(())
}

fn declared(row: &ReleaseRow) -> Result<Presented, Error> {
    Presented::read(row.declaration.clone(), "")
        .map_err(|error| Error::Internal(format!("a release's declaration does not read: {error}")))
}

/// Who it is, without the issuer that says so.
pub(super) fn subject(caller: &str) -> &str {
    caller.split_once('#').map_or(caller, |(_, subject)| subject)
}

/// The same person under another issuer is the same person.
pub(super) fn is_same_person(caller: &Caller, asked: &str) -> bool {
    caller.key() == asked || caller.subject.as_str() == subject(asked)
}

impl Command for Confirm {
    fn once(&self) -> Option<&Once> {
        Some(&self.once)
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        super::foreign::claim(&self.foreign, claims);
        claim(db, self.id, claims)
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let (row, against) = self.waiting(batch)?;
        let mut presented = declared(&row)?;
        presented.foreign = Arc::clone(&self.foreign);
        let announced = storage::preclearances::of_verification(batch.db, &row.verification_id)?;
        let (under, state) = (announced.as_deref(), self.caller.state);
        let held = presentation::read(batch, under, &presented, state)?;
        let facts = facts_on_rows(batch, &presented, state, held.own())?;
        let lists = Arc::clone(&batch.lists);
        let case = Case::new(&presented.declaration, &facts, &lists, batch.now);
        let verdict = crate::rules::evaluate(&case);
        let answered: Vec<String> = reply(&against)?.codes;
        let codes = overridden(&verdict.findings)
            .filter(|codes| codes.iter().all(|code| answered.iter().any(|a| a == code.as_str())));
        let Some(codes) = codes else {
            return refused(batch, &presented, &self.caller, &facts, verdict);
        };
        let (drawings, beyond) = drawings_as_far_as_they_go(&case)?;
        judged(batch, "override_judged", &presented, &self.caller, &facts, verdict)?;
        held.take_over(batch, &row.id, &self.caller)?;
        self.release(batch, row, against, &presented, &facts, &codes, &drawings, &beyond)
    }
}

impl Confirm {
    /// The override, where this officer may confirm it.
    fn waiting(&self, batch: &mut Batch<'_>) -> Result<(ReleaseRow, OverrideRow), Stop> {
        let row = storage::releases::read(batch.db, self.id)?
            .filter(|row| row.state == self.caller.state.as_str());
        let row = row.ok_or(Error::NotFound)?;
        if !self.caller.posts.iter().any(|post| post.as_str() == row.border_post) {
            return Err(Error::Forbidden("your token is not for the post of this release").into());
        }
        let against = storage::overrides::read(batch.db, &row.id)?;
        let Some(against) = against.filter(|_| row.status == "pending") else {
            let words = format!("the release is {}: there is nothing to confirm", row.status);
            return Err(Error::Stale(words).into());
        };
        if against.due_us <= batch.now.as_microsecond() {
            return Err(Error::Stale("nobody confirmed the override in time".to_owned()).into());
        }
        if is_same_person(&self.caller, &against.caller) {
            return Err(Error::Forbidden("who asked for an override cannot confirm it").into());
        }
        Ok((row, against))
    }

    #[expect(clippy::too_many_arguments, reason = "everything that the confirmation has decided")]
    fn release(
        &self,
        batch: &mut Batch<'_>,
        mut row: ReleaseRow,
        mut against: OverrideRow,
        presented: &Presented,
        facts: &Facts,
        codes: &[Code],
        drawings: &[Drawing],
        beyond: &[BeyondReply],
    ) -> Result<Recorded, Stop> {
        "released".clone_into(&mut row.status);
        row.version += 1;
        // It was asked for before; released it is now, and from now on its periods run.
        row.at_us = batch.now.as_microsecond();
        row.outward = outward(batch, &presented.declaration)?;
        let moves = move_draws(batch, &row, "override", &[], (drawings, &facts.prior_uses))?;
        storage::releases::replace(batch.db, &row, &moves)?;
        batch.insert_serials(serial_uses(&row, &presented.declaration, drawings))?;
        let lists = Arc::clone(&batch.lists);
        let case = Case::new(&presented.declaration, facts, &lists, batch.now);
        batch.cover(&row, &cover::of_goods(&case))?;
        against.beyond = json(&beyond)?;
        against.confirmed_by = Some(self.caller.key());
        against.confirmed_us = Some(batch.now.as_microsecond());
        storage::overrides::confirm(batch.db, &against)?;
        super::due::released(batch, &row, &presented.declaration, self.caller.state)?;
        let act = Act {
            kind: "override_confirmed",
            row: &row,
            declaration: &presented.declaration,
            caller: &self.caller,
            reason: self.note.as_deref(),
            outcome: Done::Done,
            against: Some(&reply(&against)?),
            joined: None,
        };
        let recorded = enter(batch, &act, drawings)?;
        for subject in [cases::goods(self.caller.state, presented), cases::request(&row.id)] {
            cases::end(batch, &subject, &self.caller, End::ReleasedAfterCheck)?;
        }
        notice::overridden(batch, &row, presented, facts, (codes, OverrideStep::Confirmed))?;
        Ok(recorded)
    }
}

/// The end of the time in which an override may be confirmed.
struct Expire {
    id: Vec<u8>,
}

impl Command for Expire {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("release", &self.id);
        claims.case(cases::request(&self.id));
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let nothing = || Recorded { outcome: Done::Done, reply: String::new(), version: None };
        let row = storage::releases::read(batch.db, super::release::uuid(&self.id)?)?;
        let against = storage::overrides::read(batch.db, &self.id)?;
        let Some((mut row, against)) = row.zip(against) else { return Ok(nothing()) };
        if row.status != "pending" || against.due_us > batch.now.as_microsecond() {
            return Ok(nothing());
        }
        "expired".clone_into(&mut row.status);
        row.version += 1;
        storage::releases::replace(batch.db, &row, &[])?;
        let presented = declared(&row)?;
        let service = Caller::service(super::timeline::country(&row.state)?);
        let act = Act {
            kind: "override_expired",
            row: &row,
            declaration: &presented.declaration,
            caller: &service,
            reason: None,
            outcome: Done::Done,
            against: Some(&reply(&against)?),
            joined: None,
        };
        let recorded = enter(batch, &act, &[])?;
        cases::end(batch, &cases::request(&row.id), &service, End::Refused)?;
        Ok(recorded)
    }
}

impl App {
    /// Confirms, as a second officer, a release that another has asked for against the advice.
    pub async fn confirm_override(
        &self,
        caller: &Caller,
        id: Uuid,
        note: Option<Text>,
        once: Once,
    ) -> Result<Recorded, Error> {
        let read = move |db: &mut Db| storage::releases::read(db, id);
        let row = self.readers.read(read).await?;
        let foreign = match row.filter(|row| row.state == caller.state.as_str()) {
            Some(row) => self.with_registers(declared(&row)?, Recent::Now).await?.foreign,
            None => Arc::default(),
        };
        let command = Confirm { id, note, caller: caller.clone(), foreign, once };
        self.recorder.submit(Box::new(command)).await
    }

    /// Ends overrides that nobody has confirmed in time; says how many.
    pub async fn expire_overrides(&self) -> Result<usize, Error> {
        let now_us = self.clock.now().as_microsecond();
        let due = move |db: &mut Db| storage::overrides::due(db, now_us, EXPIRIES_MAX);
        let due = self.readers.read(due).await?;
        let count = due.len();
        for id in due {
            self.recorder.submit(Box::new(Expire { id })).await?;
        }
        Ok(count)
    }
}
