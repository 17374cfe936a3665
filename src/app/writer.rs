//! The writer's side of the recorder: one connection, the node's log, and a batch at a time in one
//! transaction. After a failure it takes up whatever the database holds, never what it believed.
use super::Error;
use super::audit_log::LogWriter;
use super::batch::Batch;
use super::batch::Changed;
use super::book::Book;
use super::lists;
use super::recorder::Command;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::stream::Streams;
use super::trust::Trust;
use crate::cache::Cache;
use crate::cache::past::Past;
use crate::clock::Clock;
use crate::clock::Ids;
use crate::config;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use crate::storage::WriteBack;
use parking_lot::RwLock;
use std::sync::Arc;

/// One answer for each command of a batch.
pub(super) type Answers = Vec<Result<Recorded, Error>>;

/// What the writer works with.
pub struct Writer {
    /// Where its connection leads.
    pub settings: config::Database,
    /// Its own connection; none after one has broken, until the next batch.
    pub db: Option<Db>,
    /// What copies the write-ahead log back, where the database has one.
    pub write_back: Option<WriteBack>,
    /// The node's log.
    pub log: LogWriter,
    /// Documents read.
    pub book: Book,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and nonces.
    pub ids: Arc<dyn Ids>,
    /// The lists in force.
    pub lists: Arc<RwLock<Arc<Lists>>>,
    /// The cache, told of every change before anyone is answered.
    pub cache: Arc<Cache>,
    /// Told of every release before it is committed.
    pub past: Arc<Past>,
    /// Whom this service believes.
    pub trust: Arc<Trust>,
    /// Whether other nodes change licences too, and the cache hears of all changes once more.
    pub is_one_of_several: bool,
    /// The streams of alerts, called when something has happened to one.
    pub streams: Arc<Streams>,
    /// Wakes whoever delivers events.
    pub events: Arc<tokio::sync::Notify>,
}

impl Writer {
    /// Records commands in one transaction; they are answered only if it is durable.
    pub(super) fn record(&mut self, commands: &[Box<dyn Command>]) -> storage::Result<Answers> {
        if commands.is_empty() {
            self.log.insist_on_key()?;
            storage::room::insist_beside(&self.settings)?;
        }
        let mut db = self.connection()?;
        let recorded = self.record_on(&mut db, commands);
        self.db = Some(db);
        let (answers, changed) = recorded?;
        self.log.commit();
        self.publish(changed);
        Ok(answers)
    }

    fn record_on(
        &mut self,
        db: &mut Db,
        commands: &[Box<dyn Command>],
    ) -> storage::Result<(Answers, Changed)> {
        let now = self.clock.now();
        storage::transaction(db, |db| {
            let edition = self.log.claim(db)?;
            if commands.is_empty() {
                self.log.touch(db)?;
                storage::room::insist_on_server(db)?;
            }
            let lists = self.lists_in_force(db, edition.as_deref())?;
            let (log, book, ids) = (&mut self.log, &mut self.book, self.ids.as_ref());
            let mut batch = Batch::new(db, log, book, (&self.past, &self.trust), ids, now, lists);
            batch.prepare(commands).map_err(broken)?;
            let mut answers = Vec::with_capacity(commands.len());
            for command in commands {
                answers.push(match batch.run(command.as_ref()) {
                    Ok(recorded) => Ok(recorded),
                    Err(Stop::Refuse(error)) => Err(error),
                    Err(Stop::Broken(error)) => return Err(error),
                });
            }
            let changed = batch.finish()?;
            Ok((answers, changed))
        })
    }

    /// The lists as the database has them: where several nodes share it, another node may have put an
    /// edition in force since this one heard of it.
    fn lists_in_force(&self, db: &mut Db, edition: Option<&str>) -> storage::Result<Arc<Lists>> {
        let known = Arc::clone(&self.lists.read());
        let Some(edition) = edition.filter(|edition| **edition != *known.edition) else {
            return Ok(known);
        };
        match storage::lists::read(db, edition)? {
            None => Ok(known),
            Some(body) => lists::read(&body)
                .map(Arc::new)
                .map_err(|error| storage::Error::Corrupt(format!("the lists in force: {error}"))),
        }
    }

    /// Tells the cache and the lists what has changed, before anyone is answered.
    fn publish(&self, changed: Changed) {
        match changed.sequence.filter(|_| self.is_one_of_several) {
            Some(sequence) => self.cache.publish(sequence, &changed.licences),
            None => {
                for held in &changed.licences {
                    self.cache.replace(held);
                }
            }
        }
        if changed.alerts {
            self.streams.call();
        }
        if changed.told {
            self.events.notify_one();
        }
        if let Some(lists) = changed.lists {
            *self.lists.write() = Arc::new(lists);
        }
    }

    /// The connection, opened again where it broke; the log is then taken up as the database has it.
    fn connection(&mut self) -> storage::Result<Db> {
        if let Some(db) = self.db.take() {
            return Ok(db);
        }
        let mut db = storage::open(&self.settings, storage::Use::Write)?;
        self.log.reload(&mut db)?;
        if let Some(write_back) = &self.write_back {
            write_back.take_over(&mut db)?;
        }
        Ok(db)
    }

    /// What is to be done between two batches, when nobody of the last one waits any more.
    pub(super) fn tidy(&mut self) {
        if let (Some(write_back), Some(db)) = (&self.write_back, &mut self.db) {
            write_back.look(db);
        }
    }

    /// After a batch that was not recorded: what was staged is dropped, and what the database holds is
    /// taken up. Its commit may have been answered by an error and stand all the same.
    pub(super) fn recover(&mut self, error: &storage::Error) {
        self.log.drop_staged();
        self.book.forget();
        // These are noticed before the commit: nothing has changed that the cache was not told of.
        if !matches!(error, storage::Error::Conflict(_) | storage::Error::Unsigned(_)) {
            self.cache.clear();
        }
        let Some(mut db) = self.db.take() else { return };
        let sound = storage::abandon(&mut db).and_then(|()| self.log.reload(&mut db));
        match sound {
            Ok(()) => self.db = Some(db),
            Err(error) => tracing::warn!(%error, "the writer's connection is opened again"),
        }
    }
}

fn broken(stop: Stop) -> storage::Error {
    match stop {
        Stop::Broken(error) => error,
        Stop::Refuse(error) => storage::Error::Bug(format!("what it rests on: {error}")),
    }
}
