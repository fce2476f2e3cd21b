//! The tests that use podseed as its users do, in one binary: one file per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and lays out its own files"
)]

mod architecture;
mod away;
mod budget;
mod clients;
mod config;
mod crash;
mod cron;
mod daemon;
mod docs;
mod download;
mod examples;
mod feed_fetch;
mod feeds;
mod flows;
mod http;
mod notices;
mod own;
mod pages;
mod podcast_feed;
mod prove;
mod publication;
mod reconcile;
mod report;
mod revisions;
mod serve;
mod shows;
mod site_feeds;
mod support;
mod torrents;
mod upgrades;
