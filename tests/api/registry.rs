//! What this register says of a number to another State's.
use super::harness::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use serde_json::json;

const IMPORT: &str = "KE-IMP-2026-00087";
const NONCE: &str = "0123456789abcdef";

fn path(number: &str) -> String {
    format!("/v1/registry/licences/{number}?nonce={NONCE}")
}

/// What a reply says; that its signature is believed is proved where two services run.
fn said(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/jose");
    let parts: Vec<&str> = answer.text.split('.').collect();
    let part = |n: usize| URL_SAFE_NO_PAD.decode(parts[n]).unwrap();
    let head: Value = serde_json::from_slice(&part(0)).unwrap();
    assert_eq!((&head["alg"], &head["typ"]), (&json!("EdDSA"), &json!("passavant-register+jws")));
    assert_eq!(part(2).len(), 64);
    serde_json::from_slice(&part(1)).unwrap()
}

#[tokio::test]
async fn it_answers_with_its_own_licences_that_name_the_asker_and_nothing_else() {
    let service = start();
    service.issue_sample().await;
    let ask =
        async |state, number| said(&service.get(&path(number), &token(state, "register")).await);
    let told = ask("KE", EXPORT).await;
    let own = json!({"iss": "FR", "aud": "KE", "sub": EXPORT, "nonce": NONCE});
    for (field, value) in own.as_object().unwrap() {
        assert_eq!(&told[field], value, "{told}");
    }
    let licence = &told["licence"];
    assert_eq!((&licence["version"], &licence["status"]), (&json!(1), &json!("active")));
    let document: Value = serde_json::from_str(licence["document"].as_str().unwrap()).unwrap();
    assert_eq!(document["number"], EXPORT);
    assert_eq!(ask("DE", EXPORT).await["licence"], Value::Null, "it does not name Germany");
    assert_eq!(ask("KE", IMPORT).await["licence"], Value::Null, "it is not this State's to state");
    assert_eq!(ask("KE", "FR-EXP-2026-999999").await["licence"], Value::Null);
}

#[tokio::test]
async fn it_answers_registers_alone_and_only_with_a_word_to_know_the_answer_by() {
    let service = start();
    service.issue_sample().await;
    for role in ["officer", "authority", "carrier", "auditor", "admin"] {
        let refused = service.get(&path(EXPORT), &token("KE", role)).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "forbidden"), "{role}");
    }
    for query in ["", "?nonce=short", "?nonce=0123456789abcde.", "?other=0123456789abcdef"] {
        let path = format!("/v1/registry/licences/{EXPORT}{query}");
        let refused = service.get(&path, &token("KE", "register")).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
    }
    let other = service.get(&format!("/v1/licences/{EXPORT}"), &token("KE", "register")).await;
    assert_eq!(other.status, 403, "a register asks for nothing else");
}
