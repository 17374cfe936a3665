//! The timeline of a shipment over every post: exits, entries, what is not as it was declared, and
//! who is shown what.
use super::harness::*;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::outbound::local_issuer::Claims;
use serde_json::Value;
use serde_json::json;

pub const SHIP: &str = "IMO9319466";

/// The reference of the clear sample's consignment.
pub fn ucr() -> String {
    sample("clear")["ucr"].as_str().unwrap().to_owned()
}

/// Now, as a post writes it down.
pub fn now() -> String {
    SystemClock.now().to_string()
}

/// The clear sample, released at Le Havre: the release's identifier.
pub async fn released(service: &Service) -> String {
    service.issue_sample().await;
    let release = service.release(&sample("clear"), "k").await;
    assert_eq!(release.status, 201, "{}", release.text);
    release.json()["id"].as_str().unwrap().to_owned()
}

pub fn exit_of(release: &str) -> Value {
    json!({"release": release, "border_post": "FRLEH", "exited_at": now(), "vehicle": SHIP, "seals": ["S-1"]})
}

pub fn entry_at(post: &str, vehicle: &str) -> Value {
    json!({"ucr": ucr(), "border_post": post, "entered_at": now(), "vehicle": vehicle})
}

pub async fn timeline(service: &Service, token: &str) -> Answer {
    service.get(&format!("/v1/consignments/{}", ucr()), token).await
}

pub fn kinds(timeline: &Value) -> Vec<&str> {
    timeline["events"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect()
}

pub fn carrier(operator: &str) -> String {
    let iss = issuer_name("FR");
    let claims = Claims {
        iss: &iss,
        aud: "passavant",
        sub: operator,
        role: "carrier",
        posts: &[],
        operator: Some(operator),
    };
    issuer("FR").mint(&claims, SystemClock.now(), 600).unwrap()
}

#[tokio::test]
async fn a_shipment_is_followed_from_verdict_to_entry_over_all_posts() {
    let service = start();
    let release = released(&service).await;
    let left = service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    assert_eq!(left.status, 201, "{}", left.text);
    let left = left.json();
    assert_eq!((&left["known"], &left["findings"]), (&json!(true), &json!([])), "{left}");
    let entry = entry_at("KEMBA", "IMO 9319466");
    let entered = service.post("/v1/entries", &token("KE", "officer"), &entry).await.json();
    assert_eq!((&entered["known"], &entered["findings"]), (&json!(true), &json!([])), "{entered}");
    for (state, role) in
        [("FR", "officer"), ("FR", "authority"), ("KE", "officer"), ("KE", "authority")]
    {
        let timeline = timeline(&service, &token(state, role)).await.json();
        assert_eq!(kinds(&timeline), ["verdict", "release", "exit", "entry"], "{state} {role}");
        assert_eq!(timeline["stage"], "on_the_way");
        assert_eq!(timeline["country_of_export"], "FR");
        assert_eq!(
            (&timeline["route"], &timeline["country_of_import"]),
            (&json!(["AE"]), &json!("KE"))
        );
        assert_eq!((&timeline["findings"], &timeline["earlier"]), (&json!([]), &json!([])));
        let events = timeline["events"].as_array().unwrap();
        assert_eq!((&events[0]["outcome"], &events[0]["state"]), (&json!("clear"), &json!("FR")));
        assert_eq!(events[1]["id"], json!(release));
        assert_eq!(events[2]["detail"]["seals"], json!(["S-1"]));
        assert_eq!(
            (&events[3]["border_post"], &events[3]["state"]),
            (&json!("KEMBA"), &json!("KE"))
        );
        for event in events {
            let place = &event["audit"];
            let path = format!(
                "/v1/audit/entries/{}/{}/proof",
                place["log"].as_str().unwrap(),
                place["index"]
            );
            let proof = service.get(&path, &token("FR", "auditor")).await.json();
            let entry: Value = serde_json::from_str(proof["entry"].as_str().unwrap()).unwrap();
            let kind = event["kind"].as_str().unwrap().replace("verdict", "verification");
            assert_eq!(entry["kind"], json!(kind), "the trail holds it there");
        }
    }
    assert_eq!(timeline(&service, &token("DE", "authority")).await.status, 404);
    assert_eq!(timeline(&service, &token("DE", "officer")).await.status, 404);
}

#[tokio::test]
async fn a_carrier_follows_its_own_goods_and_is_shown_no_particulars() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    let own = timeline(&service, &carrier("FR55555555500022")).await.json();
    assert_eq!(kinds(&own), ["verdict", "release", "exit"]);
    assert!(own["events"].as_array().unwrap().iter().all(|event| event.get("detail").is_none()));
    assert!(!own.to_string().contains(EXPORT), "no licence is named");
    assert_eq!(own["route"], json!([]));
    let other = timeline(&service, &carrier("FR77777777700077")).await;
    let absent = service.get("/v1/consignments/6FR1-NONE", &carrier("FR77777777700077")).await;
    assert_eq!((other.status, other.text), (404, absent.text), "nothing tells them apart");
}

