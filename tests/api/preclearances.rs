//! Pre-clearance: what a carrier may learn, what is held for it, and what an officer sees of it.
use super::harness::*;
use passavant::demo;
use serde_json::Value;
use serde_json::json;

fn carrier() -> String {
    token("FR", "carrier")
}

async fn lodge(service: &Service, declaration: &Value, reserve: bool) -> Answer {
    let body = json!({"declaration": declaration, "reserve": reserve});
    service.post("/v1/preclearances", &carrier(), &body).await
}

async fn present(service: &Service, code: &Value) -> Answer {
    let body = json!({"preclearance": code});
    service.post("/v1/verifications", &token("FR", "officer"), &body).await
}

async fn rounds(service: &Service) -> Value {
    let path = format!("/v1/licences/{EXPORT}");
    let licence = service.get(&path, &token("FR", "authority")).await.json();
    licence["lines"][1]["balance"].clone()
}

fn figures(balance: &Value) -> (&str, &str, &str) {
    let figure = |name: &str| balance[name].as_str().unwrap();
    (figure("reserved"), figure("consumed"), figure("available"))
}

#[tokio::test]
async fn a_check_ahead_of_arrival_draws_nothing_and_gives_a_code_to_scan() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &sample("clear"), false).await;
    assert_eq!(lodged.status, 201, "{}", lodged.text);
    let lodged = lodged.json();
    assert_eq!((&lodged["verdict"], &lodged["status"]), (&json!("clear"), &json!("lodged")));
    assert_eq!(lodged["reservation"]["status"], "none");
    assert_eq!(figures(&rounds(&service).await), ("0", "0", "50000"));
    let path = format!("/v1/preclearances/{}", lodged["id"].as_str().unwrap());
    let svg = service.get(&format!("{path}/qr.svg"), &carrier()).await;
    assert_eq!((svg.status, svg.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(svg.text, lodged["qr"]["svg"]);
    let png = service.get(&format!("{path}/qr.png"), &carrier()).await;
    assert_eq!((png.status, png.header("content-type")), (200, "image/png"));
    let again = service.get(&path, &carrier()).await.json();
    assert_eq!((&again["code"], &again["qr"]), (&lodged["code"], &lodged["qr"]));
    let list = service.get("/v1/preclearances", &carrier()).await.json();
    assert_eq!(list["items"][0]["id"], lodged["id"]);
    assert_eq!(list["items"][0]["qr"], Value::Null);
}

#[tokio::test]
async fn a_carrier_learns_codes_and_its_own_words_and_nothing_of_the_licence() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = sample("hold");
    declaration["final_recipient"] = json!({"id": "KE-OTHER-9", "name": "Somebody Else"});
    declaration["exporter"] = json!({"id": "FR00000000000000", "name": "Another"});
    declaration["items"][0]["model"] = json!("Unknown");
    let told = lodge(&service, &declaration, false).await;
    assert_eq!(told.status, 201, "{}", told.text);
    let seen = told.json();
    assert_eq!(seen["verdict"], "hold");
    let found = codes(&seen);
    for code in [
        "EXPORTER_MISMATCH",
        "FINAL_RECIPIENT_MISMATCH",
        "QUANTITY_EXCEEDS_BALANCE",
        "SERIAL_NOT_ON_LICENCE",
    ] {
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    let officer = service.verify(&declaration).await.text;
    for secret in ["KE-KWS-001", "Kenya Wildlife Service", "Armurerie", "50000", "Impact"] {
        assert!(officer.contains(secret), "an officer is told {secret}");
        assert!(!told.text.contains(secret), "{secret}: {}", told.text);
    }
    for field in ["licensed", "licence_version", "line", "as_of", "data_age_ms"] {
        assert!(!told.text.contains(&format!("\"{field}\"")), "{field}: {}", told.text);
    }
    let quantity = seen["findings"].as_array().unwrap().iter();
    let quantity = quantity.clone().find(|f| f["code"] == "QUANTITY_EXCEEDS_BALANCE").unwrap();
    assert_eq!(quantity["declared"], declaration["items"][1]["quantity"], "its own word");
}

#[tokio::test]
async fn a_near_miss_looks_like_a_miss() {
    let service = start();
    service.issue_sample().await;
    let told = async |recipient: Value| {
        let mut declaration = sample("clear");
        declaration["final_recipient"] = recipient.clone();
        let lodged = lodge(&service, &declaration, false).await.json();
        let mut findings = lodged["findings"].clone();
        for finding in findings.as_array_mut().unwrap() {
            finding.as_object_mut().unwrap().remove("declared");
        }
        (lodged["verdict"].clone(), lodged["items"].clone(), findings)
    };
    let miss = told(json!({"id": "KE-NOBODY-1", "name": "Nobody"})).await;
    let right_id = told(json!({"id": "KE-KWS-001", "name": "Nobody"})).await;
    let right_name = told(json!({"id": "KE-NOBODY-1", "name": "Kenya Wildlife Service"})).await;
    assert_eq!(miss, right_id);
    assert_eq!(miss, right_name);
    let serial = async |serial: &str| {
        let mut declaration = sample("clear");
        declaration["items"][0]["serials"] = json!([serial, "VC000102"]);
        let lodged = lodge(&service, &declaration, false).await.json();
        (lodged["verdict"].clone(), codes(&lodged).join(" "))
    };
    assert_eq!(serial("VCOOO1O1").await, serial("XX999999").await, "O for 0 is no hint");
    assert_eq!(service.release(&cartridges("FR-1", "5000"), "k").await.status, 201);
    let rounds = async |rounds: &str| {
        let lodged = lodge(&service, &cartridges("FR-2", rounds), false).await.json();
        let mut findings = lodged["findings"].as_array().unwrap().clone();
        findings.retain(|finding| finding["licence"] == EXPORT);
        assert_eq!(findings[0]["declared"], json!(rounds), "{lodged}");
        findings[0].as_object_mut().unwrap().remove("declared");
        (lodged["verdict"].clone(), findings)
    };
    let never = "what the licence had and what others have used of it are not told apart";
    assert_eq!(rounds("45001").await, rounds("50001").await, "{never}");
}

#[tokio::test]
async fn what_is_sought_or_watched_is_not_for_carriers() {
    let service = start();
    service.issue_sample().await;
    let mut lists: Value = serde_json::from_str(passavant::app::lists::BUILT_IN).unwrap();
    let sought = json!({"serial": "VC000101", "reference": "IARMS-77"});
    lists["sought"].as_array_mut().unwrap().push(sought);
    let put = service
        .send(
            reqwest::Method::PUT,
            "/v1/lists",
            &token("FR", "authority"),
            &[],
            Some(lists.to_string()),
        )
        .await;
    assert_eq!(put.status, 200, "{}", put.text);
    let officer = service.verify(&sample("clear")).await.json();
    assert!(codes(&officer).contains(&"SERIAL_REPORTED_SOUGHT"), "{officer}");
    let told = lodge(&service, &sample("clear"), false).await;
    let seen = told.json();
    assert_eq!(
        (codes(&seen), &seen["verdict"]),
        (vec!["EXAMINED_AT_PRESENTATION"], &json!("refer"))
    );
    assert!(!told.text.contains("SOUGHT") && !told.text.contains("IARMS"), "{}", told.text);
    let path = format!("/v1/consignments/{}", sample("clear")["ucr"].as_str().unwrap());
    let verdict = async |token: &str| {
        let followed = service.get(&path, token).await.json();
        let events = followed["events"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["kind"] == "verdict").unwrap()
    };
    let own = verdict(&carrier()).await;
    assert_eq!((&own["outcome"], &own["detail"]), (&json!("refer"), &Value::Null), "{own}");
    let seen = verdict(&token("FR", "officer")).await;
    assert_eq!((&seen["outcome"], &seen["detail"]["told"]), (&json!("hold"), &json!("refer")));
}

#[tokio::test]
async fn a_carrier_that_follows_its_goods_does_not_learn_that_they_were_stopped() {
    let service = start();
    service.issue_sample().await;
    let cleared = service.verify(&sample("clear")).await.json();
    let path = format!("/v1/verifications/{}/stoppage", cleared["id"].as_str().unwrap());
    let body = json!({"measure": "hold", "reason": "a test"});
    assert_eq!(service.post(&path, &token("FR", "officer"), &body).await.status, 201);
    assert_eq!(service.verify(&sample("clear")).await.json()["verdict"], "hold");
    let path = format!("/v1/consignments/{}", sample("clear")["ucr"].as_str().unwrap());
    let followed = service.get(&path, &carrier()).await.json();
    let events = followed["events"].as_array().unwrap();
    let outcomes: Vec<&str> = events.iter().map(|e| e["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["clear", "refer"], "{followed}");
}

#[tokio::test]
async fn what_is_held_is_taken_over_by_the_release() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &cartridges("FR-1", "30000"), true).await.json();
    assert_eq!(lodged["reservation"], json!({"status": "held"}), "{lodged}");
    assert_eq!(figures(&rounds(&service).await), ("30000", "0", "20000"));
    let others = service.verify(&cartridges("FR-2", "30000")).await.json();
    assert_eq!(codes(&others), ["QUANTITY_EXCEEDS_BALANCE"], "held by others counts");
    let presented = present(&service, &lodged["code"]).await;
    assert_eq!(presented.status, 201, "{}", presented.text);
    let presented = presented.json();
    assert_eq!(presented["verdict"], "clear", "its own reservation does not count: {presented}");
    assert_eq!(presented["preclearance"]["id"], lodged["id"]);
    assert_eq!(presented["preclearance"]["changes"]["new"], json!([]));
    let body = json!({"verification": presented["id"]});
    let officer = token("FR", "officer");
    let released = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!(released.status, 201, "{}", released.text);
    assert_eq!(figures(&rounds(&service).await), ("0", "30000", "20000"));
    let ledger =
        service.get(&format!("/v1/licences/{EXPORT}/ledger"), &token("FR", "authority")).await;
    let ledger = ledger.json();
    let rows = ledger["items"].as_array().unwrap().iter().skip(2);
    let rows: Vec<(&str, &str, &str)> = rows
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (text("kind"), text("reserved_change"), text("consumed_change"))
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("reservation", "30000", "0"),
            ("reservation_taken_over", "-30000", "0"),
            ("release", "0", "30000")
        ]
    );
    let path = format!("/v1/preclearances/{}", lodged["id"].as_str().unwrap());
    let followed = service.get(&path, &carrier()).await.json();
    assert_eq!(
        (&followed["status"], &followed["reservation"]["status"]),
        (&json!("released"), &json!("taken_over"))
    );
    let twice = present(&service, &lodged["code"]).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "conflict"));
    let path = format!("/v1/releases/{}/reversal", released.json()["id"].as_str().unwrap());
    let reversed = service.post(&path, &officer, &json!({"reason": "not shipped"})).await;
    assert_eq!(reversed.status, 200, "{}", reversed.text);
    assert_eq!(figures(&rounds(&service).await), ("0", "0", "50000"), "nothing is held again");
    assert_eq!(present(&service, &lodged["code"]).await.status, 201, "the goods may come again");
}

