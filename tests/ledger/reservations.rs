//! What is held for announced goods: never more than there is, freed in time, and once.
use super::harness::*;
use diesel::RunQueryDsl;
use passavant::app::Caller;
use passavant::app::Role;
use passavant::domain::Timestamp;
use passavant::storage;
use passavant::storage::consignments::By;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

async fn kinds(service: &Service) -> Vec<String> {
    let (rows, _) = service.app.ledger(&authority("FR"), EXPORT, 0, 200).await.unwrap();
    rows.into_iter().map(|row| row.kind).filter(|kind| kind.starts_with("reservation")).collect()
}

#[tokio::test]
async fn what_nobody_presents_is_freed_with_the_last_hour_also_after_a_restart() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let lodged = service.announce(&cartridges(1, 40)).await;
    // Thirty days after Monday 23 November are Wednesday 23 December, in Paris.
    assert_eq!(lodged["expires_at"], "2026-12-23T23:00:00.000Z");
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    service.clock.set(at("2026-12-23T22:59:59.999Z"));
    let service = service.reopen();
    assert_eq!((service.app.lapse_due().await.unwrap(), service.figures().await.1), (0, 40));
    service.clock.set(at("2026-12-23T23:00:00Z"));
    let service = service.reopen();
    assert_eq!((service.app.lapse_due().await.unwrap(), service.figures().await), (1, (100, 0, 0)));
    assert_eq!(service.app.lapse_due().await.unwrap(), 0);
    assert_eq!(kinds(&service).await, ["reservation", "reservation_lapsed"]);
    service.clock.set(at("2026-11-23T12:00:00Z"));
    let late = service.present(lodged["code"].as_str().unwrap()).await.unwrap();
    let found = late["findings"].as_array().unwrap();
    assert!(found.iter().any(|found| found["code"] == "PRECLEARANCE_LAPSED"), "{late}");
    assert_eq!(late["preclearance"]["status"], "lapsed");
    assert!(
        is_refused(&service.release(&late, "late").await.unwrap()),
        "nothing is released by it"
    );
    super::trail::assert_verifies(service);
}

#[tokio::test]
async fn a_period_that_ends_on_a_day_off_ends_with_the_next_working_day() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    service.clock.set("2026-11-26T12:00:00Z".parse().unwrap());
    let lodged = service.announce(&cartridges(1, 1)).await;
    // The thirtieth day is Saturday 26 December.
    assert_eq!(lodged["expires_at"], "2026-12-28T23:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reservation_is_freed_once_however_many_look_for_it() {
    let service = Arc::new(start());
    service.issue_sample(100, "multiple").await;
    for reference in 0..5 {
        service.announce(&cartridges(reference, 10)).await;
    }
    service.clock.set("2027-02-01T12:00:00Z".parse().unwrap());
    let look = |_| {
        let service = Arc::clone(&service);
        tokio::task::spawn(async move { service.app.lapse_due().await.unwrap() })
    };
    for looking in (0..4).map(look).collect::<Vec<_>>() {
        looking.await.unwrap();
    }
    assert_eq!(service.figures().await, (100, 0, 0));
    let freed = kinds(&service).await.into_iter().filter(|kind| kind == "reservation_lapsed");
    assert_eq!(freed.count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reservations_and_releases_together_never_exceed_what_is_authorised() {
    let service = Arc::new(start());
    service.issue_sample(60, "multiple").await;
    let clients = (0..8_u32).map(|client| {
        let service = Arc::clone(&service);
        tokio::task::spawn(async move {
            let mut taken = 0;
            for n in 0..3_u32 {
                let reference = client * 1000 + n;
                if client % 2 == 0 {
                    let lodged: Value = service.announce(&cartridges(reference, 4)).await;
                    taken += 4 * u32::from(lodged["reservation"]["status"] == "held");
                } else {
                    let verification = service.verify(&cartridges(reference, 4)).await;
                    let key = format!("key-{reference}");
                    let recorded = service.release(&verification, &key).await.unwrap();
                    taken += 4 * u32::from(!is_refused(&recorded));
                }
            }
            taken
        })
    });
    let mut taken = 0;
    for client in clients.collect::<Vec<_>>() {
        taken += client.await.unwrap();
    }
    let (available, reserved, consumed) = service.figures().await;
    assert_eq!((taken, available, reserved + consumed), (60, 0, 60));
    super::trail::assert_verifies(Arc::into_inner(service).unwrap());
}

#[tokio::test]
async fn an_override_that_nobody_confirms_in_time_expires_also_after_a_restart() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 150)).await;
    let asked = service.ask_override(&verification, "ask").await.unwrap();
    let asked: Value = serde_json::from_str(&asked.reply).unwrap();
    let id = asked["id"].as_str().unwrap().parse().unwrap();
    service.clock.set("2026-11-23T12:59:59Z".parse().unwrap());
    let service = service.reopen();
    assert_eq!(service.app.expire_overrides().await.unwrap(), 0);
    service.clock.set("2026-11-23T13:00:00Z".parse().unwrap());
    let late = service.confirm_override(id, "late").await;
    assert!(matches!(late, Err(passavant::app::Error::Stale(_))), "before the worker has come by");
    assert_eq!(service.app.expire_overrides().await.unwrap(), 1);
    assert_eq!(service.app.expire_overrides().await.unwrap(), 0);
    let late = service.confirm_override(id, "later").await;
    assert!(matches!(late, Err(passavant::app::Error::Stale(_))));
    let release = service.app.read_release(&officer(), id).await.unwrap();
    let changes: Vec<&str> = release.history.iter().map(|v| v.change.as_str()).collect();
    assert_eq!(
        (release.status.as_str(), changes),
        ("expired", vec!["override_requested", "override_expired"])
    );
    assert_eq!(service.figures().await, (100, 0, 0));
    super::trail::assert_verifies(service);
}

