//! Firearms are released once, however they are described the second time.
use super::harness::*;
use passavant::app::facts;
use passavant::app::judge::Presented;
use passavant::app::territory::Territory;
use passavant::domain::Country;
use passavant::domain::Timestamp;
use passavant::domain::goods::Movement;
use passavant::rules::case::Facts;
use passavant::storage;
use passavant::storage::Db;
use passavant::storage::releases::ReleaseRow;
use passavant::storage::serials::SerialUse;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// The sample's licences; without serials on the lines of rifles where they are to be bound.
async fn issue(service: &Service, with_serials: bool) {
    for mut licence in passavant::demo::licences(today()) {
        if !with_serials {
            licence["lines"][0].as_object_mut().unwrap().remove("serials");
        }
        licence["lines"][0].as_object_mut().unwrap().remove("make");
        service.issue(&licence).await.unwrap();
    }
}

/// The sample's two rifles under a reference of their own.
pub fn rifles(serial: u32) -> Value {
    let mut declaration = passavant::demo::declarations(today()).remove(0).declaration;
    declaration["items"].as_array_mut().unwrap().truncate(1);
    declaration["reference"] = json!({"type": "national", "value": format!("FR-{serial:08}")});
    declaration
}

/// Releases the first declaration and insists that the second is refused by a code.
async fn released_once(service: &Service, first: &Value, again: &Value, code: &str) {
    let verification = service.verify(first).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    let released = service.release(&verification, "first").await.unwrap();
    assert!(!is_refused(&released), "{}", released.reply);
    let verification = service.verify(again).await;
    assert!(verification.to_string().contains(code), "{verification}");
    let refused = service.release(&verification, "again").await.unwrap();
    assert!(is_refused(&refused) && refused.reply.contains(code), "{}", refused.reply);
}

#[tokio::test]
async fn a_model_that_is_left_out_makes_no_other_firearm() {
    for with_serials in [true, false] {
        let service = start();
        issue(&service, with_serials).await;
        let mut again = rifles(2);
        again["items"][0].as_object_mut().unwrap().remove("model");
        released_once(&service, &rifles(1), &again, "SERIAL_ALREADY_MOVED").await;
    }
}

#[tokio::test]
async fn another_maker_on_the_papers_makes_no_other_firearm_of_the_same_line() {
    let service = start();
    issue(&service, true).await;
    let mut again = rifles(2);
    again["items"][0]["make"] = json!("Blaser");
    released_once(&service, &rifles(1), &again, "SERIAL_ALREADY_MOVED").await;
}

#[tokio::test]
async fn an_alternative_marking_is_bound_and_released_once_like_a_serial() {
    let service = start();
    issue(&service, false).await;
    let marked = |serial: u32| {
        let mut declaration = rifles(serial);
        declaration["items"][0]["serials"] = json!([]);
        declaration["items"][0]["alternative_markings"] = json!(["FR 17-0001", "FR 17-0002"]);
        declaration
    };
    released_once(&service, &marked(1), &marked(2), "SERIAL_ALREADY_MOVED").await;
}

#[tokio::test]
async fn a_number_that_only_looks_like_a_released_one_is_for_a_person() {
    let service = start();
    issue(&service, false).await;
    let mut again = rifles(2);
    again["items"][0]["serials"] = json!(["VCOOO1O1", "VC000202"]);
    released_once(&service, &rifles(1), &again, "SERIAL_CONFUSABLE").await;
    let mut others = rifles(3);
    others["items"][0]["serials"] = json!(["VC000201", "VC000202"]);
    assert_eq!(service.verify(&others).await["verdict"], "clear", "they look like none");
}

#[tokio::test]
async fn the_same_declaration_under_a_ucr_is_the_same_however_it_is_written() {
    let service = start();
    issue(&service, true).await;
    let mut first = rifles(1);
    first["reference"] = json!({"type": "ucr", "value": "6FR12345678901234-ABC1"});
    let recorded = service.app.verify(&officer(), first.to_string(), None).await.unwrap();
    let verification: Value = serde_json::from_str(&recorded.reply).unwrap();
    assert!(!is_refused(&service.release(&verification, "first").await.unwrap()));
    let spaced = serde_json::to_string_pretty(&first).unwrap();
    let recorded = service.app.verify(&officer(), spaced, None).await.unwrap();
    assert!(recorded.reply.contains("MRN_ALREADY_USED"), "{}", recorded.reply);
}

