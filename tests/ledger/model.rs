//! Any sequence of acts against a model that a child could keep: what stands of each release, and what
//! is held.
use super::announced;
use super::announced::Announced;
use super::harness::*;
use passavant::app::Error;
use passavant::app::licences::Decision;
use passavant::app::licences::Document;
use proptest::prelude::*;
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the licence authorises at first.
const AUTHORISED: u32 = 100;

#[derive(Debug, Clone)]
enum Act {
    Release(u32),
    Retry(usize),
    Rescan(usize),
    Amend(usize, u32),
    Reverse(usize),
    Decide(Decision),
    Authorise(u32),
    Override(u32),
    Announce(u32),
    Present(usize),
    Withdraw(usize),
    Lapse,
    Leave(usize),
    Arrive(usize, u32),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1..60_u32).prop_map(Act::Release),
        2 => (0..8_usize).prop_map(Act::Retry),
        1 => (0..8_usize).prop_map(Act::Rescan),
        3 => (0..8_usize, 1..60_u32).prop_map(|(which, rounds)| Act::Amend(which, rounds)),
        2 => (0..8_usize).prop_map(Act::Reverse),
        2 => prop_oneof![Just(Decision::Suspension), Just(Decision::Reinstatement)].prop_map(Act::Decide),
        1 => Just(Act::Decide(Decision::Revocation)),
        2 => (1..160_u32).prop_map(Act::Authorise),
        2 => (1..120_u32).prop_map(Act::Override),
        4 => (1..40_u32).prop_map(Act::Announce),
        3 => (0..8_usize).prop_map(Act::Present),
        1 => (0..8_usize).prop_map(Act::Withdraw),
        1 => Just(Act::Lapse),
        2 => (0..8_usize).prop_map(Act::Leave),
        2 => (0..8_usize, 1..60_u32).prop_map(|(which, rounds)| Act::Arrive(which, rounds)),
        1 => Just(Act::Restart),
    ]
}

/// One release as the model keeps it.
pub struct Kept {
    pub id: Uuid,
    pub reference: u32,
    pub verification: Value,
    pub key: String,
    pub reply: String,
    /// What it draws.
    pub rounds: u32,
    /// What it lets out: more than it draws, where two officers released against the advice.
    pub let_out: u32,
    pub stands: bool,
    /// Whether its goods have left: it cannot be reversed any more.
    pub left: bool,
}

/// Where the licence stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Active,
    Suspended,
    Revoked,
}

pub struct Model {
    pub releases: Vec<Kept>,
    pub announced: Vec<Announced>,
    /// Rounds that have arrived, by release.
    arrived: BTreeMap<Uuid, u32>,
    licence: Stands,
    authorised: u32,
    pub declared: u32,
}

impl Model {
    fn drawn(&self) -> u32 {
        self.releases.iter().filter(|kept| kept.stands).map(|kept| kept.rounds).sum()
    }

    fn held(&self) -> u32 {
        self.announced.iter().filter(|goods| goods.held).map(|goods| goods.rounds).sum()
    }

    /// What is drawn and held.
    pub fn used(&self) -> u32 {
        self.drawn() + self.held()
    }

    /// Whether so much may be drawn and held in all.
    pub fn allows(&self, used: u32) -> bool {
        self.licence == Stands::Active && used <= self.authorised
    }
}

