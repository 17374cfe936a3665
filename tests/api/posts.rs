//! Posts that may be cut off, over the API of the register and of the post.
use super::harness::*;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::leaving;
use passavant::app::open::keys as log_keys;
use passavant::app::recorder::Once;
use passavant::app::snapshot::Snapshot;
use passavant::audit::checkpoint::Signer;
use passavant::audit::tree::Frontier;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::config::Database;
use passavant::credential::KeySet;
use passavant::storage;
use passavant::wire::post::ReturnRequest;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;

const ORIGIN: &str = "passavant.example/post-FRLEH";
pub const ALLOWANCES: &str = "/v1/posts/FRLEH/allowances";
const SNAPSHOTS: &str = "/v1/posts/FRLEH/snapshots";
const RETURNS: &str = "/v1/posts/FRLEH/returns";

/// A post's folder and its settings.
struct Post {
    dir: TempDir,
}

impl Post {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn settings(&self, config: &mut Config) {
        ORIGIN.clone_into(&mut config.node.origin);
        config.node.data_dir = self.dir.path().to_path_buf();
        config.database.url = format!("sqlite://{}", self.dir.path().join("post.db").display());
        "FRLEH".clone_into(&mut config.offline.post);
    }

    fn key(&self) -> String {
        let mut config = Config::embedded().unwrap();
        self.settings(&mut config);
        let (_, signer) = log_keys(&config, None, &SystemIds).unwrap();
        signer.verifier_key().to_owned()
    }

    /// Runs it on a snapshot.
    fn start(&self, snapshot: &str, keys: &KeySet) -> Service {
        let snapshot = Snapshot::read(snapshot, keys).unwrap();
        start_with(|config| {
            self.settings(config);
            let app = open(config);
            app.load_snapshot(snapshot).unwrap();
            app.recorder.stop();
        })
    }

    fn database(&self) -> Database {
        let mut config = Config::embedded().unwrap();
        self.settings(&mut config);
        config.database
    }

    /// Gives back what was set aside.
    fn give_up(&self) {
        let mut config = Config::embedded().unwrap();
        self.settings(&mut config);
        "FR".clone_into(&mut config.node.state);
        let app = open(&config);
        app.give_up_allowances().unwrap();
        app.recorder.stop();
    }

    /// All that it has recorded, as it brings it back.
    fn whole(&self) -> ReturnRequest {
        let mut db = storage::open(&self.database(), storage::Use::Read).unwrap();
        let row = leaving::own_log(&mut db, ORIGIN).unwrap();
        leaving::piece(&mut db, &row, 0).unwrap().unwrap()
    }
}

fn open(config: &Config) -> App {
    let clock = Arc::new(SystemClock);
    let access = Access::new(config, clock.clone()).unwrap();
    App::open(config.clone(), clock, Arc::new(SystemIds), access).unwrap()
}

pub fn rounds(rounds: &str) -> Value {
    json!({"licence": EXPORT, "lines": [{"line": 2, "quantity": rounds}]})
}

/// The log of a post that a test makes up.
pub fn log_of(n: usize) -> Signer {
    Signer::new(&format!("passavant.example/made-up-{n}"), &[5; 32]).unwrap()
}

/// Hands what is set aside to a log, for so short a time that it has ended.
pub async fn ended_snapshot(service: &Service, n: usize) {
    let asked = json!({"key": log_of(n).verifier_key(), "life_s": 1});
    let taken = service.post(SNAPSHOTS, &token("FR", "officer"), &asked).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
}

/// A return of one entry of that log.
pub fn signed_note(n: usize) -> Value {
    let entry =
        json!({"v": 1, "kind": "note", "at": "2026-11-26T00:00:00Z", "nonce": "0".repeat(32)});
    let (entry, mut tree, log) = (entry.to_string(), Frontier::default(), log_of(n));
    tree.append(&[tlog_tiles::record_hash(entry.as_bytes())]);
    let note = log.sign(1, tree.root()).unwrap();
    json!({"log": log.origin(), "from": 0, "entries": [entry], "checkpoints": [note],
        "verdicts": [], "releases": []})
}

async fn balance(service: &Service) -> Value {
    let path = format!("/v1/licences/{EXPORT}");
    let licence = service.get(&path, &token("FR", "authority")).await.json();
    licence["lines"][1]["balance"].clone()
}

/// Asks for a snapshot of an hour.
async fn snapshot(centre: &Service, post: &Post) -> Value {
    let asked = json!({"key": post.key(), "life_s": 3600});
    let taken = centre.post(SNAPSHOTS, &token("FR", "officer"), &asked).await;
    assert_eq!(taken.status, 201, "{}", taken.text);
    taken.json()
}

