//! `podseed feed`: what podseed reads from a feed. Nothing is stored.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use url::Url;

use super::output::plain;
use crate::feed::{self, Answer, FetchError, FetchedFeed, SIZE_LIMIT, Source, Validators};
use crate::http::{Http, Meter};
use crate::model::{Enclosure, Feed, FeedKind, Item};
use crate::units::ByteSize;

/// Show what podseed reads from a feed; nothing is stored
#[derive(Debug, Args)]
pub struct FeedArgs {
    /// A file, or an address beginning with http:// or https://
    feed: String,
    /// Where the file comes from: relative addresses in it are resolved against this one
    #[arg(long, value_name = "URL")]
    base: Option<Url>,
}

impl FeedArgs {
    /// Whether the feed is on the web, and [`run`] needs the client.
    pub fn is_remote(&self) -> bool {
        self.address().is_some()
    }

    fn address(&self) -> Option<Url> {
        Url::parse(&self.feed).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    }
}

/// Why a feed cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read from disk.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file can be read, and is no feed.
    #[error("{} is no feed", path.display())]
    NoFeed {
        /// The file.
        path: PathBuf,
        /// What it is.
        source: feed::Error,
    },
    /// The address gave no feed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Standard output is closed.
    #[error("cannot write the result")]
    Output(#[from] io::Error),
}

/// Reads the feed, all pages of it if it is on the web, and shows it: for people, or as one JSON document.
pub async fn run(args: &FeedArgs, json: bool, http: &Http, out: &mut dyn Write) -> Result<(), Error> {
    let feed = match args.address() {
        Some(url) => fetch(&url, http).await?,
        None => read_file(Path::new(&args.feed), args.base.as_ref())?,
    };
    let mut out = io::BufWriter::new(out);
    if json {
        serde_json::to_writer(&mut out, &FeedJson::from(&feed)).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        print(&feed, &mut out)?;
    }
    Ok(out.flush()?)
}

/// Reads a feed from disk. Relative addresses stay relative without a base.
fn read_file(path: &Path, base: Option<&Url>) -> Result<Feed, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(SIZE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    feed::read(&bytes, None, base).map_err(|source| Error::NoFeed { path: path.to_owned(), source })
}

async fn fetch(url: &Url, http: &Http) -> Result<Feed, FetchError> {
    fetch_pages(url, http, false).await.map(|fetched| fetched.feed)
}

/// The first page of a feed.
pub(super) async fn fetch_first(url: &Url, http: &Http) -> Result<FetchedFeed, FetchError> {
    fetch_pages(url, http, true).await
}

async fn fetch_pages(url: &Url, http: &Http, only_first: bool) -> Result<FetchedFeed, FetchError> {
    let validators = Validators::default();
    let source = Source {
        feed: url,
        moved_to: None,
        auth: None,
        validators: &validators,
        size_limit: SIZE_LIMIT as u64,
    };
    let meter = Meter::new();
    match feed::ask(http, &source, &meter).await? {
        Answer::Document(unread) => {
            let mut pages = unread.read().await?;
            pages.go_on(&meter, |_| only_first).await;
            Ok(pages.finish())
        }
        // Nobody may answer so to a request without conditions; there is no body to read.
        Answer::NotModified { .. } => {
            Err(FetchError::Unreadable { url: url.clone().into(), source: feed::Error::Empty })
        }
    }
}

/// What `feed --json` prints. It borrows: a large feed is in memory once.
#[derive(Serialize)]
struct FeedJson<'a> {
    title: &'a str,
    kind: &'static str,
    warnings: &'a [String],
    #[serde(serialize_with = "items_json")]
    items: &'a [Item],
    paging: PagingJson<'a>,
    licence: Option<&'a str>,
    locked: bool,
    blocked: bool,
}

#[derive(Serialize)]
struct PagingJson<'a> {
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct ItemJson<'a> {
    guid: Option<&'a str>,
    title: &'a str,
    date: Option<Timestamp>,
    live: bool,
    enclosures: Vec<EnclosureJson<'a>>,
}

#[derive(Serialize)]
struct EnclosureJson<'a> {
    url: &'a str,
    #[serde(rename = "type")]
    media_type: Option<&'a str>,
    length: Option<u64>,
    role: &'static str,
}

impl<'a> From<&'a Feed> for FeedJson<'a> {
    fn from(feed: &'a Feed) -> Self {
        Self {
            title: &feed.title,
            kind: kind_name(feed.kind),
            warnings: &feed.warnings,
            items: &feed.items,
            paging: PagingJson { next: feed.next_page.as_deref() },
            licence: feed.licence.as_deref(),
            locked: feed.locked,
            blocked: feed.blocked,
        }
    }
}

impl<'a> From<&'a Item> for ItemJson<'a> {
    fn from(item: &'a Item) -> Self {
        let enclosures = item.enclosures.iter().map(EnclosureJson::from).collect();
        Self { guid: item.guid.as_deref(), title: &item.title, date: item.date, live: item.live, enclosures }
    }
}

