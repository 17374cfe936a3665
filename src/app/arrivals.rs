//! Arrivals: the importing post records what it found, in parts if need be; it is compared with what
//! left, and what does not agree is put before both sides. An arrival draws no licence.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::crossings::check_time;
use super::crossings::comes_before;
use super::journey;
use super::journey::Released;
use super::journey::raise_deviation;
use super::judge;
use super::receipts;
use super::receipts::Taking;
use super::reconcile;
use super::reconcile::as_crossing;
use super::reconcile::mismatch;
use super::reconcile::words;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::uuid;
use super::timeline;
use super::timeline::country;
use super::timeline::invalid;
use super::timeline::states_in;
use super::timeline::with_state;
use crate::audit::entry::salted;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::rules;
use crate::rules::receipt::Lot;
use crate::rules::receipt::Tally;
use crate::rules::receipt::Turnout;
use crate::rules::receipt::compare;
use crate::rules::receipt::take;
use crate::storage;
use crate::storage::Db;
use crate::storage::arrivals::ArrivalRow;
use crate::storage::consignments::EventRow;
use crate::storage::receipts::ReceiptRow;
use crate::storage::trails::SerialEventRow;
use crate::wire::arrival::Arrival;
use crate::wire::arrival::ArrivalReply;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use serde::Serialize;
use serde_json::json;

/// Most receipts that an audit entry lists.
const LISTED_MAX: usize = 40;

#[derive(Serialize)]
struct ArrivalEntry<'a> {
    arrival: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ucr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    border_post: &'a str,
    happened_at: String,
    #[serde(rename = "final")]
    is_final: bool,
    result: &'a str,
    receipts: Vec<(String, String)>,
    content_sha256: String,
    firearms_sha256: String,
    actor: Actor,
    states: &'a [String],
}

struct Arrive {
    arrival: Arrival,
    request: String,
    caller: Caller,
    once: Option<Once>,
}

/// What left for the caller's State under the reference, each with its receipt.
struct Pool {
    ucr: Option<String>,
    /// Everything that stands under the consignment's reference.
    all: Vec<Released>,
    lots: Vec<(Released, ReceiptRow)>,
    /// What was released only after the arrival, and cannot have come with it.
    later: Vec<Released>,
}

impl Command for Arrive {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        let pool = self.pool(db)?;
        if let Some(ucr) = &pool.ucr {
            claims.name("consignment", ucr.as_bytes());
        }
        for (release, receipt) in &pool.lots {
            claims.name("release", &release.row.id);
            claims.name("receipt", &receipt.id);
            claims.name("deadline", uuid(&release.row.id)?.to_string().as_bytes());
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let pool = self.pool(batch.db)?;
        let earliest = pool.later.iter().min_by_key(|release| release.row.at_us);
        let earliest = earliest.filter(|_| pool.lots.is_empty());
        check_time("/arrived_at", self.arrival.at, batch.now, earliest)?;
        let tallies: Vec<Tally> =
            pool.lots.iter().map(|(_, row)| receipts::tally(row)).collect::<Result<_, _>>()?;
        let mut lots: Vec<Lot<'_>> = pool
            .lots
            .iter()
            .zip(tallies)
            .map(|((release, _), tally)| Lot { left: &release.declaration.items, tally })
            .collect();
        take(&mut lots, &self.arrival.items);
        for lot in &mut lots {
            lot.tally.closed |= self.arrival.is_final;
        }
        let mut after: Vec<ReceiptRow> = pool.lots.iter().map(|(_, row)| row.clone()).collect();
        for (row, lot) in after.iter_mut().zip(&lots) {
            row.tally = judge::json(&lot.tally)?;
            let turnout = compare(lot).0;
            turnout.as_str().clone_into(&mut row.result);
            if row.status != "confirmed" && (lot.tally.closed || turnout == Turnout::Complete) {
                "answered".clone_into(&mut row.status);
            }
        }
        self.record(batch, &pool, &lots, after)
    }
}

