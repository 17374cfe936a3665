//! Witnesses: two States cosign each other's logs, and a log that forks or goes back finds none.
use super::credentials::free_port;
use super::harness::*;
use ed25519_dalek::SigningKey;
use passavant::audit::Hash;
use passavant::audit::checkpoint;
use passavant::audit::checkpoint::Signer;
use passavant::audit::cosign;
use passavant::audit::cosign::AddCheckpoint;
use passavant::audit::cosign::Witness;
use passavant::audit::proof;
use passavant::audit::tree::Frontier;
use passavant::config::Cosigner;
use passavant::outbound::key_file;
use reqwest::Method;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// A State's two keys: of its log, and of its witness.
struct State {
    origin: String,
    seed: [u8; 32],
    port: u16,
}

impl State {
    fn new(name: &str) -> Self {
        let origin = format!("{name}.example/witnessed");
        Self { origin, seed: [name.as_bytes()[0]; 32], port: free_port() }
    }

    fn log(&self) -> Signer {
        Signer::new(&self.origin, &self.seed).unwrap()
    }

    fn witness(&self) -> Cosigner {
        let key = Witness::new(&self.origin, SigningKey::from_bytes(&self.seed)).verifier_key();
        Cosigner { url: format!("http://127.0.0.1:{}/witness", self.port), key, ca_file: None }
    }

    /// Starts it, with another as its witness and its log witnessed here.
    fn start(&self, other: &Self) -> Service {
        start_with(|config| {
            let dir = &config.node.data_dir;
            let log_key = checkpoint::key_text(&self.origin, &self.seed);
            key_file::write(&dir.join("log.key"), &log_key).unwrap();
            key_file::open(&dir.join("witness.key"), &self.seed).unwrap();
            config.node.origin.clone_from(&self.origin);
            config.http.listen = format!("127.0.0.1:{}", self.port).parse().unwrap();
            config.witness.logs = vec![other.log().verifier_key().to_owned()];
            config.witness.witnesses = vec![other.witness()];
            config.witness.every_ms = 100;
            config.witness.alert_after_s = 2;
        })
    }
}

