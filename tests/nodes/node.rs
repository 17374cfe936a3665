//! Nodes without doors in the test's own process, and what they are asked.
use super::support::postgres;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Error;
use passavant::app::Role;
use passavant::app::import::Whose;
use passavant::app::judge::sha256;
use passavant::app::licences::Decision;
use passavant::app::licences::Document;
use passavant::app::recorder::Done;
use passavant::app::recorder::Once;
use passavant::app::recorder::Recorded;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::demo;
use passavant::domain::Country;
use passavant::domain::Date;
use passavant::domain::Locode;
use passavant::storage;
use passavant::worker::Tasks;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use uuid::Uuid;

pub const EXPORT: &str = "FR-EXP-2026-000412";
pub const IMPORT: &str = "KE-IMP-2026-00087";

/// A node with its folder, hearing what the others do.
pub struct Node {
    pub app: Arc<App>,
    pub dir: TempDir,
    running: Running,
}

/// A node's loops, which end with it.
struct Running(Option<Tasks>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(tasks) = self.0.take() {
            tasks.stop();
        }
    }
}

/// The origin of a node's log.
pub fn origin(number: usize) -> String {
    format!("passavant.example/node-{number}")
}

/// Opens the service on a folder and a database.
pub fn open_in(dir: &Path, url: &str, origin: &str) -> Result<App, Error> {
    let clock = Arc::new(SystemClock);
    let mut config = Config::embedded().unwrap();
    origin.clone_into(&mut config.node.origin);
    config.node.state = String::from("FR");
    config.node.data_dir = dir.to_path_buf();
    url.clone_into(&mut config.database.url);
    let access = Access::new(&config, clock.clone()).unwrap();
    App::open(config, clock, Arc::new(SystemIds), access)
}

impl Node {
    /// Opens a node; it needs a runtime around it.
    pub fn open(url: &str, number: usize) -> Self {
        let dir = TempDir::new().unwrap();
        let app = Arc::new(open_in(dir.path(), url, &origin(number)).unwrap());
        let running = Running(Some(Tasks::start(&app)));
        Self { app, dir, running }
    }

    /// So many nodes over one database.
    pub fn several(url: &str, count: usize) -> Vec<Self> {
        (1..=count).map(|number| Self::open(url, number)).collect()
    }

    pub async fn issue(&self, licence: &Value) {
        let sent = serde_json::from_value(licence.clone()).unwrap();
        let state = licence["issuing_state"].as_str().unwrap();
        self.app.issue(&authority(state), Document::read(&sent, "").unwrap(), None).await.unwrap();
    }

    /// Issues the sample transaction with so many rounds on the export licence.
    pub async fn issue_sample(&self, rounds: u32) {
        for mut licence in demo::licences(today()) {
            if licence["kind"] == "export" {
                licence["lines"][1]["quantity"] = json!(rounds.to_string());
            }
            self.issue(&licence).await;
        }
    }

    /// Imports licences, in a thread that may wait.
    pub async fn import(&self, licences: Vec<Value>) {
        let app = Arc::clone(&self.app);
        let (count, lines) = (licences.len(), lines(&licences));
        let import = move || app.import(&authority("FR"), Whose::Any, lines.as_bytes(), |_| {});
        let report = tokio::task::spawn_blocking(import).await.unwrap().unwrap();
        assert_eq!((report.imported, report.refused), (count as u64, 0), "{:?}", report.errors);
    }

    pub async fn try_verify(&self, declaration: &Value) -> Result<Value, Error> {
        let recorded = self.app.verify(&officer(), declaration.to_string(), None).await?;
        Ok(serde_json::from_str(&recorded.reply).unwrap())
    }

    pub async fn verify(&self, declaration: &Value) -> Value {
        self.try_verify(declaration).await.unwrap()
    }

    pub async fn release(&self, verification: &Value, key: &str) -> Result<Recorded, Error> {
        let id: Uuid = verification["id"].as_str().unwrap().parse().unwrap();
        let once = Once {
            caller: officer().key(),
            key: key.to_owned(),
            request_sha256: sha256(id.as_bytes()),
        };
        self.app.release(&officer(), id, None, once).await
    }

