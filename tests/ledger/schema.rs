//! The migrations of both backends: the same columns at the end, and a way back that leads there
//! again.
use super::support;
use diesel::RunQueryDsl;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sql_types::Text;
use diesel_migrations::EmbeddedMigrations;
use diesel_migrations::MigrationHarness;
use diesel_migrations::embed_migrations;
use passavant::audit::tree::TileWrite;
use passavant::storage;
use passavant::storage::Db;
use passavant::storage::log;
use passavant::storage::log::Append;
use std::collections::BTreeSet;
use tempfile::TempDir;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

const SQLITE_COLUMNS: &str = "SELECT m.name AS \"table\", p.name AS \"column\", \
    CASE p.type WHEN 'INTEGER' THEN 'bigint' WHEN 'BLOB' THEN 'bytea' ELSE lower(p.type) END AS kind, \
    (p.\"notnull\" = 1 OR p.pk > 0) AS needed \
    FROM sqlite_master m JOIN pragma_table_xinfo(m.name) p \
    WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'";
const POSTGRES_COLUMNS: &str = "SELECT table_name::text AS \"table\", column_name::text AS \"column\", \
    data_type::text AS kind, is_nullable = 'NO' AS needed FROM information_schema.columns \
    WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    needed: bool,
}

fn open(url: &str) -> Db {
    let mut db = storage::open(&support::postgres::settings(url), storage::Use::Write).unwrap();
    storage::migrate(&mut db).unwrap();
    db
}

fn columns(db: &mut Db) -> BTreeSet<Column> {
    let columns: Vec<Column> = match db {
        Db::Sqlite(c) => diesel::sql_query(SQLITE_COLUMNS).load(c).unwrap(),
        Db::Postgres(c) => diesel::sql_query(POSTGRES_COLUMNS).load(c).unwrap(),
    };
    assert!(columns.len() > 50, "{columns:?}");
    columns.into_iter().collect()
}

#[test]
fn both_backends_have_the_same_columns() {
    let dir = TempDir::new().unwrap();
    let embedded = columns(&mut open(&format!("sqlite://{}", dir.path().join("a.db").display())));
    let this = columns(&mut open(&support::database_url(dir.path())));
    assert_eq!(embedded, this);
}

#[test]
fn migrations_lead_back_and_forth_to_the_same_columns() {
    let dir = TempDir::new().unwrap();
    let mut db = open(&support::database_url(dir.path()));
    let before = columns(&mut db);
    match &mut db {
        Db::Sqlite(c) => c.revert_all_migrations(SQLITE).map(drop).unwrap(),
        Db::Postgres(c) => c.revert_all_migrations(POSTGRES).map(drop).unwrap(),
    }
    assert!(!storage::pending(&mut db).unwrap().is_empty());
    storage::migrate(&mut db).unwrap();
    assert_eq!(columns(&mut db), before);
}

#[test]
fn a_log_that_is_not_of_the_size_believed_gains_neither_tiles_nor_a_checkpoint() {
    let dir = TempDir::new().unwrap();
    let mut db = open(&support::database_url(dir.path()));
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let log_id = log::open(&mut db, "test.example/log", "key", "owner", now).unwrap().id;
    let tile = |byte: u8, index: u64| TileWrite { level: 0, index, bytes: vec![byte; 32] };
    let grow = |db: &mut Db, owner: &str, (from, to): (u64, u64), tiles: &[TileWrite]| {
        let entries = Vec::new();
        log::append(db, Append { log_id, owner, from, to, entries, tiles, note: "note" })
    };
    grow(&mut db, "owner", (0, 3), &[tile(1, 0), tile(2, 1)]).unwrap();
    // A tile that is there is written over, and one that is not is added.
    grow(&mut db, "owner", (3, 5), &[tile(3, 1), tile(4, 2)]).unwrap();
    for (owner, sizes) in [("owner", (3, 7)), ("another", (5, 7))] {
        let refused = grow(&mut db, owner, sizes, &[tile(9, 0), tile(9, 3)]).unwrap_err();
        assert!(matches!(refused, storage::Error::Conflict(_)), "{refused}");
    }
    let tiles: Vec<_> = (0..4).map(|n| log::tile(&mut db, log_id, 0, n).unwrap()).collect();
    let expected: Vec<_> = [1, 3, 4].iter().map(|byte| Some(vec![*byte; 32])).collect();
    assert_eq!(tiles, [expected, vec![None]].concat());
    assert_eq!(log::by_origin(&mut db, "test.example/log").unwrap().unwrap().size, 5);
    let sizes: Vec<i64> = log::checkpoints(&mut db, log_id, 0, 99)
        .unwrap()
        .into_iter()
        .map(|(size, _)| size)
        .collect();
    assert_eq!(sizes, [3, 5]);
}
