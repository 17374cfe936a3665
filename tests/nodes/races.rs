//! Release against revocation: 10,000 races at two nodes, and none in which a release commits after
//! a revocation that has.
use super::node::*;
use super::server::Pg;
use futures_util::StreamExt;
use passavant::app::Error;
use passavant::app::licences::Decision;
use std::sync::Arc;
use std::time::Duration;

/// Writes down, inside the transactions and under the licence's lock, in which order acts on one
/// licence happen: an observer of the test's own.
const OBSERVER: &str = "
    CREATE SEQUENCE observed_order;
    CREATE TABLE observed (licence_id BIGINT, act TEXT, place BIGINT);
    CREATE FUNCTION observe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO observed VALUES (NEW.licence_id, TG_ARGV[0], nextval('observed_order'));
        RETURN NULL;
    END $$;
    CREATE TRIGGER observe_release AFTER INSERT ON ledger FOR EACH ROW WHEN (NEW.kind = 'release')
        EXECUTE FUNCTION observe('release');
    CREATE TRIGGER observe_revocation AFTER INSERT ON licence_version FOR EACH ROW
        WHEN (NEW.change = 'revocation') EXECUTE FUNCTION observe('revocation');";

const AFTER: &str =
    "SELECT count(*)::text AS answer FROM observed r JOIN observed v USING (licence_id)
    WHERE r.act = 'release' AND v.act = 'revocation' AND r.place > v.place";
const BEFORE: &str =
    "SELECT count(*)::text AS answer FROM observed r JOIN observed v USING (licence_id)
    WHERE r.act = 'release' AND v.act = 'revocation' AND r.place < v.place";
const REVOKED: &str = "SELECT count(*)::text AS answer FROM observed WHERE act = 'revocation'";

/// Asks again under the same key where a busy machine's database was too slow, as clients are told to.
async fn answered<T>(ask: impl AsyncFn() -> Result<T, Error>) -> T {
    for _ in 0..200 {
        match ask().await {
            Err(Error::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            done => return done.unwrap(),
        }
    }
    panic!("no answer in two hundred attempts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_release_commits_after_a_committed_revocation() {
    let races: u32 = if std::env::var_os("CI").is_some() { 10_000 } else { 500 };
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("races");
    server.execute("races", OBSERVER);
    let nodes = Arc::new(Node::several(&url, 2));
    nodes[0].issue(&import_licence()).await;
    nodes[0].import(export_licences(races, 1)).await;
    let race = |n: u32| {
        let nodes = Arc::clone(&nodes);
        async move {
            let number = export_number(n);
            let (here, there) = (&nodes[n as usize % 2], &nodes[(n + 1) as usize % 2]);
            let declaration = cartridges(&format!("FR-{n}"), 1, &number);
            let verification = answered(async || here.try_verify(&declaration).await).await;
            assert_eq!(verification["verdict"], "clear", "{verification}");
            // Now the one, now the other is a little ahead.
            let ahead = Duration::from_micros(u64::from(n % 40) * 150);
            let release = async {
                if n.is_multiple_of(3) {
                    tokio::time::sleep(ahead).await;
                }
                let key = format!("key-{n}");
                answered(async || here.release(&verification, &key).await).await
            };
            let revoke = async {
                if !n.is_multiple_of(3) {
                    tokio::time::sleep(ahead).await;
                }
                answered(async || match there.decide(&number, Decision::Revocation).await {
                    // It was not answered, and had been done.
                    Err(Error::Stale(_)) => Ok(()),
                    other => other.map(drop),
                })
                .await;
            };
            let (released, ()) = tokio::join!(release, revoke);
            // And whoever asks after the revocation was answered never gets it released.
            let key = format!("late-{n}");
            let late = answered(async || here.release(&verification, &key).await).await;
            assert!(!was_released(&late), "race {n}");
            u32::from(was_released(&released))
        }
    };
    let released: u32 = futures_util::stream::iter(0..races)
        .map(race)
        .buffer_unordered(64)
        .fold(0, |sum, one| async move { sum + one })
        .await;
    let number = |sql: &str| server.ask("races", sql).parse::<u32>().unwrap();
    assert_eq!(number(REVOKED), races);
    assert_eq!(number(AFTER), 0, "releases after their licence was revoked");
    assert_eq!(number(BEFORE), released, "each release that was answered stands, and no other");
    let lost = races - released;
    super::support::say(&format!(
        "{races} races: {released} releases came first, {lost} revocations, none out of order"
    ));
    // How many each side wins is the machine's affair; that both do is the test's.
    assert!(released.min(lost) >= 20, "they do race: {released} of {races}");
    drop(Arc::into_inner(nodes).unwrap());
    assert_verifies(&url);
}

/// Lorries that two nodes look at.
const LORRIES: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lorry_that_two_nodes_look_at_is_one_case() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("cases");
    let nodes = Arc::new(Node::several(&url, 2));
    nodes[0].issue_sample(10).await;
    let looks = (0..2 * LORRIES).map(|n| {
        let nodes = Arc::clone(&nodes);
        async move {
            let held = cartridges(&format!("FR-{}", n / 2), 20, EXPORT);
            let verification = answered(async || nodes[n % 2].try_verify(&held).await).await;
            assert_eq!(verification["verdict"], "hold", "{verification}");
        }
    });
    futures_util::stream::iter(looks).buffer_unordered(16).collect::<Vec<()>>().await;
    let ask = |sql: &str| server.ask("cases", sql);
    let answers = [
        ask("SELECT count(*)::text AS answer FROM alert WHERE kind = 'mismatch'"),
        ask("SELECT count(*)::text AS answer FROM alert_event WHERE change = 'seen_again'"),
        ask("SELECT count(*)::text AS answer FROM deadline WHERE kind = 'customs_notice'"),
    ];
    assert_eq!(answers, [LORRIES.to_string(), LORRIES.to_string(), LORRIES.to_string()]);
    drop(nodes);
    assert_verifies(&url);
}
