//! Sources that are looked at again: web seeds, files that the publisher has replaced, and torrents of his own.

use std::path::PathBuf;

use podseed_adapters::testing::{PASSWORD, QBittorrent, Transmission, USERNAME};
use podseed_adapters::{InfoHashes, Presence, TorrentRef};
use serde_json::Value;

use crate::support::peers::Libtorrent;
use crate::support::world::{Item, World};
use crate::support::{Fault, mp3};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const LENGTH: usize = 700_000;
/// What the piece length is for files of this size, by the recipe.
const PIECE: u64 = 65_536;

async fn verified() -> World {
    let world = World::new("torrent: {web_seeds: verified}").await;
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(LENGTH, 1));
    world
}

impl World {
    /// The only enclosure that is not a former version.
    fn current(&self) -> Value {
        let story = self.why("g1");
        let enclosures = story["enclosures"].as_array().unwrap();
        let mut current = enclosures.iter().filter(|enclosure| enclosure["replaced"].is_null());
        let one = current.next().unwrap().clone();
        assert!(current.next().is_none(), "{story}");
        one
    }

    /// The former versions, the oldest first.
    fn former(&self) -> Vec<Value> {
        let story = self.why("g1");
        let all = story["enclosures"].as_array().unwrap().iter();
        all.filter(|enclosure| !enclosure["replaced"].is_null()).cloned().collect()
    }

