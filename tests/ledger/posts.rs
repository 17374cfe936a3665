//! Posts that are cut off release what was set aside for them and no more; what they did joins, and what they
//! did not use comes back.
use super::cut_off::*;
use super::harness::*;
use passavant::app::Error;
use passavant::app::licences::Decision;
use passavant::wire::post::ReturnReply;
use passavant::wire::post::ReturnedDraw;
use serde_json::Value;
use serde_json::json;

#[tokio::test]
async fn a_post_releases_what_was_set_aside_and_brings_the_rest_back() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    assert_eq!(centre.figures().await, (70, 30, 0));
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;

    let verification = post.verify(&cartridges(1, 20)).await;
    assert_eq!(verification["verdict"], "clear", "{verification}");
    assert_eq!(codes(&verification), ["OFFLINE_VERDICT"]);
    assert_eq!(verification["as_of"]["offline"]["border_post"], "FRLEH");
    assert!(!is_refused(&post.release(&verification).await.unwrap()));
    let beyond = post.verify(&cartridges(2, 11)).await;
    assert_eq!(beyond["verdict"], "refer", "{beyond}");
    assert_eq!(codes(&beyond), ["ALLOWANCE_EXCEEDED", "OFFLINE_VERDICT"]);
    assert!(is_refused(&post.release(&beyond).await.unwrap()), "beyond the allowance");
    assert!(post.releases(&cartridges(3, 4)).await);
    assert_eq!(centre.figures().await, (70, 30, 0), "nobody has told the register yet");

    let post = post.restarted().giving_up();
    assert!(!post.releases(&cartridges(4, 1)).await, "given up");
    let replies = post.bring_back(&centre).await;
    let releases: u64 = replies.iter().map(|reply| reply.releases).sum();
    assert_eq!((releases, replies.iter().map(|reply| reply.conflicts).sum::<u64>()), (2, 0));
    assert_eq!(centre.figures().await, (76, 0, 24));
    let again = post.bring_back(&centre).await;
    assert!(again.iter().all(|reply| reply.new == 0 && reply.releases == 0), "{again:?}");
    assert_eq!(centre.figures().await, (76, 0, 24), "doing it again changes nothing");

    let own = assert_fits(&post.app.config.database);
    let logs = assert_fits(&centre.app.config.database);
    assert!(logs.contains(&own[0]), "the whole log has joined: {own:?} {logs:?}");
    let rescan = centre.verify(&cartridges(1, 20)).await;
    assert!(codes(&rescan).contains(&"MRN_ALREADY_USED"), "{rescan}");
}

#[tokio::test]
async fn what_was_not_set_aside_refers_and_is_not_held() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    let rifles = json!([
        {"line": 1, "quantity": "2", "serials": ["VC000101", "VC000102"]},
        {"line": 2, "quantity": "10"}
    ]);
    set_aside_lines(&centre, "FRLEH", &rifles).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let mut unknown = cartridges(1, 5);
    unknown["items"][0]["licences"][0]["number"] = json!("FR-EXP-UNKNOWN");
    let verification = post.verify(&unknown).await;
    assert_eq!(verification["verdict"], "refer", "{verification}");
    assert!(codes(&verification).contains(&"ISSUER_UNAVAILABLE"), "{verification}");

    let sample = passavant::demo::declarations(today()).remove(0).declaration;
    let with = |serials: &[&str]| {
        let mut declaration = sample.clone();
        declaration["items"] = json!([sample["items"][0]]);
        declaration["items"][0]["serials"] = json!(serials);
        declaration
    };
    let other = post.verify(&with(&["VC000103", "VC000104"])).await;
    assert_eq!((&other["verdict"], codes(&other)[0]), (&json!("refer"), "NOT_SET_ASIDE"));
    // Nobody else releases what is set aside; the post does, once.
    let here = centre.verify(&with(&["VC000101", "VC000102"])).await;
    assert_eq!((&here["verdict"], codes(&here)), (&json!("refer"), vec!["FIREARM_SET_ASIDE"; 2]));
    assert!(post.releases(&with(&["VC000101", "VC000102"])).await);
    let twice = post.verify(&with(&["VC000101", "VC000102"])).await;
    assert_ne!(twice["verdict"], "clear");
    let post = post.giving_up();
    let replies = post.bring_back(&centre).await;
    assert_eq!(replies.iter().map(|reply| reply.conflicts).sum::<u64>(), 0, "{replies:?}");
    assert_eq!(centre.figures().await, (100, 0, 0));
    let mut gone = with(&["VC000101", "VC000102"]);
    gone["reference"] = json!({"type": "national", "value": "FR-2"});
    let gone = centre.verify(&gone).await;
    assert!(codes(&gone).contains(&"SERIAL_ALREADY_MOVED"), "{gone}");
}

