//! Hashes the pieces of files that are already there, on every core.
//!
//! [`PieceReader::hash_pieces`] is the one place where pieces of files become hashes, a batch at a time: pieces of a
//! batch are independent, so that they can be hashed side by side. Synchronous on purpose: it keeps cores busy,
//! not sockets. Memory: one read buffer and one open file per thread, and the hashes.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::abreast::Abreast;
use super::layout::{Layout, Segment};
use crate::hash::{Kernel, PieceHash, PieceHasher, Sha1Lanes};
use crate::model::TorrentVersion;

/// How much is read at once; as much as a window of the hashes.
pub(super) const BUFFER: usize = 256 << 10;

/// How many pieces a thread takes at once, at most: as many as fit into the widest registers side by side.
const BATCH: u64 = 16;

/// A file whose bytes could not be read.
#[derive(Debug)]
pub(super) struct ReadError {
    /// Its index in the layout.
    pub(super) file: usize,
    /// Why. `UnexpectedEof` means that it is too short.
    pub(super) source: io::Error,
}

/// The hashes of one piece, or why it has none. A piece of nothing but padding has none and needs none.
pub(super) type PieceResult = Result<PieceHash, ReadError>;

/// Is told how many bytes were read since the last time. Called from several threads.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Hashes every piece of a layout. `on_error` decides whether the others still matter after one could not be read.
pub(super) fn hash_all(
    layout: &Layout,
    version: TorrentVersion,
    on_error: OnError,
    progress: Progress<'_>,
) -> Vec<PieceResult> {
    let pieces = layout.pieces();
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    // Full lanes before many threads: a lane that is empty costs as much as a full one.
    let batch = pieces.div_ceil(threads * 4).clamp(Kernel::chosen().width() as u64, BATCH);
    let threads = threads.min(pieces.div_ceil(batch));
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let done = Mutex::new(Vec::new());
    let work = || {
        let mut reader = PieceReader::new(layout, version, progress);
        while !stop.load(Ordering::Relaxed) {
            let first = next.fetch_add(batch, Ordering::Relaxed);
            if first >= pieces {
                break;
            }
            let hashes = reader.hash_pieces(first..pieces.min(first + batch));
            if on_error == OnError::Stop && hashes.iter().any(Result::is_err) {
                stop.store(true, Ordering::Relaxed);
            }
            // A poisoned lock is one that a panic has left; the list in it is still whole.
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((first, hashes));
        }
    };
    thread::scope(|scope| {
        // A thread that the system refuses is no loss: the others do its work, and this one is always there.
        (1..threads).for_each(|_| drop(thread::Builder::new().spawn_scoped(scope, work)));
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_unstable_by_key(|(first, _)| *first);
    done.into_iter().flat_map(|(_, hashes)| hashes).collect()
}

/// What to do when a piece cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnError {
    /// The whole is of no use without it: the result ends early, with the error in it.
    Stop,
    /// Each piece counts.
    GoOn,
}

struct PieceReader<'a> {
    layout: &'a Layout,
    version: TorrentVersion,
    progress: Progress<'a>,
    buffer: Vec<u8>,
    /// The file that was read last, with its index.
    open: Option<(usize, File)>,
    /// Several pieces at a time, where the processor can. The leaves of a v2 tree are hashed side by side in any case.
    abreast: Option<Abreast<'a>>,
}

impl<'a> PieceReader<'a> {
    fn new(layout: &'a Layout, version: TorrentVersion, progress: Progress<'a>) -> Self {
        let lanes = Sha1Lanes::new(Kernel::chosen()).filter(|_| version != TorrentVersion::V2);
        let abreast = lanes.map(|lanes| Abreast::new(layout, version, lanes, progress));
        let buffer = if abreast.is_some() { Vec::new() } else { vec![0; BUFFER] };
        Self { layout, version, progress, buffer, open: None, abreast }
    }

    /// The hashes of these pieces.
    fn hash_pieces(&mut self, pieces: Range<u64>) -> Vec<PieceResult> {
        if let Some(abreast) = &mut self.abreast {
            return abreast.hash(pieces);
        }
        pieces.map(|piece| self.hash_piece(piece)).collect()
    }

    fn hash_piece(&mut self, piece: u64) -> PieceResult {
        let mut hasher = PieceHasher::new(self.version, self.layout.piece_length);
        let mut whole_file = false;
        // Before any padding is hashed: a hostile metainfo may have terabytes of it, for files that nobody has.
        let Some(first) = self.layout.segments(piece).find(|segment| self.layout.is_data(segment)) else {
            return Ok(PieceHash { v1: None, v2: None });
        };
        self.open(first.file)?;
        for segment in self.layout.segments(piece) {
            if self.layout.is_data(&segment) {
                whole_file = segment.length == self.layout.files[segment.file].length;
                self.read(segment, &mut hasher)?;
            } else {
                hasher.pad(segment.length);
            }
        }
        Ok(hasher.finish(whole_file))
    }

    fn read(&mut self, segment: Segment, hasher: &mut PieceHasher) -> Result<(), ReadError> {
        let failed = |source| ReadError { file: segment.file, source };
        self.open(segment.file)?;
        let Some((_, file)) = &mut self.open else { return Err(failed(ErrorKind::NotFound.into())) };
        file.seek(SeekFrom::Start(segment.start)).map_err(failed)?;
        let mut left = segment.length;
        while left > 0 {
            let now = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            file.read_exact(&mut self.buffer[..now]).map_err(failed)?;
            hasher.update(&self.buffer[..now]);
            (self.progress)(now as u64);
            left -= now as u64;
        }
        Ok(())
    }

    fn open(&mut self, index: usize) -> Result<(), ReadError> {
        if self.open.as_ref().is_some_and(|(open, _)| *open == index) {
            return Ok(());
        }
        let path = self.layout.files[index].path.as_deref();
        let file = path.ok_or_else(|| ErrorKind::NotFound.into()).and_then(open_regular);
        self.open = Some((index, file.map_err(|source| ReadError { file: index, source })?));
        Ok(())
    }
}

/// Opens a file, and nothing that could block for ever, as a pipe does.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    File::open(path)
}
