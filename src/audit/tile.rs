//! Tiles: 256 hashes of one level, or the entries under a level-0 tile, and their paths.
use super::Hash;

/// Hashes in a full tile.
pub const WIDTH: usize = 256;
/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// Where a tile stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// The level; `None` for a bundle of entries.
    pub level: Option<u8>,
    /// Its index within the level.
    pub index: u64,
    /// How many hashes or entries are asked for, 1 to 256.
    pub width: u16,
}

/// Highest level that 64-bit sizes can have.
const LEVEL_MAX: u8 = 7;

/// Reads `<L>/<N>` or `entries/<N>`, where N is written in groups of three digits and a partial
/// tile ends in `.p/<W>`.
pub fn parse(path: &str) -> Option<TilePath> {
    let (level, rest) = path.split_once('/')?;
    let level = match level {
        "entries" => None,
        digits => Some(
            decimal(digits)
                .and_then(|level| u8::try_from(level).ok())
                .filter(|level| *level <= LEVEL_MAX)?,
        ),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, decimal(width).filter(|width| (1..256).contains(width))?),
        None => (rest, 256),
    };
    let mut index: u64 = 0;
    let groups: Vec<&str> = number.split('/').collect();
    let last = groups.len().checked_sub(1)?;
    for (place, group) in groups.iter().enumerate() {
        let digits = if place == last { group } else { group.strip_prefix('x')? };
        if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let path = TilePath { level, index, width: u16::try_from(width).ok()? };
    // One tile has one path: no leading groups of zeros.
    (groups.len() == 1 || groups.first() != Some(&"x000")).then_some(path)
}

/// A plain decimal without leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok()).flatten()
}

/// The path of a tile, or of a bundle where no level is named, as files and servers name it.
pub fn path(level: Option<u8>, index: u64, width: u64) -> String {
    let level = level.map_or_else(|| "entries".to_owned(), |level| level.to_string());
    let mut groups = vec![format!("{:03}", index % 1000)];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
    format!("tile/{level}/{}{partial}", groups.join("/"))
}

/// Puts entries into a bundle: each with its length in two bytes, big-endian, before it.
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    bundle
}

/// The hashes of a tile.
pub fn hashes(tile: &[u8]) -> impl Iterator<Item = Hash> + '_ {
    tile.chunks_exact(HASH_BYTES).filter_map(|bytes| bytes.try_into().ok().map(Hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_level_index_and_width() {
        let tile = |level, index, width| Some(TilePath { level, index, width });
        assert_eq!(parse("0/000"), tile(Some(0), 0, 256));
        assert_eq!(parse("1/x001/x234/067.p/12"), tile(Some(1), 1_234_067, 12));
        assert_eq!(parse("entries/999.p/255"), tile(None, 999, 255));
    }

    #[test]
    fn a_path_is_written_as_it_is_read() {
        for (level, index, width) in
            [(Some(0), 0, 256), (Some(1), 1_234_067, 12), (None, 999, 255), (None, 1000, 256)]
        {
            let path = path(level, index, width);
            let read = parse(path.strip_prefix("tile/").unwrap()).unwrap();
            let width = u16::try_from(width).unwrap();
            assert_eq!(read, TilePath { level, index, width }, "{path}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for bad in [
            "",
            "0",
            "0/",
            "0/0",
            "0/0000",
            "0/x000/001",
            "00/000",
            "8/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "a/000",
            "0/001/002",
            "0/x001",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_bundle_holds_lengths_and_entries() {
        assert_eq!(bundle([b"ab".as_slice(), b""]), b"\x00\x02ab\x00\x00");
    }
}
