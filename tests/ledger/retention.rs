//! What is past retention goes into files, and the log stays as provable as it was.
use super::harness::*;
use super::support;
use passavant::app::App;
use passavant::app::alerts::Query;
use passavant::app::archive;
use passavant::app::audit_verify;
use passavant::app::audit_verify::LogReport;
use passavant::app::decision::Decision;
use passavant::clock::FixedClock;
use passavant::domain::Text;
use passavant::domain::alert::Outcome;
use passavant::storage;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;
use uuid::Uuid;

const ORIGIN: &str = "passavant.example/test";

fn database(dir: &Path) -> storage::Db {
    let settings = support::postgres::settings(&support::database_url(dir));
    storage::open(&settings, storage::Use::Write).unwrap()
}

fn report(dir: &Path) -> LogReport {
    audit_verify::verify(&mut database(dir), |_, _| {}).unwrap().remove(0)
}

fn noon(year: &str) -> FixedClock {
    FixedClock::at(format!("{year}-11-24T12:00:00Z").parse().unwrap())
}

fn archive_in(dir: &Path, year: &str) -> Vec<archive::Piece> {
    let app: App = open_at(dir, ORIGIN, &noon(year));
    let pieces = app.archive(&dir.join("archive"));
    app.recorder.stop();
    pieces.unwrap()
}

/// A service with so many verdicts of 2026, stopped.
async fn stopped(verdicts: u32) -> TempDir {
    let service = start();
    service.issue_sample(1000, "multiple").await;
    for n in 0..verdicts {
        let verification = service.verify(&cartridges(n, 1)).await;
        if n % 4 == 0 {
            service.release(&verification, &format!("key-{n}")).await.unwrap();
        }
    }
    let Service { app, dir, .. } = service;
    app.recorder.stop();
    drop(app);
    std::fs::create_dir(dir.path().join("archive")).unwrap();
    dir
}

#[tokio::test]
async fn what_is_past_retention_goes_into_files_and_the_log_stays_provable() {
    let dir = stopped(280).await;
    let before = report(dir.path());
    assert!(before.entries > 256 && before.fault.is_none(), "more than one tile");
    // Ten years are enough for the Protocol, not for Union law nor for the service's own setting.
    assert_eq!(archive_in(dir.path(), "2036"), []);
    assert_eq!(archive_in(dir.path(), "2046").len(), 1);
    let after = report(dir.path());
    assert_eq!(after.fault, None);
    assert_eq!((after.archived, after.entries), (before.entries, before.entries + 1));
    assert_eq!((after.records, before.records), (0, 280), "the records went with them");
    assert_eq!(after.checkpoints, before.checkpoints + 1, "every checkpoint still verifies");
    assert_eq!(archive_in(dir.path(), "2046"), [], "a second run finds nothing");
    // The file holds the entries byte for byte, each in its place in the tree.
    let file = std::fs::read_dir(dir.path().join("archive")).unwrap().next().unwrap().unwrap();
    let checked = archive::check(&mut database(dir.path()), &file.path()).unwrap();
    assert_eq!(checked, (ORIGIN.to_owned(), before.entries));
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(text.contains("\"declaration\":\"{"), "and what was kept beside them");
    let altered = text.replacen("clear", "cleer", 1);
    std::fs::write(file.path(), altered).unwrap();
    let refused = archive::check(&mut database(dir.path()), &file.path()).unwrap_err().to_string();
    assert!(refused.contains("no log names a file of this digest"), "{refused}");
    // The service goes on after it.
    let app = open_at(dir.path(), ORIGIN, &noon("2047"));
    let verification = app.verify(&officer(), cartridges(9999, 1).to_string(), None).await.unwrap();
    assert!(verification.reply.contains(&format!("\"index\":{}", after.entries)));
    let proof = app.proof(&officer(), ORIGIN, after.entries).await.unwrap();
    assert_eq!(proof.size, after.entries + 1);
    let gone = app.proof(&officer(), ORIGIN, 3).await;
    assert!(matches!(gone, Err(passavant::app::Error::NotFound)), "{gone:?}");
    app.recorder.stop();
    assert_eq!(report(dir.path()).fault, None);
}

fn index(reply: &Value) -> u64 {
    reply["audit"]["index"].as_u64().unwrap()
}

