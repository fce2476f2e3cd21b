//! Makes a metainfo from hashes that are already there. Reads nothing, asks nobody what time it is.

use std::collections::BTreeMap;
use std::ops::Range;

use super::encode::{Writer, written};
use super::layout::{Entry, with_pads};
use super::magnet;
use crate::hash::{PieceHashes, PieceLength, Sha1Hash, V2Hashes, sha1, sha256};
use crate::model::{InfoHashV1, InfoHashV2, InfoHashes};

/// What `created by` says. Without a version, so that the same request gives the same file next year.
pub const CREATED_BY: &str = "podseed";

/// What a torrent is made of. The info dictionary depends on `name`, `hashes`, `private` and `source` only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetainfoRequest {
    /// `name`: of the file, or of the folder of several files. One component of a path.
    pub name: String,
    /// The content: `PieceHashes::into` for a single file.
    pub hashes: ContentHashes,
    /// `private` (BEP 27): no DHT, no peer exchange.
    pub private: bool,
    /// `source`, inside the info dictionary: makes another info hash of the same content.
    pub source: Option<String>,
    /// Tiers (BEP 12): clients try one tier after the other, and within a tier any order.
    pub trackers: Vec<Vec<String>>,
    /// `url-list` (BEP 19).
    pub web_seeds: Vec<String>,
    /// For people: the episode's page.
    pub comment: Option<String>,
    /// The program; [`CREATED_BY`].
    pub created_by: Option<String>,
    /// Seconds since 1970. The episode's date and not today's, so that the file is reproducible.
    pub creation_date: Option<i64>,
    /// Torrents with which this one may share files (BEP 38): earlier revisions.
    pub similar: Vec<InfoHashes>,
}

impl MetainfoRequest {
    /// A request with nothing but the content, made by podseed.
    pub fn new(name: impl Into<String>, hashes: impl Into<ContentHashes>) -> Self {
        Self {
            name: name.into(),
            hashes: hashes.into(),
            private: false,
            source: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            comment: None,
            created_by: Some(CREATED_BY.to_owned()),
            creation_date: None,
            similar: Vec::new(),
        }
    }
}

/// The hashes of what a torrent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentHashes {
    /// A single file.
    File(PieceHashes),
    /// A folder.
    Folder(FolderHashes),
}

/// The hashes of a folder's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderHashes {
    /// Bytes per piece.
    pub piece_length: PieceLength,
    /// Sorted by path, component by component (BEP 52). All have trees, or none.
    pub files: Vec<FolderFile>,
    /// SHA-1 of each piece of the files in a row; in a hybrid padded so that each file begins with a piece.
    pub v1: Option<Vec<Sha1Hash>>,
}

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderFile {
    /// Below the folder, component by component.
    pub path: Vec<String>,
    /// In bytes.
    pub length: u64,
    /// Its tree, for hybrid and v2.
    pub v2: Option<V2Hashes>,
}

impl From<PieceHashes> for ContentHashes {
    fn from(hashes: PieceHashes) -> Self {
        Self::File(hashes)
    }
}

impl From<FolderHashes> for ContentHashes {
    fn from(hashes: FolderHashes) -> Self {
        Self::Folder(hashes)
    }
}

/// A torrent: the file, its identity, its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torrent {
    /// The complete .torrent file.
    pub metainfo: Vec<u8>,
    /// Its identity in the swarm.
    pub info_hash: InfoHashes,
    /// Its magnet link, with trackers and web seeds.
    pub magnet: String,
}

/// Makes the torrent. The same request gives the same bytes, everywhere and always.
pub fn make(request: &MetainfoRequest) -> Torrent {
    let (metainfo, info) = metainfo(request);
    let info_hash = info_hash(&request.hashes, &metainfo[info]);
    Torrent {
        metainfo,
        magnet: magnet(&info_hash, &request.name, &request.trackers, &request.web_seeds),
        info_hash,
    }
}

