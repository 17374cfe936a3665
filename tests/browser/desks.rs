//! The other desks: the authority's register, the carrier's many shipments, the supervisor's overview,
//! the auditor's trail.
use super::LICENCE;
use super::driver::at_a_desk;
use serde_json::json;

#[tokio::test]
async fn an_authority_finds_a_licence_and_who_used_it_and_prints_it() {
    at_a_desk("register", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("clear").await;
        desk.click(".actions .primary").await;
        desk.click("[data-release]").await;
        desk.sees("[data-verdict=released]").await;
        desk.sign_in("authority-FR").await;
        // By a part of its number, by a name, by a serial; and not by what it does not hold.
        for sought in ["exp-2026", "savannah", "VC000117"] {
            desk.go(&format!("/console/licences?q={sought}")).await;
            assert!(desk.text("tbody").await.contains("FR-EXP-2026-000412"), "{sought}");
        }
        desk.go("/console/licences?q=100%25_of").await;
        assert!(desk.text(".banner").await.contains("100%_of"));
        desk.go("/console/licences?status=revoked").await;
        desk.sees(".banner").await;
        desk.go(LICENCE).await;
        let uses = desk.text("[aria-label='Who used it, where']").await;
        assert!(uses.contains("FRLEH") && uses.contains("26FR000000000101A0"), "{uses}");
        desk.click("[value=suspension]").await;
        desk.enter("#reason", "The holder is being looked into").await;
        desk.click("button.danger").await;
        desk.sees(".state-suspended").await;
        desk.click("[value=reinstatement]").await;
        desk.enter("#reason", "Found in order").await;
        desk.click("button.danger").await;
        desk.sees(".state-active").await;
        desk.click("[data-paper]").await;
        desk.until("document.querySelector('.paper img')?.naturalWidth > 0").await;
        let paper = desk.text(".paper").await;
        assert!(paper.contains("Kenya Wildlife Service") && paper.contains("VC000150"), "{paper}");
        desk.print("licence-on-paper").await;
    })
    .await;
}

#[tokio::test]
async fn several_licences_come_from_one_file_and_come_once() {
    at_a_desk("import", async |desk| {
        let now = passavant::clock::Clock::now(&passavant::clock::SystemClock);
        let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
        let sample = passavant::demo::licences(today).remove(0);
        let numbered = |number: &str| {
            let mut licence = sample.clone();
            licence["number"] = json!(number);
            licence["lines"][0]["serials"] = json!([]);
            licence
        };
        let mut bad = numbered("FR-EXP-2026-000903");
        bad["lines"][0]["quantity"] = json!("0");
        let file = json!([numbered("FR-EXP-2026-000901"), numbered("FR-EXP-2026-000902"), bad]);
        desk.sign_in("authority-FR").await;
        for counted in [["2", "0", "1"], ["0", "2", "1"]] {
            desk.go("/console/licences").await;
            desk.click("details.paste summary").await;
            desk.choose("[data-into=lines]", "licences.json", &file.to_string()).await;
            desk.until("document.getElementById('lines').value.startsWith('[')").await;
            desk.click("[data-import]").await;
            desk.sees(".tiles").await;
            let tiles =
                "return [...document.querySelectorAll('.tile data')].map(tile => tile.value)";
            assert_eq!(desk.js(tiles).await, json!(counted));
            assert!(desk.text(".errors").await.contains("/lines/0/quantity"));
        }
        desk.go("/console/licences/FR-EXP-2026-000902").await;
        desk.sees(".balance").await;
    })
    .await;
}

#[tokio::test]
async fn a_carrier_announces_many_at_once_and_goes_on_where_it_stopped() {
    at_a_desk("batch", async |desk| {
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments/batch").await;
        desk.choose("[data-batch-file]", "none.txt", "neither this\nnor that").await;
        desk.until("document.querySelector('[data-batch-says]').textContent.includes('neither')")
            .await;
        let of = |sample: &str| desk.declared(sample)["declaration"].clone();
        let mut unreadable = of("clear");
        unreadable["items"][0]["quantity"] = json!("many");
        let lines = [of("clear"), unreadable, of("refer"), of("hold")].map(|one| one.to_string());
        desk.choose("[data-batch-file]", "many.ndjson", &lines.join("\n")).await;
        desk.click("[data-batch-start]").await;
        desk.until("document.querySelector('[data-batch-says]').textContent === 'Done'").await;
        let rows =
            "return [...document.querySelectorAll('[data-row-of]')].map(row => row.textContent)";
        let rows = desk.js(rows).await;
        let row = |n: usize| rows[n].as_str().unwrap().to_owned();
        assert_eq!(rows.as_array().unwrap().len(), 4);
        assert!(
            row(0).contains("Clear") && row(2).contains("Refer") && row(3).contains("Hold"),
            "{rows}"
        );
        assert!(row(1).contains("not taken") && row(1).contains("/items/0/quantity"), "{rows}");
        assert_eq!(desk.js("return document.querySelector('progress').value").await, 4);
        desk.go("/console/shipments").await;
        let shipments = desk.js("return document.querySelectorAll('tbody tr').length").await;
        assert_eq!(shipments, 3);
        // An array does as well, and the same file sent again is the same acts.
        let array = json!([of("clear"), of("refer")]).to_string();
        desk.go("/console/shipments/batch").await;
        desk.choose("[data-batch-file]", "array.json", &array).await;
        desk.click("[data-batch-start]").await;
        desk.until("document.querySelectorAll('[data-row-of]').length === 2").await;
    })
    .await;
}

