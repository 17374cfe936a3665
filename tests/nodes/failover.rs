//! A primary with a synchronous stand-by under load: the primary dies, the stand-by is promoted, and
//! nothing that was acknowledged is lost or doubled.
use super::node::*;
use super::process::*;
use super::server::Pg;
use super::server::ask;
use super::support::postgres;
use super::support::say;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_dies_and_nothing_acknowledged_is_lost_or_doubled() {
    let Some(mut primary) = Pg::start(&[]) else { return };
    let direct = primary.database("national");
    let stand_by = primary.stand_by("stand_by");
    primary.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'stand_by'");
    primary.execute("postgres", "SELECT pg_reload_conf()");
    let in_step = "SELECT coalesce(max(sync_state), 'none') AS answer FROM pg_stat_replication";
    until(Duration::from_mins(1), "the stand-by is in step", async || {
        primary.ask("postgres", in_step) == "sync"
    })
    .await;
    // The stand-by is named first: who takes writes is found out, not believed.
    let url = format!(
        "postgres://{}@127.0.0.1:{},127.0.0.1:{}/national?target_session_attrs=read-write",
        postgres::USER,
        stand_by.port,
        primary.port
    );
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    for (number, folder) in folders.iter().enumerate() {
        prepare(folder.path(), &url, &origin(number + 1));
    }
    let nodes = folders.each_ref().map(|folder| Process::start(folder.path()));
    issue_sample(&nodes[0].api).await;
    let clients = Clients::start(&[&nodes[0], &nodes[1]], 6, "FR");
    until(Duration::from_mins(1), "there is something to lose", async || clients.releases() > 100)
        .await;
    let before = clients.releases();
    primary.kill();
    let killed = Instant::now();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stand_by.promote();
    let promoted = killed.elapsed();
    until(Duration::from_mins(1), "it goes on", async || clients.releases() > before + 100).await;
    let told = clients.finish().await;
    say(&format!(
        "the primary killed after {before} releases, the stand-by promoted {promoted:?} later: {} verdicts and {} \
         releases acknowledged, none lost, none doubled; {} requests unanswered or refused and asked again; nobody \
         waited longer than {:?}",
        told.verifications.len(),
        told.releases.len(),
        told.unanswered,
        told.outage
    ));
    assert!(told.unanswered > 0, "the clients have noticed");
    for node in &nodes {
        until(Duration::from_secs(20), "ready", async || node.status("/readyz").await == 200).await;
    }
    let role = ask(&url, "SELECT pg_is_in_recovery()::text AS answer").unwrap();
    assert_eq!(role, "false");
    let promoted = direct.replace(&primary.port.to_string(), &stand_by.port.to_string());
    assert_told_is_kept(&promoted, &told);
}
