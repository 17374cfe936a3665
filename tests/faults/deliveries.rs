//! Killed while it tells a receiver of what happened: whatever it has acknowledged is told, and what happened to
//! a consignment is told in its order.
use super::receiver::Answer;
use super::receiver::Receiver;
use super::*;
use std::collections::HashMap;
use std::collections::HashSet;
use std::io::Write;

/// How long the test waits for what must come; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_mins(5);
/// What is told of one shipment, in its order, and where the event names what happened.
const LIFE: [(&str, &str); 3] =
    [("release.made", "release"), ("exit.recorded", "crossing"), ("arrival.recorded", "arrival")];

/// It fails every third time, and now and then its answer is lost.
fn now_and_then(n: u64) -> Answer {
    match n % 21 {
        1 => Answer::TakeAndDrop,
        2 => Answer::Drop,
        4 => Answer::Hang,
        n if n % 3 == 0 => Answer::Status(503, ""),
        _ => Answer::Take,
    }
}

/// The first time that each event was taken, in that order: kind, what it is about, consignment.
fn told(receiver: &Receiver, keys: &[String]) -> Vec<(String, String, String)> {
    let (mut first, mut told) = (HashSet::new(), Vec::new());
    for request in receiver.taken() {
        assert!(keys.iter().any(|key| request.is_signed_by(key)), "{request:?}");
        if !first.insert(request.id().to_owned()) {
            continue;
        }
        let event = request.json();
        let kind = event["type"].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
        let field = LIFE.iter().find(|(life, _)| *life == kind).unwrap().1;
        let text = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        told.push((kind, text(field), text("ucr")));
    }
    told
}

async fn subscribe(api: &str, url: &str) {
    let body = json!({"url": url, "events": LIFE.map(|(kind, _)| kind)});
    let sent = http().post(format!("{api}/v1/webhooks")).bearer_auth(token("FR", "authority"));
    let made = sent.header("Idempotency-Key", "hook").json(&body).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201, "{}", made.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_delivers_it_tells_everything_and_in_order() {
    let dir = prepare();
    let receiver = Receiver::start(dir.path(), now_and_then).await;
    let mut settings =
        std::fs::OpenOptions::new().append(true).open(dir.path().join("settings.toml")).unwrap();
    let ca_file = receiver.ca_file.display().to_string();
    writeln!(
        settings,
        "[webhooks]\nnetworks = [\"127.0.0.0/8\"]\nca_file = {ca_file:?}\ntimeout_ms = 500\nretry_ms = [20, 50, 100]"
    )
    .unwrap();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    subscribe(&process.api, &receiver.url).await;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    for cycle in 0..3 {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                tokio::spawn(client(process.api.clone(), cycle, number, Arc::clone(&acknowledged)))
            })
            .collect();
        let before = receiver.taken().len();
        let began = Instant::now();
        while receiver.taken().len() < before + 20 {
            assert!(began.elapsed() < PATIENCE, "it delivers while it works");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        for client in clients {
            client.await.unwrap();
        }
        process = start(dir.path());
        ask_again(&process.api, &acknowledged).await;
    }
    let keys = get(&process.api, "/v1/webhooks/keys", "authority").await;
    let keys = keys["keys"].as_array().unwrap().iter();
    let keys: Vec<String> = keys.map(|key| key["key"].as_str().unwrap().to_owned()).collect();
    let all = acknowledged.lock().unwrap().clone();
    let acts = [&all.releases, &all.exits, &all.arrivals];
    let expected: HashSet<(String, String)> = LIFE
        .iter()
        .zip(acts)
        .flat_map(|((kind, _), acts)| acts.iter().map(|(id, _)| ((*kind).to_owned(), id.clone())))
        .collect();
    assert!(acts.iter().all(|acts| !acts.is_empty()), "there was something to tell");
    let began = Instant::now();
    let told = loop {
        let told = told(&receiver, &keys);
        let known: HashSet<_> =
            told.iter().map(|(kind, id, _)| (kind.clone(), id.clone())).collect();
        if expected.is_subset(&known) {
            break told;
        }
        assert!(began.elapsed() < PATIENCE, "never told: {:?}", expected.difference(&known));
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let requests = receiver.requests.load(std::sync::atomic::Ordering::SeqCst);
    assert!(
        requests > u64::try_from(receiver.taken().len()).unwrap(),
        "the receiver failed now and then"
    );
    let mut lives: HashMap<&str, Vec<&str>> = HashMap::new();
    for (kind, _, ucr) in &told {
        lives.entry(ucr).or_default().push(kind);
    }
    for (ucr, life) in lives {
        let order: Vec<&str> = LIFE.iter().map(|(kind, _)| *kind).take(life.len()).collect();
        assert_eq!(life, order, "{ucr} is told of in its order, each once at first");
    }
}
