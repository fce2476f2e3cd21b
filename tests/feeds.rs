//! Reading feeds: what must come out of the feeds in `tests/feeds`, and of a larger set named by
//! `PODSEED_FEEDS`, whose feeds are other people's and not part of the project.
//!
//! Each file of `tests/feeds` was written to show one thing that real feeds do; `expected.json` says what
//! must come out: `must` is `parse`, `may-refuse` or `reject`, the items stand in the order of the document.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use podseed::feed;
use podseed::model::{Feed, Item, Role};
use serde::Deserialize;
use url::Url;

/// What must come out of one document.
#[derive(Deserialize)]
struct Expectation {
    must: Must,
    items: Vec<ExpectedItem>,
    #[serde(default)]
    must_not: Vec<String>,
    /// The bytes are damaged: titles are not compared.
    #[serde(default)]
    title_loose: bool,
    /// Where the feed came from.
    feed_url: Option<Url>,
    /// Whether `published` is stated.
    #[serde(default)]
    dates: bool,
    #[serde(default)]
    flags: Vec<String>,
    paging: Option<Paging>,
    channel: Option<Channel>,
}

#[derive(Deserialize)]
struct Paging {
    next: String,
}

#[derive(Deserialize)]
struct Channel {
    new_feed_url: String,
    locked: bool,
    license: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Must {
    Parse,
    MayRefuse,
    Reject,
}

#[derive(Deserialize)]
struct ExpectedItem {
    guid: Option<String>,
    title: Option<String>,
    enclosures: Vec<ExpectedEnclosure>,
    #[serde(default)]
    live: bool,
    published: Option<String>,
}

#[derive(Deserialize)]
struct ExpectedEnclosure {
    url: String,
    length: Option<u64>,
    #[serde(rename = "type")]
    media_type: Option<String>,
    role: String,
}

/// What is wrong with one document.
#[derive(Debug, Default)]
struct Verdict {
    faults: Vec<String>,
    missing: usize,
    refused: bool,
}

impl Verdict {
    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }
}

fn judge(expected: &Expectation, read: Result<Feed, feed::Error>) -> Verdict {
    let mut verdict = Verdict::default();
    match (read, &expected.must) {
        (Err(_), Must::Reject | Must::MayRefuse) => {}
        (Err(error), Must::Parse) => {
            verdict.refused = true;
            verdict.fault(format!("refused: {error}"));
        }
        (Ok(feed), Must::Reject) if !feed.items.is_empty() => verdict.fault("accepted"),
        (Ok(_), Must::Reject | Must::MayRefuse) => {}
        (Ok(feed), Must::Parse) => compare(expected, &feed, &mut verdict),
    }
    verdict
}

fn compare(expected: &Expectation, feed: &Feed, verdict: &mut Verdict) {
    let wanted: Vec<_> = expected.items.iter().filter(|item| !item.live).collect();
    let found: Vec<_> = feed.items.iter().filter(|item| !item.live).collect();
    compare_enclosures(expected, &wanted, &found, verdict);
    if wanted.len() != found.len() {
        return verdict.fault(format!("{} items, {} wanted", found.len(), wanted.len()));
    }
    for (wanted, found) in wanted.iter().zip(&found) {
        if plain(wanted.guid.as_deref()) != plain(found.guid.as_deref()) {
            verdict.fault(format!("guid {:?}, wanted {:?}", found.guid, wanted.guid));
        }
        if !expected.title_loose && plain(wanted.title.as_deref()) != plain(Some(&found.title)) {
            verdict.fault(format!("title {:?}, wanted {:?}", found.title, wanted.title));
        }
        if expected.dates && wanted.published != found.date.map(|date| date.to_string()) {
            verdict.fault(format!("{:?}: date {:?}, wanted {:?}", found.title, found.date, wanted.published));
        }
    }
    if let Some(paging) = &expected.paging
        && feed.next_page.as_ref() != Some(&paging.next)
    {
        verdict.fault(format!("next page {:?}, wanted {:?}", feed.next_page, paging.next));
    }
    if let Some(channel) = &expected.channel {
        let wanted = (Some(&channel.new_feed_url), channel.locked, Some(&channel.license));
        let found = (feed.new_feed_url.as_ref(), feed.locked, feed.licence.as_ref());
        if wanted != found {
            verdict.fault(format!("the show says {found:?}, wanted {wanted:?}"));
        }
    }
    if expected.flags.iter().any(|flag| flag == "truncated") && !feed.truncated {
        verdict.fault("not marked as truncated");
    }
}

fn compare_enclosures(
    expected: &Expectation,
    wanted: &[&ExpectedItem],
    found: &[&Item],
    verdict: &mut Verdict,
) {
    let all: Vec<String> = expected
        .items
        .iter()
        .flat_map(|item| &item.enclosures)
        .map(|wanted| comparable(&wanted.url))
        .collect();
    let wanted: Vec<String> = wanted
        .iter()
        .flat_map(|item| &item.enclosures)
        .filter(|wanted| wanted.role == "enclosure")
        .map(|wanted| comparable(&wanted.url))
        .collect();
    let found: Vec<String> = found
        .iter()
        .flat_map(|item| &item.enclosures)
        .filter(|found| found.role == Role::Enclosure)
        .map(|found| comparable(&found.url))
        .collect();
    for url in wanted.iter().filter(|url| !found.contains(url)) {
        verdict.missing += 1;
        verdict.fault(format!("enclosure missing: {url}"));
    }
    for url in found.iter().filter(|url| !all.contains(url)) {
        verdict.fault(format!("enclosure invented: {url}"));
    }
    for url in expected.must_not.iter().filter(|url| found.contains(&comparable(url))) {
        verdict.fault(format!("must not be listed: {url}"));
    }
}

