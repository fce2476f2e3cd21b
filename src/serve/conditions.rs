//! What of a file a request wants: all of it, a part, or only to know that it has not changed (RFC 9110, 13 and 14).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use axum::http::{HeaderMap, Method};

/// By what a file is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Validators {
    /// Strong: another one means other bytes, and the same one the same. With its quotes.
    pub(super) etag: String,
    /// In whole seconds, as HTTP writes it.
    pub(super) modified: SystemTime,
}

impl Validators {
    pub(super) fn new(etag: String, modified: SystemTime) -> Self {
        let seconds = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { etag, modified: UNIX_EPOCH + Duration::from_secs(seconds) }
    }
}

/// What is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200.
    Whole,
    /// 206: from this byte so many, at least one.
    Part {
        /// Before it there are so many.
        from: u64,
        /// So many.
        length: u64,
    },
    /// 304.
    Unchanged,
    /// 412: the file is not what the request is about.
    Another,
    /// 416: there is no such part.
    Outside,
}

/// What a request with these headers wants of a file of this length.
pub(super) fn wanted(method: &Method, headers: &HeaderMap, is: &Validators, length: u64) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let date = |name| text(name).and_then(|text| httpdate::parse_http_date(text).ok());
    match (text(IF_MATCH), date(IF_UNMODIFIED_SINCE)) {
        (Some(tags), _) if !names(tags, &is.etag, false) => return Wanted::Another,
        (None, Some(date)) if is.modified > date => return Wanted::Another,
        _ => {}
    }
    match (text(IF_NONE_MATCH), date(IF_MODIFIED_SINCE)) {
        (Some(tags), _) if names(tags, &is.etag, true) => return Wanted::Unchanged,
        (None, Some(date)) if is.modified <= date => return Wanted::Unchanged,
        _ => {}
    }
    let same = text(IF_RANGE).is_none_or(|validator| is_of(validator, is));
    match headers.get_all(RANGE).iter().collect::<Vec<_>>().as_slice() {
        [range] if method == Method::GET && same => part(range.to_str().unwrap_or_default(), length),
        _ => Wanted::Whole,
    }
}

/// Whether a list of tags names this one; a weak one counts where only the copy that somebody has is compared.
fn names(tags: &str, etag: &str, weakly: bool) -> bool {
    tags.trim() == "*"
        || tags.split(',').map(str::trim).any(|tag| match tag.strip_prefix("W/") {
            Some(tag) => weakly && tag == etag,
            None => tag == etag,
        })
}

/// Whether `If-Range` means this very file. A date has to be the same one: an older file may take the place of a newer.
fn is_of(validator: &str, is: &Validators) -> bool {
    let validator = validator.trim();
    validator == is.etag || httpdate::parse_http_date(validator).is_ok_and(|date| date == is.modified)
}

/// One range in bytes. Several at once, another unit, and what is no range are answered with the whole file, as RFC 9110
/// (14.2) leaves free: no web seed's reader asks for several.
fn part(range: &str, length: u64) -> Wanted {
    let Some((unit, range)) = range.split_once('=') else { return Wanted::Whole };
    let range = range.trim();
    let Some((first, last)) = range.split_once('-').filter(|_| unit.trim().eq_ignore_ascii_case("bytes"))
    else {
        return Wanted::Whole;
    };
    let (Ok(first), Ok(last)) = (number(first), number(last)) else { return Wanted::Whole };
    match (first, last) {
        (None, None) => Wanted::Whole,
        (Some(first), Some(last)) if last < first => Wanted::Whole,
        (None, Some(0)) => Wanted::Outside,
        (Some(first), _) if first >= length => Wanted::Outside,
        (None, _) if length == 0 => Wanted::Outside,
        (None, Some(suffix)) => {
            let suffix = suffix.min(length);
            Wanted::Part { from: length - suffix, length: suffix }
        }
        (Some(from), last) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            Wanted::Part { from, length: end - from }
        }
    }
}

