//! Own files: shows without a feed, their files as they were last seen, and what becomes of files that change.
//!
//! A file whose data is gone or another is withdrawn at once (`lose_own`), and either comes back (`return_own`) or a
//! new version takes its place (`replace_own`). Its episode, and with it the guid, stays through all of that.

mod row;

use std::path::Path;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::downloads::event;
use super::revisions::replace;
use super::shows::ShowId;
use super::withdraw::RemovalJob;
use super::{Doing as _, Result, Store, seconds, signed};
use crate::model::{EnclosureId, FileState, KnownFile, MediaFile, PlacementId, SharedFile, Tags};

pub(super) use row::own_file;
use row::{add, file_state, known_file, lose, put_path, put_state, put_tags};

/// What the configuration, or a command, says of a show of own files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnShow {
    /// The slug.
    pub slug: String,
    /// What stands in the place of the feed's address.
    pub feed: String,
    /// The title.
    pub title: Option<String>,
    /// Plain text.
    pub description: Option<String>,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// Its page.
    pub link: Option<String>,
    /// Where its cover comes from, in words that change when it does.
    pub image: Option<String>,
}

impl Store {
    /// The show with this slug, made where it is not known, with what is said of it; what is not said stays as it is.
    /// `None` where the slug is that of a show with a feed.
    pub async fn ensure_own_show(&self, show: &OwnShow) -> Result<Option<ShowId>> {
        let what = "record a show of own files";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query("INSERT INTO shows (slug, feed, own) VALUES ($1, $2, TRUE) ON CONFLICT DO NOTHING")
            .bind(&show.slug)
            .bind(&show.feed)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        let id: Option<i64> = sqlx::query_scalar(
            "UPDATE shows SET feed = $2, title = COALESCE($3, title), description = COALESCE($4, description),
                 author = COALESCE($5, author), language = COALESCE($6, language), link = COALESCE($7, link),
                 publish_due = publish_due + CASE WHEN COALESCE(image, '') <> COALESCE($8, '') THEN 1 ELSE 0 END, image = $8
             WHERE slug = $1 AND own RETURNING id",
        )
        .bind(&show.slug)
        .bind(&show.feed)
        .bind(&show.title)
        .bind(&show.description)
        .bind(&show.author)
        .bind(&show.language)
        .bind(&show.link)
        .bind(&show.image)
        .fetch_optional(&mut *tx)
        .await
        .doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(id.map(ShowId))
    }

    /// The shows of own files: slug, and what stands in the place of the feed's address.
    pub async fn own_shows(&self) -> Result<Vec<(String, String)>> {
        sqlx::query_as("SELECT slug, feed FROM shows WHERE own ORDER BY slug")
            .fetch_all(&self.pool)
            .await
            .doing("list the shows of own files")
    }

