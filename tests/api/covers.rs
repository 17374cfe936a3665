//! What all exports together take of one import licence, whichever export licences they are released under.
use super::harness::*;
use serde_json::Value;
use serde_json::json;

/// Another export licence of the sample's transaction.
const OTHER: &str = "FR-EXP-2026-000413";
const IMPORT: &str = "KE-IMP-2026-00087";
const CODE: &str = "EXPORT_IMPORT_LICENCE_MISMATCH";

/// The sample's licences, and another export licence that rests on the same import licence.
async fn papers() -> Service {
    let service = start();
    service.issue_sample().await;
    let mut other = passavant::demo::licences(today()).remove(0);
    other["number"] = json!(OTHER);
    let issued = service.post("/v1/licences", &token("FR", "authority"), &other).await;
    assert_eq!(issued.status, 201, "{}", issued.text);
    service
}

/// Cartridges under the other export licence.
fn others(reference: &str, rounds: &str) -> Value {
    let mut declaration = cartridges(reference, rounds);
    declaration["items"][0]["licences"][0]["number"] = json!(OTHER);
    declaration
}

async fn release(service: &Service, verification: &Value, key: &str) -> Answer {
    let body = json!({"verification": verification["id"]});
    service.post_once("/v1/releases", &token("FR", "officer"), key, &body).await
}

async fn correct(service: &Service, release: &Value, act: &str, body: Value) {
    let path = format!("/v1/releases/{}/{act}", release["id"].as_str().unwrap());
    let corrected = service.post(&path, &token("FR", "officer"), &body).await;
    assert_eq!(corrected.status, 200, "{}", corrected.text);
}

#[tokio::test]
async fn two_export_licences_take_no_more_of_an_import_licence_than_it_authorises() {
    let service = papers().await;
    let beyond = service.verify(&others("FR-2", "20001")).await.json();
    assert_eq!(beyond["verdict"], "clear", "nothing has gone yet: {beyond}");
    let first = service.release(&cartridges("FR-1", "30000"), "first").await;
    assert_eq!(first.status, 201, "{}", first.text);

    // It had cleared; the release asks the rows.
    let refused = release(&service, &beyond, "beyond").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    assert_eq!(codes(&refused.json()), [CODE]);
    let beyond = service.verify(&others("FR-2", "20001")).await.json();
    assert_eq!((&beyond["verdict"], codes(&beyond)), (&json!("refer"), vec![CODE]), "{beyond}");
    let found = &beyond["findings"][0];
    let told = json!({
        "code": CODE, "severity": "refer", "item": 2, "path": "/items/0/licences/1", "licence": IMPORT,
        "licence_version": 1, "line": 2, "declared": "50001", "licensed": "50000",
        "message": "quantity: 30000 C62 released already under line 2 of KE-IMP-2026-00087, 20001 more, 50000 authorised",
        "legal_basis": "Firearms Protocol art. 10(2), 10(3)",
        "remedy": "Declare at most 20000 C62, or quote a further import licence", "remedy_by": "declarant"
    });
    assert_eq!(*found, told);

    let rest = service.release(&others("FR-3", "20000"), "rest").await;
    assert_eq!(rest.status, 201, "exactly the rest: {}", rest.text);
    let none = service.verify(&cartridges("FR-4", "1")).await.json();
    assert_eq!(codes(&none), [CODE], "{none}");
    assert_eq!(none["findings"][0]["remedy"], "Quote a further import licence");

    // What did not leave after all is there again.
    correct(&service, &first.json(), "reversal", json!({"reason": "the goods did not leave"}))
        .await;
    let again = service.release(&others("FR-2", "20001"), "again").await;
    assert_eq!(again.status, 201, "{}", again.text);
    let verdict = service.verify(&cartridges("FR-5", "10000")).await.json();
    assert_eq!(codes(&verdict), [CODE], "{verdict}");
    let verdict = service.verify(&cartridges("FR-5", "9999")).await.json();
    assert_eq!(verdict["verdict"], "clear", "{verdict}");
}

