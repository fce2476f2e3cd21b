//! The state: the only module with SQL. The queue is the database: workers claim rows, do the effect, record it.
//!
//! SQLite in `state.db`; the statements keep to what PostgreSQL takes too. Every function is one transaction, except for
//! those of a [`Recording`], which share one.
//! An effect comes first and its record second, so a record may be made twice.

mod absences;
mod admission;
mod budget;
mod changes;
mod compare;
mod downloads;
mod episodes;
mod figures;
mod known;
mod lasting;
mod manage;
mod metrics;
mod notices;
mod offers;
mod open;
mod overview;
mod own;
mod placements;
mod preparation;
mod proofs;
mod publication;
mod publishable;
mod reconcile;
mod recording;
mod revisions;
mod shows;
mod status;
mod troubles;
mod withdraw;
mod writer;

use std::path::PathBuf;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqlitePool;

use crate::fs;

pub use absences::Absence;
pub use admission::{Candidate, DueArrangement, Grounds, Joining, TOGETHER};
pub use budget::{BudgetView, Deletion, Unfinished};
pub use downloads::NameTaken;
pub use episodes::{KnownItem, Recorded, Verdict};
pub use figures::Rule;
pub use manage::{Found, Story, StoryEnclosure};
pub use notices::{Audience, Channel, OutgoingNotice, UntoldEpisode, Window};
pub use own::OwnShow;
pub use placements::{Placed, Queued};
pub use preparation::Cover;
pub use proofs::{ClientProofs, ProofJob};
pub use publication::{Document, DueShow, Published, ShowFacts, Terms};
pub use publishable::{EpisodeRecord, FileRecord, Replaced, SitePlacement};
pub use reconcile::{DataFile, Judged, Settled};
pub use recording::Recording;
pub use revisions::OfficialTorrent;
pub use shows::{FailedPoll, FeedRecord, ShowId, ShowRecord};
pub use status::{EnclosureStatus, EpisodeStatus, PlacementStatus, ShowStatus};
pub use troubles::{AilingTorrents, FailingFeed, TroubleRecord};
pub use withdraw::{RemovalJob, Takedown};

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no state yet.
    #[error("nothing is known yet: there is no {}", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// Cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// Written by a later version of podseed.
    #[error("{} was written by a newer podseed (its schema is {found}, this program knows {known}); use that version", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Written by an earlier version, and only to be read here.
    #[error("{} was written by an older podseed; `podseed run` brings it up to date", path.display())]
    Older {
        /// The database file.
        path: PathBuf,
    },
    /// The schema could not be brought up to date.
    #[error("cannot bring {} up to date", path.display())]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        source: MigrateError,
    },
    /// There is no room for the copy that is kept of the state before it is brought up to date.
    #[error(
        "{} was written by an older podseed, and there is no room for a copy of it before it is brought up to date: {} \
         bytes are needed and {} are free; nothing was changed",
        path.display(), needed, free
    )]
    NoRoom {
        /// The database file.
        path: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A copy of the state could not be made.
    #[error("cannot make a copy of the state")]
    Backup(#[source] fs::Error),
    /// The disk is full.
    #[error("cannot {what}, for the disk is full; make room, and podseed goes on where it was")]
    Full {
        /// What was to be done.
        what: &'static str,
    },
    /// A statement failed.
    #[error("cannot {what} in the state")]
    Statement {
        /// What was to be done.
        what: &'static str,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A row holds what this program never writes.
    #[error("the state holds \"{value}\" as {what}, which this program does not know")]
    Value {
        /// The column.
        what: &'static str,
        /// What it holds.
        value: String,
    },
}

type Result<T> = std::result::Result<T, Error>;

/// Names what was to be done when a statement fails.
trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T>;
}

impl<T> Doing<T> for std::result::Result<T, sqlx::Error> {
    fn doing(self, what: &'static str) -> Result<T> {
        self.map_err(|source| match open::is_full(&source) {
            true => Error::Full { what },
            false => Error::Statement { what, source },
        })
    }
}

/// The open state.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
    /// The copy of what it was before it was brought up to date, just now.
    backup: Option<PathBuf>,
}

impl Store {
    /// Waits for the last statements and closes the database; the write-ahead log goes into it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that writes. In SQLite one that reads first and finds at its first write that another has
    /// written since cannot go on, so it takes its turn at once.
    async fn begin(&self) -> std::result::Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}

/// A word from the database as the type it stands for.
fn word<T: std::str::FromStr>(what: &'static str, value: &str) -> Result<T> {
    value.parse().map_err(|_| Error::Value { what, value: value.to_owned() })
}

/// SQLite keeps signed numbers; sizes and counts are never that large.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The way back; podseed never writes a negative count.
fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn seconds(time: jiff::Timestamp) -> i64 {
    time.as_second()
}

fn timestamp(seconds: Option<i64>) -> Option<jiff::Timestamp> {
    seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
}

#[cfg(test)]
mod tests;
