//! The piece hashes of one file, made while its bytes arrive in order.

use podseed_adapters::TorrentVersion;

use super::kernel::{Sha1, Sha1Hash};
use super::lanes::{Kernel, LANES, MOST_PADDING, Sha1Lanes};
use super::merkle::{TreeHasher, WINDOW};
use super::{Error, PieceHashes, PieceLength};

/// What stays in the cache of a core, beside what it comes from.
const MOST_WINDOW: usize = 1 << 20;

/// Hashes one file as its bytes arrive, in chunks of any size.
///
/// With a given piece length, or a known length, exactly one piece length is hashed. With neither, the pieces of
/// every length that [`PieceLength::auto`] may still choose are hashed side by side, so that nothing has to be
/// read back once the length is known; a length that the stream has outgrown is dropped. The v2 tree does not
/// depend on the piece length and is built once.
///
/// Work is done in the caller's thread, and pieces that come whole in one chunk are hashed side by side: see
/// [`StreamHasher::window`]. Memory: 20 bytes per piece for v1, 32 bytes per piece (or per 64 KiB while the piece length
/// is open) and a window of 256 KiB for v2.
pub struct StreamHasher {
    expected: Option<u64>,
    length: u64,
    v1: Option<PieceLengths>,
    v2: Option<TreeHasher>,
    piece_length: Option<PieceLength>,
}

impl StreamHasher {
    /// A hasher for a file of `expected` bytes, if its length is known. `None` as piece length means
    /// [`PieceLength::auto`].
    pub fn new(version: TorrentVersion, piece_length: Option<PieceLength>, expected: Option<u64>) -> Self {
        let piece_length = piece_length.or_else(|| expected.map(PieceLength::auto));
        let v1 = || match piece_length {
            Some(only) => PieceLengths::new([only]),
            None => PieceLengths::new(PieceLength::candidates()),
        };
        let v2 = || TreeHasher::new(piece_length.unwrap_or(PieceLength::AUTO_MIN).bytes());
        Self {
            expected,
            length: 0,
            v1: (version != TorrentVersion::V2).then(v1),
            v2: (version != TorrentVersion::V1).then(v2),
            piece_length,
        }
    }

    /// So many bytes at a time, from the beginning, are hashed fastest: sixteen pieces where they are short, for they
    /// are hashed side by side, and always sixteen blocks of a v2 tree. From 256 KiB to 1 MiB.
    pub fn window(&self) -> usize {
        let pieces = self.v1.as_ref().and(self.piece_length).map_or(0, |length| 16 * length.bytes());
        usize::try_from(pieces).unwrap_or(MOST_WINDOW).clamp(WINDOW, MOST_WINDOW)
    }

    /// The next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if let Some(v1) = &mut self.v1 {
            v1.update(bytes);
        }
        if let Some(v2) = &mut self.v2 {
            v2.update(bytes);
        }
    }

    /// How many bytes have been hashed.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The file is complete.
    ///
    /// # Errors
    /// [`Error::Length`] when it is not as long as was expected.
    pub fn finish(self) -> Result<PieceHashes, Error> {
        let length = self.length;
        match self.expected {
            Some(expected) if expected != length => return Err(Error::Length { expected, got: length }),
            _ => {}
        }
        let piece_length = self.piece_length.unwrap_or_else(|| PieceLength::auto(length));
        Ok(PieceHashes {
            length,
            piece_length,
            v1: self.v1.map(|v1| v1.finish(piece_length)),
            v2: self.v2.map(|v2| v2.finish().hashes(piece_length.bytes())),
        })
    }
}

/// SHA-1 pieces of several lengths over one stream.
///
/// Pieces of different lengths that begin at the same byte share one running hash until the shorter one ends:
/// nine lengths cost about five hashes.
struct PieceLengths {
    /// Those still possible, the smallest first; never empty.
    lengths: Vec<Pieces>,
    /// The running hashes, one for each byte at which an unfinished piece began.
    running: Vec<Running>,
    position: u64,
}

