//! A register and posts that may be cut off from it, as tests drive them.
use super::harness::*;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Error;
use passavant::app::audit_verify;
use passavant::app::leaving;
use passavant::app::recorder::Once;
use passavant::app::recorder::Recorded;
use passavant::app::snapshot::Snapshot;
use passavant::audit::checkpoint::Signer;
use passavant::audit::tree::Frontier;
use passavant::clock::Clock;
use passavant::clock::FixedClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::credential::Algorithm;
use passavant::domain::Locode;
use passavant::outbound::key_ring;
use passavant::storage;
use passavant::wire::post::AllowanceRequest;
use passavant::wire::post::ReturnReply;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// A post with a folder and a database of its own.
pub struct Post {
    pub code: &'static str,
    pub origin: String,
    pub dir: TempDir,
    pub clock: FixedClock,
    pub app: App,
}

/// A register that can sign.
pub fn register() -> Service {
    let service = start();
    let keys = service.dir.path().join("keys");
    key_ring::generate(&keys, Algorithm::EdDsa, &[7; 32], service.clock.now()).unwrap();
    service.app.trust.read_ring().unwrap();
    service
}

pub fn officer_at(post: &str) -> Caller {
    Caller { posts: [Locode::parse(post).unwrap()].into(), ..officer() }
}

fn open(dir: &TempDir, code: &str, origin: &str, clock: &FixedClock) -> App {
    let mut config = Config::embedded().unwrap();
    origin.clone_into(&mut config.node.origin);
    "FR".clone_into(&mut config.node.state);
    config.node.data_dir = dir.path().to_path_buf();
    config.database.url = format!("sqlite://{}", dir.path().join("post.db").display());
    code.clone_into(&mut config.offline.post);
    let access = Access::new(&config, Arc::new(clock.clone())).unwrap();
    App::open(config, Arc::new(clock.clone()), Arc::new(SystemIds), access).unwrap()
}

impl Post {
    pub fn new(code: &'static str, number: usize, clock: &FixedClock) -> Self {
        let (dir, origin) =
            (TempDir::new().unwrap(), format!("passavant.example/post-{code}-{number}"));
        let app = open(&dir, code, &origin, clock);
        Self { code, origin, dir, clock: clock.clone(), app }
    }

    /// Stops it and starts it again.
    pub fn restarted(self) -> Self {
        let Self { code, origin, dir, clock, app } = self;
        app.recorder.stop();
        app.write_down();
        drop(app);
        let app = open(&dir, code, &origin, &clock);
        Self { code, origin, dir, clock, app }
    }

    /// Somebody copies its whole folder, and runs it a second time.
    pub fn copied(self) -> (Self, Self) {
        let Self { code, origin, dir, clock, app } = self;
        app.recorder.stop();
        app.write_down();
        drop(app);
        let copy = TempDir::new().unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        let run = |dir: TempDir| {
            let app = open(&dir, code, &origin, &clock);
            Self { code, origin: origin.clone(), dir, clock: clock.clone(), app }
        };
        (run(dir), run(copy))
    }

