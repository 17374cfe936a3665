//! zlib (RFC 1950) of which every byte counts: bits that a lenient reader would skip could be altered
//! without anybody noticing.
use super::Malformed;
use super::malformed;
use flate2::Compression;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;
use std::io::Read;
use std::io::Write;

/// Bytes of the checksum at the end.
const TRAILER: usize = 4;

/// Compresses as far as it goes.
pub fn pack(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| malformed(error.to_string()))
}

/// Reads it back, up to a number of bytes; nothing may stand behind it.
pub fn unpack(packed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Malformed> {
    let bytes = inflate(packed, bytes_max).ok_or_else(|| malformed("not zlib"))?;
    // Deflate ends within a byte. What is left of that byte means nothing and must be nothing.
    let last = packed.len().checked_sub(TRAILER + 1);
    if let Some(byte) = last.and_then(|last| packed.get(last)).copied().filter(|byte| *byte != 0) {
        let mut altered = packed.to_vec();
        if let Some(place) = last.and_then(|last| altered.get_mut(last)) {
            *place = byte & !(0x80 >> byte.leading_zeros());
        }
        if inflate(&altered, bytes_max).is_some_and(|other| other == bytes) {
            return Err(malformed("not zlib: bits that mean nothing are set"));
        }
    }
    Ok(bytes)
}

fn inflate(packed: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let limit = u64::try_from(bytes_max).ok()?.checked_add(1)?;
    let (mut bytes, mut decoder) = (Vec::new(), ZlibDecoder::new(packed));
    decoder.by_ref().take(limit).read_to_end(&mut bytes).ok()?;
    let whole = bytes.len() <= bytes_max && decoder.into_inner().is_empty();
    whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_nothing_else_does() {
        let text = "a licence for rifles and for rifles again ".repeat(20);
        let packed = pack(text.as_bytes()).unwrap();
        assert_eq!(unpack(&packed, 10_000).unwrap(), text.as_bytes());
        assert!(unpack(&packed, text.len() - 1).is_err(), "a bomb is not unpacked");
        assert!(unpack(&packed[..packed.len() - 1], 10_000).is_err());
        assert!(unpack(&[packed.as_slice(), b"\0"].concat(), 10_000).is_err());
        for (at, byte) in packed.iter().enumerate().skip(2) {
            for bit in 0..8 {
                let mut altered = packed.clone();
                altered[at] = byte ^ (1 << bit);
                assert!(
                    unpack(&altered, 10_000).ok() != Some(text.clone().into_bytes()),
                    "{at} {bit}"
                );
            }
        }
    }
}
