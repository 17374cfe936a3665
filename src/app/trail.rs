//! Reading the audit trail: checkpoints, tiles, entries that concern the caller, and their proofs.
use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::history::Paged;
use super::history::cut;
use crate::audit::Hash;
use crate::audit::proof;
use crate::audit::tile;
use crate::audit::tile::HASH_BYTES;
use crate::audit::tile::TilePath;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::LogRow;
use crate::wire::audit::EntryReply;
use crate::wire::audit::LogReply;
use crate::wire::audit::ProofReply;

/// Most entries of one page.
pub const ENTRIES_MAX: u16 = 256;

impl App {
    /// A log by name, this node's own without one.
    async fn log_row(&self, origin: Option<&str>) -> Result<LogRow, Error> {
        let origin = origin.unwrap_or(&self.config.node.origin).to_owned();
        let found = self.readers.read(move |db| storage::log::by_origin(db, &origin)).await?;
        found.ok_or(Error::NotFound)
    }

    /// A page of the logs of the database, and the row after which the next one starts.
    pub async fn logs(&self, after: i64, limit: u16) -> Result<Paged<LogReply>, Error> {
        let most = i64::from(limit) + 1;
        let page = move |db: &mut Db| {
            let rows = storage::log::page(db, after, most)?;
            let (shown, next) = cut(rows, limit, |row| row.id);
            let reply = |row: LogRow| {
                let archived = storage::archive::upto(db, row.id)?;
                let size = u64::try_from(row.size).unwrap_or_default();
                Ok(LogReply { log: row.origin, size, archived, verifier_key: row.verifier_key })
            };
            Ok::<_, Error>((shown.into_iter().map(reply).collect::<Result<_, Error>>()?, next))
        };
        self.readers.read(page).await
    }

    /// The latest signed checkpoint of a log.
    pub async fn checkpoint(&self, origin: Option<&str>) -> Result<String, Error> {
        let id = self.log_row(origin).await?.id;
        let latest = self.readers.read(move |db| storage::log::latest_checkpoint(db, id)).await?;
        latest.map(|(_, note)| note).ok_or(Error::NotFound)
    }

    /// A tile, or a bundle of entries, of a log. A partial tile stays to be had after it has grown.
    pub async fn tile(
        &self,
        caller: &Caller,
        origin: Option<&str>,
        path: TilePath,
    ) -> Result<Vec<u8>, Error> {
        let id = self.log_row(origin).await?.id;
        let width = usize::from(path.width);
        let Some(level) = path.level else {
            if !self.audits(caller) {
                return Err(Error::Forbidden("whole bundles of entries are for the home auditors"));
            }
            let first = path.index.checked_mul(256).ok_or(Error::NotFound)?;
            let most = i64::from(path.width);
            let entries =
                self.readers.read(move |db| storage::log::entries(db, id, first, most)).await?;
            if entries.len() < width {
                return Err(Error::NotFound);
            }
            return Ok(tile::bundle(entries.iter().map(|(_, body)| body.as_slice())));
        };
        let stored =
            self.readers.read(move |db| storage::log::tile(db, id, level, path.index)).await?;
        let stored = stored.ok_or(Error::NotFound)?;
        stored.get(..width * HASH_BYTES).map(<[u8]>::to_vec).ok_or(Error::NotFound)
    }

    /// Whether a caller audits this service: only then does all of the trail concern him. Other
    /// States' auditors have a part in what concerns their State.
    pub(super) fn audits(&self, caller: &Caller) -> bool {
        caller.role == Role::Auditor && caller.state.as_str() == self.config.node.state
    }

    /// Entries of a log that concern the caller, from an index on; a home auditor sees all of them. The
    /// second value is the index at which the next page starts.
    pub async fn entries(
        &self,
        caller: &Caller,
        origin: Option<&str>,
        from: u64,
        limit: u16,
    ) -> Result<(Vec<EntryReply>, Option<u64>), Error> {
        let row = self.log_row(origin).await?;
        let (id, most) = (row.id, i64::from(limit.min(ENTRIES_MAX)));
        let rows = self.readers.read(move |db| storage::log::entries(db, id, from, most)).await?;
        let last = rows.last().and_then(|(index, _)| u64::try_from(*index).ok());
        let size = u64::try_from(row.size).unwrap_or_default();
        let mut entries = Vec::with_capacity(rows.len());
        for (index, body) in rows {
            let text = String::from_utf8(body)
                .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
            let entry = serde_json::value::RawValue::from_string(text)
                .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
            if self.audits(caller) || concerns(caller, entry.get()) {
                let index = u64::try_from(index).unwrap_or_default();
                entries.push(EntryReply { log: row.origin.clone(), index, entry });
            }
        }
        Ok((entries, last.map(|last| last + 1).filter(|next| *next < size)))
    }

    /// The proof that an entry stands in the tree of the latest checkpoint.
    pub async fn proof(
        &self,
        caller: &Caller,
        origin: &str,
        index: u64,
    ) -> Result<ProofReply, Error> {
        let row = self.log_row(Some(origin)).await?;
        let (caller, audits) = (caller.clone(), self.audits(caller));
        let sees = move |entry: &str| audits || concerns(&caller, entry);
        self.readers.read(move |db| prove(db, row, sees, index)).await
    }
}

fn prove(
    db: &mut Db,
    row: LogRow,
    sees: impl Fn(&str) -> bool,
    index: u64,
) -> Result<ProofReply, Error> {
    let (size, note) = storage::log::latest_checkpoint(db, row.id)?.ok_or(Error::NotFound)?;
    let (entry, hashes) = proven(db, row.id, index, size)?;
    if !sees(&entry) {
        return Err(Error::NotFound);
    }
    let size =
        u64::try_from(size).map_err(|_e| Error::Internal("a checkpoint's size".to_owned()))?;
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

/// An entry's bytes, and the hashes that lead from it to the root of a tree of a size.
pub(super) fn proven(
    db: &mut Db,
    log_id: i64,
    index: u64,
    size: i64,
) -> Result<(String, Vec<Hash>), Error> {
    let body = storage::log::entry(db, log_id, index)?.ok_or(Error::NotFound)?;
    let entry = String::from_utf8(body)
        .map_err(|error| Error::Internal(format!("entry {index}: {error}")))?;
    let size =
        u64::try_from(size).map_err(|_e| Error::Internal("a checkpoint's size".to_owned()))?;
    let hashes = proof::inclusion(size, index, |level, at| {
        storage::log::tile(db, log_id, level, at).ok().flatten()
    });
    let hashes =
        hashes.ok_or_else(|| Error::Internal(format!("entry {index} cannot be proven")))?;
    Ok((entry, hashes))
}

/// Whether the caller's State has a part in an entry.
fn concerns(caller: &Caller, entry: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(entry).unwrap_or_default();
    let state = caller.state.as_str();
    let acted = value.pointer("/actor/state").and_then(serde_json::Value::as_str) == Some(state);
    let parties = value.get("states").and_then(serde_json::Value::as_array);
    acted || parties.is_some_and(|states| states.iter().any(|party| party.as_str() == Some(state)))
}
