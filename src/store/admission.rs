//! Shows that become part of a pass, many at a time, and those whose torrents have something to be arranged.
//!
//! A pass over ten thousand shows in which nothing is new writes their mark and nothing else: what each of their torrents
//! needs (placements, planned looks, web seeds) was arranged before, and triggers count in `shows.arrange_due` what
//! has changed since.

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::placements::stage_from_placements;
use super::{Doing as _, Result, ShowId, Store, Terms, timestamp};
use crate::model::EnclosureId;

/// Shows in one statement, and in one transaction: SQLite takes 32,766 values, PostgreSQL 65,535.
pub const TOGETHER: usize = 5_000;

/// A show that may join a pass.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Which.
    pub id: ShowId,
    /// Its slug.
    pub slug: String,
    /// Its feed, as the user wrote it last.
    pub feed: String,
    /// On what it is published, as far as it is on record.
    pub grounds: Grounds,
    /// The selection rules that the verdicts on its episodes come from.
    pub selection: String,
    /// When its feed is to be read next.
    pub next_poll: Option<Timestamp>,
    /// Its origin asked not to come before.
    pub wait_until: Option<Timestamp>,
    /// Its feed could not be read the last time.
    pub failing: bool,
    /// Under which clients and rules its torrents were arranged last.
    pub arrangement: String,
    /// Whether something has changed since.
    pub arrange_due: bool,
}

/// On what a show is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// Where its feed is now.
    pub feed: String,
    /// The licence that the feed states.
    pub licence: Option<String>,
    /// `podcast:block`.
    pub blocked: bool,
    /// The user has taken it down.
    pub withdrawn: bool,
    /// What the configuration says.
    pub terms: Terms,
}

/// A show that joins a pass, with what has changed of it.
#[derive(Debug, Clone)]
pub struct Joining {
    /// Which.
    pub show: ShowId,
    /// Its terms, where they are others now.
    pub terms: Option<Terms>,
    /// Under which clients and rules its torrents are to be arranged, where these are others now.
    pub arrangement: Option<String>,
}

/// A show of a pass whose torrents have something to be arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueArrangement {
    /// Which.
    pub show: ShowId,
    /// Its slug.
    pub slug: String,
    /// How often something has changed; given back when it is arranged.
    pub due: i64,
}

impl Store {
    /// What is on record of these shows that decides how they join a pass, and when.
    pub async fn candidates(&self, shows: &[ShowId]) -> Result<Vec<Candidate>> {
        let mut candidates = Vec::with_capacity(shows.len());
        for shows in shows.chunks(TOGETHER) {
            let mut query = QueryBuilder::<Sqlite>::new(CANDIDATES);
            query.push(" WHERE id IN ");
            push_ids(&mut query, shows);
            candidates.extend(self.read_candidates(query).await?);
        }
        Ok(candidates)
    }

    /// The same of every show that has a feed.
    pub async fn all_candidates(&self) -> Result<Vec<Candidate>> {
        self.read_candidates(QueryBuilder::new(format!("{CANDIDATES} WHERE NOT own"))).await
    }

    async fn read_candidates(&self, mut query: QueryBuilder<Sqlite>) -> Result<Vec<Candidate>> {
        let what = "read the shows of a pass";
        query.build().try_map(|row| candidate(&row)).fetch_all(&self.pool).await.doing(what)
    }

    /// Makes these shows part of a pass, so that their rows can be claimed in it: all of them, or none.
    pub async fn admit(&self, pass: i64, joining: &[Joining]) -> Result<()> {
        let what = "begin a pass";
        let mut tx = self.begin().await.doing(what)?;
        for show in joining {
            if let Some(terms) = &show.terms {
                sqlx::query("UPDATE shows SET permission = $2, private = $3 WHERE id = $1")
                    .bind(show.show.0)
                    .bind(&terms.permission)
                    .bind(&terms.private)
                    .execute(&mut *tx)
                    .await
                    .doing(what)?;
            }
            if let Some(arrangement) = &show.arrangement {
                sqlx::query("UPDATE shows SET arrangement = $2, arrange_due = arrange_due + 1 WHERE id = $1")
                    .bind(show.show.0)
                    .bind(arrangement)
                    .execute(&mut *tx)
                    .await
                    .doing(what)?;
            }
        }
        let shows: Vec<ShowId> = joining.iter().map(|show| show.show).collect();
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE shows SET pass = ");
        query.push_bind(pass).push(" WHERE pass <> ").push_bind(pass).push(" AND id IN ");
        push_ids(&mut query, &shows);
        query.build().execute(&mut *tx).await.doing(what)?;
        tx.commit().await.doing(what)
    }

