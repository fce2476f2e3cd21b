//! Hashes several pieces at a time, each in a lane of its own (`hash::Sha1Lanes`).
//!
//! A lane that has come to the end of its piece takes the next one, so pieces may be of different lengths. Memory: a
//! chunk for each lane, and a few open files.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use super::layout::{Layout, Segment};
use super::pieces::{PieceResult, Progress, ReadError, open_regular};
use crate::hash::{MOST_PADDING, PieceHash, PieceHasher, Sha1Lanes, padding};
use crate::model::TorrentVersion;

/// What a lane reads at a time: all lanes together stay in the cache of a core.
const CHUNK_V1: usize = 64 << 10;
/// With trees, as much as a window of their hashes, so that it is hashed where it lies.
const CHUNK_HYBRID: usize = 256 << 10;
/// Between the buffers of two lanes. A power of two apart they would all fall on the same few lines of the cache.
const STAGGER: usize = 320;
/// Files that stay open.
const OPEN_FILES: usize = 16;

pub(super) struct Abreast<'a> {
    layout: &'a Layout,
    progress: Progress<'a>,
    version: TorrentVersion,
    lanes: Sha1Lanes,
    chunk: usize,
    buffers: Vec<u8>,
    slots: Vec<Slot>,
    files: Files,
}

/// A lane's piece, and what of it has been read and not hashed yet.
#[derive(Default)]
struct Slot {
    piece: Option<Piece>,
    /// In the lane's buffer.
    left: Range<usize>,
}

struct Piece {
    number: u64,
    segments: std::iter::Peekable<std::vec::IntoIter<Segment>>,
    /// Bytes read so far.
    length: u64,
    /// All is read, and its padding stands behind it.
    ended: bool,
    tree: Option<PieceHasher>,
    whole_file: bool,
}

impl<'a> Abreast<'a> {
    pub(super) fn new(
        layout: &'a Layout,
        version: TorrentVersion,
        lanes: Sha1Lanes,
        progress: Progress<'a>,
    ) -> Self {
        let chunk = if version == TorrentVersion::V1 { CHUNK_V1 } else { CHUNK_HYBRID };
        let chunk = usize::try_from(layout.piece_length)
            .map_or(chunk, |length| chunk.min(length.next_multiple_of(64)));
        let slots = std::iter::repeat_with(Slot::default).take(lanes.width()).collect();
        let buffers = vec![0; (chunk + STAGGER) * lanes.width()];
        Self { layout, progress, version, lanes, chunk, buffers, slots, files: Files::default() }
    }

    /// The hashes of these pieces, in order.
    pub(super) fn hash(&mut self, pieces: Range<u64>) -> Vec<PieceResult> {
        let first = pieces.start;
        let mut waiting = pieces.clone();
        let mut results: Vec<Option<PieceResult>> = pieces.map(|_| None).collect();
        let mut settle = |piece: u64, result| {
            if let Some(place) = usize::try_from(piece - first).ok().and_then(|index| results.get_mut(index))
            {
                *place = Some(result);
            }
        };
        loop {
            for lane in 0..self.slots.len() {
                self.supply(lane, &mut waiting, &mut settle);
            }
            if !self.step() {
                return results.into_iter().flatten().collect();
            }
        }
    }

    /// Sees to it that a lane has bytes to hash, as long as there is a piece for it.
    fn supply(&mut self, lane: usize, waiting: &mut Range<u64>, settle: &mut dyn FnMut(u64, PieceResult)) {
        while self.slots[lane].left.is_empty() {
            match self.slots[lane].piece.take() {
                Some(piece) if piece.ended => {
                    let v2 = piece.tree.and_then(|tree| tree.finish(piece.whole_file).v2);
                    settle(piece.number, Ok(PieceHash { v1: Some(self.lanes.hash(lane)), v2 }));
                }
                Some(mut piece) => match self.fill(lane, &mut piece) {
                    Ok(()) => self.slots[lane].piece = Some(piece),
                    Err(error) => settle(piece.number, Err(error)),
                },
                None => {
                    let Some(number) = waiting.next() else { return };
                    match self.begin(number) {
                        Ok(piece) => {
                            self.lanes.begin(lane);
                            self.slots[lane].piece = Some(piece);
                        }
                        Err(result) => settle(number, result),
                    }
                }
            }
        }
    }

