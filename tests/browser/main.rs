//! The console in a real browser: what people do at a counter, by mouse and by keyboard alone, on a
//! lost connection, and what a checker of accessibility says of every page.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop"
)]

mod alerts;
mod barriers;
mod desks;
mod driver;
mod keyboard;
mod papers;
mod receipts;
mod scan;
mod stops;

use driver::Desk;
use driver::at_a_desk;
use serde_json::json;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const LICENCE: &str = "/console/licences/FR-EXP-2026-000412";

#[tokio::test]
async fn a_scan_leads_to_a_release_in_two_clicks_and_never_to_a_second_one() {
    at_a_desk("release", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("clear").await;
        desk.shot("verdict-clear").await;
        assert_eq!(desk.text(".verdict h1").await, "Clear");
        let verdict = desk.js("return location.pathname").await;
        desk.click(".actions .primary").await;
        desk.sees("[data-release]").await;
        let drawn = desk.text("table tbody").await;
        assert!(drawn.contains("2 pieces") && drawn.contains("48 / 50"), "{drawn}");
        desk.click("[data-release]").await;
        desk.sees("[data-verdict=released]").await;
        // What a scan of the reference leads to says so, and offers no second release.
        let reference = desk.text(".facts dd").await;
        desk.enter("#scan", &format!("{reference}{ENTER}")).await;
        desk.sees("[data-verdict=already]").await;
        assert_eq!(desk.text(".verdict h1").await, "Already released");
        assert!(desk.text(".banner").await.contains("Released"));
        let release = "return document.querySelector('.actions [href$=\"/release\"]')";
        assert_eq!(desk.js(release).await, json!(null));
        desk.go(&format!("{}/release", verdict.as_str().unwrap())).await;
        assert!(desk.text(".banner").await.contains("Already released"));
        assert_eq!(desk.js("return document.querySelector('[data-release]')").await, json!(null));
    })
    .await;
}

#[tokio::test]
async fn a_hold_becomes_a_case_that_is_closed() {
    at_a_desk("case", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("hold").await;
        desk.shot("verdict-hold").await;
        assert!(desk.text(".compare").await.contains("VC999999"));
        desk.click(".actions .primary").await;
        desk.click("[value=refused]").await;
        desk.enter("#note", "Serial read on the firearm itself").await;
        desk.click("form[data-keep] .primary").await;
        desk.sees(".banner").await;
        assert!(desk.text(".banner").await.contains("Refused"));
        let history = desk.text(".history").await;
        assert!(history.contains("Serial read on the firearm itself"), "{history}");
        desk.go("/console/alerts?status=open").await;
        desk.sees(".empty").await;
    })
    .await;
}

#[tokio::test]
async fn a_licence_is_issued_amended_and_revoked() {
    at_a_desk("licence", async |desk| {
        desk.sign_in("authority-FR").await;
        desk.go(&format!("{LICENCE}/amendment")).await;
        desk.sees("form.document").await;
        // A new licence that says what the sample's says, under another number.
        let fields = "const form = document.querySelector('form.document');
            return [...new FormData(form)].filter(([name]) => name.startsWith('/'))";
        let fields = desk.js(fields).await;
        desk.go("/console/licences/new").await;
        desk.click("form.document [data-add]").await;
        let fill = format!(
            "const form = document.querySelector('form.document');
             for (const [name, value] of {fields}) form.elements.namedItem(name).value = value;
             form.elements.namedItem('/number').value = 'FR-EXP-2026-009999';
             form.elements.namedItem('/lines/0/quantity').value = 'many';"
        );
        desk.js(&fill).await;
        desk.click("form.document .primary").await;
        desk.sees("[aria-invalid=true]").await;
        let at = desk.js("return document.activeElement.name").await;
        assert_eq!(at, "/lines/0/quantity", "the first fault has the cursor");
        desk.js("document.activeElement.value = ''").await;
        desk.enter("[aria-invalid=true]", "50").await;
        desk.click("form.document .primary").await;
        desk.sees(".balance").await;
        assert_eq!(desk.text("h1").await, "FR-EXP-2026-009999");
        desk.shot("licence-issued").await;
        desk.click(".actions .button").await;
        desk.sees("[name='/valid_until']").await;
        desk.js("document.querySelector(\"[name='/lines/1/quantity']\").value = '60000'").await;
        desk.click("form.document .primary").await;
        desk.until("document.querySelector('.balance + .balance data')?.value === '60000'").await;
        desk.click("[value=revocation]").await;
        desk.enter("#reason", "Issued in error").await;
        desk.click("button.danger").await;
        desk.sees(".state-revoked").await;
        assert!(desk.text(".history").await.contains("Issued in error"));
    })
    .await;
}

