//! What other programs make, read and seed.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use podseed::hash::StreamHasher;
use podseed::model::{InfoHashV1, InfoHashes, TorrentVersion};
use podseed::torrent::{MetainfoFile, MetainfoRequest, make, parse, verify};
use serde_json::json;

use super::{PIECE_LENGTHS, VERSIONS, as_json, create, files, in_order, request, sample, trees, write};
use crate::support::peers::{Libtorrent, mktorrent};

#[test]
fn single_files_get_the_info_hash_of_libtorrent() {
    let (_root, files) = files();
    let mut libtorrent = Libtorrent::start();
    for path in &files {
        for piece_length in PIECE_LENGTHS {
            for (name, version) in VERSIONS {
                let theirs = libtorrent.make(path, &[String::new()], name, piece_length);
                let ours = create(path, version, piece_length);
                assert_eq!(as_json(&ours.info_hash), theirs, "{} {name} {piece_length}", path.display());
            }
        }
    }
}

#[test]
fn folders_get_the_info_hash_of_libtorrent() {
    let (_root, trees) = trees();
    let mut libtorrent = Libtorrent::start();
    for (folder, tree) in &trees {
        for piece_length in PIECE_LENGTHS {
            for (name, version) in VERSIONS {
                let theirs = libtorrent.make(folder, &in_order(tree), name, piece_length);
                let ours = create(folder, version, piece_length);
                assert_eq!(as_json(&ours.info_hash), theirs, "{} {name} {piece_length}", folder.display());
            }
        }
    }
}

#[test]
fn files_and_folders_get_the_info_hash_of_mktorrent() {
    let (root, files) = files();
    let (_trees_root, trees) = trees();
    let torrent = root.path().join("theirs.torrent");
    // mktorrent sorts whole paths; podseed component by component, as hybrids need it.
    let folders = trees.iter().map(|(folder, _)| folder).filter(|folder| !folder.ends_with("order"));
    for path in files.iter().chain(folders) {
        for (options, private, source) in
            [(&[][..], false, None), (&["-p", "-s", "SRC"][..], true, Some("SRC".to_owned()))]
        {
            let _ = std::fs::remove_file(&torrent);
            mktorrent(path, &torrent, 64 << 10, options);
            let theirs = parse(&std::fs::read(&torrent).unwrap()).unwrap();
            let ours =
                make(&MetainfoRequest { private, source, ..request(path, TorrentVersion::V1, 64 << 10) });
            assert_eq!(ours.info_hash, theirs.info_hash, "{} {options:?}", path.display());
        }
    }
}

#[test]
fn streamed_bytes_make_the_same_torrent_as_a_file_on_disk() {
    let (_root, files) = files();
    for path in &files {
        let data = std::fs::read(path).unwrap();
        for (_, version) in VERSIONS {
            let mut hasher = StreamHasher::new(version, None, None);
            data.chunks(10_007).for_each(|chunk| hasher.update(chunk));
            let hashes = hasher.finish().unwrap();
            let piece_length = hashes.piece_length.bytes();
            let name = path.file_name().unwrap().to_str().unwrap();
            let streamed = make(&MetainfoRequest::new(name, hashes));
            assert_eq!(streamed, create(path, version, piece_length), "{} {version:?}", path.display());
        }
    }
}

#[test]
fn libtorrent_reads_every_field_that_podseed_writes() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("Folge 1 – Größe & mehr.mp3");
    let torrent = root.path().join("a.torrent");
    write(&path, &sample(200_000, 1));
    let mut libtorrent = Libtorrent::start();
    let tracker = |n: u32| format!("http://tracker{n}.invalid/announce");
    let seed = "https://example.invalid/ep/1.mp3?a=b&c=d";
    for (name, version) in VERSIONS {
        let ours = make(&MetainfoRequest {
            private: true,
            source: Some("SRC".to_owned()),
            trackers: vec![vec![tracker(1), tracker(2)], vec![tracker(3)]],
            web_seeds: vec![seed.to_owned()],
            comment: Some("https://example.invalid/größe".to_owned()),
            creation_date: Some(1_700_000_000),
            similar: vec![InfoHashes::V1(InfoHashV1([7; 20]))],
            ..request(&path, version, 64 << 10)
        });
        write(&torrent, &ours.metainfo);
        let read = libtorrent.ask(&json!({ "ask": "read", "torrent": torrent, "magnet": ours.magnet }));
        let hashes = as_json(&ours.info_hash);
        // libtorrent 2.0.8 takes every v2-only torrent for a folder when it reads `url-list`.
        let read_seed = if version == TorrentVersion::V2 { format!("{seed}/") } else { seed.to_owned() };
        let expected = json!({
            "v1": hashes["v1"], "v2": hashes["v2"],
            "name": "Folge 1 – Größe & mehr.mp3",
            "piece_length": 65_536, "pieces": 4,
            "files": [["Folge 1 – Größe & mehr.mp3", 200_000]],
            "private": true,
            "trackers": [[0, tracker(1)], [0, tracker(2)], [1, tracker(3)]],
            "web_seeds": [read_seed],
            "comment": "https://example.invalid/größe",
            "created_by": "podseed",
            "creation_date": 1_700_000_000,
            "magnet": {
                "v1": hashes["v1"], "v2": hashes["v2"],
                "name": "Folge 1 – Größe & mehr.mp3",
                "trackers": [tracker(1), tracker(2), tracker(3)],
                "web_seeds": [seed],
            },
        });
        assert_eq!(read, expected, "{name}");
    }
}

