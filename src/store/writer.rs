//! Writes the items of one feed: which episode and which enclosure each is, was decided in `model::identity`.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};
use url::Url;

use super::shows::ShowId;
use super::{Recorded, seconds, signed};
use crate::model::identity::{comparable_url, match_enclosures, stable_part};
use crate::model::{Enclosure, Item};

/// Writes the items of one feed inside one transaction.
pub(super) struct Writer<'t, 'c> {
    pub(super) tx: &'t mut Transaction<'c, Sqlite>,
    pub(super) show: ShowId,
    pub(super) now: Timestamp,
    /// Comparable URL of every enclosure of the show.
    pub(super) by_url: HashMap<String, i64>,
    /// The length that the feed has last claimed for each enclosure that this reading has not come to yet.
    pub(super) claimed: HashMap<i64, Option<i64>>,
    pub(super) recorded: Recorded,
}

impl Writer<'_, '_> {
    pub(super) async fn insert_episode(
        &mut self,
        item: &Item,
        position: i64,
    ) -> std::result::Result<i64, sqlx::Error> {
        self.recorded.new_episodes += 1;
        sqlx::query_scalar(
            "INSERT INTO episodes (show_id, guid, title, date, link, live, licence, position, present, discovered)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9) RETURNING id",
        )
        .bind(self.show.0)
        .bind(&item.guid)
        .bind(&item.title)
        .bind(item.date.map(seconds))
        .bind(&item.link)
        .bind(item.live)
        .bind(&item.licence)
        .bind(position)
        .bind(seconds(self.now))
        .fetch_one(&mut **self.tx)
        .await
    }

    pub(super) async fn update_episode(
        &mut self,
        id: i64,
        item: &Item,
        position: i64,
    ) -> std::result::Result<i64, sqlx::Error> {
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
        .execute(&mut **self.tx)
        .await?;
        Ok(id)
    }

    /// Links an episode to its enclosures. `known` are those that it ever had, and whether it had them just before.
    pub(super) async fn enclosures(
        &mut self,
        episode: i64,
        item: &Item,
        known: &[(i64, String, bool)],
        still_announced: &HashSet<String>,
    ) -> std::result::Result<(), sqlx::Error> {
        let mut distinct: Vec<(String, &Enclosure)> = Vec::new();
        for enclosure in &item.enclosures {
            let url = comparable_url(&enclosure.url);
            if !distinct.iter().any(|(seen, _)| *seen == url) {
                distinct.push((url, enclosure));
            }
        }
        let announced: Vec<String> = distinct.iter().map(|(_, enclosure)| enclosure.url.clone()).collect();
        let before: Vec<_> = known.iter().filter(|(.., present)| *present).collect();
        let old: Vec<String> = before.iter().map(|(_, url, _)| url.clone()).collect();
        let mut ids = HashMap::new();
        for ((url, enclosure), partner) in distinct.into_iter().zip(match_enclosures(&announced, &old)) {
            let partner = partner.map(|index| before[index]);
            let id = match (self.by_url.get(&url), partner) {
                (Some(id), _) => {
                    let id = *id;
                    self.update_claim(id, enclosure).await?;
                    id
                }
                // The old URL still stands elsewhere in the feed, so this one is another file.
                (None, Some((id, old, _))) if !still_announced.contains(&comparable_url(old)) => {
                    self.move_enclosure(*id, old, &url, enclosure).await?;
                    *id
                }
                _ => self.insert_enclosure(&url, enclosure).await?,
            };
            self.by_url.insert(url.clone(), id);
            ids.insert(url, id);
        }
        // What the publisher has taken out of an episode is not wanted any more; what is fetched of it stays.
        if !known.is_empty() {
            sqlx::query("UPDATE announcements SET present = FALSE WHERE episode_id = $1 AND present")
                .bind(episode)
                .execute(&mut **self.tx)
                .await?;
        }
        for (position, enclosure) in item.enclosures.iter().enumerate() {
            let Some(id) = ids.get(&comparable_url(&enclosure.url)) else { continue };
            sqlx::query(
                "INSERT INTO announcements (episode_id, enclosure_id, role, position) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (episode_id, enclosure_id, role) DO UPDATE SET position = excluded.position, present = TRUE",
            )
            .bind(episode)
            .bind(id)
            .bind(enclosure.role.as_str())
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(&mut **self.tx)
            .await?;
        }
        Ok(())
    }

