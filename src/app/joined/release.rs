//! A release that a post made while it was cut off: the goods have gone, so it is booked whatever is known by
//! now. It draws what was set aside for it, it is judged again on the rows, and what does not fit is put before
//! the post and the authorities.
use super::Joining;
use crate::app::Caller;
use crate::app::Error;
use crate::app::again::Own;
use crate::app::again::facts_on_rows;
use crate::app::again::judged;
use crate::app::allowances::figure;
use crate::app::allowances::left;
use crate::app::batch::Batch;
use crate::app::cases;
use crate::app::draws::Draw;
use crate::app::draws::Drawing;
use crate::app::draws::move_draws;
use crate::app::draws::serial_uses;
use crate::app::judge::Presented;
use crate::app::presentation;
use crate::app::recorder::Done;
use crate::app::recorder::Stop;
use crate::app::release::Act;
use crate::app::release::Joined;
use crate::app::release::enter;
use crate::app::release::first_row;
use crate::app::reservation::Reserved;
use crate::domain::Quantity;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Outcome as End;
use crate::domain::alert::Severity;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::Verdict;
use crate::rules::case::PriorUse;
use crate::rules::cover;
use crate::rules::cover::CoverFact;
use crate::storage;
use crate::storage::allowances::AllowanceLineRow;
use crate::storage::allowances::AllowanceRow;
use crate::storage::releases::ReleaseRow;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// A release as a post has made it.
pub(super) struct Made<'a> {
    pub id: Uuid,
    pub verification: Uuid,
    pub caller: Caller,
    pub draws: &'a [Drawing],
    pub at: Timestamp,
    /// The entry's index in the post's log, and that of the one here for it.
    pub place: (u64, u64),
}

/// What a release takes from what was set aside.
struct Taken {
    allowance: AllowanceRow,
    line: AllowanceLineRow,
    quantity: Quantity,
}

impl Joining {
    /// Books a release.
    pub(super) fn release(&mut self, batch: &mut Batch<'_>, made: &Made<'_>) -> Result<(), Stop> {
        let missing = || Error::Internal(format!("release {} without its verdict", made.id));
        let kept = storage::verifications::read(batch.db, made.verification)?;
        let kept = kept.ok_or_else(missing)?;
        let presented = Presented::read(kept.declaration, "/declaration")?;
        if storage::releases::read(batch.db, made.id)?.is_some() {
            return Err(Error::Internal(format!("release {} is there already", made.id)).into());
        }
        batch.read_licences(&presented.declaration.licence_numbers())?;
        let taken = self.set_aside_for(batch, made)?;
        let held = presentation::read(batch, None, &presented, self.state)?;
        let (verdict, beside, covers) =
            self.judge(batch, made, &presented, &taken, held.own().reserved)?;
        let of = made.verification.as_bytes();
        let row = first_row(batch, &presented, &made.caller, of, (made.id, made.at))?;
        batch.insert_release(&row)?;
        free(batch, &row, &taken)?;
        held.take_over(batch, &row.id, &made.caller)?;
        let (drawings, beyond) = within(batch, made.draws);
        let moves = move_draws(batch, &row, "release", &[], (&drawings, &beside))?;
        batch.insert_draws(moves)?;
        batch.cover(&row, &covers)?;
        let uses = serial_uses(&row, &presented.declaration, &drawings);
        let serials: Vec<String> = uses.iter().map(|of| of.serial.clone()).collect();
        batch.insert_serials(uses)?;
        storage::allowances::free_released(batch.db, &self.log, &serials)?;
        crate::app::due::released(batch, &row, &presented.declaration, self.state)?;
        let joined =
            Joined { log: self.log.clone(), index: made.place.0, released_at: made.at.to_string() };
        let act = Act {
            kind: "release",
            row: &row,
            declaration: &presented.declaration,
            caller: &made.caller,
            reason: None,
            outcome: Done::Created,
            against: None,
            joined: Some(&joined),
        };
        enter(batch, &act, &drawings)?;
        if verdict.outcome == Outcome::Clear && beyond.is_empty() {
            let goods = cases::goods(self.state, &presented);
            return cases::end(batch, &goods, &made.caller, End::ReleasedAfterCheck);
        }
        self.conflicts += 1;
        self.tell(batch, made, &presented, &verdict, &beyond)
    }

    /// What the release takes of what was set aside for its post, allowance by allowance.
    fn set_aside_for(&self, batch: &mut Batch<'_>, made: &Made<'_>) -> Result<Vec<Taken>, Stop> {
        let mut wanted: BTreeMap<(Text, u32), Quantity> = BTreeMap::new();
        for draw in made.draws {
            let sum = wanted.entry((draw.licence.clone(), draw.line)).or_default();
            *sum = sum.plus(draw.quantity).unwrap_or(Quantity::MAX);
        }
        let mut taken = Vec::new();
        for allowance in storage::allowances::of_log(batch.db, &self.log)? {
            for line in storage::allowances::lines(batch.db, &allowance.id)? {
                let number = u32::try_from(line.line).unwrap_or_default();
                let licence = Text::from(allowance.licence.as_str());
                let Some(rest) = wanted.get_mut(&(licence, number)) else { continue };
                let quantity = left(&line).min(*rest);
                if quantity.is_zero() {
                    continue;
                }
                *rest = rest.saturating_minus(quantity);
                taken.push(Taken { allowance: allowance.clone(), line, quantity });
            }
        }
        Ok(taken)
    }

