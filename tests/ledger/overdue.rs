//! A receipt that nobody confirms in time: who is asked after whom, and when it ends.
use super::harness::*;
use passavant::app::Caller;
use passavant::app::Role;
use passavant::app::alerts::Query;
use passavant::app::receipting::Asked;
use passavant::app::receipting::Asking;
use passavant::domain::Country;
use passavant::rules::receipt::Turnout;
use passavant::wire::receipt::ReceiptStep;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

const LEFT: &str = "2029-03-01";
/// The first instant after the forty-fifth day, which is rolled to a Monday.
const OVERDUE: &str = "2029-04-16T22:00:00Z";

struct Shipment {
    service: Service,
    receipt: Uuid,
    ucr: String,
}

/// Goods released and left on a day under the Regulation of 2025.
async fn left() -> Shipment {
    let (service, declaration) = exported_on(LEFT, |_| {}).await;
    let ucr = declaration["ucr"].as_str().unwrap().to_owned();
    let receipts = service.app.receipts(&authority("FR"), Asked::default(), false, 0, 10).await;
    let receipt = receipts.unwrap().0[0].id.parse().unwrap();
    Shipment { service, receipt, ucr }
}

impl Shipment {
    async fn escalate_at(&self, now: &str) {
        self.service.clock.set(now.parse().unwrap());
        while self.service.app.escalate_due().await.unwrap() {}
    }

    /// Alerts that the receipt is overdue, open before a caller.
    async fn told(&self, caller: &Caller) -> usize {
        let page = self.service.app.alerts(caller, Query::default(), 1000).await.unwrap();
        let alerts = page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap());
        alerts
            .filter(|alert| alert["kind"] == "receipt_overdue")
            .inspect(|alert| assert_eq!(alert["codes"], json!(["RECEIPT_CONFIRMATION_OVERDUE"])))
            .count()
    }

    /// What the exporting authority, the post of exit and the importing authority have been told.
    async fn all_told(&self) -> (usize, usize, usize) {
        let (fr, ke) = (authority("FR"), authority("KE"));
        assert_eq!(self.told(&authority("DE")).await, 0, "it is no other State's matter");
        (self.told(&fr).await, self.told(&officer()).await, self.told(&ke).await)
    }

    async fn receipt(&self) -> Value {
        let receipt = self.service.app.receipt(&authority("KE"), self.receipt).await.unwrap();
        serde_json::to_value(&receipt).unwrap()
    }

    async fn overdue(&self, state: &str) -> usize {
        let (asked, caller) = (Asked::default(), authority(state));
        self.service.app.receipts(&caller, asked, true, 0, 10).await.unwrap().0.len()
    }

    async fn step(&self, state: &str, asking: Asking, step: ReceiptStep) {
        let app = &self.service.app;
        app.receipt_step(&authority(state), self.receipt, asking, step, None).await.unwrap();
    }
}

