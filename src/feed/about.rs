//! What the show says of itself besides title and page: language, description, author, image.
//!
//! Feeds say each of these in several ways, in any order; the better way wins, and of equal ones the first.
//! Never more than the show's own elements: what an item says of itself is not the show's.

use super::sanitise::{at_most, collapse, plain_text};
use super::vocabulary::Fact;

/// The longest description that is kept, in bytes of UTF-8.
const LONGEST_DESCRIPTION: usize = 4_000;
/// A longer language, author or address is none.
const LONGEST: usize = 2_000;

/// What has been found so far.
#[derive(Default)]
pub(super) struct About {
    language: Best,
    description: Best,
    author: Best,
    image: Best,
}

/// A text, and how good its source is: the smaller, the better.
#[derive(Default)]
struct Best(Option<(u8, String)>);

impl Best {
    fn offer(&mut self, rank: u8, text: String) {
        let is_better = self.0.as_ref().is_none_or(|&(known, _)| rank < known);
        if is_better && !text.is_empty() {
            self.0 = Some((rank, text));
        }
    }

    fn take(self) -> Option<String> {
        self.0.map(|(_, text)| text)
    }
}

/// As [`model::Feed`](crate::model::Feed) has them.
pub(super) struct Said {
    pub(super) language: Option<String>,
    pub(super) description: Option<String>,
    pub(super) author: Option<String>,
    pub(super) image: Option<String>,
}

impl About {
    /// Takes the text of an element. `is_markup` says whether its letters are HTML.
    pub(super) fn note(&mut self, fact: Fact, text: &str, is_markup: bool) {
        match fact {
            Fact::Language => self.language.offer(0, short(text)),
            Fact::DublinCoreLanguage => self.language.offer(1, short(text)),
            Fact::Description => self.description.offer(0, description(text, is_markup)),
            Fact::Summary => self.description.offer(1, description(text, is_markup)),
            Fact::Author => self.author.offer(0, person(text)),
            Fact::AtomAuthor => self.author.offer(1, person(text)),
            Fact::ManagingEditor => self.author.offer(2, person(text)),
            Fact::Creator => self.author.offer(3, person(text)),
            Fact::ItunesImage => self.image.offer(0, short(text)),
            Fact::ImageUrl | Fact::Logo => self.image.offer(1, short(text)),
        }
    }

    /// Takes an `xml:lang` around the show; the innermost comes last and counts.
    pub(super) fn lang(&mut self, text: &str) {
        let is_weaker = self.language.0.as_ref().is_some_and(|&(rank, _)| rank >= 2);
        if is_weaker {
            self.language = Best::default();
        }
        self.language.offer(2, short(text));
    }

    /// What there is in the end.
    pub(super) fn said(self) -> Said {
        Said {
            language: self.language.take(),
            description: self.description.take(),
            author: self.author.take(),
            image: self.image.take(),
        }
    }
}

fn short(text: &str) -> String {
    let text = text.trim();
    if text.len() > LONGEST { String::new() } else { collapse(text) }
}

fn description(text: &str, is_markup: bool) -> String {
    let text = if is_markup { collapse(&plain_text(text)) } else { collapse(text) };
    at_most(&text, LONGEST_DESCRIPTION).trim_end().to_owned()
}

/// A name; of `mail@example.org (Name)`, the form that RSS wants, the name, and of an address alone nothing.
fn person(text: &str) -> String {
    let text = short(text);
    let (address, name) = text.split_once('(').unwrap_or((&text, ""));
    if is_address(address.trim()) { name.trim_end_matches(')').trim().to_owned() } else { text }
}

fn is_address(text: &str) -> bool {
    text.contains('@') && !text.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_name_and_no_mail_address() {
        let cases = [
            ("  Ada\n Lovelace ", "Ada Lovelace"),
            ("ada@radio.test (Ada Lovelace)", "Ada Lovelace"),
            ("ada@radio.test", ""),
            ("Ada (and friends)", "Ada (and friends)"),
            ("Ada @ Home", "Ada @ Home"),
        ];
        for (text, name) in cases {
            assert_eq!(person(text), name, "{text}");
        }
    }

    #[test]
    fn a_description_is_plain_and_bounded() {
        assert_eq!(
            description("<p>One &amp; <b>two</b></p><p>three<br>four</p>", true),
            "One & two three four"
        );
        assert_eq!(description("a <b> c", false), "a <b> c");
        let long = description(&"ü".repeat(3_000), true);
        assert_eq!(long.len(), LONGEST_DESCRIPTION);
        let cut = description(&"€ ".repeat(3_000), true);
        assert!(cut.len() <= LONGEST_DESCRIPTION && cut.ends_with('€'));
    }

    #[test]
    fn the_better_source_wins_whatever_comes_first() {
        let mut about = About::default();
        about.lang("en");
        about.lang("de");
        about.note(Fact::Summary, "summary", true);
        about.note(Fact::Description, " ", true);
        about.note(Fact::ManagingEditor, "Editor", true);
        about.note(Fact::Author, "Author", true);
        about.note(Fact::Creator, "Creator", true);
        about.note(Fact::ImageUrl, "https://a.test/1.png", false);
        about.note(Fact::ItunesImage, "https://a.test/2.png", false);
        about.note(Fact::ItunesImage, "https://a.test/3.png", false);
        let said = about.said();
        assert_eq!(said.language.as_deref(), Some("de"));
        assert_eq!(said.description.as_deref(), Some("summary"));
        assert_eq!(said.author.as_deref(), Some("Author"));
        assert_eq!(said.image.as_deref(), Some("https://a.test/2.png"));
    }
}
