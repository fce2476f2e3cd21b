//! First step of reading: bounded bytes of one document, unpacked when they are a gzip stream.
//!
//! Never looks at what the document says.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::Error;

/// RFC 1952, section 2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A document's bytes, no more than were allowed.
pub(super) struct Body<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// A gzip stream that ended early or was damaged: what could be unpacked is there.
    pub(super) cut: bool,
}

/// Unpacks a gzip stream (known by its first bytes, not by what a server claims) and refuses what is larger
/// than `limit` bytes, packed or unpacked.
pub(super) fn open(bytes: &[u8], limit: usize) -> Result<Body<'_>, Error> {
    if bytes.len() > limit {
        return Err(Error::TooLarge { limit });
    }
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(Body { bytes: Cow::Borrowed(bytes), cut: false });
    }
    let mut unpacked = Vec::new();
    let end = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let cut = MultiGzDecoder::new(bytes).take(end).read_to_end(&mut unpacked).is_err();
    if unpacked.len() > limit {
        return Err(Error::TooLarge { limit });
    }
    Ok(Body { bytes: Cow::Owned(unpacked), cut })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_gzip_bomb_is_refused_at_the_limit() {
        let bomb = gzip(&vec![b' '; 1_000_000]);
        assert!(bomb.len() < 10_000);
        assert!(matches!(open(&bomb, 10_000), Err(Error::TooLarge { limit: 10_000 })));
        assert_eq!(open(&bomb, 1_000_000).unwrap().bytes.len(), 1_000_000);
    }

    #[test]
    fn a_cut_gzip_stream_gives_what_could_be_unpacked() {
        let text: Vec<u8> = (0..50_000u32).flat_map(|n| n.to_string().into_bytes()).collect();
        let packed = gzip(&text);
        let body = open(&packed[..packed.len() / 2], 1_000_000).unwrap();
        assert!(body.cut);
        assert!(text.starts_with(&body.bytes) && body.bytes.len() > 1_000);
    }

    #[test]
    fn plain_bytes_are_not_copied() {
        assert!(matches!(open(b"<rss/>", 6).unwrap().bytes, Cow::Borrowed(b"<rss/>")));
        assert!(matches!(open(b"<rss/>", 5), Err(Error::TooLarge { limit: 5 })));
    }
}
