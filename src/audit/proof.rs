//! Proofs that an entry stands in a tree, and that one tree continues another, drawn from tiles.
use super::Hash;
use std::cell::RefCell;
use std::collections::HashMap;
use tlog_tiles::HashReader;
use tlog_tiles::Tile;

/// Height of tiles: 2^8 hashes.
const HEIGHT: u8 = 8;

/// Reads the hashes of a tree of a size from its tiles.
struct Tiles<F> {
    size: u64,
    read: RefCell<F>,
    kept: RefCell<HashMap<(u8, u64), Vec<u8>>>,
}

impl<F: FnMut(u8, u64) -> Option<Vec<u8>>> HashReader for Tiles<F> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        indexes.iter().map(|index| self.hash(*index)).collect()
    }
}

impl<F: FnMut(u8, u64) -> Option<Vec<u8>>> Tiles<F> {
    fn hash(&self, index: u64) -> Result<Hash, tlog_tiles::Error> {
        let tile = Tile::from_index(HEIGHT, index);
        let key = (tile.level(), tile.level_index());
        let mut kept = self.kept.borrow_mut();
        if let std::collections::hash_map::Entry::Vacant(place) = kept.entry(key) {
            let mut read = self.read.borrow_mut();
            place.insert(read(key.0, key.1).ok_or(tlog_tiles::Error::InvalidTile)?);
        }
        let bytes = kept.get(&key).ok_or(tlog_tiles::Error::InvalidTile)?;
        tile.hash_at_index(bytes, index)
    }
}

fn tiles<F: FnMut(u8, u64) -> Option<Vec<u8>>>(size: u64, read: F) -> Tiles<F> {
    Tiles { size, read: RefCell::new(read), kept: RefCell::default() }
}

/// The hashes that lead from an entry to the root of a tree.
pub fn inclusion(
    size: u64,
    index: u64,
    read: impl FnMut(u8, u64) -> Option<Vec<u8>>,
) -> Option<Vec<Hash>> {
    let tiles = tiles(size, read);
    (index < tiles.size).then(|| tlog_tiles::prove_record(size, index, &tiles).ok()).flatten()
}

/// The hashes that show that the tree of `new` entries continues the one of `old`.
pub fn consistency(
    old: u64,
    new: u64,
    read: impl FnMut(u8, u64) -> Option<Vec<u8>>,
) -> Option<Vec<Hash>> {
    let tiles = tiles(new, read);
    (old > 0 && old <= new).then(|| tlog_tiles::prove_tree(new, old, &tiles).ok()).flatten()
}

/// Whether a proof leads from an entry to a root.
pub fn is_included(proof: &[Hash], size: u64, root: Hash, index: u64, entry: &[u8]) -> bool {
    let leaf = tlog_tiles::record_hash(entry);
    index < size && tlog_tiles::check_record(&proof.to_vec(), size, root, index, leaf).is_ok()
}

