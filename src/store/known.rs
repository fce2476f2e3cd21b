//! What is on record of a show's items before a reading of its feed: loaded once, compared in memory.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::{Doing as _, Result, ShowId, word};
use crate::model::Role;
use crate::model::identity::KnownEpisode;

/// An episode.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct EpisodeRow {
    pub(super) id: i64,
    pub(super) guid: Option<String>,
    pub(super) title: String,
    pub(super) date: Option<i64>,
    pub(super) link: Option<String>,
    pub(super) live: bool,
    pub(super) licence: Option<String>,
    pub(super) position: i64,
    pub(super) present: bool,
}

/// That an episode announces an enclosure, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) enclosure: i64,
    pub(super) role: Role,
    pub(super) position: i64,
    pub(super) present: bool,
    pub(super) url: String,
    pub(super) comparable_url: String,
    /// The length that the feed has last claimed.
    pub(super) claimed: Option<i64>,
    /// It is a former version of another enclosure.
    pub(super) replaced: bool,
}

/// Everything that a show has ever announced.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// In the order in which they became known.
    pub(super) episodes: Vec<EpisodeRow>,
    /// Those of each episode, in the feed's order.
    pub(super) links: HashMap<i64, Vec<Link>>,
}

impl Known {
    pub(super) async fn load(connection: &mut SqliteConnection, show: ShowId) -> Result<Self> {
        let episodes = sqlx::query_as(
            "SELECT id, guid, title, date, link, live, licence, position, present FROM episodes
             WHERE show_id = $1 ORDER BY id",
        )
        .bind(show.0)
        .fetch_all(&mut *connection)
        .await
        .doing("list the episodes")?;
        // A show that is read for the first time has nothing to load.
        let links = match episodes.is_empty() {
            true => HashMap::new(),
            false => links(connection, show).await?,
        };
        Ok(Self { episodes, links })
    }

    /// The episodes in the form in which items are compared with them.
    pub(super) fn for_matching(&self) -> Vec<KnownEpisode> {
        let urls = |id: i64| {
            let links = self.links.get(&id).into_iter().flatten().filter(|link| !link.replaced);
            let mut urls: Vec<String> = links.map(|link| link.url.clone()).collect();
            urls.dedup();
            urls
        };
        let known = |episode: &EpisodeRow| KnownEpisode {
            id: episode.id,
            guid: episode.guid.clone(),
            title: episode.title.clone(),
            urls: urls(episode.id),
        };
        self.episodes.iter().map(known).collect()
    }
}

type LinkRow = (i64, i64, String, i64, bool, String, String, Option<i64>, bool);

async fn links(connection: &mut SqliteConnection, show: ShowId) -> Result<HashMap<i64, Vec<Link>>> {
    let rows: Vec<LinkRow> = sqlx::query_as(
        "SELECT a.episode_id, e.id, a.role, a.position, a.present, e.url, e.comparable_url, e.length_hint,
             e.replaced_by IS NOT NULL
         FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
         WHERE e.show_id = $1 ORDER BY a.episode_id, a.position, e.id",
    )
    .bind(show.0)
    .fetch_all(connection)
    .await
    .doing("list the enclosures")?;
    let mut links: HashMap<i64, Vec<Link>> = HashMap::new();
    for (episode, enclosure, role, position, present, url, comparable_url, claimed, replaced) in rows {
        let role = word("an enclosure's role", &role)?;
        let link = Link { enclosure, role, position, present, url, comparable_url, claimed, replaced };
        links.entry(episode).or_default().push(link);
    }
    Ok(links)
}
