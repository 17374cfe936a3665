//! Evidence of a case: entries of the log with their proofs and checkpoints, and beside them what the
//! entries are digests of. Whoever holds it needs nothing else, and nobody's leave, to check it.
use super::Hash;
use super::checkpoint;
use super::entry::salted;
use super::proof;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// What the form is called.
pub const FORMAT: &str = "passavant-evidence/1";

/// Everything about one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The form.
    pub format: String,
    /// The verification that the case is about.
    pub verification: String,
    /// When it was put together.
    pub made_at: String,
    /// The logs, each as a checkpoint has it.
    pub logs: Vec<Log>,
    /// The entries.
    pub entries: Vec<Entry>,
    /// What was declared, looked up and answered.
    pub record: Record,
    /// The licences on which the verdict rests.
    pub licences: Vec<Document>,
    /// The releases, in every state in which they stood.
    pub releases: Vec<Release>,
}

/// A log at one of its checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceLog)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Its origin.
    pub log: String,
    /// What its checkpoints are verified with; to be compared with what is known of it otherwise.
    pub verifier_key: String,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// An entry with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceEntry)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The log.
    pub log: String,
    /// Its place there.
    pub index: u64,
    /// Its bytes.
    pub entry: String,
    /// The hashes that lead from it to the checkpoint's root, base64.
    pub hashes: Vec<String>,
}

/// What an entry of a judgement is a digest of, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceRecord)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The declaration as received.
    pub declaration: String,
    /// The facts as looked up; left out where they tell of a licence that does not name the reader's State.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
    /// The reply, but for its place in the log.
    pub reply: String,
}

/// A place in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidencePlace)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The log.
    pub log: String,
    /// The entry's index in it.
    pub index: u64,
}

/// A licence's document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceDocument)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its number.
    pub number: String,
    /// The version on which the verdict rests.
    pub version: u32,
    /// As it stood then.
    pub document: String,
    /// The entry that records it.
    pub recorded: Recorded,
}

/// A state in which a release stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EvidenceRelease)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The release.
    pub release: String,
    /// Counts from 1 with each change.
    pub version: i64,
    /// The declaration on which it stands since, where this change altered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<String>,
    /// The entry that records it.
    pub recorded: Recorded,
}

/// What evidence shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The verdict.
    pub verdict: String,
    /// Each log with the key that signs it, and the size at which it was proven.
    pub logs: Vec<(String, String, u64)>,
    /// How many entries are proven.
    pub entries: usize,
    /// The licences proven, with their versions.
    pub licences: Vec<(String, u32)>,
    /// Licences on which the verdict rests and of which there is no document here.
    pub unproven: Vec<(String, u32)>,
    /// Whether it holds what was looked up.
    pub has_facts: bool,
    /// The releases proven, with the number of states.
    pub releases: usize,
}

/// Checks evidence; where keys are given, no others are believed. Gives what it shows, or everything that
/// does not fit.
pub fn verify(evidence: &Evidence, trusted: &[String]) -> Result<Shown, Vec<String>> {
    let mut check = Check { faults: Vec::new(), logs: BTreeMap::new(), entries: BTreeMap::new() };
    if evidence.format != FORMAT {
        check.fault(format!("the form is {:?}, not {FORMAT}", evidence.format));
    }
    check.logs(evidence, trusted);
    check.entries(evidence);
    let judged = check.judgement(evidence);
    let licences = check.licences(evidence);
    check.releases(evidence);
    check.nothing_left_over(evidence);
    let rests = judged.as_ref().map(rests_on).unwrap_or_default();
    let unproven = rests.into_iter().filter(|one| !licences.contains(one)).collect();
    if !check.faults.is_empty() {
        return Err(check.faults);
    }
    let keys = evidence.logs.iter();
    Ok(Shown {
        verdict: judged.as_ref().map(|entry| text(entry, "verdict").to_owned()).unwrap_or_default(),
        logs: keys
            .filter_map(|log| {
                let (size, _) = check.logs.get(&log.log)?;
                Some((log.log.clone(), log.verifier_key.clone(), *size))
            })
            .collect(),
        entries: check.entries.len(),
        licences,
        unproven,
        has_facts: evidence.record.facts.is_some(),
        releases: evidence.releases.len(),
    })
}

/// The licence versions that a judgement's entry names.
fn rests_on(judged: &Value) -> Vec<(String, u32)> {
    let named = judged.get("licences").and_then(Value::as_array);
    let one = |licence: &Value| {
        let version = licence.get("version").and_then(Value::as_u64);
        let version = version.and_then(|version| u32::try_from(version).ok())?;
        Some((text(licence, "number").to_owned(), version))
    };
    named.map(|named| named.iter().filter_map(one).collect()).unwrap_or_default()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The nonce that salts an entry's digests.
fn nonce(entry: &Value) -> Option<[u8; 16]> {
    let hex = text(entry, "nonce");
    u128::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 32).map(u128::to_be_bytes)
}

struct Check {
    faults: Vec<String>,
    logs: BTreeMap<String, (u64, Hash)>,
    entries: BTreeMap<(String, u64), Value>,
}

impl Check {
    fn fault(&mut self, words: String) {
        self.faults.push(words);
    }

    fn logs(&mut self, evidence: &Evidence, trusted: &[String]) {
        for log in &evidence.logs {
            let name = &log.log;
            if !trusted.is_empty() && !trusted.contains(&log.verifier_key) {
                self.fault(format!("log {name}: its key is not one of those given"));
                continue;
            }
            match checkpoint::verify(&log.checkpoint, &log.verifier_key) {
                Err(error) => self.fault(format!("log {name}: the checkpoint: {error}")),
                Ok(_) if !log.checkpoint.starts_with(&format!("{name}\n")) => {
                    self.fault(format!("log {name}: the checkpoint is of another log"));
                }
                Ok(tree) => {
                    if self.logs.insert(name.clone(), tree).is_some() {
                        self.fault(format!("log {name} stands twice"));
                    }
                }
            }
        }
    }

