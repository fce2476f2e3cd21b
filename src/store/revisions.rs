//! One torrent takes the place of another: because the publisher has replaced the file, or because he offers a torrent
//! of it himself. The former version stays for a while and is then taken back.

use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};

use super::downloads::{NameTaken, event, place};
use super::placements::info_hashes;
use super::{Doing as _, Result, Store, seconds};
use crate::model::identity::comparable_url;
use crate::model::{EnclosureId, InfoHashes};

/// The publisher's own torrent, about to take the place of ours.
#[derive(Debug, Clone)]
pub struct OfficialTorrent<'a> {
    /// The same data under his name.
    pub file: &'a str,
    /// Its identity.
    pub info_hash: &'a InfoHashes,
    /// Its magnet link.
    pub magnet: &'a str,
    /// Who is to seed it.
    pub clients: &'a [String],
}

impl Store {
    /// The publisher has replaced the file: its URL and its place in the episodes go to a new enclosure that is still
    /// to be fetched, and it stays as a former version. Gives the new one; twice is once.
    pub async fn revise(&self, id: EnclosureId, now: Timestamp) -> Result<EnclosureId> {
        let what = "record a revision";
        let mut tx = self.begin().await.doing(what)?;
        let done: Option<i64> = sqlx::query_scalar("SELECT replaced_by FROM enclosures WHERE id = $1")
            .bind(id.0)
            .fetch_one(&mut *tx)
            .await
            .doing(what)?;
        if let Some(done) = done {
            return Ok(EnclosureId(done));
        }
        let new = replace(&mut tx, id, "revised", now).await.doing(what)?;
        sqlx::query("UPDATE enclosures SET source = 'changed once', web_seed = FALSE WHERE id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        event(&mut *tx, id, now, "the publisher has replaced this file; the new one is fetched")
            .await
            .doing(what)?;
        event(&mut *tx, new, now, "takes the place of a file that the publisher has replaced")
            .await
            .doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(new)
    }

    /// The publisher's own torrent of the same data takes the place of ours, with a placement for each client. The
    /// data is there under his name, and his .torrent beside the others.
    pub async fn record_official(
        &self,
        id: EnclosureId,
        official: &OfficialTorrent<'_>,
        now: Timestamp,
    ) -> Result<std::result::Result<EnclosureId, NameTaken>> {
        let what = "record the publisher's own torrent";
        let mut tx = self.begin().await.doing(what)?;
        let same_name =
            sqlx::query("UPDATE enclosures SET file_key = 'replaced:' || id WHERE id = $1 AND file_key = $2")
                .bind(id.0)
                .bind(official.file.to_lowercase())
                .execute(&mut *tx)
                .await
                .doing(what)?
                .rows_affected()
                > 0;
        let new = replace(&mut tx, id, "official", now).await.doing(what)?;
        let named = sqlx::query(
            "UPDATE enclosures SET official = TRUE,
                 stage = CASE WHEN stage = 'withdrawn' THEN stage ELSE 'torrent_ready' END, file = $3, file_key = $4,
                 official_read = official_url, info_hash_v1 = $5, info_hash_v2 = $6, magnet = $7,
                 (length, sniffed_type, etag, last_modified, sha256) =
                     (SELECT length, sniffed_type, etag, last_modified, sha256 FROM enclosures WHERE id = $2)
             WHERE id = $1",
        )
        .bind(new.0)
        .bind(id.0)
        .bind(official.file)
        .bind(official.file.to_lowercase())
        .bind(official.info_hash.v1().map(|hash| hash.to_string()))
        .bind(official.info_hash.v2().map(|hash| hash.to_string()))
        .bind(official.magnet)
        .execute(&mut *tx)
        .await;
        match named {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Ok(Err(NameTaken(official.file.to_owned())));
            }
            named => named.doing(what)?,
        };
        if same_name {
            withhold(&mut tx, id).await.doing(what)?;
        }
        place(&mut tx, new, official.clients).await.doing(what)?;
        let story = "the publisher offers a torrent of it himself, which takes the place of this one";
        event(&mut *tx, id, now, story).await.doing(what)?;
        event(&mut *tx, new, now, "joined the publisher's own torrent; nothing had to be fetched")
            .await
            .doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(Ok(new))
    }

