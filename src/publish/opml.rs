//! `feeds.opml`: all feeds of the site in one file (OPML 2.0), for programs that subscribe to lists.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::text::Text;
use super::{Options, SiteFile};
use crate::model::{PageLanguage, ShowCard};

/// `feeds.opml`; `None` without `base_url`. It has no date, so that it changes only with the list.
pub fn feeds(shows: &[ShowCard], options: &Options) -> Option<SiteFile> {
    options.base_url.as_ref()?;
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    // Writing to memory cannot fail.
    let _ = write(&mut writer, shows, options);
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Some(SiteFile::new("feeds.opml", bytes))
}

fn write(writer: &mut Writer<Vec<u8>>, shows: &[ShowCard], options: &Options) -> io::Result<()> {
    let (title, torrents, podcasts, all) = match options.language {
        PageLanguage::English => ("Podcasts, as torrents", "Torrent feeds", "Podcast feeds", "All podcasts"),
        PageLanguage::German => ("Podcasts als Torrents", "Torrent-Feeds", "Podcast-Feeds", "Alle Podcasts"),
    };
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer.create_element("opml").with_attribute(("version", "2.0")).write_inner_content(|writer| {
        writer.create_element("head").write_inner_content(|writer| {
            writer.create_element("title").write_text_content(BytesText::new(title))?;
            Ok(())
        })?;
        writer.create_element("body").write_inner_content(|writer| {
            folder(writer, torrents, |writer| {
                feed(writer, all, "", "torrents.xml", options)?;
                shows.iter().try_for_each(|show| {
                    feed(
                        writer,
                        &format!("{} – Torrents", title_of(show)),
                        &show.slug,
                        "torrents.xml",
                        options,
                    )
                })
            })?;
            folder(writer, podcasts, |writer| {
                shows.iter().filter(|show| show.podcast_feed).try_for_each(|show| {
                    feed(writer, &title_of(show).to_string(), &show.slug, "podcast.xml", options)
                })
            })
        })?;
        Ok(())
    })?;
    Ok(())
}

fn title_of(show: &ShowCard) -> Text {
    Text::title(&show.title).or(&show.slug)
}

fn folder(
    writer: &mut Writer<Vec<u8>>,
    text: &str,
    content: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> io::Result<()> {
    writer.create_element("outline").with_attribute(("text", text)).write_inner_content(content)?;
    Ok(())
}

/// OPML 2.0, "Subscription lists": `type`, `text` and `xmlUrl` are required.
fn feed(
    writer: &mut Writer<Vec<u8>>,
    text: &str,
    slug: &str,
    name: &str,
    options: &Options,
) -> io::Result<()> {
    let folder = if slug.is_empty() { String::new() } else { format!("{slug}/") };
    let url = |path: &str| options.absolute(path).map(String::from).unwrap_or_default();
    let (xml_url, html_url) = (url(&format!("{folder}{name}")), url(&folder));
    let attributes =
        [("type", "rss"), ("text", text), ("title", text), ("xmlUrl", &xml_url), ("htmlUrl", &html_url)];
    writer.create_element("outline").with_attributes(attributes).write_empty()?;
    Ok(())
}
