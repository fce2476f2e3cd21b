//! Makes a metainfo from hashes that are already there. Reads nothing, asks nobody what time it is.

use std::collections::{BTreeMap, HashMap};

use lava_torrent::bencode::BencodeElem;

use super::bencode::{dictionary, length};
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
    let info = BencodeElem::Dictionary(info(request)).encode();
    let info_hash = info_hash(&request.hashes, &info);
    Torrent {
        metainfo: metainfo(request, info),
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

fn info(request: &MetainfoRequest) -> HashMap<String, BencodeElem> {
    let (mut info, piece_length, v1) = match &request.hashes {
        ContentHashes::File(file) => (single_file(&request.name, file), file.piece_length, &file.v1),
        ContentHashes::Folder(folder) => (several_files(folder), folder.piece_length, &folder.v1),
    };
    info.extend(dictionary([
        ("name", request.name.as_str().into()),
        ("piece length", length(piece_length.bytes())),
    ]));
    if let Some(pieces) = v1 {
        info.insert("pieces".to_owned(), pieces.concat().into());
    }
    if info.contains_key("file tree") {
        info.insert("meta version".to_owned(), 2.into());
    }
    if request.private {
        info.insert("private".to_owned(), 1.into());
    }
    if let Some(source) = &request.source {
        info.insert("source".to_owned(), source.as_str().into());
    }
    info
}

fn single_file(name: &str, file: &PieceHashes) -> HashMap<String, BencodeElem> {
    let mut info = HashMap::new();
    if file.v1.is_some() {
        info.insert("length".to_owned(), length(file.length));
    }
    if let Some(v2) = &file.v2 {
        let tree = dictionary([(name, tree_file(file.length, v2))]);
        info.insert("file tree".to_owned(), BencodeElem::Dictionary(tree));
    }
    info
}

fn several_files(folder: &FolderHashes) -> HashMap<String, BencodeElem> {
    let mut info = HashMap::new();
    if folder.v1.is_some() {
        let align = folder.is_v2().then_some(folder.piece_length.bytes());
        let lengths = folder.files.iter().map(|file| file.length);
        let files = with_pads(lengths, align).map(|entry| match entry {
            Entry::File(index) => v1_file(&folder.files[index]),
            Entry::Pad(padding) => pad_file(padding),
        });
        info.insert("files".to_owned(), BencodeElem::List(files.collect()));
    }
    if folder.is_v2() {
        let files = folder.files.iter().filter_map(|file| {
            let v2 = file.v2.as_ref()?;
            Some((file.path.as_slice(), tree_file(file.length, v2)))
        });
        info.insert("file tree".to_owned(), file_tree(files.collect()));
    }
    info
}

fn v1_file(file: &FolderFile) -> BencodeElem {
    let path = file.path.iter().map(|component| component.as_str().into()).collect();
    BencodeElem::Dictionary(dictionary([("length", length(file.length)), ("path", BencodeElem::List(path))]))
}

/// A pad file as libtorrent makes it (BEP 47).
fn pad_file(padding: u64) -> BencodeElem {
    let path = vec![".pad".into(), padding.to_string().into()];
    BencodeElem::Dictionary(dictionary([
        ("attr", "p".into()),
        ("length", length(padding)),
        ("path", BencodeElem::List(path)),
    ]))
}

/// `file tree` of files sorted by path. Recurses once per folder; the walk over the disk has bounded the depth.
fn file_tree(files: Vec<(&[String], BencodeElem)>) -> BencodeElem {
    let mut folders: HashMap<String, Vec<(&[String], BencodeElem)>> = HashMap::new();
    let mut tree = HashMap::new();
    for (path, node) in files {
        match path {
            [] => {}
            [name] => drop(tree.insert(name.clone(), node)),
            [folder, rest @ ..] => folders.entry(folder.clone()).or_default().push((rest, node)),
        }
    }
    tree.extend(folders.into_iter().map(|(name, files)| (name, file_tree(files))));
    BencodeElem::Dictionary(tree)
}

fn tree_file(file_length: u64, v2: &V2Hashes) -> BencodeElem {
    let mut file = dictionary([("length", length(file_length))]);
    if let Some(root) = v2.pieces_root {
        file.insert("pieces root".to_owned(), root.to_vec().into());
    }
    BencodeElem::Dictionary(dictionary([("", BencodeElem::Dictionary(file))]))
}

/// `piece layers` (BEP 52): outside the info dictionary, since each layer is proven by its root.
fn piece_layers(hashes: &ContentHashes) -> Option<BencodeElem> {
    let trees: Vec<&V2Hashes> = match hashes {
        ContentHashes::File(file) => file.v2.iter().collect(),
        ContentHashes::Folder(folder) => folder.files.iter().filter_map(|file| file.v2.as_ref()).collect(),
    };
    if trees.is_empty() {
        return None;
    }
    let long = trees.into_iter().filter(|tree| !tree.layer.is_empty());
    let layers = long.filter_map(|tree| Some((tree.pieces_root?.to_vec(), tree.layer.concat().into())));
    Some(BencodeElem::RawDictionary(layers.collect()))
}

/// The whole file, around the info dictionary as it was hashed.
fn metainfo(request: &MetainfoRequest, info: Vec<u8>) -> Vec<u8> {
    let mut root = BTreeMap::new();
    let mut put = |key: &'static str, value: Option<BencodeElem>| {
        root.extend(value.map(|value| (key.as_bytes(), value.encode())));
    };
    let text = |text: &Option<String>| text.as_deref().map(BencodeElem::from);
    for (key, value) in announce(&request.trackers).into_iter().chain([url_list(&request.web_seeds)]) {
        put(key, value);
    }
    put("comment", text(&request.comment));
    put("created by", text(&request.created_by));
    put("creation date", request.creation_date.map(BencodeElem::Integer));
    put("piece layers", piece_layers(&request.hashes));
    let similar = request.similar.iter().map(|hashes| short_hash(hashes).to_vec().into()).collect();
    put("similar", (!request.similar.is_empty()).then_some(BencodeElem::List(similar)));
    root.insert(b"info".as_slice(), info);
    join(root)
}

