//! Settings about credentials: this State's authority and those of others.
use serde::Deserialize;
use std::path::Path;
use std::path::PathBuf;

/// Credentials and other States' authorities.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The `iss` of this State's credentials; empty for one that follows from the origin.
    pub issuer: String,
    /// Where the signing keys are; empty for a folder in the data folder.
    pub key_dir: PathBuf,
    /// A signing key from the environment, `ALGORITHM:SECRET`; empty for one of the folder's.
    pub signing_key: String,
    /// How long a status list serves.
    pub status_life_s: i64,
    /// After how long a newer one is worth asking for.
    pub status_ttl_s: i64,
    /// How old another authority's list may be.
    pub status_age_s_max: i64,
    /// How often others' keys and lists are read again.
    pub refresh_s: u64,
    /// How soon after an unknown key at the earliest.
    pub cool_down_s: u64,
    /// Lists of others kept.
    pub lists_max: usize,
    /// Other States' authorities.
    pub authorities: Vec<Authority>,
}

/// Another State's licensing authority.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The State for which it issues.
    pub state: String,
    /// Its `iss`.
    pub issuer: String,
    /// Where its keys are published.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A file with its keys.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The authority that vouches for its addresses, PEM, in place of the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("issuer", &self.issuer)
            .field("key_dir", &self.key_dir)
            .field("signing_key", &if self.signing_key.is_empty() { "" } else { "***" })
            .field("authorities", &self.authorities)
            .finish_non_exhaustive()
    }
}

impl Trust {
    /// The `iss` of this State's credentials.
    pub fn issuer(&self, origin: &str) -> String {
        if self.issuer.is_empty() {
            return format!("https://{}", origin.split('/').next().unwrap_or_default());
        }
        self.issuer.trim_end_matches('/').to_owned()
    }

    /// Where the signing keys are.
    pub fn key_dir(&self, data_dir: &Path) -> PathBuf {
        if self.key_dir.as_os_str().is_empty() {
            return data_dir.join("keys");
        }
        self.key_dir.clone()
    }
}
