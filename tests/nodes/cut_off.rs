//! A register and two posts as an operator runs them: both are cut off at once, each releases what was set aside
//! for it and refers what is beyond, is killed and starts again, and returns; all sums agree.
use super::node::EXPORT;
use super::node::cartridges;
use super::node::today;
use super::process::BINARY;
use super::process::Process;
use super::process::http;
use super::process::prepare;
use super::process::token_at;
use super::server::Pg;
use passavant::demo;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// Rounds of one release.
const ROUNDS: u32 = 3;
/// Requests at a post at once.
const CLIENTS: u32 = 3;

/// Runs a command on the settings of a folder; gives what it said.
fn run(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(BINARY);
    command.args(arguments).arg("--config").arg(dir.join("settings.toml"));
    let output = command.output().unwrap();
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
}

struct Post {
    code: &'static str,
    set_aside: u32,
    dir: TempDir,
}

impl Post {
    fn new(code: &'static str, set_aside: u32) -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite://{}", dir.path().join("post.db").display());
        prepare(dir.path(), &url, &format!("passavant.example/post-{code}"));
        let settings = dir.path().join("settings.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, format!("{text}\n[offline]\npost = {code:?}\n")).unwrap();
        Self { code, set_aside, dir }
    }

    fn token(&self) -> String {
        token_at("FR", "officer", &[self.code])
    }

    /// Is given what was set aside for it, and takes it up.
    async fn rest_on(&self, centre: &Process, keys: &Path) {
        let authority = token_at("FR", "authority", &[]);
        let lines = json!([{"line": 2, "quantity": self.set_aside.to_string()}]);
        let body = json!({"licence": EXPORT, "lines": lines});
        let path = format!("{}/v1/posts/{}", centre.api, self.code);
        let sent = http().post(format!("{path}/allowances")).bearer_auth(authority).json(&body);
        let answer = sent.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap());
        let key = run(self.dir.path(), &["post", "key"]).unwrap();
        let asked = json!({"key": key.trim()});
        let sent = http().post(format!("{path}/snapshots")).bearer_auth(self.token()).json(&asked);
        let answer: Value = sent.send().await.unwrap().json().await.unwrap();
        let file = self.dir.path().join("snapshot.jws");
        std::fs::write(&file, answer["snapshot"].as_str().unwrap()).unwrap();
        let (file, keys) = (file.display().to_string(), keys.display().to_string());
        let said = run(self.dir.path(), &["post", "load", &file, "--keys", &keys]).unwrap();
        assert!(said.contains("rests on snapshot"), "{said}");
    }

