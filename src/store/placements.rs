//! Placements: which torrent stands where at which client.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Doing as _, Error, Result, Store, seconds, signed, unsigned, word};
use crate::model::{
    EnclosureId, InfoHashes, Memory, PlacementId, PlacementJob, PlacementReport, PlacementState, Stage,
};

/// A recorded report: how the enclosure stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The stage before.
    pub before: Stage,
    /// The stage now.
    pub stage: Stage,
}

/// A place in the queue of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queued {
    due: i64,
    enclosure: i64,
}

impl Queued {
    /// Before all others.
    pub const FIRST: Self = Self { due: -1, enclosure: 0 };
}

impl Store {
    /// Takes the next placement of this pass at one client that is not settled, behind `after`, and gives where in the
    /// queue it was. Who goes on behind the one that was taken last does not pay for all that were taken before it.
    pub async fn claim_placement(
        &self,
        pass: i64,
        until: Option<Timestamp>,
        client: &str,
        after: Queued,
    ) -> Result<Option<(Queued, PlacementJob)>> {
        let what = "claim a placement";
        let mut query = claim(pass, until, client, after);
        let row: Option<(i64, i64, i64)> =
            query.build_query_as().fetch_optional(&self.pool).await.doing(what)?;
        let Some((id, due, enclosure)) = row else { return Ok(None) };
        Ok(Some((Queued { due, enclosure }, self.placement_job(id).await?)))
    }

    async fn placement_job(&self, id: i64) -> Result<PlacementJob> {
        let what = "read a placement";
        let row = sqlx::query(
            "SELECT p.enclosure_id, p.client, p.state, p.added, p.verified, p.since, e.file, e.length, e.info_hash_v1, e.info_hash_v2,
                 e.own_path, s.slug
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id JOIN shows s ON s.id = e.show_id
             WHERE p.id = $1",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let info_hash = info_hash(&row)?;
        let state: String = row.try_get("state").doing(what)?;
        let state = word("a placement's state", &state)?;
        let read = || -> std::result::Result<PlacementJob, sqlx::Error> {
            Ok(PlacementJob {
                id: PlacementId(id),
                enclosure: EnclosureId(row.try_get("enclosure_id")?),
                client: row.try_get("client")?,
                show: row.try_get("slug")?,
                file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                length: unsigned(row.try_get::<Option<i64>, _>("length")?.unwrap_or_default()),
                info_hash,
                state,
                memory: memory(&row)?,
                own: row.try_get::<Option<String>, _>("own_path")?.map(Into::into),
            })
        };
        read().doing(what)
    }

    /// How many looks at a client have ended with an error, for the back-off.
    pub async fn placement_attempts(&self, id: PlacementId) -> Result<u64> {
        sqlx::query_scalar("SELECT attempts FROM placements WHERE id = $1")
            .bind(id.0)
            .fetch_one(&self.pool)
            .await
            .map(unsigned)
            .doing("read a placement's attempts")
    }

    /// Records what a look at a client has found, and the stage of the enclosure that follows from it.
    pub async fn record_placement(
        &self,
        job: &PlacementJob,
        report: &PlacementReport,
        now: Timestamp,
    ) -> Result<Placed> {
        let what = "record a placement";
        let mut tx = self.begin().await.doing(what)?;
        sqlx::query(
            "UPDATE placements SET state = $2, added = $3, verified = $4, uploaded_bytes = COALESCE($5, uploaded_bytes),
                 error = $6, next_attempt = $7, attempts = attempts + CASE WHEN $6 IS NULL THEN 0 ELSE 1 END,
                 confirmed = CASE WHEN $2 = 'seeding' THEN $8 ELSE confirmed END,
                 since = CASE WHEN $2 = 'seeding' THEN COALESCE(since, $8) ELSE since END
             WHERE id = $1",
        )
        .bind(job.id.0)
        .bind(report.state.as_str())
        .bind(report.memory.added)
        .bind(report.memory.verified)
        .bind(report.uploaded_bytes.map(signed))
        .bind(report.problem.as_ref().map(|problem| &problem.message))
        .bind(report.problem.as_ref().and_then(|problem| problem.next_attempt).map(seconds))
        .bind(seconds(now))
        .execute(&mut *tx)
        .await
        .doing(what)?;
        let placed = stage_from_placements(&mut tx, job.enclosure).await?;
        if placed.stage == Stage::Seeding {
            sqlx::query("UPDATE enclosures SET seeding_since = $2 WHERE id = $1 AND seeding_since IS NULL")
                .bind(job.enclosure.0)
                .bind(seconds(now))
                .execute(&mut *tx)
                .await
                .doing(what)?;
        }
        tx.commit().await.doing(what)?;
        Ok(placed)
    }
}

/// What a row of placements remembers.
pub(super) fn memory(row: &SqliteRow) -> std::result::Result<Memory, sqlx::Error> {
    let seeded = row.try_get::<Option<i64>, _>("since")?.is_some();
    Ok(Memory { added: row.try_get("added")?, verified: row.try_get("verified")?, seeded })
}

/// The statement behind [`Store::claim_placement`].
pub(super) fn claim(
    pass: i64,
    until: Option<Timestamp>,
    client: &str,
    after: Queued,
) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE placements SET pass = ");
    query.push_bind(pass).push(" WHERE id = (");
    claimable(&mut query, pass, client, until);
    query.push(" AND (p.due, p.enclosure_id) > (").push_bind(after.due).push(", ").push_bind(after.enclosure);
    query.push(") ORDER BY p.due, p.enclosure_id LIMIT 1) RETURNING id, due, enclosure_id");
    query
}

