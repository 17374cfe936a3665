//! A licence for one shipment and a declaration whose items are released one after the other (UCC 194(2)):
//! they are one shipment, counted once, and another declaration is another one. Goods that are announced have the
//! shipment too, until it is freed or released.
use super::cut_off::*;
use super::harness::*;
use super::trail::assert_verifies;
use futures_util::FutureExt;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;

async fn held_by(service: &Service, declaration: &Value, code: &str) {
    let verification = service.verify(declaration).await;
    assert!(verification.to_string().contains(code), "{verification}");
    let refused = service.release(&verification, verification["id"].as_str().unwrap()).await;
    let refused = refused.unwrap();
    assert!(is_refused(&refused) && refused.reply.contains(code), "{}", refused.reply);
}

/// Shipments counted against the export licence, and what its lines have given.
async fn drawn(service: &Service) -> (u64, String, String) {
    let licence = service.app.licence(&authority("FR"), EXPORT).await.unwrap();
    let licence = serde_json::to_value(&licence).unwrap();
    let consumed = |line: usize| licence["lines"][line]["balance"]["consumed"].clone();
    let text = |value: Value| value.as_str().unwrap().to_owned();
    (licence["shipments"].as_u64().unwrap(), text(consumed(0)), text(consumed(1)))
}

fn figures(shipments: u64, rifles: &str, rounds: &str) -> (u64, String, String) {
    (shipments, rifles.to_owned(), rounds.to_owned())
}

#[tokio::test]
async fn further_items_of_the_declaration_that_closed_a_licence_are_the_same_shipment() {
    let service = start();
    service.issue_sample(50_000, "single").await;
    service.released(&sample_items("FR-A", &[0])).await;
    assert_eq!(drawn(&service).await, figures(1, "2", "0"));
    service.released(&sample_items("FR-A", &[1])).await;
    assert_eq!(drawn(&service).await, figures(1, "2", "5000"), "one declaration, one shipment");
    held_by(&service, &sample_items("FR-A", &[1]), "MRN_ALREADY_USED").await;
    let mut other = sample_items("FR-B", &[0]);
    other["items"][0]["serials"] = json!(["VC000103", "VC000104"]);
    held_by(&service, &other, "SHIPMENT_COUNT_EXCEEDED").await;
    assert_verifies(service);
}

#[tokio::test]
async fn the_reversal_of_one_of_two_releases_does_not_open_the_licence_again() {
    let service = start();
    service.issue_sample(50_000, "single").await;
    let rifles = service.released(&sample_items("FR-A", &[0])).await;
    let rounds = service.released(&sample_items("FR-A", &[1])).await;
    service.app.reverse(&officer(), rifles, "a test".into(), None, None).await.unwrap();
    assert_eq!(drawn(&service).await, figures(1, "0", "5000"));
    held_by(&service, &sample_items("FR-B", &[0]), "SHIPMENT_COUNT_EXCEEDED").await;
    // Of the same declaration it may be released again, and the other be amended.
    let rifles = service.released(&sample_items("FR-A", &[0])).await;
    let mut fewer = sample_items("FR-A", &[1]);
    fewer["items"][0]["quantity"] = json!("3");
    let by = officer();
    let why = "counted again".into();
    let amended = service.app.amend_release(&by, rounds, fewer.to_string(), why, None, None);
    assert!(!is_refused(&amended.await.unwrap()));
    assert_eq!(drawn(&service).await, figures(1, "2", "3000"));
    for release in [rounds, rifles] {
        service.app.reverse(&officer(), release, "a test".into(), None, None).await.unwrap();
    }
    assert_eq!(drawn(&service).await, figures(0, "0", "0"));
    service.released(&sample_items("FR-B", &[0])).await;
    assert_eq!(drawn(&service).await, figures(1, "2", "0"));
    assert_verifies(service);
}

