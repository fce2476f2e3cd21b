//! Publishing: brings the site up to date with the state, and only where something of it has changed.
//!
//! What is due, the state knows by itself (`shows.publish_due`). The site is changed first and the record follows, so
//! that a crash between them does the same once more, with the same result.

use std::collections::HashMap;

use jiff::Timestamp;

use super::blocking::blocking;
use super::draft::SiteDraft;
use super::monitor::Event;
use super::published::{self, Inputs};
use super::{Error, Pipeline};
use crate::model::{EnclosureId, OwnFile, PublishedShow, ShowCard};
use crate::publish::site::{self, Site, SitePath, Written};
use crate::publish::{Options, SiteFile};
use crate::store::{DueShow, EpisodeRecord, FileRecord, Published, ShowFacts};
use crate::{error, torrent};

/// Shows that are published in one step, at most.
const SHOWS_AT_ONCE: usize = 200;
/// Bytes that one draft gathers in memory; the show that goes beyond is its last.
const LARGEST_DRAFT: usize = 16 << 20;
/// The setting that remembers how the site was last written.
const SETTINGS: &str = "site";
/// The setting that remembers that each show has a list of its own, so that a site that becomes a little smaller is not
/// written anew.
const LISTS: [&str; 2] = ["site lists", "by show"];
/// So many torrents stand in one list: some MiB that each publication writes.
const MOST_LISTED: u64 = 20_000;
/// Another one when the same state becomes other files.
const FORMAT: u32 = 1;

/// Why the site could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error("cannot write the site")]
    Site(#[from] site::Error),
}

impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::Pipeline(error.into())
    }
}

/// One bringing up to date.
pub(super) struct Edition<'a> {
    pub(super) site: &'a Site,
    pub(super) options: &'a Options,
    /// All of it is written with other settings than before, or for the first time.
    anew: bool,
    pub(super) now: Timestamp,
}

/// A due show, as it will be on the site.
pub(super) struct Prepared<'a> {
    pub(super) due: &'a DueShow,
    /// `None`: it is not on the site, or no more.
    pub(super) show: Option<PublishedShow>,
    /// Its `podcast.xml`, until it is drafted.
    pub(super) podcast_feed: Option<SiteFile>,
    /// What of it is on the site, and since when.
    files: Vec<(EnclosureId, Timestamp)>,
    /// What there is to say of own files, by their names.
    pub(super) own: HashMap<String, OwnFile>,
}

impl Prepared<'_> {
    pub(super) fn card(&self) -> Option<ShowCard> {
        self.show.as_ref().map(PublishedShow::card)
    }

    /// What is to be known of it once it is on the site.
    fn record(&self) -> Published<'_> {
        let card = self.card();
        Published {
            show: self.due,
            files: &self.files,
            episodes: card.as_ref().map_or(0, |card| card.episodes),
            bytes: card.as_ref().map_or(0, |card| card.bytes),
            newest: card.as_ref().and_then(|card| card.newest),
            podcast_feed: card.is_some_and(|card| card.podcast_feed),
        }
    }
}

impl Pipeline {
    /// Brings the site up to date. That it cannot be written is told, and does not fail the pass.
    pub(super) async fn publish(&self) -> Result<(), Error> {
        match self.bring_up_to_date().await {
            Ok(written) => {
                for path in &written.kept {
                    self.note_kept(path);
                }
                if written.is_changed() {
                    let files = written.written + written.linked;
                    self.monitor.event(&Event::Published { files, removed: written.removed });
                }
                Ok(())
            }
            Err(Failure::Pipeline(error)) => Err(error),
            Err(failure) => {
                self.publish_failed(error::chain(&failure));
                Ok(())
            }
        }
    }

    /// What the user has put into the site's folder himself is not overwritten.
    fn note_kept(&self, path: &SitePath) {
        let error = format!(
            "{} is not podseed's own and is left as it is, so the site lacks that file; move it away, or set another \
             `publish.site_dir`",
            self.config.publish.site_dir.join(path.as_str()).display()
        );
        self.publish_failed(error);
    }

    /// Said once: a daemon tries again every few seconds.
    fn publish_failed(&self, error: String) {
        if self.note_error(&error) {
            self.monitor.event(&Event::PublishFailed { error });
        }
    }