#[tokio::test]
async fn a_marking_of_symbols_and_a_code_does_not_keep_a_post_from_returning() {
    let centre = register();
    for licence in without_serials() {
        centre.issue(&licence).await.unwrap();
    }
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let refers = post.verify(&marked_by_symbols(1)).await;
    assert!(codes(&refers).contains(&"NOT_SET_ASIDE"), "{refers}");
    assert!(post.releases(&cartridges(2, 10)).await);
    let replies = post.giving_up().bring_back(&centre).await;
    let joined = |of: fn(&passavant::wire::post::ReturnReply) -> u64| -> u64 {
        replies.iter().map(of).sum()
    };
    assert_eq!((joined(|reply| reply.releases), joined(|reply| reply.conflicts)), (1, 0));
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn after_its_end_nothing_clears_and_the_return_is_late() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let now = passavant::clock::Clock::now(&centre.clock);
    assert!(post.releases(&cartridges(1, 5)).await);
    centre.clock.set(now + jiff::SignedDuration::from_hours(24));
    let late = post.verify(&cartridges(2, 5)).await;
    assert_eq!(late["verdict"], "refer", "{late}");
    assert!(codes(&late).contains(&"LICENCE_DATA_STALE"), "{late}");
    let replies = post.giving_up().bring_back(&centre).await;
    assert!(replies.iter().all(|reply| reply.late) && replies[0].releases == 1, "{replies:?}");
    assert_eq!(centre.figures().await, (95, 0, 5));
}

#[tokio::test]
async fn a_release_on_a_licence_revoked_meanwhile_is_booked_and_put_before_customs() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let authority = authority("FR");
    let decided =
        centre.app.decide(&authority, EXPORT.into(), Decision::Revocation, "x".into(), None, None);
    decided.await.unwrap();
    assert!(post.releases(&cartridges(1, 5)).await, "it cannot know");
    let replies = post.giving_up().bring_back(&centre).await;
    assert_eq!((replies[0].releases, replies[0].conflicts), (1, 1), "{replies:?}");
    assert_eq!(centre.figures().await, (95, 0, 5), "the goods have gone");
    let query = passavant::app::alerts::Query::default();
    let alerts = centre.app.alerts(&authority, query, 50).await.unwrap().alerts;
    let told = alerts.iter().find(|alert| alert.kind == "post_return").unwrap();
    assert!(told.codes.contains(&"LICENCE_REVOKED".to_owned()), "{told:?}");
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn a_licence_for_one_shipment_is_set_aside_as_a_whole() {
    let centre = register();
    centre.issue_sample(100, "single").await;
    let part = set_aside(&centre, "FRLEH", 30).await;
    assert!(matches!(part, Err(Error::Stale(_))), "{part:?}");
    let serials: Vec<String> = (101..151).map(|n| format!("VC000{n}")).collect();
    let all = json!([
        {"line": 1, "quantity": "50", "serials": serials}, {"line": 2, "quantity": "100"}
    ]);
    set_aside_lines(&centre, "FRLEH", &all).await.unwrap();
    let here = centre.verify(&cartridges(1, 1)).await;
    assert_eq!(here["verdict"], "hold", "{here}");
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&cartridges(2, 40)).await);
    assert!(!post.releases(&cartridges(3, 40)).await, "it has had its shipment");
    post.giving_up().bring_back(&centre).await;
    let after = centre.verify(&cartridges(4, 1)).await;
    assert!(codes(&after).contains(&"SHIPMENT_COUNT_EXCEEDED"), "{after}");
}

#[tokio::test]
async fn a_snapshot_serves_one_post_and_one_log_and_only_as_it_was_signed() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    let one = Post::new("FRLEH", 1, &centre.clock);
    assert!(matches!(one.ask(&centre).await, Err(Error::Stale(_))), "nothing is set aside");
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let snapshot = one.ask(&centre).await.unwrap();
    let other = Post::new("FRLEH", 2, &centre.clock);
    assert!(matches!(other.ask(&centre).await, Err(Error::Stale(_))), "it is another log's");
    let (other, refused) = other.load(&centre, &snapshot);
    assert!(matches!(refused, Err(Error::Stale(_))), "{refused:?}");
    assert!(!other.releases(&cartridges(1, 1)).await, "without a snapshot nothing clears");
    let keys = centre.app.trust.published();
    let mut altered = snapshot.clone().into_bytes();
    altered[snapshot.len() / 2] ^= 1;
    let altered = String::from_utf8(altered).unwrap();
    assert!(passavant::app::snapshot::Snapshot::read(&altered, &keys).is_err());
    let (one, loaded) = one.load(&centre, &snapshot);
    loaded.unwrap();
    assert!(one.releases(&cartridges(1, 10)).await);
    let (one, again) = one.load(&centre, &snapshot);
    assert!(matches!(again, Err(Error::Stale(_))), "what was released would be left again");
    let later = one.ask(&centre).await.unwrap();
    let (one, again) = one.load(&centre, &later);
    assert!(matches!(again, Err(Error::Stale(_))), "the register does not know of it yet");
    one.bring_back(&centre).await;
    let one = one.rest_on(&centre).await;
    assert!(!one.releases(&cartridges(2, 21)).await && one.releases(&cartridges(3, 20)).await);
    one.giving_up().bring_back(&centre).await;
    assert_eq!(centre.figures().await, (70, 0, 30));
}

