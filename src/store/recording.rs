//! What polls have brought goes into the state together: one transaction, and so one sync of the disk, for all who are
//! there at the time.

use std::time::Duration;

use sqlx::{Sqlite, SqlitePool, Transaction};

use super::{Doing as _, Result, Store};

/// So long the state is left to other writers between two transactions.
const BREATH: Duration = Duration::from_millis(5);

/// A transaction that polls are recorded in. Nothing of it is there before [`Recording::commit`], and nothing is where it
/// is dropped: then the feeds are asked once more. The state's other writers wait meanwhile, perhaps on every other
/// connection: so it is not for long, and nothing else may be asked of the [`Store`] before it has ended.
#[derive(Debug)]
pub struct Recording {
    pub(super) tx: Transaction<'static, Sqlite>,
    pool: SqlitePool,
}

impl Store {
    /// Begins to record polls.
    pub async fn recording(&self) -> Result<Recording> {
        let tx = self.begin().await.doing("record a poll")?;
        Ok(Recording { tx, pool: self.pool.clone() })
    }
}

impl Recording {
    /// All of it is on record, also after a power cut.
    ///
    /// Who waits for his turn to write sleeps in SQLite and looks again, in the end only ten times a second. Somebody who
    /// always begins anew at once would never let him; so this waits a moment wherever there is somebody.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await.doing("record a poll")?;
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        if self.pool.size() > idle {
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }
}
