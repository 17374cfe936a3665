//! The trail after the act: it verifies, every verdict is derived again, and what is altered is found.
use super::harness::*;
use super::support;
use passavant::app::audit_verify;
use passavant::app::audit_verify::LogReport;
use passavant::app::replay;
use passavant::storage;
use passavant::storage::Db;
use passavant::storage::packed::Dictionary;
use passavant::storage::packed::Packed;
use passavant::storage::verifications::by_entry;
use std::path::Path;

pub fn database(dir: &Path) -> storage::Db {
    let settings = support::postgres::settings(&support::database_url(dir));
    storage::open(&settings, storage::Use::Write).unwrap()
}

fn verify(dir: &Path) -> Vec<LogReport> {
    audit_verify::verify(&mut database(dir), |_, _| {}).unwrap()
}

/// Stops a service and insists that its whole trail fits and every verdict replays.
pub fn assert_verifies(service: Service) {
    let Service { app, dir, .. } = service;
    app.recorder.stop();
    drop(app);
    for report in verify(dir.path()) {
        assert_eq!(report.fault, None);
    }
    let mut db = database(dir.path());
    for log in storage::log::all(&mut db).unwrap() {
        for (index, entry) in storage::log::entries(&mut db, log.id, 0, 100_000).unwrap() {
            let replayed =
                replay::replay(&mut db, log.id, index.try_into().unwrap(), &entry).unwrap();
            assert!(replayed.is_none_or(|replayed| replayed.agrees()), "entry {index}");
        }
    }
}

async fn with_a_trail() -> Service {
    let service = start();
    service.issue_sample(100, "multiple").await;
    for n in 0..5 {
        let verification = service.verify(&cartridges(n, 10)).await;
        service.release(&verification, &format!("key-{n}")).await.unwrap();
    }
    service
}

/// Spoils the first byte of every tile, in the words of the backend.
pub fn spoil_tiles() -> &'static str {
    if support::on_postgres() {
        "UPDATE log_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"
    } else {
        // A hash may begin with any byte, also with the one that would be written over it.
        "UPDATE log_tile SET hashes = CAST((CASE substr(hashes, 1, 1) WHEN X'00' THEN X'01' \
         ELSE X'00' END) || substr(hashes, 2) AS BLOB)"
    }
}

/// Alters what is stored by one statement and gives what the walk says first.
async fn fault_after(statement: &str) -> String {
    let service = with_a_trail().await;
    let Service { app, dir, .. } = service;
    app.recorder.stop();
    drop(app);
    diesel::connection::SimpleConnection::batch_execute(&mut database(dir.path()), statement)
        .unwrap();
    verify(dir.path()).remove(0).fault.unwrap()
}

/// Writes packed bytes over those of a row.
fn write_over(db: &mut Db, table: &str, column: &str, packed: &Packed, row: &str) {
    let hex = passavant::audit::entry::hex(packed.as_ref());
    let bytes =
        if support::on_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") };
    let statement = format!("UPDATE {table} SET {column} = {bytes} WHERE {row}");
    diesel::connection::SimpleConnection::batch_execute(db, &statement).unwrap();
}

#[tokio::test]
async fn a_trail_as_it_was_written_verifies_and_replays() {
    assert_verifies(with_a_trail().await);
}

#[tokio::test]
async fn an_altered_entry_is_named() {
    let Service { app, dir, .. } = with_a_trail().await;
    app.recorder.stop();
    drop(app);
    let mut db = database(dir.path());
    let entry = passavant::storage::log::entry(&mut db, 1, 4).unwrap().unwrap();
    let altered = String::from_utf8(entry).unwrap().replace("FRLEH", "FRMRS");
    let packed = Packed::bytes(altered.as_bytes(), Dictionary::Entry).unwrap();
    write_over(&mut db, "log_entry", "body", &packed, "entry % 1099511627776 = 4");
    let fault = verify(dir.path()).remove(0).fault.unwrap();
    assert!(fault.starts_with("entry 4: its bytes do not hash"), "{fault}");
}

#[tokio::test]
async fn an_entry_that_does_not_unpack_is_named() {
    let spoil = if support::on_postgres() {
        "UPDATE log_entry SET body = '\\x0000'::bytea WHERE entry % 1099511627776 = 4"
    } else {
        "UPDATE log_entry SET body = x'0000' WHERE entry % 1099511627776 = 4"
    };
    let fault = fault_after(spoil).await;
    assert_eq!(fault, "entry 4 of log 1: its bytes do not unpack: they are too few");
}

