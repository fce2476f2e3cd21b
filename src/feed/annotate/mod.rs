//! The publisher's feed with our additions: everything that it has, byte for byte, and for each enclosure the
//! torrents from which it can be had.
//!
//! The document is written anew while [`pass`] reads it, so that its reader and ours agree on what is an item:
//! what is well-formed is copied as it stands; what is not is mended in the way in which it was understood
//! (`mend`, `start_tag`, `prolog`).
//!
//! Nothing is left that would lead a subscriber of the copy astray (`scribe`). The feed's own address becomes the
//! copy's; where the feed gives none, none is added, since readers then take the one that they asked.
//! `itunes:new-feed-url` would send subscribers away, or round in a circle, and is left out. So are `rel="hub"`,
//! `cloud` and `podcast:podping`: they promise news about the publisher's address and know nothing of the copy's,
//! and a reader who relies on them would ask the copy too rarely. Links to older pages stay: there the publisher's
//! pages are the only ones.
//!
//! Always well-formed, in time and memory that grow with the length of the document. Never fetches, never
//! expands an entity, and passes on no definition that could make a reader do so.

mod alternates;
mod encoding;
mod mend;
mod prolog;
mod scope;
mod scribe;
mod start_tag;

use std::collections::{HashMap, HashSet};

use url::Url;

use super::{Error, SIZE_LIMIT, decode, guard, pass, root};
use scribe::Scribe;

/// What is added to a feed.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// The address under which the result will be found: it replaces the feed's own in links with
    /// `rel="self"`.
    pub address: String,
    /// By enclosure, its URL exactly as [`read`](super::read) gives it: other ways to get the file.
    pub alternates: HashMap<String, Vec<Alternate>>,
    /// URLs likewise: items that announce one of them are left out. They were taken down.
    pub without: HashSet<String>,
}

/// A torrent of an enclosure, as `podcast:alternateEnclosure` announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternate {
    /// The type of the medium, not of the torrent: `audio/mpeg`.
    pub media_type: String,
    /// The length of the medium in bytes.
    pub length: u64,
    /// The address of the .torrent.
    pub torrent: String,
    /// The magnet link.
    pub magnet: String,
    /// SHA-256 of the medium, for `podcast:integrity`; without one there is none.
    pub sha256: Option<[u8; 32]>,
    /// Whether it is the very file of the enclosure, over another transport. Said of an item's first
    /// enclosure only, since an item has one default.
    pub default: bool,
}

/// Why there is nothing to add to.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// The document is no feed.
    #[error("nothing can be added to the document")]
    NoFeed {
        /// What it is.
        #[from]
        source: Error,
    },
}

/// The document with the additions, in its own encoding; in UTF-8 where the document is not what it declares.
///
/// `document`, `content_type` and `base` are as for [`read`](super::read), which sees the same items and the
/// same enclosures in the result, and the additions. The result is well-formed XML, whatever the document is.
/// `base` becomes its `xml:base` (without query, and only where it is one of the web, without credentials), so
/// that relative addresses go on leading to the publisher; those of enclosures are made absolute, since few
/// podcast applications know `xml:base`.
pub fn annotate(
    document: &[u8],
    content_type: Option<&str>,
    base: Option<&Url>,
    additions: &Additions,
) -> Result<Vec<u8>, AnnotateError> {
    let body = guard::open(document, SIZE_LIMIT)?;
    let decoded = decode::decode(&body.bytes, content_type);
    let text: &str = &decoded.text;
    let (start, kind) = root::find(text)?;
    let head = prolog::Head::of(&text[..start]);
    let form = encoding::form(&body.bytes, &decoded, content_type, &head);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    head.write(form, &mut out);
    let mut scribe = Scribe::new(out, additions, base, head.entities());
    let (_, end) = pass::walk_watched(&text[start..], kind, base, &mut scribe);
    let mut out = scribe.finish(kind);
    if let Some(end) = end {
        prolog::write_tail(&text[start + end..], &mut out);
    }
    Ok(encoding::encode(out, form))
}

#[cfg(test)]
mod tests;
