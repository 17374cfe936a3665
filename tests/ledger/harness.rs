//! A service without doors over a real database file, and one rifle transaction that clears.
use super::support;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Error;
use passavant::app::Role;
use passavant::app::judge::sha256;
use passavant::app::licences::Document;
use passavant::app::recorder::Done;
use passavant::app::recorder::Once;
use passavant::app::recorder::Recorded;
use passavant::clock::FixedClock;
use passavant::clock::Ids;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::demo;
use passavant::domain::Country;
use passavant::domain::Date;
use passavant::domain::Locode;
use passavant::domain::consignment::Direction;
use passavant::wire::arrival::ArrivalRequest;
use passavant::wire::consignment::ExitRequest;
use passavant::wire::verification::Presented;
use passavant::wire::verification::VerificationBody;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// A service with its folder.
pub struct Service {
    pub app: App,
    pub dir: TempDir,
    /// Moves with what a test makes of it.
    pub clock: FixedClock,
}

pub fn today() -> Date {
    "2026-11-23".parse().unwrap()
}

/// A service with the sample's licences and those of its way back.
pub async fn with_papers() -> Service {
    let service = start();
    for licence in demo::licences(today()).iter().chain(&super::way_back::papers(today())) {
        service.issue(licence).await.unwrap();
    }
    service
}

/// Items of the sample under a reference.
pub fn sample_items(reference: &str, items: &[usize]) -> Value {
    let mut declaration = demo::declarations(today()).remove(0).declaration;
    declaration["reference"] = json!({"type": "national", "value": reference});
    let all = declaration["items"].take();
    declaration["items"] = items.iter().map(|index| all[index].clone()).collect();
    declaration
}

pub fn start() -> Service {
    let dir = TempDir::new().unwrap();
    let clock = clock();
    let app = open_at(dir.path(), "passavant.example/test", &clock);
    Service { app, dir, clock }
}

