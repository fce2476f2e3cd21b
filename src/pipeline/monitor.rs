//! What the pipeline tells while it works. It never prints; whoever calls it decides what a user sees.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{InfoHashes, PlacementState};

/// Something that a user may want to see, in the order in which it happens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The state was brought up to date; this is a copy of what it was.
    Upgraded {
        /// The copy.
        backup: PathBuf,
    },
    /// A feed was read.
    Polled {
        /// The show.
        show: String,
        /// Its title.
        title: String,
        /// Episodes not seen before.
        new_episodes: u64,
        /// Enclosures to fetch that were not wanted before.
        newly_wanted: u64,
    },
    /// Own files have come, changed or gone.
    OwnFiles {
        /// The show.
        show: String,
        /// New episodes.
        new: u64,
        /// Files with other bytes, or under another name.
        changed: u64,
        /// Files that are gone; the clients let go of them.
        gone: u64,
    },
    /// A feed has not changed.
    Unchanged {
        /// The show.
        show: String,
    },
    /// Something is not as it should be, and work goes on: a damaged feed, a limit that a client does not know.
    Warning {
        /// The show, or the client.
        show: String,
        /// What is wrong.
        text: String,
    },
    /// A feed could not be read.
    PollFailed {
        /// The show, or the feed's address where it has no show yet.
        show: String,
        /// Why.
        error: String,
    },
    /// The origin has asked not to come before.
    PollWaits {
        /// The show.
        show: String,
        /// Until when.
        until: Timestamp,
    },
    /// A file is complete.
    Fetched {
        /// The show.
        show: String,
        /// The file's name.
        file: String,
        /// Its length.
        length: u64,
        /// Bytes that came from the origin in this attempt; less when a former one was resumed.
        bytes: u64,
    },
    /// A .torrent is written.
    TorrentMade {
        /// The show.
        show: String,
        /// The .torrent.
        path: PathBuf,
        /// Its identity.
        info_hash: InfoHashes,
    },
    /// A file could not be fetched, or no torrent made of it.
    FetchFailed {
        /// The show.
        show: String,
        /// The episode's title.
        title: String,
        /// Why.
        error: String,
        /// When it is tried again; `None`: it needs the user.
        next_attempt: Option<Timestamp>,
    },
    /// What was handed over is not confirmed, or not any more.
    Unconfirmed {
        /// Which client or folder, what is left, and what to do.
        error: String,
    },
    /// A placement has a new state.
    Placed {
        /// The show.
        show: String,
        /// The file's name.
        file: String,
        /// The client.
        client: String,
        /// The state.
        state: PlacementState,
    },
    /// The site was brought up to date.
    Published {
        /// Files written or linked anew.
        files: usize,
        /// Files taken away.
        removed: usize,
    },
    /// The site could not be brought up to date; the next pass tries again.
    PublishFailed {
        /// Why.
        error: String,
    },
    /// A daemon has begun to work, or goes on under another configuration.
    Working {
        /// Shows of the configuration, those of own files among them.
        shows: usize,
        /// Clients of the configuration.
        clients: usize,
    },
    /// A daemon answers here.
    Serving {
        /// Address and port.
        address: std::net::SocketAddr,
    },
    /// A task of a daemon has failed, and begins again.
    Interrupted {
        /// Which.
        task: String,
        /// Why.
        error: String,
    },
    /// A daemon was stopped, and these tasks did not come to a safe point in time.
    CutOff {
        /// How many.
        tasks: usize,
    },
    /// A client does not answer; that will be looked at again. Said once until it does.
    ClientAway {
        /// The client.
        client: String,
        /// Why.
        error: String,
    },
    /// A client answers again.
    ClientBack {
        /// The client.
        client: String,
    },
    /// A client has let go of what was taken down.
    Removed {
        /// The show.
        show: String,
        /// The file's name.
        file: String,
        /// The client.
        client: String,
    },
    /// What `keep` does not keep was marked: it leaves site, clients and disk.
    Dropped {
        /// The show.
        show: String,
        /// The file's name.
        file: String,
        /// By which rule.
        why: String,
    },
    /// Fetching pauses, for the disk is full, or a rule of `keep` cannot be kept.
    SpaceShort {
        /// What is so, and what to do.
        text: String,
    },
    /// By `limits.hours` no file is fetched now, or files are fetched again.
    Hours {
        /// Until when none is.
        until: Option<Timestamp>,
    },
    /// There is space again: fetching goes on.
    SpaceAgain,
    /// A notice could not be sent; it is tried again. Said once as long as it lasts.
    NoticeFailed {
        /// How it was to go out, and why it did not.
        error: String,
    },
    /// A placement does not get on.
    PlaceFailed {
        /// The show.
        show: String,
        /// The file's name.
        file: String,
        /// The client.
        client: String,
        /// Why.
        error: String,
    },
}

/// Receives what happens. `()` is not interested.
pub trait Monitor: Send + Sync {
    /// One thing has happened.
    fn event(&self, event: &Event);

    /// A daemon's supervisor lives, and its state answers. Comes every few seconds.
    fn alive(&self) {}

    /// A transfer begins; the result is told of its progress and dropped when it ends.
    fn transfer(&self, label: &str) -> Arc<dyn crate::download::Progress>;
}

impl Monitor for () {
    fn event(&self, _event: &Event) {}

    fn transfer(&self, _label: &str) -> Arc<dyn crate::download::Progress> {
        Arc::new(())
    }
}
