//! Merkle trees of BEP 52: leaves are the SHA-256 of 16 KiB blocks, missing leaves are zero.

use std::borrow::Cow;

use super::V2Hashes;
use super::kernel::{Sha256Hash, sha256_blocks, sha256_pair};

/// The length of a block, the leaf of a v2 tree: 16 KiB.
pub const BLOCK_LENGTH: usize = 16 << 10;

/// How many bytes are collected before their blocks are hashed, so that sixteen can be hashed side by side.
pub(super) const WINDOW: usize = 16 * BLOCK_LENGTH;

/// The hash of a leaf that is not there.
const NO_LEAF: Sha256Hash = [0; 32];

/// Hashes a stream into the nodes of its tree, one per `group` blocks.
///
/// The nodes are the same however the stream is cut. Memory: one window of bytes, the leaves of one group, and
/// 32 bytes per group.
pub(super) struct TreeHasher {
    group: usize,
    window: Vec<u8>,
    leaves: Vec<Sha256Hash>,
    nodes: Vec<Sha256Hash>,
    length: u64,
}

/// One layer of a file's tree.
pub(super) struct MerkleTree {
    group: usize,
    nodes: Vec<Sha256Hash>,
    /// The root of the whole tree where the file has fewer blocks than a group; its tree ends lower.
    small_root: Option<Sha256Hash>,
    length: u64,
}

impl TreeHasher {
    /// A hasher that keeps one node per `node_length` bytes, a power of two of at least one block.
    pub(super) fn new(node_length: u64) -> Self {
        Self {
            group: blocks_in(node_length),
            window: Vec::new(),
            leaves: Vec::new(),
            nodes: Vec::new(),
            length: 0,
        }
    }

    /// The next bytes of the stream.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if !self.window.is_empty() {
            let missing = WINDOW - self.window.len();
            let (head, rest) = bytes.split_at(missing.min(bytes.len()));
            self.window.extend_from_slice(head);
            bytes = rest;
            if self.window.len() < WINDOW {
                return;
            }
            let window = std::mem::take(&mut self.window);
            self.hash_blocks(&window);
            self.window = window;
            self.window.clear();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % WINDOW);
        self.hash_blocks(whole);
        self.window.extend_from_slice(rest);
    }

    /// The stream is at its end.
    pub(super) fn finish(mut self) -> MerkleTree {
        let window = std::mem::take(&mut self.window);
        self.hash_blocks(&window);
        let mut small_root = None;
        if !self.leaves.is_empty() {
            if self.nodes.is_empty() {
                small_root = Some(root(&self.leaves, self.leaves.len().next_power_of_two(), NO_LEAF));
            }
            self.nodes.push(root(&self.leaves, self.group, NO_LEAF));
        }
        MerkleTree { group: self.group, nodes: self.nodes, small_root, length: self.length }
    }

    fn hash_blocks(&mut self, bytes: &[u8]) {
        sha256_blocks(bytes, BLOCK_LENGTH, &mut self.leaves);
        let whole = self.leaves.len() - self.leaves.len() % self.group;
        let group = self.group;
        self.nodes.extend(self.leaves[..whole].chunks(group).map(|leaves| root(leaves, group, NO_LEAF)));
        self.leaves.drain(..whole);
    }
}

impl MerkleTree {
    /// What a v2 metainfo with this piece length carries. The piece length must not be below that of the nodes.
    pub(super) fn hashes(self, piece_length: u64) -> V2Hashes {
        let per_piece = (blocks_in(piece_length) / self.group).max(1);
        let padding = empty_node(self.group);
        if self.length <= piece_length {
            let pieces_root = (!self.nodes.is_empty()).then(|| {
                let width = self.nodes.len().next_power_of_two();
                self.small_root.unwrap_or_else(|| root(&self.nodes, width, padding))
            });
            return V2Hashes { pieces_root, layer: Vec::new() };
        }
        let layer: Vec<_> =
            self.nodes.chunks(per_piece).map(|nodes| root(nodes, per_piece, padding)).collect();
        V2Hashes { pieces_root: root_of_layer(&layer, piece_length), layer }
    }

    /// The nodes, the last one as if its group were full.
    pub(super) fn nodes(&self) -> &[Sha256Hash] {
        &self.nodes
    }
}

/// The hash of a piece from those of its blocks: its node in the piece layer, or, where it is the whole file, the root of
/// a tree that is no larger than the file needs (BEP 52). `None` without a block.
pub fn piece_root(blocks: &[Sha256Hash], piece_length: u64, whole_file: bool) -> Option<Sha256Hash> {
    let width = if whole_file { blocks.len().next_power_of_two() } else { blocks_in(piece_length) };
    (!blocks.is_empty()).then(|| root(blocks, width, NO_LEAF))
}

/// The `pieces root` above a piece layer; `None` where the layer is empty.
///
/// It proves that a layer of a metainfo belongs to the file of that root (BEP 52, "piece layers"). The piece
/// length is a power of two of at least one block.
pub fn root_of_layer(layer: &[Sha256Hash], piece_length: u64) -> Option<Sha256Hash> {
    let padding = empty_node(blocks_in(piece_length));
    (!layer.is_empty()).then(|| root(layer, layer.len().next_power_of_two(), padding))
}

fn blocks_in(length: u64) -> usize {
    usize::try_from(length / BLOCK_LENGTH as u64).unwrap_or(usize::MAX)
}

/// The root of a tree over so many missing leaves.
fn empty_node(leaves: usize) -> Sha256Hash {
    (0..leaves.trailing_zeros()).fold(NO_LEAF, |node, _| sha256_pair(&node, &node))
}

/// The root of `nodes`, filled up with `padding` to `width`, a power of two.
fn root(nodes: &[Sha256Hash], width: usize, mut padding: Sha256Hash) -> Sha256Hash {
    let mut layer = Cow::Borrowed(nodes);
    for _ in 0..width.trailing_zeros() {
        let (pairs, last) = layer.as_chunks::<2>();
        let mut parents = Vec::with_capacity(layer.len().div_ceil(2));
        sha256_blocks(pairs.as_flattened().as_flattened(), 2 * NO_LEAF.len(), &mut parents);
        parents.extend(last.iter().map(|last| sha256_pair(last, &padding)));
        layer = Cow::Owned(parents);
        padding = sha256_pair(&padding, &padding);
    }
    layer.first().copied().unwrap_or(padding)
}
