//! Cosignatures of witnesses (C2SP tlog-cosignature, tlog-witness): a witness that has seen a log grow
//! signs its checkpoint, and never one that goes back on another.
use super::Hash;
use super::checkpoint::CheckpointError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use signed_note::Note;
use signed_note::Signature;

/// The type of a key that cosigns.
const COSIGNATURE_V1: u8 = 4;
/// Most hashes of a proof between two sizes.
const PROOF_MAX: usize = 63;
/// Largest request that is read.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

fn bad(words: impl std::fmt::Display) -> CheckpointError {
    CheckpointError(words.to_string())
}

/// A witness's own key.
#[derive(Clone)]
pub struct Witness {
    name: String,
    key: SigningKey,
}

impl Witness {
    /// A witness under a name.
    pub fn new(name: &str, key: SigningKey) -> Self {
        Self { name: name.to_owned(), key }
    }

    /// What others verify with: `name+hash+key`.
    pub fn verifier_key(&self) -> String {
        let public = public(&self.key.verifying_key());
        let id = signed_note::key_id(&self.name, &public);
        format!("{}+{id:08x}+{}", self.name, STANDARD.encode(public))
    }

    /// Cosigns a checkpoint at an instant; gives the signature's line.
    pub fn cosign(&self, note: &str, at_s: u64) -> Result<String, CheckpointError> {
        let text = text(note)?;
        let signature = self.key.sign(&message(&text, at_s)).to_bytes();
        let bytes = [at_s.to_be_bytes().as_slice(), signature.as_slice()].concat();
        let id = signed_note::key_id(&self.name, &public(&self.key.verifying_key()));
        let line = Signature::new(self.name.clone(), id, bytes)
            .map_err(|error| bad(format!("{error:?}")))?;
        String::from_utf8(line.to_bytes()).map_err(bad)
    }
}

fn public(key: &VerifyingKey) -> Vec<u8> {
    [&[COSIGNATURE_V1], key.as_bytes().as_slice()].concat()
}

/// The signed part of a checkpoint.
fn text(note: &str) -> Result<String, CheckpointError> {
    let note = Note::from_bytes(note.as_bytes()).map_err(|error| bad(format!("{error:?}")))?;
    String::from_utf8(note.text().to_vec()).map_err(bad)
}

fn message(text: &str, at_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {at_s}\n{text}").into_bytes()
}

/// Checks that a line is a witness's cosignature of a checkpoint; gives the instant that it states.
pub fn verify(note: &str, line: &str, verifier_key: &str) -> Result<u64, CheckpointError> {
    let (name, rest) = verifier_key.split_once('+').ok_or_else(|| bad("not a verifier key"))?;
    let (id, key) = rest.split_once('+').ok_or_else(|| bad("not a verifier key"))?;
    let key = STANDARD.decode(key).map_err(|_e| bad("not a verifier key"))?;
    let Some((&COSIGNATURE_V1, bytes)) = key.split_first() else {
        return Err(bad("not a key that cosigns"));
    };
    let expected = signed_note::key_id(name, &key);
    if u32::from_str_radix(id, 16).ok() != Some(expected) {
        return Err(bad("the verifier key's hash is not its own"));
    }
    let bytes = bytes.try_into().map_err(|_e| bad("not a verifier key"))?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_e| bad("not a verifier key"))?;
    let signature = Signature::from_bytes(line.trim_end_matches('\n').as_bytes())
        .map_err(|error| bad(format!("{error:?}")))?;
    if signature.name() != name || signature.id() != expected {
        return Err(bad("the cosignature is another witness's"));
    }
    let (time, signature) =
        signature.signature().split_at_checked(8).ok_or_else(|| bad("the cosignature is cut"))?;
    let at_s = u64::from_be_bytes(time.try_into().map_err(|_e| bad("the cosignature is cut"))?);
    let signature = ed25519_dalek::Signature::from_slice(signature)
        .map_err(|_e| bad("the cosignature is cut"))?;
    key.verify_strict(&message(&text(note)?, at_s), &signature)
        .map_err(|_e| bad("the cosignature does not verify"))?;
    Ok(at_s)
}

