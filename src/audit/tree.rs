//! The right edge of the tree: all that is needed to append a batch and to know the new root.
use super::Hash;
use super::tile::HASH_BYTES;
use super::tile::WIDTH;
use super::tile::hashes;
use tlog_tiles::EMPTY_HASH;
use tlog_tiles::Tile;
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    levels: Vec<Vec<u8>>,
}

impl Frontier {
    /// Takes up a tree of a size from its stored tiles; `None` where one is missing or too short.
    pub fn load<E>(
        size: u64,
        mut tile: impl FnMut(u8, u64) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Self>, E> {
        let mut frontier = Self { size, levels: Vec::new() };
        let (mut hashes, mut level) = (size, 0_u8);
        while hashes > 0 {
            let width = usize::try_from(hashes % 256).unwrap_or_default();
            let mut bytes = Vec::new();
            if width > 0 {
                let Some(stored) = tile(level, hashes / 256)? else { return Ok(None) };
                let Some(needed) = stored.get(..width * HASH_BYTES) else { return Ok(None) };
                bytes.extend_from_slice(needed);
            }
            frontier.levels.push(bytes);
            hashes /= 256;
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
        for (level, bytes) in (0_u8..).zip(&self.levels) {
            let per_tile = 256_u64.saturating_pow(u32::from(level) + 1);
            let hashes_before = before / (per_tile / 256);
            let hashes_now = self.size / (per_tile / 256);
            if !bytes.is_empty() && hashes_now > hashes_before {
                finished.push(TileWrite {
                    level,
                    index: self.size / per_tile,
                    bytes: bytes.clone(),
                });
            }
        }
        finished
    }

    fn push(&mut self, leaf: &Hash, finished: &mut Vec<TileWrite>) {
        let mut hash = leaf.0;
        let mut index = self.size / 256;
        for level in 0..8_u8 {
            let place = usize::from(level);
            if self.levels.len() == place {
                self.levels.push(Vec::with_capacity(WIDTH * HASH_BYTES));
            }
            let Some(bytes) = self.levels.get_mut(place) else { break };
            bytes.extend_from_slice(&hash);
            if bytes.len() < WIDTH * HASH_BYTES {
                break;
            }
            hash = Tile::subtree_hash(bytes).0;
            finished.push(TileWrite { level, index, bytes: std::mem::take(bytes) });
            index /= 256;
        }
        self.size += 1;
    }

    /// The root (RFC 6962).
    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        // From the smallest subtree on the right to the largest on the left.
        for bytes in &self.levels {
            let hashes: Vec<Hash> = hashes(bytes).collect();
            let mut end = hashes.len();
            while end > 0 {
                let width = 1_usize << end.trailing_zeros();
                let subtree = perfect(hashes.get(end - width..end).unwrap_or_default());
                root = Some(match root {
                    Some(right) => node_hash(subtree, right),
                    None => subtree,
                });
                end -= width;
            }
        }
        root.unwrap_or(EMPTY_HASH)
    }
}

/// The root of a perfect subtree.
fn perfect(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => EMPTY_HASH,
        [hash] => *hash,
        hashes => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            node_hash(perfect(left), perfect(right))
        }
    }
}
