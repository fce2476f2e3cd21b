//! Clients that lose, stop and forget what they were given, and podseed that asks them again.

use podseed_adapters::testing::{QBittorrent, Transmission};
use serde_json::Value;

use crate::clients::{qbittorrent, transmission};
use crate::support::hands::{Hand, at_qbittorrent, at_transmission};
use crate::support::mp3;
use crate::support::world::{Item, World};

/// The newest first.
const PATHS: [&str; 3] = ["/three.mp3", "/two.mp3", "/one.mp3"];
const LENGTH: usize = 200_000;

async fn three_episodes() -> World {
    let world = World::new("").await;
    world.publish(&PATHS.map(|path| Item { guid: path, title: path, enclosure: path }));
    for (seed, path) in (1..).zip(PATHS) {
        world.origin.file(path, mp3(LENGTH, seed));
    }
    world
}

impl World {
    /// The states of all three at a client, the newest first.
    fn states(&self, client: &str) -> Vec<String> {
        let of = |enclosure: &Value| {
            let placements = enclosure["placements"].as_array().unwrap();
            let placement = placements.iter().find(|placement| placement["client"] == client).unwrap();
            placement["state"].as_str().unwrap().to_owned()
        };
        self.enclosures().iter().map(of).collect()
    }

    fn stages(&self) -> Vec<String> {
        self.enclosures().iter().map(|enclosure| enclosure["stage"].as_str().unwrap().to_owned()).collect()
    }

    /// The v1 info hash of the middle one.
    fn hash_of_two(&self) -> String {
        self.enclosures()[1]["info_hash"]["v1"].as_str().unwrap().to_owned()
    }

    /// Each file was asked for once.
    fn assert_fetched_once(&self) {
        for path in PATHS {
            assert_eq!(self.origin.requests_for(path).len(), 1, "{path}");
        }
    }
}

const ALL_SEED: [&str; 3] = ["seeding"; 3];

