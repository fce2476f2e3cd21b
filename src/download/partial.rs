//! A file that is not complete, and the record beside it that says what it holds.
//!
//! The record is written before the first byte and whenever bytes have been synced. After a kill, the bytes that
//! were written are in the file, synced or not; only after the machine itself went down (another boot) nothing
//! beyond the synced point can be relied on.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::fs::{self, Error};

/// No honest record is longer.
const RECORD_LIMIT: u64 = 64 * 1024;

/// What a partial file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// [`fingerprint`] of the source: its URL may hold a token, which has no business in another file.
    pub(super) source: String,
    /// What `If-Range` takes: a strong entity tag, else a strong date (RFC 9110, 13.1.5).
    pub(super) validator: Option<String>,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// The length of the complete file.
    pub(super) total: Option<u64>,
    /// Bytes that a power cut cannot take.
    pub(super) synced: u64,
    /// During which boot of the machine this was written, where that can be known.
    pub(super) boot: Option<String>,
}

impl Record {
    /// The record of a file of which nothing is there yet.
    pub(super) fn new(source: String, total: Option<u64>) -> Self {
        let (validator, etag, last_modified) = (None, None, None);
        Self { source, validator, etag, last_modified, total, synced: 0, boot: boot() }
    }

    /// Reads the record; one that is damaged, which no crash of ours leaves, counts as none.
    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path, RECORD_LIMIT).ok()?).ok()
    }

    fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec(self).map_err(|error| Error::io("write", path, error))?;
        fs::write_atomic(path, &text)
    }

    /// Whether it can be continued from another address: only with a tag that is the content's own.
    fn may_move(&self) -> bool {
        self.total.is_some() && self.validator.is_some() && self.validator == self.etag
    }

    /// How many of the bytes on disk are those of the file, as far as is known before the origin is asked.
    fn usable(&self, on_disk: u64, source: &str, boot: Option<&str>) -> u64 {
        let same_boot = boot.is_some() && self.boot.as_deref() == boot;
        let there = if same_boot { on_disk } else { on_disk.min(self.synced) };
        let complete = self.total == Some(there);
        let known =
            if self.source == source { complete || self.validator.is_some() } else { self.may_move() };
        if known && self.total.is_none_or(|total| there <= total) { there } else { 0 }
    }
}

/// A partial file, open, with its record.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    file: Arc<File>,
    record: Option<Record>,
}

impl Partial {
    /// Opens or creates the file. Its folder exists.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = Arc::new(fs::open_partial(path)?);
        Ok(Self { path: path.to_owned(), file, record: Record::read(&record_path(path)) })
    }

    /// What is known of the content.
    pub(super) fn record(&self) -> Option<&Record> {
        self.record.as_ref()
    }

    /// How many of its bytes can be kept for this source.
    pub(super) fn usable(&self, source: &str) -> Result<u64, Error> {
        let on_disk = self.file.metadata().map_err(|error| Error::io("read", &self.path, error))?.len();
        Ok(self.record.as_ref().map_or(0, |record| record.usable(on_disk, source, boot().as_deref())))
    }

    /// Empties the file for new content. The record comes before the first byte and is on disk by then, so that the
    /// bytes can never be taken for those of an older record.
    pub(super) async fn start(&mut self, record: Record) -> Result<(), Error> {
        self.record = Some(record.clone());
        let (path, file) = (self.path.clone(), Arc::clone(&self.file));
        self.in_background(move || {
            fs::remove(&record_path(&path))?;
            file.set_len(0).map_err(|error| Error::io("empty", &path, error))?;
            record.write(&record_path(&path))
        })
        .await
    }

    /// Takes away what follows.
    pub(super) fn cut(&self, length: u64) -> Result<(), Error> {
        self.file.set_len(length).map_err(|error| Error::io("cut", &self.path, error))
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        self.file.read_exact_at(buffer, offset).map_err(|error| Error::io("read", &self.path, error))
    }

    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.file.write_all_at(bytes, offset).map_err(|error| Error::io("write", &self.path, error))
    }

    /// The first `length` bytes are to survive a power cut; `change` is recorded with them.
    pub(super) async fn sync(&mut self, length: u64, change: impl FnOnce(&mut Record)) -> Result<(), Error> {
        let Some(record) = &mut self.record else { return Ok(()) };
        change(record);
        record.synced = length;
        record.boot = boot();
        let (path, file, record) = (self.path.clone(), Arc::clone(&self.file), record.clone());
        self.in_background(move || {
            file.sync_data().map_err(|error| Error::io("sync", &path, error))?;
            record.write(&record_path(&path))
        })
        .await
    }

    /// Waits for the disk where nobody else has to.
    async fn in_background(
        &self,
        work: impl FnOnce() -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(Error::io("write", &self.path, error)))
    }
}

/// The record's place: beside the file.
pub(super) fn record_path(partial: &Path) -> PathBuf {
    let mut path = partial.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

/// What a source is recognised by without being written down.
pub(super) fn fingerprint(source: &str) -> String {
    hex::encode(digest(&SHA256, source.as_bytes()))
}

/// Linux tells boots apart; elsewhere each start counts as a new one.
fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let tag = Some("\"a\"".to_owned());
        Record {
            validator: tag.clone(),
            etag: tag,
            synced: 50,
            boot: Some("now".to_owned()),
            ..Record::new("here".to_owned(), Some(100))
        }
    }

    #[test]
    fn after_a_power_cut_only_what_was_synced_is_kept() {
        let usable = |boot| record().usable(80, "here", boot);
        assert_eq!(usable(Some("now")), 80);
        assert_eq!(usable(Some("later")), 50);
        assert_eq!(usable(None), 50);
        assert_eq!(record().usable(30, "here", Some("later")), 30);
    }

    #[test]
    fn a_file_without_validator_is_kept_only_when_complete() {
        let record = Record { validator: None, ..record() };
        assert_eq!(record.usable(99, "here", Some("now")), 0);
        assert_eq!(record.usable(100, "here", Some("now")), 100);
        assert_eq!(record.usable(100, "elsewhere", Some("now")), 0);
    }

    #[test]
    fn another_address_continues_only_what_a_strong_tag_and_a_length_identify() {
        let usable = |record: Record| record.usable(80, "elsewhere", Some("now"));
        assert_eq!(usable(record()), 80);
        assert_eq!(usable(Record { total: None, ..record() }), 0);
        let by_date = Record { validator: Some("a date".to_owned()), ..record() };
        assert_eq!(usable(by_date), 0);
    }

    #[test]
    fn more_than_the_whole_file_is_nothing() {
        assert_eq!(record().usable(101, "here", Some("now")), 0);
    }

    #[test]
    fn a_damaged_record_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.part");
        for text in ["", "{", "[]", "{\"source\": 1}"] {
            fs::write_atomic(&record_path(&path), text.as_bytes()).unwrap();
            assert!(Partial::open(&path).unwrap().record().is_none(), "{text:?}");
        }
    }
}
