//! Work that goes on for ever: what a worker has dealt with may be claimed again, and shows are due by the time.

use jiff::Timestamp;

use super::{Doing as _, Result, ShowId, Store, seconds, timestamp};
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

    /// A show's feed is due, unless its server has asked for time.
    pub async fn poll_now(&self, show: ShowId) -> Result<()> {
        sqlx::query("UPDATE shows SET next_poll = NULL WHERE id = $1")
            .bind(show.0)
            .execute(&self.pool)
            .await
            .doing("have a feed polled")?;
        Ok(())
    }

    /// Takes the next show of a pass whose feed is due, and leaves it to the caller until `lease`.
    pub async fn claim_poll(&self, pass: i64, now: Timestamp, lease: Timestamp) -> Result<Option<String>> {
        sqlx::query_scalar(CLAIM_POLL)
            .bind(pass)
            .bind(seconds(now))
            .bind(seconds(lease))
            .fetch_optional(&self.pool)
            .await
            .doing("claim a poll")
    }

    /// The dates of a show's newest episodes that are not in the future, newest first.
    pub async fn recent_dates(&self, show: ShowId, now: Timestamp, most: u32) -> Result<Vec<Timestamp>> {
        let dates: Vec<i64> = sqlx::query_scalar(
            "SELECT date FROM episodes WHERE show_id = $1 AND date <= $2 ORDER BY date DESC LIMIT $3",
        )
        .bind(show.0)
        .bind(seconds(now))
        .bind(most)
        .fetch_all(&self.pool)
        .await
        .doing("read the dates of a show's episodes")?;
        Ok(dates.into_iter().filter_map(|date| timestamp(Some(date))).collect())
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

/// `$1` is the pass, `$2` now, `$3` the end of the lease.
pub(super) const CLAIM_POLL: &str = "UPDATE shows SET next_poll = $3 WHERE id =
    (SELECT id FROM shows WHERE COALESCE(next_poll, 0) <= $2 AND pass = $1 AND NOT own
        AND (wait_until IS NULL OR wait_until <= $2) ORDER BY COALESCE(next_poll, 0), id LIMIT 1) RETURNING slug";
