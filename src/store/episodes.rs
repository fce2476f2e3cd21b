//! Episodes and their enclosures: what the feeds announce, and which of it is wanted.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{Row as _, Sqlite, Transaction};
use url::Url;

use super::shows::ShowId;
use super::{Doing as _, Error, Result, Store, seconds, signed, timestamp, unsigned};
use crate::model::identity::{KnownEpisode, comparable_url, match_enclosures, match_items};
use crate::model::{Enclosure, EnclosureId, Feed, Item, Role};

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
        let mut tx = self.begin().await.doing(what)?;
        let mut writer =
            Writer { tx: &mut tx, show, now, by_url: HashMap::new(), recorded: Recorded::default() };
        for (id, url) in announced_by.values().flatten() {
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
                let urls = links.remove(&id).unwrap_or_default().into_iter().map(|(_, url)| url).collect();
                Ok(KnownEpisode { id, guid: row.try_get("guid")?, title: row.try_get("title")?, urls })
            })
            .collect::<std::result::Result<_, _>>()
            .doing("list the episodes")
    }

    /// The enclosures of each episode of a show, each once, in the feed's order.
    async fn links(&self, show: ShowId) -> Result<HashMap<i64, Vec<(i64, String)>>> {
        let rows: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT a.episode_id, e.id, e.url FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
             WHERE e.show_id = $1 GROUP BY a.episode_id, e.id, e.url ORDER BY a.episode_id, MIN(a.position)",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing("list the enclosures")?;
        let mut links: HashMap<i64, Vec<(i64, String)>> = HashMap::new();
        for (episode, id, url) in rows {
            links.entry(episode).or_default().push((id, url));
        }
        Ok(links)
    }

    /// The known episodes of a show as items: those in the feed first and in its order, then the vanished ones.
    pub async fn items(&self, show: ShowId) -> Result<Vec<KnownItem>> {
        let what = "list the episodes";
        let mut announced: HashMap<i64, Vec<(EnclosureId, Enclosure)>> = HashMap::new();
        let rows = sqlx::query(
            "SELECT a.episode_id, a.role, e.id, e.url, e.media_type, e.length_hint
             FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
             WHERE e.show_id = $1 ORDER BY a.episode_id, a.position",
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
                role: role(row.try_get("role").doing(what)?)?,
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
        let before = wanted_count(&mut tx, show).await.doing(what)?;
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
        sqlx::query(
            "UPDATE enclosures SET wanted = NOT wanted WHERE show_id = $1 AND wanted <> EXISTS
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
        let after = wanted_count(&mut tx, show).await.doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(after.saturating_sub(before))
    }
}

async fn wanted_count(
    tx: &mut Transaction<'_, Sqlite>,
    show: ShowId,
) -> std::result::Result<u64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM enclosures WHERE show_id = $1 AND wanted")
        .bind(show.0)
        .fetch_one(&mut **tx)
        .await
        .map(unsigned)
}

/// Writes the items of one feed inside one transaction.
struct Writer<'t, 'c> {
    tx: &'t mut Transaction<'c, Sqlite>,
    show: ShowId,
    now: Timestamp,
    /// Comparable URL of every enclosure of the show.
    by_url: HashMap<String, i64>,
    recorded: Recorded,
}

impl Writer<'_, '_> {
    async fn insert_episode(&mut self, item: &Item, position: i64) -> std::result::Result<i64, sqlx::Error> {
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

    async fn update_episode(
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

    /// Links an episode to its enclosures. `known` are those that it had before.
    async fn enclosures(
        &mut self,
        episode: i64,
        item: &Item,
        known: &[(i64, String)],
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
        let old: Vec<String> = known.iter().map(|(_, url)| url.clone()).collect();
        let mut ids = HashMap::new();
        for ((url, enclosure), partner) in distinct.into_iter().zip(match_enclosures(&announced, &old)) {
            let partner = partner.map(|index| &known[index]);
            let id = match (self.by_url.get(&url), partner) {
                (Some(id), _) => *id,
                // The old URL still stands elsewhere in the feed, so this one is another file.
                (None, Some((id, old))) if !still_announced.contains(&comparable_url(old)) => {
                    self.move_enclosure(*id, &url, enclosure).await?;
                    *id
                }
                _ => self.insert_enclosure(&url, enclosure).await?,
            };
            self.by_url.insert(url.clone(), id);
            ids.insert(url, id);
        }
        for (position, enclosure) in item.enclosures.iter().enumerate() {
            let Some(id) = ids.get(&comparable_url(&enclosure.url)) else { continue };
            sqlx::query(
                "INSERT INTO announcements (episode_id, enclosure_id, role, position) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (episode_id, enclosure_id, role) DO UPDATE SET position = excluded.position",
            )
            .bind(episode)
            .bind(id)
            .bind(role_word(enclosure.role))
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

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Enclosure => "enclosure",
        Role::Alternate => "alternate",
        Role::Media => "media",
        Role::AtomLink => "atom-link",
    }
}

fn role(word: &str) -> Result<Role> {
    match word {
        "enclosure" => Ok(Role::Enclosure),
        "alternate" => Ok(Role::Alternate),
        "media" => Ok(Role::Media),
        "atom-link" => Ok(Role::AtomLink),
        _ => Err(Error::Value { what: "an enclosure's role", value: word.to_owned() }),
    }
}
