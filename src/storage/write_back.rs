//! Copying the embedded database's write-ahead log back to its place. Left to itself the database does
//! so in the middle of a commit, and everyone who waits for that commit waits for a thousand pages as
//! well. Here a thread of its own copies while the writer goes on. What has been written meanwhile is
//! little, and the writer copies it between two batches, so that the log begins anew and does not grow.
use super::Db;
use super::Result;
use super::open::Use;
use super::open::open;
use crate::config;
use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// When what is copied, in pages of the log.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// From so many on the thread copies.
    copied_from: i64,
    /// So few the writer copies itself.
    last_few: i64,
    /// At so many the writer copies whatever there is: where the thread cannot keep up, everyone waits rather
    /// than that the disk fills.
    log_max: i64,
}

const BOUNDS: Bounds = Bounds { copied_from: 1000, last_few: 250, log_max: 8000 };

/// How often the writer looks whether the thread is done, where it waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How far the log has got, and how much of it stands in its place.
#[derive(diesel::QueryableByName)]
struct Pages {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    log: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    checkpointed: i64,
}

/// The thread that copies, as the writer sees it.
pub struct WriteBack {
    /// Nothing once it ends.
    wake: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    is_copying: Arc<AtomicBool>,
    bounds: Bounds,
}

impl WriteBack {
    /// Starts the thread; it ends with this. A server looks after itself, and there is none.
    pub fn start(settings: &config::Database, writer: &mut Db) -> Result<Option<Self>> {
        Self::within(BOUNDS, settings, writer)
    }

    fn within(
        bounds: Bounds,
        settings: &config::Database,
        writer: &mut Db,
    ) -> Result<Option<Self>> {
        if writer.is_shared() {
            return Ok(None);
        }
        let mut db = open(settings, Use::Write)?;
        let (wake, woken) = crossbeam_channel::bounded(1);
        let is_copying = Arc::new(AtomicBool::new(false));
        let copying = Arc::clone(&is_copying);
        let thread = std::thread::Builder::new()
            .name("write-back".to_owned())
            .spawn(move || run(&mut db, &woken, &copying))
            .map_err(|error| super::Error::Bug(format!("the copying cannot start: {error}")))?;
        let started = Self { wake: Some(wake), thread: Some(thread), is_copying, bounds };
        started.take_over(writer)?;
        Ok(Some(started))
    }

    /// Has a connection leave the copying to this.
    pub fn take_over(&self, writer: &mut Db) -> Result<()> {
        Ok(writer.batch_execute("PRAGMA wal_autocheckpoint=0;")?)
    }

    /// Looks, between two batches, whether there is something to copy.
    pub fn look(&self, writer: &mut Db) {
        if let Err(error) = self.try_look(writer) {
            tracing::warn!(%error, "the write-ahead log cannot be copied back");
        }
    }

    fn try_look(&self, writer: &mut Db) -> Result<()> {
        let Pages { log, checkpointed } = ask(writer, "NOOP")?;
        if log < self.bounds.copied_from {
            return Ok(());
        }
        if log >= self.bounds.log_max {
            self.wait();
        }
        if self.is_copying() {
            return Ok(());
        }
        if log - checkpointed <= self.bounds.last_few || log >= self.bounds.log_max {
            ask(writer, "PASSIVE")?;
        } else {
            self.is_copying.store(true, Ordering::Release);
            // Full: it has been woken already. Closed: it has ended, and so has the service.
            let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
        }
        Ok(())
    }

    fn is_copying(&self) -> bool {
        let runs = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        runs && self.is_copying.load(Ordering::Acquire)
    }

    /// Waits for what the thread copies, for two cannot copy at once.
    fn wait(&self) {
        while self.is_copying() {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for WriteBack {
    /// Waits for the thread: its connection must be closed before others open the file, who would find it locked.
    fn drop(&mut self) {
        self.wake.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the copying ended in a panic");
        }
    }
}

fn run(db: &mut Db, woken: &Receiver<()>, is_copying: &AtomicBool) {
    while woken.recv().is_ok() {
        if let Err(error) = ask(db, "PASSIVE") {
            tracing::warn!(%error, "the write-ahead log is not copied back");
        }
        is_copying.store(false, Ordering::Release);
    }
}

fn ask(db: &mut Db, mode: &str) -> Result<Pages> {
    Ok(diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(db)?)
}

#[cfg(test)]
mod tests;
