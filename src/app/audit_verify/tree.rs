//! The tree that is grown again from the entries: its tiles against the stored ones, its roots against what
//! has been signed.
use super::Stop;
use super::Walk;
use super::fault;
use crate::audit::Hash;
use crate::audit::checkpoint;
use crate::audit::tile::HASH_BYTES;
use crate::audit::tile::WIDTH;
use crate::audit::tree::TileWrite;
use crate::storage;
use crate::storage::Db;

impl Walk<'_> {
    /// Grows the tree by leaves, stopping at every size that has been signed.
    pub(super) fn grow(
        &mut self,
        db: &mut Db,
        from: u64,
        to: u64,
        leaves: &[Hash],
    ) -> Result<(), Stop> {
        let mut rest = leaves;
        for (at, note) in storage::log::checkpoints(db, self.row.id, from, to)? {
            let at = u64::try_from(at).unwrap_or_default();
            let count = usize::try_from(at - self.frontier.size()).unwrap_or_default();
            let (leaves, after) = rest.split_at(count.min(rest.len()));
            self.append(db, leaves)?;
            rest = after;
            self.checkpoint(at, &note)?;
        }
        self.append(db, rest)
    }

    /// Compares leaves with the tile that holds them, so that a fault names the entry.
    pub(super) fn leaves(&self, db: &mut Db, from: u64, leaves: &[Hash]) -> Result<(), Stop> {
        let (tile, skip) = (from / 256, usize::try_from(from % 256).unwrap_or_default());
        let Some(stored) = storage::log::tile(db, self.row.id, 0, tile)? else {
            return fault(format!("tile {tile} of level 0 is missing"));
        };
        let stored = stored.chunks(HASH_BYTES).skip(skip);
        for (index, (leaf, stored)) in (from..).zip(leaves.iter().zip(stored)) {
            if leaf.0 != stored {
                let at = (index % 256) * 32;
                return fault(format!(
                    "entry {index}: its bytes do not hash to what stands at byte {at} of tile {tile} of level 0"
                ));
            }
        }
        Ok(())
    }

    fn append(&mut self, db: &mut Db, leaves: &[Hash]) -> Result<(), Stop> {
        for TileWrite { level, index, bytes } in self.frontier.append(leaves) {
            if bytes.len() == WIDTH * HASH_BYTES {
                self.partial.remove(&(level, index));
                self.compare(db, level, index, &bytes)?;
            } else {
                self.partial.insert((level, index), bytes);
            }
        }
        Ok(())
    }

    /// Compares a tile with the one stored; names the first byte that differs.
    pub(super) fn compare(
        &mut self,
        db: &mut Db,
        level: u8,
        index: u64,
        bytes: &[u8],
    ) -> Result<(), Stop> {
        self.tiles += 1;
        let Some(stored) = storage::log::tile(db, self.row.id, level, index)? else {
            return fault(format!("tile {index} of level {level} is missing"));
        };
        let differs = stored.iter().zip(bytes).position(|(stored, derived)| stored != derived);
        let differs = differs
            .or_else(|| (stored.len() != bytes.len()).then(|| stored.len().min(bytes.len())));
        let Some(at) = differs else { return Ok(()) };
        let hash = u64::try_from(at / HASH_BYTES).unwrap_or_default();
        let place = index * 256 + hash;
        fault(if level == 0 {
            format!(
                "entry {place}: its bytes do not hash to what stands at byte {at} of tile {index} of level 0"
            )
        } else {
            format!(
                "byte {at} of tile {index} of level {level} is not what the level below hashes to (hash {place})"
            )
        })
    }

    fn checkpoint(&mut self, at: u64, note: &str) -> Result<(), Stop> {
        match checkpoint::verify(note, &self.row.verifier_key) {
            Err(error) => fault(format!("the checkpoint of size {at} does not verify: {error}")),
            Ok((size, _)) if size != at => {
                fault(format!("the checkpoint of size {at} states size {size}"))
            }
            Ok((_, root)) if root != self.frontier.root() => fault(format!(
                "the checkpoint of size {at} states another root than the entries up to {at} have"
            )),
            Ok(_) => {
                self.report.checkpoints += 1;
                Ok(())
            }
        }
    }
}
