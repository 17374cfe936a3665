//! The ledger under every sequence of acts and under concurrency: never over-drawn, nothing lost,
//! nothing counted twice, and the trail proves it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may stop"
)]

mod announced;
mod batches;
mod cases;
mod concurrency;
mod covers;
mod cut_off;
mod firearms;
mod harness;
mod model;
mod outbox;
mod overdue;
mod overstay;
mod partitions;
mod parts;
mod periods;
mod posts;
mod receiver;
mod reservations;
mod retention;
mod returns;
mod round_trips;
mod schema;
mod single_use;
#[path = "../support/mod.rs"]
mod support;
mod timers;
mod trail;
#[path = "../support/way_back.rs"]
mod way_back;
mod webhooks;
mod written_into;

#[test]
fn every_test_holds_on_postgresql_too() {
    support::all_again_on_postgres("every_test_holds_on_postgresql_too");
}
