//! Which database a test runs on. Every test is written once and runs on the embedded database; the
//! same binary then runs all of them again on a PostgreSQL server that it starts for itself.
pub mod postgres;

use postgres::Server;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// Where the second run finds its server; not a name that the service would take for a setting.
const SERVER: &str = "TEST_POSTGRES_SERVER";
const TEMPLATE: &str = "passavant_template";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URL of the database that belongs to a folder; a new, migrated one where there is none yet.
pub fn database_url(dir: &Path) -> String {
    let Ok(server) = std::env::var(SERVER) else {
        return format!("sqlite://{}", dir.join("passavant.db").display());
    };
    let file = dir.join("database.url");
    if let Ok(url) = std::fs::read_to_string(&file) {
        return url;
    }
    let number = DATABASES.fetch_add(1, Ordering::SeqCst);
    let name = format!("test_{}_{number}", std::process::id());
    postgres::execute(&server, "postgres", &format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"));
    let url = format!("{server}/{name}");
    std::fs::write(&file, &url).unwrap();
    url
}

/// Whether this is the run on PostgreSQL.
pub fn on_postgres() -> bool {
    std::env::var_os(SERVER).is_some()
}

/// Runs every other test of this binary on a PostgreSQL server; where there is none to be started,
/// it says so, and in CI it fails.
pub fn all_again_on_postgres(own_name: &str) {
    if on_postgres() {
        return;
    }
    let Some(server) = Server::start_or_say() else { return };
    postgres::execute(&server.url(), "postgres", &format!("CREATE DATABASE {TEMPLATE}"));
    postgres::migrate(&format!("{}/{TEMPLATE}", server.url()));
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--skip", own_name])
        .env(SERVER, server.url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success(),
        "on PostgreSQL:\n{said}\n{}",
        String::from_utf8_lossy(&again.stderr)
    );
    let result = said.lines().rfind(|line| line.starts_with("test result: ")).unwrap_or_default();
    say(&format!("on PostgreSQL, {result}"));
}

/// Says something past the capture of tests' output.
pub fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