    fn entries(&mut self, evidence: &Evidence) {
        for entry in &evidence.entries {
            let at = format!("entry {} of {}", entry.index, entry.log);
            let Some((size, root)) = self.logs.get(&entry.log).copied() else {
                self.fault(format!("{at}: there is no such log here"));
                continue;
            };
            let hashes = entry.hashes.iter().map(|hash| Hash::parse_hash(hash).ok());
            let hashes: Option<Vec<Hash>> = hashes.collect();
            let proven = hashes.is_some_and(|hashes| {
                proof::is_included(&hashes, size, root, entry.index, entry.entry.as_bytes())
            });
            let read = serde_json::from_str(&entry.entry).ok().filter(|_| proven);
            let Some(read) = read else {
                self.fault(format!("{at}: its proof does not lead to the checkpoint"));
                continue;
            };
            if self.entries.insert((entry.log.clone(), entry.index), read).is_some() {
                self.fault(format!("{at} stands twice"));
            }
        }
    }

    fn at(&self, place: &Recorded) -> Option<Value> {
        self.entries.get(&(place.log.clone(), place.index)).cloned()
    }

    /// Whether what stands beside an entry is what it is a digest of.
    fn digest(&mut self, entry: &Value, field: &str, plain: &str, what: &str) {
        let digest = nonce(entry).map(|nonce| salted(nonce, plain.as_bytes()));
        if digest.as_deref() != Some(text(entry, field)) {
            self.fault(format!("{what} is not what its entry is a digest of"));
        }
    }

    fn judgement(&mut self, evidence: &Evidence) -> Option<Value> {
        let of = |entry: &&Value| is_judgement(entry, &evidence.verification);
        let found: Vec<Value> = self.entries.values().filter(of).cloned().collect();
        let [entry] = found.as_slice() else {
            self.fault(format!("{} entries are of the verification, not one", found.len()));
            return None;
        };
        let record = &evidence.record;
        self.digest(entry, "declaration_sha256", &record.declaration, "the declaration");
        if let Some(facts) = &record.facts {
            self.digest(entry, "facts_sha256", facts, "what was looked up");
        }
        self.digest(entry, "reply_sha256", &record.reply, "the reply");
        Some(entry.clone())
    }

    fn licences(&mut self, evidence: &Evidence) -> Vec<(String, u32)> {
        let mut proven = Vec::new();
        for licence in &evidence.licences {
            let what = format!("licence {} version {}", licence.number, licence.version);
            let Some(entry) = self.at(&licence.recorded) else {
                self.fault(format!("{what}: its entry is not here"));
                continue;
            };
            let version = entry.get("version").and_then(Value::as_u64);
            if text(&entry, "kind") != "licence"
                || text(&entry, "licence") != licence.number
                || version != Some(u64::from(licence.version))
            {
                self.fault(format!("{what}: the entry is of something else"));
            }
            self.digest(&entry, "document_sha256", &licence.document, &what);
            proven.push((licence.number.clone(), licence.version));
        }
        proven
    }

    fn releases(&mut self, evidence: &Evidence) {
        let mut states: BTreeMap<&str, Vec<&Release>> = BTreeMap::new();
        for release in &evidence.releases {
            states.entry(&release.release).or_default().push(release);
        }
        for (id, mut states) in states {
            states.sort_by_key(|state| state.version);
            if (1..).zip(&states).any(|(version, state)| state.version != version) {
                self.fault(format!("release {id}: its states do not count from 1 without a gap"));
            }
            // It stands on what was verified until a change states another declaration.
            let mut stands_on = &evidence.record.declaration;
            for state in states {
                stands_on = state.declaration.as_ref().unwrap_or(stands_on);
                self.release(evidence, state, stands_on);
            }
        }
    }

    fn release(&mut self, evidence: &Evidence, release: &Release, stands_on: &str) {
        let what = format!("release {} version {}", release.release, release.version);
        let Some(entry) = self.at(&release.recorded) else {
            self.fault(format!("{what}: its entry is not here"));
            return;
        };
        let version = entry.get("version").and_then(Value::as_i64);
        if text(&entry, "release") != release.release
            || text(&entry, "verification") != evidence.verification
            || version != Some(release.version)
        {
            self.fault(format!("{what}: the entry is of something else"));
        }
        self.digest(&entry, "content_sha256", stands_on, &what);
    }

    /// Every entry stands for something that is shown: none is left over from what was taken out.
    fn nothing_left_over(&mut self, evidence: &Evidence) {
        let of_licences = evidence.licences.iter().map(|licence| &licence.recorded);
        let of_releases = evidence.releases.iter().map(|release| &release.recorded);
        let used: BTreeSet<(&str, u64)> =
            of_licences.chain(of_releases).map(|at| (at.log.as_str(), at.index)).collect();
        let is_judgement = |entry: &Value| is_judgement(entry, &evidence.verification);
        let left: Vec<String> = self
            .entries
            .iter()
            .filter(|((log, index), entry)| {
                !used.contains(&(log.as_str(), *index)) && !is_judgement(entry)
            })
            .map(|((log, index), _)| {
                format!("entry {index} of {log}: nothing that it records is here")
            })
            .collect();
        self.faults.extend(left);
    }
}

/// Whether an entry records the judgement of a verification.
fn is_judgement(entry: &Value, verification: &str) -> bool {
    text(entry, "verification") == verification && entry.get("declaration_sha256").is_some()
}
