//! What is not kept any more: on record first, then out of the clients, then off the disk.

mod files;

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::downloads::event;
use super::{Doing as _, Result, Store, seconds, unsigned, word};
use crate::model::budget::Dropped;
use crate::model::{EnclosureId, PlacementId, Stage};
pub use files::BudgetView;

/// What is to be deleted, since no client has it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Which.
    pub id: EnclosureId,
    /// The slug of its show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// Its length in bytes.
    pub length: u64,
    /// Whether another enclosure of the show has the same name for its own file: only the record goes.
    pub is_shared: bool,
    /// By which rule, for people.
    pub why: String,
}

/// What has happened to an enclosure whose unfinished file lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It is still to be fetched.
    Needed,
    /// It failed and waits for the user.
    Failed,
    /// The selection does not want it now.
    Unwanted,
    /// It was dropped, taken down, forgotten or replaced, or has its file.
    Over,
}

impl Store {
    /// Records a verdict: what is dropped leaves the site with this very record, what is held back is not fetched, and
    /// what is held back no more may be fetched. Gives what was really dropped, and was not before.
    pub async fn record_budget(
        &self,
        dropped: &[Dropped],
        held_back: &[Dropped],
        now: Timestamp,
    ) -> Result<Vec<EnclosureId>> {
        let what = "record what is kept";
        let mut tx = self.begin().await.doing(what)?;
        let mut done = Vec::new();
        for file in dropped {
            if expire(&mut tx, file, now).await.doing(what)? {
                done.push(file.id);
            }
        }
        let before = held_back_before(&mut tx).await.doing(what)?;
        let still: HashSet<i64> = held_back.iter().map(|file| file.id.0).collect();
        for id in before.keys().filter(|id| !still.contains(id)) {
            admit(&mut tx, EnclosureId(*id), now).await.doing(what)?;
        }
        for file in held_back.iter().filter(|file| before.get(&file.id.0) != Some(&file.why)) {
            hold_back(&mut tx, file, now).await.doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(done)
    }

    /// Gives a claimed enclosure back as it was before: any pass may claim it again.
    pub async fn return_download(&self, id: EnclosureId) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET pass = 0, stage = CASE WHEN stage = 'downloading' THEN 'discovered' ELSE stage END
             WHERE id = $1",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await
        .doing("give an enclosure back")?;
        Ok(())
    }

    /// The length in bytes of an enclosure's file, where it is there.
    pub async fn file_length(&self, id: EnclosureId) -> Result<Option<u64>> {
        let length: Option<i64> =
            sqlx::query_scalar("SELECT length FROM enclosures WHERE id = $1 AND file IS NOT NULL")
                .bind(id.0)
                .fetch_optional(&self.pool)
                .await
                .doing("read the length of a file")?
                .flatten();
        Ok(length.map(unsigned))
    }

    /// The show and file name of an enclosure, for people.
    pub async fn file_label(&self, id: EnclosureId) -> Result<(String, String)> {
        sqlx::query_as(
            "SELECT s.slug, COALESCE(e.file, '') FROM enclosures e JOIN shows s ON s.id = e.show_id WHERE e.id = $1",
        )
        .bind(id.0)
        .fetch_one(&self.pool)
        .await
        .doing("read a file's name")
    }

    /// Former versions whose time is over, of these shows, are deleted once no client has them any more.
    pub async fn expire_former(&self, shows: &HashSet<&str>, now: Timestamp) -> Result<()> {
        let what = "record what is kept of former versions";
        let mut tx = self.begin().await.doing(what)?;
        let over: Vec<(i64, String)> = sqlx::query_as(FORMER_OVER).fetch_all(&mut *tx).await.doing(what)?;
        for (id, _) in over.iter().filter(|(_, show)| shows.contains(show.as_str())) {
            sqlx::query(
                "UPDATE enclosures SET expired = $2, expired_why = $3, error = $3, delete_data = TRUE WHERE id = $1",
            )
            .bind(id)
            .bind(seconds(now))
            .bind("keep: something has taken its place")
            .execute(&mut *tx)
            .await
            .doing(what)?;
        }
        tx.commit().await.doing(what)
    }

    /// The placements at one client of what is not kept any more.
    pub async fn expired_placements(&self, client: &str) -> Result<Vec<PlacementId>> {
        let ids: Vec<i64> = sqlx::query_scalar(TO_LET_GO)
            .bind(client)
            .fetch_all(&self.pool)
            .await
            .doing("list what a client is to let go")?;
        Ok(ids.into_iter().map(PlacementId).collect())
    }

