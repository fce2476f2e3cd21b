//! Who is to be told of what, and what is on its way. What is told of is taken off and what is to be sent put down in
//! one transaction: nothing is lost, and nothing goes out twice unless the process dies between sending and recording.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Doing as _, Result, Store, seconds, signed, timestamp, unsigned, word};
use crate::model::{EnclosureId, Notice, NoticeKind, Trouble};

/// How a notice goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A webhook.
    Webhook,
    /// An ntfy topic.
    Ntfy,
    /// The program for its kind.
    Hook,
}

impl Channel {
    /// The word in the state and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Ntfy => "ntfy",
            Self::Hook => "hook",
        }
    }
}

/// An episode that seeds or needs the user, and nobody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldEpisode {
    /// Its enclosure.
    pub enclosure: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The title of its show.
    pub show_title: String,
    /// Whether the show has a page on the site.
    pub published: bool,
    /// As the feed gives it.
    pub guid: Option<String>,
    /// Of the episode.
    pub title: String,
    /// The file's name in the show's folder.
    pub file: Option<String>,
    /// Where a file of the user's own lies.
    pub own_path: Option<String>,
    /// 40 hexadecimal digits.
    pub info_hash_v1: Option<String>,
    /// 64 hexadecimal digits.
    pub info_hash_v2: Option<String>,
    /// The magnet link.
    pub magnet: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

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

/// A notice that is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingNotice {
    /// Which.
    pub id: i64,
    /// What is sent; `None` where a former version has written what this one does not read.
    pub notice: Option<Notice>,
    /// How often it was tried in vain.
    pub attempts: u64,
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
        let rows = sqlx::query(
            "SELECT p.client, p.state, COUNT(*) AS count, MIN(p.error) AS error
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id
             WHERE p.state NOT IN ('seeding', 'delivered') AND p.state IN ('missing', 'stopped', 'failed')
             AND e.stage NOT IN ('failed', 'withdrawn') AND NOT e.forgotten
             GROUP BY p.client, p.state ORDER BY p.client, p.state",
        )
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
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

    /// Episodes that seed (`seeding`) or need the user (`failed`) and of which nobody was told, at most so many, show
    /// by show. None for any other kind.
    pub async fn untold_episodes(&self, kind: NoticeKind, most: u64) -> Result<Vec<UntoldEpisode>> {
        let what = "list what is to be told";
        // Each as its index has it.
        let due = match kind {
            NoticeKind::Seeding => "e.stage = 'seeding' AND e.told_seeding IS NULL",
            NoticeKind::Failed => "e.stage = 'failed' AND e.told_failed IS NULL",
            _ => return Ok(Vec::new()),
        };
        let mut query = sqlx::QueryBuilder::new(
            "SELECT e.id, s.slug, s.title AS show_title, s.published, t.guid, t.title, e.file, e.own_path,
                 e.info_hash_v1, e.info_hash_v2, e.magnet, e.error
             FROM enclosures e JOIN shows s ON s.id = e.show_id
             LEFT JOIN episodes t
                 ON t.id = (SELECT MIN(a.episode_id) FROM announcements a WHERE a.enclosure_id = e.id)
             WHERE NOT e.forgotten AND ",
        );
        query.push(due).push(" ORDER BY s.slug, e.id LIMIT ").push_bind(signed(most));
        let rows = query.build().fetch_all(&self.pool).await.doing(what)?;
        rows.iter().map(untold_episode).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// Records that these were told of, and what is to be sent for it.
    pub async fn record_told(
        &self,
        kind: NoticeKind,
        episodes: &[EnclosureId],
        outgoing: &[(Channel, Notice)],
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what was told";
        let column = match kind {
            NoticeKind::Seeding => "told_seeding",
            _ => "told_failed",
        };
        let mut tx = self.begin().await.doing(what)?;
        for id in episodes {
            let mut query = sqlx::QueryBuilder::new("UPDATE enclosures SET ");
            query.push(column).push(" = ").push_bind(seconds(now)).push(" WHERE id = ").push_bind(id.0);
            query.build().execute(&mut *tx).await.doing(what)?;
        }
        put_down(&mut tx, outgoing, now).await?;
        tx.commit().await.doing(what)
    }

    /// What has failed, was told of before this time, and has recovered since may be told of again.
    pub async fn forget_told_failures(&self, before: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET told_failed = NULL
             WHERE told_failed IS NOT NULL AND told_failed <= $1 AND stage <> 'failed'",
        )
        .bind(seconds(before))
        .execute(&self.pool)
        .await
        .doing("forget what was told")?;
        Ok(())
    }

    /// Records that a trouble, or that it is over, was told of, and what is to be sent for it.
    pub async fn record_trouble_told(
        &self,
        record: &TroubleRecord,
        outgoing: &[(Channel, Notice)],
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what was told";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query(
            "UPDATE troubles SET told = CASE WHEN $3 THEN told ELSE $4 END, times = CASE WHEN $3 THEN 0 ELSE times + 1 END
             WHERE kind = $1 AND subject = $2",
        )
        .bind(record.trouble.kind.as_str())
        .bind(&record.trouble.subject)
        .bind(record.ended.is_some())
        .bind(seconds(now))
        .execute(&mut *tx)
        .await
        .doing(what)?;
        put_down(&mut tx, outgoing, now).await?;
        tx.commit().await.doing(what)
    }

    /// What is to be sent by a channel now, the least tried first, at most so many. A webhook or topic that has failed
    /// is left alone altogether until the time of its next attempt; a hook is run for each notice by itself.
    pub async fn outgoing_notices(
        &self,
        channel: Channel,
        most: u64,
        now: Timestamp,
    ) -> Result<Vec<OutgoingNotice>> {
        let what = "list what is to be sent";
        let rows = sqlx::query(
            "SELECT id, notice, attempts FROM outgoing_notices
             WHERE channel = $1 AND (next_attempt IS NULL OR next_attempt <= $2)
             AND ($4 OR NOT EXISTS (SELECT 1 FROM outgoing_notices o WHERE o.channel = $1 AND o.next_attempt > $2))
             ORDER BY attempts, id LIMIT $3",
        )
        .bind(channel.as_str())
        .bind(seconds(now))
        .bind(signed(most))
        .bind(channel == Channel::Hook)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let read = |row: &SqliteRow| -> std::result::Result<OutgoingNotice, sqlx::Error> {
            Ok(OutgoingNotice {
                id: row.try_get("id")?,
                notice: serde_json::from_str(row.try_get("notice")?).ok(),
                attempts: unsigned(row.try_get("attempts")?),
            })
        };
        rows.iter().map(read).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// A notice has gone out, or will never.
    pub async fn record_sent(&self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM outgoing_notices WHERE id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .doing("record that a notice was sent")?;
        Ok(())
    }

    /// A notice could not be sent, and is tried again then.
    pub async fn record_unsent(&self, id: i64, next_attempt: Timestamp) -> Result<()> {
        sqlx::query("UPDATE outgoing_notices SET attempts = attempts + 1, next_attempt = $2 WHERE id = $1")
            .bind(id)
            .bind(seconds(next_attempt))
            .execute(&self.pool)
            .await
            .doing("record that a notice was not sent")?;
        Ok(())
    }

    /// How often sending by a channel has failed, over all that it still has to send.
    pub async fn failures_of_channel(&self, channel: Channel) -> Result<u64> {
        sqlx::query_scalar("SELECT COALESCE(SUM(attempts), 0) FROM outgoing_notices WHERE channel = $1")
            .bind(channel.as_str())
            .fetch_one(&self.pool)
            .await
            .map(unsigned)
            .doing("count what was not sent")
    }

    /// Gives up what was made before this time, or for a channel that is not there any more. How many that were.
    pub async fn drop_outgoing(&self, made_before: Timestamp, channels: &[Channel]) -> Result<u64> {
        let has = |channel| channels.contains(&channel);
        let done = sqlx::query(
            "DELETE FROM outgoing_notices WHERE made < $1 OR (channel = 'webhook' AND NOT $2)
                 OR (channel = 'ntfy' AND NOT $3) OR (channel = 'hook' AND NOT $4)",
        )
        .bind(seconds(made_before))
        .bind(has(Channel::Webhook))
        .bind(has(Channel::Ntfy))
        .bind(has(Channel::Hook))
        .execute(&self.pool)
        .await
        .doing("give up what was not sent")?;
        Ok(done.rows_affected())
    }
}

