//! The trail of a single firearm, and what is reported of it.
use super::consignments::*;
use super::harness::*;
use super::way_back;
use super::way_back::EXPORT_BACK;
use super::way_back::IMPORT_BACK;
use super::way_back::turn_round;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

const RIFLE: &str = "serial=VC000101&make=Verney-Carron&model=Impact&country=FR";

async fn trail(service: &Service, state: &str, query: &str) -> Value {
    let answer = service.get(&format!("/v1/serials?{query}"), &token(state, "authority")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn kinds_of(trail: &Value) -> Vec<&str> {
    trail["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect()
}

fn report(what: &str) -> Value {
    json!({"report": what, "serial": "vc-000101", "make": "VERNEY CARRON", "reference": "PV-2026-77"})
}

#[tokio::test]
async fn a_firearm_is_followed_from_its_licence_to_its_arrival_in_one_query() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    let arrival = json!({"ucr": ucr(), "border_post": "KEMBA", "arrived_at": now(), "items": [
        {"category": "firearm", "quantity": "1", "unit": "C62", "serials": ["VC000101"]}]});
    let arrived = service.post("/v1/arrivals", &token("KE", "officer"), &arrival).await;
    assert_eq!(arrived.status, 201, "{}", arrived.text);
    for state in ["FR", "KE"] {
        let seen = trail(&service, state, RIFLE).await;
        assert_eq!(
            kinds_of(&seen),
            ["licensed", "licensed", "released", "left", "arrived"],
            "{seen}"
        );
        assert_eq!(seen["items"][2]["id"], json!(release));
        assert_eq!(seen["items"][4]["border_post"], "KEMBA");
    }
    assert_eq!(kinds_of(&trail(&service, "DE", RIFLE).await), Vec::<&str>::new());
    let other = "serial=VC000101&make=Blaser";
    assert_eq!(kinds_of(&trail(&service, "FR", other).await), Vec::<&str>::new());
    let untouched = trail(&service, "FR", "serial=VC000120").await;
    assert_eq!(kinds_of(&untouched), ["licensed", "licensed"]);
    for (bad, name) in [
        ("", "?serial"),
        ("make=x", "?serial"),
        ("serial=-", "?serial"),
        ("serial=A1&colour=red", "?colour"),
        ("serial=A1&country=fr", "?country"),
    ] {
        let refused = service.get(&format!("/v1/serials?{bad}"), &token("FR", "officer")).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["path"]), (400, &json!(name)));
    }
}

#[tokio::test]
async fn a_stolen_firearm_holds_at_every_border_until_it_is_found() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.verify(&sample("clear")).await.json()["verdict"], "clear");
    let stolen =
        service.post("/v1/serials/reports", &token("DE", "authority"), &report("stolen")).await;
    assert_eq!(stolen.status, 201, "{}", stolen.text);
    let held = service.verify(&sample("clear")).await.json();
    assert_eq!(
        (codes(&held), held["verdict"].as_str()),
        (vec!["SERIAL_REPORTED_SOUGHT"], Some("hold"))
    );
    assert!(held["findings"][0]["message"].as_str().unwrap().contains("PV-2026-77"), "{held}");
    let seen = trail(&service, "DE", RIFLE).await;
    assert_eq!((kinds_of(&seen), &seen["reported"]), (vec!["stolen"], &json!(["stolen"])));
    let refused = service.release(&sample("clear"), "k").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let by_another =
        service.post("/v1/serials/reports", &token("KE", "officer"), &report("found")).await;
    assert_eq!(by_another.status, 201);
    assert_eq!(
        service.verify(&sample("clear")).await.json()["verdict"],
        "hold",
        "it is Germany's word"
    );
    service.post("/v1/serials/reports", &token("DE", "officer"), &report("found")).await;
    assert_eq!(service.verify(&sample("clear")).await.json()["verdict"], "clear");
    assert_eq!(service.release(&sample("clear"), "k2").await.status, 201);
}

