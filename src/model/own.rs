//! Own files: what the user shares himself, with no feed involved.

use std::path::PathBuf;

use jiff::Timestamp;

use super::EnclosureId;

/// What tells one state of a file from another, as the file system gives it. A file that keeps all of it has the
/// same bytes, unless somebody has taken pains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// When its bytes last changed: nanoseconds since 1970.
    pub modified: i64,
    /// The file system.
    pub device: u64,
    /// The file in it, whatever its name is.
    pub inode: u64,
}

/// What the tags of a file say, as plain text of bounded length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tags {
    /// The title; where there is none, the file's name made readable. Never empty.
    pub title: String,
    /// The artist.
    pub author: Option<String>,
    /// The album.
    pub album: Option<String>,
    /// The comment or description.
    pub description: Option<String>,
    /// A full date; not a year alone.
    pub date: Option<Timestamp>,
    /// The number of the disc.
    pub season: Option<u32>,
    /// The number of the track.
    pub number: Option<u32>,
    /// Seconds.
    pub duration: Option<u64>,
}

/// An own file that is to become an episode, or another version of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedFile {
    /// Absolute; UTF-8.
    pub path: PathBuf,
    /// As it was looked at.
    pub state: FileState,
    /// When its bytes last changed.
    pub modified: Timestamp,
    /// What it says of itself.
    pub tags: Tags,
    /// Its media type, by its first bytes.
    pub media_type: &'static str,
}

/// An own file as the state knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFile {
    /// Which enclosure.
    pub id: EnclosureId,
    /// Where it was.
    pub path: PathBuf,
    /// As it was.
    pub state: FileState,
    /// Of its bytes, once they were hashed.
    pub sha256: Option<[u8; 32]>,
    /// Its data was gone or another when it was last looked for.
    pub lost: bool,
    /// The user has taken it down or forgotten it: it is left alone, and does not come back by itself.
    pub held: bool,
}

/// What there is to say of an own file in a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where the user has it.
    pub path: PathBuf,
    /// Plain text.
    pub description: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// The season.
    pub season: Option<u32>,
    /// The number of the episode.
    pub number: Option<u32>,
    /// Seconds.
    pub duration: Option<u64>,
}
