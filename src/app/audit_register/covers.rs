//! What has gone for export under import licences: under each line as much as the releases that stand have let go.
use super::Error;
use crate::storage;
use crate::storage::Db;
use crate::storage::covers::CoverRow;
use std::collections::BTreeMap;

/// Licences looked at at a time.
const PAGE: i64 = 200;

/// The first line under which more or less has gone than releases have let go.
pub(super) fn fault(db: &mut Db) -> Result<Option<String>, Error> {
    for numbers in [storage::covers::numbers, storage::covers::numbers_of_releases] {
        let mut after = String::new();
        loop {
            let (page, stand, sums) = storage::snapshot(db, |db| {
                let page = numbers(db, &after, PAGE)?;
                let of: Vec<&str> = page.iter().map(String::as_str).collect();
                let (stand, sums) =
                    (storage::covers::read(db, &of)?, storage::covers::sums(db, &of)?);
                Ok::<_, storage::Error>((page, stand, sums))
            })?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            if let Some(words) = differ(stand, sums) {
                return Ok(Some(words));
            }
        }
    }
    Ok(None)
}

fn differ(stand: Vec<CoverRow>, sums: Vec<CoverRow>) -> Option<String> {
    let mut both: BTreeMap<(String, i64, String), (i64, i64)> = BTreeMap::new();
    for row in stand {
        both.entry((row.licence, row.line, row.unit)).or_default().0 = row.quantity;
    }
    for row in sums {
        both.entry((row.licence, row.line, row.unit)).or_default().1 = row.quantity;
    }
    let found = both.into_iter().find(|(_, (stands, sum))| stands != sum);
    found.map(|((licence, line, unit), (stands, sum))| {
        format!(
            "licence {licence}: line {line}: {stands} {unit} are held to have gone for export, the releases that stand have let go {sum} (millionths)"
        )
    })
}
