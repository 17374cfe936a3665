//! What runs in the background: a closed list of loops, all of which end with the service.
use crate::app::App;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often the feed of licence changes is heard.
const HEAR_EVERY: Duration = Duration::from_millis(250);
/// How often quiet callers are forgotten.
const FORGET_EVERY: Duration = Duration::from_mins(1);

/// The loops.
pub struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// Starts all of them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts tasks, so that it can end them"
    )]
    pub fn start(app: &Arc<App>) -> Self {
        let keys_every = Duration::from_secs(app.config.access.keys_refresh_s.max(1));
        Self(vec![
            tokio::spawn(hear_changes(Arc::clone(app))),
            tokio::spawn(refresh_keys(Arc::clone(app), keys_every)),
            tokio::spawn(forget_the_quiet(Arc::clone(app))),
        ])
    }

    /// Ends all of them.
    pub fn stop(self) {
        for task in self.0 {
            task.abort();
        }
    }
}

async fn hear_changes(app: Arc<App>) {
    let mut every = tokio::time::interval(HEAR_EVERY);
    loop {
        every.tick().await;
        app.hear_changes();
    }
}

async fn refresh_keys(app: Arc<App>, every: Duration) {
    let mut every = tokio::time::interval(every);
    loop {
        every.tick().await;
        app.access.refresh().await;
    }
}

async fn forget_the_quiet(app: Arc<App>) {
    let mut every = tokio::time::interval(FORGET_EVERY);
    loop {
        every.tick().await;
        app.limits.forget_the_quiet();
    }
}
