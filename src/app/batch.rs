//! One batch inside its transaction: licences are read once and decided on in memory, so that a
//! later command sees what an earlier one drew; everything is written at the end.
use super::Error;
use super::audit_log::Leaf;
use super::audit_log::LogWriter;
use super::book;
use super::book::Book;
use super::cases::Cases;
use super::claims::Claims;
use super::covers::Covers;
use super::draws::Draw;
use super::draws::moved;
use super::first_replies::FirstReplies;
use super::outbox::Listener;
use super::raise::Raised;
use super::recorder::Command;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release_rows::ReleaseRows;
use super::trust::Trust;
use crate::audit::entry::seal;
use crate::cache::past::Past;
use crate::clock::Ids;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::event::Event;
use crate::domain::licence::Held;
use crate::domain::lists::Lists;
use crate::storage;
use crate::storage::Db;
use crate::storage::licence_entries::LicenceEntryRow;
use crate::storage::licences::LedgerRow;
use crate::storage::licences::LineRow;
use crate::storage::verifications::EnteredRow;
use crate::storage::watermark::News;
use crate::wire::licence::MOVEMENTS;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a committed batch has changed.
#[derive(Debug, Default)]
pub struct Changed {
    /// Licences, as they stand now.
    pub licences: Vec<Held>,
    /// The count under which they have changed.
    pub sequence: Option<i64>,
    /// The lists, where another edition is in force now.
    pub lists: Option<Lists>,
    /// Whether events were put on their way.
    pub told: bool,
    /// Whether something has happened to alerts.
    pub alerts: bool,
}

/// A licence in the batch.
#[derive(Debug)]
struct Working {
    entry: book::Entry,
    /// Whether its balance or its count of shipments is to be written.
    drawn: bool,
    changed: bool,
}

/// One batch of commands.
pub struct Batch<'a> {
    /// The connection, inside the transaction.
    pub db: &'a mut Db,
    /// Identifiers and nonces.
    pub ids: &'a dyn Ids,
    /// The batch's instant.
    pub now: Timestamp,
    /// The lists in force.
    pub lists: Arc<Lists>,
    /// Verdicts to be written.
    pub verifications: Vec<EnteredRow>,
    /// Alerts and deadlines to be written.
    pub(super) raised: Raised,
    /// Movements of balances to be written.
    pub ledger: Vec<LedgerRow>,
    /// Releases to be written.
    pub(super) releases: ReleaseRows,
    /// What has gone under import licences, to be written.
    pub(super) covers: Covers,
    /// Which entries record versions of licences, to be written.
    pub licence_entries: Vec<LicenceEntryRow>,
    /// Alerts that are open on what the commands named.
    pub(super) cases: Cases,
    /// What has never been released.
    pub(super) past: &'a Past,
    /// What other nodes are to be told.
    pub(super) news: News,
    /// Whom this service believes.
    pub trust: &'a Trust,
    log: &'a mut LogWriter,
    book: &'a mut Book,
    licences: BTreeMap<Text, Option<Working>>,
    replies: FirstReplies,
    new_lists: Option<Lists>,
    pub(super) events: Vec<Event<Box<serde_json::value::RawValue>>>,
    pub(super) listeners: Option<Vec<Listener>>,
}

impl<'a> Batch<'a> {
    /// An empty batch.
    pub fn new(
        db: &'a mut Db,
        log: &'a mut LogWriter,
        book: &'a mut Book,
        (past, trust): (&'a Past, &'a Trust),
        ids: &'a dyn Ids,
        now: Timestamp,
        lists: Arc<Lists>,
    ) -> Self {
        Self {
            db,
            ids,
            now,
            lists,
            verifications: Vec::new(),
            raised: Raised::default(),
            ledger: Vec::new(),
            releases: ReleaseRows::default(),
            covers: Covers::default(),
            licence_entries: Vec::new(),
            cases: Cases::default(),
            past,
            news: News::default(),
            trust,
            log,
            book,
            licences: BTreeMap::new(),
            replies: FirstReplies::default(),
            new_lists: None,
            events: Vec::new(),
            listeners: None,
        }
    }

