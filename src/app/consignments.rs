//! The timeline of a consignment over every post: what concerns the caller's State, or for a carrier
//! what it carried or announced itself, in the order in which it took place.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::journey;
use super::journey::Released;
use super::journey::planned;
use super::journey::sighting;
use super::release::timestamp;
use super::release::uuid;
use super::timeline::states_in;
use crate::domain::Date;
use crate::domain::Timestamp;
use crate::domain::calendar::utc_day;
use crate::domain::calendar::years_after;
use crate::domain::consignment::Direction;
use crate::domain::consignment::JOURNEY_YEARS;
use crate::domain::consignment::Sighting;
use crate::domain::consignment::journeys;
use crate::domain::lists::Lists;
use crate::domain::number;
use crate::rules::journey::deviations;
use crate::storage;
use crate::storage::Db;
use crate::storage::consignments::By;
use crate::storage::consignments::Concerned;
use crate::storage::consignments::EventRow;
use crate::storage::consignments::ON_THE_WAY;
use crate::storage::consignments::OfCarrier;
use crate::wire::consignment::ConsignmentReply;
use crate::wire::consignment::EventReply;
use crate::wire::consignment::JourneyFinding;
use crate::wire::verification::AuditReference;
use crate::wire::verification::instant;
use std::collections::HashMap;
use std::sync::Arc;

/// Most events of a timeline that posts and authorities brought about; the latest are shown.
pub const EVENTS_MAX: i64 = 2_000;
/// Most of those that its carrier brought about by announcing and withdrawing it; the latest are shown.
pub const ANNOUNCED_MAX: i64 = 200;
/// What the database holds of a consignment.
struct Held {
    events: Vec<EventRow>,
    releases: Vec<Released>,
    logs: HashMap<i64, String>,
    truncated: bool,
}

fn held(db: &mut Db, ucr: &str, caller: &Caller) -> Result<Held, Error> {
    let number = caller.operator.as_deref().filter(|_| caller.role == Role::Carrier);
    let (mut followed, mut all) = (Vec::new(), false);
    if let Some(number) = number {
        let by = (caller.issuer.as_str(), number);
        followed = storage::preclearances::followed(db, ucr, by, ANNOUNCED_MAX)?;
        let released = storage::consignments::releases(db, ucr, journey::RELEASES_MAX)?;
        all = !released.is_empty() && released.iter().all(|id| followed.contains(id));
    }
    let carrier = number.map(|number| OfCarrier { number, followed: &followed, all });
    let to = Concerned { state: caller.state.as_str(), carrier };
    let (mut shown, mut truncated) = (Vec::new(), false);
    for (by, most) in [(By::Posts, EVENTS_MAX), (By::Carriers, ANNOUNCED_MAX)] {
        let mut events = storage::consignments::events(db, ucr, by, Some(to), most + 1)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        truncated |= events.len() > most;
        events.truncate(most);
        // They come the latest first; what has one instant keeps the order in which it was recorded.
        for event in events.into_iter().rev() {
            if concerns(caller, carrier, &event)? {
                shown.push(event);
            }
        }
    }
    shown.sort_by_key(|event| (event.at_us, event.log_id, event.log_index));
    let mut releases = Vec::new();
    if caller.role != Role::Carrier {
        for of in journey::releases(db, ucr)? {
            let (row, state) = (&of.row, caller.state.as_str());
            if row.state == state || states_in(&row.states)?.iter().any(|named| named == state) {
                releases.push(of);
            }
        }
    }
    let logs = storage::log::all(db)?.into_iter().map(|row| (row.id, row.origin)).collect();
    Ok(Held { events: shown, releases, logs, truncated })
}

/// Whether an event may be shown: to the States that it concerns, and to a carrier where the goods are
/// its own.
fn concerns(
    caller: &Caller,
    carrier: Option<OfCarrier<'_>>,
    event: &EventRow,
) -> Result<bool, Error> {
    let is_party = states_in(&event.states)?.iter().any(|state| state == caller.state.as_str());
    Ok(is_party
        && match caller.role {
            Role::Officer | Role::Authority => true,
            // Whoever vouches for the carrier must be a party too: any State may mint a number.
            Role::Carrier => carrier.is_some_and(|of| {
                event.carrier.as_deref() == Some(of.number)
                    || of.followed.contains(&event.subject)
                    || of.all && ON_THE_WAY.contains(&event.kind.as_str())
            }),
            Role::Auditor | Role::Admin | Role::Register => false,
        })
}