fn info_hash(hashes: &ContentHashes, info: &[u8]) -> InfoHashes {
    let (has_v1, has_v2) = match hashes {
        ContentHashes::File(file) => (file.v1.is_some(), file.v2.is_some()),
        ContentHashes::Folder(folder) => (folder.v1.is_some(), folder.is_v2()),
    };
    match (has_v1, has_v2) {
        (true, true) => InfoHashes::Hybrid(InfoHashV1(sha1(info)), InfoHashV2(sha256(info))),
        (false, true) => InfoHashes::V2(InfoHashV2(sha256(info))),
        (_, false) => InfoHashes::V1(InfoHashV1(sha1(info))),
    }
}

impl FolderHashes {
    fn is_v2(&self) -> bool {
        self.files.iter().any(|file| file.v2.is_some())
    }
}

/// The whole file, and where its info dictionary stands: it is written once, and hashed where it is.
fn metainfo(request: &MetainfoRequest) -> (Vec<u8>, Range<usize>) {
    let mut out = Writer::default();
    let mut span = 0..0;
    out.dictionary(|out| {
        announce(&request.trackers).into_iter().for_each(|(key, value)| entry(out, key, value));
        text(out, "comment", request.comment.as_ref());
        text(out, "created by", request.created_by.as_ref());
        if let Some(date) = request.creation_date {
            out.bytes("creation date");
            out.integer(date);
        }
        out.bytes("info");
        let start = out.length();
        info(out, request);
        span = start..out.length();
        piece_layers(out, &request.hashes);
        if !request.similar.is_empty() {
            out.bytes("similar");
            out.list(|out| request.similar.iter().for_each(|hashes| out.bytes(short_hash(hashes))));
        }
        let (key, value) = url_list(&request.web_seeds);
        entry(out, key, value);
    });
    (out.finish(), span)
}

fn entry(out: &mut Writer, key: &str, value: Option<Vec<u8>>) {
    if let Some(value) = value {
        out.bytes(key);
        out.encoded(&value);
    }
}

fn text(out: &mut Writer, key: &str, text: Option<&String>) {
    if let Some(text) = text {
        out.bytes(key);
        out.bytes(text);
    }
}

fn info(out: &mut Writer, request: &MetainfoRequest) {
    let (piece_length, v1, is_v2) = match &request.hashes {
        ContentHashes::File(file) => (file.piece_length, &file.v1, file.v2.is_some()),
        ContentHashes::Folder(folder) => (folder.piece_length, &folder.v1, folder.is_v2()),
    };
    out.dictionary(|out| {
        match &request.hashes {
            ContentHashes::File(file) => single_file(out, &request.name, file),
            ContentHashes::Folder(folder) => several_files(out, folder),
        }
        if is_v2 {
            out.bytes("meta version");
            out.integer(2);
        }
        out.bytes("name");
        out.bytes(&request.name);
        out.bytes("piece length");
        out.integer(piece_length.bytes());
        if let Some(pieces) = v1 {
            out.bytes("pieces");
            out.bytes(pieces.as_flattened());
        }
        if request.private {
            out.bytes("private");
            out.integer(1);
        }
        text(out, "source", request.source.as_ref());
    });
}

fn single_file(out: &mut Writer, name: &str, file: &PieceHashes) {
    if let Some(v2) = &file.v2 {
        out.bytes("file tree");
        out.dictionary(|out| {
            out.bytes(name);
            tree_file(out, file.length, v2);
        });
    }
    if file.v1.is_some() {
        out.bytes("length");
        out.integer(file.length);
    }
}

fn several_files(out: &mut Writer, folder: &FolderHashes) {
    if folder.is_v2() {
        out.bytes("file tree");
        file_tree(out, &folder.files, 0);
    }
    if folder.v1.is_some() {
        let align = folder.is_v2().then_some(folder.piece_length.bytes());
        let lengths = folder.files.iter().map(|file| file.length);
        out.bytes("files");
        out.list(|out| {
            with_pads(lengths, align).for_each(|entry| match entry {
                Entry::File(index) => v1_file(out, &folder.files[index]),
                Entry::Pad(padding) => pad_file(out, padding),
            });
        });
    }
}

