//! Settings: the defaults, a file over them, the environment over both; validated as a whole, and
//! the service refuses to start with every reason.
use crate::domain::Country;
use figment::Figment;
use figment::providers::Env;
use figment::providers::Format;
use figment::providers::Toml;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

const DEFAULTS: &str = include_str!("../config/default.toml");

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
    /// The writer.
    pub recorder: Recorder,
    /// Hot licences.
    pub cache: Cache,
    /// Who may come in.
    pub access: Access,
    /// How often.
    pub rate: Rate,
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
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://FILE`; empty for a file in the data folder.
    pub url: String,
    /// Connections that only read.
    pub read_connections: usize,
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
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Largest body of a bulk import.
    pub import_bytes_max: usize,
    /// Connections at once.
    pub connections_max: usize,
    /// Time to send a request's head.
    pub head_timeout_s: u64,
    /// Time to keep a connection.
    pub keep_alive_s: u64,
    /// Time for requests in flight on stopping.
    pub shutdown_s: u64,
}

/// The writer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorder {
    /// Commands that may wait.
    pub queue_commands_max: usize,
    /// Commands of one transaction.
    pub batch_commands_max: usize,
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

/// Who may come in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// How far clocks may differ.
    pub leeway_s: i64,
    /// Longest life of a token.
    pub token_life_s_max: i64,
    /// Verified tokens kept.
    pub tokens_max: usize,
    /// How often keys are read again.
    pub keys_refresh_s: u64,
    /// How soon after an unknown key at the earliest.
    pub keys_cool_down_s: u64,
    /// Trusted issuers.
    pub issuers: Vec<Issuer>,
}

/// A trusted issuer of tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its `iss`.
    pub issuer: String,
    /// The State for which it speaks.
    pub state: String,
    /// The roles that it may give.
    pub roles: Vec<String>,
    /// The `aud` that its tokens for this service carry.
    pub audience: String,
    /// Where its keys are published.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A file with its keys.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
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

/// What is logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A tracing filter.
    pub filter: String,
    /// `json` or `text`.
    pub format: String,
}

const ROLES: [&str; 5] = ["officer", "authority", "carrier", "auditor", "admin"];

impl Config {
    /// The defaults alone, for tests and for the sample service, which fill in the rest.
    pub fn embedded() -> Result<Self, ConfigError> {
        Ok(Figment::from(Toml::string(DEFAULTS)).extract().map_err(Box::new)?)
    }

    /// Reads all settings and insists that the service can run on them.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let figment = figment.merge(Env::prefixed("PASSAVANT_").ignore(&["CONFIG"]).split("__"));
        let config: Self = figment.extract().map_err(Box::new)?;
        config.completed()
    }

    /// Derives what is left to be derived and insists that nothing is missing.
    pub fn completed(mut self) -> Result<Self, ConfigError> {
        if self.database.url.is_empty() {
            self.database.url =
                format!("sqlite://{}", self.node.data_dir.join("passavant.db").display());
        }
        let problems = self.problems();
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::Incomplete(problems)) }
    }

    /// Whether the API speaks TLS itself.
    pub fn tls(&self) -> bool {
        !self.http.tls_cert_file.as_os_str().is_empty()
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut unless = |sound: bool, problem: &str| {
            if !sound {
                problems.push(problem.to_owned());
            }
        };
        let origin = &self.node.origin;
        let named =
            !origin.is_empty() && !origin.contains('+') && !origin.contains(char::is_whitespace);
        unless(
            named,
            "node.origin: a name for the audit log, without spaces and '+', such as customs.example/node-1",
        );
        unless(
            Country::parse(&self.node.state).is_ok_and(Country::is_assigned),
            "node.state: the State's two letters",
        );
        unless(self.database.url.starts_with("sqlite://"), "database.url: sqlite://FILE");
        unless(self.database.read_connections > 0, "database.read_connections: at least 1");
        let http = &self.http;
        unless(
            self.tls() != http.tls_key_file.as_os_str().is_empty(),
            "http.tls_cert_file and http.tls_key_file: both or neither",
        );
        unless(
            self.tls() || http.behind_proxy || http.listen.ip().is_loopback(),
            "http.listen: beyond loopback only with TLS, or with http.behind_proxy = true where a proxy ends TLS",
        );
        unless(http.body_bytes_max >= 1024, "http.body_bytes_max: at least 1024");
        unless(http.connections_max > 0, "http.connections_max: at least 1");
        let recorder = &self.recorder;
        unless(recorder.batch_commands_max > 0, "recorder.batch_commands_max: at least 1");
        unless(
            recorder.queue_commands_max >= recorder.batch_commands_max,
            "recorder.queue_commands_max: at least recorder.batch_commands_max",
        );
        unless(self.cache.licences_max > 0, "cache.licences_max: at least 1");
        unless((0..=60).contains(&self.access.leeway_s), "access.leeway_s: 0 to 60");
        unless(
            (1..=900).contains(&self.access.token_life_s_max),
            "access.token_life_s_max: 1 to 900",
        );
        unless(
            !self.access.issuers.is_empty(),
            "access.issuers: nobody could come in without a trusted issuer",
        );
        unless(
            self.rate.requests_per_s > 0 && self.rate.refused_per_s > 0,
            "rate: at least 1 a second",
        );
        unless(
            self.rate.requests_burst > 0 && self.rate.refused_burst > 0,
            "rate: at least 1 at once",
        );
        unless(["json", "text"].contains(&self.log.format.as_str()), "log.format: json or text");
        for (index, issuer) in self.access.issuers.iter().enumerate() {
            problems.extend(
                issuer
                    .problems()
                    .iter()
                    .map(|problem| format!("access.issuers[{index}].{problem}")),
            );
        }
        problems
    }
}

