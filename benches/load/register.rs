//! Putting licences into the register, and looking afterwards whether everything is true that must be.
use crate::client::Failed;
use crate::service::Service;
use crate::workload;
use diesel::QueryableByName;
use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use passavant::domain::Date;
use passavant::storage;
use passavant::storage::Db;
use std::io::BufWriter;
use std::io::Write;
use std::time::Instant;

/// Beyond so many pairs the rest are copies, made in the database, of one that was imported.
const IMPORTED_MAX: u32 = 10_000;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count_of(db: &mut Db, sql: &str) -> Result<i64, Failed> {
    Ok(diesel::sql_query(sql).get_result::<Count>(db).map_err(|error| format!("{sql}: {error}"))?.n)
}

/// Imports pairs 0 to `pairs`, by the product's own command.
pub fn fill(service: &Service, today: Date, pairs: u32) -> Result<(), Failed> {
    let file = service.dir.join("licences.ndjson");
    let mut out = BufWriter::new(std::fs::File::create(&file)?);
    for number in 0..pairs.min(IMPORTED_MAX) {
        for document in workload::pair(today, number) {
            writeln!(out, "{document}")?;
        }
    }
    out.into_inner()?.sync_all()?;
    service.run(&["migrate"])?;
    let began = Instant::now();
    service.run(&["licence", "import", &file.display().to_string()])?;
    let imported = pairs.min(IMPORTED_MAX) * 2;
    eprintln!(
        "imported {imported} licences, {:.0}/s",
        f64::from(imported) / began.elapsed().as_secs_f64()
    );
    std::fs::remove_file(file)?;
    if pairs > IMPORTED_MAX {
        copy(service, pairs)?;
    }
    Ok(())
}

/// Copies pair 0 until there are `pairs`, in the tables themselves: rows as an import leaves them, but
/// without the entries of an import in the trail.
fn copy(service: &Service, pairs: u32) -> Result<(), Failed> {
    let mut db = service.database()?;
    if db.is_shared() {
        return Err(format!("at most {} licences on a server", u64::from(IMPORTED_MAX) * 2).into());
    }
    let began = Instant::now();
    let step = 250_000;
    let mut from = IMPORTED_MAX;
    while from < pairs {
        let to = pairs.min(from + step);
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {to}), \
             of(id, half, number, body) AS (SELECT id, id % 2, number, body FROM licence WHERE number IN ('{}00000000', '{}00000000'))",
            workload::EXPORT,
            workload::IMPORT
        );
        let id = "(1000000 + 2 * n.i + of.half)";
        let digits = "substr('00000000' || n.i, -8)";
        storage::transaction(&mut db, |db| {
            for sql in [
                format!(
                    "{numbers} INSERT INTO licence (id, number, issuing_state, country_of_export, country_of_import, status, \
                     version, shipments, body) SELECT {id}, replace(of.number, '00000000', {digits}), \
                     l.issuing_state, 'FR', 'KE', 'active', 1, 0, replace(of.body, '00000000', {digits}) \
                     FROM n CROSS JOIN of JOIN licence l ON l.id = of.id"
                ),
                format!(
                    "{numbers} INSERT INTO licence_line (licence_id, line, authorised, reserved, consumed) \
                     SELECT {id}, l.line, l.authorised, 0, 0 FROM n CROSS JOIN of JOIN licence_line l ON l.licence_id = of.id"
                ),
                format!(
                    "{numbers} INSERT INTO licence_version (licence_id, version, status, change, body, actor, at_us) \
                     SELECT {id}, 1, 'active', 'issue', replace(of.body, '00000000', {digits}), v.actor, v.at_us \
                     FROM n CROSS JOIN of JOIN licence_version v ON v.licence_id = of.id AND v.version = 1"
                ),
                format!(
                    "{numbers} INSERT INTO ledger (licence_id, line, kind, authorised, reserved, consumed, consumed_change, at_us) \
                     SELECT {id}, l.line, 'issue', l.authorised, 0, 0, 0, l.at_us \
                     FROM n CROSS JOIN of JOIN ledger l ON l.licence_id = of.id AND l.kind = 'issue'"
                ),
            ] {
                diesel::sql_query(sql).execute(db).map_err(storage::Error::from)?;
            }
            Ok::<_, storage::Error>(())
        })?;
        from = to;
        eprint!("\r{} licences", u64::from(to) * 2);
    }
    let copied = (pairs - IMPORTED_MAX) * 2;
    eprintln!(
        "\rcopied {copied} licences in SQL, {:.0}/s",
        f64::from(copied) / began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// What was acknowledged, to be found again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Acknowledged {
    /// Verdicts on verifications: clear, refer, hold.
    pub verdicts: [u64; 3],
    /// Releases.
    pub released: u64,
    /// Releases refused, which are verdicts as well.
    pub refused: u64,
    /// Acts that may have been done although nobody was told.
    pub in_flight: usize,
}

