//! Keeps what this service believes up to date: its own key ring, which commands change, and what other
//! authorities publish.
use crate::app::App;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How often the key ring is read again.
const RING_EVERY: Duration = Duration::from_secs(2);

/// Reads keys and lists again and again.
pub(super) async fn keep(app: Arc<App>) {
    let others_every = Duration::from_secs(app.config.trust.refresh_s.max(1));
    let mut every = tokio::time::interval(RING_EVERY);
    let mut asked: Option<Instant> = None;
    loop {
        every.tick().await;
        if let Err(error) = app.trust.read_ring() {
            tracing::error!(%error, "the authority's keys cannot be read; those known serve on");
        }
        if asked.is_none_or(|asked| asked.elapsed() >= others_every) {
            asked = Some(Instant::now());
            app.trust.refresh(app.clock.now()).await;
        }
    }
}
