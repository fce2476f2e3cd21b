//! The list of all shows.

use std::collections::BTreeMap;

use askama::Template;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::super::Options;
use super::super::text::{Text, language_tag};
use super::encode_path;
use super::language::{Language, fill, primary_subtag};
use super::view::{Alternate, DateView, Frame, Tile};
use crate::model::ShowCard;

/// `index.html`.
#[derive(Template)]
#[template(path = "index.html", whitespace = "minimize")]
pub(super) struct IndexPage {
    t: &'static Language,
    frame: Frame,
    shows: Vec<CardView>,
    /// Primary subtag and name, by name: what the shows are in, if that is more than one.
    languages: Vec<(String, String)>,
    has_feeds: bool,
}

impl IndexPage {
    /// The shows are sorted by title.
    pub(super) fn new(shows: &[ShowCard], options: &Options) -> Self {
        let t = Language::of(options.language);
        let mut frame = Frame::new(options.language, "", "index.html", options);
        frame.alternates.extend(Alternate::feed("torrents.xml", t.show.torrent_feed.to_owned(), options));
        let mut cards: Vec<CardView> = shows.iter().map(|show| CardView::new(show, t)).collect();
        cards.sort_by_cached_key(|card| (sort_key(card.title.as_str()), card.slug.clone()));
        let languages: BTreeMap<String, String> = cards
            .iter()
            .filter(|card| !card.language.is_empty())
            .map(|card| (card.language_name.clone(), card.language.clone()))
            .collect();
        let languages: Vec<_> = languages.into_iter().map(|(name, tag)| (tag, name)).collect();
        Self {
            t,
            frame,
            languages: if languages.len() > 1 { languages } else { Vec::new() },
            shows: cards,
            has_feeds: options.base_url.is_some(),
        }
    }
}

/// Without case and accents: `Äther` stands before `Bass`.
fn sort_key(title: &str) -> String {
    title.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// A show on the list.
struct CardView {
    slug: String,
    href: String,
    title: Text,
    author: Text,
    lang: Option<String>,
    /// The primary subtag; empty if the feed names none.
    language: String,
    language_name: String,
    cover: bool,
    tile: Tile,
    episodes: String,
    size: String,
    newest: Option<DateView>,
}

impl CardView {
    fn new(show: &ShowCard, t: &Language) -> Self {
        let lang = show.language.as_deref().and_then(language_tag);
        let title = Text::title(&show.title).or(&show.slug);
        let newest = show.newest.and_then(|time| DateView::of(time, t));
        Self {
            slug: show.slug.clone(),
            href: encode_path(&show.slug),
            author: show.author.as_deref().map(Text::title).unwrap_or_default(),
            language: lang.as_deref().map(primary_subtag).unwrap_or_default(),
            language_name: lang.as_deref().map(|tag| t.language_name(tag)).unwrap_or_default(),
            lang,
            cover: show.cover,
            tile: Tile::of(&show.slug, &title),
            title,
            episodes: t.episodes(show.episodes),
            size: t.size(show.bytes),
            newest: newest.map(|date| DateView { words: fill(t.site.newest, &[&date.words]), ..date }),
        }
    }
}
