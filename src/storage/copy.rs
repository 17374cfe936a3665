//! Moving an embedded database to a server: every table, row by row as it stands, in one transaction
//! of the server, so that a move that fails has not happened.
use super::Db;
use super::Error;
use super::Result;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sql_types::Text;

/// Rows of one statement, and the bytes after which it is sent all the same.
const BATCH_ROWS: usize = 500;
const BATCH_BYTES: usize = 1024 * 1024;

/// Tables that belong to the database itself.
const NOT_OURS: &str = "__diesel_schema_migrations";

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Copies every table; `progress` is told the table, the rows copied of it and the rows it has. Gives
/// the tables and how many rows each has on both sides. Both connections are in a transaction.
pub fn copy(
    from: &mut Db,
    to: &mut Db,
    mut progress: impl FnMut(&str, i64, i64),
) -> Result<Vec<(String, i64)>> {
    let (Db::Sqlite(from), Db::Postgres(to)) = (from, to) else {
        return Err(Error::Bug("a copy goes from sqlite:// to postgres://".to_owned()));
    };
    to.batch_execute(
        "SET LOCAL statement_timeout=0; SET LOCAL lock_timeout=0; \
         SET LOCAL idle_in_transaction_session_timeout=0; SET LOCAL standard_conforming_strings=on;",
    )?;
    let tables = in_order(from)?;
    let held = count_of(&mut *to, "log")?;
    if held > 0 {
        let words = format!("the server's database holds {held} logs already: copy into a new one");
        return Err(Error::Bug(words));
    }
    // What the migrations themselves have put there comes with the copy.
    for table in tables.iter().rev() {
        to.batch_execute(&format!("DELETE FROM \"{table}\""))?;
    }
    let mut copied = Vec::with_capacity(tables.len());
    for table in tables {
        let rows = count_of(&mut *from, &table)?;
        copy_table(from, to, &table, |done| progress(&table, done, rows))?;
        let there = count_of(&mut *to, &table)?;
        if there != rows {
            let words = format!("{table} has {rows} rows here and {there} there");
            return Err(Error::Corrupt(words));
        }
        copied.push((table, rows));
    }
    go_on_counting(to)?;
    Ok(copied)
}

/// The tables, each after those that it refers to.
fn in_order(c: &mut diesel::SqliteConnection) -> Result<Vec<String>> {
    let mut waiting: Vec<String> = diesel::sql_query(
        "SELECT name AS word FROM sqlite_master WHERE type = 'table' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .load::<Word>(c)?
    .into_iter()
    .map(|found| found.word)
    .filter(|name| name != NOT_OURS)
    .collect();
    let mut ordered: Vec<String> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let mut later = Vec::new();
        let before = waiting.len();
        for table in waiting {
            let refers: Vec<Word> =
                diesel::sql_query("SELECT \"table\" AS word FROM pragma_foreign_key_list(?)")
                    .bind::<Text, _>(&table)
                    .load(c)?;
            let free = |other: &Word| other.word == table || ordered.contains(&other.word);
            if refers.iter().all(free) { ordered.push(table) } else { later.push(table) }
        }
        if later.len() == before {
            return Err(Error::Bug(format!("these tables refer to each other: {later:?}")));
        }
        waiting = later;
    }
    Ok(ordered)
}

/// One table, a bounded batch at a time. The values come out of SQLite as SQL writes them.
fn copy_table(
    from: &mut diesel::SqliteConnection,
    to: &mut diesel::PgConnection,
    table: &str,
    mut progress: impl FnMut(i64),
) -> Result<()> {
    let columns: Vec<Column> =
        diesel::sql_query("SELECT name, type AS kind FROM pragma_table_info(?) ORDER BY cid")
            .bind::<Text, _>(table)
            .load(from)?;
    let values: Vec<String> = columns.iter().map(literal).collect();
    let names: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let insert = format!("INSERT INTO \"{table}\" ({}) VALUES ", names.join(", "));
    let rows = diesel::sql_query(format!(
        "SELECT '(' || {} || ')' AS word FROM \"{table}\"",
        values.join(" || ',' || ")
    ));
    let (mut statement, mut waiting, mut done) = (String::new(), 0_usize, 0_i64);
    for row in rows.load_iter::<Word, diesel::connection::DefaultLoadingMode>(from)? {
        statement.push_str(if statement.is_empty() { &insert } else { "," });
        statement.push_str(&row?.word);
        waiting += 1;
        done += 1;
        if waiting == BATCH_ROWS || statement.len() >= BATCH_BYTES {
            to.batch_execute(&statement)?;
            progress(done);
            statement.clear();
            waiting = 0;
        }
    }
    if waiting > 0 {
        to.batch_execute(&statement)?;
        progress(done);
    }
    Ok(())
}

/// How SQLite writes a column's value so that PostgreSQL reads it.
fn literal(column: &Column) -> String {
    let name = &column.name;
    if column.kind.eq_ignore_ascii_case("BLOB") {
        // Of nothing, `hex` makes an empty text.
        return format!(
            "CASE WHEN \"{name}\" IS NULL THEN 'NULL' ELSE '''\\x' || hex(\"{name}\") || '''' END"
        );
    }
    format!("quote(\"{name}\")")
}

fn count_of<C: diesel::connection::LoadConnection>(c: &mut C, table: &str) -> Result<i64>
where
    diesel::query_builder::SqlQuery: diesel::query_dsl::LoadQuery<'static, C, Count>,
{
    let asked = diesel::sql_query(format!("SELECT count(*) AS count FROM \"{table}\""));
    Ok(asked.get_result::<Count>(c)?.count)
}

/// Numbers that the server gives go on after those that came with the copy.
fn go_on_counting(c: &mut diesel::PgConnection) -> Result<()> {
    let counted: Vec<Column> = diesel::sql_query(
        "SELECT table_name::text AS name, column_name::text AS kind \
         FROM information_schema.columns \
         WHERE table_schema = current_schema() AND is_identity = 'YES'",
    )
    .load(c)?;
    for Column { name: table, kind: column } in counted {
        c.batch_execute(&format!(
            "SELECT setval(pg_get_serial_sequence('\"{table}\"', '{column}'), \
             coalesce(max(\"{column}\"), 0) + 1, false) FROM \"{table}\""
        ))?;
    }
    Ok(())
}