/// A URL in one form, whether it is written as in the feed or as it is requested.
fn comparable(url: &str) -> String {
    Url::parse(url.trim()).map_or_else(|_| url.trim().replace(' ', "%20"), String::from)
}

/// White space and what is forbidden in XML as one space; empty as nothing.
fn plain(text: Option<&str>) -> Option<String> {
    let text = text?.replace(|c: char| c.is_control() || matches!(c, '\u{fffd}' | '\u{fffe}'), " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

fn expectations(folder: &Path) -> BTreeMap<String, Expectation> {
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn judge_all(folder: &Path) -> BTreeMap<String, Verdict> {
    let judge_one = |(file, expected): (String, Expectation)| {
        let bytes = fs::read(folder.join(&file)).unwrap();
        let verdict = judge(&expected, feed::read(&bytes, None, expected.feed_url.as_ref()));
        (file, verdict)
    };
    expectations(folder).into_iter().map(judge_one).collect()
}

fn own_feeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feeds")
}

#[test]
fn every_feed_of_the_project_is_read_as_it_must_be() {
    let verdicts = judge_all(&own_feeds());
    assert!(verdicts.len() >= 25);
    let wrong: Vec<_> = verdicts.iter().filter(|(_, verdict)| !verdict.faults.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_larger_set_loses_no_enclosure_and_no_feed() {
    let Some(folder) = std::env::var_os("PODSEED_FEEDS").map(PathBuf::from) else {
        eprintln!("skipped: PODSEED_FEEDS names no folder");
        return;
    };
    let verdicts = judge_all(&folder);
    let wrong: Vec<_> = verdicts.iter().filter(|(_, verdict)| !verdict.faults.is_empty()).collect();
    assert!(verdicts.values().all(|verdict| verdict.missing == 0 && !verdict.refused), "{wrong:#?}");
    assert!(wrong.len() * 174 <= verdicts.len() * 2, "{} of {}: {wrong:#?}", wrong.len(), verdicts.len());
}

#[test]
fn type_and_length_of_every_enclosure_are_read_in_every_role() {
    for (file, expected) in expectations(&own_feeds()) {
        if expected.must != Must::Parse {
            continue;
        }
        let bytes = fs::read(own_feeds().join(&file)).unwrap();
        let feed = feed::read(&bytes, None, expected.feed_url.as_ref()).unwrap();
        for (wanted, found) in expected.items.iter().zip(&feed.items) {
            let wanted = wanted.enclosures.iter().filter(|wanted| !wanted.url.starts_with("ipfs:"));
            let wanted: Vec<_> = wanted
                .map(|e| (comparable(&e.url), e.media_type.as_deref(), e.length, e.role.as_str()))
                .collect();
            let found: Vec<_> = found
                .enclosures
                .iter()
                .map(|e| (comparable(&e.url), e.media_type.as_deref(), e.length, e.role.as_str()))
                .collect();
            assert_eq!(wanted, found, "{file}");
        }
    }
}

/// A generator without randomness (xorshift): the same mutations in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }
}

/// What markup is made of, to be put where it does not belong.
const SPLINTERS: [&[u8]; 12] =
    [b"<", b">", b"\"", b"'", b"&", b"<![CDATA[", b"]]>", b"<!--", b"</item>", b"<item>", b"\xff\xfe", b"\0"];

pub(crate) fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(5) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << dice.below(8),
        2 => drop(bytes.drain(at..(at + dice.below(40)).min(bytes.len()))),
        3 => drop(bytes.splice(at..at, SPLINTERS[dice.below(SPLINTERS.len())].iter().copied())),
        _ => {
            let piece = bytes[at..(at + dice.below(400)).min(bytes.len())].to_vec();
            let to = dice.below(bytes.len());
            drop(bytes.splice(to..to, piece));
        }
    }
}

#[test]
fn no_damage_makes_the_reader_panic_or_name_a_local_file() {
    let base = Url::parse("https://radio.test/feed").unwrap();
    let mut dice = Dice(0x2026_1122);
    for file in expectations(&own_feeds()).keys() {
        let original = fs::read(own_feeds().join(file)).unwrap();
        for _ in 0..60 {
            let mut bytes = original.clone();
            for _ in 0..=dice.below(4) {
                if !bytes.is_empty() {
                    mutate(&mut bytes, &mut dice);
                }
            }
            let Ok(feed) = feed::read(&bytes, None, Some(&base)) else { continue };
            let warnings = &feed.warnings;
            assert!(
                !warnings.iter().any(|warning| warning.contains("texts")),
                "a crate refused: {warnings:?}"
            );
            let mut urls =
                feed.items.iter().flat_map(|item| &item.enclosures).map(|enclosure| &enclosure.url);
            assert!(urls.all(|url| !url.starts_with("file:")), "{file}");
        }
    }
}

#[test]
fn every_beginning_of_a_feed_is_read_without_inventing_anything() {
    for file in ["labo__guid_cases.xml", "labo__atom_multi_enclosure.xml", "labo__media_rss_only.xml"] {
        let bytes = fs::read(own_feeds().join(file)).unwrap();
        let whole = feed::read(&bytes, None, None).unwrap();
        for end in 0..bytes.len() - 20 {
            let Ok(part) = feed::read(&bytes[..end], None, None) else { continue };
            assert!(part.truncated, "{file} up to {end}");
            assert_eq!(part.items, whole.items[..part.items.len()], "{file} up to {end}");
        }
    }
}
