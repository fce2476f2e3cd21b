//! The files that the budget decides about, with what clients and trackers say of them.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::budget::{BudgetFile, Holding};
use crate::model::{EnclosureId, PlacementState, Stage};
use crate::store::{Doing as _, Result, Store, seconds, timestamp, unsigned, word};

/// What a tracker has said counts for so long: a weekly run has asked within it.
const SCRAPE_AGE: SignedDuration = SignedDuration::from_hours(8 * 24);
/// Downloads count as demand for so long.
const DEMAND_AGE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// A feed's claim that is so many times more or less than what is there of the show says nothing.
const FAR_OFF: u64 = 4;

/// Whose files the budget decides about.
#[derive(Debug, Clone, Copy)]
pub struct BudgetView<'a> {
    /// The clients of the configuration.
    pub clients: &'a HashSet<&'a str>,
    /// An enclosure that was claimed to be fetched, and is judged as if it were not.
    pub claimed: Option<EnclosureId>,
}

impl Store {
    /// Every file that there is, is to be, or was before the budget dropped it, as the budget sees it.
    pub async fn budget_files(&self, view: BudgetView<'_>, now: Timestamp) -> Result<Vec<BudgetFile>> {
        let what = "read what is kept";
        let rows = sqlx::query(
            "SELECT e.id, s.slug, e.stage, e.wanted, e.forgotten, e.file, e.length, e.length_hint, e.discovered,
                 e.info_hash_v1, e.info_hash_v2, e.magnet IS NOT NULL AS has_torrent, e.own_path IS NOT NULL AS own,
                 e.replaced_why, n.magnet IS NOT NULL AS is_succeeded, e.readmitted,
                 ep.id AS episode, ep.date, ep.discovered AS appeared
             FROM enclosures e JOIN shows s ON s.id = e.show_id
             JOIN announcements a ON a.enclosure_id = e.id JOIN episodes ep ON ep.id = a.episode_id
             LEFT JOIN enclosures n ON n.id = e.replaced_by
             WHERE (e.wanted OR e.file IS NOT NULL OR e.expired IS NOT NULL AND e.magnet IS NOT NULL)
             AND (e.stage <> 'withdrawn' OR e.expired IS NOT NULL AND e.replaced_by IS NULL
                 AND NOT ep.withdrawn AND NOT s.withdrawn)
             ORDER BY e.id",
        )
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        let placed = self.placed(view.clients, now).await?;
        let mut files: Vec<BudgetFile> = Vec::new();
        for row in &rows {
            let file = budget_file(row, view.claimed, &placed)?;
            match files.last_mut().filter(|last| last.id == file.id) {
                // Announced by several episodes: the newest counts.
                Some(last) if last.date < file.date => *last = file,
                Some(_) => {}
                None => files.push(file),
            }
        }
        self.add_swarms(&mut files, &placed, now).await?;
        self.add_demand(&mut files, now).await?;
        expect_lengths(&mut files);
        Ok(files)
    }

    /// Where each file stands at clients.
    async fn placed(&self, clients: &HashSet<&str>, now: Timestamp) -> Result<HashMap<i64, Placed>> {
        let what = "read what is kept at clients";
        let rows: Vec<(i64, String, String, bool, String, bool)> = sqlx::query_as(
            "SELECT p.enclosure_id, p.client, p.state, p.added,
                 COALESCE(e.info_hash_v1, '') || ' ' || COALESCE(e.info_hash_v2, ''), COALESCE(p.next_attempt, 0) <= $1
             FROM placements p JOIN enclosures e ON e.id = p.enclosure_id WHERE e.stage <> 'withdrawn' ORDER BY p.id",
        )
        .bind(seconds(now))
        .fetch_all(&self.pool)
        .await
        .doing(what)?;
        // Of one torrent that two shows have, podseed finds the second there already, and has added it all the same.
        let ours: HashSet<(String, String)> = rows
            .iter()
            .filter(|(_, _, _, added, ..)| *added)
            .map(|(_, client, _, _, torrent, _)| (client.clone(), torrent.clone()))
            .collect();
        let mut placed: HashMap<i64, Placed> = HashMap::new();
        for (id, client, state, _, torrent, is_due) in rows {
            let state = word("a placement's state", &state)?;
            let added = ours.contains(&(client.clone(), torrent));
            let place = placed.entry(id).or_default();
            // What is due may be in a worker's hands just now.
            place.is_under_way |= match state {
                PlacementState::Waiting | PlacementState::Checking => true,
                PlacementState::Pending => is_due,
                _ => false,
            };
            place.bond = place.bond.take().or_else(|| bond(&client, state, added, clients));
            if state == PlacementState::Seeding {
                place.seeding.insert(client);
            }
        }
        Ok(placed)
    }

