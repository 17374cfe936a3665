//! Every route by every role of every State, asked for something that is there and is France's: whose
//! it is decides, and to everyone else it is not there. A new route has to say here who reaches what.
use super::harness::*;
use passavant::http::ROUTES;
use passavant::http::Route;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

/// Who reaches what a route is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every State.
    Everyone,
    /// France, and Kenya, which the papers name.
    Named,
    /// France alone.
    France,
    /// France alone, and others are told why not by this status.
    FranceBut(u16),
    /// France and Kenya, and others are told why not by this status.
    NamedBut(u16),
    /// France, which exports; Kenya, which imports, is told that it is not its step.
    Exporting,
    /// Kenya, which imports; France, which exports, is told that it is not its step.
    Importing,
    /// A page of what is the caller's own: France's is not empty, Germany's is.
    Page,
    /// A report on records each of which is judged by whose it is.
    Report,
}

/// One request for something of France's.
pub struct Asked {
    pub path: String,
    pub body: Option<String>,
    reach: Reach,
}

fn asked(path: impl Into<String>, reach: Reach) -> Asked {
    Asked { path: path.into(), body: None, reach }
}

fn sent(path: impl Into<String>, body: &Value, reach: Reach) -> Asked {
    Asked { body: Some(body.to_string()), ..asked(path, reach) }
}

/// A licence of France's that nobody has issued yet.
fn new_licence(n: usize) -> Value {
    let mut licence = passavant::demo::licences(today()).remove(0);
    licence["number"] = json!(format!("FR-EXP-{n:05}"));
    licence
}

async fn issued(service: &Service, n: usize) -> String {
    let issued = service.post("/v1/licences", &token("FR", "authority"), &new_licence(n)).await;
    issued.json()["number"].as_str().unwrap().to_owned()
}

async fn released(service: &Service, reference: &str) -> String {
    let release = service.release(&cartridges(reference, "1"), reference).await.json();
    release["id"].as_str().unwrap_or_else(|| panic!("{release}")).to_owned()
}

