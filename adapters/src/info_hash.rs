//! Info hashes: what identifies a torrent (BEP 3 for v1, BEP 52 for v2).

use std::fmt;
use std::str::FromStr;

/// SHA-1 of the bencoded info dictionary (BEP 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InfoHashV1(pub [u8; 20]);

/// SHA-256 of the bencoded info dictionary (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InfoHashV2(pub [u8; 32]);

impl InfoHashV2 {
    /// The first 20 bytes: the form in which trackers and libtorrent-based clients report a v2 hash.
    pub fn truncated(&self) -> [u8; 20] {
        let mut short = [0; 20];
        short.copy_from_slice(&self.0[..20]);
        short
    }
}

/// The info hashes of one torrent: at least one by construction; an absent hash is not zero bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InfoHashes {
    /// A v1 torrent.
    V1(InfoHashV1),
    /// A v2-only torrent.
    V2(InfoHashV2),
    /// A hybrid: one torrent that is in both swarms.
    Hybrid(InfoHashV1, InfoHashV2),
}

impl InfoHashes {
    /// From what a database or a client knows; `None` when neither hash is there.
    pub fn from_parts(v1: Option<InfoHashV1>, v2: Option<InfoHashV2>) -> Option<Self> {
        match (v1, v2) {
            (Some(v1), None) => Some(Self::V1(v1)),
            (None, Some(v2)) => Some(Self::V2(v2)),
            (Some(v1), Some(v2)) => Some(Self::Hybrid(v1, v2)),
            (None, None) => None,
        }
    }

    /// The v1 hash, if this torrent has one.
    pub fn v1(&self) -> Option<InfoHashV1> {
        match self {
            Self::V1(v1) | Self::Hybrid(v1, _) => Some(*v1),
            Self::V2(_) => None,
        }
    }

    /// The v2 hash, if this torrent has one.
    pub fn v2(&self) -> Option<InfoHashV2> {
        match self {
            Self::V2(v2) | Self::Hybrid(_, v2) => Some(*v2),
            Self::V1(_) => None,
        }
    }

    /// Whether both name one torrent, also where one of them knows only half of a hybrid.
    pub fn is_same_torrent(&self, other: &Self) -> bool {
        let same_v1 = self.v1().is_some() && self.v1() == other.v1();
        same_v1 || (self.v2().is_some() && self.v2() == other.v2())
    }
}

/// A text that is not an info hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an info hash has {expected} hexadecimal digits, not \"{text}\"")]
pub struct ParseInfoHashError {
    expected: usize,
    text: String,
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], ParseInfoHashError> {
    let refuse = || ParseInfoHashError { expected: N * 2, text: text.chars().take(80).collect() };
    if text.len() != N * 2 {
        return Err(refuse());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |d: u8| char::from(d).to_digit(16).ok_or_else(refuse);
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).map_err(|_| refuse())?;
    }
    Ok(bytes)
}

macro_rules! hex_text {
    ($type:ty, $make:expr) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $type {
            type Err = ParseInfoHashError;

            /// Hexadecimal digits in either case.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map($make)
            }
        }
    };
}

hex_text!(InfoHashV1, InfoHashV1);
hex_text!(InfoHashV2, InfoHashV2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_either_case_and_printed_in_lower() {
        let text = "0123456789ABCDEF0123456789abcdef01234567";
        let hash: InfoHashV1 = text.parse().unwrap();
        assert_eq!(hash.to_string(), text.to_lowercase());
    }

    #[test]
    fn half_of_a_hybrid_is_the_same_torrent() {
        let (v1, v2) = (InfoHashV1([1; 20]), InfoHashV2([2; 32]));
        let hybrid = InfoHashes::Hybrid(v1, v2);
        for half in [InfoHashes::V1(v1), InfoHashes::V2(v2), hybrid] {
            assert!(hybrid.is_same_torrent(&half) && half.is_same_torrent(&hybrid), "{half:?}");
        }
        assert!(!InfoHashes::V1(v1).is_same_torrent(&InfoHashes::V2(v2)));
        assert!(!hybrid.is_same_torrent(&InfoHashes::Hybrid(InfoHashV1([3; 20]), InfoHashV2([3; 32]))));
    }

    #[test]
    fn wrong_lengths_and_letters_are_refused() {
        for text in ["", "00", &"0".repeat(39), &"g".repeat(40), &"0".repeat(64), &"é".repeat(20)] {
            assert!(text.parse::<InfoHashV1>().is_err(), "{text}");
        }
    }
}
