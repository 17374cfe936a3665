//! The issuing authority's signing keys, one file each in a folder that only its owner may enter; of one
//! that lies in a token the file names its label there. A key
//! waits (published, so that others know it before it is used), signs, verifies what it once signed,
//! and is retired: its secret is gone, its public half stays. One that has got into other hands is
//! withdrawn: nothing that it ever signed counts any more.
use crate::credential::Algorithm;
use crate::credential::KeySet;
use crate::credential::PublicKey;
use crate::credential::Signer;
use crate::domain::Timestamp;
use crate::outbound::pkcs11::Token;
use crate::outbound::pkcs11::TokenKey;
use crate::signing::Jwk;
use crate::signing::SoftKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// How key files end.
const ENDING: &str = ".key.json";
/// Largest key file.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// Most keys of a ring.
const KEYS_MAX: usize = 100;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Published and not used yet.
    Waiting,
    /// It signs; of a ring one key does.
    Signing,
    /// It signed before, and what it signed counts.
    Verifying,
    /// The same, and its secret is gone.
    Retired,
    /// What it signed counts no more.
    Withdrawn,
}

impl Standing {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
            Self::Retired => "retired",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A key as its file holds it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    standing: Standing,
    made: Timestamp,
    changed: Timestamp,
    public: Jwk,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The label under which a token has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pkcs11: Option<String>,
}

/// A key of the ring, without its secret.
#[derive(Debug, Clone)]
pub struct RingKey {
    /// Where it stands.
    pub standing: Standing,
    /// When it was made.
    pub made: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// What others verify with.
    pub public: PublicKey,
}

/// The ring as it stands in its folder.
#[derive(Clone, Default)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    signer: Option<Arc<dyn Signer>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Reads the ring; an empty one where there is no folder. Keys may lie in a token.
    pub fn open(folder: &Path, token: Option<&Arc<Token>>) -> Result<Self, String> {
        let mut ring = Self::default();
        for (file, key) in read_all(folder)? {
            let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let public = PublicKey::from_jwk(&key.public).map_err(|error| failed(&error))?;
            if key.standing == Standing::Signing {
                if ring.signer.is_some() {
                    return Err(failed(&"a second key that signs"));
                }
                let signer = signer(&key, &public, token).map_err(|error| failed(&error))?;
                ring.signer = Some(signer);
            }
            let KeyFile { standing, made, changed, .. } = key;
            ring.keys.push(RingKey { standing, made, changed, public });
        }
        ring.keys.sort_by_key(|key| key.made);
        Ok(ring)
    }

    /// A ring whose key signs from elsewhere: from the environment, or in a module of hardware.
    pub fn with_signer(mut self, signer: Arc<dyn Signer>) -> Self {
        let public = signer.public().clone();
        for key in self.keys.iter_mut().filter(|key| key.standing == Standing::Signing) {
            key.standing = Standing::Verifying;
        }
        if !self.keys.iter().any(|key| key.public == public) {
            let (made, changed) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
            self.keys.push(RingKey { standing: Standing::Signing, made, changed, public });
        }
        Self { signer: Some(signer), ..self }
    }

    /// Every key.
    pub fn keys(&self) -> &[RingKey] {
        &self.keys
    }

    /// What signs now.
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        self.signer.as_ref()
    }

    /// What is published: all but what was withdrawn.
    pub fn published(&self) -> KeySet {
        let standing = self.keys.iter().filter(|key| key.standing != Standing::Withdrawn);
        KeySet::new(standing.map(|key| key.public.clone()).collect())
    }
}

/// What signs with a key of the ring.
fn signer(
    key: &KeyFile,
    public: &PublicKey,
    token: Option<&Arc<Token>>,
) -> Result<Arc<dyn Signer>, String> {
    if let Some(label) = &key.pkcs11 {
        return Ok(Arc::new(TokenKey::new(token.cloned(), label, public.clone())));
    }
    let secret = key.secret.as_deref().ok_or("it holds no secret")?;
    let soft = soft(public.algorithm(), secret)?;
    if soft.public() != public {
        return Err("its two halves do not belong together".to_owned());
    }
    Ok(Arc::new(soft))
}

/// A key in memory from its secret as a file or the environment gives it: 32 bytes in base64url.
pub fn soft(algorithm: Algorithm, secret: &str) -> Result<SoftKey, String> {
    let bytes = URL_SAFE_NO_PAD.decode(secret.trim());
    let bytes = bytes.map_err(|_e| "the secret is not base64url".to_owned())?;
    let seed = bytes.try_into().map_err(|_e| "the secret has not 32 bytes".to_owned())?;
    SoftKey::new(algorithm, &seed).map_err(|error| error.to_string())
}

/// Makes a key; the first one signs at once, any other waits until it is rotated in.
pub fn generate(
    folder: &Path,
    algorithm: Algorithm,
    seed: &[u8; 32],
    now: Timestamp,
) -> Result<RingKey, String> {
    let soft = SoftKey::new(algorithm, seed).map_err(|error| error.to_string())?;
    let secret = Some(URL_SAFE_NO_PAD.encode(seed));
    enter(folder, soft.public(), (secret, None), now)
}

