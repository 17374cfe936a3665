//! Licences: issued, amended, decided upon, imported.
use super::harness::*;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

fn export() -> Value {
    passavant::demo::licences(today())
        .into_iter()
        .find(|licence| licence["kind"] == "export")
        .unwrap()
}

async fn amend(service: &Service, licence: &Value, version: &str) -> Answer {
    let headers: &[(&str, &str)] = if version.is_empty() { &[] } else { &[("If-Match", version)] };
    let path = format!("/v1/licences/{EXPORT}");
    service
        .send(Method::PUT, &path, &token("FR", "authority"), headers, Some(licence.to_string()))
        .await
}

#[tokio::test]
async fn a_licence_is_read_back_as_it_was_issued_with_its_balances() {
    let service = start();
    service.issue_sample().await;
    let read = service.get(&format!("/v1/licences/{EXPORT}"), &token("FR", "authority")).await;
    assert_eq!((read.status, read.header("etag")), (200, "\"1\""));
    let (read, sent) = (read.json(), export());
    for field in
        ["number", "exporter", "transit", "valid_until", "place_of_issue", "linked_licences"]
    {
        assert_eq!(read[field], sent[field], "{field}");
    }
    assert_eq!(read["lines"][0]["serials"], sent["lines"][0]["serials"]);
    assert_eq!((&read["status"], &read["version"]), (&json!("active"), &json!(1)));
    assert_eq!(read["lines"][0]["balance"]["available"], "50");
}

#[tokio::test]
async fn every_field_that_cannot_be_used_is_named_at_once() {
    let service = start();
    let mut licence = export();
    licence.as_object_mut().unwrap().remove("number");
    licence["procedure"] = json!("for ever");
    licence["final_recipient"]["id"] = json!("");
    licence["lines"][0].as_object_mut().unwrap().remove("unit");
    licence["lines"][0]["hs"] = json!("93");
    licence["lines"][0]["country_of_manufacture"] = json!("France");
    let refused = service.post("/v1/licences", &token("FR", "authority"), &licence).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    for path in [
        "/number",
        "/procedure",
        "/final_recipient/id",
        "/lines/0/unit",
        "/lines/0/hs",
        "/lines/0/country_of_manufacture",
    ] {
        assert!(refused.text.contains(&format!("\"{path}\"")), "{path}: {}", refused.text);
    }
}

#[tokio::test]
async fn firearms_are_licensed_in_pieces_and_nothing_in_groups() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let by = |number: &str, line: usize, unit: &str| {
        let mut licence = export();
        licence["number"] = json!(number);
        licence["lines"][line]["unit"] = json!(unit);
        licence
    };
    let bad = [("SET", 0), ("KGM", 0), ("NMP", 1)];
    for (unit, line) in bad {
        let path = format!("/lines/{line}/unit");
        let issued = service.post("/v1/licences", &authority, &by("FR-1", line, unit)).await;
        let amended = amend(&service, &by(EXPORT, line, unit), "\"1\"").await;
        for refused in [issued, amended] {
            assert_eq!(refused.status, 400, "{unit}: {}", refused.text);
            let error = &refused.json()["errors"][0];
            assert_eq!((&error["path"], &error["code"]), (&json!(path), &json!("unknown_unit")));
        }
    }
    let old: Vec<String> = [("FR-2", 0, "C62"), ("FR-3", 0, "SET"), ("FR-4", 0, "PR")]
        .into_iter()
        .map(|(number, line, unit)| by(number, line, unit).to_string())
        .collect();
    let headers = [("Content-Type", "application/x-ndjson")];
    let body = Some(old.join("\n"));
    let report =
        service.send(Method::POST, "/v1/licences/import", &authority, &headers, body).await.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(2), &json!(1)), "{report}");
    let bad = &report["errors"][0];
    assert_eq!((&bad["line"], &bad["number"]), (&json!(2), &json!("FR-3")));
    assert_eq!(bad["errors"][0]["path"], "/lines/0/unit");
    let parts = by("FR-5", 1, "KGM");
    assert_eq!(service.post("/v1/licences", &authority, &parts).await.status, 201, "by weight");
}

