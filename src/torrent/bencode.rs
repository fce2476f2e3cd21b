//! Bencode (BEP 3) of strangers: a guard before the decoder, and views of what it has decoded.
//!
//! The decoder of `lava_torrent` (0.11) recurses as deep as its input says, copies a dictionary once per level,
//! and lets the last of two equal keys win. [`decode`] therefore walks over the bytes first, with neither
//! recursion nor copies, and passes on only what is sound, of bounded depth and of bounded size.

use std::ops::Range;

use lava_torrent::bencode::BencodeElem;

/// The longest .torrent file that is read. The largest in the wild are below 20 MB.
pub const MAX_LENGTH: usize = 32 << 20;
/// The deepest nesting, as in libtorrent 2.0 (`load_torrent_limits`).
const MAX_DEPTH: usize = 100;
/// How many keys and values, each counted once for every level it lies below: as often as the decoder may copy it.
/// Enough for some 150,000 files.
const MAX_COPIES: usize = 4_000_000;

/// Why bytes are not bencode that podseed reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BencodeError {
    /// Longer than [`MAX_LENGTH`].
    #[error("it has {0} bytes; a .torrent file of more than 32 MiB is not read")]
    TooLong(usize),
    /// Nested too deep.
    #[error("it is nested deeper than 100 levels at byte {0}")]
    TooDeep(usize),
    /// Too many values.
    #[error("it has too many values; 100,000 files in one torrent are well within the limit")]
    TooMany,
    /// Not a dictionary.
    #[error("it does not begin with a bencoded dictionary")]
    NoDictionary,
    /// Cut off.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// A number is not in its one allowed form, or too large.
    #[error("byte {0} does not begin a bencoded value")]
    Malformed(usize),
    /// A key appears twice, or keys are not in order: two programs could read two different torrents.
    #[error("the keys of a dictionary are not in order, or one is there twice, at byte {0}")]
    Unsorted(usize),
}

/// A decoded .torrent file.
pub(super) struct Decoded {
    /// The top dictionary.
    pub(super) root: BencodeElem,
    /// Where the value of `info` lies: its bytes are what the info hash is made of.
    pub(super) info: Option<Range<usize>>,
}

/// Decodes the dictionary at the beginning of `bytes`; what follows it is ignored, as clients do.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, BencodeError> {
    let spans = Scanner::scan(bytes)?;
    let mut values = BencodeElem::from_bytes(&bytes[..spans.end]).map_err(|_| BencodeError::Malformed(0))?;
    let root = values.pop().ok_or(BencodeError::NoDictionary)?;
    Ok(Decoded { root, info: spans.info })
}

struct Spans {
    end: usize,
    info: Option<Range<usize>>,
}

enum Open<'a> {
    List,
    Dictionary { last_key: Option<&'a [u8]> },
}

struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
    copies: usize,
    open: Vec<Open<'a>>,
    info_start: Option<usize>,
    info: Option<Range<usize>>,
}

impl<'a> Scanner<'a> {
    fn scan(bytes: &'a [u8]) -> Result<Spans, BencodeError> {
        if bytes.len() > MAX_LENGTH {
            return Err(BencodeError::TooLong(bytes.len()));
        }
        if bytes.first() != Some(&b'd') {
            return Err(BencodeError::NoDictionary);
        }
        let mut scanner =
            Self { bytes, position: 0, copies: 0, open: Vec::new(), info_start: None, info: None };
        scanner.value()?;
        while !scanner.open.is_empty() {
            scanner.step()?;
        }
        Ok(Spans { end: scanner.position, info: scanner.info })
    }

    /// Reads the end of the innermost list or dictionary, or its next member.
    fn step(&mut self) -> Result<(), BencodeError> {
        if self.peek()? == b'e' {
            self.position += 1;
            self.open.pop();
        } else {
            if let Some(Open::Dictionary { last_key }) = self.open.last() {
                let last_key = *last_key;
                self.key(last_key)?;
            }
            self.value()?;
        }
        if self.open.len() == 1
            && let Some(start) = self.info_start.take_if(|_| self.info.is_none())
        {
            self.info = Some(start..self.position);
        }
        Ok(())
    }

    fn key(&mut self, last_key: Option<&'a [u8]>) -> Result<(), BencodeError> {
        let start = self.position;
        let key = self.string()?;
        if last_key.is_some_and(|last_key| last_key >= key) {
            return Err(BencodeError::Unsorted(start));
        }
        if self.open.len() == 1 && key == b"info" {
            self.info_start = Some(self.position);
        }
        if let Some(Open::Dictionary { last_key }) = self.open.last_mut() {
            *last_key = Some(key);
        }
        Ok(())
    }

