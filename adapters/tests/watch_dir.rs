//! Watched folders, with the real programs that watch them, and without any.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use podseed_adapters::testing::{QBittorrent, RTorrent, Sample, Tracker, Transmission};
use podseed_adapters::{
    Added, ClientConfig, ErrorKind, Limits, Presence, TorrentClient, TorrentVersion, WatchDirConfig,
    WatchedBy, open,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A library of finished downloads, and an adapter beside it.
struct Bench {
    folder: tempfile::TempDir,
    client: Box<dyn TorrentClient>,
}

impl Bench {
    fn new(config: &ClientConfig) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), client: open(config).unwrap() }
    }

    /// With `watch` and `data` in the bench's own folder, watched by nobody.
    fn unwatched(client: WatchedBy) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["watch", "data"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let config = WatchDirConfig {
            path: folder.path().join("watch/{show}"),
            data: Some(folder.path().join("data/{show}/audio")),
            client,
            fast_resume: true,
        };
        Self { client: open(&ClientConfig::WatchDir(config)).unwrap(), folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sample(&self, name: &str) -> (Sample, PathBuf) {
        let sample = Sample::new(name, TorrentVersion::V1);
        let data = sample.write_to(self.folder.path());
        (sample, data)
    }

    async fn delivered(&self, sample: &Sample) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.client.find(&sample.torrent()).await.unwrap() {
                Presence::Delivered => return,
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            self.client.changed(&sample.torrent(), Duration::from_secs(1)).await;
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn seeding(rtorrent: &RTorrent, sample: &Sample) -> Duration {
    let started = Instant::now();
    while !rtorrent.is_seeding(&sample.info_hash).unwrap() {
        assert!(started.elapsed() < PATIENCE, "rTorrent does not seed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    started.elapsed()
}

#[tokio::test]
async fn rtorrent_seeds_what_is_placed() {
    let rtorrent = RTorrent::start().unwrap();
    let tracker = Tracker::start(&[]).unwrap();
    let bench = Bench::new(&rtorrent.config());
    assert_eq!(bench.client.probe().await.unwrap().program, "rTorrent");
    for (name, version) in
        [("Übergröße – 名前.mp3", TorrentVersion::V1), ("hybrid.mp3", TorrentVersion::Hybrid)]
    {
        let sample = Sample::announced(name, version, Some(&tracker.announce_url()));
        tracker.allow(&[sample.info_hash]).unwrap();
        let data = sample.write_to(bench.folder.path());
        assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
        assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Delivered);
        let waited = seeding(&rtorrent, &sample).await;
        println!("rTorrent seeding {:.2} s after add, looking every second", waited.as_secs_f64());
        assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
    }
}

#[tokio::test]
async fn rtorrent_believes_the_resume_data_and_does_not_read_the_file() {
    let rtorrent = RTorrent::start().unwrap();
    let bench = Bench::new(&rtorrent.config());
    let sample = Sample::announced("episode.mp3", TorrentVersion::V1, Some("http://127.0.0.1:9/announce"));
    // What only a hash could tell: had rTorrent read the file, it would not be complete.
    let data = sample.write_altered(bench.folder.path(), sample.with_a_flipped_bit());
    bench.client.add(&sample.seed(&data)).await.unwrap();
    seeding(&rtorrent, &sample).await;
}

#[tokio::test]
async fn transmission_marks_what_it_took_and_seeds_it() {
    let transmission = Transmission::start().unwrap();
    let bench = Bench::new(&transmission.watch_config());
    let (sample, data) = bench.sample("episode.mp3");
    bench.client.add(&sample.seed(&data)).await.unwrap();
    bench.delivered(&sample).await;
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
    assert!(!transmission.watch_dir().join("episode.mp3.torrent").exists());
    let rpc = open(&transmission.config()).unwrap();
    let status = podseed_adapters::testing::conformance::settled(&*rpc, &sample.torrent()).await;
    assert!(status.complete, "{status:?}");
}

#[tokio::test]
async fn qbittorrent_deletes_what_it_took_and_is_not_given_it_again() {
    let qbittorrent = QBittorrent::start().unwrap();
    let bench = Bench::new(&qbittorrent.watch_config());
    let (sample, data) = bench.sample("episode.mp3");
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Absent);
    bench.client.add(&sample.seed(&data)).await.unwrap();
    bench.delivered(&sample).await;
    // A new adapter, as after a restart, knows it as well.
    let later = open(&qbittorrent.watch_config()).unwrap();
    assert_eq!(later.find(&sample.torrent()).await.unwrap(), Presence::Delivered);
    assert_eq!(later.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
    assert_eq!(names(&qbittorrent.watch_dir()), [".podseed"]);
}

#[tokio::test]
async fn data_is_linked_and_the_torrent_appears_beside_nothing_else() {
    let bench = Bench::unwatched(WatchedBy::Deluge);
    let (sample, data) = bench.sample("episode.mp3");
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
    let placed = bench.path("data/chaosradio/audio/episode.mp3");
    assert_eq!(std::fs::metadata(&placed).unwrap().ino(), std::fs::metadata(&data).unwrap().ino());
    assert_eq!(names(&bench.path("data/chaosradio/audio")), ["episode.mp3"]);
    assert_eq!(names(&bench.path("watch/chaosradio")), [".podseed", "episode.mp3.torrent"]);
    let torrent = std::fs::read(bench.path("watch/chaosradio/episode.mp3.torrent")).unwrap();
    assert_eq!(torrent, *sample.metainfo);
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Waiting);
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::AlreadyPresent);
}

#[tokio::test]
async fn data_behind_a_symbolic_link_is_placed_as_a_file() {
    let bench = Bench::unwatched(WatchedBy::Other);
    let (sample, data) = bench.sample("episode.mp3");
    std::fs::create_dir(bench.path("links")).unwrap();
    let link = bench.path("links/episode.mp3");
    std::os::unix::fs::symlink("../episode.mp3", &link).unwrap();
    bench.client.add(&sample.seed(&link)).await.unwrap();
    let placed = bench.path("data/chaosradio/audio/episode.mp3").symlink_metadata().unwrap();
    assert!(placed.is_file());
    assert_eq!(placed.ino(), data.metadata().unwrap().ino());
}

#[tokio::test]
async fn data_on_another_file_system_is_copied_with_its_date() {
    let bench = Bench::unwatched(WatchedBy::Other);
    let (sample, data) = bench.sample("episode.mp3");
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    if elsewhere.path().metadata().unwrap().dev() == data.metadata().unwrap().dev() {
        println!("skipped: there is only one file system");
        return;
    }
    let config = WatchDirConfig {
        path: bench.path("watch"),
        data: Some(elsewhere.path().to_owned()),
        client: WatchedBy::Other,
        fast_resume: false,
    };
    // What a process that died in the middle of a copy has left.
    let leftover = elsewhere.path().join(format!(".podseed-{}.tmp", sample.info_hash.v1().unwrap()));
    std::fs::write(leftover, "half").unwrap();
    let client = open(&ClientConfig::WatchDir(config)).unwrap();
    client.add(&sample.seed(&data)).await.unwrap();
    let copy = elsewhere.path().join("episode.mp3");
    assert_eq!(std::fs::read(&copy).unwrap(), sample.content);
    assert_eq!(copy.metadata().unwrap().modified().unwrap(), data.metadata().unwrap().modified().unwrap());
    assert_eq!(names(elsewhere.path()), ["episode.mp3"]);
    assert!(data.exists(), "never a move");
    client.add(&sample.seed(&data)).await.unwrap();
}

#[tokio::test]
async fn other_data_in_the_way_is_named_and_left_alone() {
    let bench = Bench::unwatched(WatchedBy::RTorrent);
    let (sample, data) = bench.sample("episode.mp3");
    let target = bench.path("data/chaosradio/audio");
    std::fs::create_dir_all(&target).unwrap();
    let target = sample.write_altered(&target, sample.with_a_flipped_bit());
    let error = bench.client.add(&sample.seed(&data)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Path);
    let text = error.to_string();
    assert!(text.contains(target.to_str().unwrap()) && text.contains(data.to_str().unwrap()), "{text}");
    assert_eq!(std::fs::read(target).unwrap(), sample.with_a_flipped_bit());
    assert!(names(&bench.path("watch/chaosradio")).is_empty(), "no torrent without its data");
}

#[tokio::test]
async fn the_same_bytes_in_the_way_are_welcome() {
    let bench = Bench::unwatched(WatchedBy::Other);
    let (sample, data) = bench.sample("episode.mp3");
    let target = bench.path("data/chaosradio/audio");
    std::fs::create_dir_all(&target).unwrap();
    sample.write_to(&target);
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Delivered);
}

#[tokio::test]
async fn a_missing_folder_is_an_unmounted_disk_and_is_not_made() {
    let bench = Bench::unwatched(WatchedBy::Other);
    let (sample, data) = bench.sample("episode.mp3");
    std::fs::remove_dir(bench.path("data")).unwrap();
    for error in
        [bench.client.probe().await.unwrap_err(), bench.client.add(&sample.seed(&data)).await.unwrap_err()]
    {
        assert_eq!(error.kind, ErrorKind::Path);
        assert!(error.to_string().contains(bench.path("data").to_str().unwrap()), "{error}");
    }
    assert!(!bench.path("data").exists());
}

#[tokio::test]
async fn another_torrent_of_the_same_name_is_not_replaced() {
    let bench = Bench::unwatched(WatchedBy::Deluge);
    let (sample, data) = bench.sample("episode.mp3");
    let waiting = bench.path("watch/chaosradio/episode.mp3.torrent");
    std::fs::create_dir(bench.path("watch/chaosradio")).unwrap();
    let other = Sample::new("other.mp3", TorrentVersion::V1);
    std::fs::write(&waiting, &other.metainfo).unwrap();
    let error = bench.client.add(&sample.seed(&data)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Path);
    assert_eq!(std::fs::read(&waiting).unwrap(), *other.metainfo);
    assert_eq!(names(&bench.path("watch/chaosradio")), ["episode.mp3.torrent"]);
    // Nor is it removed in our name.
    bench.client.remove(&sample.torrent()).await.unwrap();
    assert!(waiting.exists());
}

#[tokio::test]
async fn a_refused_torrent_is_told_and_can_be_given_again() {
    let bench = Bench::unwatched(WatchedBy::QBittorrent);
    let (sample, data) = bench.sample("episode.mp3");
    bench.client.add(&sample.seed(&data)).await.unwrap();
    let waiting = bench.path("watch/chaosradio/episode.mp3.torrent");
    let refused = bench.path("watch/chaosradio/episode.mp3.torrent.qbt_rejected");
    std::fs::rename(&waiting, &refused).unwrap();
    let presence = bench.client.find(&sample.torrent()).await.unwrap();
    assert!(matches!(&presence, Presence::Refused(words) if words.contains("qbt_rejected")), "{presence:?}");
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Waiting);
}

