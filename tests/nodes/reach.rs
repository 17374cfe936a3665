//! How soon a suspension or revocation at one node is the verdict of another, and what a node does
//! that hears nothing any more.
use super::node::*;
use super::proxy::Proxy;
use super::server::Pg;
use super::server::session;
use super::support::say;
use diesel::connection::SimpleConnection;
use passavant::app::Error;
use passavant::app::licences::Decision;
use std::time::Duration;
use std::time::Instant;

async fn two_nodes(url: &str) -> (Node, Node) {
    let (one, two) = (Node::open(url, 1), Node::open(url, 2));
    one.issue(&import_licence()).await;
    one.import(export_licences(4, 100_000)).await;
    (one, two)
}

/// Verifies until the verdict is another one than it was; gives how long that took.
async fn until_verdict(node: &Node, number: &str, verdict: &str, tag: &str) -> Duration {
    let began = Instant::now();
    for n in 0.. {
        let declaration = cartridges(&format!("FR-{tag}-{n}"), 1, number);
        if node.verify(&declaration).await["verdict"] == verdict {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{tag}: no {verdict}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspension_reaches_every_other_node_within_a_second() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let (one, two) = two_nodes(&server.database("reach")).await;
    let rounds = if std::env::var_os("CI").is_some() { 200 } else { 40 };
    let number = export_number(0);
    until_verdict(&two, &number, "clear", "warm").await;
    let mut took = Vec::new();
    for round in 0..rounds {
        one.decide(&number, Decision::Suspension).await.unwrap();
        took.push(until_verdict(&two, &number, "hold", &format!("s{round}")).await);
        one.decide(&number, Decision::Reinstatement).await.unwrap();
        took.push(until_verdict(&two, &number, "clear", &format!("r{round}")).await);
    }
    took.sort();
    let at = |share: usize| took[(took.len() * share / 1000).min(took.len() - 1)];
    say(&format!(
        "reach of {} changes: p50 {:?}, p90 {:?}, p99 {:?}, longest {:?}",
        took.len(),
        at(500),
        at(900),
        at(990),
        took[took.len() - 1]
    ));
    assert!(at(500) <= Duration::from_millis(250), "p50 {:?}", at(500));
    assert!(at(990) <= Duration::from_secs(1), "p99 {:?}", at(990));
    // A revocation is the end of it.
    one.decide(&number, Decision::Revocation).await.unwrap();
    until_verdict(&two, &number, "hold", "revoked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_notification_is_made_up_for_by_the_next_turn() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("missed");
    let one = Node::open(&url, 1);
    one.issue(&import_licence()).await;
    one.import(export_licences(2, 10)).await;
    let two = Node::open(&format!("{url}?application_name=node_two"), 2);
    // Its sessions are ended, the one that listens among them, and the word is given meanwhile.
    until_verdict(&two, &export_number(0), "clear", "warm").await;
    let end = "SELECT count(pg_terminate_backend(pid))::text AS answer FROM pg_stat_activity \
               WHERE application_name = 'node_two'";
    assert_ne!(server.ask("postgres", end), "0");
    one.decide(&export_number(0), Decision::Suspension).await.unwrap();
    let began = Instant::now();
    until(Duration::from_secs(10), "it holds", async || {
        match two.try_verify(&cartridges("FR-missed", 1, &export_number(0))).await {
            Ok(verdict) => verdict["verdict"] == "hold",
            Err(Error::Unavailable(_) | Error::Storage(_)) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    say(&format!(
        "a notification to a session that was ended: made up for in {:?}",
        began.elapsed()
    ));
    // Balances change without a word to anyone: only the turn of the clock tells.
    until_verdict(&two, &export_number(1), "clear", "draw").await;
    let all = one.verify(&cartridges("FR-all", 10, &export_number(1))).await;
    assert!(was_released(&one.release(&all, "all").await.unwrap()));
    let took = until_verdict(&two, &export_number(1), "hold", "drawn").await;
    say(&format!("a change that nobody was told of: heard in {took:?}"));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// What a node that is cut off from the database does: it never clears, says so in time, and comes
/// back by itself.
async fn cut_off(server: &Pg, name: &str, cut: impl Fn(&Proxy)) {
    let url = server.database(name);
    let one = Node::open(&url, 1);
    one.issue(&import_licence()).await;
    one.import(export_licences(2, 100)).await;
    let proxy = Proxy::before(server.port);
    let two = Node::open(&url.replace(&server.port.to_string(), &proxy.port.to_string()), 2);
    let number = export_number(0);
    until_verdict(&two, &number, "clear", "warm").await;
    cut(&proxy);
    let began = Instant::now();
    one.decide(&number, Decision::Revocation).await.unwrap();
    let unready =
        until(Duration::from_secs(5), "it is not ready", async || !two.app.unready().is_empty())
            .await;
    let mut longest = Duration::ZERO;
    for n in 0.. {
        let asked = Instant::now();
        let answer = two.try_verify(&cartridges(&format!("FR-cut-{n}"), 1, &number)).await;
        longest = longest.max(asked.elapsed());
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        if began.elapsed() > Duration::from_secs(12) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    say(&format!("{name}: not ready after {unready:?}, refused within {longest:?} at most"));
    assert!(longest < Duration::from_secs(9), "{longest:?}");
    proxy.restore();
    let back = until(Duration::from_secs(20), "it is back", async || {
        match two.try_verify(&cartridges("FR-back", 1, &number)).await {
            Ok(verdict) => {
                assert_ne!(verdict["verdict"], "clear", "it has been revoked meanwhile");
                verdict["verdict"] == "hold" && two.app.unready().is_empty()
            }
            Err(error) => {
                say(&format!("{error} {:?} {:?}", two.app.unready(), two.app.recorder.fenced()));
                false
            }
        }
    })
    .await;
    say(&format!("{name}: back by itself after {back:?}"));
    until_verdict(&two, &export_number(1), "clear", "other").await;
    drop((one, two));
    assert_verifies(&url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_cut_off_from_the_database_fails_closed_and_comes_back() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    cut_off(&server, "cut", Proxy::cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_database_goes_silent_fails_closed_and_comes_back() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    cut_off(&server, "stalled", Proxy::stall).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_refers_as_long_as_it_can_be_recorded() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("unread");
    let node = Node::open(&url, 1);
    node.issue(&import_licence()).await;
    node.import(export_licences(1, 100)).await;
    let mut locked = session(&url);
    locked.batch_execute("BEGIN; LOCK TABLE licence IN ACCESS EXCLUSIVE MODE").unwrap();
    let verdict = node.verify(&cartridges("FR-stale", 1, &export_number(0))).await;
    assert_eq!(verdict["verdict"], "refer", "{verdict}");
    assert!(verdict["findings"].to_string().contains("LICENCE_DATA_STALE"), "{verdict}");
    locked.batch_execute("ROLLBACK").unwrap();
    until_verdict(&node, &export_number(0), "clear", "again").await;
}
