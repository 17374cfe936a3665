//! The model's part of announced goods: what is held for them, and what becomes of it.
use super::harness::*;
use super::model::Kept;
use super::model::Model;
use super::model::id;
use passavant::app::Error;
use uuid::Uuid;

/// Where announced goods stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Lodged,
    Presented,
    Released(Uuid),
    Lapsed,
    Withdrawn,
}

/// Announced goods as the model keeps them.
pub struct Announced {
    pub id: Uuid,
    pub code: String,
    pub reference: u32,
    pub rounds: u32,
    pub held: bool,
    pub stage: Stage,
}

pub async fn announce(service: &Service, model: &mut Model, rounds: u32) {
    let reference = model.declared;
    model.declared += 1;
    let lodged = service.announce(&cartridges(reference, rounds)).await;
    let held = lodged["reservation"]["status"] == "held";
    assert_eq!(held, model.allows(model.used() + rounds), "{rounds}: {lodged}");
    model.announced.push(Announced {
        id: id(&lodged.to_string()),
        code: lodged["code"].as_str().unwrap().to_owned(),
        reference,
        rounds,
        held,
        stage: Stage::Lodged,
    });
}

pub async fn present(service: &Service, model: &mut Model, which: usize) {
    let key = format!("present-{}", model.declared);
    model.declared += 1;
    let used = model.used();
    let Some(goods) = model.announced.get_mut(which) else { return };
    let presented = service.present(&goods.code).await;
    if matches!(goods.stage, Stage::Withdrawn | Stage::Released(_)) {
        assert!(matches!(presented, Err(Error::Stale(_))), "{:?}", goods.stage);
        return;
    }
    let verification = presented.unwrap();
    if goods.stage == Stage::Lodged {
        goods.stage = Stage::Presented;
    }
    let recorded = service.release(&verification, &key).await.unwrap();
    let (reference, rounds, stage) = (goods.reference, goods.rounds, goods.stage);
    let others = used - if goods.held { rounds } else { 0 };
    let stands = |kept: &Kept| kept.stands && kept.reference == reference;
    let possible = stage == Stage::Presented
        && model.allows(others + rounds)
        && !model.releases.iter().any(stands);
    assert_eq!(!is_refused(&recorded), possible, "{}", recorded.reply);
    if possible {
        let id = id(&recorded.reply);
        let goods = &mut model.announced[which];
        (goods.stage, goods.held) = (Stage::Released(id), false);
        let reply = recorded.reply;
        model.releases.push(Kept {
            id,
            reference,
            verification,
            key,
            reply,
            rounds,
            let_out: rounds,
            stands: true,
            left: false,
        });
    }
}

pub async fn withdraw(service: &Service, model: &mut Model, which: usize) {
    let Some(goods) = model.announced.get_mut(which) else { return };
    let withdrawn = service.app.withdraw(&carrier(), goods.id, None, None).await;
    assert_eq!(withdrawn.is_ok(), goods.stage == Stage::Lodged, "{:?}", goods.stage);
    if withdrawn.is_ok() {
        (goods.stage, goods.held) = (Stage::Withdrawn, false);
    }
}

/// The time for presentation ends for everything that is held.
pub async fn lapse(service: &Service, model: &mut Model) {
    service.let_lapse().await;
    for goods in &mut model.announced {
        goods.held = false;
        if goods.stage == Stage::Lodged {
            goods.stage = Stage::Lapsed;
        }
    }
}

/// After a reversal the goods stand where they stood when they were presented.
pub fn reopen(model: &mut Model, release: Uuid) {
    for goods in model.announced.iter_mut().filter(|g| g.stage == Stage::Released(release)) {
        goods.stage = Stage::Presented;
    }
}
