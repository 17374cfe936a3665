//! Amendment and reversal of a release (UCC 173 and 174): what it draws is set to another figure,
//! or to nothing; the ledger and the trail keep what was.
use super::App;
use super::Caller;
use super::Error;
use super::again::Again;
use super::again::Own;
use super::again::decide_again;
use super::batch::Batch;
use super::cases;
use super::claims::Claims;
use super::draws::Goes;
use super::draws::move_draws;
use super::draws::serial_uses;
use super::earlier;
use super::foreign::Recent;
use super::gone::gone;
use super::gone::is_of_the_same_goods;
use super::journey::released;
use super::judge::Presented;
use super::presentation;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release;
use super::release::Act;
use super::release::enter;
use super::territory::Territory;
use super::verify::at_own_post;
use crate::domain::Text;
use crate::domain::alert::Outcome as End;
use crate::storage;
use crate::storage::Db;
use crate::storage::releases::DrawRow;
use crate::storage::releases::ReleaseRow;
use crate::wire::FieldError;
use crate::wire::field::ERRORS_MAX;
use uuid::Uuid;

/// The other figures, or none at all.
enum To {
    Nothing,
    Declaration(Box<Presented>),
}

struct Correction {
    id: Uuid,
    to: To,
    reason: Text,
    /// The version that the caller has seen, where it names one.
    if_match: Option<u32>,
    caller: Caller,
    once: Option<Once>,
}

impl Command for Correction {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("release", self.id.as_bytes());
        claims.name("deadline", self.id.to_string().as_bytes());
        claims.case(cases::request(self.id.as_bytes()));
        super::receipts::claim(db, self.id.as_bytes(), claims)?;
        super::covers::claim(db, self.id.as_bytes(), claims)?;
        // What another node makes of the release before its name is locked is seen when it is decided.
        if let Some(row) = storage::releases::read(db, self.id)? {
            if let Some(id) = storage::preclearances::of_verification(db, &row.verification_id)? {
                claims.name("preclearance", &id);
            }
            claims.name(&row.reference_kind, row.reference.as_bytes());
            let declaration = released(&row)?;
            // Its goods may be coming back, or in elsewhere, at this moment.
            claims.declaration(&declaration);
            claims.name("outward", row.reference.as_bytes());
            super::returns::claim(db, &declaration, claims)?;
            for draw in storage::releases::draws(db, &row.id)? {
                claims.licence(&Text::from(storage::licences::number(db, draw.licence_id)?));
            }
        }
        if let To::Declaration(presented) = &self.to {
            claims.declaration(&presented.declaration);
            claims.case(cases::goods(self.caller.state, presented));
            super::foreign::claim(&presented.foreign, claims);
            super::returns::claim(db, &presented.declaration, claims)?;
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let row = storage::releases::read(batch.db, self.id)?
            .filter(|row| row.state == self.caller.state.as_str());
        let row = row.ok_or(Error::NotFound)?;
        if !self.caller.posts.iter().any(|post| post.as_str() == row.border_post) {
            return Err(Error::Forbidden("your token is not for the post of this release").into());
        }
        Error::unless_seen("release", row.version, self.if_match)?;
        // An override that waits is taken back like a release; it cannot be set to other figures.
        let stands = match (row.status.as_str(), &self.to) {
            ("released", _) | ("pending", To::Nothing) => Ok(()),
            ("reversed", _) => Err("the release has been reversed"),
            ("expired", _) => Err("nobody confirmed the override in time"),
            _ => Err("the override waits for its confirmation"),
        };
        stands.map_err(|words| Error::Stale(words.to_owned()))?;
        let before = drawn_before(batch, &row)?;
        match &self.to {
            To::Nothing => {
                must_be_here(batch, &row)?;
                reverse(batch, row, &before, &self.caller, &self.reason)
            }
            To::Declaration(presented) => {
                amend(batch, row, &before, presented, &self.caller, &self.reason)
            }
        }
    }
}

/// Goods that are known to have gone cannot be taken as not shipped any more, nor as others.
fn must_be_here(batch: &mut Batch<'_>, row: &ReleaseRow) -> Result<(), Stop> {
    match gone(batch, row)? {
        Some(words) => Err(Error::Stale(words).into()),
        None => Ok(()),
    }
}

/// What a release draws now, with the licences read into the batch.
fn drawn_before(batch: &mut Batch<'_>, row: &ReleaseRow) -> Result<Vec<(Text, DrawRow)>, Stop> {
    let draws = storage::releases::draws(batch.db, &row.id)?;
    let mut numbers = Vec::new();
    for draw in &draws {
        let number = storage::licences::number(batch.db, draw.licence_id)?;
        numbers.push(Text::from(number));
    }
    batch.read_licences(&numbers)?;
    Ok(numbers.into_iter().zip(draws).collect())
}

fn reverse(
    batch: &mut Batch<'_>,
    mut row: ReleaseRow,
    before: &[(Text, DrawRow)],
    caller: &Caller,
    reason: &str,
) -> Result<Recorded, Stop> {
    let declaration = released(&row)?;
    let (state, own) = (caller.state, Some(release::uuid(&row.id)?));
    let territory = Territory::new(state, &batch.lists, batch.now);
    let earlier = earlier::earlier(batch.db, &declaration, &row.content_sha256, &territory, own)?;
    let beside = earlier::prior_uses(&earlier, &declaration, state);
    move_draws(batch, &row, "reversal", before, (&[], &beside))?;
    "reversed".clone_into(&mut row.status);
    row.version += 1;
    storage::releases::replace(batch.db, &row, &[])?;
    batch.uncover(&row)?;
    storage::serials::remove(batch.db, &row.id)?;
    presentation::reopen(batch, &row)?;
    super::due::reversed(batch, &row)?;
    let act = Act {
        kind: "reversal",
        row: &row,
        declaration: &declaration,
        caller,
        reason: Some(reason),
        outcome: Done::Done,
        against: None,
        joined: None,
    };
    let recorded = enter(batch, &act, &[])?;
    // What was asked for against the advice and is taken back is decided.
    cases::end(batch, &cases::request(&row.id), caller, End::Refused)?;
    Ok(recorded)
}

