//! The elements that are added, and whether an item has them already.

use std::collections::HashSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Alternate;
use super::mend::push_escaped;

/// The namespace of Podcasting 2.0.
pub(super) const PODCAST: &str = "https://podcastindex.org/namespace/1.0";
/// The prefix where `podcast` means something else; declared on the element itself, so that nothing around it
/// matters.
const OTHER_PREFIX: &str = "podcast2";

/// How an element names its namespace where it is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `podcast` means Podcasting 2.0.
    Usual,
    /// `podcast` means nothing yet: the root element has to declare it.
    Undeclared,
    /// `podcast` means something else.
    Taken,
}

/// `podcast:alternateEnclosure`, its children in the order of the namespace's examples.
pub(super) fn element(alternate: &Alternate, is_default: bool, prefix: Prefix) -> String {
    let (name, declaration) = match prefix {
        Prefix::Usual | Prefix::Undeclared => ("podcast", String::new()),
        Prefix::Taken => (OTHER_PREFIX, format!(" xmlns:{OTHER_PREFIX}=\"{PODCAST}\"")),
    };
    let mut out = format!("<{name}:alternateEnclosure{declaration}");
    attribute(&mut out, "type", &alternate.media_type);
    attribute(&mut out, "length", &alternate.length.to_string());
    if is_default {
        attribute(&mut out, "default", "true");
    }
    let _ = write!(out, "><{name}:source");
    attribute(&mut out, "uri", &alternate.torrent);
    attribute(&mut out, "contentType", "application/x-bittorrent");
    let _ = write!(out, "/><{name}:source");
    attribute(&mut out, "uri", &alternate.magnet);
    out.push_str("/>");
    if let Some(sha256) = alternate.sha256 {
        let _ = write!(out, "<{name}:integrity type=\"sri\"");
        attribute(&mut out, "value", &format!("sha256-{}", STANDARD.encode(sha256)));
        out.push_str("/>");
    }
    let _ = write!(out, "</{name}:alternateEnclosure>");
    out
}

fn attribute(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}=\"");
    push_escaped(out, value);
    out.push('"');
}

/// The torrents to which the sources of an item lead: by address, and by info hash, so that the copy of another
/// mirror is recognised too.
#[derive(Debug, Default)]
pub(super) struct Known(HashSet<String>);

impl Known {
    /// Takes note of a source.
    pub(super) fn note(&mut self, source: &str) {
        self.0.extend(info_hashes(source));
        self.0.insert(source.to_owned());
    }

    /// Takes note of an alternate; says whether one of its sources was known before.
    pub(super) fn note_alternate(&mut self, alternate: &Alternate) -> bool {
        let is_known = self.0.contains(&alternate.torrent)
            || self.0.contains(&alternate.magnet)
            || info_hashes(&alternate.magnet).any(|topic| self.0.contains(&topic));
        self.note(&alternate.torrent);
        self.note(&alternate.magnet);
        is_known
    }
}

/// Exact topics of a magnet link, in lower case.
fn info_hashes(magnet: &str) -> impl Iterator<Item = String> {
    let query = magnet.get(..8).filter(|start| start.eq_ignore_ascii_case("magnet:?")).map(|_| &magnet[8..]);
    let parameters = query.unwrap_or_default().split('&');
    parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_topic = name == "xt" || name.starts_with("xt.");
        is_topic.then(|| value.to_ascii_lowercase().replace("%3a", ":"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternate() -> Alternate {
        Alternate {
            media_type: "audio/mpeg".to_owned(),
            length: 5,
            torrent: "https://m.test/a.torrent".to_owned(),
            magnet: "magnet:?xt=urn:btih:ABcd&dn=a&tr=udp://t".to_owned(),
            sha256: Some([0xff; 32]),
            default: true,
        }
    }

    #[test]
    fn the_element_is_as_the_namespace_wants_it() {
        assert_eq!(
            element(&alternate(), true, Prefix::Usual),
            "<podcast:alternateEnclosure type=\"audio/mpeg\" length=\"5\" default=\"true\">\
             <podcast:source uri=\"https://m.test/a.torrent\" contentType=\"application/x-bittorrent\"/>\
             <podcast:source uri=\"magnet:?xt=urn:btih:ABcd&amp;dn=a&amp;tr=udp://t\"/>\
             <podcast:integrity type=\"sri\" value=\"sha256-//////////////////////////////////////////8=\"/>\
             </podcast:alternateEnclosure>"
        );
        let other = element(&Alternate { sha256: None, ..alternate() }, false, Prefix::Taken);
        assert!(other.starts_with(&format!(
            "<podcast2:alternateEnclosure xmlns:podcast2=\"{PODCAST}\" type=\"audio/mpeg\" length=\"5\"><podcast2:source "
        )));
        assert!(!other.contains("integrity") && other.ends_with("</podcast2:alternateEnclosure>"));
    }

    #[test]
    fn the_same_torrent_of_another_mirror_is_known() {
        let known = |source: &str| {
            let mut known = Known::default();
            known.note(source);
            known.note_alternate(&alternate())
        };
        assert!(known("https://m.test/a.torrent"));
        assert!(known("magnet:?dn=x&xt=urn:btih:abCD"));
        assert!(known("MAGNET:?xt.1=urn%3Abtih%3AABCD"));
        assert!(!known("magnet:?xt=urn:btih:abce"));
        assert!(!known("https://m.test/b.torrent") && !known("x"));
        let mut known = Known::default();
        assert!(!known.note_alternate(&alternate()) && known.note_alternate(&alternate()));
    }
}
