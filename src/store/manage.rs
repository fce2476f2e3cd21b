//! What the user asks about or decides for single episodes: `why`, `retry`, `forget`.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::downloads::event;
use super::{Doing as _, EnclosureStatus, Result, Store, timestamp, unsigned, word};
use crate::model::{EnclosureId, SourceState, Stage};

/// An episode that a user may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The store's id.
    pub episode: i64,
    /// The slug of its show.
    pub show: String,
    /// Its title.
    pub title: String,
    /// Its guid.
    pub guid: Option<String>,
}

/// Everything that is known of one episode.
#[derive(Debug, Clone)]
pub struct Story {
    /// Which.
    pub found: Found,
    /// When it was published.
    pub date: Option<Timestamp>,
    /// When podseed first saw it.
    pub discovered: Option<Timestamp>,
    /// Whether it is in the feed now.
    pub present: bool,
    /// Whether it is wanted.
    pub wanted: bool,
    /// By which rule.
    pub verdict: String,
    /// The licence that the item states.
    pub licence: Option<String>,
    /// Whether the user has taken it down.
    pub withdrawn: bool,
    /// Each enclosure with whether it is wanted or forgotten, what it cost the origin, and its events.
    pub enclosures: Vec<StoryEnclosure>,
}

/// One enclosure's part of a story.
#[derive(Debug, Clone)]
pub struct StoryEnclosure {
    /// Where it stands.
    pub status: EnclosureStatus,
    /// The selection wants it.
    pub wanted: bool,
    /// The user has told podseed to forget it.
    pub forgotten: bool,
    /// Requests made to the origin.
    pub requests: u64,
    /// Bytes received from the origin.
    pub bytes: u64,
    /// Whether its URL gives everybody the same bytes.
    pub source: SourceState,
    /// When that is looked at next.
    pub next_look: Option<Timestamp>,
    /// Whether its torrent names the publisher's URL.
    pub web_seed: bool,
    /// Where the publisher offers a torrent of it himself.
    pub official_url: Option<String>,
    /// Whether what is seeded is that torrent.
    pub official: bool,
    /// When something took its place, and why: `revised` or `official`.
    pub replaced: Option<(Timestamp, String)>,
    /// What happened, in order.
    pub events: Vec<(Timestamp, String)>,
}

impl Store {
    /// The episodes that a user may mean by this text: a guid, an enclosure's URL, an info hash, a file's name, or
    /// else a part of the title in any case.
    pub async fn find_episodes(&self, text: &str) -> Result<Vec<Found>> {
        let exact = self
            .search(
                "ep.guid = $1 OR e.url = $1 OR e.info_hash_v1 = LOWER($1) OR e.info_hash_v2 = LOWER($1)
                 OR e.file = $1 OR s.slug || '/' || e.file = $1 OR ep.title = $1",
                text,
            )
            .await?;
        if !exact.is_empty() {
            return Ok(exact);
        }
        self.search("INSTR(LOWER(ep.title), LOWER($1)) > 0", text).await
    }

    /// The episodes of a show.
    pub async fn episodes_of_show(&self, slug: &str) -> Result<Vec<Found>> {
        self.search("s.slug = $1", slug).await
    }

