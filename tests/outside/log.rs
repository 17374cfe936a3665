//! A log of a real run, whole and by single proofs, checked by Go's x/mod and by sigstore-python: every
//! good proof passes with both, and of a thousand altered ones none.
use super::tools;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Role;
use passavant::app::export;
use passavant::app::licences::Document;
use passavant::audit::Hash;
use passavant::audit::proof;
use passavant::clock::FixedClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::demo;
use passavant::domain::Country;
use passavant::domain::Locode;
use passavant::storage;
use passavant::storage::Db;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// Entries of the log: many in CI, fewer where one waits for it.
fn entries() -> u64 {
    if std::env::var_os("CI").is_some() { 70_000 } else { 3000 }
}

const ALTERED: usize = 1000;
/// Requests at once.
const CLIENTS: u64 = 256;

/// Chance that is the same in every run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

fn caller(state: &str, role: Role) -> Caller {
    Caller {
        issuer: format!("https://login.example/{state}").into(),
        subject: "tester".into(),
        state: Country::parse(state).unwrap(),
        role,
        posts: [Locode::parse("FRLEH").unwrap()].into(),
        operator: None,
    }
}

/// A service that has verified declarations until its log is so long.
fn run(dir: &Path) -> App {
    let mut config = Config::embedded().unwrap();
    config.node.origin = String::from("passavant.example/outside");
    config.node.state = String::from("FR");
    config.node.data_dir = dir.to_path_buf();
    config.database.url = format!("sqlite://{}", dir.join("passavant.db").display());
    let clock = FixedClock::at("2026-11-23T12:00:00Z".parse().unwrap());
    let access = Access::new(&config, Arc::new(clock.clone())).unwrap();
    let app = App::open(config, Arc::new(clock), Arc::new(SystemIds), access).unwrap();
    let today = "2026-11-23".parse().unwrap();
    let declaration = demo::declarations(today).swap_remove(0).declaration;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for licence in demo::licences(today) {
            let authority = caller(licence["issuing_state"].as_str().unwrap(), Role::Authority);
            let sent = serde_json::from_value(licence).unwrap();
            app.issue(&authority, Document::read(&sent, "").unwrap(), None).await.unwrap();
        }
        let officer = caller("FR", Role::Officer);
        let mut made = 2;
        while made < entries() {
            let some = CLIENTS.min(entries() - made);
            let verify = (made..made + some).map(|n| {
                let mut one = declaration.clone();
                one["reference"] = json!({"type": "national", "value": format!("FR-{n}")});
                app.verify(&officer, one.to_string(), None)
            });
            for verdict in futures_util::future::join_all(verify).await {
                verdict.unwrap();
            }
            made += some;
        }
    });
    app.recorder.stop();
    app
}

/// The log, read as a stranger would: by what was exported and what a proof is made of.
struct Log {
    db: Db,
    id: i64,
    key: String,
    /// Every checkpoint that was signed, with its size.
    checkpoints: Vec<(u64, String)>,
    bodies: Vec<Vec<u8>>,
}

impl Log {
    fn read(app: &App) -> Self {
        let mut db = storage::open(&app.config.database, storage::Use::Read).unwrap();
        let row = storage::log::by_origin(&mut db, "passavant.example/outside").unwrap().unwrap();
        let checkpoints = storage::log::checkpoints(&mut db, row.id, 0, u64::MAX >> 1).unwrap();
        let sized = |(size, note)| (u64::try_from(size).unwrap(), note);
        let bodies = storage::log::entries(&mut db, row.id, 0, i64::MAX).unwrap();
        Self {
            id: row.id,
            key: row.verifier_key,
            checkpoints: checkpoints.into_iter().map(sized).collect(),
            bodies: bodies.into_iter().map(|(_, body)| body).collect(),
            db,
        }
    }

    fn inclusion(&mut self, size: u64, index: u64) -> Vec<Hash> {
        let (db, id) = (&mut self.db, self.id);
        let tile = |level, at| storage::log::tile(db, id, level, at).unwrap();
        proof::inclusion(size, index, tile).unwrap()
    }

    fn consistency(&mut self, old: u64, new: u64) -> Vec<Hash> {
        let (db, id) = (&mut self.db, self.id);
        proof::consistency(old, new, |level, at| storage::log::tile(db, id, level, at).unwrap())
            .unwrap()
    }

    fn check(&mut self, at: usize, index: u64) -> Value {
        let (size, note) = self.checkpoints[at].clone();
        let hashes = self.inclusion(size, index);
        let hashes: Vec<String> = hashes.iter().map(ToString::to_string).collect();
        let entry = STANDARD.encode(&self.bodies[usize::try_from(index).unwrap()]);
        json!({"kind": "inclusion", "entry": entry, "index": index, "hashes": hashes, "checkpoint": note})
    }
}

fn lines(checks: &[Value]) -> Vec<u8> {
    checks.iter().flat_map(|check| format!("{check}\n").into_bytes()).collect()
}

/// What a program said to each check.
fn verdicts(command: &mut Command, checks: &[Value]) -> Vec<bool> {
    let said = tools::fed(command, lines(checks));
    let verdicts: Vec<bool> = said.lines().map(|line| line == "good").collect();
    assert_eq!(verdicts.len(), checks.len());
    verdicts
}

/// Flips one bit of what a base64 text stands for.
fn flipped(text: &str, random: &mut Random) -> String {
    let mut bytes = STANDARD.decode(text).unwrap();
    let at = random.index(bytes.len());
    bytes[at] ^= 1 << random.below(8);
    STANDARD.encode(bytes)
}