#[tokio::test]
async fn what_is_counted_is_licensed_and_goes_in_whole_pieces() {
    let service = start();
    let mut licence = export();
    licence["lines"][0]["quantity"] = json!("1.5");
    licence["lines"][1]["quantity"] = json!("0.000001");
    let authority = token("FR", "authority");
    let refused = service.post("/v1/licences", &authority, &licence).await.faults();
    let fault = |line: usize| (format!("/lines/{line}/quantity"), "not_whole".to_owned());
    assert_eq!(refused, [fault(0), fault(1)]);
    service.issue_sample().await;
    let half = service.verify(&cartridges("FR-1", "0.5")).await.json();
    assert_eq!((&half["verdict"], codes(&half)), (&json!("refer"), vec!["UNIT_NOT_CONVERTIBLE"]));
    assert_eq!(half["findings"][0]["path"], "/items/0/quantity", "{half}");
    let released = service.release(&cartridges("FR-1", "0.5"), "k").await;
    assert_eq!((released.status, released.code().as_str()), (409, "release_refused"));
}

#[tokio::test]
async fn a_number_is_issued_once() {
    let service = start();
    service.issue_sample().await;
    let again = service.post("/v1/licences", &token("FR", "authority"), &export()).await;
    assert_eq!((again.status, again.code().as_str()), (409, "conflict"));
}

#[tokio::test]
async fn an_authority_issues_for_its_own_state_only() {
    let service = start();
    let refused = service.post("/v1/licences", &token("KE", "authority"), &export()).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["code"].as_str()),
        (400, Some("not_your_state"))
    );
}

#[tokio::test]
async fn a_licence_that_its_state_can_never_issue_is_refused_where_it_is_entered() {
    let service = start();
    let authority = token("FR", "authority");
    // As kind, from, to: whether France may issue it.
    for (n, (kind, from, to, may)) in [
        ("export", "FR", "KE", true),
        ("export", "KE", "FR", false),
        ("import", "KE", "FR", true),
        ("import", "FR", "KE", false),
        // Within the Union an authority of any Member State may.
        ("export", "DE", "KE", true),
        ("import", "KE", "DE", true),
        // The State crossed issues it, and no licence says where the goods will pass.
        ("transit", "KE", "AE", true),
    ]
    .into_iter()
    .enumerate()
    {
        let mut licence = export();
        licence["number"] = json!(format!("FR-{n}"));
        licence["kind"] = json!(kind);
        (licence["country_of_export"], licence["country_of_import"]) = (json!(from), json!(to));
        let answer = service.post("/v1/licences", &authority, &licence).await;
        if may {
            assert_eq!(answer.status, 201, "{kind} {from} {to}: {}", answer.text);
        } else {
            let fault = ("/issuing_state".to_owned(), "may_not_issue".to_owned());
            assert_eq!(answer.faults(), [fault], "{kind} {from} {to}");
        }
    }
    // Nor is one amended into it.
    let mut amended = export();
    (amended["number"], amended["country_of_export"]) = (json!("FR-0"), json!("KE"));
    let headers = [("If-Match", "\"1\"")];
    let path = "/v1/licences/FR-0";
    let answer =
        service.send(Method::PUT, path, &authority, &headers, Some(amended.to_string())).await;
    assert_eq!(answer.faults(), [("/issuing_state".to_owned(), "may_not_issue".to_owned())]);
    // A file's line says so, the others stand, and so they do the second time.
    let (mut good, mut bad) = (export(), export());
    good["number"] = json!("FR-GOOD");
    (bad["number"], bad["country_of_export"]) = (json!("FR-BAD"), json!("KE"));
    for figures in [[1, 0, 1], [0, 1, 1]] {
        let body = format!("{good}\n{bad}");
        let import = service.send(Method::POST, "/v1/licences/import", &authority, &[], Some(body));
        let report = import.await.json();
        let found = ["imported", "unchanged", "refused"].map(|name| report[name].clone());
        assert_eq!(found, figures.map(|figure| json!(figure)), "{report}");
        let error = &report["errors"][0];
        assert_eq!((&error["line"], &error["number"]), (&json!(2), &json!("FR-BAD")), "{report}");
        let error = &error["errors"][0];
        assert_eq!(
            (&error["path"], &error["code"]),
            (&json!("/issuing_state"), &json!("may_not_issue"))
        );
    }
}

