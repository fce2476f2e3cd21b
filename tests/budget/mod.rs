//! What `keep` keeps and what it drops, with real clients and a real tracker.

mod disk;
mod removal;

use podseed_adapters::testing::{PASSWORD, Tracker, Transmission, USERNAME};
use podseed_adapters::{InfoHashes, Presence, TorrentRef};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::mp3;
use crate::support::swarm::announce;
use crate::support::world::{Item, Ran, World};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const TWO: Item<'_> = Item { guid: "g2", title: "Two", enclosure: "/two.mp3" };
const THREE: Item<'_> = Item { guid: "g3", title: "Three", enclosure: "/three.mp3" };
const FREE: &str = "<podcast:license>cc-by-4.0</podcast:license>";
const LENGTH: usize = 300_000;
/// Only the newest episode, whoever else seeds.
const NEWEST: &str = "keep: {latest: 1, allow_last_seeder: true}\n";

/// The configuration of a real client.
fn client_lines(client: &Transmission) -> String {
    format!(
        "clients:\n  tr: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n",
        client.url()
    )
}

/// Three files at the origin, and a feed with the first two of their episodes; the newest is `Two`.
async fn two_episodes(more: &str) -> World {
    let world = World::new(more).await;
    std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
    world.publish_with(FREE, &[TWO, ONE]);
    for (seed, path) in (1..).zip(["/one.mp3", "/two.mp3", "/three.mp3"]) {
        world.origin.file(path, mp3(LENGTH, seed));
    }
    world
}

/// Both are seeded by a real client, and all that is kept from now on is the newest.
async fn two_seeded(client: &Transmission, keep: &str) -> World {
    let clients = client_lines(client);
    let world = two_episodes(&clients).await;
    world.run(0);
    assert_eq!(world.stage_words(), ["seeding", "seeding"]);
    world.configure(&format!("{clients}{keep}"));
    world
}

impl World {
    /// The stages of all enclosures, the newest first.
    fn stage_words(&self) -> Vec<String> {
        self.enclosures().iter().map(|file| file["stage"].as_str().unwrap().to_owned()).collect()
    }

    fn has_data(&self, file: &str) -> [bool; 2] {
        [format!("data/media/show/{file}"), format!("data/torrents/show/{file}.torrent")]
            .map(|path| self.path(&path).exists())
    }

    fn is_on_site(&self, file: &str) -> bool {
        self.path(&format!("data/site/show/torrents/{file}.torrent")).exists()
    }