/// Digits, or nothing. A number that is too large for any file is as good as the largest.
fn number(text: &str) -> Result<Option<u64>, ()> {
    match text {
        "" => Ok(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(text.parse().unwrap_or(u64::MAX))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: u64 = 1000;

    fn ask(headers: &[(HeaderName, &str)]) -> Wanted {
        ask_as(&Method::GET, headers)
    }

    fn ask_as(method: &Method, headers: &[(HeaderName, &str)]) -> Wanted {
        let modified = httpdate::parse_http_date("Sun, 22 Nov 2026 06:00:00 GMT").unwrap();
        let is = Validators::new("\"a\"".to_owned(), modified + Duration::from_millis(300));
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        wanted(method, &headers, &is, LENGTH)
    }

    fn part(from: u64, length: u64) -> Wanted {
        Wanted::Part { from, length }
    }

    #[test]
    fn a_range_is_a_part_the_whole_file_or_outside() {
        let cases = [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-499", part(0, 500)),
            ("bytes=500-", part(500, 500)),
            ("bytes=-100", part(900, 100)),
            ("bytes=-5000", part(0, 1000)),
            ("bytes=999-99999", part(999, 1)),
            ("bytes=10-99999999999999999999999", part(10, 990)),
            ("Bytes = 0-9", part(0, 10)),
            ("bytes=1000-", Wanted::Outside),
            ("bytes=99999999999999999999999-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("nonsense", Wanted::Whole),
            ("", Wanted::Whole),
        ];
        for (range, expected) in cases {
            assert_eq!(ask(&[(RANGE, range)]), expected, "{range}");
        }
        assert_eq!(super::part("bytes=-5", 0), Wanted::Outside);
        assert_eq!(ask_as(&Method::HEAD, &[(RANGE, "bytes=0-1")]), Wanted::Whole, "only GET has ranges");
        assert_eq!(ask(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=2-3")]), Wanted::Whole, "twice is several");
    }

    #[test]
    fn the_rest_of_a_file_is_given_only_if_it_is_the_same_file() {
        let range = (RANGE, "bytes=500-");
        let whole =
            ["\"b\"", "W/\"a\"", "Sun, 22 Nov 2026 05:59:59 GMT", "Sun, 22 Nov 2026 06:00:01 GMT", "x"];
        for validator in whole {
            assert_eq!(ask(&[range.clone(), (IF_RANGE, validator)]), Wanted::Whole, "{validator}");
        }
        for validator in ["\"a\"", "Sun, 22 Nov 2026 06:00:00 GMT"] {
            assert_eq!(ask(&[range.clone(), (IF_RANGE, validator)]), part(500, 500), "{validator}");
        }
    }

    #[test]
    fn who_has_the_file_is_told_that_it_is_the_same() {
        let cases = [
            (vec![(IF_NONE_MATCH, "\"a\"")], Wanted::Unchanged),
            (vec![(IF_NONE_MATCH, "\"x\", W/\"a\"")], Wanted::Unchanged),
            (vec![(IF_NONE_MATCH, "*")], Wanted::Unchanged),
            (vec![(IF_NONE_MATCH, "\"x\"")], Wanted::Whole),
            (vec![(IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 06:00:00 GMT")], Wanted::Unchanged),
            (vec![(IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 05:59:59 GMT")], Wanted::Whole),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], Wanted::Whole),
            // The tag counts, whatever the date says.
            (
                vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 06:00:00 GMT")],
                Wanted::Whole,
            ),
            (vec![(IF_MATCH, "\"a\"")], Wanted::Whole),
            (vec![(IF_MATCH, "W/\"a\"")], Wanted::Another),
            (vec![(IF_MATCH, "\"x\"")], Wanted::Another),
            (vec![(IF_UNMODIFIED_SINCE, "Sun, 22 Nov 2026 05:00:00 GMT")], Wanted::Another),
            (vec![(IF_UNMODIFIED_SINCE, "Sun, 22 Nov 2026 06:00:00 GMT")], Wanted::Whole),
        ];
        for (headers, expected) in cases {
            assert_eq!(ask(&headers), expected, "{headers:?}");
        }
    }
}