#[tokio::test]
async fn removing_takes_back_what_waits_and_says_so_of_what_was_taken() {
    let bench = Bench::unwatched(WatchedBy::Transmission);
    let (sample, data) = bench.sample("episode.mp3");
    bench.client.remove(&sample.torrent()).await.unwrap();
    let waiting = bench.path("watch/chaosradio/episode.mp3.torrent");
    for _ in 0..2 {
        bench.client.add(&sample.seed(&data)).await.unwrap();
        bench.client.remove(&sample.torrent()).await.unwrap();
        assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Absent);
        assert!(!waiting.exists() && data.exists());
    }
    bench.client.add(&sample.seed(&data)).await.unwrap();
    std::fs::rename(&waiting, waiting.with_extension("torrent.added")).unwrap();
    let error = bench.client.remove(&sample.torrent()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(bench.path("data/chaosradio/audio/episode.mp3").exists());
    // What it left behind does not stand in the way of another time.
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Absent);
    assert_eq!(bench.client.add(&sample.seed(&data)).await.unwrap(), Added::New);
    assert!(waiting.exists());
}

#[tokio::test]
async fn a_change_in_the_folder_ends_the_wait() {
    let bench = Bench::unwatched(WatchedBy::Transmission);
    let (sample, data) = bench.sample("episode.mp3");
    bench.client.add(&sample.seed(&data)).await.unwrap();
    let waiting = bench.path("watch/chaosradio/episode.mp3.torrent");
    let torrent = sample.torrent();
    let change = async {
        // Until the wait begins there is nobody to be told: change again and again.
        for round in 0.. {
            std::fs::write(waiting.with_file_name(format!("{round}")), "").unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = bench.client.changed(&torrent, Duration::from_secs(600)) => {}
        () = change => {}
    }
}

#[tokio::test]
async fn names_from_outside_never_lead_out_of_the_folder() {
    let bench = Bench::unwatched(WatchedBy::Other);
    let (sample, data) = bench.sample("episode.mp3");
    for (name, show) in
        [("../up.mp3", "show"), ("..", "show"), ("", "show"), ("a.mp3", "../up"), ("a.mp3", "..")]
    {
        let mut seed = sample.seed(&data);
        (seed.torrent.name, seed.torrent.show) = (name.to_owned(), show.to_owned());
        let error = bench.client.add(&seed).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Path, "{name} {show}");
    }
}

#[tokio::test]
async fn long_names_are_placed() {
    let bench = Bench::unwatched(WatchedBy::Deluge);
    let (sample, data) = bench.sample(&format!("{}.mp3", "ü".repeat(125)));
    bench.client.add(&sample.seed(&data)).await.unwrap();
    assert_eq!(bench.client.find(&sample.torrent()).await.unwrap(), Presence::Waiting);
}

#[tokio::test]
async fn what_a_folder_cannot_carry_is_unsupported() {
    let bench = Bench::unwatched(WatchedBy::RTorrent);
    let (sample, _) = bench.sample("episode.mp3");
    let torrent = sample.torrent();
    bench.client.configure(&torrent, &Limits::default()).await.unwrap();
    assert_eq!(bench.client.list().await.unwrap(), None);
    let limits = Limits { ratio: Some(1.0), ..Limits::default() };
    let v2 = Sample::new("v2.mp3", TorrentVersion::V2);
    let data = v2.write_to(bench.folder.path());
    for error in [
        bench.client.configure(&torrent, &limits).await.unwrap_err(),
        bench.client.verify(&torrent).await.unwrap_err(),
        bench.client.add(&v2.seed(&data)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }
}