/// A release against the advice that another officer has asked for.
async fn waiting(service: &Service) -> String {
    let verification = service.verify(&sample("refer")).await.json();
    let body = json!({"verification": verification["id"], "override": {"reason": "a test"}});
    let asking = token_of("FR", "officer", "another");
    let asked = service.post_once("/v1/releases", &asking, "waiting", &body).await.json();
    asked["id"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned()
}

async fn announced(service: &Service, reference: &str) -> String {
    let body = json!({"declaration": cartridges(reference, "1"), "reserve": true});
    let lodged = service.post("/v1/preclearances", &token("FR", "carrier"), &body).await.json();
    lodged["id"].as_str().unwrap_or_else(|| panic!("{lodged}")).to_owned()
}

/// A receipt of France's goods in Kenya.
async fn receipt(service: &Service, reference: &str) -> String {
    let release = released(service, reference).await;
    let receipts = service.get("/v1/receipts?limit=200", &token("FR", "authority")).await.json();
    let mut receipts = receipts["items"].as_array().unwrap().iter();
    let receipt = receipts.find(|receipt| receipt["release"] == release.as_str()).unwrap();
    receipt["id"].as_str().unwrap().to_owned()
}

/// An alert on goods of its own, for what is seen again raises none.
async fn alert(service: &Service, reference: &str) -> String {
    service.verify(&cartridges(reference, "60000")).await;
    let page = service.get("/v1/alerts?limit=200", &token("FR", "officer")).await.json();
    let mut alerts = page["items"].as_array().unwrap().iter();
    let own = alerts.find(|alert| alert["declaration"] == reference).unwrap();
    own["id"].as_str().unwrap().to_owned()
}

/// What a route of one alert is asked for.
async fn alerts(service: &Service, path: &str, reference: &str) -> Asked {
    let id = alert(service, reference).await;
    let body = match path.rsplit('/').next().unwrap() {
        "acknowledgement" | "referral" => json!({"note": "a test"}),
        "resolution" => json!({"outcome": "released_after_check", "note": "a test"}),
        "decision" => {
            let referral = format!("/v1/alerts/{id}/referral");
            service.post(&referral, &token("FR", "officer"), &json!({})).await;
            let page = service.get("/v1/alerts?kind=referral", &token("FR", "authority")).await;
            let page = page.json();
            let asked = page["items"].as_array().unwrap().last().unwrap();
            let path = path.replace("{id}", asked["id"].as_str().unwrap());
            let body = json!({"decision": "refuse", "reason": "a test"});
            return sent(path, &body, Reach::France);
        }
        _ => return asked(path.replace("{id}", &id), Reach::France),
    };
    sent(path.replace("{id}", &id), &body, Reach::France)
}

/// What a route is asked for, with everything made that it needs.
pub async fn case(service: &Service, route: &Route, n: usize) -> Asked {
    let reference = format!("FR-{n:05}");
    let reason = json!({"reason": "a test"});
    let licence = format!("/v1/licences/{EXPORT}");
    match (route.method, route.path) {
        // A stream is open to everyone, and tells each only of what is its own: `alert_stream` has that.
        (
            "GET",
            path @ ("/v1/whoami"
            | "/v1/lists"
            | "/v1/audit/checkpoint"
            | "/v1/audit/logs"
            | "/v1/alerts/stream"),
        ) => asked(path, Reach::Everyone),
        ("POST", path @ "/v1/verifications") => {
            let body = json!({"declaration": cartridges(&reference, "1")});
            sent(path, &body, Reach::FranceBut(400))
        }
        (_, path) if path.starts_with("/v1/preclearances") => {
            announced_case(service, route, &reference).await
        }
        (_, path) if path.starts_with("/v1/releases") => {
            released_case(service, route, &reference).await
        }
        ("GET", path @ ("/v1/licences" | "/v1/alerts" | "/v1/audit/entries")) => {
            service.verify(&sample("hold")).await;
            asked(path, Reach::Page)
        }
        ("POST", path @ "/v1/licences") => sent(path, &new_licence(n), Reach::FranceBut(400)),
        ("POST", path @ "/v1/licences/import") => sent(path, &new_licence(n), Reach::Report),
        ("GET", "/v1/licences/{number}") => asked(licence, Reach::Named),
        ("PUT", "/v1/licences/{number}") => {
            sent(licence, &passavant::demo::licences(today()).remove(0), Reach::France)
        }
        ("GET", "/v1/licences/{number}/ledger" | "/v1/licences/{number}/versions") => {
            asked(route.path.replace("{number}", EXPORT), Reach::France)
        }
        (_, path) if path.starts_with("/v1/licences/{number}/credential") => {
            asked(path.replace("{number}", EXPORT), Reach::France)
        }
        ("POST", path @ "/v1/credentials/verify") => {
            sent(path, &json!({"credential": "PV1:NCF"}), Reach::Everyone)
        }
        ("POST", path @ "/v1/verifications/{id}/stoppage") => {
            let mut goods = cartridges(&reference, "1");
            goods["ucr"] = json!("6FR12345678901234-STOPPED");
            let verdict = service.verify(&goods).await.json();
            let body = json!({"measure": "hold", "reason": "a test"});
            sent(path.replace("{id}", verdict["id"].as_str().unwrap()), &body, Reach::France)
        }
        ("GET", path @ "/v1/verifications/{id}/evidence") => {
            let verdict = service.verify(&cartridges(&reference, "1")).await.json();
            asked(path.replace("{id}", verdict["id"].as_str().unwrap()), Reach::France)
        }
        ("POST", "/v1/licences/{number}/{decision}") => {
            let number = issued(service, n).await;
            sent(format!("/v1/licences/{number}/suspension"), &reason, Reach::France)
        }
        (_, path) if path.starts_with("/v1/alerts/{id}") => alerts(service, path, &reference).await,
        ("PUT", path @ "/v1/lists") => {
            let lists = service.get(path, &token("FR", "authority")).await.text;
            Asked { body: Some(lists), ..asked(path, Reach::FranceBut(403)) }
        }
        (_, path) if path.starts_with("/v1/posts/") => post_case(service, route, n).await,
        ("GET", "/v1/audit/tile/{path:.*}") => asked("/v1/audit/tile/0/000.p/1", Reach::Everyone),
        ("GET", "/v1/audit/entries/{log:.*}/{index}/proof") => {
            asked("/v1/audit/entries/passavant.example/test/0/proof", Reach::Named)
        }
        _ => shipment_case(service, route, &reference).await,
    }
}

/// The same for routes that follow goods after their release.
async fn shipment_case(service: &Service, route: &Route, reference: &str) -> Asked {
    match (route.method, route.path) {
        ("POST", path @ "/v1/exits") => {
            let id = released(service, reference).await;
            sent(path, &super::consignments::exit_of(&id), Reach::FranceBut(400))
        }
        ("POST", path @ "/v1/entries") => {
            let entry = super::consignments::entry_at("FRLEH", super::consignments::SHIP);
            sent(path, &entry, Reach::FranceBut(400))
        }
        ("POST", path @ "/v1/arrivals") => {
            let arrival = json!({"ucr": super::consignments::ucr(), "border_post": "FRLEH",
                "arrived_at": super::consignments::now(), "final": true});
            sent(path, &arrival, Reach::FranceBut(400))
        }
        ("GET", path @ "/v1/serials") => asked(format!("{path}?serial=VC000101"), Reach::Page),
        ("POST", path @ "/v1/serials/reports") => {
            let body =
                json!({"report": "lost", "serial": "A1", "reference": "1", "border_post": "FRLEH"});
            sent(path, &body, Reach::FranceBut(400))
        }
        ("GET", path @ "/v1/receipts") => {
            released(service, reference).await;
            asked(path, Reach::Page)
        }
        ("GET", path @ "/v1/receipts/{id}") => {
            asked(path.replace("{id}", &receipt(service, reference).await), Reach::Named)
        }
        ("POST", path @ ("/v1/receipts/{id}/request" | "/v1/receipts/{id}/confirmation")) => {
            let id = receipt(service, reference).await;
            let proof = path.ends_with("confirmation").then_some("a paper");
            sent(path.replace("{id}", &id), &json!({"document": proof}), Reach::Exporting)
        }
        ("POST", path @ "/v1/receipts/{id}/answer") => {
            let id = receipt(service, reference).await;
            let body = json!({"received": "complete"});
            sent(path.replace("{id}", &id), &body, Reach::Importing)
        }
        ("GET", path @ "/v1/consignments/{ucr}") => {
            service.verify(&sample("clear")).await;
            asked(path.replace("{ucr}", &super::consignments::ucr()), Reach::Named)
        }
        // It answers every register, with what names its State and with nothing else.
        ("GET", path @ "/v1/registry/licences/{number}") => asked(
            format!("{}?nonce=0123456789abcdef", path.replace("{number}", EXPORT)),
            Reach::Everyone,
        ),
        _ => webhook_case(service, route).await,
    }
}

/// The same for posts that may be cut off.
async fn post_case(service: &Service, route: &Route, n: usize) -> Asked {
    let path = route.path.replace("{post}", "FRLEH");
    let rounds = super::posts::rounds("1");
    if (route.method, route.path) == ("POST", "/v1/posts/{post}/allowances") {
        return sent(path, &rounds, Reach::France);
    }
    let own = service.post(super::posts::ALLOWANCES, &token("FR", "authority"), &rounds).await;
    let own = own.json()["id"].as_str().unwrap().to_owned();
    let path = path.replace("{id}", &own);
    match route.path.rsplit('/').next().unwrap() {
        "allowances" => asked(path, Reach::Page),
        "snapshots" => {
            let key = super::posts::log_of(n).verifier_key().to_owned();
            sent(path, &json!({"key": key}), Reach::France)
        }
        "loss" => {
            super::posts::ended_snapshot(service, n).await;
            sent(path, &json!({"reason": "a test"}), Reach::France)
        }
        "returns" => {
            super::posts::ended_snapshot(service, n).await;
            sent(path, &super::posts::signed_note(n), Reach::France)
        }
        _ => asked(path, Reach::France),
    }
}

/// The same for webhooks.
async fn webhook_case(service: &Service, route: &Route) -> Asked {
    let body = json!({"url": "https://receiver.example/"});
    let own = service.post("/v1/webhooks", &token("FR", "authority"), &body).await.json();
    let path = route.path.replace("{id}", own["id"].as_str().unwrap_or_else(|| panic!("{own}")));
    match (route.method, route.path) {
        ("GET", "/v1/webhooks") => asked(path, Reach::Page),
        ("POST", "/v1/webhooks") => sent(path, &body, Reach::Everyone),
        ("GET", "/v1/webhooks/keys") => asked(path, Reach::Everyone),
        ("PUT", "/v1/webhooks/{id}") => sent(path, &body, Reach::France),
        ("GET" | "DELETE", "/v1/webhooks/{id}") | ("GET", "/v1/webhooks/{id}/dead-letters") => {
            asked(path, Reach::France)
        }
        ("POST", "/v1/webhooks/{id}/replay") => {
            sent(path, &json!({"since": "2026-01-01T00:00:00Z"}), Reach::France)
        }
        other => panic!("{other:?}: say who reaches what by it"),
    }
}

async fn released_case(service: &Service, route: &Route, reference: &str) -> Asked {
    let reason = json!({"reason": "a test"});
    match (route.method, route.path) {
        ("POST", path @ "/v1/releases") => {
            let verification = service.verify(&cartridges(reference, "1")).await.json();
            sent(path, &json!({"verification": verification["id"]}), Reach::France)
        }
        ("POST", path @ "/v1/releases/{id}/reversal") => {
            let id = released(service, reference).await;
            sent(path.replace("{id}", &id), &reason, Reach::France)
        }
        ("GET", path @ "/v1/releases/{id}") => {
            asked(path.replace("{id}", &released(service, reference).await), Reach::Named)
        }
        ("POST", path @ "/v1/releases/{id}/confirmation") => {
            let id = waiting(service).await;
            sent(path.replace("{id}", &id), &json!({"note": "a test"}), Reach::France)
        }
        ("POST", path @ "/v1/releases/{id}/amendment") => {
            let id = released(service, reference).await;
            let declaration = cartridges(reference, "1");
            let body = json!({"declaration": declaration, "reason": "a test"});
            sent(path.replace("{id}", &id), &body, Reach::France)
        }
        other => panic!("{other:?}: say who reaches what by it"),
    }
}

async fn announced_case(service: &Service, route: &Route, reference: &str) -> Asked {
    if (route.method, route.path) == ("POST", "/v1/preclearances") {
        let body = json!({"declaration": cartridges(reference, "1"), "reserve": true});
        return sent(route.path, &body, Reach::NamedBut(400));
    }
    let path = route.path.replace("{id}", &announced(service, reference).await);
    match route.method {
        "GET" if path == route.path => asked(path, Reach::Page),
        "GET" => asked(path, Reach::France),
        _ => sent(path, &json!({"reason": "a test"}), Reach::France),
    }
}

/// Whether an answer is right for a State; whether the caller was served.
fn judged(reach: Reach, state: &str, answer: &Answer, case: &str) -> bool {
    let done = answer.status < 300;
    let not_there = |answer: &Answer| {
        answer.status == 404
            && answer.json()["detail"] == "there is no such object"
            && answer.code() == "not_found"
    };
    match (reach, state) {
        (Reach::Everyone, _) | (Reach::Named | Reach::NamedBut(_) | Reach::Importing, "KE") => {
            assert!(done, "{case}");
        }
        (Reach::Importing, "FR") | (Reach::Exporting, "KE") => {
            assert_eq!(answer.status, 403, "{case}");
        }
        // Its own officer and authority need not both reach it, and may come too late.
        (_, "FR") => assert!(done || matches!(answer.status, 404 | 409 | 412), "{case}"),
        (Reach::Named | Reach::France | Reach::Exporting | Reach::Importing, _) => {
            assert!(not_there(answer), "{case}");
        }
        (Reach::FranceBut(status) | Reach::NamedBut(status), _) => {
            assert_eq!(answer.status, status, "{case}");
        }
        (Reach::Page, "DE") => assert_eq!(answer.json()["items"], json!([]), "{case}"),
        (Reach::Page, _) => assert!(done, "{case}"),
        (Reach::Report, _) => assert_eq!(answer.json()["imported"], 0, "{case}"),
    }
    done
}

#[tokio::test]
async fn what_is_one_state_s_is_not_there_for_another() {
    let service = start();
    service.issue_sample().await;
    for (n, route) in ROUTES.iter().enumerate() {
        let asked = case(&service, route, n).await;
        let method: Method = route.method.parse().unwrap();
        let mut served = false;
        for state in ["DE", "KE", "FR"] {
            for role in route.roles {
                let key = format!("{n}-{state}-{}", role.as_str());
                let headers = [("Idempotency-Key", key.as_str()), ("If-Match", "\"1\"")];
                let token = token(state, role.as_str());
                let body = asked.body.clone();
                let answer =
                    service.send(method.clone(), &asked.path, &token, &headers, body).await;
                let case = format!(
                    "{method} {} as {} of {state}: {} {}",
                    asked.path,
                    role.as_str(),
                    answer.status,
                    answer.text
                );
                let done = judged(asked.reach, state, &answer, &case);
                if asked.reach == Reach::Page && state == "FR" {
                    served |= answer.json()["items"] != json!([]);
                } else {
                    served |=
                        done && state == if asked.reach == Reach::Importing { "KE" } else { "FR" };
                }
            }
        }
        assert!(served, "{method} {}: France reaches what is its own", asked.path);
    }
}

/// The route under which one of what a route makes is read: by the table, or as the description has it.
fn read_under(route: &Route) -> Option<&'static str> {
    if route.path == "/v1/verifications/{id}/stoppage" {
        return Some("/v1/alerts/{id}");
    }
    let one = |other: &&Route| {
        let name = other.path.strip_prefix(route.path).and_then(|rest| rest.strip_prefix("/{"));
        other.method == "GET" && name.is_some_and(|name| !name.contains('/'))
    };
    ROUTES.iter().find(one).map(|other| other.path)
}

