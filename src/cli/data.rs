//! Commands about what is stored: migrations, import, lists, backup and restore. Those that write
//! take the data folder for themselves, so they refuse while the service runs.
use super::Failed;
use super::complain;
use super::say;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use passavant::app::Access;
use passavant::app::App;
use passavant::app::Caller;
use passavant::app::Role;
use passavant::app::import::Whose;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::domain::Country;
use passavant::storage;
use std::fs::File;
use std::fs::Permissions;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Commands about licences.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum LicenceCommand {
    /// Imports licences, one JSON document a line; a second run changes nothing.
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// Commands about the reference lists.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ListsCommand {
    /// Puts an edition in force.
    Load {
        /// The file.
        file: PathBuf,
    },
}

/// The application without its doors, for a command of the operator.
pub(crate) fn open(config: Config) -> Result<App, Failed> {
    let clock = Arc::new(SystemClock);
    let access = Access::new(&config, clock.clone())?;
    Ok(App::open(config, clock, Arc::new(SystemIds), access)?)
}

/// The operator at the machine, acting for the node's State.
pub(crate) fn operator(config: &Config) -> Result<Caller, Failed> {
    let state = Country::parse(&config.node.state).map_err(|invalid| invalid.detail)?;
    Ok(Caller {
        issuer: "local".into(),
        subject: "operator".into(),
        state,
        role: Role::Authority,
        posts: Box::default(),
        operator: None,
    })
}

/// `archive`: what is past retention goes into files.
pub(crate) fn archive(config: Config, folder: &Path) -> Result<ExitCode, Failed> {
    std::fs::create_dir_all(folder)?;
    let app = open(config)?;
    let pieces = app.archive(folder);
    app.recorder.stop();
    app.write_down();
    let pieces = pieces?;
    for piece in &pieces {
        say(&format!(
            "{}: entries {} to {}, sha256 {}",
            piece.file,
            piece.from,
            piece.upto - 1,
            piece.sha256
        ));
    }
    say(&format!("{} files", pieces.len()));
    Ok(ExitCode::SUCCESS)
}

/// `licence import`.
pub(crate) fn licence(config: Config, command: &LicenceCommand) -> Result<ExitCode, Failed> {
    let LicenceCommand::Import { file } = command;
    let open_file = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let bar = ProgressBar::new(open_file.metadata()?.len());
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")?);
    let caller = operator(&config)?;
    let app = open(config)?;
    let report =
        app.import(&caller, Whose::Any, BufReader::new(open_file), |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    app.recorder.stop();
    let report = report?;
    for bad in &report.errors {
        for error in &bad.errors {
            let number = bad.number.as_deref().unwrap_or("-");
            complain(&format!(
                "line {}: {number}: {} {}: {}",
                bad.line, error.path, error.code, error.detail
            ));
        }
    }
    say(&format!(
        "{} imported, {} unchanged, {} refused",
        report.imported, report.unchanged, report.refused
    ));
    Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `lists load`.
pub(crate) fn lists(config: Config, command: &ListsCommand) -> Result<ExitCode, Failed> {
    let ListsCommand::Load { file } = command;
    let body =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let caller = operator(&config)?;
    let app = open(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let loaded = runtime.block_on(app.load_lists(&caller, body, None));
    app.recorder.stop();
    match loaded {
        Ok(recorded) => say(&recorded.reply),
        Err(passavant::app::Error::Invalid(errors)) => {
            for error in errors {
                complain(&format!("{} {}: {}", error.path, error.code, error.detail));
            }
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// `backup`: SQLite copies a consistent state while the service runs.
pub(crate) fn backup(config: &Config, file: &Path) -> Result<ExitCode, Failed> {
    if file.exists() {
        return Err(format!("{} exists already", file.display()).into());
    }
    if let Some(there) = config.database.file().filter(|there| !there.exists()) {
        return Err(format!("there is no database at {}", there.display()).into());
    }
    storage::backup(&mut storage::open(&config.database, storage::Use::Write)?, file)?;
    File::open(file)?.sync_all()?;
    say(&format!("copied to {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// `restore`: the copy must read and its trail must fit before it takes the database's place; what
/// was there is kept beside it.
pub(crate) fn restore(config: &Config, file: &Path) -> Result<ExitCode, Failed> {
    let _lock = passavant::app::open::lock(&config.node.data_dir)?;
    let target = config.database.file().map(Path::to_path_buf).ok_or(
        "a server is restored by its own tools, such as pg_basebackup and its archived log",
    )?;
    let copy = Copy(target.with_extension("restoring"));
    let result = take_the_place(config, file, &copy.0, &target);
    drop(copy);
    result
}

/// A copy that is being looked at; one that is refused does not stay.
struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

fn take_the_place(
    config: &Config,
    file: &Path,
    copy: &Path,
    target: &Path,
) -> Result<ExitCode, Failed> {
    std::fs::copy(file, copy).map_err(|error| format!("{}: {error}", file.display()))?;
    std::fs::set_permissions(copy, Permissions::from_mode(0o600))?;
    let mut db = storage::open(&config.database.in_file(copy), storage::Use::Write)?;
    storage::migrate(&mut db)?;
    for report in passavant::app::audit_verify::verify(&mut db, |_, _| {})? {
        if let Some(fault) = report.fault {
            return Err(format!("{}: {}: {fault}", file.display(), report.origin).into());
        }
    }
    refuse_roll_back(&mut db, &config.database, target)?;
    drop(db);
    for suffix in ["-wal", "-shm"] {
        let beside = PathBuf::from(format!("{}{suffix}", copy.display()));
        let _ = std::fs::remove_file(beside);
    }
    if target.exists() {
        drop(storage::open(&config.database, storage::Use::Write)?);
        std::fs::set_permissions(target, Permissions::from_mode(0o600))?;
        std::fs::rename(target, target.with_extension("before-restore"))?;
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", target.display()));
        }
    }
    File::open(copy)?.sync_all()?;
    std::fs::rename(copy, target)?;
    say(&format!("restored from {}", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// A log that has signed more than the copy holds may never continue from the copy: it would sign
/// the same sizes twice. Such a node opens a new log under another origin.
fn refuse_roll_back(
    copy: &mut storage::Db,
    settings: &passavant::config::Database,
    target: &Path,
) -> Result<(), Failed> {
    if !target.exists() {
        return Ok(());
    }
    let mut present = storage::open(settings, storage::Use::Read)?;
    let copied = storage::log::all(copy)?;
    for log in storage::log::all(&mut present)? {
        let size = copied
            .iter()
            .find(|copied| copied.origin == log.origin)
            .map_or(0, |copied| copied.size);
        if size < log.size {
            return Err(format!(
                "the log {} has signed {} entries and the copy holds {size}: move the database and log.key away, \
                 and give this node a new node.origin so that it opens a log that declares the gap",
                log.origin, log.size
            )
            .into());
        }
    }
    Ok(())
}
