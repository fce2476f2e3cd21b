//! The tests that use podseed as its users do, in one binary.

mod support;
mod torrents;
