//! The officer's other jobs and the authority's, by the keyboard alone.
use super::ENTER;
use super::TAB;
use super::driver::Desk;
use super::driver::at_a_desk;
use super::tab_to;
use serde_json::json;

const SPACE: &str = " ";
const DOWN: &str = "\u{e015}";

async fn sign_in(desk: &Desk, person: &str) {
    desk.go("/console/sign-in").await;
    desk.sees(".people").await;
    tab_to(desk, &format!("[value={person}]")).await;
    desk.keys(ENTER).await;
    desk.sees(".who").await;
}

/// From the top of the page to somewhere on it, and in.
async fn follow(desk: &Desk, selector: &str) {
    desk.js("document.activeElement?.blur()").await;
    tab_to(desk, selector).await;
    desk.keys(ENTER).await;
}

#[tokio::test]
async fn alerts_and_a_case_are_worked_on_by_the_keyboard_alone() {
    at_a_desk("keyboard-case", async |desk| {
        sign_in(desk, "officer-FR").await;
        follow(desk, "[data-sample=hold]").await;
        desk.sees("[data-verdict=hold]").await;
        follow(desk, "a[href='/console/alerts']").await;
        desk.sees(".live.good").await;
        follow(desk, ".alerts [data-alert] a").await;
        desk.sees(".casehead").await;
        desk.js("document.getElementById('main').focus()").await;
        tab_to(desk, "[name=outcome]").await;
        desk.keys(SPACE).await;
        desk.keys(DOWN).await;
        desk.until("document.activeElement.value === 'refused' && document.activeElement.checked")
            .await;
        tab_to(desk, "#note").await;
        desk.keys("Serial read on the firearm").await;
        tab_to(desk, "form[data-keep] .primary").await;
        desk.keys(ENTER).await;
        desk.sees(".banner").await;
        assert!(desk.text(".banner").await.contains("Refused"));
        assert!(desk.text(".history").await.contains("Serial read on the firearm"));
    })
    .await;
}

#[tokio::test]
async fn an_override_and_a_stop_are_asked_for_by_the_keyboard_alone() {
    at_a_desk("keyboard-override", async |desk| {
        sign_in(desk, "officer-FR").await;
        follow(desk, "[data-sample=refer]").await;
        desk.sees("[data-verdict=refer]").await;
        let reference = desk.text(".facts dd").await;
        follow(desk, "[data-override]").await;
        desk.sees("[data-ask]").await;
        tab_to(desk, "#reason").await;
        desk.keys("The consignee was renamed").await;
        tab_to(desk, "[data-ask]").await;
        desk.keys(ENTER).await;
        desk.sees("[data-take-back]").await;
        follow(desk, ".person form button").await;
        desk.sees(".people").await;
        sign_in(desk, "officer-FR-2").await;
        desk.until("document.activeElement?.id === 'scan'").await;
        desk.keys(&format!("{reference}{ENTER}")).await;
        desk.sees(".banner a").await;
        follow(desk, ".banner a").await;
        desk.sees("[data-consent]").await;
        follow(desk, "[data-consent]").await;
        desk.sees("[data-verdict=released]").await;
        // Goods that clear are stopped the same way: the cursor waits for the reason.
        follow(desk, "a[href='/console/scan']").await;
        desk.sees("[data-sample=clear]").await;
        follow(desk, "[data-sample=clear]").await;
        desk.sees("[data-verdict=clear]").await;
        follow(desk, "[data-stop]").await;
        desk.until("document.activeElement?.id === 'reason'").await;
        desk.keys("Heavier than declared").await;
        tab_to(desk, "[value=hold]").await;
        desk.keys(ENTER).await;
        desk.sees(".casehead").await;
        assert!(desk.text("h1").await.contains("Stopped"));
    })
    .await;
}

/// What a clerk types into which field; of a list the first letters of the word.
const TYPED: &[(&str, &str)] = &[
    ("/number", "FR-EXP-2026-007777"),
    ("/issuing_state", "FR"),
    ("/issuing_authority", "Douanes"),
    ("/issued_on", "2026-10-01"),
    ("/valid_from", "2026-10-01"),
    ("/valid_until", "2027-09-30"),
    ("/country_of_export", "FR"),
    ("/country_of_import", "KE"),
    ("/exporter/name", "Armurerie du Rhone SA"),
    ("/exporter/id", "FR12345678901234"),
    ("/consignee/name", "Savannah Outfitters Ltd"),
    ("/consignee/id", "KE0051234567"),
    ("/lines/0/line|number", "1"),
    ("/lines/0/category", "Fire"),
    ("/lines/0/quantity", "12"),
    ("/lines/0/unit", "piec"),
    ("/lines/0/hs", "930330"),
    ("/lines/0/make", "Verney-Carron"),
    ("/lines/0/model", "Impact"),
    ("/lines/0/calibre", "7.62x51mm"),
];

/// A day as it is typed into the browser's field: its digits in the order of the browser's language.
async fn digits_of_a_day(desk: &Desk, day: &str) -> String {
    let script = format!(
        "const [year, month, day] = {}.split('-');
         const parts = new Intl.DateTimeFormat(navigator.language).formatToParts(new Date(2026, 1, 3));
         return parts.map(part => ({{year, month, day}})[part.type] ?? '').join('')",
        json!(day)
    );
    desk.js(&script).await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_licence_is_issued_by_the_keyboard_alone() {
    at_a_desk("keyboard-issue", async |desk| {
        sign_in(desk, "authority-FR").await;
        follow(desk, "a[href='/console/licences']").await;
        desk.sees("a[href='/console/licences/new']").await;
        follow(desk, "a[href='/console/licences/new']").await;
        desk.sees("form.document").await;
        let mut typed: Vec<String> = Vec::new();
        for _ in 0..150 {
            let here = "const here = document.activeElement;
                return here.matches('form.document .primary') ? 'done' : here.form?.matches('.document') ? here.name : ''";
            let here = desk.js(here).await;
            let here = here.as_str().unwrap();
            if here == "done" {
                break;
            }
            let field = TYPED.iter().find(|(name, _)| *name == here);
            // The parts of a day are stops of their own, and its calendar is one as well.
            if let Some((_, text)) = field.filter(|_| !typed.iter().any(|name| name == here)) {
                let text = if here.ends_with("_on") || here.contains("/valid_") {
                    digits_of_a_day(desk, text).await
                } else {
                    (*text).to_owned()
                };
                desk.keys(&text).await;
                desk.until(&format!("document.getElementsByName({})[0].value", json!(here))).await;
                typed.push(here.to_owned());
            }
            desk.keys(TAB).await;
        }
        assert_eq!(typed.len(), TYPED.len(), "every field was reached");
        desk.keys(ENTER).await;
        desk.sees(".balance").await;
        assert_eq!(desk.text("h1").await, "FR-EXP-2026-007777");
        assert!(desk.text(".balance").await.contains("12 pieces left of 12"));
    })
    .await;
}
