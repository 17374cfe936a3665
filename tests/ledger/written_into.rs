//! A register of which somebody writes past the service: what was altered, removed or put in is named, and a busy
//! one that nobody has touched fits.
use super::covers;
use super::harness::*;
use super::support;
use super::trail::assert_verifies;
use super::trail::database;
use super::trail::fault_within;
use passavant::app::Caller;
use passavant::app::alerts::Query;
use passavant::app::audit_verify;
use passavant::domain::Text;
use passavant::domain::alert::Grounds;
use passavant::domain::alert::Outcome;
use passavant::storage::Db;
use passavant::wire::alert::Answer;
use passavant::wire::alert::Measure;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

fn id_of(reply: &Value) -> Uuid {
    reply["id"].as_str().unwrap().parse().unwrap()
}

/// The alerts of a caller of a kind that are open, as JSON.
async fn open_alerts(service: &Service, caller: &Caller, kind: &str) -> Vec<Value> {
    let page = service.app.alerts(caller, Query::default(), 1000).await.unwrap();
    let all = page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap());
    all.filter(|alert| alert["kind"] == kind && alert["status"] != "resolved").collect()
}

async fn resolve(service: &Service, alert: &Value, outcome: Outcome) {
    let how = (outcome, Some("opened and counted".into()));
    service.app.resolve(&officer(), id_of(alert), how, None).await.unwrap();
}

/// The open case of a declaration.
async fn case_of(service: &Service, reference: &str) -> Value {
    let mut cases = open_alerts(service, &officer(), "mismatch").await;
    cases.extend(open_alerts(service, &officer(), "stoppage").await);
    cases.into_iter().find(|alert| alert["declaration"] == reference).unwrap()
}

fn rifles(reference: &str) -> Value {
    let mut goods = passavant::demo::declarations(today()).remove(0).declaration;
    goods["reference"] = json!({"type": "national", "value": reference});
    goods["ucr"] = json!(format!("6FR12345678901234-{reference}"));
    goods["items"].as_array_mut().unwrap().truncate(1);
    goods
}

/// Ten rounds in a consignment of their own.
fn of_own(reference: u32) -> Value {
    let mut goods = cartridges(reference, 10);
    goods["ucr"] = json!(format!("6FR12345678901234-{reference}"));
    goods
}

async fn stop(service: &Service, declaration: &Value, measure: Measure) -> Value {
    let cleared = service.verify(declaration).await;
    assert_eq!(cleared["verdict"], "clear", "{cleared}");
    let stopped = service
        .app
        .stop_goods(&officer(), id_of(&cleared), (measure, "a smell of solvent".into()), None)
        .await
        .unwrap();
    serde_json::from_str(&stopped.reply).unwrap()
}

/// Cases of customs in every state in which there may be one.
async fn with_cases() -> Service {
    let service = start();
    service.issue_sample(1000, "multiple").await;
    // Looked at again, taken note of, put before the authority, decided and resolved.
    for rounds in [5000, 6000] {
        assert_eq!(service.verify(&cartridges(1, rounds)).await["verdict"], "hold");
    }
    let case = case_of(&service, "FR-00000001").await;
    let note = Some("on it".into());
    service.app.acknowledge(&officer(), id_of(&case), note, None).await.unwrap();
    let ask = (Some(Grounds::Doubt), Some("too many".into()));
    service.app.refer(&officer(), id_of(&case), ask, None).await.unwrap();
    let referral = open_alerts(&service, &authority("FR"), "referral").await.remove(0);
    let answer = (Answer::Refuse, "not to that recipient".into());
    service.app.answer(&authority("FR"), id_of(&referral), answer, None).await.unwrap();
    resolve(&service, &case, Outcome::Refused).await;
    // Still open, and looked at again.
    for rounds in [5000, 6000] {
        service.verify(&cartridges(2, rounds)).await;
    }
    // Firearms with an altered marking, seized.
    let mut altered = rifles("FR-SEIZED");
    altered["observations"] = json!([{"type": "marking_altered", "item": 1, "note": "filed off"}]);
    assert_eq!(service.verify(&altered).await["verdict"], "hold");
    let case = case_of(&service, "FR-SEIZED").await;
    resolve(&service, &case, Outcome::Seized).await;
    // Stopped, one let go again and released, one referred.
    let case = stop(&service, &of_own(3), Measure::Hold).await;
    resolve(&service, &case, Outcome::ReleasedAfterCheck).await;
    service.released(&of_own(3)).await;
    stop(&service, &of_own(4), Measure::Refer).await;
    // Against the advice, confirmed and waiting.
    let held = service.verify(&cartridges(5, 5000)).await;
    assert!(!is_refused(&service.override_it(&held, "over").await.unwrap()));
    let held = service.verify(&cartridges(6, 5000)).await;
    assert!(!is_refused(&service.ask_override(&held, "asked").await.unwrap()));
    service
}

