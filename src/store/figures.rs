//! Figures for the publisher: counters as they were last read, and what they have gained on each day.
//!
//! How a reading becomes a gain is a rule of the stage `report`; it is handed in.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::placements::info_hashes;
use super::{Doing as _, Error, Result, Store, seconds, signed, timestamp, unsigned, word};
use crate::model::{
    Counted, Counter, EnclosureId, Fallen, Looks, Peers, Reading, ReportedFile, ReportedShow, Source,
    SourceDay, Traffic,
};

/// The counter before (if any), a reading, and when the source was looked at before -> the counter now and its gain.
pub type Rule<'a> = dyn Fn(Option<&Counter>, &Reading, Looks) -> (Counter, u64) + Send + Sync + 'a;

const DAY: i64 = 86_400;

impl Store {
    /// Every torrent that is managed, with what is known of its age.
    pub async fn counted(&self) -> Result<Vec<Counted>> {
        let what = "list the torrents";
        // A file that came with the first reading of its feed may be of any age, and so may one whose episode is dated
        // long before it appeared: others may mirror the show, too, and their swarm is the same.
        // Row by row: each takes a kilobyte.
        let mut rows = sqlx::query(
            "SELECT e.id, e.info_hash_v1, e.info_hash_v2,
                 CASE WHEN e.discovered > f.first
                     AND NOT EXISTS (SELECT 1 FROM announcements a JOIN episodes ep ON ep.id = a.episode_id
                         WHERE a.enclosure_id = e.id AND ep.date < e.discovered - 2 * 86400)
                 THEN e.discovered END AS appeared
             FROM enclosures e
             JOIN (SELECT show_id, MIN(discovered) AS first FROM enclosures GROUP BY show_id) f ON f.show_id = e.show_id
             WHERE e.magnet IS NOT NULL AND NOT e.forgotten AND e.stage <> 'withdrawn' ORDER BY e.id DESC",
        )
        .fetch(&self.pool);
        let counted = |row: &SqliteRow| -> Result<Option<Counted>> {
            let hash = |column| row.try_get(column).doing(what);
            let Some(info_hash) = info_hashes(hash("info_hash_v1")?, hash("info_hash_v2")?)? else {
                return Ok(None);
            };
            let enclosure = EnclosureId(row.try_get("id").doing(what)?);
            Ok(Some(Counted {
                enclosure,
                info_hash,
                appeared: timestamp(row.try_get("appeared").doing(what)?),
            }))
        };
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await.doing(what)? {
            all.extend(counted(&row)?);
        }
        Ok(all)
    }

    /// Whether there is any torrent to be counted.
    pub async fn has_counted(&self) -> Result<bool> {
        sqlx::query_scalar(HAS_COUNTED).fetch_one(&self.pool).await.doing("look for torrents")
    }

    /// Whether a source may be asked now, which was not asked since `not_since`. If so, it counts as asked.
    pub async fn ask_source(&self, source: &Source, not_since: Timestamp, now: Timestamp) -> Result<bool> {
        let what = "record that a source is asked";
        let mut tx = self.begin().await.doing(what)?;
        let id = source_id(&mut tx, source).await?;
        // A time in the future is that of a clock which was set back since.
        let asked = sqlx::query(
            "UPDATE sources SET asked = $3 WHERE id = $1 AND (asked IS NULL OR asked <= $2 OR asked > $3)",
        )
        .bind(id)
        .bind(seconds(not_since))
        .bind(seconds(now))
        .execute(&mut *tx)
        .await
        .doing(what)?;
        tx.commit().await.doing(what)?;
        Ok(asked.rows_affected() > 0)
    }

