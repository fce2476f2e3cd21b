//! What could be on the site: episodes with their files that have torrents, and who has them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::shows::ShowId;
use super::{Doing as _, Error, Result, Store, own, placements, timestamp, unsigned, word};
use crate::model::{EnclosureId, InfoHashes, OwnFile, PlacementState, SourceState, Stage};

/// Values that one statement is given at a time.
const AT_ONCE: usize = 500;

/// An episode as the site needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodeRecord {
    /// The store's id.
    pub id: i64,
    /// Of which show.
    pub show: ShowId,
    /// The feed's guid.
    pub guid: Option<String>,
    /// The title; may be empty.
    pub title: String,
    /// When it was published.
    pub date: Option<Timestamp>,
    /// Its page.
    pub link: Option<String>,
    /// The licence that the item states.
    pub licence: Option<String>,
    /// Its files, a former version behind the one that replaced it.
    pub files: Vec<FileRecord>,
}

/// A file with a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// Which.
    pub id: EnclosureId,
    /// As the feed gives it.
    pub url: String,
    /// The file's name.
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// By its first bytes.
    pub media_type: String,
    /// Of the whole file.
    pub sha256: Option<[u8; 32]>,
    /// The torrent's identity.
    pub info_hash: InfoHashes,
    /// The magnet link.
    pub magnet: String,
    /// How far it has come.
    pub stage: Stage,
    /// Since when it is on the site.
    pub published: Option<Timestamp>,
    /// What comparisons have shown of its URL.
    pub source: SourceState,
    /// Where the publisher offers his own torrent of it.
    pub official_url: Option<String>,
    /// Whether this is that torrent.
    pub official: bool,
    /// What has taken its place.
    pub replaced: Option<Replaced>,
    /// Who has it.
    pub placements: Vec<SitePlacement>,
    /// What there is to say of it, if it is the user's own file.
    pub own: Option<OwnFile>,
}

/// What has taken the place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// The file that has.
    pub by: EnclosureId,
    /// It is the same file in the publisher's own torrent; else another file.
    pub by_official: bool,
    /// When.
    pub at: Timestamp,
}

/// Where a file stands at one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitePlacement {
    /// The client's name in the configuration.
    pub client: String,
    /// The state.
    pub state: PlacementState,
    /// When the client last said that it seeds.
    pub confirmed: Option<Timestamp>,
}

/// Which files are meant.
enum Which<'a> {
    Show(ShowId),
    Files(&'a [i64]),
}

impl Which<'_> {
    /// As a condition on this column pair.
    fn push(&self, query: &mut QueryBuilder<Sqlite>) {
        match self {
            Self::Show(show) => {
                query.push("e.show_id = ").push_bind(show.0);
            }
            Self::Files(files) => push_list(query, "e.id", files),
        }
    }
}

fn push_list(query: &mut QueryBuilder<Sqlite>, column: &str, values: &[i64]) {
    query.push(column).push(" IN (");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(*value);
    }
    query.push(")");
}

impl Store {
    /// The episodes of a show that have a file with a torrent, the newest first. What was taken down or forgotten
    /// is not among them.
    pub async fn publishable(&self, show: ShowId) -> Result<Vec<EpisodeRecord>> {
        let files = self.files(&Which::Show(show)).await?;
        self.below_episodes(files).await
    }

