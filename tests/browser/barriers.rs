//! Every page, narrow and wide, light and dark: without a barrier and without a scroll sideways.
use super::ENTER;
use super::LICENCE;
use super::driver::Desk;
use super::driver::at_a_desk;
use super::receipts::goods_have_left;
use serde_json::json;

#[tokio::test]
async fn pages_of_who_decides_at_the_border_are_without_barriers() {
    border("en").await;
    border("ar").await;
}

async fn border(language: &str) {
    at_a_desk(&format!("barriers-border-{language}"), async |desk| {
        desk.go(&format!("/console/language?to={language}")).await;
        let mut faults = Vec::new();
        desk.go("/console/sign-in").await;
        look(desk, "sign-in", &mut faults).await;
        desk.sign_in("officer-FR").await;
        look(desk, "scan", &mut faults).await;
        for sample in ["clear", "refer", "hold"] {
            desk.sample(sample).await;
            look(desk, sample, &mut faults).await;
        }
        desk.click(".actions .primary").await;
        desk.sees(".history").await;
        look(desk, "case", &mut faults).await;
        desk.sample("refer").await;
        desk.click("[data-override]").await;
        desk.sees("[data-ask]").await;
        look(desk, "override", &mut faults).await;
        desk.enter("#reason", "Seen and found in order").await;
        desk.click("[data-ask]").await;
        desk.sees("[data-take-back]").await;
        look(desk, "override-waits", &mut faults).await;
        let waits = desk.js("return location.pathname").await;
        desk.sign_in("officer-FR-2").await;
        desk.go(waits.as_str().unwrap()).await;
        desk.sees("[data-consent]").await;
        look(desk, "override-to-confirm", &mut faults).await;
        desk.sample("hold").await;
        desk.click("[data-refer]").await;
        desk.sees(".casehead").await;
        look(desk, "case-referred", &mut faults).await;
        credentials_and_stops(desk, &mut faults).await;
        desk.sample("clear").await;
        desk.click(".actions .primary").await;
        desk.sees("[data-release]").await;
        look(desk, "release", &mut faults).await;
        desk.click("[data-release]").await;
        desk.sees("[data-verdict=released]").await;
        look(desk, "released", &mut faults).await;
        desk.click("a[href^='/console/verifications/']").await;
        desk.sees("[data-verdict=already]").await;
        look(desk, "already-released", &mut faults).await;
        let pages = [
            ("overview", "/console/overview"),
            ("alerts", "/console/alerts"),
            ("declaration", "/console/declaration"),
            ("not-for-you", "/console/log"),
        ];
        look_at(desk, &pages, &mut faults).await;
        desk.sign_in("authority-FR").await;
        desk.go("/console/alerts").await;
        desk.click(".alerts li:has(.due) a").await;
        desk.sees("[value=extend]").await;
        look(desk, "case-to-decide", &mut faults).await;
        assert_eq!(faults, Vec::<String>::new());
    })
    .await;
}

/// A code from paper, one that does not read, and goods that clear and are stopped.
async fn credentials_and_stops(desk: &Desk, faults: &mut Vec<String>) {
    let signed = desk
        .api(
            "/v1/licences/FR-EXP-2026-000412/credential",
            &desk.token("authority", "FR"),
            &json!({}),
        )
        .await;
    for (name, credential) in
        [("credential", signed["paper"].as_str().unwrap()), ("credential-unread", "PV1:NONE")]
    {
        desk.go("/console/scan").await;
        desk.enter("#scan", &format!("{credential}{ENTER}")).await;
        desk.sees("[data-credential]").await;
        look(desk, name, faults).await;
    }
    desk.sample("clear").await;
    desk.click("[data-stop]").await;
    desk.sees("[value=hold]").await;
    look(desk, "stop", faults).await;
    let mrn = desk.declared("clear")["declaration"]["reference"]["value"].clone();
    desk.enter("#reason", "Heavier than declared").await;
    desk.click("[value=hold]").await;
    desk.sees(".casehead").await;
    look(desk, "case-stopped", faults).await;
    let case = desk.js("return location.pathname").await;
    desk.go("/console/scan").await;
    desk.enter("#scan", &format!("{}{ENTER}", mrn.as_str().unwrap())).await;
    desk.sees("[data-stopped]").await;
    look(desk, "stopped", faults).await;
    desk.go(case.as_str().unwrap()).await;
    desk.click("[value=false_alert]").await;
    desk.click("form[data-keep] .primary").await;
    desk.sees(".banner").await;
}