#[tokio::test]
async fn a_supervisor_sees_the_last_day_in_a_second() {
    at_a_desk("overview", async |desk| {
        desk.sign_in("officer-FR").await;
        for sample in ["clear", "clear", "refer", "hold"] {
            desk.sample(sample).await;
        }
        for person in ["officer-FR", "authority-FR"] {
            desk.sign_in(person).await;
            desk.go("/console/overview").await;
            let tiles =
                "return [...document.querySelectorAll('.tile data')].map(tile => tile.value)";
            assert_eq!(desk.js(tiles).await, json!(["2", "1", "1", "2"]), "{person}");
            let drawn = "return [...document.querySelectorAll('.plot g rect.clear')]
                .filter(bar => bar.getAttribute('height') > 0).length";
            assert_eq!(desk.js(drawn).await, 1, "one hour has verdicts that cleared");
            assert!(desk.text(".reasons").await.contains("consignee"));
            assert!(desk.text(".columns").await.contains("FRLEH"));
            assert!(desk.text(".columns").await.contains("ms"));
        }
        // Another State's officer sees nothing of it.
        desk.sign_in("officer-KE").await;
        desk.go("/console/overview").await;
        assert_eq!(
            desk.js("return document.querySelectorAll('.tile data[value=\"0\"]').length").await,
            4
        );
    })
    .await;
}

#[tokio::test]
async fn an_auditor_takes_the_whole_trail_of_a_case_along() {
    at_a_desk("trail", async |desk| {
        desk.sign_in("officer-FR").await;
        desk.sample("hold").await;
        desk.click("[data-refer]").await;
        desk.sees(".history").await;
        let ucr = desk.declared("hold")["declaration"]["ucr"].as_str().unwrap().to_owned();
        desk.sign_in("auditor-FR").await;
        desk.enter("#of", &format!("{ucr}\u{e007}")).await;
        desk.sees("caption").await;
        let entries = desk.text("tbody").await;
        for kind in ["Verdict", "Alert", "Referred to the authority"] {
            assert!(entries.contains(kind), "{kind}: {entries}");
        }
        let taken = "const link = document.querySelector('.actions a').href;
            const file = await (await fetch(link)).json();
            const script = document.querySelector('script[type=module]').src;
            const { leafHash, rootOf } = await import(script.replace('console.js', 'proof.js'));
            const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
            const good = [];
            for (const entry of file.entries) {
                const leaf = await leafHash(new TextEncoder().encode(entry.entry));
                const root = await rootOf(leaf, BigInt(entry.index), BigInt(entry.size), entry.hashes.map(bytes));
                good.push(btoa(String.fromCharCode(...root)) === entry.checkpoint.split('\\n')[2]);
            }
            return good;";
        // The verdict's case is to be had with all that its entries are digests of.
        let proven = "const link = document.querySelector('[data-evidence]').href;
            const file = await (await fetch(link)).json();
            return [file.format, file.entries.length > 0 && file.logs.length > 0]";
        assert_eq!(desk.js(proven).await, json!(["passavant-evidence/1", true]));
        let good = desk.js(taken).await;
        assert!(good.as_array().unwrap().len() >= 3, "{good}");
        assert!(good.as_array().unwrap().iter().all(|good| good == true), "{good}");
        desk.click("tbody th a").await;
        desk.sees(".proof.good").await;
        desk.go("/console/log/case?of=NOTHING-OF-THE-KIND").await;
        desk.sees(".banner").await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_was_stopped_goes_on_where_it_stopped() {
    const ALL: usize = 8;
    at_a_desk("batch-stopped", async |desk| {
        desk.sign_in("carrier-FR").await;
        desk.go("/console/shipments/batch").await;
        let lines = (0..ALL).map(|n| {
            let mut one = desk.declared("clear")["declaration"].clone();
            one["reference"] = json!({"type": "national", "value": format!("FR-BATCH-{n}")});
            one.to_string()
        });
        let lines: Vec<String> = lines.collect();
        desk.choose("[data-batch-file]", "many.ndjson", &lines.join("\n")).await;
        // Slowly enough that somebody can press a button in between.
        desk.slow(700).await;
        desk.click("[data-batch-start]").await;
        desk.until("document.querySelectorAll('[data-row-of]').length >= 2").await;
        desk.click("[data-batch-stop]").await;
        desk.until("document.querySelector('[data-batch-says]').textContent === document.querySelector('[data-batch]').dataset.stopped").await;
        let count = "return document.querySelectorAll('[data-row-of]').length";
        let stopped = desk.js(count).await.as_u64().unwrap();
        assert!(stopped < 8, "{stopped}");
        assert_eq!(desk.js("return document.querySelector('progress').value").await, stopped);
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        assert_eq!(desk.js(count).await, stopped, "nothing is sent while it is stopped");
        desk.network(true).await;
        desk.click("[data-batch-start]").await;
        desk.until("document.querySelector('[data-batch-says]').textContent === 'Done'").await;
        let rows = "return [...document.querySelectorAll('[data-row-of]')].map(row => row.dataset.rowOf)";
        let rows = desk.js(rows).await;
        let expected: Vec<String> = (1..=ALL).map(|n| n.to_string()).collect();
        assert_eq!(rows, json!(expected), "each once, in order");
        desk.go("/console/shipments").await;
        let shipments = desk.js("return document.querySelectorAll('tbody tr').length").await;
        assert_eq!(shipments, ALL);
    })
    .await;
}
