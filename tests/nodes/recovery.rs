//! The restore drill: a base copy, the archived log, and a point in time before the mistake.
use super::node::*;
use super::server::Pg;
use super::support::postgres;
use super::support::say;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_restored_to_a_point_in_time_and_the_node_declares_the_gap() {
    let wal = postgres::folder();
    let keep = format!("archive_command=cp %p {}/%f", wal.path().display());
    let Some(mut server) = Pg::start(&["wal_level=replica", "archive_mode=on", &keep]) else {
        return;
    };
    let url = server.database("national");
    let node = Node::open(&url, 1);
    node.issue_sample(1000).await;
    let ship = async |node: &Node, from: u32, to: u32| {
        for n in from..to {
            let verification = node.verify(&cartridges(&format!("FR-{n}"), 1, EXPORT)).await;
            assert!(was_released(&node.release(&verification, &format!("k-{n}")).await.unwrap()));
        }
    };
    ship(&node, 0, 10).await;
    let mut restored = server.copy();
    ship(&node, 10, 20).await;
    server.execute("postgres", "SELECT pg_create_restore_point('before_the_mistake')");
    let kept = assert_verifies(&url);
    ship(&node, 20, 25).await;
    let signed = assert_verifies(&url);
    let folder = node.close().await;
    server.execute("national", "DROP TABLE release_draw");
    server.execute("postgres", "SELECT pg_switch_wal()");
    server.stop("fast");
    // Restored: everything up to the point, from the base copy and the archived log.
    restored.set(&format!("restore_command=cp {}/%f %p", wal.path().display()));
    restored.set("recovery_target_name=before_the_mistake");
    restored.set("recovery_target_action=promote");
    std::fs::write(restored.data().join("recovery.signal"), "").unwrap();
    restored.run();
    let url = format!("{}/national", restored.url());
    until(Duration::from_mins(1), "it takes writes", async || {
        restored.ask("postgres", "SELECT pg_is_in_recovery()::text AS answer") == "false"
    })
    .await;
    assert_eq!(assert_verifies(&url), kept);
    // The node has signed more than that: it does not go on from there.
    let refused = open_in(folder.path(), &url, &origin(1)).err().unwrap().to_string();
    assert!(refused.contains("put back to an older state"), "{refused}");
    // Under a new name it does, and its first entry says how far the old log went.
    let fresh = Node::open(&url, 2);
    assert_eq!(fresh.consumed(EXPORT).await, 20);
    ship(&fresh, 30, 35).await;
    assert_eq!(fresh.consumed(EXPORT).await, 25);
    let mut db = super::server::session(&url);
    let log = passavant::storage::log::by_origin(&mut db, &origin(2)).unwrap().unwrap();
    let first = passavant::storage::log::entry(&mut db, log.id, 0).unwrap().unwrap();
    let first = String::from_utf8(first).unwrap();
    assert!(first.contains(&format!("{{\"log\":\"{}\",\"size\":{kept}}}", origin(1))), "{first}");
    assert_verifies(&url);
    say(&format!(
        "restored to the point before the mistake: {kept} of {signed} entries, all of which fit; the node refused to go \
         on, and under a new name declared the gap"
    ));
}