/// Goods that have left and arrived, under one consignment's reference and under none, and reports of firearms.
async fn with_journeys() -> Service {
    let service = start();
    service.issue_sample(1000, "multiple").await;
    let release = service.released(&of_own(1)).await;
    let exit = json!({"release": release.to_string(), "border_post": "FRLEH", "seals": ["S-1", "S-2"],
        "vehicle": "FR-1", "exited_at": service.app.clock.now().to_string()});
    let exit: passavant::wire::consignment::ExitRequest = serde_json::from_value(exit).unwrap();
    let direction = passavant::domain::consignment::Direction::Exit;
    service.app.cross(&officer(), direction, exit.read().unwrap(), None).await.unwrap();
    service.arrive(1, 4).await;
    service.arrive(1, 6).await;
    service.arrive(99, 6).await;
    let release = service.released(&rifles("FR-RIFLES")).await;
    service.leave(release).await.unwrap();
    let kenyan = Caller {
        state: passavant::domain::Country::parse("KE").unwrap(),
        posts: [passavant::domain::Locode::parse("KEMBA").unwrap()].into(),
        ..officer()
    };
    let serials = rifles("FR-RIFLES")["items"][0]["serials"].clone();
    let count = serials.as_array().unwrap().len().to_string();
    let item = json!({"category": "firearm", "quantity": count, "unit": "C62", "serials": serials});
    let request = json!({"reference": "FR-RIFLES", "border_post": "KEMBA", "items": [item],
        "arrived_at": service.app.clock.now().to_string()});
    let sent: passavant::wire::arrival::ArrivalRequest =
        serde_json::from_value(request.clone()).unwrap();
    let arrival = sent.read().unwrap();
    service.app.arrive(&kenyan, arrival, request.to_string(), None).await.unwrap();
    let firearm =
        json!({"report": "stolen", "serial": "VC000777", "make": "Mauser", "reference": "PV-1"});
    let report: passavant::wire::serial::SerialReportRequest =
        serde_json::from_value(firearm).unwrap();
    service.app.report_serial(&authority("FR"), report.read().unwrap(), None).await.unwrap();
    service
}

fn stopped(service: Service) -> (tempfile::TempDir, Db) {
    let Service { app, dir, .. } = service;
    app.recorder.stop();
    drop(app);
    let db = database(dir.path());
    (dir, db)
}

/// A value of sixteen bytes in the words of the backend.
fn some_id() -> &'static str {
    if support::on_postgres() {
        "'\\x00000000000070008000000000000001'::bytea"
    } else {
        "X'00000000000070008000000000000001'"
    }
}

/// Insists that each statement is noticed, in such words, and that without them all fits.
fn assert_noticed(db: &mut Db, altered: &[(&str, &str)]) {
    let untouched = audit_verify::verify(db, |_, _| {}).unwrap();
    assert!(untouched.iter().all(|report| report.fault.is_none()), "{untouched:?}");
    for (statement, words) in altered {
        let statement = statement.replace("%ID%", some_id());
        let fault = fault_within(db, &statement);
        let fault = fault.unwrap_or_else(|| panic!("not noticed: {statement}"));
        assert!(fault.contains(words), "{statement}: {fault}");
    }
}

