//! What runs in the background: a closed list of loops, all of which end with the service.
mod outbox;
mod trust;
mod witness;

use crate::app::App;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinHandle;

/// How often the feed of licence changes is heard.
const HEAR_EVERY: Duration = Duration::from_millis(250);
/// Between two looks at what has happened to alerts: nobody sees the difference, and a busy writer
/// commits hundreds of times a second.
const BETWEEN_FEEDS: Duration = Duration::from_millis(20);
/// How often a node looks meanwhile whether another has called.
const LISTEN_EVERY: Duration = Duration::from_millis(5);
/// How often it is written down how far the log has got.
const WRITE_DOWN_EVERY: Duration = Duration::from_secs(1);
/// How often quiet callers are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// How often a node looks for deadlines that have passed, and how many looks make a count.
const ESCALATE_EVERY: Duration = Duration::from_secs(1);
const LOOKS_PER_COUNT: u32 = 15;
/// After what was released before could not be read.
const REMEMBER_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The loops.
pub struct Tasks {
    tasks: Vec<JoinHandle<()>>,
    stopped: Arc<AtomicBool>,
    app: Arc<App>,
}

impl Tasks {
    /// Starts all of them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts tasks, so that it can end them"
    )]
    pub fn start(app: &Arc<App>) -> Self {
        let keys_every = Duration::from_secs(app.config.access.keys_refresh_s.max(1));
        let stopped = Arc::new(AtomicBool::new(false));
        if app.is_one_of_several() {
            let (app, stopped) = (Arc::clone(app), Arc::clone(&stopped));
            // A thread of its own: the service does not wait for it to end, for it may be waiting for a
            // server that has gone silent.
            std::thread::spawn(move || hear_others(&app, &stopped));
        }
        let tasks = vec![
            tokio::spawn(hear_changes(Arc::clone(app))),
            tokio::spawn(refresh_keys(Arc::clone(app), keys_every)),
            tokio::spawn(forget_the_quiet(Arc::clone(app))),
            tokio::spawn(remember_the_past(Arc::clone(app), Arc::clone(&stopped))),
            tokio::spawn(lapse_due(Arc::clone(app))),
            tokio::spawn(outbox::deliver(Arc::clone(app))),
            tokio::spawn(write_down(Arc::clone(app))),
            tokio::spawn(feed_streams(Arc::clone(app))),
            tokio::spawn(escalate_deadlines(Arc::clone(app))),
            tokio::spawn(trust::keep(Arc::clone(app))),
            tokio::spawn(witness::ask(Arc::clone(app))),
        ];
        Self { tasks, stopped, app: Arc::clone(app) }
    }

    /// Ends all of them, and gives back what they had claimed.
    pub fn stop(self) {
        self.stopped.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.abort();
        }
        self.app.give_deliveries_back();
    }
}

/// Hears what other nodes change: when called, and at every turn of the feed's clock all the same.
fn hear_others(app: &App, stopped: &AtomicBool) {
    while !stopped.load(Ordering::SeqCst) {
        // A panic must not end the hearing, or the cache would never be trusted again.
        if std::panic::catch_unwind(AssertUnwindSafe(|| app.hear_others())).is_err() {
            tracing::error!("hearing the feed of licence changes ended in a panic");
        }
        let heard = Instant::now();
        while heard.elapsed() < HEAR_EVERY {
            std::thread::sleep(LISTEN_EVERY);
            if app.is_called() || stopped.load(Ordering::SeqCst) {
                break;
            }
        }
    }
}

async fn hear_changes(app: Arc<App>) {
    if app.is_one_of_several() {
        return;
    }
    let mut every = tokio::time::interval(HEAR_EVERY);
    loop {
        every.tick().await;
        app.hear_changes().await;
    }
}

/// Passes on what happens to alerts: at once what this node's writer has committed, and at every turn
/// of the feed's clock what other nodes have.
async fn feed_streams(app: Arc<App>) {
    let mut every = tokio::time::interval(HEAR_EVERY);
    loop {
        tokio::select! {
            () = app.streams.called() => {}
            _ = every.tick() => {}
        }
        app.feed_streams().await;
        tokio::time::sleep(BETWEEN_FEEDS).await;
    }
}

/// Escalates what has passed, also what passed while no node was running; nothing is released by it.
async fn escalate_deadlines(app: Arc<App>) {
    let mut every = tokio::time::interval(ESCALATE_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for look in 0_u32.. {
        every.tick().await;
        loop {
            match app.escalate_due().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "deadlines that have passed are not escalated yet");
                    break;
                }
            }
        }
        if look % LOOKS_PER_COUNT == 0
            && let Err(error) = app.count_pending().await
        {
            tracing::warn!(%error, "what is open and due cannot be counted");
        }
    }
}

async fn refresh_keys(app: Arc<App>, every: Duration) {
    let mut every = tokio::time::interval(every);
    loop {
        every.tick().await;
        app.access.refresh().await;
    }
}

async fn write_down(app: Arc<App>) {
    let mut every = tokio::time::interval(WRITE_DOWN_EVERY);
    loop {
        every.tick().await;
        let app = Arc::clone(&app);
        // Writing to a disk may wait.
        let _ = tokio::task::spawn_blocking(move || app.write_down()).await;
    }
}

async fn forget_the_quiet(app: Arc<App>) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        app.limits.forget_the_quiet();
    }
}

/// Until everything is remembered the database is asked; so it is again where the feed was lost.
async fn remember_the_past(app: Arc<App>, stopped: Arc<AtomicBool>) {
    let mut every = tokio::time::interval(HEAR_EVERY);
    loop {
        every.tick().await;
        if !app.has_to_remember() {
            continue;
        }
        let (app, stopped) = (Arc::clone(&app), Arc::clone(&stopped));
        let remember = move || app.remember(|| !stopped.load(Ordering::SeqCst));
        let failed = match tokio::task::spawn_blocking(remember).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(%failed, "what was released before cannot be read");
        tokio::time::sleep(REMEMBER_AGAIN_AFTER).await;
    }
}

/// Frees what is held for goods that nobody has presented in time, whoever lodged it and whenever: what
/// is due stands in the database, so a restart forgets nothing.
async fn lapse_due(app: Arc<App>) {
    let mut every =
        tokio::time::interval(Duration::from_secs(app.config.preclearance.lapse_every_s.max(1)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = app.lapse_due().await {
            tracing::error!(%error, "what has lapsed cannot be freed");
        }
        if let Err(error) = app.expire_overrides().await {
            tracing::error!(%error, "overrides that nobody confirmed cannot be ended");
        }
    }
}