#[tokio::test]
async fn goods_leave_once_after_their_release_and_not_in_the_future() {
    let service = start();
    let release = released(&service).await;
    let officer = token("FR", "officer");
    let with = |field: &str, value: Value| {
        let mut exit = exit_of(&release);
        exit[field] = value;
        exit
    };
    let faults = [
        (with("exited_at", json!("2099-01-01T00:00:00Z")), "/exited_at", "in_the_future"),
        (with("exited_at", json!("2026-01-01T00:00:00Z")), "/exited_at", "before_release"),
        (with("border_post", json!("FRMRS")), "/border_post", "not_your_post"),
        (with("border_post", json!("FR1")), "/border_post", "not_a_locode"),
        (with("seals", json!(vec!["x"; 100])), "/seals", "too_many"),
        (with("seal", json!("x")), "/seal", "unknown_field"),
        (with("ucr", json!("6FR1-X")), "/ucr", "one_of_two"),
        (with("release", json!("x")), "/release", "not_an_identifier"),
        (json!({"border_post": "FRLEH", "exited_at": now()}), "/release", "required"),
    ];
    for (exit, path, code) in faults {
        let refused = service.post("/v1/exits", &officer, &exit).await;
        let error = &refused.json()["errors"][0];
        assert_eq!(
            (error["path"].as_str(), error["code"].as_str()),
            (Some(path), Some(code)),
            "{exit}"
        );
    }
    let unnamed = json!({"ucr": ucr(), "border_post": "FRLEH", "exited_at": now()});
    let refused = service.post("/v1/exits", &officer, &unnamed).await.json();
    assert_eq!(refused["errors"][0]["path"], "/release", "each release has a period of its own");
    let elsewhere = with("border_post", json!("KEMBA"));
    assert_eq!(service.post("/v1/exits", &token("KE", "officer"), &elsewhere).await.status, 404);
    let first = service.post_once("/v1/exits", &officer, "exit", &exit_of(&release)).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let twice = service.post("/v1/exits", &officer, &exit_of(&release)).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "conflict"));
    let reversal = json!({"reason": "not shipped"});
    let path = format!("/v1/releases/{release}/reversal");
    assert_eq!(service.post(&path, &officer, &reversal).await.status, 409, "they have left");
    assert_eq!(kinds(&timeline(&service, &officer).await.json()), ["verdict", "release", "exit"]);
}

#[tokio::test]
async fn a_reversed_release_does_not_leave() {
    let service = start();
    let release = released(&service).await;
    let officer = token("FR", "officer");
    let reversal = json!({"reason": "not shipped"});
    service.post(&format!("/v1/releases/{release}/reversal"), &officer, &reversal).await;
    assert_eq!(service.post("/v1/exits", &officer, &exit_of(&release)).await.status, 409);
    assert_eq!(
        kinds(&timeline(&service, &officer).await.json()),
        ["verdict", "release", "reversal"]
    );
}

