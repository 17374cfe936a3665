//! What one node has released is known to the others as soon as licences are: from memory while the
//! feed between them is heard, and from the rows where it is not.
use super::node::*;
use super::server::Pg;
use super::support::say;
use passavant::app::App;
use passavant::app::Error;
use passavant::cache::past::Trace;
use passavant::domain::serial::Serial;
use passavant::wire::alert::Measure;
use passavant::wire::serial::SerialReportRequest;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// By when another node's release has to be known: the default of `cache.age_ms_max`.
const AGE_MAX: Duration = Duration::from_secs(2);
/// What a busy machine may take beyond it.
const PATIENCE: Duration = Duration::from_secs(20);

const OTHER_REFERENCE: Trace<'static> = Trace::Reference("national", "FR-never-seen");

fn perhaps(app: &App, reference: &str) -> bool {
    app.past.perhaps(Trace::Reference("national", reference))
}

/// A node that has remembered everything.
async fn ready(url: &str, number: usize) -> Node {
    let node = Node::open(url, number);
    until(PATIENCE, "it remembers", async || !node.app.has_to_remember()).await;
    node
}

async fn release(node: &Node, reference: &str) {
    let verification = node.verify(&cartridges(reference, 1, EXPORT)).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    assert!(was_released(&node.release(&verification, reference).await.unwrap()));
}

async fn verify(app: &App, declaration: &Value) -> Value {
    let recorded = app.verify(&officer(), declaration.to_string(), None).await.unwrap();
    serde_json::from_str(&recorded.reply).unwrap()
}

/// Verifies a reference, and insists whether its history was known from memory or asked for.
async fn verified(app: &App, reference: &str, from_memory: bool) -> Value {
    let (known, asked) = app.past.counts();
    let verdict = verify(app, &cartridges(reference, 1, EXPORT)).await;
    let now = app.past.counts();
    let expected = if from_memory { (known + 1, asked) } else { (known, asked + 1) };
    assert_eq!(now, expected, "{reference}: {verdict}");
    verdict
}

fn is_replay(verdict: &Value) -> bool {
    verdict["findings"].to_string().contains("MRN_ALREADY_USED") && verdict["verdict"] != "clear"
}

