//! The pages that explain: what this is, how to use it, what it reveals; and the one for addresses that are none.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::Options;
use super::super::text::{Link, Text};
use super::about_path;
use super::language::{Block, Language, Subject, Topic};
use super::view::Frame;
use crate::model::PageLanguage;

/// `about.html`.
#[derive(Template)]
#[template(path = "about.html", whitespace = "minimize")]
pub(super) struct AboutPage {
    t: &'static Language,
    frame: Frame,
    topics: Vec<&'static Topic>,
    contact: Option<Contact>,
    /// The same page in the other language, and its tag.
    other: (String, &'static str),
}

impl AboutPage {
    pub(super) fn new(language: PageLanguage, options: &Options) -> Self {
        let t = Language::of(language);
        let mut frame = Frame::new(language, "", &about_path(language, options), options);
        frame.title = format!("{} – {}", t.about.title, t.site.title);
        let has_feeds = options.base_url.is_some();
        let other = match language {
            PageLanguage::English => PageLanguage::German,
            PageLanguage::German => PageLanguage::English,
        };
        Self {
            t,
            frame,
            topics: t
                .about
                .topics
                .iter()
                .filter(|topic| has_feeds || topic.subject != Subject::Subscribe)
                .collect(),
            contact: options.contact.as_deref().map(Contact::new),
            other: (about_path(other, options), other.as_str()),
        }
    }
}

/// How to reach the operator.
struct Contact {
    words: Text,
    href: Option<String>,
}

impl Contact {
    fn new(contact: &str) -> Self {
        let is_mail =
            contact.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
                && !contact.contains(['/', ' ', '?']);
        let href = match Link::parse(contact) {
            Some(link) => Some(link.to_string()),
            None if is_mail => {
                let address = contact.trim_start_matches("mailto:");
                Some(format!("mailto:{}", utf8_percent_encode(address, MAIL)))
            }
            None => None,
        };
        Self { words: Text::title(contact), href }
    }
}

/// What stands unencoded in a mail address.
const MAIL: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_').remove(b'+');

/// `404.html`. A server gives it for addresses at any depth, so that its links begin at the server's root, which only
/// `base_url` tells.
#[derive(Template)]
#[template(path = "404.html", whitespace = "minimize")]
pub(super) struct NotFoundPage {
    t: &'static Language,
    frame: Frame,
}

impl NotFoundPage {
    /// `None` without `base_url`.
    pub(super) fn new(language: PageLanguage, options: &Options) -> Option<Self> {
        let t = Language::of(language);
        let mut frame = Frame::new(language, options.base_url.as_ref()?.path(), "404.html", options);
        frame.title = t.site.not_found.to_owned();
        frame.canonical = None;
        Some(Self { t, frame })
    }
}
