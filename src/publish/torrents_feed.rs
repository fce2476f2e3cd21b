//! `torrents.xml`: the feeds from which BitTorrent programs take torrents, one item per media file.
//!
//! RSS 2.0 by BEP 36, in the form that qBittorrent's reader takes (`rss_parser.cpp`; tested with 4.5, 5.1 and 5.3), which compares
//! names of elements without their namespaces and lets the last enclosure and the last `link` win:
//! - one enclosure per item, of the type `application/x-bittorrent` exactly;
//! - no element of another namespace whose local name is one of RSS (`itunes:title`, `atom:link` in an item);
//! - `lastBuildDate`, which stands before the items, changes whenever anything else does, and only then: with the date
//!   that it has seen last, the reader does not read on;
//! - no `ttl`: BEP 36 counts it in seconds, RSS 2.0 in minutes.
//!
//! Former versions and torrents that a publisher's own has superseded are left out: a program that takes everything
//! would take one episode twice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::fmt::rfc2822::{self, DateTimeParser};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use quick_xml::escape::partial_escape;
use rss::extension::Extension;
use rss::extension::atom::{AtomExtension, Link as AtomLink};
use rss::{Channel, Enclosure, Guid, Item};

use super::pages::page_language;
use super::text::{Link, Text, language_tag};
use super::{Options, SiteFile, torrent_path};
use crate::model::{
    Basis, InfoHashes, PageLanguage, PublishedEpisode, PublishedFile, PublishedShow, Standing,
};

/// The items of the feed of all shows.
pub const NEWEST: usize = 100;

/// The type by which a reader knows a torrent (BEP 36).
const TORRENT_TYPE: &str = "application/x-bittorrent";
/// ezRSS, in the spelling that readers look for; BEP 36 prints the names in lower case.
const EZRSS: &str = "http://xmlns.ezrss.it/0.1/";
const DESCRIPTION: usize = 500;
const LAST_BUILD_DATE: (&str, &str) = ("<lastBuildDate>", "</lastBuildDate>");

/// `SLUG/torrents.xml`: every torrent of a show; `None` without `base_url`. `previous` is the file as it is now.
pub fn show_torrents(
    show: &PublishedShow,
    options: &Options,
    previous: Option<&[u8]>,
    now: Timestamp,
) -> Option<SiteFile> {
    let title = format!("{} – Torrents", show_title(show));
    let channel = Channel {
        description: match &show.description {
            Some(text) => partial_escape(Text::of(text, DESCRIPTION).to_string()).into_owned(),
            None => title.clone(),
        },
        title,
        language: show.language.as_deref().and_then(language_tag),
        items: entries(show, options).into_iter().map(|(_, item)| item).collect(),
        ..Channel::default()
    };
    finished(channel, &format!("{}/", show.slug), options, previous, now)
}

/// `torrents.xml`: the newest [`NEWEST`] torrents of all shows; `None` without `base_url`. Each show has to come with
/// at least as many of its newest.
pub fn all_torrents(
    shows: &[PublishedShow],
    options: &Options,
    previous: Option<&[u8]>,
    now: Timestamp,
) -> Option<SiteFile> {
    let (title, description) = match options.language {
        PageLanguage::English => ("Podcasts, as torrents", "The newest torrents of all podcasts"),
        PageLanguage::German => ("Podcasts als Torrents", "Die neuesten Torrents aller Podcasts"),
    };
    let mut entries: Vec<_> = shows.iter().flat_map(|show| entries(show, options)).collect();
    // Stable: what has one date stays in the order of the shows.
    entries.sort_by_key(|(date, _)| Reverse(*date));
    let channel = Channel {
        title: title.to_owned(),
        description: description.to_owned(),
        language: Some(options.language.to_string()),
        items: entries.into_iter().take(NEWEST).map(|(_, item)| item).collect(),
        ..Channel::default()
    };
    finished(channel, "", options, previous, now)
}