    /// Reads a number or string, or the beginning of a list or dictionary.
    fn value(&mut self) -> Result<(), BencodeError> {
        let open = match self.peek()? {
            b'd' => Open::Dictionary { last_key: None },
            b'l' => Open::List,
            b'i' => {
                self.position += 1;
                return self.integer(b'e').map(drop);
            }
            _ => return self.string().map(drop),
        };
        if self.open.len() == MAX_DEPTH {
            return Err(BencodeError::TooDeep(self.position));
        }
        self.position += 1;
        self.open.push(open);
        self.count()
    }

    fn string(&mut self) -> Result<&'a [u8], BencodeError> {
        let start = self.position;
        let length = self.integer(b':')?;
        let length = usize::try_from(length).map_err(|_| BencodeError::Malformed(start))?;
        let end = self.position.checked_add(length).ok_or(BencodeError::Truncated)?;
        let string = self.bytes.get(self.position..end).ok_or(BencodeError::Truncated)?;
        self.position = end;
        Ok(string)
    }

    fn integer(&mut self, end: u8) -> Result<i64, BencodeError> {
        /// As many digits as an `i64` has, and its sign.
        const LONGEST: usize = 20;
        let start = self.position;
        let rest = &self.bytes[start..];
        let window = &rest[..rest.len().min(LONGEST + 1)];
        let Some(digits) = window.iter().position(|byte| *byte == end) else {
            let numeric = window.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
            let cut_off = numeric && window.len() <= LONGEST;
            return Err(if cut_off { BencodeError::Truncated } else { BencodeError::Malformed(start) });
        };
        let number = std::str::from_utf8(&window[..digits]).ok().and_then(|text| {
            let number: i64 = text.parse().ok()?;
            // No leading zeros, no `-0`, no `+`: one number has one form.
            (number.to_string() == text).then_some(number)
        });
        self.position += digits + 1;
        self.count()?;
        number.ok_or(BencodeError::Malformed(start))
    }

    fn count(&mut self) -> Result<(), BencodeError> {
        self.copies += self.open.len();
        if self.copies > MAX_COPIES { Err(BencodeError::TooMany) } else { Ok(()) }
    }

    fn peek(&self) -> Result<u8, BencodeError> {
        self.bytes.get(self.position).copied().ok_or(BencodeError::Truncated)
    }
}

/// The value of a key, if `dictionary` is one and has it.
pub(super) fn get<'a>(dictionary: &'a BencodeElem, key: &str) -> Option<&'a BencodeElem> {
    match dictionary {
        BencodeElem::Dictionary(entries) => entries.get(key),
        BencodeElem::RawDictionary(entries) => entries.get(key.as_bytes()),
        _ => None,
    }
}

/// The entries of a dictionary in the order of their keys.
pub(super) fn entries(dictionary: &BencodeElem) -> Option<Vec<(&[u8], &BencodeElem)>> {
    let mut entries: Vec<_> = match dictionary {
        BencodeElem::Dictionary(entries) => entries.iter().map(|(k, v)| (k.as_bytes(), v)).collect(),
        BencodeElem::RawDictionary(entries) => entries.iter().map(|(k, v)| (k.as_slice(), v)).collect(),
        _ => return None,
    };
    entries.sort_unstable_by_key(|(key, _)| *key);
    Some(entries)
}

