//! What an officer looks at before acting: a recorded verdict read back, and what a release of it
//! would draw now. Nothing here is recorded; the release decides for itself.
use super::App;
use super::Caller;
use super::Error;
use super::draws::Drawing;
use super::draws::drawings;
use super::draws::drawings_as_far_as_they_go;
use super::foreign::Recent;
use super::journey;
use super::judge;
use super::judge::Presented;
use super::overriding;
use super::release::timestamp;
use super::release::uuid;
use crate::domain::Text;
use crate::domain::Timestamp;
use crate::domain::number;
use crate::rules::Case;
use crate::rules::Outcome;
use crate::rules::case::Facts;
use crate::rules::case::QuoteCase;
use crate::rules::overriding::overridden;
use crate::storage;
use crate::storage::Db;
use crate::storage::releases::UnderReference;
use crate::storage::verifications::VerificationRow;
use crate::wire::release::BeyondReply;
use crate::wire::release::DrawReply;
use crate::wire::verification::AuditReference;
use crate::wire::verification::FindingReply;
use crate::wire::verification::Verification;
use crate::wire::verification::instant;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// Verdicts of one reference that are looked through for one of the caller's posts.
const VERDICTS_MAX: i64 = 50;

/// A verdict as it was given, with the declaration that it was given on.
#[derive(Debug, Serialize)]
pub struct Seen {
    /// The verdict.
    pub verification: Verification,
    /// The post.
    pub border_post: String,
    /// The declaration.
    pub declaration: serde_json::Value,
    /// The same, byte for byte as it was sent: what another look at it must judge.
    #[serde(skip)]
    pub sent: String,
}

/// What a release would do now.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// `clear`, `refer` or `hold`, were it decided now.
    pub verdict: &'static str,
    /// Why not, where it would not clear.
    pub findings: Vec<FindingReply>,
    /// What it would draw, each with the balance that would be left.
    pub draws: Vec<DrawReply>,
}

/// A release that stands.
#[derive(Debug, Serialize)]
pub struct Released {
    /// Its identifier.
    pub id: String,
    /// The verification that it followed.
    pub verification: String,
    /// `released`, or `pending` where a second officer has to confirm it.
    pub status: String,
    /// Where.
    pub border_post: String,
    /// When, where it stands.
    pub released_at: Option<String>,
}

/// What a second officer is asked to consent to.
#[derive(Debug, Serialize)]
pub struct Consent {
    /// Who asks for it.
    pub asked_by: String,
    /// Whether that is who looks.
    pub is_own: bool,
    /// Whether, were it decided now, the request would answer for all that is found.
    pub answers: bool,
    /// What it would draw, each with the balance that would be left.
    pub draws: Vec<DrawReply>,
    /// What would leave without a licence that covers it.
    pub beyond: Vec<BeyondReply>,
}

/// A release whose goods have not left yet.
#[derive(Debug, Serialize)]
pub struct Leaving {
    /// Its identifier.
    pub id: String,
    /// The declaration's reference.
    pub declaration: String,
    /// Where.
    pub border_post: String,
    /// When.
    pub released_at: String,
}

/// A verdict as it is kept, with the log and the index of its entry.
pub(super) fn seen((row, log, index): (VerificationRow, String, i64)) -> Result<Seen, Error> {
    let broken = |error: serde_json::Error| Error::Internal(format!("a recorded reply: {error}"));
    let mut verification: Verification = serde_json::from_str(&row.reply).map_err(broken)?;
    let index = u64::try_from(index).unwrap_or_default();
    verification.audit = Some(AuditReference { log, index });
    let declaration = serde_json::from_str(&row.declaration).map_err(broken)?;
    let sent = row.declaration;
    Ok(Seen { verification, border_post: row.border_post, declaration, sent })
}

