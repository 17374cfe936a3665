//! A place in every log, and what has happened to alerts beyond it.
use super::super::Caller;
use super::super::Error;
use super::super::alerts;
use super::super::alerts::Query;
use crate::domain::alert::Change;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::alerts::AlertRow;
use crate::storage::alerts::EventRow;
use std::collections::BTreeMap;
use std::collections::VecDeque;

/// Events of one log read at once.
const PAGE: i64 = 500;
/// Logs of one cursor at most; each node has one, and each loss of data leaves one behind.
const LOGS_MAX: usize = 1000;

/// A place in every log: the index up to which a stream has seen each. Written as `log.index`,
/// joined by `~`; for its bearer it is opaque.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(pub(super) BTreeMap<i64, i64>);

impl Cursor {
    /// Reads one back.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let digits = text.bytes().all(|c| c.is_ascii_digit());
            text.parse::<i64>().ok().filter(|_| digits)
        };
        let mut read = BTreeMap::new();
        for part in text.split('~') {
            let (log, index) = part.split_once('.')?;
            if read.insert(number(log)?, number(index)?).is_some() || read.len() > LOGS_MAX {
                return None;
            }
        }
        Some(Self(read))
    }

    /// The end of every log.
    pub fn now(db: &mut Db) -> storage::Result<Self> {
        let logs = storage::log::all(db)?;
        Ok(Self(logs.into_iter().map(|log| (log.id, log.size)).collect()))
    }

    /// The index up to which a log has been seen.
    pub(super) fn of(&self, log: i64) -> i64 {
        self.0.get(&log).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (log, index)) in self.0.iter().enumerate() {
            let joint = if place == 0 { "" } else { "~" };
            write!(f, "{joint}{log}.{index}")?;
        }
        Ok(())
    }
}

/// Something that happened to an alert, ready to be passed on.
#[derive(Debug)]
pub struct Told {
    pub(super) log: i64,
    pub(super) index: i64,
    at_us: i64,
    alert: AlertRow,
    pub(super) change: String,
    pub(super) data: String,
}

impl Told {
    /// Whether a caller may see it and has asked for it.
    pub(super) fn is_for(&self, caller: &Caller, query: &Query) -> bool {
        let alert = &self.alert;
        let post = query.post.as_ref().map(crate::domain::Locode::as_str);
        alerts::sees(caller, alert)
            && (post.is_none() || post == alert.border_post.as_deref())
            && query.severity.map(Severity::as_str).is_none_or(|word| word == alert.severity)
            && query.kind.is_none_or(|kind| kind.as_str() == alert.kind)
    }
}

/// A page of what happened beyond a cursor, the place that it leads to, and whether there is more.
pub(super) struct Beyond {
    pub(super) told: Vec<Told>,
    pub(super) ends: Cursor,
    pub(super) more: bool,
}

/// Reads what happened beyond a cursor: in the order of each log, and over all logs as nearly as
/// their clocks agree.
pub(super) fn beyond(db: &mut Db, cursor: &Cursor) -> Result<Beyond, Error> {
    let (mut queues, mut ends, mut more) = (Vec::new(), cursor.clone(), false);
    for log in storage::log::all(db)? {
        let from = cursor.of(log.id);
        if from >= log.size {
            ends.0.entry(log.id).or_insert(log.size);
            continue;
        }
        let rows = storage::alerts::events(db, log.id, (from, log.size), PAGE)?;
        let full = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
        let last = rows.last().map(|(event, _)| event.log_index + 1);
        ends.0.insert(log.id, last.filter(|_| full).unwrap_or(log.size));
        more |= full;
        let mut queue = VecDeque::with_capacity(rows.len());
        let worked = worked_on(db, &rows)?;
        for (event, alert) in rows {
            let worked_on = worked.iter().any(|work| {
                work.alert_id == alert.id
                    && (work.at_us, work.log_id, work.log_index)
                        < (event.at_us, event.log_id, event.log_index)
            });
            queue.push_back(Told {
                log: event.log_id,
                index: event.log_index,
                at_us: event.at_us,
                change: event.change.clone(),
                data: alerts::told(&event, &alert, worked_on)?,
                alert,
            });
        }
        queues.push(queue);
    }
    let mut told = Vec::new();
    while let Some(queue) = queues
        .iter_mut()
        .filter(|queue| !queue.is_empty())
        .min_by_key(|queue| queue.front().map(|told| told.at_us))
    {
        told.extend(queue.pop_front());
    }
    Ok(Beyond { told, ends, more })
}

/// Steps of somebody's work on those alerts of a page that were seen again: of no others it needs to be
/// known when it began.
fn worked_on(db: &mut Db, rows: &[(EventRow, AlertRow)]) -> Result<Vec<EventRow>, Error> {
    let again = Change::SeenAgain.as_str();
    let seen = rows.iter().filter(|(event, _)| event.change == again);
    let mut ids: Vec<Vec<u8>> = seen.map(|(_, alert)| alert.id.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut worked = Vec::new();
    if !ids.is_empty() {
        worked = storage::alerts::events_of(db, &ids)?;
        worked.retain(|event| event.change != Change::Raised.as_str());
    }
    Ok(worked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_was_written() {
        for text in ["1.0", "1.57~3.4", "2.9223372036854775807"] {
            assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "1", "1.", ".1", "1.2~", "1.2~1.3", "1.-2", "+1.2", "1.2.3", "a.b", "1.2 "]
        {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
        let long = (0..=LOGS_MAX).map(|log| format!("{log}.0")).collect::<Vec<_>>().join("~");
        assert_eq!(Cursor::parse(&long), None);
    }
}
