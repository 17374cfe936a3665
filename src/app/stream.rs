//! The stream of what happens to alerts. One loop of the node reads what has been committed, by this
//! node and by the others, and passes it to every stream; a stream that begins or comes back reads
//! what it lacks from the database first. Its place is one index for each log: those become visible
//! in the order of commits, so nothing is lost between two looks and nothing comes twice.
mod cursor;

use super::App;
use super::Caller;
use super::Error;
use super::alerts::Query;
use crate::config;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use cursor::Beyond;
pub use cursor::Cursor;
use cursor::Told;
use cursor::beyond;

/// The streams of a node.
pub struct Streams {
    sender: broadcast::Sender<Arc<Told>>,
    called: Notify,
    stopped: watch::Sender<bool>,
    open: Mutex<HashMap<String, Vec<Arc<Held>>>>,
    passed: tokio::sync::Mutex<Cursor>,
    limits: config::Stream,
    /// Streams ended because their reader was too slow.
    pub too_slow: AtomicU64,
}

/// Why no stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The caller has as many as one may have.
    Caller,
    /// The node has.
    Node,
}

impl Streams {
    /// Streams that begin where the logs end now.
    pub fn new(limits: &config::Stream, db: &mut Db) -> storage::Result<Self> {
        Ok(Self {
            sender: broadcast::Sender::new(limits.buffer_events),
            called: Notify::new(),
            stopped: watch::Sender::new(false),
            open: Mutex::new(HashMap::new()),
            passed: tokio::sync::Mutex::new(Cursor::now(db)?),
            limits: limits.clone(),
            too_slow: AtomicU64::new(0),
        })
    }

    /// The writer says that something has happened to alerts.
    pub fn call(&self) {
        self.called.notify_one();
    }

    /// Waits until it does.
    pub async fn called(&self) {
        self.called.notified().await;
    }

    /// Ends every stream: the node is about to stop, and their readers go on at another.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Streams that are open.
    pub fn count(&self) -> usize {
        self.open.lock().values().map(Vec::len).sum()
    }

    /// A place for one more stream of a caller. Where all are taken, a reader that comes back from a place at which
    /// one of its caller's streams has been takes that one's: the oldest, for of several it can be any, and one that
    /// is read yet comes back in its turn.
    pub fn enter(self: &Arc<Self>, caller: &Caller, from: Option<&Cursor>) -> Result<Seat, Full> {
        let mut open = self.open.lock();
        let all: usize = open.values().map(Vec::len).sum();
        let own = open.entry(caller.key()).or_default();
        let full = if all >= self.limits.streams_max {
            Some(Full::Node)
        } else {
            (own.len() >= self.limits.streams_of_caller_max).then_some(Full::Caller)
        };
        if let Some(full) = full {
            let lost = from.and_then(|from| own.iter().position(|held| held.has_been_at(from)));
            let Some(lost) = lost else { return Err(full) };
            own.remove(lost).left.notify_one();
        }
        let held = Arc::new(Held::default());
        own.push(Arc::clone(&held));
        Ok(Seat { streams: Arc::clone(self), caller: caller.key(), held })
    }
}

/// What is known of a stream that is open.
#[derive(Default)]
struct Held {
    at: Mutex<Option<Cursor>>,
    left: Notify,
}

impl Held {
    fn has_been_at(&self, from: &Cursor) -> bool {
        let at = self.at.lock();
        at.as_ref().is_some_and(|at| from.0.iter().all(|(log, index)| at.of(*log) >= *index))
    }
}

/// A stream's place among those that may be open; given back when the stream ends.
pub struct Seat {
    streams: Arc<Streams>,
    caller: String,
    held: Arc<Held>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock();
        if let Some(own) = open.get_mut(&self.caller) {
            own.retain(|held| !Arc::ptr_eq(held, &self.held));
            if own.is_empty() {
                open.remove(&self.caller);
            }
        }
    }
}

/// What a stream gives next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Something happened: the place after it, what, and the particulars.
    Event(String, String, String),
    /// Nothing did for a while: the place all the same.
    Beat(String),
    /// It has ended, and why.
    End(&'static str),
}

/// One reader's stream.
pub struct AlertStream {
    app: Arc<App>,
    caller: Arc<Caller>,
    token: String,
    ends_at: Timestamp,
    query: Query,
    cursor: Cursor,
    ahead: VecDeque<Arc<Told>>,
    ends: Option<Cursor>,
    live: Option<broadcast::Receiver<Arc<Told>>>,
    caught_up: bool,
    stopped: watch::Receiver<bool>,
    seat: Seat,
}

impl AlertStream {
    /// Where the stream stands.
    pub fn place(&self) -> String {
        self.cursor.to_string()
    }

    /// What comes next; it waits for it, with a beat now and then.
    pub async fn next(&mut self) -> Next {
        loop {
            if *self.stopped.borrow() {
                return Next::End("the node is stopping");
            }
            if self.app.clock.now() >= self.ends_at {
                return Next::End("the token has ended");
            }
            if let Some(event) = self.next_ahead() {
                return event;
            }
            if !self.caught_up {
                if let Err(error) = self.catch_up().await {
                    tracing::warn!(%error, "a stream of alerts cannot catch up");
                    return Next::End("the database does not answer");
                }
                continue;
            }
            if let Some(next) = self.wait().await {
                return next;
            }
        }
    }

