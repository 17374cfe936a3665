//! Everything about an alert in one place: the verdict that it rests on, and what follows from it.
use super::App;
use super::Caller;
use super::Error;
use super::alerts::own;
use super::alerts::sees;
use super::alerts::shown;
use super::preview::Seen;
use super::preview::seen;
use super::raise::about;
use crate::storage;
use crate::storage::Db;
use crate::wire::alert::AlertReply;
use uuid::Uuid;

/// Alerts shown that follow from one.
const FOLLOWING_MAX: i64 = 50;
/// How long after an alert others are looked for that follow from it: longer than any period of the law
/// runs from it.
const FOLLOWING_US: i64 = 366 * 86_400 * 1_000_000;

impl App {
    /// The verdict that an alert of the caller's is about. An authority sees one of its own State that
    /// it is told of or asked to decide on, and no other.
    pub async fn verdict_of_alert(&self, caller: &Caller, id: Uuid) -> Result<Option<Seen>, Error> {
        let who = caller.clone();
        let read = move |db: &mut Db| {
            let row = own(db, &who, id)?;
            let Some(verification) = about(&row.about)?.verification else { return Ok(None) };
            let found = storage::verifications::entered(db, verification)?;
            Ok::<_, Error>(found.filter(|(row, ..)| row.state == who.state.as_str()))
        };
        self.readers.read(read).await?.map(seen).transpose()
    }

    /// The alert that a verdict has raised or taken further, if it is the caller's to see.
    pub async fn alert_of_verdict(
        &self,
        caller: &Caller,
        verification: Uuid,
    ) -> Result<Option<AlertReply>, Error> {
        let who = caller.clone();
        let read = move |db: &mut Db| {
            let Some(place) = storage::verifications::place(db, verification)? else {
                return Ok(None);
            };
            let row = storage::alerts::at(db, place)?.filter(|row| sees(&who, row));
            Ok::<_, Error>(shown(db, row.as_slice())?.pop())
        };
        self.readers.read(read).await
    }

    /// The caller's alerts that follow from one of them: referrals, answers, time limits that passed.
    pub async fn following(&self, caller: &Caller, id: Uuid) -> Result<Vec<AlertReply>, Error> {
        let who = caller.clone();
        let read = move |db: &mut Db| {
            let row = own(db, &who, id)?;
            let matter = super::referral::matter(&row)?.to_string();
            let until_us = row.raised_us.saturating_add(FOLLOWING_US);
            let rows = storage::alerts::following(db, &row, &matter, until_us, FOLLOWING_MAX)?;
            shown(db, &rows)
        };
        self.readers.read(read).await
    }
}
