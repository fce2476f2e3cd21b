//! Where the bytes go: one buffer, which is written a quarter of a megabyte at a time, and hashed when it is full.
//!
//! Both happen where the bytes arrive: handing them to another thread and back costs as much as it saves. Only syncing,
//! which waits for the disk, goes to a blocking thread.

use super::gate::Gate;
use super::partial::{Partial, Record};
use super::{Error, Media, Order, Watch};
use crate::fs;
use crate::hash::{PieceHashes, Sha256, Sha256Hash, StreamHasher};

/// What is written at a time, and what a kill may cost.
const WRITE: usize = 256 * 1024;
/// What a power cut may cost.
const SYNC_EVERY: u64 = 32 * 1024 * 1024;

/// A complete file.
pub(super) struct Finished {
    pub(super) record: Option<Record>,
    pub(super) media: Media,
    pub(super) hashes: PieceHashes,
    pub(super) sha256: Option<Sha256Hash>,
}

/// Everything that an order wants to be made of the bytes.
struct Hasher {
    pieces: StreamHasher,
    whole: Option<Sha256>,
}

impl Hasher {
    fn new(order: &Order, total: Option<u64>) -> Self {
        let pieces = StreamHasher::new(order.version, order.piece_length, total);
        Self { pieces, whole: order.sha256.then(Sha256::new) }
    }

    /// How much it is best given at a time: a few writes.
    fn window(&self) -> usize {
        self.pieces.window().next_multiple_of(WRITE)
    }

    fn update(&mut self, bytes: &[u8]) {
        self.pieces.update(bytes);
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
    }
}

/// A file on its way to being complete.
pub(super) struct Sink<'a> {
    order: &'a Order,
    watch: Watch<'a>,
    source: String,
    partial: Partial,
    hasher: Hasher,
    gate: Gate,
    /// What follows the bytes that are hashed.
    buffer: Vec<u8>,
    hashed: u64,
    /// Bytes that are in the file.
    written: u64,
    synced: u64,
}

impl<'a> Sink<'a> {
    /// Opens the partial file and hashes what can be kept of it. `source` is the source's fingerprint.
    pub(super) async fn open(order: &'a Order, source: String, watch: Watch<'a>) -> Result<Self, Error> {
        let partial = Partial::open(&order.partial)?;
        let usable = partial.usable(&source)?;
        let total = partial.record().and_then(|record| record.total);
        let mut sink = Self {
            order,
            watch,
            source,
            partial,
            hasher: Hasher::new(order, total),
            gate: Gate::new(),
            buffer: Vec::new(),
            hashed: 0,
            written: 0,
            synced: 0,
        };
        sink.hash_again(usable).await?;
        Ok(sink)
    }

    async fn hash_again(&mut self, usable: u64) -> Result<(), Error> {
        self.partial.cut(usable)?;
        self.written = usable;
        while self.hashed < usable {
            let window = self.hasher.window();
            let next = usize::try_from(usable - self.hashed).unwrap_or(window).min(window);
            self.buffer.resize(next, 0);
            self.partial.read_at(&mut self.buffer, self.hashed)?;
            self.gate.look(&self.buffer, self.order)?;
            self.hash();
            self.report();
            if self.watch.cancel.is_cancelled() {
                return Err(Error::Cancelled { subject: self.order.source.clone() });
            }
            tokio::task::yield_now().await;
        }
        self.synced = self.partial.record().map_or(0, |record| record.synced.min(usable));
        Ok(())
    }

    /// Bytes that are here.
    pub(super) fn length(&self) -> u64 {
        self.hashed + self.buffer.len() as u64
    }