#[tokio::test]
async fn a_post_off_the_route_and_another_ship_are_found_and_put_before_both_posts() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    let entry = entry_at("DEHAM", "IMO9000001");
    let entered = service.post("/v1/entries", &token("DE", "officer"), &entry).await.json();
    assert_eq!(codes(&entered), ["ROUTE_DEVIATION", "TRANSHIPMENT_UNDECLARED"], "{entered}");
    // To a State that the papers do not name nothing of what they say is told.
    assert_eq!(entered["known"], false, "{entered}");
    let messages = |found: &Value| -> String {
        found["findings"].as_array().unwrap().iter().map(|of| of["message"].to_string()).collect()
    };
    for other in ["AE", "FR", "KE", "IMO9319466", "FRLEH"] {
        assert!(!messages(&entered).contains(other), "{other}: {entered}");
    }
    for state in ["FR", "DE"] {
        let alerts = service.get("/v1/alerts", &token(state, "officer")).await.json();
        let words = alerts["items"][0]["message"].to_string();
        assert_eq!(words.contains("route"), state == "FR", "{state}: {words}");
        let alert = &alerts["items"][0];
        assert_eq!(
            alert["codes"],
            json!(["ROUTE_DEVIATION", "TRANSHIPMENT_UNDECLARED"]),
            "{state}"
        );
    }
    let seen = timeline(&service, &token("FR", "authority")).await.json();
    assert_eq!(codes(&seen), ["ROUTE_DEVIATION", "TRANSHIPMENT_UNDECLARED"]);
    assert_eq!(seen["findings"][0]["subject"], entered["id"]);
    let theirs = timeline(&service, &token("DE", "officer")).await.json();
    assert_eq!(kinds(&theirs), ["entry"], "the rest does not concern that State");
    let kenya = entry_at("KEMBA", "IMO9000001");
    let entered = service.post("/v1/entries", &token("KE", "officer"), &kenya).await.json();
    assert_eq!(codes(&entered), ["ROUTE_DEVIATION"], "no exit from Germany was seen: {entered}");
}

#[tokio::test]
async fn goods_of_which_nothing_is_known_are_recorded_and_said_to_be_unknown() {
    let service = start();
    let entry = json!({"ucr": "6DE1-UNKNOWN", "border_post": "KEMBA", "entered_at": now()});
    let entered = service.post("/v1/entries", &token("KE", "officer"), &entry).await.json();
    assert_eq!((&entered["known"], &entered["findings"]), (&json!(false), &json!([])));
    let path = "/v1/consignments/6DE1-UNKNOWN";
    let seen = service.get(path, &token("KE", "authority")).await.json();
    assert_eq!((kinds(&seen), seen["stage"].as_str()), (vec!["entry"], Some("on_the_way")));
    assert_eq!(service.get(path, &token("FR", "authority")).await.status, 404);
}

#[tokio::test]
async fn a_day_that_is_none_is_refused_and_another_consignment_s_day_is_not_found() {
    let service = start();
    released(&service).await;
    let officer = token("FR", "officer");
    let asked = async |query: &str| {
        service.get(&format!("/v1/consignments/{}?{query}", ucr()), &officer).await.status
    };
    let first =
        timeline(&service, &officer).await.json()["first_seen"].as_str().unwrap().to_owned();
    assert_eq!(asked(&format!("first_seen={first}")).await, 200);
    assert_eq!(asked("first_seen=2016-01-01").await, 404);
    for bad in
        ["first_seen=yesterday", "first=2026-01-01", "first_seen=2026-01-01&first_seen=2026-01-01"]
    {
        assert_eq!(asked(bad).await, 400, "{bad}");
    }
}

/// The clear sample as it is declared for import at Mombasa.
fn imported() -> Value {
    let mut declaration = sample("clear");
    declaration["reference"] = json!({"type": "national", "value": "KE-IM-1"});
    declaration["movement"] = json!("import");
    declaration["border_post"] = json!("KEMBA");
    declaration
}

