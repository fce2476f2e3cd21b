//! Times in headers: HTTP dates, and `Retry-After` (RFC 9110, 10.2.3), which is one or a number of seconds.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::HeaderValue;

/// Nobody is believed who wants to be left alone for longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The pause that the origin asks for, from now; `None` when the value says neither seconds nor a date.
pub(super) fn retry_after(value: &HeaderValue) -> Option<Duration> {
    parse_at(value.to_str().ok()?, Timestamp::now())
}

/// An HTTP date (RFC 9110, 5.6.7), as in `Last-Modified`. A wrong day of the week is forgiven.
pub fn parse_date(value: &HeaderValue) -> Option<Timestamp> {
    date(value.to_str().ok()?.trim())
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()
}

fn parse_at(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = date(text)?;
    let pause = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Some(pause.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let cases = [
            ("120", Some(Duration::from_secs(120))),
            (" 0 ", Some(Duration::ZERO)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(Duration::from_secs(7))),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(Duration::ZERO)),
            ("99999999999999999999999", Some(LONGEST)),
            ("Fri, 31 Dec 9998 23:59:59 GMT", Some(LONGEST)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_at(text, now), expected, "{text:?}");
        }
    }
}
