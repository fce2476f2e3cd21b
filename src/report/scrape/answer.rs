//! What a tracker answers to a scrape over HTTP: `d5:filesd20:HASHd8:completeiNe10:downloadediNe10:incompleteiNeeee`.
//!
//! Read where it lies, without recursion and without building what nobody asked for. More tolerant than what reads
//! .torrent files (`torrent`): the order of keys and unknown keys are no reason to lose a count.

use std::collections::HashMap;

use super::{HIGHEST_COUNT, Swarm, SwarmHash};

/// A scrape has four levels.
const MAX_DEPTH: usize = 16;

/// A readable answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// By swarm. What is missing the tracker does not know.
    Swarms(HashMap<SwarmHash, Swarm>),
    /// `failure reason` (BEP 3).
    Refusal(&'a [u8]),
}

/// `None` when this is no answer to a scrape.
pub(super) fn read(bytes: &[u8]) -> Option<Answer<'_>> {
    let mut cursor = Cursor { rest: bytes };
    let mut swarms = None;
    cursor.expect(b'd')?;
    while let Some(key) = cursor.next_key()? {
        match key {
            b"failure reason" => return Some(Answer::Refusal(cursor.string()?)),
            b"files" => swarms = Some(files(&mut cursor)?),
            _ => cursor.skip()?,
        }
    }
    swarms.map(Answer::Swarms)
}

fn files(cursor: &mut Cursor<'_>) -> Option<HashMap<SwarmHash, Swarm>> {
    let mut swarms = HashMap::new();
    cursor.expect(b'd')?;
    while let Some(key) = cursor.next_key()? {
        match SwarmHash::try_from(key) {
            // A count that cannot be one is no reason to doubt the others.
            Ok(hash) => swarms.extend(swarm(cursor)?.map(|swarm| (hash, swarm))),
            Err(_) => cursor.skip()?,
        }
    }
    Some(swarms)
}

/// The inner `None`: its numbers are no counts.
fn swarm(cursor: &mut Cursor<'_>) -> Option<Option<Swarm>> {
    let (mut swarm, mut sound) = (Swarm::default(), true);
    cursor.expect(b'd')?;
    while let Some(key) = cursor.next_key()? {
        let field = match key {
            b"complete" => &mut swarm.complete,
            b"incomplete" => &mut swarm.incomplete,
            b"downloaded" => &mut swarm.downloaded,
            _ => {
                cursor.skip()?;
                continue;
            }
        };
        match u64::try_from(cursor.integer()?) {
            Ok(count) if count <= HIGHEST_COUNT => *field = count,
            _ => sound = false,
        }
    }
    Some(sound.then_some(swarm))
}

/// A place in bencoded bytes. Every step is `None` where the bytes are not what they should be.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    /// The next key of a dictionary, or the inner `None` at its end.
    fn next_key(&mut self) -> Option<Option<&'a [u8]>> {
        if self.expect(b'e').is_some() {
            return Some(None);
        }
        self.string().map(Some)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let colon = self.rest.iter().take(12).position(|byte| *byte == b':')?;
        let length: usize = digits(&self.rest[..colon])?.try_into().ok()?;
        let start = colon + 1;
        let string = self.rest.get(start..start.checked_add(length)?)?;
        self.rest = &self.rest[start + length..];
        Some(string)
    }

    fn integer(&mut self) -> Option<i64> {
        self.expect(b'i')?;
        let end = self.rest.iter().take(24).position(|byte| *byte == b'e')?;
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        match text.strip_prefix(b"-") {
            Some(text) => digits(text).map(|number| -number),
            None => digits(text),
        }
    }

    /// Passes over one value of any kind.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.rest.first()? {
                b'd' | b'l' => {
                    self.rest = &self.rest[1..];
                    depth += 1;
                }
                b'e' => {
                    self.rest = &self.rest[1..];
                    depth = depth.checked_sub(1)?;
                }
                b'i' => drop(self.integer()?),
                _ => drop(self.string()?),
            }
            match depth {
                0 => return Some(()),
                1..=MAX_DEPTH => {}
                _ => return None,
            }
        }
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let sound = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| sound)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaa";

    fn swarms(text: &str) -> Option<Vec<(u64, u64, u64)>> {
        match read(text.as_bytes())? {
            Answer::Swarms(swarms) => {
                let numbers = |swarm: &Swarm| (swarm.complete, swarm.incomplete, swarm.downloaded);
                Some(swarms.values().map(numbers).collect())
            }
            Answer::Refusal(words) => panic!("{words:?}"),
        }
    }

    #[test]
    fn what_trackers_say_is_read() {
        for (text, expected) in [
            (format!("d5:filesd20:{A}d8:completei1e10:downloadedi5e10:incompletei2eeee"), vec![(1, 2, 5)]),
            // In another order, with what BEP 21 and others add, and with what follows the answer.
            (
                format!(
                    "d5:filesd20:{A}d10:incompletei2e10:downloadedi5e4:name3:abc8:completei1eee5:flagsd3:xxxli1e1:aeee\n"
                ),
                vec![(1, 2, 5)],
            ),
            (format!("d5:filesd20:{A}deee"), vec![(0, 0, 0)]),
            (format!("d5:filesd5:shortd8:completei1ee20:{A}d8:completei3eeee"), vec![(3, 0, 0)]),
            (format!("d5:filesd20:{A}d10:downloadedi-1eeee"), vec![]),
            (format!("d5:filesd20:{A}d10:downloadedi9000000000000000000eeee"), vec![]),
            ("d5:filesdee".to_owned(), vec![]),
        ] {
            assert_eq!(swarms(&text), Some(expected), "{text}");
        }
        assert_eq!(read(b"d14:failure reason7:go awaye"), Some(Answer::Refusal(b"go away")));
    }

    #[test]
    fn what_is_no_answer_is_refused_and_never_a_panic() {
        let deep = format!("d1:x{}", "l".repeat(100_000));
        let closed = format!("d1:x{}{}e", "l".repeat(1_000), "e".repeat(1_000));
        let endless = format!("d5:filesd20:{A}d8:completei{}eeee", "9".repeat(40));
        let huge = "d99999999999999999999:x".to_owned();
        let past_the_end = "d18446744073709551615:".to_owned();
        for text in [
            deep,
            closed,
            endless,
            huge,
            past_the_end,
            String::new(),
            "<html>".to_owned(),
            "de".to_owned(),
            "d5:filesi1ee".to_owned(),
            "d5:files".to_owned(),
            "d-1:x".to_owned(),
            "d1:xee".to_owned(),
            "d14:failure reasoni3ee".to_owned(),
            format!("d5:filesd20:{A}d8:complete1:xeeee"),
        ] {
            assert_eq!(read(text.as_bytes()), None, "{}", &text[..text.len().min(80)]);
        }
        let whole = format!("d5:filesd20:{A}d8:completei1e10:downloadedi5e10:incompletei2eeee");
        for end in 0..whole.len() {
            assert_eq!(read(&whole.as_bytes()[..end]), None, "cut off at {end}");
        }
    }
}
