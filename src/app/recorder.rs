//! The one door through which state changes. A single writer takes what waits, decides each
//! command on the database's own rows in one transaction together with the audit entries, commits,
//! and only then answers everyone. A full queue turns callers away; it never drops.
use super::Error;
use super::audit_log::LogWriter;
use super::batch::Batch;
use super::batch::Changed;
use super::batch::Keeper;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::clock::Ids;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use parking_lot::RwLock;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// How an act ended, and the reply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What happened.
    pub outcome: Done,
    /// The reply, JSON.
    pub reply: String,
    /// The version of the object, for an `ETag`.
    pub version: Option<u32>,
}

/// What an act did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Done,
    /// It made a new object.
    Created,
    /// It was decided again and no longer clears; the reply is the verdict.
    Refused,
}

impl Done {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Created => "created",
            Self::Refused => "refused",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Done, Self::Created, Self::Refused].into_iter().find(|done| done.as_str() == text)
    }
}

/// Why a command did not end in a reply.
#[derive(Debug)]
pub enum Stop {
    /// The command is refused; the others of the batch stand. Nothing may have been written.
    Refuse(Error),
    /// The database failed; the whole batch is rolled back.
    Broken(storage::Error),
}

impl From<storage::Error> for Stop {
    fn from(error: storage::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if let Error::Storage(error) = error { Self::Broken(error) } else { Self::Refuse(error) }
    }
}

/// A request that is made only once under a caller's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Who asks.
    pub caller: String,
    /// The caller's key.
    pub key: String,
    /// Digest of the request.
    pub request_sha256: [u8; 32],
}

/// Something that changes state.
pub trait Command: Send {
    /// The idempotency key, where the caller gave one.
    fn once(&self) -> Option<&Once>;
    /// Decides on the rows and writes what follows. It refuses before it writes, or not at all.
    fn decide(self: Box<Self>, batch: &mut Batch<'_>) -> Result<Recorded, Stop>;
}

struct Job {
    command: Box<dyn Command>,
    answer: oneshot::Sender<Result<Recorded, Error>>,
}

/// Counts for the metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Batches committed.
    pub batches: AtomicU64,
    /// Commands committed.
    pub commands: AtomicU64,
    /// Callers turned away by a full queue.
    pub turned_away: AtomicU64,
}

/// What the writer works with.
pub struct Writer {
    /// Its own connection.
    pub db: Db,
    /// The node's log.
    pub log: LogWriter,
    /// Documents read.
    pub keeper: Keeper,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and nonces.
    pub ids: Arc<dyn Ids>,
    /// The lists in force.
    pub lists: Arc<RwLock<Arc<Lists>>>,
    /// The cache, told of every change before anyone is answered.
    pub cache: Arc<Cache>,
}

/// The handle by which commands are given to the writer.
pub struct Recorder {
    queue: RwLock<Option<Sender<Job>>>,
    thread: parking_lot::Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Counts for the metrics.
    pub counts: Arc<Counts>,
    fenced: Arc<AtomicBool>,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(
        writer: Writer,
        queue_commands_max: usize,
        batch_commands_max: usize,
    ) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded(queue_commands_max);
        let counts = Arc::new(Counts::default());
        let fenced = Arc::new(AtomicBool::new(false));
        let run = Run {
            writer,
            receiver,
            batch_commands_max,
            counts: Arc::clone(&counts),
            fenced: Arc::clone(&fenced),
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || run.run())
            .map_err(|error| Error::Internal(format!("the writer cannot start: {error}")))?;
        Ok(Self {
            queue: RwLock::new(Some(sender)),
            thread: parking_lot::Mutex::new(Some(thread)),
            counts,
            fenced,
        })
    }

    /// Gives a command to the writer and waits until it is durable.
    pub async fn submit(&self, command: Box<dyn Command>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job { command, answer })?;
        answered
            .await
            .unwrap_or(Err(Error::Unavailable("the writer stopped; ask again under the same key")))
    }

    /// Gives a command to the writer from a thread that may wait.
    pub fn submit_blocking(&self, command: Box<dyn Command>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job { command, answer })?;
        answered
            .blocking_recv()
            .unwrap_or(Err(Error::Unavailable("the writer stopped; ask again under the same key")))
    }

    fn enqueue(&self, job: Job) -> Result<(), Error> {
        match self.queue.read().as_ref().map(|queue| queue.try_send(job)) {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => {
                self.counts.turned_away.fetch_add(1, Ordering::Relaxed);
                Err(Error::Unavailable("too many requests are waiting to be recorded"))
            }
            Some(Err(TrySendError::Disconnected(_))) | None => {
                Err(Error::Unavailable("the service is stopping"))
            }
        }
    }

    /// Commands that wait.
    pub fn waiting(&self) -> usize {
        self.queue.read().as_ref().map_or(0, Sender::len)
    }

    /// Whether this node has lost its log to another and decides nothing any more.
    pub fn is_fenced(&self) -> bool {
        self.fenced.load(Ordering::SeqCst)
    }

    /// Takes no more commands, finishes those that wait, and stops the writer.
    pub fn stop(&self) {
        self.queue.write().take();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer ended in a panic");
        }
    }
}

