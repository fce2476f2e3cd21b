//! Real clients, fed from a publisher's server, and a stranger who downloads from each of them.

use std::path::Path;

use podseed_adapters::testing::{PASSWORD, QBittorrent, RTorrent, Tracker, Transmission, USERNAME};
use podseed_adapters::{InfoHashes, TorrentRef};
use serde_json::Value;

use crate::support::mp3;
use crate::support::peers::Libtorrent;
use crate::support::world::{Item, World};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const LENGTH: usize = 1_500_000;

async fn one_episode() -> World {
    let world = World::new("").await;
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(LENGTH, 1));
    world
}

pub(crate) fn transmission(client: &Transmission, more: &str) -> String {
    format!(
        "  tr: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}, labels: [podcast]{more}}}\n",
        client.url()
    )
}

pub(crate) fn qbittorrent(client: &QBittorrent, more: &str) -> String {
    format!(
        "  qb: {{qbittorrent: {{url: \"{}\", username: {USERNAME}, password_file: password, category: podcasts}}{more}}}\n",
        client.url()
    )
}

pub(crate) fn watched(folder: &Path, data: &Path, program: &str) -> String {
    format!(
        "  rt: {{watch_dir: {{path: \"{}\", data: \"{}\", client: {program}}}}}\n",
        folder.display(),
        data.display()
    )
}

impl World {
    /// The tracker need not be there, but rTorrent 0.9.8 without DHT ignores torrents that have none.
    pub(crate) fn with_clients(&self, clients: &str) {
        self.with_clients_and_tracker(clients, "http://127.0.0.1:9/announce");
    }

    pub(crate) fn with_clients_and_tracker(&self, clients: &str, tracker: &str) {
        std::fs::write(self.path("password"), format!("{PASSWORD}\n")).unwrap();
        let clients = if clients.is_empty() { String::new() } else { format!("clients:\n{clients}") };
        self.configure(&format!("{clients}torrent:\n  trackers: [[\"{tracker}\"]]\n  web_seeds: never\n"));
    }

    /// The only enclosure.
    fn enclosure(&self) -> Value {
        let mut enclosures = self.enclosures();
        assert_eq!(enclosures.len(), 1);
        enclosures.remove(0)
    }

    /// Where the only enclosure stands at a client.
    fn placement(&self, client: &str) -> Value {
        let placements = self.enclosure()["placements"].clone();
        placements.as_array().unwrap().iter().find(|placement| placement["client"] == client).unwrap().clone()
    }

    /// A stranger downloads the only torrent from the peer on this port, or whom the tracker names, and gets the
    /// very bytes.
    fn leech(&self, port: impl Into<Option<u16>>) {
        let torrent = self.path("data").join(self.enclosure()["torrent"].as_str().unwrap());
        let into = tempfile::tempdir().unwrap();
        Libtorrent::start().leech(&torrent, port.into(), into.path());
        let name = torrent.file_stem().unwrap();
        assert!(std::fs::read(into.path().join(name)).unwrap() == mp3(LENGTH, 1), "other bytes came");
    }
}

#[tokio::test]
async fn three_clients_at_once_seed_what_was_fetched_once() {
    let world = one_episode().await;
    let (tr, qb, rt) =
        (Transmission::start().unwrap(), QBittorrent::start().unwrap(), RTorrent::start().unwrap());
    let clients = transmission(&tr, "")
        + &qbittorrent(&qb, "")
        + &watched(&rt.watch_dir(), &rt.downloads(), "rtorrent");
    world.with_clients(&clients);
    let run = world.run(0);
    assert_eq!((run["handed_over"].as_u64(), run["seeding"].as_u64()), (Some(1), Some(1)), "{run}");
    assert_eq!(world.enclosure()["stage"], "seeding");
    let states =
        ["tr", "qb", "rt"].map(|client| world.placement(client)["state"].as_str().unwrap().to_owned());
    assert_eq!(states, ["seeding", "seeding", "delivered"]);
    for port in [tr.peer_port(), qb.peer_port(), rt.peer_port()] {
        world.leech(port);
    }
    assert_eq!(world.origin.bytes_served("/one.mp3"), LENGTH as u64);

    // A second run has nothing to hand over, and the clients have each torrent once.
    assert_eq!(world.run(0)["handed_over"], 0);
}

