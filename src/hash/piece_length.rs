//! The length of a piece: which are allowed, and which one podseed takes.

use std::fmt;

/// The length of a piece: a power of two from 16 KiB (one block, BEP 52's minimum) to 16 MiB (what every client
/// in use can hold).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PieceLength(u32);

/// A number of bytes that is no piece length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a piece length is a power of two from 16 KiB to 16 MiB, not {0} bytes")]
pub struct InvalidPieceLength(pub u64);

impl PieceLength {
    /// 16 KiB.
    pub const MIN: Self = Self(16 << 10);
    /// 16 MiB.
    pub const MAX: Self = Self(16 << 20);
    /// The smallest that [`PieceLength::auto`] takes: 64 KiB.
    pub const AUTO_MIN: Self = Self(64 << 10);
    /// How many pieces [`PieceLength::auto`] allows before it takes the next length.
    const AUTO_PIECES: u64 = 1024;

    /// This many bytes per piece.
    pub fn new(bytes: u64) -> Result<Self, InvalidPieceLength> {
        match u32::try_from(bytes) {
            Ok(length) if length.is_power_of_two() && (Self::MIN.0..=Self::MAX.0).contains(&length) => {
                Ok(Self(length))
            }
            _ => Err(InvalidPieceLength(bytes)),
        }
    }

    /// The rule of podseed, part of its recipe for info hashes: the smallest power of two from 64 KiB to 16 MiB
    /// that gives at most 1,024 pieces, and 16 MiB beyond.
    pub fn auto(total: u64) -> Self {
        Self::candidates().find(|candidate| candidate.suits(total)).unwrap_or(Self::MAX)
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        u64::from(self.0)
    }

    /// Every length that [`PieceLength::auto`] may take, the smallest first.
    pub(super) fn candidates() -> impl Iterator<Item = Self> {
        (0..)
            .map(|doublings| Self(Self::AUTO_MIN.0 << doublings))
            .take_while(|candidate| *candidate <= Self::MAX)
    }

    /// Whether so many bytes make no more pieces of this length than [`PieceLength::auto`] allows.
    pub(super) fn suits(self, total: u64) -> bool {
        self == Self::MAX || total.div_ceil(self.bytes()) <= Self::AUTO_PIECES
    }
}

impl fmt::Display for PieceLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            mebi if mebi >= 1 << 20 => write!(f, "{} MiB", mebi >> 20),
            kibi => write!(f, "{} KiB", kibi >> 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_length_changes_just_after_1024_pieces() {
        let kib = |n: u64| PieceLength::new(n << 10).unwrap();
        for (total, expected) in [
            (0, kib(64)),
            (1, kib(64)),
            (64 << 20, kib(64)),
            ((64 << 20) + 1, kib(128)),
            (128 << 20, kib(128)),
            ((8 << 30) + 1, PieceLength::MAX),
            (16 << 30, PieceLength::MAX),
            ((16 << 30) + 1, PieceLength::MAX),
            (u64::MAX, PieceLength::MAX),
        ] {
            assert_eq!(PieceLength::auto(total), expected, "for {total} bytes");
        }
    }

    #[test]
    fn only_powers_of_two_from_16_kib_to_16_mib_are_piece_lengths() {
        for bytes in [0, 1, 8 << 10, (16 << 10) + 1, 48 << 10, 32 << 20, 1 << 32, u64::MAX] {
            assert_eq!(PieceLength::new(bytes), Err(InvalidPieceLength(bytes)));
        }
        assert_eq!(PieceLength::new(16 << 10), Ok(PieceLength::MIN));
        assert_eq!(PieceLength::new(16 << 20), Ok(PieceLength::MAX));
    }

    #[test]
    fn a_piece_length_prints_with_its_unit() {
        assert_eq!(PieceLength::MIN.to_string(), "16 KiB");
        assert_eq!(PieceLength::MAX.to_string(), "16 MiB");
    }
}
