//! The stages from discovered to torrent_ready: claims and records.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, Transaction};

use super::{Doing as _, Result, Store, seconds, signed, timestamp, unsigned};
use crate::model::{
    DownloadJob, Enclosure, EnclosureId, EpisodeFacts, InfoHashes, MediaFile, Problem, Role, Stage, Traffic,
};

/// What has no torrent yet and is to get one, in the words of the index `enclosures_to_fetch`.
const TO_FETCH: &str =
    "e.stage IN ('discovered', 'downloading', 'downloaded') AND (e.wanted OR e.stage = 'downloaded')";

/// What of it waits, in a pass.
pub(super) const WAITING: &str = "SELECT COUNT(*) AS n, MIN(e.next_attempt) AS first FROM enclosures e JOIN shows s ON s.id = e.show_id
     WHERE s.pass = $1 AND e.stage IN ('discovered', 'downloading', 'downloaded') AND (e.wanted OR e.stage = 'downloaded')
         AND NOT e.forgotten AND e.next_attempt IS NOT NULL";

/// A file's name is in use by another enclosure of the show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name \"{0}\" is in use by another enclosure of the show")]
pub struct NameTaken(pub String);

impl Store {
    /// Takes the next enclosure of this pass that has no torrent yet; what became known last first, and of one
    /// reading of a feed in its own order. `full_hosts`
    /// have as many transfers as they may, and `at_hand` asks for nothing that has to be transferred at all. With `patient`, what waits for its next attempt is left alone; without
    /// (a run that a person started), only what the origin itself asked to wait for.
    pub async fn claim_download(
        &self,
        pass: i64,
        now: Timestamp,
        patient: bool,
        full_hosts: &[String],
        at_hand: bool,
    ) -> Result<Option<DownloadJob>> {
        let what = "claim an enclosure";
        let mut query = claim(pass, now, patient, full_hosts, at_hand);
        let id: Option<i64> = query.build_query_scalar().fetch_optional(&self.pool).await.doing(what)?;
        match id {
            Some(id) => self.download_job(EnclosureId(id)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn download_job(&self, id: EnclosureId) -> Result<DownloadJob> {
        let what = "read an enclosure";
        let row = sqlx::query(
            "SELECT e.url, e.media_type, e.length_hint, e.file, e.length, e.repeated, e.own_path, s.slug,
                 CASE WHEN e.replaced_by IS NULL AND (e.official OR COALESCE(e.official_read, '') <> e.official_url)
                     THEN e.official_url END AS official_url,
                 e.replaced_by IS NOT NULL AS replaced,
                 ep.guid, ep.title, ep.date, ep.link
             FROM enclosures e JOIN shows s ON s.id = e.show_id
             JOIN announcements a ON a.enclosure_id = e.id JOIN episodes ep ON ep.id = a.episode_id
             WHERE e.id = $1 ORDER BY ep.id LIMIT 1",
        )
        .bind(id.0)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let former = self.former(id).await?;
        let read = || -> std::result::Result<DownloadJob, sqlx::Error> {
            let file: Option<String> = row.try_get("file")?;
            let length: Option<i64> = row.try_get("length")?;
            Ok(DownloadJob {
                id,
                show: row.try_get("slug")?,
                enclosure: Enclosure {
                    url: row.try_get("url")?,
                    media_type: row.try_get("media_type")?,
                    length: row.try_get::<Option<i64>, _>("length_hint")?.map(unsigned),
                    role: Role::Enclosure,
                },
                episode: EpisodeFacts {
                    guid: row.try_get("guid")?,
                    title: row.try_get("title")?,
                    date: timestamp(row.try_get("date")?),
                    link: row.try_get("link")?,
                },
                file: file.zip(length.map(unsigned)),
                repeated: row.try_get("repeated")?,
                former,
                official: row.try_get("official_url")?,
                replaced: row.try_get("replaced")?,
                own: row.try_get::<Option<String>, _>("own_path")?.map(Into::into),
            })
        };
        read().doing(what)
    }

    /// The show and name of a file that another show has fetched from the same URL.
    pub async fn fetched_elsewhere(&self, id: EnclosureId) -> Result<Option<(String, String)>> {
        sqlx::query_as(
            "SELECT s.slug, o.file FROM enclosures e
             JOIN enclosures o ON o.comparable_url = e.comparable_url AND o.id <> e.id
             JOIN shows s ON s.id = o.show_id
             WHERE e.id = $1 AND o.file IS NOT NULL AND o.own_path IS NULL AND o.stage NOT IN ('discovered', 'downloading')
             AND (o.source_hint IS NULL OR o.source_hint < o.source_checked) AND o.source <> 'changed once'
             ORDER BY o.id LIMIT 1",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await
        .doing("look for the same file in another show")
    }

    /// Adds what an attempt has cost the origin, whatever came of it.
    pub async fn record_traffic(&self, id: EnclosureId, traffic: Traffic) -> Result<()> {
        sqlx::query("UPDATE enclosures SET requests = requests + $2, bytes = bytes + $3 WHERE id = $1")
            .bind(id.0)
            .bind(signed(traffic.requests))
            .bind(signed(traffic.bytes))
            .execute(&self.pool)
            .await
            .doing("record what the origin was asked")?;
        Ok(())
    }

    /// Gives a claimed enclosure back undone: the pass was stopped.
    pub async fn release_download(&self, id: EnclosureId) -> Result<()> {
        sqlx::query("UPDATE enclosures SET stage = 'discovered' WHERE id = $1 AND stage = 'downloading'")
            .bind(id.0)
            .execute(&self.pool)
            .await
            .doing("release an enclosure")?;
        Ok(())
    }

    /// Records a complete file and the name that it is about to get. From here on a file of this name and length
    /// in the show's folder is this enclosure's.
    pub async fn record_fetched(
        &self,
        id: EnclosureId,
        file: &MediaFile,
    ) -> Result<std::result::Result<(), NameTaken>> {
        let done = sqlx::query(
            "UPDATE enclosures SET file = $2, file_key = $3, length = $4, sniffed_type = $5, etag = $6,
                 last_modified = $7, sha256 = $8 WHERE id = $1",
        )
        .bind(id.0)
        .bind(&file.name)
        .bind(file.name.to_lowercase())
        .bind(signed(file.length))
        .bind(&file.media_type)
        .bind(&file.etag)
        .bind(&file.last_modified)
        .bind(file.sha256.map(hex::encode))
        .execute(&self.pool)
        .await;
        match done {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Ok(Err(NameTaken(file.name.clone())))
            }
            other => other.map(|_| Ok(())).doing("record a fetched file"),
        }
    }

    /// The file has its final name.
    pub async fn record_downloaded(&self, id: EnclosureId) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET stage = 'downloaded', attempts = attempts + 1, next_attempt = NULL,
                 asked_to_wait = FALSE, error = NULL
             WHERE id = $1 AND stage <> 'withdrawn'",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await
        .doing("record a download")?;
        Ok(())
    }

    /// The .torrent is written; each of these clients is to get it. What was taken down meanwhile stays so: no client
    /// is given what has no torrent on record.
    pub async fn record_torrent(
        &self,
        id: EnclosureId,
        info_hash: &InfoHashes,
        magnet: &str,
        clients: &[String],
    ) -> Result<()> {
        let what = "record a torrent";
        let mut tx = self.begin().await.doing(what)?;
        let recorded = sqlx::query(
            "UPDATE enclosures SET stage = $2, info_hash_v1 = $3, info_hash_v2 = $4, magnet = $5, next_attempt = NULL,
                 error = NULL, official_read = CASE WHEN official THEN NULL ELSE official_read END, official = FALSE
             WHERE id = $1 AND stage <> 'withdrawn'",
        )
        .bind(id.0)
        .bind(Stage::TorrentReady.as_str())
        .bind(info_hash.v1().map(|hash| hash.to_string()))
        .bind(info_hash.v2().map(|hash| hash.to_string()))
        .bind(magnet)
        .execute(&mut *tx)
        .await
        .doing(what)?;
        if recorded.rows_affected() == 0 {
            return Ok(());
        }
        place(&mut tx, id, clients).await.doing(what)?;
        tx.commit().await.doing(what)
    }

    /// An attempt has failed: a problem with a next attempt leaves the enclosure to be fetched, one without is
    /// for the user. Gives the stage that it is in now.
    pub async fn record_failure(&self, id: EnclosureId, problem: &Problem) -> Result<Stage> {
        let stage = if problem.next_attempt.is_some() { Stage::Discovered } else { Stage::Failed };
        sqlx::query(
            "UPDATE enclosures SET stage = CASE WHEN stage = 'downloaded' AND $2 = 'discovered' THEN stage ELSE $2 END,
                 attempts = attempts + 1, next_attempt = $3, asked_to_wait = $4, error = $5
             WHERE id = $1 AND stage <> 'withdrawn'",
        )
        .bind(id.0)
        .bind(stage.as_str())
        .bind(problem.next_attempt.map(seconds))
        .bind(problem.asked_to_wait)
        .bind(&problem.message)
        .execute(&self.pool)
        .await
        .doing("record a failed attempt")?;
        Ok(stage)
    }

    /// How many attempts an enclosure has behind it, for the back-off.
    pub async fn attempts(&self, id: EnclosureId) -> Result<u64> {
        sqlx::query_scalar("SELECT attempts FROM enclosures WHERE id = $1")
            .bind(id.0)
            .fetch_one(&self.pool)
            .await
            .map(unsigned)
            .doing("read an enclosure's attempts")
    }

    /// Forgets the name of a file that has gone before its torrent was made, so that it is fetched again.
    pub async fn record_file_gone(&self, id: EnclosureId) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET stage = 'discovered', file = NULL, file_key = NULL, length = NULL
             WHERE id = $1 AND stage <> 'withdrawn'",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await
        .doing("record a lost file")?;
        Ok(())
    }

    /// The .torrent has gone; after this pass, and not before `next_attempt`, it is made again before anything else is
    /// done.
    pub async fn record_torrent_gone(
        &self,
        id: EnclosureId,
        pass: i64,
        next_attempt: Option<Timestamp>,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET stage = 'downloaded', next_attempt = $3, pass = $2
             WHERE id = $1 AND stage <> 'withdrawn'",
        )
        .bind(id.0)
        .bind(pass)
        .bind(next_attempt.map(seconds))
        .execute(&self.pool)
        .await
        .doing("record a lost torrent")?;
        Ok(())
    }

