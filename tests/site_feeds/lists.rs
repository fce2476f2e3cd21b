//! OPML, the plain list, the sitemap, and `robots.txt`.

use podseed::model::PageLanguage;
use podseed::publish::{Options, listing, opml};

use super::sample::{hostile_show, options, show, xpath};

fn text(file: &podseed::publish::SiteFile) -> String {
    String::from_utf8(file.bytes.clone()).unwrap()
}

#[test]
fn the_opml_has_every_feed_of_the_site() {
    let shows = [show("alpha", 1).card(), show("beta", 1).card()];
    let made = opml::feeds(&shows, &options()).unwrap();
    assert_eq!(made.path, "feeds.opml");
    assert_eq!(xpath(&made.bytes, "string(/opml/@version)"), "2.0");
    let urls = xpath(&made.bytes, "//outline[@type='rss' and @text]/@xmlUrl");
    let urls: Vec<_> = urls.split('"').filter(|part| part.starts_with("http")).collect();
    assert_eq!(
        urls,
        [
            "https://example.org/pods/torrents.xml",
            "https://example.org/pods/alpha/torrents.xml",
            "https://example.org/pods/beta/torrents.xml",
            "https://example.org/pods/alpha/podcast.xml",
            "https://example.org/pods/beta/podcast.xml",
        ]
    );
    assert_eq!(
        xpath(&made.bytes, "string(//outline[5]/@text | //outline[2]/outline[1]/@text)"),
        "The alpha show"
    );
    let german = Options { language: PageLanguage::German, ..options() };
    assert!(text(&opml::feeds(&shows, &german).unwrap()).contains("Torrent-Feeds"));
    assert_eq!(opml::feeds(&shows, &Options::default()), None);
}

#[test]
fn a_hostile_title_stays_an_attribute() {
    let made = opml::feeds(&[hostile_show().card()], &options()).unwrap();
    assert_eq!(xpath(&made.bytes, "count(//outline)"), "5");
    assert!(
        xpath(&made.bytes, "string(//outline[2]/outline/@text)")
            .starts_with("<script>alert(1)</script> & \"q\"")
    );
}

#[test]
fn the_plain_list_has_an_address_for_each_torrent() {
    let all = [("alpha", "a.mp3"), ("beta", "b.mp3")];
    let list = listing::all_torrents(all, &options());
    assert_eq!(
        (list.path.as_str(), text(&list).as_str()),
        (
            "torrents.txt",
            "https://example.org/pods/alpha/torrents/a.mp3.torrent\nhttps://example.org/pods/beta/torrents/b.mp3.torrent\n",
        )
    );
    assert_eq!(
        text(&listing::all_torrents(all, &Options::default())),
        "alpha/torrents/a.mp3.torrent\nbeta/torrents/b.mp3.torrent\n"
    );
}

#[test]
fn where_each_show_has_a_list_of_its_own_the_list_of_all_names_these() {
    let large = Options { lists_by_show: true, ..options() };
    let list = listing::show_torrents(&show("alpha", 2), &large).unwrap();
    let addresses: Vec<_> = text(&list).lines().map(str::to_owned).collect();
    assert_eq!(list.path, "alpha/torrents.txt");
    assert_eq!(addresses.len(), 2);
    assert!(addresses[0].starts_with("https://example.org/pods/alpha/torrents/"), "{addresses:?}");
    let all = listing::torrent_lists(["alpha", "ä"], &large);
    assert_eq!(
        (all.path.as_str(), text(&all).as_str()),
        (
            "torrents.txt",
            "https://example.org/pods/alpha/torrents.txt\nhttps://example.org/pods/%C3%A4/torrents.txt\n"
        )
    );
    // Relative addresses hold for the list that they stand in.
    let relative = Options { base_url: None, ..large };
    let list = listing::show_torrents(&show("alpha", 1), &relative).unwrap();
    assert!(text(&list).starts_with("torrents/"), "{}", text(&list));
    assert!(text(&listing::torrent_lists(["alpha"], &relative)).starts_with("alpha/torrents.txt\n"));
    assert_eq!(listing::show_torrents(&show("alpha", 1), &options()), None);
}

#[test]
fn the_sitemap_has_the_pages_and_is_divided_before_it_is_too_long() {
    let small = listing::sitemap(["alpha", "ä"], &options());
    assert_eq!(small.len(), 1);
    assert_eq!(
        xpath(&small[0].bytes, "//*[local-name()='url']/*[local-name()='loc']/text()"),
        "https://example.org/pods/\nhttps://example.org/pods/alpha/\nhttps://example.org/pods/%C3%A4/"
    );
    let slugs: Vec<String> = (0..100_000).map(|number| format!("show-{number}")).collect();
    let large = listing::sitemap(slugs.iter().map(String::as_str), &options());
    let paths: Vec<_> = large.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["sitemap.xml", "sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml"]);
    assert_eq!(
        xpath(&large[0].bytes, "/*[local-name()='sitemapindex']/*[local-name()='sitemap'][3]/*/text()"),
        "https://example.org/pods/sitemap-3.xml"
    );
    let counts = [1, 2, 3].map(|index: usize| xpath(&large[index].bytes, "count(//*[local-name()='loc'])"));
    assert_eq!(counts, ["50000", "50000", "1"]);
    assert_eq!(listing::sitemap(["alpha"], &Options::default()), []);
}

#[test]
fn robots_are_let_in_and_shown_the_sitemap() {
    let robots = listing::robots(&options());
    assert_eq!(text(&robots), "User-agent: *\nAllow: /\nSitemap: https://example.org/pods/sitemap.xml\n");
    assert_eq!(text(&listing::robots(&Options::default())), "User-agent: *\nAllow: /\n");
}
