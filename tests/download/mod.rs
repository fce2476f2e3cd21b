//! Enclosures from a real server to a complete file: each byte is asked for once, and two files are never joined.

mod interrupted;
mod one_pass;
mod property;
mod refused;

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use podseed::download::{Class, Error, Fetched, Order, Progress, Source, fetch};
use podseed::http::{Http, Meter, Options, Patience};
use podseed::model::TorrentVersion;
use podseed::model::media::MediaKind;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::support::{Fault, Origin, mp3};

const PATH: &str = "/episode.mp3";

/// A publisher with one episode, a folder to fetch it to, and a client that may ask this machine.
struct World {
    origin: Origin,
    folder: TempDir,
    http: Http,
    meter: Meter,
}

impl World {
    async fn with(bytes: &[u8]) -> Self {
        Self::with_patience(bytes, Patience::default()).await
    }

    async fn with_patience(bytes: &[u8], patience: Patience) -> Self {
        let patience = Patience { retry: Duration::from_millis(1), ..patience };
        let options = Options { allow_private_addresses: true, patience, ..Options::default() };
        let origin = Origin::start().await;
        origin.file(PATH, bytes);
        let folder = tempfile::tempdir().unwrap();
        Self { origin, folder, http: Http::new(options).unwrap(), meter: Meter::new() }
    }

    fn partial(&self) -> PathBuf {
        self.folder.path().join("episode.part")
    }

    fn order(&self) -> Order {
        Order {
            source: Source::Http(self.origin.url(PATH).into()),
            auth: None,
            partial: self.partial(),
            version: TorrentVersion::V1,
            piece_length: None,
            sha256: true,
            max_length: 1 << 30,
            min_free: 0,
            kinds: Vec::new(),
        }
    }

    async fn fetch(&self, order: &Order) -> Result<Fetched, Error> {
        fetch(&self.http, order, &self.meter, &(), &CancellationToken::new()).await
    }

    /// Fetches what is expected to be `bytes` in the end.
    async fn fetch_all(&self, bytes: &[u8]) -> Fetched {
        let fetched = self.fetch(&self.order()).await.unwrap();
        assert_complete(self, &fetched, bytes);
        fetched
    }

    fn ranges(&self) -> Vec<Option<String>> {
        self.origin.requests().iter().map(|request| request.range().map(str::to_owned)).collect()
    }

