//! Torrents, compared with those of libtorrent 2.0 and mktorrent 1.1: same bytes, same parameters, same info hash.

mod command;
mod foreign;
mod hostile;
mod verifying;

use std::path::{Path, PathBuf};

use podseed::hash::PieceLength;
use podseed::model::{InfoHashes, TorrentVersion};
use podseed::torrent::{MetainfoRequest, Source, Torrent, make};
use serde_json::{Value, json};
use tempfile::TempDir;

const VERSIONS: [(&str, TorrentVersion); 3] =
    [("v1", TorrentVersion::V1), ("hybrid", TorrentVersion::Hybrid), ("v2", TorrentVersion::V2)];

/// A folder whose files have these paths and lengths.
type Tree = &'static [(&'static str, usize)];

/// Empty files at every position, exact multiples, deep folders, unicode, many files in one piece, equal lengths
/// (whose pad files have one name), and names that sort differently by component than as a whole.
const TREES: [(&str, Tree); 9] = [
    ("empty-first", &[("a", 0), ("b", 70_000), ("c", 65_536)]),
    ("empty-between", &[("a", 70_000), ("b", 0), ("c", 0), ("d", 16_384), ("e", 1)]),
    ("empty-last", &[("a", 70_001), ("b", 131_072), ("c", 0), ("d", 0)]),
    ("empty-after-a-whole-piece", &[("a", 65_536), ("b", 0)]),
    ("one-file", &[("only", 100_000)]),
    ("deep", &[("1/2/3/4/5/6/7/8/9/10/11/12/deep.bin", 40_000), ("1/2/shallow.bin", 3), ("z", 65_535)]),
    (
        "Ünïcödé 日本語",
        &[("Folge 1 – Über Größe.mp3", 20_000), ("日本/語.ogg", 50_000), ("🎧/ä b.opus", 16_385)],
    ),
    (
        "many",
        &[("a", 1), ("b", 2), ("c", 2), ("d", 16_384), ("e", 16_384), ("f", 5), ("g/h", 70_000), ("g/i", 5)],
    ),
    (
        "order",
        &[("Z", 10), ("a.bin", 70_000), ("b-a", 100), ("b/c/y", 1), ("b/x", 65_536), ("b.x", 7), ("é", 3)],
    ),
];

/// Lengths at and beside the boundaries of blocks and pieces.
const LENGTHS: [usize; 14] = [
    1, 16_383, 16_384, 16_385, 32_768, 49_153, 65_535, 65_536, 65_537, 131_072, 131_073, 262_144, 300_001,
    1_048_577,
];

const PIECE_LENGTHS: [u64; 2] = [16 << 10, 64 << 10];

/// Bytes without repetition, different for each seed.
fn sample(length: usize, seed: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed as u64) << 32 ^ length as u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| next()).collect();
    bytes.truncate(length);
    bytes
}

/// Writes a file of the test's own, with its folders.
fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn write_tree(folder: &Path, tree: Tree) {
    for (index, (path, length)) in tree.iter().enumerate() {
        write(&folder.join(path), &sample(*length, index));
    }
}

/// The paths of a tree in the order of a v2 `file tree`: sorted component by component.
fn in_order(tree: Tree) -> Vec<String> {
    let mut paths: Vec<Vec<&str>> = tree.iter().map(|(path, _)| path.split('/').collect()).collect();
    paths.sort();
    paths.iter().map(|path| path.join("/")).collect()
}

/// Every tree on disk.
fn trees() -> (TempDir, Vec<(PathBuf, Tree)>) {
    let root = tempfile::tempdir().unwrap();
    let trees = TREES.map(|(name, tree)| (root.path().join(name), tree)).to_vec();
    trees.iter().for_each(|(folder, tree)| write_tree(folder, tree));
    (root, trees)
}

/// One file of every length on disk.
fn files() -> (TempDir, Vec<PathBuf>) {
    let root = tempfile::tempdir().unwrap();
    let files = LENGTHS.map(|length| root.path().join(format!("{length} bytes.mp3"))).to_vec();
    files.iter().zip(LENGTHS).for_each(|(path, length)| write(path, &sample(length, 0)));
    (root, files)
}

fn request(path: &Path, version: TorrentVersion, piece_length: u64) -> MetainfoRequest {
    let piece_length = PieceLength::new(piece_length).unwrap();
    let hashes = Source::open(path).unwrap().hash(version, Some(piece_length), &|_| {}).unwrap();
    MetainfoRequest::new(path.file_name().unwrap().to_str().unwrap(), hashes)
}

fn create(path: &Path, version: TorrentVersion, piece_length: u64) -> Torrent {
    make(&request(path, version, piece_length))
}

fn as_json(hashes: &InfoHashes) -> Value {
    json!({ "v1": hashes.v1().map(|v1| v1.to_string()), "v2": hashes.v2().map(|v2| v2.to_string()) })
}
