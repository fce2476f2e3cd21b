//! When nothing new is fetched: below `limits.disk_free`, and outside of `limits.hours`. It goes on by itself.

use std::sync::atomic::Ordering;

use jiff::tz::TimeZone;

use super::monitor::Event;
use super::{Error, Pipeline};
use crate::model::{DownloadJob, EnclosureId, NoticeKind, Trouble};
use crate::units::ByteSize;
use crate::{error, fs};

/// What the trouble is about that a full disk is.
const FULL: &str = "space";

impl Pipeline {
    /// Whether files may be fetched at this time of the day. Tells when that changes, and a run at its beginning.
    pub(super) fn is_open(&self) -> bool {
        let Some(hours) = self.config.limits.hours else { return true };
        let (now, zone) = (self.clock.now(), TimeZone::system());
        let is_open = hours.contains(now, &zone);
        if self.is_closed.swap(!is_open, Ordering::Relaxed) == is_open {
            let until = (!is_open).then(|| hours.next(now, &zone));
            self.monitor.event(&Event::Hours { until });
        }
        is_open
    }

    /// Whether anything may be fetched now. Tells once when that changes.
    pub(super) async fn has_space(&self) -> Result<bool, Error> {
        let error = match self.free_space() {
            Ok(free) if free >= self.config.limits.disk_free => {
                if self.is_short_of_space.swap(false, Ordering::Relaxed) {
                    self.monitor.event(&Event::SpaceAgain);
                }
                self.settle(NoticeKind::Disk, FULL).await?;
                return Ok(true);
            }
            Ok(free) => format!(
                "nothing is fetched: on the disk of {} {} are free, and {} are to stay free",
                self.folder().root().display(),
                ByteSize(free),
                ByteSize(self.config.limits.disk_free)
            ),
            Err(error) => error::chain(&error),
        };
        let remedy = "make room, or lower `limits.disk_free`";
        let text = format!("{error}; {remedy}");
        if !self.is_short_of_space.swap(true, Ordering::Relaxed) {
            self.monitor.event(&Event::SpaceShort { text: text.clone() });
        }
        self.note_error(&text);
        let (kind, subject, remedy) = (NoticeKind::Disk, FULL.to_owned(), remedy.to_owned());
        self.raise(&Trouble { kind, subject, error, remedy }).await?;
        Ok(false)
    }

    /// What was fetched may be shorter than was expected, or have failed: then something else may be fetched.
    pub(super) async fn look_for_room(&self, fetched: EnclosureId) -> Result<(), Error> {
        if !self.budget().limits_size() {
            return Ok(());
        }
        let length = self.store.file_length(fetched).await?;
        match self.judgement.fetched(fetched, length) {
            true => self.judge_budget(None).await.map(drop),
            false => Ok(()),
        }
    }

    /// Bytes that are free where the media are.
    pub(super) fn free_space(&self) -> Result<u64, fs::Error> {
        let media = self.folder().media();
        fs::free_space(if media.exists() { &media } else { &self.config.data_dir })
    }

    /// Whether a claimed enclosure would be kept once it is fetched. If not, that is on record.
    pub(super) async fn is_within_budget(&self, job: &DownloadJob) -> Result<bool, Error> {
        // What has its file needs no room.
        if job.file.is_some() || self.judgement.admits(job.id) || self.budget().is_empty() {
            return Ok(true);
        }
        let verdict = self.judge_budget(Some(job.id)).await?;
        Ok(verdict.held_back.iter().all(|held_back| held_back.id != job.id))
    }
}