/// A register, and a post for which thirty rounds were set aside, running on its snapshot.
async fn cut_off() -> (Service, Post, Service, Value) {
    let centre = start();
    centre.issue_sample().await;
    let authority = token("FR", "authority");
    assert_eq!(centre.post(ALLOWANCES, &authority, &rounds("30")).await.status, 201);
    let post = Post::new();
    let taken = snapshot(&centre, &post).await;
    let jwks = centre.get("/.well-known/jwks.json", "").await.text;
    let keys = KeySet::read(jwks.as_bytes()).unwrap();
    let there = post.start(taken["snapshot"].as_str().unwrap(), &keys);
    (centre, post, there, taken)
}

#[tokio::test]
async fn what_cannot_be_set_aside_is_refused_with_its_reason() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let line = |line: Value| json!({"licence": EXPORT, "lines": [line]});
    for (body, status, code, path) in [
        (rounds("50001"), 409, "conflict", ""),
        (rounds("0"), 400, "invalid_request", "/lines/0/quantity"),
        (line(json!({"line": 9, "quantity": "1"})), 400, "invalid_request", "/lines/0/line"),
        (
            line(json!({"line": 1, "quantity": "2", "serials": ["VC000101"]})),
            400,
            "invalid_request",
            "/lines/0/serials",
        ),
        (
            line(json!({"line": 1, "quantity": "1", "serials": ["ELSE1"]})),
            400,
            "invalid_request",
            "/lines/0/serials",
        ),
        (json!({"licence": EXPORT, "line": 2}), 400, "invalid_request", "/line"),
        (
            json!({"licence": "NO-SUCH", "lines": [{"line": 2, "quantity": "1"}]}),
            404,
            "not_found",
            "",
        ),
    ] {
        let refused = service.post(ALLOWANCES, &authority, &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{}", refused.text);
        if !path.is_empty() {
            assert_eq!(refused.json()["errors"][0]["path"], path, "{}", refused.text);
        }
    }
    let nowhere = service.post("/v1/posts/FRZZZ/allowances", &authority, &rounds("1")).await;
    assert_eq!(nowhere.status, 404);
    let elsewhere = service.post("/v1/posts/FRMRS/allowances", &authority, &rounds("1")).await;
    assert_eq!(elsewhere.json()["errors"][0]["code"], "not_this_post", "{}", elsewhere.text);
    let other = service.post(ALLOWANCES, &token("KE", "authority"), &rounds("1")).await;
    assert_eq!(other.status, 404, "another State's licence");
    assert_eq!(balance(&service).await["reserved"], "0");
}

#[tokio::test]
async fn what_is_set_aside_leaves_the_balance_and_comes_back_when_it_is_withdrawn() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let made = service.post_once(ALLOWANCES, &authority, "a", &rounds("1000")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = service.post_once(ALLOWANCES, &authority, "a", &rounds("1000")).await;
    assert_eq!(made.text, again.text, "under its key it is set aside once");
    let figures = balance(&service).await;
    assert_eq!((&figures["available"], &figures["reserved"]), (&json!("49000"), &json!("1000")));
    let listed = service.get(ALLOWANCES, &token("FR", "officer")).await.json();
    let id = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(listed["items"][0]["status"], "set_aside");
    let nothing = service.get(ALLOWANCES, &token("KE", "authority")).await.json();
    assert_eq!(nothing["items"], json!([]));
    let elsewhere = service.get(ALLOWANCES, &token("KE", "officer")).await.json();
    assert_eq!(elsewhere["items"], json!([]));
    let lost = format!("{ALLOWANCES}/{id}/loss");
    assert_eq!(service.post(&lost, &authority, &json!({"reason": "x"})).await.status, 409);
    let withdrawal = format!("{ALLOWANCES}/{id}/withdrawal");
    let withdraw =
        async |token: &str| service.send(Method::POST, &withdrawal, token, &[], None).await;
    assert_eq!(withdraw(&token("KE", "authority")).await.status, 404);
    assert_eq!(withdraw(&authority).await.json()["status"], "withdrawn");
    assert_eq!(withdraw(&authority).await.status, 409);
    assert_eq!(balance(&service).await["available"], "50000");
    let ledger = service.get(&format!("/v1/licences/{EXPORT}/ledger"), &authority).await.json();
    let rows = ledger["items"].as_array().unwrap();
    let kinds: Vec<&str> = rows.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[2..], ["allowance", "allowance_withdrawn"]);
    assert_eq!(ledger["items"][2]["allowance"], id);
}

