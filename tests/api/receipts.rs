//! Arrivals against what left, and the receipt that the exporting State asks for and confirms.
use super::consignments::*;
use super::harness::*;
use serde_json::Value;
use serde_json::json;

fn rifles(serials: &[&str]) -> Value {
    json!({"category": "firearm", "make": "Verney-Carron", "model": "Impact", "country_of_manufacture": "FR",
        "quantity": serials.len().to_string(), "unit": "C62", "serials": serials})
}

fn rounds(quantity: &str) -> Value {
    json!({"category": "ammunition", "make": "Nobel Sport", "calibre": "7,62 x 51 mm", "quantity": quantity, "unit": "C62"})
}

fn arrival(items: &[Value], is_final: bool) -> Value {
    json!({"ucr": ucr(), "border_post": "KEMBA", "arrived_at": now(), "vehicle": SHIP, "final": is_final, "items": items})
}

async fn arrive(service: &Service, arrival: &Value) -> Value {
    let answer = service.post("/v1/arrivals", &token("KE", "officer"), arrival).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// The clear sample, released and gone: the release's identifier.
async fn left(service: &Service) -> String {
    let release = released(service).await;
    let exit = service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    assert_eq!(exit.status, 201, "{}", exit.text);
    release
}

async fn receipts(service: &Service, state: &str, query: &str) -> Value {
    let answer = service.get(&format!("/v1/receipts?{query}"), &token(state, "authority")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["items"].clone()
}

async fn step(service: &Service, state: &str, id: &str, step: &str, body: Value) -> Answer {
    service.post(&format!("/v1/receipts/{id}/{step}"), &token(state, "authority"), &body).await
}

async fn only(service: &Service) -> String {
    receipts(service, "FR", "").await[0]["id"].as_str().unwrap().to_owned()
}

async fn mismatches(service: &Service, state: &str, role: &str) -> Vec<Value> {
    let page = service.get("/v1/alerts?kind=receipt_mismatch", &token(state, role)).await.json();
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

#[tokio::test]
async fn goods_that_arrive_in_parts_add_up_to_a_receipt_that_is_asked_for_and_confirmed() {
    let service = start();
    let release = left(&service).await;
    let id = only(&service).await;
    let open = receipts(&service, "FR", "status=outstanding").await;
    assert_eq!((&open[0]["release"], &open[0]["result"]), (&json!(release), &json!("nothing")));
    assert!(open[0]["left_at"].is_string() && open[0]["due_at"].is_null(), "no period yet: {open}");
    let asked = step(&service, "FR", &id, "request", json!({"note": "please"})).await;
    assert_eq!((asked.status, asked.json()["status"].as_str()), (200, Some("requested")));
    let first = arrive(&service, &arrival(&[rifles(&["VC000102"]), rounds("2000")], false)).await;
    assert_eq!((&first["known"], &first["result"]), (&json!(true), &json!("partial")), "{first}");
    let items = &first["receipts"][0]["items"];
    assert_eq!(items[0]["missing"], json!(["VC000101"]));
    assert_eq!(
        (&items[1]["arrived"], &items[1]["left"]),
        (&json!("2"), &json!("5")),
        "in thousands"
    );
    assert_eq!(
        receipts(&service, "FR", "status=requested&result=partial").await[0]["id"],
        json!(id)
    );
    let last = arrive(&service, &arrival(&[rifles(&["vc-000101"]), rounds("3000")], true)).await;
    assert_eq!(last["result"], "complete", "{last}");
    let early = step(&service, "KE", &id, "confirmation", json!({})).await;
    assert_eq!(early.status, 403, "the exporting State confirms");
    let confirmed = step(&service, "FR", &id, "confirmation", json!({})).await;
    assert_eq!((confirmed.status, confirmed.json()["status"].as_str()), (200, Some("confirmed")));
    let again = step(&service, "FR", &id, "request", json!({})).await;
    assert_eq!((again.status, again.code().as_str()), (409, "conflict"));
    for state in ["FR", "KE"] {
        let path = format!("/v1/receipts/{id}");
        let one = service.get(&path, &token(state, "authority")).await.json();
        let steps: Vec<&str> =
            one["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
        assert_eq!(steps, ["released", "left", "requested", "arrived", "arrived", "confirmed"]);
        assert_eq!(one["reconciled"]["items"][0]["result"], "complete");
        for step in one["steps"].as_array().unwrap() {
            let place = &step["audit"];
            let (log, index) = (place["log"].as_str().unwrap(), &place["index"]);
            let path = format!("/v1/audit/entries/{log}/{index}/proof");
            assert_eq!(service.get(&path, &token(state, "authority")).await.status, 200, "{step}");
        }
        assert!(mismatches(&service, state, "officer").await.is_empty(), "nothing to look at");
    }
    let seen = timeline(&service, &token("KE", "officer")).await.json();
    let expected = [
        "verdict",
        "release",
        "exit",
        "receipt_requested",
        "arrival",
        "arrival",
        "receipt_confirmed",
    ];
    let mut kinds = kinds(&seen);
    kinds.sort_unstable();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!((kinds, seen["stage"].as_str()), (expected, Some("received")));
    assert_eq!(receipts(&service, "DE", "").await, json!([]));
    assert_eq!(
        service.get(&format!("/v1/receipts/{id}"), &token("DE", "authority")).await.status,
        404
    );
    assert_eq!(step(&service, "DE", &id, "request", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_firearm_with_an_alternative_marking_arrives_under_it_and_no_other_in_its_place() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = sample("clear");
    declaration["items"].as_array_mut().unwrap().truncate(1);
    declaration["items"][0]["serials"] = json!(["VC000101"]);
    declaration["items"][0]["alternative_markings"] = json!(["VC 000102"]);
    let release = service.release(&declaration, "k").await;
    assert_eq!(release.status, 201, "{}", release.text);
    let release = release.json()["id"].as_str().unwrap().to_owned();
    let exit = service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    assert_eq!(exit.status, 201, "{}", exit.text);
    let first = arrive(&service, &arrival(&[rifles(&["VC000102"])], false)).await;
    assert_eq!(first["result"], "partial", "{first}");
    assert_eq!(first["receipts"][0]["items"][0]["missing"], json!(["VC000101"]));
    let last = arrive(&service, &arrival(&[rifles(&["VC000101"])], true)).await;
    assert_eq!(last["result"], "complete", "{last}");
}

#[tokio::test]
async fn what_is_missing_when_nothing_more_is_expected_is_put_before_both_sides() {
    let service = start();
    left(&service).await;
    let found =
        arrive(&service, &arrival(&[rifles(&["VC000101", "VC000102"]), rounds("4999")], true))
            .await;
    assert_eq!(found["result"], "short");
    assert_eq!(found["receipts"][0]["items"][1]["result"], "short");
    for (state, role) in [("KE", "officer"), ("FR", "officer"), ("FR", "authority")] {
        let alerts = mismatches(&service, state, role).await;
        assert_eq!(alerts.len(), 1, "{state} {role}");
        assert_eq!(alerts[0]["codes"], json!(["RECEIPT_MISMATCH"]));
        assert_eq!(alerts[0]["severity"], "refer");
    }
    let short = receipts(&service, "FR", "result=short").await;
    assert_eq!((short.as_array().unwrap().len(), &short[0]["status"]), (1, &json!("answered")));
}

#[tokio::test]
async fn more_than_left_and_other_firearms_than_left_are_told_apart() {
    let service = start();
    left(&service).await;
    let swapped = arrive(&service, &arrival(&[rifles(&["VC000101", "XX000001"])], false)).await;
    assert_eq!(swapped["result"], "differs");
    let item = &swapped["receipts"][0]["items"][0];
    assert_eq!((&item["missing"], &item["unknown"]), (&json!(["VC000102"]), &json!(["XX000001"])));
    assert_eq!(mismatches(&service, "FR", "authority").await[0]["severity"], "refer");
    let surplus = arrive(&service, &arrival(&[rifles(&["XX000002"]), rounds("5001")], false)).await;
    assert_eq!(surplus["result"], "surplus");
    assert_eq!(mismatches(&service, "KE", "officer").await[1]["severity"], "hold");
    let strange = json!({"category": "part", "quantity": "1", "unit": "C62"});
    let strange = arrive(&service, &arrival(&[strange], false)).await;
    assert_eq!(strange["receipts"][0]["strange"][0]["reason"], "not_shipped");
}

#[tokio::test]
async fn an_importing_state_answers_by_its_papers_where_its_posts_recorded_nothing() {
    let service = start();
    left(&service).await;
    let id = only(&service).await;
    let unanswered = step(&service, "FR", &id, "confirmation", json!({})).await;
    assert_eq!((unanswered.status, unanswered.code().as_str()), (409, "conflict"));
    assert_eq!(
        step(&service, "FR", &id, "answer", json!({"received": "complete"})).await.status,
        403
    );
    assert_eq!(step(&service, "KE", &id, "request", json!({})).await.status, 403);
    let silent = step(&service, "KE", &id, "answer", json!({})).await.json();
    assert_eq!(silent["errors"][0]["path"], "/received");
    let body = json!({"received": "complete", "document": "KE-C15-2026-1"});
    let answered = step(&service, "KE", &id, "answer", body).await.json();
    assert_eq!(
        (&answered["status"], &answered["result"]),
        (&json!("answered"), &json!("complete"))
    );
    assert_eq!(
        step(&service, "FR", &id, "confirmation", json!({"note": "seen"})).await.status,
        200
    );
    let one = service.get(&format!("/v1/receipts/{id}"), &token("FR", "authority")).await.json();
    assert_eq!(one["steps"][2]["document"], "KE-C15-2026-1");
}

#[tokio::test]
async fn an_answer_does_not_contradict_what_the_posts_recorded() {
    let service = start();
    left(&service).await;
    let id = only(&service).await;
    arrive(&service, &arrival(&[rounds("10")], true)).await;
    let denied = step(&service, "KE", &id, "answer", json!({"received": "complete"})).await.json();
    assert_eq!(denied["errors"][0]["code"], "disagrees_with_arrivals");
    let answered = step(&service, "KE", &id, "answer", json!({})).await.json();
    assert_eq!(answered["result"], "short");
}

#[tokio::test]
async fn an_exporter_s_proof_stands_for_the_importing_state_s_answer() {
    let service = start();
    left(&service).await;
    let id = only(&service).await;
    let proven =
        step(&service, "FR", &id, "confirmation", json!({"document": "KE-C15-2026-1"})).await;
    assert_eq!((proven.status, proven.json()["status"].as_str()), (200, Some("confirmed")));
}

#[tokio::test]
async fn goods_that_never_left_are_recorded_and_put_before_the_importing_post() {
    let service = start();
    left(&service).await;
    let unknown = json!({"ucr": "6DE1-UNKNOWN", "border_post": "KEMBA", "arrived_at": now(), "items": [rounds("10")]});
    let found = arrive(&service, &unknown).await;
    assert_eq!((&found["known"], &found["result"]), (&json!(false), &json!("unknown")));
    assert_eq!(mismatches(&service, "KE", "officer").await.len(), 1);
    assert!(mismatches(&service, "FR", "authority").await.is_empty());
    let diverted =
        json!({"ucr": ucr(), "border_post": "DEHAM", "arrived_at": now(), "items": [rounds("10")]});
    let found = service.post("/v1/arrivals", &token("DE", "officer"), &diverted).await.json();
    assert_eq!((&found["known"], codes(&found)), (&json!(false), vec!["ROUTE_DEVIATION"]));
    // Germany is named on none of the papers: it is told the code, and nothing of what they say.
    let words = found["findings"][0]["message"].as_str().unwrap();
    assert_eq!(words, "the goods travel otherwise than declared");
    assert_eq!(mismatches(&service, "FR", "authority").await.len(), 1, "it went elsewhere");
}

#[tokio::test]
async fn a_release_whose_goods_have_arrived_is_neither_amended_nor_undone() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let release = service.release(&cartridges("FR-1", "1000"), "k").await.json();
    let id = release["id"].as_str().unwrap();
    let found = arrive(&service, &arrival(&[rounds("700")], true)).await;
    assert_eq!(
        (&found["result"], &found["receipts"][0]["exit_confirmed"]),
        (&json!("short"), &json!(false))
    );
    // Whether its exit was recorded or not, and whatever the figures would be.
    for figure in ["700", "100", "2000"] {
        let amendment = json!({"reason": "miscounted", "declaration": cartridges("FR-1", figure)});
        let path = format!("/v1/releases/{id}/amendment");
        let refused = service.post(&path, &officer, &amendment).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
        assert!(refused.text.contains("KE says that the goods have arrived"), "{}", refused.text);
    }
    assert_eq!(reversal(&service, id).await.status, 409);
    let receipt = receipts(&service, "FR", "").await[0].clone();
    assert_eq!((&receipt["status"], &receipt["result"]), (&json!("answered"), &json!("short")));
}

async fn reversal(service: &Service, release: &str) -> Answer {
    let body = json!({"reason": "not shipped"});
    service.post(&format!("/v1/releases/{release}/reversal"), &token("FR", "officer"), &body).await
}

#[tokio::test]
async fn a_reversed_release_leaves_no_receipt() {
    let service = start();
    service.issue_sample().await;
    let release = service.release(&cartridges("FR-1", "1000"), "k").await.json();
    let undone = reversal(&service, release["id"].as_str().unwrap()).await;
    assert_eq!(undone.status, 200, "{}", undone.text);
    let receipt = receipts(&service, "FR", "").await[0].clone();
    assert_eq!(receipt["status"], "withdrawn");
    let late = step(&service, "FR", receipt["id"].as_str().unwrap(), "request", json!({})).await;
    assert_eq!(late.status, 409);
    assert_eq!(arrive(&service, &arrival(&[rounds("1")], false)).await["known"], false);
}

#[tokio::test]
async fn what_another_state_answers_or_sees_is_not_undone() {
    let service = start();
    let release = released(&service).await;
    let id = only(&service).await;
    let answer = json!({"received": "complete", "document": "KE-CUS-77"});
    assert_eq!(step(&service, "KE", &id, "answer", answer).await.status, 200);
    let undone = reversal(&service, &release).await;
    assert_eq!((undone.status, undone.code().as_str()), (409, "conflict"));
    assert!(undone.text.contains("KE says that the goods have arrived"), "{}", undone.text);
    let service = start();
    let release = released(&service).await;
    let entry = json!({"ucr": ucr(), "border_post": "KEMBA", "entered_at": now(), "vehicle": SHIP});
    let seen = service.post("/v1/entries", &token("KE", "officer"), &entry).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    let undone = reversal(&service, &release).await;
    assert_eq!((undone.status, undone.code().as_str()), (409, "conflict"));
    assert!(undone.text.contains("the goods were seen at KEMBA"), "{}", undone.text);
}

#[tokio::test]
async fn goods_do_not_arrive_before_their_release_and_not_where_they_are_unknown() {
    let service = start();
    released(&service).await;
    let mut early = arrival(&[rounds("5000")], true);
    early["arrived_at"] = json!("2026-01-01T10:00:00Z");
    let refused = service.post("/v1/arrivals", &token("KE", "officer"), &early).await;
    assert_eq!(refused.faults(), [("/arrived_at".to_owned(), "before_release".to_owned())]);
    let mut elsewhere = arrival(&[rounds("5000")], true);
    elsewhere["border_post"] = json!("DEHAM");
    let unknown = service.post("/v1/arrivals", &token("DE", "officer"), &elsewhere).await;
    assert_eq!((unknown.status, &unknown.json()["result"]), (201, &json!("unknown")));
    let seen = timeline(&service, &token("FR", "officer")).await.json();
    assert_eq!(seen["stage"], "released", "{seen}");
}

#[tokio::test]
async fn an_arrival_that_cannot_be_read_is_refused_with_every_field() {
    let service = start();
    let officer = token("KE", "officer");
    let bad = json!({"border_post": "KEMBA", "arrived_at": "2099-01-01", "items": [
        {"category": "gun", "quantity": "0", "unit": "piece", "serials": ["-"]},
        {"category": "firearm", "quantity": "1", "unit": "C62", "serials": ["A1", "A2"]}]});
    let refused = service.post("/v1/arrivals", &officer, &bad).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let errors = refused.json()["errors"].clone();
    let paths: Vec<&str> =
        errors.as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    for path in [
        "/ucr",
        "/arrived_at",
        "/items/0/category",
        "/items/0/quantity",
        "/items/0/unit",
        "/items/0/serials/0",
        "/items/1/serials",
    ] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    let empty = json!({"ucr": "6FR1-A", "border_post": "KEMBA", "arrived_at": now(), "items": []});
    assert_eq!(
        service.post("/v1/arrivals", &officer, &empty).await.json()["errors"][0]["path"],
        "/items"
    );
    let future = json!({"ucr": "6FR1-A", "border_post": "KEMBA", "arrived_at": "2099-01-01T00:00:00Z", "final": true});
    assert_eq!(
        service.post("/v1/arrivals", &officer, &future).await.json()["errors"][0]["code"],
        "in_the_future"
    );
}

#[tokio::test]
async fn an_arrival_recorded_again_under_its_key_arrives_once() {
    let service = start();
    left(&service).await;
    let (officer, body) = (token("KE", "officer"), arrival(&[rounds("5000")], false));
    let first = service.post_once("/v1/arrivals", &officer, "arrival", &body).await;
    let again = service.post_once("/v1/arrivals", &officer, "arrival", &body).await;
    assert_eq!((first.status, &first.text), (201, &again.text));
    let path = format!("/v1/receipts/{}", only(&service).await);
    let one = service.get(&path, &token("FR", "authority")).await.json();
    assert_eq!(one["reconciled"]["items"][1]["arrived"], "5");
}
