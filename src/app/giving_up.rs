//! At a post that may be cut off: giving back what was set aside. It is an entry of the post's own log, so that the
//! register sees in which order it and the releases were made.
use super::App;
use super::Error;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::cut_off::resting;
use super::judge::json;
use super::licences::write_lines;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::storage;
use crate::storage::Db;
use serde::Serialize;
use std::sync::Arc;

/// The kind of the entry by which a post gives back what was set aside for it.
pub(super) const GIVEN_UP: &str = "allowances_given_up";

/// What the post's log says once it has given everything back: nothing is released on it any more.
#[derive(Serialize)]
struct GivenUpEntry<'a> {
    snapshot: String,
    allowances: Vec<String>,
    actor: Actor,
    states: [&'a str; 1],
}

struct GiveUp {
    state: String,
}

impl Command for GiveUp {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn is_for_cut_off(&self) -> bool {
        true
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let Some(mut kept) = resting(batch.db)?.filter(|kept| !kept.allowances.is_empty()) else {
            let reply = json(&None::<u64>)?;
            return Ok(Recorded { outcome: Done::Done, reply, version: None });
        };
        batch.read_licences(&kept.licences)?;
        for number in &kept.licences {
            let Some(entry) = batch.licence(number).cloned() else { continue };
            let mut standing = entry.held.standing.clone();
            for drawn in &mut standing.drawn {
                let line = entry.held.licence.line(drawn.line);
                let authorised = line.map(|line| line.quantity).unwrap_or_default();
                drawn.reserved = authorised.saturating_minus(drawn.consumed);
            }
            let lines = entry.held.licence.lines.iter();
            let drawn: Vec<Drawn> = lines.map(|line| standing.of(line.line)).collect();
            write_lines(batch, entry.id, &entry.held.licence, &drawn, GIVEN_UP)?;
            let held = Held { licence: Arc::clone(&entry.held.licence), standing };
            batch.put_licence(book::Entry { held, ..entry });
        }
        storage::allowances::free_all_serials(batch.db)?;
        let nonce = batch.ids.nonce();
        let entry = GivenUpEntry {
            snapshot: kept.id.to_string(),
            allowances: kept.allowances.iter().map(ToString::to_string).collect(),
            actor: Actor::service(&self.state, nonce),
            states: [&self.state],
        };
        let index = batch.enter(GIVEN_UP, nonce, &entry)?;
        kept.allowances.clear();
        kept.licences.clear();
        kept.given_up = Some(index);
        storage::posts::change_snapshot(batch.db, &json(&kept)?)?;
        Ok(Recorded { outcome: Done::Created, reply: json(&Some(index))?, version: None })
    }
}

impl App {
    /// Gives back what was set aside for this post: nothing more is released on it.
    pub fn give_up_allowances(&self) -> Result<Recorded, Error> {
        let (_, state) = self.own_post()?;
        self.recorder.submit_blocking(Box::new(GiveUp { state }))
    }
}