    /// The files that came to the site last, of all shows but these, each below its episode.
    pub async fn newest_published(&self, most: usize, except: &[ShowId]) -> Result<Vec<EpisodeRecord>> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id FROM enclosures WHERE published IS NOT NULL AND replaced_by IS NULL AND show_id NOT IN (",
        );
        let mut shows = query.separated(", ");
        for show in except {
            shows.push_bind(show.0);
        }
        query.push(") ORDER BY published DESC, id DESC LIMIT ");
        query.push_bind(i64::try_from(most).unwrap_or(i64::MAX));
        let ids = query.build_query_scalar().fetch_all(&self.pool).await;
        self.of_files(&ids.doing("list what was published last")?).await
    }

    async fn of_files(&self, ids: &[i64]) -> Result<Vec<EpisodeRecord>> {
        let mut files = Vec::new();
        for chunk in ids.chunks(AT_ONCE) {
            files.extend(self.files(&Which::Files(chunk)).await?);
        }
        self.below_episodes(files).await
    }

    /// Puts files below the episode that was the first to announce them.
    async fn below_episodes(&self, mut files: Vec<Announced>) -> Result<Vec<EpisodeRecord>> {
        let episode_of = episodes_of(&files);
        let wanted: BTreeSet<i64> = episode_of.values().copied().collect();
        let mut episodes = self.episodes(&wanted.into_iter().collect::<Vec<_>>()).await?;
        // What is in force first, then what it has replaced, the latest first.
        files.sort_by_key(|file| (file.record.replaced.is_some(), file.position, Reverse(file.record.id)));
        for file in files {
            let episode = episode_of.get(&file.record.id).and_then(|id| episodes.get_mut(id));
            if let Some(episode) = episode {
                episode.files.push(file.record);
            }
        }
        let mut episodes: Vec<_> =
            episodes.into_values().filter(|episode| !episode.files.is_empty()).collect();
        episodes.sort_by_key(|episode| (Reverse(episode.date), Reverse(episode.id)));
        Ok(episodes)
    }

    async fn episodes(&self, ids: &[i64]) -> Result<HashMap<i64, EpisodeRecord>> {
        let what = "read the episodes";
        let mut episodes = HashMap::new();
        for chunk in ids.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT id, show_id, guid, title, date, link, licence FROM episodes WHERE NOT withdrawn AND ",
            );
            push_list(&mut query, "id", chunk);
            for row in query.build().fetch_all(&self.pool).await.doing(what)? {
                let episode = episode_record(&row).doing(what)?;
                episodes.insert(episode.id, episode);
            }
        }
        Ok(episodes)
    }

    async fn files(&self, which: &Which<'_>) -> Result<Vec<Announced>> {
        let what = "read the files";
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT e.id, e.url, e.file, e.length, e.sniffed_type, e.sha256, e.info_hash_v1, e.info_hash_v2, e.magnet,
                 e.stage, e.published, e.source, e.official_url, e.official, e.replaced_by, e.replaced_why, e.replaced,
                 e.own_path, o.description, o.author, o.season, o.number, o.duration,
                 MIN(x.id) AS episode, MIN(a.position) AS position
             FROM enclosures e LEFT JOIN own_files o ON o.enclosure_id = e.id
             LEFT JOIN announcements a ON a.enclosure_id = e.id
             LEFT JOIN episodes x ON x.id = a.episode_id AND NOT x.withdrawn
             WHERE e.magnet IS NOT NULL AND e.file IS NOT NULL AND NOT e.forgotten AND e.stage <> 'withdrawn' AND ",
        );
        which.push(&mut query);
        query.push(" GROUP BY e.id ORDER BY e.id");
        let rows = query.build().fetch_all(&self.pool).await.doing(what)?;
        let mut placements = self.placements_for_site(which).await?;
        rows.iter()
            .map(|row| {
                let mut file = announced(row)?;
                file.record.placements = placements.remove(&file.record.id).unwrap_or_default();
                Ok(file)
            })
            .collect()
    }

    async fn placements_for_site(
        &self,
        which: &Which<'_>,
    ) -> Result<HashMap<EnclosureId, Vec<SitePlacement>>> {
        let what = "read the placements";
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT p.enclosure_id, p.client, p.state, p.confirmed FROM placements p
             JOIN enclosures e ON e.id = p.enclosure_id WHERE ",
        );
        which.push(&mut query);
        query.push(" ORDER BY p.client");
        let rows: Vec<(i64, String, String, Option<i64>)> =
            query.build_query_as().fetch_all(&self.pool).await.doing(what)?;
        let mut placements: HashMap<EnclosureId, Vec<SitePlacement>> = HashMap::new();
        for (enclosure, client, state, confirmed) in rows {
            let state = word("a placement's state", &state)?;
            let placement = SitePlacement { client, state, confirmed: timestamp(confirmed) };
            placements.entry(EnclosureId(enclosure)).or_default().push(placement);
        }
        Ok(placements)
    }
}

