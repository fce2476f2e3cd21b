//! A fetched file gets its name: by the recipe, or the one that the publisher's own torrent gives it.

use std::path::{Path, PathBuf};

use super::blocking::blocking;
use super::fetch::Failure;
use super::monitor::Event;
use super::official::Offer;
use super::{Error, Pipeline};
use crate::hash::{PieceHashes, PieceLength};
use crate::http::Meter;
use crate::model::name::{self, NameInputs};
use crate::model::{DownloadJob, MediaFile, TorrentVersion};
use crate::{download, fs, torrent};

/// A file under its final name.
pub(super) struct Kept {
    /// The name.
    pub(super) file: String,
    /// What a metainfo needs to know of it.
    pub(super) hashes: PieceHashes,
    /// The publisher's own torrent, where it is one of these very bytes under this name.
    pub(super) official: Option<Offer>,
}

/// Which hashes are to be made of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct HashPlan {
    pub(super) version: TorrentVersion,
    /// `None`: by the recipe.
    pub(super) piece_length: Option<PieceLength>,
}

impl Pipeline {
    /// What our own torrents are made of.
    pub(super) fn own_plan(&self) -> HashPlan {
        let settings = &self.config.torrent;
        HashPlan { version: settings.version, piece_length: settings.piece_length }
    }

    /// Gives a fetched file its name.
    pub(super) async fn keep(
        &self,
        job: &DownloadJob,
        mut fetched: download::Fetched,
        partial: &Path,
        offer: Option<Offer>,
        meter: &Meter,
    ) -> Result<Result<Kept, Failure>, Error> {
        if let Some(offer) = offer {
            let fits = offer.is_of(&fetched.hashes);
            if fits && let Some(done) = self.name(job, &fetched, partial, offer.name(), meter).await? {
                return Ok(done.map(|file| Kept { file, hashes: fetched.hashes, official: Some(offer) }));
            }
            let why = if fits { "its name is taken by another file" } else { "it is of other bytes" };
            self.refuse_offer(job.id, job.official.as_deref().unwrap_or_default(), why).await?;
            fetched.hashes = match self.hash_file(partial.to_owned(), self.own_plan()).await {
                Ok(hashes) => hashes,
                Err(failure) => return Ok(Err(failure)),
            };
        }
        let inputs = name_inputs(job, fetched.media.extension);
        let names = [
            name::file_name(&inputs),
            name::dated_name(&inputs),
            name::dated_name(&NameInputs { guid: None, ..inputs }),
        ];
        for name in names {
            if let Some(done) = self.name(job, &fetched, partial, &name, meter).await? {
                return Ok(done.map(|file| Kept { file, hashes: fetched.hashes, official: None }));
            }
        }
        let last = match whole_hash(&fetched, partial).await {
            Ok(sha256) => name::dated_name_of_content(&inputs, &sha256),
            Err(failure) => return Ok(Err(failure)),
        };
        if let Some(done) = self.name(job, &fetched, partial, &last, meter).await? {
            return Ok(done.map(|file| Kept { file, hashes: fetched.hashes, official: None }));
        }
        Ok(Err(Failure::Unusable(format!(
            "every name for this file is taken in {}; move the files away that podseed has not put there",
            self.folder().show_media(&job.show).display()
        ))))
    }

    /// Tries one name. `None` when it is taken by other bytes or another enclosure.
    async fn name(
        &self,
        job: &DownloadJob,
        fetched: &download::Fetched,
        partial: &Path,
        name: &str,
        meter: &Meter,
    ) -> Result<Option<Result<String, Failure>>, Error> {
        let path = self.folder().data(&job.show, name, None);
        let is_there = path.symlink_metadata().is_ok();
        if is_there && !self.holds(&path, &fetched.hashes).await {
            return Ok(None);
        }
        let file = MediaFile {
            name: name.to_owned(),
            length: fetched.length,
            media_type: fetched.media.mime.to_owned(),
            etag: fetched.etag.clone(),
            last_modified: fetched.last_modified.clone(),
            sha256: fetched.sha256,
        };
        if self.store.record_fetched(job.id, &file).await?.is_err() {
            return Ok(None);
        }
        if !is_there {
            let (from, to) = (partial.to_owned(), path);
            match blocking(move || fs::publish_no_replace(&from, &to)).await? {
                Ok(()) => {}
                Err(fs::Error::Exists { .. }) => return Ok(None),
                Err(error) => return Ok(Some(Err(error.into()))),
            }
        }
        if let Err(error) = download::discard(partial) {
            tracing::warn!(%error, "the record of a finished transfer stays behind");
        }
        self.store.record_downloaded(job.id).await?;
        let bytes = meter.bytes();
        self.store.tell(job.id, self.clock.now(), &format!("fetched: {bytes} bytes from the origin")).await?;
        self.tally(|tally| tally.downloaded += 1);
        self.monitor.event(&Event::Fetched {
            show: job.show.clone(),
            file: name.to_owned(),
            length: fetched.length,
            bytes,
        });
        Ok(Some(Ok(name.to_owned())))
    }

    /// Whether this file has the very content that was fetched: ours, from before the state was lost.
    async fn holds(&self, path: &Path, hashes: &PieceHashes) -> bool {
        let is_as_long =
            std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == hashes.length);
        let version = match (&hashes.v1, &hashes.v2) {
            (Some(_), Some(_)) => TorrentVersion::Hybrid,
            (None, _) => TorrentVersion::V2,
            (_, None) => TorrentVersion::V1,
        };
        let plan = HashPlan { version, piece_length: Some(hashes.piece_length) };
        is_as_long && self.hash_file(path.to_owned(), plan).await.is_ok_and(|found| found == *hashes)
    }

    pub(super) async fn hash_file(&self, path: PathBuf, plan: HashPlan) -> Result<PieceHashes, Failure> {
        let hash = move || torrent::hash_file(&path, plan.version, plan.piece_length);
        match tokio::task::spawn_blocking(hash).await {
            Ok(hashes) => Ok(hashes?),
            Err(error) => Err(Failure::Unusable(format!("hashing has died: {error}"))),
        }
    }
}

/// The SHA-256 of a fetched file, read once more where the order did not ask for it.
async fn whole_hash(fetched: &download::Fetched, partial: &Path) -> Result<[u8; 32], Failure> {
    if let Some(sha256) = fetched.sha256 {
        return Ok(sha256);
    }
    let partial = partial.to_owned();
    match tokio::task::spawn_blocking(move || torrent::sha256_file(&partial)).await {
        Ok(sha256) => Ok(sha256?),
        Err(error) => Err(Failure::Unusable(format!("hashing has died: {error}"))),
    }
}

fn name_inputs<'a>(job: &'a DownloadJob, extension: &'a str) -> NameInputs<'a> {
    NameInputs {
        url: &job.enclosure.url,
        date: job.episode.date,
        title: &job.episode.title,
        guid: job.episode.guid.as_deref(),
        media_type: job.enclosure.media_type.as_deref(),
        sniffed_extension: Some(extension),
        repeated: job.repeated,
    }
}
