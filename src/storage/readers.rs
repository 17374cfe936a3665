//! Connections for reading. The embedded database is read where the question is asked, for it
//! answers in microseconds; a server is read on threads of its own, so that one that has gone silent
//! keeps nobody waiting beyond the time allowed, and a connection that broke is opened again.
use super::Db;
use super::Error;
use super::Result;
use super::open::Use;
use super::open::is_shared;
use super::open::open;
use crate::config;
use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use diesel::connection::SimpleConnection;
use parking_lot::Mutex;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::oneshot;

/// Questions that may wait for each connection to a server.
const WAITING_MAX: usize = 256;

/// Connections for reading.
pub struct Readers(Kind);

enum Kind {
    Here { connections: Vec<Mutex<Db>>, next: AtomicUsize },
    Threads { questions: Sender<Question>, within: Duration },
}

/// A question, or what it is told instead where there is no connection; says whether it ended well.
type Question = Box<dyn FnOnce(Result<&mut Db>) -> bool + Send>;

impl Readers {
    /// Opens connections as the settings say.
    pub fn open(settings: &config::Database) -> Result<Self> {
        let count = settings.read_connections.max(1);
        if !is_shared(&settings.url) {
            let connections = (0..count)
                .map(|_| open(settings, Use::Read).map(Mutex::new))
                .collect::<Result<_>>()?;
            return Ok(Self(Kind::Here { connections, next: AtomicUsize::new(0) }));
        }
        let (questions, asked) = crossbeam_channel::bounded(WAITING_MAX * count);
        for number in 0..count {
            let (asked, settings) = (asked.clone(), settings.clone());
            std::thread::Builder::new()
                .name(format!("reader-{number}"))
                .spawn(move || answer(&asked, &settings))
                .map_err(|error| Error::Bug(format!("a reader cannot start: {error}")))?;
        }
        let within = Duration::from_millis(u64::from(settings.statement_timeout_ms));
        Ok(Self(Kind::Threads { questions, within }))
    }

    /// Asks something, within the time that a statement may take.
    pub async fn read<T, E>(
        &self,
        ask: impl FnOnce(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0 {
            Kind::Here { connections, next } => ask(&mut free(connections, next)),
            Kind::Threads { questions, within } => {
                let (told, answer) = oneshot::channel();
                let question: Question = Box::new(move |db| {
                    // Whoever asked has gone: the answer would be for nobody.
                    if told.is_closed() {
                        return true;
                    }
                    let answer = match db {
                        Ok(db) => ask(db),
                        Err(error) => Err(error.into()),
                    };
                    let sound = answer.is_ok();
                    let _ = told.send(answer);
                    sound
                });
                questions.try_send(question).map_err(|_e| {
                    Error::Unavailable("too many questions wait for the database".to_owned())
                })?;
                let answered = tokio::time::timeout(*within, answer).await;
                let silent = || Error::Unavailable("it does not answer in time".to_owned()).into();
                answered.ok().and_then(std::result::Result::ok).unwrap_or_else(|| Err(silent()))
            }
        }
    }
}

/// A connection that nobody uses, or the next one that will be free.
fn free<'a>(connections: &'a [Mutex<Db>], next: &AtomicUsize) -> parking_lot::MutexGuard<'a, Db> {
    if let Some(free) = connections.iter().find_map(Mutex::try_lock) {
        return free;
    }
    let turn = next.fetch_add(1, Ordering::Relaxed) % connections.len();
    #[expect(clippy::indexing_slicing, reason = "the remainder of a division by the length")]
    connections[turn].lock()
}

/// One thread's work, until nobody can ask any more. After a question that ended badly the connection
/// is tried, for it may be that which failed.
fn answer(asked: &Receiver<Question>, settings: &config::Database) {
    let mut held: Option<Db> = None;
    while let Ok(question) = asked.recv() {
        let db = match held.take() {
            Some(db) => Ok(db),
            None => open(settings, Use::Read),
        };
        match db {
            Err(error) => {
                question(Err(error));
            }
            Ok(mut db) => {
                // A panic over one question must not cost the thread; whoever asked is told nothing
                // came, and the connection is given up with what may be open on it.
                let asked = AssertUnwindSafe(|| question(Ok(&mut db)));
                let sound = match std::panic::catch_unwind(asked) {
                    Ok(sound) => sound || db.batch_execute("SELECT 1").is_ok(),
                    Err(_) => false,
                };
                held = sound.then_some(db);
            }
        }
    }
}