/// A journey's events, and the first days of it and of those before it.
type Journey<'a> = (&'a [EventRow], Vec<Date>);

/// The events of one journey under the reference: the one asked for, or the latest.
fn one_journey(
    events: &[EventRow],
    first_seen: Option<Date>,
) -> Result<Option<Journey<'_>>, Error> {
    let instants: Vec<Timestamp> =
        events.iter().map(|event| timestamp(event.at_us)).collect::<Result<_, _>>()?;
    let starts = journeys(instants.iter().copied());
    let mut days = Vec::with_capacity(starts.len());
    for start in &starts {
        days.extend(instants.get(*start).map(|at| utc_day(*at)));
    }
    let place = match first_seen {
        Some(first) => days.iter().position(|day| *day == first),
        None => starts.len().checked_sub(1),
    };
    let Some(place) = place else { return Ok(None) };
    let from = starts.get(place).copied().unwrap_or_default();
    let to = starts.get(place + 1).copied().unwrap_or(events.len());
    days.truncate(place + 1);
    Ok(events.get(from..to).map(|events| (events, days)))
}

fn stage(events: &[EventRow]) -> &'static str {
    const STAGES: [(&str, &str); 6] = [
        ("receipt_confirmed", "received"),
        ("arrival", "arrived"),
        ("entry", "on_the_way"),
        ("exit", "left"),
        ("release", "released"),
        ("override_confirmed", "released"),
    ];
    let undone = |release: &EventRow| {
        let is_its = |event: &&EventRow| event.subject == release.subject;
        events.iter().filter(is_its).any(|event| event.kind == "reversal")
    };
    // A post may record goods of which nothing is known to have left for its State.
    let is_unknown =
        |event: &EventRow| event.kind == "arrival" && event.outcome.as_deref() == Some("unknown");
    let has = |kind: &str| {
        let of_kind = |event: &&EventRow| event.kind == kind && !is_unknown(event);
        events.iter().filter(of_kind).any(|event| !undone(event))
    };
    STAGES.iter().find(|(kind, _)| has(kind)).map_or("declared", |(_, stage)| stage)
}

fn event_reply(
    row: &EventRow,
    caller: &Caller,
    logs: &HashMap<i64, String>,
) -> Result<EventReply, Error> {
    let is_carrier = caller.role == Role::Carrier;
    let detail: serde_json::Value = serde_json::from_str(&row.detail)
        .map_err(|error| Error::Internal(format!("an event's particulars: {error}")))?;
    // A verdict that rests on what carriers must not know is told to them without that.
    let told = detail.get("told").and_then(serde_json::Value::as_str).filter(|_| is_carrier);
    Ok(EventReply {
        kind: row.kind.clone(),
        at: instant(timestamp(row.happened_us)?),
        recorded_at: instant(timestamp(row.at_us)?),
        state: row.state.clone(),
        border_post: row.border_post.clone(),
        movement: row.movement.clone(),
        outcome: told.map(str::to_owned).or_else(|| row.outcome.clone()),
        declaration: row.reference.clone(),
        id: uuid(&row.subject)?.to_string(),
        detail: Some(detail).filter(|_| !is_carrier),
        audit: AuditReference {
            log: logs.get(&row.log_id).cloned().unwrap_or_default(),
            index: u64::try_from(row.log_index).unwrap_or_default(),
        },
    })
}

/// Where the goods were seen, in the order in which that was.
fn sightings<'a>(
    events: &[&'a EventRow],
    lists: &Lists,
) -> Result<Vec<(Sighting, &'a EventRow)>, Error> {
    let mut seen = Vec::new();
    for event in events {
        let direction = match event.kind.as_str() {
            "exit" => Direction::Exit,
            "entry" | "arrival" => Direction::Entry,
            _ => continue,
        };
        let Some(post) = &event.border_post else { continue };
        let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let vehicle = detail.get("vehicle").and_then(serde_json::Value::as_str);
        seen.push((sighting(post, direction, event.happened_us, vehicle, lists)?, *event));
    }
    Ok(seen)
}

