//! Bodies that are nearly right: each valid one is spoilt at every field, in every way that its kind
//! of value can be. None may end in a crash, and none may be taken for a verdict on something else.
use super::harness::*;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

/// Every place of a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let place = format!("{at}/{key}");
                found.push(place.clone());
                places(value, &place, found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate().take(2) {
                let place = format!("{at}/{index}");
                found.push(place.clone());
                places(value, &place, found);
            }
        }
        _ => {}
    }
}

/// What a value is replaced by.
fn spoilt(value: &Value) -> Vec<Value> {
    let long = "9".repeat(2000);
    match value {
        Value::String(_) => {
            vec![json!(7), json!([]), json!(""), json!("\u{0}"), json!(long), json!({"a": 1})]
        }
        Value::Number(_) => vec![json!("7"), json!(-1), json!(1.5), json!(1e30), json!(null)],
        Value::Array(_) => vec![json!("x"), json!({}), json!([[]])],
        Value::Object(_) => vec![json!("x"), json!([1]), json!({"unknown": 1})],
        Value::Bool(_) | Value::Null => vec![json!("yes"), json!(1)],
    }
}

/// The document with a place replaced.
fn with(document: &Value, place: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(place).unwrap() = value;
    document
}

async fn spoil(service: &Service, method: Method, path: &str, role: &str, valid: &Value) -> usize {
    let token = token("FR", role);
    let mut found = Vec::new();
    places(valid, "", &mut found);
    let mut sent = 0;
    for place in found {
        for value in spoilt(valid.pointer(&place).unwrap()) {
            let body = with(valid, &place, value.clone()).to_string();
            let headers = [("Idempotency-Key", "malformed"), ("If-Match", "\"1\"")];
            let headers = if method == Method::PUT { &headers[1..] } else { &[] };
            let answer = service.send(method.clone(), path, &token, headers, Some(body)).await;
            // A null stands for a field that is not stated, which may be a verdict of its own.
            let stated = answer.status == 400 && answer.code() == "invalid_request";
            let allowed =
                stated || (value.is_null() && answer.status < 500) || answer.status == 409;
            assert!(allowed, "{path} {place} = {value}: {} {}", answer.status, answer.text);
            if stated {
                for error in answer.json()["errors"].as_array().unwrap() {
                    let named = error["path"].as_str().unwrap();
                    assert!(
                        place.starts_with(named)
                            || named.starts_with(&place)
                            || valid.pointer(named).is_some(),
                        "{place}: {named}"
                    );
                }
            }
            sent += 1;
        }
    }
    sent
}

#[tokio::test]
async fn spoilt_bodies_are_refused_with_the_field_and_nothing_breaks() {
    let service = start();
    service.issue_sample().await;
    let mut sent = spoil(
        &service,
        Method::POST,
        "/v1/verifications",
        "officer",
        &json!({"declaration": sample("clear")}),
    )
    .await;
    let licence = passavant::demo::licences(today()).remove(0);
    sent += spoil(&service, Method::POST, "/v1/licences", "authority", &licence).await;
    sent += spoil(&service, Method::PUT, &format!("/v1/licences/{EXPORT}"), "authority", &licence)
        .await;
    assert!(sent >= 200, "{sent} bodies");
    assert_eq!(
        service.verify(&sample("clear")).await.json()["verdict"],
        "clear",
        "and the service is well"
    );
}

#[tokio::test]
async fn bodies_cut_short_or_full_of_rubbish_are_refused() {
    let service = start();
    let officer = token("FR", "officer");
    let whole = json!({"declaration": sample("clear")}).to_string();
    let mut bodies: Vec<String> =
        (0..whole.len()).step_by(97).map(|end| whole.chars().take(end).collect()).collect();
    bodies.extend(
        [
            "null",
            "[]",
            "7",
            "\"x\"",
            "{}",
            "{\"declaration\":null}",
            "{\"declaration\":[]}",
            "[[[[[[[[",
        ]
        .map(str::to_owned),
    );
    bodies.push("[".repeat(100_000));
    bodies.push(format!("{{\"declaration\":{}}}", "{\"items\":".repeat(500)));
    for body in bodies {
        let answer = service
            .send(Method::POST, "/v1/verifications", &officer, &[], Some(body.clone()))
            .await;
        let start: String = body.chars().take(60).collect();
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{start}");
    }
}