impl Issuer {
    fn problems(&self) -> Vec<&'static str> {
        let assigned = Country::parse(&self.state).is_ok_and(Country::is_assigned);
        let roles =
            !self.roles.is_empty() && self.roles.iter().all(|role| ROLES.contains(&role.as_str()));
        [
            (!self.issuer.is_empty(), "issuer: its iss"),
            (assigned, "state: the State's two letters"),
            (roles, "roles: some of officer, authority, carrier, auditor, admin"),
            (!self.audience.is_empty(), "audience: the aud of tokens for this service"),
            (
                self.jwks_url.is_some() != self.jwks_file.is_some(),
                "jwks_url or jwks_file: one of the two",
            ),
        ]
        .into_iter()
        .filter_map(|(sound, problem)| (!sound).then_some(problem))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Config {
        let mut config = Config::embedded().unwrap();
        config.node.origin = "customs.example/node-1".to_owned();
        config.node.state = "FR".to_owned();
        config.access.issuers.push(Issuer {
            issuer: "https://login.example".to_owned(),
            state: "FR".to_owned(),
            roles: vec!["officer".to_owned()],
            audience: "passavant".to_owned(),
            jwks_url: None,
            jwks_file: Some("keys.json".into()),
        });
        config
    }

    #[test]
    fn complete_settings_are_taken() {
        let config = complete().completed().unwrap();
        assert_eq!(config.database.url, "sqlite:///var/lib/passavant/passavant.db");
    }

    #[test]
    fn the_defaults_alone_are_refused_with_every_reason() {
        let refused = Config::embedded().unwrap().completed().unwrap_err().to_string();
        for reason in ["node.origin", "node.state", "access.issuers"] {
            assert!(refused.contains(reason), "{reason}: {refused}");
        }
    }

    #[test]
    fn each_unsound_setting_is_named() {
        type Spoil = (&'static str, fn(&mut Config));
        let unsound: [Spoil; 9] = [
            ("node.origin", |c| c.node.origin = "a b".to_owned()),
            ("node.state", |c| c.node.state = "UK".to_owned()),
            ("database.url", |c| c.database.url = "postgres://db/passavant".to_owned()),
            ("http.tls_cert_file", |c| c.http.tls_cert_file = "cert.pem".into()),
            ("http.listen", |c| c.http.listen = "0.0.0.0:8443".parse().unwrap()),
            ("recorder.queue_commands_max", |c| c.recorder.queue_commands_max = 1),
            ("access.token_life_s_max", |c| c.access.token_life_s_max = 3600),
            ("access.issuers[0].roles", |c| c.access.issuers[0].roles = vec!["king".to_owned()]),
            ("access.issuers[0].jwks_url", |c| {
                c.access.issuers[0].jwks_url = Some("https://x".to_owned());
            }),
        ];
        for (setting, spoil) in unsound {
            let mut config = complete();
            spoil(&mut config);
            let refused = config.completed().unwrap_err().to_string();
            assert!(refused.contains(setting), "{setting}: {refused}");
        }
    }

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let misspelt =
            Figment::from(Toml::string(DEFAULTS)).merge(Toml::string("[http]\nlisten_on = \"x\""));
        assert!(misspelt.extract::<Config>().unwrap_err().to_string().contains("listen_on"));
    }
}
