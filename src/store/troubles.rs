//! Troubles: what is wrong for some time, by what it is about, and what the state itself says of feeds and torrents.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Doing as _, Result, Store, seconds, timestamp, unsigned, word};
use crate::model::{NoticeKind, Trouble};

/// A trouble on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TroubleRecord {
    /// What it is.
    pub trouble: Trouble,
    /// Since when.
    pub since: Timestamp,
    /// Since when it is well again.
    pub ended: Option<Timestamp>,
    /// When it was last told of, also in a former time.
    pub told: Option<Timestamp>,
    /// How often it was told of since it began.
    pub times: u64,
}

/// A show whose feed cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingFeed {
    /// The slug.
    pub show: String,
    /// Why, at the last poll.
    pub error: String,
    /// Polls in a row that failed.
    pub failures: u64,
    /// When it was last read.
    pub last_good_poll: Option<Timestamp>,
}

/// What is wrong with some torrents at a client, although no single episode needs the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AilingTorrents {
    /// The client.
    pub client: String,
    /// `missing`, `stopped` or `failed`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// What the client says of one of them.
    pub error: Option<String>,
}

impl Store {
    /// Records a trouble. One that is on record and not over stays as old as it is.
    pub async fn raise(&self, trouble: &Trouble, now: Timestamp) -> Result<()> {
        sqlx::query(
            "INSERT INTO troubles (kind, subject, error, remedy, since) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (kind, subject) DO UPDATE SET error = excluded.error, remedy = excluded.remedy, ended = NULL,
                 since = CASE WHEN troubles.ended IS NULL THEN troubles.since ELSE excluded.since END,
                 times = CASE WHEN troubles.ended IS NULL THEN troubles.times ELSE 0 END
             WHERE troubles.ended IS NOT NULL OR troubles.error <> excluded.error OR troubles.remedy <> excluded.remedy",
        )
        .bind(trouble.kind.as_str())
        .bind(&trouble.subject)
        .bind(&trouble.error)
        .bind(&trouble.remedy)
        .bind(seconds(now))
        .execute(&self.pool)
        .await
        .doing("record a trouble")?;
        Ok(())
    }

    /// Records that a trouble is over; that there was none is well, too.
    pub async fn settle(&self, kind: NoticeKind, subject: &str, now: Timestamp) -> Result<()> {
        sqlx::query("UPDATE troubles SET ended = $3 WHERE kind = $1 AND subject = $2 AND ended IS NULL")
            .bind(kind.as_str())
            .bind(subject)
            .bind(seconds(now))
            .execute(&self.pool)
            .await
            .doing("record that a trouble is over")?;
        Ok(())
    }

    /// Every trouble on record, the oldest first.
    pub async fn troubles(&self) -> Result<Vec<TroubleRecord>> {
        let rows = sqlx::query(
            "SELECT kind, subject, error, remedy, since, ended, told, times FROM troubles ORDER BY since, kind, subject",
        )
        .fetch_all(&self.pool)
        .await
        .doing("list the troubles")?;
        rows.iter().map(trouble_record).collect()
    }

    /// Takes what is well again and was told of before this time off the record.
    pub async fn forget_troubles(&self, told_before: Timestamp) -> Result<()> {
        sqlx::query(
            "DELETE FROM troubles WHERE ended IS NOT NULL AND times = 0 AND (told IS NULL OR told <= $1)",
        )
        .bind(seconds(told_before))
        .execute(&self.pool)
        .await
        .doing("forget troubles")?;
        Ok(())
    }

    /// The feeds that could not be read at the last poll.
    pub async fn failing_feeds(&self) -> Result<Vec<FailingFeed>> {
        let what = "list the feeds that fail";
        let rows = sqlx::query(
            "SELECT slug, error, failures, last_good_poll FROM shows
             WHERE error IS NOT NULL AND failures > 0 AND NOT withdrawn ORDER BY slug",
        )
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let read = |row: &SqliteRow| -> std::result::Result<FailingFeed, sqlx::Error> {
            Ok(FailingFeed {
                show: row.try_get("slug")?,
                error: row.try_get("error")?,
                failures: unsigned(row.try_get("failures")?),
                last_good_poll: timestamp(row.try_get("last_good_poll")?),
            })
        };
        rows.iter().map(read).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// What clients have stopped or lost or cannot seed, by client and state; without episodes that need the user, who
    /// is told of those by themselves.
    pub async fn ailing_torrents(&self) -> Result<Vec<AilingTorrents>> {
        let what = "list what clients do not seed";
        let rows = sqlx::query(AILING).fetch_all(&self.pool).await.doing(what)?;
        let read = |row: &SqliteRow| -> std::result::Result<AilingTorrents, sqlx::Error> {
            Ok(AilingTorrents {
                client: row.try_get("client")?,
                state: row.try_get("state")?,
                count: unsigned(row.try_get("count")?),
                error: row.try_get("error")?,
            })
        };
        rows.iter().map(read).collect::<std::result::Result<_, _>>().doing(what)
    }
}

fn trouble_record(row: &SqliteRow) -> Result<TroubleRecord> {
    let what = "read a trouble";
    let kind: String = row.try_get("kind").doing(what)?;
    let kind = word("a kind of trouble", &kind)?;
    let read = || -> std::result::Result<TroubleRecord, sqlx::Error> {
        Ok(TroubleRecord {
            trouble: Trouble {
                kind,
                subject: row.try_get("subject")?,
                error: row.try_get("error")?,
                remedy: row.try_get("remedy")?,
            },
            since: timestamp(row.try_get("since")?).unwrap_or_default(),
            ended: timestamp(row.try_get("ended")?),
            told: timestamp(row.try_get("told")?),
            times: unsigned(row.try_get("times")?),
        })
    };
    read().doing(what)
}

/// In the words of the index `placements_ailing`.
pub(super) const AILING: &str = "SELECT p.client, p.state, COUNT(*) AS count, MIN(p.error) AS error
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id
             WHERE p.state IN ('missing', 'stopped', 'failed')
             AND e.stage NOT IN ('failed', 'withdrawn') AND NOT e.forgotten
             GROUP BY p.client, p.state ORDER BY p.client, p.state";
