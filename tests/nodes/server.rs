//! PostgreSQL servers that a test may stop, kill, copy, promote and starve.
use super::support;
use super::support::postgres;
use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use passavant::storage;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// How long a server may take to answer, to stop, or to be promoted.
const WITHIN: Duration = Duration::from_mins(1);

/// A server in a folder of its own.
pub struct Pg {
    pub dir: TempDir,
    pub port: u16,
    programs: PathBuf,
    settings: Vec<String>,
    child: Option<Child>,
}

impl Pg {
    /// Makes and starts one; says so where no PostgreSQL is installed.
    pub fn start(settings: &[&str]) -> Option<Self> {
        let mut server = Self::make(settings)?;
        server.run();
        Some(server)
    }

    /// Makes one, so that its folder may be changed before it runs.
    pub fn make(settings: &[&str]) -> Option<Self> {
        let server = Self::empty(settings)?;
        server
            .program("initdb")
            .args(["--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C", "-U", postgres::USER])
            .arg("-D")
            .arg(server.data())
            .done();
        // Copies for stand-bys are taken without a password, as everything here.
        Some(server)
    }

    fn empty(settings: &[&str]) -> Option<Self> {
        let Some(programs) = postgres::programs() else {
            assert!(std::env::var_os("CI").is_none(), "PostgreSQL is required in CI");
            support::say("SKIPPED: no PostgreSQL (pg_ctl, initdb) is installed here");
            return None;
        };
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let (dir, port) = (postgres::folder(), postgres::free_port());
        Some(Self { dir, port, programs, settings, child: None })
    }

    /// A stand-by that follows this server under a name.
    pub fn stand_by(&self, name: &str) -> Self {
        let mut copy = Self::empty(&[]).unwrap();
        copy.settings.clone_from(&self.settings);
        let source = format!(
            "host=127.0.0.1 port={} user={} application_name={name}",
            self.port,
            postgres::USER
        );
        copy.program("pg_basebackup")
            .args(["--checkpoint=fast", "--no-sync", "-R", "-X", "stream", "-d", &source, "-D"])
            .arg(copy.data())
            .done();
        copy.run();
        copy
    }

    /// A base copy of this server, which does not run yet.
    pub fn copy(&self) -> Self {
        let copy = Self::empty(&[]).unwrap();
        let source = format!("host=127.0.0.1 port={} user={}", self.port, postgres::USER);
        copy.program("pg_basebackup")
            .args(["--checkpoint=fast", "--no-sync", "-X", "none", "-d", &source, "-D"])
            .arg(copy.data())
            .done();
        copy
    }

    /// A further server setting, from the next start on.
    pub fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// One of the server's programs, as its user.
    pub fn program(&self, name: &str) -> Program {
        Program(postgres::as_server(Command::new(self.programs.join(name))))
    }

    /// Where it is, without a database.
    pub fn url(&self) -> String {
        format!("postgres://{}@127.0.0.1:{}", postgres::USER, self.port)
    }

    /// A new, migrated database.
    pub fn database(&self, name: &str) -> String {
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        let url = format!("{}/{name}", self.url());
        postgres::migrate(&url);
        url
    }

    pub fn execute(&self, database: &str, sql: &str) {
        postgres::execute(&self.url(), database, sql);
    }

    /// What one statement gives, a single text.
    pub fn ask(&self, database: &str, sql: &str) -> String {
        ask(&format!("{}/{database}?target_session_attrs=any", self.url()), sql).unwrap()
    }

    /// Runs the server that stands in the folder.
    pub fn run(&mut self) {
        self.spawn();
        let began = Instant::now();
        let url = format!("{}/postgres?target_session_attrs=any", self.url());
        while ask(&url, "SELECT 'up' AS answer").is_err() {
            assert!(began.elapsed() < WITHIN, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts it without waiting until it answers.
    pub fn spawn(&mut self) {
        let Program(mut command) = self.program("postgres");
        command.arg("-D").arg(self.data());
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "max_connections=100", "-c", "unix_socket_directories="]);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.path().join("server.log"))
            .unwrap();
        command.stderr(log).stdout(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    /// The process that all others of the server belong to.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Ends it at once, as a machine that loses its power: every process of it.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        let path = format!("/proc/{0}/task/{0}/children", child.id());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        child.kill().unwrap();
        for pid in children.split_whitespace() {
            let _ = Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status();
        }
        child.wait().unwrap();
    }

    /// Stops it in a mode (`fast`, `immediate`).
    pub fn stop(&mut self, mode: &str) {
        self.program("pg_ctl").args(["stop", "-s", "-m", mode, "-D"]).arg(self.data()).done();
        self.child.take().unwrap().wait().unwrap();
    }

    /// Makes a stand-by the primary.
    pub fn promote(&self) {
        self.program("pg_ctl").args(["promote", "-s", "-D"]).arg(self.data()).done();
    }

    /// What the server has written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }
}

impl Drop for Pg {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let Program(mut stop) = self.program("pg_ctl");
            let _ = stop.args(["stop", "-m", "immediate", "-s", "-D"]).arg(self.data()).status();
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program that is to end well.
pub struct Program(Command);

impl Program {
    pub fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn arg(mut self, argument: impl AsRef<Path>) -> Self {
        self.0.arg(argument.as_ref());
        self
    }

    pub fn done(mut self) {
        let output = self.0.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", self.0.get_program().display());
    }
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

/// What one statement gives at a URL, a single text called `answer`.
pub fn ask(url: &str, sql: &str) -> Result<String, String> {
    let settings = postgres::settings(url);
    let mut db = storage::open(&settings, storage::Use::Read).map_err(|error| error.to_string())?;
    let answer: Answer =
        diesel::sql_query(sql).get_result(&mut db).map_err(|error| error.to_string())?;
    Ok(answer.answer)
}

/// A session of the test's own, to hold locks and the like in.
pub fn session(url: &str) -> storage::Db {
    let mut db = storage::open(&postgres::settings(url), storage::Use::Write).unwrap();
    db.batch_execute(
        "SET idle_in_transaction_session_timeout=0; SET lock_timeout=0; SET statement_timeout=0",
    )
    .unwrap();
    db
}
