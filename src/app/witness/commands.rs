//! What is written of witnesses: how far another log was cosigned, cosignatures received, and that too few
//! came.
use crate::app::batch::Batch;
use crate::app::claims::Claims;
use crate::app::recorder::Command;
use crate::app::recorder::Done;
use crate::app::recorder::Once;
use crate::app::recorder::Recorded;
use crate::app::recorder::Stop;
use crate::domain::Country;
use crate::domain::alert::About;
use crate::domain::alert::Addressee;
use crate::domain::alert::Kind;
use crate::domain::alert::NewAlert;
use crate::domain::alert::Severity;
use crate::storage;
use crate::storage::Db;
use crate::storage::witness::CosignatureRow;

/// A checkpoint of another log on its way to be cosigned: sizes and roots are decided on in the writer's
/// transaction, so that of two that race one goes back on nothing.
pub(super) struct See {
    pub origin: String,
    pub old: u64,
    pub size: u64,
    pub note: String,
    pub at_us: i64,
}

impl Command for See {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, claims: &mut Claims) -> Result<(), Stop> {
        claims.name("witnessed", self.origin.as_bytes());
        Ok(())
    }

    /// Nothing is entered in the log: two that witness each other would make each other's logs grow.
    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        let seen = storage::witness::seen(batch.db, &self.origin)?;
        let (size, note) = seen.unwrap_or_default();
        let done = |outcome, reply: String| Ok(Recorded { outcome, reply, version: None });
        if size != self.old {
            return done(Done::Refused, size.to_string());
        }
        if size == self.size && size > 0 && tree(&note) != tree(&self.note) {
            return done(Done::Refused, "fork".to_owned());
        }
        storage::witness::see(batch.db, &self.origin, self.size, &self.note, self.at_us)?;
        done(Done::Done, String::new())
    }
}

/// Origin, size and root of a checkpoint, which are its first lines.
fn tree(note: &str) -> Vec<&str> {
    note.split('\n').take(3).collect()
}

/// A cosignature that was received.
pub(super) struct Keep(pub CosignatureRow);

impl Command for Keep {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        storage::witness::keep(batch.db, &self.0)?;
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}

/// Too few witnesses have cosigned for too long.
pub(super) struct Alone {
    pub state: Country,
    pub words: String,
}

impl Command for Alone {
    fn once(&self) -> Option<&Once> {
        None
    }

    fn claims(&self, _: &mut Db, _: &mut Claims) -> Result<(), Stop> {
        Ok(())
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<Recorded, Stop> {
        batch.raise(&NewAlert {
            kind: Kind::DeliveryFailed,
            to: Addressee::Authority(self.state, None),
            severity: Severity::Inform,
            about: About::default(),
            codes: vec!["CHECKPOINT_NOT_WITNESSED"],
            message: Some(self.words.clone()),
        })?;
        Ok(Recorded { outcome: Done::Done, reply: String::new(), version: None })
    }
}