#[tokio::test]
async fn an_amendment_moves_what_has_gone_under_an_import_licence() {
    let service = papers().await;
    let first = service.release(&cartridges("FR-1", "30000"), "first").await.json();
    let amend = async |rounds: &str| {
        let body = json!({"reason": "miscounted", "declaration": cartridges("FR-1", rounds)});
        correct(&service, &first, "amendment", body).await;
    };
    // Its own figure is no obstacle to another one.
    amend("50000").await;
    let none = service.verify(&others("FR-2", "1")).await.json();
    assert_eq!(codes(&none), [CODE], "{none}");
    amend("10000").await;
    let rest = service.release(&others("FR-2", "40000"), "rest").await;
    assert_eq!(rest.status, 201, "{}", rest.text);
    let path = format!("/v1/releases/{}/amendment", first["id"].as_str().unwrap());
    let more = json!({"reason": "miscounted", "declaration": cartridges("FR-1", "10001")});
    let refused = service.post(&path, &token("FR", "officer"), &more).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "release_refused"));
    assert_eq!(codes(&refused.json()), [CODE]);
}

#[tokio::test]
async fn what_two_officers_release_counts_in_full_once_it_is_confirmed() {
    let service = papers().await;
    assert_eq!(service.release(&cartridges("FR-1", "30000"), "first").await.status, 201);
    let verification = service.verify(&others("FR-2", "25000")).await.json();
    let reason = json!({"reason": "Kenya has agreed to the difference by letter"});
    let body = json!({"verification": verification["id"], "override": reason});
    let officer = token("FR", "officer");
    let asked = service.post_once("/v1/releases", &officer, "ask", &body).await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    assert_eq!(asked.json()["override"]["codes"], json!([CODE]));
    let pending = service.verify(&others("FR-3", "20000")).await.json();
    assert_eq!(pending["verdict"], "clear", "nothing more has gone yet: {pending}");
    let path = format!("/v1/releases/{}/confirmation", asked.json()["id"].as_str().unwrap());
    let second = token_of("FR", "officer", "officer-2");
    let confirmed = service.post_once(&path, &second, "confirm", &json!({})).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(confirmed.json()["draws"][0]["quantity"], "25000");
    let none = service.verify(&others("FR-3", "1")).await.json();
    let message = "quantity: 55000 C62 released already under line 2 of KE-IMP-2026-00087, 1 more, 50000 authorised";
    assert_eq!(none["findings"][0]["message"], message, "{none}");
    correct(&service, &asked.json(), "reversal", json!({"reason": "it did not leave"})).await;
    let rest = service.release(&others("FR-3", "20000"), "rest").await;
    assert_eq!(rest.status, 201, "{}", rest.text);
}

#[tokio::test]
async fn an_item_counts_with_each_of_its_import_licences_by_the_share_stated() {
    let service = papers().await;
    let mut small = passavant::demo::licences(today()).remove(1);
    small["number"] = json!("KE-IMP-2026-00088");
    small["lines"][1]["quantity"] = json!("100");
    let issued = service.post("/v1/licences", &token("KE", "authority"), &small).await;
    assert_eq!(issued.status, 201, "{}", issued.text);
    let over_both = |reference: &str, rounds: u32, share: u32| {
        let mut declaration = cartridges(reference, &rounds.to_string());
        declaration["items"][0]["licences"] = json!([
            {"number": EXPORT, "line": 2},
            {"number": IMPORT, "line": 2, "quantity": (rounds - share).to_string()},
            {"number": "KE-IMP-2026-00088", "line": 2, "quantity": share.to_string()}
        ]);
        declaration
    };
    let first = service.release(&over_both("FR-1", 1000, 60), "first").await;
    assert_eq!(first.status, 201, "{}", first.text);
    let beyond = service.verify(&over_both("FR-2", 1000, 41)).await.json();
    assert_eq!(codes(&beyond), [CODE], "{beyond}");
    let found = &beyond["findings"][0];
    assert_eq!(
        (&found["licence"], &found["declared"]),
        (&json!("KE-IMP-2026-00088"), &json!("101"))
    );
    let rest = service.release(&over_both("FR-2", 1000, 40), "rest").await;
    assert_eq!(rest.status, 201, "{}", rest.text);
}