    /// The next of what has been read and not been passed on.
    fn next_ahead(&mut self) -> Option<Next> {
        while let Some(told) = self.ahead.pop_front() {
            if told.index < self.cursor.of(told.log) {
                continue;
            }
            self.cursor.0.insert(told.log, told.index + 1);
            if told.is_for(&self.caller, &self.query) {
                return Some(Next::Event(self.place(), told.change.clone(), told.data.clone()));
            }
        }
        if let Some(ends) = self.ends.take() {
            self.cursor = ends;
        }
        *self.seat.held.at.lock() = Some(self.cursor.clone());
        None
    }

    /// Reads what the stream lacks. Its last look comes after it has begun to listen, so that nothing
    /// falls between the two; what comes both ways is known by its index.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let listening = self.live.is_some();
        let cursor = self.cursor.clone();
        let read = self.app.readers.read(move |db: &mut Db| beyond(db, &cursor)).await?;
        self.ahead.extend(read.told.into_iter().map(Arc::new));
        self.ends = Some(read.ends);
        if !read.more {
            self.caught_up = listening;
            if !listening {
                self.live = Some(self.app.streams.sender.subscribe());
            }
        }
        // A long way to go must not hold up the thread's other callers.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn wait(&mut self) -> Option<Next> {
        let beat = Duration::from_secs(self.app.config.stream.beat_s);
        let left = self.ends_at.duration_since(self.app.clock.now());
        let left = Duration::try_from(left).unwrap_or_default();
        let Some(live) = self.live.as_mut() else { return Some(Next::End("it does not listen")) };
        let heard = tokio::select! {
            heard = live.recv() => heard,
            _ = self.stopped.changed() => return None,
            () = self.seat.held.left.notified() => return Some(Next::End("its reader has come back")),
            () = tokio::time::sleep(left), if left < beat => return None,
            () = tokio::time::sleep(beat), if left >= beat => return self.beat().await,
        };
        match heard {
            Ok(told) => {
                self.ahead.push_back(told);
                None
            }
            Err(RecvError::Lagged(_)) => {
                self.app.streams.too_slow.fetch_add(1, Ordering::Relaxed);
                Some(Next::End("too slow"))
            }
            Err(RecvError::Closed) => Some(Next::End("the node is stopping")),
        }
    }

    /// The token must still open the door: its key may have been withdrawn since.
    async fn beat(&mut self) -> Option<Next> {
        match self.app.access.authenticate(&self.token).await {
            Ok(_) => Some(Next::Beat(self.place())),
            Err(_) => Some(Next::End("the token has ended")),
        }
    }
}

impl App {
    /// Opens a stream from a place, or from now on.
    pub async fn alert_stream(
        self: Arc<Self>,
        caller: Arc<Caller>,
        token: String,
        query: Query,
        from: Option<Cursor>,
        seat: Seat,
    ) -> Result<AlertStream, Error> {
        let most = self.config.stream.replay_events_max;
        let begin = move |db: &mut Db| begin(db, from, most);
        let cursor = self.readers.read(begin).await?;
        let lives = self.config.access.token_life_s_max;
        *seat.held.at.lock() = Some(cursor.clone());
        let ends_at = self.access.ends(&token).unwrap_or_else(|| {
            let most = jiff::SignedDuration::from_secs(lives);
            self.clock.now().saturating_add(most).unwrap_or(Timestamp::MAX)
        });
        Ok(AlertStream {
            stopped: self.streams.stopped.subscribe(),
            app: self,
            caller,
            token,
            ends_at,
            query,
            cursor,
            ahead: VecDeque::new(),
            ends: None,
            live: None,
            caught_up: false,
            seat,
        })
    }

    /// Passes on to the streams what has been committed since the last time.
    pub async fn feed_streams(&self) {
        let mut passed = self.streams.passed.lock().await;
        // First where the logs end and then whether anyone listens: who begins to listen after that looks
        // for itself at what came before.
        match self.readers.read(Cursor::now).await {
            Ok(now) if self.streams.sender.receiver_count() == 0 => {
                *passed = now;
                return;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "what happened to alerts cannot be read");
                return;
            }
        }
        loop {
            let cursor = passed.clone();
            match self.readers.read(move |db: &mut Db| beyond(db, &cursor)).await {
                Ok(Beyond { told, ends, more }) => {
                    for told in told {
                        // Nobody may be listening.
                        let _ = self.streams.sender.send(Arc::new(told));
                    }
                    *passed = ends;
                    if !more {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "what happened to alerts cannot be read");
                    return;
                }
            }
        }
    }
}

/// Where a stream begins. A place ahead of the logs is one of another database, and one too far
/// behind them is for the list to make up for.
fn begin(db: &mut Db, from: Option<Cursor>, most: u32) -> Result<Cursor, Error> {
    let now = Cursor::now(db)?;
    let Some(from) = from else { return Ok(now) };
    for (log, index) in &from.0 {
        if now.0.get(log).is_none_or(|size| index > size) {
            return Err(Error::Gone("Last-Event-ID is not a place in these logs"));
        }
    }
    for log in now.0.keys() {
        if storage::alerts::event_beyond(db, *log, from.of(*log), i64::from(most))?.is_some() {
            return Err(Error::Gone(
                "Last-Event-ID lies too far behind: read the list of alerts and begin anew",
            ));
        }
    }
    Ok(from)
}
