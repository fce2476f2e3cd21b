//! What an adapter needs to know, and the one place that makes an adapter of it.

use std::path::PathBuf;

use crate::{Error, Secret, TorrentClient};

/// Transmission, by its RPC.
#[derive(Debug, Clone)]
pub struct TransmissionConfig {
    /// As `http://nas:9091/transmission/rpc`.
    pub url: String,
    /// HTTP basic authentication.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Labels for each torrent.
    pub labels: Vec<String>,
}

/// qBittorrent, by its Web API.
#[derive(Debug, Clone)]
pub struct QBittorrentConfig {
    /// As `http://127.0.0.1:8080`, or with a path below a proxy.
    pub url: String,
    /// Login; without one, the server must let us in without (`bypass_local_auth`).
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Category for each torrent; made by the client if it has none of that name.
    pub category: Option<String>,
    /// Tags for each torrent.
    pub tags: Vec<String>,
}

/// Which program watches a folder: it decides the signs that tell that a torrent was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchedBy {
    /// rTorrent: leaves no sign; takes resume data.
    RTorrent,
    /// Transmission: renames to `.added`.
    Transmission,
    /// qBittorrent: deletes it, or renames to `.qbt_rejected`.
    QBittorrent,
    /// Deluge's AutoAdd: deletes it or renames to `.added`, or to `.invalid`.
    Deluge,
    /// Any other: no sign is expected.
    Other,
}

/// A folder that a client watches for .torrent files.
#[derive(Debug, Clone)]
pub struct WatchDirConfig {
    /// Where the .torrent goes; `{show}` stands for the show's slug.
    pub path: PathBuf,
    /// Where the client expects the data; `{show}` as above. `None`: the client finds it where it is.
    pub data: Option<PathBuf>,
    /// Who watches.
    pub client: WatchedBy,
    /// Puts rTorrent's resume data into the handed-over copy, so that it does not hash again.
    pub fast_resume: bool,
}

/// One client's configuration: one variant per adapter.
#[derive(Debug, Clone)]
pub enum ClientConfig {
    /// See [`TransmissionConfig`].
    Transmission(TransmissionConfig),
    /// See [`QBittorrentConfig`].
    QBittorrent(QBittorrentConfig),
    /// See [`WatchDirConfig`].
    WatchDir(WatchDirConfig),
}

/// Makes the adapter. Nothing is asked of the client yet.
///
/// An adapter whose cargo feature is off gives an [`Unsupported`](crate::ErrorKind::Unsupported) error.
pub fn open(config: &ClientConfig) -> Result<Box<dyn TorrentClient>, Error> {
    match config {
        #[cfg(feature = "transmission")]
        ClientConfig::Transmission(config) => Ok(Box::new(crate::transmission::Transmission::new(config)?)),
        #[cfg(not(feature = "transmission"))]
        ClientConfig::Transmission(_) => Err(left_out("Transmission", "transmission")),
        #[cfg(feature = "qbittorrent")]
        ClientConfig::QBittorrent(config) => Ok(Box::new(crate::qbittorrent::QBittorrent::new(config)?)),
        #[cfg(not(feature = "qbittorrent"))]
        ClientConfig::QBittorrent(_) => Err(left_out("qBittorrent", "qbittorrent")),
        #[cfg(feature = "watch-dir")]
        ClientConfig::WatchDir(config) => Ok(Box::new(crate::watch_dir::WatchDir::new(config))),
        #[cfg(not(feature = "watch-dir"))]
        ClientConfig::WatchDir(_) => Err(left_out("watched folders", "watch-dir")),
    }
}

#[cfg(not(all(feature = "transmission", feature = "qbittorrent", feature = "watch-dir")))]
fn left_out(what: &str, feature: &str) -> Error {
    Error::new(crate::ErrorKind::Unsupported, format!("this build of podseed cannot do {what}"))
        .hint(format!("build it with the cargo feature \"{feature}\""))
}