async fn apply(service: &Service, model: &mut Model, act: &Act) {
    match act {
        Act::Release(rounds) => release(service, model, *rounds).await,
        Act::Arrive(which, rounds) => arrive(service, model, *which, *rounds).await,
        Act::Retry(which) => {
            let Some(kept) = model.releases.get(*which).filter(|kept| !kept.key.is_empty()) else {
                return;
            };
            let again = service.release(&kept.verification, &kept.key).await.unwrap();
            assert_eq!(again.reply, kept.reply, "a retry gets the first reply");
        }
        Act::Rescan(which) => {
            let Some(kept) = model.releases.get(*which) else { return };
            let verification = service.verify(&cartridges(kept.reference, kept.let_out)).await;
            let again = service
                .release(&verification, &format!("rescan-{}", model.declared))
                .await
                .unwrap();
            model.declared += 1;
            assert!(!kept.stands || is_refused(&again), "what was released is not released again");
            if !is_refused(&again) {
                let id = id(&again.reply);
                let (reference, rounds) = (kept.reference, kept.let_out);
                let key = format!("rescan-{}", model.declared - 1);
                model.releases.push(Kept {
                    id,
                    reference,
                    verification,
                    key,
                    reply: again.reply,
                    rounds,
                    let_out: rounds,
                    stands: true,
                    left: false,
                });
            }
        }
        Act::Amend(which, rounds) => amend(service, model, *which, *rounds).await,
        Act::Reverse(which) => {
            let Some(kept) = model.releases.get_mut(*which) else { return };
            let reversed =
                service.app.reverse(&officer(), kept.id, "not shipped".into(), None, None).await;
            let is_here = !kept.left && !model.arrived.contains_key(&kept.id);
            let possible = kept.stands && is_here;
            assert_eq!(reversed.is_ok(), possible, "what stands and is still here is reversed");
            if possible {
                kept.stands = false;
                let id = kept.id;
                announced::reopen(model, id);
            }
        }
        Act::Leave(which) => {
            let Some(kept) = model.releases.get_mut(*which) else { return };
            let left = service.leave(kept.id).await;
            assert_eq!(left.is_ok(), kept.stands && !kept.left, "what stands leaves, and once");
            kept.left |= kept.stands;
        }
        Act::Decide(decision) => decide(service, model, *decision).await,
        Act::Authorise(rounds) => authorise(service, model, *rounds).await,
        Act::Override(rounds) => against_the_advice(service, model, *rounds).await,
        Act::Announce(rounds) => announced::announce(service, model, *rounds).await,
        Act::Present(which) => announced::present(service, model, *which).await,
        Act::Withdraw(which) => announced::withdraw(service, model, *which).await,
        Act::Lapse => announced::lapse(service, model).await,
        Act::Restart => {}
    }
}

async fn decide(service: &Service, model: &mut Model, decision: Decision) {
    let decided = service
        .app
        .decide(&authority("FR"), EXPORT.into(), decision, "test".into(), None, None)
        .await;
    let next = match (decision, model.licence) {
        (Decision::Suspension, Stands::Active) => Some(Stands::Suspended),
        (Decision::Reinstatement, Stands::Suspended) => Some(Stands::Active),
        (Decision::Revocation, Stands::Active | Stands::Suspended) => Some(Stands::Revoked),
        _ => None,
    };
    assert_eq!(decided.is_ok(), next.is_some(), "{decision:?}");
    model.licence = next.unwrap_or(model.licence);
}

/// The authority amends what the licence authorises; it cannot fall below what has been drawn.
async fn authorise(service: &Service, model: &mut Model, rounds: u32) {
    let licence = sample(rounds, "multiple").remove(0);
    let document = Document::read(&serde_json::from_value(licence).unwrap(), "").unwrap();
    let seen = service.app.licence(&authority("FR"), EXPORT).await.unwrap();
    let amended = service.app.amend(&authority("FR"), EXPORT, document, seen.version, None).await;
    let possible = model.licence != Stands::Revoked && model.used() <= rounds;
    assert_eq!(amended.is_ok(), possible, "{rounds} with {} used", model.used());
    if possible {
        model.authorised = rounds;
    }
}

async fn release(service: &Service, model: &mut Model, rounds: u32) {
    let reference = model.declared;
    model.declared += 1;
    let verification = service.verify(&cartridges(reference, rounds)).await;
    let key = format!("key-{reference}");
    let recorded = service.release(&verification, &key).await.unwrap();
    let possible = model.allows(model.used() + rounds);
    assert_eq!(
        !is_refused(&recorded),
        possible,
        "{rounds} with {} drawn: {}",
        model.drawn(),
        recorded.reply
    );
    if possible {
        let id = id(&recorded.reply);
        model.releases.push(Kept {
            id,
            reference,
            verification,
            key,
            reply: recorded.reply,
            rounds,
            let_out: rounds,
            stands: true,
            left: false,
        });
    }
}