#[tokio::test]
async fn a_stranger_finds_the_seeder_by_the_tracker_alone() {
    let world = one_episode().await;
    let tracker = Tracker::start(&[]).unwrap();
    let qb = QBittorrent::start().unwrap();
    world.with_clients_and_tracker("", &tracker.announce_url());
    world.run(0);
    // The tracker takes only torrents that it knows, and the info hash is known before anybody seeds.
    let info_hash = world.enclosure()["info_hash"]["v1"].as_str().unwrap().parse().unwrap();
    tracker.allow(&[InfoHashes::V1(info_hash)]).unwrap();
    world.with_clients_and_tracker(&qbittorrent(&qb, ""), &tracker.announce_url());
    world.run(0);
    world.leech(None);
}

#[tokio::test]
async fn a_client_that_is_down_delays_only_itself_and_gets_it_when_it_is_back() {
    let world = one_episode().await;
    let (mut tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    tr.stop();
    let run = world.run(3);
    assert!(run["errors"].to_string().contains("tr: "), "{run}");
    assert_eq!(world.placement("qb")["state"], "seeding");
    assert_eq!(world.placement("tr")["state"], "pending");
    tr.start_again().unwrap();
    world.run(0);
    assert_eq!(world.placement("tr")["state"], "seeding");
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_a_run_and_named_with_its_remedy() {
    let world = World::new("").await;
    let items: Vec<_> = ["/1.mp3", "/2.mp3", "/3.mp3", "/4.mp3", "/5.mp3", "/6.mp3"]
        .map(|path| Item { guid: path, title: path, enclosure: path })
        .into();
    world.publish(&items);
    for (seed, item) in (1..).zip(&items) {
        world.origin.file(item.enclosure, mp3(30_000, seed));
    }
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    std::fs::write(world.path("password"), "wrong").unwrap();
    // qBittorrent bans an address after five failures: six torrents must not be six logins.
    let ran = world.podseed(&["run", "--json"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.json()["errors"].as_array().unwrap().len(), 2, "{}", ran.stdout);
    assert_eq!(ran.stderr.matches("error: ").count(), 2, "{}", ran.stderr);
    for enclosure in world.enclosures() {
        assert_eq!(enclosure["stage"], "failed");
        let error = enclosure["error"].as_str().unwrap();
        assert!(error.contains("password") && !error.contains("wrong,"), "{error}");
    }
    std::fs::write(world.path("password"), PASSWORD).unwrap();
    assert_eq!(world.run(0)["seeding"], 6);
}

#[tokio::test]
async fn a_wrong_path_mapping_is_found_before_anything_is_started_and_the_right_one_seeds() {
    for generation in ["tr", "qb"] {
        let world = one_episode().await;
        let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
        let media = world.path("data/media");
        let wrong = format!(", paths: {{\"{}\": /nowhere}}", media.display());
        let client = |more: &str| match generation {
            "tr" => transmission(&tr, more),
            _ => qbittorrent(&qb, more),
        };
        world.with_clients(&client(&wrong));
        world.run(3);
        let placement = world.placement(generation);
        assert_eq!(placement["state"], "failed", "{placement}");
        let error = placement["error"].as_str().unwrap();
        assert!(
            error.contains("/nowhere") && error.contains(&format!("clients.{generation}.paths")),
            "{error}"
        );
        let check = world.podseed(&["check", "--json"]);
        assert_eq!(check.code, 1);
        assert!(check.stdout.contains("client.path"), "{}", check.stdout);

        let link = world.path("other");
        std::os::unix::fs::symlink(&media, &link).unwrap();
        world.with_clients(&client(&format!(", paths: {{\"{}\": \"{}\"}}", media.display(), link.display())));
        world.run(0);
        assert_eq!(world.placement(generation)["state"], "seeding");
        let check = world.podseed(&["check"]);
        assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    }
}

#[tokio::test]
async fn a_torrent_that_the_client_already_seeds_is_not_added_again() {
    let world = one_episode().await;
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    world.run(0);
    // Another podseed with the same show, or the same one after it has lost its memory.
    std::fs::remove_file(world.path("data/state.db")).unwrap();
    std::fs::remove_dir_all(world.path("data/media/show")).unwrap();
    world.run(0);
    assert_eq!(world.placement("tr")["state"], "seeding");
    assert_eq!(world.placement("qb")["state"], "seeding");
}

#[tokio::test]
async fn what_a_client_has_lost_it_gets_again_by_retry() {
    let world = one_episode().await;
    let tr = Transmission::start().unwrap();
    world.with_clients(&transmission(&tr, ""));
    world.run(0);
    let info_hash = world.enclosure()["info_hash"]["v1"].as_str().unwrap().parse().unwrap();
    let (name, show) = ("one.mp3".to_owned(), "show".to_owned());
    let client = podseed_adapters::open(&tr.config()).unwrap();
    client.remove(&TorrentRef { info_hash: InfoHashes::V1(info_hash), name, show }).await.unwrap();
    let retry = world.podseed(&["retry", "One", "--json"]);
    assert_eq!((retry.code, retry.json()["seeding"].as_u64()), (0, Some(1)), "{}", retry.stderr);
    world.leech(tr.peer_port());
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
}

#[tokio::test]
async fn a_torrent_file_that_has_gone_is_made_again_from_the_data() {
    let world = one_episode().await;
    let mut tr = Transmission::start().unwrap();
    world.with_clients(&transmission(&tr, ""));
    tr.stop();
    world.run(3);
    std::fs::remove_file(world.path("data/torrents/show/one.mp3.torrent")).unwrap();
    tr.start_again().unwrap();
    assert!(world.run(3)["errors"].to_string().contains("makes it again"));
    assert_eq!(world.run(0)["seeding"], 1);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
}

#[tokio::test]
async fn hybrids_and_v2_are_refused_where_the_client_cannot_take_them_and_seeded_where_it_can() {
    for (version, rtorrent) in [("hybrid", "delivered"), ("v2", "failed")] {
        let world = one_episode().await;
        let (qb, rt) = (QBittorrent::start().unwrap(), RTorrent::start().unwrap());
        world.with_clients(&(qbittorrent(&qb, "") + &watched(&rt.watch_dir(), &rt.downloads(), "rtorrent")));
        let config = std::fs::read_to_string(world.path("podseed.yaml")).unwrap();
        std::fs::write(world.path("podseed.yaml"), format!("{config}  version: {version}\n")).unwrap();
        world.podseed(&["run"]);
        assert_eq!(world.placement("qb")["state"], "seeding", "{version}");
        let placement = world.placement("rt");
        assert_eq!(placement["state"], rtorrent, "{version}: {placement}");
        if rtorrent == "failed" {
            let error = placement["error"].as_str().unwrap();
            assert!(error.contains("v2") && error.contains("version: v1"), "{error}");
        }
        world.leech(qb.peer_port());
    }
}

#[tokio::test]
async fn watching_clients_pick_up_and_seed() {
    let world = one_episode().await;
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    for (folder, data, program, port) in [
        (tr.watch_dir(), tr.downloads(), "transmission", tr.peer_port()),
        (qb.watch_dir(), qb.downloads(), "qbittorrent", qb.peer_port()),
    ] {
        world.with_clients(&watched(&folder, &data, program));
        world.podseed(&["retry", "show"]);
        world.run(0);
        assert_eq!(world.placement("rt")["state"], "delivered", "{program}");
        world.leech(port);
        std::fs::remove_dir_all(world.path("data")).unwrap();
    }
}

#[tokio::test]
async fn a_file_of_the_users_is_never_overwritten() {
    let world = one_episode().await;
    let rt = RTorrent::start().unwrap();
    std::fs::write(rt.downloads().join("one.mp3"), "the user's own").unwrap();
    world.with_clients(&watched(&rt.watch_dir(), &rt.downloads(), "rtorrent"));
    world.run(3);
    let placement = world.placement("rt");
    assert_eq!(placement["state"], "failed");
    assert!(placement["error"].as_str().unwrap().contains("one.mp3"));
    assert_eq!(std::fs::read(rt.downloads().join("one.mp3")).unwrap(), b"the user's own");
}
