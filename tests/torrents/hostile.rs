//! Hostile .torrent files give an error: no panic, no hang, no path out of the folder.

use podseed::torrent::{ParseError, parse};

use super::{VERSIONS, create, sample, write};

/// A metainfo with this info dictionary, written by hand.
fn with_info(info: &str) -> Vec<u8> {
    format!("d4:info{info}e").into_bytes()
}

fn error(info: &str) -> ParseError {
    match parse(&with_info(info)) {
        Ok(metainfo) => panic!("{info} was read as {metainfo:?}"),
        Err(error) => error,
    }
}

const PIECE: &str = "6:pieces20:aaaaaaaaaaaaaaaaaaaa";

#[test]
fn a_sound_metainfo_by_hand_is_read() {
    let info = format!("d6:lengthi1e4:name1:a12:piece lengthi65536e{PIECE}e");
    assert_eq!(parse(&with_info(&info)).unwrap().length(), 1);
    let info = format!("d5:filesld6:lengthi1e4:pathl1:aeee4:name1:a12:piece lengthi65536e{PIECE}e");
    assert_eq!(parse(&with_info(&info)).unwrap().length(), 1);
}

#[test]
fn truncated_files_are_refused_at_every_byte() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.mp3");
    write(&path, &sample(70_000, 0));
    for (name, version) in VERSIONS {
        let torrent = create(&path, version, 16 << 10).metainfo;
        for end in 0..torrent.len() {
            assert!(parse(&torrent[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn any_changed_byte_gives_an_error_or_a_torrent_but_never_a_panic() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("show");
    write(&folder.join("a"), &sample(70_000, 0));
    write(&folder.join("b/c"), &sample(40_000, 1));
    for (_, version) in VERSIONS {
        let torrent = create(&folder, version, 16 << 10).metainfo;
        for position in 0..torrent.len() {
            for byte in [b'0', b'9', b'-', b'd', b'e', b'i', b'l', b':', b'/', b'.', 0, 0xff] {
                let mut changed = torrent.clone();
                changed[position] = byte;
                let _ = parse(&changed);
            }
        }
    }
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    for name in ["..", ".", "", "/", "/etc", "a/b", "../a", "a\0"] {
        let length = name.len();
        let info = format!("d6:lengthi1e4:name{length}:{name}12:piece lengthi65536e{PIECE}e");
        assert!(matches!(error(&info), ParseError::UnsafePath(_)), "name {name:?}");
        let file = format!("d6:lengthi1e4:pathl1:a{length}:{name}ee");
        let info = format!("d5:filesl{file}e4:name1:a12:piece lengthi65536e{PIECE}e");
        assert!(matches!(error(&info), ParseError::UnsafePath(_)), "path {name:?}");
    }
    let no_path = "d6:lengthi1e4:pathlee";
    let info = format!("d5:filesl{no_path}e4:name1:a12:piece lengthi65536e{PIECE}e");
    assert!(matches!(error(&info), ParseError::UnsafePath(_)));
}

#[test]
fn v2_paths_that_leave_the_folder_are_refused() {
    let root = "b".repeat(32);
    for name in ["..", ".", "/", "/etc", "a/b"] {
        let length = name.len();
        let file = format!("d0:d6:lengthi1e11:pieces root32:{root}ee");
        let tree = format!("9:file treed{length}:{name}{file}e");
        let info = format!("d{tree}12:meta versioni2e4:name1:a12:piece lengthi65536ee");
        assert!(matches!(error(&info), ParseError::UnsafePath(_)), "{name:?}");
    }
}

#[test]
fn impossible_lengths_are_refused() {
    let single = |length: &str| format!("d6:lengthi{length}e4:name1:a12:piece lengthi65536e{PIECE}e");
    assert!(matches!(error(&single("-1")), ParseError::FileLength(_)));
    assert!(matches!(error(&single("9223372036854775807")), ParseError::PieceCount { got: 1, .. }));
    assert!(matches!(error(&single("9223372036854775808")), ParseError::Bencode(_)));
    let file = "d6:lengthi9223372036854775807e4:pathl1:aee";
    let info = format!("d5:filesl{file}{file}{file}e4:name1:a12:piece lengthi65536e{PIECE}e");
    assert!(matches!(error(&info), ParseError::FileLength(_)), "the sum does not fit");
    let root = "b".repeat(32);
    let leaf = format!("d0:d6:lengthi9223372036854775807e11:pieces root32:{root}ee");
    let info = format!("d9:file treed1:a{leaf}e12:meta versioni2e4:name1:a12:piece lengthi65536ee");
    assert!(matches!(error(&info), ParseError::PieceLayer(_)));
}

#[test]
fn impossible_piece_lengths_are_refused() {
    for length in ["0", "-1", "9223372036854775807", "536870913", "-9223372036854775808"] {
        let info = format!("d6:lengthi1e4:name1:a12:piece lengthi{length}e{PIECE}e");
        assert!(matches!(error(&info), ParseError::PieceLength(_)), "{length}");
    }
    let root = "b".repeat(32);
    for length in ["1", "8192", "65537", "0"] {
        let tree = format!("9:file treed1:ad0:d6:lengthi1e11:pieces root32:{root}eee");
        let info = format!("d{tree}12:meta versioni2e4:name1:a12:piece lengthi{length}ee");
        assert!(matches!(error(&info), ParseError::PieceLength(_)), "v2 {length}");
    }
}

#[test]
fn a_wrong_number_of_pieces_is_refused() {
    let info = |length: u32, pieces: usize| {
        let hashes = "a".repeat(pieces);
        format!("d6:lengthi{length}e4:name1:a12:piece lengthi65536e6:pieces{pieces}:{hashes}e")
    };
    assert!(parse(&with_info(&info(65_536, 20))).is_ok());
    assert_eq!(error(&info(65_537, 20)), ParseError::PieceCount { expected: 2, got: 1 });
    assert_eq!(error(&info(65_536, 40)), ParseError::PieceCount { expected: 1, got: 2 });
    assert_eq!(error(&info(65_536, 0)), ParseError::PieceCount { expected: 1, got: 0 });
    assert_eq!(error(&info(65_536, 21)), ParseError::Field("pieces"));
}

#[test]
fn missing_and_mistyped_fields_are_refused() {
    for (info, field) in [
        ("i1e".to_owned(), "name"),
        ("de".to_owned(), "name"),
        ("d4:namei1ee".to_owned(), "name"),
        ("d4:name1:ae".to_owned(), "piece length"),
        (format!("d4:name1:a12:piece lengthi65536e{PIECE}e"), "length"),
        (format!("d5:filesle4:name1:a12:piece lengthi65536e{PIECE}e"), "files"),
        (format!("d5:filesi1e4:name1:a12:piece lengthi65536e{PIECE}e"), "files"),
        (format!("d5:filesl1:xe4:name1:a12:piece lengthi65536e{PIECE}e"), "path"),
        ("d6:lengthi1e4:name1:a12:piece lengthi65536ee".to_owned(), "pieces"),
        ("d12:meta versioni2e4:name1:a12:piece lengthi65536ee".to_owned(), "file tree"),
        ("d9:file treede12:meta versioni2e4:name1:a12:piece lengthi65536ee".to_owned(), "file tree"),
    ] {
        assert_eq!(error(&info), ParseError::Field(field), "{info}");
    }
    assert_eq!(parse(b"d4:name1:ae").unwrap_err(), ParseError::Field("info"));
    assert_eq!(error("d12:meta versioni3e4:name1:ae"), ParseError::MetaVersion(3));
}

#[test]
fn hybrids_whose_halves_differ_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.mp3");
    write(&path, &sample(10_000, 0));
    let torrent = create(&path, super::TorrentVersion::Hybrid, 16 << 10).metainfo;
    let replace = |from: &[u8], to: &[u8], last: bool| {
        let mut changed = torrent.clone();
        let mut found = torrent.windows(from.len()).enumerate().filter(|(_, window)| *window == from);
        let (at, _) = if last { found.next_back().unwrap() } else { found.next().unwrap() };
        changed[at..at + to.len()].copy_from_slice(to);
        parse(&changed)
    };
    assert!(parse(&torrent).is_ok());
    let length = replace(b"lengthi10000e", b"lengthi10001e", false);
    assert!(matches!(length, Err(ParseError::Hybrid(_))), "{length:?}");
    let name = replace(b"5:a.mp3", b"5:b.mp3", true);
    assert!(matches!(name, Err(ParseError::Hybrid(_))), "{name:?}");
}

#[test]
fn forged_piece_layers_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.mp3");
    write(&path, &sample(70_000, 0));
    let mut torrent = create(&path, super::TorrentVersion::V2, 16 << 10).metainfo;
    let end = torrent.len();
    torrent[end - 3] ^= 1;
    assert_eq!(parse(&torrent), Err(ParseError::PieceLayer("a.mp3".to_owned())));
}