    /// One step of all lanes that have something to hash; `false` when none has.
    fn step(&mut self) -> bool {
        let stride = self.chunk + STAGGER;
        let Some(busy) = self.slots.iter().position(|slot| !slot.left.is_empty()) else { return false };
        let of_lane = |lane: usize| {
            let left = &self.slots[lane].left;
            &self.buffers[lane * stride + left.start..lane * stride + left.end]
        };
        // A lane without a piece is given another's bytes, and nobody asks for its hash.
        let messages = self
            .slots
            .iter()
            .enumerate()
            .map(|(lane, slot)| of_lane(if slot.left.is_empty() { busy } else { lane }));
        let done = self.lanes.update(&messages.collect::<Vec<_>>());
        self.slots.iter_mut().filter(|slot| !slot.left.is_empty()).for_each(|slot| slot.left.start += done);
        true
    }

    /// A piece, or its result where there is nothing to hash.
    fn begin(&mut self, number: u64) -> Result<Piece, PieceResult> {
        let segments: Vec<_> = self.layout.segments(number).collect();
        // Before any padding is hashed: a hostile metainfo may have terabytes of it, for files that nobody has.
        let Some(data) = segments.iter().find(|segment| self.layout.is_data(segment)) else {
            return Err(Ok(PieceHash { v1: None, v2: None }));
        };
        self.files.get(self.layout, data.file).map_err(Err)?;
        let whole_file = data.length == self.layout.files[data.file].length;
        let tree = (self.version == TorrentVersion::Hybrid)
            .then(|| PieceHasher::new(TorrentVersion::V2, self.layout.piece_length));
        let segments = segments.into_iter().peekable();
        Ok(Piece { number, segments, length: 0, ended: false, tree, whole_file })
    }

    /// Reads the next chunk of a lane's piece; the last one with its padding.
    fn fill(&mut self, lane: usize, piece: &mut Piece) -> Result<(), ReadError> {
        let begin = lane * (self.chunk + STAGGER);
        let mut filled = 0;
        while filled < self.chunk {
            let Some(segment) = piece.segments.peek_mut() else { break };
            let room = self.chunk - filled;
            let now = usize::try_from(segment.length).map_or(room, |length| length.min(room));
            let bytes = &mut self.buffers[begin + filled..begin + filled + now];
            if self.layout.is_data(segment) {
                let file = self.files.get(self.layout, segment.file)?;
                file.read_exact_at(bytes, segment.start)
                    .map_err(|source| ReadError { file: segment.file, source })?;
                (self.progress)(now as u64);
                if let Some(tree) = &mut piece.tree {
                    tree.update(bytes);
                }
            } else {
                bytes.fill(0);
            }
            segment.start += now as u64;
            segment.length -= now as u64;
            if segment.length == 0 {
                piece.segments.next();
            }
            filled += now;
        }
        piece.length += filled as u64;
        if piece.segments.peek().is_none() {
            let mut space = [0; MOST_PADDING];
            let padding = padding(piece.length, &mut space);
            self.buffers[begin + filled..begin + filled + padding.len()].copy_from_slice(padding);
            filled += padding.len();
            piece.ended = true;
        }
        self.slots[lane].left = 0..filled;
        Ok(())
    }
}

/// The files that were read last.
#[derive(Default)]
struct Files(Vec<(usize, File)>);

impl Files {
    fn get(&mut self, layout: &Layout, index: usize) -> Result<&File, ReadError> {
        let position = match self.0.iter().position(|(open, _)| *open == index) {
            Some(position) => position,
            None => {
                let path = layout.files[index].path.as_deref();
                let file = path.ok_or_else(|| io::Error::from(ErrorKind::NotFound)).and_then(open_regular);
                let file = file.map_err(|source| ReadError { file: index, source })?;
                if self.0.len() == OPEN_FILES {
                    self.0.remove(0);
                }
                self.0.push((index, file));
                self.0.len() - 1
            }
        };
        Ok(&self.0[position].1)
    }
}
