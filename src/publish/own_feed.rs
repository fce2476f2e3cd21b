//! `podcast.xml` of a show of own files: a podcast feed that podseed writes itself, for there is no publisher's.
//!
//! RSS 2.0 with the namespaces of iTunes and Podcasting 2.0. An item's enclosure is what a podcast app can play: the
//! file on our site, with `web_seed`. Without, there is no address of the file that everybody could use, and an item
//! without an enclosure is none in any app; so the enclosure is the torrent then (`application/x-bittorrent`), as in
//! feeds for BitTorrent programs, which take it as it is. In both cases `podcast:alternateEnclosure` has torrent,
//! magnet link and checksum of the file itself.
//!
//! Guids and dates are the episodes' own, and nothing depends on the clock: the same show is the same feed.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use quick_xml::escape::partial_escape;
use rss::extension::atom::{AtomExtension, Link as AtomLink};
use rss::extension::itunes::{ITunesChannelExtension, ITunesItemExtension, ITunesOwner};
use rss::extension::{Extension, ExtensionMap};
use rss::{Channel, Enclosure, Guid, Image, Item};

use super::text::{Link, Text, language_tag};
use super::{Options, SiteFile, media_path, torrent_path};
use crate::model::{OwnFile, PublishedEpisode, PublishedFile, PublishedShow};

const ITUNES: &str = "http://www.itunes.com/dtds/podcast-1.0.dtd";
const PODCAST: &str = "https://podcastindex.org/namespace/1.0";
const TORRENT_TYPE: &str = "application/x-bittorrent";
/// The namespace of `podcast:guid`, as the specification gives it: ead4c236-bf58-58c6-a2c6-a6b28d128cb6.
const GUID_NAMESPACE: [u8; 16] =
    [0xea, 0xd4, 0xc2, 0x36, 0xbf, 0x58, 0x58, 0xc6, 0xa2, 0xc6, 0xa6, 0xb2, 0x8d, 0x12, 0x8c, 0xb6];
/// Apple's limit for descriptions, in characters.
const DESCRIPTION: usize = 4000;

/// What the feed says beside what the pages do.
#[derive(Debug, Clone, Default)]
pub struct OwnDetails {
    /// What the tags say of each file, by its name.
    pub files: HashMap<String, OwnFile>,
    /// The owner's address.
    pub email: Option<String>,
}

/// `SLUG/podcast.xml`; `None` without `base_url`.
pub fn podcast(show: &PublishedShow, details: &OwnDetails, options: &Options) -> Option<SiteFile> {
    let path = format!("{}/podcast.xml", show.slug);
    let address = options.absolute(&path)?;
    let page = String::from(options.absolute(&format!("{}/", show.slug))?);
    let title = Text::title(&show.title).or(&show.slug).to_string();
    let description = show.description.as_deref().and_then(description).unwrap_or_else(|| title.clone());
    let author = show.author.as_deref().map(|author| Text::title(author).to_string());
    let cover = show.cover.then(|| options.absolute(&format!("{}/cover.jpg", show.slug))).flatten();
    let cover = cover.map(String::from);
    let owner = details.email.as_ref().map(|email| ITunesOwner {
        name: author.clone().or_else(|| Some(title.clone())),
        email: Some(Text::title(email).to_string()),
    });
    let episodes = show.episodes.iter();
    let channel = Channel {
        link: show.link.as_deref().and_then(Link::parse).map_or(page.clone(), |link| link.to_string()),
        language: show.language.as_deref().and_then(language_tag),
        description: partial_escape(description.as_str()).into_owned(),
        generator: Some("podseed".to_owned()),
        image: cover.clone().map(|url| Image { url, title: title.clone(), link: page, ..Image::default() }),
        items: episodes.filter_map(|episode| item(show, episode, details, options)).collect(),
        itunes_ext: Some(ITunesChannelExtension {
            author,
            summary: Some(description),
            image: cover,
            explicit: Some("false".to_owned()),
            owner,
            ..ITunesChannelExtension::default()
        }),
        atom_ext: Some(self_link(&address)),
        extensions: of_podcast([element("guid", Some(podcast_guid(address.as_str())), [], [])]),
        namespaces: namespaces(),
        title,
        ..Channel::default()
    };
    // Writing to memory cannot fail.
    let mut bytes = channel.pretty_write_to(Vec::new(), b' ', 1).unwrap_or_default();
    bytes.push(b'\n');
    Some(SiteFile::new(path, bytes))
}

fn self_link(address: &url::Url) -> AtomExtension {
    let mime_type = Some("application/rss+xml".to_owned());
    let link =
        AtomLink { rel: "self".to_owned(), href: address.to_string(), mime_type, ..AtomLink::default() };
    AtomExtension { links: vec![link] }
}

