//! The campaign in a size for every commit; `examples/campaign.rs` runs it in any.
use super::campaign::Size;
use super::campaign::run;
use super::node::Node;
use super::server::Pg;
use super::support::say;

fn size() -> Size {
    let attempts = if std::env::var_os("CI").is_some() { 12_000 } else { 1_500 };
    Size { attempts, clients: 48, hot: 3, cold: 200 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_over_three_nodes_agrees_to_the_last_round() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("campaign");
    let outcome = run(Node::several(&url, 3), &url, size()).await;
    say(&format!("three nodes on PostgreSQL: {}", outcome.report()));
    let deadlocks = "SELECT sum(deadlocks)::text AS answer FROM pg_stat_database";
    assert_eq!(server.ask("postgres", deadlocks), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_over_one_node_on_a_file_agrees_to_the_last_round() {
    let dir = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite://{}", dir.path().join("campaign.db").display());
    let outcome = run(vec![Node::open(&url, 1)], &url, size()).await;
    say(&format!("one node on SQLite: {}", outcome.report()));
}
