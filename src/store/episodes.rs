//! Episodes and their enclosures: what the feeds announce, and which of it is wanted.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::changes::{Changes, Row};
use super::known::Known;
use super::recording::Recording;
use super::shows::ShowId;
use super::writer::{NewRows, ROWS, Writer, for_ids};
use super::{Doing as _, Result, Store, seconds, signed, timestamp, unsigned, word};
use crate::model::{Enclosure, EnclosureId, Feed, Item};

/// What reading a feed has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Episodes not seen before.
    pub new_episodes: u64,
    /// Enclosures that have a new URL.
    pub moved: u64,
    /// All episodes of the show now, as [`Recording::items`] gives them.
    pub items: Vec<KnownItem>,
}

/// A known episode in the form that the selection judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownItem {
    /// The store's id of the episode.
    pub episode: i64,
    /// As announced.
    pub item: Item,
    /// The ids of `item.enclosures`, in the same order.
    pub enclosures: Vec<EnclosureId>,
    /// The rule on record.
    reason: String,
    /// It is wanted, as far as is on record.
    wanted: bool,
    /// Whether each of `enclosures` is.
    wanted_enclosures: Vec<bool>,
}

impl KnownItem {
    /// Whether this verdict is what is on record already.
    pub fn is_judged(&self, verdict: &Verdict) -> bool {
        let mut enclosures = self.enclosures.iter().zip(&self.wanted_enclosures);
        self.reason == verdict.reason
            && self.wanted != verdict.wanted.is_empty()
            && enclosures.all(|(id, wanted)| *wanted == verdict.wanted.contains(id))
    }
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
}

impl Recording {
    /// Records the items of a feed: new ones, changed ones, and which are no longer there. The latter only if
    /// all of the feed was read.
    pub async fn record_items(
        &mut self,
        show: ShowId,
        feed: &Feed,
        complete: bool,
        now: Timestamp,
    ) -> Result<Recorded> {
        let known = Known::load(&mut self.tx, show).await?;
        let changes = Changes::between(&known, feed, complete);
        let mut writer = Writer { connection: &mut self.tx, show, now };
        let new = writer.write(&changes).await.doing("record a feed's items")?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(Recorded {
            new_episodes: count(changes.new_episodes.len()),
            moved: count(changes.moves.len()),
            // What has only just been written need not be read back: there may be a million of them.
            items: match known.episodes.is_empty() {
                true => new_items(&changes, &new),
                false => self.items(show).await?,
            },
        })
    }

    /// All episodes of a show as items, with what they announce or did at the last: those in the feed first and in its
    /// order, then the vanished ones.
    pub async fn items(&mut self, show: ShowId) -> Result<Vec<KnownItem>> {
        items(&mut self.tx, show).await
    }

    /// Records what the selection has decided, and under which rules; verdicts that are on record already may be left
    /// out. `repeated` are the enclosures that share their base name with another. Gives how many enclosures are to be
    /// fetched that were not wanted before; what has its file already is not among them.
    pub async fn record_verdicts(
        &mut self,
        show: ShowId,
        rules: &str,
        verdicts: &[Verdict],
        repeated: &HashSet<EnclosureId>,
    ) -> Result<u64> {
        let what = "record which episodes are wanted";
        for group in verdicts.chunks(ROWS) {
            record_group(&mut self.tx, group).await.doing(what)?;
        }
        let newly_wanted = want(&mut self.tx, show, true).await.doing(what)?;
        want(&mut self.tx, show, false).await.doing(what)?;
        sqlx::query(
            "UPDATE enclosures SET wanted = FALSE WHERE show_id = $1 AND wanted AND NOT EXISTS
                 (SELECT 1 FROM announcements a WHERE a.enclosure_id = enclosures.id AND a.wanted)",
        )
        .bind(show.0)
        .execute(&mut *self.tx)
        .await
        .doing(what)?;
        record_repeated(&mut self.tx, show, repeated).await.doing(what)?;
        sqlx::query("UPDATE shows SET selection = $2 WHERE id = $1 AND selection <> $2")
            .bind(show.0)
            .bind(rules)
            .execute(&mut *self.tx)
            .await
            .doing(what)?;
        Ok(newly_wanted)
    }
}

type Done = std::result::Result<(), sqlx::Error>;

/// Marks what has come to be wanted: what is to be fetched for it, or what was fetched before.
async fn want(
    connection: &mut SqliteConnection,
    show: ShowId,
    to_fetch: bool,
) -> std::result::Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE enclosures SET wanted = TRUE
         WHERE show_id = $1 AND NOT wanted AND (stage IN ('discovered', 'downloading')) = $2 AND EXISTS
             (SELECT 1 FROM announcements a WHERE a.enclosure_id = enclosures.id AND a.wanted)",
    )
    .bind(show.0)
    .bind(to_fetch)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn record_group(connection: &mut SqliteConnection, verdicts: &[Verdict]) -> Done {
    // What the columns of VALUES are called, SQLite and PostgreSQL agree on.
    let mut query = QueryBuilder::<Sqlite>::new(
        "UPDATE episodes SET wanted = verdicts.column2, verdict = verdicts.column3 FROM (",
    );
    query.push_values(verdicts, |mut row, verdict| {
        row.push_bind(verdict.episode).push_bind(!verdict.wanted.is_empty()).push_bind(&verdict.reason);
    });
    query.push(
        ") AS verdicts WHERE episodes.id = verdicts.column1
             AND (episodes.wanted <> verdicts.column2 OR episodes.verdict <> verdicts.column3)",
    );
    query.build().execute(&mut *connection).await?;
    let episodes: Vec<i64> = verdicts.iter().map(|verdict| verdict.episode).collect();
    let statement = "UPDATE announcements SET wanted = FALSE WHERE wanted AND episode_id IN (";
    for_ids(connection, statement, &episodes).await?;
    let wanted = |verdict: &Verdict| {
        let episode = verdict.episode;
        verdict.wanted.iter().map(move |enclosure| (episode, enclosure.0)).collect::<Vec<_>>()
    };
    for group in verdicts.iter().flat_map(wanted).collect::<Vec<_>>().chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "UPDATE announcements SET wanted = TRUE WHERE (episode_id, enclosure_id) IN (",
        );
        query.push_values(group, |mut row, (episode, enclosure)| {
            row.push_bind(*episode).push_bind(*enclosure);
        });
        query.push(")").build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Marks what shares its base name with another, and nothing else of the show.
