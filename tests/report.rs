//! Figures for the publisher: a real tracker and real clients count, a stranger downloads, `podseed report` tells.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use podseed_adapters::testing::{PASSWORD, QBittorrent, Tracker, Transmission, USERNAME};
use podseed_adapters::{ClientConfig, InfoHashes, TorrentRef};
use serde_json::Value;

use crate::support::mp3;
use crate::support::peers::Libtorrent;
use crate::support::world::{Item, World};

const LENGTH: usize = 1_500_000;
const TITLE: &str = "=One, \"quoted\"";

/// An announce URL of a tracker.
type Announce = fn(&Tracker) -> String;
/// Two of one tracker, as of two trackers that hear of the same downloads.
const BOTH: [Announce; 2] = [Tracker::announce_url, Tracker::udp_announce_url];
const UDP: [Announce; 1] = [Tracker::udp_announce_url];
/// Transmission speaks UDP only where it may speak uTP or DHT, too, and its test settings forbid both.
const HTTP: [Announce; 1] = [Tracker::announce_url];

/// A show with one episode, whose torrent is known to the tracker before anybody seeds it.
struct Mirror {
    world: World,
    tracker: Tracker,
    info_hash: InfoHashes,
    clients: Vec<ClientConfig>,
}

impl Mirror {
    async fn new(version: &str, announce: &[Announce], clients: &[(&str, ClientConfig)]) -> Self {
        let world = World::new("").await;
        world.publish(&[Item { guid: "g1", title: TITLE, enclosure: "/one.mp3" }]);
        world.origin.file("/one.mp3", mp3(LENGTH, 1));
        std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
        let tracker = Tracker::start(&[]).unwrap();
        let tiers: Vec<String> = announce.iter().map(|url| format!("[\"{}\"]", url(&tracker))).collect();
        let torrent = format!("torrent:\n  version: {version}\n  trackers: [{}]\n", tiers.join(", "));
        world.configure(&torrent);
        world.run(0);
        let hash = world.enclosures()[0]["info_hash"].clone();
        let part = |version: &str| hash[version].as_str().map(str::to_owned);
        let v1 = part("v1").map(|hash| hash.parse().unwrap());
        let v2 = part("v2").map(|hash| hash.parse().unwrap());
        let info_hash = InfoHashes::from_parts(v1, v2).unwrap();
        tracker.allow(&[info_hash]).unwrap();
        let lines: String = clients.iter().map(|(name, config)| written(name, config)).collect();
        world.configure(&format!("clients:\n{lines}{torrent}"));
        world.run(0);
        assert_eq!(world.enclosures()[0]["stage"], "seeding");
        Self {
            world,
            tracker,
            info_hash,
            clients: clients.iter().map(|(_, config)| config.clone()).collect(),
        }
    }

    fn torrent(&self) -> PathBuf {
        self.world.path("data").join(self.world.enclosures()[0]["torrent"].as_str().unwrap())
    }

    /// A stranger downloads the episode from the client on this port, and the tracker hears of it.
    fn download(&self, port: u16) {
        let into = tempfile::tempdir().unwrap();
        Libtorrent::start().leech_and_tell(&self.torrent(), port, into.path());
    }

