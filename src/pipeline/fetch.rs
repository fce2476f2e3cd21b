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

use super::drain::drain;
use super::monitor::Event;
use super::{Begin, Error, Pass, Pipeline, Target, lock, schedule};
use crate::config::{FeedSource, WebSeeds};
use crate::download::{self, Class, Order, Source};
use crate::hash::{PieceHashes, PieceLength};
use crate::http::{Http, Meter};
use crate::model::name::{self, NameInputs};
use crate::model::{DownloadJob, MediaFile, Problem, Traffic};
use crate::torrent::{self, MetainfoRequest};
use crate::{error, fs};

/// Why one enclosure has no torrent.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Download(#[from] download::Error),
    #[error(transparent)]
    File(#[from] fs::Error),
    #[error("cannot hash the file")]
    Hash(#[from] torrent::CreateError),
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
        let claim = async || {
            if pass.options.begin == Begin::Clients {
                return Ok(None);
            }
            let full = busy.full(limits.per_host);
            let now = Timestamp::now();
            let job = self.store.claim_download(pass.id, now, pass.options.patient, &full).await?;
            Ok(job.inspect(|job| busy.enter(&host(job))))
        };
        let work = |job: DownloadJob| {
            let (pipeline, pass, busy) = (Arc::clone(self), Arc::clone(pass), Arc::clone(&busy));
            async move {
                let done = pipeline.fetch(&job, &pass).await;
                busy.leave(&host(&job));
                done
            }
        };
        drain(limits.downloads, &pass.fetchable, &self.stop, claim, work).await
    }

    async fn fetch(&self, job: &DownloadJob, pass: &Pass) -> Result<(), Error> {
        let Some(show) = pass.show(&job.show) else { return Ok(()) };
        let meter = Meter::new();
        let outcome = self.fetch_and_hash(job, &show, &meter).await?;
        let traffic = Traffic { requests: meter.requests(), bytes: meter.bytes() };
        self.store.record_traffic(job.id, traffic).await?;
        self.tally(|tally| tally.bytes_fetched += traffic.bytes);
        match outcome {
            Ok((file, hashes)) => match self.make_torrent(job, &show, &file, hashes) {
                Ok(torrent) => {
                    self.store
                        .record_torrent(job.id, &torrent.info_hash, &torrent.magnet, &show.clients)
                        .await?;
                    self.store.tell(job.id, Timestamp::now(), "torrent made").await?;
                    self.tally(|tally| tally.torrents_made += 1);
                    self.monitor.event(&Event::TorrentMade {
                        show: job.show.clone(),
                        path: self.folder().torrent(&job.show, &file),
                        info_hash: torrent.info_hash,
                    });
                    // One that is made again gets back what was proven of its source.
                    self.refresh_torrent(job.id, &show).await?;
                    pass.placeable.grew();
                    Ok(())
                }
                Err(failure) => self.failed(job, &failure).await,
            },
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
    ) -> Result<Result<(String, PieceHashes), Failure>, Error> {
        if let Some((file, length)) = &job.file {
            let path = self.folder().show_media(&job.show).join(file);
            if std::fs::metadata(&path).is_ok_and(|found| found.len() == *length) {
                self.store.record_downloaded(job.id).await?;
                // A crash between the name and this leaves the record of the transfer.
                if let Err(error) = download::discard(&self.partial_path(job)) {
                    tracing::warn!(%error, "the record of a finished transfer stays behind");
                }
                return Ok(self.hash_file(path).await.map(|hashes| (file.clone(), hashes)));
            }
            self.store.record_file_gone(job.id).await?;
        }
        let partial = match self.partial(job) {
            Ok(partial) => partial,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut order = match self.order(job, show, partial.clone()) {
            Ok(order) => order,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Some(path) = self.copy_of_another_show(job, show).await? {
            order.source = Source::File { path, root: self.folder().media() };
        }
        let http = self.http_for(show);
        let progress = self.monitor.transfer(&label(job));
        match download::fetch(&http, &order, meter, &*progress, &self.stop).await {
            Ok(fetched) => self.keep(job, fetched, &partial, meter).await,
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
        let is_private =
            |slug: &str| self.config.shows.iter().any(|show| show.slug == slug && show.auth.is_some());
        let path = self.folder().show_media(&other).join(file);
        Ok((show.auth.is_none() && !is_private(&other) && path.is_file()).then_some(path))
    }

    /// Gives a fetched file its name.
    async fn keep(
        &self,
        job: &DownloadJob,
        fetched: download::Fetched,
        partial: &Path,
        meter: &Meter,
    ) -> Result<Result<(String, PieceHashes), Failure>, Error> {
        let bytes = meter.bytes();
        let folder = self.folder().show_media(&job.show);
        for name in names(job, fetched.media.extension) {
            let path = folder.join(&name);
            let is_there = path.symlink_metadata().is_ok();
            if is_there && !self.holds(&path, &fetched.hashes).await {
                continue;
            }
            let file = MediaFile {
                name: name.clone(),
                length: fetched.length,
                media_type: fetched.media.mime.to_owned(),
                etag: fetched.etag.clone(),
                last_modified: fetched.last_modified.clone(),
                sha256: fetched.sha256,
            };
            if self.store.record_fetched(job.id, &file).await?.is_err() {
                continue;
            }
            if !is_there {
                match fs::publish_no_replace(partial, &path) {
                    Ok(()) => {}
                    Err(fs::Error::Exists { .. }) => continue,
                    Err(error) => return Ok(Err(error.into())),
                }
            }
            if let Err(error) = download::discard(partial) {
                tracing::warn!(%error, "the record of a finished transfer stays behind");
            }
            self.store.record_downloaded(job.id).await?;
            self.store
                .tell(job.id, Timestamp::now(), &format!("fetched: {bytes} bytes from the origin"))
                .await?;
            self.tally(|tally| tally.downloaded += 1);
            self.monitor.event(&Event::Fetched {
                show: job.show.clone(),
                file: name.clone(),
                length: fetched.length,
                bytes,
            });
            return Ok(Ok((name, fetched.hashes)));
        }
        Ok(Err(Failure::Unusable(format!(
            "every name for this file is taken in {}; move the files away that podseed has not put there",
            folder.display()
        ))))
    }

    /// Whether this file has the very content that was fetched: ours, from before the state was lost.
    async fn holds(&self, path: &Path, hashes: &PieceHashes) -> bool {
        let is_as_long =
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == hashes.length);
        is_as_long && self.hash_file(path.to_owned()).await.is_ok_and(|found| found == *hashes)
    }

    async fn hash_file(&self, path: PathBuf) -> Result<PieceHashes, Failure> {
        let (version, piece_length) = (self.config.torrent.version, self.piece_length());
        let hashing = tokio::task::spawn_blocking(move || torrent::hash_file(&path, version, piece_length));
        match hashing.await {
            Ok(hashes) => Ok(hashes?),
            Err(error) => Err(Failure::Unusable(format!("hashing has died: {error}"))),
        }
    }

    fn make_torrent(
        &self,
        job: &DownloadJob,
        show: &Target,
        file: &str,
        hashes: PieceHashes,
    ) -> Result<torrent::Torrent, Failure> {
        let settings = &self.config.torrent;
        let torrent = torrent::make(&MetainfoRequest {
            trackers: settings.trackers.clone(),
            web_seeds: always_seed(settings.web_seeds, show, &job.enclosure.url).into_iter().collect(),
            comment: job.episode.link.as_deref().map(crate::secret::public_url),
            creation_date: job.episode.date.map(Timestamp::as_second),
            similar: job.former.clone(),
            ..MetainfoRequest::new(file, hashes)
        });
        let path = self.folder().torrent(&job.show, file);
        fs::create_dir(path.parent().unwrap_or(Path::new(".")))?;
        fs::write_atomic(&path, &torrent.metainfo)?;
        Ok(torrent)
    }

    async fn failed(&self, job: &DownloadJob, failure: &Failure) -> Result<(), Error> {
        let now = Timestamp::now();
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
            Failure::File(fs::Error::DiskFull { .. }) => (backed_off().await?, false),
            Failure::File(_) | Failure::Hash(_) | Failure::Unusable(_) => (None, false),
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
        fs::create_dir(&self.partial_folder(job))?;
        Ok(self.partial_path(job))
    }

    fn partial_path(&self, job: &DownloadJob) -> PathBuf {
        self.partial_folder(job).join(job.id.0.to_string())
    }

    fn partial_folder(&self, job: &DownloadJob) -> PathBuf {
        self.folder().show_media(&job.show).join(".partial")
    }

    fn order(&self, job: &DownloadJob, show: &Target, partial: PathBuf) -> Result<Order, Failure> {
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
            version: self.config.torrent.version,
            piece_length: self.piece_length(),
            sha256: show.publishable,
            max_length: limits.episode_size,
            min_free: limits.disk_free,
            kinds: show.selection.media.clone(),
        })
    }

    /// The HTTP client for what this show's feed names.
    pub(super) fn http_for(&self, show: &Target) -> Http {
        match &show.feed {
            FeedSource::Url(feed) => self.http.trusting(feed),
            FeedSource::File(_) => self.http.clone(),
        }
    }

    fn piece_length(&self) -> Option<PieceLength> {
        self.config.torrent.piece_length
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
        ("file", FeedSource::Url(_)) => Err(unusable("a feed from the network may not name local files")),
        _ => Err(unusable("only http and https are fetched")),
    }
}

fn host(job: &DownloadJob) -> String {
    Url::parse(&job.enclosure.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn label(job: &DownloadJob) -> String {
    if job.episode.title.is_empty() {
        crate::secret::public_url(&job.enclosure.url)
    } else {
        job.episode.title.clone()
    }
}

/// The names that a file may get, the best first: by the recipe, the dated one, and the dated one by its URL.
fn names(job: &DownloadJob, extension: &str) -> Vec<String> {
    let inputs = NameInputs {
        url: &job.enclosure.url,
        date: job.episode.date,
        title: &job.episode.title,
        guid: job.episode.guid.as_deref(),
        media_type: job.enclosure.media_type.as_deref(),
        sniffed_extension: Some(extension),
        repeated: job.repeated,
    };
    vec![
        name::file_name(&inputs),
        name::dated_name(&inputs),
        name::dated_name(&NameInputs { guid: None, ..inputs }),
    ]
}

/// The publisher's URL as a web seed, where that needs no proof.
fn always_seed(setting: WebSeeds, show: &Target, url: &str) -> Option<String> {
    show.public_source(url).filter(|_| setting == WebSeeds::Always).map(String::from)
}
