//! Magnet links (BEP 9, BEP 52).

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{InfoHashV1, InfoHashes};

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

/// What a stranger's magnet link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MagnetLink {
    /// The exact topics that could be read.
    pub info_hash: InfoHashes,
    /// `tr`, in order.
    pub trackers: Vec<String>,
}

/// Reads a magnet link; `None` without an exact topic of a torrent.
pub fn read_magnet(link: &str) -> Option<MagnetLink> {
    let query = link.strip_prefix("magnet:?")?;
    let (mut v1, mut v2, mut trackers) = (None, None, Vec::new());
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        // `xt.1`, `tr.2`: several of a kind were numbered once.
        match key.split('.').next().unwrap_or_default() {
            "xt" => {
                v1 = v1.or_else(|| value.strip_prefix("urn:btih:").and_then(btih));
                v2 = v2.or_else(|| value.strip_prefix("urn:btmh:1220")?.to_ascii_lowercase().parse().ok());
            }
            "tr" => trackers.push(value.into_owned()),
            _ => {}
        }
    }
    Some(MagnetLink { info_hash: InfoHashes::from_parts(v1, v2)?, trackers })
}

/// 40 hexadecimal digits, or 32 of base 32 (BEP 9).
fn btih(text: &str) -> Option<InfoHashV1> {
    if text.len() != 32 {
        return text.to_ascii_lowercase().parse().ok();
    }
    let mut hash = [0; 20];
    for (bytes, letters) in hash.as_chunks_mut::<5>().0.iter_mut().zip(text.as_bytes().as_chunks::<8>().0) {
        let bits = letters.iter().try_fold(0_u64, |bits, letter| {
            let digit = match letter.to_ascii_uppercase() {
                letter @ b'A'..=b'Z' => letter - b'A',
                digit @ b'2'..=b'7' => digit - b'2' + 26,
                _ => return None,
            };
            Some(bits << 5 | u64::from(digit))
        })?;
        bytes.copy_from_slice(&bits.to_be_bytes()[3..]);
    }
    Some(InfoHashV1(hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::InfoHashV2;

    #[test]
    fn what_is_written_is_read_again() {
        let trackers = ["udp://a:1/announce".to_owned(), "http://b/?k=1&l=2".to_owned()];
        for info_hash in [
            InfoHashes::V1(InfoHashV1([0x1f; 20])),
            InfoHashes::V2(InfoHashV2([0xab; 32])),
            InfoHashes::Hybrid(InfoHashV1([0; 20]), InfoHashV2([0xff; 32])),
        ] {
            let link = magnet(&info_hash, "a & b", &[trackers.to_vec()], &[]);
            let read = read_magnet(&link).unwrap();
            assert_eq!(read, MagnetLink { info_hash, trackers: trackers.to_vec() });
        }
    }

    #[test]
    fn older_and_broken_links_are_read_as_far_as_they_can_be() {
        let hash = InfoHashes::V1("da39a3ee5e6b4b0d3255bfef95601890afd80709".parse().unwrap());
        for link in [
            "magnet:?xt=urn:btih:DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "magnet:?xt=urn:btih:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
            "magnet:?dn=x&xt.1=urn:sha1:abc&xt.2=urn:btih:3i42h3s6nnfq2msvx7xzkyayscx5qbyj&",
        ] {
            assert_eq!(read_magnet(link).map(|read| read.info_hash), Some(hash), "{link}");
        }
        for link in [
            "magnet:?",
            "magnet:",
            "",
            "https://a/?xt=urn:btih:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
            "magnet:?xt=urn:btih:zz",
            "magnet:?xt=urn:btih:1I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ",
            "magnet:?xt=urn:btih:\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}",
        ] {
            assert_eq!(read_magnet(link), None, "{link}");
        }
    }

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
