//! What `status` shows: shows, episodes, enclosures and placements, read in four queries.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Doing as _, Result, Store, placements, timestamp, unsigned, word};
use crate::model::{EnclosureId, InfoHashes, PlacementState, Stage, StageCounts};

/// A show and what podseed manages of it.
#[derive(Debug, Clone)]
pub struct ShowStatus {
    /// The slug.
    pub show: String,
    /// The feed's title.
    pub title: String,
    /// Where the feed is fetched from.
    pub feed: String,
    /// The last poll that went well.
    pub last_poll: Option<Timestamp>,
    /// When the daemon polls next.
    pub next_poll: Option<Timestamp>,
    /// Why the last poll failed.
    pub error: Option<String>,
    /// Whether it is on the site.
    pub published: bool,
    /// The newest first.
    pub episodes: Vec<EpisodeStatus>,
}

/// An episode of which at least one enclosure is managed.
#[derive(Debug, Clone)]
pub struct EpisodeStatus {
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title.
    pub title: String,
    /// When it was published.
    pub date: Option<Timestamp>,
    /// Whether the rules want it; else it only announces a file that another episode is wanted for.
    pub wanted: bool,
    /// The rule that wants it.
    pub verdict: String,
    /// Its enclosures.
    pub enclosures: Vec<EnclosureStatus>,
}

/// Where an enclosure stands.
#[derive(Debug, Clone)]
pub struct EnclosureStatus {
    /// The store's id.
    pub id: EnclosureId,
    /// As the feed gives it.
    pub url: String,
    /// The type that the feed claims.
    pub media_type: Option<String>,
    /// The length that the feed claims, in bytes.
    pub length_hint: Option<u64>,
    /// Whether another enclosure of the show has the same base name.
    pub repeated: bool,
    /// How far it has come.
    pub stage: Stage,
    /// Its file's name, once known.
    pub file: Option<String>,
    /// Where the user has it, if it is his own file.
    pub own: Option<String>,
    /// Its length in bytes, once known.
    pub length: Option<u64>,
    /// Its torrent's identity.
    pub info_hash: Option<InfoHashes>,
    /// Its magnet link.
    pub magnet: Option<String>,
    /// Attempts to fetch it.
    pub attempts: u64,
    /// When it is tried next.
    pub next_attempt: Option<Timestamp>,
    /// What is wrong.
    pub error: Option<String>,
    /// Since when it is on the site.
    pub published: Option<Timestamp>,
    /// Whether another file or torrent has taken its place.
    pub replaced: bool,
    /// Where it stands at each client.
    pub placements: Vec<PlacementStatus>,
}

/// Where an enclosure stands at one client.
#[derive(Debug, Clone)]
pub struct PlacementStatus {
    /// The client's name in the configuration.
    pub client: String,
    /// The state.
    pub state: PlacementState,
    /// What the client has sent to peers.
    pub uploaded_bytes: u64,
    /// What is wrong.
    pub error: Option<String>,
    /// When it is tried next.
    pub next_attempt: Option<Timestamp>,
    /// When a stranger last got a piece of it there.
    pub proven: Option<Timestamp>,
    /// Why the last stranger got none.
    pub proof_error: Option<String>,
}

/// What is managed: wanted now, or fetched when it was. In the words of the index `enclosures_managed`.
const MANAGED: &str = "NOT e.forgotten AND (e.wanted OR e.file IS NOT NULL)";

/// Triggers have counted them: nothing here grows with the number of episodes.
pub(super) const TOTALS: &str =
    "SELECT t.state, SUM(t.number) FROM tallies t JOIN shows s ON s.id = CAST(t.subject AS BIGINT)
     WHERE t.what = 'stage' AND s.pass = $1 GROUP BY t.state HAVING SUM(t.number) > 0";