    /// Records when the files of a show were last looked at, and what was wrong.
    pub async fn record_own_look(&self, show: ShowId, error: Option<&str>, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE shows SET last_poll = $2, error = $3,
                 last_good_poll = CASE WHEN $3 IS NULL THEN $2 ELSE last_good_poll END WHERE id = $1",
        )
        .bind(show.0)
        .bind(seconds(now))
        .bind(error)
        .execute(&self.pool)
        .await
        .doing("record a look at own files")?;
        Ok(())
    }

    /// The files of a show as they were last seen, the latest version of each, oldest first.
    pub async fn own_files(&self, show: ShowId) -> Result<Vec<KnownFile>> {
        let what = "list own files";
        let rows = sqlx::query(
            "SELECT e.id, e.own_path, e.sha256, e.stage = 'withdrawn' AS lost, o.size, o.modified, o.device, o.inode,
                 e.forgotten OR s.withdrawn OR EXISTS (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
                     WHERE a.enclosure_id = e.id AND ep.withdrawn) AS held
             FROM enclosures e JOIN own_files o ON o.enclosure_id = e.id JOIN shows s ON s.id = e.show_id
             WHERE e.show_id = $1 AND e.own_path IS NOT NULL AND e.replaced_by IS NULL ORDER BY e.id",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        rows.iter().map(known_file).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// The state in which a file was last seen; `None` where it is none of the user's own.
    pub async fn own_state(&self, id: EnclosureId) -> Result<Option<FileState>> {
        let what = "read an own file";
        let row = sqlx::query("SELECT size, modified, device, inode FROM own_files WHERE enclosure_id = $1")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .doing(what)?;
        row.as_ref().map(file_state).transpose().doing(what)
    }

    /// New episodes, one for each of these files, in this order. A path that a current file of the show has already
    /// is left out. Gives the new ones.
    pub async fn add_own(
        &self,
        show: ShowId,
        files: &[SharedFile],
        now: Timestamp,
    ) -> Result<Vec<EnclosureId>> {
        let what = "record own files";
        let mut added = Vec::new();
        let mut tx = self.begin().await.doing(what)?;
        for file in files {
            added.extend(add(&mut tx, show, file, now).await.doing(what)?);
        }
        tx.commit().await.doing(what)?;
        Ok(added)
    }

    /// A file is as it is now, with the bytes that it had: it was touched, or not hashed yet. With its tags, where
    /// they were read again.
    pub async fn record_own_state(
        &self,
        id: EnclosureId,
        state: FileState,
        tags: Option<&Tags>,
    ) -> Result<()> {
        let what = "record an own file";
        let mut tx = self.begin().await.doing(what)?;
        put_state(&mut tx, id, state).await.doing(what)?;
        if let Some(tags) = tags {
            put_tags(&mut tx, id, tags).await.doing(what)?;
        }
        tx.commit().await.doing(what)
    }

    /// The data of a file is gone, or is not what the torrent says: every client lets go of it, and it leaves the
    /// site. Twice is once.
    pub async fn lose_own(&self, id: EnclosureId, why: &str, now: Timestamp) -> Result<bool> {
        let what = "withdraw an own file";
        let mut tx = self.begin().await.doing(what)?;
        let lost = lose(&mut tx, id, why, now).await.doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(lost)
    }

    /// The data of a withdrawn file is there again: it is hashed anew. Not before every one of these clients has let
    /// go of it, for there it may have been elsewhere. Says whether that is so.
    pub async fn return_own(
        &self,
        id: EnclosureId,
        state: FileState,
        clients: &[String],
        now: Timestamp,
    ) -> Result<bool> {
        let what = "take an own file back";
        let mut tx = self.begin().await.doing(what)?;
        let mut held = QueryBuilder::<Sqlite>::new("SELECT COUNT(*) FROM placements WHERE enclosure_id = ");
        held.push_bind(id.0).push(" AND client IN (");
        let mut names = held.separated(", ");
        for client in clients {
            names.push_bind(client.clone());
        }
        held.push(")");
        let held: i64 = held.build_query_scalar().fetch_one(&mut *tx).await.doing(what)?;
        if held > 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM placements WHERE enclosure_id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        let back = sqlx::query(
            "UPDATE enclosures SET stage = 'discovered', pass = 0, next_attempt = NULL, error = NULL
             WHERE id = $1 AND stage = 'withdrawn' AND replaced_by IS NULL",
        )
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .doing(what)?;
        put_state(&mut tx, id, state).await.doing(what)?;
        if back.rows_affected() > 0 {
            event(&mut *tx, id, now, "the file is there again").await.doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(true)
    }

    /// A file has another path and its old name: its torrent is the same. Where podseed has handed it over already,
    /// the clients have to let go of it first, as they look for it at its old place; so it is withdrawn, and returns.
    pub async fn move_own(
        &self,
        id: EnclosureId,
        path: &Path,
        state: FileState,
        now: Timestamp,
    ) -> Result<()> {
        let what = "record a moved file";
        let mut tx = self.begin().await.doing(what)?;
        put_path(&mut tx, id, path).await.doing(what)?;
        put_state(&mut tx, id, state).await.doing(what)?;
        lose(&mut tx, id, "the file has moved to another folder", now).await.doing(what)?;
        tx.commit().await.doing(what)
    }

    /// The path of a file that is left alone.
    pub async fn follow_own(&self, id: EnclosureId, path: &Path, state: FileState) -> Result<()> {
        let what = "record a moved file";
        let mut tx = self.begin().await.doing(what)?;
        put_path(&mut tx, id, path).await.doing(what)?;
        put_state(&mut tx, id, state).await.doing(what)?;
        tx.commit().await.doing(what)
    }

    /// Another version of the same episode takes the place of a file: with other bytes, or under another name. The
    /// old one is withdrawn at once, for its data is gone. Gives the new one; twice is once.
    pub async fn replace_own(
        &self,
        id: EnclosureId,
        file: &SharedFile,
        why: &str,
        now: Timestamp,
    ) -> Result<EnclosureId> {
        let what = "record another version of an own file";
        let mut tx = self.begin().await.doing(what)?;
        let done: Option<i64> = sqlx::query_scalar("SELECT replaced_by FROM enclosures WHERE id = $1")
            .bind(id.0)
            .fetch_one(&mut *tx)
            .await
            .doing(what)?;
        if let Some(done) = done {
            return Ok(EnclosureId(done));
        }
        lose(&mut tx, id, why, now).await.doing(what)?;
        let new = replace(&mut tx, id, "revised", now).await.doing(what)?;
        // Nobody can be given the old one any more, and the new one may need its name.
        sqlx::query("UPDATE enclosures SET file_key = 'replaced:' || id, magnet = NULL WHERE id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        sqlx::query(
            "UPDATE enclosures SET stage = 'discovered', media_type = $2, length_hint = $3 WHERE id = $1",
        )
        .bind(new.0)
        .bind(file.media_type)
        .bind(signed(file.state.size))
        .execute(&mut *tx)
        .await
        .doing(what)?;
        put_path(&mut tx, new, &file.path).await.doing(what)?;
        put_state(&mut tx, new, file.state).await.doing(what)?;
        put_tags(&mut tx, new, &file.tags).await.doing(what)?;
        event(&mut *tx, new, now, "takes the place of an earlier version of the file").await.doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(new)
    }

    /// An own file was hashed in place: its name, its checksum, and the guid of its episode, which gets one only
    /// once. `None` when the name is taken in the show.
    pub async fn record_own_hashed(
        &self,
        id: EnclosureId,
        file: &MediaFile,
        guids: &[String],
    ) -> Result<Option<()>> {
        if self.record_fetched(id, file).await?.is_err() {
            return Ok(None);
        }
        let what = "record an own file's guid";
        let mut tx = self.begin().await.doing(what)?;
        for guid in guids {
            sqlx::query(
                "UPDATE episodes SET guid = $2 WHERE guid IS NULL
                 AND id IN (SELECT episode_id FROM announcements WHERE enclosure_id = $1)
                 AND NOT EXISTS (SELECT 1 FROM episodes o WHERE o.guid = $2 AND o.show_id = episodes.show_id)",
            )
            .bind(id.0)
            .bind(guid)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(Some(()))
    }

    /// The names of the earlier versions of an own file, of which nobody can have anything any more.
    pub async fn former_own_names(&self, id: EnclosureId) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT file FROM enclosures
             WHERE replaced_by = $1 AND own_path IS NOT NULL AND file IS NOT NULL AND stage = 'withdrawn'",
        )
        .bind(id.0)
        .fetch_all(&self.pool)
        .await
        .doing("list earlier versions of an own file")
    }

    /// What a client still has of the earlier versions of an own file.
    pub async fn former_own(&self, id: EnclosureId, client: &str) -> Result<Vec<RemovalJob>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT p.id FROM enclosures e JOIN placements p ON p.enclosure_id = e.id
             WHERE e.replaced_by = $1 AND e.own_path IS NOT NULL AND e.stage = 'withdrawn' AND p.client = $2 ORDER BY p.id",
        )
        .bind(id.0)
        .bind(client)
        .fetch_all(&self.pool)
        .await
        .doing("list earlier versions of an own file")?;
        let mut jobs = Vec::new();
        for id in ids {
            jobs.extend(self.removal_job(PlacementId(id)).await?);
        }
        Ok(jobs)
    }
}
