//! The hand-over kit: a folder with everything that a publisher needs to offer the torrents of his shows himself.
//!
//! The site in it is complete and needs nothing of ours; the torrents keep their info hashes, so that his swarm is
//! the one that is there already. Nothing in it tells of this machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use askama::Template;
use jiff::Timestamp;
use url::Url;

use super::pages::{assets, index_pages, page_language, show_pages};
use super::site::{Draft, Error};
use super::text::{Link, Text};
use super::{Options, SiteFile, catalogue, listing, opml, torrent_path, torrents_feed};
use crate::model::{Basis, PageLanguage, PublishedFile, PublishedShow};

/// Stands for the publisher's address where it is not known: feeds have to name one.
pub const PLACEHOLDER: &str = "https://your-site.example/torrents/";

/// Where the kit has the files for his web server.
const SITE: &str = "site";

/// A show in a kit.
#[derive(Debug, Clone)]
pub struct KitShow<'a> {
    /// What is published of it.
    pub show: &'a PublishedShow,
    /// Its `podcast.xml`, made with [`options`].
    pub podcast: Option<Vec<u8>>,
    /// Our copy of its cover, where `show.cover` says that there is one.
    pub cover: Option<Vec<u8>>,
    /// The folder with its .torrent files, each `NAME.torrent`.
    pub torrents: &'a Path,
}

/// How the publisher's site is made: at his address, if it is known, and without what is ours on it.
pub fn options(base_url: Option<Url>, ours: &Options) -> Options {
    let base_url = base_url.or_else(|| Url::parse(PLACEHOLDER).ok());
    Options { base_url, language: ours.language, ..Options::default() }
}

