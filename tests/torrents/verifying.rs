//! Bad data is found, and named.

use std::path::Path;

use podseed::model::TorrentVersion;
use podseed::torrent::{FileState, Mismatch, Verification, parse, verify};

use super::{VERSIONS, create, in_order, sample, trees, write};

fn verification(version: TorrentVersion, made_of: &Path, data: &Path) -> Verification {
    let torrent = create(made_of, version, 64 << 10);
    verify(&parse(&torrent.metainfo).unwrap(), data, &|_| {})
}

/// What is bad, as one line per file.
fn findings(verification: &Verification) -> Vec<String> {
    let bad = verification
        .files
        .iter()
        .filter(|file| !file.bad_pieces.is_empty() || !matches!(file.state, FileState::Present));
    bad.map(|file| format!("{} {:?} {:?}", file.path, file.state, file.bad_pieces)).collect()
}

#[test]
fn a_flipped_byte_is_found_in_its_piece() {
    let root = tempfile::tempdir().unwrap();
    let (good, bad) = (root.path().join("good/a.mp3"), root.path().join("bad/a.mp3"));
    let data = sample(300_001, 0);
    write(&good, &data);
    for (_, version) in VERSIONS {
        for position in [0, 1, 65_535, 65_536, 131_071, 200_000, 262_143, 262_144, 300_000] {
            let mut flipped = data.clone();
            flipped[position] ^= 1;
            write(&bad, &flipped);
            let verification = verification(version, &good, &bad);
            assert!(!verification.is_good());
            let found: Vec<_> = verification.bad.iter().map(|bad| (bad.index, bad.mismatch)).collect();
            assert_eq!(found, [((position / 65_536) as u64, Mismatch::Content)], "{version:?} {position}");
        }
    }
}

#[test]
fn a_flipped_byte_in_a_folder_names_the_file_and_its_piece() {
    let (_root, trees) = trees();
    for (folder, tree) in &trees {
        for (_, version) in VERSIONS {
            let metainfo = parse(&create(folder, version, 64 << 10).metainfo).unwrap();
            for path in in_order(tree) {
                let path = folder.join(&path);
                let good = std::fs::read(&path).unwrap();
                let Some(last) = good.len().checked_sub(1) else { continue };
                let mut flipped = good.clone();
                flipped[last] ^= 0x80;
                write(&path, &flipped);
                let verification = verify(&metainfo, folder, &|_| {});
                write(&path, &good);
                let [bad] = verification.bad.as_slice() else {
                    panic!("{version:?} {}: {:?}", path.display(), verification.bad)
                };
                let named = verification.files.iter().filter(|file| file.bad_pieces == [bad.index]);
                assert!(
                    named.into_iter().any(|file| path.ends_with(&file.path)),
                    "{version:?} {}: {verification:?}",
                    path.display(),
                );
                if version != TorrentVersion::V1 {
                    assert_eq!(findings(&verification).len(), 1, "a piece belongs to one file");
                }
            }
            assert!(verify(&metainfo, folder, &|_| {}).is_good());
        }
    }
}

#[test]
fn missing_short_and_long_files_are_named() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("show");
    let restore = || {
        write(&folder.join("a"), &sample(100_000, 1));
        write(&folder.join("b"), &sample(65_536, 2));
        write(&folder.join("c"), &[]);
    };
    restore();
    let metainfo = parse(&create(&folder, TorrentVersion::Hybrid, 64 << 10).metainfo).unwrap();
    let now = || findings(&verify(&metainfo, &folder, &|_| {}));
    assert_eq!(now(), [""; 0]);

    std::fs::remove_file(folder.join("b")).unwrap();
    assert_eq!(now(), ["b Missing [2]"]);

    restore();
    std::fs::remove_file(folder.join("c")).unwrap();
    assert_eq!(now(), ["c Missing []"]);

    restore();
    write(&folder.join("a"), &sample(100_000, 1)[..80_000]);
    assert_eq!(now(), ["a WrongLength(80000) [1]"]);

    restore();
    write(&folder.join("b"), &[sample(65_536, 2), vec![0]].concat());
    assert_eq!(now(), ["b WrongLength(65537) []"]);

    restore();
    std::fs::remove_file(folder.join("a")).unwrap();
    std::fs::create_dir(folder.join("a")).unwrap();
    assert!(now()[0].starts_with("a Unreadable"), "{:?}", now());
}

#[test]
fn data_that_is_not_there_at_all_is_bad_in_every_piece() {
    let (_root, trees) = trees();
    for (folder, _) in &trees {
        for (_, version) in VERSIONS {
            let verification = verification(version, folder, Path::new("/nowhere/at/all"));
            let unread: Vec<_> = verification.bad.iter().filter(|b| b.mismatch == Mismatch::Unread).collect();
            assert_eq!(unread.len() as u64, verification.pieces, "{}", folder.display());
            assert!(verification.files.iter().all(|file| matches!(file.state, FileState::Missing)));
        }
    }
}

#[test]
fn a_folder_is_found_by_itself_and_by_what_holds_it_even_if_a_namesake_lies_inside() {
    let root = tempfile::tempdir().unwrap();
    let show = root.path().join("show");
    write(&show.join("show/a.mp3"), &sample(70_000, 1));
    write(&show.join("b.mp3"), &sample(70_000, 2));
    for place in [show.as_path(), root.path()] {
        assert!(verification(TorrentVersion::V1, &show, place).is_good(), "{}", place.display());
    }
}
