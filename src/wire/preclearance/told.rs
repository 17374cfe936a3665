//! What a carrier is told of a verdict. Codes and its own words, nothing else: no text in which a rule
//! compares with a licence, no weight or place that would tell a near miss from a miss, and nothing of
//! lists that others must not know they stand on.
use super::ToldFinding;
use crate::domain::declaration::Declaration;
use crate::rules::Code;
use crate::rules::Finding;
use crate::rules::Outcome;
use crate::rules::Severity;
use crate::rules::Verdict;
use crate::wire::verification::ItemVerdict;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

/// The code in place of those that are not for carriers.
pub const NEUTRAL: &str = "EXAMINED_AT_PRESENTATION";

/// A verdict as a carrier is told of it; kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// `clear`, `refer` or `hold`.
    pub verdict: String,
    /// Per item.
    pub items: Vec<ItemVerdict>,
    /// The reasons.
    pub findings: Vec<ToldFinding>,
    /// Why nothing is held although it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_held: Option<String>,
}

/// A verdict on a declaration as its carrier may know it.
pub fn told(verdict: &Verdict, declaration: &Declaration, json: &str) -> Told {
    let own: Value = serde_json::from_str(json).unwrap_or_default();
    let mut findings: Vec<(Severity, ToldFinding)> = Vec::new();
    for finding in verdict.findings.iter().filter(|found| found.severity > Severity::Inform) {
        let told = finding_told(finding, declaration, &own);
        if !findings.contains(&told) {
            findings.push(told);
        }
    }
    findings.sort_by(|(a, x), (b, y)| {
        (b, x.item, &x.code, &x.path).cmp(&(a, y.item, &y.code, &y.path))
    });
    let worst = |item: u32| {
        let weights = findings.iter().filter(|(_, told)| told.item.is_none_or(|of| of == item));
        let worst = weights.map(|(severity, _)| severity.outcome()).max();
        worst.unwrap_or(Outcome::Clear).as_str().to_owned()
    };
    let items = verdict.items.iter();
    Told {
        verdict: told_outcome(verdict).as_str().to_owned(),
        items: items.map(|(item, _)| ItemVerdict { item: *item, verdict: worst(*item) }).collect(),
        findings: findings.into_iter().map(|(_, told)| told).collect(),
        not_held: None,
    }
}

/// The verdict of what a carrier may know of one: the weight of the codes that it is told.
pub fn told_outcome(verdict: &Verdict) -> Outcome {
    let findings = verdict.findings.iter().filter(|found| found.severity > Severity::Inform);
    let told = findings.map(|found| plain(found).map_or(Severity::Refer, |(_, told, _)| told));
    told.map(Severity::outcome).max().unwrap_or(Outcome::Clear)
}

fn finding_told(
    finding: &Finding,
    declaration: &Declaration,
    own: &Value,
) -> (Severity, ToldFinding) {
    let Some((code, severity, path)) = plain(finding) else {
        let told = ToldFinding {
            code: NEUTRAL.to_owned(),
            severity: Severity::Refer.as_str().to_owned(),
            item: None,
            path: String::new(),
            licence: None,
            declared: None,
            message: "customs will examine the consignment when it is presented".to_owned(),
            legal_basis: "Union Customs Code art. 188".to_owned(),
            remedy: "Present the goods".to_owned(),
            remedy_by: "officer".to_owned(),
        };
        return (Severity::Refer, told);
    };
    let entry = code.entry();
    let quoted = |number: &&crate::domain::Text| declaration.licence_numbers().contains(number);
    let told = ToldFinding {
        code: entry.name.to_owned(),
        severity: severity.as_str().to_owned(),
        item: finding.item,
        declared: declared(own, &path, finding.declared.as_deref()),
        path,
        licence: finding.licence.as_ref().filter(quoted).map(ToString::to_string),
        message: entry.title.to_owned(),
        legal_basis: entry.legal_basis.to_owned(),
        remedy: entry.remedy.to_owned(),
        remedy_by: entry.remedy_by.as_str().to_owned(),
    };
    (severity, told)
}

/// The code, weight and place under which a carrier learns of a finding; `None` for what it must not
/// learn: who or what is watched or sought, what another State has refused, what others have moved, what an
/// officer has stopped.
fn plain(finding: &Finding) -> Option<(Code, Severity, String)> {
    let path = finding.path.clone();
    let whole = |code: Code, path: String| Some((code, code.entry().severity, path));
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "of every other code the carrier learns as it is"
    )]
    match finding.code {
        Code::PartyWatchlistHit
        | Code::PriorRefusalSimilar
        | Code::SerialReportedSought
        | Code::SerialAlreadyMoved
        | Code::StoppedByOfficer => None,
        // The right identifier under another name, and the right name under another identifier, weigh less
        // to an officer; to somebody who guesses they would say "nearly".
        code
        @ (Code::ExporterMismatch | Code::ConsigneeMismatch | Code::FinalRecipientMismatch) => {
            let party = path.split('/').nth(1).unwrap_or_default().to_owned();
            whole(code, format!("/{party}/id"))
        }
        // More than the licence has left is also said of more than it ever had: the two together would say
        // what it had and what others have used. That it is more at all is what the verdict says.
        Code::QuantityExceedsAuthorised => whole(Code::QuantityExceedsBalance, path),
        Code::SerialConfusable => {
            let (list, _) = path.split_once("/serials").unwrap_or((&path, ""));
            whole(Code::SerialNotOnLicence, format!("{list}/serials"))
        }
        code @ (Code::MakeModelMismatch | Code::CalibreMismatch | Code::SerialNotOnLicence) => {
            whole(code, path)
        }
        code => Some((code, finding.severity, path)),
    }
}

/// What stands at a place of the carrier's own declaration; of a list, the entry that the finding names.
fn declared(own: &Value, path: &str, named: Option<&str>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let value = own.pointer(path)?;
    match value.as_array() {
        Some(list) => list.iter().filter_map(text).find(|entry| Some(entry.as_str()) == named),
        None => text(value),
    }
}
