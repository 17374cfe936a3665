//! `audit verify`, `audit replay` and the log as files.
use super::Failed;
use super::say;
use indicatif::ProgressBar;
use passavant::app::archive;
use passavant::app::audit_verify;
use passavant::app::export;
use passavant::app::replay;
use passavant::app::replay::Replayed;
use passavant::config::Config;
use passavant::storage;
use passavant::storage::log::LogRow;
use std::path::PathBuf;
use std::process::ExitCode;

/// Commands about the trail.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum AuditCommand {
    /// Walks every log from its first byte and names the first thing that does not fit.
    Verify,
    /// Checks archive files: each entry in them against its place in the log's tree.
    Archive {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Writes a log as files, in the layout of tlog-tiles, for a walk with other tools.
    Export {
        /// Where the files go.
        folder: PathBuf,
        /// The log's origin, where it is not this node's own.
        #[arg(long)]
        log: Option<String>,
    },
    /// Derives past verdicts again and says whether each agrees with its record.
    Replay {
        /// The entry's index; without one, every entry.
        index: Option<u64>,
        /// The log's origin, where it is not this node's own.
        #[arg(long)]
        log: Option<String>,
        /// Every verdict of the log.
        #[arg(long, conflicts_with = "index")]
        all: bool,
    },
}

/// Entries read at a time.
const PAGE: i64 = 500;

/// Runs a command.
pub(crate) fn run(config: &Config, command: &AuditCommand) -> Result<ExitCode, Failed> {
    match command {
        AuditCommand::Verify => verify(config),
        AuditCommand::Archive { files } => check_files(config, files),
        AuditCommand::Export { folder, log } => {
            let mut db = storage::open(&config.database, storage::Use::Read)?;
            let origin = log.as_deref().unwrap_or(&config.node.origin);
            let row = storage::log::by_origin(&mut db, origin)?
                .ok_or_else(|| format!("there is no log {origin}"))?;
            let entries = export::export(&mut db, &row, folder)?;
            say(&format!("{origin}: {entries} entries in {}", folder.display()));
            Ok(ExitCode::SUCCESS)
        }
        AuditCommand::Replay { index, log, .. } => replay_entries(config, *index, log.as_deref()),
    }
}

fn verify(config: &Config) -> Result<ExitCode, Failed> {
    // Before the database, which goes on meanwhile: what is remembered is never ahead of it.
    let remembered = audit_verify::remembered(&config.node)?;
    let mut db = storage::open(&config.database, storage::Use::Read)?;
    let bar = ProgressBar::no_length();
    let reports = audit_verify::verify_with(&mut db, remembered.as_deref(), |walked, size| {
        bar.set_length(size);
        bar.set_position(walked);
    })?;
    bar.finish_and_clear();
    if reports.is_empty() {
        return Err("the database holds no log: nothing was verified".into());
    }
    let mut sound = true;
    for report in reports {
        let head = format!(
            "{}: {} entries{}, {} checkpoints, {} records, root {}, key {}",
            report.origin,
            report.entries,
            archived(report.archived),
            report.checkpoints,
            report.records,
            report.root,
            report.verifier_key
        );
        match report.fault {
            None => say(&format!("{head}: all fits")),
            Some(fault) => {
                sound = false;
                let (log, key) = (report.origin, report.verifier_key);
                say(&format!("{log}: DOES NOT FIT: {fault} (key {key})"));
            }
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn archived(entries: u64) -> String {
    if entries == 0 { String::new() } else { format!(" (the first {entries} archived)") }
}

/// Checks archive files against the log that names them.
fn check_files(config: &Config, files: &[PathBuf]) -> Result<ExitCode, Failed> {
    let mut db = storage::open(&config.database, storage::Use::Read)?;
    for file in files {
        let (log, entries) = archive::check(&mut db, file)?;
        say(&format!(
            "{}: {entries} entries of {log}, each in its place in the tree",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn replay_entries(
    config: &Config,
    index: Option<u64>,
    log: Option<&str>,
) -> Result<ExitCode, Failed> {
    let mut db = storage::open(&config.database, storage::Use::Read)?;
    let origin = log.unwrap_or(&config.node.origin);
    let log = storage::log::by_origin(&mut db, origin)?
        .ok_or_else(|| format!("there is no log {origin}"))?;
    if let Some(index) = index {
        return replay_one(&mut db, &log, index);
    }
    let (mut from, mut agree, mut differ, mut unread) = (0, 0_u64, 0_u64, 0_u64);
    loop {
        let entries = storage::log::entries(&mut db, log.id, from, PAGE)?;
        for (at, entry) in &entries {
            let at = u64::try_from(*at)?;
            from = at + 1;
            // One record that does not read says nothing of those after it.
            let replayed = match replay::replay(&mut db, log.id, at, entry) {
                Ok(Some(replayed)) => replayed,
                Ok(None) => continue,
                Err(error) => {
                    unread += 1;
                    say(&format!("entry {at}: DOES NOT READ: {error}"));
                    continue;
                }
            };
            if replayed.agrees() {
                agree += 1;
            } else {
                differ += 1;
                tell(at, &replayed);
            }
        }
        if entries.is_empty() {
            break;
        }
    }
    say(&format!(
        "{agree} verdicts agree with their record, {differ} differ, {unread} do not read"
    ));
    if agree + differ + unread == 0 {
        return Err(format!("{origin} records no verdict: nothing was derived").into());
    }
    Ok(if differ == 0 && unread == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Derives the verdict of one entry again; where there is none to derive, that is no success.
fn replay_one(db: &mut storage::Db, log: &LogRow, index: u64) -> Result<ExitCode, Failed> {
    let name = format!("entry {index} of {}", log.origin);
    let Some(entry) = storage::log::entry(db, log.id, index)? else {
        let is_archived = index < storage::archive::upto(db, log.id)?;
        let why = if is_archived { "it is in an archive file" } else { "there is none" };
        return Err(format!("{name}: {why}").into());
    };
    let Some(replayed) = replay::replay(db, log.id, index, &entry)? else {
        return Err(format!("{name} records no verdict: nothing was derived").into());
    };
    tell(index, &replayed);
    Ok(if replayed.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(index: u64, replayed: &Replayed) {
    let agrees = if replayed.agrees() { "agrees" } else { "DIFFERS" };
    say(&format!(
        "entry {index}: verification {}: recorded {}, derived {} under {}: {agrees}",
        replayed.verification, replayed.recorded, replayed.derived, replayed.ruleset
    ));
    replayed.differences.iter().for_each(|difference| say(&format!("  {difference}")));
}
