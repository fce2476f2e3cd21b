//! Reads a metainfo, from whomever it comes.

use std::collections::HashMap;

use lava_torrent::bencode::BencodeElem;

use super::bencode::{self, BencodeError, bytes, get, integer, list, text};
use super::metainfo::{Metainfo, MetainfoFile, is_component};
use crate::hash::{BLOCK_LENGTH, Sha256Hash, V2Hashes, root_of_layer, sha1, sha256};
use crate::model::{InfoHashV1, InfoHashV2, InfoHashes, TorrentVersion};

/// The longest piece that is read: 512 MiB, as in libtorrent 2.0.
const MAX_PIECE_LENGTH: u64 = 512 << 20;

/// Why bytes are not a metainfo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not bencode, or not within the limits.
    #[error("this is not a .torrent file")]
    Bencode(#[from] BencodeError),
    /// Something that every metainfo has is not there, or is of another type.
    #[error("the metainfo has no valid `{0}`")]
    Field(&'static str),
    /// A path that would lead out of the torrent's folder, or is none.
    #[error("the metainfo has a file with the unsafe or empty path {0:?}")]
    UnsafePath(String),
    /// Negative, or more than can be counted.
    #[error("the metainfo has an impossible length for {0:?}")]
    FileLength(String),
    /// Not a length that pieces can have.
    #[error("the metainfo has the impossible piece length {0}")]
    PieceLength(i64),
    /// As many hashes as pieces, or it is another torrent.
    #[error("the metainfo has {got} piece hashes for {expected} pieces")]
    PieceCount {
        /// By lengths.
        expected: u64,
        /// In `pieces`.
        got: u64,
    },
    /// A `meta version` that nobody has defined yet.
    #[error("the metainfo has `meta version` {0}; podseed knows 1 and 2")]
    MetaVersion(i64),
    /// BEP 52: the layer of a file is missing, or its root is another.
    #[error("the piece layer of {0:?} is missing, or does not belong to it")]
    PieceLayer(String),
    /// The two halves of a hybrid are two torrents.
    #[error("the v1 and the v2 part of this hybrid do not describe the same files ({0:?})")]
    Hybrid(String),
}

/// Reads a metainfo. Nothing is unbounded: see [`BencodeError`] for the limits.
pub fn parse(torrent: &[u8]) -> Result<Metainfo, ParseError> {
    let decoded = bencode::decode(torrent)?;
    let root = &decoded.root;
    let info = get(root, "info").ok_or(ParseError::Field("info"))?;
    let info_bytes = decoded.info.and_then(|span| torrent.get(span)).ok_or(ParseError::Field("info"))?;
    let content = Content::read(info, root)?;
    let (v1, v2) = (sha1(info_bytes), sha256(info_bytes));
    Ok(Metainfo {
        info_hash: match content.version {
            TorrentVersion::V1 => InfoHashes::V1(InfoHashV1(v1)),
            TorrentVersion::V2 => InfoHashes::V2(InfoHashV2(v2)),
            TorrentVersion::Hybrid => InfoHashes::Hybrid(InfoHashV1(v1), InfoHashV2(v2)),
        },
        name: content.name,
        single_file: content.single_file,
        files: content.files,
        piece_length: content.piece_length,
        version: content.version,
        v1_pieces: content.v1_pieces,
        private: get(info, "private").and_then(integer).is_some_and(|private| private != 0),
        source: get(info, "source").and_then(text),
        trackers: trackers(root),
        web_seeds: get(root, "url-list").map(texts).unwrap_or_default(),
        comment: get(root, "comment.utf-8").or(get(root, "comment")).and_then(text),
        created_by: get(root, "created by").and_then(text),
        creation_date: get(root, "creation date").and_then(integer),
    })
}

/// What the info dictionary and the piece layers say about files and pieces.
struct Content {
    name: String,
    single_file: bool,
    files: Vec<MetainfoFile>,
    piece_length: u64,
    version: TorrentVersion,
    v1_pieces: Vec<[u8; 20]>,
}

impl Content {
    fn read(info: &BencodeElem, root: &BencodeElem) -> Result<Self, ParseError> {
        let version = version(info)?;
        let name = name(info).ok_or(ParseError::Field("name"))?;
        if !is_component(&name) {
            return Err(ParseError::UnsafePath(name));
        }
        let piece_length = piece_length(info, version)?;
        let tree = match version {
            TorrentVersion::V1 => None,
            _ => Some(TreeReader::new(root, piece_length).read(info)?),
        };
        let (files, v1_pieces, single_file) = match (version, tree) {
            (TorrentVersion::V2, Some(tree)) => {
                // BEP 52: one file at the top that is called like the torrent needs no folder.
                let single_file = matches!(tree.as_slice(), [only] if only.path == [name.as_str()]);
                (tree, Vec::new(), single_file)
            }
            (_, tree) => {
                let mut files = v1_files(info, &name)?;
                let v1_pieces = v1_pieces(info, &files, piece_length)?;
                if let Some(tree) = tree {
                    unite(&mut files, tree, piece_length)?;
                }
                (files, v1_pieces, get(info, "files").is_none())
            }
        };
        Ok(Self { name, single_file, files, piece_length, version, v1_pieces })
    }
}

fn version(info: &BencodeElem) -> Result<TorrentVersion, ParseError> {
    match get(info, "meta version").and_then(integer) {
        None | Some(1) => Ok(TorrentVersion::V1),
        Some(2) if get(info, "pieces").is_some() => Ok(TorrentVersion::Hybrid),
        Some(2) => Ok(TorrentVersion::V2),
        Some(other) => Err(ParseError::MetaVersion(other)),
    }
}

/// The name; `name.utf-8` is what programs before 2010 added beside a name in another encoding.
fn name(info: &BencodeElem) -> Option<String> {
    get(info, "name.utf-8").or(get(info, "name")).and_then(text)
}

fn piece_length(info: &BencodeElem, version: TorrentVersion) -> Result<u64, ParseError> {
    let length = get(info, "piece length").and_then(integer).ok_or(ParseError::Field("piece length"))?;
    match u64::try_from(length) {
        Ok(bytes) if bytes == 0 || bytes > MAX_PIECE_LENGTH => Err(ParseError::PieceLength(length)),
        Ok(bytes) if version == TorrentVersion::V1 => Ok(bytes),
        Ok(bytes) if bytes.is_power_of_two() && bytes >= BLOCK_LENGTH as u64 => Ok(bytes),
        _ => Err(ParseError::PieceLength(length)),
    }
}

fn v1_files(info: &BencodeElem, name: &str) -> Result<Vec<MetainfoFile>, ParseError> {
    if get(info, "files").is_none() {
        let length = file_length(info, || name.to_owned())?;
        return Ok(vec![MetainfoFile { path: vec![name.to_owned()], length, pad: false, v2: None }]);
    }
    let entries = get(info, "files").and_then(list).ok_or(ParseError::Field("files"))?;
    let files = entries.iter().filter(|entry| !is_link(entry)).map(v1_file).collect::<Result<Vec<_>, _>>()?;
    let total = files.iter().try_fold(0_i64, |total, file| total.checked_add_unsigned(file.length));
    match total {
        Some(_) if files.is_empty() => Err(ParseError::Field("files")),
        Some(_) => Ok(files),
        None => Err(ParseError::FileLength(name.to_owned())),
    }
}

/// A symbolic link (BEP 47): it has no bytes, and what it points to is in the torrent by itself or not at all.
fn is_link(entry: &BencodeElem) -> bool {
    has_attribute(entry, b'l') && get(entry, "length").and_then(integer).is_none_or(|length| length == 0)
}

fn has_attribute(entry: &BencodeElem, attribute: u8) -> bool {
    get(entry, "attr").and_then(bytes).is_some_and(|attributes| attributes.contains(&attribute))
}

fn v1_file(entry: &BencodeElem) -> Result<MetainfoFile, ParseError> {
    let components = get(entry, "path.utf-8").or(get(entry, "path")).and_then(list);
    let components = components.ok_or(ParseError::Field("path"))?;
    let path = components
        .iter()
        .map(|component| text(component).ok_or(ParseError::Field("path")))
        .collect::<Result<Vec<_>, _>>()?;
    if path.is_empty() || !path.iter().all(|component| is_component(component)) {
        return Err(ParseError::UnsafePath(path.join("/")));
    }
    let length = file_length(entry, || path.join("/"))?;
    // BitComet has its own pad files; libtorrent 2.0 (torrent_info.cpp) takes them for such, too.
    let bitcomet = path.last().is_some_and(|name| name.starts_with("_____padding_file_"));
    Ok(MetainfoFile { length, pad: bitcomet || has_attribute(entry, b'p'), path, v2: None })
}

fn file_length(entry: &BencodeElem, path: impl Fn() -> String) -> Result<u64, ParseError> {
    let length = get(entry, "length").and_then(integer).ok_or(ParseError::Field("length"))?;
    u64::try_from(length).map_err(|_| ParseError::FileLength(path()))
}

fn v1_pieces(
    info: &BencodeElem,
    files: &[MetainfoFile],
    piece_length: u64,
) -> Result<Vec<[u8; 20]>, ParseError> {
    let pieces = get(info, "pieces").and_then(bytes).ok_or(ParseError::Field("pieces"))?;
    let (pieces, rest) = pieces.as_chunks();
    if !rest.is_empty() {
        return Err(ParseError::Field("pieces"));
    }
    let expected = files.iter().map(|file| file.length).sum::<u64>().div_ceil(piece_length);
    let got = pieces.len() as u64;
    if got == expected { Ok(pieces.to_vec()) } else { Err(ParseError::PieceCount { expected, got }) }
}

/// Gives each v1 file of a hybrid its tree; both parts must list the same files, and each must begin with a piece.
fn unite(files: &mut [MetainfoFile], tree: Vec<MetainfoFile>, piece_length: u64) -> Result<(), ParseError> {
    let mut trees: HashMap<_, _> = tree.into_iter().map(|file| (file.path.clone(), file)).collect();
    let mut offset = 0;
    for file in files {
        if !file.pad {
            let aligned = file.length == 0 || offset % piece_length == 0;
            file.v2 = match trees.remove(&file.path) {
                Some(tree) if tree.length == file.length && aligned => tree.v2,
                _ => return Err(ParseError::Hybrid(file.display_path())),
            };
        }
        offset += file.length;
    }
    match trees.into_values().find(|file| !file.pad) {
        Some(file) => Err(ParseError::Hybrid(file.display_path())),
        None => Ok(()),
    }
}

/// Reads `file tree` and the piece layers that belong to it (BEP 52).
struct TreeReader<'a> {
    layers: Option<&'a BencodeElem>,
    piece_length: u64,
    total: i64,
    path: Vec<String>,
    files: Vec<MetainfoFile>,
}

