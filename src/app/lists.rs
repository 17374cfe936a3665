//! The reference lists: an authority puts a new edition in force; the edition is named in every
//! record, and none is ever lost.
use super::App;
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::record::Actor;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::Timestamp;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use serde::Serialize;

/// The lists that come with the service.
pub const BUILT_IN: &str = include_str!("../../data/lists.json");

/// Reads a document of lists.
pub fn read(body: &str) -> Result<Lists, Error> {
    crate::wire::lists::read(body.as_bytes()).map_err(Error::Invalid)
}

/// The edition in force; on a new database the one that comes with the service is put in force.
pub fn in_force(db: &mut Db, now: Timestamp) -> Result<Lists, Error> {
    if let Some((_, body)) = storage::lists::latest(db)? {
        return read(&body);
    }
    let lists = read(BUILT_IN)?;
    storage::lists::put(db, &lists.edition, BUILT_IN, "built in", now)?;
    Ok(lists)
}

#[derive(Serialize)]
struct ListsEntry<'a> {
    edition: &'a str,
    actor: Actor,
}

#[derive(Serialize)]
struct ListsReply<'a> {
    edition: &'a str,
}

struct Load {
    body: String,
    lists: Lists,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Load {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("lists", b"");
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        // Records name the edition that they rest on, so its words never change.
        let edition = &self.lists.edition;
        if storage::lists::read(batch.db, edition)?.is_some_and(|body| body != self.body) {
            let words = format!("edition {edition} of the lists stands in other words");
            return Err(Error::Stale(words).into());
        }
        let nonce = batch.ids.nonce();
        storage::lists::put(
            batch.db,
            &self.lists.edition,
            &self.body,
            &self.caller.key(),
            batch.now,
        )?;
        let entry =
            ListsEntry { edition: &self.lists.edition, actor: Actor::new(&self.caller, nonce) };
        batch.enter("lists", nonce, &entry)?;
        let reply = json(&ListsReply { edition: &self.lists.edition })?;
        batch.put_lists(self.lists.clone());
        Ok(Recorded { outcome: Done::Done, reply, version: None })
    }
}

impl App {
    /// Puts an edition of the lists in force; only the authority of the node's own State may.
    pub async fn load_lists(
        &self,
        caller: &Caller,
        body: String,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        if caller.state.as_str() != self.config.node.state {
            return Err(Error::Forbidden(
                "the lists are kept by the authority of this service's own State",
            ));
        }
        let lists = read(&body)?;
        self.recorder.submit(Box::new(Load { body, lists, caller: caller.clone(), once })).await
    }

    /// The edition in force, as it was loaded.
    pub async fn lists_in_force(&self) -> Result<String, Error> {
        let latest = self.readers.read(storage::lists::latest).await?;
        Ok(latest.ok_or(Error::NotFound)?.1)
    }
}
