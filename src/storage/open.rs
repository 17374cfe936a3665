//! Opening the database: by the URL's scheme, with the settings without which it would lose data.
use super::Db;
use super::Error;
use super::Result;
use diesel::Connection;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::connection::TransactionManager;
use diesel_migrations::EmbeddedMigrations;
use diesel_migrations::MigrationHarness;
use diesel_migrations::embed_migrations;
use parking_lot::Mutex;
use parking_lot::MutexGuard;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// `synchronous=FULL`: an answer is only given for what has reached the disk.
const SETTINGS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
    PRAGMA busy_timeout=5000; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456;";

/// Opens the database that a URL names; `sqlite://` is the one scheme there is.
pub fn open(url: &str) -> Result<Db> {
    let path = url.strip_prefix("sqlite://").ok_or_else(|| {
        Error::Bug(format!("{url:?} is not a database URL of the form sqlite://FILE"))
    })?;
    let mut db = Db::establish(path)?;
    db.batch_execute(SETTINGS)?;
    Ok(db)
}

/// Brings the database to the form that this version of the service uses; gives the names of the
/// migrations that ran.
pub fn migrate(db: &mut Db) -> Result<Vec<String>> {
    db.run_pending_migrations(MIGRATIONS)
        .map(|ran| ran.iter().map(ToString::to_string).collect())
        .map_err(|error| Error::Bug(format!("migration failed: {error}")))
}

/// Runs work in one transaction that takes the write lock at once.
pub fn transaction<T, E: From<Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let ended = db.immediate_transaction(|db| work(db).map_err(Ended::Work));
    ended.map_err(|ended| match ended {
        Ended::Work(error) => error,
        Ended::Database(error) => Error::from(error).into(),
    })
}

/// How a transaction ended: by its work, or by the database.
enum Ended<E> {
    Work(E),
    Database(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Ended<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

/// Rolls back a transaction that a panic has left open, where there is one.
pub fn abandon(db: &mut Db) -> Result<()> {
    match <Db as Connection>::TransactionManager::rollback_transaction(db) {
        Ok(()) | Err(diesel::result::Error::NotInTransaction) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Copies the database, as it stands at one instant, into a new file.
pub fn backup(db: &mut Db, file: &Path) -> Result<()> {
    let path =
        file.to_str().ok_or_else(|| Error::Bug("the file's name is not UTF-8".to_owned()))?;
    diesel::sql_query("VACUUM INTO ?").bind::<diesel::sql_types::Text, _>(path).execute(db)?;
    Ok(())
}

/// Connections for reading, handed out in turn.
pub struct Readers {
    connections: Vec<Mutex<Db>>,
    next: AtomicUsize,
}

impl Readers {
    /// Opens so many connections.
    pub fn open(url: &str, count: usize) -> Result<Self> {
        let connections = (0..count.max(1))
            .map(|_| {
                let mut db = open(url)?;
                db.batch_execute("PRAGMA query_only=ON;")?;
                Ok(Mutex::new(db))
            })
            .collect::<Result<_>>()?;
        Ok(Self { connections, next: AtomicUsize::new(0) })
    }

    /// A connection that nobody uses, or the next one that will be free.
    pub fn get(&self) -> MutexGuard<'_, Db> {
        if let Some(free) = self.connections.iter().find_map(Mutex::try_lock) {
            return free;
        }
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        #[expect(clippy::indexing_slicing, reason = "the remainder of a division by the length")]
        self.connections[turn].lock()
    }
}