#[tokio::test]
async fn a_decision_supersedes_no_version_and_an_amendment_does() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let path = format!("/v1/licences/{EXPORT}");
    let decide = async |what: &str| {
        let reason = json!({"reason": "inquiry 77"});
        let decided = service.post(&format!("{path}/{what}"), &authority, &reason).await;
        assert_eq!(decided.status, 200, "{}", decided.text);
    };
    let quoting = async |version: u32| {
        let mut declaration = cartridges(&format!("FR-{version}"), "10");
        declaration["items"][0]["licences"][0]["version"] = json!(version);
        let verification = service.verify(&declaration).await.json();
        codes(&verification).contains(&"LICENCE_SUPERSEDED")
    };
    decide("suspension").await;
    decide("reinstatement").await;
    let superseded = [quoting(1).await, quoting(2).await, quoting(3).await, quoting(4).await];
    assert_eq!(superseded, [false, false, false, true], "its document was never changed");
    let mut amended = export();
    amended["place_of_issue"] = json!("Lyon");
    let headers = [("If-Match", "\"3\"")];
    let body = Some(amended.to_string());
    let put = service.send(Method::PUT, &path, &authority, &headers, body).await;
    assert_eq!(put.status, 200, "{}", put.text);
    decide("suspension").await;
    decide("reinstatement").await;
    let superseded = [quoting(3).await, quoting(4).await, quoting(5).await, quoting(6).await];
    assert_eq!(superseded, [true, false, false, false]);
}

#[tokio::test]
async fn an_amendment_names_the_version_that_was_seen() {
    let service = start();
    service.issue_sample().await;
    let mut licence = export();
    licence["lines"][1]["quantity"] = json!("60000");
    assert_eq!(amend(&service, &licence, "").await.status, 428);
    assert_eq!(amend(&service, &licence, "\"7\"").await.status, 412);
    let amended = amend(&service, &licence, "\"1\"").await;
    assert_eq!((amended.status, amended.header("etag")), (200, "\"2\""), "{}", amended.text);
    assert_eq!(amended.json()["lines"][1]["balance"]["available"], "60000");
    assert_eq!(amend(&service, &licence, "\"1\"").await.code(), "version_mismatch");
}

#[tokio::test]
async fn what_was_consumed_stays_consumed() {
    let service = start();
    service.issue_sample().await;
    service.release(&cartridges("FR-1", "1000"), "k").await;
    let mut licence = export();
    licence["lines"][1]["quantity"] = json!("999");
    let refused = amend(&service, &licence, "\"1\"").await;
    assert_eq!(refused.json()["errors"][0]["code"], "below_used");
    assert_eq!(refused.json()["errors"][0]["path"], "/lines/1/quantity");
    licence["lines"].as_array_mut().unwrap().remove(1);
    assert_eq!(amend(&service, &licence, "\"1\"").await.json()["errors"][0]["code"], "line_in_use");
    for (field, other) in [("category", "firearm"), ("unit", "KGM")] {
        let mut licence = export();
        licence["lines"][1][field] = json!(other);
        let refused = amend(&service, &licence, "\"1\"").await.faults();
        let fault = (format!("/lines/1/{field}"), "line_in_use".to_owned());
        assert!(refused.contains(&fault) && refused.len() == 1, "{refused:?}");
    }
    let mut licence = export();
    licence["lines"][1]["quantity"] = json!("1000");
    let amended = amend(&service, &licence, "\"1\"").await.json();
    assert_eq!(
        amended["lines"][1]["balance"],
        json!({"authorised": "1000", "reserved": "0", "consumed": "1000", "available": "0"})
    );
}

#[tokio::test]
async fn decisions_move_the_status_and_every_version_is_kept() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let decide = async |decision: &str| {
        let body = json!({"reason": format!("for the {decision}")});
        service.post(&format!("/v1/licences/{EXPORT}/{decision}"), &authority, &body).await
    };
    for (decision, status) in
        [("suspension", "suspended"), ("reinstatement", "active"), ("revocation", "revoked")]
    {
        let decided = decide(decision).await;
        assert_eq!(
            (decided.status, decided.json()["status"].as_str()),
            (200, Some(status)),
            "{}",
            decided.text
        );
    }
    assert_eq!(decide("reinstatement").await.code(), "conflict");
    assert_eq!(decide("annulment").await.json()["status"], "annulled");
    assert_eq!(decide("confiscation").await.status, 404);
    let versions =
        service.get(&format!("/v1/licences/{EXPORT}/versions?limit=3"), &authority).await.json();
    let changes: Vec<&str> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["issue", "suspension", "reinstatement"]);
    let path =
        format!("/v1/licences/{EXPORT}/versions?after={}", versions["next"].as_str().unwrap());
    let rest = service.get(&path, &authority).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
}

#[tokio::test]
async fn a_decision_needs_a_reason() {
    let service = start();
    service.issue_sample().await;
    let path = format!("/v1/licences/{EXPORT}/suspension");
    let refused = service.post(&path, &token("FR", "authority"), &json!({})).await;
    assert_eq!(
        refused.json()["errors"][0],
        json!({"path": "/reason", "code": "required", "detail": "this field is required"})
    );
}

