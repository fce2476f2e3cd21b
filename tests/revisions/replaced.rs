//! Files that the publisher has replaced or moved.

use podseed_adapters::testing::{PASSWORD, QBittorrent, Transmission, USERNAME};
use podseed_adapters::{InfoHashes, Presence, TorrentRef};
use serde_json::Value;

use super::{LENGTH, ONE, PIECE, story, verified};
use crate::support::peers::Libtorrent;
use crate::support::world::Item;
use crate::support::{Fault, mp3};

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
    // Longer, so that the answers say another total; or so short that there is nothing where we ask.
    let cases = [
        ("torrent: {web_seeds: verified}", LENGTH + 5_000),
        ("torrent: {web_seeds: never, version: hybrid}", LENGTH + 5_000),
        ("torrent: {web_seeds: verified}", 60_000),
    ];
    for (settings, length) in cases {
        let world = verified().await;
        world.configure(settings);
        world.run(0);
        let old = world.torrent("one.mp3")["info_hash"]["v1"].as_str().unwrap().to_owned();
        world.origin.file("/cdn/2026/one.mp3", mp3(length, 2));
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
    assert!(story(former).contains("its time as a former version is over"), "{}", story(former));
    assert!(story(former).contains("tr: taken out"), "{}", story(former));
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

#[tokio::test]
async fn what_only_watches_a_folder_keeps_the_former_version_and_the_story_says_so() {
    let world = verified().await;
    std::fs::create_dir(world.path("watch")).unwrap();
    std::fs::create_dir(world.path("downloads")).unwrap();
    world.configure("clients:\n  rt: {watch_dir: {path: watch, data: downloads, client: rtorrent}}\n");
    world.run(0);
    world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH, 2));
    world.publish(&[MOVED]);
    world.run(0);
    world.let_time_pass().await;
    world.run(0);
    let former = &world.former()[0];
    assert_eq!(former["stage"], "withdrawn");
    assert!(story(former).contains("its time as a former version is over"), "{}", story(former));
    assert!(story(former).contains("remove it in the client itself"), "{}", story(former));
    assert!(world.path("downloads/one.mp3").exists());
}

#[tokio::test]
async fn a_former_version_stays_until_the_new_one_is_there_however_long_that_takes() {
    let world = verified().await;
    world.run(0);
    world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH, 2));
    world.publish(&[MOVED]);
    // The two ranges that prove the revision, and then nothing of it can be had.
    world.origin.fault("/cdn/2026/one.mp3", Fault::Nothing);
    world.origin.fault("/cdn/2026/one.mp3", Fault::Nothing);
    world.origin.always("/cdn/2026/one.mp3", Fault::Status(404, Vec::new()));
    world.run(3);
    world.let_time_pass().await;
    world.run(3);
    assert_eq!(world.former()[0]["stage"], "torrent_ready");
    assert_eq!(world.current()["stage"], "failed");
    world.origin.always("/cdn/2026/one.mp3", Fault::Nothing);
    assert_eq!(world.podseed(&["retry", "g1"]).code, 0);
    assert_eq!(world.current()["stage"], "torrent_ready");
    assert_eq!(world.former()[0]["stage"], "withdrawn");
}

#[tokio::test]
async fn killed_while_a_revision_is_fetched_the_next_run_goes_on_and_makes_no_second_one() {
    let world = verified().await;
    world.run(0);
    world.origin.file("/cdn/2026/one.mp3", mp3(LENGTH, 2));
    world.publish(&[MOVED]);
    world.origin.fault("/cdn/2026/one.mp3", Fault::Nothing);
    world.origin.fault("/cdn/2026/one.mp3", Fault::Nothing);
    world.origin.fault("/cdn/2026/one.mp3", Fault::HangAfter(600_000));
    let (mut child, mut lines) = world.start();
    assert!(lines.any(|line| line.contains("has replaced one.mp3")));
    while world.origin.requests_for("/cdn/2026/one.mp3").last().is_none_or(|request| request.sent < 600_000) {
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.run(0);
    assert_eq!((world.former().len(), world.check_torrents()), (1, 2));
    assert_eq!(world.current()["stage"], "torrent_ready");
}

#[tokio::test]
async fn what_is_not_wanted_any_more_is_not_fetched_in_a_new_version() {
    let world = verified().await;
    world.run(0);
    let show = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
    let narrowed = show.replace(".xml\"}", ".xml\", episodes: {not_title: One}}");
    assert_ne!(show, narrowed);
    std::fs::write(world.path("podseed.yaml"), narrowed).unwrap();
    world.run(0);
    world.origin.file("/one.mp3", mp3(LENGTH, 2));
    world.let_time_pass().await;
    assert_eq!(world.run(0)["downloaded"], 0);
    let enclosure = &world.why("g1")["enclosures"][0];
    assert_eq!((enclosure["source"].as_str(), enclosure["replaced"].is_null()), (Some("changed once"), true));
}
