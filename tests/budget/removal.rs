//! What stands between the mark and the deletion: clients that are away, that cannot be told, that had it before; and
//! the end of the process at any point.

use podseed_adapters::Presence;
use podseed_adapters::testing::Transmission;

use super::{FREE, NEWEST, ONE, THREE, TWO, client_lines, presence, two_episodes, two_seeded};
use crate::support::world::{Item, World, files_below};
use crate::support::{Fault, mp3};

#[tokio::test]
async fn a_client_that_is_away_keeps_the_data_until_it_has_let_go() {
    let mut client = Transmission::start().unwrap();
    let world = two_seeded(&client, NEWEST).await;
    let one = world.torrent_named("one.mp3");
    client.stop();
    for _ in 0..2 {
        assert_eq!(world.podseed(&["run", "--wait", "1 s"]).code, 3);
        assert_eq!(world.has_data("one.mp3"), [true, true]);
        assert!(!world.is_on_site("one.mp3"), "the site does not wait");
    }
    let why = world.podseed(&["why", "One"]).stdout;
    assert_eq!(why.matches("not kept any more").count(), 1, "{why}");
    client.start_again().unwrap();
    world.run(0);
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    assert_eq!(world.has_data("one.mp3"), [false, false]);
}

#[tokio::test]
async fn killed_after_any_step_the_next_run_ends_where_an_undisturbed_one_does() {
    let client = Transmission::start().unwrap();
    let world = two_seeded(&client, NEWEST).await;
    let (mut child, lines) = world.start();
    let steps = lines.count();
    child.wait().unwrap();
    assert!(steps > 2, "{steps}");
    for step in 1..=steps {
        let client = Transmission::start().unwrap();
        let world = two_seeded(&client, NEWEST).await;
        let one = world.torrent_named("one.mp3");
        let (mut child, lines) = world.start();
        let _ = lines.take(step).count();
        child.kill().unwrap();
        child.wait().unwrap();
        world.run(0);
        assert_eq!(presence(&client, &one).await, Presence::Absent, "killed after step {step}");
        assert_eq!(world.has_data("one.mp3"), [false, false], "killed after step {step}");
        assert_eq!(world.stage_words(), ["seeding", "withdrawn"], "killed after step {step}");
        assert_eq!([world.is_on_site("one.mp3"), world.is_on_site("two.mp3")], [false, true]);
        assert_eq!(world.origin.requests_for("/one.mp3").len(), 1, "killed after step {step}");
    }
}

#[tokio::test]
async fn what_a_watched_folders_client_was_given_stays_and_check_says_why() {
    let clients = "clients: {rt: {watch_dir: {path: watch, data: downloads, client: rtorrent}}}\n";
    let world = two_episodes("").await;
    std::fs::create_dir(world.path("watch")).unwrap();
    std::fs::create_dir(world.path("downloads")).unwrap();
    world.configure(clients);
    world.run(0);
    world.configure(&format!("{clients}{NEWEST}"));
    world.run(0);
    assert_eq!(world.stage_words(), ["handed_over", "handed_over"]);
    assert_eq!(world.has_data("one.mp3"), [true, true]);
    let (id, text) = &world.keep_findings()[0];
    assert_eq!(id, "keep.unreachable");
    assert!(text.contains("rt only watches a folder, and cannot be told to let go"), "{text}");
}

#[tokio::test]
async fn what_a_client_had_before_podseed_stays_there_with_its_data() {
    let client = Transmission::start().unwrap();
    let world = two_seeded(&client, NEWEST).await;
    // As it is when the user had added it himself.
    world.change_state("UPDATE placements SET added = FALSE").await;
    let one = world.torrent_named("one.mp3");
    world.run(0);
    assert_ne!(presence(&client, &one).await, Presence::Absent);
    assert_eq!(world.has_data("one.mp3"), [true, true]);
    assert!(world.keep_findings()[0].1.contains("tr had it before podseed"), "{:?}", world.keep_findings());
}

