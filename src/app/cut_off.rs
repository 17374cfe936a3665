//! A post that is cut off from the register: what it rests on, and what that makes of the facts. What it does
//! not know refers; it never clears, and it is never taken for something that is not there.
use super::Error;
use super::earlier::drawn_of;
use super::earlier::header_digest;
use super::facts;
use super::judge::json;
use super::release::timestamp;
use super::trust::Checked;
use super::trust::Trust;
use super::trust::signed;
use crate::credential::KeySet;
use crate::credential::Opened;
use crate::domain::Country;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::declaration::Declaration;
use crate::domain::serial::Serial;
use crate::rules::case::Facts;
use crate::rules::case::Lookup;
use crate::rules::case::PriorUse;
use crate::rules::case::Proof;
use crate::rules::offline::Offline;
use crate::rules::offline::SetAside;
use crate::storage;
use crate::storage::Db;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a post keeps of the snapshot that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resting {
    /// The snapshot.
    pub id: Uuid,
    /// When it was taken.
    pub as_of: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// What was set aside; nothing once it is given up.
    pub allowances: Vec<Uuid>,
    /// The licences of which.
    pub licences: Vec<Text>,
    /// The authority's keys, as they are published.
    pub keys: serde_json::Value,
    /// The entry of this post's log that gave the allowances of an earlier snapshot up.
    pub given_up: Option<u64>,
}

/// A post that may be cut off, as this process serves it.
#[derive(Debug, Clone)]
pub struct CutOff {
    /// The post.
    pub post: Text,
    /// The snapshot; none has been loaded yet.
    pub(super) resting: Option<Resting>,
    /// The authority's keys.
    pub(super) keys: KeySet,
}

impl CutOff {
    /// What a post knows by its database; nothing where this process serves no such post.
    pub(super) fn open(db: &mut Db, post: &str) -> Result<Option<Self>, Error> {
        if post.is_empty() {
            return Ok(None);
        }
        let resting = resting(db)?;
        let keys =
            resting.as_ref().and_then(|of| KeySet::read(of.keys.to_string().as_bytes()).ok());
        Ok(Some(Self { post: post.into(), resting, keys: keys.unwrap_or_default() }))
    }

    /// What a credential of the post's own State shows here: its status list cannot be read.
    pub(super) fn credential(&self, opened: Opened, state: Country) -> Checked {
        let checked = signed(opened, &self.keys, state, "own");
        if checked.proof != Proof::Validated {
            return checked;
        }
        let why = "its status list cannot be read here".to_owned();
        Checked { proof: Proof::Unverified, code: "status_unknown", why, ..checked }
    }
}

impl Trust {
    /// Whether this process serves a post that is cut off.
    pub fn is_cut_off(&self) -> bool {
        self.cut_off().is_some()
    }
}

/// The snapshot that a post's database rests on.
pub(super) fn resting(db: &mut Db) -> Result<Option<Resting>, Error> {
    let read = |body: String| {
        serde_json::from_str(&body)
            .map_err(|error| Error::Internal(format!("the snapshot at hand: {error}")))
    };
    storage::posts::snapshot(db)?.map(read).transpose()
}

/// A release under a reference before the snapshot was taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleasedBefore {
    /// The release.
    pub release: Uuid,
    /// When.
    pub at_us: i64,
    /// Its items.
    pub items: Vec<u32>,
    /// Digest of its declaration, in hexadecimal digits.
    pub content: String,
    /// Digest of what its items share.
    #[serde(default)]
    pub header: String,
    /// The licences that each of its items drew.
    #[serde(default)]
    pub drawn: Vec<(u32, Text)>,
}

impl ReleasedBefore {
    /// As it is kept.
    pub fn kept(&self) -> Result<String, Error> {
        json(self)
    }
}

/// Adds to the facts what only the database can tell: what was set aside, for this post or for others.
pub(super) fn look(
    db: &mut Db,
    trust: &Trust,
    declaration: &Declaration,
    content_sha256: &[u8],
    facts: &mut Facts,
) -> Result<(), Error> {
    let declared = declared(declaration);
    let serials: Vec<String> = declared.keys().cloned().collect();
    let rows = match serials.as_slice() {
        [] => Vec::new(),
        serials => storage::allowances::set_aside(db, serials)?,
    };
    let Some(cut_off) = trust.cut_off() else {
        for row in rows {
            facts.set_aside.extend(declared.get(&row.serial).into_iter().flatten().map(
                |(item, serial)| SetAside {
                    item: *item,
                    serial: serial.clone(),
                    post: row.border_post.as_str().into(),
                },
            ));
        }
        return Ok(());
    };
    let Some(resting) = &cut_off.resting else { return Ok(()) };
    let reference = &declaration.reference;
    let (kind, value) = (reference.kind.as_str(), &reference.value);
    let same_content = crate::audit::entry::hex(content_sha256);
    let header = header_digest(declaration);
    for body in storage::posts::released_before(db, kind, value)? {
        let before: ReleasedBefore = serde_json::from_str(&body)
            .map_err(|error| Error::Internal(format!("an earlier release: {error}")))?;
        let is_same = before.content == same_content;
        if !reference.is_same_use(is_same) {
            continue;
        }
        let at = timestamp(before.at_us)?;
        facts.prior_uses.extend(before.items.iter().map(|item| PriorUse {
            item: *item,
            release: before.release.to_string().into(),
            at,
            same_content: is_same,
            licences: drawn_of(*item, &before.drawn),
            is_another: !is_same && before.header != header,
            renumbered: None,
        }));
    }
    let quoted = declaration.licence_numbers();
    let unknown = declaration.items.iter().flat_map(|item| {
        facts::firearms(item).into_iter().filter_map(|firearm| {
            // It may move only under a line that its item quotes.
            let known = rows.iter().any(|row| {
                row.serial == firearm.serial.as_str()
                    && facts::quotes_line(item, &row.licence, row.line)
            });
            (!known).then_some((item.number, firearm.serial))
        })
    });
    facts.offline = Some(Offline {
        post: cut_off.post.clone(),
        as_of: resting.as_of,
        until: resting.until,
        licences: quoted.into_iter().filter(|of| resting.licences.contains(of)).collect(),
        unknown: unknown.collect(),
    });
    Ok(())
}

/// The firearms declared, by serial.
fn declared(declaration: &Declaration) -> BTreeMap<String, Vec<(u32, Serial)>> {
    let mut declared: BTreeMap<String, Vec<(u32, Serial)>> = BTreeMap::new();
    for item in &declaration.items {
        for firearm in facts::firearms(item) {
            let of = declared.entry(firearm.serial.to_string()).or_default();
            of.push((item.number, firearm.serial));
        }
    }
    declared
}

/// What a post that is cut off makes of the rest: the age is the snapshot's, and a licence that it does not
/// have is one of which the register could not be asked.
pub(super) fn finish(trust: &Trust, facts: &mut Facts, now: Timestamp) {
    let Some(cut_off) = trust.cut_off() else { return };
    let offline = facts.offline.as_ref();
    facts.data_age_ms = facts.data_age_ms.and(offline).and_then(|offline| offline.age_ms(now));
    if cut_off.resting.is_none() {
        facts.history_available = false;
    }
    for fact in &mut facts.licences {
        if fact.lookup == Lookup::NotFound {
            fact.lookup = Lookup::Unavailable;
        }
    }
}
