//! The writer's loop: takes what waits, has it recorded, and answers everyone once it is durable.
use super::Error;
use super::recorder::Command;
use super::recorder::Counts;
use super::recorder::Recorded;
use super::writer::Answers;
use super::writer::Writer;
use crate::storage;
use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::Sender;
use parking_lot::RwLock;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::oneshot;

/// How often the database is asked after a failure, while nothing waits.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How often a batch is decided before its callers are asked to come again, and how long the writer
/// stands back before each further time: so much more every time.
const ATTEMPTS_MAX: u32 = 8;
const STAND_BACK: Duration = Duration::from_millis(3);
/// A command and whoever asked.
pub(super) struct Job {
    pub command: Box<dyn Command>,
    pub answer: Teller,
}

/// How whoever asked is told.
pub(super) enum Teller {
    Task(oneshot::Sender<Answer>),
    Thread(Sender<Result<Recorded, Error>>),
}

/// What whoever asked is told. The command goes back with it: its memory is given back where it was
/// taken, which is cheaper, and not by the writer, for which everyone waits.
pub(super) type Answer = (Result<Recorded, Error>, Option<Box<dyn Command>>);

impl Teller {
    /// Whether nobody waits any more: the time allowed has run out, or the client has gone. What has
    /// not been decided by then is dropped; under its key it may be asked for again.
    fn is_alone(&self) -> bool {
        match self {
            Self::Task(waiting) => waiting.is_closed(),
            Self::Thread(_) => false,
        }
    }

    fn tell(self, answer: Result<Recorded, Error>, command: Option<Box<dyn Command>>) {
        // A caller that has gone meanwhile finds the act under its key.
        match self {
            Self::Task(waiting) => drop(waiting.send((answer, command))),
            Self::Thread(waiting) => drop(waiting.try_send(answer)),
        }
    }
}

/// What others see of the writer.
#[derive(Debug)]
pub(super) struct State {
    /// Why it decides nothing any more.
    pub fenced: RwLock<Option<String>>,
    /// The last batch failed for want of the database; until it answers again.
    pub failing: AtomicBool,
    /// The same for want of the log's key.
    pub unsigned: AtomicBool,
    /// Since when it has been at the present batch, in milliseconds from `began`; 0: it is at none.
    busy_ms: AtomicU64,
    began: Instant,
}

impl State {
    pub fn new() -> Self {
        Self {
            fenced: RwLock::new(None),
            failing: AtomicBool::new(false),
            unsigned: AtomicBool::new(false),
            busy_ms: AtomicU64::new(0),
            began: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long it has been at the present batch.
    pub fn busy(&self) -> Duration {
        match self.busy_ms.load(Ordering::SeqCst) {
            0 => Duration::ZERO,
            since => Duration::from_millis(self.now_ms().saturating_sub(since)),
        }
    }
}

/// The writer's loop.
pub(super) struct Run {
    pub writer: Writer,
    pub receiver: Receiver<Job>,
    pub batch_commands_max: usize,
    pub counts: Arc<Counts>,
    pub state: Arc<State>,
    pub within: Duration,
}

impl Run {
    pub fn run(mut self) {
        loop {
            let first = match self.next() {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.at(Self::probe);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut jobs = vec![first];
            while jobs.len() < self.batch_commands_max {
                match self.receiver.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            jobs.retain(|job| !job.answer.is_alone());
            self.at(|run| run.batch(jobs));
        }
    }

    /// What waits next. After a failure the database is asked meanwhile whether it answers again, for
    /// a node that is not ready is sent nothing that could tell.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        if self.state.failing.load(Ordering::SeqCst) {
            return self.receiver.recv_timeout(PROBE_EVERY);
        }
        self.receiver.recv().map_err(|_closed| RecvTimeoutError::Disconnected)
    }

    /// Does something for which others may see how long it takes.
    fn at(&mut self, work: impl FnOnce(&mut Self)) {
        self.state.busy_ms.store(self.state.now_ms().max(1), Ordering::SeqCst);
        work(self);
        self.state.busy_ms.store(0, Ordering::SeqCst);
    }

    fn probe(&mut self) {
        // A batch of nothing: the log is still this node's, as it left it, and can be signed, and there is room for
        // a real one.
        if self.decided(&[]).is_ok() {
            tracing::info!("the database and the log's key answer again");
        }
    }

    /// Records one batch and answers everyone in it.
    fn batch(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let (commands, waiting): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.command, job.answer)).unzip();
        let was_failing = self.state.failing.load(Ordering::SeqCst);
        match self.decided(&commands) {
            Ok(answers) => {
                self.counts.batches.fetch_add(1, Ordering::Relaxed);
                self.counts
                    .commands
                    .fetch_add(u64::try_from(commands.len()).unwrap_or(0), Ordering::Relaxed);
                let told = answers.into_iter().zip(commands).zip(waiting);
                for ((answer, command), waiting) in told {
                    waiting.tell(answer, Some(command));
                }
                self.writer.tidy();
            }
            // One command's fault is not the others': each is recorded for itself. Also where it looks as if
            // others came in between again and again, for one that breaks a key every time looks the same.
            Err(error) if may_be_of_one(&error) && waiting.len() > 1 => {
                tracing::error!(%error, commands = waiting.len(), "a batch is taken apart");
                for (command, answer) in commands.into_iter().zip(waiting) {
                    if !answer.is_alone() {
                        self.batch(vec![Job { command, answer }]);
                    }
                }
            }
            Err(error) => {
                let commands = waiting.len();
                // What goes on failing is said once, and not with every request.
                if was_failing && self.state.failing.load(Ordering::SeqCst) {
                    tracing::debug!(%error, commands, "a batch was not recorded either");
                } else {
                    tracing::error!(%error, commands, "a batch was not recorded");
                }
                for waiting in waiting {
                    waiting.tell(Err(told(&error)), None);
                }
            }
        }
    }

