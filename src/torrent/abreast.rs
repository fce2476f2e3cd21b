//! Hashes several pieces at a time, each in a lane of its own.
//!
//! A lane that has come to the end of its piece takes the next one, of whatever length, file and torrent. SHA-1 goes
//! through all lanes in step (`hash::Sha1Lanes`); the blocks of a v2 tree are hashed together, those of all lanes at
//! once, before the first lane needs its buffer again. Memory: 512 KiB for all lanes, however long a piece is, which stays
//! in the cache of a core, and an open file for each at most.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use super::layout::{Cursor, Segment};
use super::pieces::{Manner, PieceResult, Queue, ReadError, Running, Sink, open_regular};
use crate::hash::{
    BLOCK_LENGTH, Kernel, LANES, MOST_PADDING, PieceHash, Sha1Lanes, Sha256Hash, piece_root, sha256_each,
};
use crate::model::TorrentVersion;

/// What a lane reads at a time.
const CHUNK: usize = 32 << 10;
/// From one lane's buffer to the next: room for padding, and not a power of two, or the same bytes of all lanes would
/// fall on the same few lines of the cache.
const STRIDE: usize = CHUNK + 320;
const _: () = assert!(CHUNK.is_multiple_of(BLOCK_LENGTH) && STRIDE - CHUNK >= MOST_PADDING);

/// The lanes of one thread.
pub(super) struct Abreast<'q, S> {
    queue: &'q Queue<'q, S>,
    manner: Manner<'q>,
    sha1: Sha1Lanes,
    buffers: Vec<u8>,
    lanes: [Lane<S>; LANES],
}

struct Lane<S> {
    piece: Option<Piece<S>>,
    /// What of the lane's buffer is still to be gone through.
    left: Range<usize>,
    /// So many bytes at its beginning are blocks whose hashes the piece does not have yet.
    unhashed: usize,
    open: Option<Open<S>>,
}

struct Piece<S> {
    job: Arc<Running<S>>,
    number: u64,
    cursor: Cursor,
    /// Bytes read so far.
    length: u64,
    /// All is read, and its padding stands behind it.
    ended: bool,
    whole_file: bool,
    blocks: Vec<Sha256Hash>,
}

/// The file that a lane has read last.
struct Open<S> {
    job: Arc<Running<S>>,
    index: usize,
    file: Arc<File>,
}

impl<S> Open<S> {
    fn is(&self, job: &Arc<Running<S>>, index: usize) -> bool {
        self.index == index && Arc::ptr_eq(&self.job, job)
    }
}

impl<'q, S: Sink> Abreast<'q, S> {
    pub(super) fn new(queue: &'q Queue<'q, S>, manner: Manner<'q>, kernel: Kernel) -> Self {
        Self {
            queue,
            manner,
            sha1: Sha1Lanes::new(kernel),
            buffers: vec![0; STRIDE * LANES],
            lanes: std::array::from_fn(|_| Lane { piece: None, left: 0..0, unhashed: 0, open: None }),
        }
    }

    /// Hashes what is in the queue until it is empty.
    pub(super) fn work(mut self) {
        loop {
            for lane in 0..LANES {
                while self.lanes[lane].left.is_empty() && self.supply(lane) {}
            }
            if self.lanes.iter().all(|lane| lane.left.is_empty()) {
                return;
            }
            self.step();
        }
    }

    /// Brings a lane that has gone through its buffer nearer to the next bytes; `false` when there are none.
    fn supply(&mut self, lane: usize) -> bool {
        if self.lanes[lane].unhashed > 0 {
            self.hash_blocks();
        }
        match self.lanes[lane].piece.take() {
            Some(piece) if piece.ended => self.end(lane, piece),
            Some(mut piece) => match self.fill(lane, &mut piece) {
                Ok(()) => self.lanes[lane].piece = Some(piece),
                Err(error) => piece.job.settle(piece.number, Some(Err(error)), self.manner.on_error),
            },
            None => {
                let Some((job, number)) = self.queue.take() else {
                    self.lanes[lane].open = None;
                    return false;
                };
                self.begin(lane, job, number);
            }
        }
        true
    }

    /// A piece comes into a lane, if there is anything to hash.
    fn begin(&mut self, lane: usize, job: Arc<Running<S>>, number: u64) {
        let on_error = self.manner.on_error;
        if job.is_stopped() {
            return job.settle(number, None, on_error);
        }
        let layout = &job.layout;
        // Before any padding is hashed: a hostile metainfo may have terabytes of it, for files that nobody has.
        let Some(data) = layout.segments(number).find(|segment| layout.is_data(segment)) else {
            return job.settle(number, Some(Ok(PieceHash { v1: None, v2: None })), on_error);
        };
        if let Err(error) = self.open(lane, &job, data.file) {
            return job.settle(number, Some(Err(error)), on_error);
        }
        let whole_file = data.length == layout.files[data.file].length;
        let cursor = layout.cursor(number);
        self.sha1.begin(lane);
        self.lanes[lane].piece =
            Some(Piece { job, number, cursor, length: 0, ended: false, whole_file, blocks: Vec::new() });
    }

