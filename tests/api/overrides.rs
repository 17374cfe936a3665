//! Releases against the advice: two officers, as far as the licences go, told to who issued them.
use super::harness::*;
use serde_json::Value;
use serde_json::json;

const SECOND: &str = "officer-2";

async fn balance(service: &Service) -> (String, String) {
    let path = format!("/v1/licences/{EXPORT}");
    let licence = service.get(&path, &token("FR", "authority")).await.json();
    let figure = |name: &str| licence["lines"][1]["balance"][name].as_str().unwrap().to_owned();
    (figure("consumed"), figure("available"))
}

async fn ask(service: &Service, declaration: &Value, key: &str) -> Answer {
    let verification = service.verify(declaration).await.json();
    let reason = json!({"reason": "the ship leaves at noon; the authority agreed by telephone"});
    let body = json!({"verification": verification["id"], "override": reason});
    service.post_once("/v1/releases", &token("FR", "officer"), key, &body).await
}

async fn confirm(service: &Service, id: &Value, token: &str, key: &str) -> Answer {
    let path = format!("/v1/releases/{}/confirmation", id.as_str().unwrap());
    service.post_once(&path, token, key, &json!({"note": "seen"})).await
}

fn second() -> String {
    token_of("FR", "officer", SECOND)
}

#[tokio::test]
async fn a_second_officer_confirms_and_the_balance_is_drawn_as_far_as_it_goes() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.release(&cartridges("FR-1", "49000"), "k").await.status, 201);
    let asked = ask(&service, &cartridges("FR-2", "3000"), "ask").await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    let asked = asked.json();
    assert_eq!((&asked["status"], &asked["draws"]), (&json!("pending"), &json!([])));
    let codes = json!(["QUANTITY_EXCEEDS_BALANCE", "EXPORT_IMPORT_LICENCE_MISMATCH"]);
    assert_eq!(asked["override"]["codes"], codes, "Kenya licenses as many as France");
    assert_eq!(balance(&service).await, ("49000".into(), "1000".into()), "nothing is drawn yet");
    let own = confirm(&service, &asked["id"], &token("FR", "officer"), "own").await;
    assert_eq!((own.status, own.code().as_str()), (403, "forbidden"), "never the same person");
    let confirmed = confirm(&service, &asked["id"], &second(), "c").await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let confirmed = confirmed.json();
    assert_eq!(confirmed["status"], "released");
    assert_eq!(confirmed["draws"][0]["quantity"], "1000");
    let beyond =
        json!([{"item": 2, "licence": EXPORT, "line": 2, "quantity": "2000", "unit": "C62"}]);
    assert_eq!(confirmed["override"]["beyond"], beyond);
    assert_eq!(balance(&service).await, ("50000".into(), "0".into()), "never more than there is");
    let again = confirm(&service, &asked["id"], &second(), "again").await;
    assert_eq!((again.status, again.code().as_str()), (409, "conflict"));
    let retry = confirm(&service, &asked["id"], &second(), "c").await;
    assert_eq!((retry.status, retry.json()), (200, confirmed), "a retry gets the first answer");
}