/// What happens to a record years after its first entry, by whoever it is up to.
async fn touch(service: &Service, what: &str, held: &Value) {
    match what {
        "the licence is suspended" => {
            let (number, reason) = (Text::new(EXPORT), Text::new("a new ground"));
            let (caller, decision) = (authority("FR"), Decision::Suspension);
            service.app.decide(&caller, number, decision, reason, None, None).await.unwrap();
        }
        "the goods arrive" => drop(service.arrive(1, 1).await),
        _ => {
            let page = service.app.alerts(&officer(), Query::default(), 1000).await.unwrap();
            let alerts = page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap());
            let alert =
                alerts.into_iter().find(|alert| alert["verification"] == held["id"]).unwrap();
            let id: Uuid = alert["id"].as_str().unwrap().parse().unwrap();
            service.app.resolve(&officer(), id, (Outcome::Seized, None), None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn retention_counts_from_the_latest_event_of_a_record() {
    // Each is of 2026 and touched in 2030: what is before it goes, it and what is behind it stay.
    for what in ["the licence is suspended", "the goods arrive", "what was seized is disposed of"] {
        let service = start();
        service.issue_sample(1000, "multiple").await;
        let cleared = service.verify(&cartridges(1, 1)).await;
        service.release(&cleared, "key").await.unwrap();
        let mut another = cartridges(2, 100_000);
        another["ucr"] = json!("6FR1-ANOTHER");
        let held = service.verify(&another).await;
        assert_eq!(held["verdict"], "hold", "{held}");
        let Service { app, dir, .. } = service;
        app.recorder.stop();
        drop(app);
        std::fs::create_dir(dir.path().join("archive")).unwrap();
        let clock = noon("2030");
        let service = Service { app: open_at(dir.path(), ORIGIN, &clock), dir, clock };
        touch(&service, what, &held).await;
        let Service { app, dir, .. } = service;
        app.recorder.stop();
        drop(app);
        let first_kept = match what {
            "the licence is suspended" => 0,
            "the goods arrive" => index(&cleared),
            _ => index(&held),
        };
        let gone = archive_in(dir.path(), "2047").last().map_or(0, |piece| piece.upto);
        assert_eq!(gone, first_kept, "{what}");
        let gone = archive_in(dir.path(), "2051").last().unwrap().upto;
        assert!(gone > index(&held), "{what}: {gone}");
    }
}

#[tokio::test]
async fn entries_that_only_claim_to_be_archived_are_found() {
    use diesel::connection::SimpleConnection;
    let claim = "INSERT INTO archive (log_id, first_index, upto_index, sha256, file, at_us) \
                 SELECT id, 0, 5, owner_bytes, 'x', 0 FROM (SELECT id, %SHA% AS owner_bytes FROM log) AS l;";
    let sha = if support::on_postgres() { "'\\x00'::bytea" } else { "X'00'" };
    let claim = claim.replace("%SHA%", sha);
    // Removed without a word in the log.
    let dir = stopped(6).await;
    let remove = "DELETE FROM verification WHERE entry % 1099511627776 < 5; DELETE FROM log_entry WHERE entry % 1099511627776 < 5;";
    database(dir.path()).batch_execute(&format!("{claim}{remove}")).unwrap();
    let fault = report(dir.path()).fault.unwrap();
    assert!(fault.contains("archived by the table and up to 0 by the log"), "{fault}");
    // Still here, and said to be archived.
    let dir = stopped(6).await;
    database(dir.path()).batch_execute(&claim).unwrap();
    let fault = report(dir.path()).fault.unwrap();
    assert!(fault.contains("the table says that it is archived"), "{fault}");
    // Archived, and the table says another file.
    let dir = stopped(6).await;
    archive_in(dir.path(), "2047");
    database(dir.path()).batch_execute(&format!("UPDATE archive SET sha256 = {sha}")).unwrap();
    let fault = report(dir.path()).fault.unwrap();
    assert!(fault.contains("names an archive file that the table does not"), "{fault}");
    // A tile under archived entries is held against the checkpoints as ever.
    let dir = stopped(6).await;
    archive_in(dir.path(), "2047");
    database(dir.path()).batch_execute(super::trail::spoil_tiles()).unwrap();
    assert!(report(dir.path()).fault.is_some());
}
