//! What stands on the site, on what ground, and what never does.

mod cover;
mod first;
mod secrets;
mod takedown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use podseed_adapters::testing::{PASSWORD, Transmission, USERNAME};
use podseed_adapters::{Presence, TorrentRef};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::mp3;
use crate::support::nginx::{Nginx, free_port};
use crate::support::origin::Origin;
use crate::support::peers::Libtorrent;
use crate::support::world::{Item, Ran, World, files_below};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const TWO: Item<'_> = Item { guid: "g2", title: "Two", enclosure: "/two.mp3" };
const FREE: &str = "<podcast:license>cc-by-4.0</podcast:license>";
const PUBLISH: &str = "publish: {base_url: \"https://torrents.example.org/pods/\"}\n";

async fn a_free_show(more: &str) -> World {
    let world = World::new(more).await;
    world.publish_with(FREE, &[ONE]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    world.origin.file("/two.mp3", mp3(400_000, 2));
    world
}

impl World {
    fn site(&self) -> PathBuf {
        self.path("data/site")
    }

    /// All files of the site, with when each was last written.
    fn site_files(&self) -> BTreeMap<PathBuf, SystemTime> {
        let root = self.site();
        let date = |path: &Path| std::fs::metadata(path).unwrap().modified().unwrap();
        let files = files_below(&root).into_iter();
        files.map(|path| (path.strip_prefix(&root).unwrap().to_owned(), date(&path))).collect()
    }

    /// The names of all files of the site, and all that stands in them.
    fn site_text(&self) -> String {
        let files = files_below(&self.site()).into_iter();
        files
            .map(|path| {
                format!("{}\n{}", path.display(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()))
            })
            .collect()
    }

    fn shows_one(&self) -> bool {
        self.site().join("show/torrents/one.mp3.torrent").exists()
    }

    fn is_published(&self) -> Vec<bool> {
        let enclosures = self.enclosures();
        enclosures.iter().map(|enclosure| enclosure["published"].as_bool().unwrap()).collect()
    }

    /// How often a file was asked for as a whole; comparisons ask for ranges.
    fn downloads(&self, path: &str) -> usize {
        self.origin.requests_for(path).iter().filter(|request| request.range().is_none()).count()
    }

    fn run_as_text(&self) -> Ran {
        let ran = self.podseed(&["run"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }
}

#[tokio::test]
async fn nothing_is_published_without_a_licence_and_a_permission_changes_that() {
    let world = World::new("").await;
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    world.run(0);
    assert!(!world.site().exists(), "{:?}", world.site_files());
    assert_eq!(world.is_published(), [false]);
    let status = world.podseed(&["status"]);
    assert!(status.stdout.contains("not published: the feed states no licence"), "{}", status.stdout);
    assert!(status.stdout.contains("`permission:"), "{}", status.stdout);

    let feed = world.origin.url("/feed.xml");
    let config = format!(
        "data_dir: data\nshows:\n  show: {{feed: \"{feed}\", permission: \"by letter, 2026-11-01\"}}\n"
    );
    std::fs::write(world.path("podseed.yaml"), config).unwrap();
    world.run(0);
    assert!(world.shows_one());
    assert_eq!(world.is_published(), [true]);
    assert_eq!(world.status()["shows"][0]["published"], true);
    let page = std::fs::read_to_string(world.site().join("show/index.html")).unwrap();
    assert!(page.contains("by letter, 2026-11-01"), "{page}");
    assert_eq!(world.downloads("/one.mp3"), 1, "fetched again");

    world.configure("");
    world.run(0);
    assert!(!world.shows_one(), "the permission is gone, and the page is not");
    assert_eq!(world.is_published(), [false]);
}

#[tokio::test]
async fn a_licence_in_the_feed_is_ground_enough_and_a_block_is_not_overruled_by_it() {
    let world = a_free_show("").await;
    world.run(0);
    assert!(world.shows_one());
    let page = std::fs::read_to_string(world.site().join("show/index.html")).unwrap();
    assert!(page.contains("CC BY 4.0"), "{page}");

    world.publish_with(&format!("{FREE}<podcast:block>yes</podcast:block>"), &[ONE]);
    world.run(0);
    assert!(!world.shows_one());
    assert!(!world.site_text().contains("A show"), "the index still names it");
}

#[tokio::test]
async fn what_has_not_changed_is_not_written_again_and_one_new_episode_writes_ten_files_at_most() {
    let world = a_free_show(PUBLISH).await;
    let first = world.run_as_text();
    assert!(first.stderr.contains("site: "), "{}", first.stderr);
    assert!(
        first.stderr.contains("the page is ") && first.stderr.contains("site/index.html"),
        "{}",
        first.stderr
    );
    let before = world.site_files();
    let second = world.run_as_text();
    assert!(!second.stderr.contains("site: "), "{}", second.stderr);
    assert_eq!(world.site_files(), before);

    world.publish_with(FREE, &[TWO, ONE]);
    world.run(0);
    let after = world.site_files();
    let is_news = |path: &PathBuf, date| before.get(path) != Some(date) && !path.ends_with(".podseed-site");
    let written: Vec<_> = after.iter().filter(|(path, date)| is_news(path, date)).collect();
    assert!(written.iter().any(|(path, _)| path.ends_with("two.mp3.torrent")), "{written:?}");
    assert!(written.len() <= 10, "{written:?}");
}

#[tokio::test]
async fn a_change_of_the_feed_that_pages_do_not_show_is_written_to_its_copy_alone() {
    let world = a_free_show(PUBLISH).await;
    world.run(0);
    let before = world.site_files();
    world.publish_with(&format!("{FREE}<itunes:explicit>no</itunes:explicit>"), &[ONE]);
    world.run(0);
    let after = world.site_files();
    let written: Vec<_> = after.iter().filter(|(path, date)| before.get(*path) != Some(*date)).collect();
    let written: Vec<_> = written.into_iter().map(|(path, _)| path.display().to_string()).collect();
    assert_eq!(written, [".podseed-site", "show/podcast.xml"]);
}

#[tokio::test]
async fn without_base_url_no_file_of_before_names_the_old_address() {
    let world = a_free_show(PUBLISH).await;
    world.run(0);
    assert!(world.site().join("torrents.xml").exists());
    let own = world.site().join("sitemap-of-mine.xml");
    std::fs::write(&own, "mine").unwrap();
    world.configure("publish: {language: de}\n");
    world.run(0);
    let text = world.site_text();
    assert!(!text.contains("torrents.example.org"), "{text}");
    let site = world.site();
    let there: Vec<_> = ["torrents.xml", "feeds.opml", "sitemap.xml", "about-de.html", "about-en.html"]
        .into_iter()
        .filter(|name| site.join(name).exists())
        .collect();
    assert_eq!(there, ["about-en.html"]);
    assert!(own.exists());
}

#[tokio::test]
async fn a_cover_beside_the_feed_is_shown_and_one_on_another_private_host_is_not_asked_for() {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(40, 30).write_to(&mut png, image::ImageFormat::Png).unwrap();
    for beside in [true, false] {
        let world = a_free_show(PUBLISH).await;
        let elsewhere = Origin::start().await;
        let host = if beside { &world.origin } else { &elsewhere };
        host.file("/cover.png", png.get_ref().clone());
        let address = host.url("/cover.png");
        world.publish_with(&format!("{FREE}<itunes:image href=\"{address}\"/>"), &[ONE]);
        world.run(0);
        assert_eq!(world.site().join("show/cover.jpg").exists(), beside, "{address}");
        assert_eq!(host.requests_for("/cover.png").len(), usize::from(beside), "{address}");
    }
}

#[tokio::test]
async fn a_run_that_made_torrents_says_where_the_site_is_and_a_site_that_is_not_there_is_not_named() {
    let world = a_free_show("").await;
    let ran = world.run_as_text();
    let page = world.site().join("index.html");
    assert!(ran.stderr.contains(&format!("open {} in a browser", page.display())), "{}", ran.stderr);
    assert!(page.is_file());

    world.configure(PUBLISH);
    world.publish_with(FREE, &[ONE, TWO]);
    let ran = world.run_as_text();
    assert!(ran.stderr.contains("for https://torrents.example.org/pods/"), "{}", ran.stderr);
    assert!(!world.run_as_text().stderr.contains("The site is in"), "nothing is new");

    let unfree = World::new("").await;
    unfree.publish(&[ONE]);
    unfree.origin.file("/one.mp3", mp3(300_000, 1));
    assert!(!unfree.run_as_text().stderr.contains("The site is in"));
}

/// A world with a Transmission.
async fn with_transmission(client: &Transmission, more: &str, channel: &str) -> World {
    let clients = format!(
        "clients:\n  tr: {{transmission: {{url: \"{}\", username: {USERNAME}, password_file: password}}}}\n{more}",
        client.url()
    );
    let world = World::new(&clients).await;
    std::fs::write(world.path("password"), format!("{PASSWORD}\n")).unwrap();
    world.publish_with(channel, &[TWO, ONE]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    world.origin.file("/two.mp3", mp3(400_000, 2));
    world
}

fn torrent(world: &World, file: &str) -> TorrentRef {
    let enclosures = world.enclosures();
    let enclosure =
        enclosures.iter().find(|enclosure| enclosure["file"] == format!("media/show/{file}")).unwrap();
    let v1 = enclosure["info_hash"]["v1"].as_str().unwrap().parse().unwrap();
    let info_hash = podseed_adapters::InfoHashes::V1(v1);
    TorrentRef { info_hash, name: file.to_owned(), show: "show".to_owned() }
}

async fn presence(client: &Transmission, torrent: &TorrentRef) -> Presence {
    podseed_adapters::open(&client.config()).unwrap().find(torrent).await.unwrap()
}

#[tokio::test]
async fn the_first_hand_over_says_once_that_seeding_is_distribution() {
    let client = Transmission::start().unwrap();
    let world = with_transmission(&client, "", "").await;
    let first = world.run_as_text();
    assert_eq!(first.stderr.matches("seeding is distribution").count(), 1, "{}", first.stderr);
    world.origin.file("/three.mp3", mp3(300_000, 3));
    world.publish_with("", &[Item { guid: "g3", title: "Three", enclosure: "/three.mp3" }, TWO, ONE]);
    let second = world.run_as_text();
    assert!(second.stderr.contains("seeding at tr"), "{}", second.stderr);
    assert!(!second.stderr.contains("seeding is distribution"), "{}", second.stderr);
}

#[tokio::test]
async fn nothing_is_handed_over_without_a_ground_where_the_user_asks_for_one() {
    let client = Transmission::start().unwrap();
    let world = with_transmission(&client, "require_permission: true\n", "").await;
    let run = world.run_as_text();
    assert!(run.stderr.contains("nothing of it is handed over"), "{}", run.stderr);
    let one = torrent(&world, "one.mp3");
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    assert!(world.enclosures().iter().all(|enclosure| enclosure["stage"] == "torrent_ready"));

    // A licence of a single item does not make it seeded, so it is not published either.
    let licensed = Item { title: "Two</title><podcast:license>cc-by-4.0</podcast:license><title>", ..TWO };
    world.publish_with("", &[licensed, ONE]);
    world.run(0);
    assert_eq!(world.is_published(), [false, false]);

    world.publish_with(FREE, &[TWO, ONE]);
    world.run(0);
    assert!(world.enclosures().iter().all(|enclosure| enclosure["stage"] == "seeding"));
}

#[tokio::test]
async fn a_leecher_without_any_peer_completes_from_the_media_on_our_own_site() {
    let port = free_port();
    let world = a_free_show(&format!(
        "publish: {{base_url: \"http://127.0.0.1:{port}/\", web_seed: true}}\ntorrent: {{web_seeds: never}}\n"
    ))
    .await;
    world.run(0);
    let nginx = Nginx::start(port, &world.site());
    let media = world.site().join("show/media/one.mp3");
    assert!(std::fs::read(&media).unwrap() == mp3(300_000, 1));
    let torrent = world.site().join("show/torrents/one.mp3.torrent");
    let shown = world.podseed(&["torrent", "show", torrent.to_str().unwrap(), "--json"]).json();
    assert_eq!(shown["web_seeds"], serde_json::json!([format!("{}show/media/one.mp3", nginx.url())]));
    let magnet = world.enclosures()[0]["magnet"].as_str().unwrap().to_owned();
    assert!(magnet.contains("&ws=http"), "{magnet}");
    assert!(std::fs::read_to_string(world.site().join("show/index.html")).unwrap().contains("&#38;ws=http"));

    let into = tempfile::tempdir().unwrap();
    Libtorrent::start().leech(&torrent, None, into.path());
    assert!(std::fs::read(into.path().join("one.mp3")).unwrap() == mp3(300_000, 1), "other bytes came");

    // libtorrent encodes an address with an apostrophe again.
    let apostrophe = "/it's%20on.mp3";
    world.origin.file(apostrophe, mp3(200_000, 3));
    world.publish_with(FREE, &[Item { guid: "g3", title: "Three", enclosure: apostrophe }, ONE]);
    world.run(0);
    let torrent = world.site().join("show/torrents/it's on.mp3.torrent");
    Libtorrent::start().leech(&torrent, None, into.path());
    assert!(std::fs::read(into.path().join("it's on.mp3")).unwrap() == mp3(200_000, 3), "other bytes came");

    // The publisher gets the torrents without it: our site will not be there for ever.
    assert_eq!(world.podseed(&["report", "--kit", "kit", "--base-url", "https://pods.example.org/"]).code, 0);
    for file in files_below(&world.path("kit")) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        let ours = format!("127.0.0.1%3A{port}");
        assert!(!text.contains(&nginx.url()) && !text.contains(&ours), "{}", file.display());
    }
    assert!(world.path("kit/site/show/torrents/one.mp3.torrent").exists());

    let check = world.podseed(&["check", "--json"]).json();
    let findings = check["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["id"] == "site.reached"), "{findings:?}");
}

#[tokio::test]
async fn a_site_that_was_deleted_or_moved_is_made_again() {
    let world = a_free_show("").await;
    world.run(0);
    std::fs::remove_dir_all(world.site()).unwrap();
    world.run(0);
    assert!(world.shows_one());
    world.configure("publish: {site_dir: elsewhere}\n");
    world.run(0);
    assert!(world.path("elsewhere/show/torrents/one.mp3.torrent").exists());
}

#[tokio::test]
async fn a_lost_file_keeps_nothing_else_from_the_site_and_a_lost_torrent_is_made_again() {
    let world = a_free_show("publish: {web_seed: true, base_url: \"https://torrents.example.org/\"}\n").await;
    world.publish_with(FREE, &[TWO, ONE]);
    world.run(0);
    let (torrents, site) = (world.path("data/torrents/show"), world.site().join("show"));
    std::fs::remove_file(torrents.join("one.mp3.torrent")).unwrap();
    std::fs::remove_file(world.path("data/media/show/two.mp3")).unwrap();
    world.publish_with(&format!("{FREE}<description>News</description>"), &[TWO, ONE]);
    let errors = world.run(3)["errors"].to_string();
    assert!(errors.contains("one.mp3.torrent is gone") && errors.contains("two.mp3 is gone"), "{errors}");
    assert!(std::fs::read_to_string(site.join("index.html")).unwrap().contains("News"));
    assert!(!world.shows_one() && !site.join("media/two.mp3").exists());
    assert!(site.join("torrents/two.mp3.torrent").exists());

    world.podseed(&["run"]);
    assert!(world.shows_one(), "it was not made again");
    assert_eq!(world.downloads("/one.mp3"), 1, "its data was there");
}

#[tokio::test]
async fn a_folder_that_is_somebody_elses_is_not_touched_and_the_rest_of_the_pass_goes_on() {
    let world = a_free_show("publish: {site_dir: homepage}\n").await;
    std::fs::create_dir(world.path("homepage")).unwrap();
    std::fs::write(world.path("homepage/index.html"), "mine").unwrap();
    let run = world.run(3);
    assert_eq!(run["torrents_made"], 1);
    let errors = run["errors"].to_string();
    assert!(errors.contains("homepage") && errors.contains("site_dir"), "{errors}");
    assert_eq!(std::fs::read_to_string(world.path("homepage/index.html")).unwrap(), "mine");
    assert_eq!(files_below(&world.path("homepage")).len(), 1);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_published_and_why_the_rest_would_not() {
    let world = a_free_show("").await;
    let plan = world.podseed(&["run", "--dry-run", "--json"]).json();
    assert_eq!(plan["shows"][0]["unpublished"], serde_json::Value::Null);
    let steps = plan["shows"][0]["enclosures"][0]["steps"].as_array().unwrap().clone();
    assert_eq!(steps.last().unwrap(), "publish it");
    assert!(!world.path("data").exists(), "a dry run leaves nothing behind");

    world.publish(&[ONE]);
    let plan = world.podseed(&["run", "--dry-run"]);
    assert!(plan.stdout.contains("would not be published: the feed states no licence"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("would publish it"), "{}", plan.stdout);
}

#[tokio::test]
async fn a_site_with_too_many_torrents_for_one_list_has_a_list_for_each_show_from_then_on() {
    let world = a_free_show(PUBLISH).await;
    world.run(0);
    let list = |path: &str| std::fs::read_to_string(world.site().join(path));
    let torrent = "https://torrents.example.org/pods/show/torrents/one.mp3.torrent\n";
    assert_eq!(list("torrents.txt").unwrap(), torrent);
    assert!(list("show/torrents.txt").is_err());

    // As if there were 20,000 more.
    let state = format!("sqlite:{}", world.path("data/state.db").display());
    let count = async |torrents: u32| {
        let mut state = SqliteConnection::connect(&state).await.unwrap();
        let statement = "INSERT INTO tallies VALUES ('stage', 'others', 'seeding', $1)
            ON CONFLICT DO UPDATE SET number = excluded.number";
        sqlx::query(statement).bind(torrents).execute(&mut state).await.unwrap();
        state.close().await.unwrap();
    };
    count(20_000).await;
    world.run(0);
    let of_lists = "https://torrents.example.org/pods/show/torrents.txt\n";
    assert_eq!(list("torrents.txt").unwrap(), of_lists);
    assert_eq!(list("show/torrents.txt").unwrap(), torrent);

    count(0).await;
    let before = world.site_files();
    world.publish_with(FREE, &[TWO, ONE]);
    world.run(0);
    let after = world.site_files();
    let is_news = |path: &PathBuf, date| before.get(path) != Some(date) && !path.ends_with(".podseed-site");
    let written: Vec<_> = after.iter().filter(|(path, date)| is_news(path, date)).collect();
    assert!(written.len() <= 10, "{written:?}");
    assert_eq!(list("torrents.txt").unwrap(), of_lists);
    assert_eq!(list("show/torrents.txt").unwrap().lines().count(), 2);
}
