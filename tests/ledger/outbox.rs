//! Events stand in the outbox exactly when what they tell of stands in the ledger.
use super::harness::*;
use super::support;
use passavant::app::licences::Decision;
use passavant::storage;
use passavant::storage::outbox::DeliveryRow;
use passavant::storage::webhooks::WebhookRow;
use serde_json::Value;

fn database(service: &Service) -> storage::Db {
    let url = support::database_url(service.dir.path());
    storage::open(&support::postgres::settings(&url), storage::Use::Write).unwrap()
}

/// A webhook of a State for some kinds of events.
fn subscribe(service: &Service, number: u8, state: &str, events: &str) -> Vec<u8> {
    let row = WebhookRow {
        id: vec![number; 16],
        state: state.to_owned(),
        url: "https://receiver.example/".to_owned(),
        events: events.to_owned(),
        description: None,
        status: "active".to_owned(),
        reason: None,
        version: 1,
        actor: "test".to_owned(),
        created_us: 0,
        changed_us: 0,
    };
    storage::webhooks::insert(&mut database(service), &row).unwrap();
    row.id
}

fn told(service: &Service, webhook: &[u8]) -> Vec<DeliveryRow> {
    storage::outbox::page(&mut database(service), webhook, None, 0, 100).unwrap()
}

fn kinds(rows: &[DeliveryRow]) -> Vec<&str> {
    rows.iter().map(|row| row.kind.as_str()).collect()
}

#[tokio::test]
async fn each_act_is_told_to_the_states_that_it_concerns_and_to_no_other() {
    let service = start();
    let home = subscribe(&service, 1, "FR", "[]");
    let releases = subscribe(&service, 2, "KE", "[\"release.made\",\"release.reversed\"]");
    let stranger = subscribe(&service, 3, "DE", "[]");
    service.issue_sample(10, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let released = service.release(&verification, "first").await.unwrap();
    let released: Value = serde_json::from_str(&released.reply).unwrap();
    service.verify(&cartridges(2, 1)).await;
    let id = released["id"].as_str().unwrap().parse().unwrap();
    service.app.reverse(&officer(), id, "stayed".into(), None, None).await.unwrap();
    let (home, releases) = (told(&service, &home), told(&service, &releases));
    assert_eq!(
        kinds(&home),
        [
            "licence.issued",
            "licence.issued",
            "release.made",
            "verdict.hold",
            "alert.raised",
            "release.reversed"
        ]
    );
    assert_eq!(kinds(&releases), ["release.made", "release.reversed"]);
    assert_eq!(home[2].event_id, releases[0].event_id, "one event, whoever is told");
    assert!(told(&service, &stranger).is_empty());
    let body: Value = serde_json::from_str(&home[2].body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["release"]),
        (&"release.made".into(), &released["id"])
    );
    assert!(
        !home.iter().any(|row| row.body.contains("Armurerie") || row.body.contains("officer-1"))
    );
}

#[tokio::test]
async fn what_is_refused_is_not_told() {
    let service = start();
    service.issue_sample(10, "multiple").await;
    let home = subscribe(&service, 1, "FR", "[]");
    let authority = authority("FR");
    let reinstate = service.app.decide(
        &authority,
        EXPORT.into(),
        Decision::Reinstatement,
        "never suspended".into(),
        None,
        None,
    );
    reinstate.await.unwrap_err();
    let verification = service.verify(&cartridges(1, 10)).await;
    service.release(&verification, "key").await.unwrap();
    service.release(&verification, "key").await.unwrap();
    assert_eq!(kinds(&told(&service, &home)), ["release.made"], "once, however often it is asked");
}
