//! Goods that go out and come back, and what may not ride on that: each movement covers what it let
//! through, the other way, once.
use super::harness::*;
use super::trail::assert_verifies;
use super::way_back;
use super::way_back::turn_round;
use passavant::app::Error;
use serde_json::Value;
use serde_json::json;

/// Items of the sample under a reference that is not their consignment's.
fn goods(reference: &str, items: &[usize]) -> Value {
    let mut declaration = sample_items(reference, items);
    declaration.as_object_mut().unwrap().remove("ucr");
    declaration
}

fn rounds(reference: &str, rounds: u32) -> Value {
    let mut declaration = goods(reference, &[1]);
    declaration["items"][0]["quantity"] = json!(rounds.to_string());
    declaration["items"][0]["unit"] = json!("C62");
    declaration
}

/// Goods that move without a licence, since they return to what a reference let through.
fn returning(mut declaration: Value, outward: &str) -> Value {
    for item in declaration["items"].as_array_mut().unwrap() {
        item["licences"] = json!([]);
        item["exemption"] = json!("EFP 1");
    }
    declaration["temporary"] =
        json!({"purpose": "hunting", "evidence": "invitation 7", "outward_reference": outward});
    declaration
}

/// The same goods on their way into France.
fn inward(mut declaration: Value) -> Value {
    declaration["movement"] = json!("import");
    turn_round(&mut declaration);
    declaration["route"] = json!([]);
    declaration
}

/// Insists that goods are held by each of these codes, and not released.
async fn held(service: &Service, declaration: &Value, codes: &[&str]) {
    let verification = service.verify(declaration).await;
    assert_eq!(verification["verdict"], "hold", "{verification}");
    for code in codes {
        assert!(verification.to_string().contains(code), "{code}: {verification}");
    }
    let key = verification["id"].as_str().unwrap();
    assert!(is_refused(&service.release(&verification, key).await.unwrap()));
}

const NO_FIRST_MOVEMENT: [&str; 2] = ["LICENCE_REFERENCE_MISSING", "TEMPORARY_GOODS_DIFFER"];

#[tokio::test]
async fn a_movement_covers_none_of_its_own_kind_and_a_return_covers_nothing() {
    let service = with_papers().await;
    service.released(&rounds("FR-A", 1000)).await;
    let again = returning(rounds("FR-B", 1000), "FR-A");
    held(&service, &again, &NO_FIRST_MOVEMENT).await;
    service.released(&inward(returning(rounds("FR-C", 1000), "FR-A"))).await;
    // What came back has come in, but it did not come in for a time.
    held(&service, &returning(rounds("FR-D", 1000), "FR-C"), &NO_FIRST_MOVEMENT).await;
    held(&service, &inward(returning(rounds("FR-E", 1000), "FR-C")), &NO_FIRST_MOVEMENT).await;
    assert_verifies(service);
}

#[tokio::test]
async fn only_what_came_in_for_a_time_leaves_again_as_a_return() {
    let service = with_papers().await;
    let mut in_for_good = inward(goods("FR-IN-1", &[0]));
    in_for_good["items"][0]["licences"] = json!([{"number": way_back::EXPORT_BACK, "line": 1}, {"number": way_back::IMPORT_BACK, "line": 1}]);
    let marks = |serials: [&str; 2]| {
        json!(serials.map(|serial| json!({"serial": serial, "import_country": "FR"})))
    };
    in_for_good["items"][0]["marks"] = marks(["VC000101", "VC000102"]);
    let mut for_a_time = in_for_good.clone();
    for_a_time["reference"]["value"] = json!("FR-IN-2");
    for_a_time["items"][0]["serials"] = json!(["VC000103", "VC000104"]);
    for_a_time["items"][0]["marks"] = marks(["VC000103", "VC000104"]);
    for_a_time["temporary"] = json!({"purpose": "exhibition", "evidence": "invitation 8"});
    // Said to be for a time, under licences that are for good.
    let mut as_said = for_a_time.clone();
    as_said["reference"]["value"] = json!("FR-IN-3");
    as_said["items"][0]["serials"] = json!(["VC000105", "VC000106"]);
    as_said["items"][0]["marks"] = marks(["VC000105", "VC000106"]);
    for_a_time["items"][0]["licences"] = json!([{"number": "KE-EXP-2026-000002", "line": 1}, {"number": "FR-IMP-2026-000002", "line": 1}]);
    for licence in way_back::papers_for_a_time(today()) {
        service.issue(&licence).await.unwrap();
    }
    for goods in [&in_for_good, &for_a_time, &as_said] {
        service.released(goods).await;
    }
    held(&service, &returning(goods("FR-OUT-1", &[0]), "FR-IN-1"), &NO_FIRST_MOVEMENT).await;
    let out = |reference: &str, outward: &str, serials: [&str; 2]| {
        let mut out = returning(goods(reference, &[0]), outward);
        out["items"][0]["serials"] = json!(serials);
        out
    };
    let said = out("FR-OUT-2", "FR-IN-3", ["VC000105", "VC000106"]);
    held(&service, &said, &NO_FIRST_MOVEMENT).await;
    let home = out("FR-OUT-3", "FR-IN-2", ["VC000103", "VC000104"]);
    let mut elsewhere = home.clone();
    elsewhere["country_of_import"] = json!("UG");
    held(&service, &elsewhere, &NO_FIRST_MOVEMENT).await;
    let mut to_another = home.clone();
    let another = json!({"id": "KE0099999999", "name": "Coast Freight Handlers Ltd"});
    to_another["consignee"] = another.clone();
    to_another["final_recipient"] = another;
    let verification = service.verify(&to_another).await;
    assert!(verification.to_string().contains("TEMPORARY_PERSON_DIFFERS"), "{verification}");
    service.released(&home).await;
    let again = out("FR-OUT-4", "FR-IN-2", ["VC000103", "VC000104"]);
    held(&service, &again, &["TEMPORARY_GOODS_DIFFER"]).await;
    assert_verifies(service);
}

