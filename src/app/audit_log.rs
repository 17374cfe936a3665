//! The node's audit log: entries staged while a batch is decided, hashed, signed and written with
//! it.
use super::Error;
use super::memory;
use crate::audit::Hash;
use crate::audit::checkpoint;
use crate::audit::checkpoint::Signer;
use crate::audit::entry::seal;
use crate::audit::tree::Frontier;
use crate::clock::Ids;
use crate::config::Config;
use crate::domain::Timestamp;
use crate::outbound::key_file;
use crate::outbound::pkcs11::Token;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::Append;
use crate::storage::log::LogRow;
use crate::storage::packed::Dictionary;
use crate::storage::packed::Packed;
use parking_lot::Mutex;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// The writer's side of the node's own log.
pub struct LogWriter {
    row: LogRow,
    latest: Latest,
    owner: String,
    signer: Signer,
    frontier: Frontier,
    staged: Vec<Leaf>,
    flushed: Option<(Frontier, String)>,
}

/// An entry as it goes into the log: its leaf, and its bytes as they are kept. Both take time, which is
/// that of whoever makes the entry and not the writer's, where they are made before a batch.
#[derive(Debug, Clone)]
pub struct Leaf {
    hash: Hash,
    packed: Packed,
}

impl Leaf {
    /// Makes one of an entry's bytes.
    pub fn new(entry: &[u8]) -> storage::Result<Self> {
        let packed = Packed::bytes(entry, Dictionary::Entry)?;
        Ok(Self { hash: tlog_tiles::record_hash(entry), packed })
    }
}

/// The last checkpoint that is durable, for those who remember it outside the database.
pub type Latest = Arc<Mutex<Option<String>>>;

/// An index in a log as it is kept.
pub(super) fn log_index(index: u64) -> Result<i64, Error> {
    i64::try_from(index).map_err(|_e| Error::Internal("the log is too long".to_owned()))
}

/// How a node goes on where its log cannot.
const ANOTHER_LOG: &str = "move log.key away and give this node another node.origin, so that it opens a log that \
                           declares how far this one went";

/// What the first entry of a log says of the others in its database.
#[derive(Serialize)]
struct Opened<'a> {
    log: &'a str,
    held: &'a serde_json::value::RawValue,
}

impl LogWriter {
    /// Opens the log of the signer's origin, or continues it where its stored tiles and its last
    /// checkpoint agree, and agree with what the node remembers. Only then is it taken over: a process
    /// that may not continue it takes it away from nobody.
    pub fn open(
        db: &mut Db,
        signer: Signer,
        remembered: Option<&str>,
        now: Timestamp,
        ids: &dyn Ids,
    ) -> Result<Self, Error> {
        // Unique to this process: a later one takes the log over, and this one then finds out.
        let owner = ids.uuid(now).to_string();
        let mut opened = storage::transaction(db, |db| {
            let (origin, key) = (signer.origin(), signer.verifier_key());
            let row = storage::log::open(db, origin, key, &owner, now)?;
            if row.verifier_key != signer.verifier_key() {
                return Err(Error::Internal(format!(
                    "the key at hand is not the key of log {}: put its own back, or {ANOTHER_LOG}",
                    row.origin
                )));
            }
            let frontier = load(db, &row)?;
            if let Some(note) = remembered {
                memory::insist(db, &row, note)?;
            }
            storage::log::own(db, row.id, &owner)?;
            let latest = Latest::default();
            let (staged, flushed) = (Vec::new(), None);
            let mut opened = Self { row, latest, owner, signer, frontier, staged, flushed };
            if opened.row.gap.is_some() && opened.frontier.size() == 0 {
                opened.declare_gap(db, now, ids.nonce())?;
            }
            Ok::<_, Error>(opened)
        })?;
        opened.commit();
        Ok(opened)
    }

    /// Where the last checkpoint that is durable is to be had.
    pub fn latest(&self) -> Latest {
        Arc::clone(&self.latest)
    }

    /// The first entry of a log that is opened beside others: which logs this database holds, and how
    /// far. Whoever holds a later checkpoint of one of them sees what was lost.
    fn declare_gap(&mut self, db: &mut Db, now: Timestamp, nonce: [u8; 16]) -> Result<(), Error> {
        let held = self.row.gap.clone().unwrap_or_default();
        let held = serde_json::value::RawValue::from_string(held)
            .map_err(|error| Error::Internal(format!("log {}: {error}", self.row.origin)))?;
        let entry = seal("log_opened", now, nonce, &Opened { log: &self.row.origin, held: &held })
            .map_err(|error| Error::Internal(format!("log {}: {error:?}", self.row.origin)))?;
        self.stage(Leaf::new(&entry)?);
        Ok(self.flush(db)?)
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
    pub fn stage(&mut self, entry: Leaf) -> u64 {
        let index = self.next_index();
        self.staged.push(entry);
        index
    }

    /// The index that the next entry will have.
    pub fn next_index(&self) -> u64 {
        self.frontier.size() + u64::try_from(self.staged.len()).unwrap_or_default()
    }

    /// Writes what is staged, in the batch's transaction.
    pub fn flush(&mut self, db: &mut Db) -> storage::Result<()> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let (leaves, entries): (Vec<Hash>, Vec<Packed>) = std::mem::take(&mut self.staged)
            .into_iter()
            .map(|leaf| (leaf.hash, leaf.packed))
            .unzip();
        let mut frontier = self.frontier.clone();
        let tiles = frontier.append(&leaves);
        let note = self
            .signer
            .sign(frontier.size(), frontier.root())
            .map_err(|error| storage::Error::Unsigned(error.to_string()))?;
        storage::log::append(
            db,
            Append {
                log_id: self.row.id,
                owner: &self.owner,
                from: self.frontier.size(),
                to: frontier.size(),
                entries,
                tiles: &tiles,
                note: &note,
            },
        )?;
        self.flushed = Some((frontier, note));
        Ok(())
    }

