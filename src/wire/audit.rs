//! The audit trail on the wire.
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A log of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LogReply {
    /// Its origin.
    pub log: String,
    /// Entries.
    pub size: u64,
    /// Entries from the first on whose bodies have gone into an archive; their hashes stay.
    pub archived: u64,
    /// The key that verifies its checkpoints.
    pub verifier_key: String,
}

/// An entry of a log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryReply {
    /// The log's origin.
    pub log: String,
    /// The entry's index.
    pub index: u64,
    /// The entry, byte for byte as it was hashed.
    #[schema(value_type = Entry)]
    pub entry: Box<RawValue>,
}

/// What every entry says; the rest depends on its kind.
#[derive(Debug, ToSchema)]
pub struct Entry {
    /// The form of the entry.
    pub v: u32,
    /// What happened, such as `verification`, `release` or `licence`.
    pub kind: String,
    /// When.
    pub at: String,
    /// Salts the digests; 16 bytes in hexadecimal digits.
    pub nonce: String,
}

/// The proof that an entry stands in a signed tree (RFC 6962).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProofReply {
    /// The log's origin.
    pub log: String,
    /// The entry's index.
    pub index: u64,
    /// Entries in the tree.
    pub size: u64,
    /// The entry's bytes, as text.
    pub entry: String,
    /// The leaf's hash, base64.
    pub leaf_hash: String,
    /// The path from the leaf to the root, base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint of that tree.
    pub checkpoint: String,
    /// The key that verifies it.
    pub verifier_key: String,
}
