//! Legal time limits: what is due, when it passes, who is told, and that nothing is ever released by it.
use super::harness::*;
use super::support;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Error;
use passavant::app::alerts::Query;
use passavant::app::licences::Document;
use passavant::app::stream::AlertStream;
use passavant::app::stream::Cursor;
use passavant::app::stream::Next;
use passavant::clock::FixedClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::demo;
use passavant::domain::Timestamp;
use passavant::domain::alert::Grounds;
use passavant::domain::alert::Outcome;
use passavant::domain::consignment::Direction;
use passavant::storage;
use passavant::wire::alert::Answer;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

/// A node with a clock of its own.
struct Node {
    app: Arc<App>,
    clock: FixedClock,
    dir: TempDir,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Node {
    fn start(now: &str) -> Self {
        let (dir, clock) = (TempDir::new().unwrap(), FixedClock::at(at(now)));
        let url = support::database_url(dir.path());
        let app = Arc::new(open_on(dir.path(), "passavant.example/test", &clock, &url));
        Self { app, clock, dir }
    }

    /// Stops the writer and opens the same folder again, at a later time.
    fn reopen(self, now: &str) -> Self {
        let Self { app, clock, dir } = self;
        app.recorder.stop();
        drop(app);
        clock.set(at(now));
        let url = support::database_url(dir.path());
        let app = Arc::new(open_on(dir.path(), "passavant.example/test", &clock, &url));
        Self { app, clock, dir }
    }

    async fn issue(&self) {
        for licence in demo::licences(today()) {
            let state = licence["issuing_state"].as_str().unwrap();
            let sent = serde_json::from_value(licence.clone()).unwrap();
            let document = Document::read(&sent, "").unwrap();
            self.app.issue(&authority(state), document, None).await.unwrap();
        }
    }

    /// A declaration of more rounds than the licence has; gives the alert that it raises.
    async fn hold(&self, n: u32) -> Uuid {
        let declaration = cartridges(n, 60_000).to_string();
        let recorded = self.app.verify(&officer(), declaration, None).await.unwrap();
        let verification: Value = serde_json::from_str(&recorded.reply).unwrap();
        assert_eq!(verification["verdict"], "hold", "{verification}");
        let alerts = self.alerts(&officer()).await;
        let own = alerts.iter().find(|alert| {
            alert["verification"] == verification["id"] && alert["kind"] == "mismatch"
        });
        own.unwrap()["id"].as_str().unwrap().parse().unwrap()
    }

    async fn alerts(&self, caller: &Caller) -> Vec<Value> {
        let page = self.app.alerts(caller, Query::default(), 1000).await.unwrap();
        page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap()).collect()
    }

    /// The alerts of a caller that carry a code.
    async fn with_code(&self, caller: &Caller, code: &str) -> Vec<Value> {
        let mut alerts = self.alerts(caller).await;
        alerts.retain(|alert| alert["codes"].as_array().unwrap().contains(&json!(code)));
        alerts
    }

    async fn escalate_at(&self, now: &str) {
        self.clock.set(at(now));
        while self.app.escalate_due().await.unwrap() {}
    }

    /// Customs inform the authority; gives the referral that stands before it.
    async fn refer(&self, alert: Uuid, grounds: Option<Grounds>) -> Uuid {
        self.app.refer(&officer(), alert, (grounds, None), None).await.unwrap();
        let alerts = self.alerts(&authority("FR")).await;
        let own = alerts.iter().find(|referral| {
            referral["kind"] == "referral" && referral["alert"] == json!(alert.to_string())
        });
        own.unwrap()["id"].as_str().unwrap().parse().unwrap()
    }

    async fn answer(&self, referral: Uuid, answer: Answer) -> Result<Value, Error> {
        let parts = (answer, "inquiry 77".into());
        let recorded = self.app.answer(&authority("FR"), referral, parts, None).await?;
        Ok(serde_json::from_str(&recorded.reply).unwrap())
    }

    async fn due(&self, alert: Uuid) -> Vec<(String, String)> {
        let alert = self.app.alert(&officer(), alert).await.unwrap();
        alert.due.into_iter().map(|due| (due.kind, due.due_at)).collect()
    }

    async fn assert_nothing_released(&self) {
        let licence = self.app.licence(&authority("FR"), EXPORT).await.unwrap();
        let licence = serde_json::to_value(&licence).unwrap();
        for line in licence["lines"].as_array().unwrap() {
            assert_eq!(line["balance"]["consumed"], "0", "{line}");
        }
    }
}