    async fn bring_up_to_date(&self) -> Result<Written, Failure> {
        let options = Options { lists_by_show: self.lists_by_show().await?, ..self.site_options() };
        let folder = &self.config.publish.site_dir;
        // Pages say until when a former version is seeded.
        let keep = self.config.torrent.keep_replaced;
        let version = env!("CARGO_PKG_VERSION");
        let settings = format!("{FORMAT} {version} {} {keep:?} {options:?}", folder.display());
        let site = Site::open(folder)?;
        let is_lost = site.generation()? == 0 && self.store.has_published().await?;
        let anew = is_lost || self.store.setting(SETTINGS).await?.as_ref() != Some(&settings);
        if anew {
            self.store.publish_all().await?;
            // All of it is compared anyway, so what somebody has done by hand is healed, too.
            site.recheck()?;
        }
        let due = self.store.shows_to_publish().await?;
        let edition = Edition { site: &site, options: &options, anew, now: whole_second(self.clock.now()) };
        let mut written = Written::default();
        let mut left = due.as_slice();
        while !left.is_empty() {
            if self.stop.is_cancelled() {
                return Ok(written);
            }
            let (shows, of_batch) = self.publish_batch(&edition, left).await?;
            add(&mut written, &of_batch);
            left = &left[shows..];
        }
        if anew {
            self.store.record_setting(SETTINGS, &settings).await?;
        }
        Ok(written)
    }

    pub(super) fn site_options(&self) -> Options {
        let publish = &self.config.publish;
        Options {
            base_url: publish.base_url.clone(),
            language: publish.language,
            contact: self.config.user_agent_contact.clone(),
            web_seed: publish.web_seed,
            lists_by_show: false,
        }
    }

    /// Whether there are too many torrents for one list of all, or ever were.
    async fn lists_by_show(&self) -> Result<bool, Error> {
        let [name, value] = LISTS;
        if self.store.setting(name).await?.is_some() {
            return Ok(true);
        }
        let is_large = self.store.torrents().await? > MOST_LISTED;
        if is_large {
            self.store.record_setting(name, value).await?;
        }
        Ok(is_large)
    }

    /// Writes the first of these shows, as many as one draft takes, and with the last of all what tells of all. Gives
    /// how many.
    async fn publish_batch(
        &self,
        edition: &Edition<'_>,
        due: &[DueShow],
    ) -> Result<(usize, Written), Failure> {
        let mut draft = SiteDraft::new(edition);
        let mut prepared = Vec::new();
        for due in due.iter().take(SHOWS_AT_ONCE) {
            let mut show = self.prepare(due, edition).await?;
            self.draft_show(&mut show, &mut draft)?;
            prepared.push(show);
            if draft.size() > LARGEST_DRAFT {
                break;
            }
        }
        let is_last = prepared.len() == due.len();
        let is_new = edition.site.generation()? == 0;
        let is_empty = prepared.iter().all(|show| show.show.is_none());
        let written = if is_new && is_empty {
            // Nothing may be published and nothing was: there is no site.
            Written::default()
        } else {
            if is_last {
                self.draft_overview(&prepared, &mut draft).await?;
            }
            let (site, draft) = (edition.site.clone(), draft.into_draft());
            blocking(move || site.publish(&draft)).await??
        };
        let records: Vec<_> = prepared.iter().map(Prepared::record).collect();
        self.store.record_published(&records).await?;
        Ok((prepared.len(), written))
    }

    /// A show as it will be on the site.
    async fn prepare<'a>(&self, due: &'a DueShow, edition: &Edition<'_>) -> Result<Prepared<'a>, Failure> {
        let now = edition.now;
        let mut facts = self.store.show_facts(&due.slug).await?;
        let episodes = self.store.publishable(due.id).await?;
        let mut episodes = published::publishable(&facts, episodes, self.config.require_permission);
        self.leave_out_lost(&due.slug, &mut episodes).await?;
        if !episodes.is_empty() {
            facts.cover =
                match episodes.iter().flat_map(|episode| &episode.files).any(|file| file.own.is_some()) {
                    true => self.keep_own_cover(due, &episodes).await?,
                    false => self.keep_cover(due, now).await?,
                };
        }
        self.prepare_files(due, &mut episodes, edition).await?;
        let mut show = self.published_show(&facts, &episodes, now);
        let own = own_files(&episodes);
        let mut podcast_feed = None;
        if let Some(show) = &mut show {
            podcast_feed = match own.is_empty() {
                true => self.podcast_feed(&facts, show, edition.options).await?,
                false => self.own_feed(show, &own, edition.options),
            };
            show.podcast_feed = podcast_feed.is_some();
        }
        let files = episodes.iter().flat_map(|episode| &episode.files);
        let files = files.map(|file| (file.id, file.published.unwrap_or(now))).collect();
        Ok(Prepared { due, podcast_feed, files: if show.is_some() { files } else { Vec::new() }, show, own })
    }

