//! Walking every log from its first byte: entries against tiles, tiles against roots, roots against
//! signed checkpoints, the records kept beside against the digests in their entries, and the register
//! against what entries record of it.
mod tree;

use super::Error;
use super::archive;
use super::audit_register;
use super::audit_register::Counted;
use super::audit_register::Kept;
use super::audit_register::Walked;
use super::memory;
use super::replay;
use crate::audit::Hash;
use crate::audit::entry::hex;
use crate::audit::tile;
use crate::audit::tree::Frontier;
use crate::config;
use crate::storage;
use crate::storage::Db;
use crate::storage::archive::ArchiveRow;
use crate::storage::log::LogRow;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Entries in a tile of level 0, as many as are read at a time.
const TILE: u64 = 256;
/// So few entries beyond the last look that the rest can be read as of one instant.
const REST: u64 = 16 * TILE;
/// How often the walk follows a log that grows meanwhile, before it takes the rest however long that is.
const LOOKS: usize = 10;

/// What the walk found of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// The log's origin.
    pub origin: String,
    /// What its checkpoints are verified with.
    pub verifier_key: String,
    /// Entries that fit.
    pub entries: u64,
    /// Checkpoints that fit.
    pub checkpoints: u64,
    /// Entries from the first on whose bodies are in archive files, and whose hashes fit.
    pub archived: u64,
    /// Verdicts whose record beside the log fits.
    pub records: u64,
    /// The root of the whole tree, base64.
    pub root: String,
    /// The first thing that does not fit.
    pub fault: Option<String>,
}

/// A fault ends the walk of a log; a database that fails ends the walk.
enum Stop {
    Fault(String),
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        let error = error.into();
        // What is kept does not read: the trail does not fit, and the walk says where.
        if let Error::Storage(storage::Error::Corrupt(words)) = error {
            return Self::Fault(words);
        }
        Self::Failed(error)
    }
}

fn fault<T>(words: String) -> Result<T, Stop> {
    Err(Stop::Fault(words))
}

/// What this node remembers of its own log apart from the database: to be read before the database is.
pub fn remembered(node: &config::Node) -> Result<Option<String>, Error> {
    memory::read(&node.data_dir, &node.origin)
}

/// Walks every log, also while the service goes on writing; `progress` is told how many entries of how many
/// have been walked.
pub fn verify(db: &mut Db, progress: impl FnMut(u64, u64)) -> Result<Vec<LogReport>, Error> {
    verify_with(db, None, progress)
}

/// The same, with what a node remembers of its own log.
pub fn verify_with(
    db: &mut Db,
    remembered: Option<&str>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<LogReport>, Error> {
    let (mut reports, mut walked) = (Vec::new(), Vec::new());
    for row in storage::log::all(db)? {
        let report = LogReport {
            origin: row.origin.clone(),
            verifier_key: row.verifier_key.clone(),
            entries: 0,
            checkpoints: 0,
            archived: 0,
            records: 0,
            root: String::new(),
            fault: None,
        };
        let mut walk = Walk {
            frontier: Frontier::default(),
            partial: BTreeMap::new(),
            tiles: 0,
            archives: storage::archive::all(db, row.id)?,
            named: 0,
            editions: BTreeSet::new(),
            acts: 0,
            counted: Counted::new(db)?,
            has_joined: storage::posts::joined(db, row.id)?,
            remembered: remembered.filter(|note| note.lines().next() == Some(&row.origin)),
            row,
            report,
        };
        match walk.run(db, &mut progress) {
            Ok(()) => walked.push(walk.walked()),
            Err(Stop::Fault(words)) => walk.report.fault = Some(words),
            Err(Stop::Failed(error)) => return Err(error),
        }
        walk.report.root = walk.frontier.root().to_string();
        reports.push(walk.report);
    }
    // What is recorded in any of the logs; it is said once, with the first that fits by itself.
    let sound = reports.iter_mut().find(|report| report.fault.is_none());
    if let Some(report) = sound {
        report.fault = match audit_register::fault(db, &walked) {
            // What does not read is not what was written.
            Err(Error::Storage(storage::Error::Corrupt(words)) | Error::Internal(words)) => {
                Some(words)
            }
            found => found?,
        };
    }
    Ok(reports)
}

struct Walk<'a> {
    row: LogRow,
    frontier: Frontier,
    partial: BTreeMap<(u8, u64), Vec<u8>>,
    tiles: u64,
    /// Archive files by the table, and up to where the log's own entries name them.
    archives: Vec<ArchiveRow>,
    named: u64,
    /// Editions of the lists that have been compared.
    editions: BTreeSet<String>,
    /// Entries that record an act upon a release.
    acts: u64,
    /// Entries that record other acts at the border.
    counted: Counted,
    /// Whether it is the log of a post that was cut off, of which other entries record what it did.
    has_joined: bool,
    /// A checkpoint of this log that is kept apart from the database.
    remembered: Option<&'a str>,
    report: LogReport,
}

