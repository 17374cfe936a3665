//! What has gone for export under one import licence: after a restart, at a post that is cut off, and in the trail.
use super::cut_off::*;
use super::harness::*;
use serde_json::Value;
use serde_json::json;

/// Export licences of one transaction.
pub const OTHERS: [&str; 3] = ["FR-EXP-2026-000412", "FR-EXP-2026-000413", "FR-EXP-2026-000414"];
pub const CODE: &str = "EXPORT_IMPORT_LICENCE_MISMATCH";

/// Issues an import licence for so many rounds, and export licences for as many each.
pub async fn issue(service: &Service, rounds: u32) {
    for mut licence in sample(rounds, "multiple") {
        licence["lines"][1]["quantity"] = json!(rounds.to_string());
        service.issue(&licence).await.unwrap();
    }
    for number in &OTHERS[1..] {
        let mut other = sample(rounds, "multiple").remove(0);
        other["number"] = json!(number);
        service.issue(&other).await.unwrap();
    }
}

/// Cartridges under one of the export licences.
pub fn under(export: usize, reference: u32, rounds: u32) -> Value {
    let mut declaration = cartridges(reference, rounds);
    declaration["items"][0]["licences"][0]["number"] = json!(OTHERS[export]);
    declaration
}

#[tokio::test]
async fn what_has_gone_is_remembered_and_every_verdict_on_it_is_derived_again() {
    let service = start();
    issue(&service, 100).await;
    let first = service.released(&under(0, 1, 70)).await;
    let service = service.reopen();
    let beyond = service.verify(&under(1, 2, 31)).await;
    assert_eq!((&beyond["verdict"], codes(&beyond)), (&json!("refer"), vec![CODE]), "{beyond}");
    assert!(is_refused(&service.release(&beyond, "beyond").await.unwrap()));
    assert!(!is_refused(&service.override_it(&beyond, "override").await.unwrap()));
    let none = service.verify(&under(2, 3, 1)).await;
    assert_eq!(codes(&none), [CODE], "{none}");
    let reason = "it did not leave".into();
    service.app.reverse(&officer(), first, reason, None, None).await.unwrap();
    let more = service.verify(&under(2, 3, 70)).await;
    assert_eq!(codes(&more), [CODE], "31 went against the advice: {more}");
    service.released(&under(2, 3, 69)).await;
    super::trail::assert_verifies(service);
}

#[tokio::test]
async fn an_announcement_is_compared_with_what_has_gone_and_adds_nothing_to_it() {
    let service = start();
    issue(&service, 100).await;
    service.announce(&under(0, 1, 70)).await;
    service.released(&under(1, 2, 60)).await;
    let announced = service.announce(&under(2, 3, 41)).await;
    assert_eq!((&announced["verdict"], codes(&announced)), (&json!("refer"), vec![CODE]));
    let told = announced["findings"].to_string();
    assert!(!told.contains("60") && !told.contains("100"), "a carrier learns the code: {told}");
    service.released(&under(2, 4, 40)).await;
}

#[tokio::test]
async fn a_post_that_is_cut_off_knows_what_had_gone_and_what_it_releases_counts_when_it_returns() {
    let centre = register();
    issue(&centre, 100).await;
    centre.released(&under(1, 1, 60)).await;
    set_aside(&centre, "FRLEH", 50).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let beyond = post.verify(&under(0, 2, 41)).await;
    assert_eq!(codes(&beyond), [CODE, "OFFLINE_VERDICT"], "{beyond}");
    assert!(is_refused(&post.release(&beyond).await.unwrap()));
    assert!(post.releases(&under(0, 3, 25)).await);
    let beyond = post.verify(&under(0, 4, 16)).await;
    assert_eq!(codes(&beyond), [CODE, "OFFLINE_VERDICT"], "its own releases count too: {beyond}");
    let post = post.restarted();
    assert_eq!(codes(&post.verify(&under(0, 4, 16)).await), [CODE, "OFFLINE_VERDICT"]);

    // The register does not know of it yet, and clears the rest; the post's return tells of the excess.
    centre.released(&under(2, 5, 40)).await;
    let post = post.giving_up();
    let replies = post.bring_back(&centre).await;
    let sum =
        |of: fn(&passavant::wire::post::ReturnReply) -> u64| replies.iter().map(of).sum::<u64>();
    assert_eq!((sum(|reply| reply.releases), sum(|reply| reply.conflicts)), (1, 1), "{replies:?}");
    let none = centre.verify(&under(2, 6, 1)).await;
    assert!(none["findings"][0]["message"].as_str().unwrap().contains("125 C62"), "{none}");

    // The next snapshot has all of it, the post's own as well, once.
    set_aside(&centre, "FRLEH", 5).await.unwrap();
    let post = post.rest_on(&centre).await;
    let none = post.verify(&under(0, 7, 1)).await;
    assert!(none["findings"][0]["message"].as_str().unwrap().contains("125 C62"), "{none}");
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn a_line_that_counts_otherwise_by_now_refers() {
    let service = start();
    issue(&service, 100).await;
    service.released(&under(0, 1, 12)).await;
    let mut amended = sample(100, "multiple").remove(1);
    amended["lines"][1]["quantity"] = json!("8");
    amended["lines"][1]["unit"] = json!("DZN");
    let sent = serde_json::from_value(amended).unwrap();
    let document = passavant::app::licences::Document::read(&sent, "").unwrap();
    service.app.amend(&authority("KE"), "KE-IMP-2026-00087", document, 1, None).await.unwrap();
    let more = service.verify(&under(1, 2, 85)).await;
    assert_eq!(codes(&more), [CODE, CODE], "a dozen is gone, and seven are left: {more}");
    assert!(more["findings"].to_string().contains("1 DZN released already"), "{more}");
}
