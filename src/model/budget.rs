//! What is kept of what podseed has fetched, and what goes first: a pure rule about files, sizes, dates and swarms.
//!
//! A rule holds within its scope: `keep` of the configuration over all shows together, that of a show within the show.
//! What any rule does not keep goes, and nothing goes that
//! - another file needs whose torrent is the same one,
//! - cannot be taken back everywhere ([`Holding::Bound`]),
//! - nobody else is known to seed, unless `allow_last_seeder` says so.
//!
//! What is not fetched yet is judged as if it were there: what would go at once is not fetched.

mod order;
mod scope;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::EnclosureId;
pub use verdict::{Cause, Dropped, Shortfall, Verdict};

/// What is kept within a scope. A rule that is `None` keeps everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeepRules {
    /// The newest so many episodes.
    pub latest: Option<usize>,
    /// Episodes that were published no longer ago.
    pub max_age: Option<Duration>,
    /// Bytes on the disk.
    pub total_size: Option<u64>,
    /// Whether a file may go that nobody else is known to seed.
    pub allow_last_seeder: bool,
}

/// All rules together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// Over all shows.
    pub all: Option<KeepRules>,
    /// Of single shows, by slug.
    pub shows: BTreeMap<String, KeepRules>,
    /// Bytes of the disk that stay free.
    pub disk_free: u64,
}

impl Budget {
    /// Whether nothing is ever dropped.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.shows.is_empty()
    }

    /// Whether the length of what is kept matters.
    pub fn limits_size(&self) -> bool {
        self.all.iter().chain(self.shows.values()).any(|rules| rules.total_size.is_some())
    }

    /// Whether any rule holds for this show.
    pub fn governs(&self, show: &str) -> bool {
        self.all.is_some() || self.shows.contains_key(show)
    }

    fn allows_last_seeder(&self, show: &str) -> bool {
        self.shows.get(show).or(self.all.as_ref()).is_some_and(|rules| rules.allow_last_seeder)
    }
}

/// How far podseed has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    /// To be fetched.
    Wanted,
    /// Being fetched or handed over, or waiting for something else than space.
    Fetching,
    /// There, with its torrent, and can be taken back.
    Held,
    /// There, and cannot be taken back, for this reason.
    Bound(String),
    /// Dropped earlier; its episode is still one of the newest, or not.
    Dropped,
    /// None of the budget's business: the user's own, or forgotten.
    Foreign,
}

/// A file, as far as it matters for what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetFile {
    /// Which.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The file's name, once known.
    pub name: Option<String>,
    /// The newest episode that announces it.
    pub episode: i64,
    /// When that was published, else discovered.
    pub date: Timestamp,
    /// When podseed came to know it: what is dated in the future is no younger than that.
    pub discovered: Timestamp,
    /// How far podseed has it.
    pub holding: Holding,
    /// Bytes that it takes on the disk, or is expected to.
    pub bytes: u64,
    /// What its torrent is known by; two files with the same one are one torrent at a client.
    pub torrent: Option<String>,
    /// Seeders other than our own clients; `None`: no tracker has told of late.
    pub others: Option<u64>,
    /// How many times it was downloaded of late.
    pub demand: u64,
    /// Whether something has taken its place.
    pub former: bool,
    /// When the user has brought it back after it was dropped.
    pub readmitted: Option<Timestamp>,
    /// Whether the disk gains by dropping it: no other name of the file is known.
    pub frees: bool,
}

/// The disk, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that will be, once what was dropped earlier is deleted.
    pub pending: u64,
}

/// Decides what goes, and what is not fetched. The same input gives the same verdict.
pub fn decide(files: &[BudgetFile], budget: &Budget, space: Space, now: Timestamp) -> Verdict {
    let mut decision = verdict::Decision::new(files, budget);
    let scopes = scope::scopes(files, budget);
    decision.never_again();
    decision.apply_dates(&scopes, now);
    for scope in &scopes {
        decision.apply_size(scope, now);
    }
    decision.apply_space(space);
    decision.finish()
}

#[cfg(test)]
mod tests;
