//! Goods on their way: they leave, they arrive, they are asked for and confirmed; and what is told of
//! it afterwards.
use super::driver::Desk;
use super::driver::at_a_desk;
use serde_json::json;

/// Releases the sample that clears and confirms that it has left; gives its UCR.
pub async fn goods_have_left(desk: &Desk) -> String {
    desk.sign_in("officer-FR").await;
    desk.sample("clear").await;
    let ucr = desk.declared("clear")["declaration"]["ucr"].as_str().unwrap().to_owned();
    desk.click(".actions .primary").await;
    desk.click("[data-release]").await;
    desk.click("[data-exit]").await;
    desk.click("[data-cross]").await;
    desk.sees(".casehead").await;
    ucr
}

/// Records at the importing post what has arrived.
async fn goods_arrive(desk: &Desk, ucr: &str, serials: &str, rounds: &str) {
    desk.sign_in("officer-KE").await;
    desk.go(&format!("/console/arrivals?ucr={ucr}")).await;
    desk.click("[data-add]").await;
    let fill = format!(
        "const form = document.querySelector('form.document');
         const set = (name, value) => {{ form.elements.namedItem(name).value = value; }};
         set('/items/0/item|number', '1'); set('/items/0/category', 'firearm');
         set('/items/0/quantity', '{}'); set('/items/0/unit', 'C62');
         set('/items/0/serials|list', '{}');
         set('/items/1/item|number', '2'); set('/items/1/category', 'ammunition');
         set('/items/1/quantity', '{rounds}'); set('/items/1/unit', 'C62');
         form.elements.namedItem('/final|flag').checked = true;",
        serials.split(' ').count(),
        serials.replace(' ', "\\n")
    );
    desk.js(&fill).await;
    desk.click("[data-arrive]").await;
    desk.sees(".casehead").await;
}

#[tokio::test]
async fn a_receipt_is_asked_for_answered_and_confirmed() {
    at_a_desk("receipt", async |desk| {
        let ucr = goods_have_left(desk).await;
        desk.sign_in("authority-FR").await;
        desk.go("/console/receipts?status=outstanding").await;
        desk.click("tbody a").await;
        desk.click("[data-ask]").await;
        desk.until("document.querySelector('.receipt-requested')").await;
        goods_arrive(desk, &ucr, "VC000101 VC000102", "5000").await;
        assert!(desk.text(".casehead").await.contains("complete"), "all of it has arrived");
        desk.sign_in("authority-KE").await;
        desk.go("/console/receipts").await;
        desk.click("tbody a").await;
        desk.enter("[name=document]", "KE-IM4-2026-118").await;
        desk.click("[data-answer]").await;
        desk.sees(".receipt-answered").await;
        desk.sign_in("authority-FR").await;
        desk.go("/console/receipts?status=answered").await;
        desk.click("tbody a").await;
        desk.click("[data-confirm]").await;
        desk.sees(".receipt-confirmed").await;
        let history = desk.text(".history").await;
        assert!(history.contains("KE-IM4-2026-118") && history.contains("Confirmed"), "{history}");
        assert_eq!(desk.js("return document.querySelector('[data-confirm]')").await, json!(null));
        // The journey tells all of it, drawn and in words.
        desk.click("dl a.code").await;
        desk.sees(".route").await;
        assert!(desk.text(".casehead").await.contains("Received and confirmed"));
        let reached = desk.js("return document.querySelectorAll('.route .reached').length").await;
        assert_eq!(reached, 2, "it was seen where it left and where it arrived");
        let told = desk.text(".history").await;
        for event in
            ["Verdict", "Released", "Left", "Receipt asked for", "Arrived", "Receipt confirmed"]
        {
            assert!(told.contains(event), "{event}: {told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_draft_for_one_release_does_not_slip_into_another() {
    at_a_desk("drafts", async |desk| {
        let [one, other] =
            ["019a0000-0000-7000-8000-000000000001", "019a0000-0000-7000-8000-000000000002"];
        desk.sign_in("officer-FR").await;
        desk.go(&format!("/console/crossings?release={one}")).await;
        desk.enter("[name='/vehicle']", "IMO9319466").await;
        desk.go(&format!("/console/crossings?release={other}")).await;
        desk.sees("[name='/vehicle']").await;
        let fields = "const form = document.querySelector('main form');
            return ['/release', '/vehicle'].map(name => form.elements.namedItem(name).value)";
        assert_eq!(desk.js(fields).await, json!([other, ""]));
        desk.go(&format!("/console/crossings?release={one}")).await;
        desk.until("document.getElementsByName('/vehicle')[0].value === 'IMO9319466'").await;
        assert_eq!(desk.js(fields).await, json!([one, "IMO9319466"]));
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_is_named_and_stands_among_the_short() {
    at_a_desk("receipt-short", async |desk| {
        let ucr = goods_have_left(desk).await;
        // The State that exports does not confirm without an answer or a proof.
        desk.sign_in("authority-FR").await;
        desk.go("/console/receipts").await;
        desk.click("tbody a").await;
        desk.click("[data-confirm]").await;
        desk.sees(".errors").await;
        goods_arrive(desk, &ucr, "VC000101 VC000199", "4800").await;
        let shown = desk.text("main").await;
        assert!(shown.contains("VC000102") && shown.contains("VC000199"), "{shown}");
        desk.sign_in("authority-FR").await;
        desk.go("/console/receipts").await;
        desk.click("tbody a").await;
        let shown = desk.text("main").await;
        assert!(shown.contains("Missing: VC000102"), "{shown}");
        // The life of the firearm that has not arrived, and of the one that has.
        desk.go("/console/serials?serial=VC000101").await;
        let life = desk.text(".life").await;
        for event in ["Licensed", "Released", "Left the country", "Arrived"] {
            assert!(life.contains(event), "{event}: {life}");
        }
        desk.go("/console/serials?serial=VC000102").await;
        assert!(!desk.text(".life").await.contains("Arrived"));
        desk.click("details.more summary").await;
        desk.js("document.querySelector(\"[name='/report']\").value = 'lost'").await;
        desk.enter("[name='/reference']", "KE-2026-77").await;
        desk.click("[data-report]").await;
        desk.sees(".banner").await;
        assert!(desk.text(".banner").await.contains("Lost"));
    })
    .await;
}
