//! Who is to be told of what, and what is on its way. What is told of is taken off and what is to be sent put down in
//! one transaction: nothing is lost, and nothing goes out twice unless the process dies between sending and recording.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Doing as _, Result, Store, TroubleRecord, seconds, signed, timestamp, unsigned};
use crate::model::{EnclosureId, Notice, NoticeKind};

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

/// Who is told of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// People, by webhook and ntfy: of several episodes together.
    People,
    /// Hooks, of each by itself.
    Hooks,
}

/// What is being collected for one notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the first of it was seen.
    pub began: Timestamp,
    /// When the last was.
    pub grew: Timestamp,
}

/// The columns that say when somebody was told, each with the condition as its index has it.
fn told(kind: NoticeKind, audience: Audience) -> Option<(&'static str, &'static str)> {
    match (kind, audience) {
        (NoticeKind::Seeding, Audience::People) => {
            Some(("told_seeding", "e.stage = 'seeding' AND e.told_seeding IS NULL"))
        }
        (NoticeKind::Seeding, Audience::Hooks) => {
            Some(("hooked_seeding", "e.stage = 'seeding' AND e.hooked_seeding IS NULL"))
        }
        (NoticeKind::Failed, Audience::People) => {
            Some(("told_failed", "e.stage = 'failed' AND e.told_failed IS NULL"))
        }
        (NoticeKind::Failed, Audience::Hooks) => {
            Some(("hooked_failed", "e.stage = 'failed' AND e.hooked_failed IS NULL"))
        }
        _ => None,
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
    /// Episodes that seed (`seeding`) or need the user (`failed`) and of which these were not told, at most so many,
    /// show by show. None for any other kind.
    pub async fn untold_episodes(
        &self,
        kind: NoticeKind,
        audience: Audience,
        most: u64,
    ) -> Result<Vec<UntoldEpisode>> {
        let what = "list what is to be told";
        let Some((_, due)) = told(kind, audience) else { return Ok(Vec::new()) };
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
        (kind, audience): (NoticeKind, Audience),
        episodes: &[EnclosureId],
        outgoing: &[(Channel, Notice)],
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what was told";
        let Some((column, _)) = told(kind, audience) else { return Ok(()) };
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
            "UPDATE enclosures SET told_failed = NULL, hooked_failed = NULL
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

    /// Notes how much there is of a topic now, and gives since when; nothing where there is nothing.
    pub async fn notice_window(&self, topic: &str, waiting: u64, now: Timestamp) -> Result<Option<Window>> {
        let what = "collect notices";
        if waiting == 0 {
            self.close_notice_window(topic).await?;
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO notice_windows (topic, began, grew, waiting) VALUES ($1, $2, $2, $3)
             ON CONFLICT (topic) DO UPDATE SET waiting = excluded.waiting,
                 grew = CASE WHEN excluded.waiting > notice_windows.waiting THEN excluded.grew ELSE notice_windows.grew END
             WHERE notice_windows.waiting <> excluded.waiting",
        )
        .bind(topic)
        .bind(seconds(now))
        .bind(signed(waiting))
        .execute(&self.pool)
        .await
        .doing(what)?;
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT began, grew FROM notice_windows WHERE topic = $1")
                .bind(topic)
                .fetch_optional(&self.pool)
                .await
                .doing(what)?;
        Ok(row.and_then(|(began, grew)| {
            Some(Window { began: timestamp(Some(began))?, grew: timestamp(Some(grew))? })
        }))
    }

    /// What was collected is told of.
    pub async fn close_notice_window(&self, topic: &str) -> Result<()> {
        sqlx::query("DELETE FROM notice_windows WHERE topic = $1")
            .bind(topic)
            .execute(&self.pool)
            .await
            .doing("collect notices")?;
        Ok(())
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
