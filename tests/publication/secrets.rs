//! What never comes to the site: credentials, what was fetched with them, and where the user has his files.

use super::{FREE, ONE, PUBLISH, TWO, a_free_show};
use crate::support::mp3;
use crate::support::world::{Item, files_below};

#[tokio::test]
async fn addresses_with_credentials_never_reach_the_site() {
    let world = a_free_show(PUBLISH).await;
    let signed = Item { guid: "g3", title: "Signed", enclosure: "/signed.mp3?token=s3cret-token" };
    world.origin.file("/signed.mp3?token=s3cret-token", mp3(300_000, 3));
    world.publish_with(FREE, &[signed, ONE]);
    world.run(0);
    assert!(world.shows_one());
    let text = world.site_text();
    assert!(!text.contains("s3cret"), "a token stands on the site");
    assert!(!text.contains("signed.mp3"), "what was fetched with a token is offered to everybody");
    assert!(!world.site().join("show/podcast.xml").exists(), "the feed with the token is passed on");
    let check = world.podseed(&["check"]);
    assert!(check.stdout.contains("no podcast.xml: an address in its feed"), "{}", check.stdout);
    assert_eq!(world.is_published(), [false, true]);
}

#[tokio::test]
async fn nothing_public_tells_where_a_local_feed_lies() {
    let world = a_free_show("").await;
    std::fs::create_dir(world.path("own")).unwrap();
    std::fs::write(world.path("own/one.mp3"), mp3(300_000, 1)).unwrap();
    let feed = "<rss version=\"2.0\"><channel><title>Mine</title><item><title>One</title><guid>g</guid>\
                <enclosure url=\"one.mp3\" type=\"audio/mpeg\" length=\"1\"/></item></channel></rss>";
    std::fs::write(world.path("own/feed.xml"), feed).unwrap();
    let (folder, path) = (world.path(""), world.path("own/feed.xml"));
    let config = format!(
        "data_dir: data\nshows:\n  show: {{feed: \"{}\", permission: own work}}\n{PUBLISH}",
        path.display()
    );
    std::fs::write(world.path("podseed.yaml"), config).unwrap();
    world.run(0);
    assert!(world.shows_one());
    let kit = world.podseed(&["report", "--kit", "kit"]);
    assert_eq!(kit.code, 0, "{}", kit.stderr);
    for root in [world.site(), world.path("kit")] {
        for file in files_below(&root) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(
                !text.contains("file:") && !text.contains(folder.to_str().unwrap()),
                "{}",
                file.display()
            );
        }
    }
}

#[tokio::test]
async fn a_link_with_a_credential_is_on_no_page_and_in_no_feed_of_ours() {
    let world = a_free_show(PUBLISH).await;
    for link in ["https://example.org/?rss_token=s3cret-token", "https://me:s3cret-token@example.org/"] {
        world.publish_with(&format!("{FREE}<link>{link}</link>"), &[ONE]);
        world.run(0);
        assert!(world.shows_one(), "{link}");
        let text = world.site_text();
        assert!(!text.contains("s3cret"), "{link} is passed on");
    }
    world.publish_with(FREE, &[ONE]);
    world.run(0);
    assert!(world.site().join("show/podcast.xml").exists());

    let by_guid = Item { guid: "https://example.org/?rss_token=s3cret-token", ..TWO };
    world.publish_with(FREE, &[by_guid, ONE]);
    world.run(0);
    let text = world.site_text();
    assert!(text.contains("two.mp3") && !text.contains("s3cret"), "the guid is passed on");
}

#[tokio::test]
async fn a_feed_behind_a_login_is_never_published() {
    let world = a_free_show("").await;
    std::fs::write(world.path("secret"), "s3cret\n").unwrap();
    let feed = world.origin.url("/feed.xml");
    let config = format!(
        "data_dir: data\nshows:\n  show: {{feed: \"{feed}\", permission: mine, auth: {{username: me, password_file: secret}}}}\n"
    );
    std::fs::write(world.path("podseed.yaml"), config).unwrap();
    world.run(0);
    assert!(!world.site().exists());
    let status = world.podseed(&["status"]);
    assert!(status.stdout.contains("not published: its feed asks for a login"), "{}", status.stdout);

    // Nor once it has left the configuration, and is named by its address or tried again.
    std::fs::write(world.path("podseed.yaml"), "data_dir: data\n").unwrap();
    world.podseed(&["run", feed.as_str()]);
    world.podseed(&["retry", "One"]);
    assert!(!world.site().exists());
}
