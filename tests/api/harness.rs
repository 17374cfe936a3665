//! The real server in this process, tokens for every role and State, and the sample transaction.
use super::support;
use passavant::app::Access;
use passavant::app::App;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::config::Issuer;
use passavant::credential::Algorithm;
use passavant::demo;
use passavant::domain::Date;
use passavant::http::Server;
use passavant::outbound::key_ring;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use passavant::worker::Tasks;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use tempfile::TempDir;

/// A running service.
pub struct Service {
    pub api: SocketAddr,
    pub operations: SocketAddr,
    pub client: reqwest::Client,
    pub database_url: String,
    dir: TempDir,
    stop: Option<(tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The places and codes of a refused request's errors.
    pub fn faults(&self) -> Vec<(String, String)> {
        let refused = (self.status, self.code());
        assert_eq!(refused, (400, "invalid_request".to_owned()), "{}", self.text);
        let word = |error: &Value, field: &str| error[field].as_str().unwrap().to_owned();
        let errors = self.json()["errors"].clone();
        errors.as_array().unwrap().iter().map(|e| (word(e, "path"), word(e, "code"))).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The stable code of a problem, which must be one of RFC 9457.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{}", self.text);
        problem["code"].as_str().unwrap().to_owned()
    }
}

pub const STATES: [&str; 3] = ["FR", "KE", "DE"];
pub const EXPORT: &str = "FR-EXP-2026-000412";

/// The key of a State's issuer.
pub fn issuer(state: &str) -> LocalIssuer {
    let mut seed = [9; 32];
    seed[0] = state.as_bytes()[0];
    LocalIssuer::from_seed(&seed).unwrap()
}

pub fn issuer_name(state: &str) -> String {
    format!("https://login.example/{state}")
}

fn config(dir: &TempDir) -> Config {
    let mut config = Config::embedded().unwrap();
    config.node.origin = String::from("passavant.example/test");
    config.node.state = String::from("FR");
    config.node.data_dir = dir.path().to_path_buf();
    config.database.url = support::database_url(dir.path());
    config.http.listen = "127.0.0.1:0".parse().unwrap();
    config.http.ops_listen = "127.0.0.1:0".parse().unwrap();
    config.http.workers = 2;
    let keys = dir.path().join("keys");
    let made = jiff::Timestamp::UNIX_EPOCH;
    key_ring::generate(&keys, Algorithm::EdDsa, &[3; 32], made).unwrap();
    for state in STATES {
        let file = dir.path().join(format!("{state}.jwks"));
        std::fs::write(&file, issuer(state).jwks()).unwrap();
        config.access.issuers.push(Issuer {
            issuer: issuer_name(state),
            state: state.to_owned(),
            roles: ["officer", "authority", "carrier", "auditor", "admin", "register"]
                .map(str::to_owned)
                .to_vec(),
            audience: "passavant".to_owned(),
            jwks_url: None,
            jwks_file: Some(file),
            ca_file: None,
            algorithms: Vec::new(),
        });
    }
    config
}

/// Starts a service.
pub fn start() -> Service {
    start_with(|_| {})
}

/// Starts a service with other settings.
pub fn start_with(change: impl FnOnce(&mut Config)) -> Service {
    let dir = TempDir::new().unwrap();
    let mut config = config(&dir);
    change(&mut config);
    let config = config.completed().unwrap();
    let database_url = config.database.url.clone();
    let (listening, listens) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let clock = Arc::new(SystemClock);
            let access = Access::new(&config, clock.clone()).unwrap();
            let app = Arc::new(App::open(config, clock, Arc::new(SystemIds), access).unwrap());
            let tasks = Tasks::start(&app);
            let server = Server::bind(actix_web::web::Data::from(Arc::clone(&app))).unwrap();
            listening.send((server.api, server.operations)).unwrap();
            let (running, stopping) = server.start().unwrap();
            let told = async {
                let _ = stopped.await;
                stopping.stop().await;
            };
            futures_util::future::join(running, told).await.0.unwrap();
            tasks.stop();
            app.recorder.stop();
        });
    });
    let (api, operations) = listens.recv().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Service { api, operations, client, database_url, dir, stop: Some((stop, thread)) }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// A token of a State's issuer.