/// The sample's rifles that are not those of the first item, under a reference of their own.
fn other_rifles(reference: &str) -> Value {
    let mut other = sample_items(reference, &[0]);
    other["items"][0]["serials"] = json!(["VC000103", "VC000104"]);
    other
}

async fn reserved(service: &Service, declaration: &Value) -> Value {
    let lodged = service.announce(declaration).await;
    assert_eq!(lodged["reservation"]["status"], "held", "{lodged}");
    lodged
}

#[tokio::test]
async fn what_is_announced_has_the_shipment_until_it_is_withdrawn_or_lapses() {
    let service = start();
    service.issue_sample(50_000, "single").await;
    let lodged = reserved(&service, &sample_items("FR-A", &[0])).await;
    held_by(&service, &other_rifles("FR-B"), "SHIPMENT_COUNT_EXCEEDED").await;
    held_by(&service, &sample_items("FR-B", &[1]), "SHIPMENT_COUNT_EXCEEDED").await;
    let second = service.announce(&other_rifles("FR-C")).await;
    assert_eq!(second["reservation"]["reason"], "not_clear", "{second}");
    assert!(second.to_string().contains("SHIPMENT_COUNT_EXCEEDED"), "{second}");
    let id = lodged["id"].as_str().unwrap().parse().unwrap();
    service.app.withdraw(&carrier(), id, None, None).await.unwrap();
    assert_eq!(service.verify(&other_rifles("FR-B")).await["verdict"], "clear");
    reserved(&service, &sample_items("FR-D", &[0])).await;
    held_by(&service, &other_rifles("FR-B"), "SHIPMENT_COUNT_EXCEEDED").await;
    assert_eq!(service.let_lapse().await, 2, "this one, and what held nothing");
    service.released(&other_rifles("FR-B")).await;
    assert_eq!(drawn(&service).await, figures(1, "2", "0"));
    assert_verifies(service);
}

#[tokio::test]
async fn the_shipment_for_which_it_is_held_has_it_item_after_item() {
    let service = start();
    service.issue_sample(50_000, "single").await;
    let rifles = reserved(&service, &sample_items("FR-A", &[0])).await;
    reserved(&service, &sample_items("FR-A", &[1])).await;
    let mut another = sample_items("FR-A", &[1]);
    another["consignee"]["id"] = json!("KE0099999999");
    another["items"][0]["item"] = json!(3);
    held_by(&service, &another, "SHIPMENT_COUNT_EXCEEDED").await;
    let rounds = service.released(&sample_items("FR-A", &[1])).await;
    assert_eq!(drawn(&service).await, figures(1, "0", "5000"));
    // While the rifles are still held, the rounds are set to other figures.
    let mut fewer = sample_items("FR-A", &[1]);
    fewer["items"][0]["quantity"] = json!("4");
    let why = "counted again".into();
    let officer = officer();
    let amended = service.app.amend_release(&officer, rounds, fewer.to_string(), why, None, None);
    let amended = amended.await.unwrap();
    assert!(!is_refused(&amended), "{}", amended.reply);
    let presented = service.present(rifles["code"].as_str().unwrap()).await.unwrap();
    assert_eq!(presented["verdict"], "clear", "{presented}");
    assert!(!is_refused(&service.release(&presented, "rifles").await.unwrap()));
    assert_eq!(drawn(&service).await, figures(1, "2", "4000"));
    assert_verifies(service);
}

