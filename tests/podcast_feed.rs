//! `podcast.xml`: the publisher's feeds with our additions, read again by our reader, by feedparser, by expat and
//! by libxml2. The feeds are those of `tests/feeds`, and of the folder that `PODSEED_FEEDS` names.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use podseed::feed::{self, Additions, Alternate};
use podseed::model::{Enclosure, Feed, Item, Role};
use serde::Deserialize;
use url::Url;

use crate::feeds::{Dice, mutate};

const COPY: &str = "https://mirror.test/shows/podcast.xml";

/// A feed and what became of it.
struct Pair {
    name: String,
    base: Url,
    before: Vec<u8>,
    after: Vec<u8>,
    read: Feed,
    additions: Additions,
}

fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds");
    std::env::var_os("PODSEED_FEEDS").map(PathBuf::from).into_iter().chain([own]).collect()
}

/// The feeds that can be read, by name, each once.
fn documents() -> BTreeMap<String, (Url, Vec<u8>)> {
    #[derive(Deserialize)]
    struct Expectation {
        feed_url: Option<Url>,
    }
    let mut documents = BTreeMap::new();
    for folder in folders() {
        let text = fs::read_to_string(folder.join("expected.json")).unwrap();
        let expectations: BTreeMap<String, Expectation> = serde_json::from_str(&text).unwrap();
        for (file, expectation) in expectations {
            let bytes = fs::read(folder.join(&file)).unwrap();
            let somewhere = Url::parse("https://publisher.test/feeds/show.xml").unwrap();
            documents.insert(file, (expectation.feed_url.unwrap_or(somewhere), bytes));
        }
    }
    documents
}

fn is_ours(url: &str) -> bool {
    url.starts_with("https://mirror.test/") || url.contains("&x.mirror=")
}

/// One alternate for each file that the feed announces, each with an info hash of its own.
fn additions(feed: &Feed) -> Additions {
    let announced = feed.items.iter().flat_map(|item| &item.enclosures);
    let announced = announced.filter(|enclosure| enclosure.role != Role::Alternate);
    let mut alternates: HashMap<String, Vec<Alternate>> = HashMap::new();
    for (number, enclosure) in announced.enumerate() {
        let alternate = Alternate {
            media_type: "audio/mpeg".to_owned(),
            length: 1 + number as u64,
            torrent: format!("https://mirror.test/torrents/{number}.torrent"),
            magnet: format!("magnet:?xt=urn:btih:{number:040x}&x.mirror=1"),
            sha256: Some([7; 32]),
            default: true,
        };
        alternates.entry(enclosure.url.clone()).or_insert_with(|| vec![alternate]);
    }
    Additions { address: COPY.to_owned(), alternates, ..Additions::default() }
}

/// Made once for all tests.
static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(pairs);

fn pairs() -> Vec<Pair> {
    let pair = |(name, (base, before)): (String, (Url, Vec<u8>))| {
        let read = feed::read(&before, None, Some(&base)).ok()?;
        let additions = additions(&read);
        let after = feed::annotate(&before, None, Some(&base), &additions).unwrap();
        Some(Pair { name, base, before, after, read, additions })
    };
    documents().into_iter().filter_map(pair).collect()
}

/// An item as it was before the additions.
fn without_ours(item: &Item) -> Item {
    let is_theirs = |enclosure: &&Enclosure| !is_ours(&enclosure.url);
    Item { enclosures: item.enclosures.iter().filter(is_theirs).cloned().collect(), ..item.clone() }
}

#[test]
fn our_reader_sees_the_same_items_and_the_additions() {
    let pairs = &*PAIRS;
    assert!(pairs.len() >= 25);
    for Pair { name, read, after, additions, .. } in pairs {
        let again = feed::read(after, None, Some(&Url::parse(COPY).unwrap())).unwrap();
        assert_eq!(again.items.len(), read.items.len(), "{name}");
        for (again, read) in again.items.iter().zip(&read.items) {
            assert_eq!(without_ours(again), *read, "{name}");
        }
        for (number, item) in read.items.iter().enumerate() {
            for enclosure in &item.enclosures {
                for alternate in additions.alternates.get(&enclosure.url).into_iter().flatten() {
                    let mut added = again.items[number].enclosures.iter();
                    let found = added.any(|added| added.url == alternate.torrent);
                    assert!(found, "{name}: nothing was added to {}", enclosure.url);
                }
            }
        }
        let (items, warnings) = (read.items.clone(), read.warnings.clone());
        let again = Feed { items, warnings, truncated: read.truncated, ..again };
        assert_eq!(again, Feed { new_feed_url: None, ..read.clone() }, "{name}");
    }
}