impl<'a> TreeReader<'a> {
    fn new(root: &'a BencodeElem, piece_length: u64) -> Self {
        let layers = get(root, "piece layers");
        Self { layers, piece_length, total: 0, path: Vec::new(), files: Vec::new() }
    }

    fn read(mut self, info: &BencodeElem) -> Result<Vec<MetainfoFile>, ParseError> {
        let tree = get(info, "file tree").ok_or(ParseError::Field("file tree"))?;
        self.folder(tree)?;
        if self.files.is_empty() { Err(ParseError::Field("file tree")) } else { Ok(self.files) }
    }

    /// Recurses once per folder; the decoder has bounded the depth.
    fn folder(&mut self, folder: &BencodeElem) -> Result<(), ParseError> {
        for (name, node) in bencode::entries(folder).ok_or(ParseError::Field("file tree"))? {
            self.path.push(String::from_utf8_lossy(name).into_owned());
            if !self.path.last().is_some_and(|name| is_component(name)) {
                return Err(ParseError::UnsafePath(self.path.join("/")));
            }
            match get(node, "") {
                Some(file) if is_link(file) => {}
                Some(file) => self.file(file)?,
                None => self.folder(node)?,
            }
            self.path.pop();
        }
        Ok(())
    }

    fn file(&mut self, file: &BencodeElem) -> Result<(), ParseError> {
        let display = || self.path.join("/");
        let length = file_length(file, display)?;
        let aligned = length.checked_next_multiple_of(self.piece_length);
        let total = aligned.and_then(|aligned| self.total.checked_add_unsigned(aligned));
        let v2 = if length == 0 {
            V2Hashes { pieces_root: None, layer: Vec::new() }
        } else {
            let root = get(file, "pieces root").and_then(bytes).and_then(|root| root.try_into().ok());
            let root = root.ok_or(ParseError::Field("pieces root"))?;
            let layer = self.layer(&root, length).ok_or_else(|| ParseError::PieceLayer(display()))?;
            V2Hashes { pieces_root: Some(root), layer }
        };
        self.total = total.ok_or_else(|| ParseError::FileLength(display()))?;
        let pad = has_attribute(file, b'p');
        self.files.push(MetainfoFile { path: self.path.clone(), length, pad, v2: Some(v2) });
        Ok(())
    }

