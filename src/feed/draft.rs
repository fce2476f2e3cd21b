//! What the pull pass finds in a document, before the feed crates have read their part of it.
//!
//! The texts that a crate has a field for are kept as a small, clean document of their own (see [`Fields`]);
//! everything else is kept as it will be used.

use quick_xml::escape::{escape, minimal_escape};

use crate::model::{Enclosure, FeedKind, Role};

use super::about::About;
use super::licences::Licences;
use super::vocabulary::Field;

/// As many enclosures of one item are listed; the largest real item has a few dozen.
const MOST_ENCLOSURES: usize = 200;
/// A longer media type is none.
const LONGEST_TYPE: usize = 200;
/// All enclosures together may take so many bytes, or so many times the document's length.
const MOST_BYTES: usize = 64 * 1024;
const MOST_BYTES_TIMES: usize = 3;
/// The fields of most items take no more, in bytes.
const USUAL: usize = 256;
/// As many different warnings are kept.
const MOST_WARNINGS: usize = 20;

/// A whole document.
pub(super) struct Draft {
    pub(super) kind: FeedKind,
    pub(super) show: DraftShow,
    /// In document order.
    pub(super) items: Vec<DraftItem>,
    pub(super) truncated: bool,
    pub(super) warnings: Vec<String>,
    /// In bytes; see [`MOST_BYTES`].
    room_for_enclosures: usize,
}

/// What is said of the show as a whole.
#[derive(Default)]
pub(super) struct DraftShow {
    pub(super) fields: Fields,
    pub(super) about: About,
    /// `next` of RFC 5005.
    pub(super) next: Option<String>,
    /// `prev-archive` of RFC 5005.
    pub(super) previous_archive: Option<String>,
    pub(super) licence: Licences,
    pub(super) locked: bool,
    pub(super) block: Block,
    /// `podcast:updateFrequency`, in seconds.
    pub(super) poll_interval: Option<u64>,
}

/// One item.
#[derive(Default)]
pub(super) struct DraftItem {
    pub(super) fields: Fields,
    pub(super) live: bool,
    pub(super) enclosures: Vec<Enclosure>,
    pub(super) licence: Licences,
}

impl Draft {
    /// For a document of so many bytes.
    pub(super) fn new(kind: FeedKind, length: usize) -> Self {
        Self {
            kind,
            show: DraftShow::default(),
            items: Vec::new(),
            truncated: false,
            warnings: Vec::new(),
            room_for_enclosures: MOST_BYTES.max(length.saturating_mul(MOST_BYTES_TIMES)),
        }
    }

    /// Adds a warning once.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < MOST_WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Adds an enclosure to an item, each URL once per role.
    pub(super) fn add_enclosure(&mut self, item: usize, enclosure: Enclosure) {
        let Some(item) = self.items.get_mut(item) else { return };
        let same = |known: &Enclosure| known.role == enclosure.role && known.url == enclosure.url;
        let size = size_of::<Enclosure>() + enclosure.url.len();
        if item.enclosures.len() >= MOST_ENCLOSURES || size > self.room_for_enclosures {
            self.warn("there are more enclosures than are listed; the rest is left out");
        } else if !item.enclosures.iter().any(same) {
            // Most items have one, and a list that grows by itself begins with room for four.
            item.enclosures.reserve_exact(usize::from(item.enclosures.is_empty()));
            item.enclosures.push(enclosure);
            self.room_for_enclosures -= size;
        }
    }
}

/// The texts that `rss` or `atom_syndication` will read, as well-formed elements in the crate's own form.
///
/// Each field is written once: the first text that says something. So the crates never see what a feed nests,
/// repeats, misspells or leaves open.
#[derive(Default)]
pub(super) struct Fields {
    xml: String,
    written: u16,
}

impl Fields {
    /// Writes a field unless it is there already or has nothing to say.
    pub(super) fn put(&mut self, kind: FeedKind, field: Field, attribute: Option<(&str, &str)>, text: &str) {
        let text = text.trim();
        let bit = 1 << (field as u16);
        let Some(name) = element_name(kind, field) else { return };
        if text.is_empty() || self.written & bit != 0 {
            return;
        }
        self.written |= bit;
        if self.xml.is_empty() {
            self.xml.reserve(USUAL);
        }
        self.xml.push('<');
        self.xml.push_str(name);
        if let Some((attribute, value)) = attribute {
            self.put_attribute(attribute, value);
        }
        if kind == FeedKind::Atom && field == Field::Link {
            self.put_attribute("href", text);
            self.xml.push_str("/>");
            return;
        }
        self.xml.push('>');
        self.xml.push_str(&minimal_escape(text));
        self.xml.push_str("</");
        self.xml.push_str(name);
        self.xml.push('>');
    }

