//! Where everything stands, as a document: what `podseed status --json` prints and `/status.json` answers. Other programs
//! rely on its shape.

use std::collections::HashSet;

use serde::Serialize;

use crate::model::{Stage, StageCounts};
use crate::store::{EnclosureStatus, EpisodeStatus, PlacementStatus, ShowStatus};

/// How many enclosures are at each stage.
pub fn stage_counts(shows: &[ShowStatus]) -> StageCounts {
    let mut counts = StageCounts::new();
    let enclosures = shows.iter().flat_map(|show| &show.episodes).flat_map(|episode| &episode.enclosures);
    // A file that two episodes announce is listed with both, and is one file.
    let mut seen = HashSet::new();
    for enclosure in enclosures.filter(|enclosure| seen.insert(enclosure.id)) {
        *counts.entry(enclosure.stage).or_default() += 1;
    }
    counts
}

/// The document.
#[derive(Serialize)]
pub struct StatusJson {
    shows: Vec<ShowJson>,
    totals: TotalsJson,
}

impl StatusJson {
    /// Of these shows.
    pub fn new(shows: &[ShowStatus]) -> Self {
        Self {
            shows: shows.iter().map(ShowJson::new).collect(),
            totals: TotalsJson::new(&stage_counts(shows)),
        }
    }
}

/// How the document begins.
const BEGINNING: &str = r#"{"shows":["#;

/// The document, show by show: a million enclosures as one text would take a gigabyte.
#[derive(Default)]
pub(super) struct StatusText {
    counts: StageCounts,
    is_begun: bool,
}

impl StatusText {
    /// What comes next, where this is the next show.
    pub(super) fn show(&mut self, show: &ShowStatus) -> serde_json::Result<String> {
        for (stage, count) in stage_counts(std::slice::from_ref(show)) {
            *self.counts.entry(stage).or_default() += count;
        }
        let text = serde_json::to_string(&ShowJson::new(show))?;
        let before = if std::mem::replace(&mut self.is_begun, true) { "," } else { BEGINNING };
        Ok(format!("{before}{text}"))
    }

    /// What comes last.
    pub(super) fn end(self) -> serde_json::Result<String> {
        let totals = serde_json::to_string(&TotalsJson::new(&self.counts))?;
        let before = if self.is_begun { "" } else { BEGINNING };
        Ok(format!("{before}],\"totals\":{totals}}}"))
    }
}

#[derive(Serialize)]
struct TotalsJson {
    discovered: u64,
    downloaded: u64,
    torrent_ready: u64,
    handed_over: u64,
    seeding: u64,
    failed: u64,
}

impl TotalsJson {
    fn new(counts: &StageCounts) -> Self {
        let at = |stage| counts.get(&stage).copied().unwrap_or_default();
        Self {
            discovered: at(Stage::Discovered) + at(Stage::Downloading),
            downloaded: at(Stage::Downloaded),
            torrent_ready: at(Stage::TorrentReady),
            handed_over: at(Stage::HandedOver),
            seeding: at(Stage::Seeding),
            failed: at(Stage::Failed),
        }
    }
}

#[derive(Serialize)]
struct ShowJson {
    show: String,
    title: String,
    feed: String,
    last_poll: Option<String>,
    next_poll: Option<String>,
    error: Option<String>,
    published: bool,
    episodes: Vec<EpisodeJson>,
}

impl ShowJson {
    fn new(show: &ShowStatus) -> Self {
        Self {
            show: show.show.clone(),
            title: show.title.clone(),
            feed: crate::secret::public_url(&show.feed),
            last_poll: show.last_poll.map(|time| time.to_string()),
            next_poll: show.next_poll.map(|time| time.to_string()),
            error: show.error.clone(),
            published: show.published,
            episodes: show.episodes.iter().map(|episode| EpisodeJson::new(episode, &show.show)).collect(),
        }
    }
}

#[derive(Serialize)]
struct EpisodeJson {
    guid: Option<String>,
    title: String,
    date: Option<String>,
    enclosures: Vec<EnclosureJson>,
}

impl EpisodeJson {
    fn new(episode: &EpisodeStatus, show: &str) -> Self {
        Self {
            guid: episode.guid.as_deref().map(crate::secret::public_url),
            title: episode.title.clone(),
            date: episode.date.map(|time| time.to_string()),
            enclosures: episode
                .enclosures
                .iter()
                .map(|enclosure| EnclosureJson::new(enclosure, show))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct EnclosureJson {
    url: String,
    stage: &'static str,
    length: Option<u64>,
    file: Option<String>,
    torrent: Option<String>,
    info_hash: InfoHashJson,
    magnet: Option<String>,
    published: bool,
    placements: Vec<PlacementJson>,
    attempts: u64,
    next_attempt: Option<String>,
    error: Option<String>,
}

#[derive(Serialize)]
struct InfoHashJson {
    v1: Option<String>,
    v2: Option<String>,
}

impl EnclosureJson {
    fn new(enclosure: &EnclosureStatus, show: &str) -> Self {
        let hash = enclosure.info_hash;
        let file = enclosure.file.as_ref();
        Self {
            url: crate::secret::public_url(&enclosure.url),
            stage: enclosure.stage.as_str(),
            length: enclosure.length,
            file: enclosure.own.clone().or_else(|| file.map(|file| format!("media/{show}/{file}"))),
            torrent: file.filter(|_| hash.is_some()).map(|file| format!("torrents/{show}/{file}.torrent")),
            info_hash: InfoHashJson {
                v1: hash.and_then(|hash| hash.v1()).map(|hash| hash.to_string()),
                v2: hash.and_then(|hash| hash.v2()).map(|hash| hash.to_string()),
            },
            magnet: enclosure.magnet.clone(),
            published: enclosure.published.is_some(),
            placements: enclosure.placements.iter().map(PlacementJson::new).collect(),
            attempts: enclosure.attempts,
            next_attempt: enclosure.next_attempt.map(|time| time.to_string()),
            error: enclosure.error.clone(),
        }
    }
}

/// Where an enclosure stands at one client, as `status` and `why` print it.
#[derive(Serialize)]
pub struct PlacementJson {
    client: String,
    state: &'static str,
    uploaded_bytes: u64,
    error: Option<String>,
    proven: Option<String>,
    proof_error: Option<String>,
}

impl PlacementJson {
    /// From what the state says.
    pub fn new(placement: &PlacementStatus) -> Self {
        Self {
            client: placement.client.clone(),
            state: placement.state.as_str(),
            uploaded_bytes: placement.uploaded_bytes,
            error: placement.error.clone(),
            proven: placement.proven.map(|time| time.to_string()),
            proof_error: placement.proof_error.clone(),
        }
    }
}
