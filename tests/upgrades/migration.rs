//! Migrations: with a copy of what was, all or nothing, and never backwards.
