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

fn fault(path: &str, code: &str) -> (String, String) {
    (path.to_owned(), code.to_owned())
}

#[tokio::test]
async fn an_object_is_not_read_from_a_list() {
    let service = start();
    service.issue_sample().await;
    let (officer, authority) = (token("FR", "officer"), token("FR", "authority"));
    let mut declaration = sample("clear");
    declaration["exporter"] = json!(["FR12345678901234", "Armurerie"]);
    let refused = service.verify(&declaration).await;
    assert_eq!(refused.faults(), [fault("/declaration/exporter", "wrong_type")]);
    assert!(refused.text.contains("an object is expected here, not a list"), "{}", refused.text);
    let quote = json!([EXPORT, 2]);
    let mut declaration = sample("clear");
    declaration["items"][1]["licences"][0] = quote;
    let refused = service.verify(&declaration).await;
    assert_eq!(refused.faults(), [fault("/declaration/items/1/licences/0", "wrong_type")]);
    let path = format!("/v1/licences/{EXPORT}/suspension");
    assert_eq!(service.post(&path, &authority, &json!(["because"])).await.status, 400);
    let licence = service.get(&format!("/v1/licences/{EXPORT}"), &authority).await.json();
    assert_eq!((&licence["status"], &licence["version"]), (&json!("active"), &json!(1)));
    let body = json!([declaration]);
    assert_eq!(service.post("/v1/verifications", &officer, &body).await.status, 400);
}

#[tokio::test]
async fn an_edition_of_the_lists_names_every_list() {
    let service = start();
    let authority = token("FR", "authority");
    let put = async |body: &str| {
        service.send(Method::PUT, "/v1/lists", &authority, &[], Some(body.to_owned())).await
    };
    let before = service.get("/v1/lists", &authority).await.text;
    assert_eq!(put("[]").await.faults(), [fault("", "wrong_type")]);
    assert_eq!(put("{}").await.faults().len(), 9);
    let mut lists: Value = serde_json::from_str(&before).unwrap();
    lists.as_object_mut().unwrap().remove("embargoes");
    assert_eq!(put(&lists.to_string()).await.faults(), [fault("/embargoes", "required")]);
    assert_eq!(
        service.get("/v1/lists", &authority).await.text,
        before,
        "nothing is in force of it"
    );
}