    async fn insert_enclosure(
        &mut self,
        url: &str,
        enclosure: &Enclosure,
    ) -> std::result::Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "INSERT INTO enclosures (show_id, url, comparable_url, host, media_type, length_hint, discovered)
             VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        )
        .bind(self.show.0)
        .bind(&enclosure.url)
        .bind(url)
        .bind(host(&enclosure.url))
        .bind(&enclosure.media_type)
        .bind(enclosure.length.map(signed))
        .bind(seconds(self.now))
        .fetch_one(&mut **self.tx)
        .await
    }

    /// The publisher has moved a file. One that could not be fetched from its old place gets a new chance.
    async fn move_enclosure(
        &mut self,
        id: i64,
        old: &str,
        url: &str,
        enclosure: &Enclosure,
    ) -> std::result::Result<(), sqlx::Error> {
        self.recorded.moved += 1;
        sqlx::query(
            "UPDATE enclosures SET url = $2, comparable_url = $3, host = $4, media_type = $5, length_hint = $6,
                 next_attempt = CASE WHEN file IS NULL THEN NULL ELSE next_attempt END,
                 error = CASE WHEN file IS NULL THEN NULL ELSE error END,
                 stage = CASE WHEN stage = 'failed' AND file IS NULL THEN 'discovered' ELSE stage END
             WHERE id = $1",
        )
        .bind(id)
        .bind(&enclosure.url)
        .bind(url)
        .bind(host(&enclosure.url))
        .bind(&enclosure.media_type)
        .bind(enclosure.length.map(signed))
        .execute(&mut **self.tx)
        .await?;
        let (before, now) = self.claims(id, enclosure);
        let other_length = before.zip(now).is_some_and(|(before, now)| before != now);
        // A token or counter in the query changes with each poll, and with it nothing of the file.
        let moved = stable_part(old) != stable_part(&enclosure.url);
        if moved {
            sqlx::query("UPDATE enclosures SET source = 'unknown', source_checks = 0 WHERE id = $1")
                .bind(id)
                .execute(&mut **self.tx)
                .await?;
        }
        if moved || other_length { self.hint(id).await } else { Ok(()) }
    }

    /// The publisher announces the same address. Another length than before is a hint that the file is another one;
    /// feeds lie about lengths, so it is no more than that.
    async fn update_claim(&mut self, id: i64, enclosure: &Enclosure) -> std::result::Result<(), sqlx::Error> {
        let (before, now) = self.claims(id, enclosure);
        if now.is_none() || before == now {
            return Ok(());
        }
        sqlx::query("UPDATE enclosures SET length_hint = $2 WHERE id = $1")
            .bind(id)
            .bind(now)
            .execute(&mut **self.tx)
            .await?;
        if before.is_some() { self.hint(id).await } else { Ok(()) }
    }

    /// The lengths that the feed gave at its last reading and gives now. Where two items announce one enclosure, the
    /// first counts: else they would take turns for ever.
    fn claims(&mut self, id: i64, enclosure: &Enclosure) -> (Option<i64>, Option<i64>) {
        match self.claimed.remove(&id) {
            Some(before) => (before, enclosure.length.map(signed)),
            None => (None, None),
        }
    }

    /// What was fetched is to be compared with its source: at once, but for hints at most once a day. A source that
    /// is known to change with each request has nothing to tell.
    async fn hint(&mut self, id: i64) -> std::result::Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE enclosures SET
                 source_next = CASE WHEN COALESCE(source_hint, 0) + $3 <= $2 THEN $2
                                    WHEN source_next IS NULL OR source_next > source_hint + $3 THEN source_hint + $3
                                    ELSE source_next END,
                 source_hint = CASE WHEN COALESCE(source_hint, 0) + $3 <= $2 THEN $2 ELSE source_hint END
             WHERE id = $1 AND magnet IS NOT NULL AND source <> 'changes per request'",
        )
        .bind(id)
        .bind(seconds(self.now))
        .bind(BETWEEN_HINTS)
        .execute(&mut **self.tx)
        .await?;
        Ok(())
    }
}

/// Seconds between two looks that the feed gives reasons for: one that changes with each poll must not cost the
/// publisher three ranges each time.
const BETWEEN_HINTS: i64 = 24 * 3600;

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
