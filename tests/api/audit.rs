//! The trail from outside: checkpoint, tiles, entries and proofs fit together by public arithmetic.
use super::harness::*;
use passavant::audit::Hash;
use passavant::audit::checkpoint;
use passavant::audit::evidence;
use passavant::audit::evidence::Evidence;
use passavant::audit::proof;
use passavant::audit::tile;
use serde_json::Value;
use serde_json::json;

async fn with_entries(count: usize) -> Service {
    let service = start();
    service.issue_sample().await;
    for n in 0..count {
        service.verify(&cartridges(&format!("FR-{n}"), "1")).await;
    }
    service
}

#[tokio::test]
async fn an_entry_is_proven_against_the_signed_checkpoint() {
    let service = with_entries(5).await;
    let reply = service.verify(&sample("clear")).await.json();
    let index = reply["audit"]["index"].as_u64().unwrap();
    let auditor = token("FR", "auditor");
    for log in ["passavant.example/test", "passavant.example%2Ftest"] {
        let proven =
            service.get(&format!("/v1/audit/entries/{log}/{index}/proof"), &auditor).await.json();
        let note = proven["checkpoint"].as_str().unwrap();
        let (size, root) =
            checkpoint::verify(note, proven["verifier_key"].as_str().unwrap()).unwrap();
        let hashes: Vec<Hash> = proven["hashes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hash| Hash::parse_hash(hash.as_str().unwrap()).unwrap())
            .collect();
        let entry = proven["entry"].as_str().unwrap();
        assert!(proof::is_included(&hashes, size, root, index, entry.as_bytes()));
        assert!(!proof::is_included(
            &hashes,
            size,
            root,
            index,
            entry.replace("clear", "hold").as_bytes()
        ));
        assert!(entry.contains(reply["id"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn tiles_and_bundles_rebuild_the_root() {
    let service = with_entries(6).await;
    let auditor = token("FR", "auditor");
    let note = service.get("/v1/audit/checkpoint", &auditor).await.text;
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    let url = format!("http://{}/v1/audit/tile/0/000.p/{size}", service.api);
    let bytes =
        service.client.get(url).bearer_auth(&auditor).send().await.unwrap().bytes().await.unwrap();
    let mut frontier = passavant::audit::tree::Frontier::default();
    frontier.append(&tile::hashes(&bytes).collect::<Vec<_>>());
    assert_eq!(frontier.root().to_string(), note.lines().nth(2).unwrap());
    let url = format!("http://{}/v1/audit/tile/entries/000.p/{size}", service.api);
    let bundle =
        service.client.get(url).bearer_auth(&auditor).send().await.unwrap().bytes().await.unwrap();
    let (mut rest, mut leaves) = (&bundle[..], Vec::new());
    while let [high, low, after @ ..] = rest {
        let (entry, next) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        leaves.push(tlog_tiles::record_hash(entry));
        rest = next;
    }
    let mut frontier = passavant::audit::tree::Frontier::default();
    frontier.append(&leaves);
    assert_eq!(frontier.root().to_string(), note.lines().nth(2).unwrap());
}

#[tokio::test]
async fn entries_hold_no_personal_data_and_are_shown_to_those_they_concern() {
    let service = with_entries(3).await;
    let all = service.get("/v1/audit/entries?limit=200", &token("FR", "auditor")).await;
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 5);
    for word in ["officer-1", "Savannah", "Verney"] {
        assert!(!all.text.contains(word), "{word}");
    }
    let abroad = service.get("/v1/audit/entries", &token("KE", "authority")).await.json();
    assert_eq!(abroad["items"].as_array().unwrap().len(), 5, "all of it goes to Kenya");
    let apart = service.get("/v1/audit/entries", &token("DE", "authority")).await.json();
    assert_eq!(apart["items"].as_array().unwrap().len(), 0, "Germany has no part in it");
    let bundle = service.get("/v1/audit/tile/entries/000.p/5", &token("KE", "authority")).await;
    assert_eq!(bundle.status, 403);
}

#[tokio::test]
async fn tiles_that_do_not_exist_are_not_found() {
    let service = with_entries(1).await;
    for path in ["0/000", "0/001.p/1", "1/000", "0/000.p/200", "9/000", "0/0", "entries/000", "x"] {
        let answer = service.get(&format!("/v1/audit/tile/{path}"), &token("FR", "auditor")).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

/// Sends a body as JSON with `Prefer: proof`.
async fn preferring(service: &Service, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("Prefer", "proof"), ("Idempotency-Key", key)];
    let officer = token("FR", "officer");
    service.send(reqwest::Method::POST, path, &officer, &headers, Some(body.to_string())).await
}

/// Insists that a reply carries the proof of what it says.
fn is_proven(answer: &Answer, body: &Value) {
    assert_eq!(answer.header("preference-applied"), "proof", "{}", answer.text);
    let proof = &body["proof"];
    let note = proof["checkpoint"].as_str().unwrap();
    let (size, root) = checkpoint::verify(note, proof["verifier_key"].as_str().unwrap()).unwrap();
    let hashes = proof["hashes"].as_array().unwrap().iter();
    let hashes: Vec<Hash> =
        hashes.map(|hash| Hash::parse_hash(hash.as_str().unwrap()).unwrap()).collect();
    let (index, entry) = (proof["index"].as_u64().unwrap(), proof["entry"].as_str().unwrap());
    assert_eq!(index, body["audit"]["index"].as_u64().unwrap());
    assert!(proof::is_included(&hashes, size, root, index, entry.as_bytes()), "{proof}");
    assert!(entry.contains(body["id"].as_str().unwrap()), "{entry}");
}

#[tokio::test]
async fn a_reply_carries_its_proof_where_that_is_preferred() {
    let service = with_entries(3).await;
    let declaration = json!({"declaration": sample("clear")});
    let verified = preferring(&service, "/v1/verifications", "v", &declaration).await;
    let verdict = verified.json();
    is_proven(&verified, &verdict);
    let again = preferring(&service, "/v1/verifications", "v", &declaration).await;
    is_proven(&again, &again.json());
    assert_eq!(again.json()["id"], verdict["id"], "the first answer, with its proof");
    let body = json!({"verification": verdict["id"]});
    let released = preferring(&service, "/v1/releases", "r", &body).await;
    assert_eq!(released.status, 201);
    is_proven(&released, &released.json());
    let refused = preferring(&service, "/v1/releases", "again", &body).await;
    assert_eq!(refused.status, 409);
    is_proven(&refused, &refused.json()["verification"]);
    let plain = service.verify(&cartridges("FR-PLAIN", "1")).await;
    assert!(plain.header("preference-applied").is_empty() && plain.json()["proof"].is_null());
}

/// The evidence of a case that was verified, released, amended and reversed.
async fn case(service: &Service) -> Evidence {
    let verdict = service.verify(&sample("clear")).await.json();
    let officer = token("FR", "officer");
    let body = json!({"verification": verdict["id"]});
    let released = service.post_once("/v1/releases", &officer, "case", &body).await.json();
    let mut less = sample("clear");
    less["items"].as_array_mut().unwrap().pop();
    let path = format!("/v1/releases/{}/amendment", released["id"].as_str().unwrap());
    let amended =
        service.post(&path, &officer, &json!({"declaration": less, "reason": "one left"})).await;
    assert_eq!(amended.status, 200, "{}", amended.text);
    let path = format!("/v1/releases/{}/reversal", released["id"].as_str().unwrap());
    assert_eq!(service.post(&path, &officer, &json!({"reason": "not left"})).await.status, 200);
    let path = format!("/v1/verifications/{}/evidence", verdict["id"].as_str().unwrap());
    for (state, role) in [("KE", "officer"), ("DE", "authority")] {
        assert_eq!(service.get(&path, &token(state, role)).await.status, 404, "{state} {role}");
    }
    serde_json::from_str(&service.get(&path, &token("FR", "authority")).await.text).unwrap()
}

#[tokio::test]
async fn a_case_is_proven_without_the_service() {
    let service = with_entries(2).await;
    let found = case(&service).await;
    drop(service);
    let shown = evidence::verify(&found, &[]).unwrap();
    assert_eq!((shown.verdict.as_str(), shown.releases), ("clear", 3));
    assert_eq!(shown.licences.len(), 2, "{shown:?}");
    assert!(shown.unproven.is_empty(), "{shown:?}");
    assert_eq!(shown.entries, 6, "the verdict, three states of the release, two licences");
    let key = found.logs[0].verifier_key.clone();
    assert!(evidence::verify(&found, &[key]).is_ok());
    let other = checkpoint::Signer::new("passavant.example/test", &[1; 32]).unwrap();
    assert!(evidence::verify(&found, &[other.verifier_key().to_owned()]).is_err());
}

/// One alteration.
type Alter = fn(&mut Evidence);

#[tokio::test]
async fn evidence_that_was_altered_is_refused() {
    let service = with_entries(1).await;
    let found = case(&service).await;
    let alterations: [(&str, Alter); 19] = [
        ("the declaration", |e| e.record.declaration.push(' ')),
        ("the facts", |e| {
            e.record.facts = e.record.facts.take().map(|facts| facts.replace("true", "false"));
        }),
        ("the reply", |e| e.record.reply = e.record.reply.replace("clear", "hold")),
        ("a document", |e| e.licences[0].document = e.licences[0].document.replace("50", "500")),
        ("a document's version", |e| e.licences[0].version += 1),
        ("a document's entry", |e| e.licences[0].recorded = e.licences[1].recorded.clone()),
        ("an entry", |e| e.entries[0].entry = e.entries[0].entry.replace("active", "revoked")),
        ("an entry's place", |e| e.entries[0].index += 1),
        ("a hash", |e| e.entries[0].hashes.swap(0, 1)),
        ("a hash left out", |e| drop(e.entries[0].hashes.pop())),
        ("the size", |e| {
            let note = &mut e.logs[0].checkpoint;
            let size = note.lines().nth(1).unwrap().to_owned();
            *note = note.replacen(&format!("\n{size}\n"), &format!("\n{size}0\n"), 1);
        }),
        ("a release's entry left out", |e| drop(e.entries.pop())),
        ("a release's declaration", |e| e.releases[0].declaration = Some("{}".to_owned())),
        ("an amended declaration left out", |e| e.releases[1].declaration = None),
        ("an amendment left out", |e| drop(e.releases.remove(1))),
        ("the last state left out, its entry not", |e| drop(e.releases.pop())),
        ("a state twice", |e| e.releases.push(e.releases[2].clone())),
        ("a document left out, its entry not", |e| drop(e.licences.pop())),
        ("another case", |e| e.verification = e.releases[0].release.clone()),
    ];
    for (what, alter) in alterations {
        let mut altered = found.clone();
        alter(&mut altered);
        assert_ne!(altered, found, "{what}");
        assert!(evidence::verify(&altered, &[]).is_err(), "{what}");
    }
}

/// A licence of another State's transaction with which this border has nothing to do.
const STRANGE: &str = "KE-IMP-STRANGE-1";

fn its_last_day() -> String {
    today().saturating_add(jiff::SignedDuration::from_hours(13 * 24)).to_string()
}

async fn issue_strange(service: &Service) {
    let mut licence = passavant::demo::licences(today()).remove(1);
    licence["number"] = json!(STRANGE);
    licence["country_of_export"] = json!("ZA");
    licence["exporter"] =
        json!({"id": "ZA-EXPORTER", "name": "Pretoria Arms", "address": "Pretoria"});
    licence["final_recipient"] =
        json!({"id": "KE-SECRET", "name": "Secret Guard", "address": "Nairobi"});
    licence["valid_until"] = json!(its_last_day());
    licence["transit"] = json!([]);
    licence["lines"][0]["make"] = json!("Zastava");
    licence["lines"][0]["serials"] = (1..=50).map(|n| json!(format!("ZZ{n:06}"))).collect();
    let issued = service.post("/v1/licences", &token("KE", "authority"), &licence).await;
    assert_eq!(issued.status, 201, "{}", issued.text);
}

#[tokio::test]
async fn a_licence_that_does_not_name_the_state_is_told_to_nobody_there() {
    let service = with_entries(1).await;
    issue_strange(&service).await;
    let officer = token("FR", "officer");
    assert_eq!(service.get(&format!("/v1/licences/{STRANGE}"), &officer).await.status, 404);
    let says_of_it = |text: &str| {
        // A State stands in quotes, and in a text within a text in quotes that are escaped.
        let told = [
            "ZA-EXPORTER",
            "Pretoria",
            "KE-SECRET",
            "Secret Guard",
            "Zastava",
            "ZZ0000",
            "\"ZA\"",
            "\"ZA\\",
        ];
        let until = its_last_day();
        let told = told.into_iter().chain([until.as_str()]).filter(|word| text.contains(word));
        told.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut declaration = sample("clear");
    declaration["items"][0]["licences"][1]["number"] = json!(STRANGE);
    declaration["final_recipient"] = Value::Null;
    let verified = service.verify(&declaration).await;
    let verdict = verified.json();
    assert_eq!(says_of_it(&verified.text), Vec::<String>::new(), "{}", verified.text);
    let found = codes(&verdict);
    for code in
        ["COUNTRY_OF_EXPORT_MISMATCH", "SERIAL_NOT_ON_LICENCE", "EXPORT_IMPORT_LICENCE_MISMATCH"]
    {
        assert!(found.contains(&code), "{code}: {}", verified.text);
    }
    let serial = verdict["findings"].as_array().unwrap().iter();
    let serial = serial.clone().find(|of| of["code"] == "SERIAL_NOT_ON_LICENCE").unwrap();
    assert_eq!((&serial["licence"], &serial["licensed"]), (&json!(STRANGE), &Value::Null));
    assert!(serial["declared"].as_str().unwrap().contains("VC000101"), "{serial}");
    let body = json!({"verification": verdict["id"]});
    let refused = service.post_once("/v1/releases", &officer, "strange", &body).await;
    assert_eq!((refused.status, says_of_it(&refused.text)), (409, vec![]), "{}", refused.text);

    let path = format!("/v1/verifications/{}/evidence", verdict["id"].as_str().unwrap());
    for role in ["officer", "authority", "auditor"] {
        let given = service.get(&path, &token("FR", role)).await;
        assert_eq!((given.status, says_of_it(&given.text)), (200, vec![]), "{role}");
        let given: Evidence = serde_json::from_str(&given.text).unwrap();
        assert_eq!(given.record.facts, None, "they hold its balances");
        let shown = evidence::verify(&given, &[]).unwrap();
        assert_eq!((shown.has_facts, shown.licences.len()), (false, 2), "{role}");
        assert_eq!(shown.unproven, [(STRANGE.to_owned(), 1)], "{role}");
    }
    // What is kept for a replay is whole, and leads to the same words.
    let mut settings = passavant::config::Config::embedded().unwrap().database;
    settings.url.clone_from(&service.database_url);
    let mut db = passavant::storage::open(&settings, passavant::storage::Use::Read).unwrap();
    let log = passavant::storage::log::all(&mut db).unwrap().remove(0);
    let index = verdict["audit"]["index"].as_u64().unwrap();
    let entry = passavant::storage::log::entry(&mut db, log.id, index).unwrap().unwrap();
    let again = passavant::app::replay::replay(&mut db, log.id, index, &entry).unwrap().unwrap();
    assert!(again.agrees(), "{:?}", again.differences);
}