    /// Checksums where they are missing, and the web seeds of what comes to the site.
    async fn prepare_files(
        &self,
        show: &DueShow,
        episodes: &mut [EpisodeRecord],
        edition: &Edition<'_>,
    ) -> Result<(), Failure> {
        let mut files: Vec<_> = episodes.iter_mut().flat_map(|episode| &mut episode.files).collect();
        for file in files.iter_mut().filter(|file| file.sha256.is_none()) {
            file.sha256 = self.checksum(show, file).await?;
        }
        let coming = files.iter().filter(|file| file.published.is_none() || edition.anew);
        let coming: Vec<_> = coming.map(|file| file.id).collect();
        let mut magnets = self.refresh_for_site(show.id, &coming).await?;
        for file in files {
            file.magnet = magnets.remove(&file.id).unwrap_or_else(|| std::mem::take(&mut file.magnet));
        }
        Ok(())
    }

    /// A file whose .torrent is gone is not on the site until the next pass has made it again.
    async fn leave_out_lost(&self, show: &str, episodes: &mut Vec<EpisodeRecord>) -> Result<(), Failure> {
        let folder = self.folder();
        for episode in episodes.iter_mut() {
            let is_there = |file: &mut FileRecord| folder.torrent(show, &file.name).is_file();
            let lost: Vec<_> = episode.files.extract_if(.., |file| !is_there(file)).collect();
            for file in lost {
                self.complain(&format!("{show}: {}.torrent is gone, the next run makes it again", file.name));
                // No pass has it in its hands.
                self.store.record_torrent_gone(file.id, 0, None).await?;
            }
        }
        episodes.retain(|episode| !episode.files.is_empty());
        Ok(())
    }

    /// The show with these episodes, as the site tells of it.
    pub(super) fn published_show(
        &self,
        facts: &ShowFacts,
        episodes: &[EpisodeRecord],
        now: Timestamp,
    ) -> Option<PublishedShow> {
        let folder = self.folder();
        let torrent_length =
            |name: &str| std::fs::metadata(folder.torrent(&facts.slug, name)).map_or(0, |found| found.len());
        let keep_replaced = self.config.torrent.keep_replaced;
        published::show(facts, episodes, &Inputs { now, keep_replaced, torrent_length: &torrent_length })
    }

    /// SHA-256 of a file that was fetched before anybody wanted to know it.
    async fn checksum(&self, show: &DueShow, file: &FileRecord) -> Result<Option<[u8; 32]>, Failure> {
        let (id, name) = (file.id, file.name.as_str());
        let own = file.own.as_ref().map(|own| own.path.as_path());
        let path = self.folder().data(&show.slug, name, own);
        match blocking(move || torrent::sha256_file(&path)).await? {
            Ok(sha256) => {
                self.store.record_sha256(show.id, id, sha256).await?;
                Ok(Some(sha256))
            }
            Err(error) => {
                tracing::debug!(show = show.slug, name, error = error::chain(&error), "no checksum");
                Ok(None)
            }
        }
    }
}

fn own_files(episodes: &[EpisodeRecord]) -> HashMap<String, OwnFile> {
    let files = episodes.iter().flat_map(|episode| &episode.files);
    files.filter_map(|file| Some((file.name.clone(), file.own.clone()?))).collect()
}

/// A time as the state keeps it: what is published now reads the same when it is read back.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn add(sum: &mut Written, written: &Written) {
    sum.written += written.written;
    sum.linked += written.linked;
    sum.removed += written.removed;
    sum.unchanged += written.unchanged;
    sum.kept.extend(written.kept.iter().cloned());
}
