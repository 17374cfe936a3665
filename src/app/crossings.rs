//! Exits and entries: a post records that goods have left or entered its State. The exit of goods
//! released for export is what the period for the proof of receipt runs from.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::journey;
use super::journey::Released;
use super::journey::raise_deviation;
use super::judge;
use super::receipts;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::timeline;
use super::timeline::invalid;
use super::timeline::states_in;
use super::timeline::with_state;
use crate::audit::entry::salted;
use crate::domain::Timestamp;
use crate::domain::alert::Addressee;
use crate::domain::consignment::Direction;
use crate::domain::declaration::Declaration;
use crate::domain::event::Event;
use crate::domain::event::EventKind;
use crate::domain::goods::Movement;
use crate::storage;
use crate::storage::Db;
use crate::storage::consignments::EventRow;
use crate::storage::crossings::CrossingRow;
use crate::wire::consignment::Crossing;
use crate::wire::consignment::CrossingReply;
use crate::wire::consignment::JourneyFinding;
use crate::wire::consignment::Whose;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// By how much a post's clock may be ahead of this one's, or its note be rounded.
const LEEWAY_S: i64 = 60;

#[derive(Serialize)]
struct CrossingEntry<'a> {
    crossing: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ucr: Option<&'a str>,
    border_post: &'a str,
    happened_at: String,
    vehicle: Option<&'a str>,
    seals: usize,
    seals_sha256: String,
    actor: Actor,
    states: &'a [String],
    findings: Vec<&'a str>,
}

#[derive(Serialize)]
struct CrossingDetail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    vehicle: Option<&'a str>,
    seals: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    codes: &'a [&'a str],
}

struct Cross {
    direction: Direction,
    crossing: Crossing,
    caller: Caller,
    once: Option<Once>,
}

/// Whose goods cross, as the register knows them.
struct Known {
    release: Option<Released>,
    ucr: Option<String>,
    /// All that stand under the consignment's reference.
    releases: Vec<Released>,
}

impl Known {
    /// What the events of a shipment have in common.
    fn key(&self) -> String {
        let reference = || self.release.as_ref().map(|of| of.row.reference.clone());
        self.ucr.clone().or_else(reference).unwrap_or_default()
    }
}

impl Command for Cross {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        let ucr = match &self.crossing.whose {
            Whose::Consignment(ucr) => Some(ucr.to_string()),
            Whose::Release(id) => {
                claims.name("release", id.as_bytes());
                claims.name("deadline", id.to_string().as_bytes());
                receipts::claim(db, id.as_bytes(), claims)?;
                match storage::releases::read(db, *id)? {
                    Some(row) => consignment(&journey::released(&row)?),
                    None => None,
                }
            }
        };
        if let Some(ucr) = ucr {
            claims.name("consignment", ucr.as_bytes());
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let known = self.known(batch)?;
        let field = match self.direction {
            Direction::Exit => "/exited_at",
            Direction::Entry => "/entered_at",
        };
        check_time(field, self.crossing.at, batch.now, known.release.as_ref())?;
        let row = self.row(batch, &known)?;
        let mut states = vec![row.state.clone()];
        for release in known.release.iter().chain(&known.releases) {
            states.extend(states_in(&release.row.states)?);
            states = with_state(states, &release.row.state);
        }
        let of_ucr: Vec<&Released> = known.releases.iter().collect();
        // Whom the papers do not name is told that something is wrong, and nothing of what they say.
        let is_named = known.release.is_some() || journey::names(&of_ucr, self.caller.state)?;
        let found = match &row.ucr {
            Some(ucr) => journey::found_by(batch, ucr, &of_ucr, &row)?,
            None => Vec::new(),
        };
        storage::crossings::insert(batch.db, &row)?;
        let here = Addressee::Post(self.caller.state, self.crossing.post);
        raise_deviation(batch, here, &of_ucr, row.ucr.as_deref(), &found)?;
        let findings: Vec<JourneyFinding> = found
            .into_iter()
            .map(|found| journey::finding(journey::told(found, is_named), &row.id))
            .collect::<Result<_, _>>()?;
        let index = self.enter(batch, &row, &states, &findings)?;
        if let Some(release) = &known.release {
            receipts::left(batch, release, self.crossing.at, &self.caller.key(), index)?;
        }
        let reply = self.reply(batch, &row, is_named, findings, index)?;
        let codes: Vec<&str> = reply.findings.iter().map(|finding| finding.code.as_str()).collect();
        let (vehicle, seals) = (row.vehicle.as_deref(), reply.seals.as_slice());
        let detail = judge::json(&CrossingDetail { vehicle, seals, codes: &codes })?;
        batch.mark(event(&row, &known, &states, detail)?, index)?;
        if let (Direction::Exit, Some(of)) = (self.direction, &known.release) {
            let left = (self.caller.state, self.crossing.at);
            super::due::left(batch, &of.row, &of.declaration, left)?;
        }
        batch.tell(Event {
            kind: match self.direction {
                Direction::Exit => EventKind::ExitRecorded,
                Direction::Entry => EventKind::EntryRecorded,
            },
            states,
            key: known.key(),
            data: json!({
                "crossing": reply.id,
                "release": reply.release,
                "ucr": row.ucr,
                "border_post": row.border_post,
                "at": reply.at,
                "codes": codes,
            }),
        })?;
        Ok(Recorded { outcome: Done::Created, reply: judge::json(&reply)?, version: None })
    }
}

