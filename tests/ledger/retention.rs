//! What is past retention goes into files, and the log stays as provable as it was.
use super::harness::*;
use super::support;
use passavant::app::App;
use passavant::app::archive;
use passavant::app::audit_verify;
use passavant::app::audit_verify::LogReport;
use passavant::clock::FixedClock;
use passavant::storage;
use std::path::Path;
use tempfile::TempDir;

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

#[tokio::test]
async fn entries_that_only_claim_to_be_archived_are_found() {
    use diesel::connection::SimpleConnection;
    let claim = "INSERT INTO archive (log_id, first_index, upto_index, sha256, file, at_us) \
                 SELECT id, 0, 5, owner_bytes, 'x', 0 FROM (SELECT id, %SHA% AS owner_bytes FROM log) AS l;";
    let sha = if support::on_postgres() { "'\\x00'::bytea" } else { "X'00'" };
    let claim = claim.replace("%SHA%", sha);
    // Removed without a word in the log.
    let dir = stopped(6).await;
    let remove =
        "DELETE FROM verification WHERE log_index < 5; DELETE FROM log_entry WHERE log_index < 5;";
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
