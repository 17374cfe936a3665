//! Setting aside for a post that may be cut off: what the licence has left, firearms by their serials, and of a
//! licence for one shipment all of it or nothing.
use super::App;
use super::Caller;
use super::Error;
use super::allowances::done;
use super::allowances::enter;
use super::allowances::post_of;
use super::batch::Batch;
use super::book;
use super::claims::Claims;
use super::draws::Draw;
use super::licences::own;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::serials::EVERY_STATE;
use crate::cache::past::Trace;
use crate::domain::Locode;
use crate::domain::Quantity;
use crate::domain::Unit;
use crate::domain::goods::Category;
use crate::domain::licence::Licence;
use crate::domain::licence::LicenceUse;
use crate::domain::licence::Line;
use crate::domain::licence::Status;
use crate::domain::quantity::convert;
use crate::storage;
use crate::storage::Db;
use crate::storage::allowances::AllowanceLineRow;
use crate::storage::allowances::AllowanceRow;
use crate::storage::allowances::AllowanceSerialRow;
use crate::wire::FieldError;
use crate::wire::post::Wanted;
use crate::wire::post::WantedLine;

/// Most allowances of one post that nothing has come back of: so many that an audit entry names all of them.
const OPEN_MAX: usize = 200;

struct SetAside {
    post: Locode,
    wanted: Wanted,
    caller: Caller,
    once: Option<Once>,
}

impl Command for SetAside {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.licence(&self.wanted.licence);
        claims.name("post", self.post.as_str().as_bytes());
        for serial in self.wanted.lines.iter().flat_map(|line| &line.serials) {
            claims.firearm(serial);
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let entry = own(batch, &self.wanted.licence, &self.caller)?;
        self.may(batch, &entry)?;
        let id = batch.ids.uuid(batch.now).as_bytes().to_vec();
        let now_us = batch.now.as_microsecond();
        let row = AllowanceRow {
            id: id.clone(),
            border_post: self.post.to_string(),
            state: entry.held.licence.issuing_state.to_string(),
            licence_id: entry.id,
            licence: self.wanted.licence.to_string(),
            status: "set_aside".to_owned(),
            log: None,
            reason: None,
            actor: self.caller.key(),
            at_us: now_us,
            changed_us: now_us,
        };
        let (mut lines, mut serials) = (Vec::new(), Vec::new());
        for wanted in &self.wanted.lines {
            lines.push(AllowanceLineRow {
                allowance_id: id.clone(),
                line: i64::from(wanted.line),
                quantity: wanted.quantity.micros(),
                drawn: 0,
            });
            for serial in &wanted.serials {
                batch.note(Trace::Firearm(EVERY_STATE, serial.as_str()));
                serials.push(AllowanceSerialRow {
                    allowance_id: id.clone(),
                    border_post: row.border_post.clone(),
                    log: None,
                    licence: row.licence.clone(),
                    line: i64::from(wanted.line),
                    serial: serial.to_string(),
                });
            }
            batch.draw(&Draw {
                licence: &row.licence,
                line: wanted.line,
                kind: "allowance",
                hold: wanted.quantity,
                allowance_id: Some(&id),
                ..Draw::default()
            })?;
        }
        storage::allowances::insert(batch.db, &row, &lines, &serials)?;
        enter(batch, "allowance_set_aside", &row, Some(&self.caller))?;
        done(batch.db, &row, Done::Created)
    }
}