    /// `podseed why --json`.
    fn why(&self, episode: &str) -> Value {
        let ran = self.podseed(&["why", episode, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()
    }

    /// What `podseed torrent show` says of the .torrent of a file.
    fn torrent(&self, file: &str) -> Value {
        let path = self.torrent_path(file);
        let ran = self.podseed(&["torrent", "show", path.to_str().unwrap(), "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.json()
    }

    fn torrent_path(&self, file: &str) -> PathBuf {
        self.path(&format!("data/torrents/show/{file}.torrent"))
    }

    /// Whatever podseed waits for has come: everything that it does at a certain time is due.
    async fn let_time_pass(&self) {
        let url = format!("sqlite:{}", self.path("data/state.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query(
            "UPDATE enclosures SET source_next = source_next - $1, source_hint = source_hint - $1,
                 source_checked = source_checked - $1, replaced = replaced - $1, official_next = official_next - $1",
        )
        .bind(100 * 86_400)
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
    }

    /// The ranges that were asked of a path, and how many bytes were sent for them.
    fn ranges(&self, path: &str) -> (usize, u64) {
        let asked = self.origin.requests_for(path);
        let ranges = asked.iter().filter(|request| request.range().is_some());
        ranges.fold((0, 0), |(count, bytes), request| (count + 1, bytes + request.sent))
    }
}

fn story(enclosure: &Value) -> String {
    let events = enclosure["events"].as_array().unwrap().iter();
    events.map(|event| format!("{}\n", event["text"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_source_becomes_a_web_seed_after_two_looks_at_different_times() {
    let world = verified().await;
    world.run(0);
    let first = world.current();
    assert_eq!(
        (first["source"].as_str(), first["web_seed"].as_bool()),
        (Some("stable"), Some(false)),
        "{first}"
    );
    assert_eq!(world.torrent("one.mp3")["web_seeds"], serde_json::json!([]));
    let (requests, bytes) = world.ranges("/one.mp3");
    assert!(requests == 3 && bytes <= 3 * PIECE, "{requests} requests, {bytes} bytes");
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 4, "the file itself was asked for once");
    assert_eq!(first["requests"], 4);

    // Before its time nobody looks again.
    world.run(0);
    assert_eq!(world.ranges("/one.mp3").0, 3);

    let info_hash = world.torrent("one.mp3")["info_hash"].clone();
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.ranges("/one.mp3").0, 6);
    let asked = world.origin.requests_for("/one.mp3");
    let ranges: Vec<_> = asked.iter().filter_map(|request| request.range()).collect();
    assert_ne!(ranges[..3], ranges[3..], "each look asks for other pieces");
    let torrent = world.torrent("one.mp3");
    assert_eq!(torrent["web_seeds"], serde_json::json!([world.origin.url("/one.mp3")]));
    assert_eq!(torrent["info_hash"], info_hash);
    let enclosure = &world.enclosures()[0];
    assert!(enclosure["magnet"].as_str().unwrap().contains("&ws=http%3A%2F%2F127.0.0.1"), "{enclosure}");
    assert_eq!(world.current()["web_seed"], true);

    // A stranger who knows of no peer gets all of it from the publisher.
    let into = tempfile::tempdir().unwrap();
    Libtorrent::start().leech(&world.torrent_path("one.mp3"), None, into.path());
    assert!(std::fs::read(into.path().join("one.mp3")).unwrap() == mp3(LENGTH, 1), "other bytes came");
}

#[tokio::test]
async fn a_source_that_changes_per_request_is_never_a_web_seed_nor_fetched_again() {
    let world = verified().await;
    // The second range and its repetition: advertising of another length for each listener.
    world.origin.fault("/one.mp3", Fault::Nothing);
    world.origin.fault("/one.mp3", Fault::Nothing);
    world.origin.fault("/one.mp3", Fault::OtherFile("/ad-1.mp3"));
    world.origin.fault("/one.mp3", Fault::OtherFile("/ad-2.mp3"));
    world.origin.file("/ad-1.mp3", mp3(LENGTH + 1_000, 7));
    world.origin.file("/ad-2.mp3", mp3(LENGTH + 2_000, 8));
    world.run(0);
    let current = world.current();
    assert_eq!(current["source"], "changes per request");
    assert!(story(&current).contains("gives other bytes at each request"), "{}", story(&current));
    assert_eq!(world.ranges("/one.mp3").0, 3);
    world.let_time_pass().await;
    world.publish_with_length(&[ONE], 5);
    world.run(0);
    assert_eq!(world.ranges("/one.mp3").0, 3, "nobody asks it again");
    assert_eq!(world.torrent("one.mp3")["web_seeds"], serde_json::json!([]));
    assert!(world.former().is_empty());
    let text = world.podseed(&["why", "g1"]).stdout;
    assert!(text.contains("source    changes per request"), "{text}");
}

#[tokio::test]
async fn a_server_without_ranges_and_a_page_for_maintenance_prove_nothing() {
    for fault in [Fault::IgnoreRange, Fault::Html("<title>Back soon</title>"), Fault::ShiftRange(5)] {
        let world = verified().await;
        world.origin.fault("/one.mp3", Fault::Nothing);
        world.origin.always("/one.mp3", fault.clone());
        world.run(0);
        let current = world.current();
        assert_eq!(current["source"], "unknown", "{fault:?}");
        assert!(story(&current).contains("does not serve ranges"), "{}", story(&current));
        assert_eq!(world.ranges("/one.mp3").0, 1, "one answer is enough to see it: {fault:?}");
        world.run(0);
        assert_eq!(world.ranges("/one.mp3").0, 1);
    }
}

#[tokio::test]
async fn a_source_that_is_down_is_looked_at_later_and_as_it_asks() {
    let world = verified().await;
    world.origin.fault("/one.mp3", Fault::Nothing);
    world.origin.fault("/one.mp3", Fault::Status(503, vec![("Retry-After", "7000".to_owned())]));
    let run = world.run(0);
    assert_eq!(run["failed"], 0, "a look that fails is no failure of the episode");
    world.run(0);
    assert_eq!(world.ranges("/one.mp3").0, 1, "it has asked for time");
    let current = world.current();
    assert_eq!(current["source"], "unknown");
    assert!(story(&current).contains("could not be compared"), "{}", story(&current));
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.current()["source"], "stable");
}

#[tokio::test]
async fn without_a_proof_asked_for_nothing_is_compared() {
    for setting in ["never", "always"] {
        let world = World::new(&format!("torrent: {{web_seeds: {setting}}}")).await;
        world.publish(&[ONE]);
        world.origin.file("/one.mp3", mp3(LENGTH, 1));
        world.run(0);
        world.let_time_pass().await;
        world.run(0);
        assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
        let seeds = world.torrent("one.mp3")["web_seeds"].as_array().unwrap().len();
        assert_eq!(seeds, usize::from(setting == "always"));
    }
}

/// The same show with the enclosure at another address.
const MOVED: Item<'_> = Item { enclosure: "/cdn/2026/one.mp3", ..ONE };

#[tokio::test]
async fn a_new_address_of_the_same_bytes_changes_nothing_but_the_address() {
    let world = verified().await;
    world.run(0);
    world.let_time_pass().await;
    world.run(0);
    let before = world.torrent("one.mp3");
    world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH, 1));
    world.publish(&[MOVED]);
    let run = world.run(0);
    assert_eq!((run["downloaded"].as_u64(), run["torrents_made"].as_u64()), (Some(0), Some(0)));
    assert_eq!(world.origin.requests_for("/cdn/2026/one.mp3").len(), 3);
    assert!(world.ranges("/cdn/2026/one.mp3").1 <= 3 * PIECE);
    assert!(world.former().is_empty());
    // The new address has a proof of its own to give.
    assert_eq!(world.torrent("one.mp3")["web_seeds"], serde_json::json!([]));
    world.let_time_pass().await;
    world.run(0);
    let after = world.torrent("one.mp3");
    assert_eq!(after["web_seeds"], serde_json::json!([world.origin.url("/cdn/2026/one.mp3")]));
    assert_eq!(after["info_hash"], before["info_hash"]);
}

#[tokio::test]
async fn other_bytes_at_a_new_address_are_a_revision_that_names_the_torrent_it_replaces() {
    for settings in ["torrent: {web_seeds: verified}", "torrent: {web_seeds: never, version: hybrid}"] {
        let world = verified().await;
        world.configure(settings);
        world.run(0);
        let old = world.torrent("one.mp3")["info_hash"]["v1"].as_str().unwrap().to_owned();
        world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH + 5_000, 2));
        world.publish(&[MOVED]);
        let before = world.origin.requests_for("/cdn/2026/one.mp3").len();
        let run = world.run(0);
        assert_eq!((run["downloaded"].as_u64(), run["new_episodes"].as_u64()), (Some(1), Some(0)), "{run}");
        // The same range twice is the proof that it is another file; then all of it once.
        let asked = world.origin.requests_for("/cdn/2026/one.mp3")[before..].to_vec();
        assert_eq!(asked[0].range(), asked[1].range());
        assert_eq!(asked[2].range(), None);

        let (current, former) = (world.current(), world.former());
        assert_eq!(former.len(), 1);
        assert_eq!(former[0]["replaced"]["by"], "revised");
        assert_eq!(current["stage"], "torrent_ready");
        let name = "2026-02-28 One 711430f6.mp3";
        let files: Vec<_> = world.enclosures().iter().map(|enclosure| enclosure["file"].clone()).collect();
        assert!(files.iter().any(|file| file.as_str().unwrap().ends_with(name)), "{files:?}");
        let bytes = std::fs::read(world.torrent_path(name)).unwrap();
        let similar = "7:similarl20:";
        let at =
            bytes.windows(similar.len()).position(|part| part == similar.as_bytes()).unwrap() + similar.len();
        let named: String = bytes[at..at + 20].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(named, old);
        assert_eq!(world.check_torrents(), 2);
        assert!(
            std::fs::read(world.path("data/media/show/one.mp3")).unwrap() == mp3(LENGTH, 1),
            "the old file stays"
        );
    }
}

#[tokio::test]
async fn a_file_replaced_in_its_place_is_found_at_the_next_look_and_by_a_changed_length() {
    for hinted in [true, false] {
        let world = verified().await;
        world.run(0);
        world.origin.file("/one.mp3", mp3(LENGTH, 2));
        if hinted {
            world.publish_with_length(&[ONE], 77);
        } else {
            world.run(0);
            assert!(world.former().is_empty(), "nobody has looked yet");
            world.let_time_pass().await;
        }
        let run = world.run(0);
        assert_eq!(run["downloaded"], 1, "hinted: {hinted}");
        assert_eq!(world.former().len(), 1);
        assert_eq!(world.current()["source"], "stable");
        assert_eq!(world.run(0)["downloaded"], 0);
    }
}

#[tokio::test]
async fn each_revision_gets_a_name_of_its_own_and_a_source_that_never_rests_is_left_alone() {
    let world = verified().await;
    world.run(0);
    for version in 2..6 {
        world.origin.file("/one.mp3", mp3(LENGTH, version));
        world.let_time_pass().await;
        assert_eq!(world.run(0)["downloaded"], 1, "version {version}");
    }
    let mut files: Vec<_> =
        world.enclosures().iter().map(|enclosure| enclosure["file"].to_string()).collect();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), 5, "{files:?}");
    // Once more within a week: no new version, but a file that changes by itself.
    world.origin.file("/one.mp3", mp3(LENGTH, 9));
    world.publish_with_length(&[ONE], 99);
    world.run(0);
    let run = world.run(0);
    assert_eq!(run["downloaded"], 0);
    assert_eq!(world.current()["source"], "changes per request");
}

