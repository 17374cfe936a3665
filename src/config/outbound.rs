//! What this service tells others of itself, and what it asks of them.
use serde::Deserialize;
use std::path::PathBuf;

/// Telling States' systems.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// The key that signs; empty for a file in the data folder.
    pub key_file: PathBuf,
    /// Networks in which receivers may be although their addresses are not public.
    pub networks: Vec<String>,
    /// Authorities that vouch for receivers, PEM; empty for the public ones.
    pub ca_file: PathBuf,
    /// How long a receiver may take.
    pub timeout_ms: u64,
    /// Waits after attempts that failed.
    pub retry_ms: Vec<u64>,
    /// How long an event is tried.
    pub give_up_s: u64,
    /// How often it is tried at least.
    pub attempts_min: u32,
    /// Events on their way at once to one webhook.
    pub per_webhook_max: usize,
    /// Events on their way at once in all.
    pub concurrent_max: usize,
    /// Webhooks of a State.
    pub per_state_max: usize,
    /// Events that may wait for one webhook.
    pub waiting_max: u64,
    /// How long what has ended is kept.
    pub keep_days: u32,
}

/// Other States' registers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// The key that signs requests and replies; empty for a file in the data folder.
    pub key_file: PathBuf,
    /// The registers.
    pub registers: Vec<Register>,
}

/// The register of another State.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The State.
    pub state: String,
    /// Where it is.
    pub url: String,
    /// What its licences' numbers begin with.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// The `iss` under which it knows this service.
    pub issuer: String,
    /// The `aud` that it asks for.
    pub audience: String,
    /// Its public key.
    pub key: String,
    /// The authority that vouches for `url`, PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long it may take.
    #[serde(default = "register_timeout_ms")]
    pub timeout_ms: u64,
    /// How long what it has shown is shown again.
    #[serde(default = "register_cache_ms")]
    pub cache_ms: u64,
}

fn register_timeout_ms() -> u64 {
    1500
}

fn register_cache_ms() -> u64 {
    3000
}