/// Takes in a key that lies in a token, under the label that it has there.
pub fn adopt(
    folder: &Path,
    public: &PublicKey,
    label: &str,
    now: Timestamp,
) -> Result<RingKey, String> {
    enter(folder, public, (None, Some(label.to_owned())), now)
}

/// The label under which a token has a key of the ring.
pub fn label(folder: &Path, kid: &str) -> Result<Option<String>, String> {
    let keys = read_all(folder)?;
    let found = keys.into_iter().find(|(_, key)| key.public.kid.as_deref() == Some(kid));
    Ok(found.and_then(|(_, key)| key.pkcs11))
}

fn enter(
    folder: &Path,
    public: &PublicKey,
    (secret, pkcs11): (Option<String>, Option<String>),
    now: Timestamp,
) -> Result<RingKey, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| failed(&error))?;
    let ring = KeyRing::open(folder, None)?;
    if ring.keys.len() >= KEYS_MAX {
        return Err(failed(&format!("{KEYS_MAX} keys are enough: retire some first")));
    }
    let standing = if ring.signer.is_none() { Standing::Signing } else { Standing::Waiting };
    let key = KeyFile { standing, made: now, changed: now, public: public.jwk(), secret, pkcs11 };
    let file = file_of(folder, &public.kid());
    if file.exists() {
        return Err(failed(&format!("key {} is there already", public.kid())));
    }
    write(&file, &key)?;
    Ok(RingKey { standing, made: now, changed: now, public: public.clone() })
}

/// Lets a waiting key sign; the one that signed goes on verifying.
pub fn rotate(folder: &Path, kid: Option<&str>, now: Timestamp) -> Result<String, String> {
    let keys = read_all(folder)?;
    let waiting = keys.iter().filter(|(_, key)| key.standing == Standing::Waiting);
    let chosen = match kid {
        Some(kid) => waiting.clone().find(|(_, key)| key.public.kid.as_deref() == Some(kid)),
        None => waiting.max_by_key(|(_, key)| key.made),
    };
    let (file, next) = chosen.ok_or("no such key waits: `key generate` makes one")?;
    // The old one first: for a moment no key signs, and never two.
    for (file, key) in keys.iter().filter(|(_, key)| key.standing == Standing::Signing) {
        write(file, &KeyFile { standing: Standing::Verifying, changed: now, ..key.clone() })?;
    }
    write(file, &KeyFile { standing: Standing::Signing, changed: now, ..next.clone() })?;
    Ok(next.public.kid.clone().unwrap_or_default())
}

/// Takes a key's secret away for good: retired, what it signed still counts; withdrawn, it does not.
pub fn end(folder: &Path, kid: &str, to: Standing, now: Timestamp) -> Result<(), String> {
    let keys = read_all(folder)?;
    let (file, key) = keys
        .iter()
        .find(|(_, key)| key.public.kid.as_deref() == Some(kid))
        .ok_or_else(|| format!("there is no key {kid}"))?;
    match (key.standing, to) {
        (Standing::Signing, Standing::Retired) => {
            return Err(format!("key {kid} signs: rotate another one in first"));
        }
        (Standing::Withdrawn, _) => return Err(format!("key {kid} is withdrawn")),
        _ => {}
    }
    let gone = KeyFile { standing: to, changed: now, secret: None, pkcs11: None, ..key.clone() };
    write(file, &gone)
}

fn file_of(folder: &Path, kid: &str) -> PathBuf {
    folder.join(format!("{kid}{ENDING}"))
}

fn read_all(folder: &Path) -> Result<Vec<(PathBuf, KeyFile)>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mode = std::fs::metadata(folder).map_err(|error| failed(&error))?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(failed(&"others than its owner may write into it; chmod 700"));
    }
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
        let file = entry.map_err(|error| failed(&error))?.path();
        if file.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ENDING)) {
            keys.push((file.clone(), read(&file)?));
        }
        if keys.len() > KEYS_MAX {
            return Err(failed(&format!("more than {KEYS_MAX} keys")));
        }
    }
    Ok(keys)
}

fn read(file: &Path) -> Result<KeyFile, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the key {}: {error}", file.display());
    let metadata = std::fs::metadata(file).map_err(|error| failed(&error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let words = format!("mode {mode:o}: others than its owner may read it; chmod 600");
        return Err(failed(&words));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(failed(&"too long for a key"));
    }
    let text = std::fs::read(file).map_err(|error| failed(&error))?;
    // Where it does not read is told, what stands there is not.
    serde_json::from_slice(&text)
        .map_err(|error| failed(&format!("it does not read at line {}", error.line())))
}

/// Puts a key in place at once, so that a crash leaves the old state or the new one.
fn write(file: &Path, key: &KeyFile) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("the key {}: {error}", file.display());
    let text = serde_json::to_vec_pretty(key).map_err(|error| failed(&error))?;
    let beside = file.with_extension("new");
    let mut open = std::fs::OpenOptions::new();
    let open = open.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut open = open.map_err(|error| failed(&error))?;
    let put = open.write_all(&text).and_then(|()| open.sync_all());
    put.and_then(|()| std::fs::rename(&beside, file)).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests;