    /// Decides a batch, and notes whether the database lets it.
    fn decided(&mut self, commands: &[Box<dyn Command>]) -> storage::Result<Answers> {
        let decided = self.decided_again(commands);
        // The database answers where others only came in between.
        let fails = |error: &storage::Error| error.is_passing() && !may_be_of_one(error);
        let failing = decided.as_ref().is_err_and(fails);
        self.state.failing.store(failing, Ordering::SeqCst);
        let unsigned = matches!(decided, Err(storage::Error::Unsigned(_)));
        self.state.unsigned.store(unsigned, Ordering::SeqCst);
        decided
    }

    /// Decides a batch, again where another node came in between.
    fn decided_again(&mut self, commands: &[Box<dyn Command>]) -> storage::Result<Answers> {
        let (mut attempt, began) = (1, Instant::now());
        loop {
            if let Some(why) = self.state.fenced.read().clone() {
                return Err(storage::Error::Fenced(why));
            }
            // A panic in one command must not end the service; the transaction is rolled back.
            let error =
                match std::panic::catch_unwind(AssertUnwindSafe(|| self.writer.record(commands))) {
                    Ok(Ok(answers)) => return Ok(answers),
                    Ok(Err(error)) => error,
                    Err(_) => storage::Error::Bug("a command panicked".to_owned()),
                };
            self.writer.recover(&error);
            if let storage::Error::Conflict(words) = &error
                && attempt < ATTEMPTS_MAX
                && began.elapsed() < self.within / 2
            {
                tracing::debug!(%words, attempt, "a batch begins again");
                self.counts.again.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(STAND_BACK * (attempt - 1));
                attempt += 1;
                continue;
            }
            if let storage::Error::Fenced(why) = &error {
                *self.state.fenced.write() = Some(why.clone());
            }
            return Err(error);
        }
    }
}

/// Whether an error may be that of one command alone.
fn may_be_of_one(error: &storage::Error) -> bool {
    !error.is_passing() || matches!(error, storage::Error::Conflict(_))
}

/// What the callers of a batch are told that was not recorded.
fn told(error: &storage::Error) -> Error {
    match error {
        storage::Error::Fenced(_) => Error::Unavailable("this node no longer owns its log"),
        storage::Error::Conflict(_) => {
            Error::Unavailable("other nodes came in between; ask again under the same key")
        }
        storage::Error::Unavailable(_) => {
            Error::Unavailable("the database does not answer; ask again under the same key")
        }
        storage::Error::Unsigned(_) => {
            Error::Unavailable("the log's key does not sign; ask again under the same key")
        }
        storage::Error::Corrupt(words) | storage::Error::Bug(words) => {
            Error::Internal(words.clone())
        }
    }
}
