//! The catalogues and look-up files, as a program reads them.

use std::collections::BTreeMap;

use podseed::model::{PublishedShow, Standing};
use podseed::publish::Options;
use podseed::publish::catalogue::{self, Changes, enclosure_path, guid_path};
use serde_json::{Value, json};

use super::sample::{HOSTILE, episode, file, hostile_show, options, show, time};

/// A site that remembers its files.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Publishes a show and gives the number of files written and removed.
    fn publish(&mut self, show: &PublishedShow) -> (usize, usize) {
        let previous = self.0.get(&catalogue::catalogue_path(&show.slug)).cloned();
        let changes =
            catalogue::show(show, &options(), previous.as_deref(), &|path| self.0.get(path).cloned());
        self.take(changes)
    }

    fn take(&mut self, changes: Changes) -> (usize, usize) {
        let count = (changes.files.len(), changes.gone.len());
        for path in changes.gone {
            assert!(self.0.remove(&path).is_some(), "{path} was never there");
        }
        self.0.extend(changes.files.into_iter().map(|file| (file.path, file.bytes)));
        count
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(self.0.get(path).unwrap_or_else(|| panic!("no {path}"))).unwrap()
    }
}

#[test]
fn an_episode_is_found_by_its_guid_and_by_its_enclosures_address() {
    let mut files = Files::default();
    files.publish(&show("alpha", 2));
    let found = json!({"format": 1, "episodes": [{
        "show": "alpha", "guid": "guid-2", "title": "Episode 2",
        "files": [{
            "url": "https://media.example/alpha%202.mp3",
            "torrent": "https://example.org/pods/alpha/torrents/alpha%202.mp3.torrent",
            "magnet": "magnet:?xt=urn:btih:0202020202020202020202020202020202020202&dn=alpha 2.mp3",
            "info_hash": {"v1": "02".repeat(20), "v2": null},
            "length": 40_000_000,
            "sha256": "02".repeat(32),
        }],
    }]});
    // printf guid-2 | sha256sum
    let path = "by-guid/b0c6dedc61cecfc7297762f445ec6d4f16985f2b6d5e1e21b6258e7f00cba30a.json";
    assert_eq!(files.json(path), found);
    assert_eq!(files.json(&guid_path("guid-2")), found);
    assert_eq!(files.json(&enclosure_path("https://media.example/alpha%202.mp3")), found);
}

#[test]
fn a_shows_catalogue_has_everything_that_its_page_says() {
    let mut files = Files::default();
    let mut alpha = show("alpha", 1);
    let (on, until) = (time("2026-03-03T00:00:00Z"), time("2026-04-03T00:00:00Z"));
    alpha.episodes[0].files[0].standing =
        Standing::Current { since: Some(on), official: Some("https://show.example/his.torrent".to_owned()) };
    alpha.episodes[0].files.push(file("old.mp3", 9));
    alpha.episodes[0].files[1].standing = Standing::Revised { on, until };
    alpha.episodes[0].files[1].seeders.clear();
    files.publish(&alpha);
    insta::assert_snapshot!(serde_json::to_string_pretty(&files.json("alpha/catalog.json")).unwrap());
    // Who knows the former address is led to the new file.
    let lookup = files.json(&enclosure_path("https://media.example/old.mp3"));
    assert_eq!(lookup["episodes"][0]["files"].as_array().unwrap().len(), 1);
    assert_eq!(lookup["episodes"][0]["files"][0]["sha256"], "01".repeat(32));
}

#[test]
fn the_list_of_shows_leads_to_each_catalogue() {
    let shows = [show("alpha", 2).card(), hostile_show().card()];
    let index: Value = serde_json::from_slice(&catalogue::index(&shows, &options()).bytes).unwrap();
    assert_eq!(
        index["shows"][0],
        json!({
            "show": "alpha", "title": "The alpha show", "author": "Somebody", "language": "en",
            "link": "https://show.example/",
            "page": "https://example.org/pods/alpha/", "catalog": "https://example.org/pods/alpha/catalog.json",
            "torrents_feed": "https://example.org/pods/alpha/torrents.xml",
            "podcast_feed": "https://example.org/pods/alpha/podcast.xml",
        })
    );
    assert_eq!((&index["shows"][1]["title"], &index["shows"][1]["link"]), (&json!(HOSTILE), &Value::Null));
}

