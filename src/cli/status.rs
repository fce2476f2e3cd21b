//! `podseed status`: where everything stands.

use std::collections::HashSet;

use clap::Args;
use serde::Serialize;

use super::output::{data, json, plain, title, without_name};
use super::{Context, Error, Outcome};
use crate::config::FeedSource;
use crate::model::{Stage, StageCounts};
use crate::pipeline;
use crate::store::{EnclosureStatus, EpisodeStatus, PlacementStatus, ShowStatus, Store};
use crate::units::ByteSize;

/// Every enclosure with its stage, its placements, its last error and its next attempt
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only this show
    show: Option<String>,
}

pub(super) async fn run(args: &StatusArgs, context: &Context) -> Result<Outcome, Error> {
    let folder = context.data_folder()?;
    let store = Store::open_existing(&folder.state()).await?;
    let shows = store.status(args.show.as_deref()).await?;
    if let Some(show) = args.show.as_ref().filter(|_| shows.is_empty()) {
        return Err(Error::Usage(format!(
            "there is no show \"{show}\"; `podseed status` lists what there is"
        )));
    }
    let totals = totals(&shows);
    if context.json {
        let shows = shows.iter().map(ShowJson::new).collect();
        json(&StatusJson { shows, totals: TotalsJson::new(&totals) });
    } else {
        for show in &shows {
            let unpublished = pipeline::basis(&store.show_facts(&show.show).await?, None).err();
            print_show(show, unpublished.as_deref());
        }
        print_totals(&totals);
    }
    Ok(Outcome::Done)
}

fn totals(shows: &[ShowStatus]) -> StageCounts {
    let mut counts = StageCounts::new();
    let enclosures = shows.iter().flat_map(|show| &show.episodes).flat_map(|episode| &episode.enclosures);
    // A file that two episodes announce is listed with both, and is one file.
    let mut seen = HashSet::new();
    for enclosure in enclosures.filter(|enclosure| seen.insert(enclosure.id)) {
        *counts.entry(enclosure.stage).or_default() += 1;
    }
    counts
}

fn print_show(show: &ShowStatus, unpublished: Option<&str>) {
    data(format_args!("{}  {}", show.show, title(&show.title)));
    match (&show.error, show.last_poll) {
        (Some(error), _) if is_own(show) => data(format_args!("  {}", plain(error))),
        (None, Some(last)) if is_own(show) => data(format_args!("  own files, looked at {last}")),
        (None, None) if is_own(show) => data("  own files"),
        (Some(error), _) => data(format_args!("  feed: {}", plain(error))),
        (None, Some(last)) => data(format_args!("  feed read {last}")),
        (None, None) => data("  feed not read yet"),
    }
    match unpublished {
        _ if show.published => data("  on the site"),
        Some(reason) if show.last_poll.is_some() || is_own(show) => {
            data(format_args!("  not published: {}", plain(reason)));
        }
        _ => {}
    }
    for episode in &show.episodes {
        for enclosure in &episode.enclosures {
            print_enclosure(episode, enclosure);
        }
    }
    data("");
}

/// Whether it has no feed.
fn is_own(show: &ShowStatus) -> bool {
    matches!(FeedSource::parse(&show.feed), FeedSource::Own(_))
}

fn print_enclosure(episode: &EpisodeStatus, enclosure: &EnclosureStatus) {
    let date = episode.date.map(|date| date.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    let size = enclosure.length.map(|length| ByteSize(length).to_string()).unwrap_or_default();
    let former = if enclosure.replaced { "  (former version)" } else { "" };
    data(format_args!("  {:<13} {date:<10} {size:>9}  {}{former}", enclosure.stage, title(&episode.title)));
    if let Some(error) = &enclosure.error {
        data(format_args!("      {}", plain(error)));
    }
    if let Some(next) = enclosure.next_attempt {
        data(format_args!("      next attempt {next}, after {} so far", enclosure.attempts));
    }
    if let Some(path) = &enclosure.own {
        data(format_args!("      {}", plain(path)));
    }
    for placement in &enclosure.placements {
        let uploaded = match placement.uploaded_bytes {
            0 => String::new(),
            bytes => format!(", {} given", ByteSize(bytes)),
        };
        // Once the enclosure itself shows the error, it is not said twice.
        let error = placement.error.as_ref().filter(|error| enclosure.error.as_ref() != Some(error));
        let error = error
            .map(|error| format!(": {}", plain(without_name(&placement.client, error))))
            .unwrap_or_default();
        data(format_args!("      {}: {}{uploaded}{error}", placement.client, placement.state));
    }
}

fn print_totals(totals: &StageCounts) {
    let parts: Vec<_> = totals.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
    data(if parts.is_empty() { "nothing yet".to_owned() } else { parts.join(", ") });
}

#[derive(Serialize)]
struct StatusJson {
    shows: Vec<ShowJson>,
    totals: TotalsJson,
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
            guid: episode.guid.clone(),
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
pub(super) struct PlacementJson {
    client: String,
    state: &'static str,
    uploaded_bytes: u64,
    error: Option<String>,
}

impl PlacementJson {
    pub(super) fn new(placement: &PlacementStatus) -> Self {
        Self {
            client: placement.client.clone(),
            state: placement.state.as_str(),
            uploaded_bytes: placement.uploaded_bytes,
            error: placement.error.clone(),
        }
    }
}
