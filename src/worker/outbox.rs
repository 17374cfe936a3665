//! Delivering events to the systems of States.
use crate::app::App;
use crate::app::courier::Courier;
use std::sync::Arc;

/// Delivers for as long as the service runs.
pub(super) async fn deliver(app: Arc<App>) {
    let mut courier = Courier::new(app);
    loop {
        courier.turn().await;
    }
}
