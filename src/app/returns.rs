//! Goods that return: what has come back of a first movement before is not out any more (rule 103).
use super::Error;
use super::batch::Batch;
use super::outward::OutwardRecord;
use super::recorder::Stop;
use super::release::Act;
use crate::domain::serial::Serial;
use crate::rules::case::Outward;
use crate::storage;
use crate::storage::Db;
use std::collections::HashSet;
use uuid::Uuid;

/// Rounds and firearms of a first movement that have returned before are not out any more.
pub(super) fn still_out(
    db: &mut Db,
    reference: &str,
    state: &str,
    except: Option<Uuid>,
    outward: &mut Outward,
) -> Result<(), Error> {
    let ids = storage::trails::returns(db, reference, state)?;
    for row in storage::releases::standing_of(db, &ids)? {
        if except.is_some_and(|except| row.id == except.as_bytes()) {
            continue;
        }
        let back = OutwardRecord::read(&row.outward)?;
        outward.rounds = outward.rounds.saturating_minus(back.rounds);
        let here: HashSet<Serial> = back.serials.into_iter().collect();
        outward.serials.retain(|serial| !here.contains(serial));
    }
    Ok(())
}

/// Keeps which first movement a release's goods return to.
pub(super) fn follow_return(batch: &mut Batch<'_>, act: &Act<'_>) -> Result<(), Stop> {
    let temporary = act.declaration.temporary.as_ref();
    let outward = temporary.and_then(|temporary| temporary.outward.as_ref());
    if act.kind == "release" && outward.is_none() {
        return Ok(());
    }
    let stands = outward.filter(|_| act.row.status == "released");
    let named = stands.map(|reference| (reference.as_str(), act.row.state.as_str()));
    Ok(storage::trails::put_return(batch.db, &act.row.id, named)?)
}