    /// How many others seed, as trackers have last told of each torrent.
    async fn add_swarms(
        &self,
        files: &mut [BudgetFile],
        placed: &HashMap<i64, Placed>,
        now: Timestamp,
    ) -> Result<()> {
        let since = now.checked_sub(SCRAPE_AGE).unwrap_or(Timestamp::MIN);
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT c.enclosure_id, MAX(c.seeders) FROM counters c JOIN sources s ON s.id = c.source_id
             WHERE c.seeders IS NOT NULL AND s.answered >= $1 GROUP BY c.enclosure_id",
        )
        .bind(seconds(since))
        .fetch_all(&self.pool)
        .await
        .doing("read the swarms")?;
        let told: HashMap<i64, u64> = rows.into_iter().map(|(id, seeders)| (id, unsigned(seeders))).collect();
        // One torrent of two files is asked about once, and our clients are in its swarm once.
        let mut swarms: HashMap<String, (Option<u64>, HashSet<&str>)> = HashMap::new();
        for file in files.iter() {
            let Some(torrent) = &file.torrent else { continue };
            let (seeders, ours) = swarms.entry(torrent.clone()).or_default();
            *seeders = (*seeders).max(told.get(&file.id.0).copied());
            ours.extend(
                placed.get(&file.id.0).into_iter().flat_map(|placed| &placed.seeding).map(String::as_str),
            );
        }
        for file in files {
            let swarm = file.torrent.as_ref().and_then(|torrent| swarms.get(torrent));
            file.others =
                swarm.and_then(|(seeders, ours)| Some((*seeders)?.saturating_sub(ours.len() as u64)));
        }
        Ok(())
    }

    /// How often each file was downloaded of late: by the tracker that has counted most, and by what clients gave.
    async fn add_demand(&self, files: &mut [BudgetFile], now: Timestamp) -> Result<()> {
        let since = now.checked_sub(DEMAND_AGE).unwrap_or(Timestamp::MIN);
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT enclosure_id, SUM(completed), SUM(uploaded) FROM figures WHERE day >= $1
             GROUP BY enclosure_id, source_id",
        )
        .bind(seconds(since))
        .fetch_all(&self.pool)
        .await
        .doing("read the demand")?;
        let mut demand: HashMap<i64, (u64, u64)> = HashMap::new();
        for (id, completed, uploaded) in rows {
            let (most, sum) = demand.entry(id).or_default();
            *most = (*most).max(unsigned(completed));
            *sum = sum.saturating_add(unsigned(uploaded));
        }
        for file in files {
            let (completed, uploaded) = demand.get(&file.id.0).copied().unwrap_or_default();
            file.demand = completed.max(uploaded / file.bytes.max(1));
        }
        Ok(())
    }
}

/// What clients have of one file.
#[derive(Default)]
struct Placed {
    /// It is being handed over.
    is_under_way: bool,
    /// Why it cannot be taken back.
    bond: Option<String>,
    /// The clients that seed it.
    seeding: HashSet<String>,
}

/// Why what stands so at a client cannot be taken back from it.
fn bond(client: &str, state: PlacementState, added: bool, clients: &HashSet<&str>) -> Option<String> {
    use PlacementState::{Delivered, Missing, Pending};
    match state {
        Delivered => Some(format!("{client} only watches a folder, and cannot be told to let go")),
        // Nothing of it is there.
        Pending if !added => None,
        Missing => None,
        _ if !clients.contains(client) => Some(format!("{client} has it and is not in the configuration")),
        _ if !added => Some(format!("{client} had it before podseed")),
        _ => None,
    }
}

