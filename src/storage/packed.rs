//! Documents and entries in fewer bytes than they have. Nearly every row repeats the same names of
//! fields, and what is written is written twice, to the log before it and to its place: rows that are
//! a third as large are read, moved and synced in less time, and a trail lasts longer on its disk.
//!
//! Packing takes nothing away: what is unpacked is what was packed, to the byte.
use super::Error;
use super::Result;
use serde::Deserialize;
use serde::Serialize;
use std::cell::RefCell;

/// Most bytes that anything unpacks to; a row that states more is corrupt.
const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What usually stands in bytes of a kind. What was packed with a dictionary is unpacked with the same
/// one: a better one is a further kind, under a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dictionary {
    /// Entries of the audit trail.
    Entry,
    /// What is kept of a verdict.
    Record,
}

impl Dictionary {
    fn number(self) -> u8 {
        match self {
            Self::Entry => 1,
            Self::Record => 2,
        }
    }

    fn of(number: u8) -> Option<Self> {
        [Self::Entry, Self::Record].into_iter().find(|of| of.number() == number)
    }

    fn words(self) -> &'static [u8] {
        match self {
            Self::Entry => include_bytes!("packed/entry.txt"),
            Self::Record => include_bytes!("packed/record.txt"),
        }
    }
}

/// Packed bytes as a column holds them: the dictionary's number, the length unpacked (four bytes, the
/// lowest first), and an LZ4 block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(pub(super) Vec<u8>);

impl Packed {
    /// Packs bytes.
    pub fn bytes(bytes: &[u8], dictionary: Dictionary) -> Result<Self> {
        let too_long = || Error::Bug(format!("{} bytes are too many to be kept", bytes.len()));
        let length = u32::try_from(bytes.len()).map_err(|_e| too_long())?;
        if bytes.len() > UNPACKED_BYTES_MAX {
            return Err(too_long());
        }
        let most = lz4_flex::block::get_maximum_output_size(bytes.len());
        ROOM.with_borrow_mut(|room| {
            if room.len() < most {
                room.resize(most, 0);
            }
            let written = lz4_flex::block::compress_into_with_dict(bytes, room, dictionary.words())
                .map_err(|error| Error::Bug(format!("what is kept does not pack: {error}")))?;
            let mut packed = Vec::with_capacity(HEAD + written);
            packed.push(dictionary.number());
            packed.extend_from_slice(&length.to_le_bytes());
            packed.extend(room.get(..written).unwrap_or_default());
            room.truncate(ROOM_BYTES_MAX);
            room.shrink_to(ROOM_BYTES_MAX);
            Ok(Self(packed))
        })
    }

    /// Packs values one behind the other.
    pub fn values(values: &impl Serialize, dictionary: Dictionary) -> Result<Self> {
        let bytes = postcard::to_allocvec(values)
            .map_err(|error| Error::Bug(format!("what is kept does not serialise: {error}")))?;
        Self::bytes(&bytes, dictionary)
    }
}

impl AsRef<[u8]> for Packed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The dictionary's number and the length.
const HEAD: usize = 5;

/// Most bytes of room that a thread keeps.
const ROOM_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Room to pack into: several times what comes out, which alone is kept, and as long as its verdict waits.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Unpacks a column; `what` names the row in the error.
pub fn unpack(packed: &[u8], what: &dyn Fn() -> String) -> Result<Vec<u8>> {
    let corrupt = |why: &str| Error::Corrupt(format!("{}: its bytes do not unpack: {why}", what()));
    let Some((&[number, ref length @ ..], block)) = packed.split_first_chunk::<HEAD>() else {
        return Err(corrupt("they are too few"));
    };
    let dictionary = Dictionary::of(number).ok_or_else(|| corrupt("no such dictionary"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > UNPACKED_BYTES_MAX {
        return Err(corrupt("they state too great a length"));
    }
    let unpacked = lz4_flex::block::decompress_with_dict(block, length, dictionary.words())
        .map_err(|error| corrupt(&error.to_string()))?;
    if unpacked.len() == length { Ok(unpacked) } else { Err(corrupt("they state another length")) }
}

/// Unpacks values.
pub fn unpack_values<T: for<'a> Deserialize<'a>>(
    packed: &[u8],
    what: &dyn Fn() -> String,
) -> Result<T> {
    let bytes = unpack(packed, what)?;
    let corrupt = |why: &str| Error::Corrupt(format!("{}: {why}", what()));
    match postcard::take_from_bytes(&bytes) {
        Ok((values, [])) => Ok(values),
        Ok(_) => Err(corrupt("more stands there than belongs to it")),
        Err(error) => Err(corrupt(&error.to_string())),
    }
}

#[cfg(test)]
mod tests;
