//! The trail of a firearm: licensed, released, gone, arrived, exported again, and what is reported of
//! it. A report of a firearm lost, stolen or seized stands until its State reports it found, and holds
//! the firearm at every border meanwhile (rule 96).
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::judge::json;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::timeline::invalid;
use super::timeline::states_in;
use crate::audit::entry::hex;
use crate::audit::entry::salted;
use crate::cache::past::Trace;
use crate::domain::Text;
use crate::domain::serial::FirearmKey;
use crate::domain::serial::Serial;
use crate::domain::serial::folded_name;
use crate::storage;
use crate::storage::Db;
use crate::storage::trails::SerialEventRow;
use crate::wire::serial::SerialEvent;
use crate::wire::serial::SerialReport;
use crate::wire::serial::SerialReportReply;
use crate::wire::serial::SerialTrail;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use serde::Serialize;
use std::collections::HashMap;

/// Most rows of each kind that a trail is put together from.
const ROWS_MAX: i64 = 500;
/// The State under which reports are noted: they count at every border.
pub(super) const EVERY_STATE: &str = "*";

#[derive(Serialize)]
struct ReportEntry<'a> {
    report: String,
    what: &'a str,
    serial: &'a str,
    make: &'a str,
    model: &'a str,
    country_of_manufacture: &'a str,
    reference: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    border_post: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_sha256: Option<String>,
    actor: Actor,
    states: [&'a str; 1],
}

struct Report {
    report: SerialReport,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Report {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.firearm(&self.report.firearm.serial);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let SerialReport { report, firearm, reference, post, note } = &self.report;
        let id = batch.ids.uuid(batch.now);
        let state = self.caller.state.to_string();
        let row = SerialEventRow {
            serial: firearm.serial.to_string(),
            make: firearm.make.clone(),
            model: firearm.model.clone(),
            country: firearm.country.clone(),
            kind: (*report).to_owned(),
            state: state.clone(),
            border_post: post.map(|post| post.to_string()),
            subject: id.as_bytes().to_vec(),
            states: json(&[&state])?,
            reference: Some(reference.to_string()),
            happened_us: batch.now.as_microsecond(),
            at_us: batch.now.as_microsecond(),
        };
        batch.note(Trace::Firearm(EVERY_STATE, firearm.serial.as_str()));
        let nonce = batch.ids.nonce();
        let entry = ReportEntry {
            report: id.to_string(),
            what: report,
            serial: firearm.serial.as_str(),
            make: &firearm.make,
            model: &firearm.model,
            country_of_manufacture: &firearm.country,
            reference,
            border_post: row.border_post.as_deref(),
            note_sha256: note.as_ref().map(|note| salted(nonce, note.as_bytes())),
            actor: Actor::new(&self.caller, nonce),
            states: [&state],
        };
        let index = batch.enter("serial_report", nonce, &entry)?;
        storage::trails::insert(batch.db, std::slice::from_ref(&row))?;
        let reply = SerialReportReply {
            id: id.to_string(),
            report: row.kind,
            serial: row.serial,
            reference: reference.to_string(),
            recorded_at: instant(batch.now),
            audit: AuditReference { log: batch.log().0.to_owned(), index },
        };
        Ok(Recorded { outcome: Done::Created, reply: json(&reply)?, version: None })
    }
}

/// Reports that stand: the last word of each State, unless that is that it was found.
pub(super) fn standing(reports: Vec<SerialEventRow>) -> Vec<SerialEventRow> {
    let mut last: Vec<SerialEventRow> = Vec::new();
    for report in reports {
        let same = |other: &SerialEventRow| {
            other.state == report.state && other.serial == report.serial && may_be(other, &report)
        };
        last.retain(|other| !same(other));
        if report.kind != "found" {
            last.push(report);
        }
    }
    last
}

fn may_be(a: &SerialEventRow, b: &SerialEventRow) -> bool {
    let agree = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
    agree(&a.make, &b.make) && agree(&a.model, &b.model) && agree(&a.country, &b.country)
}

/// A firearm as a row describes it.
pub(super) fn described(serial: &str, make: &str, model: &str, country: &str) -> FirearmKey {
    FirearmKey {
        make: make.to_owned(),
        model: model.to_owned(),
        country: country.to_owned(),
        serial: Serial::stored(serial),
    }
}

