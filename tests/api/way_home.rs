//! A return goes back: over HTTP, to who sent it and from where it went.
use super::harness::*;
use super::way_back;
use serde_json::Value;
use serde_json::json;

/// Two rifles of the sample under a reference of their own, without their consignment.
fn rifles(reference: &str) -> Value {
    let mut declaration = sample("clear");
    declaration.as_object_mut().unwrap().remove("ucr");
    declaration["items"].as_array_mut().unwrap().truncate(1);
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

/// The same on their way back without a licence, as the return of what a reference let through.
fn returning(reference: &str, outward: &str) -> Value {
    let mut declaration = rifles(reference);
    declaration["items"][0]["licences"] = json!([]);
    declaration["items"][0]["exemption"] = json!("EFP 1");
    declaration["temporary"] =
        json!({"purpose": "hunting", "evidence": "invitation 7", "outward_reference": outward});
    declaration
}

fn inward(mut declaration: Value) -> Value {
    declaration["movement"] = json!("import");
    declaration["route"] = json!([]);
    way_back::turn_round(&mut declaration);
    declaration
}

async fn found(service: &Service, declaration: &Value, verdict: &str, expected: &[&str]) {
    let verification = service.verify(declaration).await.json();
    assert_eq!(verification["verdict"], verdict, "{verification}");
    for code in expected {
        assert!(codes(&verification).contains(code), "{code}: {verification}");
    }
    let body = json!({"verification": verification["id"]});
    let key = verification["id"].as_str().unwrap();
    let refused = service.post_once("/v1/releases", &token("FR", "officer"), key, &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
}

#[tokio::test]
async fn what_was_sold_does_not_come_back_to_a_stranger_or_from_elsewhere() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.release(&rifles("FR-A"), "a").await.status, 201);
    let back = inward(returning("FR-B", "FR-A"));
    let mut stranger = back.clone();
    let party = json!({"id": "FR66666666600066", "name": "Another"});
    stranger["exporter"] = back["consignee"].clone();
    stranger["consignee"] = party.clone();
    stranger["final_recipient"] = party;
    found(&service, &stranger, "refer", &["TEMPORARY_PERSON_DIFFERS"]).await;
    let mut elsewhere = back.clone();
    elsewhere["country_of_export"] = json!("UG");
    found(&service, &elsewhere, "refer", &["TEMPORARY_GOODS_DIFFER"]).await;
    let released = service.release(&back, "b").await;
    assert_eq!(released.status, 201, "{}", released.text);
}

#[tokio::test]
async fn what_came_in_for_a_time_goes_back_to_who_sent_it() {
    let service = start();
    for licence in way_back::papers_for_a_time(today()).into_iter().chain(way_back::papers(today()))
    {
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        let issued = service.post("/v1/licences", &token(&state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let incoming = |reference: &str, papers: &str, serials: [&str; 2]| {
        let mut declaration = inward(rifles(reference));
        let goods = &mut declaration["items"][0];
        goods["serials"] = json!(serials);
        goods["marks"] = json!(serials.map(|of| json!({"serial": of, "import_country": "FR"})));
        goods["licences"] = json!([{"number": format!("KE-EXP-2026-{papers}"), "line": 1},
            {"number": format!("FR-IMP-2026-{papers}"), "line": 1}]);
        declaration["temporary"] = json!({"purpose": "exhibition", "evidence": "invitation 8"});
        declaration
    };
    let for_a_time = incoming("FR-IN-1", "000002", ["VC000101", "VC000102"]);
    let for_good = incoming("FR-IN-2", "000001", ["VC000103", "VC000104"]);
    for (declaration, key) in [(&for_a_time, "1"), (&for_good, "2")] {
        let released = service.release(declaration, key).await;
        assert_eq!(released.status, 201, "{}", released.text);
    }
    let home = returning("FR-OUT-1", "FR-IN-1");
    let no_return = ["LICENCE_REFERENCE_MISSING", "TEMPORARY_GOODS_DIFFER"];
    let mut elsewhere = home.clone();
    elsewhere["country_of_import"] = json!("UG");
    found(&service, &elsewhere, "hold", &no_return).await;
    let mut under_licences_for_good = returning("FR-OUT-2", "FR-IN-2");
    under_licences_for_good["items"][0]["serials"] = json!(["VC000103", "VC000104"]);
    found(&service, &under_licences_for_good, "hold", &no_return).await;
    let mut to_another = home.clone();
    let another = json!({"id": "KE0099999999", "name": "Coast Freight Handlers Ltd"});
    to_another["consignee"] = another.clone();
    to_another["final_recipient"] = another;
    found(&service, &to_another, "refer", &["TEMPORARY_PERSON_DIFFERS"]).await;
    let released = service.release(&home, "home").await;
    assert_eq!(released.status, 201, "{}", released.text);
}
