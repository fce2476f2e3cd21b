//! Looks at the sources of fetched files: which are due, what they found, and the web seeds that follow from it.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::admission::{TOGETHER, push_ids};
use super::placements::info_hashes;
use super::writer::ROWS;
use super::{Doing as _, Result, ShowId, Store, seconds, signed, timestamp, unsigned, word};
use crate::model::{CompareJob, Edited, EnclosureId, Look, SeedFacts};

/// Seconds for which a claimed look belongs to the pass that has claimed it; after a crash it is due again then.
const LEASE: i64 = 3600;

/// The statement behind [`Store::claim_comparison`], in the words of the index `enclosures_to_compare`.
pub(super) const CLAIM: &str =
    "UPDATE enclosures SET source_next = $2 + $3 WHERE id = (SELECT e.id FROM enclosures e
                 WHERE e.source_next IS NOT NULL AND e.source_next <= $2 AND e.magnet IS NOT NULL AND NOT e.forgotten
                 AND e.replaced_by IS NULL AND e.stage NOT IN ('discovered', 'downloading', 'downloaded', 'withdrawn')
                 AND EXISTS (SELECT 1 FROM shows s WHERE s.id = e.show_id AND s.pass = $1)
                 ORDER BY e.source_next, e.id LIMIT 1) RETURNING id";

impl Store {
    /// Makes a look due at every file of these shows that has a torrent, for which none is planned, and of whose
    /// source no look has said that there is nothing to gain.
    pub async fn plan_looks(&self, shows: &[ShowId], now: Timestamp) -> Result<()> {
        for shows in shows.chunks(TOGETHER) {
            let mut query = unplanned(shows, now);
            query.build().execute(&self.pool).await.doing("plan looks at sources")?;
        }
        Ok(())
    }

    /// The files of these shows whose torrents name the publisher's URL, or do not, by slug; without those of which so
    /// many looks have proven it.
    pub async fn with_web_seed(
        &self,
        shows: &[ShowId],
        has: bool,
        proof: u64,
    ) -> Result<Vec<(EnclosureId, String)>> {
        let mut files = Vec::new();
        for shows in shows.chunks(TOGETHER) {
            let mut query = web_seeded(shows, has, proof);
            let rows: Vec<(i64, String)> = query
                .build_query_as()
                .fetch_all(&self.pool)
                .await
                .doing("list torrents by their web seeds")?;
            files.extend(rows.into_iter().map(|(id, show)| (EnclosureId(id), show)));
        }
        Ok(files)
    }

