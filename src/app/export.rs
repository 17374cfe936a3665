//! A log as files, in the layout in which tlog-tiles serves it: so that a walk with other tools needs
//! neither this service nor its database.
use super::Error;
use crate::audit::tile;
use crate::audit::tile::HASH_BYTES;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::LogRow;
use std::path::Path;

/// Entries of a full bundle.
const WIDTH: u64 = 256;

/// Writes a log's checkpoint, key, tiles and bundles of entries below a folder, and every checkpoint that
/// was ever signed as one JSON list. Gives the number of entries.
pub fn export(db: &mut Db, log: &LogRow, folder: &Path) -> Result<u64, Error> {
    let (size, note) = storage::log::latest_checkpoint(db, log.id)?
        .ok_or_else(|| Error::Stale(format!("the log {} has no entries yet", log.origin)))?;
    let size =
        u64::try_from(size).map_err(|_e| Error::Internal("a checkpoint's size".to_owned()))?;
    write(folder, "checkpoint", note.as_bytes())?;
    write(folder, "key", log.verifier_key.as_bytes())?;
    let notes = storage::log::checkpoints(db, log.id, 0, size)?;
    let notes: Vec<String> = notes.into_iter().map(|(_, note)| note).collect();
    write(folder, "checkpoints.json", super::judge::json(&notes)?.as_bytes())?;
    let missing = |what: String| Error::Internal(format!("log {}: {what} is missing", log.origin));
    let (mut level, mut hashes) = (0_u8, size);
    while hashes > 0 {
        for index in 0..hashes.div_ceil(WIDTH) {
            let width = (hashes - index * WIDTH).min(WIDTH);
            let path = tile::path(Some(level), index, width);
            let stored = storage::log::tile(db, log.id, level, index)?;
            let bytes = usize::try_from(width).unwrap_or_default() * HASH_BYTES;
            let stored = stored.as_deref().and_then(|stored| stored.get(..bytes));
            write(folder, &path, stored.ok_or_else(|| missing(path.clone()))?)?;
        }
        hashes /= WIDTH;
        level += 1;
    }
    for index in 0..size.div_ceil(WIDTH) {
        let width = (size - index * WIDTH).min(WIDTH);
        let path = tile::path(None, index, width);
        let most = i64::try_from(width).unwrap_or_default();
        let entries = storage::log::entries(db, log.id, index * WIDTH, most)?;
        let from = i64::try_from(index * WIDTH).unwrap_or_default();
        let whole = entries.iter().zip(from..).all(|((at, _), expected)| *at == expected);
        // Archived entries are in files of their own.
        if !whole || u64::try_from(entries.len()).ok() != Some(width) {
            continue;
        }
        let bundle = tile::bundle(entries.iter().map(|(_, body)| body.as_slice()));
        write(folder, &path, &bundle)?;
    }
    Ok(size)
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), Error> {
    let file = folder.join(path);
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| std::fs::write(&file, bytes))
        .map_err(|error| Error::Internal(format!("{}: {error}", file.display())))
}