    async fn search(&self, condition: &'static str, text: &str) -> Result<Vec<Found>> {
        let what = "look for an episode";
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT DISTINCT ep.id, s.slug, ep.title, ep.guid, ep.date FROM episodes ep
             JOIN shows s ON s.id = ep.show_id LEFT JOIN announcements a ON a.episode_id = ep.id
             LEFT JOIN enclosures e ON e.id = a.enclosure_id WHERE {condition} ORDER BY ep.date DESC NULLS LAST, ep.id"
        )))
        .bind(text)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        rows.iter()
            .map(|row| {
                Ok(Found {
                    episode: row.try_get("id")?,
                    show: row.try_get("slug")?,
                    title: row.try_get("title")?,
                    guid: row.try_get("guid")?,
                })
            })
            .collect::<std::result::Result<_, _>>()
            .doing(what)
    }

    /// The whole story of one episode.
    pub async fn story(&self, found: &Found) -> Result<Story> {
        let what = "read an episode's story";
        let row =
            sqlx::query("SELECT date, discovered, present, wanted, verdict, licence, withdrawn FROM episodes WHERE id = $1")
                .bind(found.episode)
                .fetch_one(&self.pool)
                .await
                .doing(what)?;
        let mut enclosures = Vec::new();
        for status in self.enclosures_of(found.episode).await? {
            enclosures.push(self.story_of_enclosure(status).await?);
        }
        Ok(Story {
            found: found.clone(),
            date: timestamp(row.try_get("date").doing(what)?),
            discovered: timestamp(row.try_get("discovered").doing(what)?),
            present: row.try_get("present").doing(what)?,
            wanted: row.try_get("wanted").doing(what)?,
            verdict: row.try_get("verdict").doing(what)?,
            licence: row.try_get("licence").doing(what)?,
            withdrawn: row.try_get("withdrawn").doing(what)?,
            enclosures,
        })
    }

    async fn story_of_enclosure(&self, status: EnclosureStatus) -> Result<StoryEnclosure> {
        let what = "read an enclosure's story";
        let row = sqlx::query(
            "SELECT wanted, forgotten, requests, bytes, source, source_next, web_seed, official_url, official,
                 replaced, replaced_why FROM enclosures WHERE id = $1",
        )
        .bind(status.id.0)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let events: Vec<(i64, String)> =
            sqlx::query_as("SELECT at, text FROM events WHERE enclosure_id = $1 ORDER BY id")
                .bind(status.id.0)
                .fetch_all(&self.pool)
                .await
                .doing(what)?;
        Ok(StoryEnclosure {
            wanted: row.try_get("wanted").doing(what)?,
            forgotten: row.try_get("forgotten").doing(what)?,
            requests: unsigned(row.try_get("requests").doing(what)?),
            bytes: unsigned(row.try_get("bytes").doing(what)?),
            source: word("a source's state", row.try_get("source").doing(what)?)?,
            next_look: timestamp(row.try_get("source_next").doing(what)?),
            web_seed: row.try_get("web_seed").doing(what)?,
            official_url: row.try_get("official_url").doing(what)?,
            official: row.try_get("official").doing(what)?,
            replaced: timestamp(row.try_get("replaced").doing(what)?)
                .zip(row.try_get("replaced_why").doing(what)?),
            events: events.into_iter().filter_map(|(at, text)| Some((timestamp(Some(at))?, text))).collect(),
            status,
        })
    }

    /// Makes everything of these episodes due now, also what needed the user or was forgotten. What a pass has in its
    /// hands stays there. Gives how many enclosures there is something to do for.
    pub async fn retry(&self, episodes: &[Found], now: Timestamp) -> Result<u64> {
        let what = "retry an enclosure";
        // Only `readmit` brings back what was taken down.
        let condition = "(e.wanted OR e.file IS NOT NULL) AND e.replaced_by IS NULL
            AND (e.stage <> 'withdrawn' OR e.expired IS NOT NULL)";
        let ids = self.enclosure_ids(episodes, condition).await?;
        let mut tx = self.begin().await.doing(what)?;
        let mut count = 0;
        for id in &ids {
            count += bring_back(&mut tx, *id, now).await.doing(what)?;
        }
        for id in ids {
            count += retry_enclosure(&mut tx, id, now).await?;
        }
        tx.commit().await.doing(what)?;
        Ok(count)
    }

    /// Stops managing these episodes: nothing of them is fetched, handed over or looked after any more. Files and
    /// what the clients have stay. Gives how many enclosures are forgotten.
    pub async fn forget(&self, episodes: &[Found], now: Timestamp) -> Result<u64> {
        let what = "forget an enclosure";
        let ids = self.enclosure_ids(episodes, "NOT e.forgotten").await?;
        let mut tx = self.begin().await.doing(what)?;
        for id in ids.iter().copied() {
            sqlx::query("UPDATE enclosures SET forgotten = TRUE WHERE id = $1")
                .bind(id.0)
                .execute(&mut *tx)
                .await
                .doing(what)?;
            event(&mut *tx, id, now, "the user asked to forget it").await.doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(ids.len() as u64)
    }

    pub(super) async fn enclosure_ids(
        &self,
        episodes: &[Found],
        condition: &'static str,
    ) -> Result<Vec<EnclosureId>> {
        let mut ids = Vec::new();
        for found in episodes {
            let of_episode: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "SELECT DISTINCT e.id FROM enclosures e JOIN announcements a ON a.enclosure_id = e.id
                 WHERE a.episode_id = $1 AND ({condition}) ORDER BY e.id"
            )))
            .bind(found.episode)
            .fetch_all(&self.pool)
            .await
            .doing("list an episode's enclosures")?;
            ids.extend(of_episode.into_iter().map(EnclosureId));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

