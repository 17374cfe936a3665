//! The ledger of a licence against itself, against the releases that move it, and against the balances: a
//! balance is what its movements add up to, and what they add up to is what the releases that stand draw.
use super::Error;
use super::releases::drew;
use crate::domain::Quantity;
use crate::storage;
use crate::storage::Db;
use crate::storage::licences::LedgerRow;
use crate::storage::recorded::ShortVersion;
use crate::storage::recorded::Sums;
use crate::storage::stands::Balance;
use std::collections::BTreeMap;
use std::collections::HashMap;

/// Movements read at a time.
const PAGE: i64 = 500;
/// Allowances that are still held back, and those that count as used up.
const OUT: [&str; 2] = ["set_aside", "out"];
const LOST: [&str; 1] = ["lost"];

/// Where a line stands after the movements read so far, in millionths.
#[derive(Debug, Default)]
struct Line {
    authorised: i64,
    reserved: i64,
    consumed: i64,
    /// What releases have drawn of it.
    released: i64,
    /// What is held for goods that were announced.
    announced: i64,
    /// What is set aside for posts, and what counts as used up with them.
    set_aside: i64,
    lost: i64,
}

/// The movements of one licence, read page by page.
#[derive(Debug, Default)]
pub(super) struct Movements {
    /// Whether they are those of a post that is cut off, which has licences from its snapshot.
    is_post: bool,
    after: i64,
    lines: BTreeMap<i64, Line>,
}

/// A sum of a line.
type Of = fn(&Line) -> i64;

/// What kind of movement one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The licence is issued: nothing is drawn yet.
    Begins,
    /// It is amended: what was drawn stays so.
    GoesOn,
    /// A post takes a snapshot up, or gives up what it was given.
    Rests,
    /// A release draws, or no longer does.
    Release,
    Reservation,
    Allowance,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "issue" => Self::Begins,
            "amendment" => Self::GoesOn,
            "snapshot" | "allowances_given_up" => Self::Rests,
            "release" | "release_amendment" | "reversal" | "override" => Self::Release,
            _ if word.starts_with("reservation") => Self::Reservation,
            _ if word.starts_with("allowance") => Self::Allowance,
            _ => return None,
        })
    }
}

impl Movements {
    /// None read yet.
    pub(super) fn new(is_post: bool) -> Self {
        Self { is_post, ..Self::default() }
    }

