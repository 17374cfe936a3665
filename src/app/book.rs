//! From rows to licences: a version's document is read once and shared from then on.
use super::Error;
use crate::domain::Text;
use crate::domain::licence::Held;
use crate::domain::licence::Licence;
use crate::storage;
use crate::storage::Db;
use crate::storage::licences::LicenceRow;
use crate::wire;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A licence read from the database.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its row.
    pub id: i64,
    /// What it says and where it stands.
    pub held: Held,
    /// The document as its authority sent it.
    pub body: Arc<str>,
}

/// Documents already read, by row and version: what the writer remembers from batch to batch, and
/// never balances.
#[derive(Debug)]
pub struct Book {
    read: LruCache<(i64, u32), (Arc<Licence>, Arc<str>)>,
}

impl Book {
    /// A book that remembers so many documents.
    pub fn new(documents_max: NonZeroUsize) -> Self {
        Self { read: LruCache::new(documents_max) }
    }

    /// Forgets all of them.
    pub fn forget(&mut self) {
        self.read.clear();
    }

    /// Reads licences by number from the database; those that do not exist are left out.
    pub fn read(&mut self, db: &mut Db, numbers: &[&str]) -> Result<Vec<Entry>, Error> {
        storage::licences::read(db, numbers)?.into_iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&mut self, row: LicenceRow) -> Result<Entry, Error> {
        let key = (row.id, row.version);
        let (licence, body) = match self.read.get(&key) {
            Some((licence, body)) => (Arc::clone(licence), Arc::clone(body)),
            None => {
                let licence = Arc::new(licence_of(&row.number, row.version, &row.body)?);
                let body: Arc<str> = Arc::from(row.body);
                self.read.put(key, (Arc::clone(&licence), Arc::clone(&body)));
                (licence, body)
            }
        };
        let held = Held { licence, standing: row.standing };
        Ok(Entry { id: row.id, held, body })
    }
}

/// Reads a stored document; one that cannot be read is damaged, for it was read before it was stored.
pub fn licence_of(number: &str, version: u32, body: &str) -> Result<Licence, Error> {
    document_of(number, body)?.read(version, "").map_err(|errors| {
        Error::Internal(format!("stored licence {number} does not read: {errors:?}"))
    })
}

/// The stored document as the wire has it.
pub fn document_of(number: &str, body: &str) -> Result<wire::licence::Licence, Error> {
    wire::field::shape(body.as_bytes()).map_err(|errors| {
        Error::Internal(format!("stored licence {number} does not read: {errors:?}"))
    })
}

/// Numbers as the storage takes them.
pub fn as_strs(numbers: &[Text]) -> Vec<&str> {
    numbers.iter().map(Text::as_str).collect()
}