    /// Names, locks and reads what the commands will decide on.
    pub fn prepare(&mut self, commands: &[Box<dyn Command>]) -> Result<(), Stop> {
        let mut claims = Claims::default();
        for command in commands {
            command.claims(self.db, &mut claims)?;
            if let Some(once) = command.once() {
                claims.once(once);
            }
        }
        let numbers: Vec<&str> = claims.licences().map(Text::as_str).collect();
        storage::locks::take(self.db, claims.names(), &numbers)?;
        self.take_in(&numbers)?;
        self.cases = Cases::read(self.db, self.past, claims.cases())?;
        Ok(self.replies.read(self.db, claims.keys())?)
    }

    /// Runs a command, unless its key stands already.
    pub fn run(&mut self, command: &dyn Command) -> Result<Recorded, Stop> {
        if self.trust.is_cut_off() && !command.is_for_cut_off() {
            // Not kept under its key: the register has not been asked yet.
            let words =
                "this post is cut off: it verifies and releases, all else waits for the register";
            return Err(Error::Stale(words.to_owned()).into());
        }
        let Some(once) = command.once() else { return self.decided(command) };
        let digest = once.digest();
        if let Some(first) = self.replies.find(once, &digest)? {
            return Ok(first);
        }
        let decided = self.decided(command);
        self.replies.keep((once, digest), self.now, &decided)?;
        decided
    }

    /// Reads licences into the batch that its commands did not name, those that are not there yet.
    pub fn read_licences(&mut self, numbers: &[Text]) -> Result<(), Stop> {
        let missing: Vec<&str> = numbers
            .iter()
            .map(Text::as_str)
            .filter(|number| !self.licences.contains_key(*number))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        storage::locks::take_late(self.db, &missing)?;
        self.take_in(&missing)
    }

    fn take_in(&mut self, numbers: &[&str]) -> Result<(), Stop> {
        if numbers.is_empty() {
            return Ok(());
        }
        let entries = self.book.read(self.db, numbers)?;
        for number in numbers {
            self.licences.insert(Text::from(*number), None);
        }
        for entry in entries {
            let number = entry.held.licence.number.clone();
            self.licences.insert(number, Some(Working { entry, drawn: false, changed: false }));
        }
        Ok(())
    }

    /// A licence as it stands in this batch; it must have been read into it.
    pub fn licence(&self, number: &str) -> Option<&book::Entry> {
        self.licences.get(number).and_then(Option::as_ref).map(|working| &working.entry)
    }

    /// Moves what is held and consumed of a line to other figures and writes that into the ledger.
    pub fn draw(&mut self, draw: &Draw<'_>) -> Result<(), Stop> {
        let now_us = self.now.as_microsecond();
        let broken = |what: &str| {
            Stop::Broken(storage::Error::Bug(format!(
                "{what}: {} line {}",
                draw.licence, draw.line
            )))
        };
        let working = self
            .licences
            .get_mut(draw.licence)
            .and_then(Option::as_mut)
            .ok_or_else(|| broken("not read"))?;
        let id = working.entry.id;
        let held = &mut working.entry.held;
        let authorised = held
            .licence
            .line(draw.line)
            .map(|line| line.quantity)
            .ok_or_else(|| broken("no such line"))?;
        let place = held.standing.drawn.iter_mut().find(|drawn| drawn.line == draw.line);
        let drawn = place.ok_or_else(|| broken("no balance"))?;
        let before = *drawn;
        drawn.consumed = moved(before.consumed, draw.give_back, draw.take)
            .ok_or_else(|| broken("gives back more than was drawn"))?;
        drawn.reserved = moved(before.reserved, draw.free, draw.hold)
            .ok_or_else(|| broken("frees more than was held"))?;
        if drawn.consumed.plus(drawn.reserved).is_none_or(|used| used > authorised) {
            return Err(broken("would be over-drawn"));
        }
        let row = LedgerRow {
            licence_id: id,
            line: i64::from(draw.line),
            kind: draw.kind.to_owned(),
            authorised: authorised.micros(),
            reserved: drawn.reserved.micros(),
            consumed: drawn.consumed.micros(),
            consumed_change: drawn.consumed.micros() - before.consumed.micros(),
            release_id: draw.release_id.map(<[u8]>::to_vec),
            at_us: now_us,
            reserved_change: drawn.reserved.micros() - before.reserved.micros(),
            preclearance_id: draw.preclearance_id.map(<[u8]>::to_vec),
            allowance_id: draw.allowance_id.map(<[u8]>::to_vec),
        };
        working.drawn = true;
        self.ledger.push(row);
        Ok(())
    }

