//! Migrations: with a copy of what was, all or nothing, never backwards, and by one process alone.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use podseed_adapters::testing::{Tracker, Transmission};
use sqlx::{Connection as _, SqliteConnection};

use super::fixture::{Fixture, scenario, schema_of};
use crate::support::disk::Disk;
use crate::support::world::World;
use crate::support::{Fault, mp3};

/// A world with the state of schema 3, and what has to go on running beside it.
async fn restored() -> (World, Transmission, Tracker) {
    let (client, tracker) = (Transmission::start().unwrap(), Tracker::start(&[]).unwrap());
    let world = scenario(&client, &tracker).await;
    Fixture::restore(3, &world, &tracker).await;
    (world, client, tracker)
}

async fn change(state: &Path, statement: &'static str) {
    let mut state = SqliteConnection::connect(&format!("sqlite:{}", state.display())).await.unwrap();
    sqlx::query(statement).execute(&mut state).await.unwrap();
    state.close().await.unwrap();
}

fn copies(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.path("data")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut copies: Vec<_> = names.filter(|name| name.contains(".before-")).collect();
    copies.sort();
    copies
}

#[tokio::test]
async fn a_newer_state_is_refused_by_every_command_and_left_alone() {
    let world = World::new("").await;
    world.publish(&[]);
    world.run(0);
    let state = world.path("data/state.db");
    change(&state, "INSERT INTO _sqlx_migrations VALUES (99, 'later', CURRENT_TIMESTAMP, TRUE, X'00', 0)")
        .await;
    let before = std::fs::read(&state).unwrap();
    for command in [&["run"][..], &["status"], &["why", "x"], &["report"], &["retry", "x"]] {
        let ran = world.podseed(command);
        assert_eq!(ran.code, 1, "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("was written by a newer podseed"), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("use that version"), "{command:?}: {}", ran.stderr);
    }
    assert!(std::fs::read(&state).unwrap() == before, "the state was changed");
    assert_eq!(copies(&world), [] as [&str; 0]);
}

#[tokio::test]
async fn of_the_copies_from_before_migrations_the_last_two_stay() {
    let (world, ..) = restored().await;
    for number in [1, 2, 3] {
        std::fs::write(world.path(&format!("data/state.db.before-{number}")), "old").unwrap();
    }
    world.podseed(&["run", "--wait", "20 s"]);
    assert_eq!(copies(&world), ["state.db.before-3", "state.db.before-4"]);
}

#[tokio::test]
async fn without_room_for_a_copy_the_state_stays_as_it_was() {
    let (client, tracker) = (Transmission::start().unwrap(), Tracker::start(&[]).unwrap());
    let world = scenario(&client, &tracker).await;
    let disk = Disk::mount(world.path("data"), "24m");
    Fixture::restore(3, &world, &tracker).await;
    disk.leave(600_000);
    let ran = world.podseed(&["run"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no room for a copy of it"), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
    assert_eq!(schema_of(&world.path("data/state.db")).await, 3);
    assert_eq!(copies(&world), [] as [&str; 0]);
    disk.make_room();
    assert!(world.podseed(&["run", "--wait", "20 s"]).stderr.contains("state.db.before-4"));
}

/// The schema of this program: one for each of its migrations.
fn schema_now() -> i64 {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/migrations");
    std::fs::read_dir(migrations).unwrap().count().try_into().unwrap()
}

#[tokio::test]
async fn killed_at_any_sign_of_a_migration_the_next_run_completes_it() {
    let unfinished = "data/state.db.before-4.podseed-tmp";
    let finished = "data/state.db.before-4";
    for sign in [unfinished, finished, ""] {
        let (world, ..) = restored().await;
        // Enough that the copy and the migration take their time.
        change(
            &world.path("data/state.db"),
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
             INSERT INTO events (enclosure_id, at, text) SELECT 1, i, 'something has happened to it: ' || i FROM n",
        )
        .await;
        let mut child = world.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        if sign.is_empty() {
            let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
            assert!(lines.next().unwrap().unwrap().contains("brought up to date"));
        } else {
            while !world.path(sign).exists() {
                assert!(child.try_wait().unwrap().is_none(), "it has ended without {sign}");
                std::thread::yield_now();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let schema = schema_of(&world.path("data/state.db")).await;
        assert!((3..=schema_now()).contains(&schema), "killed at {sign:?}: schema {schema}");
        let ran = world.podseed(&["run", "--wait", "20 s"]);
        assert_eq!(ran.code, 3, "killed at {sign:?}: {}", ran.stderr);
        assert_eq!(schema_of(&world.path("data/state.db")).await, schema_now());
        assert_eq!(schema_of(&world.path(finished)).await, 3, "killed at {sign:?}: the copy is what was");
        // Each migration is a transaction: what was killed between two has a copy of either.
        let expected = match schema {
            3 => vec!["state.db.before-4".to_owned()],
            _ if schema == schema_now() => vec!["state.db.before-4".to_owned()],
            between => vec!["state.db.before-4".to_owned(), format!("state.db.before-{}", between + 1)],
        };
        assert_eq!(copies(&world), expected, "killed at {sign:?}");
        assert_eq!(world.origin.requests_for("/two.mp3").len(), 0);
    }
}

#[tokio::test]
async fn the_second_process_on_a_data_folder_says_who_holds_it_and_a_dead_one_holds_nothing() {
    let world = World::new("").await;
    world.origin.file("/one.mp3", mp3(300_000, 1));
    world.publish(&[crate::support::world::Item { guid: "g1", title: "One", enclosure: "/one.mp3" }]);
    world.origin.fault("/one.mp3", Fault::HangAfter(100_000));
    let (mut child, _lines) = world.start();
    while world.origin.requests_for("/one.mp3").is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    let second = world.podseed(&["run"]);
    assert_eq!(second.code, 1);
    let said = format!("another podseed (process {}) is working on ", child.id());
    assert!(second.stderr.contains(&said), "{}", second.stderr);
    assert_eq!(world.podseed(&["status"]).code, 0, "who only looks is not kept out");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.run(0)["downloaded"], 1);
}

#[tokio::test]
async fn a_file_system_without_locks_is_refused_in_plain_words() {
    let world = World::new("").await;
    world.publish(&[]);
    let command = world.command(&["run"]);
    let ran = std::process::Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(world.path(""))
        .output()
        .expect("this test needs strace (Debian: strace)");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("has no file locks"), "{stderr}");
    assert!(stderr.contains("put `data_dir` on a disk of this machine"), "{stderr}");
}