fn steps(receipt: &Value) -> Vec<&str> {
    receipt["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_receipt_nobody_confirms_is_asked_for_by_one_after_the_other_and_ends_on_record() {
    let shipment = left().await;
    shipment.escalate_at("2029-04-16T21:59:59Z").await;
    assert_eq!((shipment.all_told().await, shipment.overdue("FR").await), ((0, 0, 0), 0));
    for _ in 0..2 {
        shipment.escalate_at(OVERDUE).await;
        assert_eq!(shipment.all_told().await, (1, 0, 1), "both sides, and once");
    }
    for (state, count) in [("FR", 1), ("KE", 1), ("DE", 0)] {
        assert_eq!(shipment.overdue(state).await, count, "the overdue list of {state}");
    }
    // Ten working days after Tuesday 17 April, the first of May among them.
    shipment.escalate_at("2029-04-30T21:59:59Z").await;
    assert_eq!(shipment.all_told().await, (1, 0, 1), "it is not its turn yet");
    shipment.escalate_at("2029-05-03T00:00:00Z").await;
    assert_eq!(shipment.all_told().await, (1, 1, 1), "the post of exit");
    assert_eq!(shipment.receipt().await["status"], "outstanding");
    shipment.escalate_at("2029-05-25T00:00:00Z").await;
    assert_eq!(shipment.all_told().await, (2, 1, 2), "the importing State");
    assert_eq!(shipment.receipt().await["status"], "requested");
    // However long nobody ran: one step, and not all that is left of the chain.
    for now in ["2029-09-25T00:00:00Z", "2030-01-25T00:00:00Z"] {
        shipment.escalate_at(now).await;
        assert_eq!(shipment.all_told().await, (3, 2, 3), "it stands on record, and it ends there");
    }
    let receipt = shipment.receipt().await;
    let chain = ["overdue", "exit_questioned", "importing_state_asked", "failure_recorded"];
    assert_eq!(steps(&receipt), [&["released", "left"], &chain[..]].concat());
    assert_eq!((&receipt["overdue"], &receipt["result"]), (&json!(true), &json!("nothing")));
    let timeline = shipment.service.app.consignment(&authority("KE"), &shipment.ucr, None).await;
    let timeline = serde_json::to_value(timeline.unwrap()).unwrap();
    let events = timeline["events"].as_array().unwrap().iter();
    let told = events.filter(|event| event["kind"] == "receipt_overdue");
    let told: Vec<&str> = told.map(|event| event["detail"]["step"].as_str().unwrap()).collect();
    assert_eq!(told, chain);
}

#[tokio::test]
async fn whoever_has_answered_is_not_asked_again_and_a_confirmation_ends_it() {
    let shipment = left().await;
    shipment.escalate_at(OVERDUE).await;
    let received = Some(Turnout::Complete);
    let answer = ReceiptStep { received, document: Some("KE-IM-1".into()), note: None };
    shipment.step("KE", Asking::Answer, answer).await;
    shipment.escalate_at("2029-05-03T00:00:00Z").await;
    shipment.escalate_at("2029-05-25T00:00:00Z").await;
    assert_eq!(shipment.all_told().await, (2, 1, 1), "the exporting State has to confirm it");
    assert_eq!(shipment.receipt().await["status"], "answered");
    let confirmation = ReceiptStep { received: None, document: None, note: None };
    shipment.step("FR", Asking::Confirmation, confirmation).await;
    shipment.escalate_at("2030-01-25T00:00:00Z").await;
    assert_eq!(shipment.all_told().await, (2, 1, 1), "nothing more is asked");
    assert_eq!((shipment.overdue("FR").await, shipment.overdue("KE").await), (0, 0));
}

#[tokio::test]
async fn an_exit_ends_the_wait_for_it() {
    let shipment = left().await;
    // Ninety and a hundred and fifty days after the release.
    shipment.escalate_at("2029-12-31T00:00:00Z").await;
    let caller =
        Caller { role: Role::Authority, state: Country::parse("FR").unwrap(), ..officer() };
    let page = shipment.service.app.alerts(&caller, Query::default(), 1000).await.unwrap();
    let alerts = serde_json::to_string(&page.alerts).unwrap();
    assert!(alerts.contains("RECEIPT_CONFIRMATION_OVERDUE"), "{alerts}");
    assert!(!alerts.contains("EXIT_NOT_CONFIRMED"), "{alerts}");
}

#[tokio::test]
async fn goods_that_left_and_never_arrived_are_put_before_both_sides_once() {
    let shipment = left().await;
    let codes = async |caller: &Caller| {
        let page = shipment.service.app.alerts(caller, Query::default(), 1000).await.unwrap();
        let alerts = page.alerts.iter().map(|alert| serde_json::to_value(alert).unwrap());
        alerts.filter(|alert| alert["codes"] == json!(["NOT_ARRIVED"])).count()
    };
    let found = async || {
        let app = &shipment.service.app;
        let timeline = app.consignment(&authority("KE"), &shipment.ucr, None).await.unwrap();
        let timeline = serde_json::to_value(timeline).unwrap();
        assert_eq!(timeline["stage"], "left");
        let findings = timeline["findings"].as_array().unwrap().iter();
        findings.map(|f| f["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The samples arrive twelve days later: the last hour of 13 March in Le Havre is still in time.
    shipment.escalate_at("2029-03-13T22:59:59Z").await;
    assert_eq!((codes(&officer()).await, found().await), (0, Vec::new()));
    for _ in 0..2 {
        shipment.escalate_at("2029-03-14T00:00:00Z").await;
        for caller in [&officer(), &authority("FR"), &authority("KE")] {
            assert_eq!(codes(caller).await, 1, "{caller:?}");
        }
        assert_eq!(
            (codes(&authority("DE")).await, found().await),
            (0, vec!["NOT_ARRIVED".to_owned()])
        );
    }
}

#[tokio::test]
async fn an_amendment_after_the_exit_sets_the_day_on_which_goods_are_missed() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let mut declaration = cartridges(1, 10);
    let verification = service.verify(&declaration).await;
    let release = service.release(&verification, "k").await.unwrap();
    let id = super::model::id(&release.reply);
    service.leave(id).await.unwrap();
    declaration["arrives_on"] = json!("2026-12-20");
    let (amended, words) = (declaration.to_string(), "the ship is late".into());
    let amended =
        service.app.amend_release(&officer(), id, amended, words, None, None).await.unwrap();
    assert!(!is_refused(&amended), "{}", amended.reply);
    for (now, missed) in [("2026-12-20T22:59:59Z", false), ("2026-12-20T23:00:00Z", true)] {
        service.clock.set(now.parse().unwrap());
        while service.app.escalate_due().await.unwrap() {}
        let page = service.app.alerts(&authority("FR"), Query::default(), 1000).await.unwrap();
        let alerts = serde_json::to_string(&page.alerts).unwrap();
        assert_eq!(alerts.contains("NOT_ARRIVED"), missed, "{now}");
    }
}

#[tokio::test]
async fn goods_of_which_some_have_arrived_are_not_missed() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 10)).await;
    let release = service.release(&verification, "k").await.unwrap();
    service.leave(super::model::id(&release.reply)).await.unwrap();
    assert_eq!(service.arrive(1, 4).await["result"], "partial");
    service.clock.set("2026-12-20T00:00:00Z".parse().unwrap());
    while service.app.escalate_due().await.unwrap() {}
    let page = service.app.alerts(&authority("FR"), Query::default(), 1000).await.unwrap();
    let alerts = serde_json::to_string(&page.alerts).unwrap();
    assert!(!alerts.contains("NOT_ARRIVED"), "{alerts}");
}

