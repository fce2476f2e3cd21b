//! Writes what a reading of a feed has changed, with few statements however many rows there are: what is to be written
//! was decided in `changes`.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use url::Url;

use super::changes::{Changes, Row};
use super::{ShowId, seconds, signed};

/// Rows that one statement takes: with ten parameters each well below the 32,766 that SQLite allows.
pub(super) const ROWS: usize = 256;

/// Seconds between two looks that the feed gives reasons for: one that changes with each poll must not cost the
/// publisher three ranges each time.
const BETWEEN_HINTS: i64 = 24 * 3600;

type Done<T> = std::result::Result<T, sqlx::Error>;

/// The ids of what was not known before, in the order of the changes.
pub(super) struct NewRows {
    pub(super) episodes: Vec<i64>,
    pub(super) enclosures: Vec<i64>,
}

/// Writes the changes of one show inside a transaction.
pub(super) struct Writer<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) show: ShowId,
    pub(super) now: Timestamp,
}

impl Writer<'_> {
    pub(super) async fn write(&mut self, changes: &Changes<'_>) -> Done<NewRows> {
        let episodes = self.insert_episodes(changes).await?;
        self.update_episodes(changes).await?;
        self.mark_vanished(&changes.vanished).await?;
        self.move_enclosures(changes).await?;
        self.update_claims(&changes.claims).await?;
        self.forget_proofs(&changes.unproven).await?;
        self.hint(&changes.hints).await?;
        let enclosures = self.insert_enclosures(changes).await?;
        self.take_out(changes).await?;
        self.announce(changes, &episodes, &enclosures).await?;
        Ok(NewRows { episodes, enclosures })
    }

    /// Gives their ids, in the same order.
    async fn insert_episodes(&mut self, changes: &Changes<'_>) -> Done<Vec<i64>> {
        let mut ids: HashMap<i64, i64> = HashMap::new();
        for group in changes.new_episodes.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO episodes (show_id, guid, title, date, link, live, licence, position, present, discovered) ",
            );
            query.push_values(group, |mut row, (item, position)| {
                row.push_bind(self.show.0)
                    .push_bind(&item.guid)
                    .push_bind(&item.title)
                    .push_bind(item.date.map(seconds))
                    .push_bind(&item.link)
                    .push_bind(item.live)
                    .push_bind(&item.licence)
                    .push_bind(*position)
                    .push("TRUE")
                    .push_bind(seconds(self.now));
            });
            // No database promises to give them in the order of the values; no two stand at one place.
            query.push(" RETURNING position, id");
            let rows: Vec<(i64, i64)> = query.build_query_as().fetch_all(&mut *self.connection).await?;
            ids.extend(rows);
        }
        Ok(changes.new_episodes.iter().filter_map(|(_, position)| ids.get(position).copied()).collect())
    }

    async fn update_episodes(&mut self, changes: &Changes<'_>) -> Done<()> {
        for (id, item, position) in &changes.episodes {
            sqlx::query(
                "UPDATE episodes SET title = $2, date = $3, link = $4, live = $5, licence = $6, position = $7,
                     present = TRUE WHERE id = $1",
            )
            .bind(id)
            .bind(&item.title)
            .bind(item.date.map(seconds))
            .bind(&item.link)
            .bind(item.live)
            .bind(&item.licence)
            .bind(position)
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    async fn mark_vanished(&mut self, episodes: &[i64]) -> Done<()> {
        self.for_ids("UPDATE episodes SET present = FALSE WHERE id IN (", episodes).await
    }

    /// Gives their ids, in the same order.
    async fn insert_enclosures(&mut self, changes: &Changes<'_>) -> Done<Vec<i64>> {
        let mut ids: HashMap<String, i64> = HashMap::new();
        for group in changes.new_enclosures.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO enclosures (show_id, url, comparable_url, host, media_type, length_hint, discovered) ",
            );
            query.push_values(group, |mut row, (url, enclosure)| {
                row.push_bind(self.show.0)
                    .push_bind(&enclosure.url)
                    .push_bind(url)
                    .push_bind(host(&enclosure.url))
                    .push_bind(&enclosure.media_type)
                    .push_bind(enclosure.length.map(signed))
                    .push_bind(seconds(self.now));
            });
            query.push(" RETURNING comparable_url, id");
            let rows: Vec<(String, i64)> = query.build_query_as().fetch_all(&mut *self.connection).await?;
            ids.extend(rows);
        }
        Ok(changes.new_enclosures.iter().filter_map(|(url, _)| ids.get(url).copied()).collect())
    }

    /// The publisher has moved files. One that could not be fetched from its old place gets a new chance.
    async fn move_enclosures(&mut self, changes: &Changes<'_>) -> Done<()> {
        for moved in &changes.moves {
            sqlx::query(
                "UPDATE enclosures SET url = $2, comparable_url = $3, host = $4, media_type = $5, length_hint = $6,
                     next_attempt = CASE WHEN file IS NULL THEN NULL ELSE next_attempt END,
                     error = CASE WHEN file IS NULL THEN NULL ELSE error END,
                     stage = CASE WHEN stage = 'failed' AND file IS NULL THEN 'discovered' ELSE stage END
                 WHERE id = $1",
            )
            .bind(moved.id)
            .bind(&moved.enclosure.url)
            .bind(&moved.comparable_url)
            .bind(host(&moved.enclosure.url))
            .bind(&moved.enclosure.media_type)
            .bind(moved.enclosure.length.map(signed))
            .execute(&mut *self.connection)
            .await?;
        }
        Ok(())
    }

    async fn update_claims(&mut self, claims: &[(i64, i64)]) -> Done<()> {
        for (id, length) in claims {
            sqlx::query("UPDATE enclosures SET length_hint = $2 WHERE id = $1")
                .bind(id)
                .bind(length)
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    async fn forget_proofs(&mut self, enclosures: &[i64]) -> Done<()> {
        let statement = "UPDATE enclosures SET source = 'unknown', source_checks = 0 WHERE id IN (";
        self.for_ids(statement, enclosures).await
    }

    /// What was fetched is to be compared with its source: at once, but for hints at most once a day. A source that
    /// is known to change with each request has nothing to tell.
    async fn hint(&mut self, enclosures: &[i64]) -> Done<()> {
        let (now, pause) = (seconds(self.now), BETWEEN_HINTS);
        let statement = format!(
            "UPDATE enclosures SET
                 source_next = CASE WHEN COALESCE(source_hint, 0) + {pause} <= {now} THEN {now}
                                    WHEN source_next IS NULL OR source_next > source_hint + {pause}
                                        THEN source_hint + {pause}
                                    ELSE source_next END,
                 source_hint = CASE WHEN COALESCE(source_hint, 0) + {pause} <= {now} THEN {now} ELSE source_hint END
             WHERE magnet IS NOT NULL AND source <> 'changes per request' AND id IN ("
        );
        self.for_ids(&statement, enclosures).await
    }

    async fn take_out(&mut self, changes: &Changes<'_>) -> Done<()> {
        for group in changes.taken_out.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "UPDATE announcements SET present = FALSE, wanted = FALSE WHERE (episode_id, enclosure_id, role) IN (",
            );
            query.push_values(group, |mut row, (episode, enclosure, role)| {
                row.push_bind(*episode).push_bind(*enclosure).push_bind(role.as_str());
            });
            query.push(")").build().execute(&mut *self.connection).await?;
        }
        Ok(())
    }

    async fn announce(&mut self, changes: &Changes<'_>, episodes: &[i64], enclosures: &[i64]) -> Done<()> {
        // An id is missing only where the database has not given what it was asked for.
        let id = |row: Row, new: &[i64]| match row {
            Row::Known(id) => Ok(id),
            Row::New(index) => new.get(index).copied().ok_or(sqlx::Error::RowNotFound),
        };
        let rows = changes.announced.iter().map(|row| {
            Ok((id(row.episode, episodes)?, id(row.enclosure, enclosures)?, row.role, row.position))
        });
        for group in rows.collect::<Done<Vec<_>>>()?.chunks(ROWS) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "INSERT INTO announcements (episode_id, enclosure_id, role, position) ",
            );
            query.push_values(group, |mut row, (episode, enclosure, role, position)| {
                row.push_bind(*episode).push_bind(*enclosure).push_bind(role.as_str()).push_bind(*position);
            });
            query.push(
                " ON CONFLICT (episode_id, enclosure_id, role) DO UPDATE SET position = excluded.position, present = TRUE",
            );
            query.build().execute(&mut *self.connection).await?;
        }
        Ok(())
    }

    async fn for_ids(&mut self, statement: &str, ids: &[i64]) -> Done<()> {
        for_ids(self.connection, statement, ids).await
    }
}

/// Does the same to all rows with these ids: the statement ends where the list of them begins.
pub(super) async fn for_ids(connection: &mut SqliteConnection, statement: &str, ids: &[i64]) -> Done<()> {
    for group in ids.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(statement);
        let mut list = query.separated(", ");
        for id in group {
            list.push_bind(*id);
        }
        query.push(")").build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
