//! Remembering what has a history: everything that was released, stopped, reported, set aside or put before customs before
//! this process began to take note, read once as it starts, and again where the feed between nodes
//! was lost.
use super::App;
use super::Error;
use super::serials::EVERY_STATE;
use crate::cache::past::Past;
use crate::cache::past::Trace;
use crate::storage;
use crate::storage::Db;
use crate::storage::stoppages::StoppageRow;
use std::time::Duration;

/// Rows of a page, and how long others are let to the database between two.
const ROWS: i64 = 2000;
const BETWEEN: Duration = Duration::from_millis(1);

impl App {
    /// Whether there is something to be remembered yet.
    pub fn has_to_remember(&self) -> bool {
        !self.past.is_complete()
    }

    /// Takes note of all that has a history, for as long as it is to go on. It reads for as long as that
    /// takes, so it belongs on a thread that may wait.
    pub fn remember(&self, go_on: impl Fn() -> bool) -> Result<(), Error> {
        // Whatever is committed from here on is noted by the writer or told by the feed, and all
        // before it is there to be read.
        let reading = self.past.begin();
        let heard = self.feed.as_ref().map(|feed| feed.lock().heard());
        let mut db = storage::open(&self.config.database, storage::Use::Read)?;
        // After a fail-over one that is the primary no more may still answer.
        if let Some(place) = heard
            && !storage::watermark::holds(&mut db, place)?
        {
            return Err(Error::Unavailable("it is not the database of which the feed is heard"));
        }
        if references(&mut db, &self.past, &go_on)?
            && firearms(&mut db, &self.past, &go_on)?
            && covers(&mut db, &self.past, &go_on)?
        {
            self.past.complete(reading);
        }
        Ok(())
    }

    /// Figures of what is known to have no history.
    pub(super) fn figures_of_the_past(&self) -> [(&'static str, &'static str, u64); 3] {
        let (known, asked) = self.past.counts();
        [
            (
                "passavant_history_known",
                "1 where all that has a history is remembered",
                u64::from(self.past.is_complete()),
            ),
            (
                "passavant_history_from_memory_total",
                "Verifications of what was known to have no history",
                known,
            ),
            (
                "passavant_history_asked_total",
                "Verifications whose history was asked of the database",
                asked,
            ),
        ]
    }
}

fn references(db: &mut Db, past: &Past, go_on: &impl Fn() -> bool) -> Result<bool, Error> {
    let take = |(id, kind, value): (Vec<u8>, String, String)| {
        past.note(Trace::Reference(&kind, &value));
        id
    };
    let released = |after: &Vec<u8>| storage::releases::references(db, after, ROWS);
    if !pages(Vec::new(), released, take, go_on)? {
        return Ok(false);
    }
    let stopped = |row: StoppageRow| {
        super::stoppage::traces(&row).for_each(|trace| past.note(trace));
        row.alert_id
    };
    if !pages(Vec::new(), |after| storage::stoppages::page(db, after, ROWS), stopped, go_on)? {
        return Ok(false);
    }
    let open = |(id, subject): (Vec<u8>, Vec<u8>)| {
        past.note(Trace::Case(&subject));
        id
    };
    pages(Vec::new(), |after| storage::alerts::subjects(db, after, ROWS), open, go_on)
}

fn firearms(db: &mut Db, past: &Past, go_on: &impl Fn() -> bool) -> Result<bool, Error> {
    let anywhere = |(row, serial): (i64, String)| {
        past.note(Trace::Firearm(EVERY_STATE, &serial));
        row
    };
    let released = |after: &i64| storage::serials::firearms(db, *after, ROWS);
    if !pages(0, released, anywhere, go_on)? {
        return Ok(false);
    }
    let reported = |after: &i64| storage::trails::reported(db, *after, ROWS);
    if !pages(0, reported, anywhere, go_on)? {
        return Ok(false);
    }
    pages(0, |after| storage::allowances::firearms(db, *after, ROWS), anywhere, go_on)
}

fn covers(db: &mut Db, past: &Past, go_on: &impl Fn() -> bool) -> Result<bool, Error> {
    let gone = |number: String| {
        past.note(Trace::Cover(&number));
        number
    };
    pages(String::new(), |after| storage::covers::numbers(db, after, ROWS), gone, go_on)
}

/// Goes through pages of rows, each after the last row of the one before; says whether it got to the end.
fn pages<Key, Row>(
    mut after: Key,
    mut read: impl FnMut(&Key) -> storage::Result<Vec<Row>>,
    take: impl Fn(Row) -> Key,
    go_on: &impl Fn() -> bool,
) -> Result<bool, Error> {
    while go_on() {
        let Some(last) = read(&after)?.into_iter().map(&take).last() else { return Ok(true) };
        after = last;
        std::thread::sleep(BETWEEN);
    }
    Ok(false)
}
