//! The first publication: what it costs, and that it is the only one.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use sqlx::{Connection as _, SqliteConnection};

use super::{FREE, ONE, PUBLISH, a_free_show};
use crate::support::mp3;
use crate::support::world::{Item, World};

/// Every torrent is written again for the site, with a web seed in it.
const WITH_MEDIA: &str = "torrent: {web_seeds: never}\n\
    publish: {base_url: \"https://torrents.example.org/\", web_seed: true, site_dir: homepage}\n";

/// How many statements a run makes that does nothing but publish so many files for the first time.
async fn statements_for(files: u64) -> usize {
    let world = a_free_show(WITH_MEDIA).await;
    let paths: Vec<_> = (0..files).map(|file| format!("/{file}.mp3")).collect();
    for (seed, path) in (0..).zip(&paths) {
        world.origin.file(path, mp3(20_000, seed));
    }
    let items = paths.iter().map(|path| Item { guid: path, title: path, enclosure: path });
    world.publish_with(FREE, &items.collect::<Vec<_>>());
    std::fs::create_dir(world.path("homepage")).unwrap();
    std::fs::write(world.path("homepage/index.html"), "somebody's own").unwrap();
    assert_eq!(world.run(3)["torrents_made"], files);

    std::fs::remove_file(world.path("homepage/index.html")).unwrap();
    let run = world.command(&["run", "--due"]).env("PODSEED_LOG", "sqlx::query=debug").output().unwrap();
    assert_eq!(std::fs::read_dir(world.path("homepage/show/media")).unwrap().count() as u64, files);
    String::from_utf8(run.stderr).unwrap().matches("sqlx::query").count()
}

#[tokio::test]
async fn the_first_publication_makes_no_more_statements_for_more_files() {
    let (few, many) = (statements_for(3).await, statements_for(24).await);
    assert!(few > 10, "nothing was counted: {few}");
    // Workers that find nothing to do may look once more or less. One statement for each file would be 21 more.
    assert!(many < few + 11, "{few} for 3 files, {many} for 24");
}

/// How often the shows are due to be published.
async fn due(world: &World) -> i64 {
    let state = format!("sqlite:{}", world.path("data/state.db").display());
    let mut state = SqliteConnection::connect(&state).await.unwrap();
    let due = sqlx::query_scalar("SELECT SUM(publish_due) FROM shows").fetch_one(&mut state).await.unwrap();
    state.close().await.unwrap();
    due
}

#[tokio::test]
async fn what_is_made_for_the_site_does_not_make_it_due_once_more() {
    let world = World::new("limits: {allow_private_addresses: true}\n").await;
    let mut cover = Cursor::new(Vec::new());
    RgbImage::new(40, 40).write_to(&mut cover, ImageFormat::Png).unwrap();
    world.origin.file("/cover.png", cover.into_inner());
    world.origin.file("/one.mp3", mp3(300_000, 1));
    let image = format!("<itunes:image href=\"{}\"/>", world.origin.url("/cover.png"));
    world.publish_with(&image, &[ONE]);
    world.run(0);
    assert!(!world.site().exists(), "there is no ground yet");

    // Now come a cover, a checksum, and a web seed.
    world.configure(&format!(
        "limits: {{allow_private_addresses: true}}\n{}",
        PUBLISH.replace("{base", "{web_seed: true, base")
    ));
    world.publish_with(&format!("{FREE}{image}"), &[ONE]);
    world.run(0);
    let catalogue = std::fs::read_to_string(world.site().join("show/catalog.json")).unwrap();
    assert!(catalogue.contains("sha256") && catalogue.contains("&ws=https"), "{catalogue}");
    assert!(world.site().join("show/cover.jpg").exists());
    assert_eq!(due(&world).await, 0);
}
