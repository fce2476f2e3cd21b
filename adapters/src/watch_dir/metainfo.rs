//! What a watched folder needs of a .torrent: whose it is, and rTorrent's resume data put into it.
//!
//! Values are cut out and put together as raw bytes. The info dictionary is never decoded and encoded
//! again, so that its hash cannot change, whatever it contains.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use lava_torrent::bencode::BencodeElem;

use crate::InfoHashes;

/// Keys with which rTorrent lets a .torrent decide where its data is and how it is treated. They come
/// from us or from nobody.
const RTORRENT_KEYS: [&[u8]; 2] = [b"libtorrent_resume", b"rtorrent"];

/// Whether the .torrent has this info hash. What is no .torrent has none.
pub(super) fn is(metainfo: &[u8], info_hash: &InfoHashes) -> bool {
    let Some(info) = entries(metainfo).and_then(|entries| value(&entries, b"info")) else { return false };
    match info_hash {
        InfoHashes::V1(v1) | InfoHashes::Hybrid(v1, _) => {
            digest(&SHA1_FOR_LEGACY_USE_ONLY, info).as_ref() == v1.0
        }
        InfoHashes::V2(v2) => digest(&SHA256, info).as_ref() == v2.0,
    }
}

/// The .torrent as rTorrent is to have it: without foreign instructions, and with resume data if the
/// date of the complete file is given, so that it is not hashed again.
///
/// rTorrent compares date and size and hashes after all if they differ. Resume data is left out where it
/// does not apply: for several files, and without v1 pieces. `None` if this is no .torrent.
pub(super) fn for_rtorrent(metainfo: &[u8], modified: Option<i64>) -> Option<Vec<u8>> {
    let mut entries = entries(metainfo)?;
    let info = value(&entries, b"info")?;
    entries.retain(|(key, _)| !RTORRENT_KEYS.contains(key));
    let resume = modified.and_then(|modified| Some(resume(piece_count(info)?, modified).encode()));
    if let Some(resume) = &resume {
        let place = entries.partition_point(|(key, _)| *key < RTORRENT_KEYS[0]);
        entries.insert(place, (RTORRENT_KEYS[0], resume));
    }
    let mut copy = b"d".to_vec();
    for (key, value) in entries {
        copy.extend(format!("{}:", key.len()).bytes());
        copy.extend_from_slice(key);
        copy.extend_from_slice(value);
    }
    copy.push(b'e');
    Some(copy)
}

/// As rTorrent 0.9.8 and 0.16 write it for a complete file.
fn resume(pieces: i64, modified: i64) -> BencodeElem {
    let file = [
        ("completed".to_owned(), BencodeElem::Integer(pieces)),
        ("mtime".to_owned(), BencodeElem::Integer(modified)),
        ("priority".to_owned(), BencodeElem::Integer(1)),
    ];
    let files = vec![BencodeElem::Dictionary(file.into())];
    let resume = [
        // A number instead of bits means that all of so many pieces are there.
        ("bitfield".to_owned(), BencodeElem::Integer(pieces)),
        ("files".to_owned(), BencodeElem::List(files)),
        ("uncertain_pieces.timestamp".to_owned(), BencodeElem::Integer(modified)),
    ];
    BencodeElem::Dictionary(resume.into())
}

/// Number of v1 pieces of a single file.
fn piece_count(info: &[u8]) -> Option<i64> {
    let info = entries(info)?;
    value(&info, b"pieces")?;
    let (length, piece_length) = (integer(&info, b"length")?, integer(&info, b"piece length")?);
    (length > 0 && piece_length > 0).then(|| (length - 1) / piece_length + 1)
}

type Entries<'a> = Vec<(&'a [u8], &'a [u8])>;

fn value<'a>(entries: &Entries<'a>, wanted: &[u8]) -> Option<&'a [u8]> {
    entries.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value)
}

