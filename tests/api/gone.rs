//! Goods that have gone: their release is neither undone nor set to other goods.
use super::consignments::SHIP;
use super::consignments::entry_at;
use super::consignments::exit_of;
use super::consignments::ucr;
use super::harness::*;
use super::way_back;
use serde_json::Value;
use serde_json::json;

/// Two rifles of the sample's consignment under a reference of their own.
fn rifles(reference: &str, serials: [&str; 2]) -> Value {
    let mut declaration = sample("clear");
    declaration["items"].as_array_mut().unwrap().truncate(1);
    declaration["items"][0]["serials"] = json!(serials);
    declaration["reference"] = json!({"type": "national", "value": reference});
    declaration
}

const A: [&str; 2] = ["VC000101", "VC000102"];
const B: [&str; 2] = ["VC000103", "VC000104"];

/// The same goods at Mombasa.
fn arriving(mut declaration: Value) -> Value {
    let serials = declaration["items"][0]["serials"].clone();
    let marks: Vec<Value> = serials
        .as_array()
        .unwrap()
        .iter()
        .map(|serial| json!({"serial": serial, "import_country": "KE"}))
        .collect();
    declaration["items"][0]["marks"] = json!(marks);
    let reference = declaration["reference"]["value"].as_str().unwrap().to_owned();
    declaration["reference"]["value"] = json!(format!("KE-{reference}"));
    declaration["movement"] = json!("import");
    declaration["border_post"] = json!("KEMBA");
    declaration
}

/// Goods that move without a licence, since they return to what a reference let through.
fn returning(mut declaration: Value, reference: &str, outward: &str) -> Value {
    declaration["reference"]["value"] = json!(reference);
    declaration.as_object_mut().unwrap().remove("ucr");
    declaration["items"][0]["licences"] = json!([]);
    declaration["items"][0]["exemption"] = json!("EFP 1");
    declaration["temporary"] =
        json!({"purpose": "hunting", "evidence": "invitation 7", "outward_reference": outward});
    declaration
}

async fn let_through(service: &Service, state: &str, declaration: &Value) -> String {
    let (officer, body) = (token(state, "officer"), json!({"declaration": declaration}));
    let verification = service.post("/v1/verifications", &officer, &body).await;
    let verification = verification.json();
    assert_eq!(verification["verdict"], "clear", "{verification}");
    let id = verification["id"].as_str().unwrap().to_owned();
    let released =
        service.post_once("/v1/releases", &officer, &id, &json!({"verification": id})).await;
    assert_eq!(released.status, 201, "{}", released.text);
    released.json()["id"].as_str().unwrap().to_owned()
}

async fn reversal(service: &Service, release: &str) -> Answer {
    let body = json!({"reason": "not shipped"});
    service.post(&format!("/v1/releases/{release}/reversal"), &token("FR", "officer"), &body).await
}

async fn amendment(service: &Service, release: &str, declaration: &Value) -> Answer {
    let body = json!({"reason": "miscounted", "declaration": declaration});
    service.post(&format!("/v1/releases/{release}/amendment"), &token("FR", "officer"), &body).await
}

async fn exit(service: &Service, release: &str) {
    let left = service.post("/v1/exits", &token("FR", "officer"), &exit_of(release)).await;
    assert_eq!(left.status, 201, "{}", left.text);
}

fn refused(answer: &Answer, words: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"), "{}", answer.text);
    assert!(answer.text.contains(words), "{}", answer.text);
}

#[tokio::test]
async fn goods_that_have_left_become_no_others() {
    let service = start();
    service.issue_sample().await;
    let declared = sample("clear");
    let release = let_through(&service, "FR", &declared).await;
    let with = |path: &str, value: Value| {
        let mut other = declared.clone();
        *other.pointer_mut(path).unwrap() = value;
        other
    };
    let mut more = with("/items/0/quantity", json!("4"));
    more["items"][0]["serials"] = json!([A, B].concat());
    assert_eq!(amendment(&service, &release, &more).await.status, 200, "they are still here");
    assert_eq!(amendment(&service, &release, &declared).await.status, 200);
    exit(&service, &release).await;
    let before = service.state().await.0;
    let mut temporary = declared.clone();
    temporary["temporary"] = json!({"purpose": "exhibition", "evidence": "invitation 8"});
    let mut without = declared.clone();
    without["items"].as_array_mut().unwrap().truncate(1);
    let party = json!({"id": "FR12345678901234", "name": "Armurerie"});
    for other in [
        more,
        with("/items/0/serials", json!(B)),
        with("/items/0/calibre", json!(".308 Win")),
        with("/items/1/quantity", json!("1")),
        with("/items/0/licences/0/line", json!(2)),
        with("/ucr", json!("6FR12345678901234-OTHER")),
        with("/country_of_import", json!("AE")),
        with("/exporter", party),
        temporary,
        without,
    ] {
        refused(&amendment(&service, &release, &other).await, "the goods have left at FRLEH");
    }
    assert_eq!(service.state().await.0, before, "nothing was drawn and nothing given back");
    let mut late = with("/items/0/description", json!("Bolt action rifles, boxed"));
    late["arrives_on"] = late["departs_on"].clone();
    let put_right = amendment(&service, &release, &late).await;
    assert_eq!(put_right.status, 200, "{}", put_right.text);
}

