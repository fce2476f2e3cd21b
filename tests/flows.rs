//! Whole runs of the program against a publisher's server, without a client.

use std::collections::BTreeSet;

use crate::support::world::{Item, World, files_below};
use crate::support::{Fault, mp3};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };
const TWO: Item<'_> = Item { guid: "g2", title: "Two", enclosure: "/two.mp3" };

async fn two_episodes() -> World {
    let world = World::new("").await;
    world.publish(&[TWO, ONE]);
    world.origin.file("/one.mp3", mp3(700_000, 1));
    world.origin.file("/two.mp3", mp3(900_001, 2));
    world
}

#[tokio::test]
async fn the_first_run_makes_torrents_and_the_second_asks_for_nothing_but_the_feed() {
    let world = two_episodes().await;
    let first = world.run(0);
    assert_eq!((first["shows"].as_u64(), first["new_episodes"].as_u64()), (Some(1), Some(2)));
    assert_eq!((first["downloaded"].as_u64(), first["torrents_made"].as_u64()), (Some(2), Some(2)));
    assert_eq!(first["bytes_fetched"].as_u64(), Some(1_600_001));
    assert_eq!(world.check_torrents(), 2);
    assert!(world.enclosures().iter().all(|enclosure| enclosure["stage"] == "torrent_ready"));

    let second = world.run(0);
    assert_eq!((second["downloaded"].as_u64(), second["bytes_fetched"].as_u64()), (Some(0), Some(0)));
    for (path, length) in [("/one.mp3", 700_000), ("/two.mp3", 900_001)] {
        assert_eq!(world.origin.requests_for(path).len(), 1, "{path}");
        assert_eq!(world.origin.bytes_served(path), length);
    }
    let polls = world.origin.requests_for("/feed.xml");
    assert_eq!(polls.iter().map(|poll| poll.status).collect::<Vec<_>>(), [200, 304]);
    assert!(polls[1].header("if-none-match").is_some());
    let agent = polls[0].header("user-agent").unwrap();
    assert!(agent.starts_with(concat!("podseed/", env!("CARGO_PKG_VERSION"), " (+http")), "{agent}");
}

#[tokio::test]
async fn a_moved_host_and_a_vanished_item_fetch_nothing_and_withdraw_nothing() {
    let world = two_episodes().await;
    world.run(0);
    world.origin.file("/cdn/renamed.mp3?updated=7", mp3(900_001, 2));
    world.publish(&[Item { enclosure: "/cdn/renamed.mp3?updated=7", ..TWO }]);
    let run = world.run(0);
    assert_eq!((run["new_episodes"].as_u64(), run["downloaded"].as_u64()), (Some(0), Some(0)));
    // Three pieces are the proof that it is the same file.
    let asked = world.origin.requests_for("/cdn/renamed.mp3?updated=7");
    assert!(asked.iter().all(|request| request.range().is_some() && request.sent <= 65_536), "{asked:?}");
    assert_eq!(asked.len(), 3);
    assert_eq!(world.enclosures().len(), 2);
}

