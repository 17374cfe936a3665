//! Every page, narrow and wide, light and dark: without a barrier and without a scroll sideways.
use super::LICENCE;
use super::driver::Desk;
use super::driver::at_a_desk;

#[tokio::test]
async fn every_page_is_without_barriers() {
    at_a_desk("barriers", async |desk| {
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
        desk.sees("[data-consent]").await;
        look(desk, "override-waits", &mut faults).await;
        desk.sample("hold").await;
        desk.click("[data-refer]").await;
        desk.sees(".casehead").await;
        look(desk, "case-referred", &mut faults).await;
        let pages = [
            ("alerts", "/console/alerts"),
            ("declaration", "/console/declaration"),
            ("not-for-you", "/console/log"),
        ];
        for (name, path) in pages {
            desk.go(path).await;
            look(desk, name, &mut faults).await;
        }
        desk.sign_in("authority-FR").await;
        desk.go("/console/alerts").await;
        desk.click(".alerts a").await;
        desk.sees("[value=extend]").await;
        look(desk, "case-to-decide", &mut faults).await;
        let pages = [
            ("licences", "/console/licences"),
            ("new", "/console/licences/new"),
            ("licence", LICENCE),
        ];
        for (name, path) in pages {
            desk.go(path).await;
            look(desk, name, &mut faults).await;
        }
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments/new").await;
        look(desk, "announce", &mut faults).await;
        desk.click("[data-sample=clear]").await;
        desk.sees(".showcode").await;
        look(desk, "shipment", &mut faults).await;
        desk.go("/console/shipments").await;
        look(desk, "shipments", &mut faults).await;
        desk.sign_in("auditor-FR").await;
        look(desk, "log", &mut faults).await;
        desk.go("/console/log/1").await;
        desk.sees(".proof.good").await;
        look(desk, "entry", &mut faults).await;
        assert_eq!(faults, Vec::<String>::new());
    })
    .await;
}

async fn look(desk: &Desk, name: &str, faults: &mut Vec<String>) {
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