fn v1_file(out: &mut Writer, file: &FolderFile) {
    out.dictionary(|out| {
        out.bytes("length");
        out.integer(file.length);
        out.bytes("path");
        out.list(|out| file.path.iter().for_each(|component| out.bytes(component)));
    });
}

/// A pad file as libtorrent makes it (BEP 47).
fn pad_file(out: &mut Writer, padding: u64) {
    out.dictionary(|out| {
        out.bytes("attr");
        out.bytes("p");
        out.bytes("length");
        out.integer(padding);
        out.bytes("path");
        out.list(|out| {
            out.bytes(".pad");
            out.bytes(padding.to_string());
        });
    });
}

/// The part of `file tree` below a folder at this depth, of files sorted by path. Recurses once per folder; the walk over
/// the disk has bounded the depth.
fn file_tree(out: &mut Writer, files: &[FolderFile], depth: usize) {
    out.dictionary(|out| {
        for files in files.chunk_by(|one, next| one.path.get(depth) == next.path.get(depth)) {
            let [file, ..] = files else { continue };
            match (file.path.get(depth..), &file.v2) {
                (Some([name]), Some(v2)) => {
                    out.bytes(name);
                    tree_file(out, file.length, v2);
                }
                (Some([folder, ..]), Some(_)) => {
                    out.bytes(folder);
                    file_tree(out, files, depth + 1);
                }
                _ => {}
            }
        }
    });
}

fn tree_file(out: &mut Writer, file_length: u64, v2: &V2Hashes) {
    out.dictionary(|out| {
        out.bytes("");
        out.dictionary(|out| {
            out.bytes("length");
            out.integer(file_length);
            if let Some(root) = v2.pieces_root {
                out.bytes("pieces root");
                out.bytes(root);
            }
        });
    });
}

/// `piece layers` (BEP 52): outside the info dictionary, since each layer is proven by its root.
fn piece_layers(out: &mut Writer, hashes: &ContentHashes) {
    let trees: Vec<&V2Hashes> = match hashes {
        ContentHashes::File(file) => file.v2.iter().collect(),
        ContentHashes::Folder(folder) => folder.files.iter().filter_map(|file| file.v2.as_ref()).collect(),
    };
    if trees.is_empty() {
        return;
    }
    // Files of the same bytes have one root, and one layer.
    let long = trees.into_iter().filter(|tree| !tree.layer.is_empty());
    let layers: BTreeMap<_, _> = long.filter_map(|tree| Some((tree.pieces_root?, &tree.layer))).collect();
    out.bytes("piece layers");
    out.dictionary(|out| {
        for (root, layer) in layers {
            out.bytes(root);
            out.bytes(layer.as_flattened());
        }
    });
}