    /// The shows of a pass whose torrents have something to be arranged.
    pub async fn shows_to_arrange(&self, pass: i64) -> Result<Vec<DueArrangement>> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(TO_ARRANGE)
            .bind(pass)
            .fetch_all(&self.pool)
            .await
            .doing("list what is to be arranged")?;
        let due = |(id, slug, due)| DueArrangement { show: ShowId(id), slug, due };
        Ok(rows.into_iter().map(due).collect())
    }

    /// What was due is arranged. What has changed meanwhile leaves a show due.
    pub async fn record_arranged(&self, arranged: &[DueArrangement]) -> Result<()> {
        let what = "record what is arranged";
        let mut tx = self.begin().await.doing(what)?;
        for show in arranged {
            sqlx::query("UPDATE shows SET arrange_due = arrange_due - $2 WHERE id = $1")
                .bind(show.show.0)
                .bind(show.due)
                .execute(&mut *tx)
                .await
                .doing(what)?;
        }
        tx.commit().await.doing(what)
    }

    /// These are the clients of these shows: each gets a placement for every torrent that it does not have yet, also
    /// one that was added to the configuration only now. What was never settled at a client that has left the
    /// configuration is given up; what it seeds stays on record.
    pub async fn ensure_placements(&self, shows: &[ShowId], clients: &[String]) -> Result<()> {
        let what = "record placements";
        let mut tx = self.begin().await.doing(what)?;
        for shows in shows.chunks(TOGETHER) {
            for client in clients {
                let mut query = lacking(shows, client);
                query.build().execute(&mut *tx).await.doing(what)?;
            }
            for (placement, enclosure) in open_elsewhere(&mut tx, shows, clients).await.doing(what)? {
                sqlx::query("DELETE FROM placements WHERE id = $1")
                    .bind(placement)
                    .execute(&mut *tx)
                    .await
                    .doing(what)?;
                stage_from_placements(&mut tx, EnclosureId(enclosure)).await?;
            }
        }
        tx.commit().await.doing(what)
    }
}

/// What tells how a show joins a pass; of ten thousand, so no text of any length is among it.
const CANDIDATES: &str =
    "SELECT id, slug, feed, moved_to, licence, blocked, withdrawn, permission, private, selection, next_poll,
     wait_until, failures <> 0 AS failing, arrangement, arrange_due <> 0 AS arrange_due FROM shows";

fn candidate(row: &SqliteRow) -> std::result::Result<Candidate, sqlx::Error> {
    let feed: String = row.try_get("feed")?;
    Ok(Candidate {
        id: ShowId(row.try_get("id")?),
        slug: row.try_get("slug")?,
        grounds: Grounds {
            feed: row.try_get::<Option<String>, _>("moved_to")?.unwrap_or_else(|| feed.clone()),
            licence: row.try_get("licence")?,
            blocked: row.try_get("blocked")?,
            withdrawn: row.try_get("withdrawn")?,
            terms: Terms { permission: row.try_get("permission")?, private: row.try_get("private")? },
        },
        feed,
        selection: row.try_get("selection")?,
        next_poll: timestamp(row.try_get("next_poll")?),
        wait_until: timestamp(row.try_get("wait_until")?),
        failing: row.try_get("failing")?,
        arrangement: row.try_get("arrangement")?,
        arrange_due: row.try_get("arrange_due")?,
    })
}

/// In the words of the index `shows_to_arrange`.
pub(super) const TO_ARRANGE: &str =
    "SELECT id, slug, arrange_due FROM shows WHERE arrange_due <> 0 AND pass = $1 ORDER BY id";

/// Gives a client a placement for every torrent of these shows that it does not have yet.
pub(super) fn lacking(shows: &[ShowId], client: &str) -> QueryBuilder<Sqlite> {
    let mut query =
        QueryBuilder::<Sqlite>::new("INSERT INTO placements (enclosure_id, client) SELECT e.id, ");
    query.push_bind(client.to_owned());
    query.push(
        " FROM enclosures e WHERE NOT e.forgotten AND e.magnet IS NOT NULL AND e.stage <> 'withdrawn'
         AND e.replaced_by IS NULL AND (e.wanted OR e.file IS NOT NULL) AND e.show_id IN ",
    );
    push_ids(&mut query, shows);
    query.push(" ON CONFLICT DO NOTHING");
    query
}

/// Placements of these shows, with their enclosures, that are not settled and at none of these clients.
async fn open_elsewhere(
    connection: &mut SqliteConnection,
    shows: &[ShowId],
    clients: &[String],
) -> std::result::Result<Vec<(i64, i64)>, sqlx::Error> {
    elsewhere(shows, clients).build_query_as().fetch_all(connection).await
}

/// The statement behind [`open_elsewhere`].
pub(super) fn elsewhere(shows: &[ShowId], clients: &[String]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT p.id, p.enclosure_id FROM enclosures e JOIN placements p ON p.enclosure_id = e.id
         WHERE p.state NOT IN ('seeding', 'delivered') AND e.stage <> 'withdrawn'
         AND (e.wanted OR e.file IS NOT NULL) AND e.show_id IN ",
    );
    push_ids(&mut query, shows);
    for client in clients {
        query.push(" AND p.client <> ").push_bind(client.clone());
    }
    query
}

/// `($1, $2, ...)`.
pub(super) fn push_ids(query: &mut QueryBuilder<Sqlite>, shows: &[ShowId]) {
    query.push("(");
    let mut ids = query.separated(", ");
    for show in shows {
        ids.push_bind(show.0);
    }
    query.push(")");
}
