//! The node's audit log: entries staged while a batch is decided, hashed, signed and written with
//! it, and read back with their proofs.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use crate::audit::Hash;
use crate::audit::checkpoint;
use crate::audit::checkpoint::Signer;
use crate::audit::entry::seal;
use crate::audit::proof;
use crate::audit::tile;
use crate::audit::tile::HASH_BYTES;
use crate::audit::tile::TilePath;
use crate::audit::tree::Frontier;
use crate::clock::Ids;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::Append;
use crate::storage::log::LogRow;
use crate::wire::audit::EntryReply;
use crate::wire::audit::ProofReply;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// The writer's side of the node's own log.
pub struct LogWriter {
    row: LogRow,
    signer: Signer,
    frontier: Frontier,
    staged: Vec<Vec<u8>>,
    flushed: Option<Frontier>,
}

/// What the first entry of a log says of the others in its database.
#[derive(Serialize)]
struct Opened<'a> {
    log: &'a str,
    held: &'a serde_json::value::RawValue,
}

impl LogWriter {
    /// Opens the log of the signer's origin, or continues it where its stored tiles and its last
    /// checkpoint agree.
    pub fn open(
        db: &mut Db,
        signer: Signer,
        now: Timestamp,
        nonce: [u8; 16],
    ) -> Result<Self, Error> {
        let row = storage::log::open(db, signer.origin(), signer.verifier_key(), now)?;
        if row.verifier_key != signer.verifier_key() {
            return Err(Error::Internal(format!(
                "the key at hand is not the key of log {}",
                row.origin
            )));
        }
        let frontier = load(db, &row)?;
        let mut opened = Self { row, signer, frontier, staged: Vec::new(), flushed: None };
        if opened.row.gap.is_some() && opened.frontier.size() == 0 {
            opened.declare_gap(db, now, nonce)?;
        }
        Ok(opened)
    }

    /// The first entry of a log that is opened beside others: which logs this database holds, and how
    /// far. Whoever holds a later checkpoint of one of them sees what was lost.
    fn declare_gap(&mut self, db: &mut Db, now: Timestamp, nonce: [u8; 16]) -> Result<(), Error> {
        let held = self.row.gap.clone().unwrap_or_default();
        let held = serde_json::value::RawValue::from_string(held)
            .map_err(|error| Error::Internal(format!("log {}: {error}", self.row.origin)))?;
        let entry = seal("log_opened", now, nonce, &Opened { log: &self.row.origin, held: &held })
            .map_err(|error| Error::Internal(format!("log {}: {error:?}", self.row.origin)))?;
        self.stage(entry);
        storage::transaction(db, |db| self.flush(db))?;
        self.commit();
        Ok(())
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.row.origin
    }

    /// The log's row.
    pub fn log_id(&self) -> i64 {
        self.row.id
    }

    /// Takes an entry for the batch; gives the index that it will have.
    pub fn stage(&mut self, entry: Vec<u8>) -> u64 {
        let index = self.frontier.size() + u64::try_from(self.staged.len()).unwrap_or_default();
        self.staged.push(entry);
        index
    }

