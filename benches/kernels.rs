//! Hashing: the kernels of this processor side by side, and what a download makes of its bytes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use podseed::hash::{
    BLOCK_LENGTH, Kernel, LANES, PieceHasher, PieceLength, Sha1Lanes, StreamHasher, sha1, sha256,
};
use podseed_adapters::TorrentVersion;

/// The length of a message.
const STEP: usize = 256 * 1024;
/// Beside each lane's bytes: lanes a power of two apart would share a few sets of the cache.
const STAGGER: usize = 320;

pub(crate) fn bench(criterion: &mut Criterion) {
    sha1_lanes(criterion);
    sha256_leaves(criterion);
    stream_hasher(criterion);
}

/// Bytes that no page of zeros stands in for.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect()
}

/// SHA-1 of sixteen messages of 256 KiB by each kernel, and of one by the library.
fn sha1_lanes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels/sha1");
    let data = bytes(LANES * (STEP + STAGGER));
    let messages: [&[u8]; LANES] = std::array::from_fn(|lane| &data[lane * (STEP + STAGGER)..][..STEP]);
    group.throughput(Throughput::Bytes((LANES * STEP) as u64));
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_here()) {
        let mut lanes = Sha1Lanes::new(kernel);
        group.bench_function(kernel.name(), |bencher| bencher.iter(|| lanes.update(black_box(&messages))));
    }
    group.throughput(Throughput::Bytes(STEP as u64));
    group.bench_function("one stream, aws-lc", |bencher| bencher.iter(|| sha1(black_box(&data[..STEP]))));
    group.finish();
}

/// The leaves of a v2 tree, 16 KiB each, and the tree above them; against one leaf after the other.
fn sha256_leaves(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels/sha256 leaves");
    let data = bytes(STEP);
    group.throughput(Throughput::Bytes(STEP as u64));
    group.bench_function("side by side", |bencher| {
        bencher.iter(|| {
            let mut piece = PieceHasher::new(TorrentVersion::V2, STEP as u64);
            piece.update(black_box(&data));
            piece.finish(false)
        });
    });
    group.bench_function("one stream, aws-lc", |bencher| {
        bencher.iter(|| black_box(&data).chunks(BLOCK_LENGTH).map(sha256).fold(0, |sum, leaf| sum ^ leaf[0]));
    });
    group.finish();
}

/// A file of 64 MiB as a download hashes it, a window at a time.
fn stream_hasher(criterion: &mut Criterion) {
    const LENGTH: u64 = 64 << 20;
    let mut group = criterion.benchmark_group("kernels/stream");
    let data = bytes(1 << 20);
    group.throughput(Throughput::Bytes(LENGTH)).sample_size(10);
    for version in [TorrentVersion::V1, TorrentVersion::Hybrid, TorrentVersion::V2] {
        group.bench_function(BenchmarkId::from_parameter(format!("{version:?}")), |bencher| {
            bencher.iter(|| {
                let mut hasher = StreamHasher::new(version, Some(PieceLength::auto(LENGTH)), Some(LENGTH));
                let window = &data[..hasher.window()];
                (0..LENGTH / window.len() as u64).for_each(|_| hasher.update(black_box(window)));
                hasher.finish()
            });
        });
    }
    group.finish();
}
