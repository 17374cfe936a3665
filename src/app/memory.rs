//! How far the node's log had got, remembered in the data folder apart from the database: a database
//! that was put back to an older state, or is another one, is noticed before a size is signed twice.
use super::App;
use super::Error;
use crate::audit::checkpoint;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::LogRow;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// The file in the data folder.
const FILE: &str = "log.checkpoint";

/// What is remembered of a log: its last checkpoint as this node wrote it down, a little behind.
/// One of another log, from before the node took a new name, is no concern of this one.
pub(super) fn read(data_dir: &Path, origin: &str) -> Result<Option<String>, Error> {
    let file = data_dir.join(FILE);
    match std::fs::read_to_string(&file) {
        Ok(note) => Ok(Some(note).filter(|note| note.lines().next() == Some(origin))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Internal(format!("{}: {error}", file.display()))),
    }
}

/// Insists that the database's log has got as far as the node remembers, by the same way.
pub(super) fn insist(db: &mut Db, row: &LogRow, note: &str) -> Result<(), Error> {
    let Some(what) = differs(db, row, note)? else { return Ok(()) };
    Err(Error::Internal(format!(
        "{what}: the database was put back to an older state, or is another one. Restore a later copy, or move \
         log.key and {FILE} away and give this node a new node.origin, so that it opens a log that declares the gap"
    )))
}

/// How the database's log is not the one that a remembered checkpoint was signed for. `None`: it is.
pub(super) fn differs(db: &mut Db, row: &LogRow, note: &str) -> Result<Option<String>, Error> {
    let origin = &row.origin;
    let (size, root) = match checkpoint::verify(note, &row.verifier_key) {
        Ok(signed) => signed,
        Err(error) => {
            return Ok(Some(format!("{FILE} is not a checkpoint of log {origin}: {error}")));
        }
    };
    if i64::try_from(size).is_ok_and(|size| size > row.size) {
        return Ok(Some(format!(
            "this node has signed {size} entries of log {origin} and the database holds {}",
            row.size
        )));
    }
    let stored = storage::log::checkpoint_of(db, row.id, size)?;
    let stored = stored.and_then(|note| checkpoint::verify(&note, &row.verifier_key).ok());
    Ok((stored != Some((size, root))).then(|| {
        format!("this node has signed another log {origin} of size {size} than the database holds")
    }))
}

impl App {
    /// Writes down how far the log has got, where it has got further.
    pub fn write_down(&self) {
        let latest = self.latest.lock().take();
        let Some(note) = latest else { return };
        if let Err(error) = write(&self.config.node.data_dir.join(FILE), &note) {
            tracing::error!(%error, "how far the log has got cannot be written down");
            self.latest.lock().get_or_insert(note);
        }
    }
}

/// Whole or not at all, and durably.
fn write(file: &Path, note: &str) -> std::io::Result<()> {
    let beside: PathBuf = file.with_extension("checkpoint.new");
    let mut open = std::fs::File::create(&beside)?;
    open.write_all(note.as_bytes())?;
    open.sync_all()?;
    std::fs::rename(beside, file)
}
