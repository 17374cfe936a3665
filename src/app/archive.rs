//! Retention: entries past their profile's years go, from the oldest on until the first whose record
//! is not past them, with what was kept beside them, into archive files whose digests the log itself
//! records. Tiles and checkpoints stay, so the log is as provable as before, and each entry in a file
//! still hashes to its place in the tree.
use super::App;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::retention::is_past;
use crate::audit::entry::hex;
use crate::audit::tile::HASH_BYTES;
use crate::storage;
use crate::storage::Db;
use crate::storage::archive::ArchiveRow;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Digest;
use sha2::Sha256;
use std::io::BufRead;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Entries of one file at most, and how many are read at a time.
pub const FILE_ENTRIES_MAX: u64 = 10_000;
const PAGE: i64 = 500;

/// The kind of the entry that names a file.
pub const KIND: &str = "archived";

/// A line of a file: the entry byte for byte, and what was kept beside it.
#[derive(Serialize, Deserialize)]
struct Line {
    index: u64,
    entry: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    declaration: String,
    facts: String,
    reply: String,
}

/// A file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its name.
    pub file: String,
    /// The first entry in it, and the first that is not.
    pub from: u64,
    /// The first entry that is not.
    pub upto: u64,
    /// Its digest, hexadecimal.
    pub sha256: String,
}

/// Puts away what stands in a file.
struct PutAway(Piece);

#[derive(Serialize)]
struct Archived<'a> {
    from: u64,
    upto: u64,
    file: &'a str,
    sha256: &'a str,
}

impl Command for PutAway {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("archive", self.0.file.as_bytes());
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let Piece { file, from, upto, sha256 } = &self.0;
        let log_id = batch.log().1;
        if storage::archive::upto(batch.db, log_id)? != *from {
            let words = format!("entry {from} is not the first that is still here");
            return Err(Error::Stale(words).into());
        }
        let signed = |number: u64| {
            i64::try_from(number).map_err(|_e| Error::Internal("a log beyond bounds".to_owned()))
        };
        let row = ArchiveRow {
            log_id,
            first_index: signed(*from)?,
            upto_index: signed(*upto)?,
            sha256: bytes(sha256)?,
            file: file.clone(),
            at_us: batch.now.as_microsecond(),
        };
        let nonce = batch.ids.nonce();
        batch.enter(KIND, nonce, &Archived { from: *from, upto: *upto, file, sha256 })?;
        storage::archive::put_away(batch.db, &row)?;
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>, Error> {
    let digit = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let read: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(digit).collect();
    read.ok_or_else(|| Error::Internal("a digest".to_owned()))
}

impl App {
    /// Archives what is past retention now, file by file. It waits for the writer and for the disk, so
    /// it belongs on a thread that may wait.
    pub fn archive(&self, folder: &Path) -> Result<Vec<Piece>, Error> {
        let mut db = storage::open(&self.config.database, storage::Use::Read)?;
        let origin = &self.config.node.origin;
        let row = storage::log::by_origin(&mut db, origin)?.ok_or(Error::NotFound)?;
        let mut pieces = Vec::new();
        loop {
            let from = storage::archive::upto(&mut db, row.id)?;
            let Some(piece) = self.write(&mut db, row.id, from, folder)? else { return Ok(pieces) };
            self.recorder.submit_blocking(Box::new(PutAway(piece.clone())))?;
            pieces.push(piece);
        }
    }

