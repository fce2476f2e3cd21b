//! Sources that are looked at again: web seeds, files that the publisher has replaced, and torrents of his own.

mod official;
mod replaced;

use std::path::PathBuf;

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
    /// The only enclosure that is wanted: no former version, and no torrent.
    fn current(&self) -> Value {
        let story = self.why("g1");
        let enclosures = story["enclosures"].as_array().unwrap();
        let mut current = enclosures.iter().filter(|enclosure| enclosure["wanted"] == true);
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
        self.change(
            "UPDATE enclosures SET source_next = source_next - 8640000, source_hint = source_hint - 8640000,
                 source_checked = source_checked - 8640000, replaced = replaced - 8640000,
                 official_next = official_next - 8640000",
        )
        .await;
    }

    /// Changes the state behind podseed's back.
    async fn change(&self, statement: &'static str) {
        let url = format!("sqlite:{}", self.path("data/state.db").display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        sqlx::query(statement).execute(&pool).await.unwrap();
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

#[tokio::test]
async fn every_version_and_a_file_of_one_piece_can_be_compared() {
    for version in ["v1", "hybrid", "v2"] {
        for length in [50_000, PIECE as usize, LENGTH] {
            let world = verified().await;
            world.configure(&format!("torrent: {{web_seeds: verified, version: {version}}}"));
            world.origin.file("/one.mp3", mp3(length, 1));
            world.run(0);
            assert_eq!(world.current()["source"], "stable", "{version}, {length} bytes");
            let (requests, bytes) = world.ranges("/one.mp3");
            assert_eq!(requests, if length > PIECE as usize { 3 } else { 1 });
            assert!(bytes <= 3 * PIECE && bytes <= length as u64);
        }
    }
}

#[tokio::test]
async fn a_source_that_gives_now_these_and_now_those_bytes_is_no_web_seed_and_no_revision() {
    let world = verified().await;
    // By the day, not by the request: the first look already finds others, and the second finds ours again.
    world.origin.fault("/one.mp3", Fault::Nothing);
    world.origin.file("/other.mp3", mp3(LENGTH, 2));
    world.origin.fault("/one.mp3", Fault::OtherFile("/other.mp3"));
    world.origin.fault("/one.mp3", Fault::OtherFile("/other.mp3"));
    world.run(0);
    assert_eq!(world.current()["source"], "changed once");
    assert!(world.former().is_empty(), "one look right after the download proves nothing");
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.current()["source"], "changes per request");
    assert_eq!(
        world.origin.requests_for("/one.mp3").iter().filter(|asked| asked.range().is_none()).count(),
        1
    );
}

#[tokio::test]
async fn a_web_seed_that_turns_out_to_change_is_taken_out_again() {
    let world = verified().await;
    world.run(0);
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.current()["web_seed"], true);
    world.origin.file("/ad-1.mp3", mp3(LENGTH, 7));
    world.origin.file("/ad-2.mp3", mp3(LENGTH, 8));
    world.origin.fault("/one.mp3", Fault::OtherFile("/ad-1.mp3"));
    world.origin.fault("/one.mp3", Fault::OtherFile("/ad-2.mp3"));
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.current()["web_seed"], false);
    assert_eq!(world.torrent("one.mp3")["web_seeds"], serde_json::json!([]));
    assert!(!world.enclosures()[0]["magnet"].as_str().unwrap().contains("&ws="));
}

#[tokio::test]
async fn a_published_file_is_a_web_seed_at_our_own_site_whatever_the_source_does() {
    let world = verified().await;
    let own =
        "publish: {base_url: \"https://t.example/pods/\", web_seed: true}\ntorrent: {web_seeds: verified}\n";
    world.configure(own);
    world.origin.file("/a%20b.mp3", mp3(LENGTH, 1));
    world.publish(&[Item { enclosure: "/a%20b.mp3", ..ONE }]);
    world.run(0);
    assert_eq!(world.torrent("a b.mp3")["web_seeds"], serde_json::json!([]), "it is not published yet");
    world.change("UPDATE enclosures SET published = 1").await;
    world.let_time_pass().await;
    world.run(0);
    let seeds = world.torrent("a b.mp3")["web_seeds"].clone();
    let expected = ["https://t.example/pods/show/media/a%20b.mp3", world.origin.url("/a%20b.mp3").as_str()]
        .map(str::to_owned);
    assert_eq!(seeds, serde_json::json!(expected));
}

#[tokio::test]
async fn another_setting_holds_for_the_torrents_that_are_there_too() {
    let world = verified().await;
    world.run(0);
    for (setting, seeds) in [("always", 1), ("never", 0), ("always", 1), ("verified", 0)] {
        world.configure(&format!("torrent: {{web_seeds: {setting}}}"));
        world.run(0);
        let there = world.torrent("one.mp3")["web_seeds"].as_array().unwrap().len();
        assert_eq!(there, seeds, "{setting}");
    }
    assert_eq!(world.ranges("/one.mp3").0, 3, "no setting costs a look before its time");
}

#[tokio::test]
async fn two_looks_in_a_row_count_as_one() {
    let world = verified().await;
    world.run(0);
    // The feed gives a reason to look again at once.
    world.publish_with_length(&[ONE], 4_711);
    world.run(0);
    assert_eq!(world.ranges("/one.mp3").0, 6);
    assert_eq!((&world.current()["source"], &world.current()["web_seed"]), (&"stable".into(), &false.into()));
}