/// Writes `FOLDER/torrents.xml`. It has the date of the file before if all the rest is the same.
fn finished(
    mut channel: Channel,
    folder: &str,
    options: &Options,
    previous: Option<&[u8]>,
    now: Timestamp,
) -> Option<SiteFile> {
    let path = format!("{folder}torrents.xml");
    channel.link = options.absolute(folder)?.into();
    let href = options.absolute(&path)?.into();
    let mime_type = Some("application/rss+xml".to_owned());
    channel.generator = Some("podseed".to_owned());
    channel.atom_ext = Some(AtomExtension {
        links: vec![AtomLink { rel: "self".to_owned(), href, mime_type, ..AtomLink::default() }],
    });
    channel.namespaces = BTreeMap::from([("torrent".to_owned(), EZRSS.to_owned())]);

    let before = previous.and_then(build_date);
    if let (Some(previous), Some(date)) = (previous, before) {
        channel.last_build_date = Some(date.to_owned());
        let same = written(&channel);
        if same == previous {
            return Some(SiteFile::new(path, same));
        }
    }
    channel.last_build_date = date_text(after(before, now));
    Some(SiteFile::new(path, written(&channel)))
}

fn written(channel: &Channel) -> Vec<u8> {
    // Writing to memory cannot fail.
    let mut bytes = channel.pretty_write_to(Vec::new(), b' ', 1).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The date that a feed of ours has. Ours is the first such element: everything before it is escaped.
fn build_date(feed: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(feed).ok()?;
    let (open, close) = LAST_BUILD_DATE;
    Some(text.split_once(open)?.1.split_once(close)?.0)
}

/// Now, but later than the date before, which counts in seconds.
fn after(before: Option<&str>, now: Timestamp) -> Timestamp {
    let before = before.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let next = before.and_then(|date| date.checked_add(SignedDuration::from_secs(1)).ok());
    next.map_or(now, |next| next.max(now))
}

fn date_text(date: Timestamp) -> Option<String> {
    rfc2822::to_string(&date.to_zoned(TimeZone::UTC)).ok()
}

fn show_title(show: &PublishedShow) -> Text {
    Text::title(&show.title).or(&show.slug)
}

/// The items of a show with their dates, in the show's order.
fn entries(show: &PublishedShow, options: &Options) -> Vec<(Timestamp, Item)> {
    let mut entries = Vec::new();
    for episode in &show.episodes {
        let is_one_of_many = episode.in_force().count() > 1;
        let of_episode = episode.in_force();
        entries.extend(of_episode.filter_map(|file| entry(show, episode, file, is_one_of_many, options)));
    }
    entries
}

fn entry(
    show: &PublishedShow,
    episode: &PublishedEpisode,
    file: &PublishedFile,
    is_one_of_many: bool,
    options: &Options,
) -> Option<(Timestamp, Item)> {
    let date = date(episode, file);
    let item = Item {
        title: Some(title(show, episode, is_one_of_many.then_some(file))),
        // The publisher's own page comes first. No reader takes a web page for the torrent while there is an enclosure.
        link: Some(match episode.link.as_deref().and_then(web_page) {
            Some(page) => page,
            None => options.absolute(&format!("{}/", show.slug))?.into(),
        }),
        description: Some(description(show, episode, file, options)),
        enclosure: Some(Enclosure {
            url: options.absolute(&torrent_path(&show.slug, &file.name))?.into(),
            // Of the .torrent, as BEP 36 and RSS say it: the bytes that the URL gives. The file's own length is in
            // torrent:contentLength.
            length: file.torrent_length.to_string(),
            mime_type: TORRENT_TYPE.to_owned(),
        }),
        guid: Some(Guid { value: identity(&file.info_hash), permalink: false }),
        pub_date: date_text(date),
        extensions: BTreeMap::from([("torrent".to_owned(), ezrss(file))]),
        ..Item::default()
    };
    Some((date, item))
}

/// When the torrent became news: with the episode, or when it took the place of an earlier file; never later than it
/// was there.
fn date(episode: &PublishedEpisode, file: &PublishedFile) -> Timestamp {
    let since = match file.standing {
        Standing::Current { since, .. } => since,
        _ => None,
    };
    since.or(episode.date).map_or(file.published, |date| date.min(file.published))
}

/// The info hash, as BEP 36 has it: the same torrent is the same item wherever its feed or file moves.
fn identity(info_hash: &InfoHashes) -> String {
    match (info_hash.v1(), info_hash.v2()) {
        (None, Some(v2)) => v2.to_string(),
        (v1, _) => v1.map(|v1| v1.to_string()).unwrap_or_default(),
    }
}

/// `Show: Episode`, for a list in which many shows stand; with the file's name where an episode has several.
fn title(show: &PublishedShow, episode: &PublishedEpisode, one_of_many: Option<&PublishedFile>) -> String {
    let show = show_title(show).to_string();
    let episode = Text::title(&episode.title).or("–").to_string();
    let says_the_show = episode
        .to_lowercase()
        .strip_prefix(&show.to_lowercase())
        .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
    let mut title = if says_the_show { episode } else { format!("{show}: {episode}") };
    if let Some(file) = one_of_many {
        title = format!("{title} [{}]", Text::title(&file.name));
    }
    title
}

/// One line. Readers show it as HTML, so that it is escaped as such.
fn description(
    show: &PublishedShow,
    episode: &PublishedEpisode,
    file: &PublishedFile,
    options: &Options,
) -> String {
    let mut parts = vec![megabytes(file.length), file.media_type.clone()];
    parts.push(match episode.basis.as_ref().unwrap_or(&show.basis) {
        Basis::Licence { name, .. } => name.clone(),
        Basis::Permission(words) => words.clone(),
    });
    parts.extend(official(show, file, options));
    parts.extend(file.sha256.map(|hash| format!("SHA-256 {}", hex::encode(hash))));
    let parts: Vec<_> = parts.iter().map(|part| Text::title(part).to_string()).collect();
    partial_escape(parts.join(" · ")).into_owned()
}

/// What there is of the publisher's own.
fn official(show: &PublishedShow, file: &PublishedFile, options: &Options) -> Option<String> {
    let language = page_language(show.language.as_deref(), options);
    match &file.standing {
        Standing::Official { .. } => Some(match language {
            PageLanguage::English => "the publisher's own torrent".to_owned(),
            PageLanguage::German => "Torrent des Herausgebers".to_owned(),
        }),
        Standing::Current { official: Some(url), .. } => {
            let link = Link::parse(url)?;
            Some(match language {
                PageLanguage::English => format!("the publisher offers a torrent of his own: {link}"),
                PageLanguage::German => format!("der Herausgeber bietet selbst einen Torrent an: {link}"),
            })
        }
        _ => None,
    }
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_add(50_000) / 100_000;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn web_page(link: &str) -> Option<String> {
    let link = Link::parse(link)?.to_string();
    // A reader would take a magnet link for the torrent.
    link.starts_with("http").then_some(link)
}

/// The names do not clash with RSS elements, so that they do no harm where names are compared without namespaces.
fn ezrss(file: &PublishedFile) -> BTreeMap<String, Vec<Extension>> {
    let element = |name: &str, value: String| {
        let name = format!("torrent:{name}");
        (name.clone(), vec![Extension { name, value: Some(value), ..Extension::default() }])
    };
    let hash = file.info_hash.v1().map(|hash| element("infoHash", hash.to_string()));
    let others = [
        element("contentLength", file.length.to_string()),
        element("fileName", format!("{}.torrent", Text::title(&file.name))),
        element("magnetURI", file.magnet.clone()),
    ];
    hash.into_iter().chain(others).collect()
}
