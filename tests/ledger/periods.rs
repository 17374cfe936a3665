//! The period for the proof of receipt: from the exit, by the law of the day, rolled to a working day.
use super::harness::*;
use passavant::app::receipting::Asked;
use serde_json::Value;
use serde_json::json;

/// Releases cartridges on a day and lets them leave; gives when the receipt is due.
async fn due_after(day: &str) -> Value {
    let (service, _) = exported_on(day, |declaration| {
        let mut item = declaration["items"][1].clone();
        item["item"] = json!(1);
        declaration["items"] = json!([item]);
    })
    .await;
    let receipts =
        service.app.receipts(&authority("FR"), Asked::default(), false, 0, 10).await.unwrap().0;
    serde_json::to_value(&receipts[0]).unwrap()["due_at"].clone()
}

#[tokio::test]
async fn the_receipt_is_due_on_the_first_working_day_from_the_forty_fifth_after_the_exit() {
    assert_eq!(due_after("2026-11-23").await, Value::Null, "on request only");
    // Thursday 1 March 2029 and 45 days is Sunday 15 April: the Monday after it, to its last hour in Paris.
    assert_eq!(due_after("2029-03-01").await, "2029-04-16T21:59:59.999Z");
}
