//! What a run would do, without doing it: the feeds are read for real, into a copy of the state that is thrown away.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;

use super::monitor::{Event, Monitor};
use super::{Begin, DataFolder, Environment, Error, Pass, PassOptions, Pipeline, Target, basis, lock};
use crate::config::Config;
use crate::download::Progress;
use crate::model::name::{self, NameInputs};
use crate::model::{EnclosureId, PlacementState, Stage};
use crate::secret::public_url;
use crate::store::{EnclosureStatus, EpisodeStatus, ShowStatus, Store};

/// What would happen.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// By show.
    pub shows: Vec<PlannedShow>,
}

/// What would happen for one show.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedShow {
    /// The slug.
    pub show: String,
    /// The title.
    pub title: String,
    /// Why the feed cannot be read.
    pub error: Option<String>,
    /// Why nothing of it would be published.
    pub unpublished: Option<String>,
    /// What there is to do, and what there would be if the user did something.
    pub enclosures: Vec<PlannedEnclosure>,
}

/// What would happen to one enclosure.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedEnclosure {
    /// Where it is fetched from.
    pub url: String,
    /// The episode's title.
    pub title: String,
    /// The length that is known, or that the feed claims.
    pub length: Option<u64>,
    /// Why: the rule that wants it, or what it waits for.
    pub why: String,
    /// In order: `fetch it as NAME`, `make NAME.torrent`, `hand it over to CLIENT`, `publish it`; or `take it out of
    /// CLIENT`, `take it off the site`, `delete it`.
    pub steps: Vec<String>,
}

/// Reads the feeds of these shows and says what a run would do. Neither the state nor any folder or client is
/// touched.
pub async fn plan(config: &Arc<Config>, targets: &[Target]) -> Result<Plan, Error> {
    let folder = DataFolder::new(&config.data_dir);
    let (store, _scratch) = Store::open_copy(&folder.state()).await?;
    let failures = Arc::new(Failures::default());
    let monitor = Arc::clone(&failures) as Arc<dyn Monitor>;
    let pipeline =
        Arc::new(Pipeline::with_store(Arc::clone(config), store, None, Environment::new(monitor))?);
    let options = PassOptions { wait: Duration::ZERO, patient: false, begin: Begin::Feeds, whole: true };
    let pass = Arc::new(Pass::new(pipeline.clock.now().as_microsecond(), options, &pipeline));
    pipeline.poll_all(targets, &pass).await?;
    let dropped = pipeline.judge_budget(None).await?.dropped.into_iter().map(|file| file.id).collect();
    let mut shows = Vec::new();
    let in_pass: Vec<_> =
        lock(&pass.shows).iter().map(|(slug, target)| (slug.clone(), Arc::clone(target))).collect();
    for (slug, target) in in_pass {
        let unpublished = basis(&pipeline.store.show_facts(&slug).await?, None).err();
        for show in pipeline.store.status(Some(&slug)).await? {
            shows.push(planned_show(&show, &target, unpublished.clone(), &dropped));
        }
    }
    shows.extend(failures.of_unknown_shows(&shows));
    Ok(Plan { shows })
}

/// Keeps what goes wrong with feeds that have no show yet.
#[derive(Default)]
struct Failures(Mutex<BTreeMap<String, String>>);

impl Failures {
    fn of_unknown_shows(&self, known: &[PlannedShow]) -> Vec<PlannedShow> {
        let failures = lock(&self.0);
        let unknown = failures.iter().filter(|(show, _)| known.iter().all(|known| known.show != **show));
        unknown
            .map(|(show, error)| PlannedShow {
                show: show.clone(),
                title: String::new(),
                error: Some(error.clone()),
                unpublished: None,
                enclosures: Vec::new(),
            })
            .collect()
    }
}

impl Monitor for Failures {
    fn event(&self, event: &Event) {
        if let Event::PollFailed { show, error } = event {
            lock(&self.0).insert(show.clone(), error.clone());
        }
    }

    fn transfer(&self, _label: &str) -> Arc<dyn Progress> {
        Arc::new(())
    }
}

