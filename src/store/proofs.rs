//! Which placements were proven: a stranger got a piece of it.

use jiff::Timestamp;
use sqlx::Row as _;

use super::placements::info_hash;
use super::{Doing as _, Result, Store, seconds, signed, timestamp, unsigned};
use crate::model::{EnclosureId, InfoHashes, PlacementId};

/// A placement whose proof is due.
#[derive(Debug, Clone)]
pub struct ProofJob {
    /// Which.
    pub id: PlacementId,
    /// The slug of its show.
    pub show: String,
    /// The file's name.
    pub file: String,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// How many proofs in a row have failed.
    pub failures: u64,
    /// Whether there was ever one.
    pub proven: bool,
    /// Of which enclosure.
    pub enclosure: EnclosureId,
}

/// How the proofs of one client stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientProofs {
    /// The client's name in the configuration.
    pub client: String,
    /// Placements of which a stranger got a piece when he last tried.
    pub proven: u64,
    /// Those of which he got none.
    pub failed: u64,
    /// Those that nobody has tried yet.
    pub untried: u64,
    /// When the proof was given that lies furthest back.
    pub oldest: Option<Timestamp>,
    /// When the last one was given.
    pub newest: Option<Timestamp>,
    /// Why one has failed.
    pub error: Option<String>,
}

/// What can be proven. In the words of the index `placements_to_prove`.
const PROVABLE: &str = "p.state IN ('seeding', 'delivered')";

impl Store {
    /// Placements at a client whose proof is due, at most so many: first what nobody has tried.
    pub async fn due_proofs(&self, client: &str, most: u32, now: Timestamp) -> Result<Vec<ProofJob>> {
        let what = "list the proofs that are due";
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT p.id, p.enclosure_id, p.proven, p.proof_failures, e.file, e.info_hash_v1, e.info_hash_v2, s.slug
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id JOIN shows s ON s.id = e.show_id
             WHERE p.client = $1 AND {PROVABLE} AND (p.proof_next IS NULL OR p.proof_next <= $2)
                 AND NOT e.forgotten AND e.stage <> 'withdrawn' AND e.data_error IS NULL
             ORDER BY p.proof_next, p.id LIMIT $3"
        )))
        .bind(client)
        .bind(seconds(now))
        .bind(most)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            let info_hash = info_hash(row)?;
            let read = || -> std::result::Result<ProofJob, sqlx::Error> {
                Ok(ProofJob {
                    id: PlacementId(row.try_get("id")?),
                    show: row.try_get("slug")?,
                    file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                    info_hash,
                    failures: unsigned(row.try_get("proof_failures")?),
                    proven: row.try_get::<Option<i64>, _>("proven")?.is_some(),
                    enclosure: EnclosureId(row.try_get("enclosure_id")?),
                })
            };
            jobs.push(read().doing(what)?);
        }
        Ok(jobs)
    }

    /// A stranger got a piece of so many bytes, or why he did not; and when he comes again.
    pub async fn record_proof(
        &self,
        id: PlacementId,
        outcome: std::result::Result<u64, &str>,
        next: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE placements SET proven = CASE WHEN $2 IS NULL THEN $3 ELSE proven END, proof_error = $2,
                 proof_next = $4, proof_bytes = proof_bytes + $5, proof_failures = CASE WHEN $2 IS NULL THEN 0 ELSE proof_failures + 1 END
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(outcome.err())
        .bind(seconds(now))
        .bind(seconds(next))
        .bind(outcome.map_or(0, signed))
        .execute(&self.pool)
        .await
        .doing("record a proof")?;
        Ok(())
    }

    /// How the proofs of each client stand that has anything to prove.
    pub async fn proofs(&self) -> Result<Vec<ClientProofs>> {
        let what = "count the proofs";
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT p.client, COUNT(*) AS placements, COUNT(p.proof_error) AS failed,
                 COUNT(CASE WHEN p.proof_error IS NULL THEN p.proven END) AS proven,
                 MIN(p.proven) AS oldest, MAX(p.proven) AS newest, MAX(p.proof_error) AS error
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id
             WHERE {PROVABLE} AND NOT e.forgotten AND e.stage <> 'withdrawn' GROUP BY p.client ORDER BY p.client"
        )))
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> std::result::Result<ClientProofs, sqlx::Error> {
            let count = |column| row.try_get::<i64, _>(column).map(unsigned);
            let (placements, proven, failed) = (count("placements")?, count("proven")?, count("failed")?);
            Ok(ClientProofs {
                client: row.try_get("client")?,
                proven,
                failed,
                untried: placements.saturating_sub(proven + failed),
                oldest: timestamp(row.try_get("oldest")?),
                newest: timestamp(row.try_get("newest")?),
                error: row.try_get("error")?,
            })
        };
        rows.iter().map(read).collect::<std::result::Result<_, _>>().doing(what)
    }
}
