//! Errors of single fields, and the reader that gathers all of them.
use crate::domain::Invalid;
use serde::Serialize;

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) to the field.
    pub path: String,
    /// Stable machine-readable reason.
    pub code: String,
    /// The reason in words.
    pub detail: String,
}

impl FieldError {
    /// An error at a place.
    pub fn new(path: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }

    /// A word that is not what it is meant to be, at a place.
    pub fn invalid(path: impl Into<String>, invalid: Invalid) -> Self {
        Self::new(path, invalid.code, invalid.detail)
    }
}
