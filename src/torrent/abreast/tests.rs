//! The lanes against hashing piece by piece, over layouts of any kind, with every kernel that is here.

use std::path::PathBuf;
use std::sync::Mutex;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::hash::{PieceHasher, sha1};
use crate::torrent::layout::{Entry, Layout, with_pads};
use crate::torrent::pieces::{Job, OnError, lock};

/// Files of these lengths on disk; some of them are missing.
struct World {
    _root: TempDir,
    files: Vec<(PathBuf, Option<Vec<u8>>, u64)>,
}

impl World {
    fn new(lengths: &[(u64, bool)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let files = lengths.iter().enumerate().map(|(index, (length, missing))| {
            let path = root.path().join(index.to_string());
            let bytes: Vec<u8> =
                (0..*length).map(|byte| (byte * 31 + (byte >> 8) + index as u64) as u8).collect();
            if *missing {
                return (path, None, *length);
            }
            write(&path, &bytes);
            (path, Some(bytes), *length)
        });
        Self { files: files.collect(), _root: root }
    }

    fn layout(&self, version: TorrentVersion, piece_length: u64) -> Layout {
        let align = (version == TorrentVersion::Hybrid).then_some(piece_length);
        let entries = with_pads(self.files.iter().map(|(_, _, length)| *length), align);
        let files = entries.map(|entry| match entry {
            Entry::File(index) => (Some(self.files[index].0.clone()), self.files[index].2),
            Entry::Pad(length) => (None, length),
        });
        Layout::new(files, piece_length, version == TorrentVersion::V2)
    }

    /// What the lanes have to say of a piece; of one that cannot be read, nothing.
    fn expected(&self, layout: &Layout, version: TorrentVersion, piece: u64) -> Option<PieceHash> {
        let (mut v1, mut v2) = (Vec::new(), PieceHasher::new(TorrentVersion::V2, layout.piece_length));
        let mut whole_file = None;
        for segment in layout.segments(piece) {
            let Some(path) = &layout.files[segment.file].path else {
                v1.resize(v1.len() + segment.length as usize, 0);
                continue;
            };
            let (_, bytes, length) = self.files.iter().find(|(known, ..)| known == path)?;
            let bytes = &bytes.as_ref()?[segment.start as usize..][..segment.length as usize];
            v1.extend_from_slice(bytes);
            v2.update(bytes);
            whole_file.get_or_insert(segment.length == *length);
        }
        let Some(whole_file) = whole_file else { return Some(PieceHash { v1: None, v2: None }) };
        Some(PieceHash {
            v1: (version != TorrentVersion::V2).then(|| sha1(&v1)),
            v2: (version != TorrentVersion::V1).then(|| v2.finish(whole_file).v2).flatten(),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a test makes its own world")]
fn write(path: &std::path::Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// What there is of the pieces of a torrent, and whether there is more to come.
struct Kept<'a>(&'a Mutex<(Vec<Option<PieceResult>>, bool)>);

impl Sink for Kept<'_> {
    fn take(&mut self, piece: u64, result: PieceResult) {
        let (pieces, ended) = &mut *lock(self.0);
        let taken = pieces[piece as usize].replace(result);
        assert!(taken.is_none() && !*ended, "a piece twice, or after the end");
    }

    fn end(self) {
        assert!(!std::mem::replace(&mut lock(self.0).1, true), "ended twice");
    }
}

/// The hashes of the pieces of several torrents, in one set of lanes.
fn hash(layouts: &[Arc<Layout>], version: TorrentVersion, kernel: Kernel) -> Vec<Vec<PieceResult>> {
    let none = |layout: &Arc<Layout>| (0..layout.pieces()).map(|_| None).collect();
    let results: Vec<_> = layouts.iter().map(|layout| Mutex::new((none(layout), false))).collect();
    let mut jobs = layouts
        .iter()
        .zip(&results)
        .map(|(layout, kept)| Job { layout: Arc::clone(layout), sink: Kept(kept) });
    let manner = Manner { version, on_error: OnError::GoOn, progress: &|_| {} };
    Abreast::new(&Queue::new(&mut jobs), manner, kernel).work();
    let whole = results.into_iter().map(|kept| {
        let (pieces, ended) = kept.into_inner().unwrap();
        assert!(ended);
        pieces.into_iter().map(Option::unwrap).collect()
    });
    whole.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lanes_agree_with_piece_by_piece_over_any_layout(
        torrents in prop::collection::vec(
            prop::collection::vec(
                (prop_oneof![0..40_u64, 0..40_000_u64, 0..200_000_u64], prop::bool::weighted(0.1)),
                1..6,
            ),
            1..6,
        ),
        doublings in 0..3_u32,
        version in prop::sample::select(&[TorrentVersion::V1, TorrentVersion::Hybrid, TorrentVersion::V2][..]),
    ) {
        let worlds: Vec<_> = torrents.iter().map(|files| World::new(files)).collect();
        let layouts: Vec<_> =
            worlds.iter().map(|world| Arc::new(world.layout(version, (16 << 10) << doublings))).collect();
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_here()) {
            let results = hash(&layouts, version, kernel);
            for ((world, layout), results) in worlds.iter().zip(&layouts).zip(results) {
                let found: Vec<_> = results.into_iter().map(Result::ok).collect();
                let expected: Vec<_> =
                    (0..layout.pieces()).map(|piece| world.expected(layout, version, piece)).collect();
                prop_assert_eq!(found, expected, "{:?}", kernel);
            }
        }
    }
}
