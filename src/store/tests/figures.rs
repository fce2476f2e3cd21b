//! Figures: counted once, kept for ever, and read for a report.

use super::*;
use crate::model::{Counter, EnclosureId, Looks, Peers, Reading, Source, SourceDay, Traffic};

const HASHES: [&str; 2] =
    ["0123456789012345678901234567890123456789", "1123456789012345678901234567890123456789"];

/// Counts every rise, from zero on.
fn rise(before: Option<&Counter>, reading: &Reading, _: Looks) -> (Counter, u64) {
    let level = before.map_or(0, |before| before.level);
    let counter = Counter { level: reading.value, began: reading.began, fallen: None };
    (counter, reading.value.saturating_sub(level))
}

/// The enclosures of this feed, each with a torrent.
async fn with_torrents(store: &Store, feed: &Feed) -> Vec<EnclosureId> {
    show_in_pass(store, feed).await;
    let mut ids = Vec::new();
    while let Some(job) = store.claim_download(1, now(), true, &[], false).await.unwrap() {
        let hash = InfoHashes::V1(HASHES[ids.len()].parse().unwrap());
        store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
        ids.push(job.id);
    }
    ids.sort_unstable();
    ids
}

fn tracker() -> Source {
    Source::Tracker("udp://t.example:6969/announce".to_owned())
}

fn client() -> Source {
    Source::Client("nas".to_owned())
}

fn reading(enclosure: EnclosureId, value: u64) -> Reading {
    Reading { enclosure, value, began: None, peers: None }
}

