//! Settings about who may come in.
use serde::Deserialize;
use std::path::PathBuf;

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
    /// The authority that vouches for `jwks_url`, PEM, in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The algorithms that its keys may have; none said, all that the service knows.
    #[serde(default)]
    pub algorithms: Vec<String>,
}
