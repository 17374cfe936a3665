//! `key`: the issuing authority's signing keys. The service reads them again while it runs.
use super::Failed;
use super::say;
use clap::Subcommand;
use passavant::audit::checkpoint::Signer;
use passavant::clock::Clock;
use passavant::clock::Ids;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::credential::Algorithm;
use passavant::credential::KeyError;
use passavant::credential::Signer as _;
use passavant::domain::Timestamp;
use passavant::outbound::key_ring;
use passavant::outbound::key_ring::KeyRing;
use passavant::outbound::key_ring::Standing;
use passavant::outbound::pkcs11::Token;
use std::process::ExitCode;
use std::sync::Arc;

/// Commands about signing keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a key. The first one signs; any other is published and waits until it is rotated in.
    Generate {
        /// `EdDSA` or `ES256`.
        #[arg(long, default_value = "EdDSA")]
        algorithm: String,
        /// Makes it in the token of `pkcs11.module`, under this label; it never leaves it.
        #[arg(long)]
        pkcs11: Option<String>,
        /// It is to sign this node's log and no credentials: set `pkcs11.log_key` to its label.
        #[arg(long, requires = "pkcs11")]
        log: bool,
    },
    /// Takes in a key that the token of `pkcs11.module` has already.
    Adopt {
        /// Its label there.
        label: String,
    },
    /// Lets a waiting key sign; the one that signed goes on verifying what it signed.
    Rotate {
        /// The key; the newest one that waits without it.
        kid: Option<String>,
    },
    /// Takes a key's secret away for good; what it signed still counts.
    Retire {
        /// The key.
        kid: String,
    },
    /// For a key that has got into other hands: what it signed counts no more.
    Withdraw {
        /// The key.
        kid: String,
    },
    /// Every key and where it stands.
    List,
    /// The public keys, as they are published and as others pin them (JWKS).
    Jwks,
}

/// Runs a command.
pub(crate) fn run(config: &Config, command: &KeyCommand) -> Result<ExitCode, Failed> {
    let folder = config.trust.key_dir(&config.node.data_dir);
    let now = SystemClock.now();
    match command {
        KeyCommand::Generate { algorithm, pkcs11, log } => {
            let algorithm = Algorithm::parse(algorithm)
                .ok_or_else(|| format!("{algorithm}: EdDSA or ES256"))?;
            let label = pkcs11.as_deref();
            say(&generate(config, algorithm, label, *log, now)?);
        }
        KeyCommand::Adopt { label } => {
            let key = token(config)?.key(label)?;
            let key = key_ring::adopt(&folder, key.public(), label, now)?;
            say(&format!("{} {}", key.public.kid(), key.standing.as_str()));
        }
        KeyCommand::Rotate { kid } => {
            let kid = key_ring::rotate(&folder, kid.as_deref(), now)?;
            say(&format!("{kid} signing"));
        }
        KeyCommand::Retire { kid } => {
            end(config, kid, Standing::Retired, now)?;
            say(&format!("{kid} retired"));
        }
        KeyCommand::Withdraw { kid } => {
            end(config, kid, Standing::Withdrawn, now)?;
            say(&format!("{kid} withdrawn"));
        }
        KeyCommand::List => {
            for key in KeyRing::open(&folder, None)?.keys() {
                let (kid, algorithm) = (key.public.kid(), key.public.algorithm().as_str());
                let standing = key.standing.as_str();
                say(&format!(
                    "{kid} {algorithm} {standing} made {} since {}",
                    key.made, key.changed
                ));
            }
        }
        KeyCommand::Jwks => {
            let keys = KeyRing::open(&folder, None)?.published().jwks();
            say(&serde_json::to_string_pretty(&keys)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The token of the settings.
fn token(config: &Config) -> Result<Arc<Token>, Failed> {
    Ok(Token::open(&config.pkcs11)?.ok_or("pkcs11.module is empty: there is no token")?)
}

/// Makes a key; gives what is said of it.
fn generate(
    config: &Config,
    algorithm: Algorithm,
    label: Option<&str>,
    log: bool,
    now: Timestamp,
) -> Result<String, Failed> {
    let folder = config.trust.key_dir(&config.node.data_dir);
    let key = match label {
        None => {
            let mut seed = [0; 32];
            let (left, right) = seed.split_at_mut(16);
            left.copy_from_slice(&SystemIds.nonce());
            right.copy_from_slice(&SystemIds.nonce());
            key_ring::generate(&folder, algorithm, &seed, now)?
        }
        Some(label) if log => {
            if algorithm != Algorithm::EdDsa {
                return Err("a log's key is of EdDSA".into());
            }
            let token = token(config)?;
            token.generate(label, algorithm)?;
            let signer = Signer::with(&config.node.origin, Arc::new(token.key(label)?))?;
            return Ok(signer.verifier_key().to_owned());
        }
        Some(label) => {
            let public = token(config)?.generate(label, algorithm)?;
            key_ring::adopt(&folder, &public, label, now)?
        }
    };
    Ok(format!("{} {}", key.public.kid(), key.standing.as_str()))
}

/// Ends a key; of one in a token the secret half is taken away there too.
fn end(config: &Config, kid: &str, to: Standing, now: Timestamp) -> Result<(), Failed> {
    let folder = config.trust.key_dir(&config.node.data_dir);
    let label = key_ring::label(&folder, kid)?;
    let token = label.as_ref().map(|_| token(config)).transpose()?;
    key_ring::end(&folder, kid, to, now)?;
    if let (Some(label), Some(token)) = (label, token) {
        let left = |error: KeyError| {
            format!("{kid} is {}, and the token still has it: {error}", to.as_str())
        };
        token.destroy(&label).map_err(left)?;
    }
    Ok(())
}
