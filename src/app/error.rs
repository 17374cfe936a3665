//! How a use case can fail. No variant knows an HTTP status; `http::problem` maps them once.
use crate::wire::FieldError;

/// A use case that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such object, or one of another State.
    #[error("not found")]
    NotFound,
    /// The caller's role or post does not allow it.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// Fields of the request that cannot be used, all of them.
    #[error("{} invalid field(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// The object is in a state that does not allow this.
    #[error("conflict: {0}")]
    Stale(String),
    /// The object has changed since the version that the caller has seen.
    #[error("version mismatch: {0}")]
    VersionMismatch(String),
    /// It was there and can no longer be had.
    #[error("gone: {0}")]
    Gone(&'static str),
    /// The idempotency key stands with another request.
    #[error("idempotency key reused with another request")]
    KeyReused,
    /// Too often in too short a time; and the seconds after which it is no longer.
    #[error("too often: {0}")]
    TooOften(&'static str, u32),
    /// Not now: a full queue, a database that does not answer, a node that fenced itself.
    #[error("unavailable: {0}")]
    Unavailable(&'static str),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] crate::storage::Error),
    /// The unforeseen.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// An error where the caller names another version than that at which the object stands.
    pub fn unless_seen(what: &str, now: i64, seen: Option<u32>) -> Result<(), Self> {
        match seen {
            Some(seen) if i64::from(seen) != now => Err(Self::VersionMismatch(format!(
                "the {what} is at version {now}, you have seen version {seen}"
            ))),
            Some(_) | None => Ok(()),
        }
    }
}