/// What a pass may take of what is to be done at a client, in the words of the index `placements_to_do`; `until`: only
/// what is due then.
pub(super) fn claimable(query: &mut QueryBuilder<Sqlite>, pass: i64, client: &str, until: Option<Timestamp>) {
    query.push(
        "SELECT p.id FROM placements p JOIN enclosures e ON e.id = p.enclosure_id JOIN shows s ON s.id = e.show_id
         WHERE p.due IS NOT NULL AND NOT p.leaving AND NOT e.forgotten AND e.data_error IS NULL
         AND e.stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn') AND s.pass = ",
    );
    query.push_bind(pass).push(" AND p.pass <> ").push_bind(pass);
    query.push(" AND p.client = ").push_bind(client.to_owned());
    if let Some(until) = until {
        query.push(" AND p.due <= ").push_bind(seconds(until));
    }
}

/// Sets the stage of an enclosure from its placements; its error is theirs when all of them need the user.
pub(super) async fn stage_from_placements(
    connection: &mut SqliteConnection,
    id: EnclosureId,
) -> Result<Placed> {
    let what = "derive a stage";
    let (before, data_error): (String, Option<String>) =
        sqlx::query_as("SELECT stage, data_error FROM enclosures WHERE id = $1")
            .bind(id.0)
            .fetch_one(&mut *connection)
            .await
            .doing(what)?;
    let before = word("a stage", &before)?;
    // What the user has taken down meanwhile stays so.
    if before == Stage::Withdrawn {
        return Ok(Placed { before, stage: before });
    }
    let rows: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT state, error FROM placements WHERE enclosure_id = $1 ORDER BY id")
            .bind(id.0)
            .fetch_all(&mut *connection)
            .await
            .doing(what)?;
    let states: Vec<PlacementState> =
        rows.iter().map(|(state, _)| word("a placement's state", state)).collect::<Result<_>>()?;
    // Whatever clients say, there is nothing to seed without the data.
    let stage = if data_error.is_some() { Stage::Failed } else { Stage::from_placements(&states) };
    let error = data_error
        .or_else(|| rows.into_iter().find_map(|(_, error)| error))
        .filter(|_| stage == Stage::Failed);
    sqlx::query("UPDATE enclosures SET stage = $2, error = $3 WHERE id = $1")
        .bind(id.0)
        .bind(stage.as_str())
        .bind(error)
        .execute(&mut *connection)
        .await
        .doing(what)?;
    Ok(Placed { before, stage })
}

/// The info hashes of a row that has a torrent.
pub(super) fn info_hash(row: &SqliteRow) -> Result<InfoHashes> {
    let what = "read an info hash";
    let (v1, v2) = (row.try_get("info_hash_v1").doing(what)?, row.try_get("info_hash_v2").doing(what)?);
    info_hashes(v1, v2)?.ok_or_else(|| Error::Value { what: "an info hash", value: "nothing".to_owned() })
}

/// The info hashes of a row; `None` when it has no torrent yet.
pub(super) fn info_hashes(v1: Option<String>, v2: Option<String>) -> Result<Option<InfoHashes>> {
    let v1 = v1.map(|text| word("a v1 info hash", &text)).transpose()?;
    let v2 = v2.map(|text| word("a v2 info hash", &text)).transpose()?;
    Ok(InfoHashes::from_parts(v1, v2))
}
