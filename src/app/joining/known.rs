//! What is new of a post's log beside what is known here already, asked before anything is written: every
//! identifier is new, and each release is of a verdict of this very log and of what was declared there.
use super::Beside;
use super::Entry;
use crate::app::Error;
use crate::app::batch::Batch;
use crate::app::recorder::Stop;
use crate::app::replay::nonce;
use crate::app::replay::text;
use crate::audit::entry::salted;
use crate::storage;
use crate::wire::FieldError;
use std::collections::HashMap;
use std::collections::HashSet;
use uuid::Uuid;

/// Whether all of it can be taken in; `before` entries of the request stand before what is new.
pub(super) fn fits(
    batch: &mut Batch<'_>,
    log: &str,
    new: &[Entry],
    before: usize,
) -> Result<(), Stop> {
    let mut declared: HashMap<Uuid, &str> = HashMap::new();
    let mut released: HashSet<Uuid> = HashSet::new();
    for (entry, place) in new.iter().zip(before..) {
        let bad = |code: &str, words: String| -> Stop {
            Error::Invalid(vec![FieldError::new(format!("/entries/{place}"), code, words)]).into()
        };
        match &entry.beside {
            Beside::Nothing => {}
            Beside::Verdict(verdict) => {
                let id = crate::app::release::uuid(&verdict.row.id)?;
                let is_known = storage::verifications::read(batch.db, id)?.is_some();
                if is_known || declared.insert(id, &verdict.row.declaration).is_some() {
                    return Err(bad("duplicate", format!("verification {id} is there already")));
                }
            }
            Beside::Release { id, verification, .. } => {
                let is_known = storage::releases::read(batch.db, *id)?.is_some();
                if is_known || !released.insert(*id) {
                    return Err(bad("duplicate", format!("release {id} is there already")));
                }
                let earlier = match declared.get(verification) {
                    Some(_) => None,
                    None => storage::verifications::entered(batch.db, *verification)?
                        .filter(|(_, of, _)| of == log)
                        .map(|(row, ..)| row.declaration),
                };
                let declared = declared.get(verification).copied().or(earlier.as_deref());
                let Some(declared) = declared else {
                    let words = format!("verification {verification} is not one of this log");
                    return Err(bad("not_of_this_log", words));
                };
                if !is_content(entry, declared) {
                    let words = format!("it is not of what verification {verification} declares");
                    return Err(bad("digest_differs", words));
                }
            }
        }
    }
    Ok(())
}

fn is_content(entry: &Entry, declared: &str) -> bool {
    nonce(text(&entry.body, "nonce")).is_some_and(|nonce| {
        salted(nonce, declared.as_bytes()) == text(&entry.body, "content_sha256")
    })
}
