//! `token`: what the local issuer mints, for trials on this machine.
use super::Failed;
use super::say;
use passavant::clock::Clock;
use passavant::clock::Ids;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::outbound::local_issuer::Claims;
use passavant::outbound::local_issuer::LocalIssuer;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// The audience of the local issuer's tokens.
pub(crate) const AUDIENCE: &str = "passavant";

/// What the token is to say.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// officer, authority, carrier, auditor or admin.
    #[arg(long)]
    role: String,
    /// The State for which the local issuer speaks.
    #[arg(long, default_value = "FR")]
    state: String,
    /// A border post of an officer (may be repeated).
    #[arg(long = "post")]
    posts: Vec<String>,
    /// The operator's number of a carrier.
    #[arg(long)]
    operator: Option<String>,
    /// Who the token is about.
    #[arg(long)]
    subject: Option<String>,
    /// How long it lives; the service takes 900 at most.
    #[arg(long, default_value_t = 900)]
    life_s: i64,
    /// The folder with the local issuer's key; the sample service's own by default.
    #[arg(long, default_value = super::demo::DATA_DIR)]
    data_dir: PathBuf,
}

/// Mints and prints a token.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failed> {
    let (issuer, name) = open(&arguments.data_dir, &arguments.state)?;
    let posts = match (arguments.role.as_str(), arguments.posts.as_slice()) {
        ("officer", []) => default_posts(&arguments.state),
        (_, posts) => posts.to_vec(),
    };
    let operator = arguments
        .operator
        .clone()
        .or_else(|| (arguments.role == "carrier").then(|| CARRIER.to_owned()));
    let subject = arguments.subject.clone().unwrap_or_else(|| format!("{}-1", arguments.role));
    let claims = Claims {
        iss: &name,
        aud: AUDIENCE,
        sub: &subject,
        role: &arguments.role,
        posts: &posts,
        operator: operator.as_deref(),
    };
    say(&issuer.mint(&claims, SystemClock.now(), arguments.life_s)?);
    Ok(ExitCode::SUCCESS)
}

/// The carrier of the sample data.
pub(crate) const CARRIER: &str = "FR55555555500022";

/// Posts of a State in the sample data.
pub(crate) fn default_posts(state: &str) -> Vec<String> {
    match state {
        "FR" => vec!["FRLEH".to_owned(), "FRMRS".to_owned()],
        "KE" => vec!["KEMBA".to_owned()],
        "AE" => vec!["AEJEA".to_owned()],
        _ => Vec::new(),
    }
}

/// The local issuer of a State and its name; its keys are published in a file beside its own.
pub(crate) fn open(data_dir: &Path, state: &str) -> Result<(LocalIssuer, String), Failed> {
    std::fs::create_dir_all(data_dir)?;
    let mut seed = [0; 32];
    let (left, right) = seed.split_at_mut(16);
    left.copy_from_slice(&SystemIds.nonce());
    right.copy_from_slice(&SystemIds.nonce());
    let issuer = LocalIssuer::open(&data_dir.join(format!("local-issuer-{state}.key")), &seed)?;
    std::fs::write(keys_file(data_dir, state), issuer.jwks())?;
    Ok((issuer, format!("https://localhost/{}", state.to_lowercase())))
}

fn keys_file(data_dir: &Path, state: &str) -> PathBuf {
    data_dir.join(format!("local-issuer-{state}.jwks"))
}

/// The settings by which the local issuer of a State is trusted.
pub(crate) fn trusted(data_dir: &Path, state: &str, name: &str) -> String {
    let keys = quoted(&keys_file(data_dir, state).display().to_string());
    let (name, state, audience) = (quoted(name), quoted(state), quoted(AUDIENCE));
    format!(
        "[[access.issuers]]\nissuer = {name}\nstate = {state}\naudience = {audience}\njwks_file = {keys}\n\
         roles = [\"officer\", \"authority\", \"carrier\", \"auditor\", \"admin\"]\n"
    )
}

/// A text as settings write it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
