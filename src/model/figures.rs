//! Counters of trackers and clients as they are read, and the figures of a day that are made of them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{EnclosureId, InfoHashes, Traffic, UnknownWord};

/// Who keeps a counter. Printed as it is kept: `tracker URL`, `tracker-v2 URL`, `client NAME`. A URL may hold a passkey.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A tracker, by its announce URL: it counts completed downloads.
    Tracker(String),
    /// The same tracker for the v2 swarm of hybrid torrents, which it takes for torrents of their own.
    TrackerV2(String),
    /// A client, by its name in the configuration: it counts the bytes that it has given to peers.
    Client(String),
}

impl Source {
    const TRACKER: &str = "tracker";
    const TRACKER_V2: &str = "tracker-v2";
    const CLIENT: &str = "client";

    /// The word before the name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tracker(_) => Self::TRACKER,
            Self::TrackerV2(_) => Self::TRACKER_V2,
            Self::Client(_) => Self::CLIENT,
        }
    }

    /// Whether it counts bytes and not downloads.
    pub fn is_client(&self) -> bool {
        matches!(self, Self::Client(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Tracker(name) | Self::TrackerV2(name) | Self::Client(name)) = self;
        write!(f, "{} {name}", self.kind())
    }
}

impl FromStr for Source {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(' ') {
            Some((Self::TRACKER, name)) => Ok(Self::Tracker(name.to_owned())),
            Some((Self::TRACKER_V2, name)) => Ok(Self::TrackerV2(name.to_owned())),
            Some((Self::CLIENT, name)) => Ok(Self::Client(name.to_owned())),
            _ => Err(UnknownWord(text.to_owned())),
        }
    }
}

/// A torrent whose counters are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Of which file.
    pub enclosure: EnclosureId,
    /// Its identity.
    pub info_hash: InfoHashes,
    /// When the file appeared in a feed that was known by then: no swarm of it can be older. `None` where that is not
    /// known.
    pub appeared: Option<Timestamp>,
}

/// What a source says of one torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Of which file.
    pub enclosure: EnclosureId,
    /// The counter: completed downloads, or bytes.
    pub value: u64,
    /// The counter cannot have begun at zero before.
    pub began: Option<Timestamp>,
    /// How many share the torrent; only a tracker knows.
    pub peers: Option<Peers>,
}

/// How many share a torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Peers {
    /// Peers with the whole file, our own clients among them.
    pub seeders: u64,
    /// Peers without it.
    pub leechers: u64,
}

/// A counter as it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Up to this value it is counted.
    pub level: u64,
    /// See [`Reading::began`].
    pub began: Option<Timestamp>,
    /// It says less than it has said.
    pub fallen: Option<Fallen>,
}

/// A counter that says less than before, and perhaps only for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallen {
    /// What it said before.
    pub from: u64,
    /// When it was first seen lower.
    pub since: Timestamp,
}

/// When sources have answered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looks {
    /// This very source.
    pub this: Option<Timestamp>,
    /// Any source of its kind.
    pub any: Option<Timestamp>,
}

/// What one source has counted for one file on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDay {
    /// In UTC.
    pub day: Date,
    /// Who has counted.
    pub source: Source,
    /// Completed downloads.
    pub completed: u64,
    /// Bytes given to peers.
    pub uploaded: u64,
    /// The most on that day.
    pub peers: Option<Peers>,
}

/// A show in a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedShow {
    /// The slug.
    pub show: String,
    /// The feed's title.
    pub title: String,
    /// What has been asked of the publisher's server, for the feed and all files.
    pub asked: Traffic,
    /// Files that have a torrent, or had one; those of the newest episodes first.
    pub files: Vec<ReportedFile>,
}

/// A media file in a report, with the episode that it belongs to. One that several episodes announce is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedFile {
    /// Which.
    pub enclosure: EnclosureId,
    /// The episode's guid.
    pub guid: Option<String>,
    /// The episode's title.
    pub title: String,
    /// When the episode was published.
    pub date: Option<Timestamp>,
    /// The file's name.
    pub file: String,
    /// Its length in bytes.
    pub length: u64,
    /// How many shared it when a tracker was last asked, and when that was.
    pub swarm: Option<(Peers, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_is_printed() {
        for text in ["tracker udp://t.example:6969/announce", "tracker-v2 http://t/announce", "client a nas"]
        {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        for text in ["", "tracker", "torrent x"] {
            assert!(text.parse::<Source>().is_err(), "{text}");
        }
    }
}