#[tokio::test]
async fn only_a_carrier_that_the_licence_or_its_holder_names_may_have_it_held() {
    let service = start();
    for mut licence in demo::licences(today()) {
        let issuing = licence["issuing_state"].as_str().unwrap().to_owned();
        licence.as_object_mut().unwrap().remove("mandated_carriers");
        let authority = token(&issuing, "authority");
        assert_eq!(service.post("/v1/licences", &authority, &licence).await.status, 201);
    }
    let refused = lodge(&service, &cartridges("FR-1", "10"), true).await.json();
    let expected = json!({"status": "none", "reason": "not_authorised"});
    assert_eq!((&refused["reservation"], &refused["verdict"]), (&expected, &json!("clear")));
    for (field, version) in [("mandated_carriers", 1), ("carriers", 2)] {
        let mut licence = demo::licences(today()).remove(0);
        licence.as_object_mut().unwrap().remove("mandated_carriers");
        licence[field] = json!(["FR55555555500022"]);
        let path = format!("/v1/licences/{EXPORT}");
        let etag = format!("\"{version}\"");
        let headers = [("If-Match", etag.as_str())];
        let authority = token("FR", "authority");
        let body = Some(licence.to_string());
        let put = service.send(reqwest::Method::PUT, &path, &authority, &headers, body).await;
        assert_eq!(put.status, 200, "{}", put.text);
        let own = cartridges(&format!("FR-1{version}"), "10");
        let held = lodge(&service, &own, true).await.json();
        assert_eq!(held["reservation"], json!({"status": "held"}), "{field}");
    }
    assert_eq!(figures(&rounds(&service).await).0, "20");
    let mut forwarded = cartridges("FR-2", "10");
    forwarded["carrier"]["id"] = json!("FR77777777700033");
    forwarded["declarant"]["id"] = json!("FR55555555500022");
    let forwarded = lodge(&service, &forwarded, true).await.json();
    assert_eq!(forwarded["reservation"]["status"], "none", "a declarant is not the carrier");
    let mut foreign = cartridges("FR-3", "10");
    foreign["carrier"]["id"] = json!("FR77777777700033");
    let foreign = lodge(&service, &foreign, false).await;
    assert_eq!(foreign.json()["errors"][0]["code"], "not_your_shipment");
}