fn in_swarm(enclosure: EnclosureId, value: u64, seeders: u64, leechers: u64) -> Reading {
    Reading { peers: Some(Peers { seeders, leechers }), ..reading(enclosure, value) }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

#[tokio::test]
async fn gains_add_up_within_a_day_and_the_next_day_has_its_own() {
    let (_dir, store) = empty().await;
    let ids = with_torrents(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    for (at, reading) in [
        (now(), in_swarm(ids[0], 2, 5, 1)),
        (later(60), in_swarm(ids[0], 5, 3, 4)),
        (later(120), in_swarm(ids[0], 5, 0, 0)),
        (later(86_400), in_swarm(ids[0], 6, 0, 0)),
    ] {
        store.record_readings(&tracker(), &[reading], &rise, at).await.unwrap();
    }
    store.record_readings(&client(), &[reading(ids[0], 700)], &rise, now()).await.unwrap();
    let figures = store.figures(ids[0]).await.unwrap();
    let of = |source: &Source| -> Vec<_> {
        let of_source = figures.iter().filter(|day| day.source == *source);
        of_source
            .map(|SourceDay { completed, uploaded, peers, .. }| (*completed, *uploaded, *peers))
            .collect()
    };
    let most = Some(Peers { seeders: 5, leechers: 4 });
    assert_eq!(of(&tracker()), [(5, 0, most), (1, 0, Some(Peers::default()))]);
    assert_eq!(of(&client()), [(0, 700, None)]);
    assert_eq!(figures[0].day.to_string(), "2027-01-15");
    assert_eq!(
        store.status(None).await.unwrap()[0].episodes[0].enclosures[0].placements[0].uploaded_bytes,
        700
    );
    let (swarm, seen) = store.reported(None).await.unwrap()[0].files[0].swarm.unwrap();
    assert_eq!((swarm, seen), (Peers::default(), later(86_400)), "the last that was seen, and when");
}

#[tokio::test]
async fn a_rule_is_told_of_the_counter_before_and_of_the_looks_before() {
    let (_dir, store) = empty().await;
    let ids = with_torrents(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let fallen = Some(crate::model::Fallen { from: 9, since: later(-5) });
    let kept = Counter { level: 4, began: Some(later(-9)), fallen };
    let asked = std::sync::Mutex::new(Vec::new());
    let rule = |before: Option<&Counter>, _: &Reading, looks: Looks| {
        asked.lock().unwrap().push((before.copied(), looks));
        (kept, 0)
    };
    let other = Source::Client("box".to_owned());
    for (source, at) in [(&other, now()), (&client(), later(60)), (&client(), later(120))] {
        store.record_readings(source, &[reading(ids[0], 4)], &rule, at).await.unwrap();
    }
    let looks = |this, any| Looks { this, any };
    let expected = [
        (None, looks(None, None)),
        (None, looks(None, Some(now()))),
        (Some(kept), looks(Some(later(60)), Some(later(60)))),
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_tracker_is_not_asked_twice_within_the_pause() {
    let (_dir, store) = empty().await;
    let pause = |at: Timestamp| Timestamp::from_second(at.as_second() - 900).unwrap();
    for (at, expected) in [(0, true), (0, false), (899, false), (900, true), (901, false), (-5000, true)] {
        let (since, at) = (pause(later(at)), later(at));
        assert_eq!(store.ask_source(&tracker(), since, at).await.unwrap(), expected, "{at}");
    }
    assert!(store.ask_source(&client(), pause(now()), now()).await.unwrap());
}

#[tokio::test]
async fn only_what_appeared_in_a_feed_that_was_known_has_a_birthday() {
    let (_dir, store) = empty().await;
    let show = show_in_pass(&store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let mut doc = feed(&[
        (Some("d"), &["http://h/3.mp3"]),
        (Some("c"), &["http://h/2.mp3"]),
        (Some("a"), &["http://h/1.mp3"]),
    ]);
    // An old episode that comes late may have been mirrored by others long ago.
    doc.items[0].date = Some(later(-30 * 86_400));
    doc.items[1].date = Some(later(0));
    store.record_items(show, &doc, true, later(3600)).await.unwrap();
    want_all(&store, show).await;
    for hash in [HASHES[0], HASHES[1], &HASHES[0].replace('0', "f")] {
        let job = store.claim_download(1, later(3600), true, &[], false).await.unwrap().unwrap();
        store.record_torrent(job.id, &InfoHashes::V1(hash.parse().unwrap()), "magnet:", &[]).await.unwrap();
    }
    let mut counted = store.counted().await.unwrap();
    counted.sort_by_key(|counted| counted.enclosure);
    let appeared: Vec<_> = counted.iter().map(|counted| counted.appeared).collect();
    assert_eq!(appeared.len(), 3);
    assert_eq!(appeared.iter().flatten().collect::<Vec<_>>(), [&later(3600)], "{appeared:?}");
    assert_eq!(appeared[0], None, "it came with the first reading");
}

#[tokio::test]
async fn a_file_of_two_episodes_is_reported_once_and_what_was_forgotten_stays() {
    let (_dir, store) = empty().await;
    let doc = feed(&[(Some("a"), &["http://h/1.mp3", "http://h/2.mp3"]), (Some("b"), &["http://h/1.mp3"])]);
    let ids = with_torrents(&store, &doc).await;
    let cost = Traffic { requests: 2, bytes: 70 };
    store.record_traffic(ids[0], cost).await.unwrap();
    let episodes = store.episodes_of_show("s").await.unwrap();
    store.forget(&episodes, now()).await.unwrap();
    let shows = store.reported(Some("s")).await.unwrap();
    assert_eq!(shows.len(), 1);
    assert_eq!(shows[0].asked, cost);
    let files: Vec<_> = shows[0].files.iter().map(|file| (file.enclosure, file.title.as_str())).collect();
    assert_eq!(files, [(ids[0], "a"), (ids[1], "a")]);
    assert_eq!(store.counted().await.unwrap(), [], "what was forgotten is not asked about any more");
    assert_eq!(store.reported(Some("other")).await.unwrap(), []);
}

#[tokio::test]
async fn a_file_that_was_replaced_is_told_with_the_episode_of_what_has_replaced_it() {
    let (_dir, store) = empty().await;
    let ids = with_torrents(&store, &feed(&[(Some("a"), &["http://h/1.mp3", "http://h/2.mp3"])])).await;
    store.record_readings(&tracker(), &[in_swarm(ids[0], 3, 1, 0)], &rise, now()).await.unwrap();
    // As the replacement leaves it: nobody announces the former version any more.
    for statement in [
        "DELETE FROM announcements WHERE enclosure_id = $1",
        "UPDATE enclosures SET magnet = NULL, replaced_by = $2 WHERE id = $1",
    ] {
        sqlx::query(statement).bind(ids[0].0).bind(ids[1].0).execute(&store.pool).await.unwrap();
    }
    let files = store.reported(None).await.unwrap().remove(0).files;
    let told: Vec<_> = files.iter().map(|file| (file.enclosure, file.title.as_str())).collect();
    assert_eq!(told, [(ids[0], "a"), (ids[1], "a")]);
    assert_eq!(store.figures(ids[0]).await.unwrap()[0].completed, 3);
}