fn amend(
    batch: &mut Batch<'_>,
    mut row: ReleaseRow,
    before: &[(Text, DrawRow)],
    presented: &Presented,
    caller: &Caller,
    reason: &str,
) -> Result<Recorded, Stop> {
    same_declaration(&row, presented)?;
    if !is_of_the_same_goods(&released(&row)?, &presented.declaration) {
        must_be_here(batch, &row)?;
    }
    let id = release::uuid(&row.id)?;
    let draws: Vec<DrawRow> = before.iter().map(|(_, draw)| draw.clone()).collect();
    let own = Own { amended: Some((id, &draws)), ..Own::default() };
    let Goes { drawings, beside, covers } = match decide_again(batch, presented, caller, own)? {
        Again::Clears(goes) => goes,
        Again::Refused(refused) => return Ok(*refused),
    };
    row.version += 1;
    row.content_sha256 = presented.sha256().to_vec();
    row.items = release::items(&presented.declaration)?;
    row.outward = release::outward(batch, &presented.declaration)?;
    row.states = release::states(batch, &presented.declaration)?;
    let replaced = std::mem::replace(&mut row.declaration, presented.json.clone());
    let moved = move_draws(batch, &row, "release_amendment", before, (&drawings, &beside))?;
    storage::overrides::keep_declaration(batch.db, &row.id, &replaced)?;
    storage::releases::replace(batch.db, &row, &moved)?;
    batch.uncover(&row)?;
    batch.cover(&row, &covers)?;
    storage::serials::remove(batch.db, &row.id)?;
    batch.insert_serials(serial_uses(&row, &presented.declaration, &drawings))?;
    super::due::amended(batch, &row, &presented.declaration, caller.state)?;
    let act = Act {
        kind: "release_amendment",
        row: &row,
        declaration: &presented.declaration,
        caller,
        reason: Some(reason),
        outcome: Done::Done,
        against: None,
        joined: None,
    };
    enter(batch, &act, &drawings)
}

/// UCC 173: an amendment cannot make the declaration another one or apply it to other goods. Items may
/// be left out; none may be added or become goods of another class.
fn same_declaration(row: &ReleaseRow, presented: &Presented) -> Result<(), Error> {
    let (now, released) = (&presented.declaration, Presented::read(row.declaration.clone(), "")?);
    let before = &released.declaration;
    let mut errors = Vec::new();
    let mut other = |path: String, code: &str, detail: String| {
        errors.push(FieldError::new(format!("/declaration/{path}"), code, detail));
    };
    if now.reference != before.reference {
        let (kind, value) = (&row.reference_kind, &row.reference);
        other("reference".to_owned(), ANOTHER, format!("the release is of {kind} {value}"));
    }
    if now.movement != before.movement {
        let movement = before.movement.as_str();
        other("movement".to_owned(), ANOTHER, format!("the release is for {movement}"));
    }
    if now.border_post != before.border_post {
        let post = before.border_post;
        other("border_post".to_owned(), ANOTHER, format!("the release was made at {post}"));
    }
    for (index, item) in now.items.iter().enumerate() {
        match before.items.iter().find(|released| released.number == item.number) {
            Some(released) if released.category == item.category => {}
            Some(released) => {
                let (number, class) = (item.number, released.category.as_str());
                let detail = format!("item {number} was released as {class}");
                other(format!("items/{index}/category"), "other_goods", detail);
            }
            None => {
                let detail = format!("the release has no item {}", item.number);
                other(format!("items/{index}/item"), "other_goods", detail);
            }
        }
    }
    errors.truncate(ERRORS_MAX);
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

const ANOTHER: &str = "another_declaration";

impl App {
    /// Undoes a release: what it drew is available again.
    pub async fn reverse(
        &self,
        caller: &Caller,
        id: Uuid,
        reason: Text,
        if_match: Option<u32>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let (to, caller) = (To::Nothing, caller.clone());
        let command = Correction { id, to, reason, if_match, caller, once };
        self.recorder.submit(Box::new(command)).await
    }

    /// Sets a release to what the declaration should have said.
    pub async fn amend_release(
        &self,
        caller: &Caller,
        id: Uuid,
        declaration: String,
        reason: Text,
        if_match: Option<u32>,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let presented = Presented::read(declaration, "/declaration")?;
        if let Err(elsewhere) = at_own_post(caller, &presented.declaration) {
            if let Some(first) = self.first_reply(once.as_ref()).await? {
                return Ok(first);
            }
            // Of another State's release, a post is not told either.
            let row = self.readers.read(move |db| storage::releases::read(db, id)).await?;
            let is_own = row.is_some_and(|row| row.state == caller.state.as_str());
            return Err(if is_own { elsewhere } else { Error::NotFound });
        }
        let presented = self.with_registers(presented, Recent::Now).await?;
        let (to, caller) = (To::Declaration(Box::new(presented)), caller.clone());
        let command = Correction { id, to, reason, if_match, caller, once };
        self.recorder.submit(Box::new(command)).await
    }
}
