//! Every answer of these tests is held against the API's description, by whoever sends the request.
use super::harness::*;
use jsonschema::Validator;
use passavant::http::ROUTES;
use passavant::http::openapi;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;

static DESCRIPTION: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(openapi::json()).unwrap());
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The validator of a schema of the description, by where it stands.
fn validator(place: &str) -> Option<Arc<Validator>> {
    let schema = DESCRIPTION.pointer(place)?;
    let mut validators = VALIDATORS.lock().unwrap();
    let made = validators.entry(place.to_owned()).or_insert_with(|| {
        let whole = json!({"components": DESCRIPTION["components"], "allOf": [schema]});
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&whole).unwrap())
    });
    Some(Arc::clone(made))
}

fn faults(place: &str, document: &Value) -> Vec<String> {
    let validator = validator(place).unwrap_or_else(|| panic!("{place} is not described"));
    validator
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Whether a path is one of a pattern's; a part such as `{path:.*}` may hold slashes.
fn is_of(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((part, rest)), Some(_)) if part.contains(":.*") => {
            (1..=path.len()).any(|taken| is_of(rest, &path[taken..]))
        }
        (Some((part, rest)), Some((own, others))) => {
            (part.starts_with('{') || part == own) && is_of(rest, others)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Insists that an answer is as the description says.
pub fn insist(method: &Method, path: &str, answer: &Answer) {
    // Without a body, it is the answer to GET.
    if method == Method::HEAD {
        return;
    }
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let route = ROUTES.iter().find(|route| {
        route.method == method.as_str() && is_of(&route.path.split('/').collect::<Vec<_>>(), &parts)
    });
    let kind = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
    let Some(route) = route else {
        if kind == "application/problem+json" {
            assert_eq!(faults("/components/schemas/Problem", &answer.json()), Vec::<String>::new());
        }
        return;
    };
    let own = escaped(&route.path.replace(":.*}", "}"));
    let method = route.method.to_lowercase();
    let place = format!("/paths/{own}/{method}/responses/{}", answer.status);
    let described = DESCRIPTION.pointer(&place);
    let described =
        described.unwrap_or_else(|| panic!("{place} is not described: {}", answer.text));
    let content = &described["content"][&kind];
    assert!(content.is_object(), "{place} is not described as {kind}: {}", answer.text);
    if kind.ends_with("json") {
        let place = format!("{place}/content/{}/schema", escaped(&kind));
        assert_eq!(
            faults(&place, &answer.json()),
            Vec::<String>::new(),
            "{place}: {}",
            answer.text
        );
    }
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        assert!(
            !answer.header(name).is_empty(),
            "{place}: {name} {header} in {:?}",
            answer.headers
        );
    }
}

/// The places at which a shape insists on something, within an example that has every object empty.
fn insisted(shape: &Value, example: &Value, at: &str, found: &mut BTreeSet<String>) {
    let name = shape["$ref"].as_str().map(|name| name.trim_start_matches("#/components/schemas/"));
    let shape = name.map_or(shape, |name| &DESCRIPTION["components"]["schemas"][name]);
    let shape = shape["oneOf"].as_array().and_then(|choice| choice.get(1)).unwrap_or(shape);
    if shape["$ref"].is_string() {
        return insisted(shape, example, at, found);
    }
    for field in shape["required"].as_array().into_iter().flatten() {
        let field = field.as_str().unwrap();
        let given = &example[field];
        let lacks = given.is_null() || given.as_array().is_some_and(Vec::is_empty);
        if lacks {
            found.insert(format!("{at}/{field}"));
        }
    }
    for (field, value) in example.as_object().into_iter().flatten() {
        insisted(&shape["properties"][field], value, &format!("{at}/{field}"), found);
    }
    for (index, value) in example.as_array().into_iter().flatten().enumerate() {
        insisted(&shape["items"], value, &format!("{at}/{index}"), found);
    }
}

/// Sends an example with everything left out and compares what is missed with what is described.
async fn assert_insists(service: &Service, method: Method, path: &str, role: &str, example: Value) {
    let headers = [("Idempotency-Key", "k"), ("If-Match", "\"1\"")];
    let body = Some(example.to_string());
    let answer = service.send(method.clone(), path, &token("FR", role), &headers, body).await;
    let missed: BTreeSet<String> = answer.json()["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{method} {path}: {}", answer.text))
        .iter()
        .filter(|error| error["code"] == "required")
        .map(|error| error["path"].as_str().unwrap().to_owned())
        .collect();
    let pattern = ROUTES.iter().find(|route| {
        let parts: Vec<&str> = route.path.split('/').collect();
        route.method == method.as_str() && is_of(&parts, &path.split('/').collect::<Vec<_>>())
    });
    let operation = &DESCRIPTION["paths"][pattern.unwrap().path][method.as_str().to_lowercase()];
    let shape = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut described = BTreeSet::new();
    insisted(shape, &example, "", &mut described);
    let differ: Vec<&String> = missed.symmetric_difference(&described).collect();
    assert!(!missed.is_empty() && differ.is_empty(), "{method} {path}: {differ:?}");
}