#[tokio::test]
async fn a_removed_entry_is_named() {
    let fault = fault_after("DELETE FROM log_entry WHERE entry % 1099511627776 = 3").await;
    assert_eq!(fault, "entry 3 is missing");
}

#[tokio::test]
async fn entries_in_another_order_are_named() {
    let swap = "UPDATE log_entry SET entry = 1099511628776 WHERE entry % 1099511627776 = 2; \
                UPDATE log_entry SET entry = 1099511627778 WHERE entry % 1099511627776 = 4; \
                UPDATE log_entry SET entry = 1099511627780 WHERE entry % 1099511627776 = 1000;";
    let fault = fault_after(swap).await;
    assert!(fault.starts_with("entry 2:"), "{fault}");
}

#[tokio::test]
async fn a_log_cut_short_is_found_by_its_checkpoints() {
    let fault = fault_after(
        "DELETE FROM log_entry WHERE entry % 1099511627776 >= 10; UPDATE log SET size = 10; DELETE FROM verification WHERE entry % 1099511627776 >= 10",
    )
    .await;
    assert!(fault.contains("a checkpoint is signed for size"), "{fault}");
}

#[tokio::test]
async fn an_altered_tile_is_named_to_the_byte() {
    let fault = fault_after(spoil_tiles()).await;
    assert!(fault.contains("byte 0 of tile 0 of level 0"), "{fault}");
}

#[tokio::test]
async fn an_altered_checkpoint_does_not_verify() {
    let fault = fault_after(
        "UPDATE checkpoint SET note = replace(note, 'passavant', 'passavent') WHERE size = 3",
    )
    .await;
    assert!(fault.contains("checkpoint of size 3"), "{fault}");
}

#[tokio::test]
async fn a_log_without_its_checkpoints_does_not_fit() {
    let fault = fault_after("DELETE FROM checkpoint").await;
    assert!(fault.contains("no checkpoint is signed"), "{fault}");
}

