//! Shows with everything that a feed may bring.

use std::process::{Command, Stdio};

use jiff::Timestamp;
use podseed::model::{
    Basis, InfoHashV1, InfoHashes, PublishedEpisode, PublishedFile, PublishedShow, Seeder, SourceState,
    Standing,
};
use podseed::publish::Options;

/// Text that is not harmless anywhere.
pub(crate) const HOSTILE: &str =
    "<script>alert(1)</script> & \"q\" ]]> &lt;b&gt; \u{202e}evil\u{0}\u{1b}[31m\u{fffe}";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn options() -> Options {
    Options { base_url: Some("https://example.org/pods/".parse().unwrap()), ..Options::default() }
}

/// A file whose info hash is made of one byte.
pub(crate) fn file(name: &str, byte: u8) -> PublishedFile {
    PublishedFile {
        name: name.to_owned(),
        url: format!("https://media.example/{}", name.replace(' ', "%20")),
        media_type: "audio/mpeg".to_owned(),
        length: 40_000_000,
        sha256: Some([byte; 32]),
        info_hash: InfoHashes::V1(InfoHashV1([byte; 20])),
        magnet: format!("magnet:?xt=urn:btih:{}&dn={name}", InfoHashV1([byte; 20])),
        torrent_length: 12_345,
        published: time("2026-03-01T12:00:00Z"),
        seeders: vec![Seeder { client: "nas".to_owned(), verified: Some("2026-03-02".parse().unwrap()) }],
        standing: Standing::Current { since: None, official: None },
        source: SourceState::Stable,
    }
}

/// An episode with the number as guid and day of February.
pub(crate) fn episode(number: u8, files: Vec<PublishedFile>) -> PublishedEpisode {
    PublishedEpisode {
        guid: Some(format!("guid-{number}")),
        title: format!("Episode {number}"),
        date: Some(time(&format!("2026-02-{number:02}T10:00:00Z"))),
        link: Some(format!("https://show.example/{number}")),
        basis: None,
        files,
    }
}

/// A show with episodes 1 to `episodes`, one file each.
pub(crate) fn show(slug: &str, episodes: u8) -> PublishedShow {
    PublishedShow {
        slug: slug.to_owned(),
        title: format!("The {slug} show"),
        link: Some("https://show.example/".to_owned()),
        feed: Some("https://show.example/feed.xml".to_owned()),
        description: Some("About things.".to_owned()),
        author: Some("Somebody".to_owned()),
        language: Some("en".to_owned()),
        basis: Basis::Licence { name: "CC BY 4.0".to_owned(), url: None },
        cover: false,
        podcast_feed: true,
        episodes: (1..=episodes)
            .rev()
            .map(|number| episode(number, vec![file(&format!("{slug} {number}.mp3"), number)]))
            .collect(),
    }
}

/// A show in which all that a feed can fill is hostile.
pub(crate) fn hostile_show() -> PublishedShow {
    let mut show = show("bad", 2);
    show.title = HOSTILE.to_owned();
    show.description = Some(HOSTILE.repeat(20_000));
    show.author = Some(HOSTILE.to_owned());
    show.language = Some("\"><script>".to_owned());
    show.link = Some("javascript:alert(1)".to_owned());
    show.basis = Basis::Licence { name: HOSTILE.to_owned(), url: Some("data:text/html,x".to_owned()) };
    for episode in &mut show.episodes {
        episode.title = HOSTILE.to_owned();
        episode.link = Some("magnet:?xt=urn:btih:0000000000000000000000000000000000000000".to_owned());
        episode.guid = Some(HOSTILE.to_owned());
    }
    show.episodes[0].files[0].name = "a & b <c> ]]> #1?.mp3".to_owned();
    show
}

/// Lets xmllint read a document, and gives what it has at an XPath.
pub(crate) fn xpath(document: &[u8], path: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document).unwrap();
    let output = Command::new("xmllint")
        .args(["--nonet", "--xpath", path])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .expect("this test needs xmllint (Debian: libxml2-utils)");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "xmllint {path}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

/// What Python's feedparser reads in a document: `[bozo, [[title, link, id, enclosure's href, type, length], ...]]`.
pub(crate) fn feedparser(document: &[u8]) -> serde_json::Value {
    const SCRIPT: &str = "import feedparser, json, sys\n\
        feed = feedparser.parse(sys.argv[1])\n\
        items = [[e.title, e.link, e.id, *[[x.href, x.type, x.length] for x in e.enclosures]] for e in feed.entries]\n\
        print(json.dumps([int(feed.bozo), items]))";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), document).unwrap();
    let output = Command::new("/usr/bin/python3")
        .args(["-c", SCRIPT])
        .arg(file.path())
        .output()
        .expect("this test needs /usr/bin/python3 with feedparser (Debian: python3-feedparser)");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("feedparser: {error}: {}", String::from_utf8_lossy(&output.stderr)))
}