    /// The elements written so far.
    pub(super) fn as_xml(&self) -> &str {
        &self.xml
    }

    fn put_attribute(&mut self, name: &str, value: &str) {
        self.xml.push(' ');
        self.xml.push_str(name);
        self.xml.push_str("=\"");
        self.xml.push_str(&escape(value));
        self.xml.push('"');
    }
}

/// The name under which the crate for this kind of feed knows a field.
fn element_name(kind: FeedKind, field: Field) -> Option<&'static str> {
    let name = match (field, kind) {
        (Field::Title, _) => "title",
        (Field::Link, _) => "link",
        (Field::Guid, FeedKind::Atom) => "id",
        (Field::Guid, _) => "guid",
        (Field::Published, FeedKind::Atom) => "published",
        (Field::Updated, FeedKind::Atom) => "updated",
        (Field::Published, _) => "pubDate",
        (Field::DublinCoreDate, FeedKind::Rss | FeedKind::Rdf) => "dc:date",
        (Field::Ttl, FeedKind::Rss | FeedKind::Rdf) => "ttl",
        (Field::UpdatePeriod, FeedKind::Rss | FeedKind::Rdf) => "sy:updatePeriod",
        (Field::UpdateFrequency, FeedKind::Rss | FeedKind::Rdf) => "sy:updateFrequency",
        (Field::NewFeedUrl, FeedKind::Rss | FeedKind::Rdf) => "itunes:new-feed-url",
        _ => return None,
    };
    Some(name)
}

/// What `podcast:block` says.
#[derive(Default)]
pub(super) struct Block {
    all: bool,
    ours: Option<bool>,
}

impl Block {
    /// Takes one element: for the service `id`, or for all.
    pub(super) fn note(&mut self, id: Option<&str>, text: &str) {
        let yes = is_yes(text);
        match id {
            None => self.all |= yes,
            Some(id) if id.trim().eq_ignore_ascii_case("podseed") => self.ours = Some(yes),
            Some(_) => {}
        }
    }

    /// Our own word wins over the one for all (Podcasting 2.0, `podcast:block`).
    pub(super) fn is_blocked(&self) -> bool {
        self.ours.unwrap_or(self.all)
    }
}

/// `yes`, as Apple and Podcasting 2.0 write it; `true` as well, in either case.
pub(super) fn is_yes(text: &str) -> bool {
    ["yes", "true"].iter().any(|yes| yes.eq_ignore_ascii_case(text.trim()))
}

/// A length that is a positive number and nothing else.
pub(super) fn length(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&length| is_number && length > 0)
}

/// An enclosure from the texts of its attributes.
pub(super) fn enclosure(
    url: String,
    media_type: Option<&str>,
    claimed: Option<&str>,
    role: Role,
) -> Enclosure {
    let media_type =
        media_type.map(str::trim).filter(|media_type| (1..=LONGEST_TYPE).contains(&media_type.len()));
    Enclosure { url, media_type: media_type.map(str::to_owned), length: claimed.and_then(length), role }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_positive_number_or_nothing() {
        for text in
            ["", "0", "-1", "12,345,678", "5.2 MB", "1e6", "99999999999999999999999", "7.0", "00:32:10", "+5"]
        {
            assert_eq!(length(text), None, "{text}");
        }
        assert_eq!(length(" 0007654321 "), Some(7_654_321));
    }

    #[test]
    fn our_own_block_wins_over_the_one_for_all() {
        let blocked = |elements: &[(Option<&str>, &str)]| {
            let mut block = Block::default();
            elements.iter().for_each(|(id, text)| block.note(*id, text));
            block.is_blocked()
        };
        assert!(!blocked(&[]));
        assert!(blocked(&[(None, "yes")]));
        assert!(!blocked(&[(Some("youtube"), "yes")]));
        assert!(!blocked(&[(None, "yes"), (Some("podseed"), "no")]));
        assert!(blocked(&[(None, "no"), (Some("PodSeed"), " Yes ")]));
    }

    #[test]
    fn the_first_text_that_says_something_is_the_field() {
        let mut fields = Fields::default();
        for text in [" ", "R&B <1>", "later"] {
            fields.put(FeedKind::Rss, Field::Title, None, text);
        }
        assert_eq!(fields.as_xml(), "<title>R&amp;B &lt;1></title>");
    }
}