#[tokio::test]
async fn a_length_or_an_address_that_changes_with_each_poll_costs_three_ranges_a_day() {
    let world = verified().await;
    world.run(0);
    for poll in 0..5 {
        let path = format!("/token-{poll}/one.mp3");
        world.origin.file(&path, mp3(LENGTH, 1));
        world.publish_with_length(&[Item { enclosure: &path, ..ONE }], 1_000 + poll);
        world.run(0);
        let asked = world.origin.requests_for(&path).len();
        assert_eq!(asked, if poll == 0 { 3 } else { 0 }, "poll {poll}");
    }
    for counter in 0..3 {
        let path = format!("/token-4/one.mp3?updated={counter}");
        world.origin.file(&path, mp3(LENGTH, 1));
        world.publish_with_length(&[Item { enclosure: &path, ..ONE }], 1_004);
        world.run(0);
        assert!(world.origin.requests_for(&path).is_empty(), "a counter is no other file");
    }
    assert_eq!(world.enclosures().len(), 1);
}

#[tokio::test]
async fn a_former_version_is_seeded_for_its_time_and_then_taken_out_of_the_clients() {
    let world = verified().await;
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
    world.configure(&format!(
        "clients:\n  tr: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n  \
         qb: {{qbittorrent: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n\
         torrent: {{web_seeds: never, keep_replaced: 30 days}}\n",
        tr.url(),
        qb.url()
    ));
    world.run(0);
    world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH, 2));
    world.publish(&[MOVED]);
    assert_eq!(world.run(0)["seeding"], 2, "the former version is seeded on beside the new one");
    let states = |enclosure: &Value| -> Vec<String> {
        enclosure["placements"].as_array().unwrap().iter().map(|p| p["state"].to_string()).collect()
    };
    assert_eq!(states(&world.former()[0]), ["\"seeding\"", "\"seeding\""]);
    let old = world.torrent_path("one.mp3");
    let leech = |port| {
        let into = tempfile::tempdir().unwrap();
        Libtorrent::start().leech(&old, Some(port), into.path());
    };
    leech(tr.peer_port());

    world.let_time_pass().await;
    world.run(0);
    let former = &world.former()[0];
    assert_eq!(former["stage"], "withdrawn");
    assert!(states(former).is_empty());
    assert!(story(former).contains("tr: the former version was taken out"), "{}", story(former));
    assert!(world.path("data/media/show/one.mp3").exists(), "its file stays");
    assert_eq!(world.current()["stage"], "seeding");
    for config in [tr.config(), qb.config()] {
        let has = async |enclosure: &Value| {
            let client = podseed_adapters::open(&config).unwrap();
            let file =
                if enclosure["replaced"].is_null() { "2026-02-28 One 711430f6.mp3" } else { "one.mp3" };
            let v1 = world.torrent(file)["info_hash"]["v1"].as_str().unwrap().parse().unwrap();
            let torrent =
                TorrentRef { info_hash: InfoHashes::V1(v1), name: file.to_owned(), show: "show".to_owned() };
            client.find(&torrent).await.unwrap() != Presence::Absent
        };
        assert!(!has(former).await && has(&world.current()).await);
    }
}