async fn post_alerts(centre: &Service) -> Vec<Vec<String>> {
    let query = passavant::app::alerts::Query::default();
    let alerts = centre.app.alerts(&authority("FR"), query, 50).await.unwrap().alerts;
    let told = alerts.into_iter().filter(|alert| alert.kind == "post_return");
    told.map(|alert| alert.codes).collect()
}

#[tokio::test]
async fn a_number_that_was_used_elsewhere_meanwhile_is_booked_and_told() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&cartridges(1, 5)).await);
    let verification = centre.verify(&cartridges(1, 5)).await;
    assert!(!is_refused(&centre.release(&verification, "here").await.unwrap()));
    let replies = post.giving_up().bring_back(&centre).await;
    assert_eq!((replies[0].releases, replies[0].conflicts), (1, 1), "{replies:?}");
    assert_eq!(centre.figures().await, (90, 0, 10), "both have gone");
    let told = post_alerts(&centre).await;
    assert!(told.iter().any(|codes| codes.contains(&"MRN_ALREADY_USED".to_owned())), "{told:?}");
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn a_post_that_was_copied_and_run_twice_returns_once() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let (post, copy) = post.copied();
    assert!(post.releases(&cartridges(1, 30)).await);
    assert!(copy.releases(&cartridges(2, 30)).await, "nothing tells it from the other");
    post.bring_back(&centre).await;
    assert_eq!(post_alerts(&centre).await, Vec::<Vec<String>>::new());
    let mut pieces = copy.pieces(0);
    let forked = copy.bring(&centre, pieces.remove(0)).await;
    assert!(matches!(forked, Err(Error::Stale(_))), "{forked:?}");
    assert_eq!(post_alerts(&centre).await, [["POST_LOG_DIFFERS"]], "the authority is told");
    assert_eq!(centre.figures().await, (70, 0, 30));
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn what_a_lost_post_brings_back_after_all_is_found_again() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    let id = set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&cartridges(1, 12)).await);
    let lose = async || {
        let reason = "it burnt down".into();
        centre.app.lose_allowance(&authority("FR"), "FRLEH", id, reason, None).await
    };
    assert!(matches!(lose().await, Err(Error::Stale(_))), "it may be releasing");
    let now = passavant::clock::Clock::now(&centre.clock);
    centre.clock.set(now + jiff::SignedDuration::from_hours(24));
    lose().await.unwrap();
    assert_eq!(centre.figures().await, (70, 0, 30), "all of it counts as used up");
    post.giving_up().bring_back(&centre).await;
    assert_eq!(centre.figures().await, (88, 0, 12));
}

#[tokio::test]
async fn goods_that_were_stopped_before_the_cut_are_not_released_by_a_post() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let cleared = centre.verify(&cartridges(1, 5)).await;
    let id = cleared["id"].as_str().unwrap().parse().unwrap();
    let measure = (passavant::wire::alert::Measure::Hold, "a smell of solvent".into());
    centre.app.stop_goods(&officer(), id, measure, None).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    let stopped = post.verify(&cartridges(1, 5)).await;
    assert!(codes(&stopped).contains(&"STOPPED_BY_OFFICER"), "{stopped}");
    assert!(is_refused(&post.release(&stopped).await.unwrap()));
    let of_their_consignment = post.verify(&cartridges(2, 5)).await;
    assert!(codes(&of_their_consignment).contains(&"STOPPED_BY_OFFICER"));
    let mut other = cartridges(2, 5);
    other["ucr"] = json!("6FR12345678901234-OTHER");
    assert!(post.releases(&other).await);
}

/// A release of forty items, of which its entry has room to list some.
fn forty_items() -> Value {
    let mut declaration = cartridges(1, 1);
    let item = declaration["items"][0].clone();
    let items = (1..=40).map(|n| {
        let mut item = item.clone();
        item["item"] = json!(n);
        item
    });
    declaration["items"] = items.collect();
    declaration
}