/// Waits until a service's latest checkpoint is cosigned; gives it with its cosignatures.
async fn witnessed(service: &Service) -> String {
    let auditor = token("FR", "auditor");
    for _ in 0..300 {
        let latest = service.get("/v1/audit/checkpoint", &auditor).await.text;
        let cosigned = service.get("/v1/audit/checkpoint?witnessed=true", &auditor).await;
        if cosigned.status == 200 && cosigned.text.starts_with(&latest) && !latest.is_empty() {
            return cosigned.text;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody cosigns");
}

#[tokio::test]
async fn two_states_witness_each_other() {
    let (france, kenya) = (State::new("fr"), State::new("ke"));
    let (here, there) = (france.start(&kenya), kenya.start(&france));
    here.issue_sample().await;
    there.issue_sample().await;
    for round in 0..3 {
        for (service, of, by) in [(&here, &france, &kenya), (&there, &kenya, &france)] {
            service.verify(&cartridges(&format!("FR-{round}"), "1")).await;
            let note = witnessed(service).await;
            let (size, _) = checkpoint::verify(&note, of.log().verifier_key()).unwrap();
            assert!(size > round, "{note}");
            let line = note.lines().last().unwrap();
            assert!(cosign::verify(&note, line, &by.witness().key).is_ok(), "{note}");
            assert!(cosign::verify(&note, line, &of.witness().key).is_err());
        }
    }
    let key = there.get("/witness/key", "").await.text;
    assert_eq!(key.trim_end(), kenya.witness().key);
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let before = size(&witnessed(&here).await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(size(&witnessed(&here).await), before, "to witness makes no log grow");
}

/// A log that its witness sees, and the trees that it could have.
struct Forger {
    signer: Signer,
    frontier: Frontier,
    tiles: HashMap<(u8, u64), Vec<u8>>,
}

impl Forger {
    fn grow(&mut self, entries: u8, salt: u8) -> String {
        for n in 0..entries {
            for write in self.frontier.append(&[Hash([n ^ salt; 32])]) {
                self.tiles.insert((write.level, write.index), write.bytes);
            }
        }
        self.signer.sign(self.frontier.size(), self.frontier.root()).unwrap()
    }

    fn proof(&self, old: u64) -> Vec<Hash> {
        let tile = |level, at| self.tiles.get(&(level, at)).cloned();
        proof::consistency(old, self.frontier.size(), tile).unwrap()
    }
}

#[tokio::test]
async fn a_forked_log_is_caught() {
    let (france, kenya) = (State::new("fr"), State::new("ke"));
    let there = kenya.start(&france);
    let add = async |old: u64, proof: Vec<Hash>, note: &str| {
        let body = AddCheckpoint { old, proof, note: note.to_owned() }.write();
        let headers = [("Content-Type", "text/plain")];
        there.send(Method::POST, "/witness/add-checkpoint", "", &headers, Some(body)).await
    };
    let new =
        || Forger { signer: france.log(), frontier: Frontier::default(), tiles: HashMap::new() };
    let mut log = new();
    let five = log.grow(5, 0);
    let first = add(0, Vec::new(), &five).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(cosign::verify(&five, &first.text, &kenya.witness().key).is_ok());
    assert_eq!(add(5, Vec::new(), &five).await.status, 200, "the same again");
    let eight = log.grow(3, 100);
    let late = add(3, Vec::new(), &eight).await;
    assert_eq!((late.status, late.text.as_str()), (409, "5\n"));
    assert_eq!(late.header("content-type"), "text/x.tlog.size");
    assert_eq!(add(5, log.proof(5), &eight).await.status, 200);
    // Another tree of the same size, one that continues another past, and a step back.
    let mut fork = new();
    let other_eight = fork.grow(8, 7);
    assert_eq!(add(8, Vec::new(), &other_eight).await.status, 422);
    let other_nine = fork.grow(1, 9);
    assert_eq!(add(8, fork.proof(8), &other_nine).await.status, 422);
    assert_eq!(add(8, Vec::new(), &five).await.status, 400);
    assert_eq!(add(0, Vec::new(), &five).await.status, 409, "it is not forgotten");
    // What is not this log's, and what is nothing.
    let stranger = State::new("tz").log().sign(1, Hash([1; 32])).unwrap();
    assert_eq!(add(0, Vec::new(), &stranger).await.status, 404);
    let forged = Signer::new(&france.origin, &[1; 32]).unwrap().sign(9, Hash([1; 32])).unwrap();
    assert_eq!(add(8, Vec::new(), &forged).await.status, 403);
    assert_eq!(add(8, Vec::new(), "").await.status, 404);
    let nothing =
        there.send(Method::POST, "/witness/add-checkpoint", "", &[], Some("x".into())).await;
    assert_eq!(nothing.status, 400);
    let figures = there.client.get(format!("http://{}/metrics", there.operations));
    let figures = figures.send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("passavant_witness_conflicts_total 2"), "{figures}");
    assert!(figures.contains("passavant_witness_given_total 3"), "{figures}");
}

#[tokio::test]
async fn an_authority_is_alerted_when_nobody_witnesses() {
    let (france, kenya) = (State::new("fr"), State::new("ke"));
    let here = france.start(&kenya);
    here.issue_sample().await;
    let authority = token("FR", "authority");
    let mut alerts = json!([]);
    for _ in 0..300 {
        alerts =
            here.get("/v1/alerts?kind=delivery_failed", &authority).await.json()["items"].clone();
        if !alerts.as_array().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(alerts[0]["codes"][0], "CHECKPOINT_NOT_WITNESSED", "{alerts}");
    let none = here.get("/v1/audit/checkpoint?witnessed=true", &token("FR", "auditor")).await;
    assert_eq!(none.code(), "not_found");
}
