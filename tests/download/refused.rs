//! What must never become a file, and what is said instead.

use std::os::unix::fs::symlink;

use podseed::http;

use super::*;

async fn refusal(world: &World) -> Error {
    world.fetch(&world.order()).await.unwrap_err()
}

#[tokio::test]
async fn what_time_does_not_heal_is_said_at_once() {
    for status in [400, 401, 403, 404, 410, 451] {
        let world = World::with(&mp3(10_000, 1)).await;
        world.origin.always(PATH, Fault::Status(status, Vec::new()));
        let error = refusal(&world).await;
        assert_eq!(error.class(), Class::Permanent, "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(world.origin.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_time_heals_is_tried_three_times() {
    for status in [408, 429, 500, 502, 503, 504] {
        let world = World::with(&mp3(10_000, 1)).await;
        world.origin.always(PATH, Fault::Status(status, Vec::new()));
        assert_eq!(refusal(&world).await.class(), Class::Transient { after: None });
        assert_eq!(world.origin.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_short_pause_is_waited_for_and_a_long_one_is_reported() {
    let bytes = mp3(10_000, 1);
    let world = World::with(&bytes).await;
    let pause = |seconds: &str| Fault::Status(429, vec![("Retry-After", seconds.to_owned())]);
    world.origin.fault(PATH, pause("0"));
    world.fetch_all(&bytes).await;

    let world = World::with(&bytes).await;
    world.origin.always(PATH, pause("3600"));
    assert_eq!(refusal(&world).await.class(), Class::Transient { after: Some(Duration::from_secs(3600)) });
    let Class::Transient { after: Some(left) } = refusal(&world).await.class() else { panic!() };
    assert!(left > Duration::from_secs(3500), "{left:?}");
    assert_eq!(world.origin.requests().len(), 1);
}

#[tokio::test]
async fn a_page_instead_of_the_episode_is_named() {
    let world = World::with(&mp3(10_000, 1)).await;
    world.origin.always(PATH, Fault::Html("<!DOCTYPE html><title>Account suspended</title><p>Sorry."));
    let error = refusal(&world).await;
    assert_eq!(error.class(), Class::Permanent);
    assert!(error.to_string().contains("an HTML page titled \"Account suspended\""), "{error}");
    assert_eq!(world.origin.requests().len(), 1);
    assert!(world.left_over().is_empty(), "{:?}", world.left_over());
}

#[tokio::test]
async fn no_more_is_taken_of_what_is_no_media() {
    let world = World::with(&b"just words ".repeat(1_000_000)).await;
    assert!(matches!(refusal(&world).await, Error::NotMedia { .. }));
    assert!(world.meter.bytes() < 1_000_000, "{}", world.meter.bytes());
}

#[tokio::test]
async fn texts_and_empty_files_are_no_media() {
    for (bytes, what) in [
        (&b""[..], "an empty file"),
        (b"error code: 1020", "text"),
        (b"{\"error\": \"gone\"}", "JSON"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML"),
    ] {
        let world = World::with(bytes).await;
        let error = refusal(&world).await;
        assert!(error.to_string().ends_with(&format!("what came is {what}")), "{error}");
        assert_eq!(error.class(), Class::Permanent);
    }
}

#[tokio::test]
async fn an_image_is_refused_unless_it_is_wanted() {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.resize(5_000, 7);
    let world = World::with(&png).await;
    let error = refusal(&world).await;
    assert!(matches!(error, Error::UnwantedKind { kind: MediaKind::Image, .. }), "{error}");
    let order = Order { kinds: vec![MediaKind::Image], ..world.order() };
    assert_eq!(world.fetch(&order).await.unwrap().media.extension, "png");
}

#[tokio::test]
async fn fewer_bytes_than_announced_are_no_file() {
    let world = World::with(&mp3(10_000, 1)).await;
    world.origin.validators(PATH, None, None);
    world.origin.always(PATH, Fault::ContentLength(10_001));
    assert_eq!(refusal(&world).await.class(), Class::Transient { after: None });
    assert_eq!(world.origin.requests().len(), 3);
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_proves_nothing() {
    let world = World::with(&mp3(10_000, 1)).await;
    world.origin.always(PATH, Fault::NoLength);
    let error = refusal(&world).await;
    assert!(matches!(error, Error::NoLength { .. }), "{error}");
    assert_eq!(error.class(), Class::Permanent);
}

#[tokio::test]
async fn too_long_is_said_before_it_is_taken_or_as_soon_as_it_shows() {
    for fault in [Fault::Nothing, Fault::Chunked] {
        let announced = matches!(fault, Fault::Nothing);
        let world = World::with(&mp3(5_000_000, 1)).await;
        world.origin.always(PATH, fault);
        let order = Order { max_length: 600_000, ..world.order() };
        let error = world.fetch(&order).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 600_000, .. }), "{error}");
        assert_eq!(error.class(), Class::Permanent);
        assert!(world.meter.bytes() < if announced { 1 } else { 1_000_000 }, "{}", world.meter.bytes());
        assert!(world.left_over().is_empty());
    }
}

#[tokio::test]
async fn a_content_encoding_is_not_trusted() {
    let world = World::with(&mp3(10_000, 1)).await;
    world.origin.always(PATH, Fault::Header("Content-Encoding", "gzip"));
    let error = refusal(&world).await;
    assert!(matches!(&error, Error::Encoded { encoding, .. } if encoding == "gzip"), "{error}");
}

#[tokio::test]
async fn the_disk_is_never_filled_beyond_what_has_to_stay_free() {
    let world = World::with(&mp3(10_000, 1)).await;
    let order = Order { min_free: u64::MAX, ..world.order() };
    let error = world.fetch(&order).await.unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }), "{error}");
    assert_eq!(error.class(), Class::Space);
    assert!(world.origin.requests_for(PATH).is_empty(), "what cannot be kept is not asked for");
}

#[tokio::test]
async fn what_is_known_not_to_fit_is_not_asked_for_again() {
    const EXBIBYTE: u64 = 1 << 60;
    let world = World::with(&mp3(10_000, 1)).await;
    world.origin.always(PATH, Fault::ContentLength(EXBIBYTE));
    let order = Order { max_length: u64::MAX, ..world.order() };
    for _ in 0..2 {
        let error = world.fetch(&order).await.unwrap_err();
        assert!(matches!(error, Error::NoSpace { needed: EXBIBYTE, .. }), "{error}");
    }
    assert_eq!(world.origin.requests_for(PATH).len(), 1);
}

#[tokio::test]
async fn a_feed_leads_to_no_private_address() {
    let world = World::with(&mp3(10_000, 1)).await;
    let inner = Origin::start().await;
    inner.file("/secret.mp3", mp3(10_000, 2));
    let guarded = Http::new(Options::default()).unwrap();
    let trusting = guarded.trusting(&world.origin.url("/feed.xml"));
    world.origin.fault(PATH, Fault::Redirect(302, inner.url("/secret.mp3").into()));
    for (http, url) in [
        (&trusting, world.origin.url(PATH)),
        (&trusting, inner.url("/secret.mp3")),
        (&trusting, inner.url_by_name("/secret.mp3")),
        (&guarded, world.origin.url_by_name(PATH)),
    ] {
        let order = Order { source: Source::Http(url.into()), ..world.order() };
        let error = fetch(http, &order, &world.meter, &(), &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(error, Error::Http(http::Error::RefusedAddress { .. })), "{error}");
        assert_eq!(error.class(), Class::Permanent);
    }
    assert!(inner.requests().is_empty());
    fetch(&trusting, &world.order(), &world.meter, &(), &CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn a_local_file_must_be_media_below_its_root() {
    let world = World::with(&[]).await;
    let (shelf, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    podseed::fs::write_atomic(&elsewhere.path().join("private.mp3"), &mp3(10_000, 1)).unwrap();
    podseed::fs::write_atomic(&shelf.path().join("page.mp3"), b"<html><title>Login</title>").unwrap();
    symlink(elsewhere.path().join("private.mp3"), shelf.path().join("link.mp3")).unwrap();
    for (name, expected) in
        [("link.mp3", "lies outside"), ("page.mp3", "titled \"Login\""), ("none.mp3", "cannot find")]
    {
        let source = Source::File { path: shelf.path().join(name), root: shelf.path().to_owned() };
        let error = world.fetch(&Order { source, ..world.order() }).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.class(), Class::Permanent);
    }
}
