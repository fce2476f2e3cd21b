//! Watching: real inotify, and looking time and again where nobody tells.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use podseed::clock::Clock;
use podseed::config::Config;
use podseed::model::Stage;
use podseed::pipeline::{Daemon, Environment, Pipeline};
use tokio_util::sync::CancellationToken;

use super::{Inbox, put};
use crate::support::mp3;

/// What takes longer will not come.
const LONGEST: Duration = Duration::from_secs(60);

/// A pipeline that watches.
struct Watching {
    pipeline: Arc<Pipeline>,
    task: tokio::task::JoinHandle<()>,
}

impl Watching {
    async fn start(inbox: &Inbox) -> Self {
        let config = Config::load(&inbox.world.path("podseed.yaml")).unwrap();
        let pipeline = Pipeline::open(Arc::new(config), Environment::new(Arc::new(()))).await.unwrap();
        let watcher = Arc::clone(&pipeline);
        let task = tokio::spawn(async move { watcher.watch_own(|| ()).await.unwrap() });
        Self { pipeline, task }
    }

    /// Stops it, and gives the data folder free.
    async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
        self.pipeline.close().await;
    }

    /// Waits until the show has an error with this in it.
    async fn until_error(&self, part: &str) {
        let deadline = tokio::time::Instant::now() + LONGEST;
        loop {
            let show = self.pipeline.store().status(None).await.unwrap().remove(0);
            if show.error.as_deref().is_some_and(|error| error.contains(part)) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{:?}", show.error);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the files that are known and not withdrawn are these.
    async fn until(&self, expected: &[&str]) {
        let deadline = tokio::time::Instant::now() + LONGEST;
        loop {
            let mut names = Vec::new();
            for show in self.pipeline.store().status(None).await.unwrap() {
                let enclosures = show.episodes.iter().flat_map(|episode| &episode.enclosures);
                let current = enclosures.filter(|one| one.stage != Stage::Withdrawn && !one.replaced);
                names.extend(
                    current.map(|one| one.own.as_deref().unwrap().rsplit('/').next().unwrap().to_owned()),
                );
            }
            names.sort();
            if names == expected {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{names:?} and not {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn files_that_come_change_and_go_are_noticed_without_anybody_asking() {
    for keys in ["permission: own work", "permission: own work, poll: 1 s"] {
        let inbox = Inbox::new(keys, "").await;
        inbox.put("before.mp3", &mp3(4000, 1));
        let watching = Watching::start(&inbox).await;
        watching.until(&["before.mp3"]).await;

        let mut writer = std::fs::File::create(inbox.path("slow.mp3")).unwrap();
        writer.write_all(&mp3(9000, 2)[..4000]).unwrap();
        inbox.put("new folder/b.mp3", &mp3(5000, 3));
        watching.until(&["b.mp3", "before.mp3"]).await;
        writer.write_all(&mp3(9000, 2)[4000..]).unwrap();
        drop(writer);
        watching.until(&["b.mp3", "before.mp3", "slow.mp3"]).await;

        std::fs::rename(inbox.path("new folder"), inbox.path("folder")).unwrap();
        std::fs::rename(inbox.path("slow.mp3"), inbox.path("done.mp3")).unwrap();
        std::fs::remove_file(inbox.path("before.mp3")).unwrap();
        put(&inbox.path("upload.mp3.tmp"), &mp3(4000, 4));
        std::fs::rename(inbox.path("upload.mp3.tmp"), inbox.path("upload.mp3")).unwrap();
        watching.until(&["b.mp3", "done.mp3", "upload.mp3"]).await;
        watching.end().await;
    }
}

#[tokio::test]
async fn one_file_is_replaced_while_another_is_written_and_the_whole_folder_goes_and_comes_back() {
    let inbox = Inbox::new("permission: own work", "").await;
    for number in 0..6 {
        inbox.put(&format!("{number}.mp3"), &mp3(4000, number));
    }
    let all = ["0.mp3", "1.mp3", "2.mp3", "3.mp3", "4.mp3", "5.mp3"];
    inbox.run(0);
    let before = inbox.info_hash("3.mp3");
    let watching = Watching::start(&inbox).await;
    watching.until(&all).await;

    let mut writer = std::fs::File::create(inbox.path("0.mp3")).unwrap();
    writer.write_all(&mp3(9000, 10)[..5000]).unwrap();
    inbox.put("3.mp3", &mp3(4500, 11));
    watching.until(&all[1..]).await;
    writer.write_all(&mp3(9000, 10)[5000..]).unwrap();
    drop(writer);
    watching.until(&all).await;

    // Away with its disk, and mounted again; what comes then is noticed, too.
    let away = inbox.world.path("away");
    std::fs::rename(inbox.path(""), &away).unwrap();
    watching.until_error("cannot read").await;
    watching.until(&all).await;
    std::fs::rename(&away, inbox.path("")).unwrap();
    inbox.put("6.mp3", &mp3(4000, 6));
    watching.until(&[&all[..], &["6.mp3"]].concat()).await;
    watching.end().await;
    inbox.run(0);
    assert_eq!(inbox.check_torrents(), 7);
    assert_ne!(inbox.info_hash("3.mp3"), before);
}

#[tokio::test]
async fn share_beside_another_podseed_records_and_says_who_takes_it_up() {
    let inbox = Inbox::new("permission: own work", "").await;
    let watching = Watching::start(&inbox).await;
    put(&inbox.world.path("elsewhere.mp3"), &mp3(4000, 1));
    let ran = inbox.podseed(&["share", "elsewhere.mp3"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("another podseed is running"), "{}", ran.stderr);
    watching.until(&["elsewhere.mp3"]).await;
    watching.end().await;
    inbox.run(0);
    assert_eq!(inbox.check_torrents(), 1);
}

#[tokio::test]
async fn a_daemon_takes_up_what_it_finds_without_waiting_for_its_next_tick() {
    let inbox = Inbox::new("permission: own work", "").await;
    let config = Config::load(&inbox.world.path("podseed.yaml")).unwrap();
    // It stands still: no tick comes but the first.
    let (clock, _hand) = Clock::set(jiff::Timestamp::now());
    let stop = CancellationToken::new();
    let environment = Environment { clock, monitor: Arc::new(()), stop: stop.clone() };
    let pipeline = Pipeline::open(Arc::new(config), environment).await.unwrap();
    let daemon = Daemon::start(Arc::clone(&pipeline)).await.unwrap();
    inbox.put("later.mp3", &mp3(4000, 1));
    let torrent = inbox.world.path("data/torrents/own/later.mp3.torrent");
    let deadline = tokio::time::Instant::now() + LONGEST;
    while !torrent.exists() {
        assert!(tokio::time::Instant::now() < deadline, "it waits for a tick");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    daemon.stopped().await;
}
