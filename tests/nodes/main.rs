//! Several nodes over one PostgreSQL, and what can happen to it: real servers on loopback, started by
//! the tests. Where no PostgreSQL is installed they say so; in CI they fail.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::as_conversions,
    reason = "a test may stop"
)]

mod campaign;
mod campaigns;
mod cut_off;
mod database;
mod failover;
mod faults;
mod fencing;
mod history;
mod logs;
mod moving;
mod node;
mod process;
mod proxy;
mod races;
mod reach;
mod recovery;
mod server;
#[expect(dead_code, reason = "the other binaries run their tests twice")]
#[path = "../support/mod.rs"]
mod support;

#[test]
fn the_nodes_tests_run_on_postgresql_of_their_own() {
    // The other binaries run twice; this one starts what it needs.
    assert!(!support::on_postgres());
}
