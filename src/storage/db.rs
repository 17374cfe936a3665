//! One connection over two backends, and the few statements that diesel only has for each of them.
use super::Error;
use super::ROWS;
use super::Result;
use diesel::connection::AnsiTransactionManager;
use diesel::connection::TransactionManager;

/// A connection to the database: the same queries, whichever backend stands behind it.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// The embedded database.
    Sqlite(diesel::SqliteConnection),
    /// A server, for several nodes.
    Postgres(diesel::PgConnection),
}

/// Runs one statement that stands in the source once and is compiled for each backend: inserts of
/// several rows and `ON CONFLICT` have no form that both share.
macro_rules! on {
    ($db:expr, $connection:ident => $statement:expr) => {
        match $db {
            $crate::storage::Db::Sqlite($connection) => $statement,
            $crate::storage::Db::Postgres($connection) => $statement,
        }
    };
}
pub(crate) use on;

/// Runs a statement over rows, so many at a time that only a few forms of it ever exist: each is
/// parsed and planned once and kept with the connection, which for rows in any number is done anew.
macro_rules! in_runs {
    ($db:expr, $rows:expr, ($connection:ident, $run:ident) => $statement:expr) => {{
        let (sixteens, rest) = $rows.as_chunks::<16>();
        for $run in sixteens {
            $crate::storage::db::on!(&mut *$db, $connection => $statement)?;
        }
        let (fours, ones) = rest.as_chunks::<4>();
        for $run in fours {
            $crate::storage::db::on!(&mut *$db, $connection => $statement)?;
        }
        for $run in ones {
            $crate::storage::db::on!(&mut *$db, $connection => $statement)?;
        }
    }};
}
pub(crate) use in_runs;

/// Rows from which on a server is sent them as a stream.
pub(crate) const STREAMED_FROM: usize = 8;

/// Writes rows into a table: the embedded database in runs, and a server in one stream, which takes two
/// round trips and no plan however many rows there are.
macro_rules! insert_all {
    ($db:expr, $table:expr, $rows:expr) => {{
        let rows: &[_] = $rows;
        match &mut *$db {
            $crate::storage::Db::Postgres(c) if rows.len() >= $crate::storage::db::STREAMED_FROM => {
                diesel::copy_from($table).from_insertable(rows).execute(c)?;
            }
            $crate::storage::Db::Sqlite(_) | $crate::storage::Db::Postgres(_) => $crate::storage::db::in_runs!($db, rows, (c, run) => {
                diesel::insert_into($table).values(run).execute(c)
            }),
        }
    }};
}
pub(crate) use insert_all;

/// Declares a statement of a fixed text for one backend or both, with the values that stand in it in their order.
/// What the query builder puts together for an update is parsed and planned anew at every execution; this is so
/// once and kept with the connection.
macro_rules! kept {
    ([$($backend:ident)+] $name:ident { $($text:literal $value:ident: $rust:ty as $sql:ty),+ $(,)? } $end:literal) => {
        struct $name<'a> {
            $($value: $rust,)+
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $crate::storage::db::kept!(@each [$($backend)+] $name { $($text $value $sql,)+ } $end);
    };
    (@each [$($backend:ident)+] $name:ident $words:tt $end:literal) => {
        $($crate::storage::db::kept!(@on $backend $name $words $end);)+
    };
    (@on Sqlite $name:ident $words:tt $end:literal) => {
        $crate::storage::db::kept!(@for diesel::sqlite::Sqlite, diesel::SqliteConnection, $name $words $end);
    };
    (@on Pg $name:ident $words:tt $end:literal) => {
        $crate::storage::db::kept!(@for diesel::pg::Pg, diesel::PgConnection, $name $words $end);
    };
    (@for $backend:ty, $connection:ty, $name:ident { $($text:literal $value:ident $sql:ty,)+ } $end:literal) => {
        impl diesel::RunQueryDsl<$connection> for $name<'_> {}

        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($text);
                    out.push_bind_param::<$sql, _>(&self.$value)?;
                )+
                out.push_sql($end);
                Ok(())
            }
        }
    };
}
pub(crate) use kept;

/// All that a question gives over any number of keys, which is asked over so many of them at a time as one statement
/// takes.
pub(super) fn in_chunks<K, T>(
    keys: &[K],
    mut ask: impl FnMut(&[K]) -> diesel::QueryResult<Vec<T>>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    for keys in keys.chunks(ROWS) {
        found.extend(ask(keys)?);
    }
    Ok(found)
}

/// Runs work in one transaction. SQLite takes the write lock at once; PostgreSQL reads what is
/// committed at each statement, and the batch locks what it decides on (see [`super::locks`]).
pub fn transaction<T, E: From<Error>>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    begin(db)?;
    match work(db) {
        Ok(done) => {
            on!(db, c => AnsiTransactionManager::commit_transaction(c)).map_err(Error::from)?;
            Ok(done)
        }
        Err(error) => {
            if let Err(failed) = abandon(db) {
                tracing::warn!(error = %failed, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

/// Reads everything as it stands at one instant: in the transaction that is open already, or in one of its own. That must
/// be short, for while it lasts the embedded database's write-ahead log grows and a server cannot tidy up.
pub fn snapshot<T, E: From<Error>>(
    db: &mut Db,
    read: impl FnOnce(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let depth = on!(&mut *db, c => AnsiTransactionManager::transaction_manager_status_mut(c).transaction_depth());
    if depth.map_err(Error::from)?.is_some() {
        return read(db);
    }
    let begun = match db {
        Db::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED"),
        Db::Postgres(c) => AnsiTransactionManager::begin_transaction_sql(
            c,
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        ),
    };
    begun.map_err(Error::from)?;
    let found = read(db);
    if let Err(failed) = abandon(db) {
        tracing::warn!(error = %failed, "a transaction could not be rolled back");
    }
    found
}

fn begin(db: &mut Db) -> Result<()> {
    match db {
        Db::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
        Db::Postgres(c) => {
            AnsiTransactionManager::begin_transaction_sql(
                c,
                "BEGIN ISOLATION LEVEL READ COMMITTED",
            )?;
        }
    }
    Ok(())
}

/// Rolls back a transaction that an error or a panic has left open, where there is one.
pub fn abandon(db: &mut Db) -> Result<()> {
    match on!(db, c => AnsiTransactionManager::rollback_transaction(c)) {
        Ok(()) | Err(diesel::result::Error::NotInTransaction) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Db {
    /// Whether several nodes may work on this database.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}