#[tokio::test]
async fn a_suspended_licence_holds_at_once() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.verify(&sample("clear")).await.json()["verdict"], "clear");
    let path = format!("/v1/licences/{EXPORT}/suspension");
    service.post(&path, &token("FR", "authority"), &json!({"reason": "inquiry"})).await;
    let held = service.verify(&sample("clear")).await.json();
    assert!(codes(&held).contains(&"LICENCE_SUSPENDED"), "{held}");
}

#[tokio::test]
async fn an_import_takes_the_good_names_the_bad_and_changes_nothing_the_second_time() {
    let service = start();
    let mut lines = Vec::new();
    for n in 0..250 {
        let mut licence = export();
        licence["number"] = json!(format!("FR-EXP-{n:05}"));
        lines.push(licence.to_string());
    }
    lines[10] = "{not json".to_owned();
    lines[20] = lines[20].replace("\"export\"", "\"exprot\"");
    lines[30] = lines[30].replace("\"issuing_state\":\"FR\"", "\"issuing_state\":\"KE\"");
    let headers = [("Content-Type", "application/x-ndjson")];
    let import = async |lines: &[String]| {
        let body = Some(lines.join("\n"));
        service
            .send(Method::POST, "/v1/licences/import", &token("FR", "authority"), &headers, body)
            .await
            .json()
    };
    let report = import(&lines).await;
    assert_eq!(
        (&report["imported"], &report["unchanged"], &report["refused"]),
        (&json!(247), &json!(0), &json!(3))
    );
    let bad: Vec<(u64, &str)> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bad| (bad["line"].as_u64().unwrap(), bad["errors"][0]["code"].as_str().unwrap()))
        .collect();
    assert_eq!(bad, [(11, "not_json"), (21, "unknown_word"), (31, "not_your_state")]);
    let again = import(&lines).await;
    assert_eq!(
        (&again["imported"], &again["unchanged"], &again["refused"]),
        (&json!(0), &json!(247), &json!(3))
    );
    lines[0] = lines[0].replace("Paris", "Lyon");
    let fault = &import(&lines).await["errors"][0]["errors"][0];
    assert_eq!(fault["code"], "conflict", "an import amends nothing");
    assert_eq!(fault["detail"], "licence FR-EXP-00000 is in the register already");
}

#[tokio::test]
async fn an_import_is_of_lines_as_they_stand() {
    let service = start();
    let import = async |headers: &[(&str, &str)]| {
        let (path, body) = ("/v1/licences/import", Some(export().to_string()));
        service.send(Method::POST, path, &token("FR", "authority"), headers, body).await
    };
    let lines = ("Content-Type", "application/x-ndjson; charset=utf-8");
    let packed = import(&[lines, ("Content-Encoding", "gzip")]).await;
    assert_eq!((packed.status, packed.code().as_str()), (415, "content_coding"));
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let other = import(&[("Content-Type", kind)]).await;
        assert_eq!((other.status, other.code().as_str()), (415, "not_json"), "{kind}");
    }
    assert_eq!(import(&[lines]).await.json()["imported"], 1);
}

#[tokio::test]
async fn an_import_under_a_key_is_made_once() {
    let service = start();
    let import = async |key: &str, licence: &Value| {
        let headers = [("Content-Type", "application/x-ndjson"), ("Idempotency-Key", key)];
        let (path, body) = ("/v1/licences/import", Some(licence.to_string()));
        service.send(Method::POST, path, &token("FR", "authority"), &headers, body).await
    };
    let first = import("import-1", &export()).await;
    assert_eq!((first.status, &first.json()["imported"]), (200, &json!(1)));
    assert_eq!(import("import-1", &export()).await.text, first.text, "the first report");
    assert_eq!(import("import-2", &export()).await.json()["unchanged"], 1, "another one");
    let mut other = export();
    other["number"] = json!("FR-EXP-2");
    let reused = import("import-1", &other).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    let read = service.get("/v1/licences/FR-EXP-2", &token("FR", "authority")).await;
    assert_eq!(read.status, 404, "nothing of it was taken");
}

