//! The HTTP client against a real server: redirects, credentials, the address guard, pauses and broken answers.

use std::time::Duration;

use podseed::http::{Advice, BasicAuth, Error, Http, Meter, Options, Patience, Request, Response};
use podseed::secret::Secret;
use url::Url;

use crate::support::{Fault, Origin};

/// A client that may ask this machine.
fn open() -> Http {
    Http::new(Options { allow_private_addresses: true, ..Options::default() }).unwrap()
}

async fn get(http: &Http, url: Url) -> Result<Response, Error> {
    http.get(Request::document(url), &Meter::new()).await
}

async fn text(http: &Http, url: Url) -> Result<String, Error> {
    let bytes = get(http, url).await?.body.collect(1 << 20).await?;
    Ok(String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn the_user_agent_is_honest_and_names_a_contact() {
    let origin = Origin::start().await;
    origin.file("/feed.xml", "feed");
    get(&open(), origin.url("/feed.xml")).await.unwrap();
    let contact = Some("https://example.org/podseed".to_owned());
    let options = Options { contact, allow_private_addresses: true, ..Options::default() };
    get(&Http::new(options).unwrap(), origin.url("/feed.xml")).await.unwrap();
    let agents: Vec<_> =
        origin.requests().iter().map(|request| request.header("user-agent").unwrap().to_owned()).collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(agents[0], format!("podseed/{version} (+{})", env!("CARGO_PKG_REPOSITORY")));
    assert_eq!(agents[1], format!("podseed/{version} (+https://example.org/podseed)"));
    assert!(origin.requests().iter().all(|request| request.header("accept-encoding").is_none()));
}

#[tokio::test]
async fn a_contact_that_breaks_the_header_is_refused() {
    let options = Options { contact: Some("me\r\nX-Evil: 1".to_owned()), ..Options::default() };
    assert!(matches!(Http::new(options), Err(Error::Setup { .. })));
}

#[tokio::test]
async fn this_machine_is_refused_by_address_by_name_and_after_a_redirect() {
    let (feed, inner) = (Origin::start().await, Origin::start().await);
    let http = Http::new(Options::default()).unwrap().trusting(&feed.url("/feed.xml"));
    feed.fault("/by-address", Fault::Redirect(302, inner.url("/admin").into()));
    feed.fault("/by-name", Fault::Redirect(302, inner.url_by_name("/admin").into()));
    feed.fault("/metadata", Fault::Redirect(302, "http://169.254.169.254/latest/".to_owned()));
    let refused = [
        inner.url("/admin"),
        inner.url_by_name("/admin"),
        feed.url_by_name("/same-port-but-another-name"),
        feed.url("/by-address"),
        feed.url("/by-name"),
        feed.url("/metadata"),
    ];
    for url in refused {
        let error = get(&http, url.clone()).await.unwrap_err();
        assert!(matches!(error, Error::RefusedAddress { .. }), "{url}: {error:?}");
        assert_eq!(error.advice(), Advice::Never);
    }
    assert!(inner.requests().is_empty());
}

#[tokio::test]
async fn the_host_and_port_that_the_user_wrote_are_trusted_by_name_too() {
    let origin = Origin::start().await;
    origin.file("/feed.xml", "feed");
    let http = Http::new(Options::default()).unwrap();
    let trusting = http.trusting(&origin.url_by_name("/other.xml"));
    assert_eq!(text(&trusting, origin.url_by_name("/feed.xml")).await.unwrap(), "feed");
    assert!(get(&http, origin.url_by_name("/feed.xml")).await.is_err());
}

#[tokio::test]
async fn permanent_moves_are_reported_up_to_the_first_temporary_one() {
    let origin = Origin::start().await;
    origin.file("/d", "end");
    origin.fault("/a", Fault::Redirect(301, "/b".to_owned()));
    origin.fault("/b", Fault::Redirect(308, origin.url("/c").into()));
    origin.fault("/c", Fault::Redirect(302, "/d".to_owned()));
    let meter = Meter::new();
    let response = open().get(Request::document(origin.url("/a")), &meter).await.unwrap();
    assert_eq!(response.moved, [origin.url("/b"), origin.url("/c")]);
    assert_eq!(response.url, origin.url("/d"));
    assert_eq!(response.body.collect(3).await.unwrap(), b"end");
    assert_eq!((meter.requests(), meter.bytes()), (4, 3));
}

#[tokio::test]
async fn ten_redirects_are_followed_and_a_loop_ends() {
    let origin = Origin::start().await;
    origin.file("/10", "end");
    for hop in 0..10 {
        origin.fault(&format!("/{hop}"), Fault::Redirect(302, format!("/{}", hop + 1)));
    }
    assert_eq!(text(&open(), origin.url("/0")).await.unwrap(), "end");
    origin.always("/loop", Fault::Redirect(302, "/loop".to_owned()));
    let error = get(&open(), origin.url("/loop")).await.unwrap_err();
    assert!(matches!(error, Error::TooManyRedirects { .. }), "{error}");
    assert_eq!(origin.requests_for("/loop").len(), 11);
}

#[tokio::test]
async fn redirects_to_nowhere_and_to_other_schemes_are_refused() {
    let origin = Origin::start().await;
    for target in
        ["file:///etc/passwd", "ftp://example.org/a.mp3", "data:audio/mpeg,x", "gopher://127.0.0.1:70/"]
    {
        origin.fault("/a.mp3", Fault::Redirect(302, target.to_owned()));
        let error = get(&open(), origin.url("/a.mp3")).await.unwrap_err();
        assert!(matches!(error, Error::Scheme { .. }), "{target}: {error}");
    }
    origin.fault("/a.mp3", Fault::Status(302, Vec::new()));
    let error = get(&open(), origin.url("/a.mp3")).await.unwrap_err();
    assert!(matches!(error, Error::BadRedirect { .. }), "{error}");
    let error = get(&open(), "file:///etc/passwd".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Scheme { .. }), "{error}");
}

#[tokio::test]
async fn credentials_stay_at_their_origin() {
    let (home, stranger) = (Origin::start().await, Origin::start().await);
    home.fault("/feed.xml", Fault::Redirect(302, "/moved.xml".to_owned()));
    home.fault("/moved.xml", Fault::Redirect(302, stranger.url("/feed.xml").into()));
    stranger.fault("/feed.xml", Fault::Redirect(302, home.url("/back.xml").into()));
    home.file("/back.xml", "feed");
    let auth = BasicAuth { username: "me".to_owned(), password: Some(Secret::new("hush")) };
    let request = Request { auth: Some(auth), ..Request::document(home.url("/feed.xml")) };
    open().get(request, &Meter::new()).await.unwrap();
    let sent =
        |origin: &Origin, path| origin.requests_for(path)[0].header("authorization").map(str::to_owned);
    assert_eq!(sent(&home, "/feed.xml").unwrap(), "Basic bWU6aHVzaA==");
    assert_eq!(sent(&home, "/moved.xml").unwrap(), "Basic bWU6aHVzaA==");
    assert_eq!(sent(&stranger, "/feed.xml"), None);
    assert_eq!(sent(&home, "/back.xml"), None);
}

#[tokio::test]
async fn credentials_in_a_url_are_sent_and_shown_nowhere() {
    let origin = Origin::start().await;
    origin.file("/feed.xml", "feed");
    let mut url = origin.url("/feed.xml");
    url.set_username("m%40e").unwrap();
    url.set_password(Some("hush")).unwrap();
    let response = get(&open(), url.clone()).await.unwrap();
    assert_eq!(response.url, origin.url("/feed.xml"));
    assert_eq!(origin.requests()[0].header("authorization"), Some("Basic bUBlOmh1c2g="));
    url.set_path("/missing");
    url.set_query(Some("token=hush"));
    let error = get(&open(), url).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}

#[tokio::test]
async fn no_error_shows_a_secret_of_the_url() {
    let origin = Origin::start().await;
    let patience = Patience { read: Duration::from_millis(50), ..Patience::default() };
    let http = Http::new(Options { allow_private_addresses: true, patience, ..Options::default() }).unwrap();
    origin.fault("/a?token=hush", Fault::Garbage);
    origin.fault("/a?token=hush", Fault::Hang);
    let closed: Url = "http://127.0.0.1:1/a?token=hush".parse().unwrap();
    for url in [origin.url("/a?token=hush"), origin.url("/a?token=hush"), closed] {
        let error = get(&http, url).await.unwrap_err();
        assert!(matches!(error.advice(), Advice::Later { after: None }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let origin = Origin::start().await;
    origin.fault("/garbage", Fault::Garbage);
    let http = open();
    let failure = |url: Url| async { get(&http, url).await.unwrap_err() };
    assert!(matches!(failure(origin.url("/garbage")).await, Error::Interrupted { .. }));
    assert!(matches!(failure("http://127.0.0.1:1/".parse().unwrap()).await, Error::Connect { .. }));
    let mut secure = origin.url("/");
    secure.set_scheme("https").unwrap();
    assert!(matches!(failure(secure).await, Error::Tls { .. }));
    assert!(matches!(failure("http://no-such-name.invalid/".parse().unwrap()).await, Error::Connect { .. }));
}

#[tokio::test]
async fn silence_ends_with_the_patience() {
    let origin = Origin::start().await;
    origin.fault("/hang", Fault::Hang);
    let patience = Patience { read: Duration::from_millis(50), ..Patience::default() };
    let http = Http::new(Options { allow_private_addresses: true, patience, ..Options::default() }).unwrap();
    assert!(matches!(get(&http, origin.url("/hang")).await, Err(Error::Timeout { .. })));
}

#[tokio::test]
async fn bodies_that_end_early_drip_or_never_end_are_failures() {
    let origin = Origin::start().await;
    let patience = Patience {
        read: Duration::from_secs(5),
        window: Duration::from_millis(100),
        least_bytes: 1 << 20,
        ..Patience::default()
    };
    let http = Http::new(Options { allow_private_addresses: true, patience, ..Options::default() }).unwrap();
    origin.file("/feed.xml", vec![b'x'; 100_000]);
    origin.fault("/feed.xml", Fault::CutAfter(50_000));
    origin.fault("/feed.xml", Fault::ChunkedCutAfter(50_000));
    origin.fault("/feed.xml", Fault::Drip(Duration::from_millis(20)));
    let failure = || async { text(&http, origin.url("/feed.xml")).await.unwrap_err() };
    assert!(matches!(failure().await, Error::Interrupted { .. }));
    assert!(matches!(failure().await, Error::Interrupted { .. }));
    assert!(matches!(failure().await, Error::TooSlow { .. }));
    let response = get(&http, origin.url("/feed.xml")).await.unwrap();
    assert!(matches!(response.body.collect(99_999).await, Err(Error::TooLarge { limit: 99_999, .. })));
}

#[tokio::test]
async fn a_pause_that_two_addresses_ask_for_holds_back_all_requests_to_their_host() {
    let origin = Origin::start().await;
    origin.file("/b.xml", "feed");
    let pause = |seconds: &str| Fault::Status(503, vec![("Retry-After", seconds.to_owned())]);
    origin.fault("/a.xml", pause("3600"));
    let http = open();
    let error = get(&http, origin.url("/a.xml")).await.unwrap_err();
    assert_eq!(error.advice(), Advice::Later { after: Some(Duration::from_secs(3600)) });
    let error = get(&http, origin.url("/a.xml")).await.unwrap_err();
    assert!(matches!(error, Error::HeldBack { .. }), "{error}");
    assert!(get(&http, origin.url("/b.xml")).await.is_ok(), "one address is not the host");
    for path in ["/c.xml", "/d.xml"] {
        origin.fault(path, pause("3600"));
        get(&http, origin.url(path)).await.unwrap_err();
    }
    let error = get(&http, origin.url("/b.xml")).await.unwrap_err();
    assert!(matches!(error, Error::HeldBack { .. }), "{error}");
    assert_eq!(origin.requests().len(), 4);
    assert!(get(&http, origin.url_by_name("/b.xml")).await.is_ok(), "another host is not held back");
}

#[tokio::test]
async fn a_rate_limit_holds_for_media_and_not_for_documents() {
    let origin = Origin::start().await;
    origin.file("/a.mp3", vec![0; 30_000]);
    let options = Options { allow_private_addresses: true, rate: Some(100_000), ..Options::default() };
    let http = Http::new(options).unwrap();
    let begun = std::time::Instant::now();
    let request = Request::media(origin.url("/a.mp3"));
    let body = http.get(request, &Meter::new()).await.unwrap().body;
    assert_eq!(body.collect(30_000).await.unwrap().len(), 30_000);
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
}
