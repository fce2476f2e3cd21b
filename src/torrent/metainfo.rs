//! The content of a .torrent file as podseed sees it, whatever its version.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::layout::Layout;
use crate::hash::{PieceHash, Sha1Hash, V2Hashes};
use crate::model::{InfoHashes, TorrentVersion};

/// A metainfo (BEP 3, BEP 52) that was read and found to be consistent with itself.
///
/// What it promises: every path is relative and stays below its folder; there is one v1 hash for each piece; each
/// piece layer belongs to its file's root; in a hybrid both parts describe the same files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metainfo {
    /// `name`: the file, or the folder of several files.
    pub name: String,
    /// Whether there is exactly one file, called `name`, and no folder.
    pub single_file: bool,
    /// In the order of the torrent, with pad files.
    pub files: Vec<MetainfoFile>,
    /// Bytes per piece. For v1 any number, for hybrid and v2 a power of two of at least 16 KiB.
    pub piece_length: u64,
    /// Which parts it has.
    pub version: TorrentVersion,
    /// SHA-1 of each piece; empty for v2.
    pub v1_pieces: Vec<Sha1Hash>,
    /// Computed from the info dictionary as it is in the file, byte by byte.
    pub info_hash: InfoHashes,
    /// `private` (BEP 27).
    pub private: bool,
    /// `source`: some trackers' way to make an info hash their own.
    pub source: Option<String>,
    /// Tiers of trackers (BEP 12); `announce` alone is one tier.
    pub trackers: Vec<Vec<String>>,
    /// `url-list` (BEP 19).
    pub web_seeds: Vec<String>,
    /// For people.
    pub comment: Option<String>,
    /// The program that made it.
    pub created_by: Option<String>,
    /// Seconds since 1970.
    pub creation_date: Option<i64>,
}

/// One file of a metainfo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetainfoFile {
    /// The path below the torrent's folder, component by component; for a single file its name.
    pub path: Vec<String>,
    /// In bytes.
    pub length: u64,
    /// A pad file (BEP 47): zeros that are on no disk.
    pub pad: bool,
    /// Its tree, for hybrid and v2.
    pub v2: Option<V2Hashes>,
}

impl Metainfo {
    /// The length of all files, without pad files.
    pub fn length(&self) -> u64 {
        self.data_files().map(|file| file.length).sum()
    }

    /// The files without pad files.
    pub fn data_files(&self) -> impl Iterator<Item = &MetainfoFile> {
        self.files.iter().filter(|file| !file.pad)
    }

    /// How many pieces there are; in v2 each file begins with one of its own.
    pub fn pieces(&self) -> u64 {
        self.layout(Path::new("")).pieces()
    }

    /// How the pieces lie over the files, which are at or below `data`.
    pub(super) fn layout(&self, data: &Path) -> Layout {
        let on_disk = |file: &MetainfoFile| {
            if self.single_file { data.to_owned() } else { data.join(file.relative_path()) }
        };
        let files = self.files.iter().map(|file| ((!file.pad).then(|| on_disk(file)), file.length));
        // A hybrid aligns its files by pad files; v2 does without.
        Layout::new(files, self.piece_length, self.version == TorrentVersion::V2)
    }

    /// The bytes and the hashes of one piece of a single-file torrent; `None` beyond its end, and for several files.
    pub fn piece(&self, index: u64) -> Option<(Range<u64>, PieceHash)> {
        let [file] = self.files.as_slice() else { return None };
        let start = index.checked_mul(self.piece_length).filter(|start| *start < file.length)?;
        let end = file.length.min(start.saturating_add(self.piece_length));
        let index = usize::try_from(index).ok()?;
        let v2 = file.v2.as_ref().and_then(|tree| match tree.layer.as_slice() {
            [] => tree.pieces_root,
            layer => layer.get(index).copied(),
        });
        Some((start..end, PieceHash { v1: self.v1_pieces.get(index).copied(), v2 }))
    }

    /// The magnet link.
    pub fn magnet(&self) -> String {
        super::magnet(&self.info_hash, &self.name, &self.trackers, &self.web_seeds)
    }
}

impl MetainfoFile {
    /// The path with slashes, for people.
    pub fn display_path(&self) -> String {
        self.path.join("/")
    }

    /// The path below the torrent's folder on this system.
    pub fn relative_path(&self) -> PathBuf {
        self.path.iter().collect()
    }
}

/// Whether a name is one component of a path on this system: not empty, no `..`, no root, no separator.
pub(super) fn is_component(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let only = matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(only)), None) if only == name
    );
    only && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_components() {
        for name in ["a", "a b.mp3", "...", "ä", ".hidden", "-", "~"] {
            assert!(is_component(name), "{name:?}");
        }
        for name in ["", ".", "..", "/", "/a", "a/b", "a/", "./a", "../a", "a\0b"] {
            assert!(!is_component(name), "{name:?}");
        }
    }
}
