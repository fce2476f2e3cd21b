//! What an answer to a request for (the rest of) a file means (RFC 9110, 13.1.5 and 14).

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
    TRANSFER_ENCODING,
};

use super::partial::Record;
use crate::http::{self, Response};

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The body is the rest of what we have.
    Continues {
        /// The length of the complete file.
        total: Option<u64>,
    },
    /// We have it all.
    Complete,
    /// The file ends where our bytes end, although more was announced: asking for all of it again would bring the
    /// same.
    EndsEarly,
    /// The body is the whole file.
    Whole,
    /// It fits neither what we have nor what we asked for.
    Useless,
}

/// Judges an answer. `held` is what was asked to be continued: the bytes we have, and the record of what they are.
pub(super) fn judge(response: &Response, held: Option<(u64, &Record)>) -> Verdict {
    match (response.status, held, range(&response.headers)) {
        (StatusCode::OK, _, _) => Verdict::Whole,
        (StatusCode::PARTIAL_CONTENT, Some((offset, record)), Some(range))
            if range.first == Some(offset) && is_same(&response.headers, record, range.total) =>
        {
            Verdict::Continues { total: range.total.or(record.total) }
        }
        (StatusCode::RANGE_NOT_SATISFIABLE, Some((offset, record)), Some(range))
            if range.total == Some(offset) && has_same_validators(&response.headers, record) =>
        {
            if record.total.is_none_or(|total| total == offset) {
                Verdict::Complete
            } else {
                Verdict::EndsEarly
            }
        }
        _ => Verdict::Useless,
    }
}

/// Whether the answer speaks of the very bytes that are on record. Servers that ignore `If-Range` exist, so what
/// the answer says of itself is compared, and what it does not say counts against it.
fn is_same(headers: &HeaderMap, record: &Record, total: Option<u64>) -> bool {
    (record.total.is_none() || record.total == total) && has_same_validators(headers, record)
}

fn has_same_validators(headers: &HeaderMap, record: &Record) -> bool {
    let (etag, date) = (text(headers, ETAG), text(headers, LAST_MODIFIED));
    match &record.etag {
        Some(_) => etag == record.etag && (date.is_none() || date == record.last_modified),
        None => etag.is_none() && date.is_some() && date == record.last_modified,
    }
}

/// The record of a file whose first bytes come with this answer.
pub(super) fn record_of(response: &Response, source: String) -> Record {
    let headers = &response.headers;
    let (etag, last_modified) = (text(headers, ETAG), text(headers, LAST_MODIFIED));
    let strong_etag = etag.clone().filter(|etag| etag.starts_with('"'));
    let validator = strong_etag.or_else(|| last_modified.clone().filter(|_| has_strong_date(headers)));
    let total = text(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok());
    Record { validator, etag, last_modified, ..Record::new(source, total) }
}

/// A file that changes twice in a second has one date for two contents; a second later that is over
/// (RFC 9110, 8.8.2.2).
fn has_strong_date(headers: &HeaderMap) -> bool {
    let date = |name| headers.get(name).and_then(http::parse_date);
    let sent = date(DATE).unwrap_or_else(Timestamp::now);
    date(LAST_MODIFIED).is_some_and(|modified| sent.as_second() > modified.as_second())
}

/// The encoding that the bytes are wrapped in, if any.
pub(super) fn encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?;
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_owned();
    (!encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}

/// Whether the end of the body can be told from the end of the connection: HTTP/1 without length and chunks
/// (RFC 9112, 6.3) is nothing but bytes until it stops.
pub(super) fn has_end(response: &Response) -> bool {
    response.version >= reqwest::Version::HTTP_2
        || response.headers.contains_key(CONTENT_LENGTH)
        || response.headers.contains_key(TRANSFER_ENCODING)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(|text| text.trim().to_owned())
}

/// The `Content-Range` of an answer, if it has a sound one.
pub(super) fn range(headers: &HeaderMap) -> Option<ContentRange> {
    ContentRange::parse(&text(headers, CONTENT_RANGE)?)
}

/// `Content-Range: bytes FIRST-LAST/TOTAL`, each half possibly `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    pub(super) total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let number = |text: &str| text.trim().parse::<u64>();
        let total = if total.trim() == "*" { None } else { Some(number(total).ok()?) };
        if range.trim() == "*" {
            return Some(Self { first: None, last: None, total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first).ok()?, number(last).ok()?);
        let sound = first <= last && total.is_none_or(|total| last < total);
        sound.then_some(Self { first: Some(first), last: Some(last), total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_strictly() {
        let range = |first: Option<u64>, total| Some(ContentRange { first, last: first.map(|_| 9), total });
        let cases = [
            ("bytes 5-9/10", range(Some(5), Some(10))),
            ("BYTES 5-9/*", range(Some(5), None)),
            ("bytes */10", range(None, Some(10))),
            ("bytes 5-10/10", None),
            ("bytes 9-5/10", None),
            ("bytes 5-/10", None),
            ("bytes -5/10", None),
            ("bytes 5-9", None),
            ("items 5-9/10", None),
            ("bytes 5-9/99999999999999999999999", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ContentRange::parse(text), expected, "{text:?}");
        }
    }

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_file_is_the_same_only_if_everything_known_agrees() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let by_date = Record { last_modified: Some(date.to_owned()), ..Record::new(String::new(), Some(10)) };
        let by_both = Record { etag: Some("\"a\"".to_owned()), ..by_date.clone() };
        let tag = |tag| headers(&[(ETAG, tag)]);
        let dated = |date| headers(&[(LAST_MODIFIED, date)]);
        assert!(is_same(&tag("\"a\""), &by_both, Some(10)));
        assert!(is_same(&dated(date), &by_date, Some(10)));
        assert!(!is_same(&tag("\"b\""), &by_both, Some(10)));
        assert!(!is_same(&tag("\"a\""), &by_both, Some(11)));
        assert!(!is_same(&tag("\"a\""), &by_both, None));
        assert!(!is_same(&dated(date), &by_both, Some(10)));
        assert!(!is_same(&dated("Sun, 06 Nov 1994 08:49:38 GMT"), &by_date, Some(10)));
        assert!(!is_same(&HeaderMap::new(), &by_date, Some(10)));
    }

    #[test]
    fn a_date_is_a_validator_only_when_it_is_past() {
        let sent = "Sun, 06 Nov 1994 08:49:37 GMT";
        let strong = |modified| has_strong_date(&headers(&[(DATE, sent), (LAST_MODIFIED, modified)]));
        assert!(strong("Sun, 06 Nov 1994 08:49:36 GMT"));
        assert!(!strong(sent));
        assert!(!strong("Sun, 06 Nov 1994 08:50:00 GMT"));
        assert!(!strong("yesterday"));
    }

    #[test]
    fn only_identity_is_no_encoding() {
        let encoded = |value| encoding(&headers(&[(CONTENT_ENCODING, value)]));
        assert_eq!(encoded("identity"), None);
        assert_eq!(encoded(""), None);
        assert_eq!(encoded("gzip").as_deref(), Some("gzip"));
        assert_eq!(encoding(&HeaderMap::new()), None);
    }
}
