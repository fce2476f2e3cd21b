//! Looks at sources: whether a publisher's URL still gives everybody the bytes that were fetched from it, and what
//! follows for the web seeds of the torrent.
//!
//! What is planned: a first look right after the torrent is made, then after a day, a week, a month, and every three
//! months, as long as it can lead to a web seed. What is not planned: a feed's hint that the file may be another one
//! (`store::writer`). A look costs three pieces at most, or four requests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::blocking::blocking;
use super::drain::drain;
use super::monitor::Event;
use super::terms::public_address;
use super::{Error, Pass, Pipeline, Target, schedule};
use crate::config::WebSeeds;
use crate::download::{self, Comparison, Finding, Sample};
use crate::http::{self, Advice, Meter};
use crate::model::{CompareJob, Edited, EnclosureId, Look, SeedFacts, SourceState, Traffic};
use crate::store::ShowId;
use crate::torrent::{self, Metainfo};
use crate::{error, fs};

/// How many looks, at different times, prove a source. One alone, right after the download, would also pass where
/// advertising is put in for each listener and day.
pub(super) const PROOF: u64 = 2;
/// What lies at least between two looks that both count.
const APART: Duration = Duration::from_secs(12 * 3600);
/// A source that has just been found replaced and is replaced again within so long is not taken for new versions.
const REVISIONS_APART: Duration = Duration::from_secs(7 * 24 * 3600);
/// Until the next look at a source that cannot be compared.
const LATER: Duration = Duration::from_secs(90 * 24 * 3600);
/// Until the next look at a source that refuses: gone, forbidden, or not to be asked.
const REFUSED: Duration = Duration::from_secs(7 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Pipeline {
    /// Looks at every source that is due, as many at a time as there may be downloads.
    pub(super) async fn compare_all(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        self.arrange(pass).await?;
        self.compare_due(pass).await
    }

    /// Looks at what is planned and due.
    pub(super) async fn compare_due(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        let claim = || async { Ok(self.store.claim_comparison(pass.id, self.clock.now()).await?) };
        let work = |job: CompareJob| {
            let (pipeline, pass) = (Arc::clone(self), Arc::clone(pass));
            async move { pipeline.compare(&job, &pass).await }
        };
        drain(self.config.limits.downloads, &pass.comparable, &pass.closed, claim, work).await
    }

    async fn compare(&self, job: &CompareJob, pass: &Pass) -> Result<(), Error> {
        let Some(show) = pass.show(&job.show) else { return Ok(()) };
        let Some((url, metainfo)) = self.comparable(job, &show) else {
            let later = schedule::after(self.clock.now(), LATER);
            return Ok(self.store.put_off_look(job.id, Some(later), false).await?);
        };
        let meter = Meter::new();
        let http = self.http_for(&show);
        let comparison = Comparison {
            url: &url,
            auth: show.auth_for(&url),
            length: metainfo.length(),
            piece_length: metainfo.piece_length,
            samples: samples(&metainfo, job),
        };
        let look = self.stop.run_until_cancelled(download::compare(&http, &comparison, &meter)).await;
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        self.store.record_traffic(job.id, traffic).await?;
        match look {
            Some(Ok(finding)) => self.found(job, &show, finding, pass).await?,
            Some(Err(failure)) => self.look_failed(job, &failure).await?,
            None => self.store.put_off_look(job.id, Some(self.clock.now()), false).await?,
        }
        self.refresh_torrent(job.id, &show).await.map(drop)
    }

    /// What can be compared: a source on the network, and pieces that a client could ask for as well.
    fn comparable(&self, job: &CompareJob, show: &Target) -> Option<(Url, Metainfo)> {
        let url = Url::parse(&job.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let metainfo = self.read_torrent(&job.show, &job.file).ok()?;
        (job.hinted || self.is_planned(show, job)).then_some((url, metainfo))
    }

    /// The .torrent of a file that has one.
    pub(super) fn read_torrent(&self, show: &str, file: &str) -> Result<Metainfo, fs::Error> {
        let path = self.folder().torrent(show, file);
        let bytes = fs::read(&path, torrent::MAX_LENGTH as u64)?;
        torrent::parse(&bytes).map_err(|error| {
            fs::Error::io("read", &path, std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })
    }

    async fn found(
        &self,
        job: &CompareJob,
        show: &Target,
        finding: Finding,
        pass: &Pass,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let state = |source, checks, next| Look { source, checks, next };
        let (look, story) = match finding {
            Finding::Same if job.source == SourceState::ChangedOnce => (
                state(SourceState::ChangesPerRequest, 0, None),
                "the source gives the same bytes again, and gave others at the last look: it changes by itself, and \
                 is neither a web seed nor fetched again"
                    .to_owned(),
            ),
            Finding::Same => {
                // Two looks in a row are one: what is put in for a listener may stay the same for an hour.
                let apart = job.checked.is_none_or(|last| schedule::after(last, APART) <= now);
                let checks = if apart { job.checks + 1 } else { job.checks.max(1) };
                let next = schedule::next_look(now, checks, schedule::random());
                let next = self.is_planned(show, job).then_some(next);
                let so_far = if checks < PROOF { "; a second look at another time is needed for a web seed" } else { "" };
                let story = format!("compared with its source: the same bytes{so_far}");
                (state(SourceState::Stable, checks, next), story)
            }
            Finding::Varies => (
                state(SourceState::ChangesPerRequest, 0, None),
                "the source gives other bytes at each request, as with advertising put in for each listener: it is \
                 no web seed, and there is no new version to fetch"
                    .to_owned(),
            ),
            Finding::NoRanges => {
                let next = self.is_planned(show, job).then(|| schedule::after(now, LATER));
                (
                    state(SourceState::Unknown, 0, next),
                    "the source does not serve ranges, so it cannot be compared and is no web seed".to_owned(),
                )
            }
            Finding::Other { length } => return self.found_other(job, length, now, pass).await,
        };
        self.store.record_look(job.id, &look, now).await?;
        Ok(self.store.tell(job.id, now, &story).await?)
    }

    /// The source has other bytes, the same ones twice in a row.
    async fn found_other(
        &self,
        job: &CompareJob,
        length: u64,
        now: Timestamp,
        pass: &Pass,
    ) -> Result<(), Error> {
        let soon_again = job.revised.is_some_and(|revised| schedule::after(revised, REVISIONS_APART) > now);
        let changes = |source, next| Look { source, checks: 0, next };
        let (look, story) = if soon_again {
            (
                changes(SourceState::ChangesPerRequest, None),
                "the source gives other bytes again, within a week of the last time: it changes by itself, and is \
                 neither a web seed nor fetched again"
                    .to_owned(),
            )
        } else if !job.wanted {
            (
                changes(SourceState::ChangedOnce, None),
                "the publisher has replaced this file; it is not wanted any more, so the new one is not fetched"
                    .to_owned(),
            )
        } else if job.hinted || job.checked.is_some() {
            self.store.revise(job.id, now).await?;
            pass.fetchable.grew();
            self.monitor.event(&Event::Warning {
                show: job.show.clone(),
                text: format!("the publisher has replaced {}; the new file is fetched", job.file),
            });
            return Ok(());
        } else {
            // A file that is another one when it was only just fetched: more likely a source that changes by the day.
            (
                changes(SourceState::ChangedOnce, Some(schedule::after(now, DAY))),
                format!(
                    "the source already gives other bytes ({length} in all): it is looked at once more before the \
                     file counts as replaced"
                ),
            )
        };
        self.store.record_look(job.id, &look, now).await?;
        Ok(self.store.tell(job.id, now, &story).await?)
    }

    /// Whether looks can lead to a web seed, so that there are more than the feed gives reasons for.
    fn is_planned(&self, show: &Target, job: &CompareJob) -> bool {
        self.config.torrent.web_seeds == WebSeeds::Verified
            && !job.official
            && show.public_source(&job.url).is_some()
    }

    async fn look_failed(&self, job: &CompareJob, failure: &http::Error) -> Result<(), Error> {
        let now = self.clock.now();
        let backed_off = schedule::next_attempt(now, job.failures + 1, schedule::random());
        let next = match failure.advice() {
            Advice::Never => schedule::after(now, REFUSED),
            Advice::Later { after: Some(pause) } => schedule::after(now, pause).max(backed_off),
            Advice::Later { after: None } => backed_off,
        };
        self.store.put_off_look(job.id, Some(next), true).await?;
        let story = format!("could not be compared with its source: {}", error::chain(failure));
        Ok(self.store.tell(job.id, now, &story).await?)
    }

    /// Writes the .torrent again where its web seeds are not those that follow from what is known: the publisher's
    /// URL where it is proven (or always wanted), and the file on our own site where it is published. Does nothing
    /// for what is up to date, and may be called at any time. The publisher's own torrent stays as he made it.
    ///
    /// Clients that have the torrent are told nothing: they have all of the data and need no source for it. It is for
    /// those who fetch the .torrent, or follow the magnet link, from now on. Says whether it is as it is to be.
    pub async fn refresh_torrent(&self, id: EnclosureId, show: &Target) -> Result<bool, Error> {
        let facts = self.store.seed_facts(&[id]).await?;
        let is_wanted = !facts.is_empty();
        let planned = facts.into_iter().filter_map(|facts| {
            let source = show.public_source(&facts.url);
            self.plan_seeds(facts, source)
        });
        let Refreshed { edited, others } = refresh(planned.collect()).await?;
        if !edited.is_empty() {
            self.store.record_edited(&edited).await?;
        }
        Ok(!is_wanted || !edited.is_empty() || !others.is_empty())
    }

    /// The same for files of a show that are about to come to the site. Gives the magnet links of those that are as they
    /// are to be.
    pub(super) async fn refresh_for_site(
        &self,
        show: ShowId,
        files: &[EnclosureId],
    ) -> Result<HashMap<EnclosureId, String>, Error> {
        let facts = self.store.seed_facts(files).await?;
        let planned = facts.into_iter().filter_map(|facts| {
            let source = public_address(&facts.url);
            self.plan_seeds(SeedFacts { published: true, ..facts }, source)
        });
        let Refreshed { edited, others } = refresh(planned.collect()).await?;
        if !edited.is_empty() {
            self.store.record_edited_for_site(show, &edited).await?;
        }
        Ok(edited.into_iter().chain(others).map(|edited| (edited.id, edited.magnet)).collect())
    }

    fn plan_seeds(&self, facts: SeedFacts, source: Option<Url>) -> Option<SeedPlan> {
        if facts.official {
            return None;
        }
        let publishers = self.publishers_seed(source, &facts);
        let wanted = self.own_seed(&facts).iter().chain(&publishers).map(torrent::web_seed_address).collect();
        let path = self.folder().torrent(&facts.show, &facts.file);
        Some(SeedPlan { path, wanted, web_seed: publishers.is_some(), facts })
    }

    fn publishers_seed(&self, source: Option<Url>, facts: &SeedFacts) -> Option<Url> {
        let proven = facts.source == SourceState::Stable && facts.checks >= PROOF;
        let wanted = match self.config.torrent.web_seeds {
            WebSeeds::Always => true,
            WebSeeds::Verified => proven,
            WebSeeds::Never => false,
        };
        source.filter(|_| wanted && facts.current)
    }

    /// The file on our own site.
    fn own_seed(&self, facts: &SeedFacts) -> Option<Url> {
        let publish = &self.config.publish;
        let mut url = publish.base_url.clone().filter(|_| publish.web_seed && facts.published)?;
        url.path_segments_mut().ok()?.pop_if_empty().extend([&facts.show, "media", &facts.file]);
        Some(url)
    }
}

/// .torrents that are as they are to be.
struct Refreshed {
    /// This is to be recorded of them.
    edited: Vec<Edited>,
    /// This is on record already.
    others: Vec<Edited>,
}

/// Writes the .torrents that are to have other web seeds.
async fn refresh(planned: Vec<SeedPlan>) -> Result<Refreshed, Error> {
    let work = move || planned.iter().filter_map(SeedPlan::carry_out).collect::<Vec<_>>();
    let (others, edited): (Vec<_>, Vec<_>) =
        blocking(work).await?.into_iter().partition(|(_, is_recorded)| *is_recorded);
    let bare = |all: Vec<(Edited, bool)>| all.into_iter().map(|(edited, _)| edited).collect();
    Ok(Refreshed { edited: bare(edited), others: bare(others) })
}

/// The web seeds that a torrent is to have.
struct SeedPlan {
    facts: SeedFacts,
    path: PathBuf,
    wanted: Vec<String>,
    /// Whether the publisher's address is among them.
    web_seed: bool,
}

impl SeedPlan {
    /// Writes the .torrent again if it has others. Gives what is to be recorded of it, and whether it is already;
    /// `None` where it cannot be read or written, or is another one.
    fn carry_out(&self) -> Option<(Edited, bool)> {
        let bytes = fs::read(&self.path, torrent::MAX_LENGTH as u64).ok()?;
        let metainfo = torrent::parse(&bytes).ok()?;
        if Some(metainfo.info_hash) != self.facts.info_hash {
            return None;
        }
        if metainfo.web_seeds != self.wanted
            && !write_edited(&self.path, &bytes, &self.wanted, &metainfo.trackers)
        {
            return None;
        }
        let magnet = Metainfo { web_seeds: self.wanted.clone(), ..metainfo }.magnet();
        let is_recorded = magnet == self.facts.magnet && self.web_seed == self.facts.web_seed;
        Some((Edited { id: self.facts.id, magnet, web_seed: self.web_seed }, is_recorded))
    }
}

/// Writes a .torrent with other web seeds and trackers. What fails, as on a full disk, is tried again when they are
/// next looked at.
pub(super) fn write_edited(
    path: &Path,
    bytes: &[u8],
    web_seeds: &[String],
    trackers: &[Vec<String>],
) -> bool {
    let Ok(edited) = torrent::edit(bytes, web_seeds, trackers) else { return false };
    match fs::write_atomic(path, &edited) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "web seeds or trackers of a torrent are out of date");
            false
        }
    }
}

/// The pieces to ask for in this look: they follow from the torrent, and from how many looks there were.
fn samples(metainfo: &Metainfo, job: &CompareJob) -> Vec<Sample> {
    let identity = match (metainfo.info_hash.v1(), metainfo.info_hash.v2()) {
        (Some(v1), _) => u64::from_be_bytes(first_bytes(&v1.0)),
        (None, Some(v2)) => u64::from_be_bytes(first_bytes(&v2.0)),
        (None, None) => 0,
    };
    download::sample_pieces(metainfo.pieces(), identity, job.checks)
        .into_iter()
        .filter_map(|piece| metainfo.piece(piece).map(|(range, hash)| Sample { range, hash }))
        .collect()
}

fn first_bytes(hash: &[u8]) -> [u8; 8] {
    hash.first_chunk().copied().unwrap_or_default()
}