    /// Clients present goods until each has been refused twice; gives how much was released.
    async fn serve(&self, process: &Process, tag: &str) -> u32 {
        let released = Arc::new(AtomicU32::new(0));
        let clients = (0..CLIENTS).map(|client| {
            let (api, token) = (process.api.clone(), self.token());
            let (code, released) = (self.code, Arc::clone(&released));
            let tag = format!("{tag}-{code}-{client}");
            tokio::spawn(async move {
                let mut refused = 0;
                for n in 0.. {
                    if refused == 2 {
                        break;
                    }
                    if present(&api, &token, code, &format!("FR-{tag}-{n}")).await {
                        released.fetch_add(ROUNDS, Ordering::SeqCst);
                    } else {
                        refused += 1;
                    }
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        released.load(Ordering::SeqCst)
    }
}

/// Presents goods at a post and asks for their release; what is not released refers.
async fn present(api: &str, token: &str, code: &str, reference: &str) -> bool {
    let mut declaration = cartridges(reference, ROUNDS, EXPORT);
    declaration["border_post"] = json!(code);
    let body = json!({"declaration": declaration});
    let sent = http().post(format!("{api}/v1/verifications")).bearer_auth(token).json(&body);
    let verdict: Value = sent.send().await.unwrap().json().await.unwrap();
    assert!(verdict["as_of"]["offline"].is_object(), "it says that it is cut off: {verdict}");
    let body = json!({"verification": verdict["id"]});
    let sent = http().post(format!("{api}/v1/releases")).bearer_auth(token).json(&body);
    let answer = sent.header("Idempotency-Key", reference).send().await.unwrap();
    let (status, reply) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
    if status == 201 {
        return true;
    }
    assert_eq!((status, &reply["code"]), (409, &json!("release_refused")), "{reply}");
    assert_eq!(reply["verification"]["verdict"], "refer", "{reply}");
    false
}

async fn issue(centre: &Process) {
    for mut licence in demo::licences(today()) {
        let number = if licence["kind"] == "export" { "200" } else { "9000000" };
        licence["lines"][1]["quantity"] = json!(number);
        licence["border_posts"] = json!(["FRLEH", "FRMRS", "KEMBA"]);
        let token = token_at(licence["issuing_state"].as_str().unwrap(), "authority", &[]);
        let sent = http().post(format!("{}/v1/licences", centre.api)).bearer_auth(token);
        let answer = sent.json(&licence).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{}", answer.text().await.unwrap());
    }
}

async fn balance(centre: &Process) -> Value {
    let path = format!("{}/v1/licences/{EXPORT}", centre.api);
    let sent = http().get(path).bearer_auth(token_at("FR", "authority", &[])).send();
    let licence: Value = sent.await.unwrap().json().await.unwrap();
    licence["lines"][1]["balance"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_posts_cut_off_at_once_release_what_was_set_aside_and_return() {
    let Some(server) = Pg::start(&["fsync=off"]) else { return };
    let url = server.database("register");
    let dir = TempDir::new().unwrap();
    prepare(dir.path(), &url, "passavant.example/register");
    run(dir.path(), &["key", "generate"]).unwrap();
    let keys = dir.path().join("keys.json");
    std::fs::write(&keys, run(dir.path(), &["key", "jwks"]).unwrap()).unwrap();
    let centre = Process::start(dir.path());
    issue(&centre).await;
    let posts = [Post::new("FRLEH", 61), Post::new("FRMRS", 100)];
    for post in &posts {
        post.rest_on(&centre, &keys).await;
    }
    assert_eq!(balance(&centre).await["reserved"], "161");
    // Nobody can ask it any more.
    drop(centre);

    let mut released = [0, 0];
    let mut running: Vec<Process> =
        posts.iter().map(|post| Process::start(post.dir.path())).collect();
    // One release each, and then the posts are killed.
    for (at, post) in posts.iter().enumerate() {
        assert!(
            present(&running[at].api, &post.token(), post.code, &format!("FR-first-{at}")).await
        );
        released[at] += ROUNDS;
    }
    running.clear();
    running.extend(posts.iter().map(|post| Process::start(post.dir.path())));
    let (one, other) =
        tokio::join!(posts[0].serve(&running[0], "a"), posts[1].serve(&running[1], "a"));
    released[0] += one;
    released[1] += other;
    for (at, post) in posts.iter().enumerate() {
        assert_eq!(released[at], post.set_aside / ROUNDS * ROUNDS, "up to the allowance, no more");
    }
    drop(running);

    let centre = Process::start(dir.path());
    let mut told = Vec::new();
    for post in &posts {
        let token = post.dir.path().join("token");
        std::fs::write(&token, post.token()).unwrap();
        let token = token.display().to_string();
        let arguments = ["post", "return", "--to", &centre.api, "--token-file", &token];
        told.push(run(post.dir.path(), &arguments).unwrap());
        let again = run(post.dir.path(), &arguments).unwrap();
        assert!(again.contains("; 0 releases"), "{again}");
    }
    for (at, said) in told.iter().enumerate() {
        let count = format!(
            "; {} releases, 0 of which do not fit any more; 1 allowances",
            released[at] / ROUNDS
        );
        assert!(said.contains(&count), "{said}");
    }
    let figures = balance(&centre).await;
    let sum = released[0] + released[1];
    assert_eq!(figures["consumed"], sum.to_string());
    assert_eq!(figures["reserved"], "0");
    assert_eq!(figures["available"], (200 - sum).to_string());
    drop(centre);
    for folder in posts.iter().map(|post| post.dir.path()).chain([dir.path()]) {
        let said = run(folder, &["audit", "verify"]).unwrap();
        assert!(said.contains("passavant.example/"), "{said}");
    }
    // What the posts decided alone is derived again at the register, each from its own record.
    for post in &posts {
        let log = format!("passavant.example/post-{}", post.code);
        let said = run(dir.path(), &["audit", "replay", "--all", "--log", &log]).unwrap();
        assert!(said.contains("agree"), "{said}");
    }
}
