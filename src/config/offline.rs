//! Settings about posts that may be cut off from the register.
use serde::Deserialize;

/// Posts that may be cut off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// The post that this process serves while it is cut off; empty where it is no such process.
    pub post: String,
    /// The longest life of a snapshot.
    pub snapshot_life_s_max: u32,
}
