//! Parts that leave one declaration after the other and make up firearms together (rule 76).
use super::harness::*;
use super::trail::assert_verifies;
use serde_json::Value;
use serde_json::json;

/// A service whose licences are for rifle parts.
async fn with_parts() -> Service {
    let service = start();
    for licence in &mut sample(100, "multiple") {
        let line = &mut licence["lines"][0];
        line["category"] = json!("part");
        line["hs"] = json!("930520");
        line["serials"] = json!([]);
        service.issue(licence).await.unwrap();
    }
    service
}

/// Two parts of a kind under a reference, of the sample's consignment.
fn two(reference: &str, part: &str) -> Value {
    let mut declaration = sample_items(reference, &[0]);
    let item = &mut declaration["items"][0];
    item["category"] = json!("part");
    item["part"] = json!(part);
    item["hs"] = json!("930520");
    item["quantity"] = json!("2");
    item["serials"] = json!([]);
    declaration
}

#[tokio::test]
async fn parts_that_leave_one_after_the_other_under_one_ucr_count_together() {
    let service = with_parts().await;
    let frames = service.verify(&two("FR-P1", "frame_or_receiver")).await;
    let barrels = service.verify(&two("FR-P2", "barrel")).await;
    let bolts = service.verify(&two("FR-P3", "bolt_or_breech_block")).await;
    for cleared in [&frames, &barrels, &bolts] {
        assert_eq!(cleared["verdict"], "clear", "{cleared}");
    }
    let first = service.release(&frames, "1").await.unwrap();
    assert!(!is_refused(&first) && !is_refused(&service.release(&barrels, "2").await.unwrap()));
    // What was cleared before the others left makes them complete now.
    let third = service.release(&bolts, "3").await.unwrap();
    assert!(is_refused(&third) && third.reply.contains("COMPLETE_FIREARM_AS_PARTS"));
    let again = service.verify(&two("FR-P3", "bolt_or_breech_block")).await;
    assert_eq!(again["verdict"], "refer", "{again}");
    let mut of_another = two("FR-P4", "bolt_or_breech_block");
    of_another["ucr"] = json!("6FR12345678901234-OTHER");
    service.released(&of_another).await;
    // Without the frames nothing is complete.
    let first: Value = serde_json::from_str(&first.reply).unwrap();
    let first = first["id"].as_str().unwrap().parse().unwrap();
    service.app.reverse(&officer(), first, "a test".into(), None, None).await.unwrap();
    service.released(&two("FR-P5", "bolt_or_breech_block")).await;
    assert_verifies(service);
}
