//! The server as a web seed (BEP 19): strangers with the published .torrent and no peer get the whole file.

use std::path::Path;
use std::time::{Duration, Instant};

use podseed_adapters::testing::{QBittorrent, Transmission};

use super::house::House;
use crate::support::peers::Libtorrent;

const TORRENT: &str = "show/torrents/one.mp3.torrent";
const MEDIA: &str = "show/media/one.mp3";

/// Waits until a client has written this file as it is at the publisher's.
async fn complete(file: &Path, whole: &[u8]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::fs::read(file).map_or(true, |bytes| bytes != whole) {
        assert!(Instant::now() < deadline, "{} does not come", file.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libtorrent_transmission_and_qbittorrent_load_from_the_web_seed_alone() {
    let house = House::open("/pods/").await;
    let (torrent, media) = (house.site().join(TORRENT), house.site().join(MEDIA));
    let whole = std::fs::read(&media).unwrap();

    let into = tempfile::tempdir().unwrap();
    let (leech, folder) = (torrent.clone(), into.path().to_owned());
    tokio::task::spawn_blocking(move || Libtorrent::start().leech(&leech, None, &folder)).await.unwrap();
    assert!(std::fs::read(into.path().join("one.mp3")).unwrap() == whole);

    let transmission = Transmission::start().unwrap();
    std::fs::copy(&torrent, transmission.watch_dir().join("one.torrent")).unwrap();
    complete(&transmission.downloads().join("one.mp3"), &whole).await;

    let qbittorrent = QBittorrent::start().unwrap();
    std::fs::copy(&torrent, qbittorrent.watch_dir().join("one.torrent")).unwrap();
    complete(&qbittorrent.downloads().join("one.mp3"), &whole).await;
}
