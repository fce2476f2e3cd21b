//! What clients were seen to have, and what they say of it when they are asked again.

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::downloads::event;
use super::placements::{info_hash, memory, stage_from_placements};
use super::{Doing as _, Found, Result, ShowId, Store, seconds, signed, timestamp, unsigned, word};
use crate::model::{EnclosureId, InfoHashes, Memory, PlacementId, PlacementReport, PlacementState};

/// In one statement.
const AT_ONCE: usize = 500;
/// Shows whose files are read in one go.
const SHOWS_AT_ONCE: u32 = 100;

/// A placement that a client can be asked about.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Which.
    pub id: PlacementId,
    /// Of which enclosure.
    pub enclosure: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// The state so far.
    pub state: PlacementState,
    /// What is remembered of it.
    pub memory: Memory,
    /// What is wrong so far.
    pub error: Option<String>,
    /// When the client first confirmed what it has now.
    pub since: Option<Timestamp>,
    /// When the client last confirmed it.
    pub confirmed: Option<Timestamp>,
    /// When the client had last lost it.
    pub lost: Option<Timestamp>,
    /// What the client has given to us as strangers, who had no need of it.
    pub proof_bytes: u64,
}

/// A file that clients have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Of which enclosure.
    pub enclosure: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The file's name in the show's folder.
    pub file: String,
    /// Its length in bytes.
    pub length: u64,
    /// What was wrong with it when it was last looked at.
    pub error: Option<String>,
}

/// A placement that is not what it was.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    /// What it was.
    pub before: &'a Settled,
    /// What it is. One that is pending again was lost.
    pub report: PlacementReport,
    /// For the story of the enclosure.
    pub story: String,
}

impl Store {
    /// Every placement at a client but those that it was not given yet. What is forgotten, taken down or dropped for
    /// space is nobody's business any more.
    pub async fn settled(&self, client: &str) -> Result<Vec<Settled>> {
        let what = "list what a client has";
        // Row by row: each takes a kilobyte.
        let mut rows = sqlx::query(
            "SELECT p.id, p.enclosure_id, p.state, p.added, p.verified, p.since, p.confirmed, p.lost, p.error, p.proof_bytes, e.file,
                 e.info_hash_v1, e.info_hash_v2, s.slug
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id JOIN shows s ON s.id = e.show_id
             WHERE p.client = $1 AND p.state <> 'pending' AND NOT e.forgotten AND e.expired IS NULL
                 AND e.stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn')
             ORDER BY p.id",
        )
        .bind(client)
        .fetch(&self.pool);
        let mut settled = Vec::new();
        while let Some(row) = rows.try_next().await.doing(what)? {
            let info_hash = info_hash(&row)?;
            let state: String = row.try_get("state").doing(what)?;
            let state = word("a placement's state", &state)?;
            let read = || -> std::result::Result<Settled, sqlx::Error> {
                Ok(Settled {
                    id: PlacementId(row.try_get("id")?),
                    enclosure: EnclosureId(row.try_get("enclosure_id")?),
                    show: row.try_get("slug")?,
                    file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                    info_hash,
                    state,
                    memory: memory(&row)?,
                    error: row.try_get("error")?,
                    since: timestamp(row.try_get("since")?),
                    confirmed: timestamp(row.try_get("confirmed")?),
                    lost: timestamp(row.try_get("lost")?),
                    proof_bytes: unsigned(row.try_get("proof_bytes")?),
                })
            };
            settled.push(read().doing(what)?);
        }
        Ok(settled)
    }