    fn run_and_tell(&self) -> Ran {
        let ran = self.podseed(&["run"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// The ids and texts of what `check` finds about `keep`.
    fn keep_findings(&self) -> Vec<(String, String)> {
        let found = self.podseed(&["check", "--offline", "--json"]).json();
        let found = found["findings"].as_array().unwrap().clone();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let is_keep = |finding: &&Value| finding["id"].as_str().unwrap().starts_with("keep.");
        found.iter().filter(is_keep).map(|found| (text(found, "id"), text(found, "text"))).collect()
    }

    async fn change_state(&self, statement: &'static str) {
        let state = format!("sqlite:{}", self.path("data/state.db").display());
        let mut state = SqliteConnection::connect(&state).await.unwrap();
        sqlx::query(statement).execute(&mut state).await.unwrap();
        state.close().await.unwrap();
    }

    fn torrent_named(&self, file: &str) -> TorrentRef {
        let path = self.path(&format!("data/torrents/show/{file}.torrent"));
        let shown = self.podseed(&["torrent", "show", path.to_str().unwrap(), "--json"]).json();
        let info_hash = InfoHashes::V1(shown["info_hash"]["v1"].as_str().unwrap().parse().unwrap());
        TorrentRef { info_hash, name: file.to_owned(), show: "show".to_owned() }
    }
}

async fn presence(client: &Transmission, torrent: &TorrentRef) -> Presence {
    podseed_adapters::open(&client.config()).unwrap().find(torrent).await.unwrap()
}

#[tokio::test]
async fn what_is_not_kept_leaves_client_site_and_disk_and_never_comes_back() {
    let client = Transmission::start().unwrap();
    let world = two_seeded(&client, NEWEST).await;
    let one = world.torrent_named("one.mp3");
    let plan = world.podseed(&["run", "--dry-run"]).stdout;
    for line in ["why: keep.latest: it is not", "would take it out of tr", "would delete it"] {
        assert_eq!(plan.matches(line).count(), 1, "{plan}");
    }
    let dropped = world.run_and_tell();
    let line = "show: one.mp3: not kept any more: keep.latest: it is not among the newest 1";
    assert!(dropped.stderr.contains(line), "{}", dropped.stderr);
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    assert_eq!(world.has_data("one.mp3"), [false, false]);
    assert_eq!(world.has_data("two.mp3"), [true, true]);
    assert_eq!([world.is_on_site("one.mp3"), world.is_on_site("two.mp3")], [false, true]);
    assert_eq!(world.stage_words(), ["seeding", "withdrawn"]);
    assert_eq!(world.enclosures()[1]["error"], "keep.latest: it is not among the newest 1");
    let why = world.podseed(&["why", "One"]).stdout;
    assert!(why.contains("its data is deleted: keep.latest"), "{why}");

    // A poll, a move of its file, and another limit.
    world.run(0);
    world.origin.file("/cdn/one.mp3", mp3(LENGTH + 1000, 7));
    world.publish_with(FREE, &[TWO, Item { enclosure: "/cdn/one.mp3", ..ONE }]);
    world.run(0);
    world.configure(&format!("{}keep: {{latest: 9}}\n", client_lines(&client)));
    world.run(0);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
    assert_eq!(world.origin.requests_for("/cdn/one.mp3").len(), 0);
    assert_eq!(world.stage_words(), ["seeding", "withdrawn"]);
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_never_fetched_until_the_limit_is_another_one() {
    let world = two_episodes("keep: {latest: 2}\n").await;
    world.publish(&[THREE, TWO, ONE]);
    assert_eq!(world.run(0)["downloaded"], 2);
    assert_eq!(world.stage_words(), ["torrent_ready", "torrent_ready", "withdrawn"]);
    assert_eq!(world.enclosures()[2]["error"], "keep.latest: it is not among the newest 2");
    world.run(0);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 0);
    world.configure("keep: {latest: 3}\n");
    world.run(0);
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready"; 3]);

    // The same without any rule, after one that was too strict.
    let world = two_episodes("keep: {max_age: 1 day}\n").await;
    world.run(0);
    assert_eq!(world.stage_words(), ["withdrawn", "withdrawn"]);
    world.configure("");
    world.run(0);
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready", "torrent_ready"]);
}

#[tokio::test]
async fn a_backlog_is_fetched_as_far_as_it_fits_and_no_further() {
    let world = two_episodes("limits: {downloads: 1, per_host: 1}\nkeep: {total_size: 700 KB}\n").await;
    world.publish(&[THREE, TWO, ONE]);
    assert_eq!(world.run(0)["downloaded"], 2);
    assert_eq!(world.stage_words(), ["torrent_ready", "torrent_ready", "withdrawn"]);
    world.run(0);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 0);
    assert_eq!(world.enclosures()[2]["error"], "keep.total_size: newer episodes take all the room");

    // A feed that claims far too much is believed until something is there.
    let world = two_episodes("keep: {total_size: 4 MiB}\n").await;
    world.publish_with_length(&[THREE, TWO, ONE], 3_000_000);
    assert_eq!(world.run(0)["downloaded"], 3);
}

#[tokio::test]
async fn what_the_user_brings_back_is_fetched_and_kept() {
    let client = Transmission::start().unwrap();
    let world = two_seeded(&client, NEWEST).await;
    world.run(0);
    assert_eq!(world.has_data("one.mp3"), [false, false]);
    let retry = world.podseed(&["retry", "One"]);
    assert_eq!(retry.code, 0, "{}", retry.stderr);
    assert_eq!(world.stage_words(), ["seeding", "seeding"]);
    world.run(0);
    world.run(0);
    assert_eq!(world.stage_words(), ["seeding", "seeding"]);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 2);
    let why = world.podseed(&["why", "One"]).stdout;
    assert!(why.contains("the user has brought it back"), "{why}");
}

#[tokio::test]
async fn the_last_seeder_stays_and_says_so_once_until_somebody_else_seeds() {
    let client = Transmission::start().unwrap();
    let tracker = Tracker::start(&[]).unwrap();
    let clients =
        format!("{}torrent: {{trackers: [[\"{}\"]]}}\n", client_lines(&client), tracker.announce_url());
    let world = two_episodes(&clients).await;
    world.run(0);
    let one = world.torrent_named("one.mp3");
    tracker.allow(&[one.info_hash]).unwrap();
    world.configure(&format!("{clients}keep: {{latest: 1}}\n"));
    let warned = "stays, for nobody else is known to seed it";
    let first = world.run_and_tell();
    assert_eq!(first.stderr.matches(warned).count(), 1, "{}", first.stderr);
    let second = world.run_and_tell();
    assert!(!second.stderr.contains(warned), "{}", second.stderr);
    assert_eq!(world.stage_words(), ["seeding", "seeding"]);
    let found = world.keep_findings();
    assert_eq!(found[0].0, "keep.last_seeder");
    assert!(found[0].1.starts_with("keep.latest is not kept: 1 file"), "{found:?}");
    assert!(found[0].1.contains(warned), "{found:?}");

    // The tracker hears of two: one of them may be our client. podseed asks it after its pause, and drops in the run
    // after.
    announce(&tracker, &one.info_hash, 7001);
    announce(&tracker, &one.info_hash, 7002);
    for _ in 0..2 {
        world.change_state("UPDATE sources SET asked = asked - 900").await;
        world.run(0);
    }
    assert_eq!(world.stage_words(), ["seeding", "withdrawn"]);
    assert_eq!(world.has_data("one.mp3"), [false, false]);
    assert_eq!(world.keep_findings(), [("keep.kept".to_owned(), "its rules are kept".to_owned())]);
}

#[tokio::test]
async fn a_files_own_bond_is_respected() {
    // The user's own file, and what he has told podseed to forget.
    let world = two_episodes("").await;
    world.run(0);
    world.change_state("UPDATE enclosures SET own_path = '/srv/one.mp3' WHERE file = 'one.mp3'").await;
    world.configure(NEWEST);
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready", "torrent_ready"]);
    assert_eq!(world.podseed(&["forget", "Two"]).code, 0);
    world.publish(&[THREE, TWO, ONE]);
    world.run(0);
    assert_eq!([world.has_data("one.mp3"), world.has_data("two.mp3")], [[true, true], [true, true]]);
}

#[tokio::test]
async fn two_shows_with_one_torrent_lose_it_together_or_not_at_all() {
    let client = Transmission::start().unwrap();
    let world = two_episodes("").await;
    let other = world.origin.url("/other.xml");
    let feed = world.origin.url("/feed.xml");
    let configure = |keep: &str, both: &str| {
        let text = format!(
            "data_dir: data\nshows:\n  a: {{feed: \"{feed}\"{keep}}}\n  b: {{feed: \"{other}\"{both}}}\n{}\
             torrent: {{web_seeds: never}}\n",
            client_lines(&client)
        );
        std::fs::write(world.path("podseed.yaml"), text).unwrap();
    };
    configure("", "");
    world.publish(&[TWO, ONE]);
    let text = world.path("other.xml");
    let one = world.origin.url("/one.mp3");
    let document = format!(
        "<rss version=\"2.0\"><channel><title>B</title><item><guid>b1</guid><title>B1</title>\
         <pubDate>01 Feb 2026 10:00:00 +0000</pubDate>\
         <enclosure url=\"{one}\" type=\"audio/mpeg\" length=\"1\"/></item></channel></rss>"
    );
    std::fs::write(text, &document).unwrap();
    world.origin.file("/other.xml", document);
    world.run(0);
    let names = ["data/media/a/one.mp3", "data/media/b/one.mp3"];
    let there = || names.map(|name| world.path(name).exists());
    assert_eq!(there(), [true, true]);
    let keep = ", keep: {max_age: 1 day, allow_last_seeder: true}";
    configure(keep, "");
    world.run(0);
    assert_eq!(there(), [true, true], "the client may have the data of either");
    assert_eq!(world.keep_findings()[0].0, "keep.unreachable");
    configure(keep, keep);
    world.run(0);
    assert_eq!(there(), [false, false]);
}
