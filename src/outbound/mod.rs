//! Our calls to others: with a limit on time and size, and no redirects.
pub mod addresses;
pub mod authority;
pub mod key_file;
pub mod key_ring;
pub mod keys;
pub mod local_issuer;
pub mod oidc;
pub mod pkcs11;
pub mod post;
pub mod registry;
pub mod webhook;
pub mod witness;

use std::path::Path;
use std::time::Duration;

/// Time to connect.
const CONNECT_S: u64 = 3;
/// Time for a whole exchange.
const TOTAL_S: u64 = 5;

/// A client that neither waits nor follows for long.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    builder().build()
}

/// A client that trusts the authorities of a file, PEM, and no others.
pub fn client_trusting(file: &Path) -> Result<reqwest::Client, String> {
    trusting(builder(), file)?.build().map_err(|error| format!("{}: {error}", file.display()))
}

/// Trust in the authorities of a file, PEM, and in no others.
fn trusting(
    builder: reqwest::ClientBuilder,
    file: &Path,
) -> Result<reqwest::ClientBuilder, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let pem = std::fs::read(file).map_err(|error| failed(&error))?;
    let listed = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| failed(&error))?;
    // With none, nobody would be trusted and every reading would fail.
    if listed.is_empty() {
        return Err(failed(&"it holds no certificate"));
    }
    let own = builder.tls_built_in_root_certs(false);
    Ok(listed.into_iter().fold(own, reqwest::ClientBuilder::add_root_certificate))
}

/// Reads what stands at an address, up to a number of bytes.
pub(crate) async fn fetch(
    client: &reqwest::Client,
    url: &str,
    bytes_max: usize,
) -> Result<Vec<u8>, String> {
    let response = client.get(url).send().await.map_err(|error| error.to_string())?;
    // A redirect is not followed, and what it says beside is not the other side's word either.
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("status {}", response.status()));
    }
    read_up_to(response, bytes_max).await.map_err(|error| error.to_string())
}

/// Why an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
enum Unread {
    /// It broke off.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    /// It is longer than is taken from there.
    #[error("more than {0} bytes")]
    TooLong(usize),
}

/// Reads the body of an answer, up to a number of bytes.
async fn read_up_to(mut response: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > bytes_max {
            return Err(Unread::TooLong(bytes_max));
        }
    }
    Ok(bytes)
}

fn builder() -> reqwest::ClientBuilder {
    // A second installation finds the first one in place, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(CONNECT_S))
        .timeout(Duration::from_secs(TOTAL_S))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("passavant/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests;
