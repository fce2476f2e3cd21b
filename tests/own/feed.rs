//! `podcast.xml` of own files, as other programs read it.

use std::process::Command;

use serde_json::Value;

use super::{Inbox, put};
use crate::support::mp3;

/// What feedparser reads from a feed.
fn feedparser(path: &std::path::Path) -> Value {
    let script = "import feedparser, json, sys\n\
                  d = feedparser.parse(sys.argv[1])\n\
                  assert not d.bozo, d.bozo_exception\n\
                  print(json.dumps({'feed': d.feed, 'entries': [dict(e, enclosures=[dict(l) for l in e.links if l.rel == 'enclosure']) for e in d.entries], 'namespaces': d.namespaces}, default=str))";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ffmpeg(arguments: &[&str], output: &std::path::Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-y"]).args(arguments).arg(output);
    assert!(command.status().unwrap().success());
}

#[tokio::test]
async fn the_feed_of_own_files_says_what_their_tags_say_and_leads_to_files_and_torrents() {
    let keys = "permission: own work, email: us@example.org, language: de, description: \"Was wir & andere sagen\", \
                link: \"https://example.org/show\"";
    let publish =
        |web_seed| format!("publish: {{base_url: \"https://t.example.org/\", web_seed: {web_seed}}}");
    let inbox = Inbox::new(keys, &publish(true)).await;
    let picture = inbox.world.path("red.jpg");
    ffmpeg(&["-f", "lavfi", "-i", "color=red:s=900x900", "-frames:v", "1"], &picture);
    let sound = inbox.world.path("sound.wav");
    ffmpeg(&["-f", "lavfi", "-i", "sine=frequency=440:duration=4"], &sound);
    let (sound, picture) = (sound.to_str().unwrap(), picture.to_str().unwrap());
    let tags = |title| format!("title={title}");
    let of = ["-metadata", "artist=Wir", "-metadata", "album=Die Sendung", "-metadata", "date=2026-03-04"];
    let (one, two, three) = (tags("Eins & <zwei>"), tags("Zwei"), tags("Drei"));
    let mp3_with_cover = [
        &["-i", sound, "-i", picture, "-map", "0", "-map", "1", "-metadata", &one, "-metadata", "track=7"],
        &of[..],
    ];
    ffmpeg(&mp3_with_cover.concat(), &inbox.path("eins.mp3"));
    ffmpeg(
        &[&["-i", sound, "-metadata", &two, "-metadata", "description=Worum es geht"], &of[..]].concat(),
        &inbox.path("zwei.ogg"),
    );
    ffmpeg(
        &[&["-i", sound, "-metadata", &three, "-metadata", "comment=Ein Kommentar"], &of[..]].concat(),
        &inbox.path("drei.m4a"),
    );
    put(&inbox.path("vier_ohne-Angaben.mp3"), &mp3(30_000, 4)[27..]);
    inbox.run(0);

    let path = inbox.world.path("data/site/own/podcast.xml");
    let read = feedparser(&path);
    let feed = &read["feed"];
    assert_eq!((feed["title"].as_str(), feed["author"].as_str()), (Some("Die Sendung"), Some("Wir")));
    assert_eq!(feed["link"], "https://example.org/show");
    assert_eq!(feed["language"], "de");
    assert_eq!(feed["publisher_detail"]["email"], "us@example.org");
    assert_eq!(feed["image"]["href"], "https://t.example.org/own/cover.jpg");
    assert_eq!(feed["podcast_guid"].as_str().map(str::len), Some(36));
    let cover = std::fs::read(inbox.world.path("data/site/own/cover.jpg")).unwrap();
    assert!(cover.starts_with(&[0xff, 0xd8]) && cover.len() < 100_000);

    let entry = |title: &str| {
        let entries = read["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["title"] == title).unwrap_or_else(|| panic!("{title}: {read:#}"))
    };
    let one = entry("Eins & <zwei>");
    assert_eq!(one["itunes_episode"], "7");
    assert_eq!(one["itunes_duration"], "4");
    assert!(one["published"].as_str().unwrap().contains("4 Mar 2026"), "{one}");
    let enclosure = &one["enclosures"][0];
    assert_eq!(
        (enclosure["href"].as_str(), enclosure["type"].as_str()),
        (Some("https://t.example.org/own/media/eins.mp3"), Some("audio/mpeg"))
    );
    let length = inbox.path("eins.mp3").metadata().unwrap().len().to_string();
    assert_eq!(enclosure["length"].as_str(), Some(length.as_str()));
    assert_eq!(entry("Zwei")["summary"], "Worum es geht");
    assert_eq!(entry("Drei")["summary"], "Ein Kommentar");
    assert!(entry("vier ohne Angaben")["published"].is_string());

    // Our own reader finds the torrents beside the files.
    let document = podseed::feed::read(&std::fs::read(&path).unwrap(), None, None).unwrap();
    let urls: Vec<_> =
        document.items.iter().flat_map(|item| &item.enclosures).map(|one| one.url.as_str()).collect();
    assert!(urls.contains(&"https://t.example.org/own/torrents/eins.mp3.torrent"), "{urls:?}");
    assert!(urls.iter().any(|url| url.starts_with("magnet:?xt=urn:btih:")), "{urls:?}");

    // A second time nothing is written.
    let before = std::fs::read(&path).unwrap();
    inbox.run(0);
    assert_eq!(std::fs::read(&path).unwrap(), before);

    // Without the files on the site the torrents are what an item has.
    inbox.configure(keys, &publish(false));
    inbox.run(0);
    let read = feedparser(&path);
    for entry in read["entries"].as_array().unwrap() {
        let enclosure = &entry["enclosures"][0];
        assert_eq!(enclosure["type"], "application/x-bittorrent");
        assert!(enclosure["href"].as_str().unwrap().ends_with(".torrent"), "{enclosure}");
    }
}

#[tokio::test]
async fn without_a_permission_own_files_are_not_published() {
    let inbox = Inbox::new("title: Ours", "publish: {base_url: \"https://t.example.org/\"}").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.run(0);
    assert!(!inbox.world.path("data/site/own").exists());
    let ran = inbox.podseed(&["status"]);
    assert!(ran.stdout.contains("not published"), "{}", ran.stdout);
}

#[tokio::test]
async fn check_says_on_what_ground_own_files_are_published() {
    let inbox = Inbox::new("permission: own work", "publish: {base_url: \"https://t.example.org/\"}").await;
    inbox.put("a.mp3", &mp3(5000, 1));
    inbox.run(0);
    let checked = inbox.podseed(&["check", "--offline"]).stdout;
    assert!(checked.contains("inbox.own: published: by permission: own work"), "{checked}");
    assert!(!checked.contains("site.left_over"), "{checked}");
}

#[tokio::test]
async fn what_is_shared_by_command_is_published_on_the_ground_that_an_inbox_without_a_folder_names() {
    let inbox = Inbox::new("permission: own work", "publish: {base_url: \"https://t.example.org/\"}").await;
    let config = "data_dir: data\ninbox: {talks: {title: Talks, permission: our own talks}}\n";
    std::fs::write(inbox.world.path("podseed.yaml"), config).unwrap();
    put(&inbox.world.path("talk.mp3"), &mp3(5000, 1));
    let ran = inbox.podseed(&["share", "talk.mp3", "--show", "talks"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(inbox.world.path("data/site/talks/index.html")).unwrap();
    assert!(page.contains("our own talks") && page.contains("Talks"), "{page}");
}
