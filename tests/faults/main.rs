//! The process killed in the middle of its work, again and again: whatever was acknowledged is
//! found, proven and counted afterwards. Twenty cycles in CI, three otherwise.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may stop"
)]

mod deliveries;
#[path = "../ledger/receiver.rs"]
mod receiver;
mod registers;
#[path = "../support/mod.rs"]
mod support;

use passavant::audit::Hash;
use passavant::audit::checkpoint;
use passavant::audit::proof;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::demo;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use passavant::storage;
use passavant::storage::packed::Dictionary;
use passavant::storage::packed::Packed;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

const BINARY: &str = env!("CARGO_BIN_EXE_passavant");
const EXPORT: &str = "FR-EXP-2026-000412";
/// Clients at once.
const CLIENTS: u32 = 8;

/// A service as an operator runs it.
struct Process {
    child: Child,
    api: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings(dir: &Path) -> String {
    let keys = |state: &str| dir.join(format!("{state}.jwks")).display().to_string();
    let issuer = |state: &str| {
        format!(
            "[[access.issuers]]\nissuer = \"https://login.example/{state}\"\nstate = \"{state}\"\n\
             roles = [\"officer\", \"authority\", \"auditor\", \"carrier\"]\naudience = \"passavant\"\njwks_file = {:?}\n",
            keys(state)
        )
    };
    format!(
        "[database]\nurl = {:?}\n[node]\norigin = \"passavant.example/faults\"\nstate = \"FR\"\ndata_dir = {:?}\n\
         [http]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[log]\nfilter = \"error\"\n{}{}",
        support::database_url(dir),
        dir.display().to_string(),
        issuer("FR"),
        issuer("KE")
    )
}

fn start(dir: &Path) -> Process {
    let mut child = Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(dir.join("settings.toml"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let api = line.split("listens on ").nth(1).and_then(|rest| rest.split(',').next());
    Process {
        child,
        api: format!("http://{}", api.unwrap_or_else(|| panic!("it did not start: {line}"))),
    }
}

fn issuer(state: &str) -> LocalIssuer {
    LocalIssuer::from_seed(&[state.as_bytes()[0]; 32]).unwrap()
}

fn token(state: &str, role: &str) -> String {
    token_of(state, role, role)
}

fn token_of(state: &str, role: &str, sub: &str) -> String {
    let posts = match (role, state) {
        ("officer", "KE") => vec!["KEMBA".to_owned()],
        ("officer", _) => vec!["FRLEH".to_owned()],
        _ => Vec::new(),
    };
    let iss = format!("https://login.example/{state}");
    let operator = (role == "carrier").then_some("FR55555555500022");
    let claims = Claims { iss: &iss, aud: "passavant", sub, role, posts: &posts, operator };
    issuer(state).mint(&claims, SystemClock.now(), 900).unwrap()
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// What was acknowledged, over all cycles.
#[derive(Default, Clone)]
struct Acknowledged {
    verifications: Vec<(String, u64)>,
    releases: Vec<(String, u64)>,
    exits: Vec<(String, u64)>,
    arrivals: Vec<(String, u64)>,
    /// Arrivals recorded and not answered, by their keys.
    arriving: BTreeMap<String, Value>,
    announced: Vec<(String, u64)>,
    /// References announced and not answered.
    announcing: BTreeSet<String>,
    /// Verifications whose release was asked for and not answered: it happened, or it did not.
    unanswered: BTreeSet<String>,
}

async fn ask_release(
    http: &reqwest::Client,
    api: &str,
    verification: &str,
) -> Option<(u16, Value)> {
    let sent = http.post(format!("{api}/v1/releases")).bearer_auth(token("FR", "officer"));
    let sent =
        sent.header("Idempotency-Key", verification).json(&json!({"verification": verification}));
    let answer = sent.send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

/// Announces a round under a reference, to be held.
async fn announce(http: &reqwest::Client, api: &str, reference: &str) -> Option<(u16, Value)> {
    let sent = http.post(format!("{api}/v1/preclearances")).bearer_auth(token("FR", "carrier"));
    let body = json!({"declaration": declaration(reference), "reserve": true});
    let answer = sent.header("Idempotency-Key", reference).json(&body).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

/// The importing post records that goods have arrived.
async fn arrive(
    http: &reqwest::Client,
    api: &str,
    key: &str,
    arrival: &Value,
) -> Option<(u16, Value)> {
    let sent = http.post(format!("{api}/v1/arrivals")).bearer_auth(token("KE", "officer"));
    let answer = sent.header("Idempotency-Key", key).json(arrival).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.json().await.ok()?))
}

/// What is to be verified: every other client presents what it has announced before.
async fn presented(
    http: &reqwest::Client,
    api: &str,
    (number, reference): (u32, &str),
    acknowledged: &Mutex<Acknowledged>,
) -> Option<Value> {
    if number.is_multiple_of(2) {
        return Some(json!({"declaration": declaration(reference)}));
    }
    acknowledged.lock().unwrap().announcing.insert(reference.to_owned());
    let (status, lodged) = announce(http, api, reference).await?;
    assert_eq!((status, &lodged["reservation"]["status"]), (201, &json!("held")), "{lodged}");
    let mut acknowledged = acknowledged.lock().unwrap();
    acknowledged.announcing.remove(reference);
    acknowledged.announced.push(entry_of(&lodged));
    Some(json!({"preclearance": lodged["code"]}))
}

fn entry_of(release: &Value) -> (String, u64) {
    let index = release["audit"]["index"].as_u64().unwrap_or_else(|| panic!("{release}"));
    (release["id"].as_str().unwrap().to_owned(), index)
}

/// One client: verifies and releases one round after another until the service is gone.
async fn client(api: String, cycle: u32, number: u32, acknowledged: Arc<Mutex<Acknowledged>>) {
    let http = http();
    let officer = token("FR", "officer");
    for n in 0.. {
        let reference = format!("FR-{cycle}-{number}-{n}");
        let body = presented(&http, &api, (number, &reference), &acknowledged).await;
        let Some(body) = body else { return };
        let sent = http.post(format!("{api}/v1/verifications")).bearer_auth(&officer);
        let Ok(answer) = sent.json(&body).send().await else { return };
        let Ok(verification) = answer.json::<Value>().await else { return };
        let (id, index) = entry_of(&verification);
        acknowledged.lock().unwrap().verifications.push((id.clone(), index));
        acknowledged.lock().unwrap().unanswered.insert(id.clone());
        let Some((status, release)) = ask_release(&http, &api, &id).await else { return };
        assert_eq!(status, 201, "{release}");
        {
            let mut acknowledged = acknowledged.lock().unwrap();
            acknowledged.unanswered.remove(&id);
            acknowledged.releases.push(entry_of(&release));
        }
        let exit = json!({"release": release["id"], "border_post": "FRLEH",
            "exited_at": SystemClock.now().to_string()});
        let sent = http.post(format!("{api}/v1/exits")).bearer_auth(&officer);
        let Ok(answer) = sent.json(&exit).send().await else { return };
        let Ok(exit) = answer.json::<Value>().await else { return };
        acknowledged.lock().unwrap().exits.push(entry_of(&exit));
        let arrival = json!({"reference": reference, "border_post": "KEMBA",
            "arrived_at": SystemClock.now().to_string(),
            "items": [{"category": "ammunition", "quantity": "1", "unit": "C62"}]});
        acknowledged.lock().unwrap().arriving.insert(reference.clone(), arrival.clone());
        let Some((status, arrived)) = arrive(&http, &api, &reference, &arrival).await else {
            return;
        };
        assert_eq!((status, &arrived["result"]), (201, &json!("complete")), "{arrived}");
        let mut acknowledged = acknowledged.lock().unwrap();
        acknowledged.arriving.remove(&reference);
        acknowledged.arrivals.push(entry_of(&arrived));
    }
}

/// Asks again, under the same keys, for everything that was not answered: each of it stands once now.
/// Gives how much that was.
async fn ask_again(api: &str, acknowledged: &Mutex<Acknowledged>) -> usize {
    let http = http();
    let announcing = std::mem::take(&mut acknowledged.lock().unwrap().announcing);
    for reference in &announcing {
        let (status, first) = announce(&http, api, reference).await.unwrap();
        let (_, second) = announce(&http, api, reference).await.unwrap();
        assert_eq!((status, &first), (201, &second));
        acknowledged.lock().unwrap().announced.push(entry_of(&first));
    }
    let arriving = std::mem::take(&mut acknowledged.lock().unwrap().arriving);
    for (key, arrival) in &arriving {
        let (status, first) = arrive(&http, api, key, arrival).await.unwrap();
        let (_, second) = arrive(&http, api, key, arrival).await.unwrap();
        assert_eq!((status, &first), (201, &second));
        acknowledged.lock().unwrap().arrivals.push(entry_of(&first));
    }
    let unanswered = std::mem::take(&mut acknowledged.lock().unwrap().unanswered);
    let asked = unanswered.len();
    for id in unanswered {
        let (status, first) = ask_release(&http, api, &id).await.unwrap();
        let (_, second) = ask_release(&http, api, &id).await.unwrap();
        assert_eq!((status, &first), (201, &second));
        acknowledged.lock().unwrap().releases.push(entry_of(&first));
    }
    asked
}

/// One round under a reference of its own.
fn declaration(reference: &str) -> Value {
    let today =
        jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date();
    let mut declaration = demo::declarations(today).remove(0).declaration;
    let mut item = declaration["items"][1].clone();
    item["quantity"] = json!("1");
    item["unit"] = json!("C62");
    declaration["items"] = json!([item]);
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration["ucr"] = json!(format!("6FR12345678901234-{reference}"));
    declaration
}

async fn issue_sample(api: &str) {
    let http = http();
    let today =
        jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date();
    for licence in demo::licences(today) {
        let token = token(licence["issuing_state"].as_str().unwrap(), "authority");
        let sent = http
            .post(format!("{api}/v1/licences"))
            .bearer_auth(token)
            .json(&licence)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status().as_u16(), 201);
    }
}

async fn get(api: &str, path: &str, role: &str) -> Value {
    let asked = http().get(format!("{api}{path}")).bearer_auth(token("FR", role));
    asked.send().await.unwrap().json().await.unwrap()
}

/// Everything acknowledged stands in the trail under its index, and the balance is what was released.
async fn assert_kept(api: &str, acknowledged: &Acknowledged) {
    let (mut entries, mut after) = (std::collections::HashMap::new(), String::new());
    loop {
        let page = get(api, &format!("/v1/audit/entries?limit=200{after}"), "auditor").await;
        for item in page["items"].as_array().unwrap() {
            entries.insert(item["index"].as_u64().unwrap(), item["entry"].clone());
        }
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    for (id, index) in &acknowledged.verifications {
        assert_eq!(entries[index]["verification"], *id, "entry {index}");
    }
    for (id, index) in &acknowledged.exits {
        assert_eq!(entries[index]["crossing"], *id, "entry {index}");
    }
    for (id, index) in &acknowledged.arrivals {
        assert_eq!(entries[index]["arrival"], *id, "entry {index}");
    }
    for (id, index) in &acknowledged.releases {
        assert_eq!(entries[index]["release"], *id, "entry {index}");
    }
    for (id, index) in &acknowledged.announced {
        assert_eq!(entries[index]["preclearance"], *id, "entry {index}");
    }
    let licence = get(api, &format!("/v1/licences/{EXPORT}"), "authority").await;
    let figure = |name: &str| -> usize {
        licence["lines"][1]["balance"][name].as_str().unwrap().parse().unwrap()
    };
    let of = |kind: &str| entries.values().filter(|entry| entry["kind"] == kind).count();
    let taken_over = of("reservation_taken_over");
    assert_eq!(of("preclearance_lodged"), acknowledged.announced.len(), "each is made once");
    assert_eq!(figure("reserved"), acknowledged.announced.len() - taken_over, "held until then");
    let consumed = figure("consumed");
    assert_eq!(consumed, acknowledged.releases.len(), "each release draws once");
    assert_eq!(consumed, of("release"), "each release stands in the trail once");
    assert_eq!(of("arrival"), acknowledged.arrivals.len(), "each arrival is counted once");
    let surplus = get(api, "/v1/receipts?result=surplus", "authority").await;
    assert_eq!(surplus["items"], json!([]), "and against its release once");
}

/// Proofs asked for in each cycle, of the latest of each kind.
const PROVEN: usize = 5;

/// The latest acknowledged are proven against the signed checkpoint.
async fn assert_proven(api: &str, acknowledged: &Acknowledged) {
    let latest = [&acknowledged.verifications, &acknowledged.releases];
    for (id, index) in latest.into_iter().flat_map(|kind| kind.iter().rev().take(PROVEN)) {
        let path = format!("/v1/audit/entries/passavant.example/faults/{index}/proof");
        let proven = get(api, &path, "auditor").await;
        let text = |name: &str| proven[name].as_str().unwrap_or_else(|| panic!("{proven}"));
        let (size, root) = checkpoint::verify(text("checkpoint"), text("verifier_key")).unwrap();
        let hashes = proven["hashes"].as_array().unwrap().iter();
        let hashes: Vec<Hash> =
            hashes.map(|hash| Hash::parse_hash(hash.as_str().unwrap()).unwrap()).collect();
        let entry = text("entry");
        assert!(entry.contains(id.as_str()), "{entry}");
        assert!(proof::is_included(&hashes, size, root, *index, entry.as_bytes()), "{index}");
    }
}

fn run(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(BINARY)
        .args(arguments)
        .arg("--config")
        .arg(dir.join("settings.toml"))
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn prepare() -> tempfile::TempDir {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("settings.toml"), settings(dir.path())).unwrap();
    for state in ["FR", "KE"] {
        std::fs::write(dir.path().join(format!("{state}.jwks")), issuer(state).jwks()).unwrap();
    }
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_loses_nothing_that_it_acknowledged() {
    let cycles = if std::env::var_os("CI").is_some() { 20 } else { 3 };
    let dir = prepare();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut cut_off = 0;
    for cycle in 0..cycles {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                tokio::spawn(client(process.api.clone(), cycle, number, Arc::clone(&acknowledged)))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(150 + u64::from(cycle) * 17 % 100)).await;
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        for client in clients {
            client.await.unwrap();
        }
        let killed = Instant::now();
        process = start(dir.path());
        assert!(killed.elapsed() < Duration::from_secs(20), "it starts again");
        cut_off += ask_again(&process.api, &acknowledged).await;
        let so_far = acknowledged.lock().unwrap().clone();
        assert_kept(&process.api, &so_far).await;
        assert_proven(&process.api, &so_far).await;
    }
    assert!(!acknowledged.lock().unwrap().releases.is_empty(), "there was something to lose");
    assert!(cut_off > 0, "it was killed in the middle of its work");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let (sound, report) = run(dir.path(), &["audit", "verify"]);
    assert!(sound && report.contains("all fits"), "{report}");
    let (sound, report) = run(dir.path(), &["audit", "replay", "--all"]);
    assert!(sound && report.contains(" 0 differ"), "{report}");
}

/// Makes what is kept beside one entry's verdict say a word that is none.
fn spoil_a_record(dir: &Path, index: i64) {
    let settings = support::postgres::settings(&support::database_url(dir));
    let mut db = storage::open(&settings, storage::Use::Write).unwrap();
    let row = storage::verifications::by_entry(&mut db, 1, index).unwrap().unwrap();
    let facts = row.facts.replace("\"active\"", "\"asleep\"");
    assert_ne!(facts, row.facts);
    let documents = (&row.declaration, &facts, &row.reply);
    let packed = Packed::values(&documents, Dictionary::Record).unwrap();
    let hex = passavant::audit::entry::hex(packed.as_ref());
    let bytes =
        if support::on_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") };
    let statement =
        format!("UPDATE verification SET record = {bytes} WHERE entry % 1099511627776 = {index}");
    diesel::connection::SimpleConnection::batch_execute(&mut db, &statement).unwrap();
}

#[tokio::test]
async fn a_record_that_does_not_read_is_named_and_the_others_are_replayed() {
    let dir = prepare();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    let mut indexes = Vec::new();
    for number in 1..=3 {
        let body = json!({"declaration": declaration(&format!("FR-{number}"))});
        let sent = http().post(format!("{}/v1/verifications", process.api));
        let answer = sent.bearer_auth(token("FR", "officer")).json(&body).send().await.unwrap();
        let verification: Value = answer.json().await.unwrap();
        indexes.push(verification["audit"]["index"].as_i64().unwrap());
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    spoil_a_record(dir.path(), indexes[1]);
    let (agrees, report) = run(dir.path(), &["audit", "replay", "--all"]);
    assert!(!agrees && report.contains("2 verdicts agree"), "{report}");
    assert!(report.contains("0 differ, 1 do not read"), "{report}");
    assert!(report.contains(&format!("entry {}: DOES NOT READ", indexes[1])), "{report}");
    let (agrees, _) = run(dir.path(), &["audit", "replay", &indexes[2].to_string()]);
    assert!(agrees);
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_in_flight() {
    let dir = prepare();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            tokio::spawn(client(process.api.clone(), 0, number, Arc::clone(&acknowledged)))
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let told =
        Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    for client in clients {
        client.await.unwrap();
    }
    let status = process.child.wait().unwrap();
    assert!(status.success(), "{status}");
    let (sound, report) = run(dir.path(), &["audit", "verify"]);
    assert!(sound, "{report}");
    let process = start(dir.path());
    ask_again(&process.api, &acknowledged).await;
    let all = acknowledged.lock().unwrap().clone();
    assert!(!all.releases.is_empty());
    assert_kept(&process.api, &all).await;
}

/// Moves every time limit of customs' notice into the past, as if the process had been down for days.
fn let_time_pass(dir: &Path) {
    use diesel::connection::SimpleConnection;
    let settings = support::postgres::settings(&support::database_url(dir));
    let mut db = passavant::storage::open(&settings, passavant::storage::Use::Write).unwrap();
    db.batch_execute("UPDATE deadline SET due_us = 1 WHERE kind = 'customs_notice'").unwrap();
}

/// The alerts that an officer is told of in a stream from a place on, until there are so many.
async fn told(api: &str, place: &str, count: usize) -> Vec<Value> {
    let sent = http().get(format!("{api}/v1/alerts/stream")).header("Last-Event-ID", place);
    let mut response = sent.bearer_auth(token("FR", "officer")).send().await.unwrap();
    let mut text = String::new();
    while text.matches("event: raised\n").count() < count || !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_mins(1), response.chunk()).await.unwrap();
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str::<Value>(data).unwrap()["alert"].clone()).collect()
}

#[tokio::test]
async fn a_time_limit_set_before_a_kill_is_escalated_once_after_it() {
    const HELD: usize = 5;
    let dir = prepare();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    let url = format!("{}/v1/alerts", process.api);
    let list = http().get(url).bearer_auth(token("FR", "officer")).send().await.unwrap();
    let place = list.headers()["last-event-id"].to_str().unwrap().to_owned();
    for n in 0..HELD {
        let mut held = declaration(&format!("FR-held-{n}"));
        held["items"][0]["quantity"] = json!("60000");
        let sent = http().post(format!("{}/v1/verifications", process.api));
        let sent = sent.bearer_auth(token("FR", "officer")).json(&json!({"declaration": held}));
        let verified: Value = sent.send().await.unwrap().json().await.unwrap();
        assert_eq!(verified["verdict"], "hold", "{verified}");
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let_time_pass(dir.path());
    // Killed once more while it may be in the middle of it.
    for _ in 0..2 {
        process = start(dir.path());
        told(&process.api, &place, HELD).await;
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    }
    process = start(dir.path());
    let alerts = told(&process.api, &place, 2 * HELD).await;
    let about = |kind: &str, field: &str| {
        let mut ids: Vec<String> = alerts
            .iter()
            .filter(|alert| alert["kind"] == kind)
            .map(|alert| alert[field].as_str().unwrap().to_owned())
            .collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(about("deadline", "alert"), about("mismatch", "id"), "each once");
    assert_eq!(alerts.len(), 2 * HELD);
    let left = get(&process.api, "/v1/alerts?kind=deadline&limit=200", "officer").await;
    assert_eq!(left["items"].as_array().unwrap().len(), HELD, "{left}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let (sound, report) = run(dir.path(), &["audit", "verify"]);
    assert!(sound, "{report}");
}

#[test]
fn an_incomplete_configuration_is_refused_with_the_reasons() {
    let output = Command::new(BINARY).arg("serve").output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for reason in ["node.origin", "node.state", "access.issuers"] {
        assert!(complaint.contains(reason), "{complaint}");
    }
}

#[tokio::test]
async fn a_second_process_is_kept_out_of_the_data_folder() {
    let dir = prepare();
    let mut process = start(dir.path());
    let output = Command::new(BINARY)
        .args(["serve", "--config"])
        .arg(dir.path().join("settings.toml"))
        .output()
        .unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && complaint.contains("another process"), "{complaint}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
}

#[tokio::test]
async fn a_backup_taken_while_it_runs_restores_to_the_same_trail() {
    let dir = prepare();
    let mut process = start(dir.path());
    issue_sample(&process.api).await;
    let copy = dir.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let (copied, said) = run(dir.path(), &["backup", copy]);
    if support::on_postgres() {
        assert!(!copied, "a server is backed up by its own tools: {said}");
        return;
    }
    assert!(copied, "{said}");
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let before = run(dir.path(), &["audit", "verify"]);
    std::fs::remove_file(dir.path().join("passavant.db")).unwrap();
    let (restored, said) = run(dir.path(), &["restore", copy]);
    assert!(restored, "{said}");
    assert_eq!(run(dir.path(), &["audit", "verify"]), before);
}

#[tokio::test]
async fn a_restore_never_takes_a_log_back_behind_what_it_has_signed() {
    let dir = prepare();
    let mut process = start(dir.path());
    let copy = dir.path().join("copy.db");
    let (copied, _) = run(dir.path(), &["backup", copy.to_str().unwrap()]);
    if support::on_postgres() {
        assert!(!run(dir.path(), &["restore", copy.to_str().unwrap()]).0);
        return;
    }
    assert!(copied);
    issue_sample(&process.api).await;
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let (restored, said) = run(dir.path(), &["restore", copy.to_str().unwrap()]);
    assert!(!restored, "{said}");
}

#[test]
fn a_hundred_thousand_licences_are_imported_in_one_go() {
    let dir = prepare();
    let count = if std::env::var_os("CI").is_some() { 100_000 } else { 5_000 };
    let today =
        jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date();
    let mut licence = demo::licences(today).remove(0);
    licence["lines"][0].as_object_mut().unwrap().remove("serials");
    let mut file =
        std::io::BufWriter::new(std::fs::File::create(dir.path().join("licences.ndjson")).unwrap());
    for n in 0..count {
        licence["number"] = json!(format!("FR-EXP-{n:07}"));
        std::io::Write::write_all(&mut file, format!("{licence}\n").as_bytes()).unwrap();
    }
    drop(file);
    let file = dir.path().join("licences.ndjson");
    let import = || run(dir.path(), &["licence", "import", file.to_str().unwrap()]);
    assert_eq!(import(), (true, format!("{count} imported, 0 unchanged, 0 refused\n")));
    assert_eq!(import(), (true, format!("0 imported, {count} unchanged, 0 refused\n")));
}

#[test]
fn every_test_holds_on_postgresql_too() {
    support::all_again_on_postgres("every_test_holds_on_postgresql_too");
}
