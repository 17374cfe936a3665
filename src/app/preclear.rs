//! Pre-clearance: a carrier's check ahead of arrival. It is judged by the same rules, draws nothing, and
//! may hold what the goods will draw where the licence or its holder names the carrier. A carrier learns
//! codes and its own words; who tries out licences is slowed down and reported.
use super::App;
use super::Caller;
use super::Error;
use super::again::Own;
use super::again::facts_on_rows;
use super::announced::Kept;
use super::batch::Batch;
use super::claims::Claims;
use super::draws::drawings;
use super::foreign::Recent;
use super::judge;
use super::judge::Judged;
use super::judge::Presented;
use super::judge::Question;
use super::judge::json;
use super::lodgings::may_lodge;
use super::notice;
use super::record::issuing_states;
use super::record::states_of;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::reservation;
use super::timeline;
use super::told;
use super::verify::record;
use crate::config;
use crate::domain::Country;
use crate::domain::Timestamp;
use crate::domain::event::EventKind;
use crate::domain::licence::Licence;
use crate::domain::lists::Lists;
use crate::domain::short_code::ShortCode;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::Severity;
use crate::rules::Verdict;
use crate::rules::case::Facts;
use crate::storage;
use crate::storage::Db;
use crate::storage::preclearances::AnnouncedRow;
use crate::storage::preclearances::HeldRow;
use crate::storage::preclearances::PreclearanceRow;
use crate::wire::FieldError;
use crate::wire::preclearance::Told;
use crate::wire::preclearance::told as told_of;
use jiff::ToSpan;
use std::sync::Arc;

/// Days within which goods are presented that a carrier has announced (UCC 171).
const PRESENTATION_DAYS: u16 = 30;

/// The carrier that a caller speaks for: its issuer and its number.
pub(super) fn carrier(caller: &Caller) -> Result<(&str, &str), Error> {
    let operator = caller.operator.as_deref();
    let operator = operator.ok_or(Error::Forbidden("your token names no operator"))?;
    Ok((caller.issuer.as_str(), operator))
}

/// A judgement on announced goods.
struct Judgement {
    judged: Judged,
    told: Told,
    /// Whether the carrier named what is not there or does not fit.
    missed: bool,
    /// The States that issued the licences quoted.
    issuing: Vec<Country>,
}

/// A pre-clearance to be lodged: judged already, unless it is to hold quantities and is judged on the
/// rows.
struct Lodge {
    presented: Arc<Presented>,
    judged: Option<Judgement>,
    state: Country,
    limits: config::Preclearance,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Lodge {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        let (issuer, operator) = carrier(&self.caller)?;
        claims.name("carrier", format!("{issuer}\n{operator}").as_bytes());
        if self.judged.is_none() {
            claims.declaration(&self.presented.declaration);
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let misses = may_lodge(batch.db, &self.caller, &self.limits, batch.now)?;
        match &self.judged {
            Some(judgement) => self.write(batch, judgement, misses, &[]),
            None => self.decide_on_rows(batch, misses),
        }
    }
}

impl Lodge {
    /// Judges on the rows and holds what the goods would draw, where they clear and the carrier may.
    fn decide_on_rows(&self, batch: &mut Batch<'_>, misses: i64) -> Result<Recorded, Stop> {
        // What is held for the goods already is theirs, and is not held once more.
        let earlier = reservation::for_goods(batch.db, &self.presented, self.state)?.own;
        let reserved = reservation::all_of(&earlier);
        let own = Own { reserved: &reserved, ..Own::default() };
        let mut facts = facts_on_rows(batch, &self.presented, self.state, own)?;
        facts.is_announced = true;
        let lists = Arc::clone(&batch.lists);
        let question = Question {
            kind: "preclearance",
            preclearance: None,
            state: self.state,
            id: batch.ids.uuid(batch.now),
            nonce: batch.ids.nonce(),
            now: batch.now,
            caller: &self.caller,
            presented: &self.presented,
            facts: &facts,
            lists: &lists,
        };
        let case = Case::new(&self.presented.declaration, &facts, &lists, batch.now);
        let verdict = crate::rules::evaluate(&case);
        let mut told = self.told(&verdict);
        let missed = is_miss(&verdict);
        let mut held = Vec::new();
        told.not_held = match verdict.outcome {
            Outcome::Refer | Outcome::Hold => Some("not_clear".to_owned()),
            Outcome::Clear if !self.may_reserve(&case)? => Some("not_authorised".to_owned()),
            Outcome::Clear if !earlier.is_empty() => Some("already_held".to_owned()),
            Outcome::Clear => {
                let drawings = drawings(&case)?;
                held = reservation::hold(batch, question.id.as_bytes(), &drawings)?;
                held.is_empty().then(|| "nothing_to_hold".to_owned())
            }
        };
        let judged = judge::write_down(&question, verdict)?;
        let issuing = issuing_states(&facts).collect();
        self.write(batch, &Judgement { judged, told, missed, issuing }, misses, &held)
    }