/// `announce` and, for more than one tracker, `announce-list`.
pub(super) fn announce(tiers: &[Vec<String>]) -> [(&'static str, Option<BencodeElem>); 2] {
    let mut trackers = tiers.iter().flatten();
    let first = trackers.next().map(|first| first.as_str().into());
    let all = || tiers.iter().filter(|tier| !tier.is_empty()).map(|tier| texts(tier)).collect();
    [("announce", first), ("announce-list", trackers.next().map(|_| BencodeElem::List(all())))]
}

/// `url-list`.
pub(super) fn url_list(web_seeds: &[String]) -> (&'static str, Option<BencodeElem>) {
    ("url-list", (!web_seeds.is_empty()).then(|| texts(web_seeds)))
}

fn texts(texts: &[String]) -> BencodeElem {
    BencodeElem::List(texts.iter().map(|text| text.as_str().into()).collect())
}

/// A string's length and its colon, at most.
const MOST_OF_A_LENGTH: usize = 21;

/// A dictionary of values that are encoded already: no byte of the info dictionary is written twice in two ways.
pub(super) fn join(entries: BTreeMap<&[u8], Vec<u8>>) -> Vec<u8> {
    let length: usize = entries.iter().map(|(key, value)| key.len() + MOST_OF_A_LENGTH + value.len()).sum();
    let mut joined = Vec::with_capacity(length + 2);
    joined.push(b'd');
    for (key, value) in entries {
        joined.extend(BencodeElem::Bytes(key.to_vec()).encode());
        joined.extend(value);
    }
    joined.push(b'e');
    joined
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
