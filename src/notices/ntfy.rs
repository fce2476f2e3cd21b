//! ntfy (<https://docs.ntfy.sh/publish/>): the text is the body, everything else stands in headers. Titles come from
//! feeds, so what is not plain ASCII is written as RFC 2047 says, which ntfy understands.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::Address;
use crate::http::{Error, Http, Post};
use crate::model::{Notice, NoticeKind};

/// A longer message becomes an attachment (ntfy: 4,096 bytes).
const LONGEST_MESSAGE: usize = 3_500;
/// A longer title is no title; the whole header must stay below what servers take.
const LONGEST_TITLE: usize = 250;
/// Bytes in one encoded word: 75 characters with all that is around it (RFC 2047, 2).
const WORD: usize = 45;
/// Episodes that are named.
const NAMED: usize = 10;

/// Sends a notice to a topic.
///
/// # Errors
/// Those of [`Http::post`].
pub async fn send_ntfy(http: &Http, to: Address<'_>, notice: &Notice) -> Result<(), Error> {
    let post = Post {
        url: to.url.clone(),
        token: to.token.cloned(),
        headers: headers(notice),
        body: message(notice).into_bytes(),
    };
    http.trusting(to.url).post(post).await
}

fn headers(notice: &Notice) -> HeaderMap {
    let (priority, tags) = match notice.kind {
        NoticeKind::Seeding => ("low", "seedling"),
        NoticeKind::Recovered => ("low", "white_check_mark"),
        NoticeKind::Failed | NoticeKind::Feed => ("default", "warning"),
        NoticeKind::Torrents | NoticeKind::Configuration => ("default", "warning"),
        NoticeKind::Client | NoticeKind::Disk => ("high", "rotating_light"),
    };
    let written = [
        ("title", Some(header_text(cut(&notice.summary, LONGEST_TITLE)))),
        ("priority", Some(priority.to_owned())),
        ("tags", Some(format!("{tags},podseed"))),
        ("click", notice.page.clone()),
    ];
    let header = |(name, value): (&'static str, Option<String>)| {
        Some((HeaderName::from_static(name), HeaderValue::from_str(&value?).ok()?))
    };
    written.into_iter().filter_map(header).collect()
}

/// A text as it may stand in a header: as it is, or in encoded words (RFC 2047) that break between characters.
fn header_text(text: &str) -> String {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') && !text.contains("=?");
    if is_plain {
        return text.to_owned();
    }
    let (mut words, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let word = cut(rest, WORD);
        words.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
        rest = &rest[word.len()..];
    }
    words.join(" ")
}

fn message(notice: &Notice) -> String {
    let mut text = String::new();
    // Writing to memory cannot fail.
    for line in [&notice.error, &notice.remedy].into_iter().flatten() {
        let _ = writeln!(text, "{line}");
    }
    if notice.count > 1 {
        for episode in notice.episodes.iter().take(NAMED) {
            let _ = writeln!(text, "- {}", episode.title);
        }
        let more = notice.count.saturating_sub(notice.episodes.len().min(NAMED) as u64);
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
    }
    let text = text.trim_end();
    // An empty message is shown as "triggered".
    cut(if text.is_empty() { &notice.summary } else { text }, LONGEST_MESSAGE).to_owned()
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_no_character_that_a_header_cannot_hold() {
        assert_eq!(header_text("Plain: 1 episode"), "Plain: 1 episode");
        assert_eq!(header_text("Küche"), "=?UTF-8?B?S8O8Y2hl?=");
        assert_eq!(header_text("a\r\nClick: http://evil.invalid/"), {
            let encoded = STANDARD.encode("a\r\nClick: http://evil.invalid/");
            format!("=?UTF-8?B?{encoded}?=")
        });
        assert!(header_text("=?UTF-8?Q?trick?=").starts_with("=?UTF-8?B?"), "what looks encoded is encoded");
        for text in ["ü".repeat(300), "日本語🎙".repeat(40)] {
            let header = header_text(&text);
            assert!(header.split(' ').all(|word| word.len() <= 75 && word.is_ascii()), "{header}");
            let decoded: Vec<u8> = header
                .split(' ')
                .flat_map(|word| STANDARD.decode(&word["=?UTF-8?B?".len()..word.len() - 2]).unwrap())
                .collect();
            assert_eq!(String::from_utf8(decoded).unwrap(), text);
        }
    }
}
