//! The contract's JSON. Everything that comes in is read whole, and every field that cannot be
//! used is reported with its path; what goes out is written here and nowhere else.
pub mod alert;
pub mod arrival;
pub mod audit;
pub mod consignment;
pub mod credential;
pub mod declaration;
pub mod field;
pub mod licence;
pub mod lists;
pub mod party;
pub mod post;
pub mod preclearance;
pub mod qr;
pub mod receipt;
pub mod release;
pub mod serial;
pub mod verification;
pub mod webhook;

mod keyed;
mod shape;
mod words;

pub use field::FieldError;
pub use field::Reader;
pub use words::words;
