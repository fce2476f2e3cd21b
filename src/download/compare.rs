//! Whether a publisher's URL still gives the bytes that were fetched from it: a few ranges of it, against hashes.
//!
//! At most three pieces are asked for, and one of them a second time where it differs; nothing is written to disk and
//! nothing is tried again. A page, an error or a server without ranges is never taken for another file.

use std::ops::Range;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, RANGE};
use url::Url;

use super::answer;
use crate::hash::{PieceHash, PieceHasher};
use crate::http::{self, BasicAuth, Body, Http, Meter, Request};
use crate::model::TorrentVersion;

/// How many pieces one look asks for.
const SAMPLES: u64 = 3;

/// A piece whose hash is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its bytes in the file.
    pub range: Range<u64>,
    /// What they hash to.
    pub hash: PieceHash,
}

/// What is to be compared with what.
pub struct Comparison<'a> {
    /// Where the file should be.
    pub url: &'a Url,
    /// Credentials for the origin of `url`, and for no other.
    pub auth: Option<BasicAuth>,
    /// How long the file is, in bytes.
    pub length: u64,
    /// Bytes per piece.
    pub piece_length: u64,
    /// Which pieces to ask for; see [`sample_pieces`].
    pub samples: Vec<Sample>,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Our bytes, each time.
    Same,
    /// Twice the same other bytes: the file was replaced.
    Other {
        /// How long it is now, in bytes.
        length: u64,
    },
    /// Two requests, two answers: something is put in for each listener.
    Varies,
    /// The server cannot be asked for a part of the file, so nothing is known and no client could use it either.
    NoRanges,
}

/// The pieces to ask for in one look: one of each third of the file, beginning somewhere by `seed` and going on by one
/// with each `look`, so that in time all of them are seen.
///
/// The first piece is left out where there are others: it holds the tag (ID3) with the cover, which may be written
/// anew where the sound is the same. Depends on its arguments alone.
pub fn sample_pieces(pieces: u64, seed: u64, look: u64) -> Vec<u64> {
    let first = u64::from(pieces > SAMPLES);
    let usable = pieces - first;
    let third = |number: u64| first + usable * number / SAMPLES;
    (0..SAMPLES)
        .map(|number| third(number)..third(number + 1))
        .filter(|third| !third.is_empty())
        .map(|third| third.start + (seed % usable + look) % (third.end - third.start))
        .collect()
}

/// Asks for the samples, and on the first that differs once more for the same.
///
/// Requests and bytes are counted on `meter`. May be repeated, or dropped, at any time.
///
/// # Errors
/// What keeps the server from answering; it says nothing about the file.
pub async fn compare(
    http: &Http,
    comparison: &Comparison<'_>,
    meter: &Meter,
) -> Result<Finding, http::Error> {
    for sample in &comparison.samples {
        let Some(answer) = ask(http, comparison, sample, meter).await? else { return Ok(Finding::NoRanges) };
        if answer.is(sample, comparison.length) {
            continue;
        }
        return match ask(http, comparison, sample, meter).await? {
            Some(again) if again == answer => Ok(Finding::Other { length: answer.length }),
            Some(_) => Ok(Finding::Varies),
            None => Ok(Finding::NoRanges),
        };
    }
    Ok(Finding::Same)
}

/// What a server has where we asked.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    /// Of the whole file.
    length: u64,
    /// Of the bytes in the range; `None` where the file ends before it.
    hash: Option<PieceHash>,
}

impl Answer {
    fn is(&self, sample: &Sample, length: u64) -> bool {
        self.length == length && self.hash == Some(sample.hash)
    }
}

/// One request. `None` when the answer is no range of a file of known length: an older server sends the whole file, a
/// page says that the account is suspended, and either proves nothing.
async fn ask(
    http: &Http,
    comparison: &Comparison<'_>,
    sample: &Sample,
    meter: &Meter,
) -> Result<Option<Answer>, http::Error> {
    let Range { start, end } = sample.range;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(
        HeaderValue::from_str(&format!("bytes={start}-{}", end - 1)).ok().map(|value| (RANGE, value)),
    );
    let auth = comparison.auth.clone();
    let response =
        http.get(Request { headers, auth, ..Request::media(comparison.url.clone()) }, meter).await?;
    let Some((range, length)) =
        answer::range(&response.headers).and_then(|range| Some((range, range.total?)))
    else {
        return Ok(None);
    };
    let end = end.min(length);
    match response.status {
        StatusCode::RANGE_NOT_SATISFIABLE if length <= start => Ok(Some(Answer { length, hash: None })),
        StatusCode::PARTIAL_CONTENT
            if (range.first, range.last) == (Some(start), end.checked_sub(1))
                && answer::encoding(&response.headers).is_none() =>
        {
            let hash = hash(response.body, end - start, comparison, sample).await?;
            Ok(hash.map(|hash| Answer { length, hash: Some(hash) }))
        }
        _ => Ok(None),
    }
}

/// The hash of a body of so many bytes; `None` when it has more.
async fn hash(
    mut body: Body,
    length: u64,
    comparison: &Comparison<'_>,
    sample: &Sample,
) -> Result<Option<PieceHash>, http::Error> {
    let version = match (sample.hash.v1, sample.hash.v2) {
        (Some(_), Some(_)) => TorrentVersion::Hybrid,
        (None, _) => TorrentVersion::V2,
        (_, None) => TorrentVersion::V1,
    };
    let mut hasher = PieceHasher::new(version, comparison.piece_length);
    let mut left = length;
    while let Some(bytes) = body.chunk().await? {
        let Some(rest) = left.checked_sub(bytes.len() as u64) else { return Ok(None) };
        left = rest;
        hasher.update(&bytes);
    }
    // A short body is an error of the transfer where it has a length, and no answer where it has none.
    let whole_file = comparison.length <= comparison.piece_length;
    Ok((left == 0).then(|| hasher.finish(whole_file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_asks_for_one_piece_of_each_third_and_not_for_the_first() {
        for pieces in 4..200 {
            let usable = pieces - 1;
            for look in 0..50 {
                let samples = sample_pieces(pieces, u64::MAX, look);
                assert_eq!(samples.len(), 3);
                for (number, piece) in (0..).zip(samples) {
                    let third = 1 + usable * number / 3..1 + usable * (number + 1) / 3;
                    assert!(third.contains(&piece), "{piece} of {pieces}");
                }
            }
        }
    }

    #[test]
    fn a_short_file_is_asked_for_whole_and_no_piece_twice() {
        assert!(sample_pieces(0, 1, 1).is_empty());
        assert_eq!(sample_pieces(1, 1, 1), [0]);
        assert_eq!(sample_pieces(2, 1, 1), [0, 1]);
        assert_eq!(sample_pieces(3, 1, 1), [0, 1, 2]);
    }

    #[test]
    fn looks_differ_until_all_of_the_file_was_seen() {
        let mut seen: Vec<u64> = (0..13).flat_map(|look| sample_pieces(40, 77, look)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (1..40).collect::<Vec<_>>());
    }
}
