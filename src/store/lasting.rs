//! Work that goes on for ever: what a worker has dealt with may be claimed again, and shows are due by the time.

use jiff::Timestamp;

use super::writer::for_ids;
use super::{Doing as _, Result, ShowId, Store, seconds};
use crate::model::{EnclosureId, PlacementId};

impl Store {
    /// No show is part of this pass any more: those that are join it anew.
    pub async fn leave_pass(&self, pass: i64) -> Result<()> {
        sqlx::query("UPDATE shows SET pass = 0 WHERE pass = $1")
            .bind(pass)
            .execute(&self.pool)
            .await
            .doing("leave a pass")?;
        Ok(())
    }

    /// The feeds of these shows are due, and in nobody's hands, unless their servers have asked for time.
    pub async fn poll_now(&self, shows: &[ShowId]) -> Result<()> {
        if shows.is_empty() {
            return Ok(());
        }
        let what = "have feeds polled";
        let ids: Vec<i64> = shows.iter().map(|show| show.0).collect();
        let mut tx = self.begin().await.doing(what)?;
        for_ids(&mut tx, "UPDATE shows SET next_poll = NULL, poll_lease = NULL WHERE id IN (", &ids)
            .await
            .doing(what)?;
        tx.commit().await.doing(what)
    }

    /// Takes the next shows of a pass whose feeds are due, so many at most, and leaves them to the caller until `lease`.
    pub async fn claim_polls(
        &self,
        pass: i64,
        now: Timestamp,
        lease: Timestamp,
        most: u32,
    ) -> Result<Vec<(ShowId, String)>> {
        let shows: Vec<(i64, String)> = sqlx::query_as(CLAIM_POLLS)
            .bind(pass)
            .bind(seconds(now))
            .bind(seconds(lease))
            .bind(most)
            .fetch_all(&self.pool)
            .await
            .doing("claim polls")?;
        Ok(shows.into_iter().map(|(id, slug)| (ShowId(id), slug)).collect())
    }

    /// What the process before this one was polling is in nobody's hands. Only for who has the data folder to himself, and
    /// polls nothing yet.
    pub async fn free_polls(&self) -> Result<()> {
        sqlx::query("UPDATE shows SET poll_lease = NULL WHERE poll_lease IS NOT NULL")
            .execute(&self.pool)
            .await
            .doing("free the feeds that were being polled")?;
        Ok(())
    }

    /// A worker is done with an enclosure: once it is due it may be claimed again.
    pub async fn release_enclosure(&self, id: EnclosureId, pass: i64) -> Result<()> {
        sqlx::query("UPDATE enclosures SET pass = 0 WHERE id = $1 AND pass = $2")
            .bind(id.0)
            .bind(pass)
            .execute(&self.pool)
            .await
            .doing("release an enclosure")?;
        Ok(())
    }

    /// A worker is done with a placement: it is looked at again when it is due, or at `again` where nothing is
    /// planned and it is on its way. What needs the user without a next attempt is left to him.
    pub async fn release_placement(&self, id: PlacementId, pass: i64, again: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE placements SET pass = 0, next_attempt = CASE
                 WHEN (SELECT stage FROM enclosures WHERE id = placements.enclosure_id) = 'withdrawn' THEN $3
                 WHEN state IN ('pending', 'waiting', 'checking') THEN COALESCE(next_attempt, $3)
                 ELSE next_attempt END
             WHERE id = $1 AND pass = $2",
        )
        .bind(id.0)
        .bind(pass)
        .bind(seconds(again))
        .execute(&self.pool)
        .await
        .doing("release a placement")?;
        Ok(())
    }

    /// Whether the state can be read and written to.
    pub async fn ping(&self) -> Result<()> {
        let what = "reach the state";
        let tx = self.begin().await.doing(what)?;
        tx.rollback().await.doing(what)
    }
}

/// `$1` is the pass, `$2` now, `$3` the end of the lease, `$4` how many at most.
pub(super) const CLAIM_POLLS: &str = "UPDATE shows SET poll_lease = $3 WHERE id IN
    (SELECT id FROM shows WHERE COALESCE(next_poll, 0) <= $2 AND pass = $1 AND NOT own
        AND (wait_until IS NULL OR wait_until <= $2) AND (poll_lease IS NULL OR poll_lease <= $2) ORDER BY COALESCE(next_poll, 0), id LIMIT $4) RETURNING id, slug";
