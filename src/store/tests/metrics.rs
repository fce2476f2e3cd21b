//! Figures for monitoring: what triggers have counted is what there is.

use super::*;
use crate::model::{Counter, EnclosureId, Looks, PlacementCount, Reading, Source, StageCounts, Traffic};

const CLIENTS: [&str; 2] = ["nas", "box"];

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).unwrap()
}

fn report(state: PlacementState) -> PlacementReport {
    PlacementReport { state, memory: Default::default(), uploaded_bytes: None, problem: None }
}

/// Three episodes of one show: one known from the beginning, one published a thousand seconds later and read two
/// hundred seconds after that, one that stays unread by clients.
async fn three_episodes(store: &Store) -> ShowId {
    let old = feed(&[(Some("old"), &["http://h/1.mp3"])]);
    let show = show_in_pass(store, &old).await;
    let mut all = feed(&[
        (Some("new"), &["http://h/2.mp3"]),
        (Some("last"), &["http://h/3.mp3"]),
        (Some("old"), &["http://h/1.mp3"]),
    ]);
    all.items[0].date = Some(later(1000));
    all.items[2].date = Some(Timestamp::UNIX_EPOCH);
    store.record_items(show, &all, true, later(1200)).await.unwrap();
    want_all(store, show).await;
    show
}

/// The file of this address gets a torrent, and then a client says this of it.
async fn placed(store: &Store, url: &str, state: PlacementState, at: Timestamp) {
    let id: i64 = sqlx::query_scalar("SELECT id FROM enclosures WHERE url = $1")
        .bind(url)
        .fetch_one(&store.pool)
        .await
        .unwrap();
    let hash = InfoHashes::V1(format!("{id:040}").parse().unwrap());
    let clients = CLIENTS.map(str::to_owned);
    store.record_torrent(EnclosureId(id), &hash, "magnet:", &clients).await.unwrap();
    let job = claimed(store, 1, None, "nas").await.unwrap();
    store.record_placement(&job, &report(state), at).await.unwrap();
}

#[tokio::test]
async fn an_episode_counts_from_its_publication_or_from_when_its_show_was_met() {
    let (_dir, store) = empty().await;
    three_episodes(&store).await;
    placed(&store, "http://h/1.mp3", PlacementState::Seeding, later(250)).await;
    placed(&store, "http://h/2.mp3", PlacementState::Seeding, later(1000 + 50)).await;
    let seeding = store.metrics().await.unwrap().publication_to_seeding;
    assert_eq!((seeding.count, seeding.sum), (2, 250 + 50));
    assert_eq!(seeding.classes[..3], [(60, 1), (300, 2), (900, 2)]);
    // A second client, or the same one again, changes nothing.
    let job = claimed(&store, 1, None, "box").await.unwrap();
    store.record_placement(&job, &report(PlacementState::Seeding), later(9000)).await.unwrap();
    assert_eq!(store.metrics().await.unwrap().publication_to_seeding, seeding);
}

#[tokio::test]
async fn stages_placements_and_bytes_are_counted_as_they_change() {
    let (_dir, store) = empty().await;
    let show = three_episodes(&store).await;
    placed(&store, "http://h/1.mp3", PlacementState::Seeding, later(250)).await;
    placed(&store, "http://h/2.mp3", PlacementState::Failed, later(300)).await;
    let rise = |_: Option<&Counter>, reading: &Reading, _: Looks| {
        (Counter { level: reading.value, began: None, fallen: None }, reading.value)
    };
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM enclosures ORDER BY id").fetch_all(&store.pool).await.unwrap();
    for (value, at) in [(40, now()), (2, later(60)), (500, later(90_000))] {
        let enclosure = EnclosureId(ids[0]);
        let reading = Reading { enclosure, value, began: None, peers: None };
        store.record_readings(&Source::Client("nas".to_owned()), &[reading], &rise, at).await.unwrap();
    }
    let polled = FeedRecord {
        etag: None,
        last_modified: None,
        moved_to: None,
        next_poll: Some(later(3600)),
        traffic: Traffic { requests: 2, bytes: 3000 },
    };
    let mut recording = store.recording().await.unwrap();
    recording.record_poll(show, None, &polled, later(60)).await.unwrap();
    recording.commit().await.unwrap();
    sqlx::query("UPDATE enclosures SET bytes = 700, requests = 3").execute(&store.pool).await.unwrap();
    sqlx::query("UPDATE placements SET proven = 1 WHERE client = 'nas' AND state = 'seeding'")
        .execute(&store.pool)
        .await
        .unwrap();

    let metrics = store.metrics().await.unwrap();
    assert_eq!(metrics.served, [("nas".to_owned(), 542)]);
    let Traffic { requests, bytes } = polled.traffic;
    let fetched = (metrics.fetched.feed_bytes, metrics.fetched.media_bytes, metrics.fetched.requests);
    assert_eq!(fetched, (bytes, 3 * 700, requests + 3 * 3));
    assert_eq!(metrics.shows[0].last_good_poll, Some(later(60)));
    assert_eq!(metrics.due, [("poll", later(3600))]);
    assert_eq!((metrics.proofs[0].proven, metrics.proofs[0].refused), (1, 0));
    assert_eq!(metrics.stages, counted_stages(&store).await);
    assert_eq!(counted_placements(&metrics.placements), placements_by_hand(&store).await);

    // And what goes is not counted any more.
    store.ensure_placements(&[show], &["nas".to_owned()]).await.unwrap();
    let found = store.episodes_of_show("s").await.unwrap();
    store.forget(&found, later(400)).await.unwrap();
    let metrics = store.metrics().await.unwrap();
    assert_eq!(metrics.stages.values().sum::<u64>(), 0);
    assert_eq!(counted_placements(&metrics.placements), placements_by_hand(&store).await);
}

