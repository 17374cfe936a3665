//! Goods that return in parts: what has come back before is not out any more.
use super::support;
use passavant::app::facts;
use passavant::app::judge::Presented;
use passavant::app::territory::Territory;
use passavant::domain::Country;
use passavant::domain::declaration::Declaration;
use passavant::rules::case::Facts;
use passavant::rules::outward::Outward;
use passavant::storage;
use passavant::storage::Db;
use passavant::storage::releases::ReleaseRow;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

fn release(id: u128, reference: &str, serials: &[&str], rounds: i64) -> ReleaseRow {
    let is_return = reference == "FR-BACK";
    let movement = if is_return { "Import" } else { "Export" };
    let outward = json!({"released_on": "2026-11-20", "exporter": null, "person": null,
    "movement": movement, "temporary": true, "return": is_return,
    "goods": [
        {"class": "Firearm", "pieces": serials.len() * 1_000_000, "marks": serials},
        {"class": "Ammunition", "pieces": rounds * 1_000_000},
    ]});
    ReleaseRow {
        id: Uuid::from_u128(id).as_bytes().to_vec(),
        verification_id: vec![0; 16],
        state: "FR".to_owned(),
        border_post: "FRLEH".to_owned(),
        status: "released".to_owned(),
        version: 1,
        reference_kind: "national".to_owned(),
        reference: reference.to_owned(),
        content_sha256: vec![0; 32],
        declaration: super::harness::cartridges(7, 10).to_string(),
        items: "[1]".to_owned(),
        outward: outward.to_string(),
        states: "[\"FR\"]".to_owned(),
        caller: "test".to_owned(),
        at_us: 1,
    }
}

/// A declaration of what returns of the goods that left under `FR-OUT`.
fn returning() -> Declaration {
    let mut sent = super::harness::cartridges(7, 10);
    sent["movement"] = json!("import");
    sent["temporary"] = json!({"purpose": "hunting", "outward_reference": "FR-OUT"});
    Presented::read(sent.to_string(), "").unwrap().declaration
}

/// A State by itself.
fn territory(state: &str) -> Territory {
    let now = passavant::domain::Timestamp::UNIX_EPOCH;
    Territory::new(Country::parse(state).unwrap(), &Arc::default(), now)
}

fn still_out(db: &mut Db, except: Option<Uuid>) -> Outward {
    let (mut known, territory) = (Facts::default(), territory("FR"));
    facts::history(db, &returning(), &[0; 32], Some(&territory), except, &mut known).unwrap();
    known.outward.unwrap()
}

#[test]
fn what_came_back_before_is_not_out_any_more() {
    let dir = TempDir::new().unwrap();
    let url = support::database_url(dir.path());
    let mut db = storage::open(&support::postgres::settings(&url), storage::Use::Write).unwrap();
    storage::migrate(&mut db).unwrap();
    let (out, mut back) =
        (release(1, "FR-OUT", &["A1", "A2"], 1000), release(2, "FR-BACK", &["A1"], 400));
    for row in [&out, &back] {
        storage::releases::insert(&mut db, std::slice::from_ref(row)).unwrap();
    }
    let figures = |outward: &Outward| {
        let [firearms, rounds] = outward.goods.as_slice() else { panic!("{outward:?}") };
        assert_eq!(firearms.pieces.to_string(), firearms.marks.len().to_string());
        (firearms.marks.len(), rounds.pieces.to_string())
    };
    assert_eq!(figures(&still_out(&mut db, None)), (2, "1000".to_owned()));
    storage::trails::put_return(&mut db, &back.id, Some(("FR-OUT", "FR"))).unwrap();
    let left = still_out(&mut db, None);
    assert_eq!(figures(&left), (1, "600".to_owned()));
    assert_eq!(left.goods[0].marks[0].as_str(), "A2");
    let amended = Some(Uuid::from_u128(2));
    assert_eq!(
        figures(&still_out(&mut db, amended)),
        (2, "1000".to_owned()),
        "it is no obstacle to itself"
    );
    "reversed".clone_into(&mut back.status);
    storage::releases::replace(&mut db, &back, &[]).unwrap();
    assert_eq!(figures(&still_out(&mut db, None)), (2, "1000".to_owned()), "it did not come back");
}

#[test]
fn a_number_under_which_another_state_released_is_not_used_up_here() {
    let dir = TempDir::new().unwrap();
    let url = support::database_url(dir.path());
    let mut db = storage::open(&support::postgres::settings(&url), storage::Use::Write).unwrap();
    storage::migrate(&mut db).unwrap();
    let mut elsewhere = release(1, "FR-00000007", &[], 0);
    "KE".clone_into(&mut elsewhere.state);
    storage::releases::insert(&mut db, &[elsewhere]).unwrap();
    // One transit declaration goes through several States, and each lets its goods through once.
    let mut uses = |state: &str| {
        let (mut known, territory) = (Facts::default(), territory(state));
        facts::history(&mut db, &returning(), &[0; 32], Some(&territory), None, &mut known)
            .unwrap();
        known.prior_uses.len()
    };
    assert_eq!((uses("FR"), uses("KE")), (0, 1));
}

#[test]
fn a_time_limit_runs_from_the_trip_that_has_not_come_back() {
    let dir = TempDir::new().unwrap();
    let url = support::database_url(dir.path());
    let mut db = storage::open(&support::postgres::settings(&url), storage::Use::Write).unwrap();
    storage::migrate(&mut db).unwrap();
    let (first, back) = (release(1, "FR-OUT", &["A1"], 100), release(2, "FR-BACK", &["A1"], 0));
    let mut second = release(3, "FR-OUT", &["A1"], 100);
    second.outward = second.outward.replace("2026-11-20", "2028-11-20");
    for (row, at_us) in [(first, 1), (back.clone(), 2), (second, 3)] {
        let row = ReleaseRow { at_us, ..row };
        storage::releases::insert(&mut db, &[row]).unwrap();
    }
    let since = |db: &mut Db| still_out(db, None).released_on.to_string();
    assert_eq!(since(&mut db), "2026-11-20", "neither is back");
    storage::trails::put_return(&mut db, &back.id, Some(("FR-OUT", "FR"))).unwrap();
    assert_eq!(since(&mut db), "2028-11-20", "the first ended with its return");
    let left = still_out(&mut db, None);
    assert_eq!(left.goods[0].marks.len(), 1, "what went out again is out");
}