    /// The fingerprint of the source that is being fetched.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    pub(super) fn record(&self) -> Option<&Record> {
        self.partial.record()
    }

    fn total(&self) -> Option<u64> {
        self.record().and_then(|record| record.total)
    }

    /// Whether nothing has to be asked for, not even whether it is still the same: it came from this very source and
    /// was complete.
    pub(super) fn is_complete(&self) -> bool {
        self.record()
            .is_some_and(|record| record.source == self.source && record.total == Some(self.length()))
    }

    /// Whether what is kept after this error could never be of use: it is itself what was refused.
    pub(super) fn is_spoilt_by(&self, error: &Error) -> bool {
        match error {
            Error::TooLarge { .. } => true,
            Error::NotMedia { .. } | Error::UnwantedKind { .. } => !self.gate.is_open(),
            _ => false,
        }
    }

    /// Begins with new content; what was there is gone.
    pub(super) async fn start(&mut self, record: Record) -> Result<(), Error> {
        self.fits(record.total.unwrap_or_default())?;
        self.buffer.clear();
        (self.hashed, self.written, self.synced) = (0, 0, 0);
        self.gate = Gate::new();
        self.hasher = Hasher::new(self.order, record.total);
        self.partial.start(record).await?;
        self.has_space()
    }

    /// Goes on with the content that is there, of which the origin has just said how long it is.
    pub(super) async fn resume(&mut self, total: Option<u64>) -> Result<(), Error> {
        self.fits(total.unwrap_or_default())?;
        self.has_space()?;
        let source = self.source.clone();
        let moved = self.record().is_some_and(|record| record.source != source || record.total != total);
        if moved {
            let note = |record: &mut Record| (record.source, record.total) = (source, total);
            self.partial.sync(self.written, note).await?;
        }
        Ok(())
    }

    /// The next bytes of the file.
    pub(super) async fn push(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        let length = self.length() + bytes.len() as u64;
        self.fits(length)?;
        if let Some(total) = self.total().filter(|total| length > *total) {
            return Err(self.wrong_length(total, length));
        }
        self.gate.look(bytes, self.order)?;
        let window = self.hasher.window();
        self.buffer.reserve_exact(window.saturating_sub(self.buffer.len()));
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(bytes.len().min(self.until_write()));
            self.buffer.extend_from_slice(now);
            bytes = rest;
            if self.length().is_multiple_of(WRITE as u64) {
                self.write()?;
            }
            if self.length().is_multiple_of(window as u64) {
                self.hash();
            }
            if self.written - self.synced >= SYNC_EVERY {
                self.sync().await?;
                self.has_space()?;
            }
        }
        self.report();
        Ok(())
    }

    /// The stream has ended properly.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.gate.decide(self.order)?;
        match self.total().filter(|total| *total != self.length()) {
            Some(total) => Err(self.wrong_length(total, self.length())),
            None => Ok(()),
        }
    }

    /// Saves what has arrived for a later attempt, also from a power cut.
    pub(super) async fn keep(&mut self) -> Result<(), Error> {
        self.flush()?;
        if self.written > self.synced { self.sync().await } else { Ok(()) }
    }

    /// The file is complete: syncs it, records that, and gives its record, what it is, and its hashes.
    pub(super) async fn finish(mut self) -> Result<Finished, Error> {
        let media = self.gate.decide(self.order)?;
        self.flush()?;
        let length = self.written;
        self.partial.sync(length, |record| record.total = Some(length)).await?;
        let sha256 = self.hasher.whole.map(Sha256::finish);
        let hashes =
            self.hasher.pieces.finish().map_err(|crate::hash::Error::Length { expected, got }| {
                let subject = self.order.source.clone();
                Error::WrongLength { subject, announced: expected, came: got }
            })?;
        Ok(Finished { record: self.partial.record().cloned(), media, hashes, sha256 })
    }

    /// Writes first: a byte is hashed when it is in the file.
    fn flush(&mut self) -> Result<(), Error> {
        self.write()?;
        self.hash();
        Ok(())
    }

    /// How many bytes are missing until something is to be written.
    fn until_write(&self) -> usize {
        WRITE - usize::try_from(self.length() % WRITE as u64).unwrap_or_default()
    }

    fn write(&mut self) -> Result<(), Error> {
        let done = usize::try_from(self.written - self.hashed).unwrap_or(usize::MAX);
        let bytes = self.buffer.get(done..).unwrap_or_default();
        self.partial.write_at(bytes, self.written)?;
        self.written = self.length();
        Ok(())
    }

    fn hash(&mut self) {
        self.hasher.update(&self.buffer);
        self.hashed += self.buffer.len() as u64;
        self.buffer.clear();
    }

    async fn sync(&mut self) -> Result<(), Error> {
        self.partial.sync(self.written, |_| ()).await?;
        self.synced = self.written;
        Ok(())
    }

    fn fits(&self, length: u64) -> Result<(), Error> {
        let limit = self.order.max_length;
        if length > limit {
            Err(Error::TooLarge { subject: self.order.source.clone(), limit })
        } else {
            Ok(())
        }
    }

    /// Whether the origin may be asked at all: what cannot be kept would be sent in vain, at every attempt anew.
    pub(super) fn has_room(&self) -> Result<(), Error> {
        match self.total() {
            _ if self.available()? == 0 => Err(Error::NoRoom { subject: self.order.source.clone() }),
            Some(_) => self.has_space(),
            None => Ok(()),
        }
    }

    /// Looks ahead to the end of the file, or to the next look where that is not known.
    fn has_space(&self) -> Result<(), Error> {
        let needed = self.total().map_or(SYNC_EVERY, |total| total.saturating_sub(self.written));
        let available = self.available()?;
        if needed > available {
            return Err(Error::NoSpace { subject: self.order.source.clone(), needed, available });
        }
        Ok(())
    }

    /// Bytes of the disk that may be used.
    fn available(&self) -> Result<u64, Error> {
        let folder = self.partial.path.parent().unwrap_or(&self.partial.path);
        Ok(fs::free_space(folder)?.saturating_sub(self.order.min_free))
    }

    fn report(&self) {
        self.watch.progress.advance(self.length(), self.total());
    }

    fn wrong_length(&self, announced: u64, came: u64) -> Error {
        Error::WrongLength { subject: self.order.source.clone(), announced, came }
    }
}
