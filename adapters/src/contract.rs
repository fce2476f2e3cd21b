//! The contract: what every client adapter promises, and the types that it speaks in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Error, InfoHashes};

/// Which generation of the format a torrent uses (BEP 52).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TorrentVersion {
    /// SHA-1 pieces only; every client takes it.
    V1,
    /// Both at once.
    Hybrid,
    /// SHA-256 merkle trees only.
    V2,
}

/// What a client can do, at the version that answered. Each field decides something in the hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Takes hybrid torrents of a single file.
    pub hybrid: bool,
    /// Takes v2-only torrents.
    pub v2: bool,
    /// `find` tells the client's own view. A watched folder cannot: its last word is `Delivered`.
    pub confirms: bool,
    /// A torrent added by `add` is hashed by the client before it is called complete. Where false
    /// (Transmission 4 trusts size and age), `verify` has to be asked for.
    pub hashes_on_add: bool,
    /// A torrent judged incomplete gets its present files renamed (Transmission 4, `*.part`), so a wrong path
    /// must be excluded before the first real `add`.
    pub renames_incomplete_files: bool,
}

/// Who answered a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// The program, as `Transmission` or `qBittorrent`.
    pub program: String,
    /// Its version as it reports it; empty where it cannot be asked.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// How much a client may give for one torrent. `None` leaves the client's own setting alone.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Uploaded over downloaded size, after which the client stops.
    pub ratio: Option<f64>,
    /// Bytes per second.
    pub upload: Option<u64>,
    /// Seeding time after which the client stops.
    pub seeding_time: Option<Duration>,
}

/// Which torrent is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorrentRef {
    /// Its identity in the swarm.
    pub info_hash: InfoHashes,
    /// `name` of the info dictionary: the file's name.
    pub name: String,
    /// The show it belongs to; watched folders may have one folder per show (`{show}`).
    pub show: String,
}

/// A torrent to be handed over, with its data.
#[derive(Debug, Clone)]
pub struct Seed {
    /// Which torrent.
    pub torrent: TorrentRef,
    /// The complete .torrent file.
    pub metainfo: Arc<[u8]>,
    /// The complete data on this machine. Never moved or changed.
    pub data: PathBuf,
    /// The folder that holds the data, as the client sees it (path mapping is already done).
    pub client_dir: String,
}

/// What `add` has done. An accepted call proves nothing: `find` tells what the client made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// The client has taken it, stopped or to be stopped after its check.
    New,
    /// The client had it before; nothing was changed.
    AlreadyPresent,
}

/// What a client is doing with a torrent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activity {
    /// Stopped or paused, by whomever.
    Stopped,
    /// Waiting for its check, or being checked; the part done so far, 0 to 1.
    Checking(f64),
    /// Started and not complete: it fetches from the swarm.
    Downloading,
    /// Started and complete.
    Seeding,
}

/// A client's report on one torrent.
#[derive(Debug, Clone, PartialEq)]
pub struct TorrentStatus {
    /// What it is doing.
    pub activity: Activity,
    /// Whether the client counts every byte as present. See [`Capabilities::hashes_on_add`].
    pub complete: bool,
    /// Bytes that the client still wants.
    pub missing_bytes: u64,
    /// The folder in which the client looks for the data.
    pub save_path: Option<String>,
    /// What the client has sent to peers so far.
    pub uploaded_bytes: u64,
    /// The client's own words when it reports an error.
    pub error: Option<String>,
}

/// Where a torrent stands at a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// The client does not have it.
    Absent,
    /// The client has it.
    Present(TorrentStatus),
    /// Watched folder: the .torrent lies there and the client has not taken it yet.
    Waiting,
    /// Watched folder: taken, or placed where the client leaves no sign.
    Delivered,
    /// Watched folder: the client has put it aside as unusable; its sign in words.
    Refused(String),
}

/// A torrent in a client's list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// As far as the client tells: Transmission knows a hybrid by its v1 hash alone. See
    /// [`InfoHashes::is_same_torrent`].
    pub info_hash: InfoHashes,
    /// As [`TorrentClient::find`] reports it.
    pub status: TorrentStatus,
    /// When the client got it, in seconds since 1970: its counters began at zero then.
    pub added: Option<i64>,
}

/// A BitTorrent client that can be given torrents.
///
/// Every call may be made twice with the same result. No call retries, waits for a state or sleeps; each ends
/// within the adapter's time limit. A credential is sent at most once per call, and for an hour after an
/// [`Unauthorized`](crate::ErrorKind::Unauthorized) every further call fails the same way without
/// asking the client (qBittorrent bans an address after five failures).
#[async_trait]
pub trait TorrentClient: Send + Sync {
    /// Reaches the client, logs in, and tells who answers. An empty client is healthy.
    async fn probe(&self) -> Result<ClientInfo, Error>;

    /// Gives the torrent to the client so that nothing is downloaded: stopped, or stopped after its own
    /// check of the data. A torrent that the client already has is left as it is.
    ///
    /// Labels, category and tags come from the adapter's configuration and are set here or in `configure`.
    async fn add(&self, seed: &Seed) -> Result<Added, Error>;

    /// What the client says of this torrent now. Says `Absent` for an unknown one; that is no error.
    async fn find(&self, torrent: &TorrentRef) -> Result<Presence, Error>;

    /// Everything that the client has, whoever gave it, in one request. `None` where it cannot be asked, as at a
    /// watched folder. At least 10,000 torrents fit.
    async fn list(&self) -> Result<Option<Vec<Listed>>, Error>;

    /// The port on which the client takes connections of other peers, as it says; `None` where it cannot be asked.
    async fn peer_port(&self) -> Result<Option<u16>, Error>;

    /// Applies limits and labels to a present torrent. An unset limit is left alone.
    async fn configure(&self, torrent: &TorrentRef, limits: &Limits) -> Result<(), Error>;

    /// Asks the client to hash the data again. `find` shows `Checking` from the moment this returns until
    /// it is done.
    async fn verify(&self, torrent: &TorrentRef) -> Result<(), Error>;

    /// Starts a complete torrent, so that the client seeds it.
    async fn start(&self, torrent: &TorrentRef) -> Result<(), Error>;

    /// Takes the torrent out of the client; data stays. An unknown torrent is no error.
    async fn remove(&self, torrent: &TorrentRef) -> Result<(), Error>;

    /// Returns when it is worth asking `find` again: after `pause`, or as soon as a watched folder changes.
    async fn changed(&self, torrent: &TorrentRef, pause: Duration);
}
