//! Transfers that break off, in every way that they do.

use super::*;

const LENGTH: usize = 1_000_000;

#[tokio::test]
async fn a_cut_connection_is_continued_where_it_broke() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::CutAfter(300_001));
    world.origin.fault(PATH, Fault::CutAfter(400_000));
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
    assert_eq!((world.meter.requests(), world.meter.bytes()), (3, LENGTH as u64));
    let ranges = [None, Some("bytes=300001-".to_owned()), Some("bytes=700001-".to_owned())];
    assert_eq!(world.ranges(), ranges);
}

#[tokio::test]
async fn after_two_more_failures_the_rest_is_left_to_a_later_call() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    for _ in 0..3 {
        world.origin.fault(PATH, Fault::CutAfter(100_000));
    }
    let error = world.fetch(&world.order()).await.unwrap_err();
    assert_eq!(error.class(), Class::Transient { after: None }, "{error}");
    assert_eq!(world.origin.requests().len(), 3);
    world.fetch_all(&bytes).await;
    assert_eq!(world.ranges()[3].as_deref(), Some("bytes=300000-"));
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
}

#[tokio::test]
async fn silence_is_an_interruption() {
    let bytes = mp3(LENGTH, 1);
    let impatient = Patience { read: Duration::from_millis(300), ..Patience::default() };
    let world = World::with_patience(&bytes, impatient).await;
    world.origin.fault(PATH, Fault::HangAfter(500_000));
    world.fetch_all(&bytes).await;
    assert_eq!(world.meter.bytes(), LENGTH as u64);
}

#[tokio::test]
async fn chunks_without_their_end_are_continued_too() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::ChunkedCutAfter(500_000));
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
}

#[tokio::test]
async fn a_last_modified_date_is_enough_to_continue() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    world.origin.validators(PATH, None, Some(date));
    world.origin.fault(PATH, Fault::CutAfter(500_000));
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.requests()[1].header("if-range"), Some(date));
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
}

#[tokio::test]
async fn without_a_strong_validator_it_begins_again() {
    let bytes = mp3(LENGTH, 1);
    for etag in [None, Some("W/\"weak\"")] {
        let world = World::with(&bytes).await;
        world.origin.validators(PATH, etag, None);
        world.origin.fault(PATH, Fault::CutAfter(500_000));
        world.fetch_all(&bytes).await;
        assert_eq!(world.ranges(), [None, None]);
    }
}

#[tokio::test]
async fn a_file_that_changed_in_between_is_fetched_anew() {
    let (old, new) = (mp3(LENGTH, 1), mp3(LENGTH, 2));
    let world = World::with(&old).await;
    interrupt(&world).await;
    world.origin.file(PATH, new.clone());
    world.fetch_all(&new).await;
    assert_eq!(world.origin.requests().last().unwrap().status, 200);
}

#[tokio::test]
async fn a_server_that_continues_a_changed_file_is_not_believed() {
    let (old, new) = (mp3(LENGTH, 1), mp3(LENGTH, 2));
    let world = World::with(&old).await;
    interrupt(&world).await;
    world.origin.file(PATH, new.clone());
    world.origin.fault(PATH, Fault::IgnoreIfRange);
    world.fetch_all(&new).await;
}

#[tokio::test]
async fn a_file_that_only_grew_is_not_joined() {
    let (old, new) = (mp3(LENGTH, 1), mp3(LENGTH + 1, 1));
    let world = World::with(&old).await;
    world.origin.validators(PATH, Some("\"fixed\""), None);
    interrupt(&world).await;
    world.origin.file(PATH, new.clone());
    world.origin.validators(PATH, Some("\"fixed\""), None);
    world.fetch_all(&new).await;
    assert_eq!(world.origin.requests().last().unwrap().range(), None);
}

#[tokio::test]
async fn another_range_than_asked_for_is_not_joined() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    interrupt(&world).await;
    world.origin.fault(PATH, Fault::ShiftRange(1));
    world.fetch_all(&bytes).await;
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_all_again() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::CutAfter(500_000));
    world.origin.fault(PATH, Fault::IgnoreRange);
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.requests().len(), 2);
}

#[tokio::test]
async fn a_file_that_became_shorter_than_what_we_have_is_fetched_anew() {
    let (old, new) = (mp3(LENGTH, 1), mp3(20_000, 2));
    let world = World::with(&old).await;
    interrupt(&world).await;
    world.origin.file(PATH, new.clone());
    world.origin.fault(PATH, Fault::IgnoreIfRange);
    world.fetch_all(&new).await;
    let statuses: Vec<_> = world.origin.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses[statuses.len() - 2..], [416, 200]);
}

#[tokio::test]
async fn a_page_in_between_costs_nothing_of_what_is_there() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    interrupt(&world).await;
    world.origin.fault(PATH, Fault::Html("<html><title>Back in an hour</title>"));
    let error = world.fetch(&world.order()).await.unwrap_err();
    assert!(matches!(error, Error::NotMedia { .. }), "{error}");
    world.fetch_all(&bytes).await;
    assert_eq!(world.ranges().last().unwrap().as_deref(), Some("bytes=300000-"));
    let audio = world.origin.requests().iter().filter(|request| request.status != 200).count();
    assert_eq!(audio, 3, "two retries and the last attempt go on where it stopped");
}

