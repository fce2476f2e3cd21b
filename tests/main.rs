//! The tests that use podseed as its users do, in one binary: one file per behaviour.

mod config;
mod examples;
