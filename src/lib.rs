//! podseed: podcast feeds in; torrents that are really being seeded out.
//!
//! ARCHITECTURE.md shows the path of one episode through these modules.

pub mod cli;
pub mod clock;
pub mod config;
pub mod download;
pub mod error;
pub mod feed;
pub mod fs;
pub mod handover;
pub mod hash;
pub mod http;
pub mod inbox;
pub mod model;
pub mod notices;
pub mod opml;
pub mod pipeline;
pub mod prove;
pub mod publish;
pub mod report;
pub mod secret;
pub mod serve;
pub mod store;
pub mod torrent;
pub mod units;