    /// Adds a line to the story of an enclosure.
    pub async fn tell(&self, id: EnclosureId, now: Timestamp, text: &str) -> Result<()> {
        event(&self.pool, id, now, text).await.doing("record an event")
    }

    /// How many enclosures this pass left waiting for their next attempt, and when the first of them comes.
    pub async fn waiting(&self, pass: i64) -> Result<(u64, Option<Timestamp>)> {
        let row = sqlx::query(WAITING).bind(pass).fetch_one(&self.pool).await.doing("count what waits")?;
        let read = || Ok((unsigned(row.try_get("n")?), timestamp(row.try_get("first")?)));
        read().doing("count what waits")
    }
}

/// The statement behind [`Store::claim_download`].
pub(super) fn claim(
    pass: i64,
    now: Timestamp,
    patient: bool,
    full_hosts: &[String],
    at_hand: bool,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "UPDATE enclosures SET stage = CASE WHEN stage = 'downloaded' THEN stage ELSE 'downloading' END, pass = ",
    );
    query.push_bind(pass);
    query.push(" WHERE id = (SELECT e.id FROM enclosures e WHERE ");
    query.push(TO_FETCH);
    // A join would tempt SQLite to begin with the shows, and to read and sort all that waits at each claim.
    query.push(" AND EXISTS (SELECT 1 FROM shows s WHERE s.id = e.show_id AND s.pass = ");
    query.push_bind(pass);
    query.push(") AND NOT e.forgotten AND e.pass <> ");
    query.push_bind(pass);
    query.push(" AND (e.next_attempt IS NULL OR e.next_attempt <= ");
    query.push_bind(seconds(now));
    if !patient {
        query.push(" OR NOT e.asked_to_wait");
    }
    query.push(")");
    if !full_hosts.is_empty() {
        query.push(" AND e.host NOT IN (");
        let mut hosts = query.separated(", ");
        for host in full_hosts {
            hosts.push_bind(host.clone());
        }
        query.push(")");
    }
    if at_hand {
        query.push(" AND (e.stage = 'downloaded' OR e.own_path IS NOT NULL)");
    }
    // What another show has under way from the same URL will be there to be copied.
    query.push(
        " AND NOT EXISTS (SELECT 1 FROM enclosures o WHERE o.comparable_url = e.comparable_url AND o.id <> e.id
           AND o.stage = 'downloading' AND o.pass = ",
    );
    query.push_bind(pass);
    query.push(")");
    query.push(" ORDER BY e.discovered DESC, e.id LIMIT 1) RETURNING id");
    query
}

/// Puts a torrent down for each of these clients; twice is once.
pub(super) async fn place(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    clients: &[String],
) -> std::result::Result<(), sqlx::Error> {
    for client in clients {
        sqlx::query("INSERT INTO placements (enclosure_id, client) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(id.0)
            .bind(client)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Adds a line to the story of an enclosure.
pub(super) async fn event(
    executor: impl sqlx::SqliteExecutor<'_>,
    id: EnclosureId,
    now: Timestamp,
    text: &str,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO events (enclosure_id, at, text) VALUES ($1, $2, $3)")
        .bind(id.0)
        .bind(seconds(now))
        .bind(text)
        .execute(executor)
        .await
        .map(drop)
}
