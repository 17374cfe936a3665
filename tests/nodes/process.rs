//! Nodes as an operator runs them, and clients that settle every outcome they do not know.
use super::node::EXPORT;
use super::node::cartridges;
use super::node::today;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::demo;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use serde_json::Value;
use serde_json::json;
use std::collections::HashMap;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

pub const BINARY: &str = env!("CARGO_BIN_EXE_passavant");

/// A service as an operator runs it.
pub struct Process {
    child: Child,
    pub api: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a node's settings into its folder.
pub fn prepare(dir: &Path, url: &str, origin: &str) {
    let issuer = |state: &str| {
        std::fs::write(dir.join(format!("{state}.jwks")), key(state).jwks()).unwrap();
        format!(
            "[[access.issuers]]\nissuer = \"https://login.example/{state}\"\nstate = \"{state}\"\n\
             roles = [\"officer\", \"authority\", \"auditor\"]\naudience = \"passavant\"\njwks_file = {:?}\n",
            dir.join(format!("{state}.jwks")).display().to_string()
        )
    };
    let settings = format!(
        "[database]\nurl = {url:?}\n[node]\norigin = {origin:?}\nstate = \"FR\"\ndata_dir = {:?}\n\
         [http]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[log]\nfilter = \"off\"\n{}{}",
        dir.display().to_string(),
        issuer("FR"),
        issuer("KE")
    );
    std::fs::write(dir.join("settings.toml"), settings).unwrap();
}

impl Process {
    /// Starts a node on the settings in its folder.
    pub fn start(dir: &Path) -> Self {
        let mut command = Command::new("sh");
        // A write beyond a limit of size is an error, as on a full disk, and not a signal.
        command.args(["-c", "trap '' XFSZ; exec \"$0\" serve --config \"$1\"", BINARY]);
        let mut child =
            command.arg(dir.join("settings.toml")).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let api = line.split("listens on ").nth(1).and_then(|rest| rest.split(',').next());
        let api = format!("http://{}", api.unwrap_or_else(|| panic!("it did not start: {line}")));
        Self { child, api }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The status of a page of operations.
    pub async fn status(&self, path: &str) -> u16 {
        let answer = http().get(format!("{}{path}", self.api)).send().await.unwrap();
        answer.status().as_u16()
    }
}

fn key(state: &str) -> LocalIssuer {
    LocalIssuer::from_seed(&[state.as_bytes()[0]; 32]).unwrap()
}

pub fn token(state: &str, role: &str) -> String {
    let posts = if role == "officer" { vec!["FRLEH"] } else { Vec::new() };
    token_at(state, role, &posts)
}

pub fn token_at(state: &str, role: &str, posts: &[&str]) -> String {
    let posts: Vec<String> = posts.iter().map(|post| (*post).to_owned()).collect();
    let iss = format!("https://login.example/{state}");
    let claims =
        Claims { iss: &iss, aud: "passavant", sub: role, role, posts: &posts, operator: None };
    key(state).mint(&claims, SystemClock.now(), 900).unwrap()
}

pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

pub async fn issue_sample(api: &str) {
    for mut licence in demo::licences(today()) {
        licence["lines"][1]["quantity"] = json!("9000000");
        let token = token(licence["issuing_state"].as_str().unwrap(), "authority");
        let sent = http().post(format!("{api}/v1/licences")).bearer_auth(token).json(&licence);
        assert_eq!(sent.send().await.unwrap().status().as_u16(), 201);
    }
}

/// What clients were told, over all nodes.
#[derive(Default)]
pub struct Told {
    /// Verifications and releases: identifier, log and index.
    pub verifications: Vec<(String, String, u64)>,
    pub releases: Vec<(String, String, u64)>,
    /// Answers 503, all of which said when to come again.
    pub refused: u64,
    /// Requests that got no answer.
    pub unanswered: u64,
    /// The longest time that any client was without an answer to an act.
    pub outage: Duration,
}

/// Clients that verify and release one round after another, now at one node and now at another, each
/// act under its key until they know how it ended.
pub struct Clients {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Clients {
    pub fn start(nodes: &[&Process], count: usize, tag: &str) -> Self {
        let (stop, told) =
            (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Told::default())));
        let apis: Vec<String> = nodes.iter().map(|node| node.api.clone()).collect();
        let tasks = (0..count).map(|number| {
            let (apis, stop, told) = (apis.clone(), Arc::clone(&stop), Arc::clone(&told));
            let tag = format!("{tag}-{number}");
            tokio::spawn(async move {
                let client = Client { http: http(), apis, token: token("FR", "officer"), told };
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    client.ship(&format!("{tag}-{n}"), n).await;
                }
            })
        });
        let tasks = tasks.collect();
        Self { stop, told, tasks }
    }

    pub fn releases(&self) -> usize {
        self.told.lock().unwrap().releases.len()
    }