#[tokio::test]
async fn what_went_out_comes_back_in_parts_and_never_twice() {
    let service = with_papers().await;
    let out = service.released(&rounds("FR-A", 1000)).await;
    // The outward movement turns out to have been larger, and smaller again.
    let by = officer();
    let amended = |rounds_out: u32| {
        let declaration = rounds("FR-A", rounds_out).to_string();
        service.app.amend_release(&by, out, declaration, "counted again".into(), None, None)
    };
    amended(1500).await.unwrap();
    amended(1000).await.unwrap();
    let first = service.released(&inward(returning(rounds("FR-B1", 600), "FR-A"))).await;
    let too_much = inward(returning(rounds("FR-B2", 401), "FR-A"));
    held(&service, &too_much, &["TEMPORARY_GOODS_DIFFER"]).await;
    assert!(matches!(amended(1500).await, Err(Error::Stale(_))), "a return rests on it");
    let rest = service.released(&inward(returning(rounds("FR-B3", 400), "FR-A"))).await;
    let once_more = inward(returning(rounds("FR-B4", 600), "FR-A"));
    held(&service, &once_more, &["TEMPORARY_GOODS_DIFFER"]).await;
    let undo =
        async |release| service.app.reverse(&officer(), release, "a test".into(), None, None).await;
    undo(first).await.unwrap();
    let once_more = service.released(&once_more).await;
    // Nothing went out by what is undone: the register knows of no first movement, and a person decides.
    assert!(matches!(undo(out).await, Err(Error::Stale(_))), "it has come back");
    for release in [rest, once_more, out] {
        undo(release).await.unwrap();
    }
    let verification = service.verify(&inward(returning(rounds("FR-B5", 1), "FR-A"))).await;
    assert_eq!(verification["verdict"], "refer", "{verification}");
    assert_verifies(service);
}

#[tokio::test]
async fn what_was_released_item_by_item_under_one_number_comes_back_together() {
    let service = with_papers().await;
    service.released(&goods("FR-A", &[0])).await;
    service.released(&goods("FR-A", &[1])).await;
    service.released(&inward(returning(goods("FR-B", &[0, 1]), "FR-A"))).await;
    assert_verifies(service);
}

#[tokio::test]
async fn nothing_that_did_not_go_out_rides_on_a_return() {
    let service = with_papers().await;
    service.released(&goods("FR-A", &[0, 1])).await;
    let back = inward(returning(goods("FR-B", &[0, 1]), "FR-A"));
    let item = |of: Value| {
        let mut with = back.clone();
        let mut item = json!({"item": 3, "unit": "C62", "licences": [], "exemption": "EFP 1",
            "make": "Verney-Carron", "country_of_manufacture": "FR"});
        item.as_object_mut().unwrap().extend(of.as_object().unwrap().clone());
        with["items"].as_array_mut().unwrap().push(item);
        with
    };
    let barrels = item(json!({"category": "part", "part": "barrel", "hs": "930520",
        "description": "Barrels", "quantity": "500"}));
    let primers = item(json!({"category": "ammunition_component", "hs": "930629",
        "description": "Cases", "quantity": "10000"}));
    let firearms = item(json!({"category": "firearm", "hs": "930330", "description": "Rifles",
        "quantity": "2", "alternative_markings": ["FR-X-1", "FR-X-2"]}));
    let mut unmarked = back.clone();
    unmarked["items"][0]["quantity"] = json!("3");
    let described = |item: usize, field: &str, what: &str| {
        let mut other = back.clone();
        other["items"][item][field] = json!(what);
        other
    };
    let other_rifles = described(0, "country_of_manufacture", "RS");
    let other_rounds = described(1, "calibre", ".308 Win");
    for more in [barrels, primers, firearms, unmarked, other_rifles, other_rounds] {
        held(&service, &more, &["TEMPORARY_GOODS_DIFFER"]).await;
    }
    service.released(&back).await;
    assert_verifies(service);
}
