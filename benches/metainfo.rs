//! Metainfo: made from hashes, read again, and named by a link.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use podseed::hash::{PieceHashes, PieceLength, V2Hashes, root_of_layer};
use podseed::torrent::{FolderFile, FolderHashes, MetainfoRequest, Torrent, make, parse, read_magnet};

const FILE: u64 = 5_000_000_000;
const FILES: u64 = 20_000;
const FILE_IN_FOLDER: u64 = 3_000_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    made_and_read(criterion, "a file of 5 GB", &request("episode.mp3", file()));
    made_and_read(criterion, "20,000 files", &request("show", folder()));
    magnet(criterion);
}

fn made_and_read(criterion: &mut Criterion, what: &str, request: &MetainfoRequest) {
    let Torrent { metainfo, .. } = make(request);
    assert!(parse(&metainfo).is_ok(), "what is made can be read");
    let mut group = criterion.benchmark_group(format!("metainfo/{what}"));
    group.throughput(Throughput::Bytes(metainfo.len() as u64));
    group.bench_function("make", |bencher| bencher.iter(|| make(black_box(request))));
    group.bench_function("parse", |bencher| bencher.iter(|| parse(black_box(&metainfo))));
    group.finish();
}

fn magnet(criterion: &mut Criterion) {
    let link = make(&request("episode.mp3", file())).magnet;
    assert!(read_magnet(&link).is_some(), "what is made can be read");
    criterion.bench_function("metainfo/magnet", |bencher| {
        bencher.iter(|| read_magnet(black_box(&link)).is_some())
    });
}

fn request(name: &str, hashes: impl Into<podseed::torrent::ContentHashes>) -> MetainfoRequest {
    let trackers = vec![vec!["udp://tracker.example.org:6969/announce".to_owned()]];
    let web_seeds = vec![format!("https://media.example.org/{name}")];
    MetainfoRequest { trackers, web_seeds, ..MetainfoRequest::new(name, hashes) }
}

/// A hybrid, as nobody has ever hashed it.
fn file() -> PieceHashes {
    let piece_length = PieceLength::auto(FILE);
    let pieces = 0..FILE.div_ceil(piece_length.bytes());
    let layer: Vec<_> = pieces.clone().map(hash).collect();
    PieceHashes {
        length: FILE,
        piece_length,
        v1: Some(pieces.map(hash).collect()),
        v2: Some(V2Hashes { pieces_root: root_of_layer(&layer, piece_length.bytes()), layer }),
    }
}

fn folder() -> FolderHashes {
    let total = FILES * FILE_IN_FOLDER;
    let piece_length = PieceLength::auto(total);
    let file = |number| FolderFile {
        path: vec![format!("{:03}", number / 100), format!("{number:05}.mp3")],
        length: FILE_IN_FOLDER,
        v2: None,
    };
    FolderHashes {
        piece_length,
        files: (0..FILES).map(file).collect(),
        v1: Some((0..total.div_ceil(piece_length.bytes())).map(hash).collect()),
    }
}

fn hash<const LENGTH: usize>(number: u64) -> [u8; LENGTH] {
    std::array::from_fn(|at| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32) as u8)
}