/// The writer's loop.
struct Run {
    writer: Writer,
    receiver: Receiver<Job>,
    batch_commands_max: usize,
    counts: Arc<Counts>,
    fenced: Arc<AtomicBool>,
}

impl Run {
    fn run(mut self) {
        let mut jobs = Vec::with_capacity(self.batch_commands_max);
        while let Ok(first) = self.receiver.recv() {
            jobs.push(first);
            while jobs.len() < self.batch_commands_max {
                match self.receiver.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            self.batch(&mut jobs);
        }
    }

    /// Records one batch and answers everyone in it.
    fn batch(&mut self, jobs: &mut Vec<Job>) {
        let (commands, waiting): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|job| (job.command, job.answer)).unzip();
        let count = commands.len();
        let decided = if self.fenced.load(Ordering::SeqCst) {
            Err(storage::Error::Conflict("this node has lost its log".to_owned()))
        } else {
            // A panic in one command must not end the service; the transaction is rolled back.
            std::panic::catch_unwind(AssertUnwindSafe(|| self.writer.record(commands)))
                .unwrap_or_else(|_| Err(storage::Error::Bug("a command panicked".to_owned())))
        };
        match decided {
            Ok((answers, changed)) => {
                self.writer.log.commit();
                self.writer.publish(changed);
                self.counts.batches.fetch_add(1, Ordering::Relaxed);
                self.counts
                    .commands
                    .fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
                for (answer, waiting) in answers.into_iter().zip(waiting) {
                    // A caller that has hung up finds the act under its key.
                    let _ = waiting.send(answer);
                }
            }
            Err(error) => self.give_up(&error, waiting),
        }
    }

    fn give_up(
        &mut self,
        error: &storage::Error,
        waiting: Vec<oneshot::Sender<Result<Recorded, Error>>>,
    ) {
        tracing::error!(%error, commands = waiting.len(), "a batch was not recorded");
        if matches!(error, storage::Error::Conflict(_)) && !self.writer.still_owns_log() {
            self.fenced.store(true, Ordering::SeqCst);
        }
        self.writer.recover();
        for answer in waiting {
            let _ = answer.send(Err(match error {
                storage::Error::Conflict(_) => {
                    Error::Unavailable("this node no longer owns its log")
                }
                storage::Error::Unavailable(_) => {
                    Error::Unavailable("the database does not answer")
                }
                storage::Error::Corrupt(words) | storage::Error::Bug(words) => {
                    Error::Internal(words.clone())
                }
            }));
        }
    }
}

/// One answer for each command of a batch.
type Answers = Vec<Result<Recorded, Error>>;

impl Writer {
    fn record(&mut self, commands: Vec<Box<dyn Command>>) -> storage::Result<(Answers, Changed)> {
        let lists = Arc::clone(&self.lists.read());
        let now = self.clock.now();
        let (log, keeper, ids) = (&mut self.log, &mut self.keeper, self.ids.as_ref());
        storage::transaction(&mut self.db, |db| {
            let mut batch = Batch::new(db, log, keeper, ids, now, lists);
            let mut answers = Vec::with_capacity(commands.len());
            for command in commands {
                answers.push(match batch.run(command) {
                    Ok(recorded) => Ok(recorded),
                    Err(Stop::Refuse(error)) => Err(error),
                    Err(Stop::Broken(error)) => return Err(error),
                });
            }
            let changed = batch.finish()?;
            Ok((answers, changed))
        })
    }

    /// Tells the cache and the lists what has changed, before anyone is answered.
    fn publish(&self, changed: Changed) {
        for held in changed.licences {
            self.cache.replace(&held);
        }
        if let Some(lists) = changed.lists {
            *self.lists.write() = Arc::new(lists);
        }
    }

    fn still_owns_log(&mut self) -> bool {
        self.log.is_current(&mut self.db).unwrap_or(true)
    }

    /// After a batch that was rolled back: what was staged is dropped and read again.
    fn recover(&mut self) {
        if let Err(error) = storage::abandon(&mut self.db) {
            tracing::error!(%error, "an open transaction could not be abandoned");
        }
        if let Err(error) = self.log.rollback(&mut self.db) {
            tracing::error!(%error, "the log cannot be read again");
        }
        self.keeper.forget();
        self.cache.clear();
    }
}