/// Checks what a stopped service has left behind; fails with the first thing that is not true.
pub fn check(service: &Service, acknowledged: &Acknowledged) -> Result<(), Failed> {
    let mut db = service.database()?;
    let unknown = u64::try_from(acknowledged.in_flight)?;
    let mut within = |what: &str, least: u64, sql: &str| -> Result<u64, Failed> {
        let found = u64::try_from(count_of(&mut db, sql)?)?;
        if (least..=least + unknown).contains(&found) {
            return Ok(found);
        }
        Err(format!("NOT HONEST: {what}: {found} found, {least} expected").into())
    };
    let [clear, refer, hold] = acknowledged.verdicts;
    let judged = clear + refer + hold + acknowledged.refused;
    let judged = within("durable verdicts", judged, "SELECT count(*) AS n FROM verification")?;
    within("cleared", clear, "SELECT count(*) AS n FROM verification WHERE outcome = 'clear'")?;
    let put_before_customs =
        "SELECT count(*) AS n FROM alert_event WHERE change IN ('raised', 'seen_again')";
    within("alerts", refer + hold + acknowledged.refused, put_before_customs)?;
    let standing = "SELECT count(*) AS n FROM release WHERE status = 'released'";
    within("durable releases", acknowledged.released, standing)?;
    let mut must = |what: &str, sql: &str| match count_of(&mut db, sql)? {
        0 => Ok(()),
        found => Err(Failed::from(format!("NOT HONEST: {found} {what}"))),
    };
    must(
        "lines over-drawn",
        "SELECT count(*) AS n FROM licence_line WHERE consumed + reserved > authorised OR consumed < 0",
    )?;
    must(
        "lines whose releases are not what is consumed",
        "SELECT count(*) AS n FROM licence_line l WHERE l.consumed <> coalesce((SELECT sum(d.drawn) FROM release_draw d \
         JOIN release r ON r.id = d.release_id AND r.status = 'released' \
         WHERE d.licence_id = l.licence_id AND d.line = l.line), 0) AND (l.consumed > 0 OR EXISTS \
         (SELECT 1 FROM release_draw d WHERE d.licence_id = l.licence_id AND d.line = l.line))",
    )?;
    must(
        "millionths between ledger and balances",
        "SELECT CAST((SELECT coalesce(sum(consumed), 0) FROM licence_line) - (SELECT coalesce(sum(consumed_change), 0) FROM ledger) AS BIGINT) AS n",
    )?;
    let said = service.run(&["audit", "verify"])?;
    let records = format!("{judged} records");
    if !said.contains("all fits") || !said.contains(&records) {
        return Err(format!("NOT HONEST: {records} expected: {said}").into());
    }
    eprintln!(
        "checked: {judged} verdicts durable ({clear} clear, {refer} refer, {hold} hold), {} releases; {}",
        acknowledged.released,
        said.trim()
    );
    Ok(())
}

/// Bytes on disk of the trail of verdicts: entries, tiles, checkpoints.
pub fn trail_bytes(service: &Service) -> Result<(i64, i64), Failed> {
    let mut db = service.database()?;
    let tables = "('log_entry', 'log_tile', 'checkpoint')";
    let bytes = count_of(
        &mut db,
        &format!(
            "SELECT coalesce(sum(pgsize), 0) AS n FROM dbstat WHERE name IN {tables} AND aggregate = 1"
        ),
    )?;
    Ok((bytes, count_of(&mut db, "SELECT coalesce(sum(size), 0) AS n FROM log")?))
}
