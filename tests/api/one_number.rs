//! One declaration under one number: its items may be let through one after the other, in one customs territory, and
//! nothing else under it.
use super::harness::*;
use super::support;
use super::way_back;
use passavant::app::audit_verify;
use passavant::storage;
use serde_json::Value;
use serde_json::json;

async fn verified(service: &Service, state: &str, declaration: &Value) -> Value {
    let body = json!({"declaration": declaration});
    service.post("/v1/verifications", &token(state, "officer"), &body).await.json()
}

async fn let_through(service: &Service, state: &str, declaration: &Value) {
    let verification = verified(service, state, declaration).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    let (officer, id) = (token(state, "officer"), verification["id"].as_str().unwrap());
    let body = json!({"verification": id});
    let released = service.post_once("/v1/releases", &officer, id, &body).await;
    assert_eq!(released.status, 201, "{}", released.text);
}

fn found(verification: &Value, verdict: &str, expected: &[&str]) {
    assert_eq!(verification["verdict"], verdict, "{verification}");
    for code in expected {
        assert!(codes(verification).contains(code), "{code}: {verification}");
    }
}

/// One item of the sample.
fn item(index: usize) -> Value {
    let mut declaration = sample("clear");
    declaration["items"] = json!([declaration["items"][index]]);
    declaration
}

