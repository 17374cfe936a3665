//! Goods that clear and that an officer stops, and a number that was only cleared found again.
use super::ENTER;
use super::driver::at_a_desk;
use serde_json::json;

#[tokio::test]
async fn goods_that_clear_are_stopped_in_two_clicks_and_found_again_by_their_number() {
    at_a_desk("stopped", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("clear").await;
        let mrn = desk.text(".facts dd").await;
        desk.go("/console/scan").await;
        // It was cleared and not released: a scan of its number leads there.
        desk.enter("#scan", &format!("{mrn}{ENTER}")).await;
        desk.sees("[data-verdict=clear]").await;
        assert!(desk.text(".banner").await.contains("looked at before"));
        desk.click("[data-stop]").await;
        desk.sees("[value=hold]").await;
        desk.shot("stop").await;
        desk.enter("#reason", "The crates are heavier than declared").await;
        desk.click("[value=hold]").await;
        desk.sees(".casehead").await;
        assert!(desk.text("h1").await.contains("Stopped by an officer"));
        assert!(desk.text(".history").await.contains("heavier than declared"));
        assert_eq!(desk.text("[data-reason]").await, "The crates are heavier than declared");
        desk.shot("case-stopped").await;
        let case = desk.js("return location.pathname").await;
        // Whoever scans it now sees that it is stopped, and is not offered a release.
        desk.go("/console/scan").await;
        desk.enter("#scan", &format!("{mrn}{ENTER}")).await;
        desk.sees("[data-stopped][data-verdict=hold]").await;
        assert_eq!(desk.text(".verdict h1").await, "Hold");
        desk.shot("verdict-stopped").await;
        assert_eq!(
            desk.js("return document.querySelector('[href$=\"/release\"]')").await,
            json!(null)
        );
        desk.click("form[action$='/again'] button").await;
        desk.sees("[data-verdict=hold]").await;
        let why = desk.text(".finding h3").await;
        assert!(why.to_lowercase().contains("an officer has stopped these goods"), "{why}");
        // The case is closed, and the goods may go.
        desk.go(case.as_str().unwrap()).await;
        desk.click("[value=released_after_check]").await;
        desk.click("form[data-keep] .primary").await;
        desk.until("document.querySelector('.banner')?.textContent.includes('Closed')").await;
        desk.go("/console/scan").await;
        desk.enter("#scan", &format!("{mrn}{ENTER}")).await;
        desk.sees(".verdict").await;
        desk.click("form[action$='/again'] button").await;
        desk.sees("[data-verdict=clear]").await;
        desk.click(".actions .primary").await;
        desk.click("[data-release]").await;
        desk.sees("[data-verdict=released]").await;
    })
    .await;
}
