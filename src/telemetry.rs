//! Structured logs: JSON for machines, text for people.
use crate::config::Log;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error.
pub fn start(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format.as_str() {
        "text" => builder.try_init(),
        _ => builder.json().flatten_event(true).try_init(),
    }
}