#[tokio::test]
async fn what_was_let_in_elsewhere_has_left() {
    let service = start();
    service.issue_sample().await;
    let (first, second) = (rifles("FR-A", A), rifles("FR-B", B));
    let gone = let_through(&service, "FR", &first).await;
    let here = let_through(&service, "FR", &second).await;
    let import = let_through(&service, "KE", &arriving(first.clone())).await;
    refused(&reversal(&service, &gone).await, "the goods have been released for import at KEMBA");
    let mut fewer = first.clone();
    fewer["items"][0]["quantity"] = json!("1");
    fewer["items"][0]["serials"] = json!(["VC000101"]);
    refused(&amendment(&service, &gone, &fewer).await, "released for import at KEMBA");
    let undone = reversal(&service, &here).await;
    assert_eq!(undone.status, 200, "other firearms of the consignment: {}", undone.text);
    let path = format!("/v1/releases/{import}/reversal");
    let undone = service.post(&path, &token("KE", "officer"), &json!({"reason": "x"})).await;
    assert_eq!(undone.status, 200, "an import is where its goods are: {}", undone.text);
    refused(&reversal(&service, &gone).await, "the goods were presented at KEMBA");
}

#[tokio::test]
async fn what_has_come_back_or_left_again_was_here_before() {
    let service = start();
    service.issue_sample().await;
    for licence in way_back::papers(today()) {
        let state = licence["issuing_state"].as_str().unwrap().to_owned();
        let issued = service.post("/v1/licences", &token(&state, "authority"), &licence).await;
        assert_eq!(issued.status, 201, "{}", issued.text);
    }
    let out = let_through(&service, "FR", &rifles("FR-A", A)).await;
    let other = let_through(&service, "FR", &rifles("FR-B", B)).await;
    let mut back = returning(rifles("", A), "FR-BACK", "FR-A");
    back["movement"] = json!("import");
    back["route"] = json!([]);
    way_back::turn_round(&mut back);
    let back = let_through(&service, "FR", &back).await;
    refused(&reversal(&service, &out).await, "the goods have come back at FRLEH");
    assert_eq!(reversal(&service, &back).await.status, 200);
    assert_eq!(reversal(&service, &out).await.status, 200, "nothing rests on it any more");
    assert_eq!(reversal(&service, &other).await.status, 200);
}

#[tokio::test]
async fn what_was_seen_abroad_is_not_undone_for_another_shipment_beside_it() {
    let service = start();
    service.issue_sample().await;
    let first = let_through(&service, "FR", &rifles("FR-A", A)).await;
    let mut second = rifles("FR-B", B);
    second["carrier"]["vehicle"] = json!("IMO1234567");
    let second = let_through(&service, "FR", &second).await;
    let entry = entry_at("KEMBA", "TRUCK-1");
    let seen = service.post("/v1/entries", &token("KE", "officer"), &entry).await;
    assert_eq!((seen.status, entry["ucr"].as_str()), (201, Some(ucr().as_str())), "{}", seen.text);
    for release in [&first, &second] {
        refused(&reversal(&service, release).await, "the goods were seen at KEMBA");
    }
    // Of which one is known to have left, the other need not have been seen.
    exit(&service, &first).await;
    let seen = service.post("/v1/entries", &token("KE", "officer"), &entry_at("KEMBA", SHIP)).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    assert_eq!(reversal(&service, &second).await.status, 200);
    let third = let_through(&service, "FR", &{
        let mut third = rifles("FR-C", B);
        third["carrier"]["vehicle"] = json!("IMO1234567");
        third
    })
    .await;
    let own = entry_at("KEMBA", "IMO1234567");
    let seen = service.post("/v1/entries", &token("KE", "officer"), &own).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    refused(&reversal(&service, &third).await, "the goods were seen at KEMBA");
}