#[tokio::test]
async fn what_does_not_clear_is_not_held() {
    let service = start();
    service.issue_sample().await;
    let refused = lodge(&service, &sample("refer"), true).await.json();
    let expected = json!({"status": "none", "reason": "not_clear"});
    assert_eq!((&refused["reservation"], &refused["verdict"]), (&expected, &json!("refer")));
    assert_eq!(figures(&rounds(&service).await).0, "0");
}

#[tokio::test]
async fn a_carrier_withdraws_its_own_and_sees_nobody_else_s() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &cartridges("FR-1", "10"), true).await.json();
    let path = format!("/v1/preclearances/{}", lodged["id"].as_str().unwrap());
    let other = token("DE", "carrier");
    assert_eq!(service.get(&path, &other).await.status, 404, "another carrier");
    let withdrawal = format!("{path}/withdrawal");
    assert_eq!(service.post(&withdrawal, &other, &json!({})).await.status, 404);
    let body = json!({"reason": "the order was cancelled"});
    let withdrawn = service.post(&withdrawal, &carrier(), &body).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    let withdrawn = withdrawn.json();
    assert_eq!(
        (&withdrawn["status"], &withdrawn["reservation"]["status"]),
        (&json!("withdrawn"), &json!("withdrawn"))
    );
    assert_eq!(figures(&rounds(&service).await), ("0", "0", "50000"));
    assert_eq!(service.post(&withdrawal, &carrier(), &body).await.status, 409);
    assert_eq!(
        present(&service, &lodged["code"]).await.status,
        409,
        "nothing is presented under it"
    );
}

