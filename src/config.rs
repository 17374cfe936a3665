//! Settings: the defaults, a file over them, the environment over both; validated as a whole, and
//! the service refuses to start with every reason.
mod access;
pub(crate) mod check;
mod log;
mod offline;
mod outbound;
mod pkcs11;
#[cfg(test)]
mod tests;
mod trust;
mod witness;

pub use access::Access;
pub use access::Issuer;
pub use log::Log;
pub use offline::Offline;
pub use pkcs11::Pkcs11;
pub use trust::Authority;
pub use trust::Trust;
pub use witness::Cosigner;
pub use witness::Witness;

pub use outbound::Register;
pub use outbound::Registry;
pub use outbound::Webhooks;

use figment::Figment;
use figment::providers::Env;
use figment::providers::Format;
use figment::providers::Toml;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

const DEFAULTS: &str = include_str!("../config/default.toml");

/// The PIN's name in the environment.
const PIN: &str = "PKCS11__PIN";

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// They do not read.
    #[error("the settings do not read: {0}")]
    Unreadable(#[from] Box<figment::Error>),
    /// They read, and the service cannot run on them.
    #[error("the settings are incomplete:\n  {}", .0.join("\n  "))]
    Incomplete(Vec<String>),
}

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node.
    pub node: Node,
    /// The database.
    pub database: Database,
    /// The doors.
    pub http: Http,
    /// The pages for people.
    pub console: Console,
    /// The writer.
    pub recorder: Recorder,
    /// Hot licences.
    pub cache: Cache,
    /// Goods announced by carriers.
    pub preclearance: Preclearance,
    /// How long what was decided is kept.
    pub retention: Retention,
    /// Releases.
    pub release: Release,
    /// Who may come in.
    pub access: Access,
    /// How often.
    pub rate: Rate,
    /// Telling States' systems.
    pub webhooks: Webhooks,
    /// Streams of alerts.
    pub stream: Stream,
    /// Other States' registers.
    pub registry: Registry,
    /// Credentials and other States' authorities.
    pub trust: Trust,
    /// A token that holds keys.
    pub pkcs11: Pkcs11,
    /// Witnesses.
    pub witness: Witness,
    /// Posts that may be cut off.
    pub offline: Offline,
    /// What is logged.
    pub log: Log,
}

/// The node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The name of its audit log.
    pub origin: String,
    /// The State whose service this is.
    pub state: String,
    /// Where its files are kept.
    pub data_dir: PathBuf,
}

/// The database.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://FILE` or `postgres://HOST/NAME`; empty for a file in the data folder.
    pub url: String,
    /// How long the database may take over one statement.
    pub statement_timeout_ms: u32,
    /// Connections that only read.
    pub read_connections: usize,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.redacted())
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("read_connections", &self.read_connections)
            .finish()
    }
}

impl Database {
    /// The URL without its password, for words.
    pub fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return self.url.clone() };
        let Some((user, host)) = rest.rsplit_once('@') else { return self.url.clone() };
        let name = user.split(':').next().unwrap_or_default();
        format!("{scheme}://{name}:***@{host}")
    }

    /// The same settings for another database.
    pub fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same settings for an embedded database in a file.
    pub fn in_file(&self, file: &Path) -> Self {
        Self { url: format!("sqlite://{}", file.display()), ..self.clone() }
    }

    /// The file of an embedded database.
    pub fn file(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite://").map(Path::new)
    }
}

/// The doors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The API.
    pub listen: SocketAddr,
    /// Operations.
    pub ops_listen: SocketAddr,
    /// Certificate chain, PEM; empty without TLS.
    pub tls_cert_file: PathBuf,
    /// Key, PEM; empty without TLS.
    pub tls_key_file: PathBuf,
    /// Whether a proxy in front ends TLS.
    pub behind_proxy: bool,
    /// Threads that serve; 0 for one a processor.
    pub workers: usize,
    /// Largest request head: its address and headers.
    pub head_bytes_max: usize,
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Largest body of a bulk import.
    pub import_bytes_max: usize,
    /// Connections at once.
    pub connections_max: usize,
    /// Time to send a request's head.
    pub head_timeout_s: u64,
    /// Time to send a request's body.
    pub body_timeout_s: u64,
    /// Time to send the body of a bulk import.
    pub import_timeout_s: u64,
    /// Time to keep a connection.
    pub keep_alive_s: u64,
    /// Time for requests in flight on stopping.
    pub shutdown_s: u64,
}