struct Pieces {
    length: PieceLength,
    hashes: Vec<Sha1Hash>,
}

struct Running {
    start: u64,
    sha1: Sha1,
}

impl PieceLengths {
    fn new(lengths: impl IntoIterator<Item = PieceLength>) -> Self {
        Self {
            lengths: lengths.into_iter().map(|length| Pieces { length, hashes: Vec::new() }).collect(),
            running: Vec::new(),
            position: 0,
        }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.position.is_multiple_of(self.shortest()) {
                let whole = self.hash_whole(bytes);
                if whole > 0 {
                    bytes = &bytes[whole..];
                    continue;
                }
                self.running.push(Running { start: self.position, sha1: Sha1::new() });
            }
            let to_end = self.shortest() - self.position % self.shortest();
            let now = usize::try_from(to_end).map_or(bytes.len(), |to_end| to_end.min(bytes.len()));
            let (head, rest) = bytes.split_at(now);
            self.running.iter_mut().for_each(|running| running.sha1.update(head));
            self.position += head.len() as u64;
            bytes = rest;
            self.end_pieces();
        }
    }

    /// At the end of a piece: hashes the whole pieces that these bytes begin with side by side, where their length is
    /// settled. Gives how many bytes that were.
    fn hash_whole(&mut self, bytes: &[u8]) -> usize {
        let [pieces] = self.lengths.as_mut_slice() else { return 0 };
        let Ok(length) = usize::try_from(pieces.length.bytes()) else { return 0 };
        let whole = bytes.len() - bytes.len() % length;
        sha1_pieces(&bytes[..whole], length, &mut pieces.hashes);
        self.position += whole as u64;
        whole
    }

    fn shortest(&self) -> u64 {
        self.lengths.first().map_or(u64::MAX, |pieces| pieces.length.bytes())
    }

    /// Takes the hash of each piece that ends here, and lets go of what nobody needs any more.
    fn end_pieces(&mut self) {
        let position = self.position;
        for pieces in &mut self.lengths {
            if position.is_multiple_of(pieces.length.bytes()) {
                pieces.hashes.extend(hash_from(&self.running, position - pieces.length.bytes()));
            }
        }
        if self.lengths.len() > 1 {
            self.lengths.retain(|pieces| pieces.length.suits(position));
        }
        let lengths = &self.lengths;
        let in_use = |start| lengths.iter().any(|p| position - position % p.length.bytes() == start);
        self.running.retain(|running| in_use(running.start));
    }

    fn finish(self, length: PieceLength) -> Vec<Sha1Hash> {
        let rest = self.position % length.bytes();
        let chosen = self.lengths.into_iter().find(|pieces| pieces.length == length);
        let mut hashes = chosen.map(|pieces| pieces.hashes).unwrap_or_default();
        if rest > 0 {
            hashes.extend(hash_from(&self.running, self.position - rest));
        }
        hashes
    }
}

fn hash_from(running: &[Running], start: u64) -> Option<Sha1Hash> {
    let running = running.iter().find(|running| running.start == start)?;
    Some(running.sha1.clone().finish())
}

/// The SHA-1 of each piece of `length` bytes, a multiple of 64, appended to `hashes`. Pieces are hashed side by side, by
/// the widest kernel that they fill.
fn sha1_pieces(bytes: &[u8], length: usize, hashes: &mut Vec<Sha1Hash>) {
    for sixteen in bytes.chunks(length * LANES) {
        let count = sixteen.len() / length;
        let mut lanes = Sha1Lanes::new(Kernel::chosen_for(count));
        let mut pieces: [&[u8]; LANES] = [&[]; LANES];
        pieces.iter_mut().zip(sixteen.chunks_exact(length)).for_each(|(lane, piece)| *lane = piece);
        lanes.update(&pieces);
        let mut space = [0; MOST_PADDING];
        lanes.update(&[lanes.padding(length as u64, &mut space); LANES]);
        hashes.extend((0..count).map(|lane| lanes.hash(lane)));
    }
}
