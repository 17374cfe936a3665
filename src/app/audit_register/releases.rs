//! Releases against the entries that record them: every state in which one stood, and of the last of them the
//! release itself with what it draws, the firearms that it moves and its override.
use super::Error;
use super::at_us;
use super::first;
use super::nonce;
use super::text;
use crate::app::covers;
use crate::app::draws;
use crate::app::draws::Drawing;
use crate::app::draws::serial_uses;
use crate::app::judge::Presented;
use crate::app::release;
use crate::app::release_history;
use crate::audit::entry::salted;
use crate::domain::Quantity;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::covers::ReleaseCoverRow;
use crate::storage::overrides::OverrideRow;
use crate::storage::overrides::VersionRow;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::storage::serials::SerialUse;
use crate::wire::post::ReturnedDraw;
use crate::wire::release::DrewReply;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

/// How a release stands after an act, by the kind of its entry. `None`: it is no act upon a release.
pub(super) fn stands_after(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "release" | "release_amendment" | "override_confirmed" => "released",
        "override_requested" => "pending",
        "override_expired" => "expired",
        "reversal" => "reversed",
        _ => return None,
    })
}

/// What a release drew, as it is kept with one of its states.
pub(super) fn drew(json: &str) -> Result<Vec<DrewReply>, Error> {
    serde_json::from_str(json)
        .map_err(|error| Error::Internal(format!("what a release drew: {error}")))
}

/// The release that an entry names, and the version to which it came.
pub(super) fn named(entry: &Value) -> Option<(Vec<u8>, i64)> {
    stands_after(text(entry, "kind"))?;
    let id = Uuid::parse_str(text(entry, "release")).unwrap_or_default();
    let version = entry.get("version").and_then(Value::as_i64).unwrap_or_default();
    Some((id.as_bytes().to_vec(), version))
}

/// What the register holds of the releases that some entries record, as of one instant.
#[derive(Debug, Default)]
pub(in crate::app) struct Beside {
    versions: HashMap<(Vec<u8>, i64), VersionRow>,
    releases: HashMap<Vec<u8>, ReleaseRow>,
    draws: HashMap<Vec<u8>, Vec<DrawRow>>,
    firearms: HashMap<Vec<u8>, Vec<SerialUse>>,
    overrides: HashMap<Vec<u8>, OverrideRow>,
    covers: HashMap<Vec<u8>, Vec<ReleaseCoverRow>>,
    licences: HashMap<i64, String>,
}

impl Beside {
    /// Reads it.
    pub(in crate::app) fn read<'a>(
        db: &mut Db,
        entries: impl Iterator<Item = &'a Value>,
    ) -> Result<Self, Error> {
        let (mut ids, mut versions): (Vec<_>, Vec<_>) = entries.filter_map(named).unzip();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        versions.sort_unstable();
        versions.dedup();
        ids.sort_unstable();
        ids.dedup();
        storage::snapshot(db, |db| {
            let mut beside = Self::default();
            for row in storage::recorded::versions(db, &ids, &versions)? {
                beside.versions.insert((row.release_id.clone(), row.version), row);
            }
            for row in storage::recorded::releases(db, &ids)? {
                beside.releases.insert(row.id.clone(), row);
            }
            let mut licences = Vec::new();
            for row in storage::recorded::draws(db, &ids)? {
                licences.push(row.licence_id);
                beside.draws.entry(row.release_id.clone()).or_default().push(row);
            }
            licences.sort_unstable();
            licences.dedup();
            beside.licences = storage::licences::numbers(db, &licences)?;
            for row in storage::recorded::firearms(db, &ids)? {
                beside.firearms.entry(row.release_id.clone()).or_default().push(row);
            }
            for row in storage::covers::of_releases(db, &ids)? {
                beside.covers.entry(row.release_id.clone()).or_default().push(row);
            }
            for row in storage::recorded::overrides(db, &ids)? {
                beside.overrides.insert(row.release_id.clone(), row);
            }
            Ok(beside)
        })
    }

    /// How what the register holds of a release differs from the entry in a place that records it.
    pub(in crate::app) fn differs(
        &self,
        place: (i64, u64),
        entry: &Value,
    ) -> Result<Option<String>, Error> {
        let Some((id, version)) = named(entry) else { return Ok(None) };
        let name = text(entry, "release");
        let Some(row) = self.versions.get(&(id.clone(), version)) else {
            let words = format!("version {version} of release {name}, which it records, is gone");
            return Ok(Some(words));
        };
        let Some(release) = self.releases.get(&id) else {
            return Ok(Some(format!("release {name}, which it records, is gone")));
        };
        let Some(nonce) = nonce(text(entry, "nonce")) else {
            return Ok(Some("its nonce does not read".to_owned()));
        };
        let of = Of { beside: self, place, entry, nonce, row, release };
        if let Some(field) = of.version()? {
            let words = format!("{field} of version {version} of release {name}");
            return Ok(Some(format!("{words} is not what it records")));
        }
        if let Some(field) = of.against()? {
            return Ok(Some(format!(
                "{field} of the override of release {name} is not what it records"
            )));
        }
        // What came later is compared with its own entry.
        if release.version != version {
            return Ok(None);
        }
        let what = of.release()?;
        Ok(what.map(|what| format!("{what} of release {name} is not what it records")))
    }
}

