//! From discovered to torrent_ready: one worker takes an enclosure all the way, so that nothing is read twice.
//!
//! The order of effects and records, and what a crash between them leaves:
//! 1. the file is complete under its partial name: the next attempt hashes it again and asks the origin nothing;
//! 2. its final name is on record: a file of that name and length in the show's folder is ours;
//! 3. the file has its final name: the next attempt hashes it there;
//! 4. the .torrent is written: it is written again, with the same bytes;
//! 5. the torrent is on record, and the clients get their placements.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use url::Url;

use super::blocking::blocking;
use super::drain::drain;
use super::keep::{HashPlan, Kept};
use super::monitor::Event;
use super::official::Offer;
use super::{Begin, Error, Pass, Pipeline, Target, lock, own, schedule};
use crate::config::{FeedSource, WebSeeds};
use crate::download::{self, Class, Order, Source};
use crate::http::{self, Advice, Http, Meter};
use crate::model::{DownloadJob, Problem, Traffic};
use crate::torrent::{self, MetainfoRequest};
use crate::{error, fs, inbox};

/// Why one enclosure has no torrent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Download(#[from] download::Error),
    #[error(transparent)]
    File(#[from] fs::Error),
    #[error("cannot hash the file")]
    Hash(#[from] torrent::CreateError),
    #[error("cannot fetch the publisher's own torrent")]
    Offer(#[source] http::Error),
    #[error("it was left unfinished for now")]
    Stopped,
    #[error(transparent)]
    Own(#[from] inbox::Error),
    #[error("{0}")]
    Unusable(String),
}

/// Hosts with transfers under way.
#[derive(Default)]
struct Busy(Mutex<HashMap<String, usize>>);

impl Busy {
    fn full(&self, per_host: usize) -> Vec<String> {
        lock(&self.0).iter().filter(|(_, count)| **count >= per_host).map(|(host, _)| host.clone()).collect()
    }

    fn enter(&self, host: &str) {
        *lock(&self.0).entry(host.to_owned()).or_default() += 1;
    }

    fn leave(&self, host: &str) {
        let mut hosts = lock(&self.0);
        if let Some(count) = hosts.get_mut(host) {
            *count -= 1;
            if *count == 0 {
                hosts.remove(host);
            }
        }
    }
}

impl Pipeline {
    /// Fetches everything that is due, at most `limits.downloads` at a time and `limits.per_host` from one host.
    pub(super) async fn fetch_all(self: &Arc<Self>, pass: &Arc<Pass>) -> Result<(), Error> {
        let limits = &self.config.limits;
        let busy = Arc::new(Busy::default());
        let claim = || async {
            if pass.options.begin == Begin::Clients {
                return Ok(None);
            }
            loop {
                let (full, now) = (busy.full(limits.per_host), self.clock.now());
                let (patient, at_hand) = (pass.options.patient, !self.is_open());
                let job = self.store.claim_download(pass.id, now, patient, &full, at_hand).await?;
                let Some(job) = job else { return Ok(None) };
                if !self.has_space().await? {
                    self.store.return_download(job.id).await?;
                    return Ok(None);
                }
                if self.is_within_budget(&job).await? {
                    busy.enter(&host(&job));
                    return Ok(Some(job));
                }
            }
        };
        let work = |job: DownloadJob| {
            let (pipeline, pass, busy) = (Arc::clone(self), Arc::clone(pass), Arc::clone(&busy));
            async move {
                let done = pipeline.fetch(&job, &pass).await;
                busy.leave(&host(&job));
                if pass.lasting {
                    pipeline.surely(|| pipeline.store.release_enclosure(job.id, pass.id)).await?;
                }
                done?;
                // What a former configuration does not keep, the one in force may.
                match pass.closed.is_cancelled() {
                    true => Ok(()),
                    false => pipeline.look_for_room(job.id).await,
                }
            }
        };
        drain(limits.downloads, &pass.fetchable, &pass.closed, claim, work).await
    }

    async fn fetch(&self, job: &DownloadJob, pass: &Pass) -> Result<(), Error> {
        let Some(show) = pass.show(&job.show) else { return Ok(()) };
        let meter = Meter::new();
        let outcome = self.fetch_and_hash(job, &show, &meter).await?;
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        self.store.record_traffic(job.id, traffic).await?;
        self.tally(|tally| tally.bytes_fetched += traffic.bytes);
        match outcome {
            Ok(kept) => match self.make_torrent(job, &show, &kept).await? {
                Ok(torrent) => {
                    self.store
                        .record_torrent(job.id, &torrent.info_hash, &torrent.magnet, &show.clients)
                        .await?;
                    if kept.official.is_some() {
                        self.joined(job.id).await?;
                    } else {
                        self.store.tell(job.id, self.clock.now(), "torrent made").await?;
                    }
                    self.tally(|tally| tally.torrents_made += 1);
                    self.monitor.event(&Event::TorrentMade {
                        show: job.show.clone(),
                        path: self.folder().torrent(&job.show, &kept.file),
                        info_hash: torrent.info_hash,
                    });
                    // One that is made again gets back what was proven of its source.
                    self.refresh_torrent(job.id, &show).await?;
                    if pass.lasting {
                        self.arrange(pass).await?;
                        pass.comparable.grew();
                    }
                    pass.placeable.grew();
                    Ok(())
                }
                Err(failure) => self.failed(job, &failure).await,
            },
            Err(Failure::Stopped) => Ok(self.store.release_download(job.id).await?),
            Err(Failure::Download(error)) if error.class() == Class::Cancelled => {
                Ok(self.store.release_download(job.id).await?)
            }
            Err(failure) => self.failed(job, &failure).await,
        }
    }

    /// The file under its final name, and its hashes: fetched, or found from an attempt that died.
    async fn fetch_and_hash(
        &self,
        job: &DownloadJob,
        show: &Target,
        meter: &Meter,
    ) -> Result<Result<Kept, Failure>, Error> {
        if let Some(path) = &job.own {
            return self.hash_own(job, path).await;
        }
        let offer = match self.offer(job, show).await? {
            Ok(offer) => offer,
            Err(failure) => return Ok(Err(failure)),
        };
        let plan = offer.as_ref().map_or_else(|| self.own_plan(), Offer::plan);
        if let Some((file, length)) = &job.file {
            let path = self.folder().data(&job.show, file, None);
            if std::fs::metadata(&path).is_ok_and(|found| found.len() == *length) {
                self.store.record_downloaded(job.id).await?;
                // A crash between the name and this leaves the record of the transfer.
                if let Err(error) = download::discard(&self.partial_path(job)) {
                    tracing::warn!(%error, "the record of a finished transfer stays behind");
                }
                return Ok(self.found_again(path, file, offer).await);
            }
            self.store.record_file_gone(job.id).await?;
        }
        if job.replaced {
            return Ok(Err(Failure::Unusable("the file of this former version is gone".to_owned())));
        }
        let partial = match self.partial(job) {
            Ok(partial) => partial,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut order = match self.order(job, show, partial.clone(), plan) {
            Ok(order) => order,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Some(path) = self.copy_of_another_show(job, show).await? {
            order.source = Source::File { path, root: self.folder().media() };
        }
        let http = self.http_for(show);
        let progress = self.monitor.transfer(&label(job));
        match download::fetch(&http, &order, meter, &*progress, &self.stop).await {
            Ok(fetched) => self.keep(job, fetched, &partial, offer, meter).await,
            Err(error) => {
                // What will not change by itself leaves nothing behind.
                if error.class() == Class::Permanent
                    && let Err(error) = download::discard(&partial)
                {
                    tracing::warn!(%error, "a partial file stays behind");
                }
                Ok(Err(error.into()))
            }
        }
    }

    /// The same file, where another show has fetched it. What came with credentials stays with its show.
    async fn copy_of_another_show(&self, job: &DownloadJob, show: &Target) -> Result<Option<PathBuf>, Error> {
        let Some((other, file)) = self.store.fetched_elsewhere(job.id).await? else { return Ok(None) };
        let is_private = |slug: &str| self.config.show(slug).is_some_and(|show| show.auth.is_some());
        let path = self.folder().data(&other, &file, None);
        Ok((show.auth.is_none() && !is_private(&other) && path.is_file()).then_some(path))
    }

    /// A file that has its name since an attempt that died: hashed where it is.
    async fn found_again(&self, path: PathBuf, file: &str, offer: Option<Offer>) -> Result<Kept, Failure> {
        let file = file.to_owned();
        if let Some(offer) = offer.filter(|offer| offer.name() == file) {
            let hashes = self.hash_file(path.clone(), offer.plan()).await?;
            if offer.is_of(&hashes) {
                return Ok(Kept { file, hashes, official: Some(offer) });
            }
        }
        let hashes = self.hash_file(path, self.own_plan()).await?;
        Ok(Kept { file, hashes, official: None })
    }

    /// Writes the .torrent: the publisher's own, byte for byte, or ours.
    async fn make_torrent(
        &self,
        job: &DownloadJob,
        show: &Target,
        kept: &Kept,
    ) -> Result<Result<torrent::Torrent, Failure>, Error> {
        let torrent = match &kept.official {
            Some(offer) => offer.torrent(),
            None => torrent::make(&self.request(job, show, kept)),
        };
        let path = self.folder().torrent(&job.show, &kept.file);
        blocking(move || {
            fs::create_dir(path.parent().unwrap_or(Path::new(".")))?;
            fs::write_atomic(&path, &torrent.metainfo)?;
            Ok(torrent)
        })
        .await
    }

    fn request(&self, job: &DownloadJob, show: &Target, kept: &Kept) -> MetainfoRequest {
        let settings = &self.config.torrent;
        MetainfoRequest {
            trackers: settings.trackers.clone(),
            web_seeds: always_seed(settings.web_seeds, show, &job.enclosure.url).into_iter().collect(),
            comment: job.episode.link.as_deref().map(crate::secret::public_url),
            creation_date: job.episode.date.map(Timestamp::as_second),
            similar: job.former.clone(),
            ..MetainfoRequest::new(own::torrent_name(job, &kept.file), kept.hashes.clone())
        }
    }

    async fn failed(&self, job: &DownloadJob, failure: &Failure) -> Result<(), Error> {
        let now = self.clock.now();
        let message = error::chain(failure);
        let backed_off = async || {
            let failures = self.store.attempts(job.id).await? + 1;
            Ok::<_, Error>(Some(schedule::next_attempt(now, failures, schedule::random())))
        };
        let (next_attempt, asked_to_wait) = match failure {
            Failure::Download(error) => match error.class() {
                Class::Transient { after: Some(after) } => (Some(schedule::after(now, after)), true),
                Class::Transient { after: None } | Class::Space => (backed_off().await?, false),
                Class::Permanent | Class::Cancelled => (None, false),
            },
            Failure::Offer(error) => match error.advice() {
                Advice::Later { after: Some(after) } => (Some(schedule::after(now, after)), true),
                _ => (backed_off().await?, false),
            },
            // The next look at the folder says what has become of it.
            Failure::Own(inbox::Error::Changed { .. } | inbox::Error::Read { .. })
            | Failure::File(fs::Error::DiskFull { .. }) => (backed_off().await?, false),
            Failure::File(_)
            | Failure::Hash(_)
            | Failure::Own(_)
            | Failure::Stopped
            | Failure::Unusable(_) => (None, false),
        };
        let problem = Problem { message, next_attempt, asked_to_wait };
        self.store.record_failure(job.id, &problem).await?;
        self.store.tell(job.id, now, &problem.message).await?;
        self.note_error(&format!("{}: {}: {}", job.show, job.episode.title, problem.message));
        self.monitor.event(&Event::FetchFailed {
            show: job.show.clone(),
            title: label(job),
            error: problem.message,
            next_attempt,
        });
        Ok(())
    }

    /// Where the bytes of an enclosure gather: the same place at each attempt.
    fn partial(&self, job: &DownloadJob) -> Result<PathBuf, fs::Error> {
        fs::create_dir(&self.partial_folder(&job.show))?;
        Ok(self.partial_path(job))
    }

    fn partial_path(&self, job: &DownloadJob) -> PathBuf {
        self.partial_folder(&job.show).join(job.id.0.to_string())
    }

    pub(super) fn partial_folder(&self, show: &str) -> PathBuf {
        self.folder().show_media(show).join(".partial")
    }

    fn order(
        &self,
        job: &DownloadJob,
        show: &Target,
        partial: PathBuf,
        plan: HashPlan,
    ) -> Result<Order, Failure> {
        let limits = &self.config.limits;
        let source = source(&job.enclosure.url, &show.feed)?;
        let auth = match &source {
            Source::Http(url) => show.auth_for(url.reveal()),
            Source::File { .. } => None,
        };
        Ok(Order {
            source,
            auth,
            partial,
            version: plan.version,
            piece_length: plan.piece_length,
            // The names of revisions may need it.
            sha256: show.publishable || !job.former.is_empty(),
            max_length: limits.episode_size,
            min_free: limits.disk_free,
            kinds: show.selection.media.clone(),
        })
    }

    /// The HTTP client for what this show's feed names.
    pub(super) fn http_for(&self, show: &Target) -> Http {
        self.http_for_feed(&show.feed)
    }

    /// The same, where only the feed is known.
    pub(super) fn http_for_feed(&self, feed: &FeedSource) -> Http {
        match feed {
            FeedSource::Url(feed) => self.http.trusting(feed),
            FeedSource::File(_) | FeedSource::Own(_) => self.http.clone(),
        }
    }
}

/// What the enclosure's URL means: only a local feed may name local files, and only below its folder.
fn source(url: &str, feed: &FeedSource) -> Result<Source, Failure> {
    let unusable = |why: &str| Failure::Unusable(format!("{}: {why}", crate::secret::public_url(url)));
    let parsed =
        Url::parse(url).map_err(|error| unusable(&format!("not a URL that can be fetched ({error})")))?;
    match (parsed.scheme(), feed) {
        ("http" | "https", _) => Ok(Source::Http(parsed.into())),
        ("file", FeedSource::File(feed)) => {
            let path = parsed.to_file_path().map_err(|()| unusable("not a path on this machine"))?;
            let root = feed.parent().unwrap_or(Path::new("/")).to_owned();
            Ok(Source::File { path, root })
        }
        ("file", FeedSource::Url(_) | FeedSource::Own(_)) => {
            Err(unusable("a feed from the network may not name local files"))
        }
        _ => Err(unusable("only http and https are fetched")),
    }
}

fn host(job: &DownloadJob) -> String {
    Url::parse(&job.enclosure.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn label(job: &DownloadJob) -> String {
    if job.episode.title.is_empty() {
        crate::secret::public_url(&job.enclosure.url)
    } else {
        job.episode.title.clone()
    }
}

/// The publisher's URL as a web seed, where that needs no proof.
fn always_seed(setting: WebSeeds, show: &Target, url: &str) -> Option<String> {
    let url = show.public_source(url).filter(|_| setting == WebSeeds::Always)?;
    Some(torrent::web_seed_address(&url))
}