impl SetAside {
    /// Refuses what cannot be set aside for the post.
    fn may(&self, batch: &mut Batch<'_>, entry: &book::Entry) -> Result<(), Stop> {
        let (licence, standing) = (&entry.held.licence, &entry.held.standing);
        let post = batch.lists.posts.get(&self.post).map(|post| post.country);
        let country = post.ok_or(Error::NotFound)?;
        let named = [licence.issuing_state, licence.country_of_export, licence.country_of_import]
            .into_iter()
            .chain(licence.transit.iter().map(|transit| transit.country))
            .any(|state| state == country);
        let open = licence.border_posts.is_empty() || licence.border_posts.contains(&self.post);
        if !named || !open {
            let words = format!("{} does not lead over {}", licence.number, self.post);
            let error = FieldError::new("/licence", "not_this_post", words);
            return Err(Error::Invalid(vec![error]).into());
        }
        if standing.status != Status::Active {
            let words = format!("the licence is {}", standing.status.as_str());
            return Err(Error::Stale(words).into());
        }
        let mut errors = Vec::new();
        for (index, wanted) in self.wanted.lines.iter().enumerate() {
            fits(licence, wanted, index, &mut errors);
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors).into());
        }
        if storage::allowances::open_at(batch.db, self.post.as_str())?.len() >= OPEN_MAX {
            let words = format!("{OPEN_MAX} allowances are out at {} already", self.post);
            return Err(Error::Stale(words).into());
        }
        if licence.usage == LicenceUse::Single {
            self.takes_all(entry)?;
        }
        for wanted in &self.wanted.lines {
            let Some(line) = licence.line(wanted.line) else { continue };
            let available = entry.held.balance(line).available;
            if wanted.quantity > available {
                let words = format!(
                    "{} of line {} cannot be set aside: {available} {} are left",
                    wanted.quantity, line.line, line.unit
                );
                return Err(Error::Stale(words).into());
            }
        }
        self.nobody_has(batch)
    }

    /// A licence for one shipment is set aside as a whole, so that nobody else can have the shipment.
    fn takes_all(&self, entry: &book::Entry) -> Result<(), Error> {
        let held = &entry.held;
        let untouched = held.standing.shipments == 0
            && held.standing.drawn.iter().all(|of| of.reserved.is_zero() && of.consumed.is_zero());
        let all = held.licence.lines.iter().all(|line| {
            let wanted = self.wanted.lines.iter().find(|wanted| wanted.line == line.line);
            wanted.is_some_and(|wanted| wanted.quantity == line.quantity)
        });
        if untouched && all {
            return Ok(());
        }
        Err(Error::Stale(
            "the licence is for one shipment: all of every line is set aside for one post, or nothing"
                .to_owned(),
        ))
    }

    /// A firearm is set aside for one post.
    fn nobody_has(&self, batch: &mut Batch<'_>) -> Result<(), Stop> {
        let serials = self.wanted.lines.iter().flat_map(|line| &line.serials);
        let serials: Vec<String> = serials.map(ToString::to_string).collect();
        let taken = storage::allowances::set_aside(batch.db, &serials)?;
        // The same serial of another maker is another firearm; under the same licence it is not told apart.
        let taken = taken.iter().find(|row| row.licence == self.wanted.licence.as_str());
        match taken {
            None => Ok(()),
            Some(row) => {
                let words = format!("{} is set aside for {} already", row.serial, row.border_post);
                Err(Error::Stale(words).into())
            }
        }
    }
}

/// Whether a line can be set aside as it is asked for.
fn fits(licence: &Licence, wanted: &WantedLine, index: usize, errors: &mut Vec<FieldError>) {
    let at = |field: &str| format!("/lines/{index}/{field}");
    let Some(line) = licence.line(wanted.line) else {
        let words = format!("{} has no line {}", licence.number, wanted.line);
        errors.push(FieldError::new(at("line"), "no_such_line", words));
        return;
    };
    if line.category != Category::Firearm {
        if !wanted.serials.is_empty() {
            let words = "only firearms are set aside one by one";
            errors.push(FieldError::new(at("serials"), "not_a_firearm", words));
        }
        return;
    }
    let count = u32::try_from(wanted.serials.len()).unwrap_or(u32::MAX);
    if pieces(line, wanted.quantity) != Some(Quantity::whole(count)) {
        let words = format!(
            "{} {} of firearms are set aside by as many serials, {count} are named",
            wanted.quantity, line.unit
        );
        errors.push(FieldError::new(at("serials"), "count_differs", words));
    }
    if let Some(other) = wanted
        .serials
        .iter()
        .find(|serial| !line.serials.is_empty() && !line.serials.contains(serial))
    {
        let words = format!("{other} is not on line {} of {}", line.line, licence.number);
        errors.push(FieldError::new(at("serials"), "not_on_licence", words));
    }
}

fn pieces(line: &Line, quantity: Quantity) -> Option<Quantity> {
    convert(quantity, line.unit, None, Unit::C62)
}

impl App {
    /// Sets quantities and firearms of a licence aside for a post.
    pub async fn set_aside(
        &self,
        caller: &Caller,
        post: &str,
        wanted: Wanted,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let post = post_of(post)?;
        let command = SetAside { post, wanted, caller: caller.clone(), once };
        self.recorder.submit(Box::new(command)).await
    }
}
