//! The tests that use podseed as its users do, in one binary: one file per behaviour.

mod clients;
mod config;
mod crash;
mod download;
mod examples;
mod feed_fetch;
mod feeds;
mod flows;
mod http;
mod support;
mod torrents;
