//! Finds where a feed begins in a document, and says what a document is that has none.

use regex::Regex;
use std::sync::LazyLock;

use crate::model::FeedKind;

use super::Error;

/// The feed that a web page names (RSS Autodiscovery).
static AUTODISCOVERY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)<link\b[^<>]{0,500}\btype=["']application/(?:rss|atom)\+xml["'][^<>]{0,500}>"#).ok()
});
static HREF: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\bhref=["']([^"'<>\s]{1,500})["']"#).ok());

/// As far into a web page as it is searched for the feed that it names.
const PAGE_WINDOW: usize = 256 * 1024;

/// The position of the root element's `<`, and the kind of feed that it begins.
///
/// What stands before it (a byte order mark, blank lines, a script's warning) is skipped.
pub(super) fn find(text: &str) -> Result<(usize, FeedKind), Error> {
    let mut first = None;
    let mut position = 0;
    while let Some(found) = text[position..].find('<') {
        let start = position + found;
        let rest = &text[start..];
        position = start + skip(rest);
        let Some(name) = element_name(rest) else { continue };
        if let Some(kind) = feed_kind(name) {
            return Ok((start, kind));
        }
        let first = *first.get_or_insert(name);
        if is_page(first) || local(first).eq_ignore_ascii_case("opml") {
            break;
        }
    }
    Err(refusal(text, first))
}

/// Whether more than declarations, comments and white space stands before the root element.
pub(super) fn is_junk(before: &str) -> bool {
    let mut rest = before.trim_start_matches('\u{feff}').trim_start();
    while rest.starts_with("<?") || rest.starts_with("<!") {
        let end = skip(rest);
        rest = rest[end..].trim_start_matches(|c: char| c != '<').trim_start();
    }
    !rest.is_empty()
}

/// The length of what is to be skipped: a whole comment or instruction (one that never ends takes all the
/// rest), else the `<`.
fn skip(rest: &str) -> usize {
    let closing = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
    let (_, end) = closing.into_iter().find(|(begin, _)| rest.starts_with(begin)).unwrap_or(("", ""));
    if end.is_empty() { 1 } else { rest.find(end).map_or(rest.len(), |at| at + end.len()) }
}

fn element_name(rest: &str) -> Option<&str> {
    let name = &rest[1..];
    let end =
        name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/' | '<')).unwrap_or(name.len());
    let name = &name[..end];
    name.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(name)
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn feed_kind(name: &str) -> Option<FeedKind> {
    match local(name) {
        "rss" | "RSS" => Some(FeedKind::Rss),
        "feed" => Some(FeedKind::Atom),
        "RDF" | "rdf" => Some(FeedKind::Rdf),
        _ => None,
    }
}

fn is_page(name: &str) -> bool {
    ["html", "head", "body", "title", "meta"].iter().any(|page| page.eq_ignore_ascii_case(name))
}

fn refusal(text: &str, first: Option<&str>) -> Error {
    let trimmed = text.trim_start_matches('\u{feff}').trim_start();
    match first {
        _ if trimmed.is_empty() => Error::Empty,
        _ if trimmed.starts_with(['{', '[']) => Error::Json,
        Some(name) if is_page(name) => Error::WebPage { feed: named_feed(text) },
        _ if trimmed.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype html")) => {
            Error::WebPage { feed: named_feed(text) }
        }
        Some(name) if local(name).eq_ignore_ascii_case("opml") => Error::Opml,
        Some(name) => Error::OtherMarkup { root: name.chars().take(40).collect() },
        None => Error::NoMarkup,
    }
}

fn named_feed(page: &str) -> Option<String> {
    let window = page.get(..PAGE_WINDOW).unwrap_or(page);
    let link = AUTODISCOVERY.as_ref()?.find(window)?;
    let href = HREF.as_ref()?.captures(link.as_str())?.get(1)?;
    Some(href.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_behind_whatever_stands_before_it() {
        let cases = [
            ("<rss>", FeedKind::Rss),
            ("\u{feff}\n\n<?xml version=\"1.0\"?><!-- <feed> --><rss version='2.0'>", FeedKind::Rss),
            ("<br />\n<b>Warning</b>: x &lt; y in <b>/a.php</b><br />\n<feed xmlns='x'>", FeedKind::Atom),
            ("<a:feed xmlns:a='x'>", FeedKind::Atom),
            ("<!DOCTYPE rss [<!ENTITY a \"b\">]><rdf:RDF>", FeedKind::Rdf),
        ];
        for (text, kind) in cases {
            let (start, found) = find(text).unwrap();
            assert_eq!(found, kind, "{text}");
            assert!(matches!(text.as_bytes()[start + 1], b'r' | b'f' | b'a'), "{text}");
        }
    }

    #[test]
    fn what_is_no_feed_is_called_by_its_name() {
        let name = |text: &str| find(text).unwrap_err().to_string();
        assert_eq!(name(" \n"), "the document is empty");
        assert!(name("{\"version\": \"https://jsonfeed.org/version/1.1\"}").contains("is JSON"));
        assert!(name("<?xml version='1.0'?><opml version='2.0'>").contains("OPML"));
        assert!(name("<sitemap/>").ends_with("<sitemap>"));
        assert!(name("hello").contains("no element"));
        let page =
            "<!doctype html><html><link rel=alternate type=\"application/rss+xml\" href=\"/feed.xml\">";
        assert_eq!(name(page), "the document is a web page, not a feed; the feed that it names is /feed.xml");
    }
}
