//! Settings: defaults, then a file, then the environment; validated as a whole.
use serde::Deserialize;
use std::path::PathBuf;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// The node.
    pub node: Node,
    /// The database.
    pub database: Database,
    /// The writer.
    pub recorder: RecorderLimits,
    /// The cache.
    pub cache: CacheLimits,
}
/// The node.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    /// Origin of its log.
    pub origin: String,
    /// Its State.
    pub state: String,
    /// Where its files are.
    pub data_dir: PathBuf,
}
/// The database.
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// URL.
    pub url: String,
    /// Connections for reading.
    pub read_connections: usize,
}
/// The writer.
#[derive(Debug, Clone, Deserialize)]
pub struct RecorderLimits {
    /// Queue.
    pub queue_commands_max: usize,
    /// Batch.
    pub batch_commands_max: usize,
}
/// The cache.
#[derive(Debug, Clone, Deserialize)]
pub struct CacheLimits {
    /// Licences.
    pub licences_max: usize,
    /// Age.
    pub age_ms_max: u64,
}
