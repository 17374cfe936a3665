//! Delivery of events to a real receiver that fails: at least once, in the order of each consignment,
//! signed, until it is given up, and again on demand.
use super::harness::*;
use super::receiver::Answer;
use super::receiver::Receiver;
use super::support;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::alerts::Query;
use passavant::app::courier::Courier;
use passavant::app::licences::Decision;
use passavant::app::licences::Document;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::config::Webhooks;
use passavant::demo;
use passavant::wire::alert::AlertReply;
use passavant::wire::webhook::ReplayRequest;
use passavant::wire::webhook::WebhookRequest;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use uuid::Uuid;

/// How long a test waits for what must come; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_mins(5);

/// A node on the machine's clock whose receivers may be on loopback.
fn node(dir: &Path, origin: &str, receiver: &Receiver, set: impl Fn(&mut Webhooks)) -> Arc<App> {
    let mut config = Config::embedded().unwrap();
    origin.clone_into(&mut config.node.origin);
    config.node.state = String::from("FR");
    config.node.data_dir = dir.to_path_buf();
    config.database.url = support::database_url(dir);
    config.webhooks.networks = vec!["127.0.0.0/8".to_owned()];
    config.webhooks.ca_file.clone_from(&receiver.ca_file);
    config.webhooks.retry_ms = vec![5, 10, 20];
    // A busy machine is no fault here.
    config.recorder.answer_within_ms = 60_000;
    set(&mut config.webhooks);
    let clock = Arc::new(SystemClock);
    let access = Access::new(&config, clock.clone()).unwrap();
    Arc::new(App::open(config, clock, Arc::new(SystemIds), access).unwrap())
}

fn courier(app: &Arc<App>) -> tokio::task::JoinHandle<()> {
    let mut courier = Courier::new(Arc::clone(app));
    tokio::spawn(async move {
        loop {
            courier.turn().await;
        }
    })
}

/// Has licences' changes told to a URL.
async fn subscribe(app: &App, state: &str, url: &str) -> Uuid {
    let kinds = ["licence.issued", "licence.suspended", "licence.reinstated"];
    let request = WebhookRequest {
        url: Some(url.to_owned()),
        events: kinds.map(str::to_owned).to_vec(),
        ..WebhookRequest::default()
    };
    let made = app.make_webhook(&authority(state), request.read().unwrap(), None).await.unwrap();
    let made: Value = serde_json::from_str(&made.reply).unwrap();
    made["id"].as_str().unwrap().parse().unwrap()
}

/// Issues a licence under a number of its own.
async fn issue(app: &App, number: &str) {
    let mut licence = demo::licences(today()).remove(0);
    licence["number"] = json!(number);
    let sent = serde_json::from_value(licence).unwrap();
    app.issue(&authority("FR"), Document::read(&sent, "").unwrap(), None).await.unwrap();
}

/// Issues a licence and suspends and reinstates it, so many events in all.
async fn live(app: &App, number: &str, events: u32) {
    issue(app, number).await;
    let authority = authority("FR");
    for n in 1..events {
        let decision = if n % 2 == 1 { Decision::Suspension } else { Decision::Reinstatement };
        let (number, reason) = (number.into(), "inquiry".into());
        app.decide(&authority, number, decision, reason, None, None).await.unwrap();
    }
}

/// Alerts to the authority about a webhook.
async fn alerts(app: &App, webhook: Uuid) -> usize {
    let page = app.alerts(&authority("FR"), Query::default(), 50).await.unwrap();
    let alerts = page.alerts;
    let about = |alert: &&AlertReply| alert.about.webhook == Some(webhook.to_string());
    alerts.iter().filter(about).filter(|alert| alert.kind == "delivery_failed").count()
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A number that looks like chance and is the same in every run.
fn chance(n: u64) -> u64 {
    let n = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)) % 100
}

