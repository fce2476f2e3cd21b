//! OPML: lists of feeds, as every podcast app exports them. Read as far as they can be: nested in any way, with keys in
//! any case, in any encoding, up to where the XML breaks.
//!
//! Nothing is asked of anybody, and entities that a document defines itself are not looked at.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::sanitise::{collapse, unescape};
use super::{Error, decode, guard};

/// More bytes than this are no list of feeds.
pub const OPML_SIZE: usize = 16 << 20;
/// More feeds than this nobody has subscribed to.
const MOST: usize = 50_000;

/// A list of feeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedList {
    /// In the order of the document; folders are left out, doubles are not.
    pub feeds: Vec<ListedFeed>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

/// An entry that names an address, or says that it is a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFeed {
    /// Its line in the document, counted from 1.
    pub line: usize,
    /// Its title, one line; empty where it has none.
    pub title: String,
    /// As it is written; empty where it has none.
    pub address: String,
    /// Whether it is said to be a feed, and not a link to something else.
    pub is_feed: bool,
}

/// Reads a list.
///
/// # Errors
/// If it is larger than [`OPML_SIZE`], or there is no `<opml>` in it.
pub fn read_list(bytes: &[u8]) -> Result<FeedList, Error> {
    let body = guard::open(bytes, OPML_SIZE)?;
    let text = decode::decode(&body.bytes, None).text;
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    let (mut list, mut is_opml, mut has_end) = (FeedList::default(), false, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) => {
                let name = tag.local_name();
                is_opml |= name.as_ref().eq_ignore_ascii_case(b"opml");
                if name.as_ref().eq_ignore_ascii_case(b"outline") {
                    let line = lines.of(reader.buffer_position());
                    list.feeds.extend(listed(&tag, line));
                }
            }
            Ok(Event::End(tag)) => has_end |= tag.local_name().as_ref().eq_ignore_ascii_case(b"opml"),
            Ok(Event::Eof) => {
                if !has_end {
                    list.warnings.push("the list is cut off: it has no end".to_owned());
                }
                break;
            }
            Ok(_) => {}
            Err(error) => {
                let line = lines.of(reader.error_position());
                list.warnings.push(format!("line {line}: not read any further: {error}"));
                break;
            }
        }
        if list.feeds.len() >= MOST {
            list.warnings.push(format!("only the first {MOST} entries are read"));
            break;
        }
    }
    if is_opml { Ok(list) } else { Err(Error::NoOpml) }
}

/// A folder is no entry, and no episode that an app lists below its show (Overcast).
fn listed(tag: &BytesStart<'_>, line: usize) -> Option<ListedFeed> {
    let (mut title, mut text, mut xml_url, mut url, mut kind) = Default::default();
    for attribute in tag.attributes().with_checks(false).flatten() {
        let key = String::from_utf8_lossy(attribute.key.local_name().into_inner()).to_ascii_lowercase();
        let place: &mut String = match key.as_str() {
            "title" => &mut title,
            "text" => &mut text,
            "xmlurl" => &mut xml_url,
            "url" => &mut url,
            "type" => &mut kind,
            _ => continue,
        };
        *place = collapse(&unescape(&String::from_utf8_lossy(&attribute.value)));
    }
    let kind = kind.to_ascii_lowercase();
    let is_named_so = matches!(kind.as_str(), "rss" | "atom" | "rdf" | "podcast");
    let is_feed = is_named_so || !xml_url.is_empty() || (kind.is_empty() && !url.is_empty());
    let address = if xml_url.is_empty() { url } else { xml_url };
    let title = if title.is_empty() { text } else { title };
    let is_entry = is_feed || (!address.is_empty() && kind != "podcast-episode");
    is_entry.then_some(ListedFeed { line, title, address, is_feed })
}

