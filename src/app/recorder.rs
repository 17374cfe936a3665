//! The one door through which state changes. A single writer takes what waits, decides each
//! command on the database's own rows in one transaction together with the audit entries, commits,
//! and only then answers everyone. A full queue turns callers away; it never drops.
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::writer::Answers;
use super::writer::Writer;
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
use std::time::Duration;
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
    /// Names what it will decide on.
    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop>;
    /// Decides on the rows and writes what follows. It refuses before it writes, or not at all. Where
    /// another node came in between, the whole batch is decided again.
    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop>;
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
    /// Batches decided again because another node came in between.
    pub again: AtomicU64,
    /// Callers turned away by a full queue.
    pub turned_away: AtomicU64,
}

/// How often a batch is decided before its callers are asked to come again.
const ATTEMPTS_MAX: u32 = 8;

/// The handle by which commands are given to the writer.
pub struct Recorder {
    queue: RwLock<Option<Sender<Job>>>,
    thread: parking_lot::Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Counts for the metrics.
    pub counts: Arc<Counts>,
    fenced: Arc<AtomicBool>,
    within: Duration,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(writer: Writer, settings: &crate::config::Recorder) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded(settings.queue_commands_max);
        let counts = Arc::new(Counts::default());
        let fenced = Arc::new(AtomicBool::new(false));
        let run = Run {
            writer,
            receiver,
            batch_commands_max: settings.batch_commands_max,
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
            within: Duration::from_millis(settings.answer_within_ms),
        })
    }

    /// Gives a command to the writer and waits until it is durable.
    pub async fn submit(&self, command: Box<dyn Command>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job { command, answer })?;
        match tokio::time::timeout(self.within, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                Err(Error::Unavailable("the writer stopped; ask again under the same key"))
            }
            // It may be recorded yet: the key tells.
            Err(_) => Err(Error::Unavailable("not recorded in time; ask again under the same key")),
        }
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
        match self.decided(&commands) {
            Ok(answers) => {
                self.counts.batches.fetch_add(1, Ordering::Relaxed);
                self.counts
                    .commands
                    .fetch_add(u64::try_from(commands.len()).unwrap_or(0), Ordering::Relaxed);
                for (answer, waiting) in answers.into_iter().zip(waiting) {
                    // A caller that has hung up finds the act under its key.
                    let _ = waiting.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, commands = waiting.len(), "a batch was not recorded");
                for waiting in waiting {
                    let _ = waiting.send(Err(told(&error)));
                }
            }
        }
    }

    /// Decides a batch, again where another node came in between.
    fn decided(&mut self, commands: &[Box<dyn Command>]) -> storage::Result<Answers> {
        let mut attempt = 1;
        loop {
            if self.fenced.load(Ordering::SeqCst) {
                return Err(storage::Error::Fenced("it stopped deciding".to_owned()));
            }
            // A panic in one command must not end the service; the transaction is rolled back.
            let error =
                match std::panic::catch_unwind(AssertUnwindSafe(|| self.writer.record(commands))) {
                    Ok(Ok(answers)) => return Ok(answers),
                    Ok(Err(error)) => error,
                    Err(_) => storage::Error::Bug("a command panicked".to_owned()),
                };
            self.writer.recover();
            if let storage::Error::Conflict(words) = &error
                && attempt < ATTEMPTS_MAX
            {
                tracing::debug!(%words, attempt, "a batch begins again");
                self.counts.again.fetch_add(1, Ordering::Relaxed);
                attempt += 1;
                continue;
            }
            if matches!(error, storage::Error::Fenced(_)) {
                self.fenced.store(true, Ordering::SeqCst);
            }
            return Err(error);
        }
    }
}

/// What the callers of a batch are told that was not recorded.
fn told(error: &storage::Error) -> Error {
    match error {
        storage::Error::Fenced(_) => Error::Unavailable("this node no longer owns its log"),
        storage::Error::Conflict(_) => {
            Error::Unavailable("other nodes came in between; ask again under the same key")
        }
        storage::Error::Unavailable(_) => Error::Unavailable("the database does not answer"),
        storage::Error::Corrupt(words) | storage::Error::Bug(words) => {
            Error::Internal(words.clone())
        }
    }
}
