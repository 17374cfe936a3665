//! Webhooks by their routes: kept by a State's authority, unseen by others.
use super::harness::*;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_state_keeps_its_own_webhooks() {
    let service = start();
    let (own, other) = (token("FR", "authority"), token("KE", "authority"));
    let body = json!({"url": "https://receiver.example/hooks", "events": ["release.made"]});
    let made = service.post_once("/v1/webhooks", &own, "hook", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let again = service.post_once("/v1/webhooks", &own, "hook", &body).await;
    assert_eq!(again.text, made.text, "once under one key");
    let path = format!("/v1/webhooks/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(service.get(&path, &own).await.json(), made.json());
    let list = service.get("/v1/webhooks", &token("FR", "admin")).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(service.get("/v1/webhooks", &other).await.json()["items"], json!([]));
    for (method, sent) in
        [(Method::GET, None), (Method::PUT, Some(body.to_string())), (Method::DELETE, None)]
    {
        assert_eq!(service.send(method, &path, &other, &[], sent).await.code(), "not_found");
    }
    assert_eq!((made.header("etag"), again.header("etag")), ("\"1\"", "\"1\""));
    assert_eq!(service.get(&path, &own).await.header("etag"), "\"1\"");
    let stopped = json!({"url": "https://receiver.example/2", "enabled": false});
    for (method, sent) in [(Method::PUT, Some(stopped.to_string())), (Method::DELETE, None)] {
        let wrong = service.send(method, &path, &own, &[("If-Match", "\"2\"")], sent).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (412, "version_mismatch"));
    }
    let seen = [("If-Match", "\"1\"")];
    let changed = service.send(Method::PUT, &path, &own, &seen, Some(stopped.to_string())).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.json();
    assert_eq!((&changed["status"], &changed["version"]), (&json!("disabled"), &json!(2)));
    let gone = service.send(Method::DELETE, &path, &own, &[], None).await;
    assert_eq!((gone.status, gone.json()["status"].clone()), (200, json!("deleted")));
    assert_eq!(service.get(&path, &own).await.status, 404);
}

#[tokio::test]
async fn a_webhook_that_could_lead_inside_is_refused_by_its_field() {
    let service = start();
    let own = token("FR", "authority");
    for url in [
        "http://receiver.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]:8443/",
        "https://2130706433/",
        "https://user:pass@receiver.example/",
        "ftp://receiver.example/",
        "receiver",
        "",
    ] {
        let refused = service.post("/v1/webhooks", &own, &json!({"url": url})).await;
        assert_eq!(refused.status, 400, "{url}: {}", refused.text);
        assert_eq!(refused.json()["errors"][0]["path"], "/url", "{url}");
    }
    let body = json!({"url": "https://receiver.example/", "events": ["release.make"]});
    let refused = service.post("/v1/webhooks", &own, &body).await;
    assert_eq!(refused.json()["errors"][0]["path"], "/events/0");
}

#[tokio::test]
async fn a_state_has_only_so_many() {
    let service = start_with(|config| config.webhooks.per_state_max = 2);
    let own = token("FR", "authority");
    let make = async |n: u32| {
        let body = json!({"url": format!("https://receiver.example/{n}")});
        service.post("/v1/webhooks", &own, &body).await
    };
    assert_eq!((make(1).await.status, make(2).await.status), (201, 201));
    assert_eq!(make(3).await.code(), "conflict");
}

#[tokio::test]
async fn the_key_that_signs_is_published() {
    let service = start();
    let keys = service.get("/v1/webhooks/keys", &token("DE", "carrier")).await.json();
    let key = &keys["keys"][0];
    assert!(key["key"].as_str().unwrap().starts_with("whpk_"), "{keys}");
    assert_eq!((&key["node"], &key["until"]), (&json!("passavant.example/test"), &json!(null)));
}

#[tokio::test]
async fn a_replay_needs_an_event_that_is_kept() {
    let service = start();
    let own = token("FR", "authority");
    let body = json!({"url": "https://receiver.example/"});
    let made = service.post("/v1/webhooks", &own, &body).await.json();
    let path = format!("/v1/webhooks/{}/replay", made["id"].as_str().unwrap());
    let absent = json!({"from_event": "019a0000-0000-7000-8000-000000000000"});
    let refused = service.post(&path, &own, &absent).await;
    assert_eq!(refused.json()["errors"][0]["path"], "/from_event");
    let none = service.post(&path, &own, &json!({"since": "2026-01-01T00:00:00Z"})).await;
    assert_eq!(none.json()["replayed"], 0);
}

#[tokio::test]
async fn the_list_is_given_in_pages() {
    let service = start();
    let own = token("FR", "authority");
    let mut made = Vec::new();
    for n in 0..5 {
        let body = json!({"url": format!("https://receiver.example/{n}")});
        made.push(service.post("/v1/webhooks", &own, &body).await.json()["id"].clone());
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    for expected in [2, 2, 1] {
        let page = service.get(&format!("/v1/webhooks?limit=2{next}"), &own).await.json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected, "{page}");
        seen.extend(items.iter().map(|item| item["id"].clone()));
        next = page["next"].as_str().map(|next| format!("&after={next}")).unwrap_or_default();
        assert_eq!(next.is_empty(), expected == 1, "{page}");
    }
    made.sort_by_key(ToString::to_string);
    assert_eq!(seen, made, "each once, in their order");
    let whole = service.get("/v1/webhooks?limit=5", &own).await.json();
    assert_eq!((whole["items"].as_array().unwrap().len(), &whole["next"]), (5, &json!(null)));
    let foreign = service.get("/v1/webhooks?after=AAAAAAAAAAU", &own).await;
    assert_eq!(foreign.json()["errors"][0]["path"], "?after", "{}", foreign.text);
}
