//! The commands: what each is called, what it takes, and where it is done.
use clap::Parser;
use clap::Subcommand;
use passavant::config::Config;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

mod audit;
mod credential;
mod data;
mod demo;
mod evidence;
mod key;
mod moving;
mod post;
mod serve;
mod token;

/// Border-post verification of licences for firearms, their parts and components, and ammunition.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Settings on top of the defaults; PASSAVANT_SECTION__KEY overrides both.
    #[arg(long, short, global = true, env = "PASSAVANT_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service.
    Serve,
    /// Runs the service with sample data; prints its address, a token for each role and three requests.
    Demo(demo::Arguments),
    /// Brings the database to the form that this version uses, or moves it to a server.
    Migrate {
        #[command(subcommand)]
        command: Option<moving::MigrateCommand>,
    },
    /// Licences.
    #[command(subcommand)]
    Licence(data::LicenceCommand),
    /// Reference lists.
    #[command(subcommand)]
    Lists(data::ListsCommand),
    /// Mints a token of the local issuer, for trials on this machine.
    Token(token::Arguments),
    /// The audit trail.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// The issuing authority's signing keys.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Licences that prove themselves.
    #[command(subcommand)]
    Credential(credential::CredentialCommand),
    /// A case for those who check it without this service.
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// A post that may be cut off from the register.
    #[command(subcommand)]
    Post(post::PostCommand),
    /// Copies the database, as it stands at one instant, to a new file.
    Backup {
        /// The new file.
        file: PathBuf,
    },
    /// Puts a copy in the place of the database; the service must be stopped.
    Restore {
        /// The copy.
        file: PathBuf,
    },
    /// Moves what is past retention into files; the log stays provable.
    Archive {
        /// Where the files go.
        folder: PathBuf,
    },
    /// Prints the API's description (OpenAPI 3.1).
    Openapi,
    /// Asks the running service whether it is well.
    Health,
}

/// A command that did not succeed, in words.
pub(crate) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Reads the arguments and runs the command.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let config = || settings(arguments.config.as_deref());
    match &arguments.command {
        Command::Serve => serve::serve(config()?),
        Command::Demo(demo) => demo::run(demo),
        Command::Migrate { command } => moving::run(&config()?, command.as_ref()),
        Command::Licence(command) => data::licence(config()?, command),
        Command::Lists(command) => data::lists(config()?, command),
        Command::Token(token) => token::run(token),
        Command::Audit(command) => audit::run(&config()?, command),
        Command::Key(command) => key::run(&config()?, command),
        Command::Credential(command) => credential::run(config, command),
        Command::Evidence(command) => evidence::run(config, command),
        Command::Post(command) => post::run(config()?, command),
        Command::Backup { file } => data::backup(&config()?, file),
        Command::Restore { file } => data::restore(&config()?, file),
        Command::Archive { folder } => data::archive(config()?, folder),
        Command::Openapi => {
            say(passavant::http::openapi::json());
            Ok(ExitCode::SUCCESS)
        }
        Command::Health => serve::health(&config()?),
    }
}

fn settings(file: Option<&Path>) -> Result<Config, Failed> {
    Ok(Config::load(file)?)
}

/// Prints a line for the person or program that called.
pub(crate) fn say(line: &str) {
    // Nobody reads any more: there is nobody to tell.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line about what went wrong.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(std::io::stderr(), "passavant: {line}");
}
