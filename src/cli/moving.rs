//! `migrate` and `migrate copy`.
use super::Failed;
use super::say;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use passavant::app::moving;
use passavant::config::Config;
use passavant::storage;
use std::process::ExitCode;

/// What beside bringing the database to its form.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum MigrateCommand {
    /// Copies an embedded database into a server's, which has been migrated and is empty.
    Copy {
        /// `sqlite://FILE`
        from: String,
        /// `postgres://HOST/NAME`
        to: String,
    },
}

/// Runs a command.
pub(crate) fn run(config: &Config, command: Option<&MigrateCommand>) -> Result<ExitCode, Failed> {
    match command {
        None => migrate(config),
        Some(MigrateCommand::Copy { from, to }) => copy(config, from, to),
    }
}

fn migrate(config: &Config) -> Result<ExitCode, Failed> {
    std::fs::create_dir_all(&config.node.data_dir)?;
    let ran = storage::migrate(&mut storage::open(&config.database, storage::Use::Write)?)?;
    say(&match ran.len() {
        0 => "the database is up to date".to_owned(),
        _ => format!("ran {}", ran.join(", ")),
    });
    Ok(ExitCode::SUCCESS)
}

/// The service must be stopped: it takes the data folder, and the file's write lock.
fn copy(config: &Config, from: &str, to: &str) -> Result<ExitCode, Failed> {
    let _lock = passavant::app::open::lock(&config.node.data_dir)?;
    let (from, to) = (config.database.at(from), config.database.at(to));
    let file = from.file().ok_or("the first is a file: sqlite://FILE")?;
    if !file.exists() {
        return Err(format!("{} is not there", file.display()).into());
    }
    if !storage::is_shared(&to.url) {
        return Err("the second is a server's database: postgres://HOST/NAME".into());
    }
    let mut here = storage::open(&from, storage::Use::Write)?;
    storage::migrate(&mut here)?;
    let mut there = storage::open(&to, storage::Use::Write)?;
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}")?);
    let moved = moving::copy(&mut here, &mut there, |table, done, rows| {
        bar.set_message(table.to_owned());
        bar.set_length(u64::try_from(rows).unwrap_or_default());
        bar.set_position(u64::try_from(done).unwrap_or_default());
    })?;
    bar.finish_and_clear();
    for (table, rows) in moved.tables {
        say(&format!("{table}: {rows} rows"));
    }
    for log in moved.logs {
        say(&format!("{}: {} entries, root {} on both sides", log.origin, log.entries, log.root));
    }
    Ok(ExitCode::SUCCESS)
}
