//! Alerts as they happen, and what officers and authorities do with them.
use super::driver::Desk;
use super::driver::at_a_desk;
use serde_json::Value;
use serde_json::json;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// The goods of a sample in a lorry of their own: each is one case.
fn lorry(desk: &Desk, sample: &str, lorries: &AtomicU32) -> Value {
    let n = lorries.fetch_add(1, Ordering::Relaxed);
    let mut body = desk.declared(sample);
    body["declaration"]["reference"] =
        json!({"type": "national", "value": format!("FR-LORRY-{n}")});
    body
}

#[tokio::test]
async fn an_alert_raised_elsewhere_arrives_on_an_open_page_once_each() {
    at_a_desk("live-alerts", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.go("/console/alerts").await;
        desk.sees(".live.good").await;
        assert_eq!(desk.js("return document.querySelector('[data-sound]').checked").await, false);
        let officer = desk.token("officer", "FR");
        let lorries = AtomicU32::new(0);
        let raise = async |sample: &str| {
            let verdict =
                desk.api("/v1/verifications", &officer, &lorry(desk, sample, &lorries)).await;
            assert_eq!(verdict["verdict"], sample, "{verdict}");
        };
        raise("hold").await;
        desk.sees("li.hold").await;
        assert!(desk.text("#notice").await.starts_with("New alert:"));
        assert_eq!(desk.js("return document.querySelector('.empty').hidden").await, true);
        // What happens while the connection is away is there once it is back.
        desk.network(false).await;
        desk.sees(".live:not(.good)").await;
        raise("refer").await;
        raise("hold").await;
        desk.network(true).await;
        desk.sees(".live.good").await;
        desk.until("document.querySelectorAll('[data-alert]').length === 3").await;
        let ids =
            "return [...document.querySelectorAll('[data-alert]')].map(card => card.dataset.alert)";
        let shown = desk.js(ids).await;
        // One that is dealt with leaves the list of those that are open.
        let first = shown[0].as_str().unwrap().to_owned();
        let done = json!({"outcome": "false_alert"});
        desk.api(&format!("/v1/alerts/{first}/resolution"), &officer, &done).await;
        desk.until("document.querySelectorAll('[data-alert]').length === 2").await;
        desk.go("/console/alerts?severity=refer").await;
        desk.sees(".live.good").await;
        raise("hold").await;
        raise("refer").await;
        desk.until("document.querySelectorAll('li.refer').length === 2").await;
        assert_eq!(desk.js("return document.querySelectorAll('li.hold').length").await, 0);
    })
    .await;
}

#[tokio::test]
async fn customs_refer_a_case_and_the_authority_decides() {
    at_a_desk("referral", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("refer").await;
        desk.click("[data-refer]").await;
        desk.sees(".history").await;
        assert!(desk.text(".casehead").await.contains("Referred to the authority"));
        desk.sign_in("authority-FR").await;
        desk.go("/console/alerts").await;
        desk.click(".alerts a").await;
        // What it is asked to decide on is there: the goods, declared and licensed.
        assert!(desk.text(".compare").await.contains("KE0099999999"));
        desk.click("[value=release_advised]").await;
        desk.enter("#reason", "The consignee has been checked").await;
        desk.click("form[data-keep] .primary").await;
        desk.sees(".banner").await;
        assert!(desk.text(".banner").await.contains("no objection"));
        desk.sign_in("officer-FR").await;
        desk.go("/console/alerts").await;
        assert!(desk.text(".alerts").await.contains("no objection"));
        desk.go("/console/alerts?status=acknowledged").await;
        desk.click(".alerts a").await;
        desk.sees(".casehead").await;
        assert!(desk.text("main").await.contains("The authority has answered"));
    })
    .await;
}

#[tokio::test]
async fn a_release_against_the_advice_takes_two_officers() {
    at_a_desk("override", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("refer").await;
        let reference = desk.text(".facts dd").await;
        desk.click("[data-override]").await;
        desk.enter("#reason", "The consignee was renamed; the register has it").await;
        desk.click("[data-ask]").await;
        desk.sees("[data-take-back]").await;
        assert!(desk.text(".banner").await.contains("Waits for a second officer"));
        // Who has asked cannot consent.
        assert!(!desk.text("main").await.contains("Confirm the release as second officer"));
        desk.sign_in("officer-FR-2").await;
        desk.enter("#scan", &format!("{reference}\u{e007}")).await;
        desk.click(".banner a").await;
        desk.click("[data-consent]").await;
        desk.sees("[data-verdict=released]").await;
        assert!(desk.text("tbody").await.contains("2 pieces"));
    })
    .await;
}

#[tokio::test]
async fn a_new_alert_sounds_once_where_somebody_has_turned_the_sound_on() {
    at_a_desk("sound", async |desk| {
        // The browser's own, and each tone that it starts is counted.
        let counted = "window.tones = 0;
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function (...when) { window.tones += 1; return start.apply(this, when); };";
        desk.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": counted})).await;
        desk.sign_in("officer-FR").await;
        desk.go("/console/alerts").await;
        desk.sees(".live.good").await;
        let officer = desk.token("officer", "FR");
        let lorries = AtomicU32::new(0);
        let raise = async |sample: &str| {
            desk.api("/v1/verifications", &officer, &lorry(desk, sample, &lorries)).await;
        };
        let alerts = |count: usize| format!("document.querySelectorAll('[data-alert]').length === {count}");
        raise("hold").await;
        desk.until(&alerts(1)).await;
        assert_eq!(desk.js("return window.tones").await, 0, "it is off until somebody turns it on");
        desk.click("[data-sound]").await;
        desk.until("window.tones === 1").await;
        raise("refer").await;
        desk.until(&alerts(2)).await;
        desk.until("window.tones === 2").await;
        // It stays on in this tab, also over another page, and is turned off again.
        desk.go("/console/alerts").await;
        desk.sees(".live.good").await;
        assert_eq!(desk.js("return document.querySelector('[data-sound]').checked").await, true);
        desk.click("[data-sound]").await;
        raise("hold").await;
        desk.until(&alerts(3)).await;
        assert_eq!(desk.js("return window.tones").await, 0);
    })
    .await;
}
