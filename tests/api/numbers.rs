//! Numbers that identify something are the same however they are written, and what cannot be seen makes no
//! other number: neither a second shipment under one reference, nor a second licence or trader.
use super::harness::*;
use passavant::demo;
use reqwest::Method;
use serde_json::Value;
use serde_json::json;

/// The one field error of a refused request.
fn refused(answer: &Answer) -> (String, String) {
    let mut errors = answer.faults();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

#[tokio::test]
async fn a_reference_written_otherwise_is_the_same_one() {
    let service = start();
    service.issue_sample().await;
    let released = service.release(&cartridges("NAT-285987", "10"), "k1").await;
    assert_eq!(released.status, 201, "{}", released.text);
    for dressed in
        ["NAT-285987 ", " NAT-285987", "NAT-285987\u{a0}", "NAT-285987\u{200b}", "N\u{410}T-285987"]
    {
        let answer = service.verify(&cartridges(dressed, "10")).await;
        let error = ("/declaration/reference/value".to_owned(), "not_a_number".to_owned());
        assert_eq!(refused(&answer), error, "{dressed:?}");
    }
    let small = service.verify(&cartridges("nat-285987", "10")).await.json();
    assert_eq!(codes(&small), ["MRN_ALREADY_USED"], "{small}");
    assert_eq!(small["declaration"], "nat-285987", "as it was sent");
    let again = service.release(&cartridges("nat-285987", "10"), "k2").await;
    assert_eq!((again.status, again.code().as_str()), (409, "release_refused"));
}

#[tokio::test]
async fn an_mrn_in_small_letters_or_called_national_is_that_mrn() {
    let service = start();
    service.issue_sample().await;
    let declaration = sample("clear");
    let mrn = declaration["reference"]["value"].as_str().unwrap().to_owned();
    let of = |kind: &str, value: &str| {
        let mut declaration = declaration.clone();
        declaration["reference"] = json!({"type": kind, "value": value});
        declaration
    };
    let small = of("mrn", &mrn.to_lowercase());
    let verdict = service.verify(&small).await.json();
    assert_eq!(verdict["verdict"], "clear", "a scanner's small letters are no fault: {verdict}");
    assert_eq!(service.release(&small, "k1").await.status, 201);
    for other in [of("mrn", &mrn), of("national", &mrn), of("national", &mrn.to_lowercase())] {
        let verdict = service.verify(&other).await.json();
        assert!(codes(&verdict).contains(&"MRN_ALREADY_USED"), "{verdict}");
    }
    let digit = if mrn.ends_with('7') { '8' } else { '7' };
    let mistyped = format!("{}{digit}", mrn.to_lowercase().split_at(17).0);
    let verdict = service.verify(&of("mrn", &mistyped)).await.json();
    assert!(codes(&verdict).contains(&"MRN_CHECK_DIGIT_INVALID"), "{verdict}");
}

#[tokio::test]
async fn a_ucr_in_small_letters_is_that_consignment_and_its_declaration_the_same_one() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = cartridges("", "10");
    let ucr = declaration["ucr"].as_str().unwrap().to_owned();
    let mut dressed = |reference: &str, ucr: &str| {
        declaration["reference"] = json!({"type": "ucr", "value": reference});
        declaration["ucr"] = json!(ucr);
        declaration.clone()
    };
    let (large, small) = (dressed(&ucr, &ucr), dressed(&ucr.to_lowercase(), &ucr.to_lowercase()));
    assert_eq!(service.release(&large, "k1").await.status, 201);
    let verdict = service.verify(&small).await.json();
    assert_eq!(codes(&verdict), ["MRN_ALREADY_USED"], "{verdict}");
    let officer = token("FR", "officer");
    let path = |ucr: &str| format!("/v1/consignments/{ucr}");
    let seen = service.get(&path(&ucr.to_lowercase()), &officer).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    assert_eq!(seen.json(), service.get(&path(&ucr), &officer).await.json());
    let authority = token("FR", "authority");
    let list = format!("/v1/receipts?ucr={}", ucr.to_lowercase());
    assert_eq!(service.get(&list, &authority).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(service.get("/v1/receipts?ucr=.", &authority).await.status, 400);
    assert_eq!(service.get(&path("%20."), &officer).await.status, 404);
}

#[tokio::test]
async fn goods_stopped_under_a_reference_are_stopped_however_it_is_written() {
    let service = start();
    service.issue_sample().await;
    let cleared = service.verify(&cartridges("FR-STOP-77", "10")).await.json();
    let path = format!("/v1/verifications/{}/stoppage", cleared["id"].as_str().unwrap());
    let body = json!({"measure": "hold", "reason": "heavier than declared"});
    assert_eq!(service.post(&path, &token("FR", "officer"), &body).await.status, 201);
    let verdict = service.verify(&cartridges("fr-stop-77", "10")).await.json();
    assert_eq!(codes(&verdict), ["STOPPED_BY_OFFICER"], "{verdict}");
    assert_eq!(service.release(&cartridges("Fr-Stop-77", "10"), "k1").await.status, 409);
}

#[tokio::test]
async fn a_licence_s_number_is_one_however_it_is_written() {
    let service = start();
    service.issue_sample().await;
    let authority = token("FR", "authority");
    let licence = |number: &str| -> Value {
        let mut licence =
            demo::licences(today()).into_iter().find(|l| l["number"] == EXPORT).unwrap();
        licence["number"] = json!(number);
        licence
    };
    for bad in ["FR-1 ", " FR-1", "FR  1", ".", "..", "FR-EXP-2026-T1\u{200b}", "FR-1\u{3164}"] {
        let answer = service.post("/v1/licences", &authority, &licence(bad)).await;
        assert_eq!(refused(&answer), ("/number".to_owned(), "not_a_number".to_owned()), "{bad:?}");
    }
    let small = EXPORT.to_lowercase();
    let twice = service.post("/v1/licences", &authority, &licence(&small)).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "conflict"));
    let path = format!("/v1/licences/{small}");
    let seen = service.get(&path, &authority).await;
    assert_eq!((seen.status, &seen.json()["number"]), (200, &json!(EXPORT)));
    let headers = [("If-Match", "\"1\""), ("Content-Type", "application/json")];
    let body = Some(licence(&small).to_string());
    let amended = service.send(Method::PUT, &path, &authority, &headers, body).await;
    assert_eq!(
        (amended.status, &amended.json()["number"]),
        (200, &json!(EXPORT)),
        "{}",
        amended.text
    );
    let mut declaration = cartridges("FR-N-1", "10");
    for quote in declaration["items"][0]["licences"].as_array_mut().unwrap() {
        quote["number"] = json!(quote["number"].as_str().unwrap().to_lowercase());
    }
    assert_eq!(service.release(&declaration, "k1").await.status, 201);
    let reason = json!({"reason": "inquiry"});
    let decided = service.post(&format!("{path}/suspension"), &authority, &reason).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    let verdict = service.verify(&cartridges("FR-N-2", "10")).await.json();
    assert!(codes(&verdict).contains(&"LICENCE_SUSPENDED"), "{verdict}");
    // An authority's own script is no fault.
    let greek = service.post("/v1/licences", &authority, &licence("\u{3b1}\u{3b4}-77")).await;
    assert_eq!((greek.status, &greek.json()["number"]), (201, &json!("\u{391}\u{394}-77")));
}

#[tokio::test]
async fn a_trader_s_identifier_is_one_however_it_is_written() {
    let service = start();
    service.issue_sample().await;
    let mut declaration = cartridges("FR-P-1", "10");
    for party in ["exporter", "consignee", "final_recipient", "carrier"] {
        let id = declaration[party]["id"].as_str().unwrap().to_lowercase();
        declaration[party]["id"] = json!(id);
    }
    let verdict = service.verify(&declaration).await.json();
    assert_eq!(verdict["verdict"], "clear", "{verdict}");
    let body = json!({"declaration": declaration});
    let announced = service.post("/v1/preclearances", &token("FR", "carrier"), &body).await;
    assert_eq!(announced.status, 201, "{}", announced.text);
    declaration["exporter"]["id"] = json!("FR12345678901234\u{200b}");
    let answer = service.verify(&declaration).await;
    let error = ("/declaration/exporter/id".to_owned(), "not_a_number".to_owned());
    assert_eq!(refused(&answer), error);
}