impl Walk<'_> {
    /// Walks what there is, and then what has been written meanwhile, until so little is left that it is read
    /// with the log's end as of one instant: one look at all of it would keep the database from tidying up.
    fn run(&mut self, db: &mut Db, progress: &mut impl FnMut(u64, u64)) -> Result<(), Stop> {
        let mut size = self.size()?;
        for _ in 0..LOOKS {
            self.upto(db, size, progress)?;
            self.look_again(db)?;
            let walked = std::mem::replace(&mut size, self.size()?);
            if size <= walked + REST {
                break;
            }
        }
        storage::snapshot(db, |db| {
            self.look_again(db)?;
            size = self.size()?;
            self.upto(db, size, progress)?;
            self.end(db, size)
        })
    }

    fn size(&self) -> Result<u64, Stop> {
        u64::try_from(self.row.size).or_else(|_| fault("the log's size is negative".to_owned()))
    }

    fn look_again(&mut self, db: &mut Db) -> Result<(), Stop> {
        match storage::log::by_origin(db, &self.row.origin)? {
            Some(row) if row.verifier_key == self.row.verifier_key => self.row.size = row.size,
            Some(_) => return fault("its key was changed meanwhile".to_owned()),
            None => return fault("it was removed meanwhile".to_owned()),
        }
        Ok(())
    }

    /// Walks entries up to a size that the log has, or has had.
    fn upto(
        &mut self,
        db: &mut Db,
        size: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Stop> {
        let archived = self.archived();
        while self.frontier.size() < archived.min(size) {
            self.archived_chunk(db, archived.min(size))?;
            progress(self.frontier.size(), size);
        }
        while self.frontier.size() < size {
            let from = self.frontier.size();
            // As far as one tile holds them; what the service adds meanwhile is looked at in its turn.
            let rest = (TILE - from % TILE).min(size - from);
            let rest = i64::try_from(rest).unwrap_or_default();
            let entries = storage::log::entries(db, self.row.id, from, rest)?;
            self.chunk(db, from, size, &entries)?;
            progress(self.frontier.size(), size);
        }
        Ok(())
    }

    /// What must hold of the log's end, where everything is read as of one instant.
    fn end(&mut self, db: &mut Db, size: u64) -> Result<(), Stop> {
        if !storage::log::entries(db, self.row.id, size, 1)?.is_empty() {
            return fault(format!("entry {size} stands beyond the log's size"));
        }
        match storage::log::latest_checkpoint(db, self.row.id)? {
            None if size > 0 => {
                return fault(format!("the log has {size} entries, and no checkpoint is signed"));
            }
            Some((at, _)) if u64::try_from(at).ok() != Some(size) => {
                return fault(format!(
                    "a checkpoint is signed for size {at}, the log has {size} entries"
                ));
            }
            _ => {}
        }
        if let Some(note) = self.remembered
            && let Some(words) = memory::differs(db, &self.row, note)?
        {
            return fault(words);
        }
        let partial = std::mem::take(&mut self.partial);
        for ((level, index), bytes) in &partial {
            self.compare(db, *level, *index, bytes)?;
        }
        let archived = self.archived();
        if self.named != archived {
            return fault(format!(
                "entries up to {archived} are archived by the table and up to {} by the log",
                self.named
            ));
        }
        let stored = storage::log::count_tiles(db, self.row.id)?;
        if u64::try_from(stored).ok() != Some(self.tiles) {
            return fault(format!("{stored} tiles are stored, {} belong to the tree", self.tiles));
        }
        Ok(())
    }

    /// The first entry that is still here.
    fn archived(&self) -> u64 {
        let last = self.archives.last().map_or(0, |row| row.upto_index);
        u64::try_from(last).unwrap_or_default()
    }

    /// Walks archived entries by their hashes, as far as one tile holds them.
    fn archived_chunk(&mut self, db: &mut Db, upto: u64) -> Result<(), Stop> {
        let from = self.frontier.size();
        let (tile, to) = (from / 256, upto.min((from / 256 + 1) * 256));
        let Some(stored) = storage::log::tile(db, self.row.id, 0, tile)? else {
            return fault(format!("tile {tile} of level 0 is missing"));
        };
        let skip = usize::try_from(from % 256).unwrap_or_default();
        let take = usize::try_from(to - from).unwrap_or_default();
        let leaves: Vec<Hash> = tile::hashes(&stored).skip(skip).take(take).collect();
        if leaves.len() != take {
            return fault(format!("tile {tile} of level 0 is too short"));
        }
        let next = storage::log::entries(db, self.row.id, from, 1)?;
        if let Some((index, _)) = next.first()
            && u64::try_from(*index).is_ok_and(|index| index < to)
        {
            return fault(format!("entry {index} stands, and the table says that it is archived"));
        }
        self.grow(db, from, to, &leaves)?;
        (self.report.archived, self.report.entries) = (to, to);
        Ok(())
    }

    /// Compares an entry that names an archive file with the table.
    fn names_archive(&mut self, index: u64, entry: &Value) -> Result<(), Stop> {
        let number = |field: &str| entry.get(field).and_then(Value::as_u64);
        let (from, upto) = (number("from"), number("upto"));
        let sha256 = entry.get("sha256").and_then(Value::as_str);
        let fits = self.archives.iter().any(|row| {
            u64::try_from(row.first_index).ok() == from
                && u64::try_from(row.upto_index).ok() == upto
                && Some(hex(&row.sha256).as_str()) == sha256
        });
        if !fits {
            return fault(format!("entry {index} names an archive file that the table does not"));
        }
        self.named = self.named.max(upto.unwrap_or_default());
        Ok(())
    }

    /// Walks entries, stopping at every size that has been signed.
    fn chunk(
        &mut self,
        db: &mut Db,
        from: u64,
        size: u64,
        entries: &[(i64, Vec<u8>)],
    ) -> Result<(), Stop> {
        let mut leaves: Vec<Hash> = Vec::with_capacity(entries.len());
        let read: Vec<_> =
            entries.iter().map(|(_, body)| serde_json::from_slice::<Value>(body)).collect();
        let to = from + u64::try_from(entries.len()).unwrap_or_default();
        let beside = if self.has_joined {
            Kept::default()
        } else {
            Kept::read(db, (self.row.id, from, to), read.iter().flatten())?
        };
        for (((index, body), entry), expected) in entries.iter().zip(read).zip(from..) {
            if u64::try_from(*index).ok() != Some(expected) {
                return fault(format!("entry {expected} is missing"));
            }
            self.report.entries = expected;
            match entry {
                Ok(entry) => self.record(db, expected, &entry, &beside)?,
                Err(error) => {
                    let at = error.column();
                    return fault(format!("entry {expected}: byte {at} does not fit: {error}"));
                }
            }
            leaves.push(tlog_tiles::record_hash(body));
        }
        if entries.is_empty() || to > size {
            return fault(format!("entry {from} is missing"));
        }
        self.leaves(db, from, &leaves)?;
        self.grow(db, from, to, &leaves)
    }

    /// Compares what is kept beside an entry with the entry's digests, and the register with what it records.
    fn record(&mut self, db: &mut Db, index: u64, entry: &Value, kept: &Kept) -> Result<(), Stop> {
        if entry.get("kind").and_then(Value::as_str) == Some(archive::KIND) {
            self.names_archive(index, entry)?;
        }
        self.report.records += match replay::kept_beside(db, self.row.id, index, entry)? {
            None => 0,
            Some(differences) => match differences.first() {
                None => 1,
                Some(difference) => return fault(format!("entry {index}: {difference}")),
            },
        };
        let mut difference = audit_register::differs(db, entry, &mut self.editions)?;
        if difference.is_none() && !self.has_joined {
            self.acts += u64::from(audit_register::is_of_release(entry));
            self.counted.add(entry);
            difference = match kept.differs(db, (self.row.id, index), entry) {
                // What does not read is not what was written.
                Err(Error::Internal(words)) => Some(words),
                found => found?,
            };
        }
        if let Some(difference) = difference {
            return fault(format!("entry {index}: {difference}"));
        }
        self.report.entries = index + 1;
        Ok(())
    }

    /// As far as it has been walked.
    fn walked(&self) -> Walked {
        Walked {
            log_id: self.row.id,
            from: self.archived(),
            upto: self.frontier.size(),
            releases: self.acts,
            acts: self.counted,
        }
    }
}
