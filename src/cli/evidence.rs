//! `evidence`: a case for those who check it without us, and the check itself, which needs nothing but the
//! file.
use super::Failed;
use super::say;
use passavant::app::evidence;
use passavant::audit::evidence::Evidence;
use passavant::audit::evidence::verify;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::config::Config;
use passavant::storage;
use std::path::PathBuf;
use std::process::ExitCode;
use uuid::Uuid;

/// Largest file read.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Commands about evidence.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Prints the evidence of a verification.
    Export {
        /// The verification.
        verification: Uuid,
    },
    /// Checks evidence; it needs no settings, no database and no network.
    Verify {
        /// The file.
        file: PathBuf,
        /// The verifier key of a log, known from elsewhere; then no other is believed (may be repeated).
        #[arg(long = "key")]
        keys: Vec<String>,
    },
}

/// Runs a command.
pub(crate) fn run(
    config: impl FnOnce() -> Result<Config, Failed>,
    command: &EvidenceCommand,
) -> Result<ExitCode, Failed> {
    match command {
        EvidenceCommand::Export { verification } => {
            let config = config()?;
            let mut db = storage::open(&config.database, storage::Use::Read)?;
            let found = storage::verifications::entered(&mut db, *verification)?;
            let (row, log, index) = found.ok_or("there is no such verification")?;
            let evidence = evidence::gather(&mut db, row, (log, index), None, SystemClock.now())?;
            say(&serde_json::to_string_pretty(&evidence)?);
            Ok(ExitCode::SUCCESS)
        }
        EvidenceCommand::Verify { file, keys } => check(file, keys),
    }
}

fn check(file: &PathBuf, keys: &[String]) -> Result<ExitCode, Failed> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let bytes = std::fs::metadata(file).map_err(|error| failed(&error))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(failed(&format!("more than {FILE_BYTES_MAX} bytes")).into());
    }
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    let read: Evidence = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
    let shown = match verify(&read, keys) {
        Ok(shown) => shown,
        Err(faults) => {
            for fault in faults {
                say(&format!("DOES NOT FIT: {fault}"));
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    say(&format!(
        "verification {}: {}; {} entries proven, {} states of releases",
        read.verification, shown.verdict, shown.entries, shown.releases
    ));
    for (log, key, size) in &shown.logs {
        let known =
            if keys.is_empty() { "compare this key with what you know" } else { "a key given" };
        say(&format!("log {log} as of {size} entries, signed by {key} ({known})"));
    }
    for (number, version) in &shown.licences {
        say(&format!("licence {number} version {version}: as recorded"));
    }
    if !shown.has_facts {
        say("what was looked up is not part of this");
    }
    for (number, version) in &shown.unproven {
        say(&format!("licence {number} version {version}: its document is not part of this"));
    }
    Ok(ExitCode::SUCCESS)
}
