//! What was taken down: remembered for ever, out of the clients, and deleted only where the user said so.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::downloads::event;
use super::manage::Found;
use super::recording::Recording;
use super::{Doing as _, Result, Store, placements, seconds};
use crate::model::{EnclosureId, InfoHashes, PlacementId};

/// What is to be taken down, or was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Takedown {
    /// Whole shows, by slug, with everything that they will ever announce.
    pub shows: Vec<String>,
    /// Single episodes; those of `shows` need not be named.
    pub episodes: Vec<Found>,
}

/// A torrent that is to be taken out of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalJob {
    /// Which placement.
    pub id: PlacementId,
    /// Of which enclosure.
    pub enclosure: EnclosureId,
    /// The client's name in the configuration.
    pub client: String,
    /// The slug of the show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// Whether it is to be taken out: nothing else of podseed needs it there, and podseed itself has added it, or the
    /// user has taken it down.
    pub take_out: bool,
    /// Whether it goes for space: what a client cannot be told to let go of keeps its data then.
    pub expired: bool,
}

impl Store {
    /// Withdraws shows and episodes, with every version of their files; what another episode announces as well stays.
    /// Gives how many enclosures are withdrawn.
    pub async fn withdraw(&self, takedown: &Takedown, delete_data: bool, now: Timestamp) -> Result<u64> {
        let what = "take something down";
        let mut tx = self.begin().await.doing(what)?;
        mark(&mut tx, takedown, true).await.doing(what)?;
        let mut ids = withdrawn_files(&mut tx, takedown).await.doing(what)?;
        let mut done = 0;
        // A former version goes with the one that has replaced it.
        while let Some(id) = ids.pop() {
            let former: Vec<i64> = sqlx::query_scalar("SELECT id FROM enclosures WHERE replaced_by = $1")
                .bind(id)
                .fetch_all(&mut *tx)
                .await
                .doing(what)?;
            ids.extend(former);
            let changed = sqlx::query(
                "UPDATE enclosures SET stage = 'withdrawn', next_attempt = NULL, error = NULL, source_next = NULL,
                     delete_data = delete_data OR $2, expired = CASE WHEN $2 THEN NULL ELSE expired END
                 WHERE id = $1 AND (stage <> 'withdrawn' OR $2 AND (NOT delete_data OR expired IS NOT NULL))",
            )
            .bind(id)
            .bind(delete_data)
            .execute(&mut *tx)
            .await
            .doing(what)?;
            if changed.rows_affected() > 0 {
                // What the hand-over still waited for does not hold up the removal.
                sqlx::query("UPDATE placements SET next_attempt = NULL WHERE enclosure_id = $1")
                    .bind(id)
                    .execute(&mut *tx)
                    .await
                    .doing(what)?;
                event(&mut *tx, EnclosureId(id), now, "the user has taken it down").await.doing(what)?;
                done += 1;
            }
        }
        tx.commit().await.doing(what)?;
        Ok(done)
    }

