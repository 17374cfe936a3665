//! Has the log's checkpoints cosigned by the witnesses.
use crate::app::App;
use std::sync::Arc;
use std::time::Duration;

/// Asks them again and again.
pub(super) async fn ask(app: Arc<App>) {
    let mut every =
        tokio::time::interval(Duration::from_millis(app.config.witness.every_ms.max(1)));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = app.ask_witnesses().await {
            tracing::error!(%error, "the witnesses cannot be asked");
        }
    }
}
