//! From when retention counts: from the latest event of the record that an entry belongs to. A
//! shipment's record ends with its receipt or with the disposal of what was seized; a licence's with
//! the last movement of its balances.
use super::Error;
use crate::domain::Timestamp;
use crate::rules::profile;
use crate::storage::Db;
use crate::storage::retention;
use jiff::ToSpan;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What is read of an entry: when, under which law, and what it is about.
#[derive(Deserialize)]
struct Head {
    at: Timestamp,
    profile: Option<String>,
    #[serde(flatten)]
    about: About,
}

/// What an entry, or an alert of which an entry tells, is about.
#[derive(Default, Deserialize)]
struct About {
    licence: Option<String>,
    ucr: Option<String>,
    release: Option<Uuid>,
    alert: Option<Uuid>,
    preclearance: Option<Uuid>,
    /// A declaration's, in short or with its kind.
    reference: Option<Value>,
    declaration: Option<String>,
    about: Option<Box<Self>>,
}

impl About {
    /// The latest event of any of it.
    fn latest(&self, db: &mut Db) -> Result<Option<i64>, Error> {
        let mut latest = match &self.about {
            Some(about) => about.latest(db)?,
            None => None,
        };
        if let Some(number) = &self.licence {
            latest = latest.max(retention::of_licence(db, number)?);
        }
        if let Some(id) = self.alert {
            latest = latest.max(retention::of_alert(db, id.as_bytes())?);
        }
        if let Some(id) = self.preclearance {
            latest = latest.max(retention::of_preclearance(db, id.as_bytes())?);
        }
        let mut releases: Vec<Vec<u8>> =
            self.release.iter().map(|id| id.as_bytes().to_vec()).collect();
        let reference = self.reference.as_ref();
        let reference = reference.and_then(|value| value.get("value").unwrap_or(value).as_str());
        for reference in reference.into_iter().chain(self.declaration.as_deref()) {
            releases.extend(retention::releases_under(db, reference)?);
        }
        latest = latest.max(retention::of_releases(db, &releases)?);
        let ucrs = retention::consignments_of(db, &releases)?;
        for ucr in ucrs.iter().chain(&self.ucr) {
            latest = latest.max(retention::of_consignment(db, ucr)?);
        }
        Ok(latest)
    }
}

/// Whether an entry, and the record that it belongs to, is past the years of the service and of the
/// profile that it was decided under.
pub(super) fn is_past(
    db: &mut Db,
    place: (i64, i64),
    body: &[u8],
    now: Timestamp,
    years: u16,
) -> Result<bool, Error> {
    let head: Head = serde_json::from_slice(body)
        .map_err(|error| Error::Internal(format!("an entry does not read: {error}")))?;
    let years = years.max(profile::retention_years(head.profile.as_deref().unwrap_or_default()));
    let utc = jiff::tz::TimeZone::UTC;
    let Ok(limit) = utc.to_datetime(now).checked_sub(i64::from(years).years()) else {
        return Ok(false);
    };
    let limit = utc.to_timestamp(limit).map_err(|error| Error::Internal(error.to_string()))?;
    if head.at >= limit {
        return Ok(false);
    }
    let mut latest = head.about.latest(db)?;
    latest = latest.max(retention::of_raised(db, place)?);
    Ok(latest.is_none_or(|latest| latest < limit.as_microsecond()))
}