/// What is drawn, each with the balance that it leaves.
fn balances(case: &Case<'_>, drawings: &[Drawing]) -> Vec<DrawReply> {
    let mut draws: Vec<DrawReply> = Vec::new();
    for drawing in drawings {
        let quotes = case.items.iter().flat_map(|item| &item.quotes);
        let held =
            quotes.filter_map(QuoteCase::held).find(|held| held.licence.number == drawing.licence);
        let line = held.and_then(|held| Some((held, held.licence.line(drawing.line)?)));
        let Some((held, line)) = line else { continue };
        let mut balance = held.balance(line);
        let same = |draw: &&DrawReply| {
            drawing.licence == Text::from(draw.licence.as_str()) && draw.line == drawing.line
        };
        // A second item of the same line draws upon what the first one leaves.
        if let Some(before) = draws.iter().rfind(same) {
            let read = |text: &str| crate::domain::Quantity::parse(text).unwrap_or_default();
            balance.consumed = read(&before.balance.consumed);
            balance.available = read(&before.balance.available);
        }
        balance.consumed = balance.consumed.plus(drawing.quantity).unwrap_or_default();
        balance.available = balance.available.saturating_minus(drawing.quantity);
        draws.push(drawing.reply(line.unit, balance));
    }
    draws
}

impl App {
    /// A verdict given at one of the caller's posts.
    pub async fn verification(&self, caller: &Caller, id: Uuid) -> Result<Seen, Error> {
        seen(self.verification_row(caller, id).await?)
    }

    /// What a release of a verdict would draw now.
    pub async fn preview(&self, caller: &Caller, id: Uuid) -> Result<Preview, Error> {
        let (row, ..) = self.verification_row(caller, id).await?;
        let (presented, facts, now) = self.facts_now(caller, id, row.declaration).await?;
        let lists = Arc::clone(&self.lists.read());
        let verdict = judge::evaluate(&presented, &facts, &lists, now);
        let mut preview = Preview {
            verdict: verdict.outcome.as_str(),
            findings: verdict.findings.iter().map(FindingReply::from).collect(),
            draws: Vec::new(),
        };
        if verdict.outcome == Outcome::Clear {
            let case = Case::new(&presented.declaration, &facts, &lists, now);
            preview.draws = balances(&case, &drawings(&case)?);
        }
        Ok(preview)
    }

    /// What is known now of a declaration, and of what is held for its goods.
    async fn facts_now(
        &self,
        caller: &Caller,
        verification: Uuid,
        declaration: String,
    ) -> Result<(Arc<Presented>, Facts, Timestamp), Error> {
        let presented = Presented::read(declaration, "/declaration")?;
        let presented = Arc::new(self.with_registers(presented, Recent::Kept).await?);
        let now = self.clock.now();
        let mut facts = self.facts(&presented, caller.state, now).await;
        // What is held for these goods does not stand in their own way.
        let of =
            move |db: &mut Db| storage::preclearances::of_verification(db, verification.as_bytes());
        let under = self.readers.read(of).await?;
        self.leave_out_own(&mut facts, &presented, caller.state, under).await;
        Ok((presented, facts, now))
    }

    /// What an officer of the post is asked to consent to; nothing where nothing waits for one.
    pub async fn consent(&self, caller: &Caller, id: Uuid) -> Result<Option<Consent>, Error> {
        let read = move |db: &mut Db| {
            let Some(row) = storage::releases::read(db, id)? else { return Ok(None) };
            let against = storage::overrides::read(db, &row.id)?;
            Ok::<_, Error>(against.map(|against| (row, against)))
        };
        let found = self.readers.read(read).await?.filter(|(row, _)| {
            let here = caller.posts.iter().any(|post| post.as_str() == row.border_post);
            row.status == "pending" && row.state == caller.state.as_str() && here
        });
        let Some((row, against)) = found else { return Ok(None) };
        let verification = uuid(&row.verification_id)?;
        let (presented, facts, now) = self.facts_now(caller, verification, row.declaration).await?;
        let lists = Arc::clone(&self.lists.read());
        let verdict = judge::evaluate(&presented, &facts, &lists, now);
        let codes = overriding::reply(&against)?.codes;
        let answers = overridden(&verdict.findings)
            .is_some_and(|found| found.iter().all(|code| codes.iter().any(|c| c == code.as_str())));
        let case = Case::new(&presented.declaration, &facts, &lists, now);
        let (drawings, beyond) = drawings_as_far_as_they_go(&case)?;
        Ok(Some(Consent {
            asked_by: overriding::subject(&against.caller).to_owned(),
            is_own: overriding::is_same_person(caller, &against.caller),
            answers,
            draws: balances(&case, &drawings),
            beyond,
        }))
    }