fn namespaces() -> BTreeMap<String, String> {
    [("itunes", ITUNES), ("podcast", PODCAST)]
        .map(|(name, address)| (name.to_owned(), address.to_owned()))
        .into()
}

fn item(
    show: &PublishedShow,
    episode: &PublishedEpisode,
    details: &OwnDetails,
    options: &Options,
) -> Option<Item> {
    let file = episode.in_force().next()?;
    let said = details.files.get(&file.name);
    let about = said.and_then(|said| said.description.as_deref()).and_then(description);
    let torrent = String::from(options.absolute(&torrent_path(&show.slug, &file.name))?);
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    Some(Item {
        title: Some(Text::title(&episode.title).or(&file.name).to_string()),
        description: about.as_deref().map(|about| partial_escape(about).into_owned()),
        enclosure: Some(enclosure(show, file, &torrent, options)?),
        guid: episode.guid.clone().map(|value| Guid { value, permalink: false }),
        pub_date: episode.date.and_then(date),
        itunes_ext: Some(ITunesItemExtension {
            author: said
                .and_then(|said| said.author.as_deref())
                .map(|author| Text::title(author).to_string()),
            summary: about,
            duration: said.and_then(|said| said.duration).map(|seconds| seconds.to_string()),
            explicit: Some("false".to_owned()),
            season: number(said.and_then(|said| said.season)),
            episode: number(said.and_then(|said| said.number)),
            ..ITunesItemExtension::default()
        }),
        extensions: of_podcast([alternate(file, torrent)]),
        ..Item::default()
    })
}

/// See the module.
fn enclosure(
    show: &PublishedShow,
    file: &PublishedFile,
    torrent: &str,
    options: &Options,
) -> Option<Enclosure> {
    if !options.web_seed {
        let (url, length) = (torrent.to_owned(), file.torrent_length.to_string());
        return Some(Enclosure { url, length, mime_type: TORRENT_TYPE.to_owned() });
    }
    Some(Enclosure {
        url: options.absolute(&media_path(&show.slug, &file.name))?.into(),
        length: file.length.to_string(),
        mime_type: file.media_type.clone(),
    })
}

/// Plain text of bounded length, in paragraphs.
fn description(text: &str) -> Option<String> {
    let mut left = DESCRIPTION;
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = Text::of(line, left).to_string();
        left = left.saturating_sub(line.chars().count() + 1);
        lines.extend(Some(line).filter(|line| !line.is_empty()));
        if left == 0 {
            break;
        }
    }
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn date(date: Timestamp) -> Option<String> {
    rfc2822::to_string(&date.to_zoned(TimeZone::UTC)).ok()
}

fn alternate(file: &PublishedFile, torrent: String) -> Extension {
    let torrent = [("uri", torrent), ("contentType", TORRENT_TYPE.to_owned())];
    let mut children = vec![
        element("source", None, torrent, []),
        element("source", None, [("uri", file.magnet.clone())], []),
    ];
    if let Some(sha256) = file.sha256 {
        let value = format!("sha256-{}", STANDARD.encode(sha256));
        children.push(element("integrity", None, [("type", "sri".to_owned()), ("value", value)], []));
    }
    let attributes = [
        ("type", file.media_type.clone()),
        ("length", file.length.to_string()),
        ("default", "true".to_owned()),
    ];
    element("alternateEnclosure", None, attributes, children)
}

/// An element of Podcasting 2.0.
fn element(
    name: &str,
    value: Option<String>,
    attributes: impl IntoIterator<Item = (&'static str, String)>,
    children: impl IntoIterator<Item = Extension>,
) -> Extension {
    let mut below: BTreeMap<String, Vec<Extension>> = BTreeMap::new();
    for child in children {
        let local = child.name.trim_start_matches("podcast:").to_owned();
        below.entry(local).or_default().push(child);
    }
    Extension {
        name: format!("podcast:{name}"),
        value,
        attrs: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        children: below,
    }
}

fn of_podcast(elements: impl IntoIterator<Item = Extension>) -> ExtensionMap {
    let mut map: BTreeMap<String, Vec<Extension>> = BTreeMap::new();
    for element in elements {
        let local = element.name.trim_start_matches("podcast:").to_owned();
        map.entry(local).or_default().push(element);
    }
    BTreeMap::from([("podcast".to_owned(), map)])
}

/// `podcast:guid`: UUID version 5 (RFC 9562) of the feed's address without its scheme.
fn podcast_guid(address: &str) -> String {
    let name = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&GUID_NAMESPACE, name.as_bytes()].concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_podcast_guid_is_that_of_the_specification() {
        // The example of the specification of podcast:guid.
        assert_eq!(
            podcast_guid("https://mp3s.nashownotes.com/pc20rss.xml"),
            "917393e3-1b1e-5cef-ace4-edaa54e1f810"
        );
    }
}