/// All files of a kit; `options` comes from [`options`], and [`Draft::write_into`] writes them. The .torrent files are
/// copied then.
///
/// # Errors
/// [`Error::Path`] if a slug or a file's name can be none on a site.
pub fn draft(shows: &[KitShow<'_>], options: &Options, now: Timestamp) -> Result<Draft, Error> {
    let language = language(shows, options);
    let options = &Options { language, ..options.clone() };
    let mut draft = Draft::new();
    for file in site_files(shows, options, now) {
        draft.file(&format!("{SITE}/{}", file.path), file.bytes)?;
    }
    for (kit_show, file) in files_of(shows) {
        let path = torrent_path(&kit_show.show.slug, &file.name);
        let source = kit_show.torrents.join(format!("{}.torrent", file.name));
        draft.copy(&format!("{SITE}/{path}"), source)?;
    }
    draft.file("tracker-whitelist.txt", whitelist(shows))?;
    draft.file("web-seeds.csv", web_seeds(shows))?;
    draft.file("SHA256SUMS", checksums(shows))?;
    draft.file(readme_name(language), Readme::new(shows, options).text(language))?;
    Ok(draft)
}

/// That of the feeds, if they have one in common.
fn language(shows: &[KitShow<'_>], options: &Options) -> PageLanguage {
    let mut languages = shows.iter().map(|kit| page_language(kit.show.language.as_deref(), options));
    let first = languages.next().unwrap_or(options.language);
    if languages.all(|language| language == first) { first } else { options.language }
}

/// Every file of every show.
fn files_of<'a>(shows: &'a [KitShow<'a>]) -> impl Iterator<Item = (&'a KitShow<'a>, &'a PublishedFile)> {
    shows.iter().flat_map(|kit| {
        kit.show.episodes.iter().flat_map(|episode| &episode.files).map(move |file| (kit, file))
    })
}

fn site_files(shows: &[KitShow<'_>], options: &Options, now: Timestamp) -> Vec<SiteFile> {
    let cards: Vec<_> = shows.iter().map(|kit| kit.show.card()).collect();
    let all: Vec<_> = shows.iter().map(|kit| kit.show.clone()).collect();
    let names =
        all.iter().flat_map(|show| show.in_force().map(|file| (show.slug.as_str(), file.name.as_str())));
    let mut files = assets();
    // A page for addresses that are none is his server's affair.
    files.extend(index_pages(&cards, options).into_iter().filter(|file| file.path != "404.html"));
    files.extend(torrents_feed::all_torrents(&all, options, None, now));
    files.extend(opml::feeds(&cards, options));
    files.extend(listing::sitemap(cards.iter().map(|card| card.slug.as_str()), options));
    files.push(listing::all_torrents(names, options));
    files.push(catalogue::index(&cards, options));
    files.extend(lookups(&all, options));
    for kit in shows {
        files.extend(show_pages(kit.show, options));
        files.extend(torrents_feed::show_torrents(kit.show, options, None, now));
        let in_folder =
            |name: &str, bytes: &Vec<u8>| SiteFile::new(format!("{}/{name}", kit.show.slug), bytes.clone());
        files.extend(kit.podcast.iter().map(|bytes| in_folder("podcast.xml", bytes)));
        files.extend(kit.cover.iter().map(|bytes| in_folder("cover.jpg", bytes)));
    }
    files
}

/// The catalogues of the shows, and the look-up files that they share.
fn lookups(shows: &[PublishedShow], options: &Options) -> Vec<SiteFile> {
    let mut made: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for show in shows {
        let changes = catalogue::show(show, options, None, &|path| made.get(path).cloned());
        made.extend(changes.files.into_iter().map(|file| (file.path, file.bytes)));
    }
    made.into_iter().map(|(path, bytes)| SiteFile { path, bytes }).collect()
}

/// As opentracker reads it (`-w`): one info hash per line, 40 hexadecimal digits. v2 swarms go by the first 20 bytes of
/// theirs (BEP 52).
fn whitelist(shows: &[KitShow<'_>]) -> String {
    let mut text = String::new();
    for (_, file) in files_of(shows) {
        let v1 = file.info_hash.v1().map(|hash| hash.to_string());
        let v2 = file.info_hash.v2().map(|hash| hex::encode(hash.truncated()));
        for hash in v1.into_iter().chain(v2) {
            text.push_str(&hash);
            text.push('\n');
        }
    }
    text
}

/// RFC 4180, with `\n` as on any Unix.
fn web_seeds(shows: &[KitShow<'_>]) -> String {
    let mut text = String::from("file,url,state\n");
    let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
    for (kit, file) in files_of(shows).filter(|(_, file)| Link::parse(&file.url).is_some()) {
        // Begins with the slug: what begins with `=` would be a formula to a spreadsheet.
        let name = quoted(&format!("{}/{}", kit.show.slug, file.name));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name},{},{}", quoted(&file.url), file.source);
    }
    text
}

/// As `sha256sum -c` reads it, in the folder of the files; of several shows, each has a folder of its own there.
fn checksums(shows: &[KitShow<'_>]) -> String {
    let mut text = String::new();
    for (kit, file) in files_of(shows) {
        let Some(hash) = &file.sha256 else { continue };
        let folder = if shows.len() > 1 { format!("{}/", kit.show.slug) } else { String::new() };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  {folder}{}", hex::encode(hash), file.name);
    }
    text
}

fn readme_name(language: PageLanguage) -> &'static str {
    match language {
        PageLanguage::English => "README.md",
        PageLanguage::German => "LIESMICH.md",
    }
}

/// What the kit is and what to do with it, in the publisher's language.
struct Readme {
    titles: String,
    base_url: String,
    is_placeholder: bool,
    torrents: usize,
    shows: usize,
    /// The slug of the only or first show.
    slug: String,
    basis: String,
}

#[derive(Template)]
#[template(path = "kit/README.md", escape = "none")]
struct English<'a> {
    kit: &'a Readme,
}

#[derive(Template)]
#[template(path = "kit/LIESMICH.md", escape = "none")]
struct German<'a> {
    kit: &'a Readme,
}

impl Readme {
    fn new(shows: &[KitShow<'_>], options: &Options) -> Self {
        let titles: Vec<_> = shows.iter().map(|kit| title(kit.show)).collect();
        let base_url = options.base_url.as_ref().map(Url::to_string).unwrap_or_default();
        Self {
            titles: titles.join(", "),
            is_placeholder: base_url == PLACEHOLDER,
            base_url,
            torrents: files_of(shows).count(),
            shows: shows.len(),
            slug: shows.first().map(|kit| kit.show.slug.clone()).unwrap_or_default(),
            basis: shows.iter().map(|kit| basis(kit.show)).collect(),
        }
    }

    fn text(&self, language: PageLanguage) -> String {
        let rendered = match language {
            PageLanguage::English => English { kit: self }.render(),
            PageLanguage::German => German { kit: self }.render(),
        };
        // Writing to a string cannot fail.
        rendered.unwrap_or_default()
    }
}

/// A title as Markdown takes it for nothing but text.
fn title(show: &PublishedShow) -> String {
    plain(&Text::title(&show.title).or(&show.slug).to_string())
}

fn basis(show: &PublishedShow) -> String {
    let words = match &show.basis {
        Basis::Licence { name, url } => match url.as_deref().and_then(Link::parse) {
            Some(link) => format!("{} (<{link}>)", plain(&Text::title(name).to_string())),
            None => plain(&Text::title(name).to_string()),
        },
        Basis::Permission(words) => plain(&Text::title(words).to_string()),
    };
    format!("- {}: {words}\n", title(show))
}

/// Escapes what Markdown and the HTML in it would take for marks.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '|' | '!' | '~') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