    /// The releases of the caller's State under a consignment's reference whose goods have not left.
    pub async fn leaving_under(&self, caller: &Caller, ucr: &str) -> Result<Vec<Leaving>, Error> {
        let Ok(ucr) = number::plain(ucr) else { return Ok(Vec::new()) };
        let state = caller.state.to_string();
        let question = move |db: &mut Db| {
            let mut leaving = Vec::new();
            for of in journey::releases(db, &ucr)? {
                let is_ours = of.is_export() && of.row.state == state;
                if is_ours && storage::crossings::exit_of(db, &of.row.id)?.is_none() {
                    leaving.push(Leaving {
                        id: uuid(&of.row.id)?.to_string(),
                        declaration: of.row.reference,
                        border_post: of.row.border_post,
                        released_at: instant(timestamp(of.row.at_us)?),
                    });
                }
            }
            Ok::<_, Error>(leaving)
        };
        self.readers.read(question).await
    }

    /// A verdict's row with the place of its entry; one of another post or State is not there.
    pub(super) async fn verification_row(
        &self,
        caller: &Caller,
        id: Uuid,
    ) -> Result<(VerificationRow, String, i64), Error> {
        let found = self.readers.read(move |db| storage::verifications::entered(db, id)).await?;
        let posts = &caller.posts;
        let own = |row: &VerificationRow| {
            row.state == caller.state.as_str()
                && posts.iter().any(|post| post.as_str() == row.border_post)
        };
        found.filter(|(row, ..)| own(row)).ok_or(Error::NotFound)
    }

    /// The latest verdict given at one of the caller's posts under a consignment's reference, or the
    /// latest that did not clear under a declaration's.
    pub async fn last_verdict(&self, caller: &Caller, sought: &str) -> Result<Option<Uuid>, Error> {
        let (sought, state) = (sought.to_owned(), caller.state.to_string());
        let question =
            move |db: &mut Db| storage::consignments::verdicts(db, &sought, &state, VERDICTS_MAX);
        let found = self.readers.read(question).await?;
        let own = |post: &Option<String>| {
            caller.posts.iter().any(|own| Some(own.as_str()) == post.as_deref())
        };
        found.iter().find(|(_, post)| own(post)).map(|(id, _)| uuid(id)).transpose()
    }

    /// The latest verdict given at one of the caller's posts under a declaration's reference, whatever it
    /// was; one of long ago, under which nothing was released, is not found again.
    pub async fn last_verdict_of(
        &self,
        caller: &Caller,
        reference: &str,
    ) -> Result<Option<Uuid>, Error> {
        let Ok(reference) = number::plain(reference) else { return Ok(None) };
        let state = caller.state.to_string();
        let posts: Vec<String> = caller.posts.iter().map(ToString::to_string).collect();
        let question = move |db: &mut Db| {
            let of = (state.as_str(), posts.as_slice());
            let found = storage::verifications::with_text(db, of, &reference, VERDICTS_MAX)?;
            for (id, declaration) in &found {
                let Ok(declared) = Presented::read(declaration.clone(), "") else { continue };
                // What is only announced is presented under its code.
                let is_announced = storage::preclearances::read(db, id)?.is_some();
                if !is_announced && declared.declaration.reference.value == reference {
                    return Ok(Some(uuid(id)?));
                }
            }
            Ok::<_, Error>(None)
        };
        self.readers.read(question).await
    }

    /// The releases that stand or wait under a reference in the caller's State, the latest first.
    pub async fn released_under(
        &self,
        caller: &Caller,
        reference: &str,
    ) -> Result<Vec<Released>, Error> {
        let Ok(reference) = number::plain(reference) else { return Ok(Vec::new()) };
        let state = caller.state.to_string();
        let question =
            move |db: &mut Db| storage::releases::under_reference(db, &reference, &state);
        let found = self.readers.read(question).await?;
        let released = |(id, verification, status, post, at_us): &UnderReference| {
            let waits = status == "pending";
            let released_at = (!waits).then(|| timestamp(*at_us).map(instant)).transpose()?;
            Ok(Released {
                id: uuid(id)?.to_string(),
                verification: uuid(verification)?.to_string(),
                status: status.clone(),
                border_post: post.clone(),
                released_at,
            })
        };
        found.iter().map(released).collect()
    }
}