#[tokio::test]
async fn a_marking_of_symbols_and_a_code_is_licensed_sought_and_read_on_arrival() {
    let service = start();
    for mut licence in passavant::demo::licences(today()) {
        licence["lines"][0]["serials"] = json!(["△◇ 1", "△◇ 2"]);
        let state = licence["issuing_state"].as_str().unwrap();
        let issued = service.post("/v1/licences", &token(state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let mut declaration = sample("clear");
    declaration["items"].as_array_mut().unwrap().truncate(1);
    declaration["items"][0]["quantity"] = json!("1");
    declaration["items"][0]["serials"] = json!([]);
    declaration["items"][0]["alternative_markings"] = json!(["△◇ 2"]);
    for quote in declaration["items"][0]["licences"].as_array_mut().unwrap() {
        quote.as_object_mut().unwrap().remove("quantity");
    }
    assert_eq!(service.verify(&declaration).await.json()["verdict"], "clear");
    let report = |what: &str| json!({"report": what, "serial": "△◇2", "reference": "PV-1"});
    let officer = token("FR", "officer");
    let stolen = service.post("/v1/serials/reports", &officer, &report("stolen")).await;
    assert_eq!(stolen.status, 201, "{}", stolen.text);
    assert_eq!(codes(&service.verify(&declaration).await.json()), ["SERIAL_REPORTED_SOUGHT"]);
    let found = service.post("/v1/serials/reports", &officer, &report("found")).await;
    assert_eq!(found.status, 201, "{}", found.text);
    let released = service.release(&declaration, "k").await;
    assert_eq!(released.status, 201, "{}", released.text);
    let release = released.json()["id"].as_str().unwrap().to_owned();
    service.post("/v1/exits", &officer, &exit_of(&release)).await;
    let arrival = json!({"ucr": ucr(), "border_post": "KEMBA", "arrived_at": now(), "final": true, "items": [
        {"category": "firearm", "quantity": "1", "unit": "C62", "serials": ["△◇ 2"]}]});
    let arrived = service.post("/v1/arrivals", &token("KE", "officer"), &arrival).await.json();
    assert_eq!(arrived["result"], "complete", "{arrived}");
    let seen = trail(&service, "KE", "serial=%E2%96%B3%E2%97%872").await;
    assert!(kinds_of(&seen).ends_with(&["released", "left", "arrived"]), "{seen}");
}

#[tokio::test]
async fn a_number_that_looks_like_a_reported_one_is_for_a_person() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    for (what, verdict) in [("stolen", "refer"), ("found", "clear")] {
        let report = json!({"report": what, "serial": "VCOOO1O1", "reference": "PV-1"});
        let reported = service.post("/v1/serials/reports", &officer, &report).await;
        assert_eq!(reported.status, 201, "{}", reported.text);
        let found = service.verify(&sample("clear")).await.json();
        assert_eq!(found["verdict"], verdict, "{found}");
        assert_eq!(codes(&found).contains(&"SERIAL_CONFUSABLE"), what == "stolen", "{found}");
    }
}

#[tokio::test]
async fn a_marking_that_cannot_be_read_off_is_refused_like_such_a_serial() {
    let service = start();
    let mut declaration = sample("clear");
    declaration["items"][0]["serials"] = json!(["VC000101", "-"]);
    declaration["items"][0]["alternative_markings"] = json!(["△ 7", "?", "..."]);
    let refused = service.verify(&declaration).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let refused = refused.json();
    let errors = refused["errors"].as_array().unwrap();
    let errors: Vec<(&str, &str)> = errors
        .iter()
        .map(|error| (error["path"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    let at = |list: &str, index: u8| format!("/declaration/items/0/{list}/{index}");
    assert_eq!(
        errors,
        [
            (&*at("serials", 1), "not_a_serial"),
            (&*at("alternative_markings", 1), "not_a_serial"),
            (&*at("alternative_markings", 2), "not_a_serial"),
        ]
    );
}

#[tokio::test]
async fn a_report_says_what_of_which_firearm_in_which_case() {
    let service = start();
    let officer = token("FR", "officer");
    let bad = json!({"report": "gone", "serial": "-", "border_post": "FRLEH"});
    let refused = service.post("/v1/serials/reports", &officer, &bad).await.json();
    let paths: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/report", "/serial", "/reference"]);
    let elsewhere =
        json!({"report": "lost", "serial": "A1", "reference": "1", "border_post": "KEMBA"});
    let refused = service.post("/v1/serials/reports", &officer, &elsewhere).await.json();
    assert_eq!(refused["errors"][0]["code"], "not_your_post");
}

#[tokio::test]
async fn a_firearm_that_had_come_and_leaves_again_is_re_exported() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    let arrival = json!({"ucr": ucr(), "border_post": "KEMBA", "arrived_at": now(), "items": [
        {"category": "firearm", "quantity": "1", "unit": "C62", "serials": ["VC000101"]}]});
    service.post("/v1/arrivals", &token("KE", "officer"), &arrival).await;
    for licence in way_back::papers(today()) {
        let state = licence["issuing_state"].as_str().unwrap();
        let issued = service.post("/v1/licences", &token(state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let mut back = sample("clear");
    back["reference"] = json!({"type": "national", "value": "KE-EX-1"});
    back["ucr"] = json!("6KE0051234567-BACK");
    back["border_post"] = json!("KEMBA");
    turn_round(&mut back);
    let mut item = back["items"][0].clone();
    item["quantity"] = json!("1");
    item["serials"] = json!(["VC000101"]);
    item["licences"] =
        json!([{"number": EXPORT_BACK, "line": 1}, {"number": IMPORT_BACK, "line": 1}]);
    back["items"] = json!([item]);
    let officer = token("KE", "officer");
    let body = json!({"declaration": back});
    let verification = service.post("/v1/verifications", &officer, &body).await.json();
    let body = json!({"verification": verification["id"]});
    let released = service.post_once("/v1/releases", &officer, "back", &body).await;
    assert_eq!(released.status, 201, "{}", released.text);
    for state in ["FR", "KE"] {
        let seen = trail(&service, state, RIFLE).await;
        let mut kinds = kinds_of(&seen);
        kinds.retain(|kind| *kind != "licensed");
        assert_eq!(kinds, ["released", "left", "arrived", "re_exported"], "{seen}");
    }
}

#[tokio::test]
async fn a_firearm_sought_since_today_is_held_however_it_is_marked_and_whenever_it_was_accepted() {
    let service = start();
    service.issue_sample().await;
    let mut lists: Value = serde_json::from_str(passavant::app::lists::BUILT_IN).unwrap();
    lists["sought"] =
        json!([{"serial": "VC000101", "reference": "IARMS-77", "from": today().to_string()}]);
    let authority = token("FR", "authority");
    let put =
        service.send(Method::PUT, "/v1/lists", &authority, &[], Some(lists.to_string())).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let mut accepted_before = sample("clear");
    let before = today().checked_sub(jiff::Span::new().days(2)).unwrap();
    accepted_before["accepted_at"] = json!(format!("{before}T10:00:00+01:00"));
    let mut marked_otherwise = sample("clear");
    marked_otherwise["items"][0]["serials"] = json!(["VC000102"]);
    marked_otherwise["items"][0]["alternative_markings"] = json!(["VC 000101"]);
    for (declaration, key) in [(accepted_before, "before"), (marked_otherwise, "marked")] {
        let held = service.verify(&declaration).await.json();
        assert_eq!(held["verdict"], "hold", "{key}: {held}");
        assert_eq!(codes(&held), ["SERIAL_REPORTED_SOUGHT"], "{key}");
        let refused = service.release(&declaration, key).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"), "{key}");
    }
}

/// Issues the sample licences for rifles of a maker whose name bears accents, and for their receivers.
async fn issue_czech(service: &Service) {
    for mut licence in passavant::demo::licences(today()) {
        licence["lines"][0]["make"] = json!("Česká zbrojovka");
        licence["lines"][0]["model"] = json!("557");
        let mut unlisted = licence["lines"][0].clone();
        (unlisted["line"], unlisted["serials"]) = (json!(4), json!([]));
        let receivers = json!({"line": 3, "category": "part", "hs": "930520",
            "description": "Rifle receivers", "quantity": "50", "unit": "C62"});
        licence["lines"].as_array_mut().unwrap().extend([receivers, unlisted]);
        let state = licence["issuing_state"].as_str().unwrap();
        let issued = service.post("/v1/licences", &token(state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
}

/// One of those rifles, its maker written in some way.
fn czech(reference: &str, make: &str, serial: &str) -> Value {
    let mut declaration = sample("clear");
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration["items"].as_array_mut().unwrap().truncate(1);
    let item = &mut declaration["items"][0];
    (item["make"], item["model"]) = (json!(make), json!("557"));
    (item["quantity"], item["serials"]) = (json!("1"), json!([serial]));
    declaration
}

#[tokio::test]
async fn a_stolen_firearm_is_found_in_another_spelling_and_as_a_part() {
    let service = start();
    issue_czech(&service).await;
    let rifle = czech("CZ-1", "CESKÁ ZBROJOVKA", "VC000101");
    let mut receiver = czech("CZ-2", "Česká zbrojovka", "VC000101");
    let item = &mut receiver["items"][0];
    item["category"] = json!("part");
    item["part"] = json!("frame_or_receiver");
    item["hs"] = json!("930520");
    for quote in item["licences"].as_array_mut().unwrap() {
        quote["line"] = json!(3);
    }
    for declaration in [&rifle, &receiver] {
        let clear = service.verify(declaration).await.json();
        assert_eq!(clear["verdict"], "clear", "{clear}");
    }
    let report = json!({"report": "stolen", "serial": "VC000101", "make": "Ceska Zbrojovka", "reference": "PV-1"});
    let officer = token("FR", "officer");
    let stolen = service.post("/v1/serials/reports", &officer, &report).await;
    assert_eq!(stolen.status, 201, "{}", stolen.text);
    for (declaration, key) in [(&rifle, "rifle"), (&receiver, "receiver")] {
        let held = service.verify(declaration).await.json();
        assert_eq!(held["verdict"], "hold", "{key}: {held}");
        assert_eq!(codes(&held), ["SERIAL_REPORTED_SOUGHT"], "{key}");
        assert_eq!(service.release(declaration, key).await.status, 409, "{key}");
    }
}

#[tokio::test]
async fn a_report_that_names_another_maker_is_a_question() {
    let service = start();
    issue_czech(&service).await;
    let report =
        json!({"report": "stolen", "serial": "VC000102", "make": "CZ", "reference": "PV-2"});
    let officer = token("FR", "officer");
    let stolen = service.post("/v1/serials/reports", &officer, &report).await;
    assert_eq!(stolen.status, 201, "{}", stolen.text);
    let asked = service.verify(&czech("CZ-1", "Česká zbrojovka", "VC000102")).await.json();
    assert_eq!(asked["verdict"], "refer", "{asked}");
    assert_eq!(codes(&asked), ["SERIAL_REPORTED_SOUGHT"]);
    let other = service.verify(&czech("CZ-2", "Česká zbrojovka", "VC000103")).await.json();
    assert_eq!(other["verdict"], "clear", "{other}");
}

#[tokio::test]
async fn a_firearm_that_left_is_known_in_another_spelling() {
    let service = start();
    issue_czech(&service).await;
    let left = service.release(&czech("CZ-1", "Česká zbrojovka", "VC000101"), "k").await;
    assert_eq!(left.status, 201, "{}", left.text);
    let mut again = czech("CZ-2", "CESKA ZBROJOVKA", "VC000101");
    for quote in again["items"][0]["licences"].as_array_mut().unwrap() {
        quote["line"] = json!(4);
    }
    let again = service.verify(&again).await.json();
    assert!(codes(&again).contains(&"SERIAL_ALREADY_MOVED"), "{again}");
}
