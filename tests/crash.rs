//! The process may die anywhere: it is killed after every step that it tells of, and the next run goes on as if
//! nothing had happened.

use serde_json::Value;

use crate::support::world::{Item, World};
use crate::support::{Fault, mp3};

const LENGTH: usize = 1_200_000;
const PATHS: [&str; 3] = ["/1.mp3", "/2.mp3", "/3.mp3"];

async fn three_episodes(watched: &str) -> World {
    let world = World::new("").await;
    std::fs::create_dir(world.path("watch")).unwrap();
    std::fs::create_dir(world.path("downloads")).unwrap();
    world.configure(watched);
    let items = PATHS.map(|path| Item { guid: path, title: path, enclosure: path });
    world.publish(&items);
    for (seed, path) in (1..).zip(PATHS) {
        world.origin.file(path, mp3(LENGTH, seed));
    }
    world
}

const WATCHED: &str = "clients:\n  rt: {watch_dir: {path: watch, data: downloads, client: rtorrent}}\n";

/// What has to be the same however often the process died.
fn outcome(world: &World) -> Vec<Value> {
    let mut outcome = world.enclosures();
    for enclosure in &mut outcome {
        let enclosure = enclosure.as_object_mut().unwrap();
        enclosure
            .retain(|key, _| ["stage", "file", "torrent", "info_hash", "placements"].contains(&key.as_str()));
    }
    outcome
}

#[tokio::test]
async fn killed_after_any_step_the_next_run_completes_and_asks_for_no_byte_twice() {
    let undisturbed = three_episodes(WATCHED).await;
    undisturbed.run(0);
    let expected = outcome(&undisturbed);
    let world = three_episodes(WATCHED).await;
    let (mut child, lines) = world.start();
    let steps = lines.count();
    child.wait().unwrap();
    assert!(steps > 9, "{steps}");

    for step in 1..=steps {
        let world = three_episodes(WATCHED).await;
        let (mut child, lines) = world.start();
        let told: Vec<String> = lines.take(step).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        world.run(0);
        assert_eq!(outcome(&world), expected, "killed after step {step}");
        assert_eq!(world.check_torrents(), PATHS.len());
        for path in PATHS {
            // What was on its way when the process died is lost; what had arrived is never asked for again.
            let had_arrived =
                told.iter().any(|line| line.starts_with(&format!("show: fetched {}", &path[1..])));
            let requests = world.origin.requests_for(path).len();
            assert!(
                requests <= if had_arrived { 1 } else { 2 },
                "killed after step {step}: {path}: {requests}"
            );
        }
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_a_transfer_it_goes_on_where_the_bytes_on_disk_end() {
    let world = three_episodes("").await;
    let arrived = 1 << 20;
    world.origin.fault("/2.mp3", Fault::HangAfter(arrived));
    let (mut child, mut lines) = world.start();
    // The others are done, and the second hangs with all of its bytes received and written.
    assert!(lines.by_ref().filter(|line| line.contains(": made ")).nth(1).is_some());
    let partial = world.path("data/media/show/.partial");
    let written = || {
        let parts = std::fs::read_dir(&partial).into_iter().flatten().flatten();
        parts
            .filter(|part| part.path().extension().is_none())
            .map(|part| part.metadata().unwrap().len())
            .max()
    };
    while written() != Some(arrived as u64) {
        assert!(child.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    world.run(0);
    assert_eq!(world.check_torrents(), PATHS.len());
    let requests = world.origin.requests_for("/2.mp3");
    assert_eq!(requests[1].range(), Some(format!("bytes={arrived}-").as_str()));
    assert_eq!(world.origin.bytes_served("/2.mp3"), LENGTH as u64);
}

#[tokio::test]
async fn a_termination_signal_ends_the_run_at_a_safe_point() {
    let world = three_episodes("").await;
    world.origin.fault("/1.mp3", Fault::HangAfter(300_000));
    let (mut child, mut lines) = world.start();
    assert!(lines.by_ref().filter(|line| line.contains(": made ")).nth(1).is_some());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(lines.any(|line| line.starts_with("stopping")));
    assert_eq!(child.wait().unwrap().code(), Some(3), "a pass that was stopped is not done");
    assert_eq!(world.run(0)["downloaded"], 1);
    assert_eq!(world.origin.bytes_served("/1.mp3"), LENGTH as u64);
}
