//! One poll of a feed: a conditional request, then page after page (RFC 5005) to the end or to what is known.
//!
//! Asks each address once and never waits for anything but the answers; when the next poll is due is told,
//! not decided here.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use url::Url;

use crate::http::{self, BasicAuth, Http, Meter, Request};
use crate::model::{Feed, Item};
use crate::secret::SafeUrl;

/// As many pages are read in one poll: ten thousand episodes at the usual 25 a page.
const MOST_PAGES: usize = 400;
/// All pages together may be so many times as large as one.
const MOST_SIZES: u64 = 4;
/// What a server may ask for by `Cache-Control`: more is a misunderstanding.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

const ACCEPTED: HeaderValue =
    HeaderValue::from_static("application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5");

/// Where a feed is, and what is known of it.
#[derive(Debug)]
pub struct Source<'a> {
    /// Its address as the user wrote it: its host may be a private one, and it alone gets the credentials
    /// (those in the URL are used like `auth`).
    pub feed: &'a Url,
    /// Where it has moved for good since, as an earlier poll has told.
    pub moved_to: Option<&'a Url>,
    /// Sent to the origin of `feed` only, on every page.
    pub auth: Option<&'a BasicAuth>,
    /// From the last poll that was complete.
    pub validators: &'a Validators,
    /// The largest page that is taken, in bytes.
    pub size_limit: u64,
}

/// What identifies a state of a document (RFC 9110, section 8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`, as sent.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
}

/// A feed as it was fetched.
#[derive(Debug)]
pub struct FetchedFeed {
    /// All pages in one.
    pub feed: Feed,
    /// The first page as the publisher sent it, perhaps as a gzip stream.
    pub document: Vec<u8>,
    /// The `Content-Type` of the first page.
    pub content_type: Option<String>,
    /// Where the first page came from in the end.
    pub url: Url,
    /// To be given with the next poll; empty when a page is missing, so that it is asked for again.
    pub validators: Validators,
    /// Where the feed has moved for good: `itunes:new-feed-url`, else a permanent redirect.
    pub moved_to: Option<Url>,
    /// How long the server or the feed asks not to be asked again.
    pub poll_after: Option<Duration>,
    /// Whether all pages were read. If not, an absent item means nothing.
    pub complete: bool,
    /// Whether an older page could not be read: the next poll should take nothing as known.
    pub page_failed: bool,
}

/// A poll that brought no feed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The request failed.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The answer is no feed.
    #[error("{url} gave no feed")]
    Unreadable {
        /// Who answered in the end.
        url: SafeUrl,
        /// Why it is none.
        source: super::Error,
    },
}

/// What a server has answered before its body is read.
pub enum Answer<'a> {
    /// Nothing has changed since the validators were given.
    NotModified {
        /// Where the feed has moved for good.
        moved_to: Option<Url>,
        /// How long the server asks not to be asked again.
        poll_after: Option<Duration>,
    },
    /// A document is coming.
    Document(Box<Unread<'a>>),
}

/// A document of which only the headers are there, so that nothing of it is in memory yet.
pub struct Unread<'a> {
    http: Http,
    source: &'a Source<'a>,
    response: http::Response,
}

/// Asks for a feed, once. Requests and bytes are counted on `meter`, whatever comes of it.
pub async fn ask<'a>(http: &Http, source: &'a Source<'a>, meter: &Meter) -> Result<Answer<'a>, FetchError> {
    let http = http.trusting(source.feed);
    let request = source.request(source.url().clone(), source.validators);
    let response = http.get(request, meter).await?;
    if response.status == StatusCode::NOT_MODIFIED {
        let moved_to = response.moved.last().cloned();
        return Ok(Answer::NotModified { moved_to, poll_after: max_age(&response.headers) });
    }
    Ok(Answer::Document(Box::new(Unread { http, source, response })))
}

impl<'a> Unread<'a> {
    /// Receives and reads the document: the first page of the feed, and mostly all of it.
    pub async fn read(self) -> Result<Pages<'a>, FetchError> {
        let Self { http, source, response } = self;
        let moved_to = response.moved.last().cloned();
        let max_age = max_age(&response.headers);
        let page = receive(response, source.size_limit).await?;
        let wish = page.feed.poll_interval.map(Duration::from_secs);
        let new_feed_url = page.feed.new_feed_url.as_deref().and_then(|url| web_address(url, &page.url));
        let new_feed_url = new_feed_url.filter(|url| url != source.url() && *url != page.url);
        Ok(Pages::begin(http, source, page, new_feed_url.or(moved_to), max_age.max(wish)))
    }
}

impl Source<'_> {
    fn url(&self) -> &Url {
        self.moved_to.unwrap_or(self.feed)
    }

    fn request(&self, mut url: Url, validators: &Validators) -> Request {
        let is_own = url.origin() == self.feed.origin();
        if is_own && url.username().is_empty() && url.password().is_none() {
            // Fails only for URLs without a host, which are refused anyway.
            let _ = (url.set_username(self.feed.username()), url.set_password(self.feed.password()));
        }
        let mut request = Request::document(url);
        request.auth = self.auth.filter(|_| is_own).cloned();
        request.headers.insert(ACCEPT, ACCEPTED);
        // Unpacked by its first bytes and within the size limit, see `guard`.
        request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let conditions = [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)];
        for (name, value) in conditions {
            if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
                request.headers.insert(name, value);
            }
        }
        request
    }
}

/// One document of a feed.
struct Page {
    feed: Feed,
    bytes: Vec<u8>,
    content_type: Option<String>,
    validators: Validators,
    url: Url,
}

