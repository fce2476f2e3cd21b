//! The site's files: whole, in parts, and not again.

use std::io::{Read as _, Write as _};

use podseed::publish::site::{Draft, Site};

use super::house::{House, LENGTH, curl};

const MEDIA: &str = "/show/media/one.mp3";

#[tokio::test]
async fn the_site_is_served_with_types_that_its_readers_know_and_safe_headers() {
    let house = House::open("/").await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/show/", "text/html; charset=utf-8"),
        ("/show/torrents/one.mp3.torrent", "application/x-bittorrent"),
        ("/show/torrents.xml", "application/rss+xml; charset=utf-8"),
        ("/show/podcast.xml", "application/rss+xml"),
        ("/catalog.json", "application/json"),
        ("/feeds.opml", "text/x-opml; charset=utf-8"),
        ("/torrents.txt", "text/plain; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
        (MEDIA, "audio/mpeg"),
    ] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.header("server"), None, "what runs here is nobody's business");
        let head = house.ask("HEAD", path, &[]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for header in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
            assert_eq!(head.header(header), answer.header(header), "{header} of {path}");
        }
    }
    let moved = house.get("/show").await;
    assert_eq!((moved.status, moved.header("location")), (301, Some("./show/")));
    let missing = house.get("/nowhere").await;
    let page = std::fs::read_to_string(house.site().join("404.html")).unwrap();
    assert_eq!((missing.status, missing.text()), (404, page.as_str()));
    for path in ["/show/media/", "/show/media", "/assets/"] {
        let status = house.get(path).await.status;
        assert!(matches!(status, 301 | 404), "{path} lists nothing: {status}");
    }
}

#[tokio::test]
async fn curl_gets_any_part_of_a_file_and_goes_on_where_it_was_broken_off() {
    let house = House::open("/").await;
    let whole = std::fs::read(house.site().join(&MEDIA[1..])).unwrap();
    assert_eq!(whole.len(), LENGTH);
    let last = LENGTH - 1;
    for (range, expected, part) in [
        ("0-0", format!("bytes 0-0/{LENGTH}"), &whole[..1]),
        ("1000000-1999999", format!("bytes 1000000-1999999/{LENGTH}"), &whole[1_000_000..2_000_000]),
        ("2999000-", format!("bytes 2999000-{last}/{LENGTH}"), &whole[2_999_000..]),
        ("-17", format!("bytes {}-{last}/{LENGTH}", LENGTH - 17), &whole[LENGTH - 17..]),
        ("2999990-99999999", format!("bytes 2999990-{last}/{LENGTH}"), &whole[2_999_990..]),
    ] {
        let answer = curl(vec!["--range".into(), range.into(), house.url(MEDIA)]).await;
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (206, Some(expected.as_str())),
            "{range}"
        );
        assert!(answer.body == part, "{range}: other bytes");
    }
    let outside = curl(vec!["--range".into(), format!("{LENGTH}-"), house.url(MEDIA)]).await;
    let range = format!("bytes */{LENGTH}");
    assert_eq!((outside.status, outside.header("content-range")), (416, Some(range.as_str())));
    let several = curl(vec!["--range".into(), "0-1,5-6".into(), house.url(MEDIA)]).await;
    assert_eq!((several.status, several.body.len()), (200, LENGTH));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.mp3");
    std::fs::write(&file, &whole[..1_234_567]).unwrap();
    let mut curl = std::process::Command::new("curl");
    curl.args(["--silent", "--show-error", "--continue-at", "-", "--output"])
        .arg(&file)
        .arg(house.url(MEDIA));
    let status = tokio::task::spawn_blocking(move || curl.status()).await.unwrap().unwrap();
    assert!(status.success() && std::fs::read(&file).unwrap() == whole, "the rest is the rest");
}

#[tokio::test]
async fn what_somebody_has_is_not_sent_again_and_what_changed_is_never_joined() {
    let house = House::open("/").await;
    let first = house.get(MEDIA).await;
    let (etag, date) = (first.header("etag").unwrap(), first.header("last-modified").unwrap());
    assert!(etag.starts_with('"'), "a strong one: {etag}");
    for line in [format!("If-None-Match: {etag}"), format!("If-Modified-Since: {date}")] {
        let same = house.ask("GET", MEDIA, &[&line]).await;
        assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, Some(etag)), "{line}");
    }
    for (validator, status) in [(etag, 206), (date, 206), ("\"another\"", 200)] {
        let lines = ["Range: bytes=10-19", &format!("If-Range: {validator}")];
        assert_eq!(house.ask("GET", MEDIA, &lines).await.status, status, "{validator}");
    }

    // Another file takes its place, of the same length and in the same second.
    let mut draft = Draft::new();
    let mut other = first.body.clone();
    other[20] ^= 1;
    draft.file(&MEDIA[1..], other).unwrap();
    Site::open(&house.site()).unwrap().publish(&draft).unwrap();
    let changed = house.ask("GET", MEDIA, &["Range: bytes=10-", &format!("If-Range: {etag}")]).await;
    assert_eq!((changed.status, changed.body.len()), (200, LENGTH));
    assert_ne!(changed.header("etag").unwrap(), etag);
}

#[tokio::test]
async fn a_download_ends_with_the_file_that_it_began_with_whatever_is_published_meanwhile() {
    let house = House::open("/").await;
    let old = std::fs::read(house.site().join(&MEDIA[1..])).unwrap();
    let address = house.address;
    let mut socket = house.connect();
    socket
        .write_all(format!("GET {MEDIA} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut begun = [0; 1000];
    let (mut socket, begun) = tokio::task::spawn_blocking(move || {
        socket.read_exact(&mut begun).unwrap();
        (socket, begun)
    })
    .await
    .unwrap();
    // Two publications: the tree that it came from is changed as well.
    let site = Site::open(&house.site()).unwrap();
    for text in ["second", "third"] {
        let mut draft = Draft::new();
        draft.file(&MEDIA[1..], text).unwrap();
        draft.file("show/index.html", text).unwrap();
        site.publish(&draft).unwrap();
        assert_eq!(house.get("/show/").await.text(), text, "and the newest is served at once");
    }
    let got = tokio::task::spawn_blocking(move || {
        let mut bytes = begun.to_vec();
        socket.read_to_end(&mut bytes).unwrap();
        bytes
    })
    .await
    .unwrap();
    assert!(got.ends_with(&old) && got.len() > LENGTH, "the whole old file, and nothing of the new one");
    assert_eq!(house.get(MEDIA).await.text(), "third");
}

#[tokio::test]
async fn a_site_that_is_not_there_yet_or_any_more_is_no_error() {
    let house = House::open("/").await;
    std::fs::rename(house.site(), house.world.path("elsewhere")).unwrap();
    assert_eq!(house.get("/").await.status, 404);
    std::fs::rename(house.world.path("elsewhere"), house.site()).unwrap();
    assert_eq!(house.get("/").await.status, 200);
}
