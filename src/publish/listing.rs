//! Plain lists: `torrents.txt` for download programs and scripts, `sitemap.xml` and `robots.txt` for search engines.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Options, SiteFile, encode_path, torrent_path};
use crate::model::PublishedShow;

/// What a sitemap may hold at most (sitemaps.org).
const MOST_URLS: usize = 50_000;
const SITEMAPS: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";

/// `torrents.txt`: one address of a .torrent per line; absolute with `base_url`, else relative to the list. Each torrent
/// is given by its show's slug and its file's name; those of former versions do not belong there.
pub fn all_torrents<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, options: &Options) -> SiteFile {
    list("", files.into_iter().map(|(slug, name)| torrent_path(slug, name)), options)
}

/// `SLUG/torrents.txt`: the same of one show; none unless [`Options::lists_by_show`].
pub fn show_torrents(show: &PublishedShow, options: &Options) -> Option<SiteFile> {
    let paths = show.in_force().map(|file| torrent_path(&show.slug, &file.name));
    options.lists_by_show.then(|| list(&format!("{}/", show.slug), paths, options))
}

/// `torrents.txt` with [`Options::lists_by_show`]: one address of a show's list per line.
pub fn torrent_lists<'a>(slugs: impl IntoIterator<Item = &'a str>, options: &Options) -> SiteFile {
    list("", slugs.into_iter().map(|slug| format!("{slug}/torrents.txt")), options)
}

/// `FOLDER/torrents.txt`: these paths, which lie in the folder.
fn list(folder: &str, paths: impl Iterator<Item = String>, options: &Options) -> SiteFile {
    let mut text = String::new();
    for path in paths {
        let relative = path.strip_prefix(folder).unwrap_or(&path);
        text.push_str(&options.absolute(&path).map_or_else(|| encode_path(relative), String::from));
        text.push('\n');
    }
    SiteFile::new(format!("{folder}torrents.txt"), text)
}

/// `sitemap.xml`: the list of all shows and each show's page; none without `base_url`. Beyond 50,000 it is an index of
/// `sitemap-1.xml` and so on. It has no dates, so that it changes only with the list.
pub fn sitemap<'a>(slugs: impl IntoIterator<Item = &'a str>, options: &Options) -> Vec<SiteFile> {
    let shows = slugs.into_iter().map(|slug| format!("{slug}/"));
    let pages = std::iter::once(String::new()).chain(shows);
    let urls: Vec<String> = pages.filter_map(|path| options.absolute(&path)).map(String::from).collect();
    if urls.len() <= MOST_URLS {
        // Without a base there is not even the first.
        let is_known = !urls.is_empty();
        return is_known.then(|| urls_file("sitemap.xml", ["urlset", "url"], &urls)).into_iter().collect();
    }
    let parts = (1..).zip(urls.chunks(MOST_URLS));
    let mut files: Vec<_> = parts
        .map(|(number, part)| urls_file(&format!("sitemap-{number}.xml"), ["urlset", "url"], part))
        .collect();
    let addresses: Vec<_> =
        files.iter().filter_map(|file| options.absolute(&file.path)).map(String::from).collect();
    files.insert(0, urls_file("sitemap.xml", ["sitemapindex", "sitemap"], &addresses));
    files
}

fn urls_file(path: &str, names: [&str; 2], urls: &[String]) -> SiteFile {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    // Writing to memory cannot fail.
    let _ = write_urls(&mut writer, names, urls);
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    SiteFile::new(path, bytes)
}

fn write_urls(writer: &mut Writer<Vec<u8>>, [all, one]: [&str; 2], urls: &[String]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer.create_element(all).with_attribute(("xmlns", SITEMAPS)).write_inner_content(|writer| {
        urls.iter().try_for_each(|url| {
            writer.create_element(one).write_inner_content(|writer| {
                writer.create_element("loc").write_text_content(BytesText::new(url))?;
                Ok(())
            })?;
            Ok(())
        })
    })?;
    Ok(())
}

/// `robots.txt`: everybody may read everything; with `base_url` it names the sitemap. Robots read it only at the root of
/// a host.
pub fn robots(options: &Options) -> SiteFile {
    let mut text = "User-agent: *\nAllow: /\n".to_owned();
    if let Some(sitemap) = options.absolute("sitemap.xml") {
        text.push_str(&format!("Sitemap: {sitemap}\n"));
    }
    SiteFile::new("robots.txt", text)
}