#[tokio::test]
async fn a_snapshot_is_for_an_officer_of_the_post_and_ends_in_time() {
    let centre = start();
    centre.issue_sample().await;
    let (officer, post) = (token("FR", "officer"), Post::new());
    let asked = json!({"key": post.key()});
    let empty = centre.post(SNAPSHOTS, &officer, &asked).await;
    assert_eq!(empty.code(), "conflict", "nothing is set aside");
    centre.post(ALLOWANCES, &token("FR", "authority"), &rounds("30")).await;
    let path = async |body: Value| {
        let bad = centre.post(SNAPSHOTS, &officer, &body).await;
        (bad.status, bad.json()["errors"][0]["path"].clone())
    };
    assert_eq!(path(json!({"key": "x"})).await, (400, json!("/key")));
    let words = centre.post(SNAPSHOTS, &officer, &json!({"key": "x"})).await.text;
    assert!(words.contains("not a log's verifier key"), "{words}");
    let long = json!({"key": post.key(), "life_s": 90_000});
    assert_eq!(path(long).await, (400, json!("/life_s")));
    let own = std::fs::read_to_string(centre.folder().join("log.key")).unwrap();
    let own = json!({"key": Signer::read(&own).unwrap().verifier_key()});
    assert_eq!(path(own).await, (400, json!("/key")), "a log of the register itself");
    assert_eq!(centre.post(SNAPSHOTS, &token("KE", "officer"), &asked).await.status, 404);
    let taken = snapshot(&centre, &post).await;
    assert_eq!(taken["joined"], 0);
    let listed = centre.get(ALLOWANCES, &officer).await.json();
    assert_eq!(
        (&listed["items"][0]["status"], &listed["items"][0]["log"]),
        (&json!("out"), &json!(ORIGIN))
    );
    let id = listed["items"][0]["id"].as_str().unwrap();
    for end in ["withdrawal", "loss"] {
        let path = format!("{ALLOWANCES}/{id}/{end}");
        let body = (end == "loss").then(|| json!({"reason": "x"}).to_string());
        let refused = centre.send(Method::POST, &path, &token("FR", "authority"), &[], body).await;
        assert_eq!(refused.code(), "conflict", "the post may be releasing on it");
    }
}

#[tokio::test]
async fn a_post_serves_on_its_snapshot_and_does_nothing_else() {
    let (_centre, post, there, taken) = cut_off().await;
    let officer = token("FR", "officer");
    let verified = there.verify(&cartridges("FR-1", "20")).await;
    let verdict = verified.json();
    assert_eq!(verdict["verdict"], "clear", "{}", verified.text);
    assert_eq!(verdict["as_of"]["offline"]["ends_at"], taken["ends_at"]);
    assert!(verdict["as_of"]["data_age_ms"].is_u64());
    let body = json!({"verification": verdict["id"]});
    let released = there.post_once("/v1/releases", &officer, "r", &body).await;
    assert_eq!(released.status, 201, "{}", released.text);
    let same = there.post_once("/v1/releases", &officer, "r", &body).await;
    assert_eq!(same.text, released.text, "a retry gets the first reply");
    let again = there.post_once("/v1/releases", &officer, "r2", &body).await;
    assert_eq!(again.code(), "release_refused", "it has been released");
    let beyond = there.verify(&cartridges("FR-2", "11")).await.json();
    assert_eq!((&beyond["verdict"], codes(&beyond)[0]), (&json!("refer"), "ALLOWANCE_EXCEEDED"));
    let reason = json!({"reason": "the queue is long"});
    let against = json!({"verification": beyond["id"], "override": reason});
    assert_eq!(there.post_once("/v1/releases", &officer, "o", &against).await.code(), "conflict");
    let licence = passavant::demo::licences(today()).remove(0);
    let authority = token("FR", "authority");
    let issued = there.post_once("/v1/licences", &authority, "l", &licence).await;
    assert_eq!(issued.code(), "conflict");
    let kept: Vec<_> = {
        let mut db = storage::open(&post.database(), storage::Use::Read).unwrap();
        let once = |caller: &str, key: &str| Once {
            caller: format!("{}#{caller}", issuer_name("FR")),
            key: key.to_owned(),
            request_sha256: [0; 32],
        };
        let asked = [("officer-1", "r"), ("officer-1", "o"), ("authority-1", "l")];
        let digests = asked.map(|(caller, key)| once(caller, key).digest());
        let found = storage::idempotency::read(&mut db, &digests).unwrap();
        found.into_iter().map(|first| first.outcome).collect()
    };
    assert_eq!(kept, ["created"], "of what the register has not been asked nothing is kept");
    let alerts = there.get("/v1/alerts", &officer).await.json();
    let id = alerts["items"][0]["id"].as_str().unwrap();
    let noted = there.post(&format!("/v1/alerts/{id}/acknowledgement"), &officer, &json!({})).await;
    assert_eq!(noted.status, 200, "{}", noted.text);
    assert_eq!(there.get("/readyz", "").await.status, 200);
}

