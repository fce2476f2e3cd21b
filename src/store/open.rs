//! Opening the state: made, brought up to date with a copy kept of what it was, or refused.
//!
//! Each migration is one transaction, so that a process that dies leaves the schema before it or behind it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Error, Result, Store};
use crate::fs;

/// Copies from before migrations that are kept.
const BACKUPS: usize = 2;
/// Rows that a connection reads ahead of who asks for them.
const ROWS_AT_ONCE: usize = 1_000;
/// What SQLite needs beside the copy, at the least: its log, and room to make new columns.
const ROOM: u64 = 1 << 20;

/// The migrations, in order. A released one is never edited.
pub(super) fn migrator() -> Migrator {
    let scripts = [
        ("first", include_str!("migrations/0001_first.sql")),
        ("publication", include_str!("migrations/0002_publication.sql")),
        ("figures", include_str!("migrations/0003_figures.sql")),
        ("daemon", include_str!("migrations/0004_daemon.sql")),
        ("state", include_str!("migrations/0005_state.sql")),
        ("leases", include_str!("migrations/0006_leases.sql")),
        ("absences", include_str!("migrations/0007_absences.sql")),
    ];
    let migration = |(version, (name, script)): (i64, (&'static str, &'static str))| {
        let script = sqlx::SqlSafeStr::into_sql_str(script);
        Migration::new(version, name.into(), MigrationType::Simple, script, false)
    };
    Migrator::with_migrations((1..).zip(scripts).map(migration).collect())
}

impl Store {
    /// Opens the state for a working process; makes it, or brings it up to date. What was is kept beside it as
    /// `state.db.before-N`, where N is the number of the migration that comes first.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_durable(path, SqliteSynchronous::Full).await
    }

    async fn open_durable(path: &Path, synchronous: SqliteSynchronous) -> Result<Self> {
        let mut store = Self::connect(path, true, synchronous).await?;
        let applied = store.refuse_newer(path).await?;
        let known = migrator().iter().count();
        if (1..known).contains(&applied) {
            store.backup = Some(store.back_up(path, applied + 1).await?);
        }
        migrator().run(&store.pool).await.map_err(|source| not_migrated(path, source))?;
        Ok(store)
    }

    /// The copy that was made when the state was opened and brought up to date.
    pub fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }

    /// Opens the state beside a working process; never makes or changes its schema.
    pub async fn open_existing(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        let store = Self::connect(path, false, SqliteSynchronous::Full).await?;
        match store.refuse_newer(path).await? {
            // Somebody is making it just now.
            0 => Err(Error::Missing { path: path.to_owned() }),
            applied if applied < migrator().iter().count() => Err(Error::Older { path: path.to_owned() }),
            _ => Ok(store),
        }
    }

    /// A copy of the state to try things on, or an empty one where there is none yet. It goes with the folder.
    pub async fn open_copy(path: &Path) -> Result<(Self, fs::Scratch)> {
        let mut scratch = fs::Scratch::new().map_err(Error::Backup)?;
        if path.exists() {
            let original = Self::connect(path, false, SqliteSynchronous::Full).await?;
            original.refuse_newer(path).await?;
            scratch = original.copy_into(scratch, path).await?;
        }
        let copy = scratch.path().join("state.db");
        Ok((Self::open_durable(&copy, SqliteSynchronous::Off).await?, scratch))
    }

    /// Copies the file of the state and then its log as they are, which takes a fifth of the time of `VACUUM INTO`.
    /// While somebody reads, the log does not begin anew: what a checkpoint moves meanwhile is in both copies, and a
    /// transaction that is only half there at the end of the log never was (<https://sqlite.org/walformat.html>).
    async fn copy_into(&self, scratch: fs::Scratch, path: &Path) -> Result<fs::Scratch> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let mut reader = self.pool.begin().await.map_err(failed)?;
        sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut *reader).await.map_err(failed)?;
        let log = with_suffix(path, "-wal");
        let files = [(path.to_owned(), "state.db"), (log, "state.db-wal")];
        let copying = tokio::task::spawn_blocking(move || scratch.fill(&files).map(|()| scratch));
        let copied = copying.await.map_err(|error| failed(sqlx::Error::Io(error.into())))?;
        reader.rollback().await.map_err(failed)?;
        copied.map_err(Error::Backup)
    }

    /// Opens the file as it is. What is recorded before its effect (a file's name, the intention to add a torrent) has
    /// to survive a power cut as the effect does: else a file that is there is fetched again, and our torrent is
    /// somebody else's. So all but a copy to try things on is `Full`.
    pub(super) async fn connect(path: &Path, create: bool, synchronous: SqliteSynchronous) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .foreign_keys(true)
            // A row that is handed over by itself costs more than reading it.
            .row_buffer_size(ROWS_AT_ONCE)
            .busy_timeout(Duration::from_secs(60));
        // On a full disk SQLite ends a transaction by itself, and sqlx goes on to count it as open: nothing can be
        // begun on that connection any more.
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
        let pool = pool.connect_with(options).await.map_err(|source| match is_full(&source) {
            true => Error::Full { what: "open the state" },
            false => Error::Open { path: path.to_owned(), source },
        })?;
        Ok(Self { pool, backup: None })
    }

    /// Keeps a copy of the state as it is, complete and synced, and drops the copies of long ago.
    async fn back_up(&self, path: &Path, next: usize) -> Result<PathBuf> {
        let failed = |source| match is_full(&source) {
            true => Error::Full { what: "keep a copy of the state" },
            false => Error::Open { path: path.to_owned(), source },
        };
        let size: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                .fetch_one(&self.pool)
                .await
                .map_err(failed)?;
        let needed = super::unsigned(size).saturating_mul(2).saturating_add(ROOM);
        let free = fs::free_space(path).map_err(Error::Backup)?;
        if free < needed {
            return Err(Error::NoRoom { path: path.to_owned(), needed, free });
        }
        let copy = with_suffix(path, &format!(".before-{next}"));
        let unfinished = with_suffix(&copy, fs::TEMPORARY_SUFFIX);
        fs::remove(&unfinished).map_err(Error::Backup)?;
        sqlx::query("VACUUM INTO $1")
            .bind(unfinished.to_string_lossy().into_owned())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        fs::replace_synced(&unfinished, &copy).map_err(Error::Backup)?;
        forget_older(path, next);
        Ok(copy)
    }

    /// How many migrations are applied; an error when there are some that we do not know.
    async fn refuse_newer(&self, path: &Path) -> Result<usize> {
        let migrator = migrator();
        let failed = |source| not_migrated(path, source);
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

fn not_migrated(path: &Path, source: MigrateError) -> Error {
    match is_full(&source) {
        true => Error::Full { what: "bring the state up to date" },
        false => Error::Migrate { path: path.to_owned(), source },
    }
}

/// Of the copies before migrations up to this one the last two stay.
fn forget_older(path: &Path, next: usize) {
    let copies = (1..=next).rev().map(|number| with_suffix(path, &format!(".before-{number}")));
    for copy in copies.filter(|copy| copy.exists()).skip(BACKUPS) {
        if let Err(error) = fs::remove(&copy) {
            tracing::warn!(%error, "an old copy of the state stays");
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

/// Whether SQLite had no space. It says `SQLITE_FULL` of its file, and of the index of its log that this could not be
/// made longer (`SQLITE_IOERR_SHMSIZE`).
pub(super) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(sqlx::Error::Database(error)) = error.downcast_ref()
            && matches!(error.code().as_deref(), Some("13" | "4874"))
        {
            return true;
        }
        cause = error.source();
    }
    false
}