async fn counted_stages(store: &Store) -> StageCounts {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT stage, COUNT(*) FROM enclosures WHERE NOT forgotten AND (wanted OR file IS NOT NULL) GROUP BY stage",
    )
    .fetch_all(&store.pool)
    .await
    .unwrap();
    let counted: StageCounts =
        rows.into_iter().map(|(stage, count)| (stage.parse().unwrap(), unsigned(count))).collect();
    assert!(counted.len() > 1, "a test of one stage tells little: {counted:?}");
    counted
}

fn counted_placements(counts: &[PlacementCount]) -> Vec<(String, String, u64)> {
    counts.iter().map(|at| (at.client.clone(), at.state.as_str().to_owned(), at.count)).collect()
}

async fn placements_by_hand(store: &Store) -> Vec<(String, String, u64)> {
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT client, state, COUNT(*) FROM placements GROUP BY client, state")
            .fetch_all(&store.pool)
            .await
            .unwrap();
    rows.into_iter().map(|(client, state, count)| (client, state, unsigned(count))).collect()
}

#[tokio::test]
async fn what_an_older_podseed_has_done_is_counted_when_its_state_is_opened() {
    let (dir, _) = empty().await;
    let path = dir.path().join("old.db");
    let old = Store::connect(&path, true, SqliteSynchronous::Full).await.unwrap();
    let released =
        crate::store::open::migrator().iter().filter(|migration| migration.version < 4).cloned().collect();
    sqlx::migrate::Migrator::with_migrations(released).run(&old.pool).await.unwrap();
    for statement in [
        "INSERT INTO shows (id, slug, feed) VALUES (1, 's', 'https://f/')",
        "INSERT INTO enclosures (id, show_id, url, comparable_url, host, discovered, wanted, stage, bytes)
         VALUES (1, 1, 'u', 'u', 'h', 0, TRUE, 'seeding', 77), (2, 1, 'v', 'v', 'h', 0, TRUE, 'failed', 3)",
        "INSERT INTO placements (enclosure_id, client, state, confirmed) VALUES (1, 'nas', 'seeding', 5)",
    ] {
        sqlx::query(statement).execute(&old.pool).await.unwrap();
    }
    old.close().await;
    let store = Store::open(&path).await.unwrap();
    let metrics = store.metrics().await.unwrap();
    assert_eq!(metrics.stages, [(Stage::Seeding, 1), (Stage::Failed, 1)].into());
    assert_eq!((metrics.fetched.media_bytes, metrics.shows[0].failed), (80, 1));
    assert_eq!(metrics.placements.len(), 1);
    assert_eq!(metrics.publication_to_seeding.count, 0, "what was seeding before is no news");
}

#[tokio::test]
async fn figures_are_read_without_reading_the_episodes() {
    let (_dir, store) = empty().await;
    for (what, statement) in crate::store::metrics::DUE {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                .fetch_all(&store.pool)
                .await
                .unwrap();
        for (.., step) in plan {
            assert!(step.contains("USING") && step.contains("INDEX"), "{what}: {step}");
        }
    }
}