#[tokio::test]
async fn customs_have_twenty_four_hours_to_inform_the_authority() {
    let node = Node::start("2026-11-27T15:00:00Z");
    node.issue().await;
    let alert = node.hold(1).await;
    assert_eq!(
        node.due(alert).await,
        [("customs_notice".to_owned(), "2026-11-28T15:00:00.000Z".to_owned())]
    );
    node.escalate_at("2026-11-28T14:59:59Z").await;
    let fr = authority("FR");
    assert_eq!(node.with_code(&officer(), "CUSTOMS_NOTICE_DUE").await, Vec::<Value>::new());
    for _ in 0..2 {
        node.escalate_at("2026-11-28T15:00:00Z").await;
    }
    for caller in [&officer(), &fr] {
        let told = node.with_code(caller, "CUSTOMS_NOTICE_DUE").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (&told[0]["kind"], &told[0]["alert"]),
            (&json!("deadline"), &json!(alert.to_string()))
        );
    }
    assert_eq!(node.alerts(&authority("KE")).await.len(), 0, "it is no other State's matter");
    node.assert_nothing_released().await;
}

#[tokio::test]
async fn what_is_resolved_or_referred_in_time_is_not_escalated() {
    let node = Node::start("2026-11-27T15:00:00Z");
    node.issue().await;
    let (done, referred) = (node.hold(1).await, node.hold(2).await);
    let parts = (Outcome::FalseAlert, None);
    node.app.resolve(&officer(), done, parts, None).await.unwrap();
    let referral = node.refer(referred, None).await;
    assert_eq!(node.refer(referred, None).await, referral, "it is informed once");
    node.escalate_at("2026-11-29T00:00:00Z").await;
    assert_eq!(node.with_code(&officer(), "CUSTOMS_NOTICE_DUE").await.len(), 0);
    assert_eq!(node.alerts(&authority("FR")).await.len(), 1, "the referral alone");
}

#[tokio::test]
async fn the_authority_learns_of_a_seizure_that_nobody_referred() {
    let node = Node::start("2026-11-27T15:00:00Z");
    node.issue().await;
    let alert = node.hold(1).await;
    node.app.resolve(&officer(), alert, (Outcome::Seized, None), None).await.unwrap();
    let told = node.alerts(&authority("FR")).await;
    assert_eq!((told.len(), &told[0]["severity"]), (1, &json!("inform")));
    let id = told[0]["id"].as_str().unwrap().parse().unwrap();
    let asked = node.answer(id, Answer::Refuse).await;
    assert!(matches!(asked, Err(Error::Stale(_))), "it asks for no decision");
}

#[tokio::test]
async fn an_authority_s_silence_is_escalated_and_releases_nothing() {
    // The day, the grounds, when the period ends, and what is said of its end.
    for (now, grounds, before, end, lapsed) in [
        (
            "2026-11-23T10:00:00Z",
            Grounds::Doubt,
            "2026-12-03T22:59:59Z",
            "2026-12-03T23:00:00Z",
            false,
        ),
        (
            "2029-03-19T10:00:00Z",
            Grounds::Doubt,
            "2029-04-03T21:59:59Z",
            "2029-04-03T22:00:00Z",
            true,
        ),
        (
            "2029-03-19T10:00:00Z",
            Grounds::NonCompliance,
            "2029-04-03T21:59:59Z",
            "2029-04-03T22:00:00Z",
            false,
        ),
    ] {
        let node = Node::start(now);
        node.issue().await;
        let alert = node.hold(1).await;
        node.refer(alert, Some(grounds)).await;
        node.escalate_at(before).await;
        assert_eq!(node.with_code(&officer(), "AUTHORITY_DECISION_DUE").await.len(), 0, "{now}");
        node.escalate_at(end).await;
        for caller in [&officer(), &authority("FR")] {
            let due = node.with_code(caller, "AUTHORITY_DECISION_DUE").await;
            let silent = node.with_code(caller, "DECISION_LAPSED").await;
            assert_eq!((due.len(), silent.len()), (1, usize::from(lapsed)), "{now} {grounds:?}");
        }
        node.assert_nothing_released().await;
        let shown = node.app.alert(&officer(), alert).await.unwrap();
        assert_eq!(shown.status, "acknowledged", "only an officer ends it");
    }
}