#[test]
fn without_an_address_everything_is_relative_to_where_it_stands() {
    let nowhere = Options { web_seed: true, ..Options::default() };
    let changes = catalogue::show(&show("alpha", 1), &nowhere, None, &|_| None);
    for file in &changes.files {
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert!(
            text.contains(r#""torrent":"../alpha/torrents/alpha%201.mp3.torrent""#),
            "{}: {text}",
            file.path
        );
    }
    assert!(
        String::from_utf8(changes.files[0].bytes.clone())
            .unwrap()
            .contains(r#""media":"../alpha/media/alpha%201.mp3""#)
    );
    let index: Value =
        serde_json::from_slice(&catalogue::index(&[show("alpha", 1).card()], &nowhere).bytes).unwrap();
    assert_eq!(index["shows"][0]["catalog"], "alpha/catalog.json");
    assert_eq!(index["shows"][0]["torrents_feed"], Value::Null);
}

#[test]
fn a_new_episode_means_two_new_files_and_another_catalogue() {
    let mut files = Files::default();
    assert_eq!(files.publish(&show("alpha", 20)), (41, 0));
    assert_eq!(files.publish(&show("alpha", 21)), (3, 0));
    assert_eq!(files.publish(&show("alpha", 21)), (1, 0));
    // Who seeds it is no concern of a look-up.
    let mut seen = show("alpha", 21);
    seen.episodes[0].files[0].seeders.clear();
    assert_eq!(files.publish(&seen), (1, 0));
    assert_eq!(files.publish(&show("alpha", 19)), (1, 4));
    assert_eq!(files.0.len(), 39);
}

#[test]
fn shows_that_share_a_guid_or_an_address_stand_in_one_file() {
    let mut files = Files::default();
    let (alpha, mut beta) = (show("alpha", 2), show("beta", 2));
    beta.episodes[0].files[0].url = alpha.episodes[0].files[0].url.clone();
    files.publish(&beta);
    files.publish(&alpha);
    let shows = |files: &Files, path: &str| -> Vec<String> {
        let lookup = files.json(path);
        lookup["episodes"].as_array().unwrap().iter().map(|episode| episode["show"].to_string()).collect()
    };
    let shared = [guid_path("guid-2"), enclosure_path(&alpha.episodes[0].files[0].url)];
    for path in &shared {
        assert_eq!(shows(&files, path), ["\"alpha\"", "\"beta\""]);
    }
    // Each takes away only what is its own.
    let previous = files.0["alpha/catalog.json"].clone();
    let changes = catalogue::withdrawn("alpha", &previous, &|path| files.0.get(path).cloned());
    files.take(changes);
    for path in &shared {
        assert_eq!(shows(&files, path), ["\"beta\""]);
    }
    assert!(!files.0.contains_key(&enclosure_path("https://media.example/alpha%201.mp3")));
    files.publish(&show("beta", 0));
    assert_eq!(
        files.0.keys().map(String::as_str).collect::<Vec<_>>(),
        ["alpha/catalog.json", "beta/catalog.json"]
    );
}

#[test]
fn a_guid_of_hundreds_of_shows_does_not_make_each_of_them_write_all_of_them() {
    let mut files = Files::default();
    for number in 0..catalogue::FULL_LOOKUP + 20 {
        files.publish(&show(&format!("show-{number:03}"), 1));
    }
    let path = guid_path("guid-1");
    let count = |files: &Files| files.json(&path)["episodes"].as_array().unwrap().len();
    assert_eq!(count(&files), catalogue::FULL_LOOKUP);
    // Who is in it stays, and is kept up to date; who leaves makes room.
    let mut first = show("show-000", 1);
    first.episodes[0].title = "Renamed".to_owned();
    files.publish(&first);
    assert_eq!(files.json(&path)["episodes"][0]["title"], "Renamed");
    files.publish(&show("show-000", 0));
    assert_eq!(count(&files), catalogue::FULL_LOOKUP - 1);
    files.publish(&show("show-200", 1));
    assert_eq!(count(&files), catalogue::FULL_LOOKUP);
}

#[test]
fn a_show_whose_episodes_all_have_one_guid_keeps_no_other_out() {
    let mut files = Files::default();
    let mut many = show("many", 0);
    many.episodes = (0..=catalogue::FULL_LOOKUP).map(|_| episode(1, vec![file("a.mp3", 1)])).collect();
    files.publish(&many);
    files.publish(&show("other", 1));
    let episodes = files.json(&guid_path("guid-1"))["episodes"].clone();
    assert!(episodes.as_array().unwrap().iter().any(|episode| episode["show"] == "other"));
}

#[test]
fn episodes_that_share_a_guid_are_all_found_by_it() {
    let mut files = Files::default();
    let mut alpha = show("alpha", 0);
    alpha.episodes = vec![episode(1, vec![file("a.mp3", 1)]), episode(1, vec![file("b.mp3", 2)])];
    files.publish(&alpha);
    assert_eq!(files.json(&guid_path("guid-1"))["episodes"].as_array().unwrap().len(), 2);
    assert_eq!(
        files.json(&enclosure_path("https://media.example/b.mp3"))["episodes"].as_array().unwrap().len(),
        1
    );
    assert_eq!(files.publish(&alpha), (1, 0));
}

#[test]
fn no_guid_and_no_address_leads_out_of_its_folder() {
    for path in [guid_path("../../etc/passwd"), enclosure_path(HOSTILE), guid_path("")] {
        let (folder, name) = path.split_once('/').unwrap();
        assert!(folder.starts_with("by-") && name.len() == 64 + ".json".len(), "{path}");
    }
    // What was there before may be damaged.
    let changes =
        catalogue::show(&hostile_show(), &options(), Some(b"{\"format\": 9"), &|_| Some(b"[]".to_vec()));
    assert_eq!((changes.files.len(), changes.gone.len()), (4, 0));
    assert_eq!(catalogue::withdrawn("alpha", b"", &|_| None), Changes::default());
}
