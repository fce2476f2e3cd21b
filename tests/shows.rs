//! Shows by the dozen: added by their address, and as lists from and to podcast apps.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::support::mp3;
use crate::support::world::{Item, Ran, World};

const ONE: Item<'_> = Item { guid: "g1", title: "One", enclosure: "/one.mp3" };

/// A world whose configuration has no show yet.
async fn empty() -> World {
    let world = World::new("").await;
    std::fs::write(world.path("podseed.yaml"), "data_dir: data\ntorrent: {web_seeds: never}\n").unwrap();
    world.publish_with("<podcast:license>cc-by-4.0</podcast:license>", &[ONE]);
    world.origin.file("/one.mp3", mp3(70_000, 1));
    world
}

fn files(world: &World) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(world.path("shows.d")) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn import(world: &World, opml: &str) -> Ran {
    std::fs::write(world.path("list.opml"), opml).unwrap();
    world.podseed(&["shows", "import", "list.opml"])
}

#[tokio::test]
async fn a_show_is_added_by_its_address_and_run_at_once() {
    let world = empty().await;
    let before = std::fs::read(world.path("podseed.yaml")).unwrap();
    let url = world.origin.url("/feed.xml").to_string();
    let dry = world.podseed(&["shows", "add", &url, "--dry-run"]);
    assert_eq!((dry.code, files(&world).len()), (0, 0), "{}", dry.stderr);

    let added = world.podseed(&["shows", "add", &url, "--json"]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    let json = added.json();
    assert_eq!((json["show"].as_str(), json["episodes"].as_u64()), (Some("a-show"), Some(1)));
    assert!(json["basis"].as_str().unwrap().contains("CC BY 4.0"), "{json}");
    assert_eq!(files(&world), ["a-show.yaml"]);
    assert_eq!(std::fs::read(world.path("podseed.yaml")).unwrap(), before, "the user's own file is his");
    assert_eq!(world.run(0)["downloaded"], 1);
    assert_eq!(world.status()["shows"][0]["show"], "a-show");

    for again in [url.clone(), url.replace("http://", "feed://")] {
        let again = world.podseed(&["shows", "add", &again]);
        assert_eq!(again.code, 1);
        assert!(again.stderr.contains("it is the show a-show in"), "{}", again.stderr);
    }
}

#[tokio::test]
async fn what_cannot_be_added_is_said_with_the_remedy_and_leaves_nothing() {
    let world = empty().await;
    world.origin.file("/page.html", "<html><body>no feed</body></html>");
    let page = world.origin.url("/page.html").to_string();
    let gone = world.origin.url("/gone.xml").to_string();
    let feed = world.origin.url("/feed.xml").to_string();
    let cases: [(&[&str], i32, &str); 6] = [
        (&[&page], 1, "is a web page, not a feed"),
        (&[&gone], 1, "404"),
        (&["https://me:hunter2@example.org/feed.xml"], 2, "auth:"),
        (&["ftp://example.org/feed.xml"], 2, "begins with https://"),
        (&[&feed, "--slug", "../x"], 2, "cannot be a show's name"),
        (&[&feed, "--latest", "0"], 2, "--latest"),
    ];
    for (arguments, code, words) in cases {
        let ran = world.podseed(&[&["shows", "add"], arguments].concat());
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(words) && !ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    assert_eq!(files(&world), [""; 0]);
}

#[tokio::test]
async fn a_feed_that_was_run_before_keeps_its_name_and_its_files() {
    let world = empty().await;
    let url = world.origin.url("/feed.xml").to_string();
    assert_eq!(world.podseed(&["run", &url]).code, 0);
    let added = world.podseed(&["shows", "add", &url, "--permission", "by \"him\": yes # really"]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert_eq!(world.run(0)["downloaded"], 0);
    assert_eq!(world.status()["shows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_hostile_title_is_a_comment_and_a_slug_and_nothing_more() {
    let world = empty().await;
    world.publish_with(
        "<title>x&#10;data_dir: /tmp&#x2028;shows: &#x1b;[2J &lt;b&gt;../../etc</title>",
        &[ONE],
    );
    let added = world.podseed(&["shows", "add", world.origin.url("/feed.xml").as_str()]);
    assert_eq!(added.code, 0, "{}", added.stderr);
    assert!(!added.stdout.contains('\u{1b}'), "{:?}", added.stdout);
    assert_eq!(files(&world).len(), 1);
    assert_eq!(world.run(0)["shows"], 1);
}

#[tokio::test]
async fn a_list_is_imported_once_and_each_line_is_answered_for() {
    let world = empty().await;
    let opml = "<?xml version='1.0' encoding='UTF-8'?>
<opml version='1.0'><body><outline text='Tech'><outline text='Deeper'>
<outline type='rss' text='Küchen Radio' xmlUrl='https://example.org/a?x=1&amp;y=2'/>
<outline type='rss' TEXT='Küchen Radio' XMLURL='itpc://example.org/b'/>
</outline></outline>
<outline type='rss' text='again' xmlUrl='http://example.org/a?x=1&amp;y=2'/>
<outline type='rss' text='login' xmlUrl='https://me:hunter2@example.org/c'/>
<outline type='link' text='page' url='javascript:alert(1)'/>
<outline type='rss' text='nothing'/>
</body></opml>";
    let first = import(&world, opml);
    assert_eq!(first.code, 3, "{}", first.stderr);
    assert_eq!(files(&world), ["kuchen-radio-2.yaml", "kuchen-radio.yaml"]);
    insta::assert_snapshot!(first.stdout, @r"
    line 3: added kuchen-radio  Küchen Radio
    line 4: added kuchen-radio-2  Küchen Radio
    line 6: known as kuchen-radio in shows.d/kuchen-radio.yaml
    line 7: skipped login: a login must not stand in an address; write the show into the configuration, with `auth: {username: ..., password_file: ...}`
    line 8: skipped page: is a link, and no feed
    line 9: skipped nothing: has no address
    2 added, 1 known, 3 skipped
    ");
    let contents = || {
        files(&world)
            .iter()
            .map(|name| std::fs::read(world.path("shows.d").join(name)).unwrap())
            .collect::<Vec<_>>()
    };
    let before = contents();
    let second = import(&world, opml);
    assert!(second.stdout.ends_with("0 added, 3 known, 3 skipped\n"), "{}", second.stdout);
    assert_eq!(contents(), before);
}

#[tokio::test]
async fn a_thousand_feeds_go_in_and_come_out_for_any_reader() {
    let world = empty().await;
    let mut opml = "<opml version=\"2.0\"><head/><body>".to_owned();
    for number in 0..1000 {
        let _ = write!(
            opml,
            "<outline type=\"rss\" text=\"Show &lt;{number}&gt; &amp; co\" xmlUrl=\"https://h{number}.test/feed?a=1&amp;b={number}\"/>"
        );
    }
    opml.push_str("</body></opml>");
    let ran = import(&world, &opml);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.ends_with("1000 added, 0 known, 0 skipped\n"));
    assert_eq!(files(&world).len(), 1000);

    let exported = world.podseed(&["shows", "export"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let list: PathBuf = world.path("exported.opml");
    std::fs::write(&list, &exported.stdout).unwrap();
    let read = Command::new("xmllint")
        .args(["--xpath", "count(//outline[@type='rss' and @text and starts-with(@xmlUrl, 'https://')])"])
        .arg(&list)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stdout).trim(), "1000");

    let other = empty().await;
    let ran = import(&other, &exported.stdout);
    assert!(ran.stdout.ends_with("1000 added, 0 known, 0 skipped\n"), "{}", ran.stdout);
    assert_eq!(other.podseed(&["shows", "export"]).stdout, exported.stdout);
}

#[tokio::test]
async fn an_export_leaves_out_what_is_for_one_listener() {
    let world = empty().await;
    std::fs::write(world.path("local.xml"), "<rss/>").unwrap();
    std::fs::write(
        world.path("podseed.yaml"),
        "data_dir: data\nshows:\n  open: {feed: https://example.org/feed}\n  local: {feed: local.xml}\n  \
         paid: {feed: \"https://example.org/feed?token=hunter2\"}\n",
    )
    .unwrap();
    let exported = world.podseed(&["shows", "export"]);
    assert_eq!(exported.code, 0);
    assert!(exported.stdout.contains("https://example.org/feed\""), "{}", exported.stdout);
    assert_eq!(exported.stdout.matches("xmlUrl").count(), 1);
    assert!(exported.stderr.contains("left out: paid") && exported.stderr.contains("left out: local"));
    assert!(!format!("{}{}", exported.stdout, exported.stderr).contains("hunter2"));
}

#[tokio::test]
async fn a_list_that_breaks_off_is_taken_as_far_as_it_goes_and_said() {
    let world = empty().await;
    let cut = "<opml><body><outline type='rss' text='A' xmlUrl='https://a.test/'/>\n<outline text='B' xmlU";
    let ran = import(&world, cut);
    assert_eq!((ran.code, files(&world)), (3, vec!["a.yaml".to_owned()]));
    assert!(ran.stderr.contains("warning: line 2: not read any further"), "{}", ran.stderr);
    let ran = import(&world, "{\"no\": \"opml\"}");
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no OPML list"), "{}", ran.stderr);
}
