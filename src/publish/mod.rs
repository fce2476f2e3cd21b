//! Stage: what is published: pages, feeds, catalogue, and the folder that holds them. Pure functions from
//! [`crate::model`] to files; only `site` touches the disk, through `fs`.
//!
//! Everything from a feed is hostile text: it passes through `text` before it stands in a page. The same input gives
//! the same bytes, and no clock is looked at.

pub mod catalogue;
mod cover;
pub mod kit;
pub mod listing;
pub mod opml;
pub mod own_feed;
mod pages;
pub mod site;
mod text;
pub mod torrents_feed;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

pub use cover::{CoverError, reencode};
pub use pages::{assets, index_pages, show_pages};

use crate::model::PageLanguage;

/// One file of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteFile {
    /// Relative to the site's folder, with `/`, not percent-encoded.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl SiteFile {
    /// A file of the site.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// How the site is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Where the site can be reached, ending with `/`. Without it there are no feeds.
    pub base_url: Option<Url>,
    /// The language of the list of all shows, and of shows that are in neither English nor German.
    pub language: PageLanguage,
    /// The operator's address: a page or an e-mail address.
    pub contact: Option<String>,
    /// Whether the media are on the site, too.
    pub web_seed: bool,
    /// Each show has its own list of torrents, and `torrents.txt` names these lists: else every publication would write
    /// the names of all torrents that there are.
    pub lists_by_show: bool,
}

impl Options {
    /// The absolute URL of a file of the site; `None` without `base_url`.
    pub fn absolute(&self, path: &str) -> Option<Url> {
        self.base_url.as_ref()?.join(&encode_path(path)).ok()
    }
}

/// Where the .torrent of a file lies on the site.
pub fn torrent_path(slug: &str, name: &str) -> String {
    format!("{slug}/torrents/{name}.torrent")
}

/// Where a file itself lies on the site, with `web_seed`.
pub fn media_path(slug: &str, name: &str) -> String {
    format!("{slug}/media/{name}")
}

/// What stands unencoded in a path: `unreserved` of RFC 3986, and the slashes between segments.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path of the site as it stands in a relative URL.
pub fn encode_path(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_so_that_nothing_of_it_is_read_as_url() {
        for (path, expected) in [
            ("show/torrents/a b.mp3.torrent", "show/torrents/a%20b.mp3.torrent"),
            ("show/media/50%#1?.mp3", "show/media/50%25%231%3F.mp3"),
            ("show/media/Ä&\"'.mp3", "show/media/%C3%84%26%22%27.mp3"),
        ] {
            assert_eq!(encode_path(path), expected);
        }
    }

    #[test]
    fn absolute_urls_stand_below_the_base_path() {
        let base_url = Some("https://example.org/torrents/".parse().unwrap());
        let options = Options { base_url, ..Options::default() };
        assert_eq!(
            options.absolute(&torrent_path("show", "a b.mp3")).unwrap().as_str(),
            "https://example.org/torrents/show/torrents/a%20b.mp3.torrent"
        );
        assert_eq!(Options::default().absolute("index.html"), None);
    }
}