/// One alteration of what a release draws.
type AlterDraws<'a> = dyn Fn(&mut Vec<ReturnedDraw>) + 'a;

/// The path and the code by which a return is refused.
fn refusal(joined: Result<ReturnReply, Error>) -> (String, String) {
    match joined {
        Err(Error::Invalid(errors)) => (errors[0].path.clone(), errors[0].code.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_return_whose_draws_were_altered_joins_nothing() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 50).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&forty_items()).await);
    let post = post.giving_up();
    let whole = post.pieces(0).remove(0);
    let entry = whole.entries.iter().find(|entry| entry.contains("\"kind\":\"release\""));
    let entry: Value = serde_json::from_str(entry.unwrap()).unwrap();
    let listed = entry["draws"].as_array().unwrap().len();
    assert!(listed < 40, "{listed} of the draws are listed: none is left out");
    let draw = |item, line, quantity: &str| ReturnedDraw {
        item,
        licence: EXPORT.to_owned(),
        line,
        quantity: quantity.to_owned(),
    };
    let cut = |draws: &mut Vec<ReturnedDraw>| draws.truncate(listed);
    let more = |draws: &mut Vec<ReturnedDraw>| draws.push(draw(99, 2, "60"));
    let less = |draws: &mut Vec<ReturnedDraw>| draws[39] = draw(40, 2, "0.5");
    let twice = |draws: &mut Vec<ReturnedDraw>| draws.push(draws[0].clone());
    let altering: [(&AlterDraws<'_>, &str, &str); 4] = [
        (&cut, "/releases/0/draws", "digest_differs"),
        (&more, "/releases/0/draws", "digest_differs"),
        (&less, "/releases/0/draws", "digest_differs"),
        (&twice, "/releases/0/draws/40", "duplicate"),
    ];
    for (alter, path, code) in altering {
        let mut piece = whole.clone();
        alter(&mut piece.releases[0].draws);
        let refused = refusal(post.bring(&centre, piece).await);
        assert_eq!(refused, (path.to_owned(), code.to_owned()));
    }
    assert_eq!(centre.figures().await, (50, 50, 0), "nothing of all that has joined");
    let mut turned = whole.clone();
    turned.releases[0].draws.reverse();
    assert_eq!(post.bring(&centre, turned).await.unwrap().conflicts, 0, "in whatever order");
    assert_eq!(centre.figures().await, (60, 0, 40));
    assert_fits(&centre.app.config.database);
}

#[tokio::test]
async fn a_return_that_does_not_hold_together_is_refused_before_anything_is_written() {
    let centre = register();
    centre.issue_sample(100, "multiple").await;
    set_aside(&centre, "FRLEH", 30).await.unwrap();
    let post = Post::new("FRLEH", 1, &centre.clock).rest_on(&centre).await;
    assert!(post.releases(&cartridges(1, 5)).await);
    assert!(post.releases(&cartridges(2, 7)).await);
    let here = centre.verify(&cartridges(3, 1)).await;
    let whole = post.pieces(0).remove(0);
    let read = |entry: &String| serde_json::from_str::<Value>(entry).unwrap();
    let of = |kind: &str| -> Vec<usize> {
        let all = whole.entries.iter().enumerate();
        all.filter(|(_, entry)| read(entry)["kind"] == kind).map(|(at, _)| at).collect()
    };
    let (verdicts, releases) = (of("verification"), of("release"));
    let text =
        |at: usize, field: &str| read(&whole.entries[at])[field].as_str().unwrap().to_owned();
    let (first, second) = (releases[0], releases[1]);
    let elsewhere = here["id"].as_str().unwrap().to_owned();
    // The post's own key has signed each of these.
    for (at, field, value, code) in [
        (second, "content_sha256", text(first, "content_sha256"), "digest_differs"),
        (second, "verification", text(first, "verification"), "digest_differs"),
        (second, "verification", elsewhere.clone(), "not_of_this_log"),
        (second, "release", text(first, "release"), "duplicate"),
        (verdicts[1], "verification", text(verdicts[0], "verification"), "duplicate"),
        (verdicts[1], "verification", elsewhere, "duplicate"),
    ] {
        let mut piece = whole.clone();
        piece.entries[at] = piece.entries[at].replace(&text(at, field), &value);
        post.sign(&mut piece);
        let refused = refusal(post.bring(&centre, piece).await);
        assert_eq!(refused, (format!("/entries/{at}"), code.to_owned()), "{field} {value}");
    }
    assert_eq!(centre.figures().await, (70, 30, 0));
    post.giving_up().bring_back(&centre).await;
    assert_eq!(centre.figures().await, (88, 0, 12));
}