    /// Counts what one source has said: what each counter has gained goes to the day of `now`.
    pub async fn record_readings(
        &self,
        source: &Source,
        readings: &[Reading],
        rule: &Rule<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let what = "record what was counted";
        let mut tx = self.begin().await.doing(what)?;
        let id = source_id(&mut tx, source).await?;
        let looks = looks(&mut tx, id).await?;
        let counters = counters(&mut tx, id).await?;
        let given = given(&mut tx, source).await.doing(what)?;
        for reading in readings {
            let before = counters.get(&reading.enclosure);
            let (counter, gain) = rule(before.map(|(counter, _)| counter), reading, looks);
            if before != Some(&(counter, reading.peers)) {
                keep_counter(&mut tx, id, reading, &counter).await?;
            }
            if gain > 0 || reading.peers.is_some_and(|peers| peers != Peers::default()) {
                add_figures(&mut tx, id, reading, (gain, source.is_client()), now).await?;
            }
            if let Source::Client(client) = source
                && given.get(&reading.enclosure).is_some_and(|given| *given != reading.value)
            {
                sqlx::query(
                    "UPDATE placements SET uploaded_bytes = $3 WHERE enclosure_id = $1 AND client = $2",
                )
                .bind(reading.enclosure.0)
                .bind(client)
                .bind(signed(reading.value))
                .execute(&mut *tx)
                .await
                .doing(what)?;
            }
        }
        sqlx::query("UPDATE sources SET answered = $2 WHERE id = $1")
            .bind(id)
            .bind(seconds(now))
            .execute(&mut *tx)
            .await
            .doing(what)?;
        tx.commit().await.doing(what)
    }

    /// All shows, or the one with this slug, with every file that has a torrent or figures.
    pub async fn reported(&self, show: Option<&str>) -> Result<Vec<ReportedShow>> {
        let what = "read the shows of a report";
        let rows = sqlx::query(
            "SELECT s.id, s.slug, s.title, s.requests + COALESCE(SUM(e.requests), 0) AS requests,
                 s.bytes + COALESCE(SUM(e.bytes), 0) AS bytes
             FROM shows s LEFT JOIN enclosures e ON e.show_id = s.id
             WHERE $1 IS NULL OR s.slug = $1 GROUP BY s.id ORDER BY s.slug",
        )
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let mut shows = Vec::with_capacity(rows.len());
        for row in &rows {
            let read = || -> std::result::Result<(i64, ReportedShow), sqlx::Error> {
                let asked = Traffic {
                    requests: unsigned(row.try_get("requests")?),
                    bytes: unsigned(row.try_get("bytes")?),
                };
                let (show, title) = (row.try_get("slug")?, row.try_get("title")?);
                Ok((row.try_get("id")?, ReportedShow { show, title, asked, files: Vec::new() }))
            };
            let (id, mut show) = read().doing(what)?;
            show.files = self.reported_files(id).await?;
            shows.push(show);
        }
        Ok(shows)
    }

    /// A file that was replaced belongs to the episode of what has replaced it.
    async fn reported_files(&self, show: i64) -> Result<Vec<ReportedFile>> {
        let what = "read the files of a report";
        let rows = sqlx::query(
            "SELECT e.id, e.file, e.length, ep.guid, ep.title, ep.date
             FROM enclosures e LEFT JOIN episodes ep ON ep.id = COALESCE(
                 (SELECT MIN(a.episode_id) FROM announcements a WHERE a.enclosure_id = e.id),
                 (SELECT MIN(a.episode_id) FROM announcements a WHERE a.enclosure_id = e.replaced_by))
             WHERE e.show_id = $1
                 AND (e.magnet IS NOT NULL OR EXISTS (SELECT 1 FROM figures f WHERE f.enclosure_id = e.id))
             ORDER BY ep.date DESC NULLS LAST, ep.id, e.id",
        )
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let swarms = self.last_swarms(show).await?;
        let file = |row: &SqliteRow| -> std::result::Result<ReportedFile, sqlx::Error> {
            let enclosure = EnclosureId(row.try_get("id")?);
            Ok(ReportedFile {
                enclosure,
                guid: row.try_get("guid")?,
                title: row.try_get::<Option<String>, _>("title")?.unwrap_or_default(),
                date: timestamp(row.try_get("date")?),
                file: row.try_get::<Option<String>, _>("file")?.unwrap_or_default(),
                length: row.try_get::<Option<i64>, _>("length")?.map_or(0, unsigned),
                swarm: swarms.get(&enclosure).copied(),
            })
        };
        rows.iter().map(file).collect::<std::result::Result<_, _>>().doing(what)
    }