    /// Withdraws the former versions of a pass that were replaced until then, as far as what has taken their place is
    /// there. Gives how many.
    pub async fn retire(&self, pass: i64, until: Timestamp, now: Timestamp) -> Result<u64> {
        let what = "withdraw former versions";
        let mut tx = self.begin().await.doing(what)?;
        let ids: Vec<i64> = sqlx::query_scalar(RETIRE)
            .bind(pass)
            .bind(seconds(until))
            .fetch_all(&mut *tx)
            .await
            .doing(what)?;
        for id in &ids {
            let story = "no longer seeded: its time as a former version is over. Its file stays";
            event(&mut *tx, EnclosureId(*id), now, story).await.doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(ids.len() as u64)
    }

    /// The torrents of the files that this one takes the place of.
    pub(super) async fn former(&self, id: EnclosureId) -> Result<Vec<InfoHashes>> {
        let rows: Vec<(Option<String>, Option<String>)> = sqlx::query_as(
            "SELECT info_hash_v1, info_hash_v2 FROM enclosures
             WHERE replaced_by = $1 AND replaced_why = 'revised' ORDER BY id",
        )
        .bind(id.0)
        .fetch_all(&self.pool)
        .await
        .doing("list former versions")?;
        let hashes = rows.into_iter().map(|(v1, v2)| info_hashes(v1, v2)).collect::<Result<Vec<_>>>()?;
        Ok(hashes.into_iter().flatten().collect())
    }
}

/// His .torrent has taken the name of ours, so that nobody can be given ours any more: neither a client nor a visitor of
/// the site. Whoever has it already is served on.
async fn withhold(
    tx: &mut Transaction<'_, Sqlite>,
    ours: EnclosureId,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query("UPDATE enclosures SET magnet = NULL WHERE id = $1").bind(ours.0).execute(&mut **tx).await?;
    sqlx::query("DELETE FROM placements WHERE enclosure_id = $1 AND state NOT IN ('seeding', 'delivered')")
        .bind(ours.0)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Puts a new enclosure in the place of this one: it has its URL and announcements, and nothing else yet. What this
/// one had replaced before is now replaced by the new one.
pub(super) async fn replace(
    tx: &mut Transaction<'_, Sqlite>,
    id: EnclosureId,
    why: &str,
    now: Timestamp,
) -> std::result::Result<EnclosureId, sqlx::Error> {
    let url: String = sqlx::query_scalar("SELECT url FROM enclosures WHERE id = $1")
        .bind(id.0)
        .fetch_one(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE enclosures SET comparable_url = 'replaced:' || id, replaced_why = $2, replaced = $3, wanted = FALSE,
             source_next = NULL WHERE id = $1",
    )
    .bind(id.0)
    .bind(why)
    .bind(seconds(now))
    .execute(&mut **tx)
    .await?;
    // What was taken down meanwhile stays so, whatever takes its place.
    let new: i64 = sqlx::query_scalar(
        "INSERT INTO enclosures (show_id, url, comparable_url, host, media_type, length_hint, discovered, wanted,
             official_url, stage)
         SELECT show_id, url, $2, host, media_type, length_hint, $3, TRUE, official_url,
             CASE WHEN stage = 'withdrawn' THEN stage ELSE 'discovered' END
         FROM enclosures WHERE id = $1 RETURNING id",
    )
    .bind(id.0)
    .bind(comparable_url(&url))
    .bind(seconds(now))
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO announcements (episode_id, enclosure_id, role, position, present, wanted)
         SELECT episode_id, $2, role, position, present, wanted FROM announcements WHERE enclosure_id = $1",
    )
    .bind(id.0)
    .bind(new)
    .execute(&mut **tx)
    .await?;
    // The former version stays with its episodes, which announce it no more.
    sqlx::query("UPDATE announcements SET present = FALSE, wanted = FALSE WHERE enclosure_id = $1")
        .bind(id.0)
        .execute(&mut **tx)
        .await?;
    sqlx::query("UPDATE enclosures SET replaced_by = $2 WHERE replaced_by = $1 OR id = $1")
        .bind(id.0)
        .bind(new)
        .execute(&mut **tx)
        .await?;
    Ok(EnclosureId(new))
}

/// In the words of the index `enclosures_former`.
pub(super) const RETIRE: &str =
    "UPDATE enclosures SET stage = 'withdrawn', error = NULL, next_attempt = NULL, source_next = NULL
             WHERE replaced_by IS NOT NULL AND stage <> 'withdrawn' AND NOT forgotten AND replaced <= $2
             AND EXISTS (SELECT 1 FROM enclosures n WHERE n.id = enclosures.replaced_by AND n.magnet IS NOT NULL)
             AND EXISTS (SELECT 1 FROM shows s WHERE s.id = enclosures.show_id AND s.pass = $1)
             RETURNING id";