/// Rounds of a release arrive: they add up against it alone, and draw nothing.
async fn arrive(service: &Service, model: &mut Model, which: usize, rounds: u32) {
    let Some(reference) = model.releases.get(which).map(|kept| kept.reference) else { return };
    let reply = service.arrive(reference, rounds).await;
    let stands = |kept: &&Kept| kept.stands && kept.reference == reference;
    let Some(kept) = model.releases.iter().find(stands) else {
        assert_eq!(reply["known"], false, "nothing stands under it: {reply}");
        return;
    };
    let arrived = model.arrived.entry(kept.id).or_default();
    *arrived += rounds;
    let turnout = match (*arrived).cmp(&kept.let_out) {
        Ordering::Less => "partial",
        Ordering::Equal => "complete",
        Ordering::Greater => "surplus",
    };
    assert_eq!(reply["result"], turnout, "{arrived} of {}: {reply}", kept.let_out);
    assert_eq!(reply["receipts"][0]["items"][0]["arrived"], arrived.to_string());
}

/// Two officers release against the advice: as much is drawn as there is, unless the licence is not in
/// force, and never more.
async fn against_the_advice(service: &Service, model: &mut Model, rounds: u32) {
    let reference = model.declared;
    model.declared += 1;
    let verification = service.verify(&cartridges(reference, rounds)).await;
    let key = format!("override-{reference}");
    let recorded = service.override_it(&verification, &key).await.unwrap();
    assert_eq!(!is_refused(&recorded), model.licence == Stands::Active, "{}", recorded.reply);
    if is_refused(&recorded) {
        return;
    }
    let reply: Value = serde_json::from_str(&recorded.reply).unwrap();
    let left = model.authorised - model.used();
    let id = id(&recorded.reply);
    let (let_out, rounds) = (rounds, rounds.min(left));
    assert_eq!(reply["draws"][0]["quantity"], rounds.to_string(), "{reply}");
    model.releases.push(Kept {
        id,
        reference,
        verification,
        key: String::new(),
        reply: recorded.reply,
        rounds,
        let_out,
        stands: true,
        left: false,
    });
}

async fn amend(service: &Service, model: &mut Model, which: usize, rounds: u32) {
    let drawn = model.used();
    let Some(kept) = model.releases.get(which) else { return };
    let possible = model.allows(drawn - if kept.stands { kept.rounds } else { 0 } + rounds);
    let Some(kept) = model.releases.get_mut(which) else { return };
    let declaration = cartridges(kept.reference, rounds).to_string();
    let amended = service
        .app
        .amend_release(&officer(), kept.id, declaration, "miscounted".into(), None, None)
        .await;
    if !kept.stands {
        assert!(matches!(amended, Err(Error::Stale(_))), "what was reversed is not amended");
        return;
    }
    let is_here = !kept.left && !model.arrived.contains_key(&kept.id);
    if !is_here && rounds != kept.let_out {
        assert!(matches!(amended, Err(Error::Stale(_))), "what has gone becomes nothing else");
        return;
    }
    assert_eq!(
        !is_refused(&amended.unwrap()),
        possible,
        "{} to {rounds} with {drawn} drawn",
        kept.rounds
    );
    if possible {
        (kept.rounds, kept.let_out) = (rounds, rounds);
    }
}

pub fn id(reply: &str) -> Uuid {
    let reply: Value = serde_json::from_str(reply).unwrap();
    reply["id"].as_str().unwrap().parse().unwrap()
}

async fn run(acts: Vec<Act>) {
    let mut service = start();
    service.issue_sample(AUTHORISED, "multiple").await;
    let mut model = Model {
        releases: Vec::new(),
        announced: Vec::new(),
        arrived: BTreeMap::new(),
        licence: Stands::Active,
        authorised: AUTHORISED,
        declared: 0,
    };
    for act in acts {
        apply(&service, &mut model, &act).await;
        if matches!(act, Act::Restart) {
            service = service.reopen();
        }
        let (drawn, held) = (model.drawn(), model.held());
        let expected = (model.authorised - drawn - held, held, drawn);
        assert_eq!(service.figures().await, expected, "after {act:?}");
    }
    super::trail::assert_verifies(service);
}

/// What drew nothing because nothing was left has been declared all the same, and may be scanned again.
#[tokio::test]
async fn what_drew_nothing_is_scanned_again_as_it_was_declared() {
    let acts = [38, 62, 1].map(Act::Override);
    run(acts
        .into_iter()
        .chain([Act::Rescan(2), Act::Reverse(0), Act::Reverse(2), Act::Rescan(2)])
        .collect())
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sequence_of_acts_agrees_with_the_model(acts in proptest::collection::vec(act(), 1..30)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(acts));
    }
}