#[tokio::test]
async fn what_a_request_must_state_is_described() {
    let service = start();
    let id = "019a0000-0000-7000-8000-000000000000";
    let item =
        json!({"content": {}, "licences": [{}], "marks": [{}], "lots": [{}], "deactivation": {}});
    let declaration = json!({
        "reference": {}, "route": [{}], "declarant": {}, "carrier": {}, "documents": [{}], "scope_claim": {},
        "temporary": {}, "crossings": [{}], "observations": [{}], "fulfilments": [{}], "items": [item]
    });
    let licence = json!({
        "transit": [{"consent": {}}], "exporter": {}, "brokers": [{}], "conditions": [{}], "lines": [{}]
    });
    let lists = json!({
        "embargoes": [{}], "watched": [{"name": "X"}], "sought": [{}], "posts": [{}], "agreements": [{}],
        "holidays": [{}], "refusals": [{}], "states": [{}]
    });
    let insists = async |method, path: &str, role, example| {
        assert_insists(&service, method, path, role, example).await;
    };
    for example in [json!({"declaration": {}}), json!({"declaration": declaration})] {
        insists(Method::POST, "/v1/verifications", "officer", example.clone()).await;
        // Before customs have given a number, the UCR stands in for it.
        let mut announced = example;
        announced["declaration"].as_object_mut().unwrap().remove("reference");
        announced["declaration"]["ucr"] = json!("6FR1-A");
        insists(Method::POST, "/v1/preclearances", "carrier", announced).await;
    }
    let (exit, entry) = (json!({"ucr": "6FR1-A"}), json!({}));
    insists(Method::POST, "/v1/exits", "officer", exit).await;
    insists(Method::POST, "/v1/entries", "officer", entry).await;
    let arrival = json!({"ucr": "6FR1-A", "items": [{"content": {}}]});
    insists(Method::POST, "/v1/arrivals", "officer", arrival).await;
    insists(Method::POST, "/v1/webhooks", "authority", json!({})).await;
    insists(Method::POST, "/v1/serials/reports", "officer", json!({})).await;
    for example in [json!({}), licence] {
        insists(Method::POST, "/v1/licences", "authority", example).await;
    }
    insists(Method::PUT, "/v1/lists", "authority", lists).await;
    insists(Method::POST, "/v1/releases", "officer", json!({"override": {}})).await;
    for (path, role) in [
        ("/v1/releases".to_owned(), "officer"),
        (format!("/v1/releases/{id}/reversal"), "officer"),
        (format!("/v1/releases/{id}/amendment"), "officer"),
        ("/v1/licences/X/suspension".to_owned(), "authority"),
        (format!("/v1/alerts/{id}/resolution"), "officer"),
        (format!("/v1/alerts/{id}/decision"), "authority"),
    ] {
        insists(Method::POST, &path, role, json!({})).await;
    }
}

