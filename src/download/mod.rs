//! Stage: an enclosure becomes a complete, checked file with its piece hashes, in one pass.
//!
//! Bytes are hashed on their way to the disk and nothing is read back. What has arrived survives an interruption
//! of any kind: a record beside the partial file says what it holds, so that the rest can be asked for alone, and
//! two different files are never joined. The first bytes decide whether it is media at all, before more is taken.
//!
//! The file stays under its partial name: naming it, and knowing it, is the business of whoever called.

mod answer;
mod compare;
mod error;
mod gate;
mod local;
mod partial;
mod sink;
mod transfer;

use std::fmt;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

pub use compare::{Comparison, Finding, Sample, compare, sample_pieces};
pub use error::{Class, Error};

use crate::fs;
use crate::hash::{PieceHashes, PieceLength, Sha256Hash};
use crate::http::{BasicAuth, Http, Meter};
use crate::model::TorrentVersion;
use crate::model::media::MediaKind;
use crate::secret::SafeUrl;

/// Where the bytes come from. Prints safely.
#[derive(Debug, Clone)]
pub enum Source {
    /// As the feed gives it.
    Http(SafeUrl),
    /// A file on this machine, which must really lie below `root`, wherever links lead.
    File {
        /// The file.
        path: PathBuf,
        /// The folder of the local feed, or the inbox.
        root: PathBuf,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => url.fmt(f),
            Self::File { path, .. } => path.display().fmt(f),
        }
    }
}

/// What is to be fetched, where to, and within which limits.
pub struct Order {
    /// Where the bytes come from.
    pub source: Source,
    /// Credentials for the origin of the source, and for no other.
    pub auth: Option<BasicAuth>,
    /// Where the bytes go. Its folder exists; its name is the caller's alone and the same at each attempt.
    pub partial: PathBuf,
    /// Which hashes to make.
    pub version: TorrentVersion,
    /// `None`: the rule of [`PieceLength::auto`].
    pub piece_length: Option<PieceLength>,
    /// Whether to make SHA-256 of the whole file, too: half as much work again, so only where it is needed.
    pub sha256: bool,
    /// The longest file that is taken, in bytes.
    pub max_length: u64,
    /// Bytes of the disk that stay free.
    pub min_free: u64,
    /// The kinds that are taken; empty: audio and video.
    pub kinds: Vec<MediaKind>,
}

/// What the first bytes of a file prove it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// Its broad kind.
    pub kind: MediaKind,
    /// Its media type.
    pub mime: &'static str,
    /// Its usual extension, without the dot.
    pub extension: &'static str,
}

/// A complete file, synced, still under its partial name.
#[derive(Debug)]
pub struct Fetched {
    /// In bytes.
    pub length: u64,
    /// What it is.
    pub media: Media,
    /// Everything a metainfo needs to know of the content.
    pub hashes: PieceHashes,
    /// Of the whole file, where the order asked for it.
    pub sha256: Option<Sha256Hash>,
    /// Who sent the bytes in the end, after redirects; `None` when nothing had to be asked for.
    pub final_url: Option<SafeUrl>,
    /// The origin's `ETag`, weak ones included.
    pub etag: Option<String>,
    /// The origin's `Last-Modified`.
    pub last_modified: Option<String>,
}

/// Told how far a transfer is. Called often, from the transfer itself: it must be cheap.
pub trait Progress: Send + Sync {
    /// So many bytes are here, those of earlier attempts included, of so many where that is known.
    fn advance(&self, bytes: u64, total: Option<u64>);
}

/// Nobody is watching.
impl Progress for () {
    fn advance(&self, _: u64, _: Option<u64>) {}
}

/// Fetches what is still missing of a file, and hashes all of it.
///
/// May be called again with the same order after whatever ending: it goes on where it stopped, and a file that was
/// complete before is only hashed again. A transient failure is tried again twice before it is reported.
/// Requests and bytes are counted on `meter`, also when it fails. When `cancel` is cancelled it stops with
/// [`Error::Cancelled`] after what has arrived is on disk.
pub async fn fetch(
    http: &Http,
    order: &Order,
    meter: &Meter,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Fetched, Error> {
    let watch = Watch { meter, progress, cancel };
    match &order.source {
        Source::Http(url) => transfer::Transfer { http, order, url: url.reveal(), watch }.run().await,
        Source::File { path, root } => local::copy(order, path, root, watch).await,
    }
}

/// Removes what an order has left beside the finished file, or altogether: after the file has its final name and
/// is on record, or when it is no longer wanted.
pub fn discard(partial: &Path) -> Result<(), fs::Error> {
    fs::remove(&partial::record_path(partial))?;
    fs::remove(partial)
}

/// Who looks on, and may stop it.
#[derive(Clone, Copy)]
struct Watch<'a> {
    meter: &'a Meter,
    progress: &'a dyn Progress,
    cancel: &'a CancellationToken,
}
