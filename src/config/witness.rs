//! Settings about witnesses: the other States, which see each other's logs grow.
use serde::Deserialize;
use std::path::PathBuf;

/// Witnesses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The name under which this service cosigns; empty for that of its log.
    pub name: String,
    /// The key with which it cosigns; empty for a file in the data folder.
    pub key_file: PathBuf,
    /// Verifier keys of others' logs that it cosigns.
    pub logs: Vec<String>,
    /// Witnesses that are asked to cosign the log here.
    pub witnesses: Vec<Cosigner>,
    /// How many of them a checkpoint needs.
    pub quorum: usize,
    /// How often they are asked.
    pub every_ms: u64,
    /// After how long without the quorum the authority is alerted.
    pub alert_after_s: i64,
    /// How long one may take.
    pub timeout_ms: u64,
}

/// A witness that is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosigner {
    /// What stands before `/add-checkpoint`.
    pub url: String,
    /// Its verifier key, of the kind that cosigns.
    pub key: String,
    /// The authority that vouches for it, PEM, in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}