    fn told(&self, verdict: &Verdict) -> Told {
        told_of(verdict, &self.presented.declaration, &self.presented.json)
    }

    /// Whether the carrier is named by every licence that the goods would draw, or by its holder, and
    /// carries them itself; and whether one of the States concerned vouches for who it is.
    fn may_reserve(&self, case: &Case<'_>) -> Result<bool, Error> {
        let (_, operator) = carrier(&self.caller)?;
        let declared = self.presented.declaration.carrier.as_ref();
        let carries = declared.is_some_and(|carrier| carrier.party.id.as_str() == operator);
        let named = case.held().filter(|held| case.draws(&held.licence)).all(|held| {
            held.licence.may_be_reserved_by(operator) && self.is_known_to(&held.licence)
        });
        Ok(carries && named)
    }

    fn is_known_to(&self, licence: &Licence) -> bool {
        let ends = [licence.issuing_state, licence.country_of_export, licence.country_of_import];
        self.caller.state == self.state || ends.contains(&self.caller.state)
    }

    fn write(
        &self,
        batch: &mut Batch<'_>,
        judgement: &Judgement,
        misses: i64,
        held: &[HeldRow],
    ) -> Result<Recorded, Stop> {
        let row = self.row(batch, judgement, !held.is_empty())?;
        storage::preclearances::insert(batch.db, &row, &self.announced(&row), held)?;
        record(&judgement.judged, batch)?;
        let (kind, held) = ("preclearance_lodged", reservation::held(batch.db, &row)?);
        let act = reservation::Act { kind, caller: Some(&self.caller), reason: None };
        let index = reservation::enter(batch, &row, &act, held)?;
        if judgement.missed && misses + 1 >= i64::from(self.limits.misses_per_hour_max) {
            notice::probing(batch, &row, &judgement.issuing)?;
        }
        notice::tell(batch, EventKind::PreclearanceMade, &row)?;
        let reply = super::announced::reply(&row, true)?;
        let reply = judge::with_audit(&json(&reply)?, batch.log().0, index);
        Ok(Recorded { outcome: Done::Created, reply, version: None })
    }

    fn announced(&self, row: &PreclearanceRow) -> AnnouncedRow {
        let declaration = &self.presented.declaration;
        AnnouncedRow {
            preclearance_id: row.id.clone(),
            reference_kind: declaration.reference.kind.as_str().to_owned(),
            reference: declaration.reference.value.to_string(),
            content_sha256: self.presented.sha256().to_vec(),
            ucr: declaration.consignment().map(ToString::to_string),
        }
    }