/// The pages for people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Whether they are served; where it is not said, they are where people can sign in.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// The key under which sessions are sealed; empty for one of this node's own.
    pub key_file: PathBuf,
    /// How long a session may go on by renewal before its owner signs in again.
    pub session_s_max: i64,
    /// Under which address people reach this service.
    pub public_url: String,
    /// The issuers that sign people in.
    pub sign_in: Vec<SignIn>,
}

impl Console {
    /// Whether the pages are served: as it is said, or else where the settings by which people sign in
    /// are complete.
    pub fn is_served(&self) -> bool {
        self.enabled.unwrap_or(!self.public_url.is_empty() && !self.sign_in.is_empty())
    }
}

/// An issuer that signs people in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// What people call it.
    pub name: String,
    /// Its `iss`, that of a trusted issuer.
    pub issuer: String,
    /// As what it knows this service.
    pub client_id: String,
    /// A file with the secret that it has given to this service, if it has.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "openid")]
    pub scope: String,
    /// The authority that vouches for it, PEM, in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn openid() -> String {
    "openid".to_owned()
}

/// The writer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorder {
    /// Commands that may wait.
    pub queue_commands_max: usize,
    /// Commands of one transaction.
    pub batch_commands_max: usize,
    /// How long a caller waits for the record.
    pub answer_within_ms: u64,
}

/// Hot licences.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Licences kept.
    pub licences_max: usize,
    /// Age beyond which they are not trusted.
    pub age_ms_max: u64,
}

/// Goods announced by carriers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preclearance {
    /// Pre-clearances of one carrier in an hour that name licences which are not there or do not fit.
    pub misses_per_hour_max: u32,
    /// Pre-clearances that one carrier may lodge in an hour; each is withdrawn once at most.
    pub lodgings_per_hour_max: u32,
    /// Pre-clearances of one carrier that wait for presentation.
    pub waiting_max: u32,
    /// How often what has lapsed is freed.
    pub lapse_every_s: u64,
}

/// How long what was decided is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Years before entries may be archived; a profile of law that says more prevails.
    pub years: u16,
}

/// Releases.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// How long a release against the advice waits for its confirmation.
    pub confirm_within_s: u32,
}

/// How often callers may ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests of one caller a second.
    pub requests_per_s: u32,
    /// Requests of one caller at once.
    pub requests_burst: u32,
    /// Requests without a valid token from one address a second.
    pub refused_per_s: u32,
    /// The same at once.
    pub refused_burst: u32,
}

/// Streams of alerts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Streams at once.
    pub streams_max: usize,
    /// Streams at once of one caller.
    pub streams_of_caller_max: usize,
    /// Events that a stream's reader may be behind before it is cut.
    pub buffer_events: usize,
    /// Events of one log that a reader who comes back may have missed.
    pub replay_events_max: u32,
    /// How often a stream without events gives a sign of life.
    pub beat_s: u64,
    /// How soon a reader who was cut comes back.
    pub retry_ms: u64,
}

impl Config {
    /// The defaults alone, for tests and for the sample service, which fill in the rest.
    pub fn embedded() -> Result<Self, ConfigError> {
        Ok(Figment::from(Toml::string(DEFAULTS)).extract().map_err(Box::new)?)
    }

    /// The settings that a text states, on top of the defaults; the environment is not asked.
    pub fn stated(settings: &str) -> Result<Self, ConfigError> {
        let figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(settings));
        let config: Self = figment.extract().map_err(Box::new)?;
        config.completed()
    }

    /// Reads all settings and insists that the service can run on them.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("PASSAVANT_").ignore(&["CONFIG", PIN]).split("__");
        let mut figment = figment.merge(environment);
        // Taken as it stands: a PIN is a text also where it looks like a number.
        for (_, pin) in Env::prefixed("PASSAVANT_").only(&[PIN]).iter() {
            figment = figment.merge(("pkcs11.pin", pin));
        }
        let config: Self = figment.extract().map_err(Box::new)?;
        config.completed()
    }

    /// Derives what is left to be derived and insists that nothing is missing.
    pub fn completed(mut self) -> Result<Self, ConfigError> {
        if self.database.url.is_empty() {
            self.database.url =
                format!("sqlite://{}", self.node.data_dir.join("passavant.db").display());
        }
        let problems = check::problems(&self);
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::Incomplete(problems)) }
    }

    /// Whether the API speaks TLS itself.
    pub fn tls(&self) -> bool {
        self.http.tls()
    }
}

impl Http {
    pub(crate) fn tls(&self) -> bool {
        !self.tls_cert_file.as_os_str().is_empty()
    }
}
