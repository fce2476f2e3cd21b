//! `torrents.xml`, read by a validator, by other readers, and by a real qBittorrent.

use jiff::{SignedDuration, Timestamp};
use podseed::model::{InfoHashV2, InfoHashes, PublishedShow, Standing};
use podseed::publish::Options;
use podseed::publish::torrents_feed::{NEWEST, all_torrents, show_torrents};
use rss::Channel;
use rss::validation::Validate as _;
use serde_json::json;

use super::sample::{HOSTILE, episode, feedparser, file, hostile_show, options, show, time, xpath};

fn now() -> Timestamp {
    time("2026-03-05T08:00:00Z")
}

fn feed(show: &PublishedShow) -> Vec<u8> {
    show_torrents(show, &options(), None, now()).unwrap().bytes
}

fn read(feed: &[u8]) -> Channel {
    Channel::read_from(feed).unwrap()
}

#[test]
fn each_file_is_an_item_that_every_reader_understands() {
    let made = show_torrents(&show("alpha", 2), &options(), None, now()).unwrap();
    assert_eq!(made.path, "alpha/torrents.xml");
    insta::assert_snapshot!(String::from_utf8(made.bytes.clone()).unwrap());
    read(&made.bytes).validate().unwrap();
    let torrent = "https://example.org/pods/alpha/torrents/alpha%202.mp3.torrent";
    let parsed = feedparser(&made.bytes);
    assert_eq!(parsed[0], 0);
    assert_eq!(
        parsed[1][0],
        json!([
            "The alpha show: Episode 2",
            "https://show.example/2",
            "02".repeat(20),
            [torrent, "application/x-bittorrent", "12345"]
        ])
    );
}

#[test]
fn without_an_address_there_is_no_feed() {
    let nowhere = Options::default();
    assert_eq!(show_torrents(&show("alpha", 1), &nowhere, None, now()), None);
    assert_eq!(all_torrents(&[show("alpha", 1)], &nowhere, None, now()), None);
}

#[test]
fn hostile_text_stays_text() {
    let bytes = feed(&hostile_show());
    read(&bytes).validate().unwrap();
    assert!(bytes.len() < 10_000, "{} bytes", bytes.len());
    assert_eq!(xpath(&bytes, "count(//item)"), "2");
    assert_eq!(xpath(&bytes, "count(//script)"), "0");
    let title = xpath(&bytes, "string(//item/title)");
    assert!(title.contains("<script>alert(1)</script> & \"q\" ]]>") && title.ends_with("[31m"), "{title:?}");
    // Readers show descriptions as HTML.
    for of in ["channel", "item"] {
        let description = xpath(&bytes, &format!("string(//{of}/description)"));
        assert!(description.contains("&lt;script&gt;") && !description.contains('<'), "{description}");
    }
    // What is no page is not linked, above all no magnet link, which a reader would take for the torrent.
    assert_eq!(xpath(&bytes, "string(//item/link)"), "https://example.org/pods/bad/");
    assert_eq!(
        xpath(&bytes, "string(//item/enclosure/@url)"),
        "https://example.org/pods/bad/torrents/a%20%26%20b%20%3Cc%3E%20%5D%5D%3E%20%231%3F.mp3.torrent"
    );
    assert_eq!(xpath(&bytes, "count(//language)"), "0");
    assert!(HOSTILE.contains('\0') && !bytes.contains(&0) && !bytes.contains(&0x1b));
    assert_eq!(feedparser(&bytes)[0], 0);
}

#[test]
fn former_versions_are_left_out_and_official_torrents_are_said_to_be() {
    let mut show = show("alpha", 0);
    let (on, until) = (time("2026-03-03T00:00:00Z"), time("2026-04-03T00:00:00Z"));
    let with = |byte, name: &str, standing| {
        let mut file = file(name, byte);
        file.standing = standing;
        file
    };
    show.episodes = vec![
        episode(
            2,
            vec![
                with(
                    1,
                    "new.mp3",
                    Standing::Current { since: Some(time("2026-02-27T00:00:00Z")), official: None },
                ),
                with(2, "old.mp3", Standing::Revised { on, until }),
            ],
        ),
        episode(
            1,
            vec![
                with(3, "his.mp3", Standing::Official { url: "https://show.example/his.torrent".to_owned() }),
                with(4, "ours.mp3", Standing::Superseded { on, until }),
            ],
        ),
    ];
    let channel = read(&feed(&show));
    let items: Vec<_> = channel
        .items()
        .iter()
        .map(|item| (item.guid().unwrap().value().to_owned(), item.pub_date().unwrap().to_owned()))
        .collect();
    assert_eq!(
        items,
        [
            // News since the file was replaced.
            ("01".repeat(20), "Fri, 27 Feb 2026 00:00:00 +0000".to_owned()),
            ("03".repeat(20), "Sun, 1 Feb 2026 10:00:00 +0000".to_owned()),
        ]
    );
    let said = |index: usize, words: &str| channel.items()[index].description().unwrap().contains(words);
    assert!(said(1, "the publisher's own torrent") && !said(0, "publisher"));

    let official = Some("https://show.example/a&b.torrent".to_owned());
    show.episodes[0].files[0].standing = Standing::Current { since: None, official };
    let description = read(&feed(&show)).items()[0].description().unwrap().to_owned();
    assert!(
        description.contains("torrent of his own: https://show.example/a&amp;b.torrent"),
        "{description}"
    );
}