#[tokio::test]
async fn a_post_returns_over_the_api_and_nothing_that_was_altered_joins() {
    let (centre, post, there, _) = cut_off().await;
    let officer = token("FR", "officer");
    let verdict = there.verify(&cartridges("FR-1", "20")).await.json();
    let body = json!({"verification": verdict["id"]});
    let released = there.post_once("/v1/releases", &officer, "r", &body).await.json();
    there.verify(&cartridges("FR-2", "11")).await;
    drop(there);
    post.give_up();
    let whole = post.whole();
    let back = async |piece: &ReturnRequest| {
        centre.post(RETURNS, &officer, &serde_json::to_value(piece).unwrap()).await
    };
    let altered = |alter: fn(&mut ReturnRequest)| {
        let mut piece = whole.clone();
        alter(&mut piece);
        piece
    };
    let moved = altered(|piece| piece.from = 3);
    assert_eq!(back(&moved).await.status, 400, "an entry is not where it is said to be");
    let other = altered(|piece| piece.entries[0] = piece.entries[0].replace("FRLEH", "FRMRS"));
    assert_eq!(back(&other).await.code(), "conflict");
    for (piece, path) in [
        (
            altered(|of| of.verdicts[0].reply = of.verdicts[0].reply.replace('r', "R")),
            "/verdicts/0",
        ),
        (altered(|of| of.verdicts[0].caller.push('x')), "/verdicts/0/caller"),
        (altered(|of| of.verdicts.clear()), "/verdicts"),
        (altered(|of| of.releases[0].draws[0].quantity = "19".to_owned()), "/releases/0/draws"),
        (altered(|of| of.checkpoints.clear()), "/checkpoints/0"),
        (altered(|of| of.entries.clear()), "/entries"),
    ] {
        let refused = back(&piece).await;
        assert_eq!(refused.json()["errors"][0]["path"], path, "{}", refused.text);
    }
    let mut nameless = serde_json::to_value(&whole).unwrap();
    nameless["log"] = Value::Null;
    let refused = centre.post(RETURNS, &officer, &nameless).await;
    assert_eq!(refused.faults(), [("/log".to_owned(), "required".to_owned())]);
    assert_eq!(balance(&centre).await["reserved"], "30", "nothing of all that has joined");
    let (stranger, body) = (token("KE", "officer"), serde_json::to_value(&whole).unwrap());
    assert_eq!(centre.post(RETURNS, &stranger, &body).await.status, 404);

    let joined = back(&whole).await;
    assert_eq!(joined.status, 200, "{}", joined.text);
    let reply = joined.json();
    assert_eq!((&reply["releases"], &reply["conflicts"]), (&json!(1), &json!(0)), "{reply}");
    assert_eq!(reply["joined"], whole.entries.len());
    assert_eq!(back(&whole).await.json()["new"], 0);
    let figures = balance(&centre).await;
    assert_eq!((&figures["available"], &figures["consumed"]), (&json!("49980"), &json!("20")));
    let known = centre.get("/v1/posts/FRLEH", &officer).await.json();
    assert_eq!(known["logs"][0]["joined"], reply["joined"]);
    let path = format!("/v1/releases/{}", released["id"].as_str().unwrap());
    let kept = centre.get(&path, &token("FR", "authority")).await.json();
    assert_eq!(kept["released_at"], released["released_at"]);
    // The post's own entries are proven here like any other.
    let index = &verdict["audit"]["index"];
    let proof = centre.get(&format!("/v1/audit/entries/{ORIGIN}/{index}/proof"), &officer).await;
    assert_eq!(proof.status, 200, "{}", proof.text);
    let alerts = centre.get("/v1/alerts?kind=mismatch", &officer).await.json();
    let told = alerts["items"].as_array().unwrap().iter().map(|of| &of["codes"][0]);
    assert!(told.into_iter().any(|code| code == "ALLOWANCE_EXCEEDED"), "{alerts}");
}
