//! Goods let through for a time: by when they come back, what ends the wait, and who is told otherwise.
use super::harness::*;
use super::way_back;
use super::way_back::EXPORT_BACK;
use super::way_back::IMPORT_BACK;
use super::way_back::turn_round;
use passavant::app::Caller;
use passavant::app::alerts::Query;
use passavant::demo;
use serde_json::Value;
use serde_json::json;

const OUT: &str = "FR-OUT-1";
/// The last instant of 24 months after the day of the samples, and the first one after it.
const LAST: &str = "2028-11-23T22:59:59Z";
const OVER: &str = "2028-11-23T23:00:00Z";

/// Two rifles and cartridges that go out to hunt.
fn outward() -> Value {
    let mut declaration = demo::declarations(today()).remove(0).declaration;
    declaration["reference"] = json!({"type": "national", "value": OUT});
    declaration["temporary"] = json!({"purpose": "hunting", "evidence": "invitation 7"});
    declaration
}

/// The way back of some of them, under a reference of its own.
fn back(reference: &str, serials: &[&str]) -> Value {
    let mut declaration = outward();
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration["movement"] = json!("import");
    declaration["temporary"]["outward_reference"] = json!(OUT);
    turn_round(&mut declaration);
    let mut item = declaration["items"][0].clone();
    item["serials"] = json!(serials);
    item["quantity"] = json!(serials.len().to_string());
    item["licences"] =
        json!([{"number": EXPORT_BACK, "line": 1}, {"number": IMPORT_BACK, "line": 1}]);
    declaration["items"] = json!([item]);
    declaration
}

async fn told(service: &Service, caller: &Caller) -> usize {
    let page = service.app.alerts(caller, Query::default(), 1000).await.unwrap();
    let alerts = page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap());
    alerts
        .filter(|alert| alert["kind"] == "overstay")
        .inspect(|alert| assert_eq!(alert["codes"], json!(["TEMPORARY_OVERSTAY"])))
        .count()
}

/// What the post and the authority are told at an instant.
async fn told_at(service: &Service, now: &str) -> (usize, usize) {
    let before = passavant::clock::Clock::now(&service.clock);
    service.clock.set(now.parse().unwrap());
    while service.app.escalate_due().await.unwrap() {}
    service.clock.set(before);
    (told(service, &officer()).await, told(service, &authority("FR")).await)
}

#[tokio::test]
async fn goods_that_do_not_come_back_in_time_are_put_before_post_and_authority_once() {
    let service = with_papers().await;
    service.released(&outward()).await;
    assert_eq!(told_at(&service, LAST).await, (0, 0), "the last day is in time");
    for _ in 0..2 {
        assert_eq!(told_at(&service, OVER).await, (1, 1));
    }
    let service = with_papers().await;
    let mut for_good = outward();
    for_good.as_object_mut().unwrap().remove("temporary");
    service.released(&for_good).await;
    assert_eq!(told_at(&service, OVER).await, (0, 0), "what was exported for good stays out");
}

#[tokio::test]
async fn the_last_firearm_to_come_back_ends_the_wait_and_its_reversal_takes_it_up_again() {
    let service = with_papers().await;
    service.released(&outward()).await;
    service
        .override_it(&service.verify(&back("FR-BACK-1", &["VC000101"])).await, "b1")
        .await
        .unwrap();
    let last = service.released(&back("FR-BACK-2", &["VC000102"])).await;
    assert_eq!(told_at(&service, OVER).await, (0, 0), "both are back");
    service.app.reverse(&officer(), last, "a test".into(), None, None).await.unwrap();
    assert_eq!(told_at(&service, OVER).await, (1, 1), "one is out after all");
}

#[tokio::test]
async fn what_is_reversed_was_never_out() {
    let service = with_papers().await;
    let release = service.released(&outward()).await;
    service.app.reverse(&officer(), release, "a test".into(), None, None).await.unwrap();
    assert_eq!(told_at(&service, OVER).await, (0, 0));
}

#[tokio::test]
async fn firearms_known_by_an_alternative_marking_are_waited_for_like_others() {
    let service = start();
    for mut licence in demo::licences(today()).into_iter().chain(way_back::papers(today())) {
        licence["lines"][0].as_object_mut().unwrap().remove("serials");
        service.issue(&licence).await.unwrap();
    }
    let marked = |mut declaration: Value, marks: &[&str]| {
        declaration["items"][0]["serials"] = json!([]);
        declaration["items"][0]["quantity"] = json!(marks.len().to_string());
        declaration["items"][0]["alternative_markings"] = json!(marks);
        declaration
    };
    service.released(&marked(outward(), &["FR 17-0001", "FR 17-0002"])).await;
    let strange = marked(back("FR-BACK-0", &[]), &["FR 17-0001", "FR 17-0003"]);
    let verdict = service.verify(&strange).await;
    assert_eq!(verdict["verdict"], "hold", "{verdict}");
    assert!(verdict.to_string().contains("TEMPORARY_GOODS_DIFFER"), "{verdict}");
    let first = marked(back("FR-BACK-1", &[]), &["FR 17-0001"]);
    service.override_it(&service.verify(&first).await, "b1").await.unwrap();
    assert_eq!(told_at(&service, OVER).await, (1, 1), "one is still out");
    let last = marked(back("FR-BACK-2", &[]), &["FR 17-0002"]);
    assert_eq!(service.verify(&last).await["verdict"], "clear");
}
