//! Releases: retry, re-scan, amendment and replay are told apart.
use super::harness::*;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

async fn balance(service: &Service, line: usize) -> Value {
    let licence =
        service.get(&format!("/v1/licences/{EXPORT}"), &token("FR", "authority")).await.json();
    licence["lines"][line]["balance"].clone()
}

#[tokio::test]
async fn a_release_draws_the_balance_and_a_retry_does_not_draw_again() {
    let service = start();
    service.issue_sample().await;
    let verification = service.verify(&sample("clear")).await.json();
    let body = json!({"verification": verification["id"]});
    let officer = token("FR", "officer");
    let first = service.post_once("/v1/releases", &officer, "release-1", &body).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let again = service.post_once("/v1/releases", &officer, "release-1", &body).await;
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!((first.header("etag"), again.header("etag")), ("\"1\"", "\"1\""));
    let expected =
        json!({"authorised": "50000", "reserved": "0", "consumed": "5000", "available": "45000"});
    assert_eq!(balance(&service, 1).await, expected);
    assert_eq!(balance(&service, 0).await["consumed"], "2");
}

#[tokio::test]
async fn the_import_licence_is_not_drawn_at_export() {
    let service = start();
    service.issue_sample().await;
    service.release(&sample("clear"), "k").await;
    let licence =
        service.get("/v1/licences/KE-IMP-2026-00087", &token("KE", "authority")).await.json();
    assert_eq!(licence["lines"][1]["balance"]["consumed"], "0");
}

#[tokio::test]
async fn a_release_needs_a_key() {
    let service = start();
    let refused =
        service.post("/v1/releases", &token("FR", "officer"), &json!({"verification": "x"})).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "invalid_header"));
}

#[tokio::test]
async fn the_same_declaration_scanned_again_after_its_release_holds() {
    let service = start();
    service.issue_sample().await;
    assert_eq!(service.release(&sample("clear"), "first").await.status, 201);
    let rescan = service.verify(&sample("clear")).await.json();
    assert!(codes(&rescan).contains(&"MRN_ALREADY_USED"), "{rescan}");
    let body = json!({"verification": rescan["id"]});
    let refused = service.post_once("/v1/releases", &token("FR", "officer"), "second", &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    assert!(
        refused.json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["code"] == "MRN_ALREADY_USED")
    );
    assert_eq!(balance(&service, 1).await["consumed"], "5000");
}

#[tokio::test]
async fn an_amendment_sets_absolute_figures_and_a_reversal_gives_all_back() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let release = service.release(&cartridges("FR-1", "1000"), "k").await.json();
    let id = release["id"].as_str().unwrap();
    let amendment = json!({"reason": "miscounted", "declaration": cartridges("FR-1", "700")});
    let amended = service.post(&format!("/v1/releases/{id}/amendment"), &officer, &amendment).await;
    assert_eq!(amended.status, 200, "{}", amended.text);
    assert_eq!(
        (amended.json()["version"].as_i64(), balance(&service, 1).await["consumed"].as_str()),
        (Some(2), Some("700"))
    );
    let reversal = json!({"reason": "the goods did not leave"});
    let reversed = service.post(&format!("/v1/releases/{id}/reversal"), &officer, &reversal).await;
    assert_eq!(
        (reversed.status, balance(&service, 1).await["consumed"].as_str()),
        (200, Some("0"))
    );
    let twice = service.post(&format!("/v1/releases/{id}/reversal"), &officer, &reversal).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "conflict"));
    let kinds = service
        .get(&format!("/v1/licences/{EXPORT}/ledger"), &token("FR", "authority"))
        .await
        .json();
    let kinds: Vec<&str> = kinds["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["issue", "issue", "release", "release_amendment", "reversal"]);
}

