//! Stage: a feed is fetched and read, and the wanted episodes are selected.
//!
//! Reading is a line of steps, one file each: `guard` (bounded bytes), `decode` (text), `root` (what kind of
//! document), `pass` (one walk that finds items and enclosures, with `tag`, `namespaces`, `vocabulary`,
//! `sanitise` and `resolve` at hand), `metadata` (the crates `rss` and `atom_syndication` read titles, guids,
//! dates and links from what the pass has cleaned). A feed is hostile and damaged: it is read as far as it
//! can be, with a warning, and never shortened in silence. [`annotate`] writes the document anew on the same
//! way.
//!
//! Never stores anything. What is wanted of a feed is said by [`select`]; what becomes of it is decided
//! elsewhere.

mod about;
mod annotate;
mod date;
mod decode;
mod draft;
mod fetch;
mod frequency;
mod guard;
mod licences;
mod metadata;
mod namespaces;
mod opml;
mod pass;
mod resolve;
mod root;
mod sanitise;
mod select;
mod tag;
mod vocabulary;

use url::Url;

pub use annotate::{Additions, Alternate, AnnotateError, annotate};
pub use fetch::{Answer, FetchError, FetchedFeed, Pages, Source, Unread, Validators, ask};
pub use opml::{FeedList, ListedFeed, OPML_SIZE, read_list};
pub use select::{Verdict, is_torrent, official_torrent, select};

use crate::model::{Feed, Item};
use draft::{Draft, DraftItem};

/// The largest document that [`read`] takes, in bytes, packed or unpacked. The largest real feed in use has a
/// tenth of it.
pub const SIZE_LIMIT: usize = 32 * 1024 * 1024;

/// As many items are read by a crate at a time: its own form of an item takes a kilobyte.
const ITEMS_AT_ONCE: usize = 64;

/// A document that is no feed, or not one that can be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing but white space.
    #[error("the document is empty")]
    Empty,
    /// Larger than the caller takes.
    #[error("the document is larger than {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// A web page.
    #[error("the document is a web page, not a feed{}", page_hint(.feed.as_deref()))]
    WebPage {
        /// The feed that the page names, as written there.
        feed: Option<String>,
    },
    /// A list of subscriptions.
    #[error(
        "the document is an OPML list of feeds, not a feed; `podseed shows import` takes all feeds of such a list"
    )]
    Opml,
    /// No list of subscriptions.
    #[error("the document is no OPML list: there is no <opml> in it")]
    NoOpml,
    /// JSON Feed, or other JSON.
    #[error("the document is JSON, not RSS or Atom; use the show's RSS feed")]
    Json,
    /// Markup, but no feed.
    #[error("the document is neither RSS nor Atom: its first element is <{root}>")]
    OtherMarkup {
        /// The name of its first element.
        root: String,
    },
    /// No markup at all.
    #[error("the document is neither RSS nor Atom: there is no element in it")]
    NoMarkup,
}

fn page_hint(feed: Option<&str>) -> String {
    feed.map_or_else(
        || "; look on it for the address of the feed".to_owned(),
        |feed| format!("; the feed that it names is {feed}"),
    )
}

/// Reads a feed of at most [`SIZE_LIMIT`] bytes.
///
/// `content_type` is the HTTP header of that name. `base` is where the document came from, after redirects:
/// relative addresses are resolved against it, and only a document from a `file:` URL may name local files.
pub fn read(bytes: &[u8], content_type: Option<&str>, base: Option<&Url>) -> Result<Feed, Error> {
    read_within(bytes, content_type, base, SIZE_LIMIT)
}

fn read_within(
    bytes: &[u8],
    content_type: Option<&str>,
    base: Option<&Url>,
    size_limit: usize,
) -> Result<Feed, Error> {
    let body = guard::open(bytes, size_limit)?;
    let decoded = decode::decode(&body.bytes, content_type);
    let (start, kind) = root::find(&decoded.text)?;
    let mut draft = pass::walk(&decoded.text[start..], kind, base);
    if decoded.damaged {
        draft.warn("some bytes do not fit the declared encoding; their letters were guessed");
    }
    if body.cut {
        draft.truncated = true;
        draft.warn("the gzip stream is damaged or ends early");
    }
    if root::is_junk(&decoded.text[..start]) {
        draft.warn("text before the feed's beginning was skipped");
    }
    Ok(finish(draft))
}

/// Joins what the pass has found and what the crates read.
fn finish(mut draft: Draft) -> Feed {
    let kind = draft.kind;
    let texts = metadata::show(kind, &draft.show.fields).unwrap_or_else(|refusal| {
        draft.warn(format!("the show's texts cannot be read: {refusal}"));
        metadata::ShowTexts::default()
    });
    let items = finish_items(&mut draft);
    let show = draft.show;
    let about = show.about.said();
    Feed {
        title: texts.title,
        kind,
        link: texts.link,
        language: about.language,
        description: about.description,
        author: about.author,
        image: about.image,
        items,
        warnings: draft.warnings,
        truncated: draft.truncated,
        next_page: show.next.or(show.previous_archive),
        new_feed_url: texts.new_feed_url,
        licence: show.licence.stated(),
        locked: show.locked,
        blocked: show.block.is_blocked(),
        poll_interval: show.poll_interval.or(texts.poll_interval),
    }
}

fn finish_items(draft: &mut Draft) -> Vec<Item> {
    let mut drafts = std::mem::take(&mut draft.items);
    let mut items = Vec::with_capacity(drafts.len());
    for some in drafts.chunks_mut(ITEMS_AT_ONCE) {
        let texts = metadata::items(draft.kind, some);
        for (item, texts) in some.iter_mut().zip(texts) {
            let texts = texts.unwrap_or_else(|refusal| {
                draft.warn(format!("the texts of an item cannot be read: {refusal}"));
                metadata::ItemTexts::default()
            });
            items.push(finish_item(std::mem::take(item), texts));
        }
    }
    items
}

fn finish_item(item: DraftItem, texts: metadata::ItemTexts) -> Item {
    Item {
        guid: texts.guid,
        title: texts.title,
        date: texts.date,
        link: texts.link,
        live: item.live,
        enclosures: item.enclosures,
        licence: item.licence.stated(),
    }
}

#[cfg(test)]
mod tests;
