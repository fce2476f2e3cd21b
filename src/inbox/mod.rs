//! Stage: own files become episodes: what lies in a folder, what of it is a finished medium, what its tags say, and
//! what has become of the files that are known.
//!
//! Files are only ever read. Nothing here knows of shows, clients or the state; what is given and what comes back are
//! values of [`crate::model`]. All calls block for as long as the disk takes, but for [`Watch`].

mod decide;
mod examine;
mod hash;
mod list;
mod settle;
mod tags;
mod title;
mod view;
mod watch;

use std::io;
use std::path::{Path, PathBuf};

pub use decide::{Finding, Matched, is_below, match_up};
pub use examine::{Examined, cover, examine};
pub use hash::{Hashed, hash_in_place};
pub use list::{Listing, Refused, Seen, list, look_at};
pub use settle::{Looks, Settled, open_for_writing};
pub use view::{View, view};
pub use watch::Watch;

/// Why an own file, or a folder of them, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system does not let us.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is another one than when it was looked at.
    #[error("{} is being written to, or is another one than a moment ago", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// Its first bytes are no medium's.
    #[error("{} is {what}, and no audio or video", path.display())]
    NoMedia {
        /// Which file.
        path: PathBuf,
        /// What it seems to be.
        what: &'static str,
    },
    /// It was to stop.
    #[error("it was left unfinished for now")]
    Stopped,
    /// The system has no means left to tell of changes.
    #[error("cannot be told of changes in {}", path.display())]
    Watch {
        /// Which folder.
        path: PathBuf,
        /// What the system says.
        source: notify::Error,
    },
}

impl Error {
    fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }
}
