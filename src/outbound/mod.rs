//! Our calls to others: with a limit on time and size, and no redirects.
pub mod keys;
pub mod local_issuer;

use std::time::Duration;

/// Time to connect.
const CONNECT_S: u64 = 3;
/// Time for a whole exchange.
const TOTAL_S: u64 = 5;

/// A client that neither waits nor follows for long.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    // A second installation finds the first one in place, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(CONNECT_S))
        .timeout(Duration::from_secs(TOTAL_S))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("passavant/", env!("CARGO_PKG_VERSION")))
        .build()
}