/// Waits until a node may no longer take a reference for new, and insists that it then is no longer.
async fn until_known(node: &Node, reference: &str) -> Duration {
    let took = until(PATIENCE, reference, async || perhaps(&node.app, reference)).await;
    let verdict = verified(&node.app, reference, false).await;
    assert!(is_replay(&verdict), "{verdict}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_released_another_takes_for_new_no_more() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("history");
    let (one, two) =
        (ready(&url, 1).await, ready(&format!("{url}?application_name=node_two"), 2).await);
    one.issue_sample(1000).await;
    assert_eq!(verified(&two.app, "FR-1", true).await["verdict"], "clear");
    let began = Instant::now();
    release(&one, "FR-1").await;
    let took = until_known(&two, "FR-1").await;
    say(&format!("a release at another node was known after {took:?}"));
    // A verdict that is younger than the age limit allows would have to know it by now.
    until(PATIENCE, "its age", async || began.elapsed() > AGE_MAX).await;
    assert!(is_replay(&verified(&two.app, "FR-1", false).await));
    assert_eq!(verified(&two.app, "FR-2", true).await["verdict"], "clear");
    // What was missed while the connections were gone is made up for, without reading all again.
    let reading = two.app.past.begin();
    let end = "SELECT count(pg_terminate_backend(pid))::text AS answer FROM pg_stat_activity \
               WHERE application_name = 'node_two'";
    assert_ne!(server.ask("postgres", end), "0");
    release(&one, "FR-2").await;
    until(PATIENCE, "FR-2", async || perhaps(&two.app, "FR-2")).await;
    until(PATIENCE, "it is back", async || two.app.unready().is_empty()).await;
    // What was asked over a connection that was ended refers, or is asked again.
    until(PATIENCE, "its rows", async || {
        match two.try_verify(&cartridges("FR-2", 1, EXPORT)).await {
            Ok(verdict) => is_replay(&verdict),
            Err(Error::Unavailable(_) | Error::Storage(_)) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    assert_eq!(two.app.past.begin(), reading);
    // And while it was not running at all.
    let folder = two.close().await;
    release(&one, "FR-3").await;
    let two = open_in(folder.path(), &url, &origin(2)).unwrap();
    assert!(two.past.perhaps(OTHER_REFERENCE), "it has remembered nothing yet");
    two.remember(|| false).unwrap();
    assert!(two.past.perhaps(OTHER_REFERENCE), "it was told not to go on");
    two.remember(|| true).unwrap();
    assert!(!two.past.perhaps(OTHER_REFERENCE));
    for reference in ["FR-1", "FR-2", "FR-3"] {
        assert!(is_replay(&verified(&two, reference, false).await));
    }
    two.recorder.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_reports_and_firearms_reach_other_nodes_too() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("stops");
    let (one, two) = (ready(&url, 1).await, ready(&url, 2).await);
    one.issue_sample(9000).await;
    let verification = one.verify(&cartridges("FR-STOP", 1, EXPORT)).await;
    let id = verification["id"].as_str().unwrap().parse().unwrap();
    let measure = (Measure::Hold, "a false floor".into());
    one.app.stop_goods(&officer(), id, measure, None).await.unwrap();
    until(PATIENCE, "the stop", async || perhaps(&two.app, "FR-STOP")).await;
    let verdict = verified(&two.app, "FR-STOP", false).await;
    assert!(verdict["findings"].to_string().contains("STOPPED_BY_OFFICER"), "{verdict}");
    let serial = Serial::parse("ZZ-900-77").unwrap();
    let sought = || two.app.past.perhaps(Trace::Firearm("*", serial.as_str()));
    assert!(!sought());
    let report: SerialReportRequest = serde_json::from_value(
        json!({"report": "stolen", "serial": "ZZ-900-77", "reference": "POL-1"}),
    )
    .unwrap();
    one.app.report_serial(&officer(), report.read().unwrap(), None).await.unwrap();
    until(PATIENCE, "the report", async || sought()).await;
    // The rifles of the sample, by their serials.
    let mut sample = passavant::demo::declarations(today()).remove(0).declaration;
    sample["ucr"] = json!("6FR12345678901234-OTHER");
    let rifle = Serial::parse(sample["items"][0]["serials"][0].as_str().unwrap()).unwrap();
    let moved = || two.app.past.perhaps(Trace::Firearm("*", rifle.as_str()));
    assert!(!moved());
    let verification = one.verify(&sample).await;
    assert!(was_released(&one.release(&verification, "sample").await.unwrap()), "{verification}");
    until(PATIENCE, "the rifles", async || moved()).await;
    let mut again = sample.clone();
    again["reference"] = json!({"type": "national", "value": "FR-again"});
    let verdict = verify(&two.app, &again).await;
    assert!(verdict["findings"].to_string().contains("SERIAL_ALREADY_MOVED"), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_gone_under_an_import_licence_is_one_count_at_all_nodes() {
    const RELEASES: u32 = 24;
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("covers");
    let nodes = Arc::new([ready(&url, 1).await, ready(&url, 2).await]);
    let mut import = import_licence();
    import["lines"][1]["quantity"] = json!("100");
    nodes[0].issue(&import).await;
    nodes[0].import(export_licences(RELEASES + 2, 100)).await;
    let declaration = |n: u32, rounds| cartridges(&format!("FR-{n}"), rounds, &export_number(n));
    let number = import["number"].as_str().unwrap();
    let known = |node: &Node| node.app.past.perhaps(Trace::Cover(number));
    assert!(!known(&nodes[1]));
    let first = nodes[0].verify(&declaration(RELEASES, 9)).await;
    // Each has cleared before anything has gone, and fits its own export licence.
    let mut verified = Vec::new();
    for n in 0..RELEASES {
        let verification = nodes[n as usize % 2].verify(&declaration(n, 9)).await;
        assert_eq!(verification["verdict"], "clear", "{verification}");
        verified.push(verification);
    }
    assert!(was_released(&nodes[0].release(&first, "first").await.unwrap()));
    until(PATIENCE, "the release of the other", async || known(&nodes[1])).await;
    let beyond = nodes[1].verify(&declaration(RELEASES + 1, 92)).await;
    assert!(beyond["findings"].to_string().contains("9 C62 released already"), "{beyond}");
    let release = |(n, verification): (usize, Value)| {
        let (nodes, key) = (Arc::clone(&nodes), format!("key-{n}"));
        tokio::task::spawn(async move {
            was_released(&nodes[n % 2].release(&verification, &key).await.unwrap())
        })
    };
    let releases: Vec<_> = verified.into_iter().enumerate().map(release).collect();
    let mut released = 0;
    for release in releases {
        released += u32::from(release.await.unwrap());
    }
    assert_eq!(released, 10, "with the first, eleven times nine are ninety-nine");
    let sum = "SELECT (sum(quantity) / 1000000)::bigint::text AS answer FROM cover";
    assert_eq!(server.ask("covers", sum), "99");
    for node in nodes.iter() {
        let beyond = node.verify(&declaration(RELEASES + 1, 2)).await;
        assert!(beyond["findings"].to_string().contains("99 C62 released already"), "{beyond}");
        assert_eq!(node.verify(&declaration(RELEASES + 1, 1)).await["verdict"], "clear");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_hear_the_others_asks_the_rows() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("silent");
    let one = ready(&url, 1).await;
    one.issue_sample(1000).await;
    // Nobody lets it hear the feed but this test.
    let dir = tempfile::TempDir::new().unwrap();
    let two = open_in(dir.path(), &url, &origin(2)).unwrap();
    two.remember(|| true).unwrap();
    assert!(two.hear_others());
    let heard = Instant::now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Its licences come from the rows, what it knows of the past is as old as the feed, and it says so.
    let early = verify(&two, &cartridges("FR-1", 1, EXPORT)).await;
    if heard.elapsed() < AGE_MAX {
        assert!(early["as_of"]["data_age_ms"].as_u64().unwrap() >= 50, "{early}");
        assert_eq!(two.past.counts(), (1, 0));
    }
    release(&one, "FR-1").await;
    assert!(!perhaps(&two, "FR-1"), "it has not heard of it");
    until(PATIENCE, "its age", async || heard.elapsed() > AGE_MAX).await;
    let verdict = verified(&two, "FR-1", false).await;
    assert!(is_replay(&verdict), "{verdict}");
    assert!(!perhaps(&two, "FR-1"), "it asked for want of the feed, not for what it had heard");
    assert!(two.hear_others() && perhaps(&two, "FR-1"));
    two.recorder.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_feed_is_not_what_it_was_everything_is_read_again() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("lost");
    let one = ready(&url, 1).await;
    one.issue_sample(1000).await;
    release(&one, "FR-0").await;
    let dir = tempfile::TempDir::new().unwrap();
    let two = open_in(dir.path(), &url, &origin(2)).unwrap();
    let again = |what: &str| {
        assert!(two.hear_others(), "{what}");
        assert!(two.has_to_remember(), "{what}");
        assert!(two.past.perhaps(OTHER_REFERENCE), "{what}");
        two.remember(|| true).unwrap();
        assert!(!two.past.perhaps(OTHER_REFERENCE), "{what}");
        assert!(two.hear_others() && !two.has_to_remember(), "{what}: it is heard again");
    };
    two.remember(|| true).unwrap();
    assert!(perhaps(&two, "FR-0") && two.hear_others() && !two.has_to_remember());
    // It was away for longer than the feed keeps.
    release(&one, "FR-1").await;
    release(&one, "FR-2").await;
    server.execute("lost", "DELETE FROM feed WHERE sequence < (SELECT max(sequence) FROM feed)");
    again("removed");
    assert!(perhaps(&two, "FR-1") && perhaps(&two, "FR-2"));
    // A stand-by that had not got the last batches gave their counts to others.
    server.execute(
        "lost",
        "UPDATE feed SET mark = mark + 1 WHERE sequence = (SELECT max(sequence) FROM feed)",
    );
    release(&one, "FR-3").await;
    // Nor is anything read from a database that the feed is not heard of.
    let refused = two.remember(|| true).unwrap_err().to_string();
    assert!(refused.contains("not the database"), "{refused}");
    again("counted by others");
    assert!(perhaps(&two, "FR-3"));
    // A row that this version does not read.
    release(&one, "FR-4").await;
    server.execute("lost", "UPDATE feed SET traces = '[{\"person\":\"x\"}]' WHERE sequence = (SELECT max(sequence) FROM feed)");
    assert!(two.hear_others() && two.has_to_remember());
    two.remember(|| true).unwrap();
    assert!(perhaps(&two, "FR-4"));
    two.recorder.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_keeps_its_latest_batches_and_is_heard_page_by_page() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("pages");
    let (one, two) = (ready(&url, 1).await, ready(&url, 2).await);
    one.issue_sample(1000).await;
    let reading = two.app.past.begin();
    server.execute(
        "pages",
        "BEGIN; INSERT INTO feed SELECT g, g, '[]', '[{\"reference\":[\"national\",\"FR-' || g || '\"]}]' \
         FROM generate_series((SELECT max(sequence) + 1 FROM feed), 20479) g; \
         UPDATE watermark SET sequence = 20479; COMMIT",
    );
    release(&one, "FR-PRUNED").await;
    assert_eq!(server.ask("pages", "SELECT count(*)::text AS answer FROM feed"), "10000");
    until(PATIENCE, "all of it", async || perhaps(&two.app, "FR-PRUNED")).await;
    until(PATIENCE, "it is known", async || !two.app.has_to_remember()).await;
    if two.app.past.begin() == reading {
        assert!((1000..=20479).all(|n| perhaps(&two.app, &format!("FR-{n}"))));
    }
    until_known(&two, "FR-PRUNED").await;
}
