//! What an arrival shows, in words and on the wire, and to whom it is told where it does not agree.
use super::Error;
use super::batch::Batch;
use super::recorder::Stop;
use super::release::uuid;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::domain::serial::Serial;
use crate::rules;
use crate::rules::receipt::Compared;
use crate::rules::receipt::Lot;
use crate::rules::receipt::Tally;
use crate::rules::receipt::compare;
use crate::storage::arrivals::ArrivalRow;
use crate::storage::crossings::CrossingRow;
use crate::storage::receipts::ReceiptRow;
use crate::wire::arrival::Arrival;
use crate::wire::arrival::ComparedItem;
use crate::wire::arrival::Reconciled;
use crate::wire::arrival::StrangeGoods;

/// Puts a mismatch before everyone concerned.
pub(super) fn mismatch(
    batch: &mut Batch<'_>,
    to: &[Addressee],
    severity: rules::Severity,
    about: &About,
    words: &str,
) -> Result<(), Stop> {
    for to in to {
        batch.raise(&NewAlert {
            kind: Kind::ReceiptMismatch,
            to: *to,
            severity: match severity {
                rules::Severity::Block => Severity::Hold,
                rules::Severity::Refer => Severity::Refer,
                rules::Severity::Inform => Severity::Inform,
            },
            about: about.clone(),
            codes: vec!["RECEIPT_MISMATCH"],
            message: Some(words.to_owned()),
        })?;
    }
    Ok(())
}

/// What does not agree, in figures.
pub(super) fn words(items: &[Compared], tally: &Tally) -> String {
    const ITEMS_MAX: usize = 5;
    let mut words: Vec<String> = items
        .iter()
        .filter(|item| item.turnout.severity().is_some())
        .take(ITEMS_MAX)
        .map(|item| {
            format!(
                "item {}: {} {} left, {} arrived, {} serials missing, {} unknown, {} not read",
                item.item,
                item.left,
                item.unit,
                item.arrived,
                item.missing.len(),
                item.unknown.len(),
                item.unread
            )
        })
        .collect();
    if !tally.strange.is_empty() {
        words.push(format!("{} entries belong to nothing that left", tally.strange.len()));
    }
    words.join("; ")
}

/// An arrival seen as the crossing that it is.
pub(super) fn as_crossing(row: &ArrivalRow, arrival: &Arrival) -> CrossingRow {
    CrossingRow {
        id: row.id.clone(),
        direction: "entry".to_owned(),
        state: row.state.clone(),
        border_post: row.border_post.clone(),
        ucr: row.ucr.clone(),
        release_id: None,
        vehicle: arrival.vehicle.as_ref().map(ToString::to_string),
        seals: "[]".to_owned(),
        happened_us: row.happened_us,
        caller: row.caller.clone(),
        at_us: row.at_us,
    }
}

/// What has arrived of a receipt's goods, on the wire.
pub(super) fn reconciled(row: &ReceiptRow, lot: &Lot<'_>) -> Result<Reconciled, Error> {
    let texts = |serials: &[Serial]| serials.iter().map(ToString::to_string).collect();
    let items = compare(lot).1.into_iter().map(|item| ComparedItem {
        item: item.item,
        left: item.left.to_string(),
        arrived: item.arrived.to_string(),
        unit: item.unit.to_string(),
        result: item.turnout.as_str().to_owned(),
        missing: texts(&item.missing),
        unknown: texts(&item.unknown),
        unread: item.unread,
    });
    let strange = lot.tally.strange.iter().map(|strange| StrangeGoods {
        category: strange.category.as_str().to_owned(),
        quantity: strange.quantity.to_string(),
        unit: strange.unit.to_string(),
        serials: texts(&strange.serials),
        reason: strange.reason.as_str().to_owned(),
    });
    Ok(Reconciled {
        receipt: uuid(&row.id)?.to_string(),
        declaration: row.reference.clone(),
        exit_confirmed: row.left_us.is_some(),
        result: row.result.clone(),
        items: items.collect(),
        strange: strange.collect(),
    })
}