#[tokio::test]
async fn an_alert_that_was_written_into_is_named() {
    let (_dir, mut db) = stopped(with_cases().await);
    let history = "is not what its history says";
    let of_decision = "(SELECT id FROM alert WHERE kind = 'decision')";
    let removed = format!(
        "DELETE FROM alert_event WHERE alert_id IN {of_decision}; DELETE FROM alert WHERE kind = 'decision'"
    );
    let columns = "state, addressee, border_post, kind, severity, about, ucr, codes, message, status, outcome, \
                   raised_us, log_id, log_index, subject";
    let added = format!(
        "INSERT INTO alert (id, {columns}) SELECT %ID%, {columns} FROM alert WHERE kind = 'decision'"
    );
    let step = "INSERT INTO alert_event (log_id, log_index, alert_id, change, at_us) \
                SELECT log_id, 0, alert_id, 'acknowledged', at_us FROM alert_event WHERE change = 'referred' LIMIT 1";
    let both = "UPDATE alert SET outcome = 'released_after_check' WHERE outcome = 'seized'; \
                UPDATE alert_event SET outcome = 'released_after_check' WHERE outcome = 'seized'";
    assert_noticed(
        &mut db,
        &[
            ("UPDATE alert SET outcome = 'false_alert' WHERE outcome = 'seized'", history),
            (both, "records: outcome"),
            ("UPDATE alert SET status = 'open', outcome = NULL WHERE outcome = 'seized'", history),
            ("UPDATE alert SET status = 'acknowledged' WHERE status = 'open'", history),
            (
                "UPDATE alert_event SET actor = 'a#b' WHERE change = 'acknowledged'",
                "records: actor",
            ),
            ("UPDATE alert_event SET actor = NULL WHERE change = 'resolved'", "records: actor"),
            ("UPDATE alert_event SET note = 'x' WHERE change = 'referred'", "records: note"),
            ("UPDATE alert_event SET note = 'x' WHERE change = 'seen_again'", "records: note"),
            (
                "UPDATE alert_event SET at_us = at_us + 1 WHERE change = 'resolved'",
                "records: at_us",
            ),
            ("UPDATE alert SET raised_us = raised_us - 1 WHERE kind = 'stoppage'", "raised_us is"),
            ("UPDATE alert SET severity = 'inform' WHERE kind = 'mismatch'", "severity is"),
            ("UPDATE alert SET severity = 'inform' WHERE kind = 'referral'", "severity is"),
            ("UPDATE alert SET codes = '[]' WHERE kind = 'mismatch'", "codes is"),
            ("UPDATE alert SET message = 'released' WHERE kind = 'decision'", "message is"),
            ("UPDATE alert SET about = '{}' WHERE kind = 'referral'", "about is"),
            ("UPDATE alert SET ucr = 'another' WHERE kind = 'mismatch'", "ucr is"),
            ("UPDATE alert SET border_post = 'FRMRS' WHERE kind = 'decision'", "border_post is"),
            ("UPDATE alert SET border_post = 'FRMRS' WHERE kind = 'mismatch'", "is of other goods"),
            ("UPDATE alert SET subject = NULL WHERE kind = 'mismatch'", "subject is"),
            ("UPDATE alert SET subject = NULL WHERE kind = 'override'", "subject is"),
            ("DELETE FROM alert_event WHERE change = 'resolved'", "that it records is gone"),
            (
                "DELETE FROM alert_event WHERE change = 'seen_again'",
                "was put before the post is gone",
            ),
            (&removed, "that it records is gone"),
            (&added, "that it was raised is"),
            (step, "records: log_index"),
        ],
    );
}

#[tokio::test]
async fn a_stoppage_that_was_written_into_is_named() {
    let (_dir, mut db) = stopped(with_cases().await);
    let added = "INSERT INTO stoppage (alert_id, state, reference_kind, reference, severity, at_us) \
                 VALUES (%ID%, 'FR', 'national', 'FR-00000009', 'hold', 1)";
    let of_another = "INSERT INTO stoppage (alert_id, state, reference_kind, reference, severity, at_us) \
                      SELECT id, 'FR', 'national', 'FR-00000009', 'hold', 1 FROM alert WHERE kind = 'decision'";
    let other = "the stoppage of its goods is not what its steps record";
    assert_noticed(
        &mut db,
        &[
            ("DELETE FROM stoppage WHERE lifted_us IS NULL", "the stoppage of its goods is gone"),
            ("UPDATE stoppage SET lifted_us = at_us WHERE lifted_us IS NULL", other),
            ("UPDATE stoppage SET lifted_us = NULL", other),
            ("UPDATE stoppage SET severity = 'refer'", other),
            ("UPDATE stoppage SET reference = 'FR-00000008'", other),
            (added, "is of a case"),
            (of_another, "no step of it stops its goods"),
            ("DELETE FROM serial_event WHERE kind = 'stopped'", "is not as its steps record it"),
            ("DELETE FROM serial_event WHERE kind = 'seized'", "is not as its steps record it"),
            ("UPDATE serial_event SET kind = 'found' WHERE kind = 'seized'", "is not as its steps"),
            ("UPDATE serial_event SET serial = 'X' WHERE kind = 'stopped'", "is not as its steps"),
            (
                "INSERT INTO serial_event (serial, make, model, country, kind, state, subject, states, happened_us, at_us) \
                 SELECT 'NEW', make, model, country, kind, state, subject, states, happened_us, at_us \
                 FROM serial_event WHERE kind = 'seized'",
                "no step of it records that firearm NEW was seized",
            ),
        ],
    );
}