impl Arrive {
    fn pool(&self, db: &mut Db) -> Result<Pool, Error> {
        let mut all = match (&self.arrival.ucr, &self.arrival.reference) {
            (Some(ucr), _) => journey::releases(db, ucr)?,
            (None, Some(reference)) => journey::under(db, reference)?,
            (None, None) => Vec::new(),
        };
        if let Some(reference) = &self.arrival.reference {
            all.retain(|of| of.row.reference == reference.as_str());
        }
        let own = all.iter().find_map(|of| of.declaration.consignment().map(ToString::to_string));
        let ucr = self.arrival.ucr.as_ref().map(ToString::to_string).or(own);
        let ids: Vec<Vec<u8>> = all.iter().map(|of| of.row.id.clone()).collect();
        let mut rows = storage::receipts::of_releases(db, &ids)?;
        rows.retain(|row| {
            row.importing_state == self.caller.state.as_str() && row.status != "withdrawn"
        });
        let (mut lots, mut others, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for of in all {
            match rows.iter().position(|row| row.release_id == of.row.id) {
                Some(_) if comes_before(self.arrival.at, &of)? => later.push(of),
                Some(place) => lots.push((of, rows.swap_remove(place))),
                None => others.push(of),
            }
        }
        Ok(Pool { ucr, all: others, lots, later })
    }

    fn record(
        &self,
        batch: &mut Batch<'_>,
        pool: &Pool,
        lots: &[Lot<'_>],
        mut after: Vec<ReceiptRow>,
    ) -> Result<Recorded, Stop> {
        let worst = lots.iter().map(|lot| compare(lot).0).max();
        let result = worst.map_or("unknown", Turnout::as_str);
        let mut states = vec![self.caller.state.to_string()];
        for release in pool.lots.iter().map(|(release, _)| release).chain(&pool.all) {
            states.extend(states_in(&release.row.states)?);
            states = with_state(states, &release.row.state);
        }
        let row = self.row(batch, pool, result);
        let here = Addressee::Post(self.caller.state, self.arrival.post);
        let known: Vec<&Released> =
            pool.lots.iter().map(|(release, _)| release).chain(&pool.all).collect();
        let is_named = journey::names(&known, self.caller.state)?;
        let found = match &row.ucr {
            Some(ucr) => journey::found_by(batch, ucr, &known, &as_crossing(&row, &self.arrival))?,
            None => Vec::new(),
        };
        let serials = super::serials::arrived(
            &row,
            &self.arrival,
            &states,
            lots.iter().flat_map(|lot| lot.left),
        )?;
        let mut reconciled = Vec::with_capacity(after.len());
        for (row, lot) in after.iter().zip(lots) {
            reconciled.push(reconcile::reconciled(row, lot)?);
        }
        storage::arrivals::insert(batch.db, &row)?;
        storage::trails::insert(batch.db, &serials)?;
        raise_deviation(batch, here, &known, row.ucr.as_deref(), &found)?;
        self.raise(batch, pool, lots, &after)?;
        let index = self.enter(batch, &row, &states, (&after, &serials))?;
        let (actor, state) = (self.caller.key(), self.caller.state.to_string());
        let (document, note, step) = (None, None, "arrived");
        for row in &mut after {
            let taking = Taking { step, state: &state, actor: &actor, document, note, index };
            receipts::step(batch, row, &taking)?;
        }
        for (release, _) in &pool.lots {
            super::due::arrived(batch, &release.row)?;
        }
        batch.mark(event(&row, pool, &states, &self.arrival)?, index)?;
        self.tell(batch, &row, pool, states)?;
        // Of papers that do not name the State of the post it is told nothing but the codes.
        let findings =
            found.into_iter().map(|of| journey::finding(journey::told(of, is_named), &row.id));
        let reply = ArrivalReply {
            id: uuid(&row.id)?.to_string(),
            ucr: row.ucr.clone(),
            reference: row.reference.clone(),
            border_post: row.border_post.clone(),
            at: instant(self.arrival.at),
            is_final: self.arrival.is_final,
            known: !pool.lots.is_empty(),
            result: result.to_owned(),
            receipts: reconciled,
            findings: findings.collect::<Result<_, _>>()?,
            recorded_at: instant(batch.now),
            audit: AuditReference { log: batch.log().0.to_owned(), index },
        };
        Ok(Recorded { outcome: Done::Created, reply: judge::json(&reply)?, version: None })
    }

    fn row(&self, batch: &Batch<'_>, pool: &Pool, result: &str) -> ArrivalRow {
        ArrivalRow {
            id: batch.ids.uuid(batch.now).as_bytes().to_vec(),
            state: self.caller.state.to_string(),
            border_post: self.arrival.post.to_string(),
            ucr: pool.ucr.clone(),
            reference: self.arrival.reference.as_ref().map(ToString::to_string),
            request: self.request.clone(),
            result: result.to_owned(),
            happened_us: self.arrival.at.as_microsecond(),
            caller: self.caller.key(),
            at_us: batch.now.as_microsecond(),
        }
    }

    /// What does not agree is put before the importing post, the exporting post and the exporting
    /// State's authority; what is not known to have left, before the importing post.
    fn raise(
        &self,
        batch: &mut Batch<'_>,
        pool: &Pool,
        lots: &[Lot<'_>],
        after: &[ReceiptRow],
    ) -> Result<(), Stop> {
        let here = Addressee::Post(self.caller.state, self.arrival.post);
        for (((release, before), row), lot) in pool.lots.iter().zip(after).zip(lots) {
            let (turnout, items) = compare(lot);
            let Some(severity) = turnout.severity() else { continue };
            if before.result == row.result && self.arrival.items.is_empty() {
                continue;
            }
            let exporting = country(&row.exporting_state)?;
            let post = release.declaration.border_post;
            let to = [
                here,
                Addressee::Post(exporting, post),
                Addressee::Authority(exporting, Some(post)),
            ];
            let about = receipts::about(row)?;
            mismatch(batch, &to, severity, &about, &words(&items, &lot.tally))?;
        }
        if pool.lots.is_empty() {
            let about = About {
                ucr: pool.ucr.clone(),
                declaration: self.arrival.reference.as_ref().map(ToString::to_string),
                ..About::default()
            };
            let words = "nothing is known to have left for this State under that reference";
            let mut to = vec![here];
            for of in pool.all.iter().filter(|of| of.is_export()) {
                to.push(Addressee::Authority(
                    country(&of.row.state)?,
                    Some(of.declaration.border_post),
                ));
            }
            to.dedup();
            mismatch(batch, &to, rules::Severity::Refer, &about, words)?;
        }
        Ok(())
    }

    fn enter(
        &self,
        batch: &mut Batch<'_>,
        row: &ArrivalRow,
        states: &[String],
        (after, serials): (&[ReceiptRow], &[SerialEventRow]),
    ) -> Result<u64, Stop> {
        let nonce = batch.ids.nonce();
        let mut receipts = Vec::new();
        for row in after.iter().take(LISTED_MAX) {
            receipts.push((uuid(&row.id)?.to_string(), row.result.clone()));
        }
        let entry = ArrivalEntry {
            arrival: uuid(&row.id)?.to_string(),
            ucr: row.ucr.as_deref(),
            reference: row.reference.as_deref(),
            border_post: &row.border_post,
            happened_at: instant(self.arrival.at),
            is_final: self.arrival.is_final,
            result: &row.result,
            receipts,
            content_sha256: salted(nonce, self.request.as_bytes()),
            firearms_sha256: super::serials::digest(nonce, serials)?,
            actor: Actor::new(&self.caller, nonce),
            states,
        };
        batch.enter("arrival", nonce, &entry)
    }

    fn tell(
        &self,
        batch: &mut Batch<'_>,
        row: &ArrivalRow,
        pool: &Pool,
        states: Vec<String>,
    ) -> Result<(), Stop> {
        let reference = row.reference.clone();
        batch.tell(Event {
            kind: EventKind::ArrivalRecorded,
            states,
            key: pool.ucr.clone().or(reference).unwrap_or_default(),
            data: json!({
                "arrival": uuid(&row.id)?.to_string(),
                "ucr": row.ucr,
                "border_post": row.border_post,
                "final": self.arrival.is_final,
                "result": row.result,
            }),
        })
    }
}

fn event(
    row: &ArrivalRow,
    pool: &Pool,
    states: &[String],
    arrival: &Arrival,
) -> Result<Option<EventRow>, Error> {
    let Some(ucr) = row.ucr.clone() else { return Ok(None) };
    let only = match pool.lots.as_slice() {
        [(release, _)] => Some(release),
        _ => None,
    };
    let carrier = pool.lots.last().and_then(|(of, _)| timeline::carrier(&of.declaration));
    Ok(Some(EventRow {
        ucr,
        kind: "arrival".to_owned(),
        state: row.state.clone(),
        border_post: Some(row.border_post.clone()),
        outcome: Some(row.result.clone()),
        reference: row.reference.clone().or(only.map(|of| of.row.reference.clone())),
        subject: row.id.clone(),
        states: judge::json(&states)?,
        carrier,
        detail: json!({"vehicle": arrival.vehicle, "final": arrival.is_final}).to_string(),
        happened_us: row.happened_us,
        at_us: row.at_us,
        ..EventRow::default()
    }))
}

impl App {
    /// Records what arrived at the caller's post.
    pub async fn arrive(
        &self,
        caller: &Caller,
        arrival: Arrival,
        request: String,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        if !caller.works_at(arrival.post) {
            let words = format!("your token is not for the post {}", arrival.post);
            return Err(invalid("/border_post", "not_your_post", words));
        }
        let caller = caller.clone();
        self.recorder.submit(Box::new(Arrive { arrival, request, caller, once })).await
    }
}