    /// Of the trackers that answered last, the largest swarm that one has named.
    async fn last_swarms(&self, show: i64) -> Result<HashMap<EnclosureId, (Peers, Timestamp)>> {
        let rows: Vec<(i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT c.enclosure_id, c.seeders, c.leechers, s.answered
             FROM counters c JOIN sources s ON s.id = c.source_id JOIN enclosures e ON e.id = c.enclosure_id
             WHERE e.show_id = $1 AND c.seeders IS NOT NULL AND c.leechers IS NOT NULL AND s.answered IS NOT NULL
             ORDER BY s.answered, c.seeders + c.leechers",
        )
        .bind(show)
        .fetch_all(&self.pool)
        .await
        .doing("read the swarms")?;
        let swarm = |(id, seeders, leechers, answered): (i64, i64, i64, i64)| {
            let peers = Peers { seeders: unsigned(seeders), leechers: unsigned(leechers) };
            Some((EnclosureId(id), (peers, timestamp(Some(answered))?)))
        };
        // The last of several for one file stays.
        Ok(rows.into_iter().filter_map(swarm).collect())
    }

    /// What each source has counted for one file, day by day.
    pub async fn figures(&self, enclosure: EnclosureId) -> Result<Vec<SourceDay>> {
        let what = "read the figures";
        let rows = sqlx::query(
            "SELECT f.day, s.name, f.completed, f.uploaded, f.seeders, f.leechers
             FROM figures f JOIN sources s ON s.id = f.source_id WHERE f.enclosure_id = $1 ORDER BY f.day",
        )
        .bind(enclosure.0)
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        rows.iter().map(source_day).collect()
    }
}

fn source_day(row: &SqliteRow) -> Result<SourceDay> {
    let what = "read a figure";
    let (day, source): (i64, String) = (row.try_get("day").doing(what)?, row.try_get("name").doing(what)?);
    let day =
        Timestamp::from_second(day).map_err(|_| Error::Value { what: "a day", value: day.to_string() })?;
    let source = word("a source", &source)?;
    let read = || -> std::result::Result<SourceDay, sqlx::Error> {
        Ok(SourceDay {
            day: day.to_zoned(TimeZone::UTC).date(),
            source,
            completed: unsigned(row.try_get("completed")?),
            uploaded: unsigned(row.try_get("uploaded")?),
            peers: peers(row)?,
        })
    };
    read().doing(what)
}

fn peers(row: &SqliteRow) -> std::result::Result<Option<Peers>, sqlx::Error> {
    let pair = (row.try_get::<Option<i64>, _>("seeders")?, row.try_get::<Option<i64>, _>("leechers")?);
    let (Some(seeders), Some(leechers)) = pair else { return Ok(None) };
    Ok(Some(Peers { seeders: unsigned(seeders), leechers: unsigned(leechers) }))
}

async fn source_id(connection: &mut SqliteConnection, source: &Source) -> Result<i64> {
    let what = "record a source";
    sqlx::query("INSERT INTO sources (name, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(source.to_string())
        .bind(source.kind())
        .execute(&mut *connection)
        .await
        .doing(what)?;
    sqlx::query_scalar("SELECT id FROM sources WHERE name = $1")
        .bind(source.to_string())
        .fetch_one(&mut *connection)
        .await
        .doing(what)
}

async fn looks(connection: &mut SqliteConnection, source: i64) -> Result<Looks> {
    let (this, any): (Option<i64>, Option<i64>) = sqlx::query_as(
        "SELECT s.answered, (SELECT MAX(o.answered) FROM sources o WHERE o.kind = s.kind)
         FROM sources s WHERE s.id = $1",
    )
    .bind(source)
    .fetch_one(connection)
    .await
    .doing("read when a source was asked")?;
    Ok(Looks { this: timestamp(this), any: timestamp(any) })
}

/// What a client was last known to have given; nothing for a tracker.
async fn given(
    connection: &mut SqliteConnection,
    source: &Source,
) -> std::result::Result<HashMap<EnclosureId, u64>, sqlx::Error> {
    let Source::Client(client) = source else { return Ok(HashMap::new()) };
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT enclosure_id, uploaded_bytes FROM placements WHERE client = $1")
            .bind(client)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(id, given)| (EnclosureId(id), unsigned(given))).collect())
}

