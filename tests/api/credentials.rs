//! Credentials: issued by one State, checked by another and by nobody's leave; every altered byte is
//! noticed, and what no longer stands is known to.
use super::harness::*;
use passavant::config::Authority;
use passavant::credential::Algorithm;
use passavant::domain::Timestamp;
use passavant::outbound::key_ring;
use passavant::outbound::key_ring::Standing;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

const KE_IMPORT: &str = "KE-IMP-2026-00087";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A service of a State whose authority has a key, reachable for others.
pub struct Issuing {
    pub service: Service,
    pub keys: PathBuf,
    _dir: TempDir,
}

/// A port that is free now: the issuer's address stands in credentials before the service listens.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn issuing(state: &'static str, algorithm: Algorithm) -> Issuing {
    issuing_with(state, algorithm, |_| {})
}

pub fn issuing_with(
    state: &'static str,
    algorithm: Algorithm,
    change: impl FnOnce(&mut passavant::config::Config),
) -> Issuing {
    let dir = TempDir::new().unwrap();
    let keys = dir.path().join("keys");
    key_ring::generate(&keys, algorithm, &[state.as_bytes()[0]; 32], at(1)).unwrap();
    let (port, folder) = (free_port(), keys.clone());
    let service = start_with(move |config| {
        state.clone_into(&mut config.node.state);
        config.node.origin = format!("{}.example/test", state.to_lowercase());
        config.http.listen = format!("127.0.0.1:{port}").parse().unwrap();
        config.trust.issuer = format!("http://127.0.0.1:{port}");
        config.trust.key_dir = folder;
        config.trust.status_ttl_s = 1;
        config.trust.cool_down_s = 0;
        change(config);
    });
    Issuing { service, keys, _dir: dir }
}

impl Issuing {
    fn issuer(&self) -> String {
        format!("http://{}", self.service.api)
    }

