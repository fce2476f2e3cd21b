//! What the budget may drop is decided on what was read; what was recorded since has its say.

use super::*;
use crate::model::budget::Dropped;
use crate::model::{Counter, EnclosureId, Peers, Reading, Source};

const HASH: &str = "0123456789012345678901234567890123456789";

/// One fetched file with a torrent that one client seeds.
async fn seeded(store: &Store) -> EnclosureId {
    show_in_pass(store, &feed(&[(Some("a"), &["http://h/1.mp3"])])).await;
    let job = store.claim_download(1, now(), false, &[], false).await.unwrap().unwrap();
    let hash = InfoHashes::V1(HASH.parse().unwrap());
    store.record_downloaded(job.id).await.unwrap();
    store.record_torrent(job.id, &hash, "magnet:", &["nas".to_owned()]).await.unwrap();
    change(store, "UPDATE enclosures SET file = '1.mp3', file_key = '1.mp3', length = 9, stage = 'seeding'")
        .await;
    change(store, "UPDATE placements SET state = 'seeding', added = TRUE").await;
    job.id
}

async fn change(store: &Store, statement: &'static str) {
    sqlx::query(statement).execute(&store.pool).await.unwrap();
}

async fn others(store: &Store, now: Timestamp) -> Option<u64> {
    let view = BudgetView { clients: &["nas"].into(), claimed: None };
    store.budget_files(view, now).await.unwrap()[0].others
}

async fn drop_it(store: &Store, id: EnclosureId) -> bool {
    let dropped = [Dropped { id, why: "keep.latest: too many".to_owned() }];
    !store.record_budget(&dropped, &[], now()).await.unwrap().is_empty()
}

#[tokio::test]
async fn what_has_changed_since_it_was_judged_is_not_dropped() {
    let cases = [
        ("UPDATE shows SET error = NULL", true),
        ("UPDATE placements SET state = 'pending'", false),
        ("UPDATE placements SET state = 'pending', next_attempt = 1900000000", true),
        ("UPDATE placements SET state = 'failed', next_attempt = 1700000000", false),
        ("UPDATE placements SET state = 'stopped', next_attempt = 1700000000", false),
        ("UPDATE placements SET state = 'failed', next_attempt = NULL", true),
        ("UPDATE placements SET state = 'checking'", false),
        ("UPDATE placements SET state = 'waiting'", false),
        ("UPDATE placements SET state = 'delivered'", false),
        ("UPDATE enclosures SET forgotten = TRUE", false),
        ("UPDATE enclosures SET own_path = '/srv/1.mp3'", false),
        ("UPDATE enclosures SET stage = 'downloaded'", false),
        ("UPDATE enclosures SET stage = 'withdrawn'", false),
    ];
    for (change_since, goes) in cases {
        let (_dir, store) = empty().await;
        let id = seeded(&store).await;
        change(&store, change_since).await;
        assert_eq!(drop_it(&store, id).await, goes, "{change_since}");
        assert!(!drop_it(&store, id).await, "{change_since}: twice is once");
    }
}

#[tokio::test]
async fn nothing_is_deleted_before_every_client_has_let_go_nor_what_another_file_is_named() {
    let (_dir, store) = empty().await;
    let id = seeded(&store).await;
    change(
        &store,
        "INSERT INTO placements (enclosure_id, client, state) SELECT id, 'gone', 'seeding' FROM enclosures",
    )
    .await;
    assert!(drop_it(&store, id).await);
    for client in ["nas", "gone"] {
        assert_eq!(store.expired_files().await.unwrap(), [], "{client} has it");
        let placements = store.expired_placements(client).await.unwrap();
        store.record_removed(placements[0]).await.unwrap();
    }
    let [deletion] = &store.expired_files().await.unwrap()[..] else { panic!("it is to be deleted") };
    assert_eq!((deletion.file.as_str(), deletion.length, deletion.is_shared), ("1.mp3", 9, false));
    // The publisher's own torrent has taken its name, in another case.
    change(
        &store,
        "INSERT INTO enclosures (show_id, url, comparable_url, host, discovered, file, file_key)
         SELECT show_id, url, 'other', host, discovered, '1.MP3', 'other' FROM enclosures",
    )
    .await;
    assert!(store.expired_files().await.unwrap()[0].is_shared);
    // The takedown of the user needs no more asking, and the budget leaves it to that.
    let all = Takedown { shows: vec!["s".to_owned()], episodes: Vec::new() };
    store.withdraw(&all, true, now()).await.unwrap();
    assert_eq!(store.expired_files().await.unwrap(), []);
}

#[tokio::test]
async fn a_client_that_was_left_with_a_torrent_keeps_its_data() {
    let (_dir, store) = empty().await;
    let id = seeded(&store).await;
    assert!(drop_it(&store, id).await);
    let placement = store.expired_placements("nas").await.unwrap()[0];
    store.record_left(placement).await.unwrap();
    assert_eq!(store.expired_files().await.unwrap(), []);
}

#[tokio::test]
async fn what_is_brought_back_has_its_data_or_is_fetched_again() {
    for (deleted, stage) in [(false, Stage::Downloaded), (true, Stage::Discovered)] {
        let (_dir, store) = empty().await;
        let id = seeded(&store).await;
        assert!(drop_it(&store, id).await);
        if deleted {
            store.record_deleted(id, "gone", now()).await.unwrap();
        }
        let found = store.episodes_of_show("s").await.unwrap();
        assert!(store.retry(&found, now()).await.unwrap() > 0);
        let shows = store.status(Some("s")).await.unwrap();
        assert_eq!(shows[0].episodes[0].enclosures[0].stage, stage);
        assert_eq!(store.expired_files().await.unwrap(), []);
    }
}

#[tokio::test]
async fn others_are_whom_a_tracker_has_told_of_lately_without_our_own_clients() {
    let (_dir, store) = empty().await;
    let id = seeded(&store).await;
    assert_eq!(others(&store, now()).await, None, "nobody has told");
    let tracker: Source = "tracker http://t/announce".parse().unwrap();
    for (seeders, others_then) in [(0, 0), (1, 0), (3, 2)] {
        let peers = Some(Peers { seeders, leechers: 9 });
        let reading = Reading { enclosure: id, value: 0, began: None, peers };
        let rule = |_: Option<&Counter>, _: &Reading, _| (Counter::default(), 0);
        store.record_readings(&tracker, &[reading], &rule, now()).await.unwrap();
        assert_eq!(others(&store, now()).await, Some(others_then), "{seeders} seeders");
    }
    let long_after = Timestamp::from_second(now().as_second() + 9 * 86_400).unwrap();
    assert_eq!(others(&store, long_after).await, None, "that was long ago");
}