#[tokio::test]
async fn the_issuing_authorities_are_told_at_once_and_the_trail_says_who_and_why() {
    let service = start();
    service.issue_sample().await;
    let asked = ask(&service, &sample("refer"), "ask").await.json();
    assert_eq!(asked["override"]["codes"], json!(["CONSIGNEE_MISMATCH"]), "{asked}");
    let told = async |state: &str| {
        let alerts = service.get("/v1/alerts", &token(state, "authority")).await.json();
        let alerts = alerts["items"].as_array().unwrap().iter();
        let mut words: Vec<String> = alerts
            .filter(|alert| alert["kind"] == "override" && alert["release"] == asked["id"])
            .map(|alert| alert["message"].as_str().unwrap().to_owned())
            .collect();
        words.sort_unstable();
        words
    };
    let (requested, confirmed) = (
        "asked for: nothing is released until a second officer confirms it",
        "confirmed by a second officer: the goods are released",
    );
    for state in ["FR", "KE"] {
        assert_eq!(told(state).await, [requested], "{state}: while it can still be refused");
    }
    assert_eq!(confirm(&service, &asked["id"], &second(), "c").await.status, 200);
    for state in ["FR", "KE"] {
        assert_eq!(told(state).await, [requested, confirmed], "{state}");
    }
    let entries = service.get("/v1/audit/entries?limit=200", &token("FR", "auditor")).await.json();
    let entries: Vec<&Value> =
        entries["items"].as_array().unwrap().iter().map(|item| &item["entry"]).collect();
    let of = |kind: &str| *entries.iter().find(|entry| entry["kind"] == kind).unwrap();
    let requested = of("override_requested");
    assert_eq!(requested["override"], json!(["CONSIGNEE_MISMATCH"]));
    assert!(requested["reason"].as_str().unwrap().contains("noon"));
    let salt = |entry: &Value| entry["actor"]["subject_sha256"].clone();
    assert_ne!(salt(requested), salt(of("override_confirmed")));
    let path = format!("/v1/releases/{}", asked["id"].as_str().unwrap());
    let history = service.get(&path, &token("KE", "authority")).await.json();
    let changes: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["override_requested", "override_confirmed"]);
    assert_eq!(history["override"]["reason"], requested["reason"]);
}

#[tokio::test]
async fn no_override_reaches_what_an_authority_has_decided_or_a_licence_that_is_not_there() {
    let service = start();
    service.issue_sample().await;
    let mut unknown = cartridges("FR-1", "10");
    unknown["items"][0]["licences"][0]["number"] = json!("FR-EXP-2026-000413");
    let refused = ask(&service, &unknown, "unknown").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    let waiting = ask(&service, &sample("refer"), "ask").await.json();
    let path = format!("/v1/licences/{EXPORT}/suspension");
    let reason = json!({"reason": "inquiry"});
    assert_eq!(service.post(&path, &token("FR", "authority"), &reason).await.status, 200);
    let suspended = ask(&service, &cartridges("FR-2", "10"), "suspended").await;
    assert_eq!((suspended.status, suspended.code().as_str()), (409, "release_refused"));
    let late = confirm(&service, &waiting["id"], &second(), "late").await;
    assert_eq!((late.status, late.code().as_str()), (409, "release_refused"), "{}", late.text);
    assert_eq!(balance(&service).await.0, "0");
}

#[tokio::test]
async fn a_false_claim_to_be_no_firearm_and_another_licence_s_goods_are_not_overridden() {
    let service = start();
    service.issue_sample().await;
    let mut antique = sample("clear");
    antique["items"].as_array_mut().unwrap().truncate(1);
    antique["items"][0]["licences"] = json!([]);
    let mut deactivated = antique.clone();
    antique["items"][0]["antique"] = json!(true);
    antique["items"][0]["manufacture_year"] = json!(2015);
    deactivated["items"][0]["deactivation"] = json!({});
    // Rifles under the lines for cartridges.
    let mut not_covered = sample("clear");
    not_covered["items"].as_array_mut().unwrap().truncate(1);
    for licence in not_covered["items"][0]["licences"].as_array_mut().unwrap() {
        licence["line"] = json!(2);
    }
    for (declaration, code, key) in [
        (antique, "LICENCE_REFERENCE_MISSING", "antique"),
        (deactivated, "LICENCE_REFERENCE_MISSING", "deactivated"),
        (not_covered, "GOODS_NOT_COVERED", "covered"),
    ] {
        let held = service.verify(&declaration).await.json();
        assert!(codes(&held).contains(&code), "{held}");
        let refused = ask(&service, &declaration, key).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"), "{key}");
    }
}

#[tokio::test]
async fn an_override_answers_for_what_was_found_when_it_was_asked_for_and_no_more() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = cartridges("FR-1", "30000");
    declaration["consignee"] = json!({"id": "KE0099999999", "name": "Coast Freight"});
    let asked = ask(&service, &declaration, "ask").await.json();
    assert_eq!(asked["override"]["codes"], json!(["CONSIGNEE_MISMATCH"]));
    assert_eq!(service.release(&cartridges("FR-2", "30000"), "k").await.status, 201);
    let refused = confirm(&service, &asked["id"], &second(), "c").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    assert_eq!(balance(&service).await.0, "30000");
}

