//! What every declaration must be answered, by the rules themselves: a run whose verdicts differ is
//! not a measurement.
use crate::client::Failed;
use crate::workload;
use crate::workload::Body;
use crate::workload::Fit;
use passavant::domain::Date;
use passavant::domain::Timestamp;
use passavant::domain::licence::Drawn;
use passavant::domain::licence::Held;
use passavant::domain::licence::Standing;
use passavant::domain::licence::Status;
use passavant::domain::lists::Lists;
use passavant::rules::Case;
use passavant::rules::Facts;
use passavant::rules::Outcome;
use passavant::rules::case::LicenceFact;
use passavant::rules::case::Lookup;
use passavant::wire;
use serde_json::Value;
use std::sync::Arc;

/// The lists that a new register starts with.
pub fn lists() -> Result<Lists, Failed> {
    let read = wire::lists::read(include_bytes!("../../data/lists.json"));
    Ok(read.map_err(|errors| format!("{errors:?}"))?)
}

/// A new licence as the register holds it.
pub fn held(document: &Value) -> Result<Held, Failed> {
    let sent: wire::licence::Licence = serde_json::from_value(document.clone())?;
    let licence = sent.read(1, "").map_err(|errors| format!("{errors:?}"))?;
    let drawn = licence.lines.iter().map(|line| Drawn { line: line.line, ..Drawn::default() });
    let standing =
        Standing { status: Status::Active, shipments: 0, decisions: 0, drawn: drawn.collect() };
    Ok(Held { licence: Arc::new(licence), standing })
}

/// The facts of a declaration that quotes a pair, whether the register has it or not.
pub fn facts(today: Date, pair: u32, known: bool) -> Result<Facts, Failed> {
    let mut licences = Vec::new();
    for document in workload::pair(today, pair) {
        let held = held(&document)?;
        let number = held.licence.number.clone();
        let lookup = if known { Lookup::Held(held) } else { Lookup::NotFound };
        licences.push(LicenceFact { number, lookup });
    }
    Ok(Facts { licences, data_age_ms: Some(0), history_available: true, ..Facts::default() })
}

/// A declaration as the rules read it.
pub fn declaration(text: &[u8]) -> Result<passavant::domain::declaration::Declaration, Failed> {
    let sent: wire::declaration::Declaration = serde_json::from_slice(text)?;
    Ok(sent.read("/declaration").map_err(|errors| format!("{errors:?}"))?)
}

/// The verdict of every body on a pair that the register has, or has not.
pub fn verdicts(
    bodies: &[Body],
    today: Date,
    now: Timestamp,
    known: bool,
) -> Result<Vec<Outcome>, Failed> {
    let (lists, facts) = (lists()?, facts(today, 0, known)?);
    let mut verdicts = Vec::with_capacity(bodies.len());
    for body in bodies {
        let declaration = declaration(&body.declaration(0))?;
        let verdict = passavant::rules::evaluate(&Case::new(&declaration, &facts, &lists, now));
        if known && (body.fit == Fit::Fits) != (verdict.outcome == Outcome::Clear) {
            return Err(format!("{:?}: {:?}", body.fit, verdict.findings).into());
        }
        verdicts.push(verdict.outcome);
    }
    Ok(verdicts)
}
