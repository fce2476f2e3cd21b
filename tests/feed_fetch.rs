//! Polling a feed against a real server: conditions, moves, pages, credentials.

use std::time::Duration;

use podseed::feed::{Answer, FetchError, FetchedFeed, Source, Validators, ask};
use podseed::http::{BasicAuth, Http, Meter, Options};
use podseed::model::Item;
use podseed::secret::Secret;
use url::Url;

use crate::support::{Fault, Origin};

const LIMIT: u64 = 1 << 20;

fn http() -> Http {
    Http::new(Options { allow_private_addresses: true, ..Options::default() }).unwrap()
}

/// A feed whose items are numbered, with what else the channel says.
fn feed(items: impl IntoIterator<Item = usize>, channel: &str) -> String {
    let items: String = items
        .into_iter()
        .map(|n| {
            format!("<item><title>Episode {n}</title><guid>e{n}</guid><enclosure url=\"/{n}.mp3\"/></item>")
        })
        .collect();
    format!(
        "<rss xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">\
         <channel><title>Show</title>{channel}{items}</channel></rss>"
    )
}

fn next(url: &str) -> String {
    format!("<atom:link rel=\"next\" href=\"{url}\"/>")
}

/// What one poll comes to.
#[derive(Debug)]
enum Fetched {
    NotModified { moved_to: Option<Url>, poll_after: Option<Duration> },
    Feed(Box<FetchedFeed>),
}

async fn fetch(
    http: &Http,
    source: &Source<'_>,
    meter: &Meter,
    nothing_new: impl Fn(&[Item]) -> bool,
) -> Result<Fetched, FetchError> {
    match ask(http, source, meter).await? {
        Answer::NotModified { moved_to, poll_after } => Ok(Fetched::NotModified { moved_to, poll_after }),
        Answer::Document(unread) => {
            let mut pages = unread.read().await?;
            pages.go_on(meter, nothing_new).await;
            Ok(Fetched::Feed(Box::new(pages.finish())))
        }
    }
}

async fn poll_with(
    url: &Url,
    validators: &Validators,
    auth: Option<&BasicAuth>,
) -> Result<Fetched, FetchError> {
    let source = Source { feed: url, moved_to: None, auth, validators, size_limit: LIMIT };
    fetch(&http(), &source, &Meter::new(), |_| false).await
}

async fn poll(url: &Url) -> FetchedFeed {
    match poll_with(url, &Validators::default(), None).await.unwrap() {
        Fetched::Feed(fetched) => *fetched,
        Fetched::NotModified { .. } => panic!("nothing was known that could be unmodified"),
    }
}

fn guids(items: &[Item]) -> Vec<&str> {
    items.iter().filter_map(|item| item.guid.as_deref()).collect()
}