/// A receiver that fails half of the time, in every way.
fn half(n: u64) -> Answer {
    match chance(n) {
        0..50 => Answer::Take,
        50..52 => Answer::TakeAndDrop,
        52 => Answer::Hang,
        53..57 => Answer::Drop,
        57..75 => Answer::Status(429, "Retry-After: 0\r\n"),
        75..80 => Answer::Status(302, "Location: https://127.0.0.1/elsewhere\r\n"),
        _ => Answer::Status(500, ""),
    }
}

const LICENCES: u32 = 100;
const EVENTS_EACH: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_events_reach_a_receiver_that_fails_half_of_the_time() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::start(dir.path(), half).await;
    let set = |webhooks: &mut Webhooks| {
        webhooks.timeout_ms = 1000;
        webhooks.per_webhook_max = 100;
    };
    let app = node(dir.path(), "passavant.example/one", &receiver, set);
    let mut couriers = vec![courier(&app)];
    // Where a server is shared, a second node delivers too, and is gone in the middle of it.
    let other_dir = TempDir::new().unwrap();
    let other = support::on_postgres().then(|| {
        let url = support::database_url(dir.path());
        std::fs::write(other_dir.path().join("database.url"), url).unwrap();
        node(other_dir.path(), "passavant.example/two", &receiver, set)
    });
    let doomed = other.as_ref().map(courier);
    subscribe(&app, "FR", &receiver.url).await;
    let lives = (0..LICENCES).map(|n| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { live(&app, &format!("FR-EXP-{n}"), EVENTS_EACH).await })
    });
    for life in lives.collect::<Vec<_>>() {
        life.await.unwrap();
    }
    if let Some(doomed) = doomed {
        doomed.abort();
    }
    let distinct = || {
        let taken = receiver.taken.lock().unwrap();
        taken.iter().map(|request| request.id().to_owned()).collect::<HashSet<_>>().len()
    };
    until("every event is taken", async || distinct() == 10_000).await;
    until("every event is known to be", async || app.waiting_events().await.unwrap() == 0).await;
    couriers.drain(..).for_each(|courier| courier.abort());

    let keys: Vec<String> =
        app.webhook_keys().await.unwrap().keys.into_iter().map(|key| key.key).collect();
    let (mut first, mut versions) = (HashSet::new(), HashMap::<String, u64>::new());
    for request in receiver.taken() {
        assert!(keys.iter().any(|key| request.is_signed_by(key)), "{request:?}");
        if first.insert(request.id().to_owned()) {
            let event = request.json();
            let licence = event["data"]["licence"].as_str().unwrap().to_owned();
            let version = event["data"]["version"].as_u64().unwrap();
            let before = versions.insert(licence.clone(), version).unwrap_or_default();
            assert_eq!(version, before + 1, "{licence} is told of in its order");
        }
    }
    assert_eq!(u32::try_from(versions.len()), Ok(LICENCES));
    assert!(versions.values().all(|last| *last == u64::from(EVENTS_EACH)));
    let requests = receiver.requests.load(std::sync::atomic::Ordering::SeqCst);
    support::say(&format!("10,000 events, {requests} requests"));
    assert!(requests > 17_000, "the receiver failed half of the time: {requests}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_delivered_is_a_dead_letter_until_it_is_asked_for_again() {
    let dir = TempDir::new().unwrap();
    let well = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_well = Arc::clone(&well);
    let receiver = Receiver::start(dir.path(), move |_| {
        let well = is_well.load(std::sync::atomic::Ordering::SeqCst);
        if well { Answer::Take } else { Answer::Status(500, "") }
    });
    let receiver = receiver.await;
    let set = |webhooks: &mut Webhooks| {
        webhooks.retry_ms = vec![400];
        webhooks.give_up_s = 1;
        webhooks.attempts_min = 2;
    };
    let app = node(dir.path(), "passavant.example/one", &receiver, set);
    let (courier, caller) = (courier(&app), authority("FR"));
    let id = subscribe(&app, "FR", &receiver.url).await;
    live(&app, "FR-EXP-1", 3).await;
    let letters = async || app.dead_letters(&caller, id, 0, 10).await.unwrap().0;
    until("all three are given up", async || letters().await.len() == 3).await;
    let dead = letters().await;
    assert_eq!(dead[0].kind, "licence.issued");
    assert!(dead.iter().all(|letter| letter.answer.as_deref() == Some("status 500")));
    assert!(dead.iter().all(|letter| letter.attempts >= 2), "{dead:?}");
    assert!(app.dead_letters(&authority("KE"), id, 0, 10).await.is_err(), "another State's");
    assert!(receiver.taken().is_empty());
    assert_eq!(alerts(&app, id).await, 1, "one alert, however many letters");

    well.store(true, std::sync::atomic::Ordering::SeqCst);
    let from = ReplayRequest { from_event: Some(dead[1].event.clone()), since: None };
    let replayed = app.replay_events(&caller, id, from.read().unwrap(), None).await.unwrap();
    let replayed: Value = serde_json::from_str(&replayed.reply).unwrap();
    assert_eq!(
        replayed,
        json!({"replayed": 2, "first": dead[1].event, "last": dead[2].event, "more": false})
    );
    until("they are told", async || receiver.taken().len() == 2).await;
    let taken = receiver.taken();
    assert_eq!((taken[0].id(), taken[1].id()), (&*dead[1].event, &*dead[2].event));
    until("one is left", async || letters().await.len() == 1).await;
    courier.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_wants_no_more_is_told_no_more() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::start(dir.path(), |_| Answer::Status(410, "")).await;
    let app = node(dir.path(), "passavant.example/one", &receiver, |_| {});
    let (courier, caller) = (courier(&app), authority("FR"));
    let id = subscribe(&app, "FR", &receiver.url).await;
    issue(&app, "FR-EXP-1").await;
    until("it is disabled", async || app.webhook(&caller, id).await.unwrap().status == "disabled")
        .await;
    let webhook = app.webhook(&caller, id).await.unwrap();
    assert!(webhook.reason.unwrap().contains("410"));
    until("it is put before the authority", async || alerts(&app, id).await == 1).await;
    let before = receiver.requests.load(std::sync::atomic::Ordering::SeqCst);
    live(&app, "FR-EXP-2", 3).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(receiver.requests.load(std::sync::atomic::Ordering::SeqCst), before);
    courier.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_asks_to_wait_is_left_alone_so_long() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::start(dir.path(), |n| {
        if n == 0 { Answer::Status(503, "Retry-After: 2\r\n") } else { Answer::Take }
    });
    let receiver = receiver.await;
    let app = node(dir.path(), "passavant.example/one", &receiver, |_| {});
    let courier = courier(&app);
    subscribe(&app, "FR", &receiver.url).await;
    let began = Instant::now();
    issue(&app, "FR-EXP-1").await;
    until("it is told", async || !receiver.taken().is_empty()).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    courier.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_not_public_is_not_told_whatever_its_name() {
    let dir = TempDir::new().unwrap();
    let receiver = Receiver::start(dir.path(), |_| Answer::Take).await;
    let app = node(dir.path(), "passavant.example/one", &receiver, |webhooks| {
        webhooks.networks.clear();
        webhooks.give_up_s = 1;
        webhooks.attempts_min = 1;
        webhooks.retry_ms = vec![2000];
    });
    let (courier, caller) = (courier(&app), authority("FR"));
    let literal = WebhookRequest { url: Some(receiver.url.clone()), ..WebhookRequest::default() };
    app.make_webhook(&caller, literal.read().unwrap(), None).await.unwrap_err();
    // A name says nothing until it is resolved, and then it leads to loopback.
    let id = subscribe(&app, "FR", &receiver.url.replace("127.0.0.1", "localhost")).await;
    issue(&app, "FR-EXP-1").await;
    let letters = async || app.dead_letters(&caller, id, 0, 10).await.unwrap().0;
    until("it is given up", async || letters().await.len() == 1).await;
    let answer = letters().await.remove(0).answer.unwrap();
    assert!(answer.contains("no public address"), "{answer}");
    assert_eq!(receiver.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
    courier.abort();
}
