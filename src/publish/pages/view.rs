//! What the templates show: texts that are harmless, links that may be followed, numbers and dates as the page's
//! language writes them. No template decides anything but whether something is there.

use jiff::Timestamp;

use super::super::text::{Link, Text, language_tag};
use super::super::{Options, encode_path, media_path, torrent_path};
use super::language::{Language, day, fill};
use super::{about_path, paging};
use crate::model::{
    Basis, PageLanguage, PublishedEpisode, PublishedFile, PublishedShow, Seeder, SourceState, Standing, media,
};

/// What is around the content of every page.
#[derive(Debug)]
pub(super) struct Frame {
    /// From this page to the site's folder: ``, `../`, or a path from the server's root.
    pub root: String,
    pub title: String,
    pub description: String,
    pub canonical: Option<String>,
    pub alternates: Vec<Alternate>,
    /// The page that explains, in this page's language; from the site's folder.
    pub about: String,
}

impl Frame {
    pub(super) fn new(language: PageLanguage, root: &str, path: &str, options: &Options) -> Self {
        let t = Language::of(language);
        Self {
            root: root.to_owned(),
            title: t.site.title.to_owned(),
            description: t.site.intro.to_owned(),
            canonical: options.absolute(path.trim_end_matches("index.html")).map(String::from),
            alternates: Vec::new(),
            about: about_path(language, options),
        }
    }
}

/// A feed or a catalogue of what the page shows, for the page's head.
#[derive(Debug)]
pub(super) struct Alternate {
    pub media_type: &'static str,
    pub title: String,
    pub href: String,
}

impl Alternate {
    /// `None` for what needs a `base_url` that is not there.
    pub(super) fn feed(path: &str, title: String, options: &Options) -> Option<Self> {
        let href = options.absolute(path)?.into();
        Some(Self { media_type: "application/rss+xml", title, href })
    }

    pub(super) fn of_show(show: &PublishedShow, t: &Language, options: &Options) -> Vec<Self> {
        let title = Text::title(&show.title).or(&show.slug);
        let titled = |name: &str| format!("{title} – {name}");
        let torrents =
            Self::feed(&format!("{}/torrents.xml", show.slug), titled(t.show.torrent_feed), options);
        let podcast = Self::feed(&format!("{}/podcast.xml", show.slug), titled(t.show.podcast_feed), options);
        torrents.into_iter().chain(podcast.filter(|_| show.podcast_feed)).collect()
    }
}

/// A link to another page of the same show.
#[derive(Debug)]
pub(super) struct PageLink {
    pub href: String,
    pub words: String,
}

impl PageLink {
    pub(super) fn new(page: Option<usize>, words: impl Into<String>) -> Self {
        Self { href: paging::file_name(page), words: words.into() }
    }
}

/// A date for people and for programs.
#[derive(Debug)]
pub(super) struct DateView {
    pub iso: String,
    pub words: String,
}

impl DateView {
    pub(super) fn of(time: Timestamp, t: &Language) -> Option<Self> {
        let date = day(time);
        Some(Self { iso: date.to_string(), words: t.date(date)? })
    }
}

/// On what ground something is published.
#[derive(Debug)]
pub(super) struct BasisView {
    pub label: &'static str,
    pub words: Text,
    pub url: Option<Link>,
}

impl BasisView {
    fn new(basis: &Basis, t: &Language) -> Self {
        match basis {
            Basis::Licence { name, url } => Self {
                label: t.show.licence,
                words: Text::title(name),
                url: url.as_deref().and_then(Link::parse),
            },
            Basis::Permission(words) => {
                Self { label: t.show.permission, words: Text::title(words), url: None }
            }
        }
    }
}

/// The head of a show's page.
#[derive(Debug)]
pub(super) struct ShowView {
    pub title: Text,
    pub author: Text,
    pub paragraphs: Vec<Text>,
    /// Of what the feed says.
    pub lang: Option<String>,
    pub link: Option<Link>,
    pub feed: Option<Link>,
    pub basis: BasisView,
    pub cover: bool,
    pub tile: Tile,
    /// Whether `torrents.xml` is there.
    pub torrent_feed: bool,
    /// Whether `podcast.xml` is there.
    pub podcast_feed: bool,
}