#[tokio::test]
async fn at_presentation_it_is_judged_again_and_what_changed_is_told() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = cartridges("x", "10");
    declaration.as_object_mut().unwrap().remove("reference");
    declaration.as_object_mut().unwrap().remove("accepted_at");
    let lodged = lodge(&service, &declaration, true).await;
    assert_eq!(lodged.status, 201, "{}", lodged.text);
    let lodged = lodged.json();
    assert_eq!(lodged["verdict"], "clear", "acceptance comes later: {lodged}");
    assert_eq!(lodged["declaration"], declaration["ucr"], "known by its UCR until then");
    let suspension = format!("/v1/licences/{EXPORT}/suspension");
    let reason = json!({"reason": "inquiry"});
    assert_eq!(service.post(&suspension, &token("FR", "authority"), &reason).await.status, 200);
    assert_eq!(figures(&rounds(&service).await).0, "10", "a suspended licence keeps it");
    let sample = cartridges("FR-9", "10");
    let body = json!({"preclearance": lodged["code"], "reference": sample["reference"], "accepted_at": sample["accepted_at"]});
    let officer = token("FR", "officer");
    let presented = service.post("/v1/verifications", &officer, &body).await.json();
    assert_eq!(presented["declaration"], "FR-9");
    let changes = &presented["preclearance"]["changes"];
    assert_eq!(
        (&changes["verdict_then"], &changes["verdict_now"]),
        (&json!("clear"), &json!("hold"))
    );
    assert_eq!(changes["new"], json!([{"code": "LICENCE_SUSPENDED", "item": 2}]));
    let release = json!({"verification": presented["id"]});
    let refused = service.post_once("/v1/releases", &officer, "k", &release).await;
    assert_eq!((refused.status, figures(&rounds(&service).await).0), (409, "10"));
    let reinstatement = format!("/v1/licences/{EXPORT}/reinstatement");
    assert_eq!(service.post(&reinstatement, &token("FR", "authority"), &reason).await.status, 200);
    let released = service.post_once("/v1/releases", &officer, "k2", &release).await;
    assert_eq!(released.status, 201, "{}", released.text);
    assert_eq!(figures(&rounds(&service).await), ("0", "10", "49990"));
}