#[test]
fn titles_tell_files_and_shows_apart_in_a_list() {
    let mut show = show("alpha", 2);
    show.title = "Alpha".to_owned();
    show.episodes[0].title = "Alpha 2: more".to_owned();
    show.episodes[1].title = "Alphabet".to_owned();
    show.episodes[1].files.push(file("alpha 1.ogg", 9));
    let titles: Vec<_> =
        read(&feed(&show)).items().iter().map(|item| item.title().unwrap().to_owned()).collect();
    assert_eq!(titles, ["Alpha 2: more", "Alpha: Alphabet [alpha 1.mp3]", "Alpha: Alphabet [alpha 1.ogg]"]);
}

#[test]
fn a_date_in_the_future_and_a_missing_one_become_that_of_the_torrent() {
    let mut show = show("alpha", 2);
    show.episodes[0].date = Some(time("2099-01-01T00:00:00Z"));
    show.episodes[1].date = None;
    for item in read(&feed(&show)).items() {
        assert_eq!(item.pub_date(), Some("Sun, 1 Mar 2026 12:00:00 +0000"));
    }
}

#[test]
fn the_build_date_changes_exactly_when_the_content_does() {
    let old = show("alpha", 2);
    let first = show_torrents(&old, &options(), None, now()).unwrap();
    let date = |bytes: &[u8]| read(bytes).last_build_date().unwrap().to_owned();
    assert_eq!(date(&first.bytes), "Thu, 5 Mar 2026 08:00:00 +0000");

    let later = now() + SignedDuration::from_hours(5);
    let again = show_torrents(&old, &options(), Some(&first.bytes), later).unwrap();
    assert_eq!(again, first);

    let changed = show_torrents(&show("alpha", 3), &options(), Some(&first.bytes), later).unwrap();
    assert_eq!(date(&changed.bytes), "Thu, 5 Mar 2026 13:00:00 +0000");
    // Within one second, and with a clock that goes backwards, too.
    for now in [later, now()] {
        let back = show_torrents(&old, &options(), Some(&changed.bytes), now).unwrap();
        assert_eq!(date(&back.bytes), "Thu, 5 Mar 2026 13:00:01 +0000");
    }
    for broken in ["", "<lastBuildDate>", "<lastBuildDate>yesterday</lastBuildDate>", "\u{0}"] {
        let anew = show_torrents(&old, &options(), Some(broken.as_bytes()), now()).unwrap();
        assert_eq!(anew, first, "{broken}");
    }
}

#[test]
fn the_feed_of_all_shows_has_the_newest_of_them() {
    let mut shows = [show("alpha", 28), show("beta", 28), show("gamma", 28), show("delta", 28)];
    for (number, show) in (1..).zip(&mut shows) {
        for episode in &mut show.episodes {
            episode.files[0].info_hash = InfoHashes::V2(InfoHashV2([number; 32]));
        }
    }
    let made = all_torrents(&shows, &options(), None, now()).unwrap();
    assert_eq!(made.path, "torrents.xml");
    let channel = read(&made.bytes);
    channel.validate().unwrap();
    assert_eq!(channel.items().len(), NEWEST);
    let titles: Vec<_> = channel.items().iter().map(|item| item.title().unwrap()).collect();
    assert_eq!(
        titles[..5].join(", "),
        "The alpha show: Episode 28, The beta show: Episode 28, \
        The gamma show: Episode 28, The delta show: Episode 28, The alpha show: Episode 27"
    );
    assert_eq!(channel.items()[0].guid().unwrap().value(), "01".repeat(32));
    assert_eq!(
        xpath(&made.bytes, "string(/rss/channel/*[local-name()='link' and @rel='self']/@href)"),
        "https://example.org/pods/torrents.xml"
    );
}
