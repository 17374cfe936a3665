//! Checked credentials as they are written down, so that a replay finds what was known then.
use crate::domain::Text;
use crate::rules::case::CredentialFact;
use crate::rules::case::Proof;
use serde::Deserialize;
use serde::Serialize;

/// A checked credential as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) struct CredentialRecord {
    index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    proof: String,
    why: String,
}

/// The word for what a check has shown.
pub(in crate::app) fn word(proof: Proof) -> &'static str {
    match proof {
        Proof::Validated => "authentic",
        Proof::Failed => "failed",
        Proof::Unverified => "unverified",
    }
}

/// Writes a checked credential down.
pub(in crate::app) fn record(fact: &CredentialFact) -> CredentialRecord {
    CredentialRecord {
        index: fact.index,
        licence: fact.licence.as_ref().map(ToString::to_string),
        proof: word(fact.proof).to_owned(),
        why: fact.why.to_string(),
    }
}

/// Reads it back.
pub(in crate::app) fn fact(record: CredentialRecord) -> Option<CredentialFact> {
    let proofs = [Proof::Validated, Proof::Failed, Proof::Unverified];
    Some(CredentialFact {
        index: record.index,
        licence: record.licence.map(Text::from),
        proof: proofs.into_iter().find(|proof| word(*proof) == record.proof)?,
        why: record.why.into(),
    })
}