async fn judged_in_kenya(service: &Service, declaration: &Value) -> Value {
    let body = json!({"declaration": declaration});
    let answer = service.post("/v1/verifications", &token("KE", "officer"), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// Codes about the way that goods have come.
fn of_the_way(verification: &Value) -> Vec<&str> {
    let mut codes = codes(verification);
    codes.retain(|code| matches!(*code, "ROUTE_DEVIATION" | "TRANSHIPMENT_UNDECLARED"));
    codes
}

#[tokio::test]
async fn what_posts_recorded_on_the_way_is_a_fact_of_the_next_verification() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    let straight = judged_in_kenya(&service, &imported()).await;
    assert_eq!(of_the_way(&straight), Vec::<&str>::new(), "{straight}");
    let entry = entry_at("DEHAM", "IMO9000001");
    service.post("/v1/entries", &token("DE", "officer"), &entry).await;
    let judged = judged_in_kenya(&service, &imported()).await;
    assert_eq!(of_the_way(&judged), ["ROUTE_DEVIATION", "TRANSHIPMENT_UNDECLARED"], "{judged}");
    let mut other = imported();
    other["ucr"] = json!("6FR12345678901234-OTHER");
    other["reference"]["value"] = json!("KE-IM-2");
    let judged = judged_in_kenya(&service, &other).await;
    assert_eq!(of_the_way(&judged), Vec::<&str>::new(), "it is another consignment's way");
    // One that the papers do not concern learns nothing of it by quoting its reference.
    let mut curious = imported();
    curious["border_post"] = json!("DEHAM");
    curious["reference"]["value"] = json!("DE-IM-1");
    let body = json!({"declaration": curious});
    let judged = service.post("/v1/verifications", &token("DE", "officer"), &body).await.json();
    let told: Vec<&Value> = judged["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["path"] == "/ucr")
        .collect();
    assert_eq!(told, Vec::<&Value>::new(), "{judged}");
}

#[tokio::test]
async fn a_state_that_a_post_saw_the_goods_in_is_passed_whether_declared_or_not() {
    let service = start();
    let release = released(&service).await;
    service.post("/v1/exits", &token("FR", "officer"), &exit_of(&release)).await;
    service.post("/v1/entries", &token("DE", "officer"), &entry_at("DEHAM", SHIP)).await;
    let judged = judged_in_kenya(&service, &imported()).await;
    assert_eq!(judged["verdict"], "hold", "{judged}");
    for code in ["ROUTE_COUNTRY_NOT_ON_LICENCE", "TRANSIT_CONSENT_MISSING", "ROUTE_DEVIATION"] {
        assert!(codes(&judged).contains(&code), "{code}: {judged}");
    }
    assert!(!codes(&judged).contains(&"EMBARGOED_DESTINATION"), "{judged}");
    let authority = token("FR", "authority");
    let mut lists = service.get("/v1/lists", &authority).await.json();
    lists["embargoes"] = json!([{"country": "DE", "instrument": "a test", "from": "2020-01-01"}]);
    let put = service
        .send(reqwest::Method::PUT, "/v1/lists", &authority, &[], Some(lists.to_string()))
        .await;
    assert_eq!(put.status, 200, "{}", put.text);
    let judged = judged_in_kenya(&service, &imported()).await;
    assert!(codes(&judged).contains(&"EMBARGOED_DESTINATION"), "{judged}");
}

#[tokio::test]
async fn a_pre_clearance_and_what_becomes_of_it_stand_in_the_timeline() {
    let service = start();
    service.issue_sample().await;
    let carrier = carrier("FR55555555500022");
    let lodge = async |reserve: bool| {
        let body = json!({"declaration": sample("clear"), "reserve": reserve});
        service.post("/v1/preclearances", &carrier, &body).await.json()
    };
    let first = lodge(true).await;
    let path = format!("/v1/preclearances/{}/withdrawal", first["id"].as_str().unwrap());
    let withdrawn = service.post(&path, &carrier, &json!({})).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    let second = lodge(true).await;
    let body = json!({"preclearance": second["code"]});
    let officer = token("FR", "officer");
    let verification = service.post("/v1/verifications", &officer, &body).await.json();
    let body = json!({"verification": verification["id"]});
    let release = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!(release.status, 201, "{}", release.text);
    for token in [&officer, &token("KE", "authority"), &carrier] {
        let seen = timeline(&service, token).await.json();
        let expected = [
            "preclearance_lodged",
            "preclearance_withdrawn",
            "preclearance_lodged",
            "verdict",
            "reservation_taken_over",
            "release",
        ];
        assert_eq!(kinds(&seen), expected, "{seen}");
        assert_eq!(seen["events"][0]["id"], first["id"]);
    }
    assert_eq!(timeline(&service, &super::consignments::carrier("FR1")).await.status, 404);
}

const DECLARANT: &str = "FR99999999900011";

async fn announced_by(service: &Service, operator: &str, declaration: &Value) -> Value {
    let body = json!({"declaration": declaration});
    let lodged = service.post("/v1/preclearances", &carrier(operator), &body).await;
    assert_eq!(lodged.status, 201, "{}", lodged.text);
    lodged.json()
}

#[tokio::test]
async fn who_announces_as_declarant_follows_what_becomes_of_it_and_nobody_else_s() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let mine = cartridges("FR-1", "10");
    let mut theirs = cartridges("FR-2", "20");
    theirs["carrier"]["id"] = json!("FR77777777700077");
    theirs["declarant"]["id"] = json!("FR88888888800088");
    let lodged = announced_by(&service, DECLARANT, &mine).await;
    announced_by(&service, "FR88888888800088", &theirs).await;
    let follow = async |operator: &str| timeline(&service, &carrier(operator)).await;
    assert_eq!(kinds(&follow(DECLARANT).await.json()), ["preclearance_lodged"]);
    let body = json!({"preclearance": lodged["code"]});
    let presented = service.post("/v1/verifications", &officer, &body).await.json();
    let body = json!({"verification": presented["id"]});
    let released = service.post_once("/v1/releases", &officer, "k", &body).await.json();
    let left = exit_of(released["id"].as_str().unwrap());
    assert_eq!(service.post("/v1/exits", &officer, &left).await.status, 201);
    let entry = entry_at("KEMBA", SHIP);
    assert_eq!(service.post("/v1/entries", &token("KE", "officer"), &entry).await.status, 201);
    let own = follow(DECLARANT).await.json();
    assert_eq!(kinds(&own), ["preclearance_lodged", "verdict", "release", "exit", "entry"]);
    assert_eq!(
        (own["events"][0]["id"].as_str(), &own["route"]),
        (lodged["id"].as_str(), &json!([]))
    );
    assert!(own["events"].as_array().unwrap().iter().all(|event| event.get("detail").is_none()));
    assert_eq!(kinds(&follow("FR88888888800088").await.json()), ["preclearance_lodged"]);
    assert_eq!(follow("FR66666666600066").await.status, 404);
    // Another shipment under the reference: which of the two is seen on its way cannot be told any more.
    assert_eq!(service.release(&theirs, "k2").await.status, 201);
    let own = follow(DECLARANT).await.json();
    assert_eq!(kinds(&own), ["preclearance_lodged", "verdict", "release"]);
    assert_eq!(kinds(&follow("FR88888888800088").await.json()), ["preclearance_lodged"]);
}

#[tokio::test]
async fn the_same_number_of_another_issuer_does_not_follow_what_a_declarant_announced() {
    let service = start();
    service.issue_sample().await;
    announced_by(&service, DECLARANT, &cartridges("FR-1", "10")).await;
    let iss = issuer_name("KE");
    let operator = Some(DECLARANT);
    let claims =
        Claims { iss: &iss, aud: "passavant", sub: "x", role: "carrier", posts: &[], operator };
    let other = issuer("KE").mint(&claims, SystemClock.now(), 600).unwrap();
    assert_eq!(timeline(&service, &other).await.status, 404);
}