    fn left_over(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn assert_complete(world: &World, fetched: &Fetched, bytes: &[u8]) {
    assert!(std::fs::read(world.partial()).unwrap() == bytes, "the file is not what the publisher serves");
    assert_eq!(fetched.length, bytes.len() as u64);
    let pieces = bytes.chunks(fetched.hashes.piece_length.bytes() as usize);
    let expected: Vec<_> =
        pieces.map(|piece| digest(&SHA1_FOR_LEGACY_USE_ONLY, piece).as_ref().to_vec()).collect();
    assert!(fetched.hashes.v1.as_ref().unwrap().iter().map(|hash| hash.to_vec()).eq(expected));
    let whole: [u8; 32] = digest(&SHA256, bytes).as_ref().try_into().unwrap();
    assert_eq!(fetched.sha256, Some(whole));
    assert_eq!(podseed::torrent::sha256_file(&world.partial()).unwrap(), whole);
}

#[tokio::test]
async fn the_hash_of_the_whole_file_is_made_only_when_asked_for() {
    let world = World::with(&mp3(300_000, 1)).await;
    let fetched = world.fetch(&Order { sha256: false, ..world.order() }).await.unwrap();
    assert_eq!(fetched.sha256, None);
}

#[tokio::test]
async fn an_episode_is_one_request_and_comes_with_its_hashes() {
    let bytes = mp3(1_000_000, 1);
    let world = World::with(&bytes).await;
    let fetched = world.fetch_all(&bytes).await;
    assert_eq!((fetched.media.kind, fetched.media.mime), (MediaKind::Audio, "audio/mpeg"));
    assert_eq!(fetched.final_url, Some(world.origin.url(PATH).into()));
    assert_eq!(fetched.last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert!(fetched.etag.is_some());
    assert_eq!((world.meter.requests(), world.meter.bytes()), (1, 1_000_000));
    let request = &world.origin.requests()[0];
    assert_eq!((request.method.as_str(), request.status), ("GET", 200));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn a_complete_file_that_was_not_recorded_is_not_asked_for_again() {
    let bytes = mp3(300_000, 1);
    let world = World::with(&bytes).await;
    let first = world.fetch_all(&bytes).await;
    let again = world.fetch_all(&bytes).await;
    assert_eq!(again.hashes, first.hashes);
    assert_eq!((again.etag, again.media), (first.etag, first.media));
    assert_eq!(world.origin.requests().len(), 1);
}

#[tokio::test]
async fn a_complete_file_from_another_address_is_not_taken_for_granted() {
    let (old, new) = (mp3(300_000, 1), mp3(300_000, 2));
    let world = World::with(&old).await;
    world.fetch_all(&old).await;
    world.origin.file("/new/place.mp3", new.clone());
    let source = Source::Http(world.origin.url("/new/place.mp3").into());
    let fetched = world.fetch(&Order { source, ..world.order() }).await.unwrap();
    assert_complete(&world, &fetched, &new);
}

#[tokio::test]
async fn a_body_in_chunks_needs_no_length() {
    let bytes = mp3(300_000, 1);
    let world = World::with(&bytes).await;
    world.origin.fault(PATH, Fault::Chunked);
    world.fetch_all(&bytes).await;
    world.fetch_all(&bytes).await;
    assert_eq!(world.origin.requests().len(), 1, "its length is known from then on");
}

#[tokio::test]
async fn a_very_short_episode_is_one_too() {
    let bytes = mp3(2_000, 1);
    let world = World::with(&bytes).await;
    world.fetch_all(&bytes).await;
}

#[tokio::test]
async fn what_is_left_is_discarded_when_it_is_no_longer_wanted() {
    let bytes = mp3(300_000, 1);
    let world = World::with(&bytes).await;
    world.fetch_all(&bytes).await;
    podseed::download::discard(&world.partial()).unwrap();
    podseed::download::discard(&world.partial()).unwrap();
    assert!(world.left_over().is_empty());
}

#[tokio::test]
async fn progress_is_told_from_the_first_to_the_last_byte() {
    struct Log(std::sync::Mutex<Vec<(u64, Option<u64>)>>);
    impl Progress for Log {
        fn advance(&self, bytes: u64, total: Option<u64>) {
            self.0.lock().unwrap().push((bytes, total));
        }
    }
    let bytes = mp3(1_000_000, 1);
    let world = World::with(&bytes).await;
    let log = Log(Vec::new().into());
    fetch(&world.http, &world.order(), &world.meter, &log, &CancellationToken::new()).await.unwrap();
    let log = log.0.into_inner().unwrap();
    assert!(log.is_sorted() && log.len() > 1);
    assert_eq!(log.last(), Some(&(1_000_000, Some(1_000_000))));
}

#[tokio::test]
async fn a_local_file_takes_the_same_way() {
    let bytes = mp3(700_000, 1);
    let world = World::with(&[]).await;
    let shelf = tempfile::tempdir().unwrap();
    let path = shelf.path().join("own.mp3");
    podseed::fs::write_atomic(&path, &bytes).unwrap();
    let source = Source::File { path: path.clone(), root: shelf.path().to_owned() };
    let order = Order { source, ..world.order() };
    let fetched = world.fetch(&order).await.unwrap();
    assert_complete(&world, &fetched, &bytes);
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "the user's file stays where it is");
    assert_eq!(world.meter.requests(), 0);

    let changed = mp3(700_000, 2);
    podseed::fs::write_atomic(&path, &changed).unwrap();
    let fetched = world.fetch(&order).await.unwrap();
    assert_complete(&world, &fetched, &changed);
}