impl Cross {
    fn known(&self, batch: &mut Batch<'_>) -> Result<Known, Stop> {
        match &self.crossing.whose {
            Whose::Release(id) => {
                let release = self.leaving(batch, *id)?;
                let ucr = consignment(&release.declaration);
                let releases = match &ucr {
                    Some(ucr) => journey::releases(batch.db, ucr)?,
                    None => Vec::new(),
                };
                Ok(Known { release: Some(release), ucr, releases })
            }
            Whose::Consignment(ucr) => {
                let releases = journey::releases(batch.db, ucr)?;
                if self.direction == Direction::Exit {
                    self.check_unnamed(batch, &releases)?;
                }
                Ok(Known { release: None, ucr: Some(ucr.to_string()), releases })
            }
        }
    }

    /// The release whose goods leave: one of the caller's State that stands and has not left yet.
    fn leaving(&self, batch: &mut Batch<'_>, id: Uuid) -> Result<Released, Stop> {
        let row = storage::releases::read(batch.db, id)?
            .filter(|row| row.state == self.caller.state.as_str());
        let row = row.ok_or(Error::NotFound)?;
        let declaration = journey::released(&row)?;
        if declaration.movement == Movement::Import {
            let words = "the goods were released for import";
            return Err(invalid("/release", "not_leaving", words).into());
        }
        if row.status != "released" {
            return Err(Error::Stale("the release has been reversed".to_owned()).into());
        }
        if let Some(exit) = storage::crossings::exit_of(batch.db, &row.id)? {
            let at = instant(timestamp(exit.happened_us)?);
            return Err(Error::Stale(format!("the goods left {} at {at}", exit.border_post)).into());
        }
        Ok(Released { row, declaration })
    }

    /// Goods that the caller's State has released are confirmed release by release: each has a period
    /// of its own.
    fn check_unnamed(&self, batch: &mut Batch<'_>, releases: &[Released]) -> Result<(), Stop> {
        let state = self.caller.state.as_str();
        for of in releases.iter().filter(|of| of.is_export() && of.row.state == state) {
            if storage::crossings::exit_of(batch.db, &of.row.id)?.is_none() {
                let words = format!("name the release that left: {}", uuid(&of.row.id)?);
                return Err(invalid("/release", "required", words).into());
            }
        }
        Ok(())
    }

    fn row(&self, batch: &Batch<'_>, known: &Known) -> Result<CrossingRow, Error> {
        let crossing = &self.crossing;
        Ok(CrossingRow {
            id: batch.ids.uuid(batch.now).as_bytes().to_vec(),
            direction: self.direction.as_str().to_owned(),
            state: self.caller.state.to_string(),
            border_post: crossing.post.to_string(),
            ucr: known.ucr.clone(),
            release_id: known.release.as_ref().map(|release| release.row.id.clone()),
            vehicle: crossing.vehicle.as_ref().map(ToString::to_string),
            seals: judge::json(&crossing.seals)?,
            happened_us: crossing.at.as_microsecond(),
            caller: self.caller.key(),
            at_us: batch.now.as_microsecond(),
        })
    }

