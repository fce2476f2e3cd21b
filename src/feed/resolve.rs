//! Last step of reading: what a feed writes as an address becomes one that can be asked for, or nothing.
//!
//! Never decodes: `%2F` stays `%2F`, and an address that is sound already stays letter by letter as it is.

use url::Url;

/// A longer base is ignored: it would be copied into every address.
const LONGEST_BASE: usize = 500;

/// What became of an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Usable; relative only where there was nothing to resolve it against.
    Address(String),
    /// Empty.
    Nothing,
    /// A scheme that podseed does not use.
    Refused(String),
}

/// Resolves an address against `base`. Web addresses and magnet links are let through; `file:` only in a
/// document that is a local file itself.
pub(super) fn resolve(raw: &str, base: Option<&Url>, local: bool) -> Resolved {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if trimmed.is_empty() {
        return Resolved::Nothing;
    }
    if is_sound(trimmed) {
        return Resolved::Address(trimmed.to_owned());
    }
    let as_written = || Resolved::Address(trimmed.to_owned());
    match Url::parse(trimmed) {
        Ok(url) => checked(url, local),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            base.and_then(|base| base.join(trimmed).ok()).map_or_else(as_written, |url| checked(url, local))
        }
        // A broken host or port: whoever asks for it will say so.
        Err(_) => match trimmed.split(':').next() {
            Some(scheme) if !is_usable(scheme, local) => Resolved::Refused(shortened(scheme)),
            _ => as_written(),
        },
    }
}

/// Whether an address depends on where the document is.
pub(super) fn is_relative(raw: &str) -> bool {
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let parsed = || Url::parse(trimmed);
    !trimmed.is_empty()
        && !is_sound(trimmed)
        && matches!(parsed(), Err(url::ParseError::RelativeUrlWithoutBase))
}

fn checked(url: Url, local: bool) -> Resolved {
    if is_usable(url.scheme(), local) {
        Resolved::Address(url.into())
    } else {
        Resolved::Refused(shortened(url.scheme()))
    }
}

/// The base that an `xml:base` attribute sets (XML Base, section 4): resolved against the one around it.
pub(super) fn base(raw: &str, outer: Option<&Url>, local: bool) -> Option<Url> {
    let raw = raw.trim();
    let url = match outer {
        Some(outer) => outer.join(raw),
        None => Url::parse(raw),
    };
    let is_base = |url: &Url| {
        is_usable(url.scheme(), local) && !url.cannot_be_a_base() && url.as_str().len() <= LONGEST_BASE
    };
    url.ok().filter(is_base)
}

fn is_usable(scheme: &str, local: bool) -> bool {
    ["http", "https", "magnet"].iter().any(|usable| usable.eq_ignore_ascii_case(scheme))
        || (local && scheme.eq_ignore_ascii_case("file"))
}

/// A web address or magnet link that needs no repair.
fn is_sound(text: &str) -> bool {
    let start =
        |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    ["https://", "http://", "magnet:?"].into_iter().any(start)
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn shortened(scheme: &str) -> String {
    scheme.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(raw: &str, base: &str) -> Resolved {
        let base = Url::parse(base).unwrap();
        resolve(raw, Some(&base), base.scheme() == "file")
    }

    fn address(text: &str) -> Resolved {
        Resolved::Address(text.to_owned())
    }

    #[test]
    fn relative_addresses_follow_the_base() {
        let base = "https://radio.test/feeds/show.xml?x=1";
        assert_eq!(web("ep 1.mp3", base), address("https://radio.test/feeds/ep%201.mp3"));
        assert_eq!(web("/a%2Fb.mp3", base), address("https://radio.test/a%2Fb.mp3"));
        assert_eq!(web("//cdn.test/a.mp3", base), address("https://cdn.test/a.mp3"));
        assert_eq!(web("?ep=5", base), address("https://radio.test/feeds/show.xml?ep=5"));
    }

    #[test]
    fn sound_addresses_stay_as_they_are_written() {
        for raw in
            ["https://A.test/tag%3Ax%2Fy.mp3", "http://a.test/x.mp3?http://b.test/", "magnet:?xt=urn:btih:a"]
        {
            assert_eq!(resolve(&format!("\n {raw}\t"), None, false), address(raw));
        }
        assert_eq!(
            resolve("https://bücher.test/my show.mp3", None, false),
            address("https://xn--bcher-kva.test/my%20show.mp3")
        );
    }

    #[test]
    fn a_feed_from_the_web_never_names_a_local_file() {
        let base = "https://radio.test/feed";
        for raw in [
            "file:///etc/passwd",
            "FILE:/etc/passwd",
            "javascript:alert(1)",
            "data:audio/mpeg,x",
            "fi\tle:///x",
        ] {
            assert!(matches!(web(raw, base), Resolved::Refused(_)), "{raw}");
        }
        assert!(super::base("file:///etc/", Some(&Url::parse(base).unwrap()), false).is_none());
    }

    #[test]
    fn a_local_feed_names_files_beside_it_and_web_addresses() {
        let base = "file:///srv/own/feed.xml";
        assert_eq!(web("a.mp3", base), address("file:///srv/own/a.mp3"));
        assert_eq!(web("https://a.test/a.mp3", base), address("https://a.test/a.mp3"));
    }

    #[test]
    fn without_a_base_a_relative_address_stays_relative() {
        assert_eq!(resolve(" test.mp3 ", None, false), address("test.mp3"));
        assert_eq!(resolve("ep/1:2.mp3", None, false), address("ep/1:2.mp3"));
        assert_eq!(resolve(" \n", None, false), Resolved::Nothing);
    }
}
