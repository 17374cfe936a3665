//! One lorry is one case: however often goods are looked at, in one batch, after a restart or with their time
//! limit running, one alert is open on them.
use super::batches::in_one_batch;
use super::harness::*;
use futures_util::FutureExt;
use passavant::app::Caller;
use passavant::app::alerts::Query;
use passavant::domain::Timestamp;
use passavant::wire::alert::AlertReply;
use std::sync::Arc;

async fn alerts(service: &Service, caller: &Caller, kind: &str) -> Vec<AlertReply> {
    let page = service.app.alerts(caller, Query::default(), 1000).await.unwrap();
    page.alerts.into_iter().filter(|alert| alert.kind == kind).collect()
}

/// What has happened to an alert of the officer's.
async fn history(service: &Service, alert: &AlertReply) -> Vec<String> {
    let alert = service.app.alert(&officer(), alert.id.parse().unwrap()).await.unwrap();
    alert.history.unwrap().into_iter().map(|step| step.change).collect()
}

async fn the_one(service: &Service) -> AlertReply {
    let [alert] = alerts(service, &officer(), "mismatch").await.try_into().unwrap();
    alert
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_of_one_batch_are_one_case_and_a_release_among_them_ends_it() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let cleared = service.verify(&cartridges(1, 10)).await;
    let service = Arc::new(service);
    let look = || {
        let service = Arc::clone(&service);
        let held = cartridges(1, 150).to_string();
        async move { service.app.verify(&officer(), held, None).await }.boxed()
    };
    let released = Arc::clone(&service);
    let release = async move { released.release(&cleared, "k").await }.boxed();
    let acts = [look(), look(), look(), release, look()];
    for answer in in_one_batch(&service, acts).await {
        answer.unwrap();
    }
    let [ended, open] = alerts(&service, &officer(), "mismatch").await.try_into().unwrap();
    assert_eq!((ended.status.as_str(), open.status.as_str()), ("resolved", "open"));
    let steps = history(&service, &ended).await;
    assert_eq!(steps, ["raised", "seen_again", "seen_again", "resolved"]);
    assert_eq!(
        history(&service, &open).await,
        ["raised"],
        "goods that come again are another case"
    );
    super::trail::assert_verifies(Arc::into_inner(service).unwrap());
}

#[tokio::test]
async fn a_look_after_a_restart_takes_the_same_alert_further() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    service.verify(&cartridges(1, 150)).await;
    service.verify(&cartridges(1, 150)).await;
    let service = service.reopen();
    service.verify(&cartridges(1, 150)).await;
    assert_eq!(
        history(&service, &the_one(&service).await).await,
        ["raised", "seen_again", "seen_again"]
    );
}

#[tokio::test]
async fn a_lorry_has_one_time_limit_however_often_it_is_looked_at() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    for hour in ["12", "15", "18"] {
        service.clock.set(at(&format!("2026-11-23T{hour}:00:00Z")));
        service.verify(&cartridges(1, 150)).await;
    }
    let due = the_one(&service).await.due;
    assert_eq!((due.len(), due[0].due_at.as_str()), (1, "2026-11-24T12:00:00.000Z"));
    service.clock.set(at("2026-11-25T12:00:00Z"));
    while service.app.escalate_due().await.unwrap() {}
    assert_eq!(alerts(&service, &officer(), "deadline").await.len(), 1, "it is escalated once");
}

#[tokio::test]
async fn an_override_that_expires_ends_its_own_alerts() {
    let service = start();
    service.issue_sample(100, "multiple").await;
    let verification = service.verify(&cartridges(1, 150)).await;
    service.ask_override(&verification, "ask").await.unwrap();
    service.clock.set("2026-11-23T13:00:00Z".parse().unwrap());
    assert_eq!(service.app.expire_overrides().await.unwrap(), 1);
    let [request] = alerts(&service, &authority("KE"), "override").await.try_into().unwrap();
    let ended = (request.status.as_str(), request.outcome.as_deref(), request.resolved_by);
    assert_eq!(ended, ("resolved", Some("refused"), None), "by nobody: its time had passed");
    assert_eq!(the_one(&service).await.status, "open", "the goods are still there");
    super::trail::assert_verifies(service);
}