/// Counts lines, forwards only.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: u64) -> usize {
        let position = usize::try_from(position).unwrap_or(usize::MAX).min(self.text.len());
        if let Some(between) = self.text.as_bytes().get(self.at..position) {
            self.line += between.iter().filter(|byte| **byte == b'\n').count();
            self.at = position;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(usize, String, String)> {
        let list = read_list(text.as_bytes()).unwrap();
        list.feeds.into_iter().map(|feed| (feed.line, feed.title, feed.address)).collect()
    }

    fn entry(line: usize, title: &str, address: &str) -> (usize, String, String) {
        (line, title.to_owned(), address.to_owned())
    }

    #[test]
    fn folders_cases_and_other_kinds_are_understood() {
        let text = "\u{feff}<?xml version='1.0'?>
<opml version='1.1'><head><title>x</title></head><body>
<outline text='Folder'><outline TEXT='Deeper'>
  <outline type='rss' text='A &amp; B &eacute; &nope;' xmlUrl='https://a.test/?x=1&amp;y=2'/>
  <outline type=\"rss\" title='Title' text='Text' xmlurl=' https://b.test/ '/>
</outline></outline>
<OUTLINE XMLURL='https://c.test/'></OUTLINE>
<outline type='link' text='Page' url='https://d.test/'/>
<outline type='rss' text='Nowhere'/>
<outline type='podcast-episode' title='An episode' url='https://e.test/1'/>
</body></opml>";
        assert_eq!(
            entries(text),
            [
                entry(4, "A & B é &nope;", "https://a.test/?x=1&y=2"),
                entry(5, "Title", "https://b.test/"),
                entry(7, "", "https://c.test/"),
                entry(8, "Page", "https://d.test/"),
                entry(9, "Nowhere", ""),
            ]
        );
    }

    #[test]
    fn a_link_is_no_feed() {
        let text = "<opml><outline type='link' url='https://a.test/'/><outline url='https://b.test/'/>
            <outline type='link' xmlUrl='https://c.test/'/></opml>";
        let list = read_list(text.as_bytes()).unwrap();
        assert_eq!(list.feeds.iter().map(|feed| feed.is_feed).collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn what_is_broken_is_read_up_to_there_and_what_is_no_opml_is_refused() {
        let text =
            "<opml><body>\n<outline text='A' xmlUrl='https://a.test/'/>\n<outline text='B' xmlUrl='htt";
        let list = read_list(text.as_bytes()).unwrap();
        assert_eq!(list.feeds.len(), 1);
        assert!(list.warnings[0].starts_with("line 3: not read any further"), "{:?}", list.warnings);
        for text in ["", "<rss/>", "<html><outline xmlUrl='https://a.test/'/></html>", "opml"] {
            assert!(matches!(read_list(text.as_bytes()), Err(Error::NoOpml)), "{text}");
        }
        let large = vec![b' '; OPML_SIZE + 1];
        assert!(matches!(read_list(&large), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn entities_of_a_document_are_not_expanded_and_depth_costs_nothing() {
        let bomb = "<!DOCTYPE opml [<!ENTITY a '0123456789'><!ENTITY b '&a;&a;&a;&a;&a;'>
            <!ENTITY file SYSTEM 'file:///etc/passwd'>]>
            <opml><body><outline text='&b;&file;' xmlUrl='https://a.test/'/></body></opml>";
        assert_eq!(entries(bomb)[0].1, "&b;&file;");
        let cut = read_list(b"<opml><outline xmlUrl='https://a.test/'/>").unwrap();
        assert_eq!(cut.warnings, ["the list is cut off: it has no end"]);
        let deep = format!("<opml>{}", "<outline text='x'>".repeat(300_000));
        assert_eq!(entries(&deep), []);
    }

    #[test]
    fn other_encodings_are_read() {
        let text = "<?xml version='1.0' encoding='iso-8859-1'?><opml><outline text='K\u{fc}che' xmlUrl='https://a.test/'/></opml>";
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(read_list(&latin).unwrap().feeds[0].title, "Küche");
        let wide: Vec<u8> = std::iter::once(0xfeff)
            .chain("<opml><outline xmlUrl='https://a.test/ü'/></opml>".encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read_list(&wide).unwrap().feeds[0].address, "https://a.test/ü");
    }
}