    /// The files of some shows that have a torrent and were given to a client: of those behind this show, in the order
    /// of their ids, so many. Gives the last of the shows as well; `None`: there are no more.
    pub async fn data_files(&self, after: ShowId, most: u32) -> Result<Option<(ShowId, Vec<DataFile>)>> {
        let what = "list the files that clients have";
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(id) FROM (SELECT id FROM shows WHERE id > $1 ORDER BY id LIMIT $2) some",
        )
        .bind(after.0)
        .bind(most)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let Some(last) = last else { return Ok(None) };
        Ok(Some((ShowId(last), self.data_files_between(after.0, last).await?)))
    }

    /// Those of one show.
    pub async fn data_files_of_show(&self, show: ShowId) -> Result<Vec<DataFile>> {
        self.data_files_between(show.0 - 1, show.0).await
    }

    async fn data_files_between(&self, after: i64, last: i64) -> Result<Vec<DataFile>> {
        let what = "list the files that clients have";
        let rows = sqlx::query(DATA_FILES).bind(after).bind(last).fetch_all(&self.pool).await.doing(what)?;
        rows.iter().map(data_file).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// Those of these episodes.
    pub async fn data_files_of(&self, episodes: &[Found]) -> Result<Vec<DataFile>> {
        let ids = self.enclosure_ids(episodes, "e.file IS NOT NULL").await?;
        let (mut files, mut after) = (Vec::new(), ShowId(0));
        while let Some((last, some)) = self.data_files(after, SHOWS_AT_ONCE).await? {
            files.extend(some.into_iter().filter(|file| ids.binary_search(&file.enclosure).is_ok()));
            after = last;
        }
        Ok(files)
    }

    /// Records what is wrong with files, or that it is wrong no more, and the stage that follows.
    pub async fn record_data(&self, found: &[(EnclosureId, Option<String>)], now: Timestamp) -> Result<()> {
        let what = "record how files were found";
        let mut tx = self.begin().await.doing(what)?;
        for (id, error) in found {
            sqlx::query("UPDATE enclosures SET data_error = $2 WHERE id = $1 AND stage <> 'withdrawn'")
                .bind(id.0)
                .bind(error)
                .execute(&mut *tx)
                .await
                .doing(what)?;
            if error.is_none() {
                // What could not be handed over for want of it goes on; of what clients have they tell themselves.
                sqlx::query(
                    "UPDATE placements SET state = 'pending', error = NULL, next_attempt = NULL, pass = 0
                     WHERE enclosure_id = $1 AND state = 'failed' AND since IS NULL",
                )
                .bind(id.0)
                .execute(&mut *tx)
                .await
                .doing(what)?;
            }
            let story = error.as_deref().unwrap_or("its file is as it was again");
            event(&mut *tx, *id, now, story).await.doing(what)?;
            stage_from_placements(&mut tx, *id).await?;
        }
        tx.commit().await.doing(what)
    }

    /// These files are gone: they are fetched again, unless they are back by then.
    pub async fn fetch_again(&self, ids: &[EnclosureId], now: Timestamp) -> Result<()> {
        let what = "have files fetched again";
        let mut tx = self.begin().await.doing(what)?;
        for id in ids {
            sqlx::query(
                "UPDATE enclosures SET stage = 'downloaded', data_error = NULL, error = NULL, pass = 0
                 WHERE id = $1 AND stage <> 'withdrawn'",
            )
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
            event(&mut *tx, *id, now, "its file is gone, so it is fetched again").await.doing(what)?;
        }
        tx.commit().await.doing(what)
    }

    /// Records what a client has said: these it still seeds, those are not what they were. What has changed since it
    /// was read is left alone. One transaction.
    pub async fn record_round(
        &self,
        confirmed: &[PlacementId],
        judged: &[Judged<'_>],
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what a client has";
        let mut tx = self.begin().await.doing(what)?;
        for ids in confirmed.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new("UPDATE placements SET confirmed = ");
            query.push_bind(seconds(now)).push(", asked = ").push_bind(seconds(now));
            query.push(" WHERE state = 'seeding' AND id IN (");
            let mut list = query.separated(", ");
            for id in ids {
                list.push_bind(id.0);
            }
            query.push(")");
            query.build().execute(&mut *tx).await.doing(what)?;
        }
        for judged in judged {
            if record_judged(&mut tx, judged, now).await.doing(what)? {
                event(&mut *tx, judged.before.enclosure, now, &judged.story).await.doing(what)?;
                stage_from_placements(&mut tx, judged.before.enclosure).await?;
            }
        }
        tx.commit().await.doing(what)
    }
}

/// The statement behind [`Store::data_files`], in the words of the index `enclosures_managed`.
pub(super) const DATA_FILES: &str = "SELECT e.id, s.slug, e.file, e.length, e.data_error
     FROM enclosures e JOIN shows s ON s.id = e.show_id
     WHERE e.show_id > $1 AND e.show_id <= $2 AND (e.wanted OR e.file IS NOT NULL)
         AND e.magnet IS NOT NULL AND e.file IS NOT NULL AND NOT e.forgotten AND e.expired IS NULL
         AND e.own_path IS NULL AND e.stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn')
         AND EXISTS (SELECT 1 FROM placements p WHERE p.enclosure_id = e.id)";

fn data_file(row: &SqliteRow) -> std::result::Result<DataFile, sqlx::Error> {
    Ok(DataFile {
        enclosure: EnclosureId(row.try_get("id")?),
        show: row.try_get("slug")?,
        file: row.try_get("file")?,
        length: unsigned(row.try_get::<Option<i64>, _>("length")?.unwrap_or_default()),
        error: row.try_get("data_error")?,
    })
}

/// Whether it still was as it was read.
async fn record_judged(
    connection: &mut SqliteConnection,
    judged: &Judged<'_>,
    now: Timestamp,
) -> std::result::Result<bool, sqlx::Error> {
    let (before, report) = (judged.before, &judged.report);
    let done = sqlx::query(
        "UPDATE placements SET state = $4, added = $5, verified = $6, error = $7, next_attempt = $8, asked = $9,
             confirmed = CASE WHEN $4 = 'seeding' THEN $9 ELSE confirmed END,
             since = CASE WHEN $4 = 'pending' THEN NULL WHEN $4 = 'seeding' THEN COALESCE(since, $9) ELSE since END,
             lost = CASE WHEN $4 = 'pending' THEN $9 ELSE lost END,
             pass = CASE WHEN $4 = 'pending' THEN 0 ELSE pass END, attempts = 0,
             proof_bytes = CASE WHEN $4 = 'pending' THEN 0 ELSE proof_bytes END,
             proof_next = CASE WHEN $4 = 'pending' THEN NULL ELSE proof_next END,
             uploaded_bytes = COALESCE($10, uploaded_bytes)
         WHERE id = $1 AND state = $2 AND COALESCE(confirmed, -1) = COALESCE($3, -1)",
    )
    .bind(before.id.0)
    .bind(before.state.as_str())
    .bind(before.confirmed.map(seconds))
    .bind(report.state.as_str())
    .bind(report.memory.added)
    .bind(report.memory.verified)
    .bind(report.problem.as_ref().map(|problem| &problem.message))
    .bind(report.problem.as_ref().and_then(|problem| problem.next_attempt).map(seconds))
    .bind(seconds(now))
    .bind(report.uploaded_bytes.map(signed))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
