//! The audit log's arithmetic: C2SP tlog-tiles with signed checkpoints over RFC 6962 hashes, so
//! that another State can check it with tools that nobody here wrote.
pub mod checkpoint;
pub mod cosign;
pub mod entry;
pub mod evidence;
pub mod proof;
pub mod tile;
pub mod tree;

pub use tlog_tiles::Hash;
