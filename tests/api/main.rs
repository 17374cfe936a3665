//! The API over real HTTP, on a free port, over a real database file.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop"
)]

mod access;
mod alerts;
mod audit;
mod harness;
mod licences;
mod malformed;
mod matrix;
mod releases;
mod shell;
mod transport;
mod verifications;
