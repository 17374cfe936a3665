//! A signing key in a file that only its owner may read: made where there is none, refused where
//! others could have read it.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What a secret key's text begins with (Standard Webhooks).
const PREFIX: &str = "whsk_";

/// Reads an Ed25519 key, or makes it of the seed where there is no file yet.
pub fn open(file: &Path, seed: &[u8; 32]) -> Result<SigningKey, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the key {}: {error}", file.display());
    if !file.exists() {
        let text = format!("{PREFIX}{}\n", STANDARD.encode(seed));
        write(file, &text).map_err(|error| failed(&error))?;
    }
    let mode = std::fs::metadata(file).map_err(|error| failed(&error))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(failed(&format!(
            "mode {:o}: others than its owner may read or write it; chmod 600, or make a new one",
            mode & 0o777
        )));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let encoded =
        text.trim().strip_prefix(PREFIX).ok_or_else(|| failed(&"not whsk_ and base64"))?;
    let seed = STANDARD.decode(encoded).map_err(|error| failed(&error))?;
    let seed: [u8; 32] = seed.try_into().map_err(|_e| failed(&"not 32 bytes"))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Writes a new file that only its owner may read, durably.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut open =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    open.write_all(text.as_bytes())?;
    open.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("webhook.key");
        let first = open(&file, &[1; 32]).unwrap();
        assert_eq!(open(&file, &[2; 32]).unwrap(), first, "the second seed is not needed");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = open(&file, &[1; 32]).unwrap_err();
        assert!(refused.contains("webhook.key") && refused.contains("640"), "{refused}");
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("webhook.key");
        for bad in ["", "whsk_", "whsk_AAAA", "AAAA", "whsk_!"] {
            let _ = std::fs::remove_file(&file);
            write(&file, bad).unwrap();
            assert!(open(&file, &[1; 32]).unwrap_err().contains("webhook.key"), "{bad}");
        }
    }
}