/// One alteration: an entry, a tile's hash, the checkpoint, the order, a truncation or a step back.
fn altered(log: &mut Log, n: usize, random: &mut Random) -> Value {
    let last = log.checkpoints.len() - 1;
    let size = log.checkpoints[last].0;
    let index = random.below(size);
    let mut check = log.check(last, index);
    let hashes = check["hashes"].as_array().unwrap().len();
    match n % 7 {
        0 => check["entry"] = json!(flipped(check["entry"].as_str().unwrap(), random)),
        1 => {
            let at = random.index(hashes);
            check["hashes"][at] = json!(flipped(check["hashes"][at].as_str().unwrap(), random));
        }
        2 => {
            let note = check["checkpoint"].as_str().unwrap();
            let (text, signature) = note.split_once("\n\n").unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let (head, signed) = signature.trim_end().rsplit_once(' ').unwrap();
            let mut signed = signed.to_owned();
            match random.below(3) {
                0 => lines[1] = (size + 1 + random.below(999)).to_string(),
                1 => lines[2] = flipped(&lines[2], random),
                _ => signed = flipped(&signed, random),
            }
            check["checkpoint"] = json!(format!("{}\n\n{head} {signed}\n", lines.join("\n")));
        }
        3 => {
            let other = (index + 1 + random.below(size - 1)) % size;
            check["index"] = json!(other);
        }
        4 => {
            let other = usize::try_from((index + 1 + random.below(size - 1)) % size).unwrap();
            check["entry"] = json!(STANDARD.encode(&log.bodies[other]));
        }
        5 => {
            let at = random.index(hashes);
            check["hashes"].as_array_mut().unwrap().remove(at);
        }
        _ => {
            // The log as it was before the entry: it must not hold it.
            let before = random.index(last);
            let held = log.checkpoints[before].0;
            check = log.check(last, held + random.below(size - held));
            check["checkpoint"] = json!(log.checkpoints[before].1);
        }
    }
    check
}

#[test]
fn a_log_of_a_real_run_is_good_and_no_altered_one_is() {
    let (Some(go), Some(mut python)) = (tools::go_log(), tools::python("sigstore")) else { return };
    let dir = TempDir::new().unwrap();
    let app = run(dir.path());
    let mut log = Log::read(&app);
    assert_eq!(log.bodies.len(), usize::try_from(entries()).unwrap());
    let key = log.key.clone();
    let go_checks = || {
        let mut command = Command::new(&go);
        command.arg(&key);
        command
    };
    python.arg(tools::script("log.py")).arg(&log.key);
    let last = log.checkpoints.len() - 1;

    // Whole, from files: every entry against its tile, every tile against the checkpoint.
    let folder = dir.path().join("exported");
    let row = storage::log::by_origin(&mut log.db, "passavant.example/outside").unwrap().unwrap();
    export::export(&mut log.db, &row, &folder).unwrap();
    let whole = tools::said(&go_checks().arg(&folder).output().unwrap());
    assert_eq!(whole.trim(), format!("whole {}", entries()));
    for tile in ["tile/0/001", "tile/entries/002"] {
        let (file, sound) = (folder.join(tile), std::fs::read(folder.join(tile)).unwrap());
        let mut spoilt = sound.clone();
        spoilt[100] ^= 1;
        std::fs::write(&file, spoilt).unwrap();
        assert!(!go_checks().arg(&folder).output().unwrap().status.success(), "{tile}");
        std::fs::write(&file, sound).unwrap();
    }

    // Every entry's proof, with both; and then a thousand altered ones.
    let mut checks: Vec<Value> = (0..entries()).map(|index| log.check(last, index)).collect();
    let good = checks.len();
    let mut random = Random(7);
    checks.extend((0..ALTERED).map(|n| altered(&mut log, n, &mut random)));
    for (who, verdicts) in [
        ("golang.org/x/mod", verdicts(&mut go_checks(), &checks)),
        ("sigstore-python", verdicts(&mut python, &checks)),
    ] {
        let (sound, spoilt) = verdicts.split_at(good);
        assert_eq!(sound.iter().filter(|verdict| !**verdict).count(), 0, "{who}: good ones");
        let passed = spoilt.iter().position(|verdict| *verdict);
        assert_eq!(passed.map(|at| &checks[good + at]), None, "{who}: an altered one passed");
    }

    // Between any two checkpoints; a step back and a tree that is not continued are refused.
    let (mut steps, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..ALTERED {
        let (one, two) = (random.index(last + 1), random.index(last + 1));
        let (old, new) = (one.min(two), one.max(two));
        let ((old, was), (new, is)) = (log.checkpoints[old].clone(), log.checkpoints[new].clone());
        let hashes = log.consistency(old, new);
        let hashes: Vec<String> = hashes.iter().map(ToString::to_string).collect();
        steps.push(json!({"kind": "consistency", "hashes": hashes, "checkpoint": is, "old": was}));
        expected.push(true);
        if old < new {
            steps.push(
                json!({"kind": "consistency", "hashes": hashes, "checkpoint": was, "old": is}),
            );
            expected.push(false);
            if let Some(first) = hashes.first() {
                let mut spoilt = hashes.clone();
                spoilt[0] = flipped(first, &mut random);
                steps.push(
                    json!({"kind": "consistency", "hashes": spoilt, "checkpoint": is, "old": was}),
                );
                expected.push(false);
            }
        }
    }
    assert_eq!(verdicts(&mut go_checks(), &steps), expected);
}