fn trail(db: &mut Db, caller: &Caller, asked: &FirearmKey) -> Result<SerialTrail, Error> {
    let serial = asked.serial.as_str();
    let is_it = |make: &str, model: &str, country: &str| {
        asked.may_be(&described(serial, make, model, country))
    };
    let mut items = licences(db, caller, serial, &is_it)?;
    let mut events = storage::trails::events(db, serial, ROWS_MAX)?;
    events.retain(|row| is_it(&row.make, &row.model, &row.country));
    let mut shown = Vec::new();
    for row in events {
        if is_party(caller, &row.states)? {
            shown.push(row);
        }
    }
    for row in &shown {
        items.push((
            row.happened_us,
            SerialEvent {
                kind: row.kind.clone(),
                at: instant(timestamp(row.happened_us)?),
                state: row.state.clone(),
                border_post: row.border_post.clone(),
                movement: None,
                licence: None,
                line: None,
                reference: row.reference.clone(),
                id: Some(uuid(&row.subject)?.to_string()),
            },
        ));
    }
    for row in storage::trails::moved(db, serial, ROWS_MAX)? {
        if is_it(&row.make, &row.model, &row.country) {
            let came = |until_us: i64| {
                let arrived = |seen: &&SerialEventRow| {
                    seen.kind == "arrived"
                        && seen.state == row.state
                        && seen.happened_us <= until_us
                };
                let imported = |(at_us, item): &&Dated| {
                    item.kind == "released"
                        && item.movement.as_deref() == Some("import")
                        && item.state == row.state
                        && *at_us <= until_us
                };
                shown.iter().any(|seen| arrived(&seen)) || items.iter().any(|item| imported(&item))
            };
            let seen = moved(db, caller, &row, came)?;
            items.extend(seen);
        }
    }
    items.sort_by_key(|(at_us, _)| *at_us);
    let reports = shown.into_iter().filter(|row| row.kind != "arrived").collect();
    Ok(SerialTrail {
        serial: serial.to_owned(),
        reported: standing(reports).into_iter().map(|row| row.kind).collect(),
        items: items.into_iter().map(|(_, item)| item).collect(),
    })
}

fn is_party(caller: &Caller, states: &str) -> Result<bool, Error> {
    Ok(states_in(states)?.iter().any(|state| state == caller.state.as_str()))
}

type Dated = (i64, SerialEvent);

/// The licences that list the firearm and name the caller's State.
fn licences(
    db: &mut Db,
    caller: &Caller,
    serial: &str,
    is_it: &impl Fn(&str, &str, &str) -> bool,
) -> Result<Vec<Dated>, Error> {
    let mut items = Vec::new();
    for listed in storage::trails::licensed(db, serial, ROWS_MAX)? {
        if !is_it(&listed.make, &listed.model, &listed.country) {
            continue;
        }
        let number = storage::licences::number(db, listed.licence_id)?;
        let rows = storage::licences::read(db, &[&number])?;
        let Some(row) = rows.into_iter().next() else { continue };
        let licence = book::licence_of(&row.number, row.version, &row.body)?;
        if !caller.may_read(&licence) {
            continue;
        }
        let issued = licence.issued_on.to_string();
        items.push((
            i64::MIN,
            SerialEvent {
                kind: "licensed".to_owned(),
                at: issued,
                state: licence.issuing_state.to_string(),
                border_post: None,
                movement: Some(licence.kind.as_str().to_owned()),
                licence: Some(number),
                line: Some(listed.line),
                reference: None,
                id: None,
            },
        ));
    }
    Ok(items)
}

/// The release that has moved the firearm, and its exit; `came` says whether it had come to that State
/// before an instant.
fn moved(
    db: &mut Db,
    caller: &Caller,
    row: &storage::serials::SerialUse,
    came: impl Fn(i64) -> bool,
) -> Result<Vec<Dated>, Error> {
    let id = uuid(&row.release_id)?;
    let Some(release) = storage::releases::read(db, id)? else { return Ok(Vec::new()) };
    if release.state != caller.state.as_str() && !is_party(caller, &release.states)? {
        return Ok(Vec::new());
    }
    let event = |kind: &str, at_us: i64, post: &str| {
        Ok::<_, Error>((
            at_us,
            SerialEvent {
                kind: kind.to_owned(),
                at: instant(timestamp(at_us)?),
                state: row.state.clone(),
                border_post: Some(post.to_owned()),
                movement: Some(row.movement.clone()),
                licence: Some(row.licence.clone()).filter(|licence| !licence.is_empty()),
                line: Some(row.line),
                reference: Some(release.reference.clone()),
                id: Some(id.to_string()),
            },
        ))
    };
    let again = row.movement == "export" && came(release.at_us);
    let kind = if again { "re_exported" } else { "released" };
    let mut items = vec![event(kind, release.at_us, &release.border_post)?];
    if let Some(exit) = storage::crossings::exit_of(db, &row.release_id)? {
        items.push(event("left", exit.happened_us, &exit.border_post)?);
    }
    Ok(items)
}

