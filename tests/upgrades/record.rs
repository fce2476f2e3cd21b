//! Makes a fixture with a program of an earlier version; see CONTRIBUTING.md.

use std::path::PathBuf;
use std::process::Command;

use podseed_adapters::InfoHashes;
use podseed_adapters::testing::{Tracker, Transmission};
use serde_json::Value;

use super::fixture::{folder, portable, publish, revised, scenario, schema_of};
use crate::support::origin::Fault;
use crate::support::swarm::announce;
use crate::support::world::{Ran, World, files_below, ran};

/// Runs the program of that time.
fn earlier(world: &World, arguments: &[&str]) -> Ran {
    let program = std::env::var_os("PODSEED_EARLIER").expect("PODSEED_EARLIER names the earlier program");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(world.path("")).env("HOME", world.path(""));
    ran(command.output().unwrap())
}

fn info_hashes(status: &Value) -> Vec<InfoHashes> {
    let episodes = status["shows"][0]["episodes"].as_array().unwrap().iter();
    let files = episodes.flat_map(|episode| episode["enclosures"].as_array().unwrap());
    let hashes = files.filter_map(|file| file["info_hash"]["v1"].as_str());
    hashes.map(|hash| InfoHashes::V1(hash.parse().unwrap())).collect()
}

#[tokio::test]
#[ignore = "makes a fixture: PODSEED_EARLIER=PROGRAM cargo test --test flows record -- --ignored"]
async fn record_the_state_of_an_earlier_program() {
    let (client, tracker) = (Transmission::start().unwrap(), Tracker::start(&[]).unwrap());
    let world = scenario(&client, &tracker).await;
    world.origin.fault("/slow.mp3", Fault::CutAfter(100_000));
    for _ in 0..2 {
        world.origin.fault("/slow.mp3", Fault::Status(503, Vec::new()));
    }
    let run = || earlier(&world, &["run", "--wait", "20 s"]);
    let first = run();
    assert_eq!(first.code, 3, "{}", first.stderr);
    let status = || -> Value { earlier(&world, &["status", "--json"]).json() };
    tracker.allow(&info_hashes(&status())).unwrap();
    assert_eq!(earlier(&world, &["forget", "Four"]).code, 0);
    // Not every version had what follows.
    let has_takedown = earlier(&world, &["takedown", "Five"]).code != 2;
    // Held back, so that it is unfinished when the state is recorded.
    world.origin.always("/slow.mp3", Fault::Status(503, vec![("Retry-After", "86400".to_owned())]));
    if has_takedown {
        publish(&world, &revised());
    }
    run();
    if has_takedown {
        info_hashes(&status()).iter().for_each(|torrent| announce(&tracker, torrent, 7001));
        let state = format!("sqlite:{}", world.path("data/state.db").display());
        let mut state = <sqlx::SqliteConnection as sqlx::Connection>::connect(&state).await.unwrap();
        sqlx::query("UPDATE sources SET asked = asked - 900").execute(&mut state).await.unwrap();
        sqlx::Connection::close(state).await.unwrap();
        run();
    }
    keep(&world, &tracker, &status()).await;
}

/// Writes the fixture.
async fn keep(world: &World, tracker: &Tracker, status: &Value) {
    let state = world.path("data/state.db");
    let into: PathBuf = folder(u32::try_from(schema_of(&state).await).unwrap());
    std::fs::create_dir_all(&into).unwrap();
    let dump = Command::new("sqlite3").arg(&state).arg(".dump").output().expect("sqlite3 is needed");
    assert!(dump.status.success());
    let dump = portable(&String::from_utf8(dump.stdout).unwrap(), world, tracker);
    std::fs::write(into.join("state.sql"), dump).unwrap();
    let status = portable(&format!("{status:#}\n"), world, tracker);
    std::fs::write(into.join("status.json"), status).unwrap();
    for torrent in files_below(&world.path("data/torrents/show")) {
        std::fs::copy(&torrent, into.join(torrent.file_name().unwrap())).unwrap();
    }
}
