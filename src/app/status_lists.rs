//! The status lists of this State's credentials, made from the register when they are asked for and kept
//! for a moment, so that those who ask all at once cost little.
use super::App;
use super::Error;
use super::credentials::standing;
use crate::credential::Signer;
use crate::credential::status;
use crate::credential::status::ENTRIES;
use crate::credential::status::Times;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use parking_lot::Mutex;
use std::collections::HashMap;

/// How long a list that was made is given again.
const KEPT_S: i64 = 2;
/// Most lists kept at once.
const KEPT_MAX: usize = 64;

/// Lists as they were last made.
#[derive(Default)]
pub(super) struct StatusLists(Mutex<HashMap<u64, (Timestamp, String)>>);

impl App {
    /// A status list, signed.
    pub async fn status_list(&self, list: u64) -> Result<String, Error> {
        let now = self.clock.now();
        let fresh = |made: &Timestamp| {
            (0..KEPT_S).contains(&now.as_second().saturating_sub(made.as_second()))
        };
        if let Some((_, text)) = self.status_lists.0.lock().get(&list).filter(|(at, _)| fresh(at)) {
            return Ok(text.clone());
        }
        let from = list.checked_mul(ENTRIES).ok_or(Error::NotFound)?;
        let upto = from.checked_add(ENTRIES).ok_or(Error::NotFound)?;
        let read = move |db: &mut Db| {
            // The first list is there before the first credential is.
            if list > 0 && storage::credentials::count(db)? <= from {
                return Ok(None);
            }
            storage::credentials::fallen(db, from, upto).map(Some)
        };
        let fallen = self.readers.read(read).await?.ok_or(Error::NotFound)?;
        let entries: Vec<_> = fallen.iter().map(|one| (one.place - from, standing(one))).collect();
        let settings = &self.config.trust;
        let times = Times {
            iat: now.as_second(),
            life_s: settings.status_life_s,
            ttl_s: settings.status_ttl_s,
        };
        let uri = self.trust.list_uri(list);
        let sign = move |signer: &dyn Signer| status::sign(&uri, &entries, times, signer);
        let text = self.trust.sign(sign).await?;
        let mut kept = self.status_lists.0.lock();
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (at, _)| fresh(at));
        }
        if kept.len() < KEPT_MAX {
            kept.insert(list, (now, text.clone()));
        }
        Ok(text)
    }
}
