//! Torrents that publishers offer themselves: where, and which of them were read.

use jiff::Timestamp;
use sqlx::Row as _;

use super::placements::info_hashes;
use super::recording::Recording;
use super::{Doing as _, Error, Result, Store, seconds, unsigned};
use crate::model::{EnclosureId, OfferJob};

/// The statement behind [`Store::claim_offer`], in the words of the index `enclosures_offered`.
pub(super) const CLAIM: &str =
    "UPDATE enclosures SET official_next = $2 + $3 WHERE id = (SELECT e.id FROM enclosures e
                 WHERE e.official_url IS NOT NULL AND NOT e.official AND e.magnet IS NOT NULL AND NOT e.forgotten
                 AND e.replaced_by IS NULL AND e.stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn')
                 AND (e.official_read IS NULL OR e.official_read <> e.official_url)
                 AND (e.official_next IS NULL OR e.official_next <= $2)
                 AND EXISTS (SELECT 1 FROM shows s WHERE s.id = e.show_id AND s.pass = $1)
                 ORDER BY e.id LIMIT 1) RETURNING id";

impl Recording {
    /// Where the publisher offers torrents of these files. One that he offers no more is not forgotten, and an address
    /// that changes with each reading of the feed is not read each time.
    pub async fn record_offers(&mut self, offers: &[(EnclosureId, String)]) -> Result<()> {
        for (id, url) in offers {
            sqlx::query(
                "UPDATE enclosures SET official_url = $2, official_failures = 0,
                     official_next = CASE WHEN official_read IS NULL THEN NULL ELSE official_next END
                 WHERE id = $1 AND (official_url IS NULL OR official_url <> $2)",
            )
            .bind(id.0)
            .bind(url)
            .execute(&mut *self.tx)
            .await
            .doing("record the publisher's own torrents")?;
        }
        Ok(())
    }
}

impl Store {
    /// Takes the next offer of this pass that was not read yet, of a torrent of what we seed already.
    pub async fn claim_offer(&self, pass: i64, now: Timestamp) -> Result<Option<OfferJob>> {
        match self.lease(CLAIM, pass, now, "claim an offer").await? {
            Some(id) => self.offer_job(id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn offer_job(&self, id: EnclosureId) -> Result<OfferJob> {
        let what = "read an offer";
        let row = sqlx::query(
            "SELECT s.slug, e.official_url, e.file, e.info_hash_v1, e.info_hash_v2, e.official_failures
             FROM enclosures e JOIN shows s ON s.id = e.show_id WHERE e.id = $1",
        )
        .bind(id.0)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let v1 = row.try_get("info_hash_v1").doing(what)?;
        let info_hash = info_hashes(v1, row.try_get("info_hash_v2").doing(what)?)?
            .ok_or_else(|| Error::Value { what: "an enclosure's info hash", value: "nothing".to_owned() })?;
        let read = || -> std::result::Result<OfferJob, sqlx::Error> {
            Ok(OfferJob {
                id,
                show: row.try_get("slug")?,
                url: row.try_get::<Option<String>, _>("official_url")?.unwrap_or_default(),
                file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                info_hash,
                failures: unsigned(row.try_get("official_failures")?),
            })
        };
        read().doing(what)
    }

    /// An offer was read and is not joined. One at another address is not read before `next`.
    pub async fn record_offer(&self, id: EnclosureId, url: &str, next: Timestamp) -> Result<()> {
        sqlx::query("UPDATE enclosures SET official_read = $2, official_next = $3 WHERE id = $1")
            .bind(id.0)
            .bind(url)
            .bind(seconds(next))
            .execute(&self.pool)
            .await
            .doing("record an offer")?;
        Ok(())
    }

    /// What we seed is the publisher's own torrent. Its source need not be looked at: he decides on its web seeds.
    pub async fn record_joined(&self, id: EnclosureId) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET official = TRUE, official_read = official_url, official_next = NULL,
                 source_next = NULL WHERE id = $1",
        )
        .bind(id.0)
        .execute(&self.pool)
        .await
        .doing("record the publisher's own torrent")?;
        Ok(())
    }

    /// An offer could not be fetched.
    pub async fn put_off_offer(&self, id: EnclosureId, next: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET official_next = $2, official_failures = official_failures + 1 WHERE id = $1",
        )
        .bind(id.0)
        .bind(seconds(next))
        .execute(&self.pool)
        .await
        .doing("put off an offer")?;
        Ok(())
    }

    /// Gives a claimed offer back undone: the pass was stopped.
    pub async fn release_offer(&self, id: EnclosureId) -> Result<()> {
        sqlx::query("UPDATE enclosures SET official_next = NULL WHERE id = $1")
            .bind(id.0)
            .execute(&self.pool)
            .await
            .doing("release an offer")?;
        Ok(())
    }

    /// The .torrent has other trackers now.
    pub async fn record_magnet(&self, id: EnclosureId, magnet: &str) -> Result<()> {
        sqlx::query("UPDATE enclosures SET magnet = $2 WHERE id = $1")
            .bind(id.0)
            .bind(magnet)
            .execute(&self.pool)
            .await
            .doing("record a magnet link")?;
        Ok(())
    }

    /// Whether no other enclosure of the show has a file of this name.
    pub async fn name_is_free(&self, id: EnclosureId, name: &str) -> Result<bool> {
        let taken: Option<i64> = sqlx::query_scalar(
            "SELECT o.id FROM enclosures e JOIN enclosures o ON o.show_id = e.show_id AND o.id <> e.id
             WHERE e.id = $1 AND o.file_key = $2 LIMIT 1",
        )
        .bind(id.0)
        .bind(name.to_lowercase())
        .fetch_optional(&self.pool)
        .await
        .doing("look for a file's name")?;
        Ok(taken.is_none())
    }
}