    /// What the clients say that they have given, all together, once it is at least so much.
    async fn given(&self, at_least: usize) -> u64 {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mut given = 0;
            for config in &self.clients {
                let listed = podseed_adapters::open(config).unwrap().list().await.unwrap().unwrap();
                let ours = listed.iter().filter(|listed| listed.info_hash.is_same_torrent(&self.info_hash));
                given += ours.map(|listed| listed.status.uploaded_bytes).sum::<u64>();
            }
            if given >= at_least as u64 {
                return given;
            }
            assert!(Instant::now() < deadline, "the clients have given {given} of {at_least} bytes");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A quarter of an hour passes, as far as the trackers are concerned, and podseed runs.
    async fn run_later(&self) {
        self.pass_time().await;
        self.world.run(0);
    }

    async fn pass_time(&self) {
        let state = format!("sqlite:{}", self.world.path("data/state.db").display());
        let mut state = <sqlx::SqliteConnection as sqlx::Connection>::connect(&state).await.unwrap();
        sqlx::query("UPDATE sources SET asked = asked - 900").execute(&mut state).await.unwrap();
        sqlx::Connection::close(state).await.unwrap();
    }

    fn report(&self, arguments: &[&str]) -> String {
        let ran = self.world.podseed(&[&["report"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    }

    /// The show in the report.
    fn sums(&self) -> Value {
        let json: Value = serde_json::from_str(&self.report(&["--json"])).unwrap();
        json["shows"][0].clone()
    }

    /// Completed downloads and bytes served.
    fn figures(&self) -> (u64, u64) {
        let sums = self.sums();
        (sums["completed"].as_u64().unwrap(), sums["served_bytes"].as_u64().unwrap())
    }
}

fn written(name: &str, config: &ClientConfig) -> String {
    let (kind, url) = match config {
        ClientConfig::Transmission(config) => ("transmission", &config.url),
        ClientConfig::QBittorrent(config) => ("qbittorrent", &config.url),
        ClientConfig::WatchDir(_) => unreachable!("a watched folder cannot be asked"),
    };
    format!("  {name}: {{{kind}: {{url: \"{url}\", username: {USERNAME}, password_file: password}}}}\n")
}

#[tokio::test]
async fn a_download_is_counted_once_and_told_in_every_form() {
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    let mirror = Mirror::new("v1", &BOTH, &[("tr", tr.config()), ("qb", qb.config())]).await;
    assert_eq!(mirror.figures(), (0, 0), "that the mirror itself is complete is no download");
    mirror.download(tr.peer_port());
    let given = mirror.given(LENGTH).await;
    mirror.run_later().await;
    // Nothing new: whatever is asked again adds nothing.
    mirror.run_later().await;
    assert_eq!(mirror.figures(), (1, given));

    let sums = mirror.sums();
    assert_eq!(sums["asked"]["requests"].as_u64(), Some(mirror.world.origin.requests().len() as u64));
    assert!(sums["asked"]["bytes"].as_u64().unwrap() >= LENGTH as u64, "{sums}");
    assert_eq!(sums["spared_bytes"], given);
    // The stranger has gone by now, or the tracker still believes that it seeds.
    assert!(sums["episodes"][0]["swarm"]["seeders"].as_u64().unwrap() >= 2, "{sums}");

    let csv = mirror.report(&["show", "--format", "csv"]);
    let rows: Vec<&str> = csv.trim_end().split("\r\n").collect();
    assert_eq!(rows.len(), 2, "{csv}");
    assert!(
        rows[1]
            .contains(&format!("\"'=One, \"\"quoted\"\"\",2026-02-28T10:00:00Z,one.mp3,{LENGTH},1,{given},"))
    );
    let log = mirror.report(&["--format", "clf"]);
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains(&format!("\"GET /show/one.mp3 HTTP/1.1\" 200 {LENGTH} \"-\" \"podseed/")), "{log}");
    let table = mirror.report(&[]);
    assert!(table.contains("1 completed download, ") && table.contains(TITLE), "{table}");
    assert!(mirror.report(&["--format", "clf", "--until", "2026-01-01"]).is_empty());
}

#[tokio::test]
async fn a_tracker_that_forgets_lowers_nothing_and_counts_nothing_twice() {
    let qb = QBittorrent::start().unwrap();
    let mut mirror = Mirror::new("v1", &BOTH, &[("qb", qb.config())]).await;
    mirror.download(qb.peer_port());
    mirror.run_later().await;
    assert_eq!(mirror.figures().0, 1);
    mirror.tracker.restart().unwrap();
    mirror.run_later().await;
    assert_eq!(mirror.figures().0, 1, "the tracker is at zero again");
    // Whether it began anew or only another one answers is not known before it has stayed lower for a day.
    for expected in [1, 2] {
        mirror.download(qb.peer_port());
        mirror.run_later().await;
        assert_eq!(mirror.figures().0, expected, "what it has said before does not count again");
    }
}

#[tokio::test]
async fn a_torrent_that_was_removed_and_added_again_goes_on_counting() {
    let tr = Transmission::start().unwrap();
    let mirror = Mirror::new("v1", &HTTP, &[("tr", tr.config())]).await;
    mirror.download(tr.peer_port());
    let first = mirror.given(LENGTH).await;
    mirror.run_later().await;
    let client = podseed_adapters::open(&tr.config()).unwrap();
    let (name, show) = ("one.mp3".to_owned(), "show".to_owned());
    client.remove(&TorrentRef { info_hash: mirror.info_hash, name, show }).await.unwrap();
    let retry = mirror.world.podseed(&["retry", "show", "--json"]);
    assert_eq!((retry.code, retry.json()["seeding"].as_u64()), (0, Some(1)), "{}", retry.stderr);
    assert_eq!(mirror.figures(), (1, first), "its counter is at zero again");
    mirror.download(tr.peer_port());
    let second = mirror.given(LENGTH).await;
    mirror.run_later().await;
    assert_eq!(mirror.figures(), (2, first + second));

    // A renamed client brings a counter that was counted under its old name.
    let config = std::fs::read_to_string(mirror.world.path("podseed.yaml")).unwrap();
    std::fs::write(mirror.world.path("podseed.yaml"), config.replace("  tr:", "  renamed:")).unwrap();
    mirror.run_later().await;
    assert_eq!(mirror.figures(), (2, first + second));
}

#[tokio::test]
async fn a_hybrid_has_two_swarms_and_one_download_also_over_udp() {
    let qb = QBittorrent::start().unwrap();
    let mirror = Mirror::new("hybrid", &UDP, &[("qb", qb.config())]).await;
    mirror.download(qb.peer_port());
    let given = mirror.given(LENGTH).await;
    mirror.run_later().await;
    assert_eq!(mirror.figures(), (1, given));
}

#[tokio::test]
async fn who_is_away_costs_neither_the_pass_nor_the_figures() {
    let mut tr = Transmission::start().unwrap();
    let mirror = Mirror::new("v1", &HTTP, &[("tr", tr.config())]).await;
    mirror.download(tr.peer_port());
    let given = mirror.given(LENGTH).await;
    mirror.run_later().await;
    tr.stop();
    let config = std::fs::read_to_string(mirror.world.path("podseed.yaml")).unwrap();
    let dead = config.replace(
        "trackers: [[",
        "trackers: [[\"udp://127.0.0.1:9/announce\"], [\"http://127.0.0.1:9/announce\"], [",
    );
    std::fs::write(mirror.world.path("podseed.yaml"), dead).unwrap();
    mirror.run_later().await;
    assert_eq!(mirror.figures(), (1, given));
}

#[tokio::test]
async fn a_report_needs_a_state_a_known_show_and_a_period() {
    let world = World::new("").await;
    assert_eq!(world.podseed(&["report"]).code, 1, "nothing is known yet");
    world.publish(&[Item { guid: "g1", title: TITLE, enclosure: "/one.mp3" }]);
    world.origin.file("/one.mp3", mp3(LENGTH, 1));
    // Beside a process that holds the data folder.
    let (mut run, mut lines) = world.start();
    assert!(lines.next().is_some());
    for (arguments, code) in [
        (&["report"][..], 0),
        (&["report", "other"], 2),
        (&["report", "--since", "2026-11-22", "--until", "2026-11-21"], 2),
        (&["report", "--since", "yesterday"], 2),
        (&["report", "--format", "csv", "--json"], 2),
        (&["report", "--format", "json", "--json"], 0),
    ] {
        let ran = world.podseed(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
    }
    assert!(run.wait().unwrap().success());
}
