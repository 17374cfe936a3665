//! Goods that return: what has come back of a first movement before is not out any more (rule 103), and
//! what has not come back in time is put before the post and the authority (rule 102).
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::outward::OutwardRecord;
use super::recorder::Stop;
use super::release::Act;
use super::release::timestamp;
use super::release::uuid;
use super::territory::Territory;
use super::timeline::country;
use crate::domain::deadline::Deadline;
use crate::domain::deadline::Kind;
use crate::domain::declaration::Declaration;
use crate::domain::goods::Movement;
use crate::rules::outward::Outward;
use crate::rules::timers::Place;
use crate::storage;
use crate::storage::Db;
use std::sync::Arc;
use uuid::Uuid;

/// A release that let goods through which may return, less what has come back of it.
struct Trip {
    release: Vec<u8>,
    at_us: i64,
    out: Outward,
    /// Whether anything has come back since.
    is_touched: bool,
}

impl Trip {
    /// Whether it has not come back: firearms and parts are out, or where it moved none, nothing has returned.
    fn is_open(&self, moved_lasting: bool) -> bool {
        self.out.is_awaited() || (!moved_lasting && !self.is_touched)
    }
}

/// The first movement to which goods return that name a reference and a customs territory: what every release there let
/// through that can be one, less what has returned before, counted from the earliest that has not come back; where none
/// can, the latest, for the rules to say so.
pub(super) fn first_movement(
    db: &mut Db,
    (reference, territory): (&str, &Territory),
    back: Movement,
    except: Option<Uuid>,
) -> Result<Option<Outward>, Error> {
    let (mut trips, mut others) = (trips(db, reference, territory)?, Vec::new());
    others.extend(trips.extract_if(.., |trip| !trip.out.is_first_movement_of(back)));
    let Some(latest) = trips.last().map(|trip| trip.out.clone()) else {
        return Ok(others.pop().map(|trip| trip.out));
    };
    trips.retain(|trip| trip.out.is_of_the_same(&latest));
    let lasting: Vec<bool> = trips.iter().map(|trip| trip.out.is_awaited()).collect();
    take_back(&mut trips, &returned(db, reference, territory, except)?);
    let open = trips.iter().zip(&lasting).find(|(trip, lasting)| trip.is_open(**lasting));
    let since = open.map_or(latest.released_on, |(trip, _)| trip.out.released_on);
    let mut outs = trips.into_iter().rev().map(|trip| trip.out);
    let mut first = outs.next();
    if let Some(first) = &mut first {
        outs.for_each(|further| first.add(further));
        first.released_on = since;
    }
    Ok(first)
}

/// Releases under a reference, the earliest first.
fn trips(db: &mut Db, reference: &str, territory: &Territory) -> Result<Vec<Trip>, Error> {
    let rows = storage::releases::outward(db, reference, Some(&territory.states()))?;
    let trip = |(release, at_us, json): (Vec<u8>, i64, String)| {
        Ok(Trip { release, at_us, out: OutwardRecord::read(&json)?, is_touched: false })
    };
    rows.into_iter().rev().map(trip).collect()
}

/// What has returned under a reference, in order: when, and what.
fn returned(
    db: &mut Db,
    reference: &str,
    territory: &Territory,
    except: Option<Uuid>,
) -> Result<Vec<(i64, Outward)>, Error> {
    let ids = storage::trails::returns(db, reference, &territory.states())?;
    let mut rows = storage::releases::standing_of(db, &ids)?;
    rows.retain(|row| except.is_none_or(|except| row.id != except.as_bytes()));
    rows.iter().map(|row| Ok((row.at_us, OutwardRecord::read(&row.outward)?))).collect()
}

/// Goods that have returned are not out any more: each return brings back what left before it.
fn take_back(trips: &mut [Trip], returned: &[(i64, Outward)]) {
    for (at_us, back) in returned {
        let is_one = |trip: &&mut Trip| trip.out.is_first_movement_of(back.movement);
        let any_before = trips.iter_mut().filter(is_one).any(|trip| trip.at_us <= *at_us);
        let left = trips.iter_mut().filter(is_one);
        let left = left.filter(|trip| trip.at_us <= *at_us || !any_before);
        let mut outs = Vec::new();
        for trip in left {
            trip.is_touched = true;
            outs.push(&mut trip.out);
        }
        Outward::take(&mut outs, back);
    }
}