    fn layer(&self, pieces_root: &Sha256Hash, length: u64) -> Option<Vec<Sha256Hash>> {
        if length <= self.piece_length {
            return Some(Vec::new());
        }
        let (layer, rest) = raw_get(self.layers?, pieces_root)?.as_chunks();
        let complete = rest.is_empty() && layer.len() as u64 == length.div_ceil(self.piece_length);
        let proven = complete && root_of_layer(layer, self.piece_length) == Some(*pieces_root);
        proven.then(|| layer.to_vec())
    }
}

/// The bytes under a key that is no text; a dictionary all of whose keys happen to be text is decoded as such.
fn raw_get<'a>(dictionary: &'a BencodeElem, key: &[u8]) -> Option<&'a [u8]> {
    match dictionary {
        BencodeElem::RawDictionary(entries) => entries.get(key).and_then(bytes),
        _ => std::str::from_utf8(key).ok().and_then(|key| get(dictionary, key)).and_then(bytes),
    }
}

/// Tiers by BEP 12: `announce` counts only where `announce-list` says nothing.
fn trackers(root: &BencodeElem) -> Vec<Vec<String>> {
    let tiers: Vec<_> = get(root, "announce-list")
        .and_then(list)
        .map(|tiers| tiers.iter().map(texts).filter(|tier| !tier.is_empty()).collect())
        .unwrap_or_default();
    if !tiers.is_empty() {
        return tiers;
    }
    let announce = get(root, "announce").map(texts).unwrap_or_default();
    if announce.is_empty() { Vec::new() } else { vec![announce] }
}

/// The strings of a list, or one string by itself, without empty ones.
fn texts(value: &BencodeElem) -> Vec<String> {
    let members = list(value).unwrap_or(std::slice::from_ref(value));
    members.iter().filter_map(text).filter(|text| !text.is_empty()).collect()
}
