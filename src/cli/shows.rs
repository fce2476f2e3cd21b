//! `podseed shows`: shows by the dozen. What is added here gets a file of its own in `shows.d` beside the
//! configuration; the file that the user has written himself is never changed.

mod add;
mod export;
mod import;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use super::{Context, Error, Outcome};
use crate::config::{self, Config, FeedSource, NewShow};
use crate::pipeline::{self, DataFolder};
use crate::store::{self, Store};
use crate::{error, fs};

/// Add shows, and take lists of them from and to podcast apps (OPML)
#[derive(Debug, Subcommand)]
pub(super) enum ShowsCommand {
    Add(add::AddArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
}

/// How many episodes a show that is added gets
#[derive(Debug, Args)]
struct Latest {
    /// Only the newest N episodes
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    latest: u32,
    /// All episodes
    #[arg(long, conflicts_with = "latest")]
    all: bool,
}

impl Latest {
    fn number(&self) -> Option<u32> {
        (!self.all).then_some(self.latest)
    }
}

pub(super) async fn run(command: &ShowsCommand, context: &Context) -> Result<Outcome, Error> {
    match command {
        ShowsCommand::Add(args) => add::run(args, context).await,
        ShowsCommand::Import(args) => import::run(args, context).await,
        ShowsCommand::Export(args) => export::run(args, context).await,
    }
}

/// Where a show stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    slug: String,
    file: PathBuf,
}

/// What is there already, and where more goes.
struct Shows {
    folder: PathBuf,
    /// Names that no other show may get.
    taken: BTreeSet<String>,
    /// By [`feed_key`].
    feeds: HashMap<String, Place>,
    /// Feeds that were read before they stood in the configuration, likewise.
    recorded: HashMap<String, String>,
}

impl Shows {
    /// Reads the configuration, which has to be sound, and the state, if there is one.
    async fn read(context: &Context) -> Result<(Self, Config), Error> {
        let file = Config::find(context.config_file.as_deref()).map_err(|_| {
            let remedy = "`podseed config example > podseed.yaml` makes one";
            Error::Usage(format!("there is no configuration to which a show could be added; {remedy}"))
        })?;
        let config = Config::load_to_look(&file).map_err(Error::Config)?;
        let folder = config.sources.last().cloned().unwrap_or_default();
        let place = |show: &config::Show| Place { slug: show.slug.clone(), file: show.source.clone() };
        let feed = |show: &config::Show| match &show.feed {
            FeedSource::Url(url) => Some((feed_key(url), place(show))),
            FeedSource::File(_) | FeedSource::Own(_) => None,
        };
        let feeds = config.shows.iter().filter_map(feed).collect();
        let slugs = config.shows.iter().map(|show| show.slug.clone());
        let mut taken: BTreeSet<String> =
            slugs.chain(config.inbox.iter().map(|inbox| inbox.slug.clone())).collect();
        let mut recorded = HashMap::new();
        for (slug, feed) in recorded_feeds(&config).await? {
            let key = Url::parse(&feed).ok().map(|url| feed_key(&url));
            recorded.extend(key.filter(|_| !taken.contains(&slug)).map(|key| (key, slug.clone())));
            taken.insert(slug);
        }
        Ok((Self { folder, taken, feeds, recorded }, config))
    }

    /// Where this feed stands, if it does.
    fn of_feed(&self, url: &Url) -> Option<&Place> {
        self.feeds.get(&feed_key(url))
    }

    /// A name for a show: that under which its feed was read before, else after its title, else after its host.
    fn slug_for(&self, title: &str, url: &Url) -> String {
        if let Some(slug) = self.recorded.get(&feed_key(url)) {
            return slug.clone();
        }
        let has_letters = title.chars().any(|c| c.is_ascii_alphanumeric());
        let wished = pipeline::slug(if has_letters { title } else { url.host_str().unwrap_or_default() });
        let wished = if config::is_slug(&wished) { wished } else { format!("{wished}-show") };
        let numbered = (2..u32::MAX).map(|number| format!("{wished}-{number}"));
        let free = |slug: &String| !self.taken.contains(slug) && !self.file(slug).exists();
        std::iter::once(wished.clone()).chain(numbered).find(free).unwrap_or_default()
    }

    fn file(&self, slug: &str) -> PathBuf {
        self.folder.join(format!("{slug}.yaml"))
    }

    /// From here on this show is there, too.
    fn take(&mut self, show: &NewShow) {
        let place = Place { slug: show.slug.clone(), file: self.file(&show.slug) };
        self.taken.insert(show.slug.clone());
        self.feeds.insert(feed_key(&show.feed), place);
    }

