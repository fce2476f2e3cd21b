//! Hands torrents and their data to BitTorrent clients.
//!
//! The crate owns one trait, [`TorrentClient`], the few types that it mentions, and one module per
//! client: Transmission and qBittorrent through their remote interfaces, anything else through a
//! folder that it watches. It knows nothing of feeds, configuration files or databases.
//!
//! An adapter speaks its client's protocol and nothing more. Waiting, retrying, path mapping and the
//! order of steps belong to the caller.
//!
//! # Adding an adapter
//!
//! 1. Give it a configuration in `config.rs`, as a variant of [`ClientConfig`], and a cargo feature.
//! 2. Write the module: one struct that implements [`TorrentClient`]. What goes over HTTP goes through
//!    `http.rs`.
//! 3. Open it in [`open`]; the compiler names what is missing.
//! 4. Start the real program in `testing/` and run `testing::conformance` on it in `tests/`.
//!
//! Then `handover` and the configuration of podseed learn the new variant, again led by the compiler.

mod config;
mod contract;
mod error;
#[cfg(any(feature = "transmission", feature = "qbittorrent"))]
mod http;
mod info_hash;
#[cfg(feature = "qbittorrent")]
mod qbittorrent;
mod secret;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "transmission")]
mod transmission;
#[cfg(feature = "watch-dir")]
mod watch_dir;

pub use config::{ClientConfig, QBittorrentConfig, TransmissionConfig, WatchDirConfig, WatchedBy, open};
pub use contract::{
    Activity, Added, Capabilities, ClientInfo, Limits, Listed, Presence, Seed, TorrentClient, TorrentRef,
    TorrentStatus, TorrentVersion,
};
pub use error::{Error, ErrorKind, Retry};
pub use info_hash::{InfoHashV1, InfoHashV2, InfoHashes, ParseInfoHashError};
pub use secret::Secret;