fn row_of(id: Uuid) -> ReleaseRow {
    ReleaseRow {
        id: id.as_bytes().to_vec(),
        verification_id: Vec::new(),
        state: "FR".to_owned(),
        border_post: "FRLEH".to_owned(),
        status: "released".to_owned(),
        version: 1,
        reference_kind: "national".to_owned(),
        reference: id.to_string(),
        content_sha256: Vec::new(),
        declaration: "{}".to_owned(),
        items: "[1]".to_owned(),
        outward: "{}".to_owned(),
        states: "[]".to_owned(),
        caller: "test".to_owned(),
        at_us: 0,
    }
}

fn release(db: &mut Db, id: Uuid) {
    storage::releases::insert(db, &[row_of(id)]).unwrap();
}

fn moved(movement: &str, release: Uuid) -> SerialUse {
    SerialUse {
        serial: "VC000101".to_owned(),
        make: "VERNEYCARRON".to_owned(),
        model: "IMPACT".to_owned(),
        country: "FR".to_owned(),
        state: "FR".to_owned(),
        movement: movement.to_owned(),
        licence: EXPORT.to_owned(),
        line: 1,
        release_id: release.as_bytes().to_vec(),
        item: 1,
        settled_by: None,
    }
}

#[tokio::test]
async fn a_return_that_is_reversed_has_not_brought_the_firearm_back() {
    let service = start();
    let mut db = super::trail::database(service.dir.path());
    let (out, back) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for id in [out, back] {
        release(&mut db, id);
    }
    let settled = |db: &mut Db| {
        let known = storage::serials::moved(db, &["VC000101".to_owned()], |of| of == "FR").unwrap();
        known.iter().map(|moved| moved.settled_by.is_some()).collect::<Vec<_>>()
    };
    storage::serials::insert(&mut db, &[moved("export", out)], |a, b| a == b).unwrap();
    assert_eq!(settled(&mut db), [false]);
    storage::serials::insert(&mut db, &[moved("transit", back)], |a, b| a == b).unwrap();
    assert_eq!(settled(&mut db), [false, false], "it only passes");
    storage::serials::remove(&mut db, back.as_bytes()).unwrap();
    storage::serials::insert(&mut db, &[moved("import", back)], |a, b| a == b).unwrap();
    assert_eq!(settled(&mut db), [true, false], "it has come back");
    storage::serials::remove(&mut db, back.as_bytes()).unwrap();
    assert_eq!(settled(&mut db), [false], "it has not");
}

/// Whether the transit of the sample's first rifle counts as over for a declaration.
fn is_over(db: &mut Db, declaration: &Value) -> bool {
    let france = Country::parse("FR").unwrap();
    let territory = Territory::new(france, &Arc::default(), Timestamp::UNIX_EPOCH);
    let declared = Presented::read(declaration.to_string(), "").unwrap().declaration;
    let mut known = Facts::default();
    facts::history(db, &declared, &[0; 32], Some(&territory), None, &mut known).unwrap();
    known.serials.iter().find(|of| of.movement == Movement::Transit).unwrap().settled
}

#[tokio::test]
async fn what_is_inside_a_transit_is_no_other_export_s() {
    let service = start();
    let mut db = super::trail::database(service.dir.path());
    let mut passing = rifles(1);
    passing["movement"] = json!("transit");
    passing["ucr"] = json!("6FR12345678901234-PASSING");
    let (through, back) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let reference = passing["reference"]["value"].as_str().unwrap().to_owned();
    let row = ReleaseRow { declaration: passing.to_string(), reference, ..row_of(through) };
    storage::releases::insert(&mut db, &[row]).unwrap();
    release(&mut db, back);
    storage::serials::insert(&mut db, &[moved("transit", through)], |a, b| a == b).unwrap();

    let mut export = rifles(2);
    assert!(!is_over(&mut db, &export), "nobody has seen it leave or come in");
    export["ucr"] = passing["ucr"].clone();
    assert!(is_over(&mut db, &export), "there its transit leaves");
    let mut again = export.clone();
    again["movement"] = json!("transit");
    assert!(!is_over(&mut db, &again), "each State lets it through once");
    let mut out = rifles(1);
    out["ucr"] = json!("6FR12345678901234-OTHER");
    assert!(is_over(&mut db, &out), "under one number");

    storage::serials::insert(&mut db, &[moved("import", back)], |a, b| a == b).unwrap();
    assert!(is_over(&mut db, &rifles(2)), "it has come in since");
    storage::serials::remove(&mut db, back.as_bytes()).unwrap();
    assert!(!is_over(&mut db, &rifles(2)), "it has not");
}
