//! The check at the border.
use super::harness::*;
use serde_json::json;

#[tokio::test]
async fn a_licensed_shipment_clears_and_says_on_what() {
    let service = start();
    service.issue_sample().await;
    let answer = service.verify(&sample("clear")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let reply = answer.json();
    assert_eq!((&reply["verdict"], codes(&reply)), (&json!("clear"), vec![]));
    assert_eq!(
        reply["items"],
        json!([{"item": 1, "verdict": "clear"}, {"item": 2, "verdict": "clear"}])
    );
    assert_eq!(reply["as_of"]["licences"][0], json!({"number": EXPORT, "version": 1}));
    assert!(reply["as_of"]["data_age_ms"].is_u64());
    assert_eq!(reply["audit"]["log"], "passavant.example/test");
    assert_eq!(reply["reference_date"], today().to_string());
}

#[tokio::test]
async fn a_mismatch_holds_with_every_reason_and_what_to_do() {
    let service = start();
    service.issue_sample().await;
    let reply = service.verify(&sample("hold")).await.json();
    assert_eq!(reply["verdict"], "hold");
    for code in ["SERIAL_NOT_ON_LICENCE", "QUANTITY_EXCEEDS_AUTHORISED"] {
        let finding = reply["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|finding| finding["code"] == code)
            .unwrap();
        for field in ["severity", "path", "message", "legal_basis", "remedy", "remedy_by"] {
            assert!(!finding[field].as_str().unwrap().is_empty(), "{code} {field}");
        }
    }
}

#[tokio::test]
async fn another_consignee_refers() {
    let service = start();
    service.issue_sample().await;
    let reply = service.verify(&sample("refer")).await.json();
    assert_eq!(reply["verdict"], "refer", "{reply}");
    assert!(codes(&reply).contains(&"CONSIGNEE_MISMATCH"), "{reply}");
}

#[tokio::test]
async fn a_licence_that_does_not_exist_never_clears() {
    let service = start();
    let reply = service.verify(&sample("clear")).await.json();
    assert_ne!(reply["verdict"], "clear");
    assert!(codes(&reply).contains(&"LICENCE_NOT_FOUND"), "{reply}");
}

#[tokio::test]
async fn the_same_key_gets_the_first_reply_and_another_request_is_refused() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let body = json!({"declaration": sample("clear")});
    let first = service.post_once("/v1/verifications", &officer, "scan-1", &body).await;
    let again = service.post_once("/v1/verifications", &officer, "scan-1", &body).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    let other = json!({"declaration": sample("hold")});
    let reused = service.post_once("/v1/verifications", &officer, "scan-1", &other).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    let colleague = token_of("FR", "officer", "officer-2");
    let own = service.post_once("/v1/verifications", &colleague, "scan-1", &other).await;
    assert_eq!(own.status, 201, "a key is its caller's own");
}

#[tokio::test]
async fn a_misspelt_field_is_refused_by_name() {
    let service = start();
    let mut declaration = sample("clear");
    let item = declaration["items"][0].as_object_mut().unwrap();
    let serials = item.remove("serials").unwrap();
    item.insert("serialz".to_owned(), serials);
    let refused = service.verify(&declaration).await;
    assert_eq!(refused.status, 400);
    let problem = refused.json();
    assert_eq!(problem["errors"][0]["path"], "/declaration/items/0/serialz");
    assert_eq!(problem["errors"][0]["code"], "unknown_field");
}

#[tokio::test]
async fn every_field_error_is_reported_at_once() {
    let service = start();
    let mut declaration = sample("clear");
    declaration["movement"] = json!("sideways");
    declaration["items"][0]["quantity"] = json!("-1");
    declaration["items"][1]["unit"] = json!("pieces");
    declaration["exporter"]["name"] = json!("");
    let problem = service.verify(&declaration).await.json();
    let mut paths: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["path"].as_str().unwrap())
        .collect();
    paths.sort_unstable();
    let expected = [
        "/declaration/exporter/name",
        "/declaration/items/0/quantity",
        "/declaration/items/1/unit",
        "/declaration/movement",
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn an_officer_verifies_only_at_the_own_post() {
    let service = start();
    let mut declaration = sample("clear");
    declaration["border_post"] = json!("FRMRS");
    let refused = service.verify(&declaration).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].as_str()),
        (400, Some("not_your_post"))
    );
}

#[tokio::test]
async fn a_verification_changes_no_balance() {
    let service = start();
    service.issue_sample().await;
    let before =
        service.get(&format!("/v1/licences/{EXPORT}"), &token("FR", "authority")).await.json();
    service.verify(&sample("clear")).await;
    let after =
        service.get(&format!("/v1/licences/{EXPORT}"), &token("FR", "authority")).await.json();
    assert_eq!(before["lines"], after["lines"]);
}