#[tokio::test]
async fn a_release_against_the_advice_leaves_the_shipment_to_whom_it_is_held_for() {
    let service = start();
    service.issue_sample(50_000, "single").await;
    let lodged = reserved(&service, &sample_items("FR-A", &[0])).await;
    let verification = service.verify(&sample_items("FR-B", &[1])).await;
    let released = service.override_it(&verification, "against").await.unwrap();
    assert!(!is_refused(&released), "{}", released.reply);
    let reply: Value = serde_json::from_str(&released.reply).unwrap();
    assert_eq!(reply["override"]["beyond"][0]["licence"], EXPORT, "{reply}");
    assert_eq!(drawn(&service).await, figures(0, "0", "0"));
    let presented = service.present(lodged["code"].as_str().unwrap()).await.unwrap();
    assert!(!is_refused(&service.release(&presented, "held").await.unwrap()));
    assert_eq!(drawn(&service).await, figures(1, "2", "0"));
    assert_verifies(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_one_batch_the_shipment_is_held_for_one() {
    let service = Arc::new(start());
    service.issue_sample(50_000, "single").await;
    let other = service.verify(&other_rifles("FR-B")).await;
    assert_eq!(other["verdict"], "clear", "{other}");
    let lodge = |reference: &str, item: usize| {
        let at = Arc::clone(&service);
        let declaration = sample_items(reference, &[item]).to_string();
        async move { at.app.preclear(&carrier(), declaration, true, None).await }.boxed()
    };
    let at = Arc::clone(&service);
    let release = async move { at.release(&other, "other").await }.boxed();
    let acts = [lodge("FR-A", 0), lodge("FR-C", 1), release];
    let answers = super::batches::in_one_batch(&service, acts).await;
    let text = |at: usize| answers[at].as_ref().unwrap().reply.clone();
    assert!(text(0).contains("\"status\":\"held\""), "{answers:?}");
    assert!(text(1).contains("SHIPMENT_COUNT_EXCEEDED"), "{answers:?}");
    assert!(is_refused(answers[2].as_ref().unwrap()), "{answers:?}");
    assert!(text(2).contains("SHIPMENT_COUNT_EXCEEDED"), "{answers:?}");
    assert_verifies(Arc::into_inner(service).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_another_node_the_shipment_is_held_as_well() {
    // The embedded database has one node; several share a server.
    if !super::support::on_postgres() {
        return;
    }
    let service = start();
    service.issue_sample(50_000, "single").await;
    let dir = TempDir::new().unwrap();
    let url = super::support::database_url(service.dir.path());
    let other = open_on(dir.path(), "passavant.example/other", &service.clock, &url);
    let declaration = other_rifles("FR-B").to_string();
    let seen = other.verify(&officer(), declaration, None).await.unwrap();
    let seen: Value = serde_json::from_str(&seen.reply).unwrap();
    assert_eq!(seen["verdict"], "clear", "{seen}");
    reserved(&service, &sample_items("FR-A", &[0])).await;
    let id = seen["id"].as_str().unwrap().parse().unwrap();
    let once = once_of(&officer(), "other");
    let refused = other.release(&officer(), id, None, once).await.unwrap();
    assert!(is_refused(&refused) && refused.reply.contains("SHIPMENT_COUNT_EXCEEDED"));
    other.recorder.stop();
    assert_verifies(service);
}

#[tokio::test]
async fn a_post_that_was_given_the_shipment_has_it_item_after_item() {
    let centre = register();
    centre.issue_sample(10_000, "single").await;
    let serials: Vec<String> = (101..=150).map(|of| format!("VC000{of}")).collect();
    let lines = json!([
        {"line": 1, "quantity": "50", "serials": serials},
        {"line": 2, "quantity": "10000"}
    ]);
    set_aside_lines(&centre, "FRLEH", &lines).await.unwrap();
    let here = centre.verify(&sample_items("FR-B", &[1])).await;
    assert!(codes(&here).contains(&"SHIPMENT_COUNT_EXCEEDED"), "{here}");
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&sample_items("FR-A", &[0])).await);
    assert!(post.releases(&sample_items("FR-A", &[1])).await);
    let replies = post.giving_up().bring_back(&centre).await;
    let conflicts: u64 = replies.iter().map(|reply| reply.conflicts).sum();
    assert_eq!(conflicts, 0, "{replies:?}");
    assert_eq!(drawn(&centre).await, figures(1, "2", "5000"));
    assert_verifies(centre);
}