#[tokio::test]
async fn the_longer_period_is_taken_once_and_counts_from_the_beginning() {
    let node = Node::start("2026-11-23T10:00:00Z");
    node.issue().await;
    let alert = node.hold(1).await;
    let referral = node.refer(alert, None).await;
    node.clock.set(at("2026-12-01T10:00:00Z"));
    let extended = node.answer(referral, Answer::Extend).await.unwrap();
    assert_eq!(extended["due"][0]["due_at"], "2026-12-23T23:00:00.000Z", "{extended}");
    assert!(matches!(node.answer(referral, Answer::Extend).await, Err(Error::Stale(_))));
    node.escalate_at("2026-12-20T00:00:00Z").await;
    assert_eq!(node.with_code(&officer(), "AUTHORITY_DECISION_DUE").await.len(), 0);
    assert_eq!(node.with_code(&officer(), "AUTHORITY_EXTENDS").await.len(), 1);
    node.escalate_at("2026-12-24T00:00:00Z").await;
    assert_eq!(node.with_code(&officer(), "AUTHORITY_DECISION_DUE").await.len(), 1);
    assert!(
        matches!(node.answer(referral, Answer::Extend).await, Err(Error::Stale(_))),
        "too late"
    );
}

#[tokio::test]
async fn an_authority_s_answer_reaches_the_post_and_releases_nothing() {
    for (answer, outcome, code) in [
        (Answer::ReleaseAdvised, "release_advised", "AUTHORITY_ADVISES_RELEASE"),
        (Answer::Refuse, "refused", "AUTHORITY_REFUSES"),
    ] {
        let node = Node::start("2026-11-23T10:00:00Z");
        node.issue().await;
        let alert = node.hold(1).await;
        let referral = node.refer(alert, None).await;
        assert!(matches!(
            node.app.resolve(&authority("FR"), referral, (Outcome::FalseAlert, None), None).await,
            Err(Error::Stale(_))
        ));
        let foreign = node.app.answer(&authority("KE"), referral, (answer, "x".into()), None).await;
        assert!(matches!(foreign, Err(Error::NotFound)));
        let decided = node.answer(referral, answer).await.unwrap();
        assert_eq!(
            (&decided["status"], &decided["outcome"]),
            (&json!("resolved"), &json!(outcome))
        );
        assert!(matches!(node.answer(referral, answer).await, Err(Error::Stale(_))));
        let told = node.with_code(&officer(), code).await;
        assert_eq!((told.len(), &told[0]["alert"]), (1, &json!(alert.to_string())));
        node.escalate_at("2027-06-01T00:00:00Z").await;
        assert_eq!(node.with_code(&officer(), "AUTHORITY_DECISION_DUE").await.len(), 0);
        node.assert_nothing_released().await;
    }
}

