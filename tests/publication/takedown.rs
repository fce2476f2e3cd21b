//! What is taken down: out of the clients, off the site, and not back again.

use std::path::PathBuf;

use podseed_adapters::Presence;
use podseed_adapters::testing::Transmission;

use super::{FREE, ONE, PUBLISH, TWO, a_free_show, presence, torrent, with_transmission};
use crate::support::mp3;
use crate::support::world::{Item, World, files_below};

#[tokio::test]
async fn what_is_taken_down_leaves_clients_and_site_and_no_poll_brings_it_back() {
    let client = Transmission::start().unwrap();
    let world = with_transmission(&client, PUBLISH, FREE).await;
    world.run(0);
    assert_eq!(world.is_published(), [true, true]);
    let one = torrent(&world, "one.mp3");

    let takedown = world.podseed(&["takedown", "One"]);
    assert_eq!(takedown.code, 0, "{}", takedown.stderr);
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    let text = world.site_text();
    assert!(!text.contains("one.mp3"), "it is still named on the site");
    assert!(text.contains("two.mp3"));
    assert!(world.path("data/media/show/one.mp3").exists(), "the data was not to be deleted");

    // The feed has changed, and the file has another name there.
    let moved = Item { enclosure: "/moved.mp3", ..ONE };
    world.origin.file("/moved.mp3", mp3(300_000, 1));
    world.publish_with(FREE, &[moved, TWO]);
    world.run(0);
    assert!(world.origin.requests_for("/moved.mp3").is_empty());
    assert!(!world.site_text().contains("One"));
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    let why = world.podseed(&["why", "One"]);
    assert!(why.stdout.contains("  site        not allowed: it was taken down"), "{}", why.stdout);

    assert_eq!(world.podseed(&["takedown", "--undo", "One"]).code, 0);
    world.run(0);
    assert!(world.site_text().contains("one.mp3"));
    assert_ne!(presence(&client, &one).await, Presence::Absent);
    assert_eq!(world.downloads("/moved.mp3"), 0, "its data was there");
}

#[tokio::test]
async fn a_whole_show_is_taken_down_with_its_data_and_with_what_it_announces_later() {
    let client = Transmission::start().unwrap();
    let world = with_transmission(&client, "", FREE).await;
    world.run(0);
    let one = torrent(&world, "one.mp3");
    let takedown = world.podseed(&["takedown", "--delete-data", "show"]);
    assert_eq!(takedown.code, 0, "{}", takedown.stderr);
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    assert_eq!(files_below(&world.path("data/media")), Vec::<PathBuf>::new());
    assert!(!world.site_text().contains("A show"));

    world.origin.file("/three.mp3", mp3(300_000, 3));
    world.publish_with(FREE, &[Item { guid: "g3", title: "Three", enclosure: "/three.mp3" }, TWO, ONE]);
    world.run(0);
    assert!(world.origin.requests_for("/three.mp3").is_empty());

    let undo = world.podseed(&["takedown", "--undo", "One"]);
    assert_eq!(undo.code, 2, "one episode of a show that is taken down: {}", undo.stderr);
    assert!(undo.stderr.contains("podseed takedown --undo show"), "{}", undo.stderr);
    assert_eq!(world.podseed(&["takedown", "--undo", "show"]).code, 0);
    world.run(0);
    assert_eq!(world.is_published(), [true, true, true]);
}

#[tokio::test]
async fn a_client_that_is_down_lets_go_later_and_the_data_waits_for_it() {
    let mut client = Transmission::start().unwrap();
    let world = with_transmission(&client, "", FREE).await;
    world.run(0);
    let one = torrent(&world, "one.mp3");
    client.stop();
    let takedown = world.podseed(&["takedown", "--delete-data", "One"]);
    assert_eq!(takedown.code, 3, "{}", takedown.stderr);
    assert!(!world.site_text().contains("one.mp3"), "the site does not wait");
    assert!(world.path("data/media/show/one.mp3").exists(), "the client still has it");
    client.start_again().unwrap();
    world.run(0);
    assert_eq!(presence(&client, &one).await, Presence::Absent);
    assert!(!world.path("data/media/show/one.mp3").exists());
}

#[tokio::test]
async fn of_a_watched_folder_nobody_claims_that_its_client_has_let_go() {
    let clients = "clients: {rt: {watch_dir: {path: watch, data: downloads, client: rtorrent}}}\n";
    let world = a_free_show(clients).await;
    std::fs::create_dir(world.path("watch")).unwrap();
    std::fs::create_dir(world.path("downloads")).unwrap();
    world.run_as_text();
    let takedown = world.podseed(&["takedown", "--delete-data", "One"]);
    assert_eq!(takedown.code, 0, "{}", takedown.stderr);
    assert!(takedown.stderr.contains("remove it in the client itself"), "{}", takedown.stderr);
    assert!(!takedown.stderr.contains("taken out of rt"), "{}", takedown.stderr);
    assert_eq!(files_below(&world.path("watch")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn check_names_a_show_whose_permission_is_gone_with_it_from_the_configuration() {
    let world = World::new("").await;
    let config = |shows: &str| {
        let text = format!("data_dir: data\nshows:\n  other: {{feed: none.xml}}\n{shows}");
        std::fs::write(world.path("podseed.yaml"), text).unwrap();
    };
    let checked = || world.podseed(&["check"]).stdout;
    std::fs::write(
        world.path("none.xml"),
        "<rss version=\"2.0\"><channel><title>None</title></channel></rss>",
    )
    .unwrap();
    world.publish(&[ONE]);
    world.origin.file("/one.mp3", mp3(300_000, 1));
    let feed = world.origin.url("/feed.xml");
    config(&format!("  show: {{feed: \"{feed}\", permission: by letter}}\n"));
    world.run(0);
    assert!(world.shows_one());
    assert!(!checked().contains("site.left_over"), "{}", checked());
    config("");
    world.run(0);
    assert!(checked().contains("podseed takedown show"), "{}", checked());
    assert_eq!(world.podseed(&["takedown", "show"]).code, 0);
    assert!(!checked().contains("site.left_over"), "{}", checked());
}
