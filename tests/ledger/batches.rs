//! Acts that are decided in one batch: rows of releases wait there for its end, and whoever could read
//! them sees them all the same.
use super::harness::*;
use super::support;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use passavant::app::Error;
use passavant::app::batch::Batch;
use passavant::app::claims::Claims;
use passavant::app::decision::Decision;
use passavant::app::recorder::Command;
use passavant::app::recorder::Done;
use passavant::app::recorder::Once;
use passavant::app::recorder::Recorded;
use passavant::app::recorder::Stop;
use passavant::clock::Ids;
use passavant::clock::SystemIds;
use passavant::domain::Timestamp;
use passavant::storage;
use passavant::storage::Db;
use passavant::wire::alert::Measure;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

pub type Act = BoxFuture<'static, Result<Recorded, Error>>;

/// Keeps the writer until it is told to go on.
struct Gate {
    entered: mpsc::SyncSender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Command for Gate {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, _: &mut Batch<'_>) -> Result<Recorded, Stop> {
        self.entered.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

/// Breaks a key of the database, however often it is decided.
struct Poisoned;

impl Command for Poisoned {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let origin = batch.log().0.to_owned();
        storage::log::insert(batch.db, (&origin, "a key"), "an owner", None, batch.now)?;
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

/// Has acts decided in one batch, in this order.
pub async fn in_one_batch(
    service: &Arc<Service>,
    acts: impl IntoIterator<Item = Act>,
) -> Vec<Result<Recorded, Error>> {
    let (answers, batches) = together(service, acts).await;
    assert_eq!(batches, 2, "the gate's batch and one more");
    answers
}

/// Gives acts to the writer while it is kept waiting; gives the answers, and how many batches were committed.
async fn together(
    service: &Arc<Service>,
    acts: impl IntoIterator<Item = Act>,
) -> (Vec<Result<Recorded, Error>>, u64) {
    let ((entered, has_entered), (go, waits)) = (mpsc::sync_channel(1), mpsc::channel());
    let gate = Box::new(Gate { entered, go: Mutex::new(waits) });
    let at_gate = Arc::clone(service);
    let gate = tokio::task::spawn(async move { at_gate.app.recorder.submit(gate).await });
    tokio::task::spawn_blocking(move || has_entered.recv().unwrap()).await.unwrap();
    let batches = || service.app.recorder.counts.batches.load(Ordering::SeqCst);
    let (before, mut told) = (batches(), Vec::new());
    for act in acts {
        told.push(tokio::task::spawn(act));
        while service.app.recorder.waiting() < told.len() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    go.send(()).unwrap();
    gate.await.unwrap().unwrap();
    let mut answers = Vec::new();
    for act in told {
        answers.push(act.await.unwrap());
    }
    let committed = batches() - before;
    (answers, committed)
}

fn release(service: &Arc<Service>, verification: &Value, key: &str) -> Act {
    let (service, verification, key) = (Arc::clone(service), verification.clone(), key.to_owned());
    async move { service.release(&verification, &key).await }.boxed()
}

fn stop(service: &Arc<Service>, verification: &Value) -> Act {
    let (service, id) = (Arc::clone(service), id_of(verification));
    async move {
        let measure = (Measure::Hold, "a smell of solvent".into());
        service.app.stop_goods(&officer(), id, measure, None).await
    }
    .boxed()
}

fn id_of(reply: &Value) -> Uuid {
    reply["id"].as_str().unwrap().parse().unwrap()
}

fn refused_by(answer: &Result<Recorded, Error>, code: &str) -> bool {
    answer.as_ref().is_ok_and(|recorded| is_refused(recorded) && recorded.reply.contains(code))
}

fn created(answer: &Result<Recorded, Error>) -> bool {
    answer.as_ref().is_ok_and(|recorded| recorded.outcome == Done::Created)
}

async fn started(rounds: u32) -> Arc<Service> {
    let service = start();
    service.issue_sample(rounds, "multiple").await;
    Arc::new(service)
}

fn verifies(service: Arc<Service>) {
    super::trail::assert_verifies(Arc::into_inner(service).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_releases_as_a_batch_takes_are_all_written() {
    let service = started(100).await;
    let mut acts = Vec::new();
    for reference in 0..23_u32 {
        let verification = service.verify(&cartridges(reference, 2)).await;
        acts.push(release(&service, &verification, &format!("key-{reference}")));
    }
    let answers = in_one_batch(&service, acts).await;
    assert!(answers.iter().all(created), "{answers:?}");
    assert_eq!(service.rounds().await, (54, 46));
    for answer in &answers {
        let reply: Value = serde_json::from_str(&answer.as_ref().unwrap().reply).unwrap();
        let kept = service.app.read_release(&officer(), id_of(&reply)).await.unwrap();
        assert_eq!((kept.status.as_str(), kept.history.len()), ("released", 1));
        assert!(kept.history[0].declaration.is_some() && kept.history[0].draws.len() == 1);
        let draws = storage::releases::draws(
            &mut super::trail::database(service.dir.path()),
            id_of(&reply).as_bytes(),
        );
        assert_eq!(draws.unwrap().len(), 1);
    }
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_breaks_a_key_every_time_fails_alone() {
    let service = started(100).await;
    let (first, second) =
        (service.verify(&cartridges(1, 10)).await, service.verify(&cartridges(2, 10)).await);
    let at = Arc::clone(&service);
    let acts = [
        release(&service, &first, "first"),
        async move { at.app.recorder.submit(Box::new(Poisoned)).await }.boxed(),
        release(&service, &second, "second"),
    ];
    let (answers, batches) = together(&service, acts).await;
    assert!(created(&answers[0]) && created(&answers[2]), "{answers:?}");
    assert!(matches!(answers[1], Err(Error::Unavailable(_))), "{answers:?}");
    assert_eq!(batches, 3, "the gate's batch, and each of the others for itself");
    assert!(!service.app.recorder.is_failing(), "the database answers");
    assert_eq!(service.rounds().await, (80, 20));
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reference_is_released_once_in_a_batch() {
    let service = started(100).await;
    let (first, second) =
        (service.verify(&cartridges(1, 10)).await, service.verify(&cartridges(1, 10)).await);
    let other = service.verify(&cartridges(2, 10)).await;
    let acts = [
        release(&service, &first, "first"),
        release(&service, &other, "other"),
        release(&service, &second, "second"),
        release(&service, &first, "first"),
    ];
    let answers = in_one_batch(&service, acts).await;
    assert!(created(&answers[0]) && created(&answers[1]), "{answers:?}");
    assert!(refused_by(&answers[2], "MRN_ALREADY_USED"), "{answers:?}");
    let replies = [&answers[0], &answers[3]].map(|answer| answer.as_ref().unwrap());
    assert_eq!(replies[0], replies[1], "one key, one reply");
    assert_eq!(service.rounds().await, (80, 20));
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firearm_is_released_once_in_a_batch() {
    let service = started(100).await;
    let rifles = |reference| super::firearms::rifles(reference);
    let (first, second) = (service.verify(&rifles(1)).await, service.verify(&rifles(2)).await);
    let acts = [release(&service, &first, "first"), release(&service, &second, "second")];
    let answers = in_one_batch(&service, acts).await;
    assert!(created(&answers[0]), "{answers:?}");
    assert!(refused_by(&answers[1], "SERIAL_ALREADY_MOVED"), "{answers:?}");
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_looks_like_a_firearm_of_the_same_batch_is_not_released_with_it() {
    let service = start();
    for licence in without_serials() {
        service.issue(&licence).await.unwrap();
    }
    let service = Arc::new(service);
    let mut alike = super::firearms::rifles(2);
    alike["items"][0]["serials"] = serde_json::json!(["VCOOO1O1", "VC000202"]);
    let first = service.verify(&super::firearms::rifles(1)).await;
    let second = service.verify(&alike).await;
    assert_eq!(second["verdict"], "clear", "{second}");
    let acts = [release(&service, &first, "first"), release(&service, &second, "second")];
    let answers = in_one_batch(&service, acts).await;
    assert!(created(&answers[0]), "{answers:?}");
    assert!(refused_by(&answers[1], "SERIAL_CONFUSABLE"), "{answers:?}");
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_licence_lets_go_no_more_than_it_authorises_in_a_batch() {
    let service = start();
    super::covers::issue(&service, 100).await;
    let service = Arc::new(service);
    let mut acts = Vec::new();
    for (reference, line, rounds) in [(0, 1, 60), (1, 2, 41), (2, 3, 40)] {
        let declaration = super::covers::under(reference, line, rounds);
        let verification = service.verify(&declaration).await;
        assert_eq!(verification["verdict"], "clear", "{verification}");
        acts.push(release(&service, &verification, &format!("key-{reference}")));
    }
    let answers = in_one_batch(&service, acts).await;
    assert!(created(&answers[0]) && created(&answers[2]), "{answers:?}");
    assert!(refused_by(&answers[1], super::covers::CODE), "{answers:?}");
    let none = service.verify(&super::covers::under(1, 4, 1)).await;
    assert!(none["findings"].to_string().contains("100 C62 released already"), "{none}");
    // What is undone is there for the next in the same batch.
    let reversing = Arc::clone(&service);
    let first: Value = serde_json::from_str(&answers[0].as_ref().unwrap().reply).unwrap();
    let undo = async move {
        let (by, reason) = (officer(), "it did not leave".into());
        reversing.app.reverse(&by, id_of(&first), reason, None, None).await
    };
    let (fits, beyond) = (super::covers::under(1, 5, 60), super::covers::under(0, 6, 1));
    let (fits, beyond) = (service.verify(&fits).await, service.verify(&beyond).await);
    let acts =
        [undo.boxed(), release(&service, &fits, "fits"), release(&service, &beyond, "beyond")];
    let answers = in_one_batch(&service, acts).await;
    assert!(answers[0].is_ok() && created(&answers[1]), "{answers:?}");
    assert!(refused_by(&answers[2], super::covers::CODE), "{answers:?}");
    verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goods_are_stopped_or_released_in_a_batch_whichever_comes_first() {
    let service = started(100).await;
    let mut other = cartridges(2, 10);
    other["ucr"] = "6FR12345678901234-OTHER".into();
    let (held, gone) = (service.verify(&cartridges(1, 10)).await, service.verify(&other).await);
    let acts = [
        stop(&service, &held),
        release(&service, &gone, "gone"),
        release(&service, &held, "held"),
        stop(&service, &gone),
    ];
    let answers = in_one_batch(&service, acts).await;
    assert!(created(&answers[0]) && created(&answers[1]), "{answers:?}");
    assert!(refused_by(&answers[2], "STOPPED_BY_OFFICER"), "{answers:?}");
    assert!(matches!(answers[3], Err(Error::Stale(_))), "{answers:?}");
    assert_eq!(service.rounds().await, (90, 10));
    verifies(service);
}

fn decide(service: &Arc<Service>, decision: Decision, key: &str) -> Act {
    let (service, once) = (Arc::clone(service), once_of(&authority("FR"), key));
    async move {
        let (number, reason) = (EXPORT.into(), "a test".into());
        service.app.decide(&authority("FR"), number, decision, reason, None, Some(once)).await
    }
    .boxed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_in_a_batch_writes_its_reply_and_nothing_else() {
    let service = started(100).await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let logs = || storage::log::all(&mut super::trail::database(service.dir.path())).unwrap();
    let before = logs()[0].size;
    let acts = [
        decide(&service, Decision::Reinstatement, "reinstate"),
        release(&service, &verification, "release"),
        decide(&service, Decision::Suspension, "suspend"),
        decide(&service, Decision::Reinstatement, "reinstate"),
    ];
    let answers = in_one_batch(&service, acts).await;
    let refused = |answer: &Result<Recorded, Error>| match answer {
        Err(Error::Stale(words)) => words.clone(),
        other => panic!("{other:?}"),
    };
    assert!(created(&answers[1]) && answers[2].is_ok(), "{answers:?}");
    let words = refused(&answers[0]);
    assert_eq!(refused(&answers[3]), words, "the same key in the same batch");
    assert_eq!(logs()[0].size, before + 2, "the release and the suspension");
    assert_eq!(service.rounds().await, (90, 10));
    let retry = decide(&service, Decision::Reinstatement, "reinstate").await;
    assert_eq!(refused(&retry), words, "and in a later one");
    let service = Arc::new(Arc::into_inner(service).unwrap().reopen());
    let retry = decide(&service, Decision::Reinstatement, "reinstate").await;
    assert_eq!(refused(&retry), words, "and after a restart");
    assert!(decide(&service, Decision::Reinstatement, "anew").await.is_ok());
    verifies(service);
}

/// Identifiers that a test has chosen, and random ones.
#[derive(Default)]
struct Chosen(Mutex<VecDeque<Uuid>>);

impl Ids for Chosen {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let chosen = self.0.lock().unwrap().pop_front();
        chosen.unwrap_or_else(|| SystemIds.uuid(now))
    }

    fn nonce(&self) -> [u8; 16] {
        SystemIds.nonce()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_is_amended_and_undone_in_the_batch_that_makes_it() {
    let (dir, clock, ids) = (TempDir::new().unwrap(), clock(), Arc::new(Chosen::default()));
    let url = support::database_url(dir.path());
    let chosen: Arc<dyn Ids> = ids.clone();
    let app = open_with(dir.path(), "passavant.example/test", &clock, &url, chosen);
    let service = Arc::new(Service { app, dir, clock });
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let id = SystemIds.uuid(passavant::clock::Clock::now(&service.clock));
    ids.0.lock().unwrap().push_back(id);
    let (amending, reversing) = (Arc::clone(&service), Arc::clone(&service));
    let fewer = cartridges(1, 4).to_string();
    let amend = async move {
        let once = Some(once_of(&officer(), "amend"));
        amending.app.amend_release(&officer(), id, fewer, "counted again".into(), None, once).await
    };
    let reverse = async move {
        let once = Some(once_of(&officer(), "reverse"));
        reversing.app.reverse(&officer(), id, "not shipped".into(), None, once).await
    };
    let acts = [release(&service, &verification, "release"), amend.boxed(), reverse.boxed()];
    let answers = in_one_batch(&service, acts).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(service.rounds().await, (100, 0));
    let kept = service.app.read_release(&officer(), id).await.unwrap();
    let told: Vec<(&str, &str, Option<bool>)> = kept
        .history
        .iter()
        .map(|state| {
            let declared = state.declaration.as_ref();
            let first = declared.map(|json| json.get().contains("\"quantity\":\"10\""));
            (state.change.as_str(), state.status.as_str(), first)
        })
        .collect();
    let expected = [
        ("release", "released", Some(true)),
        ("release_amendment", "released", Some(false)),
        ("reversal", "reversed", None),
    ];
    assert_eq!(told, expected);
    let mut db = super::trail::database(service.dir.path());
    let pending = storage::deadlines::pending_of(&mut db, &[&id.to_string()]).unwrap();
    assert!(pending.is_empty(), "nothing is to leave under it: {pending:?}");
    let receipts = storage::receipts::of_releases(&mut db, &[id.as_bytes().to_vec()]).unwrap();
    assert_eq!((receipts.len(), receipts[0].status.as_str()), (1, "withdrawn"));
    let steps = storage::receipts::steps(&mut db, &[receipts[0].id.clone()]).unwrap();
    let steps: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps, ["released", "amended", "withdrawn"]);
    verifies(service);
}