    /// Writes the file of one show; a file that is there is left alone.
    fn write(&self, show: &NewShow, by: &str) -> Result<(), Error> {
        let failed = |error: fs::Error| Error::Failed(error::chain(&error));
        fs::create_dir(&self.folder).map_err(failed)?;
        let text = config::show_file(show, by, today());
        fs::write_new(&self.file(&show.slug), text.as_bytes()).map_err(failed)
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// The slug and address of every show on record; none where nothing was ever recorded.
async fn recorded_feeds(config: &Config) -> Result<Vec<(String, String)>, Error> {
    match open_state(config).await? {
        Some(store) => {
            let feeds = store.feeds().await?;
            store.close().await;
            Ok(feeds)
        }
        None => Ok(Vec::new()),
    }
}

/// The titles of the shows on record, by slug.
async fn recorded_titles(config: &Config) -> Result<BTreeMap<String, String>, Error> {
    match open_state(config).await? {
        Some(store) => {
            let titles = store.titles().await?;
            store.close().await;
            Ok(titles)
        }
        None => Ok(BTreeMap::new()),
    }
}

/// The state; `None` where there is none, or one of an older version that the next run will bring up to date.
async fn open_state(config: &Config) -> Result<Option<Store>, Error> {
    match Store::open_existing(&DataFolder::new(&config.data_dir).state()).await {
        Ok(store) => Ok(Some(store)),
        Err(store::Error::Missing { .. } | store::Error::Older { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What two addresses of one feed have in common: http and https, with and without a `/` at the end.
fn feed_key(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{port}{}{query}", url.host_str().unwrap_or_default(), url.path().trim_end_matches('/'))
}

/// How addresses of feeds begin that are to open an app: `feed://host/path`, `feed:https://host/path`.
const APP_SCHEMES: [&str; 6] = ["feed", "itpc", "itms", "pcast", "podcast", "rss"];

/// The address of a feed, also where it is written for an app.
///
/// # Errors
/// In words that do not repeat it, since a password may stand in it.
fn feed_address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let rest = text.split_once(':').and_then(|(scheme, rest)| {
        APP_SCHEMES.iter().any(|app| scheme.eq_ignore_ascii_case(app)).then_some(rest)
    });
    // Such an address stands for http; a host that wants https says so by a redirect, which is remembered.
    let text = match rest.map(|rest| (rest, rest.trim_start_matches('/'))) {
        None => text.to_owned(),
        Some((_, inner)) if begins_as_web(inner) => inner.to_owned(),
        Some((rest, inner)) if rest.starts_with("//") => format!("http://{inner}"),
        Some(_) => text.to_owned(),
    };
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        return Err("it is no address on the web; it begins with https:// or http://".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a login must not stand in an address; write the show into the configuration, with \
                    `auth: {username: ..., password_file: ...}`"
            .to_owned());
    }
    url.set_fragment(None);
    Ok(url)
}

fn begins_as_web(text: &str) -> bool {
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(with));
    begins("http://") || begins("https://")
}

/// A path as it is shown, as short as the user would write it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    short.unwrap_or_else(|| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_for_apps_are_addresses_of_feeds() {
        for (text, expected) in [
            (" https://example.org/feed.xml#top ", Some("https://example.org/feed.xml")),
            ("feed://example.org/feed.xml", Some("http://example.org/feed.xml")),
            ("feed:https://example.org/feed.xml", Some("https://example.org/feed.xml")),
            ("feed://https://example.org/feed.xml", Some("https://example.org/feed.xml")),
            ("ITPC://example.org:8080/a", Some("http://example.org:8080/a")),
            ("pcast:HTTP://example.org/a", Some("http://example.org/a")),
            ("feed:example.org", None),
            ("example.org/feed.xml", None),
            ("file:///etc/passwd", None),
            ("javascript:alert(1)", None),
            ("magnet:?xt=urn:btih:0", None),
            ("feed://", None),
            ("", None),
        ] {
            assert_eq!(feed_address(text).ok().map(String::from).as_deref(), expected, "{text}");
        }
        let error = feed_address("https://me:pa55@example.org/").unwrap_err();
        assert!(error.contains("auth:") && !error.contains("pa55"), "{error}");
    }

    #[test]
    fn one_feed_has_one_key() {
        let key = |text: &str| feed_key(&text.parse().unwrap());
        assert_eq!(key("http://Example.org/feed/"), key("https://example.org:443/feed"));
        assert_ne!(key("https://example.org/feed?show=1"), key("https://example.org/feed?show=2"));
    }
}