    pub fn refused(&self) -> u64 {
        self.told.lock().unwrap().refused
    }

    /// Lets everyone finish what they are at.
    pub async fn finish(self) -> Told {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        Arc::into_inner(self.told).unwrap().into_inner().unwrap()
    }
}

struct Client {
    http: reqwest::Client,
    apis: Vec<String>,
    token: String,
    told: Arc<Mutex<Told>>,
}

impl Client {
    async fn ship(&self, reference: &str, n: usize) {
        let body = json!({"declaration": cartridges(reference, 1, EXPORT)});
        let mut scan = 0;
        let verified = loop {
            let key = format!("v-{reference}-{scan}");
            let verified = self.settle("/v1/verifications", &key, &body, n).await;
            self.told.lock().unwrap().verifications.push(place(&verified));
            if verified["verdict"] == "clear" {
                break verified;
            }
            // What could not be read for a moment refers: the officer scans again.
            let stale = verified["findings"].to_string().contains("LICENCE_DATA_STALE");
            assert!(verified["verdict"] == "refer" && stale, "{verified}");
            scan += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let body = json!({"verification": verified["id"]});
        let released = self.settle("/v1/releases", &format!("r-{reference}"), &body, n).await;
        assert_eq!(released["status"], "released", "{released}");
        self.told.lock().unwrap().releases.push(place(&released));
    }

    /// Asks until there is an answer: at another node each time, under the same key.
    async fn settle(&self, path: &str, key: &str, body: &Value, n: usize) -> Value {
        let (began, mut attempt) = (Instant::now(), n);
        loop {
            let api = &self.apis[attempt % self.apis.len()];
            attempt += 1;
            let sent = self.http.post(format!("{api}{path}")).bearer_auth(&self.token);
            let answer = sent.header("Idempotency-Key", key).json(body).send().await;
            let answer = match answer {
                Ok(answer) if answer.status().as_u16() == 503 => {
                    assert!(answer.headers().contains_key("retry-after"), "503 says when");
                    self.told.lock().unwrap().refused += 1;
                    None
                }
                Ok(answer) => Some((answer.status(), answer.json::<Value>().await)),
                Err(_) => None,
            };
            match answer {
                Some((status, Ok(answer))) if status.is_success() => {
                    let mut told = self.told.lock().unwrap();
                    told.outage = told.outage.max(began.elapsed());
                    return answer;
                }
                Some((status, Ok(answer))) if status.as_u16() == 404 => {
                    panic!("what was acknowledged is gone: {path}: {answer}")
                }
                Some((status, Ok(answer))) => panic!("{path}: {status} {answer}"),
                Some((_, Err(_))) | None => self.told.lock().unwrap().unanswered += 1,
            }
            assert!(began.elapsed() < Duration::from_mins(2), "{path}: nobody answers");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn place(reply: &Value) -> (String, String, u64) {
    let log = reply["audit"]["log"].as_str().unwrap().to_owned();
    (reply["id"].as_str().unwrap().to_owned(), log, reply["audit"]["index"].as_u64().unwrap())
}

/// Insists that what clients were told is what stands: every verdict and release in its place in the
/// trail, each release once, the balance their sum, and the trail sound.
pub fn assert_told_is_kept(url: &str, told: &Told) {
    let settings = super::support::postgres::settings(url);
    let mut db = passavant::storage::open(&settings, passavant::storage::Use::Read).unwrap();
    let mut entries = HashMap::new();
    let mut released = 0;
    for log in passavant::storage::log::all(&mut db).unwrap() {
        let mut from = 0;
        loop {
            let page = passavant::storage::log::entries(&mut db, log.id, from, 1000).unwrap();
            for (index, body) in &page {
                let entry: Value = serde_json::from_slice(body).unwrap();
                released += usize::from(entry["kind"] == "release");
                entries.insert((log.origin.clone(), u64::try_from(*index).unwrap()), entry);
                from = u64::try_from(*index).unwrap() + 1;
            }
            if page.is_empty() {
                break;
            }
        }
    }
    for (acts, field) in [(&told.verifications, "verification"), (&told.releases, "release")] {
        for (id, log, index) in acts {
            let entry = &entries.get(&(log.clone(), *index));
            let entry = entry.unwrap_or_else(|| panic!("{field} {id} is lost: {log} {index}"));
            assert_eq!(entry[field], **id, "{log} {index}");
        }
    }
    // Every outcome was settled, so what stands is exactly what was told.
    assert_eq!(released, told.releases.len(), "releases in the trail");
    let licence = passavant::storage::licences::read(&mut db, &[EXPORT]).unwrap().remove(0);
    let consumed = licence.standing.drawn.iter().find(|drawn| drawn.line == 2).unwrap().consumed;
    assert_eq!(consumed.to_string(), told.releases.len().to_string(), "the balance");
    super::node::assert_verifies(url);
}
