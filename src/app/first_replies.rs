//! First replies under callers' keys: what an act led to, and what was decided against on the state of
//! things. A request that comes again under its key is told the same, so that an old retry never does
//! later what was refused. Form, permission, load and outages decide nothing and leave no trace.
use super::App;
use super::Error;
use super::batch::Batch;
use super::claims::Claims;
use super::judge::json;
use super::recorder::Command;
use super::recorder::Done;
use super::recorder::Once;
use super::recorder::Recorded;
use super::recorder::Stop;
use crate::domain::Timestamp;
use crate::storage;
use crate::storage::Db;
use crate::storage::idempotency::FirstReply;
use serde::Deserialize;
use std::collections::HashMap;

/// A first reply, and whether this batch has made it.
#[derive(Debug)]
struct Reply {
    first: FirstReply,
    is_new: bool,
}

/// The first replies that a batch knows.
#[derive(Debug, Default)]
pub(super) struct FirstReplies(HashMap<[u8; 32], Reply>);

impl FirstReplies {
    /// Reads those under keys.
    pub fn read(&mut self, db: &mut Db, keys: &[[u8; 32]]) -> storage::Result<()> {
        for first in storage::idempotency::read(db, keys)? {
            let digest = first.digest.as_slice().try_into();
            let digest =
                digest.map_err(|_e| storage::Error::Corrupt("a key's digest".to_owned()))?;
            self.0.insert(digest, Reply { first, is_new: false });
        }
        Ok(())
    }

    /// What a request led to when it came first, an error where it was refused.
    pub fn find(&self, once: &Once, digest: &[u8; 32]) -> Result<Option<Recorded>, Error> {
        let Some(Reply { first, .. }) = self.0.get(digest) else { return Ok(None) };
        if first.request_sha256 != once.request_sha256 {
            return Err(Error::KeyReused);
        }
        if let Some(outcome) = Done::parse(&first.outcome) {
            let (reply, version) = (first.reply.clone(), version(&first.reply));
            return Ok(Some(Recorded { outcome, reply, version }));
        }
        let unknown = || storage::Error::Corrupt(format!("the outcome of key {}", once.key));
        Err(refusal(&first.outcome, &first.reply).ok_or_else(unknown)?)
    }

    /// Keeps what a request has led to.
    pub fn keep(
        &mut self,
        (once, digest): (&Once, [u8; 32]),
        now: Timestamp,
        decided: &Result<Recorded, Stop>,
    ) -> Result<(), Error> {
        let kept = match decided {
            Ok(recorded) => Some((recorded.outcome.as_str(), recorded.reply.clone())),
            Err(Stop::Refuse(error)) => kept(error)?,
            Err(Stop::Broken(_)) => None,
        };
        let Some((outcome, reply)) = kept else { return Ok(()) };
        let first = FirstReply {
            place: storage::idempotency::place(&digest),
            digest: digest.to_vec(),
            request_sha256: once.request_sha256.to_vec(),
            outcome: outcome.to_owned(),
            reply,
            at_us: now.as_microsecond(),
        };
        self.0.insert(digest, Reply { first, is_new: true });
        Ok(())
    }

    /// Writes those that this batch has made.
    pub fn write(&mut self, db: &mut Db) -> storage::Result<()> {
        let replies = std::mem::take(&mut self.0).into_values().filter(|reply| reply.is_new);
        let replies: Vec<FirstReply> = replies.map(|reply| reply.first).collect();
        storage::idempotency::insert(db, &replies)
    }
}

/// The version that a first reply led to, for its `ETag`.
fn version(reply: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<u32>,
    }
    serde_json::from_str::<Versioned>(reply).ok()?.version
}

const NOT_FOUND: &str = "not_found";
const INVALID: &str = "invalid";
const CONFLICT: &str = "conflict";
const VERSION_MISMATCH: &str = "version_mismatch";

/// A refusal by the writer as it is kept, where it rests on the rows. Fields that it refuses are those
/// that do not go with what the rows say; their form was looked at before.
fn kept(error: &Error) -> Result<Option<(&'static str, String)>, Error> {
    Ok(match error {
        Error::NotFound => Some((NOT_FOUND, String::new())),
        Error::Invalid(errors) => Some((INVALID, json(errors)?)),
        Error::Stale(words) => Some((CONFLICT, words.clone())),
        Error::VersionMismatch(words) => Some((VERSION_MISMATCH, words.clone())),
        Error::Forbidden(_)
        | Error::Gone(_)
        | Error::KeyReused
        | Error::TooOften(..)
        | Error::Unavailable(_)
        | Error::Storage(_)
        | Error::Internal(_) => None,
    })
}

/// The refusal that was kept.
fn refusal(outcome: &str, reply: &str) -> Option<Error> {
    match outcome {
        NOT_FOUND => Some(Error::NotFound),
        INVALID => serde_json::from_str(reply).ok().map(Error::Invalid),
        CONFLICT => Some(Error::Stale(reply.to_owned())),
        VERSION_MISMATCH => Some(Error::VersionMismatch(reply.to_owned())),
        _ => None,
    }
}

/// A refusal for the state of things that was seen before the writer was asked.
struct Refused {
    words: String,
    once: Once,
}

impl Command for Refused {
    fn once(&self) -> Option<&Once> {
        Some(&self.once)
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, _: &mut Batch<'_>) -> Result<Recorded, Stop> {
        Err(Error::Stale(self.words.clone()).into())
    }
}

impl App {
    /// What a request came to when it came first under its key. For those that are turned away before anything
    /// is decided on: a key that was used for another request says so first.
    pub(super) async fn first_reply(&self, once: Option<&Once>) -> Result<Option<Recorded>, Error> {
        let Some(once) = once else { return Ok(None) };
        let digest = once.digest();
        let read = move |db: &mut Db| {
            let mut replies = FirstReplies::default();
            replies.read(db, &[digest])?;
            Ok::<_, storage::Error>(replies)
        };
        self.readers.read(read).await?.find(once, &digest)
    }

    /// Refuses a request for the state of things: under its key, where it has one, and only if nothing
    /// else stands there.
    pub(super) async fn refused(
        &self,
        words: String,
        once: Option<Once>,
    ) -> Result<Recorded, Error> {
        match once {
            None => Err(Error::Stale(words)),
            Some(once) => self.recorder.submit(Box::new(Refused { words, once })).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FieldError;

    #[test]
    fn what_is_kept_of_a_refusal_comes_back() {
        let field = FieldError::new("/lines/0/quantity", "below_used", "line 1 cannot fall to 2");
        let refusals = [
            Error::NotFound,
            Error::Invalid(vec![field]),
            Error::Stale("the licence is active".to_owned()),
            Error::VersionMismatch("the licence is at version 2".to_owned()),
        ];
        for error in refusals {
            let (outcome, reply) = kept(&error).unwrap().unwrap();
            assert_eq!(Done::parse(outcome), None, "no act is called {outcome}");
            let told = refusal(outcome, &reply).unwrap();
            assert_eq!(format!("{told:?}"), format!("{error:?}"));
        }
    }

    #[test]
    fn what_decides_nothing_is_not_kept() {
        let passing = [
            Error::Forbidden("not your post"),
            Error::TooOften("of late", 1),
            Error::Unavailable("the queue is full"),
            Error::KeyReused,
            Error::Internal("a defect".to_owned()),
        ];
        for error in passing {
            assert_eq!(kept(&error).unwrap(), None, "{error}");
        }
        assert!(refusal("done", "{}").is_none() && refusal(INVALID, "{").is_none());
    }
}
