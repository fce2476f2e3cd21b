//! Compares data on disk with a metainfo, piece by piece and file by file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::Layout;
use super::metainfo::Metainfo;
use super::pieces::{Manner, OnError, PieceResult, Progress, Sink, hash_all};
use crate::hash::{PieceHash, Sha256Hash};

/// What became of a comparison.
#[derive(Debug)]
pub struct Verification {
    /// The file or folder that was compared.
    pub data: PathBuf,
    /// In the order of the torrent, without pad files.
    pub files: Vec<FileReport>,
    /// How many pieces there are.
    pub pieces: u64,
    /// Those that are bad, in order.
    pub bad: Vec<BadPiece>,
}

/// What became of one file.
#[derive(Debug)]
pub struct FileReport {
    /// Its path in the torrent.
    pub path: String,
    /// How long it should be.
    pub length: u64,
    /// How it was found.
    pub state: FileState,
    /// Those of the bad pieces that hold bytes of it. In v1 a piece may hold bytes of several files, and cannot
    /// tell which of them is bad.
    pub bad_pieces: Vec<u64>,
}

/// How a file was found.
#[derive(Debug)]
pub enum FileState {
    /// Readable, and of the right length.
    Present,
    /// Not there.
    Missing,
    /// Of this length in bytes.
    WrongLength(u64),
    /// There, and not readable.
    Unreadable(io::Error),
}

/// A piece that is not what the metainfo says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPiece {
    /// Its index. Each file begins with a piece of its own in hybrid and v2.
    pub index: u64,
    /// What about it is bad.
    pub mismatch: Mismatch,
}

/// Which of a piece's hashes are not those of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It could not be read, or not completely.
    Unread,
    /// Every hash that the metainfo has for it.
    Content,
    /// The v1 hash only: the metainfo contradicts itself.
    V1Only,
    /// The v2 hash only: the metainfo contradicts itself.
    V2Only,
}

impl Verification {
    /// Whether everything is there, and right.
    pub fn is_good(&self) -> bool {
        self.bad.is_empty() && self.files.iter().all(|file| matches!(file.state, FileState::Present))
    }
}

/// Compares the data at `path` with `metainfo`, on every core. `path` is the file or folder itself, or the folder
/// that holds it.
pub fn verify(metainfo: &Metainfo, path: &Path, progress: Progress<'_>) -> Verification {
    let data = find_data(metainfo, path);
    let layout = Arc::new(metainfo.layout(&data));
    let mut comparison = Comparison { expected: Expected::new(metainfo, &layout), bad: Vec::new() };
    let manner = Manner { version: metainfo.version, on_error: OnError::GoOn, progress };
    hash_all(&layout, manner, &mut comparison);
    let mut bad = comparison.bad;
    bad.sort_unstable_by_key(|bad| bad.index);
    let reports = metainfo.files.iter().zip(&layout.files).filter_map(|(file, place)| {
        let path = place.path.as_deref()?;
        let own = layout.pieces_of(place);
        let first = bad.partition_point(|bad| bad.index < own.start);
        let bad_pieces = bad[first..].iter().map(|bad| bad.index).take_while(|index| own.contains(index));
        let state = look_at(path, file.length);
        Some(FileReport {
            path: file.display_path(),
            length: file.length,
            state,
            bad_pieces: bad_pieces.collect(),
        })
    });
    Verification { files: reports.collect(), pieces: layout.pieces(), bad, data }
}

/// The file or folder that `path` means: itself, or what is called like the torrent in it. Where both are folders,
/// the one that has more of the files.
fn find_data(metainfo: &Metainfo, path: &Path) -> PathBuf {
    let inside = path.join(&metainfo.name);
    if metainfo.single_file {
        return if path.is_dir() { inside } else { path.to_owned() };
    }
    let present = |folder: &Path| {
        metainfo.data_files().filter(|file| folder.join(file.relative_path()).exists()).count()
    };
    if present(&inside) > present(path) { inside } else { path.to_owned() }
}

fn look_at(path: &Path, length: u64) -> FileState {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => FileState::Missing,
        Err(error) => FileState::Unreadable(error),
        Ok(metadata) if !metadata.is_file() => {
            FileState::Unreadable(io::Error::new(ErrorKind::InvalidInput, "not a regular file"))
        }
        Ok(metadata) if metadata.len() != length => FileState::WrongLength(metadata.len()),
        Ok(_) => match fs::File::open(path) {
            Ok(_) => FileState::Present,
            Err(error) => FileState::Unreadable(error),
        },
    }
}

/// What is bad so far.
struct Comparison<'a> {
    expected: Expected<'a>,
    bad: Vec<BadPiece>,
}

impl Sink for Comparison<'_> {
    fn take(&mut self, piece: u64, result: PieceResult) {
        let mismatch = self.expected.compare(piece, &result);
        self.bad.extend(mismatch.map(|mismatch| BadPiece { index: piece, mismatch }));
    }
}

/// The hashes that a metainfo has for each piece of its layout.
struct Expected<'a> {
    v1: &'a [[u8; 20]],
    /// For each piece with bytes of a file; in v2 a piece belongs to one file.
    v2: Vec<Option<Sha256Hash>>,
}

impl<'a> Expected<'a> {
    fn new(metainfo: &'a Metainfo, layout: &Layout) -> Self {
        let mut v2 = Vec::new();
        for (file, place) in metainfo.files.iter().zip(&layout.files) {
            let Some(tree) = file.v2.as_ref().filter(|_| !file.pad) else { continue };
            let own = layout.pieces_of(place);
            v2.resize(own.start as usize, None);
            match tree.layer.as_slice() {
                [] => v2.extend(tree.pieces_root.map(Some)),
                layer => v2.extend(layer.iter().copied().map(Some)),
            }
        }
        Self { v1: &metainfo.v1_pieces, v2 }
    }

    fn compare(&self, index: u64, result: &PieceResult) -> Option<Mismatch> {
        let Ok(PieceHash { v1, v2 }) = result else { return Some(Mismatch::Unread) };
        let index = usize::try_from(index).ok()?;
        let differs_v1 = v1.is_some_and(|hash| self.v1.get(index) != Some(&hash));
        let differs_v2 = v2.is_some_and(|hash| self.v2.get(index) != Some(&Some(hash)));
        match (differs_v1, differs_v2) {
            (false, false) => None,
            (true, false) if v2.is_some() => Some(Mismatch::V1Only),
            (false, true) if v1.is_some() => Some(Mismatch::V2Only),
            _ => Some(Mismatch::Content),
        }
    }
}
