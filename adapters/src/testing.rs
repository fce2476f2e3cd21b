//! Real clients to test against, and the suite that every adapter passes. Feature `testing`.
//!
//! [`Transmission`], [`QBittorrent`], [`RTorrent`] and [`Tracker`] start the installed programs headless
//! in a temporary folder, on free loopback ports, with no DHT, local discovery or peer exchange, and end
//! them when dropped. With `PODSEED_CLIENTS_ROOT` set to an unpacked Debian root the programs of that
//! release are used instead, through the root's own loader; no chroot and no privileges are needed.
//!
//! Nothing here is meant for production: failures panic or are plain `io::Error`s.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has to fail")]
#![expect(clippy::disallowed_methods, reason = "what a test makes in its temporary folder needs no care")]

pub mod conformance;
mod daemon;
mod fault_server;
mod qbittorrent;
mod rtorrent;
mod sample;
mod tracker;
mod transmission;

pub use fault_server::{Fault, FaultServer};
pub use qbittorrent::QBittorrent;
pub use rtorrent::RTorrent;
pub use sample::Sample;
pub use tracker::Tracker;
pub use transmission::Transmission;

/// The login of every client started here.
pub const USERNAME: &str = "podseed";
/// Its password.
pub const PASSWORD: &str = "correct horse";
