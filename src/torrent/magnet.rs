//! Magnet links (BEP 9, BEP 52).

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::InfoHashes;

/// Everything but the unreserved characters of RFC 3986: a value is safe in a query, in HTML and in a shell's quotes.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The magnet link of a torrent: exact topics (`btih`, `btmh`), name, every tracker in order, every web seed.
pub fn magnet(info_hash: &InfoHashes, name: &str, trackers: &[Vec<String>], web_seeds: &[String]) -> String {
    let mut link = String::from("magnet:?");
    let mut parameter = |key: &str, value: &dyn std::fmt::Display| {
        let separator = if link.ends_with('?') { "" } else { "&" };
        // Writing to a string cannot fail.
        let _ = write!(link, "{separator}{key}={value}");
    };
    if let Some(v1) = info_hash.v1() {
        parameter("xt", &format_args!("urn:btih:{v1}"));
    }
    if let Some(v2) = info_hash.v2() {
        // A multihash: 0x12 is SHA-256, 0x20 its length.
        parameter("xt", &format_args!("urn:btmh:1220{v2}"));
    }
    parameter("dn", &utf8_percent_encode(name, VALUE));
    for tracker in trackers.iter().flatten() {
        parameter("tr", &utf8_percent_encode(tracker, VALUE));
    }
    for web_seed in web_seeds {
        parameter("ws", &utf8_percent_encode(web_seed, VALUE));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InfoHashV1, InfoHashV2};

    #[test]
    fn a_magnet_link_carries_both_hashes_name_trackers_and_web_seeds() {
        let link = magnet(
            &InfoHashes::Hybrid(InfoHashV1([0x11; 20]), InfoHashV2([0x22; 32])),
            "Über & co #1.mp3",
            &[vec!["udp://a:1/announce".to_owned()], vec!["http://b/?k=1&l=2".to_owned()]],
            &["https://example.org/a b.mp3".to_owned()],
        );
        let expected = format!(
            "magnet:?xt=urn:btih:{}&xt=urn:btmh:1220{}&dn=%C3%9Cber%20%26%20co%20%231.mp3\
             &tr=udp%3A%2F%2Fa%3A1%2Fannounce&tr=http%3A%2F%2Fb%2F%3Fk%3D1%26l%3D2\
             &ws=https%3A%2F%2Fexample.org%2Fa%20b.mp3",
            "11".repeat(20),
            "22".repeat(32),
        );
        assert_eq!(link, expected);
    }

    #[test]
    fn each_version_names_only_its_own_hash() {
        let v1 = magnet(&InfoHashes::V1(InfoHashV1([0xab; 20])), "a", &[], &[]);
        assert_eq!(v1, format!("magnet:?xt=urn:btih:{}&dn=a", "ab".repeat(20)));
        let v2 = magnet(&InfoHashes::V2(InfoHashV2([0xcd; 32])), "a", &[], &[]);
        assert_eq!(v2, format!("magnet:?xt=urn:btmh:1220{}&dn=a", "cd".repeat(32)));
    }
}