#[tokio::test]
async fn an_unchanged_feed_costs_one_request_without_a_body() {
    let origin = Origin::start().await;
    origin.file("/feed.xml", feed(0..3, ""));
    let fetched = poll(&origin.url("/feed.xml")).await;
    assert_eq!(fetched.feed.items[0].enclosures[0].url, origin.url("/0.mp3").as_str());
    let sent = origin.bytes_served("/feed.xml");
    let again = poll_with(&origin.url("/feed.xml"), &fetched.validators, None).await.unwrap();
    assert!(matches!(again, Fetched::NotModified { moved_to: None, poll_after: None }));
    assert_eq!(origin.bytes_served("/feed.xml"), sent);
    let last = origin.requests().pop().unwrap();
    assert_eq!(last.header("if-none-match"), fetched.validators.etag.as_deref());
    assert_eq!(last.header("if-modified-since"), fetched.validators.last_modified.as_deref());
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_repeated_items_once() {
    let origin = Origin::start().await;
    origin.file("/feed.xml", feed(0..3, &next("/feed.xml?page=2")));
    origin.file("/feed.xml?page=2", feed(2..5, &next("?page=3#end")));
    origin.file("/feed.xml?page=3", feed(5..6, "<atom:link rel=\"prev-archive\" href=\"/archive.xml\"/>"));
    origin.file("/archive.xml", feed(4..8, ""));
    let fetched = poll(&origin.url("/feed.xml")).await;
    assert_eq!(guids(&fetched.feed.items), ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
    assert!(fetched.complete && !fetched.feed.truncated);
    assert_eq!(origin.requests().len(), 4);
}

#[tokio::test]
async fn pages_that_lead_in_a_circle_end() {
    let origin = Origin::start().await;
    origin.file("/a", feed(0..2, &next("/b")));
    origin.file("/b", feed(2..4, &next("/a#again")));
    assert_eq!(poll(&origin.url("/a")).await.feed.items.len(), 4);
    assert_eq!(origin.requests().len(), 2);
    // A generator that ignores the page number gives the same items under ever new addresses.
    for page in 0..5 {
        origin.file(&format!("/same?page={page}"), feed(0..2, &next(&format!("/same?page={}", page + 1))));
    }
    let fetched = poll(&origin.url("/same?page=0")).await;
    assert_eq!((fetched.feed.items.len(), fetched.complete), (2, true));
    assert_eq!(origin.requests().len(), 4);
}

#[tokio::test]
async fn older_pages_are_not_asked_for_when_all_is_known() {
    let origin = Origin::start().await;
    origin.file("/a", feed(0..2, &next("/b")));
    origin.file("/b", feed(2..4, &next("/c")));
    origin.file("/c", feed(4..6, ""));
    let url = origin.url("/a");
    let source = Source {
        feed: &url,
        moved_to: None,
        auth: None,
        validators: &Validators::default(),
        size_limit: LIMIT,
    };
    let known = |items: &[Item]| guids(items).iter().all(|guid| ["e2", "e3", "e4"].contains(guid));
    let Fetched::Feed(fetched) = fetch(&http(), &source, &Meter::new(), known).await.unwrap() else {
        panic!("nothing was known that could be unmodified")
    };
    assert_eq!(guids(&fetched.feed.items), ["e0", "e1", "e2", "e3"]);
    assert!(!fetched.complete && fetched.validators.etag.is_some());
    assert!(origin.requests_for("/c").is_empty());
}

#[tokio::test]
async fn a_page_that_fails_costs_only_itself_and_is_asked_for_again() {
    let origin = Origin::start().await;
    origin.file("/a", feed(0..2, &next("/b")));
    origin.fault("/b", Fault::Status(500, Vec::new()));
    let fetched = poll(&origin.url("/a")).await;
    assert_eq!(guids(&fetched.feed.items), ["e0", "e1"]);
    assert!(fetched.feed.truncated && !fetched.complete);
    assert_eq!(fetched.validators, Validators::default());
    assert!(fetched.feed.warnings.iter().any(|warning| warning.contains("/b answered 500")), "{fetched:?}");
}

#[tokio::test]
async fn a_move_is_reported_and_new_feed_url_wins() {
    let origin = Origin::start().await;
    let (old, new) = (origin.url("/old"), origin.url("/new"));
    origin.always("/old", Fault::Redirect(301, "/new".to_owned()));
    origin.file("/new", feed(0..1, ""));
    let fetched = poll(&old).await;
    assert_eq!(fetched.moved_to.as_ref(), Some(&new));
    let Fetched::NotModified { moved_to, .. } = poll_with(&old, &fetched.validators, None).await.unwrap()
    else {
        panic!("the feed has not changed")
    };
    assert_eq!(moved_to, Some(new.clone()));
    origin.file("/new", feed(0..1, "<itunes:new-feed-url>https://new.example/feed</itunes:new-feed-url>"));
    assert_eq!(poll(&old).await.moved_to.unwrap().as_str(), "https://new.example/feed");
    let to_itself = format!("<itunes:new-feed-url>{new}</itunes:new-feed-url>");
    origin.file("/new", feed(0..1, &to_itself));
    assert_eq!(poll(&new).await.moved_to, None);
}

#[tokio::test]
async fn credentials_stay_at_the_feeds_own_origin_on_every_page() {
    let (own, other) = (Origin::start().await, Origin::start().await);
    own.file("/a", feed(0..1, &next("/b")));
    own.file("/b", feed(1..2, &next(other.url("/c").as_str())));
    other.file("/c", feed(2..3, &next(own.url("/d").as_str())));
    own.file("/d", feed(3..4, ""));
    let password = Some(Secret::new("geheim".to_owned()));
    let auth = BasicAuth { username: "me".to_owned(), password };
    let mut in_url = own.url("/a");
    in_url.set_username("me").unwrap();
    in_url.set_password(Some("geheim")).unwrap();
    for (url, auth) in [(own.url("/a"), Some(&auth)), (in_url, None)] {
        poll_with(&url, &Validators::default(), auth).await.unwrap();
    }
    assert_eq!((own.requests().len(), other.requests().len()), (6, 2));
    for request in own.requests() {
        assert_eq!(request.header("authorization"), Some("Basic bWU6Z2VoZWlt"), "{}", request.path);
    }
    assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn a_feed_that_has_moved_away_gets_no_credentials_there() {
    let (own, other) = (Origin::start().await, Origin::start().await);
    other.file("/feed", feed(0..1, ""));
    let auth = BasicAuth { username: "me".to_owned(), password: None };
    let (feed, moved_to) = (own.url("/feed"), other.url("/feed"));
    let validators = Validators::default();
    let source = Source {
        feed: &feed,
        moved_to: Some(&moved_to),
        auth: Some(&auth),
        validators: &validators,
        size_limit: LIMIT,
    };
    fetch(&http(), &source, &Meter::new(), |_| false).await.unwrap();
    assert!(own.requests().is_empty());
    assert_eq!(other.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn wishes_of_server_and_feed_are_told() {
    let origin = Origin::start().await;
    origin.file("/a", feed(0..1, "<ttl>30</ttl>"));
    assert_eq!(poll(&origin.url("/a")).await.poll_after, Some(Duration::from_secs(1800)));
    origin.always("/a", Fault::Header("Cache-Control", "max-age=3600"));
    assert_eq!(poll(&origin.url("/a")).await.poll_after, Some(Duration::from_secs(3600)));
}

#[tokio::test]
async fn a_page_instead_of_a_feed_and_too_large_a_feed_are_refused_in_plain_words() {
    let origin = Origin::start().await;
    origin.file("/a", "<!doctype html><html><body>moved</body></html>");
    let url = origin.url("/a?token=geheim");
    origin.file("/a?token=geheim", "<!doctype html><html><body>moved</body></html>");
    let error = poll_with(&url, &Validators::default(), None).await.unwrap_err();
    assert!(matches!(&error, FetchError::Unreadable { .. }));
    assert!(error.to_string().ends_with("gave no feed") && !error.to_string().contains("geheim"), "{error}");
    origin.file("/b", vec![b' '; LIMIT as usize + 1]);
    let error = poll_with(&origin.url("/b"), &Validators::default(), None).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}