#[tokio::test]
async fn a_pre_clearance_is_not_released_as_it_stands_and_is_of_its_post_s_state() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &sample("clear"), false).await.json();
    let body = json!({"verification": lodged["id"]});
    let refused = service.post_once("/v1/releases", &token("FR", "officer"), "k", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    let body = json!({"preclearance": lodged["code"]});
    let foreign = service.post("/v1/verifications", &token("KE", "officer"), &body).await;
    let unknown = json!({"preclearance": "0000-0000-0000"});
    let unknown = service.post("/v1/verifications", &token("FR", "officer"), &unknown).await;
    assert_eq!((foreign.status, unknown.status), (404, 404));
    for (body, code) in [
        (json!({"preclearance": "0000-0000-0001"}), "not_a_code"),
        (json!({"preclearance": lodged["code"], "declaration": {}}), "not_both"),
        (json!({"declaration": sample("clear"), "accepted_at": "x"}), "only_with_preclearance"),
        (json!({"preclearance": lodged["code"], "accepted_at": "yesterday"}), "not_a_time"),
    ] {
        let answer = service.post("/v1/verifications", &token("FR", "officer"), &body).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["code"].as_str()), (400, Some(code)));
    }
}

/// The block ends with the hour that the first of those counted opened just now.
fn waits_an_hour(answer: &Answer) {
    let wait_s: u32 = answer.header("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&wait_s), "{wait_s} s");
}

#[tokio::test]
async fn who_tries_out_licences_is_stopped_and_reported() {
    let service = start_with(|config| config.preclearance.misses_per_hour_max = 3);
    service.issue_sample().await;
    let mut guess = cartridges("FR-1", "10");
    guess["items"][0]["licences"][0]["number"] = json!("FR-EXP-2026-000413");
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(lodge(&service, &guess, false).await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [201, 201, 201, 429], "{}", answers[3].text);
    assert_eq!(answers[3].code(), "too_many_requests");
    waits_an_hour(&answers[3]);
    assert_eq!(lodge(&service, &sample("clear"), true).await.status, 429, "whatever it asks now");
    let same = token_of("FR", "carrier", "carrier-2");
    let body = json!({"declaration": guess});
    assert_eq!(service.post("/v1/preclearances", &same, &body).await.status, 429, "one operator");
    let alerts = service.get("/v1/alerts", &token("FR", "officer")).await.json();
    let probing = |alert: &&Value| alert["kind"] == "probing";
    assert_eq!(alerts["items"].as_array().unwrap().iter().filter(probing).count(), 1, "{alerts}");
}

#[tokio::test]
async fn honest_pre_clearances_are_not_counted() {
    let service = start_with(|config| config.preclearance.misses_per_hour_max = 1);
    service.issue_sample().await;
    for _ in 0..3 {
        assert_eq!(lodge(&service, &sample("clear"), false).await.status, 201);
    }
}

#[tokio::test]
async fn a_carrier_may_lodge_so_many_in_an_hour_also_where_it_withdraws_them() {
    let service = start_with(|config| config.preclearance.lodgings_per_hour_max = 2);
    service.issue_sample().await;
    for _ in 0..2 {
        let lodged = lodge(&service, &sample("clear"), false).await.json();
        let path = format!("/v1/preclearances/{}/withdrawal", lodged["id"].as_str().unwrap());
        assert_eq!(service.post(&path, &carrier(), &json!({})).await.status, 200);
    }
    let third = lodge(&service, &sample("clear"), true).await;
    assert_eq!((third.status, third.code().as_str()), (429, "too_many_requests"), "{}", third.text);
    waits_an_hour(&third);
}

#[tokio::test]
async fn a_carrier_may_have_so_many_waiting() {
    let service = start_with(|config| config.preclearance.waiting_max = 1);
    service.issue_sample().await;
    let first = lodge(&service, &sample("clear"), false).await.json();
    assert_eq!(lodge(&service, &sample("clear"), false).await.code(), "conflict");
    assert_eq!(present(&service, &first["code"]).await.status, 201);
    assert_eq!(lodge(&service, &sample("clear"), false).await.status, 201);
}

#[tokio::test]
async fn a_retry_gets_the_first_code() {
    let service = start();
    service.issue_sample().await;
    let body = json!({"declaration": cartridges("FR-1", "10"), "reserve": true});
    let first = service.post_once("/v1/preclearances", &carrier(), "k", &body).await;
    let again = service.post_once("/v1/preclearances", &carrier(), "k", &body).await;
    assert_eq!((first.status, again.status, &first.text), (201, 201, &again.text));
    assert_eq!(figures(&rounds(&service).await).0, "10");
}

#[tokio::test]
async fn an_annulled_licence_puts_every_release_that_stands_under_it_before_those_who_made_it() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.release(&cartridges("FR-1", "10"), "k1").await.status, 201);
    assert_eq!(service.release(&cartridges("FR-2", "10"), "k2").await.status, 201);
    let undone = service.release(&cartridges("FR-3", "10"), "k3").await.json();
    let path = format!("/v1/releases/{}/reversal", undone["id"].as_str().unwrap());
    let reason = json!({"reason": "not shipped"});
    assert_eq!(service.post(&path, &token("FR", "officer"), &reason).await.status, 200);
    let path = format!("/v1/licences/{EXPORT}/annulment");
    assert_eq!(service.post(&path, &token("FR", "authority"), &reason).await.status, 200);
    for role in ["officer", "authority"] {
        let alerts = service.get("/v1/alerts", &token("FR", role)).await.json();
        let alerts = alerts["items"].as_array().unwrap().iter();
        let annulled = alerts.filter(|alert| alert["kind"] == "annulled_after_release");
        let mut about: Vec<&str> =
            annulled.map(|alert| alert["declaration"].as_str().unwrap()).collect();
        about.sort_unstable();
        assert_eq!(about, ["FR-1", "FR-2"], "{role}");
    }
}

