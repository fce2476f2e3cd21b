//! The two hash functions, and the calls that hash many blocks at once.
//!
//! This file alone knows which implementation computes them: aws-lc, the fastest single stream measured, and for
//! SHA-256 of independent blocks tape-sha256, which hashes up to sixteen side by side. SHA-1 of several messages is
//! in `lanes`.

use aws_lc_rs::digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::lanes::{Kernel, LANES};

/// A SHA-1 hash.
pub type Sha1Hash = [u8; 20];

/// A SHA-256 hash.
pub type Sha256Hash = [u8; 32];

/// SHA-1 of bytes that are at hand: an info dictionary.
pub fn sha1(bytes: &[u8]) -> Sha1Hash {
    fixed(&digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes))
}

/// SHA-256 of bytes that are at hand: an info dictionary.
pub fn sha256(bytes: &[u8]) -> Sha256Hash {
    fixed(&digest(&SHA256, bytes))
}

/// SHA-1 of a stream. A clone goes its own way from the bytes seen so far.
#[derive(Clone)]
pub(super) struct Sha1(Context);

impl Sha1 {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA1_FOR_LEGACY_USE_ONLY))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Sha1Hash {
        fixed(&self.0.finish())
    }
}

/// SHA-256 of a stream: of a whole file, whose pieces are hashed on their own.
pub struct Sha256(Context);

impl Sha256 {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The stream is at its end.
    pub fn finish(self) -> Sha256Hash {
        fixed(&self.0.finish())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

/// The SHA-256 of each message, appended to `hashes`; the longer the list, the more of them side by side.
///
/// What a kernel is forced for is SHA-1. AVX-512 leaves it to the library to hash side by side; with any other one
/// after the other is hashed, since the library cannot be told what to use.
pub fn sha256_each(messages: &[&[u8]], hashes: &mut Vec<Sha256Hash>) {
    if Kernel::forced().is_some_and(|kernel| kernel != Kernel::Avx512) {
        hashes.extend(messages.iter().map(|message| sha256(message)));
        return;
    }
    let done = hashes.len();
    hashes.resize(done + messages.len(), [0; 32]);
    tape_sha256::hash_many(messages, &mut hashes[done..]);
}

/// The SHA-256 of each block of `length` bytes, the last one perhaps shorter, appended to `hashes`.
pub(super) fn sha256_blocks(bytes: &[u8], length: usize, hashes: &mut Vec<Sha256Hash>) {
    for several in bytes.chunks(length * LANES) {
        let mut blocks: [&[u8]; LANES] = [&[]; LANES];
        let count = several.len().div_ceil(length);
        blocks.iter_mut().zip(several.chunks(length)).for_each(|(block, bytes)| *block = bytes);
        sha256_each(&blocks[..count], hashes);
    }
}

/// The SHA-256 of two hashes in a row: the parent of two nodes.
pub(super) fn sha256_pair(left: &Sha256Hash, right: &Sha256Hash) -> Sha256Hash {
    sha256([*left, *right].as_flattened())
}

fn fixed<const N: usize>(digest: &Digest) -> [u8; N] {
    let mut hash = [0; N];
    hash.copy_from_slice(digest.as_ref());
    hash
}
