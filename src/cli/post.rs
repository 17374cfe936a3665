//! `post`: what is done at a post that may be cut off from the register.
use super::Failed;
use super::data::open;
use super::say;
use passavant::app::leaving;
use passavant::app::open::keys;
use passavant::app::snapshot::SNAPSHOT_BYTES_MAX;
use passavant::app::snapshot::Snapshot;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::credential::KeySet;
use passavant::outbound::post::Register;
use passavant::storage;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// Commands of a post that may be cut off.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PostCommand {
    /// Prints the verifier key of this post's log, for which the register makes a snapshot.
    Key,
    /// Takes a snapshot up; the service must be stopped.
    Load {
        /// The snapshot, as the register gave it.
        file: PathBuf,
        /// The authority's keys, pinned (JWKS).
        #[arg(long)]
        keys: PathBuf,
    },
    /// Brings back what this post recorded, and what was set aside for it. The service must be stopped, but with --keep.
    Return {
        /// Where the register is, such as https://passavant.customs.example.
        #[arg(long, required_unless_present = "file", conflicts_with = "file")]
        to: Option<String>,
        /// A file with a token of an officer of the post.
        #[arg(long, required_unless_present = "file")]
        token_file: Option<PathBuf>,
        /// The authority that vouches for the register, PEM, in place of the public ones.
        #[arg(long)]
        ca_file: Option<PathBuf>,
        /// Keeps what was set aside: the post goes on.
        #[arg(long)]
        keep: bool,
        /// Writes the pieces into a file, one a line, where there is no network: each is the body of a request to
        /// /v1/posts/{post}/returns.
        #[arg(long)]
        file: Option<PathBuf>,
    },
}

/// Runs a command.
pub(crate) fn run(config: Config, command: &PostCommand) -> Result<ExitCode, Failed> {
    if config.offline.post.is_empty() {
        return Err("offline.post names no post: this is the register".into());
    }
    match command {
        PostCommand::Key => {
            std::fs::create_dir_all(&config.node.data_dir)?;
            let is_there = config.database.file().is_some_and(Path::exists);
            let mut db = is_there.then(|| storage::open(&config.database, storage::Use::Read));
            let db = match &mut db {
                Some(Ok(db)) => Some(db),
                Some(Err(error)) => return Err(error.to_string().into()),
                None => None,
            };
            let (_, signer) = keys(&config, db, &SystemIds)?;
            say(signer.verifier_key());
            Ok(ExitCode::SUCCESS)
        }
        PostCommand::Load { file, keys } => load(config, file, keys),
        PostCommand::Return { to, token_file, ca_file, keep, file } => {
            if !keep {
                give_up(config.clone())?;
            }
            match (to, token_file, file) {
                (_, _, Some(file)) => write(&config, file),
                (Some(to), Some(token_file), None) => {
                    send(&config, to, token_file, ca_file.as_deref())
                }
                _ => Err("either --to with --token-file, or --file".into()),
            }
        }
    }
}

fn load(config: Config, file: &Path, keys: &Path) -> Result<ExitCode, Failed> {
    let failed =
        |file: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let bytes = std::fs::metadata(file).map_err(|error| failed(file, &error))?.len();
    if usize::try_from(bytes).map_or(true, |bytes| bytes > SNAPSHOT_BYTES_MAX) {
        return Err(failed(file, &format!("more than {SNAPSHOT_BYTES_MAX} bytes")).into());
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(file, &error))?;
    let keys = KeySet::read(&std::fs::read(keys).map_err(|error| failed(keys, &error))?)?;
    let snapshot = Snapshot::read(&text, &keys).map_err(|error| failed(file, &error))?;
    let app = open(config)?;
    let words = format!("{} of {}, until {}", snapshot.id, snapshot.taken, snapshot.ends);
    let loaded = app.load_snapshot(snapshot);
    app.recorder.stop();
    app.write_down();
    loaded.map_err(|error| failed(file, &error))?;
    say(&format!("rests on snapshot {words}"));
    Ok(ExitCode::SUCCESS)
}

/// From here on nothing more is released on what was set aside: only then may the register give it to others.
fn give_up(config: Config) -> Result<(), Failed> {
    let app = open(config)?;
    let given_up = app.give_up_allowances();
    app.recorder.stop();
    app.write_down();
    given_up?;
    Ok(())
}

fn write(config: &Config, file: &Path) -> Result<ExitCode, Failed> {
    use std::io::Write;
    let mut db = storage::open(&config.database, storage::Use::Read)?;
    let row = leaving::own_log(&mut db, &config.node.origin)?;
    let mut open = std::io::BufWriter::new(std::fs::File::create_new(file)?);
    let (mut from, mut pieces) = (0, 0_u32);
    while let Some(piece) = leaving::piece(&mut db, &row, from)? {
        from += u64::try_from(piece.entries.len())?;
        serde_json::to_writer(&mut open, &piece)?;
        open.write_all(b"\n")?;
        pieces += 1;
    }
    open.into_inner()?.sync_all()?;
    say(&format!("{from} entries in {pieces} pieces"));
    Ok(ExitCode::SUCCESS)
}

fn send(
    config: &Config,
    to: &str,
    token_file: &Path,
    ca_file: Option<&Path>,
) -> Result<ExitCode, Failed> {
    let mut db = storage::open(&config.database, storage::Use::Read)?;
    let row = leaving::own_log(&mut db, &config.node.origin)?;
    let token = std::fs::read_to_string(token_file)
        .map_err(|error| format!("{}: {error}", token_file.display()))?;
    let register = Register::new(to, token.trim(), ca_file)?;
    let post = &config.offline.post;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut from = runtime.block_on(register.joined(post, &row.origin))?;
    let (mut releases, mut conflicts, mut returned) = (0, 0, 0);
    while let Some(piece) = leaving::piece(&mut db, &row, from)? {
        let reply = runtime.block_on(register.bring_back(post, &serde_json::to_string(&piece)?))?;
        if reply.joined <= from {
            return Err(format!("the register stays at {from} entries").into());
        }
        from = reply.joined;
        releases += reply.releases;
        conflicts += reply.conflicts;
        returned += reply.returned.len();
    }
    say(&format!(
        "{from} entries have joined; {releases} releases, {conflicts} of which do not fit any more; {returned} allowances \
         came back"
    ));
    Ok(ExitCode::SUCCESS)
}
