//! What the site is made of, and what of it is on the site already.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::admission::TOGETHER;
use super::shows::ShowId;
use super::{Doing as _, Result, Store, seconds, signed};
use crate::model::EnclosureId;

/// On what terms a show is published, as far as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// The user's permission, in his words.
    pub permission: Option<String>,
    /// Why the show is never published, whatever its licence.
    pub private: Option<String>,
}

/// A show of which something has changed that the site tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueShow {
    /// Which.
    pub id: ShowId,
    /// Its slug.
    pub slug: String,
    /// How often it has changed; given back when it is published.
    pub due: i64,
}

/// A show as the site needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowFacts {
    /// Which.
    pub id: ShowId,
    /// Its slug.
    pub slug: String,
    /// The feed's title, or empty.
    pub title: String,
    /// The publisher's page.
    pub link: Option<String>,
    /// Where the feed is now.
    pub feed: String,
    /// The licence that the feed states.
    pub licence: Option<String>,
    /// `podcast:block`.
    pub blocked: bool,
    /// Plain text.
    pub description: Option<String>,
    /// Who makes it.
    pub author: Option<String>,
    /// A language tag.
    pub language: Option<String>,
    /// Whether there is a copy of the cover.
    pub cover: bool,
    /// On what terms.
    pub terms: Terms,
    /// Our copy of the feed, if there is one.
    pub document: Option<Document>,
    /// The user has taken it down.
    pub withdrawn: bool,
    /// It is on the site.
    pub published: bool,
}

/// What is known of our copy of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Where it came from in the end.
    pub url: String,
    /// `Content-Type`, as it came.
    pub content_type: Option<String>,
}

/// A show as it is on the site now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published<'a> {
    /// The show, as it was due.
    pub show: &'a DueShow,
    /// What is on the site of it, and since when.
    pub files: &'a [(EnclosureId, Timestamp)],
    /// How many episodes.
    pub episodes: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The newest episode's date.
    pub newest: Option<Timestamp>,
    /// Whether its `podcast.xml` is there.
    pub podcast_feed: bool,
}

impl Store {
    /// Every address that a show's feed names for itself, its cover, and its episodes: links, guids, enclosures.
    pub async fn addresses(&self, show: ShowId) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT comparable_url FROM enclosures WHERE show_id = $1
             UNION SELECT link FROM episodes WHERE show_id = $1 AND link IS NOT NULL
             UNION SELECT guid FROM episodes WHERE show_id = $1 AND guid IS NOT NULL
             UNION SELECT link FROM shows WHERE id = $1 AND link IS NOT NULL
             UNION SELECT image FROM shows WHERE id = $1 AND image IS NOT NULL",
        )
        .bind(show.0)
        .fetch_all(&self.pool)
        .await
        .doing("list the addresses of a show")
    }

    /// A value that holds for the whole state.
    pub async fn setting(&self, name: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .doing("read a setting")
    }

    /// Records such a value.
    pub async fn record_setting(&self, name: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2",
        )
        .bind(name)
        .bind(value)
        .execute(&self.pool)
        .await
        .doing("record a setting")?;
        Ok(())
    }

    /// Makes every show due: the site's own settings are others now.
    pub async fn publish_all(&self) -> Result<()> {
        sqlx::query("UPDATE shows SET publish_due = publish_due + 1")
            .execute(&self.pool)
            .await
            .doing("make every show due")?;
        Ok(())
    }

    /// The shows of which something has changed that the site tells.
    pub async fn shows_to_publish(&self) -> Result<Vec<DueShow>> {
        let rows: Vec<(i64, String, i64)> =
            sqlx::query_as("SELECT id, slug, publish_due FROM shows WHERE publish_due <> 0 ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .doing("list what is to be published")?;
        Ok(rows.into_iter().map(|(id, slug, due)| DueShow { id: ShowId(id), slug, due }).collect())
    }

    /// A show as the site needs it.
    pub async fn show_facts(&self, slug: &str) -> Result<ShowFacts> {
        self.facts("slug = $1", slug).await
    }

    /// The same, by its id.
    pub async fn show_facts_by_id(&self, show: ShowId) -> Result<ShowFacts> {
        self.facts("id = $1", show.0).await
    }

    async fn facts<'q, T>(&self, condition: &str, value: T) -> Result<ShowFacts>
    where
        T: sqlx::Encode<'q, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + 'q,
    {
        let what = "read a show";
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT id, slug, title, link, COALESCE(moved_to, feed) AS feed, licence, blocked, description, author,
                 language, cover, permission, private, document_type, document_url, withdrawn, published
             FROM shows WHERE {condition}"
        )))
        .bind(value)
        .fetch_one(&self.pool)
        .await
        .doing(what)?;
        show_facts(&row).doing(what)
    }

    /// Records what is on the site of these shows now. What has changed since one was due leaves it due.
    pub async fn record_published(&self, published: &[Published<'_>]) -> Result<()> {
        let what = "record what is published";
        let mut tx = self.begin().await.doing(what)?;
        for published in published {
            record_show(&mut tx, published).await.doing(what)?;
        }
        tx.commit().await.doing(what)
    }
}

