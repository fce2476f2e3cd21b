//! What is made of a show while it is prepared for the site: its cover, checksums, web seeds.
//!
//! Triggers count such changes as everything else that the site tells (`shows.publish_due`). The publication for which
//! they are made tells of them already, so their count is taken back in the same transaction: else the show would be
//! published a second time.

use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};

use super::compare::set_edited;
use super::{Doing as _, Result, ShowId, Store, seconds, signed, timestamp};
use crate::model::{Edited, EnclosureId, Traffic};

type Done<T> = std::result::Result<T, sqlx::Error>;

/// What is known of a show's cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The show's feed, as the user wrote it.
    pub feed: String,
    /// Where the publisher has it.
    pub image: Option<String>,
    /// Where our copy is from; `None`: there is none.
    pub copied_from: Option<String>,
    /// When it was last asked for.
    pub checked: Option<Timestamp>,
}

/// A transaction after which a show is as due as it was before.
struct Preparation {
    tx: Transaction<'static, Sqlite>,
    show: ShowId,
    due: i64,
}

impl Preparation {
    async fn begin(store: &Store, show: ShowId) -> Done<Self> {
        let mut tx = store.begin().await?;
        let due = sqlx::query_scalar("SELECT publish_due FROM shows WHERE id = $1")
            .bind(show.0)
            .fetch_one(&mut *tx)
            .await?;
        Ok(Self { tx, show, due })
    }

    async fn commit(mut self) -> Done<()> {
        sqlx::query("UPDATE shows SET publish_due = $2 WHERE id = $1 AND publish_due <> $2")
            .bind(self.show.0)
            .bind(self.due)
            .execute(&mut *self.tx)
            .await?;
        self.tx.commit().await
    }
}

impl Store {
    /// What is known of a show's cover.
    pub async fn cover(&self, show: ShowId) -> Result<Cover> {
        let row: (String, Option<String>, Option<String>, Option<i64>) =
            sqlx::query_as("SELECT feed, image, cover, cover_checked FROM shows WHERE id = $1")
                .bind(show.0)
                .fetch_one(&self.pool)
                .await
                .doing("read a cover's address")?;
        Ok(Cover { feed: row.0, image: row.1, copied_from: row.2, checked: timestamp(row.3) })
    }

    /// Records where our copy of an own show's cover is from; `None`: there is none.
    pub async fn record_own_cover(&self, show: ShowId, from: Option<&str>) -> Result<()> {
        let what = "record a cover";
        let mut preparation = Preparation::begin(self, show).await.doing(what)?;
        sqlx::query("UPDATE shows SET cover = $2 WHERE id = $1 AND COALESCE(cover, '') <> COALESCE($2, '')")
            .bind(show.0)
            .bind(from)
            .execute(&mut *preparation.tx)
            .await
            .doing(what)?;
        preparation.commit().await.doing(what)
    }

    /// Records where our copy of the cover is from; `None`: there is none.
    pub async fn record_cover(
        &self,
        show: ShowId,
        from: Option<&str>,
        traffic: Traffic,
        now: Timestamp,
    ) -> Result<()> {
        let what = "record a cover";
        let mut preparation = Preparation::begin(self, show).await.doing(what)?;
        sqlx::query(
            "UPDATE shows SET cover = $2, cover_checked = $3, requests = requests + $4, bytes = bytes + $5
             WHERE id = $1",
        )
        .bind(show.0)
        .bind(from)
        .bind(seconds(now))
        .bind(signed(traffic.requests))
        .bind(signed(traffic.bytes))
        .execute(&mut *preparation.tx)
        .await
        .doing(what)?;
        preparation.commit().await.doing(what)
    }

    /// Records the SHA-256 of a whole file of this show.
    pub async fn record_sha256(&self, show: ShowId, id: EnclosureId, sha256: [u8; 32]) -> Result<()> {
        let what = "record a checksum";
        let mut preparation = Preparation::begin(self, show).await.doing(what)?;
        sqlx::query("UPDATE enclosures SET sha256 = $2 WHERE id = $1")
            .bind(id.0)
            .bind(hex::encode(sha256))
            .execute(&mut *preparation.tx)
            .await
            .doing(what)?;
        preparation.commit().await.doing(what)
    }

    /// Records as [`Store::record_edited`] does, of .torrents of this show that are about to come to the site.
    pub async fn record_edited_for_site(&self, show: ShowId, edited: &[Edited]) -> Result<()> {
        let what = "record the web seeds of torrents";
        let mut preparation = Preparation::begin(self, show).await.doing(what)?;
        set_edited(&mut preparation.tx, edited).await.doing(what)?;
        preparation.commit().await.doing(what)
    }
}