#[tokio::test]
async fn what_a_client_has_that_left_the_configuration_stays() {
    let client = Transmission::start().unwrap();
    let world = two_seeded(&client, "").await;
    world.configure(NEWEST);
    world.run(0);
    assert_eq!(world.has_data("one.mp3"), [true, true]);
    let text = &world.keep_findings()[0].1;
    assert!(text.contains("tr has it and is not in the configuration"), "{text}");
    // The user takes it down; that needs no more asking.
    assert_eq!(world.podseed(&["takedown", "--delete-data", "One"]).code, 0);
    assert_eq!(world.has_data("one.mp3"), [false, false]);
}

#[tokio::test]
async fn what_the_user_has_put_in_the_place_of_a_file_is_not_deleted() {
    let world = two_episodes("").await;
    world.run(0);
    let path = world.path("data/media/show/one.mp3");
    std::fs::write(&path, b"something else").unwrap();
    world.configure(NEWEST);
    world.run(0);
    assert_eq!(world.stage_words(), ["torrent_ready", "withdrawn"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"something else");
}

#[tokio::test]
async fn a_former_version_goes_off_the_disk_when_its_time_is_over_and_not_before() {
    let client = Transmission::start().unwrap();
    let clients = client_lines(&client);
    let torrent = "torrent: {web_seeds: never, keep_replaced: 30 days}\n";
    let world = two_episodes(&format!("{clients}{torrent}")).await;
    world.run(0);
    let moved = Item { enclosure: "/cdn/one.mp3", ..ONE };
    world.origin.file("/cdn/one.mp3", mp3(LENGTH_NOW, 9));
    world.publish_with(FREE, &[TWO, moved]);
    world.run(0);
    let names = || -> Vec<String> {
        let files = files_below(&world.path("data/media/show")).into_iter();
        files.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names().len(), 3, "{:?}", names());
    world.configure(&format!("{clients}{torrent}keep: {{latest: 5}}\n"));
    world.run(0);
    assert_eq!(names().len(), 3, "its time is not over");
    world.change_state("UPDATE enclosures SET replaced = replaced - 40 * 86400").await;
    world.run(0);
    world.run(0);
    assert_eq!(names().len(), 2, "{:?}", names());
    assert!(world.path("data/media/show/two.mp3").exists());
    assert_eq!(world.stage_words().iter().filter(|stage| *stage == "seeding").count(), 2);
}

const LENGTH_NOW: usize = 350_000;

#[tokio::test]
async fn unfinished_files_that_nobody_needs_go_and_others_stay() {
    let world = two_episodes("").await;
    world.publish(&[THREE, TWO, ONE]);
    world.origin.file("/three.mp3", mp3(5_000_000, 3));
    world.origin.fault("/three.mp3", Fault::CutAfter(2_000_000));
    for _ in 0..2 {
        world.origin.fault("/three.mp3", Fault::Status(503, Vec::new()));
    }
    assert_eq!(world.run(3)["downloaded"], 2);
    let partial = |world: &World| files_below(&world.path("data/media/show/.partial"));
    assert_eq!(partial(&world).len(), 2, "what is needed stays, with its record");
    std::fs::write(world.path("data/media/show/.partial/readme"), "mine").unwrap();
    std::fs::write(world.path("data/media/show/.partial/4711"), "unknown").unwrap();
    assert_eq!(world.podseed(&["takedown", "Three"]).code, 0);
    world.run(0);
    let left: Vec<_> = partial(&world).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(left, ["4711", "readme"]);
}

#[tokio::test]
async fn a_show_that_was_taken_down_keeps_no_copy_of_its_feed() {
    let world = two_episodes("").await;
    world.run(0);
    let copy = world.path("data/cache/show/feed");
    assert!(copy.exists());
    assert_eq!(world.podseed(&["takedown", "show"]).code, 0);
    world.run(0);
    assert!(!copy.exists());
    assert_eq!(world.podseed(&["takedown", "--undo", "show"]).code, 0);
    world.run(0);
    assert!(copy.exists());
}