fn findings(
    events: &[&EventRow],
    releases: &[Released],
    lists: &Lists,
    now: Timestamp,
) -> Result<Vec<JourneyFinding>, Error> {
    let Some(plan) = journey::plan(&releases.iter().collect::<Vec<_>>()) else {
        return Ok(Vec::new());
    };
    let (seen, of): (Vec<Sighting>, Vec<&EventRow>) = sightings(events, lists)?.into_iter().unzip();
    let mut found = Vec::new();
    for deviation in deviations(&planned(plan), &seen) {
        let Some(event) = of.get(deviation.sighting) else { continue };
        found.push(journey::finding(deviation, &event.subject)?);
    }
    for of in releases.iter().filter(|of| of.is_export()) {
        found.extend(not_arrived(of, events, now)?);
    }
    Ok(found)
}

/// Goods that left and never arrived: nothing of the consignment was recorded at its destination by
/// the day announced.
fn not_arrived(
    Released { row, declaration }: &Released,
    events: &[&EventRow],
    now: Timestamp,
) -> Result<Option<JourneyFinding>, Error> {
    let of = |event: &&&EventRow| event.reference.as_deref() == Some(row.reference.as_str());
    let to = declaration.country_of_import.map(|country| country.to_string());
    let left = events.iter().filter(|event| event.kind == "exit").find(of);
    let Some(left) = left else { return Ok(None) };
    let arrived = events.iter().any(|event| {
        event.kind == "arrival"
            && to.as_deref() == Some(event.state.as_str())
            && event.reference.as_deref().is_none_or(|reference| reference == row.reference)
    });
    if arrived {
        return Ok(None);
    }
    let left_on = utc_day(timestamp(left.happened_us)?);
    let expected = super::due::expected(declaration, left_on);
    if utc_day(now) <= expected {
        return Ok(None);
    }
    let to = to.as_deref().unwrap_or("its destination");
    Ok(Some(JourneyFinding {
        code: "NOT_ARRIVED".to_owned(),
        severity: "refer".to_owned(),
        message: format!(
            "{} left on {left_on}, was expected in {to} by {expected} and has not arrived",
            row.reference
        ),
        subject: uuid(&row.id)?.to_string(),
    }))
}

impl App {
    /// The timeline of a consignment.
    pub async fn consignment(
        &self,
        caller: &Caller,
        ucr: &str,
        first_seen: Option<Date>,
    ) -> Result<ConsignmentReply, Error> {
        let ucr = number::plain(ucr).map_err(|_e| Error::NotFound)?;
        let (asked, who) = (ucr.clone(), caller.clone());
        let held = self.readers.read(move |db| held(db, &asked, &who)).await?;
        let (events, mut days) = one_journey(&held.events, first_seen)?.ok_or(Error::NotFound)?;
        let first = days.pop().ok_or(Error::NotFound)?;
        let until = years_after(first, JOURNEY_YEARS);
        let mut releases = held.releases;
        releases.retain(|of| {
            timestamp(of.row.at_us).is_ok_and(|at| (first..until).contains(&utc_day(at)))
        });
        let mut ordered: Vec<&EventRow> = events.iter().collect();
        ordered.sort_by_key(|event| (event.happened_us, event.at_us));
        let lists = Arc::clone(&self.lists.read());
        let findings = findings(&ordered, &releases, &lists, self.clock.now())?;
        let plan = journey::plan(&releases.iter().collect::<Vec<_>>());
        let end = |country: Option<crate::domain::Country>| country.map(|c| c.to_string());
        Ok(ConsignmentReply {
            ucr: ucr.to_string(),
            first_seen: first.to_string(),
            stage: stage(events).to_owned(),
            country_of_export: end(plan.and_then(|plan| plan.country_of_export)),
            route: plan
                .iter()
                .flat_map(|plan| plan.route.iter().map(|leg| leg.country.to_string()))
                .collect(),
            country_of_import: end(plan.and_then(|plan| plan.country_of_import)),
            events: ordered
                .into_iter()
                .map(|event| event_reply(event, caller, &held.logs))
                .collect::<Result<_, _>>()?,
            findings,
            earlier: days.iter().map(ToString::to_string).collect(),
            truncated: held.truncated,
        })
    }
}
