//! States that released versions have left: each opens in this one, nothing of it is lost, and nothing is fetched
//! again.
//!
//! `schema-N` is what a real program of that time has made: the state as SQL, the torrents, and what its `status`
//! said. CONTRIBUTING.md says how to add one at a release.

mod fixture;
mod migration;
mod record;

use std::collections::BTreeMap;

use podseed_adapters::testing::{Tracker, Transmission};
use serde_json::Value;

use fixture::{Fixture, scenario};

/// The schemas of released versions, and of those on the way to the first release.
const SCHEMAS: [u32; 2] = [1, 3];

/// What `status` says of each file, by its address, as far as it is the same whoever asks.
fn files(status: &Value) -> BTreeMap<String, Value> {
    let shows = status["shows"].as_array().unwrap().iter();
    let episodes = shows.flat_map(|show| show["episodes"].as_array().unwrap());
    let files = episodes.flat_map(|episode| episode["enclosures"].as_array().unwrap());
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for file in files {
        let kept = ["stage", "file", "torrent", "info_hash", "magnet", "length"];
        let facts: BTreeMap<&str, &Value> = kept.iter().map(|key| (*key, &file[*key])).collect();
        let states = file["placements"].as_array().unwrap().iter();
        let states: Vec<_> = states.map(|placement| (&placement["client"], &placement["state"])).collect();
        let key = format!("{} {}", file["url"].as_str().unwrap(), file["file"]);
        known.insert(key, serde_json::json!({"facts": facts, "states": states}));
    }
    known
}

#[tokio::test]
async fn every_released_state_opens_and_nothing_is_lost_or_fetched_again() {
    for schema in SCHEMAS {
        let (client, tracker) = (Transmission::start().unwrap(), Tracker::start(&[]).unwrap());
        let world = scenario(&client, &tracker).await;
        let fixture = Fixture::restore(schema, &world, &tracker).await;
        let before = fixture.rows(&world).await;

        let early = world.podseed(&["status"]);
        assert_eq!(early.code, 1, "{}", early.stdout);
        assert!(early.stderr.contains("`podseed run` brings it up to date"), "{}", early.stderr);

        let ran = world.podseed(&["run", "--wait", "20 s"]);
        assert_eq!(ran.code, 3, "what had failed fails again: {}", ran.stderr);
        let copy = world.path(&format!("data/state.db.before-{}", schema + 1));
        let said = format!("what it was is kept in {}", copy.display());
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);

        let expected = files(&fixture.status);
        let mut found = files(&world.status());
        // The one that was unfinished has been fetched to its end; a file of rules that came later is no loss.
        found.retain(|key, _| expected.contains_key(key));
        assert_eq!(found, expected, "schema {schema}: {}", ran.stderr);
        for path in ["/one.mp3", "/two.mp3", "/four.mp3", "/five.mp3"] {
            assert_eq!(
                world.origin.requests_for(path).len(),
                0,
                "schema {schema}: {path} was asked for again"
            );
        }
        let after = fixture.rows(&world).await;
        for (table, rows) in before {
            assert!(
                after[&table] >= rows,
                "schema {schema}: {table} had {rows} rows, and has {}",
                after[&table]
            );
        }
        assert!(world.path("data/site/show/torrents/two.mp3.torrent").exists(), "schema {schema}");
        assert_eq!(fixture::schema_of(&copy).await, i64::from(schema), "the copy is what was");
        let again = world.podseed(&["run", "--wait", "20 s"]);
        assert!(!again.stderr.contains("brought up to date"), "{}", again.stderr);
        assert_eq!(world.podseed(&["report"]).code, 0);
        assert_eq!(world.podseed(&["why", "One"]).code, 0);
    }
}
