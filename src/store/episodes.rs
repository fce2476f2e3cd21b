//! Episodes and their enclosures: what the feeds announce, and which of it is wanted.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::Row as _;

use super::shows::ShowId;
use super::writer::Writer;
use super::{Doing as _, Result, Store, timestamp, unsigned, word};
use crate::model::identity::{KnownEpisode, comparable_url, match_items};
use crate::model::{Enclosure, EnclosureId, Feed, Item};

/// What reading a feed has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Episodes not seen before.
    pub new_episodes: u64,
    /// Enclosures that have a new URL.
    pub moved: u64,
}

/// A known episode in the form that the selection judges.
#[derive(Debug, Clone)]
pub struct KnownItem {
    /// The store's id of the episode.
    pub episode: i64,
    /// As announced.
    pub item: Item,
    /// The ids of `item.enclosures`, in the same order.
    pub enclosures: Vec<EnclosureId>,
}

/// Whether an episode is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which episode.
    pub episode: i64,
    /// The rule, for people.
    pub reason: String,
    /// The wanted enclosures; empty when the episode is not wanted.
    pub wanted: Vec<EnclosureId>,
}

impl Store {
    /// Records the items of a feed: new ones, changed ones, and which are no longer there. The latter only if
    /// all of the feed was read.
    pub async fn record_items(
        &self,
        show: ShowId,
        feed: &Feed,
        complete: bool,
        now: Timestamp,
    ) -> Result<Recorded> {
        let what = "record a feed's items";
        let known = self.known_episodes(show).await?;
        let announced_by = self.links(show).await?;
        let claimed = self.claimed_lengths(show).await?;
        let mut tx = self.begin().await.doing(what)?;
        let by_url = HashMap::new();
        let mut writer = Writer { tx: &mut tx, show, now, by_url, claimed, recorded: Recorded::default() };
        for (id, url, _) in announced_by.values().flatten() {
            writer.by_url.insert(comparable_url(url), *id);
        }
        let still_announced: HashSet<String> =
            feed.items.iter().flat_map(|item| &item.enclosures).map(|e| comparable_url(&e.url)).collect();
        if complete {
            sqlx::query("UPDATE episodes SET present = FALSE WHERE show_id = $1")
                .bind(show.0)
                .execute(&mut **writer.tx)
                .await
                .doing(what)?;
        }
        for (position, (item, id)) in feed.items.iter().zip(match_items(&feed.items, &known)).enumerate() {
            let position = i64::try_from(position).unwrap_or(i64::MAX);
            let episode = match id {
                Some(id) => writer.update_episode(id, item, position).await.doing(what)?,
                None => writer.insert_episode(item, position).await.doing(what)?,
            };
            let links = announced_by.get(&episode).map(Vec::as_slice).unwrap_or_default();
            writer.enclosures(episode, item, links, &still_announced).await.doing(what)?;
        }
        let recorded = writer.recorded;
        tx.commit().await.doing(what)?;
        Ok(recorded)
    }

    async fn known_episodes(&self, show: ShowId) -> Result<Vec<KnownEpisode>> {
        let rows = sqlx::query("SELECT id, guid, title FROM episodes WHERE show_id = $1 ORDER BY id")
            .bind(show.0)
            .fetch_all(&self.pool)
            .await
            .doing("list the episodes")?;
        let mut links = self.links(show).await?;
        rows.iter()
            .map(|row| {
                let id = row.try_get("id")?;
                let urls = links.remove(&id).unwrap_or_default().into_iter().map(|(_, url, _)| url).collect();
                Ok(KnownEpisode { id, guid: row.try_get("guid")?, title: row.try_get("title")?, urls })
            })
            .collect::<std::result::Result<_, _>>()
            .doing("list the episodes")
    }

