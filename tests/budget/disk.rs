//! Disks that are full: nothing is harmed, it is said in plain words, and it goes on when there is space again.

use std::fs::File;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use podseed::config::Config;
use podseed::pipeline::{Begin, Environment, Event, Monitor, PassOptions, Pipeline, Target};
use sqlx::{Connection as _, SqliteConnection};

use super::{FREE, ONE, THREE, TWO, two_episodes};
use crate::support::disk::{Disk, free};
use crate::support::mp3;
use crate::support::world::World;

async fn assert_sound(world: &World) {
    let path = world.path("data/state.db");
    if !path.exists() {
        return;
    }
    let mut state = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let checked: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut state)
        .await
        .unwrap_or_else(|error| error.to_string());
    // Where not even the index of the write-ahead log can be made, nothing can be read, and nothing is damaged.
    assert!(checked == "ok" || checked.contains("full") || checked.contains("disk I/O"), "{checked}");
    let _ = state.close().await;
}

#[tokio::test]
async fn below_the_limit_nothing_is_fetched_and_it_goes_on_by_itself() {
    let world = two_episodes("limits: {disk_free: 10 MiB}\n").await;
    let disk = Disk::mount(world.path("data"), "24m");
    disk.leave(8 << 20);
    let ran = world.podseed(&["run"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let said = format!("nothing is fetched: on the disk of {}", world.path("data").display());
    assert_eq!(ran.stderr.matches("nothing is fetched").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains(&said) && ran.stderr.contains("10 MiB are to stay free"), "{}", ran.stderr);
    assert_eq!(world.origin.requests_for("/one.mp3").len() + world.origin.requests_for("/two.mp3").len(), 0);
    assert_eq!(world.stage_words(), ["discovered", "discovered"]);
    let check = world.podseed(&["check", "--offline"]);
    assert!(check.stdout.contains("data.space"), "{}", check.stdout);
    disk.make_room();
    assert_eq!(world.run(0)["downloaded"], 2);
    assert_eq!(world.check_torrents(), 2);
}

/// Keeps what is told of space.
#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Monitor for Told {
    fn event(&self, event: &Event) {
        if matches!(event, Event::SpaceShort { .. } | Event::SpaceAgain) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    fn transfer(&self, _label: &str) -> Arc<dyn podseed::download::Progress> {
        Arc::new(())
    }
}

#[tokio::test]
async fn a_process_that_lives_on_tells_once_that_it_pauses_and_once_that_it_goes_on() {
    let world = two_episodes("limits: {disk_free: 10 MiB}\n").await;
    let disk = Disk::mount(world.path("data"), "24m");
    disk.leave(8 << 20);
    let config = Arc::new(Config::load(&world.path("podseed.yaml")).unwrap());
    let targets: Vec<_> = config.shows.iter().map(Target::from).collect();
    let told = Arc::new(Told::default());
    let pipeline = Pipeline::open(config, Environment::new(Arc::clone(&told) as _)).await.unwrap();
    let options = PassOptions { wait: Duration::ZERO, patient: true, begin: Begin::Feeds, whole: true };
    for _ in 0..3 {
        assert_eq!(pipeline.pass(&targets, options.clone()).await.unwrap().downloaded, 0);
    }
    disk.make_room();
    assert_eq!(pipeline.pass(&targets, options.clone()).await.unwrap().downloaded, 2);
    pipeline.pass(&targets, options).await.unwrap();
    pipeline.close().await;
    let told = told.0.lock().unwrap();
    assert!(matches!(told[..], [Event::SpaceShort { .. }, Event::SpaceAgain]), "{told:?}");
}

#[tokio::test]
async fn a_disk_that_fills_up_drops_what_may_go() {
    let world = two_episodes("").await;
    let disk = Disk::mount(world.path("data"), "24m");
    world.configure("limits: {disk_free: 10 MiB}\n");
    world.run(0);
    disk.leave((10 << 20) - 200_000);
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready"; 2], "nothing goes without a rule");
    world.configure("limits: {disk_free: 10 MiB}\nkeep: {allow_last_seeder: true}\n");
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready", "withdrawn"]);
    assert_eq!(world.enclosures()[1]["error"], "limits.disk_free: there is not enough space");
    assert!(free(&world.path("data")) >= 10 << 20);
    drop(disk);
}

#[tokio::test]
async fn whatever_cannot_be_written_any_more_the_next_run_with_room_completes() {
    for left in (0..20).map(|step| step * 75_000) {
        let world = two_episodes("limits: {disk_free: 0 B}\n").await;
        world.publish(&[THREE, TWO, ONE]);
        let disk = Disk::mount(world.path("data"), "24m");
        disk.leave(left);
        let ran = world.podseed(&["run"]);
        assert!([1, 3].contains(&ran.code), "{left} left: {}: {}", ran.code, ran.stderr);
        let is_plain = ["no space is left", "the disk is full", "beyond what has to stay free"];
        assert!(is_plain.iter().any(|word| ran.stderr.contains(word)), "{left} left: {}", ran.stderr);
        assert_sound(&world).await;
        disk.make_room();
        world.run(0);
        assert_eq!(world.stage_words(), ["torrent_ready"; 3], "{left} left");
        assert_eq!(world.check_torrents(), 3, "{left} left");
        assert_sound(&world).await;
        drop(disk);
    }
}

#[tokio::test]
async fn a_site_that_cannot_be_written_stays_whole_and_follows_later() {
    let world = two_episodes("publish: {site_dir: small/site}\n").await;
    let disk = Disk::mount(world.path("small"), "8m");
    world.run(0);
    let page = || std::fs::read_to_string(world.path("small/site/show/index.html")).unwrap();
    assert!(page().contains("Two") && !page().contains("Three"));
    let before = page();
    disk.leave(8192);
    world.publish_with(FREE, &[THREE, TWO, ONE]);
    let ran = world.podseed(&["run"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("no space is left to write"), "{}", ran.stderr);
    assert_eq!(page(), before);
    assert_eq!(world.stage_words(), ["torrent_ready"; 3], "the rest goes on");
    disk.make_room();
    world.run(0);
    assert!(page().contains("Three"));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let world = two_episodes("").await;
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let ran = world.command(&["-vv", "run"]).stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert_eq!(ran.code(), Some(0));
    assert_eq!(world.check_torrents(), 2);
}

#[tokio::test]
async fn killed_on_a_full_disk_the_next_run_with_room_completes() {
    for left in [60_000, 250_000, 700_000] {
        for step in 1..4 {
            let world = two_episodes("limits: {disk_free: 0 B}\n").await;
            world.publish(&[THREE, TWO, ONE]);
            world.origin.file("/three.mp3", mp3(400_000, 3));
            let disk = Disk::mount(world.path("data"), "24m");
            disk.leave(left);
            let (mut child, lines) = world.start();
            let _ = lines.take(step).count();
            child.kill().unwrap();
            child.wait().unwrap();
            assert_sound(&world).await;
            disk.make_room();
            world.run(0);
            assert_eq!(world.stage_words(), ["torrent_ready"; 3], "{left} left, killed after step {step}");
            assert_eq!(world.check_torrents(), 3, "{left} left, killed after step {step}");
            drop(disk);
        }
    }
}
