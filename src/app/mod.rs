//! The use cases: what the service does, in the order in which it must happen.
pub mod access;
pub mod alerts;
pub mod audit_log;
pub mod audit_verify;
pub mod batch;
pub mod book;
pub mod caller;
pub mod correction;
pub mod error;
pub mod facts;
pub mod history;
pub mod import;
pub mod judge;
pub mod licences;
pub mod lists;
pub mod open;
pub mod record;
pub mod recorder;
pub mod release;
pub mod replay;
pub mod verify;

pub use access::Access;
pub use caller::Caller;
pub use caller::Role;
pub use error::Error;
pub use open::App;
