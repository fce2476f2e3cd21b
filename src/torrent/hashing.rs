//! The hashes of one source while they come, and what they make together: of a file, or of a folder.
//!
//! Memory: the hashes themselves, 20 bytes for each piece of v1 and 32 of v2, and the path of each file.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::create::{CreateError, Source, read_error};
use super::layout::{Entry, Layout, with_pads};
use super::make::{ContentHashes, FolderFile, FolderHashes};
use super::pieces::{PieceResult, ReadError, Sink};
use crate::hash::{PieceHash, PieceHashes, PieceLength, Sha1Hash, Sha256Hash, V2Hashes, root_of_layer};
use crate::model::TorrentVersion;

/// A source whose pieces are being hashed.
pub(super) struct Hashing {
    source: Source,
    version: TorrentVersion,
    piece_length: PieceLength,
    layout: Arc<Layout>,
    v1: Vec<Sha1Hash>,
    v2: Vec<Sha256Hash>,
    failed: Option<ReadError>,
}

impl Sink for Hashing {
    fn take(&mut self, piece: u64, result: PieceResult) {
        match result {
            Ok(PieceHash { v1, v2 }) => {
                put(&mut self.v1, piece, v1);
                put(&mut self.v2, piece, v2);
            }
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
    }
}

impl Hashing {
    /// Nothing is hashed yet. `None` as piece length means [`PieceLength::auto`] of the length of all files.
    pub(super) fn new(source: Source, version: TorrentVersion, piece_length: Option<PieceLength>) -> Self {
        let piece_length = piece_length.unwrap_or_else(|| PieceLength::auto(source.length()));
        let layout = Arc::new(layout(&source, version, piece_length));
        Self { source, version, piece_length, layout, v1: Vec::new(), v2: Vec::new(), failed: None }
    }

    /// Where the pieces lie that are to be hashed.
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// What a torrent of the source consists of, if all of it could be read and no file has changed meanwhile.
    pub(super) fn contents(self) -> Result<ContentHashes, CreateError> {
        Ok(if self.source.is_folder() { self.folder()?.into() } else { self.file()?.into() })
    }

    /// The same, of a source that is a file.
    pub(super) fn file(mut self) -> Result<PieceHashes, CreateError> {
        self.check()?;
        let length = self.source.length();
        let v2 = self.has_v2().then(|| tree(std::mem::take(&mut self.v2), self.piece_length));
        Ok(PieceHashes { length, piece_length: self.piece_length, v1: self.has_v1().then_some(self.v1), v2 })
    }

    fn folder(mut self) -> Result<FolderHashes, CreateError> {
        self.check()?;
        let (has_v1, has_v2) = (self.has_v1(), self.has_v2());
        let places = self.layout.files.iter().filter(|file| file.path.is_some());
        let files = self.source.into_files().into_iter().zip(places).map(|(file, place)| FolderFile {
            path: file.components,
            length: file.length,
            v2: has_v2.then(|| tree(own(&self.v2, self.layout.pieces_of(place)), self.piece_length)),
        });
        let files = files.collect();
        Ok(FolderHashes { piece_length: self.piece_length, files, v1: has_v1.then_some(self.v1) })
    }

    fn check(&mut self) -> Result<(), CreateError> {
        match self.failed.take() {
            Some(error) => Err(self.failure(error)),
            None => self.source.check_unchanged(),
        }
    }

    fn failure(&self, error: ReadError) -> CreateError {
        match (&self.layout.files[error.file].path, error.source.kind()) {
            (Some(path), io::ErrorKind::UnexpectedEof) => CreateError::Changed(path.clone()),
            (path, _) => read_error(path.as_deref().unwrap_or(Path::new("")), error.source),
        }
    }

    fn has_v1(&self) -> bool {
        self.version != TorrentVersion::V2
    }

    fn has_v2(&self) -> bool {
        self.version != TorrentVersion::V1
    }
}

fn layout(source: &Source, version: TorrentVersion, piece_length: PieceLength) -> Layout {
    let align = (version == TorrentVersion::Hybrid && source.is_folder()).then_some(piece_length.bytes());
    let files = source.files();
    let entries = with_pads(files.iter().map(|file| file.length), align).map(|entry| match entry {
        Entry::File(index) => (Some(source.path_of(&files[index])), files[index].length),
        Entry::Pad(length) => (None, length),
    });
    // A hybrid aligns its files by pad files; v2 does without.
    Layout::new(entries, piece_length.bytes(), version == TorrentVersion::V2)
}

/// The hash of a piece comes to its place. Where none has come yet, there is a hash of zeros.
///
/// The list grows with what comes, since a file may say that it has more bytes than anybody can ever hash.
fn put<const N: usize>(hashes: &mut Vec<[u8; N]>, piece: u64, hash: Option<[u8; N]>) {
    let (Some(hash), Ok(index)) = (hash, usize::try_from(piece)) else { return };
    if hashes.len() <= index {
        hashes.resize(index + 1, [0; N]);
    }
    hashes[index] = hash;
}

/// One hash per piece is in memory: its index fits.
fn own(pieces: &[Sha256Hash], own: Range<u64>) -> Vec<Sha256Hash> {
    pieces.get(own.start as usize..own.end as usize).unwrap_or_default().to_vec()
}

/// The tree of a file from the hashes of its pieces.
fn tree(layer: Vec<Sha256Hash>, piece_length: PieceLength) -> V2Hashes {
    match layer.as_slice() {
        [] => V2Hashes { pieces_root: None, layer },
        [only] => V2Hashes { pieces_root: Some(*only), layer: Vec::new() },
        _ => V2Hashes { pieces_root: root_of_layer(&layer, piece_length.bytes()), layer },
    }
}