    fn reply(
        &self,
        batch: &Batch<'_>,
        row: &CrossingRow,
        is_known: bool,
        findings: Vec<JourneyFinding>,
        index: u64,
    ) -> Result<CrossingReply, Error> {
        Ok(CrossingReply {
            id: uuid(&row.id)?.to_string(),
            direction: row.direction.clone(),
            release: row.release_id.as_deref().map(uuid).transpose()?.map(|id| id.to_string()),
            ucr: row.ucr.clone(),
            border_post: row.border_post.clone(),
            at: instant(self.crossing.at),
            vehicle: row.vehicle.clone(),
            seals: self.crossing.seals.iter().map(ToString::to_string).collect(),
            known: is_known,
            findings,
            recorded_at: instant(batch.now),
            audit: AuditReference { log: batch.log().0.to_owned(), index },
        })
    }

    fn enter(
        &self,
        batch: &mut Batch<'_>,
        row: &CrossingRow,
        states: &[String],
        findings: &[JourneyFinding],
    ) -> Result<u64, Stop> {
        let nonce = batch.ids.nonce();
        let entry = CrossingEntry {
            crossing: uuid(&row.id)?.to_string(),
            release: row.release_id.as_deref().map(uuid).transpose()?.map(|id| id.to_string()),
            ucr: row.ucr.as_deref(),
            border_post: &row.border_post,
            happened_at: instant(self.crossing.at),
            vehicle: row.vehicle.as_deref(),
            seals: self.crossing.seals.len(),
            seals_sha256: salted(nonce, row.seals.as_bytes()),
            actor: Actor::new(&self.caller, nonce),
            states,
            findings: findings.iter().map(|finding| finding.code.as_str()).collect(),
        };
        batch.enter(self.direction.as_str(), nonce, &entry)
    }
}

/// A time that a post states: not in the future, and not before the release.
pub(super) fn check_time(
    field: &str,
    at: Timestamp,
    now: Timestamp,
    release: Option<&Released>,
) -> Result<(), Error> {
    if at.as_second() > now.as_second().saturating_add(LEEWAY_S) {
        return Err(invalid(field, "in_the_future", "this time has not come yet"));
    }
    let Some(release) = release else { return Ok(()) };
    if comes_before(at, release)? {
        let released = instant(timestamp(release.row.at_us)?);
        return Err(invalid(
            field,
            "before_release",
            format!("the goods were released at {released}"),
        ));
    }
    Ok(())
}

/// Whether a time lies before a release; posts' clocks differ a little.
pub(super) fn comes_before(at: Timestamp, release: &Released) -> Result<bool, Error> {
    let released = timestamp(release.row.at_us)?;
    Ok(at.as_second().saturating_add(LEEWAY_S) < released.as_second())
}

fn event(
    row: &CrossingRow,
    known: &Known,
    states: &[String],
    detail: String,
) -> Result<Option<EventRow>, Error> {
    let Some(ucr) = row.ucr.clone() else { return Ok(None) };
    let release = known.release.as_ref().or_else(|| known.releases.last());
    Ok(Some(EventRow {
        ucr,
        kind: row.direction.clone(),
        state: row.state.clone(),
        border_post: Some(row.border_post.clone()),
        movement: known
            .release
            .as_ref()
            .map(|release| release.declaration.movement.as_str().to_owned()),
        reference: known.release.as_ref().map(|release| release.row.reference.clone()),
        subject: row.id.clone(),
        states: judge::json(&states)?,
        carrier: release.and_then(|release| timeline::carrier(&release.declaration)),
        detail,
        happened_us: row.happened_us,
        at_us: row.at_us,
        ..EventRow::default()
    }))
}

fn consignment(declaration: &Declaration) -> Option<String> {
    declaration.consignment().map(ToString::to_string)
}

impl App {
    /// Records that goods have left the caller's State, or entered it.
    pub async fn cross(
        &self,
        caller: &Caller,
        direction: Direction,
        crossing: Crossing,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        if !caller.works_at(crossing.post) {
            let words = format!("your token is not for the post {}", crossing.post);
            return Err(invalid("/border_post", "not_your_post", words));
        }
        self.recorder
            .submit(Box::new(Cross { direction, crossing, caller: caller.clone(), once }))
            .await
    }
}