/// Whether a proof shows that one tree continues another.
pub fn is_consistent(
    proof: &[Hash],
    (new, new_root): (u64, Hash),
    (old, old_root): (u64, Hash),
) -> bool {
    old > 0
        && old <= new
        && tlog_tiles::check_tree(&proof.to_vec(), new, new_root, old, old_root).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tree::Frontier;
    use std::collections::HashMap;

    /// Tiles by level and index.
    type Stored = HashMap<(u8, u64), Vec<u8>>;

    fn entry(n: u64) -> Vec<u8> {
        format!("entry {n}").into_bytes()
    }

    /// A tree grown in batches of uneven size, with its tiles and the root at every size.
    fn grown(sizes: u64) -> (Stored, Vec<Hash>) {
        let (mut frontier, mut tiles, mut roots) =
            (Frontier::default(), HashMap::new(), vec![Frontier::default().root()]);
        for n in 0..sizes {
            for write in frontier.append(&[tlog_tiles::record_hash(&entry(n))]) {
                tiles.insert((write.level, write.index), write.bytes);
            }
            roots.push(frontier.root());
        }
        (tiles, roots)
    }

    #[test]
    fn every_entry_is_proven_in_every_tree() {
        let (tiles, roots) = grown(300);
        for size in (1..=300).filter(|size| size % 7 == 0 || *size > 250) {
            for index in 0..size {
                let root = roots[usize::try_from(size).unwrap()];
                let proof =
                    inclusion(size, index, |level, at| tiles.get(&(level, at)).cloned()).unwrap();
                assert!(is_included(&proof, size, root, index, &entry(index)), "{index} of {size}");
                assert!(!is_included(&proof, size, root, index, b"another"), "{index} of {size}");
            }
        }
    }

    #[test]
    fn every_tree_continues_every_earlier_one() {
        let (tiles, roots) = grown(520);
        let root = |size: u64| roots[usize::try_from(size).unwrap()];
        for new in (1..=520_u64).filter(|new| new % 13 == 0 || *new > 510) {
            for old in 1..=new {
                let proof =
                    consistency(old, new, |level, at| tiles.get(&(level, at)).cloned()).unwrap();
                assert!(
                    is_consistent(&proof, (new, root(new)), (old, root(old))),
                    "{old} in {new}"
                );
                assert!(
                    old == new || !is_consistent(&proof, (new, root(new)), (old, root(new))),
                    "{old} in {new}"
                );
            }
        }
    }

    #[test]
    fn batches_of_any_size_give_the_same_tree() {
        let leaves: Vec<Hash> = (0..70_000).map(|n| tlog_tiles::record_hash(&entry(n))).collect();
        let mut whole = Frontier::default();
        let mut whole_tiles = HashMap::new();
        for write in whole.append(&leaves) {
            whole_tiles.insert((write.level, write.index), write.bytes);
        }
        let (mut pieces, mut tiles, mut rest) =
            (Frontier::default(), HashMap::new(), leaves.as_slice());
        let mut size = 1;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            for write in pieces.append(batch) {
                tiles.insert((write.level, write.index), write.bytes);
            }
            (rest, size) = (after, size % 700 + 13);
        }
        assert_eq!((pieces.root(), &pieces), (whole.root(), &whole));
        assert_eq!(tiles, whole_tiles);
        let loaded =
            Frontier::load(70_000, |level, at| Ok::<_, ()>(tiles.get(&(level, at)).cloned()))
                .unwrap();
        assert_eq!(loaded.unwrap(), whole);
    }

    #[test]
    fn a_tree_that_is_loaded_again_goes_on_as_the_one_that_was_not() {
        let leaves: Vec<Hash> = (0..1_700).map(|n| tlog_tiles::record_hash(&entry(n))).collect();
        let (mut kept, mut tiles, mut rest) =
            (Frontier::default(), HashMap::new(), leaves.as_slice());
        for size in [1, 2, 60, 192, 1, 1, 127, 256, 300, 511, 249] {
            let tile = |level, at| Ok::<_, ()>(tiles.get(&(level, at)).cloned());
            let mut loaded = Frontier::load(kept.size(), tile).unwrap().unwrap();
            let (batch, after) = rest.split_at(size);
            // A batch that is dropped leaves no trace in what is gone on from.
            kept.clone().append(after);
            let writes = kept.append(batch);
            assert_eq!(loaded.append(batch), writes);
            assert_eq!((loaded.root(), &loaded), (kept.root(), &kept));
            tiles.extend(writes.into_iter().map(|write| ((write.level, write.index), write.bytes)));
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn the_empty_tree_and_single_leaves_have_the_roots_of_rfc_6962() {
        assert_eq!(Frontier::default().root(), tlog_tiles::EMPTY_HASH);
        let mut one = Frontier::default();
        one.append(&[tlog_tiles::record_hash(b"")]);
        let hex = crate::audit::entry::hex(&one.root().0);
        assert_eq!(hex, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
}
