//! The publisher's cover on the site: a copy of ours, as he has it now.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use super::{FREE, ONE, a_free_show};
use crate::support::world::World;

const OWN_NETWORK: &str = "limits: {allow_private_addresses: true}\n";

fn png(red: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(40, 40, image::Rgb([red, 0, 0])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The show with this cover, and another description, so that it is published again.
fn publish(world: &World, cover: Option<&str>, news: &str) {
    let image = cover.map(|path| format!("<itunes:image href=\"{}\"/>", world.origin.url(path)));
    let image = image.unwrap_or_default();
    world.publish_with(&format!("{FREE}{image}<description>{news}</description>"), &[ONE]);
}

fn red(world: &World) -> u8 {
    let bytes = std::fs::read(world.site().join("show/cover.jpg")).unwrap();
    image::load_from_memory(&bytes).unwrap().to_rgb8().get_pixel(20, 20).0[0]
}

async fn an_hour_later(world: &World) {
    let state = format!("sqlite:{}", world.path("data/state.db").display());
    let mut state = <sqlx::SqliteConnection as sqlx::Connection>::connect(&state).await.unwrap();
    sqlx::query("UPDATE shows SET cover_checked = cover_checked - 3601").execute(&mut state).await.unwrap();
    sqlx::Connection::close(state).await.unwrap();
}

#[tokio::test]
async fn a_cover_is_copied_once_and_goes_where_the_publisher_takes_it_away() {
    let world = a_free_show(OWN_NETWORK).await;
    world.origin.file("/cover.png", png(200));
    publish(&world, Some("/cover.png"), "one");
    world.run(0);
    publish(&world, Some("/cover.png"), "two");
    world.run(0);
    assert!(red(&world) > 190);
    assert_eq!(world.origin.requests_for("/cover.png").len(), 1);
    let page = || std::fs::read_to_string(world.site().join("show/index.html")).unwrap();
    assert!(page().contains("two") && page().contains("cover.jpg"));

    publish(&world, None, "three");
    world.run(0);
    assert!(page().contains("three") && !page().contains("cover.jpg"), "he has none any more");
    assert!(!world.site().join("show/cover.jpg").exists());
}

#[tokio::test]
async fn a_new_cover_that_cannot_be_had_leaves_the_old_one_and_is_not_asked_for_with_each_change() {
    let world = a_free_show(OWN_NETWORK).await;
    world.origin.file("/cover.png", png(200));
    publish(&world, Some("/cover.png"), "one");
    world.run(0);
    an_hour_later(&world).await;
    for news in ["two", "three"] {
        publish(&world, Some("/new.png"), news);
        world.run(0);
        assert!(red(&world) > 190, "{news}");
    }
    assert_eq!(world.origin.requests_for("/new.png").len(), 1);

    an_hour_later(&world).await;
    world.origin.file("/new.png", png(20));
    publish(&world, Some("/new.png"), "four");
    world.run(0);
    assert!(red(&world) < 40);
}
