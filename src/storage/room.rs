//! Whether the database takes what a batch writes. It is asked after a failure, while nothing else is written that
//! could tell: a disk with room for a few bytes more has none for a batch.
use super::Db;
use super::Error;
use super::Result;
use crate::config;
use diesel::connection::SimpleConnection;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// As much as a large batch writes.
const BYTES: usize = 1024 * 1024;
/// The same in rows of a server's table, of some sixty bytes each.
const ROWS: usize = BYTES / 64;

/// Insists on room beside the file of an embedded database, where its write-ahead log grows too.
pub fn insist_beside(settings: &config::Database) -> Result<()> {
    let Some(file) = settings.file() else { return Ok(()) };
    let mut probe = file.as_os_str().to_owned();
    probe.push("-room");
    let probe = Path::new(&probe);
    let written = fill(probe);
    let removed = std::fs::remove_file(probe);
    written
        .and(removed)
        .map_err(|error| Error::Unavailable(format!("{}: {error}", probe.display())))
}

fn fill(probe: &Path) -> std::io::Result<()> {
    let mut open = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(probe)?;
    open.write_all(&vec![0; BYTES])?;
    open.sync_all()
}

/// Insists on room at a server, in the transaction that is open: in a table that ends with it.
pub fn insist_on_server(db: &mut Db) -> Result<()> {
    let Db::Postgres(c) = db else { return Ok(()) };
    Ok(c.batch_execute(&format!(
        "CREATE TEMPORARY TABLE room ON COMMIT DROP AS SELECT md5(n::text) AS filling FROM generate_series(1, {ROWS}) AS n"
    ))?)
}
