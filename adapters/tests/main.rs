//! The adapters against the real programs. A client that cannot be started fails its tests.

mod qbittorrent;
mod real_clients;
mod transmission;
