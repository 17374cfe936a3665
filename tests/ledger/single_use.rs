//! A licence for one shipment and a declaration whose items are released one after the other (UCC 194(2)):
//! they are one shipment, counted once, and another declaration is another one.
use super::harness::*;
use super::trail::assert_verifies;
use serde_json::Value;
use serde_json::json;

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
