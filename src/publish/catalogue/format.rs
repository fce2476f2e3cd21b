//! The fields of the catalogues and look-up files, one by one.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// `catalog.json`: all shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// 1.
    pub format: u32,
    /// In the order of the page.
    pub shows: Vec<IndexShow>,
}

/// A show in the list of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexShow {
    /// Its folder on the site, which is its name here.
    pub show: String,
    /// The title.
    pub title: String,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag (RFC 5646).
    pub language: Option<String>,
    /// The publisher's page.
    pub link: Option<String>,
    /// Its page on the site.
    pub page: String,
    /// Its own catalogue.
    pub catalog: String,
    /// Its feed of torrents; only with `base_url`.
    pub torrents_feed: Option<String>,
    /// The publisher's feed with the torrents added; only with `base_url`, and where that feed is for everybody.
    pub podcast_feed: Option<String>,
}

/// `SLUG/catalog.json`: one show with all that its pages say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// 1.
    pub format: u32,
    /// Its folder on the site, which is its name here.
    pub show: String,
    /// The title.
    pub title: String,
    /// Plain text.
    pub description: Option<String>,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag (RFC 5646).
    pub language: Option<String>,
    /// The publisher's page.
    pub link: Option<String>,
    /// The publisher's feed.
    pub feed: Option<String>,
    /// On what ground it is published.
    pub basis: Ground,
    /// The newest first.
    pub episodes: Vec<CatalogueEpisode>,
}

/// On what ground something is published: by a licence, or by a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// `{"licence": {"name": ..., "url": ...}}`.
    Licence {
        /// As `CC BY-SA 4.0`.
        name: String,
        /// Its text.
        url: Option<String>,
    },
    /// `{"permission": "by e-mail from the publisher, 2026-11-01"}`.
    Permission(String),
}

/// An episode in its show's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueEpisode {
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title.
    pub title: String,
    /// When the publisher released it.
    pub date: Option<Timestamp>,
    /// The publisher's page of it.
    pub link: Option<String>,
    /// On what ground, where it is not the show's.
    pub basis: Option<Ground>,
    /// Its files; a former version stands behind the one that replaced it.
    pub files: Vec<CatalogueFile>,
}

/// A file in its show's catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueFile {
    /// The file's name, also `name` of the info dictionary.
    pub name: String,
    /// Its media type, by its first bytes.
    pub media_type: String,
    /// What it can be had by.
    #[serde(flatten)]
    pub sources: Sources,
    /// Where the site has the file itself.
    pub media: Option<String>,
    /// Bytes of the .torrent.
    pub torrent_length: u64,
    /// When the torrent was first published.
    pub published: Timestamp,
    /// `current`, `official` (the publisher's own torrent), `revised` (of a file that the publisher has replaced) or
    /// `superseded` (from before he offered his own).
    pub standing: String,
    /// For `current` that replaces an earlier file, `revised` and `superseded`: when that happened.
    pub since: Option<Timestamp>,
    /// For `revised` and `superseded`: how long it is seeded still.
    pub until: Option<Timestamp>,
    /// Where the publisher offers a torrent of his own.
    pub official: Option<String>,
    /// Whether the publisher's URL gives everybody the same bytes: `unknown`, `stable`, `changes per request` or
    /// `changed once`.
    pub source: String,
    /// Who seeds it.
    pub seeders: Vec<CatalogueSeeder>,
}

/// What a file can be had by, in catalogues and look-ups alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// The publisher's address of it, as the feed has it; missing where that is none of the web, as in a local feed.
    pub url: Option<String>,
    /// The .torrent.
    pub torrent: String,
    /// The magnet link.
    pub magnet: String,
    /// The info hashes; at least one.
    pub info_hash: Hashes,
    /// Bytes of the file.
    pub length: u64,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
}

/// The info hashes of a torrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// 40 digits.
    pub v1: Option<String>,
    /// 64 digits.
    pub v2: Option<String>,
}

/// Who seeds a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueSeeder {
    /// The client's name.
    pub client: String,
    /// The day (UTC) on which it last said so.
    pub verified: Option<Date>,
}

/// `by-guid/SHA256.json` and `by-enclosure/SHA256.json`, where SHA256 is that of the guid or the URL as the feed gives
/// it, in UTF-8: the episodes that have it. With those of a hundred shows it is full: further ones are left out, as a
/// guid that they all have names no episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// 1.
    pub format: u32,
    /// By show; of one show, in its order.
    pub episodes: Vec<LookupEpisode>,
}

/// An episode in a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupEpisode {
    /// Its show's folder on the site.
    pub show: String,
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title.
    pub title: String,
    /// Those that are to be taken: no former versions.
    pub files: Vec<Sources>,
}
