//! Alerts: each refer or hold raises one, at its post and nowhere else.
use super::harness::*;
use serde_json::json;

#[tokio::test]
async fn each_hold_and_refer_raises_one_and_a_clear_none() {
    let service = start();
    service.issue_sample().await;
    for verdict in ["clear", "refer", "hold"] {
        service.verify(&sample(verdict)).await;
    }
    let alerts = service.get("/v1/alerts", &token("FR", "officer")).await.json();
    let alerts = alerts["items"].as_array().unwrap().clone();
    let verdicts: Vec<&str> =
        alerts.iter().map(|alert| alert["severity"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["refer", "hold"]);
    assert!(alerts[1]["codes"].as_array().unwrap().contains(&json!("SERIAL_NOT_ON_LICENCE")));
    assert_eq!(
        (&alerts[0]["status"], &alerts[0]["border_post"]),
        (&json!("open"), &json!("FRLEH"))
    );
}

#[tokio::test]
async fn an_alert_is_acknowledged_once_and_keeps_who_and_what() {
    let service = start();
    service.issue_sample().await;
    service.verify(&sample("hold")).await;
    let officer = token("FR", "officer");
    let id = service.get("/v1/alerts", &officer).await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/alerts/{id}/acknowledgement");
    let taken = service.post(&path, &officer, &json!({"note": "opening the case"})).await;
    assert_eq!((taken.status, taken.json()["status"].as_str()), (200, Some("acknowledged")));
    let again = service
        .post(&path, &token_of("FR", "officer", "officer-2"), &json!({"note": "me too"}))
        .await
        .json();
    assert_eq!(
        (&again["note"], &again["acknowledged_at"]),
        (&json!("opening the case"), &taken.json()["acknowledged_at"])
    );
    let open = service.get("/v1/alerts?status=open", &officer).await.json();
    assert_eq!(open["items"], json!([]));
}

#[tokio::test]
async fn alerts_are_for_the_officers_of_their_post() {
    let service = start();
    service.issue_sample().await;
    service.verify(&sample("hold")).await;
    let id = service.get("/v1/alerts", &token("FR", "officer")).await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let foreign = token("DE", "officer");
    assert_eq!(service.get("/v1/alerts", &foreign).await.json()["items"], json!([]));
    let answer =
        service.post(&format!("/v1/alerts/{id}/acknowledgement"), &foreign, &json!({})).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn an_alert_goes_from_open_to_resolved_and_keeps_who_and_when() {
    let service = start();
    service.issue_sample().await;
    service.verify(&sample("hold")).await;
    let officer = token("FR", "officer");
    let alert = service.get("/v1/alerts", &officer).await.json()["items"][0].clone();
    let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
    let resolution = format!("{path}/resolution");
    for (body, fault) in [
        (json!({}), "/outcome"),
        (json!({"outcome": "released"}), "/outcome"),
        (json!({"outcome": "release_advised"}), "/outcome"),
        (json!({"outcome": "seized", "note": " "}), "/note"),
        (json!({"outcome": "seized", "notes": "x"}), "/notes"),
    ] {
        let refused = service.post(&resolution, &officer, &body).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["path"]), (400, &json!(fault)));
    }
    service.post(&format!("{path}/acknowledgement"), &officer, &json!({"note": "looking"})).await;
    let second = token_of("FR", "officer", "officer-2");
    let body = json!({"outcome": "seized", "note": "two rifles kept"});
    let resolved = service.post_once(&resolution, &second, "r-1", &body).await;
    assert_eq!(resolved.status, 200, "{}", resolved.text);
    let again = service.post_once(&resolution, &second, "r-1", &body).await;
    assert_eq!(again.text, resolved.text, "the same request gets the first answer");
    let shown = resolved.json();
    for (field, value) in [
        ("status", "resolved"),
        ("outcome", "seized"),
        ("acknowledged_by", "https://login.example/FR#officer-1"),
        ("note", "looking"),
        ("resolved_by", "https://login.example/FR#officer-2"),
        ("resolution_note", "two rifles kept"),
    ] {
        assert_eq!(shown[field], value, "{field}: {shown}");
    }
    let read = service.get(&path, &officer).await.json();
    let history = read["history"].as_array().unwrap();
    let changes: Vec<&str> = history.iter().map(|step| step["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["raised", "acknowledged", "resolved"]);
    assert_eq!(read, shown, "the reply to an act is what is read afterwards");
    for step in history {
        let (log, index) = (step["audit"]["log"].as_str().unwrap(), &step["audit"]["index"]);
        let path = format!("/v1/audit/entries/{log}/{index}/proof");
        assert_eq!(service.get(&path, &officer).await.status, 200, "{step}");
    }
    let other = service.post(&resolution, &officer, &json!({"outcome": "refused"})).await;
    assert_eq!((other.status, other.code().as_str()), (409, "conflict"), "it stays resolved");
    let late = service.post(&format!("{path}/acknowledgement"), &officer, &json!({})).await;
    assert_eq!(late.status, 409, "what is resolved is not taken up again");
}

#[tokio::test]
async fn alerts_are_found_by_post_severity_status_kind_and_age() {
    let service = start();
    service.issue_sample().await;
    for verdict in ["refer", "hold"] {
        service.verify(&sample(verdict)).await;
    }
    let officer = token("FR", "officer");
    let count = async |query: &str| {
        let page = service.get(&format!("/v1/alerts?{query}"), &officer).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        page.json()["items"].as_array().unwrap().len()
    };
    for (query, expected) in [
        ("", 2),
        ("severity=hold", 1),
        ("severity=inform", 0),
        ("post=FRLEH", 2),
        ("post=FRMRS", 0),
        ("status=open", 2),
        ("status=resolved", 0),
        ("kind=mismatch&severity=refer", 1),
        ("kind=probing", 0),
        ("since=2020-01-01T00:00:00Z", 2),
        ("since=2099-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let first = service.get("/v1/alerts?limit=1", &officer).await.json();
    let next = first["next"].as_str().unwrap();
    let second = service.get(&format!("/v1/alerts?limit=1&after={next}"), &officer).await.json();
    assert_eq!((&second["items"][0]["severity"], &second["next"]), (&json!("hold"), &json!(null)));
}