    /// What is not kept any more and no client has, not even one that has left the configuration.
    pub async fn expired_files(&self) -> Result<Vec<Deletion>> {
        let what = "list what is to be deleted";
        let rows = sqlx::query(EXPIRED_FILES).fetch_all(&self.pool).await.doing(what)?;
        let deletion = |row: &SqliteRow| -> std::result::Result<Deletion, sqlx::Error> {
            Ok(Deletion {
                id: EnclosureId(row.try_get("id")?),
                show: row.try_get("slug")?,
                file: row.try_get("file")?,
                length: unsigned(row.try_get("length")?),
                is_shared: row.try_get("is_shared")?,
                why: row.try_get("why")?,
            })
        };
        rows.iter().map(deletion).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// Bytes of what is not kept any more and not deleted yet.
    pub async fn expiring_bytes(&self) -> Result<u64> {
        sqlx::query_scalar(EXPIRING_BYTES)
            .fetch_one(&self.pool)
            .await
            .map(unsigned)
            .doing("count what is to be deleted")
    }

    /// A client keeps a torrent that podseed has not given it, or cannot be told: so its data stays.
    pub async fn record_left(&self, placement: PlacementId) -> Result<()> {
        let what = "record what a client was left with";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query(
            "UPDATE enclosures SET left_at = (SELECT client FROM placements WHERE id = $1)
             WHERE id = (SELECT enclosure_id FROM placements WHERE id = $1)",
        )
        .bind(placement.0)
        .execute(&mut *tx)
        .await
        .doing(what)?;
        sqlx::query("DELETE FROM placements WHERE id = $1")
            .bind(placement.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        tx.commit().await.doing(what)
    }

    /// What has become of an enclosure of a show; `None` if it has none with this id.
    pub async fn unfinished(&self, show: &str, id: EnclosureId) -> Result<Option<Unfinished>> {
        let what = "read what an unfinished file belongs to";
        let row: Option<(String, bool, bool)> = sqlx::query_as(
            "SELECT e.stage, e.wanted, e.forgotten OR e.replaced_by IS NOT NULL FROM enclosures e
             JOIN shows s ON s.id = e.show_id WHERE e.id = $1 AND s.slug = $2",
        )
        .bind(id.0)
        .bind(show)
        .fetch_optional(&self.pool)
        .await
        .doing(what)?;
        let Some((stage, wanted, over)) = row else { return Ok(None) };
        Ok(Some(match word("a stage", &stage)? {
            _ if over => Unfinished::Over,
            Stage::Downloading | Stage::Downloaded => Unfinished::Needed,
            Stage::Discovered if wanted => Unfinished::Needed,
            Stage::Discovered => Unfinished::Unwanted,
            Stage::Failed => Unfinished::Failed,
            Stage::TorrentReady | Stage::HandedOver | Stage::Seeding | Stage::Withdrawn => Unfinished::Over,
        }))
    }

    /// The slugs of all shows, and whether each was taken down as a whole.
    pub async fn slugs(&self) -> Result<Vec<(String, bool)>> {
        sqlx::query_as("SELECT slug, withdrawn FROM shows ORDER BY slug")
            .fetch_all(&self.pool)
            .await
            .doing("list the shows")
    }
}

/// What is being fetched or handed over by now stays; the next round looks again.
async fn expire(
    connection: &mut SqliteConnection,
    file: &Dropped,
    now: Timestamp,
) -> std::result::Result<bool, sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE enclosures SET stage = 'withdrawn', expired = $2, expired_why = $3, error = $3, next_attempt = NULL,
             source_next = NULL, delete_data = TRUE
         WHERE id = $1 AND own_path IS NULL AND NOT forgotten
         AND stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn')
         AND NOT EXISTS (SELECT 1 FROM placements p
             WHERE p.enclosure_id = enclosures.id AND (p.state IN ('waiting', 'checking', 'delivered')
                 OR p.state = 'pending' AND COALESCE(p.next_attempt, 0) <= $2
                 OR p.state IN ('failed', 'stopped') AND p.next_attempt <= $2))",
    )
    .bind(file.id.0)
    .bind(seconds(now))
    .bind(&file.why)
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    // What podseed has added for another show is its own here, too: whoever is asked last takes it out.
    sqlx::query(
        "UPDATE placements SET added = TRUE WHERE enclosure_id = $1 AND NOT added AND EXISTS
             (SELECT 1 FROM enclosures e, enclosures oe JOIN placements o ON o.enclosure_id = oe.id
              WHERE e.id = $1 AND o.client = placements.client AND o.added
              AND (oe.info_hash_v1 IS NOT NULL OR oe.info_hash_v2 IS NOT NULL)
              AND oe.info_hash_v1 IS NOT DISTINCT FROM e.info_hash_v1
              AND oe.info_hash_v2 IS NOT DISTINCT FROM e.info_hash_v2)",
    )
    .bind(file.id.0)
    .execute(&mut *connection)
    .await?;
    event(connection, file.id, now, &format!("not kept any more: {}", file.why)).await?;
    Ok(true)
}

