//! What the site tells of all shows together. Its cost follows the number of shows, never that of their episodes.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Doing as _, Result, Store, timestamp, unsigned};
use crate::model::ShowCard;

impl Store {
    /// Whether anything is on the site.
    pub async fn has_published(&self) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM shows WHERE published)")
            .fetch_one(&self.pool)
            .await
            .doing("look for published shows")
    }

    /// How many torrents there are, whether they are on the site or not.
    pub async fn torrents(&self) -> Result<u64> {
        sqlx::query_scalar(
            "SELECT COALESCE(SUM(number), 0) FROM tallies
             WHERE what = 'stage' AND state IN ('torrent_ready', 'handed_over', 'seeding')",
        )
        .fetch_one(&self.pool)
        .await
        .map(unsigned)
        .doing("count the torrents")
    }

    /// The published torrents that are in force: slug and file name.
    pub async fn published_names(&self) -> Result<Vec<(String, String)>> {
        sqlx::query_as(
            "SELECT s.slug, e.file FROM enclosures e JOIN shows s ON s.id = e.show_id
             WHERE e.published IS NOT NULL AND e.replaced_by IS NULL AND e.file IS NOT NULL ORDER BY s.slug, e.file",
        )
        .fetch_all(&self.pool)
        .await
        .doing("list what is published")
    }

    /// The shows on the site, by title.
    pub async fn show_cards(&self) -> Result<Vec<ShowCard>> {
        let what = "list the published shows";
        let rows = sqlx::query(
            "SELECT slug, title, author, language, link, cover, published_episodes, published_bytes, published_newest,
                 published_feed
             FROM shows WHERE published ORDER BY LOWER(title), slug",
        )
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        rows.iter().map(show_card).collect::<std::result::Result<_, _>>().doing(what)
    }
}

fn show_card(row: &SqliteRow) -> std::result::Result<ShowCard, sqlx::Error> {
    let (slug, title): (String, String) = (row.try_get("slug")?, row.try_get("title")?);
    Ok(ShowCard {
        title: if title.is_empty() { slug.clone() } else { title },
        slug,
        author: row.try_get("author")?,
        language: row.try_get("language")?,
        link: row.try_get("link")?,
        cover: row.try_get::<Option<String>, _>("cover")?.is_some(),
        podcast_feed: row.try_get("published_feed")?,
        episodes: unsigned(row.try_get("published_episodes")?),
        bytes: unsigned(row.try_get("published_bytes")?),
        newest: timestamp(row.try_get("published_newest")?),
    })
}