#[tokio::test]
async fn a_retry_of_a_presentation_is_told_what_was_told_first() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &cartridges("FR-1", "10"), false).await.json();
    let officer = token("FR", "officer");
    let present = async |key: &str| {
        let body = json!({"preclearance": lodged["code"]});
        service.post_once("/v1/verifications", &officer, key, &body).await
    };
    let first = present("first").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let body = json!({"verification": first.json()["id"]});
    let released = service.post_once("/v1/releases", &officer, "k", &body).await.json();
    let again = present("first").await;
    assert_eq!((again.status, &again.text), (201, &first.text), "also once they are released");
    let late = present("late").await;
    assert_eq!((late.status, late.code().as_str()), (409, "conflict"));
    let path = format!("/v1/releases/{}/reversal", released["id"].as_str().unwrap());
    assert_eq!(service.post(&path, &officer, &json!({"reason": "not shipped"})).await.status, 200);
    assert_eq!(present("late").await.text, late.text, "what was refused stays refused");
    assert_eq!(present("anew").await.status, 201);
}

async fn present_and_release(service: &Service, code: &Value, key: &str) -> Answer {
    let presented = present(service, code).await.json();
    assert_eq!(presented["verdict"], "clear", "{presented}");
    let body = json!({"verification": presented["id"]});
    service.post_once("/v1/releases", &token("FR", "officer"), key, &body).await
}

async fn stands(service: &Service, lodged: &Value) -> (String, String) {
    let path = format!("/v1/preclearances/{}", lodged["id"].as_str().unwrap());
    let seen = service.get(&path, &carrier()).await.json();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    (word(&seen["status"]), word(&seen["reservation"]["status"]))
}

