//! A licence printed signed, and its code at the post: authentic, altered, and no longer standing.
use super::ENTER;
use super::LICENCE;
use super::driver::Desk;
use super::driver::at_a_desk;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::process::Command;

/// What an ordinary reader of codes sees in the code of the printed page, drawn by the browser.
async fn scanned(desk: &Desk) -> Option<String> {
    let drawn = "const image = document.querySelector('.paper img');
        const canvas = Object.assign(document.createElement('canvas'), {width: 1200, height: 1200});
        const pen = canvas.getContext('2d');
        pen.fillStyle = '#fff';
        pen.fillRect(0, 0, 1200, 1200);
        pen.drawImage(image, 0, 0, 1200, 1200);
        return canvas.toDataURL('image/png').split(',')[1]";
    let picture = desk.js(drawn).await;
    let file = desk.keep("code.png", &STANDARD.decode(picture.as_str().unwrap()).unwrap());
    let mut decoder = Command::new("zbarimg");
    // No other kind of code, which it would now and then see in some of the modules.
    decoder.args(["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"]).arg(file);
    let Ok(output) = decoder.output() else {
        assert!(std::env::var_os("CI").is_none(), "CI needs zbarimg");
        return None;
    };
    Some(String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned())
}

#[tokio::test]
async fn a_licence_is_printed_signed_and_checked_by_its_code_at_the_post() {
    at_a_desk("credential", async |desk| {
        desk.sign_in("authority-FR").await;
        desk.go(&format!("{LICENCE}/paper")).await;
        desk.until("document.querySelector('.paper img[data-signed]')?.naturalWidth > 0").await;
        desk.shot("licence-signed").await;
        desk.print("licence-on-paper").await;
        let issued = format!("/v1{}/credential", LICENCE.strip_prefix("/console").unwrap());
        let signed = desk.api(&issued, &desk.token("authority", "FR"), &json!({})).await;
        let paper = signed["paper"].as_str().unwrap();
        if let Some(read) = scanned(desk).await {
            assert!(read.starts_with("PV1:"), "{read}");
        }
        // A scanner types it, at a post of either State: authentic, by which key, as of when.
        for officer in ["officer-KE", "officer-FR"] {
            desk.sign_in(officer).await;
            desk.enter("#scan", &format!("{paper}{ENTER}")).await;
            desk.sees("[data-credential=authentic]").await;
            assert_eq!(desk.text(".verdict h1").await, "Authentic");
            let shown = desk.text("main").await;
            let key = signed["key"].as_str().unwrap();
            for part in [key, "EdDSA", "France", "stands", "0 s old", "Kenya Wildlife Service"] {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            assert!(shown.contains("does not say what is left"), "{shown}");
        }
        desk.shot("credential-authentic").await;
        // It leads on to the goods, with what the licence says of them and not how many there are.
        desk.click("[data-declare]").await;
        desk.sees("form.document").await;
        let fields = "const form = document.querySelector('form.document');
            return ['/items/0/licences/0/number', '/items/0/make', '/items/0/quantity', '/consignee/id']
                .map(name => (form.elements.namedItem(name) ?? form.elements.namedItem(name + '|number')).value)
                .concat(form.elements.namedItem('/credentials/0').value.length > 100)";
        let expected = json!(["FR-EXP-2026-000412", "Verney-Carron", "", "KE0051234567", true]);
        assert_eq!(desk.js(fields).await, expected);
        // And to the licence, where the register has it.
        desk.go("/console/scan").await;
        desk.enter("#scan", &format!("{paper}{ENTER}")).await;
        desk.click(".actions a.primary").await;
        desk.sees(".balance").await;
        // A file of it does as well; altered, it is not its authority's.
        desk.go("/console/scan").await;
        let file = signed["jws"].as_str().unwrap();
        desk.choose("[data-file]", "licence.jwt", file).await;
        desk.sees("[data-credential=authentic]").await;
        let mut altered: Vec<char> = file.chars().collect();
        let at = altered.len() - 10;
        altered[at] = if altered[at] == 'A' { 'B' } else { 'A' };
        let altered: String = altered.into_iter().collect();
        desk.go("/console/scan").await;
        desk.choose("[data-file]", "altered.jwt", &altered).await;
        desk.sees("[data-credential=failed]").await;
        let shown = desk.text("main").await;
        assert!(shown.contains("signature does not verify"), "{shown}");
        assert_eq!(desk.js("return document.querySelector('[data-declare]')").await, json!(null));
        desk.shot("credential-failed").await;
        // What was suspended since says so, on the same paper.
        let reason = json!({"reason": "the holder is being looked into"});
        let suspension = issued.replace("/credential", "/suspension");
        desk.api(&suspension, &desk.token("authority", "FR"), &reason).await;
        desk.go("/console/scan").await;
        desk.enter("#scan", &format!("{paper}{ENTER}")).await;
        desk.sees("[data-credential=failed]").await;
        assert!(desk.text("main").await.contains("It is suspended"));
        desk.sign_in("authority-FR").await;
        desk.go(&format!("{LICENCE}/paper")).await;
        desk.until("document.querySelector('.paper img:not([data-signed])')?.naturalWidth > 0").await;
        if let Some(read) = scanned(desk).await {
            assert_eq!(read, "FR-EXP-2026-000412", "nothing is signed of what does not stand");
        }
    })
    .await;
}
