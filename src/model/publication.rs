//! What is published: shows, episodes and torrents as page, feeds and catalogue tell of them. Everything that comes
//! from a feed is hostile text here, still: whoever writes it out escapes it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::InfoHashes;
use super::words::words;

/// Names that the site needs for itself, or may one day; no show can have one.
pub const RESERVED_SLUGS: &[&str] = &[
    "all",
    "api",
    "assets",
    "by-enclosure",
    "by-guid",
    "feeds",
    "health",
    "healthz",
    "index",
    "inbox",
    "media",
    "metrics",
    "podcast",
    "shows",
    "site",
    "static",
    "torrents",
];

/// On what ground something is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// A licence in the feed that allows it.
    Licence {
        /// For people, as `CC BY-SA 4.0`.
        name: String,
        /// Its text; http or https.
        url: Option<String>,
    },
    /// The user has a permission; his own words for it.
    Permission(String),
}

/// A show on the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedShow {
    /// Its folder on the site.
    pub slug: String,
    /// The title; the slug where the feed has none.
    pub title: String,
    /// The publisher's page of the show.
    pub link: Option<String>,
    /// The publisher's feed, if it has a public address.
    pub feed: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag (RFC 5646), as the feed gives it.
    pub language: Option<String>,
    /// On what ground.
    pub basis: Basis,
    /// Whether our own copy of the cover is there.
    pub cover: bool,
    /// Whether the publisher's feed can be had with our torrents in it, as `SLUG/podcast.xml`.
    pub podcast_feed: bool,
    /// The newest first.
    pub episodes: Vec<PublishedEpisode>,
}

/// An episode of which at least one file is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedEpisode {
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title; the file's name where the feed has none.
    pub title: String,
    /// When the publisher released it.
    pub date: Option<Timestamp>,
    /// The publisher's page of it.
    pub link: Option<String>,
    /// On what ground, where it is not the show's.
    pub basis: Option<Basis>,
    /// In the feed's order; a former version stands behind the one that replaced it.
    pub files: Vec<PublishedFile>,
}

/// A media file and its torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// The file's name; also `name` of the info dictionary. Its .torrent is `SLUG/torrents/NAME.torrent` on the site.
    pub name: String,
    /// The publisher's address of it, as his feed gives it.
    pub url: String,
    /// Its media type, by its first bytes.
    pub media_type: String,
    /// Bytes.
    pub length: u64,
    /// SHA-256 of the whole file.
    pub sha256: Option<[u8; 32]>,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// The magnet link.
    pub magnet: String,
    /// Bytes of the .torrent file.
    pub torrent_length: u64,
    /// When the torrent was first published.
    pub published: Timestamp,
    /// Who seeds it.
    pub seeders: Vec<Seeder>,
    /// What this torrent is among others of the same episode.
    pub standing: Standing,
    /// Whether the publisher's address gives everybody the same bytes.
    pub source: SourceState,
}

/// A client that has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeder {
    /// Its name in the configuration.
    pub client: String,
    /// The day (UTC) on which it last said that it seeds; `None` for a watched folder, which cannot say.
    pub verified: Option<Date>,
}

/// What a torrent is among others of the same episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Ours, of the file that the feed announces.
    Current {
        /// Since when it takes the place of an earlier file.
        since: Option<Timestamp>,
        /// The publisher's own torrent, which podseed cannot seed: http, https or magnet.
        official: Option<String>,
    },
    /// The publisher's own torrent.
    Official {
        /// Where he offers it.
        url: String,
    },
    /// Of a file that the publisher has replaced.
    Revised {
        /// When podseed saw it.
        on: Timestamp,
        /// How long it is seeded still.
        until: Timestamp,
    },
    /// Ours, from before the publisher offered his own.
    Superseded {
        /// When podseed saw it.
        on: Timestamp,
        /// How long it is seeded still.
        until: Timestamp,
    },
}

/// Whether the publisher's URL gives everybody the same bytes, as far as comparisons have shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SourceState {
    /// Not compared yet.
    #[default]
    Unknown,
    /// Every comparison so far found our bytes.
    Stable,
    /// Two requests get two answers: advertising is put in for each listener.
    ChangesPerRequest,
    /// It gives the same other bytes each time: the file was replaced.
    ChangedOnce,
}

words!(SourceState {
    Unknown = "unknown",
    Stable = "stable",
    ChangesPerRequest = "changes per request",
    ChangedOnce = "changed once",
});

/// The language of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageLanguage {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

words!(PageLanguage { English = "en", German = "de" });

/// How a show stands on the list of all shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowCard {
    /// Its folder on the site.
    pub slug: String,
    /// The title.
    pub title: String,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag (RFC 5646), as the feed gives it.
    pub language: Option<String>,
    /// The publisher's page of the show.
    pub link: Option<String>,
    /// Whether our own copy of the cover is there.
    pub cover: bool,
    /// Whether the publisher's feed can be had with our torrents in it.
    pub podcast_feed: bool,
    /// Published episodes.
    pub episodes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The newest episode's date.
    pub newest: Option<Timestamp>,
}

impl Standing {
    /// Whether this is the torrent to take; former versions are for those who have them already.
    pub fn is_in_force(&self) -> bool {
        matches!(self, Self::Current { .. } | Self::Official { .. })
    }
}

impl PublishedEpisode {
    /// The files that are in force.
    pub fn in_force(&self) -> impl Iterator<Item = &PublishedFile> {
        self.files.iter().filter(|file| file.standing.is_in_force())
    }
}

impl PublishedShow {
    /// The files that are in force, of all episodes.
    pub fn in_force(&self) -> impl Iterator<Item = &PublishedFile> {
        self.episodes.iter().flat_map(PublishedEpisode::in_force)
    }

    /// How the show stands on the list of all shows.
    pub fn card(&self) -> ShowCard {
        ShowCard {
            slug: self.slug.clone(),
            title: self.title.clone(),
            author: self.author.clone(),
            language: self.language.clone(),
            link: self.link.clone(),
            cover: self.cover,
            podcast_feed: self.podcast_feed,
            episodes: self.episodes.len() as u64,
            bytes: self.in_force().map(|file| file.length).sum(),
            newest: self.episodes.iter().filter_map(|episode| episode.date).max(),
        }
    }
}
