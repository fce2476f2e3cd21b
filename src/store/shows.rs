//! Shows and the polling of their feeds.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::recording::Recording;
use super::writer::ROWS;
use super::{Document, Doing as _, Error, Result, Store, seconds, signed, timestamp};
use crate::model::{Feed, Traffic};

/// The store's id of a show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ShowId(pub i64);

/// What a poll needs to know of a show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShowRecord {
    /// Which.
    pub id: ShowId,
    /// The slug.
    pub slug: String,
    /// The title that the feed gave, or empty.
    pub title: String,
    /// Where the publisher has moved the feed since the user wrote it down.
    pub moved_to: Option<String>,
    /// `ETag` of the last complete reading.
    pub etag: Option<String>,
    /// `Last-Modified` likewise.
    pub last_modified: Option<String>,
    /// The selection rules that the verdicts come from.
    pub selection: String,
    /// The origin asked not to come before.
    pub wait_until: Option<Timestamp>,
    /// Failed polls in a row.
    pub failures: u64,
    /// It was read before.
    pub polled: bool,
    /// How long the feed itself asks to be left alone between two polls.
    pub poll_wish: Option<Duration>,
}

/// The outcome of a successful poll.
#[derive(Debug, Clone, Default)]
pub struct FeedRecord {
    /// What to send with the next conditional request.
    pub etag: Option<String>,
    /// Likewise.
    pub last_modified: Option<String>,
    /// The feed's new address.
    pub moved_to: Option<String>,
    /// When to poll next.
    pub next_poll: Option<Timestamp>,
    /// What it cost the publisher's server.
    pub traffic: Traffic,
}

/// A poll that brought no feed.
#[derive(Debug, Clone)]
pub struct FailedPoll {
    /// Why.
    pub error: String,
    /// Until when the origin has asked us to stay away.
    pub wait_until: Option<Timestamp>,
    /// When to poll next.
    pub next_poll: Timestamp,
    /// Where the feed was said to have moved to there is none; ask at its old place again.
    pub forget_move: bool,
    /// What it cost the publisher's server.
    pub traffic: Traffic,
}

