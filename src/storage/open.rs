//! Opening the database: by the URL's scheme, with the settings without which it would lose data.
use super::Db;
use super::Error;
use super::Result;
use crate::config;
use diesel::Connection;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel_migrations::EmbeddedMigrations;
use diesel_migrations::MigrationHarness;
use diesel_migrations::embed_migrations;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// `synchronous=FULL`: an answer is only given for what has reached the disk. Pages of 16 KiB: a batch
/// changes some twenty pages whatever is in it, each page is written by itself and twice, and rows in
/// their hundreds fill few large pages sooner than many small ones.
const SQLITE_SETTINGS: &str = "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; \
    PRAGMA busy_timeout=5000; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456;";

/// Number of the advisory lock that lets one node at a time migrate.
const MIGRATION_LOCK: i64 = 0x0050_4153_534D_4947;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Reading and writing.
    Write,
    /// Reading only.
    Read,
    /// Noting what was delivered. Losing the last notes to a power cut only tells receivers twice, so on
    /// the embedded database they do not wait for the disk.
    Post,
}

/// Whether a URL names a server that several nodes share.
pub fn is_shared(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens the database that a URL names. The scheme alone chooses the backend: a server that does not
/// answer must never be taken for a file.
pub fn open(settings: &config::Database, what_for: Use) -> Result<Db> {
    let url = settings.url.as_str();
    let mut db = if let Some(path) = url.strip_prefix("sqlite://") {
        private_file(path, what_for)?;
        let mut db = diesel::SqliteConnection::establish(path)?;
        db.batch_execute(SQLITE_SETTINGS)?;
        Db::Sqlite(db)
    } else if is_shared(url) {
        Db::Postgres(server(settings)?)
    } else {
        return Err(Error::Bug(format!(
            "{:?} is not a database URL of the form sqlite://FILE or postgres://HOST/NAME",
            settings.redacted()
        )));
    };
    if let (Use::Post, Db::Sqlite(_)) = (what_for, &db) {
        db.batch_execute("PRAGMA synchronous=NORMAL;")?;
    }
    if what_for == Use::Read {
        db.batch_execute(match db {
            Db::Sqlite(_) => "PRAGMA query_only=ON;",
            Db::Postgres(_) => "SET default_transaction_read_only=on;",
        })?;
    }
    Ok(db)
}

/// Makes the file of a database that there is not yet, for its owner's eyes alone; SQLite gives the files
/// beside it the same mode. What only reads makes none.
fn private_file(path: &str, what_for: Use) -> Result<()> {
    if what_for == Use::Read && !Path::new(path).exists() {
        return Err(Error::Unavailable(format!("there is no database at {path}")));
    }
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::Unavailable(format!("{path}: {error}")))
        }
        _ => Ok(()),
    }
}

/// A connection to a server. What the server is asked to bound, it bounds by itself; the client's
/// own bounds are for a server that has gone silent.
fn server(settings: &config::Database) -> Result<diesel::PgConnection> {
    let url = with_client_bounds(&settings.url, settings.statement_timeout_ms);
    let mut db = diesel::PgConnection::establish(&url)?;
    insist_on_english(&mut db)?;
    db.batch_execute(&format!(
        "SET statement_timeout={0}; SET lock_timeout={0}; SET idle_in_transaction_session_timeout={0}; \
         SET synchronous_commit=on; SET client_min_messages=warning; SET timezone='UTC';",
        settings.statement_timeout_ms
    ))?;
    Ok(db)
}

#[derive(diesel::QueryableByName)]
struct Spoken {
    #[diesel(sql_type = diesel::sql_types::Text)]
    lc_messages: String,
}

/// The server's errors come to us in words, and what they mean is read from them.
fn insist_on_english(c: &mut diesel::PgConnection) -> Result<()> {
    let spoken: Spoken =
        diesel::sql_query("SELECT current_setting('lc_messages') AS lc_messages").get_result(c)?;
    if is_english(&spoken.lc_messages) {
        return Ok(());
    }
    Err(Error::Bug(format!(
        "the server speaks {}, and its errors are read in English: \
         ALTER ROLE ... SET lc_messages = 'C'",
        spoken.lc_messages
    )))
}

fn is_english(locale: &str) -> bool {
    locale.is_empty() || ["C", "POSIX", "en"].iter().any(|english| locale.starts_with(english))
}

