//! What is due on goods held: customs inform the authority, the authority decides. Whatever is
//! decided or left undecided, only an officer releases.
use super::batch::Batch;
use super::recorder::Stop;
use super::release::uuid;
use crate::domain::alert::Outcome;
use crate::domain::deadline::Kind;
use crate::storage::alerts::AlertRow;

/// What is due on an alert.
const DUE: [Kind; 3] = [Kind::CustomsNotice, Kind::DecisionOnDoubt, Kind::DecisionOnBreach];

/// An alert is resolved: nothing is due on it any more.
pub(super) fn close(batch: &mut Batch<'_>, row: &AlertRow, _: Outcome) -> Result<(), Stop> {
    let subject = uuid(&row.id)?.to_string();
    for kind in DUE {
        batch.settle_deadline(kind, &subject)?;
    }
    Ok(())
}