async fn put_down(
    tx: &mut Transaction<'_, Sqlite>,
    outgoing: &[(Channel, Notice)],
    now: Timestamp,
) -> Result<()> {
    for (channel, notice) in outgoing {
        sqlx::query("INSERT INTO outgoing_notices (channel, notice, made) VALUES ($1, $2, $3)")
            .bind(channel.as_str())
            // Texts and numbers only: it can always be written.
            .bind(serde_json::to_string(notice).unwrap_or_default())
            .bind(seconds(now))
            .execute(&mut **tx)
            .await
            .doing("put a notice down")?;
    }
    Ok(())
}

fn untold_episode(row: &SqliteRow) -> std::result::Result<UntoldEpisode, sqlx::Error> {
    Ok(UntoldEpisode {
        enclosure: EnclosureId(row.try_get("id")?),
        show: row.try_get("slug")?,
        show_title: row.try_get("show_title")?,
        published: row.try_get("published")?,
        guid: row.try_get("guid")?,
        title: row.try_get::<Option<String>, _>("title")?.unwrap_or_default(),
        file: row.try_get("file")?,
        own_path: row.try_get("own_path")?,
        info_hash_v1: row.try_get("info_hash_v1")?,
        info_hash_v2: row.try_get("info_hash_v2")?,
        magnet: row.try_get("magnet")?,
        error: row.try_get("error")?,
    })
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