#[tokio::test]
async fn a_declaration_is_held_once_and_its_release_frees_it_under_whatever_code() {
    let service = start();
    service.issue_sample().await;
    let first = lodge(&service, &cartridges("FR-1", "30000"), true).await.json();
    let second = lodge(&service, &cartridges("FR-1", "30000"), true).await.json();
    assert_eq!(second["verdict"], "clear", "what is held for the goods is theirs: {second}");
    assert_eq!(second["reservation"], json!({"status": "none", "reason": "already_held"}));
    assert_eq!(figures(&rounds(&service).await), ("30000", "0", "20000"));
    let unheld = lodge(&service, &cartridges("FR-1", "30000"), false).await.json();
    assert_eq!(unheld["verdict"], "clear", "{unheld}");
    let released = present_and_release(&service, &second["code"], "k").await;
    assert_eq!(released.status, 201, "{}", released.text);
    assert_eq!(figures(&rounds(&service).await), ("0", "30000", "20000"));
    for of in [&first, &second] {
        assert_eq!(stands(&service, of).await.0, "released");
        assert_eq!(present(&service, &of["code"]).await.status, 409);
    }
    assert_eq!(stands(&service, &first).await.1, "taken_over");
    let path = format!("/v1/releases/{}/reversal", released.json()["id"].as_str().unwrap());
    let reason = json!({"reason": "not shipped"});
    assert_eq!(service.post(&path, &token("FR", "officer"), &reason).await.status, 200);
    for of in [&first, &second] {
        assert_eq!(stands(&service, of).await.0, "presented", "the goods may come again");
    }
    assert_eq!(figures(&rounds(&service).await), ("0", "0", "50000"), "nothing is held again");
}

#[tokio::test]
async fn goods_are_released_without_their_code_from_what_is_held_for_them() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &cartridges("FR-1", "50000"), true).await.json();
    assert_eq!(lodged["reservation"]["status"], "held");
    let verified = service.verify(&cartridges("FR-1", "50000")).await.json();
    assert_eq!(verified["verdict"], "clear", "{verified}");
    let others = service.verify(&cartridges("FR-2", "1")).await.json();
    assert_eq!(codes(&others), ["QUANTITY_EXCEEDS_BALANCE"], "another declaration's");
    let body = json!({"verification": verified["id"]});
    let officer = token("FR", "officer");
    let released = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!(released.status, 201, "{}", released.text);
    assert_eq!(figures(&rounds(&service).await), ("0", "50000", "0"));
    assert_eq!(stands(&service, &lodged).await, ("released".to_owned(), "taken_over".to_owned()));
}

#[tokio::test]
async fn what_was_presented_and_not_released_may_still_be_withdrawn() {
    let service = start();
    service.issue_sample().await;
    let lodged = lodge(&service, &cartridges("FR-1", "10"), true).await.json();
    let presented = present(&service, &lodged["code"]).await.json();
    let path = format!("/v1/preclearances/{}/withdrawal", lodged["id"].as_str().unwrap());
    let withdrawn = service.post(&path, &carrier(), &json!({})).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    assert_eq!(withdrawn.json()["reservation"]["status"], "withdrawn");
    assert_eq!(figures(&rounds(&service).await), ("0", "0", "50000"));
    let body = json!({"verification": presented["id"]});
    let officer = token("FR", "officer");
    let refused = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "conflict"));
    let released = service.release(&cartridges("FR-1", "10"), "k2").await;
    assert_eq!(released.status, 201, "as they are declared: {}", released.text);
    let after = service.post(&path, &carrier(), &json!({})).await;
    assert_eq!((after.status, after.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn two_shipments_of_one_ucr_are_held_side_by_side() {
    let service = start();
    service.issue_sample().await;
    let under_ucr = |rounds: &str| {
        let mut declaration = cartridges("x", rounds);
        declaration["reference"] = json!({"type": "ucr", "value": declaration["ucr"]});
        declaration
    };
    let (mut held, mut codes) = (Vec::new(), Vec::new());
    for rounds in ["10", "20", "10"] {
        let lodged = lodge(&service, &under_ucr(rounds), true).await.json();
        held.push(lodged["reservation"]["status"].as_str().unwrap().to_owned());
        codes.push(lodged["code"].clone());
    }
    assert_eq!(held, ["held", "held", "none"]);
    let released = present_and_release(&service, &codes[2], "k").await;
    assert_eq!(released.status, 201, "{}", released.text);
    assert_eq!(figures(&rounds(&service).await), ("20", "10", "49970"), "the other's stays held");
}
