//! Alerts: each refer or hold raises one, at its post and nowhere else.
use super::harness::*;
use serde_json::Value;
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

/// A few rounds under a reference of their own: that clear, for another consignee, and more than there are.
fn lorry(reference: &str) -> [Value; 3] {
    let mut clear = cartridges(reference, "10");
    clear["ucr"] = json!(format!("6FR12345678901234-{reference}"));
    let (mut refer, mut hold) = (clear.clone(), clear.clone());
    refer["consignee"] = json!({"id": "KE0099999999", "name": "Coast Freight"});
    hold["items"][0]["quantity"] = json!("60000");
    [clear, refer, hold]
}

/// The alerts at Le Havre on a declaration, each with its history.
async fn cases(service: &Service, reference: &str) -> Vec<Value> {
    let officer = token("FR", "officer");
    let page = service.get("/v1/alerts?kind=mismatch&limit=200", &officer).await.json();
    let mut cases = Vec::new();
    for alert in page["items"].as_array().unwrap() {
        if alert["declaration"] == reference {
            let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
            cases.push(service.get(&path, &officer).await.json());
        }
    }
    cases
}

fn changes(case: &Value) -> Vec<&str> {
    let steps = case["history"].as_array().unwrap().iter();
    steps.map(|step| step["change"].as_str().unwrap()).collect()
}

async fn verified(service: &Service, declaration: &Value, verdict: &str) -> Value {
    let verification = service.verify(declaration).await.json();
    assert_eq!(verification["verdict"], verdict, "{verification}");
    verification
}

#[tokio::test]
async fn a_further_look_at_a_lorry_takes_its_open_alert_further() {
    let service = start();
    service.issue_sample().await;
    let [_, refer, hold] = lorry("FR-LORRY-1");
    verified(&service, &refer, "refer").await;
    let [first] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    let taken = format!("/v1/alerts/{}/acknowledgement", first["id"].as_str().unwrap());
    service.post(&taken, &token("FR", "officer"), &json!({})).await;
    verified(&service, &hold, "hold").await;
    let last = verified(&service, &refer, "refer").await;
    let [case] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    for field in ["id", "raised_at", "due"] {
        assert_eq!(case[field], first[field], "{field} stays that of the first look");
    }
    assert_eq!(case["status"], "acknowledged", "whoever works on it goes on");
    assert_eq!(case["severity"], "hold", "it weighs as the heaviest verdict does");
    assert_eq!(case["codes"], json!(["QUANTITY_EXCEEDS_AUTHORISED", "CONSIGNEE_MISMATCH"]));
    assert_eq!(case["verification"], last["id"], "what is to be looked at is the latest");
    assert_eq!(changes(&case), ["raised", "acknowledged", "seen_again", "seen_again"]);
    let steps = case["history"].as_array().unwrap();
    assert_eq!(steps[2]["note"], "QUANTITY_EXCEEDS_AUTHORISED");
    assert_eq!(steps[3]["audit"], last["audit"], "it stands in the trail as that verdict");
    // Another lorry is another case.
    verified(&service, &lorry("FR-LORRY-2")[2], "hold").await;
    assert_eq!(cases(&service, "FR-LORRY-2").await.len(), 1);
    assert_eq!(changes(&cases(&service, "FR-LORRY-1").await[0]).len(), 4);
}

#[tokio::test]
async fn what_comes_up_after_its_alert_is_resolved_is_a_new_one() {
    let service = start();
    service.issue_sample().await;
    let [_, _, hold] = lorry("FR-LORRY-1");
    verified(&service, &hold, "hold").await;
    let [first] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    let path = format!("/v1/alerts/{}/resolution", first["id"].as_str().unwrap());
    let done = json!({"outcome": "false_alert"});
    assert_eq!(service.post(&path, &token("FR", "officer"), &done).await.status, 200);
    let second = verified(&service, &hold, "hold").await;
    let [old, new] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    assert_eq!((&old["id"], changes(&old)), (&first["id"], vec!["raised", "resolved"]));
    assert_eq!((&new["verification"], &new["status"]), (&second["id"], &json!("open")));
    assert_eq!(new["due"][0]["kind"], "customs_notice");
}

#[tokio::test]
async fn goods_that_are_released_leave_no_alert_open() {
    let service = start();
    service.issue_sample().await;
    let [clear, _, hold] = lorry("FR-LORRY-1");
    verified(&service, &hold, "hold").await;
    verified(&service, &lorry("FR-LORRY-2")[2], "hold").await;
    verified(&service, &clear, "clear").await;
    let [case] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    assert_eq!(case["status"], "open", "a verdict ends nothing");
    let released = service.release(&clear, "k").await;
    assert_eq!(released.status, 201, "{}", released.text);
    let [case] = cases(&service, "FR-LORRY-1").await.try_into().unwrap();
    assert_eq!(
        (&case["status"], &case["outcome"], &case["resolved_by"], &case["due"]),
        (
            &json!("resolved"),
            &json!("released_after_check"),
            &json!("https://login.example/FR#officer-1"),
            &Value::Null
        )
    );
    assert_eq!(changes(&case), ["raised", "resolved"]);
    assert_eq!(cases(&service, "FR-LORRY-2").await[0]["status"], "open", "it is another lorry");
}

#[tokio::test]
async fn shipments_under_one_ucr_are_told_apart_by_content() {
    let service = start();
    service.issue_sample().await;
    let [_, refer, hold] = lorry("FR-LORRY-1").map(|mut declaration| {
        declaration["reference"] = json!({"type": "ucr", "value": "6FR12345678901234-UCR"});
        declaration
    });
    for (declaration, verdict) in [(&refer, "refer"), (&hold, "hold"), (&refer, "refer")] {
        verified(&service, declaration, verdict).await;
    }
    let [first, second] = cases(&service, "6FR12345678901234-UCR").await.try_into().unwrap();
    assert_eq!(
        (changes(&first), &first["severity"]),
        (vec!["raised", "seen_again"], &json!("refer"))
    );
    assert_eq!((changes(&second), &second["severity"]), (vec!["raised"], &json!("hold")));
}