/// A state of a release, and the entry that records it.
struct Of<'a> {
    beside: &'a Beside,
    place: (i64, u64),
    entry: &'a Value,
    nonce: [u8; 16],
    row: &'a VersionRow,
    release: &'a ReleaseRow,
}

impl Of<'_> {
    fn is(&self, field: &str, bytes: &[u8]) -> bool {
        salted(self.nonce, bytes) == text(self.entry, field)
    }

    fn is_actor(&self, who: &str) -> bool {
        let actor = self.entry.get("actor").unwrap_or(&Value::Null);
        salted(self.nonce, who.as_bytes()) == text(actor, "subject_sha256")
    }

    /// When the act took place: one of a post that was cut off, before it was recorded here.
    fn at_us(&self) -> Option<i64> {
        match self.entry.get("joined") {
            Some(joined) => text(joined, "released_at").parse().ok().map(Timestamp::as_microsecond),
            None => at_us(self.entry),
        }
    }

    /// The first field of the state that does not fit.
    fn version(&self) -> Result<Option<&'static str>, Error> {
        let (row, kind) = (self.row, text(self.entry, "kind"));
        let brings = matches!(kind, "release" | "release_amendment" | "override_requested");
        // The release itself has the one in force.
        let declaration = match &row.declaration {
            Some(kept) => brings && self.is("content_sha256", kept.as_bytes()),
            None => {
                let in_force = self.is("content_sha256", self.release.declaration.as_bytes());
                let may_be_another = !brings && self.release.version != row.version;
                in_force || may_be_another
            }
        };
        let index = u64::try_from(row.log_index).ok();
        Ok(first(&[
            ("log_index", (row.log_id, index) == (self.place.0, Some(self.place.1))),
            ("change", row.change == kind),
            ("status", stands_after(kind) == Some(row.status.as_str())),
            ("reason", row.reason.as_deref() == self.entry.get("reason").and_then(Value::as_str)),
            ("actor", self.is_actor(&row.actor)),
            ("at_us", Some(row.at_us) == self.at_us()),
            ("declaration", declaration),
            ("draws", self.draws()?),
        ]))
    }

    /// Whether what was drawn then is what the entry says, of which it lists as much as it has room for.
    fn draws(&self) -> Result<bool, Error> {
        let drew = drew(&self.row.draws)?;
        let total = self.entry.get("draws_total").and_then(Value::as_u64);
        let listed = self.entry.get("draws").and_then(Value::as_array);
        let same = |(listed, drew): (&Value, &DrewReply)| {
            let number = |field: &str| listed.get(field).and_then(Value::as_u64);
            number("item") == Some(u64::from(drew.item))
                && number("line") == Some(u64::from(drew.line))
                && text(listed, "licence") == drew.licence
                && text(listed, "quantity") == drew.quantity
                && text(listed, "unit") == drew.unit
        };
        let plain = drew.iter().map(|of| ReturnedDraw {
            item: of.item,
            licence: of.licence.clone(),
            line: of.line,
            quantity: of.quantity.clone(),
        });
        let digest = draws::digest_of(self.nonce, plain.collect())?;
        Ok(total == u64::try_from(drew.len()).ok()
            && listed.is_some_and(|listed| listed.iter().zip(&drew).all(same))
            && digest == text(self.entry, "draws_sha256"))
    }

    /// The first field of the override that does not fit.
    fn against(&self) -> Result<Option<&'static str>, Error> {
        let kind = text(self.entry, "kind");
        let is_confirmed = match kind {
            "override_requested" | "override_expired" => false,
            "override_confirmed" => true,
            _ => return Ok(None),
        };
        let Some(row) = self.beside.overrides.get(&self.release.id) else {
            return Ok(Some("the row"));
        };
        let codes: Value = serde_json::from_str(&row.codes).unwrap_or_default();
        let confirmed = row.confirmed_by.as_deref().is_some_and(|by| self.is_actor(by))
            && row.confirmed_us == self.at_us();
        // As it stood then.
        let mut then = row.clone();
        if !is_confirmed {
            (then.confirmed_by, then.confirmed_us) = (None, None);
            "[]".clone_into(&mut then.beyond);
        }
        let recorded = text(self.entry, "override_sha256");
        let digest = release_history::digest_of_override(self.nonce, &then)?;
        Ok(first(&[
            ("codes", self.entry.get("override") == Some(&codes)),
            ("reason", kind != "override_requested" || text(self.entry, "reason") == row.reason),
            ("caller", kind != "override_requested" || self.is_actor(&row.caller)),
            ("confirmed_by", !is_confirmed || confirmed),
            ("confirmed_by", kind != "override_expired" || row.confirmed_by.is_none()),
            ("due_us or beyond", recorded.is_empty() || digest == recorded),
        ]))
    }

    /// What does not fit of the release as it stands, and of what goes with it.
    fn release(&self) -> Result<Option<&'static str>, Error> {
        let (row, entry) = (self.release, self.entry);
        let states: Value = serde_json::from_str(&row.states).unwrap_or_default();
        let actor = entry.get("actor").unwrap_or(&Value::Null);
        let verification = Uuid::parse_str(text(entry, "verification")).unwrap_or_default();
        let plain = first(&[
            ("verification_id", row.verification_id == verification.as_bytes()),
            ("state", row.state == text(actor, "state")),
            ("border_post", row.border_post == text(entry, "border_post")),
            ("status", row.status == self.row.status),
            ("reference", row.reference == text(entry, "reference")),
            ("states", entry.get("states") == Some(&states)),
            ("declaration", self.is("content_sha256", row.declaration.as_bytes())),
        ]);
        if plain.is_some() {
            return Ok(plain);
        }
        let Ok(presented) = Presented::read(row.declaration.clone(), "") else {
            return Ok(Some("declaration"));
        };
        let declaration = &presented.declaration;
        let derived = first(&[
            ("reference_kind", row.reference_kind == declaration.reference.kind.as_str()),
            ("content_sha256", row.content_sha256 == presented.sha256()),
            ("items", row.items == release::items(declaration)?),
        ]);
        if derived.is_some() {
            return Ok(derived);
        }
        let recorded = text(entry, "row_sha256");
        if !recorded.is_empty() && release_history::digest(self.nonce, row)? != recorded {
            return Ok(Some("outward, caller or at_us"));
        }
        if !self.draws_the_same()? {
            return Ok(Some("what release_draw holds"));
        }
        if !self.lets_go_the_same()? {
            return Ok(Some("what release_cover holds"));
        }
        Ok((!self.moves_the_same(&presented)?).then_some("what serial_use holds"))
    }

    fn lets_go_the_same(&self) -> Result<bool, Error> {
        let rows = self.beside.covers.get(&self.release.id).cloned().unwrap_or_default();
        if self.release.status != "released" {
            return Ok(rows.is_empty());
        }
        let recorded = text(self.entry, "covers_sha256");
        Ok(recorded.is_empty() || covers::digest(self.nonce, rows)? == recorded)
    }

    fn draws_the_same(&self) -> Result<bool, Error> {
        let rows = self.beside.draws.get(&self.release.id).map(Vec::as_slice).unwrap_or_default();
        let number = |row: &DrawRow| self.beside.licences.get(&row.licence_id).cloned();
        let quantity = |row: &DrawRow| Quantity::from_micros(row.drawn).map(|of| of.to_string());
        let mut rows: Vec<_> =
            rows.iter().map(|row| (row.item, number(row), row.line, quantity(row))).collect();
        let mut drew: Vec<_> = drew(&self.row.draws)?
            .into_iter()
            .map(|of| (of.item.into(), Some(of.licence), of.line.into(), Some(of.quantity)))
            .collect();
        rows.sort_unstable();
        drew.sort_unstable();
        Ok(rows == drew)
    }

    /// Whether the firearms are those of the declaration. By which release one has come back is not recorded.
    fn moves_the_same(&self, presented: &Presented) -> Result<bool, Error> {
        let stands = self.release.status == "released";
        let mut drawings = Vec::new();
        for of in drew(&self.row.draws)? {
            drawings.push(Drawing {
                item: of.item,
                licence: of.licence.into(),
                line: of.line,
                quantity: Quantity::parse(&of.quantity).unwrap_or_default(),
            });
        }
        let moved = if stands {
            serial_uses(self.release, &presented.declaration, &drawings)
        } else {
            Vec::new()
        };
        let rows =
            self.beside.firearms.get(&self.release.id).map(Vec::as_slice).unwrap_or_default();
        let sorted = |rows: &[SerialUse]| {
            let plain = |row: &SerialUse| SerialUse { settled_by: None, ..row.clone() };
            let mut rows: Vec<SerialUse> = rows.iter().map(plain).collect();
            rows.sort_unstable_by(|a, b| (a.item, &a.serial).cmp(&(b.item, &b.serial)));
            rows
        };
        Ok(sorted(rows) == sorted(&moved))
    }
}
