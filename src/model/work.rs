//! What the stages hand to one another, by way of the store: jobs, results and their ids.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{Enclosure, InfoHashes, PlacementState, SourceState, Stage};

/// The store's id of an enclosure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnclosureId(pub i64);

/// The store's id of a placement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlacementId(pub i64);

/// The episode that an enclosure belongs to, as far as naming and torrents need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodeFacts {
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title; may be empty.
    pub title: String,
    /// When it was published.
    pub date: Option<Timestamp>,
    /// Its page.
    pub link: Option<String>,
}

/// An enclosure that is to be fetched.
#[derive(Debug, Clone)]
pub struct DownloadJob {
    /// Which.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// What the feed says of it.
    pub enclosure: Enclosure,
    /// Its episode.
    pub episode: EpisodeFacts,
    /// The final file name and length, when a former attempt came so far as to choose them.
    pub file: Option<(String, u64)>,
    /// Whether another enclosure of the feed has the same base name.
    pub repeated: bool,
    /// The torrents of the files that this one takes the place of.
    pub former: Vec<InfoHashes>,
    /// Where the publisher offers a torrent of it himself, unless it was read and cannot be joined.
    pub official: Option<String>,
    /// Whether something has taken its place, so that its URL is another file's.
    pub replaced: bool,
    /// Where the user has it, if it is his own file.
    pub own: Option<PathBuf>,
}

/// A file whose source is to be compared with it.
#[derive(Debug, Clone)]
pub struct CompareJob {
    /// Which.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// Where the publisher has it now.
    pub url: String,
    /// The file's name.
    pub file: String,
    /// What earlier looks have found.
    pub source: SourceState,
    /// How many of them found our bytes at this address.
    pub checks: u64,
    /// How many in a row found nothing out.
    pub failures: u64,
    /// When one last found anything.
    pub checked: Option<Timestamp>,
    /// Whether the feed has given a reason since.
    pub hinted: bool,
    /// When this file took the place of another one.
    pub revised: Option<Timestamp>,
    /// Whether it is the publisher's own torrent.
    pub official: bool,
    /// Whether the selection still wants it; a new version of it would be fetched then.
    pub wanted: bool,
}

/// A torrent that the publisher offers of a file which we seed already.
#[derive(Debug, Clone)]
pub struct OfferJob {
    /// Which enclosure.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// Where he offers it; http, https or magnet.
    pub url: String,
    /// The file's name.
    pub file: String,
    /// Our torrent's identity.
    pub info_hash: InfoHashes,
    /// How many times in a row his torrent could not be fetched.
    pub failures: u64,
}

/// What a look at a source has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The state now.
    pub source: SourceState,
    /// How many looks have found our bytes at this address.
    pub checks: u64,
    /// When to look again, if ever.
    pub next: Option<Timestamp>,
}

/// What decides which web seeds a torrent has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedFacts {
    /// Which.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// Where the publisher has it.
    pub url: String,
    /// Whether that address gives everybody our bytes.
    pub source: SourceState,
    /// How many looks have found so.
    pub checks: u64,
    /// Whether it is on our site.
    pub published: bool,
    /// Whether it is the publisher's own torrent.
    pub official: bool,
    /// Whether nothing has taken its place.
    pub current: bool,
    /// The torrent's identity.
    pub info_hash: Option<InfoHashes>,
    /// The magnet link that is recorded.
    pub magnet: String,
    /// Whether the torrent names the publisher's address, as recorded.
    pub web_seed: bool,
}

/// A torrent that has other web seeds or trackers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// Which.
    pub id: EnclosureId,
    /// The magnet link.
    pub magnet: String,
    /// Whether the torrent names the publisher's address.
    pub web_seed: bool,
}

/// A complete file that has a torrent, or is to get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// The file name in the show's folder; also `name` of the info dictionary.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// The media type that its first bytes prove.
    pub media_type: String,
    /// The origin's validators, for a later look whether the file was replaced.
    pub etag: Option<String>,
    /// `Last-Modified` likewise.
    pub last_modified: Option<String>,
    /// SHA-256 of the whole file, where it was made.
    pub sha256: Option<[u8; 32]>,
}

/// What has been asked of a publisher's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Requests sent.
    pub requests: u64,
    /// Body bytes received.
    pub bytes: u64,
}

/// What podseed remembers of a placement between two looks at the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// We have added it, or are about to: a torrent found incomplete and stopped is then ours to take back.
    pub added: bool,
    /// The client has been told to hash the data since.
    pub verified: bool,
    /// The client has confirmed it since: what then stops it there is not for podseed to undo.
    pub seeded: bool,
}

/// A torrent that is to be handed to one client.
#[derive(Debug, Clone)]
pub struct PlacementJob {
    /// Which placement.
    pub id: PlacementId,
    /// Of which enclosure.
    pub enclosure: EnclosureId,
    /// The client's name in the configuration.
    pub client: String,
    /// The slug of the show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// Its length in bytes.
    pub length: u64,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// Its state so far.
    pub state: PlacementState,
    /// What is known from before.
    pub memory: Memory,
    /// Where the user has it, if it is his own file.
    pub own: Option<PathBuf>,
}

/// Why something has to be tried again, or needs the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What failed, on what, why; with the remedy where there is one.
    pub message: String,
    /// When to try again; `None`: not before the user has changed something.
    pub next_attempt: Option<Timestamp>,
    /// Whether the other side asked for that time, so that even a new run waits for it.
    pub asked_to_wait: bool,
}

/// How many enclosures are at each stage.
pub type StageCounts = BTreeMap<Stage, u64>;

/// A placement's state with the client's report, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementReport {
    /// The state now.
    pub state: PlacementState,
    /// What to remember.
    pub memory: Memory,
    /// What the client has sent to peers so far, if it said.
    pub uploaded_bytes: Option<u64>,
    /// What is wrong.
    pub problem: Option<Problem>,
}
