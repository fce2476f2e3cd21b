//! The hashes against a reference that takes the BEPs at their word: whole file in memory, whole tree built.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use podseed_adapters::TorrentVersion;
use proptest::prelude::*;

use super::*;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes that repeat neither by block nor by piece: a counter every thousand bytes.
fn sample(length: u64) -> Vec<u8> {
    let mut bytes = vec![0x5a; length as usize];
    for (count, part) in bytes.chunks_mut(1000).enumerate() {
        part.iter_mut().zip((count + 1).to_le_bytes()).for_each(|(byte, digit)| *byte ^= digit);
    }
    bytes
}

fn piece_length(bytes: u64) -> PieceLength {
    PieceLength::new(bytes).unwrap()
}

fn sha256(bytes: &[u8]) -> Sha256Hash {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// The tree over `leaves`, from the leaves to the root.
fn layers(leaves: Vec<Sha256Hash>) -> Vec<Vec<Sha256Hash>> {
    assert!(leaves.len().is_power_of_two());
    let mut layers = vec![leaves];
    while layers.last().unwrap().len() > 1 {
        layers.push(layers.last().unwrap().chunks(2).map(|pair| sha256(&pair.concat())).collect());
    }
    layers
}

fn reference(data: &[u8], piece_length: PieceLength) -> PieceHashes {
    let per_piece = piece_length.bytes() as usize;
    let v1 =
        data.chunks(per_piece).map(|p| digest(&SHA1_FOR_LEGACY_USE_ONLY, p).as_ref().try_into().unwrap());
    let mut leaves: Vec<_> = data.chunks(BLOCK_LENGTH).map(sha256).collect();
    leaves.resize(leaves.len().next_power_of_two(), [0; 32]);
    let tree = layers(leaves);
    let v2 = V2Hashes {
        pieces_root: (!data.is_empty()).then(|| tree.last().unwrap()[0]),
        layer: if data.len() > per_piece {
            let level = (per_piece / BLOCK_LENGTH).trailing_zeros() as usize;
            tree[level][..data.len().div_ceil(per_piece)].to_vec()
        } else {
            Vec::new()
        },
    };
    PieceHashes { length: data.len() as u64, piece_length, v1: Some(v1.collect()), v2: Some(v2) }
}

fn hash(data: &[u8], piece_length: Option<PieceLength>, expected: Option<u64>, chunk: usize) -> PieceHashes {
    let mut hasher = StreamHasher::new(TorrentVersion::Hybrid, piece_length, expected);
    data.chunks(chunk).for_each(|chunk| hasher.update(chunk));
    hasher.finish().unwrap()
}

/// Lengths at and beside every boundary of blocks, groups, windows and pieces, up to a little above 1 MiB.
fn boundary_lengths() -> impl Iterator<Item = u64> {
    let edges = [0, 16, 32, 48, 64, 80, 128, 192, 256, 320, 512, 768, 1024].map(|kib| kib * KIB);
    edges.into_iter().flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1])
}

#[test]
fn every_boundary_agrees_with_the_reference_at_every_small_piece_length() {
    for length in boundary_lengths() {
        let data = sample(length);
        for kib in [16, 32, 64, 128, 256, 1024, 16 * 1024] {
            let given = piece_length(kib * KIB);
            let expected = reference(&data, given);
            for chunk in [1000, 16 << 10, 100_000, 1 << 20] {
                let got = hash(&data, Some(given), Some(length), chunk);
                assert_eq!(got, expected, "{length} bytes, {given}, chunks of {chunk}");
            }
        }
    }
}

#[test]
fn unknown_and_known_lengths_give_the_same_hashes() {
    let around_the_first_change = [64 * MIB - 1, 64 * MIB, 64 * MIB + 1, 64 * MIB + 65 * KIB];
    for length in boundary_lengths().chain([5 * MIB + 7]).chain(around_the_first_change) {
        let data = sample(length);
        let known = hash(&data, None, Some(length), 1 << 18);
        let unknown = hash(&data, None, None, 100_003);
        assert_eq!(known.piece_length, PieceLength::auto(length));
        assert_eq!(known, unknown, "{length} bytes");
    }
}

#[test]
fn an_unknown_length_past_two_changes_agrees_with_the_reference() {
    let data = sample(128 * MIB + 3);
    let got = hash(&data, None, None, 1 << 20);
    assert_eq!(got.piece_length, piece_length(256 * KIB));
    assert_eq!(got, reference(&data, got.piece_length));
}

#[test]
fn an_empty_file_has_no_pieces_and_no_root() {
    let got = hash(&[], None, None, 1);
    assert_eq!(got.v1, Some(Vec::new()));
    assert_eq!(got.v2, Some(V2Hashes { pieces_root: None, layer: Vec::new() }));
}

#[test]
fn each_version_has_its_own_hashes_only() {
    for (version, v1, v2) in [
        (TorrentVersion::V1, true, false),
        (TorrentVersion::Hybrid, true, true),
        (TorrentVersion::V2, false, true),
    ] {
        let got = StreamHasher::new(version, None, Some(0)).finish().unwrap();
        assert_eq!((got.v1.is_some(), got.v2.is_some()), (v1, v2), "{version:?}");
    }
}

#[test]
fn a_length_other_than_announced_is_refused() {
    for (announced, got) in [(0, 1), (1, 0), (70_000, 69_999), (70_000, 70_001)] {
        let mut hasher = StreamHasher::new(TorrentVersion::V1, None, Some(announced));
        hasher.update(&sample(got));
        assert_eq!(hasher.finish(), Err(Error::Length { expected: announced, got }));
    }
}

#[test]
fn single_pieces_are_the_pieces_of_the_stream() {
    let length = piece_length(64 * KIB);
    for total in boundary_lengths().filter(|total| *total > 0) {
        let data = sample(total);
        let expected = reference(&data, length);
        let whole_file = total <= length.bytes();
        let pieces: Vec<_> = data
            .chunks(64 << 10)
            .map(|piece| {
                let mut hasher = PieceHasher::new(TorrentVersion::Hybrid, length.bytes());
                piece.chunks(5000).for_each(|chunk| hasher.update(chunk));
                hasher.finish(whole_file)
            })
            .collect();
        let v1: Option<Vec<_>> = pieces.iter().map(|piece| piece.v1).collect();
        let v2: Vec<_> = pieces.iter().filter_map(|piece| piece.v2).collect();
        assert_eq!(v1, expected.v1, "{total} bytes");
        let tree = expected.v2.unwrap();
        if whole_file {
            assert_eq!(v2, [tree.pieces_root.unwrap()], "{total} bytes");
        } else {
            assert_eq!(v2, tree.layer, "{total} bytes");
            assert_eq!(root_of_layer(&v2, length.bytes()), tree.pieces_root, "{total} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_chunking_gives_the_same_hashes(
        length in 0..600 * KIB,
        doublings in 0..5_u32,
        cuts in prop::collection::vec(1..200_000_usize, 1..40),
        known in any::<bool>(),
        automatic in any::<bool>(),
    ) {
        let data = sample(length);
        let given = (!automatic).then(|| piece_length((16 * KIB) << doublings));
        let mut hasher =
            StreamHasher::new(TorrentVersion::Hybrid, given, known.then_some(length));
        let mut rest = data.as_slice();
        for cut in cuts.iter().cycle() {
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            hasher.update(head);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        let got = hasher.finish().unwrap();
        prop_assert_eq!(&got, &reference(&data, got.piece_length));
        prop_assert_eq!(got.piece_length, given.unwrap_or(PieceLength::auto(length)));
    }
}
