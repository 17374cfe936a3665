//! Settings about a token that holds keys: a module of hardware, or a service, behind a PKCS#11 library.
use serde::Deserialize;
use std::path::PathBuf;

/// A token that holds keys.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11 {
    /// The library; empty where keys are in files.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The user's PIN, from the environment.
    pub pin: String,
    /// A file with it.
    pub pin_file: PathBuf,
    /// The label of the key that signs the log; empty for the one in the data folder.
    pub log_key: String,
    /// How long the token may take over one signature.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for Pkcs11 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pkcs11")
            .field("module", &self.module)
            .field("token", &self.token)
            .field("pin", &if self.pin.is_empty() { "" } else { "***" })
            .field("pin_file", &self.pin_file)
            .field("log_key", &self.log_key)
            .field("timeout_ms", &self.timeout_ms)
            .finish()
    }
}

impl Pkcs11 {
    /// Whether a token is used.
    pub fn is_used(&self) -> bool {
        !self.module.as_os_str().is_empty()
    }
}