/// Adds what bounds a silent network, where the URL does not say it already, and asks for a server
/// that takes writes: a stand-by is behind, and what has been revoked is not revoked there yet.
fn with_client_bounds(url: &str, timeout_ms: u32) -> String {
    let defaults = [
        ("connect_timeout", "2".to_owned()),
        ("tcp_user_timeout", timeout_ms.to_string()),
        ("keepalives_idle", "2".to_owned()),
        ("keepalives_interval", "1".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("target_session_attrs", "read-write".to_owned()),
        ("application_name", "passavant".to_owned()),
    ];
    let mut url = url.to_owned();
    for (name, value) in defaults {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.extend([name, "=", &value]);
        }
    }
    url
}

/// Brings the database to the form that this version of the service uses; gives the names of the
/// migrations that ran. Nodes that start at once wait for each other.
pub fn migrate(db: &mut Db) -> Result<Vec<String>> {
    if let Db::Postgres(c) = db {
        // However long another node or a large table takes.
        c.batch_execute("SET statement_timeout=0; SET lock_timeout=0;")?;
        lock_migrations(c, "pg_advisory_lock")?;
    }
    let ran = match db {
        Db::Sqlite(c) => c.run_pending_migrations(SQLITE),
        Db::Postgres(c) => c.run_pending_migrations(POSTGRES),
    };
    let ran = ran
        .map(|ran| ran.iter().map(ToString::to_string).collect())
        .map_err(|error| Error::Bug(format!("migration failed: {error}")));
    if let Db::Postgres(c) = db {
        lock_migrations(c, "pg_advisory_unlock")?;
    }
    ran
}

fn lock_migrations(c: &mut diesel::PgConnection, function: &str) -> Result<()> {
    diesel::sql_query(format!("SELECT {function}($1)"))
        .bind::<diesel::sql_types::BigInt, _>(MIGRATION_LOCK)
        .execute(c)?;
    Ok(())
}

/// The migrations that the database lacks: an embedded one is migrated when it is opened, a shared
/// one only by `passavant migrate`.
pub fn pending(db: &mut Db) -> Result<Vec<String>> {
    let pending = match db {
        Db::Sqlite(c) => names(c.pending_migrations(SQLITE)),
        Db::Postgres(c) => names(c.pending_migrations(POSTGRES)),
    };
    pending.map_err(|error| Error::Unavailable(format!("its migrations cannot be read: {error}")))
}

type Listed<B> = diesel::migration::Result<Vec<Box<dyn diesel::migration::Migration<B>>>>;

fn names<B: diesel::backend::Backend>(listed: Listed<B>) -> diesel::migration::Result<Vec<String>> {
    Ok(listed?.iter().map(|migration| migration.name().to_string()).collect())
}

/// Copies an embedded database, as it stands at one instant, into a new file.
pub fn backup(db: &mut Db, file: &Path) -> Result<()> {
    let path =
        file.to_str().ok_or_else(|| Error::Bug("the file's name is not UTF-8".to_owned()))?;
    let Db::Sqlite(c) = db else {
        return Err(Error::Bug(
            "a server is backed up by its own tools, such as pg_basebackup".to_owned(),
        ));
    };
    // It is filled, not made, and so keeps to its owner.
    private_file(path, Use::Write)?;
    let copy = diesel::sql_query("VACUUM INTO ?").bind::<diesel::sql_types::Text, _>(path);
    if let Err(error) = copy.execute(c) {
        let _ = std::fs::remove_file(file);
        return Err(error.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(diesel::QueryableByName)]
    struct Compiled {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }

    #[test]
    fn statements_of_the_embedded_database_are_not_planned_anew_for_every_value() {
        let mut c = diesel::SqliteConnection::establish(":memory:").unwrap();
        let compiled: Vec<Compiled> =
            diesel::sql_query("PRAGMA compile_options").load(&mut c).unwrap();
        let has = |option| compiled.iter().any(|compiled| compiled.compile_options == option);
        assert!(has("ENABLE_QPSG"), "build from the package's own folder, for .cargo/config.toml");
    }

    #[test]
    fn the_url_s_own_bounds_stand() {
        let url = with_client_bounds("postgres://a,b/p?connect_timeout=9", 5000);
        assert!(url.contains("connect_timeout=9&tcp_user_timeout=5000"), "{url}");
        assert_eq!(url.matches("connect_timeout").count(), 1);
        assert!(url.contains("target_session_attrs=read-write"), "{url}");
    }

    #[test]
    fn only_english_is_read() {
        for english in ["C", "C.UTF-8", "POSIX", "en_GB.UTF-8", ""] {
            assert!(is_english(english), "{english}");
        }
        for other in ["fr_FR.UTF-8", "de_DE", "es_ES.UTF-8"] {
            assert!(!is_english(other), "{other}");
        }
    }
}
