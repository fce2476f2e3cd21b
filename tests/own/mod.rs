//! Own files: `podseed share`, inboxes, what becomes of files that change, and that nobody ever touches them.

mod clients;
mod feed;
mod follow;
mod hostile;
mod watch;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::mp3;
use crate::support::world::{Ran, World, files_below};

/// What nobody may change of a file: its bytes, its date and which file it is.
#[derive(Debug, PartialEq, Eq)]
struct Untouched {
    bytes: Vec<u8>,
    modified: SystemTime,
    inode: u64,
}

/// A user with an inbox, and no feed.
struct Inbox {
    world: World,
}

impl Inbox {
    /// The inbox `own` with these keys, and what else the configuration is to hold.
    async fn new(keys: &str, more: &str) -> Self {
        let inbox = Self { world: World::new("").await };
        std::fs::create_dir(inbox.path("")).unwrap();
        inbox.configure(keys, more);
        inbox
    }

    fn configure(&self, keys: &str, more: &str) {
        let config = format!("data_dir: data\ninbox: {{own: {{path: inbox, {keys}}}}}\n{more}\n");
        std::fs::write(self.world.path("podseed.yaml"), config).unwrap();
    }

    /// A path in the inbox.
    fn path(&self, name: &str) -> PathBuf {
        self.world.path("inbox").join(name)
    }

    /// Puts a file there that is as old as finished files are.
    fn put(&self, name: &str, bytes: &[u8]) {
        put(&self.path(name), bytes);
    }

    /// `podseed run`, which must end with this status.
    fn run(&self, code: i32) -> Value {
        self.world.run(code)
    }

    fn podseed(&self, arguments: &[&str]) -> Ran {
        self.world.podseed(arguments)
    }

    /// Each enclosure that is not withdrawn: file name and stage.
    fn stages(&self) -> BTreeMap<String, String> {
        let enclosures = self.world.enclosures().into_iter().filter(|one| one["stage"] != "withdrawn");
        enclosures.map(|one| (name(&one), one["stage"].as_str().unwrap().to_owned())).collect()
    }

    /// The names of the files that have a torrent and are not withdrawn.
    fn shared(&self) -> Vec<String> {
        let stages = self.stages().into_iter();
        stages
            .filter(|(_, stage)| stage == "torrent_ready" || stage == "seeding")
            .map(|(name, _)| name)
            .collect()
    }

    /// The episode whose file in force has this name.
    fn episode(&self, file: &str) -> Value {
        let status = self.world.status();
        let episodes = status["shows"][0]["episodes"].as_array().unwrap().clone();
        let has = |episode: &Value| {
            let enclosures = episode["enclosures"].as_array().unwrap();
            enclosures.iter().any(|one| one["stage"] != "withdrawn" && name(one) == file)
        };
        episodes.into_iter().find(has).unwrap_or_else(|| panic!("no episode of {file}: {status:#}"))
    }

    /// The v1 info hash of the file in force of this name.
    fn info_hash(&self, file: &str) -> String {
        let enclosures = self.world.enclosures();
        let current = enclosures.iter().find(|one| one["stage"] != "withdrawn" && name(one) == file).unwrap();
        current["info_hash"]["v1"].as_str().unwrap().to_owned()
    }

    /// What the files in the inbox are now.
    fn untouched(&self) -> BTreeMap<PathBuf, Untouched> {
        let files = files_below(&self.path("")).into_iter();
        files.map(|path| (path.clone(), untouched(&path))).collect()
    }

    /// Every torrent verifies against the user's own file.
    fn check_torrents(&self) -> usize {
        let enclosures: Vec<_> =
            self.world.enclosures().into_iter().filter(|one| one["stage"] != "withdrawn").collect();
        for one in &enclosures {
            let torrent = self.world.path("data").join(one["torrent"].as_str().unwrap());
            let ran = self.podseed(&[
                "torrent",
                "verify",
                torrent.to_str().unwrap(),
                one["file"].as_str().unwrap(),
            ]);
            assert_eq!(ran.code, 0, "{one}: {}{}", ran.stdout, ran.stderr);
        }
        let torrents = files_below(&self.world.path("data/torrents"));
        assert_eq!(torrents.len(), enclosures.len(), "torrents without files: {torrents:?}");
        assert_eq!(
            files_below(&self.world.path("data/media")),
            Vec::<PathBuf>::new(),
            "something was copied"
        );
        enclosures.len()
    }
}

fn name(enclosure: &Value) -> String {
    let path = enclosure["file"].as_str().or(enclosure["url"].as_str()).unwrap();
    path.rsplit('/').next().unwrap().to_owned()
}

fn untouched(path: &Path) -> Untouched {
    let metadata = path.metadata().unwrap();
    let (modified, inode) = (metadata.modified().unwrap(), metadata.ino());
    Untouched { bytes: std::fs::read(path).unwrap(), modified, inode }
}

/// Writes a file that was finished an hour ago, as far as its date tells.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
}

