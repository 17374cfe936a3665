//! The right edge of the tree: all that is needed to append a batch and to know the new root.
use super::Hash;
use super::tile::HASH_BYTES;
use super::tile::WIDTH;
use super::tile::hashes;
use tlog_tiles::EMPTY_HASH;
use tlog_tiles::node_hash;

/// A tile to be stored: full for good, or partial until it grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileWrite {
    /// Its level.
    pub level: u8,
    /// Its index within the level.
    pub index: u64,
    /// Its hashes.
    pub bytes: Vec<u8>,
}

/// The rightmost, unfinished tile of every level.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frontier {
    size: u64,
    levels: Vec<Level>,
}

/// An unfinished tile: its hashes, and the roots of the perfect subtrees that they make, the widest
/// first, so that each node is hashed once however often the root is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
struct Level {
    bytes: Vec<u8>,
    subtrees: Vec<(usize, Hash)>,
}

impl Level {
    /// Adds a hash; gives the tile's own once it is full, and is empty again.
    fn push(&mut self, hash: Hash) -> Option<(Vec<u8>, Hash)> {
        self.bytes.extend_from_slice(&hash.0);
        let mut subtree = (1, hash);
        while let Some((width, left)) = self.subtrees.pop_if(|(width, _)| *width == subtree.0) {
            subtree = (width * 2, node_hash(left, subtree.1));
        }
        if subtree.0 == WIDTH {
            return Some((std::mem::take(&mut self.bytes), subtree.1));
        }
        self.subtrees.push(subtree);
        None
    }
}

impl Frontier {
    /// Takes up a tree of a size from its stored tiles; `None` where one is missing or too short.
    pub fn load<E>(
        size: u64,
        mut tile: impl FnMut(u8, u64) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Self>, E> {
        let mut frontier = Self { size, levels: Vec::new() };
        let (mut rest, mut level) = (size, 0_u8);
        while rest > 0 {
            let width = usize::try_from(rest % 256).unwrap_or_default();
            let mut unfinished = Level::default();
            if width > 0 {
                let Some(stored) = tile(level, rest / 256)? else { return Ok(None) };
                let Some(needed) = stored.get(..width * HASH_BYTES) else { return Ok(None) };
                for hash in hashes(needed) {
                    unfinished.push(hash);
                }
            }
            frontier.levels.push(unfinished);
            rest /= 256;
            level += 1;
        }
        Ok(Some(frontier))
    }

    /// Entries in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends leaves; gives every tile that has changed.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<TileWrite> {
        let before = self.size;
        let mut finished = Vec::new();
        for leaf in leaves {
            self.push(leaf, &mut finished);
        }
        for (level, unfinished) in (0_u8..).zip(&self.levels) {
            let per_tile = 256_u64.saturating_pow(u32::from(level) + 1);
            let hashes_before = before / (per_tile / 256);
            let hashes_now = self.size / (per_tile / 256);
            if !unfinished.bytes.is_empty() && hashes_now > hashes_before {
                finished.push(TileWrite {
                    level,
                    index: self.size / per_tile,
                    bytes: unfinished.bytes.clone(),
                });
            }
        }
        finished
    }

    fn push(&mut self, leaf: &Hash, finished: &mut Vec<TileWrite>) {
        let mut hash = *leaf;
        let mut index = self.size / 256;
        for level in 0..8_u8 {
            let place = usize::from(level);
            if self.levels.len() == place {
                self.levels.push(Level::default());
            }
            let Some(unfinished) = self.levels.get_mut(place) else { break };
            let Some((bytes, root)) = unfinished.push(hash) else { break };
            hash = root;
            finished.push(TileWrite { level, index, bytes });
            index /= 256;
        }
        self.size += 1;
    }

    /// The root (RFC 6962).
    pub fn root(&self) -> Hash {
        // From the smallest subtree on the right to the largest on the left.
        let subtrees = self.levels.iter().flat_map(|level| level.subtrees.iter().rev());
        let joined = subtrees.fold(None, |right, (_, left)| match right {
            Some(right) => Some(node_hash(*left, right)),
            None => Some(*left),
        });
        joined.unwrap_or(EMPTY_HASH)
    }
}
