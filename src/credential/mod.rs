//! Licences that prove themselves: one claim set in two envelopes, the keys that sign it, and the list
//! that says which of them still stand. Everything here follows public standards, so that another
//! State can check it with tools that nobody here wrote.
pub mod claims;
pub mod cose;
pub mod jws;
pub mod key;
pub mod key_set;
pub mod opened;
pub mod status;
mod zlib;

pub use claims::Claims;
pub use key::Algorithm;
pub use key::KeyError;
pub use key::PublicKey;
pub use key::Signer;
pub use key_set::KeySet;
pub use opened::Opened;

pub use crate::domain::declaration::CREDENTIAL_CHARS_MAX;

/// Why something does not read as what it should be, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

pub(crate) fn malformed(what: impl Into<String>) -> Malformed {
    Malformed(what.into())
}
