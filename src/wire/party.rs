//! Parties as they stand in declarations and licences.
use super::field::At;
use super::field::Reader;
use super::field::TEXT_CHARS_MAX;
use crate::domain::party;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

/// A trader or authority; `id` decides who it is, the name only advises.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Party {
    /// EORI, tax or registry number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Trading name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Address, as far as the document gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl Party {
    /// Reads a party.
    pub fn read(&self, reader: &mut Reader, at: &At<'_>) -> Option<party::Party> {
        let id = reader.number(&at.field("id"), self.id.as_deref(), party::ID_CHARS_MAX);
        let name = reader.text(&at.field("name"), self.name.as_deref(), TEXT_CHARS_MAX);
        reader.text(&at.field("address"), self.address.as_deref(), TEXT_CHARS_MAX);
        let id = reader.required(&at.field("id"), id);
        let name = reader.required(&at.field("name"), name);
        Some(party::Party { id: id?, name: name? })
    }
}