    /// Judges the release on the rows as they are now, without what was set aside for it; gives the releases
    /// beside it too, and what it lets go under import licences.
    fn judge(
        &self,
        batch: &mut Batch<'_>,
        made: &Made<'_>,
        presented: &Presented,
        taken: &[Taken],
        announced: &[Reserved],
    ) -> Result<(Verdict, Vec<PriorUse>, Vec<CoverFact>), Stop> {
        let reserved: Vec<Reserved> = taken
            .iter()
            .filter(|of| of.allowance.status != "lost")
            .map(|of| Reserved {
                licence: of.allowance.licence.as_str().into(),
                line: u32::try_from(of.line.line).unwrap_or_default(),
                quantity: of.quantity,
            })
            .chain(announced.iter().cloned())
            .collect();
        let own = Own { reserved: &reserved, ..Own::default() };
        let mut facts = facts_on_rows(batch, presented, self.state, own)?;
        facts.set_aside.retain(|of| of.post.as_str() != self.post.as_str());
        // A licence for one shipment was set aside for the post as a whole, and what it left of it is not another's.
        facts.spoken_for.retain(|of| taken.iter().all(|own| own.allowance.licence != of.as_str()));
        let lists = Arc::clone(&batch.lists);
        let case = Case::new(&presented.declaration, &facts, &lists, batch.now);
        let verdict = crate::rules::evaluate(&case);
        if verdict.outcome != Outcome::Clear {
            judged(batch, "release_review", presented, &made.caller, &facts, verdict.clone())?;
        }
        let covers = cover::of_goods(&case);
        Ok((verdict, facts.prior_uses, covers))
    }

    /// Puts before the authorities concerned that goods have gone that would not be released by now.
    fn tell(
        &self,
        batch: &mut Batch<'_>,
        made: &Made<'_>,
        presented: &Presented,
        verdict: &Verdict,
        beyond: &[String],
    ) -> Result<(), Stop> {
        let numbers = presented.declaration.licence_numbers();
        let quoted = numbers.iter().filter_map(|number| batch.licence(number));
        let mut to: Vec<_> = quoted.map(|entry| entry.held.licence.issuing_state).collect();
        to.push(self.state);
        to.sort_unstable();
        to.dedup();
        let mut codes: Vec<&'static str> =
            verdict.findings.iter().map(|finding| finding.code.as_str()).collect();
        codes.dedup();
        let mut words = format!("released at {} while it was cut off", self.post);
        for beyond in beyond {
            words.push_str("; ");
            words.push_str(beyond);
        }
        let severity = match verdict.outcome {
            Outcome::Clear | Outcome::Hold => Severity::Hold,
            Outcome::Refer => Severity::Refer,
        };
        for state in to {
            batch.raise(&NewAlert {
                kind: Kind::PostReturn,
                to: Addressee::Authority(state, Some(self.post)),
                severity,
                about: About {
                    release: Some(made.id),
                    verification: Some(made.verification),
                    ucr: presented.declaration.ucr.as_ref().map(ToString::to_string),
                    declaration: Some(presented.declaration.reference.value.to_string()),
                    ..About::default()
                },
                codes: codes.clone(),
                message: Some(words.clone()),
            })?;
        }
        Ok(())
    }
}

/// Frees what the release takes of what was set aside; of what was given up for lost, it is found again.
fn free(batch: &mut Batch<'_>, row: &ReleaseRow, taken: &[Taken]) -> Result<(), Stop> {
    for of in taken {
        let was_lost = of.allowance.status == "lost";
        let nothing = Quantity::ZERO;
        batch.draw(&Draw {
            licence: &of.allowance.licence,
            line: u32::try_from(of.line.line).unwrap_or_default(),
            kind: "allowance_drawn",
            give_back: if was_lost { of.quantity } else { nothing },
            free: if was_lost { nothing } else { of.quantity },
            release_id: Some(&row.id),
            allowance_id: Some(&of.allowance.id),
            ..Draw::default()
        })?;
        let drawn = figure(of.line.drawn).plus(of.quantity).unwrap_or(Quantity::MAX);
        let line = AllowanceLineRow { drawn: drawn.micros(), ..of.line.clone() };
        storage::allowances::update_drawn(batch.db, &line)?;
    }
    Ok(())
}

/// What the release draws, never more than a line has left; and what went beyond that, in words.
fn within(batch: &Batch<'_>, draws: &[Drawing]) -> (Vec<Drawing>, Vec<String>) {
    let mut left: BTreeMap<(Text, u32), Quantity> = BTreeMap::new();
    let (mut drawings, mut beyond) = (Vec::new(), Vec::new());
    for draw in draws {
        let entry = batch.licence(&draw.licence);
        let line = entry.and_then(|entry| Some((entry, entry.held.licence.line(draw.line)?)));
        let Some((entry, line)) = line else {
            let words = format!("line {} of {} is not there", draw.line, draw.licence);
            beyond.push(words);
            continue;
        };
        let key = (draw.licence.clone(), draw.line);
        let rest = left.entry(key).or_insert_with(|| {
            let drawn = entry.held.standing.of(draw.line);
            line.quantity.saturating_minus(drawn.consumed).saturating_minus(drawn.reserved)
        });
        let quantity = draw.quantity.min(*rest);
        *rest = rest.saturating_minus(quantity);
        if quantity < draw.quantity {
            beyond.push(format!(
                "{} of line {} of {} went beyond its balance",
                draw.quantity.saturating_minus(quantity),
                draw.line,
                draw.licence
            ));
        }
        let (item, licence, line) = (draw.item, draw.licence.clone(), draw.line);
        drawings.push(Drawing { item, licence, line, quantity });
    }
    (drawings, beyond)
}
