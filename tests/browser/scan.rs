//! Whatever a scanner types, whatever a camera reads, on whatever connection.
use super::driver::at_a_desk;
use serde_json::json;

const ENTER: &str = "\u{e007}";

#[tokio::test]
async fn each_role_signs_in_to_its_own_pages_and_out_again() {
    at_a_desk("sign-in", async |desk| {
        for (person, first, menu) in [
            ("officer-FR", "/console/scan", vec!["Scan", "Alerts", "Arrivals"]),
            ("authority-KE", "/console/alerts", vec!["Alerts", "Licences", "Receipts"]),
            ("carrier-FR", "/console/shipments", vec!["Shipments", "Journeys"]),
            ("auditor-FR", "/console/log", vec!["Trail"]),
        ] {
            desk.sign_in(person).await;
            assert_eq!(desk.js("return location.pathname").await, first, "{person}");
            let shown = desk.text(".top nav").await;
            assert!(menu.iter().all(|word| shown.contains(word)), "{person}: {shown}");
            assert_eq!(shown.contains("Trail"), person == "auditor-FR", "{shown}");
            desk.click(".person form button").await;
            desk.sees(".people").await;
            desk.go(first).await;
            desk.sees(".people").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_scanner_s_mrn_ucr_and_licence_lead_where_they_belong() {
    at_a_desk("scanned", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("hold").await;
        let declared = desk.declared("hold");
        let mrn = declared["declaration"]["reference"]["value"].as_str().unwrap();
        let ucr = declared["declaration"]["ucr"].as_str().unwrap();
        for sought in [mrn, ucr] {
            desk.go("/console/scan").await;
            desk.until("document.activeElement?.id === 'scan'").await;
            desk.keys(&format!("{sought}{ENTER}")).await;
            desk.sees("[data-verdict=hold]").await;
            assert!(desk.text(".banner").await.contains("looked at before"), "{sought}");
        }
        desk.go("/console/scan").await;
        desk.keys(&format!("FR-EXP-2026-000412{ENTER}")).await;
        desk.sees(".balance").await;
        desk.go("/console/scan").await;
        desk.keys(&format!("26FR000000009999A1{ENTER}")).await;
        desk.sees("form.document").await;
        let typed = desk.js("return document.getElementsByName('/reference/value')[0].value").await;
        assert_eq!(typed, "26FR000000009999A1", "what is not known is not typed twice");
    })
    .await;
}

#[tokio::test]
async fn a_camera_reads_a_code_where_the_browser_has_a_reader() {
    at_a_desk("camera", async |desk| {
        // A camera and a reader of codes as a tablet has them, before the page's own scripts begin.
        let tablet = "navigator.mediaDevices.getUserMedia = async () => {
                const canvas = document.createElement('canvas');
                canvas.getContext('2d').fillRect(0, 0, 10, 10);
                return canvas.captureStream(10);
            };
            window.BarcodeDetector = class {
                static async getSupportedFormats() { return ['qr_code', 'code_128']; }
                constructor({ formats }) { window.formatsAsked = formats; }
                async detect() { return [{ rawValue: 'FR-EXP-2026-000412', format: 'qr_code' }]; }
            };";
        desk.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": tablet})).await;
        desk.sign_in("officer-FR").await;
        desk.go("/console/scan").await;
        desk.click("[data-camera]:not([hidden])").await;
        desk.sees(".balance").await;
        assert_eq!(desk.text("h1").await, "FR-EXP-2026-000412");
        assert_eq!(desk.js("return window.formatsAsked").await, json!(["qr_code", "code_128"]));
    })
    .await;
}

#[tokio::test]
async fn a_slow_connection_says_so_and_answers_once() {
    at_a_desk("slow-connection", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("refer").await;
        desk.slow(4000).await;
        desk.click(".actions form[action$='/again'] button").await;
        desk.until("document.getElementById('notice').textContent.startsWith('Still waiting')")
            .await;
        // Whoever presses again while it is on its way does not send it twice.
        let busy =
            "return document.querySelector(\".actions form[action$='/again'] button\").disabled";
        assert_eq!(desk.js(busy).await, true);
        desk.until("document.getElementById('notice').textContent === ''").await;
        desk.sees(".verdict.refer:not(.old)").await;
        desk.network(true).await;
    })
    .await;
}

#[tokio::test]
async fn a_declaration_file_is_dropped_anywhere_on_the_page() {
    at_a_desk("dropped", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.go("/console/scan").await;
        desk.sees("form[data-scan]").await;
        let declared = desk.declared("hold").to_string();
        let file = desk.keep("declaration.json", declared.as_bytes());
        desk.drag(&[&file], false).await;
        desk.sees("body.dragging").await;
        desk.drag(&[&file], true).await;
        desk.sees("[data-verdict=hold]").await;
        desk.sees("body:not(.dragging)").await;
        // One that is none is named as such, and the next one is taken all the same.
        let broken = desk.keep("broken.json", b"{\"declaration\": ");
        desk.drag(&[&broken], true).await;
        desk.sees(".errors").await;
        let file = desk.keep("another.json", desk.declared("clear").to_string().as_bytes());
        desk.drag(&[&file], true).await;
        desk.sees("[data-verdict=clear]").await;
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_about_to_end_goes_on_or_says_so() {
    at_a_desk("session-ends", async |desk| {
        let soon = "document.body.dataset.endsAt = new Date(Date.now() + 60000).toISOString()";
        // What an issuer that lets it go on, or does not, makes of the end.
        let ending = |left_ms: u32| {
            format!(
                "const ask = window.fetch;
                 window.asked = 0;
                 window.fetch = (address, options) => {{
                     if (!String(address).includes('/sign-in/renewal')) return ask(address, options);
                     window.asked += 1;
                     const ends_at = new Date(Date.now() + {left_ms}).toISOString();
                     return Promise.resolve(new Response(JSON.stringify({{ ends_at }})));
                 }}"
            )
        };
        desk.sign_in("officer-FR").await;
        desk.js(&ending(600_000)).await;
        desk.js(soon).await;
        desk.until("new Date(document.body.dataset.endsAt) - Date.now() > 300000").await;
        tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        let quiet = "return [window.asked, document.getElementById('notice').textContent]";
        assert_eq!(desk.js(quiet).await, json!([1, ""]));
        // One that does not: the page says so, with a way to sign in again.
        desk.go("/console/scan").await;
        desk.js(&ending(60_000)).await;
        desk.js(soon).await;
        desk.until("document.querySelector('#notice a')").await;
    })
    .await;
}