impl ShowView {
    pub(super) fn new(show: &PublishedShow, t: &Language, options: &Options) -> Self {
        let has_feeds = options.base_url.is_some();
        let title = Text::title(&show.title).or(&show.slug);
        Self {
            author: show.author.as_deref().map(Text::title).unwrap_or_default(),
            paragraphs: show.description.as_deref().map(Text::paragraphs).unwrap_or_default(),
            lang: show.language.as_deref().and_then(language_tag),
            link: show.link.as_deref().and_then(Link::parse),
            feed: show.feed.as_deref().and_then(Link::parse),
            basis: BasisView::new(&show.basis, t),
            cover: show.cover,
            tile: Tile::of(&show.slug, &title),
            torrent_feed: has_feeds,
            podcast_feed: has_feeds && show.podcast_feed,
            title,
        }
    }

    /// One sentence or two for whoever lists the page.
    pub(super) fn summary(&self) -> String {
        let paragraph = self.paragraphs.first().map_or(&self.title, |paragraph| paragraph);
        Text::of(paragraph.as_str(), 200).to_string()
    }
}

/// What stands for a cover where there is none: the title's first letter on one of six colours.
#[derive(Debug)]
pub(super) struct Tile {
    pub letter: String,
    pub colour: u32,
}

impl Tile {
    pub(super) fn of(slug: &str, title: &Text) -> Self {
        let letter = title.as_str().chars().find(|c| c.is_alphanumeric()).unwrap_or('·');
        let colour = slug.bytes().map(u32::from).sum::<u32>() % 6;
        Self { letter: letter.to_uppercase().to_string(), colour }
    }
}

/// An episode.
#[derive(Debug)]
pub(super) struct EpisodeView {
    /// Counted from the oldest, from 1: the anchor.
    pub number: usize,
    pub title: Text,
    pub date: Option<DateView>,
    pub link: Option<Link>,
    /// Where it is not the show's.
    pub basis: Option<BasisView>,
    pub files: Vec<FileView>,
}

impl EpisodeView {
    pub(super) fn new(
        show: &PublishedShow,
        episode: &PublishedEpisode,
        number: usize,
        t: &Language,
        options: &Options,
    ) -> Self {
        let file = |file: &PublishedFile| FileView::new(&show.slug, file, t, options);
        let name = episode.files.first().map_or(show.slug.as_str(), |file| file.name.as_str());
        Self {
            number,
            title: Text::title(&episode.title).or(name),
            date: episode.date.and_then(|date| DateView::of(date, t)),
            link: episode.link.as_deref().and_then(Link::parse),
            basis: episode.basis.as_ref().map(|basis| BasisView::new(basis, t)),
            files: episode.files.iter().map(file).collect(),
        }
    }
}

/// A media file and the ways to it.
#[derive(Debug)]
pub(super) struct FileView {
    pub name: Text,
    /// `MP3`.
    pub format: String,
    pub size: String,
    pub bytes: String,
    pub badge: Option<&'static str>,
    /// Another torrent has taken its place.
    pub is_former: bool,
    pub notes: Vec<Note>,
    /// The publisher's own torrent, which comes before ours.
    pub official: Option<Link>,
    pub torrent: String,
    pub torrent_words: &'static str,
    pub magnet: Option<Link>,
    pub publisher: Option<Link>,
    pub here: Option<String>,
    pub seeding: String,
    /// A client has itself said that it seeds.
    pub is_confirmed: bool,
    pub seeders: Vec<SeederView>,
    /// Label and value of what can be copied.
    pub hashes: Vec<(String, String)>,
    pub published: Option<DateView>,
}

/// A client that has the file.
#[derive(Debug)]
pub(super) struct SeederView {
    pub client: Text,
    pub words: String,
}

/// What is to be known about a file before it is taken.
#[derive(Debug)]
pub(super) struct Note {
    pub words: String,
    pub link: Option<Link>,
    /// Whether this may not be the file that the reader wants.
    pub is_caution: bool,
}

impl Note {
    fn good(words: impl Into<String>) -> Self {
        Self { words: words.into(), link: None, is_caution: false }
    }

    fn caution(words: impl Into<String>) -> Self {
        Self { is_caution: true, ..Self::good(words) }
    }
}

