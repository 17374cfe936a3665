//! Structured logs: JSON for machines, text for people.
use crate::config::Log;
use std::panic::PanicHookInfo;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error; a panic becomes a line like every other.
pub fn start(log: &Log) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format.as_str() {
        "text" => builder.try_init(),
        _ => builder.json().flatten_event(true).try_init(),
    }?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(cause = panic.payload_as_str(), at, "a panic");
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::io::Write;
    use std::sync::Arc;

    #[test]
    fn a_filter_that_does_not_read_is_named_by_its_setting() {
        let log = Log { filter: "passavant=loud".to_owned(), format: "json".to_owned() };
        let refused = start(&log).unwrap_err().to_string();
        assert!(refused.starts_with("log.filter: "), "{refused}");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_line_with_its_cause_and_place() {
        let lines = Lines::default();
        let writer = lines.clone();
        let json = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let panicked = tracing::subscriber::with_default(json, || {
            std::panic::catch_unwind(|| panic!("the cause"))
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let line: serde_json::Value = serde_json::from_slice(&lines.0.lock()).unwrap();
        assert_eq!(
            (line["level"].as_str(), line["cause"].as_str()),
            (Some("ERROR"), Some("the cause"))
        );
        assert!(line["at"].as_str().unwrap().starts_with("src/telemetry.rs:"), "{line}");
    }
}