#[tokio::test]
async fn a_stream_whose_end_was_lost_is_found_complete() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::ChunkedCutAfter(LENGTH));
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.requests()[1].status, 416);
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
}

#[tokio::test]
async fn a_stream_whose_end_was_lost_is_not_believed_complete_once_it_changed() {
    let (old, new) = (mp3(LENGTH, 1), mp3(LENGTH, 2));
    let world = World::with(&old).await;
    world.origin.fault(PATH, Fault::ChunkedCutAfter(LENGTH));
    world.origin.fault(PATH, Fault::Status(404, Vec::new()));
    world.fetch(&world.order()).await.unwrap_err();
    world.origin.file(PATH, new.clone());
    world.origin.fault(PATH, Fault::IgnoreIfRange);
    world.fetch_all(&new).await;
    assert_eq!(world.origin.requests()[2].status, 416);
}

#[tokio::test]
async fn a_file_that_was_replaced_is_judged_anew() {
    let mut flac = b"fLaC\0\0\0\x22".to_vec();
    flac.resize(LENGTH, 7);
    let world = World::with(&mp3(LENGTH, 1)).await;
    interrupt(&world).await;
    world.origin.file(PATH, flac.clone());
    assert_eq!(world.fetch_all(&flac).await.media.extension, "flac");
}

#[tokio::test]
async fn a_publisher_who_moved_is_asked_for_the_rest_only_if_it_is_the_same_file() {
    let bytes = mp3(LENGTH, 1);
    for (etag, expected) in [(Some("\"same\""), Some("bytes=300000-")), (None, None)] {
        let world = World::with(&bytes).await;
        world.origin.validators(PATH, etag, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        interrupt(&world).await;
        world.origin.file("/new/place.mp3", bytes.clone());
        world.origin.validators("/new/place.mp3", etag, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        let source = Source::Http(world.origin.url("/new/place.mp3").into());
        let order = Order { source, ..world.order() };
        let fetched = world.fetch(&order).await.unwrap();
        assert_complete(&world, &fetched, &bytes);
        assert_eq!(world.origin.requests_for("/new/place.mp3")[0].range(), expected);
        world.fetch(&order).await.unwrap();
        assert_eq!(world.origin.requests_for("/new/place.mp3").len(), 1);
    }
}

#[tokio::test]
async fn a_kill_costs_less_than_one_buffer() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::HangAfter(600_000));
    let reached = Reached::new(600_000);
    let (order, never) = (world.order(), CancellationToken::new());
    let transfer = fetch(&world.http, &order, &world.meter, &reached, &never);
    // Dropping the transfer gives it no chance to save anything.
    assert!(reached.token.run_until_cancelled(transfer).await.is_none());
    world.fetch_all(&bytes).await;
    let kept = 2 * 256 * 1024;
    assert_eq!(world.ranges()[1], Some(format!("bytes={kept}-")));
}

#[tokio::test]
async fn after_a_power_cut_it_goes_on_from_what_was_synced() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    interrupt(&world).await;
    let record = world.folder.path().join("episode.part.json");
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    assert_eq!(json["synced"], 300_000);
    json["synced"] = 200_000.into();
    json["boot"] = "another".into();
    podseed::fs::write_atomic(&record, json.to_string().as_bytes()).unwrap();
    let mut lost = std::fs::read(world.partial()).unwrap();
    lost[200_000..].fill(0);
    podseed::fs::write_atomic(&world.partial(), &lost).unwrap();
    for _ in 0..3 {
        world.origin.fault(PATH, Fault::CutAfter(10_000));
    }
    world.fetch(&world.order()).await.unwrap_err();
    assert_eq!(world.ranges()[3].as_deref(), Some("bytes=200000-"));
    // What is kept then must not be taken for what the zeros behind it have overwritten.
    world.fetch_all(&bytes).await;
    assert_eq!(world.ranges().last().unwrap().as_deref(), Some("bytes=230000-"));
}

#[tokio::test]
async fn a_cancelled_transfer_saves_every_byte_that_arrived() {
    let bytes = mp3(LENGTH, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::HangAfter(600_001));
    let reached = Reached::new(600_001);
    let stopped = fetch(&world.http, &world.order(), &world.meter, &reached, &reached.token).await;
    assert_eq!(stopped.unwrap_err().class(), Class::Cancelled);
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.bytes_served(PATH), LENGTH as u64);
}

/// Leaves the first 300,000 bytes behind.
async fn interrupt(world: &World) {
    for _ in 0..3 {
        world.origin.fault(PATH, Fault::CutAfter(100_000));
    }
    world.fetch(&world.order()).await.unwrap_err();
}

/// Cancels its token as soon as so many bytes are here.
struct Reached {
    bytes: u64,
    token: CancellationToken,
}

impl Reached {
    fn new(bytes: u64) -> Self {
        Self { bytes, token: CancellationToken::new() }
    }
}

impl Progress for Reached {
    fn advance(&self, bytes: u64, _: Option<u64>) {
        if bytes >= self.bytes {
            self.token.cancel();
        }
    }
}