/// The bytes of a string, be they text or not.
pub(super) fn bytes(value: &BencodeElem) -> Option<&[u8]> {
    match value {
        BencodeElem::String(text) => Some(text.as_bytes()),
        BencodeElem::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// A string as text; what is not UTF-8 becomes U+FFFD.
pub(super) fn text(value: &BencodeElem) -> Option<String> {
    bytes(value).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// A number.
pub(super) fn integer(value: &BencodeElem) -> Option<i64> {
    match value {
        BencodeElem::Integer(number) => Some(*number),
        _ => None,
    }
}

/// The members of a list.
pub(super) fn list(value: &BencodeElem) -> Option<&[BencodeElem]> {
    match value {
        BencodeElem::List(members) => Some(members),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(bytes: &[u8]) -> BencodeError {
        decode(bytes).err().expect("this must be refused")
    }

    #[test]
    fn the_info_dictionary_is_found_among_its_neighbours() {
        let bytes = b"d4:aaaad4:infoi1ee4:infod1:ai1e1:bl4:infoee5:other4:infoe";
        let decoded = decode(bytes).unwrap();
        assert_eq!(&bytes[decoded.info.unwrap()], b"d1:ai1e1:bl4:infoee");
    }

    #[test]
    fn what_follows_the_dictionary_is_ignored() {
        assert_eq!(get(&decode(b"d1:ai1ee\r\n").unwrap().root, "a").and_then(integer), Some(1));
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = b"d1:ai-12e1:bl3:abcdee4:infod0:0:ee";
        assert!(decode(bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn numbers_have_one_form() {
        for number in ["", "-", "-0", "00", "01", "+1", "1.5", "9223372036854775808", "1e9", " 1"] {
            let bytes = format!("d1:ai{number}ee");
            assert!(decode(bytes.as_bytes()).is_err(), "{number}");
        }
        for number in [0, -1, i64::MAX, i64::MIN] {
            let bytes = format!("d1:ai{number}ee");
            assert_eq!(get(&decode(bytes.as_bytes()).unwrap().root, "a").and_then(integer), Some(number));
        }
    }

    #[test]
    fn lengths_beyond_the_input_are_refused_without_reserving_them() {
        assert_eq!(error(b"d1:a9223372036854775807:xe"), BencodeError::Truncated);
        assert_eq!(error(b"d1:a-1:xe"), BencodeError::Malformed(4));
        assert_eq!(error(b"d-1:ae"), BencodeError::Malformed(1));
    }

    #[test]
    fn equal_and_unsorted_keys_are_refused() {
        assert_eq!(error(b"d1:ai1e1:ai2ee"), BencodeError::Unsorted(7));
        assert_eq!(error(b"d1:bi1e1:ai2ee"), BencodeError::Unsorted(7));
        assert_eq!(error(b"d1:ai1e1:bd1:ci1e1:ci1eee"), BencodeError::Unsorted(17));
    }

    #[test]
    fn deep_nesting_is_refused_before_anything_recurses() {
        let nested = |depth: usize| {
            let lists = depth - 1;
            [b"d1:a".to_vec(), b"l".repeat(lists), b"e".repeat(lists), b"e".to_vec()].concat()
        };
        assert!(decode(&nested(100)).is_ok());
        assert_eq!(error(&nested(101)), BencodeError::TooDeep(103));
        assert!(matches!(error(&b"d1:a".repeat(5_000_000)), BencodeError::TooDeep(_)));
        assert!(matches!(
            error(&[b"d1:a".to_vec(), b"l".repeat(30 << 20)].concat()),
            BencodeError::TooDeep(_)
        ));
    }

    #[test]
    fn size_and_number_of_values_are_bounded() {
        assert_eq!(error(&vec![b'd'; MAX_LENGTH + 1]), BencodeError::TooLong(MAX_LENGTH + 1));
        let nested = |depth: usize, values: usize| {
            [b"d1:a".repeat(depth), b"l".to_vec(), b"0:".repeat(values), b"e".repeat(depth + 1)].concat()
        };
        assert!(decode(&nested(1, 1_900_000)).is_ok());
        assert!(decode(&nested(90, 40_000)).is_ok());
        assert_eq!(error(&nested(1, 2_100_000)), BencodeError::TooMany);
        assert_eq!(error(&nested(90, 50_000)), BencodeError::TooMany);
    }

    #[test]
    fn a_torrent_of_100_000_files_is_within_the_limits() {
        let file = b"d6:lengthi123456789e4:pathl6:folder6:folderee";
        let many = [b"d4:infod5:filesl".to_vec(), file.repeat(100_000), b"eee".to_vec()].concat();
        assert!(decode(&many).is_ok());
    }

    #[test]
    fn other_documents_are_refused() {
        for bytes in [b"".as_slice(), b"le", b"i1e", b"4:spam", b"<!doctype html>", b"\x1f\x8b\x08"] {
            assert_eq!(error(bytes), BencodeError::NoDictionary);
        }
    }

    fn any_value() -> impl Strategy<Value = BencodeElem> {
        let scalar = prop_oneof![
            any::<i64>().prop_map(BencodeElem::Integer),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| match String::from_utf8(bytes) {
                Ok(text) => BencodeElem::String(text),
                Err(error) => BencodeElem::Bytes(error.into_bytes()),
            }),
        ];
        scalar.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(BencodeElem::List),
                prop::collection::hash_map(".{0,5}", inner, 0..6).prop_map(BencodeElem::Dictionary),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_decoded_again(info in any_value(), other in any_value()) {
            let entries = [("info".to_owned(), info.clone()), ("other".to_owned(), other)];
            let root = BencodeElem::Dictionary(entries.into_iter().collect());
            let bytes = root.encode();
            let decoded = decode(&bytes).unwrap();
            prop_assert_eq!(decoded.root, root);
            prop_assert_eq!(&bytes[decoded.info.unwrap()], info.encode());
        }
    }
}
