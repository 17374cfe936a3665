//! Bodies that are nearly right: each valid one is spoilt at every field, in every way that its kind
//! of value can be. None may end in a crash, and none may be taken for a verdict on something else.
use super::harness::*;
use super::reach;
use passavant::app::Role;
use passavant::http::ROUTES;
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
        Value::Number(_) => vec![json!("7"), json!(-1), json!(1.5), json!(1e30)],
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

/// Most bodies made of one valid one.
const SPOILT_MAX: usize = 600;

/// Sends a valid body spoilt at every place; gives how many were refused.
async fn spoil(service: &Service, method: &Method, path: &str, role: Role, valid: &Value) -> usize {
    let token = token("FR", role.as_str());
    let mut found = Vec::new();
    places(valid, "", &mut found);
    let bodies = found.iter().flat_map(|place| {
        let spoilt = spoilt(valid.pointer(place).unwrap());
        spoilt.into_iter().map(move |value| (place, value))
    });
    let (mut refused, before) = (0, service.state().await);
    for (n, (place, value)) in bodies.take(SPOILT_MAX).enumerate() {
        let body = with(valid, place, value.clone()).to_string();
        let key = format!("{path}#{n}");
        let headers = [("Idempotency-Key", key.as_str()), ("If-Match", "\"1\"")];
        let answer = service.send(method.clone(), path, &token, &headers, Some(body)).await;
        let case = format!("{method} {path} {place} = {value}: {} {}", answer.status, answer.text);
        assert_eq!(answer.status, 400, "{case}");
        assert_eq!(answer.code(), "invalid_request", "{case}");
        for error in answer.json()["errors"].as_array().unwrap() {
            let named = error["path"].as_str().unwrap();
            let near = place.starts_with(named) || named.starts_with(place);
            assert!(near || valid.pointer(named).is_some(), "{case}: {named}");
        }
        refused += 1;
    }
    assert_eq!(service.state().await, before, "{method} {path} left a trace");
    refused
}

#[tokio::test]
async fn spoilt_bodies_are_refused_with_the_field_and_nothing_breaks() {
    let service = start();
    service.issue_sample().await;
    let (mut refused, mut routes) = (0, 0);
    for (n, route) in ROUTES.iter().enumerate() {
        let asked = reach::case(&service, route, n).await;
        let (Some(body), false) = (asked.body, route.path.ends_with("/import")) else { continue };
        let method = route.method.parse().unwrap();
        let valid = serde_json::from_str(&body).unwrap();
        refused += spoil(&service, &method, &asked.path, route.roles[0], &valid).await;
        routes += 1;
    }
    assert!(refused >= 1000 && routes >= 10, "{refused} bodies to {routes} routes");
    assert_eq!(service.verify(&cartridges("FR-1", "1")).await.json()["verdict"], "clear");
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
