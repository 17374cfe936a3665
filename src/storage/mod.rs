//! The only place for the database. One file a noun; every function takes a connection and gives
//! words of the trade. "No such row" is an `Option`, not an error.
pub mod alerts;
pub mod idempotency;
pub mod licences;
pub mod lists;
pub mod log;
pub mod releases;
pub mod schema;
pub mod serials;
pub mod verifications;
pub mod watermark;

mod error;
mod open;

pub use error::Error;
pub use open::Readers;
pub use open::abandon;
pub use open::backup;
pub use open::migrate;
pub use open::open;
pub use open::transaction;

/// A connection to the database.
pub type Db = diesel::SqliteConnection;

/// What a storage function gives.
pub type Result<T> = std::result::Result<T, Error>;