/// A file and the first episode that announces it; a former version has none of its own.
struct Announced {
    record: FileRecord,
    episode: Option<i64>,
    position: i64,
}

/// The episode of each file: its own, else that of the file which has replaced it.
fn episodes_of(files: &[Announced]) -> HashMap<EnclosureId, i64> {
    let own: HashMap<EnclosureId, (Option<i64>, Option<Replaced>)> =
        files.iter().map(|file| (file.record.id, (file.episode, file.record.replaced))).collect();
    let episode = |mut id: EnclosureId| {
        // A chain is never longer than there are files; a ring would be damage.
        for _ in 0..=own.len() {
            match own.get(&id)? {
                (Some(episode), _) => return Some(*episode),
                (None, replaced) => id = replaced.as_ref()?.by,
            }
        }
        None
    };
    files.iter().filter_map(|file| Some((file.record.id, episode(file.record.id)?))).collect()
}

fn episode_record(row: &SqliteRow) -> std::result::Result<EpisodeRecord, sqlx::Error> {
    Ok(EpisodeRecord {
        id: row.try_get("id")?,
        show: ShowId(row.try_get("show_id")?),
        guid: row.try_get("guid")?,
        title: row.try_get("title")?,
        date: timestamp(row.try_get("date")?),
        link: row.try_get("link")?,
        licence: row.try_get("licence")?,
        files: Vec::new(),
    })
}

fn announced(row: &SqliteRow) -> Result<Announced> {
    let what = "read a file";
    let text = |column: &str| row.try_get::<String, _>(column).doing(what);
    let info_hash = placements::info_hash(row)?;
    let sha256 = row.try_get::<Option<String>, _>("sha256").doing(what)?;
    let sha256 = sha256.map(|digits| sha256_of(&digits)).transpose()?;
    let (stage, source) = (word("a stage", &text("stage")?)?, word("a source's state", &text("source")?)?);
    let read = || -> std::result::Result<Announced, sqlx::Error> {
        let replaced: Option<i64> = row.try_get("replaced_by")?;
        let record = FileRecord {
            id: EnclosureId(row.try_get("id")?),
            url: row.try_get("url")?,
            name: row.try_get("file")?,
            length: unsigned(row.try_get::<Option<i64>, _>("length")?.unwrap_or_default()),
            media_type: row.try_get::<Option<String>, _>("sniffed_type")?.unwrap_or_default(),
            sha256,
            info_hash,
            magnet: row.try_get("magnet")?,
            stage,
            published: timestamp(row.try_get("published")?),
            source,
            official_url: row.try_get("official_url")?,
            official: row.try_get("official")?,
            replaced: match replaced {
                Some(by) => Some(Replaced {
                    by: EnclosureId(by),
                    by_official: row.try_get::<Option<String>, _>("replaced_why")?.as_deref()
                        == Some("official"),
                    at: timestamp(row.try_get("replaced")?).unwrap_or_default(),
                }),
                None => None,
            },
            placements: Vec::new(),
            own: own::own_file(row)?,
        };
        let position = row.try_get::<Option<i64>, _>("position")?.unwrap_or_default();
        Ok(Announced { record, episode: row.try_get("episode")?, position })
    };
    read().doing(what)
}

fn sha256_of(digits: &str) -> Result<[u8; 32]> {
    let mut hash = [0; 32];
    let read = hex::decode_to_slice(digits, &mut hash);
    read.map_err(|_| Error::Value { what: "a SHA-256", value: digits.to_owned() })?;
    Ok(hash)
}
