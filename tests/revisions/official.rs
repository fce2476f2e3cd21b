//! Torrents that the publisher offers himself.

use podseed::hash::PieceLength;
use podseed::model::TorrentVersion;
use podseed::torrent::{MetainfoRequest, edit, hash_file, make};
use podseed_adapters::testing::{PASSWORD, QBittorrent, USERNAME};

use super::{LENGTH, ONE, PIECE, story, verified};
use crate::support::peers::Libtorrent;
use crate::support::world::World;
use crate::support::{Fault, mp3};

/// A torrent of his own that the publisher makes of these bytes, with other rules than ours.
struct Official {
    name: &'static str,
    piece_length: u64,
    version: TorrentVersion,
    tracker: &'static str,
}

impl Official {
    const USUAL: Self = Self {
        name: "Official One.mp3",
        piece_length: 32 << 10,
        version: TorrentVersion::V1,
        tracker: "http://tracker.publisher.invalid/announce",
    };

    fn request(&self, bytes: &[u8]) -> MetainfoRequest {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let piece_length = PieceLength::new(self.piece_length).unwrap();
        let hashes = hash_file(file.path(), self.version, Some(piece_length)).unwrap();
        MetainfoRequest {
            trackers: vec![vec![self.tracker.to_owned()]],
            web_seeds: vec!["http://10.0.0.1/one.mp3".to_owned()],
            ..MetainfoRequest::new(self.name, hashes)
        }
    }

    fn metainfo(&self, bytes: &[u8]) -> Vec<u8> {
        make(&self.request(bytes)).metainfo
    }
}

impl World {
    /// Publishes the episode with a torrent of it at this address (a path at the origin, or a magnet link).
    fn publish_offering(&self, torrent: &str) {
        self.publish(&[ONE]);
        let torrent = match torrent.strip_prefix('/') {
            Some(_) => self.origin.url(torrent).to_string(),
            None => torrent.replace('&', "&amp;"),
        };
        let offer = format!(
            "<podcast:alternateEnclosure xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" type=\"audio/mpeg\">\
             <podcast:source uri=\"{torrent}\" contentType=\"application/x-bittorrent\"/>\
             </podcast:alternateEnclosure></item>"
        );
        let feed = String::from_utf8(self.origin.content("/feed.xml")).unwrap();
        self.origin.file("/feed.xml", feed.replace("</item>", &offer));
    }
}

async fn offering(torrent: &[u8]) -> World {
    let world = World::new("").await;
    world.origin.file("/one.mp3", mp3(LENGTH, 1));
    world.origin.file("/one.torrent", torrent);
    world.publish_offering("/one.torrent");
    world
}

#[tokio::test]
async fn a_new_episode_with_a_torrent_of_the_publishers_joins_it_byte_for_byte() {
    for version in [TorrentVersion::V1, TorrentVersion::Hybrid, TorrentVersion::V2] {
        let his = Official { version, ..Official::USUAL }.metainfo(&mp3(LENGTH, 1));
        let world = offering(&his).await;
        let run = world.run(0);
        assert_eq!((run["downloaded"].as_u64(), run["torrents_made"].as_u64()), (Some(1), Some(1)));
        let written = std::fs::read(world.torrent_path("Official One.mp3")).unwrap();
        assert!(written == his, "the torrent is his, with nothing added: {version:?}");
        assert_eq!(world.check_torrents(), 1);
        let current = world.current();
        assert_eq!(current["official"], true);
        let paths: Vec<_> = world.origin.requests().iter().map(|request| request.path.clone()).collect();
        assert_eq!(paths, ["/feed.xml", "/one.torrent", "/one.mp3"]);
        world.run(0);
        assert_eq!(world.origin.requests().len(), 4, "nothing but the feed");
    }
}