    /// The enclosures of each episode of a show, each once, in the feed's order, and whether it still announces them.
    async fn links(&self, show: ShowId) -> Result<HashMap<i64, Vec<(i64, String, bool)>>> {
        let rows: Vec<(i64, i64, String, i64)> = sqlx::query_as(
            "SELECT a.episode_id, e.id, e.url, MAX(CASE WHEN a.present THEN 1 ELSE 0 END) FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
             WHERE e.show_id = $1 AND e.replaced_by IS NULL GROUP BY a.episode_id, e.id, e.url ORDER BY a.episode_id, MIN(a.position)",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing("list the enclosures")?;
        let mut links: HashMap<i64, Vec<(i64, String, bool)>> = HashMap::new();
        for (episode, id, url, present) in rows {
            links.entry(episode).or_default().push((id, url, present != 0));
        }
        Ok(links)
    }

    /// The length that the feed has last claimed for each enclosure.
    async fn claimed_lengths(&self, show: ShowId) -> Result<HashMap<i64, Option<i64>>> {
        let rows: Vec<(i64, Option<i64>)> =
            sqlx::query_as("SELECT id, length_hint FROM enclosures WHERE show_id = $1")
                .bind(show.0)
                .fetch_all(&self.pool)
                .await
                .doing("list the enclosures")?;
        Ok(rows.into_iter().collect())
    }

    /// The comparable URLs of everything that a show has ever announced.
    pub async fn known_urls(&self, show: ShowId) -> Result<HashSet<String>> {
        let urls: Vec<String> =
            sqlx::query_scalar("SELECT comparable_url FROM enclosures WHERE show_id = $1")
                .bind(show.0)
                .fetch_all(&self.pool)
                .await
                .doing("list the enclosures")?;
        Ok(urls.into_iter().collect())
    }

    /// The known episodes of a show as items, with what they announce or did at the last: those in the feed first and in its order, then the vanished ones.
    pub async fn items(&self, show: ShowId) -> Result<Vec<KnownItem>> {
        let what = "list the episodes";
        let mut announced: HashMap<i64, Vec<(EnclosureId, Enclosure)>> = HashMap::new();
        let rows = sqlx::query(
            "SELECT a.episode_id, a.role, e.id, e.url, e.media_type, e.length_hint
             FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
             WHERE e.show_id = $1 AND a.present ORDER BY a.episode_id, a.position",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        for row in &rows {
            let enclosure = Enclosure {
                url: row.try_get("url").doing(what)?,
                media_type: row.try_get("media_type").doing(what)?,
                length: row.try_get::<Option<i64>, _>("length_hint").doing(what)?.map(unsigned),
                role: word("an enclosure's role", row.try_get("role").doing(what)?)?,
            };
            let id = EnclosureId(row.try_get("id").doing(what)?);
            announced.entry(row.try_get("episode_id").doing(what)?).or_default().push((id, enclosure));
        }
        let rows = sqlx::query(
            "SELECT id, guid, title, date, link, live, licence FROM episodes
             WHERE show_id = $1 ORDER BY present DESC, position, id",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        rows.iter()
            .map(|row| {
                let episode = row.try_get("id")?;
                let (ids, enclosures) = announced.remove(&episode).unwrap_or_default().into_iter().unzip();
                let item = Item {
                    guid: row.try_get("guid")?,
                    title: row.try_get("title")?,
                    date: timestamp(row.try_get("date")?),
                    link: row.try_get("link")?,
                    live: row.try_get("live")?,
                    enclosures,
                    licence: row.try_get("licence")?,
                };
                Ok(KnownItem { episode, item, enclosures: ids })
            })
            .collect::<std::result::Result<_, _>>()
            .doing(what)
    }

    /// Records what the selection has decided, and under which rules. `repeated` are the enclosures that share
    /// their base name with another. Gives how many enclosures are wanted that were not before.
    pub async fn record_verdicts(
        &self,
        show: ShowId,
        rules: &str,
        verdicts: &[Verdict],
        repeated: &HashSet<EnclosureId>,
    ) -> Result<u64> {
        let what = "record which episodes are wanted";
        let mut tx = self.begin().await.doing(what)?;
        for verdict in verdicts {
            sqlx::query(
                "UPDATE episodes SET wanted = $2, verdict = $3 WHERE id = $1 AND (wanted <> $2 OR verdict <> $3)",
            )
            .bind(verdict.episode)
            .bind(!verdict.wanted.is_empty())
            .bind(&verdict.reason)
            .execute(&mut *tx)
            .await
            .doing(what)?;
            sqlx::query("UPDATE announcements SET wanted = FALSE WHERE episode_id = $1 AND wanted")
                .bind(verdict.episode)
                .execute(&mut *tx)
                .await
                .doing(what)?;
            for enclosure in &verdict.wanted {
                sqlx::query(
                    "UPDATE announcements SET wanted = TRUE WHERE episode_id = $1 AND enclosure_id = $2",
                )
                .bind(verdict.episode)
                .bind(enclosure.0)
                .execute(&mut *tx)
                .await
                .doing(what)?;
            }
        }
        let newly_wanted = sqlx::query(
            "UPDATE enclosures SET wanted = TRUE WHERE show_id = $1 AND NOT wanted AND EXISTS
                 (SELECT 1 FROM announcements a WHERE a.enclosure_id = enclosures.id AND a.wanted)",
        )
        .bind(show.0)
        .execute(&mut *tx)
        .await
        .doing(what)?
        .rows_affected();
        sqlx::query(
            "UPDATE enclosures SET wanted = FALSE WHERE show_id = $1 AND wanted AND NOT EXISTS
                 (SELECT 1 FROM announcements a WHERE a.enclosure_id = enclosures.id AND a.wanted)",
        )
        .bind(show.0)
        .execute(&mut *tx)
        .await
        .doing(what)?;
        sqlx::query("UPDATE enclosures SET repeated = FALSE WHERE show_id = $1 AND repeated")
            .bind(show.0)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        for enclosure in repeated {
            sqlx::query("UPDATE enclosures SET repeated = TRUE WHERE id = $1")
                .bind(enclosure.0)
                .execute(&mut *tx)
                .await
                .doing(what)?;
        }
        sqlx::query("UPDATE shows SET selection = $2 WHERE id = $1")
            .bind(show.0)
            .bind(rules)
            .execute(&mut *tx)
            .await
            .doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(newly_wanted)
    }
}
