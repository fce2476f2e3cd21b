//! What podseed does, seen from outside: one binary for all of it.

mod config;