#[test]
fn to_annotate_again_changes_nothing() {
    for Pair { name, after, additions, .. } in &*PAIRS {
        let again = feed::annotate(after, None, Some(&Url::parse(COPY).unwrap()), additions).unwrap();
        assert!(again == *after, "{name}");
    }
}

/// What feedparser and expat say of a pair; see `tests/support/second_reader.py`.
#[derive(Debug, Deserialize)]
struct SecondOpinion {
    name: String,
    strict: bool,
    ill_formed: Option<String>,
    sources: Option<Vec<String>>,
    titles: Vec<Option<String>>,
    feed: Vec<(String, serde_json::Value, serde_json::Value)>,
    entries: Vec<(Option<usize>, String, serde_json::Value, serde_json::Value)>,
}

fn written(pairs: &[Pair]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for pair in pairs {
        fs::write(folder.path().join(format!("{}.before", pair.name)), &pair.before).unwrap();
        fs::write(folder.path().join(format!("{}.after", pair.name)), &pair.after).unwrap();
    }
    let bases: BTreeMap<_, _> = pairs.iter().map(|pair| (&pair.name, [pair.base.as_str(), COPY])).collect();
    fs::write(folder.path().join("bases.json"), serde_json::to_string(&bases).unwrap()).unwrap();
    folder
}

fn second_opinions(pairs: &[Pair]) -> Vec<SecondOpinion> {
    let folder = written(pairs);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/second_reader.py");
    let output = Command::new("/usr/bin/python3").arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What feedparser's loose parser sees otherwise in a document that is not well-formed: texts, in which it
/// guesses letters and entities in another way, and what stands behind the root element.
const GUESSED: [&str; 8] = [
    "title",
    "title_detail",
    "subtitle",
    "subtitle_detail",
    "summary",
    "summary_detail",
    "content",
    "script",
];

#[test]
fn feedparser_sees_the_same_and_expat_objects_to_nothing() {
    let pairs = &*PAIRS;
    let opinions = second_opinions(pairs);
    assert_eq!(opinions.len(), pairs.len());
    for (opinion, pair) in opinions.iter().zip(pairs) {
        let name = &opinion.name;
        assert_eq!((name, &opinion.ill_formed), (&pair.name, &None));
        // feedparser does not know live items.
        let items: Vec<&Item> = pair.read.items.iter().filter(|item| !item.live).collect();
        assert_eq!(opinion.titles.len(), items.len(), "{name}");
        if let Some(sources) = &opinion.sources {
            let sources: Vec<&String> = sources.iter().filter(|uri| is_ours(uri)).collect();
            let read = feed::read(&pair.after, None, None).unwrap();
            let added = read.items.iter().flat_map(|item| &item.enclosures);
            let added: Vec<&String> = added.map(|added| &added.url).filter(|uri| is_ours(uri)).collect();
            assert_eq!(sources, added, "{name}");
        }
        if opinion.strict {
            assert!(opinion.feed.is_empty() && opinion.entries.is_empty(), "{opinion:#?}");
            continue;
        }
        for (number, key, before, after) in &opinion.entries {
            // Where the loose parser counts otherwise, it sees an item that is cut off, or quoted.
            let Some(number) = number else { continue };
            assert!(GUESSED.contains(&key.as_str()), "{name}: {key}: {before} became {after}");
            let title = opinion.titles[*number].as_deref().unwrap_or_default();
            assert_eq!(title, items[*number].title, "{name}");
        }
        let others = opinion.feed.iter().find(|(key, ..)| !GUESSED.contains(&key.as_str()));
        assert_eq!(others, None, "{name}");
    }
}

/// What libxml2 says against documents; nothing where it accepts them.
fn xmllint(folder: &Path, names: &[String]) -> String {
    let output = Command::new("xmllint").arg("--noout").args(names).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), !text.contains("parser error"), "{text}");
    text
}

