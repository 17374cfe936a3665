//! The trail from outside: checkpoint, tiles, entries and proofs fit together by public arithmetic.
use super::harness::*;
use passavant::audit::Hash;
use passavant::audit::checkpoint;
use passavant::audit::proof;
use passavant::audit::tile;

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