#[tokio::test]
async fn an_override_takes_over_what_is_held_and_gives_the_rest_back() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let lodged = service.announce(&cartridges(1, 80)).await;
    let mut licence = sample(60, "multiple").remove(0);
    licence["consignee"] = json!({"id": "KE0099999999", "name": "Coast Freight"});
    licence["lines"][1]["quantity"] = json!("90");
    let document = serde_json::from_value(licence).unwrap();
    let document = passavant::app::licences::Document::read(&document, "").unwrap();
    service.app.amend(&authority("FR"), EXPORT, document, 1, None).await.unwrap();
    let presented = service.present(lodged["code"].as_str().unwrap()).await.unwrap();
    let new = presented["preclearance"]["changes"]["new"].to_string();
    assert!(new.contains("CONSIGNEE_MISMATCH"), "{presented}");
    let released = service.override_it(&presented, "k").await.unwrap();
    assert!(!is_refused(&released), "{}", released.reply);
    assert_eq!(service.figures().await, (10, 0, 80));
    assert_eq!(kinds(&service).await, ["reservation", "reservation_taken_over"]);
    super::trail::assert_verifies(service);
}

#[tokio::test]
async fn a_carrier_keeps_nothing_of_what_posts_recorded_out_of_the_timeline() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let goods = cartridges(1, 10);
    let ucr = goods["ucr"].as_str().unwrap();
    let verification = service.verify(&goods).await;
    let released = service.release(&verification, "r").await.unwrap();
    assert!(!is_refused(&released));
    service.leave(super::model::id(&released.reply)).await.unwrap();
    let mut other = cartridges(2, 1);
    other["ucr"] = goods["ucr"].clone();
    let lodged = service.announce(&other).await;
    let id = lodged["id"].as_str().unwrap().parse().unwrap();
    service.app.withdraw(&carrier(), id, None, None).await.unwrap();
    // The same again and again: as often as no limit of an hour would let it.
    let settings = &service.app.config.database;
    let mut db = storage::open(settings, storage::Use::Write).unwrap();
    let mut told = storage::consignments::events(&mut db, ucr, By::Carriers, None, 10).unwrap();
    let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["preclearance_withdrawn", "preclearance_lodged"]);
    for _ in 0..1_100 {
        for event in &mut told {
            event.at_us += 1;
        }
        storage::consignments::insert(&mut db, &told).unwrap();
    }
    drop(db);
    let recorded = ["verdict", "release", "exit"];
    for caller in [officer(), authority("FR"), authority("KE"), carrier()] {
        let timeline = service.app.consignment(&caller, ucr, None).await.unwrap();
        let kinds: Vec<&str> = timeline.events.iter().map(|event| event.kind.as_str()).collect();
        for kind in recorded {
            assert!(kinds.contains(&kind), "{kind} for {:?} of {}", caller.role, caller.state);
        }
        assert!(kinds.contains(&"preclearance_withdrawn") && timeline.truncated);
        assert_eq!(timeline.stage, "left");
    }
    for state in ["FR", "KE"] {
        let auditor = Caller { role: Role::Auditor, ..authority(state) };
        let dossier = service.app.dossier(&auditor, ucr).await.unwrap();
        for kind in ["verification", "release", "exit"] {
            let kind = format!("\"kind\":\"{kind}\"");
            assert!(dossier.entries.iter().any(|of| of.entry.get().contains(&kind)), "{kind}");
        }
        assert!(dossier.is_cut);
    }
}

#[tokio::test]
async fn where_what_is_held_cannot_be_asked_a_person_decides() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let lodged = service.announce(&cartridges(1, 40)).await;
    assert_eq!(lodged["reservation"]["status"], "held", "{lodged}");
    let mut db = super::trail::database(service.dir.path());
    let name = |db: &mut storage::Db, from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        match db {
            storage::Db::Sqlite(c) => diesel::sql_query(sql).execute(c).unwrap(),
            storage::Db::Postgres(c) => diesel::sql_query(sql).execute(c).unwrap(),
        }
    };
    name(&mut db, "preclearance", "out_of_reach");
    let verification = service.verify(&cartridges(2, 10)).await;
    assert_eq!(verification["verdict"], "refer", "{verification}");
    let found = &verification["findings"][0];
    assert_eq!(
        (&found["code"], &found["path"]),
        (&json!("LICENCE_DATA_STALE"), &json!("/reference"))
    );
    name(&mut db, "out_of_reach", "preclearance");
    assert_eq!(service.verify(&cartridges(3, 10)).await["verdict"], "clear");
    super::trail::assert_verifies(service);
}