impl Store {
    /// Every managed enclosure, of one show or of all. `None` for a slug that is not known.
    pub async fn status(&self, show: Option<&str>) -> Result<Vec<ShowStatus>> {
        let what = "read the status";
        let rows = sqlx::query(
            "SELECT id, slug, title, feed, moved_to, last_poll, next_poll, error, published FROM shows
             WHERE $1 IS NULL OR slug = $1 ORDER BY slug",
        )
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let mut shows = Vec::with_capacity(rows.len());
        for row in &rows {
            let id: i64 = row.try_get("id").doing(what)?;
            let mut status = show_status(row).doing(what)?;
            status.episodes = self.episodes_of(id).await?;
            shows.push(status);
        }
        Ok(shows)
    }

    async fn episodes_of(&self, show: i64) -> Result<Vec<EpisodeStatus>> {
        let what = "read the status";
        let placements = self.placements_of(show).await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT ep.id AS episode, ep.guid, ep.title, ep.date, ep.wanted, ep.verdict, e.id, e.url, e.media_type, e.length_hint,
                 e.repeated, e.stage, e.file, e.own_path, e.length, e.info_hash_v1, e.info_hash_v2, e.magnet, e.attempts, e.next_attempt, e.error,
                 e.published, e.replaced_by IS NOT NULL AS is_replaced
             FROM enclosures e JOIN announcements a ON a.enclosure_id = e.id JOIN episodes ep ON ep.id = a.episode_id
             WHERE e.show_id = $1 AND {MANAGED}
             GROUP BY ep.id, e.id ORDER BY ep.date DESC NULLS LAST, ep.id, MIN(a.position)"
        )))
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let mut episodes: Vec<(i64, EpisodeStatus)> = Vec::new();
        for row in &rows {
            let mut enclosure = enclosure_status(row)?;
            enclosure.placements = placements.get(&enclosure.id).cloned().unwrap_or_default();
            let id: i64 = row.try_get("episode").doing(what)?;
            match episodes.last_mut().filter(|(last, _)| *last == id) {
                Some((_, episode)) => episode.enclosures.push(enclosure),
                None => {
                    let mut episode = episode_status(row).doing(what)?;
                    episode.enclosures.push(enclosure);
                    episodes.push((id, episode));
                }
            }
        }
        Ok(episodes.into_iter().map(|(_, episode)| episode).collect())
    }

    /// Every enclosure of one episode, managed or not.
    pub(super) async fn enclosures_of(&self, episode: i64) -> Result<Vec<EnclosureStatus>> {
        let what = "read an episode's enclosures";
        let rows = sqlx::query(
            "SELECT e.id, e.show_id, e.url, e.media_type, e.length_hint, e.repeated, e.stage, e.file, e.own_path, e.length, e.info_hash_v1, e.info_hash_v2, e.magnet,
                 e.attempts, e.next_attempt, e.error, e.published, e.replaced_by IS NOT NULL AS is_replaced
             FROM enclosures e JOIN announcements a ON a.enclosure_id = e.id
             WHERE a.episode_id = $1 GROUP BY e.id ORDER BY MIN(a.position)",
        )
        .bind(episode)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let Some(first) = rows.first() else { return Ok(Vec::new()) };
        let mut placements = self.placements_of(first.try_get("show_id").doing(what)?).await?;
        rows.iter()
            .map(|row| {
                let mut enclosure = enclosure_status(row)?;
                enclosure.placements = placements.remove(&enclosure.id).unwrap_or_default();
                Ok(enclosure)
            })
            .collect()
    }

    async fn placements_of(&self, show: i64) -> Result<HashMap<EnclosureId, Vec<PlacementStatus>>> {
        let what = "read the placements";
        let rows = sqlx::query(
            "SELECT p.enclosure_id, p.client, p.state, p.uploaded_bytes, p.next_attempt, p.proven, p.proof_error,
                 COALESCE(p.error, CASE WHEN p.due IS NOT NULL THEN a.error END) AS error
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id LEFT JOIN absences a ON a.client = p.client
             WHERE e.show_id = $1 ORDER BY p.client",
        )
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let mut placements: HashMap<EnclosureId, Vec<PlacementStatus>> = HashMap::new();
        for row in &rows {
            let id = EnclosureId(row.try_get("enclosure_id").doing(what)?);
            placements.entry(id).or_default().push(placement_status(row)?);
        }
        Ok(placements)
    }

    /// How many managed enclosures of the shows in a pass are at each stage.
    pub async fn totals(&self, pass: i64) -> Result<StageCounts> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as(TOTALS).bind(pass).fetch_all(&self.pool).await.doing("count the stages")?;
        rows.into_iter().map(|(stage, count)| Ok((word("a stage", &stage)?, unsigned(count)))).collect()
    }
}

