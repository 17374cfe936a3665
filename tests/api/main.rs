//! The API over real HTTP, on a free port, over a real database file.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    reason = "a test may stop"
)]

mod access;
mod alert_stream;
mod alerts;
mod audit;
mod consignments;
mod console;
mod covers;
mod credentials;
mod described;
mod gone;
mod harness;
mod licences;
mod malformed;
mod matrix;
mod numbers;
mod one_number;
mod overrides;
mod pages;
mod posts;
mod preclearances;
mod reach;
mod receipts;
mod registry;
mod releases;
mod renewals;
mod serials;
mod shell;
mod stoppages;
#[path = "../support/mod.rs"]
mod support;
mod tampered;
mod transport;
mod verifications;
#[path = "../support/way_back.rs"]
mod way_back;
mod way_home;
mod webhooks;
mod witness;

#[test]
fn every_test_holds_on_postgresql_too() {
    support::all_again_on_postgres("every_test_holds_on_postgresql_too");
}