async fn receive(response: http::Response, size_limit: u64) -> Result<Page, FetchError> {
    let text = |name: HeaderName| {
        response.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let content_type = text(reqwest::header::CONTENT_TYPE);
    let validators = Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) };
    let url = response.url.clone();
    let bytes = response.body.collect(size_limit).await?;
    let limit = usize::try_from(size_limit).unwrap_or(usize::MAX);
    let feed = super::read_within(&bytes, content_type.as_deref(), Some(&url), limit)
        .map_err(|source| FetchError::Unreadable { url: SafeUrl::from(url.clone()), source })?;
    Ok(Page { feed, bytes, content_type, validators, url })
}

/// What identifies an item on two pages: archives and moving page borders repeat items.
type ItemKey = (Option<String>, String, Vec<String>);

fn key(item: &Item) -> ItemKey {
    let urls = item.enclosures.iter().map(|enclosure| enclosure.url.clone()).collect();
    (item.guid.clone(), item.title.clone(), urls)
}

/// The way through the pages of one feed. A page that fails does not cost the others: the feed comes without it, marked
/// as truncated.
pub struct Pages<'a> {
    http: Http,
    source: &'a Source<'a>,
    first: Page,
    next: Option<Url>,
    /// Without fragments; addresses and where they redirected to.
    visited: HashSet<Url>,
    seen: HashSet<ItemKey>,
    moved_to: Option<Url>,
    poll_after: Option<Duration>,
    complete: bool,
    failed: bool,
}

impl<'a> Pages<'a> {
    fn begin(
        http: Http,
        source: &'a Source<'a>,
        first: Page,
        moved_to: Option<Url>,
        poll_after: Option<Duration>,
    ) -> Self {
        let visited = [source.url(), &first.url].into_iter().cloned().map(without_fragment).collect();
        let next = next_page(&first.feed, &first.url);
        // Nearly every feed has one page, and nothing that could be there twice.
        let seen = match next {
            Some(_) => first.feed.items.iter().map(key).collect(),
            None => HashSet::new(),
        };
        Self { http, source, first, next, visited, seen, moved_to, poll_after, complete: true, failed: false }
    }

    /// Whether there are older pages.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// Reads older pages, until `nothing_new` says of the last one that its items are all known.
    pub async fn go_on(&mut self, meter: &Meter, nothing_new: impl Fn(&[Item]) -> bool) {
        if !self.has_more() {
            return;
        }
        let mut known = nothing_new(&self.first.feed.items);
        let bytes_before = meter.bytes();
        while let Some(url) = self.next.take() {
            if !self.visited.insert(url.clone()) {
                return;
            }
            if known {
                self.complete = false;
                return;
            }
            let bytes = meter.bytes() - bytes_before;
            if self.visited.len() > MOST_PAGES || bytes > self.source.size_limit.saturating_mul(MOST_SIZES) {
                return self.stop("it has more pages than are read at once");
            }
            let page = match self.ask(url, meter).await {
                Ok(page) => page,
                Err(error) => return self.stop(&error_text(&error)),
            };
            known = nothing_new(&page.feed.items);
            if !self.merge(page) {
                return;
            }
        }
    }

    async fn ask(&self, url: Url, meter: &Meter) -> Result<Page, FetchError> {
        let response = self.http.get(self.source.request(url, &Validators::default()), meter).await?;
        receive(response, self.source.size_limit).await
    }

    /// Takes the items that are not there yet. Says whether there were any: a page that repeats only what is
    /// there leads in a circle.
    fn merge(&mut self, page: Page) -> bool {
        let feed = &mut self.first.feed;
        let before = feed.items.len();
        self.next = next_page(&page.feed, &page.url);
        self.visited.insert(without_fragment(page.url));
        feed.truncated |= page.feed.truncated;
        for warning in page.feed.warnings {
            if !feed.warnings.contains(&warning) {
                feed.warnings.push(warning);
            }
        }
        feed.items.extend(page.feed.items.into_iter().filter(|item| self.seen.insert(key(item))));
        feed.items.len() > before
    }

    fn stop(&mut self, why: &str) {
        self.complete = false;
        self.failed = true;
        self.first.feed.truncated = true;
        self.first.feed.warnings.push(format!("older pages of the feed are missing: {why}"));
    }

    /// The feed as far as it was read.
    pub fn finish(self) -> FetchedFeed {
        let validators = if self.failed { Validators::default() } else { self.first.validators };
        FetchedFeed {
            feed: self.first.feed,
            document: self.first.bytes,
            content_type: self.first.content_type,
            url: self.first.url,
            validators,
            moved_to: self.moved_to,
            poll_after: self.poll_after,
            complete: self.complete,
            page_failed: self.failed,
        }
    }
}

fn next_page(feed: &Feed, base: &Url) -> Option<Url> {
    feed.next_page.as_deref().and_then(|next| web_address(next, base)).map(without_fragment)
}

fn web_address(text: &str, base: &Url) -> Option<Url> {
    base.join(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let seconds = directives
        .flat_map(|value| value.split(','))
        .find_map(|directive| directive.trim().to_ascii_lowercase().strip_prefix("max-age=")?.parse().ok())?;
    Some(Duration::from_secs(seconds).min(LONGEST_MAX_AGE)).filter(|age| !age.is_zero())
}

/// The error and what lies below it, in one line.
fn error_text(error: &FetchError) -> String {
    match error {
        FetchError::Http(error) => error.to_string(),
        FetchError::Unreadable { source, .. } => format!("{error}: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_taken_up_to_a_day() {
        let age = |value: &'static str| {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(value))]);
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("public, Max-Age=600"), Some(600));
        assert_eq!(age("max-age=31536000, immutable"), Some(86_400));
        assert_eq!(age("no-cache, max-age=0"), None);
        assert_eq!(age("max-age=soon"), None);
    }
}