/// The firearms read at an arrival, described as they left where they are among what left.
pub(super) fn arrived<'a>(
    row: &storage::arrivals::ArrivalRow,
    arrival: &crate::wire::arrival::Arrival,
    states: &[String],
    left: impl Iterator<Item = &'a crate::domain::declaration::Item>,
) -> Result<Vec<SerialEventRow>, Error> {
    let left: HashMap<Serial, FirearmKey> = left
        .flat_map(super::facts::firearms)
        .map(|firearm| (firearm.serial.clone(), firearm))
        .collect();
    let folded = |text: &Option<Text>| text.as_ref().map(|text| folded_name(text));
    let mut rows = Vec::new();
    for goods in &arrival.items {
        for serial in &goods.serials {
            let known = left.get(serial).cloned();
            let FirearmKey { make, model, country, .. } =
                known.unwrap_or_else(|| described(serial.as_str(), "", "", ""));
            rows.push(SerialEventRow {
                serial: serial.to_string(),
                make: folded(&goods.make).unwrap_or(make),
                model: folded(&goods.model).unwrap_or(model),
                country: goods.manufactured_in.map_or(country, |country| country.to_string()),
                kind: "arrived".to_owned(),
                state: row.state.clone(),
                border_post: Some(row.border_post.clone()),
                subject: row.id.clone(),
                states: json(&states)?,
                reference: row.ucr.clone().or_else(|| row.reference.clone()),
                happened_us: row.happened_us,
                at_us: row.at_us,
            });
        }
    }
    Ok(rows)
}

/// The digest of what was recorded of firearms, in whichever order.
pub(super) fn digest(nonce: [u8; 16], rows: &[SerialEventRow]) -> Result<String, Error> {
    let mut rows: Vec<&SerialEventRow> = rows.iter().collect();
    rows.sort_unstable();
    let plain = rows.iter().map(|row| {
        let firearm = (&row.serial, &row.make, &row.model, &row.country);
        let place = (&row.kind, &row.state, &row.border_post, hex(&row.subject));
        (firearm, place, &row.states, &row.reference, row.happened_us, row.at_us)
    });
    Ok(salted(nonce, json(&plain.collect::<Vec<_>>())?.as_bytes()))
}

/// The serials that a licence lists, line by line.
pub(super) fn license(batch: &mut Batch<'_>, entry: &book::Entry) -> Result<(), Stop> {
    let folded = |text: Option<&Text>| text.map(|text| folded_name(text)).unwrap_or_default();
    let mut rows = Vec::new();
    for line in &entry.held.licence.lines {
        for serial in &line.serials {
            rows.push(storage::trails::LicensedRow {
                serial: serial.to_string(),
                make: folded(line.make.as_ref()),
                model: folded(line.model.as_ref()),
                country: line.manufactured_in.map(|c| c.to_string()).unwrap_or_default(),
                licence_id: entry.id,
                line: i64::from(line.line),
            });
        }
    }
    Ok(storage::trails::license(batch.db, entry.id, &rows)?)
}

impl App {
    /// The trail of a firearm.
    pub async fn serial_trail(
        &self,
        caller: &Caller,
        asked: FirearmKey,
    ) -> Result<SerialTrail, Error> {
        let caller = caller.clone();
        self.readers.read(move |db| trail(db, &caller, &asked)).await
    }

    /// Records that a firearm was lost, stolen, seized or found.
    pub async fn report_serial(
        &self,
        caller: &Caller,
        report: SerialReport,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        if report.post.is_some_and(|post| post.country() != Some(caller.state)) {
            return Err(invalid("/border_post", "not_your_post", "a post of another State"));
        }
        self.recorder.submit(Box::new(Report { report, caller: caller.clone(), once })).await
    }
}
