//! `podcast.xml`: the publisher's feeds with our additions, read again by our reader, by feedparser, by expat and
//! by libxml2. The feeds are those of `tests/feeds`, and of the folder that `PODSEED_FEEDS` names.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use podseed::feed::{self, Additions, Alternate};
use podseed::model::{Enclosure, Feed, Item, Role};
use serde::Deserialize;
use url::Url;

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
    Additions { address: COPY.to_owned(), alternates }
}

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
    let pairs = pairs();
    assert!(pairs.len() >= 25);
    for Pair { name, read, after, additions, .. } in &pairs {
        let again = feed::read(after, None, Some(&Url::parse(COPY).unwrap())).unwrap();
        let items: Vec<Item> = again.items.iter().map(without_ours).collect();
        assert_eq!(items, read.items, "{name}");
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
    for Pair { name, after, additions, .. } in pairs() {
        let again = feed::annotate(&after, None, Some(&Url::parse(COPY).unwrap()), &additions).unwrap();
        assert!(again == after, "{name}");
    }
}

/// What feedparser and expat say of a pair; see `tests/support/second_reader.py`.
#[derive(Debug, Deserialize)]
struct SecondOpinion {
    name: String,
    strict: bool,
    bozo: String,
    ill_formed: Option<String>,
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

#[test]
fn feedparser_sees_the_same_and_expat_objects_to_nothing() {
    let pairs = pairs();
    let opinions = second_opinions(&pairs);
    assert_eq!(opinions.len(), pairs.len());
    for opinion in &opinions {
        println!("{} strict {} ill {:?} {}", opinion.name, opinion.strict, opinion.ill_formed, opinion.bozo);
        for (key, a, b) in &opinion.feed {
            println!("   F {key}: {} ||| {}", short(a), short(b));
        }
        for (n, key, a, b) in opinion.entries.iter().take(8) {
            println!("   E {n:?} {key}: {} ||| {}", short(a), short(b));
        }
    }
}

fn short(v: &serde_json::Value) -> String {
    v.to_string().chars().take(200).collect()
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
    let pairs = pairs();
    let folder = written(&pairs);
    let names: Vec<String> = pairs.iter().map(|pair| format!("{}.after", pair.name)).collect();
    let objections = xmllint(folder.path(), &names);
    assert!(!objections.contains("error"), "{objections}");
}
