//! A post that was cut off returns: the entries of its log join the logs here, byte for byte, in their order and
//! under its own signature; what it released is drawn from what was set aside for it; and what it has given up
//! comes back. Doing it again changes nothing.
mod known;
mod piece;

pub(super) use piece::Beside;
pub(super) use piece::Entry;
pub(super) use piece::Piece;
pub(super) use piece::Verdict;

use super::App;
use super::Caller;
use super::Error;
use super::Role;
use super::allowances::post_of;
use super::audit_log::load;
use super::batch::Batch;
use super::cases;
use super::claims::Claims;
use super::joined::Joining;
use super::judge::json;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use super::release::timestamp;
use super::release::uuid;
use super::timeline::country;
use crate::audit::Hash;
use crate::audit::checkpoint;
use crate::audit::tree::Frontier;
use crate::audit::tree::TileWrite;
use crate::domain::Locode;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::log::Append;
use crate::storage::packed::Dictionary;
use crate::storage::packed::Packed;
use crate::storage::posts::PostLogRow;
use crate::wire::FieldError;
use crate::wire::post::PostLogReply;
use crate::wire::post::PostReply;
use crate::wire::post::ReturnReply;
use crate::wire::post::ReturnRequest;
use crate::wire::verification::instant;

/// Who moves a post's log here: nobody but what comes from the post.
const OWNER: &str = "post";

struct Join {
    post: Locode,
    piece: Piece,
    caller: Caller,
    once: Option<Once>,
}

/// Entries up to a size that the post has signed.
struct Segment<'p> {
    entries: &'p [Entry],
    tiles: Vec<TileWrite>,
    note: &'p str,
    from: u64,
    to: u64,
}

impl Command for Join {
    fn once(&self) -> Option<&Once> {
        self.once.as_ref()
    }

    fn claims(&self, db: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("post", self.post.as_str().as_bytes());
        claims.name("post-log", self.piece.log.as_bytes());
        for row in storage::allowances::of_log(db, &self.piece.log)? {
            claims.licence(&row.licence.into());
        }
        for entry in &self.piece.entries {
            match &entry.beside {
                Beside::Verdict(verdict) => {
                    claims.case(cases::goods(self.caller.state, &verdict.presented));
                    claims.declaration(&verdict.presented.declaration);
                }
                Beside::Release { verification, .. } => {
                    if let Some(row) = storage::verifications::read(db, *verification)? {
                        let presented = super::judge::Presented::read(row.declaration, "")?;
                        claims.case(cases::goods(self.caller.state, &presented));
                        claims.declaration(&presented.declaration);
                    }
                }
                Beside::Nothing => {}
            }
        }
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let known = storage::posts::log(batch.db, &self.piece.log)?;
        let mut row = known
            .filter(|row| row.border_post == self.post.as_str())
            .filter(|row| row.state == self.caller.state.as_str())
            .ok_or(Error::NotFound)?;
        let joined = u64::try_from(row.joined).unwrap_or_default();
        let new = match self.beyond(batch, &row, joined)? {
            Ok(new) => new,
            Err(forked) => return Ok(forked),
        };
        let frontier = frontier(batch, &row)?;
        let Some(segments) = self.segments(&row, frontier, new)? else {
            return self.forked(batch, &row, joined);
        };
        let late = batch.now.as_microsecond() >= row.expires_us;
        let mut joining = Joining::new(&row, self.post, late)?;
        if !new.is_empty() {
            known::fits(batch, &row.log, new, self.piece.entries.len() - new.len())?;
            write(batch, &mut row, &segments)?;
            joining.log_id = row.log_id.unwrap_or_default();
            for (entry, index) in new.iter().zip(joined..) {
                joining.take(batch, entry, index).map_err(whole)?;
            }
        }
        let reply = ReturnReply {
            border_post: self.post.to_string(),
            log: row.log.clone(),
            joined: u64::try_from(row.joined).unwrap_or_default(),
            new: u64::try_from(new.len()).unwrap_or_default(),
            releases: joining.releases,
            conflicts: joining.conflicts,
            late: late && !new.is_empty(),
            returned: joining.returned,
        };
        Ok(Recorded { outcome: Done::Done, reply: json(&reply)?, version: None })
    }
}

/// Once something is written, what cannot be gone on with undoes all of it.
fn whole(stop: Stop) -> Stop {
    match stop {
        Stop::Refuse(error) => {
            Stop::Broken(storage::Error::Corrupt(format!("a post's return: {error}")))
        }
        broken @ Stop::Broken(_) => broken,
    }
}

fn frontier(batch: &mut Batch<'_>, row: &PostLogRow) -> Result<Frontier, Stop> {
    if row.log_id.is_none() {
        return Ok(Frontier::default());
    }
    let log = storage::log::locked(batch.db, &row.log)?;
    let log = log.ok_or_else(|| Error::Internal(format!("log {} is gone", row.log)))?;
    Ok(load(batch.db, &log)?)
}