type Counters = HashMap<EnclosureId, (Counter, Option<Peers>)>;

async fn counters(connection: &mut SqliteConnection, source: i64) -> Result<Counters> {
    let what = "read the counters";
    let mut rows = sqlx::query(
        "SELECT enclosure_id, level, began, fallen_from, fallen_since, seeders, leechers
         FROM counters WHERE source_id = $1",
    )
    .bind(source)
    .fetch(connection);
    let counter = |row: &SqliteRow| -> std::result::Result<_, sqlx::Error> {
        let from: Option<i64> = row.try_get("fallen_from")?;
        let since = timestamp(row.try_get("fallen_since")?);
        let counter = Counter {
            level: unsigned(row.try_get("level")?),
            began: timestamp(row.try_get("began")?),
            fallen: from.zip(since).map(|(from, since)| Fallen { from: unsigned(from), since }),
        };
        Ok((EnclosureId(row.try_get("enclosure_id")?), (counter, peers(row)?)))
    };
    let mut counters = Counters::new();
    while let Some(row) = rows.try_next().await.doing(what)? {
        let (enclosure, counter) = counter(&row).doing(what)?;
        counters.insert(enclosure, counter);
    }
    Ok(counters)
}

async fn keep_counter(
    connection: &mut SqliteConnection,
    source: i64,
    reading: &Reading,
    counter: &Counter,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO counters (source_id, enclosure_id, level, began, fallen_from, fallen_since, seeders, leechers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (source_id, enclosure_id) DO UPDATE SET level = $3, began = $4, fallen_from = $5,
             fallen_since = $6, seeders = $7, leechers = $8",
    )
    .bind(source)
    .bind(reading.enclosure.0)
    .bind(signed(counter.level))
    .bind(counter.began.map(seconds))
    .bind(counter.fallen.map(|fallen| signed(fallen.from)))
    .bind(counter.fallen.map(|fallen| seconds(fallen.since)))
    .bind(reading.peers.map(|peers| signed(peers.seeders)))
    .bind(reading.peers.map(|peers| signed(peers.leechers)))
    .execute(connection)
    .await
    .doing("record a counter")?;
    Ok(())
}

/// `gain` is in bytes for a client, else in downloads.
async fn add_figures(
    connection: &mut SqliteConnection,
    source: i64,
    reading: &Reading,
    (gain, in_bytes): (u64, bool),
    now: Timestamp,
) -> Result<()> {
    let (completed, uploaded) = if in_bytes { (0, gain) } else { (gain, 0) };
    sqlx::query(
        "INSERT INTO figures (enclosure_id, source_id, day, completed, uploaded, seeders, leechers)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (enclosure_id, day, source_id) DO UPDATE SET
             completed = figures.completed + $4, uploaded = figures.uploaded + $5,
             seeders = CASE WHEN figures.seeders > $6 THEN figures.seeders ELSE $6 END,
             leechers = CASE WHEN figures.leechers > $7 THEN figures.leechers ELSE $7 END
         WHERE $4 > 0 OR $5 > 0 OR $6 > figures.seeders OR $7 > figures.leechers",
    )
    .bind(reading.enclosure.0)
    .bind(source)
    .bind(seconds(now).div_euclid(DAY) * DAY)
    .bind(signed(completed))
    .bind(signed(uploaded))
    .bind(reading.peers.map(|peers| signed(peers.seeders)))
    .bind(reading.peers.map(|peers| signed(peers.leechers)))
    .execute(connection)
    .await
    .doing("record a figure")?;
    Ok(())
}

/// In the words of the index `enclosures_by_torrent`.
pub(super) const HAS_COUNTED: &str = "SELECT EXISTS (SELECT 1 FROM enclosures
    WHERE (info_hash_v1 IS NOT NULL OR info_hash_v2 IS NOT NULL)
    AND magnet IS NOT NULL AND NOT forgotten AND stage <> 'withdrawn')";
