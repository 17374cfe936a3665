//! A snapshot as it is written down, signed and read back.
use crate::app::cut_off::ReleasedBefore;
use crate::app::facts_record::DrawnRecord;
use crate::app::facts_record::is_none;
use crate::credential::KeySet;
use crate::credential::jws;
use crate::domain::Text;
use crate::domain::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// `typ` of a snapshot's JWS.
pub(super) const TYP: &str = "passavant-snapshot+jwt";
/// Largest snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Its identifier.
    pub id: Uuid,
    /// The authority whose key signs it.
    pub iss: String,
    /// The post.
    pub post: String,
    /// The post's log.
    pub log: String,
    /// What that log's checkpoints are verified with.
    pub key: String,
    /// How many of that log's entries had joined.
    pub joined: u64,
    /// When it was taken.
    pub taken: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// The register's log and its next index then.
    pub position: (String, u64),
    /// The edition of the lists in force, as it was loaded.
    pub lists: String,
    /// The authority's keys.
    pub keys: serde_json::Value,
    /// Licences as they stood.
    pub(in crate::app) licences: Vec<LicenceCopy>,
    /// What is set aside.
    pub(in crate::app) allowances: Vec<AllowanceCopy>,
    /// Releases under references, before it was taken.
    pub(in crate::app) released: Vec<(String, String, ReleasedBefore)>,
    /// Goods that officers of the post's State have stopped.
    pub(in crate::app) stopped: Vec<StopCopy>,
}

/// A stoppage that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct StopCopy {
    pub case: Uuid,
    pub kind: String,
    pub reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ucr: Option<String>,
    pub severity: String,
    pub at_us: i64,
}

/// A licence as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct LicenceCopy {
    pub number: Text,
    pub version: u32,
    pub status: String,
    pub shipments: u32,
    #[serde(default, skip_serializing_if = "is_none")]
    pub decisions: u32,
    pub drawn: Vec<DrawnRecord>,
    /// What has been released for export under it: line, unit, millionths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<(i64, String, i64)>,
    pub document: String,
}

/// What is set aside of a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::app) struct AllowanceCopy {
    pub id: Uuid,
    pub licence: Text,
    /// Lines, and what is left of them in millionths.
    pub lines: Vec<(i64, i64)>,
    /// Firearms, by line.
    pub serials: Vec<(i64, String)>,
}

impl Snapshot {
    /// Takes a signed one apart and insists that a key of the authority has signed it.
    pub fn read(text: &str, keys: &KeySet) -> Result<Self, String> {
        let opened = jws::open(TYP, text.trim(), SNAPSHOT_BYTES_MAX).map_err(|bad| bad.0)?;
        let key =
            keys.get(&opened.kid).ok_or("the key that it names is none of the authority's")?;
        if !opened.is_signed_by(key) {
            return Err("its signature does not verify".to_owned());
        }
        serde_json::from_slice(&opened.payload).map_err(|error| error.to_string())
    }
}
