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

/// The first movement to which goods return that name a reference and a State: what every release there let
/// through that can be one, less what has returned before; where none can, the latest, for the rules to say so.
pub(super) fn first_movement(
    db: &mut Db,
    (reference, state): (&str, &str),
    back: Movement,
    except: Option<Uuid>,
) -> Result<Option<Outward>, Error> {
    let (mut first, mut other): (Option<Outward>, Option<Outward>) = (None, None);
    for (_, json) in storage::releases::outward(db, reference, state)? {
        let of = OutwardRecord::read(&json)?;
        match &mut first {
            _ if !of.is_first_movement_of(back) => {
                other.get_or_insert(of);
            }
            None => first = Some(of),
            Some(first) => first.add(of),
        }
    }
    if let Some(first) = &mut first {
        still_out(db, reference, state, except, first)?;
    }
    Ok(first.or(other))
}

/// Goods of a first movement that have returned before are not out any more; says whether
/// anything has.
fn still_out(
    db: &mut Db,
    reference: &str,
    state: &str,
    except: Option<Uuid>,
    outward: &mut Outward,
) -> Result<bool, Error> {
    let mut any = false;
    let ids = storage::trails::returns(db, reference, state)?;
    for row in storage::releases::standing_of(db, &ids)? {
        let back = OutwardRecord::read(&row.outward)?;
        if except.is_some_and(|except| row.id == except.as_bytes())
            || !outward.is_first_movement_of(back.movement)
        {
            continue;
        }
        any = true;
        outward.take(&back);
    }
    Ok(any)
}

/// Names the deadlines of the first movement to which a declaration's goods return.
pub(super) fn claim(
    db: &mut Db,
    declaration: &Declaration,
    state: &str,
    claims: &mut Claims,
) -> Result<(), Stop> {
    let Some(reference) = outward(declaration) else { return Ok(()) };
    for (first, _) in storage::releases::outward(db, reference, state)? {
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
    let first = act.declaration.temporary.is_some() && named.is_none();
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
    for (first, json) in storage::releases::outward(batch.db, reference, state)? {
        let mut outward = OutwardRecord::read(&json)?;
        if !outward.is_temporary || outward.is_return {
            continue;
        }
        let any = still_out(batch.db, reference, state, None, &mut outward)?;
        let subject = uuid(&first)?.to_string();
        if any && !outward.is_awaited() {
            batch.settle_deadline(Kind::Return, &subject)?;
        } else {
            storage::deadlines::reopen(batch.db, Kind::Return.as_str(), &subject, batch.now)?;
        }
    }
    Ok(())
}