fn planned_show(
    show: &ShowStatus,
    target: &Target,
    unpublished: Option<String>,
    dropped: &HashSet<EnclosureId>,
) -> PlannedShow {
    // What several episodes announce is fetched once, for the first of them that wants it.
    let mut seen = HashSet::new();
    let (wanting, others): (Vec<_>, Vec<_>) = show.episodes.iter().partition(|episode| episode.wanted);
    let enclosures = wanting
        .into_iter()
        .chain(others)
        .flat_map(|episode| episode.enclosures.iter().map(move |enclosure| (episode, enclosure)))
        .filter(|(_, enclosure)| seen.insert(enclosure.id))
        .filter_map(|(episode, enclosure)| {
            if dropped.contains(&enclosure.id) {
                return Some(planned_end(episode, enclosure));
            }
            let mut planned = planned_enclosure(episode, enclosure, target)?;
            if unpublished.is_none() {
                planned.steps.push("publish it".to_owned());
            }
            Some(planned)
        })
        .collect();
    PlannedShow {
        show: show.show.clone(),
        title: show.title.clone(),
        error: show.error.clone(),
        unpublished,
        enclosures,
    }
}

/// What is to be done with a file that is not kept any more.
fn planned_end(episode: &EpisodeStatus, enclosure: &EnclosureStatus) -> PlannedEnclosure {
    let out = enclosure.placements.iter().map(|placement| format!("take it out of {}", placement.client));
    let steps = out.chain(["take it off the site".to_owned(), "delete it".to_owned()]).collect();
    described(episode, enclosure, enclosure.error.clone().unwrap_or_default(), steps)
}

/// What there is to do; `None` when nothing is.
fn planned_enclosure(
    episode: &EpisodeStatus,
    enclosure: &EnclosureStatus,
    target: &Target,
) -> Option<PlannedEnclosure> {
    let own = enclosure.own.as_deref().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
    let name = enclosure.file.clone().or(own).unwrap_or_else(|| likely_name(episode, enclosure));
    let mut steps = Vec::new();
    match enclosure.stage {
        Stage::Discovered | Stage::Downloading => {
            if enclosure.own.is_none() {
                steps.push(format!("fetch it as {name}"));
            }
            steps.push(format!("make {name}.torrent"));
        }
        Stage::Downloaded => steps.push(format!("make {name}.torrent")),
        Stage::Failed if enclosure.info_hash.is_none() => {
            return Some(described(
                episode,
                enclosure,
                "it has failed and waits for `podseed retry`".to_owned(),
                steps,
            ));
        }
        Stage::Withdrawn => return None,
        _ => {}
    }
    let settled = |client: &str| {
        let of_client = enclosure.placements.iter().find(|placement| placement.client == client);
        of_client.is_some_and(|placement| match placement.state {
            PlacementState::Seeding | PlacementState::Delivered | PlacementState::Missing => true,
            // By the user's will.
            PlacementState::Stopped => placement.next_attempt.is_none(),
            _ => false,
        })
    };
    let open = target.clients.iter().filter(|client| !settled(client));
    steps.extend(open.map(|client| format!("hand it over to {client}")));
    (!steps.is_empty()).then(|| described(episode, enclosure, episode.verdict.clone(), steps))
}

fn described(
    episode: &EpisodeStatus,
    enclosure: &EnclosureStatus,
    why: String,
    steps: Vec<String>,
) -> PlannedEnclosure {
    PlannedEnclosure {
        url: public_url(&enclosure.url),
        title: episode.title.clone(),
        length: enclosure.length.or(enclosure.length_hint),
        why,
        steps,
    }
}

/// The name as far as the feed tells: the file's first bytes may still give it another extension.
fn likely_name(episode: &EpisodeStatus, enclosure: &EnclosureStatus) -> String {
    name::file_name(&NameInputs {
        url: &enclosure.url,
        date: episode.date,
        title: &episode.title,
        guid: episode.guid.as_deref(),
        media_type: enclosure.media_type.as_deref(),
        sniffed_extension: None,
        repeated: enclosure.repeated,
    })
}