/// Names the deadlines of the first movement to which a declaration's goods return, in whichever State it was.
pub(super) fn claim(
    db: &mut Db,
    declaration: &Declaration,
    claims: &mut Claims,
) -> Result<(), Stop> {
    let Some(reference) = outward(declaration) else { return Ok(()) };
    for (first, ..) in storage::releases::outward(db, reference, None)? {
        claims.name("deadline", uuid(&first)?.to_string().as_bytes());
    }
    Ok(())
}

/// The first movement that a declaration names.
fn outward(declaration: &Declaration) -> Option<&str> {
    declaration.temporary.as_ref()?.outward.as_deref()
}

/// Keeps which first movement a release's goods return to, and until when a first movement's have to.
pub(super) fn follow_return(batch: &mut Batch<'_>, act: &Act<'_>) -> Result<(), Stop> {
    // An override that waits for its confirmation, or was never confirmed, has let nothing through.
    if matches!(act.kind, "override_requested" | "override_expired") {
        return Ok(());
    }
    let is_new = matches!(act.kind, "release" | "override_confirmed");
    let stands = act.row.status == "released";
    let named = outward(act.declaration);
    if !is_new || named.is_some() {
        let before = storage::trails::return_of(batch.db, &act.row.id)?;
        let now = named.filter(|_| stands).map(|reference| (reference, act.row.state.as_str()));
        storage::trails::put_return(batch.db, &act.row.id, now)?;
        for reference in before.as_deref().into_iter().chain(named) {
            settle(batch, reference, &act.row.state)?;
        }
    }
    let first = act.declaration.temporary.is_some()
        && named.is_none()
        && OutwardRecord::read(&act.row.outward)?.is_temporary;
    match (first && stands, is_new) {
        (true, _) => set(batch, act),
        (false, true) => Ok(()),
        (false, false) => {
            batch.settle_deadline(Kind::Return, &uuid(&act.row.id)?.to_string())?;
            Ok(())
        }
    }
}

/// Goods are let through for a time: by when they have to be back (rule 102).
fn set(batch: &mut Batch<'_>, act: &Act<'_>) -> Result<(), Stop> {
    let (lists, declaration) = (Arc::clone(&batch.lists), act.declaration);
    let (state, post) = (country(&act.row.state)?, declaration.border_post);
    let first = OutwardRecord::read(&act.row.outward)?.released_on;
    let released = timestamp(act.row.at_us)?;
    let place = Place::on_day_of(&lists, state, Some(post), released);
    let unlicensed = declaration.items.iter().any(|item| item.licences.is_empty());
    let due = place.return_due(first, declaration.movement, unlicensed);
    let Some(due) = due else { return Ok(()) };
    let (kind, subject) = (Kind::Return, uuid(&act.row.id)?.to_string());
    let known = storage::deadlines::claim(batch.db, kind.as_str(), &subject)?;
    // An amendment may leave out what has not come back yet; it does not ask a second time for the rest.
    if known.is_some_and(|known| known.due_us == due.as_microsecond()) {
        return settle(batch, &act.row.reference, &act.row.state);
    }
    batch.set_deadline(&Deadline {
        kind,
        subject,
        due,
        state,
        post: Some(post),
        profile: place.profile.id,
        about: super::due::about(act.row, declaration)?,
        from: released,
    })?;
    settle(batch, &act.row.reference, &act.row.state)
}

/// What has come back of a first movement: once every firearm and part has, its deadline is done with; where it
/// moved none, with the first return, since rounds may be used. What a correction takes back is out again.
/// Releases under one reference have a deadline each.
fn settle(batch: &mut Batch<'_>, reference: &str, state: &str) -> Result<(), Stop> {
    let territory = Territory::new(country(state)?, &batch.lists, batch.now);
    let mut trips = trips(batch.db, reference, &territory)?;
    trips.retain(|trip| trip.out.is_temporary && !trip.out.is_return);
    let returned = returned(batch.db, reference, &territory, None)?;
    while let Some(first) = trips.first().map(|trip| trip.out.clone()) {
        let mut same: Vec<Trip> =
            trips.extract_if(.., |trip| trip.out.is_of_the_same(&first)).collect();
        take_back(&mut same, &returned);
        for trip in same {
            let subject = uuid(&trip.release)?.to_string();
            if trip.is_touched && !trip.out.is_awaited() {
                batch.settle_deadline(Kind::Return, &subject)?;
            } else {
                storage::deadlines::reopen(batch.db, Kind::Return.as_str(), &subject, batch.now)?;
            }
        }
    }
    Ok(())
}
