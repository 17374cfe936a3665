//! `key`: the issuing authority's signing keys. The service reads them again while it runs.
use super::Failed;
use super::say;
use clap::Subcommand;
use passavant::clock::Clock;
use passavant::clock::Ids;
use passavant::clock::SystemClock;
use passavant::clock::SystemIds;
use passavant::config::Config;
use passavant::credential::Algorithm;
use passavant::outbound::key_ring;
use passavant::outbound::key_ring::KeyRing;
use passavant::outbound::key_ring::Standing;
use std::process::ExitCode;

/// Commands about signing keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a key. The first one signs; any other is published and waits until it is rotated in.
    Generate {
        /// `EdDSA` or `ES256`.
        #[arg(long, default_value = "EdDSA")]
        algorithm: String,
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
        KeyCommand::Generate { algorithm } => {
            let algorithm = Algorithm::parse(algorithm)
                .ok_or_else(|| format!("{algorithm}: EdDSA or ES256"))?;
            let mut seed = [0; 32];
            let (left, right) = seed.split_at_mut(16);
            left.copy_from_slice(&SystemIds.nonce());
            right.copy_from_slice(&SystemIds.nonce());
            let key = key_ring::generate(&folder, algorithm, &seed, now)?;
            say(&format!("{} {}", key.public.kid(), key.standing.as_str()));
        }
        KeyCommand::Rotate { kid } => {
            let kid = key_ring::rotate(&folder, kid.as_deref(), now)?;
            say(&format!("{kid} signing"));
        }
        KeyCommand::Retire { kid } => {
            key_ring::end(&folder, kid, Standing::Retired, now)?;
            say(&format!("{kid} retired"));
        }
        KeyCommand::Withdraw { kid } => {
            key_ring::end(&folder, kid, Standing::Withdrawn, now)?;
            say(&format!("{kid} withdrawn"));
        }
        KeyCommand::List => {
            for key in KeyRing::open(&folder)?.keys() {
                let (kid, algorithm) = (key.public.kid(), key.public.algorithm().as_str());
                let standing = key.standing.as_str();
                say(&format!(
                    "{kid} {algorithm} {standing} made {} since {}",
                    key.made, key.changed
                ));
            }
        }
        KeyCommand::Jwks => {
            let keys = KeyRing::open(&folder)?.published().jwks();
            say(&serde_json::to_string_pretty(&keys)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}
