//! However long the writer goes on without a pause, its log stays short and nothing of it is lost.
use super::*;
use diesel::Connection;

const BOUNDS_OF_A_TEST: Bounds = Bounds { copied_from: 20, last_few: 5, log_max: 160 };

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

fn settings(dir: &tempfile::TempDir) -> config::Database {
    let file = dir.path().join("kept.db");
    let url = format!("sqlite://{}", file.display());
    config::Database { url, statement_timeout_ms: 5000, read_connections: 1 }
}

/// Commits without a pause; gives the most pages that its log has had, and how often it began anew.
fn commit(db: &mut Db, times: i64, mut after: impl FnMut(&mut Db)) -> (i64, u32) {
    let (mut most, mut last, mut anew) = (0, 0, 0);
    for n in 0..times {
        db.batch_execute(&format!("INSERT INTO kept VALUES ({n}, zeroblob(12000));")).unwrap();
        after(db);
        let pages = ask(db, "NOOP").unwrap().log;
        anew += u32::from(pages < last);
        (most, last) = (most.max(pages), pages);
    }
    (most, anew)
}

#[test]
fn a_log_that_is_written_without_a_pause_begins_anew_and_nothing_is_lost() {
    let dir = tempfile::TempDir::new().unwrap();
    let settings = settings(&dir);
    let mut db = open(&settings, Use::Write).unwrap();
    db.batch_execute("CREATE TABLE kept (n INTEGER PRIMARY KEY, body BLOB);").unwrap();
    let started = WriteBack::within(BOUNDS_OF_A_TEST, &settings, &mut db).unwrap().unwrap();
    let (most, anew) = commit(&mut db, 400, |db| started.look(db));
    // Each commit writes a few pages, and one more may come after the look.
    assert!(most <= BOUNDS_OF_A_TEST.log_max + 10, "{most} pages");
    assert!(anew >= 2, "it began anew {anew} times, {most} pages at most");
    drop((started, db));
    let mut again =
        diesel::SqliteConnection::establish(settings.url.trim_start_matches("sqlite://"));
    let counted = diesel::sql_query("SELECT count(*) AS n FROM kept WHERE length(body) = 12000");
    assert_eq!(counted.get_result::<Count>(again.as_mut().unwrap()).unwrap().n, 400);
}

#[test]
fn without_it_nobody_copies_for_the_writer() {
    let dir = tempfile::TempDir::new().unwrap();
    let settings = settings(&dir);
    let mut db = open(&settings, Use::Write).unwrap();
    db.batch_execute("CREATE TABLE kept (n INTEGER PRIMARY KEY, body BLOB);").unwrap();
    let started = WriteBack::within(BOUNDS_OF_A_TEST, &settings, &mut db).unwrap().unwrap();
    let (most, anew) = commit(&mut db, 600, |_| {});
    assert!(most > 1200 && anew == 0, "{most} pages, began anew {anew} times");
    drop(started);
}