#[tokio::test]
async fn an_offer_of_other_bytes_or_that_cannot_be_seeded_leaves_ours_with_a_word() {
    let bytes = mp3(LENGTH, 1);
    let usual = Official::USUAL.request(&bytes);
    let with = |change: &dyn Fn(&mut MetainfoRequest)| {
        let mut request = usual.clone();
        change(&mut request);
        make(&request).metainfo
    };
    let mut bomb = b"d4:infod6:pieces".to_vec();
    bomb.extend(b"d1:a".repeat(200_000));
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("other bytes", Official::USUAL.metainfo(&mp3(LENGTH, 2)), "of other bytes"),
        ("another length", Official::USUAL.metainfo(&mp3(LENGTH + 1, 1)), "of other bytes"),
        ("private", with(&|request| request.private = true), "it is private"),
        ("a hidden name", with(&|request| request.name = ".partial".to_owned()), "its name"),
        ("a bomb", bomb, "not a .torrent"),
        ("a page", b"<html>no</html>".to_vec(), "not a .torrent"),
        ("too large", vec![b'd'; (8 << 20) + 1], "is larger than 8388608 bytes"),
    ];
    for (case, torrent, word) in cases {
        let world = offering(&torrent).await;
        let run = world.run(0);
        assert_eq!(run["torrents_made"], 1, "{case}: {run}");
        let current = world.current();
        assert_eq!(
            (current["official"].as_bool(), current["stage"].as_str()),
            (Some(false), Some("torrent_ready"))
        );
        assert!(story(&current).contains(word), "{case}: {}", story(&current));
        assert!(current["official_torrent"].as_str().unwrap().ends_with("/one.torrent"), "it is named still");
        assert_eq!(world.torrent("one.mp3")["piece_length"], PIECE, "{case}: ours is by our recipe");
        assert_eq!(world.check_torrents(), 1);
        world.run(0);
        assert_eq!(world.origin.requests_for("/one.torrent").len(), 1, "{case}: it is read once");
        world.publish_offering("/one.torrent?token=2");
        world.run(0);
        assert!(
            world.origin.requests_for("/one.torrent?token=2").is_empty(),
            "{case}: nor at each new address"
        );
        assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
    }
}

#[tokio::test]
async fn a_torrent_server_that_is_down_delays_an_episode_and_does_not_keep_it_for_ever() {
    let world = offering(&Official::USUAL.metainfo(&mp3(LENGTH, 1))).await;
    world.origin.always("/one.torrent", Fault::Status(500, Vec::new()));
    for _ in 0..3 {
        let run = world.run(3);
        assert!(run["errors"].to_string().contains("the publisher's own torrent"), "{run}");
        assert!(world.origin.requests_for("/one.mp3").is_empty());
    }
    assert_eq!(world.run(0)["torrents_made"], 1);
    assert_eq!(world.current()["official"], false);
    // It is back, and what we have is his.
    world.origin.always("/one.torrent", Fault::Nothing);
    world.let_time_pass().await;
    world.run(0);
    assert_eq!(world.current()["official"], true);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
}

#[tokio::test]
async fn a_torrent_offered_later_takes_the_place_of_ours_without_a_byte_fetched() {
    for name in ["Official One.mp3", "one.mp3"] {
        let world = verified().await;
        let qb = QBittorrent::start().unwrap();
        std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
        world.configure(&format!(
            "clients:\n  qb: {{qbittorrent: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n\
             torrent: {{web_seeds: never}}\n",
            qb.url()
        ));
        world.run(0);
        let his = Official { name, ..Official::USUAL }.metainfo(&mp3(LENGTH, 1));
        world.origin.file("/one.torrent", his.clone());
        world.publish_offering("/one.torrent");
        let run = world.run(0);
        assert_eq!((run["downloaded"].as_u64(), run["seeding"].as_u64()), (Some(0), Some(2)), "{run}");
        assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
        assert!(std::fs::read(world.torrent_path(name)).unwrap() == his);
        let (current, former) = (world.current(), world.former());
        assert_eq!((current["official"].as_bool(), current["stage"].as_str()), (Some(true), Some("seeding")));
        assert_eq!(former[0]["replaced"]["by"], "official");
        let magnets = world.enclosures().iter().filter(|enclosure| !enclosure["magnet"].is_null()).count();
        assert_eq!(magnets, if name == "one.mp3" { 1 } else { 2 }, "two torrents cannot share one .torrent");
        let inode = |file: &str| {
            use std::os::unix::fs::MetadataExt as _;
            std::fs::metadata(world.path("data/media/show").join(file)).unwrap().ino()
        };
        assert_eq!(inode(name), inode("one.mp3"), "one file under both names");
        let into = tempfile::tempdir().unwrap();
        Libtorrent::start().leech(&world.torrent_path(name), Some(qb.peer_port()), into.path());

        world.let_time_pass().await;
        world.run(0);
        assert_eq!(world.former()[0]["stage"], "withdrawn");
        assert_eq!(world.current()["stage"], "seeding");
        assert!(world.path("data/media/show/one.mp3").exists());
    }
}

