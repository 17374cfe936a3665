//! The concurrency campaign in any size: release attempts of many clients at one node on SQLite or at
//! several on a PostgreSQL server that it starts for itself, and every sum at the end.
//!
//! `cargo run --release --example campaign -- --attempts 200000 --nodes 3 --backend postgres`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a harness may stop and speak"
)]

#[path = "../tests/nodes/campaign.rs"]
mod campaign;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/nodes/node.rs"]
mod node;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/nodes/server.rs"]
mod server;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/support/mod.rs"]
mod support;

use clap::Parser;

#[derive(Parser)]
struct Arguments {
    /// Release attempts.
    #[arg(long, default_value_t = 200_000)]
    attempts: u32,
    /// Clients at once.
    #[arg(long, default_value_t = 96)]
    clients: u32,
    /// Licences that two of three shipments draw on.
    #[arg(long, default_value_t = 4)]
    hot: u32,
    /// Licences for the rest.
    #[arg(long, default_value_t = 2000)]
    cold: u32,
    /// Nodes; one on SQLite.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// `postgres` or `sqlite`.
    #[arg(long, default_value = "postgres")]
    backend: String,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let size = campaign::Size {
        attempts: arguments.attempts,
        clients: arguments.clients,
        hot: arguments.hot,
        cold: arguments.cold,
    };
    if arguments.backend == "sqlite" {
        let dir = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}", dir.path().join("campaign.db").display());
        let outcome = campaign::run(vec![node::Node::open(&url, 1)], &url, size).await;
        println!("1 node on SQLite: {}", outcome.report());
        return;
    }
    let Some(server) = server::Pg::start(&[]) else { return };
    let url = server.database("campaign");
    let nodes = node::Node::several(&url, arguments.nodes);
    let outcome = campaign::run(nodes, &url, size).await;
    println!("{} nodes on PostgreSQL: {}", arguments.nodes, outcome.report());
    let deadlocks = "SELECT sum(deadlocks)::text AS answer FROM pg_stat_database";
    println!("deadlocks by the server's own count: {}", server.ask("postgres", deadlocks));
}