fn integer(entries: &Entries<'_>, wanted: &[u8]) -> Option<i64> {
    let digits = value(entries, wanted)?.strip_prefix(b"i")?.strip_suffix(b"e")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Keys and raw values of a bencoded dictionary that fills `bytes` (line breaks after it are forgiven).
fn entries(bytes: &[u8]) -> Option<Entries<'_>> {
    let mut rest = bytes.trim_ascii_end().strip_prefix(b"d")?;
    let mut entries = Vec::new();
    while rest.first()? != &b'e' {
        let (key, after) = string(rest)?;
        let (value, after) = after.split_at_checked(value_length(after)?)?;
        entries.push((key, value));
        rest = after;
    }
    (rest.len() == 1).then_some(entries)
}

/// Length of the value at the start. Nesting is counted, not followed: no depth can exhaust the stack.
fn value_length(bytes: &[u8]) -> Option<usize> {
    let (mut rest, mut depth) = (bytes, 0_usize);
    loop {
        rest = match rest.first()? {
            b'd' | b'l' => {
                depth += 1;
                &rest[1..]
            }
            b'e' => {
                depth = depth.checked_sub(1)?;
                &rest[1..]
            }
            b'i' => &rest[rest.iter().position(|byte| *byte == b'e')? + 1..],
            _ => string(rest)?.1,
        };
        if depth == 0 {
            return Some(bytes.len() - rest.len());
        }
    }
}

/// A bencoded string at the start, and what follows.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = bytes.iter().take(20).position(|byte| *byte == b':')?;
    let length = std::str::from_utf8(&bytes[..colon]).ok()?.parse().ok()?;
    bytes[colon + 1..].split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TorrentVersion;
    use crate::testing::Sample;

    #[test]
    fn a_torrent_is_known_by_its_hash_in_every_version() {
        let other = Sample::new("other.mp3", TorrentVersion::V1);
        for version in [TorrentVersion::V1, TorrentVersion::Hybrid, TorrentVersion::V2] {
            let sample = Sample::new("sample.mp3", version);
            assert!(is(&sample.metainfo, &sample.info_hash), "{version:?}");
            assert!(!is(&sample.metainfo, &other.info_hash), "{version:?}");
        }
    }

    #[test]
    fn what_is_no_torrent_is_nobody() {
        let sample = Sample::new("sample.mp3", TorrentVersion::V1);
        let deep = b"l".repeat(1_000_000);
        let deep_info = [b"d4:info".as_slice(), &deep].concat();
        let huge_string = b"d4:info99999999999999999999:".as_slice();
        let cut = &sample.metainfo[..sample.metainfo.len() / 2];
        for bytes in [b"".as_slice(), b"d", b"de", b"i1e", b"d4:infoe", &deep, &deep_info, huge_string, cut] {
            assert!(!is(bytes, &sample.info_hash));
            assert_eq!(for_rtorrent(bytes, Some(1)), None);
        }
    }

    #[test]
    fn resume_data_says_that_every_piece_is_there_and_leaves_the_hash_alone() {
        for version in [TorrentVersion::V1, TorrentVersion::Hybrid] {
            let sample = Sample::new("sample.mp3", version);
            let copy = for_rtorrent(&sample.metainfo, Some(1_700_000_000)).unwrap();
            assert!(is(&copy, &sample.info_hash));
            let text = String::from_utf8_lossy(&copy);
            assert!(
                text.contains("17:libtorrent_resumed8:bitfieldi7e5:filesld9:completedi7e5:mtimei1700000000e")
            );
            assert!(BencodeElem::from_bytes(&copy).is_ok(), "keys are in order");
        }
    }

    #[test]
    fn resume_data_is_left_out_without_v1_pieces() {
        let sample = Sample::new("sample.mp3", TorrentVersion::V2);
        assert_eq!(for_rtorrent(&sample.metainfo, Some(1)).unwrap(), *sample.metainfo);
    }

    #[test]
    fn instructions_of_strangers_to_rtorrent_are_taken_out() {
        let sample = Sample::new("sample.mp3", TorrentVersion::V1);
        let mut hostile = sample.metainfo[..sample.metainfo.len() - 1].to_vec();
        hostile.extend(b"17:libtorrent_resumed8:bitfieldi0ee8:rtorrentd9:directory4:/etcee");
        assert_eq!(for_rtorrent(&hostile, None).unwrap(), *sample.metainfo);
    }
}
