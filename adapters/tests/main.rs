//! The adapters against the real programs. A client that cannot be started fails its tests.
#![expect(clippy::unwrap_used, reason = "these are tests")]
#![expect(clippy::disallowed_methods, reason = "what a test makes in its temporary folder needs no care")]

mod faults;
mod qbittorrent;
mod real_clients;
mod transmission;
mod watch_dir;