#[tokio::test]
async fn a_release_by_two_officers_is_followed_like_any_other() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let declaration = cartridges(1, 120);
    let verification = service.verify(&declaration).await;
    let released = service.override_it(&verification, "k").await.unwrap();
    let ucr = declaration["ucr"].as_str().unwrap();
    let timeline = service.app.consignment(&authority("FR"), ucr, None).await.unwrap();
    let timeline = serde_json::to_value(timeline).unwrap();
    assert_eq!((&timeline["stage"], &timeline["route"]), (&json!("released"), &json!(["AE"])));
    let codes = async || {
        let page = service.app.alerts(&authority("FR"), Query::default(), 1000).await.unwrap();
        serde_json::to_string(&page.alerts).unwrap()
    };
    service.clock.set("2027-03-01T00:00:00Z".parse().unwrap());
    while service.app.escalate_due().await.unwrap() {}
    assert!(codes().await.contains("EXIT_NOT_CONFIRMED"), "its exit is waited for");
    service
        .app
        .reverse(&officer(), super::model::id(&released.reply), "a test".into(), None, None)
        .await
        .unwrap();
    let timeline = service.app.consignment(&authority("FR"), ucr, None).await.unwrap();
    assert_eq!(serde_json::to_value(timeline).unwrap()["stage"], "declared", "nothing stands");
}