    /// Writes one file, durably, of what is past retention from an entry on; none where nothing is.
    fn write(
        &self,
        db: &mut Db,
        log_id: i64,
        from: u64,
        folder: &Path,
    ) -> Result<Option<Piece>, Error> {
        let (now, years) = (self.clock.now(), self.config.retention.years);
        let name = format!("{}-{from:012}.ndjson", plain(&self.config.node.origin));
        let failed =
            |error: std::io::Error| Error::Internal(format!("{}: {error}", folder.display()));
        let new = folder.join(format!("{name}.new"));
        let (mut file, mut digest, mut at) = (None, Sha256::new(), from);
        'pages: loop {
            let entries = storage::log::entries(db, log_id, at, PAGE)?;
            if entries.is_empty() {
                break;
            }
            for (index, body) in entries {
                if at - from == FILE_ENTRIES_MAX
                    || !is_past(db, (log_id, index), &body, now, years)?
                {
                    break 'pages;
                }
                let line = line(db, log_id, index, body)?;
                let open = match &mut file {
                    Some(open) => open,
                    None => file.insert(create(&new).map_err(failed)?),
                };
                digest.update(&line);
                open.write_all(&line).map_err(failed)?;
                at += 1;
            }
        }
        let Some(open) = file else { return Ok(None) };
        open.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&new, folder.join(&name)))
            .and_then(|()| std::fs::File::open(folder)?.sync_all())
            .map_err(failed)?;
        Ok(Some(Piece { file: name, from, upto: at, sha256: hex(&digest.finalize()) }))
    }
}

/// Only its owner may read it: it holds what was declared.
fn create(file: &Path) -> std::io::Result<std::io::BufWriter<std::fs::File>> {
    let mut options = std::fs::OpenOptions::new();
    let open = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    Ok(std::io::BufWriter::new(open))
}

fn plain(origin: &str) -> String {
    origin.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

fn line(db: &mut Db, log_id: i64, index: i64, body: Vec<u8>) -> Result<Vec<u8>, Error> {
    let internal =
        |error: &dyn std::fmt::Display| Error::Internal(format!("entry {index}: {error}"));
    let text = String::from_utf8(body).map_err(|error| internal(&error))?;
    let record = storage::verifications::by_entry(db, log_id, index)?.map(|row| Record {
        declaration: row.declaration,
        facts: row.facts,
        reply: row.reply,
    });
    let line = Line {
        index: u64::try_from(index).map_err(|error| internal(&error))?,
        entry: RawValue::from_string(text).map_err(|error| internal(&error))?,
        record,
    };
    let mut bytes = serde_json::to_vec(&line).map_err(|error| internal(&error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Checks a file against the log that names it: its digest, and each entry's hash in its place in the
/// tree. Gives the log and how many entries fit.
pub fn check(db: &mut Db, file: &Path) -> Result<(String, u64), Error> {
    let failed =
        |error: &dyn std::fmt::Display| Error::Internal(format!("{}: {error}", file.display()));
    let mut digest = Sha256::new();
    let mut open = std::fs::File::open(file).map_err(|error| failed(&error))?;
    std::io::copy(&mut open, &mut digest).map_err(|error| failed(&error))?;
    let sha256 = digest.finalize().to_vec();
    for log in storage::log::all(db)? {
        let rows = storage::archive::all(db, log.id)?;
        let Some(row) = rows.into_iter().find(|row| row.sha256 == sha256) else { continue };
        let open = std::fs::File::open(file).map_err(|error| failed(&error))?;
        let mut at = u64::try_from(row.first_index).unwrap_or_default();
        let first = at;
        for line in std::io::BufReader::new(open).lines() {
            let line = line.map_err(|error| failed(&error))?;
            let line: Line = serde_json::from_str(&line).map_err(|error| failed(&error))?;
            let place = usize::try_from(at % 256).unwrap_or_default() * HASH_BYTES;
            let tile = storage::log::tile(db, log.id, 0, at / 256)?.unwrap_or_default();
            let hash = tlog_tiles::record_hash(line.entry.get().as_bytes());
            if line.index != at || tile.get(place..place + HASH_BYTES) != Some(&hash.0) {
                return Err(failed(&format!("entry {at} is not what the log's tiles hold")));
            }
            at += 1;
        }
        return Ok((log.origin, at - first));
    }
    Err(failed(&"no log names a file of this digest"))
}
