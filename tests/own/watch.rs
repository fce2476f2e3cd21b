//! Watching: real inotify, and looking time and again where nobody tells.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use podseed::config::Config;
use podseed::model::Stage;
use podseed::pipeline::{Environment, Pipeline};

use super::{Inbox, put};
use crate::support::mp3;

/// What takes longer will not come.
const LONGEST: Duration = Duration::from_secs(60);

/// A pipeline that watches, until it is dropped.
struct Watching {
    pipeline: Arc<Pipeline>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watching {
    async fn start(inbox: &Inbox) -> Self {
        let config = Config::load(&inbox.world.path("podseed.yaml")).unwrap();
        let pipeline = Pipeline::open(Arc::new(config), Environment::new(Arc::new(()))).await.unwrap();
        let watcher = Arc::clone(&pipeline);
        let task = tokio::spawn(async move { watcher.watch_own().await.unwrap() });
        Self { pipeline, task }
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
    }
}
