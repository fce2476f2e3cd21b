//! Writes the items of one feed: which episode and which enclosure each is, was decided in `model::identity`.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{Sqlite, Transaction};
use url::Url;

use super::shows::ShowId;
use super::{Recorded, seconds, signed};
use crate::model::identity::{comparable_url, match_enclosures};
use crate::model::{Enclosure, Item};

/// Writes the items of one feed inside one transaction.
pub(super) struct Writer<'t, 'c> {
    pub(super) tx: &'t mut Transaction<'c, Sqlite>,
    pub(super) show: ShowId,
    pub(super) now: Timestamp,
    /// Comparable URL of every enclosure of the show.
    pub(super) by_url: HashMap<String, i64>,
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
                (Some(id), _) => *id,
                // The old URL still stands elsewhere in the feed, so this one is another file.
                (None, Some((id, old, _))) if !still_announced.contains(&comparable_url(old)) => {
                    self.move_enclosure(*id, &url, enclosure).await?;
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
        Ok(())
    }
}

fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}
