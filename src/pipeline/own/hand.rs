//! Where an own file goes another way than one that was fetched: it is hashed where it is, keeps its name, and is
//! handed over only as long as it is what was hashed.

use std::path::Path;

use super::super::fetch::{Failure, label};
use super::super::keep::Kept;
use super::super::{Error, Pipeline, schedule};
use crate::fs;
use crate::hash::sha256;
use crate::inbox::{self, Hashed};
use crate::model::{DownloadJob, MediaFile, PlacementJob, Problem};

/// The name in the info dictionary: an own file's is that which it has, for the client has to find it under it.
pub(in super::super) fn torrent_name(job: &DownloadJob, file: &str) -> String {
    let own = job.own.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    own.unwrap_or_else(|| file.to_owned())
}

impl Pipeline {
    /// Hashes an own file in place, and records what it is.
    pub(in super::super) async fn hash_own(
        &self,
        job: &DownloadJob,
        path: &Path,
    ) -> Result<Result<Kept, Failure>, Error> {
        let Some(state) = self.store.own_state(job.id).await? else {
            return Ok(Err(Failure::Unusable("it is not on record how this file was".to_owned())));
        };
        let plan = self.own_plan();
        let (progress, stop) = (self.monitor.transfer(&label(job)), self.stop.clone());
        let from = path.to_owned();
        let hashing = tokio::task::spawn_blocking(move || {
            let tell = |bytes| progress.advance(bytes, Some(state.size));
            inbox::hash_in_place(&from, state, (plan.version, plan.piece_length), &tell, &stop)
        });
        let hashed = match hashing.await {
            Ok(Ok(hashed)) => hashed,
            Ok(Err(inbox::Error::Stopped)) => return Ok(Err(Failure::Stopped)),
            Ok(Err(error)) => return Ok(Err(error.into())),
            Err(error) => return Ok(Err(Failure::Unusable(format!("hashing has died: {error}")))),
        };
        self.keep_own(job, path, hashed).await
    }

    async fn keep_own(
        &self,
        job: &DownloadJob,
        path: &Path,
        hashed: Hashed,
    ) -> Result<Result<Kept, Failure>, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let guids = [guid(&job.show, &hashed.sha256, ""), guid(&job.show, &hashed.sha256, &name)];
        for file in names(&name, &hashed.sha256) {
            let media = MediaFile {
                name: file.clone(),
                length: hashed.hashes.length,
                media_type: hashed.media_type.to_owned(),
                etag: None,
                last_modified: None,
                sha256: Some(hashed.sha256),
            };
            if self.store.record_own_hashed(job.id, &media, &guids).await?.is_some() {
                self.store.record_downloaded(job.id).await?;
                self.remove_former_torrents(job, &file).await?;
                let story = "hashed where it is; nothing was copied";
                self.store.tell(job.id, self.clock.now(), story).await?;
                return Ok(Ok(Kept { file, hashes: hashed.hashes, official: None }));
            }
        }
        Ok(Err(Failure::Unusable(format!(
            "the show has this very file already, under the name {name} in another folder"
        ))))
    }

    /// The .torrent files of earlier versions: their data is gone.
    async fn remove_former_torrents(&self, job: &DownloadJob, file: &str) -> Result<(), Error> {
        let names = self.store.former_own_names(job.id).await?;
        for name in names.iter().filter(|name| *name != file) {
            if self.store.name_is_free(job.id, name).await?
                && let Err(error) = fs::remove(&self.folder().torrent(&job.show, name))
            {
                tracing::warn!(%error, "the torrent of an earlier version stays behind");
            }
        }
        Ok(())
    }

    /// What keeps an own file from being handed over now: a client that still has an earlier version of it, which
    /// could write that over it; or that it is not what was hashed any more.
    pub(in super::super) async fn own_in_the_way(
        &self,
        job: &PlacementJob,
    ) -> Result<Option<Problem>, Error> {
        let Some(path) = &job.own else { return Ok(None) };
        for former in self.store.former_own(job.enclosure, &job.client).await? {
            self.remove(&former).await?;
        }
        let is_there = !self.store.former_own(job.enclosure, &job.client).await?.is_empty();
        let now = inbox::look_at(std::slice::from_ref(path)).0.pop().map(|seen| seen.state);
        let is_other = now.is_none() || now != self.store.own_state(job.enclosure).await?;
        let message = match (is_there, is_other) {
            (true, _) => format!("{}: it still has an earlier version of {}", job.client, job.file),
            (_, true) => {
                format!("{} is not what it was; the next look at it says what it is", path.display())
            }
            (false, false) => return Ok(None),
        };
        let failures = self.store.placement_attempts(job.id).await? + 1;
        let next_attempt = Some(schedule::next_attempt(self.clock.now(), failures, schedule::random()));
        Ok(Some(Problem { message, next_attempt, asked_to_wait: false }))
    }
}

/// The names under which podseed may keep what belongs to a file: its own; where another folder has a file of that
/// name, with the first digits of its checksum.
fn names(name: &str, sha256: &[u8; 32]) -> [String; 2] {
    let digits = hex::encode(&sha256[..4]);
    let other = match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem} {digits}.{extension}"),
        None => format!("{name} {digits}"),
    };
    [name.to_owned(), other]
}

/// The guid of an episode: it follows from the show and from the first bytes that it had, so that it is the same
/// after a rename, and when the state is lost. In the form of a UUID (RFC 9562, version 8).
fn guid(show: &str, content: &[u8; 32], salt: &str) -> String {
    let mut bytes = [0; 16];
    let digest = sha256(format!("podseed\n{show}\n{}\n{salt}", hex::encode(content)).as_bytes());
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_follows_from_show_and_bytes() {
        let one = guid("own", &[1; 32], "");
        assert_eq!(one, guid("own", &[1; 32], ""));
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'8'));
        assert_ne!(one, guid("other", &[1; 32], ""));
        assert_ne!(one, guid("own", &[2; 32], ""));
        assert_ne!(one, guid("own", &[1; 32], "b.mp3"));
    }

    #[test]
    fn a_file_of_a_name_that_is_taken_is_kept_under_another_one() {
        assert_eq!(names("01.mp3", &[0xab; 32]), ["01.mp3", "01 abababab.mp3"]);
    }
}