fn show_status(row: &SqliteRow) -> std::result::Result<ShowStatus, sqlx::Error> {
    let feed: String = row.try_get("feed")?;
    Ok(ShowStatus {
        show: row.try_get("slug")?,
        title: row.try_get("title")?,
        feed: row.try_get::<Option<String>, _>("moved_to")?.unwrap_or(feed),
        last_poll: timestamp(row.try_get("last_poll")?),
        next_poll: timestamp(row.try_get("next_poll")?),
        error: row.try_get("error")?,
        published: row.try_get("published")?,
        episodes: Vec::new(),
    })
}

fn episode_status(row: &SqliteRow) -> std::result::Result<EpisodeStatus, sqlx::Error> {
    Ok(EpisodeStatus {
        guid: row.try_get("guid")?,
        title: row.try_get("title")?,
        date: timestamp(row.try_get("date")?),
        wanted: row.try_get("wanted")?,
        verdict: row.try_get("verdict")?,
        enclosures: Vec::new(),
    })
}

fn enclosure_status(row: &SqliteRow) -> Result<EnclosureStatus> {
    let what = "read an enclosure";
    let stage: String = row.try_get("stage").doing(what)?;
    let info_hash = placements::info_hashes(
        row.try_get("info_hash_v1").doing(what)?,
        row.try_get("info_hash_v2").doing(what)?,
    )?;
    let stage = word("a stage", &stage)?;
    let read = || -> std::result::Result<EnclosureStatus, sqlx::Error> {
        Ok(EnclosureStatus {
            id: EnclosureId(row.try_get("id")?),
            url: row.try_get("url")?,
            media_type: row.try_get("media_type")?,
            length_hint: row.try_get::<Option<i64>, _>("length_hint")?.map(unsigned),
            repeated: row.try_get("repeated")?,
            stage,
            file: row.try_get("file")?,
            own: row.try_get("own_path")?,
            length: row.try_get::<Option<i64>, _>("length")?.map(unsigned),
            info_hash,
            magnet: row.try_get("magnet")?,
            attempts: unsigned(row.try_get("attempts")?),
            next_attempt: timestamp(row.try_get("next_attempt")?),
            error: row.try_get("error")?,
            published: timestamp(row.try_get("published")?),
            replaced: row.try_get("is_replaced")?,
            placements: Vec::new(),
        })
    };
    read().doing(what)
}

fn placement_status(row: &SqliteRow) -> Result<PlacementStatus> {
    let what = "read a placement";
    let state: String = row.try_get("state").doing(what)?;
    let state = word("a placement's state", &state)?;
    let read = || -> std::result::Result<PlacementStatus, sqlx::Error> {
        Ok(PlacementStatus {
            client: row.try_get("client")?,
            state,
            uploaded_bytes: unsigned(row.try_get("uploaded_bytes")?),
            error: row.try_get("error")?,
            next_attempt: timestamp(row.try_get("next_attempt")?),
            proven: timestamp(row.try_get("proven")?),
            proof_error: row.try_get("proof_error")?,
        })
    };
    read().doing(what)
}