#[tokio::test]
async fn a_log_is_the_one_that_its_node_remembers() {
    let Service { app, dir, .. } = with_a_trail().await;
    app.recorder.stop();
    let last = app.checkpoint(None).await.unwrap();
    drop(app);
    let key = std::fs::read_to_string(dir.path().join("log.key")).unwrap();
    let signer = passavant::audit::checkpoint::Signer::read(&key).unwrap();
    let (size, root) = passavant::audit::checkpoint::verify(&last, signer.verifier_key()).unwrap();
    let other = passavant::audit::checkpoint::Signer::new(signer.origin(), &[7; 32]).unwrap();
    let elsewhere = passavant::audit::checkpoint::Signer::new("passavant.example/b", &[7; 32]);
    let empty = passavant::audit::tree::Frontier::default().root();
    let mut db = database(dir.path());
    for (note, words) in [
        (last, None),
        (signer.sign(size + 1, root).unwrap(), Some("and the database holds")),
        (signer.sign(size, empty).unwrap(), Some("has signed another log")),
        (other.sign(size, root).unwrap(), Some("is not a checkpoint of log")),
        // From before the node took a new name.
        (elsewhere.unwrap().sign(size, root).unwrap(), None),
    ] {
        let report = audit_verify::verify_with(&mut db, Some(&note), |_, _| {}).unwrap().remove(0);
        let fault = report.fault.unwrap_or_default();
        assert_eq!(words.is_some(), !fault.is_empty(), "{fault}");
        assert!(fault.contains(words.unwrap_or_default()), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_grows_while_it_is_walked_fits() {
    let service = with_a_trail().await;
    let path = service.dir.path().to_path_buf();
    let walk = tokio::task::spawn_blocking(move || {
        let (mut db, mut beside) = (database(&path), database(&path));
        let mut size = || storage::log::all(&mut beside).unwrap().remove(0).size;
        let first = size();
        // Each look of the walk is followed by further entries, and so by further draws of the licences.
        let report = audit_verify::verify(&mut db, |_, _| {
            let before = size();
            while size() == before {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        (u64::try_from(first).unwrap(), report.unwrap().remove(0))
    });
    let mut number = 100;
    while !walk.is_finished() {
        let verification = service.verify(&cartridges(number, 1)).await;
        service.release(&verification, &format!("key-{number}")).await.unwrap();
        number += 1;
    }
    let (first, report) = walk.await.unwrap();
    assert_eq!(report.fault, None);
    assert!(report.entries > first, "what was written meanwhile is walked as well");
    assert_verifies(service);
}

#[tokio::test]
async fn a_verdict_on_a_marking_of_symbols_and_a_code_replays() {
    let service = start();
    for licence in without_serials() {
        service.issue(&licence).await.unwrap();
    }
    let verification = service.verify(&marked_by_symbols(1)).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    assert!(!is_refused(&service.release(&verification, "k").await.unwrap()));
    let again = service.verify(&marked_by_symbols(2)).await;
    assert!(again.to_string().contains("SERIAL_ALREADY_MOVED"), "{again}");
    assert_verifies(service);
}

#[tokio::test]
async fn an_altered_record_beside_the_log_is_named() {
    let Service { app, dir, .. } = with_a_trail().await;
    app.recorder.stop();
    drop(app);
    let mut db = database(dir.path());
    let (index, row) =
        (0..).find_map(|index| Some((index, by_entry(&mut db, 1, index).unwrap()?))).unwrap();
    let facts = row.facts.replace('0', "1");
    let documents = (&row.declaration, &facts, &row.reply);
    let packed = Packed::values(&documents, Dictionary::Record).unwrap();
    write_over(
        &mut db,
        "verification",
        "record",
        &packed,
        &format!("entry % 1099511627776 = {index}"),
    );
    let fault = verify(dir.path()).remove(0).fault.unwrap();
    assert!(fault.contains("facts_sha256"), "{fault}");
}

/// What the walk says of a database after a statement, which is then undone.
pub fn fault_within(db: &mut Db, statement: &str) -> Option<String> {
    let mut fault = None;
    let undone = storage::transaction(db, |db| {
        diesel::connection::SimpleConnection::batch_execute(db, statement).unwrap();
        fault = audit_verify::verify(db, |_, _| {}).unwrap().remove(0).fault;
        Err::<(), _>(storage::Error::Conflict("undone".to_owned()))
    });
    assert!(undone.is_err());
    fault
}

#[tokio::test]
async fn a_register_that_was_written_into_is_not_what_the_trail_says() {
    let Service { app, dir, .. } = with_a_trail().await;
    app.recorder.stop();
    drop(app);
    let mut db = database(dir.path());
    let more = "SET body = replace(body, '\"quantity\":\"100\"', '\"quantity\":\"9999\"')";
    let both = format!("UPDATE licence {more}; UPDATE licence_version {more}");
    let stood =
        "UPDATE licence SET status = 'revoked'; UPDATE licence_version SET status = 'revoked'";
    let one = "UPDATE licence_version SET version = 2 WHERE licence_id = 1; UPDATE licence SET version = 2 WHERE id = 1";
    for (statement, words) in [
        (both.as_str(), "document_sha256"),
        (&format!("UPDATE licence {more}"), "its document is not that of version 1"),
        ("UPDATE licence_line SET authorised = authorised * 200", "lines and quantities"),
        ("DELETE FROM licence_line", "lines and quantities"),
        ("UPDATE licence_line SET consumed = 0", "the ledger's last movement"),
        ("UPDATE licence SET status = 'suspended'", "its last version is 1 and active"),
        (stood, "is revoked in the register and active in the entry"),
        (one, "version 1, which it records, is gone"),
        ("DELETE FROM licence_version", "is gone"),
        ("DELETE FROM licence_entry", "no entry records its version 1"),
        ("UPDATE licence_entry SET log_index = log_index + 1", "no entry records its version 1"),
        ("DELETE FROM lists", "which it records, is gone"),
        ("UPDATE lists SET body = replace(body, 'FR', 'ZZ')", "stands in other words"),
    ] {
        let fault = fault_within(&mut db, statement);
        let fault = fault.unwrap_or_else(|| panic!("not noticed: {statement}"));
        assert!(fault.contains(words), "{statement}: {fault}");
    }
    assert_eq!(verify(dir.path()).remove(0).fault, None);
}

#[tokio::test]
async fn a_node_does_not_start_on_a_log_whose_edge_was_altered() {
    let service = with_a_trail().await;
    let Service { app, dir, .. } = service;
    app.recorder.stop();
    drop(app);
    let mut db = database(dir.path());
    diesel::connection::SimpleConnection::batch_execute(&mut db, spoil_tiles()).unwrap();
    assert!(std::panic::catch_unwind(|| open(dir.path())).is_err());
}

#[tokio::test]
async fn a_log_opened_after_a_loss_begins_with_how_far_the_others_went() {
    let Service { app, dir, .. } = with_a_trail().await;
    app.recorder.stop();
    let size = app.checkpoint(None).await.unwrap().lines().nth(1).unwrap().to_owned();
    drop(app);
    std::fs::remove_file(dir.path().join("log.key")).unwrap();
    let service = reopen_as(dir, "passavant.example/test-2");
    let auditor = passavant::app::Caller { role: passavant::app::Role::Auditor, ..officer() };
    let (entries, _) = service.app.entries(&auditor, None, 0, 10).await.unwrap();
    let first: serde_json::Value = serde_json::from_str(entries[0].entry.get()).unwrap();
    assert_eq!(first["kind"], "log_opened");
    assert_eq!(first["held"][0]["log"], "passavant.example/test");
    assert_eq!(first["held"][0]["size"].to_string(), size);
    assert_verifies(service);
}

#[tokio::test]
async fn what_was_released_before_a_restart_is_known_after_it() {
    let service = start();
    service.issue_sample(20_000, "multiple").await;
    let rifles = passavant::demo::declarations(today()).remove(0).declaration;
    let verification = service.verify(&rifles).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    service.release(&verification, "key").await.unwrap();
    let service = service.reopen();
    let codes = |verification: &serde_json::Value| verification["findings"].to_string();
    let again = service.verify(&rifles).await;
    assert!(codes(&again).contains("MRN_ALREADY_USED"), "{again}");
    let mut other = rifles.clone();
    other["reference"] = serde_json::json!({"type": "national", "value": "FR-ANOTHER"});
    let moved = service.verify(&other).await;
    assert_ne!(moved["verdict"], "clear", "the same firearms: {moved}");
    let unseen = service.verify(&cartridges(1, 1)).await;
    assert_eq!(unseen["verdict"], "clear", "{unseen}");
}

#[tokio::test]
async fn an_entry_has_room_for_every_release_whatever_licences_are_called() {
    let service = start();
    let number = "𝔏".repeat(50);
    let items = 60;
    for mut licence in passavant::demo::licences(today()) {
        if licence["kind"] == "export" {
            licence["number"] = number.as_str().into();
        }
        let line = licence["lines"][1].clone();
        let lines = (1..=items).map(|n| {
            let mut line = line.clone();
            line["line"] = n.into();
            line
        });
        licence["lines"] = lines.collect();
        service.issue(&licence).await.unwrap();
    }
    let mut declaration = cartridges(1, 10);
    let item = declaration["items"][0].clone();
    let quoting = (1..=items).map(|n| {
        let mut item = item.clone();
        item["item"] = n.into();
        item["licences"] = serde_json::json!([
            {"number": number, "line": n}, {"number": "KE-IMP-2026-00087", "line": n}
        ]);
        item
    });
    declaration["items"] = quoting.collect();
    let verification = service.verify(&declaration).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    let released = service.release(&verification, "key").await.unwrap();
    assert!(!is_refused(&released));
    let reply: serde_json::Value = serde_json::from_str(&released.reply).unwrap();
    assert_eq!(reply["draws"].as_array().unwrap().len(), 60);
    assert_verifies(service);
}

#[tokio::test]
async fn a_release_s_own_entry_says_what_it_was_decided_on() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let mut amended = sample(100, "multiple").remove(0);
    amended["valid_until"] = serde_json::json!("2027-09-01");
    let sent = serde_json::from_value(amended).unwrap();
    let document = passavant::app::licences::Document::read(&sent, "").unwrap();
    service.app.amend(&authority("FR"), EXPORT, document, 1, None).await.unwrap();
    let release = service.release(&verification, "k").await.unwrap();
    let release: serde_json::Value = serde_json::from_str(&release.reply).unwrap();
    let index = release["audit"]["index"].as_u64().unwrap();
    let mut db = database(service.dir.path());
    let entry = storage::log::entry(&mut db, 1, index).unwrap().unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
    let expected = serde_json::json!([
        {"number": EXPORT, "version": 2},
        {"number": "KE-IMP-2026-00087", "version": 1},
    ]);
    assert_eq!(entry["licences"], expected, "{entry}");
    assert_eq!(entry["ruleset"], passavant::rules::RULESET);
    assert_eq!(entry["lists"], verification["lists"]);
    assert_verifies(service);
}