    pub async fn decide(&self, number: &str, decision: Decision) -> Result<Recorded, Error> {
        let authority = authority("FR");
        self.app.decide(&authority, number.into(), decision, "a test".into(), None, None).await
    }

    /// What has been used of the cartridges of a licence.
    pub async fn consumed(&self, number: &str) -> u64 {
        let licence = self.app.licence(&authority("FR"), number).await.unwrap();
        let licence = serde_json::to_value(&licence).unwrap();
        licence["lines"][1]["balance"]["consumed"].as_str().unwrap().parse().unwrap()
    }

    /// Ends it in good order; gives its folder.
    pub async fn close(self) -> TempDir {
        let Self { mut app, dir, running } = self;
        drop(running);
        app.recorder.stop();
        app.write_down();
        // Its loops end when they are next looked after.
        while let Err(held) = Arc::try_unwrap(app) {
            app = held;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        dir
    }
}

fn lines(licences: &[Value]) -> String {
    licences.iter().flat_map(|licence| [licence.to_string(), "\n".to_owned()]).collect()
}

pub fn was_released(recorded: &Recorded) -> bool {
    recorded.outcome == Done::Created
}

pub fn today() -> Date {
    jiff::tz::TimeZone::get("Europe/Paris").unwrap().to_datetime(SystemClock.now()).date()
}

/// Export licences like the sample's, each with so many rounds.
pub fn export_licences(count: u32, rounds: u32) -> Vec<Value> {
    let sample = demo::licences(today()).remove(0);
    let licence = |n| {
        let mut licence = sample.clone();
        licence["number"] = json!(export_number(n));
        licence["lines"][1]["quantity"] = json!(rounds.to_string());
        licence["lines"][0].as_object_mut().unwrap().remove("serials");
        licence
    };
    (0..count).map(licence).collect()
}

pub fn export_number(n: u32) -> String {
    format!("FR-EXP-N-{n:06}")
}

/// The import licence of the sample.
pub fn import_licence() -> Value {
    let mut licence = demo::licences(today()).remove(1);
    licence["lines"][1]["quantity"] = json!("9000000");
    licence.as_object_mut().unwrap().remove("linked_licences");
    licence
}

/// A declaration of so many cartridges under a reference of its own on an export licence.
pub fn cartridges(reference: &str, rounds: u32, export: &str) -> Value {
    let mut declaration = demo::declarations(today()).remove(0).declaration;
    let mut item = declaration["items"][1].clone();
    item["item"] = json!(1);
    item["quantity"] = json!(rounds.to_string());
    item["unit"] = json!("C62");
    item["licences"] = json!([{"number": export, "line": 2}, {"number": IMPORT, "line": 2}]);
    declaration["items"] = json!([item]);
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

pub fn officer() -> Caller {
    Caller {
        issuer: "test".into(),
        subject: "officer-1".into(),
        state: Country::parse("FR").unwrap(),
        role: Role::Officer,
        posts: [Locode::parse("FRLEH").unwrap()].into(),
        operator: None,
    }
}

pub fn authority(state: &str) -> Caller {
    Caller {
        issuer: "test".into(),
        subject: format!("authority-{state}").into(),
        state: Country::parse(state).unwrap(),
        role: Role::Authority,
        posts: [].into(),
        operator: None,
    }
}

/// Walks every log of a database; insists that all of it fits, and gives how many entries there are.
pub fn assert_verifies(url: &str) -> u64 {
    let mut db = storage::open(&postgres::settings(url), storage::Use::Write).unwrap();
    let reports = passavant::app::audit_verify::verify(&mut db, |_, _| {}).unwrap();
    for report in &reports {
        assert_eq!(report.fault, None, "{}", report.origin);
    }
    reports.iter().map(|report| report.entries).sum()
}

/// Waits until something holds, and gives how long it took; stops the test where it takes too long.
pub async fn until(within: Duration, what: &str, holds: impl AsyncFn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}