pub fn token(state: &str, role: &str) -> String {
    token_of(state, role, &format!("{role}-1"))
}

pub fn token_of(state: &str, role: &str, sub: &str) -> String {
    mint(state, role, sub, 600)
}

/// A token that lives for so many seconds.
pub fn short_token(state: &str, role: &str, seconds: i64) -> String {
    mint(state, role, &format!("{role}-1"), seconds)
}

fn mint(state: &str, role: &str, sub: &str, seconds: i64) -> String {
    let posts = match (role, state) {
        ("officer", "FR") => vec!["FRLEH".to_owned()],
        ("officer", "KE") => vec!["KEMBA".to_owned()],
        ("officer", _) => vec!["DEHAM".to_owned()],
        _ => Vec::new(),
    };
    let number = if state == "DE" { "DE55555555500022" } else { "FR55555555500022" };
    let operator = (role == "carrier").then_some(number);
    let iss = issuer_name(state);
    let claims = Claims { iss: &iss, aud: "passavant", sub, role, posts: &posts, operator };
    issuer(state).mint(&claims, SystemClock.now(), seconds).unwrap()
}

pub fn today() -> Date {
    jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date()
}

impl Service {
    /// Where its files are.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let mut request = self.client.request(method.clone(), format!("http://{}{path}", self.api));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| *name == "Content-Type") {
                let lines = path == "/v1/licences/import";
                let kind = if lines { "application/x-ndjson" } else { "application/json" };
                request = request.header("Content-Type", kind);
            }
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream of events has no end to be read to.
        let endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let text = if endless { String::new() } else { response.text().await.unwrap() };
        let answer = Answer { status, headers, text };
        super::described::insist(&method, path, &answer);
        answer
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, &[], None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, token, &[], Some(body.to_string())).await
    }

    pub async fn post_once(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, token, &[("Idempotency-Key", key)], Some(body.to_string()))
            .await
    }

    /// Issues the sample licences.
    pub async fn issue_sample(&self) {
        for licence in demo::licences(today()) {
            let state = licence["issuing_state"].as_str().unwrap();
            let issued = self.post("/v1/licences", &token(state, "authority"), &licence).await;
            assert_eq!(issued.status, 201, "{}", issued.text);
        }
    }

    /// All that can have changed: the export licence with its balances, and how far the trail goes.
    pub async fn state(&self) -> (String, String) {
        let licence = self.get(&format!("/v1/licences/{EXPORT}"), &token("FR", "authority")).await;
        let checkpoint = self.get("/v1/audit/checkpoint", &token("FR", "auditor")).await;
        (licence.text, checkpoint.text)
    }

    /// Verifies a declaration at Le Havre.
    pub async fn verify(&self, declaration: &Value) -> Answer {
        self.post(
            "/v1/verifications",
            &token("FR", "officer"),
            &json!({"declaration": declaration}),
        )
        .await
    }

    /// Verifies and releases a declaration.
    pub async fn release(&self, declaration: &Value, key: &str) -> Answer {
        let verification = self.verify(declaration).await.json();
        let body = json!({"verification": verification["id"]});
        self.post_once("/v1/releases", &token("FR", "officer"), key, &body).await
    }
}

/// The sample declaration of a verdict.
pub fn sample(verdict: &str) -> Value {
    demo::declarations(today())
        .into_iter()
        .find(|sample| sample.verdict == verdict)
        .unwrap()
        .declaration
}

/// The clear sample under a reference of its own, with its cartridges only.
pub fn cartridges(reference: &str, rounds: &str) -> Value {
    let mut declaration = sample("clear");
    let mut item = declaration["items"][1].clone();
    item["quantity"] = json!(rounds);
    item["unit"] = json!("C62");
    declaration["items"] = json!([item]);
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

/// The codes of a verdict's findings.
pub fn codes(verification: &Value) -> Vec<&str> {
    verification["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}