#[tokio::test]
async fn an_exit_an_arrival_or_a_report_that_was_written_into_is_named() {
    let (_dir, mut db) = stopped(with_journeys().await);
    let of = |what: &str, columns: &str| {
        format!("INSERT INTO {what} (id, {columns}) SELECT %ID%, {columns} FROM {what} LIMIT 1")
    };
    let exit = "direction, state, border_post, ucr, vehicle, seals, happened_us, caller, at_us";
    let arrival = "state, border_post, ucr, reference, request, result, happened_us, caller, at_us";
    let report = "serial, make, model, country, kind, state, states, reference, happened_us, at_us";
    let reported = format!(
        "INSERT INTO serial_event (subject, {report}) SELECT %ID%, {report} FROM serial_event WHERE kind = 'stolen'"
    );
    let arrived = format!(
        "INSERT INTO serial_event (subject, {report}) SELECT %ID%, {report} FROM serial_event WHERE kind = 'arrived' LIMIT 1"
    );
    let serials = "what serial_event holds of";
    assert_noticed(
        &mut db,
        &[
            ("DELETE FROM crossing", "which it records, is gone"),
            ("UPDATE crossing SET vehicle = 'FR-2'", "vehicle of exit"),
            ("UPDATE crossing SET seals = '[\"S-1\",\"S-9\"]'", "seals of exit"),
            ("UPDATE crossing SET happened_us = happened_us - 86400000000", "happened_us of exit"),
            ("UPDATE crossing SET direction = 'entry'", "direction of exit"),
            ("UPDATE crossing SET caller = 'a#b'", "caller of exit"),
            ("UPDATE crossing SET release_id = NULL", "release_id of exit"),
            (&of("crossing", exit), "no entry records exit"),
            ("DELETE FROM arrival", "which it records, is gone"),
            ("UPDATE arrival SET result = 'complete'", "result of arrival"),
            ("UPDATE arrival SET request = '{}'", "request of arrival"),
            ("UPDATE arrival SET state = 'TZ'", "state of arrival"),
            (&of("arrival", arrival), "no entry records arrival"),
            ("DELETE FROM serial_event WHERE kind = 'arrived'", serials),
            ("UPDATE serial_event SET serial = 'X' WHERE kind = 'arrived'", serials),
            ("DELETE FROM serial_event WHERE kind = 'stolen'", serials),
            ("UPDATE serial_event SET kind = 'found' WHERE kind = 'stolen'", "kind of report"),
            ("UPDATE serial_event SET serial = 'X' WHERE kind = 'stolen'", "serial of report"),
            (&reported, "no entry records report"),
            (&arrived, "is of no case and no arrival"),
        ],
    );
}

/// What has gone under an import licence by releases, one of them reversed, one amended, one against the advice.
async fn with_covers() -> Service {
    let service = start();
    covers::issue(&service, 100).await;
    let first = service.released(&covers::under(0, 1, 20)).await;
    service.released(&covers::under(1, 2, 30)).await;
    let amended = service.released(&covers::under(1, 3, 10)).await;
    let reason = || Text::from("it did not leave");
    let less = covers::under(1, 3, 9).to_string();
    service.app.amend_release(&officer(), amended, less, reason(), None, None).await.unwrap();
    service.app.reverse(&officer(), first, reason(), None, None).await.unwrap();
    let beyond = service.verify(&covers::under(2, 4, 80)).await;
    assert!(!is_refused(&service.override_it(&beyond, "over").await.unwrap()));
    service
}

#[tokio::test]
async fn what_has_gone_under_a_licence_and_was_written_into_is_named() {
    let (_dir, mut db) = stopped(with_covers().await);
    let gone = "are held to have gone for export";
    let of_release = "what release_cover holds of release";
    let both = "UPDATE cover SET quantity = quantity - 1000000; \
                UPDATE release_cover SET quantity = quantity - 1000000 WHERE quantity = 9000000";
    let added = "INSERT INTO release_cover (release_id, licence, line, unit, quantity) \
                 SELECT id, 'KE-IMP-2026-00087', 2, 'C62', 1 FROM release WHERE status = 'reversed'";
    assert_noticed(
        &mut db,
        &[
            ("UPDATE cover SET quantity = quantity - 1000000", gone),
            ("DELETE FROM cover", gone),
            ("UPDATE cover SET line = line + 1", gone),
            (
                "INSERT INTO cover (licence, line, unit, quantity) VALUES ('KE-IMP-X', 1, 'C62', 5)",
                gone,
            ),
            ("DELETE FROM release_cover", of_release),
            ("UPDATE release_cover SET quantity = quantity + 1", of_release),
            (both, of_release),
            (added, of_release),
        ],
    );
}

#[tokio::test]
async fn a_busy_register_that_nobody_has_touched_fits() {
    assert_verifies(with_cases().await);
    assert_verifies(with_journeys().await);
    assert_verifies(with_covers().await);
}