#[test]
fn libxml2_accepts_every_result() {
    let pairs = &*PAIRS;
    let folder = written(pairs);
    let names: Vec<String> = pairs.iter().map(|pair| format!("{}.after", pair.name)).collect();
    let objections = xmllint(folder.path(), &names);
    assert!(!objections.contains("error"), "{objections}");
}

/// What is taken out of a feed that is published elsewhere, as the feeds of the sets write it.
fn without_what_is_for_home_only(document: &[u8]) -> Vec<u8> {
    let home_only = concat!(
        r"(?s-u)<itunes:new-feed-url>[^<]*</itunes:new-feed-url>|",
        r#"<([a-z0-9]+:)?link[^>]*\brel=["']hub["'][^>]*/>|<cloud [^>]*/>|<podcast:podping[^>]*/>|"#,
        r#"<!DOCTYPE html PUBLIC[^>]*site\.invalid/">"#
    );
    regex::bytes::Regex::new(home_only).unwrap().replace_all(document, &b""[..]).into_owned()
}

#[test]
fn of_a_well_formed_feed_every_byte_stays_but_for_what_is_put_in() {
    let folder = written(&PAIRS);
    let ours = concat!(
        r#"(?-u) xmlns:podcast="https://podcastindex.org/namespace/1.0"|"#,
        r#"<podcast2?:alternateEnclosure[^>]*><podcast2?:source uri="https://mirror.test/.*?</podcast2?:alternateEnclosure>"#
    );
    let ours = regex::bytes::Regex::new(ours).unwrap();
    let mut well_formed = 0;
    for Pair { name, before, additions, .. } in &*PAIRS {
        let is_gzip = before.starts_with(b"\x1f\x8b");
        if is_gzip || xmllint(folder.path(), &[format!("{name}.before")]).contains("error") {
            continue;
        }
        well_formed += 1;
        let nothing = feed::annotate(before, None, None, &Additions::default()).unwrap();
        let expected = without_what_is_for_home_only(before);
        assert!(nothing == expected, "{name}");
        let additions = Additions { address: String::new(), ..additions.clone() };
        let something = feed::annotate(before, None, None, &additions).unwrap();
        // UTF-16 is told from bytes by its mark; there the elements are looked for as they are written.
        if before.starts_with(b"\xff\xfe") || before.starts_with(b"\xfe\xff") {
            continue;
        }
        let emptied = ours.replace_all(&something, &b""[..]);
        let expected = ours.replace_all(&expected, &b""[..]);
        assert!(emptied == expected, "{name}");
    }
    assert!(well_formed * 3 >= PAIRS.len());
}

#[test]
fn mangled_feeds_come_out_as_xml_with_the_items_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x2026_1122);
    let mut names = Vec::new();
    for (file, (base, original)) in documents().iter().filter(|(_, (_, bytes))| bytes.len() < 64 * 1024) {
        for round in 0..20 {
            let mut bytes = original.clone();
            for _ in 0..=dice.below(4) {
                if !bytes.is_empty() {
                    mutate(&mut bytes, &mut dice);
                }
            }
            let Ok(read) = feed::read(&bytes, None, Some(base)) else { continue };
            let after = feed::annotate(&bytes, None, Some(base), &additions(&read)).unwrap();
            let again = feed::read(&after, None, Some(&Url::parse(COPY).unwrap())).unwrap();
            let items: Vec<Item> = again.items.iter().map(without_ours).collect();
            let name = format!("{file}.{round}");
            fs::write(folder.path().join(&name), &after).unwrap();
            assert_eq!(items, read.items, "{name}: {}", String::from_utf8_lossy(&bytes));
            names.push(name);
        }
    }
    assert!(names.len() >= 300, "{}", names.len());
    let objections = xmllint(folder.path(), &names);
    // A namespace that was mangled is still one; libxml2 wants it to be an address.
    let is_serious = |line: &&str| line.contains(" error : ") && !line.ends_with("is not a valid URI");
    assert_eq!(objections.lines().find(is_serious), None);
}