/// What was dropped for space comes back, and is kept as if it were published now.
async fn bring_back(
    connection: &mut SqliteConnection,
    id: EnclosureId,
    now: Timestamp,
) -> std::result::Result<u64, sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE enclosures SET stage = CASE WHEN file IS NULL THEN 'discovered' ELSE 'downloaded' END,
             magnet = CASE WHEN file IS NULL THEN NULL ELSE magnet END, expired = NULL, expired_why = NULL,
             delete_data = FALSE, readmitted = $2, error = NULL, pass = 0
         WHERE id = $1 AND stage = 'withdrawn' AND expired IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM shows s WHERE s.id = enclosures.show_id AND s.withdrawn)
         AND EXISTS (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
             WHERE a.enclosure_id = enclosures.id AND NOT ep.withdrawn)",
    )
    .bind(id.0)
    .bind(super::seconds(now))
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() > 0 {
        event(connection, id, now, "the user has brought it back").await?;
    }
    Ok(changed.rows_affected())
}

async fn retry_enclosure(connection: &mut SqliteConnection, id: EnclosureId, now: Timestamp) -> Result<u64> {
    let what = "retry an enclosure";
    let stage: String = sqlx::query_scalar("SELECT stage FROM enclosures WHERE id = $1")
        .bind(id.0)
        .fetch_one(&mut *connection)
        .await
        .doing(what)?;
    // A pass that runs may claim these again; what it works on just now it must not claim a second time.
    sqlx::query(
        "UPDATE enclosures SET forgotten = FALSE, next_attempt = NULL, asked_to_wait = FALSE, error = data_error,
             pass = CASE WHEN stage IN ('downloading', 'downloaded') THEN pass ELSE 0 END,
             stage = CASE WHEN stage <> 'failed' OR data_error IS NOT NULL THEN stage WHEN magnet IS NOT NULL THEN 'torrent_ready'
                          WHEN file IS NOT NULL THEN 'downloaded' ELSE 'discovered' END
         WHERE id = $1 AND stage <> 'withdrawn'",
    )
    .bind(id.0)
    .execute(&mut *connection)
    .await
    .doing(what)?;
    // What a client has once confirmed is looked at again, too: it may have lost it since. What somebody has stopped or
    // removed there is started and handed over as if it never had seeded.
    let placements = sqlx::query(
        "UPDATE placements SET state = CASE WHEN state IN ('failed', 'missing') THEN 'pending'
                                            WHEN state IN ('seeding', 'delivered', 'stopped') THEN 'waiting'
                                            ELSE state END,
             added = added AND state <> 'missing', verified = verified AND state NOT IN ('missing', 'failed'),
             since = NULL, lost = NULL,
             pass = CASE WHEN state IN ('failed', 'missing', 'seeding', 'delivered', 'stopped')
                              OR next_attempt IS NOT NULL THEN 0 ELSE pass END,
             next_attempt = NULL, error = NULL, proof_next = NULL
         WHERE enclosure_id = $1",
    )
    .bind(id.0)
    .execute(&mut *connection)
    .await
    .doing(what)?
    .rows_affected();
    event(&mut *connection, id, now, "the user asked to try again").await.doing(what)?;
    let unfinished = matches!(
        word("a stage", &stage)?,
        Stage::Discovered | Stage::Downloading | Stage::Downloaded | Stage::Failed
    );
    Ok(u64::from(unfinished || placements > 0))
}