    pub async fn credential(&self, state: &str, number: &str) -> Value {
        let path = format!("/v1/licences/{number}/credential");
        let answer = self.service.post(&path, &token(state, "authority"), &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    async fn check(&self, state: &str, credential: &str) -> Value {
        let body = json!({"credential": credential});
        let answer =
            self.service.post("/v1/credentials/verify", &token(state, "officer"), &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

/// A service that believes another one's authority.
fn trusting(state: &'static str, other: &Issuing, other_state: &str) -> Issuing {
    let issuer = other.issuer();
    let other_state = other_state.to_owned();
    issuing_with(state, Algorithm::EdDsa, move |config| {
        config.trust.authorities.push(Authority {
            state: other_state,
            jwks_url: Some(format!("{issuer}/.well-known/jwks.json")),
            issuer,
            jwks_file: None,
            ca_file: None,
        });
    })
}

#[tokio::test]
async fn another_state_checks_a_licence_by_what_is_published() {
    for algorithm in Algorithm::ALL {
        let kenya = issuing("KE", algorithm);
        kenya.service.issue_sample().await;
        let france = trusting("FR", &kenya, "KE");
        let credential = kenya.credential("KE", KE_IMPORT).await;
        for form in ["jws", "paper"] {
            let checked = france.check("FR", credential[form].as_str().unwrap()).await;
            assert_eq!(checked["result"], "authentic", "{checked}");
            assert_eq!(checked["form"], form);
            assert_eq!(checked["licence"], KE_IMPORT);
            assert_eq!(checked["document"]["number"], KE_IMPORT);
            assert_eq!(checked["key"]["state"], "KE");
            assert_eq!(checked["key"]["known_from"], "published");
            assert_eq!(checked["key"]["id"], credential["key"]);
            assert_eq!(checked["status"]["standing"], "valid");
            assert!(checked["status"]["age_s"].as_i64().unwrap() < 60);
            assert!(checked["balance"].as_str().unwrap().contains("not told"));
            assert!(!checked.to_string().contains("available"), "nothing of what is left");
        }
        let own = kenya.check("KE", credential["jws"].as_str().unwrap()).await;
        assert_eq!(
            (&own["result"], &own["key"]["known_from"]),
            (&json!("authentic"), &json!("own"))
        );
    }
}

#[tokio::test]
async fn what_no_longer_stands_is_known_to_others() {
    let kenya = issuing("KE", Algorithm::EdDsa);
    kenya.service.issue_sample().await;
    let france = trusting("FR", &kenya, "KE");
    let credential = kenya.credential("KE", KE_IMPORT).await;
    let jws = credential["jws"].as_str().unwrap();
    let authority = token("KE", "authority");
    let result = async || {
        // The list that was read before is good for a second.
        tokio::time::sleep(Duration::from_millis(3100)).await;
        let (there, here) = (kenya.check("KE", jws).await, france.check("FR", jws).await);
        assert_eq!(there["code"], here["code"], "both say the same");
        here["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(result().await, "authentic");
    let decide = async |word: &str| {
        let path = format!("/v1/licences/{KE_IMPORT}/{word}");
        let decided = kenya.service.post(&path, &authority, &json!({"reason": "inquiry"})).await;
        assert_eq!(decided.status, 200, "{}", decided.text);
    };
    decide("suspension").await;
    assert_eq!(result().await, "suspended");
    let path = format!("/v1/licences/{KE_IMPORT}/credential");
    assert_eq!(kenya.service.post(&path, &authority, &json!({})).await.status, 409);
    decide("reinstatement").await;
    assert_eq!(result().await, "authentic");
    let mut licence =
        kenya.service.get(&format!("/v1/licences/{KE_IMPORT}"), &authority).await.json();
    let version = format!("\"{}\"", licence["version"]);
    for field in ["status", "version", "closed", "shipments"] {
        licence.as_object_mut().unwrap().remove(field);
    }
    for line in licence["lines"].as_array_mut().unwrap() {
        line.as_object_mut().unwrap().remove("balance");
    }
    licence["place_of_issue"] = json!("Mombasa");
    let amended = kenya
        .service
        .send(
            reqwest::Method::PUT,
            &format!("/v1/licences/{KE_IMPORT}"),
            &authority,
            &[("If-Match", &version)],
            Some(licence.to_string()),
        )
        .await;
    assert_eq!(amended.status, 200, "{}", amended.text);
    assert_eq!(result().await, "amended");
    let newer = kenya.credential("KE", KE_IMPORT).await;
    assert_ne!(newer["status_index"], credential["status_index"]);
    let checked = france.check("FR", newer["jws"].as_str().unwrap()).await;
    assert_eq!(checked["code"], "authentic", "{checked}");
    decide("revocation").await;
    assert_eq!(result().await, "revoked");
}

#[tokio::test]
async fn asking_again_gives_the_same_credential() {
    let france = issuing("FR", Algorithm::EdDsa);
    france.service.issue_sample().await;
    let path = format!("/v1/licences/{EXPORT}/credential");
    let authority = token("FR", "authority");
    let before = france.service.state().await.1;
    let refused = france.service.post(&path, &authority, &json!({"x": 1})).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["path"]), (400, &json!("/x")));
    assert_eq!(before, france.service.state().await.1, "nothing was issued");
    let first = france.service.post(&path, &authority, &json!({})).await;
    let recorded = france.service.state().await.1;
    let second = france.service.post(&path, &authority, &json!({})).await;
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.text, second.text);
    assert_ne!(before, recorded, "that it was issued stands in the trail");
    assert_eq!(recorded, france.service.state().await.1, "that it was read does not");
    for (path, form) in [("qr.svg", "image/svg+xml"), ("qr.png", "image/png")] {
        let picture = france.service.client.get(format!(
            "http://{}{}",
            france.service.api,
            format_args!("/v1/licences/{EXPORT}/credential/{path}")
        ));
        let picture = picture.bearer_auth(&authority).send().await.unwrap();
        assert_eq!(picture.headers()["content-type"], form);
    }
    let foreign = france.service.post(&path, &token("KE", "authority"), &json!({})).await;
    assert_eq!(foreign.status, 404, "Kenya's authority does not sign for France");
    let kenyan = format!("/v1/licences/{KE_IMPORT}/credential");
    assert_eq!(france.service.post(&kenyan, &authority, &json!({})).await.status, 404);
}

#[tokio::test]
async fn keys_are_rotated_while_the_service_runs_and_old_papers_stay_good() {
    let france = issuing("FR", Algorithm::EdDsa);
    france.service.issue_sample().await;
    let old = france.credential("FR", EXPORT).await;
    let waiting = key_ring::generate(&france.keys, Algorithm::Es256, &[8; 32], at(2)).unwrap();
    key_ring::rotate(&france.keys, None, at(3)).unwrap();
    let mut new = old.clone();
    for _ in 0..100 {
        new = france.credential("FR", EXPORT).await;
        if new["key"] != old["key"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(new["key"], waiting.public.kid());
    let kid = old["key"].as_str().unwrap();
    for paper in [&old, &new] {
        let checked = france.check("FR", paper["paper"].as_str().unwrap()).await;
        assert_eq!(checked["result"], "authentic", "{checked}");
    }
    key_ring::end(&france.keys, kid, Standing::Withdrawn, at(4)).unwrap();
    let mut code = String::new();
    for _ in 0..100 {
        code = france.check("FR", old["jws"].as_str().unwrap()).await["code"].to_string();
        if code != "\"authentic\"" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(code, "\"key_unknown\"", "a withdrawn key's papers count no more");
}

#[tokio::test]
async fn a_credential_feeds_the_verdict() {
    let kenya = issuing("KE", Algorithm::Es256);
    kenya.service.issue_sample().await;
    let france = trusting("FR", &kenya, "KE");
    // In France the Kenyan licence is a paper that nobody has confirmed.
    for mut licence in passavant::demo::licences(today()) {
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        if state == "KE" {
            licence["authenticity"] = json!("unverified");
        }
        let issued =
            france.service.post("/v1/licences", &token(&state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let paper = kenya.credential("KE", KE_IMPORT).await["paper"].as_str().unwrap().to_owned();
    let mut declaration = sample("clear");
    let plain = france.service.verify(&declaration).await.json();
    assert!(codes(&plain).contains(&"LICENCE_AUTHENTICITY_UNVERIFIED"), "{plain}");
    declaration["credentials"] = json!([paper]);
    let proven = france.service.verify(&declaration).await.json();
    assert_eq!(proven["verdict"], "clear", "{proven}");
    let released = france.service.release(&declaration, "with-credential").await;
    assert_eq!(released.status, 201, "{}", released.text);
    let mut altered = paper.into_bytes();
    let last = altered.len() - 20;
    altered[last] = if altered[last] == b'7' { b'8' } else { b'7' };
    declaration["credentials"] = json!([String::from_utf8(altered).unwrap()]);
    declaration["reference"] = json!({"type": "national", "value": "FR-ALTERED"});
    let forged = france.service.verify(&declaration).await.json();
    assert_eq!(forged["verdict"], "hold", "{forged}");
    assert!(codes(&forged).contains(&"LICENCE_AUTHENTICITY_FAILED"), "{forged}");
    for bad in [json!([""]), json!(["x".repeat(40_000)]), json!(vec!["PV1:A"; 21])] {
        declaration["credentials"] = bad;
        let refused = france.service.verify(&declaration).await;
        assert_eq!(refused.code(), "invalid_request");
        assert!(refused.text.contains("/declaration/credentials"), "{}", refused.text);
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_leaves_a_paper_unverified() {
    let kenya = issuing("KE", Algorithm::EdDsa);
    kenya.service.issue_sample().await;
    let credential = kenya.credential("KE", KE_IMPORT).await;
    let jws = credential["jws"].as_str().unwrap();
    let keys = kenya.service.get("/.well-known/jwks.json", "").await;
    assert_eq!(keys.header("content-type"), "application/jwk-set+json");
    let dir = TempDir::new().unwrap();
    let pinned = dir.path().join("ke.jwks");
    std::fs::write(&pinned, &keys.text).unwrap();
    let issuer = kenya.issuer();
    drop(kenya);
    let file: &Path = &pinned;
    let file = file.to_path_buf();
    let france = issuing_with("FR", Algorithm::EdDsa, move |config| {
        config.trust.authorities.push(Authority {
            state: "KE".to_owned(),
            issuer,
            jwks_url: None,
            jwks_file: Some(file),
            ca_file: None,
        });
    });
    let checked = france.check("FR", jws).await;
    assert_eq!(checked["result"], "unverified", "{checked}");
    assert_eq!(
        (&checked["code"], &checked["key"]["known_from"]),
        (&json!("status_unknown"), &json!("pinned"))
    );
    let unknown = france.check("FR", &jws.replace('.', ".A")).await;
    assert_eq!((&unknown["result"], &unknown["document"]), (&json!("failed"), &Value::Null));
}

#[tokio::test]
async fn status_lists_are_there_for_everyone_and_no_further_than_they_go() {
    let france = issuing("FR", Algorithm::EdDsa);
    let first = france.service.get("/v1/status-lists/0", "").await;
    assert_eq!((first.status, first.header("content-type")), (200, "application/statuslist+jwt"));
    for none in ["1", "x", "-1", "99999999999999999999", "140737488355328"] {
        let answer = france.service.get(&format!("/v1/status-lists/{none}"), "").await;
        assert_eq!(answer.code(), "not_found", "{none}");
    }
    let posted = france.service.post("/.well-known/jwks.json", "", &json!({})).await;
    assert_eq!(posted.code(), "method_not_allowed");
}
