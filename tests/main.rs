//! The tests that use podseed as its users do, in one binary: one file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod download;
mod feeds;
mod http;
mod support;
mod torrents;