#[tokio::test]
async fn goods_announced_by_a_carrier_are_scanned_by_their_code_and_released() {
    at_a_desk("announced", async |desk| {
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments/new").await;
        desk.click("[data-sample=clear]").await;
        desk.sees("[data-verdict=clear]").await;
        desk.until("document.querySelector('.showcode img').naturalWidth > 0").await;
        assert!(desk.text(".facts").await.contains("held"), "the quantities are held");
        let code = desk.text(".big").await;
        desk.shot("announcement").await;
        desk.sign_in("officer-FR").await;
        desk.enter("#scan", &format!("{code}{ENTER}")).await;
        desk.sees("[data-verdict=clear]").await;
        desk.click(".actions .primary").await;
        desk.click("[data-release]").await;
        desk.sees("[data-verdict=released]").await;
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments").await;
        assert!(desk.text("tbody").await.contains("Released"));
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_keeps_what_was_typed_and_shows_nothing_as_new() {
    at_a_desk("lost-connection", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("refer").await;
        desk.network(false).await;
        desk.enter("#scan", "26FR000000000202A7").await;
        desk.keys(ENTER).await;
        desk.until("document.getElementById('notice').textContent").await;
        let typed = desk.js("return document.getElementById('scan').value").await;
        assert_eq!(typed, "26FR000000000202A7");
        desk.sees(".verdict.old").await;
        desk.network(true).await;
        desk.until("navigator.onLine").await;
        desk.sees(".verdict.old").await;
        desk.shot("old-verdict").await;
        desk.click(".actions form[action$='/again'] button").await;
        desk.sees(".verdict.refer:not(.old)").await;
    })
    .await;
}

#[tokio::test]
async fn a_draft_outlives_its_page_and_its_session() {
    at_a_desk("draft", async |desk| {
        let kept = "document.querySelector(\"[name='/exporter/name']\").value === 'Armurerie'";
        desk.sign_in("officer-FR").await;
        desk.go("/console/declaration").await;
        desk.enter("[name='/exporter/name']", "Armurerie").await;
        desk.go("/console/scan").await;
        desk.go("/console/declaration").await;
        desk.until(kept).await;
        // The session's own cookie alone, as when its token has expired.
        let session = json!({"name": "passavant-session", "domain": "127.0.0.1"});
        desk.cdp("Network.deleteCookies", session).await;
        desk.click("form.document .primary").await;
        desk.sees("#sign-in-again[open]").await;
        desk.until(kept).await;
        let page = desk.window().await;
        desk.click("#sign-in-again a").await;
        desk.to_another_window(&page).await;
        desk.click("button[value=officer-FR]").await;
        desk.to_window(&page).await;
        desk.until("!document.querySelector('#sign-in-again[open]')").await;
        desk.click("form.document .primary").await;
        desk.sees("[aria-invalid=true]").await;
        desk.until(kept).await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_alone_is_enough() {
    at_a_desk("keyboard", async |desk| {
        desk.go("/console").await;
        desk.sees(".people").await;
        tab_to(desk, "[value=officer-FR]").await;
        desk.keys(ENTER).await;
        desk.until("document.activeElement?.id === 'scan'").await;
        tab_to(desk, "[data-sample=clear]").await;
        desk.keys(ENTER).await;
        desk.sees("[data-verdict=clear]").await;
        desk.until("document.activeElement?.id === 'scan'").await;
        // A scanner that only sends its Enter releases nothing.
        desk.keys(ENTER).await;
        desk.sees("#scan:focus").await;
        desk.sample("clear").await;
        desk.js("document.getElementById('main').focus()").await;
        tab_to(desk, ".actions .primary").await;
        desk.keys(ENTER).await;
        desk.sees("[data-release]").await;
        tab_to(desk, "[data-release]").await;
        desk.keys(ENTER).await;
        desk.sees("[data-verdict=released]").await;
        desk.until("document.activeElement?.id === 'scan'").await;
    })
    .await;
}

/// Goes on by the keyboard until the cursor is there, and insists that one can see where it is.
async fn tab_to(desk: &Desk, selector: &str) {
    let here = format!(
        "const here = document.activeElement;
         return here.matches({}) && getComputedStyle(here).outlineStyle !== 'none'",
        json!(selector)
    );
    for _ in 0..120 {
        if desk.js(&here).await == true {
            return;
        }
        desk.keys(TAB).await;
    }
    panic!("the keyboard does not lead to {selector}");
}

#[tokio::test]
async fn arabic_is_written_from_right_to_left() {
    at_a_desk("right-to-left", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.click(".languages summary").await;
        desk.click(".languages [value=ar]").await;
        desk.sees("html[lang=ar][dir=rtl]").await;
        desk.sample("hold").await;
        assert_eq!(desk.text(".verdict h1").await, "حجز");
        assert!(desk.text(".finding h3").await.contains("رقم تسلسلي"));
        let sides =
            "const shape = document.querySelector('.verdict > .shape').getBoundingClientRect();
            const word = document.querySelector('.verdict h1').getBoundingClientRect();
            return shape.left > word.left && document.documentElement.scrollWidth <= innerWidth;";
        assert_eq!(desk.js(sides).await, true, "the shape stands to the right of the word");
        assert_eq!(desk.barriers().await, Vec::<String>::new());
        desk.size(390).await;
        desk.shot("right-to-left-390").await;
    })
    .await;
}

#[tokio::test]
async fn an_auditor_s_browser_verifies_an_entry_and_finds_an_altered_one() {
    at_a_desk("proof", async |desk| {
        desk.sign_in("officer-FR").await;
        for sample in ["clear", "refer", "hold"] {
            desk.sample(sample).await;
        }
        desk.sign_in("auditor-FR").await;
        desk.click("tbody tr:nth-child(2) a").await;
        desk.sees(".proof.good").await;
        desk.sees("[data-step=signature].good").await;
        let altered = "const script = document.querySelector('script[type=module]').src;
            const { leafHash, rootOf } = await import(script.replace('console.js', 'proof.js'));
            const { index, size, hashes } = document.querySelector('.proof').dataset;
            const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
            const root = async text => {
                const leaf = await leafHash(new TextEncoder().encode(text));
                const found = await rootOf(leaf, BigInt(index), BigInt(size), hashes.split(' ').map(bytes));
                return found && btoa(String.fromCharCode(...found));
            };
            const entry = document.querySelector('[data-entry]').textContent;
            const signed = document.querySelector('[data-checkpoint]').textContent.split('\\n')[2];
            return [await root(entry) === signed, await root(entry + ' ') === signed];";
        assert_eq!(desk.js(altered).await, json!([true, false]));
    })
    .await;
}