#[tokio::test]
async fn what_clears_needs_no_second_officer() {
    let service = start();
    service.issue_sample().await;
    let released = ask(&service, &cartridges("FR-1", "10"), "k").await.json();
    assert_eq!((&released["status"], &released["override"]), (&json!("released"), &Value::Null));
}

#[tokio::test]
async fn an_override_can_be_taken_back_and_is_not_amended() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let asked = ask(&service, &cartridges("FR-1", "60000"), "ask").await.json();
    let path = format!("/v1/releases/{}", asked["id"].as_str().unwrap());
    let amendment = json!({"reason": "x", "declaration": cartridges("FR-1", "10")});
    let amended = service.post(&format!("{path}/amendment"), &officer, &amendment).await;
    assert_eq!(amended.status, 409, "{}", amended.text);
    let reason = json!({"reason": "the goods stay"});
    assert_eq!(service.post(&format!("{path}/reversal"), &officer, &reason).await.status, 200);
    assert_eq!(confirm(&service, &asked["id"], &second(), "c").await.status, 409);
    let asked = ask(&service, &cartridges("FR-1", "60000"), "ask2").await.json();
    assert_eq!(confirm(&service, &asked["id"], &second(), "c2").await.status, 200);
    assert_eq!(balance(&service).await.0, "50000");
    let path = format!("/v1/releases/{}", asked["id"].as_str().unwrap());
    let more = json!({"reason": "x", "declaration": cartridges("FR-1", "55000")});
    let refused = service.post(&format!("{path}/amendment"), &officer, &more).await;
    assert_eq!(refused.status, 409, "an amendment stands on its own feet");
    let amended = service.post(&format!("{path}/amendment"), &officer, &amendment).await;
    assert_eq!((amended.status, balance(&service).await.0.as_str()), (200, "10"));
    let history = service.get(&path, &officer).await.json();
    let changes: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["override_requested", "override_confirmed", "release_amendment"]);
    assert_eq!(history["history"][2]["draws"][0]["quantity"], "10");
    assert_eq!(service.post(&format!("{path}/reversal"), &officer, &reason).await.status, 200);
    assert_eq!(balance(&service).await, ("0".into(), "50000".into()));
}

#[tokio::test]
async fn an_override_names_its_reason_and_both_requests_their_keys() {
    let service = start();
    service.issue_sample().await;
    let verification = service.verify(&sample("refer")).await.json();
    let body = json!({"verification": verification["id"], "override": {}});
    let officer = token("FR", "officer");
    let answer = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!(answer.json()["errors"][0]["path"], "/override/reason", "{}", answer.text);
    let asked = ask(&service, &sample("refer"), "ask").await.json();
    let path = format!("/v1/releases/{}/confirmation", asked["id"].as_str().unwrap());
    assert_eq!(service.post(&path, &second(), &json!({})).await.code(), "invalid_header");
    assert_eq!(confirm(&service, &asked["id"], &token("DE", "officer"), "x").await.status, 404);
}