    /// There is a reason to look at a source at once, unless it is known to tell nothing.
    pub async fn plan_look_now(&self, id: EnclosureId, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET source_next = $2, source_hint = $2
             WHERE id = $1 AND source <> 'changes per request'",
        )
        .bind(id.0)
        .bind(seconds(now))
        .execute(&self.pool)
        .await
        .doing("plan a look at a source")?;
        Ok(())
    }

    /// Takes the next file of this pass whose source is due to be looked at.
    pub async fn claim_comparison(&self, pass: i64, now: Timestamp) -> Result<Option<CompareJob>> {
        match self.lease(CLAIM, pass, now, "claim a look at a source").await? {
            Some(id) => self.compare_job(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Takes the next enclosure that a claim names: `$1` is the pass, `$2` now, and it is nobody else's for `$3`
    /// seconds.
    pub(super) async fn lease(
        &self,
        claim: &'static str,
        pass: i64,
        now: Timestamp,
        what: &'static str,
    ) -> Result<Option<EnclosureId>> {
        let id: Option<i64> = sqlx::query_scalar(claim)
            .bind(pass)
            .bind(seconds(now))
            .bind(LEASE)
            .fetch_optional(&self.pool)
            .await
            .doing(what)?;
        Ok(id.map(EnclosureId))
    }

    async fn compare_job(&self, id: EnclosureId) -> Result<CompareJob> {
        let what = "read a file that is to be compared";
        let row = sqlx::query(
            "SELECT e.url, e.file, e.source, e.source_checks, e.source_checked, e.source_failures, e.official, e.wanted, s.slug,
                 COALESCE(e.source_hint >= COALESCE(e.source_checked, 0), FALSE) AS hinted,
                 (SELECT MAX(f.replaced) FROM enclosures f WHERE f.replaced_by = e.id AND f.replaced_why = 'revised')
                     AS revised
             FROM enclosures e JOIN shows s ON s.id = e.show_id WHERE e.id = $1",
        )
        .bind(id.0)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        let source = word("a source's state", row.try_get("source").doing(what)?)?;
        let read = || -> std::result::Result<CompareJob, sqlx::Error> {
            Ok(CompareJob {
                id,
                show: row.try_get("slug")?,
                url: row.try_get("url")?,
                file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                source,
                checks: unsigned(row.try_get("source_checks")?),
                failures: unsigned(row.try_get("source_failures")?),
                checked: timestamp(row.try_get("source_checked")?),
                hinted: row.try_get("hinted")?,
                revised: timestamp(row.try_get("revised")?),
                official: row.try_get("official")?,
                wanted: row.try_get("wanted")?,
            })
        };
        read().doing(what)
    }

    /// Records what a look has found out.
    pub async fn record_look(&self, id: EnclosureId, look: &Look, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET source = $2, source_checks = $3, source_next = $4, source_checked = $5,
                 source_failures = 0 WHERE id = $1",
        )
        .bind(id.0)
        .bind(look.source.as_str())
        .bind(signed(look.checks))
        .bind(look.next.map(seconds))
        .bind(seconds(now))
        .execute(&self.pool)
        .await
        .doing("record a look at a source")?;
        Ok(())
    }

    /// A look has found nothing out, or was given up; `failed` tells which.
    pub async fn put_off_look(&self, id: EnclosureId, next: Option<Timestamp>, failed: bool) -> Result<()> {
        sqlx::query(
            "UPDATE enclosures SET source_next = $2, source_failures = source_failures + CASE WHEN $3 THEN 1 ELSE 0 END
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(next.map(seconds))
        .bind(failed)
        .execute(&self.pool)
        .await
        .doing("put off a look at a source")?;
        Ok(())
    }

    /// What decides which web seeds these files' torrents have; without those that have no torrent.
    pub async fn seed_facts(&self, files: &[EnclosureId]) -> Result<Vec<SeedFacts>> {
        let what = "read what decides on web seeds";
        let mut facts = Vec::with_capacity(files.len());
        for files in files.chunks(TOGETHER) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT e.id, s.slug, e.file, e.url, e.source, e.source_checks, e.published, e.official,
                     e.info_hash_v1, e.info_hash_v2, e.replaced_by IS NULL AS current, e.magnet, e.web_seed
                 FROM enclosures e JOIN shows s ON s.id = e.show_id
                 WHERE e.file IS NOT NULL AND e.magnet IS NOT NULL AND e.stage <> 'downloaded' AND e.id IN (",
            );
            let mut list = query.separated(", ");
            for id in files {
                list.push_bind(id.0);
            }
            query.push(")");
            let rows = query.build().fetch_all(&self.pool).await.doing(what)?;
            for row in &rows {
                facts.push(seed_facts(row)?);
            }
        }
        Ok(facts)
    }

    /// These .torrents have other web seeds or trackers now, and so have their magnet links: all in one transaction.
    pub async fn record_edited(&self, edited: &[Edited]) -> Result<()> {
        let what = "record the web seeds of torrents";
        let mut tx = self.begin().await.doing(what)?;
        set_edited(&mut tx, edited).await.doing(what)?;
        tx.commit().await.doing(what)
    }
}

/// These .torrents have other web seeds or trackers now.
pub(super) async fn set_edited(
    connection: &mut SqliteConnection,
    edited: &[Edited],
) -> std::result::Result<(), sqlx::Error> {
    for group in edited.chunks(ROWS) {
        // What the columns of VALUES are called, SQLite and PostgreSQL agree on.
        let mut query = QueryBuilder::<Sqlite>::new(
            "UPDATE enclosures SET magnet = edited.column2, web_seed = edited.column3 FROM (",
        );
        query.push_values(group, |mut row, edited| {
            row.push_bind(edited.id.0).push_bind(&edited.magnet).push_bind(edited.web_seed);
        });
        query.push(
            ") AS edited WHERE enclosures.id = edited.column1
                 AND (enclosures.magnet <> edited.column2 OR enclosures.web_seed <> edited.column3)",
        );
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn seed_facts(row: &SqliteRow) -> Result<SeedFacts> {
    let what = "read what decides on web seeds";
    let source = word("a source's state", row.try_get("source").doing(what)?)?;
    let v1 = row.try_get("info_hash_v1").doing(what)?;
    let info_hash = info_hashes(v1, row.try_get("info_hash_v2").doing(what)?)?;
    let read = || -> std::result::Result<SeedFacts, sqlx::Error> {
        Ok(SeedFacts {
            id: EnclosureId(row.try_get("id")?),
            show: row.try_get("slug")?,
            file: row.try_get("file")?,
            url: row.try_get("url")?,
            source,
            checks: unsigned(row.try_get("source_checks")?),
            published: row.try_get::<Option<i64>, _>("published")?.is_some(),
            official: row.try_get("official")?,
            current: row.try_get("current")?,
            info_hash,
            magnet: row.try_get("magnet")?,
            web_seed: row.try_get("web_seed")?,
        })
    };
    read().doing(what)
}

/// The statement behind [`Store::plan_looks`].
pub(super) fn unplanned(shows: &[ShowId], now: Timestamp) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE enclosures SET source_next = ");
    query.push_bind(seconds(now));
    query.push(
        " WHERE (wanted OR file IS NOT NULL) AND magnet IS NOT NULL AND source_next IS NULL
         AND source IN ('unknown', 'stable') AND NOT official AND NOT forgotten AND replaced_by IS NULL
         AND stage <> 'withdrawn' AND show_id IN ",
    );
    push_ids(&mut query, shows);
    query
}

/// The statement behind [`Store::with_web_seed`].
pub(super) fn web_seeded(shows: &[ShowId], has: bool, proof: u64) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT e.id, s.slug FROM enclosures e JOIN shows s ON s.id = e.show_id WHERE e.web_seed = ",
    );
    query
        .push_bind(has)
        .push(" AND NOT (e.source = 'stable' AND e.source_checks >= ")
        .push_bind(signed(proof));
    query.push(
        ") AND (e.wanted OR e.file IS NOT NULL) AND e.magnet IS NOT NULL AND NOT e.official
         AND e.replaced_by IS NULL AND e.stage NOT IN ('downloaded', 'withdrawn') AND e.show_id IN ",
    );
    push_ids(&mut query, shows);
    query
}