#[tokio::test]
async fn an_old_retry_never_undoes_what_came_after_it() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let path = |word: &str| format!("/v1/licences/{EXPORT}/{word}");
    let reinstate = async |key: &str, reason: &str| {
        let body = json!({"reason": reason});
        service.post_once(&path("reinstatement"), &authority, key, &body).await
    };
    let first = reinstate("k", "the inquiry is closed").await;
    assert_eq!((first.status, first.code().as_str()), (409, "conflict"), "it is active");
    let (_, trail) = service.state().await;
    let suspended = service.post(&path("suspension"), &authority, &json!({"reason": "77"})).await;
    assert_eq!(suspended.status, 200, "{}", suspended.text);
    let retry = reinstate("k", "the inquiry is closed").await;
    assert_eq!((retry.status, &retry.text), (409, &first.text), "the first reply");
    let other = reinstate("k", "another reason").await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
    let licence = service.get(&format!("/v1/licences/{EXPORT}"), &authority).await.json();
    assert_eq!((&licence["status"], &licence["version"]), (&json!("suspended"), &json!(2)));
    assert_eq!(reinstate("another", "the inquiry is closed").await.status, 200);
    let entries = service.get("/v1/audit/entries?limit=200", &token("FR", "auditor")).await.json();
    let entries = entries["items"].as_array().unwrap();
    let before: usize = trail.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(entries.len(), before + 2, "what was refused is no entry");
}

#[tokio::test]
async fn a_refusal_for_the_state_of_things_is_told_again_and_one_for_the_form_is_not() {
    let service = start();
    let authority = token("FR", "authority");
    let suspend = async |body: &Value, version: &str| {
        let path = format!("/v1/licences/{EXPORT}/suspension");
        let mut headers = vec![("Idempotency-Key", "k")];
        if !version.is_empty() {
            headers.push(("If-Match", version));
        }
        service.send(Method::POST, &path, &authority, &headers, Some(body.to_string())).await
    };
    let body = json!({"reason": "77"});
    assert_eq!(suspend(&json!({"reasn": "77"}), "").await.code(), "invalid_request");
    assert_eq!(suspend(&body, "").await.status, 404, "its form has left no trace");
    service.issue_sample().await;
    assert_eq!(suspend(&body, "").await.status, 404, "it was not there");
    let (path, key) = (format!("/v1/licences/{EXPORT}"), ("Idempotency-Key", "amend"));
    let headers = [key, ("If-Match", "\"7\"")];
    let amend = async |headers: &[(&str, &str)], body: &Value| {
        service.send(Method::PUT, &path, &authority, headers, Some(body.to_string())).await
    };
    let stale = amend(&headers, &export()).await;
    assert_eq!((stale.status, stale.code().as_str()), (412, "version_mismatch"));
    let fresh = [key, ("If-Match", "\"1\"")];
    assert_eq!(amend(&fresh, &export()).await.status, 422, "another request under the key");
    assert_eq!(amend(&headers, &export()).await.text, stale.text);
    assert_eq!(service.release(&cartridges("FR-1", "1000"), "r").await.status, 201);
    let mut less = export();
    less["lines"][1]["quantity"] = json!("999");
    let headers = [("Idempotency-Key", "less"), ("If-Match", "\"1\"")];
    let below = amend(&headers, &less).await;
    assert_eq!(below.json()["errors"][0]["code"], "below_used", "{}", below.text);
    assert_eq!(amend(&headers, &less).await.text, below.text);
    assert_eq!(amend(&headers, &export()).await.status, 422, "{}", below.text);
}

#[tokio::test]
async fn a_licence_that_names_what_replaced_it_is_replaced_until_it_no_longer_does() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let path = format!("/v1/licences/{EXPORT}");
    let mut licence = export();
    licence["superseded_by"] = json!("FR-EXP-2026-000999");
    let replaced = amend(&service, &licence, "\"1\"").await;
    assert_eq!((replaced.status, &replaced.json()["status"]), (200, &json!("superseded")));
    let verdict = service.verify(&sample("clear")).await.json();
    assert_eq!((&verdict["verdict"], codes(&verdict)[0]), (&json!("refer"), "LICENCE_SUPERSEDED"));
    assert_eq!(service.release(&sample("clear"), "k").await.status, 409);
    licence["superseded_by"] = Value::Null;
    let again = amend(&service, &licence, "\"2\"").await;
    assert_eq!((again.status, &again.json()["status"]), (200, &json!("active")));
    assert_eq!(service.release(&sample("clear"), "k2").await.status, 201);
    licence["superseded_by"] = json!("FR-EXP-2026-000999");
    assert_eq!(amend(&service, &licence, "\"3\"").await.status, 200);
    let revoked = service
        .post(&format!("{path}/revocation"), &authority, &json!({"reason": "a false end user"}))
        .await;
    assert_eq!((revoked.status, &revoked.json()["status"]), (200, &json!("revoked")));
}