    fn row(
        &self,
        batch: &mut Batch<'_>,
        judgement: &Judgement,
        is_held: bool,
    ) -> Result<PreclearanceRow, Stop> {
        let (issuer, operator) = carrier(&self.caller)?;
        let declaration = &self.presented.declaration;
        let expires_us =
            expires(&batch.lists, declaration.border_post, self.state, batch.now).as_microsecond();
        let lodged_us = batch.now.as_microsecond();
        Ok(PreclearanceRow {
            id: judgement.judged.id.as_bytes().to_vec(),
            code: fresh_code(batch)?.as_str().to_owned(),
            issuer: issuer.to_owned(),
            operator: operator.to_owned(),
            state: self.state.to_string(),
            border_post: declaration.border_post.to_string(),
            status: "lodged".to_owned(),
            reservation: if is_held { "held" } else { "none" }.to_owned(),
            missed: i64::from(judgement.missed),
            kept: json(&Kept {
                declaration: declaration.reference.value.to_string(),
                reference_kind: declaration.reference.kind.as_str().to_owned(),
                consignment: told::consignment(declaration),
                ucr: declaration.consignment().map(ToString::to_string),
                carrier: timeline::carrier(declaration),
                states: states_of(declaration, [self.state]),
                told: judgement.told.clone(),
            })?,
            lodged_us,
            expires_us,
            due_us: Some(expires_us),
            changed_us: lodged_us,
            release_id: None,
        })
    }
}

/// A code that no other pre-clearance has.
fn fresh_code(batch: &mut Batch<'_>) -> Result<ShortCode, Stop> {
    loop {
        let code = ShortCode::from_random(batch.ids.nonce());
        if storage::preclearances::by_code(batch.db, code.as_str())?.is_none() {
            return Ok(code);
        }
    }
}

/// Whether a verdict tells a carrier that it named something that is not there or does not fit.
fn is_miss(verdict: &Verdict) -> bool {
    let tells = |found: &crate::rules::Finding| found.licence.is_some();
    verdict.findings.iter().any(|found| found.severity > Severity::Inform && tells(found))
}

/// The instant at which the time for presentation ends: with the last hour of the last day at the
/// post, which is a working day there (Regulation 1182/71, article 3).
fn expires(
    lists: &Lists,
    post: crate::domain::Locode,
    state: Country,
    now: Timestamp,
) -> Timestamp {
    let zone = lists.posts.get(&post).map_or(jiff::tz::TimeZone::UTC, |post| post.zone.clone());
    let lodged = zone.to_datetime(now).date();
    let last = lists.holidays.days_after(state, lodged, PRESENTATION_DAYS);
    let end = zone.to_timestamp(last.saturating_add(1.day()).at(0, 0, 0, 0));
    end.unwrap_or(Timestamp::MAX)
}

/// A carrier pre-clears what it carries or declares itself.
fn is_own(caller: &Caller, presented: &Presented) -> Result<(), Error> {
    let (_, operator) = carrier(caller)?;
    let declaration = &presented.declaration;
    let carries = declaration.carrier.as_ref().map(|carrier| &carrier.party);
    let named = [carries, declaration.declarant.as_ref()];
    if named.into_iter().flatten().any(|party| party.id.as_str() == operator) {
        return Ok(());
    }
    Err(Error::Invalid(vec![FieldError::new(
        "/declaration/carrier/id",
        "not_your_shipment",
        format!("you are {operator}: neither the carrier nor the declarant"),
    )]))
}

impl App {
    /// Pre-clears a declaration for a carrier, and holds the quantities where that is asked for.
    pub async fn preclear(
        &self,
        caller: &Caller,
        declaration: String,
        reserve: bool,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let presented = Presented::read(declaration, "/declaration")?;
        is_own(caller, &presented)?;
        let recent = if reserve { Recent::Now } else { Recent::Kept };
        let presented = Arc::new(self.with_registers(presented, recent).await?);
        let lists = Arc::clone(&self.lists.read());
        let state = state_of_post(&lists, &presented)?;
        let now = self.clock.now();
        // Decided again when it is recorded; asked here so that nothing is judged for who must wait.
        let (asking, limits) = (caller.clone(), self.config.preclearance.clone());
        let may = self.readers.read(move |db| may_lodge(db, &asking, &limits, now)).await;
        if let Err(Error::Stale(words)) = may {
            return self.refused(words, once).await;
        }
        may?;
        let judged = if reserve {
            None
        } else {
            let mut facts = self.facts(&presented, state, now).await;
            self.leave_out_own(&mut facts, &presented, state, None).await;
            facts.is_announced = true;
            Some(self.judge_announced(caller, &presented, state, &facts, &lists, now)?)
        };
        let command = Lodge {
            presented,
            judged,
            state,
            limits: self.config.preclearance.clone(),
            caller: caller.clone(),
            once,
        };
        self.recorder.submit(Box::new(command)).await
    }

    fn judge_announced(
        &self,
        caller: &Caller,
        presented: &Presented,
        state: Country,
        facts: &Facts,
        lists: &Lists,
        now: Timestamp,
    ) -> Result<Judgement, Error> {
        let judged = judge::judge(&Question {
            kind: "preclearance",
            preclearance: None,
            state,
            id: self.ids.uuid(now),
            nonce: self.ids.nonce(),
            now,
            caller,
            presented,
            facts,
            lists,
        })?;
        let told = told_of(&judged.verdict, &presented.declaration, &presented.json);
        let missed = is_miss(&judged.verdict);
        Ok(Judgement { judged, told, missed, issuing: issuing_states(facts).collect() })
    }
}

/// The State of the post at which goods are announced.
fn state_of_post(lists: &Lists, presented: &Presented) -> Result<Country, Error> {
    let post = presented.declaration.border_post;
    let registered = lists.posts.get(&post).map(|post| post.country);
    registered.or_else(|| post.country()).ok_or_else(|| {
        let detail = format!("{post} is in no State that is known here");
        Error::Invalid(vec![FieldError::new("/declaration/border_post", "no_such_post", detail)])
    })
}