    /// The batch is durable: the log has grown.
    pub fn commit(&mut self) {
        if let Some((frontier, note)) = self.flushed.take() {
            self.frontier = frontier;
            *self.latest.lock() = Some(note);
        }
    }

    /// The batch is not: nothing has been staged.
    pub fn drop_staged(&mut self) {
        self.staged.clear();
        self.flushed = None;
    }

    /// Insists that the log's key signs: what it has signed last, which says nothing new.
    pub fn insist_on_key(&self) -> storage::Result<()> {
        let signed = self.signer.sign(self.frontier.size(), self.frontier.root());
        signed.map(drop).map_err(|error| storage::Error::Unsigned(error.to_string()))
    }

    /// Writes what the log's row says already: what only reads finds out nothing of a database that takes no writes.
    pub fn touch(&self, db: &mut Db) -> storage::Result<()> {
        storage::log::own(db, self.row.id, &self.owner)
    }

    /// Insists that the log is as this writer left it; on a server gives the edition of the lists in force.
    pub fn claim(&self, db: &mut Db) -> storage::Result<Option<String>> {
        storage::log::claim(db, self.row.id, &self.owner, self.frontier.size())
    }

    /// Takes the log up as the database has it, after a batch whose commit was answered by an error
    /// or after a connection that broke. A database that holds less than was acknowledged has lost
    /// entries: the log must not go on from there, for it would sign the same sizes twice.
    pub fn reload(&mut self, db: &mut Db) -> storage::Result<()> {
        storage::transaction(db, |db| self.reload_locked(db))
    }

    fn reload_locked(&mut self, db: &mut Db) -> storage::Result<()> {
        let origin = &self.row.origin;
        let row = storage::log::locked(db, origin)?
            .ok_or_else(|| storage::Error::Fenced(format!("log {origin} is gone")))?;
        if row.owner != self.owner {
            let words = format!("log {origin} was taken over by another process");
            return Err(storage::Error::Fenced(words));
        }
        let frontier = load(db, &row).map_err(|error| {
            let words = error.to_string();
            if let Error::Storage(error) = error { error } else { storage::Error::Fenced(words) }
        })?;
        if frontier.size() < self.frontier.size() {
            return Err(storage::Error::Fenced(format!(
                "the database holds {} entries of log {origin} and {} were acknowledged: give this node a new \
                 node.origin, so that it opens a log that declares the gap",
                frontier.size(),
                self.frontier.size()
            )));
        }
        self.frontier = frontier;
        self.row = row;
        Ok(())
    }
}

/// Takes up a log's right edge and insists that its last signed checkpoint agrees with it.
pub(super) fn load(db: &mut Db, row: &LogRow) -> Result<Frontier, Error> {
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

/// The key of the node's log: in a token where the settings say so, or else in its file, which is made
/// where there is none yet, unless the log is there already: that goes on with its own key alone.
pub(super) fn signer(
    config: &Config,
    token: Option<&Arc<Token>>,
    db: Option<&mut Db>,
    ids: &dyn Ids,
) -> Result<Signer, Error> {
    let origin = &config.node.origin;
    let label = &config.pkcs11.log_key;
    if label.is_empty() {
        let file = config.node.data_dir.join("log.key");
        if !file.exists()
            && let Some(db) = db
            && storage::log::by_origin(db, origin)?.is_some()
        {
            return Err(Error::Internal(format!(
                "the key of log {origin} {} is missing: put the copy of it back, or {ANOTHER_LOG}",
                file.display()
            )));
        }
        return in_file(&file, origin, ids);
    }
    let failed = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("pkcs11.log_key {label:?}: {error}"))
    };
    let token = token.ok_or_else(|| failed(&"pkcs11.module is empty"))?;
    let key = token.key(label).map_err(|error| failed(&error))?.served_first();
    Signer::with(origin, Arc::new(key)).map_err(|error| failed(&error))
}

fn in_file(file: &Path, origin: &str, ids: &dyn Ids) -> Result<Signer, Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::Internal(format!("the log's key {}: {error}", file.display()))
    };
    if !file.exists() {
        let mut seed = [0; 32];
        let (left, right) = seed.split_at_mut(16);
        left.copy_from_slice(&ids.nonce());
        right.copy_from_slice(&ids.nonce());
        key_file::write(file, &checkpoint::key_text(origin, &seed))
            .map_err(|error| failed(&error))?;
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let signer = Signer::read(&text).map_err(|error| failed(&error))?;
    if signer.origin() != origin {
        return Err(failed(&format!(
            "it is the key of {}, the node's origin is {origin}: move it away where the node is to open a log \
             of that name",
            signer.origin()
        )));
    }
    Ok(signer)
}