#[tokio::test]
async fn every_error_is_told_once_and_where_it_was_sent() {
    let service = start();
    let mut declaration = sample("clear");
    declaration["items"][0]["serials"] = json!(["ok", 7, 8, "fine", true]);
    let wrong = |place: &str| fault(&format!("/declaration/items/{place}"), "wrong_type");
    let serials = ["0/serials/1", "0/serials/2", "0/serials/4"].map(wrong);
    assert_eq!(service.verify(&declaration).await.faults(), serials);
    // What is wrong behind elements that are set aside, in shape or in words, is named where it stands.
    declaration["items"] = json!([7, declaration["items"][1], null, declaration["items"][1]]);
    declaration["items"][3]["quantity"] = json!("-1");
    declaration["items"][3]["serial"] = json!([]);
    declaration["border_post"] = json!("nowhere");
    let mut found = service.verify(&declaration).await.faults();
    found.sort();
    let place = |place: &str, code: &str| fault(&format!("/declaration/{place}"), code);
    let expected = [
        place("border_post", "not_a_locode"),
        place("items/0", "wrong_type"),
        place("items/2", "wrong_type"),
        place("items/3/item", "duplicate"),
        place("items/3/quantity", "not_a_quantity"),
        place("items/3/serial", "unknown_field"),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_field_that_stands_twice_and_a_byte_order_mark_are_named() {
    let service = start();
    let send = async |body: String| {
        service
            .send(Method::POST, "/v1/verifications", &token("FR", "officer"), &[], Some(body))
            .await
    };
    let twice = sample("clear").to_string().replacen("\"unit\":", "\"unit\":\"C62\",\"unit\":", 1);
    let refused = send(format!("{{\"declaration\":{twice}}}")).await;
    assert_eq!(refused.faults(), [fault("/declaration/items/0/unit", "duplicate_field")]);
    let refused = send(format!("\u{feff}{}", json!({"declaration": sample("clear")}))).await;
    assert_eq!(refused.faults(), [fault("", "not_json")]);
    assert!(refused.text.contains("byte order mark"), "{}", refused.text);
    let refused =
        send(json!({"declaration": sample("clear"), "preclearance": 7}).to_string()).await;
    assert!(refused.text.contains("a text is expected here, not 7"), "{}", refused.text);
    let refused = send("7".to_owned()).await;
    assert!(refused.text.contains("an object is expected here, not 7"), "{}", refused.text);
}

#[tokio::test]
async fn a_time_that_is_not_rfc_3339_is_refused() {
    let service = start();
    let mut declaration = sample("clear");
    for bad in [
        "20261126T000100Z",
        "2026-11-26T00Z",
        "2026-11-26T00:01:00+0100",
        "+002026-11-26T00:01:00Z",
    ] {
        declaration["accepted_at"] = json!(bad);
        let refused = service.verify(&declaration).await;
        assert_eq!(refused.faults(), [fault("/declaration/accepted_at", "not_a_time")], "{bad}");
    }
    let alerts = service.get("/v1/alerts?since=20261126T000100Z", &token("FR", "officer")).await;
    assert_eq!(alerts.faults().len(), 1);
}

#[tokio::test]
async fn parameters_that_a_route_does_not_take_are_refused_by_name() {
    let service = start();
    service.issue_sample().await;
    for (n, route) in ROUTES.iter().enumerate() {
        let asked = reach::case(&service, route, n).await;
        let token = token("FR", route.roles[0].as_str());
        let before = service.state().await;
        let also = if asked.path.contains('?') { '&' } else { '?' };
        let path = format!("{}{also}dry_run=true", asked.path);
        let key = format!("query-{n}");
        let headers = [("Idempotency-Key", key.as_str()), ("If-Match", "\"1\"")];
        let method: Method = route.method.parse().unwrap();
        let answer = service.send(method, &path, &token, &headers, asked.body).await;
        let case = format!("{} {path}", route.method);
        assert_eq!(answer.status, 400, "{case}: {}", answer.text);
        let fault = ("?dry_run".to_owned(), "invalid_query".to_owned());
        assert!(answer.faults().contains(&fault), "{case}: {}", answer.text);
        assert_eq!(service.state().await, before, "{case} left a trace");
    }
}

/// Routes that take what posts, carriers and authorities write.
const PAPERS: [&str; 7] = [
    "/v1/verifications",
    "/v1/preclearances",
    "/v1/licences",
    "/v1/licences/{number}",
    "/v1/exits",
    "/v1/entries",
    "/v1/arrivals",
];

#[tokio::test]
async fn a_field_that_is_null_is_one_that_is_not_stated() {
    let service = start();
    service.issue_sample().await;
    let mut nulls = 0;
    for (n, route) in ROUTES.iter().enumerate() {
        let asked = reach::case(&service, route, n).await;
        let (Some(body), false) = (asked.body, !PAPERS.contains(&route.path)) else { continue };
        let mut valid: Value = serde_json::from_str(&body).unwrap();
        if let Some(item) = valid.pointer_mut("/declaration/items/0").and_then(Value::as_object_mut)
        {
            for list in ["lots", "alternative_markings", "marks"] {
                item.insert(list.to_owned(), json!([]));
            }
        }
        if route.path == "/v1/licences" {
            for list in ["carriers", "mandated_carriers", "brokers", "conditions"] {
                valid[list] = json!([]);
            }
        }
        let mut found = Vec::new();
        places(&valid, "", &mut found);
        found.retain(|place| place.rsplit('/').next().unwrap().parse::<usize>().is_err());
        let token = token("FR", route.roles[0].as_str());
        // What is taken may have changed something; it is only asked whether null is a word there.
        for (m, place) in found.iter().take(120).enumerate() {
            let key = format!("null-{n}-{m}");
            let headers = [("Idempotency-Key", key.as_str()), ("If-Match", "\"1\"")];
            let body = with(&valid, place, Value::Null).to_string();
            let method = route.method.parse().unwrap();
            let answer = service.send(method, &asked.path, &token, &headers, Some(body)).await;
            let case = format!("{} {} {place}: {}", route.method, asked.path, answer.text);
            assert!(!answer.text.contains("wrong_type"), "{case}");
            nulls += 1;
        }
    }
    assert!(nulls > 100, "{nulls}");
}