async fn record_repeated(
    connection: &mut SqliteConnection,
    show: ShowId,
    repeated: &HashSet<EnclosureId>,
) -> Done {
    let marked: Vec<i64> = sqlx::query_scalar("SELECT id FROM enclosures WHERE show_id = $1 AND repeated")
        .bind(show.0)
        .fetch_all(&mut *connection)
        .await?;
    let (still, no_more): (Vec<i64>, Vec<i64>) =
        marked.into_iter().partition(|id| repeated.contains(&EnclosureId(*id)));
    let still: HashSet<i64> = still.into_iter().collect();
    let fresh: Vec<i64> = repeated.iter().map(|id| id.0).filter(|id| !still.contains(id)).collect();
    for_ids(connection, "UPDATE enclosures SET repeated = FALSE WHERE id IN (", &no_more).await?;
    for_ids(connection, "UPDATE enclosures SET repeated = TRUE WHERE id IN (", &fresh).await
}

/// What an episode announces: its id, the role, whether it is wanted, the enclosure's id, and what the feed says of it.
type AnnouncedRow = (i64, String, bool, i64, String, Option<String>, Option<i64>);

/// Enclosures of an item, with their ids, and whether they are wanted.
#[derive(Default)]
struct Announced {
    enclosures: Vec<Enclosure>,
    ids: Vec<EnclosureId>,
    wanted: Vec<bool>,
}

async fn announced(connection: &mut SqliteConnection, show: ShowId) -> Result<HashMap<i64, Announced>> {
    let rows: Vec<AnnouncedRow> = sqlx::query_as(
        "SELECT a.episode_id, a.role, a.wanted, e.id, e.url, e.media_type, e.length_hint
         FROM announcements a JOIN enclosures e ON e.id = a.enclosure_id
         WHERE e.show_id = $1 AND a.present ORDER BY a.episode_id, a.position",
    )
    .bind(show.0)
    .fetch_all(connection)
    .await
    .doing("list the enclosures")?;
    let mut announced: HashMap<i64, Announced> = HashMap::new();
    for (episode, role, wanted, id, url, media_type, length) in rows {
        let of_episode = announced.entry(episode).or_default();
        let role = word("an enclosure's role", &role)?;
        of_episode.enclosures.push(Enclosure { url, media_type, length: length.map(unsigned), role });
        of_episode.ids.push(EnclosureId(id));
        of_episode.wanted.push(wanted);
    }
    Ok(announced)
}

/// An episode as it is on record.
#[derive(sqlx::FromRow)]
struct EpisodeRow {
    id: i64,
    guid: Option<String>,
    title: String,
    date: Option<i64>,
    link: Option<String>,
    live: bool,
    licence: Option<String>,
    wanted: bool,
    verdict: String,
}

/// The episodes of a show of which nothing was known, as they were written.
fn new_items(changes: &Changes<'_>, new: &NewRows) -> Vec<KnownItem> {
    let mut items: Vec<KnownItem> = changes
        .new_episodes
        .iter()
        .zip(&new.episodes)
        .map(|((item, _), id)| KnownItem {
            episode: *id,
            item: Item { date: timestamp(item.date.map(seconds)), enclosures: Vec::new(), ..(*item).clone() },
            enclosures: Vec::new(),
            reason: String::new(),
            wanted: false,
            wanted_enclosures: Vec::new(),
        })
        .collect();
    for announcement in &changes.announced {
        let (Row::New(episode), Row::New(enclosure)) = (announcement.episode, announcement.enclosure) else {
            continue;
        };
        let file = changes.new_enclosures.get(enclosure).zip(new.enclosures.get(enclosure));
        if let (Some(known), Some(((_, file), id))) = (items.get_mut(episode), file) {
            let length = file.length.map(signed).map(unsigned);
            known.item.enclosures.push(Enclosure { role: announcement.role, length, ..(*file).clone() });
            known.enclosures.push(EnclosureId(*id));
            known.wanted_enclosures.push(false);
        }
    }
    items
}

async fn items(connection: &mut SqliteConnection, show: ShowId) -> Result<Vec<KnownItem>> {
    let mut announced = announced(connection, show).await?;
    let rows: Vec<EpisodeRow> = sqlx::query_as(
        "SELECT id, guid, title, date, link, live, licence, wanted, verdict FROM episodes
         WHERE show_id = $1 ORDER BY present DESC, position, id",
    )
    .bind(show.0)
    .fetch_all(connection)
    .await
    .doing("list the episodes")?;
    let known = |row: EpisodeRow| {
        let Announced { enclosures, ids, wanted } = announced.remove(&row.id).unwrap_or_default();
        let item = Item {
            guid: row.guid,
            title: row.title,
            date: timestamp(row.date),
            link: row.link,
            live: row.live,
            enclosures,
            licence: row.licence,
        };
        KnownItem {
            episode: row.id,
            item,
            enclosures: ids,
            reason: row.verdict,
            wanted: row.wanted,
            wanted_enclosures: wanted,
        }
    };
    Ok(rows.into_iter().map(known).collect())
}
