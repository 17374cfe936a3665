//! How the database can fail, in four kinds; and the log's key, without which nothing is written.

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Someone else has changed what this was based on; the same work may well succeed now.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The audit log belongs to another process now: this one may decide nothing any more.
    #[error("this node no longer owns its log: {0}")]
    Fenced(String),
    /// The database does not answer, is busy beyond its time-out, or its disk is full.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The log's key does not sign what would be written.
    #[error("the log's checkpoint cannot be signed: {0}")]
    Unsigned(String),
    /// What is stored cannot be what was written.
    #[error("stored data are corrupt: {0}")]
    Corrupt(String),
    /// A statement of ours is wrong.
    #[error("a statement failed: {0}")]
    Bug(String),
}

impl Error {
    /// Whether it is worth asking again in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Conflict(_) | Self::Fenced(_) | Self::Unavailable(_) | Self::Unsigned(_) => true,
            Self::Corrupt(_) | Self::Bug(_) => false,
        }
    }
}

/// What SQLite says, without a kind, when the file cannot be used for now.
const UNAVAILABLE_SIGNS: [&str; 7] =
    ["locked", "busy", "disk", "full", "unable to open", "readonly", "interrupted"];
/// What libpq and the server say, without a kind, when there is nobody to talk to, no room, no time,
/// or a stand-by that only reads.
const SERVER_SIGNS: [&str; 20] = [
    "could not connect",
    "connection",
    "server closed",
    "terminating",
    "shutting down",
    "starting up",
    "recovery mode",
    "No space left",
    "could not extend",
    "could not write",
    "could not fsync",
    "could not open file",
    "File too large",
    "out of shared memory",
    "out of memory",
    "too many clients",
    "canceling statement",
    "read-only",
    "timeout expired",
    "conflict with recovery",
];
/// What the server says when it lets another go first: a deadlock, a lock that is not waited for.
const CONFLICT_SIGNS: [&str; 3] = ["deadlock detected", "could not obtain lock", "lock timeout"];
/// What it says when the file is not what it was.
const CORRUPT_SIGNS: [&str; 2] = ["malformed", "not a database"];

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::DatabaseErrorKind as Kind;
        use diesel::result::Error as Diesel;
        // That nothing could be rolled back either says less than why it was to be.
        if let Diesel::RollbackErrorOnCommit { commit_error, .. } = error {
            return Self::from(*commit_error);
        }
        let words = error.to_string();
        if matches!(
            error,
            Diesel::DatabaseError(Kind::UniqueViolation | Kind::SerializationFailure, _)
        ) {
            return Self::Conflict(words);
        }
        let says = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        let unkinded = matches!(error, Diesel::DatabaseError(Kind::Unknown, _));
        if matches!(error, Diesel::DeserializationError(_)) || unkinded && says(&CORRUPT_SIGNS) {
            return Self::Corrupt(words);
        }
        if unkinded && says(&CONFLICT_SIGNS) {
            return Self::Conflict(words);
        }
        let gone = matches!(
            error,
            Diesel::BrokenTransactionManager
                | Diesel::DatabaseError(
                    Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction,
                    _
                )
        );
        if gone || unkinded && (says(&UNAVAILABLE_SIGNS) || says(&SERVER_SIGNS)) {
            return Self::Unavailable(words);
        }
        Self::Bug(words)
    }
}

impl From<diesel::ConnectionError> for Error {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::result::DatabaseErrorKind as Kind;
    use diesel::result::Error as Diesel;

    fn said(words: &str) -> Error {
        Diesel::DatabaseError(Kind::Unknown, Box::new(words.to_owned())).into()
    }

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for passing in [
            "canceling statement due to statement timeout",
            "canceling statement due to user request",
            "could not extend file \"base/1/2\": No space left on device",
            "could not extend file \"base/1/2\": File too large",
            "out of shared memory",
            "the database system is starting up",
            "database or disk is full",
            "disk I/O error",
            "database is locked",
        ] {
            assert!(matches!(said(passing), Error::Unavailable(_)), "{passing}");
        }
        for conflict in ["deadlock detected", "canceling statement due to lock timeout"] {
            assert!(matches!(said(conflict), Error::Conflict(_)), "{conflict}");
        }
        assert!(matches!(said("database disk image is malformed"), Error::Corrupt(_)));
        assert!(matches!(said("column \"x\" does not exist"), Error::Bug(_)));
    }
}
