//! The one door through which state changes. A single writer takes what waits, decides each
//! command on the database's own rows in one transaction together with the audit entries, commits,
//! and only then answers everyone. A full queue turns callers away; it never drops.
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::sha256;
use super::run::Job;
use super::run::Run;
use super::run::State;
use super::run::Teller;
use super::writer::Writer;
use crate::storage;
use crate::storage::Db;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
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

impl Once {
    /// By what the register knows the request again.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(self.caller.len() + self.key.len() + 1);
        bytes.extend_from_slice(self.caller.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.key.as_bytes());
        sha256(&bytes)
    }
}

/// Digest of a request, for its idempotency key.
pub fn request_digest(route: &str, body: &[u8]) -> [u8; 32] {
    let mut bytes = route.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(body);
    sha256(&bytes)
}

/// Something that changes state.
pub trait Command: Send {
    /// The idempotency key, where the caller gave one.
    fn once(&self) -> Option<&Once>;
    /// Names what it will decide on.
    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop>;
    /// Whether a post that is cut off from the register may do it.
    fn is_for_cut_off(&self) -> bool {
        false
    }
    /// Whether it has the batch hold back the rows of its release, and before it reads of releases has
    /// `Batch::let_be_seen` write down what it could see.
    fn holds_back(&self) -> bool {
        false
    }
    /// Decides on the rows and writes what follows. It refuses before it writes, or not at all. Where
    /// another node came in between, the whole batch is decided again.
    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop>;
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

/// How long the service waits on stopping for what has been taken in.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The handle by which commands are given to the writer.
pub struct Recorder {
    queue: RwLock<Option<Sender<Job>>>,
    thread: parking_lot::Mutex<Option<std::thread::JoinHandle<()>>>,
    /// Counts for the metrics.
    pub counts: Arc<Counts>,
    state: Arc<State>,
    within: Duration,
}

impl Recorder {
    /// Starts the writer.
    pub fn start(writer: Writer, settings: &crate::config::Recorder) -> Result<Self, Error> {
        let (sender, receiver) = crossbeam_channel::bounded(settings.queue_commands_max);
        let counts = Arc::new(Counts::default());
        let state = Arc::new(State::new());
        let within = Duration::from_millis(settings.answer_within_ms);
        let run = Run {
            writer,
            receiver,
            batch_commands_max: settings.batch_commands_max,
            counts: Arc::clone(&counts),
            state: Arc::clone(&state),
            within,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || run.run())
            .map_err(|error| Error::Internal(format!("the writer cannot start: {error}")))?;
        Ok(Self {
            queue: RwLock::new(Some(sender)),
            thread: parking_lot::Mutex::new(Some(thread)),
            counts,
            state,
            within,
        })
    }

    /// Gives a command to the writer and waits until it is durable.
    pub async fn submit(&self, command: Box<dyn Command>) -> Result<Recorded, Error> {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Job { command, answer: Teller::Task(answer) })?;
        match tokio::time::timeout(self.within, answered).await {
            Ok(Ok((answer, _command))) => answer,
            Ok(Err(_)) => {
                Err(Error::Unavailable("the writer stopped; ask again under the same key"))
            }
            // It may be recorded yet: the key tells.
            Err(_) => Err(Error::Unavailable("not recorded in time; ask again under the same key")),
        }
    }

    /// Gives a command to the writer from a thread that may wait.
    pub fn submit_blocking(&self, command: Box<dyn Command>) -> Result<Recorded, Error> {
        let (answer, answered) = crossbeam_channel::bounded(1);
        self.enqueue(Job { command, answer: Teller::Thread(answer) })?;
        let late = Error::Unavailable("not recorded in time; ask again under the same key");
        answered.recv_timeout(self.within * 6).unwrap_or(Err(late))
    }

    fn enqueue(&self, job: Job) -> Result<(), Error> {
        // Nobody is let in to wait for a database that has kept the writer for as long as that.
        if self.is_stuck() {
            self.counts.turned_away.fetch_add(1, Ordering::Relaxed);
            return Err(Error::Unavailable("the database does not answer"));
        }
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
        self.state.fenced.read().is_some()
    }

    /// Why it decides nothing any more.
    pub fn fenced(&self) -> Option<String> {
        self.state.fenced.read().clone()
    }

    /// Whether the last batch failed for want of the database.
    pub fn is_failing(&self) -> bool {
        self.state.failing.load(Ordering::SeqCst)
    }

    /// Whether it failed because the log's key does not sign.
    pub fn is_unsigned(&self) -> bool {
        self.state.unsigned.load(Ordering::SeqCst)
    }

    /// Whether one batch has kept the writer for as long as anyone waits for an answer.
    pub fn is_stuck(&self) -> bool {
        self.state.busy() > self.within
    }

    /// Takes no more commands, finishes those that wait, and stops the writer.
    pub fn stop(&self) {
        self.queue.write().take();
        let Some(thread) = self.thread.lock().take() else { return };
        let began = Instant::now();
        while !thread.is_finished() {
            if began.elapsed() > STOP_WITHIN {
                tracing::error!("the writer is left waiting for the database");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.join().is_err() {
            tracing::error!("the writer ended in a panic");
        }
    }
}
