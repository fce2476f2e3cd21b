//! A feed as it was read: what the publisher announces, before podseed decides anything.

use jiff::Timestamp;

use super::words::words;

/// The family of a feed document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// RSS 2.0 and 0.9x.
    Rss,
    /// Atom 1.0 and 0.3.
    Atom,
    /// RSS 1.0.
    Rdf,
}

/// How an item announces a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// `<enclosure>` of RSS, mod_enclosure of RSS 1.0, or `<link rel="enclosure">` of an Atom entry.
    Enclosure,
    /// A source of `podcast:alternateEnclosure`.
    Alternate,
    /// `media:content` of Media RSS.
    Media,
    /// `<atom:link rel="enclosure">` inside RSS.
    AtomLink,
}

words!(Role {
    Enclosure = "enclosure",
    Alternate = "alternate",
    Media = "media",
    AtomLink = "atom-link",
});

/// One media file of an item, as the feed announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// Absolute where the feed or its address allowed to resolve it; otherwise as in the feed.
    /// Never decoded: `%2F` stays `%2F`.
    pub url: String,
    /// The type that the feed claims.
    pub media_type: Option<String>,
    /// The length that the feed claims, in bytes, when it is a positive number. Often wrong: a hint.
    pub length: Option<u64>,
    /// How it is announced.
    pub role: Role,
}

/// One item of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The item's identity in its feed, white space collapsed; `None` when missing or empty.
    pub guid: Option<String>,
    /// The title as plain text, white space collapsed; may be empty.
    pub title: String,
    /// When it was published; `None` when the feed gives no date that can be read.
    pub date: Option<Timestamp>,
    /// The item's page.
    pub link: Option<String>,
    /// A live stream (`podcast:liveItem`): listed, never downloaded.
    pub live: bool,
    /// In the feed's order, each URL once per role.
    pub enclosures: Vec<Enclosure>,
    /// The item's own licence, as text or address; it counts instead of the show's.
    /// [`licence::read`](super::licence::read) says what it means.
    pub licence: Option<String>,
}

/// A feed document, or several pages of one, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The show's title.
    pub title: String,
    /// Which family of documents.
    pub kind: FeedKind,
    /// The show's page.
    pub link: Option<String>,
    /// The language as the feed writes it (`de-de`): `<language>`, `dc:language`, or `xml:lang` around the show.
    pub language: Option<String>,
    /// What the show is about, as plain text without markup, white space collapsed, at most 4,000 bytes.
    pub description: Option<String>,
    /// Who makes the show: `itunes:author`, Atom's author, or the name in `managingEditor`; never a bare mail
    /// address.
    pub author: Option<String>,
    /// The show's picture: an absolute `http` or `https` URL of `itunes:image`, else `image` of RSS or `logo` of
    /// Atom.
    pub image: Option<String>,
    /// In document order.
    pub items: Vec<Item>,
    /// What was damaged or unusual, for people.
    pub warnings: Vec<String>,
    /// Whether the document ended early: a missing item then means nothing.
    pub truncated: bool,
    /// The next page with older items (RFC 5005: `next` or `prev-archive`).
    pub next_page: Option<String>,
    /// `itunes:new-feed-url`.
    pub new_feed_url: Option<String>,
    /// The show's licence, as text or address.
    pub licence: Option<String>,
    /// `podcast:locked`.
    pub locked: bool,
    /// `podcast:block`, unbounded or for us.
    pub blocked: bool,
    /// `ttl`, `sy:updatePeriod` or `podcast:updateFrequency` as the feed's own wish between two polls, in seconds.
    pub poll_interval: Option<u64>,
}