fn budget_file(
    row: &SqliteRow,
    claimed: Option<EnclosureId>,
    placed: &HashMap<i64, Placed>,
) -> Result<BudgetFile> {
    let what = "read what is kept";
    let stage: String = row.try_get("stage").doing(what)?;
    let stage: Stage = word("a stage", &stage)?;
    let read = || -> std::result::Result<BudgetFile, sqlx::Error> {
        let id: i64 = row.try_get("id")?;
        let name: Option<String> = row.try_get("file")?;
        let has_file = name.is_some();
        let has_torrent: bool = row.try_get("has_torrent")?;
        let why: Option<String> = row.try_get("replaced_why")?;
        let foreign = row.try_get("own")? || row.try_get("forgotten")?;
        let holding = match stage {
            _ if foreign => Holding::Foreign,
            Stage::Withdrawn if has_torrent => Holding::Dropped,
            Stage::Withdrawn => Holding::Wanted,
            Stage::Discovered if !has_file => Holding::Wanted,
            Stage::Downloading if claimed == Some(EnclosureId(id)) => Holding::Wanted,
            Stage::Failed if !has_file => Holding::Fetching,
            Stage::Discovered | Stage::Downloading | Stage::Downloaded => Holding::Fetching,
            _ => match placed.get(&id) {
                Some(Placed { bond: Some(bond), .. }) => Holding::Bound(bond.clone()),
                Some(Placed { is_under_way: true, .. }) => Holding::Fetching,
                _ => Holding::Held,
            },
        };
        let length: Option<i64> = row.try_get("length")?;
        let hint: Option<i64> = row.try_get("length_hint")?;
        let hashes: [Option<String>; 2] = [row.try_get("info_hash_v1")?, row.try_get("info_hash_v2")?];
        let appeared = instant(row.try_get("appeared")?);
        Ok(BudgetFile {
            id: EnclosureId(id),
            show: row.try_get("slug")?,
            name,
            episode: row.try_get("episode")?,
            date: timestamp(row.try_get("date")?).unwrap_or(appeared),
            discovered: appeared,
            holding,
            bytes: match (stage, &why) {
                // The same data has another name by now.
                _ if why.as_deref() == Some("official") => 0,
                (Stage::Failed, _) if !has_file => 0,
                // No length at all says as little as one byte.
                _ => length.or(hint).map_or(1, unsigned).max(1),
            },
            torrent: hashes
                .iter()
                .any(Option::is_some)
                .then(|| hashes.map(Option::unwrap_or_default).join(" ")),
            others: None,
            demand: 0,
            former: why.is_some() && row.try_get("is_succeeded")?,
            readmitted: timestamp(row.try_get("readmitted")?),
            frees: why.as_deref() != Some("official"),
        })
    };
    read().doing(what)
}

/// What is not there yet is as long as its feed claims, if that is anywhere near of what is there of the show, and else
/// as long as that.
fn expect_lengths(files: &mut [BudgetFile]) {
    let mut known: HashMap<String, (u64, u64)> = HashMap::new();
    let is_there = |file: &BudgetFile| matches!(file.holding, Holding::Held | Holding::Bound(_));
    for file in files.iter().filter(|file| is_there(file)) {
        let (sum, count) = known.entry(file.show.clone()).or_default();
        (*sum, *count) = (sum.saturating_add(file.bytes), *count + 1);
    }
    let is_expected = |file: &&mut BudgetFile| file.name.is_none() && file.bytes > 0;
    for file in files.iter_mut().filter(is_expected) {
        let Some(usual) = known.get(&file.show).map(|(sum, count)| sum / count) else { continue };
        if file.bytes.max(usual) / file.bytes.min(usual).max(1) >= FAR_OFF {
            file.bytes = usual;
        }
    }
}

fn instant(seconds: i64) -> Timestamp {
    timestamp(Some(seconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}
