//! PostgreSQL servers for tests: real ones, each in a folder of its own and on a free port of
//! loopback, stopped when they are dropped. Servers refuse to run as root, so root runs them as
//! `nobody`.
use diesel::connection::SimpleConnection;
use passavant::config::Config;
use passavant::storage;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

pub const USER: &str = "passavant";
/// How long a server may take to answer.
const START_WITHIN: Duration = Duration::from_mins(1);

/// A running server.
pub struct Server {
    dir: TempDir,
    programs: PathBuf,
    port: u16,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server for tests that do not ask what survives a power cut; says so where no
    /// PostgreSQL is installed.
    pub fn start_or_say() -> Option<Self> {
        Self::start_with(&["fsync=off", "full_page_writes=off"])
    }

    /// Starts a server with settings.
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL (pg_ctl, initdb) is required in CI"
            );
            super::say("SKIPPED: no PostgreSQL (pg_ctl, initdb) is installed here");
            return None;
        };
        let dir = folder();
        let made = as_server(Command::new(programs.join("initdb")))
            .args(["--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C", "-U", USER, "-D"])
            .arg(dir.path().join("data"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { dir, programs, port: free_port(), settings, child: None };
        server.run();
        Some(server)
    }

    /// Where it is, without a database.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}", self.port)
    }

    /// Runs the server that stands in the folder.
    pub fn run(&mut self) {
        let mut command = as_server(Command::new(self.programs.join("postgres")));
        command.arg("-D").arg(self.dir.path().join("data"));
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "max_connections=200", "-c", "unix_socket_directories="]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.dir.path().join("server.log")).unwrap();
        command.stderr(log).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let began = Instant::now();
        while try_execute(&self.url(), "postgres", "SELECT 1").is_err() {
            assert!(began.elapsed() < START_WITHIN, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the server has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = as_server(Command::new(self.programs.join("pg_ctl")))
            .args(["stop", "-m", "immediate", "-s", "-D"])
            .arg(self.dir.path().join("data"))
            .status();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The folder of the server's programs: on the path, or where Debian puts them.
pub fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&path));
    folders.into_iter().find(|folder| {
        ["pg_ctl", "initdb", "postgres"].iter().all(|program| folder.join(program).exists())
    })
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// The number of the user `nobody`, as Debian has it.
const NOBODY: u32 = 65534;

/// A folder that the server's user owns.
pub fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    if is_root() {
        std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    dir
}

/// A program of the server, as the user that it runs as.
pub fn as_server(mut command: Command) -> Command {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
    }
    command
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Settings for a database at a URL.
pub fn settings(url: &str) -> passavant::config::Database {
    let mut settings = Config::embedded().unwrap().database;
    url.clone_into(&mut settings.url);
    settings
}

fn try_execute(server: &str, database: &str, sql: &str) -> Result<(), String> {
    let settings = settings(&format!("{server}/{database}"));
    let mut db =
        storage::open(&settings, storage::Use::Write).map_err(|error| error.to_string())?;
    db.batch_execute(sql).map_err(|error| error.to_string())
}

/// Runs SQL in a database of a server.
pub fn execute(server: &str, database: &str, sql: &str) {
    try_execute(server, database, sql).unwrap();
}

/// Brings a database to the form that the service uses.
pub fn migrate(url: &str) {
    let mut db = storage::open(&settings(url), storage::Use::Write).unwrap();
    storage::migrate(&mut db).unwrap();
}
