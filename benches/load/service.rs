//! The real service as a process of its own over a fresh folder, with tokens for it; and any other
//! server that says where it listens.
use crate::client::Failed;
use diesel::Connection;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::config::Config;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use passavant::storage;
use passavant::storage::Db;
use std::fmt::Write as _;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// How long it may take to be ready.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Ticks of a processor's time a second, as the kernel counts them for programs.
const TICKS_PER_S: f64 = 100.0;

/// A server in a process of its own.
pub struct Process {
    child: Child,
    /// Where it listens.
    pub api: SocketAddr,
    /// From its start until it said so.
    pub ready: Duration,
    operations: Option<SocketAddr>,
}

/// What kills a server from another thread.
pub struct Killer(u32);

impl Killer {
    /// Kills it as a power cut would.
    pub fn kill(self) -> Result<(), Failed> {
        let killed = Command::new("kill").args(["-KILL", &self.0.to_string()]).status()?;
        if killed.success() { Ok(()) } else { Err("it could not be killed".into()) }
    }
}

impl Process {
    /// Starts a server that says in one line where it listens.
    pub fn start(command: &mut Command) -> Result<Self, Failed> {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let ready = began.elapsed();
        let address = |after: &str| {
            let rest = line.split(after).nth(1)?;
            rest.split([',', '\n']).next()?.trim().parse().ok()
        };
        let api = address("listens on ").ok_or_else(|| format!("it did not start: {line}"))?;
        let operations = address("operations on ");
        Ok(Self { child, api, ready, operations })
    }

    /// What kills it from another thread.
    pub fn killer(&self) -> Killer {
        Killer(self.child.id())
    }

    fn get(&self, path: &str) -> Result<String, Failed> {
        let mut stream = TcpStream::connect(self.operations.ok_or("no operations port")?)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply)
    }

    /// One of its figures.
    pub fn metric(&self, name: &str) -> Result<f64, Failed> {
        let reply = self.get("/metrics")?;
        let value = reply.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.ok_or_else(|| format!("no {name}"))?.trim().parse()?)
    }

    /// Waits until it says that it may be sent requests.
    pub fn wait_until_ready(&self) -> Result<(), Failed> {
        let began = Instant::now();
        while began.elapsed() < READY_WITHIN {
            if self.get("/readyz").is_ok_and(|reply| reply.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("it does not become ready".into())
    }

    /// Seconds of processor time that it has used.
    pub fn cpu_s(&self) -> Result<f64, Failed> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let rest = stat.rsplit_once(')').ok_or("no figures of the process")?.1;
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_S)
    }

    /// Memory that it has in use, in bytes.
    pub fn memory(&self) -> Result<u64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no memory")?;
        let kib: u64 = line.split_whitespace().nth(1).ok_or("no memory")?.parse()?;
        Ok(kib * 1024)
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self) -> Result<(), Failed> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("it stopped with {status}").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service's folder, its settings and its tools.
pub struct Service {
    /// Where its data are.
    pub dir: PathBuf,
    binary: PathBuf,
}

impl Service {
    /// Prepares a folder; `cached` licences are kept in memory. Without a URL the database is the
    /// embedded one.
    pub fn prepare(
        binary: &Path,
        dir: &Path,
        url: Option<&str>,
        cached: u32,
    ) -> Result<Self, Failed> {
        if dir.exists() {
            std::fs::remove_dir_all(dir)?;
        }
        std::fs::create_dir_all(dir)?;
        if let Some(url) = url {
            PgConnection::establish(url)?
                .batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")?;
        }
        let url = url.map_or_else(
            || format!("sqlite://{}", dir.join("passavant.db").display()),
            str::to_owned,
        );
        let mut settings = format!(
            "[node]\norigin = \"passavant.example/load\"\nstate = \"FR\"\ndata_dir = {:?}\n[database]\nurl = {url:?}\n\
             [http]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n[cache]\nlicences_max = {cached}\n\
             [rate]\nrequests_per_s = 1000000\nrequests_burst = 1000000\n[log]\nfilter = \"warn\"\n",
            dir.display().to_string(),
        );
        for state in ["FR", "KE"] {
            let keys = dir.join(format!("{state}.jwks"));
            std::fs::write(&keys, issuer(state)?.jwks())?;
            write!(
                settings,
                "[[access.issuers]]\nissuer = \"https://login.example/{state}\"\nstate = \"{state}\"\n\
                 roles = [\"officer\", \"authority\"]\naudience = \"passavant\"\njwks_file = {:?}\n",
                keys.display().to_string()
            )?;
        }
        std::fs::write(dir.join("settings.toml"), settings)?;
        Ok(Self { dir: dir.to_path_buf(), binary: binary.to_path_buf() })
    }

    /// A connection to its database.
    pub fn database(&self) -> Result<Db, Failed> {
        let config = Config::load(Some(&self.dir.join("settings.toml")))?;
        Ok(storage::open(&config.database, storage::Use::Write)?)
    }

    /// Starts it.
    pub fn start(&self) -> Result<Process, Failed> {
        Process::start(&mut self.command(&["serve"]))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--config").arg(self.dir.join("settings.toml"));
        command
    }

    /// Runs one of its commands; gives what it says, and fails where it fails.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Failed> {
        let output = self.command(arguments).stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8(output.stdout)?;
        if output.status.success() {
            Ok(said)
        } else {
            Err(format!("{arguments:?}: {said}").into())
        }
    }
}

fn issuer(state: &str) -> Result<LocalIssuer, Failed> {
    let mut seed = [7; 32];
    seed[0] = state.as_bytes()[0];
    Ok(LocalIssuer::from_seed(&seed)?)
}

/// A token of a role in a State for one of many callers; it lives for a quarter of an hour.
pub fn token(state: &str, role: &str, number: usize) -> Result<String, Failed> {
    let posts = if role == "officer" { vec!["FRLEH".to_owned()] } else { Vec::new() };
    let (iss, sub) = (format!("https://login.example/{state}"), format!("{role}-{number}"));
    let claims =
        Claims { iss: &iss, aud: "passavant", sub: &sub, role, posts: &posts, operator: None };
    Ok(issuer(state)?.mint(&claims, SystemClock.now(), 900)?)
}