#[tokio::test]
async fn a_correction_names_the_version_that_was_seen() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let release = service.release(&cartridges("FR-1", "1000"), "k").await.json();
    let path = format!("/v1/releases/{}", release["id"].as_str().unwrap());
    let correct = async |act: &str, version: &str, key: &str, rounds: &str| {
        let mut body = json!({"reason": "miscounted"});
        if act == "amendment" {
            body["declaration"] = cartridges("FR-1", rounds);
        }
        let headers = [("If-Match", version), ("Idempotency-Key", key)];
        let (path, body) = (format!("{path}/{act}"), Some(body.to_string()));
        service.send(Method::POST, &path, &officer, &headers, body).await
    };
    let seen = service.get(&path, &officer).await;
    assert_eq!((seen.status, seen.header("etag")), (200, "\"1\""));
    let wrong = correct("amendment", "\"9\"", "a1", "700").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (412, "version_mismatch"));
    assert_eq!(wrong.json()["detail"], "the release is at version 1, you have seen version 9");
    let amended = correct("amendment", "\"1\"", "a2", "700").await;
    assert_eq!((amended.status, amended.header("etag")), (200, "\"2\""), "{}", amended.text);
    // The other officer has looked at the first version.
    assert_eq!(correct("amendment", "\"1\"", "a3", "800").await.status, 412);
    assert_eq!(correct("amendment", "\"1\"", "a2", "700").await.text, amended.text, "a retry");
    assert_eq!(correct("reversal", "\"1\"", "r1", "").await.status, 412);
    assert_eq!(balance(&service, 1).await["consumed"], "700");
    assert_eq!(correct("reversal", "2", "r2", "").await.status, 200);
    assert_eq!(correct("reversal", "x", "r3", "").await.code(), "invalid_header");
}

fn path_of(release: &Value) -> String {
    format!("/v1/releases/{}/amendment", release["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_amendment_cannot_become_another_declaration_or_more_than_there_is() {
    let service = start();
    service.issue_sample().await;
    let officer = token("FR", "officer");
    let release = service.release(&cartridges("FR-1", "1000"), "k").await.json();
    let path = path_of(&release);
    let other = json!({"reason": "x", "declaration": cartridges("FR-2", "1")});
    assert_eq!(
        service.post(&path, &officer, &other).await.json()["errors"][0]["code"],
        "another_declaration"
    );
    let mut goods = cartridges("FR-1", "1");
    goods["items"][0]["category"] = json!("ammunition_component");
    let mut added = cartridges("FR-1", "1");
    added["items"][0]["item"] = json!(7);
    let mut turned = cartridges("FR-1", "1");
    turned["movement"] = json!("import");
    for (declaration, path) in [
        (goods, "/declaration/items/0/category"),
        (added, "/declaration/items/0/item"),
        (turned, "/declaration/movement"),
    ] {
        let body = json!({"reason": "x", "declaration": declaration});
        let refused = service.post(&path_of(&release), &officer, &body).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["path"]), (400, &json!(path)));
    }
    let more = json!({"reason": "x", "declaration": cartridges("FR-1", "50001")});
    let refused = service.post(&path, &officer, &more).await;
    assert_eq!(refused.json()["detail"], "decided again, the verdict is hold; nothing was changed");
    assert_eq!(
        (refused.status, balance(&service, 1).await["consumed"].as_str()),
        (409, Some("1000"))
    );
}

#[tokio::test]
async fn serials_bind_at_first_use_and_are_never_released_twice() {
    let service = start();
    for mut licence in passavant::demo::licences(today()) {
        licence["lines"][0].as_object_mut().unwrap().remove("serials");
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        assert_eq!(
            service.post("/v1/licences", &token(&state, "authority"), &licence).await.status,
            201
        );
    }
    let mut first = sample("clear");
    first["items"] = json!([first["items"][0]]);
    assert_eq!(service.release(&first, "first").await.status, 201);
    let mut second = first.clone();
    second["reference"] = json!({"type": "national", "value": "FR-2"});
    let verification = service.verify(&second).await.json();
    assert!(codes(&verification).contains(&"SERIAL_ALREADY_MOVED"), "{verification}");
    let body = json!({"verification": verification["id"]});
    let refused = service.post_once("/v1/releases", &token("FR", "officer"), "second", &body).await;
    assert_eq!(refused.status, 409);
}

