//! What stands in a page; how it looks and behaves in a browser is in `tests/pages.rs`.

use super::*;
use crate::model::{
    Basis, InfoHashV1, InfoHashes, PublishedEpisode, PublishedFile, Seeder, SourceState, Standing,
};

fn file(name: &str) -> PublishedFile {
    PublishedFile {
        name: name.to_owned(),
        url: format!("https://media.example/{name}"),
        media_type: "audio/mpeg".to_owned(),
        length: 54_321_000,
        sha256: None,
        info_hash: InfoHashes::V1(InfoHashV1([0xab; 20])),
        magnet: "magnet:?xt=urn:btih:ab".to_owned(),
        torrent_length: 1,
        published: "2026-11-01T00:00:00Z".parse().unwrap(),
        seeders: Vec::new(),
        standing: Standing::Current { since: None, official: None },
        source: SourceState::Unknown,
    }
}

fn show(episodes: usize) -> PublishedShow {
    let episode = |number: usize| PublishedEpisode {
        guid: None,
        title: format!("Episode number {number}"),
        date: Some(format!("2026-01-01T00:{:02}:{:02}Z", number / 60 % 60, number % 60).parse().unwrap()),
        link: None,
        basis: None,
        files: vec![file(&format!("{number}.mp3"))],
    };
    PublishedShow {
        slug: "show".to_owned(),
        title: "A show".to_owned(),
        link: None,
        feed: Some("https://show.example/feed.xml".to_owned()),
        description: None,
        author: None,
        language: None,
        basis: Basis::Permission("own work".to_owned()),
        cover: false,
        podcast_feed: true,
        episodes: (1..=episodes).rev().map(episode).collect(),
    }
}

fn based() -> Options {
    Options { base_url: Some("https://example.org/torrents/".parse().unwrap()), ..Options::default() }
}

fn text(file: &SiteFile) -> &str {
    std::str::from_utf8(&file.bytes).unwrap()
}

/// The newest page of a show.
fn newest(show: &PublishedShow, options: &Options) -> String {
    text(&show_pages(show, options)[0]).to_owned()
}

/// The page of a show with one file.
fn page_of(change: impl FnOnce(&mut PublishedFile)) -> String {
    let mut show = show(1);
    change(&mut show.episodes[0].files[0]);
    newest(&show, &Options::default())
}

#[test]
fn a_new_episode_changes_one_page_and_the_same_shows_give_the_same_bytes() {
    let (before, after) = (show_pages(&show(351), &based()), show_pages(&show(352), &based()));
    assert_eq!(before, show_pages(&show(351), &based()));
    let paths: Vec<_> = before.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["show/index.html", "show/page-1.html", "show/page-2.html", "show/page-3.html"]);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
    assert_eq!(changed.map(|(before, _)| before.path.as_str()).collect::<Vec<_>>(), ["show/index.html"]);
}

#[test]
fn every_episode_has_its_anchor_counted_from_the_oldest() {
    let pages = show_pages(&show(250), &based());
    for (page, number) in [(0, 250), (0, 201), (1, 1), (1, 100), (2, 101), (2, 200)] {
        let page = text(&pages[page]);
        let item = &page[page.find(&format!("<li id=\"episode-{number}\"")).unwrap()..];
        assert!(item[..200].contains(&format!("Episode number {number}\"")), "{}", &item[..200]);
    }
}

#[test]
fn without_a_base_url_nothing_speaks_of_feeds() {
    let page = newest(&show(1), &Options::default());
    let index = index_pages(&[], &Options::default());
    for file in [page.as_str(), text(&index[0]), text(&index[1])] {
        for absent in ["canonical", "rel=\"alternate\"", "torrents.xml", "podcast.xml", "opml", "RSS reader"]
        {
            assert!(!file.contains(absent), "{absent}");
        }
    }
    let paths: Vec<_> = index.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["index.html", "about.html", "about-de.html"]);
}

#[test]
fn only_the_head_names_the_base_url() {
    for file in show_pages(&show(200), &based()).into_iter().chain(index_pages(&[], &based())) {
        let text = text(&file);
        let (head, body) = text.split_once("</head>").unwrap();
        assert!(!body.contains("example.org"), "{}", file.path);
        assert_eq!(
            head.contains("<link rel=\"canonical\" href=\"https://example.org/torrents/"),
            file.path != "404.html"
        );
    }
    let page = newest(&show(1), &based());
    assert!(page.contains("rel=\"canonical\" href=\"https://example.org/torrents/show/\""));
    assert!(page.contains("type=\"application/rss+xml\" title=\"A show – Torrent feed\" href=\"https://example.org/torrents/show/torrents.xml\""));
    assert!(page.contains("<a href=\"podcast.xml\""));
    let without_feed = newest(&PublishedShow { podcast_feed: false, ..show(1) }, &based());
    assert!(!without_feed.contains("podcast.xml") && without_feed.contains("torrents.xml"));
}

