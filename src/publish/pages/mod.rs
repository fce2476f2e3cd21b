//! The pages of the site: what a person reads, in English and German.
//!
//! `view` turns the nouns of [`crate::model`] into what the templates in `templates/` show, `language` has every text
//! of ours, `paging` says which episodes stand on which page. Pages link relatively, so that they work below any
//! path and from a folder on the disk; they ask nothing of any other host.

mod about;
mod language;
mod paging;
mod shows;
mod view;

use askama::Template;
use jiff::Timestamp;

use self::about::{AboutPage, NotFoundPage};
use self::language::Language;
use self::paging::Paging;
use self::shows::IndexPage;
use self::view::{Alternate, EpisodeView, Frame, PageLink, ShowView};
use super::{Options, SiteFile, encode_path};
use crate::model::{PageLanguage, PublishedShow, ShowCard};

/// The pages of one show: `SLUG/index.html` with the newest episodes, and `SLUG/page-1.html` (the oldest hundred),
/// `SLUG/page-2.html` and so on for those before, so that a new episode changes one page; once in a hundred, three.
pub fn show_pages(show: &PublishedShow, options: &Options) -> Vec<SiteFile> {
    let language = page_language(show.language.as_deref(), options);
    let paging = Paging::of(show.episodes.len());
    let index = show_page(show, language, None, options);
    let older = (1..=paging.older_pages()).map(|page| show_page(show, language, Some(page), options));
    std::iter::once(index).chain(older).collect()
}

/// The pages about all shows: `index.html`; `about.html`, and the same in the other language; with `base_url`,
/// `404.html`.
pub fn index_pages(shows: &[ShowCard], options: &Options) -> Vec<SiteFile> {
    let language = options.language;
    let mut files = vec![page("index.html", &IndexPage::new(shows, options))];
    files.extend(
        PageLanguage::ALL
            .iter()
            .map(|language| page(about_path(*language, options), &AboutPage::new(*language, options))),
    );
    files.extend(NotFoundPage::new(language, options).map(|found| page("404.html", &found)));
    files
}

/// What all pages use: `assets/style.css`, `assets/podseed.js`, `assets/icon.svg`.
pub fn assets() -> Vec<SiteFile> {
    const ASSETS: [(&str, &str); 3] = [
        ("assets/style.css", include_str!("../../../templates/assets/style.css")),
        ("assets/podseed.js", include_str!("../../../templates/assets/podseed.js")),
        ("assets/icon.svg", include_str!("../../../templates/assets/icon.svg")),
    ];
    ASSETS.iter().map(|(path, text)| SiteFile::new(*path, *text)).collect()
}

/// A page of a show: its newest episodes (`None`), or an older page by its number.
#[derive(Template)]
#[template(path = "show.html", whitespace = "minimize")]
struct ShowPage {
    t: &'static Language,
    frame: Frame,
    show: ShowView,
    episodes: Vec<EpisodeView>,
    /// `Page 3`, except on the newest.
    name: Option<String>,
    newer: Option<PageLink>,
    older: Option<PageLink>,
    /// On the newest page: all older ones, the newest first.
    pages: Vec<PageLink>,
}

fn show_page(
    show: &PublishedShow,
    language: PageLanguage,
    number: Option<usize>,
    options: &Options,
) -> SiteFile {
    let t = Language::of(language);
    let paging = Paging::of(show.episodes.len());
    let path = format!("{}/{}", show.slug, paging::file_name(number));
    let view = ShowView::new(show, t, options);
    let name = number.map(|number| page_name(number, t));
    let mut frame = Frame::new(language, "../", &path, options);
    frame.title = format!("{} – {}", view.title, name.as_deref().unwrap_or(t.site.title));
    frame.description = view.summary();
    frame.alternates = Alternate::of_show(show, t, options);
    let content = ShowPage {
        t,
        frame,
        episodes: episodes(show, paging, number, t, options),
        name,
        newer: number.map(|number| PageLink::new(paging.newer(number), t.show.newer)),
        older: paging.older(number).map(|older| PageLink::new(Some(older), t.show.older)),
        pages: match number {
            None => (1..=paging.older_pages()).rev().map(|page| page_link(show, paging, page, t)).collect(),
            Some(_) => Vec::new(),
        },
        show: view,
    };
    page(path, &content)
}

/// The episodes of a page. They are counted from the oldest, so that a new one does not change another's number.
fn episodes(
    show: &PublishedShow,
    paging: Paging,
    page: Option<usize>,
    t: &Language,
    options: &Options,
) -> Vec<EpisodeView> {
    let range = paging.range(page);
    let first = show.episodes.len() - range.start;
    let episodes = show.episodes[range].iter().enumerate();
    episodes.map(|(index, episode)| EpisodeView::new(show, episode, first - index, t, options)).collect()
}

fn page_name(number: usize, t: &Language) -> String {
    language::fill(t.show.page, &[&number.to_string()])
}

/// A link to an older page that says from when to when its episodes are.
fn page_link(show: &PublishedShow, paging: Paging, number: usize, t: &Language) -> PageLink {
    let dates = show.episodes[paging.range(Some(number))].iter().filter_map(|episode| episode.date);
    let text = |time: Option<Timestamp>| time.and_then(|time| t.date(language::day(time)));
    let words = match (text(dates.clone().min()), text(dates.max())) {
        (Some(from), Some(until)) if from == until => from,
        (Some(from), Some(until)) => format!("{from} {} {until}", t.show.to),
        _ => page_name(number, t),
    };
    PageLink::new(Some(number), words)
}

/// A show's page is in the feed's language if that is one of ours.
pub(super) fn page_language(feed: Option<&str>, options: &Options) -> PageLanguage {
    let tag = feed.and_then(super::text::language_tag).map(|tag| language::primary_subtag(&tag));
    tag.and_then(|tag| tag.parse().ok()).unwrap_or(options.language)
}

/// The page that explains, in this language.
fn about_path(language: PageLanguage, options: &Options) -> String {
    match language == options.language {
        true => "about.html".to_owned(),
        false => format!("about-{language}.html"),
    }
}

fn page(path: impl Into<String>, content: &impl Template) -> SiteFile {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = content.render_into(&mut text);
    SiteFile::new(path, text)
}

#[cfg(test)]
mod tests;