    /// Takes a takedown back: what it covered may be fetched, handed over and published again, but for episodes that
    /// were taken down by themselves when a show is readmitted. Gives how many enclosures that are.
    pub async fn readmit(&self, takedown: &Takedown, now: Timestamp) -> Result<u64> {
        let what = "take a takedown back";
        let mut tx = self.begin().await.doing(what)?;
        let ids = withdrawn_files(&mut tx, takedown).await.doing(what)?;
        mark(&mut tx, takedown, false).await.doing(what)?;
        let mut done = 0;
        for id in ids {
            let changed = sqlx::query(
                "UPDATE enclosures SET stage = CASE WHEN file IS NULL THEN 'discovered' ELSE 'downloaded' END,
                     delete_data = FALSE, pass = 0
                 WHERE id = $1 AND stage = 'withdrawn' AND expired IS NULL AND replaced_by IS NULL AND EXISTS
                     (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
                      WHERE a.enclosure_id = enclosures.id AND NOT ep.withdrawn)",
            )
            .bind(id)
            .execute(&mut *tx)
            .await
            .doing(what)?;
            if changed.rows_affected() > 0 {
                let story = "the user has taken the takedown back";
                event(&mut *tx, EnclosureId(id), now, story).await.doing(what)?;
                done += 1;
            }
        }
        // The feed has to be judged anew, from its beginning.
        for show in takedown.shows.iter().chain(takedown.episodes.iter().map(|found| &found.show)) {
            sqlx::query("UPDATE shows SET selection = '', etag = NULL, last_modified = NULL WHERE slug = $1")
                .bind(show)
                .execute(&mut *tx)
                .await
                .doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(done)
    }

    /// Takes the next withdrawn torrent of this pass that one client still has.
    ///
    /// With `patient`, what could not be removed is left alone until its next attempt, and the shows need not be part
    /// of the pass: what was taken down may have left the configuration.
    pub async fn claim_removal(
        &self,
        pass: i64,
        now: Timestamp,
        patient: bool,
        client: &str,
    ) -> Result<Option<RemovalJob>> {
        let what = "claim a removal";
        let mut query = claim(pass, now, patient, client);
        let id: Option<i64> = query.build_query_scalar().fetch_optional(&self.pool).await.doing(what)?;
        match id {
            Some(id) => self.removal_job(PlacementId(id)).await,
            None => Ok(None),
        }
    }

    /// What is to be done at the client of a placement that is withdrawn; `None` if it is gone already.
    pub async fn removal_job(&self, id: PlacementId) -> Result<Option<RemovalJob>> {
        let what = "read a removal";
        let row = sqlx::query(
            "SELECT p.enclosure_id, p.client, e.file, e.info_hash_v1, e.info_hash_v2, s.slug,
                 e.expired IS NOT NULL AS expired,
                 (p.added OR e.replaced_by IS NULL AND e.expired IS NULL OR e.own_path IS NOT NULL)
                 AND NOT EXISTS (SELECT 1 FROM enclosures oe JOIN placements o ON o.enclosure_id = oe.id
                     WHERE o.client = p.client AND o.id <> p.id AND oe.stage <> 'withdrawn'
                     AND (oe.info_hash_v1 IS NOT NULL OR oe.info_hash_v2 IS NOT NULL)
                     AND oe.info_hash_v1 IS NOT DISTINCT FROM e.info_hash_v1
                     AND oe.info_hash_v2 IS NOT DISTINCT FROM e.info_hash_v2) AS take_out
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id JOIN shows s ON s.id = e.show_id
             WHERE p.id = $1 AND e.stage = 'withdrawn'",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await
        .doing(what)?;
        let Some(row) = row else { return Ok(None) };
        let info_hash = placements::info_hash(&row)?;
        let read = || -> std::result::Result<RemovalJob, sqlx::Error> {
            Ok(RemovalJob {
                id,
                enclosure: EnclosureId(row.try_get("enclosure_id")?),
                client: row.try_get("client")?,
                show: row.try_get("slug")?,
                file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                info_hash,
                take_out: row.try_get("take_out")?,
                expired: row.try_get("expired")?,
            })
        };
        read().doing(what).map(Some)
    }

    /// A client has a torrent no more.
    pub async fn record_removed(&self, placement: PlacementId) -> Result<()> {
        sqlx::query("DELETE FROM placements WHERE id = $1")
            .bind(placement.0)
            .execute(&self.pool)
            .await
            .doing("record a removal")?;
        Ok(())
    }

    /// A client could not be told to take a torrent out; the next pass tells it again. Says whether that is news.
    pub async fn record_not_removed(&self, placement: PlacementId, error: &str) -> Result<bool> {
        let told =
            sqlx::query("UPDATE placements SET error = $2 WHERE id = $1 AND COALESCE(error, '') <> $2")
                .bind(placement.0)
                .bind(error)
                .execute(&self.pool)
                .await
                .doing("record a failed removal")?;
        Ok(told.rows_affected() > 0)
    }

    /// Files whose data is to be deleted and that none of these clients has any more: show, file name, and whether it is
    /// the user's own file.
    /// One that has left the configuration cannot be asked.
    pub async fn deletable(
        &self,
        clients: impl Iterator<Item = &String>,
    ) -> Result<Vec<(EnclosureId, String, String, bool)>> {
        let mut query = to_delete(clients);
        let rows: Vec<(i64, String, String, bool)> =
            query.build_query_as().fetch_all(&self.pool).await.doing("list what is to be deleted")?;
        Ok(rows.into_iter().map(|(id, show, file, own)| (EnclosureId(id), show, file, own)).collect())
    }

    /// A withdrawn file is gone; `story` says why.
    pub async fn record_deleted(&self, id: EnclosureId, story: &str, now: Timestamp) -> Result<()> {
        let what = "record a deleted file";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query("UPDATE enclosures SET file = NULL, file_key = NULL, delete_data = FALSE WHERE id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        event(&mut *tx, id, now, story).await.doing(what)?;
        tx.commit().await.doing(what)
    }

    /// The URLs that only episodes announce which were taken down.
    pub async fn withdrawn_urls(&self, show: super::ShowId) -> Result<HashSet<String>> {
        let urls: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT e.url FROM episodes ep JOIN announcements a ON a.episode_id = ep.id
             JOIN enclosures e ON e.id = a.enclosure_id
             WHERE ep.show_id = $1 AND ep.withdrawn AND NOT EXISTS
                 (SELECT 1 FROM announcements o JOIN episodes ON episodes.id = o.episode_id
                  WHERE o.enclosure_id = e.id AND NOT episodes.withdrawn)",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing("list what was taken down")?;
        Ok(urls.into_iter().collect())
    }
}

impl Recording {
    /// Which episodes of a show were taken down; `None`: the whole show.
    pub async fn withdrawn(&mut self, show: super::ShowId) -> Result<Option<HashSet<i64>>> {
        let what = "list what was taken down";
        let whole: bool = sqlx::query_scalar("SELECT withdrawn FROM shows WHERE id = $1")
            .bind(show.0)
            .fetch_one(&mut *self.tx)
            .await
            .doing(what)?;
        if whole {
            return Ok(None);
        }
        let episodes: Vec<i64> =
            sqlx::query_scalar("SELECT id FROM episodes WHERE show_id = $1 AND withdrawn")
                .bind(show.0)
                .fetch_all(&mut *self.tx)
                .await
                .doing(what)?;
        Ok(Some(episodes.into_iter().collect()))
    }
}

/// The statement behind [`Store::claim_removal`].
pub(super) fn claim(pass: i64, now: Timestamp, patient: bool, client: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE placements SET pass = ");
    query.push_bind(pass);
    // In the order of the index `placements_leaving`. Who is to be handed something asks this first, each time.
    query.push(
        " WHERE id = (SELECT p.id FROM placements p JOIN enclosures e ON e.id = p.enclosure_id
           WHERE p.leaving AND p.client = ",
    );
    query.push_bind(client.to_owned());
    query.push(" AND p.pass <> ").push_bind(pass);
    if patient {
        query.push(" AND p.due <= ").push_bind(seconds(now));
    } else {
        query.push(" AND EXISTS (SELECT 1 FROM shows s WHERE s.id = e.show_id AND s.pass = ").push_bind(pass);
        query.push(")");
    }
    query.push(" ORDER BY p.due, p.enclosure_id LIMIT 1) RETURNING id");
    query
}

/// The statement behind [`Store::deletable`].
pub(super) fn to_delete<'c>(clients: impl Iterator<Item = &'c String>) -> QueryBuilder<Sqlite> {
    // By id, so that the index `enclosures_to_delete` is taken, and not one that has every file.
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT e.id, s.slug, e.file, e.own_path IS NOT NULL FROM enclosures e JOIN shows s ON s.id = e.show_id
         WHERE e.id IN (SELECT id FROM enclosures WHERE delete_data) AND e.stage = 'withdrawn' AND e.file IS NOT NULL
         AND e.expired IS NULL
         AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.enclosure_id = e.id AND p.client IN (",
    );
    let mut names = query.separated(", ");
    for client in clients {
        names.push_bind(client.clone());
    }
    query.push("))");
    query
}

/// The enclosures of withdrawn shows, and those that only withdrawn episodes announce.
async fn withdrawn_files(
    connection: &mut SqliteConnection,
    takedown: &Takedown,
) -> std::result::Result<Vec<i64>, sqlx::Error> {
    let mut ids = Vec::new();
    for slug in &takedown.shows {
        let of_show: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM enclosures WHERE show_id = (SELECT id FROM shows WHERE slug = $1) ORDER BY id",
        )
        .bind(slug)
        .fetch_all(&mut *connection)
        .await?;
        ids.extend(of_show);
    }
    for found in &takedown.episodes {
        let of_episode: Vec<i64> = sqlx::query_scalar(
            "SELECT DISTINCT a.enclosure_id FROM announcements a WHERE a.episode_id = $1 AND NOT EXISTS
                 (SELECT 1 FROM announcements o JOIN episodes ep ON ep.id = o.episode_id
                  WHERE o.enclosure_id = a.enclosure_id AND NOT ep.withdrawn)",
        )
        .bind(found.episode)
        .fetch_all(&mut *connection)
        .await?;
        ids.extend(of_episode);
    }
    Ok(ids)
}

async fn mark(
    connection: &mut SqliteConnection,
    takedown: &Takedown,
    withdrawn: bool,
) -> std::result::Result<(), sqlx::Error> {
    for slug in &takedown.shows {
        sqlx::query("UPDATE shows SET withdrawn = $2 WHERE slug = $1")
            .bind(slug)
            .bind(withdrawn)
            .execute(&mut *connection)
            .await?;
    }
    for chunk in takedown.episodes.chunks(500) {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE episodes SET withdrawn = ");
        query.push_bind(withdrawn).push(" WHERE id IN (");
        let mut ids = query.separated(", ");
        for found in chunk {
            ids.push_bind(found.episode);
        }
        query.push(")");
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}