/// `announce` and, for more than one tracker, `announce-list`, each with its value.
pub(super) fn announce(tiers: &[Vec<String>]) -> [(&'static str, Option<Vec<u8>>); 2] {
    let mut trackers = tiers.iter().flatten();
    let first = trackers.next().map(|first| written(|out| out.bytes(first)));
    let tiers = || tiers.iter().filter(|tier| !tier.is_empty());
    let all =
        trackers.next().map(|_| written(|out| out.list(|out| tiers().for_each(|tier| strings(out, tier)))));
    [("announce", first), ("announce-list", all)]
}

/// `url-list`, with its value.
pub(super) fn url_list(web_seeds: &[String]) -> (&'static str, Option<Vec<u8>>) {
    ("url-list", (!web_seeds.is_empty()).then(|| written(|out| strings(out, web_seeds))))
}

fn strings(out: &mut Writer, strings: &[String]) {
    out.list(|out| strings.iter().for_each(|string| out.bytes(string)));
}

/// The 20 bytes by which BEP 38 names a torrent.
fn short_hash(hashes: &InfoHashes) -> [u8; 20] {
    match hashes {
        InfoHashes::V1(v1) | InfoHashes::Hybrid(v1, _) => v1.0,
        InfoHashes::V2(v2) => v2.truncated(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(v1: bool, v2: bool) -> PieceHashes {
        PieceHashes {
            length: 5,
            piece_length: PieceLength::MIN,
            v1: v1.then(|| vec![*b"aaaaaaaaaaaaaaaaaaaa"]),
            v2: v2.then(|| V2Hashes { pieces_root: Some([b'r'; 32]), layer: Vec::new() }),
        }
    }

    fn text(request: &MetainfoRequest) -> String {
        String::from_utf8(make(request).metainfo).unwrap()
    }

    #[test]
    fn a_bare_v1_torrent_is_these_bytes() {
        let expected = "d10:created by7:podseed4:infod6:lengthi5e4:name5:a.mp312:piece lengthi16384e\
                        6:pieces20:aaaaaaaaaaaaaaaaaaaaee";
        assert_eq!(text(&MetainfoRequest::new("a.mp3", hashes(true, false))), expected);
    }

    #[test]
    fn a_hybrid_has_both_halves_and_its_layers_outside() {
        let expected = format!(
            "d10:created by7:podseed4:infod9:file treed5:a.mp3d0:d6:lengthi5e11:pieces root32:{}eee6:lengthi5e\
             12:meta versioni2e4:name5:a.mp312:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae\
             12:piece layersdee",
            "r".repeat(32)
        );
        assert_eq!(text(&MetainfoRequest::new("a.mp3", hashes(true, true))), expected);
    }

    #[test]
    fn everything_that_does_not_change_the_content_stands_outside_info() {
        let bare = MetainfoRequest::new("a", hashes(true, false));
        let full = MetainfoRequest {
            trackers: vec![vec!["t:1".into(), "t:2".into()], vec![], vec!["t:3".into()]],
            web_seeds: vec!["w:1".into()],
            comment: Some("c".into()),
            creation_date: Some(86_400),
            similar: vec![InfoHashes::V1(InfoHashV1([b'1'; 20])), InfoHashes::V2(InfoHashV2([b'2'; 32]))],
            ..bare.clone()
        };
        assert_eq!(make(&full).info_hash, make(&bare).info_hash);
        let expected = "d8:announce3:t:113:announce-listll3:t:13:t:2el3:t:3ee7:comment1:c10:created by7:podseed\
                        13:creation datei86400e4:infod6:lengthi5e4:name1:a12:piece lengthi16384e\
                        6:pieces20:aaaaaaaaaaaaaaaaaaaae\
                        7:similarl20:1111111111111111111120:22222222222222222222e8:url-listl3:w:1ee";
        assert_eq!(text(&full), expected);
    }

    #[test]
    fn one_tracker_needs_no_list() {
        let request = MetainfoRequest {
            trackers: vec![vec!["t:1".into()]],
            created_by: None,
            ..MetainfoRequest::new("a", hashes(true, false))
        };
        assert!(text(&request).starts_with("d8:announce3:t:14:infod"));
    }

    #[test]
    fn private_and_source_make_another_torrent() {
        let bare = MetainfoRequest::new("a", hashes(true, false));
        let private = MetainfoRequest { private: true, ..bare.clone() };
        let source = MetainfoRequest { source: Some("S".into()), ..bare.clone() };
        let torrents = [&bare, &private, &source].map(make);
        assert!(text(&private).contains("7:privatei1ee"));
        assert!(text(&source).contains("6:source1:Se"));
        assert_ne!(torrents[0].info_hash, torrents[1].info_hash);
        assert_ne!(torrents[0].info_hash, torrents[2].info_hash);
    }
}
