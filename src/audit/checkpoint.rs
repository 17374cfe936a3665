//! Checkpoints: a log's size and root as a signed note. A size once signed is never signed again.
use super::Hash;
use crate::signing;
use crate::signing::Algorithm;
use crate::signing::SoftKey;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use signed_note::Note;
use signed_note::Signature;
use signed_note::StandardSigner;
use signed_note::StandardVerifier;
use signed_note::VerifierList;
use std::sync::Arc;
use tlog_tiles::Checkpoint;

/// The type of a key that signs notes.
const ED25519: u8 = 1;

/// A checkpoint that cannot be signed or does not verify, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CheckpointError(pub String);

fn bad(what: impl std::fmt::Debug) -> CheckpointError {
    CheckpointError(format!("{what:?}"))
}

/// A log's key, wherever it may lie.
#[derive(Clone)]
pub struct Signer {
    origin: String,
    verifier_key: String,
    id: u32,
    key: Arc<dyn signing::Signer>,
}

impl Signer {
    /// The key of a log; of Ed25519, for signed notes know no other.
    pub fn with(origin: &str, key: Arc<dyn signing::Signer>) -> Result<Self, CheckpointError> {
        let bytes = key.public().ed25519_bytes();
        let bytes = bytes.ok_or_else(|| CheckpointError("a log's key is of Ed25519".to_owned()))?;
        let public = VerifyingKey::from_bytes(&bytes).map_err(bad)?;
        let verifier_key = signed_note::new_ed25519_verifier_key(origin, &public);
        // What others will not be able to read as a verifier key is not signed with either.
        StandardVerifier::new(&verifier_key).map_err(bad)?;
        let id = signed_note::key_id(origin, &[&[ED25519], bytes.as_slice()].concat());
        Ok(Self { origin: origin.to_owned(), verifier_key, id, key })
    }

    /// The key of a log from its 32 secret bytes.
    pub fn new(origin: &str, seed: &[u8; 32]) -> Result<Self, CheckpointError> {
        let key = SoftKey::new(Algorithm::EdDsa, seed).map_err(|error| bad(error.to_string()))?;
        Self::with(origin, Arc::new(key))
    }

    /// Reads a key file as signed notes write it: `PRIVATE+KEY+origin+hash+key`.
    pub fn read(text: &str) -> Result<Self, CheckpointError> {
        let text = text.trim();
        let signer = StandardSigner::new(text).map_err(bad)?;
        let key =
            text.splitn(5, '+').nth(4).and_then(decode).ok_or_else(|| bad("not a signing key"))?;
        let seed = key
            .get(1..)
            .and_then(|seed| <[u8; 32]>::try_from(seed).ok())
            .ok_or_else(|| bad("not a signing key"))?;
        Self::new(signed_note::Signer::name(&signer), &seed)
    }

    /// The log's origin, which is the key's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What others verify with: `origin+hash+key`.
    pub fn verifier_key(&self) -> &str {
        &self.verifier_key
    }

    /// Signs a size and its root.
    pub fn sign(&self, size: u64, root: Hash) -> Result<String, CheckpointError> {
        let checkpoint = Checkpoint::new(&self.origin, size, root, "").map_err(bad)?;
        let text = checkpoint.to_bytes();
        let bytes = self.key.sign(&text).map_err(|error| CheckpointError(error.to_string()))?;
        let line = Signature::new(self.origin.clone(), self.id, bytes).map_err(bad)?;
        let note = Note::new(&text, &[line]).map_err(bad)?;
        String::from_utf8(note.to_bytes()).map_err(bad)
    }
}

/// The text of a new key file.
pub fn key_text(origin: &str, seed: &[u8; 32]) -> String {
    use base64::Engine;
    let signing = SigningKey::from_bytes(seed);
    let public = [&[ED25519], signing.verifying_key().to_bytes().as_slice()].concat();
    let private = [&[ED25519], seed.as_slice()].concat();
    let private = base64::engine::general_purpose::STANDARD.encode(private);
    format!("PRIVATE+KEY+{origin}+{:08x}+{private}", signed_note::key_id(origin, &public))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// The origin of the log whose verifier key this is.
pub fn origin_of(verifier_key: &str) -> Result<String, CheckpointError> {
    let verifier = StandardVerifier::new(verifier_key).map_err(bad)?;
    Ok(signed_note::Verifier::name(&verifier).to_owned())
}

/// Checks a checkpoint's signature and origin; gives the size and the root that it states.
pub fn verify(note: &str, verifier_key: &str) -> Result<(u64, Hash), CheckpointError> {
    let verifier = StandardVerifier::new(verifier_key).map_err(bad)?;
    let origin = signed_note::Verifier::name(&verifier).to_owned();
    let note = Note::from_bytes(note.as_bytes()).map_err(bad)?;
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(bad)?;
    let checkpoint = Checkpoint::from_bytes(note.text()).map_err(bad)?;
    if checkpoint.origin() != origin {
        return Err(bad("the checkpoint is of another log"));
    }
    Ok((checkpoint.size(), *checkpoint.hash()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_checkpoint_verifies_and_an_altered_one_does_not() {
        let signer = Signer::new("passavant.example/node-1", &[7; 32]).unwrap();
        let note = signer.sign(12, Hash([3; 32])).unwrap();
        assert_eq!(verify(&note, signer.verifier_key()), Ok((12, Hash([3; 32]))));
        assert!(verify(&note.replacen("\n12\n", "\n13\n", 1), signer.verifier_key()).is_err());
        let other = Signer::new("passavant.example/node-2", &[7; 32]).unwrap();
        assert!(verify(&note, other.verifier_key()).is_err());
    }

    #[test]
    fn what_signs_is_what_signed_notes_sign_and_of_ed25519() {
        let ours = Signer::new("passavant.example/node-1", &[7; 32]).unwrap();
        let text = key_text("passavant.example/node-1", &[7; 32]);
        let theirs = StandardSigner::new(&text).unwrap();
        let checkpoint =
            Checkpoint::new("passavant.example/node-1", 12, Hash([3; 32]), "").unwrap();
        let mut note = Note::new(&checkpoint.to_bytes(), &[]).unwrap();
        note.add_sigs(&[&theirs]).unwrap();
        assert_eq!(ours.sign(12, Hash([3; 32])).unwrap().into_bytes(), note.to_bytes());
        let curve = Arc::new(SoftKey::new(Algorithm::Es256, &[7; 32]).unwrap());
        assert!(Signer::with("passavant.example/node-1", curve).is_err());
    }

    #[test]
    fn a_key_file_reads_back() {
        let text = key_text("passavant.example/node-1", &[9; 32]);
        let signer = Signer::read(&text).unwrap();
        assert_eq!(
            signer.verifier_key(),
            Signer::new("passavant.example/node-1", &[9; 32]).unwrap().verifier_key()
        );
        assert!(Signer::read("PRIVATE+KEY+x+00000000+AAAA").is_err());
    }
}