    /// Reads on; gives the first movement that does not follow from those before it.
    pub(super) fn read(
        &mut self,
        db: &mut Db,
        licence_id: i64,
        number: &str,
    ) -> Result<Option<String>, Error> {
        loop {
            let page = storage::licences::ledger(db, licence_id, self.after, PAGE)?;
            let is_last = i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE);
            let histories = Histories::of(db, &page)?;
            for (id, row) in &page {
                let words = match self.take(row) {
                    None => histories.differs(db, number, row)?,
                    words => words,
                };
                if let Some(words) = words {
                    let (line, kind) = (row.line, &row.kind);
                    return Ok(Some(format!("line {line}: movement {id} ({kind}) {words}")));
                }
                self.after = *id;
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// Takes a movement; says how it does not follow from those before it.
    fn take(&mut self, row: &LedgerRow) -> Option<String> {
        let known = Kind::of(&row.kind).filter(|kind| self.is_post || *kind != Kind::Rests);
        let Some(kind) = known else { return Some("is of no kind that there is".to_owned()) };
        let line = self.lines.entry(row.line).or_default();
        let (reserved, consumed) = match kind {
            Kind::Begins => (0, 0),
            Kind::Rests => (row.reserved, row.consumed),
            Kind::GoesOn => (line.reserved, line.consumed),
            Kind::Release | Kind::Reservation | Kind::Allowance => (
                line.reserved.saturating_add(row.reserved_change),
                line.consumed.saturating_add(row.consumed_change),
            ),
        };
        let moves = matches!(kind, Kind::Release | Kind::Reservation | Kind::Allowance);
        let states = (row.reserved_change, row.consumed_change) == (0, 0);
        if (!moves && !states) || (moves && row.authorised != line.authorised) {
            return Some("does not say what such a movement says".to_owned());
        }
        if (row.reserved, row.consumed) != (reserved, consumed) {
            return Some(format!(
                "leaves {} reserved, {} consumed; after the one before it that is {reserved} and {consumed} (millionths)",
                row.reserved, row.consumed
            ));
        }
        (line.authorised, line.reserved, line.consumed) = (row.authorised, reserved, consumed);
        match kind {
            Kind::Release => add(&mut line.released, row.consumed_change),
            Kind::Reservation => add(&mut line.announced, row.reserved_change),
            Kind::Allowance => {
                add(&mut line.set_aside, row.reserved_change);
                add(&mut line.lost, row.consumed_change);
            }
            Kind::Begins | Kind::GoesOn | Kind::Rests => {}
        }
        None
    }

    /// How the balances, and what releases draw by now, differ from what has moved.
    pub(super) fn differ(
        &self,
        db: &mut Db,
        licence_id: i64,
        (balances, shipments): (&[Balance], i64),
    ) -> Result<Option<String>, Error> {
        if let Some(words) = self.leave_another(balances) {
            return Ok(Some(words));
        }
        let (drawn, releases) = storage::recorded::drawn_of(db, licence_id)?;
        if let Some((line, moved, draws)) = self.first_other(|line| line.released, &drawn) {
            return Ok(Some(format!(
                "line {line}: the releases that stand draw {draws}, the ledger's movements of releases come to {moved} (millionths)"
            )));
        }
        if self.is_post {
            // The rest it has from its snapshot.
            return Ok(None);
        }
        // Releases of one declaration are one shipment.
        if (releases == 0) != (shipments == 0) || shipments > releases {
            return Ok(Some(format!(
                "it has had {shipments} shipments, and {releases} releases that stand draw of it"
            )));
        }
        self.held_otherwise(db, licence_id)
    }

    /// The first line whose balance is not where its movements have left it.
    fn leave_another(&self, balances: &[Balance]) -> Option<String> {
        let words =
            |reserved: i64, consumed: i64| format!("{reserved} reserved, {consumed} consumed");
        for balance in balances {
            let last = self.lines.get(&balance.line);
            let same = |line: &Line| {
                (line.authorised, line.reserved, line.consumed)
                    == (balance.authorised, balance.reserved, balance.consumed)
            };
            if !last.is_some_and(same) {
                let (line, stands) = (balance.line, words(balance.reserved, balance.consumed));
                let last = last.map(|line| words(line.reserved, line.consumed));
                let last = last.unwrap_or_else(|| "nothing".to_owned());
                return Some(format!(
                    "line {line} stands at {stands}, the ledger's last movement says {last} (millionths)"
                ));
            }
        }
        let gone = self.lines.iter().find(|(number, line)| {
            (line.reserved, line.consumed) != (0, 0)
                && balances.iter().all(|balance| balance.line != **number)
        });
        gone.map(|(number, _)| {
            format!("line {number} is drawn upon in the ledger and has no balance")
        })
    }

    /// What is held beside what is drawn: for announced goods and for posts.
    fn held_otherwise(&self, db: &mut Db, licence_id: i64) -> Result<Option<String>, Error> {
        let any = |of: fn(&Line) -> i64| self.lines.values().any(|line| of(line) != 0);
        if any(|line| line.announced) {
            let held = storage::recorded::held_of(db, licence_id)?;
            if let Some((line, moved, held)) = self.first_other(|line| line.announced, &held) {
                return Ok(Some(format!(
                    "line {line}: {held} are held for announced goods, the ledger's reservations come to {moved} (millionths)"
                )));
            }
        }
        let of_posts: [(Of, &[&str]); 2] =
            [(|line| line.set_aside, &OUT), (|line| line.lost, &LOST)];
        for (of, statuses) in of_posts {
            if !any(of) {
                continue;
            }
            let left = storage::recorded::set_aside_of(db, licence_id, statuses)?;
            if let Some((line, moved, left)) = self.first_other(of, &left) {
                let so = statuses.join(" or ");
                return Ok(Some(format!(
                    "line {line}: {left} are left of allowances that are {so}, the ledger says {moved} (millionths)"
                )));
            }
        }
        Ok(None)
    }

    /// The first line of which the ledger has another sum than the register: the line, and both.
    fn first_other(&self, of: impl Fn(&Line) -> i64, sums: &Sums) -> Option<(i64, i64, i64)> {
        let lines = self.lines.keys().chain(sums.keys());
        let both = lines.map(|line| {
            let moved = self.lines.get(line).map(&of).unwrap_or_default();
            (*line, moved, sums.get(line).copied().unwrap_or_default())
        });
        both.filter(|(_, moved, stands)| moved != stands).min()
    }
}

/// What releases drew in each of their states, of the releases that a page of movements names.
struct Histories(HashMap<Vec<u8>, Vec<ShortVersion>>);

impl Histories {
    fn of(db: &mut Db, page: &[(i64, LedgerRow)]) -> Result<Self, Error> {
        let of_releases = page.iter().filter(|(_, row)| Kind::of(&row.kind) == Some(Kind::Release));
        let mut ids: Vec<Vec<u8>> =
            of_releases.filter_map(|(_, row)| row.release_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found: HashMap<Vec<u8>, Vec<ShortVersion>> = HashMap::new();
        for version in storage::recorded::histories(db, &ids)? {
            found.entry(version.release_id.clone()).or_default().push(version);
        }
        Ok(Self(found))
    }

    /// How a movement of a release is not what that came to draw by it.
    fn differs(&self, db: &mut Db, number: &str, row: &LedgerRow) -> Result<Option<String>, Error> {
        if Kind::of(&row.kind) != Some(Kind::Release) {
            let may = matches!(row.kind.as_str(), "reservation_taken_over" | "allowance_drawn");
            let names = row.release_id.is_some() && !may;
            return Ok(names.then(|| "names a release".to_owned()));
        }
        let Some(id) = &row.release_id else { return Ok(Some("names no release".to_owned())) };
        let change = if row.kind == "override" { "override_confirmed" } else { row.kind.as_str() };
        let history = self.0.get(id).map(Vec::as_slice).unwrap_or_default();
        for (place, version) in history.iter().enumerate() {
            if version.change != change || !is_of_then(db, version, row.at_us)? {
                continue;
            }
            let before = place.checked_sub(1).and_then(|before| history.get(before));
            let before = before.map(|before| of_line(before, number, row.line)).transpose()?;
            let after = of_line(version, number, row.line)?;
            if after.saturating_sub(before.unwrap_or_default()) == row.consumed_change {
                return Ok(None);
            }
        }
        let id = crate::app::release::uuid(id)?;
        Ok(Some(format!("is none by which release {id} came to what it draws")))
    }
}

/// Whether a release came to stand so when a movement was booked. One that a post made while it was cut off is
/// booked at another time than it was made; its entry says when.
fn is_of_then(db: &mut Db, version: &ShortVersion, at_us: i64) -> Result<bool, Error> {
    if version.at_us == at_us || version.change != "release" {
        return Ok(version.at_us == at_us);
    }
    let index = u64::try_from(version.log_index).unwrap_or_default();
    let Some(body) = storage::log::entry(db, version.log_id, index)? else {
        return Ok(index < storage::archive::upto(db, version.log_id)?);
    };
    let entry: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    Ok(entry.get("joined").is_some() && super::at_us(&entry) == Some(at_us))
}

/// What a release drew of a line.
fn of_line(version: &ShortVersion, number: &str, line: i64) -> Result<i64, Error> {
    let draws = drew(&version.draws)?;
    let of = draws.iter().filter(|of| of.licence == number && i64::from(of.line) == line);
    let quantities = of.map(|of| Quantity::parse(&of.quantity).map_or(0, Quantity::micros));
    Ok(quantities.fold(0, i64::saturating_add))
}

fn add(sum: &mut i64, change: i64) {
    *sum = sum.saturating_add(change);
}
