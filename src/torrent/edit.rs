//! Changes what stands outside `info` in a .torrent that is there: web seeds and trackers.
//!
//! The bytes of `info` are copied and never written anew, so that the torrent stays the one it is, whoever made it.
//! Every other key stays as it is too. The same input gives the same bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::bencode::{self, BencodeError, entries};
use super::encode::written;
use super::make::{announce, url_list};

/// The same torrent with these web seeds (BEP 19) and these tiers of trackers (BEP 12) in the place of its own.
pub fn edit(torrent: &[u8], web_seeds: &[String], trackers: &[Vec<String>]) -> Result<Vec<u8>, BencodeError> {
    let decoded = bencode::decode(torrent)?;
    let info = decoded.info.and_then(|span| torrent.get(span)).ok_or(BencodeError::NoDictionary)?;
    let kept = entries(&decoded.root).ok_or(BencodeError::NoDictionary)?;
    let mut edited: BTreeMap<&[u8], Cow<'_, [u8]>> = kept
        .into_iter()
        .map(|(key, value)| (key, if key == b"info" { info.into() } else { value.encode().into() }))
        .collect();
    for (key, value) in announce(trackers).into_iter().chain([url_list(web_seeds)]) {
        match value {
            Some(value) => drop(edited.insert(key.as_bytes(), value.into())),
            None => drop(edited.remove(key.as_bytes())),
        }
    }
    Ok(written(|out| {
        out.dictionary(|out| {
            for (key, value) in &edited {
                out.bytes(key);
                out.encoded(value);
            }
        });
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{PieceHashes, PieceLength, V2Hashes};
    use crate::torrent::{MetainfoRequest, make, parse};

    fn request(web_seeds: &[&str], trackers: &[&str]) -> MetainfoRequest {
        let hashes = PieceHashes {
            length: 100_000,
            piece_length: PieceLength::AUTO_MIN,
            v1: Some(vec![[7; 20], [8; 20]]),
            v2: None::<V2Hashes>,
        };
        MetainfoRequest {
            web_seeds: web_seeds.iter().map(|url| (*url).to_owned()).collect(),
            trackers: trackers.iter().map(|url| vec![(*url).to_owned()]).collect(),
            comment: Some("https://show.invalid/1".to_owned()),
            ..MetainfoRequest::new("a.mp3", hashes)
        }
    }

    #[test]
    fn what_is_edited_is_what_would_have_been_made() {
        let with = request(&["https://a/1.mp3", "https://b/1.mp3"], &["http://t/1", "http://t/2"]);
        let without = request(&[], &[]);
        let (with_bytes, without_bytes) = (make(&with).metainfo, make(&without).metainfo);
        assert_eq!(edit(&without_bytes, &with.web_seeds, &with.trackers).unwrap(), with_bytes);
        assert_eq!(edit(&with_bytes, &[], &[]).unwrap(), without_bytes);
        assert_eq!(edit(&with_bytes, &with.web_seeds, &with.trackers).unwrap(), with_bytes);
    }

    #[test]
    fn the_bytes_of_info_stay_whatever_is_in_them() {
        // `name` in Latin-1, a key that nobody knows, and keys around it that are no text.
        let torrent = b"d4:infod6:lengthi1e4:name5:\xe4.mp312:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa1:zi7ee12:piece layersd1:\xfe0:e1:\xff3:abce";
        let edited = edit(torrent, &["https://a/1.mp3".to_owned()], &[]).unwrap();
        assert_eq!(parse(&edited).unwrap().info_hash, parse(torrent).unwrap().info_hash);
        assert_eq!(parse(&edited).unwrap().web_seeds, ["https://a/1.mp3"]);
        assert_eq!(edit(&edited, &[], &[]).unwrap(), torrent);
    }

    #[test]
    fn what_is_no_torrent_is_refused() {
        for bytes in [b"".as_slice(), b"de", b"d4:infod", b"<html>"] {
            assert!(edit(bytes, &[], &[]).is_err(), "{bytes:?}");
        }
    }
}
