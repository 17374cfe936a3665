//! Licences that prove themselves: one claim set in two envelopes, the keys that sign it, and the list
//! that says which of them still stand. Everything here follows public standards, so that another
//! State can check it with tools that nobody here wrote.
pub mod claims;
pub mod cose;
pub mod jws;
pub mod key_set;
pub mod opened;
pub mod status;
mod zlib;

pub use claims::Claims;
pub use key_set::KeySet;
pub use opened::Opened;

pub use crate::domain::declaration::CREDENTIAL_CHARS_MAX;
pub use crate::signing::Algorithm;
pub use crate::signing::KeyError;
pub use crate::signing::Malformed;
pub use crate::signing::PublicKey;
pub use crate::signing::Signer;
use crate::signing::malformed;