    /// Writes what is staged, in the batch's transaction.
    pub fn flush(&mut self, db: &mut Db) -> storage::Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let leaves: Vec<Hash> =
            self.staged.iter().map(|entry| tlog_tiles::record_hash(entry)).collect();
        let mut frontier = self.frontier.clone();
        let tiles = frontier.append(&leaves);
        let note = self.signer.sign(frontier.size(), frontier.root()).map_err(|error| {
            storage::Error::Bug(format!("the checkpoint cannot be signed: {error}"))
        })?;
        storage::log::append(
            db,
            &Append {
                log_id: self.row.id,
                from: self.frontier.size(),
                to: frontier.size(),
                entries: &self.staged,
                tiles: &tiles,
                note: &note,
            },
        )?;
        self.flushed = Some(frontier);
        Ok(())
    }

    /// The batch is durable: the log has grown.
    pub fn commit(&mut self) {
        if let Some(frontier) = self.flushed.take() {
            self.frontier = frontier;
        }
        self.staged.clear();
    }

    /// The batch is not: nothing has been staged. Where the database has the batch after all (its
    /// commit was answered by an error), the log is taken up from there.
    pub fn rollback(&mut self, db: &mut Db) -> Result<(), Error> {
        self.staged.clear();
        self.flushed = None;
        let row = storage::log::by_origin(db, &self.row.origin)?;
        let row = row.ok_or_else(|| Error::Internal(format!("log {} is gone", self.row.origin)))?;
        self.frontier = load(db, &row)?;
        self.row = row;
        Ok(())
    }

    /// Whether the log is as this writer left it.
    pub fn is_current(&self, db: &mut Db) -> Result<bool, Error> {
        let row = storage::log::by_origin(db, &self.row.origin)?;
        Ok(row.is_some_and(|row| u64::try_from(row.size).ok() == Some(self.frontier.size())))
    }
}

/// Takes up a log's right edge and insists that its last signed checkpoint agrees with it.
fn load(db: &mut Db, row: &LogRow) -> Result<Frontier, Error> {
    let broken = |what: &str| {
        Error::Internal(format!("log {}: {what}; run `passavant audit verify`", row.origin))
    };
    let size = u64::try_from(row.size).map_err(|_e| broken("its size is negative"))?;
    let frontier =
        Frontier::load(size, |level, index| storage::log::tile(db, row.id, level, index))?;
    let frontier = frontier.ok_or_else(|| broken("a tile of its edge is missing"))?;
    match storage::log::latest_checkpoint(db, row.id)? {
        None if size == 0 => Ok(frontier),
        None => Err(broken("it has no checkpoint")),
        Some((_, note)) => {
            let signed = checkpoint::verify(&note, &row.verifier_key)
                .map_err(|error| broken(&error.to_string()))?;
            if signed != (size, frontier.root()) {
                return Err(broken("its checkpoint is not of its tiles"));
            }
            Ok(frontier)
        }
    }
}

/// The key of the node's log: read from its file, or made where there is none yet.
pub fn signer(file: &Path, origin: &str, ids: &dyn Ids) -> Result<Signer, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("the log's key {}: {error}", file.display()))
    };
    if !file.exists() {
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&ids.nonce());
        right.copy_from_slice(&ids.nonce());
        write_secret(file, &checkpoint::key_text(origin, &seed)).map_err(|error| failed(&error))?;
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let signer = Signer::read(&text).map_err(|error| failed(&error))?;
    if signer.origin() != origin {
        return Err(failed(&format!(
            "it is the key of {}, the node's origin is {origin}",
            signer.origin()
        )));
    }
    Ok(signer)
}