#[tokio::test]
async fn one_url_in_two_items_is_fetched_once_and_two_items_with_one_guid_both_live() {
    let world = World::new("").await;
    let same_file = Item { guid: "g3", title: "Again", enclosure: "/one.mp3" };
    let same_guid = Item { guid: "g1", title: "Another", enclosure: "/two.mp3" };
    world.publish(&[same_file, same_guid, ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.origin.file("/two.mp3", mp3(90_000, 2));
    let plan = world.podseed(&["run", "--dry-run", "--latest", "1", "--json"]).json();
    let planned = plan["shows"][0]["enclosures"].as_array().unwrap().clone();
    assert_eq!(planned.len(), 1, "{plan}");
    assert_eq!(planned[0]["title"], "Again");
    assert_eq!(world.run(0)["downloaded"], 2);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
    assert_eq!(world.enclosures().len(), 3);
    assert_eq!(world.status()["totals"]["torrent_ready"], 2);
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let world = two_episodes().await;
    world.run(0);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = world.command(&["status", "--json"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn without_its_state_podseed_finds_its_files_again_and_stays_in_its_swarms() {
    let world = two_episodes().await;
    world.run(0);
    let hashes = |world: &World| -> Vec<_> {
        world.enclosures().iter().map(|enclosure| enclosure["info_hash"]["v1"].to_string()).collect()
    };
    let before = hashes(&world);
    std::fs::remove_file(world.path("data/state.db")).unwrap();
    world.run(0);
    assert_eq!(hashes(&world), before);
    assert_eq!(world.check_media(), ["one.mp3", "two.mp3"]);
    assert_eq!(world.check_torrents(), 2);
}

#[tokio::test]
async fn one_url_in_two_shows_is_fetched_once() {
    let world = two_episodes().await;
    let feed = world.origin.url("/feed.xml?again");
    world.origin.file("/feed.xml?again", world.origin.content("/feed.xml"));
    world.configure(&format!("  other: {{feed: \"{feed}\"}}"));
    assert_eq!(world.run(0)["torrents_made"], 4);
    for (path, length) in [("/one.mp3", 700_000), ("/two.mp3", 900_001)] {
        assert_eq!((world.origin.requests_for(path).len(), world.origin.bytes_served(path)), (1, length));
    }
    let hash =
        |index: usize| world.status()["shows"][index]["episodes"][0]["enclosures"][0]["info_hash"].clone();
    assert_eq!(hash(0), hash(1));
}

#[tokio::test]
async fn a_run_of_one_show_looks_at_no_files_of_others() {
    let world = two_episodes().await;
    let other = world.origin.url("/other.xml");
    let feed = String::from_utf8(world.origin.content("/feed.xml")).unwrap();
    let feed = feed.replace("/one.mp3", "/three.mp3").replace("/two.mp3", "/four.mp3");
    world.origin.file("/other.xml", feed);
    world.origin.file("/three.mp3", mp3(70_000, 3));
    world.origin.file("/four.mp3", mp3(70_000, 4));
    let client = "clients:\n  box: {watch_dir: {path: watch, client: other}}\n";
    world.configure(&format!("  other: {{feed: \"{other}\"}}\n{client}"));
    std::fs::create_dir(world.path("watch")).unwrap();
    world.run(0);
    std::fs::remove_file(world.path("data/media/other/three.mp3")).unwrap();
    assert_eq!(world.podseed(&["run", "show"]).code, 0);
    // Its own it looks at, by whatever name it is called.
    for name in ["other", other.as_str()] {
        let of_other = world.podseed(&["run", name]);
        assert!(of_other.code == 3 && of_other.stderr.contains("three.mp3 is gone"), "{}", of_other.stderr);
        std::fs::write(world.path("data/media/other/three.mp3"), mp3(70_000, 3)).unwrap();
        assert_eq!(world.podseed(&["run", name]).code, 0);
        std::fs::remove_file(world.path("data/media/other/three.mp3")).unwrap();
    }
    assert_eq!(world.podseed(&["run"]).code, 3);
}

#[tokio::test]
async fn feeds_of_one_title_are_shows_of_their_own_and_a_show_is_one_by_its_address_too() {
    let world = World::new("").await;
    world.publish(&[TWO, ONE]);
    let feeds = ["/a.xml", "/b.xml", "/c.xml", "/d.xml"].map(|path| {
        let own_file = format!("{path}.mp3");
        world.origin.file(&own_file, mp3(70_000, 3));
        let own = Item { guid: path, title: path, enclosure: &own_file };
        world.publish(&[own]);
        world.origin.file(path, world.origin.content("/feed.xml"));
        world.origin.url(path).to_string()
    });
    let mut arguments = vec!["run", "--json"];
    arguments.extend(feeds.iter().map(String::as_str));
    let ran = world.podseed(&arguments);
    assert_eq!((ran.code, ran.json()["shows"].as_u64()), (0, Some(4)), "{}", ran.stderr);
    let status = world.status();
    let slugs: BTreeSet<_> =
        status["shows"].as_array().unwrap().iter().map(|show| show["show"].as_str().unwrap()).collect();
    assert_eq!(slugs, BTreeSet::from(["a-show", "a-show-2", "a-show-3", "a-show-4"]));

    world.publish(&[TWO, ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.origin.file("/two.mp3", mp3(90_000, 2));
    let address = world.origin.url("/feed.xml").to_string();
    let ran = world.podseed(&["run", "--json", &address, "show", &address]);
    assert_eq!((ran.code, ran.json()["shows"].as_u64()), (0, Some(1)), "{}", ran.stderr);
    assert_eq!(ran.json()["downloaded"], 2, "its own rules hold, not those of a feed that is named for once");
    assert_eq!(world.origin.requests_for("/feed.xml").len(), 1);
}

#[tokio::test]
async fn what_is_no_audio_never_becomes_a_torrent_and_the_rest_goes_on() {
    let world = World::new("").await;
    let faulty = ["/gone.mp3", "/page.mp3", "/empty.mp3", "/broken.mp3", "/short.mp3", "/text.mp3"];
    let mut items: Vec<_> =
        faulty.iter().map(|path| Item { guid: path, title: path, enclosure: path }).collect();
    items.push(ONE);
    world.publish(&items);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.origin.file("/short.mp3", mp3(70_000, 2));
    world.origin.file("/text.mp3", "error code: 1020");
    world.origin.file("/empty.mp3", "");
    world.origin.always("/gone.mp3", Fault::Status(404, vec![]));
    world.origin.always("/broken.mp3", Fault::Status(500, vec![]));
    world.origin.always("/page.mp3", Fault::Html("<!DOCTYPE html><title>Maintenance</title>"));
    world.origin.always("/short.mp3", Fault::ContentLength(90_000));

    let run = world.run(3);
    assert_eq!((run["downloaded"].as_u64(), run["torrents_made"].as_u64()), (Some(1), Some(1)));
    assert_eq!(run["errors"].as_array().unwrap().len(), faulty.len(), "{}", run["errors"]);
    assert_eq!(world.check_media(), ["one.mp3"]);

    let enclosures = world.enclosures();
    let of = |path: &str| {
        let url = world.origin.url(path).to_string();
        enclosures.iter().find(|enclosure| enclosure["url"] == url.as_str()).unwrap().clone()
    };
    for path in ["/gone.mp3", "/page.mp3", "/empty.mp3", "/text.mp3"] {
        assert_eq!(of(path)["stage"], "failed", "{path}");
        assert_eq!(world.origin.requests_for(path).len(), 1, "{path} is asked for once");
    }
    for path in ["/broken.mp3", "/short.mp3"] {
        assert_eq!(of(path)["stage"], "discovered", "{path}");
        assert!(of(path)["next_attempt"].is_string(), "{path}");
        assert_eq!(world.origin.requests_for(path).len(), 3, "{path} is tried twice again");
    }
    assert!(of("/gone.mp3")["error"].as_str().unwrap().contains("404"));
    let page = of("/page.mp3")["error"].as_str().unwrap().to_owned();
    assert!(page.contains("page") && page.contains("Maintenance"), "{page}");
}

#[tokio::test]
async fn what_failed_is_asked_for_again_only_by_retry() {
    let world = World::new("").await;
    world.publish(&[ONE]);
    world.origin.fault("/one.mp3", Fault::Status(404, vec![]));
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.run(3);
    world.run(3);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
    let retry = world.podseed(&["retry", "One", "--json"]);
    assert_eq!((retry.code, retry.json()["downloaded"].as_u64()), (0, Some(1)), "{}", retry.stderr);
    assert_eq!(world.run(0)["failed"], 0);
}

#[tokio::test]
async fn retry_of_a_show_of_which_nothing_is_known_says_what_to_do() {
    let world = World::new("").await;
    world.run(3);
    let retry = world.podseed(&["retry", "show"]);
    assert_eq!(retry.code, 2, "{}", retry.stderr);
    assert!(
        retry.stderr.contains("nothing is known yet of the show")
            && retry.stderr.contains("podseed run show")
    );
}

#[tokio::test]
async fn retry_works_on_a_feed_that_was_named_for_one_run_too() {
    let world = World::new("").await;
    world.publish(&[ONE]);
    world.origin.file("/named.xml", world.origin.content("/feed.xml"));
    world.origin.fault("/one.mp3", Fault::Status(404, vec![]));
    world.origin.file("/one.mp3", mp3(70_000, 1));
    let named = world.origin.url("/named.xml").to_string();
    assert_eq!(world.podseed(&["run", &named]).code, 3);
    let retry = world.podseed(&["retry", "One", "--json"]);
    assert_eq!((retry.code, retry.json()["downloaded"].as_u64()), (0, Some(1)), "{}", retry.stderr);
}

#[tokio::test]
async fn a_torrent_that_has_gone_before_a_client_had_it_is_made_again() {
    let world = World::new("").await;
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.run(0);
    let torrent = world.path("data/torrents/show/one.mp3.torrent");
    let made = std::fs::read(&torrent).unwrap();
    std::fs::remove_file(&torrent).unwrap();
    std::fs::create_dir(world.path("watch")).unwrap();
    std::fs::create_dir(world.path("downloads")).unwrap();
    world.configure("clients:\n  rt: {watch_dir: {path: watch, data: downloads, client: rtorrent}}\n");
    let run = world.run(3);
    assert!(run["errors"][0].as_str().unwrap().contains("the next run makes it again"), "{run}");
    let run = world.run(0);
    assert_eq!((run["torrents_made"].as_u64(), run["handed_over"].as_u64()), (Some(1), Some(1)));
    assert_eq!(std::fs::read(&torrent).unwrap(), made);
    assert_eq!(world.origin.requests_for("/one.mp3").len(), 1);
}

#[tokio::test]
async fn a_dry_run_of_a_feed_that_cannot_be_read_is_not_done() {
    let world = World::new("").await;
    world.origin.always("/feed.xml", Fault::Status(404, vec![]));
    let plan = world.podseed(&["run", "--dry-run", "--json"]);
    assert_eq!(plan.code, 3);
    assert!(plan.json()["shows"][0]["error"].as_str().unwrap().contains("404"));
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_even_from_a_new_run() {
    let world = two_episodes().await;
    world.origin.fault("/two.mp3", Fault::Status(503, vec![("Retry-After", "3600".to_owned())]));
    world.run(3);
    world.run(0);
    assert_eq!(world.origin.requests_for("/two.mp3").len(), 1);
    world.origin.file("/feed.xml", "changed, so that it is read again");
    world.origin.fault("/feed.xml", Fault::Status(429, vec![("Retry-After", "3600".to_owned())]));
    let polls = world.origin.requests_for("/feed.xml").len();
    world.run(3);
    world.run(3);
    assert_eq!(world.origin.requests_for("/feed.xml").len(), polls + 1);
}

#[tokio::test]
async fn names_that_repeat_say_nothing_or_cannot_be_used_become_dated_ones() {
    let world = World::new("").await;
    let long = format!("/{}.mp3", "ü".repeat(200));
    let items = [
        Item { guid: "1", title: "Grüße: 1/2?", enclosure: "/a/audio.mp3" },
        Item { guid: "2", title: "CON", enclosure: "/b/audio.mp3" },
        Item { guid: "3", title: "Same", enclosure: "/a/Folge.mp3" },
        Item { guid: "4", title: "Same", enclosure: "/b/folge.mp3" },
        Item { guid: "5", title: "Umlaut", enclosure: "/K%C3%BCche%20%2F1.mp3" },
        Item { guid: "6", title: "Long", enclosure: &long },
        Item { guid: "7", title: "Up", enclosure: "/..%2F..%2Fetc%2Fpasswd.mp3" },
    ];
    world.publish(&items);
    for (seed, item) in (1..).zip(&items) {
        let path = world.origin.url(item.enclosure).path().to_owned();
        world.origin.file(&path, mp3(20_000, seed));
    }
    let run = world.run(0);
    assert_eq!(run["downloaded"], 7, "{run}");
    assert_eq!(world.check_torrents(), 7);
    let names: BTreeSet<_> = world.check_media().into_iter().collect();
    assert_eq!(names.len(), 7);
    assert!(names.iter().all(|name| name.len() <= 180), "{names:?}");
    for expected in ["Küche _1.mp3", "2026-02-28 Grüße_ 1_2_ 6b86b273.mp3", "2026-02-27 _CON d4735e3a.mp3"]
    {
        assert!(names.contains(expected), "{expected} is not among {names:?}");
    }
}

#[tokio::test]
async fn a_url_with_a_credential_in_it_never_becomes_a_web_seed() {
    let world = World::new("torrent: {web_seeds: always}").await;
    let signed = "/two.mp3?id=7&token=s3cret";
    world.publish(&[Item { enclosure: signed, ..TWO }, ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world.origin.file(signed, mp3(90_000, 2));
    assert_eq!(world.run(0)["torrents_made"], 2);
    let one = world.podseed(&["torrent", "show", "data/torrents/show/one.mp3.torrent", "--json"]).json();
    assert_eq!(one["web_seeds"], serde_json::json!([world.origin.url("/one.mp3").as_str()]));
    for torrent in files_below(&world.path("data/torrents")) {
        assert!(!String::from_utf8_lossy(&std::fs::read(torrent).unwrap()).contains("s3cret"));
    }
    assert!(!world.status().to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_torrent_that_may_not_name_its_source_is_not_looked_at_by_each_run() {
    let world = World::new("torrent: {web_seeds: always}").await;
    let signed = "/two.mp3?id=7&token=s3cret";
    world.publish(&[Item { enclosure: signed, ..TWO }]);
    world.origin.file(signed, mp3(90_000, 2));
    world.run(0);
    world.run(0);
    let state = format!("sqlite:{}", world.path("data/state.db").display());
    let state = sqlx::SqlitePool::connect(&state).await.unwrap();
    let due = "SELECT COUNT(*) FROM shows WHERE arrange_due <> 0";
    let due: i64 = sqlx::query_scalar(due).fetch_one(&state).await.unwrap();
    assert_eq!(due, 0);
}

#[tokio::test]
async fn wrong_usage_has_a_status_of_its_own_also_where_the_arguments_do_not_fit_together() {
    let world = World::new("").await;
    for arguments in [
        vec!["nonsense"],
        vec!["run", "no-such-show"],
        vec!["torrent", "create", "--each", "podseed.yaml"],
        vec!["--config", "missing.yaml", "status"],
    ] {
        assert_eq!(world.podseed(&arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(world.podseed(&["torrent", "show", "missing.torrent"]).code, 1);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let world = two_episodes().await;
    let plan = world.podseed(&["run", "--dry-run", "--latest", "1", "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    let enclosures = plan.json()["shows"][0]["enclosures"].clone();
    assert_eq!(enclosures.as_array().unwrap().len(), 1);
    assert_eq!(enclosures[0]["steps"], serde_json::json!(["fetch it as two.mp3", "make two.mp3.torrent"]));
    assert!(!world.path("data").exists());
    assert!(world.origin.requests_for("/two.mp3").is_empty());
}

#[tokio::test]
async fn a_selection_is_kept_to_and_a_wider_one_takes_more() {
    let world = two_episodes().await;
    let ran = world.podseed(&["run", "--latest", "1", "--json"]);
    assert_eq!(ran.json()["downloaded"], 1);
    assert!(world.origin.requests_for("/one.mp3").is_empty());
    let why = world.podseed(&["why", "One", "--json"]).json();
    assert_eq!(
        (why["wanted"].as_bool(), why["rule"].as_str()),
        (Some(false), Some("not among the latest 1"))
    );
    assert_eq!(world.run(0)["downloaded"], 1);
}

#[tokio::test]
async fn what_is_there_already_is_not_said_to_be_fetched_when_it_is_wanted_again() {
    let world = two_episodes().await;
    world.run(0);
    let narrow = world.podseed(&["run", "--latest", "1"]);
    assert!(narrow.stderr.contains("0 new episodes, 0 files to fetch"), "{}", narrow.stderr);
    let wide = world.podseed(&["run"]);
    assert!(wide.stderr.contains("0 new episodes, 0 files to fetch"), "{}", wide.stderr);
    let why = world.podseed(&["why", "One", "--json"]).json();
    assert_eq!(why["wanted"], true);
}

#[tokio::test]
async fn forgotten_episodes_are_left_alone() {
    let world = two_episodes().await;
    world.podseed(&["run", "--latest", "1"]);
    assert_eq!(world.podseed(&["forget", "g1"]).code, 0);
    assert_eq!(world.run(0)["downloaded"], 0);
    assert!(world.origin.requests_for("/one.mp3").is_empty());
    assert_eq!(world.enclosures().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_carried_out_has_its_status_and_is_said_in_json_too() {
    let world = two_episodes().await;
    let error = |ran: &crate::support::world::Ran| ran.json()["error"].as_str().unwrap().to_owned();
    let unknown = world.podseed(&["run", "nothing-like-that", "--json"]);
    assert_eq!(unknown.code, 2);
    assert!(error(&unknown).contains("nothing-like-that"));
    let missing = world.podseed(&["feed", "none.xml", "--json"]);
    assert_eq!((missing.code, error(&missing).contains("none.xml")), (1, true));
    world.configure("torents: {}");
    for command in ["run", "status", "check"] {
        assert_eq!(world.podseed(&[command]).code, 2, "{command}");
    }
    assert_eq!(world.podseed(&["run", "--json"]).json()["findings"][0]["key"], "torents");
}

#[tokio::test]
async fn who_only_looks_needs_no_password() {
    let world = two_episodes().await;
    world.run(0);
    world.configure(
        "clients: {tr: {transmission: {url: \"http://127.0.0.1:1\", username: me, password_file: none}}}",
    );
    let feed = world.origin.url("/feed.xml").to_string();
    for looks in [vec!["status"], vec!["why", "one.mp3"], vec!["report"], vec!["feed", &feed]] {
        let ran = world.podseed(&looks);
        assert_eq!(ran.code, 0, "{looks:?}: {}", ran.stderr);
    }
    for works in [vec!["run"], vec!["retry", "show"], vec!["check"]] {
        let ran = world.podseed(&works);
        assert_eq!(ran.code, 2, "{works:?}: {}", ran.stderr);
        assert!((ran.stdout + &ran.stderr).contains("password_file"), "{works:?}");
    }
}

#[tokio::test]
async fn a_second_process_is_told_who_works_on_the_folder() {
    let world = two_episodes().await;
    world.origin.always("/two.mp3", Fault::HangAfter(300_000));
    let (mut child, mut lines) = world.start();
    assert!(lines.next().unwrap().starts_with("show: read"));
    let second = world.podseed(&["run"]);
    let pid = format!("(process {})", child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(second.code, 1);
    assert!(second.stderr.contains(&pid), "{}", second.stderr);
}

impl World {
    /// The names of the finished files.
    fn check_media(&self) -> Vec<String> {
        let files = files_below(&self.path("data/media/show"));
        let finished = files.iter().filter(|path| !path.parent().unwrap().ends_with(".partial"));
        finished.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }
}