/// A service on a day whose sample goods, changed as a test wants them, are
/// released and leave on it; with their declaration.
pub async fn exported_on(day: &str, change: impl Fn(&mut Value)) -> (Service, Value) {
    let service = start();
    service.clock.set(format!("{day}T12:00:00Z").parse().unwrap());
    let day = day.parse().unwrap();
    for licence in demo::licences(day) {
        service.issue(&licence).await.unwrap();
    }
    let mut declaration = demo::declarations(day).remove(0).declaration;
    change(&mut declaration);
    declaration["documents"] = json!([{"type": "end_user_statement", "reference": "EUS-1"}]);
    let verification = service.verify(&declaration).await;
    let release = service.release(&verification, "k").await.unwrap();
    assert!(!is_refused(&release), "{}", release.reply);
    let release: Value = serde_json::from_str(&release.reply).unwrap();
    service.leave(release["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    (service, declaration)
}

/// Opens a folder under another log's name.
pub fn reopen_as(dir: TempDir, origin: &str) -> Service {
    let clock = clock();
    let app = open_at(dir.path(), origin, &clock);
    Service { app, dir, clock }
}

pub fn clock() -> FixedClock {
    FixedClock::at("2026-11-23T12:00:00Z".parse().unwrap())
}

pub fn open(dir: &Path) -> App {
    open_as(dir, "passavant.example/test")
}

pub fn open_as(dir: &Path, origin: &str) -> App {
    open_at(dir, origin, &clock())
}

/// A node in a folder of its own.
pub fn open_at(dir: &Path, origin: &str, clock: &FixedClock) -> App {
    open_on(dir, origin, clock, &support::database_url(dir))
}

/// A node in a folder of its own, on a database that it may share with another.
pub fn open_on(dir: &Path, origin: &str, clock: &FixedClock, url: &str) -> App {
    open_with(dir, origin, clock, url, Arc::new(SystemIds))
}

/// The same with identifiers that a test chooses.
pub fn open_with(
    dir: &Path,
    origin: &str,
    clock: &FixedClock,
    url: &str,
    ids: Arc<dyn Ids>,
) -> App {
    let mut config = Config::embedded().unwrap();
    origin.clone_into(&mut config.node.origin);
    config.node.state = String::from("FR");
    config.node.data_dir = dir.to_path_buf();
    url.clone_into(&mut config.database.url);
    let access = Access::new(&config, Arc::new(clock.clone())).unwrap();
    let app = App::open(config, Arc::new(clock.clone()), ids, access).unwrap();
    app.remember(|| true).unwrap();
    app
}

impl Service {
    /// Stops the writer and opens the same folder again.
    pub fn reopen(self) -> Self {
        let Self { app, dir, clock } = self;
        app.recorder.stop();
        drop(app);
        let app = open_at(dir.path(), "passavant.example/test", &clock);
        Self { app, dir, clock }
    }

    /// Lets nobody come in time, however many days that is, and puts the clock back.
    pub async fn let_lapse(&self) -> usize {
        let now = passavant::clock::Clock::now(&self.clock);
        self.clock.set(now + jiff::SignedDuration::from_hours(24 * 45));
        let lapsed = self.app.lapse_due().await.unwrap();
        assert_eq!(self.app.lapse_due().await.unwrap(), 0, "everything is freed once");
        self.clock.set(now);
        lapsed
    }

    /// Asks to release against the advice.
    pub async fn ask_override(&self, verification: &Value, key: &str) -> Result<Recorded, Error> {
        let id: Uuid = verification["id"].as_str().unwrap().parse().unwrap();
        let once = once_of(&officer(), key);
        self.app.release(&officer(), id, Some("a test".into()), once).await
    }

    /// Confirms a release against the advice as another officer.
    pub async fn confirm_override(&self, id: Uuid, key: &str) -> Result<Recorded, Error> {
        let second = Caller { subject: "officer-2".into(), ..officer() };
        let once = once_of(&second, key);
        self.app.confirm_override(&second, id, None, once).await
    }

    /// Both.
    pub async fn override_it(&self, verification: &Value, key: &str) -> Result<Recorded, Error> {
        let asked = self.ask_override(verification, &format!("{key}-ask")).await?;
        let reply: Value = serde_json::from_str(&asked.reply).unwrap();
        if asked.outcome == Done::Refused || reply["status"] == "released" {
            return Ok(asked);
        }
        let id: Uuid = reply["id"].as_str().unwrap().parse().unwrap();
        self.confirm_override(id, &format!("{key}-confirm")).await
    }

    /// Announces goods for the sample's carrier, to be held.
    pub async fn announce(&self, declaration: &Value) -> Value {
        let recorded =
            self.app.preclear(&carrier(), declaration.to_string(), true, None).await.unwrap();
        serde_json::from_str(&recorded.reply).unwrap()
    }

    /// Presents announced goods under their code.
    pub async fn present(&self, code: &str) -> Result<Value, Error> {
        let body = json!({"preclearance": code}).to_string();
        let body: VerificationBody = serde_json::from_str(&body).unwrap();
        let Presented::Announced(announced) = body.presented().unwrap() else { panic!("{code}") };
        let recorded = self.app.verify_announced(&officer(), announced, None).await?;
        Ok(serde_json::from_str(&recorded.reply).unwrap())
    }

    pub async fn issue(&self, licence: &Value) -> Result<Recorded, Error> {
        let sent = serde_json::from_value(licence.clone()).unwrap();
        let state = licence["issuing_state"].as_str().unwrap();
        self.app.issue(&authority(state), Document::read(&sent, "").unwrap(), None).await
    }

    /// Issues the sample transaction with so many rifles and rounds on the export licence.
    pub async fn issue_sample(&self, rounds: u32, usage: &str) {
        for licence in sample(rounds, usage) {
            self.issue(&licence).await.unwrap();
        }
    }

    /// Releases goods that clear.
    pub async fn released(&self, declaration: &Value) -> Uuid {
        let verification = self.verify(declaration).await;
        assert_eq!(verification["verdict"], "clear", "{verification}");
        let key = verification["id"].as_str().unwrap();
        let release = self.release(&verification, key).await.unwrap();
        assert!(!is_refused(&release), "{}", release.reply);
        let release: Value = serde_json::from_str(&release.reply).unwrap();
        release["id"].as_str().unwrap().parse().unwrap()
    }

    pub async fn verify(&self, declaration: &Value) -> Value {
        let recorded = self.app.verify(&officer(), declaration.to_string(), None).await.unwrap();
        serde_json::from_str(&recorded.reply).unwrap()
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

    /// The goods of a release leave from Le Havre.
    pub async fn leave(&self, release: Uuid) -> Result<Recorded, Error> {
        let exit = json!({"release": release.to_string(), "border_post": "FRLEH",
            "exited_at": self.app.clock.now().to_string()});
        let exit: ExitRequest = serde_json::from_value(exit).unwrap();
        self.app.cross(&officer(), Direction::Exit, exit.read().unwrap(), None).await
    }

    /// So many cartridges of an export declaration arrive at Mombasa.
    pub async fn arrive(&self, reference: u32, rounds: u32) -> Value {
        let mut caller = officer();
        caller.state = Country::parse("KE").unwrap();
        caller.posts = [Locode::parse("KEMBA").unwrap()].into();
        let item = json!({"category": "ammunition", "quantity": rounds.to_string(), "unit": "C62"});
        let request = json!({"reference": format!("FR-{reference:08}"), "border_post": "KEMBA",
            "arrived_at": self.app.clock.now().to_string(), "items": [item]});
        let sent: ArrivalRequest = serde_json::from_value(request.clone()).unwrap();
        let arrival = sent.read().unwrap();
        let recorded = self.app.arrive(&caller, arrival, request.to_string(), None).await.unwrap();
        serde_json::from_str(&recorded.reply).unwrap()
    }

    /// What is left of the cartridges of the export licence, and what has been used.
    pub async fn rounds(&self) -> (u32, u32) {
        let (available, _, consumed) = self.figures().await;
        (available, consumed)
    }

    /// What is left of the cartridges of the export licence, what is held, and what has been used.
    pub async fn figures(&self) -> (u32, u32, u32) {
        let licence = self.app.licence(&authority("FR"), EXPORT).await.unwrap();
        let licence = serde_json::to_value(&licence).unwrap();
        let figure =
            |name: &str| licence["lines"][1]["balance"][name].as_str().unwrap().parse().unwrap();
        (figure("available"), figure("reserved"), figure("consumed"))
    }
}

/// The licences of the sample transaction, the export licence first.
pub fn sample(rounds: u32, usage: &str) -> Vec<Value> {
    let mut licences = demo::licences(today());
    licences[0]["use"] = json!(usage);
    licences[0]["lines"][1]["quantity"] = json!(rounds.to_string());
    licences
}

pub fn once_of(caller: &Caller, key: &str) -> Once {
    Once { caller: caller.key(), key: key.to_owned(), request_sha256: sha256(key.as_bytes()) }
}

pub const EXPORT: &str = "FR-EXP-2026-000412";

pub fn is_refused(recorded: &Recorded) -> bool {
    recorded.outcome == Done::Refused
}

/// A declaration of so many cartridges under a reference of its own.
pub fn cartridges(serial: u32, rounds: u32) -> Value {
    let mut declaration = demo::declarations(today()).remove(0).declaration;
    let mut item = declaration["items"][1].clone();
    item["item"] = json!(1);
    item["quantity"] = json!(rounds.to_string());
    item["unit"] = json!("C62");
    declaration["items"] = json!([item]);
    declaration["reference"] = json!({"type": "national", "value": format!("FR-{serial:08}")});
    declaration
}

/// One rifle whose only marking is of symbols, under licences that list no serials.
pub fn marked_by_symbols(reference: u32) -> Value {
    let mut declaration = demo::declarations(today()).remove(0).declaration;
    let mut item = declaration["items"][0].clone();
    item["quantity"] = json!("1");
    item["serials"] = json!([]);
    item["alternative_markings"] = json!(["△◇ 17"]);
    declaration["items"] = json!([item]);
    declaration["reference"] = json!({"type": "national", "value": format!("FR-{reference:08}")});
    declaration
}

/// The licences of the sample transaction without any list of serials.
pub fn without_serials() -> Vec<Value> {
    let mut licences = sample(100, "multiple");
    for licence in &mut licences {
        licence["lines"][0]["serials"] = json!([]);
    }
    licences
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

pub fn carrier() -> Caller {
    Caller {
        issuer: "test".into(),
        subject: "carrier-1".into(),
        state: Country::parse("FR").unwrap(),
        role: Role::Carrier,
        posts: [].into(),
        operator: Some("FR55555555500022".into()),
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