impl FileView {
    fn new(slug: &str, file: &PublishedFile, t: &Language, options: &Options) -> Self {
        // From the show's own folder.
        let below =
            |path: String| encode_path(path.strip_prefix(slug).unwrap_or(&path).trim_start_matches('/'));
        let is_official = matches!(file.standing, Standing::Official { .. });
        Self {
            name: Text::title(&file.name),
            format: format_of(file),
            size: t.size(file.length),
            bytes: t.number(file.length),
            badge: badge(&file.standing, t),
            is_former: matches!(file.standing, Standing::Revised { .. } | Standing::Superseded { .. }),
            notes: notes(file, t),
            official: official_elsewhere(&file.standing),
            torrent: below(torrent_path(slug, &file.name)),
            torrent_words: if is_official { t.file.official_torrent } else { t.file.torrent },
            magnet: Link::parse(&file.magnet),
            publisher: Link::parse(&file.url),
            here: options.web_seed.then(|| below(media_path(slug, &file.name))),
            seeding: seeding(&file.seeders, t),
            is_confirmed: file.seeders.iter().any(|seeder| seeder.verified.is_some()),
            seeders: file.seeders.iter().map(|seeder| SeederView::new(seeder, t)).collect(),
            hashes: hashes(file, t),
            published: DateView::of(file.published, t),
        }
    }
}

impl SeederView {
    fn new(seeder: &Seeder, t: &Language) -> Self {
        let confirmed = seeder.verified.and_then(|date| t.date(date));
        Self {
            client: Text::title(&seeder.client),
            words: confirmed
                .map_or_else(|| t.file.unconfirmed.to_owned(), |date| fill(t.file.confirmed, &[&date])),
        }
    }
}

/// What listeners call the format: the name's extension if it is a medium's, else by the type.
fn format_of(file: &PublishedFile) -> String {
    let extension = file.name.rsplit_once('.').map(|(_, extension)| extension);
    let extension = extension.filter(|extension| media::kind_of_extension(extension).is_some());
    let extension = extension.or_else(|| media::extension_of_type(&file.media_type));
    extension.map(str::to_uppercase).unwrap_or_else(|| Text::of(&file.media_type, 40).to_string())
}

/// Who seeds, in one line. What was only handed over is not counted among those who have confirmed it.
fn seeding(seeders: &[Seeder], t: &Language) -> String {
    let confirmed: Vec<_> = seeders.iter().filter_map(|seeder| seeder.verified).collect();
    let last = confirmed.iter().max().and_then(|date| t.date(*date));
    match (confirmed.len(), last) {
        _ if seeders.is_empty() => t.file.by_nobody.to_owned(),
        (_, None) => t.file.unconfirmed_only.to_owned(),
        (1, Some(date)) => fill(t.file.by_one, &[&date]),
        (many, Some(date)) => fill(t.file.by_many, &[&many.to_string(), &date]),
    }
}

fn hashes(file: &PublishedFile, t: &Language) -> Vec<(String, String)> {
    let (v1, v2) = (file.info_hash.v1(), file.info_hash.v2());
    let label = |version: &str| format!("{} ({version})", t.file.info_hash);
    let v1 = v1.map(|hash| (label("v1"), hash.to_string()));
    let v2 = v2.map(|hash| (label("v2"), hash.to_string()));
    let sha256 = file.sha256.map(|sum| (t.file.sha256.to_owned(), hex::encode(sum)));
    [v1, v2, sha256].into_iter().flatten().collect()
}

fn badge(standing: &Standing, t: &Language) -> Option<&'static str> {
    match standing {
        Standing::Current { .. } => None,
        Standing::Official { .. } => Some(t.file.badge_official),
        Standing::Revised { .. } | Standing::Superseded { .. } => Some(t.file.badge_former),
    }
}

fn official_elsewhere(standing: &Standing) -> Option<Link> {
    match standing {
        Standing::Current { official, .. } => official.as_deref().and_then(Link::parse),
        _ => None,
    }
}

fn notes(file: &PublishedFile, t: &Language) -> Vec<Note> {
    let date = |time: &Timestamp| t.date(day(*time)).unwrap_or_default();
    let mut notes = Vec::new();
    match &file.standing {
        Standing::Current { since, .. } => {
            notes.extend(official_elsewhere(&file.standing).map(|_| Note::good(t.file.official_elsewhere)));
            notes.extend(since.as_ref().map(|since| Note::good(fill(t.file.replaces, &[&date(since)]))));
        }
        Standing::Official { url } => {
            notes.push(Note { link: Link::parse(url), ..Note::good(t.file.official) });
        }
        Standing::Revised { on, until } => {
            notes.push(Note::caution(fill(t.file.revised, &[&date(on), &date(until)])));
        }
        Standing::Superseded { on, until } => {
            notes.push(Note::caution(fill(t.file.superseded, &[&date(on), &date(until)])));
        }
    }
    match file.source {
        SourceState::Unknown | SourceState::Stable => {}
        SourceState::ChangesPerRequest => notes.push(Note::caution(t.file.changes_per_request)),
        SourceState::ChangedOnce => notes.push(Note::caution(t.file.changed_once)),
    }
    notes
}
