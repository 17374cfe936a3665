//! What a credential says, whichever envelope it comes in. It is the licence as issued, who says so
//! and where it is published whether it still stands; never what is left of it.
use super::Malformed;
use super::malformed;
use crate::domain::Text;
use crate::domain::number;
use ciborium::value::Integer;
use ciborium::value::Value as Cbor;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// The claim set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuing authority, an address under which its keys are published.
    pub iss: String,
    /// The licence's number.
    pub sub: String,
    /// When the credential was made.
    pub iat: i64,
    /// When it is of no use any more: after the licence's last day, wherever that is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Where it is published whether the licence still stands.
    pub status: Status,
    /// The version of the licence.
    pub licence_version: u32,
    /// The licence as issued.
    pub licence: Value,
}

/// A place in a status list (draft-ietf-oauth-status-list).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The list and the place.
    pub status_list: Place,
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which entry.
    pub idx: u64,
    /// Of which list.
    pub uri: String,
}

/// Names of claims in CBOR (RFC 8392); the licence stands under a number of private use.
const ISS: i64 = 1;
const SUB: i64 = 2;
const EXP: i64 = 4;
const IAT: i64 = 6;
const STATUS: i64 = 65_535;
const LICENCE: i64 = -70_001;
const LICENCE_VERSION: i64 = -70_002;

impl Claims {
    /// The licence's number in the form in which it is compared.
    pub fn number(&self) -> Option<Text> {
        number::of_licence(&self.sub).ok()
    }

    /// Whether it is of a licence of this number.
    pub fn is_of(&self, number: &str) -> bool {
        self.number().is_some_and(|own| number::of_licence(number).is_ok_and(|named| named == own))
    }

    /// As a JWT carries them.
    pub fn to_json(&self) -> Result<Vec<u8>, Malformed> {
        serde_json::to_vec(self).map_err(|error| malformed(error.to_string()))
    }

    /// Reads them from a JWT.
    pub fn from_json(json: &[u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(json).map_err(|error| malformed(format!("the claims: {error}")))
    }

    /// As a CWT carries them.
    pub fn to_cbor(&self) -> Result<Vec<u8>, Malformed> {
        let value = |value: &Value| {
            Cbor::serialized(value).map_err(|error| malformed(format!("the licence: {error}")))
        };
        let place = &self.status.status_list;
        let place = Cbor::Map(vec![
            (Cbor::from("idx"), Cbor::from(place.idx)),
            (Cbor::from("uri"), Cbor::from(place.uri.as_str())),
        ]);
        let mut claims = vec![
            (Cbor::from(ISS), Cbor::from(self.iss.as_str())),
            (Cbor::from(SUB), Cbor::from(self.sub.as_str())),
        ];
        claims.extend(self.exp.map(|exp| (Cbor::from(EXP), Cbor::from(exp))));
        claims.extend([
            (Cbor::from(IAT), Cbor::from(self.iat)),
            (Cbor::from(STATUS), Cbor::Map(vec![(Cbor::from("status_list"), place)])),
            (Cbor::from(LICENCE), value(&self.licence)?),
            (Cbor::from(LICENCE_VERSION), Cbor::from(self.licence_version)),
        ]);
        let mut bytes = Vec::new();
        ciborium::into_writer(&Cbor::Map(claims), &mut bytes)
            .map_err(|error| malformed(error.to_string()))?;
        Ok(bytes)
    }

    /// Reads them from a CWT.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = bytes;
        let read = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX);
        let read: Cbor = read.map_err(|error| malformed(format!("the claims: {error}")))?;
        let claims = read.into_map().map_err(|_e| malformed("the claims are not a map"))?;
        if !rest.is_empty() {
            return Err(malformed("something stands behind the claims"));
        }
        let text = |name: i64| {
            let claim = one(&claims, name)?.and_then(Cbor::as_text).map(str::to_owned);
            claim.ok_or_else(|| malformed(format!("claim {name} is missing or not text")))
        };
        let number = |name: i64| -> Result<Option<i64>, Malformed> {
            let claim = one(&claims, name)?.and_then(Cbor::as_integer);
            Ok(claim.and_then(|number: Integer| i64::try_from(number).ok()))
        };
        let value = |name: i64| -> Result<Value, Malformed> {
            let claim = one(&claims, name)?;
            let claim = claim.ok_or_else(|| malformed(format!("claim {name} is missing")))?;
            claim.deserialized().map_err(|error| malformed(format!("claim {name}: {error}")))
        };
        let status = value(STATUS)?;
        let version = number(LICENCE_VERSION)?.and_then(|version| u32::try_from(version).ok());
        Ok(Self {
            iss: text(ISS)?,
            sub: text(SUB)?,
            iat: number(IAT)?.ok_or_else(|| malformed("claim 6 is missing or not a number"))?,
            exp: number(EXP)?,
            status: serde_json::from_value(status)
                .map_err(|error| malformed(format!("claim {STATUS}: {error}")))?,
            licence_version: version.ok_or_else(|| malformed("no version of the licence"))?,
            licence: value(LICENCE)?,
        })
    }
}

/// How deep a licence may be nested.
const DEPTH_MAX: usize = 16;

/// A claim by its number; one that stands twice could be read in two ways.
fn one(claims: &[(Cbor, Cbor)], name: i64) -> Result<Option<&Cbor>, Malformed> {
    let mut found = claims.iter().filter(|(key, _)| *key == Cbor::from(name));
    let first = found.next();
    match found.next() {
        None => Ok(first.map(|(_, claim)| claim)),
        Some(_) => Err(malformed(format!("claim {name} stands twice"))),
    }
}