#[tokio::test]
async fn goods_are_released_when_the_second_officer_confirms_and_not_before() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let read = async |id: &Value| {
        service.get(&format!("/v1/releases/{}", id.as_str().unwrap()), &officer).await.json()
    };
    let asked = ask(&service, &sample("refer"), "ask").await.json();
    assert_eq!((&asked["status"], &asked["released_at"]), (&json!("pending"), &Value::Null));
    assert_eq!(read(&asked["id"]).await["released_at"], Value::Null);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let confirmed = confirm(&service, &asked["id"], &second(), "c").await.json();
    let at = confirmed["override"]["confirmed_at"].clone();
    assert!(at.as_str() > asked["changed_at"].as_str(), "{confirmed}");
    assert_eq!(confirmed["released_at"], at);
    assert_eq!(read(&asked["id"]).await["released_at"], at);
    let receipts = service.get("/v1/receipts", &token("FR", "authority")).await.json();
    assert_eq!(receipts["items"][0]["released_at"], at, "{receipts}");
    let again = service.verify(&sample("refer")).await.text;
    let millis = at.as_str().unwrap().trim_end_matches('Z');
    assert!(again.contains(&format!("was released at {millis}")), "{again}");
    let reversal = format!("/v1/releases/{}/reversal", asked["id"].as_str().unwrap());
    let reason = json!({"reason": "the goods stay"});
    let reversed = service.post(&reversal, &officer, &reason).await.json();
    assert_eq!(reversed["released_at"], at, "{reversed}");
    // What nobody has confirmed was never released, also once it has been taken back.
    let asked = ask(&service, &cartridges("FR-9", "60000"), "ask2").await.json();
    let reversal = format!("/v1/releases/{}/reversal", asked["id"].as_str().unwrap());
    let reversed = service.post(&reversal, &officer, &reason).await.json();
    assert_eq!((&reversed["status"], &reversed["released_at"]), (&json!("reversed"), &Value::Null));
    assert_eq!(read(&asked["id"]).await["released_at"], Value::Null);
}

/// How alerts of an addressee stand, and how they ended: those of a kind on a declaration, oldest first.
async fn ends(service: &Service, token: &str, kind: &str, of: &Value) -> Vec<(String, String)> {
    let alerts = service.get(&format!("/v1/alerts?kind={kind}"), token).await.json();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own = alerts["items"].as_array().unwrap().iter();
    own.filter(|alert| alert["declaration"] == *of)
        .map(|alert| (word(&alert["status"]), word(&alert["outcome"])))
        .collect()
}

fn words(ends: &[(String, String)]) -> Vec<(&str, &str)> {
    ends.iter().map(|(status, outcome)| (status.as_str(), outcome.as_str())).collect()
}

#[tokio::test]
async fn a_confirmed_override_ends_the_alerts_that_it_was_about() {
    let service = start();
    service.issue_sample().await;
    let (officer, authority) = (token("FR", "officer"), token("KE", "authority"));
    let asked = ask(&service, &sample("refer"), "ask").await.json();
    let of = &asked["declaration"];
    let open = ("open", "");
    assert_eq!(
        words(&ends(&service, &officer, "mismatch", of).await),
        [open],
        "one lorry, one case"
    );
    assert_eq!(words(&ends(&service, &authority, "override", of).await), [open]);
    assert_eq!(confirm(&service, &asked["id"], &second(), "c").await.status, 200);
    let done = ("resolved", "released_after_check");
    assert_eq!(words(&ends(&service, &officer, "mismatch", of).await), [done]);
    let told = ends(&service, &authority, "override", of).await;
    assert_eq!(words(&told), [done, open], "that it was released is there to be read");
    let log = service.get("/v1/alerts?kind=mismatch", &officer).await.json();
    assert_eq!(log["items"][0]["resolved_by"], "https://login.example/FR#officer-2");
}

#[tokio::test]
async fn an_override_that_is_taken_back_ends_its_own_alert_and_not_that_of_the_goods() {
    let service = start();
    service.issue_sample().await;
    let (officer, authority) = (token("FR", "officer"), token("KE", "authority"));
    let asked = ask(&service, &sample("refer"), "ask").await.json();
    let path = format!("/v1/releases/{}/reversal", asked["id"].as_str().unwrap());
    let reason = json!({"reason": "the authority objects"});
    let back = service.post_once(&path, &second(), "back", &reason).await;
    assert_eq!(back.status, 200, "{}", back.text);
    let of = &asked["declaration"];
    let told = ends(&service, &authority, "override", of).await;
    assert_eq!(words(&told), [("resolved", "refused")]);
    let goods = ends(&service, &officer, "mismatch", of).await;
    assert_eq!(words(&goods), [("open", "")], "the goods are still there");
}