    /// A lane gets the file of its next piece, as another has it open or by itself.
    fn open(&mut self, lane: usize, job: &Arc<Running<S>>, index: usize) -> Result<(), ReadError> {
        let opened = self.lanes.iter().filter_map(|lane| lane.open.as_ref());
        let shared = opened.filter(|open| open.is(job, index)).map(|open| Arc::clone(&open.file)).next();
        if let Some(file) = shared {
            self.lanes[lane].open = Some(Open { job: Arc::clone(job), index, file });
        }
        self.lanes[lane].file(job, index).map(drop)
    }

    /// Reads the next chunk of a lane's piece; the last one with its padding.
    fn fill(&mut self, lane: usize, piece: &mut Piece<S>) -> Result<(), ReadError> {
        let job = Arc::clone(&piece.job);
        let buffer = &mut self.buffers[lane * STRIDE..(lane + 1) * STRIDE];
        let lane = &mut self.lanes[lane];
        let (mut filled, mut unhashed) = (0, 0);
        while filled < CHUNK {
            let Some(segment) = piece.cursor.advance(&job.layout, (CHUNK - filled) as u64) else { break };
            let bytes = &mut buffer[filled..filled + segment.length as usize];
            filled += bytes.len();
            if job.layout.is_data(&segment) {
                lane.read(&job, &segment, bytes)?;
                (self.manner.progress)(segment.length);
                unhashed = filled;
            } else {
                bytes.fill(0);
            }
        }
        piece.length += filled as u64;
        piece.ended = piece.cursor.is_at_end(&job.layout);
        if piece.ended {
            let mut space = [0; MOST_PADDING];
            let padding = self.sha1.padding(piece.length, &mut space);
            buffer[filled..filled + padding.len()].copy_from_slice(padding);
            filled += padding.len();
        }
        lane.unhashed = if self.manner.version == TorrentVersion::V1 { 0 } else { unhashed };
        lane.left = 0..filled;
        Ok(())
    }

    /// All lanes go on with what they have.
    fn step(&mut self) {
        if self.manner.version == TorrentVersion::V2 {
            self.lanes.iter_mut().for_each(|lane| lane.left = 0..0);
            return;
        }
        let buffers = &self.buffers;
        let messages = std::array::from_fn(|lane| {
            let left = &self.lanes[lane].left;
            &buffers[lane * STRIDE..][left.start..left.end]
        });
        let done = self.sha1.update(&messages);
        self.lanes.iter_mut().filter(|lane| !lane.left.is_empty()).for_each(|lane| lane.left.start += done);
    }

    /// Hashes the blocks in the buffers of all lanes.
    fn hash_blocks(&mut self) {
        let buffers = self.buffers.chunks(STRIDE);
        let of_lanes = self.lanes.iter().zip(buffers).map(|(lane, buffer)| &buffer[..lane.unhashed]);
        let blocks: Vec<&[u8]> = of_lanes.flat_map(|bytes| bytes.chunks(BLOCK_LENGTH)).collect();
        let mut hashes = Vec::with_capacity(blocks.len());
        sha256_each(&blocks, &mut hashes);
        let mut hashes = hashes.as_slice();
        for lane in &mut self.lanes {
            let (own, others) = hashes.split_at(lane.unhashed.div_ceil(BLOCK_LENGTH));
            if let Some(piece) = &mut lane.piece {
                piece.blocks.extend_from_slice(own);
            }
            lane.unhashed = 0;
            hashes = others;
        }
    }

    /// A lane has gone through all of its piece.
    fn end(&mut self, lane: usize, piece: Piece<S>) {
        let has_v1 = self.manner.version != TorrentVersion::V2;
        let v1 = has_v1.then(|| self.sha1.hash(lane));
        let v2 = piece_root(&piece.blocks, piece.job.layout.piece_length, piece.whole_file);
        let result: PieceResult = Ok(PieceHash { v1, v2 });
        piece.job.settle(piece.number, Some(result), self.manner.on_error);
    }
}

impl<S: Sink> Lane<S> {
    fn read(&mut self, job: &Arc<Running<S>>, segment: &Segment, bytes: &mut [u8]) -> Result<(), ReadError> {
        let file = self.file(job, segment.file)?;
        file.read_exact_at(bytes, segment.start).map_err(|source| ReadError { file: segment.file, source })
    }

    /// A file of a job, open.
    fn file(&mut self, job: &Arc<Running<S>>, index: usize) -> Result<&File, ReadError> {
        let known = self.open.take().filter(|open| open.is(job, index));
        let open = match known {
            Some(open) => open,
            None => {
                let path = job.layout.files[index].path.as_deref();
                let file = path.ok_or_else(|| io::Error::from(ErrorKind::NotFound)).and_then(open_regular);
                let file = file.map_err(|source| ReadError { file: index, source })?;
                Open { job: Arc::clone(job), index, file: Arc::new(file) }
            }
        };
        Ok(&self.open.insert(open).file)
    }
}

#[cfg(test)]
mod tests;
