//! Why a file is not there, and what has to happen first.

use std::time::Duration;

use super::Source;
use crate::http::{self, Advice};
use crate::model::media::MediaKind;
use crate::{fs, units::ByteSize};

/// What has to happen before it makes sense to fetch again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody has to change something.
    Permanent,
    /// Nothing but time.
    Transient {
        /// Not before this time has passed; the origin said so.
        after: Option<Duration>,
    },
    /// Space on the disk.
    Space,
    /// It was stopped on purpose; the rest can be fetched at any time.
    Cancelled,
}

/// A file that could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request failed, or the transfer broke off.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The partial file or the local source cannot be worked with.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// What came is no media file.
    #[error("{subject} is no media file: what came is {what}")]
    NotMedia {
        /// What was fetched.
        subject: Source,
        /// What came instead.
        what: String,
    },
    /// It is media, of a kind that is not wanted.
    #[error("{subject} is {} and not wanted (media: under episodes: says which kinds are)", name(*kind))]
    UnwantedKind {
        /// What was fetched.
        subject: Source,
        /// What it is.
        kind: MediaKind,
    },
    /// Longer than may be.
    #[error(
        "{subject} is longer than {} (episode_size under limits: says how long a file may be)",
        ByteSize(*limit)
    )]
    TooLarge {
        /// What was fetched.
        subject: Source,
        /// The longest that is taken, in bytes.
        limit: u64,
    },
    /// The bytes are wrapped in a compression that was not asked for.
    #[error("{subject} comes encoded as {encoding}, so that its bytes are not those of the file")]
    Encoded {
        /// What was fetched.
        subject: Source,
        /// The `Content-Encoding`.
        encoding: String,
    },
    /// The server tells in no way where the file ends, so a complete one cannot be told from a truncated one.
    #[error("{subject} comes without a length, and its end cannot be told from an interruption")]
    NoLength {
        /// What was fetched.
        subject: Source,
    },
    /// A status that does not answer a plain request.
    #[error("{subject} was answered with {status} instead of the file")]
    NoFile {
        /// What was fetched.
        subject: Source,
        /// The status.
        status: reqwest::StatusCode,
    },
    /// Fewer or more bytes than announced.
    #[error("{subject} was announced with {announced} bytes and came with {came}")]
    WrongLength {
        /// What was fetched.
        subject: Source,
        /// In bytes.
        announced: u64,
        /// In bytes; where it was more, only as many as it took to see that.
        came: u64,
    },
    /// The disk would be fuller than allowed.
    #[error(
        "{subject} needs {} and only {} are free beyond what has to stay free (disk_free under limits:)",
        ByteSize(*needed),
        ByteSize(*available)
    )]
    NoSpace {
        /// What was fetched.
        subject: Source,
        /// Bytes for what is next.
        needed: u64,
        /// Bytes that may be used.
        available: u64,
    },
    /// There is no space at all, so that nothing was asked for.
    #[error(
        "{subject} is not asked for: nothing is free beyond what has to stay free (disk_free under limits:)"
    )]
    NoRoom {
        /// What was to be fetched.
        subject: Source,
    },
    /// Stopped on purpose.
    #[error("{subject} was left unfinished for now")]
    Cancelled {
        /// What was fetched.
        subject: Source,
    },
}

impl Error {
    /// What has to happen first.
    pub fn class(&self) -> Class {
        match self {
            Self::Http(error) => match error.advice() {
                Advice::Never => Class::Permanent,
                Advice::Later { after } => Class::Transient { after },
            },
            Self::WrongLength { .. } => Class::Transient { after: None },
            Self::File(fs::Error::DiskFull { .. }) | Self::NoSpace { .. } | Self::NoRoom { .. } => {
                Class::Space
            }
            Self::Cancelled { .. } => Class::Cancelled,
            Self::File(_)
            | Self::NotMedia { .. }
            | Self::UnwantedKind { .. }
            | Self::TooLarge { .. }
            | Self::Encoded { .. }
            | Self::NoLength { .. }
            | Self::NoFile { .. } => Class::Permanent,
        }
    }
}

fn name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Image => "an image",
        MediaKind::Document => "a document",
    }
}