#[test]
fn podseed_reads_every_field_that_it_writes() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.mp3");
    write(&path, &sample(200_000, 1));
    for (_, version) in VERSIONS {
        let request = MetainfoRequest {
            private: true,
            source: Some("SRC".to_owned()),
            trackers: vec![vec!["udp://a/1".to_owned(), "udp://a/2".to_owned()], vec!["udp://b".to_owned()]],
            web_seeds: vec!["https://example.invalid/a.mp3".to_owned()],
            comment: Some("a comment".to_owned()),
            creation_date: Some(-1),
            ..request(&path, version, 64 << 10)
        };
        let torrent = make(&request);
        let read = parse(&torrent.metainfo).unwrap();
        assert_eq!(read.info_hash, torrent.info_hash);
        assert_eq!(read.magnet(), torrent.magnet);
        assert_eq!((read.name.as_str(), read.single_file, read.length()), ("a.mp3", true, 200_000));
        assert_eq!((read.version, read.piece_length, read.private), (version, 65_536, true));
        assert_eq!((read.trackers, read.web_seeds), (request.trackers, request.web_seeds));
        assert_eq!((read.comment, read.source), (request.comment, request.source));
        assert_eq!((read.created_by.as_deref(), read.creation_date), (Some("podseed"), Some(-1)));
    }
}

#[test]
fn libtorrent_seeds_what_podseed_makes() {
    let (root, files) = files();
    let (_trees_root, trees) = trees();
    let torrent = root.path().join("ours.torrent");
    let mut libtorrent = Libtorrent::start();
    let boundary =
        files.iter().filter(|file| ["65536", "65537", "300001"].iter().any(|n| name(file).starts_with(n)));
    for path in boundary.chain(trees.iter().map(|(folder, _)| folder)) {
        for (version_name, version) in VERSIONS {
            // libtorrent 2.0.8 looks for the only file of a v2 folder beside the folder, not in it.
            if version == TorrentVersion::V2 && path.ends_with("one-file") {
                continue;
            }
            write(&torrent, &create(path, version, 64 << 10).metainfo);
            let question = json!({ "ask": "check", "torrent": torrent, "save_path": path.parent() });
            assert_eq!(
                libtorrent.ask(&question),
                json!({ "seeding": true }),
                "{} {version_name}",
                path.display()
            );
        }
    }
}

#[test]
fn torrents_of_libtorrent_and_mktorrent_are_read_and_verified() {
    let (root, files) = files();
    let (_trees_root, trees) = trees();
    let torrent = root.path().join("theirs.torrent");
    let mut libtorrent = Libtorrent::start();
    let check = |path: &Path, what: &str| {
        let metainfo = parse(&std::fs::read(&torrent).unwrap()).unwrap();
        assert_eq!(metainfo.name, name(path));
        for place in [path, path.parent().unwrap()] {
            let verification = verify(&metainfo, place, &|_| {});
            assert!(verification.is_good(), "{what} {}: {verification:?}", place.display());
            assert!(verification.pieces > 0);
        }
    };
    let single = files.iter().map(|file| (file, vec![String::new()]));
    for (path, relative) in single.chain(trees.iter().map(|(folder, tree)| (folder, in_order(tree)))) {
        for (version, _) in VERSIONS {
            libtorrent.ask(&json!({
                "ask": "make", "path": path, "files": relative, "version": version,
                "piece_length": 16 << 10, "torrent": torrent,
            }));
            check(path, version);
        }
        std::fs::remove_file(&torrent).unwrap();
        mktorrent(path, &torrent, 32 << 10, &[]);
        check(path, "mktorrent");
    }
}

#[test]
fn links_and_executables_of_libtorrent_are_read_and_verified() {
    let root = tempfile::tempdir().unwrap();
    let (folder, torrent) = (root.path().join("show"), root.path().join("show.torrent"));
    write(&folder.join("data"), &sample(100_000, 0));
    write(&folder.join("more"), &sample(5, 1));
    std::os::unix::fs::symlink("data", folder.join("link")).unwrap();
    std::fs::set_permissions(folder.join("data"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut libtorrent = Libtorrent::start();
    for (version, _) in VERSIONS {
        let answer = libtorrent.ask(&json!({
            "ask": "make", "path": folder, "files": null, "version": version,
            "piece_length": 16 << 10, "torrent": torrent,
        }));
        let bytes = std::fs::read(&torrent).unwrap();
        assert!(bytes.windows(12).any(|part| part == b"symlink path"), "{answer}");
        let metainfo = parse(&bytes).unwrap();
        let mut names: Vec<_> = metainfo.data_files().map(MetainfoFile::display_path).collect();
        names.sort();
        assert_eq!(names, ["data", "more"], "{version}");
        assert!(verify(&metainfo, &folder, &|_| {}).is_good(), "{version}");
    }
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