/// What a log sends to a witness.
#[derive(Debug, Clone, PartialEq)]
pub struct AddCheckpoint {
    /// The size that the witness has seen last.
    pub old: u64,
    /// The hashes that lead from there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint.
    pub note: String,
}

impl AddCheckpoint {
    /// As it is sent.
    pub fn write(&self) -> String {
        let old = format!("old {}", self.old);
        let hashes = self.proof.iter().map(ToString::to_string);
        let head: Vec<String> = std::iter::once(old).chain(hashes).collect();
        format!("{}\n\n{}", head.join("\n"), self.note)
    }

    /// Reads it.
    pub fn read(body: &str) -> Result<Self, CheckpointError> {
        let (head, note) = body.split_once("\n\n").ok_or_else(|| bad("no blank line"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.ok_or_else(|| bad("the first line is not `old SIZE`"))?;
        let size: u64 = old.parse().map_err(|_e| bad("old: not a size"))?;
        if size.to_string() != old {
            return Err(bad("old: not a size as it is written"));
        }
        let proof = lines
            .map(|line| Hash::parse_hash(line).map_err(|_e| bad("a line is not a hash")))
            .collect::<Result<Vec<Hash>, _>>()?;
        if proof.len() > PROOF_MAX {
            return Err(bad(format!("more than {PROOF_MAX} hashes")));
        }
        Ok(Self { old: size, proof, note: note.to_owned() })
    }
}

/// The log that a checkpoint says it is of.
pub fn origin(note: &str) -> &str {
    note.split('\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Signer;
    use super::*;

    fn witness(seed: u8) -> Witness {
        Witness::new("witness.example/ke", SigningKey::from_bytes(&[seed; 32]))
    }

    fn note(size: u64) -> String {
        Signer::new("passavant.example/fr", &[7; 32]).unwrap().sign(size, Hash([3; 32])).unwrap()
    }

    #[test]
    fn a_cosignature_is_of_one_checkpoint_one_instant_and_one_witness() {
        let (witness, note) = (witness(1), note(12));
        let line = witness.cosign(&note, 1_790_000_000).unwrap();
        assert_eq!(verify(&note, &line, &witness.verifier_key()), Ok(1_790_000_000));
        assert!(verify(&self::note(13), &line, &witness.verifier_key()).is_err());
        assert!(verify(&note, &line, &self::witness(2).verifier_key()).is_err());
        let mut bytes = STANDARD.decode(line.trim_end().rsplit_once(' ').unwrap().1).unwrap();
        bytes[11] ^= 1;
        let later = format!("— witness.example/ke {}\n", STANDARD.encode(bytes));
        assert!(verify(&note, &later, &witness.verifier_key()).is_err(), "another instant");
        let cosigned = format!("{note}{line}");
        assert!(
            verify(&cosigned, &line, &witness.verifier_key()).is_ok(),
            "other lines are not signed"
        );
    }

    #[test]
    fn a_request_reads_as_it_was_written() {
        let sent =
            AddCheckpoint { old: 9, proof: vec![Hash([1; 32]), Hash([2; 32])], note: note(12) };
        assert_eq!(AddCheckpoint::read(&sent.write()), Ok(sent.clone()));
        let first = AddCheckpoint { old: 0, proof: Vec::new(), note: note(12) };
        assert_eq!(AddCheckpoint::read(&first.write()), Ok(first));
        for broken in ["", "old 1", "old 01\n\nx", "new 1\n\nx", "old -1\n\nx", "old 1\nAAAA\n\nx"]
        {
            assert!(AddCheckpoint::read(broken).is_err(), "{broken}");
        }
    }
}