#[tokio::test]
async fn only_items_of_the_declaration_that_was_accepted_follow_under_its_number() {
    let service = start();
    for mut licence in passavant::demo::licences(today()) {
        licence["use"] = json!("single");
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        let issued = service.post("/v1/licences", &token(&state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let_through(&service, "FR", &item(0)).await;
    let further = item(1);
    let with = |path: &str, value: Value| {
        let mut other = further.clone();
        *other.pointer_mut(path).unwrap() = value;
        other
    };
    let mut untied = further.clone();
    untied.as_object_mut().unwrap().remove("ucr");
    let mut changed = sample("clear");
    changed["items"][0]["serials"] = json!(["VC000103", "VC000104"]);
    for other in [
        with("/accepted_at", json!(format!("{}T00:00:30+01:00", today()))),
        with("/carrier/vehicle", json!("AB-123-CD")),
        with("/final_recipient", json!({"id": "KE0051234567", "name": "Savannah"})),
        untied,
        changed,
    ] {
        let verification = verified(&service, "FR", &other).await;
        found(&verification, "hold", &["MRN_ALREADY_USED", "SHIPMENT_COUNT_EXCEEDED"]);
    }
    let again =
        verified(&service, "FR", &with("/exporter/name", json!("ARMURERIE DU RHONE"))).await;
    assert!(!codes(&again).contains(&"MRN_ALREADY_USED"), "the same party: {again}");
    let_through(&service, "FR", &further).await;
}

#[tokio::test]
async fn the_same_goods_numbered_anew_are_put_before_a_person() {
    let service = start();
    service.issue_sample().await;
    let_through(&service, "FR", &cartridges("FR-1", "1000")).await;
    let mut anew = cartridges("FR-1", "1000");
    anew["items"][0]["item"] = json!(3);
    let refused = verified(&service, "FR", &anew).await;
    found(&refused, "refer", &["MRN_ALREADY_USED"]);
    let body = json!({"verification": refused["id"]});
    let refused = service.post_once("/v1/releases", &token("FR", "officer"), "k", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    anew["items"][0]["quantity"] = json!("900");
    let_through(&service, "FR", &anew).await;
}

/// A hunter's rounds without a licence, as an item of one declaration.
fn rounds(item: u32, rounds: &str) -> Value {
    let mut declaration = sample("clear");
    declaration.as_object_mut().unwrap().remove("ucr");
    declaration["route"] = json!([]);
    for party in ["consignee", "final_recipient"] {
        declaration[party] = declaration["exporter"].clone();
    }
    let goods = &mut declaration["items"];
    *goods = json!([goods[1]]);
    goods[0]["item"] = json!(item);
    goods[0]["quantity"] = json!(rounds);
    goods[0]["unit"] = json!("C62");
    goods[0]["licences"] = json!([]);
    goods[0]["exemption"] = json!("art. 9");
    goods[0]["lots"][0]["number"] = json!(format!("NS-{item}"));
    declaration["temporary"] = json!({"purpose": "hunting", "evidence": "Invitation", "person": "FR-P-1",
        "personal_effects": "hunter"});
    declaration
}

#[tokio::test]
async fn a_hunter_s_rounds_count_together_however_they_are_presented() {
    let service = start();
    let_through(&service, "FR", &rounds(1, "500")).await;
    let_through(&service, "FR", &rounds(2, "300")).await;
    let verification = verified(&service, "FR", &rounds(3, "1")).await;
    found(&verification, "hold", &["PERSONAL_AMMUNITION_LIMIT"]);
    assert!(verification.to_string().contains("801 rounds"), "{verification}");
    let mut other = rounds(3, "800");
    other["reference"] = json!({"type": "national", "value": "FR-OTHER"});
    let_through(&service, "FR", &other).await;
}

#[tokio::test]
async fn parts_of_one_declaration_count_together_however_they_are_presented() {
    let service = start();
    for mut licence in passavant::demo::licences(today()) {
        let line = licence["lines"][0].as_object_mut().unwrap();
        line.insert("category".into(), json!("part"));
        line.insert("hs".into(), json!("930520"));
        line.remove("serials");
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        let issued = service.post("/v1/licences", &token(&state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let part = |number: u32, part: &str| {
        let mut declaration = item(0);
        declaration.as_object_mut().unwrap().remove("ucr");
        let goods = &mut declaration["items"][0];
        goods["item"] = json!(number);
        goods["category"] = json!("part");
        goods["part"] = json!(part);
        goods["hs"] = json!("930520");
        goods["serials"] = json!([]);
        declaration
    };
    let_through(&service, "FR", &part(1, "frame_or_receiver")).await;
    let_through(&service, "FR", &part(2, "barrel")).await;
    let third = verified(&service, "FR", &part(3, "bolt_or_breech_block")).await;
    found(&third, "refer", &["COMPLETE_FIREARM_AS_PARTS"]);
    let mut other = part(3, "bolt_or_breech_block");
    other["reference"] = json!({"type": "national", "value": "FR-OTHER"});
    let_through(&service, "FR", &other).await;
}

#[tokio::test]
async fn what_one_member_state_released_is_released_for_the_others() {
    let service = start();
    service.issue_sample().await;
    let_through(&service, "FR", &item(0)).await;
    let mut elsewhere = item(0);
    elsewhere["border_post"] = json!("DEHAM");
    let again = verified(&service, "DE", &elsewhere).await;
    found(&again, "hold", &["MRN_ALREADY_USED"]);
    // Under other papers, that State's business stays its own.
    elsewhere["reference"] = json!({"type": "national", "value": "DE-1"});
    elsewhere["ucr"] = json!("6DE12345678901234-X");
    elsewhere["items"][0]["licences"] = json!([]);
    let again = verified(&service, "DE", &elsewhere).await;
    found(&again, "hold", &["SERIAL_ALREADY_MOVED"]);
    let told = again["findings"].as_array().unwrap();
    let told = told.iter().find(|found| found["code"] == "SERIAL_ALREADY_MOVED").unwrap();
    assert!(!told.to_string().contains(EXPORT), "{told}");
    // A national number is each State's own, and Kenya is no Member State.
    let_through(&service, "FR", &cartridges("FR-1", "10")).await;
    let mut national = cartridges("FR-1", "10");
    national["border_post"] = json!("DEHAM");
    let own = verified(&service, "DE", &national).await;
    assert!(!codes(&own).contains(&"MRN_ALREADY_USED"), "{own}");
    let mut abroad = item(0);
    abroad["border_post"] = json!("KEMBA");
    let own = verified(&service, "KE", &abroad).await;
    assert!(!codes(&own).contains(&"MRN_ALREADY_USED"), "{own}");
    assert!(!codes(&own).contains(&"SERIAL_ALREADY_MOVED"), "{own}");
}

/// A hunter's rifle without a licence.
fn hunting(reference: &str) -> Value {
    let mut declaration = rounds(1, "1");
    declaration["items"] = item(0)["items"].clone();
    declaration["items"][0]["licences"] = json!([]);
    declaration["items"][0]["exemption"] = json!("art. 9");
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

#[tokio::test]
async fn who_left_through_one_member_state_returns_through_another() {
    let service = start();
    let_through(&service, "FR", &hunting("FR-OUT")).await;
    let mut back = hunting("DE-BACK");
    back["movement"] = json!("import");
    back["border_post"] = json!("DEHAM");
    way_back::turn_round(&mut back);
    back["temporary"]["outward_reference"] = json!("FR-OUT");
    let_through(&service, "DE", &back).await;
    // It has come back for the State that it left as well, and not twice.
    back["reference"]["value"] = json!("DE-AGAIN");
    let twice = verified(&service, "DE", &back).await;
    found(&twice, "hold", &["TEMPORARY_GOODS_DIFFER", "SERIAL_ALREADY_MOVED"]);
    let_through(&service, "FR", &hunting("FR-OUT-2")).await;
    // And the register fits its trail.
    let settings = support::postgres::settings(&service.database_url);
    let mut db = storage::open(&settings, storage::Use::Write).unwrap();
    let reports = audit_verify::verify(&mut db, |_, _| {}).unwrap();
    assert!(reports.iter().all(|report| report.fault.is_none()), "{reports:?}");
}