#[tokio::test]
async fn unknown_and_foreign_verifications_are_not_there() {
    let service = start();
    service.issue_sample().await;
    let verification = service.verify(&sample("clear")).await.json();
    let body = json!({"verification": verification["id"]});
    let foreign = service.post_once("/v1/releases", &token("DE", "officer"), "k", &body).await;
    let unknown = json!({"verification": "019a0000-0000-7000-8000-000000000000"});
    let unknown = service.post_once("/v1/releases", &token("FR", "officer"), "k", &unknown).await;
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.text, unknown.text, "nothing tells them apart");
    let released = service.release(&cartridges("FR-1", "1"), "own").await.json();
    let mut abroad = cartridges("FR-1", "1");
    abroad["border_post"] = json!("DEHAM");
    let amendment = json!({"reason": "x", "declaration": abroad});
    let answer = service.post(&path_of(&released), &token("DE", "officer"), &amendment).await;
    assert_eq!(answer.text, foreign.text, "not even to who presents it at a post of his own");
    let path = "/v1/releases/019a0000-0000-7000-8000-000000000000/reversal";
    let answer = service
        .send(Method::POST, path, &token("FR", "officer"), &[], Some("{\"reason\":\"x\"}".into()))
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn a_key_that_was_used_says_so_before_anything_else() {
    let service = start();
    service.issue_sample().await;
    let (officer, other) = (token("FR", "officer"), token("KE", "officer"));
    let verified = service.verify(&cartridges("FR-1", "1000")).await.json();
    let body = json!({"verification": verified["id"]});
    let release = service.post_once("/v1/releases", &officer, "k", &body).await;
    assert_eq!(release.status, 201, "{}", release.text);
    let unknown = json!({"verification": "019ff000-0000-7000-8000-000000000000"});
    let reused = service.post_once("/v1/releases", &officer, "k", &unknown).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    assert_eq!(service.post_once("/v1/releases", &officer, "k2", &unknown).await.status, 404);
    let path = path_of(&release.json());
    let mut elsewhere = json!({"reason": "x", "declaration": cartridges("FR-1", "1")});
    elsewhere["declaration"]["border_post"] = json!("KEMBA");
    let reused = service.post_once(&path, &officer, "k", &elsewhere).await;
    assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
    let refused = service.post_once(&path, &officer, "k3", &elsewhere).await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["code"]),
        (400, &json!("not_your_post"))
    );
    // Another State's release is none, whatever the declaration says.
    for post in ["FRLEH", "KEMBA"] {
        elsewhere["declaration"]["border_post"] = json!(post);
        assert_eq!(service.post_once(&path, &other, post, &elsewhere).await.status, 404, "{post}");
    }
}

#[tokio::test]
async fn a_consignment_s_declaration_in_another_dress_is_the_same() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = cartridges("FR-1", "1000");
    declaration["reference"] = json!({"type": "ucr", "value": "6FR12345678901234-DRESS"});
    declaration["ucr"] = declaration["reference"]["value"].clone();
    declaration["accepted_at"] = json!("2026-11-23T08:14:09+01:00");
    assert_eq!(service.release(&declaration, "first").await.status, 201);
    let changed = |field: &str, to: Value| {
        let mut other = declaration.clone();
        *other.pointer_mut(field).unwrap() = to;
        other
    };
    let mut thousands = changed("/items/0/quantity", json!("1"));
    thousands["items"][0]["unit"] = json!("MIL");
    for same in [
        changed("/items/0/quantity", json!("1000.0")),
        changed("/accepted_at", json!("2026-11-23T07:14:09Z")),
        thousands,
    ] {
        let verdict = service.verify(&same).await.json();
        assert_eq!(verdict["verdict"], "hold", "{verdict}");
        assert!(codes(&verdict).contains(&"MRN_ALREADY_USED"), "{verdict}");
    }
    let more = service.verify(&changed("/items/0/quantity", json!("1001"))).await.json();
    assert!(!codes(&more).contains(&"MRN_ALREADY_USED"), "{more}");
}