#[tokio::test]
async fn a_client_that_was_reinstalled_gets_everything_back() {
    let world = three_episodes().await;
    let (mut tr, mut qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    world.run(0);
    tr.reinstall().unwrap();
    let run = world.podseed(&["run"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("tr: 3 torrents are not there any more"), "{}", run.stderr);
    assert_eq!(
        (world.states("tr"), world.states("qb")),
        (ALL_SEED.map(str::to_owned).to_vec(), ALL_SEED.map(str::to_owned).to_vec())
    );
    qb.reinstall().unwrap();
    world.run(0);
    assert_eq!(world.states("qb"), ALL_SEED);
    world.assert_fetched_once();
}

#[tokio::test]
async fn podseed_killed_while_it_hands_over_again_goes_on_where_it_was() {
    let world = three_episodes().await;
    let mut tr = Transmission::start().unwrap();
    world.with_clients(&transmission(&tr, ""));
    world.run(0);
    tr.reinstall().unwrap();
    let (mut child, mut lines) = world.start();
    assert!(lines.any(|line| line.contains("not there any more")));
    child.kill().unwrap();
    child.wait().unwrap();
    world.run(0);
    assert_eq!(world.states("tr"), ALL_SEED);
    world.assert_fetched_once();
}

#[tokio::test]
async fn what_was_stopped_by_hand_is_reported_and_not_started_and_confirmed_again_once_it_seeds() {
    let world = three_episodes().await;
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    world.run(0);
    let two = world.hash_of_two();
    at_transmission(&tr, Hand::Stop, &two).await;
    at_qbittorrent(&qb, Hand::Stop, &two).await;
    let run = world.podseed(&["run"]);
    for client in ["tr", "qb"] {
        let words = format!("warning: {client}: two.mp3 is stopped there");
        assert!(run.code == 0 && run.stderr.contains(&words), "{}", run.stderr);
        assert_eq!(world.states(client), ["seeding", "stopped", "seeding"]);
    }
    // It is said once, and it is no failure: somebody wants it so.
    assert!(!world.podseed(&["run"]).stderr.contains("stopped"));
    assert_eq!(world.run(0)["failed"], 0);
    assert_eq!(world.stages(), ["seeding", "handed_over", "seeding"]);
    at_transmission(&tr, Hand::Start, &two).await;
    world.run(0);
    assert_eq!(world.states("tr"), ALL_SEED);
    assert_eq!(world.podseed(&["retry", "/two.mp3"]).code, 0);
    assert_eq!(world.states("qb"), ALL_SEED);
}

#[tokio::test]
async fn what_was_removed_by_hand_stays_away_until_the_user_says_otherwise() {
    let world = three_episodes().await;
    let (tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    world.run(0);
    let two = world.hash_of_two();
    at_transmission(&tr, Hand::Remove, &two).await;
    let run = world.run(3);
    let errors = run["errors"].to_string();
    assert!(errors.contains("podseed forget") && errors.contains("podseed retry"), "{errors}");
    // Another client still seeds it.
    assert_eq!(world.stages(), ALL_SEED);
    world.run(0);
    assert_eq!(world.states("tr"), ["seeding", "missing", "seeding"]);
    at_qbittorrent(&qb, Hand::Remove, &two).await;
    for _ in 0..2 {
        world.run(3);
        assert_eq!(world.stages(), ["seeding", "failed", "seeding"]);
    }
    assert_eq!(world.podseed(&["retry", "/two.mp3"]).code, 0);
    assert_eq!(
        (world.states("tr"), world.states("qb")),
        (ALL_SEED.map(str::to_owned).to_vec(), ALL_SEED.map(str::to_owned).to_vec())
    );
    at_transmission(&tr, Hand::Remove, &two).await;
    assert_eq!(world.podseed(&["forget", "/two.mp3"]).code, 0);
    assert_eq!(world.run(0)["seeding"], 2);
    world.assert_fetched_once();
}

#[tokio::test]
async fn data_that_is_gone_is_noticed_and_fetched_again_only_when_the_user_says_so() {
    let world = three_episodes().await;
    let tr = Transmission::start().unwrap();
    world.with_clients(&transmission(&tr, ""));
    world.run(0);
    let file = world.path("data/media/show/two.mp3");
    let aside = world.path("two.mp3");
    std::fs::rename(&file, &aside).unwrap();
    for _ in 0..2 {
        let run = world.run(3);
        assert_eq!(run["failed"], 1, "{run}");
        let error = world.enclosures()[1]["error"].as_str().unwrap().to_owned();
        assert!(error.contains("two.mp3 is gone") && error.contains("podseed retry"), "{error}");
    }
    // Put back, it needs nobody.
    std::fs::rename(&aside, &file).unwrap();
    world.run(0);
    assert_eq!(
        (world.stages(), world.states("tr")),
        (ALL_SEED.map(str::to_owned).to_vec(), ALL_SEED.map(str::to_owned).to_vec())
    );
    world.assert_fetched_once();

    std::fs::write(&file, "shorter").unwrap();
    world.run(3);
    let error = world.enclosures()[1]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("has 7 bytes where 200000"), "{error}");
    // Nobody knows whose bytes these are.
    assert_eq!(world.podseed(&["retry", "/two.mp3"]).code, 3);
    assert_eq!(std::fs::read(&file).unwrap(), b"shorter");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.podseed(&["retry", "/two.mp3"]).code, 0);
    assert_eq!(world.stages(), ALL_SEED);
    assert!(std::fs::read(&file).unwrap() == mp3(LENGTH, 2));
    assert_eq!(world.origin.requests_for("/two.mp3").len(), 2);
}

#[tokio::test]
async fn a_disk_that_is_not_mounted_is_named_and_nothing_is_done_about_its_files() {
    let world = three_episodes().await;
    let tr = Transmission::start().unwrap();
    world.with_clients(&transmission(&tr, ""));
    world.run(0);
    let (folder, aside) = (world.path("data/media/show"), world.path("show"));
    std::fs::rename(&folder, &aside).unwrap();
    let run = world.run(3);
    assert!(run["errors"].to_string().contains("is its disk mounted?"), "{run}");
    assert_eq!(world.states("tr"), ALL_SEED);
    std::fs::remove_dir_all(&folder).unwrap_or_default();
    std::fs::rename(&aside, &folder).unwrap();
    world.run(0);
    world.assert_fetched_once();
}

#[tokio::test]
async fn a_client_that_is_away_is_named_and_what_it_seeded_is_asked_for_when_it_is_back() {
    let world = three_episodes().await;
    let (mut tr, qb) = (Transmission::start().unwrap(), QBittorrent::start().unwrap());
    world.with_clients(&(transmission(&tr, "") + &qbittorrent(&qb, "")));
    world.run(0);
    tr.stop();
    at_qbittorrent(&qb, Hand::Remove, &world.hash_of_two()).await;
    let run = world.podseed(&["run"]);
    assert!(run.stderr.contains("tr: warning: Transmission at"), "{}", run.stderr);
    assert_eq!(world.states("tr"), ALL_SEED);
    assert_eq!(world.states("qb"), ["seeding", "missing", "seeding"]);
    tr.start_again().unwrap();
    world.run(0);
}