    /// The verifier key of its log.
    pub fn key(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("log.key")).unwrap();
        let signer = Signer::read(&text).unwrap();
        signer.verifier_key().to_owned()
    }

    /// Has a snapshot made for it.
    pub async fn ask(&self, centre: &Service) -> Result<String, Error> {
        let asked = (self.key().into(), None);
        let taken =
            centre.app.take_snapshot(&officer_at(self.code), self.code, asked, None).await?;
        let reply: Value = serde_json::from_str(&taken.reply).unwrap();
        Ok(reply["snapshot"].as_str().unwrap().to_owned())
    }

    /// Takes a snapshot up, and starts again on it.
    pub fn load(self, centre: &Service, snapshot: &str) -> (Self, Result<Recorded, Error>) {
        let snapshot = Snapshot::read(snapshot, &centre.app.trust.published()).unwrap();
        let loaded = self.app.load_snapshot(snapshot);
        (self.restarted(), loaded)
    }

    /// Both.
    pub async fn rest_on(self, centre: &Service) -> Self {
        let snapshot = self.ask(centre).await.unwrap();
        let (post, loaded) = self.load(centre, &snapshot);
        loaded.unwrap();
        post
    }

    pub async fn verify(&self, declaration: &Value) -> Value {
        let mut declaration = declaration.clone();
        declaration["border_post"] = json!(self.code);
        let caller = officer_at(self.code);
        let recorded = self.app.verify(&caller, declaration.to_string(), None).await.unwrap();
        serde_json::from_str(&recorded.reply).unwrap()
    }

    pub async fn release(&self, verification: &Value) -> Result<Recorded, Error> {
        let id: Uuid = verification["id"].as_str().unwrap().parse().unwrap();
        let caller = officer_at(self.code);
        let once = Once { caller: caller.key(), key: id.to_string(), request_sha256: [0; 32] };
        self.app.release(&caller, id, None, once).await
    }

    /// Whether goods are released.
    pub async fn releases(&self, declaration: &Value) -> bool {
        let verification = self.verify(declaration).await;
        !is_refused(&self.release(&verification).await.unwrap())
    }

    /// Gives back what was set aside, and starts again.
    pub fn giving_up(self) -> Self {
        self.app.give_up_allowances().unwrap();
        self.restarted()
    }

    /// Pieces of its log from an entry on.
    pub fn pieces(&self, from: u64) -> Vec<passavant::wire::post::ReturnRequest> {
        let mut db = storage::open(&self.app.config.database, storage::Use::Read).unwrap();
        let row = leaving::own_log(&mut db, &self.origin).unwrap();
        let (mut at, mut pieces) = (from, Vec::new());
        while let Some(piece) = leaving::piece(&mut db, &row, at).unwrap() {
            at += u64::try_from(piece.entries.len()).unwrap();
            pieces.push(piece);
        }
        pieces
    }

    /// Signs the entries of a piece from the first one on with its key, whatever they are.
    pub fn sign(&self, piece: &mut passavant::wire::post::ReturnRequest) {
        let key = std::fs::read_to_string(self.dir.path().join("log.key")).unwrap();
        let mut tree = Frontier::default();
        let leaf = |entry: &String| tlog_tiles::record_hash(entry.as_bytes());
        tree.append(&piece.entries.iter().map(leaf).collect::<Vec<_>>());
        let signer = Signer::read(&key).unwrap();
        piece.checkpoints = vec![signer.sign(tree.size(), tree.root()).unwrap()];
    }

    /// Brings everything back, from the first entry on.
    pub async fn bring_back(&self, centre: &Service) -> Vec<ReturnReply> {
        let mut replies = Vec::new();
        for piece in self.pieces(0) {
            replies.push(self.bring(centre, piece).await.unwrap());
        }
        replies
    }

    pub async fn bring(
        &self,
        centre: &Service,
        piece: passavant::wire::post::ReturnRequest,
    ) -> Result<ReturnReply, Error> {
        let caller = officer_at(self.code);
        let recorded = centre.app.join_post(&caller, self.code, piece, None).await?;
        Ok(serde_json::from_str(&recorded.reply).unwrap())
    }
}

/// Sets rounds of the export licence aside.
pub async fn set_aside(centre: &Service, post: &str, rounds: u32) -> Result<Uuid, Error> {
    let lines = json!([{"line": 2, "quantity": rounds.to_string()}]);
    set_aside_lines(centre, post, &lines).await
}

pub async fn set_aside_lines(centre: &Service, post: &str, lines: &Value) -> Result<Uuid, Error> {
    let body = json!({"licence": EXPORT, "lines": lines});
    let request: AllowanceRequest = serde_json::from_value(body).unwrap();
    let wanted = request.read().map_err(Error::Invalid)?;
    let recorded = centre.app.set_aside(&authority("FR"), post, wanted, None).await?;
    let reply: Value = serde_json::from_str(&recorded.reply).unwrap();
    Ok(reply["id"].as_str().unwrap().parse().unwrap())
}

/// Insists that every log of a database fits; gives their entries, by log.
pub fn assert_fits(settings: &passavant::config::Database) -> Vec<(String, u64)> {
    let mut db = storage::open(settings, storage::Use::Read).unwrap();
    let reports = audit_verify::verify(&mut db, |_, _| {}).unwrap();
    for report in &reports {
        assert_eq!(report.fault, None, "{}", report.origin);
    }
    reports.into_iter().map(|report| (report.origin, report.entries)).collect()
}

/// Codes of a verdict's findings.
pub fn codes(verification: &Value) -> Vec<&str> {
    let findings = verification["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}
