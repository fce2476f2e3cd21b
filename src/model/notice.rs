//! Notices: what somebody is told of, and the form in which he is. A notice is kept as JSON until it has gone out, and
//! hooks and webhooks get the same JSON: the names of its fields are a promise.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::words;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// A first client has confirmed an episode.
    Seeding,
    /// An episode needs the user.
    Failed,
    /// A show's feed cannot be read, again and again.
    Feed,
    /// A client cannot be reached, or refuses the login.
    Client,
    /// A client has stopped, lost or refused torrents.
    Torrents,
    /// The disk is full, or its budget cannot be kept.
    Disk,
    /// A changed configuration was refused, and the old one stays.
    Configuration,
    /// Something that was told of is well again.
    Recovered,
}

words!(NoticeKind {
    Seeding = "seeding",
    Failed = "failed",
    Feed = "feed",
    Client = "client",
    Torrents = "torrents",
    Disk = "disk",
    Configuration = "configuration",
    Recovered = "recovered",
});

/// Something that is wrong for some time, by what it is about: one show, one client, the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which kind of trouble; none of `seeding`, `failed` and `recovered`.
    pub kind: NoticeKind,
    /// What it is about within its kind: a show's slug, a client's name; empty where there is only one.
    pub subject: String,
    /// What is wrong, one clause.
    pub error: String,
    /// What the user can do about it.
    pub remedy: String,
}

/// One thing that somebody is told, as it goes out. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// When it was noticed.
    pub time: Timestamp,
    /// One line for people.
    pub summary: String,
    /// The show's slug, where it is about one.
    pub show: Option<String>,
    /// The show's title.
    pub show_title: Option<String>,
    /// The client's name, where it is about one.
    pub client: Option<String>,
    /// What is wrong.
    pub error: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The show's page on the site, where it is published.
    pub page: Option<String>,
    /// How many episodes it is about, also those that are not listed.
    pub count: u64,
    /// The first of them; a hook gets exactly one.
    pub episodes: Vec<NoticedEpisode>,
}

/// An episode in a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticedEpisode {
    /// As the feed gives it, without credentials.
    pub guid: Option<String>,
    /// Its title, one line.
    pub title: String,
    /// Its file, an absolute path.
    pub file: Option<String>,
    /// Its .torrent, likewise.
    pub torrent: Option<String>,
    /// What it is known by.
    pub info_hash: NoticedHash,
    /// The magnet link.
    pub magnet: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// An info hash, in hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticedHash {
    /// 40 digits.
    pub v1: Option<String>,
    /// 64 digits.
    pub v2: Option<String>,
}
