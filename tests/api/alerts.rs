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
        alerts.iter().map(|alert| alert["verdict"].as_str().unwrap()).collect();
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
    let id = service.get("/v1/alerts", &officer).await.json()["items"][0]["id"].as_i64().unwrap();
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
        .as_i64()
        .unwrap();
    let foreign = token("DE", "officer");
    assert_eq!(service.get("/v1/alerts", &foreign).await.json()["items"], json!([]));
    let answer =
        service.post(&format!("/v1/alerts/{id}/acknowledgement"), &foreign, &json!({})).await;
    assert_eq!(answer.status, 404);
}