#[tokio::test]
async fn a_season_in_one_drop_becomes_episodes_in_their_order_and_no_file_is_touched() {
    let inbox = Inbox::new("permission: own work", "").await;
    for number in 1..=200 {
        inbox.put(&format!("season/episode {number}.mp3"), &mp3(3000 + number, number as u64));
        let file =
            std::fs::File::options().write(true).open(inbox.path(&format!("season/episode {number}.mp3")));
        // All of one date, so that their names decide.
        file.unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)).unwrap();
    }
    inbox.put("notes.txt", b"not a medium");
    inbox.put("season/cover.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    inbox.put("season/booklet.pdf", b"%PDF-1.4\n%%EOF\n");
    let before = inbox.untouched();
    let run = inbox.run(0);
    assert_eq!(
        (run["new_episodes"].as_u64(), run["torrents_made"].as_u64()),
        (Some(200), Some(200)),
        "{run}"
    );
    assert_eq!((run["bytes_fetched"].as_u64(), run["downloaded"].as_u64()), (Some(0), Some(0)), "{run}");
    assert_eq!(inbox.check_torrents(), 200);
    assert_eq!(inbox.untouched(), before);
    let again = inbox.run(0);
    assert_eq!(
        (again["new_episodes"].as_u64(), again["torrents_made"].as_u64()),
        (Some(0), Some(0)),
        "{again}"
    );

    let status = inbox.world.status();
    let episodes = status["shows"][0]["episodes"].as_array().unwrap();
    let guids: std::collections::BTreeSet<_> =
        episodes.iter().map(|one| one["guid"].as_str().unwrap()).collect();
    assert_eq!(guids.len(), 200);
    let catalogue = std::fs::read(inbox.world.path("data/site/own/catalog.json")).unwrap();
    let catalogue: Value = serde_json::from_slice(&catalogue).unwrap();
    let names =
        catalogue["episodes"].as_array().unwrap().iter().map(|one| one["files"][0]["name"].as_str().unwrap());
    let expected: Vec<_> = (1..=200).rev().map(|number| format!("episode {number}.mp3")).collect();
    assert_eq!(names.collect::<Vec<_>>(), expected, "the last one is the newest");
}

#[tokio::test]
async fn share_needs_no_configuration_and_names_what_it_cannot_share() {
    let world = World::new("").await;
    std::fs::remove_file(world.path("podseed.yaml")).unwrap();
    put(&world.path("talks/one.mp3"), &mp3(5000, 1));
    put(&world.path("talks/two.mp3"), &mp3(6000, 2));
    put(&world.path("talks/readme.txt"), b"words");
    put(&world.path("single.mp3"), &mp3(4000, 3));
    let ran = world.podseed(&["share", "talks", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["torrents_made"], 2);
    let ran = world.podseed(&["share", "single.mp3", "--title", "  A   talk ", "--show", "talks"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("talks: 1 new episode"), "{}", ran.stderr);
    assert!(ran.stdout.contains("1 show, 1 new episode;"), "{}", ran.stdout);
    assert!(ran.stderr.contains("your own files are where they were"), "{}", ran.stderr);
    let status = world.status();
    let titles: Vec<_> =
        status["shows"].as_array().unwrap().iter().map(|show| &show["episodes"][0]["title"]).collect();
    assert_eq!(titles, ["podcas", "A talk"]);
    let file = &status["shows"][1]["episodes"][0]["enclosures"][0]["file"];
    assert_eq!(file.as_str().unwrap(), world.path("single.mp3").to_str().unwrap());

    let ran = world.podseed(&["share", "talks", "talks/readme.txt", "nothing.mp3"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    for word in ["readme.txt: it is neither audio nor video", "there is no file", "2 files already"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    let ran = world.podseed(&["share", "single.mp3", "--show", "Not A Slug"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}

#[tokio::test]
async fn takedown_with_its_data_leaves_the_users_file_and_the_next_look_does_not_bring_it_back() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.put("b.mp3", &mp3(5000, 2));
    inbox.run(0);
    let before = inbox.untouched();
    let ran = inbox.podseed(&["takedown", "a.mp3", "--delete-data"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(inbox.untouched(), before);
    assert!(!inbox.world.path("data/torrents/own/a.mp3.torrent").exists());
    // Also not under another name.
    std::fs::rename(inbox.path("a.mp3"), inbox.path("c.mp3")).unwrap();
    inbox.run(0);
    assert_eq!(inbox.shared(), ["b.mp3"]);
}

#[tokio::test]
async fn two_files_of_one_name_in_two_folders_are_two_episodes() {
    let inbox = Inbox::new("permission: own work", "").await;
    inbox.put("one/01.mp3", &mp3(5000, 1));
    inbox.put("two/01.mp3", &mp3(6000, 2));
    inbox.run(0);
    assert_eq!(inbox.check_torrents(), 2);
    let torrents = files_below(&inbox.world.path("data/torrents/own"));
    for torrent in torrents {
        let ran = inbox.podseed(&["torrent", "show", torrent.to_str().unwrap(), "--json"]);
        assert_eq!(ran.json()["name"], "01.mp3", "a client has to find the file under its own name");
    }
}
