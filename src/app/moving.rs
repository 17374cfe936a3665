//! Moving an embedded database to a server. It has happened once the logs there have the very roots
//! that they have here; until then nothing of it stands.
use super::Error;
use super::audit_verify;
use super::audit_verify::LogReport;
use crate::storage;
use crate::storage::Db;

/// What was moved.
#[derive(Debug)]
pub struct Moved {
    /// The tables, and the rows of each.
    pub tables: Vec<(String, i64)>,
    /// The logs as they were walked on both sides.
    pub logs: Vec<LogReport>,
}

/// Copies everything and compares the logs' roots before it stands. Nobody else writes meanwhile.
pub fn copy(
    from: &mut Db,
    to: &mut Db,
    progress: impl FnMut(&str, i64, i64),
) -> Result<Moved, Error> {
    let lacks = storage::pending(to)?;
    if !lacks.is_empty() {
        let lacks = lacks.join(", ");
        return Err(Error::Internal(format!(
            "the server's database lacks {lacks}: run `passavant migrate` on it first"
        )));
    }
    storage::transaction(from, |from| {
        storage::transaction(to, |to| {
            let tables = storage::copy::copy(from, to, progress)?;
            let here = audit_verify::verify(from, |_, _| {})?;
            if let Some(unsound) = here.iter().find(|log| log.fault.is_some()) {
                let fault = unsound.fault.clone().unwrap_or_default();
                return Err(Error::Internal(format!("{}: {fault}", unsound.origin)));
            }
            let logs = audit_verify::verify(to, |_, _| {})?;
            if logs != here {
                let mut words =
                    "the logs there are not the logs here: nothing was copied".to_owned();
                if let Some(fault) = logs.iter().find_map(|log| log.fault.as_deref()) {
                    words = format!("{words}; {fault}");
                }
                return Err(Error::Internal(words));
            }
            Ok(Moved { tables, logs })
        })
    })
}