#[tokio::test]
async fn everything_that_passed_while_no_node_ran_is_escalated_once() {
    let node = Node::start("2026-11-23T10:00:00Z");
    node.issue().await;
    for n in 0..250 {
        let declaration = cartridges(n, 60_000).to_string();
        node.app.verify(&officer(), declaration, None).await.unwrap();
    }
    let node = node.reopen("2026-12-30T00:00:00Z");
    assert!(node.app.escalate_due().await.unwrap(), "a hundred at a look");
    while node.app.escalate_due().await.unwrap() {}
    node.app.count_pending().await.unwrap();
    let told = node.with_code(&authority("FR"), "CUSTOMS_NOTICE_DUE").await;
    let mut about: Vec<&str> = told.iter().map(|alert| alert["alert"].as_str().unwrap()).collect();
    about.sort_unstable();
    about.dedup();
    assert_eq!((told.len(), about.len()), (250, 250));
    let figures = node.app.figures();
    let figure = |name: &str| figures.iter().find(|figure| figure.0 == name).unwrap().2;
    assert_eq!(figure("passavant_deadlines_overdue"), 0);
    assert_eq!(figure("passavant_deadlines_escalated_total"), 250);
    assert_eq!(figure("passavant_alerts_unresolved"), 750);
    let le_havre = ("FR".to_owned(), Some("FRLEH".to_owned()), 750);
    assert_eq!(node.app.alerts_by_post(), [le_havre]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_escalates_each_deadline() {
    // The embedded database has one node; several share a server.
    if !support::on_postgres() {
        return;
    }
    let node = Node::start("2026-11-23T10:00:00Z");
    node.issue().await;
    for n in 0..60 {
        node.app.verify(&officer(), cartridges(n, 60_000).to_string(), None).await.unwrap();
    }
    let dir = TempDir::new().unwrap();
    let url = support::database_url(node.dir.path());
    let other = open_on(dir.path(), "passavant.example/other", &node.clock, &url);
    node.clock.set(at("2026-11-25T00:00:00Z"));
    let (one, two) = tokio::join!(node.app.escalate_due(), other.escalate_due());
    assert!(!one.unwrap() && !two.unwrap());
    let told = node.with_code(&authority("FR"), "CUSTOMS_NOTICE_DUE").await;
    assert_eq!(told.len(), 60);
    other.recorder.stop();
}

#[tokio::test]
async fn goods_released_for_export_whose_exit_nobody_records_are_asked_for_twice() {
    let node = Node::start("2026-11-23T10:00:00Z");
    node.issue().await;
    let mut releases = Vec::new();
    for n in [1, 2, 3] {
        let recorded = node.app.verify(&officer(), cartridges(n, 10).to_string(), None).await;
        let verification: Value = serde_json::from_str(&recorded.unwrap().reply).unwrap();
        let id: Uuid = verification["id"].as_str().unwrap().parse().unwrap();
        let once = passavant::app::recorder::Once {
            caller: officer().key(),
            key: format!("release-{n}"),
            request_sha256: [0; 32],
        };
        let release = node.app.release(&officer(), id, None, once).await.unwrap();
        let release: Value = serde_json::from_str(&release.reply).unwrap();
        releases.push(release["id"].as_str().unwrap().to_owned());
    }
    let [left, reversed, silent] = releases.as_slice() else { panic!("three") };
    let id = reversed.parse().unwrap();
    node.app.reverse(&officer(), id, "the goods did not leave".into(), None, None).await.unwrap();
    let body =
        json!({"release": left, "border_post": "FRLEH", "exited_at": "2026-11-23T10:00:00Z"});
    let exit: passavant::wire::consignment::ExitRequest = serde_json::from_value(body).unwrap();
    let (exit, crossing) = (Direction::Exit, exit.read().unwrap());
    node.app.cross(&officer(), exit, crossing, None).await.unwrap();
    node.escalate_at("2027-02-22T22:59:59Z").await;
    assert_eq!(node.with_code(&officer(), "EXIT_NOT_CONFIRMED").await.len(), 0);
    for (now, times) in [
        ("2027-02-22T23:00:00Z", 1),
        ("2027-04-22T21:59:59Z", 1),
        ("2027-04-22T22:00:00Z", 2),
        ("2028-01-01T00:00:00Z", 2),
    ] {
        node.escalate_at(now).await;
        let asked = node.with_code(&officer(), "EXIT_NOT_CONFIRMED").await;
        assert_eq!(asked.len(), times, "{now}");
        assert!(asked.iter().all(|alert| alert["release"] == json!(silent)), "{asked:?}");
    }
    let licence = node.app.licence(&authority("FR"), EXPORT).await.unwrap();
    let licence = serde_json::to_value(&licence).unwrap();
    assert_eq!(licence["lines"][1]["balance"]["consumed"], "20", "what was drawn stays drawn");
}

#[tokio::test]
async fn a_licence_in_force_is_reviewed_after_two_years() {
    let node = Node::start("2029-03-19T10:00:00Z");
    for (number, kept) in [("FR-EXP-A", true), ("FR-EXP-B", false)] {
        let mut licence = demo::licences("2029-03-19".parse().unwrap()).remove(0);
        licence["number"] = json!(number);
        licence["issued_on"] = json!("2029-03-19");
        let sent = serde_json::from_value(licence).unwrap();
        let document = Document::read(&sent, "").unwrap();
        node.app.issue(&authority("FR"), document, None).await.unwrap();
        if !kept {
            let decision = passavant::app::licences::Decision::Revocation;
            let reason = "theft".into();
            node.app
                .decide(&authority("FR"), number.into(), decision, reason, None, None)
                .await
                .unwrap();
        }
    }
    node.escalate_at("2031-03-19T22:59:59Z").await;
    assert_eq!(node.with_code(&authority("FR"), "REVIEW_AFTER_2_YEARS").await.len(), 0);
    node.escalate_at("2031-03-19T23:59:59Z").await;
    node.escalate_at("2031-03-20T00:00:00Z").await;
    let due = node.with_code(&authority("FR"), "REVIEW_AFTER_2_YEARS").await;
    assert_eq!((due.len(), &due[0]["licence"]), (1, &json!("FR-EXP-A")));
}

/// A stream of the officer's, from a place on.
async fn stream(app: &Arc<App>, from: Option<&str>) -> AlertStream {
    let caller = Arc::new(officer());
    let seat = app.streams.enter(&caller, None).unwrap();
    let from = from.map(|from| Cursor::parse(from).unwrap());
    let opened =
        Arc::clone(app).alert_stream(caller, String::new(), Query::default(), from, seat).await;
    opened.unwrap()
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_and_misses_nothing_when_it_comes_back() {
    let (dir, clock) = (TempDir::new().unwrap(), FixedClock::at(at("2026-11-23T12:00:00Z")));
    let mut config = Config::embedded().unwrap();
    config.node.origin = "passavant.example/test".to_owned();
    config.node.state = "FR".to_owned();
    config.node.data_dir = dir.path().to_path_buf();
    config.database.url = support::database_url(dir.path());
    config.stream.buffer_events = 16;
    let access = Access::new(&config, Arc::new(clock.clone())).unwrap();
    let app = App::open(config, Arc::new(clock.clone()), Arc::new(SystemIds), access).unwrap();
    let node = Node { app: Arc::new(app), clock, dir };
    node.issue().await;
    let mut slow = stream(&node.app, None).await;
    node.hold(0).await;
    let Next::Event(place, ..) = slow.next().await else { panic!("it tells") };
    // What one has read so far, the stream has caught up and listens; now its reader stops reading.
    let heard = tokio::time::timeout(std::time::Duration::from_millis(200), slow.next()).await;
    assert!(heard.is_err(), "{heard:?}");
    for n in 1..=40 {
        node.app.verify(&officer(), cartridges(n, 60_000).to_string(), None).await.unwrap();
    }
    node.app.feed_streams().await;
    assert_eq!(slow.next().await, Next::End("too slow"));
    assert_eq!(node.app.streams.too_slow.load(std::sync::atomic::Ordering::SeqCst), 1);
    drop(slow);
    let node = node.reopen("2026-11-23T12:30:00Z");
    let mut back = stream(&node.app, Some(&place)).await;
    let mut seen = Vec::new();
    while seen.len() < 40 {
        let Next::Event(_, change, data) = back.next().await else { panic!("it goes on") };
        let told: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(change, "raised");
        seen.push(told["alert"]["declaration"].as_str().unwrap().to_owned());
    }
    let expected: Vec<String> = (1..=40).map(|n| format!("FR-{n:08}")).collect();
    assert_eq!(seen, expected, "each once and in order, over a restart as well");
}

#[tokio::test]
async fn the_periods_of_an_override_run_from_its_confirmation() {
    let service = start();
    service.issue_sample(1000, "multiple").await;
    let mut samples = demo::declarations(today()).into_iter();
    let declaration = samples.find(|sample| sample.verdict == "refer").unwrap().declaration;
    let verification = service.verify(&declaration).await;
    let asked = service.ask_override(&verification, "ask").await.unwrap();
    let asked: Value = serde_json::from_str(&asked.reply).unwrap();
    let id: Uuid = asked["id"].as_str().unwrap().parse().unwrap();
    let due = |id: Uuid| {
        let mut db = super::trail::database(service.dir.path());
        storage::deadlines::pending_of(&mut db, &[&id.to_string()]).unwrap()
    };
    assert!(due(id).is_empty(), "nothing is to leave yet");
    let confirmed_at = "2026-11-23T12:40:00Z";
    service.clock.set(at(confirmed_at));
    let confirmed = service.confirm_override(id, "confirm").await.unwrap();
    let confirmed: Value = serde_json::from_str(&confirmed.reply).unwrap();
    assert_eq!(confirmed["status"], "released", "{confirmed}");
    assert_eq!(confirmed["released_at"], "2026-11-23T12:40:00.000Z");
    let kinds: Vec<(String, i64)> =
        due(id).into_iter().map(|row| (row.kind, row.from_us)).collect();
    assert_eq!(kinds, [("exit".to_owned(), at(confirmed_at).as_microsecond())]);
    let mut db = super::trail::database(service.dir.path());
    let receipts = storage::receipts::of_releases(&mut db, &[id.as_bytes().to_vec()]).unwrap();
    assert_eq!(receipts[0].released_us, at(confirmed_at).as_microsecond());
    // One that nobody confirms is never released.
    let verification = service.verify(&cartridges(7, 60_000)).await;
    let asked = service.ask_override(&verification, "late").await.unwrap();
    let asked: Value = serde_json::from_str(&asked.reply).unwrap();
    let id: Uuid = asked["id"].as_str().unwrap().parse().unwrap();
    service.clock.set(at("2026-11-23T14:00:00Z"));
    assert_eq!(service.app.expire_overrides().await.unwrap(), 1);
    let expired = service.app.read_release(&officer(), id).await.unwrap();
    assert_eq!((expired.status.as_str(), expired.released_at), ("expired", None));
}
