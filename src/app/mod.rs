//! The use cases: what the service does, in the order in which it must happen.
pub mod caller;
pub mod error;

pub use caller::Caller;
pub use caller::Role;
pub use error::Error;
