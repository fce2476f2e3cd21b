//! Everything that needs more than one module, in one binary: one file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod feed_fetch;
mod feeds;
mod http;
mod support;
