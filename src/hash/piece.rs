//! The hashes of one piece by itself, as it comes from a source or a client.

use podseed_adapters::TorrentVersion;

use super::kernel::{Sha1, Sha1Hash, Sha256Hash};
use super::merkle::TreeHasher;

/// The hashes of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceHash {
    /// SHA-1 of the piece (BEP 3).
    pub v1: Option<Sha1Hash>,
    /// The piece's node in the piece layer (BEP 52), or the root of a file that is no longer than a piece.
    pub v2: Option<Sha256Hash>,
}

/// Hashes one piece as its bytes arrive, in chunks of any size. Memory: a window of 256 KiB, and 32 bytes per block.
pub struct PieceHasher {
    v1: Option<Sha1>,
    v2: Option<TreeHasher>,
    piece_length: u64,
}

impl PieceHasher {
    /// A hasher for one piece. For hybrid and v2 the piece length is a power of two of at least one block, and
    /// a piece never spans two files.
    pub fn new(version: TorrentVersion, piece_length: u64) -> Self {
        Self {
            v1: (version != TorrentVersion::V2).then(Sha1::new),
            v2: (version != TorrentVersion::V1).then(|| TreeHasher::new(piece_length)),
            piece_length,
        }
    }

    /// The next bytes of the piece.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(v1) = &mut self.v1 {
            v1.update(bytes);
        }
        if let Some(v2) = &mut self.v2 {
            v2.update(bytes);
        }
    }

    /// The piece is complete. `whole_file` tells that it is all of its file: then v2 has the file's root, whose
    /// tree is no larger than the file needs (BEP 52).
    pub fn finish(self, whole_file: bool) -> PieceHash {
        let v2 = self.v2.and_then(|v2| {
            let tree = v2.finish();
            if whole_file {
                tree.hashes(self.piece_length).pieces_root
            } else {
                tree.nodes().first().copied()
            }
        });
        PieceHash { v1: self.v1.map(Sha1::finish), v2 }
    }
}