/// The columns of a [`ShowRecord`].
const RECORD: &str =
    "SELECT id, slug, title, moved_to, etag, last_modified, selection, wait_until, failures, last_poll,
    poll_wish, feed FROM shows WHERE slug IN (";

impl Store {
    /// The show with this slug, made or given its new feed address where the user has changed it.
    pub async fn ensure_show(&self, slug: &str, feed: &str) -> Result<ShowRecord> {
        let mut shows = self.ensure_shows(&[(slug.to_owned(), feed.to_owned())]).await?;
        let missing = || Error::Value { what: "a show", value: slug.to_owned() };
        shows.remove(slug).ok_or_else(missing)
    }

    /// The shows with these slugs and feed addresses, each as [`Store::ensure_show`] gives it, by slug. Where all of
    /// them are there, nothing is written.
    pub async fn ensure_shows(&self, shows: &[(String, String)]) -> Result<HashMap<String, ShowRecord>> {
        let what = "record a show";
        let mut known = HashMap::new();
        for group in shows.chunks(ROWS) {
            let mut connection = self.pool.acquire().await.doing(what)?;
            known.extend(show_records(&mut connection, group).await.doing(what)?);
        }
        let is_as_told = |show: &&(String, String)| {
            known.get(&show.0).is_some_and(|(_, feed): &(ShowRecord, String)| *feed == show.1)
        };
        let other: Vec<_> = shows.iter().filter(|show| !is_as_told(show)).cloned().collect();
        for group in other.chunks(ROWS) {
            let mut tx = self.begin().await.doing(what)?;
            for (slug, feed) in group {
                make_or_change(&mut tx, slug, feed).await.doing(what)?;
            }
            known.extend(show_records(&mut tx, group).await.doing(what)?);
            tx.commit().await.doing(what)?;
        }
        Ok(known.into_iter().map(|(slug, (show, _))| (slug, show)).collect())
    }

    /// The slug of the show that was made for this feed address.
    pub async fn slug_of_feed(&self, feed: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT slug FROM shows WHERE feed = $1 ORDER BY id LIMIT 1")
            .bind(feed)
            .fetch_optional(&self.pool)
            .await
            .doing("look up a feed")
    }

    /// The show with this slug; without one, the show that was made for this feed address.
    pub async fn show_at(&self, slug: Option<&str>, feed: &str) -> Result<Option<ShowId>> {
        sqlx::query_scalar(
            "SELECT id FROM shows
             WHERE slug = COALESCE($1, (SELECT slug FROM shows WHERE feed = $2 ORDER BY id LIMIT 1))",
        )
        .bind(slug)
        .bind(feed)
        .fetch_optional(&self.pool)
        .await
        .map(|id| id.map(ShowId))
        .doing("look up a show")
    }

    /// The slug and feed address of every show.
    pub async fn feeds(&self) -> Result<Vec<(String, String)>> {
        sqlx::query_as("SELECT slug, feed FROM shows ORDER BY slug")
            .fetch_all(&self.pool)
            .await
            .doing("list the shows")
    }

    /// The title of every show that has one, by slug.
    pub async fn titles(&self) -> Result<BTreeMap<String, String>> {
        let titles: Vec<(String, String)> =
            sqlx::query_as("SELECT slug, title FROM shows WHERE title <> '' ORDER BY slug")
                .fetch_all(&self.pool)
                .await
                .doing("list the shows")?;
        Ok(titles.into_iter().collect())
    }

    /// A show for a feed that has none: with this slug, or with a number behind it where the slug is taken. No two
    /// feeds that come at once get one.
    pub async fn new_show(&self, wished: &str, taken: &HashSet<String>, feed: &str) -> Result<ShowRecord> {
        let numbered = (2..).map(|n| format!("{wished}-{n}"));
        for slug in std::iter::once(wished.to_owned()).chain(numbered) {
            if !taken.contains(&slug) && self.insert_show(&slug, feed).await? {
                return self.ensure_show(&slug, feed).await;
            }
        }
        self.ensure_show(wished, feed).await
    }

    async fn insert_show(&self, slug: &str, feed: &str) -> Result<bool> {
        let done = sqlx::query("INSERT INTO shows (slug, feed) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(slug)
            .bind(feed)
            .execute(&self.pool)
            .await
            .doing("record a show")?;
        Ok(done.rows_affected() > 0)
    }

    /// Makes this show part of a pass, so that its rows can be claimed in it.
    pub async fn join_pass(&self, show: ShowId, pass: i64) -> Result<()> {
        sqlx::query("UPDATE shows SET pass = $2 WHERE id = $1")
            .bind(show.0)
            .bind(pass)
            .execute(&self.pool)
            .await
            .doing("begin a pass")?;
        Ok(())
    }
}

impl Recording {
    /// Records what a poll brought besides its items. `feed` is `None` when nothing had changed.
    pub async fn record_poll(
        &mut self,
        show: ShowId,
        feed: Option<&Feed>,
        record: &FeedRecord,
        now: Timestamp,
    ) -> Result<()> {
        let what = "record a poll";
        sqlx::query(
            "UPDATE shows SET etag = $2, last_modified = $3, moved_to = COALESCE($4, moved_to), last_poll = $5,
                 last_good_poll = $5, next_poll = $6, poll_lease = NULL, wait_until = NULL, failures = 0, error = NULL,
                 requests = requests + $7, bytes = bytes + $8
             WHERE id = $1",
        )
        .bind(show.0)
        .bind(&record.etag)
        .bind(&record.last_modified)
        .bind(&record.moved_to)
        .bind(seconds(now))
        .bind(record.next_poll.map(seconds))
        .bind(signed(record.traffic.requests))
        .bind(signed(record.traffic.bytes))
        .execute(&mut *self.tx)
        .await
        .doing(what)?;
        if let Some(feed) = feed {
            sqlx::query("UPDATE shows SET title = $2, link = $3, licence = $4, locked = $5, blocked = $6, description = $7,
                     author = $8, language = $9, image = $10, poll_wish = $11 WHERE id = $1")
                .bind(show.0)
                .bind(&feed.title)
                .bind(&feed.link)
                .bind(&feed.licence)
                .bind(feed.locked)
                .bind(feed.blocked)
                .bind(&feed.description)
                .bind(&feed.author)
                .bind(&feed.language)
                .bind(&feed.image)
                .bind(feed.poll_interval.map(signed))
                .execute(&mut *self.tx)
                .await
                .doing(what)?;
        }
        Ok(())
    }

    /// Records that a poll failed.
    pub async fn record_failed_poll(&mut self, show: ShowId, failed: &FailedPoll) -> Result<()> {
        sqlx::query(
            "UPDATE shows SET error = $2, wait_until = $3, next_poll = $4, poll_lease = NULL, failures = failures + 1,
                 requests = requests + $5, bytes = bytes + $6, moved_to = CASE WHEN $7 THEN NULL ELSE moved_to END
             WHERE id = $1",
        )
        .bind(show.0)
        .bind(&failed.error)
        .bind(failed.wait_until.map(seconds))
        .bind(seconds(failed.next_poll))
        .bind(signed(failed.traffic.requests))
        .bind(signed(failed.traffic.bytes))
        .bind(failed.forget_move)
        .execute(&mut *self.tx)
        .await
        .doing("record a failed poll")?;
        Ok(())
    }

    /// Records that our copy of a show's feed is another one than before.
    pub async fn record_document(&mut self, show: ShowId, document: &Document) -> Result<()> {
        sqlx::query(
            "UPDATE shows SET document_type = $2, document_url = $3, publish_due = publish_due + 1 WHERE id = $1",
        )
        .bind(show.0)
        .bind(&document.content_type)
        .bind(&document.url)
        .execute(&mut *self.tx)
        .await
        .doing("record a feed's copy")?;
        Ok(())
    }

    /// The dates of a show's newest episodes that are not in the future, newest first.
    pub async fn recent_dates(&mut self, show: ShowId, now: Timestamp, most: u32) -> Result<Vec<Timestamp>> {
        let dates: Vec<i64> = sqlx::query_scalar(
            "SELECT date FROM episodes WHERE show_id = $1 AND date <= $2 ORDER BY date DESC LIMIT $3",
        )
        .bind(show.0)
        .bind(seconds(now))
        .bind(most)
        .fetch_all(&mut *self.tx)
        .await
        .doing("read the dates of a show's episodes")?;
        Ok(dates.into_iter().filter_map(|date| timestamp(Some(date))).collect())
    }
}

async fn make_or_change(
    connection: &mut SqliteConnection,
    slug: &str,
    feed: &str,
) -> std::result::Result<(), sqlx::Error> {
    // A new address is a new document: what was remembered of the old one no longer holds.
    sqlx::query(
        "UPDATE shows SET feed = $2, moved_to = NULL, etag = NULL, last_modified = NULL, wait_until = NULL,
             next_poll = NULL, poll_lease = NULL, failures = 0
         WHERE slug = $1 AND feed <> $2",
    )
    .bind(slug)
    .bind(feed)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO shows (slug, feed) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(slug)
        .bind(feed)
        .execute(connection)
        .await?;
    Ok(())
}

/// What is on record of shows with these slugs, and their feed addresses, by slug.
async fn show_records(
    connection: &mut SqliteConnection,
    shows: &[(String, String)],
) -> std::result::Result<HashMap<String, (ShowRecord, String)>, sqlx::Error> {
    let mut query = QueryBuilder::<Sqlite>::new(RECORD);
    let mut list = query.separated(", ");
    for (slug, _) in shows {
        list.push_bind(slug);
    }
    let rows = query.push(")").build().fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let show = show_record(row)?;
            Ok((show.slug.clone(), (show, row.try_get("feed")?)))
        })
        .collect()
}

fn show_record(row: &sqlx::sqlite::SqliteRow) -> std::result::Result<ShowRecord, sqlx::Error> {
    Ok(ShowRecord {
        id: ShowId(row.try_get("id")?),
        slug: row.try_get("slug")?,
        title: row.try_get("title")?,
        moved_to: row.try_get("moved_to")?,
        etag: row.try_get("etag")?,
        last_modified: row.try_get("last_modified")?,
        selection: row.try_get("selection")?,
        wait_until: timestamp(row.try_get("wait_until")?),
        failures: super::unsigned(row.try_get("failures")?),
        polled: row.try_get::<Option<i64>, _>("last_poll")?.is_some(),
        poll_wish: row
            .try_get::<Option<i64>, _>("poll_wish")?
            .map(|wish| Duration::from_secs(super::unsigned(wish))),
    })
}