#[test]
fn a_page_is_in_the_feeds_language_if_that_is_english_or_german() {
    let german = Options { language: PageLanguage::German, ..Options::default() };
    for (feed, options, expected) in [
        (Some("de-AT"), Options::default(), "de"),
        (Some("EN_us"), german.clone(), "en"),
        (Some("fr"), german.clone(), "de"),
        (Some("German"), Options::default(), "en"),
        (None, german.clone(), "de"),
    ] {
        let page = newest(&PublishedShow { language: feed.map(str::to_owned), ..show(1) }, &options);
        assert!(page.contains(&format!("<html lang=\"{expected}\">")), "{feed:?}");
        let about = if expected == options.language.as_str() {
            "about.html".to_owned()
        } else {
            format!("about-{expected}.html")
        };
        assert!(page.contains(&format!("href=\"../{about}#open\"")), "{feed:?}");
    }
    let page = newest(&PublishedShow { language: Some("fr-CA".to_owned()), ..show(1) }, &german);
    assert!(page.contains("<bdi lang=\"fr-CA\">A show</bdi>"));
    let paths: Vec<_> = index_pages(&[], &german).into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["index.html", "about-en.html", "about.html"]);
}

#[test]
fn names_are_encoded_in_links_and_stay_below_the_shows_folder() {
    let page = page_of(|file| file.name = "50% #1 \"ä\".mp3".to_owned());
    assert!(page.contains("href=\"torrents/50%25%20%231%20%22%C3%A4%22.mp3.torrent\""));
    assert!(!page.contains("href=\"media/"));
    let with_media = newest(&show(1), &Options { web_seed: true, ..Options::default() });
    assert!(with_media.contains("href=\"media/1.mp3\""));
}

#[test]
fn each_standing_says_what_it_is() {
    let day = |text: &str| format!("{text}T12:00:00Z").parse().unwrap();
    let (on, until) = (day("2026-03-01"), day("2026-03-31"));
    let magnet = "magnet:?xt=urn:btih:cd";
    for (standing, expected) in [
        (
            Standing::Current { since: Some(on), official: None },
            vec!["The publisher replaced the file. This is the new one, since 1 March 2026."],
        ),
        (
            Standing::Current { since: None, official: Some(magnet.to_owned()) },
            vec![
                "which comes first",
                "href=\"magnet:?xt=urn:btih:cd\"",
                "Publisher’s torrent",
                ">Torrent</a>",
            ],
        ),
        (
            Standing::Official { url: "https://show.example/1.torrent".to_owned() },
            vec![">Official<", "href=\"https://show.example/1.torrent\"", "Publisher’s torrent"],
        ),
        (
            Standing::Revised { on, until },
            vec![">Earlier version<", "on 1 March 2026. It is still seeded until 31 March 2026."],
        ),
        (
            Standing::Superseded { on, until },
            vec![">Earlier version<", "Since 1 March 2026 the publisher", "until 31 March 2026."],
        ),
    ] {
        let page = page_of(|file| file.standing = standing.clone());
        for expected in expected {
            assert!(page.contains(expected), "{standing:?}: no {expected}");
        }
    }
    let page = page_of(|file| file.source = SourceState::ChangesPerRequest);
    assert!(page.contains("gives each listener a file of its own"));
    assert!(!page_of(|_| {}).contains("class=\"note\""));
}

#[test]
fn who_seeds_is_said_with_the_last_day_of_a_confirmation() {
    let seeder = |client: &str, day: Option<&str>| Seeder {
        client: client.to_owned(),
        verified: day.map(|day| day.parse().unwrap()),
    };
    for (seeders, expected) in [
        (vec![], "Nobody is known to seed this"),
        (vec![seeder("watched", None)], "Handed over for seeding"),
        (vec![seeder("nas", Some("2026-11-21"))], "Seeded, confirmed on 21 November 2026"),
        (
            vec![
                seeder("nas", Some("2026-11-19")),
                seeder("watched", None),
                seeder("box", Some("2026-11-21")),
            ],
            "Seeded by 2 clients, confirmed on 21 November 2026",
        ),
    ] {
        let page = page_of(|file| file.seeders = seeders);
        assert!(page.contains(expected), "no {expected}");
    }
}

#[test]
fn a_date_that_html_cannot_write_is_left_out() {
    let mut show = show(1);
    show.episodes[0].date = Some("-000044-03-15T00:00:00Z".parse().unwrap());
    assert!(!newest(&show, &Options::default()).contains("-44"));
}

#[test]
fn the_operator_is_reached_by_link_or_mail_and_by_nothing_else() {
    for (contact, expected) in [
        ("https://example.org/contact", "<a href=\"https://example.org/contact\">"),
        ("me+podcasts@example.org", "<a href=\"mailto:me+podcasts@example.org\">"),
        ("javascript:alert(1)@example.org", "<a href=\"mailto:javascript%3Aalert%281%29@example.org\">"),
        ("javascript:alert(1)", "<bdi>javascript:alert(1)</bdi>"),
        ("phone 123", "<bdi>phone 123</bdi>"),
    ] {
        let options = Options { contact: Some(contact.to_owned()), ..Options::default() };
        let about = index_pages(&[], &options);
        assert!(text(&about[1]).contains(expected), "{contact}");
    }
}

#[test]
fn shows_are_listed_by_title_without_regard_to_case_and_accents() {
    let card = |title: &str| ShowCard {
        slug: title.to_lowercase(),
        title: title.to_owned(),
        author: None,
        language: None,
        link: None,
        cover: false,
        podcast_feed: true,
        episodes: 1,
        bytes: 1,
        newest: None,
    };
    let page = index_pages(&["bass", "Äther", "Zebra", "Chor"].map(card), &Options::default()).swap_remove(0);
    let titles: Vec<_> =
        text(&page).split("data-item=\"").skip(1).map(|item| item.split('"').next().unwrap()).collect();
    assert_eq!(titles, ["Äther", "bass", "Chor", "Zebra"]);
    assert!(!text(&page).contains("<select"), "one language needs no choice");
}
