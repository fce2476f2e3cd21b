//! What podseed does, seen from outside: one binary for all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a step that fails is a test that fails")]

mod config;
mod examples;
