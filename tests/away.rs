//! Clients that are away while much waits for them: what is asked of them, written about them and told of them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podseed::clock::Clock;
use podseed::config::Config;
use podseed_adapters::testing::{Transmission, USERNAME};
use serde_json::Value;

use crate::clients::{transmission, watched};
use crate::daemon::time;
use crate::support::mp3;
use crate::support::receiver::{Answer, Receiver};
use crate::support::world::{Item, World};

/// More than are handed over at a time.
const MANY: usize = 20;

/// A show of so many episodes.
async fn episodes(count: usize) -> World {
    let world = World::new("").await;
    let paths: Vec<String> = (0..count).map(|number| format!("/{number}.mp3")).collect();
    let items: Vec<_> = paths.iter().map(|path| Item { guid: path, title: path, enclosure: path }).collect();
    world.publish(&items);
    for (path, seed) in paths.iter().zip(1..) {
        world.origin.file(path, mp3(20_000, seed));
    }
    world
}

/// A client of which only the proxy is there, with what it writes into the configuration.
fn proxy_alone() -> (Receiver, String) {
    let proxy = Receiver::start();
    for _ in 0..1_000 {
        proxy.answer(Answer::Status(503, None));
    }
    let url = proxy.url("/rpc");
    (
        proxy,
        format!(
            "  tr: {{transmission: {{url: \"{url}\", username: {USERNAME}, password_file: password}}}}\n"
        ),
    )
}

impl World {
    /// What the state says to this.
    async fn state(&self, question: &'static str) -> i64 {
        let state = format!("sqlite:{}", self.path("data/state.db").display());
        let state = sqlx::SqlitePool::connect(&state).await.unwrap();
        let answer = sqlx::query_scalar(question).fetch_one(&state).await.unwrap();
        state.close().await;
        answer
    }

    /// Every placement at a client.
    fn placements(&self, client: &str) -> Vec<Value> {
        let enclosures = self.enclosures();
        let all = enclosures.iter().flat_map(|enclosure| enclosure["placements"].as_array().unwrap());
        all.filter(|placement| placement["client"] == client).cloned().collect()
    }
}

#[tokio::test]
async fn a_client_that_is_away_is_asked_as_often_for_many_torrents_as_for_one() {
    let (proxy, clients) = proxy_alone();
    let world = episodes(MANY).await;
    for folder in ["watch", "downloads"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    world.with_clients(&(clients + &watched(&world.path("watch"), &world.path("downloads"), "rtorrent")));
    let mut asked = 0;
    // A pass asks it for its list and who it is, and whoever began beside that has heard of it.
    let mut asked_in_this_pass = || {
        let before = std::mem::replace(&mut asked, proxy.received("/rpc").len());
        asked - before
    };
    for _ in 0..2 {
        let run = world.run(3);
        let errors = run["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{run}");
        assert!(errors[0].as_str().unwrap().contains("is not reached by its proxy"), "{run}");
        assert!((1..=3).contains(&asked_in_this_pass()));
        let waiting = world.placements("tr");
        assert_eq!(waiting.len(), MANY);
        for placement in waiting {
            assert_eq!(placement["state"], "pending");
            assert!(placement["error"].as_str().unwrap().contains("is not reached by its proxy"));
        }
        assert!(world.placements("rt").iter().all(|placement| placement["state"] == "delivered"));
        let tried = world.state("SELECT COUNT(*) FROM placements WHERE client = 'tr' AND attempts > 0").await;
        assert!((1..=8).contains(&tried), "{tried}");
        let told = world.state("SELECT COUNT(*) FROM events WHERE text LIKE 'tr: %'").await;
        assert!((1..=8).contains(&told), "{told}");
    }
    // To let go of all of them is no other work.
    let down = world.podseed(&["takedown", "show", "--json"]);
    assert_eq!(down.code, 3, "{}{}", down.stdout, down.stderr);
    assert!((1..=3).contains(&asked_in_this_pass()));
    assert_eq!(world.state("SELECT COUNT(*) FROM placements WHERE client = 'tr' AND leaving").await, 20);
}

#[tokio::test]
async fn a_daemon_finds_that_a_client_is_back_without_another_reason_to_ask_it() {
    let mut client = Transmission::start().unwrap();
    let world = episodes(MANY).await;
    world.with_clients(&(transmission(&client, "") + "verify_interval: 1 day\n"));
    client.stop();
    world.run(3);
    let (clock, hand) = Clock::set(Timestamp::now());
    let config = Arc::new(Config::load(&world.path("podseed.yaml")).unwrap());
    let (stop, pipeline, daemon) = time::start(config, &clock).await;
    let absence = async || pipeline.store().absence("tr").await.unwrap();
    let seeds = |placement: &Value| placement["state"] == "seeding";
    let passes = async |time| {
        hand.advance(time);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let story = async {
        while absence().await.is_none_or(|absence| absence.failures < 4) {
            passes(Duration::from_secs(10)).await;
        }
        client.start_again().unwrap();
        while absence().await.is_some() {
            passes(Duration::from_secs(10)).await;
        }
        while !world.placements("tr").iter().all(seeds) {
            passes(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), story).await.unwrap();
    stop.cancel();
    daemon.stopped().await;
}
