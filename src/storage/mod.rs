//! The only place for the database. One file a noun; every function takes a connection and gives
//! words of the trade. "No such row" is an `Option`, not an error.
pub mod alerts;
pub mod allowances;
pub mod archive;
pub mod arrivals;
pub mod cases;
pub mod consignments;
pub mod copy;
pub mod covers;
pub mod credentials;
pub mod crossings;
pub mod deadlines;
pub mod feed;
mod feed_schema;
pub mod figures;
pub mod idempotency;
mod journey_schema;
pub mod licence_entries;
pub mod licence_versions;
pub mod licences;
pub mod lists;
pub mod locks;
pub mod log;
pub mod outbox;
pub mod overrides;
pub mod packed;
mod post_schema;
pub mod posts;
pub mod preclearances;
pub mod receipts;
pub mod recorded;
pub mod register;
pub mod releases;
pub mod retention;
pub mod room;
pub mod schema;
pub mod serials;
pub mod stands;
pub mod stoppages;
pub mod trails;
pub mod verifications;
pub mod watermark;
pub mod webhooks;
pub mod witness;
mod witness_schema;

mod db;
mod error;
mod open;
mod readers;
mod write_back;

pub use db::Db;
pub use db::abandon;
use db::in_chunks;
pub(crate) use db::in_runs;
pub(crate) use db::insert_all;
use db::kept;
pub(crate) use db::on;
pub use db::snapshot;
pub use db::transaction;
pub use error::Error;
pub use open::Use;
pub use open::backup;
pub use open::is_shared;
pub use open::migrate;
pub use open::open;
pub use open::pending;
pub use readers::Readers;
pub use write_back::WriteBack;

/// Most rows of one statement, well below what either backend takes.
const ROWS: usize = 500;

/// What a storage function gives.
pub type Result<T> = std::result::Result<T, Error>;