#[tokio::test]
async fn pages_of_goods_on_their_way_are_without_barriers() {
    journey("en").await;
    journey("ar").await;
}

async fn journey(language: &str) {
    at_a_desk(&format!("barriers-journey-{language}"), async |desk| {
        desk.go(&format!("/console/language?to={language}")).await;
        let mut faults = Vec::new();
        let ucr = goods_have_left(desk).await;
        look(desk, "crossed", &mut faults).await;
        let journey = format!("/console/consignments/{ucr}");
        let pages = [
            ("crossing", "/console/crossings"),
            ("arrival", "/console/arrivals"),
            ("journeys", "/console/consignments"),
            ("journey", journey.as_str()),
            ("serial", "/console/serials?serial=VC000101"),
        ];
        look_at(desk, &pages, &mut faults).await;
        desk.sign_in("officer-KE").await;
        desk.go(&format!("/console/arrivals?ucr={ucr}")).await;
        desk.click("[name='/final|flag']").await;
        desk.click("[data-arrive]").await;
        desk.sees(".casehead").await;
        look(desk, "arrived", &mut faults).await;
        desk.sign_in("authority-FR").await;
        desk.go("/console/receipts").await;
        look(desk, "receipts", &mut faults).await;
        desk.click("tbody a").await;
        desk.sees("[data-confirm]").await;
        look(desk, "receipt", &mut faults).await;
        desk.sign_in("auditor-FR").await;
        look(desk, "log", &mut faults).await;
        desk.go("/console/log/1").await;
        desk.sees(".proof.good").await;
        look(desk, "entry", &mut faults).await;
        desk.go(&format!("/console/log/case?of={ucr}")).await;
        look(desk, "trail", &mut faults).await;
        assert_eq!(faults, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn pages_of_authorities_and_carriers_are_without_barriers() {
    papers("en").await;
    papers("ar").await;
}

async fn papers(language: &str) {
    at_a_desk(&format!("barriers-papers-{language}"), async |desk| {
        desk.go(&format!("/console/language?to={language}")).await;
        let mut faults = Vec::new();
        desk.sign_in("authority-FR").await;
        let paper = format!("{LICENCE}/paper");
        let pages = [
            ("licences", "/console/licences"),
            ("new", "/console/licences/new"),
            ("licence", LICENCE),
            ("paper", paper.as_str()),
        ];
        look_at(desk, &pages, &mut faults).await;
        desk.go("/console/licences").await;
        desk.click("details.paste summary").await;
        desk.enter("#lines", "{\"number\": 1}").await;
        desk.click("[data-import]").await;
        desk.sees(".tiles").await;
        look(desk, "imported", &mut faults).await;
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments/new").await;
        look(desk, "announce", &mut faults).await;
        desk.click("[data-sample=clear]").await;
        desk.sees(".showcode").await;
        look(desk, "shipment", &mut faults).await;
        let pages = [("shipments", "/console/shipments"), ("batch", "/console/shipments/batch")];
        look_at(desk, &pages, &mut faults).await;
        assert_eq!(faults, Vec::<String>::new());
    })
    .await;
}

async fn look_at(desk: &Desk, pages: &[(&str, &str)], faults: &mut Vec<String>) {
    for (name, path) in pages {
        desk.go(path).await;
        look(desk, name, faults).await;
    }
}

async fn look(desk: &Desk, name: &str, faults: &mut Vec<String>) {
    let language = desk.js("return document.documentElement.lang").await;
    let name =
        if language == "en" { name } else { &format!("{name}-{}", language.as_str().unwrap()) };
    for (width, scheme) in [(1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")] {
        desk.size(width).await;
        desk.scheme(scheme).await;
        let case = format!("{name} {width} {scheme}");
        desk.until(
            "document.getAnimations().every(animation => animation.playState === 'finished')",
        )
        .await;
        faults.extend(desk.barriers().await.into_iter().map(|fault| format!("{case}: {fault}")));
        if desk.js("return document.documentElement.scrollWidth > innerWidth").await == true {
            faults.push(format!("{case}: scrolls sideways"));
        }
        if (width == 390) == (scheme == "dark") {
            desk.shot(&format!("page-{name}-{width}-{scheme}")).await;
        }
    }
    desk.size(1280).await;
    desk.scheme("light").await;
}
