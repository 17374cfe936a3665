//! Goods that clear and that an officer has stopped: nothing is released under the reference, at whichever
//! post and by whomever, until the case is closed by an outcome that lets them go.
use super::harness::*;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::outbound::local_issuer::Claims;
use serde_json::Value;
use serde_json::json;

async fn stop(service: &Service, declaration: &Value, measure: &str) -> Answer {
    let verdict = service.verify(declaration).await.json();
    stop_verdict(service, &verdict["id"], measure).await
}

async fn stop_verdict(service: &Service, id: &Value, measure: &str) -> Answer {
    let path = format!("/v1/verifications/{}/stoppage", id.as_str().unwrap());
    let body = json!({"measure": measure, "reason": "the crates are heavier than declared"});
    service.post(&path, &token("FR", "officer"), &body).await
}

async fn close(service: &Service, alert: &Value, outcome: &str) {
    let path = format!("/v1/alerts/{}/resolution", alert["id"].as_str().unwrap());
    let body = json!({"outcome": outcome, "note": "opened and counted"});
    let answer = service.post(&path, &token("FR", "officer"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn verdict(service: &Service, declaration: &Value) -> (String, Value) {
    let verdict = service.verify(declaration).await.json();
    (verdict["verdict"].as_str().unwrap().to_owned(), verdict["findings"].clone())
}

#[tokio::test]
async fn what_an_officer_holds_is_not_released_until_the_case_is_closed() {
    let service = start();
    service.issue_sample().await;
    let goods = cartridges("FR-STOP-1", "10");
    let cleared = service.verify(&goods).await.json();
    assert_eq!(cleared["verdict"], "clear");
    let answer = stop_verdict(&service, &cleared["id"], "hold").await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let alert = answer.json();
    assert_eq!((&alert["kind"], &alert["severity"]), (&json!("stoppage"), &json!("hold")));
    assert_eq!((&alert["status"], &alert["declaration"]), (&json!("open"), &json!("FR-STOP-1")));
    assert_eq!(alert["due"][0]["kind"], "customs_notice", "the authority is to be informed");
    assert_eq!(alert["reason"], "the crates are heavier than declared");
    let raised = &alert["history"][0];
    assert_eq!(raised["note"], "the crates are heavier than declared");
    assert!(raised["by"].as_str().unwrap().contains("officer"), "{raised}");
    // Neither the verdict given before nor a new one leads to a release, and nobody overrides it.
    let body = json!({"verification": cleared["id"]});
    let officer = token("FR", "officer");
    let refused = service.post_once("/v1/releases", &officer, "k1", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    assert_eq!(refused.json()["findings"][0]["code"], "STOPPED_BY_OFFICER");
    assert_eq!(service.release(&goods, "k2").await.status, 409);
    let (again, findings) = verdict(&service, &goods).await;
    assert_eq!((again.as_str(), &findings[0]["severity"]), ("hold", &json!("block")));
    let against = json!({"verification": cleared["id"], "override": {"reason": "the ship leaves"}});
    let refused = service.post_once("/v1/releases", &officer, "k3", &against).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    // Another consignment is not concerned.
    let mut other = cartridges("FR-STOP-2", "10");
    other["ucr"] = json!("6FR12345678901234-OTHER");
    assert_eq!(service.release(&other, "k4").await.status, 201);
    close(&service, &alert, "released_after_check").await;
    assert_eq!(verdict(&service, &goods).await.0, "clear");
    assert_eq!(service.post_once("/v1/releases", &officer, "k5", &body).await.status, 201);
    let late = stop_verdict(&service, &cleared["id"], "hold").await;
    assert_eq!((late.status, late.code().as_str()), (409, "conflict"), "it has been released");
}

#[tokio::test]
async fn goods_referred_by_an_officer_are_the_authority_s_to_decide_and_the_officer_s_to_release() {
    let service = start();
    service.issue_sample().await;
    let goods = cartridges("FR-STOP-3", "10");
    let alert = stop(&service, &goods, "refer").await.json();
    let changes: Vec<&str> = alert["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["change"].as_str().unwrap())
        .collect();
    assert_eq!((changes, &alert["status"]), (vec!["raised", "referred"], &json!("acknowledged")));
    assert_eq!(alert["due"][0]["kind"], "decision_on_doubt");
    let (found, findings) = verdict(&service, &goods).await;
    assert_eq!((found.as_str(), &findings[0]["severity"]), ("refer", &json!("refer")));
    let authority = token("FR", "authority");
    let asked = service.get("/v1/alerts?kind=referral", &authority).await.json();
    let asked = &asked["items"][0];
    assert_eq!((&asked["alert"], &asked["declaration"]), (&alert["id"], &json!("FR-STOP-3")));
    let path = format!("/v1/alerts/{}", asked["id"].as_str().unwrap());
    let asked = service.get(&path, &authority).await.json();
    assert_eq!(asked["reason"], "the crates are heavier than declared", "it learns why");
    let path = format!("/v1/alerts/{}/decision", asked["id"].as_str().unwrap());
    let body = json!({"decision": "release_advised", "reason": "known to us"});
    assert_eq!(service.post(&path, &authority, &body).await.status, 200);
    assert_eq!(service.release(&goods, "k1").await.status, 409, "advice releases nothing");
    close(&service, &alert, "false_alert").await;
    assert_eq!(service.release(&goods, "k2").await.status, 201);
}

#[tokio::test]
async fn what_was_refused_or_seized_stays_and_the_authority_learns_of_it() {
    let service = start();
    service.issue_sample().await;
    for (reference, outcome) in [("FR-STOP-4", "refused"), ("FR-STOP-5", "seized")] {
        let goods = cartridges(reference, "10");
        let alert = stop(&service, &goods, "hold").await.json();
        close(&service, &alert, outcome).await;
        assert_eq!(service.release(&goods, outcome).await.status, 409, "{outcome}");
    }
    let told = service.get("/v1/alerts?kind=referral", &token("FR", "authority")).await.json();
    assert_eq!(told["items"].as_array().unwrap().len(), 2, "{told}");
}

/// The clear sample under another reference.
fn again(reference: &str) -> Value {
    let mut declaration = sample("clear");
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|found| found["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn goods_that_are_seized_do_not_clear_under_any_papers() {
    let service = start();
    service.issue_sample().await;
    // They were held for what the papers said, and come again with better ones.
    let mut wrong = again("FR-SEIZED-1");
    wrong["final_recipient"] = json!({"id": "KE-OTHER-9", "name": "Somebody else"});
    let (held, _) = verdict(&service, &wrong).await;
    assert_eq!(held, "hold");
    let open = service.get("/v1/alerts?status=open", &token("FR", "officer")).await.json();
    close(&service, &open["items"][0], "seized").await;
    let (same, findings) = verdict(&service, &again("FR-SEIZED-1")).await;
    assert_eq!(same, "hold");
    assert!(codes(&findings).contains(&"STOPPED_BY_OFFICER"), "{findings}");
    let (other, findings) = verdict(&service, &again("FR-SEIZED-2")).await;
    assert_eq!(
        (other.as_str(), codes(&findings)[0]),
        ("hold", "SERIAL_REPORTED_SOUGHT"),
        "{findings}"
    );
    assert_eq!(service.release(&again("FR-SEIZED-2"), "k").await.status, 409);
    let mut rounds = cartridges("FR-SEIZED-3", "10");
    rounds["ucr"] = json!("6FR12345678901234-OTHER");
    assert_eq!(verdict(&service, &rounds).await.0, "clear", "other goods are not concerned");
}

#[tokio::test]
async fn firearms_of_an_open_case_are_for_a_person_under_any_papers() {
    let service = start();
    service.issue_sample().await;
    let of = |reference: &str| {
        let mut goods = again(reference);
        goods["ucr"] = json!(format!("6FR12345678901234-{reference}"));
        goods
    };
    let mut altered = of("FR-CASE-1");
    altered["observations"] = json!([{"type": "marking_altered", "item": 1, "note": "filed off"}]);
    assert_eq!(verdict(&service, &altered).await.0, "hold");
    let open = service.get("/v1/alerts?status=open", &token("FR", "officer")).await.json();
    assert_eq!(open["items"][0]["declaration"], "FR-CASE-1", "{open}");
    for reference in ["FR-CASE-1", "FR-CASE-2"] {
        let (other, findings) = verdict(&service, &of(reference)).await;
        assert_eq!(other, "refer", "{findings}");
        assert_eq!(codes(&findings)[0], "STOPPED_BY_OFFICER", "{findings}");
    }
    assert_eq!(service.release(&of("FR-CASE-2"), "k1").await.status, 409);
    let mut unseen = of("FR-CASE-3");
    unseen["items"].as_array_mut().unwrap().remove(0);
    assert_eq!(verdict(&service, &unseen).await.0, "clear", "other goods are not concerned");
    close(&service, &open["items"][0], "released_after_check").await;
    assert_eq!(verdict(&service, &of("FR-CASE-2")).await.0, "clear");
    let stopped = stop(&service, &of("FR-CASE-4"), "hold").await.json();
    let (other, findings) = verdict(&service, &of("FR-CASE-5")).await;
    assert_eq!((other.as_str(), codes(&findings)[0]), ("refer", "STOPPED_BY_OFFICER"));
    close(&service, &stopped, "false_alert").await;
    assert_eq!(service.release(&of("FR-CASE-5"), "k2").await.status, 201);
}

#[tokio::test]
async fn goods_that_are_stopped_are_for_a_person_under_other_papers_of_their_consignment() {
    let service = start();
    service.issue_sample().await;
    let of = |reference: &str| {
        let mut goods = cartridges(reference, "10");
        goods["ucr"] = json!("6FR12345678901234-STOPPED");
        goods
    };
    let alert = stop(&service, &of("FR-STOP-21"), "hold").await.json();
    let (other, findings) = verdict(&service, &of("FR-STOP-22")).await;
    assert_eq!((other.as_str(), codes(&findings)), ("refer", vec!["STOPPED_BY_OFFICER"]));
    close(&service, &alert, "false_alert").await;
    assert_eq!(verdict(&service, &of("FR-STOP-22")).await.0, "clear");
}

#[tokio::test]
async fn only_an_officer_of_the_post_stops_what_was_verified_there_and_says_why() {
    let service = start();
    service.issue_sample().await;
    let id = service.verify(&cartridges("FR-STOP-6", "10")).await.json()["id"].clone();
    let path = format!("/v1/verifications/{}/stoppage", id.as_str().unwrap());
    let body = json!({"measure": "hold", "reason": "a test"});
    for (state, role, status) in [("KE", "officer", 404), ("FR", "authority", 403)] {
        assert_eq!(service.post(&path, &token(state, role), &body).await.status, status);
    }
    let officer = token("FR", "officer");
    for (body, field) in [
        (json!({"measure": "hold"}), "/reason"),
        (json!({"reason": "a test"}), "/measure"),
        (json!({"measure": "burn", "reason": "a test"}), "/measure"),
    ] {
        let refused = service.post(&path, &officer, &body).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["errors"][0]["path"], field, "{}", refused.text);
    }
    // The trail says who and why, neither in plain words, and its verdicts can be derived again.
    assert_eq!(service.post(&path, &officer, &body).await.status, 201);
    service.verify(&cartridges("FR-STOP-6", "10")).await;
    let entries = service.get("/v1/audit/entries?limit=200", &token("FR", "auditor")).await.json();
    let entries = entries["items"].as_array().unwrap();
    let stopped = entries.iter().find(|e| e["entry"]["kind"] == "goods_stopped").unwrap();
    let entry = &stopped["entry"];
    assert!(entry["actor"]["subject_sha256"].is_string() && entry["note_sha256"].is_string());
    assert!(!entry.to_string().contains("a test"), "{entry}");
}

#[tokio::test]
async fn an_officer_of_another_post_is_forbidden_what_names_no_post() {
    let service = start();
    service.issue_sample().await;
    let iss = issuer_name("FR");
    let posts = ["FRMRS".to_owned()];
    let claims = Claims {
        iss: &iss,
        aud: "passavant",
        sub: "officer-9",
        role: "officer",
        posts: &posts,
        operator: None,
    };
    let marseille = issuer("FR").mint(&claims, SystemClock.now(), 600).unwrap();
    let verified = service.verify(&cartridges("FR-1", "10")).await.json();
    let released = service.release(&cartridges("FR-2", "10"), "k").await.json();
    let body = json!({"declaration": cartridges("FR-3", "10")});
    let lodged = service.post("/v1/preclearances", &token("FR", "carrier"), &body).await.json();
    let (verification, release) =
        (verified["id"].as_str().unwrap(), released["id"].as_str().unwrap());
    let reason = json!({"reason": "a test"});
    let stop = json!({"measure": "hold", "reason": "a test"});
    let amend = json!({"reason": "a test", "declaration": cartridges("FR-2", "9")});
    for (path, body, status) in [
        ("/v1/releases".to_owned(), json!({"verification": verification}), 403),
        (format!("/v1/verifications/{verification}/stoppage"), stop.clone(), 403),
        ("/v1/verifications".to_owned(), json!({"preclearance": lodged["code"]}), 403),
        (format!("/v1/releases/{release}/reversal"), reason, 403),
        (format!("/v1/releases/{release}/confirmation"), json!({}), 403),
        // These name the post, in a field that is then at fault.
        ("/v1/verifications".to_owned(), json!({"declaration": cartridges("FR-4", "1")}), 400),
        (format!("/v1/releases/{release}/amendment"), amend, 400),
    ] {
        let refused = service.post_once(&path, &marseille, &path, &body).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.text);
        match status {
            403 => assert_eq!(refused.code(), "forbidden"),
            _ => assert_eq!(refused.json()["errors"][0]["path"], "/declaration/border_post"),
        }
    }
    let abroad = format!("/v1/verifications/{verification}/stoppage");
    let answer = service.post(&abroad, &token("KE", "officer"), &stop).await;
    assert_eq!(answer.code(), "not_found", "another State's is not there");
}