    /// Counts a shipment against a licence, or takes it back.
    pub fn count_shipment(&mut self, number: &str, added: bool) {
        if let Some(working) = self.licences.get_mut(number).and_then(Option::as_mut) {
            let shipments = &mut working.entry.held.standing.shipments;
            *shipments =
                if added { shipments.saturating_add(1) } else { shipments.saturating_sub(1) };
            working.drawn = true;
        }
    }

    /// Puts a licence that a command has written itself into the batch.
    pub fn put_licence(&mut self, entry: book::Entry) {
        let number = entry.held.licence.number.clone();
        let drawn = self
            .licences
            .get(number.as_str())
            .and_then(Option::as_ref)
            .is_some_and(|working| working.drawn);
        self.licences.insert(number, Some(Working { entry, drawn, changed: true }));
    }

    /// Puts another edition of the lists in force for the commands that follow.
    pub fn put_lists(&mut self, lists: Lists) {
        self.lists = Arc::new(lists.clone());
        self.new_lists = Some(lists);
    }

    /// Adds an entry to the audit trail; gives its index.
    pub fn enter(
        &mut self,
        kind: &str,
        nonce: [u8; 16],
        body: &impl Serialize,
    ) -> Result<u64, Stop> {
        // The command has written already: what it cannot say of it must not stand.
        let entry = seal(kind, self.now, nonce, body).map_err(|error| {
            storage::Error::Bug(format!("an audit entry of kind {kind} is too large: {error:?}"))
        })?;
        Ok(self.log.stage(Leaf::new(&entry)?))
    }

    /// Adds an entry that was sealed before; gives its index.
    pub fn enter_sealed(&mut self, entry: Leaf) -> u64 {
        self.log.stage(entry)
    }

    /// The index of the next entry.
    pub fn next_index(&self) -> u64 {
        self.log.next_index()
    }

    /// The log's origin and row.
    pub fn log(&self) -> (&str, i64) {
        (self.log.origin(), self.log.log_id())
    }

    /// Writes everything that the commands have decided, the audit entries last.
    pub fn finish(mut self) -> storage::Result<Changed> {
        let mut changed = Changed { lists: self.new_lists.take(), ..Changed::default() };
        let (mut drawn, mut lines, mut news) =
            (Vec::new(), Vec::new(), std::mem::take(&mut self.news));
        for working in std::mem::take(&mut self.licences).into_values().flatten() {
            if working.drawn {
                drawn.push((working.entry.id, working.entry.held.standing.shipments));
                lines.extend(standing(&working.entry));
            }
            if working.drawn || working.changed {
                news.licences.push(working.entry.held.licence.number.to_string());
                changed.licences.push(working.entry.held);
            }
            news.at_once |= working.changed;
        }
        self.releases.write(self.db)?;
        self.covers.write(self.db)?;
        storage::licences::put_lines(self.db, &lines)?;
        storage::licences::update_shipments(self.db, &drawn)?;
        // The pages have words for these kinds and no others.
        debug_assert!(self.ledger.iter().all(|row| MOVEMENTS.contains(&row.kind.as_str())));
        storage::licences::insert_ledger(self.db, &self.ledger)?;
        storage::licence_entries::insert(self.db, &self.licence_entries)?;
        storage::verifications::insert(self.db, &self.verifications)?;
        self.raised.write(self.db)?;
        changed.alerts = self.raised.any;
        self.replies.write(self.db)?;
        changed.told = self.write_events()?;
        self.log.flush(self.db)?;
        changed.sequence = storage::watermark::tell(self.db, &news, mark(self.ids))?;
        Ok(changed)
    }
}

/// What a batch is known by in the feed.
fn mark(ids: &dyn Ids) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = ids.nonce();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The balances of a licence's lines as they are written.
pub(super) fn standing(entry: &book::Entry) -> impl Iterator<Item = LineRow> {
    let held = &entry.held;
    let drawn = held.standing.drawn.iter();
    drawn.filter_map(move |drawn| {
        let line = held.licence.line(drawn.line)?;
        Some(LineRow::new(entry.id, *drawn, line.quantity))
    })
}
