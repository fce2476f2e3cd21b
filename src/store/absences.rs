//! Clients that are away: what is wrong is on record once, and not with each torrent that waits for them.

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::downloads::event;
use super::placements::{claimable, stage_from_placements};
use super::{Doing as _, Result, Store, seconds, signed, timestamp, unsigned};
use crate::model::{EnclosureId, Problem};

/// Placements that are marked in one transaction, so that others get their turn to write.
const AT_ONCE: u32 = 1_000;

/// A client that could not be worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Why, with the remedy.
    pub error: String,
    /// Whether the user has to do something.
    pub needs_the_user: bool,
    /// How often in a row.
    pub failures: u64,
    /// When it is asked again.
    pub next_attempt: Timestamp,
}

impl Store {
    /// That a client is away, if it is.
    pub async fn absence(&self, client: &str) -> Result<Option<Absence>> {
        let what = "read a client's absence";
        let row = sqlx::query(
            "SELECT error, needs_the_user, failures, next_attempt FROM absences WHERE client = $1",
        )
        .bind(client)
        .fetch_optional(&self.pool)
        .await
        .doing(what)?;
        let Some(row) = row else { return Ok(None) };
        let read = || {
            Ok(Absence {
                error: row.try_get("error")?,
                needs_the_user: row.try_get("needs_the_user")?,
                failures: unsigned(row.try_get("failures")?),
                next_attempt: timestamp(row.try_get("next_attempt")?).unwrap_or_default(),
            })
        };
        read().doing(what).map(Some)
    }

    /// A client was found to be away.
    pub async fn record_absence(&self, client: &str, absence: &Absence) -> Result<()> {
        sqlx::query(
            "INSERT INTO absences (client, error, needs_the_user, failures, next_attempt) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client) DO UPDATE SET error = excluded.error, needs_the_user = excluded.needs_the_user,
                 failures = excluded.failures, next_attempt = excluded.next_attempt",
        )
        .bind(client)
        .bind(&absence.error)
        .bind(absence.needs_the_user)
        .bind(signed(absence.failures))
        .bind(seconds(absence.next_attempt))
        .execute(&self.pool)
        .await
        .doing("record a client's absence")?;
        Ok(())
    }

    /// Whoever is away is asked again at the next opportunity.
    pub async fn end_pauses(&self) -> Result<()> {
        sqlx::query("UPDATE absences SET next_attempt = 0")
            .execute(&self.pool)
            .await
            .doing("end the pauses of clients that are away")?;
        Ok(())
    }

    /// A client that was away, or that has refused us, answers: what waits for it waits no longer.
    pub async fn client_is_back(&self, client: &str) -> Result<()> {
        let what = "record that a client is back";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query("DELETE FROM absences WHERE client = $1")
            .bind(client)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        sqlx::query(
            "UPDATE placements SET next_attempt = NULL, attempts = 0,
                 state = CASE WHEN state = 'failed' THEN 'pending' ELSE state END
             WHERE client = $1 AND state IN ('pending', 'waiting', 'failed') AND next_attempt IS NOT NULL",
        )
        .bind(client)
        .execute(&mut *tx)
        .await
        .doing(what)?;
        tx.commit().await.doing(what)
    }

    /// What this pass would hand over to a client that needs the user has failed for the same reason, until the client is
    /// back or the next attempt comes.
    pub async fn fail_waiting(
        &self,
        pass: i64,
        client: &str,
        problem: &Problem,
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what a client refuses";
        loop {
            let mut tx = self.begin().await.doing(what)?;
            let mut query = QueryBuilder::<Sqlite>::new(
                "UPDATE placements SET state = 'failed', attempts = attempts + 1, error = ",
            );
            query.push_bind(&problem.message).push(", next_attempt = ");
            query.push_bind(problem.next_attempt.map(seconds));
            query.push(" WHERE id IN (");
            claimable(&mut query, pass, client, Some(now));
            query.push(" LIMIT ").push_bind(AT_ONCE).push(") RETURNING enclosure_id");
            let failed: Vec<i64> = query.build_query_scalar().fetch_all(&mut *tx).await.doing(what)?;
            for id in failed.iter().copied().map(EnclosureId) {
                event(&mut *tx, id, now, &problem.message).await.doing(what)?;
                stage_from_placements(&mut tx, id).await?;
            }
            tx.commit().await.doing(what)?;
            if failed.is_empty() {
                return Ok(());
            }
        }
    }
}
