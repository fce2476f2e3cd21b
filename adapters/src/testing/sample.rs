//! A small file and a torrent of it, in every version of the format.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use lava_torrent::bencode::BencodeElem;

use crate::{InfoHashV1, InfoHashV2, InfoHashes, Seed, TorrentRef, TorrentVersion};

/// Two blocks, so that a v2 torrent has a layer of pieces between blocks and root.
const PIECE_LENGTH: usize = 2 * BLOCK_LENGTH;
const BLOCK_LENGTH: usize = 16 << 10;
/// Seven pieces, the last one short.
const LENGTH: usize = 200_001;

/// A file's content and its torrent. The same name gives the same bytes and the same info hash.
pub struct Sample {
    /// The file's name.
    pub name: String,
    /// Its content: 200,001 bytes that do not compress.
    pub content: Vec<u8>,
    /// The complete .torrent.
    pub metainfo: Arc<[u8]>,
    /// Its hashes.
    pub info_hash: InfoHashes,
}

impl Sample {
    /// A file with content of its own, and its torrent without any tracker.
    pub fn new(name: &str, version: TorrentVersion) -> Self {
        Self::announced(name, version, None)
    }

    /// The same with a tracker.
    pub fn announced(name: &str, version: TorrentVersion, announce: Option<&str>) -> Self {
        let content = noise(name);
        let tree = (version != TorrentVersion::V1).then(|| MerkleTree::of(&content));
        let info = info(name, &content, tree.as_ref(), version).encode();
        let v1 = (version != TorrentVersion::V2).then(|| InfoHashV1(sha1(&info)));
        let v2 = (version != TorrentVersion::V1).then(|| InfoHashV2(sha256(&info)));
        let info_hash = InfoHashes::from_parts(v1, v2).expect("every version has a hash");
        let mut metainfo = b"d".to_vec();
        if let Some(announce) = announce {
            metainfo.extend(format!("8:announce{}:{announce}", announce.len()).bytes());
        }
        metainfo.extend_from_slice(b"4:info");
        metainfo.extend_from_slice(&info);
        if let Some(tree) = tree {
            let layers =
                BencodeElem::RawDictionary([(tree.root.to_vec(), tree.pieces.concat().into())].into());
            metainfo.extend_from_slice(b"12:piece layers");
            metainfo.extend(layers.encode());
        }
        metainfo.push(b'e');
        Self { name: name.to_owned(), content, metainfo: metainfo.into(), info_hash }
    }

    /// Writes the file into an existing folder, a day old, as a finished download is by then.
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        self.write_altered(folder, self.content.clone())
    }

    /// Writes other bytes under the file's name, just as old.
    pub fn write_altered(&self, folder: &Path, content: Vec<u8>) -> PathBuf {
        let path = folder.join(&self.name);
        std::fs::write(&path, content).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(24)).unwrap();
        path
    }

    /// The content with one bit of the fourth piece turned over.
    pub fn with_a_flipped_bit(&self) -> Vec<u8> {
        let mut content = self.content.clone();
        content[LENGTH / 2] ^= 1;
        content
    }

    /// How the torrent is named in the contract.
    pub fn torrent(&self) -> TorrentRef {
        TorrentRef { info_hash: self.info_hash, name: self.name.clone(), show: "chaosradio".to_owned() }
    }

    /// For a client that sees the data in the folder where it is.
    pub fn seed(&self, data: &Path) -> Seed {
        let folder = data.parent().expect("a file is in a folder");
        Seed {
            torrent: self.torrent(),
            metainfo: Arc::clone(&self.metainfo),
            data: data.to_owned(),
            client_dir: folder.to_str().expect("temporary folders have plain names").to_owned(),
        }
    }
}

fn info(name: &str, content: &[u8], tree: Option<&MerkleTree>, version: TorrentVersion) -> BencodeElem {
    let length = BencodeElem::from(i64::try_from(content.len()).expect("samples are small"));
    let mut info = vec![
        ("name".to_owned(), BencodeElem::from(name)),
        ("piece length".to_owned(), BencodeElem::from(PIECE_LENGTH as i64)),
    ];
    if version != TorrentVersion::V2 {
        let pieces: Vec<u8> = content.chunks(PIECE_LENGTH).flat_map(sha1).collect();
        info.push(("length".to_owned(), length.clone()));
        info.push(("pieces".to_owned(), pieces.into()));
    }
    if let Some(tree) = tree {
        let file = [("length".to_owned(), length), ("pieces root".to_owned(), tree.root.to_vec().into())];
        let entry = [(String::new(), BencodeElem::Dictionary(file.into()))];
        let files = [(name.to_owned(), BencodeElem::Dictionary(entry.into()))];
        info.push(("file tree".to_owned(), BencodeElem::Dictionary(files.into())));
        info.push(("meta version".to_owned(), BencodeElem::from(2_i64)));
    }
    BencodeElem::Dictionary(info.into_iter().collect())
}

/// The hashes that BEP 52 wants of a file of more than one piece.
struct MerkleTree {
    root: [u8; 32],
    pieces: Vec<[u8; 32]>,
}

impl MerkleTree {
    fn of(content: &[u8]) -> Self {
        let mut blocks: Vec<[u8; 32]> = content.chunks(BLOCK_LENGTH).map(sha256).collect();
        blocks.resize(blocks.len().next_multiple_of(2), [0; 32]);
        let pieces = pairs(&blocks);
        let mut layer = pieces.clone();
        layer.resize(layer.len().next_power_of_two(), sha256(&[0; 64]));
        while layer.len() > 1 {
            layer = pairs(&layer);
        }
        Self { root: layer[0], pieces }
    }
}

fn pairs(layer: &[[u8; 32]]) -> Vec<[u8; 32]> {
    layer.chunks(2).map(|pair| sha256(&pair.concat())).collect()
}

/// Bytes that depend on the name alone.
fn noise(name: &str) -> Vec<u8> {
    let mut block = sha256(name.as_bytes());
    let mut content = Vec::with_capacity(LENGTH + block.len());
    while content.len() < LENGTH {
        content.extend(block);
        block = sha256(&block);
    }
    content.truncate(LENGTH);
    content
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().try_into().expect("SHA-1 has 20 bytes")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}
