//! What a post that was cut off brings back: pieces of its log with what is kept beside them, as the register
//! takes them in. It only reads.
use super::Error;
use super::replay::records_verdict;
use super::replay::text;
use crate::domain::Quantity;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::LogRow;
use crate::wire::post::RETURN_ENTRIES_MAX;
use crate::wire::post::ReturnRequest;
use crate::wire::post::ReturnedDraw;
use crate::wire::post::ReturnedRelease;
use crate::wire::post::ReturnedVerdict;
use serde_json::Value;

/// Bytes after which a piece ends with the next checkpoint.
const PIECE_BYTES: usize = 8 * 1024 * 1024;
/// Entries after which it does: all that one transaction signs fits beside them.
const PIECE_ENTRIES: usize = RETURN_ENTRIES_MAX / 4;

/// The log of this post.
pub fn own_log(db: &mut Db, origin: &str) -> Result<LogRow, Error> {
    let row = storage::log::by_origin(db, origin)?;
    row.ok_or_else(|| Error::Stale(format!("nothing has been recorded in {origin} yet")))
}

/// The next piece of a log from an entry on, up to a size that was signed; nothing where there is no more.
pub fn piece(db: &mut Db, row: &LogRow, from: u64) -> Result<Option<ReturnRequest>, Error> {
    let size = u64::try_from(row.size).unwrap_or_default();
    if from >= size {
        return Ok(None);
    }
    let mut piece =
        ReturnRequest { log: Some(row.origin.clone()), from, ..ReturnRequest::default() };
    let mut bytes = 0;
    let (mut at, most) = (from, u64::try_from(RETURN_ENTRIES_MAX).unwrap_or(u64::MAX));
    for (upto, note) in storage::log::checkpoints(db, row.id, from, size.min(from + most))? {
        let upto = u64::try_from(upto).unwrap_or_default();
        let count = i64::try_from(upto - at).unwrap_or_default();
        for (index, body) in storage::log::entries(db, row.id, at, count)? {
            bytes += add(db, row.id, index, body, &mut piece)?;
        }
        piece.checkpoints.push(note);
        at = upto;
        if bytes > PIECE_BYTES || piece.entries.len() >= PIECE_ENTRIES {
            break;
        }
    }
    if piece.checkpoints.is_empty() {
        let words = format!("log {} has no checkpoint after entry {from}", row.origin);
        return Err(Error::Internal(words));
    }
    Ok(Some(piece))
}

/// Adds an entry; gives how many bytes it brings with it.
fn add(
    db: &mut Db,
    log_id: i64,
    index: i64,
    body: Vec<u8>,
    piece: &mut ReturnRequest,
) -> Result<usize, Error> {
    let broken = |words: &str| Error::Internal(format!("entry {index}: {words}"));
    let entry: Value = serde_json::from_slice(&body).map_err(|error| broken(&error.to_string()))?;
    let place = u64::try_from(index).map_err(|_e| broken("its index"))?;
    let mut bytes = body.len();
    if records_verdict(&entry) {
        let row = storage::verifications::by_entry(db, log_id, index)?;
        let row = row.ok_or_else(|| broken("the record that it names is gone"))?;
        bytes += row.declaration.len() + row.facts.len() + row.reply.len();
        piece.verdicts.push(ReturnedVerdict {
            index: place,
            caller: row.caller,
            declaration: row.declaration,
            facts: row.facts,
            reply: row.reply,
        });
    } else if text(&entry, "kind") == "release" {
        let id = text(&entry, "release").parse().map_err(|_e| broken("its release"))?;
        let row = storage::releases::read(db, id)?;
        let row = row.ok_or_else(|| broken("its release is gone"))?;
        let mut draws = Vec::new();
        for draw in storage::releases::draws(db, &row.id)? {
            draws.push(ReturnedDraw {
                item: u32::try_from(draw.item).map_err(|_e| broken("an item"))?,
                licence: storage::licences::number(db, draw.licence_id)?,
                line: u32::try_from(draw.line).map_err(|_e| broken("a line"))?,
                quantity: Quantity::from_micros(draw.drawn)
                    .ok_or_else(|| broken("a quantity"))?
                    .to_string(),
            });
        }
        in_order_of_entry(&entry, &mut draws);
        bytes += draws.len() * 100;
        piece.releases.push(ReturnedRelease { index: place, caller: row.caller, draws });
    }
    let body = String::from_utf8(body).map_err(|_e| broken("it is not text"))?;
    piece.entries.push(body);
    Ok(bytes)
}

/// The draws in the order in which the entry lists them, those that it had no room for at the end.
fn in_order_of_entry(entry: &Value, draws: &mut [ReturnedDraw]) {
    let listed: Vec<(u64, &str, u64)> = entry
        .get("draws")
        .and_then(Value::as_array)
        .map(|draws| {
            let number = |draw: &Value, field| draw.get(field).and_then(Value::as_u64);
            draws
                .iter()
                .map(|draw| {
                    let (item, line) = (number(draw, "item"), number(draw, "line"));
                    (item.unwrap_or_default(), text(draw, "licence"), line.unwrap_or_default())
                })
                .collect()
        })
        .unwrap_or_default();
    draws.sort_by_key(|draw| {
        let same = |of: &(u64, &str, u64)| {
            of.0 == u64::from(draw.item) && of.1 == draw.licence && of.2 == u64::from(draw.line)
        };
        listed.iter().position(same).unwrap_or(usize::MAX)
    });
}
