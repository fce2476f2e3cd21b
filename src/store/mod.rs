//! The state: the only module with SQL. The queue is the database: workers claim rows, do the effect, record it.
//!
//! SQLite in `state.db`; the statements keep to what PostgreSQL takes too. Every function is one transaction.
//! An effect comes first and its record second, so a record may be made twice.

mod compare;
mod downloads;
mod episodes;
mod figures;
mod manage;
mod notices;
mod offers;
mod placements;
mod publication;
mod publishable;
mod revisions;
mod shows;
mod status;
mod troubles;
mod withdraw;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

pub use downloads::NameTaken;
pub use episodes::{KnownItem, Recorded, Verdict};
pub use figures::Rule;
pub use manage::{Found, Story, StoryEnclosure};
pub use notices::{Audience, Channel, OutgoingNotice, UntoldEpisode, Window};
pub use placements::Placed;
pub use publication::{Cover, Document, DueShow, Published, ShowFacts, Terms};
pub use publishable::{EpisodeRecord, FileRecord, Replaced, SitePlacement};
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
        self.map_err(|source| Error::Statement { what, source })
    }
}

/// The migrations, in order. A released one is never edited.
fn migrator() -> Migrator {
    let scripts = [
        ("first", include_str!("migrations/0001_first.sql")),
        ("publication", include_str!("migrations/0002_publication.sql")),
        ("figures", include_str!("migrations/0003_figures.sql")),
        ("daemon", include_str!("migrations/0004_daemon.sql")),
    ];
    let migration = |(version, (name, script)): (i64, (&'static str, &'static str))| {
        let script = sqlx::SqlSafeStr::into_sql_str(script);
        Migration::new(version, name.into(), MigrationType::Simple, script, false)
    };
    Migrator::with_migrations((1..).zip(scripts).map(migration).collect())
}

/// The open state.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the state for a working process; makes it, or brings it up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        let store = Self::connect(path, true).await?;
        store.refuse_newer(path).await?;
        migrator()
            .run(&store.pool)
            .await
            .map_err(|source| Error::Migrate { path: path.to_owned(), source })?;
        Ok(store)
    }

    /// Opens the state beside a working process; never makes or changes its schema.
    pub async fn open_existing(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let store = Self::connect(path, false).await?;
        if store.refuse_newer(path).await? < migrator().iter().count() {
            return Err(Error::Older { path: path.to_owned() });
        }
        Ok(store)
    }

    /// Waits for the last statements and closes the database; the write-ahead log goes into it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A copy of the state to try things on, or an empty one where there is none yet. It goes with the folder.
    pub async fn open_copy(path: &Path) -> Result<(Self, tempfile::TempDir)> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let scratch = tempfile::tempdir().map_err(|error| failed(sqlx::Error::Io(error)))?;
        let copy = scratch.path().join("state.db");
        if path.exists() {
            let original = Self::connect(path, false).await?;
            original.refuse_newer(path).await?;
            sqlx::query("VACUUM INTO $1")
                .bind(copy.to_string_lossy().into_owned())
                .execute(&original.pool)
                .await
                .map_err(failed)?;
        }
        Ok((Self::open(&copy).await?, scratch))
    }

    async fn connect(path: &Path, create: bool) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            // What is recorded before its effect (a file's name, the intention to add a torrent) has to survive a power
            // cut as the effect does: else a file that is there is fetched again, and our torrent is somebody else's.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Ok(Self { pool })
    }

    /// Begins a transaction that writes. In SQLite one that reads first and finds at its first write that another has
    /// written since cannot go on, so it takes its turn at once.
    async fn begin(&self) -> std::result::Result<sqlx::Transaction<'static, sqlx::Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    /// How many migrations are applied; an error when there are some that we do not know.
    async fn refuse_newer(&self, path: &Path) -> Result<usize> {
        let migrator = migrator();
        let failed = |source| Error::Migrate { path: path.to_owned(), source };
        let open = |source| Error::Open { path: path.to_owned(), source };
        let mut connection = self.pool.acquire().await.map_err(open)?;
        connection.ensure_migrations_table(&migrator.table_name).await.map_err(failed)?;
        let applied = connection.list_applied_migrations(&migrator.table_name).await.map_err(failed)?;
        let known = migrator.iter().map(|migration| migration.version).max().unwrap_or_default();
        match applied.iter().map(|migration| migration.version).max() {
            Some(found) if found > known => Err(Error::Newer { path: path.to_owned(), found, known }),
            _ => Ok(applied.len()),
        }
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