#[tokio::test]
async fn what_is_made_is_found_where_its_reply_says() {
    let service = start();
    service.issue_sample().await;
    let mut made = 0;
    let described: serde_json::Value =
        serde_json::from_str(passavant::http::openapi::json()).unwrap();
    for (n, route) in ROUTES.iter().enumerate().filter(|(_, route)| route.method == "POST") {
        let responses = &described["paths"][route.path]["post"]["responses"];
        let tells = responses["201"]["headers"]["Location"].is_object();
        let Some(read) = read_under(route).filter(|_| responses["201"].is_object()) else {
            assert!(!tells, "{}", route.path);
            continue;
        };
        assert!(tells, "{}", route.path);
        let asked = case(&service, route, n).await;
        let token = token("FR", route.roles[0].as_str());
        let key = format!("made-{n}");
        let headers = [("Idempotency-Key", key.as_str())];
        let mut places = Vec::new();
        for _ in 0..2 {
            let body = asked.body.clone();
            let answer = service.send(Method::POST, &asked.path, &token, &headers, body).await;
            assert_eq!(answer.status, 201, "{}: {}", route.path, answer.text);
            places.push(answer.header("location").to_owned());
        }
        let home = read.split('{').next().unwrap();
        assert!(places[0].starts_with(home) && places[0] == places[1], "{places:?}");
        assert_eq!(service.get(&places[0], &token).await.status, 200, "{places:?}");
        made += 1;
    }
    assert_eq!(made, 5);
}