#[test]
fn the_samples_are_as_described_and_a_misspelt_one_is_not() {
    let shape = "/components/schemas/Declaration";
    for verdict in ["clear", "refer", "hold"] {
        assert_eq!(faults(shape, &sample(verdict)), Vec::<String>::new());
    }
    for licence in passavant::demo::licences(today()) {
        assert_eq!(faults("/components/schemas/Licence", &licence), Vec::<String>::new());
    }
    let lists: Value = serde_json::from_str(include_str!("../../data/lists.json")).unwrap();
    assert_eq!(faults("/components/schemas/ReferenceLists", &lists), Vec::<String>::new());
    for (place, value) in [
        ("/serials", json!([])),
        ("/movement", json!("exprot")),
        ("/border_post", json!("Le Havre")),
        ("/items/0/quantity", json!(2)),
        ("/items/0/quantity", json!("2,5")),
        ("/items", json!([])),
        ("/country_of_export", json!("fr")),
    ] {
        let mut declaration = sample("clear");
        match declaration.pointer_mut(place) {
            Some(field) => *field = value,
            None => declaration[place.trim_start_matches('/')] = value,
        }
        assert!(!faults(shape, &declaration).is_empty(), "{place}");
    }
}

#[tokio::test]
async fn what_only_some_routes_answer_is_described() {
    let service = start();
    let responses = |method: &str, path: &str| {
        let place = format!("/paths/{}/{method}/responses", escaped(path));
        DESCRIPTION.pointer(&place).unwrap_or_else(|| panic!("{place}")).clone()
    };
    assert!(responses("get", "/v1/alerts/stream")["410"].is_object());
    assert!(responses("post", "/v1/licences/import")["415"].is_object());
    assert!(responses("get", "/v1/status-lists/{list}")["404"].is_object());
    assert_eq!(service.get("/v1/status-lists/9", "").await.code(), "not_found");
    let path = "/.well-known/jwks.json";
    let (keys, kind) = (service.get(path, "").await, "application/jwk-set+json");
    assert_eq!(keys.header("content-type"), kind);
    let place =
        format!("/paths/{}/get/responses/200/content/{}/schema", escaped(path), escaped(kind));
    assert_eq!(faults(&place, &keys.json()), Vec::<String>::new());
    assert!(!faults(&place, &json!("keys")).is_empty(), "it is an object");
}

#[tokio::test]
async fn what_the_service_checks_of_words_and_gives_is_described() {
    let service = start();
    service.issue_sample().await;
    let words = |shape: &str, field: &str| {
        DESCRIPTION["components"]["schemas"][shape]["properties"][field]["enum"].clone()
    };
    assert_eq!(
        words("SerialReportRequest", "report"),
        json!(["lost", "stolen", "seized", "found"])
    );
    let received = json!(["nothing", "partial", "complete", "short", "differs", "surplus", null]);
    assert_eq!(words("ReceiptStepRequest", "received"), received);
    let absent = service.get("/v1/audit/entries?log=nolog", &token("FR", "auditor")).await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "not_found"));
    let announced =
        &DESCRIPTION["components"]["schemas"]["Verification"]["properties"]["preclearance"];
    assert!(announced.is_object());
    let keys = service.get("/v1/webhooks/keys", &token("FR", "authority")).await;
    assert!(keys.json()["keys"][0]["from"].as_str().unwrap().ends_with('Z'), "{}", keys.text);
    let mut nulls = sample("clear");
    nulls["items"][0]["serials"] = Value::Null;
    nulls["route"] = Value::Null;
    let shape = "/components/schemas/Declaration";
    assert_eq!(faults(shape, &nulls), Vec::<String>::new(), "null is what is not stated");
    nulls["items"] = Value::Null;
    assert!(!faults(shape, &nulls).is_empty(), "what must be stated is not null");
}
