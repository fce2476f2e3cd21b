//! Fifth step of reading: the crates `rss` and `atom_syndication` read the metadata.
//!
//! They see one small document for the show and one for some dozens of items, written by the pull pass:
//! well-formed, two or three levels deep, with the prefixes that they expect. So one item that they refuse costs
//! one item's texts, and items pair by their order.

use jiff::Timestamp;
use rss::Channel;

use crate::model::FeedKind;

use super::draft::{DraftItem, Fields};
use super::sanitise::{collapse, plain_text};
use super::{date, frequency};

/// The show's texts.
#[derive(Default)]
pub(super) struct ShowTexts {
    pub(super) title: String,
    pub(super) link: Option<String>,
    pub(super) new_feed_url: Option<String>,
    /// In seconds.
    pub(super) poll_interval: Option<u64>,
}

/// An item's texts.
#[derive(Default)]
pub(super) struct ItemTexts {
    pub(super) guid: Option<String>,
    pub(super) title: String,
    pub(super) date: Option<Timestamp>,
    pub(super) link: Option<String>,
}

/// A crate has refused what the pass has written; its own words.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Rss(#[from] rss::Error),
    #[error(transparent)]
    Atom(#[from] atom_syndication::Error),
}

/// Reads the show's fields.
pub(super) fn show(kind: FeedKind, fields: &Fields) -> Result<ShowTexts, Refusal> {
    match kind {
        FeedKind::Atom => atom_show(fields),
        FeedKind::Rss | FeedKind::Rdf => rss_show(fields),
    }
}

/// Reads the fields of items, for each of them in their order.
///
/// The crates cost more for a document than for what is in it, so that all items share one. Where it is refused,
/// each gets its own.
pub(super) fn items(kind: FeedKind, items: &[DraftItem]) -> Vec<Result<ItemTexts, Refusal>> {
    let read = match kind {
        FeedKind::Atom => atom_items,
        FeedKind::Rss | FeedKind::Rdf => rss_items,
    };
    if let Ok(texts) = read(items)
        && texts.len() == items.len()
    {
        return texts.into_iter().map(Ok).collect();
    }
    let alone =
        |item| read(std::slice::from_ref(item)).map(|texts| texts.into_iter().next().unwrap_or_default());
    items.iter().map(alone).collect()
}

fn rss_show(fields: &Fields) -> Result<ShowTexts, Refusal> {
    let document = format!(
        "<rss version=\"2.0\" xmlns:sy=\"{}\" xmlns:itunes=\"{}\"><channel>{}</channel></rss>",
        rss::extension::syndication::NAMESPACE,
        rss::extension::itunes::NAMESPACE,
        fields.as_xml()
    );
    let channel = Channel::read_from(document.as_bytes())?;
    let ttl = channel.ttl().and_then(frequency::of_ttl);
    Ok(ShowTexts {
        title: collapse(channel.title()),
        link: web_page(channel.link()),
        new_feed_url: channel.itunes_ext().and_then(|itunes| itunes.new_feed_url()).and_then(web_page),
        poll_interval: ttl.or_else(|| channel.syndication_ext().and_then(frequency::of_syndication)),
    })
}

fn rss_items(items: &[DraftItem]) -> Result<Vec<ItemTexts>, Refusal> {
    let dublin_core = rss::extension::dublincore::NAMESPACE;
    let head = format!("<rss version=\"2.0\" xmlns:dc=\"{dublin_core}\"><channel>");
    let document = document([&head, "<item>", "</item>", "</channel></rss>"], items);
    let channel = Channel::read_from(document.as_bytes())?;
    Ok(channel.items().iter().map(rss_item).collect())
}

fn rss_item(item: &rss::Item) -> ItemTexts {
    let dublin_core = item.dublin_core_ext().into_iter().flat_map(|dublin_core| dublin_core.dates());
    let permalink = item.guid().filter(|guid| guid.is_permalink()).map(|guid| guid.value());
    ItemTexts {
        guid: item.guid().and_then(|guid| non_empty(collapse(guid.value()))),
        title: collapse(item.title().unwrap_or_default()),
        date: item.pub_date().into_iter().chain(dublin_core.map(String::as_str)).find_map(date::read),
        link: item.link().and_then(web_page).or_else(|| permalink.and_then(web_page)),
    }
}

fn atom_show(fields: &Fields) -> Result<ShowTexts, Refusal> {
    let document = format!("<feed>{}</feed>", fields.as_xml());
    let feed = atom_syndication::Feed::read_from(document.as_bytes())?;
    Ok(ShowTexts {
        title: atom_text(feed.title()),
        link: feed.links().first().and_then(|link| web_page(link.href())),
        ..ShowTexts::default()
    })
}

fn atom_items(items: &[DraftItem]) -> Result<Vec<ItemTexts>, Refusal> {
    let document = document(["<feed>", "<entry>", "</entry>", "</feed>"], items);
    let feed = atom_syndication::Feed::read_from(document.as_bytes())?;
    Ok(feed.entries().iter().map(atom_item).collect())
}

fn atom_item(entry: &atom_syndication::Entry) -> ItemTexts {
    // The crate fills a missing `updated` with 1970.
    let updated = Some(entry.updated()).filter(|updated| updated.timestamp() != 0);
    let date = entry.published().or(updated).map(|date| date.timestamp());
    ItemTexts {
        guid: non_empty(collapse(entry.id())),
        title: atom_text(entry.title()),
        date: date.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        link: entry.links().first().and_then(|link| web_page(link.href())),
    }
}

/// One document of all items: `head`, each of them between `open` and `close`, and `tail`.
fn document([head, open, close, tail]: [&str; 4], items: &[DraftItem]) -> String {
    let parts = items.iter().flat_map(|item| [open, item.fields.as_xml(), close]);
    [head].into_iter().chain(parts).chain([tail]).collect::<Vec<_>>().concat()
}

fn atom_text(text: &atom_syndication::Text) -> String {
    match text.r#type {
        atom_syndication::TextType::Html => collapse(&plain_text(&text.value)),
        _ => collapse(&text.value),
    }
}

/// An address of the web, trimmed.
pub(super) fn web_page(address: &str) -> Option<String> {
    let address = address.trim();
    let scheme = address.split("://").next().filter(|scheme| scheme.len() < address.len())?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    is_web.then(|| address.to_owned())
}

fn non_empty(text: String) -> Option<String> {
    if text.is_empty() { None } else { Some(text) }
}
