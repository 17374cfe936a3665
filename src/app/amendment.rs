//! Amending a licence: what was consumed stays consumed, and every version is kept.
use super::Caller;
use super::Error;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::licences::Change;
use super::licences::Document;
use super::licences::enter;
use super::licences::matches_version;
use super::licences::must_be_issuable;
use super::licences::own;
use super::licences::write_lines;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::licence::Drawn;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::domain::licence::LicenceUse;
use crate::domain::licence::Status;
use crate::storage;
use crate::storage::Db;
use crate::storage::licence_versions::LicenceVersion;
use crate::wire::FieldError;

/// A licence's next version, for whoever has seen the present one.
pub(super) struct Amend {
    pub document: Document,
    pub if_match: u32,
    pub caller: Caller,
    pub once: Option<Once>,
}

impl Command for Amend {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.licence(&self.document.licence().number);
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let number = self.document.licence().number.clone();
        let mut entry = own(batch, &number, &self.caller)?;
        matches_version(&entry, self.if_match)?;
        let status = entry.held.standing.status;
        if !matches!(status, Status::Active | Status::Suspended | Status::Superseded) {
            return Err(Error::Stale(format!(
                "a licence that is {} cannot be amended",
                status.as_str()
            ))
            .into());
        }
        no_shipment_is_out(batch, &entry)?;
        let drawn = carried_over(&entry.held, self.document.licence())?;
        must_be_issuable(batch, self.document.licence())?;
        let (body, licence) = self.document.clone().version(entry.held.licence.version + 1);
        let status = licence.standing_after(Some(status));
        let version = LicenceVersion {
            version: licence.version,
            status,
            change: "amendment",
            reason: None,
            body: Some(&body),
            actor: &self.caller.key(),
            at: batch.now,
        };
        storage::licence_versions::update(batch.db, entry.id, &version)?;
        let kept: Vec<i64> = licence.lines.iter().map(|line| i64::from(line.line)).collect();
        storage::licences::remove_lines_except(batch.db, entry.id, &kept)?;
        write_lines(batch, entry.id, &licence, &drawn, "amendment")?;
        entry.body = body;
        entry.held.licence = licence;
        entry.held.standing.drawn = drawn;
        entry.held.standing.status = status;
        entry.held.standing.decisions = 0;
        let change = Change { caller: &self.caller, change: "amendment", reason: None };
        enter(batch, entry, &change, Done::Done)
    }
}

/// A licence for one shipment that a post was given as a whole has nothing left that could be another's.
fn no_shipment_is_out(batch: &mut Batch<'_>, entry: &book::Entry) -> Result<(), Stop> {
    if entry.held.licence.usage != LicenceUse::Single {
        return Ok(());
    }
    match storage::allowances::open_on(batch.db, entry.id)?.first() {
        None => Ok(()),
        Some(row) => {
            let words = format!("its one shipment is set aside for {}", row.border_post);
            Err(Error::Stale(words).into())
        }
    }
}

/// What was drawn stays drawn: a line cannot fall below it, change its unit or go while it is used.
fn carried_over(held: &Held, amended: &Licence) -> Result<Box<[Drawn]>, Error> {
    let mut errors = Vec::new();
    let old = &held.licence;
    if (amended.kind, amended.issuing_state) != (old.kind, old.issuing_state) {
        errors.push(FieldError::new(
            "/kind",
            "not_amendable",
            "kind and issuing State of a licence never change",
        ));
    }
    for line in &*old.lines {
        let drawn = held.standing.of(line.line);
        let used = drawn.consumed.plus(drawn.reserved).unwrap_or(drawn.consumed);
        let index = amended.lines.iter().position(|other| other.line == line.line);
        let now = index.and_then(|index| Some((index, amended.lines.get(index)?)));
        match now {
            _ if used.is_zero() => {}
            None => errors.push(FieldError::new(
                "/lines",
                "line_in_use",
                format!("line {} cannot go: {used} {} of it are used", line.line, line.unit),
            )),
            Some((index, now)) if now.unit != line.unit || now.category != line.category => {
                let fields =
                    [("unit", now.unit != line.unit), ("category", now.category != line.category)];
                errors.extend(fields.into_iter().filter(|(_, differs)| *differs).map(
                    |(field, _)| {
                        let path = format!("/lines/{index}/{field}");
                        let words = format!(
                            "{field} of line {} cannot change: it has been drawn upon",
                            line.line
                        );
                        FieldError::new(path, "line_in_use", words)
                    },
                ));
            }
            Some((index, now)) if now.quantity < used => errors.push(FieldError::new(
                format!("/lines/{index}/quantity"),
                "below_used",
                format!("line {} cannot fall to {}: {used} are used", line.line, now.quantity),
            )),
            Some(_) => {}
        }
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    Ok(amended.lines.iter().map(|line| held.standing.of(line.line)).collect())
}