/// Writes what is new as the post has signed it.
fn write(
    batch: &mut Batch<'_>,
    row: &mut PostLogRow,
    segments: &[Segment<'_>],
) -> Result<(), Stop> {
    let log_id = match row.log_id {
        Some(log_id) => log_id,
        None => storage::posts::open_log(batch.db, row, OWNER, batch.now)?,
    };
    for segment in segments {
        let packed = |entry: &Entry| Packed::bytes(&entry.bytes, Dictionary::Entry);
        let entries = segment.entries.iter().map(packed).collect::<storage::Result<Vec<_>>>()?;
        storage::log::append(
            batch.db,
            Append {
                log_id,
                owner: OWNER,
                from: segment.from,
                to: segment.to,
                entries,
                tiles: &segment.tiles,
                note: segment.note,
            },
        )?;
        row.joined = i64::try_from(segment.to).unwrap_or(i64::MAX);
    }
    row.log_id = Some(log_id);
    row.changed_us = batch.now.as_microsecond();
    Ok(storage::posts::put(batch.db, row)?)
}

impl Join {
    /// The entries that are new; what has joined before must be the same.
    fn beyond(
        &self,
        batch: &mut Batch<'_>,
        row: &PostLogRow,
        joined: u64,
    ) -> Result<Result<&[Entry], Recorded>, Stop> {
        let from = self.piece.from;
        if from > joined {
            let words = format!("{joined} entries of {} have joined; go on from there", row.log);
            return Err(Error::Stale(words).into());
        }
        let before = usize::try_from(joined - from).unwrap_or(usize::MAX);
        let (old, new) = self.piece.entries.split_at(before.min(self.piece.entries.len()));
        let log_id = row.log_id.unwrap_or_default();
        for (entry, index) in old.iter().zip(from..) {
            let stored = storage::log::entry(batch.db, log_id, index)?;
            if stored.as_ref() != Some(&entry.bytes) {
                return Ok(Err(self.forked(batch, row, index)?));
            }
        }
        Ok(Ok(new))
    }

    /// Grows the post's tree by what is new, from signed size to signed size; nothing where a size is signed that
    /// these entries do not lead to.
    fn segments<'p>(
        &'p self,
        row: &PostLogRow,
        mut frontier: Frontier,
        new: &'p [Entry],
    ) -> Result<Option<Vec<Segment<'p>>>, Stop> {
        let at = |place: usize, words: String| {
            let path = format!("/checkpoints/{place}");
            Stop::from(Error::Invalid(vec![FieldError::new(path, "not_of_this_log", words)]))
        };
        let (mut rest, mut segments) = (new, Vec::new());
        for (place, note) in self.piece.checkpoints.iter().enumerate() {
            let (size, root) = checkpoint::verify(note, &row.verifier_key)
                .map_err(|error| at(place, error.to_string()))?;
            let from = frontier.size();
            let Some(count) = size.checked_sub(from).filter(|count| *count > 0) else { continue };
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let Some((entries, after)) = rest.split_at_checked(count) else {
                return Err(at(place, format!("it is of {size} entries, which are not here")));
            };
            let leaves: Vec<Hash> = entries.iter().map(|entry| entry.leaf).collect();
            let tiles = frontier.append(&leaves);
            if frontier.root() != root {
                return Ok(None);
            }
            segments.push(Segment { entries, tiles, note, from, to: size });
            rest = after;
        }
        if rest.is_empty() {
            return Ok(Some(segments));
        }
        Err(at(self.piece.checkpoints.len(), "no checkpoint is of the last entry".to_owned()))
    }

    /// The post's key has signed another history than has joined, or the entries were altered on their way:
    /// nothing joins, and the authority of the post's State is told.
    fn forked(
        &self,
        batch: &mut Batch<'_>,
        row: &PostLogRow,
        index: u64,
    ) -> Result<Recorded, Stop> {
        let words = format!(
            "the entries of {} from {index} on are not those that its key has signed after what has joined",
            row.log
        );
        batch.raise(&NewAlert {
            kind: Kind::PostReturn,
            to: Addressee::Authority(country(&row.state)?, Some(self.post)),
            severity: Severity::Hold,
            about: About::default(),
            codes: vec!["POST_LOG_DIFFERS"],
            message: Some(words.clone()),
        })?;
        Ok(Recorded { outcome: Done::Refused, reply: words, version: None })
    }
}

impl App {
    /// Lets a post's log join.
    pub async fn join_post(
        &self,
        caller: &Caller,
        post: &str,
        sent: ReturnRequest,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        let post = post_of(post)?;
        if !caller.works_at(post) {
            return Err(Error::NotFound);
        }
        let piece = Piece::read(sent)?;
        let command = Join { post, piece, caller: caller.clone(), once };
        let recorded = self.recorder.submit(Box::new(command)).await?;
        match recorded.outcome {
            Done::Refused => Err(Error::Stale(recorded.reply)),
            Done::Done | Done::Created => Ok(recorded),
        }
    }

    /// A post as the register knows it: for its officers, and for its State's authority.
    pub async fn post(&self, caller: &Caller, post: &str) -> Result<PostReply, Error> {
        let post = post_of(post)?;
        let registered = self.lists.read().posts.get(&post).map(|post| post.country);
        let may = match caller.role {
            Role::Officer => caller.works_at(post),
            Role::Authority => registered == Some(caller.state),
            Role::Carrier | Role::Auditor | Role::Admin | Role::Register => false,
        };
        if !may {
            return Err(Error::NotFound);
        }
        let read = move |db: &mut Db| storage::posts::logs(db, post.as_str());
        let (rows, now) = (self.readers.read(read).await?, self.clock.now());
        let log = |row: PostLogRow| {
            Ok(PostLogReply {
                log: row.log,
                key: row.verifier_key,
                joined: u64::try_from(row.joined).unwrap_or_default(),
                snapshot: uuid(&row.snapshot)?.to_string(),
                ends_at: instant(timestamp(row.expires_us)?),
                has_ended: row.expires_us <= now.as_microsecond(),
            })
        };
        let logs = rows.into_iter().map(log).collect::<Result<_, Error>>()?;
        Ok(PostReply { border_post: post.to_string(), logs })
    }
}
