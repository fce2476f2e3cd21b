//! `feeds.opml`: all feeds of the site in one file, for programs that subscribe to lists.

use super::text::Text;
use super::{Options, SiteFile};
use crate::model::{PageLanguage, ShowCard};
use crate::opml::{self, Outline};

/// `feeds.opml`; `None` without `base_url`.
pub fn feeds(shows: &[ShowCard], options: &Options) -> Option<SiteFile> {
    options.base_url.as_ref()?;
    let (title, torrents, podcasts, all) = match options.language {
        PageLanguage::English => ("Podcasts, as torrents", "Torrent feeds", "Podcast feeds", "All podcasts"),
        PageLanguage::German => ("Podcasts als Torrents", "Torrent-Feeds", "Podcast-Feeds", "Alle Podcasts"),
    };
    let of_show =
        |show: &ShowCard| feed(format!("{} – Torrents", title_of(show)), &show.slug, "torrents.xml", options);
    let first = feed(all.to_owned(), "", "torrents.xml", options);
    let torrent_feeds = std::iter::once(first).chain(shows.iter().map(of_show)).collect();
    let podcast_feeds = shows
        .iter()
        .filter(|show| show.podcast_feed)
        .map(|show| feed(title_of(show).to_string(), &show.slug, "podcast.xml", options))
        .collect();
    let folder = |text: &str, outlines| Outline::Folder { text: text.to_owned(), outlines };
    let folders = [folder(torrents, torrent_feeds), folder(podcasts, podcast_feeds)];
    Some(SiteFile::new("feeds.opml", opml::write(title, &folders)))
}

fn title_of(show: &ShowCard) -> Text {
    Text::title(&show.title).or(&show.slug)
}

fn feed(text: String, slug: &str, name: &str, options: &Options) -> Outline {
    let folder = if slug.is_empty() { String::new() } else { format!("{slug}/") };
    let url = |path: &str| options.absolute(path).map(String::from).unwrap_or_default();
    Outline::Feed { text, xml_url: url(&format!("{folder}{name}")), html_url: Some(url(&folder)) }
}
