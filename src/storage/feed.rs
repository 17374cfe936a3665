//! The feed of licence changes, heard by each node that shares a server: a notification in the usual
//! case, and the watermark at every turn, so that one that was missed is made up for.
use super::Db;
use super::Result;
use super::Use;
use super::open;
use super::watermark;
use crate::config;
use diesel::connection::SimpleConnection;

/// Licences named in one hearing; beyond that everything is to be forgotten.
pub const CHANGES_MAX: i64 = 1000;

/// A connection that listens.
pub struct Feed {
    settings: config::Database,
    db: Option<Db>,
    seen: i64,
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// These licences have changed, each under its count.
    Changes(Vec<(i64, String)>),
    /// More than can be named, up to this count.
    TooMany(i64),
}

impl Feed {
    /// A feed that has heard of everything up to where the watermark stands.
    pub fn open(settings: &config::Database, db: &mut Db) -> Result<Self> {
        Ok(Self { settings: settings.clone(), db: None, seen: watermark::read(db)? })
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

    /// Hears what has changed since the last time. The caller takes the time before it asks: what was
    /// committed by then is known afterwards.
    pub fn hear(&mut self) -> Result<Heard> {
        let heard = self.hear_now();
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

    fn hear_now(&mut self) -> Result<Heard> {
        if self.db.is_none() {
            let mut db = open(&self.settings, Use::Read)?;
            db.batch_execute(&format!("LISTEN {}", watermark::CHANNEL))?;
            self.db = Some(db);
        }
        let Some(db) = self.db.as_mut() else { return Ok(Heard::TooMany(self.seen)) };
        let now = watermark::read(db)?;
        if now == self.seen {
            return Ok(Heard::Changes(Vec::new()));
        }
        let changes = watermark::changed_since(db, self.seen, CHANGES_MAX + 1)?;
        // A watermark below what was seen is another database: nothing kept is of use.
        if now < self.seen || i64::try_from(changes.len()).is_ok_and(|count| count > CHANGES_MAX) {
            self.seen = now;
            return Ok(Heard::TooMany(now));
        }
        self.seen = changes.last().map_or(now, |(sequence, _)| (*sequence).max(now));
        Ok(Heard::Changes(changes))
    }
}