#[tokio::test]
async fn the_same_torrent_is_merged_and_gets_his_trackers() {
    let world = offering(b"").await;
    world.publish(&[ONE]);
    world.run(0);
    let before = world.torrent("one.mp3");
    let ours = std::fs::read(world.torrent_path("one.mp3")).unwrap();
    let tracker = vec![vec!["udp://tracker.publisher.invalid:6969/announce".to_owned()]];
    world.origin.file("/one.torrent", edit(&ours, &[], &tracker).unwrap());
    world.publish_offering("/one.torrent");
    world.run(0);
    let after = world.torrent("one.mp3");
    assert_eq!(after["announce"], serde_json::json!(tracker));
    assert_eq!(after["info_hash"], before["info_hash"]);
    assert_eq!(world.current()["official"], true);
    assert!(world.former().is_empty());
    assert!(world.enclosures()[0]["magnet"].as_str().unwrap().contains("publisher.invalid"));
    // So does a magnet link that names it.
    let world = offering(b"").await;
    let hash = before["info_hash"]["v1"].as_str().unwrap();
    world.publish_offering(&format!("magnet:?xt=urn:btih:{hash}&tr=udp%3A%2F%2Ft.invalid%3A1"));
    world.run(0);
    assert_eq!(world.current()["official"], true);
    assert_eq!(world.torrent("one.mp3")["announce"], serde_json::json!([["udp://t.invalid:1"]]));
}

#[tokio::test]
async fn a_magnet_link_of_another_torrent_is_named_beside_ours() {
    let long = format!("magnet:?xt=urn:btih:{}&dn={}", "a".repeat(40), "x".repeat(1 << 20));
    for link in [&format!("magnet:?xt=urn:btih:{}", "a".repeat(40)), "magnet:?dn=nothing", &long] {
        let world = offering(b"").await;
        world.publish_offering(link);
        assert_eq!(world.run(0)["torrents_made"], 1);
        let current = world.current();
        assert_eq!(
            (current["official"].as_bool(), current["stage"].as_str()),
            (Some(false), Some("torrent_ready"))
        );
        assert!(story(&current).contains("magnet link"), "{}", story(&current));
    }
}

#[tokio::test]
async fn a_torrent_of_a_file_that_was_replaced_with_it_brings_the_new_file() {
    let world = verified().await;
    world.run(0);
    world.origin.file("/one.mp3", mp3(LENGTH, 2));
    world.origin.file("/one.torrent", Official::USUAL.metainfo(&mp3(LENGTH, 2)));
    world.publish_offering("/one.torrent");
    world.run(0);
    world.run(0);
    let current = world.current();
    assert_eq!(
        (current["official"].as_bool(), current["stage"].as_str()),
        (Some(true), Some("torrent_ready"))
    );
    assert_eq!(world.former()[0]["replaced"]["by"], "revised");
    assert_eq!(world.torrent("Official One.mp3")["name"], "Official One.mp3");

    // Where the source still has our bytes, ours stays.
    let world = verified().await;
    world.run(0);
    world.origin.file("/one.torrent", Official::USUAL.metainfo(&mp3(LENGTH, 2)));
    world.publish_offering("/one.torrent");
    let run = world.run(0);
    assert_eq!(run["downloaded"], 0);
    world.run(0);
    assert!(world.former().is_empty());
    assert!(story(&world.current()).contains("of other bytes than ours"));
}

#[tokio::test]
async fn what_a_crash_has_left_of_a_take_over_is_done_again() {
    let world = offering(&Official::USUAL.metainfo(&mp3(LENGTH, 1))).await;
    world.publish(&[ONE]);
    world.run(0);
    // Killed before the record: the link and his .torrent are there, and nobody knows of them.
    let media = world.path("data/media/show");
    std::fs::hard_link(media.join("one.mp3"), media.join("Official One.mp3")).unwrap();
    std::fs::write(world.torrent_path("Official One.mp3"), b"d4:infod").unwrap();
    world.publish_offering("/one.torrent");
    world.run(0);
    assert_eq!(world.current()["official"], true);
    assert_eq!((world.former().len(), world.check_torrents()), (1, 2));
}

#[tokio::test]
async fn a_name_that_another_file_has_is_not_taken() {
    let world = offering(&Official::USUAL.metainfo(&mp3(LENGTH, 1))).await;
    std::fs::create_dir_all(world.path("data/media/show")).unwrap();
    let theirs = world.path("data/media/show/Official One.mp3");
    std::fs::write(&theirs, b"the user's own").unwrap();
    world.run(0);
    let current = world.current();
    assert_eq!(current["official"], false);
    assert!(story(&current).contains("its name is taken by another file"), "{}", story(&current));
    assert_eq!(std::fs::read(&theirs).unwrap(), b"the user's own");
    assert_eq!(world.torrent("one.mp3")["piece_length"], PIECE);
}

#[tokio::test]
async fn a_torrent_at_an_address_that_is_not_public_is_not_asked_for_and_delays_nothing() {
    for url in ["http://10.0.0.1/one.torrent", "http://[::1]:9/one.torrent", "file:///etc/passwd.torrent"] {
        let world = offering(b"").await;
        world.publish_offering(url);
        assert_eq!(world.run(0)["torrents_made"], 1, "{url}");
        assert_eq!(world.current()["official"], false);
    }
}