async fn record_show(
    connection: &mut SqliteConnection,
    published: &Published<'_>,
) -> std::result::Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE shows SET publish_due = publish_due - $2, published = $3, published_episodes = $4,
                 published_bytes = $5, published_newest = $6, published_feed = $7 WHERE id = $1",
    )
    .bind(published.show.id.0)
    .bind(published.show.due)
    .bind(published.episodes > 0)
    .bind(signed(published.episodes))
    .bind(signed(published.bytes))
    .bind(published.newest.map(seconds))
    .bind(published.podcast_feed)
    .execute(&mut *connection)
    .await?;
    let before: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM enclosures WHERE show_id = $1 AND published IS NOT NULL")
            .bind(published.show.id.0)
            .fetch_all(&mut *connection)
            .await?;
    let mut gone: HashSet<i64> = before.into_iter().collect();
    let mut coming: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for (id, since) in published.files {
        if !gone.remove(&id.0) {
            coming.entry(seconds(*since)).or_default().push(id.0);
        }
    }
    for (since, files) in coming {
        set_published(connection, &files, Some(since)).await?;
    }
    set_published(connection, &gone.into_iter().collect::<Vec<_>>(), None).await
}

/// Since when these files are on the site.
async fn set_published(
    connection: &mut SqliteConnection,
    files: &[i64],
    since: Option<i64>,
) -> std::result::Result<(), sqlx::Error> {
    for files in files.chunks(TOGETHER) {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE enclosures SET published = ");
        query.push_bind(since).push(" WHERE id IN (");
        let mut list = query.separated(", ");
        for file in files {
            list.push_bind(*file);
        }
        query.push(")");
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn show_facts(row: &SqliteRow) -> std::result::Result<ShowFacts, sqlx::Error> {
    let document_url: Option<String> = row.try_get("document_url")?;
    Ok(ShowFacts {
        id: ShowId(row.try_get("id")?),
        slug: row.try_get("slug")?,
        title: row.try_get("title")?,
        link: row.try_get("link")?,
        feed: row.try_get("feed")?,
        licence: row.try_get("licence")?,
        blocked: row.try_get("blocked")?,
        description: row.try_get("description")?,
        author: row.try_get("author")?,
        language: row.try_get("language")?,
        cover: row.try_get::<Option<String>, _>("cover")?.is_some(),
        terms: Terms { permission: row.try_get("permission")?, private: row.try_get("private")? },
        document: match document_url {
            Some(url) => Some(Document { url, content_type: row.try_get("document_type")? }),
            None => None,
        },
        withdrawn: row.try_get("withdrawn")?,
        published: row.try_get("published")?,
    })
}
