//! A user's folder as an earlier version has left it, and the publisher's server that it was made with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use podseed_adapters::testing::{PASSWORD, Tracker, Transmission, USERNAME};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::mp3;
use crate::support::origin::Fault;
use crate::support::world::{Item, World};

/// What stands in a fixture for addresses that are others each time.
const ORIGIN: &str = "@ORIGIN@";
const TRACKER: &str = "@TRACKER@";
const WORLD: &str = "@WORLD@";

const fn item<'a>(guid: &'a str, title: &'a str, enclosure: &'a str) -> Item<'a> {
    Item { guid, title, enclosure }
}

/// The episodes of the show, the newest first.
const EPISODES: [Item<'_>; 7] = [
    item("g7", "Trailer", "/trailer.mp3"),
    item("g6", "Bad", "/bad.mp3"),
    item("g5", "Five", "/five.mp3"),
    item("g4", "Four", "/four.mp3"),
    item("g3", "Slow", "/slow.mp3"),
    item("g2", "Two", "/two.mp3"),
    item("g1", "One", "/one.mp3"),
];

/// The same after the publisher has replaced a file.
pub(super) fn revised() -> [Item<'static>; 7] {
    let mut episodes = EPISODES;
    episodes[6].enclosure = "/cdn/one.mp3";
    episodes
}

const FREE: &str = "<podcast:license>cc-by-4.0</podcast:license>";

/// Where the fixture of a schema lies.
pub(super) fn folder(schema: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/upgrades/schema-{schema}"))
}

/// A feed that has moved, with episodes that end up in every stage, and two clients.
pub(super) async fn scenario(client: &Transmission, tracker: &Tracker) -> World {
    let world = World::new("").await;
    let feed = world.origin.url("/feed.xml");
    let config = format!(
        "data_dir: data\nshows:\n  show: {{feed: \"{feed}\", episodes: {{not_title: Trailer}}}}\nclients:\n  \
         tr: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n  \
         rt: {{watch_dir: {{path: watch, data: downloads, client: rtorrent}}}}\n\
         torrent: {{web_seeds: never, trackers: [[\"{}\"]]}}\n",
        client.url(),
        tracker.announce_url()
    );
    std::fs::write(world.path("podseed.yaml"), config).unwrap();
    std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
    for folder in ["watch", "downloads"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    publish(&world, &EPISODES);
    world.origin.always("/feed.xml", Fault::Redirect(301, "/moved.xml".to_owned()));
    world.origin.always("/bad.mp3", Fault::Status(404, Vec::new()));
    for (seed, path) in (1..).zip(["/one.mp3", "/two.mp3", "/slow.mp3", "/four.mp3", "/five.mp3"]) {
        world.origin.file(path, mp3(200_000, seed));
    }
    world.origin.file("/cdn/one.mp3", mp3(210_000, 6));
    world
}

/// Publishes the feed where it has moved to.
pub(super) fn publish(world: &World, episodes: &[Item<'_>]) {
    world.publish_with(FREE, episodes);
    world.origin.file("/moved.xml", world.origin.content("/feed.xml"));
}

/// See the module.
pub(super) struct Fixture {
    /// What the program of that time said last.
    pub(super) status: Value,
}

impl Fixture {
    /// Lays out the data folder of a world as it was.
    pub(super) async fn restore(schema: u32, world: &World, tracker: &Tracker) -> Self {
        let from = folder(schema);
        let read = |name: &str| {
            let text = std::fs::read_to_string(from.join(name)).unwrap();
            text.replace(ORIGIN, &address(&world.origin.url("/")))
                .replace(TRACKER, &address_of(tracker))
                .replace(WORLD, &world.path("").display().to_string())
        };
        std::fs::create_dir_all(world.path("data/media/show")).unwrap();
        std::fs::create_dir_all(world.path("data/torrents/show")).unwrap();
        // The first programs took no notice of it.
        if schema > 1 {
            publish(world, &revised());
        }
        let state = world.path("data/state.db");
        let mut connection =
            SqliteConnection::connect(&format!("sqlite:{}?mode=rwc", state.display())).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(read("state.sql"))).execute(&mut connection).await.unwrap();
        let files: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT e.file, e.length, e.url FROM enclosures e WHERE e.file IS NOT NULL ORDER BY e.id",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        for (name, length, _) in &files {
            let bytes = ["/one.mp3", "/two.mp3", "/slow.mp3", "/four.mp3", "/five.mp3", "/cdn/one.mp3"]
                .map(|path| (path, world.origin.content(path)))
                .into_iter()
                .find(|(path, bytes)| bytes.len() as i64 == *length && is_named(name, path));
            let (_, bytes) = bytes.unwrap_or_else(|| panic!("schema {schema}: what is {name}?"));
            std::fs::write(world.path("data/media/show").join(name), bytes).unwrap();
            let torrent = format!("{name}.torrent");
            std::fs::copy(from.join(&torrent), world.path("data/torrents/show").join(&torrent)).unwrap();
        }
        Self { status: serde_json::from_str(&read("status.json")).unwrap() }
    }

    /// How many rows each of its tables has now.
    pub(super) async fn rows(&self, world: &World) -> BTreeMap<String, i64> {
        let state = format!("sqlite:{}", world.path("data/state.db").display());
        let mut connection = SqliteConnection::connect(&state).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
            rows.insert(table, sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap());
        }
        connection.close().await.unwrap();
        rows
    }
}

/// Whether a file of this name was fetched from this path: a revision has the name of what it replaces, with more.
fn is_named(name: &str, path: &str) -> bool {
    let stem = path.rsplit('/').next().unwrap().trim_end_matches(".mp3");
    name.to_lowercase().contains(stem)
}

/// The number of the last migration of a state.
pub(super) async fn schema_of(state: &Path) -> i64 {
    let url = format!("sqlite:{}?mode=ro", state.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut connection).await.unwrap()
}

/// What a world's texts are with the addresses taken out.
pub(super) fn portable(text: &str, world: &World, tracker: &Tracker) -> String {
    text.replace(&address(&world.origin.url("/")), ORIGIN)
        .replace(&address_of(tracker), TRACKER)
        .replace(&world.path("").display().to_string(), WORLD)
}

fn address(url: &url::Url) -> String {
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap())
}

fn address_of(tracker: &Tracker) -> String {
    address(&tracker.announce_url().parse().unwrap())
}
