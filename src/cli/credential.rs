//! `credential verify`: whether a licence on paper or in a file is authentic, with or without a network.
use super::Failed;
use super::say;
use passavant::app::credentials;
use passavant::app::trust;
use passavant::app::trust::Trust;
use passavant::clock::Clock;
use passavant::clock::SystemClock;
use passavant::config::Config;
use passavant::credential::KeySet;
use passavant::domain::Country;
use passavant::domain::Text;
use passavant::storage;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// Largest file read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Commands about credentials.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum CredentialCommand {
    /// Checks a credential. With --keys it needs no settings, no database and no network.
    Verify {
        /// A file that holds it; `-` for standard input.
        file: PathBuf,
        /// Public keys of its authority, pinned (JWKS); then nobody is asked.
        #[arg(long, requires = "state")]
        keys: Option<PathBuf>,
        /// The State whose keys these are.
        #[arg(long)]
        state: Option<String>,
        /// A status list of the authority, as it was read from its address.
        #[arg(long, requires = "keys")]
        status: Option<PathBuf>,
        /// How old the list may be, in seconds.
        #[arg(long, default_value_t = 86_400)]
        status_age_max: i64,
    },
}

/// Runs a command; success is an authentic credential that stands.
pub(crate) fn run(
    config: impl FnOnce() -> Result<Config, Failed>,
    command: &CredentialCommand,
) -> Result<ExitCode, Failed> {
    let CredentialCommand::Verify { file, keys, state, status, status_age_max } = command;
    let text = read(file)?;
    let now = SystemClock.now();
    let checked = match (keys, state) {
        (Some(keys), Some(state)) => {
            let keys = KeySet::read(read(keys)?.as_bytes())?;
            let state = Country::parse(state).map_err(|invalid| invalid.detail)?;
            let list = status.as_deref().map(read).transpose()?;
            trust::pinned(&text, &keys, state, list.as_deref(), *status_age_max, now)
        }
        _ => {
            let config = config()?;
            let trust = Trust::open(&config, None)?;
            let asked = [Text::from(text.trim())];
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(trust.look_up(&asked, now));
            let mut db = storage::open(&config.database, storage::Use::Read)?;
            trust.check(&mut db, &text, now)?
        }
    };
    let reply = credentials::reply(&checked, now);
    say(&serde_json::to_string_pretty(&reply)?);
    Ok(if reply.result == "authentic" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<String, Failed> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    } else {
        let open = std::fs::File::open(file).map_err(|e| format!("{}: {e}", file.display()))?;
        open.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    }
    Ok(text)
}
