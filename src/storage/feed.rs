//! The feed between nodes, heard by each that shares a server: a notification in the usual case, and
//! all that is new at every turn, so that a notification that was missed is made up for.
use super::Db;
use super::Result;
use super::Use;
use super::open;
use super::watermark;
use super::watermark::Place;
use super::watermark::Told;
use crate::config;
use diesel::connection::SimpleConnection;

/// Batches read at a time.
const PAGE: i64 = 100;

/// A connection that listens.
pub struct Feed {
    settings: config::Database,
    db: Option<Db>,
    heard: Place,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<'a> {
    /// What these batches have changed, in their order.
    Told(&'a [Told]),
    /// What was heard last is not this database's past, or what followed it is there no more: nothing
    /// that is kept is of use. It is heard again from after this count.
    Lost(i64),
}

impl Feed {
    /// A feed that has heard of everything up to now.
    pub fn open(settings: &config::Database, db: &mut Db) -> Result<Self> {
        Ok(Self { settings: settings.clone(), db: None, heard: watermark::last(db)? })
    }

    /// Up to which batch it has heard.
    pub fn heard(&self) -> Place {
        self.heard
    }

    /// Whether somebody has said that there is something to hear. A connection that cannot say is
    /// found out by [`Self::hear`].
    pub fn is_called(&mut self) -> bool {
        let Some(Db::Postgres(c)) = self.db.as_mut() else { return false };
        let (mut called, mut broken) = (false, false);
        // All that wait, so that one hearing answers for them. A connection that broke says so again
        // and again.
        for notification in c.notifications_iter() {
            called = true;
            if notification.is_err() {
                broken = true;
                break;
            }
        }
        if broken {
            self.db = None;
        }
        called
    }

    /// Hears what has changed since the last time, and counts as heard what was taken. The caller takes the time before
    /// it asks: what was committed by then is known afterwards.
    pub fn hear(&mut self, take: impl FnMut(Heard<'_>)) -> Result<()> {
        let heard = self.hear_now(take);
        if heard.is_err() {
            self.db = None;
        }
        heard
    }

    /// The lists in force, where their edition is not this one.
    pub fn other_lists(&mut self, edition: &str) -> Result<Option<String>> {
        let Some(db) = self.db.as_mut() else { return Ok(None) };
        let other = super::lists::latest_other_than(db, edition);
        if other.is_err() {
            self.db = None;
        }
        other
    }

    fn hear_now(&mut self, mut take: impl FnMut(Heard<'_>)) -> Result<()> {
        let db = match &mut self.db {
            Some(db) => db,
            none => {
                let mut db = open(&self.settings, Use::Read)?;
                db.batch_execute(&format!("LISTEN {}", watermark::CHANNEL))?;
                none.insert(db)
            }
        };
        loop {
            let told = watermark::told_from(db, self.heard.sequence, PAGE)?;
            let Some(new) = told.as_deref().and_then(|told| continued(self.heard, told)) else {
                let last = watermark::last(db)?;
                take(Heard::Lost(last.sequence));
                self.heard = last;
                return Ok(());
            };
            let Some(last) = new.last() else { return Ok(()) };
            take(Heard::Told(new));
            self.heard = last.place;
            if i64::try_from(new.len()).is_ok_and(|count| count + 1 < PAGE) {
                return Ok(());
            }
        }
    }
}

/// What follows what was heard last, where that stands as it was and nothing is missing after it.
fn continued(heard: Place, told: &[Told]) -> Option<&[Told]> {
    let (first, new) = told.split_first()?;
    let counted = new.iter().zip(heard.sequence + 1..);
    let whole = counted.into_iter().all(|(told, sequence)| told.place.sequence == sequence);
    (first.place == heard && whole).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::super::watermark::News;
    use super::*;

    fn told(sequence: i64, mark: i64) -> Told {
        Told { place: Place { sequence, mark }, news: News::default() }
    }

    #[test]
    fn what_follows_the_very_batch_that_was_heard_last_is_new() {
        let all = [told(7, 1), told(8, 2), told(9, 3)];
        let heard = all[0].place;
        assert_eq!(continued(heard, &all), Some(&all[1..]));
        assert_eq!(continued(heard, &all[..1]), Some(&all[..0]));
    }

    #[test]
    fn a_feed_that_does_not_go_on_from_there_is_lost() {
        let heard = told(7, 1).place;
        // Put back to before it; counted again by another past; removed meanwhile; one missing.
        assert_eq!(continued(heard, &[]), None);
        assert_eq!(continued(heard, &[told(7, 4), told(8, 2)]), None);
        assert_eq!(continued(heard, &[told(8, 2), told(9, 3)]), None);
        assert_eq!(continued(heard, &[told(7, 1), told(9, 3)]), None);
    }
}