/// What the rules let nobody fetch, and which of them.
async fn held_back_before(
    connection: &mut SqliteConnection,
) -> std::result::Result<HashMap<i64, String>, sqlx::Error> {
    let rows: Vec<(i64, String)> = sqlx::query_as(HELD_BACK).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

async fn hold_back(
    connection: &mut SqliteConnection,
    file: &Dropped,
    now: Timestamp,
) -> std::result::Result<(), sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE enclosures SET stage = 'withdrawn', expired = $2, expired_why = $3, error = $3, next_attempt = NULL
         WHERE id = $1 AND magnet IS NULL AND file IS NULL
         AND (stage IN ('discovered', 'downloading') OR stage = 'withdrawn' AND expired IS NOT NULL)",
    )
    .bind(file.id.0)
    .bind(seconds(now))
    .bind(&file.why)
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() > 0 {
        event(connection, file.id, now, &format!("not fetched: {}", file.why)).await?;
    }
    Ok(())
}

/// What was held back and is so no more may be fetched again, also by a pass that has had it in its hands.
async fn admit(
    connection: &mut SqliteConnection,
    id: EnclosureId,
    now: Timestamp,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE enclosures SET stage = 'discovered', expired = NULL, expired_why = NULL, error = NULL, pass = 0
         WHERE id = $1",
    )
    .bind(id.0)
    .execute(&mut *connection)
    .await?;
    event(connection, id, now, "may be fetched: no rule is against it now").await
}

/// In the words of the index `enclosures_held_back`.
pub(super) const HELD_BACK: &str =
    "SELECT e.id, COALESCE(e.expired_why, '') FROM enclosures e JOIN shows s ON s.id = e.show_id
         WHERE e.expired IS NOT NULL AND e.stage = 'withdrawn' AND e.magnet IS NULL AND e.file IS NULL
         AND e.replaced_by IS NULL AND NOT s.withdrawn AND EXISTS
             (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
              WHERE a.enclosure_id = e.id AND NOT ep.withdrawn)";

/// In the words of the index `enclosures_former_over`.
pub(super) const FORMER_OVER: &str =
    "SELECT e.id, s.slug FROM enclosures e JOIN shows s ON s.id = e.show_id
             WHERE e.replaced_by IS NOT NULL AND e.stage = 'withdrawn' AND e.expired IS NULL AND e.file IS NOT NULL
             AND e.own_path IS NULL AND e.left_at IS NULL AND NOT e.forgotten AND NOT s.withdrawn AND NOT EXISTS
                 (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
                  WHERE a.enclosure_id = e.id AND ep.withdrawn)";

/// In the words of the index `placements_leaving`.
pub(super) const TO_LET_GO: &str = "SELECT p.id FROM placements p JOIN enclosures e ON e.id = p.enclosure_id
             WHERE p.leaving AND p.client = $1 AND e.expired IS NOT NULL ORDER BY e.expired, p.id";

/// In the words of the index `enclosures_expiring`.
pub(super) const EXPIRED_FILES: &str =
    "SELECT e.id, s.slug, e.file, COALESCE(e.length, 0) AS length, COALESCE(e.expired_why, '') AS why, EXISTS
                 (SELECT 1 FROM enclosures o WHERE o.show_id = e.show_id AND o.id <> e.id
                  AND LOWER(o.file) = LOWER(e.file)) AS is_shared
             FROM enclosures e JOIN shows s ON s.id = e.show_id
             WHERE e.expired IS NOT NULL AND e.delete_data AND e.stage = 'withdrawn' AND e.file IS NOT NULL
             AND e.own_path IS NULL AND e.left_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM placements p WHERE p.enclosure_id = e.id) ORDER BY e.expired, e.id";

/// In the words of the index `enclosures_expiring`.
pub(super) const EXPIRING_BYTES: &str = "SELECT COALESCE(SUM(length), 0) FROM enclosures
             WHERE expired IS NOT NULL AND delete_data AND stage = 'withdrawn' AND file IS NOT NULL";
