//! Ground: piece hashes (BEP 3) and merkle trees (BEP 52), made while bytes stream by.
//!
//! Bytes go in, hashes come out: nothing here opens a file, and nothing here knows bencode. Memory is bounded
//! by the number of pieces, never by the length of a piece.

mod kernel;
mod lanes;
mod merkle;
mod piece;
mod piece_length;
mod stream;
#[cfg(test)]
mod tests;

pub use kernel::{Sha1Hash, Sha256, Sha256Hash, sha1, sha256, sha256_each};
pub use lanes::{Kernel, LANES, MOST_PADDING, Sha1Lanes};
pub use merkle::{BLOCK_LENGTH, piece_root, root_of_layer};
pub use piece::{PieceHash, PieceHasher};
pub use piece_length::{InvalidPieceLength, PieceLength};
pub use stream::StreamHasher;

/// The hashes of one file's pieces: what a metainfo of that file consists of, besides its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PieceHashes {
    /// The file's length in bytes.
    pub length: u64,
    /// Bytes per piece; the last piece may be shorter.
    pub piece_length: PieceLength,
    /// SHA-1 of each piece (BEP 3), for v1 and hybrid torrents.
    pub v1: Option<Vec<Sha1Hash>>,
    /// The merkle tree of the file (BEP 52), for v2 and hybrid torrents.
    pub v2: Option<V2Hashes>,
}

/// The part of a file's merkle tree that a v2 metainfo carries (BEP 52).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V2Hashes {
    /// `pieces root`: the tree's root; `None` for an empty file.
    pub pieces_root: Option<Sha256Hash>,
    /// The tree's layer with one hash per piece; empty unless the file is longer than one piece.
    pub layer: Vec<Sha256Hash>,
}

/// Why a stream of bytes has no piece hashes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The stream ended early, or went on after its announced end.
    #[error("{got} bytes were hashed where {expected} were announced")]
    Length {
        /// What was announced.
        expected: u64,
        /// What came.
        got: u64,
    },
}
