//! Hostile text made harmless: what a feed says, as a page may show it, and links that may be followed.
//!
//! A page holds nothing of a feed that is not one of these two types. Both are still escaped by the template: they
//! keep `<` and `&`, and only take away what escaping cannot mend.

use std::fmt;

use unicode_normalization::char::is_combining_mark;
use url::Url;

/// The longest title, in characters.
const TITLE: usize = 300;
/// The longest description, in characters.
const DESCRIPTION: usize = 2000;
/// A longer URL is refused by browsers and servers, or is no address.
const LONGEST_LINK: usize = 8192;
/// More marks on one letter than any language has paint over the lines above and below.
const MOST_MARKS: usize = 4;

/// One line of text, of bounded length, without characters that cannot be seen or that change the order of others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text(String);

impl Text {
    /// A title, a name, or another short text.
    pub(super) fn title(text: &str) -> Self {
        Self::of(text, TITLE)
    }

    /// The beginning of a text, cut between words where there are any.
    pub(super) fn of(text: &str, characters: usize) -> Self {
        let mut out = String::new();
        let (mut count, mut marks, mut space) = (0, 0, false);
        for c in text.chars() {
            // The controls among them (tab, line feed) are white space, too.
            if c.is_whitespace() || c.is_control() {
                space = !out.is_empty();
                continue;
            }
            if is_invisible(c) {
                continue;
            }
            marks = if is_combining_mark(c) { marks + 1 } else { 0 };
            if marks > MOST_MARKS {
                continue;
            }
            count += 1 + usize::from(space);
            if count > characters {
                cut(&mut out);
                break;
            }
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            out.push(c);
        }
        Self(out)
    }

    /// The paragraphs of a description, together of bounded length.
    pub(super) fn paragraphs(text: &str) -> Vec<Self> {
        let mut left = DESCRIPTION;
        let mut paragraphs = Vec::new();
        for line in text.lines() {
            let paragraph = Self::of(line, left);
            if paragraph.is_empty() {
                continue;
            }
            left = left.saturating_sub(paragraph.0.chars().count());
            paragraphs.push(paragraph);
            if left == 0 {
                break;
            }
        }
        paragraphs
    }

    /// Whether nothing can be seen of it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, or this one where nothing is left of it.
    pub(super) fn or(self, other: &str) -> Self {
        if self.is_empty() { Self::title(other) } else { self }
    }

    /// For comparisons and for what needs no display.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Takes back the last word if it may be incomplete, and says so.
fn cut(out: &mut String) {
    const LONGEST_WORD: usize = 40;
    if let Some(end) = out.rfind(' ').filter(|end| out.len() - end <= LONGEST_WORD) {
        out.truncate(end);
    }
    out.push('…');
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Characters that show nothing: they reorder what follows (bidirectional controls, the "Trojan Source" ones), hide
/// text (tags), or make two titles look the same (fillers, zero-width spaces). The joiners U+200C and U+200D and the
/// variation selectors stay: Persian, Hindi and emoji are written with them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        // Noncharacters, which no text may hold.
        || matches!(u32::from(c), 0xfdd0..=0xfdef)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// An address that may stand in a page: http, https or magnet, and no secrets in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link(Url);

impl Link {
    /// `None` for any other scheme, for a relative address, and for one with user name or password: that is either a
    /// secret or a trick (`https://bank.example@evil.example/`).
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_LINK {
            return None;
        }
        let url = Url::parse(text.trim()).ok()?;
        let is_safe = match url.scheme() {
            "http" | "https" => url.has_host() && url.username().is_empty() && url.password().is_none(),
            "magnet" => url.as_str().starts_with("magnet:?"),
            _ => false,
        };
        is_safe.then_some(Self(url))
    }

    /// The host, as ASCII, so that no letter can be taken for another; empty for a magnet link.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A language tag (RFC 5646) as `lang` may hold it: `de-DE`. Feeds also write `de_DE`, and anything else.
pub(super) fn language_tag(text: &str) -> Option<String> {
    let tag = text.trim().replace('_', "-");
    let mut parts = tag.split('-');
    let primary = parts.next()?;
    let is_tag = matches!(primary.len(), 2 | 3)
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    (is_tag && tag.len() <= 35).then_some(tag)
}

#[cfg(test)]
mod tests;