impl<'a> From<&'a Enclosure> for EnclosureJson<'a> {
    fn from(enclosure: &'a Enclosure) -> Self {
        Self {
            url: &enclosure.url,
            media_type: enclosure.media_type.as_deref(),
            length: enclosure.length,
            role: enclosure.role.as_str(),
        }
    }
}

fn items_json<S: Serializer>(items: &[Item], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(items.iter().map(ItemJson::from))
}

fn print(feed: &Feed, out: &mut dyn Write) -> io::Result<()> {
    let title = if feed.title.is_empty() { "(no title)" } else { &feed.title };
    let number = feed.items.len();
    let items = if number == 1 { "item" } else { "items" };
    writeln!(out, "{} ({}, {number} {items})", plain(title), kind_name(feed.kind))?;
    let facts = [
        ("page", feed.link.as_deref()),
        ("licence", feed.licence.as_deref()),
        ("older items", feed.next_page.as_deref()),
        ("moved to", feed.new_feed_url.as_deref()),
        ("locked", feed.locked.then_some("yes: the publisher does not want it taken over by another host")),
        ("blocked", feed.blocked.then_some("yes: the publisher does not want it published elsewhere")),
    ];
    for (what, value) in facts {
        if let Some(value) = value {
            writeln!(out, "{what:<12}{}", plain(value))?;
        }
    }
    for warning in &feed.warnings {
        writeln!(out, "warning     {}", plain(warning))?;
    }
    feed.items.iter().try_for_each(|item| print_item(item, out))
}

fn print_item(item: &Item, out: &mut dyn Write) -> io::Result<()> {
    let date = item.date.map_or_else(|| "-".to_owned(), |date| date.strftime("%Y-%m-%d").to_string());
    let live = if item.live { " (live)" } else { "" };
    writeln!(out, "\n{date:<12}{}{live}", plain(&item.title))?;
    for enclosure in &item.enclosures {
        let facts = [
            Some(enclosure.role.as_str().to_owned()),
            enclosure.media_type.clone(),
            enclosure.length.map(|length| ByteSize(length).to_string()),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        writeln!(out, "            {} ({})", plain(&enclosure.url), plain(&facts.join(", ")))?;
    }
    Ok(())
}

fn kind_name(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Rss => "rss",
        FeedKind::Atom => "atom",
        FeedKind::Rdf => "rdf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = "<rss xmlns:podcast='https://podcastindex.org/namespace/1.0'><channel><title>Show</title>\
        <link>https://radio.test/</link><podcast:license>cc-by-4.0</podcast:license>\
        <podcast:locked>yes</podcast:locked>\
        <item><title>\u{202e}One &amp; only</title><guid>1</guid><pubDate>Tue, 03 Feb 2026 10:00:00 GMT</pubDate>\
        <enclosure url='a.mp3' type='audio/mpeg' length='1048576'/></item>\
        <podcast:liveItem><title>Now</title></podcast:liveItem></channel></rss>";

    fn feed(base: Option<&str>) -> Feed {
        let base = base.map(|base| Url::parse(base).unwrap());
        feed::read(FEED.as_bytes(), None, base.as_ref()).unwrap()
    }

    #[test]
    fn the_json_has_the_shape_that_others_rely_on() {
        let json = serde_json::to_string_pretty(&FeedJson::from(&feed(Some("https://radio.test/feed.xml"))))
            .unwrap();
        insta::assert_snapshot!(
            json.replace('\u{202e}', "[RLO]"),
            @r#"
        {
          "title": "Show",
          "kind": "rss",
          "warnings": [],
          "items": [
            {
              "guid": "1",
              "title": "[RLO]One & only",
              "date": "2026-02-03T10:00:00Z",
              "live": false,
              "enclosures": [
                {
                  "url": "https://radio.test/a.mp3",
                  "type": "audio/mpeg",
                  "length": 1048576,
                  "role": "enclosure"
                }
              ]
            },
            {
              "guid": null,
              "title": "Now",
              "date": null,
              "live": true,
              "enclosures": []
            }
          ],
          "paging": {
            "next": null
          },
          "licence": "cc-by-4.0",
          "locked": true,
          "blocked": false
        }
        "#
        );
    }

    #[test]
    fn the_listing_is_readable_and_cannot_trick_a_terminal() {
        let mut out = Vec::new();
        print(&feed(None), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        Show (rss, 2 items)
        page        https://radio.test/
        licence     cc-by-4.0
        locked      yes: the publisher does not want it taken over by another host

        2026-02-03  �One & only
                    a.mp3 (enclosure, audio/mpeg, 1 MiB)

        -           Now (live)
        "#);
    }

    #[tokio::test]
    async fn a_file_that_is_no_feed_is_named_with_the_reason() {
        let args =
            FeedArgs { feed: concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned(), base: None };
        let http = Http::new(crate::http::Options::default()).unwrap();
        let error = run(&args, true, &http, &mut Vec::new()).await.unwrap_err();
        assert!(
            matches!(&error, Error::NoFeed { .. }) && error.to_string().ends_with("Cargo.toml is no feed")
        );
        let missing = FeedArgs { feed: "/nowhere.xml".to_owned(), base: None };
        let error = run(&missing, true, &http, &mut Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nowhere.xml");
    }
}