/// Writes a file that only its owner may read, durably.
fn write_secret(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let mut open = options.write(true).create_new(true).mode(0o600).open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

/// Most entries of one page.
pub const ENTRIES_MAX: u16 = 256;

impl App {
    fn log_row(&self, origin: Option<&str>) -> Result<LogRow, Error> {
        let origin = origin.unwrap_or(&self.config.node.origin);
        storage::log::by_origin(&mut self.reader(), origin)?.ok_or(Error::NotFound)
    }

    /// The latest signed checkpoint of the node's log.
    pub fn checkpoint(&self) -> Result<String, Error> {
        let row = self.log_row(None)?;
        let latest = storage::log::latest_checkpoint(&mut self.reader(), row.id)?;
        latest.map(|(_, note)| note).ok_or(Error::NotFound)
    }

    /// A tile, or a bundle of entries, of the node's log. A partial tile stays to be had after it has
    /// grown.
    pub fn tile(&self, caller: &Caller, path: TilePath) -> Result<Vec<u8>, Error> {
        let row = self.log_row(None)?;
        let width = usize::from(path.width);
        let Some(level) = path.level else {
            if caller.role != Role::Auditor {
                return Err(Error::Forbidden("whole bundles of entries are for auditors"));
            }
            let first = path.index.checked_mul(256).ok_or(Error::NotFound)?;
            let entries =
                storage::log::entries(&mut self.reader(), row.id, first, i64::from(path.width))?;
            if entries.len() < width {
                return Err(Error::NotFound);
            }
            return Ok(tile::bundle(entries.iter().map(|(_, body)| body.as_slice())));
        };
        let stored = storage::log::tile(&mut self.reader(), row.id, level, path.index)?
            .ok_or(Error::NotFound)?;
        stored.get(..width * HASH_BYTES).map(<[u8]>::to_vec).ok_or(Error::NotFound)
    }

    /// Entries that concern the caller, from an index on; an auditor sees all of them. The second
    /// value is the index at which the next page starts.
    pub fn entries(
        &self,
        caller: &Caller,
        from: u64,
        limit: u16,
    ) -> Result<(Vec<EntryReply>, Option<u64>), Error> {
        let row = self.log_row(None)?;
        let rows = storage::log::entries(
            &mut self.reader(),
            row.id,
            from,
            i64::from(limit.min(ENTRIES_MAX)),
        )?;
        let last = rows.last().and_then(|(index, _)| u64::try_from(*index).ok());
        let size = u64::try_from(row.size).unwrap_or_default();
        let mut entries = Vec::with_capacity(rows.len());
        for (index, body) in rows {
            let text = String::from_utf8(body)
                .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
            let entry = serde_json::value::RawValue::from_string(text)
                .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
            if concerns(caller, entry.get()) {
                let index = u64::try_from(index).unwrap_or_default();
                entries.push(EntryReply { log: row.origin.clone(), index, entry });
            }
        }
        Ok((entries, last.map(|last| last + 1).filter(|next| *next < size)))
    }

    /// The proof that an entry stands in the tree of the latest checkpoint.
    pub fn proof(&self, caller: &Caller, origin: &str, index: u64) -> Result<ProofReply, Error> {
        let row = self.log_row(Some(origin))?;
        let mut db = self.reader();
        let body = storage::log::entry(&mut db, row.id, index)?.ok_or(Error::NotFound)?;
        let entry = String::from_utf8(body)
            .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
        if !concerns(caller, &entry) {
            return Err(Error::NotFound);
        }
        let (size, note) =
            storage::log::latest_checkpoint(&mut db, row.id)?.ok_or(Error::NotFound)?;
        let size =
            u64::try_from(size).map_err(|_e| Error::Internal("a checkpoint's size".to_owned()))?;
        let hashes = proof::inclusion(size, index, |level, at| {
            storage::log::tile(&mut db, row.id, level, at).ok().flatten()
        });
        let hashes =
            hashes.ok_or_else(|| Error::Internal(format!("entry {index} cannot be proven")))?;
        let leaf = tlog_tiles::record_hash(entry.as_bytes());
        Ok(ProofReply {
            log: row.origin,
            index,
            size,
            entry,
            leaf_hash: leaf.to_string(),
            hashes: hashes.iter().map(ToString::to_string).collect(),
            checkpoint: note,
            verifier_key: row.verifier_key,
        })
    }
}

/// Whether an entry may be shown: an auditor sees all, the others what their State has a part in.
fn concerns(caller: &Caller, entry: &str) -> bool {
    if caller.role == Role::Auditor {
        return true;
    }
    let value: serde_json::Value = serde_json::from_str(entry).unwrap_or_default();
    let state = caller.state.as_str();
    let acted = value.pointer("/actor/state").and_then(serde_json::Value::as_str) == Some(state);
    let parties = value.get("states").and_then(serde_json::Value::as_array);
    acted || parties.is_some_and(|states| states.iter().any(|party| party.as_str() == Some(state)))
}
